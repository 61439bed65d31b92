/* fcgi_test.c -- one request after another, whole and broken, over raw FastCGI and plain CGI. */
#include "server.h"

extern char **environ;

#define LINE "REQUEST_METHOD", "POST", "REQUEST_URI", "/echo?a=1&b=?"

static char large[BODY_MOST + 2];

static struct answer
ask(struct server *s, const char *const *params, const char *body, size_t length)
{
	return peer_ask(&s->peer, &(struct ask){params, body, length});
}

static void
passes_on(void **state)
{
	struct server *s = *state;
	const char *all[] = {LINE, "CONTENT_TYPE", "text/x", "CONTENT_LENGTH", "5",
	    "HTTP_AUTHORIZATION", "Bearer t", "HTTP_ACCEPT", "a/b", "HTTP_IF_MATCH", "\"1\"",
	    "HTTP_IF_NONE_MATCH", "*", "HTTP_IDEMPOTENCY_KEY", "k", "HTTP_USER_AGENT", "u",
	    "REMOTE_ADDR", "::1", "REQUEST_ID", "0123456789abcdef0123456789ABCDEF", "HTTP_PROXY",
	    "http://evil", "HTTP_IF", "no", "HTTP_IF_MATCHES", "no", NULL};
	const char *none[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", "/x", "CONTENT_LENGTH", "",
	    "CONTENT_TYPE", "", "HTTP_AUTHORIZATION", "", "HTTP_IF_MATCH", "", "REQUEST_ID",
	    "short", NULL};
	struct answer a = ask(s, all, "hello", 5);

	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body,
	    "method=POST path=/echo query=a=1&b=? type=text/x authorization=Bearer t accept=a/b "
	    "if_match=\"1\" if_none_match=* key=k agent=u address=::1 "
	    "id=0123456789abcdef0123456789ABCDEF large=0 client=1 body=5:hello"));
	a = ask(s, none, "", 0);
	assert_non_null(strstr(a.body, "path=/x query= type=(null) authorization=(null)"));
	assert_non_null(strstr(a.body, "if_match=(null)"));
	assert_null(strstr(a.body, "id=short"));
	assert_int_equal(strcspn(strstr(a.body, " id=") + 4, " "), 32);
}

/* None of these may reach serve. */
static void
refuses(void **state)
{
	struct server *s = *state;
	const struct {
		const char *params[9];
		const char *body;
	} wrong[] = {
	    {{LINE, "CONTENT_LENGTH", "20"}, "0123456789"},
	    {{LINE, "CONTENT_LENGTH", "5"}, "0123456789"},
	    {{LINE, "CONTENT_LENGTH", "0"}, "0123456789"},
	    {{LINE}, "0123456789"},
	    {{LINE, "CONTENT_LENGTH", "+5"}, "01234"},
	    {{LINE, "CONTENT_LENGTH", "-5"}, "01234"},
	    {{LINE, "CONTENT_LENGTH", " 5"}, "01234"},
	    {{LINE, "CONTENT_LENGTH", "5 "}, "01234"},
	    {{LINE, "CONTENT_LENGTH", "0x5"}, "01234"},
	    {{LINE, "CONTENT_LENGTH", "5", "CONTENT_LENGTH", "5"}, "01234"},
	    {{LINE, "HTTP_AUTHORIZATION", "a", "HTTP_AUTHORIZATION", "b"}, ""},
	    {{LINE, "HTTP_IF_MATCH", "a", "HTTP_IF_MATCH", "a"}, ""},
	    {{LINE, "HTTP_IDEMPOTENCY_KEY", "a", "HTTP_IDEMPOTENCY_KEY", "b"}, ""},
	    {{LINE, "REQUEST_URI", "/other"}, ""},
	    {{"REQUEST_METHOD", "GET"}, ""},
	    {{"REQUEST_METHOD", "GET", "REQUEST_URI", "*"}, ""},
	    {{"REQUEST_METHOD", "GET", "REQUEST_URI", "http://x/"}, ""},
	};
	int served = s->counts->served, bad = 0;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct answer a = ask(s, wrong[i].params, wrong[i].body, strlen(wrong[i].body));

		if (a.status != 400 || strstr(a.body, "malformed_request") == NULL) {
			print_error("row %zu: %d %s\n", i, a.status, a.head);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
	assert_int_equal(s->counts->served, served);
}

static void
bodies(void **state)
{
	struct server *s = *state;
	const char *whole[] = {LINE, "CONTENT_LENGTH", "65536", NULL};
	const char *over[] = {LINE, "CONTENT_LENGTH", "65537", NULL};
	const char *huge[] = {LINE, "CONTENT_LENGTH", "18446744073709551621", NULL};
	const char *cut[] = {LINE, "CONTENT_LENGTH", "20", NULL};
	struct answer a = ask(s, whole, large, BODY_MOST);
	int fd, served;

	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "large=0 client=1 body=65536:bbbb"));
	a = ask(s, over, large, BODY_MOST + 1);
	assert_non_null(strstr(a.body, "large=1 client=1 body=0:"));
	a = ask(s, huge, "hello", 5);
	assert_non_null(strstr(a.body, "large=1 client=1 body=0:"));
	/* The connection breaks in the body. */
	served = s->counts->served;
	fd = peer_dial(&s->peer);
	peer_start(&s->peer, fd, cut);
	peer_send(fd, STDIN, "0123456789", 10);
	shutdown(fd, SHUT_WR);
	assert_int_equal(peer_hear(&s->peer, fd).status, 400);
	assert_int_equal(s->counts->served, served);
}

static void
replies(void **state)
{
	struct server *s = *state;
	const char *head[] = {"REQUEST_METHOD", "HEAD", "REQUEST_URI", "/big", NULL};
	struct answer a = server_get(s, "/big");

	assert_int_equal(a.status, 200);
	assert_int_equal(a.length, BIG);
	for (int i = 0; i < BIG / 10; i++)
		assert_int_equal(atoi(a.body + 10 * i), i);
	assert_non_null(strstr(a.head, "Status: 200 OK\r\nContent-Type: text/plain\r\n"
				       "Content-Length: 300000\r\n\r\n"));
	a = ask(s, head, "", 0);
	assert_int_equal(a.length, 0);
	assert_non_null(strstr(a.head, "Content-Length: 300000\r\n"));
	a = server_get(s, "/204");
	assert_string_equal(a.head, "Status: 204 No Content\r\n\r\n");
	a = server_get(s, "/304");
	assert_string_equal(a.head, "Status: 304 Not Modified\r\n\r\n");
	a = server_get(s, "/header");
	assert_non_null(strstr(a.head, "\r\nX-Test: yes\r\n\r\n"));
	a = server_get(s, "/fault");
	assert_int_equal(a.status, 404);
	assert_non_null(strstr(a.head, "Content-Type: application/problem+json\r\n"));
	assert_int_equal(server_get(s, "/forgotten").status, 500);
}

/* The one worker must be free again soon, whatever a peer does. */
static void
bad_peers(void **state)
{
	struct server *s = *state;
	const char *get[] = {"REQUEST_URI", "/big", "REQUEST_METHOD", "GET", NULL};
	int pid = server_pid(s), fd;
	long start = server_now();
	int silent = peer_dial(&s->peer);

	assert_int_equal(server_pid(s), pid);
	assert_true(server_now() - start < 1000);
	close(silent);
	fd = peer_dial(&s->peer);
	assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	close(fd);
	assert_int_equal(server_pid(s), pid);
	/* Gone before the reply; it is lost and said so once. */
	fd = peer_dial(&s->peer);
	peer_start(&s->peer, fd, get);
	peer_send(fd, STDIN, "", 0);
	close(fd);
	assert_int_equal(server_pid(s), pid);
	assert_non_null(strstr(server_log(s), "\"reply_lost\""));
	assert_null(strstr(strstr(server_log(s), "\"reply_lost\"") + 5, "\"reply_lost\""));
	/* Never closes its side. */
	fd = peer_dial(&s->peer);
	peer_start(&s->peer, fd, get + 2);
	peer_send(fd, STDIN, "", 0);
	start = server_now();
	assert_int_equal(server_pid(s), pid);
	assert_true(server_now() - start < 1000);
	close(fd);
}

/* From a shell: environment and standard input, answer on standard output. */
static void
plain_cgi(void **state)
{
	struct server *s = *state;
	char *variables[] = {"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=PUT", "REQUEST_URI=/a?b",
	    "CONTENT_LENGTH=5", NULL};
	char text[1024] = "";
	int in[2], out[2], status;
	pid_t pid;

	assert_int_equal(pipe(in) | pipe(out), 0);
	if ((pid = fork()) == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		environ = variables;
		_exit(fcgi_run(&s->program, &s->conf));
	}
	/* The pipe stays open: nobody waits for its end. */
	assert_int_equal(write(in[1], "hello, world", 12), 12);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "Status: 200 OK\r\n"));
	assert_non_null(strstr(text, "method=PUT path=/a query=b"));
	assert_non_null(strstr(text, "client=0 body=5:hello"));
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

static int
begin(void **state)
{
	memset(large, 'b', sizeof(large) - 1);
	server_open(state);
	server_run(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(passes_on),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(replies),
	    cmocka_unit_test(bad_peers),
	    cmocka_unit_test(plain_cgi),
	};

	return cmocka_run_group_tests(tests, begin, server_shut);
}
