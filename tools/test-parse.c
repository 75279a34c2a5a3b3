// SPDX-License-Identifier: GPL-2.0
/* Unit tests of the readers of option values and of the ROM header. TAP. */

#include <stdarg.h>
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

static void breaks(void)
{
	static const struct {
		const char *s;
		bool ok;
		unsigned int port, dirs;
		uint64_t nth;
	} t[] = {
		{ "402", true, 0x402, 3, 1 },
		{ "0x402", true, 0x402, 3, 1 },
		{ "402h", true, 0x402, 3, 1 },
		{ "80:r", true, 0x80, 1, 1 },
		{ "80:w", true, 0x80, 2, 1 },
		{ "402:w:2", true, 0x402, 2, 2 },
		{ "402:17", true, 0x402, 3, 17 },
		{ "ffff:r:18446744073709551615", true, 0xffff, 1, UINT64_MAX },
		{ .s = "" }, { .s = "10000" }, { .s = "xyz" }, { .s = "402:" },
		{ .s = "402:x" }, { .s = "402:rw" }, { .s = "402:w:" },
		{ .s = "402:w:0" }, { .s = "402:w:-1" }, { .s = "402:w: 1" },
		{ .s = "402:w:1x" }, { .s = "402:w:18446744073709551616" },
		{ .s = "0x" }, { .s = "-1" }, { .s = " 80" }, { .s = "80 " },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct io_break b = { .port = 0xbeef };
		bool ok = parse_break(t[i].s, &b);

		if (ok && t[i].ok)
			ok = b.port == t[i].port && b.dirs == t[i].dirs &&
			     b.nth == t[i].nth && !b.seen;
		else
			ok = ok == t[i].ok && b.port == 0xbeef;
		snprintf(name, sizeof(name), "--break '%s'", t[i].s);
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

int main(void)
{
	breaks();
	rules();
	numbers();
	headers();
	dr6();
	printf("1..%d\n", nr);
	return !!failed;
}
