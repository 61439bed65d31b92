/* render.c -- rows to JSON by column type. */
#include "render.h"
#include "fault.h"
#include "rows.h"
#include "show.h"

#include <stdlib.h>
#include <string.h>

/* A column that is shown. */
struct column {
	int n;
	Oid type;
	const char *name; /* "name": */
	const char *word; /* between spaces, as _only has it */
};

/* Whether a column is picked: masked says how to read the others, so it is always there. */
static bool
picked(struct arena *mem, const char *fields, const char *name)
{
	return fields == NULL || strcmp(name, "masked") == 0 ||
	       strstr(fields, arena_print(mem, " %s ", name)) != NULL;
}

/* The columns to show, in their order, ended by a NULL name. */
static struct column *
columns(struct arena *mem, const PGresult *result, const char *fields)
{
	struct column *all = arena_get(mem, ((size_t)PQnfields(result) + 1) * sizeof *all);
	size_t count = 0;

	for (int n = 0; n < PQnfields(result); n++) {
		const char *name = PQfname(result, n);
		if (*name != '_' && picked(mem, fields, name))
			all[count++] = (struct column){n, PQftype(result, n),
			    arena_print(mem, "\"%s\":", name), arena_print(mem, " %s ", name)};
	}
	return all;
}

static void
put_row(struct buf *to, const struct rows *rows, int row, const struct column *columns_)
{
	const PGresult *result = rows->result;
	const char *only = rows_get(rows, row, "_only"), *comma = "";

	buf_char(to, '{');
	for (const struct column *c = columns_; c->name != NULL; c++) {
		if (only != NULL && strstr(only, c->word) == NULL)
			continue;
		buf_text(to, comma);
		comma = ",";
		buf_text(to, c->name);
		if (PQgetisnull(result, row, c->n))
			buf_text(to, "null");
		else
			show_json(to, c->type, PQgetvalue(result, row, c->n),
			    (size_t)PQgetlength(result, row, c->n));
	}
	buf_char(to, '}');
}

/* The members of a JSON object's text into the object that ends the answer. */
static void
put_also(struct buf *to, const char *object)
{
	const char *from = strchr(object, '{') + 1, *end = strrchr(object, '}');

	from += strspn(from, " \t\r\n");
	if (from >= end)
		return;
	to->length--; /* the brace */
	if (to->bytes[to->length - 1] != '{')
		buf_char(to, ',');
	buf_bytes(to, from, (size_t)(end - from));
	buf_char(to, '}');
}

static void
put_headers(struct req *r, const struct rows *rows, int row)
{
	static const char *const names[][2] = {
	    {"_location", "Location"}, {"_classification", "X-Classification"}, {NULL, NULL}};
	const char *etag = rows_get(rows, row, "_etag");

	if (etag != NULL)
		header_add(r, "ETag", arena_print(r->mem, "\"%s\"", etag));
	for (size_t i = 0; names[i][0] != NULL; i++)
		if (rows_get(rows, row, names[i][0]) != NULL)
			header_add(r, names[i][1], rows_get(rows, row, names[i][0]));
	exposure_header(r);
}

void
render_row(struct req *r, const struct rows *rows, const char *fields)
{
	const char *status = rows_get(rows, 0, "_status"), *doc = rows_get(rows, 0, "_doc"),
		   *also = rows_get(rows, 0, "_also"),
		   *stamp = rows_get(rows, 0, "_classification");

	r->type = "application/json";
	r->out.mem = r->mem;
	if (status != NULL)
		r->status = (int)strtol(status, NULL, 10);
	if (r->status >= 400) {
		fail_sql(r, arena_print(r->mem, "PT%d", r->status), rows_get(rows, 0, "_code"),
		    rows_get(rows, 0, "_problem"), rows_get(rows, 0, "_detail"), NULL, NULL);
		/* The rows may be gone when it is shown. */
		r->fault->classification =
		    stamp == NULL ? NULL : arena_text(r->mem, stamp, strlen(stamp));
		return;
	}
	put_headers(r, rows, 0);
	if (r->status == 204 || r->status == 304)
		return;
	if (doc != NULL)
		buf_text(&r->out, doc);
	else
		put_row(&r->out, rows, 0, columns(r->mem, rows->result, fields));
	if (doc == NULL && also != NULL)
		put_also(&r->out, also);
}

void
render_list(struct req *r, const struct rows *rows, const char *fields, const char *holds,
    const unsigned char key[CURSOR_KEY])
{
	struct column *shown = columns(r->mem, rows->result, fields);
	int count = rows_count(rows),
	    tail = count > 0 && rows_get(rows, count - 1, "_tail") != NULL ? count - 1 : count;
	const char *next = rows_get(rows, tail, "_next"), *total = rows_get(rows, tail, "_count");

	r->type = "application/json";
	r->out.mem = r->mem;
	put_headers(r, rows, tail);
	buf_text(&r->out, "{\"data\":[");
	for (int row = 0; row < tail; row++) {
		if (row > 0)
			buf_char(&r->out, ',');
		put_row(&r->out, rows, row, shown);
	}
	buf_text(&r->out, "],\"next\":");
	buf_json(&r->out, next == NULL ? NULL : cursor_sign(r->mem, key, holds, next));
	if (total != NULL)
		buf_print(&r->out, ",\"count\":%s", total);
	buf_char(&r->out, '}');
}
