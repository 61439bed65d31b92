/* body_form_test.c -- what a body must be before its table matters: JSON, flat enough, of our media type;
 * and the characters that we store. */
#include "body.h"
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UMLAUT "\xc3\xbc"
#define EIGHT  "[[[[[[[["
#define EIGHT_ "]]]]]]]]"

/* clang-format off */
static const struct param table[] = {
	{"note", IN_BODY, AS_PROSE,  .most = 5},
	{"name", IN_BODY, AS_TEXT,   .most = 5},
	{"word", IN_BODY, AS_TEXT,   .most = 5},
	{"n",    IN_BODY, AS_INT,    .most = 9},
	{"flag", IN_BODY, AS_BOOL,   .says = ""},
	{"free", IN_BODY, AS_OBJECT, .says = ""},
	{0}
};
/* clang-format on */

static const char *
came(enum method method, const char *type, const char *body, size_t length, bool too_large)
{
	r = (struct req){.mem = r.mem, .method = method, .content_type = type};
	r.body = arena_text(r.mem, body, length);
	r.body_length = length;
	r.body_too_large = too_large;
	if (body_bind(&r, table) == NULL)
		return says(r.fault);
	assert_null(r.fault);
	return says(r.pending);
}

static const char *
json(const char *body)
{
	return came(POST, "application/json", body, strlen(body), false);
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
	static const char *const twice[] = {"{\"n\":1,\"n\":1}", "{\"n\":1,\"\\u006e\":2}",
	    "{\"free\":{\"a\":{\"b\":1,\"b\":2}}}", "{\"zip\":1,\"zip\":1}", NULL};

	(void)state;
	for (const char *const *text = bad; *text != NULL; text++)
		assert_string_equal(json(*text), "400 malformed_json");
	assert_string_equal(came(POST, "application/json", "{}\0", 3, false), "400 malformed_json");
	assert_string_equal(
	    came(POST, "application/json", "{\"note\":\"a\0b\"}", 14, false), "400 malformed_json");
	assert_string_equal(
	    came(POST, "application/json", "{\"n\":7\0}", 8, false), "400 malformed_json");
	for (const char *const *text = twice; *text != NULL; text++)
		assert_string_equal(json(*text), "400 duplicate_member");
}

static void
depth(void **state)
{
	/* clang-format off */
	static const char *const examples[][2] = {
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
		{NULL, NULL}
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; examples[i][0] != NULL; i++)
		assert_string_equal(json(examples[i][0]), examples[i][1]);
}

static const char *
sent_as(enum method method, const char *type, const char *body, bool too_large)
{
	return came(method, type, body, strlen(body), too_large);
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
	assert_string_equal(sent_as(PUT, patch, "{}", false), "415 unsupported_media_type");
	assert_string_equal(sent_as(PUT, "application/json", "{}", false), "");
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
	json("{\"name\":\"\\u00fc\\\"\",\"n\":1,\"note\":null}");
	assert_string_equal(body_text(&r, "name"), UMLAUT "\"");
	assert_null(body_text(&r, "n"));
	assert_null(body_text(&r, "note"));
	assert_null(body_text(&r, "word"));
	json("[1]");
	assert_null(body_text(&r, "name"));
	json("");
	assert_null(body_text(&r, "name"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(not_json),
	    cmocka_unit_test(depth),
	    cmocka_unit_test(media),
	    cmocka_unit_test(characters),
	    cmocka_unit_test(one_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
