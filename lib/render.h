/* render.h -- rows to JSON by column type.
 *
 * A column whose name begins with an underscore steers the answer and is not shown:
 *	_status          the HTTP status; 400 and above refuse, as an exception would, but what
 *	                 was recorded stays
 *	_code _detail _problem    of such a refusal: its word, its sentence, further members
 *	_etag _location _classification    the headers ETag, Location, X-Classification
 *	_doc             the answer's JSON as it stands
 *	_only            between spaces (" id name ") the columns that its row shows, NULL for all; the
 *	                 others are absent from the object
 *	_also            of a single row: a JSON object whose members follow those of the columns,
 *	                 whatever was picked; NULL adds none
 *	_next _count     in the last row of a list, whose _tail is true and which is no data
 */
#ifndef RENDER_H
#define RENDER_H

#include "cursor.h"
#include "db.h"
#include "req.h"

/* Renders the first row as the answer, with fields (" id name ", NULL for all) of its columns. */
void render_row(struct req *r, const struct rows *rows, const char *fields);

/* Renders {"data":[…],"next":…}, and "count" where it was counted.  The position of the next page is
 * signed for holds. */
void render_list(struct req *r, const struct rows *rows, const char *fields, const char *holds,
    const unsigned char key[CURSOR_KEY]);

/* Renders what became of the items of a batch: {"results":[…],"done":…,"held":…,"failed":…}, each refused one with its problem.
 * Where they stand and fall together (_atomic) and one fell, the request is refused and its errors name the items.  The row of an
 * item has its _index and one of
 *	_item            its result's JSON; _held says that it waits
 *	_state _message _detail _hint _constraint _column    what PostgreSQL raised (fail_sql)
 *	_pointer _why _said    a member that this names; several are several rows
 * or nothing, where its form was wrong already (r->apart). */
void render_batch(struct req *r, const struct rows *rows);

#endif
