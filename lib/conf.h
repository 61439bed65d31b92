/* conf.h -- the environment as one struct, by one table. */
#ifndef CONF_H
#define CONF_H

#include "arena.h"

#include <stdbool.h>

struct conf {
	const char *socket;      /* HOLDFAST_SOCKET: unix socket, where fd 0 is none; or NULL */
	const char *user;        /* HOLDFAST_USER: whom to become when root, or NULL */
	long workers;            /* HOLDFAST_WORKERS: 0 means the program's own number */
	const char *database;    /* HOLDFAST_DATABASE: libpq connection string */
	const char *keys;        /* HOLDFAST_KEYS: folder of public keys, <kid>.pub */
	const char *signing_key; /* HOLDFAST_SIGNING_KEY: private key <kid>.pem, or NULL */
	const char *session_key; /* HOLDFAST_SESSION_KEY: file of 64 hex digits, or NULL */
	const char *cursor_key;  /* HOLDFAST_CURSOR_KEY: file of 64 hex digits */
	const char *issuer;      /* HOLDFAST_ISSUER: iss of our tokens */
	const char *smtp;        /* HOLDFAST_SMTP: mail server as a URL, or NULL */
	const char *spool;       /* HOLDFAST_SPOOL: private folder for spreadsheets */
	const char *mail_from;   /* HOLDFAST_MAIL_FROM: whom our mail is from */
};

/* Fills conf from the environment.  Every missing or wrong setting is logged by
 * name before it returns false.  The texts are borrowed from the environment. */
bool conf_load(struct conf *conf);

/* Prints each setting with its default and its sentence, as conf/holdfast.env
 * has it; a test compares the two. */
void conf_print(void);

#endif
