/* SPDX-License-Identifier: GPL-2.0 */
/* The table of piotop: what each port has counted, now and so far. No I/O but to a FILE. */
#ifndef PORTS_H
#define PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "piotop.h"
#include "text.h"

#define HISTORY		16	/* intervals, at most SPARK_MAX */

/**
 * struct port_row - a port
 * @port: number
 * @total: since the tool began
 * @delta: in the last interval
 * @history: accesses by interval, a ring that port_table.ticks goes round in
 */
struct port_row {
	uint16_t port;
	struct port_count total;
	struct port_count delta;
	uint64_t history[HISTORY];
};

/**
 * struct port_table - all ports that were seen; zero at first
 * @by_port: row of a port, or NULL
 * @rows: the same, in the order of ports_sort()
 * @nr: how many
 * @ticks: intervals so far
 * @ns: length of the last one
 */
struct port_table {
	struct port_row *by_port[65536];
	struct port_row *rows[65536];
	size_t nr;
	uint64_t ticks;
	uint64_t ns;
};

enum sort_by { SORT_ACCESSES, SORT_BYTES, SORT_TIME, SORT_PORT, SORT_NR };

extern const char *const sort_names[SORT_NR];

void ports_tick(struct port_table *t, uint64_t ns);
bool ports_set(struct port_table *t, uint16_t port, const struct port_count *c);
void ports_sort(struct port_table *t, enum sort_by by, bool total);
void ports_print(const struct port_table *t, FILE *out, size_t max, bool utf8);
void ports_print_totals(const struct port_table *t, FILE *out, size_t max);
void ports_json(const struct port_table *t, FILE *out, uint64_t time, bool total);
void ports_free(struct port_table *t);

#endif /* PORTS_H */
