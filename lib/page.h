/* page.h -- a JSON document as a page for people: its frame, and values as they read them. */
#ifndef PAGE_H
#define PAGE_H

#include "html.h"
#include "number.h"
#include "req.h"

struct page {
	struct arena *mem;
	struct buf *to;
	struct numbers numbers; /* of the document */
};

/* Makes r's answer, which is JSON, a page: r->out becomes what fill puts between header and footer,
 * both of which have the stamp, also on each sheet of paper. A document that is none is 500. */
void page_make(
    struct req *r, const char *title_member, void (*fill)(struct page *, const json_t *));

void page_section(struct page *p, const char *heading);
void page_section_end(struct page *p);

/* A paragraph of ours with values in it, of a class ("quiet", "mark", NULL for none). */
void page_say(struct page *p, const char *class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A term and its value in a dl; nothing for what is null, unless it is hidden. page_field keeps line
 * breaks, and adds whether the value is masked; page_when shows a moment or a day. */
void page_fact(struct page *p, const char *label, const char *text);
void page_field(struct page *p, const json_t *record, const char *member, const char *label);
void page_when(struct page *p, const json_t *record, const char *member, const char *label);

/* Cells of a table; "-" for NULL. */
void page_cell(struct page *p, const char *text);
void page_cell_number(struct page *p, const char *text);
void page_cell_when(struct page *p, const json_t *v);

/* "2026-11-22 14:03 UTC" in a time element. */
void page_moment(struct page *p, const json_t *v);

/* Any value as text, a number as it is written; NULL for null. */
const char *page_text(struct page *p, const json_t *v);

/* The text of a record's member, or of a member of its member ("owner", "name"). */
const char *page_member(struct page *p, const json_t *record, const char *member);
const char *page_inner(struct page *p, const json_t *record, const char *member, const char *inner);

/* Minor units as "EUR 1,234.50"; NULL for null. */
const char *page_money(struct page *p, const json_t *amount, const json_t *currency);

/* "2.5000" as "2.5". */
const char *page_decimal(struct page *p, const json_t *v);

#endif
