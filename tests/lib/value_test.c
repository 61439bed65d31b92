/* value_test.c -- heads, retries and bodies where none are due; what a table's rows are called in SQL. */
#include "says.h"
#include "value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const unsigned char key[CURSOR_KEY];
static struct bound in;

/* clang-format off */
static const struct param post[] = {
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry"},
	{"n",               IN_BODY, AS_INT, .most = 9},
	{0}
};

static const struct param look[] = {
	{"if-none-match", IN_HEAD,  AS_TAGS, .says = ""},
	{"if-match",      IN_HEAD,  AS_TAGS, .says = ""},
	{"as-of",         IN_QUERY, AS_TEXT, .most = 9},
	{0}
};
/* clang-format on */

static const char *
value(const char *name)
{
	for (size_t i = 0; i < in.n; i++)
		if (strcmp(in.args[i].name, name) == 0)
			return in.args[i].value;
	return "none";
}

/* Binds a body that is good JSON against a table; the retry argument, or what is wrong. */
static const char *
retry_bytes(const char *text, const char *path, const char *body, size_t length)
{
	r = (struct req){.mem = r.mem, .method = POST, .path = path, .query = ""};
	r.content_type = "application/json";
	r.idempotency_key = text;
	r.body = arena_text(r.mem, body, length);
	r.body_length = length;
	in = (struct bound){0};
	return param_bind(&r, post, "post", NULL, NULL, key, &in) ? value("retry") : says(r.fault);
}

static const char *
retry(const char *text, const char *path, const char *body)
{
	return retry_bytes(text, path, body, strlen(body));
}

static void
retries(void **state)
{
	char most[257];
	const char *once = retry("k-1", "/v1/a", "{\"n\":1}");

	(void)state;
	memset(most, 'k', sizeof most);
	most[256] = '\0';
	assert_string_equal(
	    retry(most, "/v1/a", "{}"), "400 invalid_parameter idempotency-key format");
	most[255] = '\0';
	assert_memory_equal(retry(most, "/v1/a", "{}"), most, 255);
	assert_string_equal(
	    retry("", "/v1/a", "{}"), "400 invalid_parameter idempotency-key format");
	assert_null(retry(NULL, "/v1/a", "{}"));
	for (int c = 1; c < 256; c++) {
		const char *came = retry((char[]){(char)c, '\0'}, "/v1/a", "{}");

		if (c > 0x20 && c < 0x7f)
			assert_int_equal((unsigned char)*came, c);
		else
			assert_string_equal(came, "400 invalid_parameter idempotency-key format");
	}
	assert_int_equal(strlen(once), 4 + 64);
	assert_memory_equal(once, "k-1 ", 4);
	assert_int_equal(strspn(once + 4, "0123456789abcdef"), 64);
	assert_string_equal(retry("k-1", "/v1/a", "{\"n\":1}"), once);
	assert_string_equal(retry("k-2", "/v1/a", "{\"n\":1}") + 4, once + 4);
	assert_string_not_equal(retry("k-1", "/v1/a", "{\"n\":2}"), once);
	assert_string_not_equal(retry("k-1", "/v1/a", "{\"n\":1} "), once);
	assert_string_not_equal(retry("k-1", "/v1/b", "{\"n\":1}"), once);
	once = retry("k-1", "/v1/a", " {}");
	assert_string_not_equal(retry("k-1", "/v1/a ", "{}"), once);
}

/* A GET without rows in the body; the three texts may be NULL. */
static const char *
looks(const char *query, const char *if_match, const char *if_none_match)
{
	r = (struct req){.mem = r.mem, .path = "/v1/a", .query = query, .body = (char[]){""}};
	r.if_match = if_match;
	r.if_none_match = if_none_match;
	in = (struct bound){0};
	return param_bind(&r, look, "look", NULL, NULL, key, &in) ? "" : says(r.fault);
}

static void
heads(void **state)
{
	(void)state;
	assert_string_equal(looks("as-of=x", "\"a\", W/\"b\"", "W/\"b\",\"a\\\""), "");
	assert_string_equal(value("if_match"), "{\"a\"}");
	assert_string_equal(value("if_none_match"), "{\"b\",\"a\\\\\"}");
	assert_string_equal(value("as_of"), "x");
	assert_string_equal(looks("", NULL, NULL), "");
	assert_null(value("if_match"));
	assert_null(value("if_none_match"));
	assert_null(value("as_of"));
	assert_string_equal(looks("", "W/\"b\"", "*"), "");
	assert_string_equal(value("if_match"), "{}");
	assert_string_equal(value("if_none_match"), "{\"*\"}");
	assert_string_equal(looks("", "\"a", NULL), "400 invalid_parameter if-match format");
	assert_string_equal(looks("", NULL, "a"), "400 invalid_parameter if-none-match format");
	assert_string_equal(looks("", NULL, ""), "400 invalid_parameter if-none-match format");
	assert_string_equal(
	    looks("if-match=x", NULL, NULL), "400 unknown_parameter ?if-match unknown");
}

static const char *
bodily(enum method method, size_t length, bool too_large)
{
	r = (struct req){.mem = r.mem, .method = method, .path = "/v1/a", .query = ""};
	r.body = arena_text(r.mem, "{}", length);
	r.body_length = length;
	r.body_too_large = too_large;
	in = (struct bound){0};
	return param_bind(&r, look, "look", NULL, NULL, key, &in) ? "" : says(r.fault);
}

/* A GET's body has no meaning (RFC 9110, 9.3.1); another's that no row asks for is refused. */
static void
no_body_due(void **state)
{
	(void)state;
	assert_string_equal(bodily(GET, 2, false), "");
	assert_string_equal(bodily(HEAD, 0, true), "");
	assert_string_equal(bodily(DELETE, 0, false), "");
	assert_string_equal(bodily(DELETE, 2, false), "400 unexpected_body");
	assert_string_equal(bodily(POST, 1, false), "400 unexpected_body");
	assert_string_equal(bodily(POST, 0, true), "400 unexpected_body");
}

static void
argument_names(void **state)
{
	static const struct {
		struct param p;
		const char *name, *types;
	} rows[] = {
	    {{.name = "if-none-match", .place = IN_HEAD, .type = AS_TAGS}, "if_none_match",
		"text[]"},
	    {{.name = "limit", .place = IN_QUERY, .type = AS_INT, .sql = "lim"}, "lim",
		"integer bigint"},
	    {{.name = "id", .place = IN_PATH, .type = AS_UUID}, "id", "uuid"},
	    {{.name = "a", .place = IN_QUERY, .type = AS_TEXT}, "a", "text"},
	    {{.name = "a", .place = IN_QUERY, .type = AS_WORD}, "a", "text"},
	    {{.name = "a", .place = IN_QUERY, .type = AS_SORT}, "a", "text"},
	    {{.name = "a", .place = IN_QUERY, .type = AS_BOOL}, "a", "boolean"},
	    {{.name = "a", .place = IN_QUERY, .type = AS_TIME}, "a", "timestamp with time zone"},
	    {{.name = "a", .place = IN_QUERY, .type = AS_CURSOR}, "a", "jsonb"},
	    {{.name = "a", .place = IN_QUERY, .type = AS_FIELDS}, "a", "text[]"},
	    {{.name = "a", .place = IN_HEAD, .type = AS_RETRY}, "a", "text"},
	    {{.name = "a", .place = IN_FILTER, .type = AS_UUID}, "filter", "jsonb"},
	    {{.name = "a", .place = IN_BODY, .type = AS_INT, .sql = "b"}, "body", "jsonb"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(param_argument(r.mem, &rows[i].p), rows[i].name);
		assert_string_equal(param_types(&rows[i].p), rows[i].types);
	}
}

/* Binds a table of n plain rows. */
static bool
many(size_t n)
{
	struct param rows[ARGS_MOST + 2] = {0};

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct param){
		    arena_print(r.mem, "p%zu", i), IN_QUERY, AS_INT, .most = 99, .unless = "7"};
	r = (struct req){.mem = r.mem, .path = "/v1/a", .query = "p0=1", .body = (char[]){""}};
	in = (struct bound){0};
	return param_bind(&r, rows, "many", NULL, NULL, key, &in) && in.n == n;
}

/* As many as there is room for; a table with one more is ours, and never gets past its first request. */
static void
arguments_most(void **state)
{
	int status;
	pid_t child;

	(void)state;
	assert_true(many(1));
	assert_true(many(ARGS_MOST));
	assert_string_equal(value("p0"), "1");
	assert_string_equal(in.args[ARGS_MOST - 1].value, "7");
	if ((child = fork()) == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0});
		signal(SIGABRT, SIG_DFL);
		_exit(many(ARGS_MOST + 1));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
items(void **state)
{
	static const char *const lists[][4] = {
	    {"", "", NULL}, {"a", "a", NULL}, {"a,b", "a", "b", NULL}, {",", "", "", NULL}};
	const char *rest = NULL;

	(void)state;
	assert_null(value_item(r.mem, &rest));
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		rest = lists[i][0];
		for (size_t n = 1; lists[i][n] != NULL; n++)
			assert_string_equal(value_item(r.mem, &rest), lists[i][n]);
		assert_null(value_item(r.mem, &rest));
		assert_null(value_item(r.mem, &rest));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(retries),
	    cmocka_unit_test(heads),
	    cmocka_unit_test(no_body_due),
	    cmocka_unit_test(argument_names),
	    cmocka_unit_test(arguments_most),
	    cmocka_unit_test(items),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
