/* body_items_test.c -- a list of objects whose form follows from a word in them, and of which each may be refused alone. */
#include "body.h"
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UUID "0190c7a2-0000-7000-8000-00000000000a"

/* clang-format off */
static const struct param made[] = {
	{"op",   IN_BODY, AS_WORD,   .must = true, .words = "make"},
	{"name", IN_BODY, AS_TEXT,   .must = true, .least = 1, .most = 5},
	{"n",    IN_BODY, AS_NUMBER, .most = 9, .places = 2},
	{0}
};

static const struct param changed[] = {
	{"op",  IN_BODY, AS_WORD, .must = true, .words = "change"},
	{"id",  IN_BODY, AS_UUID, .must = true},
	{"tag", IN_BODY, AS_TAGS, .must = true, .least = 1, .most = 20},
	{0}
};

static const struct variant kinds[] = {{"make", made}, {"change", changed}, {0}};

static const struct param table[] = {
	{"whole", IN_BODY, AS_BOOL,   .solid = true},
	{"items", IN_BODY, AS_OBJECT, .must = true, .list = true, .items = 4, .by = "op", .variants = kinds, .apart = "whole"},
	{0}
};
/* clang-format on */

/* What goes on to PostgreSQL, or what is wrong with the whole. */
static const char *
came(const char *body)
{
	const char *text;

	r = (struct req){.mem = r.mem, .method = POST, .content_type = "application/json"};
	r.body = arena_text(r.mem, body, strlen(body));
	r.body_length = strlen(body);
	text = body_bind(&r, table);
	return r.fault != NULL ? says(r.fault) : r.pending != NULL ? says(r.pending) : text;
}

static void
the_word_chooses_the_form(void **state)
{
	static const char *const examples[][2] = {{"{\"op\":\"drop\"}", "/op word"},
	    {"{\"name\":\"x\"}", "/op required"}, {"{\"op\":7}", "/op word"},
	    {"{\"op\":null}", "/op word"}, {"7", " type"}, {"{\"op\":\"make\"}", "/name required"},
	    {"{\"op\":\"make\",\"name\":\"x\",\"n\":1.234}", "/n places"},
	    {"{\"op\":\"change\",\"id\":\"" UUID "\",\"tag\":\"v1\"}", "/tag format"},
	    {"{\"op\":\"change\",\"id\":\"" UUID "\",\"tag\":7}", "/tag type"},
	    {"{\"op\":\"change\",\"id\":\"" UUID "\",\"tag\":\"\\\"aaaaaaaaaaaaaaaaaaaaa\\\"\"}",
		"/tag length"}};
	static const char *const good[] = {"{\"op\":\"make\",\"name\":\"x\",\"n\":1.23}",
	    "{\"op\":\"change\",\"id\":\"" UUID "\",\"tag\":\"*\"}",
	    "{\"op\":\"change\",\"id\":\"" UUID "\",\"tag\":\"\\\"v1\\\", W/\\\"v2\\\"\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		assert_string_equal(came(arena_print(r.mem, "{\"items\":[%s]}", examples[i][0])),
		    arena_print(r.mem, "422 invalid_value /items/0%s", examples[i][1]));
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		const char *body = arena_print(r.mem, "{\"items\":[%s]}", good[i]);
		assert_string_equal(came(body), body);
	}
	assert_string_equal(
	    came("{\"items\":[{\"op\":\"make\",\"name\":\"x\",\"id\":\"" UUID "\"}]}"),
	    "400 unknown_member /items/0/id unknown");
}

static void
together(void **state)
{
	const char *told = "422 invalid_value /items/0/op word; /items/2/name type";
	const char *body =
	    "{\"op\":\"x\"},{\"op\":\"make\",\"name\":\"y\"},{\"op\":\"make\",\"name\":1}]";

	(void)state;
	assert_string_equal(came(arena_print(r.mem, "{\"items\":[%s}", body)), told);
	assert_string_equal(came(arena_print(r.mem, "{\"whole\":true,\"items\":[%s}", body)), told);
	assert_string_equal(came(arena_print(r.mem, "{\"whole\":null,\"items\":[%s}", body)),
	    "422 invalid_value /whole required; /items/0/op word; /items/2/name type");
	assert_null(r.apart);
}

/* What is right goes on as it was written, with the numbers of what is wrong; wherever the word stands that says so. */
static void
each_alone(void **state)
{
	const char *items =
	    "\"items\":[{\"op\":\"x\"},{\"op\":\"make\",\"name\":\"y\",\"n\":1.10},{"
	    "\"op\":\"make\",\"name\":1}]";

	(void)state;
	assert_string_equal(came(arena_print(r.mem, " { \"whole\":false, %s}", items)),
	    arena_print(r.mem, "{\"_wrong\":[0,2], \"whole\":false, %s}", items));
	assert_int_equal(r.aparts, 3);
	assert_string_equal(says(r.apart[0]), "422 invalid_value /items/0/op word");
	assert_null(r.apart[1]);
	assert_string_equal(says(r.apart[2]), "422 invalid_value /items/2/name type");
	assert_string_equal(came(arena_print(r.mem, "{%s,\"whole\":false}", items)),
	    arena_print(r.mem, "{\"_wrong\":[0,2],%s,\"whole\":false}", items));
	assert_string_equal(
	    came("{\"whole\":false,\"items\":[]}"), "{\"_wrong\":[],\"whole\":false,\"items\":[]}");
	/* Names are the whole's matter, and so is what is wrong beside the items. */
	assert_string_equal(came("{\"whole\":false,\"items\":[{\"op\":\"make\",\"x\":1}]}"),
	    "400 unknown_member /items/0/x unknown");
	assert_string_equal(
	    came("{\"whole\":false,\"items\":[1,2,3,4,5]}"), "422 invalid_value /items count");
	assert_string_equal(
	    came("{\"whole\":false,\"items\":{}}"), "422 invalid_value /items type");
	assert_string_equal(came("{\"whole\":false,\"_wrong\":[],\"items\":[]}"),
	    "400 unknown_member /_wrong unknown");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_word_chooses_the_form, setup, teardown),
	    cmocka_unit_test_setup_teardown(together, setup, teardown),
	    cmocka_unit_test_setup_teardown(each_alone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
