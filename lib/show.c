/* show.c -- a value of a row, from PostgreSQL's text form to JSON or to a text for people. */
#include "show.h"

#include <stdbool.h>
#include <string.h>

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

	buf_bytes(to, text, day);
	if (text[day] == '\0') /* infinity */
		return;
	buf_char(to, 'T');
	buf_bytes(to, text + day + 1, time - 1);
	buf_char(to, '.');
	buf_bytes(to, fraction + 1, digits);
	buf_bytes(to, "000000", 6 - digits);
	buf_char(to, 'Z');
}

/* The next item of an array literal of one dimension, {a,"b \"c\"",NULL}; at begins behind its brace and
 * moves on.  False at the end. */
static bool
next_item(const char **at, struct buf *item, bool *null)
{
	const char *c = *at;
	bool quoted = *c == '"';

	if (*c == '}' || *c == '\0')
		return false;
	item->length = 0;
	buf_bytes(item, "", 0);
	for (c += quoted; *c != '\0' && (quoted ? *c != '"' : *c != ',' && *c != '}'); c++) {
		c += *c == '\\';
		buf_char(item, *c);
	}
	c += quoted;
	*at = c + (*c == ',');
	*null = !quoted && strcmp(item->bytes, "NULL") == 0;
	return true;
}

static void
put_array(struct buf *to, const char *text)
{
	struct buf item = {.mem = to->mem};
	const char *at = text + 1, *comma = "";
	bool null;

	buf_char(to, '[');
	for (; next_item(&at, &item, &null); comma = ",") {
		buf_text(to, comma);
		buf_json_bytes(to, null ? NULL : item.bytes, item.length);
	}
	buf_char(to, ']');
}

static void
put_items(struct buf *to, const char *text)
{
	struct buf item = {.mem = to->mem};
	const char *at = text + 1, *between = "";
	bool null;

	buf_text(to, "");
	for (; next_item(&at, &item, &null); between = "; ") {
		buf_text(to, between);
		if (!null)
			buf_bytes(to, item.bytes, item.length);
	}
}

void
show_json(struct buf *to, unsigned type, const char *text, size_t length)
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
		buf_char(to, '"');
		put_time(to, text);
		buf_char(to, '"');
		break;
	case OID_TEXTS:
	case OID_UUIDS:
		put_array(to, text);
		break;
	default:
		buf_json_bytes(to, text, length);
	}
}

void
show_text(struct buf *to, unsigned type, const char *text, size_t length)
{
	switch (type) {
	case OID_BOOL:
		put_bool(to, text);
		break;
	case OID_TIMESTAMPTZ:
		put_time(to, text);
		break;
	case OID_TEXTS:
	case OID_UUIDS:
		put_items(to, text);
		break;
	default:
		buf_bytes(to, text, length);
	}
}

bool
show_same(unsigned type)
{
	return type != OID_BOOL && type != OID_TIMESTAMPTZ && type != OID_TEXTS &&
	       type != OID_UUIDS;
}
