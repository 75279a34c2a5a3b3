// SPDX-License-Identifier: GPL-2.0
/* What the tools print. */
#include <inttypes.h>
#include <string.h>

#include "text.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* -- JSON: one object a line. -- */

static void json_text(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* The comma before, and the name: NULL in an array. */
static void json_name(struct json *j, const char *name)
{
	if (j->more)
		fputc(',', j->out);
	j->more = true;
	if (name) {
		json_text(j->out, name);
		fputc(':', j->out);
	}
}

/**
 * json_begin() - begin an object, a line of its own
 * @j: object
 * @out: file
 * @type: what it is
 */
void json_begin(struct json *j, FILE *out, const char *type)
{
	j->out = out;
	j->more = false;
	fputc('{', out);
	json_string(j, "type", type);
}

/**
 * json_end() - end the object
 * @j: object
 */
void json_end(struct json *j)
{
	fputs("}\n", j->out);
}

/**
 * json_number() - a number
 * @j: object
 * @name: its name, NULL in an array
 * @val: any; readers that know doubles only see 53 bits of it
 */
void json_number(struct json *j, const char *name, uint64_t val)
{
	json_name(j, name);
	fprintf(j->out, "%" PRIu64, val);
}

/**
 * json_string() - a string
 * @j: object
 * @name: its name, NULL in an array
 * @val: bytes; what is not ASCII is taken for Latin-1
 */
void json_string(struct json *j, const char *name, const char *val)
{
	json_name(j, name);
	json_text(j->out, val);
}

/**
 * json_bool() - true or false
 * @j: object
 * @name: its name, NULL in an array
 * @val: it
 */
void json_bool(struct json *j, const char *name, bool val)
{
	json_name(j, name);
	fputs(val ? "true" : "false", j->out);
}

/**
 * json_open() - begin an object or an array within
 * @j: object
 * @name: its name, NULL in an array
 * @bracket: '{' or '['
 */
void json_open(struct json *j, const char *name, char bracket)
{
	json_name(j, name);
	fputc(bracket, j->out);
	j->more = false;
}

/**
 * json_close() - end what json_open() began
 * @j: object
 * @bracket: '}' or ']'
 */
void json_close(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	j->more = true;
}

/* -- The bits of pending_dbg, which are those of DR6 with positive polarity. -- */

static const struct {
	unsigned int bit;
	const char *name;
} bit_names[] = {
	{ 0, "B0" }, { 1, "B1" }, { 2, "B2" }, { 3, "B3" }, { 11, "BLD" },
	{ 13, "BD" }, { 14, "BS" }, { 15, "BT" }, { 16, "RTM" },
};

/* The bits that have no name. */
static uint64_t nameless(uint64_t bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(bit_names); i++)
		bits &= ~(1ULL << bit_names[i].bit);
	return bits;
}

/**
 * bits_text() - bits by name
 * @buf: BITS_TEXT bytes
 * @bits: any
 *
 * Return: @buf: "B0|BS"; "-" for none; those without a name as a number behind.
 */
const char *bits_text(char *buf, uint64_t bits)
{
	uint64_t rest = nameless(bits);
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(bit_names); i++)
		if (bits >> bit_names[i].bit & 1)
			len += snprintf(buf + len, BITS_TEXT - len, "%s%s",
					len ? "|" : "", bit_names[i].name);
	if (rest)
		snprintf(buf + len, BITS_TEXT - len, "%s%" PRIx64,
			 len ? "|" : "", rest);
	else if (!len)
		strcpy(buf, "-");
	return buf;
}

/**
 * bits_json() - bits by name, as an array
 * @j: object
 * @name: its name
 * @bits: any; those without a name are one number behind
 */
void bits_json(struct json *j, const char *name, uint64_t bits)
{
	json_open(j, name, '[');
	for (size_t i = 0; i < ARRAY_SIZE(bit_names); i++)
		if (bits >> bit_names[i].bit & 1)
			json_string(j, NULL, bit_names[i].name);
	if (nameless(bits))
		json_number(j, NULL, nameless(bits));
	json_close(j, ']');
}

/* -- Numbers for people: three or four digits. -- */

static const char *with_unit(char *buf, double val, double step,
			     const char *const *units, unsigned int nr,
			     unsigned int whole)
{
	unsigned int i = 0;

	/* So that 999.96 does not become 1000. */
	while (i + 1 < nr && val >= step * 0.9995) {
		val /= step;
		i++;
	}
	snprintf(buf, UNIT_TEXT, i < whole || val >= 99.95 ? "%.0f%s" : "%.1f%s",
		 val, units[i]);
	return buf;
}

/**
 * count_text() - a count: 999, 12.3k, 4.5M
 * @buf: UNIT_TEXT bytes
 * @val: not negative
 *
 * Return: @buf.
 */
const char *count_text(char *buf, double val)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };

	return with_unit(buf, val, 1000, units, ARRAY_SIZE(units), 1);
}

/**
 * time_text() - a time: 812ns, 1.5us, 20.1ms, 3.0s
 * @buf: UNIT_TEXT bytes
 * @ns: nanoseconds, not negative
 *
 * Return: @buf.
 */
const char *time_text(char *buf, double ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };

	return with_unit(buf, ns, 1000, units, ARRAY_SIZE(units), 1);
}

/**
 * spark_text() - a history as a row of bars
 * @buf: SPARK_TEXT bytes
 * @v: values, the oldest first
 * @nr: how many; of more than SPARK_MAX the first are left out
 * @utf8: the terminal can show Unicode's blocks
 *
 * The highest is as high as a bar can be; only 0 has none.
 *
 * Return: @buf.
 */
const char *spark_text(char *buf, const uint64_t *v, unsigned int nr, bool utf8)
{
	static const char ascii[] = " .:-=+*#@";
	uint64_t max = 0;
	char *p = buf;

	if (nr > SPARK_MAX) {
		v += nr - SPARK_MAX;
		nr = SPARK_MAX;
	}
	for (unsigned int i = 0; i < nr; i++)
		max = v[i] > max ? v[i] : max;
	for (unsigned int i = 0; i < nr; i++) {
		/* 0, or 1 to 8 */
		unsigned int level = 0;

		if (v[i])
			level = 1 + (unsigned int)((double)v[i] / max * 7.99);
		level = level > 8 ? 8 : level;
		if (!utf8 || !level) {
			*p++ = ascii[level];
		} else {
			*p++ = '\xe2';	/* U+2581 to U+2588 */
			*p++ = '\x96';
			*p++ = '\x80' + level;
		}
	}
	*p = '\0';
	return buf;
}

/* -- Histograms. -- */

/**
 * slot_low() - the smallest value of a slot
 * @slot: below HIST_SLOTS
 *
 * Return: it.
 */
uint64_t slot_low(unsigned int slot)
{
	return slot ? 1ULL << (slot - 1) : 0;
}

/**
 * slot_high() - the largest value of a slot
 * @slot: below HIST_SLOTS
 *
 * Return: it.
 */
uint64_t slot_high(unsigned int slot)
{
	if (slot == HIST_SLOTS - 1)
		return UINT64_MAX;
	return slot ? (1ULL << slot) - 1 : 0;
}

/**
 * hist_merge() - add what another counted
 * @to: sum
 * @from: the other
 */
void hist_merge(struct hist *to, const struct hist *from)
{
	to->count += from->count;
	to->sum += from->sum;
	if (from->max > to->max)
		to->max = from->max;
	for (unsigned int i = 0; i < HIST_SLOTS; i++)
		to->slot[i] += from->slot[i];
}

/* The slots that are used: *first to *last; false: none. */
static bool used(const struct hist *h, unsigned int *first, unsigned int *last)
{
	bool any = false;

	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		if (!any)
			*first = i;
		any = true;
		*last = i;
	}
	return any;
}

/**
 * hist_print() - a histogram for people
 * @out: file
 * @h: histogram; nothing is printed of an empty one
 * @unit: of the values
 */
void hist_print(FILE *out, const struct hist *h, const char *unit)
{
	static const char bar[] = "****************************************";
	const unsigned int width = sizeof(bar) - 1;
	unsigned int first = 0, last = 0;
	uint64_t most = 0;
	char to[24];

	if (!used(h, &first, &last))
		return;
	for (unsigned int i = first; i <= last; i++)
		most = h->slot[i] > most ? h->slot[i] : most;
	fprintf(out, "  %28s : count    distribution\n", unit);
	for (unsigned int i = first; i <= last && i < HIST_SLOTS; i++) {
		int len = (int)((double)h->slot[i] * width / most);

		if (i == HIST_SLOTS - 1)
			strcpy(to, "...");
		else
			snprintf(to, sizeof(to), "%" PRIu64, slot_high(i));
		fprintf(out, "  %12" PRIu64 " -> %-12s : %-8" PRIu64 " |%-*.*s|\n",
			slot_low(i), to, (uint64_t)h->slot[i], (int)width, len,
			bar);
	}
}

/**
 * hist_json() - a histogram as an object
 * @j: object that it belongs to
 * @name: its name there
 * @h: histogram
 *
 * "slots" is an array of [lowest, highest value, count], without empty ones.
 */
void hist_json(struct json *j, const char *name, const struct hist *h)
{
	json_open(j, name, '{');
	json_number(j, "count", h->count);
	json_number(j, "sum", h->sum);
	json_number(j, "max", h->max);
	json_open(j, "slots", '[');
	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		json_open(j, NULL, '[');
		json_number(j, NULL, slot_low(i));
		json_number(j, NULL, slot_high(i));
		json_number(j, NULL, h->slot[i]);
		json_close(j, ']');
	}
	json_close(j, ']');
	json_close(j, '}');
}
