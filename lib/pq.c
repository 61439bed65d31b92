/* pq.c -- one libpq connection. */
#include "pq.h"
#include "log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BACKOFF_LEAST 50
#define BACKOFF_MOST  1000 /* all serve again within 2 s of PostgreSQL's return */

long
pq_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* PostgreSQL's notices are not for our log, but one must be heard: the commit is here and not on the standby. */
static void
notice(void *self, const PGresult *result)
{
	struct pq *pq = self;
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (text != NULL && strstr(text, "synchronous replication") != NULL)
		pq->unsure = true;
}

bool
pq_open(struct pq *pq)
{
	char options[256];
	const char *const names[] = {"dbname", "application_name", "options", "client_encoding",
	    "connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
	    "tcp_user_timeout", NULL};
	const char *const values[] = {
	    pq->conninfo, pq->program, options, "UTF8", "3", "15", "5", "3", "5000", NULL};

	if (pq->connection != NULL && PQstatus(pq->connection) == CONNECTION_OK)
		return true;
	pq_close(pq);
	if (pq_ms() < pq->retry_ms)
		return false;
	snprintf(options, sizeof options,
	    "-c statement_timeout=%s -c lock_timeout=2000 -c timezone=UTC -c datestyle=ISO "
	    "-c idle_in_transaction_session_timeout=5000 -c jit=off -c plan_cache_mode=auto",
	    pq->timeout);
	pq->connection = PQconnectdbParams(names, values, 1);
	if (PQstatus(pq->connection) != CONNECTION_OK) {
		log_event("database_unreachable", "wait_ms", log_number(pq->wait_ms), NULL);
		pq_close(pq);
		pq->wait_ms = pq->wait_ms == 0                 ? BACKOFF_LEAST
			      : pq->wait_ms * 2 > BACKOFF_MOST ? BACKOFF_MOST
							       : pq->wait_ms * 2;
		pq->retry_ms = pq_ms() + pq->wait_ms;
		return false;
	}
	pq->wait_ms = 0;
	PQsetNoticeReceiver(pq->connection, notice, pq);
	return true;
}

void
pq_close(struct pq *pq)
{
	while (pq->count > 0)
		free(pq->prepared[--pq->count]);
	PQfinish(pq->connection);
	pq->connection = NULL;
}

static void
cancel(struct pq *pq)
{
	char error[64];
	PGcancel *cancel = PQgetCancel(pq->connection);

	if (cancel != NULL)
		PQcancel(cancel, error, sizeof error);
	PQfreeCancel(cancel);
}

enum waited
pq_wait(struct pq *pq, long deadline, int client)
{
	int unsent;

	for (;;) {
		struct pollfd at[2] = {{.fd = PQsocket(pq->connection), .events = POLLIN},
		    {.fd = client, .events = POLLRDHUP}};
		long left = deadline - pq_ms();

		if ((unsent = PQflush(pq->connection)) < 0)
			return WAIT_LOST;
		if (unsent > 0)
			at[0].events |= POLLOUT;
		else if (!PQisBusy(pq->connection))
			return WAIT_READY;
		if (left <= 0)
			return WAIT_LATE;
		if (poll(at, 2, (int)left) <= 0)
			continue;
		if (at[1].revents != 0) {
			cancel(pq);
			client = -1;
		}
		if (at[0].revents != 0 && !PQconsumeInput(pq->connection))
			return WAIT_LOST;
	}
}

bool
pq_prepared(const struct pq *pq, const char *name)
{
	for (size_t i = 0; i < pq->count; i++)
		if (strcmp(pq->prepared[i], name) == 0)
			return true;
	return false;
}

bool
pq_prepare(struct pq *pq, const char *name, const char *sql)
{
	if (pq->count == PQ_STATEMENTS || !PQsendPrepare(pq->connection, name, sql, 0, NULL))
		return false;
	if ((pq->prepared[pq->count] = strdup(name)) == NULL)
		abort();
	pq->count++;
	return true;
}
