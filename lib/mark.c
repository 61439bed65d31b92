/* mark.c -- the watermark's spellings of phones and e-mail addresses. */
#include "mark.h"

#include <string.h>

#define DIGITS     "0123456789"
#define SEPARATORS " -/.()"

#define DIGITS_LEAST 7
#define TAIL         5 /* digits that are regrouped */

/* The end of what stands in the buffer, so that the next text begins behind its NUL. */
static const char *
ended(struct buf *to, size_t start)
{
	buf_char(to, '\0');
	return to->bytes + start;
}

const char *
mark_phone(struct buf *to, const char *phone, bool bit)
{
	size_t start = to->length, length = strlen(phone), head = length, found = 0,
	       group = bit ? 2 : 3;
	char tail[TAIL];

	/* A letter may be an extension, a comma a second number: only what is known is moved. */
	if (length == 0 || strspn(phone, "+" DIGITS SEPARATORS) != length ||
	    strchr(DIGITS, phone[length - 1]) == NULL)
		return phone;
	for (const char *c = phone; *c != '\0'; c++)
		found += strchr(DIGITS, *c) != NULL;
	if (found < DIGITS_LEAST)
		return phone;
	for (size_t n = TAIL; n > 0;) {
		if (phone[--head] == '+')
			return phone;
		if (strchr(DIGITS, phone[head]) != NULL)
			tail[--n] = phone[head];
	}
	while (strchr(SEPARATORS, phone[head - 1]) != NULL)
		head--;
	buf_bytes(to, phone, head);
	buf_char(to, ' ');
	buf_bytes(to, tail, group);
	buf_char(to, ' ');
	buf_bytes(to, tail + group, TAIL - group);
	return ended(to, start);
}

const char *
mark_email(struct buf *to, const char *email, bool bit)
{
	const char *at = strrchr(email, '@');
	size_t start = to->length;
	int first = at == NULL ? 0 : at[1] | 0x20; /* as a small letter, if it is one */

	if (strchr(email, '*') != NULL || first < 'a' || first > 'z')
		return email;
	buf_bytes(to, email, (size_t)(at + 1 - email));
	buf_char(to, (char)(bit ? first & ~0x20 : first));
	buf_text(to, at + 2);
	return ended(to, start);
}
