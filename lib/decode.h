/* decode.h -- bytes of a file of people's, in the encoding that they are in, to UTF-8. Only decode.c includes iconv.h. */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>

/* What is looked at at once.  Recognition looks at the first such piece that is not ASCII alone, which is the same in all of
 * them. */
#define DECODE_PIECE ((size_t)256 << 10)

/* Takes the next bytes of UTF-8; false when nothing more is wanted. */
typedef bool decode_give(void *to, const char *bytes, size_t length);

struct decode {
	const char *
	    name; /* "utf-8", "utf-16", "windows-1251", "windows-1252"; NULL while it is not known */
	bool bad; /* set: bytes came that the encoding has not */
	decode_give *give;
	void *to;
	/* decode.c's own. */
	bool begun;
	void *iconv;
	size_t kept; /* of a character that was cut off at the end of a piece */
	char rest[8];
};

/* Begins; the encoding that somebody named, or NULL for one to be recognised. */
void decode_begin(struct decode *d, const char *name);

/* Gives a piece of the file, of at most DECODE_PIECE bytes, on.  False when give said so, or with bad set. */
bool decode_put(struct decode *d, const char *bytes, size_t length);

/* The end: false with bad set where a character is cut off. */
bool decode_end(struct decode *d);

/* Frees what it holds; afterwards it is as after decode_begin. */
void decode_free(struct decode *d);

/* Which encoding a text without a mark is in.  UTF-8 where its sequences are whole, or ten times as many as the bytes that belong to none (the
 * file is broken then, not another one's); else Windows-1251 where most letters beyond ASCII stand next to another, as in Cyrillic
 * words, and Windows-1252 where they stand alone between Latin ones, as accents do. */
const char *decode_guess(const char *bytes, size_t length);

#endif
