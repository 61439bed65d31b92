/* post.h -- sends what leaves the house: webhooks and mail.  Only this module knows libcurl. */
#ifndef POST_H
#define POST_H

#include <stdbool.h>

#define POST_HEADS 4

/* One thing to send, and what became of it.  The texts are borrowed. */
struct post {
	const char *url; /* http or https; of a mail, smtp or smtps; NULL is not sent */
	const char *heads[POST_HEADS + 1]; /* "Name: value", up to NULL */
	const char *body;                  /* of a mail, its whole text */
	const char *from, *to;             /* of a mail; else NULL */
	bool anywhere;                     /* private addresses will do */

	long status;       /* HTTP's or SMTP's, 0 when none came */
	const char *error; /* a stable word, or NULL when an answer came, whatever its status */
};

/* Sends n at once and returns when all are sent or given up, after ten seconds at most.  No redirect is followed, no proxy
 * asked, and of an answer the status alone is kept. */
void post_all(struct post *posts, int n);

#endif
