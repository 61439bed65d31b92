/* part.h -- rows of a table as the arguments of one call: an array for each column.
 *
 * PostgreSQL turns columns into rows by one unnest, 2,000 rows in a few ms, where rows of JSON cost it ten times that. */
#ifndef PART_H
#define PART_H

#include "buf.h"

#include <stdbool.h>

#define PART_ROWS  1000
#define PART_BYTES ((size_t)1 << 20)

struct part {
	struct arena *mem; /* of this part alone */
	size_t width;      /* columns */
	size_t rows;       /* that have as many fields */
	size_t wrong;      /* that have not */
	size_t bytes;
	struct buf *columns; /* each the text of an array */
	struct buf lines;    /* the same of their lines */
	struct buf
	    odd; /* JSON: [row, column, whether prose may hold it] of values with control characters */
	struct buf others; /* JSON: {"line", "fields"} of the rows with another width */
};

/* Empties it: rows of this many columns come. */
void part_begin(struct part *p, struct arena *mem, size_t width);

void part_add(
    struct part *p, long line, const char *const values[], const size_t lengths[], size_t n);

/* Whether it is time to send it. */
bool part_full(const struct part *p);

/* Ends the texts; columns becomes the text of an array of arrays' texts, NULL without rows. */
const char *part_end(struct part *p);

/* The text of an array of texts. */
const char *part_array(
    struct arena *mem, const char *const values[], const size_t lengths[], size_t n);

#endif
