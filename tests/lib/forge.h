/* forge.h -- keys made at run time and tokens signed with them, right and wrong, for the tests of
 * token, jose and keys. */
#ifndef FORGE_H
#define FORGE_H

#include "http.h"
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define FORGE_STAFF "0190a5e2-7b3c-7d41-9c11-8a2f6d3b5e70"
#define FORGE_32    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define FORGE_128   FORGE_32 FORGE_32 FORGE_32 FORGE_32

/* A folder with k1.pub, k2.pub and k1.pem, what the tests load from it, and other keys as PEM. */
struct forge {
	char folder[32];
	EVP_PKEY *key, *second, *foreign;
	char *foreign_public, *foreign_private, *p384, *secp256k1, *rsa;
	struct arena *mem;
	struct conf conf;
	struct tokens *tokens;
};

/* Claims as JSON texts: NULL is the right one, "" leaves it out, a leading + or - adds to now. */
struct claim_texts {
	const char *iss, *aud, *sub, *sid, *use, *jti, *iat, *nbf, *exp;
	const char *more; /* put behind them */
};

static inline char *
forge_path(struct forge *f, const char *name)
{
	return arena_print(f->mem, "%s/%s", f->folder, name);
}

static inline void
forge_write(struct forge *f, const char *name, const char *text)
{
	FILE *file = fopen(forge_path(f, name), "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static inline void
forge_remove(struct forge *f, const char *name)
{
	assert_int_equal(remove(forge_path(f, name)), 0);
}

static inline char *
forge_pem(struct forge *f, EVP_PKEY *key, bool secret)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *text;
	long length;

	if (secret)
		PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PUBKEY(bio, key);
	length = BIO_get_mem_data(bio, &bytes);
	text = arena_text(f->mem, bytes, (size_t)length);
	BIO_free(bio);
	return text;
}

static inline int
forge_open(void **state)
{
	struct forge *f = calloc(1, sizeof(*f));
	EVP_PKEY *p384 = EVP_EC_gen("P-384"), *secp256k1 = EVP_EC_gen("secp256k1");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);

	f->mem = arena_new();
	strcpy(f->folder, "/tmp/forge-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->key = EVP_EC_gen("P-256");
	f->second = EVP_EC_gen("P-256");
	f->foreign = EVP_EC_gen("P-256");
	f->foreign_public = forge_pem(f, f->foreign, false);
	f->foreign_private = forge_pem(f, f->foreign, true);
	f->p384 = forge_pem(f, p384, false);
	f->secp256k1 = forge_pem(f, secp256k1, false);
	f->rsa = forge_pem(f, rsa, false);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(secp256k1);
	EVP_PKEY_free(rsa);
	forge_write(f, "k1.pub", forge_pem(f, f->key, false));
	forge_write(f, "k2.pub", forge_pem(f, f->second, false));
	forge_write(f, "k1.pem", forge_pem(f, f->key, true));
	f->conf.keys = f->folder;
	f->conf.issuer = "holdfast";
	f->conf.signing_key = forge_path(f, "k1.pem");
	f->tokens = tokens_load(&f->conf);
	assert_non_null(f->tokens);
	*state = f;
	return 0;
}

static inline int
forge_close(void **state)
{
	struct forge *f = *state;

	tokens_free(f->tokens);
	forge_remove(f, "k1.pub");
	forge_remove(f, "k2.pub");
	forge_remove(f, "k1.pem");
	assert_int_equal(rmdir(f->folder), 0);
	EVP_PKEY_free(f->key);
	EVP_PKEY_free(f->second);
	EVP_PKEY_free(f->foreign);
	arena_free(f->mem);
	free(f);
	return 0;
}

static inline void
forge_claim(struct buf *to, const char *name, const char *value, const char *unless)
{
	if (value == NULL)
		value = unless;
	if (*value == '\0')
		return;
	buf_print(to, "%s\"%s\":", to->length > 1 ? "," : "", name);
	/* "-9223372036854775808" is meant as it stands. */
	if ((*value == '+' || *value == '-') && strlen(value) < 10)
		buf_print(to, "%lld", (long long)time(NULL) + atoll(value));
	else
		buf_text(to, value);
}

static inline char *
forge_claims(struct forge *f, const struct claim_texts *c)
{
	struct buf out = {.mem = f->mem};

	buf_char(&out, '{');
	forge_claim(&out, "iss", c->iss, "\"holdfast\"");
	forge_claim(&out, "aud", c->aud, "\"holdfast\"");
	forge_claim(&out, "sub", c->sub, "\"" FORGE_STAFF "\"");
	forge_claim(&out, "sid", c->sid, "\"s.e-c_ret\"");
	forge_claim(&out, "use", c->use, "\"access\"");
	forge_claim(&out, "jti", c->jti, "\"1\"");
	forge_claim(&out, "iat", c->iat, "+0");
	forge_claim(&out, "nbf", c->nbf, "+0");
	forge_claim(&out, "exp", c->exp, "+300");
	buf_text(&out, c->more ? c->more : "");
	buf_char(&out, '}');
	return out.bytes;
}

/* ES256 wants r and s as 64 bytes, OpenSSL gives them as DER. */
static inline void
forge_sign(EVP_PKEY *key, const char *text, unsigned char raw[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[128];
	const unsigned char *at = der;
	size_t length = sizeof(der);
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(
	    EVP_DigestSign(ctx, der, &length, (const unsigned char *)text, strlen(text)), 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)length);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* A token signed by key, whatever head and claims say. */
static inline char *
forge_token(struct forge *f, EVP_PKEY *key, const char *head, const char *claims, size_t length)
{
	unsigned char raw[64];
	char *text;

	if (head == NULL)
		head = "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\"}";
	text = arena_print(f->mem, "%s.%s", http_base64url(f->mem, head, strlen(head)),
	    http_base64url(f->mem, claims, length));
	forge_sign(key, text, raw);
	return arena_print(f->mem, "%s.%s", text, http_base64url(f->mem, raw, sizeof(raw)));
}

/* The code of the refusal, or NULL when the header passed. */
static inline const char *
forge_verdict(struct forge *f, const char *authorization)
{
	struct req r = {.mem = f->mem, .authorization = authorization};

	if (token_check(f->tokens, &r)) {
		assert_null(r.fault);
		assert_string_equal(r.staff, FORGE_STAFF);
		assert_true(strlen(r.sid) > 0);
		return NULL;
	}
	assert_null(r.staff);
	assert_null(r.sid);
	assert_int_equal(r.fault->status, 401);
	return r.fault->code;
}

/* Twice: what was wrong must not come out of the cache as right, nor the reverse. */
static inline void
forge_expect(struct forge *f, const char *what, const char *authorization, const char *code)
{
	for (int i = 0; i < 2; i++) {
		const char *got = forge_verdict(f, authorization);

		if (got != code && (got == NULL || code == NULL || strcmp(got, code) != 0))
			fail_msg(
			    "%s: %s, not %s", what, got ? got : "passed", code ? code : "passed");
	}
}

#endif
