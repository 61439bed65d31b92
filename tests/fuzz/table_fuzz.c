/* table_fuzz.c -- libFuzzer on a file that is imported: decoded, cut into rows, and made the arrays of a part. However it is cut into
 * pieces, it says the same. The first byte chooses the encoding and the size of a piece. */
#include "decode.h"
#include "http.h"
#include "part.h"
#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct arena *mem;
	struct table *table;
	struct part part;
	bool begun;
	enum table_wrong wrong;
	struct buf text; /* all rows */
};

static void
must(bool what)
{
	if (!what)
		abort();
}

static bool
take_row(void *self, long line, const char *const values[], const size_t lengths[], size_t n)
{
	struct run *r = self;

	must(n > 0 && n <= TABLE_COLUMNS && line > 0);
	if (!r->begun)
		part_begin(&r->part, r->mem, n);
	r->begun = true;
	buf_print(&r->text, "\n%ld", line);
	for (size_t i = 0; i < n; i++) {
		must(strlen(values[i]) == lengths[i] && http_utf8(values[i], lengths[i]));
		buf_char(&r->text, '|');
		buf_bytes(&r->text, values[i], lengths[i]);
	}
	part_add(&r->part, line, values, lengths, n);
	return true;
}

static bool
take_text(void *self, const char *text, size_t length)
{
	struct run *r = self;

	if (r->table == NULL)
		r->table = table_new(table_separator(text, length), take_row, r);
	return table_put(r->table, text, length) == TABLE_GOOD;
}

/* Reads it all in pieces; whether it was good. */
static bool
read_all(struct run *r, const char *name, const char *bytes, size_t size, size_t piece)
{
	struct decode d = {.give = take_text, .to = r};
	bool good = true;

	r->text.mem = r->mem;
	buf_text(&r->text, "");
	decode_begin(&d, name);
	for (size_t at = 0; at < size && good; at += piece)
		good = decode_put(&d, bytes + at, size - at < piece ? size - at : piece);
	good = good && decode_end(&d);
	good = good && (r->table == NULL || table_end(r->table) == TABLE_GOOD);
	if (good && r->begun) {
		const char *columns = part_end(&r->part);

		must(columns[0] == '{' && columns[strlen(columns) - 1] == '}');
		must(http_utf8(columns, strlen(columns)));
	}
	decode_free(&d);
	table_free(r->table);
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
	    NULL, "utf-8", "utf-16", "windows-1251", "windows-1252"};
	struct run whole = {.mem = arena_new()}, cut = {.mem = whole.mem};
	const char *name, *bytes = (const char *)data + 1;

	if (size > 1 && size < 100000) {
		name = names[data[0] % 5];
		bool good = read_all(&whole, name, bytes, size - 1, size - 1);

		/* What is recognised by the first piece depends on it; so do the mark of UTF-8 and the separator. */
		if (name != NULL && memchr(bytes, ';', size - 1) == NULL &&
		    memchr(bytes, '\t', size - 1) == NULL && data[1] != 0xef) {
			must(
			    read_all(&cut, name, bytes, size - 1, (size_t)data[0] / 5 + 1) == good);
			must(!good || strcmp(whole.text.bytes, cut.text.bytes) == 0);
		}
	}
	arena_free(whole.mem);
	return 0;
}
