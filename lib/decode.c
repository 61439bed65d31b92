/* decode.c -- bytes of a file of people's, in the encoding that they are in, to UTF-8. */
#include "decode.h"
#include "http.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of UTF-8 that go on at once. */
#define ROOM 16384

/* What iconv calls them; each is a part of glibc. */
static const struct {
	const char *name, *iconv;
} encodings[] = {
    {"utf-8", "UTF-8"},
    {"utf-16", "UTF-16"},
    {"windows-1251", "CP1251"},
    {"windows-1252", "CP1252"},
};

/* The length of the sequence of UTF-8 that begins here (RFC 3629), 0 for none; one that is cut off at the end counts as whole. */
static size_t
sequence(const unsigned char *at, size_t left)
{
	size_t n = at[0] < 0x80                     ? 1
		   : at[0] >= 0xc2 && at[0] <= 0xdf ? 2
		   : at[0] >= 0xe0 && at[0] <= 0xef ? 3
		   : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
						    : 0;

	for (size_t i = 1; i < n && i < left; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if (n > 1 && left > 1 &&
	    ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
		(at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)))
		return 0;
	return n < left ? n : left < n ? left : n;
}

/* Whether a byte is a letter beyond ASCII: in both of the Windows encodings those from C0 on are. */
static bool
letter(unsigned char c)
{
	return c >= 0xc0 && c != 0xd7 && c != 0xf7;
}

static const char *
guess_windows(const unsigned char *bytes, size_t length)
{
	size_t beside = 0, all = 0;

	for (size_t i = 0; i < length; i++) {
		if (!letter(bytes[i]))
			continue;
		all++;
		beside +=
		    (i > 0 && letter(bytes[i - 1])) || (i + 1 < length && letter(bytes[i + 1]));
	}
	return beside * 2 > all ? "windows-1251" : "windows-1252";
}

const char *
decode_guess(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
	size_t whole = 0, odd = 0;

	while (at < end) {
		size_t n = sequence(at, (size_t)(end - at));

		whole += n > 1;
		odd += n == 0;
		at += n > 0 ? n : 1;
	}
	return odd == 0 || whole >= 10 * odd ? "utf-8"
					     : guess_windows((const unsigned char *)bytes, length);
}

void
decode_begin(struct decode *d, const char *name)
{
	d->name = name;
	d->bad = d->begun = false;
	d->iconv = NULL;
	d->kept = 0;
}

void
decode_free(struct decode *d)
{
	if (d->iconv != NULL)
		iconv_close(d->iconv);
	decode_begin(d, d->name);
}

/* What is in front of every text in UTF-8 that Windows writes. */
static bool
marked(const char *bytes, size_t length)
{
	return length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
}

/* The same of UTF-16, in either order. */
static bool
marked_16(const char *bytes, size_t length)
{
	return length >= 2 &&
	       (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0);
}

static void
open_iconv(struct decode *d)
{
	size_t i = 0;

	while (strcmp(encodings[i].name, d->name) != 0)
		i++; /* the name is one of ours: whoever called looked */
	d->iconv = iconv_open("UTF-8", encodings[i].iconv);
	if (d->iconv == (iconv_t)-1)
		abort(); /* no glibc is without it */
}

/* Converts what there is.  What is left at the end of a character that was cut off is kept. */
static bool
convert(struct decode *d, char *from, size_t left)
{
	while (left > 0) {
		char out[ROOM], *to = out;
		size_t room = sizeof out;
		size_t result = iconv(d->iconv, &from, &left, &to, &room);
		int error = result == (size_t)-1 ? errno : 0;

		/* glibc takes UTF-8 beyond Unicode for UTF-8. */
		d->bad = !http_utf8(out, (size_t)(to - out));
		if (d->bad || (to > out && !d->give(d->to, out, (size_t)(to - out))))
			return false;
		if (error == EILSEQ || (error == EINVAL && left > sizeof d->rest)) {
			d->bad = true;
			return false;
		}
		if (error == EINVAL) {
			memcpy(d->rest, from, left);
			d->kept = left;
			return true;
		}
	}
	return true;
}

/* The character that the piece before cut off, together with the bytes that it lacks; moves behind them. */
static bool
join(struct decode *d, const char **bytes, size_t *length)
{
	char whole[sizeof d->rest + 8];

	while (d->kept > 0 && *length > 0) {
		size_t n = d->kept;

		memcpy(whole, d->rest, n);
		whole[n++] = *(*bytes)++;
		--*length;
		d->kept = 0;
		if (!convert(d, whole, n))
			return false;
	}
	return true;
}

static bool
ascii(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)bytes[i] > 0x7f)
			return false;
	return true;
}

bool
decode_put(struct decode *d, const char *bytes, size_t length)
{
	bool first = !d->begun && length > 0;

	d->begun = d->begun || first;
	if (d->name == NULL && !ascii(bytes, length))
		d->name =
		    first && marked_16(bytes, length) ? "utf-16" : decode_guess(bytes, length);
	if (first && marked(bytes, length) && (d->name == NULL || strcmp(d->name, "utf-8") == 0))
		bytes += 3, length -= 3;
	if (d->name == NULL)
		return length == 0 || d->give(d->to, bytes, length);
	if (d->iconv == NULL)
		open_iconv(d);
	if (!join(d, &bytes, &length))
		return false;
	return length == 0 || convert(d, (char *)bytes, length); /* iconv only reads it */
}

bool
decode_end(struct decode *d)
{
	if (d->name == NULL)
		d->name = "utf-8";
	d->bad = d->bad || d->kept > 0;
	return !d->bad;
}
