// SPDX-License-Identifier: GPL-2.0
/* The piotrap command: reading the command line. */

#include <argp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "piotrap.h"

#ifndef VERSION
#define VERSION "0"
#endif

enum {
	KEY_TRACE = 256, KEY_STEP, KEY_STATS, KEY_JSON, KEY_BREAK, KEY_WATCH, KEY_DR,
	KEY_CONSOLE, KEY_PORT, KEY_BUDGET, KEY_DEVICE, KEY_ORG, KEY_MEM, KEY_AX, KEY_BDF,
	KEY_READ_ONLY, KEY_MODE, KEY_CPU,
};

int complain(int status, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	fputs("piotrap: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	return status;
}

static const struct argp_option common_options[] = {
	{ "trace", KEY_TRACE, NULL, 0, "Print each port access", 1 },
	{ "step", KEY_STEP, NULL, 0,
	  "Print each instruction and REP iteration before it starts", 1 },
	{ "stats", KEY_STATS, NULL, 0,
	  "Print accesses by port and direction at the end", 1 },
	{ "json", KEY_JSON, NULL, 0,
	  "Print all this as JSON, one object a line (alone: --trace)", 1 },
	{ "output", 'o', "FILE", 0,
	  "Print all this to FILE (default: standard output, or standard error if there is a console)",
	  1 },
	{ "break", KEY_BREAK, "PORT[-LAST][:r|w][=VALUE[/MASK]][:NTH]", 0,
	  "Stop after the NTH (first) read or write of PORT, with this value, and print registers",
	  2 },
	{ "watch", KEY_WATCH, "ADDR[-LAST][:r|w][=VALUE[/MASK]][:NTH]", 0,
	  "The same as --break for memory, by linear address; up to 16 of both", 2 },
	{ "dr", KEY_DR, "PORT[:r|w][:NTH]", 0,
	  "Stop by an I/O breakpoint in the guest's own debug registers; up to 4 times",
	  2 },
	{ "budget", KEY_BUDGET, "N", 0,
	  "Stop after N instructions and REP iterations (default: never)", 2 },
	{ "port", KEY_PORT, "FIRST[-LAST]=KIND", 0,
	  "What these ports are: openbus (as all are at first), latch[:BYTE], console, input:FILE",
	  3 },
	{ "console", KEY_CONSOLE, "PORT", 0,
	  "Bytes written to PORT go to standard output", 3 },
	{ "cpu", KEY_CPU, "NAME", 0,
	  "What the CPU is: 386, 486, pentium, 686, x86-64, x86-64-v2 or x86-64-v3 (the default), without FPU and vectors",
	  4 },
	{ "device", KEY_DEVICE, "PATH", 0, "Instead of " SANDBOX_DEVICE, 5 },
	{ 0 }
};

static struct piotrap_watch *next_stop(struct options *o, const struct argp_state *state)
{
	if (o->nr_stops == MAX_STOPS)
		argp_error(state, "more than %d --break and --watch", MAX_STOPS);
	return &o->stops[o->nr_stops++];
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t port;

	switch (key) {
	case KEY_TRACE:
		o->trace = true;
		break;
	case KEY_STEP:
		o->step = true;
		break;
	case KEY_STATS:
		o->stats = true;
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case 'o':
		o->output = arg;
		break;
	case KEY_BREAK:
		if (!parse_break(arg, next_stop(o, state)))
			argp_error(state, "--break %s: not PORT[-LAST][:r|w][=VALUE[/MASK]][:NTH]",
				   arg);
		break;
	case KEY_WATCH:
		if (!parse_watch(arg, next_stop(o, state)))
			argp_error(state, "--watch %s: not ADDR[-LAST][:r|w][=VALUE[/MASK]][:NTH]",
				   arg);
		break;
	case KEY_DR:
		if (o->nr_drs == MAX_DRS)
			argp_error(state, "more than %d --dr", MAX_DRS);
		if (!parse_dr(arg, &o->drs[o->nr_drs++]))
			argp_error(state, "--dr %s: not PORT[:r|w][:NTH]", arg);
		break;
	case KEY_BUDGET:
		if (!parse_count(arg, &o->budget))
			argp_error(state, "--budget %s: not a count", arg);
		break;
	case KEY_PORT:
		if (o->nr_rules == MAX_RULES)
			argp_error(state, "more than %d port ranges", MAX_RULES);
		if (!parse_rule(arg, &o->rules[o->nr_rules]))
			argp_error(state, "--port %s: not FIRST[-LAST]=KIND",
				   arg);
		o->nr_rules++;
		break;
	case KEY_CONSOLE:
		if (o->nr_rules == MAX_RULES)
			argp_error(state, "more than %d port ranges", MAX_RULES);
		if (!parse_hex(arg, 0xffff, &port))
			argp_error(state, "--console %s: not a port", arg);
		o->rules[o->nr_rules++] = (struct port_rule) {
			.first = port,
			.count = 1,
			.kind = PIOTRAP_PORT_CONSOLE,
			.init = 0xe9,
		};
		break;
	case KEY_CPU:
		if (!parse_cpu(arg, &o->cpu))
			argp_error(state, "--cpu %s: not one that is known", arg);
		break;
	case KEY_DEVICE:
		o->device = arg;
		break;
	case ARGP_KEY_ARG:
		if (o->file)
			argp_error(state, "more than one FILE");
		o->file = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "FILE is missing");
		break;
	case ARGP_KEY_END:
		if (o->json && !o->trace && !o->step && !o->stats)
			o->trace = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp common_argp = {
	.options = common_options,
	.parser = parse_common,
};

static const struct argp_child children[] = {
	{ &common_argp, 0, NULL, 0 },
	{ 0 }
};

static void parse_mem(const char *arg, struct options *o,
		      const struct argp_state *state)
{
	if (!parse_size(arg, &o->mem) || o->mem > 64 * MB)
		argp_error(state, "--mem %s: not a size up to 64M", arg);
}

/* What --org means is known only when all options are. */
static void parse_org(struct options *o, const struct argp_state *state)
{
	uint64_t max = o->mode == 64 ? UINT64_MAX : UINT32_MAX;

	if (!o->org)
		return;
	if (o->mode == 16 && !parse_address(o->org, &o->seg, &o->off))
		argp_error(state, "--org %s: not [SEG:]OFF", o->org);
	if (o->mode != 16 && !parse_hex(o->org, max, &o->entry))
		argp_error(state, "--org %s: not an address", o->org);
}

static const struct argp_option run_options[] = {
	{ "mode", KEY_MODE, "16|32|64", 0,
	  "Real mode (the default), 32-bit protected mode, or 64-bit long mode",
	  0 },
	{ "org", KEY_ORG, "[SEG:]OFF", 0,
	  "Load and enter the file there (default: 0000:7c00); of modes 32 and 64 an address (100000)",
	  0 },
	{ "mem", KEY_MEM, "SIZE", 0,
	  "Bytes of memory, with K or M (default: 1088K, all that real mode reaches; of modes 32 and 64 4M)",
	  0 },
	{ 0 }
};

static error_t parse_run(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		break;
	case KEY_MODE:
		if (!parse_mode(arg, &o->mode))
			argp_error(state, "--mode %s: not 16, 32 or 64", arg);
		break;
	case KEY_ORG:
		o->org = arg;
		break;
	case KEY_MEM:
		parse_mem(arg, o, state);
		break;
	case ARGP_KEY_END:
		parse_org(o, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp run_argp = {
	.options = run_options,
	.parser = parse_run,
	.args_doc = "FILE",
	.doc =
	"Run FILE, a flat binary, until it halts.\vIn real mode CS, DS, ES and SS are SEG, SP is below the file (FFFEh if OFF is under 800h). In modes 32 and 64 all segments are flat, at CPL 0, and the stack is below the file. Ports and addresses are hexadecimal.",
	.children = children,
};

static const struct argp_option rom_options[] = {
	{ "ax", KEY_AX, "HEX", 0,
	  "AX at entry: bus << 8 | device << 3 | function (default: 0010)", 0 },
	{ "bdf", KEY_BDF, "BUS:DEV.FN", 0, "The same, taken apart", 0 },
	{ "read-only", KEY_READ_ONLY, NULL, 0,
	  "Drop what the ROM writes to itself (default: shadow RAM, writable)",
	  0 },
	{ 0 }
};

static error_t parse_rom(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t val;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		break;
	case KEY_AX:
		if (!parse_hex(arg, 0xffff, &val))
			argp_error(state, "--ax %s: not a 16-bit number", arg);
		o->ax = val;
		break;
	case KEY_BDF:
		if (!parse_bdf(arg, &o->ax))
			argp_error(state, "--bdf %s: not BUS:DEV.FN", arg);
		break;
	case KEY_READ_ONLY:
		o->read_only = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp rom_argp = {
	.options = rom_options,
	.parser = parse_rom,
	.args_doc = "FILE",
	.doc =
	"Start FILE, an option ROM, as a BIOS does, until it returns.\vIt is loaded at C000:0000 and entered at C000:0003 by a far call. Ports and addresses are hexadecimal.",
	.children = children,
};

static const struct argp_option bios_options[] = {
	{ "mem", KEY_MEM, "SIZE", 0,
	  "Bytes of memory, with K or M (default: 4M)", 0 },
	{ "read-only", KEY_READ_ONLY, NULL, 0,
	  "Drop what is written to the BIOS below 1 MiB (default: shadow RAM, writable)",
	  0 },
	{ 0 }
};

static error_t parse_bios(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		break;
	case KEY_MEM:
		parse_mem(arg, o, state);
		break;
	case KEY_READ_ONLY:
		o->read_only = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp bios_argp = {
	.options = bios_options,
	.parser = parse_bios,
	.args_doc = "FILE",
	.doc =
	"Run FILE, a BIOS image, from the reset vector until it halts.\vThe image ends at 4 GiB, its last 128 KiB are also below 1 MiB. Ports and addresses are hexadecimal.",
	.children = children,
};

static const struct {
	const char *name;
	const struct argp *argp;
	int (*main)(struct options *o);
} commands[] = {
	{ "run", &run_argp, run_main },
	{ "rom", &rom_argp, rom_main },
	{ "bios", &bios_argp, bios_main },
};

static void usage(FILE *f)
{
	fputs("Usage: piotrap run [OPTION...] FILE    a flat binary, 16-, 32- or 64-bit\n"
	      "       piotrap rom [OPTION...] FILE    an option ROM\n"
	      "       piotrap bios [OPTION...] FILE   a BIOS image\n"
	      "       piotrap COMMAND --help\n"
	      "       piotrap --version\n"
	      "Run x86 code in a sandbox of the piotrap module and show what it does to ports.\n",
	      f);
}

int main(int argc, char **argv)
{
	static char name[32];
	struct options o = {
		.device = SANDBOX_DEVICE,
		.cpu = -1,
		.mode = 16,
		.off = 0x7c00,
		.entry = FLAT_ENTRY,
		.ax = 0x0010,
	};

	argp_err_exit_status = STATUS_USAGE;
	if (argc < 2) {
		usage(stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?")) {
		usage(stdout);
		return STATUS_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("piotrap " VERSION);
		return STATUS_OK;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		/* What argp puts before its messages. */
		snprintf(name, sizeof(name), "piotrap %s", argv[1]);
		argv[1] = name;
		if (argp_parse(commands[i].argp, argc - 1, argv + 1, 0, NULL, &o))
			return STATUS_USAGE;
		return commands[i].main(&o);
	}
	complain(0, "no such command: %s", argv[1]);
	usage(stderr);
	return STATUS_USAGE;
}
