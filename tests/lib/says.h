/* says.h -- a request for a test, and what is wrong with it as one line. */
#ifndef SAYS_H
#define SAYS_H

#include "req.h"

static struct req r;

static inline int
setup(void **state)
{
	(void)state;
	r = (struct req){.mem = arena_new()};
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	arena_free(r.mem);
	return 0;
}

/* A fault as "422 invalid_value /name length; /n type", "" for none. */
static inline const char *
says(const struct fault *f)
{
	struct buf to = {.mem = r.mem};

	if (f == NULL)
		return "";
	buf_print(&to, "%d %s", f->status, f->code);
	for (const struct fault_error *e = f->errors; e != NULL; e = e->next)
		buf_print(&to, "%s %s %s", e == f->errors ? "" : ";", e->pointer,
		    e->code == NULL ? "?" : e->code);
	return to.bytes;
}

#endif
