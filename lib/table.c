/* table.c -- a CSV file (RFC 4180), row by row, as it comes. */
#include "table.h"
#include "buf.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

/* A field of so many characters has at most four bytes for each; libcsv's buffer grows by no more than that. */
#define FIELD_BYTES ((size_t)4 * TABLE_CHARACTERS + 1)

struct table {
	struct csv_parser parser;
	struct arena *mem; /* of one row */
	table_row *row;
	void *to;
	enum table_wrong wrong;
	long line, began;
	bool between;    /* the next byte begins a row */
	bool after_cr;   /* and is the second half of a line's end if it is a line feed */
	size_t n, bytes; /* fields and bytes of the row in hand */
	const char *values[TABLE_COLUMNS];
	size_t lengths[TABLE_COLUMNS];
};

char
table_separator(const char *text, size_t length)
{
	static const char separators[] = ",;\t";
	size_t found[3] = {0};
	bool quoted = false;
	char best = ',';

	for (size_t i = 0; i < length && (quoted || (text[i] != '\n' && text[i] != '\r')); i++) {
		const char *s = text[i] == '\0' ? NULL : strchr(separators, text[i]);

		if (text[i] == '"')
			quoted = !quoted;
		else if (s != NULL && !quoted)
			found[s - separators]++;
	}
	for (size_t i = 0, most = 0; i < 3; i++)
		if (found[i] > most)
			most = found[i], best = separators[i];
	return best;
}

/* A field that would need more is none: libcsv then says that there is no memory. */
static void *
grow(void *old, size_t size)
{
	return size > FIELD_BYTES + 1 ? NULL : realloc(old, size);
}

/* Blanks around a field are not of it; a tab may be the separator. */
static int
blank(unsigned char c)
{
	return c == ' ';
}

struct table *
table_new(char separator, table_row *row, void *to)
{
	struct table *t = calloc(1, sizeof *t);

	/* Strict: what RFC 4180 does not have is an error and no guess. */
	if (t == NULL || csv_init(&t->parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
		abort();
	csv_set_delim(&t->parser, (unsigned char)separator);
	csv_set_space_func(&t->parser, blank);
	csv_set_realloc_func(&t->parser, grow);
	csv_set_blk_size(&t->parser, 4096);
	t->mem = arena_new();
	t->row = row;
	t->to = to;
	t->line = t->began = 1;
	t->between = true;
	return t;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	csv_free(&t->parser);
	arena_free(t->mem);
	free(t);
}

/* Only the first thing that is wrong counts; what libcsv still tells afterwards is passed over. */
static void
wrong(struct table *t, enum table_wrong what)
{
	if (t->wrong == TABLE_GOOD)
		t->wrong = what;
}

static bool
too_long(const char *text, size_t length)
{
	size_t characters = 0;

	for (size_t i = 0; i < length && length > TABLE_CHARACTERS; i++)
		characters += ((unsigned char)text[i] & 0xc0) != 0x80;
	return characters > TABLE_CHARACTERS;
}

static void
take_field(void *bytes, size_t length, void *self)
{
	struct table *t = self;

	t->bytes += length;
	if (too_long(bytes, length))
		wrong(t, TABLE_FIELD);
	else if (t->n == TABLE_COLUMNS)
		wrong(t, TABLE_MANY);
	else if (t->bytes > TABLE_ROW)
		wrong(t, TABLE_LONG);
	if (t->wrong != TABLE_GOOD)
		return;
	t->values[t->n] = arena_text(t->mem, length > 0 ? bytes : "", length);
	t->lengths[t->n++] = length;
}

static void
take_row(int end, void *self)
{
	struct table *t = self;

	(void)end;
	if (t->wrong == TABLE_GOOD && !t->row(t->to, t->began, t->values, t->lengths, t->n))
		wrong(t, TABLE_ENOUGH);
	t->n = t->bytes = 0;
	t->between = true;
	arena_reset(t->mem);
}

/* A piece that ends with a line or with what there is: whatever libcsv tells of meanwhile is of this line. */
static void
put_line(struct table *t, const char *text, size_t length)
{
	if (t->between && *text != '\n' && *text != '\r') {
		t->began = t->line;
		t->between = false;
	}
	if (memchr(text, '\0', length) != NULL)
		wrong(t, TABLE_NUL);
	else if (csv_parse(&t->parser, text, length, take_field, take_row, t) < length)
		wrong(t, csv_error(&t->parser) == CSV_EPARSE ? TABLE_QUOTE : TABLE_FIELD);
}

enum table_wrong
table_put(struct table *t, const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end && t->wrong == TABLE_GOOD) {
		const char *at = text;
		bool second = t->after_cr && *at == '\n';

		while (at < end && *at != '\n' && *at != '\r')
			at++;
		t->after_cr = at < end && *at == '\r';
		put_line(t, text, (size_t)(at - text) + (at < end));
		t->line += at < end && !second && t->wrong == TABLE_GOOD;
		text = at + (at < end);
	}
	return t->wrong;
}

enum table_wrong
table_end(struct table *t)
{
	if (t->wrong == TABLE_GOOD && csv_fini(&t->parser, take_field, take_row, t) != 0)
		wrong(t, TABLE_CUT);
	return t->wrong;
}

long
table_line(const struct table *t)
{
	return t->line;
}

long
table_began(const struct table *t)
{
	return t->began;
}
