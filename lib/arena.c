/* arena.c -- blocks of memory: the first of 16 KiB, each further one twice the last, to 1 MiB. */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Under the address sanitizer everything not handed out is poisoned, and a gap
 * behind each allocation catches what runs over its end. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define GAP 16
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define GAP                                   0
#endif

#define BLOCK_FIRST ((size_t)16 << 10)
#define BLOCK_MOST  ((size_t)1 << 20)
#define ALIGN       alignof(max_align_t)

struct block {
	struct block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *first; /* kept by arena_reset */
	struct block *rest;  /* all the others */
	struct block *open;  /* where the next allocation is tried: first, or one of rest */
	size_t grow;         /* size of the next block */
};

static _Noreturn void
die(void)
{
	static const char line[] = "{\"event\":\"out_of_memory\"}\n";

	if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
		abort();
	abort();
}

static void *
claim(size_t size)
{
	void *at = malloc(size);

	if (at == NULL)
		die();
	return at;
}

static struct block *
block(size_t size, struct block *next)
{
	struct block *b = claim(sizeof *b + size);

	b->next = next;
	b->size = size;
	b->used = 0;
	ASAN_POISON_MEMORY_REGION(b->bytes, size);
	return b;
}

static void
drop(struct block *b)
{
	ASAN_UNPOISON_MEMORY_REGION(b->bytes, b->size);
	free(b);
}

/* The block for need bytes when the open one has no room.  What would eat a good part of the next
 * block gets one of its own, so that the rest of the open block is not lost. */
static struct block *
extend(struct arena *mem, size_t need)
{
	if (need > mem->grow / 4)
		return mem->rest = block(need, mem->rest);
	mem->open = mem->rest = block(mem->grow, mem->rest);
	if (mem->grow < BLOCK_MOST)
		mem->grow *= 2;
	return mem->open;
}

struct arena *
arena_new(void)
{
	struct arena *mem = claim(sizeof *mem);

	mem->first = mem->open = block(BLOCK_FIRST, NULL);
	mem->rest = NULL;
	mem->grow = BLOCK_FIRST * 2;
	return mem;
}

void *
arena_get(struct arena *mem, size_t size)
{
	struct block *b = mem->open;
	size_t need;
	void *at;

	if (size == 0)
		size = 1;
	if (size > SIZE_MAX / 4)
		die();
	need = (size + ALIGN - 1) / ALIGN * ALIGN + GAP;
	if (b->size - b->used < need)
		b = extend(mem, need);
	at = b->bytes + b->used;
	b->used += need;
	ASAN_UNPOISON_MEMORY_REGION(at, size);
	return memset(at, 0, size);
}

char *
arena_text(struct arena *mem, const char *bytes, size_t length)
{
	char *text;

	if (length == SIZE_MAX)
		die();
	text = arena_get(mem, length + 1);
	if (length > 0)
		memcpy(text, bytes, length);
	return text;
}

char *
arena_vprint(struct arena *mem, const char *format, va_list args)
{
	va_list again;
	char *text;
	int length;

	if (format == NULL) /* nobody does; gcc's sanitized build warns until it is told so */
		die();
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		die();
	text = arena_get(mem, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}

char *
arena_print(struct arena *mem, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprint(mem, format, args);
	va_end(args);
	return text;
}

void
arena_reset(struct arena *mem)
{
	while (mem->rest != NULL) {
		struct block *b = mem->rest;

		mem->rest = b->next;
		drop(b);
	}
	ASAN_POISON_MEMORY_REGION(mem->first->bytes, mem->first->size);
	mem->first->used = 0;
	mem->open = mem->first;
	mem->grow = BLOCK_FIRST * 2;
}

void
arena_free(struct arena *mem)
{
	if (mem == NULL)
		return;
	arena_reset(mem);
	drop(mem->first);
	free(mem);
}
