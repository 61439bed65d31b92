/* arena_test.c -- alignment, zeroes, growth, reset and the death without memory. */
#include "arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void
zeroed_and_aligned(void **state)
{
	struct arena *mem = arena_new();

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t size = 0; size < 3000; size++) {
			unsigned char *at = arena_get(mem, size);

			assert_non_null(at);
			assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
			for (size_t i = 0; i < size; i++)
				assert_true(at[i] == 0);
			memset(at, 0xff, size);
		}
		arena_reset(mem);
	}
	arena_free(mem);
}

static void
allocations_are_apart(void **state)
{
	enum { COUNT = 2000 };
	struct arena *mem = arena_new();
	unsigned char *at[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		at[i] = arena_get(mem, i + 1);
		memset(at[i], (int)(i % 251), i + 1);
	}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k <= i; k++)
			assert_true(at[i][k] == i % 251);
	arena_free(mem);
}

/* Around the first block, the doubled ones and what has a block of its own. */
static void
all_sizes(void **state)
{
	static const size_t edges[] = {16 << 10, 32 << 10, 64 << 10, 1 << 20, 4 << 20, 0};
	struct arena *mem = arena_new();

	(void)state;
	for (const size_t *edge = edges; *edge != 0; edge++) {
		for (size_t size = *edge - 33; size <= *edge + 33; size++) {
			unsigned char *at = arena_get(mem, size);
			char *small = arena_get(mem, 1);

			assert_true(at[0] == 0 && at[size - 1] == 0);
			memset(at, 1, size);
			assert_true(*small == 0);
			if (size % 8 == 0)
				arena_reset(mem);
		}
	}
	arena_free(mem);
}

static void
reset_keeps_the_first_block(void **state)
{
	struct arena *mem = arena_new();
	void *first = arena_get(mem, 100);

	(void)state;
	for (int i = 0; i < 100; i++)
		arena_get(mem, 10000);
	arena_reset(mem);
	assert_ptr_equal(arena_get(mem, 100), first);
	arena_reset(mem);
	arena_reset(mem);
	assert_ptr_equal(arena_get(mem, 100), first);
	arena_free(mem);
	arena_free(NULL);
}

static void
texts(void **state)
{
	struct arena *mem = arena_new();
	char *text = arena_text(mem, "a\0b!", 3);
	char *longer;

	(void)state;
	assert_memory_equal(text, "a\0b", 4);
	assert_string_equal(arena_text(mem, NULL, 0), "");
	assert_string_equal(arena_print(mem, "%s-%d", "x", 7), "x-7");
	assert_string_equal(arena_print(mem, "%s", ""), "");
	longer = arena_print(mem, "%0100000d", 1);
	assert_int_equal(strlen(longer), 100000);
	assert_true(longer[99999] == '1');
	arena_free(mem);
}

/* The address sanitizer's malloc shall fail like any other. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* Whether a child that asks for size bytes aborts. */
static bool
aborts(size_t size)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit none = {0, 0};
		int null = open("/dev/null", O_WRONLY);

		setrlimit(RLIMIT_CORE, &none);
		dup2(null, STDERR_FILENO);
		arena_get(arena_new(), size);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
no_memory_no_request(void **state)
{
	(void)state;
	assert_true(aborts(SIZE_MAX));
	assert_true(aborts(SIZE_MAX - 15));
	assert_true(aborts(SIZE_MAX / 2));
	assert_true(aborts((size_t)1 << 60));
	assert_false(aborts(1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(zeroed_and_aligned),
	    cmocka_unit_test(allocations_are_apart),
	    cmocka_unit_test(all_sizes),
	    cmocka_unit_test(reset_keeps_the_first_block),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(no_memory_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
