/* holds.c -- changes that wait for a manager, and decoys.
 *
 *	GET  /v1/holds                yours and those of the people below you, newest first
 *	GET  /v1/holds/:id            one, with what it would change
 *	POST /v1/holds/:id/approve    let it go live
 *	POST /v1/holds/:id/reject     leave everything as it is
 *	GET  /v1/decoys               customers that nobody has reason to look at, and who did
 *	POST /v1/decoys               make some
 *
 * When a change begins to wait is in sql/app/holds.sql, what a decoy does in sql/app/decoys.sql.
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"status", IN_FILTER, AS_WORD, .list = true, .items = 4, .words = "pending approved rejected expired", .says = "Whether they wait, and what was decided."},
	{"staff",  IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Wanted by these people."},
	{"from",   IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",     IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param one[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The hold."},
	{0}
};

static const struct param approve[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The hold."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"note",            IN_BODY, AS_PROSE, .solid = true, .least = 1, .most = 1000, .says = "What the person shall know."},
	{0}
};

static const struct param reject[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The hold."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"note",            IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why not."},
	{0}
};

static const struct param decoys[] = {
	{"cursor", IN_QUERY, AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY, AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param make[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body makes them once."},
	{"count",           IN_BODY, AS_INT,  .must = true, .solid = true, .least = 1, .most = 50, .says = "How many."},
	{"segment",         IN_BODY, AS_TEXT, .solid = true, .least = 1, .most = 40, .says = "In this segment; without it in all that reps work in."},
	{"owner_id",        IN_BODY, AS_UUID, .solid = true, .says = "Of this rep; without it of all who work there."},
	{0}
};

static const struct route routes[] = {
	{GET,  "/v1/holds",             "hold_list",    find,    reply_list, 200, .says = "Lists changes that wait or waited: yours and those of the people below you, newest first."},
	{GET,  "/v1/holds/:id",         "hold_get",     one,     reply_row,  200, .says = "Shows one, with what it would change."},
	{POST, "/v1/holds/:id/approve", "hold_approve", approve, reply_row,  200, .says = "Lets a change go live, in your name; 409 when the record was changed since."},
	{POST, "/v1/holds/:id/reject",  "hold_reject",  reject,  reply_row,  200, .says = "Leaves everything as it is."},
	{GET,  "/v1/decoys",            "decoy_list",   decoys,  reply_list, 200, .says = "Lists the decoys and who met them, for admins and auditors."},
	{POST, "/v1/decoys",            "decoy_create", make,    reply_row,  201, .says = "Makes customers that look like the others and are nobody's; whoever reveals or changes one is frozen."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv, &(struct app){.name = "holds", .workers = 2, .routes = routes});
}
