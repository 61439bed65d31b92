/* exports.c -- taking data out, which nobody does alone.
 *
 *	GET  /v1/exports                 what you asked for, and what those below you did
 *	POST /v1/exports                 ask
 *	GET  /v1/exports/:id             one; for whoever decides with what speaks for and against
 *	POST /v1/exports/:id/approve     let it go out
 *	POST /v1/exports/:id/reject      or not
 *	POST /v1/exports/:id/ticket      a link to the file, for whoever asked
 *	GET  /v1/exports/:id/file        the file, once
 *	POST /v1/leaks                   whose file a text is from
 *
 * The process beside the workers lets what people have seen follow large downloads.
 */
#include "app.h"

#define ENTITIES "customers contacts deals offers activities history events"

/* clang-format off */
static const struct param find[] = {
	{"status", IN_FILTER, AS_WORD, .list = true, .items = 6,  .words = "pending approved rejected expired voided downloaded", .says = "Only with one of these."},
	{"entity", IN_FILTER, AS_WORD, .list = true, .items = 7,  .words = ENTITIES, .says = "Of these kinds of rows."},
	{"staff",  IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Asked for by these people."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param ask[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"entity",  IN_BODY, AS_WORD,   .must = true,  .words = ENTITIES, .says = "Which rows."},
	{"filter",  IN_BODY, AS_OBJECT, .solid = true, .most = 8192, .says = "The words of that list, as in {\"stage\": \"won,lost\"}; archived among them. Left out: all that you see."},
	{"columns", IN_BODY, AS_TEXT,   .solid = true, .list = true, .items = 40, .least = 1, .most = 40, .says = "Which of the list's members, in this order. Left out: all that you may have."},
	{"format",  IN_BODY, AS_WORD,   .solid = true, .words = "csv ndjson xlsx", .says = "What file; left out: csv."},
	{"bom",     IN_BODY, AS_BOOL,   .solid = true, .says = "Whether a CSV begins with the byte order mark that some spreadsheets want."},
	{"reason",  IN_BODY, AS_PROSE,  .must = true,  .least = 1, .most = 1000, .says = "What it is for; whoever decides reads it."},
	{0}
};

static const struct param one[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The export."},
	{0}
};

static const struct param decide[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The export."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"note",            IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct param file[] = {
	{"id",     IN_PATH,  AS_UUID, .must = true, .says = "The export."},
	{"ticket", IN_QUERY, AS_TEXT, .must = true, .least = 1, .most = 100, .says = "As the link has it."},
	{0}
};

static const struct param leak[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"text",   IN_BODY, AS_PROSE, .must = true,  .least = 1, .most = 60000, .says = "A CSV, or any text with e-mails and phones of it."},
	{"reason", IN_BODY, AS_PROSE, .solid = true, .least = 1, .most = 1000,  .says = "Why; it stands in the event log."},
	{0}
};

static const struct route routes[] = {
	{GET,  "/v1/exports",             "export_list",    find,   reply_list, 200, .says = "Lists exports that you or people below you asked for, newest first."},
	{POST, "/v1/exports",             "export_create",  ask,    reply_row,  202, .says = "Asks for an export of what you see; filter, columns and rows are frozen, and approvers may decide for 72 hours."},
	{GET,  "/v1/exports/:id",         "export_get",     one,    reply_row,  200, .says = "Shows one; whoever may decide also gets ten masked rows and what the requester has seen of late."},
	{POST, "/v1/exports/:id/approve", "export_approve", decide, reply_row,  200, .says = "Lets an export go out; never by its requester."},
	{POST, "/v1/exports/:id/reject",  "export_reject",  decide, reply_row,  200, .says = "Refuses an export."},
	{POST, "/v1/exports/:id/ticket",  "export_ticket",  one,    reply_row,  201, .says = "Gives the requester a link for one download in this session, for 15 minutes."},
	{GET,  "/v1/exports/:id/file",    "export_take",    file,   reply_file, 200, .file = true, .says = "Sends the file as CSV, NDJSON or XLSX, once; one that broke off may be repeated once while the ticket lasts."},
	{POST, "/v1/leaks",               "leak_find",      leak,   reply_row,  200, .says = "Names the exports that a leaked text fits, with a probability; for admins."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "exports",
		.workers = 3,
		.timeout_ms = 12000,
		.routes = routes,
		.step = "exports_step"});
}
