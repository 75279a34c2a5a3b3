// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks, as the module has them. Where that has locks or barriers so has this:
 * what they cost is part of an access.
 */
#include "host.h"
#include "../tell.h"

static struct bench_host *host_of(struct emu *cpu)
{
	return cpu->host;
}

/* -- Memory: all of it RAM, but for what the owner serves. -- */

static bool is_mmio(u64 gpa)
{
	return gpa >= GUEST_MMIO && gpa < GUEST_MMIO_END;
}

static u8 *window(struct emu *cpu, u64 gpa, bool *writable)
{
	if (gpa >= GUEST_SIZE || is_mmio(gpa))
		return NULL;
	return host_of(cpu)->mem + gpa;
}

static int no_window(struct emu *cpu, u64 gpa)
{
	if (gpa >= GUEST_SIZE)
		return EMU_FAIL;
	if (is_mmio(gpa)) {
		cpu->host_exit = PIOTRAP_EXIT_NONE;
		return EMU_EXIT;
	}
	return EMU_OK;
}

static int mem_read(struct emu *cpu, u64 gpa, unsigned int size, u64 *val)
{
	int ret = no_window(cpu, gpa);

	if (ret != EMU_OK)
		return ret;
	*val = 0;
	memcpy(val, host_of(cpu)->mem + gpa, size);
	return EMU_OK;
}

static int mem_write(struct emu *cpu, u64 gpa, unsigned int size, u64 val)
{
	int ret = no_window(cpu, gpa);

	if (ret != EMU_OK)
		return ret;
	memcpy(host_of(cpu)->mem + gpa, &val, size);
	return EMU_OK;
}

static bool backed(struct emu *cpu, u64 gpa)
{
	return gpa < GUEST_SIZE;
}

/* -- The console's ring. -- */

static u32 console_room(const struct console *con)
{
	u32 tail = __atomic_load_n(&con->tail, __ATOMIC_ACQUIRE);

	return CONSOLE_SIZE - (con->head - tail);
}

static void console_write(struct console *con, const void *data, u32 len)
{
	u32 pos = con->head & (CONSOLE_SIZE - 1);
	u32 part = min(len, CONSOLE_SIZE - pos);

	memcpy(con->buf + pos, data, part);
	memcpy(con->buf, (const u8 *)data + part, len - part);
	__atomic_store_n(&con->head, con->head + len, __ATOMIC_RELEASE);
}

static void console_put(struct console *con, u32 val, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		con->buf[(con->head + i) & (CONSOLE_SIZE - 1)] = val >> (8 * i);
	__atomic_store_n(&con->head, con->head + len, __ATOMIC_RELEASE);
}

static void console_wake(struct console *con)
{
	if (con->announced == con->head)
		return;
	con->announced = con->head;
	/* wq_has_sleeper() */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (READ_ONCE(con->sleeper))
		host_of(con->sleeper)->traced++;
}

/* -- Ports. -- */

static struct port_range *range_of(struct bench_host *h, u32 port)
{
	if (port >= NR_PORTS)
		return h->range[0];
	return h->range[h->slot[(u16)port]];
}

static struct port_range *single_range(struct bench_host *h, u32 port,
				       unsigned int size)
{
	struct port_range *r = range_of(h, port);
	unsigned int i;

	for (i = 1; i < size; i++)
		if (range_of(h, port + i) != r)
			return NULL;
	return r;
}

static bool port_split(struct emu *cpu, u16 port, unsigned int size)
{
	struct bench_host *h = host_of(cpu);
	u32 kind = range_of(h, port)->kind;
	unsigned int i;

	for (i = 1; i < size; i++)
		if (range_of(h, port + i)->kind != kind)
			return true;
	return false;
}

/* How far there is room is asked of the owner only once all of it is used. */
static noinline bool log_find_room(struct step_log *log)
{
	u64 used = log->own_head - __atomic_load_n(&log->head[1], __ATOMIC_ACQUIRE);
	u64 slot = log->own_head % LOG_RECORDS;

	if (used >= LOG_RECORDS)
		return false;
	log->at = log->rec + slot * PIOTRAP_LOG_REC_FIRST;
	log->end = log->at + min(LOG_RECORDS - used, LOG_RECORDS - slot) *
			     PIOTRAP_LOG_REC_FIRST;
	return true;
}

static bool log_has_room(struct step_log *log)
{
	return likely(log->at != log->end) || log_find_room(log);
}

static int log_check(struct emu *cpu)
{
	if (log_has_room(&host_of(cpu)->log))
		return EMU_OK;
	cpu->host_exit = PIOTRAP_EXIT_LOG_FULL;
	return EMU_EXIT;
}

static int port_check(struct emu *cpu, u16 port, unsigned int size,
		      enum emu_dir dir, u32 val)
{
	struct bench_host *h = host_of(cpu);
	u32 reason = PIOTRAP_EXIT_NONE, bytes = 0;
	struct port_range *r;
	unsigned int i;

	if ((h->log_flags & PIOTRAP_LOG_PORTS) && log_check(cpu) != EMU_OK)
		return EMU_EXIT;
	for (i = 0; i < size; i++) {
		r = range_of(h, port + i);
		if (dir == EMU_WRITE && r->kind == PIOTRAP_PORT_CONSOLE &&
		    ++bytes > console_room(&h->console) && !reason)
			reason = PIOTRAP_EXIT_CONSOLE_FULL;
		if (dir == EMU_READ && r->kind == PIOTRAP_PORT_INPUT &&
		    (r->flags & PIOTRAP_PORTS_WAIT) && ++bytes > r->len &&
		    !reason)
			reason = PIOTRAP_EXIT_INPUT_EMPTY;
	}
	if (!reason)
		return EMU_OK;
	cpu->host_exit = reason;
	return EMU_EXIT;
}

static u8 input_byte(struct port_range *r)
{
	u8 byte;

	if (!r->len)
		return 0xff;
	byte = r->buf[r->pos];
	r->pos = (r->pos + 1) % INPUT_SIZE;
	r->len--;
	return byte;
}

static u8 read_byte(struct port_range *r, u32 port)
{
	switch (r->kind) {
	case PIOTRAP_PORT_LATCH:
		return r->buf[port - r->first];
	case PIOTRAP_PORT_CONSOLE:
		return 0xe9;
	case PIOTRAP_PORT_INPUT:
		return input_byte(r);
	default:
		return 0xff;
	}
}

static int port_read(struct emu *cpu, u16 port, unsigned int size, u32 *val)
{
	struct bench_host *h = host_of(cpu);
	unsigned int i;

	*val = 0;
	for (i = 0; i < size; i++)
		*val |= (u32)read_byte(range_of(h, port + i), port + i) << (8 * i);
	return EMU_OK;
}

static void write_part(struct bench_host *h, struct port_range *r, u32 port,
		       unsigned int size, u32 val)
{
	unsigned int i;

	switch (r->kind) {
	case PIOTRAP_PORT_LATCH:
		for (i = 0; i < size; i++)
			r->buf[port + i - r->first] = val >> (8 * i);
		break;
	case PIOTRAP_PORT_CONSOLE:
		if (size <= console_room(&h->console))
			console_write(&h->console, &val, size);
		break;
	}
}

static int port_write(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	struct bench_host *h = host_of(cpu);
	struct port_range *r = single_range(h, port, size);
	unsigned int i;

	if (r) {
		write_part(h, r, port, size, val);
		return EMU_OK;
	}
	for (i = 0; i < size; i++)
		write_part(h, range_of(h, port + i), port + i, 1,
			   (val >> (8 * i)) & 0xff);
	return EMU_OK;
}

static void input_bytes(struct port_range *r, u8 *to, u32 len)
{
	u32 part = min(len, INPUT_SIZE - r->pos);

	memcpy(to, r->buf + r->pos, part);
	memcpy(to + part, r->buf, len - part);
	r->pos = (r->pos + len) % INPUT_SIZE;
	r->len -= len;
}

static noinline s64 any_read_quick(struct emu *cpu, u16 port, unsigned int size)
{
	struct bench_host *h = host_of(cpu);
	struct port_range *r = single_range(h, port, size);
	unsigned int i;
	u32 val;

	if (!r || (r->kind == PIOTRAP_PORT_INPUT && r->flags & PIOTRAP_PORTS_WAIT &&
		   size > r->len))
		return EMU_DECLINED;
	val = read_byte(r, port);
	for (i = 1; i < size; i++)
		val |= (u32)read_byte(r, port + i) << (8 * i);
	if (READ_ONCE(h->tracing)) {
		emu_where(cpu);
		h->traced++;
	}
	return val;
}

static s64 port_read_quick(struct emu *cpu, u16 port, unsigned int size)
{
	struct bench_host *h = host_of(cpu);
	struct port_range *r = range_of(h, port);

	if (size == 1 && r->kind == PIOTRAP_PORT_LATCH && !READ_ONCE(h->tracing))
		return r->buf[port - r->first];
	return any_read_quick(cpu, port, size);
}

static noinline bool any_write_quick(struct emu *cpu, u16 port, unsigned int size,
				     u32 val)
{
	struct bench_host *h = host_of(cpu);
	struct port_range *r = single_range(h, port, size);

	if (!r || (r->kind == PIOTRAP_PORT_CONSOLE && size > console_room(&h->console)))
		return false;
	if (READ_ONCE(h->tracing)) {
		emu_where(cpu);
		h->traced++;
	}
	if (r->kind == PIOTRAP_PORT_CONSOLE)
		console_put(&h->console, val, size);
	else
		write_part(h, r, port, size, val);
	return true;
}

static bool port_write_quick(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	struct bench_host *h = host_of(cpu);
	struct port_range *r = range_of(h, port);
	struct console *con = &h->console;

	if (size != 1 || r->kind != PIOTRAP_PORT_CONSOLE || READ_ONCE(h->tracing) ||
	    !console_room(con))
		return any_write_quick(cpu, port, size, val);
	con->buf[con->head & (CONSOLE_SIZE - 1)] = val;
	__atomic_store_n(&con->head, con->head + 1, __ATOMIC_RELEASE);
	return true;
}

static u32 port_read_bulk(struct emu *cpu, u16 port, unsigned int size, void *buf,
			  u32 count)
{
	struct port_range *r = single_range(host_of(cpu), port, size);

	if (!r)
		return 0;
	switch (r->kind) {
	case PIOTRAP_PORT_OPEN_BUS:
		memset(buf, 0xff, (size_t)count * size);
		return count;
	case PIOTRAP_PORT_CONSOLE:
		memset(buf, 0xe9, (size_t)count * size);
		return count;
	case PIOTRAP_PORT_INPUT:
		count = min(count, r->len / size);
		input_bytes(r, buf, count * size);
		return count;
	default:
		return 0;
	}
}

static u32 port_write_bulk(struct emu *cpu, u16 port, unsigned int size,
			   const void *buf, u32 count)
{
	struct bench_host *h = host_of(cpu);
	struct port_range *r = single_range(h, port, size);
	u32 first = 0;

	if (!r)
		return 0;
	switch (r->kind) {
	case PIOTRAP_PORT_OPEN_BUS:
	case PIOTRAP_PORT_INPUT:
		break;
	case PIOTRAP_PORT_CONSOLE:
		count = min(count, console_room(&h->console) / size);
		break;
	default:
		return 0;
	}
	if (!count)
		return 0;
	memcpy(&first, buf, size);
	if (READ_ONCE(h->tracing))
		h->traced += count + first;
	if (r->kind == PIOTRAP_PORT_CONSOLE)
		console_write(&h->console, buf, count * size);
	return count;
}

/* -- The rest. -- */

static int poll(struct emu *cpu)
{
	console_wake(&host_of(cpu)->console);
	return EMU_OK;
}

/* The next instruction's record, for which there is room. */
static __always_inline void log_step(struct emu *cpu, u64 rip, u8 bits)
{
	struct step_log *log = &host_of(cpu)->log;
	const u64 *gpr = cpu->st.regs.gpr;
	struct piotrap_log_rec *rec = (void *)log->at;

	*(u64 *)rec = PIOTRAP_REC_STEP | (u64)bits << 24 |
		      (u64)cpu->st.segs.seg[EMU_CS].selector << 48;
	rec->rip = rip;
	rec->value = gpr[EMU_RAX];
	rec->rflags = flags_image(cpu);
	rec->rcx = gpr[EMU_RCX];
	rec->rdx = gpr[EMU_RDX];
	rec->rsi = gpr[EMU_RSI];
	rec->rdi = gpr[EMU_RDI];
	log->at += PIOTRAP_LOG_REC_FIRST;
	log->own_head++;
	__atomic_store_n(&log->head[0], log->own_head, __ATOMIC_RELEASE);
}

static int step(struct emu *cpu)
{
	if (log_check(cpu) != EMU_OK)
		return EMU_EXIT;
	log_step(cpu, cpu->st.regs.rip, 32);
	return EMU_OK;
}

static enum emu_uop_result step_uop(struct emu *cpu, const struct emu_uop *u, u64 left);

static noinline enum emu_uop_result
step_uop_without_room(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	return log_check(cpu) == EMU_OK ? step_uop(cpu, u, left) :
					  emu_tell_done(cpu, u, left, false);
}

static enum emu_uop_result step_uop(struct emu *cpu, const struct emu_uop *u, u64 left)
{
	const struct step_log *log = &host_of(cpu)->log;

	if (unlikely(log->at == log->end))
		return step_uop_without_room(cpu, u, left);
	log_step(cpu, emu_tell_rip(cpu, u), emu_tell_bits(u));
	return emu_tell_done(cpu, u, left, true);
}

/* All tracepoints are off, but the emulator calls nevertheless. */
static void trace(struct emu *cpu, const struct emu_trace *t)
{
	struct bench_host *h = host_of(cpu);

	switch (t->kind) {
	case EMU_TRACE_PORT:
	case EMU_TRACE_PENDING:
	case EMU_TRACE_REP_BREAK:
	case EMU_TRACE_DEBUG:
	case EMU_TRACE_EVENT:
		if (unlikely(READ_ONCE(h->tracing)))
			h->traced++;
		break;
	}
}

const struct emu_ops bench_ops = {
	.window = window,
	.read = mem_read,
	.write = mem_write,
	.backed = backed,
	.port_split = port_split,
	.port_read = port_read,
	.port_write = port_write,
	.port_read_quick = port_read_quick,
	.port_write_quick = port_write_quick,
	.port_read_bulk = port_read_bulk,
	.port_write_bulk = port_write_bulk,
	.poll = poll,
	.step = step,
	.step_uop = step_uop,
	.port_check = port_check,
	.trace = trace,
};
