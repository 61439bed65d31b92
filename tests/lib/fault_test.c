/* fault_test.c -- the first fault wins, members add up, problem+json is whole. */
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka has a macro of this name, which would hide ours. */
#include <cmocka.h>
#undef fail

static struct req r;

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

static void
first_wins(void **state)
{
	(void)state;
	assert_false(fail(&r, 404, "not_found", "No customer %d.", 7));
	assert_false(fail(&r, 404, "not_found", "Another sentence."));
	assert_false(fail_at(&r, 422, "invalid_value", "/name", "too_long", NULL));
	assert_false(fail_sql(&r, "23505", "x", NULL, NULL, NULL, NULL));
	header_add(&r, "ETag", "\"v7\"");
	buf_text(&r.out, "[half a list");
	r.status = 200;
	r.type = "application/json";
	fault_render(&r);
	assert_int_equal(r.status, 404);
	assert_string_equal(r.type, "application/problem+json");
	assert_null(r.headers);
	assert_string_equal(r.out.bytes,
	    "{\"type\":\"/problems/not_found\",\"title\":\"Not Found\",\"status\":404,"
	    "\"detail\":\"No customer 7.\",\"instance\":\"0123456789abcdef0123456789abcdef\","
	    "\"code\":\"not_found\"}");
	assert_int_equal(r.out.length, strlen(r.out.bytes));
}

static void
members(void **state)
{
	char pointer[] = "/name";

	(void)state;
	fail_at(&r, 400, "unknown_member", pointer, "unknown", NULL);
	pointer[1] = 'X';
	fail_at(&r, 400, "unknown_member", "/a\"b", "other", "Say \"%s\".", "what");
	fail_at(&r, 422, "unknown_member", "/not", "unknown", NULL);
	fail_at(&r, 400, "malformed_request", "/not", "unknown", NULL);
	fault_render(&r);
	assert_true(shows(
	    "\"errors\":[{\"pointer\":\"/name\",\"code\":\"unknown\",\"detail\":\"There is no such "
	    "member or parameter.\"},{\"pointer\":\"/a\\\"b\",\"code\":\"other\",\"detail\":"
	    "\"Say \\\"what\\\".\"}]}"));
	assert_true(shows("\"detail\":\"The request was refused.\""));
	assert_false(shows("/not"));
}

static void
many_members_are_bounded(void **state)
{
	int count = 0;

	(void)state;
	for (int i = 0; i < 20000; i++)
		fail_at(&r, 400, "unknown_member", "/x", "unknown", NULL);
	for (const struct fault_error *e = r.fault->errors; e != NULL; e = e->next)
		count++;
	assert_int_equal(count, 200);
}

static void
pending(void **state)
{
	(void)state;
	assert_false(fail_later(&r, "/name", "too_long", "At most %d.", 200));
	assert_false(fail_later(&r, "/city", "too_long", NULL));
	assert_null(r.fault);
	assert_int_equal(r.pending->status, 422);
	fail(&r, 404, "not_found", NULL);
	fault_render(&r);
	assert_int_equal(r.status, 404);
	assert_false(shows("/name"));
	r.fault = r.pending;
	fault_render(&r);
	assert_int_equal(r.status, 422);
	assert_true(shows("{\"pointer\":\"/name\",\"code\":\"too_long\",\"detail\":\"At most "
			  "200.\"},{\"pointer\":\"/city\""));
}

static void
headers(void **state)
{
	(void)state;
	fail(&r, 405, "method_not_allowed", NULL);
	r.fault->allow = "GET, HEAD";
	fault_render(&r);
	assert_string_equal(header("Allow"), "GET, HEAD");
	assert_null(header("Retry-After"));
	r.fault = NULL;
	fail(&r, 401, "unauthorized", NULL);
	fault_render(&r);
	assert_string_equal(header("WWW-Authenticate"), "Bearer");
	assert_null(header("Allow"));
	for (int status = 429; status <= 503; status += 503 - 429) {
		r.fault = NULL;
		fail(&r, status, "x", NULL);
		fault_render(&r);
		assert_string_equal(header("Retry-After"), "1");
	}
	r.fault = NULL;
	fault_render(&r);
	assert_int_equal(r.status, 500);
}

static void
header_values_hold_no_line_end(void **state)
{
	(void)state;
	header_add(&r, "A", "x\r\nSet-Cookie: a=b\n");
	header_add(&r, "B", "");
	header_add(&r, "A", "two");
	assert_string_equal(r.headers->value, "x  Set-Cookie: a=b ");
	assert_string_equal(r.headers->next->value, "");
	assert_string_equal(r.headers->next->next->value, "two");
	assert_null(r.headers->next->next->next);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(first_wins, setup, teardown),
	    cmocka_unit_test_setup_teardown(members, setup, teardown),
	    cmocka_unit_test_setup_teardown(many_members_are_bounded, setup, teardown),
	    cmocka_unit_test_setup_teardown(pending, setup, teardown),
	    cmocka_unit_test_setup_teardown(headers, setup, teardown),
	    cmocka_unit_test_setup_teardown(header_values_hold_no_line_end, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
