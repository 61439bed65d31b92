/* search.c -- customers and contacts by what somebody remembers of them.
 *
 *	GET  /v1/search?q=    at most 20, the best match first
 *
 * The rules are in sql/app/search_find.sql.
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"q",     IN_QUERY, AS_TEXT, .must = true, .least = 2, .most = 200, .says = "A name, words of it in any order or their beginnings; or a whole e-mail address, or a whole phone number in any written form. At least two letters or three digits."},
	{"limit", IN_QUERY, AS_INT, .least = 1, .most = 20, .unless = "20", .sql = "lim", .says = "How many at most."},
	{0}
};

static const struct route routes[] = {
	{GET, "/v1/search", "search_find", find, reply_list, 200, .says = "Finds customers and contacts, the best match first: by e-mail or phone, by the whole name, by the beginnings of its words in any order; where nothing fits, by words with a typing error. There is no further page."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "search", .workers = 8, .routes = routes});
}
