/* skeleton.h -- what of a page is not text: its tags in their order.  A page that is not made as html.h
 * makes them fails the test: what is escaped, quoted and closed, and what is not. */
#ifndef SKELETON_H
#define SKELETON_H

#include "http.h"
#include "says.h"

#include <string.h>

/* The length of one of the five entities at text, else 0. */
static inline size_t
entity_at(const char *text)
{
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", NULL};

	for (const char *const *one = entities; *one != NULL; one++)
		if (strncmp(text, *one, strlen(*one)) == 0)
			return strlen(*one);
	return 0;
}

/* Text of the page until one of stop; only what html.h may put there. */
static inline const char *
past_text(const char *at, const char *stop)
{
	while (*at != '\0' && strchr(stop, *at) == NULL) {
		unsigned char c = (unsigned char)*at;

		if (c == '&' && entity_at(at) == 0)
			fail_msg("a bare &: %.40s", at);
		if (strchr("<>\"'", c) != NULL || (c < 0x20 && c != '\n') || c == 0x7f)
			fail_msg("a bare %02x: %.40s", c, at);
		if (c == 0xe2 && ((unsigned char)at[1] == 0x80 || (unsigned char)at[1] == 0x81)) {
			unsigned low = (unsigned)((unsigned char)at[1] - 0x80) * 64 +
				       ((unsigned char)at[2] & 0x3f); /* U+2000 + low */
			if ((low >= 0x2a && low <= 0x2e) || (low >= 0x66 && low <= 0x69))
				fail_msg("an override: U+20%02X", low);
		}
		if (c == 0xc2 && (unsigned char)at[1] < 0xa0)
			fail_msg("a control: U+%04X", (unsigned char)at[1]);
		at++;
	}
	return at;
}

/* The tags, with the names of their attributes. */
static inline const char *
skeleton(const char *html)
{
	struct buf to = {.mem = r.mem};
	const char *open[32], *at;
	size_t depth = 0, lengths[32], n;

	assert_true(http_utf8(html, strlen(html)));
	assert_memory_equal(html, "<!DOCTYPE html>\n", 16);
	for (at = html + 16; *(at = past_text(at, "<")) != '\0';) {
		bool close = *++at == '/';

		at += close;
		n = strspn(at, "abcdefghijklmnopqrstuvwxyz123456");
		assert_true(n > 0 && n < 11);
		buf_print(&to, "<%s%.*s", close ? "/" : "", (int)n, at);
		if (close) {
			assert_true(depth > 0);
			depth--;
			if (n != lengths[depth] || strncmp(open[depth], at, n) != 0)
				fail_msg("</%.*s> closes <%.*s>", (int)n, at, (int)lengths[depth],
				    open[depth]);
		} else if (strncmp(at, "meta", n) != 0 && strncmp(at, "br", n) != 0) {
			assert_true(depth < 32);
			open[depth] = at;
			lengths[depth++] = n;
		}
		at += n;
		while (*at == ' ') {
			n = strspn(++at, "abcdefghijklmnopqrstuvwxyz");
			buf_print(&to, " %.*s", (int)n, at);
			assert_true(n > 0 && strncmp(at + n, "=\"", 2) == 0);
			at = past_text(at + n + 2, "\"");
			assert_int_equal(*at++, '"');
		}
		assert_int_equal(*at++, '>');
		buf_char(&to, '>');
	}
	assert_int_equal(depth, 0);
	return to.bytes;
}

#endif
