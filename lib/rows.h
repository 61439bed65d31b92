/* rows.h -- what a call returned.  For db.c, which fills it, and render.c and download.c, which read it. */
#ifndef ROWS_H
#define ROWS_H

#include <libpq-fe.h>

struct rows {
	PGresult *result;
};

/* Takes a result out of the rows that hold it: it lives until PQclear, whatever is called next. */
static inline PGresult *
rows_keep(struct rows *rows)
{
	PGresult *result = rows->result;

	rows->result = NULL;
	return result;
}

#endif
