// SPDX-License-Identifier: GPL-2.0
/* piotop: ports by accesses, bytes and time, refreshed in place. */
#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "common.h"
#include "piotop.h"
#include "piotop.skel.h"
#include "ports.h"

static struct port_table table;

static struct {
	double interval;
	enum sort_by sort;
	size_t rows;		/* 0: as many as the screen has */
} top = { .interval = 1 };

/* -- The terminal: a screen to refresh, and keys. -- */

static bool screen;
static bool keys;
static struct termios saved;

static void restore_terminal(void)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

static void open_terminal(void)
{
	struct termios t;

	screen = !opts.json && isatty(fileno(opts.out));
	/* The keyboard may be COMMAND's, or that of the shell that we are behind. */
	if (!screen || opts.command || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    tcgetattr(STDIN_FILENO, &saved))
		return;
	t = saved;
	t.c_lflag &= ~(ICANON | ECHO);
	keys = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
	if (keys)
		atexit(restore_terminal);
}

static size_t screen_rows(void)
{
	struct winsize w;

	if (top.rows)
		return top.rows;
	if (!screen || ioctl(fileno(opts.out), TIOCGWINSZ, &w) || w.ws_row < 5)
		return 20;
	return w.ws_row - 4;
}

/* Return: whether to show the table again, or -1: to end. */
static int read_key(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	if (!keys || poll(&p, 1, 0) != 1 || read(STDIN_FILENO, &c, 1) != 1)
		return 0;
	if (c == 'q')
		return -1;
	for (int i = 0; i < SORT_NR; i++) {
		if (c != sort_names[i][0])
			continue;
		top.sort = i;
		return 1;
	}
	return 0;
}

/* -- Counts. -- */

static void read_ports(struct bpf_map *map, uint64_t ns)
{
	struct port_count c;
	uint16_t port, *prev = NULL;

	ports_tick(&table, ns ? ns : 1);
	/* Ports come, and never go. */
	while (!bpf_map__get_next_key(map, prev, &port, sizeof(port))) {
		if (!bpf_map__lookup_elem(map, &port, sizeof(port), &c, sizeof(c), 0) &&
		    !ports_set(&table, port, &c))
			fail("out of memory");
		prev = &port;
	}
}

static void show_text(bool utf8)
{
	uint64_t accesses = 0, wait = 0;
	char a[UNIT_TEXT], w[UNIT_TEXT];
	double s = (double)table.ns / SEC;

	for (size_t i = 0; i < table.nr; i++) {
		accesses += table.rows[i]->delta.in + table.rows[i]->delta.out;
		wait += table.rows[i]->delta.wait;
	}
	if (screen)
		fputs("\033[H\033[J", opts.out);
	fprintf(opts.out, "%zu ports, %s accesses/s, %s/s for their owners; by %s%s\n",
		table.nr, count_text(a, accesses / s), time_text(w, wait / s),
		sort_names[top.sort],
		keys ? "; keys: a b t p sort, q ends" : "");
	ports_print(&table, opts.out, screen_rows(), utf8);
	if (!screen)
		fputc('\n', opts.out);
	fflush(opts.out);
}

static void show(bool utf8)
{
	ports_sort(&table, top.sort, false);
	if (opts.json)
		ports_json(&table, opts.out, now_ns() - opts.start, false);
	else
		show_text(utf8);
}

static void show_end(uint64_t lost)
{
	struct json j;

	ports_sort(&table, top.sort, true);
	if (opts.json) {
		ports_json(&table, opts.out, now_ns() - opts.start, true);
		json_begin(&j, opts.out, "end");
		json_number(&j, "ports", table.nr);
		json_number(&j, "lost", lost);
		json_end(&j);
		return;
	}
	if (screen)
		fputs("\033[H\033[J", opts.out);
	fputs("All of it:\n", opts.out);
	ports_print_totals(&table, opts.out, top.rows ?: SIZE_MAX);
	fprintf(opts.out, "%zu ports, %" PRIu64 " lost\n", table.nr, lost);
}

/* -- The command line. -- */

static const struct argp_option options[] = {
	{ "interval", 'i', "SECONDS", 0, "Refresh so often (default: 1)", 0 },
	{ "rows", 'r', "N", 0,
	  "Show so many ports (default: what the screen has, or 20; at the end all)", 0 },
	{ "sort", 'S', "KEY", 0,
	  "By accesses (the default), bytes, time or port; the first letter will do",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	int i;

	switch (key) {
	case 'i':
		top.interval = parse_seconds(state, "-i", arg);
		break;
	case 'r':
		top.rows = parse_number(state, "-r", arg, 1, 65536);
		break;
	case 'S':
		for (i = 0; i < SORT_NR; i++)
			if (*arg && !strncmp(arg, sort_names[i], strlen(arg)))
				break;
		if (i == SORT_NR)
			argp_error(state, "-S %s: not accesses, bytes, time or port",
				   arg);
		top.sort = i;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* What follows the vertical tab comes behind the options. */
static const char doc[] =
	"Show which ports the sandboxes of piotrap access, until COMMAND has ended or Ctrl-C: how often now, how often so far, and the history of the last 16 intervals. What is sorted is the last interval; at the end, all of it.\n"
	"\vTIME is how long sandboxes waited for their owners to serve the port: from an exit of a run until the next one begins. What the kernel serves itself takes no time that could be seen from outside. Bars of the history are relative to the highest of their row.\n\n"
	"Examples:\n"
	"  piotop                       all sandboxes\n"
	"  piotop -S time -p 1234       what process 1234 is slow to serve\n"
	"  piotop -- piotrap bios FILE  while a BIOS runs\n"
	"  piotop -j -i 5               JSON, each five seconds\n";

int main(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_argp, 0, NULL, 0 }, {} };
	static const struct argp argp = {
		.options = options, .parser = parse, .doc = doc,
		.args_doc = "[COMMAND...]", .children = children,
	};
	uint64_t last, next, now, step;
	struct piotop_bpf *skel;
	int status, key = 0;
	bool utf8;

	setlocale(LC_CTYPE, "");
	utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	tool_options(&argp, argc, argv,
		     (const char *const[]) { "piotrap_port_io", "piotrap_run_exit",
					     "piotrap_run_enter", NULL });
	skel = piotop_bpf__open();
	if (!skel)
		fail("cannot open the BPF program: %s", strerror(errno));
	tool_configure(skel);
	if (piotop_bpf__load(skel) || piotop_bpf__attach(skel))
		fail("cannot load or attach the BPF program: %s", strerror(errno));

	tool_begin();
	open_terminal();
	step = (uint64_t)(top.interval * SEC);
	last = now_ns();
	next = last + step;
	while (tool_running() && key >= 0) {
		now = now_ns();
		if (now >= next) {
			read_ports(skel->maps.ports, now - last);
			show(utf8);
			last = now;
			next = now + step;
		}
		tool_wait((int)((next - now) / MSEC) + 1);
		key = read_key();
		if (key > 0)
			show(utf8);
	}
	piotop_bpf__detach(skel);
	read_ports(skel->maps.ports, now_ns() - last);
	show_end(skel->bss->lost);
	status = tool_end(skel->bss->lost);
	ports_free(&table);
	piotop_bpf__destroy(skel);
	return status;
}
