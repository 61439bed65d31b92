/* rotations.c -- customers that ought to go to somebody else in time.
 *
 *	GET  /v1/rotations                  what is proposed, newest first
 *	GET  /v1/rotations/:id              one proposal: whose customers, why, and to whom
 *	GET  /v1/rotations/:id/customers    the customers of one
 *	POST /v1/rotations/:id/apply        transfer them
 *	POST /v1/rotations/:id/dismiss      or leave everything as it is
 *
 * The process beside the workers makes the proposals, each org's once a day.  The policies are in the settings, the rules in
 * sql/app/rotations.sql.
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"status",  IN_FILTER, AS_WORD, .list = true, .items = 4,  .words = "open applied dismissed lapsed", .says = "Only with one of these."},
	{"segment", IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 40, .says = "Of these segments."},
	{"staff",   IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Of the customers of these people."},
	{"cursor",  IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",   IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param one[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The proposal."},
	{0}
};

static const struct param customers[] = {
	{"id",     IN_PATH,  AS_UUID, .must = true, .says = "The proposal."},
	{"cursor", IN_QUERY, AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY, AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param apply[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The proposal."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"to",     IN_BODY, AS_UUID,  .solid = true, .says = "All to this person; left out, each to whom it is proposed for."},
	{"except", IN_BODY, AS_UUID,  .solid = true, .list = true, .items = 500, .says = "But not these customers."},
	{"reason", IN_BODY, AS_PROSE, .solid = true, .least = 1, .most = 1000, .says = "Why; those who get them read it."},
	{0}
};

static const struct param dismiss[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The proposal."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"note",            IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct route routes[] = {
	{GET,  "/v1/rotations",               "rotation_list",      find,      reply_list, 200, .says = "Lists proposals about the customers of you and those below you, newest first; of one person and segment each."},
	{GET,  "/v1/rotations/:id",           "rotation_get",       one,       reply_row,  200, .says = "Shows one: whose customers, how many for which reason, and who would get how many."},
	{GET,  "/v1/rotations/:id/customers", "rotation_customers", customers, reply_list, 200, .says = "Lists its customers, those that are due for longest first; lapsed ones went another way meanwhile."},
	{POST, "/v1/rotations/:id/apply",     "rotation_apply",     apply,     reply_row,  200, .says = "Transfers them, but for lapsed ones; 202 where a second person has to approve that."},
	{POST, "/v1/rotations/:id/dismiss",   "rotation_dismiss",   dismiss,   reply_row,  200, .says = "Leaves everything as it is; the same is not proposed again for 30 days."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "rotations",
		.workers = 1,
		.timeout_ms = 12000,
		.routes = routes,
		.step = "rotations_step"});
}
