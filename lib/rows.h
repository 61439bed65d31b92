/* rows.h -- what a call returned.  For db.c, which fills it, and render.c, which reads it. */
#ifndef ROWS_H
#define ROWS_H

#include <libpq-fe.h>

struct rows {
	PGresult *result;
};

#endif
