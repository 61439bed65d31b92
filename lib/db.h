/* db.h -- one statement, one transaction and one trip per request. */
#ifndef DB_H
#define DB_H

#include "arg.h"
#include "req.h"

struct db;
struct rows;

/* What a call does, so that db knows how to fail. */
enum call {
	CALL_READS, /* may be cancelled when the client is gone, and repeated */
	CALL_CHANGES, /* its outcome must be known: it is asked for by transaction id when the connection dies */
};

/* A closed connection; it opens at the first call.  timeout_ms limits one statement.  Both texts are borrowed. */
struct db *db_new(const char *conninfo, const char *program, long timeout_ms);
void db_free(struct db *db);

/* Calls select * from api.fn(name => value, …), prepared once per connection. Returns its rows, which
 * live until the next call, or NULL with r->fault set: PostgreSQL's refusal, 503 unavailable when
 * it cannot be reached, 503 outcome_unknown when a change may or may not have happened.  With r->pending
 * set nothing of the call stays, and it ends in that fault unless PostgreSQL has an earlier one. */
struct rows *db_call(
    struct db *db, struct req *r, enum call kind, const char *fn, const struct arg *args, size_t n);

/* A call in two halves: db_ask sends a statement, db_answer waits for its rows as db_call does.
 * What is done in between, PostgreSQL works beside. Made once: the answer to what failed is NULL. */
bool db_ask(struct db *db, struct req *r, const char *statement, const struct arg *args, size_t n);
struct rows *db_answer(struct db *db, struct req *r);

/* The names of the SQL types of a function's arguments as PostgreSQL understands the call, or
 * NULL with what is wrong in *why; both live in mem. */
const char **db_types(struct db *db, struct arena *mem, const char *fn, const struct arg *args,
    size_t n, const char **why);

/* A column of a row as text, NULL when it is null or there is no such row or column. */
const char *rows_get(const struct rows *rows, int row, const char *column);
int rows_count(const struct rows *rows);

#endif
