// SPDX-License-Identifier: GPL-2.0
/* The report: port accesses, steps, stops and statistics, as text or JSON. */

#include <inttypes.h>

#include "trace.h"

static const char *const dir_name[] = { "in", "out" };

static void print_port(struct trace *t, const struct piotrap_log_rec *r)
{
	if (t->json)
		fprintf(t->out,
			"{\"type\":\"port\",\"cs\":%u,\"ip\":%" PRIu64
			",\"dir\":\"%s\",\"port\":%u,\"size\":%u,\"value\":%" PRIu64 "}\n",
			r->cs, (uint64_t)r->rip, dir_name[r->dir & 1], r->port,
			r->size, (uint64_t)r->value);
	else
		fprintf(t->out, "%04x:%04" PRIx64 " %-3s port %04x size %u value %0*" PRIx64 "\n",
			r->cs, (uint64_t)r->rip, dir_name[r->dir & 1], r->port,
			r->size, r->size * 2, (uint64_t)r->value);
}

static void print_step(struct trace *t, const struct piotrap_log_rec *r)
{
	if (t->json)
		fprintf(t->out,
			"{\"type\":\"step\",\"cs\":%u,\"ip\":%" PRIu64
			",\"rax\":%" PRIu64 ",\"rcx\":%" PRIu64 ",\"rdx\":%" PRIu64
			",\"rsi\":%" PRIu64 ",\"rdi\":%" PRIu64 ",\"rflags\":%" PRIu64 "}\n",
			r->cs, (uint64_t)r->rip, (uint64_t)r->value,
			(uint64_t)r->rcx, (uint64_t)r->rdx, (uint64_t)r->rsi,
			(uint64_t)r->rdi, (uint64_t)r->rflags);
	else
		fprintf(t->out,
			"%04x:%04" PRIx64 " step eax=%08" PRIx64 " ecx=%08" PRIx64
			" edx=%08" PRIx64 " esi=%08" PRIx64 " edi=%08" PRIx64
			" eflags=%08" PRIx64 "\n",
			r->cs, (uint64_t)r->rip, (uint64_t)r->value,
			(uint64_t)r->rcx, (uint64_t)r->rdx, (uint64_t)r->rsi,
			(uint64_t)r->rdi, (uint64_t)r->rflags);
}

void trace_record(struct trace *t, const struct piotrap_log_rec *rec)
{
	if (rec->type == PIOTRAP_REC_PORT) {
		t->count[rec->dir & 1][rec->port]++;
		if (t->ports)
			print_port(t, rec);
	} else if (rec->type == PIOTRAP_REC_STEP && t->steps) {
		print_step(t, rec);
	}
}

static void stop_json(struct trace *t, const struct piotrap_log_rec *rec,
		      uint64_t nth, const struct piotrap_run *run,
		      const struct piotrap_debug *d, unsigned int hit)
{
	const struct piotrap_regs *r = &run->regs;
	const struct piotrap_segs *s = &run->segs;

	fprintf(t->out,
		"{\"type\":\"break\",\"index\":%u,\"nth\":%" PRIu64
		",\"dir\":\"%s\",\"port\":%u,\"size\":%u,\"value\":%" PRIu64
		",\"at_cs\":%u,\"at_ip\":%" PRIu64,
		hit, nth, dir_name[rec->dir & 1], rec->port, rec->size,
		(uint64_t)rec->value, rec->cs, (uint64_t)rec->rip);
	fprintf(t->out,
		",\"rax\":%" PRIu64 ",\"rbx\":%" PRIu64 ",\"rcx\":%" PRIu64
		",\"rdx\":%" PRIu64 ",\"rsi\":%" PRIu64 ",\"rdi\":%" PRIu64
		",\"rbp\":%" PRIu64 ",\"rsp\":%" PRIu64 ",\"rip\":%" PRIu64
		",\"rflags\":%" PRIu64,
		(uint64_t)r->rax, (uint64_t)r->rbx, (uint64_t)r->rcx,
		(uint64_t)r->rdx, (uint64_t)r->rsi, (uint64_t)r->rdi,
		(uint64_t)r->rbp, (uint64_t)r->rsp, (uint64_t)r->rip,
		(uint64_t)r->rflags);
	fprintf(t->out,
		",\"cs\":%u,\"ds\":%u,\"es\":%u,\"ss\":%u,\"fs\":%u,\"gs\":%u"
		",\"dr6\":%" PRIu64 ",\"dr7\":%" PRIu64 "}\n",
		s->cs.selector, s->ds.selector, s->es.selector, s->ss.selector,
		s->fs.selector, s->gs.selector, (uint64_t)d->dr6,
		(uint64_t)d->dr7);
}

static void print_flags(FILE *out, uint64_t flags)
{
	static const struct { int bit; const char *name; } f[] = {
		{ 11, "OF" }, { 10, "DF" }, { 9, "IF" }, { 8, "TF" },
		{ 7, "SF" }, { 6, "ZF" }, { 4, "AF" }, { 2, "PF" }, { 0, "CF" },
	};

	for (unsigned int i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		if (flags >> f[i].bit & 1)
			fprintf(out, " %s", f[i].name);
}

static void stop_text(struct trace *t, const struct piotrap_log_rec *rec,
		      uint64_t nth, const struct piotrap_run *run,
		      const struct piotrap_debug *d, unsigned int hit)
{
	const struct piotrap_regs *r = &run->regs;
	const struct piotrap_segs *s = &run->segs;

	fprintf(t->out,
		"break %u: match %" PRIu64 ": %04x:%04" PRIx64
		" %s port %04x size %u value %0*" PRIx64 "\n",
		hit, nth, rec->cs, (uint64_t)rec->rip, dir_name[rec->dir & 1],
		rec->port, rec->size, rec->size * 2, (uint64_t)rec->value);
	fprintf(t->out,
		"eax %08" PRIx64 "  ebx %08" PRIx64 "  ecx %08" PRIx64
		"  edx %08" PRIx64 "\n",
		(uint64_t)r->rax, (uint64_t)r->rbx, (uint64_t)r->rcx,
		(uint64_t)r->rdx);
	fprintf(t->out,
		"esi %08" PRIx64 "  edi %08" PRIx64 "  ebp %08" PRIx64
		"  esp %08" PRIx64 "\n",
		(uint64_t)r->rsi, (uint64_t)r->rdi, (uint64_t)r->rbp,
		(uint64_t)r->rsp);
	fprintf(t->out,
		"cs %04x  ds %04x  es %04x  ss %04x  fs %04x  gs %04x\n",
		s->cs.selector, s->ds.selector, s->es.selector, s->ss.selector,
		s->fs.selector, s->gs.selector);
	fprintf(t->out, "eip %08" PRIx64 "  eflags %08" PRIx64,
		(uint64_t)r->rip, (uint64_t)r->rflags);
	print_flags(t->out, r->rflags);
	fprintf(t->out, "\ndr6 %08" PRIx64 "  dr7 %08" PRIx64 "\n",
		(uint64_t)d->dr6, (uint64_t)d->dr7);
}

void trace_stop(struct trace *t, const struct piotrap_log_rec *rec,
		uint64_t nth, const struct piotrap_run *run,
		const struct piotrap_debug *debug, unsigned int hit)
{
	(t->json ? stop_json : stop_text)(t, rec, nth, run, debug, hit);
}

void trace_stats(struct trace *t)
{
	uint64_t in = 0, out = 0;
	unsigned int ports = 0;

	if (!t->json)
		fprintf(t->out, "port         in        out\n");
	for (unsigned int p = 0; p < 65536; p++) {
		uint64_t i = t->count[PIOTRAP_READ][p];
		uint64_t o = t->count[PIOTRAP_WRITE][p];

		if (!i && !o)
			continue;
		in += i;
		out += o;
		ports++;
		fprintf(t->out, t->json ?
			"{\"type\":\"stats\",\"port\":%u,\"in\":%" PRIu64 ",\"out\":%" PRIu64 "}\n" :
			"%04x %10" PRIu64 " %10" PRIu64 "\n", p, i, o);
	}
	fprintf(t->out, t->json ?
		"{\"type\":\"total\",\"in\":%" PRIu64 ",\"out\":%" PRIu64 ",\"ports\":%u}\n" :
		"all  %10" PRIu64 " %10" PRIu64 " on %u ports\n", in, out, ports);
}

void trace_end(struct trace *t, const char *why, int status,
	       uint64_t boundaries)
{
	fprintf(t->out, t->json ?
		"{\"type\":\"end\",\"why\":\"%s\",\"status\":%d,\"boundaries\":%" PRIu64 "}\n" :
		"end: %s (status %d) after %" PRIu64 " instructions and iterations\n",
		why, status, boundaries);
}
