/* forms.h -- a sheet from inside, and what each form of file does with it.  For sheet.c and sheet_*.c. */
#ifndef FORMS_H
#define FORMS_H

#include "arena.h"
#include "sheet.h"

#include <stdint.h>

/* Bytes that are given at once. */
#define SHEET_PIECE ((size_t)32 << 10)

struct sheet {
	struct sheet_plan plan;
	const struct form *form;
	struct arena *mem; /* until the end; holds the sheet itself */
	struct arena *row; /* until the next row */
	struct book *book; /* of an XLSX */
	bool failed;
	size_t rows; /* so far */
	size_t used; /* of piece */
	char piece[SHEET_PIECE];
};

struct form {
	size_t most; /* rows */
	void (*open)(struct sheet *s);
	void (*row)(struct sheet *s, const char *const values[], const size_t lengths[]);
	void (*close)(struct sheet *s); /* what follows the last row; NULL for nothing */
	void (*drop)(struct sheet *s);  /* frees what is in no arena; NULL for nothing */
};

extern const struct form form_csv, form_ndjson, form_xlsx;

/* The next bytes of the file, given when a piece is full. */
void sheet_put(struct sheet *s, const char *bytes, size_t length);

/* Gives what there is of a piece. */
void sheet_flush(struct sheet *s);

/* The text as a workbook may have it, cut to most units of UTF-16; the last one is then an ellipsis. */
const char *sheet_cell(struct arena *mem, const char *text, size_t most);

#endif
