/* upload.c -- a file that is sent to be imported, part by part, as it comes.
 *
 * Nothing of it is kept here: each part is a call of its own (sql/api/imports_parts.sql), which puts its rows aside, and only the last
 * one makes an import of them. What was put aside of a file that is refused goes at once, and of one whose process died, with the chores.
 */
#include "app.h"
#include "decode.h"
#include "fcgi.h"
#include "part.h"
#include "table.h"

#include <sodium.h>
#include <string.h>

#define ROWS_MOST  500000
#define BYTES_MOST ((size_t)64 << 20)
#define ARGUMENTS  6

struct upload {
	struct app *app;
	struct req *r;
	const struct route *to;
	const struct bound *in;
	struct arena *mem; /* of one part */
	struct decode decode;
	struct table *table;
	const char *separator; /* as somebody named it, or what it was recognised as */
	const char *id;        /* of what is put aside, NULL before */
	struct part part;
	size_t rows;
	int parts;
	crypto_generichash_state sum; /* of query and file: what an Idempotency-Key is the key of */
};

static const struct {
	const char *word;
	char character;
} separators[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}};

/* An argument of the route by its name, or NULL. */
static const char *
argument(const struct upload *u, const char *name)
{
	for (size_t i = 0; i < u->in->n; i++)
		if (strcmp(u->in->args[i].name, name) == 0)
			return u->in->args[i].value;
	return NULL;
}

static bool
refuse(struct upload *u, long line, const char *why, const char *detail)
{
	return fail_at(u->r, 422, "invalid_file", arena_print(u->r->mem, "#line=%ld", line), why,
	    "Line %ld: %s", line, detail);
}

static bool
judge(struct upload *u, enum table_wrong wrong)
{
	static const struct {
		const char *why, *detail;
	} words[] = {
	    [TABLE_QUOTE] = {"quote",
		"a quote stands inside of a field. A field with quotes in it is in quotes "
		"itself, and they are doubled (RFC 4180)."},
	    [TABLE_CUT] = {"cut",
		"a quoted field begins in this row and does not end. Is the file cut off?"},
	    [TABLE_FIELD] = {"length",
		"a field has more than 10000 characters. Is a quote missing?"},
	    [TABLE_LONG] = {"row_length", "the row has more than 1048576 bytes."},
	    [TABLE_MANY] = {"columns", "the row has more than 200 fields."},
	    [TABLE_NUL] = {"nul", "there is a NUL character. Is this a text file?"},
	};

	if (u->r->fault != NULL || wrong == TABLE_GOOD || wrong == TABLE_ENOUGH)
		return u->r->fault == NULL;
	return refuse(u, wrong == TABLE_NUL ? table_line(u->table) : table_began(u->table),
	    words[wrong].why, words[wrong].detail);
}

/* Calls one of the functions that make an import. */
static struct rows *
call(struct upload *u, const char *fn, const struct arg *args, size_t n)
{
	struct rows *rows = app_call(u->app, u->r, CALL_CHANGES, true, fn, args, n);

	fcgi_alive(0);
	return rows;
}

/* The first row names the columns. */
static bool
begin(struct upload *u, const char *const values[], const size_t lengths[], size_t n)
{
	struct arg args[ARGS_MOST + 1];
	struct rows *rows;

	for (size_t i = 0; i < u->in->n; i++) {
		args[i] = u->in->args[i];
		if (strcmp(args[i].name, "delimiter") == 0)
			args[i].value = u->separator;
	}
	args[u->in->n] = (struct arg){"header", part_array(u->r->mem, values, lengths, n)};
	if ((rows = call(u, u->to->fn, args, u->in->n + 1)) == NULL)
		return false;
	u->id = arena_print(u->r->mem, "%s", rows_get(rows, 0, "id"));
	part_begin(&u->part, u->mem, n);
	return true;
}

static bool
send(struct upload *u)
{
	size_t width = u->part.width;
	const char *columns = part_end(&u->part);
	const struct arg args[ARGUMENTS] = {{"id", u->id},
	    {"n", arena_print(u->mem, "%d", ++u->parts)}, {"lines", u->part.lines.bytes},
	    {"columns", columns}, {"odd", u->part.odd.bytes}, {"others", u->part.others.bytes}};
	bool good = call(u, "import_part", args, ARGUMENTS) != NULL;

	arena_reset(u->mem);
	part_begin(&u->part, u->mem, width);
	return good;
}

static bool
take_row(void *self, long line, const char *const values[], const size_t lengths[], size_t n)
{
	struct upload *u = self;

	if (u->id == NULL)
		return begin(u, values, lengths, n);
	if (++u->rows > ROWS_MOST)
		return refuse(u, line, "rows", "the file has more than 500000 rows.");
	part_add(&u->part, line, values, lengths, n);
	return !part_full(&u->part) || send(u);
}

/* The next bytes of the file in UTF-8. The first ones tell how it is separated. */
static bool
take_text(void *self, const char *text, size_t length)
{
	struct upload *u = self;
	size_t i = 0;

	if (u->table == NULL) {
		char found = table_separator(text, length);

		while (u->separator != NULL ? strcmp(separators[i].word, u->separator) != 0
					    : separators[i].character != found)
			i++;
		u->separator = separators[i].word;
		u->table = table_new(separators[i].character, take_row, u);
	}
	return judge(u, table_put(u->table, text, length));
}

static bool
take_bytes(struct upload *u, const char *bytes, size_t length)
{
	crypto_generichash_update(&u->sum, (const unsigned char *)bytes, length);
	if (decode_put(&u->decode, bytes, length))
		return true;
	if (u->r->fault == NULL && u->decode.bad)
		refuse(u, u->table == NULL ? 1 : table_line(u->table), "encoding",
		    arena_print(u->r->mem,
			"this is not %s. Name another encoding if the file has one.",
			u->decode.name));
	return u->r->fault == NULL;
}

/* The whole file, whether it came with the request or still comes. */
static bool
take_file(struct upload *u)
{
	struct req *r = u->r;
	char *piece;

	if (!r->body_too_large)
		return take_bytes(u, r->body, r->body_length);
	piece = arena_get(r->mem, DECODE_PIECE);
	while (r->body_left > 0) {
		size_t n = r->body_left < DECODE_PIECE ? r->body_left : DECODE_PIECE;

		fcgi_alive(0);
		if (!r->take(r, piece, n) || !take_bytes(u, piece, n))
			return false;
	}
	return true;
}

/* The key of the whole request: its file is a part of it. */
static const char *
retry(struct upload *u)
{
	const char *key = argument(u, "retry");
	unsigned char sum[32];
	char hex[65];

	if (key == NULL)
		return NULL;
	crypto_generichash_final(&u->sum, sum, sizeof sum);
	sodium_bin2hex(hex, sizeof hex, sum, sizeof sum);
	return arena_print(u->r->mem, "%.*s %s", (int)strcspn(key, " "), key, hex);
}

static bool
end(struct upload *u)
{
	struct arg args[] = {{"id", NULL}, {"encoding", NULL}, {"retry", NULL}};
	struct rows *rows;

	if (!decode_end(&u->decode))
		return refuse(u, u->table == NULL ? 1 : table_line(u->table), "encoding",
		    "the file ends within a character.");
	if (u->table != NULL && !judge(u, table_end(u->table)))
		return false;
	if (u->rows == 0)
		return fail_at(u->r, 422, "invalid_file", "#line=1", "empty", "%s",
		    u->id == NULL ? "The file is empty."
				  : "The file has the names of columns and no row.");
	if (u->part.rows + u->part.wrong > 0 && !send(u))
		return false;
	args[0].value = u->id;
	args[1].value = u->decode.name;
	args[2].value = retry(u);
	if ((rows = call(u, "import_end", args, 3)) == NULL)
		return false;
	render_row(u->r, rows, NULL);
	return true;
}

/* Forgets what was put aside, whatever became of the request. */
static void
drop(struct upload *u)
{
	struct req own = {.mem = u->r->mem, .id = u->r->id, .sid = u->r->sid, .client = -1};

	if (app_call(u->app, &own, CALL_CHANGES, true, "import_drop", (struct arg[]){{"id", u->id}},
		1) == NULL)
		log_event("upload_not_dropped", "request", u->r->id, "why", own.fault->code, NULL);
}

void
reply_upload(struct app *app, struct req *r, const struct route *to, const struct bound *in)
{
	struct upload u = {.app = app, .r = r, .to = to, .in = in, .mem = arena_new()};

	u.separator = argument(&u, "delimiter");
	if (r->body_left > BYTES_MOST)
		fail(r, 413, "body_too_large", "At most %zu bytes.", BYTES_MOST);
	crypto_generichash_init(&u.sum, NULL, 0, 32);
	crypto_generichash_update(&u.sum, (const unsigned char *)r->query, strlen(r->query) + 1);
	u.decode.give = take_text;
	u.decode.to = &u;
	decode_begin(&u.decode, argument(&u, "encoding"));
	if (r->fault == NULL && take_file(&u))
		end(&u);
	if (r->fault != NULL && u.id != NULL)
		drop(&u);
	decode_free(&u.decode);
	table_free(u.table);
	arena_free(u.mem);
}
