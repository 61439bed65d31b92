/* buf.h -- text that grows in an arena, and JSON quoting. */
#ifndef BUF_H
#define BUF_H

#include "arena.h"

/* Zero it and set mem; bytes[length] is always NUL once something was put. */
struct buf {
	struct arena *mem;
	char *bytes;
	size_t length;
	size_t room;
};

void buf_bytes(struct buf *to, const char *bytes, size_t length);
void buf_text(struct buf *to, const char *text);
void buf_char(struct buf *to, char c);
void buf_print(struct buf *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text as a JSON string with its quotes; NULL becomes null.  The text must
 * be UTF-8; it is not checked again. */
void buf_json(struct buf *to, const char *text);
void buf_json_bytes(struct buf *to, const char *bytes, size_t length);

#endif
