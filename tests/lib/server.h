/* server.h -- a small program under fcgi_run, and raw FastCGI spoken to it, for the tests of
 * fcgi, cgi and workers. */
#ifndef SERVER_H
#define SERVER_H

#include "fault.h"
#include "fcgi.h"
#include "http.h"
#include "peer.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* ours is in fault.h */

#define BIG 300000

/* Shared with the processes of the server. */
struct counts {
	atomic_int served, stepped, closed; /* several processes count at once */
};

struct server {
	char folder[32];
	char log[64];
	struct conf conf;
	struct fcgi program;
	volatile struct counts *counts;
	pid_t master;
	struct peer peer;
};

static inline long
server_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void
server_sleep(long milliseconds)
{
	const struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* The path says what to do; anything else tells what came in. */
static inline void
server_serve(void *self, struct req *r)
{
	volatile struct counts *counts = ((struct server *)self)->counts;
	const char *path = r->path;

	counts->served++;
	r->status = 200;
	r->type = "text/plain";
	if (strcmp(path, "/fault") == 0)
		fail(r, 404, "not_found", NULL);
	else if (strcmp(path, "/forgotten") == 0)
		r->status = 0;
	else if (strcmp(path, "/204") == 0 || strcmp(path, "/304") == 0)
		r->status = atoi(path + 1);
	else if (strcmp(path, "/header") == 0)
		header_add(r, "X-Test", "yes");
	else if (strcmp(path, "/slow") == 0)
		server_sleep(500);
	else if (strcmp(path, "/die") == 0)
		raise(SIGKILL);
	else if (strcmp(path, "/big") == 0)
		for (int i = 0; i < BIG / 10; i++)
			buf_print(&r->out, "%09d\n", i);
	if (r->out.length == 0)
		buf_print(&r->out,
		    "pid=%d method=%s path=%s query=%s type=%s authorization=%s accept=%s "
		    "if_match=%s "
		    "if_none_match=%s key=%s agent=%s address=%s id=%s large=%d client=%d "
		    "body=%zu:%s",
		    getpid(), http_method_name(r->method), path, r->query, r->content_type,
		    r->authorization, r->accept, r->if_match, r->if_none_match, r->idempotency_key,
		    r->user_agent, r->address, r->id, r->body_too_large, r->client >= 0,
		    r->body_length, r->body);
}

static inline int
server_step(void *self)
{
	((struct server *)self)->counts->stepped++;
	return 20;
}

static inline void
server_close(void *self)
{
	((struct server *)self)->counts->closed++;
}

static inline struct answer
server_get(const struct server *s, const char *path)
{
	const char *params[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", path, NULL};

	return peer_ask(&s->peer, &(struct ask){.params = params});
}

static inline int
server_pid(const struct server *s)
{
	struct answer a = server_get(s, "/");

	return a.status == 200 ? atoi(a.body + strlen("pid=")) : 0;
}

/* Forks a master and waits until it serves. */
static inline void
server_run(struct server *s)
{
	int i;

	if ((s->master = fork()) == 0) {
		if (freopen(s->log, "ae", stderr) == NULL)
			_exit(99);
		_exit(fcgi_run(&s->program, &s->conf));
	}
	for (i = 0; i < 100 && server_pid(s) == 0; i++)
		server_sleep(10);
	assert_true(i < 100);
}

/* Returns the exit status of the master; -1 when a signal ended it. */
static inline int
server_wait(struct server *s)
{
	int status;

	assert_int_equal(waitpid(s->master, &status, 0), s->master);
	s->master = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int
server_stop(struct server *s)
{
	kill(s->master, SIGTERM);
	return server_wait(s);
}

static inline const char *
server_log(const struct server *s)
{
	struct buf text = {.mem = s->peer.mem};
	FILE *file = fopen(s->log, "re");
	int c;

	buf_text(&text, "");
	while (file && (c = getc(file)) != EOF)
		buf_char(&text, (char)c);
	if (file)
		fclose(file);
	return text.bytes;
}

static inline int
server_open(void **state)
{
	struct server *s = calloc(1, sizeof(*s));

	strcpy(s->folder, "/tmp/server-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->peer.path, sizeof(s->peer.path), "%s/socket", s->folder);
	snprintf(s->log, sizeof(s->log), "%s/log", s->folder);
	s->counts = mmap(
	    NULL, sizeof(*s->counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	s->peer.mem = arena_new();
	s->conf.socket = s->peer.path;
	s->program = (struct fcgi){"test", 1, s, server_serve, NULL, server_close};
	*state = s;
	return 0;
}

static inline int
server_shut(void **state)
{
	struct server *s = *state;

	if (s->master > 0)
		assert_int_equal(server_stop(s), 0);
	unlink(s->peer.path);
	unlink(s->log);
	assert_int_equal(rmdir(s->folder), 0);
	munmap((void *)(uintptr_t)s->counts, sizeof(*s->counts));
	arena_free(s->peer.mem);
	free(s);
	return 0;
}

#endif
