/* health.c -- is it there?
 *
 *	GET  /v1/health    {status, version, database}
 *
 * The process beside the worker does the database's chores, once an hour.
 */
#include "app.h"

/* clang-format off */
static const struct param none[] = {
	{0}
};

static const struct route routes[] = {
	{GET, "/v1/health", "health", none, reply_row, 200, .open = true, .says = "Says whether the database answers, and the versions of both."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "health", .workers = 1, .routes = routes, .step = "health_step"});
}
