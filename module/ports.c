// SPDX-License-Identifier: GPL-2.0
/*
 * The 65,536 ports of a sandbox. Each port has the slot of the range that it
 * belongs to; slot 0 is open bus, which all ports are at first.
 *
 * An access goes in two passes: ports_check() asks each byte of it whether it can
 * be done, which has no effect, then ports_read() or ports_write() does it, which
 * cannot fail. So a hook that stops a run has changed nothing. A BPF program decides
 * in the first pass, last of all, so that its answer is used whenever it has one.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "sandbox.h"
#include "trace.h"

static_assert(LIMIT_PORT_RANGES <= U8_MAX);	/* the type of ports.slot */

int ports_init(struct ports *ports)
{
	ports->open_bus.kind = PIOTRAP_PORT_OPEN_BUS;
	ports->range[0] = &ports->open_bus;
	ports->slot = kvzalloc(NR_PORTS, GFP_OWNER);
	return ports->slot ? 0 : -ENOMEM;
}

static void free_range(struct port_range *r)
{
	if (!r)
		return;
	kvfree(r->buf);
	if (r->eventfd)
		eventfd_ctx_put(r->eventfd);
	kfree(r);
}

void ports_free(struct ports *ports)
{
	unsigned int i;

	for (i = 1; i <= LIMIT_PORT_RANGES; i++)
		free_range(ports->range[i]);
	kvfree(ports->slot);
}

static bool valid_range(const struct piotrap_ports *arg)
{
	u32 flags = 0;

	switch (arg->kind) {
	case PIOTRAP_PORT_OPEN_BUS:
	case PIOTRAP_PORT_EXIT:
	case PIOTRAP_PORT_LATCH:
	case PIOTRAP_PORT_BPF:
		break;
	case PIOTRAP_PORT_CONSOLE:
		flags = PIOTRAP_PORTS_DROP;
		break;
	case PIOTRAP_PORT_INPUT:
		flags = PIOTRAP_PORTS_WAIT;
		break;
	case PIOTRAP_PORT_EVENTFD:
		flags = PIOTRAP_PORTS_MATCH;
		break;
	default:
		return false;
	}
	if (arg->first >= NR_PORTS || !arg->count ||
	    arg->count > NR_PORTS - arg->first || (arg->flags & ~flags))
		return false;
	if (arg->init > U8_MAX ||
	    (arg->init && arg->kind != PIOTRAP_PORT_LATCH &&
	     arg->kind != PIOTRAP_PORT_CONSOLE &&
	     arg->kind != PIOTRAP_PORT_BPF))
		return false;
	if (arg->eventfd && arg->kind != PIOTRAP_PORT_EVENTFD)
		return false;
	return (arg->flags & PIOTRAP_PORTS_MATCH) || !(arg->match | arg->mask);
}

/*
 * A slot for the new range: a free one, or that of a range which it replaces
 * altogether. 0: there is none.
 */
static unsigned int find_slot(struct ports *ports,
			      const struct piotrap_ports *arg)
{
	unsigned int i;

	for (i = 1; i <= LIMIT_PORT_RANGES; i++) {
		if (!ports->range[i])
			return i;
		ports->range[i]->hidden = 0;
	}
	for (i = arg->first; i < arg->first + arg->count; i++)
		ports->range[ports->slot[i]]->hidden++;
	for (i = 1; i <= LIMIT_PORT_RANGES; i++)
		if (ports->range[i]->hidden == ports->range[i]->live)
			return i;
	return 0;
}

static struct port_range *make_range(struct sandbox *sb,
				     const struct piotrap_ports *arg)
{
	struct port_range *r;
	int ret = -ENOMEM;

	r = kzalloc(sizeof(*r), GFP_OWNER);
	if (!r)
		return ERR_PTR(-ENOMEM);
	r->kind = arg->kind;
	r->flags = arg->flags;
	r->first = arg->first;
	r->count = arg->count;
	r->init = arg->init;
	r->match = arg->match;
	r->mask = arg->mask;

	switch (arg->kind) {
	case PIOTRAP_PORT_LATCH:
	case PIOTRAP_PORT_BPF:
		r->buf = kvmalloc(arg->count, GFP_OWNER);
		if (!r->buf)
			goto err;
		memset(r->buf, arg->init, arg->count);
		break;
	case PIOTRAP_PORT_CONSOLE:
		if (console_alloc(&sb->console))
			goto err;
		break;
	case PIOTRAP_PORT_EVENTFD:
		r->eventfd = eventfd_ctx_fdget(arg->eventfd);
		if (IS_ERR(r->eventfd)) {
			ret = PTR_ERR(r->eventfd);
			r->eventfd = NULL;
			goto err;
		}
		break;
	}
	return r;
err:
	free_range(r);
	return ERR_PTR(ret);
}

int ports_set(struct sandbox *sb, const struct piotrap_ports *arg)
{
	struct ports *ports = &sb->ports;
	struct port_range *r = NULL;
	unsigned int slot = 0;
	u32 i;

	if (!valid_range(arg))
		return -EINVAL;
	if (arg->kind == PIOTRAP_PORT_BPF &&
	    !(sb->config_flags & PIOTRAP_CONFIG_BPF))
		return -EPERM;
	if (arg->kind != PIOTRAP_PORT_OPEN_BUS) {
		r = make_range(sb, arg);
		if (IS_ERR(r))
			return PTR_ERR(r);
		slot = find_slot(ports, arg);
		if (!slot) {
			free_range(r);
			return -E2BIG;
		}
		r->live = arg->count;
	}

	for (i = arg->first; i < arg->first + arg->count; i++) {
		u8 old = ports->slot[i];

		if (old && !--ports->range[old]->live) {
			free_range(ports->range[old]);
			ports->range[old] = NULL;
		}
		ports->slot[i] = slot;
	}
	if (slot)
		ports->range[slot] = r;
	return 0;
}

/* An access may reach past the last port; there is open bus. */
static struct port_range *range_of(struct ports *ports, u32 port)
{
	if (port >= NR_PORTS)
		return &ports->open_bus;
	return ports->range[ports->slot[(u16)port]];
}

/* The range that all bytes of an access belong to, or NULL if they differ. */
static struct port_range *single_range(struct ports *ports, u32 port,
				       unsigned int size)
{
	struct port_range *r = range_of(ports, port);
	unsigned int i;

	for (i = 1; i < size; i++)
		if (range_of(ports, port + i) != r)
			return NULL;
	return r;
}

/**
 * ports_queue_input() - PIOTRAP_QUEUE_INPUT
 * @sb: sandbox
 * @arg: its @len becomes what has been taken
 *
 * Bytes that have been copied do not count before the caller has said so with
 * ports_commit_input(), as it may yet fail to tell the user.
 *
 * Return: 0 or what the ABI lists.
 */
int ports_queue_input(struct sandbox *sb, struct piotrap_input *arg)
{
	const void __user *from = u64_to_user_ptr(arg->addr);
	struct port_range *r;
	u32 len, pos, part;

	if (arg->port >= NR_PORTS || !arg->len || arg->len > LIMIT_INPUT)
		return -EINVAL;
	r = range_of(&sb->ports, array_index_nospec(arg->port, NR_PORTS));
	if (r->kind != PIOTRAP_PORT_INPUT)
		return -ENOENT;
	if (r->len == LIMIT_INPUT)
		return -ENOSPC;
	if (!r->buf)
		r->buf = kvmalloc(LIMIT_INPUT, GFP_OWNER);
	if (!r->buf)
		return -ENOMEM;

	len = min(arg->len, LIMIT_INPUT - r->len);
	pos = (r->pos + r->len) % LIMIT_INPUT;
	part = min(len, LIMIT_INPUT - pos);
	if (copy_from_user(r->buf + pos, from, part) ||
	    copy_from_user(r->buf, from + part, len - part))
		return -EFAULT;
	arg->len = len;
	return 0;
}

void ports_commit_input(struct sandbox *sb, const struct piotrap_input *arg)
{
	range_of(&sb->ports, arg->port)->len += arg->len;
}

/* -- A single access. -- */

static int stop(struct emu *cpu, u32 reason, u32 port)
{
	struct sandbox *sb = cpu->host;

	cpu->host_exit = reason;
	sb->exit_addr = port;
	return EMU_EXIT;
}

/* Hook: does the access span kinds (K15)? */
bool ports_split(struct emu *cpu, u16 port, unsigned int size)
{
	struct sandbox *sb = cpu->host;
	u32 kind = range_of(&sb->ports, port)->kind;
	unsigned int i;

	for (i = 1; i < size; i++)
		if (range_of(&sb->ports, port + i)->kind != kind)
			return true;
	return false;
}

static u8 *latch(struct port_range *r, u32 port)
{
	return r->buf + array_index_nospec(port - r->first, r->count);
}

/* All the ports are of kind PIOTRAP_PORT_BPF, maybe of several ranges. */
static u32 stored(struct ports *ports, u32 port, unsigned int size)
{
	unsigned int i;
	u32 val = 0;

	for (i = 0; i < size; i++)
		val |= (u32)*latch(range_of(ports, port + i), port + i) << (8 * i);
	return val;
}

static void store(struct ports *ports, u32 port, unsigned int size, u32 val)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		*latch(range_of(ports, port + i), port + i) = val >> (8 * i);
}

static int stop_for_program(struct emu *cpu, const struct piotrap_bpf_io *asked)
{
	cpu->st.progress.stopped = 1;
	cpu->exit.size = asked->size;
	cpu->exit.access = asked->dir == EMU_WRITE ? EMU_ACC_WRITE : EMU_ACC_READ;
	cpu->exit.value = asked->dir == EMU_WRITE ? asked->value : 0;
	return stop(cpu, PIOTRAP_EXIT_BPF, asked->port);
}

/* Is there one, which may be asked? Both may change at any time. */
static bool program_decides(const struct sandbox *sb)
{
	return trace_piotrap_bpf_io_enabled() &&
	       sb->config_flags & PIOTRAP_CONFIG_BPF;
}

/*
 * Have a program decide (K13). What it leaves in the record may be anything: it is
 * taken once, and what is no answer counts as none.
 */
static int ask_program(struct emu *cpu, u16 port, unsigned int size,
		       enum emu_dir dir, u32 val)
{
	struct sandbox *sb = cpu->host;
	struct piotrap_bpf_io asked = {
		.sandbox = sb->id,
		.rip = cpu->st.regs.rip,
		.owner = sb->pid,
		.value = dir == EMU_WRITE ? val : stored(&sb->ports, port, size),
		.port = port,
		.size = size,
		.dir = dir,
		.again = cpu->st.progress.stopped,
		.action = PIOTRAP_BPF_NONE,
	};
	struct piotrap_bpf_io io = asked;

	trace_piotrap_bpf_io(&io, &asked);
	cpu->st.progress.stopped = 0;
	switch (READ_ONCE(io.action)) {
	case PIOTRAP_BPF_DONE:
		sb->ports.answered = true;
		sb->ports.answer = READ_ONCE(io.value) & GENMASK(8 * size - 1, 0);
		return EMU_OK;
	case PIOTRAP_BPF_STOP:
		return stop_for_program(cpu, &asked);
	default:
		return EMU_OK;
	}
}

/**
 * ports_check() - can the access be done?
 * @cpu: engine
 * @port: first port
 * @size: bytes
 * @dir: direction
 * @val: what is to be written
 *
 * All its ports are of one kind: see ports_split(). Of ports that have a ring or a
 * queue in common each byte counts.
 *
 * Return: EMU_OK, or EMU_EXIT: with host_exit 0 the owner is to serve it.
 */
int ports_check(struct emu *cpu, u16 port, unsigned int size, enum emu_dir dir,
		u32 val)
{
	struct sandbox *sb = cpu->host;
	u32 reason = PIOTRAP_EXIT_NONE, where = 0, console = 0;
	unsigned int i, j;

	for (i = 0; i < size; i++) {
		struct port_range *r = range_of(&sb->ports, port + i);
		u32 input = 0;

		if (r->kind == PIOTRAP_PORT_EXIT)
			return stop(cpu, PIOTRAP_EXIT_NONE, port);
		if (reason)
			continue;
		if (dir == EMU_WRITE && r->kind == PIOTRAP_PORT_CONSOLE) {
			console++;
			if (!(r->flags & PIOTRAP_PORTS_DROP) &&
			    console > console_room(&sb->console)) {
				reason = PIOTRAP_EXIT_CONSOLE_FULL;
				where = port + i;
			}
		}
		if (dir == EMU_READ && r->kind == PIOTRAP_PORT_INPUT &&
		    (r->flags & PIOTRAP_PORTS_WAIT)) {
			for (j = 0; j <= i; j++)
				input += range_of(&sb->ports, port + j) == r;
			if (input > r->len) {
				reason = PIOTRAP_EXIT_INPUT_EMPTY;
				where = port + i;
			}
		}
	}
	if (reason)
		return stop(cpu, reason, where);
	if (range_of(&sb->ports, port)->kind != PIOTRAP_PORT_BPF)
		return EMU_OK;
	sb->ports.answered = false;
	return program_decides(sb) ? ask_program(cpu, port, size, dir, val) : EMU_OK;
}

static u8 input_byte(struct port_range *r)
{
	u8 byte;

	if (!r->len)
		return 0xff;
	byte = r->buf[r->pos];
	r->pos = (r->pos + 1) % LIMIT_INPUT;
	r->len--;
	return byte;
}

static u8 read_byte(struct port_range *r, u32 port)
{
	switch (r->kind) {
	case PIOTRAP_PORT_LATCH:
		return *latch(r, port);
	case PIOTRAP_PORT_CONSOLE:
		return r->init;
	case PIOTRAP_PORT_INPUT:
		return input_byte(r);
	default:
		return 0xff;
	}
}

static void to_console(struct console *con, struct port_range *r,
		       const void *data, u32 size)
{
	if (size <= console_room(con))
		console_write(con, data, size);
	else	/* else than by PIOTRAP_PORTS_DROP it does not come here */
		con->dropped += size;
}

/* A write to a range, of @size bytes of it. */
static void write_part(struct sandbox *sb, struct port_range *r, u32 port,
		       unsigned int size, u32 val)
{
	unsigned int i;

	switch (r->kind) {
	case PIOTRAP_PORT_LATCH:
		for (i = 0; i < size; i++)
			*latch(r, port + i) = val >> (8 * i);
		break;
	case PIOTRAP_PORT_CONSOLE:
		to_console(&sb->console, r, &val, size);
		break;
	case PIOTRAP_PORT_EVENTFD:
		if (!(r->flags & PIOTRAP_PORTS_MATCH) ||
		    (val & r->mask) == r->match)
			compat_eventfd_signal(r->eventfd);
		break;
	}
}

int ports_read(struct emu *cpu, u16 port, unsigned int size, u32 *val)
{
	struct sandbox *sb = cpu->host;
	unsigned int i;

	if (range_of(&sb->ports, port)->kind == PIOTRAP_PORT_BPF) {
		*val = sb->ports.answered ? sb->ports.answer : ~0U;
		return EMU_OK;
	}
	*val = 0;
	for (i = 0; i < size; i++)
		*val |= (u32)read_byte(range_of(&sb->ports, port + i), port + i)
			<< (8 * i);
	return EMU_OK;
}

int ports_write(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	struct sandbox *sb = cpu->host;
	struct port_range *r;
	unsigned int i;

	if (range_of(&sb->ports, port)->kind == PIOTRAP_PORT_BPF) {
		if (sb->ports.answered)
			store(&sb->ports, port, size, sb->ports.answer);
		return EMU_OK;
	}
	r = single_range(&sb->ports, port, size);
	if (r) {
		write_part(sb, r, port, size, val);
		return EMU_OK;
	}
	for (i = 0; i < size; i++)
		write_part(sb, range_of(&sb->ports, port + i), port + i, 1,
			   (val >> (8 * i)) & 0xff);
	return EMU_OK;
}

/*
 * -- A single access to what never stops, in one pass. --
 *
 * These hooks are not offered while there is a log. What a program decides they decline.
 * A byte from a latch and one to the console, which is what loops are made of, are done
 * without a call.
 */

/* Without a program such a port is open bus. */
static bool never_stops(const struct sandbox *sb, const struct port_range *r)
{
	switch (r->kind) {
	case PIOTRAP_PORT_OPEN_BUS:
	case PIOTRAP_PORT_INPUT:
	case PIOTRAP_PORT_LATCH:
	case PIOTRAP_PORT_CONSOLE:
		return true;
	case PIOTRAP_PORT_BPF:
		return !program_decides(sb);
	default:
		return false;
	}
}

static noinline s64 any_read_quick(struct emu *cpu, u16 port, unsigned int size)
{
	struct sandbox *sb = cpu->host;
	struct port_range *r = single_range(&sb->ports, port, size);
	unsigned int i;
	u32 val;

	if (!r || !never_stops(sb, r))
		return EMU_DECLINED;
	if (r->kind == PIOTRAP_PORT_INPUT && r->flags & PIOTRAP_PORTS_WAIT &&
	    size > r->len)
		return EMU_DECLINED;
	val = read_byte(r, port);
	for (i = 1; i < size; i++)
		val |= (u32)read_byte(r, port + i) << (8 * i);
	if (trace_piotrap_port_io_enabled()) {
		emu_where(cpu);
		trace_piotrap_port_io(sb, port, EMU_READ, size, false, 1, val);
	}
	return val;
}

/* Hook. */
s64 ports_read_quick(struct emu *cpu, u16 port, unsigned int size)
{
	struct sandbox *sb = cpu->host;
	struct port_range *r = range_of(&sb->ports, port);

	if (size == 1 && r->kind == PIOTRAP_PORT_LATCH &&
	    !trace_piotrap_port_io_enabled())
		return *latch(r, port);
	return any_read_quick(cpu, port, size);
}

static noinline bool any_write_quick(struct emu *cpu, u16 port, unsigned int size,
				     u32 val)
{
	struct sandbox *sb = cpu->host;
	struct port_range *r = single_range(&sb->ports, port, size);

	if (!r || !never_stops(sb, r))
		return false;
	if (r->kind == PIOTRAP_PORT_CONSOLE && size > console_room(&sb->console))
		return false;
	if (trace_piotrap_port_io_enabled()) {
		emu_where(cpu);
		trace_piotrap_port_io(sb, port, EMU_WRITE, size, false, 1, val);
	}
	if (r->kind == PIOTRAP_PORT_CONSOLE)
		console_put(&sb->console, val, size);
	else
		write_part(sb, r, port, size, val);
	return true;
}

/* Hook. */
bool ports_write_quick(struct emu *cpu, u16 port, unsigned int size, u32 val)
{
	struct sandbox *sb = cpu->host;
	struct port_range *r = range_of(&sb->ports, port);

	if (size != 1 || r->kind != PIOTRAP_PORT_CONSOLE ||
	    trace_piotrap_port_io_enabled() || !console_room(&sb->console))
		return any_write_quick(cpu, port, size, val);
	console_put_byte(&sb->console, val);
	return true;
}

/* -- A REP's accesses to one port at once. What they decline goes one by one. -- */

/* No more than there are. */
static void input_bytes(struct port_range *r, u8 *to, u32 len)
{
	u32 part = min(len, LIMIT_INPUT - r->pos);

	if (!len)
		return;
	memcpy(to, r->buf + r->pos, part);
	memcpy(to + part, r->buf, len - part);
	r->pos = (r->pos + len) % LIMIT_INPUT;
	r->len -= len;
}

u32 ports_read_bulk(struct emu *cpu, u16 port, unsigned int size, void *buf,
		    u32 count)
{
	struct sandbox *sb = cpu->host;
	struct port_range *r = single_range(&sb->ports, port, size);

	if (!r)
		return 0;
	switch (r->kind) {
	case PIOTRAP_PORT_OPEN_BUS:
		memset(buf, 0xff, (size_t)count * size);
		return count;
	case PIOTRAP_PORT_CONSOLE:
		memset(buf, r->init, (size_t)count * size);
		return count;
	case PIOTRAP_PORT_INPUT:
		count = min(count, r->len / size);
		input_bytes(r, buf, count * size);
		return count;
	default:
		return 0;
	}
}

u32 ports_write_bulk(struct emu *cpu, u16 port, unsigned int size,
		     const void *buf, u32 count)
{
	struct sandbox *sb = cpu->host;
	struct port_range *r = single_range(&sb->ports, port, size);
	u32 first = 0, fit = count;

	if (!r)
		return 0;
	switch (r->kind) {
	case PIOTRAP_PORT_OPEN_BUS:
	case PIOTRAP_PORT_INPUT:
		break;
	case PIOTRAP_PORT_CONSOLE:
		fit = min(count, console_room(&sb->console) / size);
		if (!(r->flags & PIOTRAP_PORTS_DROP))
			count = fit;
		break;
	default:
		return 0;
	}
	if (!count)
		return 0;

	/* The emulator knows the count only after the effect. */
	memcpy(&first, buf, size);
	trace_piotrap_port_io(sb, port, EMU_WRITE, size, true, count, first);
	if (r->kind == PIOTRAP_PORT_CONSOLE) {
		console_write(&sb->console, buf, fit * size);
		sb->console.dropped += (u64)(count - fit) * size;
	}
	return count;
}
