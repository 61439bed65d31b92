/* body_test.c -- a JSON body against its table: which names, which values, and what goes on. */
#include "body.h"

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
#define EIGHT  "[[[[[[[["
#define EIGHT_ "]]]]]]]]"

static struct req r;

static int
setup(void **state)
{
	(void)state;
	r = (struct req){.mem = arena_new()};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(r.mem);
	return 0;
}

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
	{"long",  IN_BODY, AS_TEXT},
	{"word",  IN_BODY, AS_WORD,   .words = "lead open won"},
	{"n",     IN_BODY, AS_INT,    .least = -2, .most = 3},
	{"big",   IN_BODY, AS_INT,    .least = LONG_MIN, .most = LONG_MAX},
	{"flag",  IN_BODY, AS_BOOL},
	{"id",    IN_BODY, AS_UUID,   .solid = true},
	{"at",    IN_BODY, AS_TIME},
	{"small", IN_BODY, AS_OBJECT, .most = 9},
	{"free",  IN_BODY, AS_OBJECT},
	{"tags",  IN_BODY, AS_TEXT,   .list = true, .items = 2, .least = 1, .most = 3},
	{"a/b~",  IN_BODY, AS_OBJECT, .members = inner},
	{0}
};

static const struct param needy[] = {
	{"one",   IN_BODY, AS_TEXT, .must = true, .least = 1},
	{"two",   IN_BODY, AS_INT,  .must = true, .most = 9},
	{"three", IN_BODY, AS_BOOL},
	{"if-match", IN_HEAD, AS_TAGS, .must = true},
	{0}
};
/* clang-format on */

/* A fault as "422 invalid_value /name length; /n type". */
static const char *
says(const struct fault *f)
{
	struct buf to = {.mem = r.mem};

	if (f == NULL)
		return "";
	buf_print(&to, "%d %s", f->status, f->code);
	for (const struct fault_error *e = f->errors; e != NULL; e = e->next)
		buf_print(
		    &to, "%s %s %s", e == f->errors ? "" : ";", e->pointer, e->code ? e->code : "");
	return to.bytes;
}

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

static void
not_json(void **state)
{
	static const char *const bad[] = {"", " ", "{", "}", "{}}", "{} x", "{}{}", "{\"name\"}",
	    "{\"name\":\"ab\",}", "{'name':1}", "{name:1}", "\xef\xbb\xbf{}", "{\"note\":\"\x01\"}",
	    "{\"note\":\"\n\"}", "{\"note\":\"\\u0000\"}", "{\"\\u0000\":1}",
	    "{\"note\":\"\\ud800\"}", "{\"note\":\"\xed\xa0\x80\"}", "{\"note\":\"\xff\"}",
	    "{\"note\":\"\xc0\x80\"}", "{\"note\":\"\\x41\"}", "{\"note\":\"abc", "{\"note\":\"\\",
	    "{\"free\":{\"a\":1e999}}", "{\"n\":01}", "{\"n\":+1}", "{\"n\":NaN}",
	    "{\"flag\":True}", "{/**/}", "[]", "[{}]", "null", "1", "\"{}\"", "true", NULL};
	static const struct example twice[] = {{"{\"n\":1,\"n\":1}", "400 duplicate_member"},
	    {"{\"n\":1,\"\\u006e\":2}", "400 duplicate_member"},
	    {"{\"free\":{\"a\":{\"b\":1,\"b\":2}}}", "400 duplicate_member"}, {0}};

	(void)state;
	for (const char *const *text = bad; *text != NULL; text++)
		assert_string_equal(comes(table, *text), "400 malformed_json");
	assert_null(bind_bytes(table, "{}\0", 3));
	assert_string_equal(says(r.fault), "400 malformed_json");
	assert_null(bind_bytes(table, "{\"note\":\"a\0b\"}", 14));
	assert_string_equal(says(r.fault), "400 malformed_json");
	check(table, twice);
}

static void
depth(void **state)
{
	/* clang-format off */
	static const struct example examples[] = {
		{"{\"free\":{\"a\":" EIGHT "[[[[[[" "]]]]]]" EIGHT_ "}}", ""},
		{"{\"free\":{\"a\":" EIGHT "[[[[[{}" "]]]]]" EIGHT_ "}}", ""},
		{"{\"free\":{\"a\":" EIGHT "[[[[[[[" "]]]]]]]" EIGHT_ "}}", "400 too_deep"},
		{"{\"free\":{\"a\":" EIGHT "[[[[[[{}" "]]]]]]" EIGHT_ "}}", "400 too_deep"},
		{"{\"free\":{\"a\":[" EIGHT EIGHT_ "," EIGHT EIGHT_ "],\"b\":" EIGHT EIGHT_ "}}", ""},
		{"{\"free\":{\"a\":\"" EIGHT EIGHT "{{{{\"}}", ""},
		{"{\"free\":{\"a\":\"\\\"" EIGHT EIGHT "\\\\\\\"" EIGHT "\"}}", ""},
		{"{\"free\":{\"a\":\"\\\\\",\"b\":" EIGHT EIGHT EIGHT_ EIGHT_ "}}", "400 too_deep"},
		{"{\"free\":{\"" EIGHT EIGHT "\":1}}", ""},
		{EIGHT EIGHT "[", "400 too_deep"},
		{EIGHT EIGHT, "400 malformed_json"},
		{0}
	};
	/* clang-format on */

	(void)state;
	check(table, examples);
}

static const char *
sent_as(enum method method, const char *type, const char *body, bool too_large)
{
	r = (struct req){.mem = r.mem, .method = method, .content_type = type};
	r.body = arena_text(r.mem, body, strlen(body));
	r.body_length = strlen(body);
	r.body_too_large = too_large;
	return body_bind(&r, table) != NULL ? "" : says(r.fault);
}

static void
media(void **state)
{
	static const char *const good[] = {"application/json", "Application/JSON",
	    "application/json;charset=utf-8", "application/json ; charset=utf-8",
	    "application/json\t", NULL};
	static const char *const bad[] = {NULL, "text/plain", "application/jsonx",
	    "application/json+x", "application/jso", " application/json", "application/xml", "*/*",
	    "application/merge-patch+jsonx", "text/plain; application/json"};
	const char *patch = "application/merge-patch+json";

	(void)state;
	for (const char *const *type = good; *type != NULL; type++)
		assert_string_equal(sent_as(POST, *type, "{}", false), "");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_string_equal(
		    sent_as(PATCH, bad[i], "{}", false), "415 unsupported_media_type");
		assert_string_equal(sent_as(POST, bad[i], "", true), "415 unsupported_media_type");
	}
	assert_string_equal(sent_as(PATCH, patch, "{}", false), "");
	assert_string_equal(sent_as(PATCH, "application/json", "{}", false), "");
	assert_string_equal(sent_as(POST, patch, "{}", false), "415 unsupported_media_type");
	assert_string_equal(sent_as(POST, NULL, "", false), "400 malformed_json");
	assert_string_equal(sent_as(POST, "text/plain", "", false), "415 unsupported_media_type");
	assert_string_equal(sent_as(POST, "application/json", "", true), "413 body_too_large");
	assert_string_equal(sent_as(PATCH, patch, "", true), "413 body_too_large");
}

static size_t
encode(unsigned long c, char out[4])
{
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
	size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

	for (size_t i = more; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[more] | c);
	return more + 1;
}

/* Every character there is, behind and before others, against another form of the rule. */
static void
characters(void **state)
{
	(void)state;
	for (unsigned long c = 0; c < 0x110000; c++) {
		char text[6] = "x";
		size_t n;
		long length;
		bool space = c == 9 || c == 10 || c == 13;
		bool control = c < 32 || (c > 126 && c < 160);
		bool bidi = (c - 0x202a) < 5 || (c - 0x2066) < 4;
		bool none = c % 0x10000 > 0xfffd || (c - 0xfdd0) < 32;
		bool good = !control && !bidi && !none;

		if (c - 0xd800 < 0x800)
			continue;
		n = encode(c, text + 1);
		text[n + 1] = 'y';
		if (body_text_good(text, n + 2, false, &length) != good ||
		    body_text_good(text, n + 2, true, &length) != (good || space))
			fail_msg("U+%04lX", c);
		if (good)
			assert_int_equal(length, 3);
	}
}

static void
one_text(void **state)
{
	(void)state;
	bind_bytes(table, "{\"name\":\"\\u00fc\\\"\",\"n\":1,\"note\":null}", 37);
	assert_string_equal(body_text(&r, "name"), UMLAUT "\"");
	assert_null(body_text(&r, "n"));
	assert_null(body_text(&r, "note"));
	assert_null(body_text(&r, "word"));
	bind_bytes(table, "[1]", 3);
	assert_null(body_text(&r, "name"));
	bind_bytes(table, "", 0);
	assert_null(body_text(&r, "name"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),
	    cmocka_unit_test(nulls_and_needs),
	    cmocka_unit_test(names),
	    cmocka_unit_test(not_json),
	    cmocka_unit_test(depth),
	    cmocka_unit_test(media),
	    cmocka_unit_test(characters),
	    cmocka_unit_test(one_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
