/* workers.h -- the master process: binds, drops privileges, forks, replaces, drains. */
#ifndef WORKERS_H
#define WORKERS_H

#include "fcgi.h"

#include <signal.h>

/* The work of one process until workers_told.  TERM, INT, USR1 and HUP are blocked; awake is the
 * mask under which to wait, so that they end the wait and nothing else. */
typedef void workers_work(const struct fcgi *program, int listener, const sigset_t *awake);

/* Keeps the workers, and the step process where there is one, alive until SIGTERM or SIGINT, and
 * returns the exit status: 0, or 111 when it could not start.  SIGHUP replaces the workers one
 * after another. */
int workers_run(const struct fcgi *program, const struct conf *conf, workers_work *work);

/* Whether this process was told to end.  Asks between two requests; one system call. */
bool workers_told(void);

#endif
