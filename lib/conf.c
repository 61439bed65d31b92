/* conf.c -- the table of settings: environment to struct, and the text of conf/holdfast.env. */
#include "conf.h"
#include "log.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum kind { TEXT, NUMBER };

struct setting {
	const char *name;
	size_t at; /* in struct conf */
	enum kind kind;
	bool must;
	const char *unless; /* its value when the environment has none */
	long least;
	long most;
	const char *sentence;
};

#define AT(member) offsetof(struct conf, member)

/* Order of conf/holdfast.env; tests/lib/conf_test.c compares the two. */
/* clang-format off */
static const struct setting settings[] = {
	{"HOLDFAST_DATABASE",    AT(database),    TEXT, .must = true,
	 .sentence = "The database, as a libpq connection string."},
	{"HOLDFAST_KEYS",        AT(keys),        TEXT, .must = true,
	 .sentence = "Folder of the public keys that tokens are checked with, one <kid>.pub each."},
	{"HOLDFAST_CURSOR_KEY",  AT(cursor_key),  TEXT, .must = true,
	 .sentence = "File of 64 hex digits: the key that list cursors are signed with."},
	{"HOLDFAST_SIGNING_KEY", AT(signing_key), TEXT,
	 .sentence = "File <kid>.pem: the private key that tokens are signed with; sessions only."},
	{"HOLDFAST_SESSION_KEY", AT(session_key), TEXT,
	 .sentence = "File of 64 hex digits: the key that session secrets are made with; sessions only."},
	{"HOLDFAST_ISSUER",      AT(issuer),      TEXT, .unless = "holdfast",
	 .sentence = "The iss claim of our tokens."},
	{"HOLDFAST_SOCKET",      AT(socket),      TEXT,
	 .sentence = "Unix socket to listen on; unused when standard input is a listening socket."},
	{"HOLDFAST_USER",        AT(user),        TEXT,
	 .sentence = "Whom to become when started as root."},
	{"HOLDFAST_WORKERS",     AT(workers),     NUMBER, .unless = "0", .least = 0, .most = 64,
	 .sentence = "Processes that serve requests, 0 to 64; 0 means the program's own number."},
	{"HOLDFAST_SMTP",        AT(smtp),        TEXT,
	 .sentence = "Mail server, smtp://host:25 or smtps://user:password@host; without one no mail is sent; alerts only."},
	{"HOLDFAST_MAIL_FROM",   AT(mail_from),   TEXT, .unless = "holdfast@localhost",
	 .sentence = "Whom our mail is from; alerts only."},
	{"HOLDFAST_SPOOL",       AT(spool),       TEXT, .unless = "/tmp",
	 .sentence = "Private folder where spreadsheets are put together; exports only."},
	{0}
};
/* clang-format on */

/* Only digits and a sign: strtol alone would take leading space. */
static const char *
number(const struct setting *s, const char *text, long *n)
{
	char *end;

	errno = 0;
	*n = strtol(text, &end, 10);
	if (*end != '\0' || end == text || (*text != '-' && (*text < '0' || *text > '9')))
		return "not a whole number";
	if (errno == ERANGE || *n < s->least || *n > s->most)
		return "out of range";
	return NULL;
}

/* Why the setting is wrong, or NULL.  Never its value: HOLDFAST_DATABASE and HOLDFAST_SMTP may hold a password. */
static const char *
take(const struct setting *s, struct conf *conf)
{
	const char *text = getenv(s->name);
	char *at = (char *)conf + s->at;

	if (text == NULL || *text == '\0') /* an EnvironmentFile line left blank is no value */
		text = s->unless;
	if (text == NULL && s->must)
		return "missing";
	if (s->kind == NUMBER && text != NULL)
		return number(s, text, (long *)(void *)at);
	*(const char **)(void *)at = text;
	return NULL;
}

bool
conf_load(struct conf *conf)
{
	bool good = true;

	*conf = (struct conf){0};
	for (const struct setting *s = settings; s->name != NULL; s++) {
		const char *why = take(s, conf);

		if (why == NULL)
			continue;
		log_event("setting_wrong", "name", s->name, "why", why, NULL);
		good = false;
	}
	return good;
}

void
conf_print(void)
{
	printf("# holdfast.env -- the settings of every program, for systemd's EnvironmentFile.\n");
	printf("# A line behind # shows what holds without it.\n");
	for (const struct setting *s = settings; s->name != NULL; s++)
		printf("\n# %s\n%s%s=%s\n", s->sentence, s->must ? "" : "#", s->name,
		    s->unless == NULL ? "" : s->unless);
}
