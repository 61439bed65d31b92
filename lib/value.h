/* value.h -- one value of a path, query or head against its row of the table.  What takes
 * a request returns false with r->fault set when the value is wrong. */
#ifndef VALUE_H
#define VALUE_H

#include "param.h"

/* Refuses a parameter: 400 invalid_parameter. */
bool value_wrong(struct req *r, const struct param *p, const char *why, const char *detail);

/* Whether word is one of words, which blanks separate. */
bool value_word(const char *words, const char *word);

/* What to say of a number that number.h finds wrong. */
const char *value_number(struct req *r, const struct param *p, const char *why);

/* A plain value: number, word, time, text, ... */
bool value_good(struct req *r, const struct param *p, const char *text);

/* AS_SORT */
bool value_sort(struct req *r, const struct param *p, const char *text);

/* AS_FIELDS: " id name " into to->fields for the renderer, {id,name} into *value for SQL. */
bool value_fields(
    struct req *r, const struct param *p, const char *text, struct bound *to, const char **value);

/* AS_RETRY: the key, and what it is the key of; the same key with another request is refused in SQL. */
bool value_retry(struct req *r, const struct param *p, const char *key, const char **value);

/* The next item of a comma list, NULL behind the last; rest moves on. */
const char *value_item(struct arena *mem, const char **rest);

#endif
