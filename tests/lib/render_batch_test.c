/* render_batch_test.c -- what became of the items of a batch, as an answer or as one refusal. */
#include "render.h"
#include "rows_of.h"
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka has a macro of this name, which would hide ours. */
#include <cmocka.h>
#undef fail

#define COLUMNS                                                                                    \
	{                                                                                          \
		"_index:23", "_atomic:16", "_item:114", "_held:16", "_state", "_message",          \
		    "_pointer", "_why"                                                             \
	}

static struct fault form = {.status = 422, .code = "invalid_value"};
static struct fault *apart[4];

/* The answer, or the refusal as one line. */
static const char *
batch(const struct rows_of *of)
{
	struct rows rows = rows_new(of);

	r = (struct req){.mem = r.mem, .status = 200, .id = "a0", .apart = apart, .aparts = 4};
	render_batch(&r, &rows);
	PQclear(rows.result);
	return r.fault != NULL ? says(r.fault) : r.out.bytes;
}

static void
each_alone(void **state)
{
	struct rows_of of = {COLUMNS,
	    {{"0", "f", "{\"index\":0}"}, {"1", "f", "{\"index\":1}", "t"},
		{"2", "f", NULL, NULL, "PT404", "not_found"}, {"3", "f"}},
	    4};

	(void)state;
	apart[3] = &form;
	assert_string_equal(batch(&of),
	    "{\"results\":[{\"index\":0},{\"index\":1},"
	    "{\"index\":2,\"status\":404,\"problem\":{\"type\":\"/problems/"
	    "not_found\",\"title\":\"Not "
	    "Found\",\"status\":404,\"detail\":\"There is no such resource, or you may not see "
	    "it.\",\"code\":\"not_found\"}},"
	    "{\"index\":3,\"status\":422,\"problem\":{\"type\":\"/problems/"
	    "invalid_value\",\"title\":"
	    "\"Unprocessable Content\",\"status\":422,\"detail\":\"A value is not allowed; errors "
	    "names "
	    "it where it is "
	    "known.\",\"code\":\"invalid_value\"}}],\"done\":1,\"held\":1,\"failed\":2}");
	assert_int_equal(r.status, 200);
	assert_false(r.remembered);
}

/* Two members of one item are two rows and one result. */
static void
members_of_an_item(void **state)
{
	struct rows_of of = {COLUMNS,
	    {{"0", "f", NULL, NULL, "PT422", "invalid_value", "/phone", "mask"},
		{"0", "f", NULL, NULL, "PT422", "invalid_value", "/email", "mask"},
		{"1", "f", "{\"index\":1}"}},
	    3};

	(void)state;
	assert_non_null(
	    strstr(batch(&of), "\"errors\":[{\"pointer\":\"/items/0/phone\",\"code\":"
			       "\"mask\",\"detail\":\"This value is not allowed.\"},{\"pointer\":"
			       "\"/items/0/email\""));
	assert_non_null(
	    strstr(r.out.bytes, "}},{\"index\":1}],\"done\":1,\"held\":0,\"failed\":1}"));
}

static void
together(void **state)
{
	struct rows_of of = {COLUMNS,
	    {{"0", "t", "{\"index\":0}"}, {"1", "t", NULL, NULL, "PT404", "not_found"},
		{"2", "t", NULL, NULL, "PT422", "invalid_value", "/phone", "mask"}},
	    3};

	(void)state;
	assert_string_equal(
	    batch(&of), "422 items_refused /items/1 not_found; /items/2/phone mask");
	assert_true(r.remembered);
	of.cells[2][4] = "PT404";
	of.cells[2][5] = "not_found";
	of.cells[2][6] = NULL;
	assert_string_equal(batch(&of), "404 not_found /items/1 not_found; /items/2 not_found");
	of.cells[2][5] = "else";
	assert_string_equal(batch(&of), "422 items_refused /items/1 not_found; /items/2 else");
	of.count = 1;
	assert_string_equal(
	    batch(&of), "{\"results\":[{\"index\":0}],\"done\":1,\"held\":0,\"failed\":0}");
}

/* What a constraint says is said of the item's member. */
static void
constraints(void **state)
{
	struct rows_of of = {
	    {"_index:23", "_atomic:16", "_item:114", "_state", "_constraint", "_column"},
	    {{"0", "t", NULL, "23514", "email_shape"}, {"1", "t", NULL, "23502", NULL, "name"}}, 2};

	(void)state;
	assert_string_equal(
	    batch(&of), "422 invalid_value /items/0/email shape; /items/1/name required");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(members_of_an_item, setup, teardown),
	    cmocka_unit_test_setup_teardown(together, setup, teardown),
	    cmocka_unit_test_setup_teardown(constraints, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
