// SPDX-License-Identifier: GPL-2.0
/*
 * Accesses that a hook serves, and those that the owner serves after an exit.
 *
 * An instruction that leaves is started again from its first byte once the owner
 * has answered. What had been served for it by then is kept in program order and
 * answered from there, so that no side effect happens twice (K6). A string
 * instruction may offer many elements in one exit; those that were answered are
 * taken one for each iteration, as the iterations commit.
 */
#include "internal.h"

static bool same_access(const struct emu_replay *e, enum emu_io_kind kind,
			enum emu_dir dir, u64 addr, unsigned int size)
{
	return e->kind == kind && e->dir == dir && e->addr == addr &&
	       e->size == size;
}

/* An access of this instruction that has been served before. */
static bool take_replay(struct emu *cpu, enum emu_io_kind kind,
			enum emu_dir dir, u64 addr, unsigned int size, u64 *val)
{
	struct emu_progress *p = &cpu->st.progress;
	const struct emu_replay *e;

	if (cpu->replay_pos >= p->nr_replay)
		return false;
	e = &p->replay[emu_index_nospec(cpu->replay_pos, EMU_REPLAY_MAX)];
	if (!same_access(e, kind, dir, addr, size)) {
		/* Registers were changed meanwhile: what is left is another's. */
		p->nr_replay = cpu->replay_pos;
		cpu->replay_old = min(cpu->replay_old, cpu->replay_pos);
		if (p->permitted > p->nr_replay + 1)
			p->permitted = p->nr_replay + 1;
		return false;
	}
	if (dir == EMU_READ)
		*val = e->val;
	cpu->replay_pos++;
	return true;
}

static u64 element_addr(const struct emu *cpu, u32 n)
{
	const struct emu_io *io = &cpu->st.io;
	u64 step = (u64)n * io->size;

	if (io->kind == EMU_IO_PORT)
		return io->addr;
	return cpu->st.regs.rflags & EMU_FL_DF ? io->addr - step :
						 io->addr + step;
}

/* The next element that the owner has answered. */
static bool take_answer(struct emu *cpu, enum emu_io_kind kind,
			enum emu_dir dir, u64 addr, unsigned int size, u64 *val)
{
	struct emu_io *io = &cpu->st.io;
	u32 at;

	if (!io->kind || cpu->use_io || io->used >= io->done)
		return false;
	if (io->kind != kind || io->dir != dir || io->size != size ||
	    element_addr(cpu, io->used) != addr) {
		io->kind = EMU_IO_NONE;
		return false;
	}
	at = emu_index_nospec(io->used * size, EMU_IO_DATA);
	if (dir == EMU_READ) {
		*val = 0;
		memcpy(val, cpu->st.io_data + at, size);
	}
	cpu->use_io = true;
	return true;
}

/**
 * emu_external_answers() - how many elements has the owner answered that come next?
 * @cpu: engine, between two iterations
 * @dir: direction of the next access to memory
 * @gpa: its physical address
 * @size: its bytes
 *
 * Return: elements; 0 if that is not what was answered.
 */
u32 emu_external_answers(const struct emu *cpu, enum emu_dir dir, u64 gpa,
			 unsigned int size)
{
	const struct emu_io *io = &cpu->st.io;

	if (io->kind != EMU_IO_MEM || io->dir != dir || io->size != size ||
	    io->used >= io->done || element_addr(cpu, io->used) != gpa)
		return 0;
	return io->done - io->used;
}

static void remember(struct emu *cpu, enum emu_io_kind kind, enum emu_dir dir,
		     u64 addr, unsigned int size, u64 val)
{
	struct emu_progress *p = &cpu->st.progress;
	struct emu_replay *e = &p->replay[emu_index_nospec(p->nr_replay,
							   EMU_REPLAY_MAX)];

	*e = (struct emu_replay){
		.addr = addr, .val = val, .kind = kind, .dir = dir,
		.size = size,
	};
	p->nr_replay++;
	cpu->replay_pos = p->nr_replay;
}

static void ask_owner(struct emu *cpu, enum emu_io_kind kind, enum emu_dir dir,
		      u64 addr, unsigned int size, u64 val)
{
	struct emu_io *io = &cpu->st.io;

	*io = (struct emu_io){
		.addr = addr, .rip = cpu->st.regs.rip, .count = 1, .kind = kind,
		.dir = dir, .size = size,
	};
	if (dir == EMU_READ)
		val = 0;
	memcpy(cpu->st.io_data, &val, sizeof(val));
	if (cpu->part)
		io->flags |= EMU_IO_PART;
	if (!cpu->in_event && (cpu->insn.op->flags & F_STRING)) {
		io->flags |= EMU_IO_STRING;
		if (cpu->insn.rep)
			io->flags |= EMU_IO_REP;
	}
}

static void trace_port(struct emu *cpu, enum emu_dir dir, u16 port,
		       unsigned int size, u64 val)
{
	/* The whole of it is one event. */
	if (cpu->part)
		return;
	emu_trace(cpu, &(struct emu_trace){
		.kind = EMU_TRACE_PORT, .dir = dir, .size = size, .port = port,
		.count = 1, .value = val,
	});
}

/* A write is traced before it, the whole of it once its first byte is on its way. */
static void trace_part(struct emu *cpu, u16 port)
{
	if (!cpu->part_size)
		return;
	emu_trace(cpu, &(struct emu_trace){
		.kind = EMU_TRACE_PORT, .dir = EMU_WRITE,
		.size = cpu->part_size, .port = port, .count = 1,
		.value = cpu->part_val,
	});
	cpu->part_size = 0;
}

static int call_port(struct emu *cpu, enum emu_dir dir, u16 port,
		     unsigned int size, u64 *val)
{
	const struct emu_ops *ops = cpu->ops;
	u32 v = *val;
	int r;

	if (ops->port_check) {
		r = ops->port_check(cpu, port, size, dir, v);
		if (r)
			return r;
	}
	if (dir == EMU_WRITE) {
		trace_part(cpu, port);
		trace_port(cpu, dir, port, size, v);
		return ops->port_write(cpu, port, size, v);
	}
	r = ops->port_read(cpu, port, size, &v);
	if (r)
		return r;
	*val = v & size_mask(size);
	trace_port(cpu, dir, port, size, *val);
	return EMU_OK;
}

/**
 * emu_external() - one access beyond RAM
 * @cpu: engine
 * @kind: port or memory
 * @dir: direction
 * @addr: port, physical address that does not cross a page, or MSR
 * @size: 1, 2, 4, or 8 for memory and MSRs
 * @val: value, zero-extended
 *
 * Return: EMU_OK; EMU_EXIT with either st.io filled for the owner or
 * emu.host_exit set; EMU_FAIL.
 */
int emu_external(struct emu *cpu, enum emu_io_kind kind, enum emu_dir dir,
		 u64 addr, unsigned int size, u64 *val)
{
	int r;

	if (take_replay(cpu, kind, dir, addr, size, val))
		return EMU_OK;
	if (take_answer(cpu, kind, dir, addr, size, val)) {
		if (kind == EMU_IO_PORT)
			trace_port(cpu, dir, addr, size, *val);
		return EMU_OK;
	}
	if (cpu->st.progress.nr_replay >= EMU_REPLAY_MAX)
		return emu_unsupported(cpu);

	cpu->host_exit = 0;
	if (kind == EMU_IO_PORT)
		r = call_port(cpu, dir, addr, size, val);
	else if (kind == EMU_IO_MSR)
		r = EMU_EXIT;
	else if (dir == EMU_READ)
		r = cpu->ops->read(cpu, addr, size, val);
	else
		r = cpu->ops->write(cpu, addr, size, *val);
	if (r == EMU_OK)
		remember(cpu, kind, dir, addr, size, *val);
	if (r == EMU_EXIT && !cpu->host_exit) {
		trace_part(cpu, addr);
		ask_owner(cpu, kind, dir, addr, size, *val);
	}
	return r;
}

/**
 * emu_external_split() - a port access that goes byte by byte (K15)
 * @cpu: engine
 * @dir: direction
 * @port: first port; nothing is behind the last one
 * @size: 2 or 4
 * @val: value, zero-extended
 *
 * Return: as emu_external().
 */
int emu_external_split(struct emu *cpu, enum emu_dir dir, u16 port,
		       unsigned int size, u64 *val)
{
	bool first = cpu->replay_pos >= cpu->st.progress.nr_replay;
	u64 all = dir == EMU_WRITE ? *val : 0, byte;
	unsigned int n;
	int r = EMU_OK;

	cpu->part_size = dir == EMU_WRITE && first ? size : 0;
	cpu->part_val = all;
	cpu->part = true;
	for (n = 0; n < size && !r; n++) {
		byte = dir == EMU_WRITE ? all >> (8 * n) & 0xff : 0xff;
		if (port + n <= 0xffff)
			r = emu_external(cpu, EMU_IO_PORT, dir, port + n, 1,
					 &byte);
		if (dir == EMU_READ)
			all |= byte << (8 * n);
	}
	cpu->part = false;
	cpu->part_size = 0;
	if (r)
		return r;
	/* Not again where it was complete before the instruction last left. */
	if (dir == EMU_READ && cpu->replay_pos > cpu->replay_old)
		trace_port(cpu, dir, port, size, all);
	*val = all;
	return EMU_OK;
}

/* emu_external_begin() where an access was pending. */
void emu_external_resume(struct emu *cpu)
{
	struct emu_io *io = &cpu->st.io;
	u64 val = 0;

	if (!io->done) {
		io->kind = EMU_IO_NONE;
		return;
	}
	if (io->count == 1 && cpu->st.progress.nr_replay < EMU_REPLAY_MAX) {
		memcpy(&val, cpu->st.io_data, io->size);
		if (io->kind == EMU_IO_PORT && !(io->flags & EMU_IO_PART))
			trace_port(cpu, io->dir, io->addr, io->size, val);
		remember(cpu, io->kind, io->dir, io->addr, io->size, val);
		cpu->replay_pos = 0;
		io->kind = EMU_IO_NONE;
	}
}

/* @n elements that were answered are committed. */
void emu_external_take(struct emu *cpu, u32 n)
{
	struct emu_io *io = &cpu->st.io;

	io->used += n;
	if (io->used >= io->done)
		io->kind = EMU_IO_NONE;
}

/* emu_external_commit() where it has taken an element. */
void emu_external_commit_element(struct emu *cpu)
{
	cpu->use_io = false;
	emu_external_take(cpu, 1);
}

/*
 * On leaving before an instruction or iteration is committed: go on with these
 * bytes, if something has been served, asked for or logged for it, or if it is to be
 * known again.
 */
void emu_external_hold(struct emu *cpu)
{
	struct emu_progress *p = &cpu->st.progress;

	if (!p->nr_replay && !cpu->st.io.kind && !cpu->stepped &&
	    !p->watch_passed && !p->stopped) {
		p->permitted = 0;
		return;
	}
	p->insn_len = cpu->insn.len;
	memset(p->insn, 0, sizeof(p->insn));
	memcpy(p->insn, cpu->bytes, cpu->insn.len);
}

void emu_cancel(struct emu_state *st)
{
	st->io.kind = EMU_IO_NONE;
	st->progress.in_rep = 0;
	st->progress.insn_len = 0;
	st->progress.nr_replay = 0;
	st->progress.permitted = 0;
	st->progress.watch_passed = 0;
	st->progress.stopped = 0;
}
