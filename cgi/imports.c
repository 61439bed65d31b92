/* imports.c -- a CSV becomes customers, contacts or activities.
 *
 *	GET  /v1/imports                    what you imported, and what those below you did
 *	POST /v1/imports                    a CSV, to be tried or to go in
 *	GET  /v1/imports/:id                what became of it, or how far it is
 *	GET  /v1/imports/:id/rows           which line became which record
 *	GET  /v1/imports/:id/errors         what is wrong with which line
 *	GET  /v1/imports/:id/errors/file    the lines themselves, to be put right
 *	POST /v1/imports/:id/cancel         stop it, and take back what went in
 *	POST /v1/imports/:id/undo           take back what it made
 *
 * The process beside the workers does imports of more than 1,000 rows.
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"entity", IN_FILTER, AS_WORD, .list = true, .items = 3,  .words = "customers contacts activities", .says = "Of these kinds of records."},
	{"staff",  IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Sent by these people."},
	{"record", IN_FILTER, AS_UUID, .says = "The one that made this record."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param send[] = {
	{"file",            IN_FILE,  AS_PROSE, .words = "text/csv", .says = "The CSV: 64 MiB, 500000 rows and 200 columns at most; the first row names the columns."},
	{"idempotency-key", IN_HEAD,  AS_RETRY, .sql = "retry", .says = "The same key, query and file does it once."},
	{"entity",          IN_QUERY, AS_WORD,  .words = "customers contacts activities", .unless = "customers", .says = "What the rows are."},
	{"dry_run",         IN_QUERY, AS_BOOL,  .unless = "false", .says = "true only says what would go in."},
	{"mapping",         IN_QUERY, AS_TEXT,  .least = 2, .most = 4000, .says = "A JSON object of column names: the member that each becomes, as in name or custom.fax, or null for none. Left out: as the names suggest."},
	{"encoding",        IN_QUERY, AS_WORD,  .words = "utf-8 utf-16 windows-1251 windows-1252", .says = "Left out: recognised."},
	{"delimiter",       IN_QUERY, AS_WORD,  .words = "comma semicolon tab", .says = "Left out: recognised by the first line."},
	{"nulls",           IN_QUERY, AS_TEXT,  .least = 1, .most = 20, .says = "A word that stands for no value, as in NULL."},
	{"decimal",         IN_QUERY, AS_WORD,  .sql = "decimal_mark", .words = "comma point", .says = "What stands before the decimals of amounts. Left out: an amount that could be read in two ways is an error."},
	{"dates",           IN_QUERY, AS_WORD,  .words = "dmy mdy", .says = "The order of dates with slashes. Left out: one that could be read in two ways is an error."},
	{"on_error",        IN_QUERY, AS_WORD,  .words = "skip refuse", .unless = "skip", .says = "skip leaves out the rows that are wrong; refuse lets nothing in if one is."},
	{"duplicates",      IN_QUERY, AS_WORD,  .words = "tell skip refuse", .unless = "tell", .says = "Of rows with an e-mail or phone that is there already or came before: tell and let them in, skip them, or refuse them as errors."},
	{"source",          IN_QUERY, AS_TEXT,  .least = 1, .most = 100, .says = "Where the file comes from; needed unless dry_run."},
	{"lawful_basis",    IN_QUERY, AS_TEXT,  .least = 1, .most = 500, .says = "Who declared on what ground that these people may be worked with; needed unless dry_run."},
	{0}
};

static const struct param one[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The import."},
	{0}
};

static const struct param page[] = {
	{"id",     IN_PATH,  AS_UUID, .must = true, .says = "The import."},
	{"cursor", IN_QUERY, AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY, AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param undo[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The import."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"reason",          IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct route routes[] = {
	{GET,  "/v1/imports",                 "import_list",   find, reply_list,         200, .says = "Lists imports that you or people below you made, newest first."},
	{POST, "/v1/imports",                 "import_begin",  send, reply_upload,       201, .says = "Imports a CSV, or with dry_run says what would go in; with more than 1,000 rows it answers 202. For managers and admins."},
	{GET,  "/v1/imports/:id",             "import_get",    one,  reply_row,          200, .says = "Shows an import, its progress, and the first errors and duplicates."},
	{GET,  "/v1/imports/:id/rows",        "import_rows",   page, reply_list,         200, .says = "Lists which line became which record."},
	{GET,  "/v1/imports/:id/errors",      "import_errors", page, reply_list,         200, .says = "Lists what is wrong with which line."},
	{GET,  "/v1/imports/:id/errors/file", "import_refused", one, reply_refused_rows, 200, .file = true, .says = "Sends the rows that did not go in as CSV, with the line and the reason of each."},
	{POST, "/v1/imports/:id/cancel",      "import_cancel", one,  reply_row,          200, .says = "Stops an import that waits or runs; what went in is taken back."},
	{POST, "/v1/imports/:id/undo",        "import_undo",   undo, reply_row,          201, .says = "Takes back what an import made, but for what somebody has worked on since: a restore."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "imports",
		.workers = 2,
		.timeout_ms = 12000,
		.routes = routes,
		.step = "import_step"});
}
