/* secret_test.c -- secrets, seals, passwords and their times, UUIDs. */
#include "http.h"
#include "secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define SESSION "0190c7a2-0000-7000-8000-00000000000a"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define A43     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct arena *mem;
static struct secrets *one, *same, *other;

/* Secrets of a key file with this text, NULL when it is refused; in silence. */
static struct secrets *
ready(const char *text)
{
	char path[] = "/tmp/secret_test.XXXXXX";
	int fd = mkstemp(path), old = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
	struct secrets *secrets;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	dup2(null, STDERR_FILENO);
	secrets = secret_ready(&(struct conf){.session_key = *text == '\0' ? NULL : path});
	dup2(old, STDERR_FILENO);
	close(old);
	close(null);
	unlink(path);
	return secrets;
}

static int
setup(void **state)
{
#define K30 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
	(void)state;
	mem = arena_new();
	one = ready(K30 "1e1f\n");
	same = ready(K30 "1e1f");
	other = ready(K30 "1e1e");
	return one == NULL || same == NULL || other == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(mem);
	free(one);
	free(same);
	free(other);
	return 0;
}

static void
no_key(void **state)
{
	(void)state;
	assert_null(ready(""));
	assert_null(ready(K30 "1e"));
	assert_null(ready(K30 "1e1g"));
}

/* A secret: the org and 43 letters. */
static void
well_formed(const char *secret, const char *org)
{
	size_t n = strlen(org);

	assert_memory_equal(secret, org, n);
	assert_int_equal(secret[n], '.');
	assert_int_equal(strlen(secret + n + 1), 43);
	assert_int_equal(strspn(secret + n + 1, LETTERS), 43);
	assert_string_equal(secret_org(mem, secret), org);
}

static void
orgs(void **state)
{
	static const char *const bad[] = {"", ".", "." A43, "1", "1.", "1." A43 "A", "1." A43 ".",
	    "1234567890." A43, "-1." A43, "+1." A43, " 1." A43, "1 ." A43, "a." A43, "1," A43,
	    "1.=" A43, "1\n." A43, "0x1." A43, NULL};
	char text[] = "7." A43;

	(void)state;
	assert_string_equal(secret_org(mem, text), "7");
	assert_string_equal(secret_org(mem, "123456789." A43), "123456789");
	assert_string_equal(secret_org(mem, "0." A43), "0");
	for (const char *const *one_of = bad; *one_of != NULL; one_of++)
		assert_null(secret_org(mem, *one_of));
	for (int c = 1; c < 256; c++) {
		text[20] = (char)c;
		if (strchr(LETTERS, c) != NULL)
			assert_non_null(secret_org(mem, text));
		else
			assert_null(secret_org(mem, text));
	}
	text[44] = '\0';
	text[20] = 'A';
	assert_null(secret_org(mem, text));
}

static void
new_ones(void **state)
{
	(void)state;
	well_formed(secret_new(mem, "42"), "42");
	well_formed(secret_new(mem, NULL), "0");
	assert_string_not_equal(secret_new(mem, "42"), secret_new(mem, "42"));
}

/* The same session has the same secret under the same key, and under no other. */
static void
sessions(void **state)
{
	const char *secret = secret_session(one, mem, "42", SESSION);

	(void)state;
	well_formed(secret, "42");
	assert_string_equal(secret_session(same, mem, "42", SESSION), secret);
	assert_string_equal(secret_session(one, mem, "43", SESSION) + 3, secret + 3);
	assert_string_not_equal(secret_session(other, mem, "42", SESSION), secret);
	assert_string_not_equal(
	    secret_session(one, mem, "42", "0190c7a2-0000-7000-8000-00000000000b"), secret);
	well_formed(secret_session(one, mem, NULL, SESSION), "0");
}

static void
hashes(void **state)
{
	(void)state;
	/* FIPS 180-2 */
	assert_string_equal(secret_hash(mem, "abc"),
	    "\\xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(secret_hash(mem, ""),
	    "\\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
seals(void **state)
{
	const char *token = secret_new(mem, "42"), *next = secret_new(mem, "42");
	char *sealed = secret_seal(mem, token, next);
	size_t length = strlen(sealed);

	(void)state;
	assert_memory_equal(sealed, "\\x", 2);
	assert_int_equal(length, 2 + 2 * (24 + 16 + strlen(next)));
	assert_int_equal(strspn(sealed + 2, "0123456789abcdef"), length - 2);
	assert_string_equal(secret_unseal(mem, token, sealed), next);
	assert_string_not_equal(secret_seal(mem, token, next), sealed);
	assert_null(secret_unseal(mem, next, sealed));
	assert_null(secret_unseal(mem, "", sealed));
	assert_null(secret_unseal(mem, arena_print(mem, "%s ", token), sealed));
	assert_null(strstr(sealed, secret_hash(mem, next) + 2));
	for (size_t i = 0; i < length; i++) {
		char kept = sealed[i];

		sealed[i] = kept == '0' ? '1' : '0';
		assert_null(secret_unseal(mem, token, sealed));
		sealed[i] = '\0';
		assert_null(secret_unseal(mem, token, sealed));
		sealed[i] = kept;
	}
	assert_null(secret_unseal(mem, token, arena_print(mem, "%s00", sealed)));
	assert_null(secret_unseal(mem, token, arena_print(mem, "%s0", sealed)));
	assert_string_equal(secret_unseal(mem, token, sealed), next);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The shortest of some verifications, which all fail. */
static double
takes(const char *hash)
{
	double least = 60;

	for (int i = 0; i < 5; i++) {
		double began = seconds(), took;

		assert_int_equal(secret_verify(hash, "correct horse"), VERDICT_WRONG);
		took = seconds() - began;
		least = took < least ? took : least;
	}
	return least;
}

static void
passwords(void **state)
{
	const char *hash = secret_password(mem, "pass w\xc3\xb6rd");
	const char *again = secret_password(mem, "pass w\xc3\xb6rd");

	(void)state;
	assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
	assert_string_not_equal(again, hash);
	assert_int_equal(secret_verify(hash, "pass w\xc3\xb6rd"), VERDICT_RIGHT);
	assert_int_equal(secret_verify(again, "pass w\xc3\xb6rd"), VERDICT_RIGHT);
	assert_int_equal(secret_verify(hash, "pass w\xc3\xb6r"), VERDICT_WRONG);
	assert_int_equal(secret_verify(hash, "Pass w\xc3\xb6rd"), VERDICT_WRONG);
	assert_int_equal(secret_verify(hash, ""), VERDICT_WRONG);
	assert_int_equal(secret_verify("", ""), VERDICT_WRONG);
	assert_int_equal(secret_verify("!", "pass w\xc3\xb6rd"), VERDICT_WRONG);
	assert_int_equal(secret_verify(NULL, ""), VERDICT_WRONG);
	assert_int_equal(secret_verify(NULL, "pass w\xc3\xb6rd"), VERDICT_WRONG);
}

/* Who is asked about nobody must not learn it from the clock. */
static void
nobody_takes_as_long(void **state)
{
	double ratio = takes(NULL) / takes(secret_password(mem, "pass word"));

	(void)state;
	print_message("nobody / somebody: %.2f\n", ratio);
	assert_true(ratio > 0.7 && ratio < 1.43);
}

static void
uuids(void **state)
{
	char *last = secret_uuid(mem);
	struct timespec t;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &t);
	for (int i = 0; i < 1000; i++) {
		char *id = secret_uuid(mem), hex[13];
		long long ms;

		assert_true(http_uuid(id));
		assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
		assert_int_equal(id[14], '7');
		assert_non_null(strchr("89ab", id[19]));
		snprintf(hex, sizeof hex, "%.8s%.4s", id, id + 9);
		ms = strtoll(hex, NULL, 16) - ((long long)t.tv_sec * 1000 + t.tv_nsec / 1000000);
		assert_true(ms >= 0 && ms < 60000);
		assert_true(strncmp(last, id, 13) <= 0);
		assert_string_not_equal(last + 15, id + 15);
		last = id;
	}
}

static void
kept(void **state)
{
	char text[] = "abc";
	const char *copy = secret_keep(mem, text);

	(void)state;
	text[0] = 'x';
	assert_string_equal(copy, "abc");
	assert_null(secret_keep(mem, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_key),
	    cmocka_unit_test(orgs),
	    cmocka_unit_test(new_ones),
	    cmocka_unit_test(sessions),
	    cmocka_unit_test(hashes),
	    cmocka_unit_test(seals),
	    cmocka_unit_test(passwords),
	    cmocka_unit_test(nobody_takes_as_long),
	    cmocka_unit_test(uuids),
	    cmocka_unit_test(kept),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
