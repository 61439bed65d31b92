/* app.h -- what a program is: routes over api functions.  All that cgi/ includes. */
#ifndef APP_H
#define APP_H

#include "batch.h"
#include "body.h"
#include "conf.h"
#include "cursor.h"
#include "db.h"
#include "fault.h"
#include "handover.h"
#include "http.h"
#include "log.h"
#include "outbox.h"
#include "param.h"
#include "render.h"
#include "req.h"
#include "token.h"

struct app;
struct route;

/* A call's arguments: session and request before those that a route declares. */
#define APP_ARGS (ARGS_MOST + 2)

/* Fills the answer of a request whose parameters are bound. */
typedef void reply_fn(
    struct app *app, struct req *r, const struct route *to, const struct bound *in);

/* Makes the answer, which is JSON, a page for people. */
typedef void page_fn(struct req *r);

/* One row of a program's table.  The api function gets session and request, then the parameters by name. */
struct route {
	enum method method;
	const char *path; /* "/v1/customers/:id": the segments go to the IN_PATH rows in order */
	const char *fn;   /* in schema api */
	const struct param *params;
	reply_fn *reply;
	int status;       /* of success, where the row has no _status */
	bool open;        /* no token, and the function takes no session */
	bool reads;       /* cancelled when the client is gone; GET always is */
	bool file;        /* the answer is a file of its own type, whatever Accept wants */
	bool strict;      /* a wrong form is refused before anything is looked for */
	page_fn *page;    /* for whoever prefers text/html, or NULL; such a row has no _etag */
	const char *says; /* the one sentence that documents it */
};

struct app {
	const char *name;
	int workers;
	long timeout_ms; /* of one statement; 0 means the usual 5,000, at most 12,000 */
	const struct route *routes;
	const char *step; /* an open api function that does a piece of waiting work, or NULL */
	int (*work)(
	    struct app *app); /* the same in C, over jobs; returns the ms to wait; or NULL */
	bool (*ready)(struct app *app); /* more to prepare at start, or NULL */
	void *own;                      /* what ready made */
	/* Set by app_main. */
	struct conf conf;
	struct tokens *tokens;
	struct db *db;
	struct db *jobs; /* the step process's own connection, with more time for a statement */
	unsigned char cursor_key[CURSOR_KEY];
};

/* Calls the route's function and renders its first row, its rows as a list, or as what became of each item of a batch. */
reply_fn reply_row;
reply_fn reply_list;
reply_fn reply_batch;

/* Takes an export's ticket, and has its file go out behind the head (download.c). A HEAD only looks. */
reply_fn reply_file;

/* Takes a CSV to be imported, part by part (upload.c); the route's function gets its header with the rest. */
reply_fn reply_upload;

/* The rows of an import that did not go in, as a CSV with what is wrong with each (refused_rows.c). */
reply_fn reply_refused_rows;

/* Calls any api function in the name of the request; NULL with r->fault set. session says whether it takes one. */
struct rows *app_call(struct app *app, struct req *r, enum call kind, bool session, const char *fn,
    const struct arg *args, size_t n);

/* Whether PostgreSQL understands every route as its table declares it; what does not agree is in the log. */
bool app_agrees(struct app *app, struct db *db);

/* Runs a program: serves; with --check compares its routes with PostgreSQL and exits; with --openapi prints
 * its part of the description; with --settings the settings. Returns the exit status, 111 when it cannot start. */
int app_main(int argc, char **argv, struct app *app);

#endif
