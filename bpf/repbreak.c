// SPDX-License-Identifier: GPL-2.0
/* repbreak: why REP loops were broken, after how many iterations, for how long. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "common.h"
#include "repbreak.h"
#include "repbreak.skel.h"

static struct names reasons;

struct row {
	struct break_key key;
	struct breaks b;
};

static void add_breaks(void *sum, const void *val)
{
	const struct breaks *from = val;
	struct breaks *to = sum;

	hist_merge(&to->done, &from->done);
	hist_merge(&to->resume, &from->resume);
}

/* The most frequent first. */
static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->b.done.count != y->b.done.count)
		return x->b.done.count < y->b.done.count ? 1 : -1;
	if (x->key.reason != y->key.reason)
		return x->key.reason - y->key.reason;
	return x->key.fast - y->key.fast;
}

static size_t read_rows(struct bpf_map *map, struct row *rows, size_t room)
{
	struct break_key key, *prev = NULL;
	size_t nr = 0;

	while (nr < room && !bpf_map__get_next_key(map, prev, &key, sizeof(key))) {
		rows[nr].key = key;
		if (read_per_cpu(map, &key, &rows[nr].b, sizeof(rows[nr].b),
				 add_breaks))
			nr++;
		prev = &key;
	}
	qsort(rows, nr, sizeof(*rows), compare);
	return nr;
}

static const char *path_of(const struct row *r)
{
	return r->key.fast ? "bulk" : "single";
}

static void print_json(const struct row *r)
{
	struct json j;

	json_begin(&j, opts.out, "rep_break");
	json_string(&j, "reason", name_of(&reasons, r->key.reason));
	json_string(&j, "path", path_of(r));
	json_number(&j, "breaks", r->b.done.count);
	hist_json(&j, "iterations", &r->b.done);
	hist_json(&j, "resume_ns", &r->b.resume);
	json_end(&j);
}

static double mean(const struct hist *h)
{
	return h->count ? (double)h->sum / h->count : 0;
}

static void print_table(const struct row *rows, size_t nr)
{
	char avg[UNIT_TEXT], max[UNIT_TEXT], it[UNIT_TEXT];

	fprintf(opts.out, "%-12s %-6s %9s %12s %10s %9s %10s %10s\n", "REASON", "PATH",
		"BREAKS", "ITERATIONS", "PER BREAK", "RESUMED", "AVG TIME", "MAX TIME");
	for (size_t i = 0; i < nr; i++) {
		const struct breaks *b = &rows[i].b;
		bool timed = b->resume.count;

		fprintf(opts.out, "%-12s %-6s %9llu %12llu %10s %9llu %10s %10s\n",
			name_of(&reasons, rows[i].key.reason), path_of(&rows[i]),
			b->done.count, b->done.sum, count_text(it, mean(&b->done)),
			b->resume.count,
			timed ? time_text(avg, mean(&b->resume)) : "-",
			timed ? time_text(max, b->resume.max) : "-");
	}
}

static void print_text(const struct row *rows, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		fprintf(opts.out, "reason %s, %s:\n",
			name_of(&reasons, rows[i].key.reason),
			rows[i].key.fast ? "in bulk" : "one by one");
		hist_print(opts.out, &rows[i].b.done, "iterations");
		hist_print(opts.out, &rows[i].b.resume, "nanoseconds to resume");
		fputc('\n', opts.out);
	}
	if (nr)
		print_table(rows, nr);
}

static void print_end(const struct row *rows, size_t nr, uint64_t lost)
{
	uint64_t events = 0;
	struct json j;

	for (size_t i = 0; i < nr; i++)
		events += rows[i].b.done.count;
	if (!opts.json) {
		fprintf(opts.out, "%" PRIu64 " breaks, %" PRIu64 " lost\n", events, lost);
		return;
	}
	json_begin(&j, opts.out, "end");
	json_number(&j, "events", events);
	json_number(&j, "lost", lost);
	json_end(&j);
}

/* The number of the reason that is called resched, or one that no reason has. */
static unsigned int resched(void)
{
	unsigned int i;

	for (i = 0; i < FORMAT_NAMES; i++)
		if (!strcmp(reasons.name[i], "resched"))
			return i;
	return 255;
}

/* What follows the vertical tab comes behind the options. */
static const char doc[] =
	"Count why REP loops in sandboxes of piotrap were broken, until COMMAND has ended or Ctrl-C: iterations until the break, by reason and path (the bulk path, or one by one), and the time until the REP could go on.\n"
	"\vThat time is known of breaks for the scheduler, and of those after which the run ended at the REP: until the next run. A REP that is not broken has no break.\n\n"
	"Examples:\n"
	"  repbreak                       all sandboxes\n"
	"  repbreak -p 1234 -d 10         ten seconds of those that process 1234 opened\n"
	"  repbreak -- piotrap run FILE   while a program runs\n";

int main(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.doc = doc, .args_doc = "[COMMAND...]", .children = children,
	};
	static struct row rows[512];
	struct repbreak_bpf *skel;
	int status;
	size_t nr;

	tool_options(&argp, argc, argv,
		     (const char *const[]) { "piotrap_rep_break", "piotrap_run_enter",
					     "piotrap_run_exit", "piotrap_preempt",
					     "piotrap_resume", NULL });
	event_names("piotrap_rep_break", "reason", &reasons);
	skel = repbreak_bpf__open();
	if (!skel)
		fail("cannot open the BPF program: %s", strerror(errno));
	tool_configure(skel);
	skel->rodata->reason_resched = resched();
	if (repbreak_bpf__load(skel) || repbreak_bpf__attach(skel))
		fail("cannot load or attach the BPF program: %s", strerror(errno));

	tool_begin();
	while (tool_running())
		tool_wait(100);
	repbreak_bpf__detach(skel);
	nr = read_rows(skel->maps.breaks, rows, ARRAY_SIZE(rows));
	if (opts.json)
		for (size_t i = 0; i < nr; i++)
			print_json(&rows[i]);
	else
		print_text(rows, nr);
	print_end(rows, nr, skel->bss->lost);
	status = tool_end(skel->bss->lost);
	repbreak_bpf__destroy(skel);
	return status;
}
