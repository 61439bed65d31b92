/* fault.c -- fail() and problem+json; what an SQLSTATE means is in fault_sql.c, headers are in fault_header.c. */
#include "fault.h"
#include "http.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

/* A body of 64 KiB can hold thousands of wrong members, which nobody reads; each item of a batch may have one. */
#define ERRORS_MOST 200
#define RETRY_MOST  604800

/* clang-format off */
/* What fault_render always writes itself; the same names in extra are left out. */
static const char *const reserved[] = {
	"type", "title", "status", "detail", "instance", "code", NULL
};
/* clang-format on */

static char *
copy(struct req *r, const char *text)
{
	return text == NULL ? NULL : arena_text(r->mem, text, strlen(text));
}

static struct fault *
begin(struct req *r, struct fault **to, int status, const char *code)
{
	if (*to == NULL) {
		*to = arena_get(r->mem, sizeof **to);
		(*to)->status = status;
		(*to)->code = code;
	}
	return *to;
}

/* Adds one wrong member, in the order of the calls, unless another fault was first. */
static void
add(struct req *r, struct fault *f, int status, const char *code, struct fault_error error)
{
	struct fault_error **end = &f->errors;
	int count = 0;

	if (f->status != status || strcmp(f->code, code) != 0)
		return;
	for (; *end != NULL; end = &(*end)->next)
		count++;
	if (count == ERRORS_MOST)
		return;
	*end = arena_get(r->mem, sizeof **end);
	**end = error;
	(*end)->pointer = copy(r, error.pointer);
}

bool
fail(struct req *r, int status, const char *code, const char *detail, ...)
{
	va_list args;

	if (r->fault != NULL)
		return false;
	begin(r, &r->fault, status, code);
	va_start(args, detail);
	if (detail != NULL)
		r->fault->detail = arena_vprint(r->mem, detail, args);
	va_end(args);
	return false;
}

bool
fail_at(struct req *r, int status, const char *code, const char *pointer, const char *why,
    const char *detail, ...)
{
	struct fault_error error = {.pointer = pointer, .code = why};
	va_list args;

	va_start(args, detail);
	if (detail != NULL)
		error.detail = arena_vprint(r->mem, detail, args);
	va_end(args);
	add(r, begin(r, &r->fault, status, code), status, code, error);
	return false;
}

bool
fail_later(struct req *r, const char *pointer, const char *why, const char *detail, ...)
{
	struct fault_error error = {.pointer = pointer, .code = why};
	va_list args;

	va_start(args, detail);
	if (detail != NULL)
		error.detail = arena_vprint(r->mem, detail, args);
	va_end(args);
	add(r, begin(r, &r->pending, 422, "invalid_value"), 422, "invalid_value", error);
	return false;
}

/* Where the value at text ends: the next , } or : outside quotes and brackets. */
static const char *
behind(const char *text)
{
	bool quoted = false;
	int depth = 0;

	for (; *text != '\0'; text++) {
		if (quoted && *text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (depth == 0 && strchr(",}:", *text) != NULL)
			return text;
		else if (strchr("{[", *text) != NULL)
			depth++;
		else if (strchr("}]", *text) != NULL)
			depth--;
	}
	return text;
}

static const char *
past_space(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

static bool
named(const char *member, const char *name)
{
	size_t length = strlen(name);

	return strncmp(member + 1, name, length) == 0 && member[1 + length] == '"';
}

/* One member of extra, from its name to next: written, or made the header, or left out. */
static void
member(struct buf *to, struct fault *f, const char *name, const char *value, const char *next)
{
	const char *const *ours = reserved;

	while (*ours != NULL && !named(name, *ours))
		ours++;
	if (named(name, "retry_after")) {
		long seconds = strtol(value, NULL, 10);

		f->retry_after = (int)(seconds < 1            ? 1
				       : seconds > RETRY_MOST ? RETRY_MOST
							      : seconds);
	} else if (*ours == NULL && !(named(name, "errors") && f->errors != NULL)) {
		buf_char(to, ',');
		buf_bytes(to, name, (size_t)(next - name));
	}
}

/* The members of f->extra, or nothing of it when it is no object.  PostgreSQL made the text, so
 * this looks at its outline and not inside the values. */
static void
further(struct buf *to, struct fault *f)
{
	size_t start = to->length;
	const char *at = past_space(f->extra);
	bool good = *at == '{';

	at = good ? past_space(at + 1) : at;
	while (good && *at != '}') {
		const char *value = behind(at);
		const char *next = *value == ':' ? behind(value + 1) : value;

		good = *at == '"' && *value == ':' && past_space(value + 1) < next &&
		       (*next == ',' || *next == '}');
		if (!good)
			break;
		member(to, f, at, value + 1, next);
		at = *next == '}' ? next : past_space(next + 1);
		good = *next == '}' || *at == '"';
	}
	if (good && *past_space(at + 1) == '\0')
		return;
	to->length = start;
	log_event("problem_extra_wrong", "code", f->code, NULL);
}

static void
errors(struct buf *to, const struct fault_error *e)
{
	buf_text(to, ",\"errors\":[");
	for (const char *comma = ""; e != NULL; e = e->next, comma = ",") {
		buf_print(to, "%s{\"pointer\":", comma);
		buf_json(to, e->pointer);
		buf_text(to, ",\"code\":");
		buf_json(to, e->code);
		buf_text(to, ",\"detail\":");
		buf_json(to, e->detail != NULL
				 ? e->detail
				 : fault_sentence(e->code, "This value is not allowed."));
		buf_char(to, '}');
	}
	buf_char(to, ']');
}

static void
headers(struct req *r, const struct fault *f)
{
	r->headers = NULL;
	if (f->allow != NULL)
		header_add(r, "Allow", f->allow);
	if (f->classification != NULL) {
		header_add(r, "X-Classification", f->classification);
		exposure_header(r);
	}
	if (f->status == 401)
		header_add(r, "WWW-Authenticate", "Bearer");
	/* Promised with every 429 and 503, whoever failed. */
	if (f->retry_after > 0 || f->status == 429 || f->status == 503)
		header_add(r, "Retry-After",
		    arena_print(r->mem, "%d", f->retry_after > 0 ? f->retry_after : 1));
}

void
fault_problem(struct buf *out, struct fault *f, const char *instance)
{
	const char *title = http_reason(f->status);

	buf_text(out, "{\"type\":");
	buf_json(out, arena_print(out->mem, "/problems/%s", f->code));
	buf_text(out, ",\"title\":");
	buf_json(out, *title == '\0' ? "Error" : title);
	buf_print(out, ",\"status\":%d,\"detail\":", f->status);
	buf_json(out, fault_detail(f));
	if (instance != NULL) {
		buf_text(out, ",\"instance\":");
		buf_json(out, instance);
	}
	buf_text(out, ",\"code\":");
	buf_json(out, f->code);
	if (f->errors != NULL)
		errors(out, f->errors);
	if (f->extra != NULL)
		further(out, f);
	buf_char(out, '}');
}

void
fault_render(struct req *r)
{
	struct fault *f = begin(r, &r->fault, 500, "internal");

	r->out = (struct buf){.mem = r->mem};
	fault_problem(&r->out, f, r->id);
	r->status = f->status;
	r->type = "application/problem+json";
	headers(r, f);
}
