/* arena.h -- the memory of one request, given back at once. */
#ifndef ARENA_H
#define ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* A new arena; never NULL.  Out of memory aborts the process here and in all
 * functions below: libjwt signs wrong tokens when an allocation fails, so no
 * request goes on without memory. */
struct arena *arena_new(void);

/* size bytes, zeroed and aligned for any type, never NULL; they live until
 * arena_reset. */
void *arena_get(struct arena *mem, size_t size);

/* A copy of length bytes with a NUL behind them. */
char *arena_text(struct arena *mem, const char *bytes, size_t length);

/* A formatted text, NUL-terminated. */
char *arena_print(struct arena *mem, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprint(struct arena *mem, const char *format, va_list args);

/* Gives everything back but the first block, which is kept for the next request. */
void arena_reset(struct arena *mem);
void arena_free(struct arena *mem);

#endif
