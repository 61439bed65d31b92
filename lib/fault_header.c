/* fault_header.c -- the headers of fault.h: those of an answer, refused or not. */
#include "fault.h"

#include <string.h>

void
exposure_header(struct req *r)
{
	if (r->exposure != NULL)
		header_add(r, "Exposure-Remaining", r->exposure);
}

void
header_add(struct req *r, const char *name, const char *value)
{
	struct header **end = &r->headers;
	char *text = arena_text(r->mem, value, strlen(value));

	for (char *c = text; *c != '\0'; c++)
		if (*c == '\r' || *c == '\n')
			*c = ' ';
	while (*end != NULL)
		end = &(*end)->next;
	*end = arena_get(r->mem, sizeof **end);
	(*end)->name = name;
	(*end)->value = text;
}
