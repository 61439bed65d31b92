/* http_fuzz.c -- libFuzzer on the pure functions of http.h and on cursors; the first byte chooses. */
#include "cursor.h"
#include "http.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *mem;

static void
must(bool what)
{
	if (!what)
		abort();
}

/* What matched can be put together to the path again. */
static void
check_path(const char *path)
{
	static const char *const patterns[] = {
	    "/v1/customers", "/v1/customers/:id", "/v1/a/:b/c/:d/:e/:f", "/:a/:b", "/", ":a"};

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		const char *values[HTTP_SEGMENTS];
		size_t lengths[HTTP_SEGMENTS], n = 0;
		struct buf again = {.mem = mem};

		if (!http_path(patterns[i], path, values, lengths))
			continue;
		buf_text(&again, "");
		for (const char *c = patterns[i]; *c != '\0';) {
			if (*c != ':') {
				buf_char(&again, *c++);
				continue;
			}
			must(lengths[n] > 0 && memchr(values[n], '/', lengths[n]) == NULL);
			buf_bytes(&again, values[n], lengths[n]);
			n++;
			c += strcspn(c, "/");
		}
		must(strcmp(again.bytes, path) == 0);
	}
}

static void
check_decode(const char *text, size_t length)
{
	char *out = http_decode(mem, text, length, false);
	struct buf escaped = {.mem = mem};

	buf_text(&escaped, "");
	for (size_t i = 0; i < length; i++)
		buf_print(&escaped, "%%%02X", (unsigned)(unsigned char)text[i]);
	if (out != NULL)
		must(strlen(out) <= length && http_utf8(out, strlen(out)));
	out = http_decode(mem, escaped.bytes, escaped.length, true);
	must((out != NULL) == (http_utf8(text, length) && memchr(text, '\0', length) == NULL));
	if (out != NULL)
		must(strlen(out) == length && memcmp(out, text, length) == 0);
}

static void
check_query(const char *text)
{
	const char *at = text, *end = text + strlen(text);
	char *name, *value;
	int more;

	do {
		const char *before = at;

		more = http_query(mem, &at, &name, &value);
		must(at >= before && at <= end && (more != 1 || at > before));
		if (more == 1)
			must(*name != '\0' && http_utf8(name, strlen(name)) &&
			     http_utf8(value, strlen(value)));
	} while (more == 1);
	must(more == -1 || at == end);
}

/* A literal of quoted elements and nothing else. */
static size_t
elements(const char *text)
{
	size_t n = 0;

	must(*text++ == '{');
	while (*text != '}') {
		must(n == 0 || *text++ == ',');
		must(*text++ == '"');
		for (; *text != '"'; text++) {
			text += *text == '\\';
			must(*text != '\0');
		}
		text++;
		n++;
	}
	must(text[1] == '\0');
	return n;
}

static void
check_tags(const char *text)
{
	const char *strong = http_tags(mem, text, false), *all = http_tags(mem, text, true);

	must((strong == NULL) == (all == NULL));
	if (all == NULL)
		return;
	must(elements(strong) <= elements(all) && http_utf8(all, strlen(all)));
	must((strcmp(all, "{\"*\"}") == 0) == (text[strspn(text, " \t")] == '*'));
}

/* A real moment is itself again behind the calendar. */
static void
check_time(const char *text)
{
	struct tm t = {0}, settled, again;
	time_t moment;

	must(!http_date(text) ||
	     (strlen(text) == 10 && http_time(arena_print(mem, "%sT00:00:00Z", text))));
	if (!http_time(text))
		return;
	must(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
		 &t.tm_min, &t.tm_sec) == 6);
	t.tm_year -= 1900;
	t.tm_mon--;
	settled = t; /* timegm sets it right */
	moment = timegm(&settled);
	gmtime_r(&moment, &again);
	must(again.tm_year == t.tm_year && again.tm_mon == t.tm_mon && again.tm_mday == t.tm_mday &&
	     again.tm_hour == t.tm_hour && again.tm_min == t.tm_min && again.tm_sec == t.tm_sec);
	must(strlen(text) >= 20 && strlen(text) <= 32 && strpbrk(text, " tz") == NULL);
}

static void
check_base64url(const char *text, size_t length)
{
	size_t n;
	unsigned char *bytes = http_unbase64url(mem, text, length, &n);
	char *out;

	if (bytes != NULL) {
		out = http_base64url(mem, bytes, n);
		must(strlen(out) == length && memcmp(out, text, length) == 0);
	}
	out = http_base64url(mem, text, length);
	bytes = http_unbase64url(mem, out, strlen(out), &n);
	must(bytes != NULL && n == length && memcmp(bytes, text, length) == 0);
}

/* Whatever comes, only the text that was signed for this opens. */
static void
check_cursor(const char *text, size_t length)
{
	static const unsigned char key[CURSOR_KEY] = "nobody has this one";
	char *good = cursor_sign(mem, key, "ada", "[1]"), *twisted;

	must(cursor_open(mem, key, "ada", text) == NULL);
	must(cursor_open(mem, key, text, good) == NULL || strcmp(text, "ada") == 0);
	for (size_t i = 0; i < length && i < strlen(good); i++) {
		twisted = arena_text(mem, good, strlen(good));
		twisted[i] = text[i];
		must((cursor_open(mem, key, "ada", twisted) != NULL) == (text[i] == good[i]));
	}
	if (strlen(text) <= 3056) {
		good = cursor_sign(mem, key, text, text);
		must(strcmp(cursor_open(mem, key, text, good), text) == 0);
		must(cursor_open(mem, key, arena_print(mem, "%s.", text), good) == NULL);
	}
}

static void
check_small(const char *text)
{
	static const char digits[] = "0123456789abcdefABCDEF-";

	must(http_quality(text, "text/html") >= 0 && http_quality(text, "text/html") <= 1000);
	must(!http_uuid(text) || (strlen(text) == 36 && strspn(text, digits) == 36));
	must(strstr(text, "*/*") != NULL || strcasestr(text, "application/") != NULL ||
	     text[strspn(text, " \t,")] == '\0' || http_quality(text, "application/json") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	mem = arena_new();
	/* To the byte and on its own, so that the sanitizer sees a read behind it. */
	if ((text = malloc(size)) == NULL)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 8) {
	case 0:
		check_path(text);
		break;
	case 1:
		check_decode(text, size - 1);
		break;
	case 2:
		check_query(text);
		break;
	case 3:
		check_tags(text);
		break;
	case 4:
		check_time(text);
		break;
	case 5:
		check_base64url(text, size - 1);
		break;
	case 6:
		check_cursor(text, size - 1);
		break;
	case 7:
		check_small(text);
		break;
	}
	free(text);
	arena_free(mem);
	return 0;
}
