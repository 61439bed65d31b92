/* cursor_test.c -- a cursor opens for what it was signed for and nothing else; key files. */
#include "cursor.h"
#include "http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

static struct arena *mem;
static unsigned char key[CURSOR_KEY];
static const char bound[] = "0190-ada /v1/customers stage=open";
static const char position[] = "[\"2026-11-21T09:00:00.000000Z\",\"0190c7a2\"]";

static int
setup(void **state)
{
	(void)state;
	mem = arena_new();
	for (size_t i = 0; i < CURSOR_KEY; i++)
		key[i] = (unsigned char)(i * 7);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

static void
round_trip(void **state)
{
	const char *text = cursor_sign(mem, key, bound, position);

	(void)state;
	assert_string_equal(cursor_open(mem, key, bound, text), position);
	assert_int_equal(
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
	    strlen(text));
	assert_string_equal(cursor_open(mem, key, "", cursor_sign(mem, key, "", "")), "");
}

static void
bound_to_one(void **state)
{
	const char *text = cursor_sign(mem, key, bound, position);
	unsigned char other[CURSOR_KEY];

	(void)state;
	assert_null(cursor_open(mem, key, "0190-bob /v1/customers stage=open", text));
	assert_null(cursor_open(mem, key, "0190-ada /v1/customers stage=won", text));
	assert_null(cursor_open(mem, key, "", text));
	for (size_t i = 0; i < CURSOR_KEY; i++) {
		memcpy(other, key, sizeof other);
		other[i] ^= 1;
		assert_null(cursor_open(mem, other, bound, text));
	}
}

/* "ab" + "cd" and "abc" + "d" are the same bytes in a row, and must not have the same tag. */
static void
no_sliding(void **state)
{
	const char *text = cursor_sign(mem, key, "ab", "cd");
	size_t length;
	unsigned char *bytes = http_unbase64url(mem, text, strlen(text), &length);

	(void)state;
	assert_int_equal(length, 18);
	bytes[16] = 'd';
	assert_null(cursor_open(mem, key, "abc", http_base64url(mem, bytes, 17)));
	assert_memory_not_equal(
	    bytes, http_unbase64url(mem, cursor_sign(mem, key, "abc", "d"), 23, &length), 16);
}

static void
every_flipped_bit(void **state)
{
	const char *text = cursor_sign(mem, key, bound, position);
	size_t length;
	unsigned char *bytes = http_unbase64url(mem, text, strlen(text), &length);

	(void)state;
	for (size_t i = 0; i < length * 8; i++) {
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_null(cursor_open(mem, key, bound, http_base64url(mem, bytes, length)));
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	for (size_t cut = 0; cut < length; cut++)
		assert_null(cursor_open(mem, key, bound, http_base64url(mem, bytes, cut)));
	assert_non_null(cursor_open(mem, key, bound, http_base64url(mem, bytes, length)));
}

static void
malformed(void **state)
{
	const char *good = cursor_sign(mem, key, bound, position);

	(void)state;
	assert_null(cursor_open(mem, key, bound, ""));
	assert_null(cursor_open(mem, key, bound, "*"));
	assert_null(cursor_open(mem, key, bound, "AAAA"));
	assert_null(cursor_open(mem, key, bound, arena_print(mem, "%s=", good)));
	assert_null(cursor_open(mem, key, bound, arena_print(mem, " %s", good)));
	assert_null(cursor_open(mem, key, bound, arena_print(mem, "%s\n", good)));
}

static void
longest(void **state)
{
	char long_position[3100];
	const char *text;
	int old = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	memset(long_position, 'a', sizeof long_position);
	long_position[3056] = '\0';
	text = cursor_sign(mem, key, bound, long_position);
	assert_int_equal(strlen(text), 4096);
	assert_string_equal(cursor_open(mem, key, bound, text), long_position);
	long_position[3056] = 'a';
	long_position[3057] = '\0';
	dup2(null, STDERR_FILENO);
	text = cursor_sign(mem, key, bound, long_position);
	dup2(old, STDERR_FILENO);
	close(null);
	close(old);
	assert_true(strlen(text) > 4096);
	assert_null(cursor_open(mem, key, bound, text));
}

/* Writes the text as a key file and reads it as a key; what was logged goes to said. */
static bool
reads(const char *text, size_t length, unsigned char out[CURSOR_KEY], char said[1024])
{
	char path[] = "/tmp/cursor_test.XXXXXX";
	int fd = mkstemp(path);
	FILE *log = tmpfile();
	int old = dup(STDERR_FILENO);
	size_t heard;
	bool good;

	assert_int_equal(write(fd, text, length), length);
	close(fd);
	dup2(fileno(log), STDERR_FILENO);
	good = cursor_key_read(path, out);
	dup2(old, STDERR_FILENO);
	close(old);
	unlink(path);
	rewind(log);
	heard = fread(said, 1, 1023, log);
	said[heard] = '\0';
	fclose(log);
	return good;
}

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"

static void
key_files(void **state)
{
	static const char *const bad[] = {"", "00", HEX "\n\n", HEX "0", HEX "00", HEX " ", " " HEX,
	    HEX "\r\n", "g" HEX, "00:01" HEX, HEX HEX, NULL};
	unsigned char out[CURSOR_KEY];
	char said[1024];

	(void)state;
	assert_true(reads(HEX, 64, out, said));
	assert_string_equal(said, "");
	for (size_t i = 0; i < CURSOR_KEY; i++)
		assert_int_equal(out[i], i);
	assert_true(reads(HEX "\n", 65, out, said));
	for (size_t length = 0; length < 64; length++)
		assert_false(reads(HEX, length, out, said));
	for (const char *const *text = bad; *text != NULL; text++) {
		assert_false(reads(*text, strlen(*text), out, said));
		assert_non_null(strstr(said, "\"event\":\"key_wrong\""));
		assert_null(strstr(said, "0a0b0c"));
	}
	assert_false(reads(
	    "g00102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F", 64, out, said));
	assert_non_null(strstr(said, "not 64 hex digits"));
}

static void
no_key_file(void **state)
{
	unsigned char out[CURSOR_KEY];
	int old = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	dup2(null, STDERR_FILENO);
	assert_false(cursor_key_read("/nonexistent/key", out));
	assert_false(cursor_key_read("/tmp", out));
	dup2(old, STDERR_FILENO);
	close(null);
	close(old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(round_trip, setup, teardown),
	    cmocka_unit_test_setup_teardown(bound_to_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_sliding, setup, teardown),
	    cmocka_unit_test_setup_teardown(every_flipped_bit, setup, teardown),
	    cmocka_unit_test_setup_teardown(malformed, setup, teardown),
	    cmocka_unit_test_setup_teardown(longest, setup, teardown),
	    cmocka_unit_test_setup_teardown(key_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_key_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
