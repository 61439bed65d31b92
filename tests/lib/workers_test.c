/* workers_test.c -- processes that die, are told to end, or are replaced, and no request lost. */
#include "server.h"

#include <fcntl.h>

static const char *const slow[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", "/slow", NULL};

static int
count(const char *text, const char *word)
{
	int n = 0;

	while ((text = strstr(text, word)) != NULL) {
		text += strlen(word);
		n++;
	}
	return n;
}

static int
send_slow(struct server *s)
{
	int fd = peer_dial(&s->peer);

	peer_start(&s->peer, fd, slow);
	peer_send(fd, STDIN, "", 0);
	server_sleep(100);
	return fd;
}

static void
replaces_killed(void **state)
{
	struct server *s = *state;
	int i;

	server_run(s);
	for (i = 0; i < 20; i++) {
		int pid = server_pid(s), next;
		long start = server_now();

		assert_true(pid > 0);
		kill(pid, SIGKILL);
		/* It waits in the queue of the socket until there is a worker. */
		while ((next = server_pid(s)) == 0 || next == pid)
			assert_true(server_now() - start < 500);
		assert_true(server_now() - start < 500);
	}
	assert_int_equal(count(server_log(s), "\"event\":\"worker_died\""), 20);
	assert_int_equal(count(server_log(s), "\"signal\":\"9\""), 20);
	assert_int_equal(server_get(s, "/die").status, 0);
	assert_int_equal(server_get(s, "/").status, 200);
}

static int
die_at_once(void *self)
{
	((struct server *)self)->counts->stepped++;
	_exit(7);
}

/* A process that cannot live must not take the machine with it. */
static void
does_not_spin(void **state)
{
	struct server *s = *state;

	s->program.step = die_at_once;
	server_run(s);
	server_sleep(1500);
	assert_in_range(s->counts->stepped, 5, 20);
	assert_non_null(strstr(server_log(s), "\"exit\":\"7\""));
	assert_int_equal(server_get(s, "/").status, 200);
}

static void
steps(void **state)
{
	struct server *s = *state;
	int before;

	s->program.step = server_step;
	server_run(s);
	server_sleep(300);
	assert_in_range(s->counts->stepped, 5, 20);
	assert_int_equal(server_stop(s), 0);
	before = s->counts->stepped;
	assert_int_equal(s->counts->closed, 2);
	server_sleep(100);
	assert_int_equal(s->counts->stepped, before);
}

static void
drains(void **state)
{
	struct server *s = *state;
	int fd;

	server_run(s);
	fd = send_slow(s);
	kill(s->master, SIGTERM);
	assert_int_equal(peer_hear(&s->peer, fd).status, 200);
	assert_int_equal(server_wait(s), 0);
	assert_int_equal(s->counts->closed, 1);
	assert_int_not_equal(access(s->peer.path, F_OK), 0);
	assert_int_equal(count(server_log(s), "worker_died"), 0);
}

/* SIGTERM to one worker while connections never stop coming. */
static void
ends_under_load(void **state)
{
	struct server *s = *state;
	int pid, next, fd;
	long start;

	server_run(s);
	pid = server_pid(s);
	fd = send_slow(s);
	kill(pid, SIGTERM);
	start = server_now();
	next = server_pid(s);
	assert_true(next > 0 && next != pid);
	assert_true(server_now() - start < 1000);
	assert_int_equal(peer_hear(&s->peer, fd).status, 200);
}

static void
rolls(void **state)
{
	struct server *s = *state;
	int old[3] = {0}, known = 0, i, j;
	long start;

	s->conf.workers = 3;
	server_run(s);
	for (i = 0; i < 3000 && known < 3; i++) {
		int pid = server_pid(s);

		for (j = 0; j < known && old[j] != pid; j++)
			;
		if (j == known)
			old[known++] = pid;
	}
	assert_int_equal(known, 3);
	kill(s->master, SIGHUP);
	/* Some worker always takes the next request. */
	for (start = server_now(); server_now() - start < 1000;)
		assert_true(server_pid(s) > 0);
	for (j = 0; j < 3; j++)
		assert_int_not_equal(kill(old[j], 0), 0);
	assert_int_equal(count(server_log(s), "worker_died"), 0);
}

static void
ends_with_master(void **state)
{
	struct server *s = *state;
	int pid, i;

	s->program.step = server_step;
	server_run(s);
	pid = server_pid(s);
	kill(s->master, SIGKILL);
	assert_int_equal(server_wait(s), -1);
	for (i = 0; i < 100 && s->counts->closed < 2; i++)
		server_sleep(10);
	assert_int_equal(s->counts->closed, 2);
	assert_true(pid > 0);
	/* The socket is stale now, and the next one takes its place. */
	assert_int_equal(access(s->peer.path, F_OK), 0);
	server_run(s);
}

static void
takes_over(void **state)
{
	struct server *s = *state;
	struct stat status;
	pid_t first;

	server_run(s);
	assert_int_equal(stat(s->peer.path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	first = s->master;
	server_run(s);
	/* The socket is the second's: the first leaves it alone. */
	server_sleep(100);
	kill(first, SIGTERM);
	assert_int_equal(waitpid(first, NULL, 0), first);
	assert_int_equal(server_get(s, "/").status, 200);
}

static void
takes_stdin(void **state)
{
	struct server *s = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int kept = fcntl(0, F_DUPFD_CLOEXEC, 3);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, s->peer.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	dup2(fd, 0);
	close(fd);
	s->conf.socket = NULL;
	server_run(s);
	dup2(kept, 0);
	close(kept);
	assert_int_equal(server_get(s, "/").status, 200);
	assert_int_equal(server_stop(s), 0);
	/* Not ours to remove. */
	assert_int_equal(access(s->peer.path, F_OK), 0);
}

static void
does_not_start(void **state)
{
	struct server *s = *state;

	fclose(fopen(s->peer.path, "we"));
	assert_int_equal(fcgi_run(&s->program, &s->conf), 111);
	assert_int_equal(access(s->peer.path, F_OK), 0);
	s->conf.socket = NULL;
	assert_int_equal(fcgi_run(&s->program, &s->conf), 111);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(replaces_killed, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(does_not_spin, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(steps, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(drains, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(ends_under_load, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(rolls, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(ends_with_master, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(takes_over, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(takes_stdin, server_open, server_shut),
	    cmocka_unit_test_setup_teardown(does_not_start, server_open, server_shut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
