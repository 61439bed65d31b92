/* number.c -- decimal numbers by their text. */
#include "number.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

/* What is written longer than this, or with a greater exponent, PostgreSQL may refuse in its own words. */
#define WRITTEN_MOST  40
#define EXPONENT_MOST 99

/* Digits, at least one; moves behind them. */
static bool
digits(const char **at)
{
	size_t n = strspn(*at, DIGITS);

	*at += n;
	return n > 0;
}

static bool
well_formed(const char *at)
{
	at += *at == '-';
	if (*at == '0')
		at++;
	else if (!digits(&at))
		return false;
	if (*at == '.') {
		at++;
		if (!digits(&at))
			return false;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '+' || *at == '-';
		if (!digits(&at))
			return false;
	}
	return *at == '\0';
}

/* A number without its sign as 0.<digits> * 10^point, no nought at either end. */
struct decimal {
	char digits[WRITTEN_MOST + 1];
	long n, point;
};

static struct decimal
decimal_of(const char *text, size_t length, long exponent)
{
	struct decimal d = {.n = 0};
	bool behind = false;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.') {
			behind = true;
			continue;
		}
		if (text[i] != '0' || d.n > 0)
			d.digits[d.n++] = text[i];
		if (!behind && d.n > 0)
			d.point++;
		else if (behind && d.n == 0)
			d.point--;
	}
	d.point += exponent;
	while (d.n > 0 && d.digits[d.n - 1] == '0')
		d.n--;
	if (d.n == 0)
		d.point = 0;
	return d;
}

const char *
number_wrong(const char *text, long least, long most, int places)
{
	bool negative = *text == '-', more;
	const char *start = text + negative;
	size_t length = strcspn(start, "eE");
	long exponent = start[length] == '\0' ? 0 : strtol(start + length + 1, NULL, 10), whole = 0;
	struct decimal d;

	if (!well_formed(text))
		return "type";
	if (exponent > EXPONENT_MOST || strspn(start, DIGITS) > WRITTEN_MOST)
		return "range";
	if (exponent < -EXPONENT_MOST || length > WRITTEN_MOST)
		return "places";
	d = decimal_of(start, length, exponent);
	if (d.point > 18)
		return "range";
	for (long i = 0; i < d.point; i++)
		whole = whole * 10 + (i < d.n ? d.digits[i] - '0' : 0);
	if (negative)
		whole = -whole;
	more = d.n > d.point; /* there is a fraction, away from nought */
	if (whole < least || whole > most || (more && whole == (negative ? least : most)))
		return "range";
	return d.n - d.point > places ? "places" : NULL;
}

/* The next number of a JSON text, outside strings; NULL at the end. */
static const char *
next_number(const char **rest, size_t *length)
{
	const char *at = *rest;

	while (*at != '\0' && *at != '-' && (*at < '0' || *at > '9')) {
		if (*at == '"')
			for (at++; *at != '"' && *at != '\0'; at++)
				at += *at == '\\' && at[1] != '\0';
		at += *at != '\0';
	}
	*length = strspn(at, "+-.eE" DIGITS);
	*rest = at + *length;
	return *at == '\0' ? NULL : at;
}

/* In the order of the text, which is the order of jansson's arrays and objects. */
static void
gather(const json_t *v, struct numbers *to, size_t room)
{
	const char *name;
	json_t *inner;
	size_t i;

	if (json_is_number(v) && to->n < room)
		to->all[to->n++].at = v;
	json_array_foreach (v, i, inner) {
		gather(inner, to, room);
	}
	json_object_foreach ((json_t *)(uintptr_t)v, name, inner) {
		gather(inner, to, room);
	}
}

static int
by_value(const void *a, const void *b)
{
	uintptr_t one = (uintptr_t)((const struct number *)a)->at,
		  two = (uintptr_t)((const struct number *)b)->at;

	return one < two ? -1 : one > two;
}

void
numbers_read(struct arena *mem, const char *text, const json_t *root, struct numbers *to)
{
	const char *rest = text, *at;
	size_t room = 0, length;

	while (next_number(&rest, &length) != NULL)
		room++;
	*to = (struct numbers){arena_get(mem, (room + 1) * sizeof *to->all), 0};
	gather(root, to, room);
	rest = text;
	for (size_t i = 0; (at = next_number(&rest, &length)) != NULL; i++)
		to->all[i].text = arena_text(mem, at, length);
	qsort(to->all, to->n, sizeof *to->all, by_value);
}

const char *
numbers_text(const struct numbers *of, const json_t *number)
{
	const struct number key = {.at = number};
	const struct number *found =
	    of->n == 0 ? NULL : bsearch(&key, of->all, of->n, sizeof key, by_value);

	return found == NULL ? NULL : found->text;
}
