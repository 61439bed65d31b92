/* decode_test.c -- which encoding a text is in, and what becomes of it however it is cut. */
#include "buf.h"
#include "decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool
take(void *to, const char *bytes, size_t length)
{
	buf_bytes(to, bytes, length);
	return true;
}

static const struct {
	const char *text, *encoding;
} guesses[] = {
    {"M\xc3\xbcller", "utf-8"},
    {"\xd0\xa1\xd1\x8b\xd1\x80", "utf-8"},
    {"\xf0\x9f\x8f\xa2", "utf-8"},
    {"M\xfcller", "windows-1252"},
    {"caf\xe9 \x93na\xefve\x94 \x80 5", "windows-1252"},
    {"Gr\xf6\xdf"
     "e, M\xfcnchen, Stra\xdf"
     "e, K\xf6ln",
	"windows-1252"},
    {"Fr\xe9"
     "d\xe9rique \xc0 propos",
	"windows-1252"},
    {"\xd1\xfb\xf0\xfb \xe8 \xec\xe0\xf1\xeb\xe0", "windows-1251"},
    {"\xcc\xee\xf1\xea\xe2\xe0, \xf3\xeb. \xcb\xe5\xed\xe8\xed\xe0 5", "windows-1251"},
    /* Many whole sequences and one byte that is none: a broken file, and not one in another encoding. */
    {"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
     "M\xfcller",
	"utf-8"},
    /* Too long, a surrogate, beyond Unicode: no UTF-8. */
    {"\xc0\xaf", "windows-1252"},
    {"\xed\xa0\x80", "windows-1252"},
    {"\xf4\x90\x80\x80", "windows-1252"},
};

static void
guessed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++)
		assert_string_equal(
		    decode_guess(guesses[i].text, strlen(guesses[i].text)), guesses[i].encoding);
	/* What is cut off at the end speaks for nothing else. */
	assert_string_equal(decode_guess("M\xc3", 2), "utf-8");
	assert_string_equal(decode_guess("M\xe2\x82", 3), "utf-8");
}

static const struct {
	const char *bytes;
	size_t length;
	const char *named, *encoding, *text; /* no text: the encoding has not these bytes */
} texts[] = {
    {"abc", 3, NULL, "utf-8", "abc"},
    {"", 0, NULL, "utf-8", ""},
    {"\xef\xbb\xbf"
     "a\xc3\xbc",
	6, NULL, "utf-8", "a\xc3\xbc"},
    {"\xef\xbb\xbf"
     "a",
	4, "utf-8", "utf-8", "a"},
    {"a\xfc", 2, "windows-1252", "windows-1252", "a\xc3\xbc"},
    {"a\xfc", 2, "windows-1251", "windows-1251", "a\xd1\x8c"},
    {"\x80\x93", 2, "windows-1252", "windows-1252", "\xe2\x82\xac\xe2\x80\x9c"},
    {"\xff\xfe"
     "a\0\xfc\0",
	6, "utf-16", "utf-16", "a\xc3\xbc"},
    {"\xfe\xff\0a\0\xfc", 6, "utf-16", "utf-16", "a\xc3\xbc"},
    {"\xff\xfe\x3c\xd8\xe2\xdf", 6, "utf-16", "utf-16", "\xf0\x9f\x8f\xa2"},
    {"\xf0\x9f\x8f\xa2", 4, "utf-8", "utf-8", "\xf0\x9f\x8f\xa2"},
    {"a\xfc"
     "b",
	3, "utf-8", "utf-8", NULL},
    {"a\x81", 2, "windows-1252", "windows-1252", NULL},
    {"a\x98", 2, "windows-1251", "windows-1251", NULL},
    {"a\xc3", 2, "utf-8", "utf-8", NULL},
    {"a\xf4\x97\x97\x97", 5, "utf-8", "utf-8", NULL},
    {"a\xed\xa0\x80", 4, "utf-8", "utf-8", NULL},
    {"\xff\xfe"
     "a",
	3, "utf-16", "utf-16", NULL},
};

static void
decoded(void **state)
{
	struct arena *mem = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (size_t piece = 1; piece <= texts[i].length + 1; piece++) {
			struct buf to = {.mem = mem};
			struct decode d = {.give = take, .to = &to};
			bool good = true;

			/* What is recognised is so by the first piece that tells. */
			if (texts[i].named == NULL && piece < texts[i].length)
				continue;
			buf_text(&to, "");
			decode_begin(&d, texts[i].named);
			for (size_t at = 0; at < texts[i].length && good; at += piece) {
				size_t left = texts[i].length - at;

				good = decode_put(
				    &d, texts[i].bytes + at, left < piece ? left : piece);
			}
			good = good && decode_end(&d);
			assert_int_equal(good, texts[i].text != NULL);
			assert_int_equal(d.bad, texts[i].text == NULL);
			assert_string_equal(d.name, texts[i].encoding);
			if (texts[i].text != NULL && !(piece < 3 && texts[i].bytes[0] == '\xef'))
				assert_string_equal(to.bytes, texts[i].text);
			decode_free(&d);
		}
	arena_free(mem);
}

static bool
refuse(void *to, const char *bytes, size_t length)
{
	(void)to, (void)bytes, (void)length;
	return false;
}

static void
told_to_stop(void **state)
{
	struct decode d = {.give = refuse};

	(void)state;
	decode_begin(&d, NULL);
	assert_false(decode_put(&d, "abc", 3));
	assert_false(decode_put(&d, "a\xc3\xbc", 3));
	assert_false(d.bad);
	decode_free(&d);
}

/* Letters beyond ASCII behind a piece that has none. */
static void
recognised_late(void **state)
{
	struct arena *mem = arena_new();
	struct buf to = {.mem = mem};
	struct decode d = {.give = take, .to = &to};

	(void)state;
	decode_begin(&d, NULL);
	assert_true(decode_put(&d, "ascii ", 6));
	assert_null(d.name);
	assert_true(decode_put(&d, "M\xfcller", 6));
	assert_string_equal(d.name, "windows-1252");
	assert_string_equal(to.bytes, "ascii M\xc3\xbcller");
	decode_free(&d);
	/* What is the mark of UTF-16 at the beginning of a file is a word of Cyrillic letters behind it. */
	decode_begin(&d, NULL);
	assert_true(decode_put(&d, "ascii ", 6));
	assert_true(decode_put(&d, "\xff\xfe", 2));
	assert_string_equal(d.name, "windows-1251");
	decode_free(&d);
	decode_begin(&d, NULL);
	assert_true(decode_put(&d, "\xff\xfe\x61\0", 4));
	assert_string_equal(d.name, "utf-16");
	decode_free(&d);
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(guessed),
	    cmocka_unit_test(decoded),
	    cmocka_unit_test(told_to_stop),
	    cmocka_unit_test(recognised_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
