/* handover_offers.c -- of the handover page: what was offered, and what may be sold. */
#include "sections.h"

#include <string.h>

static bool
open_offer(const json_t *doc, const json_t *offer)
{
	const json_t *one;
	const char *id = json_string_value(json_object_get(offer, "id"));
	size_t i;
	bool found = false;

	json_array_foreach (json_object_get(doc, "open_offers"), i, one) {
		found = found || (id != NULL && json_is_string(one) &&
				     strcmp(json_string_value(one), id) == 0);
	}
	return found;
}

static const char *
per_cent(struct page *p, const json_t *v)
{
	const char *text = page_decimal(p, v);

	return text == NULL ? NULL : arena_print(p->mem, "%s %%", text);
}

static void
lines(struct page *p, const json_t *offer)
{
	static const char *const heads[] = {
	    "What", "#Quantity", "#Unit price", "#Discount", "#Tax", NULL};
	const json_t *currency = json_object_get(offer, "currency"), *one;
	size_t i;

	html_table(p->to, heads);
	json_array_foreach (json_object_get(offer, "lines"), i, one) {
		buf_text(p->to, "<tr>");
		page_cell(p, page_member(p, one, "description"));
		page_cell_number(p, page_decimal(p, json_object_get(one, "quantity")));
		page_cell_number(p, page_money(p, json_object_get(one, "unit_price"), currency));
		page_cell_number(p, per_cent(p, json_object_get(one, "discount")));
		page_cell_number(p, per_cent(p, json_object_get(one, "tax")));
		html_close(p->to, "tr");
	}
	html_table_end(p->to);
}

static void
offer(struct page *p, const json_t *doc, const json_t *one)
{
	static const char *const sums[][2] = {
	    {"net", "Net"}, {"tax", "Tax"}, {"gross", "Gross"}, {NULL, NULL}};
	const char *number = page_member(p, one, "number"),
		   *revision = page_member(p, one, "revision");

	buf_text(p->to, "<article>\n");
	html_element(p->to, "h3",
	    arena_print(p->mem, "Offer %s, revision %s", number == NULL ? "?" : number,
		revision == NULL ? "?" : revision));
	if (open_offer(doc, one))
		buf_text(p->to, "<p><strong class=\"mark\">Open</strong></p>\n");
	buf_text(p->to, "<dl>\n");
	page_field(p, one, "title", "Title");
	page_field(p, one, "status", "Status");
	page_when(p, one, "sent_at", "Sent");
	page_when(p, one, "valid_until", "Good until");
	page_when(p, one, "valid_from", "Valid from");
	page_when(p, one, "valid_to", "Valid to");
	page_fact(p, "Promised by", page_inner(p, one, "promised_by", "name"));
	page_when(p, one, "decided_at", "Decided");
	page_field(p, one, "reason", "Reason");
	html_close(p->to, "dl");
	if (json_array_size(json_object_get(one, "lines")) > 0)
		lines(p, one);
	else
		page_say(p, "quiet", "It has no lines.");
	buf_text(p->to, "<dl>\n");
	for (size_t i = 0; sums[i][0] != NULL; i++)
		page_fact(p, sums[i][1],
		    page_money(
			p, json_object_get(one, sums[i][0]), json_object_get(one, "currency")));
	html_close(p->to, "dl");
	html_close(p->to, "article");
}

void
handover_offers(struct page *p, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "offers"), *one;
	size_t i, open = json_array_size(json_object_get(doc, "open_offers"));

	page_section(p, "What was offered");
	if (json_array_size(list) == 0)
		page_say(p, NULL, "No offer has been made.");
	else if (open == 0)
		page_say(p, NULL, "No offer is open.");
	else
		page_say(p, NULL, "%zu %s open; every revision is shown, the newest first.", open,
		    open == 1 ? "offer is" : "offers are");
	json_array_foreach (list, i, one) {
		offer(p, doc, one);
	}
	page_section_end(p);
}

static void
deal(struct page *p, const json_t *one)
{
	buf_text(p->to, "<article>\n");
	html_element(p->to, "h3", page_member(p, one, "title"));
	buf_text(p->to, "<dl>\n");
	page_field(p, one, "status", "Status");
	page_field(p, one, "stage", "Stage");
	page_fact(p, "Amount",
	    page_money(p, json_object_get(one, "amount"), json_object_get(one, "currency")));
	page_when(p, one, "expected_close", "Expected to close");
	page_when(p, one, "closed_at", "Closed");
	page_field(p, one, "reason", "Reason");
	page_field(p, one, "notes", "Notes");
	html_close(p->to, "dl");
	html_close(p->to, "article");
}

void
handover_deals(struct page *p, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "deals"), *one;
	size_t i;

	page_section(p, "Deals");
	if (json_array_size(list) == 0)
		page_say(p, NULL, "There is no deal.");
	json_array_foreach (list, i, one) {
		deal(p, one);
	}
	page_section_end(p);
}
