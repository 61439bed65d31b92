/* cgi.c -- one request as CGI has it: environment to struct req, struct req to head and body. */
#include "cgi.h"
#include "fault.h"
#include "http.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A reply goes out in pieces: libfcgi takes an int and tells of a broken connection late. */
#define PIECE 32768

/* More than that is no length of anything. */
#define LENGTH_MOST ((size_t)1 << 40)

enum value {
	METHOD,
	URI,
	LENGTH,
	TYPE,
	AUTHORIZATION,
	ACCEPT,
	IF_MATCH,
	IF_NONE_MATCH,
	IDEMPOTENCY_KEY,
	USER_AGENT,
	ADDRESS,
	ID,
	VALUES
};

/* The variables we read; every other header of the client is in the environment too and is
 * ignored.  once: sent twice it would mean one thing to us and another to somebody before us. */
/* clang-format off */
static const struct variable {
	const char *name;
	enum value value;
	bool once;
} variables[] = {
	{"REQUEST_METHOD",       METHOD,          true},
	{"REQUEST_URI",          URI,             true},
	{"CONTENT_LENGTH",       LENGTH,          true},
	{"CONTENT_TYPE",         TYPE,            false},
	{"HTTP_AUTHORIZATION",   AUTHORIZATION,   true},
	{"HTTP_ACCEPT",          ACCEPT,          false},
	{"HTTP_IF_MATCH",        IF_MATCH,        true},
	{"HTTP_IF_NONE_MATCH",   IF_NONE_MATCH,   false},
	{"HTTP_IDEMPOTENCY_KEY", IDEMPOTENCY_KEY, true},
	{"HTTP_USER_AGENT",      USER_AGENT,      false},
	{"REMOTE_ADDR",          ADDRESS,         false},
	{"REQUEST_ID",           ID,              false},
	{0}
};
/* clang-format on */

static const struct variable *
find(const char *name, size_t length)
{
	const struct variable *v;

	for (v = variables; v->name; v++)
		if (strncmp(v->name, name, length) == 0 && v->name[length] == '\0')
			return v;
	return NULL;
}

static bool
read_environment(struct req *r, char *const *environment, const char *values[])
{
	for (; *environment; environment++) {
		const char *equals = strchr(*environment, '=');
		const struct variable *v;

		/* nginx sends an empty text for a header that the client did not send. */
		if (equals == NULL || equals[1] == '\0' ||
		    (v = find(*environment, (size_t)(equals - *environment))) == NULL)
			continue;
		if (values[v->value] == NULL)
			values[v->value] = equals + 1;
		else if (v->once)
			fail(r, 400, "malformed_request", "A header was sent twice.");
	}
	return r->fault == NULL;
}

static bool
split_uri(struct req *r, const char *uri)
{
	const char *mark;

	if (uri == NULL || uri[0] != '/')
		return fail(r, 400, "malformed_request", "The request target is not a path.");
	mark = strchr(uri, '?');
	r->path = arena_text(r->mem, uri, mark ? (size_t)(mark - uri) : strlen(uri));
	r->query = mark ? mark + 1 : "";
	return true;
}

static const char *
request_id(struct arena *mem, const char *id)
{
	unsigned char bytes[16];
	char *text;

	if (id && strlen(id) == 32 && strspn(id, "0123456789abcdefABCDEF") == 32)
		return id;
	randombytes_buf(bytes, sizeof(bytes));
	text = arena_get(mem, 33);
	sodium_bin2hex(text, 33, bytes, sizeof(bytes));
	return text;
}

static bool
take(struct req *r, char *bytes, size_t length)
{
	const struct wire *wire = r->takes;

	for (; length > 0; bytes += PIECE) {
		size_t piece = length < PIECE ? length : PIECE;

		length -= piece;
		r->body_left -= piece;
		if (!wire->take(wire->self, bytes, (int)piece, r->body_left == 0))
			return fail(
			    r, 400, "malformed_request", "The body is not as long as announced.");
	}
	return true;
}

static bool
read_body(struct req *r, const char *text, const struct wire *wire)
{
	size_t length = 0;

	for (; text && *text; text++) {
		if (*text < '0' || *text > '9')
			return fail(r, 400, "malformed_request", "Content-Length is not a number.");
		/* Stops growing where it is too large anyway, so that it cannot wrap. */
		if (length <= LENGTH_MOST)
			length = length * 10 + (size_t)(*text - '0');
	}
	if (length > BODY_MOST) {
		r->body_too_large = true;
		r->body_left = length;
		return true;
	}
	r->body = arena_get(r->mem, length + 1);
	if (!wire->take(wire->self, r->body, (int)length, true)) {
		r->body = arena_text(r->mem, "", 0);
		return fail(r, 400, "malformed_request", "The body is not as long as announced.");
	}
	r->body_length = length;
	return true;
}

static bool
read_request(struct req *r, char *const *environment, const struct wire *wire)
{
	const char *values[VALUES] = {0};
	bool once = read_environment(r, environment, values);

	r->method = http_method(values[METHOD] ? values[METHOD] : "");
	r->content_type = values[TYPE];
	r->authorization = values[AUTHORIZATION];
	r->accept = values[ACCEPT];
	r->if_match = values[IF_MATCH];
	r->if_none_match = values[IF_NONE_MATCH];
	r->idempotency_key = values[IDEMPOTENCY_KEY];
	r->user_agent = values[USER_AGENT];
	/* nginx says "unix:" where there is no address. */
	if (values[ADDRESS] &&
	    strspn(values[ADDRESS], "0123456789abcdefABCDEF:.") == strlen(values[ADDRESS]))
		r->address = values[ADDRESS];
	r->id = request_id(r->mem, values[ID]);
	r->path = "/";
	r->query = "";
	r->body = arena_text(r->mem, "", 0);
	r->client = wire->client;
	r->take = take;
	r->takes = wire;
	r->out.mem = r->mem;
	return once && split_uri(r, values[URI]) && read_body(r, values[LENGTH], wire);
}

static void
put_head(const struct req *r, bool bodiless, struct buf *to)
{
	const struct header *h;

	buf_print(to, "Status: %d %s\r\n", r->status, http_reason(r->status));
	if (!bodiless && r->type)
		buf_print(to, "Content-Type: %s\r\n", r->type);
	if (!bodiless && r->stream == NULL)
		buf_print(to, "Content-Length: %zu\r\n", r->out.length);
	for (h = r->headers; h; h = h->next)
		buf_print(to, "%s: %s\r\n", h->name, h->value);
	buf_text(to, "\r\n");
}

static bool
give(void *to, const char *bytes, size_t length)
{
	const struct wire *wire = to;

	while (length > 0) {
		size_t piece = length < PIECE ? length : PIECE;

		if (!wire->give(wire->self, bytes, (int)piece))
			return false;
		bytes += piece;
		length -= piece;
	}
	return true;
}

bool
cgi_serve(
    const struct fcgi *program, struct req *r, char *const *environment, const struct wire *wire)
{
	struct buf head = {.mem = r->mem};
	struct wire mine = *wire;
	bool bodiless;

	if (read_request(r, environment, wire))
		program->serve(program->self, r);
	if (r->fault == NULL && r->status == 0)
		fail(r, 500, "internal", NULL);
	if (r->fault) {
		fault_render(r);
		r->stream = NULL;
	}
	bodiless = r->status == 204 || r->status == 304;
	put_head(r, bodiless, &head);
	if (!give(&mine, head.bytes, head.length))
		return false;
	return bodiless || r->method == HEAD ||
	       (r->stream != NULL ? r->stream(r, give, &mine)
				  : give(&mine, r->out.bytes, r->out.length));
}

/* Not one byte more than announced is asked for: whoever started us may leave the pipe open
 * (RFC 3875, 4.2). */
static bool
take_stdin(void *self, char *bytes, int length, bool last)
{
	(void)last;
	return fread(bytes, 1, (size_t)length, self) == (size_t)length;
}

static bool
give_stdout(void *self, const char *bytes, int length)
{
	(void)self;
	return fwrite(bytes, 1, (size_t)length, stdout) == (size_t)length;
}

int
cgi_run(const struct fcgi *program)
{
	const struct wire wire = {stdin, take_stdin, give_stdout, -1};
	struct req r = {.mem = arena_new()};
	bool given = cgi_serve(program, &r, environ, &wire);

	given = fflush(stdout) == 0 && given;
	arena_free(r.mem);
	if (program->close)
		program->close(program->self);
	return given ? 0 : 1;
}
