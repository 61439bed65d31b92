/* http_value.c -- the other half of http.h: entity-tags, dates, media ranges, base64url; fuzzed. */
#include "http.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

/* One quoted opaque-tag at **at into out, a NULL out leaves it out; false when it is none. */
static bool
tag(const char **at, struct buf *out)
{
	const char *start = *at + 1;
	const char *end = start;

	if (**at != '"')
		return false;
	while (*end == 0x21 || (*end >= 0x23 && *end != 0x7f) || (unsigned char)*end >= 0x80)
		end++;
	if (*end != '"')
		return false;
	*at = end + 1;
	/* The opaque tag "*" is none of ours and would read as the * that stands for any. */
	if (out == NULL || (end - start == 1 && *start == '*'))
		return true;
	buf_text(out, out->length > 1 ? ",\"" : "\"");
	for (; start < end; start++) {
		if (*start == '\\' || *start == '"')
			buf_char(out, '\\');
		buf_char(out, *start);
	}
	buf_char(out, '"');
	return true;
}

char *
http_tags(struct arena *mem, const char *text, bool weak)
{
	struct buf out = {.mem = mem};
	int count = 0;

	text += strspn(text, " \t");
	if (*text == '*')
		return text[1 + strspn(text + 1, " \t")] == '\0' ? arena_print(mem, "{\"*\"}")
								 : NULL;
	if (!http_utf8(text, strlen(text)))
		return NULL;
	buf_char(&out, '{');
	while (*(text += strspn(text, " \t,")) != '\0') { /* empty elements: RFC 9110, 5.6.1.2 */
		bool left_out = strncmp(text, "W/", 2) == 0 && !weak;

		text += strncmp(text, "W/", 2) == 0 ? 2 : 0;
		if (!tag(&text, left_out ? NULL : &out))
			return NULL;
		text += strspn(text, " \t");
		if (*text != ',' && *text != '\0')
			return NULL;
		count++;
	}
	buf_char(&out, '}');
	return count == 0 ? NULL : out.bytes;
}

/* Exactly count digits, from least to most. */
static bool
field(const char **at, int count, int least, int most, int *n)
{
	for (*n = 0; count > 0; count--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*n = *n * 10 + (**at - '0');
	}
	return *n >= least && *n <= most;
}

static bool
skip(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static int
days(int year, int month)
{
	if (month == 2)
		return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static bool
fraction(const char **at)
{
	size_t digits;

	if (!skip(at, '.'))
		return true;
	digits = strspn(*at, "0123456789");
	*at += digits;
	return digits >= 1 && digits <= 6;
}

/* PostgreSQL takes offsets below 16 hours. */
static bool
zone(const char **at)
{
	int n;

	return skip(at, 'Z') || ((skip(at, '+') || skip(at, '-')) && field(at, 2, 0, 15, &n) &&
				    skip(at, ':') && field(at, 2, 0, 59, &n));
}

static bool
day(const char **at, int first_year)
{
	int year, month, n;

	return field(at, 4, first_year, 9999, &year) && skip(at, '-') &&
	       field(at, 2, 1, 12, &month) && skip(at, '-') &&
	       field(at, 2, 1, days(year, month), &n);
}

bool
http_date(const char *text)
{
	return day(&text, 1900) && *text == '\0';
}

bool
http_time(const char *text)
{
	int n;

	return day(&text, 1) && skip(&text, 'T') && field(&text, 2, 0, 23, &n) &&
	       skip(&text, ':') && field(&text, 2, 0, 59, &n) && skip(&text, ':') &&
	       field(&text, 2, 0, 59, &n) && fraction(&text) && zone(&text) && *text == '\0';
}

/* Where stop stands outside quotes, or end. */
static const char *
until(const char *at, const char *end, char stop)
{
	bool quoted = false;

	for (; at < end && (quoted || *at != stop); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (quoted && *at == '\\' && at + 1 < end)
			at++;
	}
	return at;
}

/* How closely a media range names the type: 3 itself, 2 by its first half, 1 as anything, 0 not. */
static int
closeness(const char *range, size_t length, const char *type)
{
	size_t half = strcspn(type, "/") + 1;

	if (length == strlen(type) && strncasecmp(range, type, length) == 0)
		return 3;
	if (length == half + 1 && range[half] == '*' && strncasecmp(range, type, half) == 0)
		return 2;
	return length == 3 && strncmp(range, "*/*", 3) == 0;
}

/* "0.25" as 250.  Whatever is below a thousandth, or no number, is nought; above 1 it is 1. */
static int
thousandths(const char *at)
{
	int n = *at >= '1' && *at <= '9' ? 1000 : 0;

	at += strspn(at, "0123456789");
	if (*at == '.')
		for (int unit = 100; unit > 0 && *++at >= '0' && *at <= '9'; unit /= 10)
			n += (*at - '0') * unit;
	return n < 1000 ? n : 1000;
}

/* The quality that a range's parameters give it. */
static int
weight(const char *at, const char *end)
{
	while ((at = until(at, end, ';')) < end) {
		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, "q=", 2) == 0)
			return thousandths(at + 2);
	}
	return 1000;
}

/* The closest range decides (RFC 9110, 12.5.1), so JSON can be refused and all else taken. */
int
http_quality(const char *accept, const char *type)
{
	const char *end = accept == NULL ? NULL : accept + strlen(accept);
	int closest = 0, quality = 0;

	if (accept == NULL || accept + strspn(accept, " \t,") == end)
		return 1000;
	while (accept < end) {
		const char *next = until(accept, end, ',');
		const char *range = accept + strspn(accept, " \t");
		int close = closeness(range, strcspn(range, " \t;,"), type);

		if (close > 0 && close >= closest) {
			int given = weight(range, next);
			quality = close > closest || given > quality ? given : quality;
			closest = close;
		}
		accept = next + (next < end);
	}
	return quality;
}

char *
http_base64url(struct arena *mem, const void *bytes, size_t length)
{
	size_t room = sodium_base64_encoded_len(length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);

	return sodium_bin2base64(
	    arena_get(mem, room), room, bytes, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* libsodium refuses leftover bits and padding in this variant, but version 1.0.18 takes each byte
 * from 0x80 up for a letter. */
unsigned char *
http_unbase64url(struct arena *mem, const char *text, size_t text_length, size_t *length)
{
	size_t room = text_length / 4 * 3 + 3;
	unsigned char *bytes = arena_get(mem, room + 1);

	for (size_t i = 0; i < text_length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return NULL;
	if (sodium_base642bin(bytes, room, text, text_length, NULL, length, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return NULL;
	return bytes;
}
