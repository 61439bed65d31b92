/* render_also_test.c -- members behind those of the columns of a single row. */
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

static const unsigned char key[CURSOR_KEY] = "signs";

/* The JSON of the first row. */
static const char *
row(const struct rows_of *of, const char *fields)
{
	struct rows rows = rows_new(of);

	r = (struct req){.mem = r.mem, .status = 200, .id = "a0"};
	render_row(&r, &rows, fields);
	PQclear(rows.result);
	return r.out.bytes;
}

static const char *
list(const struct rows_of *of, const char *fields)
{
	struct rows rows = rows_new(of);

	r = (struct req){.mem = r.mem, .status = 200, .id = "a0"};
	render_list(&r, &rows, fields, "held", key);
	PQclear(rows.result);
	return r.out.bytes;
}

/* What a row also says stands behind its columns, picked or not. */
static void
also(void **state)
{
	struct rows_of of = {{"id", "_also:3802", "n:20", "_only", "_doc"},
	    {{"a", NULL, "7", NULL, NULL}, {"b", "{\"x\": 1}", NULL, NULL, NULL}}, 1};

	(void)state;
	assert_string_equal(row(&of, NULL), "{\"id\":\"a\",\"n\":7}");
	of.cells[0][1] = "{}";
	assert_string_equal(row(&of, NULL), "{\"id\":\"a\",\"n\":7}");
	of.cells[0][1] = " {\n } ";
	assert_string_equal(row(&of, NULL), "{\"id\":\"a\",\"n\":7}");
	of.cells[0][1] = "{\"x\": [], \"y\": {\"z\": \"}{\"}}";
	assert_string_equal(
	    row(&of, NULL), "{\"id\":\"a\",\"n\":7,\"x\": [], \"y\": {\"z\": \"}{\"}}");
	of.cells[0][1] = " { \"x\": 1 } ";
	assert_string_equal(row(&of, " n "), "{\"n\":7,\"x\": 1 }");
	assert_string_equal(row(&of, " "), "{\"x\": 1 }");
	of.cells[0][3] = " id ";
	assert_string_equal(row(&of, NULL), "{\"id\":\"a\",\"x\": 1 }");
	of.cells[0][3] = "";
	assert_string_equal(row(&of, NULL), "{\"x\": 1 }");
	of.cells[0][1] = "{}";
	assert_string_equal(row(&of, NULL), "{}");
	of.cells[0][1] = "{\"x\": 1}";
	of.cells[0][4] = "[1]"; /* which is the whole answer */
	assert_string_equal(row(&of, NULL), "[1]");
	/* A list says nothing more. */
	of.cells[0][3] = of.cells[0][4] = NULL;
	of.count = 2;
	assert_string_equal(list(&of, NULL),
	    "{\"data\":[{\"id\":\"a\",\"n\":7},{\"id\":\"b\",\"n\":null}],\"next\":null}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(also),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
