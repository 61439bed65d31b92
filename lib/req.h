/* req.h -- one request as plain data, from accept to reply. */
#ifndef REQ_H
#define REQ_H

#include "arena.h"
#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

enum method { GET, HEAD, POST, PUT, PATCH, DELETE, OTHER_METHOD };

/* One wrong member or parameter of a request. */
struct fault_error {
	const char *pointer; /* "/name" in the body, "?limit" in the query, "If-Match" */
	const char *code;    /* a stable word */
	const char *detail;  /* a sentence for a developer */
	struct fault_error *next;
};

/* Why a request is refused.  The first fault wins; fault_render shows it. */
struct fault {
	int status;
	const char *code;           /* a stable word: not_found, version_mismatch, ... */
	const char *detail;         /* a sentence, or NULL */
	const char *extra;          /* further members as the text of a JSON object, or NULL */
	const char *allow;          /* the methods of a 405, or NULL */
	const char *classification; /* the stamp where extra shows a customer's values, or NULL */
	int retry_after;            /* seconds, 0 for no such header */
	struct fault_error *errors;
};

/* A response header. */
struct header {
	const char *name;
	const char *value;
	struct header *next;
};

struct req {
	struct arena *mem;

	/* What came in.  Texts are NUL-terminated, NULL where the client sent none. */
	enum method method;
	const char *path;  /* raw, without the query */
	const char *query; /* raw, never NULL */
	const char *authorization;
	const char *accept;
	const char *content_type;
	const char *if_match;
	const char *if_none_match;
	const char *idempotency_key;
	const char *user_agent;
	const char *address; /* of the client, as nginx saw it */
	const char *id;      /* 32 hex digits: X-Request-Id and instance */
	char *body;          /* NUL-terminated, never NULL */
	size_t body_length;
	bool body_too_large; /* more than BODY_MOST was announced; body is empty */
	size_t body_left;    /* of one too large: what take has not taken yet */
	/* The next length bytes of it; false when they do not come. */
	bool (*take)(struct req *r, char *bytes, size_t length);
	const void *takes; /* what take takes them from */
	int client;        /* the connection to watch for a client gone, or -1 */

	/* Who asks, from the token. */
	const char *staff; /* uuid, or NULL on open routes */
	const char *sid;   /* the session's secret */

	/* What goes out. */
	struct fault *fault;   /* set: refused */
	struct fault *pending; /* a 422 that waits behind 404, 403, 412 and 409 */
	struct fault **apart;  /* by number those of items that are refused alone, or NULL */
	size_t aparts;         /* how many items there are then */
	bool remembered;       /* PostgreSQL knows of the refusal already */
	int status;
	const char *exposure;   /* customers that the caller can still see, or NULL */
	const char *type;       /* content type of out */
	struct header *headers; /* besides Content-Type */
	struct buf out;
	/* A body that is made while it goes out, in the place of out; what stream returns is whether it is
	 * whole.  One that broke off ends the connection, so that nobody takes it for a whole one. */
	bool (*stream)(
	    struct req *r, bool (*give)(void *to, const char *bytes, size_t length), void *to);
	void *streams; /* what stream makes it of */
};

#define BODY_MOST 65536

#endif
