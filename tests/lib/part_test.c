/* part_test.c -- rows as arrays of columns, in the text that PostgreSQL reads. */
#include "part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
add(struct part *p, long line, const char *a, const char *b, const char *c)
{
	const char *values[] = {a, b, c};
	size_t lengths[] = {strlen(a), b == NULL ? 0 : strlen(b), c == NULL ? 0 : strlen(c)};

	part_add(p, line, values, lengths, b == NULL ? 1 : c == NULL ? 2 : 3);
}

static void
columns(void **state)
{
	struct part p;

	(void)state;
	part_begin(&p, arena_new(), 2);
	add(&p, 2, "a", "b\"c", NULL);
	add(&p, 4, "d\\", "", NULL);
	assert_string_equal(
	    part_end(&p), "{\"{\\\"a\\\",\\\"d\\\\\\\\\\\"}\",\"{\\\"b\\\\\\\"c\\\",\\\"\\\"}\"}");
	assert_string_equal(p.lines.bytes, "{2,4}");
	assert_string_equal(p.odd.bytes, "[]");
	assert_string_equal(p.others.bytes, "[]");
	assert_int_equal(p.rows, 2);
	arena_free(p.mem);
}

static void
rows_of_another_width(void **state)
{
	struct part p;

	(void)state;
	part_begin(&p, arena_new(), 2);
	add(&p, 2, "a\"\n", NULL, NULL);
	add(&p, 3, "a", "b", NULL);
	add(&p, 4, "a", "b", "c");
	part_end(&p);
	assert_string_equal(p.lines.bytes, "{3}");
	assert_string_equal(p.others.bytes,
	    "[{\"line\":2,\"fields\":[\"a\\\"\\n\"]},{\"line\":4,\"fields\":[\"a\",\"b\",\"c\"]}]");
	assert_int_equal(p.wrong, 2);
	arena_free(p.mem);
}

static void
control_characters(void **state)
{
	struct part p;

	(void)state;
	part_begin(&p, arena_new(), 2);
	add(&p, 2, "good", "two\nlines", NULL);
	add(&p, 3, "bell\a", "\xe2\x80\xae", NULL);
	part_end(&p);
	assert_string_equal(p.odd.bytes, "[[1,2,true],[2,1,false],[2,2,false]]");
	arena_free(p.mem);
}

static void
full(void **state)
{
	struct arena *mem = arena_new();
	char *large = arena_get(mem, PART_BYTES + 1);
	struct part p;

	(void)state;
	part_begin(&p, mem, 1);
	for (int i = 0; i < PART_ROWS; i++) {
		assert_false(part_full(&p));
		add(&p, i, "x", i % 2 == 0 ? "wrong" : NULL, NULL);
	}
	assert_true(part_full(&p));
	part_begin(&p, mem, 1);
	memset(large, 'x', PART_BYTES);
	add(&p, 1, large, NULL, NULL);
	assert_true(part_full(&p));
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns),
	    cmocka_unit_test(rows_of_another_width),
	    cmocka_unit_test(control_characters),
	    cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
