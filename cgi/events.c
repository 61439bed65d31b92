/* events.c -- what people did.
 *
 *	GET  /v1/events    what you did; for whoever is above others, what they did too, newest first
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"actor",  IN_FILTER, AS_TEXT, .list = true, .items = 50, .least = 2, .most = 36, .says = "By these people: their ids, or me."},
	{"kind",   IN_FILTER, AS_TEXT, .list = true, .items = 50, .least = 1, .most = 60, .says = "Of these kinds, as in shown.reveal, or all of a first word, as in refused."},
	{"from",   IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",     IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct route routes[] = {
	{GET, "/v1/events", "event_list", find, reply_list, 200, .says = "Lists what people were shown (shown.list), what they changed (customers.change) and what else they did or were refused (sessions.opened, refused.not_found), newest first: yours, and of those whom you are above."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "events", .workers = 1, .routes = routes});
}
