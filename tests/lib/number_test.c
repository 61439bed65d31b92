/* number_test.c -- numbers by their text: form, range and decimal places, and which text is whose. */
#include "number.h"
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BILLION_BILLIONS 1000000000000000000
#define NOUGHTS          "00000000000000000000"

struct example {
	const char *text;
	long least, most;
	int places;
	const char *why;
};

static void
examples(void **state)
{
	/* clang-format off */
	static const struct example table[] = {
		{"0", 0, 0, 0, NULL}, {"-0", 0, 0, 0, NULL}, {"0.0", 0, 0, 0, NULL}, {"-0e5", 0, 0, 0, NULL},
		{"1", 0, 9, 0, NULL}, {"9.000", 0, 9, 0, NULL}, {"9.0001", 0, 9, 4, "range"},
		{"1.5", 0, 9, 1, NULL}, {"1.50000", 0, 9, 1, NULL}, {"1.55", 0, 9, 1, "places"},
		{"0.0001", 0, 9, 4, NULL}, {"0.00001", 0, 9, 4, "places"}, {"0.00010", 0, 9, 4, NULL},
		{"1e-4", 0, 9, 4, NULL}, {"1e-5", 0, 9, 4, "places"}, {"10e-5", 0, 9, 4, NULL},
		{"1.5e1", 0, 15, 0, NULL}, {"1.5E+1", 0, 15, 0, NULL}, {"1.51e1", 0, 99, 0, "places"},
		{"15e0", 0, 15, 0, NULL}, {"0.00015e5", 0, 15, 0, NULL}, {"1.6e1", 0, 15, 0, "range"},
		{"-0.5", 0, 9, 1, "range"}, {"-0.5", -1, 9, 1, NULL}, {"-0.5", -1, -1, 1, "range"},
		{"-1.5", -1, 9, 1, "range"}, {"-1.5", -2, -1, 1, NULL}, {"0.5", 1, 9, 1, "range"},
		{"0.5", 0, 0, 1, "range"}, {"-1", -1, 9, 0, NULL}, {"-2", -1, 9, 0, "range"}, {"10", 0, 9, 0, "range"},
		{"999999999999.9999", 0, 1000000000000, 4, NULL},
		{"999999999999.99991", 0, 1000000000000, 4, "places"},
		{"999999999999.99990", 0, 1000000000000, 4, NULL},
		{"1000000000000.0000", 0, 1000000000000, 4, NULL},
		{"1000000000000.0001", 0, 1000000000000, 4, "range"},
		{"1000000000000.00000000000001", 0, 1000000000000, 4, "range"},
		{"0.10000000000000000000001", 0, 9, 4, "places"},
		{"0.1000000000000000055511151231257827", 0, 9, 4, "places"},
		{"999999999999999999", 0, BILLION_BILLIONS, 0, NULL},
		{"1000000000000000000", 0, BILLION_BILLIONS, 0, "range"},
		{"1e17", 0, BILLION_BILLIONS, 0, NULL}, {"1e18", 0, BILLION_BILLIONS, 0, "range"},
		{"-1e19", -BILLION_BILLIONS, 9, 0, "range"}, {"99999999999999999999", 0, BILLION_BILLIONS, 0, "range"},
		/* What PostgreSQL might not take. */
		{"1e99999999999999999999", 0, 9, 4, "range"}, {"1e-99999999999999999999", 0, 9, 4, "places"},
		{"0e100", 0, 9, 4, "range"}, {"0e-100", 0, 9, 4, "places"}, {"0e-99", 0, 9, 4, NULL},
		{"1e-99", 0, 9, 4, "places"}, {"1e99", 0, 9, 4, "range"},
		{"0." NOUGHTS NOUGHTS NOUGHTS, 0, 9, 4, "places"}, {"0." NOUGHTS, 0, 9, 4, NULL},
		{"1" NOUGHTS NOUGHTS NOUGHTS, 0, 9, 4, "range"}, {"1" NOUGHTS NOUGHTS NOUGHTS ".5", 0, 9, 4, "range"},
		{"", 0, 9, 4, "type"}, {"-", 0, 9, 4, "type"}, {"+1", 0, 9, 4, "type"}, {".5", 0, 9, 4, "type"},
		{"1.", 0, 9, 4, "type"}, {"01", 0, 9, 4, "type"}, {"00", 0, 9, 4, "type"}, {"1e", 0, 9, 4, "type"},
		{"1e+", 0, 9, 4, "type"}, {"1.e5", 0, 9, 4, "type"}, {"1,5", 0, 9, 4, "type"}, {" 1", 0, 9, 4, "type"},
		{"1 ", 0, 9, 4, "type"}, {"--1", 0, 9, 4, "type"}, {"1.2.3", 0, 9, 4, "type"}, {"1e5e5", 0, 9, 4, "type"},
		{"0x1", 0, 9, 4, "type"}, {"NaN", 0, 9, 4, "type"}, {"Infinity", 0, 9, 4, "type"}, {"-1-", -9, 9, 4, "type"},
		{0}
	};
	/* clang-format on */

	(void)state;
	for (const struct example *e = table; e->text != NULL; e++) {
		const char *why = number_wrong(e->text, e->least, e->most, e->places);

		if ((why == NULL) != (e->why == NULL) || (why != NULL && strcmp(why, e->why) != 0))
			fail_msg("%s: %s", e->text, why == NULL ? "good" : why);
	}
}

/* Every multiple of a ten-thousandth about the corners fits, and nothing between two of them. */
static void
ten_thousandths(void **state)
{
	static const long long corners[] = {
	    0, 10000, 99990000, 4503599627370496, 10000000000000000};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof corners / sizeof *corners; i++)
		for (long long n = corners[i] - 300; n <= corners[i] + 300; n++) {
			const char *range = n < 0 || n > 10000000000000000 ? "range" : NULL, *why;
			long long units = n < 0 ? -n : n;

			snprintf(text, sizeof text, "%s%lld.%04lld", n < 0 ? "-" : "",
			    units / 10000, units % 10000);
			why = number_wrong(text, 0, 1000000000000, 4);
			if (why != range)
				assert_string_equal(why, range);
			strncat(text, "00001", 6);
			why = number_wrong(text, 0, 1000000000000, 4);
			assert_non_null(why);
			assert_string_equal(
			    why, range != NULL || n == 10000000000000000 || (n == 0 && *text == '-')
				     ? "range"
				     : "places");
		}
}

/* Each number's text is found, whatever stands in strings and names, asked for in order or not. */
static void
texts(void **state)
{
	static const char text[] =
	    "{\"1\": 2.50, \"a\\\"3\\\\\": [-4e0, \"5\", \"\\\\\", {\"-6\": 7E+1}], \"b\": null,"
	    "\"c\": {\"8\": true, \"d\": 0.1000, \"e\": \"\\u0039\"}, \"f\": 10}";
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(root, "a\"3\\"), *c = json_object_get(root, "c");
	const json_t *all[5];
	static const char *const written[] = {"2.50", "-4e0", "7E+1", "0.1000", "10"};
	struct numbers numbers;

	(void)state;
	assert_non_null(root);
	numbers_read(r.mem, text, root, &numbers);
	assert_int_equal(numbers.n, 5);
	all[0] = json_object_get(root, "1");
	all[1] = json_array_get(list, 0);
	all[2] = json_object_get(json_array_get(list, 3), "-6");
	all[3] = json_object_get(c, "d");
	all[4] = json_object_get(root, "f");
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(numbers_text(&numbers, all[i]), written[i]);
	for (size_t i = 0; i < 25; i++)
		assert_string_equal(numbers_text(&numbers, all[i * 3 % 5]), written[i * 3 % 5]);
	assert_null(numbers_text(&numbers, json_array_get(list, 1)));
	assert_null(numbers_text(&numbers, NULL));
	json_decref(root);
	root = json_loads("{\"a\": \"1\"}", 0, NULL);
	numbers_read(r.mem, "{\"a\": \"1\"}", root, &numbers);
	assert_int_equal(numbers.n, 0);
	assert_null(numbers_text(&numbers, root));
	json_decref(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(examples),
	    cmocka_unit_test(ten_thousandths),
	    cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
