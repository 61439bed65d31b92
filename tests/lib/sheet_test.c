/* sheet_test.c -- rows as CSV and as lines of JSON, and what happens when nobody takes them. */
#include "sheet_of.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka has a macro of this name, which would hide ours. */
#include <cmocka.h>
#undef fail

/* The whole file of one row. */
static const char *
file(struct sheet_plan plan, const char *const values[])
{
	struct taker t = {.got.mem = r.mem};
	struct sheet *s;

	plan.give = take;
	plan.to = &t;
	s = sheet_open(&plan);
	if (values != NULL)
		assert_true(give_row(s, values, plan.n));
	assert_true(sheet_close(s));
	return t.got.length == 0 ? "" : t.got.bytes;
}

/* One value as a field of a CSV, between two others. */
static const char *
field(unsigned type, const char *value)
{
	const struct sheet_column columns[] = {{"a", TEXT}, {"b", type}, {"c", TEXT}};
	const char *text = file((struct sheet_plan){.columns = columns, .n = 3},
	    (const char *const[]){"<", value, ">"});
	size_t length = strlen(text);

	assert_memory_equal(text, "a,b,c\r\n<,", 9);
	assert_string_equal(text + length - 4, ",>\r\n");
	return arena_text(r.mem, text + 9, length - 13);
}

struct example {
	unsigned type;
	const char *value, *field;
};

static void
all(const struct example *table)
{
	for (const struct example *e = table; e->value != NULL; e++)
		assert_string_equal(field(e->type, e->value), e->field);
}

static void
quoting(void **state)
{
	static const struct example table[] = {
	    {TEXT, "plain", "plain"},
	    {TEXT, "", ""},
	    {TEXT, "two words; no more", "two words; no more"},
	    {TEXT, "it's", "it's"},
	    {TEXT, "a,b", "\"a,b\""},
	    {TEXT, ",", "\",\""},
	    {TEXT, "say \"so\"", "\"say \"\"so\"\"\""},
	    {TEXT, "\"", "\"\"\"\""},
	    {TEXT, "\"\"", "\"\"\"\"\"\""},
	    {TEXT, "a\nb", "\"a\nb\""},
	    {TEXT, "a\r\nb", "\"a\r\nb\""},
	    {TEXT, "a\rb", "\"a\rb\""},
	    {TEXT, " a", "\" a\""},
	    {TEXT, "a ", "\"a \""},
	    {TEXT, "a\t", "\"a\t\""},
	    {TEXT, "a\tb", "a\tb"},
	    {TEXT, "\xd0\x96\xe2\x82\xac", "\xd0\x96\xe2\x82\xac"},
	    {0},
	};

	(void)state;
	all(table);
	assert_string_equal(field(TEXT, NULL), "");
	assert_string_equal(field(OID_INT8, NULL), "");
}

/* What a spreadsheet would calculate has an apostrophe in front. */
static void
harmless(void **state)
{
	static const struct example table[] = {
	    {TEXT, "=1+1", "'=1+1"},
	    {TEXT, "+7 495 1234567", "'+7 495 1234567"},
	    {TEXT, "-1", "'-1"},
	    {TEXT, "@SUM(A1)", "'@SUM(A1)"},
	    {TEXT, "=", "'="},
	    {TEXT, "\tx", "'\tx"},
	    {TEXT, "\rx", "\"'\rx\""},
	    {TEXT,
		"\xef\xbc\x9d"
		"1",
		"'\xef\xbc\x9d"
		"1"},
	    {TEXT,
		"\xef\xbc\x8b"
		"1",
		"'\xef\xbc\x8b"
		"1"},
	    {TEXT,
		"\xef\xbc\x8d"
		"1",
		"'\xef\xbc\x8d"
		"1"},
	    {TEXT,
		"\xef\xbc\xa0"
		"1",
		"'\xef\xbc\xa0"
		"1"},
	    {TEXT,
		"\xef\xbc\xa1"
		"1",
		"\xef\xbc\xa1"
		"1"},
	    {TEXT, "\xef", "\xef"},
	    {TEXT, " =1", "' =1"},
	    {TEXT, "  \"=1\"", "\"'  \"\"=1\"\"\""},
	    {TEXT, "'=1", "''=1"},
	    {TEXT, "\n=1", "\"'\n'=1\""},
	    {TEXT, " \t=1", "' \t'=1"},
	    {TEXT, "'quoted'", "'quoted'"},
	    {TEXT, "a=b", "a=b"},
	    {TEXT, "1-2", "1-2"},
	    {TEXT, "a@b.org", "a@b.org"},
	    {TEXT, "a -b", "a -b"},
	    {TEXT, "=cmd|'/C calc'!A0, x", "\"'=cmd|'/C calc'!A0, x\""},
	    /* Behind what splits cells where the list separator is a semicolon. */
	    {TEXT, "Ltd;=1", "Ltd;'=1"},
	    {TEXT, "Ltd; \"=1\";", "\"Ltd; \"\"'=1\"\";\""},
	    {TEXT, "Ltd\n=1", "\"Ltd\n'=1\""},
	    {TEXT, "Ltd\r\n+1\t-1;;@1", "\"Ltd\r\n'+1\t'-1;;'@1\""},
	    {TEXT, "Ltd;a=1;", "Ltd;a=1;"},
	    {TEXT, "a;\tb;", "a;\tb;"},
	    {TEXT, ";", ";"},
	    /* Other types: a number is none, whatever its sign. */
	    {OID_INT8, "-9223372036854775808", "-9223372036854775808"},
	    {OID_INT2, "-1", "-1"},
	    {OID_INT4, "-1", "-1"},
	    {OID_BOOL, "t", "true"},
	    {OID_BOOL, "f", "false"},
	    {OID_TIMESTAMPTZ, "2026-11-21 20:41:30.12+00", "2026-11-21T20:41:30.120000Z"},
	    {OID_TIMESTAMPTZ, "infinity", "infinity"},
	    {OID_TIMESTAMPTZ, "-infinity", "'-infinity"},
	    {OID_TEXTS, "{}", ""},
	    {OID_TEXTS, "{a,\"b, c\",NULL,\"d\\\"\"}", "\"a; b, c; ; d\"\"\""},
	    {OID_TEXTS, "{=a,+b,c}", "'=a; '+b; c"},
	    {OID_JSONB, "{\"a\": 1}", "\"{\"\"a\"\": 1}\""},
	    {OID_JSONB, "-1", "'-1"},
	    {OID_JSONB, "\"=1\"", "\"'\"\"=1\"\"\""},
	    {0},
	};

	(void)state;
	all(table);
}

static void
heads(void **state)
{
	static const struct sheet_column columns[] = {{"id", TEXT}, {"a,b", TEXT}};
	struct sheet_plan plan = {.columns = columns, .n = 2};

	(void)state;
	assert_string_equal(file(plan, NULL), "id,\"a,b\"\r\n");
	plan.bom = true;
	assert_string_equal(file(plan, NULL), "\xef\xbb\xbfid,\"a,b\"\r\n");
	plan.stamp = "Acme; internal";
	assert_string_equal(file(plan, NULL), "\xef\xbb\xbf# Acme; internal\r\nid,\"a,b\"\r\n");
	plan.bom = false;
	plan.stamp = "Acme, internal";
	assert_string_equal(file(plan, (const char *const[]){"1", NULL}),
	    "\"# Acme, internal\"\r\nid,\"a,b\"\r\n1,\r\n");
	/* A lone null is no empty line. */
	plan = (struct sheet_plan){.columns = columns, .n = 1};
	assert_string_equal(file(plan, (const char *const[]){NULL}), "id\r\n\"\"\r\n");
}

static void
lines(void **state)
{
	struct sheet_plan plan = {
	    .form = SHEET_NDJSON, .columns = mixed, .n = MIXED, .stamp = "Acme", .bom = true};

	(void)state;
	assert_string_equal(file(plan, NULL), "");
	assert_string_equal(
	    file(plan, (const char *const[]){"a", "-7", "f", "2026-11-21 20:41:30+00",
			   "{x,\"y \\\"z\\\"\",NULL}", "{\"a\": 1}", "=1 \"q\"\r\n\xc3\xbc"}),
	    "{\"id\":\"a\",\"n\":-7,\"open\":false,\"at\":\"2026-11-21T20:41:30.000000Z\","
	    "\"tags\":[\"x\",\"y \\\"z\\\"\",null],\"also\":{\"a\": 1},"
	    "\"note\":\"=1 \\\"q\\\"\\r\\n\xc3\xbc\"}\n");
	assert_string_equal(file(plan, (const char *const[MIXED]){NULL}),
	    "{\"id\":null,\"n\":null,\"open\":null,\"at\":null,\"tags\":null,\"also\":null,"
	    "\"note\":null}\n");
}

/* The taker fails at every call in turn: all later calls do nothing, and the end says it. */
static void
torture(void **state)
{
	const enum sheet_form forms[] = {SHEET_CSV, SHEET_NDJSON};

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct taker t = {.fails = 1};
		bool good = false;

		for (size_t fails = 1; !good; fails++) {
			struct sheet_plan plan = {
			    .form = forms[f], .columns = mixed, .n = MIXED, .give = take, .to = &t};
			struct sheet *s;

			t = (struct taker){.fails = fails};
			s = sheet_open(&plan);
			for (size_t i = 0; i < 2000; i++)
				if (!give_mixed(s, i))
					assert_int_equal(t.calls, fails);
			good = sheet_close(s);
			assert_int_equal(good, t.calls < fails);
			assert_true(good || t.calls == fails);
		}
		assert_true(t.calls > 5);
		assert_int_equal(t.most, 32 << 10);
	}
}

static void
abandoned(void **state)
{
	const enum sheet_form forms[] = {SHEET_CSV, SHEET_NDJSON};

	(void)state;
	sheet_abandon(NULL);
	for (size_t f = 0; f < 2; f++) {
		struct taker t = {.bytes = 0};
		struct sheet *s = sheet_open(&(struct sheet_plan){
		    .form = forms[f], .columns = mixed, .n = MIXED, .give = take, .to = &t});

		assert_true(give_mixed(s, 1));
		sheet_abandon(s);
		assert_int_equal(t.calls, 0);
	}
}

/* After a hundred times the rows no byte more is held, though one of them was large. */
static void
constant_memory(void **state)
{
	const enum sheet_form forms[] = {SHEET_CSV, SHEET_NDJSON};
	char *large = arena_get(r.mem, 3 << 20);

	(void)state;
	memset(large, '"', (3 << 20) - 1);
	for (size_t f = 0; f < 2; f++) {
		struct taker t = {.bytes = 0};
		struct sheet *s = sheet_open(&(struct sheet_plan){
		    .form = forms[f], .columns = mixed, .n = MIXED, .give = take, .to = &t});
		const char *values[MIXED] = {large};
		size_t held = 0;

		for (size_t i = 0; i < 100000; i++) {
			assert_true(give_mixed(s, i));
			if (i == 1000) {
				assert_true(give_row(s, values, MIXED));
				held = HELD;
			}
		}
		assert_true(HELD <= held);
		assert_true(sheet_close(s));
		assert_true(t.bytes > 100000 * 100);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quoting),
	    cmocka_unit_test(harmless),
	    cmocka_unit_test(heads),
	    cmocka_unit_test(lines),
	    cmocka_unit_test(torture),
	    cmocka_unit_test(abandoned),
	    cmocka_unit_test(constant_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
