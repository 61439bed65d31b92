/* sheet_of.h -- files that are given to a test, and the memory that making them takes. */
#ifndef SHEET_OF_H
#define SHEET_OF_H

#include "buf.h"
#include "says.h"
#include "sheet.h"
#include "show.h"

#include <malloc.h>
#include <stdint.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#define HELD __sanitizer_get_current_allocated_bytes()
#else
#define HELD (mallinfo2().uordblks + mallinfo2().hblkhd)
#endif

#define TEXT 25

/* What was given, and at which call it fails; 0 for never.  Without a memory nothing is kept. */
struct taker {
	struct buf got;
	size_t calls, fails, bytes, most;
};

static inline bool
take(void *to, const char *bytes, size_t length)
{
	struct taker *t = to;

	if (++t->calls == t->fails)
		return false;
	if (t->got.mem != NULL)
		buf_bytes(&t->got, bytes, length);
	t->bytes += length;
	t->most = length > t->most ? length : t->most;
	return true;
}

static inline bool
give_row(struct sheet *s, const char *const values[], size_t n)
{
	size_t lengths[26] = {0};

	for (size_t i = 0; i < n; i++)
		lengths[i] = values[i] == NULL ? 0 : strlen(values[i]);
	return sheet_row(s, values, lengths);
}

static const struct sheet_column mixed[] = {{"id", 2950}, {"n", OID_INT8}, {"open", OID_BOOL},
    {"at", OID_TIMESTAMPTZ}, {"tags", OID_TEXTS}, {"also", OID_JSONB}, {"note", TEXT}};
#define MIXED (sizeof mixed / sizeof *mixed)

/* Rows of every type, the i-th unlike its neighbours. */
static inline bool
give_mixed(struct sheet *s, size_t i)
{
	char n[24];
	const char *values[MIXED] = {"0190c7a2-0000-7000-8000-000000000000", n, i % 2 ? "t" : "f",
	    "2026-11-21 20:41:30.12+00", "{a,\"b, c\",NULL}", "{\"a\": [1, null]}",
	    i % 3 ? "A note, and =more of it." : NULL};

	snprintf(n, sizeof n, "%zu", i);
	return give_row(s, values, MIXED);
}

#endif
