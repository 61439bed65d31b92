/* sheet.c -- rows to a file for people: what is the same for every form. */
#include "sheet.h"
#include "forms.h"

#include <string.h>

static const struct form *const forms[] = {
    [SHEET_CSV] = &form_csv,
    [SHEET_NDJSON] = &form_ndjson,
    [SHEET_XLSX] = &form_xlsx,
};

void
sheet_flush(struct sheet *s)
{
	if (!s->failed && s->used > 0)
		s->failed = !s->plan.give(s->plan.to, s->piece, s->used);
	s->used = 0;
}

void
sheet_put(struct sheet *s, const char *bytes, size_t length)
{
	while (length > 0 && !s->failed) {
		size_t room = sizeof s->piece - s->used, n = length < room ? length : room;

		memcpy(s->piece + s->used, bytes, n);
		s->used += n;
		bytes += n;
		length -= n;
		if (n == room)
			sheet_flush(s);
	}
}

struct sheet *
sheet_open(const struct sheet_plan *plan)
{
	struct arena *mem = arena_new();
	struct sheet *s = arena_get(mem, sizeof *s);

	s->plan = *plan;
	s->form = forms[plan->form];
	s->mem = mem;
	s->row = arena_new();
	s->form->open(s);
	arena_reset(s->row);
	return s;
}

bool
sheet_row(struct sheet *s, const char *const values[], const size_t lengths[])
{
	if (s->rows == s->form->most)
		s->failed = true;
	if (s->failed)
		return false;
	s->rows++;
	s->form->row(s, values, lengths);
	arena_reset(s->row);
	return !s->failed;
}

bool
sheet_close(struct sheet *s)
{
	bool good;

	if (!s->failed && s->form->close != NULL)
		s->form->close(s);
	sheet_flush(s);
	good = !s->failed;
	sheet_abandon(s);
	return good;
}

void
sheet_abandon(struct sheet *s)
{
	if (s == NULL)
		return;
	if (s->form->drop != NULL)
		s->form->drop(s);
	arena_free(s->row);
	arena_free(s->mem);
}
