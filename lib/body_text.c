/* body_text.c -- the other half of body.h: which characters are stored, and one text of a body. */
#include "body.h"

#include <jansson.h>
#include <string.h>

bool
body_character_good(unsigned long c, bool prose)
{
	if (c < 0x20)
		return prose && (c == '\t' || c == '\n' || c == '\r');
	return !((c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e) ||
		 (c >= 0x2066 && c <= 0x2069) || (c >= 0xfdd0 && c <= 0xfdef) ||
		 (c & 0xfffe) == 0xfffe);
}

bool
body_text_good(const char *text, size_t bytes, bool prose, long *length)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + bytes;

	/* The text is UTF-8 already: only the length of each sequence matters here. */
	for (*length = 0; at < end; ++*length) {
		int more = *at < 0x80 ? 0 : *at < 0xe0 ? 1 : *at < 0xf0 ? 2 : 3;
		unsigned long c = more == 0 ? *at : *at & (0x3fUL >> more);
		for (at++; more > 0 && at < end; more--, at++)
			c = c << 6 | (*at & 0x3fUL);
		if (!body_character_good(c, prose))
			return false;
	}
	return true;
}

const char *
body_text(struct req *r, const char *name)
{
	json_t *object = json_loadb(r->body, r->body_length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *v = json_object_get(object, name);
	const char *text = json_is_string(v)
			       ? arena_text(r->mem, json_string_value(v), json_string_length(v))
			       : NULL;

	json_decref(object);
	return text;
}
