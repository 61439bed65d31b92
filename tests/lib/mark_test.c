/* mark_test.c -- both spellings of phones and e-mail addresses, and what bears no mark. */
#include "mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct example {
	const char *plain, *zero, *one; /* no spellings: it bears no mark */
};

static const struct example phones[] = {
    {"+49 30 9000012", "+49 30 90 000 12", "+49 30 90 00 012"},
    {"+493090000012", "+4930900 000 12", "+4930900 00 012"},
    {"+1 (212) 555-01-99", "+1 (212) 55 501 99", "+1 (212) 55 50 199"},
    {"8 (495) 12-345", "8 (495 123 45", "8 (495 12 345"},
    {"0049-30/900.0-0012", "0049-30/900 000 12", "0049-30/900 00 012"},
    {"030 / 9000 - 00 01 2", "030 / 9000 000 12", "030 / 9000 00 012"},
    {"12 34567", "12 345 67", "12 34 567"},
    {"12/-.( 34567", "12 345 67", "12 34 567"},
    {"1234567", "12 345 67", "12 34 567"},
    {"1 2 3 4 5 6 7", "1 2 345 67", "1 2 34 567"},
    {"12 345 67", "12 345 67", "12 34 567"},
    {"12 34 567", "12 345 67", "12 34 567"},
    {"123456", NULL, NULL},
    {"1 2 3 4 5 6", NULL, NULL},
    {"", NULL, NULL},
    {"+", NULL, NULL},
    {"+49 30 *****12", NULL, NULL},
    {"+49 30 9000012 ", NULL, NULL},
    {"+49 30 9000012)", NULL, NULL},
    {"+49 30 9000012.", NULL, NULL},
    {"+49 30 9000012 ext 3", NULL, NULL},
    {"+49 30 9000012 x3", NULL, NULL},
    {"+49 30 900\xc2\xa0"
     "0012",
	NULL, NULL},
    {"+7 495 1234567 \xd0\xb4\xd0\xbe\xd0\xb1. 8", NULL, NULL},
    {"1234567,12", NULL, NULL},
    {"1234567;7654321", NULL, NULL},
    {"1234567#12", NULL, NULL},
    {"1234567+12", NULL, NULL},
    {0},
};

static const struct example emails[] = {
    {"ann@example.org", "ann@example.org", "ann@Example.org"},
    {"Ann@Example.org", "Ann@example.org", "Ann@Example.org"},
    {"\"a@b\"@zed.org", "\"a@b\"@zed.org", "\"a@b\"@Zed.org"},
    {"@a", "@a", "@A"},
    {"x@Z", "x@z", "x@Z"},
    {"a***@example.org", NULL, NULL},
    {"ann@e******.org", NULL, NULL},
    {"ann@1and1.org", NULL, NULL},
    {"ann@[127.0.0.1]", NULL, NULL},
    {"ann@`a", NULL, NULL},
    {"ann@{a", NULL, NULL},
    {"ann@\xc3\xa4pfel.org", NULL, NULL},
    {"ann@", NULL, NULL},
    {"ann", NULL, NULL},
    {"", NULL, NULL},
    {0},
};

typedef const char *marker(struct buf *to, const char *plain, bool bit);

static void
all(marker *mark, const struct example *table)
{
	struct arena *mem = arena_new();
	struct buf to = {.mem = mem};

	for (const struct example *e = table; e->plain != NULL; e++) {
		const char *zero = mark(&to, e->plain, false), *one = mark(&to, e->plain, true);

		if (e->zero == NULL) {
			assert_ptr_equal(zero, e->plain);
			assert_ptr_equal(one, e->plain);
			continue;
		}
		assert_string_equal(zero, e->zero);
		assert_string_equal(one, e->one);
		/* Marking twice is marking once, so a copy of a copy still says it. */
		assert_string_equal(mark(&to, one, false), e->zero);
		assert_string_equal(mark(&to, zero, true), e->one);
	}
	arena_free(mem);
}

static void
phone_spellings(void **state)
{
	(void)state;
	all(mark_phone, phones);
}

static void
email_spellings(void **state)
{
	(void)state;
	all(mark_email, emails);
}

/* Whatever is made of a phone, its digits stay, in their order. */
static void
same_digits(void **state)
{
	static const char letters[] = "0123456789+ -/.()*x";
	struct arena *mem = arena_new();
	unsigned long seed = 7;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		struct buf to = {.mem = mem};
		char phone[24];
		size_t n = 0;
		const char *a = phone, *b;

		for (seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		     n < (seed >> 60) + 5; n++) {
			unsigned long pick = seed >> (n + 13);

			phone[n] = letters[pick % (pick & 0x300 ? 10 : sizeof letters - 1)];
		}
		phone[n] = '\0';
		b = mark_phone(&to, phone, round % 2);
		if (b != phone) {
			const char *bare = b + strlen(b) - 6;

			assert_int_equal(strspn(bare, " 0123456789"), 6);
			assert_int_equal(bare[round % 2 ? 2 : 3], ' ');
			for (; *a != '\0' && *b != '\0'; a++, b++) {
				a += strcspn(a, "0123456789");
				b += strcspn(b, "0123456789");
				assert_int_equal(*a, *b);
			}
		}
		arena_reset(mem);
	}
	arena_free(mem);
}

/* One buffer serves any number of rows. */
static void
no_growth(void **state)
{
	struct arena *mem = arena_new();
	struct buf to = {.mem = mem};
	const char *bytes = NULL;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		to.length = 0;
		assert_string_equal(mark_phone(&to, "+49 30 9000012", false), "+49 30 90 000 12");
		assert_string_equal(mark_email(&to, "a@b.org", true), "a@B.org");
		assert_true(bytes == NULL || bytes == to.bytes);
		bytes = to.bytes;
	}
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(phone_spellings),
	    cmocka_unit_test(email_spellings),
	    cmocka_unit_test(same_digits),
	    cmocka_unit_test(no_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
