/* pq.h -- one libpq connection: opening it, and waiting on it without losing the client or the time. */
#ifndef PQ_H
#define PQ_H

#include <libpq-fe.h>
#include <stdbool.h>

#define PQ_STATEMENTS 64

/* How a wait ended. */
enum waited { WAIT_READY, WAIT_LATE, WAIT_LOST };

struct pq {
	const char *conninfo;
	const char *program;
	const char *timeout;           /* statement_timeout of the connection, in ms */
	PGconn *connection;            /* NULL when closed */
	bool unsure;                   /* the server said that a commit did not reach its standby */
	long retry_ms;                 /* when an attempt to connect makes sense again, monotonic */
	long wait_ms;                  /* the present back-off */
	char *prepared[PQ_STATEMENTS]; /* names, of the present connection */
	size_t count;
};

/* Milliseconds of the monotonic clock. */
long pq_ms(void);

/* Opens the connection unless it is open.  After a failure it waits, from 50 ms to 2 s, before it
 * tries again, and says false meanwhile. */
bool pq_open(struct pq *pq);
void pq_close(struct pq *pq);

/* Sends what is buffered and waits until a result can be read without blocking, at most until
 * deadline (pq_ms).  client, unless -1, is the connection of the one who asks: when he hangs up the
 * statement is cancelled once, and the wait goes on for the server's word. */
enum waited pq_wait(struct pq *pq, long deadline, int client);

/* Whether a statement of this name was prepared on the present connection; and queues its preparation,
 * whose result comes before those of what is sent next. */
bool pq_prepared(const struct pq *pq, const char *name);
bool pq_prepare(struct pq *pq, const char *name, const char *sql);

#endif
