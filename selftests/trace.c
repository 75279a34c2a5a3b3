// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: the fields of each event, exact events for known runs, silence
 * when disabled and on refused calls, and that watching changes nothing. Each
 * test has an instance of tracefs for itself.
 */

#include "common.h"

#include <dirent.h>
#include <regex.h>
#include <sys/stat.h>

#define PORT	0x80
#define M0	0x4000UL
#define DST	0x3000UL

static const char *const mounts[] = {
	"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
};

#define MAX_LINES	400

/* An instance of tracefs, and what was last taken from it. */
struct capture {
	const char *root;	/* of tracefs */
	char dir[128];
	char prefix[64];	/* "sandbox=N owner=PID " */
	char lines[MAX_LINES][256];
	unsigned int nr;
};

FIXTURE(trace)
{
	struct box b;
	struct capture c;
};

static int change_file(const char *dir, const char *name, const char *text, int how)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | how | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = -errno;
	close(fd);
	return err;
}

static int write_file(const char *dir, const char *name, const char *text)
{
	return change_file(dir, name, text, O_TRUNC);
}

FIXTURE_SETUP(trace)
{
	struct piotrap_info i = { .size = sizeof(i) };
	const char *root = NULL;
	char path[128];
	int err, fd;

	for (int m = 0; m < 2; m++) {
		snprintf(path, sizeof(path), "%s/events/piotrap", mounts[m]);
		if (!access(path, R_OK | X_OK)) {
			root = mounts[m];
			break;
		}
	}
	if (!root)
		SKIP(return, "no tracefs with events/piotrap, or not root");
	snprintf(path, sizeof(path), "%s/events/piotrap/enable", root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == EPERM)
		SKIP(return, "tracefs is locked down");
	ASSERT_LE(0, fd);
	close(fd);
	self->c.root = root;
	snprintf(self->c.dir, sizeof(self->c.dir), "%s/instances/piotrap-%d", root,
		 getpid());
	/*
	 * Names of commands are not wanted: to collect them every event that is
	 * switched on or off patches the scheduler, too, which emulated machines
	 * with several CPUs do not always survive. An instance inherits this.
	 */
	write_file(root, "options/record-cmd", "0");
	err = mkdir(self->c.dir, 0700);
	write_file(root, "options/record-cmd", "1");
	if (err)
		SKIP(return, "no instances in tracefs");

	BOX_SETUP(&self->b);
	ASSERT_EQ(0, ctl(&self->b, PIOTRAP_INFO, &i));
	snprintf(self->c.prefix, sizeof(self->c.prefix), "sandbox=%llu owner=%d ",
		 (unsigned long long)i.sandbox_id, getpid());
}

FIXTURE_TEARDOWN(trace)
{
	set_poll_every("0");
	box_close(&self->b);
	rmdir(self->c.dir);
}

static int enable(struct capture *c, const char *event, bool on)
{
	char name[128];

	snprintf(name, sizeof(name), "events/piotrap/%s/enable", event);
	return write_file(c->dir, *event ? name : "events/piotrap/enable",
			  on ? "1" : "0");
}

/*
 * Take what has been traced since the last call: of this sandbox, without what
 * all lines begin with. Return: other lines that speak of piotrap.
 */
static unsigned int take(struct capture *c)
{
	char path[256], line[512];
	unsigned int others = 0;
	FILE *f;

	c->nr = 0;
	snprintf(path, sizeof(path), "%s/trace", c->dir);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *event = strstr(line, ": piotrap_"), *fields;

		if (line[0] == '#' || !event)
			continue;
		event += 2;
		fields = strstr(event, ": ") + 2;
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(fields, c->prefix, strlen(c->prefix))) {
			others++;
			continue;
		}
		if (c->nr < MAX_LINES)
			snprintf(c->lines[c->nr], 256, "%.*s%s",
				 (int)(fields - event), event,
				 fields + strlen(c->prefix));
		c->nr++;
	}
	if (f)
		fclose(f);
	write_file(c->dir, "trace", "");
	return others;
}

static unsigned int count(struct capture *c, const char *what)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < c->nr && i < MAX_LINES; i++)
		n += !!strstr(c->lines[i], what);
	return n;
}

/* The lines must be exactly these. */
static void expect(struct __test_metadata *_metadata,
		   struct capture *c, const char *const *want,
		   unsigned int nr)
{
	EXPECT_EQ(0, take(c));
	EXPECT_EQ(nr, c->nr);
	for (unsigned int i = 0; i < nr && i < c->nr; i++) {
		const char *got = c->lines[i];

		EXPECT_STREQ(want[i], got) TH_LOG("line %u", i);
	}
	for (unsigned int i = nr; i < c->nr && i < MAX_LINES; i++)
		TH_LOG("more: %s", c->lines[i]);
}

#define EXPECT_LINES(want) \
	expect(_metadata, &self->c, want, sizeof(want) / sizeof((want)[0]))

#define HEX	"[0-9a-f]+"
#define DEC	"[0-9]+"
#define NAME	"[a-z_]+"
#define BITS	"[A-Z0-9|]*"

/*
 * Names, types and order of the fields are ABI, and so is the text, given as one
 * regular expression each for what follows the sandbox and its owner.
 */
static const struct {
	const char *event;
	const char *fields;
	const char *text;
} formats[] = {
	{ "piotrap_run_enter", "__u64 sandbox;__u64 rip;__u64 rflags;"
	  "__u64 budget;__u32 owner;__u32 dirty;__u32 stream_len;__u16 cs;"
	  "__u64 pending_dbg;",
	  "cs=" HEX " rip=" HEX " rflags=" HEX " budget=" DEC
	  " dirty=[a-z|]* stream_len=" DEC " pending_dbg=" BITS },
	{ "piotrap_run_exit", "__u64 sandbox;__u64 rip;__u64 addr;"
	  "__u64 boundaries;__u32 owner;__u32 reason;__u16 cs;"
	  "__u64 pending_dbg;",
	  "reason=" NAME " cs=" HEX " rip=" HEX " addr=" HEX " boundaries=" DEC
	  " pending_dbg=" BITS },
	{ "piotrap_preempt", "__u64 sandbox;__u64 rip;__u32 owner;", "rip=" HEX },
	{ "piotrap_resume", "__u64 sandbox;__u64 rip;__u32 owner;", "rip=" HEX },
	{ "piotrap_port_io", "__u64 sandbox;__u64 rip;__u64 count;__u32 owner;"
	  "__u32 value;__u16 port;__u8 dir;__u8 size;__u8 fast;",
	  "(read|write) port=" HEX " size=[124] value=" HEX " count=" DEC
	  " fast=[01] rip=" HEX },
	{ "piotrap_bpf_io", "__u64 sandbox;__u64 rip;__u32 owner;__u32 value;"
	  "__u16 port;__u8 dir;__u8 size;__u8 again;",
	  "(read|write) port=" HEX " size=[124] value=" HEX " again=[01] rip=" HEX },
	{ "piotrap_pending_dbg", "__u64 sandbox;__u64 rip;__u64 rcx;__u64 old;"
	  "__u64 new;__u32 owner;__u8 cause;__u8 held;",
	  "cause=" NAME " old=" BITS " new=" BITS " held=[01] rip=" HEX
	  " rcx=" HEX },
	{ "piotrap_rep_break", "__u64 sandbox;__u64 rip;__u64 done;__u64 left;"
	  "__u32 owner;__u8 reason;__u8 fast;",
	  "reason=" NAME " done=" DEC " left=" DEC " fast=[01] rip=" HEX },
	{ "piotrap_debug_trap", "__u64 sandbox;__u64 rip;__u64 dr6_old;"
	  "__u64 dr6_new;__u32 owner;",
	  "dr6=" HEX "->" HEX " rip=" HEX },
	{ "piotrap_exception", "__u64 sandbox;__u64 rip;__u32 owner;"
	  "__u32 error_code;__u16 cs;__u8 vector;__u8 type;",
	  "vector=" DEC " type=[a-z_0-9]+ error_code=" HEX " cs=" HEX " rip=" HEX },
};

#define NR_EVENTS	(sizeof(formats) / sizeof(formats[0]))

/* The lines of the event, and whether each is as its regular expression says. */
static unsigned int matches(struct capture *c, size_t event, unsigned int *wrong)
{
	char pattern[512], start[64];
	unsigned int n = 0;
	regex_t re;

	snprintf(start, sizeof(start), "%s: ", formats[event].event);
	snprintf(pattern, sizeof(pattern), "^%s%s$", start, formats[event].text);
	*wrong = 0;
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB)) {
		*wrong = 1;
		return 0;
	}
	for (unsigned int i = 0; i < c->nr && i < MAX_LINES; i++) {
		if (strncmp(c->lines[i], start, strlen(start)))
			continue;
		n++;
		*wrong += !!regexec(&re, c->lines[i], 0, NULL, 0);
	}
	regfree(&re);
	return n;
}

/* One line of a format file. */
struct field {
	char text[80];		/* "__u64 rip;" */
	unsigned int offset;
	unsigned int size;
	unsigned int is_signed;
};

static bool parse_field(const char *line, struct field *f)
{
	char type[32], name[32];

	if (sscanf(line, " field:%31s %31[^;]; offset:%u; size:%u; signed:%u;",
		   type, name, &f->offset, &f->size, &f->is_signed) != 5)
		return false;
	snprintf(f->text, sizeof(f->text), "%s %s;", type, name);
	return true;
}

/* All are naturally aligned, without a sign, and follow the kernel's own fields. */
TEST_F(trace, formats)
{
	for (size_t i = 0; i < NR_EVENTS; i++) {
		const char *want = formats[i].fields;
		char path[256], line[512];
		unsigned int at = 0;
		struct field f;
		FILE *file;

		snprintf(path, sizeof(path), "%s/events/piotrap/%s/format",
			 self->c.dir, formats[i].event);
		file = fopen(path, "re");
		ASSERT_NE(NULL, file) TH_LOG("%s", formats[i].event);
		while (fgets(line, sizeof(line), file)) {
			/* Those have types of two words. */
			if (strstr(line, " common_")) {
				char *offset = strstr(line, "offset:");

				if (sscanf(offset, "offset:%u; size:%u;",
					   &f.offset, &f.size) == 2)
					at = (f.offset + f.size + 7) / 8 * 8;
				continue;
			}
			/* More may come at the end. */
			if (!*want || !parse_field(line, &f))
				continue;
			EXPECT_EQ(0, strncmp(want, f.text, strlen(f.text)))
				TH_LOG("%s: %s where %s", formats[i].event, f.text,
				       want);
			want = strchr(want, ';') + 1;
			EXPECT_EQ(strncmp(f.text, "__u", 3) ? 0 :
				  strtoul(f.text + 3, NULL, 10) / 8, f.size);
			at = (at + f.size - 1) / f.size * f.size;
			EXPECT_EQ(at, f.offset)
				TH_LOG("%s: %s", formats[i].event, f.text);
			at += f.size;
			EXPECT_EQ(0, f.is_signed);
		}
		fclose(file);
		EXPECT_STREQ("", want) TH_LOG("%s", formats[i].event);
	}
	/* And there are no others. */
	char dir[256];
	struct dirent *e;
	unsigned int n = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/events/piotrap", self->c.dir);
	d = opendir(dir);
	ASSERT_NE(NULL, d);
	while ((e = readdir(d)))
		n += !strncmp(e->d_name, "piotrap_", 8);
	closedir(d);
	EXPECT_EQ(NR_EVENTS, n);
}

TEST_F(trace, run)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, enable(&self->c, "piotrap_run_enter", true));
	ASSERT_EQ(0, enable(&self->c, "piotrap_run_exit", true));
	ASSERT_EQ(0, STREAM(b, 0x90, 0x90));
	static const char *const lines1[] = {
		"piotrap_run_enter: cs=0 rip=1000 rflags=2 budget=18446744073709551615 dirty=regs|segs|ctrl|debug|event|budget stream_len=2 pending_dbg=",
		"piotrap_run_exit: reason=done cs=0 rip=1002 addr=0 boundaries=2 pending_dbg=",
	};

	EXPECT_LINES(lines1);
	/* A run that is refused is none. */
	EXPECT_EQ(-EINVAL, run_stream(b, "", 0));
	touch(b, 1U << 30);
	EXPECT_EQ(-EINVAL, STREAM(b, 0x90));
	b->run->dirty = 0;
	EXPECT_EQ(-EFAULT, run_stream(b, NULL, 1));
	EXPECT_EQ(-EINVAL, set_ports(b, 99, 0, 1, 0, 0));
	EXPECT_EQ(0, take(&self->c));
	EXPECT_EQ(0, self->c.nr);
	/* One that has no progress is one. */
	b->run->immediate_exit = 1;
	ASSERT_EQ(0, run_on(b));
	b->run->immediate_exit = 0;
	static const char *const lines2[] = {
		"piotrap_run_enter: cs=0 rip=1002 rflags=2 budget=18446744073709551615 dirty= stream_len=0 pending_dbg=",
		"piotrap_run_exit: reason=immediate cs=0 rip=1002 addr=0 boundaries=0 pending_dbg=",
	};

	EXPECT_LINES(lines2);
	/* What waits at the end, and is there when it goes on. */
	reset_cpu(b);
	arm(b, 0, BP_ACCESS, 2, M0);
	b->run->budget = 1;
	/* mov ss, [M0]; nop */
	ASSERT_EQ(0, STREAM(b, 0x8e, 0x16, 0x00, 0x40, 0x90));
	ASSERT_EQ(0, enable(&self->c, "", false));
	take(&self->c);
	ASSERT_EQ(0, enable(&self->c, "piotrap_run_enter", true));
	ASSERT_EQ(0, enable(&self->c, "piotrap_run_exit", true));
	ASSERT_EQ(0, run_on(b));
	static const char *const lines14[] = {
		"piotrap_run_enter: cs=0 rip=1004 rflags=2 budget=0 dirty= stream_len=0 pending_dbg=B0",
		"piotrap_run_exit: reason=budget cs=0 rip=1004 addr=0 boundaries=0 pending_dbg=B0",
	};

	EXPECT_LINES(lines14);
}

/* The CPU is given away before each instruction and each iteration. */
TEST_F(trace, preempt_and_resume)
{
	struct box *b = &self->b;
	int err;

	if (set_poll_every("0"))
		SKIP(return, "a module without PIOTRAP_DEBUG");
	ASSERT_EQ(0, enable(&self->c, "piotrap_preempt", true));
	ASSERT_EQ(0, enable(&self->c, "piotrap_resume", true));
	ASSERT_EQ(0, enable(&self->c, "piotrap_rep_break", true));
	b->run->regs.rcx = 2;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = DST;
	ASSERT_EQ(0, set_poll_every("1"));
	/* nop; rep insb */
	err = STREAM(b, 0x90, 0xf3, 0x6c);
	ASSERT_EQ(0, set_poll_every("0"));
	ASSERT_EQ(0, err);
	ASSERT_EXIT(DONE, b);
	static const char *const lines15[] = {
		"piotrap_preempt: rip=1000",
		"piotrap_resume: rip=1000",
		"piotrap_preempt: rip=1001",
		"piotrap_resume: rip=1001",
		"piotrap_preempt: rip=1001",
		"piotrap_resume: rip=1001",
		"piotrap_rep_break: reason=resched done=1 left=1 fast=0 rip=1001",
	};

	EXPECT_LINES(lines15);
}

TEST_F(trace, port_io)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, enable(&self->c, "piotrap_port_io", true));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT, 4, 0x21, 0));
	reset_cpu(b);
	b->run->regs.rax = 0x44332211;
	b->run->regs.rcx = 3;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = DST;
	memcpy(b->mem + DST, "abc", 3);
	/* out dx, eax; in ax, 0x82; outsb; in al, 0x90 */
	ASSERT_EQ(0, STREAM(b, 0x66, 0xef, 0xe5, 0x82, 0x6e, 0xe4, 0x90));
	static const char *const lines3[] = {
		"piotrap_port_io: write port=80 size=4 value=44332211 count=1 fast=0 rip=1000",
		"piotrap_port_io: read port=82 size=2 value=4433 count=1 fast=0 rip=1002",
		"piotrap_port_io: write port=80 size=1 value=61 count=1 fast=0 rip=1004",
		"piotrap_port_io: read port=90 size=1 value=ff count=1 fast=0 rip=1005",
	};

	EXPECT_LINES(lines3);
	/* Element by element. */
	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_NO_BULK, ~0U, true));
	reset_cpu(b);
	b->run->regs.rcx = 3;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = DST;
	/* rep outsb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	static const char *const lines4[] = {
		"piotrap_port_io: write port=80 size=1 value=61 count=1 fast=0 rip=1000",
		"piotrap_port_io: write port=80 size=1 value=62 count=1 fast=0 rip=1000",
		"piotrap_port_io: write port=80 size=1 value=63 count=1 fast=0 rip=1000",
	};

	EXPECT_LINES(lines4);
	/* In bulk: fewer events, the same number of elements. */
	ASSERT_EQ(0, set_config(b, 0, ~0U, true));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_OPEN_BUS, PORT, 4, 0, 0));
	reset_cpu(b);
	b->run->regs.rcx = 3000;
	b->run->regs.rdx = PORT;
	b->run->regs.rsi = DST;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EQ(0, take(&self->c));
	EXPECT_LT(0, self->c.nr);
	EXPECT_GT(MAX_LINES, self->c.nr);
	EXPECT_EQ(self->c.nr, count(&self->c, "write port=80 size=1 "));
	unsigned long elements = 0;

	for (unsigned int i = 0; i < self->c.nr && i < MAX_LINES; i++)
		elements += strtoul(strstr(self->c.lines[i], "count=") + 6, NULL,
				    10);
	EXPECT_EQ(3000, elements);
	/* Those that do not happen: a fault, an exit; then committed. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	reset_cpu(b);
	b->run->segs.es.limit = 0;
	b->run->regs.rdi = DST;
	ASSERT_EQ(0, STREAM(b, 0x6c));
	EXPECT_EXIT(EXCEPTION, b);
	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80));
	EXPECT_EXIT(IO_PORT, b);
	EXPECT_EQ(0, take(&self->c));
	EXPECT_EQ(0, self->c.nr);
	b->data[0] = 0x5a;
	b->run->io.done = 1;
	touch(b, PIOTRAP_GROUP_IO);
	ASSERT_EQ(0, run_on(b));
	static const char *const lines5[] = {
		"piotrap_port_io: read port=80 size=1 value=5a count=1 fast=0 rip=1000",
	};

	EXPECT_LINES(lines5);
}

/* Nobody answers; a reader of the event is no program that decides. */
TEST_F(trace, bpf_io)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_BPF, ~0U, true));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, PORT, 4, 0x21, 0));
	ASSERT_EQ(0, enable(&self->c, "piotrap_bpf_io", true));
	ASSERT_EQ(0, enable(&self->c, "piotrap_port_io", true));
	b->run->regs.rax = 0x1234;
	/* out 0x81, ax; in al, 0x80; in ax, 0x83 */
	ASSERT_EQ(0, STREAM(b, 0xe7, 0x81, 0xe4, 0x80, 0xe5, 0x83));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0xffff, b->run->regs.rax);
	static const char *const lines16[] = {
		"piotrap_bpf_io: write port=81 size=2 value=1234 again=0 rip=1000",
		"piotrap_port_io: write port=81 size=2 value=1234 count=1 fast=0 rip=1000",
		"piotrap_bpf_io: read port=80 size=1 value=21 again=0 rip=1002",
		"piotrap_port_io: read port=80 size=1 value=ff count=1 fast=0 rip=1002",
		"piotrap_bpf_io: read port=83 size=1 value=21 again=0 rip=1004",
		"piotrap_port_io: read port=83 size=2 value=ffff count=1 fast=0 rip=1004",
	};

	EXPECT_LINES(lines16);
	/* In such a sandbox a REP goes element by element, at any port. */
	reset_cpu(b);
	b->run->regs.rcx = 2;
	b->run->regs.rdx = 0x60;
	b->run->regs.rsi = DST;
	memcpy(b->mem + DST, "ab", 2);
	/* rep outsb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	static const char *const lines17[] = {
		"piotrap_port_io: write port=60 size=1 value=61 count=1 fast=0 rip=1000",
		"piotrap_port_io: write port=60 size=1 value=62 count=1 fast=0 rip=1000",
	};

	EXPECT_LINES(lines17);
	/* A sandbox that does not want it is not asked. */
	ASSERT_EQ(0, set_config(b, 0, ~0U, true));
	ASSERT_EQ(0, enable(&self->c, "piotrap_port_io", false));
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80));
	EXPECT_EQ(0, take(&self->c));
	EXPECT_EQ(0, self->c.nr);
}

/* The story of S119: held by the shadow, merged, delivered; then each by itself. */
TEST_F(trace, shadow_and_rep)
{
	struct box *b = &self->b;

	arm(b, 0, BP_ACCESS, 2, M0);
	arm(b, 1, BP_IO, 1, PORT);
	b->run->regs.rcx = 2;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = DST;
	ASSERT_EQ(0, enable(&self->c, "piotrap_pending_dbg", true));
	ASSERT_EQ(0, enable(&self->c, "piotrap_rep_break", true));
	ASSERT_EQ(0, enable(&self->c, "piotrap_debug_trap", true));
	/* mov ss, [M0]; rep insb */
	ASSERT_EQ(0, STREAM(b, 0x8e, 0x16, 0x00, 0x40, 0xf3, 0x6c));
	ASSERT_EXIT(DEBUG, b);
	ASSERT_EQ(0, take_and_return(b));
	ASSERT_EQ(0, run_on(b));
	ASSERT_EXIT(DEBUG, b);
	ASSERT_EQ(0, take_and_return(b));
	static const char *const lines6[] = {
		/* The breakpoint on M0 waits for the end of the shadow. */
		"piotrap_pending_dbg: cause=data old= new=B0 held=1 rip=1004 rcx=2",
		/* The first iteration ends it: the REP stops, the port is added. */
		"piotrap_rep_break: reason=shadow done=1 left=1 fast=0 rip=1004",
		"piotrap_pending_dbg: cause=io old=B0 new=B0|B1 held=0 rip=1004 rcx=1",
		"piotrap_pending_dbg: cause=delivered old=B0|B1 new= held=0 rip=1004 rcx=1",
		"piotrap_debug_trap: dr6=ffff0ff0->ffff0ff3 rip=1004",
		/* The last iteration is no break. */
		"piotrap_pending_dbg: cause=io old= new=B1 held=0 rip=1006 rcx=0",
		"piotrap_pending_dbg: cause=delivered old=B1 new= held=0 rip=1006 rcx=0",
		"piotrap_debug_trap: dr6=ffff0ff3->ffff0ff2 rip=1006",
	};

	EXPECT_LINES(lines6);
}

TEST_F(trace, rep_break)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, enable(&self->c, "piotrap_rep_break", true));
	/* None: it is not broken. */
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, take(&self->c));
	EXPECT_EQ(0, self->c.nr);
	/* The budget. */
	reset_cpu(b);
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->budget = 3;
	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_NO_BULK, ~0U, true));
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EXIT(BUDGET, b);
	static const char *const lines7[] = {
		"piotrap_rep_break: reason=budget done=3 left=2 fast=0 rip=1000",
	};

	EXPECT_LINES(lines7);
	/* Single step. */
	reset_cpu(b);
	b->run->regs.rcx = 2;
	b->run->regs.rdx = PORT;
	b->run->regs.rflags |= FL_TF;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	EXPECT_EXIT(DEBUG, b);
	static const char *const lines8[] = {
		"piotrap_rep_break: reason=single_step done=1 left=1 fast=0 rip=1000",
	};

	EXPECT_LINES(lines8);
	/* A fault after two. */
	reset_cpu(b);
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = DST;
	b->run->segs.es.limit = DST + 1;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_EXIT(EXCEPTION, b);
	static const char *const lines9[] = {
		"piotrap_rep_break: reason=fault done=2 left=3 fast=0 rip=1000",
	};

	EXPECT_LINES(lines9);
	/* An exit to the owner. */
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT, 1, 0, 0));
	reset_cpu(b);
	b->run->regs.rcx = 5;
	b->run->regs.rdx = PORT;
	b->run->regs.rdi = DST;
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6c));
	EXPECT_EXIT(IO_PORT, b);
	static const char *const lines10[] = {
		"piotrap_rep_break: reason=exit done=0 left=5 fast=0 rip=1000",
	};

	EXPECT_LINES(lines10);
}

/* Dropped by a fault (S5), and by nothing else. */
TEST_F(trace, dropped)
{
	struct box *b = &self->b;

	arm(b, 0, BP_ACCESS, 2, M0);
	ASSERT_EQ(0, enable(&self->c, "piotrap_pending_dbg", true));
	/* mov ss, [M0]; ud2 */
	ASSERT_EQ(0, STREAM(b, 0x8e, 0x16, 0x00, 0x40, 0x0f, 0x0b));
	ASSERT_EXIT(EXCEPTION, b);
	ASSERT_EQ(0, take_and_return(b));
	static const char *const lines11[] = {
		"piotrap_pending_dbg: cause=data old= new=B0 held=1 rip=1004 rcx=0",
		"piotrap_pending_dbg: cause=dropped old=B0 new= held=0 rip=1004 rcx=0",
	};

	EXPECT_LINES(lines11);
}

TEST_F(trace, exception)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, enable(&self->c, "piotrap_exception", true));
	ASSERT_EQ(0, STREAM(b, 0x90, 0x0f, 0x0b));
	EXPECT_EXIT(EXCEPTION, b);
	static const char *const lines12[] = {
		"piotrap_exception: vector=6 type=exception error_code=0 cs=0 rip=1001",
	};

	EXPECT_LINES(lines12);
	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0xcd, 0x21));
	EXPECT_EXIT(INT, b);
	static const char *const lines13[] = {
		"piotrap_exception: vector=33 type=int error_code=0 cs=0 rip=1000",
	};

	EXPECT_LINES(lines13);
}

/* Each by itself: all that is seen is of it, as its regular expression says. */
TEST_F(trace, one_by_one)
{
	struct box *b = &self->b;
	bool polls = !set_poll_every("0");
	unsigned int wrong;

	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_BPF, ~0U, true));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, PORT, 1, 0, 0));
	for (size_t i = 0; i < NR_EVENTS; i++) {
		/* The scheduler wants the CPU when it likes. */
		if (!polls && (strstr(formats[i].event, "preempt") ||
			       strstr(formats[i].event, "resume")))
			continue;
		/* All but this one are off. */
		ASSERT_EQ(0, enable(&self->c, "", false));
		ASSERT_EQ(0, enable(&self->c, formats[i].event, true));
		reset_cpu(b);
		take(&self->c);
		arm(b, 0, BP_ACCESS, 2, M0);
		b->run->regs.rcx = 2;
		b->run->regs.rdx = PORT;
		b->run->regs.rdi = DST;
		if (polls)
			ASSERT_EQ(0, set_poll_every("1"));
		/* mov ss, [M0]; rep insb */
		ASSERT_EQ(0, STREAM(b, 0x8e, 0x16, 0x00, 0x40, 0xf3, 0x6c));
		ASSERT_EXIT(DEBUG, b);
		ASSERT_EQ(0, take_and_return(b));
		ASSERT_EQ(0, STREAM(b, 0x0f, 0x0b));
		set_poll_every("0");
		EXPECT_EQ(0, take(&self->c));
		EXPECT_LT(0, self->c.nr) TH_LOG("%s", formats[i].event);
		EXPECT_EQ(self->c.nr, matches(&self->c, i, &wrong))
			TH_LOG("%s", formats[i].event);
		EXPECT_EQ(0, wrong) TH_LOG("%s", self->c.lines[0]);
	}
}

/* All are off, or on and there is no run. */
TEST_F(trace, silent)
{
	struct box *b = &self->b;
	struct piotrap_ports p = { .size = sizeof(p), .kind = 99, .count = 1 };

	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80, 0xf1));
	EXPECT_EXIT(DEBUG, b);
	EXPECT_EQ(0, take(&self->c));
	EXPECT_EQ(0, self->c.nr);

	reset_cpu(b);
	ASSERT_EQ(0, enable(&self->c, "", true));
	EXPECT_EQ(-EINVAL, run_stream(b, "", 0));
	EXPECT_EQ(-EFAULT, run_stream(b, NULL, 1));
	touch(b, 1U << 30);
	EXPECT_EQ(-EINVAL, STREAM(b, 0x90));
	b->run->dirty = PIOTRAP_GROUP_REGS;
	b->run->regs.rflags = 0;
	EXPECT_EQ(-EINVAL, run_on(b));
	b->run->dirty = 0;
	EXPECT_EQ(-EINVAL, ctl(b, PIOTRAP_SET_PORTS, &p));
	EXPECT_EQ(-EPERM, set_ports(b, PIOTRAP_PORT_BPF, 0, 1, 0, 0));
	EXPECT_EQ(-EINVAL, set_region(b, 99, 0, 4096, NULL));
	EXPECT_EQ(0, take(&self->c));
	EXPECT_EQ(0, self->c.nr);
}

/* What goes in comes out: a loop, its accesses, traps, breaks and exits. */
TEST_F(trace, exact_counts)
{
	static const struct {
		const char *what;
		unsigned int loop;
		unsigned int traps;
	} want[] = {
		{ "piotrap_run_enter: ", 1, 2 * 23 },
		{ "piotrap_run_exit: ", 1, 2 * 23 },
		{ "piotrap_port_io: read port=80 size=1 ", 23, 0 },
		{ "piotrap_port_io: write port=81 size=1 ", 23, 23 },
		{ "piotrap_port_io: ", 46, 23 },
		{ "piotrap_pending_dbg: cause=io ", 0, 23 },
		{ "piotrap_pending_dbg: cause=delivered ", 0, 23 },
		{ "piotrap_pending_dbg: ", 0, 46 },
		{ "piotrap_exception: vector=1 ", 0, 23 },
		{ "piotrap_exception: ", 0, 23 },
		{ "piotrap_debug_trap: ", 0, 23 },
		{ "piotrap_rep_break: reason=pending_dbg ", 0, 22 },
		{ "piotrap_rep_break: ", 0, 22 },
		{ "piotrap_bpf_io: ", 0, 0 },
	};
	struct box *b = &self->b;
	unsigned int traps = 0;

	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, PORT, 2, 0x21, 0));
	ASSERT_EQ(0, enable(&self->c, "", true));
	b->run->regs.rcx = 23;
	/* in al, 0x80; out 0x81, al; loop $-4 */
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x80, 0xe6, 0x81, 0xe2, 0xfa));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, take(&self->c));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		EXPECT_EQ(want[i].loop, count(&self->c, want[i].what))
			TH_LOG("%s", want[i].what);
	}

	reset_cpu(b);
	take(&self->c);
	arm(b, 2, BP_IO, 1, PORT + 1);
	b->run->regs.rcx = 23;
	b->run->regs.rdx = PORT + 1;
	b->run->regs.rsi = DST;
	/* rep outsb */
	ASSERT_EQ(0, STREAM(b, 0xf3, 0x6e));
	while (b->run->exit_reason == PIOTRAP_EXIT_DEBUG && traps < 100) {
		traps++;
		ASSERT_EQ(0, take_and_return(b));
		/* After the last one the stream is done. */
		ASSERT_EQ(0, go_on(b));
	}
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(23, traps);
	EXPECT_EQ(0, take(&self->c));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		EXPECT_EQ(want[i].traps, count(&self->c, want[i].what))
			TH_LOG("%s", want[i].what);
	}
}

/* The same for what the scheduler and BPF programs are asked. */
TEST_F(trace, exact_counts_of_questions)
{
	struct box *b = &self->b;
	bool polls = !set_poll_every("0");
	int err;

	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_BPF, ~0U, true));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, PORT, 2, 0x21, 0));
	ASSERT_EQ(0, enable(&self->c, "", true));
	b->run->regs.rcx = 23;
	if (polls)
		ASSERT_EQ(0, set_poll_every("1"));
	/* in al, 0x80; out 0x81, al; loop $-4 */
	err = STREAM(b, 0xe4, 0x80, 0xe6, 0x81, 0xe2, 0xfa);
	set_poll_every("0");
	ASSERT_EQ(0, err);
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(69, b->run->boundaries);
	EXPECT_EQ(0, take(&self->c));
	EXPECT_EQ(23, count(&self->c, "piotrap_bpf_io: read port=80 size=1 value=21 "));
	EXPECT_EQ(23, count(&self->c, "piotrap_bpf_io: write port=81 size=1 value=ff "));
	EXPECT_EQ(46, count(&self->c, "piotrap_bpf_io: "));
	EXPECT_EQ(46, count(&self->c, "piotrap_port_io: "));
	if (!polls)
		return;
	/* Before each boundary. */
	EXPECT_EQ(69, count(&self->c, "piotrap_preempt: "));
	EXPECT_EQ(69, count(&self->c, "piotrap_resume: "));
	EXPECT_EQ(2 * 46 + 2 * 69 + 2, self->c.nr);
}

/* The value of a field in a line's text, up to the next blank. */
static const char *value(const char *line, const char *name, char *buf, size_t size)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(line, key);
	buf[0] = '\0';
	if (at)
		snprintf(buf, size, "%.*s", (int)strcspn(at + strlen(key), " "),
			 at + strlen(key));
	return buf;
}

/* What the pairing of the events says, checked line by line. */
struct pairing {
	bool in_run;
	bool away;
	bool asked;
	char pending[64];
	unsigned int runs;
	unsigned int bits;
	unsigned int kept;
};

/* Return: what is wrong, or NULL. */
static const char *pair(struct pairing *p, const char *line)
{
	char a[64], b[64];

	if (!strncmp(line, "piotrap_run_enter: ", 19)) {
		if (p->in_run)
			return "a run in a run";
		value(line, "dirty", a, sizeof(a));
		value(line, "pending_dbg", b, sizeof(b));
		if (strcmp(b, p->pending) && !strstr(a, "debug"))
			return "pending_dbg changed between runs";
		strcpy(p->pending, b);
		p->in_run = true;
		p->runs++;
		return NULL;
	}
	if (!p->in_run)
		return "not in a run";
	if (p->away && strncmp(line, "piotrap_resume: ", 16))
		return "no piotrap_resume after piotrap_preempt";
	if (p->asked && strncmp(line, "piotrap_port_io: ", 17) &&
	    strncmp(line, "piotrap_bpf_io: ", 16))
		return "no piotrap_port_io after piotrap_bpf_io";
	p->asked = !strncmp(line, "piotrap_bpf_io: ", 16);
	if (!strncmp(line, "piotrap_preempt: ", 17)) {
		p->away = true;
	} else if (!strncmp(line, "piotrap_resume: ", 16)) {
		if (!p->away)
			return "piotrap_resume without piotrap_preempt";
		p->away = false;
	} else if (!strncmp(line, "piotrap_pending_dbg: ", 21)) {
		if (strcmp(value(line, "old", a, sizeof(a)), p->pending))
			return "old is not what was pending";
		value(line, "new", p->pending, sizeof(p->pending));
		value(line, "cause", a, sizeof(a));
		if ((!strcmp(a, "delivered") || !strcmp(a, "dropped")) !=
		    !p->pending[0])
			return "only what is delivered or dropped goes, and all of it";
		p->bits++;
	} else if (!strncmp(line, "piotrap_run_exit: ", 18)) {
		if (strcmp(value(line, "pending_dbg", a, sizeof(a)), p->pending))
			return "pending_dbg at the exit is not what was pending";
		p->kept += !!p->pending[0];
		p->in_run = false;
	}
	return NULL;
}

static uint32_t rnd(void)
{
	static uint64_t seed = 0x70696f7472617021;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 16;
}

/* Programs made of what traps, breaks, faults and exits, with all events on. */
TEST_F_TIMEOUT(trace, pairing, 120)
{
	static const struct {
		uint8_t code[5];
		uint8_t len;
	} pieces[] = {
		{ { 0x8e, 0x16, 0x00, 0x40 }, 4 },	/* mov ss, [M0] */
		{ { 0xf3, 0x6c }, 2 },			/* rep insb */
		{ { 0xf3, 0x6f }, 2 },			/* rep outsw */
		{ { 0xe4, 0x80 }, 2 },			/* in al, 0x80 */
		{ { 0xe7, 0x82 }, 2 },			/* out 0x82, ax */
		{ { 0xa1, 0x00, 0x40 }, 3 },		/* mov ax, [M0] */
		{ { 0xb1, 0x05 }, 2 },			/* mov cl, 5 */
		{ { 0x0f, 0x0b }, 2 },			/* ud2 */
		{ { 0xf1 }, 1 },			/* int1 */
		{ { 0xcc }, 1 },			/* int3 */
		{ { 0xcd, 0x21 }, 2 },			/* int 0x21 */
		{ { 0x9c }, 1 },			/* pushf */
		{ { 0xfb }, 1 },			/* sti */
		{ { 0xe5, 0x84 }, 2 },			/* in ax, 0x84 */
	};
	struct box *b = &self->b;
	struct pairing p = { 0 };
	bool polls = !set_poll_every("0");

	ASSERT_EQ(0, set_config(b, PIOTRAP_CONFIG_BPF, ~0U, true));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_EXIT, PORT + 4, 2, 0, 0));
	ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_BPF, PORT + 2, 2, 0, 0));
	/* What runs before is not seen. */
	ASSERT_EQ(0, enable(&self->c, "", true));
	for (unsigned int i = 0; i < 150; i++) {
		uint8_t code[64];
		size_t len = 0;

		if (polls)
			set_poll_every(i % 3 ? "0" : "2");
		reset_cpu(b);
		for (unsigned int n = 0; n < 8; n++) {
			unsigned int k = rnd() % (sizeof(pieces) / sizeof(pieces[0]));

			memcpy(code + len, pieces[k].code, pieces[k].len);
			len += pieces[k].len;
		}
		b->run->regs.rcx = rnd() % 4;
		b->run->regs.rdx = PORT + 2 * (rnd() % 2);
		b->run->regs.rdi = DST;
		b->run->regs.rsi = DST;
		if (rnd() % 4 == 0)
			b->run->regs.rflags |= FL_TF;
		arm(b, 0, BP_ACCESS, 2, M0);
		arm(b, 1, BP_IO, 1, PORT);
		arm(b, 2, BP_EXEC, 1, CODE + 4);
		ASSERT_EQ(0, run_stream(b, code, len));
		/* Take or absorb what comes, now and then with little budget. */
		for (unsigned int n = 0; n < 12; n++) {
			if (b->run->event.action == PIOTRAP_EVENT_HELD) {
				b->run->event.action = rnd() % 4 ?
					PIOTRAP_EVENT_TAKE : PIOTRAP_EVENT_ABSORB;
				touch(b, PIOTRAP_GROUP_EVENT);
			}
			b->run->io.done = rnd() % 2;
			b->run->budget = rnd() % 3 ? ~0ULL : rnd() % 3;
			touch(b, PIOTRAP_GROUP_IO | PIOTRAP_GROUP_BUDGET);
			ASSERT_EQ(0, run_on(b));
			if (b->run->exit_reason == PIOTRAP_EXIT_DONE)
				break;
		}
		set_poll_every("0");
		EXPECT_EQ(0, take(&self->c));
		ASSERT_GT(MAX_LINES, self->c.nr);
		for (unsigned int n = 0; n < self->c.nr; n++) {
			const char *wrong = pair(&p, self->c.lines[n]);

			ASSERT_EQ(NULL, wrong) {
				for (unsigned int k = 0; k <= n; k++)
					TH_LOG("%s", self->c.lines[k]);
				TH_LOG("program %u: %s", i, wrong);
			}
		}
		EXPECT_FALSE(p.in_run);
	}
	/* It was not for nothing. */
	TH_LOG("%u runs, %u changes of pending_dbg, %u kept", p.runs, p.bits, p.kept);
	EXPECT_LT(300, p.runs);
	EXPECT_LT(100, p.bits);
	EXPECT_LT(0, p.kept);
}

/* Hits of a kprobe, or -1; they are counted whatever is traced. */
static long probe_hits(struct capture *c, const char *name)
{
	char path[256], line[256], got[64];
	long hits = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/kprobe_profile", c->root);
	f = fopen(path, "re");
	while (f && hits < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", got, &hits) != 2 ||
		    strcmp(got, name))
			hits = -1;
	if (f)
		fclose(f);
	return hits;
}

/* To open the list for writing with O_TRUNC would remove everybody's probes. */
static bool probe(struct capture *c, bool on)
{
	static const char *const events[][2] = {
		{ "p:piotrap_test/bulk piotrap:ports_read_bulk\n",
		  "-:piotrap_test/bulk\n" },
		{ "p:piotrap_test/single piotrap:ports_read\n",
		  "-:piotrap_test/single\n" },
		{ "p:piotrap_test/quick piotrap:ports_read_quick\n",
		  "-:piotrap_test/quick\n" },
	};

	if (!on)
		write_file(c->root, "events/piotrap_test/enable", "0");
	for (unsigned int i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (change_file(c->root, "kprobe_events", events[i][!on], O_APPEND))
			return false;
	return !on || !write_file(c->root, "events/piotrap_test/enable", "1");
}

/*
 * Observing changes neither the state at the end, nor the number of boundaries, nor
 * the path: as many calls of the bulk hook and of the other one (K13).
 */
TEST_F(trace, observing_changes_nothing)
{
	static struct piotrap_state plain, traced;
	long bulk[2], single[2], quick[2];
	struct box *b = &self->b;

	if (!probe(&self->c, true)) {
		probe(&self->c, false);
		SKIP(return, "no kprobes");
	}
	/* Twice before: code that has been seen goes another way than new code. */
	for (int run = -2; run < 2; run++) {
		long was_bulk = probe_hits(&self->c, "bulk");
		long was_single = probe_hits(&self->c, "single");
		long was_quick = probe_hits(&self->c, "quick");
		int on = run > 0;

		ASSERT_EQ(0, enable(&self->c, "", on));
		reset_cpu(b);
		memset(b->mem + DST, 0, 0x1000);
		b->run->regs.rcx = 700;
		b->run->regs.rdx = PORT;
		b->run->regs.rdi = DST;
		b->run->budget = 1000;
		/* rep insb; mov cl, 9; in ax, dx; loop $-3 */
		EXPECT_EQ(0, STREAM(b, 0xf3, 0x6c, 0xb1, 0x09, 0xed, 0xe2,
				    0xfd));
		EXPECT_EXIT(DONE, b);
		EXPECT_EQ(1000 - 719, b->run->budget);
		EXPECT_EQ(719, b->run->boundaries);
		EXPECT_EQ(0, get_state(b, on ? &traced : &plain));
		bulk[on] = probe_hits(&self->c, "bulk") - was_bulk;
		single[on] = probe_hits(&self->c, "single") - was_single;
		quick[on] = probe_hits(&self->c, "quick") - was_quick;
	}
	EXPECT_TRUE(probe(&self->c, false));
	EXPECT_EQ(0, memcmp(&plain, &traced, sizeof(plain)));
	EXPECT_LT(0, bulk[0]);
	EXPECT_EQ(bulk[0], bulk[1]);
	EXPECT_EQ(9, single[0] + quick[0]);
	EXPECT_EQ(single[0], single[1]);
	EXPECT_EQ(quick[0], quick[1]);
}

int main(int argc, char **argv)
{
	return box_main(argc, argv);
}
