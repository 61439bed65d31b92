/* db.c -- one statement, one transaction and one trip per request. */
#include "db.h"
#include "fault.h"
#include "log.h"
#include "pq.h"
#include "rows.h"
#include "trip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE 1500 /* ms beyond statement_timeout until we stop believing in an answer */
#define RESOLVE  5000 /* ms to find out what became of a change: a restart takes its time */
#define TRIES    3

struct db {
	struct pq pq;
	long timeout;
	char timeout_text[24];
	struct rows rows;
};

/* How an attempt ended. */
enum outcome { DONE, REFUSED, NOTHING_DONE, UNKNOWN };

struct db *
db_new(const char *conninfo, const char *program, long timeout_ms)
{
	struct db *db = calloc(1, sizeof *db);

	if (db == NULL)
		abort();
	snprintf(db->timeout_text, sizeof db->timeout_text, "%ld", timeout_ms);
	db->timeout = timeout_ms;
	db->pq = (struct pq){.conninfo = conninfo, .program = program, .timeout = db->timeout_text};
	return db;
}

void
db_free(struct db *db)
{
	if (db == NULL)
		return;
	PQclear(db->rows.result);
	pq_close(&db->pq);
	free(db);
}

static bool
fatal(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity == NULL || strcmp(severity, "ERROR") != 0;
}

/* Whether the server runs on this host: then what it sent before it died has reached us. */
static bool
local(const struct db *db)
{
	const char *host = PQhost(db->pq.connection);

	return host != NULL && *host == '/';
}

static enum outcome
judge(const struct db *db, enum call kind, const struct trip *trip)
{
	if (trip->synced && trip->error == NULL && trip->rows != NULL)
		return db->pq.unsure && kind == CALL_CHANGES ? UNKNOWN : DONE;
	if (trip->error != NULL && !fatal(trip->error))
		return REFUSED;
	if (kind == CALL_READS)
		return NOTHING_DONE;
	if (trip->late)
		return UNKNOWN;
	if (trip->error != NULL && trip->rows == NULL)
		return NOTHING_DONE; /* the server gave the call up */
	/* The server tells the transaction id before it begins to commit. */
	return trip->xid != NULL || (!trip->xid_told && !local(db)) ? UNKNOWN : NOTHING_DONE;
}

/* Asks a new connection what became of a transaction: DONE, NOTHING_DONE or UNKNOWN. */
static enum outcome
resolve(struct db *db, struct req *r, const struct trip *trip)
{
	const char *values[] = {r->sid, r->id, trip->xid, trip->boot};
	long deadline = pq_ms() + RESOLVE;
	enum outcome outcome = UNKNOWN;

	while (trip->xid != NULL && r->sid != NULL && outcome == UNKNOWN && pq_ms() < deadline) {
		struct timespec pause = {.tv_nsec = 50 * 1000000};
		PGresult *result = !pq_open(&db->pq) ? NULL
						     : PQexecParams(db->pq.connection,
							   "select api.outcome(session => $1, "
							   "request => $2, xid => $3, boot => $4)",
							   4, NULL, values, NULL, NULL, 0);
		if (result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK)
			outcome = strcmp(PQgetvalue(result, 0, 0), "committed") == 0 ? DONE
				  : strcmp(PQgetvalue(result, 0, 0), "aborted") == 0 ? NOTHING_DONE
										     : UNKNOWN;
		else if (result != NULL)
			pq_close(&db->pq);
		PQclear(result);
		if (outcome == UNKNOWN)
			nanosleep(&pause, NULL);
	}
	log_event("outcome", "request", r->id, "is",
	    outcome == DONE           ? "committed"
	    : outcome == NOTHING_DONE ? "aborted"
				      : "unknown",
	    NULL);
	return outcome;
}

/* Leaves the connection idle for the next request, or closed. */
static void
settle(struct db *db, const struct trip *a)
{
	PGconn *c = db->pq.connection;

	if (c != NULL && (!a->synced || PQstatus(c) != CONNECTION_OK || !PQexitPipelineMode(c) ||
			     PQtransactionStatus(c) != PQTRANS_IDLE))
		pq_close(&db->pq);
}

static bool
state_is(const PGresult *error, const char *const states[])
{
	const char *state = PQresultErrorField(error, PG_DIAG_SQLSTATE);

	for (; state != NULL && *states != NULL; states++)
		if (strcmp(state, *states) == 0)
			return true;
	return false;
}

/* One attempt.  What PostgreSQL refused for a reason that may be gone next time counts as not done. */
static enum outcome
attempt(struct db *db, struct req *r, enum call kind, const char *fn, const struct arg *args,
    size_t n, struct trip *trip)
{
	/* The api was replaced, and our statement or the function that ran meant the old one.  What
	 * PostgreSQL then says, "cache lookup failed", has no SQLSTATE of its own. */
	static const char *const outdated[] = {"0A000", "26000", "XX000", NULL};
	static const char *const collided[] = {"40001", "40P01", NULL};
	enum outcome outcome;

	db->pq.unsure = false;
	*trip = trip_make(&db->pq, r, kind == CALL_CHANGES, fn, args, n,
	    pq_ms() + db->timeout + PATIENCE, kind == CALL_READS ? r->client : -1);
	outcome = judge(db, kind, trip);
	settle(db, trip);
	if (outcome == REFUSED && state_is(trip->error, outdated)) {
		pq_close(&db->pq);
		return NOTHING_DONE;
	}
	if (outcome == REFUSED && state_is(trip->error, collided)) {
		struct timespec pause = {.tv_nsec = (10 + random() % 40) * 1000000};
		nanosleep(&pause, NULL);
		return NOTHING_DONE;
	}
	return outcome == UNKNOWN ? resolve(db, r, trip) : outcome;
}

static bool
refused(struct req *r, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (r->pending != NULL && state != NULL &&
	    (strcmp(state, "PT422") == 0 || strncmp(state, "22", 2) == 0 ||
		strncmp(state, "23", 2) == 0)) {
		r->fault = r->pending;
		return false;
	}
	return fail_sql(r, state == NULL ? "" : state,
	    PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
	    PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL),
	    PQresultErrorField(result, PG_DIAG_MESSAGE_HINT),
	    PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME),
	    PQresultErrorField(result, PG_DIAG_COLUMN_NAME));
}

struct rows *
db_call(
    struct db *db, struct req *r, enum call kind, const char *fn, const struct arg *args, size_t n)
{
	struct trip trip = {0};
	enum outcome outcome = NOTHING_DONE;

	PQclear(db->rows.result);
	db->rows.result = NULL;
	if (n > TRIP_ARGS)
		abort();
	for (int tries = 0; outcome == NOTHING_DONE && tries < TRIES && !trip.late; tries++) {
		trip_free(&trip);
		if (!pq_open(&db->pq))
			break;
		outcome = attempt(db, r, kind, fn, args, n, &trip);
	}
	if (outcome == DONE && trip.remaining != NULL)
		r->exposure = arena_print(r->mem, "%s", trip.remaining);
	if (outcome == DONE) {
		db->rows.result = trip.rows;
		trip.rows = NULL;
	} else if (outcome == UNKNOWN) {
		fail(r, 503, "outcome_unknown",
		    "The change may or may not have been made. Look, or send it again with its "
		    "Idempotency-Key.");
	} else if (trip.error != NULL && !fatal(trip.error)) {
		refused(r, trip.error);
	} else {
		fail_sql(r, "08006", NULL, NULL, NULL, NULL, NULL);
	}
	trip_free(&trip);
	return outcome == DONE ? &db->rows : NULL;
}

bool
db_ask(struct db *db, struct req *r, const char *statement, const struct arg *args, size_t n)
{
	db->pq.unsure = false;
	if (pq_open(&db->pq) && trip_ask(&db->pq, statement, args, n))
		return true;
	pq_close(&db->pq);
	return fail_sql(r, "08006", NULL, NULL, NULL, NULL, NULL);
}

struct rows *
db_answer(struct db *db, struct req *r)
{
	struct trip trip;
	enum outcome outcome;

	PQclear(db->rows.result);
	db->rows.result = NULL;
	if (r->fault != NULL)
		return NULL;
	trip = trip_answer(&db->pq, pq_ms() + db->timeout + PATIENCE);
	/* Rows of which it is not known whether they stand in the ledger are none. */
	outcome = judge(db, CALL_CHANGES, &trip);
	settle(db, &trip);
	if (outcome == DONE)
		db->rows.result = trip.rows, trip.rows = NULL;
	else if (outcome == REFUSED)
		refused(r, trip.error);
	else
		fail_sql(r, "08006", NULL, NULL, NULL, NULL, NULL);
	trip_free(&trip);
	return outcome == DONE ? &db->rows : NULL;
}

const char **
db_types(struct db *db, struct arena *mem, const char *fn, const struct arg *args, size_t n,
    const char **why)
{
	const char **types = arena_get(mem, (n + 1) * sizeof *types);
	PGresult *result;
	bool good;

	*why = "the database cannot be reached";
	if (!pq_open(&db->pq))
		return NULL;
	result = PQprepare(db->pq.connection, "", trip_statement(mem, fn, args, n, false), 0, NULL);
	good = PQresultStatus(result) == PGRES_COMMAND_OK;
	*why = arena_print(mem, "%s", PQresultErrorMessage(result));
	PQclear(result);
	result = good ? PQdescribePrepared(db->pq.connection, "") : NULL;
	for (size_t i = 0; good && i < n; i++) {
		const char *oid = arena_print(mem, "%u", PQparamtype(result, (int)i));
		PGresult *name = PQexecParams(db->pq.connection,
		    "select format_type($1::oid, null)", 1, NULL, &oid, NULL, NULL, 0);
		types[i] =
		    arena_print(mem, "%s", PQntuples(name) == 1 ? PQgetvalue(name, 0, 0) : "?");
		PQclear(name);
	}
	PQclear(result);
	return good ? types : NULL;
}
