/* body.c -- a JSON body against its table: names are 400, values are 422 and wait. */
#include "body.h"
#include "fault.h"
#include "http.h"
#include "number.h"
#include "value.h"

#include <jansson.h>
#include <stdint.h>
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

static bool
text_value(struct req *r, const struct param *p, const json_t *v, const char *pointer)
{
	const char *text = json_string_value(v);
	long n;

	if (text == NULL)
		return fail_later(r, pointer, "type", "This is a text.");
	if (!body_text_good(text, json_string_length(v), p->type == AS_PROSE, &n))
		return fail_later(r, pointer, "characters", "Control characters are not stored.");
	if (n < p->least || (p->least > 0 && strspn(text, " \t\r\n") == json_string_length(v)))
		return fail_later(
		    r, pointer, "length", "At least %ld characters, not all blank.", p->least);
	if (p->most > 0 && n > p->most)
		return fail_later(r, pointer, "length", "At most %ld characters.", p->most);
	if (p->type == AS_UUID && !http_uuid(text))
		return fail_later(r, pointer, "format", "This is a UUID.");
	if (p->type == AS_TIME && !http_time(text))
		return fail_later(
		    r, pointer, "format", "This is a time as in 2026-01-31T09:30:00Z.");
	if (p->type == AS_DATE && !http_date(text))
		return fail_later(r, pointer, "format", "This is a date as in 2026-01-31.");
	if (p->type == AS_WORD && !value_word(p->words, text))
		return fail_later(r, pointer, "word", "One of: %s.", p->words);
	return true;
}

/* The texts inside an object of the client's own making, names and values. */
static bool
texts_good(const json_t *v)
{
	const char *name;
	json_t *inner;
	size_t i;
	long n;
	bool good = true;

	if (json_is_string(v))
		return body_text_good(json_string_value(v), json_string_length(v), true, &n);
	json_array_foreach (v, i, inner)
		good = good && texts_good(inner);
	json_object_foreach ((json_t *)(uintptr_t)v, name, inner)
		good = good && body_text_good(name, strlen(name), false, &n) && texts_good(inner);
	return good;
}

static bool members_good(struct req *r, struct numbers *numbers, const struct param *params,
    json_t *object, const char *at);

static bool
number_value(struct req *r, const struct param *p, const char *text, const char *pointer)
{
	const char *why = text == NULL ? "type" : number_wrong(text, p->least, p->most, p->places);

	return why == NULL || fail_later(r, pointer, why, "%s", value_number(r, p, why));
}

static bool
member_good(
    struct req *r, struct numbers *numbers, const struct param *p, json_t *v, const char *pointer)
{
	switch (p->type) {
	case AS_BOOL:
		return json_is_boolean(v) ||
		       fail_later(r, pointer, "type", "This is true or false.");
	case AS_INT:
		if (!json_is_integer(v))
			return fail_later(r, pointer, "type", "This is a whole number.");
		if (json_integer_value(v) < p->least || json_integer_value(v) > p->most)
			return fail_later(
			    r, pointer, "range", "From %ld to %ld.", p->least, p->most);
		return true;
	case AS_NUMBER:
		return number_value(r, p, numbers_text(numbers, v), pointer);
	case AS_OBJECT:
		if (!json_is_object(v))
			return fail_later(r, pointer, "type", "This is an object.");
		if (p->members != NULL)
			return members_good(r, numbers, p->members, v, pointer);
		if (p->most > 0 && json_dumpb(v, NULL, 0, JSON_COMPACT) > (size_t)p->most)
			return fail_later(r, pointer, "length", "At most %ld bytes.", p->most);
		return texts_good(v) ||
		       fail_later(r, pointer, "characters", "Control characters are not stored.");
	default:
		return text_value(r, p, v, pointer);
	}
}

static bool
list_good(
    struct req *r, struct numbers *numbers, const struct param *p, json_t *v, const char *pointer)
{
	bool good = true;
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return fail_later(r, pointer, "type", "This is a list.");
	if (json_array_size(v) > (size_t)p->items)
		return fail_later(r, pointer, "count", "At most %ld items.", p->items);
	json_array_foreach (v, i, item)
		good =
		    member_good(r, numbers, p, item, arena_print(r->mem, "%s/%zu", pointer, i)) &&
		    good;
	return good;
}

static const struct param *
find(const struct param *params, const char *name)
{
	for (const struct param *p = params; p->name != NULL; p++)
		if (p->place == IN_BODY && strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

/* A member's name in a JSON pointer (RFC 6901): ~ and / are escaped. */
static const char *
pointer_to(struct req *r, const char *at, const char *name)
{
	struct buf to = {.mem = r->mem};

	buf_text(&to, at);
	buf_char(&to, '/');
	for (; *name != '\0'; name++)
		if (*name == '~' || *name == '/')
			buf_text(&to, *name == '~' ? "~0" : "~1");
		else
			buf_char(&to, *name);
	return to.bytes;
}

/* Checks names, then values.  A member with a wrong value is taken out of the object. */
static bool
members_good(struct req *r, struct numbers *numbers, const struct param *params, json_t *object,
    const char *at)
{
	const char *name;
	json_t *v;
	void *next;
	bool good = true;

	json_object_foreach (object, name, v)
		if (find(params, name) == NULL)
			fail_at(r, 400, "unknown_member", pointer_to(r, at, name), "unknown",
			    "There is no such member.");
	if (r->fault != NULL)
		return false;
	for (const struct param *p = params; p->name != NULL; p++)
		if (p->place == IN_BODY && p->must && json_object_get(object, p->name) == NULL)
			good = fail_later(
			    r, pointer_to(r, at, p->name), "required", "This is needed.");
	json_object_foreach_safe(object, next, name, v)
	{
		const struct param *p = find(params, name);
		const char *pointer = pointer_to(r, at, name);
		bool fits = json_is_null(v)
				? !(p->must || p->solid) ||
				      fail_later(r, pointer, "required", "This cannot be null.")
			    : p->list ? list_good(r, numbers, p, v, pointer)
				      : member_good(r, numbers, p, v, pointer);
		if (!fits) {
			good = false;
			json_object_del(object, name);
		}
	}
	return good;
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

/* Whether a number stands anywhere in the table. */
static bool
counted(const struct param *params)
{
	bool found = false;

	for (const struct param *p = params; p->name != NULL && !found; p++)
		found = p->place == IN_BODY &&
			(p->type == AS_NUMBER || (p->members != NULL && counted(p->members)));
	return found;
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
	if (object != NULL && counted(params))
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
		text = r->body;
	} else if (r->fault == NULL) {
		/* What is right goes on, so that PostgreSQL can still answer 404, 403, 412 or 409. */
		char *rest = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
		text = arena_text(r->mem, rest, strlen(rest));
		free(rest);
	}
	json_decref(object);
	return text;
}
