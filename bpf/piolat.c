// SPDX-License-Identifier: GPL-2.0
/* piolat: how long runs, exits to the owner and preemptions last. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "common.h"
#include "piolat.h"
#include "piolat.skel.h"

static struct names reasons;

static const struct {
	const char *name;
	const char *text;
} kinds[] = {
	[LAT_RUN] = { "run", "runs" },
	[LAT_EXIT] = { "exit", "exits to the owner, until the next run" },
	[LAT_PREEMPT] = { "preempt", "preemptions, until the run has the CPU again" },
};

struct row {
	struct lat_key key;
	struct hist h;
};

static void add_hist(void *sum, const void *val)
{
	hist_merge(sum, val);
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->key.kind != y->key.kind)
		return x->key.kind < y->key.kind ? -1 : 1;
	if (x->h.count != y->h.count)
		return x->h.count < y->h.count ? 1 : -1;
	return x->key.reason < y->key.reason ? -1 : 1;
}

static size_t read_rows(struct bpf_map *map, struct row *rows, size_t room)
{
	struct lat_key key, *prev = NULL;
	size_t nr = 0;

	while (nr < room && !bpf_map__get_next_key(map, prev, &key, sizeof(key))) {
		rows[nr].key = key;
		if (key.kind < ARRAY_SIZE(kinds) &&
		    read_per_cpu(map, &key, &rows[nr].h, sizeof(rows[nr].h), add_hist))
			nr++;
		prev = &key;
	}
	qsort(rows, nr, sizeof(*rows), compare);
	return nr;
}

static bool has_reason(const struct row *r)
{
	return r->key.kind != LAT_PREEMPT;
}

static void print_json(const struct row *r)
{
	struct json j;

	json_begin(&j, opts.out, kinds[r->key.kind].name);
	if (has_reason(r))
		json_string(&j, "reason", name_of(&reasons, r->key.reason));
	hist_json(&j, "ns", &r->h);
	json_end(&j);
}

static void print_table(const struct row *rows, size_t nr)
{
	char avg[UNIT_TEXT], max[UNIT_TEXT];

	fprintf(opts.out, "%-8s %-14s %9s %10s %10s\n", "WHAT", "REASON", "COUNT",
		"AVG", "MAX");
	for (size_t i = 0; i < nr; i++) {
		const struct hist *h = &rows[i].h;

		fprintf(opts.out, "%-8s %-14s %9llu %10s %10s\n",
			kinds[rows[i].key.kind].name,
			has_reason(&rows[i]) ?
				name_of(&reasons, rows[i].key.reason) : "-",
			h->count, time_text(avg, (double)h->sum / h->count),
			time_text(max, h->max));
	}
}

static void print_text(const struct row *rows, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		fputs(kinds[rows[i].key.kind].text, opts.out);
		if (has_reason(&rows[i]))
			fprintf(opts.out, "; reason %s",
				name_of(&reasons, rows[i].key.reason));
		fputs(":\n", opts.out);
		hist_print(opts.out, &rows[i].h, "nanoseconds");
		fputc('\n', opts.out);
	}
	if (nr)
		print_table(rows, nr);
}

static void print_end(const struct row *rows, size_t nr, uint64_t lost)
{
	uint64_t n[ARRAY_SIZE(kinds)] = { 0 };
	struct json j;

	for (size_t i = 0; i < nr; i++)
		n[rows[i].key.kind] += rows[i].h.count;
	if (!opts.json) {
		fprintf(opts.out, "%" PRIu64 " runs, %" PRIu64 " exits, ", n[LAT_RUN],
			n[LAT_EXIT]);
		fprintf(opts.out, "%" PRIu64 " preemptions, %" PRIu64 " lost\n",
			n[LAT_PREEMPT], lost);
		return;
	}
	json_begin(&j, opts.out, "end");
	json_number(&j, "runs", n[LAT_RUN]);
	json_number(&j, "exits", n[LAT_EXIT]);
	json_number(&j, "preemptions", n[LAT_PREEMPT]);
	json_number(&j, "lost", lost);
	json_end(&j);
}

/* What follows the vertical tab comes behind the options. */
static const char doc[] =
	"Histograms of times in sandboxes of piotrap, until COMMAND has ended or Ctrl-C: of runs, by why they ended; of exits to the owner until his next run, by why he was called; and of how long runs waited for the CPU that they had given away.\n"
	"\vWhat is under way when the tool begins or ends is left out.\n\n"
	"Examples:\n"
	"  piolat                       all sandboxes\n"
	"  piolat -s 7 -d 10            ten seconds of sandbox 7\n"
	"  piolat -- piotrap rom FILE   while an option ROM runs\n";

int main(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.doc = doc, .args_doc = "[COMMAND...]", .children = children,
	};
	static struct row rows[256];
	struct piolat_bpf *skel;
	int status;
	size_t nr;

	tool_options(&argp, argc, argv,
		     (const char *const[]) { "piotrap_run_enter", "piotrap_run_exit",
					     "piotrap_preempt", "piotrap_resume", NULL });
	event_names("piotrap_run_exit", "reason", &reasons);
	skel = piolat_bpf__open();
	if (!skel)
		fail("cannot open the BPF program: %s", strerror(errno));
	tool_configure(skel);
	if (piolat_bpf__load(skel) || piolat_bpf__attach(skel))
		fail("cannot load or attach the BPF program: %s", strerror(errno));

	tool_begin();
	while (tool_running())
		tool_wait(100);
	piolat_bpf__detach(skel);
	nr = read_rows(skel->maps.hists, rows, ARRAY_SIZE(rows));
	if (opts.json)
		for (size_t i = 0; i < nr; i++)
			print_json(&rows[i]);
	else
		print_text(rows, nr);
	print_end(rows, nr, skel->bss->lost);
	status = tool_end(skel->bss->lost);
	piolat_bpf__destroy(skel);
	return status;
}
