// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of what needs no module: readers of option values, checks of images,
 * the tables that flat code starts with, walks through page tables. TAP.
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "piotrap.h"

static int nr, failed;

static void check(bool ok, const char *name)
{
	printf("%sok %d %s\n", ok ? "" : "not ", ++nr, name);
	failed += !ok;
}

int complain(int status, const char *fmt, ...)
{
	(void)fmt;
	return status;
}

static void stops(void)
{
	static const struct {
		const char *s;
		bool ok, port;
		uint64_t first, last;
		unsigned int dirs;
		uint64_t value, mask, nth;
	} t[] = {
		{ "402", true, true, 0x402, 0x402, 3, 0, 0, 1 },
		{ "0x402", true, true, 0x402, 0x402, 3, 0, 0, 1 },
		{ "402h", true, true, 0x402, 0x402, 3, 0, 0, 1 },
		{ "80:r", true, true, 0x80, 0x80, 1, 0, 0, 1 },
		{ "80:w", true, true, 0x80, 0x80, 2, 0, 0, 1 },
		{ "402:w:2", true, true, 0x402, 0x402, 2, 0, 0, 2 },
		{ "402:17", true, true, 0x402, 0x402, 3, 0, 0, 17 },
		{ "3f8-3ff:w", true, true, 0x3f8, 0x3ff, 2, 0, 0, 1 },
		{ "0-ffffh", true, true, 0, 0xffff, 3, 0, 0, 1 },
		{ "80=5a", true, true, 0x80, 0x80, 3, 0x5a, UINT64_MAX, 1 },
		{ "80:w=0", true, true, 0x80, 0x80, 2, 0, UINT64_MAX, 1 },
		{ "cf8:w=80000000/ff000000:3", true, true, 0xcf8, 0xcf8, 2, 0x80000000,
		  0xff000000, 3 },
		{ "500", true, false, 0x500, 0x500, 3, 0, 0, 1 },
		{ "12345678-ffffffffffffffff:r=1/1:9", true, false, 0x12345678,
		  UINT64_MAX, 1, 1, 1, 9 },
		{ "ffff:r:18446744073709551615", true, true, 0xffff, 0xffff, 1, 0, 0,
		  UINT64_MAX },
		{ .s = "" }, { .s = "xyz" }, { .s = "402:" }, { .s = "402:x" },
		{ .s = "402:rw" }, { .s = "402:w:" }, { .s = "402:w:0" },
		{ .s = "402:w:-1" }, { .s = "402:w: 1" }, { .s = "402:w:1x" },
		{ .s = "402:w:18446744073709551616" }, { .s = "0x" }, { .s = "-1" },
		{ .s = " 80" }, { .s = "80 " }, { .s = "80-" }, { .s = "80-7f" },
		{ .s = "80=" }, { .s = "80=x" }, { .s = "80=1/" }, { .s = "80=0/0" },
		{ .s = "80=2/1" }, { .s = "80=1:w" }, { .s = "80:1=1" },
		{ .s = "80=10000000000000000" },
		{ .s = "10000", .port = true }, { .s = "0-10000", .port = true },
		{ .s = "10000000000000000" },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		bool (*parse)(const char *s, struct piotrap_watch *w) =
			t[i].port ? parse_break : parse_watch;
		struct piotrap_watch w = { .first = 0xbeef };
		bool ok = parse(t[i].s, &w);

		if (ok && t[i].ok)
			ok = w.first == t[i].first && w.last == t[i].last &&
			     w.dirs == t[i].dirs && w.value == t[i].value &&
			     w.mask == t[i].mask && w.skip == t[i].nth - 1 &&
			     w.space == (t[i].port ? PIOTRAP_WATCH_PORT :
						     PIOTRAP_WATCH_MEM) &&
			     w.when == PIOTRAP_WATCH_AFTER;
		else
			ok = ok == t[i].ok && w.first == 0xbeef;
		snprintf(name, sizeof(name), "--%s '%s'",
			 t[i].port ? "break" : "watch", t[i].s);
		check(ok, name);
	}
}

static void drs(void)
{
	static const struct {
		const char *s;
		bool ok;
		unsigned int port, dirs;
		uint64_t nth;
	} t[] = {
		{ "402", true, 0x402, 3, 1 },
		{ "80h:r", true, 0x80, 1, 1 },
		{ "402:w:2", true, 0x402, 2, 2 },
		{ "402:17", true, 0x402, 3, 17 },
		{ .s = "" }, { .s = "10000" }, { .s = "402:x" }, { .s = "402:w:0" },
		{ .s = "402-403" }, { .s = "402=1" },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct io_dr d = { .port = 0xbeef };
		bool ok = parse_dr(t[i].s, &d);

		if (ok && t[i].ok)
			ok = d.port == t[i].port && d.dirs == t[i].dirs &&
			     d.nth == t[i].nth && !d.seen;
		else
			ok = ok == t[i].ok && d.port == 0xbeef;
		snprintf(name, sizeof(name), "--dr '%s'", t[i].s);
		check(ok, name);
	}
}

static void rules(void)
{
	static const struct {
		const char *s;
		bool ok;
		unsigned int first, count;
		enum piotrap_port_kind kind;
		unsigned int init;
		const char *path;
	} t[] = {
		{ "80=openbus", true, 0x80, 1, PIOTRAP_PORT_OPEN_BUS, 0, NULL },
		{ "0-ffff=latch", true, 0, 65536, PIOTRAP_PORT_LATCH, 0, NULL },
		{ "3f8-3ffh=latch:60", true, 0x3f8, 8, PIOTRAP_PORT_LATCH, 0x60, NULL },
		{ "0xe9=console", true, 0xe9, 1, PIOTRAP_PORT_CONSOLE, 0xe9, NULL },
		{ "60=input:/dev/null", true, 0x60, 1, PIOTRAP_PORT_INPUT, 0, "/dev/null" },
		{ "60=input:a=b:c", true, 0x60, 1, PIOTRAP_PORT_INPUT, 0, "a=b:c" },
		{ .s = "" }, { .s = "80" }, { .s = "80=" }, { .s = "=latch" },
		{ .s = "81-80=latch" }, { .s = "0-10000=latch" },
		{ .s = "80-=latch" }, { .s = "80=latchx" },
		{ .s = "80=latch:" }, { .s = "80=latch:100" },
		{ .s = "80=latch:1z" }, { .s = "80=console:1" },
		{ .s = "80=openbus:1" }, { .s = "80=input" },
		{ .s = "80=input:" }, { .s = "80=exit" },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct port_rule r = { .first = 0xbeef };
		bool ok = parse_rule(t[i].s, &r);

		if (ok && t[i].ok)
			ok = r.first == t[i].first && r.count == t[i].count &&
			     r.kind == t[i].kind && r.init == t[i].init &&
			     !r.file && !r.path == !t[i].path &&
			     (!r.path || !strcmp(r.path, t[i].path));
		else
			ok = ok == t[i].ok && r.first == 0xbeef;
		snprintf(name, sizeof(name), "--port '%s'", t[i].s);
		check(ok, name);
	}
}

static void numbers(void)
{
	uint16_t seg = 1, off = 2, ax = 3;
	unsigned int mode = 5;
	int cpu = -1;
	uint64_t v = 4;

	check(parse_address("7c00", &seg, &off) && !seg && off == 0x7c00,
	      "--org OFF");
	check(parse_address("1000:0100", &seg, &off) && seg == 0x1000 &&
	      off == 0x100, "--org SEG:OFF");
	check(!parse_address("10000", &seg, &off), "--org offset too large");
	check(!parse_address("0:", &seg, &off), "--org without offset");
	check(!parse_address("0:0:0", &seg, &off), "--org of three parts");
	check(seg == 0x1000 && off == 0x100, "a wrong --org changes nothing");

	check(parse_bdf("00:02.0", &ax) && ax == 0x10, "--bdf 00:02.0");
	check(parse_bdf("ff:1f.7", &ax) && ax == 0xffff, "--bdf ff:1f.7");
	check(!parse_bdf("0:20.0", &ax), "--bdf device too large");
	check(!parse_bdf("0:1.8", &ax), "--bdf function too large");
	check(!parse_bdf("0:1", &ax), "--bdf without function");

	check(parse_size("1088K", &v) && v == 1088 * 1024, "--mem 1088K");
	check(parse_size("2M", &v) && v == 2 << 20, "--mem 2M");
	check(parse_size("4096", &v) && v == 4096, "--mem 4096");
	check(!parse_size("0", &v), "--mem 0");
	check(!parse_size("1G", &v), "--mem with an unknown letter");
	check(!parse_size("17592186044416M", &v), "--mem that overflows");
	check(parse_mode("16", &mode) && mode == 16, "--mode 16");
	check(parse_mode("64", &mode) && mode == 64, "--mode 64");
	check(!parse_mode("48", &mode) && !parse_mode("", &mode) &&
	      !parse_mode("032x", &mode) && mode == 64, "a wrong --mode");
	check(parse_cpu("386", &cpu) && cpu == PIOTRAP_CPUID_386, "--cpu 386");
	check(parse_cpu("x86-64-v3", &cpu) && cpu == PIOTRAP_CPUID_X86_64_V3,
	      "--cpu x86-64-v3");
	check(!parse_cpu("x86-64-v4", &cpu) && !parse_cpu("", &cpu) &&
	      cpu == PIOTRAP_CPUID_X86_64_V3, "a wrong --cpu");
	check(parse_count("1", &v) && v == 1, "--budget 1");
	check(!parse_count("0", &v), "--budget 0");
	check(!parse_count("0x10", &v), "--budget is decimal");
}

static void headers(void)
{
	static uint8_t rom[1024] = { 0x55, 0xaa, 2, 0xcb };
	size_t size = 0;

	check(!rom_check(rom, sizeof(rom), &size) && size == 1024, "good ROM");
	check(!rom_check(rom, sizeof(rom) - 1, &size) == false,
	      "ROM shorter than its header says");
	check(rom_check(rom, 3, &size), "ROM of three bytes");
	rom[2] = 0;
	check(rom_check(rom, sizeof(rom), &size), "ROM of size zero");
	rom[2] = 1;
	check(!rom_check(rom, sizeof(rom), &size) && size == 512,
	      "file longer than its ROM");
	rom[1] = 0x55;
	check(rom_check(rom, sizeof(rom), &size), "no signature");

	check(!bios_check(64 * 1024) && !bios_check(256 * 1024), "good BIOS");
	check(bios_check(100 * 1024), "BIOS of an odd size");
	check(bios_check(17 * MB), "BIOS too large");
}

static void dr6(void)
{
	check(sandbox_merge_dr6(0xffff0ff0, 0x1) == 0xffff0ff1, "S146: B0");
	check(sandbox_merge_dr6(0xffff0ff2, 0x1) == 0xffff0ff1,
	      "S146: B bits are overwritten");
	check(sandbox_merge_dr6(0xffff2ff0, 0x4000) == 0xffff6ff0,
	      "S146: BD and BS stay");
	check(sandbox_merge_dr6(0xffff0ff0, 0x800) == 0xffff07f0,
	      "S6: BLD is active low");
	check(sandbox_merge_dr6(0xfffe0ff0, 0x1) == 0xffff0ff1,
	      "S150: another #DB sets RTM to 1");
	check(sandbox_merge_dr6(0xffff0ff0, 0x10000) == 0xfffe0ff0,
	      "S150: RTM is active low");
}

/* What loading the selector of @seg would make of it: is that what is loaded? */
static bool described(const struct machine *m, const struct piotrap_segment *seg)
{
	const struct piotrap_dtable *gdtr = &m->sb.run->segs.gdtr;
	uint32_t limit;
	uint64_t d;

	if (seg->selector + 7 > gdtr->limit)
		return false;
	memcpy(&d, m->mem + gdtr->base + seg->selector, sizeof(d));
	limit = (d & 0xffff) | (d >> 32 & 0xf0000);
	if (d >> 55 & 1)
		limit = limit << 12 | 0xfff;
	return limit == seg->limit &&
	       ((d >> 16 & 0xffffff) | (d >> 56) << 24) == seg->base &&
	       (d >> 40 & 0xf0ff) == seg->attr;
}

static bool maps(const struct machine *m, uint64_t linear, uint64_t want)
{
	uint64_t phys = ~want;

	return machine_linear(m, linear, &phys) && phys == want;
}

static void flat(struct machine *m)
{
	const struct piotrap_run *run = m->sb.run;
	const struct piotrap_segment *seg = &run->segs.es;
	uint64_t phys;
	char name[64];

	for (unsigned int mode = 32; mode <= 64; mode += 32) {
		bool same;

		flat_enter(m, mode, FLAT_ENTRY + 8);
		same = described(m, &run->segs.tr);
		for (int i = 0; i < 6; i++)	/* es, cs, ss, ds, fs, gs */
			same = same && described(m, &seg[i]);
		snprintf(name, sizeof(name), "--mode %u: GDT and segments agree",
			 mode);
		check(same, name);
		snprintf(name, sizeof(name), "--mode %u: code of that width", mode);
		check(machine_bits(m) == mode, name);
		check(run->regs.rip == FLAT_ENTRY + 8 &&
		      run->regs.rsp == FLAT_ENTRY, "and the stack below it");
	}
	check(maps(m, 0x12345, 0x12345) && maps(m, 0xffffffff, 0xffffffff),
	      "--mode 64: linear is physical");
	check(!machine_linear(m, 1ULL << 32, &phys) &&
	      !machine_linear(m, ~0ULL, &phys), "up to 4 GiB");
}

static void put(struct machine *m, uint64_t at, uint64_t pte, unsigned int size)
{
	memcpy(m->mem + at, &pte, size);
}

static void paging(struct machine *m)
{
	struct piotrap_ctrl *c = &m->sb.run->ctrl;
	uint8_t buf[4] = { 0 };
	uint64_t phys;

	memset(c, 0, sizeof(*c));
	check(maps(m, 0x100001234, 0x1234), "no paging: 32 bits of address");

	c->cr0 = 1ULL << 31;
	c->cr3 = 0x1008;			/* its low bits do not count */
	put(m, 0x1000, 0x2001, 4);
	put(m, 0x2004, 0x55001, 4);
	put(m, 0x1004, 0x00802081, 4);		/* 4 MiB at 1:0080:0000 */
	check(maps(m, 0x1234, 0x55234), "two levels");
	check(!machine_linear(m, 0x2000, &phys), "a page that is not present");
	c->cr4 = 1 << 4;
	check(maps(m, 0x412345, 0x100812345), "a large page, past 4 GiB");

	c->cr4 = 1 << 5;
	c->cr3 = 0x1020;
	put(m, 0x1038, 0x3001, 8);
	put(m, 0x3008, 0x400000081, 8);
	put(m, 0x3000, 0x4001, 8);
	put(m, 0x4008, 1ULL << 63 | 0x77001, 8);
	check(maps(m, 0xc0001fff, 0x77fff), "PAE, no execution");
	check(maps(m, 0xc0212345, 0x400012345), "PAE, 2 MiB");
	check(!machine_linear(m, 0, &phys), "PAE, a whole GiB that is not there");

	c->efer = 1 << 10;
	c->cr3 = 0x5000;
	put(m, 0x5ff8, 0x6001, 8);
	put(m, 0x6000, 0x40000081, 8);
	check(maps(m, 0xffffff8000001234, 0x40001234), "four levels, 1 GiB");

	c->efer = 0;
	c->cr4 = 0;
	c->cr3 = 0x1000;
	put(m, 0x2004, 0x55001, 4);
	put(m, 0x2008, 0x66001, 4);
	memcpy(m->mem + 0x55ffe, "ab", 2);
	memcpy(m->mem + 0x66000, "cd", 2);
	check(machine_read(m, 0x1ffe, buf, 4) == 4 && !memcmp(buf, "abcd", 4),
	      "a read over two pages");
	check(machine_read(m, 0x2ffe, buf, 4) == 2, "and over the last");
	c->cr0 = 0;
	m->rom = (uint8_t *)"rom!";
	m->rom_len = 4;
	check(machine_read(m, 0xfffffffc, buf, 4) == 4 && !memcmp(buf, "rom!", 4),
	      "the ROM below 4 GiB");
	check(!machine_at(m, 0xfffffffd, 4) && !machine_at(m, m->size - 1, 2),
	      "and nothing past an end");
}

static void tables(void)
{
	struct piotrap_run run = { .regs.rip = 1 };
	struct machine m = {
		.sb.run = &run, .mem = calloc(1, MB), .size = MB,
	};

	if (!m.mem)
		return check(false, "memory");
	flat(&m);
	paging(&m);
	free(m.mem);
}

int main(void)
{
	stops();
	drs();
	rules();
	numbers();
	headers();
	dr6();
	tables();
	printf("1..%d\n", nr);
	return !!failed;
}
