/* secret.c -- passwords, refresh tokens and session secrets. */
#include "secret.h"
#include "cursor.h"
#include "http.h"
#include "log.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECRET_BYTES 32
#define SECRET_CHARS 43
#define PASSES       2
#define MEMORY       (19456UL * 1024)

struct secrets {
	unsigned char key[CURSOR_KEY];
	char nobody[crypto_pwhash_STRBYTES]; /* a hash that no password has */
};

static const struct secrets *ours;

struct secrets *
secret_ready(const struct conf *conf)
{
	struct secrets *secrets = calloc(1, sizeof *secrets);
	unsigned char random[SECRET_BYTES];

	if (secrets == NULL)
		abort();
	randombytes_buf(random, sizeof random);
	if (conf->session_key == NULL)
		log_event("setting_wrong", "name", "HOLDFAST_SESSION_KEY", "why",
		    "the sessions program needs it", NULL);
	if (conf->session_key == NULL || !cursor_key_read(conf->session_key, secrets->key) ||
	    crypto_pwhash_str(
		secrets->nobody, (const char *)random, sizeof random, PASSES, MEMORY) != 0) {
		free(secrets);
		return NULL;
	}
	ours = secrets;
	return secrets;
}

static char *
secret(struct arena *mem, const char *org, const unsigned char bytes[SECRET_BYTES])
{
	return arena_print(
	    mem, "%s.%s", org == NULL ? "0" : org, http_base64url(mem, bytes, SECRET_BYTES));
}

char *
secret_new(struct arena *mem, const char *org)
{
	unsigned char bytes[SECRET_BYTES];

	randombytes_buf(bytes, sizeof bytes);
	return secret(mem, org, bytes);
}

char *
secret_session(
    const struct secrets *secrets, struct arena *mem, const char *org, const char *session)
{
	unsigned char bytes[SECRET_BYTES];

	crypto_generichash(bytes, sizeof bytes, (const unsigned char *)session, strlen(session),
	    secrets->key, sizeof secrets->key);
	return secret(mem, org, bytes);
}

static char *
bytea(struct arena *mem, const unsigned char *bytes, size_t length)
{
	char *text = arena_get(mem, 2 * length + 3);

	text[0] = '\\';
	text[1] = 'x';
	sodium_bin2hex(text + 2, 2 * length + 1, bytes, length);
	return text;
}

char *
secret_hash(struct arena *mem, const char *text)
{
	unsigned char sum[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(sum, (const unsigned char *)text, strlen(text));
	return bytea(mem, sum, sizeof sum);
}

char *
secret_org(struct arena *mem, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	const char *rest = text + digits + 1;

	if (digits < 1 || digits > 9 || text[digits] != '.' || strlen(rest) != SECRET_CHARS ||
	    strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
		SECRET_CHARS)
		return NULL;
	return arena_text(mem, text, digits);
}

/* The key is the token's own, under another personalization than the hash that is stored. */
static void
seal_key(unsigned char key[crypto_secretbox_KEYBYTES], const char *token)
{
	static const char purpose[] = "holdfast refresh successor";

	crypto_generichash(key, crypto_secretbox_KEYBYTES, (const unsigned char *)token,
	    strlen(token), (const unsigned char *)purpose, sizeof purpose - 1);
}

char *
secret_seal(struct arena *mem, const char *token, const char *next)
{
	unsigned char key[crypto_secretbox_KEYBYTES];
	size_t length = strlen(next),
	       all = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + length;
	unsigned char *box = arena_get(mem, all);

	seal_key(key, token);
	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(
	    box + crypto_secretbox_NONCEBYTES, (const unsigned char *)next, length, box, key);
	return bytea(mem, box, all);
}

char *
secret_unseal(struct arena *mem, const char *token, const char *sealed)
{
	unsigned char key[crypto_secretbox_KEYBYTES];
	size_t length = 0, head = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
	unsigned char *box = arena_get(mem, strlen(sealed) / 2 + 1);
	char *next = arena_get(mem, strlen(sealed) / 2 + 1);

	seal_key(key, token);
	if (strncmp(sealed, "\\x", 2) != 0 ||
	    sodium_hex2bin(box, strlen(sealed) / 2, sealed + 2, strlen(sealed) - 2, NULL, &length,
		NULL) != 0 ||
	    length <= head ||
	    crypto_secretbox_open_easy((unsigned char *)next, box + crypto_secretbox_NONCEBYTES,
		length - crypto_secretbox_NONCEBYTES, box, key) != 0)
		return NULL;
	return next;
}

char *
secret_password(struct arena *mem, const char *password)
{
	char *hash = arena_get(mem, crypto_pwhash_STRBYTES);

	return crypto_pwhash_str(hash, password, strlen(password), PASSES, MEMORY) == 0 ? hash
											: NULL;
}

enum verdict
secret_verify(const char *hash, const char *password)
{
	errno = 0;
	if (crypto_pwhash_str_verify(
		hash == NULL ? ours->nobody : hash, password, strlen(password)) == 0)
		return hash == NULL ? VERDICT_WRONG : VERDICT_RIGHT;
	/* libsodium sets errno for a mismatch and for nothing else. */
	return errno == EINVAL ? VERDICT_WRONG : VERDICT_UNSURE;
}

char *
secret_uuid(struct arena *mem)
{
	unsigned char b[16];
	struct timespec t;
	unsigned long long ms;

	clock_gettime(CLOCK_REALTIME, &t);
	ms = (unsigned long long)t.tv_sec * 1000 + (unsigned long long)t.tv_nsec / 1000000;
	randombytes_buf(b, sizeof b);
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	return arena_print(mem,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	    b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
	    b[15]);
}

const char *
secret_keep(struct arena *mem, const char *text)
{
	return text == NULL ? NULL : arena_text(mem, text, strlen(text));
}
