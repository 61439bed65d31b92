/* history.c -- what changed, who changed it, when.
 *
 *	GET  /v1/history    the changes that you may see, newest first
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"actor",     IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "By these people."},
	{"entity",    IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 40, .says = "Of these kinds of record, as in customers."},
	{"record",    IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Of these records."},
	{"field",     IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 40, .says = "Of these fields."},
	{"operation", IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "In these operations."},
	{"from",      IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",        IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor",    IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",     IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct route routes[] = {
	{GET, "/v1/history", "history_list", find, reply_list, 200, .says = "Lists changes of fields, newest first; a creation has no field."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "history", .workers = 2, .routes = routes});
}
