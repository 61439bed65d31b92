/* fault_sql.c -- the other half of fault.h: what an SQLSTATE means to a client. */
#include "fault.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

/* Where the wrong member stands in what PostgreSQL says. */
enum blame { NOBODY, CHECK, REFERENCE, COLUMN };

/* The first row whose state the SQLSTATE begins with; what is not here is a 500. */
/* clang-format off */
static const struct meaning {
	const char *state;
	int status;
	const char *code;
	enum blame blame;
	int retry_after;
} meanings[] = {
	{"23514", 422, "invalid_value",  .blame = CHECK},
	{"23502", 422, "invalid_value",  .blame = COLUMN},
	{"23503", 422, "invalid_value",  .blame = REFERENCE},
	{"23505", 409, "already_exists", .blame = NOBODY},
	{"22",    422, "invalid_value",  .blame = NOBODY},
	{"42501", 403, "forbidden",      .blame = NOBODY},
	{"40001", 409, "busy",           .retry_after = 1},
	{"40P01", 409, "busy",           .retry_after = 1},
	{"55P03", 409, "busy",           .retry_after = 1},
	{"57014", 503, "timed_out",      .retry_after = 1},
	{"53",    503, "unavailable",    .retry_after = 1},
	{"57P0",  503, "unavailable",    .retry_after = 1},
	{"08",    503, "unavailable",    .retry_after = 1},
	{"25006", 503, "unavailable",    .retry_after = 1},
	{0}
};
/* clang-format on */

static char *
copy(struct req *r, const char *text)
{
	return text == NULL ? NULL : arena_text(r->mem, text, strlen(text));
}

/* PTnnn: our own SQL speaks. */
static void
raised(struct req *r, int status, const char *message, const char *detail, const char *hint)
{
	bool word = message != NULL && *message != '\0' && strlen(message) <= 64 &&
		    strspn(message, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(message);
	const char *code = word ? copy(r, message) : "refused";

	if (!word) /* prose raised as a code is a mistake in sql/, and prose may hold values */
		log_event("sql_code_wrong", "status", log_number(status), "request", r->id, NULL);
	if (hint == NULL || *hint == '\0')
		fail(r, status, code, NULL);
	else
		fail(r, status, code, "%s", hint);
	r->fault->extra = detail == NULL || *detail == '\0' ? NULL : copy(r, detail);
}

/* email_shape is about /email, and what is wrong is the shape. */
static void
blame(struct req *r, const struct meaning *m, const char *constraint, const char *column)
{
	const char *last = constraint == NULL ? NULL : strrchr(constraint, '_');
	int length = last == NULL || last[1] == '\0' ? 0 : (int)(last - constraint);

	if (m->blame == COLUMN && column != NULL)
		fail_at(
		    r, m->status, m->code, arena_print(r->mem, "/%s", column), "required", NULL);
	else if (m->blame == CHECK && length > 0)
		fail_at(r, m->status, m->code, arena_print(r->mem, "/%.*s", length, constraint),
		    copy(r, last + 1), NULL);
	else if (m->blame == REFERENCE && length > 0)
		fail_at(r, m->status, m->code, arena_print(r->mem, "/%.*s", length, constraint),
		    "unknown_reference", NULL);
	else
		fail(r, m->status, m->code, NULL);
}

bool
fail_sql(struct req *r, const char *state, const char *message, const char *detail,
    const char *hint, const char *constraint, const char *column)
{
	const struct meaning *m = meanings;

	if (r->fault != NULL)
		return false;
	if (state == NULL || *state == '\0') /* libpq's own word for a connection that broke */
		state = "08006";
	if (strlen(state) == 5 && strncmp(state, "PT", 2) == 0 && strchr("45", state[2]) != NULL &&
	    strspn(state + 3, "0123456789") == 2) {
		raised(r, atoi(state + 2), message, detail, hint);
		return false;
	}
	while (m->state != NULL && strncmp(m->state, state, strlen(m->state)) != 0)
		m++;
	if (m->state == NULL)
		fail(r, 500, "internal", NULL);
	else
		blame(r, m, constraint, column);
	r->fault->retry_after = m->retry_after;
	/* State and constraint only: messages quote customers' values. */
	if (r->fault->status >= 500)
		log_event(
		    "sql_error", "state", state, "constraint", constraint, "request", r->id, NULL);
	return false;
}
