// SPDX-License-Identifier: GPL-2.0
/*
 * The ABI of /dev/piotrap: every call, every errno and their order, what a
 * refused call leaves alone, the run page, limits, accounting, and how a run
 * ends from outside.
 */

#include "common.h"

#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define INPUT_PORT	0x60
#define PAGE		4096UL

union args {
	__u32 size;
	struct piotrap_info info;
	struct piotrap_config config;
	struct piotrap_region region;
	struct piotrap_ports ports;
	struct piotrap_input input;
	struct piotrap_run_args run;
	struct piotrap_state state;
	struct piotrap_kick kick;
	struct piotrap_log log;
	struct piotrap_cpuid cpuid;
	__u8 bytes[sizeof(struct piotrap_state) + 64];
};

static const uint8_t nop[] = { 0x90 };
static const uint8_t jmp_self[] = { 0xeb, 0xfe };

/* Every call, with arguments that it accepts. */
static const struct call {
	const char *name;
	unsigned long nr;
	size_t size;
	int reserved;		/* offset of a field that must be zero, or -1 */
	bool while_running;	/* allowed during a run */
} calls[] = {
	{ "INFO", PIOTRAP_INFO, sizeof(struct piotrap_info), -1, true },
	{ "CONFIG", PIOTRAP_CONFIG, sizeof(struct piotrap_config),
	  offsetof(struct piotrap_config, reserved), false },
	{ "SET_REGION", PIOTRAP_SET_REGION, sizeof(struct piotrap_region),
	  offsetof(struct piotrap_region, reserved), false },
	{ "SET_PORTS", PIOTRAP_SET_PORTS, sizeof(struct piotrap_ports),
	  offsetof(struct piotrap_ports, reserved), false },
	{ "QUEUE_INPUT", PIOTRAP_QUEUE_INPUT, sizeof(struct piotrap_input), -1,
	  false },
	{ "RUN", PIOTRAP_RUN, sizeof(struct piotrap_run_args),
	  offsetof(struct piotrap_run_args, reserved), false },
	{ "GET_STATE", PIOTRAP_GET_STATE, sizeof(struct piotrap_state), -1,
	  false },
	{ "SET_STATE", PIOTRAP_SET_STATE, sizeof(struct piotrap_state),
	  offsetof(struct piotrap_state, stream.reserved), false },
	{ "KICK", PIOTRAP_KICK, sizeof(struct piotrap_kick), -1, true },
	{ "SET_LOG", PIOTRAP_SET_LOG, sizeof(struct piotrap_log),
	  offsetof(struct piotrap_log, reserved), false },
	{ "SET_CPUID", PIOTRAP_SET_CPUID, sizeof(struct piotrap_cpuid), -1,
	  false },
	{ "GET_CPUID", PIOTRAP_GET_CPUID, sizeof(struct piotrap_cpuid), -1,
	  false },
	{ "SET_WATCHES", PIOTRAP_SET_WATCHES, sizeof(struct piotrap_watches),
	  offsetof(struct piotrap_watches, reserved), false },
	{ "GET_WATCHES", PIOTRAP_GET_WATCHES, sizeof(struct piotrap_watches),
	  offsetof(struct piotrap_watches, reserved), false },
};

#define NR_CALLS	(sizeof(calls) / sizeof(calls[0]))

/* Of the first version of its struct. */
static size_t min_size(const struct call *c)
{
	switch (c->nr) {
	case PIOTRAP_INFO:
		return offsetof(struct piotrap_info, max_cpuid);
	case PIOTRAP_SET_LOG:
		return offsetof(struct piotrap_log, rec_size);
	default:
		return c->size;
	}
}

static struct piotrap_cpuid_entry entries[64];

static void good_args(const struct box *b, const struct call *c, union args *a)
{
	memset(a, 0, sizeof(*a));
	switch (c->nr) {
	case PIOTRAP_SET_REGION:
		a->region.kind = PIOTRAP_REGION_OPEN_BUS;
		a->region.gpa = 0x100000;
		a->region.len = PAGE;
		break;
	case PIOTRAP_SET_PORTS:
		a->ports.kind = PIOTRAP_PORT_LATCH;
		a->ports.first = 0x80;
		a->ports.count = 1;
		break;
	case PIOTRAP_QUEUE_INPUT:
		a->input.port = INPUT_PORT;
		a->input.len = 1;
		a->input.addr = (uintptr_t)nop;
		break;
	case PIOTRAP_RUN:
		a->run.flags = PIOTRAP_RUN_STREAM;
		a->run.stream = (uintptr_t)nop;
		a->run.len = sizeof(nop);
		break;
	case PIOTRAP_SET_STATE:
		get_state(b, &a->state);
		break;
	case PIOTRAP_SET_CPUID:
		a->cpuid.flags = PIOTRAP_CPUID_PRESET;
		break;
	case PIOTRAP_GET_CPUID:
		a->cpuid.count = 64;
		a->cpuid.entries = (uintptr_t)entries;
		break;
	}
	a->size = c->size;
}

/* All that a refused call must leave as it was. */
struct snapshot {
	struct piotrap_state st;
	uint8_t page[PIOTRAP_MMAP_SIZE];
};

static void snap(const struct box *b, struct snapshot *s)
{
	get_state(b, &s->st);
	memcpy(s->page, b->run, sizeof(s->page));
}

static bool unchanged(const struct box *b, const struct snapshot *old)
{
	static struct snapshot s;

	snap(b, &s);
	return !memcmp(&s, old, sizeof(s));
}

FIXTURE(abi)
{
	struct box b;
	struct snapshot before;
	union args a;
	uint8_t *edge;		/* the last byte before memory that is not there */
};

FIXTURE_SETUP(abi)
{
	uint8_t *two;

	BOX_SETUP(&self->b);
	/* Let the run page show the state, so that changes are seen. */
	ASSERT_EQ(0, STREAM(&self->b, 0x90));
	ASSERT_EXIT(DONE, &self->b);
	ASSERT_EQ(0, set_ports(&self->b, PIOTRAP_PORT_INPUT, INPUT_PORT, 1, 0, 0));

	two = pages(16 * PAGE);
	ASSERT_NE(NULL, two);
	ASSERT_EQ(0, munmap(two + 8 * PAGE, 8 * PAGE));
	self->edge = two + 8 * PAGE;
}

FIXTURE_TEARDOWN(abi)
{
	box_close(&self->b);
}

TEST_F(abi, enotty)
{
	static const unsigned long nr[] = {
		_IO(PIOTRAP_IOC_MAGIC, 0x0e), _IO(PIOTRAP_IOC_MAGIC, 0x7f),
		_IO(PIOTRAP_IOC_MAGIC, 0xff), _IO(0xbe, 0x00), _IO(0xbc, 0x05),
		/* The numbers carry no direction and no size. */
		_IOWR(PIOTRAP_IOC_MAGIC, 0x00, struct piotrap_info),
		_IOR(PIOTRAP_IOC_MAGIC, 0x06, struct piotrap_state),
		0x5401 /* TCGETS */, 0,
	};

	snap(&self->b, &self->before);
	for (size_t i = 0; i < sizeof(nr) / sizeof(nr[0]); i++) {
		/* Before the argument is looked at. */
		EXPECT_EQ(-ENOTTY, ctl(&self->b, nr[i], NULL))
			TH_LOG("ioctl %lx", nr[i]);
		self->a.size = 4;
		EXPECT_EQ(-ENOTTY, ctl(&self->b, nr[i], &self->a));
	}
	EXPECT_TRUE(unchanged(&self->b, &self->before));
}

TEST_F(abi, good)
{
	for (size_t i = 0; i < NR_CALLS; i++) {
		good_args(&self->b, &calls[i], &self->a);
		EXPECT_EQ(0, ctl(&self->b, calls[i].nr, &self->a))
			TH_LOG("%s", calls[i].name);
	}
}

TEST_F(abi, efault)
{
	snap(&self->b, &self->before);
	for (size_t i = 0; i < NR_CALLS; i++) {
		const struct call *c = &calls[i];
		uint8_t *at = self->edge - c->size + 1;

		EXPECT_EQ(-EFAULT, ctl(&self->b, c->nr, NULL))
			TH_LOG("%s", c->name);
		EXPECT_EQ(-EFAULT, ctl(&self->b, c->nr, self->edge))
			TH_LOG("%s", c->name);
		/* A size that cannot be read as a whole. */
		EXPECT_EQ(-EFAULT, ctl(&self->b, c->nr, self->edge - 2))
			TH_LOG("%s", c->name);
		/* All but the last byte is there. */
		good_args(&self->b, c, &self->a);
		memcpy(at, &self->a, c->size - 1);
		EXPECT_EQ(-EFAULT, ctl(&self->b, c->nr, at))
			TH_LOG("%s", c->name);
	}
	EXPECT_TRUE(unchanged(&self->b, &self->before));
}

TEST_F(abi, short_struct)
{
	snap(&self->b, &self->before);
	for (size_t i = 0; i < NR_CALLS; i++) {
		const struct call *c = &calls[i];
		const size_t min = min_size(c);
		const size_t size[] = { 0, 1, 4, min - 1, min - 8 };

		for (size_t j = 0; j < sizeof(size) / sizeof(size[0]); j++) {
			good_args(&self->b, c, &self->a);
			if (size[j] >= min)
				continue;
			self->a.size = size[j];
			EXPECT_EQ(-EINVAL, ctl(&self->b, c->nr, &self->a))
				TH_LOG("%s size %zu", c->name, size[j]);
		}
		/* Before the rest of the struct is looked at. */
		memcpy(self->edge - 4, &(uint32_t){ 4 }, 4);
		EXPECT_EQ(-EINVAL, ctl(&self->b, c->nr, self->edge - 4))
			TH_LOG("%s", c->name);
	}
	EXPECT_TRUE(unchanged(&self->b, &self->before));
}

/* What a program that was built with an older header calls. */
TEST_F(abi, first_version)
{
	struct box *b = &self->b;

	for (size_t i = 0; i < NR_CALLS; i++) {
		const struct call *c = &calls[i];
		size_t min = min_size(c);

		if (min == c->size)
			continue;
		good_args(b, c, &self->a);
		self->a.size = min;
		memset(self->a.bytes + min, 0xa5, 64);
		EXPECT_EQ(0, ctl(b, c->nr, &self->a)) TH_LOG("%s", c->name);
		for (int n = 0; n < 64; n++)
			EXPECT_EQ(0xa5, self->a.bytes[min + n])
				TH_LOG("%s", c->name);
	}
}

TEST_F(abi, longer_struct)
{
	for (size_t i = 0; i < NR_CALLS; i++) {
		const struct call *c = &calls[i];

		snap(&self->b, &self->before);
		for (unsigned int tail = 1; tail <= 64; tail *= 8) {
			good_args(&self->b, c, &self->a);
			self->a.size = c->size + tail;
			self->a.bytes[c->size + tail - 1] = 1;
			EXPECT_EQ(-E2BIG, ctl(&self->b, c->nr, &self->a))
				TH_LOG("%s tail %u", c->name, tail);
			/* Before flags are looked at. */
			self->a.kick.flags = ~0U;
			EXPECT_EQ(-E2BIG, ctl(&self->b, c->nr, &self->a))
				TH_LOG("%s tail %u", c->name, tail);
		}
		good_args(&self->b, c, &self->a);
		self->a.size = UINT_MAX;
		EXPECT_EQ(-E2BIG, ctl(&self->b, c->nr, &self->a))
			TH_LOG("%s", c->name);
		self->a.size = 65537;
		EXPECT_EQ(-E2BIG, ctl(&self->b, c->nr, &self->a))
			TH_LOG("%s", c->name);
		EXPECT_TRUE(unchanged(&self->b, &self->before))
			TH_LOG("%s", c->name);

		good_args(&self->b, c, &self->a);
		self->a.size = c->size + 64;
		EXPECT_EQ(0, ctl(&self->b, c->nr, &self->a))
			TH_LOG("%s", c->name);
	}
}

TEST_F(abi, unknown_flags_and_reserved)
{
	snap(&self->b, &self->before);
	for (size_t i = 0; i < NR_CALLS; i++) {
		const struct call *c = &calls[i];

		good_args(&self->b, c, &self->a);
		self->a.kick.flags |= 1U << 31;
		EXPECT_EQ(-EINVAL, ctl(&self->b, c->nr, &self->a))
			TH_LOG("%s flags", c->name);
		if (c->reserved < 0)
			continue;
		good_args(&self->b, c, &self->a);
		self->a.bytes[c->reserved] = 1;
		EXPECT_EQ(-EINVAL, ctl(&self->b, c->nr, &self->a))
			TH_LOG("%s reserved", c->name);
	}
	EXPECT_TRUE(unchanged(&self->b, &self->before));
}

TEST_F(abi, info)
{
	struct piotrap_info i, j;
	struct box other;

	memset(&i, 0xa5, sizeof(i));
	i.size = sizeof(i);
	i.flags = 0;
	ASSERT_EQ(0, ctl(&self->b, PIOTRAP_INFO, &i));
	EXPECT_EQ(sizeof(i), i.size);
	EXPECT_EQ(0, i.flags);
	EXPECT_EQ(PIOTRAP_ABI_VERSION, i.abi_version);
	EXPECT_EQ(PIOTRAP_MODE_REAL, i.modes & PIOTRAP_MODE_REAL);
	EXPECT_EQ(0, i.modes & ~0x1fU);
	EXPECT_TRUE(i.exit_reasons & 1ULL << PIOTRAP_EXIT_DONE);
	EXPECT_TRUE(i.exit_reasons & 1ULL << PIOTRAP_EXIT_DEBUG);
	EXPECT_TRUE(i.exit_reasons & 1ULL << PIOTRAP_EXIT_IO_PORT);
	EXPECT_EQ(0, i.exit_reasons >> (PIOTRAP_EXIT_INTERNAL + 1));
	EXPECT_EQ(0x7f, i.port_kinds & 0x7f);
	EXPECT_EQ(0, i.port_kinds >> (PIOTRAP_PORT_BPF + 1));
	EXPECT_EQ(0, i.region_kinds >> (PIOTRAP_REGION_EXIT + 1));
	EXPECT_LE(8, i.max_regions);
	EXPECT_LE(8, i.max_port_ranges);
	EXPECT_EQ(PIOTRAP_STREAM_MAX, i.max_stream);
	EXPECT_EQ(PIOTRAP_IO_DATA, i.max_io_data);
	EXPECT_LE(0x110000, i.max_memory);
	EXPECT_LE(4096, i.max_console);
	EXPECT_LE(1, i.max_input);
	EXPECT_EQ(64, i.max_cpuid);
	EXPECT_EQ(PIOTRAP_CPUID_X86_64_V3 + 1, i.cpuid_presets);

	ASSERT_EQ(0, box_open_bare(&other));
	memset(&j, 0x5a, sizeof(j));
	j.size = sizeof(j);
	j.flags = 0;
	ASSERT_EQ(0, ctl(&other, PIOTRAP_INFO, &j));
	EXPECT_NE(i.sandbox_id, j.sandbox_id);
	j.sandbox_id = i.sandbox_id;
	EXPECT_EQ(0, memcmp(&i, &j, sizeof(i)));
	box_close(&other);
}

TEST_F(abi, state_after_open)
{
	struct piotrap_state st;
	struct box other;

	ASSERT_EQ(0, box_open_bare(&other));
	ASSERT_EQ(0, get_state(&other, &st));
	EXPECT_EQ(sizeof(st), st.size);
	EXPECT_EQ(0, st.flags);
	/* The state that follows RESET. */
	EXPECT_EQ(0xfff0, st.regs.rip);
	EXPECT_EQ(0xf000, st.segs.cs.selector);
	EXPECT_EQ(0xffff0000, st.segs.cs.base);
	EXPECT_EQ(FL_FIXED, st.regs.rflags);
	EXPECT_EQ(DR6_DEFAULT, st.debug.dr6);
	EXPECT_EQ(DR7_DEFAULT, st.debug.dr7);
	EXPECT_EQ(0, st.ctrl.cr0 & 1);
	EXPECT_EQ(0, st.debug.pending_dbg);
	EXPECT_EQ(0, st.debug.interruptibility);
	EXPECT_EQ(0, st.debug.activity);
	EXPECT_EQ(PIOTRAP_EVENT_NONE, st.event.action);
	EXPECT_EQ(PIOTRAP_IO_NONE, st.io.kind);
	EXPECT_EQ(0, st.stream.len);
	EXPECT_EQ(PIOTRAP_BUDGET_UNLIMITED, st.budget);
	EXPECT_EQ(PIOTRAP_EXIT_NONE, other.run->exit_reason);
	/* The run page holds it. */
	EXPECT_EQ(0, memcmp(&other.run->regs, &st.regs, sizeof(st.regs)));
	EXPECT_EQ(0, memcmp(&other.run->segs, &st.segs, sizeof(st.segs)));
	EXPECT_EQ(0, memcmp(&other.run->ctrl, &st.ctrl, sizeof(st.ctrl)));
	EXPECT_EQ(0, memcmp(&other.run->debug, &st.debug, sizeof(st.debug)));
	EXPECT_EQ(0, memcmp(&other.run->event, &st.event, sizeof(st.event)));
	EXPECT_EQ(st.budget, other.run->budget);
	box_close(&other);
}

/* Before anything was given to it a sandbox has no memory, at 0 as elsewhere. */
TEST_F(abi, no_memory_yet)
{
	static const uint8_t code[][3] = {
		{ 0xa0, 0x10, 0x00 },	/* mov al,[10h] */
		{ 0xa2, 0x10, 0x00 },	/* mov [10h],al */
	};
	struct box other;

	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_EQ(0, box_open_bare(&other));
		ASSERT_NE(NULL, other.run);
		ASSERT_EQ(0, run_stream(&other, code[i], sizeof(code[i])));
		EXPECT_EXIT(MEMORY, &other);
		EXPECT_EQ(0x10, other.run->exit_addr);
		box_close(&other);
	}
}

/* SET_REGION */

TEST_F(abi, region_errors)
{
	static const struct {
		const char *what;
		struct piotrap_region r;
		int err;
	} t[] = {
		{ "kind", { .kind = 5, .gpa = 0x100000, .len = 4096 }, -EINVAL },
		{ "kind, large", { .kind = ~0U, .gpa = 0x100000, .len = 4096 },
		  -EINVAL },
		{ "gpa not aligned", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = 0x100800, .len = 4096 }, -EINVAL },
		{ "len not aligned", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = 0x100000, .len = 4095 }, -EINVAL },
		{ "empty", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = 0x100000 }, -EINVAL },
		{ "past 2^52", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = (1ULL << 52) - 4096, .len = 8192 }, -EINVAL },
		{ "wraps", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = 0xfffffffffffff000, .len = 8192 }, -EINVAL },
		{ "wraps to 0", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = 4096, .len = 0xfffffffffffff000 }, -EINVAL },
		{ "open bus with memory", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = 0x100000, .len = 4096, .addr = 4096 }, -EINVAL },
		{ "exit with memory", { .kind = PIOTRAP_REGION_EXIT,
		  .gpa = 0x100000, .len = 4096, .addr = 4096 }, -EINVAL },
		{ "none with memory", { .kind = PIOTRAP_REGION_NONE,
		  .gpa = 0, .len = MEM_SIZE, .addr = 4096 }, -EINVAL },
		{ "RAM not aligned", { .kind = PIOTRAP_REGION_RAM,
		  .gpa = 0x100000, .len = 4096, .addr = 1 }, -EINVAL },
		{ "RAM without memory", { .kind = PIOTRAP_REGION_RAM,
		  .gpa = 0x100000, .len = 4096 }, -EFAULT },
		{ "RAM in the kernel", { .kind = PIOTRAP_REGION_RAM,
		  .gpa = 0x100000, .len = 4096, .addr = 0xffffffff81000000 },
		  -EFAULT },
		{ "RAM that wraps", { .kind = PIOTRAP_REGION_RAM,
		  .gpa = 0x100000, .len = 8192, .addr = 0xfffffffffffff000 },
		  -EFAULT },
		{ "nothing to remove", { .kind = PIOTRAP_REGION_NONE,
		  .gpa = 0x100000, .len = 4096 }, -ENOENT },
		{ "remove a part", { .kind = PIOTRAP_REGION_NONE,
		  .gpa = 0, .len = 4096 }, -ENOENT },
		{ "remove more", { .kind = PIOTRAP_REGION_NONE,
		  .gpa = 0, .len = MEM_SIZE + 4096 }, -ENOENT },
		{ "overlap at the start", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = 0, .len = 4096 }, -EEXIST },
		{ "overlap at the end", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = MEM_SIZE - 4096, .len = 8192 }, -EEXIST },
		{ "the same again", { .kind = PIOTRAP_REGION_OPEN_BUS,
		  .gpa = 0, .len = MEM_SIZE }, -EEXIST },
	};

	snap(&self->b, &self->before);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct piotrap_region r = t[i].r;

		r.size = sizeof(r);
		EXPECT_EQ(t[i].err, ctl(&self->b, PIOTRAP_SET_REGION, &r))
			TH_LOG("%s", t[i].what);
	}
	EXPECT_TRUE(unchanged(&self->b, &self->before));
	/* Adjacent is no overlap. */
	EXPECT_EQ(0, set_region(&self->b, PIOTRAP_REGION_OPEN_BUS, MEM_SIZE,
				4096, NULL));
	/* mov al, [0]: the memory of before is still there */
	self->b.mem[0] = 0x77;
	ASSERT_EQ(0, STREAM(&self->b, 0xa0, 0x00, 0x00));
	EXPECT_EXIT(DONE, &self->b);
	EXPECT_EQ(0x77, self->b.run->regs.rax & 0xff);
}

TEST_F(abi, region_memory)
{
	struct box *b = &self->b;
	uint8_t *p;
	int fd;

	/* Not writable: not even as ROM, pins are for writing. */
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_EQ(-EFAULT, set_region(b, PIOTRAP_REGION_RAM, 0x100000, PAGE, p));
	EXPECT_EQ(-EFAULT, set_region(b, PIOTRAP_REGION_ROM, 0x100000, PAGE, p));
	/* The second page is missing. */
	EXPECT_EQ(-EFAULT, set_region(b, PIOTRAP_REGION_RAM, 0x100000,
				      2 * PAGE, self->edge - PAGE));
	/* Nothing of it stays. */
	EXPECT_EQ(-ENOENT, set_region(b, PIOTRAP_REGION_NONE, 0x100000,
				      2 * PAGE, NULL));

	/* memfd, shared: the guest's writes are seen by others. */
	fd = memfd_create("m", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_RAM, 0xa0000, PAGE, p));
	/* mov ax, 0xa000; mov ds, ax; mov byte [0], 0x42 */
	ASSERT_EQ(0, STREAM(b, 0xb8, 0x00, 0xa0, 0x8e, 0xd8,
			    0xc6, 0x06, 0x00, 0x00, 0x42));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x42, p[0]);
	EXPECT_EQ(1, pread(fd, &self->a, 1, 0));
	EXPECT_EQ(0x42, self->a.bytes[0]);
	EXPECT_EQ(0, set_region(b, PIOTRAP_REGION_NONE, 0xa0000, PAGE, NULL));

	/* memfd, private: the owner's own copy, the file stays. */
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_RAM, 0xa0000, PAGE, p));
	/* mov byte [0], 0x43 */
	ASSERT_EQ(0, STREAM(b, 0xc6, 0x06, 0x00, 0x00, 0x43));
	EXPECT_EQ(0x43, p[0]);
	EXPECT_EQ(1, pread(fd, &self->a, 1, 0));
	EXPECT_EQ(0x42, self->a.bytes[0]);
	close(fd);

	/* ROM: reads see it, writes are dropped. */
	p = pages(PAGE);
	p[1] = 0x11;
	EXPECT_EQ(0, set_region(b, PIOTRAP_REGION_NONE, 0xa0000, PAGE, NULL));
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_ROM, 0xa0000, PAGE, p));
	/* mov al, [1]; mov byte [1], 0x22; mov ah, [1] */
	ASSERT_EQ(0, STREAM(b, 0xa0, 0x01, 0x00, 0xc6, 0x06, 0x01, 0x00, 0x22,
			    0x8a, 0x26, 0x01, 0x00));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x1111, b->run->regs.rax & 0xffff);
	EXPECT_EQ(0x11, p[1]);
	/* The owner may write it. */
	p[1] = 0x33;
	/* mov al, [1] */
	ASSERT_EQ(0, STREAM(b, 0xa0, 0x01, 0x00));
	EXPECT_EQ(0x33, b->run->regs.rax & 0xff);

	/* Open bus. */
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_OPEN_BUS, 0xb0000, PAGE, NULL));
	/* mov bx, 0xb000; mov ds, bx; mov byte [0], 0; mov ax, [0] */
	ASSERT_EQ(0, STREAM(b, 0xbb, 0x00, 0xb0, 0x8e, 0xdb, 0xc6, 0x06, 0x00,
			    0x00, 0x00, 0xa1, 0x00, 0x00));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0xffff, b->run->regs.rax & 0xffff);
}

static int set_huge_pages(const char *n)
{
	int fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, n, strlen(n)) == (ssize_t)strlen(n);

	if (fd >= 0)
		close(fd);
	return done ? 0 : -1;
}

/* Huge pages, as a whole and a part of one. */
TEST_F(abi, region_of_huge_pages)
{
	const size_t huge = 2UL << 20;
	struct box *b = &self->b;
	uint8_t *p;
	int fd;

	if (set_huge_pages("2"))
		SKIP(return, "no huge pages, or not root");
	fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, huge));
	p = mmap(NULL, huge, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_RAM, 0xa0000, huge, p));
	p[0] = 0x11;
	/* mov ax, 0xa000; mov ds, ax; inc byte [0];
	 * mov ax, 0xffff; mov ds, ax; mov byte [0xffef], 0x42
	 */
	ASSERT_EQ(0, STREAM(b, 0xb8, 0x00, 0xa0, 0x8e, 0xd8, 0xfe, 0x06, 0x00, 0x00,
			    0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xc6, 0x06, 0xef, 0xff,
			    0x42));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x12, p[0]);
	EXPECT_EQ(0x42, p[0x10ffdf - 0xa0000]);
	/* The page stays, as small ones do. */
	ASSERT_EQ(0, munmap(p, huge));
	ASSERT_EQ(0, close(fd));
	/* mov al, [0xffef] */
	ASSERT_EQ(0, STREAM(b, 0xa0, 0xef, 0xff));
	EXPECT_EQ(0x42, b->run->regs.rax & 0xff);
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_NONE, 0xa0000, huge, NULL));

	/* Private, and not from its beginning. */
	p = mmap(NULL, huge, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_RAM, 0xa0000, 3 * PAGE, p + 5 * PAGE));
	/* mov ax, 0xa000; mov ds, ax; mov word [0x2ffe], 0x1234 */
	ASSERT_EQ(0, STREAM(b, 0xb8, 0x00, 0xa0, 0x8e, 0xd8,
			    0xc7, 0x06, 0xfe, 0x2f, 0x34, 0x12));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x34, p[8 * PAGE - 2]);
	EXPECT_EQ(0x12, p[8 * PAGE - 1]);
	EXPECT_EQ(0, p[8 * PAGE]);
	/* mov byte [0x3000], 1: no more than what was given */
	ASSERT_EQ(0, STREAM(b, 0xc6, 0x06, 0x00, 0x30, 0x01));
	EXPECT_EXIT(MEMORY, b);
	ASSERT_EQ(0, munmap(p, huge));
	EXPECT_EQ(0, set_region(b, PIOTRAP_REGION_NONE, 0xa0000, 3 * PAGE, NULL));
	EXPECT_EQ(0, set_huge_pages("0"));
}

/* The region is its pages: what becomes of the mapping does not change it. */
TEST_F(abi, region_outlives_mapping)
{
	struct box *b = &self->b;
	uint8_t *p = pages(PAGE);
	pid_t pid;

	p[0] = 1;
	ASSERT_EQ(0, set_region(b, PIOTRAP_REGION_RAM, 0xa0000, PAGE, p));

	/* After fork a write of the child's must not move our page away. */
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		p[0] = 2;
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	p[0] = 3;
	/* mov ax, 0xa000; mov ds, ax; mov al, [0]; inc byte [0] */
	ASSERT_EQ(0, STREAM(b, 0xb8, 0x00, 0xa0, 0x8e, 0xd8, 0xa0, 0x00, 0x00,
			    0xfe, 0x06, 0x00, 0x00));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(3, b->run->regs.rax & 0xff);
	EXPECT_EQ(4, p[0]);

	ASSERT_EQ(0, munmap(p, PAGE));
	/* mov al, [0]; inc byte [0]; mov ah, [0] */
	ASSERT_EQ(0, STREAM(b, 0xa0, 0x00, 0x00, 0xfe, 0x06, 0x00, 0x00,
			    0x8a, 0x26, 0x00, 0x00));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x0504, b->run->regs.rax & 0xffff);
}

TEST_F(abi, region_limits)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &self->b;
	unsigned int n;
	int err = 0;

	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	/* One is there already. */
	for (n = 1; n < i.max_regions; n++) {
		err = set_region(b, PIOTRAP_REGION_OPEN_BUS,
				 0x1000000 + n * 2 * PAGE, PAGE, NULL);
		if (err)
			break;
	}
	EXPECT_EQ(0, err);
	EXPECT_EQ(i.max_regions, n);
	EXPECT_EQ(-E2BIG, set_region(b, PIOTRAP_REGION_OPEN_BUS, 0x100000,
				     PAGE, NULL));
	/* EEXIST is found first, and room is made by removing. */
	EXPECT_EQ(-EEXIST, set_region(b, PIOTRAP_REGION_OPEN_BUS, 0, PAGE, NULL));
	EXPECT_EQ(0, set_region(b, PIOTRAP_REGION_NONE, 0x1000000 + 2 * PAGE,
				PAGE, NULL));
	EXPECT_EQ(0, set_region(b, PIOTRAP_REGION_OPEN_BUS, 0x100000, PAGE, NULL));
}

TEST_F(abi, region_max_memory)
{
	struct piotrap_info i = { .size = sizeof(i) };
	uint8_t *p = pages(PAGE);

	ASSERT_EQ(0, ctl(&self->b, PIOTRAP_INFO, &i));
	/* Refused before any of it is touched: it is not even mapped. */
	EXPECT_EQ(-E2BIG, set_region(&self->b, PIOTRAP_REGION_RAM, 0x100000000,
				     i.max_memory & -PAGE, p));
}

/* Limits that hold for those who are not root */

static long locked_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmLck: %ld kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* Become nobody, in the device's group, with a limit. */
static int drop_root(size_t memlock)
{
	struct rlimit l = { memlock, memlock };
	struct stat st;
	gid_t gid;

	if (stat(DEVICE, &st))
		return -errno;
	gid = st.st_gid;
	if (setrlimit(RLIMIT_MEMLOCK, &l) || setgroups(1, &gid) ||
	    setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return -errno;
	return 0;
}

TEST(memlock)
{
	struct box b;
	uint8_t *p;
	int err;

	if (getuid())
		SKIP(return, "needs root to become someone else");
	ASSERT_EQ(0, drop_root(64 * 1024));
	err = box_open_bare(&b);
	if (err == -EACCES)
		SKIP(return, "the device has no group but root's");
	ASSERT_EQ(0, err);
	p = pages(128 * 1024);
	EXPECT_EQ(0, locked_kib());
	EXPECT_EQ(-ENOMEM, set_region(&b, PIOTRAP_REGION_RAM, 0, 128 * 1024, p));
	EXPECT_EQ(0, locked_kib());
	ASSERT_EQ(0, set_region(&b, PIOTRAP_REGION_RAM, 0, 60 * 1024, p));
	EXPECT_EQ(60, locked_kib());
	EXPECT_EQ(-ENOMEM, set_region(&b, PIOTRAP_REGION_RAM, 0x100000,
				      8 * 1024, p));
	/* The log counts too. */
	EXPECT_EQ(-ENOMEM, set_log(&b, PIOTRAP_LOG_PORTS, p, 8 * 1024));
	ASSERT_EQ(0, set_log(&b, PIOTRAP_LOG_PORTS, p, 4 * 1024));
	EXPECT_EQ(64, locked_kib());
	ASSERT_EQ(0, set_log(&b, 0, NULL, 0));
	EXPECT_EQ(60, locked_kib());
	ASSERT_EQ(0, set_region(&b, PIOTRAP_REGION_NONE, 0, 60 * 1024, NULL));
	EXPECT_EQ(0, locked_kib());
	/* What mlock() has taken counts for the process alone; then the user's account
	 * is as before, or the next region would be refused.
	 */
	ASSERT_EQ(0, mlock(p, 60 * 1024));
	EXPECT_EQ(-ENOMEM, set_region(&b, PIOTRAP_REGION_RAM, 0, 8 * 1024,
				      p + 64 * 1024));
	EXPECT_EQ(60, locked_kib());
	ASSERT_EQ(0, munlock(p, 60 * 1024));
	ASSERT_EQ(0, set_region(&b, PIOTRAP_REGION_RAM, 0, 64 * 1024, p));
	EXPECT_EQ(64, locked_kib());
	box_close(&b);
	EXPECT_EQ(0, locked_kib());
}

/* The last reference goes in another process: the one that pinned is relieved. */
TEST(memlock_fork)
{
	struct box b;
	pid_t pid;
	int pipe_fd[2], status;
	char c;

	if (access(DEVICE, R_OK | W_OK))
		SKIP(return, "no permission");
	ASSERT_EQ(0, box_open(&b));
	EXPECT_EQ((long)(MEM_SIZE / 1024), locked_kib());
	ASSERT_EQ(0, pipe(pipe_fd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* When the parent has closed, ours is the last. */
		read(pipe_fd[0], &c, 1);
		box_close(&b);
		_exit(locked_kib() == 0 ? 0 : 1);
	}
	close(b.fd);
	munmap(b.run, PIOTRAP_MMAP_SIZE);
	EXPECT_EQ((long)(MEM_SIZE / 1024), locked_kib());
	ASSERT_EQ(1, write(pipe_fd[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, locked_kib());
}

/* The program that pinned is gone, its successor in the process closes. */
TEST(memlock_exec)
{
	char arg[16];
	struct box b;
	pid_t pid;
	int status;

	if (access(DEVICE, R_OK | W_OK))
		SKIP(return, "no permission");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (box_open(&b) || fcntl(b.fd, F_SETFD, 0))
			_exit(10);
		snprintf(arg, sizeof(arg), "%d", b.fd);
		execl("/proc/self/exe", "abi", "--close", arg, NULL);
		_exit(11);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &m, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], data;
	struct iovec iov = { &data, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
		return -EIO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* The sandbox changes hands and goes on, with the memory of one who is gone. */
TEST(memlock_socket)
{
	struct box b, got = { 0 };
	int sock[2], status;
	pid_t pid;

	if (access(DEVICE, R_OK | W_OK))
		SKIP(return, "no permission");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		SKIP(return, "no sockets in this kernel");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (box_open(&b))
			_exit(10);
		b.mem[5] = 0x5e;
		if (run_stream(&b, nop, sizeof(nop)))
			_exit(11);
		_exit(send_fd(sock[1], b.fd) ? 12 : 0);
	}
	got.fd = receive_fd(sock[0]);
	ASSERT_LE(0, got.fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	got.run = mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED, got.fd, 0);
	ASSERT_NE(MAP_FAILED, got.run);
	EXPECT_EQ(0, locked_kib());
	/* mov al, [5] */
	ASSERT_EQ(0, STREAM(&got, 0xa0, 0x05, 0x00));
	EXPECT_EXIT(DONE, &got);
	EXPECT_EQ(0x5e, got.run->regs.rax & 0xff);
	box_close(&got);
	EXPECT_EQ(0, locked_kib());
}

/* SET_PORTS */

TEST_F(abi, ports_errors)
{
	static const struct {
		const char *what;
		struct piotrap_ports p;
		int err;
	} t[] = {
		{ "kind", { .kind = 7, .count = 1 }, -EINVAL },
		{ "kind, large", { .kind = ~0U, .count = 1 }, -EINVAL },
		{ "no ports", { .kind = PIOTRAP_PORT_LATCH }, -EINVAL },
		{ "first", { .kind = PIOTRAP_PORT_LATCH, .first = 65536,
		  .count = 1 }, -EINVAL },
		{ "count", { .kind = PIOTRAP_PORT_LATCH, .first = 1,
		  .count = 65536 }, -EINVAL },
		{ "count, wraps", { .kind = PIOTRAP_PORT_LATCH, .first = 2,
		  .count = ~0U }, -EINVAL },
		{ "init", { .kind = PIOTRAP_PORT_LATCH, .count = 1,
		  .init = 256 }, -EINVAL },
		{ "init of open bus", { .kind = PIOTRAP_PORT_OPEN_BUS,
		  .count = 1, .init = 1 }, -EINVAL },
		{ "init of exit", { .kind = PIOTRAP_PORT_EXIT,
		  .count = 1, .init = 1 }, -EINVAL },
		{ "init of input", { .kind = PIOTRAP_PORT_INPUT,
		  .count = 1, .init = 1 }, -EINVAL },
		{ "drop of a latch", { .kind = PIOTRAP_PORT_LATCH, .count = 1,
		  .flags = PIOTRAP_PORTS_DROP }, -EINVAL },
		{ "wait of a console", { .kind = PIOTRAP_PORT_CONSOLE,
		  .count = 1, .flags = PIOTRAP_PORTS_WAIT }, -EINVAL },
		{ "match of an input", { .kind = PIOTRAP_PORT_INPUT,
		  .count = 1, .flags = PIOTRAP_PORTS_MATCH }, -EINVAL },
		{ "match without its flag", { .kind = PIOTRAP_PORT_LATCH,
		  .count = 1, .match = 1 }, -EINVAL },
		{ "mask without its flag", { .kind = PIOTRAP_PORT_LATCH,
		  .count = 1, .mask = 1 }, -EINVAL },
		{ "eventfd of a latch", { .kind = PIOTRAP_PORT_LATCH,
		  .count = 1, .eventfd = 1 }, -EINVAL },
		{ "init of BPF", { .kind = PIOTRAP_PORT_BPF, .count = 1,
		  .init = 256 }, -EINVAL },
		{ "drop of BPF", { .kind = PIOTRAP_PORT_BPF, .count = 1,
		  .flags = PIOTRAP_PORTS_DROP }, -EINVAL },
		{ "BPF not asked for", { .kind = PIOTRAP_PORT_BPF, .count = 1 },
		  -EPERM },
		{ "no eventfd", { .kind = PIOTRAP_PORT_EVENTFD, .count = 1,
		  .eventfd = -1 }, -EBADF },
		{ "not open", { .kind = PIOTRAP_PORT_EVENTFD, .count = 1,
		  .eventfd = 1023 }, -EBADF },
	};
	struct piotrap_ports p;

	snap(&self->b, &self->before);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		p = t[i].p;
		p.size = sizeof(p);
		EXPECT_EQ(t[i].err, ctl(&self->b, PIOTRAP_SET_PORTS, &p))
			TH_LOG("%s", t[i].what);
	}
	/* A descriptor, but no eventfd. */
	p = (struct piotrap_ports) {
		.size = sizeof(p), .kind = PIOTRAP_PORT_EVENTFD, .count = 1,
		.eventfd = self->b.fd,
	};
	EXPECT_EQ(-EINVAL, ctl(&self->b, PIOTRAP_SET_PORTS, &p));
	EXPECT_TRUE(unchanged(&self->b, &self->before));
	/* in al, 0: still open bus */
	ASSERT_EQ(0, STREAM(&self->b, 0xe4, 0x00));
	EXPECT_EQ(0xff, self->b.run->regs.rax & 0xff);
}

TEST_F(abi, ports_limit)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &self->b;
	unsigned int n;

	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	/* The input range of the fixture is one. */
	for (n = 1; n < i.max_port_ranges; n++)
		ASSERT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0x1000 + 2 * n, 1,
				       n & 0xff, 0));
	EXPECT_EQ(-E2BIG, set_ports(b, PIOTRAP_PORT_LATCH, 0x100, 1, 0, 0));
	/* mov dx, 0x1004; in al, dx: the others are as they were */
	ASSERT_EQ(0, STREAM(b, 0xba, 0x04, 0x10, 0xec));
	EXPECT_EQ(2, b->run->regs.rax & 0xff);
	/* A range that replaces others makes room by itself. */
	EXPECT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0x1000, 0x100, 7, 0));
	EXPECT_EQ(0, set_ports(b, PIOTRAP_PORT_LATCH, 0x100, 1, 0, 0));
}

TEST_F(abi, input_errors)
{
	struct piotrap_info i = { .size = sizeof(i) };
	struct box *b = &self->b;
	struct piotrap_input in = {
		.size = sizeof(in), .port = INPUT_PORT, .len = 1,
	};
	uint8_t *buf;
	long n, sum = 0;

	ASSERT_EQ(0, ctl(b, PIOTRAP_INFO, &i));
	buf = pages((i.max_input + 2 * PAGE) & -PAGE);
	ASSERT_NE(NULL, buf);

	EXPECT_EQ(-EINVAL, queue_input(b, 65536, buf, 1));
	EXPECT_EQ(-EINVAL, queue_input(b, INPUT_PORT, buf, 0));
	EXPECT_EQ(-EINVAL, queue_input(b, INPUT_PORT, buf, i.max_input + 1));
	EXPECT_EQ(-ENOENT, queue_input(b, INPUT_PORT + 1, buf, 1));
	EXPECT_EQ(-EFAULT, ctl(b, PIOTRAP_QUEUE_INPUT, &in));
	/* A part that can be read is not taken either. */
	in.addr = (uintptr_t)self->edge - 1;
	in.len = 2;
	EXPECT_EQ(-EFAULT, ctl(b, PIOTRAP_QUEUE_INPUT, &in));
	/* in al, 0x60: nothing was queued */
	ASSERT_EQ(0, STREAM(b, 0xe4, 0x60));
	EXPECT_EQ(0xff, b->run->regs.rax & 0xff);

	EXPECT_EQ(3, queue_input(b, INPUT_PORT, buf, 3));
	while ((n = queue_input(b, INPUT_PORT, buf, i.max_input)) > 0)
		sum += n;
	EXPECT_EQ(-ENOSPC, n);
	EXPECT_EQ(i.max_input - 3, sum);
}

TEST_F(abi, log_errors)
{
	struct piotrap_log l = { .size = sizeof(l) };
	uint8_t *p = pages(2 * PAGE);
	struct box *b = &self->b;

	snap(b, &self->before);
	EXPECT_EQ(-EINVAL, set_log(b, 4, p, PAGE));
	EXPECT_EQ(-EINVAL, set_log(b, PIOTRAP_LOG_PORTS, p + 8, PAGE));
	EXPECT_EQ(-EINVAL, set_log(b, PIOTRAP_LOG_PORTS, p, PAGE - 64));
	EXPECT_EQ(-EINVAL, set_log(b, PIOTRAP_LOG_PORTS, p, 0));
	EXPECT_EQ(-EINVAL, set_log(b, 0, p, PAGE));
	EXPECT_EQ(-EINVAL, set_log(b, 0, p, 0));
	EXPECT_EQ(-EINVAL, set_log(b, 0, NULL, PAGE));
	l.rec_size = 128;
	EXPECT_EQ(-EINVAL, ctl(b, PIOTRAP_SET_LOG, &l));
	l.flags = PIOTRAP_LOG_PORTS;
	l.addr = (uintptr_t)p;
	l.len = PAGE;
	l.rec_size = 96;
	EXPECT_EQ(-EINVAL, ctl(b, PIOTRAP_SET_LOG, &l));
	l.rec_size = 256;
	EXPECT_EQ(-EINVAL, ctl(b, PIOTRAP_SET_LOG, &l));
	EXPECT_EQ(-E2BIG, set_log(b, PIOTRAP_LOG_PORTS, p, (16UL << 20) + PAGE));
	EXPECT_EQ(-EFAULT, set_log(b, PIOTRAP_LOG_PORTS, self->edge - PAGE,
				   2 * PAGE));
	EXPECT_EQ(-EFAULT, set_log(b, PIOTRAP_LOG_PORTS, NULL, PAGE));
	EXPECT_TRUE(unchanged(b, &self->before));
	EXPECT_EQ(0, set_log(b, 0, NULL, 0));
	EXPECT_EQ(0, set_log(b, PIOTRAP_LOG_PORTS | PIOTRAP_LOG_STEPS, p, PAGE));
}

/* RUN's arguments and the run page */

TEST_F(abi, run_errors)
{
	static const uint8_t long_stream[PIOTRAP_STREAM_MAX + 1];
	struct box *b = &self->b;
	struct piotrap_run_args a = { .size = sizeof(a) };

	b->run->regs.rax = 0x1234;
	touch(b, PIOTRAP_GROUP_REGS);
	snap(b, &self->before);

	EXPECT_EQ(-EINVAL, run_stream(b, nop, 0));
	EXPECT_EQ(-EINVAL, run_stream(b, long_stream, sizeof(long_stream)));
	EXPECT_EQ(-EFAULT, run_stream(b, NULL, 1));
	EXPECT_EQ(-EFAULT, run_stream(b, self->edge - 1, 2));
	a.len = 1;
	EXPECT_EQ(-EINVAL, ctl(b, PIOTRAP_RUN, &a));
	/* What is dirty stays so, and is not taken. */
	EXPECT_TRUE(unchanged(b, &self->before));

	touch(b, 1U << 7);
	EXPECT_EQ(-EINVAL, run_stream(b, nop, 1));
	b->run->dirty = 1U << 31;
	EXPECT_EQ(-EINVAL, run_stream(b, nop, 1));
	b->run->dirty = PIOTRAP_GROUP_REGS;
	EXPECT_TRUE(unchanged(b, &self->before));

	ASSERT_EQ(0, run_stream(b, nop, 1));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, b->run->dirty);
	EXPECT_EQ(0x1234, b->run->regs.rax);
	EXPECT_EQ(0x7f, b->run->valid & 0x7f);
	EXPECT_EQ(1, b->run->boundaries);
	/* The longest stream. */
	EXPECT_EQ(0, run_stream(b, long_stream, PIOTRAP_STREAM_MAX));
}

/* A group that is not consistent: none is taken, the good ones neither. */
TEST_F(abi, run_inconsistent)
{
	struct box *b = &self->b;
	struct piotrap_run saved;
	unsigned int nr = 0;

	saved = *b->run;
#define REFUSED(group, at, value) do {					\
	b->run->regs.rax = 0xdead;					\
	(at) = (value);							\
	touch(b, PIOTRAP_GROUP_REGS | PIOTRAP_GROUP_##group);		\
	snap(b, &self->before);						\
	EXPECT_EQ(-EINVAL, run_stream(b, nop, 1))			\
		TH_LOG("%s", #at);					\
	EXPECT_TRUE(unchanged(b, &self->before));			\
	*b->run = saved;						\
	nr++;								\
} while (0)
	REFUSED(SEGS, b->run->segs.ds.reserved[0], 1);
	REFUSED(SEGS, b->run->segs.gdtr.reserved[2], 1);
	REFUSED(DEBUG, b->run->debug.pending_dbg, 1 << 12);
	REFUSED(DEBUG, b->run->debug.pending_dbg, 1 << 13);
	REFUSED(DEBUG, b->run->debug.pending_dbg, 1ULL << 32);
	REFUSED(DEBUG, b->run->debug.interruptibility, 1 << 4);
	REFUSED(DEBUG, b->run->debug.activity, 3);
	REFUSED(DEBUG, b->run->debug.dr6, 1ULL << 32);
	REFUSED(DEBUG, b->run->debug.dr7, 1ULL << 32);
	REFUSED(EVENT, b->run->event.action, PIOTRAP_EVENT_ABSORB + 1);
	REFUSED(EVENT, b->run->event.flags, 1U << 31);
	REFUSED(EVENT, b->run->event.intr_pending, 2);
	REFUSED(CTRL, b->run->ctrl.cr0, 1UL << 31);	/* PG without PE */
#undef REFUSED
	EXPECT_EQ(13, nr);
	/* An answer where none is asked for is not looked at. */
	b->run->io.done = 1;
	touch(b, PIOTRAP_GROUP_IO);
	EXPECT_EQ(0, run_stream(b, nop, 1));
	EXPECT_EQ(PIOTRAP_IO_NONE, b->run->io.kind);
}

TEST_F(abi, run_page_mapping)
{
	struct box *b = &self->b;
	struct piotrap_run *again;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ,
				   MAP_SHARED, b->fd, PAGE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ,
				   MAP_SHARED, b->fd, PIOTRAP_MMAP_SIZE));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PIOTRAP_MMAP_SIZE + PAGE, PROT_READ,
				   MAP_SHARED, b->fd, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, b->fd,
				   1ULL << 40));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ,
				   MAP_PRIVATE, b->fd, 0));
	/* It does not grow. */
	EXPECT_EQ(MAP_FAILED, mremap(b->run, PIOTRAP_MMAP_SIZE,
				     PIOTRAP_MMAP_SIZE + PAGE, MREMAP_MAYMOVE));

	/* A second mapping is the same page. */
	again = mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED, b->fd, 0);
	ASSERT_NE(MAP_FAILED, again);
	again->regs.rax = 0x4711;
	again->dirty = PIOTRAP_GROUP_REGS;
	ASSERT_EQ(0, run_stream(b, nop, 1));
	EXPECT_EQ(0x4711, b->run->regs.rax);
	EXPECT_EQ(0, b->run->dirty);

	/* It stays when the descriptor is closed. */
	close(b->fd);
	b->fd = -1;
	EXPECT_EQ(0x4711, again->regs.rax);
	again->regs.rax = 1;
	EXPECT_EQ(1, b->run->regs.rax);
	munmap(again, PIOTRAP_MMAP_SIZE);
}

TEST_F(abi, run_page_is_a_mailbox)
{
	struct box *b = &self->b;

	/* What no group names is not taken. */
	b->run->regs.rax = 0xbad;
	b->run->debug.dr6 = 0;
	ASSERT_EQ(0, run_stream(b, nop, 1));
	EXPECT_NE(0xbad, b->run->regs.rax);
	EXPECT_EQ(DR6_DEFAULT, b->run->debug.dr6);
	/* Output fields are written anew. */
	memset(b->run->insn, 0x5a, sizeof(b->run->insn));
	b->run->exit_reason = 99;
	b->run->insn_len = 0x5a;
	b->run->exit_addr = 0x5a;
	b->run->exit_linear = 0x5a;
	b->run->boundaries = 0x5a;
	b->run->valid = 0;
	ASSERT_EQ(0, STREAM(b, 0x90, 0x90, 0x90));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(3, b->run->boundaries);
	EXPECT_EQ(0, b->run->insn_len);
	EXPECT_EQ(0, b->run->exit_addr);
	EXPECT_EQ(0x7f, b->run->valid & 0x7f);
}

TEST_F(abi, stream)
{
	struct box *b = &self->b;

	/* The end, exactly. */
	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0x90, 0x90));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(CODE + 2, b->run->regs.rip);
	/* Left: jmp $+4, of three bytes. */
	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0xeb, 0x02, 0x90));
	EXPECT_EXIT(LEFT_STREAM, b);
	EXPECT_EQ(CODE + 4, b->run->regs.rip);
	/* jmp to the end */
	reset_cpu(b);
	ASSERT_EQ(0, STREAM(b, 0xeb, 0x01, 0xf4));
	EXPECT_EXIT(DONE, b);
	/* Data accesses see memory (K5): mov al, [CODE] */
	reset_cpu(b);
	b->mem[CODE] = 0x99;
	ASSERT_EQ(0, STREAM(b, 0xa0, 0x00, 0x10));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0x99, b->run->regs.rax & 0xff);
	/* A fetch past its end takes memory's bytes: mov ax, 0x..34 */
	reset_cpu(b);
	b->mem[CODE + 2] = 0x12;
	ASSERT_EQ(0, STREAM(b, 0xb8, 0x34));
	EXPECT_EXIT(LEFT_STREAM, b);
	EXPECT_EQ(0x1234, b->run->regs.rax & 0xffff);
	EXPECT_EQ(CODE + 3, b->run->regs.rip);
	/* Without a stream, memory runs: inc ax; hlt */
	reset_cpu(b);
	PUT(b, 0x40, 0xf4);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(HLT, b);
	EXPECT_EQ(1, b->run->regs.rax);
	EXPECT_EQ(CODE + 2, b->run->regs.rip);
	/* A stop in the stream goes on in the stream: inc bx; inc bx; inc bx */
	reset_cpu(b);
	b->run->budget = 1;
	ASSERT_EQ(0, STREAM(b, 0x43, 0x43, 0x43));
	EXPECT_EXIT(BUDGET, b);
	b->run->budget = 9;
	touch(b, PIOTRAP_GROUP_BUDGET);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(3, b->run->regs.rbx);
	EXPECT_EQ(7, b->run->budget);
}

/* How a run ends from outside (K11) */

TEST_F(abi, budget)
{
	struct box *b = &self->b;

	reset_cpu(b);
	b->run->budget = 3;
	ASSERT_EQ(0, STREAM(b, 0x90, 0x90, 0x90, 0x90, 0x90));
	EXPECT_EXIT(BUDGET, b);
	EXPECT_EQ(3, b->run->boundaries);
	EXPECT_EQ(0, b->run->budget);
	EXPECT_EQ(CODE + 3, b->run->regs.rip);
	/* It is kept: nothing runs without. */
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(BUDGET, b);
	EXPECT_EQ(0, b->run->boundaries);
	EXPECT_EQ(CODE + 3, b->run->regs.rip);
	/* What is exactly enough is not too little. */
	b->run->budget = 2;
	touch(b, PIOTRAP_GROUP_BUDGET);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(0, b->run->budget);
	/* Without limit it does not shrink. */
	b->run->budget = PIOTRAP_BUDGET_UNLIMITED;
	touch(b, PIOTRAP_GROUP_BUDGET);
	ASSERT_EQ(0, STREAM(b, 0x90));
	EXPECT_EQ(PIOTRAP_BUDGET_UNLIMITED, b->run->budget);
}

TEST_F(abi, immediate_exit)
{
	struct box *b = &self->b;

	b->run->immediate_exit = 1;
	ASSERT_EQ(0, run_stream(b, nop, 1));
	EXPECT_EXIT(IMMEDIATE, b);
	EXPECT_EQ(0, b->run->boundaries);
	/* Never written by the kernel. */
	EXPECT_EQ(1, b->run->immediate_exit);
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(IMMEDIATE, b);
	b->run->immediate_exit = 0;
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	EXPECT_EQ(1, b->run->boundaries);
}

TEST_F(abi, kick_before)
{
	struct box *b = &self->b;

	ASSERT_EQ(0, kick(b));
	ASSERT_EQ(0, kick(b));
	ASSERT_EQ(0, run_stream(b, nop, 1));
	EXPECT_EXIT(IMMEDIATE, b);
	EXPECT_EQ(0, b->run->boundaries);
	/* Once. */
	ASSERT_EQ(0, run_on(b));
	EXPECT_EXIT(DONE, b);
	/* A refused run does not use it up. */
	ASSERT_EQ(0, kick(b));
	ASSERT_EQ(-EINVAL, run_stream(b, nop, 0));
	ASSERT_EQ(0, run_stream(b, nop, 1));
	EXPECT_EXIT(IMMEDIATE, b);
}

struct runner {
	struct box *b;
	pthread_t thread;
	int err;
};

static void *run_forever(void *arg)
{
	struct runner *r = arg;

	r->err = run_stream(r->b, jmp_self, sizeof(jmp_self));
	return NULL;
}

/* Start a run that does not end by itself, and wait until it is under way. */
static int start_runner(struct runner *r, struct box *b)
{
	struct piotrap_state st;
	int err, tries = 10000;

	r->b = b;
	if (pthread_create(&r->thread, NULL, run_forever, r))
		return -EAGAIN;
	while ((err = get_state(b, &st)) != -EBUSY && tries--)
		usleep(100);
	return err == -EBUSY ? 0 : -ETIME;
}

static int end_runner(struct runner *r)
{
	kick(r->b);
	pthread_join(r->thread, NULL);
	return r->err;
}

TEST_F(abi, busy)
{
	struct box *b = &self->b;
	struct runner r;
	struct pollfd p = { .fd = b->fd, .events = POLLIN };
	uint8_t *mem = pages(PAGE);

	reset_cpu(b);
	ASSERT_EQ(0, start_runner(&r, b));
	for (size_t i = 0; i < NR_CALLS; i++) {
		const struct call *c = &calls[i];

		if (c->nr == PIOTRAP_KICK)
			continue;
		good_args(b, c, &self->a);
		self->a.size = c->size;
		if (c->nr == PIOTRAP_SET_STATE)
			memset(self->a.bytes + 4, 0, c->size - 4);
		EXPECT_EQ(c->while_running ? 0 : -EBUSY,
			  ctl(b, c->nr, &self->a))
			TH_LOG("%s", c->name);
		/* Found first: what is wrong with the argument. */
		self->a.kick.flags = 1U << 31;
		EXPECT_EQ(-EINVAL, ctl(b, c->nr, &self->a))
			TH_LOG("%s", c->name);
		EXPECT_EQ(-EFAULT, ctl(b, c->nr, NULL)) TH_LOG("%s", c->name);
		self->a.size = 0;
		EXPECT_EQ(-EINVAL, ctl(b, c->nr, &self->a))
			TH_LOG("%s", c->name);
	}
	/* Found later: what each call lists. */
	EXPECT_EQ(-EBUSY, set_region(b, PIOTRAP_REGION_RAM, 0, 1, NULL));
	EXPECT_EQ(-EBUSY, set_log(b, PIOTRAP_LOG_PORTS, mem, 1));
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(0, fcntl(b->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(b->fd, &self->a, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, end_runner(&r));
	EXPECT_EXIT(IMMEDIATE, b);
	EXPECT_EQ(CODE, b->run->regs.rip);
	/* Nothing of it was done. */
	EXPECT_EQ(-ENOENT, set_region(b, PIOTRAP_REGION_NONE, 0x100000, PAGE,
				      NULL));
}

TEST_F(abi, immediate_exit_during_run)
{
	struct box *b = &self->b;
	struct runner r;

	ASSERT_EQ(0, start_runner(&r, b));
	b->run->immediate_exit = 1;
	pthread_join(r.thread, NULL);
	EXPECT_EQ(0, r.err);
	EXPECT_EXIT(IMMEDIATE, b);
	EXPECT_EQ(1, b->run->immediate_exit);
}

static volatile sig_atomic_t signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

static void signal_soon(int restart)
{
	struct sigaction sa = { .sa_handler = count_signal };
	struct itimerval it = { .it_value.tv_usec = 50000 };

	if (restart)
		sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

TEST_F(abi, signal)
{
	struct box *b = &self->b;
	sigset_t set;

	for (int restart = 0; restart < 2; restart++) {
		reset_cpu(b);
		signals = 0;
		signal_soon(restart);
		/* 0, and the reason why: it is never restarted. */
		ASSERT_EQ(0, run_stream(b, jmp_self, sizeof(jmp_self)));
		EXPECT_EXIT(SIGNAL, b);
		EXPECT_EQ(1, signals);
		EXPECT_EQ(CODE, b->run->regs.rip);
	}

	/* One that is blocked is not pending for the thread. */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGALRM);
	reset_cpu(b);
	ASSERT_EQ(0, run_stream(b, nop, 1));
	EXPECT_EXIT(DONE, b);
}

TEST_F(abi, killed)
{
	struct timespec begin, end;
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		struct box b;

		if (box_open(&b))
			_exit(1);
		/* mov cx, 0xffff; rep movsb; jmp $-5: always within a REP */
		STREAM(&b, 0xb9, 0xff, 0xff, 0xf3, 0xa4, 0xeb, 0xf9);
		_exit(2);
	}
	usleep(200000);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	clock_gettime(CLOCK_MONOTONIC, &end);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	EXPECT_GT(5, end.tv_sec - begin.tv_sec);
}

/* The last close comes while a run is under way: it must end first. */
TEST_F(abi, close_during_run)
{
	struct box *b = &self->b;
	struct runner r;

	ASSERT_EQ(0, start_runner(&r, b));
	ASSERT_EQ(0, close(b->fd));
	b->run->immediate_exit = 1;
	pthread_join(r.thread, NULL);
	EXPECT_EQ(0, r.err);
	EXPECT_EXIT(IMMEDIATE, b);
	b->fd = -1;
}

/* An owner with 32-bit pointers calls with the same structs. */
TEST_F(abi, no_holes)
{
	EXPECT_EQ(88, sizeof(struct piotrap_info));
	EXPECT_EQ(24, sizeof(struct piotrap_cpuid));
	EXPECT_EQ(24, sizeof(struct piotrap_cpuid_entry));
	EXPECT_EQ(48, sizeof(struct piotrap_watch));
	EXPECT_EQ(24, sizeof(struct piotrap_watches));
	EXPECT_EQ(48, sizeof(struct piotrap_config));
	EXPECT_EQ(40, sizeof(struct piotrap_region));
	EXPECT_EQ(48, sizeof(struct piotrap_ports));
	EXPECT_EQ(24, sizeof(struct piotrap_input));
	EXPECT_EQ(32, sizeof(struct piotrap_bpf_io));
	EXPECT_EQ(29, offsetof(struct piotrap_bpf_io, action));
	EXPECT_EQ(144, sizeof(struct piotrap_regs));
	EXPECT_EQ(24, sizeof(struct piotrap_segment));
	EXPECT_EQ(224, sizeof(struct piotrap_segs));
	EXPECT_EQ(160, sizeof(struct piotrap_ctrl));
	EXPECT_EQ(88, sizeof(struct piotrap_debug));
	EXPECT_EQ(32, sizeof(struct piotrap_event));
	EXPECT_EQ(32, sizeof(struct piotrap_io));
	EXPECT_EQ(24, sizeof(struct piotrap_replay));
	EXPECT_EQ(24, sizeof(struct piotrap_run_args));
	EXPECT_EQ(8, sizeof(struct piotrap_kick));
	EXPECT_EQ(32, sizeof(struct piotrap_log));
	EXPECT_EQ(128, sizeof(struct piotrap_log_rec));
	EXPECT_EQ(128, sizeof(struct piotrap_log_ring));
	EXPECT_GE(PIOTRAP_DATA_OFFSET, sizeof(struct piotrap_run));
	EXPECT_EQ(20, offsetof(struct piotrap_run, exit_error));
	EXPECT_EQ(88, offsetof(struct piotrap_run, regs));
}

/* What memlock_exec runs: close a descriptor, look at the account. */
static int close_and_look(const char *fd)
{
	close(atoi(fd));
	return locked_kib() == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--close"))
		return close_and_look(argv[2]);
	return box_main(argc, argv);
}
