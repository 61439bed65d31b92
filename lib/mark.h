/* mark.h -- the watermark's spellings: a bit in how a phone or an e-mail address is written, which it
 * reaches all the same.
 *
 * The answer is the value itself where it bears no mark, or else stands in the buffer: behind what was
 * there, and for as long as the buffer's arena.  Whoever marks row after row sets its length back to 0. */
#ifndef MARK_H
#define MARK_H

#include "buf.h"

#include <stdbool.h>

/* The last five digits in groups: "+49 30 900 12" for 0, "+49 30 90 012" for 1.  Bears none: what is
 * masked, has fewer than seven digits, something behind the last one, or what no number is written with. */
const char *mark_phone(struct buf *to, const char *phone, bool bit);

/* The first letter of the domain: small for 0, capital for 1.  Bears none: what is masked, and a domain
 * that begins with no letter of ASCII. */
const char *mark_email(struct buf *to, const char *email, bool bit);

#endif
