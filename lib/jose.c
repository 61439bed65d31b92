/* jose.c -- what the text of a token and its claims must be. */
#include "jose.h"
#include "http.h"

#include <jansson.h>
#include <string.h>

#define SIGNATURE 64

enum { ISS, AUD, SUB, SID, USE, JTI, IAT, NBF, EXP, CLAIMS };

/* All of these and no others.  A number as a text or with a fraction reads as 0 in libjwt. */
/* clang-format off */
static const struct claim {
	const char *name;
	json_type type;
	const char *must; /* its value, where there is only one */
} table[] = {
	[ISS] = {"iss", JSON_STRING,  NULL},
	[AUD] = {"aud", JSON_STRING,  "holdfast"},
	[SUB] = {"sub", JSON_STRING,  NULL},
	[SID] = {"sid", JSON_STRING,  NULL},
	[USE] = {"use", JSON_STRING,  "access"},
	[JTI] = {"jti", JSON_STRING,  NULL},
	[IAT] = {"iat", JSON_INTEGER, NULL},
	[NBF] = {"nbf", JSON_INTEGER, NULL},
	[EXP] = {"exp", JSON_INTEGER, NULL},
	[CLAIMS] = {0}
};
/* clang-format on */

static bool
is(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* The kid, or NULL when the head is anything but our own three members. */
static const char *
read_head(struct arena *mem, const char *bytes, size_t length)
{
	json_auto_t *head = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *kid = json_object_get(head, "kid");

	if (json_object_size(head) != 3 || !is(json_object_get(head, "alg"), "ES256") ||
	    !is(json_object_get(head, "typ"), "JWT") || !json_is_string(kid))
		return NULL;
	return arena_text(mem, json_string_value(kid), json_string_length(kid));
}

bool
jose_open(struct arena *mem, const char *token, size_t length, struct jose *jose)
{
	const char *first, *second;
	const unsigned char *head, *claims, *signature;
	size_t head_length, signature_length;

	if (length > JOSE_MOST || (first = memchr(token, '.', length)) == NULL ||
	    (second = memchr(first + 1, '.', length - (size_t)(first + 1 - token))) == NULL)
		return false;
	head = http_unbase64url(mem, token, (size_t)(first - token), &head_length);
	claims = http_unbase64url(mem, first + 1, (size_t)(second - first - 1), &jose->length);
	/* A third dot is no base64url. */
	signature = http_unbase64url(
	    mem, second + 1, length - (size_t)(second + 1 - token), &signature_length);
	if (head == NULL || claims == NULL || signature == NULL || signature_length != SIGNATURE)
		return false;
	jose->claims = (const char *)claims;
	jose->kid = read_head(mem, (const char *)head, head_length);
	return jose->kid != NULL;
}

static bool
complete(const json_t *claims)
{
	const struct claim *c;

	for (c = table; c->name; c++) {
		const json_t *value = json_object_get(claims, c->name);

		if (value == NULL || json_typeof(value) != c->type ||
		    (c->must && !is(value, c->must)))
			return false;
	}
	return json_object_size(claims) == CLAIMS;
}

static const char *
text(struct arena *mem, const json_t *claims, int claim)
{
	const json_t *value = json_object_get(claims, table[claim].name);

	return arena_text(mem, json_string_value(value), json_string_length(value));
}

static long long
number(const json_t *claims, int claim)
{
	return json_integer_value(json_object_get(claims, table[claim].name));
}

static bool
is_word(const char *word)
{
	size_t length =
	    strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return length > 0 && length <= 128 && word[length] == '\0';
}

enum claims_state
jose_claims(struct arena *mem, const struct jose *jose, const char *issuer, time_t now,
    struct claims *claims)
{
	json_auto_t *all = json_loadb(jose->claims, jose->length, JSON_REJECT_DUPLICATES, NULL);

	if (!complete(all) || !is(json_object_get(all, "iss"), issuer))
		return CLAIMS_WRONG;
	*claims = (struct claims){
	    .staff = text(mem, all, SUB),
	    .sid = text(mem, all, SID),
	    .jti = text(mem, all, JTI),
	    .iat = number(all, IAT),
	    .nbf = number(all, NBF),
	    .exp = number(all, EXP),
	};
	if (!http_uuid(claims->staff) || !is_word(claims->sid) || !is_word(claims->jti))
		return CLAIMS_WRONG;
	/* Not below 0, so that no difference overflows. */
	if (claims->iat < 0 || claims->nbf < 0 || claims->exp <= claims->iat ||
	    claims->exp - claims->iat > JOSE_SECONDS || claims->iat > now + JOSE_SKEW ||
	    claims->nbf > now + JOSE_SKEW)
		return CLAIMS_WRONG;
	return claims->exp > now ? CLAIMS_RIGHT : CLAIMS_EXPIRED;
}
