/* rows_of.h -- rows as PostgreSQL would send them, for the tests of what is rendered. */
#ifndef ROWS_OF_H
#define ROWS_OF_H

#include "fault.h"
#include "rows.h"
#include "says.h"

#include <stdlib.h>
#include <string.h>

#define TEXT 25 /* the oid of a column that says none */

/* Rows of up to eight columns, "name" or "name:oid" each; a NULL cell is null. */
struct rows_of {
	const char *columns[9];
	const char *cells[4][8];
	int count;
};

static inline struct rows
rows_new(const struct rows_of *of)
{
	struct rows rows = {PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK)};
	PGresAttDesc attributes[8] = {0};
	int n = 0;

	for (; of->columns[n] != NULL; n++) {
		char *name = arena_print(r.mem, "%s", of->columns[n]), *oid = strchr(name, ':');

		if (oid != NULL)
			*oid++ = '\0';
		attributes[n] = (PGresAttDesc){
		    .name = name, .typid = oid == NULL ? TEXT : (Oid)strtoul(oid, NULL, 10)};
	}
	if (!PQsetResultAttrs(rows.result, n, attributes))
		abort();
	for (int row = 0; row < of->count; row++)
		for (int i = 0; i < n; i++) {
			const char *cell = of->cells[row][i];
			char *copy = cell == NULL ? NULL : arena_print(r.mem, "%s", cell);

			if (!PQsetvalue(
				rows.result, row, i, copy, copy == NULL ? -1 : (int)strlen(copy)))
				abort();
		}
	return rows;
}

#endif
