// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "../tell.h"
#include "host.h"

static struct host *host_of(struct emu *cpu)
{
	return cpu->host;
}

static bool within(u64 first, u64 last, u64 gpa)
{
	return first < last && gpa >= first && gpa <= last;
}

static enum host_page page_kind(const struct host *h, u64 gpa)
{
	if (within(h->mmio_first, h->mmio_last, gpa))
		return PAGE_OWNER;
	if (gpa >= h->mem_size || within(h->hole_first, h->hole_last, gpa))
		return PAGE_HOLE;
	return gpa / 4096 < HOST_PAGES ? h->page[gpa / 4096] : PAGE_PLAIN;
}

static void touch(struct host *h, u64 gpa)
{
	if (gpa / 4096 < HOST_PAGES)
		h->touched |= 1U << gpa / 4096;
}

/* Where page @n is, if no page is followed by the one with the next number. */
static size_t scattered(u64 n)
{
	return HOST_MEM - 4096 * (n + 1);
}

static u8 *window(struct emu *cpu, u64 gpa, bool *writable)
{
	struct host *h = host_of(cpu);
	enum host_page kind = page_kind(h, gpa);

	touch(h, gpa);
	if (h->no_windows || (kind != PAGE_PLAIN && kind != PAGE_ROM))
		return NULL;
	if (kind == PAGE_ROM)
		*writable = false;
	if (h->scattered)
		return h->scattered_mem + scattered(gpa / 4096) + gpa % 4096;
	return h->mem + gpa;
}

/*
 * Would the instruction find another memory if it began again? It has written to a page
 * table by a hook; or it reads a page table by a window, in which it has meanwhile set
 * accessed bits itself, while what hooks have read is kept for it.
 */
static bool sees_itself(struct emu *cpu)
{
	struct host *h = host_of(cpu);

	return h->table_at == cpu->boundaries + 1 ||
	       (!h->no_windows && cpu->st.ctrl.cr0 & EMU_CR0_PG);
}

/*
 * Now and then a hook fails, or stops. It has done nothing then, and is asked for the
 * same again. It does so more rarely each time at one boundary: an instruction that
 * takes hundreds of calls has to get on.
 */
static int refuse(struct emu *cpu)
{
	struct host *h = host_of(cpu);

	if (!h->fail)
		return EMU_OK;
	if (h->fail_at != cpu->boundaries)
		h->fails = 0;
	h->fail_at = cpu->boundaries;
	h->fail_seed = h->fail_seed * 1664525 + 1013904223;
	if ((h->fail_seed >> 8) % (h->fail << h->fails) || sees_itself(cpu))
		return EMU_OK;
	h->fails = min(h->fails + 1, 8);
	h->failed = true;
	if (h->fail_seed >> 31)
		return EMU_FAIL;
	cpu->host_exit = 2;
	return EMU_EXIT;
}

static int mem_read(struct emu *cpu, u64 gpa, unsigned int size, u64 *val)
{
	struct host *h = host_of(cpu);
	int r = refuse(cpu);

	if (r)
		return r;
	switch (page_kind(h, gpa)) {
	case PAGE_OWNER:
		return EMU_EXIT;
	case PAGE_HOLE:
		return EMU_FAIL;
	default:
		break;
	}
	touch(h, gpa);
	h->watched += gpa == h->watch;
	*val = 0;
	memcpy(val, h->mem + gpa, size);
	return EMU_OK;
}

static int mem_write(struct emu *cpu, u64 gpa, unsigned int size, u64 val)
{
	struct host *h = host_of(cpu);
	int r = refuse(cpu);

	if (r)
		return r;
	switch (page_kind(h, gpa)) {
	case PAGE_OWNER:
		return EMU_EXIT;
	case PAGE_HOLE:
		return EMU_FAIL;
	case PAGE_ROM:
		return EMU_OK;
	default:
		break;
	}
	touch(h, gpa);
	if (emu_is_table(cpu, gpa))
		h->table_at = cpu->boundaries + 1;
	if (h->on_write)
		h->on_write(h, gpa, size, val);
	memcpy(h->mem + gpa, &val, size);
	return EMU_OK;
}

static bool backed(struct emu *cpu, u64 gpa)
{
	return page_kind(host_of(cpu), gpa) != PAGE_HOLE;
}

static void log_io(struct host *h, u16 port, unsigned int size, u8 dir, u32 val)
{
	if (h->nr_io < HOST_LOG)
		h->io[h->nr_io++] = (struct host_access){ port, size, dir, val };
}

/* Every other time: it is asked again at once. */
static int stop_once(struct host *h)
{
	if (++h->asks % 2 == 0)
		return EMU_OK;
	h->cpu.host_exit = 2;
	return EMU_EXIT;
}

static int port_check(struct emu *cpu, u16 port, unsigned int size,
		      enum emu_dir dir, u32 val)
{
	struct host *h = host_of(cpu);
	int r = refuse(cpu);

	if (r)
		return r;
	if (port == h->owner_port)
		return EMU_EXIT;
	if (port == h->stop_port) {
		cpu->host_exit = 1;
		return EMU_EXIT;
	}
	return h->port_stop ? stop_once(h) : EMU_OK;
}

static void mix(u64 *hash, u64 val)
{
	*hash = (*hash ^ val) * 0x9e3779b97f4a7c15ULL;
	*hash ^= *hash >> 29;
}

/* What an owner's log would have of the instruction. */
static bool tell(struct emu *cpu, u64 rip, u64 rflags, u8 bits)
{
	struct host *h = host_of(cpu);
	unsigned int n;

	if (h->step_stop && stop_once(h) == EMU_EXIT)
		return false;
	mix(&h->told_hash, rip);
	mix(&h->told_hash, rflags);
	mix(&h->told_hash, bits);
	for (n = 0; n < EMU_NR_GPRS; n++)
		mix(&h->told_hash, cpu->st.regs.gpr[n]);
	return true;
}

static int step(struct emu *cpu)
{
	u8 bits = 16 << emu_decode_mode(cpu);

	return tell(cpu, cpu->st.regs.rip, emu_rflags(cpu), bits) ? EMU_OK : EMU_EXIT;
}

static enum emu_uop_result step_uop(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	bool go = tell(cpu, emu_tell_rip(cpu, u), flags_image(cpu), emu_tell_bits(u));

	return emu_tell_done(cpu, u, left, go);
}

void host_step_uop(struct host *h, bool on)
{
	h->ops.step_uop = on ? step_uop : NULL;
}

static bool port_split(struct emu *cpu, u16 port, unsigned int size)
{
	struct host *h = host_of(cpu);

	return h->split_port >= port && h->split_port < (int)(port + size);
}

u32 host_next_in(struct host *h, u16 port, unsigned int size)
{
	u32 v = h->on_in ? h->on_in(h, port, size) : h->read_seed++;

	return v & (u32)size_mask(size);
}

void host_ask(struct host *h, u16 port)
{
	if (port != h->irq_port || (h->irq_at && h->irq_at != h->nr_io))
		return;
	h->cpu.st.event.intr_pending = 1;
	h->cpu.st.event.intr_vector = h->irq_vector;
}

static int port_read(struct emu *cpu, u16 port, unsigned int size, u32 *val)
{
	struct host *h = host_of(cpu);

	*val = host_next_in(h, port, size);
	log_io(h, port, size, EMU_READ, *val);
	host_ask(h, port);
	return EMU_OK;
}

static int port_write(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	log_io(host_of(cpu), port, size, EMU_WRITE, val);
	host_ask(host_of(cpu), port);
	return EMU_OK;
}

static bool special(struct host *h, u16 port, unsigned int size)
{
	return !h->bulk || h->port_stop || port == h->owner_port ||
	       port == h->stop_port ||
	       (h->cpu.ops->port_split && port_split(&h->cpu, port, size)) ||
	       refuse(&h->cpu);
}

static void trace(struct emu *cpu, const struct emu_trace *t);

static void note_quick(struct host *h, u16 port, unsigned int size, enum emu_dir dir,
		       u32 val)
{
	struct emu_trace t = {
		.kind = EMU_TRACE_PORT, .dir = dir, .size = size, .port = port,
		.count = 1, .value = val,
	};

	log_io(h, port, size, dir, val);
	emu_where(&h->cpu);
	if (h->cpu.ops->trace)
		trace(&h->cpu, &t);
	h->quick++;
	host_ask(h, port);
}

static s64 port_read_quick(struct emu *cpu, u16 port, unsigned int size)
{
	struct host *h = host_of(cpu);
	u32 val;

	if (special(h, port, size))
		return EMU_DECLINED;
	val = host_next_in(h, port, size);
	note_quick(h, port, size, EMU_READ, val);
	return val;
}

static bool port_write_quick(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	struct host *h = host_of(cpu);

	if (special(h, port, size))
		return false;
	note_quick(h, port, size, EMU_WRITE, val);
	return true;
}

static u32 read_bulk(struct emu *cpu, u16 port, unsigned int size, void *buf,
		     u32 count)
{
	struct host *h = host_of(cpu);
	u32 n, val;

	if (special(h, port, size) || port == h->irq_port)
		return 0;
	count = min(count, h->bulk_max);
	for (n = 0; n < count; n++) {
		val = host_next_in(h, port, size);
		log_io(h, port, size, EMU_READ, val);
		memcpy((u8 *)buf + n * size, &val, size);
	}
	h->bulk_elements += n;
	return n;
}

static u32 write_bulk(struct emu *cpu, u16 port, unsigned int size,
		      const void *buf, u32 count)
{
	struct host *h = host_of(cpu);
	u32 n, val;

	if (special(h, port, size) || port == h->irq_port)
		return 0;
	count = min(count, h->bulk_max);
	for (n = 0; n < count; n++) {
		val = 0;
		memcpy(&val, (const u8 *)buf + n * size, size);
		log_io(h, port, size, EMU_WRITE, val);
	}
	h->bulk_elements += n;
	return n;
}

static int poll(struct emu *cpu)
{
	struct host *h = host_of(cpu);

	h->polls++;
	if (!h->poll_stop)
		return EMU_OK;
	/* At each boundary; the poll on entry lets one instruction through. */
	h->late |= cpu->boundaries > h->polled_at + 1;
	h->polled_at = cpu->boundaries;
	cpu->poll_left = 1;
	if (h->polls > 1) {
		h->polls = 0;
		cpu->host_exit = 2;
		return EMU_EXIT;
	}
	return EMU_OK;
}

static void trace(struct emu *cpu, const struct emu_trace *t)
{
	struct host *h = host_of(cpu);

	switch (t->kind) {
	case EMU_TRACE_PORT:
		h->trace_ports += t->count;
		break;
	case EMU_TRACE_REP_BREAK:
		break;
	default:
		mix(&h->trace_hash, t->kind | t->cause << 8 | t->held << 16 |
			       (u64)t->vector << 24);
		mix(&h->trace_hash, t->value);
		mix(&h->trace_hash, t->old);
		mix(&h->trace_hash, t->new);
	}
	if (h->nr_trace < HOST_LOG)
		h->trace[h->nr_trace++] = *t;
}

/* The caller's memory: the same bytes, without paging; other kinds are not there. */

static u8 *user_bytes(struct emu *cpu, u64 addr, unsigned int size, bool write)
{
	struct host *h = host_of(cpu);
	enum host_page kind = page_kind(h, addr);
	bool refused = refuse(cpu);

	/* They do not only stop. */
	cpu->host_exit = 0;
	touch(h, addr);
	if (!refused && (kind == PAGE_PLAIN || (kind == PAGE_ROM && !write)))
		return h->mem + addr;
	cpu->exit.linear = addr;
	cpu->exit.gpa = addr;
	cpu->exit.size = size;
	cpu->exit.error = write ? EMU_PF_W | EMU_PF_U : EMU_PF_U;
	return NULL;
}

static int user_read(struct emu *cpu, u64 addr, unsigned int size, u64 *val)
{
	const u8 *p = user_bytes(cpu, addr, size, false);

	if (!p)
		return EMU_FAIL;
	*val = 0;
	memcpy(val, p, size);
	return EMU_OK;
}

static int user_write(struct emu *cpu, u64 addr, unsigned int size, u64 val)
{
	u8 *p = user_bytes(cpu, addr, size, true);

	if (!p)
		return EMU_FAIL;
	memcpy(p, &val, size);
	return EMU_OK;
}

static int user_exchange(struct emu *cpu, u64 addr, unsigned int size,
			 const u64 *old, const u64 *val)
{
	u8 *p = user_bytes(cpu, addr, size, true);

	if (!p)
		return EMU_FAIL;
	if (memcmp(p, old, size))
		return EMU_RETRY;
	memcpy(p, val, size);
	return EMU_OK;
}

static int user_fetch(struct emu *cpu, u64 addr, unsigned int n, u8 *buf,
		      unsigned int *got)
{
	const u8 *p = user_bytes(cpu, addr, n, false);

	if (!p)
		return EMU_FAIL;
	memcpy(buf, p, n);
	*got = n;
	return EMU_OK;
}

static int user_pin(struct emu *cpu, u64 addr, u8 **page)
{
	u8 *p = user_bytes(cpu, addr, 1, true);

	if (!p)
		return EMU_FAIL;
	*page = p - addr % 4096;
	host_of(cpu)->pinned++;
	return EMU_OK;
}

static void user_unpin(struct emu *cpu)
{
	host_of(cpu)->pinned = 0;
}

static u64 rdtsc(struct emu *cpu)
{
	return cpu->boundaries * 3 + (1ULL << 40);
}

static const struct emu_ops ops = {
	.window = window,
	.read = mem_read,
	.write = mem_write,
	.backed = backed,
	.port_check = port_check,
	.port_split = port_split,
	.port_read = port_read,
	.port_write = port_write,
	.port_read_quick = port_read_quick,
	.port_write_quick = port_write_quick,
	.port_read_bulk = read_bulk,
	.port_write_bulk = write_bulk,
	.poll = poll,
	.step = step,
	.rdtsc = rdtsc,
	.user_read = user_read,
	.user_write = user_write,
	.user_exchange = user_exchange,
	.user_fetch = user_fetch,
	.user_pin = user_pin,
	.user_unpin = user_unpin,
	.trace = trace,
};

static u8 *map(void)
{
	void *p = mmap(NULL, HOST_MEM, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void host_absent(struct host *h, u32 bits)
{
	h->ops = ops;
	if (bits & HOST_NO_BACKED)
		h->ops.backed = NULL;
	if (bits & HOST_NO_PORT_CHECK)
		h->ops.port_check = NULL;
	if (bits & HOST_NO_PORT_SPLIT)
		h->ops.port_split = NULL;
	if (bits & HOST_NO_PORT_QUICK)
		h->ops.port_read_quick = NULL;
	if (bits & HOST_NO_READ_BULK)
		h->ops.port_read_bulk = NULL;
	if (bits & HOST_NO_WRITE_BULK)
		h->ops.port_write_bulk = NULL;
	if (bits & HOST_NO_TRACE)
		h->ops.trace = NULL;
	if (bits & HOST_NO_STEP)
		h->ops.step = NULL;
	if (bits & HOST_NO_RDTSC)
		h->ops.rdtsc = NULL;
}

void host_init(struct host *h)
{
	u64 n;

	memset(h, 0, sizeof(*h));
	h->mem = map();
	h->scattered_mem = map();
	/* A page of shared memory that is moved from a length of 0 stays there too. */
	for (n = 0; n < HOST_MEM / 4096; n++)
		if (mremap(h->mem + 4096 * n, 0, 4096,
			   MREMAP_MAYMOVE | MREMAP_FIXED,
			   h->scattered_mem + scattered(n)) == MAP_FAILED)
			abort();
	h->mem_size = HOST_MEM;
	h->owner_port = -1;
	h->split_port = -1;
	h->stop_port = -1;
	h->irq_port = -1;
	h->bulk_max = ~0U;
	host_absent(h, HOST_NO_RDTSC);
	emu_init(&h->cpu, &h->ops, h);
}

void host_free(struct host *h)
{
	munmap(h->mem, HOST_MEM);
	munmap(h->scattered_mem, HOST_MEM);
}

void host_reset(struct host *h)
{
	u32 flags = h->cpu.flags;
	struct emu_config config = h->cpu.config;

	emu_init(&h->cpu, &h->ops, h);
	h->cpu.flags = flags;
	h->cpu.config = config;
	h->nr_io = 0;
	h->nr_trace = 0;
	h->trace_hash = 0;
	h->trace_ports = 0;
	h->polls = 0;
	h->asks = 0;
	h->watched = 0;
	h->asked = 0;
	h->pinned = 0;
}

void host_code(struct host *h, u16 ip, const u8 *code, unsigned int len)
{
	struct emu_state *st = &h->cpu.st;
	unsigned int n;

	for (n = EMU_ES; n <= EMU_GS; n++) {
		st->segs.seg[n].selector = 0;
		st->segs.seg[n].base = 0;
	}
	st->regs.rip = ip;
	st->regs.gpr[EMU_RSP] = 0x7000;
	memcpy(h->mem + ip, code, len);
	emu_load(&h->cpu);
}

void host_write(struct host *h, u64 gpa, const void *p, unsigned int size)
{
	touch(h, gpa);
	touch(h, gpa + size - 1);
	memcpy(h->mem + gpa, p, size);
}

void host_change(struct host *h)
{
	host_write(h, h->change_gpa, &h->change_val, 1);
}

void host_deliver_all(struct host *h)
{
	memset(&h->cpu.config, 0, sizeof(h->cpu.config));
}
