// SPDX-License-Identifier: GPL-2.0
/* piosnoop: print each port access of sandboxes. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "common.h"
#include "piosnoop.h"
#include "piosnoop.skel.h"

static uint64_t printed;

static void print_json(const struct access *a)
{
	const struct port_io *io = &a->io;
	struct json j;

	json_begin(&j, opts.out, "port");
	json_number(&j, "time_ns", a->time - opts.start);
	json_number(&j, "sandbox", io->sandbox);
	json_number(&j, "pid", io->owner);
	json_number(&j, "rip", io->rip);
	json_string(&j, "dir", io->dir ? "out" : "in");
	json_number(&j, "port", io->port);
	json_number(&j, "size", io->size);
	json_number(&j, "count", io->count);
	json_number(&j, "value", io->value);
	json_bool(&j, "bulk", io->fast);
	json_end(&j);
}

static void print_text(const struct access *a)
{
	const struct port_io *io = &a->io;
	double time = (double)(a->time - opts.start) / SEC;

	fprintf(opts.out, "%-12.6f %7llu %7u %-16llx %-3s %04x %4u %7llu %0*x\n",
		time, io->sandbox, io->owner, io->rip, io->dir ? "out" : "in",
		io->port, io->size, io->count, io->size * 2, io->value);
}

static int print_access(void *ctx, void *data, size_t size)
{
	(void)ctx;
	if (size < sizeof(struct access))
		return 0;
	if (opts.json)
		print_json(data);
	else
		print_text(data);
	printed++;
	return tool_more();
}

static void print_end(uint64_t lost)
{
	struct json j;

	if (!opts.json) {
		fprintf(opts.out, "%" PRIu64 " events, %" PRIu64 " lost\n", printed,
			lost);
		return;
	}
	json_begin(&j, opts.out, "end");
	json_number(&j, "events", printed);
	json_number(&j, "lost", lost);
	json_end(&j);
}

/* What follows the vertical tab comes behind the options. */
static const char doc[] =
	"Print each access to a port that sandboxes of piotrap make, until COMMAND has ended or Ctrl-C.\n"
	"\vA REP that goes in bulk is one line with its count and its first value. RIP, ports and values are hexadecimal.\n\n"
	"Examples:\n"
	"  piosnoop                       all accesses of all sandboxes\n"
	"  piosnoop -p 1234               of those that process 1234 opened\n"
	"  piosnoop -- piotrap rom FILE   while an option ROM runs\n"
	"  piosnoop -j -d 10 | jq .port   ten seconds of port numbers\n";

int main(int argc, char **argv)
{
	static const struct argp_child children[] = {
		{ &tool_argp, 0, NULL, 0 }, { &ring_argp, 0, NULL, 0 }, {}
	};
	static const struct argp argp = {
		.doc = doc, .args_doc = "[COMMAND...]", .children = children,
	};
	struct piosnoop_bpf *skel;
	struct ring_buffer *ring;
	int status;

	tool_options(&argp, argc, argv,
		     (const char *const[]) { "piotrap_port_io", NULL });
	skel = piosnoop_bpf__open();
	if (!skel)
		fail("cannot open the BPF program: %s", strerror(errno));
	tool_configure(skel);
	bpf_map__set_max_entries(skel->maps.ring, opts.buffer);
	if (piosnoop_bpf__load(skel) || piosnoop_bpf__attach(skel))
		fail("cannot load or attach the BPF program: %s", strerror(errno));
	ring = ring_buffer__new(bpf_map__fd(skel->maps.ring), print_access, NULL, NULL);
	if (!ring)
		fail("ring buffer: %s", strerror(errno));

	if (!opts.json)
		fprintf(opts.out, "%-12s %7s %7s %-16s %-3s %4s %4s %7s %s\n", "TIME",
			"SANDBOX", "PID", "RIP", "DIR", "PORT", "SIZE", "COUNT",
			"VALUE");
	tool_begin();
	while (tool_running())
		tool_poll(ring, skel->bss->lost);
	piosnoop_bpf__detach(skel);
	ring_buffer__consume(ring);
	print_end(skel->bss->lost);
	status = tool_end(skel->bss->lost);
	ring_buffer__free(ring);
	piosnoop_bpf__destroy(skel);
	return status;
}
