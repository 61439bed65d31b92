/* keys.c -- P-256 keys from PEM files, checked with OpenSSL before libjwt ever sees them. */
#include "keys.h"
#include "log.h"

#include <dirent.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The PEM of a P-256 key has 178 bytes or more.  To libjwt an empty key means that every
 * signature is good. */
#define LEAST 150
#define MOST  4096

static bool
refuse(const char *file, const char *why)
{
	log_event("key_refused", "file", file, "why", why, NULL);
	return false;
}

static bool
ends_in(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

/* The file's name without its folder and its end. */
static bool
read_kid(struct key *key, const char *path, const char *end)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (length == 0 || length > KEY_KID || strcmp(name + length, end) != 0)
		return false;
	memcpy(key->kid, name, length);
	return true;
}

static bool
read_pem(struct key *key, const char *path)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return false;
	/* Unbuffered: stdio would leave a copy of the private key in freed memory. */
	setvbuf(file, NULL, _IONBF, 0);
	if ((key->pem = calloc(1, MOST + 1)) == NULL)
		abort();
	key->length = fread(key->pem, 1, MOST, file);
	fclose(file);
	return key->length >= LEAST && key->length < MOST && strlen(key->pem) == key->length;
}

/* Asks nobody for a password. */
static int
no_password(char *to, int size, int writing, void *data)
{
	(void)to;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

static EVP_PKEY *
parse(const struct key *key, bool secret)
{
	BIO *bio = BIO_new_mem_buf(key->pem, (int)key->length);
	EVP_PKEY *pkey;

	if (bio == NULL)
		abort();
	pkey = secret ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL)
		      : PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
	BIO_free(bio);
	return pkey;
}

static bool
read_number(const EVP_PKEY *pkey, const char *name, unsigned char bytes[32])
{
	BIGNUM *number = NULL;
	bool good = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
		    BN_bn2binpad(number, bytes, 32) == 32;

	BN_free(number);
	return good;
}

/* Neither libjwt nor ES256 in a token's head says anything about the curve. */
static bool
read_point(struct key *key, const EVP_PKEY *pkey)
{
	char curve[32] = "";

	return pkey && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
	       EVP_PKEY_get_utf8_string_param(
		   pkey, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve), NULL) == 1 &&
	       strcmp(curve, "prime256v1") == 0 &&
	       read_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->x) &&
	       read_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->y);
}

static bool
read_key(struct key *key, const char *path, bool secret)
{
	EVP_PKEY *pkey;
	bool good;

	if (!read_kid(key, path, secret ? ".pem" : ".pub"))
		return refuse(path, "its name is not [a-z0-9-]{1,16} and .pub or .pem");
	if (!read_pem(key, path))
		return refuse(path, "not readable or too short or too long");
	pkey = parse(key, secret);
	good = read_point(key, pkey);
	EVP_PKEY_free(pkey);
	return good || refuse(path, secret ? "no private P-256 key" : "no public P-256 key");
}

static bool
read_folder(struct keys *keys, const char *folder)
{
	struct dirent **files = NULL;
	int count = scandir(folder, &files, NULL, alphasort);
	bool good = true;
	int i;

	if (count < 0)
		return refuse(folder, "no such folder");
	if ((keys->list = calloc((size_t)count + 1, sizeof(*keys->list))) == NULL)
		abort();
	for (i = 0; i < count; i++) {
		char *path = NULL;

		if (good && ends_in(files[i]->d_name, ".pub")) {
			if (asprintf(&path, "%s/%s", folder, files[i]->d_name) < 0)
				abort();
			good = read_key(&keys->list[keys->count++], path, false);
			free(path);
		}
		free(files[i]);
	}
	free(files);
	return good && (keys->count > 0 || refuse(folder, "no *.pub in it"));
}

bool
keys_load(struct keys *keys, const char *folder, const char *signing)
{
	const struct key *half;

	*keys = (struct keys){0};
	if (!read_folder(keys, folder))
		return false;
	if (signing == NULL)
		return true;
	if (!read_key(&keys->signing, signing, true))
		return false;
	half = keys_find(keys, keys->signing.kid);
	return (half && memcmp(half->x, keys->signing.x, sizeof(half->x)) == 0 &&
		   memcmp(half->y, keys->signing.y, sizeof(half->y)) == 0) ||
	       refuse(signing, "its public half is not in the folder of keys");
}

void
keys_free(struct keys *keys)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		free(keys->list[i].pem);
	free(keys->list);
	if (keys->signing.pem)
		sodium_memzero(keys->signing.pem, keys->signing.length);
	free(keys->signing.pem);
	*keys = (struct keys){0};
}

const struct key *
keys_find(const struct keys *keys, const char *kid)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		if (strcmp(keys->list[i].kid, kid) == 0)
			return &keys->list[i];
	return NULL;
}
