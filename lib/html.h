/* html.h -- HTML, piece by piece.  Every text and every attribute's value is escaped here; tags, names of
 * attributes and styles are ours.
 *
 * What is no good character in UTF-8, and what could turn a line around (controls, bidirectional
 * overrides), becomes U+FFFD. */
#ifndef HTML_H
#define HTML_H

#include "buf.h"

/* Text between tags.  html_lines keeps its line breaks.  NULL is no text. */
void html_text(struct buf *to, const char *text);
void html_bytes(struct buf *to, const char *bytes, size_t length);
void html_lines(struct buf *to, const char *text);

/* html_open(to, "time", "datetime", value, NULL): a tag with pairs of name and value. */
void html_open(struct buf *to, const char *tag, ...) __attribute__((sentinel));
void html_close(struct buf *to, const char *tag);

/* <tag>text</tag>; nothing at all for a NULL text. */
void html_element(struct buf *to, const char *tag, const char *text);

/* A page from its doctype to the beginning of its body, and the rest.  style is a style sheet of ours. */
void html_begin(struct buf *to, const char *title, const char *style);
void html_end(struct buf *to);

/* The Content-Security-Policy of such a page: this style sheet and nothing else, from nowhere. */
const char *html_policy(struct arena *mem, const char *style);

/* A table that scrolls by itself where it is too wide.  "#Price" heads a column of numbers. Its rows
 * are tr elements of td. */
void html_table(struct buf *to, const char *const heads[]);
void html_table_end(struct buf *to);

#endif
