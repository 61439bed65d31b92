/* body_number_test.c -- decimal numbers and days in a JSON body, in the lines of an offer and alone. */
#include "body.h"
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TRILLION 1000000000000

/* clang-format off */
static const struct param line[] = {
	{"description", IN_BODY, AS_TEXT,   .must = true, .least = 1, .most = 500},
	{"quantity",    IN_BODY, AS_NUMBER, .must = true, .most = 1000000, .places = 4},
	{"price",       IN_BODY, AS_NUMBER, .most = TRILLION},
	{"discount",    IN_BODY, AS_NUMBER, .solid = true, .most = 100, .places = 2},
	{"custom",      IN_BODY, AS_OBJECT, .says = ""},
	{0}
};

static const struct param table[] = {
	{"lines", IN_BODY, AS_OBJECT, .list = true, .items = 3, .members = line},
	{"n",     IN_BODY, AS_NUMBER, .least = -5, .most = TRILLION, .places = 4},
	{"some",  IN_BODY, AS_NUMBER, .list = true, .items = 3, .least = 1, .most = 9, .places = 1},
	{"day",   IN_BODY, AS_DATE,   .says = ""},
	{"days",  IN_BODY, AS_DATE,   .list = true, .items = 2},
	{"whole", IN_BODY, AS_INT,    .most = 9},
	{0}
};
/* clang-format on */

struct example {
	const char *body, *comes;
};

static const char *
comes(const struct param *params, const char *body)
{
	const char *text;

	r = (struct req){.mem = r.mem, .method = POST, .content_type = "application/json"};
	r.body = arena_text(r.mem, body, strlen(body));
	r.body_length = strlen(body);
	text = body_bind(&r, params);
	if (text == NULL)
		return says(r.fault);
	assert_null(r.fault);
	if (r.pending == NULL)
		assert_string_equal(text, body); /* as it is written: SQL counts the places too */
	return r.pending == NULL ? "" : arena_print(r.mem, "%s | %s", says(r.pending), text);
}

static void
check(const struct example *one)
{
	for (; one->body != NULL; one++) {
		const char *came = comes(table, one->body);

		if (strcmp(came, one->comes) != 0)
			print_error("%s\n", one->body);
		assert_string_equal(came, one->comes);
	}
}

#define WRONG     "422 invalid_value "
#define MALFORMED "400 malformed_json"

static void
numbers(void **state)
{
	/* clang-format off */
	static const struct example examples[] = {
		{"{\"n\":1}", ""}, {"{\"n\":1.5}", ""}, {"{\"n\":1.50000}", ""}, {"{\"n\":-5}", ""}, {"{\"n\":-5.0}", ""},
		{"{\"n\":null}", ""}, {"{\"n\":-0}", ""}, {"{\"n\":15e-1}", ""}, {"{\"n\":1E3}", ""},
		{"{\"n\":999999999999.9999}", ""}, {"{\"n\":1000000000000}", ""}, {"{\"n\":1e12}", ""},
		{"{\"n\":999999999999.99991}", WRONG "/n places | {}"},
		{"{\"n\":1000000000000.0001}", WRONG "/n range | {}"},
		{"{\"n\":0.10000000000000000000001}", WRONG "/n places | {}"},
		{"{\"n\":0.00001}", WRONG "/n places | {}"}, {"{\"n\":1e-5}", WRONG "/n places | {}"},
		{"{\"n\":-5.0001}", WRONG "/n range | {}"}, {"{\"n\":-6}", WRONG "/n range | {}"},
		{"{\"n\":1000000000001}", WRONG "/n range | {}"}, {"{\"n\":1e13}", WRONG "/n range | {}"},
		{"{\"n\":1e-400}", WRONG "/n places | {}"}, {"{\"n\":0e-400}", WRONG "/n places | {}"},
		{"{\"n\":1e308}", WRONG "/n range | {}"},
		{"{\"n\":\"1\"}", WRONG "/n type | {}"}, {"{\"n\":\"\"}", WRONG "/n type | {}"},
		{"{\"n\":true}", WRONG "/n type | {}"}, {"{\"n\":[1]}", WRONG "/n type | {}"}, {"{\"n\":{}}", WRONG "/n type | {}"},
		{"{\"n\":NaN}", MALFORMED}, {"{\"n\":Infinity}", MALFORMED}, {"{\"n\":-Infinity}", MALFORMED},
		{"{\"n\":1e999}", MALFORMED}, {"{\"n\":-1e999}", MALFORMED}, {"{\"n\":.5}", MALFORMED},
		{"{\"n\":5.}", MALFORMED}, {"{\"n\":+5}", MALFORMED}, {"{\"n\":05}", MALFORMED},
		{"{\"n\":0x5}", MALFORMED}, {"{\"n\":1,5}", MALFORMED}, {"{\"n\":9223372036854775808}", MALFORMED},
		/* A whole number stays one. */
		{"{\"whole\":1.0}", WRONG "/whole type | {}"},
		{"{\"some\":[1,2.5,9.0]}", ""}, {"{\"some\":[]}", ""},
		{"{\"some\":[0.5,2.55,null]}", WRONG "/some/0 range; /some/1 places; /some/2 type | {}"},
		{"{\"some\":[1,2,3,4]}", WRONG "/some count | {}"}, {"{\"some\":1}", WRONG "/some type | {}"},
		{0}
	};
	/* clang-format on */

	(void)state;
	check(examples);
}

/* Each number is judged by its own text, whatever stands before it, is taken out, or only looks like one. */
static void
lines(void **state)
{
#define LINE(rest) "{\"description\":\"1.23456\"," rest "}"
	/* clang-format off */
	static const struct example examples[] = {
		{"{\"lines\":[" LINE("\"quantity\":1.2345") "," LINE("\"quantity\":2,\"price\":1000000000000") "]}", ""},
		{"{\"lines\":[" LINE("\"quantity\":1.23456") "],\"n\":0.1}", WRONG "/lines/0/quantity places | {\"n\":0.1}"},
		{"{\"lines\":[" LINE("\"quantity\":1,\"price\":0.5") "]}", WRONG "/lines/0/price places | {}"},
		{"{\"lines\":[" LINE("\"quantity\":-1") "," LINE("\"quantity\":1.5") "," LINE("\"quantity\":1.55555") "]}",
			WRONG "/lines/0/quantity range; /lines/2/quantity places | {}"},
		{"{\"lines\":[" LINE("\"discount\":100.01,\"quantity\":1") "," LINE("\"quantity\":0.12345") "]}",
			WRONG "/lines/0/discount range; /lines/1/quantity places | {}"},
		{"{\"lines\":[" LINE("\"quantity\":1,\"custom\":{\"9.99999\":[1.23456,{\"\\\"\":7e7}]},\"discount\":1.25") "]}", ""},
		{"{\"lines\":[" LINE("\"quantity\":1,\"discount\":null") "]}", WRONG "/lines/0/discount required | {}"},
		{"{\"lines\":[" LINE("\"quantity\":null") "]}", WRONG "/lines/0/quantity required | {}"},
		{"{\"lines\":[" LINE("\"price\":1") "]}", WRONG "/lines/0/quantity required | {}"},
		{"{\"whole\":1.25,\"lines\":[" LINE("\"quantity\":1.2345") "],\"n\":0.123,\"some\":[1.5]}",
			WRONG "/whole type | {\"lines\":[{\"description\":\"1.23456\",\"quantity\":1.2345}],\"n\":0.123,\"some\":[1.5]}"},
		{"{\"n\":1,\"lines\":[{\"quantity\":1.5,\"zip\":1}]}", "400 unknown_member /lines/0/zip unknown"},
		{0}
	};
	/* clang-format on */

	(void)state;
	check(examples);
}

/* Numbers that stand in objects only. */
static void
nested(void **state)
{
	static const struct param outer[] = {
	    {"lines", IN_BODY, AS_OBJECT, .list = true, .items = 3, .members = line}, {0}};

	(void)state;
	assert_string_equal(
	    comes(outer, "{\"lines\":[{\"description\":\"x\",\"quantity\":1.5}]}"), "");
	assert_string_equal(
	    comes(outer, "{\"lines\":[{\"description\":\"x\",\"quantity\":1.55555}]}"),
	    WRONG "/lines/0/quantity places | {}");
}

static void
days(void **state)
{
	/* clang-format off */
	static const struct example examples[] = {
		{"{\"day\":\"2026-01-31\"}", ""}, {"{\"day\":null}", ""}, {"{\"days\":[\"1900-01-01\",\"9999-12-31\"]}", ""},
		{"{\"day\":\"2026-02-29\"}", WRONG "/day format | {}"}, {"{\"day\":\"2026-1-31\"}", WRONG "/day format | {}"},
		{"{\"day\":\"2026-01-31T00:00:00Z\"}", WRONG "/day format | {}"}, {"{\"day\":\"\"}", WRONG "/day format | {}"},
		{"{\"day\":20260131}", WRONG "/day type | {}"}, {"{\"day\":\"infinity\"}", WRONG "/day format | {}"},
		{"{\"days\":[\"1899-12-31\",\"2026-01-31 \"]}", WRONG "/days/0 format; /days/1 format | {}"},
		{0}
	};
	/* clang-format on */

	(void)state;
	check(examples);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(lines),
	    cmocka_unit_test(nested),
	    cmocka_unit_test(days),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
