/* html.c -- HTML, piece by piece. */
#include "html.h"
#include "body.h"
#include "http.h"

#include <sodium.h>
#include <string.h>

#define NO_CHARACTER "\xef\xbf\xbd"

/* The character at text and its length; 1 and U+0000 for a byte that begins none. */
static size_t
character(const char *text, size_t left, unsigned long *c)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t length = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;

	*c = 0;
	if (length > left || !http_utf8(text, length))
		return 1;
	*c = length == 1 ? *at : *at & (0x7fUL >> length);
	for (size_t i = 1; i < length; i++)
		*c = *c << 6 | (at[i] & 0x3fUL);
	return length;
}

static const char *
entity(unsigned long c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\t':
	case '\n':
	case '\r':
		return " ";
	default:
		return body_character_good(c, false) ? NULL : NO_CHARACTER;
	}
}

void
html_bytes(struct buf *to, const char *bytes, size_t length)
{
	unsigned long c;
	size_t done = 0;

	for (size_t i = 0, n; i < length; i += n) {
		const char *instead;

		n = character(bytes + i, length - i, &c);
		instead = entity(c);
		if (instead == NULL)
			continue;
		buf_bytes(to, bytes + done, i - done);
		buf_text(to, instead);
		done = i + n;
	}
	buf_bytes(to, bytes + done, length - done);
}

void
html_text(struct buf *to, const char *text)
{
	if (text != NULL)
		html_bytes(to, text, strlen(text));
}

void
html_lines(struct buf *to, const char *text)
{
	while (text != NULL) {
		size_t n = strcspn(text, "\r\n");
		const char *rest = text + n;

		html_bytes(to, text, n);
		if (*rest == '\0')
			return;
		buf_text(to, "<br>\n");
		text = rest + (strncmp(rest, "\r\n", 2) == 0 ? 2 : 1);
	}
}

void
html_open(struct buf *to, const char *tag, ...)
{
	va_list pairs;
	const char *name;

	va_start(pairs, tag);
	buf_print(to, "<%s", tag);
	while ((name = va_arg(pairs, const char *)) != NULL) {
		buf_print(to, " %s=\"", name);
		html_text(to, va_arg(pairs, const char *));
		buf_char(to, '"');
	}
	buf_char(to, '>');
	va_end(pairs);
}

void
html_close(struct buf *to, const char *tag)
{
	buf_print(to, "</%s>\n", tag);
}

void
html_element(struct buf *to, const char *tag, const char *text)
{
	if (text == NULL)
		return;
	buf_print(to, "<%s>", tag);
	html_text(to, text);
	html_close(to, tag);
}

void
html_begin(struct buf *to, const char *title, const char *style)
{
	buf_text(to, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<meta name=\"robots\" content=\"noindex\">\n");
	html_element(to, "title", title);
	buf_print(to, "<style>%s</style>\n</head>\n<body>\n", style);
}

void
html_end(struct buf *to)
{
	buf_text(to, "</body>\n</html>\n");
}

const char *
html_policy(struct arena *mem, const char *style)
{
	unsigned char sum[crypto_hash_sha256_BYTES];
	char base64[sodium_base64_ENCODED_LEN(sizeof sum, sodium_base64_VARIANT_ORIGINAL)];

	crypto_hash_sha256(sum, (const unsigned char *)style, strlen(style));
	sodium_bin2base64(base64, sizeof base64, sum, sizeof sum, sodium_base64_VARIANT_ORIGINAL);
	return arena_print(mem,
	    "default-src 'none'; style-src 'sha256-%s'; frame-ancestors 'none'; base-uri 'none'; "
	    "form-action 'none'",
	    base64);
}

void
html_table(struct buf *to, const char *const heads[])
{
	buf_text(to, "<div class=\"wide\"><table>\n<thead><tr>");
	for (; *heads != NULL; heads++) {
		bool number = **heads == '#';

		html_open(to, "th", "scope", "col", "class", number ? "number" : "text", NULL);
		html_text(to, *heads + number);
		buf_text(to, "</th>");
	}
	buf_text(to, "</tr></thead>\n<tbody>\n");
}

void
html_table_end(struct buf *to)
{
	buf_text(to, "</tbody></table></div>\n");
}
