/* changes.c -- what happened since an app looked last.
 *
 *	GET  /v1/changes    a cursor of now, and later what to drop and what to put in since then
 */
#include "app.h"

/* clang-format off */
static const struct param find[] = {
	{"cursor", IN_QUERY, AS_CURSOR, .says = "The next of an earlier answer; without one the answer has only the cursor of now."},
	{"limit",  IN_QUERY, AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct route routes[] = {
	{GET, "/v1/changes", "changes_list", find, reply_list, 200, .says = "Lists what happened since a cursor, oldest first: upsert has the record as lists show it, delete is archived, purge is yours no longer (of a customer: with all that belongs to it). next is always there; 409 resync_required: drop what you have and begin without a cursor."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "changes", .workers = 2, .routes = routes});
}
