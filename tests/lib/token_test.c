/* token_test.c -- texts of tokens that are not what they seem, the cache, and making tokens. */
#include "forge.h"

static const char *
bearer(struct forge *f, const char *token)
{
	return arena_print(f->mem, "Bearer %s", token);
}

/* HS256 made with the text of the public key, which everybody has. */
static const char *
hs256(struct forge *f, const char *alg, const char *claims)
{
	char *pem = forge_pem(f, f->key, false);
	char *head = arena_print(f->mem, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"k1\"}", alg);
	char *text = arena_print(f->mem, "%s.%s", http_base64url(f->mem, head, strlen(head)),
	    http_base64url(f->mem, claims, strlen(claims)));
	unsigned char mac[32];
	unsigned length = sizeof(mac);

	HMAC(EVP_sha256(), pem, (int)strlen(pem), (const unsigned char *)text, strlen(text), mac,
	    &length);
	return arena_print(f->mem, "Bearer %s.%s", text, http_base64url(f->mem, mac, sizeof(mac)));
}

static void
each_text(void **state)
{
	struct forge *f = *state;
	const char *good = forge_claims(f, &(struct claim_texts){0});
	char *token = forge_token(f, f->key, NULL, good, strlen(good));
	size_t length = strlen(token);
	/* clang-format off */
	const struct {
		const char *what, *text, *code;
	} texts[] = {
		{"right",                 bearer(f, token), NULL},
		{"scheme in capitals",    arena_print(f->mem, "BEARER %s", token), NULL},
		{"no header",             NULL, "token_missing"},
		{"empty",                 "", "token_invalid"},
		{"scheme alone",          "Bearer", "token_invalid"},
		{"no token",              "Bearer ", "token_invalid"},
		{"two spaces",            bearer(f, arena_print(f->mem, " %s", token)), "token_invalid"},
		{"a tab",                 arena_print(f->mem, "Bearer\t%s", token), "token_invalid"},
		{"Basic",                 arena_print(f->mem, "Basic %s", token), "token_invalid"},
		{"space behind",          arena_print(f->mem, "Bearer %s ", token), "token_invalid"},
		{"newline behind",        arena_print(f->mem, "Bearer %s\n", token), "token_invalid"},
		{"padding",               arena_print(f->mem, "Bearer %s==", token), "token_invalid"},
		{"third dot",             arena_print(f->mem, "Bearer %s.", token), "token_invalid"},
		{"fourth part",           arena_print(f->mem, "Bearer %s.AAAA", token), "token_invalid"},
		{"dots only",             "Bearer ..", "token_invalid"},
		{"one dot",               "Bearer a.b", "token_invalid"},
		{"no dot",                "Bearer abc", "token_invalid"},
		{"junk among the claims", arena_print(f->mem, "Bearer %.80s!%s", token, token + 80), "token_invalid"},
		{"plain base64",          arena_print(f->mem, "Bearer %.*s+", (int)length - 1, token), "token_invalid"},
		{"cut",                   arena_print(f->mem, "Bearer %.*s", (int)length - 1, token), "token_invalid"},
		{"no signature",          arena_print(f->mem, "Bearer %.*s", (int)length - 86, token), "token_invalid"},
		{"signature of zeros",    arena_print(f->mem, "Bearer %.*s%.86s", (int)length - 86, token, FORGE_128), "token_invalid"},
		{"HS256, public key",     hs256(f, "HS256", good), "token_invalid"},
		{"HS256 called ES256",    hs256(f, "ES256", good), "token_invalid"},
		{"none, no signature",    arena_print(f->mem, "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIiwia2lkIjoiazEifQ.%s.",
		                              http_base64url(f->mem, good, strlen(good))), "token_invalid"},
		{"a key we do not know",  bearer(f, forge_token(f, f->foreign, NULL, good, strlen(good))), "token_invalid"},
		{"key of another kid",    bearer(f, forge_token(f, f->second, NULL, good, strlen(good))), "token_invalid"},
		/* arena_print's NUL is the first byte of the tail. */
		{"bytes after NUL",       bearer(f, forge_token(f, f->key, NULL, good, strlen(good) + 1)), "token_invalid"},
		{0}
	};
	/* clang-format on */

	for (size_t i = 0; texts[i].what; i++)
		forge_expect(f, texts[i].what, texts[i].text, texts[i].code);
	/* Of the last character only two bits count; libjwt ignores the others. */
	token[length - 1]++;
	forge_expect(f, "other last bits", bearer(f, token), "token_invalid");
	token[length - 1]--;
	token[length - 40] = token[length - 40] == 'A' ? 'B' : 'A';
	forge_expect(f, "broken signature", bearer(f, token), "token_invalid");
}

/* libjwt decodes on the stack; 9 MB end it. */
static void
too_long(void **state)
{
	struct forge *f = *state;
	const char *good = forge_claims(f, &(struct claim_texts){.more = "                "});
	char *wide = arena_print(f->mem, "%s%4000s", good, "");
	char *big = malloc(9000008);

	memcpy(big, "Bearer ", 7);
	memset(big + 7, 'a', 9000000);
	big[9000007] = '\0';
	forge_expect(f, "9 MB", big, "token_invalid");
	big[4007] = big[8007] = '.';
	big[10007] = '\0';
	forge_expect(f, "10 KB", big, "token_invalid");
	free(big);
	/* Nothing is wrong with these two but the length of one. */
	forge_expect(
	    f, "4 KB", bearer(f, forge_token(f, f->key, NULL, wide, strlen(good) + 2500)), NULL);
	forge_expect(f, "over 4 KB", bearer(f, forge_token(f, f->key, NULL, wide, strlen(wide))),
	    "token_invalid");
}

static void
cached(void **state)
{
	struct forge *f = *state;
	const char *soon = forge_claims(f, &(struct claim_texts){.exp = "+2"});
	const char *a = bearer(f, token_make(f->tokens, f->mem, FORGE_STAFF, "one"));
	const char *b = bearer(f, token_make(f->tokens, f->mem, FORGE_STAFF, "two"));

	soon = bearer(f, forge_token(f, f->key, NULL, soon, strlen(soon)));
	forge_expect(f, "soon", soon, NULL);
	for (int i = 0; i < 6; i++) {
		struct req r = {.mem = f->mem, .authorization = i % 2 ? a : b};

		assert_true(token_check(f->tokens, &r));
		assert_string_equal(r.sid, i % 2 ? "one" : "two");
	}
	/* More than the cache has places: none may take another's. */
	for (int i = 0; i < 1100; i++) {
		const char *sid = arena_print(f->mem, "\"s%d\"", i);
		const char *text = forge_claims(f, &(struct claim_texts){.sid = sid});
		struct req r = {.mem = f->mem};

		r.authorization = bearer(f, forge_token(f, f->key, NULL, text, strlen(text)));
		assert_true(token_check(f->tokens, &r));
		assert_int_equal(atoi(r.sid + 1), i);
	}
	forge_expect(f, "one", a, NULL);
	sleep(2);
	forge_expect(f, "now", soon, "token_expired");
}

static void
makes(void **state)
{
	struct forge *f = *state;
	struct conf open = f->conf;
	struct buf jwks = {.mem = f->mem};
	struct tokens *checker;

	assert_null(token_make(f->tokens, f->mem, FORGE_STAFF, "not a word"));
	assert_null(token_make(f->tokens, f->mem, "nobody", "secret"));
	open.signing_key = NULL;
	checker = tokens_load(&open);
	assert_non_null(checker);
	assert_null(token_make(checker, f->mem, FORGE_STAFF, "secret"));
	tokens_free(checker);

	token_jwks(f->tokens, &jwks);
	assert_non_null(strstr(jwks.bytes, "\"kid\":\"k1\"},{\"kty\":\"EC\",\"crv\":\"P-256\""));
	assert_null(strstr(jwks.bytes, "\"d\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_text),
	    cmocka_unit_test(too_long),
	    cmocka_unit_test(cached),
	    cmocka_unit_test(makes),
	};

	return cmocka_run_group_tests(tests, forge_open, forge_close);
}
