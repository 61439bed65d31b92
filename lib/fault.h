/* fault.h -- why a request is refused: fail(), the SQLSTATE table, problem+json (RFC 9457). */
#ifndef FAULT_H
#define FAULT_H

#include "req.h"

/* Refuses the request unless it is refused already.  Always returns false, so
 * that a chain can end in it.  code and pointer are borrowed; detail, a
 * format, may be NULL. */
bool fail(struct req *r, int status, const char *code, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));

/* As fail, and names the member; a second call with the same status and code adds its member to
 * the first.  pointer is copied. */
bool fail_at(struct req *r, int status, const char *code, const char *pointer, const char *why,
    const char *detail, ...) __attribute__((format(printf, 6, 7)));

/* As fail_at with 422 invalid_value, but into r->pending: a value that is wrong is told only
 * after PostgreSQL had the chance to say 404, 403, 412 or 409. */
bool fail_later(struct req *r, const char *pointer, const char *why, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));

/* What PostgreSQL said.  state is the SQLSTATE, NULL where libpq lost the
 * connection.  For PTnnn the message is the code, the hint the sentence and the
 * detail a JSON object of further members ("retry_after" in it becomes the
 * header; "errors" in it is shown unless C found errors too).  For a broken
 * check the constraint email_shape becomes pointer /email, code shape.  No other
 * text of PostgreSQL reaches the client. */
bool fail_sql(struct req *r, const char *state, const char *message, const char *detail,
    const char *hint, const char *constraint, const char *column);

/* The usual sentence about a code, or otherwise. */
const char *fault_sentence(const char *code, const char *otherwise);

/* The sentence of a fault, its own or the usual one. */
const char *fault_detail(const struct fault *f);

/* Adds the problem's object to out; instance may be NULL.  f->retry_after may be set by what it holds. */
void fault_problem(struct buf *out, struct fault *f, const char *instance);

/* Renders r->fault into r->status, type, headers and out, replacing what was there. */
void fault_render(struct req *r);

/* Adds Exposure-Remaining where the database said how much that is. */
void exposure_header(struct req *r);

/* Adds a response header; the value is copied and CR, LF and NUL in it become spaces. */
void header_add(struct req *r, const char *name, const char *value);

#endif
