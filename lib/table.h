/* table.h -- a CSV file (RFC 4180), row by row, as it comes.  Only table.c includes csv.h, which is libcsv. */
#ifndef TABLE_H
#define TABLE_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLUMNS    200               /* of a row */
#define TABLE_CHARACTERS 10000             /* of a field */
#define TABLE_ROW        ((size_t)1 << 20) /* bytes of a row */

struct table;

/* A row with the number of the line that it begins on.  Each value has a NUL behind its length and lives until the function returns.
 * False: nothing more is wanted. */
typedef bool table_row(
    void *to, long line, const char *const values[], const size_t lengths[], size_t n);

/* Why nothing more can be read. */
enum table_wrong {
	TABLE_GOOD,
	TABLE_QUOTE,  /* a quote stands where none may */
	TABLE_CUT,    /* the file ends within quotes */
	TABLE_FIELD,  /* a field is too long: mostly a quote that never ends */
	TABLE_LONG,   /* a row is */
	TABLE_MANY,   /* it has too many fields */
	TABLE_NUL,    /* a NUL, which no text has */
	TABLE_ENOUGH, /* the row function said so */
};

/* Of the first bytes of a file, in UTF-8: the separator that its first line has most of, ',' ';' or a tab. */
char table_separator(const char *text, size_t length);

struct table *table_new(char separator, table_row *row, void *to);
void table_free(struct table *t);

/* Reads on.  Once something was wrong nothing more is read. */
enum table_wrong table_put(struct table *t, const char *text, size_t length);

/* The end of the file, which is the end of its last row. */
enum table_wrong table_end(struct table *t);

/* The line that is being read, from 1 on, and the one that the row in hand began on. */
long table_line(const struct table *t);
long table_began(const struct table *t);

#endif
