/* sessions.c -- logging in and out.
 *
 *	POST   /v1/sessions                     e-mail and password for a pair of tokens
 *	POST   /v1/sessions/refresh             the next pair
 *	GET    /v1/sessions/current             who am I?
 *	DELETE /v1/sessions/current             log out
 *	POST   /v1/sessions/password            set a password with a one-time token
 *	PATCH  /v1/sessions/current/password    change it
 *	GET    /v1/jwks                         the keys that our tokens are signed with
 *
 * Log-in is the one request of two trips: the password is checked in between, here, so that PostgreSQL
 * never sees it.  Of tokens it sees hashes (lib/secret.h).
 */
#include "app.h"
#include "secret.h"

#include <stdlib.h>

#define PASSWORD .least = 12, .most = 128

/* clang-format off */
static const struct param none[] = {
	{0}
};

static const struct param log_in[] = {
	{"email",    IN_BODY, AS_TEXT, .must = true, .least = 1, .most = 254, .says = "Who you are."},
	{"password", IN_BODY, AS_TEXT, .must = true, .least = 1, .most = 128, .says = "Your password."},
	{0}
};

static const struct param refresh[] = {
	{"refresh_token", IN_BODY, AS_TEXT, .must = true, .least = 1, .most = 200, .says = "The one that came last."},
	{0}
};

static const struct param set[] = {
	{"token",    IN_BODY, AS_TEXT, .must = true, .least = 1, .most = 200, .says = "The invite or reset token."},
	{"password", IN_BODY, AS_TEXT, .must = true, PASSWORD, .says = "The new password, at least 12 characters."},
	{0}
};

static const struct param change[] = {
	{"old", IN_BODY, AS_TEXT, .must = true, .least = 1, .most = 128, .says = "The present password."},
	{"new", IN_BODY, AS_TEXT, .must = true, PASSWORD, .says = "The new password, at least 12 characters."},
	{0}
};
/* clang-format on */

/* The two tokens and the person, as both log-in and refresh answer. */
static void
put_pair(
    struct app *app, struct req *r, const struct rows *rows, const char *sid, const char *token)
{
	char *access = token_make(app->tokens, r->mem, rows_get(rows, 0, "staff_id"), sid);

	if (access == NULL) {
		fail(r, 500, "internal", NULL);
		return;
	}
	r->type = "application/json";
	r->out.mem = r->mem;
	buf_text(&r->out, "{\"access_token\":");
	buf_json(&r->out, access);
	buf_print(&r->out,
	    ",\"token_type\":\"Bearer\",\"expires_in\":%d,\"refresh_token\":", TOKEN_SECONDS);
	buf_json(&r->out, token);
	buf_print(&r->out, ",\"staff\":%s}", rows_get(rows, 0, "staff"));
}

/* Renders a refusal that PostgreSQL answered as a row; says whether there was none. */
static bool
granted(struct req *r, const struct rows *rows)
{
	if (rows == NULL || strtol(rows_get(rows, 0, "_status"), NULL, 10) < 400)
		return rows != NULL;
	render_row(r, rows, NULL);
	return false;
}

static void
reply_log_in(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	const char *email = body_text(r, "email"), *password = body_text(r, "password");
	const struct arg who[] = {{"email", email}, {"address", r->address}};
	struct rows *rows;

	(void)to, (void)in;
	if (r->pending != NULL ||
	    !granted(r, rows = app_call(app, r, CALL_CHANGES, false, "session_challenge", who, 2)))
		return;
	const char *hash = secret_keep(r->mem, rows_get(rows, 0, "password_hash"));
	const char *org = secret_keep(r->mem, rows_get(rows, 0, "org_id"));
	/* An unknown e-mail costs the same time as a wrong password. */
	enum verdict verdict = secret_verify(hash, password);
	if (verdict == VERDICT_UNSURE) {
		fail(r, 503, "unavailable", NULL);
		return;
	}
	const char *session = secret_uuid(r->mem),
		   *sid = secret_session(app->own, r->mem, org, session);
	const char *token = secret_new(r->mem, org);
	const struct arg open[] = {{"email", email}, {"address", r->address},
	    {"agent", r->user_agent}, {"verified", verdict == VERDICT_RIGHT ? "true" : "false"},
	    {"password_hash", hash}, {"session_id", session},
	    {"secret_hash", secret_hash(r->mem, sid)},
	    {"refresh_hash", secret_hash(r->mem, token)}};
	if (granted(r, rows = app_call(app, r, CALL_CHANGES, false, "session_open", open, 8)))
		put_pair(app, r, rows, sid, token);
}

static void
reply_refresh(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	const char *token = body_text(r, "refresh_token"),
		   *org = token == NULL ? NULL : secret_org(r->mem, token), *next, *sealed;
	struct rows *rows;

	(void)to, (void)in;
	if (r->pending != NULL)
		return;
	if (org == NULL) {
		fail(r, 401, "refresh_invalid", "The refresh token is not valid. Log in again.");
		return;
	}
	next = secret_new(r->mem, org);
	const struct arg args[] = {{"org", org}, {"token_hash", secret_hash(r->mem, token)},
	    {"next_hash", secret_hash(r->mem, next)}, {"sealed", secret_seal(r->mem, token, next)}};
	if (!granted(r, rows = app_call(app, r, CALL_CHANGES, false, "session_refresh", args, 4)))
		return;
	sealed = rows_get(rows, 0, "sealed");
	if (sealed != NULL && (next = secret_unseal(r->mem, token, sealed)) == NULL) {
		fail(r, 500, "internal", NULL);
		return;
	}
	put_pair(app, r, rows,
	    secret_session(app->own, r->mem, org, rows_get(rows, 0, "session_id")), next);
}

/* The hash of a new password; NULL with 503 when there is no memory for it. */
static const char *
hashed(struct req *r, const char *password)
{
	const char *hash = secret_password(r->mem, password);

	if (hash == NULL)
		fail(r, 503, "unavailable", NULL);
	return hash;
}

static void
reply_set(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	const char *token = body_text(r, "token"), *password = body_text(r, "password"), *org,
		   *hash;
	struct rows *rows;

	(void)to, (void)in;
	if (r->pending != NULL)
		return;
	if ((org = secret_org(r->mem, token)) == NULL) {
		fail_at(r, 422, "invalid_value", "/token", "unknown",
		    "The token is wrong, used or too old. Ask for a new one.");
		return;
	}
	if ((hash = hashed(r, password)) == NULL)
		return;
	const struct arg args[] = {
	    {"org", org}, {"token_hash", secret_hash(r->mem, token)}, {"password_hash", hash}};
	if ((rows = app_call(app, r, CALL_CHANGES, false, "password_set", args, 3)) != NULL)
		render_row(r, rows, NULL);
}

static void
reply_change(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	const char *old = body_text(r, "old"), *new = body_text(r, "new"), *hash, *next;
	const struct arg who[] = {{"address", r->address}};
	enum verdict verdict;
	struct rows *rows;

	(void)to, (void)in;
	if (r->pending != NULL ||
	    (rows = app_call(app, r, CALL_CHANGES, true, "password_challenge", who, 1)) == NULL)
		return;
	hash = secret_keep(r->mem, rows_get(rows, 0, "password_hash"));
	if ((verdict = secret_verify(hash, old)) == VERDICT_UNSURE) {
		fail(r, 503, "unavailable", NULL);
		return;
	}
	if ((next = hashed(r, new)) == NULL)
		return;
	const struct arg args[] = {{"verified", verdict == VERDICT_RIGHT ? "true" : "false"},
	    {"old_hash", hash}, {"new_hash", next}};
	if ((rows = app_call(app, r, CALL_CHANGES, true, "password_change", args, 3)) != NULL)
		render_row(r, rows, NULL);
}

static void
reply_jwks(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	(void)to, (void)in;
	r->type = "application/jwk-set+json";
	r->out.mem = r->mem;
	token_jwks(app->tokens, &r->out);
}

/* clang-format off */
static const struct route routes[] = {
	{POST,   "/v1/sessions",                  NULL,              log_in,  reply_log_in,  201, .open = true, .says = "Logs in."},
	{POST,   "/v1/sessions/refresh",          NULL,              refresh, reply_refresh, 200, .open = true, .says = "Exchanges a refresh token for the next pair; an old one ends the session."},
	{GET,    "/v1/sessions/current",          "session_current", none,    reply_row,     200, .says = "Says who you are."},
	{DELETE, "/v1/sessions/current",          "session_end",     none,    reply_row,     204, .says = "Logs out."},
	{POST,   "/v1/sessions/password",         NULL,              set,     reply_set,     204, .open = true, .says = "Sets a password with a one-time token."},
	{PATCH,  "/v1/sessions/current/password", NULL,              change,  reply_change,  204, .says = "Changes your password; your other sessions end."},
	{GET,    "/v1/jwks",                      NULL,              none,    reply_jwks,    200, .open = true, .says = "Shows the public keys of our access tokens (RFC 7517)."},
	{0}
};
/* clang-format on */

static bool
ready(struct app *app)
{
	app->own = secret_ready(&app->conf);
	return app->own != NULL;
}

int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "sessions", .workers = 2, .routes = routes, .ready = ready});
}
