/* param.h -- declared parameters to checked SQL arguments.  What a table does not name does not exist. */
#ifndef PARAM_H
#define PARAM_H

#include "arg.h"
#include "cursor.h"
#include "req.h"

enum place { IN_NOWHERE, IN_PATH, IN_QUERY, IN_FILTER, IN_HEAD, IN_BODY, IN_FILE };

enum type {
	AS_TEXT,   /* one line */
	AS_PROSE,  /* several lines */
	AS_WORD,   /* one of words */
	AS_INT,    /* least..most */
	AS_NUMBER, /* decimal, least..most with at most so many places */
	AS_BOOL,
	AS_UUID,
	AS_TIME,   /* RFC 3339 */
	AS_DATE,   /* the same without the time: 2026-01-31 */
	AS_OBJECT, /* a JSON object; its own members are checked when members is set */
	AS_TAGS,   /* If-Match, If-None-Match */
	AS_RETRY,  /* Idempotency-Key; the argument is "<key> <fingerprint of the request>" */
	AS_CURSOR, /* signed by cursor.c; the argument is the position */
	AS_FIELDS, /* a comma list of words that picks columns */
	AS_SORT,   /* a comma list of words, each with - for descending */
};

struct param;

/* What an object holds when one of its members is this word. */
struct variant {
	const char *word;
	const struct param *members;
};

/* One parameter.  IN_PATH, IN_QUERY and IN_HEAD become an SQL argument each; all of IN_FILTER
 * become one argument "filter", all of IN_BODY one argument "body", both jsonb objects.  IN_FILE is the
 * body itself, of the media type in words; the route's handler takes it, and it is no argument.
 * A wrong value is 404 in the path, 400 in the query and head, 422 in the body. */
struct param {
	const char *name;
	enum place place;
	enum type type;
	bool must;          /* required: 422, 428 for If-Match, 400 elsewhere */
	bool list;          /* a comma list in the query, an array in the body */
	bool solid;         /* may not be null in a body */
	long least, most;   /* of the number, of the text in characters, of an object in bytes */
	int places;         /* most decimal places of a number */
	long items;         /* most items of a list */
	const char *words;  /* for AS_WORD, AS_FIELDS, AS_SORT: separated by spaces */
	const char *unless; /* the argument when it is not sent; for a query only */
	const char *sql;    /* the argument's name where it is not the parameter's */
	const struct param *members;    /* for AS_OBJECT */
	const struct variant *variants; /* in its place, where the member by says which of them */
	const char *by;
	const char *
	    apart; /* of a list: where this member of the body is false, an item with wrong values is
			    * refused alone (r->apart), and its number is in the body's member _wrong */
	const char *says; /* the one sentence that documents it */
};

#define ARGS_MOST 22 /* beside session and request, in one statement of 24 */

/* What a request's parameters came to. */
struct bound {
	struct arg args[ARGS_MOST];
	size_t n;
	const char *fields; /* the columns picked, between spaces (" id name "), or NULL for all */
	const char *holds;  /* what a cursor of this list is good for: person, route and filter */
};

/* Checks a request against a table and fills the arguments behind those that are there already.
 * values and lengths are the path's segments in the order of the table; route names the list
 * for its cursors.  On false r->fault says why; a wrong value in the body leaves r->pending instead and
 * is not among the arguments. */
bool param_bind(struct req *r, const struct param *params, const char *route,
    const char *const values[], const size_t lengths[], const unsigned char key[CURSOR_KEY],
    struct bound *to);

/* The SQL types, separated by spaces, that PostgreSQL may report for a parameter's argument. */
const char *param_types(const struct param *p);

/* The name of a parameter's argument: its place for IN_FILTER and IN_BODY. */
const char *param_argument(struct arena *mem, const struct param *p);

#endif
