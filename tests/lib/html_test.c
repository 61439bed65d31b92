/* html_test.c -- HTML, piece by piece: what comes from outside stays text. */
#include "html.h"
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "skeleton.h"

#define NO     "\xef\xbf\xbd"
#define UMLAUT "\xc3\xbc"
#define SMILE  "\xf0\x9f\x98\x80"

static const char *
text(const char *bytes, size_t length)
{
	struct buf to = {.mem = r.mem};

	html_bytes(&to, bytes, length);
	return to.bytes;
}

static void
escapes(void **state)
{
	/* clang-format off */
	static const char *const examples[][2] = {
		{"", ""}, {"a b", "a b"}, {UMLAUT SMILE, UMLAUT SMILE},
		{"<script>", "&lt;script&gt;"}, {"&lt;", "&amp;lt;"}, {"\"'", "&quot;&#39;"}, {"]]>", "]]&gt;"},
		{"a\tb\nc\rd", "a b c d"}, {"a\x01" "b\x1b[31m\x7f", "a" NO "b" NO "[31m" NO},
		{"\xc2\x80\xc2\x9f\xc2\xa0", NO NO "\xc2\xa0"},
		/* Overrides and isolates; marks without their power over others stay. */
		{"\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae", NO NO NO NO NO},
		{"\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9", NO NO NO NO},
		{"\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa", "\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa"},
		{"\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x8d", "\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x8d"},
		{"\xef\xbf\xbe\xef\xbf\xbf\xef\xb7\x90", NO NO NO},
		/* What is no UTF-8: each byte that begins nothing. */
		{"\xff" "a\x80" "b", NO "a" NO "b"}, {"\xc3<", NO "&lt;"}, {"\xc3", NO}, {"\xe2\x80", NO NO},
		{"\xc0\xbc", NO NO}, {"\xe0\x80\xbc", NO NO NO}, {"\xed\xa0\x80", NO NO NO},
		{"\xf0\x80\x80\xbc", NO NO NO NO}, {"\xf4\x90\x80\x80", NO NO NO NO}, {"\xf0\x9f\x98\"", NO NO NO "&quot;"},
		{NULL, NULL}
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; examples[i][0] != NULL; i++)
		assert_string_equal(text(examples[i][0], strlen(examples[i][0])), examples[i][1]);
	assert_string_equal(text("a\0<", 3), "a" NO "&lt;");
}

/* Bytes from nowhere, many times: text they stay, in text and in an attribute. */
static void
any_bytes(void **state)
{
	static const char some[] = "<>&\"'/=!-\n\r\t \0\x7f\xc2\x80\xe2\x80\xae\x81\xa6\xf0\x9f\x98"
				   "ab;#&lt;";
	unsigned seed = 4;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct buf to = {.mem = r.mem};
		char *bytes;
		size_t length = (size_t)rand_r(&seed) % 40;

		/* To the byte, so that the sanitizer sees a read behind it. */
		bytes = malloc(length + 1);
		assert_non_null(bytes);
		for (size_t i = 0; i < length; i++)
			bytes[i] = rand_r(&seed) % 2
				       ? some[(size_t)rand_r(&seed) % (sizeof some - 1)]
				       : (char)rand_r(&seed);
		bytes[length] = '\0';
		html_begin(&to, bytes, "");
		html_open(&to, "p", "title", bytes, NULL);
		html_bytes(&to, bytes, length);
		html_lines(&to, bytes);
		html_close(&to, "p");
		html_end(&to);
		skeleton(to.bytes);
		free(bytes);
		if (round % 100 == 99)
			arena_reset(r.mem);
	}
}

static void
pieces(void **state)
{
	static const char *const heads[] = {"A<", "#B", NULL};
	struct buf to = {.mem = r.mem};

	(void)state;
	html_lines(&to, "a\nb<\r\nc\rd\n\n\ne\n");
	assert_string_equal(to.bytes, "a<br>\nb&lt;<br>\nc<br>\nd<br>\n<br>\n<br>\ne<br>\n");
	to = (struct buf){.mem = r.mem};
	html_lines(&to, NULL);
	html_text(&to, NULL);
	html_element(&to, "p", NULL);
	assert_int_equal(to.length, 0);
	html_open(&to, "time", "datetime", "\"><b>&", "class", "", NULL);
	html_element(&to, "b", "'");
	assert_string_equal(
	    to.bytes, "<time datetime=\"&quot;&gt;&lt;b&gt;&amp;\" class=\"\"><b>&#39;</b>\n");
	to = (struct buf){.mem = r.mem};
	html_table(&to, heads);
	html_table_end(&to);
	assert_string_equal(to.bytes,
	    "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\" class=\"text\">A&lt;</th>"
	    "<th scope=\"col\" "
	    "class=\"number\">B</th></tr></thead>\n<tbody>\n</tbody></table></div>\n");
}

static void
whole(void **state)
{
	struct buf to = {.mem = r.mem};

	(void)state;
	html_begin(&to, "</title><b>", "p{color:red}");
	html_end(&to);
	assert_string_equal(skeleton(to.bytes),
	    "<html lang><head><meta charset><meta name content><meta name content>"
	    "<title></title><style></style></head><body></body></html>");
	assert_non_null(strstr(to.bytes, "<title>&lt;/title&gt;&lt;b&gt;</title>"));
	/* printf %s 'p{color:red}' | openssl dgst -sha256 -binary | base64 */
	assert_string_equal(html_policy(r.mem, "p{color:red}"),
	    "default-src 'none'; style-src 'sha256-p0bF+un5yUb9MBO6xRb8kPHlY2BdpHVtLiFkDrZPF64='; "
	    "frame-ancestors 'none'; base-uri 'none'; "
	    "form-action 'none'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(escapes),
	    cmocka_unit_test(any_bytes),
	    cmocka_unit_test(pieces),
	    cmocka_unit_test(whole),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
