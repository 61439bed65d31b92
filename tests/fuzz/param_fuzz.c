/* param_fuzz.c -- libFuzzer on a request's path, query and head: five lines, the first the query.  What
 * passes is what SQL may get; nothing opens as a cursor that was not signed. */
#include "fault.h"
#include "http.h"
#include "param.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* clang-format off */
static const struct param table[] = {
	{"id",              IN_PATH,   AS_UUID,   .must = true},
	{"if-match",        IN_HEAD,   AS_TAGS,   .must = true},
	{"if-none-match",   IN_HEAD,   AS_TAGS,   .says = ""},
	{"idempotency-key", IN_HEAD,   AS_RETRY,  .sql = "retry"},
	{"stage",           IN_FILTER, AS_TEXT,   .list = true, .items = 5, .most = 8},
	{"owner",           IN_FILTER, AS_UUID,   .list = true, .items = 5},
	{"min",             IN_FILTER, AS_INT,    .least = -9, .most = 1000},
	{"q",               IN_QUERY,  AS_TEXT,   .most = 8},
	{"flag",            IN_QUERY,  AS_BOOL,   .unless = "false"},
	{"when",            IN_QUERY,  AS_TIME,   .says = ""},
	{"day",             IN_QUERY,  AS_DATE,   .says = ""},
	{"price",           IN_QUERY,  AS_NUMBER, .least = -5, .most = 1000, .places = 2},
	{"count",           IN_QUERY,  AS_WORD,   .words = "exact estimate"},
	{"fields",          IN_QUERY,  AS_FIELDS, .words = "id name owner_id"},
	{"sort",            IN_QUERY,  AS_SORT,   .words = "name city", .unless = "-name"},
	{"cursor",          IN_QUERY,  AS_CURSOR, .says = ""},
	{"limit",           IN_QUERY,  AS_INT,    .least = 1, .most = 200, .unless = "50"},
	{0}
};
/* clang-format on */

static const unsigned char key[CURSOR_KEY] = "nobody has this one";

static void
must(bool what)
{
	if (!what)
		abort();
}

static const char *
argument(const struct bound *in, const char *name)
{
	for (size_t i = 0; i < in->n; i++)
		if (strcmp(in->args[i].name, name) == 0)
			return in->args[i].value;
	abort();
}

static bool
made_of(const char *text, const char *letters)
{
	return strspn(text, letters) == strlen(text);
}

static json_t *
object(const char *text)
{
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	must(json_is_object(o));
	return o;
}

static void
check_filter(const char *text)
{
	json_t *o = object(text), *list = json_object_get(o, "stage"), *one;
	const json_t *min = json_object_get(o, "min");
	size_t i;

	must(list == NULL || (json_is_array(list) && json_array_size(list) <= 5));
	json_array_foreach (list, i, one)
		must(json_string_length(one) <= 8 * 4);
	list = json_object_get(o, "owner");
	must(list == NULL || (json_is_array(list) && json_array_size(list) <= 5));
	json_array_foreach (list, i, one)
		must(http_uuid(json_string_value(one)));
	must(min == NULL || (json_is_string(min) && atol(json_string_value(min)) >= -9 &&
				atol(json_string_value(min)) <= 1000));
	json_decref(o);
}

/* What passes is a number of JSON's form, and one of its hundredths. */
static void
check_price(const char *text)
{
	char again[64];
	json_t *v;
	double n;

	if (text == NULL)
		return;
	v = json_loads(text, JSON_DECODE_ANY, NULL);
	n = json_number_value(v);
	must(json_is_number(v) && n >= -5 && n <= 1000);
	snprintf(again, sizeof again, "%.2f", n);
	must(strtod(again, NULL) == n);
	json_decref(v);
}

static void
check_good(struct arena *mem, const struct bound *in)
{
	static const char small[] = "abcdefghijklmnopqrstuvwxyz_";
	const char *text;

	must(in->n == 15 && strlen(argument(in, "id")) == 36);
	must(argument(in, "if_match")[0] == '{');
	text = argument(in, "fields");
	must((text == NULL) == (in->fields == NULL));
	if (text != NULL)
		must(*text == '{' && made_of(text + 1, "abcdefghijklmnopqrstuvwxyz_,}") &&
		     *in->fields == ' ' && made_of(in->fields, "abcdefghijklmnopqrstuvwxyz_ "));
	must(made_of(argument(in, "sort"), "nameity-c,") && strlen(argument(in, "sort")) <= 11);
	must(argument(in, "cursor") == NULL);
	must(atol(argument(in, "limit")) >= 1 && atol(argument(in, "limit")) <= 200);
	text = argument(in, "count");
	must(text == NULL || (strlen(text) >= 5 && made_of(text, small)));
	text = argument(in, "retry");
	must(text == NULL || (strlen(text) > 65 && text[strlen(text) - 65] == ' ' &&
				 strchr(text, ' ') == text + strlen(text) - 65));
	text = argument(in, "when");
	must(text == NULL || http_time(text));
	text = argument(in, "day");
	must(text == NULL || (strlen(text) == 10 && strcmp(text, "1900-01-01") >= 0 &&
				 http_time(arena_print(mem, "%sT00:00:00Z", text))));
	check_price(argument(in, "price"));
	text = argument(in, "q");
	must(text == NULL || (strlen(text) <= 8 * 4 && http_utf8(text, strlen(text))));
	check_filter(argument(in, "filter"));
	must(http_utf8(in->holds, strlen(in->holds)));
}

static void
check_refused(struct req *r)
{
	int status = r->fault->status;

	must(status == 400 || status == 404 || status == 428);
	must(r->pending == NULL);
	fault_render(r);
	json_decref(object(r->out.bytes));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const otherwise[] = {
	    "", "0190c7a2-0000-7000-8000-00000000000a", "\"v1\"", NULL, NULL};
	struct arena *mem = arena_new();
	char *rest = arena_text(mem, (const char *)data, size);
	const char *lines[5], *values[1];
	struct bound in = {0};
	size_t lengths[1];
	struct req r = {.mem = mem, .path = "/v1/things", .staff = "ada", .body = (char[]){""}};

	for (size_t i = 0; i < 5; i++) {
		char *line = rest == NULL ? NULL : strsep(&rest, "\n");

		lines[i] = line == NULL || *line == '\0' ? otherwise[i] : line;
	}
	r.id = "0123456789abcdef0123456789abcdef";
	r.query = lines[0];
	values[0] = lines[1];
	lengths[0] = strlen(lines[1]);
	r.if_match = lines[2];
	r.if_none_match = lines[3];
	r.idempotency_key = lines[4];
	if (param_bind(&r, table, "things", values, lengths, key, &in)) {
		must(r.fault == NULL && r.pending == NULL);
		check_good(mem, &in);
	} else {
		must(r.fault != NULL);
		check_refused(&r);
	}
	arena_free(mem);
	return 0;
}
