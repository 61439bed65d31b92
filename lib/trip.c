/* trip.c -- one call, there and back. */
#include "trip.h"

#include <stdlib.h>
#include <string.h>

char *
trip_statement(struct arena *mem, const char *fn, const struct arg *args, size_t n, bool refuse)
{
	struct buf sql = {.mem = mem};

	buf_print(&sql, "select * from api.%s(", fn);
	for (size_t i = 0; i < n; i++)
		buf_print(&sql, "%s\"%s\" => $%zu", i > 0 ? ", " : "", args[i].name, i + 1);
	buf_text(&sql, refuse ? ") f where api.refuse_form(to_jsonb(f))" : ")");
	return sql.bytes;
}

/* What is asked of the transaction behind the call: its id, the server's start, and what app.disclose left. */
#define LEFT                                                                                       \
	"select pg_current_xact_id_if_assigned(), pg_postmaster_start_time(), "                    \
	"nullif(current_setting('app.remaining', true), '')"

/* Everything of a call in one pipeline. The transaction ends at the sync, so what stands before it is one
 * transaction without BEGIN. A change has the server send its transaction id before it commits: who knows the id can ask
 * later whether the commit happened. */
static int
send(struct pq *pq, struct req *r, bool changes, const char *fn, const struct arg *args, size_t n,
    bool *sent)
{
	PGconn *c = pq->connection;
	const char *values[TRIP_ARGS];
	int preparations = 0;

	for (size_t i = 0; i < n; i++)
		values[i] = args[i].value;
	*sent = PQenterPipelineMode(c);
	if (*sent && r->pending == NULL && !pq_prepared(pq, fn)) {
		*sent = pq_prepare(pq, fn, trip_statement(r->mem, fn, args, n, false));
		preparations++;
	}
	if (*sent && !pq_prepared(pq, "left")) {
		*sent = pq_prepare(pq, "left", LEFT);
		preparations++;
	}
	*sent = *sent && (r->pending != NULL
				 ? PQsendQueryParams(c, trip_statement(r->mem, fn, args, n, true),
				       (int)n, NULL, values, NULL, NULL, 0)
				 : PQsendQueryPrepared(c, fn, (int)n, values, NULL, NULL, 0));
	*sent = *sent && PQsendQueryPrepared(c, "left", 0, NULL, NULL, NULL, 0) &&
		(!changes || PQsendFlushRequest(c)) && PQpipelineSync(c);
	return preparations;
}

static char *
copy(const PGresult *result, int column)
{
	char *text;

	if (PQgetisnull(result, 0, column))
		return NULL;
	if ((text = strdup(PQgetvalue(result, 0, column))) == NULL)
		abort();
	return text;
}

/* Takes the n-th result of the trip; returns what is left to clear. */
static PGresult *
take(struct trip *trip, PGresult *result, int n)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_TUPLES_OK && n == 0) {
		trip->rows = result;
		return NULL;
	}
	if (status == PGRES_TUPLES_OK && n == 1) {
		trip->xid_told = true;
		trip->xid = copy(result, 0);
		trip->boot = copy(result, 1);
		trip->remaining = copy(result, 2);
	} else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
		   status != PGRES_PIPELINE_ABORTED && trip->error == NULL) {
		trip->error = result;
		return NULL;
	}
	return result;
}

/* Reads results until the sync or until nothing more can be had. */
static void
receive(struct pq *pq, int preparations, long deadline, int client, struct trip *trip)
{
	PGconn *c = pq->connection;
	bool ended = false; /* PQgetResult gave the NULL that ends a statement */
	enum waited waited;
	int n = -preparations;

	while (!trip->synced && (waited = pq_wait(pq, deadline, client)) == WAIT_READY) {
		PGresult *result = PQgetResult(c);
		if (result == NULL) {
			if (ended || PQstatus(c) == CONNECTION_BAD)
				return;
			ended = true;
			continue;
		}
		ended = false;
		trip->synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		PQclear(trip->synced ? result : take(trip, result, n++));
	}
	trip->late = !trip->synced && waited == WAIT_LATE;
}

struct trip
trip_make(struct pq *pq, struct req *r, bool changes, const char *fn, const struct arg *args,
    size_t n, long deadline, int client)
{
	struct trip made = {0};
	bool sent;
	int preparations = send(pq, r, changes, fn, args, n, &sent);

	if (sent)
		receive(pq, preparations, deadline, client, &made);
	return made;
}

bool
trip_ask(struct pq *pq, const char *statement, const struct arg *args, size_t n)
{
	PGconn *c = pq->connection;
	const char *values[TRIP_ARGS];

	for (size_t i = 0; i < n; i++)
		values[i] = args[i].value;
	return PQenterPipelineMode(c) &&
	       PQsendQueryParams(c, statement, (int)n, NULL, values, NULL, NULL, 0) &&
	       PQpipelineSync(c) && PQflush(c) >= 0;
}

struct trip
trip_answer(struct pq *pq, long deadline)
{
	struct trip made = {0};

	receive(pq, 0, deadline, -1, &made);
	return made;
}

void
trip_free(struct trip *trip)
{
	PQclear(trip->rows);
	PQclear(trip->error);
	free(trip->xid);
	free(trip->boot);
	free(trip->remaining);
	*trip = (struct trip){0};
}
