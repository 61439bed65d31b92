/* sheet_xlsx.c -- a sheet as a workbook of Excel, by libxlsxwriter. */
#include "buf.h"
#include "forms.h"
#include "show.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xlsxwriter.h>

/* Units of UTF-16, as Excel counts: in a cell, in a property, and in a head of the printed page, where an
 * ampersand takes two of 255. */
#define CELL_MOST     32767
#define PROPERTY_MOST 255
#define PAGE_MOST     120

/* Excel computes and shows fifteen digits and makes noughts of the others. */
#define DIGITS_MOST 15

/* What must be left on the disk when a workbook is put together: others write there too. */
#define DISK_SPARE ((uint64_t)16 << 20)

/* Bytes of rows in a plain zip, whose parts end at 4 GiB; of a larger kind Excel has its doubts. */
#define PLAIN_MOST ((off_t)3 << 30)

#define WIDTH 28 /* of a column: a time fits */

struct book {
	lxw_workbook *file;
	lxw_worksheet *sheet;
	lxw_format *bold;
	FILE *rows;        /* the library's, of what was written so far */
	struct stat whole; /* of them in the end */
	lxw_row_t at;
	int fd; /* of the whole file; -1 for none */
};

static void
check(struct sheet *s, lxw_error e)
{
	if (e != LXW_NO_ERROR)
		s->failed = true;
}

/* A string is written as one, whatever it begins with: it is no formula and no link. */
static void
put_string(struct sheet *s, lxw_col_t column, const char *text, lxw_format *format)
{
	struct book *b = s->book;

	check(s, worksheet_write_string(
		     b->sheet, b->at, column, sheet_cell(s->row, text, CELL_MOST), format));
}

/* Texts longer than a cell holds (32,767 characters) are cut, and end with an ellipsis. */
static void
put_value(struct sheet *s, lxw_col_t column, const char *text, size_t length)
{
	struct book *b = s->book;
	struct buf shown = {.mem = s->row};
	unsigned type = s->plan.columns[column].type;

	switch (type) {
	case OID_BOOL:
		check(s, worksheet_write_boolean(b->sheet, b->at, column, *text == 't', NULL));
		break;
	case OID_INT8:
	case OID_INT2:
	case OID_INT4:
		if (length - (*text == '-') <= DIGITS_MOST) {
			check(s, worksheet_write_number(
				     b->sheet, b->at, column, strtod(text, NULL), NULL));
			break;
		}
		/* fall through */
	default:
		show_text(&shown, type, text, length);
		put_string(s, column, shown.bytes, NULL);
	}
}

/* The stamp above and below each printed page, where an ampersand is doubled. */
static void
put_page(struct sheet *s)
{
	struct buf page = {.mem = s->row};

	buf_text(&page, "&C");
	for (const char *c = sheet_cell(s->row, s->plan.stamp, PAGE_MOST); *c != '\0'; c++)
		buf_text(&page, *c == '&' ? "&&" : (char[]){*c, '\0'});
	check(s, worksheet_set_header(s->book->sheet, page.bytes));
	check(s, worksheet_set_footer(s->book->sheet, page.bytes));
}

static void
put_heads(struct sheet *s)
{
	struct book *b = s->book;
	lxw_doc_properties properties = {
	    .title = arena_print(s->row, "%s", s->plan.title), .author = "Holdfast"};

	if (s->plan.stamp != NULL) {
		properties.comments =
		    arena_print(s->row, "%s", sheet_cell(s->row, s->plan.stamp, PROPERTY_MOST));
		put_page(s);
		put_string(s, 0, s->plan.stamp, b->bold);
		b->at++;
	}
	check(s, workbook_set_properties(b->file, &properties));
	for (size_t i = 0; i < s->plan.n; i++)
		put_string(s, (lxw_col_t)i, s->plan.columns[i].name, b->bold);
	b->at++;
	worksheet_freeze_panes(b->sheet, b->at, 0);
}

/* A file without a name, so that nobody else opens it and no crash leaves it; or -1. */
static int
nameless(struct arena *mem, const char *folder)
{
	char *path = arena_print(mem, "%s/sheet-XXXXXX", folder);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return fd;
}

/* The library opens what it writes by a name, which a file without one has in /proc. */
static void
xlsx_open(struct sheet *s)
{
	struct book *b = s->book = arena_get(s->mem, sizeof *b);
	lxw_workbook_options options = {
	    .constant_memory = LXW_TRUE,
	    .tmpdir = arena_print(s->mem, "%s", s->plan.folder),
	};

	b->fd = nameless(s->row, s->plan.folder);
	if (b->fd >= 0)
		b->file =
		    workbook_new_opt(arena_print(s->row, "/proc/self/fd/%d", b->fd), &options);
	if (b->file != NULL)
		b->sheet = workbook_add_worksheet(b->file, s->plan.title);
	if (b->sheet != NULL) {
		b->rows = b->sheet->optimize_tmpfile;
		b->bold = workbook_add_format(b->file);
	}
	if (b->bold == NULL || b->rows == NULL || s->plan.n == 0) {
		s->failed = true;
		return;
	}
	format_set_bold(b->bold);
	check(s, worksheet_set_column(b->sheet, 0, (lxw_col_t)(s->plan.n - 1), WIDTH, NULL));
	put_heads(s);
}

static void
xlsx_row(struct sheet *s, const char *const values[], const size_t lengths[])
{
	for (size_t i = 0; i < s->plan.n; i++)
		if (values[i] != NULL)
			put_value(s, (lxw_col_t)i, values[i], lengths[i]);
	s->book->at++;
}

/* Whether all rows are in the library's file of them, and there is room to copy that into a part of the
 * workbook and the workbook: of neither file does the library (1.1.4) ask whether it could be written. */
static bool
rows_whole(struct book *b)
{
	struct statvfs disk;

	lxw_worksheet_write_single_row(b->sheet);
	return fflush(b->rows) == 0 && !ferror(b->rows) && fstat(fileno(b->rows), &b->whole) == 0 &&
	       fstatvfs(fileno(b->rows), &disk) == 0 &&
	       (uint64_t)disk.f_bavail * disk.f_frsize >
		   2 * (uint64_t)b->whole.st_size + DISK_SPARE;
}

/* The workbook into its file.  The library frees itself even when that fails, but closes its rows only
 * where it has copied them: whether it came so far, the descriptor says. */
static bool
assemble(struct book *b)
{
	lxw_workbook *file = b->file;
	int rows = fileno(b->rows);
	struct stat left;

	b->file = NULL;
	file->options.use_zip64 = b->whole.st_size > PLAIN_MOST;
	if (workbook_close(file) == LXW_NO_ERROR)
		return true;
	if (fstat(rows, &left) == 0 && left.st_dev == b->whole.st_dev &&
	    left.st_ino == b->whole.st_ino)
		fclose(b->rows);
	return false;
}

static void
xlsx_close(struct sheet *s)
{
	struct book *b = s->book;
	ssize_t n;

	s->failed = !rows_whole(b) || !assemble(b);
	while (!s->failed && (n = read(b->fd, s->piece, sizeof s->piece)) != 0) {
		if (n < 0)
			s->failed = true;
		else
			s->used = (size_t)n;
		sheet_flush(s);
	}
}

static void
xlsx_drop(struct sheet *s)
{
	struct book *b = s->book;

	if (b->file != NULL) {
		if (b->rows != NULL)
			fclose(b->rows);
		lxw_workbook_free(b->file);
	}
	if (b->fd >= 0)
		close(b->fd);
}

const struct form form_xlsx = {
    .most = SHEET_XLSX_MOST,
    .open = xlsx_open,
    .row = xlsx_row,
    .close = xlsx_close,
    .drop = xlsx_drop,
};
