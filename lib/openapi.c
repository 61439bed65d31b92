/* openapi.c -- a program's routes as a part of an OpenAPI 3.1 document. */
#include "openapi.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const kinds[] = {
    [AS_INT] = "integer", [AS_NUMBER] = "number", [AS_BOOL] = "boolean", [AS_OBJECT] = "object"};
static const char *const formats[] = {
    [AS_UUID] = "uuid", [AS_TIME] = "date-time", [AS_DATE] = "date"};

static void put_members(struct buf *to, const struct param *params);

/* The words of a table as a JSON list. */
static void
put_words(struct buf *to, const char *words)
{
	buf_text(to, ",\"enum\":[");
	for (size_t n; *words != '\0'; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		buf_json_bytes(to, words, n);
		if (words[n] == ' ')
			buf_char(to, ',');
	}
	buf_char(to, ']');
}

/* The forms that an object may have. */
static void
put_variants(struct buf *to, const struct variant *variants)
{
	const char *comma = "";

	buf_text(to, ",\"oneOf\":[");
	for (const struct variant *one = variants; one->word != NULL; one++, comma = ",") {
		buf_print(to, "%s{\"title\":\"%s\",\"type\":\"object\"", comma, one->word);
		put_members(to, one->members);
		buf_char(to, '}');
	}
	buf_char(to, ']');
}

static void
put_schema(struct buf *to, const struct param *p)
{
	const char *kind = (size_t)p->type < sizeof kinds / sizeof *kinds && kinds[p->type] != NULL
			       ? kinds[p->type]
			       : "string";

	if (p->list)
		buf_print(to, "{\"type\":\"array\",\"maxItems\":%ld,\"items\":", p->items);
	buf_print(to, "{\"type\":\"%s\"", kind);
	if ((size_t)p->type < sizeof formats / sizeof *formats && formats[p->type] != NULL)
		buf_print(to, ",\"format\":\"%s\"", formats[p->type]);
	if (p->type == AS_INT || p->type == AS_NUMBER)
		buf_print(to, ",\"minimum\":%ld,\"maximum\":%ld", p->least, p->most);
	else if (p->type == AS_TEXT || p->type == AS_PROSE)
		buf_print(to, ",\"minLength\":%ld,\"maxLength\":%ld", p->least, p->most);
	if (p->type == AS_NUMBER)
		buf_print(to, ",\"multipleOf\":%s%0*d", p->places > 0 ? "0." : "", p->places, 1);
	if (p->type == AS_WORD)
		put_words(to, p->words);
	if (p->unless != NULL) {
		buf_text(to, ",\"default\":");
		if (p->type == AS_INT || p->type == AS_NUMBER || p->type == AS_BOOL)
			buf_text(to, p->unless);
		else
			buf_json(to, p->unless);
	}
	if (p->members != NULL)
		put_members(to, p->members);
	if (p->variants != NULL)
		put_variants(to, p->variants);
	buf_char(to, '}');
	if (p->list)
		buf_char(to, '}');
}

/* "properties" and "required" of a body or of an object in it. */
static void
put_members(struct buf *to, const struct param *params)
{
	const char *comma = "";

	buf_text(to, ",\"additionalProperties\":false,\"properties\":{");
	for (const struct param *p = params; p->name != NULL; p++)
		if (p->place == IN_BODY) {
			buf_print(to, "%s\"%s\":{\"description\":", comma, p->name);
			buf_json(to, p->says);
			buf_text(to, ",\"allOf\":[");
			put_schema(to, p);
			buf_text(to, "]}");
			comma = ",";
		}
	buf_text(to, "},\"required\":[");
	comma = "";
	for (const struct param *p = params; p->name != NULL; p++)
		if (p->place == IN_BODY && p->must) {
			buf_print(to, "%s\"%s\"", comma, p->name);
			comma = ",";
		}
	buf_char(to, ']');
}

static void
put_parameters(struct buf *to, const struct param *params)
{
	static const char *const places[] = {
	    [IN_PATH] = "path", [IN_QUERY] = "query", [IN_FILTER] = "query", [IN_HEAD] = "header"};
	const char *comma = "";

	buf_text(to, ",\"parameters\":[");
	for (const struct param *p = params; p->name != NULL; p++)
		if (p->place != IN_BODY && p->place != IN_FILE) {
			buf_print(to,
			    "%s{\"name\":\"%s\",\"in\":\"%s\",\"required\":%s,\"description\":",
			    comma, p->name, places[p->place], p->must ? "true" : "false");
			buf_json(to, p->says);
			buf_print(to, "%s,\"schema\":", p->list ? ",\"explode\":false" : "");
			put_schema(to, p);
			buf_char(to, '}');
			comma = ",";
		}
	buf_char(to, ']');
}

/* The first row of a place, or NULL. */
static const struct param *
first(const struct param *params, enum place place)
{
	for (const struct param *p = params; p->name != NULL; p++)
		if (p->place == place)
			return p;
	return NULL;
}

static void
put_route(struct buf *to, const struct route *route)
{
	char name[8];
	const struct param *file;

	snprintf(name, sizeof name, "%s", http_method_name(route->method));
	for (char *c = name; *c != '\0'; c++)
		*c = (char)(*c | 0x20);
	buf_print(to, "\"%s\":{\"summary\":", name);
	buf_json(to, route->says);
	if (route->open)
		buf_text(to, ",\"security\":[]");
	put_parameters(to, route->params);
	if ((file = first(route->params, IN_FILE)) != NULL) {
		buf_print(to,
		    ",\"requestBody\":{\"required\":true,\"content\":{\"%s\":{\"schema\":{"
		    "\"type\":\"string\",\"description\":",
		    file->words);
		buf_json(to, file->says);
		buf_text(to, "}}}}");
	}
	if (first(route->params, IN_BODY) != NULL) {
		buf_text(to, ",\"requestBody\":{\"required\":true,\"content\":{\"application/"
			     "json\":{\"schema\":{\"type\":\"object\"");
		put_members(to, route->params);
		buf_text(to, "}}}}");
	}
	buf_print(to, ",\"responses\":{\"%d\":{\"description\":", route->status);
	buf_json(to, http_reason(route->status));
	if (route->page != NULL)
		buf_text(to, ",\"content\":{\"application/json\":{},\"text/html\":{\"schema\":"
			     "{\"type\":\"string\"}}}");
	if (route->file)
		buf_print(to, ",\"content\":{\"text/csv\":{}%s}",
		    route->reply != reply_file
			? ""
			: ",\"application/x-ndjson\":{},\"application/vnd."
			  "openxmlformats-officedocument.spreadsheetml.sheet\":{}");
	buf_text(to, "},\"default\":{\"$ref\":\"#/components/responses/problem\"}}}");
}

/* "/v1/customers/:id" as "/v1/customers/{id}". */
static void
put_path(struct buf *to, const char *path)
{
	buf_char(to, '"');
	for (; *path != '\0'; path++) {
		if (*path != ':') {
			buf_char(to, *path);
			continue;
		}
		buf_char(to, '{');
		while (path[1] != '/' && path[1] != '\0')
			buf_char(to, *++path);
		buf_char(to, '}');
	}
	buf_char(to, '"');
}

/* Whether a route before this one has the same path: its methods are grouped there. */
static bool
told(const struct route *routes, const struct route *route)
{
	for (const struct route *to = routes; to < route; to++)
		if (strcmp(to->path, route->path) == 0)
			return true;
	return false;
}

void
openapi_print(const struct route *routes)
{
	struct arena *mem = arena_new();
	struct buf to = {.mem = mem};

	for (const struct route *route = routes; route->path != NULL; route++) {
		const char *comma = "";
		if (told(routes, route))
			continue;
		if (route > routes)
			buf_text(&to, ",\n");
		put_path(&to, route->path);
		buf_text(&to, ":{");
		for (const struct route *same = route; same->path != NULL; same++)
			if (strcmp(same->path, route->path) == 0) {
				buf_text(&to, comma);
				put_route(&to, same);
				comma = ",";
			}
		buf_char(&to, '}');
	}
	puts(to.bytes);
	arena_free(mem);
}
