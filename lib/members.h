/* members.h -- the members of a JSON object against their table.  For body.c. */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "number.h"
#include "param.h"

#include <jansson.h>

/* Checks names, then values, against the IN_BODY rows of params; at is the object's own pointer.  A member with a
 * wrong value is taken out of the object.  numbers is how the numbers of the body are written. */
bool members_good(struct req *r, struct numbers *numbers, const struct param *params,
    json_t *object, const char *at);

/* Whether a number whose text matters stands anywhere in the table. */
bool members_counted(const struct param *params);

#endif
