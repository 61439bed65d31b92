/* table_test.c -- rows of CSV however they are cut, their lines, and what is no CSV. */
#include "buf.h"
#include "table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What was read, as "<line>[field|field] ...". */
struct read {
	struct arena *mem;
	struct buf text;
	long most; /* rows that are wanted */
};

static bool
take(void *to, long line, const char *const values[], const size_t lengths[], size_t n)
{
	struct read *r = to;

	buf_print(&r->text, "%ld[", line);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(values[i][lengths[i]], '\0');
		buf_print(&r->text, "%s%s", i > 0 ? "|" : "", values[i]);
	}
	buf_char(&r->text, ']');
	return --r->most != 0;
}

/* Reads a text in pieces of this size. */
static enum table_wrong
read_pieces(struct read *r, const char *text, size_t length, char separator, size_t piece)
{
	struct table *t = table_new(separator, take, r);
	enum table_wrong wrong = TABLE_GOOD;

	r->text = (struct buf){.mem = r->mem};
	buf_text(&r->text, "");
	for (size_t at = 0; at < length && wrong == TABLE_GOOD; at += piece)
		wrong = table_put(t, text + at, length - at < piece ? length - at : piece);
	wrong = table_end(t);
	table_free(t);
	return wrong;
}

static const struct {
	const char *text, *rows;
	enum table_wrong wrong;
	char separator;
} examples[] = {
    {"", "", TABLE_GOOD, ','},
    {"a,b\nc,d\n", "1[a|b]2[c|d]", TABLE_GOOD, ','},
    {"a,b\nc,d", "1[a|b]2[c|d]", TABLE_GOOD, ','},
    {"a,b\r\nc,d\r\n", "1[a|b]2[c|d]", TABLE_GOOD, ','},
    {"a,b\rc,d\r", "1[a|b]2[c|d]", TABLE_GOOD, ','},
    {"a;b,c\n", "1[a|b,c]", TABLE_GOOD, ';'},
    {"a\tb c\n\t\n", "1[a|b c]2[|]", TABLE_GOOD, '\t'},
    {"\n\na\n\n\r\nb\n", "3[a]6[b]", TABLE_GOOD, ','},
    {",\n,,\n", "1[|]2[||]", TABLE_GOOD, ','},
    {"\"a,b\",\"c \"\"d\"\"\"\n", "1[a,b|c \"d\"]", TABLE_GOOD, ','},
    {"a,\"b\nc\r\nd\"\ne\n", "1[a|b\nc\r\nd]4[e]", TABLE_GOOD, ','},
    {"\"a\rb\"\rc", "1[a\rb]3[c]", TABLE_GOOD, ','},
    {"a,\"\"\n", "1[a|]", TABLE_GOOD, ','},
    {"  a , \"b \" \n", "1[a|b ]", TABLE_GOOD, ','},
    {"a,b\nc,\"d\n", "1[a|b]", TABLE_CUT, ','},
    {"a,\"", "", TABLE_CUT, ','},
    {"a\nb\"c\n", "1[a]", TABLE_QUOTE, ','},
    {"a\n\"b\"c\n", "1[a]", TABLE_QUOTE, ','},
};

static void
rows_however_they_are_cut(void **state)
{
	struct read r = {.mem = arena_new()};

	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		for (size_t piece = 1; piece <= strlen(examples[i].text) + 1; piece++) {
			enum table_wrong wrong = read_pieces(&r, examples[i].text,
			    strlen(examples[i].text), examples[i].separator, piece);

			assert_int_equal(wrong, examples[i].wrong);
			assert_string_equal(r.text.bytes, examples[i].rows);
		}
	arena_free(r.mem);
}

/* A text of n times the same. */
static char *
times(struct arena *mem, const char *what, size_t n)
{
	size_t length = strlen(what);
	char *text = arena_get(mem, n * length + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(text + i * length, what, length);
	return text;
}

static enum table_wrong
read_text(struct read *r, const char *text)
{
	return read_pieces(r, text, strlen(text), ',', 4096);
}

static void
limits(void **state)
{
	struct read r = {.mem = arena_new()};

	(void)state;
	assert_int_equal(read_text(&r, times(r.mem, "x", 10000)), TABLE_GOOD);
	assert_int_equal(read_text(&r, times(r.mem, "x", 10001)), TABLE_FIELD);
	assert_int_equal(read_text(&r, times(r.mem, "\xf0\x9f\x8f\xa2", 10000)), TABLE_GOOD);
	assert_int_equal(read_text(&r, times(r.mem, "\xc3\xbc", 10001)), TABLE_FIELD);
	/* A quote that never ends is told of before all the rest was read. */
	assert_int_equal(read_text(&r, arena_print(r.mem, "a\n\"%s", times(r.mem, "bcd\n", 20000))),
	    TABLE_FIELD);
	assert_int_equal(read_text(&r, times(r.mem, ",", 199)), TABLE_GOOD);
	assert_int_equal(read_text(&r, times(r.mem, ",", 200)), TABLE_MANY);
	assert_int_equal(
	    read_text(&r, times(r.mem, arena_print(r.mem, "%s,", times(r.mem, "x", 9990)), 104)),
	    TABLE_GOOD);
	assert_int_equal(
	    read_text(&r, times(r.mem, arena_print(r.mem, "%s,", times(r.mem, "x", 9990)), 106)),
	    TABLE_LONG);
	assert_int_equal(read_pieces(&r, "a\nb\0c\n", 6, ',', 6), TABLE_NUL);
	assert_string_equal(r.text.bytes, "1[a]");
	arena_free(r.mem);
}

static void
enough(void **state)
{
	struct read r = {.mem = arena_new(), .most = 2};

	(void)state;
	assert_int_equal(read_text(&r, "a\nb\nc\n\"d"), TABLE_ENOUGH);
	assert_string_equal(r.text.bytes, "1[a]2[b]");
	arena_free(r.mem);
}

static void
where_it_is(void **state)
{
	struct read r = {.mem = arena_new()};
	struct table *t = table_new(',', take, &r);

	(void)state;
	r.text.mem = r.mem;
	assert_int_equal(table_line(t), 1);
	table_put(t, "a\n\nb,\"c\nd", 9);
	assert_int_equal(table_line(t), 4);
	assert_int_equal(table_began(t), 3);
	table_free(t);
	table_free(NULL);
	arena_free(r.mem);
}

static void
separators(void **state)
{
	static const struct {
		const char *text;
		char separator;
	} heads[] = {{"a,b;c;d\n1,2,3,4", ';'}, {"a,b", ','}, {"a;b", ';'}, {"a\tb,c\td", '\t'},
	    {"a", ','}, {"", ','}, {"\"a;b;c\",d\n", ','}, {"\"a\n;;;\",b", ','}, {"a,b;c", ','},
	    {"a\r;;;;", ','}};

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		assert_int_equal(
		    table_separator(heads[i].text, strlen(heads[i].text)), heads[i].separator);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_however_they_are_cut),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(enough),
	    cmocka_unit_test(where_it_is),
	    cmocka_unit_test(separators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
