// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "host.h"

static struct host *host_of(struct emu *cpu)
{
	return cpu->host;
}

static bool within(u64 first, u64 last, u64 gpa)
{
	return first < last && gpa >= first && gpa <= last;
}

static bool plain(const struct host *h, u64 gpa)
{
	return gpa < h->mem_size && !within(h->mmio_first, h->mmio_last, gpa) &&
	       !within(h->hole_first, h->hole_last, gpa);
}

static u8 *window(struct emu *cpu, u64 gpa, bool *writable)
{
	struct host *h = host_of(cpu);

	if (h->no_windows || !plain(h, gpa))
		return NULL;
	return h->mem + gpa;
}

static int mem_read(struct emu *cpu, u64 gpa, unsigned int size, u64 *val)
{
	struct host *h = host_of(cpu);

	if (within(h->mmio_first, h->mmio_last, gpa))
		return EMU_EXIT;
	if (!plain(h, gpa))
		return EMU_FAIL;
	*val = 0;
	memcpy(val, h->mem + gpa, size);
	return EMU_OK;
}

static int mem_write(struct emu *cpu, u64 gpa, unsigned int size, u64 val)
{
	struct host *h = host_of(cpu);

	if (within(h->mmio_first, h->mmio_last, gpa))
		return EMU_EXIT;
	if (!plain(h, gpa))
		return EMU_FAIL;
	if (h->on_write)
		h->on_write(h, gpa, size, val);
	memcpy(h->mem + gpa, &val, size);
	return EMU_OK;
}

static bool backed(struct emu *cpu, u64 gpa)
{
	struct host *h = host_of(cpu);

	return plain(h, gpa) || within(h->mmio_first, h->mmio_last, gpa);
}

static void log_io(struct host *h, u16 port, unsigned int size, u8 dir, u32 val)
{
	if (h->nr_io < HOST_LOG)
		h->io[h->nr_io++] = (struct host_access){ port, size, dir, val };
}

static int port_check(struct emu *cpu, u16 port, unsigned int size,
		      enum emu_dir dir)
{
	struct host *h = host_of(cpu);

	if (port == h->owner_port)
		return EMU_EXIT;
	if (port == h->stop_port) {
		cpu->host_exit = 1;
		return EMU_EXIT;
	}
	return EMU_OK;
}

static bool port_split(struct emu *cpu, u16 port, unsigned int size)
{
	struct host *h = host_of(cpu);

	return h->split_port >= port && h->split_port < (int)(port + size);
}

static u32 next_in(struct host *h, u16 port, unsigned int size)
{
	u32 v = h->on_in ? h->on_in(h, port, size) : h->read_seed++;

	return v & (u32)size_mask(size);
}

static int port_read(struct emu *cpu, u16 port, unsigned int size, u32 *val)
{
	struct host *h = host_of(cpu);

	*val = next_in(h, port, size);
	log_io(h, port, size, EMU_READ, *val);
	return EMU_OK;
}

static int port_write(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	log_io(host_of(cpu), port, size, EMU_WRITE, val);
	return EMU_OK;
}

static bool special(struct host *h, u16 port, unsigned int size)
{
	return !h->bulk || port == h->owner_port || port == h->stop_port ||
	       port_split(&h->cpu, port, size);
}

static u32 read_bulk(struct emu *cpu, u16 port, unsigned int size, void *buf,
		     u32 count)
{
	struct host *h = host_of(cpu);
	u32 n, val;

	if (special(h, port, size))
		return 0;
	count = min(count, h->bulk_max);
	for (n = 0; n < count; n++) {
		val = next_in(h, port, size);
		log_io(h, port, size, EMU_READ, val);
		memcpy((u8 *)buf + n * size, &val, size);
	}
	return n;
}

static u32 write_bulk(struct emu *cpu, u16 port, unsigned int size,
		      const void *buf, u32 count)
{
	struct host *h = host_of(cpu);
	u32 n, val;

	if (special(h, port, size))
		return 0;
	count = min(count, h->bulk_max);
	for (n = 0; n < count; n++) {
		val = 0;
		memcpy(&val, (const u8 *)buf + n * size, size);
		log_io(h, port, size, EMU_WRITE, val);
	}
	return n;
}

static int poll(struct emu *cpu)
{
	struct host *h = host_of(cpu);

	h->polls++;
	if (!h->poll_stop)
		return EMU_OK;
	/* At each boundary; the poll on entry lets one instruction through. */
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

	if (h->nr_trace < HOST_LOG)
		h->trace[h->nr_trace++] = *t;
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
	.port_read_bulk = read_bulk,
	.port_write_bulk = write_bulk,
	.poll = poll,
	.trace = trace,
};

void host_init(struct host *h)
{
	memset(h, 0, sizeof(*h));
	h->mem = calloc(1, HOST_MEM);
	if (!h->mem)
		abort();
	h->mem_size = HOST_MEM;
	h->owner_port = -1;
	h->split_port = -1;
	h->stop_port = -1;
	h->bulk_max = ~0U;
	emu_init(&h->cpu, &ops, h);
}

void host_free(struct host *h)
{
	free(h->mem);
}

void host_reset(struct host *h)
{
	u32 flags = h->cpu.flags;
	struct emu_config config = h->cpu.config;

	emu_init(&h->cpu, &ops, h);
	h->cpu.flags = flags;
	h->cpu.config = config;
	h->nr_io = 0;
	h->nr_trace = 0;
	h->polls = 0;
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

void host_deliver_all(struct host *h)
{
	memset(&h->cpu.config, 0, sizeof(h->cpu.config));
}
