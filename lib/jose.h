/* jose.h -- what the text of a token must be before libjwt sees it, and what its claims must be
 * after (RFC 7515, 7519, 8725).  libjwt 1.10 checks no claim, ignores broken base64url, takes
 * alg from the token and the last of two equal names. */
#ifndef JOSE_H
#define JOSE_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define JOSE_MOST    4096 /* bytes of a token; libjwt decodes it on the stack */
#define JOSE_SECONDS 900  /* the longest life of a token */
#define JOSE_SKEW    30   /* seconds that a clock may be ahead of ours */

struct jose {
	const char *kid;
	const char *claims; /* the decoded middle part, not yet looked at */
	size_t length;
};

struct claims {
	const char *staff; /* sub, a uuid */
	const char *sid;
	const char *jti;
	long long iat, nbf, exp;
};

enum claims_state { CLAIMS_WRONG, CLAIMS_EXPIRED, CLAIMS_RIGHT };

/* Opens a token: three strict base64url parts, the first {"alg":"ES256","typ":"JWT","kid":...}
 * and nothing else, the last of 64 bytes.  Says nothing about the signature. */
bool jose_open(struct arena *mem, const char *token, size_t length, struct jose *jose);

/* Checks all claims; CLAIMS_EXPIRED when only exp is wrong.  Fills claims unless CLAIMS_WRONG. */
enum claims_state jose_claims(struct arena *mem, const struct jose *jose, const char *issuer,
    time_t now, struct claims *claims);

#endif
