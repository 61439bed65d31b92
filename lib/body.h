/* body.h -- a JSON body against its table. */
#ifndef BODY_H
#define BODY_H

#include "param.h"

/* Checks r->body against the IN_BODY rows of params and returns the text of the object to pass on:
 * the body as it came, or what is left of it when r->pending was set by a wrong value. NULL when
 * r->fault was set: 415, 413 or 400. */
const char *body_bind(struct req *r, const struct param *params);

/* Whether the body is said to be of this media type, whatever its parameters. */
bool body_media(const struct req *r, const char *type);

/* Whether we store a character in one line of text, or with prose in several: no controls, no
 * bidirectional overrides, no noncharacters. */
bool body_character_good(unsigned long c, bool prose);

/* The same of a whole text. *length is its number of characters. */
bool body_text_good(const char *text, size_t bytes, bool prose, long *length);

/* A text member of a body that was bound, decoded, or NULL.  For the few handlers that need one in C. */
const char *body_text(struct req *r, const char *name);

#endif
