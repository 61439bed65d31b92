/* token.h -- bearer tokens (RFC 7519, RFC 8725).  Only token.c includes jwt.h. */
#ifndef TOKEN_H
#define TOKEN_H

#include "conf.h"
#include "req.h"

#define TOKEN_SECONDS 300

struct tokens;

/* Loads every public key <kid>.pub of conf->keys and, where set, the signing key (its kid is the
 * file's name without .pem).  Each must be a P-256 key.  Logs what is wrong and returns NULL. */
struct tokens *tokens_load(const struct conf *conf);
void tokens_free(struct tokens *tokens);

/* Sets r->staff and r->sid from a valid Authorization: Bearer, else fails with 401. */
bool token_check(struct tokens *tokens, struct req *r);

/* A new access token of TOKEN_SECONDS for a staff member and session secret, or NULL (logged). It
 * has been decoded and compared again, since libjwt signs wrong tokens without memory. */
char *token_make(struct tokens *tokens, struct arena *mem, const char *staff, const char *sid);

/* The public keys as a JSON Web Key Set (RFC 7517). */
void token_jwks(struct tokens *tokens, struct buf *to);

#endif
