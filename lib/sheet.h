/* sheet.h -- rows to a file for people, row by row, in memory that does not grow with their number.
 *
 * Once something fails (the bytes cannot be delivered, the disk is full, a worksheet has no row left)
 * every further call does nothing, and sheet_close says it: no if is needed between the rows. */
#ifndef SHEET_H
#define SHEET_H

#include <stdbool.h>
#include <stddef.h>

enum sheet_form { SHEET_CSV, SHEET_NDJSON, SHEET_XLSX };

/* What a worksheet may hold: Excel's 2^20 rows and some room for heads. */
#define SHEET_XLSX_MOST 1048000

/* Takes the next bytes of the file; false when they cannot be delivered any more. */
typedef bool sheet_give(void *to, const char *bytes, size_t length);

struct sheet_column {
	const char *name;
	unsigned type; /* PostgreSQL's oid */
};

/* What it points to is borrowed until the sheet is closed or abandoned. */
struct sheet_plan {
	enum sheet_form form;
	const char
	    *title; /* "customers": names the worksheet and the document, 31 letters at most */
	const char *stamp; /* how the file is classified, on its first line; NULL for not at all */
	bool bom; /* CSV: begins with the UTF-8 byte order mark, without which Excel guesses */
	const struct sheet_column *columns;
	size_t n;
	const char
	    *folder; /* ours alone, for what an XLSX is put together from; nothing is left there */
	sheet_give *give;
	void *to;
};

/* Begins the file: its stamp and the names of its columns.  Never NULL. */
struct sheet *sheet_open(const struct sheet_plan *plan);

/* A row in PostgreSQL's text form, a NUL behind each length; NULL is null. */
bool sheet_row(struct sheet *s, const char *const values[], const size_t lengths[]);

/* Gives the rest of the file and frees the sheet.  False if anything ever failed: what was given is
 * then no whole file. */
bool sheet_close(struct sheet *s);

/* Frees the sheet and gives nothing any more.  NULL is none. */
void sheet_abandon(struct sheet *s);

#endif
