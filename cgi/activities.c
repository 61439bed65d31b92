/* activities.c -- what was said, done or is to be done.
 *
 *	GET    /v1/activities        a page of them, the latest first
 *	POST   /v1/activities        a new one
 *	POST   /v1/activities/batch  many creations and changes at once
 *	GET    /v1/activities/:id    one, now or as of an earlier moment
 *	PATCH  /v1/activities/:id    change some fields of one
 *	DELETE /v1/activities/:id    archive one
 *
 * The rules are in sql/api/activities.sql and sql/policy/children.sql.
 */
#include "app.h"

#define COLUMNS                                                                                    \
	"id customer_id contact_id deal_id kind direction subject body outcome at next_step "      \
	"due_at done_at author_id author_name backdated version created_at updated_at archived_at"
#define KINDS "call email meeting message visit note task"
#define SORTS "at due_at created_at updated_at"

/* clang-format off */
static const struct param find[] = {
	{"customer",       IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Of these customers."},
	{"contact",        IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "With these contacts."},
	{"deal",           IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "About these deals."},
	{"kind",           IN_FILTER, AS_WORD, .list = true, .items = 7, .words = KINDS, .says = "Of these kinds."},
	{"direction",      IN_FILTER, AS_WORD, .list = true, .items = 2, .words = "in out", .says = "Came in, or went out."},
	{"author",         IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Written down by these people."},
	{"backdated",      IN_FILTER, AS_BOOL, .says = "true: only what was written down long after it happened."},
	{"open",           IN_FILTER, AS_BOOL, .says = "true: only next steps and tasks that are not done."},
	{"due_after",      IN_FILTER, AS_TIME, .says = "Due then or later."},
	{"due_before",     IN_FILTER, AS_TIME, .says = "Due earlier."},
	{"from",           IN_FILTER, AS_TIME, .says = "Happened then or later."},
	{"to",             IN_FILTER, AS_TIME, .says = "Happened earlier."},
	{"created_after",  IN_FILTER, AS_TIME, .says = "Created then or later."},
	{"created_before", IN_FILTER, AS_TIME, .says = "Created earlier."},
	{"updated_after",  IN_FILTER, AS_TIME, .says = "Changed then or later."},
	{"updated_before", IN_FILTER, AS_TIME, .says = "Changed earlier."},
	{"archived",       IN_QUERY,  AS_BOOL, .unless = "false",       .says = "true lists the archived ones instead."},
	{"fields",         IN_QUERY,  AS_FIELDS, .words = COLUMNS,      .says = "Only these columns, separated by commas."},
	{"sort",           IN_QUERY,  AS_SORT, .words = SORTS, .unless = "-at", .says = "Order, - for descending; several separated by commas."},
	{"cursor",         IN_QUERY,  AS_CURSOR,                        .says = "The next of the page before."},
	{"limit",          IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{"count",          IN_QUERY,  AS_WORD, .words = "exact estimate", .says = "Adds how many there are in all of what you may see."},
	{0}
};

static const struct param one[] = {
	{"id",            IN_PATH,  AS_UUID, .must = true, .says = "The activity."},
	{"as_of",         IN_QUERY, AS_TIME, .says = "Shows it as it was at this moment."},
	{"if-none-match", IN_HEAD,  AS_TAGS, .says = "304 when the entity-tag is still this."},
	{0}
};

#define FIELDS(new) \
	{"kind",       IN_BODY, AS_WORD,  .must = new, .solid = true, .words = KINDS, .says = "What it was, or a task."}, \
	{"direction",  IN_BODY, AS_WORD,  .words = "in out",         .says = "Whether a call, e-mail or message came in or went out."}, \
	{"contact_id", IN_BODY, AS_UUID,                             .says = "With whom; a contact of this customer."}, \
	{"deal_id",    IN_BODY, AS_UUID,                             .says = "About which deal of this customer."}, \
	{"subject",    IN_BODY, AS_TEXT,  .least = 1, .most = 200,   .says = "What it was about."}, \
	{"body",       IN_BODY, AS_PROSE, .least = 1, .most = 10000, .says = "What was said."}, \
	{"outcome",    IN_BODY, AS_TEXT,  .least = 1, .most = 500,   .says = "What came of it."}, \
	{"at",         IN_BODY, AS_TIME,  .solid = true,             .says = "When it happened; left out, now. Longer ago than the org allows, it is marked as backdated."}, \
	{"next_step",  IN_BODY, AS_TEXT,  .least = 1, .most = 500,   .says = "What was promised, or comes next."}, \
	{"due_at",     IN_BODY, AS_TIME,                             .says = "Until when."}, \
	{"done_at",    IN_BODY, AS_TIME,                             .says = "When the next step or the task was done."}

#define NEW \
	{"id",              IN_BODY, AS_UUID,  .solid = true,  .says = "A UUID of your own making, for apps that create offline."}, \
	{"customer_id",     IN_BODY, AS_UUID,  .must = true,   .says = "Whose it is; it stays there."}, \
	FIELDS(true)

static const struct param create[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body creates it once."},
	NEW,
	{0}
};

static const struct param change[] = {
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The activity."},
	{"if-match", IN_HEAD, AS_TAGS, .must = true, .says = "The entity-tag that you read."},
	FIELDS(false),
	{0}
};

static const struct param new_item[] = {
	BATCH_NEW,
	NEW,
	{0}
};

static const struct param changed_item[] = {
	BATCH_CHANGED,
	FIELDS(false),
	{0}
};

static const struct variant items[] = {{"create", new_item}, {"change", changed_item}, {0}};

static const struct param batch[] = {
	BATCH(items),
	{0}
};

static const struct param archive[] = {
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The activity."},
	{"if-match", IN_HEAD, AS_TAGS, .must = true, .says = "The entity-tag that you read."},
	{0}
};

static const struct route routes[] = {
	{GET,    "/v1/activities",     "activity_list",    find,    reply_list, 200, .says = "Lists activities, the latest first."},
	{POST,   "/v1/activities",     "activity_create",  create,  reply_row,  201, .says = "Writes down what was said or done; the author is you."},
	{POST,   "/v1/activities/batch", "activity_batch", batch, reply_batch, 200, .strict = true, .says = "Creates and changes up to 200 activities, all or none or each alone; says of each what became of it."},
	{GET,    "/v1/activities/:id", "activity_get",     one,     reply_row,  200, .says = "Shows one activity."},
	{PATCH,  "/v1/activities/:id", "activity_change",  change,  reply_row,  200, .says = "Corrects one; what it said before stays readable."},
	{DELETE, "/v1/activities/:id", "activity_archive", archive, reply_row,  200, .says = "Archives an activity; nothing is lost."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "activities", .workers = 2, .routes = routes});
}
