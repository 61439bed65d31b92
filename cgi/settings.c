/* settings.c -- how the org works.
 *
 *	GET    /v1/settings    who sees what, where contact values are masked, the stamp
 *	PATCH  /v1/settings    change some of it
 */
#include "app.h"

/* clang-format off */
static const struct param read[] = {
	{"if-none-match", IN_HEAD, AS_TAGS, .says = "304 when the entity-tag is still this."},
	{0}
};

static const struct param change[] = {
	{"if-match",        IN_HEAD, AS_TAGS, .must = true,  .says = "The entity-tag that you read."},
	{"visibility",      IN_BODY, AS_WORD, .solid = true, .words = "own team open",     .says = "How far reps see: their own customers, those of their team, or all."},
	{"contact_masking", IN_BODY, AS_WORD, .solid = true, .words = "off lists always",  .says = "Where phone and e-mail are masked: nowhere, but in the one record that was asked for, or everywhere but in a reveal."},
	{"classification",  IN_BODY, AS_TEXT, .solid = true, .least = 1, .most = 200, .says = "The stamp in X-Classification on every answer with customer data; printable ASCII."},
	{"backdate_days",   IN_BODY, AS_INT,  .solid = true, .most = 365, .says = "An activity that happened longer ago than so many days when it is written down is marked as backdated."},
	{"budgets",         IN_BODY, AS_OBJECT, .solid = true, .most = 16384, .says = "How much of the base people may see and change: {role or person: {measure: {window: {soft, hard}}}}, laid over what is there; null brings a default back."},
	{"ledger_months",   IN_BODY, AS_INT,  .solid = true, .least = 12, .most = 1200, .says = "For how many months it is kept who saw what; at least a year."},
	{0}
};

static const struct route routes[] = {
	{GET,   "/v1/settings", "settings_get",    read,   reply_row, 200, .says = "Shows how the org works."},
	{PATCH, "/v1/settings", "settings_change", change, reply_row, 200, .says = "Changes some settings; they hold from everybody's next request on."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "settings", .workers = 1, .routes = routes});
}
