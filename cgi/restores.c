/* restores.c -- undo of a change, an operation, a record since a moment, or all that one person did in a window.
 *
 *	POST /v1/restores                  do it, or with dry_run say what it would do
 *	GET  /v1/restores/:id              what it did, or how far it is
 *	GET  /v1/restores/:id/conflicts    what it left as it is, because somebody changed it since
 *
 * The process beside the workers goes on with restores of more than 1,000 records.
 */
#include "app.h"

/* clang-format off */
static const struct param scope[] = {
	{"change",    IN_BODY, AS_UUID, .solid = true, .says = "One change, an id of the history."},
	{"operation", IN_BODY, AS_UUID, .solid = true, .says = "All changes of one operation."},
	{"entity",    IN_BODY, AS_TEXT, .solid = true, .least = 1, .most = 40, .says = "The kind of record, as in customers; with id and as_of."},
	{"id",        IN_BODY, AS_UUID, .solid = true, .says = "The record."},
	{"field",     IN_BODY, AS_TEXT, .solid = true, .least = 1, .most = 40, .says = "Only this field of it."},
	{"as_of",     IN_BODY, AS_TIME, .solid = true, .says = "Bring it back to how it was then."},
	{"actor",     IN_BODY, AS_UUID, .solid = true, .says = "All changes of one person; with from and to."},
	{"from",      IN_BODY, AS_TIME, .solid = true, .says = "Then or later."},
	{"to",        IN_BODY, AS_TIME, .solid = true, .says = "Earlier."},
	{"entities",  IN_BODY, AS_TEXT, .solid = true, .list = true, .items = 20, .least = 1, .most = 40, .says = "Only these kinds of record."},
	{0}
};

static const struct param create[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY,  .sql = "retry", .says = "The same key and body does it once."},
	{"scope",           IN_BODY, AS_OBJECT, .must = true, .members = scope, .says = "What to take back: one of four forms."},
	{"dry_run",         IN_BODY, AS_BOOL,   .solid = true, .says = "true only says what it would do."},
	{"plan_hash",       IN_BODY, AS_TEXT,   .solid = true, .least = 64, .most = 64, .says = "Of the dry run: 409 when the plan is another one by now."},
	{"reason",          IN_BODY, AS_PROSE,  .solid = true, .least = 1, .most = 1000, .says = "Why; needed unless dry_run."},
	{0}
};

static const struct param one[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The restore."},
	{0}
};

static const struct param conflicts[] = {
	{"id",     IN_PATH,  AS_UUID, .must = true, .says = "The restore."},
	{"cursor", IN_QUERY, AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY, AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct route routes[] = {
	{POST, "/v1/restores",               "restore_create",    create,    reply_row,  201, .says = "Takes changes back without overwriting what others did since; over 1,000 records it answers 202."},
	{GET,  "/v1/restores/:id",           "restore_get",       one,       reply_row,  200, .says = "Shows a restore, its progress and up to 200 conflicts."},
	{GET,  "/v1/restores/:id/conflicts", "restore_conflicts", conflicts, reply_list, 200, .says = "Lists all conflicts of a restore."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "restores",
		.workers = 2,
		.timeout_ms = 12000,
		.routes = routes,
		.step = "restore_step"});
}
