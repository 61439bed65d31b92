/* conf_test.c -- every wrong setting by name, limits, defaults, and conf/holdfast.env in step.
 * Runs at the top of the repository. */
#include "conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

static char heard[8192];

/* Loads with stderr in heard. */
static bool
load(struct conf *conf)
{
	FILE *file = tmpfile();
	int old = dup(STDERR_FILENO);
	size_t length;
	bool good;

	dup2(fileno(file), STDERR_FILENO);
	good = conf_load(conf);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(file);
	length = fread(heard, 1, sizeof heard - 1, file);
	heard[length] = '\0';
	fclose(file);
	return good;
}

static int
setup(void **state)
{
	(void)state;
	clearenv();
	setenv("HOLDFAST_DATABASE", "host=/run password=s3cret", 1);
	setenv("HOLDFAST_KEYS", "/etc/keys", 1);
	setenv("HOLDFAST_CURSOR_KEY", "/etc/cursor", 1);
	return 0;
}

static void
defaults(void **state)
{
	struct conf conf;

	(void)state;
	memset(&conf, 0xff, sizeof conf);
	assert_true(load(&conf));
	assert_string_equal(heard, "");
	assert_string_equal(conf.database, "host=/run password=s3cret");
	assert_string_equal(conf.keys, "/etc/keys");
	assert_string_equal(conf.cursor_key, "/etc/cursor");
	assert_string_equal(conf.issuer, "holdfast");
	assert_null(conf.socket);
	assert_null(conf.user);
	assert_null(conf.signing_key);
	assert_null(conf.session_key);
	assert_int_equal(conf.workers, 0);
}

static void
everything_set(void **state)
{
	struct conf conf;

	(void)state;
	setenv("HOLDFAST_SOCKET", "/run/a.sock", 1);
	setenv("HOLDFAST_USER", "holdfast", 1);
	setenv("HOLDFAST_SIGNING_KEY", "/etc/a.pem", 1);
	setenv("HOLDFAST_SESSION_KEY", "/etc/session", 1);
	setenv("HOLDFAST_ISSUER", "crm", 1);
	setenv("HOLDFAST_WORKERS", "8", 1);
	assert_true(load(&conf));
	assert_string_equal(conf.socket, "/run/a.sock");
	assert_string_equal(conf.user, "holdfast");
	assert_string_equal(conf.signing_key, "/etc/a.pem");
	assert_string_equal(conf.session_key, "/etc/session");
	assert_string_equal(conf.issuer, "crm");
	assert_int_equal(conf.workers, 8);
}

static void
each_wrong_one_is_named(void **state)
{
	struct conf conf;

	(void)state;
	unsetenv("HOLDFAST_DATABASE");
	setenv("HOLDFAST_KEYS", "", 1);
	setenv("HOLDFAST_WORKERS", "many", 1);
	assert_false(load(&conf));
	assert_non_null(strstr(heard,
	    "\"event\":\"setting_wrong\",\"name\":\"HOLDFAST_DATABASE\",\"why\":\"missing\"}\n"));
	assert_non_null(strstr(heard, "\"name\":\"HOLDFAST_KEYS\",\"why\":\"missing\"}\n"));
	assert_non_null(
	    strstr(heard, "\"name\":\"HOLDFAST_WORKERS\",\"why\":\"not a whole number\"}\n"));
	assert_null(strstr(heard, "CURSOR"));
	unsetenv("HOLDFAST_CURSOR_KEY");
	assert_false(load(&conf));
	assert_non_null(strstr(heard, "\"name\":\"HOLDFAST_CURSOR_KEY\",\"why\":\"missing\"}\n"));
}

static void
values_stay_out_of_the_log(void **state)
{
	struct conf conf;

	(void)state;
	setenv("HOLDFAST_WORKERS", "s3cret", 1);
	assert_false(load(&conf));
	assert_null(strstr(heard, "s3cret"));
}

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		bool good;
		long is;
	} rows[] = {{"0", true, 0}, {"1", true, 1}, {"63", true, 63}, {"64", true, 64},
	    {"", true, 0}, {"65", false, 0}, {"-1", false, 0}, {"99999999999999999999", false, 0},
	    {"1x", false, 0}, {" 1", false, 0}, {"1 ", false, 0}, {"+1", false, 0},
	    {"1.0", false, 0}, {"0x1", false, 0}, {"-", false, 0}, {NULL, false, 0}};

	(void)state;
	for (size_t i = 0; rows[i].text != NULL; i++) {
		struct conf conf;

		setenv("HOLDFAST_WORKERS", rows[i].text, 1);
		assert_true(load(&conf) == rows[i].good);
		if (rows[i].good)
			assert_int_equal(conf.workers, rows[i].is);
		else
			assert_non_null(strstr(heard, "HOLDFAST_WORKERS"));
	}
}

/* conf_print and the file are the same text; so a new setting cannot be forgotten there. */
static void
the_file_is_in_step(void **state)
{
	static char printed[16384], file[16384];
	FILE *out = tmpfile();
	FILE *env = fopen("conf/holdfast.env", "r");
	int old = dup(STDOUT_FILENO);
	size_t length;

	(void)state;
	assert_non_null(env);
	fflush(stdout);
	dup2(fileno(out), STDOUT_FILENO);
	conf_print();
	fflush(stdout);
	dup2(old, STDOUT_FILENO);
	close(old);
	rewind(out);
	length = fread(printed, 1, sizeof printed - 1, out);
	printed[length] = '\0';
	length = fread(file, 1, sizeof file - 1, env);
	file[length] = '\0';
	fclose(out);
	fclose(env);
	assert_string_equal(printed, file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(defaults, setup),
	    cmocka_unit_test_setup(everything_set, setup),
	    cmocka_unit_test_setup(each_wrong_one_is_named, setup),
	    cmocka_unit_test_setup(values_stay_out_of_the_log, setup),
	    cmocka_unit_test_setup(numbers, setup),
	    cmocka_unit_test_setup(the_file_is_in_step, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
