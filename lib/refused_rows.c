/* refused_rows.c -- the rows of an import that did not go in, as a CSV: what was in them, the line and what is wrong.
 *
 * A page of them is a call; the file goes out as they come. */
#include "app.h"
#include "buf.h"
#include "fcgi.h"
#include "sheet.h"
#include "show.h"

#include <jansson.h>
#include <string.h>

struct refused {
	struct app *app;
	const char *id;
	struct sheet_plan plan;
	struct sheet *sheet;
};

static struct rows *
page(struct refused *f, struct req *r, const char *after)
{
	const struct arg args[] = {{"id", f->id}, {"after", after}};

	return app_call(f->app, r, CALL_READS, true, "import_refused", args, 2);
}

/* The columns: as the file had them, and two more. */
static bool
name_columns(struct refused *f, struct arena *mem, const char *header)
{
	json_t *names = json_loads(header, JSON_REJECT_DUPLICATES, NULL), *name;
	struct sheet_column *columns;
	size_t i;

	if (!json_is_array(names)) {
		json_decref(names);
		return false;
	}
	f->plan.n = json_array_size(names) + 2;
	f->plan.columns = columns = arena_get(mem, f->plan.n * sizeof *columns);
	columns[0] = (struct sheet_column){"import_line", OID_INT4};
	columns[1] = (struct sheet_column){"import_error", OID_TEXTS + 1};
	json_array_foreach (names, i, name)
		columns[i + 2] = (struct sheet_column){
		    arena_print(mem, "%s", json_string_value(name)), OID_TEXTS + 1};
	json_decref(names);
	return true;
}

/* A row has as many fields as the file has columns, or what is more stands in the last one. */
static bool
put_row(struct refused *f, struct arena *mem, const char *line, const char *why, const char *text)
{
	json_t *fields = json_loads(text, 0, NULL), *field;
	const char **values = arena_get(mem, f->plan.n * sizeof *values);
	size_t *lengths = arena_get(mem, f->plan.n * sizeof *lengths), i, end = f->plan.n - 1;
	struct buf last = {.mem = mem};
	bool good;

	values[0] = line, values[1] = why;
	json_array_foreach (fields, i, field) {
		if (i + 2 <= end) {
			values[i + 2] = json_string_value(field);
			continue;
		}
		if (last.bytes == NULL && values[end] != NULL)
			buf_text(&last, values[end]);
		buf_char(&last, ',');
		buf_bytes(&last, json_string_value(field), json_string_length(field));
		values[end] = last.bytes;
	}
	for (i = 0; i < f->plan.n; i++)
		lengths[i] = values[i] == NULL ? 0 : strlen(values[i]);
	good = sheet_row(f->sheet, values, lengths);
	json_decref(fields);
	arena_reset(mem);
	return good;
}

static bool
send(struct req *r, sheet_give *give, void *to)
{
	struct refused *f = r->streams;
	struct arena *mem = arena_new(); /* of one row */
	const char *after = "0";
	bool good = true, more = true;

	f->plan.give = give;
	f->plan.to = to;
	f->sheet = sheet_open(&f->plan);
	while (good && more) {
		struct rows *rows = page(f, r, after);
		int n = rows == NULL ? 0 : rows_count(rows);

		good = rows != NULL;
		more = n > 1; /* the first one is the header */
		for (int i = 1; i < n && good; i++)
			good = put_row(f, mem, rows_get(rows, i, "line"), rows_get(rows, i, "why"),
			    rows_get(rows, i, "fields"));
		if (more)
			after = arena_print(r->mem, "%s", rows_get(rows, n - 1, "line"));
		fcgi_alive(0);
	}
	arena_free(mem);
	if (good)
		return sheet_close(f->sheet);
	sheet_abandon(f->sheet);
	return false;
}

void
reply_refused_rows(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	struct refused *f = arena_get(r->mem, sizeof *f);
	struct rows *rows;

	(void)to;
	*f = (struct refused){.app = app, .id = in->args[0].value, .plan = {.form = SHEET_CSV}};
	if ((rows = page(f, r, NULL)) == NULL)
		return;
	if (!name_columns(f, r->mem, rows_get(rows, 0, "fields"))) {
		fail(r, 500, "internal", NULL);
		return;
	}
	r->type = "text/csv; charset=utf-8; header=present";
	header_add(r, "Content-Disposition",
	    arena_print(r->mem, "attachment; filename=\"import-%s-errors.csv\"", f->id));
	header_add(r, "X-Classification", rows_get(rows, 0, "_classification"));
	r->streams = f;
	r->stream = send;
}
