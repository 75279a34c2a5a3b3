/* SPDX-License-Identifier: GPL-2.0 */
/* What the tools print: JSON, histograms, numbers for people. No I/O but to a FILE. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "hist.h"

/**
 * struct json - an object, or what is in it, on its way out
 * @out: file
 * @more: something stands before, so that a comma is due
 */
struct json {
	FILE *out;
	bool more;
};

void json_begin(struct json *j, FILE *out, const char *type);
void json_end(struct json *j);
void json_number(struct json *j, const char *name, uint64_t val);
void json_string(struct json *j, const char *name, const char *val);
void json_bool(struct json *j, const char *name, bool val);
void json_open(struct json *j, const char *name, char bracket);
void json_close(struct json *j, char bracket);

/* Room for any set of bits, as text. */
#define BITS_TEXT	64

const char *bits_text(char *buf, uint64_t bits);
void bits_json(struct json *j, const char *name, uint64_t bits);

/* Room for a number with its unit. */
#define UNIT_TEXT	16

const char *count_text(char *buf, double val);
const char *time_text(char *buf, double ns);

/* Room for a history of so many intervals, three bytes a character. */
#define SPARK_MAX	32
#define SPARK_TEXT	(3 * SPARK_MAX + 1)

const char *spark_text(char *buf, const uint64_t *v, unsigned int nr, bool utf8);

uint64_t slot_low(unsigned int slot);
uint64_t slot_high(unsigned int slot);
void hist_merge(struct hist *to, const struct hist *from);
void hist_print(FILE *out, const struct hist *h, const char *unit);
void hist_json(struct json *j, const char *name, const struct hist *h);

#endif /* TEXT_H */
