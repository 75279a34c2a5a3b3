/* SPDX-License-Identifier: GPL-2.0 */
/* The format files of tracepoints: where fields are, and the names of numbers. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define FORMAT_FIELDS	32
#define FORMAT_NAMES	64
#define FORMAT_NAME_LEN	32

/**
 * struct format - a format file, as far as it is used here
 * @first: bytes before the first field of the event's own
 * @nr: fields
 * @fields: the event's own, offsets and sizes in bytes
 * @print: the line that says how to print it; empty: none
 */
struct format {
	unsigned int first;
	unsigned int nr;
	struct format_field {
		char name[FORMAT_NAME_LEN];
		unsigned int offset;
		unsigned int size;
	} fields[FORMAT_FIELDS];
	char print[4096];
};

/**
 * struct layout - where a program expects a field, counted from the first one
 * @name: of the field; NULL ends a list of them
 * @offset: bytes
 * @size: bytes
 */
struct layout {
	const char *name;
	size_t offset;
	size_t size;
};

/**
 * struct names - names of numbers from 0 on
 * @name: empty: that number has none
 */
struct names {
	char name[FORMAT_NAMES][FORMAT_NAME_LEN];
};

bool format_read(struct format *f, FILE *file);
const char *format_compare(const struct format *f, const struct layout *want);
bool format_names(const struct format *f, const char *field, struct names *n);
const char *name_of(const struct names *n, unsigned int number);

#endif /* FORMAT_H */
