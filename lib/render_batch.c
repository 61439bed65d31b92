/* render_batch.c -- another part of render.h: what became of each item of a batch. */
#include "fault.h"
#include "render.h"

#include <stdlib.h>
#include <string.h>

/* The rows are gone when a fault is shown. */
static const char *
keep(struct req *r, const struct rows *rows, int row, const char *column)
{
	const char *text = rows_get(rows, row, column);

	return text == NULL ? NULL : arena_text(r->mem, text, strlen(text));
}

static int
index_of(const struct rows *rows, int row)
{
	return atoi(rows_get(rows, row, "_index"));
}

/* Why an item was refused, with the members that its rows name, by their pointers from the root of the body. */
static struct fault *
item_fault(struct req *r, const struct rows *rows, int row)
{
	struct req one = {.mem = r->mem, .id = r->id};
	int item = index_of(rows, row);

	if (rows_get(rows, row, "_state") == NULL)
		return r->apart[item];
	fail_sql(&one, rows_get(rows, row, "_state"), rows_get(rows, row, "_message"),
	    rows_get(rows, row, "_detail"), keep(r, rows, row, "_hint"),
	    rows_get(rows, row, "_constraint"), rows_get(rows, row, "_column"));
	for (struct fault_error *e = one.fault->errors; e != NULL; e = e->next)
		e->pointer = arena_print(r->mem, "/items/%d%s", item, e->pointer);
	for (; row < rows_count(rows) && index_of(rows, row) == item; row++) {
		const char *said = rows_get(rows, row, "_said");

		if (rows_get(rows, row, "_pointer") != NULL)
			fail_at(&one, one.fault->status, one.fault->code,
			    arena_print(
				r->mem, "/items/%d%s", item, rows_get(rows, row, "_pointer")),
			    keep(r, rows, row, "_why"), said == NULL ? NULL : "%s", said);
	}
	return one.fault;
}

/* Adds what is wrong with an item to the errors of the whole. */
static void
add_errors(struct req *r, const struct fault *f, int item)
{
	int status = r->fault->status;
	const char *code = r->fault->code;

	if (f->errors == NULL)
		fail_at(r, status, code, arena_print(r->mem, "/items/%d", item), f->code, "%s",
		    fault_detail(f));
	for (const struct fault_error *e = f->errors; e != NULL; e = e->next)
		fail_at(r, status, code, e->pointer, e->code, e->detail == NULL ? NULL : "%s",
		    e->detail);
}

/* Refuses all of it for some: with their status and code where they have one in common. */
static void
refuse(struct req *r, struct fault *const faults[], const int items[], size_t n)
{
	bool same = true;

	for (size_t i = 1; i < n; i++)
		same = same && faults[i]->status == faults[0]->status &&
		       strcmp(faults[i]->code, faults[0]->code) == 0;
	fail(r, same ? faults[0]->status : 422, same ? faults[0]->code : "items_refused",
	    "Nothing was written. errors names the items that were refused, and why.");
	for (size_t i = 0; i < n; i++)
		add_errors(r, faults[i], items[i]);
	r->remembered = true;
}

static void
put_refused(struct buf *to, const struct rows *rows, int row, struct fault *f)
{
	buf_print(to, "{\"index\":%d,\"status\":%d", index_of(rows, row), f->status);
	buf_text(to, ",\"problem\":");
	fault_problem(to, f, NULL);
	buf_char(to, '}');
}

void
render_batch(struct req *r, const struct rows *rows)
{
	int count = rows_count(rows), done = 0, held = 0;
	bool together = strcmp(rows_get(rows, 0, "_atomic"), "t") == 0;
	struct fault **faults = arena_get(r->mem, (size_t)count * sizeof(struct fault *));
	int *items = arena_get(r->mem, (size_t)count * sizeof *items);
	const char *stamp = rows_get(rows, 0, "_classification");
	size_t failed = 0;

	r->type = "application/json";
	r->out.mem = r->mem;
	buf_text(&r->out, "{\"results\":[");
	for (int row = 0; row < count; row++) {
		const char *item = rows_get(rows, row, "_item");
		if (row > 0 && index_of(rows, row) == index_of(rows, row - 1))
			continue; /* another member of the same one */
		buf_text(&r->out, row > 0 ? "," : "");
		if (item != NULL) {
			buf_text(&r->out, item);
			if (rows_get(rows, row, "_held") != NULL)
				held++;
			else
				done++;
			continue;
		}
		items[failed] = index_of(rows, row);
		faults[failed] = item_fault(r, rows, row);
		put_refused(&r->out, rows, row, faults[failed++]);
	}
	buf_print(&r->out, "],\"done\":%d,\"held\":%d,\"failed\":%zu}", done, held, failed);
	if (together && failed > 0) {
		refuse(r, faults, items, failed);
		return;
	}
	if (stamp != NULL)
		header_add(r, "X-Classification", stamp);
	exposure_header(r);
}
