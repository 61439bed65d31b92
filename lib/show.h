/* show.h -- a value of a row, from PostgreSQL's text form to JSON or to a text for people. */
#ifndef SHOW_H
#define SHOW_H

#include "buf.h"

#include <stdbool.h>

/* Types by their oid, which is the same in every PostgreSQL (pg_type.dat). */
enum {
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_JSON = 114,
	OID_TEXTS = 1009,
	OID_TIMESTAMPTZ = 1184,
	OID_UUIDS = 2951,
	OID_JSONB = 3802
};

/* The text, which is not NULL and has a NUL behind its length, is a value of the type. */
void show_json(struct buf *to, unsigned type, const char *text, size_t length);

/* The same for people: true and false, times as JSON has them, the items of an array with "; "
 * between them (nothing for null), all else as it stands. */
void show_text(struct buf *to, unsigned type, const char *text, size_t length);

/* Whether a text of this type is shown to people as it stands. */
bool show_same(unsigned type);

#endif
