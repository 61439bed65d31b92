/* handover.c -- the handover document of a customer as a page: who it is and where it stands. */
#include "handover.h"
#include "sections.h"

#include <stdint.h>
#include <string.h>

static void
head(struct page *p, const json_t *doc)
{
	const json_t *customer = json_object_get(doc, "customer"), *one;
	bool masks = json_array_size(json_object_get(customer, "masked")) > 0;
	size_t i;

	json_array_foreach (json_object_get(doc, "contacts"), i, one) {
		masks = masks || json_array_size(json_object_get(one, "masked")) > 0;
	}
	page_say(p, NULL, "Everything that whoever takes over needs to know.");
	if (page_member(p, customer, "archived_at") != NULL)
		page_say(p, "mark", "This customer is archived.");
	if (masks)
		page_say(p, "quiet",
		    "Values marked as masked are shown in part, those marked as hidden not at all: "
		    "the rules of the organisation keep them from you here.");
}

static void
standing(struct page *p, const json_t *doc)
{
	const json_t *customer = json_object_get(doc, "customer"),
		     *at = json_object_get(doc, "standing");
	const char *name = page_member(p, at, "stage_name"),
		   *segment = page_member(p, at, "segment_name"),
		   *owner = page_inner(p, at, "owner", "name"),
		   *worth = page_money(p, json_object_get(customer, "value"),
		       json_object_get(customer, "currency"));

	page_section(p, "Where it stands");
	buf_text(p->to, "<dl>\n");
	page_fact(p, "Stage", name != NULL ? name : page_member(p, at, "stage"));
	page_when(p, at, "since", "Since");
	page_fact(p, "Segment", segment != NULL ? segment : page_member(p, at, "segment"));
	page_fact(p, "Owner", owner != NULL ? owner : "Nobody.");
	if (worth != NULL)
		page_fact(p, "Worth", worth);
	else
		page_field(p, customer, "value", "Worth"); /* which may be hidden */
	html_close(p->to, "dl");
	page_section_end(p);
}

/* Under a heading of their own: their names are the company's, and may be like ours. */
static void
custom(struct page *p, const json_t *fields)
{
	const char *name;
	json_t *v;

	if (json_object_size(fields) == 0)
		return;
	html_element(p->to, "h3", "Fields of the company's own");
	buf_text(p->to, "<dl>\n");
	json_object_foreach ((json_t *)(uintptr_t)fields, name, v) {
		page_fact(p, name, page_text(p, v));
	}
	html_close(p->to, "dl");
}

/* The written form too where it says more than the typed one. */
static void
phone(struct page *p, const json_t *record)
{
	const char *typed = page_member(p, record, "phone"),
		   *e164 = page_member(p, record, "phone_e164");

	page_field(p, record, "phone", "Phone");
	if (e164 != NULL && (typed == NULL || strcmp(typed, e164) != 0))
		page_field(p, record, "phone_e164", "In full");
}

static void
who(struct page *p, const json_t *doc)
{
	static const char *const fields[][2] = {{"website", "Website"}, {"address", "Address"},
	    {"postal_code", "Postal code"}, {"city", "City"}, {"region", "Region"},
	    {"country", "Country"}, {"source", "Came from"}, {"notes", "Notes"}, {NULL, NULL}};
	const json_t *customer = json_object_get(doc, "customer"),
		     *tags = json_object_get(customer, "tags");

	page_section(p, "Who it is");
	buf_text(p->to, "<dl>\n");
	page_field(p, customer, "email", "E-mail");
	phone(p, customer);
	for (size_t i = 0; fields[i][0] != NULL; i++)
		page_field(p, customer, fields[i][0], fields[i][1]);
	if (json_array_size(tags) > 0)
		page_fact(p, "Tags", page_text(p, tags));
	page_when(p, customer, "created_at", "Known since");
	page_when(p, customer, "updated_at", "Last changed");
	page_when(p, customer, "archived_at", "Archived");
	html_close(p->to, "dl");
	custom(p, json_object_get(customer, "custom"));
	page_section_end(p);
}

static void
contact(struct page *p, const json_t *one)
{
	const json_t *proven = json_object_get(one, "proven"),
		     *email = json_object_get(proven, "email"),
		     *call = json_object_get(proven, "phone");

	buf_text(p->to, "<article>\n");
	html_element(p->to, "h3", page_member(p, one, "name"));
	if (json_is_true(json_object_get(one, "is_primary")))
		page_say(p, NULL, "Whom to ask for first.");
	buf_text(p->to, "<dl>\n");
	page_field(p, one, "title", "Title");
	page_field(p, one, "email", "E-mail");
	page_when(p, email, "at", "Proven by mail");
	phone(p, one);
	page_when(p, call, "at", "Proven by call");
	page_field(p, one, "notes", "Notes");
	html_close(p->to, "dl");
	if (!json_is_object(email) && !json_is_object(call))
		page_say(p, "quiet", "Nobody has been reached this way yet.");
	html_close(p->to, "article");
}

static void
contacts(struct page *p, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "contacts"), *one;
	size_t i;

	page_section(p, "People to talk to");
	if (json_array_size(list) == 0)
		page_say(p, NULL, "No contact is known.");
	json_array_foreach (list, i, one) {
		contact(p, one);
	}
	page_section_end(p);
}

static void
missing(struct page *p, const json_t *doc)
{
	const json_t *completeness = json_object_get(doc, "completeness"),
		     *list = json_object_get(completeness, "missing"), *one;
	const char *score = page_member(p, completeness, "score");
	size_t i;

	page_section(p, "What is missing");
	if (score != NULL)
		page_say(p, NULL, "This document is complete to %s of 100.", score);
	if (json_array_size(list) == 0) {
		page_say(p, NULL, "Nothing is missing.");
	} else {
		buf_text(p->to, "<ul>\n");
		json_array_foreach (list, i, one) {
			const char *says = page_member(p, one, "says"),
				   *points = page_member(p, one, "points");
			buf_text(p->to, "<li>");
			html_text(p->to, says != NULL ? says : page_member(p, one, "code"));
			if (points != NULL)
				html_text(p->to, arena_print(p->mem, " (%s points)", points));
			html_close(p->to, "li");
		}
		html_close(p->to, "ul");
	}
	page_section_end(p);
}

static void
fill(struct page *p, const json_t *doc)
{
	head(p, doc);
	standing(p, doc);
	who(p, doc);
	contacts(p, doc);
	handover_steps(p, doc);
	handover_offers(p, doc);
	handover_deals(p, doc);
	handover_conversations(p, doc);
	handover_owners(p, doc);
	handover_changes(p, doc);
	missing(p, doc);
}

void
handover_page(struct req *r)
{
	page_make(r, "customer", fill);
}
