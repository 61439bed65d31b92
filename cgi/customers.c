/* customers.c -- the firms and people we sell to.
 *
 *	GET    /v1/customers               a page of them, the latest changed first
 *	POST   /v1/customers               a new one
 *	POST   /v1/customers/batch         many creations and changes at once
 *	GET    /v1/customers/:id           one, now or as of an earlier moment
 *	PATCH  /v1/customers/:id           change some fields of one
 *	DELETE /v1/customers/:id           archive one
 *	GET    /v1/customers/:id/history   who changed which field, and when
 *	GET    /v1/customers/:id/timeline  all that happened with one
 *	GET    /v1/customers/:id/handover  all that whoever takes it over needs to know, as JSON or a page
 *	GET    /v1/customers/:id/seen-by   who has seen one
 *	POST   /v1/customers/:id/stage     move one through the funnel, to its next owner
 *	POST   /v1/customers/:id/merge     take another one in that is the same
 *	POST   /v1/customers/:id/reveal    contact values that are masked
 *	POST   /v1/customers/break-glass   the customer of a caller who is somebody else's
 *
 * The rules are in sql/api/customers*.sql and sql/policy/customers.sql, under the names in the third
 * column of the route table below.  This file says what each request may carry.
 */
#include "app.h"

#define COLUMNS                                                                                    \
	"id name email phone phone_e164 website address city region postal_code country source "   \
	"stage segment "                                                                           \
	"owner_id value currency notes tags custom version created_at updated_at archived_at"
#define SORTS      "name created_at updated_at stage city country value"
#define VALUE_MOST 1000000000000000

/* clang-format off */
static const struct param find[] = {
	{"stage",          IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 40,  .says = "Stages of the funnel."},
	{"segment",        IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 40,  .says = "Segments of the funnel."},
	{"owner",          IN_FILTER, AS_UUID, .list = true, .items = 50,              .says = "Who owns them."},
	{"name",           IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 200, .says = "Exact names."},
	{"city",           IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 100, .says = "Exact cities."},
	{"region",         IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 100, .says = "Exact regions."},
	{"postal_code",    IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 20,  .says = "Exact postal codes."},
	{"country",        IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 2,   .says = "ISO 3166-1 alpha-2 codes."},
	{"source",         IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 100, .says = "Where they came from."},
	{"currency",       IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 3,   .says = "ISO 4217 codes."},
	{"tag",            IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 64,  .says = "Any of these tags."},
	{"phone",          IN_FILTER, AS_TEXT, .least = 1, .most = 40,  .says = "The one with exactly this number, in any written form with the country's code: somebody is calling."},
	{"email",          IN_FILTER, AS_TEXT, .least = 3, .most = 254, .says = "The one with exactly this e-mail address."},
	{"introduction",   IN_FILTER, AS_WORD, .words = "open", .says = "open: only those that came by a transfer and whose owner has not done the task to introduce himself."},
	{"value_min",      IN_FILTER, AS_INT,  .most = VALUE_MOST, .says = "Worth at least this, in minor units."},
	{"value_max",      IN_FILTER, AS_INT,  .most = VALUE_MOST, .says = "Worth at most this, in minor units."},
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
	{"id",            IN_PATH,  AS_UUID, .must = true, .says = "The customer."},
	{"as_of",         IN_QUERY, AS_TIME, .says = "Shows it as it was at this moment."},
	{"if-none-match", IN_HEAD,  AS_TAGS, .says = "304 when the entity-tag is still this."},
	{0}
};

#define FIELDS(needs_name) \
	{"name",        IN_BODY, AS_TEXT,   .must = needs_name, .solid = true, .least = 1, .most = 200, .says = "What it is called."}, \
	{"email",       IN_BODY, AS_TEXT,   .least = 3, .most = 254,  .says = "An e-mail address; a masked one is refused."}, \
	{"phone",       IN_BODY, AS_TEXT,   .least = 1, .most = 40,   .says = "As typed; a masked one is refused."}, \
	{"website",     IN_BODY, AS_TEXT,   .least = 1, .most = 500,  .says = "Its address on the web."}, \
	{"address",     IN_BODY, AS_PROSE,  .least = 1, .most = 500,  .says = "Street and number."}, \
	{"city",        IN_BODY, AS_TEXT,   .least = 1, .most = 100,  .says = "Town."}, \
	{"region",      IN_BODY, AS_TEXT,   .least = 1, .most = 100,  .says = "State, province or the like."}, \
	{"postal_code", IN_BODY, AS_TEXT,   .least = 1, .most = 20,   .says = "Postal code."}, \
	{"country",     IN_BODY, AS_TEXT,   .least = 2, .most = 2,    .says = "ISO 3166-1 alpha-2, as in DE."}, \
	{"source",      IN_BODY, AS_TEXT,   .least = 1, .most = 100,  .says = "Where it came from."}, \
	{"stage",       IN_BODY, AS_TEXT,   .solid = true, .least = 1, .most = 40, .says = "Stage of the funnel."}, \
	{"owner_id",    IN_BODY, AS_UUID,   .says = "Who owns it."}, \
	{"value",       IN_BODY, AS_INT,    .most = VALUE_MOST,       .says = "What it is worth, in minor units of the currency."}, \
	{"currency",    IN_BODY, AS_TEXT,   .least = 3, .most = 3,    .says = "ISO 4217, as in EUR."}, \
	{"notes",       IN_BODY, AS_PROSE,  .least = 1, .most = 10000, .says = "Anything else, several lines."}, \
	{"tags",        IN_BODY, AS_TEXT,   .list = true, .items = 50, .least = 1, .most = 64, .says = "Words to find it by."}, \
	{"custom",      IN_BODY, AS_OBJECT, .most = 16384,            .says = "Fields of your own; merged in a PATCH, null removes one."}

#define NEW \
	{"id",              IN_BODY, AS_UUID,  .solid = true,  .says = "A UUID of your own making, for apps that create offline."}, \
	FIELDS(true)

static const struct param create[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body creates it once."},
	{"duplicates",      IN_QUERY, AS_WORD, .words = "tell refuse", .unless = "tell", .says = "What to do where there is such a one that you see: create it and tell, or refuse (409)."},
	NEW,
	{0}
};

static const struct param change[] = {
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The customer."},
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
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The customer."},
	{"if-match", IN_HEAD, AS_TAGS, .must = true, .says = "The entity-tag that you read."},
	{0}
};

static const struct param stage[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The customer."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body moves it once."},
	{"stage",           IN_BODY, AS_TEXT,  .must = true, .least = 1, .most = 40, .says = "The stage to move it to; in another segment it is handed over."},
	{"owner_id",        IN_BODY, AS_UUID,  .says = "Who gets it; left out, the segment's rule says."},
	{"note",            IN_BODY, AS_PROSE, .least = 1, .most = 1000, .says = "What the next one should know; it is the reason of the operation."},
	{0}
};

static const struct param merge[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The customer that stays."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body merges them once."},
	{"other",           IN_BODY, AS_UUID,  .must = true, .says = "The customer that is merged into it and archived."},
	{"reason",          IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why; the operation keeps it."},
	{0}
};

static const struct param reveal[] = {
	{"id",     IN_PATH, AS_UUID,  .must = true, .says = "The customer."},
	{"fields", IN_BODY, AS_WORD,  .must = true, .list = true, .items = 3, .words = "email phone phone_e164", .says = "Which of them."},
	{"reason", IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why; the ledger keeps it."},
	{0}
};

static const struct param break_glass[] = {
	{"phone",  IN_BODY, AS_TEXT,  .least = 1, .most = 40,  .says = "The number that calls, with the country's code; or email."},
	{"email",  IN_BODY, AS_TEXT,  .least = 3, .most = 254, .says = "The address that wrote; or phone."},
	{"reason", IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why; whoever owns the customer is told."},
	{0}
};

static const struct param history[] = {
	{"id",     IN_PATH,   AS_UUID, .must = true, .says = "The customer."},
	{"field",  IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 40, .says = "Only changes of these fields."},
	{"actor",  IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Only changes by these people."},
	{"from",   IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",     IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param handover[] = {
	{"id", IN_PATH, AS_UUID, .must = true, .says = "The customer."},
	{0}
};

static const struct param seen_by[] = {
	{"id",     IN_PATH,  AS_UUID, .must = true, .says = "The customer."},
	{"cursor", IN_QUERY, AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY, AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct param timeline[] = {
	{"id",     IN_PATH,   AS_UUID, .must = true, .says = "The customer."},
	{"kind",   IN_FILTER, AS_WORD, .list = true, .items = 7, .words = "activity change stage owner contact deal offer", .says = "Only entries of these kinds; change is of its fields and of corrected activities."},
	{"from",   IN_FILTER, AS_TIME, .says = "Then or later."},
	{"to",     IN_FILTER, AS_TIME, .says = "Earlier."},
	{"cursor", IN_QUERY,  AS_CURSOR, .says = "The next of the page before."},
	{"limit",  IN_QUERY,  AS_INT, .least = 1, .most = 200, .unless = "50", .sql = "lim", .says = "How many on a page."},
	{0}
};

static const struct route routes[] = {
	{GET,    "/v1/customers",             "customer_list",    find,    reply_list, 200, .says = "Lists customers, by default the latest changed first."},
	{POST,   "/v1/customers",             "customer_create",  create,  reply_row,  201, .says = "Creates a customer; its owner is you, its stage the first of your segments. Tells which of those that you see are the same."},
	{POST,   "/v1/customers/batch",       "customer_batch",   batch,   reply_batch, 200, .strict = true, .says = "Creates and changes up to 200 customers, all or none or each alone; says of each what became of it."},
	{POST,   "/v1/customers/break-glass", "customer_break_glass", break_glass, reply_row, 200, .strict = true, .says = "Opens the one customer with this phone or e-mail for half an hour, to read; its owner is told."},
	{GET,    "/v1/customers/:id",         "customer_get",     one,     reply_row,  200, .says = "Shows one customer."},
	{PATCH,  "/v1/customers/:id",         "customer_change",  change,  reply_row,  200, .says = "Changes some fields; null clears one (RFC 7396)."},
	{DELETE, "/v1/customers/:id",         "customer_archive", archive, reply_row,  200, .says = "Archives a customer; nothing is lost."},
	{GET,    "/v1/customers/:id/history", "customer_history", history, reply_list, 200, .says = "Lists every change of its fields, newest first."},
	{GET,    "/v1/customers/:id/handover", "customer_handover", handover, reply_row, 200, .page = handover_page, .says = "Shows all that whoever takes it over needs to know; Accept: text/html gives a page to read or print."},
	{GET,    "/v1/customers/:id/timeline", "customer_timeline", timeline, reply_list, 200, .says = "Lists all that happened with one customer, newest first: activities when they happened, changes of it and of all that belongs to it."},
	{GET,    "/v1/customers/:id/seen-by", "customer_seen_by", seen_by, reply_list, 200, .says = "Lists who has seen it, the latest first: when first and last, as a record of its own, with contact values that were not masked; to the hour; for managers, auditors and admins."},
	{POST,   "/v1/customers/:id/stage",   "customer_stage",   stage,   reply_row,  200, .says = "Moves it to a stage; in another segment it goes to the person named or by the segment's rule."},
	{POST,   "/v1/customers/:id/merge",   "customer_merge",   merge,   reply_row,  200, .says = "Merges another customer into this one, with all that belongs to it; undoing the operation splits them again."},
	{POST,   "/v1/customers/:id/reveal",  "customer_reveal",  reveal,  reply_row,  200, .says = "Shows contact values that are masked; that is recorded."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "customers", .workers = 8, .routes = routes});
}
