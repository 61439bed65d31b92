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

#define SEVERITIES "info low medium high critical"

static const struct param webhook[] = {
	{"url",      IN_BODY, AS_TEXT, .must = true,  .least = 1, .most = 500, .says = "https://… or http://…, without a user name."},
	{"severity", IN_BODY, AS_WORD, .solid = true, .words = SEVERITIES, .says = "Only from here on; left out: all."},
	{"kinds",    IN_BODY, AS_TEXT, .solid = true, .list = true, .items = 20, .least = 1, .most = 81, .says = "Only these, as in alert.raised; left out: all."},
	{0}
};

static const struct param email[] = {
	{"email",    IN_BODY, AS_TEXT, .must = true,  .least = 3, .most = 254, .says = "A mailbox."},
	{"severity", IN_BODY, AS_WORD, .solid = true, .words = SEVERITIES, .says = "Only from here on; left out: all."},
	{"kinds",    IN_BODY, AS_TEXT, .solid = true, .list = true, .items = 20, .least = 1, .most = 81, .says = "Only these, as in alert.raised; left out: all."},
	{0}
};

static const struct param notify[] = {
	{"webhooks",      IN_BODY, AS_OBJECT, .list = true, .items = 5, .members = webhook, .says = "Where messages are posted, signed with webhook_secret."},
	{"emails",        IN_BODY, AS_OBJECT, .list = true, .items = 5, .members = email,   .says = "Who gets mail."},
	{"allow_private", IN_BODY, AS_BOOL,   .says = "Whether a webhook may be at a private, loopback or otherwise internal address."},
	{0}
};

static const struct param exports[] = {
	{"rows_most",           IN_BODY, AS_INT,  .least = 1, .most = 1048000, .says = "The most rows of one export; null: 10,000."},
	{"two_approvers_above", IN_BODY, AS_INT,  .least = 0, .most = 1048000, .says = "Above so many rows two people have to approve; null: 5,000."},
	{"preamble",            IN_BODY, AS_BOOL, .says = "Whether a CSV begins with a line that holds the stamp; null: true."},
	{0}
};

static const struct param bulk[] = {
	{"approval_above",    IN_BODY, AS_INT, .least = 0, .most = 1000, .says = "Above so many customers given away at once a second person has to approve; null: 50. A higher number holds after 72 hours."},
	{"introduction_days", IN_BODY, AS_INT, .least = 1, .most = 365,    .says = "In how many days whoever gets a customer is to introduce himself; null: 3."},
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
	{"exports",         IN_BODY, AS_OBJECT, .solid = true, .members = exports, .says = "How much may go out, and who decides; merged with what there is."},
	{"bulk",            IN_BODY, AS_OBJECT, .solid = true, .members = bulk, .says = "What a mass update may do alone; merged with what there is."},
	{"rotation",        IN_BODY, AS_OBJECT, .solid = true, .most = 16384, .says = "When customers are proposed to go to somebody else: {segment: {longest_days, share_of_touches, touches_days, touches_least, exempt_key_accounts_above, exempt_tag}}, laid over what is there; null ends a segment's."},
	{"notify",          IN_BODY, AS_OBJECT, .solid = true, .members = notify, .says = "Who outside is told of what; merged with what there is, and shown to admins alone."},
	{"webhook_secret",  IN_BODY, AS_TEXT, .solid = true, .least = 32, .most = 200, .says = "The key that messages to webhooks are signed with; it is never shown, and can be replaced."},
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
