/* param.c -- declared parameters to checked SQL arguments. */
#include "param.h"
#include "body.h"
#include "fault.h"
#include "http.h"
#include "value.h"

#include <stdlib.h>
#include <string.h>

/* What came for one row of the table. */
struct given {
	const char *text;
	bool sent;
};

static const char *const types[] = {[AS_TEXT] = "text",
    [AS_PROSE] = "text",
    [AS_WORD] = "text",
    [AS_INT] = "integer bigint",
    [AS_NUMBER] = "numeric",
    [AS_BOOL] = "boolean",
    [AS_UUID] = "uuid",
    [AS_TIME] = "timestamp with time zone",
    [AS_DATE] = "date",
    [AS_OBJECT] = "jsonb",
    [AS_TAGS] = "text[]",
    [AS_RETRY] = "text",
    [AS_CURSOR] = "jsonb",
    [AS_FIELDS] = "text[]",
    [AS_SORT] = "text"};

const char *
param_types(const struct param *p)
{
	return p->place == IN_FILTER || p->place == IN_BODY ? "jsonb" : types[p->type];
}

const char *
param_argument(struct arena *mem, const struct param *p)
{
	char *name;

	if (p->place == IN_FILTER || p->place == IN_BODY)
		return p->place == IN_FILTER ? "filter" : "body";
	if (p->sql != NULL)
		return p->sql;
	name = arena_text(mem, p->name, strlen(p->name));
	for (char *c = name; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static const char *
header(const struct req *r, const char *name)
{
	return strcmp(name, "if-match") == 0          ? r->if_match
	       : strcmp(name, "if-none-match") == 0   ? r->if_none_match
	       : strcmp(name, "idempotency-key") == 0 ? r->idempotency_key
						      : NULL;
}

/* One IN_PATH, IN_QUERY or IN_HEAD row: *value becomes its argument. */
static bool
scalar_bind(
    struct req *r, const struct param *p, struct given given, struct bound *to, const char **value)
{
	const char *text = given.sent ? given.text : p->unless;

	*value = text;
	if (text == NULL)
		return !p->must || fail(r, 400, "parameter_required", "%s is needed.", p->name);
	switch (p->type) {
	case AS_TAGS:
		*value = http_tags(r->mem, text, strcmp(p->name, "if-none-match") == 0);
		return *value != NULL ||
		       value_wrong(r, p, "format", "This is a list of entity-tags, or *.");
	case AS_RETRY:
		return value_retry(r, p, text, value);
	case AS_FIELDS:
		return value_fields(r, p, text, to, value);
	case AS_SORT:
		return value_sort(r, p, text);
	case AS_CURSOR:
		return true; /* opened when all that it is bound to is known */
	default:
		return value_good(r, p, text);
	}
}

/* One IN_FILTER row into the filter's object. */
static bool
filter_bind(struct req *r, const struct param *p, const char *text, struct buf *filter)
{
	const char *rest = text, *one;
	long n = 0;

	buf_print(
	    filter, "%s\"%s\":%s", filter->length > 1 ? "," : "", p->name, p->list ? "[" : "");
	if (!p->list) {
		buf_json(filter, text);
		return value_good(r, p, text);
	}
	while ((one = value_item(r->mem, &rest)) != NULL) {
		if (++n > p->items)
			return value_wrong(
			    r, p, "count", arena_print(r->mem, "At most %ld items.", p->items));
		if (!value_good(r, p, one))
			return false;
		if (n > 1)
			buf_char(filter, ',');
		buf_json(filter, one);
	}
	buf_char(filter, ']');
	return true;
}

static bool
query_read(struct req *r, const struct param *params, struct given given[])
{
	const char *at = r->query;
	char *name, *value;
	int more;

	while ((more = http_query(r->mem, &at, &name, &value)) == 1) {
		size_t i = 0;
		while (params[i].name != NULL &&
		       !((params[i].place == IN_QUERY || params[i].place == IN_FILTER) &&
			   strcmp(params[i].name, name) == 0))
			i++;
		if (params[i].name == NULL)
			return fail_at(r, 400, "unknown_parameter",
			    arena_print(r->mem, "?%s", name), "unknown",
			    "There is no such parameter here.");
		if (given[i].sent)
			return value_wrong(r, &params[i], "duplicate", "This came twice.");
		given[i] = (struct given){value, true};
	}
	return more == 0 || fail(r, 400, "malformed_query", "The query is not well-formed.");
}

static void
put(struct bound *to, const char *name, const char *value)
{
	if (to->n == ARGS_MOST)
		abort(); /* a table of ours is too long */
	to->args[to->n++] = (struct arg){name, value};
}

/* What a cursor is bound to: everything that chooses and orders the rows, in the table's order. */
static const char *
holds(struct req *r, const struct param *params, const char *route, const struct given given[])
{
	struct buf to = {.mem = r->mem};

	buf_print(&to, "%s %s %s", r->staff == NULL ? "" : r->staff, route, r->path);
	for (size_t i = 0; params[i].name != NULL; i++)
		if (given[i].sent && params[i].type != AS_CURSOR && params[i].type != AS_FIELDS &&
		    params[i].place != IN_PATH && strcmp(params[i].name, "limit") != 0 &&
		    strcmp(params[i].name, "count") != 0) {
			buf_print(&to, "\n%s=", params[i].name);
			buf_json(&to, given[i].text);
		}
	return to.bytes;
}

/* The path's values in the order of the table. A segment that is no id names nothing. */
static void
path_read(struct req *r, const struct param *params, const char *const values[],
    const size_t lengths[], struct given given[])
{
	for (size_t i = 0, n = 0; params[i].name != NULL; i++)
		if (params[i].place == IN_PATH) {
			given[i] =
			    (struct given){http_decode(r->mem, values[n], lengths[n], false), true};
			n++;
		} else if (params[i].place == IN_HEAD && header(r, params[i].name) != NULL) {
			given[i] = (struct given){header(r, params[i].name), true};
		}
}

bool
param_bind(struct req *r, const struct param *params, const char *route, const char *const values[],
    const size_t lengths[], const unsigned char key[CURSOR_KEY], struct bound *to)
{
	size_t rows = 0;
	struct given *given;
	struct buf filter = {.mem = r->mem};
	const char *body = NULL, *value;
	bool filters = false, bodies = false, missing = false, unconditional = false, file = false;

	while (params[rows].name != NULL)
		rows++;
	given = arena_get(r->mem, (rows + 1) * sizeof *given);
	path_read(r, params, values, lengths, given);
	if (!query_read(r, params, given))
		return false;
	for (size_t i = 0; i < rows; i++) {
		bodies = bodies || params[i].place == IN_BODY;
		file = file || params[i].place == IN_FILE;
		if (params[i].place == IN_FILE && !body_media(r, params[i].words))
			return fail(r, 415, "unsupported_media_type", "Send %s.", params[i].words);
	}
	if (bodies && (body = body_bind(r, params)) == NULL)
		return false;
	if (!bodies && !file && (r->body_length > 0 || r->body_too_large) && r->method != GET &&
	    r->method != HEAD)
		return fail(r, 400, "unexpected_body", "Nothing is sent here.");

	to->holds = holds(r, params, route, given);
	buf_char(&filter, '{');
	for (size_t i = 0; i < rows; i++) {
		const struct param *p = &params[i];
		if (p->place == IN_BODY || p->place == IN_FILE)
			continue;
		if (p->place == IN_FILTER) {
			filters = true;
			if (given[i].sent && !filter_bind(r, p, given[i].text, &filter))
				return false;
			continue;
		}
		if (p->place == IN_PATH && p->type == AS_UUID &&
		    (given[i].text == NULL || !http_uuid(given[i].text))) {
			missing = true;
			continue;
		}
		if (p->place == IN_HEAD && p->must && !given[i].sent) {
			unconditional = true; /* 428 comes behind every 400 */
			continue;
		}
		if (!scalar_bind(r, p, given[i], to, &value))
			return false;
		if (p->type == AS_CURSOR && value != NULL &&
		    (value = cursor_open(r->mem, key, to->holds, value)) == NULL)
			return value_wrong(r, p, "invalid",
			    "This cursor is not of this list, person, sort and filter.");
		put(to, param_argument(r->mem, p), value);
	}
	buf_char(&filter, '}');
	if (unconditional)
		return fail(
		    r, 428, "precondition_required", "Send If-Match with the entity-tag you read.");
	if (missing)
		return fail(r, 404, "not_found", NULL);
	if (filters)
		put(to, "filter", filter.bytes);
	if (bodies)
		put(to, "body", body);
	return true;
}
