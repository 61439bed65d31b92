/* trip.h -- one call, there and back: a pipeline of one transaction on one connection. */
#ifndef TRIP_H
#define TRIP_H

#include "arg.h"
#include "pq.h"
#include "req.h"

#define TRIP_ARGS 24

/* What came back. */
struct trip {
	PGresult *rows;  /* of the call, once it was good */
	PGresult *error; /* the first one: of the call, or of its commit */
	char *xid;       /* of the transaction, once the server told it; malloc'd */
	char *boot;      /* since when that server has run; malloc'd */
	bool xid_told;   /* it told whether there is one */
	char *
	    remaining; /* how many customers the caller can still see; malloc'd, NULL where nobody counted */
	bool synced; /* the transaction has ended */
	bool late;   /* the server said nothing until the deadline: it may still be at it */
};

/* select * from api.fn("a" => $1, ...), or with refuse the form that cannot leave anything behind. */
char *trip_statement(
    struct arena *mem, const char *fn, const struct arg *args, size_t n, bool refuse);

/* Makes the trip for r on an open connection, until deadline (pq_ms); client as in pq_wait. changes says
 * that its outcome must be known: then the server tells the transaction id before it begins to commit. */
struct trip trip_make(struct pq *pq, struct req *r, bool changes, const char *fn,
    const struct arg *args, size_t n, long deadline, int client);

/* The same in two halves, of any statement: the second waits until the transaction has ended, and
 * what the server does meanwhile costs the caller no time. Of a connection that failed it says so. */
bool trip_ask(struct pq *pq, const char *statement, const struct arg *args, size_t n);
struct trip trip_answer(struct pq *pq, long deadline);

/* Frees what came back. */
void trip_free(struct trip *trip);

#endif
