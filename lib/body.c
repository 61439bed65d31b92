/* body.c -- a JSON body against its table: names are 400, values are 422 and wait. */
#include "body.h"
#include "fault.h"
#include "members.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MOST 16

/* Depth is counted before jansson sees the text: its own limit is 2,048. */
static bool
shallow(const char *text, size_t length)
{
	int depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > DEPTH_MOST)
				return false;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return true;
}

bool
body_media(const struct req *r, const char *type)
{
	size_t n = strlen(type);

	return r->content_type != NULL && strncasecmp(r->content_type, type, n) == 0 &&
	       strchr("; \t", r->content_type[n]) != NULL;
}

/* Whether the body's media type is JSON; a PATCH may call it a merge patch (RFC 7396). */
static bool
media_good(const struct req *r)
{
	return body_media(r, "application/json") ||
	       (r->method == PATCH && body_media(r, "application/merge-patch+json"));
}

/* The body with the numbers of the items that are refused alone before its own members. What is right stays as it was
 * written: from jansson a fraction would come back as another one. */
static const char *
with_wrong(struct req *r)
{
	struct buf to = {.mem = r->mem};

	buf_text(&to, "{\"_wrong\":[");
	for (size_t i = 0, n = 0; i < r->aparts; i++)
		if (r->apart[i] != NULL)
			buf_print(&to, "%s%zu", n++ > 0 ? "," : "", i);
	buf_print(&to, "],%s", strchr(r->body, '{') + 1);
	return to.bytes;
}

const char *
body_bind(struct req *r, const struct param *params)
{
	const char *text = NULL;
	json_error_t error = {.line = 1};
	json_t *object = NULL;
	struct numbers numbers = {.n = 0};

	if ((r->body_length > 0 || r->body_too_large || r->content_type != NULL) &&
	    !media_good(r)) {
		fail(r, 415, "unsupported_media_type", "Send application/json.");
		return NULL;
	}
	if (r->body_too_large) {
		fail(r, 413, "body_too_large", "At most %d bytes.", BODY_MOST);
		return NULL;
	}
	if (!shallow(r->body, r->body_length)) {
		fail(r, 400, "too_deep", "At most %d levels of nesting.", DEPTH_MOST);
		return NULL;
	}
	if (strlen(r->body) == r->body_length) /* jansson skips a NUL behind a number */
		object = json_loadb(r->body, r->body_length, JSON_REJECT_DUPLICATES, &error);
	if (object != NULL && members_counted(params))
		numbers_read(r->mem, r->body, object, &numbers);
	if (object == NULL || !json_is_object(object)) {
		if (object == NULL && json_error_code(&error) == json_error_duplicate_key)
			fail(r, 400, "duplicate_member", "A member came twice, near line %d.",
			    error.line);
		else
			fail(r, 400, "malformed_json",
			    r->body_length == 0 ? "A JSON object is needed as the body."
			    : object != NULL    ? "The body is a JSON object."
						: "The body is not JSON, near line %d.",
			    error.line);
	} else if (members_good(r, &numbers, params, object, "")) {
		text = r->apart != NULL ? with_wrong(r) : r->body;
	} else if (r->fault == NULL) {
		/* What is right goes on, so that PostgreSQL can still answer 404, 403, 412 or 409. */
		char *rest = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
		text = arena_text(r->mem, rest, strlen(rest));
		free(rest);
	}
	json_decref(object);
	return text;
}
