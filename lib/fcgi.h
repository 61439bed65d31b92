/* fcgi.h -- requests in and replies out: FastCGI workers behind nginx, plain CGI from a shell.
 * Only fcgi.c includes fcgiapp.h. */
#ifndef FCGI_H
#define FCGI_H

#include "conf.h"
#include "req.h"

/* A program: serve fills the reply of one request; step, where not NULL, does one piece of
 * waiting work in a process of its own and returns the milliseconds until it wants to be called
 * again; close, where not NULL, ends what belongs to one process (the database). */
struct fcgi {
	const char *name;
	int workers;
	void *self;
	void (*serve)(void *self, struct req *r);
	int (*step)(void *self);
	void (*close)(void *self);
};

/* Serves until SIGTERM or SIGINT and returns the exit status.  Under a server it
 * binds conf->socket (or takes fd 0 when that is a listening socket), becomes
 * conf->user, and keeps the workers and the step process alive: a killed one
 * is replaced within half a second, without limit.  SIGTERM finishes the
 * request in hand.  When GATEWAY_INTERFACE is set it answers that one CGI request instead. */
int fcgi_run(const struct fcgi *program, const struct conf *conf);

/* Says that the request in hand goes on, however long it has taken: its watchdog waits for so many more
 * seconds, or with 0 for as many as at its beginning. */
void fcgi_alive(unsigned seconds);

#endif
