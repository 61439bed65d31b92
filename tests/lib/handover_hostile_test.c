/* handover_hostile_test.c -- the handover page of a customer about whom somebody typed what he should not. */
#include "says.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "handover_doc.h"
#include "skeleton.h"

#define SMILE "\xf0\x9f\x98\x80"

/* The document with every text in it replaced, names of custom fields too. */
static json_t *
with(const json_t *v, const char *text)
{
	const char *name;
	json_t *made, *inner;
	size_t i;

	if (json_is_string(v))
		return json_string(text);
	if (json_is_array(v)) {
		made = json_array();
		json_array_foreach (v, i, inner)
			json_array_append_new(made, with(inner, text));
		return made;
	}
	if (!json_is_object(v))
		return json_deep_copy(v);
	made = json_object();
	json_object_foreach ((json_t *)(uintptr_t)v, name, inner)
		json_object_set_new(made, name, with(inner, text));
	if (json_object_get(v, "seats") != NULL)
		json_object_set_new(made, text, json_string(text));
	return made;
}

static const char *
page_with(const char *text)
{
	json_t *from = json_loads(full_document(), JSON_DECODE_INT_AS_REAL, NULL),
	       *doc = with(from, text);
	char *json = json_dumps(doc, 0);
	const char *html;

	assert_non_null(json);
	html = page(json);
	free(json);
	json_decref(doc);
	json_decref(from);
	return html;
}

/* Whatever somebody typed, the page has the tags that it has with an x in its place. */
static void
hostile(void **state)
{
	static const char *const texts[] = {"<script>alert(1)</script>",
	    "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
	    "</title></style></main><h1>", "<!--", "-->", "]]>", "&lt;script&gt;",
	    "&#60;script&#62;", "\xe2\x80\xaegpj.exe\xe2\x80\xac", "\x1b[2J\x07\x7f\xc2\x85",
	    "%s%n%d", "javascript:alert(1)", "{}*{display:none}", "\xef\xbb\xbf<b>", "\xef\xbf\xbf",
	    SMILE "<" SMILE, NULL};
	const char *plain = skeleton(page_with("x"));
	char *longest;

	(void)state;
	for (const char *const *text = texts; *text != NULL; text++)
		assert_string_equal(skeleton(page_with(*text)), plain);
	has(page_with("<b>"), "<h1>&lt;b&gt;</h1>");
	has(page_with("\xe2\x80\xae"), "<h1>\xef\xbf\xbd</h1>");
	longest = arena_get(r.mem, 100001);
	memset(longest, 'w', 100000);
	assert_string_equal(skeleton(page_with(longest)), plain);
}

/* 10,000 characters of notes in 5,000 lines are there to the last. */
static void
long_notes(void **state)
{
	struct buf json = {.mem = r.mem};
	const char *html;
	size_t breaks = 0;

	(void)state;
	buf_text(&json, "{\"customer\":{\"notes\":\"");
	for (int i = 0; i < 4999; i++)
		buf_text(&json, i % 2 ? "<\\n" : "\xc3\xa4\\n");
	buf_text(&json, "z.\"}}");
	html = page(json.bytes);
	skeleton(html);
	has(html, "<br>\nz.</dd>");
	for (const char *at = strstr(html, "<dd>"); (at = strstr(at, "<br>")) != NULL; at++)
		breaks++;
	assert_int_equal(breaks, 4999 + 1); /* and one in the footer */
}

/* Characters from anywhere in Unicode, as every text of the document. */
static void
any_text(void **state)
{
	static const char some[] = "<>&\"'\\/%{};=!- \t\x01\x7f";
	const char *plain = skeleton(page_with("x"));
	unsigned seed = 22;

	(void)state;
	plain = strcpy(malloc(strlen(plain) + 1), plain);
	for (int round = 0; round < 400; round++) {
		struct buf text = {.mem = r.mem};

		for (int i = rand_r(&seed) % 30; i >= 0; i--) {
			unsigned c =
			    (unsigned)rand_r(&seed) % 0x800 + 0x2000; /* where the overrides are */

			if (rand_r(&seed) % 2)
				buf_char(&text, some[(size_t)rand_r(&seed) % (sizeof some - 1)]);
			else if (rand_r(&seed) % 2)
				buf_print(&text, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f),
				    0x80 | (c & 0x3f));
			else
				buf_print(&text, "%c%c", 0xc2 | (c & 0x1d), 0x80 | (c >> 5 & 0x3f));
		}
		assert_string_equal(skeleton(page_with(text.bytes)), plain);
		arena_reset(r.mem);
	}
	free((char *)(uintptr_t)plain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(long_notes),
	    cmocka_unit_test(any_text),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
