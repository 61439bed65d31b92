/* fcgi.c -- one FastCGI worker, from accept to reply.  Only this file includes fcgiapp.h. */
#include "fcgi.h"
#include "cgi.h"
#include "listen.h"
#include "log.h"
#include "workers.h"

#include <errno.h>
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request that takes longer than WATCHDOG seconds takes its process with it; nginx answers 502. */
#define WATCHDOG 20
#define STUCK    3 /* exit status */

static volatile sig_atomic_t serving;
static struct req request;
static char stuck[128];

/* Only what a signal handler may do: the line is made ready beforehand, but for the id. */
static void
bark(int number)
{
	char line[sizeof(stuck) + 40];
	size_t length = strlen(stuck);
	const char *id = request.id;

	(void)number;
	/* The alarm of the last request may ring while we wait for the next: it is never
	 * cancelled, that would be a system call for each. */
	if (!serving)
		return;
	memcpy(line, stuck, length);
	memcpy(line + length, id ? id : "", id ? 32 : 0);
	length += id ? 32 : 0;
	memcpy(line + length, "\"}\n", 3);
	if (write(STDERR_FILENO, line, length + 3) < 0)
		_exit(STUCK + 1);
	_exit(STUCK);
}

static bool
take(void *self, char *bytes, int length, bool last)
{
	FCGX_Request *f = self;

	return FCGX_GetStr(bytes, length, f->in) == length &&
	       (!last || FCGX_GetChar(f->in) == EOF) && FCGX_GetError(f->in) == 0;
}

static bool
give(void *self, const char *bytes, int length)
{
	FCGX_Request *f = self;

	return FCGX_PutStr(bytes, length, f->out) == length;
}

static void
serve(const struct fcgi *program, FCGX_Request *f)
{
	const struct timeval patience = {.tv_sec = 10};
	const struct wire wire = {f, take, give, f->ipcFd};
	struct arena *mem = request.mem;
	bool given;

	f->keepConnection = 0; /* whatever nginx says: see conf/server.conf */
	setsockopt(f->ipcFd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(f->ipcFd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	given = cgi_serve(program, &request, f->envp, &wire);
	/* Without the end of the request nginx does not take half an answer for a whole one. */
	if (!given)
		shutdown(f->ipcFd, SHUT_RDWR);
	/* In this order: the end of the request goes out together with the end of the reply. */
	FCGX_FClose(f->err);
	given = FCGX_FClose(f->out) == 0 && given;
	if (!given)
		log_event("reply_lost", "request", request.id, NULL);
	FCGX_Finish_r(f);
	request = (struct req){.mem = mem};
	arena_reset(mem);
}

void
fcgi_alive(unsigned seconds)
{
	if (serving)
		alarm(seconds > 0 ? seconds : WATCHDOG);
}

static bool
open_library(const struct fcgi *program, FCGX_Request *f, int listener)
{
	signal(SIGALRM, bark);
	/* Two seconds each unless told: for a silent peer, and for one that never closes. */
	setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "200", 1);
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "200", 1);
	snprintf(stuck, sizeof(stuck),
	    "{\"program\":\"%.40s\",\"event\":\"request_stuck\",\"request\":\"", program->name);
	return FCGX_Init() == 0 && FCGX_InitRequest(f, listener, FCGI_FAIL_ACCEPT_ON_INTR) == 0;
}

/* Exclusive: a connection wakes one worker.  With ppoll it woke all, and three of four accepts found
 * nothing. */
static int
incoming(int listener)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, listener, &event) == 0 ? fd : -1;
}

static void
work(const struct fcgi *program, int listener, const sigset_t *awake)
{
	struct epoll_event event;
	FCGX_Request f;
	int result, queue = incoming(listener);

	if (queue < 0 || !open_library(program, &f, listener)) {
		log_event("fcgi_failed", NULL);
		exit(1);
	}
	request = (struct req){.mem = arena_new()};
	while (!workers_told()) {
		if (epoll_pwait(queue, &event, 1, -1, awake) < 0)
			continue;
		/* FCGX_Accept_r reads the head too, and would wait for it for ever. */
		alarm(WATCHDOG);
		serving = 1;
		if ((result = FCGX_Accept_r(&f)) == 0)
			serve(program, &f);
		serving = 0;
		if (result < 0 && result != -EAGAIN && result != -EINTR) {
			log_event("accept_failed", "error", strerror(-result), NULL);
			exit(1);
		}
	}
	FCGX_Free(&f, 1);
	arena_free(request.mem);
	if (program->close)
		program->close(program->self);
}

int
fcgi_run(const struct fcgi *program, const struct conf *conf)
{
	log_name(program->name);
	if (getenv("GATEWAY_INTERFACE") && !listen_is(STDIN_FILENO))
		return cgi_run(program);
	return workers_run(program, conf, work);
}
