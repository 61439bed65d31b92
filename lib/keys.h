/* keys.h -- P-256 keys from PEM files: the public ones by kid, and the one that signs. */
#ifndef KEYS_H
#define KEYS_H

#include <stdbool.h>
#include <stddef.h>

#define KEY_KID 16

/* x and y are the public point, of a private key too. */
struct key {
	char kid[KEY_KID + 1]; /* ^[a-z0-9-]{1,16}$ */
	char *pem;             /* NUL-terminated; libjwt parses it anew each time */
	size_t length;
	unsigned char x[32];
	unsigned char y[32];
};

struct keys {
	struct key *list; /* public, ordered by kid */
	size_t count;
	struct key signing; /* pem NULL where there is none */
};

/* Reads every <kid>.pub of folder and, unless NULL, the private key <kid>.pem, whose public half
 * must be among them.  Logs what is wrong and returns false; keys_free is due either way. */
bool keys_load(struct keys *keys, const char *folder, const char *signing);
void keys_free(struct keys *keys);

/* NULL when there is no such kid. */
const struct key *keys_find(const struct keys *keys, const char *kid);

#endif
