// SPDX-License-Identifier: GPL-2.0
/* The table of piotop. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ports.h"

const char *const sort_names[SORT_NR] = { "accesses", "bytes", "time", "port" };

static uint64_t accesses(const struct port_count *c)
{
	return c->in + c->out;
}

static uint64_t bytes(const struct port_count *c)
{
	return c->bytes_in + c->bytes_out;
}

/**
 * ports_tick() - an interval begins; nothing has happened in it so far
 * @t: table
 * @ns: its length in nanoseconds, not 0
 */
void ports_tick(struct port_table *t, uint64_t ns)
{
	size_t i;

	t->ticks++;
	t->ns = ns;
	for (i = 0; i < t->nr; i++) {
		memset(&t->rows[i]->delta, 0, sizeof(t->rows[i]->delta));
		t->rows[i]->history[t->ticks % HISTORY] = 0;
	}
}

/**
 * ports_set() - what a port has counted so far; the difference is this interval's
 * @t: table
 * @port: port
 * @c: counts since the tool began
 *
 * Return: false if there is no memory for another port.
 */
bool ports_set(struct port_table *t, uint16_t port, const struct port_count *c)
{
	struct port_row *r = t->by_port[port];

	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return false;
		r->port = port;
		t->by_port[port] = r;
		t->rows[t->nr++] = r;
	}
	r->delta.in = c->in - r->total.in;
	r->delta.out = c->out - r->total.out;
	r->delta.bytes_in = c->bytes_in - r->total.bytes_in;
	r->delta.bytes_out = c->bytes_out - r->total.bytes_out;
	r->delta.exits = c->exits - r->total.exits;
	r->delta.wait = c->wait - r->total.wait;
	r->total = *c;
	r->history[t->ticks % HISTORY] = accesses(&r->delta);
	return true;
}

/* -- Order: by the interval, among equals by all so far, then by number. -- */

static enum sort_by order;
static bool order_total;

static uint64_t rank(const struct port_count *c)
{
	switch (order) {
	case SORT_BYTES:
		return bytes(c);
	case SORT_TIME:
		return c->wait;
	case SORT_ACCESSES:
		return accesses(c);
	default:
		return 0;
	}
}

static int compare(const void *a, const void *b)
{
	const struct port_row *x = *(struct port_row *const *)a;
	const struct port_row *y = *(struct port_row *const *)b;
	uint64_t m = rank(&x->delta), n = rank(&y->delta);

	if (order_total || m == n) {
		m = rank(&x->total);
		n = rank(&y->total);
	}
	if (m != n)
		return m < n ? 1 : -1;
	return x->port - y->port;
}

/**
 * ports_sort() - bring the rows into order
 * @t: table
 * @by: the largest first, or by port
 * @total: by what was counted since the tool began, not in the last interval
 */
void ports_sort(struct port_table *t, enum sort_by by, bool total)
{
	order = by;
	order_total = total;
	qsort(t->rows, t->nr, sizeof(t->rows[0]), compare);
}

/* -- Output. -- */

static const char *history(const struct port_table *t, const struct port_row *r,
			   char *buf, bool utf8)
{
	uint64_t v[HISTORY];
	unsigned int n = t->ticks < HISTORY ? t->ticks : HISTORY, i;

	for (i = 0; i < n; i++)
		v[i] = r->history[(t->ticks - n + 1 + i) % HISTORY];
	return spark_text(buf, v, n, utf8);
}

/**
 * ports_print() - the table: this interval and its history
 * @t: table, sorted
 * @out: file
 * @max: rows, the rest is left out
 * @utf8: see spark_text()
 */
void ports_print(const struct port_table *t, FILE *out, size_t max, bool utf8)
{
	char in[UNIT_TEXT], o[UNIT_TEXT], b[UNIT_TEXT], w[UNIT_TEXT];
	char ta[UNIT_TEXT], tb[UNIT_TEXT], tw[UNIT_TEXT], spark[SPARK_TEXT];
	double s = (double)t->ns / 1e9;
	size_t i;

	fprintf(out, "%-4s %7s %7s %7s %7s %9s %7s %7s  %s\n", "PORT", "IN/s", "OUT/s",
		"BYTES/s", "TIME/s", "ACCESSES", "BYTES", "TIME", "HISTORY");
	for (i = 0; i < t->nr && i < max; i++) {
		const struct port_row *r = t->rows[i];
		const struct port_count *d = &r->delta;

		fprintf(out, "%04x %7s %7s %7s %7s %9s %7s %7s  %s\n", r->port,
			count_text(in, d->in / s), count_text(o, d->out / s),
			count_text(b, bytes(d) / s),
			d->wait ? time_text(w, d->wait / s) : "-",
			count_text(ta, accesses(&r->total)),
			count_text(tb, bytes(&r->total)),
			r->total.wait ? time_text(tw, r->total.wait) : "-",
			history(t, r, spark, utf8));
	}
	if (i < t->nr)
		fprintf(out, "(%zu more)\n", t->nr - i);
}

/**
 * ports_print_totals() - the table at the end: exact counts
 * @t: table, sorted
 * @out: file
 * @max: rows, the rest is left out
 */
void ports_print_totals(const struct port_table *t, FILE *out, size_t max)
{
	char w[UNIT_TEXT];
	size_t i;

	fprintf(out, "%-4s %10s %10s %12s %12s %9s %8s\n", "PORT", "IN", "OUT",
		"BYTES IN", "BYTES OUT", "EXITS", "TIME");
	for (i = 0; i < t->nr && i < max; i++) {
		const struct port_count *c = &t->rows[i]->total;

		fprintf(out, "%04x %10llu %10llu %12llu %12llu %9llu %8s\n",
			t->rows[i]->port, c->in, c->out, c->bytes_in, c->bytes_out,
			c->exits, c->wait ? time_text(w, c->wait) : "-");
	}
	if (i < t->nr)
		fprintf(out, "(%zu more)\n", t->nr - i);
}

static void json_counts(struct json *j, const struct port_count *c)
{
	json_number(j, "in", c->in);
	json_number(j, "out", c->out);
	json_number(j, "bytes_in", c->bytes_in);
	json_number(j, "bytes_out", c->bytes_out);
	json_number(j, "exits", c->exits);
	json_number(j, "wait_ns", c->wait);
}

/**
 * ports_json() - the table as JSON lines
 * @t: table, sorted
 * @out: file
 * @time: nanoseconds since the tool began
 * @total: what was counted since then, of all ports; else that of the last interval,
 *	of ports that something happened to
 */
void ports_json(const struct port_table *t, FILE *out, uint64_t time, bool total)
{
	struct json j;
	size_t i;

	for (i = 0; i < t->nr; i++) {
		const struct port_row *r = t->rows[i];

		if (!total && !accesses(&r->delta) && !r->delta.exits && !r->delta.wait)
			continue;
		json_begin(&j, out, total ? "total" : "interval");
		json_number(&j, "time_ns", time);
		if (!total)
			json_number(&j, "interval_ns", t->ns);
		json_number(&j, "port", r->port);
		json_counts(&j, total ? &r->total : &r->delta);
		json_end(&j);
	}
}

/**
 * ports_free() - make the table empty
 * @t: table
 */
void ports_free(struct port_table *t)
{
	while (t->nr)
		free(t->rows[--t->nr]);
	memset(t, 0, sizeof(*t));
}
