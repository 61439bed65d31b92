/* http_test.c -- methods, reasons, UTF-8, escapes, paths, queries and UUIDs. */
#include "http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
methods(void **state)
{
	(void)state;
	for (enum method m = GET; m < OTHER_METHOD; m++)
		assert_int_equal(http_method(http_method_name(m)), m);
	assert_int_equal(http_method("DELETE"), DELETE);
	assert_int_equal(http_method("get"), OTHER_METHOD);
	assert_int_equal(http_method("TRACE"), OTHER_METHOD);
	assert_int_equal(http_method(""), OTHER_METHOD);
	assert_int_equal(http_method("GETS"), OTHER_METHOD);
	assert_int_equal(http_method(NULL), OTHER_METHOD);
	assert_string_equal(http_method_name(OTHER_METHOD), "OTHER");
}

static void
reasons(void **state)
{
	static const int sent[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 406, 409, 412,
	    413, 415, 422, 428, 429, 500, 503, 0};

	(void)state;
	for (const int *status = sent; *status != 0; status++)
		assert_string_not_equal(http_reason(*status), "");
	assert_string_equal(http_reason(404), "Not Found");
	assert_string_equal(http_reason(0), "");
	assert_string_equal(http_reason(299), "");
	assert_string_equal(http_reason(-1), "");
}

static bool
utf8(const char *text)
{
	return http_utf8(text, strlen(text));
}

/* Markus Kuhn's corner cases, each also behind and before ASCII and with its end cut off. */
static void
utf8_edges(void **state)
{
	static const char *const good[] = {"\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
	    "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
	    "\xf0\x9f\x98\x80", NULL};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
	    "\xc2\x7f", "\xc2\xc0", "\xe0\x9f\xbf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf",
	    "\xe2\x82\x7f", "\xf0\x8f\xbf\xbf", "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80",
	    "\xf5\x80\x80\x80", "\xf0\x9f\x98\x7f", "\xf8\x88\x80\x80\x80", "\xfe", "\xff", NULL};

	(void)state;
	assert_true(http_utf8("", 0));
	assert_true(http_utf8("a\0b", 3));
	for (const char *const *text = good; *text != NULL; text++) {
		assert_true(utf8(*text));
		assert_true(utf8(arena_print(mem, "a%sb%s", *text, *text)));
		for (size_t cut = 1; cut < strlen(*text); cut++)
			assert_false(http_utf8(*text, cut));
	}
	for (const char *const *text = bad; *text != NULL; text++) {
		assert_false(utf8(*text));
		assert_false(utf8(arena_print(mem, "a%sb", *text)));
	}
}

/* Against a decoder of another form: every sequence of two bytes, and of three with some lead bytes. */
static void
utf8_all_pairs(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			const char pair[] = {(char)a, (char)b};
			bool two = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;

			assert_true(http_utf8(pair, 2) == (two || (a < 0x80 && b < 0x80)));
			for (unsigned c = 0xe0; c <= 0xef; c++) {
				const char three[] = {(char)c, (char)a, (char)b};
				unsigned point = (c & 15) << 12 | (a & 63) << 6 | (b & 63);
				bool is = (a & 0xc0) == 0x80 && (b & 0xc0) == 0x80 &&
					  point >= 0x800 && (point < 0xd800 || point > 0xdfff);

				assert_true(http_utf8(three, 3) == is);
			}
		}
	}
}

static const char *
decode(const char *text, bool plus)
{
	return http_decode(mem, text, strlen(text), plus);
}

static void
escapes(void **state)
{
	static const char *const bad[] = {"%", "%4", "a%", "%4g", "%g4", "%zz", "% 41", "%00",
	    "a%00b", "%ff", "%c3", "%c3%28", "%ed%a0%80", "\xff", "%-1", "%+1", NULL};

	(void)state;
	assert_string_equal(decode("", true), "");
	assert_string_equal(decode("a+b", true), "a b");
	assert_string_equal(decode("a+b", false), "a+b");
	assert_string_equal(decode("%41%2f%2B%25", true), "A/+%");
	assert_string_equal(decode("%2541", true), "%41");
	assert_string_equal(decode("gr%C3%bc%c3%9f\xc3\xbc", true), "gr\xc3\xbc\xc3\x9f\xc3\xbc");
	for (const char *const *text = bad; *text != NULL; text++)
		assert_null(decode(*text, true));
	assert_null(http_decode(mem, "a\0b", 3, false));
	assert_string_equal(http_decode(mem, "abc%41", 3, false), "abc");
	assert_null(http_decode(mem, "abc%41", 5, false));
}

/* Escape and decode every byte: only whole UTF-8 without NUL comes through. */
static void
escape_every_byte(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		const char *out = decode(arena_print(mem, "%%%02x", c), true);

		if (c == 0 || c >= 0x80)
			assert_null(out);
		else
			assert_true((unsigned char)out[0] == c && out[1] == '\0');
	}
}

static void
paths(void **state)
{
	const char *values[HTTP_SEGMENTS];
	size_t lengths[HTTP_SEGMENTS];

	(void)state;
	assert_true(http_path("/v1/customers", "/v1/customers", values, lengths));
	assert_true(
	    http_path("/v1/customers/:id/history", "/v1/customers/a%2fb/history", values, lengths));
	assert_int_equal(lengths[0], 5);
	assert_memory_equal(values[0], "a%2fb", 5);
	assert_true(http_path("/:a/:b/x/:c/:d", "/1/22/x/333/4444", values, lengths));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(lengths[i], i + 1);
	assert_true(http_path("/a/:id", "/a/:id", values, lengths));
	assert_true(http_path("/", "/", values, lengths));
}

static void
paths_that_differ(void **state)
{
	static const char *const other[] = {"", "/", "/v1/customers", "/v1/customers/",
	    "/v1/customers//history", "/v1/customers/x", "/v1/customers/x/",
	    "/v1/customers/x/history/", "/v1/customers/x/histor", "/v1/customers/x/historyx",
	    "/v1/customers/x/y/history", "/V1/customers/x/history", "/v1/%63ustomers/x/history",
	    "v1/customers/x/history", "//v1/customers/x/history", "/v1/customers/x/history?", NULL};
	const char *values[HTTP_SEGMENTS];
	size_t lengths[HTTP_SEGMENTS];

	(void)state;
	for (const char *const *path = other; *path != NULL; path++)
		assert_false(http_path("/v1/customers/:id/history", *path, values, lengths));
	assert_false(http_path("/:a/:b/:c/:d/:e", "/1/2/3/4/5", values, lengths));
}

/* The pairs of a query written as name=value;..., with ! for malformed. */
static const char *
pairs(const char *query)
{
	struct buf out = {.mem = mem};
	char *name, *value;
	int rc;

	buf_text(&out, "");
	while ((rc = http_query(mem, &query, &name, &value)) == 1)
		buf_print(&out, "%s=%s;", name, value);
	if (rc == 0)
		assert_string_equal(query, "");
	else
		buf_char(&out, '!');
	return out.bytes;
}

static void
queries(void **state)
{
	(void)state;
	assert_string_equal(pairs(""), "");
	assert_string_equal(pairs("a=1&b=2"), "a=1;b=2;");
	assert_string_equal(pairs("q=a+b%26c%3Dd"), "q=a b&c=d;");
	assert_string_equal(pairs("a==&b"), "a==;b=;");
	assert_string_equal(pairs("a="), "a=;");
	assert_string_equal(pairs("&&a=1&&"), "a=1;");
	assert_string_equal(pairs("a=1&a=2"), "a=1;a=2;");
	assert_string_equal(pairs("%61=1"), "a=1;");
	assert_string_equal(pairs("=1"), "!");
	assert_string_equal(pairs("="), "!");
	assert_string_equal(pairs("a=1&q=%zz"), "a=1;!");
	assert_string_equal(pairs("a=%00"), "!");
	assert_string_equal(pairs("%ff=1"), "!");
	assert_string_equal(pairs("a=%"), "!");
	assert_string_equal(pairs("a=%4&1"), "!");
}

static void
uuids(void **state)
{
	static const char good[] = "0190c7a2-9F00-7abc-8def-0123456789ab";

	(void)state;
	assert_true(http_uuid(good));
	assert_false(http_uuid(""));
	for (size_t i = 0; i < 36; i++) {
		char *text = arena_text(mem, good, 36);

		text[i] = good[i] == '-' ? '0' : 'g';
		assert_false(http_uuid(text));
		text[i] = '\0';
		assert_false(http_uuid(text));
	}
	assert_false(http_uuid("0190c7a2-9F00-7abc-8def-0123456789ab0"));
	assert_false(http_uuid("0190c7a2-9F00-7abc-8def-0123456789ab\n"));
	assert_false(http_uuid("0190c7a29F007abc8def0123456789ab"));
	assert_false(http_uuid("{0190c7a2-9F00-7abc-8def-0123456789ab}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(methods, setup, teardown),
	    cmocka_unit_test_setup_teardown(reasons, setup, teardown),
	    cmocka_unit_test_setup_teardown(utf8_edges, setup, teardown),
	    cmocka_unit_test_setup_teardown(utf8_all_pairs, setup, teardown),
	    cmocka_unit_test_setup_teardown(escapes, setup, teardown),
	    cmocka_unit_test_setup_teardown(escape_every_byte, setup, teardown),
	    cmocka_unit_test_setup_teardown(paths, setup, teardown),
	    cmocka_unit_test_setup_teardown(paths_that_differ, setup, teardown),
	    cmocka_unit_test_setup_teardown(queries, setup, teardown),
	    cmocka_unit_test_setup_teardown(uuids, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
