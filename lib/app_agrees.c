/* app_agrees.c -- another part of app.h: at start, routes against the database. */
#include "app.h"

#include <string.h>

/* The arguments of a route as its table declares them: a filter and a body are one each. */
static size_t
declared(struct arena *mem, const struct route *to, struct arg args[], const char *types[])
{
	size_t n = 0;
	bool filter = false, body = false;

	if (!to->open)
		types[n] = "text", args[n++] = (struct arg){"session", NULL};
	types[n] = "uuid", args[n++] = (struct arg){"request", NULL};
	for (const struct param *p = to->params; p->name != NULL; p++) {
		if (p->place == IN_FILE)
			continue;
		if ((p->place == IN_FILTER && filter) || (p->place == IN_BODY && body))
			continue;
		filter = filter || p->place == IN_FILTER;
		body = body || p->place == IN_BODY;
		types[n] = param_types(p);
		args[n++] = (struct arg){param_argument(mem, p), NULL};
	}
	return n;
}

static bool
among(const char *types, const char *type)
{
	size_t n = strlen(type);
	const char *at = strstr(types, type);

	return at != NULL && (at == types || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0');
}

/* Whether PostgreSQL understands every route as its table declares it. */
bool
app_agrees(struct app *app, struct db *db)
{
	struct arena *mem = arena_new();
	bool good = true;

	for (const struct route *to = app->routes; to->path != NULL; to++) {
		struct arg args[APP_ARGS];
		const char *expected[APP_ARGS], **types, *why;
		size_t n;
		if (to->fn == NULL)
			continue; /* its handler calls what it needs */
		n = declared(mem, to, args, expected);
		types = db_types(db, mem, to->fn, args, n, &why);
		if (types == NULL) {
			log_event("route_wrong", "method", http_method_name(to->method), "path",
			    to->path, "function", to->fn, "why", why, NULL);
			good = false;
		}
		for (size_t i = 0; types != NULL && i < n; i++)
			if (!among(expected[i], types[i])) {
				log_event("route_wrong", "method", http_method_name(to->method),
				    "path", to->path, "function", to->fn, "argument", args[i].name,
				    "declared", expected[i], "is", types[i], NULL);
				good = false;
			}
	}
	arena_free(mem);
	return good;
}
