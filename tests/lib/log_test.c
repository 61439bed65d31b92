/* log_test.c -- each event is one write, one line and valid JSON, whatever the values hold. */
#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];
static int old;
static char line[8192];

/* A datagram socket as stderr: each write is one message. */
static int
setup(void **state)
{
	(void)state;
	old = dup(STDERR_FILENO);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0)
		return -1;
	return dup2(ends[1], STDERR_FILENO) < 0;
}

static int
teardown(void **state)
{
	(void)state;
	dup2(old, STDERR_FILENO);
	close(old);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* The one message there is, without the text of the time. */
static const char *
heard(void)
{
	ssize_t length = recv(ends[0], line, sizeof line - 1, 0);
	static const char shape[] = "{\"at\":\"dddd-dd-ddTdd:dd:dd.ddddddZ\"";

	assert_true(length > 0 && length <= 4096);
	assert_true(recv(ends[0], line, sizeof line, MSG_PEEK) < 0);
	line[length] = '\0';
	assert_int_equal(strlen(line), length);
	assert_ptr_equal(strchr(line, '\n'), line + length - 1);
	for (size_t i = 0; shape[i] != '\0'; i++)
		assert_true(
		    shape[i] == 'd' ? line[i] >= '0' && line[i] <= '9' : line[i] == shape[i]);
	for (size_t i = 0; i < (size_t)length - 1; i++)
		assert_true(line[i] >= 0x20 && line[i] < 0x7f);
	return line + strlen(shape);
}

/* Behind a JSON string, or NULL. */
static const char *
string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	while (*at != '"') {
		if (*at == '\0')
			return NULL;
		if (*at != '\\')
			at++;
		else if (at[1] == 'u' && strspn(at + 2, "0123456789abcdef") >= 4)
			at += 6;
		else if (at[1] == '"' || at[1] == '\\')
			at += 2;
		else
			return NULL;
	}
	return at + 1;
}

/* The number of pairs of a flat object of strings and nulls, or -1 when it is none. */
static int
pairs(const char *at)
{
	int count = 0;

	if (*at != '{')
		return -1;
	do {
		at = string(at + 1);
		if (at == NULL || *at++ != ':')
			return -1;
		at = strncmp(at, "null", 4) == 0 ? at + 4 : string(at);
		count++;
	} while (at != NULL && *at == ',');
	return at != NULL && strcmp(at, "}\n") == 0 ? count : -1;
}

static void
plain(void **state)
{
	(void)state;
	log_event("started", NULL);
	assert_string_equal(heard(), ",\"program\":\"holdfast\",\"event\":\"started\"}\n");
	log_name("customers");
	log_event("worker_died", "pid", "17", "signal", NULL, "host", "", NULL);
	assert_string_equal(heard(),
	    ",\"program\":\"customers\",\"event\":\"worker_died\",\"pid\":\"17\","
	    "\"signal\":null,\"host\":\"\"}\n");
	assert_int_equal(pairs(line), 6);
}

static void
forging(void **state)
{
	(void)state;
	log_event("x", "v", "a\n{\"at\":\"1\",\"event\":\"login\"}\r\n", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"a\\u000a{\\\"at\\\":\\\"1\\\",\\\"event\\\":"
					"\\\"login\\\"}\\u000d\\u000a\"}\n"));
	assert_int_equal(pairs(line), 4);
	log_event("x", "v", "\",\"event\":\"y", NULL);
	heard();
	assert_int_equal(pairs(line), 4);
	log_event("x", "v", "back\\", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"back\\\\\"}\n"));
	log_event("x", "v", "\x1b[2J\x7f\t", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"\\u001b[2J\\u007f\\u0009\"}\n"));
}

static void
unicode(void **state)
{
	(void)state;
	log_event("x", "v", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"\\u00fc\\u20ac\\ud83d\\ude00\\udbff\\udfff\"}\n"));
	/* Line separators end a line for some readers. */
	log_event("x", "v", "\xe2\x80\xa8\xc2\x85", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"\\u2028\\u0085\"}\n"));
	/* Lone, overlong, surrogate, too high, cut: a sign for each byte, and the quote stays ours. */
	log_event("x", "v", "\x80\xff\xc0\xaf", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"\\ufffd\\ufffd\\ufffd\\ufffd\"}\n"));
	log_event("x", "v", "\xed\xa0\x80", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"\\ufffd\\ufffd\\ufffd\"}\n"));
	log_event("x", "v", "\xf4\x90\x80\x80", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"\\ufffd\\ufffd\\ufffd\\ufffd\"}\n"));
	log_event("x", "v", "a\xe2\x82", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"a\\ufffd\\ufffd\"}\n"));
	log_event("x", "v", "\xf0\"", NULL);
	assert_non_null(strstr(heard(), "\"v\":\"\\ufffd\\\"\"}\n"));
}

/* Every length and filling: the line stays below 4096 bytes and valid, and later pairs are seen. */
static void
cuts(void **state)
{
	static const char *const fillings[] = {"a", "\"", "\n", "\xf0\x9f\x98\x80", NULL};
	static char value[5000];

	(void)state;
	for (const char *const *fill = fillings; *fill != NULL; fill++) {
		size_t unit = strlen(*fill);

		for (size_t length = 0; length + unit < 4500; length += 37) {
			for (size_t i = 0; i < length; i++)
				value[i] = (*fill)[i % unit];
			value[length] = '\0';
			log_event("x", "v", value, "last", "here", NULL);
			assert_non_null(strstr(heard(), "\"last\":\"here\"}\n"));
			assert_int_equal(pairs(line), 5);
			log_event(
			    value, value, value, value, value, value, value, value, value, NULL);
			heard();
			assert_true(pairs(line) >= 3);
		}
	}
}

static void
exact_limit(void **state)
{
	char value[1100];

	(void)state;
	memset(value, 'a', sizeof value);
	value[1024] = '\0';
	log_event("x", "v", value, NULL);
	assert_non_null(strstr(heard(), value));
	value[1024] = 'a';
	value[1025] = '\0';
	log_event("x", "v", value, NULL);
	heard();
	assert_null(strstr(line, value));
	value[1024] = '\0';
	assert_non_null(strstr(line, value));
}

static void
numbers(void **state)
{
	const char *a = log_number(0), *b = log_number(-17), *c = log_number(INT64_MAX),
		   *d = log_number(INT64_MIN);

	(void)state;
	assert_string_equal(a, "0");
	assert_string_equal(b, "-17");
	assert_string_equal(c, "9223372036854775807");
	assert_string_equal(d, "-9223372036854775808");
}

static void
errno_stays(void **state)
{
	(void)state;
	close(STDERR_FILENO);
	errno = ENOENT;
	log_event("x", NULL);
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(plain, setup, teardown),
	    cmocka_unit_test_setup_teardown(forging, setup, teardown),
	    cmocka_unit_test_setup_teardown(unicode, setup, teardown),
	    cmocka_unit_test_setup_teardown(cuts, setup, teardown),
	    cmocka_unit_test_setup_teardown(exact_limit, setup, teardown),
	    cmocka_unit_test_setup_teardown(numbers, setup, teardown),
	    cmocka_unit_test_setup_teardown(errno_stays, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
