/* fault_sql_test.c -- each SQLSTATE has its answer, and PostgreSQL's words stay inside. */
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka has a macro of this name, which would hide ours and is used by its fail_msg. */
#include <cmocka.h>
#undef fail

#include <unistd.h>

#define complain(...) (print_error(__VA_ARGS__), _fail(__FILE__, __LINE__))

static struct req r;
static char heard[4096];

static int
setup(void **state)
{
	(void)state;
	r = (struct req){.mem = arena_new(), .id = "0123456789abcdef0123456789abcdef"};
	r.out.mem = r.mem;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(r.mem);
	return 0;
}

static const char *
header(const char *name)
{
	for (const struct header *h = r.headers; h != NULL; h = h->next)
		if (strcmp(h->name, name) == 0)
			return h->value;
	return NULL;
}

static bool
shows(const char *text)
{
	return strstr(r.out.bytes, text) != NULL;
}

/* A whole new request refused by PostgreSQL and rendered; what was logged is in heard. */
static void
sql(const char *state, const char *message, const char *detail, const char *hint,
    const char *constraint, const char *column)
{
	FILE *log = tmpfile();
	int old = dup(STDERR_FILENO);
	size_t length;

	r.fault = NULL;
	dup2(fileno(log), STDERR_FILENO);
	assert_false(fail_sql(&r, state, message, detail, hint, constraint, column));
	fault_render(&r);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(log);
	length = fread(heard, 1, sizeof heard - 1, log);
	heard[length] = '\0';
	fclose(log);
}

/* clang-format off */
static const struct row {
	const char *state;
	int status;
	const char *code;
	const char *retry;
} rows[] = {
	{"23514", 422, "invalid_value",  NULL}, {"23502", 422, "invalid_value",  NULL},
	{"23503", 422, "invalid_value",  NULL}, {"23505", 409, "already_exists", NULL},
	{"22001", 422, "invalid_value",  NULL}, {"22P02", 422, "invalid_value",  NULL},
	{"22000", 422, "invalid_value",  NULL}, {"42501", 403, "forbidden",      NULL},
	{"40001", 409, "busy",           "1"},  {"40P01", 409, "busy",           "1"},
	{"55P03", 409, "busy",           "1"},  {"57014", 503, "timed_out",      "1"},
	{"53100", 503, "unavailable",    "1"},  {"53300", 503, "unavailable",    "1"},
	{"57P01", 503, "unavailable",    "1"},  {"57P03", 503, "unavailable",    "1"},
	{"08006", 503, "unavailable",    "1"},  {"08P01", 503, "unavailable",    "1"},
	{"25006", 503, "unavailable",    "1"},  {NULL,    503, "unavailable",    "1"},
	{"",      503, "unavailable",    "1"},  {"42601", 500, "internal",       NULL},
	{"42P01", 500, "internal",       NULL}, {"P0001", 500, "internal",       NULL},
	{"XX000", 500, "internal",       NULL}, {"25P02", 500, "internal",       NULL},
	{"23P01", 500, "internal",       NULL}, {"44000", 500, "internal",       NULL},
	{"40002", 500, "internal",       NULL}, {"2",     500, "internal",       NULL},
	{"PT200", 500, "internal",       NULL}, {"PT399", 500, "internal",       NULL},
	{"PT600", 500, "internal",       NULL}, {"PT4",   500, "internal",       NULL},
	{"PT4x4", 500, "internal",       NULL}, {"PT4040", 500, "internal",      NULL},
	{"pt404", 500, "internal",       NULL},
	{0}
};
/* clang-format on */

static void
states(void **state)
{
	(void)state;
	for (const struct row *row = rows; row->status != 0; row++) {
		sql(row->state, "canary in \"message\"", "Key (email)=(canary) exists.",
		    "canary hint", NULL, NULL);
		if (r.status != row->status || strcmp(r.fault->code, row->code) != 0)
			complain("%s: %d %s", row->state, r.status, r.fault->code);
		assert_true(row->retry == NULL ? header("Retry-After") == NULL
					       : strcmp(header("Retry-After"), row->retry) == 0);
		assert_false(shows("canary") || shows("\"errors\":") || shows("\"detail\":null"));
		assert_null(strstr(heard, "canary"));
		assert_true(
		    (strstr(heard, "\"event\":\"sql_error\"") != NULL) == (row->status >= 500));
		assert_true(
		    row->status < 500 || strstr(heard, "\"request\":\"0123456789abcdef") != NULL);
	}
}

static void
blamed(void **state)
{
	(void)state;
	sql("23514", "m", "d", "h", "email_shape", NULL);
	assert_true(
	    shows("\"errors\":[{\"pointer\":\"/email\",\"code\":\"shape\",\"detail\":\"This value "
		  "is not allowed.\"}]"));
	sql("23514", "m", "d", "h", "postal_code_length", NULL);
	assert_true(shows("{\"pointer\":\"/postal_code\",\"code\":\"length\""));
	sql("23502", "m", "d", "h", NULL, "name");
	assert_true(shows("{\"pointer\":\"/name\",\"code\":\"required\",\"detail\":\"This member "
			  "is required.\"}"));
	sql("23503", "m", "d", "h", "owner_id_fkey", NULL);
	assert_true(shows("{\"pointer\":\"/owner_id\",\"code\":\"unknown_reference\""));
	sql("23505", "m", "d", "h", "customer_email_key", "email");
	assert_false(shows("email"));
	sql("42P01", "m", "d", "h", "email_shape", "email");
	assert_false(shows("email"));
	assert_non_null(strstr(heard, "\"state\":\"42P01\",\"constraint\":\"email_shape\""));
	for (const char *const *odd =
		 (const char *const[]){"", "_", "shape", "_shape", "email_", NULL};
	     *odd != NULL; odd++) {
		sql("23514", "m", "d", "h", *odd, NULL);
		assert_false(shows("\"errors\":"));
	}
}

static void
raised(void **state)
{
	(void)state;
	sql("PT412", "version_mismatch",
	    "{\"current\" : {\"a\":[1,{\"}\":\"]\"}]}, \"version\": 7}", "Somebody was first.",
	    NULL, NULL);
	assert_int_equal(r.status, 412);
	assert_true(shows(
	    "\"title\":\"Precondition Failed\",\"status\":412,\"detail\":\"Somebody was first.\""));
	assert_true(shows("\"code\":\"version_mismatch\",\"current\" : "
			  "{\"a\":[1,{\"}\":\"]\"}]},\"version\": 7}"));
	assert_string_equal(heard, "");
	sql("PT404", "not_found", "", "", NULL, NULL);
	assert_true(shows("\"detail\":\"There is no such resource, or you may not see it.\""));
	assert_string_equal(heard, "");
	sql("PT400", "a", NULL, NULL, NULL, NULL);
	assert_int_equal(r.status, 400);
	sql("PT599", "a", NULL, NULL, NULL, NULL);
	assert_int_equal(r.status, 599);
	assert_true(shows("\"title\":\"Error\""));
	sql("PT422", "invalid_value", "{\"errors\": [{\"pointer\": \"/owner_id\"}]}", "h", NULL,
	    NULL);
	assert_true(shows(",\"errors\": [{\"pointer\": \"/owner_id\"}]}"));
	/* Prose where the code belongs is a mistake that must not reach the client. */
	sql("PT409", "Ada's deal is closed", NULL, NULL, NULL, NULL);
	assert_int_equal(r.status, 409);
	assert_false(shows("Ada"));
	assert_non_null(strstr(heard, "sql_code_wrong"));
	assert_null(strstr(heard, "Ada"));
}

static void
retry_after(void **state)
{
	(void)state;
	sql("PT429", "budget_spent",
	    "{\"limit\": 300, \"retry_after\": 86, \"x\": {\"retry_after\": 5}}", "h", NULL, NULL);
	assert_string_equal(header("Retry-After"), "86");
	assert_true(shows("\"code\":\"budget_spent\",\"limit\": 300,\"x\": {\"retry_after\": 5}}"));
	sql("PT429", "a", "{\"retry_after\":1}", "h", NULL, NULL);
	assert_true(shows("\"code\":\"a\"}"));
	sql("PT429", "a", "{\"s\": \"\\\",\\\"retry_after\\\":9,\"}", "h", NULL, NULL);
	assert_string_equal(header("Retry-After"), "1");
	sql("PT409", "a", "{\"retry_after\" : -5}", "h", NULL, NULL);
	assert_string_equal(header("Retry-After"), "1");
	sql("PT409", "a", "{\"retry_after\": 99999999999999999999}", "h", NULL, NULL);
	assert_string_equal(header("Retry-After"), "604800");
}

static void
extra(void **state)
{
	static const char *const torn[] = {"x", "[1]", "{", "}", "{\"a\":1", "{\"a\":1}}",
	    "{\"a\":1} x", "{a:1}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\"}x",
	    "{\"a\":[1}", "{\"a\":\"}", "{\"a\":\"\\", "{,}", "{\"a\":1:2}", NULL};

	(void)state;
	for (const char *const *text = torn; *text != NULL; text++) {
		sql("PT409", "conflict", *text, "h", NULL, NULL);
		if (!shows("\"code\":\"conflict\"}") ||
		    strstr(heard, "problem_extra_wrong") == NULL)
			complain("%s: %s", *text, r.out.bytes);
	}
	sql("PT409", "conflict", " { } ", "h", NULL, NULL);
	assert_true(shows("\"code\":\"conflict\"}"));
	assert_string_equal(heard, "");
	/* Ours cannot be replaced. */
	sql("PT409", "conflict",
	    "{\"status\": 200, \"code\": \"x\", \"ok\": true, \"instance\": 1, \"titles\": 2}", "h",
	    NULL, NULL);
	assert_true(shows("\"code\":\"conflict\",\"ok\": true,\"titles\": 2}"));
	r.fault = NULL;
	fail_at(&r, 422, "invalid_value", "/a", "b", NULL);
	r.fault->extra = "{\"errors\": [], \"ok\": 1}";
	fault_render(&r);
	assert_false(shows("\"errors\": []"));
	assert_true(shows("],\"ok\": 1}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(states, setup, teardown),
	    cmocka_unit_test_setup_teardown(blamed, setup, teardown),
	    cmocka_unit_test_setup_teardown(raised, setup, teardown),
	    cmocka_unit_test_setup_teardown(retry_after, setup, teardown),
	    cmocka_unit_test_setup_teardown(extra, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
