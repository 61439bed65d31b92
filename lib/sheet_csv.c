/* sheet_csv.c -- a sheet as CSV (RFC 4180), in which no value is a formula. */
#include "buf.h"
#include "forms.h"
#include "show.h"

#include <string.h>

#define BOM  "\xef\xbb\xbf"
#define CRLF "\r\n"

/* Where Excel begins a cell if its list separator is a semicolon, as in most of Europe: it then opens our
 * commas as text and takes no quote inside a cell for one.  That is no reason to quote, but one to look. */
#define SPLITS ";\t\r\n"

/* What a spreadsheet may skip before it looks for a formula. */
#define SKIPPED " \n\"'"

/* Whether a cell that begins so is calculated: = + - @ and their full-width forms. */
static bool
calculated(const char *text)
{
	static const char *const wide[] = {
	    "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0", NULL};

	if (*text != '\xef')
		return *text != '\0' && strchr("=+-@", *text) != NULL;
	for (size_t i = 0; wide[i] != NULL; i++)
		if (strncmp(text, wide[i], 3) == 0)
			return true;
	return false;
}

/* A text with an apostrophe before what would be calculated (OWASP, CSV injection). */
static void
put_harmless(struct buf *to, const char *text)
{
	const char *first = text + strspn(text, SKIPPED);

	if (*first == '\t' || *first == '\r' || calculated(first))
		buf_char(to, '\'');
	for (;;) {
		size_t n = strcspn(text, SPLITS);

		n += strspn(text + n, SPLITS);
		n += strspn(text + n, SKIPPED);
		buf_bytes(to, text, n);
		text += n;
		if (*text == '\0')
			return;
		if (calculated(text))
			buf_char(to, '\'');
	}
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A field, in quotes only where it needs them. */
static void
put_field(struct sheet *s, const char *text, size_t length)
{
	/* An empty field alone would be an empty line, which readers skip. */
	bool quoted = length == 0 ? s->plan.n == 1
				  : blank(text[0]) || blank(text[length - 1]) ||
					strcspn(text, ",\"\r\n") < length;

	if (!quoted) {
		sheet_put(s, text, length);
		return;
	}
	sheet_put(s, "\"", 1);
	for (const char *quote; (quote = strchr(text, '"')) != NULL; text = quote + 1) {
		sheet_put(s, text, (size_t)(quote - text));
		sheet_put(s, "\"\"", 2);
	}
	sheet_put(s, text, strlen(text));
	sheet_put(s, "\"", 1);
}

static void
put_text(struct sheet *s, const char *text)
{
	struct buf field = {.mem = s->row};

	put_harmless(&field, text);
	put_field(s, field.bytes, field.length);
}

/* Whether a text stands in the file as it is, as most do: nothing in it is to be looked at. */
static bool
plain(const char *text, size_t length)
{
	return length > 0 && strchr(SKIPPED "\t\r=+-@\xef", *text) == NULL &&
	       !blank(text[length - 1]) && strcspn(text, SPLITS ",\"") == length;
}

/* Numbers stand as they are: -1 is no formula, and nobody writes text into them. */
static void
put_value(struct sheet *s, unsigned type, const char *text, size_t length)
{
	struct buf shown = {.mem = s->row};

	switch (type) {
	case OID_INT8:
	case OID_INT2:
	case OID_INT4:
		put_field(s, text, length);
		break;
	default:
		if (show_same(type) && plain(text, length)) {
			sheet_put(s, text, length);
			return;
		}
		show_text(&shown, type, text, length);
		put_text(s, shown.bytes);
	}
}

static void
csv_open(struct sheet *s)
{
	if (s->plan.bom)
		sheet_put(s, BOM, strlen(BOM));
	if (s->plan.stamp != NULL) {
		put_text(s, arena_print(s->row, "# %s", s->plan.stamp));
		sheet_put(s, CRLF, 2);
	}
	for (size_t i = 0; i < s->plan.n; i++) {
		sheet_put(s, ",", i > 0);
		put_text(s, s->plan.columns[i].name);
	}
	sheet_put(s, CRLF, 2);
}

static void
csv_row(struct sheet *s, const char *const values[], const size_t lengths[])
{
	for (size_t i = 0; i < s->plan.n; i++) {
		sheet_put(s, ",", i > 0);
		if (values[i] != NULL)
			put_value(s, s->plan.columns[i].type, values[i], lengths[i]);
		else
			put_field(s, "", 0);
	}
	sheet_put(s, CRLF, 2);
}

const struct form form_csv = {.most = SIZE_MAX, .open = csv_open, .row = csv_row};
