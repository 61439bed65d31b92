/* render_test.c -- rows as PostgreSQL sends them, and the JSON, status and heads that they become. */
#include "fault.h"
#include "render.h"
#include "rows_of.h"
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* cmocka has a macro of this name, which would hide ours. */
#include <cmocka.h>
#undef fail

#define BOOL   16
#define INT8   20
#define JSONB  3802
#define TIMETZ 1184
#define TEXTS  1009

static const unsigned char key[CURSOR_KEY] = "signs";

/* The JSON of the first row. */
static const char *
row(const struct rows_of *of, const char *fields)
{
	struct rows rows = rows_new(of);

	r = (struct req){.mem = r.mem, .status = 200, .id = "a0"};
	render_row(&r, &rows, fields);
	PQclear(rows.result);
	return r.out.bytes;
}

static const char *
list(const struct rows_of *of, const char *fields)
{
	struct rows rows = rows_new(of);

	r = (struct req){.mem = r.mem, .status = 200, .id = "a0"};
	render_list(&r, &rows, fields, "held", key);
	PQclear(rows.result);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.type, "application/json");
	return r.out.bytes;
}

/* One value of a type, as JSON. */
static const char *
one(unsigned oid, const char *value)
{
	const char *text =
	    row(&(struct rows_of){{arena_print(r.mem, "v:%u", oid)}, {{value}}, 1}, NULL);
	size_t length = strlen(text);

	assert_memory_equal(text, "{\"v\":", 5);
	assert_int_equal(text[length - 1], '}');
	return arena_text(r.mem, text + 5, length - 6);
}

static const char *
header(const char *name)
{
	for (const struct header *h = r.headers; h != NULL; h = h->next)
		if (strcmp(h->name, name) == 0)
			return h->value;
	return "none";
}

struct example {
	unsigned oid;
	const char *value, *json;
};

static void
types(void **state)
{
	/* clang-format off */
	static const struct example examples[] = {
		{TEXT,  "a \"b\" \\ \n\x01 \xc3\xbc", "\"a \\\"b\\\" \\\\ \\n\\u0001 \xc3\xbc\""},
		{TEXT,  "", "\"\""}, {TEXT, "null", "\"null\""}, {TEXT, "1", "\"1\""},
		{1043,  "varchar", "\"varchar\""}, {2950, "0190c7a2-0000", "\"0190c7a2-0000\""},
		{1700,  "1.50", "\"1.50\""}, {1082, "2026-01-31", "\"2026-01-31\""},
		{BOOL,  "t", "true"}, {BOOL, "f", "false"},
		{INT8,  "-9223372036854775808", "-9223372036854775808"}, {21, "7", "7"}, {23, "0", "0"},
		{114,   "{ \"a\": [1, null] }", "{ \"a\": [1, null] }"}, {JSONB, "\"x\"", "\"x\""},
		{TIMETZ, "2026-11-21 20:41:30+00", "\"2026-11-21T20:41:30.000000Z\""},
		{TIMETZ, "2026-11-21 20:41:30.1+00", "\"2026-11-21T20:41:30.100000Z\""},
		{TIMETZ, "2026-11-21 20:41:30.12+00", "\"2026-11-21T20:41:30.120000Z\""},
		{TIMETZ, "2026-11-21 20:41:30.123+00", "\"2026-11-21T20:41:30.123000Z\""},
		{TIMETZ, "2026-11-21 20:41:30.1234+00", "\"2026-11-21T20:41:30.123400Z\""},
		{TIMETZ, "2026-11-21 20:41:30.12345+00", "\"2026-11-21T20:41:30.123450Z\""},
		{TIMETZ, "2026-11-21 20:41:30.000001+00", "\"2026-11-21T20:41:30.000001Z\""},
		{TIMETZ, "infinity", "\"infinity\""}, {TIMETZ, "-infinity", "\"-infinity\""},
		{TEXTS, "{}", "[]"}, {TEXTS, "{a}", "[\"a\"]"}, {TEXTS, "{a,b c,d}", "[\"a\",\"b c\",\"d\"]"},
		{TEXTS, "{NULL,\"NULL\",null}", "[null,\"NULL\",\"null\"]"},
		{TEXTS, "{\"\"}", "[\"\"]"}, {TEXTS, "{\"\",x,\"\"}", "[\"\",\"x\",\"\"]"},
		{TEXTS, "{\"a,b\",\"{c}\",\"}\"}", "[\"a,b\",\"{c}\",\"}\"]"},
		{TEXTS, "{\"q\\\"q\",\"b\\\\b\",\"\\\\\",\"\\\"\"}", "[\"q\\\"q\",\"b\\\\b\",\"\\\\\",\"\\\"\"]"},
		{TEXTS, "{\"a\nb\",\xc3\xbc}", "[\"a\\nb\",\"\xc3\xbc\"]"},
		{2951,  "{0190c7a2-0000,0190c7a2-0001}", "[\"0190c7a2-0000\",\"0190c7a2-0001\"]"},
		{0}
	};
	/* clang-format on */

	(void)state;
	for (const struct example *e = examples; e->value != NULL; e++) {
		assert_string_equal(one(e->oid, e->value), e->json);
		assert_string_equal(one(e->oid, NULL), "null");
	}
}

static void
columns(void **state)
{
	const struct rows_of of = {
	    {"id", "id2", "_id", "masked:1009", "n:20"}, {{"a", "b", "c", "{phone}", "7"}}, 1};

	(void)state;
	assert_string_equal(
	    row(&of, NULL), "{\"id\":\"a\",\"id2\":\"b\",\"masked\":[\"phone\"],\"n\":7}");
	assert_string_equal(row(&of, " id "), "{\"id\":\"a\",\"masked\":[\"phone\"]}");
	assert_string_equal(row(&of, " n id2 "), "{\"id2\":\"b\",\"masked\":[\"phone\"],\"n\":7}");
	assert_string_equal(row(&of, " "), "{\"masked\":[\"phone\"]}");
	assert_string_equal(row(&(struct rows_of){{"_etag"}, {{"v1"}}, 1}, NULL), "{}");
	assert_string_equal(r.type, "application/json");
	assert_int_equal(r.status, 200);
}

static void
heads(void **state)
{
	struct rows_of of = {{"_etag", "_location", "_classification", "id"},
	    {{"v7-ab", "/v1/things/7", "Acme; internal", "x"}}, 1};

	(void)state;
	assert_string_equal(row(&of, NULL), "{\"id\":\"x\"}");
	assert_string_equal(header("ETag"), "\"v7-ab\"");
	assert_string_equal(header("Location"), "/v1/things/7");
	assert_string_equal(header("X-Classification"), "Acme; internal");
	of.cells[0][0] = of.cells[0][1] = of.cells[0][2] = NULL;
	row(&of, NULL);
	assert_null(r.headers);
}

static void
statuses(void **state)
{
	struct rows_of of = {{"_status:23", "_etag", "id"}, {{"202", "v1", "x"}}, 1};

	(void)state;
	assert_string_equal(row(&of, NULL), "{\"id\":\"x\"}");
	assert_int_equal(r.status, 202);
	of.cells[0][0] = NULL;
	assert_string_equal(row(&of, NULL), "{\"id\":\"x\"}");
	assert_int_equal(r.status, 200);
	of.cells[0][0] = "304";
	assert_null(row(&of, NULL));
	assert_int_equal(r.status, 304);
	assert_string_equal(header("ETag"), "\"v1\"");
	of.cells[0][0] = "204";
	assert_null(row(&of, NULL));
	assert_int_equal(r.status, 204);
	assert_null(r.fault);
}

/* A refusal that stays on record: the row says what an exception would have said. */
static void
refusals(void **state)
{
	struct rows_of of = {{"_status:23", "_code", "_problem:3802", "_detail", "_etag", "id"},
	    {{"409", "restore_conflict", "{\"conflicts\": [1], \"retry_after\": 9}", "Look first.",
		"v1", "x"}},
	    1};

	(void)state;
	assert_null(row(&of, NULL));
	assert_string_equal(says(r.fault), "409 restore_conflict");
	assert_string_equal(r.fault->detail, "Look first.");
	assert_null(r.headers);
	fault_render(&r);
	assert_int_equal(r.status, 409);
	assert_string_equal(r.type, "application/problem+json");
	assert_non_null(strstr(r.out.bytes, "\"conflicts\": [1]"));
	assert_string_equal(header("Retry-After"), "9");
	of.cells[0][0] = "400";
	of.cells[0][2] = of.cells[0][3] = NULL;
	row(&of, NULL);
	assert_string_equal(says(r.fault), "400 restore_conflict");
	of.cells[0][0] = "399";
	row(&of, NULL);
	assert_null(r.fault);
}

static void
whole_answers(void **state)
{
	struct rows_of of = {{"_doc:3802", "_status:23", "_etag", "id"},
	    {{"{\"of\": \"its own\"}", "201", "v1", "x"}}, 1};

	(void)state;
	assert_string_equal(row(&of, " id "), "{\"of\": \"its own\"}");
	assert_int_equal(r.status, 201);
	assert_string_equal(header("ETag"), "\"v1\"");
	of.cells[0][0] = NULL;
	assert_string_equal(row(&of, NULL), "{\"id\":\"x\"}");
}

#define DATA                                                                                       \
	"{\"data\":[{\"id\":\"a\",\"n\":1,\"masked\":[]},{\"id\":\"b\",\"n\":null,\"masked\":["    \
	"\"x\"]}],\"next\":"

static void
lists(void **state)
{
	struct rows_of of = {
	    {"id", "n:20", "masked:1009", "_tail:16", "_next:3802", "_count:20", "_classification"},
	    {{"a", "1", "{}"}, {"b", NULL, "{x}"}, {NULL, NULL, NULL, "t", NULL, NULL, "Acme"}}, 3};
	const char *start, *text;

	(void)state;
	assert_string_equal(list(&of, NULL), DATA "null}");
	assert_string_equal(header("X-Classification"), "Acme");
	assert_string_equal(list(&of, " n "),
	    "{\"data\":[{\"n\":1,\"masked\":[]},{\"n\":null,\"masked\":[\"x\"]}],\"next\":null}");
	of.cells[2][5] = "12";
	assert_string_equal(list(&of, NULL), DATA "null,\"count\":12}");
	of.cells[2][4] = "[\"b\", 2]";
	text = list(&of, NULL);
	assert_memory_equal(text, DATA "\"", sizeof DATA "\"" - 1);
	start = text + sizeof DATA "\"" - 1;
	text = arena_text(r.mem, start, strcspn(start, "\""));
	assert_string_equal(start + strlen(text), "\",\"count\":12}");
	assert_string_equal(cursor_open(r.mem, key, "held", text), "[\"b\", 2]");
	assert_null(cursor_open(r.mem, key, "other", text));
	/* Without a tail every row is data, and one alone is the empty list. */
	of.cells[2][3] = NULL;
	of.count = 2;
	assert_string_equal(list(&of, NULL), DATA "null}");
	assert_string_equal(header("X-Classification"), "none");
	of.count = 0;
	assert_string_equal(list(&of, NULL), "{\"data\":[],\"next\":null}");
	of = (struct rows_of){{"id", "_tail:16", "_count:20"}, {{NULL, "t", "0"}}, 1};
	assert_string_equal(list(&of, NULL), "{\"data\":[],\"next\":null,\"count\":0}");
}

/* What a row does not show is absent, whatever was picked; null is something else. */
static void
partial_rows(void **state)
{
	struct rows_of of = {{"id", "id2", "n:20", "_only", "_tail:16"},
	    {{"a", "b", NULL, NULL, NULL}, {"c", "d", "1", " n id ", NULL},
		{"e", "f", NULL, " id2 ", NULL}, {NULL, NULL, NULL, NULL, "t"}},
	    4};

	(void)state;
	assert_string_equal(list(&of, NULL), "{\"data\":[{\"id\":\"a\",\"id2\":\"b\",\"n\":null},{"
					     "\"id\":\"c\",\"n\":1},{\"id2\":\"f\"}],"
					     "\"next\":null}");
	assert_string_equal(list(&of, " id n "),
	    "{\"data\":[{\"id\":\"a\",\"n\":null},{\"id\":\"c\",\"n\":1},{}],\"next\":null}");
	of.cells[0][3] = " n ";
	assert_string_equal(row(&of, NULL), "{\"n\":null}");
	of.cells[0][3] = "";
	assert_string_equal(row(&of, NULL), "{}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(types),
	    cmocka_unit_test(columns),
	    cmocka_unit_test(heads),
	    cmocka_unit_test(statuses),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(whole_answers),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(partial_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
