/* sheet_cell.c -- texts as a workbook may have them. */
#include "buf.h"
#include "forms.h"

#include <string.h>

/* Bytes of a character of UTF-8, which stored text always is. */
static size_t
character(const char *text)
{
	unsigned char c = (unsigned char)*text;

	return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* First bytes of what may not stand as it is; few texts have one. */
#define LOOKED_AT                                                                                  \
	"\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"       \
	"\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f_\xef"

/* What stands in the file for a character, NULL for itself: U+FFFD for what XML forbids, one line feed for
 * every line end, and the underscore of what reads like one of Excel's escapes ("_x0041_") escaped. */
static const char *
instead(const char *text, size_t length)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (*text == '\r')
		return text[1] == '\n' ? "" : "\n";
	if ((unsigned char)*text < 0x20 && *text != '\t' && *text != '\n')
		return "\xef\xbf\xbd";
	if (length == 3 &&
	    (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0))
		return "\xef\xbf\xbd";
	if (strncmp(text, "_x", 2) == 0 && strspn(text + 2, digits) == 4 && text[6] == '_')
		return "_x005F_";
	return NULL;
}

const char *
sheet_cell(struct arena *mem, const char *text, size_t most)
{
	struct buf to = {.mem = mem};
	size_t left = strlen(text), used = 0, whole = 0; /* whole: leaves room for the ellipsis */

	if (left <= most && strcspn(text, LOOKED_AT) == left)
		return text;
	buf_text(&to, "");
	for (size_t n; left > 0; text += n, left -= n) {
		const char *other;

		n = character(text) < left ? character(text) : left;
		other = instead(text, n);
		if (other == NULL)
			buf_bytes(&to, text, n);
		else
			buf_text(&to, other);
		used += other != NULL ? strlen(other) : n == 4 ? 2 : 1;
		if (used > most) {
			to.length = whole;
			buf_text(&to, "\xe2\x80\xa6");
			break;
		}
		if (used < most)
			whole = to.length;
	}
	return to.bytes;
}
