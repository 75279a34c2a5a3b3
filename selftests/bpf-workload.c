// SPDX-License-Identifier: GPL-2.0
/*
 * Work whose every event is known, for the tools in bpf/ to watch: two processes with
 * a sandbox each, at the same time. What is expected of it stands in bpf.py.
 *
 * usage: bpf-workload [wait|sched]
 *        bpf-workload terminal KEYS COMMAND...
 *   wait    print who is there, begin when standard input has something or ends
 *   sched   one sandbox, whose REP gives the CPU away at each boundary; with a
 *           module that can be told so, else exit code 4
 *   terminal
 *           no work, but a terminal for COMMAND to run in, which presses one key more
 *           each time that the screen is cleared; prints all that COMMAND does
 *
 * Prints JSON lines: "box" before, "ran" after with each run's exit reason.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "common.h"

#define LATCH	0x80
#define SERVED	0x90
#define MIXED	0x94		/* open bus, but its second byte is the owner's */
#define NOTHING	0x60
#define BUFFER	0x3000UL
#define WATCHED	0x4000UL
#define BULK	600

#define MAX_RUNS 64

static struct {
	struct box b;
	const char *name;
	unsigned int writes;
	unsigned int reasons[MAX_RUNS];
	unsigned int runs;
} me;

static void die(const char *what)
{
	fprintf(stderr, "bpf-workload: %s\n", what);
	exit(1);
}

/* One line in one piece: the other process writes to the same file. */
static void say(const char *line)
{
	if (write(STDOUT_FILENO, line, strlen(line)) != (ssize_t)strlen(line))
		exit(1);
}

/* Run @code, or with none go on; the run must end for @reason. */
static void go(const void *code, size_t len, unsigned int reason)
{
	struct box *b = &me.b;

	if (code ? run_stream(b, code, len) : run_on(b))
		die("a run was refused");
	if (b->run->exit_reason != reason)
		die("a run ended for another reason");
	if (me.runs == MAX_RUNS)
		die("too many runs");
	me.reasons[me.runs++] = reason;
}

#define GO(reason, ...) \
	go(CODE_OF(__VA_ARGS__), LEN_OF(__VA_ARGS__), PIOTRAP_EXIT_##reason)
#define GO_ON(reason)	go(NULL, 0, PIOTRAP_EXIT_##reason)

/* As after RESET in real mode; nothing runs for it, unlike in reset_cpu(). */
static void reset(void)
{
	struct piotrap_run *run = me.b.run;

	run->exit_reason = PIOTRAP_EXIT_NONE;
	reset_cpu(&me.b);
}

static void bulk(bool on)
{
	if (set_config(&me.b, on ? 0 : PIOTRAP_CONFIG_NO_BULK, ~0U, true))
		die("PIOTRAP_CONFIG");
}

static void open_me(const char *name, unsigned int writes)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &me.b;
	char line[128];

	me.name = name;
	me.writes = writes;
	if (box_open(b) || ctl(b, PIOTRAP_INFO, &i))
		die("no sandbox");
	if (set_ports(b, PIOTRAP_PORT_LATCH, LATCH, 1, 0, 0) ||
	    set_ports(b, PIOTRAP_PORT_EXIT, SERVED, 4, 0, 0) ||
	    set_ports(b, PIOTRAP_PORT_EXIT, MIXED + 1, 1, 0, 0))
		die("PIOTRAP_SET_PORTS");
	bulk(true);
	snprintf(line, sizeof(line),
		 "{\"type\":\"box\",\"name\":\"%s\",\"pid\":%d,\"sandbox\":%llu,\"writes\":%u}\n",
		 name, getpid(), (unsigned long long)i.sandbox_id, writes);
	say(line);
}

static void close_me(void)
{
	char line[64 + 4 * MAX_RUNS];
	int len;

	len = snprintf(line, sizeof(line),
		       "{\"type\":\"ran\",\"name\":\"%s\",\"reasons\":[", me.name);
	for (unsigned int i = 0; i < me.runs; i++)
		len += snprintf(line + len, sizeof(line) - len, "%s%u",
				i ? "," : "", me.reasons[i]);
	snprintf(line + len, sizeof(line) - len, "]}\n");
	say(line);
	box_close(&me.b);
}

static void ports(void)
{
	struct box *b = &me.b;
	uint8_t code[4 * 256];

	/* mov al, i; out LATCH, al */
	for (unsigned int i = 0; i < me.writes; i++)
		memcpy(code + 4 * i, CODE_OF(0xb0, i, 0xe6, LATCH), 4);
	reset();
	go(code, 4 * me.writes, PIOTRAP_EXIT_DONE);

	/* in eax, SERVED, which the owner answers */
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t value = 0x11223344 + i;

		GO(IO_PORT, 0x66, 0xe5, SERVED);
		memcpy(b->data, &value, sizeof(value));
		b->run->io.done = 1;
		touch(b, PIOTRAP_GROUP_IO);
		GO_ON(DONE);
	}

	/* in ax, MIXED: one access of two bytes, of which he answers one */
	GO(IO_PORT, 0xe5, MIXED);
	b->data[0] = 0x5a;
	b->run->io.done = 1;
	touch(b, PIOTRAP_GROUP_IO);
	GO_ON(DONE);
}

/* rep outsb to NOTHING, of @n */
static void rep_outsb(unsigned int n)
{
	struct piotrap_run *run = me.b.run;

	reset();
	run->regs.rcx = n;
	run->regs.rdx = NOTHING;
	run->regs.rsi = BUFFER;
}

static void reps(void)
{
	struct box *b = &me.b;

	rep_outsb(BULK);
	GO(DONE, 0xf3, 0x6e);
	bulk(false);
	rep_outsb(5);
	b->run->budget = 3;
	GO(BUDGET, 0xf3, 0x6e);
	b->run->budget = PIOTRAP_BUDGET_UNLIMITED;
	touch(b, PIOTRAP_GROUP_BUDGET);
	GO_ON(DONE);
}

/* The owner acts as the handler of the exception. */
static void take(unsigned int reason)
{
	struct box *b = &me.b;

	b->run->event.action = PIOTRAP_EVENT_TAKE;
	touch(b, PIOTRAP_GROUP_EVENT);
	go(NULL, 0, reason);
}

static void traps(void)
{
	struct box *b = &me.b;

	/* mov ss, [WATCHED]; rep insb of two from LATCH */
	reset();
	arm(b, 0, BP_ACCESS, 2, WATCHED);
	arm(b, 1, BP_IO, 1, LATCH);
	b->run->regs.rcx = 2;
	b->run->regs.rdx = LATCH;
	b->run->regs.rdi = BUFFER;
	GO(DEBUG, 0x8e, 0x16, 0x00, 0x40, 0xf3, 0x6c);
	take(PIOTRAP_EXIT_DEBUG);
	take(PIOTRAP_EXIT_DONE);

	/* mov ss, [WATCHED]; ud2 */
	reset();
	arm(b, 0, BP_ACCESS, 2, WATCHED);
	GO(EXCEPTION, 0x8e, 0x16, 0x00, 0x40, 0x0f, 0x0b);
	b->run->budget = 0;
	touch(b, PIOTRAP_GROUP_BUDGET);
	take(PIOTRAP_EXIT_BUDGET);

	/* mov ss, [WATCHED]; the owner forgets the trap; nop */
	for (int i = 0; i < 2; i++) {
		reset();
		arm(b, 0, BP_ACCESS, 2, WATCHED);
		GO(DONE, 0x8e, 0x16, 0x00, 0x40);
	}
}

static void work(void)
{
	ports();
	reps();
	traps();
	close_me();
}

static int sched(void)
{
	if (set_poll_every("0"))
		return 4;
	open_me("sched", 0);
	bulk(false);
	rep_outsb(5);
	set_poll_every("1");
	GO(DONE, 0xf3, 0x6e);
	set_poll_every("0");
	close_me();
	return 0;
}

/* The child's side: a session of its own, whose terminal this is. */
static void in_terminal(const char *name, char **command)
{
	int fd;

	setsid();
	fd = open(name, O_RDWR);
	if (fd < 0)
		die("no terminal");
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	execvp(command[0], command);
	die("no such command");
}

static int terminal(const char *keys, char **command)
{
	static const char clear[] = "\033[H\033[J";
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status;
	char buf[8192];
	pid_t child;
	ssize_t n;

	if (fd < 0 || grantpt(fd) || unlockpt(fd))
		die("no terminal");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		in_terminal(ptsname(fd), command);
	/* When nobody has it open any more, reading fails. */
	while ((n = read(fd, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		say(buf);
		if (strstr(buf, clear) && *keys && write(fd, keys++, 1) != 1)
			die("write");
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	bool waits = argc > 1 && !strcmp(argv[1], "wait");
	int start[2], ready[2], status;
	pid_t child;
	char c;

	if (argc > 1 && !strcmp(argv[1], "sched"))
		return sched();
	if (argc > 3 && !strcmp(argv[1], "terminal"))
		return terminal(argv[2], argv + 3);
	if (pipe(start) || pipe(ready))
		die("pipe");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		close(start[1]);
		open_me("b", 77);
		close(ready[1]);
		close(ready[0]);
		/* The end of the file is the word to go. */
		if (read(start[0], &c, 1))
			die("read");
		work();
		return 0;
	}
	close(ready[1]);
	open_me("a", 123);
	if (read(ready[0], &c, 1))
		die("read");
	if (waits && read(STDIN_FILENO, &c, 1) < 0)
		die("read");
	close(start[1]);
	work();
	if (waitpid(child, &status, 0) != child || status)
		return 1;
	return 0;
}
