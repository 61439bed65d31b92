/* log.c -- one JSON line per event on stderr, one write each. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE       4096 /* what a pipe takes in one piece (PIPE_BUF), newline included */
#define VALUE_MOST 1024 /* of one value when quoted, so that a long one leaves room for the rest */

struct line {
	char bytes[LINE];
	size_t length;
};

static const char *name = "holdfast";

/* All of it or nothing; two bytes stay free for the end of the line. */
static bool
put(struct line *to, const char *bytes, size_t length)
{
	if (length > LINE - 2 - to->length)
		return false;
	memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
	return true;
}

/* The code point at *at, and moves behind it; U+FFFD for a byte that is no UTF-8. */
static uint32_t
point(const unsigned char **at)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *s = *at;
	int more = *s < 0x80 ? 0 : (*s & 0xe0) == 0xc0 ? 1 : (*s & 0xf0) == 0xe0 ? 2 : 3;
	uint32_t c = more == 0 ? *s : *s & (0x3fu >> more);

	(*at)++;
	if (more == 3 && (*s & 0xf8) != 0xf0)
		return 0xfffd;
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0xfffd;
	*at = s + 1 + more;
	return c;
}

static size_t
escape(char piece[32], uint32_t c)
{
	if (c == '"' || c == '\\')
		return (size_t)snprintf(piece, 32, "\\%c", (char)c);
	if (c >= 0x20 && c < 0x7f)
		return (size_t)snprintf(piece, 32, "%c", (char)c);
	if (c < 0x10000)
		return (size_t)snprintf(piece, 32, "\\u%04x", c);
	c -= 0x10000;
	return (size_t)snprintf(
	    piece, 32, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
}

/* Cuts what is too long between two characters, never inside an escape. */
static bool
quote(struct line *to, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t end;

	if (text == NULL)
		return put(to, "null", 4);
	if (!put(to, "\"", 1))
		return false;
	end = to->length + VALUE_MOST;
	if (end > LINE - 3)
		end = LINE - 3;
	while (*at != '\0') {
		char piece[32];
		size_t length = escape(piece, point(&at));

		if (to->length + length > end || !put(to, piece, length))
			break;
	}
	return put(to, "\"", 1);
}

/* A pair that has no room at all is left out. */
static void
pair(struct line *to, const char *word, const char *value)
{
	size_t start = to->length;

	if (!((start == 1 || put(to, ",", 1)) && quote(to, word) && put(to, ":", 1) &&
		quote(to, value)))
		to->length = start;
}

static const char *
now(char text[64])
{
	struct timespec time;
	struct tm day;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &time);
	gmtime_r(&time.tv_sec, &day);
	length = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &day);
	snprintf(text + length, 64 - length, ".%06ldZ", time.tv_nsec / 1000);
	return text;
}

void
log_name(const char *program)
{
	name = program;
}

void
log_event(const char *event, ...)
{
	struct line line = {.bytes = "{", .length = 1};
	int error = errno;
	char time[64];
	const char *word;
	va_list pairs;

	pair(&line, "at", now(time));
	pair(&line, "program", name);
	pair(&line, "event", event);
	va_start(pairs, event);
	while ((word = va_arg(pairs, const char *)) != NULL)
		pair(&line, word, va_arg(pairs, const char *));
	va_end(pairs);
	line.bytes[line.length++] = '}';
	line.bytes[line.length++] = '\n';
	while (write(STDERR_FILENO, line.bytes, line.length) < 0 && errno == EINTR)
		;
	errno = error;
}

const char *
log_number(long n)
{
	static char texts[4][24];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof texts[0], "%ld", n);
	return text;
}
