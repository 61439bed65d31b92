/* handover_test.c -- the handover page: that all of the document is there, in words, and stays text. */
#include "says.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handover_doc.h"
#include "skeleton.h"

static void
has_not(const char *html, const char *what)
{
	if (strstr(html, what) != NULL)
		fail_msg("there: %s", what);
}

static void
full(void **state)
{
	static const char *const parts[] = {"<title>Bolt &amp; Nut</title>",
	    "<h1>Bolt &amp; Nut</h1>",
	    /* Who asked and when, and the stamp. */
	    "Acme - trade secret<br>\nFor Omar Rep, "
	    "<time datetime=\"2026-11-22T14:03:59.123456+00:00\">2026-11-22 14:03 "
	    "UTC</time></header>",
	    "2026-11-22 14:03 UTC</time></footer>", "<dt>Stage</dt>\n<dd>Proposal</dd>",
	    "<dt>Owner</dt>\n<dd>Nina Rep</dd>", "<dd>EUR 1,234,567.89</dd>",
	    "<dd>b****@b***.test <small>masked</small></dd>",
	    "<dt>Region</dt>\n<dd><small>hidden</small></dd>", "<dd>+49305551</dd>",
	    "<dd>Street 1<br>\nYard</dd>", "Decides in May.<br>\nWants &lt;two&gt; offers.",
	    "<dd>key, d\xc3\xa4nisch</dd>", "<dt>seats</dt>\n<dd>2.50</dd>",
	    "<dd>12345678901234567890123</dd>", "<dt>vip</dt>\n<dd>yes</dd>",
	    "<dd>a: 1, none; b: none</dd>", "Berta Buyer</h3>\n<p>Whom to ask for first.",
	    "<dt>Proven by mail</dt>\n<dd><time datetime=\"2026-11-10T09:00:00Z\">2026-11-10 09:00 "
	    "UTC",
	    "<h3>Carl Clerk</h3>", "Nobody has been reached this way yet.",
	    "<dt>Phone</dt>\n<dd><small>hidden</small></dd>", "<dd>JPY 500,000</dd>",
	    "<time datetime=\"2027-03-31\">2027-03-31</time>", "1 offer is open",
	    "<h3>Offer 2026-0001, revision 2</h3>\n<p><strong class=\"mark\">Open</strong></p>",
	    "<td>Bolt M8</td><td class=\"number\">2.5</td><td class=\"number\">EUR 1.99</td>"
	    "<td class=\"number\">10 %</td><td class=\"number\">19 %</td>",
	    "<td class=\"number\">1000000</td><td class=\"number\">EUR 10,000,000,000.00</td>"
	    "<td class=\"number\">0 %</td><td class=\"number\">7.5 %</td>",
	    "<dd>EUR 4.48</dd>", "<dd>EUR 0.85</dd>", "<dd>EUR 5.33</dd>",
	    "<dt>Promised by</dt>\n<dd>Rita Rep</dd>",
	    "<h3>Offer 2026-0001, revision 1</h3>\n<dl>\n<dt>Status</dt>\n<dd>declined</dd>",
	    "<dd>BHD 0.005</dd>", "<dd>BHD 0.000</dd>", "<dd>BHD -1,234.567</dd>",
	    "<dd>Too dear</dd>", "It has no lines.",
	    "<td>Send samples</td><td><strong class=\"mark\">Overdue</strong> <time",
	    "<td>Call again</td><td>-</td><td>-</td><td>-</td><td><time", "The last 2 of 134.",
	    "<h3>Call, incoming: Delivery</h3>", "<h3>Email, outgoing</h3>",
	    "UTC</time>, by Rita Rep, with Berta Buyer, <strong class=\"mark\">entered "
	    "late</strong>",
	    "<p>First line<br>\nSecond line</p>", "<p>Outcome: agreed</p>",
	    "2026-11-09 09:00 +02:00</time></p>",
	    "<td>Nina Rep</td><td><time datetime=\"2026-11-01T10:00:00Z\">2026-11-01 10:00 "
	    "UTC</time></td><td>today</td>",
	    "<td>Rita Rep, api</td><td>customer tags</td><td>-</td><td>key, d\xc3\xa4nisch</td>",
	    "<td>the system</td><td>customer</td><td>none</td><td></td>",
	    "This document is complete to 72 of 100.",
	    "<li>No phone number is proven. (20 points)</li>", "<li>no_title (8 points)</li>",
	    NULL};
	const char *html = page(full_document());

	(void)state;
	skeleton(html);
	for (const char *const *part = parts; *part != NULL; part++)
		has(html, *part);
	has_not(html, "the future");
	has_not(html, "<script");
	has_not(html, "archived");
}

/* The order of a newcomer's questions, headings that a reader for the blind can walk along, nothing from
 * elsewhere, and what a phone and a printer need. */
static void
form(void **state)
{
	static const char *const headings[] = {"<h1>", "<h2>Where it stands", "<h2>Who it is",
	    "<h2>People to talk to", "<h2>Promises and next steps", "<h2>What was offered",
	    "<h2>Deals", "<h2>The last conversations", "<h2>Who was responsible",
	    "<h2>What was changed lately", "<h2>What is missing", NULL};
	const char *html = page(full_document()), *at = html, *shape = skeleton(html);

	(void)state;
	for (const char *const *heading = headings; *heading != NULL; heading++) {
		assert_non_null(at = strstr(at, *heading));
		at++;
	}
	assert_null(strstr(strstr(html, "<h1>") + 1, "<h1>"));
	has(html, "<html lang=\"en\">");
	has(html, "content=\"width=device-width, initial-scale=1\"");
	has(html, "@page{size:A4");
	has(html, "@media print");
	has(html, "header.stamp{display:table-header-group");
	has(html, "footer.stamp{display:table-footer-group");
	has(shape, "<table><thead><tr><th scope class>");
	has(shape, "<header class><br><time datetime></time></header><main><h1></h1>");
	has(shape, "</main><footer class>");
	has_not(html, "src=");
	has_not(html, "href=");
	has_not(html, "style=");
	has_not(html, "url(");
	has_not(html, "@import");
}

static void
empty(void **state)
{
	static const char *const parts[] = {"<dt>Stage</dt>\n<dd>new</dd>",
	    "<dt>Owner</dt>\n<dd>Nobody.</dd>", "No contact is known.",
	    "Nothing has been promised.", "No offer has been made.", "There is no deal.",
	    "Nobody has talked to this customer.", "Nobody was ever responsible.",
	    "Nothing was changed lately.", "complete to 100 of 100", "Nothing is missing.", NULL};
	static const char *const less[] = {"{}", "[]", "{\"customer\":null,\"offers\":{}}",
	    "{\"customer\":[],\"offers\":[null,1,\"x\"],\"contacts\":[[]],\"changes\":[7],"
	    "\"owners\":[{}],"
	    "\"next_steps\":[{}],\"conversations\":[{}],\"deals\":[{}],\"completeness\":7}",
	    NULL};
	const char *html = page(empty_document);

	(void)state;
	skeleton(html);
	for (const char *const *part = parts; *part != NULL; part++)
		has(html, *part);
	has_not(html, "<table");
	has_not(html, "masked");
	has_not(html, "null");
	/* Even what SQL never sends is a page. */
	for (const char *const *json = less; *json != NULL; json++)
		skeleton(page(*json));
}

static void
marks(void **state)
{
	const char *html =
	    page("{\"customer\":{\"name\":\"x\",\"archived_at\":\"2026-11-22T14:03:00Z\"},"
		 "\"offers\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"open_offers\":[\"a\",\"b\"]}");

	(void)state;
	has(html, "<p class=\"mark\">This customer is archived.</p>");
	has(html, "2 offers are open");
	html = page("{\"customer\":{\"value\":null,\"masked\":[\"value\"]}}");
	has(html, "<dt>Worth</dt>\n<dd><small>hidden</small></dd>");
	html = page("{\"offers\":[{\"id\":\"a\"}],\"open_offers\":[]}");
	has(html, "No offer is open.");
	has_not(html, "Open<");
}

static void
heads(void **state)
{
	const char *policy = NULL;

	(void)state;
	page(empty_document);
	for (const struct header *h = r.headers; h != NULL; h = h->next)
		if (strcmp(h->name, "Content-Security-Policy") == 0)
			policy = h->value;
	assert_non_null(policy);
	assert_memory_equal(policy, "default-src 'none'; style-src 'sha256-", 38);
	assert_non_null(
	    strstr(policy, "; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"));
	assert_null(strstr(policy, "unsafe"));
}

/* What is no document is our fault, and nothing of it is shown. */
static void
no_document(void **state)
{
	static const char *const bad[] = {"", "{", "{\"a\":1,\"a\":2}", "7", NULL};

	(void)state;
	for (const char *const *json = bad; *json != NULL; json++) {
		r = (struct req){.mem = r.mem, .status = 200, .id = "a0"};
		r.out.mem = r.mem;
		buf_text(&r.out, *json);
		handover_page(&r);
		assert_string_equal(says(r.fault), "500 internal");
		assert_null(r.headers);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(full),
	    cmocka_unit_test(form),
	    cmocka_unit_test(empty),
	    cmocka_unit_test(marks),
	    cmocka_unit_test(heads),
	    cmocka_unit_test(no_document),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
