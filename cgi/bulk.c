/* bulk.c -- many records changed by one wish: previewed, approved, done in pieces, taken back.
 *
 *	GET  /v1/bulk                what you asked for, and what those below you did
 *	POST /v1/bulk                show what it would do, or with the confirm of that do it
 *	GET  /v1/bulk/:id            how far one is, what it did and what it left
 *	POST /v1/bulk/:id/approve    let one begin that gives away many customers
 *	POST /v1/bulk/:id/reject     or not
 *	POST /v1/bulk/:id/cancel     end one before its end; what it did is taken back
 *	POST /v1/bulk/:id/undo       take one back
 *
 * The process beside the workers goes on with those of more than 1,000 records.
 */
#include "app.h"

#define ACTIONS "update transfer stage archive tag"

/* clang-format off */
static const struct param find[] = {
	{"status", IN_FILTER, AS_WORD, .list = true, .items = 8,  .words = "pending queued running done failed cancelled rejected expired", .says = "Only with one of these."},
	{"action", IN_FILTER, AS_WORD, .list = true, .items = 5,  .words = ACTIONS, .says = "Of these kinds."},
	{"staff",  IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Asked for by these people."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param share[] = {
	{"staff_id", IN_BODY, AS_UUID, .must = true, .says = "A person."},
	{"share",    IN_BODY, AS_INT,  .must = true, .least = 1, .most = 1000000, .says = "How much of the whole, in proportion to the others' shares."},
	{0}
};

static const struct param to[] = {
	{"staff_id",  IN_BODY, AS_UUID,   .solid = true, .says = "All to one person."},
	{"shares",    IN_BODY, AS_OBJECT, .solid = true, .list = true, .items = 50, .members = share, .says = "To several, by shares."},
	{"by",        IN_BODY, AS_WORD,   .solid = true, .words = "country segment least_loaded", .says = "By the country, with map; by the rule of the segment; to whoever has the fewest, with among."},
	{"map",       IN_BODY, AS_OBJECT, .solid = true, .most = 16384, .says = "With country: who gets those of each, as in {\"DE\": id}."},
	{"otherwise", IN_BODY, AS_UUID,   .solid = true, .says = "With country: who gets the rest; left out, nobody."},
	{"among",     IN_BODY, AS_UUID,   .solid = true, .list = true, .items = 50, .says = "With least_loaded: these people."},
	{0}
};

static const struct param create[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"action",  IN_BODY, AS_WORD,   .must = true,  .words = ACTIONS, .says = "What to do; transfer and tag of customers, stage of customers and deals."},
	{"entity",  IN_BODY, AS_WORD,   .must = true,  .words = "customers deals activities", .says = "With which records."},
	{"filter",  IN_BODY, AS_OBJECT, .solid = true, .most = 8192, .says = "The words of that list, as in {\"stage\": \"won,lost\"}; or ids."},
	{"ids",     IN_BODY, AS_UUID,   .solid = true, .list = true, .items = 1000, .says = "These records; or filter."},
	{"changes", IN_BODY, AS_OBJECT, .solid = true, .most = 20480, .says = "For update the members to write, for stage {stage}, for tag {add, remove}."},
	{"to",      IN_BODY, AS_OBJECT, .solid = true, .members = to, .says = "Who gets the customers: one of its forms."},
	{"cascade", IN_BODY, AS_WORD,   .solid = true, .list = true, .items = 4, .words = "contacts deals offers tasks", .says = "What goes along with customers: all of these, which is so anyway."},
	{"reason",  IN_BODY, AS_PROSE,  .solid = true, .least = 1, .most = 1000, .says = "Why; needed unless dry_run."},
	{"dry_run", IN_BODY, AS_BOOL,   .solid = true, .says = "true only says what it would do."},
	{"confirm", IN_BODY, AS_TEXT,   .solid = true, .least = 64, .most = 64, .says = "Of the dry run of exactly this, up to an hour ago; needed unless dry_run."},
	{0}
};

static const struct param one[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The mass update."},
	{0}
};

static const struct param decide[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The mass update."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"note",            IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct param undo[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The mass update."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"reason",          IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct route routes[] = {
	{GET,  "/v1/bulk",             "bulk_list",    find,   reply_list, 200, .says = "Lists mass updates that you or people below you asked for, newest first."},
	{POST, "/v1/bulk",             "bulk_create",  create, reply_row,  201, .says = "Changes many records at once: a dry run shows what and gives a confirm, with which it is done; over 1,000 records, or where somebody has to approve it, it answers 202."},
	{GET,  "/v1/bulk/:id",         "bulk_get",     one,    reply_row,  200, .says = "Shows one with its progress and what it left as it was."},
	{POST, "/v1/bulk/:id/approve", "bulk_approve", decide, reply_row,  200, .says = "Lets a transfer of many customers begin; never by its requester."},
	{POST, "/v1/bulk/:id/reject",  "bulk_reject",  decide, reply_row,  200, .says = "Refuses one."},
	{POST, "/v1/bulk/:id/cancel",  "bulk_cancel",  one,    reply_row,  200, .says = "Ends one before its end and takes back what it did; 202 until that is done."},
	{POST, "/v1/bulk/:id/undo",    "bulk_undo",    undo,   reply_row,  201, .says = "Takes one back, but for what was changed since; over 1,000 records it answers 202."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "bulk",
		.workers = 2,
		.timeout_ms = 12000,
		.routes = routes,
		.step = "bulk_step"});
}
