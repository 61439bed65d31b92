/* buf_test.c -- growth at every edge, and JSON quoting of every byte. */
#include "buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena *mem;

static int
setup(void **state)
{
	(void)state;
	mem = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

static void
always_ended(void **state)
{
	struct buf b = {.mem = mem};

	(void)state;
	buf_text(&b, "");
	assert_string_equal(b.bytes, "");
	for (size_t i = 0; i < 5000; i++) {
		buf_char(&b, (char)('a' + i % 26));
		assert_int_equal(b.length, i + 1);
		assert_true(b.bytes[b.length] == '\0');
	}
	for (size_t i = 0; i < 5000; i++)
		assert_true(b.bytes[i] == (char)('a' + i % 26));
}

static void
bytes_with_nul(void **state)
{
	struct buf b = {.mem = mem};

	(void)state;
	buf_bytes(&b, "a\0b", 3);
	buf_bytes(&b, NULL, 0);
	assert_int_equal(b.length, 3);
	assert_memory_equal(b.bytes, "a\0b", 4);
}

/* The text ends just before, at and behind the room there is. */
static void
print_at_every_length(void **state)
{
	(void)state;
	for (int width = 0; width < 1100; width++) {
		struct buf b = {.mem = mem};

		buf_text(&b, "<");
		buf_print(&b, "%*s", width, "");
		buf_text(&b, ">");
		assert_int_equal(b.length, width + 2);
		assert_int_equal(strlen(b.bytes), b.length);
		assert_true(b.bytes[b.length - 1] == '>');
		arena_reset(mem);
	}
}

static const char *
json(const char *text)
{
	struct buf b = {.mem = mem};

	buf_json(&b, text);
	return b.bytes;
}

static void
json_words(void **state)
{
	(void)state;
	assert_string_equal(json(NULL), "null");
	assert_string_equal(json(""), "\"\"");
	assert_string_equal(json("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
	assert_string_equal(json("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
	assert_string_equal(json("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\"");
	assert_string_equal(
	    json("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"");
	assert_string_equal(json("\",\"admin\":true,\""), "\"\\\",\\\"admin\\\":true,\\\"\"");
}

/* Each byte alone: what must be escaped is, the rest is itself. */
static void
json_every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		struct buf b = {.mem = mem};
		char byte = (char)c;

		buf_json_bytes(&b, &byte, 1);
		assert_true(b.bytes[0] == '"' && b.bytes[b.length - 1] == '"');
		if (c < 0x20 || c == '"' || c == '\\')
			assert_true(b.bytes[1] == '\\' && (b.length == 4 || b.length == 8));
		else
			assert_true(b.length == 3 && b.bytes[1] == byte);
		for (size_t i = 0; i < b.length; i++)
			assert_true((unsigned char)b.bytes[i] >= 0x20);
	}
}

static void
json_bytes(void **state)
{
	struct buf b = {.mem = mem};

	(void)state;
	buf_json_bytes(&b, "a\0b", 3);
	buf_json_bytes(&b, "cut", 1);
	buf_json_bytes(&b, NULL, 0);
	assert_string_equal(b.bytes, "\"a\\u0000b\"\"c\"null");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(always_ended, setup, teardown),
	    cmocka_unit_test_setup_teardown(bytes_with_nul, setup, teardown),
	    cmocka_unit_test_setup_teardown(print_at_every_length, setup, teardown),
	    cmocka_unit_test_setup_teardown(json_words, setup, teardown),
	    cmocka_unit_test_setup_teardown(json_every_byte, setup, teardown),
	    cmocka_unit_test_setup_teardown(json_bytes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
