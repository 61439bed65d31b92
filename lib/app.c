/* app.c -- from a request to its answer. */
#include "app.h"
#include "fcgi.h"
#include "openapi.h"

#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_MS 5000
#define STEP_MS      60000

/* The route of a path and method; 404 without one, 405 with the methods that there are. Of the table's paths the first
 * that fits counts: a word stands before the :id it would fit too. */
static const struct route *
find(struct app *app, struct req *r, const char *values[], size_t lengths[])
{
	struct buf allow = {.mem = r->mem};
	enum method method = r->method == HEAD ? GET : r->method;
	const char *path = NULL;

	for (const struct route *to = app->routes; to->path != NULL; to++) {
		if ((path != NULL && strcmp(path, to->path) != 0) ||
		    !http_path(to->path, r->path, values, lengths))
			continue;
		path = to->path;
		if (to->method == method)
			return to;
		buf_print(&allow, "%s%s%s", allow.length > 0 ? ", " : "",
		    http_method_name(to->method), to->method == GET ? ", HEAD" : "");
	}
	if (allow.length == 0) {
		fail(r, 404, "not_found", NULL);
	} else {
		fail(r, 405, "method_not_allowed", NULL);
		r->fault->allow = allow.bytes;
	}
	return NULL;
}

static bool
authorized(struct app *app, struct req *r, const struct route *to)
{
	return to->open || token_check(app->tokens, r);
}

/* Which form of the answer is wanted; as much as any other, JSON. What is open to everybody answers
 * whatever is asked for. */
static bool
acceptable(struct req *r, const struct route *to, bool *page)
{
	int json = http_quality(r->accept, "application/json");
	int html = to->page != NULL ? http_quality(r->accept, "text/html") : 0;

	*page = html > json;
	return to->open || to->file || json > 0 || html > 0 ||
	       fail(r, 406, "not_acceptable", "The answer is application/json%s.",
		   to->page != NULL ? " or text/html" : "");
}

/* Has PostgreSQL remember that somebody who proved who he is was refused: the request itself left nothing behind. Neither its query
 * nor its body is told, and the refusal goes out whatever becomes of this. */
static void
remember(struct app *app, const struct req *r, const struct route *to, const char *const values[],
    const size_t lengths[])
{
	const struct fault *f = r->fault;
	struct req own = {.mem = r->mem, .id = r->id, .sid = r->sid, .client = -1};
	const char *id = strchr(to->path, ':') == NULL
			     ? NULL
			     : http_decode(r->mem, values[0], lengths[0], false);
	const struct arg args[] = {{"method", http_method_name(r->method)}, {"path", to->path},
	    {"status", arena_print(r->mem, "%d", f->status)}, {"code", f->code},
	    {"record", id != NULL && http_uuid(id) ? id : NULL},
	    {"problem", f->status == 429 ? f->extra : NULL}};

	if (app_call(app, &own, CALL_CHANGES, true, "refused", args, 6) == NULL)
		log_event("refusal_forgotten", "request", r->id, "why", own.fault->code, NULL);
}

/* Whether a refusal is remembered: of one who may not or no longer, of what he does not see, of too much. */
static bool
telling(const struct req *r)
{
	int status = r->fault == NULL || r->sid == NULL || r->remembered ? 0 : r->fault->status;

	return status == 401 || status == 403 || status == 404 || status == 429;
}

/* The answer in its form.  Each form says that there is another. */
static void
reply(struct app *app, struct req *r, const struct route *to, const struct bound *in, bool page)
{
	r->status = to->status;
	to->reply(app, r, to, in);
	if (to->page == NULL || r->fault != NULL)
		return;
	header_add(r, "Vary", "Accept");
	if (page && r->status != 204 && r->status != 304)
		to->page(r);
}

static void
serve(void *self, struct req *r)
{
	struct app *app = self;
	struct bound in = {0};
	const struct route *to;
	const char *values[HTTP_SEGMENTS];
	size_t lengths[HTTP_SEGMENTS];
	bool page;

	if ((to = find(app, r, values, lengths)) != NULL && authorized(app, r, to) &&
	    param_bind(r, to->params, to->fn, values, lengths, app->cursor_key, &in) &&
	    acceptable(r, to, &page) && !(to->strict && r->pending != NULL))
		reply(app, r, to, &in, page);
	if (r->fault == NULL && r->pending != NULL)
		r->fault = r->pending; /* nothing that PostgreSQL says comes before it */
	if (telling(r))
		remember(app, r, to, values, lengths);
}

struct rows *
app_call(struct app *app, struct req *r, enum call kind, bool session, const char *fn,
    const struct arg *args, size_t n)
{
	struct arg all[APP_ARGS] = {{"session", r->sid}, {"request", r->id}};
	struct arg *first = session ? all : all + 1;

	for (size_t i = 0; i < n; i++)
		all[2 + i] = args[i];
	return db_call(app->db, r, kind, fn, first, n + 1 + session);
}

static struct rows *
call(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	enum call kind = to->reads || to->method == GET ? CALL_READS : CALL_CHANGES;
	struct rows *rows = app_call(app, r, kind, !to->open, to->fn, in->args, in->n);

	if (rows != NULL && rows_count(rows) == 0) {
		fail(r, 500, "internal", NULL); /* every api function returns a row or raises */
		log_event("no_rows", "function", to->fn, "request", r->id, NULL);
		return NULL;
	}
	return rows;
}

void
reply_row(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	struct rows *rows = call(app, r, to, in);

	if (rows != NULL)
		render_row(r, rows, in->fields);
}

void
reply_list(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	struct rows *rows = call(app, r, to, in);

	if (rows != NULL)
		render_list(r, rows, in->fields, in->holds, app->cursor_key);
}

void
reply_batch(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	struct rows *rows = call(app, r, to, in);

	if (rows != NULL)
		render_batch(r, rows);
}

static int
step_sql(struct app *app)
{
	struct arena *mem = arena_new();
	struct req r = {.mem = mem, .id = "00000000000000000000000000000000", .client = -1};
	struct rows *rows;
	int wait;

	rows = db_call(app->jobs, &r, CALL_READS, app->step, NULL, 0);
	wait = rows == NULL || rows_count(rows) == 0 ? 1000 : atoi(rows_get(rows, 0, app->step));
	arena_free(mem);
	return wait;
}

static int
step(void *self)
{
	struct app *app = self;
	int wait, other;

	if (app->jobs == NULL)
		app->jobs = db_new(app->conf.database, app->name, STEP_MS);
	wait = app->step != NULL ? step_sql(app) : INT_MAX;
	other = app->work != NULL ? app->work(app) : INT_MAX;
	return wait < other ? wait : other;
}

static void
shut(void *self)
{
	struct app *app = self;

	db_free(app->db);
	db_free(app->jobs);
	tokens_free(app->tokens);
	app->db = app->jobs = NULL;
	app->tokens = NULL;
}

int
app_main(int argc, char **argv, struct app *app)
{
	const struct fcgi program = {app->name, app->workers, app, serve,
	    app->step != NULL || app->work != NULL ? step : NULL, shut};
	const char *ask = argc > 1 ? argv[1] : "";
	struct db *db;
	bool good;
	int status;

	log_name(app->name);
	if (strcmp(ask, "--settings") == 0)
		return conf_print(), 0;
	if (strcmp(ask, "--openapi") == 0)
		return openapi_print(app->routes), 0;
	if (sodium_init() < 0 || !conf_load(&app->conf) ||
	    !cursor_key_read(app->conf.cursor_key, app->cursor_key) ||
	    (app->tokens = tokens_load(&app->conf)) == NULL ||
	    (app->ready != NULL && !app->ready(app)))
		return 111;
	db = db_new(app->conf.database, app->name, STATEMENT_MS);
	good = app_agrees(app, db);
	db_free(db);
	if (!good || strcmp(ask, "--check") == 0) {
		tokens_free(app->tokens);
		return good ? 0 : 111;
	}
	/* Opened by each process when it is first needed. */
	app->db = db_new(
	    app->conf.database, app->name, app->timeout_ms > 0 ? app->timeout_ms : STATEMENT_MS);
	status = fcgi_run(&program, &app->conf);
	shut(app);
	return status;
}
