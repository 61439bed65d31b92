/* members.c -- the members of a JSON object against their table: names are 400, values are 422 and wait. */
#include "members.h"
#include "body.h"
#include "fault.h"
#include "http.h"
#include "value.h"

#include <stdint.h>
#include <string.h>

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
	if (p->type == AS_TAGS && http_tags(r->mem, text, false) == NULL)
		return fail_later(r, pointer, "format", "This is a list of entity-tags, or *.");
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

static bool
number_value(struct req *r, const struct param *p, const char *text, const char *pointer)
{
	const char *why = text == NULL ? "type" : number_wrong(text, p->least, p->most, p->places);

	return why == NULL || fail_later(r, pointer, why, "%s", value_number(r, p, why));
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

/* An object of which a word in it says what else it holds. */
static bool
variant_good(
    struct req *r, struct numbers *numbers, const struct param *p, json_t *v, const char *pointer)
{
	const json_t *word = json_object_get(v, p->by);
	struct buf words = {.mem = r->mem};

	for (const struct variant *one = p->variants; one->word != NULL; one++) {
		if (json_is_string(word) && strcmp(json_string_value(word), one->word) == 0)
			return members_good(r, numbers, one->members, v, pointer);
		buf_print(&words, "%s%s", words.length > 0 ? " " : "", one->word);
	}
	return fail_later(r, pointer_to(r, pointer, p->by), word == NULL ? "required" : "word",
	    "One of: %s.", words.bytes);
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
		if (p->variants != NULL)
			return variant_good(r, numbers, p, v, pointer);
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

/* An item whose wrong values are its own matter: they wait in r->apart, and it fits. */
static bool
item_apart(struct req *r, struct numbers *numbers, const struct param *p, json_t *item,
    const char *pointer, size_t i)
{
	struct fault *others = r->pending;

	r->pending = NULL;
	member_good(r, numbers, p, item, pointer);
	r->apart[i] = r->pending;
	r->pending = others;
	return true;
}

static bool
list_good(struct req *r, struct numbers *numbers, const struct param *p, json_t *v,
    const char *pointer, bool apart)
{
	bool good = true;
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return fail_later(r, pointer, "type", "This is a list.");
	if (json_array_size(v) > (size_t)p->items)
		return fail_later(r, pointer, "count", "At most %ld items.", p->items);
	if (apart) {
		r->aparts = json_array_size(v);
		r->apart = arena_get(r->mem, (r->aparts + 1) * sizeof(struct fault *));
	}
	json_array_foreach (v, i, item) {
		const char *at = arena_print(r->mem, "%s/%zu", pointer, i);

		good = (apart ? item_apart(r, numbers, p, item, at, i)
			      : member_good(r, numbers, p, item, at)) &&
		       good;
	}
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

bool
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
		bool fits =
		    json_is_null(v) ? !(p->must || p->solid) ||
					  fail_later(r, pointer, "required", "This cannot be null.")
		    : p->list
			? list_good(r, numbers, p, v, pointer,
			      p->apart != NULL && json_is_false(json_object_get(object, p->apart)))
			: member_good(r, numbers, p, v, pointer);
		if (!fits) {
			good = false;
			json_object_del(object, name);
		}
	}
	return good;
}

bool
members_counted(const struct param *params)
{
	bool found = false;

	for (const struct param *p = params; p->name != NULL && !found; p++) {
		found =
		    p->place == IN_BODY &&
		    (p->type == AS_NUMBER || (p->members != NULL && members_counted(p->members)));
		for (const struct variant *one = p->variants;
		     one != NULL && one->word != NULL && !found; one++)
			found = members_counted(one->members);
	}
	return found;
}
