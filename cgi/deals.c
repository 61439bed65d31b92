/* deals.c -- chances to sell something.
 *
 *	GET    /v1/deals        a page of them, the latest changed first
 *	POST   /v1/deals        a new one
 *	POST   /v1/deals/batch  many creations and changes at once
 *	GET    /v1/deals/:id    one, now or as of an earlier moment
 *	PATCH  /v1/deals/:id    change some fields of one
 *	DELETE /v1/deals/:id    archive one
 *
 * The rules are in sql/api/deals.sql and sql/policy/children.sql.
 */
#include "app.h"

#define COLUMNS                                                                                    \
	"id customer_id title stage amount currency expected_close status reason closed_at notes " \
	"version created_at updated_at archived_at"
#define AMOUNT_MOST 1000000000000000
#define SORTS       "title amount expected_close created_at updated_at"

/* clang-format off */
static const struct param find[] = {
	{"customer",       IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Of these customers."},
	{"stage",          IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 40, .says = "Stages of the funnel."},
	{"status",         IN_FILTER, AS_WORD, .list = true, .items = 3, .words = "open won lost", .says = "How they stand."},
	{"currency",       IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 3, .says = "ISO 4217 codes."},
	{"amount_min",     IN_FILTER, AS_INT,  .most = AMOUNT_MOST, .says = "Of at least this, in minor units."},
	{"amount_max",     IN_FILTER, AS_INT,  .most = AMOUNT_MOST, .says = "Of at most this, in minor units."},
	{"close_after",    IN_FILTER, AS_DATE, .says = "Expected to close on that day or later."},
	{"close_before",   IN_FILTER, AS_DATE, .says = "Expected to close earlier."},
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
	{"id",            IN_PATH,  AS_UUID, .must = true, .says = "The deal."},
	{"as_of",         IN_QUERY, AS_TIME, .says = "Shows it as it was at this moment."},
	{"if-none-match", IN_HEAD,  AS_TAGS, .says = "304 when the entity-tag is still this."},
	{0}
};

#define FIELDS(new) \
	{"title",          IN_BODY, AS_TEXT,  .must = new, .solid = true, .least = 1, .most = 200, .says = "What it is about."}, \
	{"stage",          IN_BODY, AS_TEXT,  .solid = true, .least = 1, .most = 40, .says = "Stage of the funnel; left out, its customer's."}, \
	{"amount",         IN_BODY, AS_INT,   .most = AMOUNT_MOST,       .says = "What it would bring, in minor units of the currency."}, \
	{"currency",       IN_BODY, AS_TEXT,  .least = 3, .most = 3,     .says = "ISO 4217, as in EUR."}, \
	{"expected_close", IN_BODY, AS_DATE,                             .says = "The day on which it should be decided."}, \
	{"status",         IN_BODY, AS_WORD,  .solid = true, .words = "open won lost", .says = "won or lost closes it, for a reason; open opens it again."}, \
	{"reason",         IN_BODY, AS_PROSE, .least = 1, .most = 1000,  .says = "Why it was won or lost."}, \
	{"notes",          IN_BODY, AS_PROSE, .least = 1, .most = 10000, .says = "Anything else, several lines."}

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
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The deal."},
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
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The deal."},
	{"if-match", IN_HEAD, AS_TAGS, .must = true, .says = "The entity-tag that you read."},
	{0}
};

static const struct route routes[] = {
	{GET,    "/v1/deals",     "deal_list",    find,    reply_list, 200, .says = "Lists deals, by default the latest changed first."},
	{POST,   "/v1/deals",     "deal_create",  create,  reply_row,  201, .says = "Creates a deal; its stage is its customer's where you say none."},
	{POST,   "/v1/deals/batch", "deal_batch", batch, reply_batch, 200, .strict = true, .says = "Creates and changes up to 200 deals, all or none or each alone; says of each what became of it."},
	{GET,    "/v1/deals/:id", "deal_get",     one,     reply_row,  200, .says = "Shows one deal."},
	{PATCH,  "/v1/deals/:id", "deal_change",  change,  reply_row,  200, .says = "Changes some fields; won or lost needs a reason, and a closed deal is opened before anything else of it changes."},
	{DELETE, "/v1/deals/:id", "deal_archive", archive, reply_row,  200, .says = "Archives a deal; nothing is lost."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(argc, argv, &(struct app){.name = "deals", .workers = 2, .routes = routes});
}
