/* notices.c -- what you were told.
 *
 *	GET  /v1/notices    yours, newest first
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"kind",   IN_FILTER, AS_WORD, .list = true, .items = 8, .words = "break_glass bulk duplicate export hand_over hold rotation transfer", .says = "Only of these kinds."},
	{"from",   IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",     IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct route routes[] = {
	{GET, "/v1/notices", "notice_list", find, reply_list, 200, .says = "Lists what you were told, newest first: somebody broke the glass of your customer, handed one over to you, made one (customer_id) that is there already (other_id) where he does not see it, or changes of his wait for you (GET /v1/holds)."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "notices", .workers = 1, .routes = routes});
}
