/* db_rows.c -- another part of db.h: reading what a call returned. */
#include "db.h"
#include "rows.h"

int
rows_count(const struct rows *rows)
{
	return PQntuples(rows->result);
}

const char *
rows_get(const struct rows *rows, int row, const char *column)
{
	int n = PQfnumber(rows->result, column);

	return n < 0 || row >= PQntuples(rows->result) || PQgetisnull(rows->result, row, n)
		   ? NULL
		   : PQgetvalue(rows->result, row, n);
}
