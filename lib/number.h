/* number.h -- decimal numbers by their text: jansson keeps a double, to which 999999999999.9999 and
 * 999999999999.99991 are the same. */
#ifndef NUMBER_H
#define NUMBER_H

#include "arena.h"

#include <jansson.h>

/* Why a text is no JSON number from least to most with at most so many decimal places, be it
 * written as it likes: "type", "range" or "places"; NULL when it is one. least and most lie within 18 digits. */
const char *number_wrong(const char *text, long least, long most, int places);

/* Every number of a JSON text and how it is written there. */
struct numbers {
	struct number {
		const json_t *at;
		const char *text;
	} * all; /* by address, so that each is found quickly in whatever order they are asked for */
	size_t n;
};

/* root is what jansson made of text, which ends in a NUL, with JSON_REJECT_DUPLICATES. */
void numbers_read(struct arena *mem, const char *text, const json_t *root, struct numbers *to);

/* How a number of root is written; NULL for what is none. */
const char *numbers_text(const struct numbers *of, const json_t *number);

#endif
