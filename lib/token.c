/* token.c -- bearer tokens: check, make, publish the keys.  Only this file includes jwt.h. */
#include "token.h"
#include "fault.h"
#include "http.h"
#include "jose.h"
#include "keys.h"
#include "log.h"

#include <jansson.h>
#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define CACHE 1024
#define UUID  36
#define SID   128

/* A token that was found right.  Checking one costs 370 microseconds, most of it in libjwt parsing
 * the key; looking here costs one.  hash decides the place, a later token takes it over. */
struct known {
	unsigned char hash[crypto_hash_sha256_BYTES];
	long long exp; /* 0: empty */
	char staff[UUID + 1];
	char sid[SID + 1];
};

struct tokens {
	struct keys keys;
	const char *issuer;
	struct known cache[CACHE];
};

/* libjwt gives wrong tokens when jansson has no memory. */
static void *
get_or_abort(size_t size)
{
	void *bytes = malloc(size);

	if (bytes == NULL)
		abort();
	return bytes;
}

struct tokens *
tokens_load(const struct conf *conf)
{
	struct tokens *tokens;

	if (sodium_init() < 0)
		abort();
	json_set_alloc_funcs(get_or_abort, free);
	if ((tokens = calloc(1, sizeof(*tokens))) == NULL)
		abort();
	tokens->issuer = conf->issuer;
	if (keys_load(&tokens->keys, conf->keys, conf->signing_key))
		return tokens;
	tokens_free(tokens);
	return NULL;
}

void
tokens_free(struct tokens *tokens)
{
	if (tokens == NULL)
		return;
	keys_free(&tokens->keys);
	sodium_memzero(tokens->cache, sizeof(tokens->cache));
	free(tokens);
}

/* The only place that decodes.  Without a key libjwt takes every signature, and with the public
 * key it takes an HS256 one that was made with its text. */
static bool
genuine(const struct key *key, const char *token)
{
	jwt_t *jwt = NULL;
	bool good;

	if (key->pem == NULL || key->length == 0)
		abort();
	good = jwt_decode(&jwt, token, (const unsigned char *)key->pem, (int)key->length) == 0 &&
	       jwt != NULL && jwt_get_alg(jwt) == JWT_ALG_ES256;
	jwt_free(jwt);
	return good;
}

static enum claims_state
verify(const struct tokens *tokens, struct arena *mem, const char *token, size_t length,
    struct claims *claims)
{
	struct jose jose;
	const struct key *key;

	if (!jose_open(mem, token, length, &jose) ||
	    (key = keys_find(&tokens->keys, jose.kid)) == NULL || !genuine(key, token))
		return CLAIMS_WRONG;
	return jose_claims(mem, &jose, tokens->issuer, time(NULL), claims);
}

/* The place of a token in the cache; hash is filled in. */
static struct known *
place(struct tokens *tokens, const char *token, size_t length, unsigned char *hash)
{
	crypto_hash_sha256(hash, (const unsigned char *)token, length);
	return &tokens->cache[(hash[0] << 8 | hash[1]) % CACHE];
}

static void
learn(struct known *known, const unsigned char *hash, const struct claims *claims)
{
	memcpy(known->hash, hash, sizeof(known->hash));
	memcpy(known->staff, claims->staff, strlen(claims->staff) + 1);
	memcpy(known->sid, claims->sid, strlen(claims->sid) + 1);
	known->exp = claims->exp;
}

bool
token_check(struct tokens *tokens, struct req *r)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct claims claims;
	enum claims_state state;
	struct known *known;
	const char *token;
	size_t length;

	if (r->authorization == NULL)
		return fail(r, 401, "token_missing", "This needs an access token.");
	token = r->authorization + strlen("Bearer ");
	if (strncasecmp(r->authorization, "Bearer ", strlen("Bearer ")) != 0 ||
	    (length = strnlen(token, JOSE_MOST + 1)) > JOSE_MOST)
		return fail(r, 401, "token_invalid", "The access token is not valid.");
	known = place(tokens, token, length, hash);
	if (known->exp <= time(NULL) || memcmp(known->hash, hash, sizeof(hash)) != 0) {
		if ((state = verify(tokens, r->mem, token, length, &claims)) == CLAIMS_EXPIRED)
			return fail(r, 401, "token_expired", "The access token has expired.");
		if (state != CLAIMS_RIGHT)
			return fail(r, 401, "token_invalid", "The access token is not valid.");
		learn(known, hash, &claims);
	}
	r->staff = arena_text(r->mem, known->staff, strlen(known->staff));
	r->sid = arena_text(r->mem, known->sid, strlen(known->sid));
	return true;
}

/* Signs claims.  What comes back was made by malloc, and is not to be trusted yet. */
static char *
sign(const struct tokens *tokens, const struct claims *claims)
{
	const struct key *key = &tokens->keys.signing;
	char *text = NULL;
	jwt_t *jwt = NULL;

	if (jwt_new(&jwt) == 0 && jwt_add_header(jwt, "kid", key->kid) == 0 &&
	    jwt_add_grant(jwt, "iss", tokens->issuer) == 0 &&
	    jwt_add_grant(jwt, "aud", "holdfast") == 0 &&
	    jwt_add_grant(jwt, "use", "access") == 0 &&
	    jwt_add_grant(jwt, "sub", claims->staff) == 0 &&
	    jwt_add_grant(jwt, "sid", claims->sid) == 0 &&
	    jwt_add_grant(jwt, "jti", claims->jti) == 0 &&
	    jwt_add_grant_int(jwt, "iat", (long)claims->iat) == 0 &&
	    jwt_add_grant_int(jwt, "nbf", (long)claims->nbf) == 0 &&
	    jwt_add_grant_int(jwt, "exp", (long)claims->exp) == 0 &&
	    jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)key->pem, (int)key->length) == 0)
		text = jwt_encode_str(jwt);
	jwt_free(jwt);
	return text;
}

static bool
same(const struct claims *a, const struct claims *b)
{
	return strcmp(a->staff, b->staff) == 0 && strcmp(a->sid, b->sid) == 0 &&
	       strcmp(a->jti, b->jti) == 0 && a->iat == b->iat && a->nbf == b->nbf &&
	       a->exp == b->exp;
}

char *
token_make(struct tokens *tokens, struct arena *mem, const char *staff, const char *sid)
{
	unsigned char random[16];
	char jti[2 * sizeof(random) + 1];
	struct claims is, must = {.staff = staff, .sid = sid, .jti = jti};
	char *text, *token = NULL;

	if (tokens->keys.signing.pem == NULL) {
		log_event("token_failed", "why", "there is no signing key", NULL);
		return NULL;
	}
	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(jti, sizeof(jti), random, sizeof(random));
	must.iat = must.nbf = time(NULL);
	must.exp = must.iat + TOKEN_SECONDS;
	text = sign(tokens, &must);
	if (text && verify(tokens, mem, text, strlen(text), &is) == CLAIMS_RIGHT &&
	    same(&is, &must))
		token = arena_text(mem, text, strlen(text));
	else
		log_event("token_failed", "why", "it was not signed as asked", NULL);
	free(text);
	return token;
}

void
token_jwks(struct tokens *tokens, struct buf *to)
{
	const struct keys *keys = &tokens->keys;
	const struct key *k;

	buf_text(to, "{\"keys\":[");
	for (k = keys->list; k < keys->list + keys->count; k++) {
		if (k > keys->list)
			buf_char(to, ',');
		buf_print(to, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\",",
		    http_base64url(to->mem, k->x, sizeof(k->x)),
		    http_base64url(to->mem, k->y, sizeof(k->y)));
		buf_print(to, "\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"%s\"}", k->kid);
	}
	buf_text(to, "]}");
}
