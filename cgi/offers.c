/* offers.c -- what was offered at which price; quotations.
 *
 *	GET    /v1/offers                a page of them, the latest changed first
 *	POST   /v1/offers                a new draft
 *	GET    /v1/offers/:id            one with all its revisions, now or as of an earlier moment
 *	PATCH  /v1/offers/:id            change some fields of a draft
 *	DELETE /v1/offers/:id            archive a draft
 *	POST   /v1/offers/:id/send       send a draft: it never changes again
 *	POST   /v1/offers/:id/revise     the next revision, a draft, of what was sent
 *	POST   /v1/offers/:id/accept     the customer takes it
 *	POST   /v1/offers/:id/decline    the customer does not
 *
 * The rules are in sql/api/offers*.sql, sql/app/offers.sql and sql/policy/children.sql.
 */
#include "app.h"

#define COLUMNS                                                                                    \
	"id customer_id contact_id deal_id number revision title currency lines net tax gross "    \
	"status valid_until promised_by promised_by_name sent_at decided_at superseded_at reason " \
	"notes valid_from valid_to version created_at updated_at archived_at"
#define GROSS_MOST 1000000000000000
#define PRICE_MOST 1000000000000
#define STATUSES   "draft sent accepted declined expired"
#define SORTS      "number gross valid_until created_at updated_at"

/* clang-format off */
static const struct param find[] = {
	{"customer",       IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "Of these customers."},
	{"contact",        IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "To these contacts."},
	{"deal",           IN_FILTER, AS_UUID, .list = true, .items = 50, .says = "For these deals."},
	{"number",         IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 14, .says = "All revisions of these numbers."},
	{"status",         IN_FILTER, AS_WORD, .list = true, .items = 5, .words = STATUSES, .says = "How they stand; a sent one expires after its last day."},
	{"currency",       IN_FILTER, AS_TEXT, .list = true, .items = 50, .most = 3, .says = "ISO 4217 codes."},
	{"valid_at",       IN_FILTER, AS_TIME, .says = "The revisions that were valid at this moment."},
	{"gross_min",      IN_FILTER, AS_INT,  .most = GROSS_MOST, .says = "Of at least this with tax, in minor units."},
	{"gross_max",      IN_FILTER, AS_INT,  .most = GROSS_MOST, .says = "Of at most this with tax, in minor units."},
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
	{"id",            IN_PATH,  AS_UUID, .must = true, .says = "The offer."},
	{"as_of",         IN_QUERY, AS_TIME, .says = "Shows it and its revisions as they were at this moment."},
	{"if-none-match", IN_HEAD,  AS_TAGS, .says = "304 when the entity-tag is still this."},
	{0}
};

/* Quantity is more than 0: PostgreSQL says so. */
static const struct param line[] = {
	{"description", IN_BODY, AS_PROSE,  .must = true,  .least = 1, .most = 500, .says = "What is offered, several lines if need be."},
	{"quantity",    IN_BODY, AS_NUMBER, .must = true,  .most = 1000000, .places = 4, .says = "How many; more than 0."},
	{"unit_price",  IN_BODY, AS_INT,    .must = true,  .most = PRICE_MOST, .says = "Of one, without tax, in minor units of the currency."},
	{"discount",    IN_BODY, AS_NUMBER, .solid = true, .most = 100, .places = 2, .says = "Per cent off; left out, 0."},
	{"tax",         IN_BODY, AS_NUMBER, .solid = true, .most = 100, .places = 2, .says = "Per cent on what is left; left out, 0."},
	{0}
};

#define FIELDS \
	{"contact_id",  IN_BODY, AS_UUID,                             .says = "To whom; a contact of this customer."}, \
	{"deal_id",     IN_BODY, AS_UUID,                             .says = "For which deal of this customer."}, \
	{"title",       IN_BODY, AS_TEXT,   .least = 1, .most = 200,  .says = "What it is about."}, \
	{"currency",    IN_BODY, AS_TEXT,   .solid = true, .least = 3, .most = 3, .says = "ISO 4217, as in EUR; left out in a new one, its customer's."}, \
	{"lines",       IN_BODY, AS_OBJECT, .solid = true, .list = true, .items = 200, .members = line, .says = "What is offered, all lines in order; net, tax and gross follow from them."}, \
	{"valid_until", IN_BODY, AS_DATE,                             .says = "The last day, in UTC, on which it can be accepted; left out, it does not expire."}, \
	{"notes",       IN_BODY, AS_PROSE,  .least = 1, .most = 10000, .says = "Anything else, several lines."}

static const struct param create[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body creates it once."},
	{"id",              IN_BODY, AS_UUID,  .solid = true,  .says = "A UUID of your own making, for apps that create offline."},
	{"customer_id",     IN_BODY, AS_UUID,  .must = true,   .says = "Whose it is; it stays there."},
	FIELDS,
	{0}
};

static const struct param change[] = {
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The offer, a draft."},
	{"if-match", IN_HEAD, AS_TAGS, .must = true, .says = "The entity-tag that you read."},
	FIELDS,
	{0}
};

static const struct param archive[] = {
	{"id",       IN_PATH, AS_UUID, .must = true, .says = "The offer, a draft."},
	{"if-match", IN_HEAD, AS_TAGS, .must = true, .says = "The entity-tag that you read."},
	{0}
};

static const struct param send[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The offer, a draft."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body sends it once."},
	{"if-match",        IN_HEAD, AS_TAGS,  .says = "The entity-tag that you read, so that nothing is sent that you have not seen; may be left out."},
	{"note",            IN_BODY, AS_PROSE, .least = 1, .most = 1000, .says = "How it went out, say; it is the reason of the operation."},
	{0}
};

static const struct param revise[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The offer, its latest revision."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body revises it once."},
	FIELDS,
	{0}
};

static const struct param accept[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The offer."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body accepts it once."},
	{"reason",          IN_BODY, AS_PROSE, .least = 1, .most = 1000, .says = "Why, or how he said so."},
	{0}
};

static const struct param decline[] = {
	{"id",              IN_PATH, AS_UUID,  .must = true, .says = "The offer."},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body declines it once."},
	{"reason",          IN_BODY, AS_PROSE, .must = true, .least = 1, .most = 1000, .says = "Why."},
	{0}
};

static const struct route routes[] = {
	{GET,    "/v1/offers",             "offer_list",    find,    reply_list, 200, .says = "Lists offers, every revision a row, by default the latest changed first."},
	{POST,   "/v1/offers",             "offer_create",  create,  reply_row,  201, .says = "Creates a draft, revision 1; its number, the year and a count without gaps, is given to it."},
	{GET,    "/v1/offers/:id",         "offer_get",     one,     reply_row,  200, .says = "Shows one offer; revisions says from when to when each revision of its number was valid."},
	{PATCH,  "/v1/offers/:id",         "offer_change",  change,  reply_row,  200, .says = "Changes some fields of a draft; 409 offer_sent when it is none any more."},
	{DELETE, "/v1/offers/:id",         "offer_archive", archive, reply_row,  200, .says = "Archives a draft; 409 offer_sent when it is none any more."},
	{POST,   "/v1/offers/:id/send",    "offer_send",    send,    reply_row,  200, .says = "Sends a draft with at least one line: you promise it, it never changes again, and earlier revisions end."},
	{POST,   "/v1/offers/:id/revise",  "offer_revise",  revise,  reply_row,  201, .says = "Makes the next revision of one that was sent, declined or expired: a draft with the same number and lines."},
	{POST,   "/v1/offers/:id/accept",  "offer_accept",  accept,  reply_row,  200, .says = "The customer accepts the offer, while it is valid."},
	{POST,   "/v1/offers/:id/decline", "offer_decline", decline, reply_row,  200, .says = "The customer declines the offer, while it is valid."},
	{0}
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return app_main(
	    argc, argv, &(struct app){.name = "offers", .workers = 2, .routes = routes});
}
