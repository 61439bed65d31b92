/* alerts.c -- what somebody ought to look at.
 *
 *	GET  /v1/alerts              about the people below you, newest first
 *	GET  /v1/alerts/:id          one
 *	POST /v1/alerts/:id/close    say what came of it
 *
 * The process beside the worker asks the rules that only tell (sql/app/watch.sql).
 */
#include "app.h"

#define RULES                                                                                      \
	"exposure_soft exposure_hard unusual_reveals denied read_only segment_share team_share "   \
	"contact_changes near_misses deletions transfers log_ins rights decoy off_hours"

/* clang-format off */
static const struct param find[] = {
	{"status",   IN_FILTER, AS_WORD, .list = true, .items = 2,  .words = "open closed", .says = "Whether somebody has looked at them."},
	{"rule",     IN_FILTER, AS_WORD, .list = true, .items = 15, .words = RULES, .says = "Raised by these rules."},
	{"severity", IN_FILTER, AS_WORD, .list = true, .items = 5,  .words = "info low medium high critical", .says = "As grave as this."},
	{"staff",    IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "About these people."},
	{"from",     IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",       IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor",   IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",    IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param one[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The alert."},
	{0}
};

static const struct param shut[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The alert."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"note",            IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "What came of it."},
	{0}
};

static const struct route routes[] = {
	{GET,  "/v1/alerts",           "alert_list",  find, reply_list, 200, .says = "Lists alerts about the people below you, newest first; one of a rule for a person and a day."},
	{GET,  "/v1/alerts/:id",       "alert_get",   one,  reply_row,  200, .says = "Shows one, with the request that answers it."},
	{POST, "/v1/alerts/:id/close", "alert_close", shut, reply_row,  200, .says = "Closes an alert; a graver one of the same day opens it again."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "alerts", .workers = 1, .routes = routes, .step = "alerts_step"});
}
