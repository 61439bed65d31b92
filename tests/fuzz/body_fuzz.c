/* body_fuzz.c -- libFuzzer on JSON bodies against a table with every type: a body is refused, or it is a
 * JSON object of known members, or what is left of it has no wrong value any more. */
#include "body.h"
#include "fault.h"
#include "http.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* clang-format off */
static const struct param inner[] = {
	{"ids",  IN_BODY, AS_UUID, .list = true, .items = 3},
	{"must", IN_BODY, AS_TEXT, .must = true, .most = 3},
	{"part", IN_BODY, AS_NUMBER, .most = 100, .places = 2},
	{0}
};

static const struct param made[] = {
	{"op",   IN_BODY, AS_WORD, .must = true, .words = "make"},
	{"name", IN_BODY, AS_TEXT, .must = true, .most = 8},
	{0}
};

static const struct param changed[] = {
	{"op",   IN_BODY, AS_WORD, .must = true, .words = "change"},
	{"tag",  IN_BODY, AS_TAGS, .must = true, .least = 1, .most = 20},
	{"part", IN_BODY, AS_NUMBER, .most = 100, .places = 2},
	{0}
};

static const struct variant kinds[] = {{"make", made}, {"change", changed}, {0}};

static const struct param table[] = {
	{"name", IN_BODY, AS_TEXT,   .must = true, .least = 1, .most = 8},
	{"note", IN_BODY, AS_PROSE,  .most = 8},
	{"word", IN_BODY, AS_WORD,   .words = "lead open won"},
	{"n",    IN_BODY, AS_INT,    .least = -2, .most = 1000},
	{"flag", IN_BODY, AS_BOOL,   .solid = true},
	{"id",   IN_BODY, AS_UUID,   .says = ""},
	{"at",   IN_BODY, AS_TIME,   .says = ""},
	{"day",  IN_BODY, AS_DATE,   .says = ""},
	{"x",    IN_BODY, AS_NUMBER, .list = true, .items = 9, .least = -5, .most = 1000000000000, .places = 4},
	{"free", IN_BODY, AS_OBJECT, .most = 64},
	{"tags", IN_BODY, AS_TEXT,   .list = true, .items = 4, .most = 4},
	{"in",   IN_BODY, AS_OBJECT, .members = inner},
	{"all",  IN_BODY, AS_OBJECT, .list = true, .items = 4, .by = "op", .variants = kinds, .apart = "flag"},
	{0}
};
/* clang-format on */

static void
must(bool what)
{
	if (!what)
		abort();
}

/* A refusal renders as a JSON object, whatever it quotes. */
static void
check_fault(struct req *r, int least, int most)
{
	json_t *shown;

	must(r->fault->status >= least && r->fault->status <= most);
	for (const struct fault_error *e = r->fault->errors; e != NULL; e = e->next)
		must(*e->pointer == '/' && http_utf8(e->pointer, strlen(e->pointer)));
	fault_render(r);
	shown = json_loadb(r->out.bytes, r->out.length, JSON_REJECT_DUPLICATES, NULL);
	must(json_is_object(shown));
	json_decref(shown);
}

static void
check_text(const char *name, const json_t *object, size_t bytes)
{
	const json_t *v = json_object_get(object, name);

	must(v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) <= bytes));
}

/* Of what PostgreSQL gets: an object, no foreign member, no value beyond its limit. */
static void
check_good(const char *text)
{
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *v, *n;
	const char *name;
	size_t i;

	must(json_is_object(object));
	json_object_foreach (object, name, v) {
		i = 0;
		if (strcmp(name, "_wrong") ==
		    0) { /* the numbers of wrong items, of which there are four at most */
			must(json_is_array(v) && json_array_size(v) <= 4);
			continue;
		}
		while (table[i].name != NULL && strcmp(table[i].name, name) != 0)
			i++;
		must(table[i].name != NULL);
	}
	check_text("name", object, 8 * 4);
	check_text("note", object, 8 * 4);
	check_text("word", object, 4);
	check_text("id", object, 36);
	check_text("at", object, 32);
	check_text("day", object, 10);
	n = json_object_get(object, "n");
	must(n == NULL || json_is_null(n) ||
	     (json_is_integer(n) && json_integer_value(n) >= -2 && json_integer_value(n) <= 1000));
	json_array_foreach (json_object_get(object, "x"), i, n)
		must(json_number_value(n) >= -5 && json_number_value(n) <= 1e12);
	must(json_array_size(json_object_get(object, "x")) <= 9);
	must(json_array_size(json_object_get(object, "tags")) <= 4);
	must(!json_is_null(json_object_get(object, "flag")));
	json_decref(object);
}

static const char *
bind(struct req *r, const char *body, size_t length, enum method method, const char *type)
{
	*r = (struct req){.mem = r->mem, .method = method, .content_type = type};
	r->id = "0123456789abcdef0123456789abcdef";
	r->body = arena_text(r->mem, body, length);
	r->body_length = length;
	return body_bind(r, table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char type[] = "application/json";
	struct req r = {.mem = arena_new()};
	const char *text = bind(&r, (const char *)data, size, POST, type);

	must((text == NULL) == (r.fault != NULL));
	body_text(&r, "name");
	if (r.fault != NULL) {
		check_fault(&r, 400, 400);
	} else if (r.pending == NULL) {
		must(text == r.body);
		check_good(text);
	} else {
		r.fault = r.pending;
		check_fault(&r, 422, 422);
		check_good(text);
		must(bind(&r, text, strlen(text), PATCH, type) != NULL);
		for (const struct fault_error *e = r.pending ? r.pending->errors : NULL; e != NULL;
		     e = e->next)
			must(strcmp(e->code, "required") == 0);
	}
	/* As a media type it is only ever looked at. */
	if (bind(&r, "{}", 2, PATCH, arena_text(r.mem, (const char *)data, size)) == NULL)
		check_fault(&r, 415, 415);
	arena_free(r.mem);
	return 0;
}
