/* http.h -- methods, reasons, percent-decoding, path matching, dates, entity-tags, base64url:
 * pure functions over text. */
#ifndef HTTP_H
#define HTTP_H

#include "arena.h"
#include "req.h"

enum method http_method(const char *name);
const char *http_method_name(enum method method);

/* "Not Found" for 404; "" for what we never send. */
const char *http_reason(int status);

/* Percent-decodes length bytes; plus says that + is a space (a query).
 * Returns NULL for a broken escape, a NUL byte or what is not UTF-8. */
char *http_decode(struct arena *mem, const char *text, size_t length, bool plus);

/* Whether length bytes are well-formed UTF-8 (RFC 3629). */
bool http_utf8(const char *bytes, size_t length);

/* Matches a raw path against "/v1/customers/:id/history".  On a match
 * values[i] points at the i-th ":" segment in the path and lengths[i] says how
 * long it is; at most HTTP_SEGMENTS. */
#define HTTP_SEGMENTS 4
bool http_path(const char *pattern, const char *path, const char *values[], size_t lengths[]);

/* One name and value of a query string; both decoded.  at moves behind it.
 * Returns 1 for a pair, 0 at the end, -1 when it is malformed. */
int http_query(struct arena *mem, const char **at, char **name, char **value);

/* The opaque parts of an entity-tag list (RFC 9110, 8.8.3 and 13.1.1) as a
 * PostgreSQL text array literal, "*" as {"*"}.  A weak tag is left out, unless
 * weak says that it counts (If-None-Match), and so is a quoted "*", which would
 * read as the bare one.  Returns NULL when malformed. */
char *http_tags(struct arena *mem, const char *text, bool weak);

/* Whether an RFC 3339 date-time is well formed and a real date. */
bool http_time(const char *text);

/* Whether an RFC 3339 full-date is a day of the years 1900 to 9999. */
bool http_date(const char *text);

/* Whether text is a UUID in its 8-4-4-4-12 form. */
bool http_uuid(const char *text);

/* How much an Accept header wants a media type such as "application/json": 0, not at all, to 1000; NULL
 * wants each as much. */
int http_quality(const char *accept, const char *type);

/* Strict base64url without padding (RFC 4648, 5): canonical last bits, no other
 * characters.  Decode returns NULL when malformed; *length is the decoded length and a NUL follows. */
char *http_base64url(struct arena *mem, const void *bytes, size_t length);
unsigned char *http_unbase64url(
    struct arena *mem, const char *text, size_t text_length, size_t *length);

#endif
