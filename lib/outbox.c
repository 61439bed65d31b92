/* outbox.c -- the process that sends what leaves the house. */
#include "outbox.h"
#include "app.h"
#include "mail.h"
#include "post.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AT_ONCE "20"
#define IDLE_MS 1000

static struct post
hook(struct arena *mem, const struct rows *rows, int i)
{
	return (struct post){.url = rows_get(rows, i, "target"),
	    .body = rows_get(rows, i, "body"),
	    .heads = {arena_print(mem, "Holdfast-Id: %s", rows_get(rows, i, "id")),
		arena_print(mem, "Holdfast-Timestamp: %s", rows_get(rows, i, "stamp")),
		arena_print(mem, "Holdfast-Signature: %s", rows_get(rows, i, "signature"))},
	    .anywhere = *rows_get(rows, i, "allow_private") == 't'};
}

/* To the operator's own server, wherever that is. */
static struct post
mail(const struct conf *conf, struct arena *mem, const struct rows *rows, int i)
{
	struct mail mail = {.from = conf->mail_from,
	    .to = rows_get(rows, i, "target"),
	    .id = rows_get(rows, i, "delivery"),
	    .kind = rows_get(rows, i, "kind"),
	    .severity = rows_get(rows, i, "severity"),
	    .lines = rows_get(rows, i, "says"),
	    .at = time(NULL)};

	return (struct post){.url = conf->smtp,
	    .body = mail_text(mem, &mail),
	    .from = mail.from,
	    .to = mail.to,
	    .anywhere = true,
	    .error = conf->smtp == NULL ? "no_smtp" : NULL};
}

/* Sends the rows and returns what became of them, as api.outbox_done has it. */
static const char *
send_rows(struct app *app, struct arena *mem, const struct rows *rows)
{
	int n = rows_count(rows);
	struct post *posts = arena_get(mem, (size_t)n * sizeof *posts);
	struct buf said = {.mem = mem};

	for (int i = 0; i < n; i++)
		posts[i] = strcmp(rows_get(rows, i, "channel"), "webhook") == 0
			       ? hook(mem, rows, i)
			       : mail(&app->conf, mem, rows, i);
	post_all(posts, n);
	for (int i = 0; i < n; i++) {
		buf_print(&said, "%s{\"org\":%s,\"delivery\":\"%s\",\"status\":%ld,\"error\":",
		    i == 0 ? "[" : ",", rows_get(rows, i, "org"), rows_get(rows, i, "delivery"),
		    posts[i].status);
		buf_json(&said, posts[i].error);
		buf_char(&said, '}');
	}
	buf_char(&said, ']');
	return said.bytes;
}

/* Both calls may be repeated: what was taken and not sent waits for its lease to end, what was told once is told. */
int
outbox_work(struct app *app)
{
	struct arena *mem = arena_new();
	struct req r = {.mem = mem, .id = "00000000000000000000000000000000", .client = -1};
	struct arg lim = {"lim", AT_ONCE};
	struct rows *rows = db_call(app->jobs, &r, CALL_READS, "outbox_take", &lim, 1);
	int n = rows == NULL ? 0 : rows_count(rows);

	if (n > 0) {
		const char *lease = rows_get(rows, 0, "lease");
		struct arg done[] = {{"lease", arena_text(mem, lease, strlen(lease))},
		    {"results", send_rows(app, mem, rows)}};

		db_call(app->jobs, &r, CALL_READS, "outbox_done", done, 2);
	}
	arena_free(mem);
	return n == atoi(AT_ONCE) ? 0 : IDLE_MS;
}
