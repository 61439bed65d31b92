/* token_fuzz.c -- libFuzzer on what stands before libjwt: no text passes without a signature, and
 * no claims pass that break a promise.  The first byte chooses. */
#include "fault.h"
#include "http.h"
#include "jose.h"
#include "token.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tokens *tokens;
static struct arena *mem;

/* A key whose private half is gone at once: whatever passes is forged. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char folder[] = "/tmp/token-fuzz-XXXXXX";
	struct conf conf = {.keys = folder, .issuer = "holdfast"};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *file;
	char *path;

	(void)argc;
	(void)argv;
	mem = arena_new();
	if (mkdtemp(folder) == NULL)
		abort();
	path = arena_print(mem, "%s/k1.pub", folder);
	if ((file = fopen(path, "w")) == NULL || PEM_write_PUBKEY(file, key) != 1)
		abort();
	fclose(file);
	EVP_PKEY_free(key);
	if ((tokens = tokens_load(&conf)) == NULL)
		abort();
	unlink(path);
	rmdir(folder);
	return 0;
}

static void
check(const char *authorization)
{
	struct req r = {.mem = mem, .authorization = authorization};

	if (token_check(tokens, &r) || r.fault == NULL || r.fault->status != 401 || r.staff ||
	    r.sid)
		abort();
}

static void
check_head(const char *bytes, size_t length)
{
	static const char signature[64];
	char *token = arena_print(mem, "%s.e30.%s", http_base64url(mem, bytes, length),
	    http_base64url(mem, signature, sizeof(signature)));
	struct jose jose;

	if (jose_open(mem, token, strlen(token), &jose) && strlen(jose.kid) > length)
		abort();
	check(arena_print(mem, "Bearer %s", token));
}

static void
check_claims(const char *bytes, size_t length)
{
	const struct jose jose = {.kid = "k1", .claims = bytes, .length = length};
	const time_t now = 1700000000;
	struct claims c;

	switch (jose_claims(mem, &jose, "holdfast", now, &c)) {
	case CLAIMS_RIGHT:
		if (c.exp <= now || c.exp > now + JOSE_SECONDS + JOSE_SKEW)
			abort();
		/* fall through */
	case CLAIMS_EXPIRED:
		if (!http_uuid(c.staff) || strlen(c.sid) - 1 >= 128 || c.iat > now + JOSE_SKEW ||
		    c.nbf > now + JOSE_SKEW || c.exp - c.iat > JOSE_SECONDS)
			abort();
		break;
	case CLAIMS_WRONG:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy to the byte, so that the sanitizer sees a read behind it. */
	const size_t length = size > 0 ? size - 1 : 0;
	char *bytes = malloc(length + 1);

	if (bytes == NULL || size == 0) {
		free(bytes);
		return 0;
	}
	memcpy(bytes, data + 1, length);
	bytes[length] = '\0';
	switch (data[0] % 4) {
	case 0:
		check(bytes);
		break;
	case 1:
		check(arena_print(mem, "Bearer %s", bytes));
		break;
	case 2:
		check_head(bytes, length);
		break;
	case 3:
		check_claims(bytes, length);
		break;
	}
	arena_reset(mem);
	free(bytes);
	return 0;
}
