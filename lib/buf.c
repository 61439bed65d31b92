/* buf.c -- text that grows in an arena, and JSON quoting. */
#include "buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 256

/* Makes room for length more bytes and the NUL. */
static void
reserve(struct buf *to, size_t length)
{
	size_t room = to->room < ROOM_FIRST ? ROOM_FIRST : to->room;
	char *bytes;

	if (length > SIZE_MAX / 4 - to->length)
		abort();
	if (to->bytes != NULL && to->length + length < to->room)
		return;
	while (room <= to->length + length)
		room *= 2;
	bytes = arena_get(to->mem, room);
	if (to->bytes != NULL)
		memcpy(bytes, to->bytes, to->length);
	to->bytes = bytes;
	to->room = room;
}

void
buf_bytes(struct buf *to, const char *bytes, size_t length)
{
	reserve(to, length);
	if (length > 0)
		memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
	to->bytes[to->length] = '\0';
}

void
buf_text(struct buf *to, const char *text)
{
	buf_bytes(to, text, strlen(text));
}

void
buf_char(struct buf *to, char c)
{
	buf_bytes(to, &c, 1);
}

void
buf_print(struct buf *to, const char *format, ...)
{
	va_list args;
	size_t left;
	int length;

	reserve(to, 0);
	left = to->room - to->length;
	va_start(args, format);
	length = vsnprintf(to->bytes + to->length, left, format, args);
	va_end(args);
	if (length < 0)
		abort();
	if ((size_t)length >= left) {
		reserve(to, (size_t)length);
		va_start(args, format);
		vsnprintf(to->bytes + to->length, (size_t)length + 1, format, args);
		va_end(args);
	}
	to->length += (size_t)length;
}

static void
escape(struct buf *to, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char word[] = "\"\\bfnrt";
	const char *at = c == '\0' ? NULL : strchr(from, c);

	if (at == NULL) {
		buf_print(to, "\\u%04x", c);
		return;
	}
	buf_char(to, '\\');
	buf_char(to, word[at - from]);
}

void
buf_json_bytes(struct buf *to, const char *bytes, size_t length)
{
	size_t done = 0;

	if (bytes == NULL) {
		buf_text(to, "null");
		return;
	}
	reserve(to, length + 2);
	buf_char(to, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_bytes(to, bytes + done, i - done);
		escape(to, c);
		done = i + 1;
	}
	buf_bytes(to, bytes + done, length - done);
	buf_char(to, '"');
}

void
buf_json(struct buf *to, const char *text)
{
	buf_json_bytes(to, text, text == NULL ? 0 : strlen(text));
}
