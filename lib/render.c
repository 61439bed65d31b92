/* render.c -- rows to JSON by column type. */
#include "render.h"
#include "fault.h"
#include "rows.h"

#include <stdlib.h>
#include <string.h>

/* Types by their oid, which is the same in every PostgreSQL (pg_type.dat). */
enum {
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_JSON = 114,
	OID_TEXTS = 1009,
	OID_TIMESTAMPTZ = 1184,
	OID_UUIDS = 2951,
	OID_JSONB = 3802
};

/* A column that is shown. */
struct column {
	int n;
	Oid type;
	const char *name; /* "name": */
	const char *word; /* between spaces, as _only has it */
};

/* true and false instead of t and f. */
static void
put_bool(struct buf *to, const char *text)
{
	buf_text(to, *text == 't' ? "true" : "false");
}

/* "2026-11-21 20:41:30.12+00", which is UTC on our connections, as RFC 3339 with six digits. */
static void
put_time(struct buf *to, const char *text)
{
	size_t day = strcspn(text, " "), time = strcspn(text + day, "+-.");
	const char *fraction = text + day + time;
	size_t digits = *fraction == '.' ? strspn(fraction + 1, "0123456789") : 0;

	if (text[day] == '\0') { /* infinity */
		buf_json(to, text);
		return;
	}
	buf_char(to, '"');
	buf_bytes(to, text, day);
	buf_char(to, 'T');
	buf_bytes(to, text + day + 1, time - 1);
	buf_char(to, '.');
	buf_bytes(to, fraction + 1, digits);
	buf_bytes(to, "000000", 6 - digits);
	buf_text(to, "Z\"");
}

/* An array literal of one dimension: {a,"b \"c\"",NULL}. */
static void
put_array(struct buf *to, const char *text)
{
	struct buf item = {.mem = to->mem};
	bool first = true;

	buf_char(to, '[');
	for (const char *at = text + 1; *at != '}' && *at != '\0'; at += *at == ',') {
		bool quoted = *at == '"';
		item.length = 0;
		buf_bytes(&item, "", 0);
		for (at += quoted; *at != '\0' && (quoted ? *at != '"' : *at != ',' && *at != '}');
		     at++) {
			at += *at == '\\';
			buf_char(&item, *at);
		}
		at += quoted;
		if (!first)
			buf_char(to, ',');
		first = false;
		if (!quoted && strcmp(item.bytes, "NULL") == 0)
			buf_text(to, "null");
		else
			buf_json_bytes(to, item.bytes, item.length);
	}
	buf_char(to, ']');
}

static void
put_value(struct buf *to, Oid type, const char *text, size_t length)
{
	switch (type) {
	case OID_INT8:
	case OID_INT2:
	case OID_INT4:
	case OID_JSON:
	case OID_JSONB:
		buf_bytes(to, text, length);
		break;
	case OID_BOOL:
		put_bool(to, text);
		break;
	case OID_TIMESTAMPTZ:
		put_time(to, text);
		break;
	case OID_TEXTS:
	case OID_UUIDS:
		put_array(to, text);
		break;
	default:
		buf_json_bytes(to, text, length);
	}
}

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
			put_value(to, c->type, PQgetvalue(result, row, c->n),
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
