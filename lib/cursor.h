/* cursor.h -- where a list goes on: a keyset position, signed for one person, route and filter. */
#ifndef CURSOR_H
#define CURSOR_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>

#define CURSOR_KEY 32

/* Reads a key file of 64 hex digits; logs and returns false when it is anything else.  The
 * sessions program reads its own key with this too. */
bool cursor_key_read(const char *path, unsigned char key[CURSOR_KEY]);

/* position is the text of a JSON array of at most 3056 bytes (a cursor text ends at 4096
 * characters), bound what it holds for: person, route and filter. */
char *cursor_sign(struct arena *mem, const unsigned char key[CURSOR_KEY], const char *bound,
    const char *position);

/* The position of a cursor, or NULL when it was not signed for bound. */
char *cursor_open(
    struct arena *mem, const unsigned char key[CURSOR_KEY], const char *bound, const char *text);

#endif
