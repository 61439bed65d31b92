/* sheet_ndjson.c -- a sheet as one JSON object per line, with the values that lists have. */
#include "buf.h"
#include "forms.h"
#include "show.h"

/* Nothing goes before the rows: the stamp of these travels in a header. */
static void
ndjson_open(struct sheet *s)
{
	(void)s;
}

static void
ndjson_row(struct sheet *s, const char *const values[], const size_t lengths[])
{
	struct buf line = {.mem = s->row};

	buf_char(&line, '{');
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct sheet_column *c = &s->plan.columns[i];

		if (i > 0)
			buf_char(&line, ',');
		buf_json(&line, c->name);
		buf_char(&line, ':');
		if (values[i] == NULL)
			buf_text(&line, "null");
		else
			show_json(&line, c->type, values[i], lengths[i]);
	}
	buf_text(&line, "}\n");
	sheet_put(s, line.bytes, line.length);
}

const struct form form_ndjson = {.most = SIZE_MAX, .open = ndjson_open, .row = ndjson_row};
