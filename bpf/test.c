// SPDX-License-Identifier: GPL-2.0
/* Tests of what needs neither libbpf nor a kernel. TAP. */
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "ports.h"
#include "text.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static unsigned int results, failures;

static void result(bool good, const char *name)
{
	results++;
	failures += !good;
	printf("%s %u %s\n", good ? "ok" : "not ok", results, name);
}

static void same(const char *got, const char *want, const char *name)
{
	bool good = !strcmp(got, want);

	if (!good)
		printf("# got      %s\n# expected %s\n", got, want);
	result(good, name);
}

/* -- What goes to a FILE comes back as a string; one at a time. -- */

static char *captured;
static size_t captured_len;

static FILE *capture(void)
{
	free(captured);
	captured = NULL;
	return open_memstream(&captured, &captured_len);
}

static void test_json(void)
{
	FILE *out = capture();
	struct json j;

	json_begin(&j, out, "a");
	json_number(&j, "n", UINT64_MAX);
	json_string(&j, "s", "\"\\\n\x7f\xe9");
	json_bool(&j, "t", true);
	json_open(&j, "l", '[');
	json_close(&j, ']');
	json_open(&j, "m", '[');
	json_number(&j, NULL, 1);
	json_open(&j, NULL, '{');
	json_bool(&j, "f", false);
	json_close(&j, '}');
	json_string(&j, NULL, "");
	json_close(&j, ']');
	json_end(&j);
	fclose(out);
	same(captured,
	     "{\"type\":\"a\",\"n\":18446744073709551615,\"s\":\"\\\"\\\\\\u000a\\u007f\\u00e9\",\"t\":true,\"l\":[],\"m\":[1,{\"f\":false},\"\"]}\n",
	     "JSON: all kinds, escapes, commas");
}

static void test_bits(void)
{
	static const struct {
		uint64_t bits;
		const char *text;
		const char *json;
	} t[] = {
		{ 0, "-", "[]" },
		{ 1, "B0", "[\"B0\"]" },
		{ 0x4003, "B0|B1|BS", "[\"B0\",\"B1\",\"BS\"]" },
		{ 0x100, "100", "[256]" },
		{ 1ULL << 63 | 8, "B3|8000000000000000",
		  "[\"B3\",9223372036854775808]" },
		{ UINT64_MAX, "B0|B1|B2|B3|BLD|BD|BS|BT|RTM|fffffffffffe17f0", NULL },
	};
	char buf[BITS_TEXT], name[64], want[256];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		FILE *out = capture();
		struct json j;

		json_begin(&j, out, "b");
		bits_json(&j, "x", t[i].bits);
		json_end(&j);
		fclose(out);
		snprintf(name, sizeof(name), "bits %llx",
			 (unsigned long long)t[i].bits);
		same(bits_text(buf, t[i].bits), t[i].text, name);
		if (!t[i].json)
			continue;
		snprintf(want, sizeof(want), "{\"type\":\"b\",\"x\":%s}\n", t[i].json);
		same(captured, want, name);
	}
}

static void test_units(void)
{
	static const struct {
		double val;
		const char *count;
		const char *time;
	} t[] = {
		{ 0, "0", "0ns" },
		{ 999, "999", "999ns" },
		{ 1000, "1.0k", "1.0us" },
		{ 1550, "1.6k", "1.6us" },
		{ 99949, "99.9k", "99.9us" },
		{ 99960, "100k", "100us" },
		{ 999960, "1.0M", "1.0ms" },
		{ 2.5e9, "2.5G", "2.5s" },
		{ 7.2e12, "7.2T", "7200s" },
		{ 1.8e19, "18.0E", "18000000000s" },
	};
	char buf[UNIT_TEXT], name[64];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		snprintf(name, sizeof(name), "units: %g", t[i].val);
		same(count_text(buf, t[i].val), t[i].count, name);
		same(time_text(buf, t[i].val), t[i].time, name);
	}
}

static void test_spark(void)
{
	static const uint64_t v[] = { 0, 1, 50, 100 }, none[3];
	uint64_t many[SPARK_MAX + 5] = { 9 };
	char buf[SPARK_TEXT];

	same(spark_text(buf, v, 4, false), " .=@", "history: ASCII");
	same(spark_text(buf, v, 4, true), " ▁▄█", "history: Unicode");
	same(spark_text(buf, none, 3, true), "   ", "history: nothing");
	same(spark_text(buf, none, 0, true), "", "history: none");
	many[SPARK_MAX + 4] = UINT64_MAX;
	spark_text(buf, many, ARRAY_SIZE(many), true);
	result(strlen(buf) == SPARK_MAX - 1 + 3 && !strcmp(buf + SPARK_MAX - 1, "█"),
	       "history: the last ones of too many, the largest number");
}

static void test_hist(void)
{
	struct hist a = { .count = 3, .sum = 7, .max = 6, .slot = { 1, 1, 0, 1 } };
	struct hist b = { .count = 2, .sum = 5, .max = 3,
			  .slot = { [2] = 1, [HIST_SLOTS - 1] = 1 } }, sum = { 0 };
	bool good = true;
	struct json j;
	FILE *out;

	for (unsigned int i = 1; i < HIST_SLOTS; i++)
		good &= slot_low(i) == slot_high(i - 1) + 1;
	result(good && !slot_low(0) && slot_high(HIST_SLOTS - 1) == UINT64_MAX,
	       "histogram: slots leave no gap");
	hist_merge(&sum, &a);
	hist_merge(&sum, &b);
	result(sum.count == 5 && sum.sum == 12 && sum.max == 6 && sum.slot[2] == 1 &&
	       sum.slot[0] == 1, "histogram: sum");

	out = capture();
	hist_print(out, &a, "things");
	fclose(out);
	same(captured,
	     "                        things : count    distribution\n"
	     "             0 -> 0            : 1        |****************************************|\n"
	     "             1 -> 1            : 1        |****************************************|\n"
	     "             2 -> 3            : 0        |                                        |\n"
	     "             4 -> 7            : 1        |****************************************|\n",
	     "histogram: text");
	out = capture();
	hist_print(out, &b, "");
	fclose(out);
	result(strstr(captured, "4611686018427387904 -> ...          : 1 "),
	       "histogram: the last slot has no end");
	out = capture();
	memset(&b, 0, sizeof(b));
	hist_print(out, &b, "");
	fclose(out);
	same(captured, "", "histogram: an empty one");

	out = capture();
	json_begin(&j, out, "h");
	hist_json(&j, "x", &a);
	json_end(&j);
	fclose(out);
	same(captured,
	     "{\"type\":\"h\",\"x\":{\"count\":3,\"sum\":7,\"max\":6,\"slots\":[[0,0,1],[1,1,1],[4,7,1]]}}\n",
	     "histogram: JSON");
}

/* -- Format files. -- */

#define FORMAT_TEXT(common, offset)						\
	"name: x\nID: 1\nformat:\n"						\
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"	\
	common "\n"								\
	"\tfield:__u64 sandbox;\toffset:" offset ";\tsize:8;\tsigned:0;\n"	\
	"\tfield:__u32 owner;\toffset:24;\tsize:4;\tsigned:0;\n\n"

#define SOME_REASONS \
	"__print_symbolic(REC->reason, { 0, \"zero\" }, { 0x3, \"three\" }, { 99, \"far\" }, "
#define BAD_REASONS \
	"{ NAME, \"no\" }, { 4, \"a_very_long_name_that_is_cut_off_here\" })"
#define OTHERS "__print_symbolic(REC->other, { 1, \"one\" })"

static bool read_text(struct format *f, const char *text)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	bool good = format_read(f, file);

	fclose(file);
	return good;
}

static void test_format(void)
{
	static const struct layout good[] = { { "sandbox", 0, 8 }, { "owner", 8, 4 }, {} };
	static const struct layout moved[] = { { "owner", 12, 4 }, {} };
	static const struct layout wide[] = { { "sandbox", 0, 8 }, { "owner", 8, 8 }, {} };
	static const struct layout none[] = { { "port", 0, 8 }, {} };
	static struct format f;
	static struct names n;
	static const char long_name[] =
		"\tfield:__u8 a_name_that_is_longer_than_there_is_room;\toffset:8;\tsize:1;\n";
	static char many[8192];
	size_t len = 0;

	result(read_text(&f, FORMAT_TEXT("", "16")
		"print fmt: \"%s\", " SOME_REASONS BAD_REASONS ", " OTHERS "\n"),
	       "format: read");
	result(f.first == 16 && f.nr == 2, "format: fields, without the common ones");
	result(!format_compare(&f, good), "format: as expected");
	same(format_compare(&f, moved) ?: "", "owner", "format: a field elsewhere");
	same(format_compare(&f, wide) ?: "", "owner", "format: another size");
	same(format_compare(&f, none) ?: "", "port", "format: no such field");
	result(format_names(&f, "reason", &n), "format: names");
	same(name_of(&n, 0), "zero", "format: name of 0");
	same(name_of(&n, 3), "three", "format: name of 3");
	same(name_of(&n, 1), "1", "format: a number without name");
	same(name_of(&n, 99), "99", "format: a number that is too large");
	result(!n.name[5][0] && strlen(n.name[4]) < FORMAT_NAME_LEN,
	       "format: a name that is too long");
	result(format_names(&f, "other", &n) && !strcmp(name_of(&n, 1), "one") &&
	       !n.name[0][0], "format: names of another field");
	result(!format_names(&f, "none", &n), "format: no names");
	result(!read_text(&f, "name: x\n"), "format: no fields");

	/* A kernel that has more in common. */
	read_text(&f, FORMAT_TEXT("\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n",
				  "12"));
	result(f.first == 12 && format_compare(&f, good), "format: another gap");

	for (int i = 0; i <= FORMAT_FIELDS; i++)
		len += snprintf(many + len, sizeof(many) - len,
				"\tfield:__u8 f%d;\toffset:%d;\tsize:1;\tsigned:0;\n",
				i, 8 + i);
	result(!read_text(&f, many), "format: too many fields");
	result(!read_text(&f, long_name), "format: a field with too long a name");
}

/* -- The table of ports. -- */

static struct port_table table;

/* The ports, in their order. */
static const char *order(void)
{
	static char buf[64];
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < table.nr; i++)
		len += snprintf(buf + len, sizeof(buf) - len, "%s%x", i ? " " : "",
				table.rows[i]->port);
	return buf;
}

static void test_ports(void)
{
	struct port_count few = { .in = 2, .bytes_in = 8, .exits = 2, .wait = 5000 };
	struct port_count many = { .out = 3000, .bytes_out = 3000 };
	FILE *out;

	ports_tick(&table, 1000000000);
	ports_set(&table, 0x90, &few);
	ports_set(&table, 0x402, &many);
	ports_set(&table, 0x80, &(struct port_count){ .out = 1, .bytes_out = 1 });
	ports_sort(&table, SORT_ACCESSES, false);
	same(order(), "402 90 80", "ports: by accesses");
	ports_sort(&table, SORT_PORT, false);
	same(order(), "80 90 402", "ports: by number");
	ports_sort(&table, SORT_TIME, false);
	same(order(), "90 80 402", "ports: by time, then by number");

	/* Half a second in which little happened to 402h, and nothing to 80h. */
	ports_tick(&table, 500000000);
	few.in += 40;
	few.bytes_in += 160;
	few.wait += 500000;
	ports_set(&table, 0x90, &few);
	many.out += 100;
	many.bytes_out += 100;
	ports_set(&table, 0x402, &many);
	ports_sort(&table, SORT_BYTES, false);
	same(order(), "90 402 80", "ports: by bytes of the interval");
	ports_sort(&table, SORT_BYTES, true);
	same(order(), "402 90 80", "ports: by all bytes");

	out = capture();
	ports_print(&table, out, 2, false);
	fclose(out);
	same(captured,
	     "PORT    IN/s   OUT/s BYTES/s  TIME/s  ACCESSES   BYTES    TIME  HISTORY\n"
	     "0402       0     200     200       -      3.1k    3.1k       -  @.\n"
	     "0090      80       0     320   1.0ms        42     168   505us  .@\n"
	     "(1 more)\n", "ports: table");
	out = capture();
	ports_print_totals(&table, out, 3);
	fclose(out);
	same(captured,
	     "PORT         IN        OUT     BYTES IN    BYTES OUT     EXITS     TIME\n"
	     "0402          0       3100            0         3100         0        -\n"
	     "0090         42          0          168            0         2    505us\n"
	     "0080          0          1            0            1         0        -\n",
	     "ports: totals");
	out = capture();
	ports_json(&table, out, 7, false);
	fclose(out);
	same(captured,
	     "{\"type\":\"interval\",\"time_ns\":7,\"interval_ns\":500000000,\"port\":1026,\"in\":0,\"out\":100,\"bytes_in\":0,\"bytes_out\":100,\"exits\":0,\"wait_ns\":0}\n"
	     "{\"type\":\"interval\",\"time_ns\":7,\"interval_ns\":500000000,\"port\":144,\"in\":40,\"out\":0,\"bytes_in\":160,\"bytes_out\":0,\"exits\":0,\"wait_ns\":500000}\n",
	     "ports: JSON, without what nothing happened to");

	/* An owner who was called in the last interval comes back in this one. */
	ports_tick(&table, 1000);
	few.wait += 600;
	ports_set(&table, 0x90, &few);
	out = capture();
	ports_json(&table, out, 8, false);
	fclose(out);
	same(captured,
	     "{\"type\":\"interval\",\"time_ns\":8,\"interval_ns\":1000,\"port\":144,\"in\":0,\"out\":0,\"bytes_in\":0,\"bytes_out\":0,\"exits\":0,\"wait_ns\":600}\n",
	     "ports: JSON of one that only waits");

	for (int i = 0; i < 2 * HISTORY; i++)
		ports_tick(&table, 1);
	out = capture();
	ports_print(&table, out, 1, false);
	fclose(out);
	result(!strchr(captured, '@'),
	       "ports: the history forgets what is long past");
	ports_free(&table);
	for (int i = 65535; i >= 0; i--)
		ports_set(&table, i, &few);
	ports_sort(&table, SORT_PORT, false);
	result(table.nr == 65536 && table.rows[0]->port == 0 &&
	       table.rows[65535]->port == 65535, "ports: all there are");
	ports_free(&table);
}

int main(void)
{
	test_json();
	test_bits();
	test_units();
	test_spark();
	test_hist();
	test_format();
	test_ports();
	free(captured);
	printf("1..%u\n", results);
	return failures != 0;
}
