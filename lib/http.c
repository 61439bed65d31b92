/* http.c -- methods, reasons, UTF-8, paths, queries, UUIDs: pure functions, fuzzed. */
#include "http.h"

#include <string.h>

/* clang-format off */
static const char *const methods[] = {
	[GET] = "GET", [HEAD] = "HEAD", [POST] = "POST", [PUT] = "PUT", [PATCH] = "PATCH",
	[DELETE] = "DELETE", [OTHER_METHOD] = NULL
};

/* RFC 9110 and, for 428 and 429, RFC 6585. */
static const struct reason {
	int status;
	const char *text;
} reasons[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{409, "Conflict"},
	{410, "Gone"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{422, "Unprocessable Content"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{0}
};

/* The Unicode standard, table 3-7: first byte, second byte, how many follow the first. */
static const struct lead {
	unsigned char from, to, least, most;
	int more;
} leads[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 1},
	{0xe0, 0xe0, 0xa0, 0xbf, 2},
	{0xe1, 0xec, 0x80, 0xbf, 2},
	{0xed, 0xed, 0x80, 0x9f, 2}, /* no surrogates */
	{0xee, 0xef, 0x80, 0xbf, 2},
	{0xf0, 0xf0, 0x90, 0xbf, 3},
	{0xf1, 0xf3, 0x80, 0xbf, 3},
	{0xf4, 0xf4, 0x80, 0x8f, 3}, /* nothing above U+10FFFF */
	{0}
};
/* clang-format on */

enum method
http_method(const char *name)
{
	int i = 0;

	while (name != NULL && methods[i] != NULL && strcmp(methods[i], name) != 0)
		i++;
	return name == NULL ? OTHER_METHOD : (enum method)i;
}

const char *
http_method_name(enum method method)
{
	return method < OTHER_METHOD ? methods[method] : "OTHER";
}

const char *
http_reason(int status)
{
	const struct reason *one = reasons;

	while (one->status != 0 && one->status != status)
		one++;
	return one->status == 0 ? "" : one->text;
}

bool
http_utf8(const char *bytes, size_t length)
{
	const unsigned char *s = (const unsigned char *)bytes;

	for (size_t i = 0; i < length; i++) {
		const struct lead *lead = leads;

		if (s[i] < 0x80)
			continue;
		while (lead->from != 0 && (s[i] < lead->from || s[i] > lead->to))
			lead++;
		if (lead->from == 0 || length - i <= (size_t)lead->more || s[i + 1] < lead->least ||
		    s[i + 1] > lead->most)
			return false;
		i++;
		for (int more = lead->more; more > 1; more--)
			if ((s[++i] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *
http_decode(struct arena *mem, const char *text, size_t length, bool plus)
{
	char *out = arena_get(mem, length + 1);
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '+' && plus)
			c = ' ';
		if (c == '%') {
			int high = length - i < 3 ? -1 : hex(text[i + 1]);
			int low = high < 0 ? -1 : hex(text[i + 2]);
			if (low < 0)
				return NULL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0')
			return NULL;
		out[used++] = c;
	}
	return http_utf8(out, used) ? out : NULL;
}

/* Literal segments meet raw bytes: /v1/%63ustomers is not /v1/customers, here or in nginx's map. */
bool
http_path(const char *pattern, const char *path, const char *values[], size_t lengths[])
{
	for (int found = 0;;) {
		if (*pattern == ':') {
			size_t length = strcspn(path, "/");

			if (length == 0 || found == HTTP_SEGMENTS)
				return false;
			values[found] = path;
			lengths[found++] = length;
			path += length;
			pattern += strcspn(pattern, "/");
		} else if (*pattern != *path) {
			return false;
		} else if (*pattern == '\0') {
			return true;
		} else {
			pattern++;
			path++;
		}
	}
}

int
http_query(struct arena *mem, const char **at, char **name, char **value)
{
	const char *start = *at + strspn(*at, "&");
	size_t length = strcspn(start, "&");
	size_t split = strcspn(start, "=&");

	*at = start + length;
	if (length == 0)
		return 0;
	*name = http_decode(mem, start, split, true);
	*value = split == length ? arena_text(mem, "", 0)
				 : http_decode(mem, start + split + 1, length - split - 1, true);
	return *name == NULL || **name == '\0' || *value == NULL ? -1 : 1;
}

bool
http_uuid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i = 0;

	while (shape[i] != '\0' && (shape[i] == '-' ? text[i] == '-' : hex(text[i]) >= 0))
		i++;
	return shape[i] == '\0' && text[i] == '\0';
}
