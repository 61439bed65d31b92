/* contacts.c -- the people at our customers.
 *
 *	GET    /v1/contacts        a page of them, the latest changed first
 *	POST   /v1/contacts        a new one
 *	POST   /v1/contacts/batch  many creations and changes at once
 *	GET    /v1/contacts/:id    one, now or as of an earlier moment
 *	PATCH  /v1/contacts/:id    change some fields of one
 *	DELETE /v1/contacts/:id    archive one
 *
 * The rules are in sql/api/contacts.sql and sql/policy/children.sql.
 */
#include "app.h"

#define COLUMNS                                                                                    \
	"id customer_id name title email phone phone_e164 is_primary notes version "               \
	"created_at updated_at archived_at"
#define SORTS "name created_at updated_at"

/* clang-format off */
static const struct param find[] = {
	{"customer",       IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Of these customers."},
	{"name",           IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 200, .says = "Exact names."},
	{"primary",        IN_FILTER, AS_BOOL, .says = "true: only primary ones; false: only the others."},
	{"phone",          IN_FILTER, AS_TEXT, .least = 1, .most = 40,  .says = "The one with exactly this number, in any written form with the country's code."},
	{"email",          IN_FILTER, AS_TEXT, .least = 3, .most = 254, .says = "The one with exactly this e-mail address."},
	{"created_after",  IN_FILTER, AS_TIME, .says = "Created then or later."},
	{"created_before", IN_FILTER, AS_TIME, .says = "Created earlier."},
	{"updated_after",  IN_FILTER, AS_TIME, .says = "Changed then or later."},
	{"updated_before", IN_FILTER, AS_TIME, .says = "Changed earlier."},
	{"archived",       IN_QUERY,  AS_BOOL, .unless = "false",       .says = "true lists the archived ones instead."},
	{"fields",         IN_QUERY,  AS_FIELDS, .words = COLUMNS,      .says = "Only these columns, separated by commas."},
	{"sort",           IN_QUERY,  AS_SORT, .words = SORTS, .unless = "-updated_at", .says = "Order, - for descending; several separated by commas."},
	{"cursor",         IN_QUERY,  AS_CURSOR,                        .says = "The next of the page before."},
	{"limit",          IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{"count",          IN_QUERY,  AS_WORD, .words = "exact estimate", .says = "Adds how many there are in all of what you may see."},
	{0}
};

static const struct param one[] = {
	{"id",            IN_PATH,  AS_UUID, .must = true, .says = "The contact."},
	{"as_of",         IN_QUERY, AS_TIME, .says = "Shows it as it was at this moment."},
	{"if-none-match", IN_HEAD,  AS_TAGS, .says = "304 when the entity-tag is still this."},
	{0}
};

#define FIELDS(new) \
	{"name",       IN_BODY, AS_TEXT,  .must = new, .solid = true, .least = 1, .most = 200, .says = "What the person is called."}, \
	{"title",      IN_BODY, AS_TEXT,  .least = 1, .most = 100,   .says = "What the person does there."}, \
	{"email",      IN_BODY, AS_TEXT,  .least = 3, .most = 254,   .says = "An e-mail address; a masked one is refused."}, \
	{"phone",      IN_BODY, AS_TEXT,  .least = 1, .most = 40,    .says = "As typed; a masked one is refused."}, \
	{"is_primary", IN_BODY, AS_BOOL,  .solid = true,             .says = "Whom to ask for first; a customer has one."}, \
	{"notes",      IN_BODY, AS_PROSE, .least = 1, .most = 10000, .says = "Anything else, several lines."}

#define NEW \
	{"id",              IN_BODY, AS_UUID,  .solid = true,  .says = "A UUID of your own making, for apps that create offline."}, \
	{"customer_id",     IN_BODY, AS_UUID,  .must = true,   .says = "Whose it is; it stays there."}, \
	FIELDS(true)

static const struct param create[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body creates it once."},
	{"duplicates",      IN_QUERY, AS_WORD, .words = "tell refuse", .unless = "tell", .says = "What to do where there is such a one that you see: create it and tell, or refuse (409)."},
	NEW,
	{0}
};

static const struct param change[] = {
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The contact."},
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
	{"duplicates",      IN_QUERY, AS_WORD, .words = "tell refuse", .unless = "tell", .says = "What to do where there is such a one that you see: create it and tell, or refuse (409)."},
	BATCH(items),
	{0}
};

static const struct param archive[] = {
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The contact."},
	{"if-match", IN_HEAD, AS_TAGS, .must = true, .says = "The entity-tag that you read."},
	{0}
};

static const struct route routes[] = {
	{GET,    "/v1/contacts",     "contact_list",    find,    reply_list, 200, .says = "Lists contacts, by default the latest changed first."},
	{POST,   "/v1/contacts",     "contact_create",  create,  reply_row,  201, .says = "Creates a contact; the first of a customer is its primary one. Tells which of those that you see are the same."},
	{POST,   "/v1/contacts/batch", "contact_batch", batch, reply_batch, 200, .strict = true, .says = "Creates and changes up to 200 contacts, all or none or each alone; says of each what became of it."},
	{GET,    "/v1/contacts/:id", "contact_get",     one,     reply_row,  200, .says = "Shows one contact."},
	{PATCH,  "/v1/contacts/:id", "contact_change",  change,  reply_row,  200, .says = "Changes some fields; null clears one (RFC 7396)."},
	{DELETE, "/v1/contacts/:id", "contact_archive", archive, reply_row,  200, .says = "Archives a contact; nothing is lost."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "contacts", .workers = 2, .routes = routes});
}
