/* cursor.c -- list positions under a keyed BLAKE2b tag; base64url of tag and position. */
#include "cursor.h"
#include "http.h"
#include "log.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define TAG       16
#define TEXT_MOST 4096

/* The length of bound goes in first, so that no byte can slide between bound and position. */
static void
sign(unsigned char tag[TAG], const unsigned char key[CURSOR_KEY], const char *bound,
    const unsigned char *position, size_t length)
{
	crypto_generichash_state state;
	uint64_t bound_length = strlen(bound);

	crypto_generichash_init(&state, key, CURSOR_KEY, TAG);
	crypto_generichash_update(
	    &state, (const unsigned char *)&bound_length, sizeof bound_length);
	crypto_generichash_update(&state, (const unsigned char *)bound, bound_length);
	crypto_generichash_update(&state, position, length);
	crypto_generichash_final(&state, tag, TAG);
	sodium_memzero(&state, sizeof state);
}

/* The file's bytes up to room, or -1. */
static ssize_t
slurp(const char *path, char *bytes, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, bytes, room);

	if (fd >= 0)
		close(fd);
	return length;
}

bool
cursor_key_read(const char *path, unsigned char key[CURSOR_KEY])
{
	char hex[2 * CURSOR_KEY + 2];
	ssize_t length = slurp(path, hex, sizeof hex);
	const char *why = NULL;
	size_t done = 0;

	if (length == 2 * CURSOR_KEY + 1 && hex[2 * CURSOR_KEY] == '\n')
		length--;
	if (sodium_init() < 0)
		why = "libsodium does not start";
	else if (length < 0)
		why = "cannot be read";
	else if (length != 2 * CURSOR_KEY ||
		 sodium_hex2bin(key, CURSOR_KEY, hex, 2 * CURSOR_KEY, NULL, &done, NULL) != 0 ||
		 done != CURSOR_KEY)
		why = "not 64 hex digits";
	sodium_memzero(hex, sizeof hex);
	if (why != NULL)
		log_event("key_wrong", "path", path, "why", why, NULL);
	return why == NULL;
}

char *
cursor_sign(
    struct arena *mem, const unsigned char key[CURSOR_KEY], const char *bound, const char *position)
{
	size_t length = strlen(position);
	unsigned char *bytes = arena_get(mem, TAG + length);
	char *text;

	memcpy(bytes + TAG, position, length);
	sign(bytes, key, bound, bytes + TAG, length);
	text = http_base64url(mem, bytes, TAG + length);
	if (strlen(text) > TEXT_MOST)
		log_event("cursor_too_long", "length", log_number((long)strlen(text)), NULL);
	return text;
}

char *
cursor_open(
    struct arena *mem, const unsigned char key[CURSOR_KEY], const char *bound, const char *text)
{
	size_t text_length = strnlen(text, TEXT_MOST + 1);
	unsigned char tag[TAG];
	unsigned char *bytes;
	size_t length;

	if (text_length > TEXT_MOST)
		return NULL;
	bytes = http_unbase64url(mem, text, text_length, &length);
	if (bytes == NULL || length < TAG)
		return NULL;
	sign(tag, key, bound, bytes + TAG, length - TAG);
	if (sodium_memcmp(tag, bytes, TAG) != 0)
		return NULL;
	return arena_text(mem, (const char *)bytes + TAG, length - TAG);
}
