// SPDX-License-Identifier: GPL-2.0
/* The format files of tracepoints. What they say is not taken for granted. */
#include <stdlib.h>
#include <string.h>

#include "format.h"

/* "\tfield:__u64 sandbox;\toffset:8;\tsize:8;\tsigned:0;" */
static bool parse_field(struct format *f, const char *line)
{
	char type[128], *name;
	struct format_field *field;
	unsigned int offset, size;

	if (sscanf(line, " field:%127[^;]; offset:%u; size:%u;", type, &offset,
		   &size) != 3)
		return true;
	name = strrchr(type, ' ');
	if (!name || !strncmp(name + 1, "common_", 7))
		return true;
	if (f->nr == FORMAT_FIELDS || strlen(name + 1) >= FORMAT_NAME_LEN)
		return false;
	if (!f->nr || offset < f->first)
		f->first = offset;
	field = &f->fields[f->nr++];
	strcpy(field->name, name + 1);
	field->offset = offset;
	field->size = size;
	return true;
}

/**
 * format_read() - read a format file
 * @f: result
 * @file: open for reading
 *
 * Return: false if it has no fields, or more than there is room for.
 */
bool format_read(struct format *f, FILE *file)
{
	static char line[sizeof(f->print)];

	memset(f, 0, sizeof(*f));
	while (fgets(line, sizeof(line), file)) {
		if (!parse_field(f, line))
			return false;
		if (!strncmp(line, "print fmt:", 10))
			strcpy(f->print, line);
	}
	return f->nr;
}

/**
 * format_compare() - are the fields where a program expects them?
 * @f: what the kernel has
 * @want: what the program has; the kernel may have more
 *
 * Return: NULL if so, else the name of the first that is not.
 */
const char *format_compare(const struct format *f, const struct layout *want)
{
	unsigned int i;

	for (; want->name; want++) {
		for (i = 0; i < f->nr; i++)
			if (!strcmp(f->fields[i].name, want->name))
				break;
		if (i == f->nr ||
		    f->fields[i].offset - f->first != want->offset ||
		    f->fields[i].size != want->size)
			return want->name;
	}
	return NULL;
}

/**
 * format_names() - the names that the event's text has for the numbers of a field
 * @f: format, with "__print_symbolic(REC->field, { 0, "zero" }, ...)"
 * @field: its name
 * @n: result
 *
 * Return: false if it has none. A number that is too large, or no number, is left
 * out.
 */
bool format_names(const struct format *f, const char *field, struct names *n)
{
	char what[64 + FORMAT_NAME_LEN], name[FORMAT_NAME_LEN];
	const char *p, *end;
	unsigned long number;
	bool any = false;
	char *rest;

	memset(n, 0, sizeof(*n));
	snprintf(what, sizeof(what), "__print_symbolic(REC->%s,", field);
	p = strstr(f->print, what);
	if (!p)
		return false;
	p += strlen(what);
	end = strchr(p, ')');
	while ((p = strchr(p, '{')) && (!end || p < end)) {
		number = strtoul(++p, &rest, 0);
		if (rest == p || number >= FORMAT_NAMES ||
		    sscanf(rest, " , \"%31[^\"]\"", name) != 1)
			continue;
		strcpy(n->name[number], name);
		any = true;
	}
	return any;
}

/**
 * name_of() - the name of a number
 * @n: names
 * @number: any
 *
 * Return: the name, or the number in digits where it has none; good until the
 * fourth call after this one.
 */
const char *name_of(const struct names *n, unsigned int number)
{
	static char digits[4][12];
	static unsigned int turn;
	char *d;

	if (number < FORMAT_NAMES && n->name[number][0])
		return n->name[number];
	d = digits[turn++ % 4];
	snprintf(d, sizeof(digits[0]), "%u", number);
	return d;
}
