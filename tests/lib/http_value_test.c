/* http_value_test.c -- entity-tags, dates, media ranges and base64url. */
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

/* clang-format off */
static const struct tags {
	const char *text;
	const char *strong; /* what If-Match makes of it */
	const char *weak;   /* what If-None-Match makes of it */
} tags[] = {
	{"\"v7\"",               "{\"v7\"}",            "{\"v7\"}"},
	{"\"v7\",\"v8m\"",       "{\"v7\",\"v8m\"}",    "{\"v7\",\"v8m\"}"},
	{" \"a\" ,\t\"b\" ",     "{\"a\",\"b\"}",       "{\"a\",\"b\"}"},
	{",, \"a\",,\"b\",",     "{\"a\",\"b\"}",       "{\"a\",\"b\"}"},
	{"*",                    "{\"*\"}",             "{\"*\"}"},
	{" * ",                  "{\"*\"}",             "{\"*\"}"},
	{"\"*\"",                "{}",                  "{}"},
	{"\"*\",\"a\",W/\"*\"",  "{\"a\"}",             "{\"a\"}"},
	{"\"**\"",               "{\"**\"}",            "{\"**\"}"},
	{"W/\"v7\"",             "{}",                  "{\"v7\"}"},
	{"W/\"a\",\"b\",W/\"c\"", "{\"b\"}",            "{\"a\",\"b\",\"c\"}"},
	{"\"\"",                 "{\"\"}",              "{\"\"}"},
	{"\"a,b\"",              "{\"a,b\"}",           "{\"a,b\"}"},
	{"\"a\\\"",              "{\"a\\\\\"}",         "{\"a\\\\\"}"},
	{"\"{}NULL'!~\"",        "{\"{}NULL'!~\"}",     "{\"{}NULL'!~\"}"},
	{"\"\xc3\xbc\"",         "{\"\xc3\xbc\"}",      "{\"\xc3\xbc\"}"},
	{"",                     NULL,                  NULL},
	{" ",                    NULL,                  NULL},
	{",",                    NULL,                  NULL},
	{"v7",                   NULL,                  NULL},
	{"\"v7",                 NULL,                  NULL},
	{"v7\"",                 NULL,                  NULL},
	{"\"a\"\"b\"",           NULL,                  NULL},
	{"\"a\" \"b\"",          NULL,                  NULL},
	{"\"a b\"",              NULL,                  NULL},
	{"\"a\tb\"",             NULL,                  NULL},
	{"\"a\x7f\"",            NULL,                  NULL},
	{"\"\xff\"",             NULL,                  NULL},
	{"w/\"a\"",              NULL,                  NULL},
	{"W/ \"a\"",             NULL,                  NULL},
	{"W/",                   NULL,                  NULL},
	{"W/W/\"a\"",            NULL,                  NULL},
	{"*,\"a\"",              NULL,                  NULL},
	{"\"a\",*",              NULL,                  NULL},
	{"**",                   NULL,                  NULL},
	{"\"a\";q=1",            NULL,                  NULL},
	{0}
};

static const char *const times[] = {
	"2026-11-21T09:30:00Z", "2026-11-21T09:30:00.1Z", "2026-11-21T09:30:00.123456Z",
	"2026-11-21T09:30:00+00:00", "2026-11-21T09:30:00-15:59", "2026-11-21T09:30:00.5+05:45",
	"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-02-29T00:00:00Z",
	"2000-02-29T00:00:00Z", "2026-04-30T00:00:00Z", "2026-01-31T00:00:00Z",
	NULL
};

static const char *const no_times[] = {
	"", "2026", "2026-11-21", "2026-11-21T09:30:00", "2026-11-21T09:30Z", "2026-11-21 09:30:00Z",
	"2026-11-21t09:30:00Z", "2026-11-21T09:30:00z", "2026-11-21T09:30:00.Z",
	"2026-11-21T09:30:00.1234567Z", "2026-11-21T09:30:00,1Z", "2026-11-21T09:30:60Z",
	"2026-12-31T23:59:60Z", "2026-11-21T09:60:00Z", "2026-11-21T24:00:00Z", "2026-11-31T00:00:00Z",
	"2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z", "2026-11-00T00:00:00Z", "2026-01-32T00:00:00Z",
	"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "0000-01-01T00:00:00Z",
	"10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "2026-1-01T00:00:00Z", "2026-11-21T9:30:00Z",
	"2026-11-21T09:30:00+0000", "2026-11-21T09:30:00+00", "2026-11-21T09:30:00+16:00",
	"2026-11-21T09:30:00+00:60", "2026-11-21T09:30:00Z ", " 2026-11-21T09:30:00Z",
	"2026-11-21T09:30:00ZZ", "2026-11-21T09:30:00Z+00:00", "2026-11-21T09:30:00+00:00Z",
	"+026-11-21T09:30:00Z", "now", "infinity",
	NULL
};

static const struct accepts {
	const char *accept;
	bool takes; /* application/json */
} accepts[] = {
	{"application/json",                             true},
	{"APPLICATION/Json",                             true},
	{"*/*",                                          true},
	{"application/*",                                true},
	{"Application/*;q=0.1",                          true},
	{"text/csv, application/json",                   true},
	{"text/html,application/xhtml+xml,*/*;q=0.8",    true},
	{"application/json; charset=utf-8",              true},
	{"application/json;charset=utf-8;q=1.000",       true},
	{"application/json;q=0.001",                     true},
	{"application/json ; Q=0.5",                     true},
	{"text/x;a=\"b,c;q=0\", application/json",       true},
	{"text/x;a=\"\\\",\", application/json",         true},
	{"application/json;a=\"q=0\"",                   true},
	{"application/json;a=\";q=0\"",                  true},
	{"*/*;q=0, application/json",                    true},
	{"application/*;q=0, application/json;q=0.2",    true},
	{"application/json;q=0, application/json;x=1",   true},
	{"",                                             true},
	{" , ",                                          true},
	{"text/csv",                                     false},
	{"text/*",                                       false},
	{"application/json;q=0",                         false},
	{"application/json;q=0.000",                     false},
	{"application/json; q=0.0, */*",                 false},
	{"application/*;q=0, */*",                       false},
	{"*/*, application/json;q=0",                    false},
	{"*/*;q=0",                                      false},
	{"application/json;q=",                          false},
	{"application/json;q=x",                         false},
	{"application/jsonx",                            false},
	{"application/jso",                              false},
	{"application",                                  false},
	{"application/",                                 false},
	{"*",                                            false},
	{"*/json",                                       false},
	{"text/x;a=\"application/json",                  false},
	{"text/x;a=\"\\",                                false},
	{";",                                            false},
	{0}
};
/* clang-format on */

static void
same(const char *is, const char *wanted, const char *text)
{
	if (wanted == NULL ? is != NULL : is == NULL || strcmp(is, wanted) != 0)
		fail_msg("%s: %s", text, is == NULL ? "refused" : is);
}

static void
entity_tags(void **state)
{
	(void)state;
	for (const struct tags *row = tags; row->text != NULL; row++) {
		same(http_tags(mem, row->text, false), row->strong, row->text);
		same(http_tags(mem, row->text, true), row->weak, row->text);
	}
}

/* Every byte as a tag: what is no etagc is refused, and the literal stays balanced. */
static void
tags_of_every_byte(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		const char text[] = {'"', 'a', (char)c, 'b', '"', '\0'};
		const char *out = http_tags(mem, text, false);
		bool may = c == 0x21 || (c >= 0x23 && c <= 0x7e);

		assert_true((out != NULL) == may);
		if (may)
			assert_int_equal(strlen(out), c == '\\' ? 8 : 7);
	}
}

static void
days_alone(void **state)
{
	static const char *const good[] = {"2026-01-31", "2024-02-29", "2000-02-29", "1900-01-01",
	    "9999-12-31", "2026-04-30", NULL};
	static const char *const bad[] = {"", "2026-02-29", "1900-02-29", "2026-04-31",
	    "2026-00-10", "2026-13-10", "2026-01-00", "2026-01-32", "1899-12-31", "0001-01-01",
	    "10000-01-01", "2026-1-31", "2026-01-3", "26-01-31", "2026/01/31", "2026-01-31 ",
	    " 2026-01-31", "2026-01-31T", "2026-01-31T00:00:00Z", "2026-01-31Z", "20260131",
	    "2026-01", "+026-01-31", "now", "today", "infinity", NULL};

	(void)state;
	for (const char *const *text = good; *text != NULL; text++)
		if (!http_date(*text))
			fail_msg("refused: %s", *text);
	for (const char *const *text = bad; *text != NULL; text++)
		if (http_date(*text))
			fail_msg("taken: %s", *text);
}

static void
dates(void **state)
{
	(void)state;
	for (const char *const *text = times; *text != NULL; text++)
		if (!http_time(*text))
			fail_msg("refused: %s", *text);
	for (const char *const *text = no_times; *text != NULL; text++)
		if (http_time(*text))
			fail_msg("taken: %s", *text);
}

/* Every cut and every changed byte of a good one; digits may change within their limits. */
static void
dates_torn(void **state)
{
	static const char good[] = "2026-11-21T09:30:00.123456+01:00";

	(void)state;
	for (size_t i = 0; i < strlen(good); i++) {
		char *text = arena_text(mem, good, strlen(good));

		text[i] = 'x';
		assert_false(http_time(text));
		text[i] = '\0';
		assert_false(http_time(text));
	}
}

/* What a browser, a program and a person ask for: how much JSON, how much HTML. */
static void
qualities(void **state)
{
	static const struct {
		const char *accept;
		int json, html;
	} rows[] = {
	    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 800, 1000},
	    {"text/html", 0, 1000},
	    {"text/html;q=0.5", 0, 500},
	    {"text/*", 0, 1000},
	    {"text/*;q=0.3, */*;q=0.7", 700, 300},
	    {"text/html;q=0.2, text/*", 0, 200},
	    {"application/json, text/html", 1000, 1000},
	    {"application/json;q=0.5, text/html;q=0.50", 500, 500},
	    {"application/json;q=0.499, text/html;q=0.5", 499, 500},
	    {"application/json, text/plain, */*", 1000, 1000},
	    {"application/json;q=0.9, */*;q=0.1", 900, 100},
	    {"text/html;q=0, */*", 1000, 0},
	    {"text/html;level=1;q=0.4", 0, 400},
	    {"text/html;q=0.123456", 0, 123},
	    {"text/html;q=7, application/json;q=1.9", 1000, 1000},
	    {"text/html;q=.25, application/json;q=0.07", 70, 250},
	    {"text/html;q=0.0009, application/json;q=-1", 0, 0},
	    {"text/html;q=, application/json;q=0.5x", 500, 0},
	    {"image/png", 0, 0},
	    {"*/*", 1000, 1000},
	    {"", 1000, 1000},
	    {NULL, 1000, 1000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int json = http_quality(rows[i].accept, "application/json");
		int html = http_quality(rows[i].accept, "text/html");

		if (json != rows[i].json || html != rows[i].html)
			fail_msg("%s: %d %d", rows[i].accept, json, html);
	}
}

static void
media_ranges(void **state)
{
	(void)state;
	assert_int_equal(http_quality(NULL, "application/json"), 1000);
	for (const struct accepts *row = accepts; row->accept != NULL; row++)
		if ((http_quality(row->accept, "application/json") > 0) != row->takes)
			fail_msg("%s", row->accept);
}

static void
base64url(void **state)
{
	static const char *const bad[] = {"A", "AAAAA", "AB", "AAB", "AA==", "AAA=", "AA+A", "AA/A",
	    "AA A", "AAAA\n", " AAAA", "====",
	    "\xc3\xbc"
	    "AA",
	    NULL};
	unsigned char bytes[70];
	size_t length = 9;

	(void)state;
	for (size_t n = 0; n <= sizeof bytes; n++) {
		const char *text;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (unsigned char)(i * 89 + n * 31);
		text = http_base64url(mem, bytes, n);
		assert_int_equal(strlen(text), (n * 4 + 2) / 3);
		assert_memory_equal(http_unbase64url(mem, text, strlen(text), &length), bytes, n);
		assert_int_equal(length, n);
	}
	assert_string_equal(http_base64url(mem, "\xfb\xff\xfe", 3), "-__-");
	assert_string_equal(http_unbase64url(mem, "aGk", 3, &length), "hi");
	assert_non_null(http_unbase64url(mem, "", 0, &length));
	for (const char *const *text = bad; *text != NULL; text++)
		assert_null(http_unbase64url(mem, *text, strlen(*text), &length));
	assert_null(http_unbase64url(mem, "AA\0A", 4, &length));
}

/* Of all pairs of bytes, those of the alphabet whose last four bits are nought. */
static void
base64url_all_pairs(void **state)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	(void)state;
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			const char text[] = {(char)a, (char)b};
			bool good = memchr(letters, a, 64) != NULL && memchr("AQgw", b, 4) != NULL;
			size_t length;

			assert_true((http_unbase64url(mem, text, 2, &length) != NULL) == good);
			arena_reset(mem);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(entity_tags, setup, teardown),
	    cmocka_unit_test_setup_teardown(tags_of_every_byte, setup, teardown),
	    cmocka_unit_test_setup_teardown(days_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(dates, setup, teardown),
	    cmocka_unit_test_setup_teardown(qualities, setup, teardown),
	    cmocka_unit_test_setup_teardown(dates_torn, setup, teardown),
	    cmocka_unit_test_setup_teardown(media_ranges, setup, teardown),
	    cmocka_unit_test_setup_teardown(base64url, setup, teardown),
	    cmocka_unit_test_setup_teardown(base64url_all_pairs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
