/* jose_test.c -- heads and claims that are signed with the right key and wrong all the same. */
#include "forge.h"

/* clang-format off */
static const struct {
	const char *what, *head;
} heads[] = {
	{"none",               "{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"NoNe",               "{\"alg\":\"NoNe\",\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"es256",              "{\"alg\":\"es256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"hs256",              "{\"alg\":\"hs256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"ES384",              "{\"alg\":\"ES384\",\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"alg a number",       "{\"alg\":256,\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"no alg",             "{\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"no typ",             "{\"alg\":\"ES256\",\"kid\":\"k1\"}"},
	{"no kid",             "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"},
	{"at+jwt",             "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}"},
	{"jwt",                "{\"alg\":\"ES256\",\"typ\":\"jwt\",\"kid\":\"k1\"}"},
	{"kid a path",         "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"../k1\"}"},
	{"kid SQL",            "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1' or '1'='1\"}"},
	{"kid with NUL",       "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\\u0000\"}"},
	{"kid empty",          "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"\"}"},
	{"kid unknown",        "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k9\"}"},
	{"kid of another",     "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k2\"}"},
	{"kid a number",       "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":1}"},
	{"crit",               "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"crit\":[\"exp\"]}"},
	{"jku",                "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"jku\":\"//x\"}"},
	{"jwk",                "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"jwk\":{}}"},
	{"zip",                "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"zip\":\"DEF\"}"},
	{"b64",                "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"b64\":false}"},
	{"alg twice",          "{\"alg\":\"none\",\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"alg twice, escaped", "{\"alg\":\"ES256\",\"\\u0061lg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"},
	{"kid twice",          "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k2\",\"kid\":\"k1\"}"},
	{"an array",           "[\"ES256\",\"JWT\",\"k1\"]"},
	{"bytes behind",       "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\"}x"},
	{"no JSON",            "alg"},
	{"nothing",            ""},
	{0}
};

static const struct {
	const char *what, *code;
	struct claim_texts claims;
} claims[] = {
	{"expired",             "token_expired", {.iat = "-400", .nbf = "-400", .exp = "-100"}},
	{"just expired",        "token_expired", {.iat = "-300", .exp = "+0"}},
	{"expired and foreign", "token_invalid", {.iss = "\"x\"", .iat = "-400", .exp = "-100"}},
	{"exp a text",          "token_invalid", {.exp = "\"9999999999\""}},
	{"exp with a fraction", "token_invalid", {.exp = "9999999999.5"}},
	{"exp as 1e9",          "token_invalid", {.exp = "9e9"}},
	{"exp null",            "token_invalid", {.exp = "null"}},
	{"exp true",            "token_invalid", {.exp = "true"}},
	{"no exp",              "token_invalid", {.exp = ""}},
	{"exp far away",        "token_invalid", {.exp = "9999999999"}},
	{"exp 901 after iat",   "token_invalid", {.exp = "+901"}},
	{"exp as iat",          "token_invalid", {.exp = "+0"}},
	{"exp past 2^63",       "token_invalid", {.exp = "9223372036854775808"}},
	{"exp - iat overflows", "token_invalid", {.iat = "-9223372036854775808", .exp = "9223372036854775807"}},
	{"exp negative",        "token_invalid", {.iat = "-1", .exp = "-1"}},
	{"no iat",              "token_invalid", {.iat = ""}},
	{"iat a text",          "token_invalid", {.iat = "\"0\""}},
	{"iat to come",         "token_invalid", {.iat = "+60", .exp = "+300"}},
	{"no nbf",              "token_invalid", {.nbf = ""}},
	{"nbf a text",          "token_invalid", {.nbf = "\"9999999999\""}},
	{"nbf to come",         "token_invalid", {.nbf = "+60"}},
	{"iss another",         "token_invalid", {.iss = "\"holdfast2\""}},
	{"no iss",              "token_invalid", {.iss = ""}},
	{"aud another",         "token_invalid", {.aud = "\"other\""}},
	{"aud a list",          "token_invalid", {.aud = "[\"holdfast\"]"}},
	{"no aud",              "token_invalid", {.aud = ""}},
	{"use another",         "token_invalid", {.use = "\"refresh\""}},
	{"no use",              "token_invalid", {.use = ""}},
	{"sub no uuid",         "token_invalid", {.sub = "\"1 or 1=1\""}},
	{"no sub",              "token_invalid", {.sub = ""}},
	{"sid empty",           "token_invalid", {.sid = "\"\""}},
	{"sid with a space",    "token_invalid", {.sid = "\"a b\""}},
	{"sid with NUL",        "token_invalid", {.sid = "\"a\\u0000b\""}},
	{"sid a number",        "token_invalid", {.sid = "5"}},
	{"no sid",              "token_invalid", {.sid = ""}},
	{"jti a number",        "token_invalid", {.jti = "5"}},
	{"no jti",              "token_invalid", {.jti = ""}},
	{"another claim",       "token_invalid", {.more = ",\"role\":\"admin\""}},
	{"sub twice",           "token_invalid", {.more = ",\"sub\":\"" FORGE_STAFF "\""}},
	{"exp twice, escaped",  "token_invalid", {.more = ",\"\\u0065xp\":9999999999"}},
	{"no UTF-8",            "token_invalid", {.jti = "\"\xff\""}},
	{"right",               NULL,            {0}},
	{"right, sid of 128",   NULL,            {.sid = "\"" FORGE_128 "\""}},
	{"sid of 129",          "token_invalid", {.sid = "\"" FORGE_128 "x\""}},
	{"right, 900 seconds",  NULL,            {.iat = "-10", .exp = "+890"}},
	{"right, clock ahead",  NULL,            {.iat = "+20", .nbf = "+20", .exp = "+300"}},
	{0}
};
/* clang-format on */

static void
each_head(void **state)
{
	struct forge *f = *state;
	const char *good = forge_claims(f, &(struct claim_texts){0});

	for (size_t i = 0; heads[i].what; i++)
		forge_expect(f, heads[i].what,
		    arena_print(f->mem, "Bearer %s",
			forge_token(f, f->key, heads[i].head, good, strlen(good))),
		    "token_invalid");
}

static void
each_claim(void **state)
{
	struct forge *f = *state;

	for (size_t i = 0; claims[i].what; i++) {
		const char *text = forge_claims(f, &claims[i].claims);

		forge_expect(f, claims[i].what,
		    arena_print(
			f->mem, "Bearer %s", forge_token(f, f->key, NULL, text, strlen(text))),
		    claims[i].code);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_head),
	    cmocka_unit_test(each_claim),
	};

	return cmocka_run_group_tests(tests, forge_open, forge_close);
}
