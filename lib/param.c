/* param.c -- declared parameters to checked SQL arguments. */
#include "param.h"
#include "body.h"
#include "fault.h"
#include "http.h"

#include <errno.h>
#include <sodium.h>
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
    [AS_BOOL] = "boolean",
    [AS_UUID] = "uuid",
    [AS_TIME] = "timestamp with time zone",
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

static bool
word_of(const char *words, const char *word, size_t n)
{
	for (const char *at = words; n > 0 && (at = strstr(at, word)) != NULL; at += n)
		if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

static bool
wrong(struct req *r, const struct param *p, const char *why, const char *detail)
{
	return fail_at(r, 400, "invalid_parameter",
	    p->place == IN_HEAD ? p->name : arena_print(r->mem, "?%s", p->name), why, "%s", detail);
}

static bool
number_good(struct req *r, const struct param *p, const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || (*text != '-' && (*text < '0' || *text > '9')))
		return wrong(r, p, "type", "This is a whole number.");
	return (n >= p->least && n <= p->most) ||
	       wrong(r, p, "range", arena_print(r->mem, "From %ld to %ld.", p->least, p->most));
}

/* One value of the query. */
static bool
value_good(struct req *r, const struct param *p, const char *text)
{
	long n;

	switch (p->type) {
	case AS_INT:
		return number_good(r, p, text);
	case AS_BOOL:
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
		       wrong(r, p, "type", "This is true or false.");
	case AS_UUID:
		return http_uuid(text) || wrong(r, p, "format", "This is a UUID.");
	case AS_TIME:
		return http_time(text) ||
		       wrong(r, p, "format", "This is a time as in 2026-01-31T09:30:00Z.");
	case AS_WORD:
	case AS_FIELDS:
		return (strchr(text, ' ') == NULL && word_of(p->words, text, strlen(text))) ||
		       wrong(r, p, "word", arena_print(r->mem, "Of: %s.", p->words));
	default:
		return (body_text_good(text, strlen(text), false, &n) && n >= p->least &&
			   (p->most == 0 || n <= p->most)) ||
		       wrong(r, p, "length",
			   arena_print(r->mem, "From %ld to %ld characters.", p->least, p->most));
	}
}

/* The next item of a comma list, NULL behind the last; rest moves on. */
static const char *
item(struct arena *mem, const char **rest)
{
	const char *start = *rest;
	size_t n;

	if (start == NULL)
		return NULL;
	n = strcspn(start, ",");
	*rest = start[n] == ',' ? start + n + 1 : NULL;
	return arena_text(mem, start, n);
}

static bool
sort_good(struct req *r, const struct param *p, const char *text)
{
	struct buf seen = {.mem = r->mem};
	const char *rest = text, *word;

	buf_char(&seen, ' ');
	while ((word = item(r->mem, &rest)) != NULL) {
		word += *word == '-';
		if (strchr(word, ' ') != NULL || !word_of(p->words, word, strlen(word)) ||
		    word_of(seen.bytes, word, strlen(word)))
			return wrong(r, p, "word",
			    arena_print(r->mem, "Once each of: %s; - for descending.", p->words));
		buf_print(&seen, "%s ", word);
	}
	return true;
}

/* " id name " and {id,name}: the same list for the renderer and for SQL. */
static bool
fields_bind(
    struct req *r, const struct param *p, const char *text, struct bound *to, const char **value)
{
	struct buf picked = {.mem = r->mem};
	const char *rest = text, *word;

	buf_char(&picked, ' ');
	while ((word = item(r->mem, &rest)) != NULL) {
		if (!value_good(r, p, word))
			return false;
		buf_print(&picked, "%s ", word);
	}
	to->fields = picked.bytes;
	*value = arena_print(r->mem, "{%s}", text);
	return true;
}

/* The key, and what it is the key of: the same key with another request is refused. */
static bool
retry_bind(struct req *r, const struct param *p, const char *key, const char **value)
{
	crypto_generichash_state state;
	unsigned char sum[32];
	char hex[65];
	size_t n = strlen(key);

	if (n > 255 || strspn(key, "!\"#$%&'()*+,-./"
				   "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
				   "abcdefghijklmnopqrstuvwxyz{|}~") != n)
		return wrong(r, p, "format", "From 1 to 255 printable characters without blanks.");
	crypto_generichash_init(&state, NULL, 0, sizeof sum);
	crypto_generichash_update(&state, (const unsigned char *)r->path, strlen(r->path) + 1);
	crypto_generichash_update(&state, (const unsigned char *)r->body, r->body_length);
	crypto_generichash_final(&state, sum, sizeof sum);
	sodium_bin2hex(hex, sizeof hex, sum, sizeof sum);
	*value = arena_print(r->mem, "%s %s", key, hex);
	return true;
}

/* One IN_PATH, IN_QUERY or IN_HEAD row: *value becomes its argument. */
static bool
scalar_bind(
    struct req *r, const struct param *p, struct given given, struct bound *to, const char **value)
{
	const char *text = given.sent ? given.text : p->unless;

	*value = text;
	if (text == NULL)
		return !p->must ||
		       fail(r, p->place == IN_HEAD ? 428 : 400,
			   p->place == IN_HEAD ? "precondition_required" : "parameter_required",
			   "%s is needed.", p->name);
	switch (p->type) {
	case AS_TAGS:
		*value = http_tags(r->mem, text, strcmp(p->name, "if-none-match") == 0);
		return *value != NULL ||
		       wrong(r, p, "format", "This is a list of entity-tags, or *.");
	case AS_RETRY:
		return retry_bind(r, p, text, value);
	case AS_FIELDS:
		return fields_bind(r, p, text, to, value);
	case AS_SORT:
		return sort_good(r, p, text);
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
	while ((one = item(r->mem, &rest)) != NULL) {
		if (++n > p->items)
			return wrong(
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
			return wrong(r, &params[i], "duplicate", "This came twice.");
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
	bool filters = false, bodies = false, missing = false, unconditional = false;

	while (params[rows].name != NULL)
		rows++;
	given = arena_get(r->mem, (rows + 1) * sizeof *given);
	path_read(r, params, values, lengths, given);
	if (!query_read(r, params, given))
		return false;
	for (size_t i = 0; i < rows; i++)
		bodies = bodies || params[i].place == IN_BODY;
	if (bodies && (body = body_bind(r, params)) == NULL)
		return false;
	if (!bodies && (r->body_length > 0 || r->body_too_large) && r->method != GET &&
	    r->method != HEAD)
		return fail(r, 400, "unexpected_body", "Nothing is sent here.");

	to->holds = holds(r, params, route, given);
	buf_char(&filter, '{');
	for (size_t i = 0; i < rows; i++) {
		const struct param *p = &params[i];
		if (p->place == IN_BODY)
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
			return wrong(r, p, "invalid",
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
