/* workers.c -- the master process: forks, replaces, drains; and the step process. */
#include "workers.h"
#include "listen.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum milliseconds {
	QUICK = 100, /* two deaths within this: something is wrong with every process */
	PAUSE = 200, /* and then we wait; the promise is a new one within 500 */
	DRAIN = 15000
};

static const int handled[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, 0};

/* The place of one process.  A place outlives its processes. */
struct place {
	pid_t pid;      /* 0: empty */
	bool steps;     /* calls program->step instead of accepting */
	bool stale;     /* to be replaced because of SIGHUP */
	bool asked;     /* was sent SIGTERM by us */
	long long died; /* when the last process here died */
	long long due;  /* when the next one is to start */
};

struct master {
	const struct fcgi *program;
	workers_work *work;
	struct listening listening;
	sigset_t signals; /* what the master waits for */
	sigset_t before;  /* the mask of a process that waits */
	pid_t pid;
	struct place *places;
	long count;
	bool stopping;
	long long deadline; /* of the draining */
};

static volatile sig_atomic_t quit;

static void
quit_soon(int number)
{
	(void)number;
	quit = 1;
}

static long long
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static struct timespec
timespec_of(long long milliseconds)
{
	if (milliseconds < 0)
		milliseconds = 0;
	return (struct timespec){milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
}

static void
handle(void (*handler)(int))
{
	struct sigaction act = {.sa_handler = handler};
	const int *number;

	sigemptyset(&act.sa_mask);
	for (number = handled; *number; number++)
		sigaction(*number, &act, NULL);
}

static sigset_t
handled_set(void)
{
	sigset_t set;
	const int *number;

	sigemptyset(&set);
	for (number = handled; *number; number++)
		sigaddset(&set, *number);
	return set;
}

bool
workers_told(void)
{
	sigset_t pending;
	const int *number;

	/* ppoll delivers no signal as long as there is something to accept. */
	if (quit || sigpending(&pending) != 0)
		return true;
	for (number = handled; *number; number++)
		if (sigismember(&pending, *number))
			return true;
	return false;
}

static void
step(const struct fcgi *program, int listener, const sigset_t *awake)
{
	close(listener);
	while (!workers_told()) {
		struct timespec pause = timespec_of(program->step(program->self));

		ppoll(NULL, 0, &pause, awake);
	}
	if (program->close)
		program->close(program->self);
}

/* The whole life of a new process. */
static void
live(const struct master *m, const struct place *place)
{
	sigset_t signals = handled_set();

	/* Without a master nobody would replace us or tell us to end. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != m->pid)
		_exit(0);
	handle(quit_soon);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &m->before, NULL);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	(place->steps ? step : m->work)(m->program, m->listening.fd, &m->before);
	exit(0);
}

static void
start(const struct master *m, struct place *place)
{
	pid_t pid = fork();

	if (pid == 0)
		live(m, place);
	if (pid < 0) {
		log_event("fork_failed", "error", strerror(errno), NULL);
		place->due = now() + PAUSE;
		return;
	}
	place->pid = pid;
	place->stale = place->asked = false;
}

static void
bury(const struct master *m, pid_t pid, int status)
{
	bool killed = WIFSIGNALED(status);
	struct place *p;

	for (p = m->places; p < m->places + m->count && p->pid != pid; p++)
		;
	if (p == m->places + m->count)
		return;
	if (!p->asked || status != 0)
		log_event("worker_died", "pid", log_number(pid), killed ? "signal" : "exit",
		    log_number(killed ? WTERMSIG(status) : WEXITSTATUS(status)), NULL);
	p->pid = 0;
	p->due = now();
	if (p->due - p->died < QUICK)
		p->due += PAUSE;
	p->died = now();
}

/* Starts what is due and restarts one stale process at a time; returns when to look again. */
static long long
tend(const struct master *m)
{
	long long next = m->stopping ? m->deadline : now() + DRAIN;
	struct place *stale = NULL;
	bool asked = false;
	struct place *p;

	for (p = m->places; p < m->places + m->count && !m->stopping; p++) {
		if (p->pid == 0 && p->due <= now())
			start(m, p);
		if (p->pid == 0 && p->due < next)
			next = p->due;
		if (p->stale && p->pid > 0 && stale == NULL)
			stale = p;
		asked = asked || p->asked;
	}
	if (stale && !asked)
		stale->asked = kill(stale->pid, SIGTERM) == 0;
	return next;
}

static void
heed(struct master *m, int number)
{
	struct place *p;

	if (number == SIGHUP)
		for (p = m->places; p < m->places + m->count; p++)
			p->stale = p->pid > 0;
	if ((number != SIGTERM && number != SIGINT) || m->stopping)
		return;
	m->stopping = true;
	m->deadline = now() + DRAIN;
	for (p = m->places; p < m->places + m->count; p++)
		p->asked = p->pid > 0 && kill(p->pid, SIGTERM) == 0;
}

/* Sends number (0 tries whether it could) to all processes; returns how many there are. */
static int
tell(const struct master *m, int number)
{
	const struct place *p;
	int count = 0;

	for (p = m->places; p < m->places + m->count; p++)
		count += p->pid > 0 && kill(p->pid, number) == 0;
	return count;
}

static void
reign(struct master *m)
{
	while (!m->stopping || tell(m, 0) > 0) {
		struct timespec wait = timespec_of(tend(m) - now());
		int status, number = sigtimedwait(&m->signals, NULL, &wait);
		pid_t pid;

		if (number > 0)
			heed(m, number);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			bury(m, pid, status);
		if (m->stopping && now() >= m->deadline) {
			tell(m, SIGKILL);
			m->deadline = now() + DRAIN;
		}
	}
}

static void
block(struct master *m)
{
	const int *number;

	/* What is ignored, as SIGINT is after sh's &, would never be told to us. */
	handle(SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	m->signals = handled_set();
	sigaddset(&m->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &m->signals, &m->before);
	sigdelset(&m->before, SIGCHLD);
	for (number = handled; *number; number++)
		sigdelset(&m->before, *number);
}

int
workers_run(const struct fcgi *program, const struct conf *conf, workers_work *work)
{
	long workers = conf->workers > 0 ? conf->workers : program->workers;
	struct master m = {.program = program, .work = work, .pid = getpid()};
	int status = 111;
	long i;

	m.count = workers + (program->step != NULL);
	if ((m.places = calloc((size_t)m.count, sizeof(*m.places))) == NULL)
		abort();
	for (i = 0; i < m.count; i++)
		m.places[i] = (struct place){.steps = i == workers, .died = now() - QUICK};
	block(&m);
	if (listen_open(&m.listening, conf) && listen_settle(conf)) {
		log_event("started", "workers", log_number(workers), NULL);
		reign(&m);
		status = 0;
	}
	listen_close(&m.listening);
	free(m.places);
	return status;
}
