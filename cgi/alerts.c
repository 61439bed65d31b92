/* alerts.c -- who outside is told of what.
 *
 *	GET  /v1/deliveries              what was sent or is to be, newest first
 *	POST /v1/deliveries/:id/retry    put a failed one back into the queue
 *
 * The process beside the workers sends what is due.
 */
#include "app.h"

/* clang-format off */
static const struct param deliveries[] = {
	{"status", IN_FILTER, AS_WORD, .list = true, .items = 3, .words = "queued sent failed", .says = "Only with one of these."},
	{"from",   IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",     IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param delivery_retry[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The delivery."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key does it once."},
	{0}
};

static const struct route routes[] = {
	{GET,  "/v1/deliveries",           "delivery_list",  deliveries,     reply_list, 200, .says = "Lists what was sent to webhooks and mailboxes, or is to be, with each try; for admins."},
	{POST, "/v1/deliveries/:id/retry", "delivery_retry", delivery_retry, reply_row,  200, .says = "Puts a failed delivery back into the queue; 409 not_failed for any other."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "alerts", .workers = 1, .routes = routes, .work = outbox_work});
}
