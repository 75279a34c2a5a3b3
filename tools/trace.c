// SPDX-License-Identifier: GPL-2.0
/* The report: port accesses, steps, stops and statistics, as text or JSON. */

#include <inttypes.h>

#include "trace.h"

/* JSON: an object begins with its type and ends with end(). */
static void begin(FILE *out, const char *type)
{
	fprintf(out, "{\"type\":\"%s\"", type);
}

static void text(FILE *out, const char *name, const char *val)
{
	fprintf(out, ",\"%s\":\"%s\"", name, val);
}

static void number(FILE *out, const char *name, uint64_t val)
{
	fprintf(out, ",\"%s\":%" PRIu64, name, val);
}

static void end(FILE *out)
{
	fputs("}\n", out);
}

static const char *dir_of(const struct access *a)
{
	static const char *const port[] = { "in", "out" }, *const mem[] = { "read", "write" };

	return (a->memory ? mem : port)[a->dir & 1];
}

static void access_json(FILE *out, const struct access *a)
{
	text(out, "dir", dir_of(a));
	number(out, a->memory ? "address" : "port", a->addr);
	number(out, "size", a->size);
	if (a->has_value)
		number(out, "value", a->value);
}

/* CS:RIP, as wide as the code is. */
static void place_text(FILE *out, unsigned int cs, uint64_t ip, unsigned int bits)
{
	fprintf(out, "%04x:%0*" PRIx64, cs, (int)bits / 4, ip);
}

static void place_json(FILE *out, const struct piotrap_log_rec *r)
{
	number(out, "cs", r->cs);
	number(out, "ip", r->rip);
	number(out, "bits", r->bits);
}

/* Where, which, what: a line without its end. */
static void access_text(FILE *out, const struct access *a, const char *gap)
{
	int digits = a->size < 8 ? a->size * 2 : 16;

	place_text(out, a->cs, a->ip, a->bits);
	fprintf(out, " %s%s", dir_of(a), a->dir ? "" : gap);
	if (a->memory)
		fprintf(out, " address %0*" PRIx64, a->bits == 64 ? 16 : 8, a->addr);
	else
		fprintf(out, " port %04" PRIx64, a->addr);
	fprintf(out, " size %u", a->size);
	if (a->has_value)
		fprintf(out, " value %0*" PRIx64, digits, a->value);
}

struct access access_of(const struct piotrap_log_rec *r)
{
	return (struct access) {
		.cs = r->cs, .ip = r->rip, .bits = r->bits, .dir = r->dir & 1,
		.addr = r->port, .size = r->size, .value = r->value, .has_value = true,
	};
}

/* The name of RAX, RIP, RFLAGS...: as 16-bit code shows all 32 bits, eax. */
static const char *reg_name(const char *name, unsigned int bits)
{
	static char buf[16];

	snprintf(buf, sizeof(buf), "%c%s", bits == 64 ? 'r' : 'e', name);
	return buf;
}

static void print_port(struct trace *t, const struct piotrap_log_rec *r)
{
	struct access a = access_of(r);

	if (!t->json) {
		access_text(t->out, &a, " ");
		fputc('\n', t->out);
		return;
	}
	begin(t->out, "port");
	place_json(t->out, r);
	access_json(t->out, &a);
	end(t->out);
}

static void print_step(struct trace *t, const struct piotrap_log_rec *r)
{
	const struct { const char *name; uint64_t val; } f[] = {
		{ "ax", r->value }, { "bx", r->rbx }, { "cx", r->rcx },
		{ "dx", r->rdx }, { "si", r->rsi }, { "di", r->rdi },
		{ "bp", r->rbp }, { "sp", r->rsp }, { "flags", r->rflags },
	};

	if (t->json) {
		begin(t->out, "step");
		place_json(t->out, r);
	} else {
		place_text(t->out, r->cs, r->rip, r->bits);
		fputs(" step", t->out);
	}
	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++) {
		if (t->json)
			number(t->out, reg_name(f[i].name, 64), f[i].val);
		else
			fprintf(t->out, " %s=%0*" PRIx64,
				reg_name(f[i].name, r->bits),
				r->bits == 64 ? 16 : 8, f[i].val);
	}
	if (t->json)
		end(t->out);
	else
		fputc('\n', t->out);
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

static void stop_json(struct trace *t, const char *kind, unsigned int index,
		      uint64_t nth, const struct access *a,
		      const struct piotrap_run *run, const struct piotrap_debug *d,
		      unsigned int bits)
{
	const struct piotrap_regs *r = &run->regs;
	const struct piotrap_segs *s = &run->segs;
	const struct { const char *name; uint64_t val; } f[] = {
		{ "at_cs", a->cs }, { "at_ip", a->ip },
		{ "bits", bits }, { "rax", r->rax }, { "rbx", r->rbx }, { "rcx", r->rcx },
		{ "rdx", r->rdx }, { "rsi", r->rsi }, { "rdi", r->rdi },
		{ "rbp", r->rbp }, { "rsp", r->rsp },
		{ "r8", r->r8 }, { "r9", r->r9 }, { "r10", r->r10 },
		{ "r11", r->r11 }, { "r12", r->r12 }, { "r13", r->r13 },
		{ "r14", r->r14 }, { "r15", r->r15 }, { "rip", r->rip },
		{ "rflags", r->rflags }, { "cs", s->cs.selector },
		{ "ds", s->ds.selector }, { "es", s->es.selector },
		{ "ss", s->ss.selector }, { "fs", s->fs.selector },
		{ "gs", s->gs.selector }, { "dr6", d->dr6 }, { "dr7", d->dr7 },
	};

	begin(t->out, kind);
	number(t->out, "index", index);
	number(t->out, "nth", nth);
	access_json(t->out, a);
	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		number(t->out, f[i].name, f[i].val);
	end(t->out);
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

/* General registers, four a line. */
static void print_regs(FILE *out, const struct piotrap_regs *r,
		       unsigned int bits)
{
	const struct { const char *name; uint64_t val; } f[] = {
		{ "ax", r->rax }, { "bx", r->rbx }, { "cx", r->rcx },
		{ "dx", r->rdx }, { "si", r->rsi }, { "di", r->rdi },
		{ "bp", r->rbp }, { "sp", r->rsp },
	};
	unsigned int n = 0;

	for (; n < sizeof(f) / sizeof(f[0]); n++)
		fprintf(out, "%s %0*" PRIx64 "%s", reg_name(f[n].name, bits),
			bits == 64 ? 16 : 8, f[n].val, n % 4 < 3 ? "  " : "\n");
	for (; bits == 64 && n < 16; n++)
		fprintf(out, "r%-2u %016" PRIx64 "%s", n,
			(uint64_t)r->gpr[n], n % 4 < 3 ? "  " : "\n");
}

static void stop_text(struct trace *t, const char *kind, unsigned int index,
		      uint64_t nth, const struct access *a,
		      const struct piotrap_run *run, const struct piotrap_debug *d,
		      unsigned int bits)
{
	const struct piotrap_regs *r = &run->regs;
	const struct piotrap_segs *s = &run->segs;

	fprintf(t->out, "%s %u: match %" PRIu64 ": ", kind, index, nth);
	access_text(t->out, a, "");
	fputc('\n', t->out);
	print_regs(t->out, r, bits);
	fprintf(t->out,
		"cs %04x  ds %04x  es %04x  ss %04x  fs %04x  gs %04x\n",
		s->cs.selector, s->ds.selector, s->es.selector, s->ss.selector,
		s->fs.selector, s->gs.selector);
	fprintf(t->out, "%s %0*" PRIx64, reg_name("ip", bits),
		bits == 64 ? 16 : 8, (uint64_t)r->rip);
	fprintf(t->out, "  %s %08" PRIx64, reg_name("flags", bits),
		(uint64_t)r->rflags);
	print_flags(t->out, r->rflags);
	fprintf(t->out, "\ndr6 %08" PRIx64 "  dr7 %08" PRIx64 "\n",
		(uint64_t)d->dr6, (uint64_t)d->dr7);
}

void trace_stop(struct trace *t, const char *kind, unsigned int index, uint64_t nth,
		const struct access *a, const struct piotrap_run *run,
		const struct piotrap_debug *debug, unsigned int bits)
{
	(t->json ? stop_json : stop_text)(t, kind, index, nth, a, run, debug, bits);
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
		if (t->json) {
			begin(t->out, "stats");
			number(t->out, "port", p);
			number(t->out, "in", i);
			number(t->out, "out", o);
			end(t->out);
		} else {
			fprintf(t->out, "%04x %10" PRIu64 " %10" PRIu64 "\n",
				p, i, o);
		}
	}
	if (t->json) {
		begin(t->out, "total");
		number(t->out, "in", in);
		number(t->out, "out", out);
		number(t->out, "ports", ports);
		end(t->out);
	} else {
		fprintf(t->out,
			"all  %10" PRIu64 " %10" PRIu64 " on %u ports\n",
			in, out, ports);
	}
}

void trace_end(struct trace *t, const char *why, int status,
	       uint64_t boundaries)
{
	if (t->json) {
		begin(t->out, "end");
		text(t->out, "why", why);
		number(t->out, "status", status);
		number(t->out, "boundaries", boundaries);
		end(t->out);
		return;
	}
	fprintf(t->out, "end: %s (status %d) after %" PRIu64
		" instructions and iterations\n", why, status, boundaries);
}
