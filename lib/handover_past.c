/* handover_past.c -- of the handover page: promises, what was said, who was here before, what was changed. */
#include "sections.h"

#include <string.h>

/* The due date's cell; what is overdue says so in a word. */
static void
due(struct page *p, const json_t *step)
{
	const json_t *at = json_object_get(step, "due_at");

	if (!json_is_true(json_object_get(step, "overdue"))) {
		page_cell_when(p, at);
		return;
	}
	buf_text(p->to, "<td><strong class=\"mark\">Overdue</strong> ");
	page_moment(p, at);
	buf_text(p->to, "</td>");
}

void
handover_steps(struct page *p, const json_t *doc)
{
	static const char *const heads[] = {"What", "Due", "Promised by", "To", "Since", NULL};
	const json_t *list = json_object_get(doc, "next_steps"), *one;
	size_t i;

	page_section(p, "Promises and next steps");
	if (json_array_size(list) == 0) {
		page_say(p, NULL, "Nothing has been promised.");
		page_section_end(p);
		return;
	}
	html_table(p->to, heads);
	json_array_foreach (list, i, one) {
		buf_text(p->to, "<tr>");
		page_cell(p, page_member(p, one, "what"));
		due(p, one);
		page_cell(p, page_inner(p, one, "promised_by", "name"));
		page_cell(p, page_inner(p, one, "contact", "name"));
		page_cell_when(p, json_object_get(one, "since"));
		html_close(p->to, "tr");
	}
	html_table_end(p->to);
	page_section_end(p);
}

/* "call" and "in" as "Call, incoming". */
static const char *
kind(struct page *p, const json_t *one)
{
	const char *word = page_member(p, one, "kind"), *way = page_member(p, one, "direction");
	char *text;

	if (word == NULL)
		return "Note";
	way = way == NULL ? NULL : strcmp(way, "in") == 0 ? "incoming" : "outgoing";
	text = arena_print(p->mem, "%s%s%s", word, way == NULL ? "" : ", ", way == NULL ? "" : way);
	if (*text >= 'a' && *text <= 'z')
		*text = (char)(*text - 'a' + 'A');
	return text;
}

static void
conversation(struct page *p, const json_t *one)
{
	const char *subject = page_member(p, one, "subject"), *body = page_member(p, one, "body"),
		   *author = page_inner(p, one, "author", "name"),
		   *with = page_inner(p, one, "contact", "name"),
		   *outcome = page_member(p, one, "outcome");

	buf_text(p->to, "<article>\n");
	html_element(p->to, "h3",
	    subject == NULL ? kind(p, one) : arena_print(p->mem, "%s: %s", kind(p, one), subject));
	buf_text(p->to, "<p class=\"quiet\">");
	page_moment(p, json_object_get(one, "at"));
	if (author != NULL)
		html_text(p->to, arena_print(p->mem, ", by %s", author));
	if (with != NULL)
		html_text(p->to, arena_print(p->mem, ", with %s", with));
	if (json_is_true(json_object_get(one, "backdated")))
		buf_text(p->to, ", <strong class=\"mark\">entered late</strong>");
	html_close(p->to, "p");
	if (body != NULL) {
		buf_text(p->to, "<p>");
		html_lines(p->to, body);
		html_close(p->to, "p");
	}
	if (outcome != NULL)
		page_say(p, NULL, "Outcome: %s", outcome);
	html_close(p->to, "article");
}

void
handover_conversations(struct page *p, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "conversations"), *one;
	const char *count = page_member(p, doc, "conversation_count");
	size_t i;

	page_section(p, "The last conversations");
	if (json_array_size(list) == 0)
		page_say(p, NULL, "Nobody has talked to this customer.");
	else if (count != NULL)
		page_say(p, NULL, "The last %zu of %s.", json_array_size(list), count);
	json_array_foreach (list, i, one) {
		conversation(p, one);
	}
	page_section_end(p);
}

void
handover_owners(struct page *p, const json_t *doc)
{
	static const char *const heads[] = {"Who", "From", "To", NULL};
	const json_t *list = json_object_get(doc, "owners"), *one;
	const char *name, *to;
	size_t i;

	page_section(p, "Who was responsible");
	if (json_array_size(list) == 0) {
		page_say(p, NULL, "Nobody was ever responsible.");
		page_section_end(p);
		return;
	}
	html_table(p->to, heads);
	json_array_foreach (list, i, one) {
		name = page_inner(p, one, "owner", "name");
		to = page_member(p, one, "to");
		buf_text(p->to, "<tr>");
		page_cell(p, name == NULL ? "Nobody." : name);
		page_cell_when(p, json_object_get(one, "from"));
		if (to == NULL)
			page_cell(p, "today");
		else
			page_cell_when(p, json_object_get(one, "to"));
		html_close(p->to, "tr");
	}
	html_table_end(p->to);
	page_section_end(p);
}

static void
change(struct page *p, const json_t *one)
{
	const char *entity = page_member(p, one, "entity"), *field = page_member(p, one, "field"),
		   *actor = page_member(p, one, "actor_name"), *via = page_member(p, one, "via");

	buf_text(p->to, "<tr>");
	page_cell_when(p, json_object_get(one, "at"));
	page_cell(p, arena_print(p->mem, "%s%s%s", actor == NULL ? "the system" : actor,
			 via == NULL ? "" : ", ", via == NULL ? "" : via));
	page_cell(p, arena_print(p->mem, "%s%s%s", entity == NULL ? "" : entity,
			 field == NULL ? "" : " ", field == NULL ? "" : field));
	page_cell(p, page_member(p, one, "old"));
	page_cell(p, page_member(p, one, "new"));
	html_close(p->to, "tr");
}

void
handover_changes(struct page *p, const json_t *doc)
{
	static const char *const heads[] = {"When", "Who", "What", "Before", "After", NULL};
	const json_t *list = json_object_get(doc, "changes"), *one;
	size_t i;

	page_section(p, "What was changed lately");
	if (json_array_size(list) == 0) {
		page_say(p, NULL, "Nothing was changed lately.");
		page_section_end(p);
		return;
	}
	html_table(p->to, heads);
	json_array_foreach (list, i, one) {
		change(p, one);
	}
	html_table_end(p->to);
	page_section_end(p);
}
