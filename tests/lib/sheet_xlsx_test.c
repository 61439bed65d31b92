/* sheet_xlsx_test.c -- rows as a workbook, read back by something that did not write it. */
#include "forms.h"
#include "sheet_of.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/sheet-test-XXXXXX";

/* Every part is parsed.  A line per cell, "B2 n 7" for a number, b for a boolean, s for a text (\n in it
 * as is), * behind a bold one; then what else the workbook says. */
static const char reader[] =
    "import sys, zipfile, xml.etree.ElementTree as E\n"
    "z = zipfile.ZipFile(sys.argv[1])\n"
    "assert z.testzip() is None\n"
    "x = {n: E.fromstring(z.read(n)) for n in z.namelist()}\n"
    "m = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'\n"
    "w = x['xl/worksheets/sheet1.xml']\n"
    "for c in w.iter(m + 'c'):\n"
    "    assert c.find(m + 'f') is None\n"
    "    t = ''.join(c.itertext())\n"
    "    k = {'inlineStr': 's', 'b': 'b', None: 'n'}[c.get('t')]\n"
    "    t = str(len(t.encode('utf-16-le')) // 2) + t[-3:] if len(t) > 999 else t\n"
    "    print(c.get('r'), k + '*' * (c.get('s') == '1'), t)\n"
    "assert w.find(m + 'hyperlinks') is None\n"
    "print('pane', w.find('.//' + m + 'pane').get('topLeftCell'))\n"
    "for e in w.findall(m + 'headerFooter/*'):\n"
    "    print(e.tag[len(m):], e.text)\n"
    "print('sheet', x['xl/workbook.xml'].find('.//' + m + 'sheet').get('name'))\n"
    "for e in x['docProps/core.xml']:\n"
    "    n = e.tag.split('}')[1]\n"
    "    n in ('title', 'description', 'creator') and print(n, e.text)\n";

/* What the reader makes of the file, "" if it is none. */
static const char *
read_back(const struct buf *file)
{
	const char *path = arena_print(r.mem, "%s/read.xlsx", folder);
	struct buf said = {.mem = r.mem};
	char part[4096];
	size_t n;
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(file->bytes, 1, file->length, f), file->length);
	assert_int_equal(fclose(f), 0);
	setenv("READER", reader, 1);
	f = popen(arena_print(r.mem, "/usr/bin/python3 -c \"$READER\" %s", path), "r");
	assert_non_null(f);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_bytes(&said, part, n);
	assert_int_equal(pclose(f), 0);
	unlink(path);
	return said.bytes;
}

static size_t
entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static struct sheet_plan
plan_of(struct taker *t, const struct sheet_column *columns, size_t n)
{
	return (struct sheet_plan){.form = SHEET_XLSX,
	    .title = "customers",
	    .folder = folder,
	    .columns = columns,
	    .n = n,
	    .give = take,
	    .to = t};
}

static const char *
file(struct sheet_plan plan, const char *const values[])
{
	struct taker t = {.got.mem = r.mem};
	struct sheet *s;

	plan.to = &t;
	s = sheet_open(&plan);
	if (values != NULL)
		assert_true(give_row(s, values, plan.n));
	assert_int_equal(t.calls, 0);
	assert_true(sheet_close(s));
	assert_int_equal(entries(folder), 2);
	return read_back(&t.got);
}

static void
types(void **state)
{
	struct sheet_plan plan = plan_of(NULL, mixed, MIXED);

	(void)state;
	plan.stamp = "Acme & Co <internal>";
	assert_string_equal(
	    file(plan, (const char *const[]){"=1+1", "-7", "t", "2026-11-21 20:41:30+00",
			   "{x,\"y, z\"}", "{\"a\": 1}", "https://example.org/?a=1&b=<2>"}),
	    "A1 s* Acme & Co <internal>\n"
	    "A2 s* id\nB2 s* n\nC2 s* open\nD2 s* at\nE2 s* tags\nF2 s* also\nG2 s* note\n"
	    "A3 s =1+1\nB3 n -7\nC3 b 1\nD3 s 2026-11-21T20:41:30.000000Z\nE3 s x; y, z\n"
	    "F3 s {\"a\": 1}\nG3 s https://example.org/?a=1&b=<2>\n"
	    "pane A3\noddHeader &CAcme && Co <internal>\noddFooter &CAcme && Co <internal>\n"
	    "sheet customers\ntitle customers\ncreator Holdfast\n"
	    "description Acme & Co <internal>\n");
	plan.stamp = NULL;
	assert_string_equal(file(plan, (const char *const[MIXED]){[2] = "f"}),
	    "A1 s* id\nB1 s* n\nC1 s* open\nD1 s* at\nE1 s* tags\nF1 s* also\nG1 s* note\n"
	    "C2 b 0\npane A2\nsheet customers\ntitle customers\ncreator Holdfast\n");
}

struct example {
	unsigned type;
	const char *value, *cell;
};

/* Values in one row, and the cells that they become: A2, B2, ... */
static void
all(const struct example *table)
{
	struct sheet_column columns[26];
	const char *values[26] = {0}, *text;
	size_t n = 0;

	for (; table[n].value != NULL; n++) {
		columns[n] = (struct sheet_column){"name", table[n].type};
		values[n] = table[n].value;
	}
	text = file(plan_of(NULL, columns, n), values);
	for (size_t i = 0; i < n; i++) {
		const char *at = strstr(text, arena_print(r.mem, "\n%c2 ", (int)('A' + i)));

		if (*table[i].cell == '\0')
			assert_null(at);
		else if (at == NULL || strncmp(at + 4, table[i].cell, strlen(table[i].cell)) != 0 ||
			 at[4 + strlen(table[i].cell)] != '\n')
			fail_msg("%s: %.60s", table[i].cell, at == NULL ? "none" : at);
	}
}

static void
cells(void **state)
{
	static const struct example table[] = {
	    {OID_INT8, "999999999999999", "n 999999999999999"},
	    {OID_INT8, "-999999999999999", "n -999999999999999"},
	    {OID_INT8, "1000000000000001", "s 1000000000000001"},
	    {OID_INT8, "-9223372036854775808", "s -9223372036854775808"},
	    {OID_INT2, "0", "n 0"},
	    {OID_TEXTS, "{}", ""},
	    {TEXT, "", ""},
	    {TEXT, "12", "s 12"},
	    {TEXT, "+7 495 1234567", "s +7 495 1234567"},
	    {TEXT, "{=SUM(A1)}", "s {=SUM(A1)}"},
	    {TEXT, "mailto:a@b.org", "s mailto:a@b.org"},
	    {TEXT, " a ", "s  a "},
	    {TEXT, "a\tb\nc\r\nd\re", "s a\tb\nc\nd\ne"},
	    {TEXT, "\x01\x1f\xef\xbf\xbe\xef\xbf\xbf",
		"s \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {TEXT, "\xef\xbf\xbd\xef\xbc\x9d\x7f", "s \xef\xbf\xbd\xef\xbc\x9d\x7f"},
	    {TEXT, "_x0041_ _x41_ _", "s _x005F_x0041_ _x41_ _"},
	    {TEXT, "]]>&amp;<a>", "s ]]>&amp;<a>"},
	    {TEXT, "\xf0\x9f\x98\x80\xc3\xa4", "s \xf0\x9f\x98\x80\xc3\xa4"},
	    {0},
	};

	(void)state;
	all(table);
}

/* n times a character and the rest. */
static const char *
many(const char *character, size_t n, const char *rest)
{
	struct buf to = {.mem = r.mem};

	while (n-- > 0)
		buf_text(&to, character);
	buf_text(&to, rest);
	return to.bytes;
}

/* 32,767 units of UTF-16 are the most; the reader says how many, and the last three characters. */
static void
long_texts(void **state)
{
	const char *face = "\xf0\x9f\x98\x80";
	const struct example table[] = {
	    {TEXT, many("a", 32764, "xyz"), "s 32767xyz"},
	    {TEXT, many("a", 32764, "xyzz"), "s 32767xy\xe2\x80\xa6"},
	    {TEXT, many("a", 99999, ""), "s 32767aa\xe2\x80\xa6"},
	    {TEXT, many("\xc3\xa4", 32764, "xyz"), "s 32767xyz"},
	    {TEXT, many(face, 16383, "x"), "s 32767\xf0\x9f\x98\x80\xf0\x9f\x98\x80x"},
	    {TEXT, many(face, 16384, ""), "s 32767\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xe2\x80\xa6"},
	    {TEXT, many(face, 16382, "ab\xf0\x9f\x98\x80"),
		"s 32767"
		"ab\xe2\x80\xa6"},
	    {0},
	};

	(void)state;
	all(table);
}

static void
long_stamps(void **state)
{
	struct sheet_plan plan = plan_of(NULL, mixed, 1);
	const char *text;

	(void)state;
	plan.stamp = many("&", 300, "");
	text = file(plan, NULL);
	assert_non_null(strstr(text, arena_print(r.mem, "A1 s* %s\n", plan.stamp)));
	assert_non_null(strstr(
	    text, arena_print(r.mem, "oddHeader &C%s\n", many("&", 2 * 119, "\xe2\x80\xa6"))));
	assert_non_null(
	    strstr(text, arena_print(r.mem, "description %s\n", many("&", 254, "\xe2\x80\xa6"))));
}

/* The taker fails at every call in turn; the folder stays empty and no descriptor is left. */
static void
torture(void **state)
{
	size_t open = entries("/proc/self/fd");
	bool good = false;
	struct taker t;

	(void)state;
	for (size_t fails = 1; !good; fails++) {
		struct sheet_plan plan = plan_of(&t, mixed, MIXED);
		struct sheet *s;

		t = (struct taker){.fails = fails};
		s = sheet_open(&plan);
		for (size_t i = 0; i < 5000; i++)
			assert_true(give_mixed(s, i));
		assert_int_equal(entries(folder), 2);
		good = sheet_close(s);
		assert_int_equal(good, t.calls < fails);
		assert_int_equal(entries("/proc/self/fd"), open);
		assert_int_equal(entries(folder), 2);
	}
	assert_true(t.calls > 3);
	assert_int_equal(t.most, 32 << 10);
}

static void
abandoned(void **state)
{
	size_t open = entries("/proc/self/fd");
	struct taker t = {.bytes = 0};
	struct sheet_plan plan = plan_of(&t, mixed, MIXED);
	struct sheet *s = sheet_open(&plan);

	(void)state;
	for (size_t i = 0; i < 100; i++)
		assert_true(give_mixed(s, i));
	sheet_abandon(s);
	s = sheet_open(&plan);
	sheet_abandon(s);
	assert_int_equal(t.calls, 0);
	assert_int_equal(entries(folder), 2);
	assert_int_equal(entries("/proc/self/fd"), open);
}

/* No folder, a title that no worksheet may have, no columns. */
static void
refused(void **state)
{
	size_t open = entries("/proc/self/fd");

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct taker t = {.bytes = 0};
		struct sheet_plan plan = plan_of(&t, mixed, i == 2 ? 0 : MIXED);
		struct sheet *s;

		plan.folder = i == 0 ? "/nowhere" : folder;
		plan.title = i == 1 ? "a/b" : "customers";
		s = sheet_open(&plan);
		assert_false(give_mixed(s, 1));
		assert_false(give_mixed(s, 2));
		assert_false(sheet_close(s));
		assert_int_equal(t.calls, 0);
	}
	assert_int_equal(entries("/proc/self/fd"), open);
}

/* Files that may not grow are as good as a full disk: no part of a workbook is given. */
static void
full_disk(void **state)
{
	struct rlimit least, most;
	size_t open = entries("/proc/self/fd");

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &most);
	for (rlim_t limit = 0; limit < 1 << 20; limit = limit * 2 + 4096) {
		struct taker t = {.bytes = 0};
		struct sheet_plan plan = plan_of(&t, mixed, MIXED);
		struct sheet *s = sheet_open(&plan);

		least = (struct rlimit){limit, most.rlim_max};
		setrlimit(RLIMIT_FSIZE, &least);
		for (size_t i = 0; i < 5000; i++)
			give_mixed(s, i);
		assert_false(sheet_close(s));
		assert_int_equal(t.calls, 0);
		setrlimit(RLIMIT_FSIZE, &most);
		assert_int_equal(entries("/proc/self/fd"), open);
	}
}

/* The library may not open a file any more: at each number of descriptors, none of them is kept. */
static void
no_descriptors(void **state)
{
	struct rlimit least, most;
	size_t open = entries("/proc/self/fd"), good = 0;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &most);
	for (size_t more = 0; more < 10; more++) {
		struct taker t = {.bytes = 0};
		struct sheet_plan plan = plan_of(&t, mixed, MIXED);
		struct sheet *s;

		least = (struct rlimit){open - 3 + more, most.rlim_max};
		setrlimit(RLIMIT_NOFILE, &least);
		s = sheet_open(&plan);
		give_mixed(s, 1);
		good += sheet_close(s);
		setrlimit(RLIMIT_NOFILE, &most);
		assert_int_equal(entries("/proc/self/fd"), open);
		assert_int_equal(entries(folder), 2);
	}
	assert_true(good > 0 && good < 9);
}

static void
rows_most(void **state)
{
	struct taker t = {.got.mem = r.mem};
	struct sheet_plan plan = plan_of(&t, mixed, MIXED);
	struct sheet *s = sheet_open(&plan);

	(void)state;
	s->rows = SHEET_XLSX_MOST - 1;
	assert_true(give_mixed(s, 1));
	assert_false(give_mixed(s, 2));
	assert_false(sheet_close(s));
	assert_int_equal(t.calls, 0);
}

static void
constant_memory(void **state)
{
	struct taker t = {.bytes = 0};
	struct sheet_plan plan = plan_of(&t, mixed, MIXED);
	struct sheet *s = sheet_open(&plan);
	size_t held = 0;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		assert_true(give_mixed(s, i));
		if (i == 1000)
			held = HELD;
	}
	assert_true(HELD <= held + 4096);
	assert_true(sheet_close(s));
	assert_true(t.bytes > 1000000);
}

static int
setup_folder(void **state)
{
	return setup(state) != 0 || mkdtemp(folder) == NULL;
}

static int
teardown_folder(void **state)
{
	return teardown(state) != 0 || rmdir(folder) != 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(types),
	    cmocka_unit_test(cells),
	    cmocka_unit_test(long_texts),
	    cmocka_unit_test(long_stamps),
	    cmocka_unit_test(torture),
	    cmocka_unit_test(abandoned),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(full_disk),
	    cmocka_unit_test(no_descriptors),
	    cmocka_unit_test(rows_most),
	    cmocka_unit_test(constant_memory),
	};

	return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
