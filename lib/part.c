/* part.c -- rows of a table as the arguments of one call: an array for each column. */
#include "part.h"
#include "body.h"

#include <string.h>

/* One element of an array's text, in quotes, where \ and " are escaped. */
static void
put_element(struct buf *to, const char *text, size_t length)
{
	const char *end = text + length;

	buf_text(to, to->length > 1 ? ",\"" : "\"");
	while (text < end) {
		size_t n = strcspn(text, "\\\"");

		buf_bytes(to, text, n);
		text += n;
		if (text < end) {
			buf_char(to, '\\');
			buf_char(to, *text++);
		}
	}
	buf_char(to, '"');
}

const char *
part_array(struct arena *mem, const char *const values[], const size_t lengths[], size_t n)
{
	struct buf to = {.mem = mem};

	buf_char(&to, '{');
	for (size_t i = 0; i < n; i++)
		put_element(&to, values[i], lengths[i]);
	buf_char(&to, '}');
	return to.bytes;
}

void
part_begin(struct part *p, struct arena *mem, size_t width)
{
	*p = (struct part){.mem = mem, .width = width};
	p->columns = arena_get(mem, width * sizeof *p->columns);
	for (size_t i = 0; i < width; i++) {
		p->columns[i].mem = mem;
		buf_char(&p->columns[i], '{');
	}
	p->lines.mem = p->odd.mem = p->others.mem = mem;
	buf_char(&p->lines, '{');
	buf_char(&p->odd, '[');
	buf_char(&p->others, '[');
}

static void
put_other(struct part *p, long line, const char *const values[], const size_t lengths[], size_t n)
{
	buf_print(&p->others, "%s{\"line\":%ld,\"fields\":[", p->wrong++ > 0 ? "," : "", line);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(&p->others, ',');
		buf_json_bytes(&p->others, values[i], lengths[i]);
	}
	buf_text(&p->others, "]}");
}

void
part_add(struct part *p, long line, const char *const values[], const size_t lengths[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		p->bytes += lengths[i];
	if (n != p->width) {
		put_other(p, line, values, lengths, n);
		return;
	}
	p->rows++;
	buf_print(&p->lines, "%s%ld", p->rows > 1 ? "," : "", line);
	for (size_t i = 0; i < n; i++) {
		long characters;

		put_element(&p->columns[i], values[i], lengths[i]);
		if (body_text_good(values[i], lengths[i], false, &characters))
			continue;
		buf_print(&p->odd, "%s[%zu,%zu,%s]", p->odd.length > 1 ? "," : "", p->rows, i + 1,
		    body_text_good(values[i], lengths[i], true, &characters) ? "true" : "false");
	}
}

bool
part_full(const struct part *p)
{
	return p->rows + p->wrong >= PART_ROWS || p->bytes >= PART_BYTES;
}

const char *
part_end(struct part *p)
{
	const char **texts = arena_get(p->mem, p->width * sizeof *texts);
	size_t *lengths = arena_get(p->mem, p->width * sizeof *lengths);

	buf_char(&p->lines, '}');
	buf_char(&p->odd, ']');
	buf_char(&p->others, ']');
	for (size_t i = 0; i < p->width; i++) {
		buf_char(&p->columns[i], '}');
		texts[i] = p->columns[i].bytes;
		lengths[i] = p->columns[i].length;
	}
	return part_array(p->mem, texts, lengths, p->width);
}
