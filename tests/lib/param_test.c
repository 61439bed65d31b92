/* param_test.c -- a request's path, query, head and body as named arguments, or the first reason why not. */
#include "param.h"
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UUID "0190c7a2-0000-7000-8000-00000000000a"

static const unsigned char key[CURSOR_KEY] = "signs";
static struct bound in;

/* clang-format off */
static const struct param find[] = {
	{"stage",   IN_FILTER, AS_TEXT,   .list = true, .items = 3, .most = 4},
	{"owner",   IN_FILTER, AS_UUID,   .list = true, .items = 2},
	{"min",     IN_FILTER, AS_INT,    .least = -5, .most = 10},
	{"q",       IN_QUERY,  AS_TEXT,   .least = 2, .most = 4},
	{"flag",    IN_QUERY,  AS_BOOL,   .unless = "false"},
	{"when",    IN_QUERY,  AS_TIME,   .sql = "as_of"},
	{"day",     IN_FILTER, AS_DATE,   .says = ""},
	{"price",   IN_FILTER, AS_NUMBER, .most = 1000, .places = 2},
	{"id",      IN_QUERY,  AS_UUID,   .says = ""},
	{"word",    IN_QUERY,  AS_WORD,   .words = "exact estimate"},
	{"fields",  IN_QUERY,  AS_FIELDS, .words = "id name owner_id"},
	{"sort",    IN_QUERY,  AS_SORT,   .words = "name city", .unless = "-name"},
	{"cursor",  IN_QUERY,  AS_CURSOR, .says = ""},
	{"limit",   IN_QUERY,  AS_INT,    .least = 1, .most = 200, .unless = "50", .sql = "lim"},
	{"count",   IN_QUERY,  AS_WORD,   .words = "exact"},
	{0}
};
#define ALL " flag=false as_of=null id=null word=null fields=null sort=-name cursor=null lim=50 count=null"

static const struct param change[] = {
	{"id",        IN_PATH,  AS_UUID, .must = true},
	{"part",      IN_PATH,  AS_UUID, .must = true},
	{"if-match",  IN_HEAD,  AS_TAGS, .must = true},
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry"},
	{"why",       IN_QUERY, AS_TEXT, .must = true, .most = 9},
	{"name",      IN_BODY,  AS_TEXT, .must = true, .most = 9},
	{0}
};
/* clang-format on */

/* The arguments as "name=value lim=50", or the fault. */
static const char *
bound(bool good)
{
	struct buf to = {.mem = r.mem};

	if (!good)
		return says(r.fault);
	assert_null(r.fault);
	buf_text(&to, "");
	for (size_t i = 0; i < in.n; i++)
		buf_print(&to, "%s%s=%s", i > 0 ? " " : "", in.args[i].name,
		    in.args[i].value == NULL ? "null" : in.args[i].value);
	return to.bytes;
}

static const char *
list(const char *query)
{
	r = (struct req){.mem = r.mem, .path = "/v1/things", .query = query, .body = (char[]){""}};
	r.staff = "ada";
	in = (struct bound){0};
	return bound(param_bind(&r, find, "thing_list", NULL, NULL, key, &in));
}

/* A PATCH with what each test replaces in it. */
static struct patch {
	const char *id, *part, *if_match, *retry, *query, *body, *path;
} patch;
#define PATCH_GOOD                                                                                 \
                                                                                                   \
	{                                                                                          \
		UUID, UUID, "\"v1\"", NULL, "why=so", "{\"name\":\"x\"}", "/v1/things/a"           \
	}

static const char *
send(struct patch p)
{
	const char *const values[] = {p.id, p.part};
	const size_t lengths[] = {strlen(p.id), strlen(p.part)};

	r = (struct req){.mem = r.mem, .method = PATCH, .path = p.path, .query = p.query};
	r.if_match = p.if_match;
	r.idempotency_key = p.retry;
	r.content_type = "application/json";
	r.body = arena_text(r.mem, p.body, strlen(p.body));
	r.body_length = strlen(p.body);
	in = (struct bound){0};
	return bound(param_bind(&r, change, "thing_change", values, lengths, key, &in));
}

struct example {
	const char *query, *comes;
};

static void
queries(void **state)
{
#define WRONG "400 invalid_parameter ?"
	/* clang-format off */
	static const struct example examples[] = {
		{"q=ab", "q=ab" ALL " filter={}"},
		{"&q=ab&&", "q=ab" ALL " filter={}"},
		{"q=%61%2Bb", "q=a+b" ALL " filter={}"},
		{"q=a+b", "q=a b" ALL " filter={}"},
		{"%71=ab", "q=ab" ALL " filter={}"},
		{"q=%C3%BC%C3%BC%c3%bc%c3%bc", "q=\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" ALL " filter={}"},
		{"q=a", WRONG "q length"}, {"q=", WRONG "q length"}, {"q", WRONG "q length"},
		{"q=%C3%BC", WRONG "q length"}, {"q=abcde", WRONG "q length"},
		{"q=a%0ab", WRONG "q length"}, {"q=a%E2%80%AEb", WRONG "q length"},
		{"q=%", "400 malformed_query"}, {"q=a%4", "400 malformed_query"},
		{"q=a%zz", "400 malformed_query"}, {"q=ab%00", "400 malformed_query"},
		{"q=%ff%fe", "400 malformed_query"}, {"=ab", "400 malformed_query"},
		{"Q=ab", "400 unknown_parameter ?Q unknown"},
		{"lim=5", "400 unknown_parameter ?lim unknown"},
		{"q%20=ab&zip=1", "400 unknown_parameter ?q  unknown"},
		{"q=ab&q=ab", WRONG "q duplicate"}, {"stage=a&stage=b", WRONG "stage duplicate"},
		{"q=a&zip=1", "400 unknown_parameter ?zip unknown"},
		{"flag=yes", WRONG "flag type"}, {"flag=", WRONG "flag type"}, {"flag=True", WRONG "flag type"},
		{"when=2026-01-31T09:30:00", WRONG "when format"}, {"when=now", WRONG "when format"},
		{"day=2026-02-29", WRONG "day format"}, {"day=", WRONG "day format"},
		{"day=2026-01-31T09:30:00Z", WRONG "day format"},
		{"price=", WRONG "price type"}, {"price=1,5", WRONG "price type"}, {"price=1000.01", WRONG "price range"},
		{"price=-0.01", WRONG "price range"}, {"price=0.001", WRONG "price places"},
		{"price=NaN", WRONG "price type"}, {"price=1e-3", WRONG "price places"},
		{"id=" UUID "0", WRONG "id format"}, {"id=", WRONG "id format"},
		{"word=exac", WRONG "word word"}, {"word=", WRONG "word word"},
		{"word=exact%20estimate", WRONG "word word"}, {"word=exact,estimate", WRONG "word word"},
		{"limit=0", WRONG "limit range"}, {"limit=201", WRONG "limit range"},
		{"limit=", WRONG "limit type"}, {"limit=%2B5", WRONG "limit type"},
		{"limit=+5", WRONG "limit type"}, {"limit=5x", WRONG "limit type"}, {"limit=0x5", WRONG "limit type"},
		{"limit=1e1", WRONG "limit type"}, {"limit=5.0", WRONG "limit type"}, {"limit=-", WRONG "limit type"},
		{"limit=99999999999999999999", WRONG "limit type"}, {"limit=--5", WRONG "limit type"},
		{"fields=", WRONG "fields word"}, {"fields=id,", WRONG "fields word"},
		{"fields=id,zip", WRONG "fields word"}, {"fields=id+name", WRONG "fields word"},
		{"fields=owner", WRONG "fields word"}, {"fields=}", WRONG "fields word"},
		{"sort=", WRONG "sort word"}, {"sort=-", WRONG "sort word"}, {"sort=--name", WRONG "sort word"},
		{"sort=name,", WRONG "sort word"}, {"sort=name,-name", WRONG "sort word"},
		{"sort=city,name,city", WRONG "sort word"}, {"sort=name+city", WRONG "sort word"},
		{"sort=name desc", WRONG "sort word"}, {"cursor=", WRONG "cursor invalid"},
		{"cursor=AAAAAAAAAAAAAAAAAAAAAA", WRONG "cursor invalid"},
		{"min=11", WRONG "min range"}, {"min=-6", WRONG "min range"}, {"min=1,2", WRONG "min type"},
		{"stage=a,b,c,d", WRONG "stage count"}, {"stage=,,,", WRONG "stage count"},
		{"stage=abcde", WRONG "stage length"}, {"stage=a,bcdef", WRONG "stage length"},
		{"owner=" UUID ",", WRONG "owner format"}, {"owner=" UUID "," UUID "," UUID, WRONG "owner count"},
		{0}
	};
	/* clang-format on */

	(void)state;
	for (const struct example *one = examples; one->query != NULL; one++)
		assert_string_equal(list(one->query), one->comes);
	assert_string_equal(
	    list("flag=true&when=2026-01-31T09:30:00Z&id=" UUID
		 "&word=estimate&fields=id,name&sort=city,-name&limit=200&count=exact"),
	    "q=null flag=true as_of=2026-01-31T09:30:00Z id=" UUID
	    " word=estimate fields={id,name} sort=city,-name cursor=null lim=200 count=exact "
	    "filter={}");
	assert_string_equal(in.fields, " id name ");
	assert_string_equal(list("limit=1"),
	    "q=null flag=false as_of=null id=null word=null "
	    "fields=null sort=-name cursor=null lim=1 count=null filter={}");
	assert_null(in.fields);
}

static void
filters(void **state)
{
	/* clang-format off */
	static const struct example examples[] = {
		{"stage=a", "{\"stage\":[\"a\"]}"},
		{"stage=", "{\"stage\":[\"\"]}"},
		{"min=-5&stage=a,bc,d", "{\"stage\":[\"a\",\"bc\",\"d\"],\"min\":\"-5\"}"},
		{"stage=a%2Cb", "{\"stage\":[\"a\",\"b\"]}"},
		{"stage=%22%5D,%5C,%22%7D", "{\"stage\":[\"\\\"]\",\"\\\\\",\"\\\"}\"]}"},
		{"owner=" UUID "," UUID, "{\"owner\":[\"" UUID "\",\"" UUID "\"]}"},
		{"min=10", "{\"min\":\"10\"}"},
		{"day=2026-01-31&price=9.50", "{\"day\":\"2026-01-31\",\"price\":\"9.50\"}"},
		{0}
	};
	/* clang-format on */

	(void)state;
	for (const struct example *one = examples; one->query != NULL; one++)
		assert_string_equal(
		    list(one->query), arena_print(r.mem, "q=null" ALL " filter=%s", one->comes));
}

/* Signs for one list, opens for another. */
static bool
opens(const char *staff, const char *path, const char *route, const char *query)
{
	const char *cursor, *whole;

	list("stage=a&sort=city");
	cursor = cursor_sign(r.mem, key, in.holds, "[\"x\"]");
	whole = arena_print(r.mem, "%s&cursor=%s", query, cursor);
	r = (struct req){.mem = r.mem, .path = path, .query = whole, .body = (char[]){""}};
	r.staff = staff;
	in = (struct bound){0};
	if (param_bind(&r, find, route, NULL, NULL, key, &in))
		return strstr(bound(true), " cursor=[\"x\"] ") != NULL;
	assert_string_equal(says(r.fault), "400 invalid_parameter ?cursor invalid");
	return false;
}

static void
cursors(void **state)
{
#define LIST "/v1/things", "thing_list"
	(void)state;
	assert_true(opens("ada", LIST, "stage=a&sort=city"));
	assert_true(opens("ada", LIST, "sort=city&stage=a"));
	assert_true(opens("ada", LIST, "stage=%61&sort=city&limit=7&count=exact&fields=id"));
	assert_false(opens("bob", LIST, "stage=a&sort=city"));
	assert_false(opens(NULL, LIST, "stage=a&sort=city"));
	assert_false(opens("ada", "/v1/thing", "thing_list", "stage=a&sort=city"));
	assert_false(opens("ada", "/v1/things", "other_list", "stage=a&sort=city"));
	assert_false(opens("ada", LIST, "stage=b&sort=city"));
	assert_false(opens("ada", LIST, "stage=a,&sort=city"));
	assert_false(opens("ada", LIST, "stage=a&sort=-city"));
	assert_false(opens("ada", LIST, "stage=a"));
	assert_false(opens("ada", LIST, "sort=city"));
	assert_false(opens("ada", LIST, "stage=a&sort=city&flag=false"));
}

/* 400 before 428 before 404, and a wrong body value waits behind them all. */
static void
order(void **state)
{
	struct patch good = PATCH_GOOD;

	(void)state;
	assert_string_equal(send(good),
	    "id=" UUID " part=" UUID " if_match={\"v1\"} retry=null why=so body={\"name\":\"x\"}");
#define SEND(...) send((patch = good, __VA_ARGS__, patch))
	assert_string_equal(SEND(patch.part = "7"), "404 not_found");
	assert_string_equal(SEND(patch.id = "%zz"), "404 not_found");
	assert_string_equal(SEND(patch.id = ""), "404 not_found");
	assert_string_equal(SEND(patch.id = "%30190c7a2-0000-7000-8000-00000000000a"), send(good));
	assert_string_equal(SEND(patch.if_match = NULL), "428 precondition_required");
	assert_string_equal(
	    SEND(patch.if_match = NULL, patch.id = "7"), "428 precondition_required");
	assert_string_equal(
	    SEND(patch.if_match = "v1", patch.id = "7"), "400 invalid_parameter if-match format");
	assert_string_equal(
	    SEND(patch.if_match = NULL, patch.query = ""), "400 parameter_required");
	assert_string_equal(SEND(patch.id = "7", patch.query = "why=0123456789"),
	    "400 invalid_parameter ?why length");
	assert_string_equal(SEND(patch.id = "7", patch.body = "{"), "400 malformed_json");
	assert_string_equal(SEND(patch.if_match = NULL, patch.body = "{\"zip\":1}"),
	    "400 unknown_member /zip unknown");
	assert_string_equal(
	    SEND(patch.query = "id=1", patch.body = "{"), "400 unknown_parameter ?id unknown");
	assert_string_equal(SEND(patch.id = "7", patch.body = "{}"), "404 not_found");
	assert_string_equal(says(r.pending), "422 invalid_value /name required");
	assert_string_equal(SEND(patch.body = "{\"name\":1}"),
	    "id=" UUID " part=" UUID " if_match={\"v1\"} retry=null why=so body={}");
	assert_string_equal(SEND(patch.if_match = " * "),
	    "id=" UUID " part=" UUID " if_match={\"*\"} retry=null why=so body={\"name\":\"x\"}");
}

static void
types(void **state)
{
	const struct param price = {"price", IN_QUERY, AS_NUMBER, .most = 1},
			   day = {"day", IN_QUERY, AS_DATE, .says = ""};

	(void)state;
	assert_string_equal(param_types(&price), "numeric");
	assert_string_equal(param_types(&day), "date");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(queries),
	    cmocka_unit_test(filters),
	    cmocka_unit_test(cursors),
	    cmocka_unit_test(order),
	    cmocka_unit_test(types),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
