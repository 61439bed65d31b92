/* operations.c -- change requests: who, when, why, and taking one back.
 *
 *	GET  /v1/operations             yours and those of the people below you, newest first
 *	GET  /v1/operations/:id         one
 *	POST /v1/operations/:id/undo    take it back
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"actor",  IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "By these people."},
	{"action", IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 60, .says = "What was done, as in customers.change."},
	{"from",   IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",     IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param one[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The operation."},
	{0}
};

static const struct param undo[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The operation."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"reason",          IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct route routes[] = {
	{GET,  "/v1/operations",          "operation_list", find, reply_list, 200, .says = "Lists change requests, newest first."},
	{GET,  "/v1/operations/:id",      "operation_get",  one,  reply_row,  200, .says = "Shows one change request."},
	{POST, "/v1/operations/:id/undo", "operation_undo", undo, reply_row,  201, .says = "Takes a change request back, but for what was changed since; over 1,000 records it answers 202."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){
		.name = "operations", .workers = 2, .timeout_ms = 12000, .routes = routes});
}
