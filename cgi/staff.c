/* staff.c -- the people.
 *
 *	GET    /v1/staff                       a page of them, by name
 *	POST   /v1/staff                       a new one, with his invite
 *	GET    /v1/staff/:id                   one
 *	PATCH  /v1/staff/:id                   change some fields of one
 *	POST   /v1/staff/:id/invite            a one-time token to set a password with
 *	GET    /v1/staff/:id/sessions          where one is logged in
 *	DELETE /v1/staff/:id/sessions          end all of that
 *	DELETE /v1/staff/:id/sessions/:sid     or one of it
 *	GET    /v1/staff/:id/completeness      how well somebody else could take over his customers
 *	GET    /v1/staff/:id/events            what one did
 *	GET    /v1/staff/:id/exposure          how much of the base one has seen, and may see
 *	GET    /v1/staff/:id/grants            what more one was given
 *	POST   /v1/staff/:id/grants            give him more for a while
 *	POST   /v1/staff/:id/freeze            stop him at once
 *	POST   /v1/staff/:id/unfreeze          let him go on
 *
 * Everybody gets the directory (id, name, status, segments) of all people; who gets more of whom is in
 * sql/api/staff.sql.
 */
#include "app.h"

#define COLUMNS                                                                                    \
	"id name email role manager_id person_id segments status version created_at updated_at"
#define ROLES "admin manager rep auditor"

/* clang-format off */
static const struct param find[] = {
	{"status",  IN_FILTER, AS_WORD, .list = true, .items = 3, .words = "invited active inactive", .says = "Whether they have come, are there, have left."},
	{"role",    IN_FILTER, AS_WORD, .list = true, .items = 4, .words = ROLES, .says = "Roles; finds only people whose role you see."},
	{"segment", IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 40,    .says = "Working in any of these segments."},
	{"manager", IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Directly below these people; finds only people whose manager you see."},
	{"name",    IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 200,   .says = "Exact names."},
	{"fields",  IN_QUERY,  AS_FIELDS, .words = COLUMNS,                       .says = "Only these columns, separated by commas."},
	{"sort",    IN_QUERY,  AS_SORT, .words = "name", .unless = "name",        .says = "By name, - for descending."},
	{"cursor",  IN_QUERY,  AS_CURSOR,                                         .says = "The next of the page before."},
	{"limit",   IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{"count",   IN_QUERY,  AS_WORD, .words = "exact estimate",                .says = "Adds how many there are in all."},
	{0}
};

static const struct param one[] = {
	{"id",            IN_PATH, AS_UUID, .must = true, .says = "The person."},
	{"if-none-match", IN_HEAD, AS_TAGS, .says = "304 when the entity-tag is still this."},
	{0}
};

#define FIELDS(needed) \
	{"name",       IN_BODY, AS_TEXT, .must = needed, .solid = true, .least = 1, .most = 200, .says = "What everybody calls him."}, \
	{"email",      IN_BODY, AS_TEXT, .must = needed, .solid = true, .least = 3, .most = 254, .says = "What he logs in with; kept in lower case."}, \
	{"role",       IN_BODY, AS_WORD, .must = needed, .solid = true, .words = ROLES, .says = "What he may do."}, \
	{"manager_id", IN_BODY, AS_UUID, .says = "Who is above him: a manager or an admin."}, \
	{"person_id",  IN_BODY, AS_UUID, .says = "Joins two accounts of one person: his own id, or the person_id of the other; null is his own."}, \
	{"segments",   IN_BODY, AS_TEXT, .list = true, .items = 50, .least = 1, .most = 40, .says = "The segments he works in."}

static const struct param create[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body creates him once; the repetition makes another invite."},
	{"id",              IN_BODY, AS_UUID,  .solid = true,  .says = "A UUID of your own making."},
	FIELDS(true),
	{0}
};

static const struct param change[] = {
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The person."},
	{"if-match", IN_HEAD, AS_TAGS, .must = true, .says = "The entity-tag that you read."},
	FIELDS(false),
	{"status",   IN_BODY, AS_WORD, .solid = true, .words = "active inactive", .says = "inactive ends his sessions and invites at once; active brings him back."},
	{0}
};

static const struct param person[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The person."},
	{0}
};

static const struct param sessions[] = {
	{"id",     IN_PATH,  AS_UUID, .must = true, .says = "The person."},
	{"cursor", IN_QUERY, AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY, AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param events[] = {
	{"id",     IN_PATH,   AS_UUID, .must = true, .says = "The person."},
	{"kind",   IN_FILTER, AS_TEXT, .list = true, .items = 50, .least = 1, .most = 60, .says = "Of these kinds, as in shown.reveal, or all of a first word, as in refused."},
	{"from",   IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",     IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param exposure[] = {
	{"id",   IN_PATH,  AS_UUID, .must = true, .says = "The person."},
	{"from", IN_QUERY, AS_TIME, .sql = "since", .says = "Counts what he saw then or later; left out, 30 days before to."},
	{"to",   IN_QUERY, AS_TIME, .sql = "until", .says = "Counts what he saw earlier, at most 366 days; left out, until now."},
	{0}
};

static const struct param grant[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The person."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body grants it once."},
	{"measure", IN_BODY, AS_WORD,  .must = true, .solid = true, .words = "customers contacts reveals contact_changes deletions", .says = "What he may do more of."},
	{"amount",  IN_BODY, AS_INT,   .must = true, .solid = true, .least = 1, .most = 1000000, .says = "How much more, on top of each of its limits."},
	{"until",   IN_BODY, AS_TIME,  .must = true, .solid = true, .says = "When that ends, within 90 days."},
	{"reason",  IN_BODY, AS_PROSE, .must = true, .solid = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct param freeze[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The person."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."},
	{"reason", IN_BODY, AS_PROSE, .must = true, .solid = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct param end[] = {
	{"id",  IN_PATH, AS_UUID, .must = true, .says = "The person."},
	{"sid", IN_PATH, AS_UUID, .must = true, .says = "The session."},
	{0}
};

static const struct route routes[] = {
	{GET,    "/v1/staff",                   "staff_list",         find,     reply_list, 200, .says = "Lists the people by name, those who left too; more than name, status and segments only of those you may see whole."},
	{POST,   "/v1/staff",                   "staff_create",       create,   reply_row,  201, .says = "Creates a person, with a one-time token to set a password; for admins."},
	{GET,    "/v1/staff/:id",               "staff_get",          one,      reply_row,  200, .says = "Shows one person."},
	{PATCH,  "/v1/staff/:id",               "staff_change",       change,   reply_row,  200, .says = "Changes some fields of a person; for admins (RFC 7396)."},
	{POST,   "/v1/staff/:id/invite",        "staff_invite",       person,   reply_row,  201, .says = "Makes a one-time token to set a password, good for a week; earlier ones end."},
	{GET,    "/v1/staff/:id/sessions",      "staff_session_list", sessions, reply_list, 200, .says = "Lists where a person is logged in, the latest first."},
	{DELETE, "/v1/staff/:id/sessions",      "staff_sessions_end", person,   reply_row,  204, .says = "Ends all sessions of a person."},
	{DELETE, "/v1/staff/:id/sessions/:sid", "staff_session_end",  end,      reply_row,  204, .says = "Ends one session of a person."},
	{GET,    "/v1/staff/:id/completeness",  "staff_completeness", person,   reply_row,  200, .says = "Says how complete the records of a person's customers are, weighed by value, and what is missing most; for himself, those above him, admins and auditors."},
	{GET,    "/v1/staff/:id/events",        "staff_events",       events,   reply_list, 200, .says = "Lists what a person was shown, changed, did else and was refused, newest first; for himself, those above him, admins and auditors."},
	{GET,    "/v1/staff/:id/exposure",      "staff_exposure",     exposure, reply_row,  200, .says = "Says how many customers a person has seen, day by day and by what, and where he stands against his limits; for himself, those above him, admins and auditors."},
	{GET,    "/v1/staff/:id/grants",        "grant_list",         sessions, reply_list, 200, .says = "Lists what more than his limits a person was given, newest first."},
	{POST,   "/v1/staff/:id/grants",        "grant_create",       grant,    reply_row,  201, .says = "Gives a person more than his limits for a while, at once; for managers above him and admins."},
	{POST,   "/v1/staff/:id/freeze",        "staff_freeze",       freeze,   reply_row,  200, .says = "Refuses a person everything but to see who he is and to log out, from his next request on; for managers above him and admins."},
	{POST,   "/v1/staff/:id/unfreeze",      "staff_unfreeze",     freeze,   reply_row,  200, .says = "Lets a person go on who was frozen, or had asked too often for what is not his to see."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv, &(struct app){.name = "staff", .workers = 2, .routes = routes});
}
