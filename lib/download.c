/* download.c -- an export's rows from its cursor into a file, part by part.
 *
 * Each part is a transaction of its own (sql/api/exports_file.sql): when its rows are here, they stand in the ledger, committed. While
 * they are written PostgreSQL works on the next ones. */
#include "app.h"
#include "fcgi.h"
#include "mark.h"
#include "rows.h"
#include "sheet.h"

#include <stdlib.h>
#include <string.h>

/* What a row's spelling tells whose file it is by, in the bits of the column _mark. */
enum { MARKS_PHONE = 1, MARKS_EMAIL = 2 };

/* Seconds for putting a spreadsheet together; nginx waits a little longer. */
#define ASSEMBLY 280

struct download {
	struct req *r;
	struct sheet_plan plan;
	struct app *app;
	const char *id;        /* the export */
	const char *statement; /* brings the next part */
	struct sheet *sheet;
	struct buf spelling; /* of one row's values */
	const char **values; /* of one row */
	size_t *lengths;
	int *
	    marks; /* of each column, the bit by which it is spelled for the recipient; 0 for most */
};

static const struct {
	const char *word, *type;
	enum sheet_form form;
} formats[] = {
    {"csv", "text/csv; charset=utf-8; header=present", SHEET_CSV},
    {"ndjson", "application/x-ndjson", SHEET_NDJSON},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", SHEET_XLSX},
};

/* Of the first rows: the columns that go out. */
static void
begin(struct download *d, const PGresult *rows)
{
	struct arena *mem = d->r->mem;
	size_t all = (size_t)PQnfields(rows);
	struct sheet_column *columns = arena_get(mem, all * sizeof *columns);

	while (d->plan.n < all && *PQfname(rows, (int)d->plan.n) != '_') {
		const char *name = PQfname(rows, (int)d->plan.n);
		columns[d->plan.n] = (struct sheet_column){
		    arena_text(mem, name, strlen(name)), PQftype(rows, (int)d->plan.n)};
		d->plan.n++;
	}
	d->plan.columns = columns;
	d->marks = arena_get(mem, d->plan.n * sizeof *d->marks);
	for (size_t i = 0; i < d->plan.n; i++)
		d->marks[i] = strcmp(columns[i].name, "phone") == 0   ? MARKS_PHONE
			      : strcmp(columns[i].name, "email") == 0 ? MARKS_EMAIL
								      : 0;
	d->values = arena_get(mem, d->plan.n * sizeof *d->values);
	d->lengths = arena_get(mem, d->plan.n * sizeof *d->lengths);
	d->spelling.mem = mem;
	d->sheet = sheet_open(&d->plan);
}

/* A value as its recipient gets it spelled. */
static const char *
spelled(struct download *d, const char *value, int mark, int marks)
{
	return mark == MARKS_PHONE   ? mark_phone(&d->spelling, value, (marks & mark) != 0)
	       : mark == MARKS_EMAIL ? mark_email(&d->spelling, value, (marks & mark) != 0)
				     : value;
}

/* Writes the rows of a part. */
static bool
put(struct download *d, const PGresult *rows)
{
	int mark = PQnfields(rows) - 1;
	bool good = true;

	for (int row = 0; row < PQntuples(rows) && good; row++) {
		int marks = atoi(PQgetvalue(rows, row, mark));

		d->spelling.length = 0;
		for (int i = 0; i < mark; i++) {
			const char *text = PQgetvalue(rows, row, i);
			bool null = PQgetisnull(rows, row, i);

			d->values[i] = null ? NULL : spelled(d, text, d->marks[i], marks);
			d->lengths[i] = d->values[i] == text ? (size_t)PQgetlength(rows, row, i)
					: null               ? 0
							     : strlen(d->values[i]);
		}
		good = sheet_row(d->sheet, d->values, d->lengths);
	}
	return good;
}

/* Takes the part that was asked for, and asks for the next one: none behind an empty one. */
static bool
part(struct download *d, bool *more)
{
	const struct arg args[] = {{"session", d->r->sid}, {"request", d->r->id}, {"id", d->id}};
	struct rows *rows = db_answer(d->app->db, d->r);
	PGresult *mine = rows == NULL ? NULL : rows_keep(rows);
	bool good;

	*more = false;
	if (mine == NULL)
		return false;
	if (d->sheet == NULL)
		begin(d, mine);
	*more = PQntuples(mine) > 0;
	good = !*more || db_ask(d->app->db, d->r, d->statement, args, 3);
	good = put(d, mine) && good;
	PQclear(mine);
	fcgi_alive(0);
	return good;
}

/* Takes what was asked for and is not wanted any more, so that the connection is good for the next. */
static void
drop(struct download *d)
{
	d->r->fault = NULL;
	db_answer(d->app->db, d->r);
}

static bool
send(struct req *r, sheet_give *give, void *to)
{
	struct download *d = r->streams;
	const struct arg args[] = {{"session", r->sid}, {"request", r->id}, {"id", d->id}};
	bool whole, more = true;

	fcgi_alive(0);
	d->plan.give = give;
	d->plan.to = to;
	whole = db_ask(d->app->db, r, d->statement, args, 3);
	while (whole && more)
		whole = part(d, &more);
	fcgi_alive(ASSEMBLY);
	if (whole)
		whole = sheet_close(d->sheet);
	else
		sheet_abandon(d->sheet);
	fcgi_alive(0);
	if (r->fault != NULL)
		log_event("download_broken", "request", r->id, "why", r->fault->code, NULL);
	else if (more)
		drop(d);
	r->fault = NULL; /* the head is out: nobody can be told any more but the database */
	fcgi_alive(0);
	if (app_call(d->app, r, CALL_CHANGES, true, "export_done",
		(struct arg[]){{"id", d->id}, {"whole", whole ? "true" : "false"}}, 2) == NULL)
		log_event("download_not_ended", "request", r->id, "why", r->fault->code, NULL);
	r->fault = NULL;
	return whole;
}

static const char *
kept(struct arena *mem, const char *text)
{
	return text == NULL ? NULL : arena_text(mem, text, strlen(text));
}

static struct download *
download(struct app *app, struct req *r, const char *id, const struct rows *rows, size_t format)
{
	struct download *d = arena_get(r->mem, sizeof *d);

	*d = (struct download){.r = r,
	    .app = app,
	    .id = id,
	    .statement = kept(r->mem, rows_get(rows, 0, "statement")),
	    .plan = {.form = formats[format].form,
		.title = kept(r->mem, rows_get(rows, 0, "title")),
		.stamp = kept(r->mem, rows_get(rows, 0, "stamp")),
		.bom = *rows_get(rows, 0, "bom") == 't',
		.folder = app->conf.spool}};
	return d;
}

void
reply_file(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	struct arg args[ARGS_MOST];
	struct rows *rows;
	size_t format = 0;

	memcpy(args, in->args, in->n * sizeof *args);
	args[in->n] = (struct arg){"peek", r->method == HEAD ? "true" : "false"};
	if ((rows = app_call(app, r, CALL_CHANGES, true, to->fn, args, in->n + 1)) == NULL)
		return;
	if (rows_count(rows) == 0) {
		fail(r, 500, "internal", NULL);
		return;
	}
	while (strcmp(formats[format].word, rows_get(rows, 0, "format")) != 0)
		format++;
	r->type = formats[format].type;
	/* Of the id alone: no name that somebody chose is a file's. */
	header_add(r, "Content-Disposition",
	    arena_print(r->mem, "attachment; filename=\"export-%s.%s\"", in->args[0].value,
		formats[format].word));
	header_add(r, "X-Classification", rows_get(rows, 0, "_classification"));
	exposure_header(r);
	r->streams = download(app, r, in->args[0].value, rows, format);
	r->stream = send;
}
