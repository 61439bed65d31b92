/* mail.c -- the text of a message to somebody's mailbox. */
#include "mail.h"
#include "buf.h"

#include <stdbool.h>

/* The text with everything but printable ASCII made harmless; line breaks stay where keep says so. */
static char *
plain(struct arena *mem, const char *text, bool keep)
{
	struct buf to = {.mem = mem};

	buf_text(&to, "");
	for (; text != NULL && *text != '\0'; text++) {
		bool fine = (*text >= ' ' && *text <= '~') || (keep && *text == '\n');

		buf_bytes(&to, fine ? text : "?", 1);
	}
	return to.bytes;
}

char *
mail_text(struct arena *mem, const struct mail *mail)
{
	struct buf to = {.mem = mem};
	struct tm tm;
	char date[40];

	gmtime_r(&mail->at, &tm);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_print(&to, "Date: %s\n", date);
	buf_print(&to, "From: Holdfast <%s>\n", plain(mem, mail->from, false));
	buf_print(&to, "To: <%s>\n", plain(mem, mail->to, false));
	buf_print(&to, "Subject: Holdfast: %s%s%s\n", plain(mem, mail->kind, false),
	    mail->severity == NULL ? "" : ", ", plain(mem, mail->severity, false));
	buf_print(&to, "Message-ID: <%s@holdfast>\n", plain(mem, mail->id, false));
	buf_text(&to, "Auto-Submitted: auto-generated\n"
		      "MIME-Version: 1.0\n"
		      "Content-Type: text/plain; charset=us-ascii\n"
		      "\n");
	buf_print(&to, "This happened in Holdfast: %s\n\n", plain(mem, mail->kind, false));
	buf_print(&to, "%s\n\n", plain(mem, mail->lines, true));
	buf_text(&to, "Log in and look at it there, by its id. On purpose this message has no\n"
		      "names, numbers or addresses of customers.\n");
	return to.bytes;
}
