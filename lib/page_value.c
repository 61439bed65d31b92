/* page_value.c -- the other half of page.h: values as people read them. */
#include "page.h"

#include <stdint.h>
#include <string.h>

/* The currencies of ISO 4217 whose minor unit is not a hundredth. */
static const struct places {
	int places;
	const char *codes;
} places[] = {{0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
    {3, "BHD IQD JOD KWD LYD OMR TND"}, {4, "CLF UYW"}, {0}};

static size_t
places_of(const char *code)
{
	for (const struct places *one = places; code != NULL && one->codes != NULL; one++)
		if (strlen(code) == 3 && strstr(one->codes, code) != NULL)
			return (size_t)one->places;
	return 2;
}

/* "a, b" of a list, "name: value; name: value" of an object. */
static const char *
several(struct page *p, const json_t *v)
{
	struct buf to = {.mem = p->mem};
	const char *name, *text;
	json_t *inner;
	size_t i;

	buf_text(&to, "");
	json_array_foreach (v, i, inner) {
		text = page_text(p, inner);
		buf_print(&to, "%s%s", i > 0 ? ", " : "", text == NULL ? "none" : text);
	}
	json_object_foreach ((json_t *)(uintptr_t)v, name, inner) {
		text = page_text(p, inner);
		buf_print(
		    &to, "%s%s: %s", to.length > 0 ? "; " : "", name, text == NULL ? "none" : text);
	}
	return to.length > 0 ? to.bytes : "none";
}

const char *
page_text(struct page *p, const json_t *v)
{
	if (v == NULL || json_is_null(v))
		return NULL;
	if (json_is_string(v))
		return arena_text(p->mem, json_string_value(v), json_string_length(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? "yes" : "no";
	return json_is_number(v) ? numbers_text(&p->numbers, v) : several(p, v);
}

const char *
page_member(struct page *p, const json_t *record, const char *member)
{
	return page_text(p, json_object_get(record, member));
}

const char *
page_inner(struct page *p, const json_t *record, const char *member, const char *inner)
{
	return page_member(p, json_object_get(record, member), inner);
}

const char *
page_money(struct page *p, const json_t *amount, const json_t *currency)
{
	const char *text = page_text(p, amount), *code = page_text(p, currency), *digits;
	struct buf to = {.mem = p->mem};
	size_t behind = places_of(code), n;

	if (text == NULL)
		return NULL;
	buf_print(&to, "%s%s", code == NULL ? "" : code, code == NULL ? "" : " ");
	digits = text + (*text == '-');
	n = strlen(digits);
	if (n == 0 || strspn(digits, "0123456789") != n) { /* no whole number: as it is */
		buf_text(&to, text);
		return to.bytes;
	}
	if (digits > text)
		buf_char(&to, '-');
	for (; n <= behind; n++)
		digits = arena_print(p->mem, "0%s", digits);
	for (size_t i = 0; i < n; i++) {
		if (i == n - behind)
			buf_char(&to, '.');
		else if (i > 0 && i < n - behind && (n - behind - i) % 3 == 0)
			buf_char(&to, ',');
		buf_char(&to, digits[i]);
	}
	return to.bytes;
}

const char *
page_decimal(struct page *p, const json_t *v)
{
	const char *text = page_text(p, v);
	size_t n;

	if (text == NULL || strchr(text, '.') == NULL ||
	    strspn(text, "-.0123456789") != strlen(text))
		return text;
	for (n = strlen(text); text[n - 1] == '0';)
		n--;
	return arena_text(p->mem, text, n - (text[n - 1] == '.'));
}
