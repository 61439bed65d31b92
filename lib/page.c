/* page.c -- a JSON document as a page for people. */
#include "page.h"
#include "fault.h"
#include "http.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

/* One column, for a phone as for A4. On paper header and footer stand on every sheet. */
/* clang-format off */
static const char style[] =
	"*{box-sizing:border-box}"
	"body{margin:0 auto;max-width:46rem;padding:0 1rem;background:#fff;color:#1a1a1a;"
	"font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
	"h1{font-size:1.6rem;line-height:1.2;margin:1rem 0 .3rem}"
	"h2{font-size:1.2rem;margin:2rem 0 .5rem;padding-bottom:.2rem;border-bottom:1px solid #888}"
	"h3{font-size:1rem;margin:1.2rem 0 .2rem}"
	"h1,h2,h3,p,dd,td{unicode-bidi:plaintext}"
	"p,dl{margin:.3rem 0}"
	"dl{display:grid;grid-template-columns:minmax(6rem,10rem) 1fr;gap:.2rem 1rem}"
	"dt,.quiet,small{color:#555}"
	"dd{margin:0}"
	".wide{overflow-x:auto}"
	"table{border-collapse:collapse;width:100%;font-size:.9rem}"
	"th,td{padding:.3rem .5rem;border-bottom:1px solid #ccc;text-align:start;vertical-align:top}"
	"td{min-width:4rem}"
	".number{text-align:end;white-space:nowrap;font-variant-numeric:tabular-nums}"
	".mark{padding:0 .3rem;border:1px solid;font-weight:bold}"
	".stamp{padding:.3rem 0;color:#555;font-size:.8rem}"
	"footer.stamp{margin-top:2rem;border-top:1px solid #888}"
	"@media(max-width:30rem){dl{display:block}dd{margin-bottom:.4rem}}"
	"@media print{@page{size:A4;margin:14mm}"
	"body{display:table;width:100%;max-width:none;padding:0;font-size:10pt}"
	"header.stamp{display:table-header-group;break-inside:avoid}"
	"main{display:table-row-group}"
	"footer.stamp{display:table-footer-group;break-inside:avoid}"
	".wide{overflow:visible}"
	"h1,h2,h3{break-after:avoid}"
	"tr,dt,dd{break-inside:avoid}"
	"dl,dd,small,.quiet,.stamp{color:#000}}";
/* clang-format on */

static void
stamp(struct page *p, const char *tag, const json_t *doc)
{
	html_open(p->to, tag, "class", "stamp", NULL);
	html_text(p->to, page_member(p, doc, "classification"));
	buf_text(p->to, "<br>\nFor ");
	html_text(p->to, page_inner(p, doc, "generated_for", "name"));
	buf_text(p->to, ", ");
	page_moment(p, json_object_get(doc, "generated_at"));
	html_close(p->to, tag);
}

void
page_make(struct req *r, const char *title_member, void (*fill)(struct page *, const json_t *))
{
	/* Numbers are read by their text, so that none is too large. */
	json_t *doc = json_loadb(
	    r->out.bytes, r->out.length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
	struct buf to = {.mem = r->mem};
	struct page p = {r->mem, &to, {.n = 0}};
	const char *title;

	if (doc == NULL) {
		fail(r, 500, "internal", NULL);
		log_event("no_document", "request", r->id, NULL);
		return;
	}
	numbers_read(r->mem, r->out.bytes, doc, &p.numbers);
	title = page_inner(&p, doc, title_member, "name");
	html_begin(&to, title == NULL ? "" : title, style);
	stamp(&p, "header", doc);
	buf_text(&to, "<main>\n");
	html_element(&to, "h1", title);
	fill(&p, doc);
	buf_text(&to, "</main>\n");
	stamp(&p, "footer", doc);
	html_end(&to);
	json_decref(doc);
	r->out = to;
	r->type = "text/html; charset=utf-8";
	header_add(r, "Content-Security-Policy", html_policy(r->mem, style));
	header_add(r, "Referrer-Policy", "no-referrer");
}

void
page_section(struct page *p, const char *heading)
{
	buf_text(p->to, "<section>\n");
	html_element(p->to, "h2", heading);
}

void
page_section_end(struct page *p)
{
	html_close(p->to, "section");
}

void
page_say(struct page *p, const char *class, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* A NULL class ends the pairs before they begin. */
	html_open(p->to, "p", class == NULL ? NULL : "class", class, NULL);
	html_text(p->to, arena_vprint(p->mem, format, args));
	html_close(p->to, "p");
	va_end(args);
}

void
page_fact(struct page *p, const char *label, const char *text)
{
	if (text == NULL)
		return;
	html_element(p->to, "dt", label);
	buf_text(p->to, "<dd>");
	html_lines(p->to, text);
	html_close(p->to, "dd");
}

/* Whether a record's list of masked members has this one. */
static bool
masked(const json_t *record, const char *member)
{
	const json_t *list = json_object_get(record, "masked"), *one;
	size_t i;
	bool found = false;

	json_array_foreach (list, i, one) {
		found =
		    found || (json_is_string(one) && strcmp(json_string_value(one), member) == 0);
	}
	return found;
}

void
page_field(struct page *p, const json_t *record, const char *member, const char *label)
{
	const char *text = page_member(p, record, member);
	bool mask = masked(record, member);

	if (text == NULL && !mask)
		return;
	html_element(p->to, "dt", label);
	buf_text(p->to, "<dd>");
	html_lines(p->to, text);
	if (mask)
		buf_text(p->to, text == NULL ? "<small>hidden</small>" : " <small>masked</small>");
	html_close(p->to, "dd");
}

void
page_moment(struct page *p, const json_t *v)
{
	const char *text = page_text(p, v), *zone;

	if (text == NULL)
		return;
	if (!http_time(text) && !http_date(text)) {
		html_text(p->to, text);
		return;
	}
	html_open(p->to, "time", "datetime", text, NULL);
	if (http_date(text)) {
		html_text(p->to, text);
	} else {
		zone = text + 10 + strcspn(text + 10, "Z+-");
		buf_print(p->to, "%.10s %.5s %s", text, text + 11,
		    strcmp(zone, "Z") == 0 || strcmp(zone + 1, "00:00") == 0 ? "UTC" : zone);
	}
	buf_text(p->to, "</time>");
}

void
page_when(struct page *p, const json_t *record, const char *member, const char *label)
{
	const json_t *v = json_object_get(record, member);

	if (v == NULL || json_is_null(v))
		return;
	html_element(p->to, "dt", label);
	buf_text(p->to, "<dd>");
	page_moment(p, v);
	html_close(p->to, "dd");
}

void
page_cell(struct page *p, const char *text)
{
	buf_text(p->to, "<td>");
	html_lines(p->to, text == NULL ? "-" : text);
	buf_text(p->to, "</td>");
}

void
page_cell_number(struct page *p, const char *text)
{
	buf_text(p->to, "<td class=\"number\">");
	html_text(p->to, text == NULL ? "-" : text);
	buf_text(p->to, "</td>");
}

void
page_cell_when(struct page *p, const json_t *v)
{
	if (v == NULL || json_is_null(v)) {
		page_cell(p, NULL);
		return;
	}
	buf_text(p->to, "<td>");
	page_moment(p, v);
	buf_text(p->to, "</td>");
}
