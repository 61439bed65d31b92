/* body_test.c -- a JSON body against its table: names, values, and what goes on when one is wrong. */
#include "body.h"
#include "says.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A16    "aaaaaaaaaaaaaaaa"
#define UMLAUT "\xc3\xbc"
#define SMILE  "\xf0\x9f\x98\x80"
#define UUID   "0190c7a2-0000-7000-8000-00000000000a"

/* clang-format off */
static const struct param inner[] = {
	{"n/m~o", IN_BODY, AS_INT,  .most = 9},
	{"must",  IN_BODY, AS_TEXT, .must = true, .most = 3},
	{"ids",   IN_BODY, AS_UUID, .list = true, .items = 2},
	{"must2", IN_BODY, AS_BOOL, .must = true},
	{0}
};

static const struct param table[] = {
	{"q",     IN_QUERY,  AS_TEXT,   .must = true, .most = 9},
	{"f",     IN_FILTER, AS_TEXT,   .most = 9},
	{"name",  IN_BODY, AS_TEXT,   .solid = true, .least = 2, .most = 5},
	{"note",  IN_BODY, AS_PROSE,  .most = 5},
	{"long",  IN_BODY, AS_TEXT, .says = ""},
	{"word",  IN_BODY, AS_WORD,   .words = "lead open won"},
	{"n",     IN_BODY, AS_INT,    .least = -2, .most = 3},
	{"big",   IN_BODY, AS_INT,    .least = LONG_MIN, .most = LONG_MAX},
	{"flag",  IN_BODY, AS_BOOL, .says = ""},
	{"id",    IN_BODY, AS_UUID,   .solid = true},
	{"at",    IN_BODY, AS_TIME, .says = ""},
	{"small", IN_BODY, AS_OBJECT, .most = 9},
	{"free",  IN_BODY, AS_OBJECT, .says = ""},
	{"tags",  IN_BODY, AS_TEXT,   .list = true, .items = 2, .least = 1, .most = 3},
	{"a/b~",  IN_BODY, AS_OBJECT, .members = inner},
	{"many",  IN_BODY, AS_OBJECT, .list = true, .items = 2, .members = inner},
	{0}
};

static const struct param needy[] = {
	{"one",   IN_BODY, AS_TEXT, .must = true, .least = 1},
	{"two",   IN_BODY, AS_INT,  .must = true, .most = 9},
	{"three", IN_BODY, AS_BOOL, .says = ""},
	{"if-match", IN_HEAD, AS_TAGS, .must = true},
	{0}
};
/* clang-format on */

static const char *
bind_bytes(const struct param *params, const char *body, size_t length)
{
	r = (struct req){.mem = r.mem, .method = POST, .content_type = "application/json"};
	r.body = arena_text(r.mem, body, length);
	r.body_length = length;
	return body_bind(&r, params);
}

/* What a body comes to: "" when it is good, its fault, or the pending one with the rest that goes on. */
static const char *
comes(const struct param *params, const char *body)
{
	const char *text = bind_bytes(params, body, strlen(body));

	if (text == NULL)
		return says(r.fault);
	assert_null(r.fault);
	if (r.pending == NULL)
		assert_ptr_equal(text, r.body);
	assert_string_equal(r.body, body);
	return r.pending == NULL ? "" : arena_print(r.mem, "%s | %s", says(r.pending), text);
}

struct example {
	const char *body, *comes;
};

static void
check(const struct param *params, const struct example *one)
{
	for (; one->body != NULL; one++) {
		const char *came = comes(params, one->body);

		if (strcmp(came, one->comes) != 0)
			print_error("%s\n", one->body);
		assert_string_equal(came, one->comes);
	}
}

#define WRONG "422 invalid_value "

static void
values(void **state)
{
	/* clang-format off */
	static const struct example examples[] = {
		{"{}", ""},
		{" {\"name\":\"ab\"}\r\n", ""},
		{"{\"name\":\"a\"}", WRONG "/name length | {}"},
		{"{\"name\":\"" UMLAUT "\"}", WRONG "/name length | {}"},
		{"{\"name\":\"" SMILE UMLAUT SMILE UMLAUT "e\"}", ""},
		{"{\"name\":\"" UMLAUT "bcdef\"}", WRONG "/name length | {}"},
		{"{\"name\":\"\\u00fc\\ud83d\\ude00cde\"}", ""},
		{"{\"name\":\"   \"}", WRONG "/name length | {}"},
		{"{\"name\":\" a \"}", ""},
		{"{\"name\":7}", WRONG "/name type | {}"},
		{"{\"name\":[\"ab\"]}", WRONG "/name type | {}"},
		{"{\"name\":\"a\\nb\"}", WRONG "/name characters | {}"},
		{"{\"name\":\"a\\tb\"}", WRONG "/name characters | {}"},
		{"{\"name\":\"ab\\u202e\"}", WRONG "/name characters | {}"},
		{"{\"note\":\"\"}", ""},
		{"{\"note\":\"   \"}", ""},
		{"{\"note\":\"a\\r\\n\\tb\"}", ""},
		{"{\"note\":\"a\\r\\n\\tbc\"}", WRONG "/note length | {}"},
		{"{\"note\":\"\\u001b\"}", WRONG "/note characters | {}"},
		{"{\"long\":\"" A16 A16 A16 A16 "\"}", ""},
		{"{\"word\":\"lead\"}", ""},
		{"{\"word\":\"open\"}", ""},
		{"{\"word\":\"won\"}", ""},
		{"{\"word\":\"lea\"}", WRONG "/word word | {}"},
		{"{\"word\":\"ead\"}", WRONG "/word word | {}"},
		{"{\"word\":\"\"}", WRONG "/word word | {}"},
		{"{\"word\":\"Lead\"}", WRONG "/word word | {}"},
		{"{\"word\":\"lead open\"}", WRONG "/word word | {}"},
		{"{\"word\":\" \"}", WRONG "/word word | {}"},
		{"{\"n\":-2}", ""}, {"{\"n\":3}", ""}, {"{\"n\":-0}", ""},
		{"{\"n\":-3}", WRONG "/n range | {}"},
		{"{\"n\":4}", WRONG "/n range | {}"},
		{"{\"n\":1.0}", WRONG "/n type | {}"},
		{"{\"n\":1e0}", WRONG "/n type | {}"},
		{"{\"n\":\"1\"}", WRONG "/n type | {}"},
		{"{\"n\":true}", WRONG "/n type | {}"},
		{"{\"big\":9223372036854775807}", ""},
		{"{\"big\":-9223372036854775808}", ""},
		{"{\"big\":9007199254740993}", ""},
		{"{\"n\":9223372036854775807}", WRONG "/n range | {}"},
		{"{\"n\":-4294967296}", WRONG "/n range | {}"},
		{"{\"big\":9223372036854775808}", "400 malformed_json"},
		{"{\"big\":-9223372036854775809}", "400 malformed_json"},
		{"{\"flag\":true}", ""}, {"{\"flag\":false}", ""},
		{"{\"flag\":1}", WRONG "/flag type | {}"},
		{"{\"flag\":\"true\"}", WRONG "/flag type | {}"},
		{"{\"id\":\"" UUID "\"}", ""},
		{"{\"id\":\"" UUID "0\"}", WRONG "/id format | {}"},
		{"{\"id\":\"\"}", WRONG "/id format | {}"},
		{"{\"at\":\"2026-01-31T09:30:00Z\"}", ""},
		{"{\"at\":\"2026-02-29T09:30:00Z\"}", WRONG "/at format | {}"},
		{"{\"at\":1}", WRONG "/at type | {}"},
		{"{\"small\":{\"a\": 123 }}", ""},
		{"{\"small\":{\"a\":1234}}", WRONG "/small length | {}"},
		{"{\"small\":[]}", WRONG "/small type | {}"},
		{"{\"free\":{\"x\":[null,1.5,{\"y\":\"z\"}],\"name\":7}}", ""},
		{"{\"free\":\"{}\"}", WRONG "/free type | {}"},
		{"{\"tags\":[]}", ""}, {"{\"tags\":[\"a\",\"" UMLAUT UMLAUT UMLAUT "\"]}", ""},
		{"{\"tags\":[\"a\",\"b\",\"c\"]}", WRONG "/tags count | {}"},
		{"{\"tags\":[\"\",\"bcde\"]}", WRONG "/tags/0 length; /tags/1 length | {}"},
		{"{\"tags\":[\"a\",null]}", WRONG "/tags/1 type | {}"},
		{"{\"tags\":[\"a\",[\"b\"]]}", WRONG "/tags/1 type | {}"},
		{"{\"tags\":\"a\"}", WRONG "/tags type | {}"},
		{"{\"tags\":{}}", WRONG "/tags type | {}"},
		{0}
	};
	/* clang-format on */

	(void)state;
	check(table, examples);
}

static void
nulls_and_needs(void **state)
{
	/* clang-format off */
	static const struct example may[] = {
		{"{\"note\":null,\"word\":null,\"n\":null,\"flag\":null,\"at\":null}", ""},
		{"{\"free\":null,\"tags\":null,\"a/b~\":null}", ""},
		{"{\"name\":null,\"id\":null,\"n\":1}", WRONG "/name required; /id required | {\"n\":1}"},
		{"{\"a/b~\":{\"must\":\"x\",\"must2\":true,\"ids\":null}}", ""},
		{"{\"a/b~\":{\"must\":null,\"must2\":true}}", WRONG "/a~1b~0/must required | {}"},
		{0}
	};
	static const struct example must[] = {
		{"{\"one\":\"x\",\"two\":0}", ""},
		{"{\"one\":\"x\"}", WRONG "/two required | {\"one\":\"x\"}"},
		{"{}", WRONG "/one required; /two required | {}"},
		{"{\"three\":0}", WRONG "/one required; /two required; /three type | {}"},
		{"{\"two\":true}", WRONG "/one required; /two type | {}"},
		{"{\"one\":null,\"two\":10}", WRONG "/one required; /two range | {}"},
		{"{\"two\":99,\"three\":1,\"one\":\"\"}", WRONG "/two range; /three type; /one length | {}"},
		{0}
	};
	/* clang-format on */

	(void)state;
	check(table, may);
	check(needy, must);
}

/* Names are 400 and told all together; they come before any value. */
static void
names(void **state)
{
#define UNKNOWN "400 unknown_member "
	/* clang-format off */
	static const struct example examples[] = {
		{"{\"zip\":1}", UNKNOWN "/zip unknown"},
		{"{\"Name\":\"ab\",\"q\":\"x\",\"f\":\"x\"}", UNKNOWN "/Name unknown; /q unknown; /f unknown"},
		{"{\"\":1,\"~/~1\":2}", UNKNOWN "/ unknown; /~0~1~01 unknown"},
		{"{\"name\":7,\"zip\":null}", UNKNOWN "/zip unknown"},
		{"{\"name\":7,\"a/b~\":{\"n\":1,\"ids\":3},\"word\":1}", UNKNOWN "/a~1b~0/n unknown"},
		{"{\"a/b~\":{\"must\":\"abcd\",\"must2\":false,\"n/m~o\":10},\"n\":1}",
			WRONG "/a~1b~0/must length; /a~1b~0/n~1m~0o range | {\"n\":1}"},
		{"{\"a/b~\":{\"ids\":[\"" UUID "\",\"x\"]},\"flag\":true}",
			WRONG "/a~1b~0/must required; /a~1b~0/must2 required; /a~1b~0/ids/1 format | {\"flag\":true}"},
		{"{\"many\":[{\"must\":\"a\",\"must2\":true},{\"must\":\"b\",\"must2\":false}]}", ""},
		{"{\"many\":[]}", ""},
		{"{\"many\":[{\"must\":\"a\",\"must2\":true},{\"must\":\"b\",\"zip\":1},{\"zap\":1}],\"n\":9}", WRONG "/many count; /n range | {}"},
		{"{\"many\":[{\"must\":\"a\",\"must2\":true},{\"must\":\"b\",\"zip\":1}],\"n\":9}", UNKNOWN "/many/1/zip unknown"},
		{"{\"n\":1,\"many\":[{\"must\":\"a\",\"must2\":1},{\"must2\":true,\"ids\":[\"x\"]}]}",
			WRONG "/many/0/must2 type; /many/1/must required; /many/1/ids/0 format | {\"n\":1}"},
		{"{\"many\":[{\"must\":\"a\",\"must2\":true},7,null]}", WRONG "/many count | {}"},
		{"{\"many\":[7,null]}", WRONG "/many/0 type; /many/1 type | {}"},
		{"{\"many\":{}}", WRONG "/many type | {}"},
		{"{\"note\":\"too long\",\"n\":1,\"name\":\"\",\"tags\":[\"ok\"],\"flag\":2}",
			WRONG "/note length; /name length; /flag type | {\"n\":1,\"tags\":[\"ok\"]}"},
		{0}
	};
	/* clang-format on */

	(void)state;
	check(table, examples);
	comes(table, "{\"note\":\"too long\",\"zip\":1,\"name\":1}");
	assert_string_equal(says(r.fault), UNKNOWN "/zip unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),
	    cmocka_unit_test(nulls_and_needs),
	    cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
