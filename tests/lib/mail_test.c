/* mail_test.c -- a message to somebody's mailbox: its form, and that no text becomes a header of its own. */
#include "mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *mem;

static int
setup(void **state)
{
	(void)state;
	mem = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

static const struct mail usual = {"crm@a.test", "ceo@b.test",
    "0190c7a2-0000-7000-8000-00000000000a", "alert.raised", "high", "alert: 7\nrule: mass_change",
    1700000000};

static void
form(void **state)
{
	(void)state;
	assert_string_equal(mail_text(mem, &usual),
	    "Date: Tue, 14 Nov 2023 22:13:20 +0000\n"
	    "From: Holdfast <crm@a.test>\n"
	    "To: <ceo@b.test>\n"
	    "Subject: Holdfast: alert.raised, high\n"
	    "Message-ID: <0190c7a2-0000-7000-8000-00000000000a@holdfast>\n"
	    "Auto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "\n"
	    "This happened in Holdfast: alert.raised\n\n"
	    "alert: 7\nrule: mass_change\n\n"
	    "Log in and look at it there, by its id. On purpose this message has no\n"
	    "names, numbers or addresses of customers.\n");
}

static void
without(void **state)
{
	struct mail mail = usual;

	(void)state;
	mail.severity = mail.lines = NULL;
	assert_non_null(strstr(mail_text(mem, &mail), "Subject: Holdfast: alert.raised\nMessage"));
	assert_non_null(strstr(mail_text(mem, &mail), "alert.raised\n\n\n\nLog in"));
}

/* Whatever a text holds, the message has as many header lines and bytes of ASCII alone. */
static void
no_more_headers(void **state)
{
	static const char *const evil[] = {"a\r\nBcc: x@y", "a\nBcc: x@y", "a\rBcc: x@y",
	    "a\n\n.\n", "\x01\x7f", "\xe2\x80\xa8x", "M\xc3\xbcller", "a\tb", NULL};
	const char *const *text = evil;

	(void)state;
	for (; *text != NULL; text++) {
		struct mail mail = {*text, *text, *text, *text, *text, *text, 0};
		char *whole = mail_text(mem, &mail), *end = strstr(whole, "\n\n");
		int lines = 1;

		assert_non_null(end);
		for (char *c = whole; c < end; c++)
			lines += *c == '\n';
		assert_int_equal(lines, 8);
		for (char *c = whole; *c != '\0'; c++)
			assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
		assert_null(strstr(whole, "\nBcc") < end ? strstr(whole, "\nBcc") : NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(form, setup, teardown),
	    cmocka_unit_test_setup_teardown(without, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_more_headers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
