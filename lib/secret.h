/* secret.h -- passwords, refresh tokens and session secrets; for the sessions program alone.
 *
 * A secret is "<org>.<43 characters of base64url>": the number leads PostgreSQL to the org's rows, where
 * its SHA-256 is.  The secret of a session, which its access tokens carry as sid, is derived from the
 * session's id under the session key, so that a refresh can put it into the next token though
 * nobody stored it. */
#ifndef SECRET_H
#define SECRET_H

#include "arena.h"
#include "conf.h"

#include <stdbool.h>

struct secrets;

/* Reads conf->session_key; logs and returns NULL when that is not set or wrong. It lives as long as the process. */
struct secrets *secret_ready(const struct conf *conf);

/* A new random secret of an org; org NULL gives one that belongs to nobody. */
char *secret_new(struct arena *mem, const char *org);

/* The secret of a session (a uuid). */
char *secret_session(
    const struct secrets *secrets, struct arena *mem, const char *org, const char *session);

/* SHA-256 of a secret as a bytea literal. */
char *secret_hash(struct arena *mem, const char *secret);

/* The org of a well-formed secret, else NULL. */
char *secret_org(struct arena *mem, const char *secret);

/* next encrypted under token (XSalsa20-Poly1305), as a bytea literal; and back, NULL when it is not of this token. */
char *secret_seal(struct arena *mem, const char *token, const char *next);
char *secret_unseal(struct arena *mem, const char *token, const char *sealed);

/* argon2id of a password with 19 MiB and two passes (OWASP's floor), NULL when there is no memory. */
char *secret_password(struct arena *mem, const char *password);

/* Whether a password is the one of a hash.  hash NULL takes as long and is wrong.  Unsure when there
 * was no memory to find out, which must not count as wrong. */
enum verdict { VERDICT_WRONG, VERDICT_RIGHT, VERDICT_UNSURE };
enum verdict secret_verify(const char *hash, const char *password);

/* A random UUIDv7. */
char *secret_uuid(struct arena *mem);

/* A copy that outlives the next database call; NULL stays NULL. */
const char *secret_keep(struct arena *mem, const char *text);

#endif
