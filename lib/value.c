/* value.c -- one value of a path, query or head against its row of the table. */
#include "value.h"
#include "body.h"
#include "fault.h"
#include "http.h"
#include "number.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

bool
value_word(const char *words, const char *word)
{
	size_t n = strchr(word, ' ') == NULL ? strlen(word) : 0;

	for (const char *at = words; n > 0 && (at = strstr(at, word)) != NULL; at += n)
		if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

bool
value_wrong(struct req *r, const struct param *p, const char *why, const char *detail)
{
	return fail_at(r, 400, "invalid_parameter",
	    p->place == IN_HEAD ? p->name : arena_print(r->mem, "?%s", p->name), why, "%s", detail);
}

const char *
value_number(struct req *r, const struct param *p, const char *why)
{
	return strcmp(why, "type") == 0 ? "This is a number."
	       : strcmp(why, "range") == 0
		   ? arena_print(r->mem, "From %ld to %ld.", p->least, p->most)
		   : arena_print(r->mem, "At most %d decimal places.", p->places);
}

static bool
decimal_good(struct req *r, const struct param *p, const char *text)
{
	const char *why = number_wrong(text, p->least, p->most, p->places);

	return why == NULL || value_wrong(r, p, why, value_number(r, p, why));
}

static bool
whole_good(struct req *r, const struct param *p, const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || (*text != '-' && (*text < '0' || *text > '9')))
		return value_wrong(r, p, "type", "This is a whole number.");
	return (n >= p->least && n <= p->most) ||
	       value_wrong(
		   r, p, "range", arena_print(r->mem, "From %ld to %ld.", p->least, p->most));
}

bool
value_good(struct req *r, const struct param *p, const char *text)
{
	long n;

	switch (p->type) {
	case AS_INT:
		return whole_good(r, p, text);
	case AS_NUMBER:
		return decimal_good(r, p, text);
	case AS_BOOL:
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
		       value_wrong(r, p, "type", "This is true or false.");
	case AS_UUID:
		return http_uuid(text) || value_wrong(r, p, "format", "This is a UUID.");
	case AS_TIME:
		return http_time(text) ||
		       value_wrong(r, p, "format", "This is a time as in 2026-01-31T09:30:00Z.");
	case AS_DATE:
		return http_date(text) ||
		       value_wrong(r, p, "format", "This is a date as in 2026-01-31.");
	case AS_WORD:
	case AS_FIELDS:
		return value_word(p->words, text) ||
		       value_wrong(r, p, "word", arena_print(r->mem, "Of: %s.", p->words));
	default:
		return (body_text_good(text, strlen(text), false, &n) && n >= p->least &&
			   (p->most == 0 || n <= p->most)) ||
		       value_wrong(r, p, "length",
			   arena_print(r->mem, "From %ld to %ld characters.", p->least, p->most));
	}
}

const char *
value_item(struct arena *mem, const char **rest)
{
	const char *start = *rest;
	size_t n;

	if (start == NULL)
		return NULL;
	n = strcspn(start, ",");
	*rest = start[n] == ',' ? start + n + 1 : NULL;
	return arena_text(mem, start, n);
}

bool
value_sort(struct req *r, const struct param *p, const char *text)
{
	struct buf seen = {.mem = r->mem};
	const char *rest = text, *word;

	buf_char(&seen, ' ');
	while ((word = value_item(r->mem, &rest)) != NULL) {
		word += *word == '-';
		if (!value_word(p->words, word) || value_word(seen.bytes, word))
			return value_wrong(r, p, "word",
			    arena_print(r->mem, "Once each of: %s; - for descending.", p->words));
		buf_print(&seen, "%s ", word);
	}
	return true;
}

bool
value_fields(
    struct req *r, const struct param *p, const char *text, struct bound *to, const char **value)
{
	struct buf picked = {.mem = r->mem};
	const char *rest = text, *word;

	buf_char(&picked, ' ');
	while ((word = value_item(r->mem, &rest)) != NULL) {
		if (!value_good(r, p, word))
			return false;
		buf_print(&picked, "%s ", word);
	}
	to->fields = picked.bytes;
	*value = arena_print(r->mem, "{%s}", text);
	return true;
}

bool
value_retry(struct req *r, const struct param *p, const char *key, const char **value)
{
	crypto_generichash_state state;
	unsigned char sum[32];
	char hex[65];
	size_t n = strlen(key);

	if (n < 1 || n > 255 ||
	    strspn(key, "!\"#$%&'()*+,-./"
			"0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
			"abcdefghijklmnopqrstuvwxyz{|}~") != n)
		return value_wrong(
		    r, p, "format", "From 1 to 255 printable characters without blanks.");
	crypto_generichash_init(&state, NULL, 0, sizeof sum);
	crypto_generichash_update(&state, (const unsigned char *)r->path, strlen(r->path) + 1);
	crypto_generichash_update(&state, (const unsigned char *)r->body, r->body_length);
	crypto_generichash_final(&state, sum, sizeof sum);
	sodium_bin2hex(hex, sizeof hex, sum, sizeof sum);
	*value = arena_print(r->mem, "%s %s", key, hex);
	return true;
}
