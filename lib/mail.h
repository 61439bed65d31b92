/* mail.h -- the text of a message to somebody's mailbox. */
#ifndef MAIL_H
#define MAIL_H

#include "arena.h"

#include <time.h>

struct mail {
	const char *from; /* plain addresses */
	const char *to;
	const char *id;       /* a uuid, of this message alone */
	const char *kind;     /* alert.raised */
	const char *severity; /* or NULL */
	const char *lines;    /* what there is to say, or NULL */
	time_t at;
};

/* The whole message, headers and all, with LF at the end of each line.  Whatever the texts hold, each header is one line of
 * printable ASCII. */
char *mail_text(struct arena *mem, const struct mail *mail);

#endif
