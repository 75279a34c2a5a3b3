// SPDX-License-Identifier: GPL-2.0
/*
 * The owner's watches: stops on accesses, beyond what four debug registers can say
 * and unseen by the guest.
 *
 * A stop before an access leaves the instruction uncommitted and remembers in the
 * state that it was reported. A stop after one leaves at the boundary behind the
 * instruction or iteration. A hit counts when its instruction, or iteration, is
 * complete.
 */
#include "internal.h"

static const char *check(const struct emu_watch *w)
{
	if (w->space > EMU_WATCH_MEM || !w->dirs || w->dirs > EMU_WATCH_RW ||
	    w->when > EMU_WATCH_BEFORE)
		return "watch: space, dirs or when";
	if (w->first > w->last || (w->space == EMU_WATCH_PORT && w->last > 0xffff))
		return "watch: first <= last, ports up to FFFFh";
	if (w->value & ~w->mask)
		return "watch: value has bits that mask has not";
	if (w->mask && w->when == EMU_WATCH_BEFORE && w->dirs & EMU_WATCH_READ)
		return "watch: what will be read is not known before";
	if (w->reserved[0] | w->reserved[1] | w->reserved[2] | w->reserved[3] |
	    w->reserved[4])
		return "watch: reserved fields are zero";
	return NULL;
}

const char *emu_set_watches(struct emu *cpu, const struct emu_watch *w,
			    unsigned int n)
{
	const char *why;
	unsigned int k;

	if (n > EMU_WATCH_MAX)
		return "watch: at most 32";
	for (k = 0; k < n; k++) {
		why = check(&w[k]);
		if (why)
			return why;
	}
	if (n)
		memcpy(cpu->watch, w, n * sizeof(*w));
	cpu->nr_watches = n;
	cpu->watch_mem = 0;
	cpu->watch_port = 0;
	cpu->watch_ports = 0;
	for (k = 0; k < n; k++) {
		if (w[k].space == EMU_WATCH_MEM) {
			cpu->watch_mem |= BIT(k);
			continue;
		}
		cpu->watch_port |= BIT(k);
		cpu->watch_ports |= emu_port_parts(w[k].first, w[k].last);
	}
	/* Watched pages have no windows. */
	emu_flush(cpu);
	return NULL;
}

/* Watches of @set that touch [first, last] in one of @dirs. */
static u32 touched(const struct emu *cpu, u32 set, u64 first, u64 last, u8 dirs)
{
	const struct emu_watch *w;
	unsigned int n;
	u32 bits = 0;

	for (n = 0; n < cpu->nr_watches; n++) {
		w = &cpu->watch[n];
		if ((set >> n & 1) && w->first <= last && w->last >= first &&
		    w->dirs & dirs)
			bits |= BIT(n);
	}
	return bits;
}

bool emu_watch_page(const struct emu *cpu, u64 lin)
{
	u64 page = lin & ~(u64)(EMU_PAGE - 1);

	return cpu->watch_mem && touched(cpu, cpu->watch_mem, page,
					 page + EMU_PAGE - 1, EMU_WATCH_RW);
}

bool emu_watch_memory(const struct emu *cpu, u64 lin, unsigned int size)
{
	return cpu->watch_mem && touched(cpu, cpu->watch_mem, lin, lin + size - 1,
					 EMU_WATCH_RW);
}

bool emu_watch_io(const struct emu *cpu, u16 port, unsigned int size)
{
	return cpu->watch_port && touched(cpu, cpu->watch_port, port,
					  min(port + size - 1, 0xffffU),
					  EMU_WATCH_RW);
}

/* The hits of one access that count in @when. */
static u32 hits(struct emu *cpu, const struct emu_touch *t, u8 when)
{
	u32 set = t->space == EMU_WATCH_MEM ? cpu->watch_mem : cpu->watch_port;
	u8 dir = t->dir == EMU_WRITE ? EMU_WATCH_WRITE : EMU_WATCH_READ;
	u64 val = t->val & size_mask(min_t(unsigned int, t->size, 8));
	const struct emu_watch *w;
	unsigned int n;
	u32 bits, hit = 0;

	/* The processor's own accesses, and frames of events, are not watched. */
	if (cpu->in_event || cpu->access != ACCESS_CPL)
		return 0;
	bits = touched(cpu, set, t->addr, t->addr + t->size - 1, dir);
	for (n = 0; n < cpu->nr_watches; n++) {
		w = &cpu->watch[n];
		if (!(bits >> n & 1) || w->when != when ||
		    (val & w->mask) != w->value)
			continue;
		cpu->watch_seen |= BIT(n);
		if (!w->skip)
			hit |= BIT(n);
	}
	return hit;
}

static void note(struct emu *cpu, const struct emu_touch *t, u32 bits)
{
	if (!cpu->watch_hit) {
		cpu->watch_first = *t;
		cpu->watch_first.val &= size_mask(min_t(unsigned int, t->size, 8));
	}
	cpu->watch_hit |= bits;
}

/* What emu.exit says of a stop. */
void emu_watch_exit(struct emu *cpu)
{
	const struct emu_touch *t = &cpu->watch_first;

	cpu->exit.watch = cpu->watch_hit;
	cpu->exit.linear = t->addr;
	cpu->exit.gpa = t->addr;
	cpu->exit.size = t->size;
	cpu->exit.access = t->dir == EMU_WRITE ? EMU_ACC_WRITE : EMU_ACC_READ;
	cpu->exit.value = t->val;
	cpu->watch_hit = 0;
}

/**
 * emu_watch_before() - is an access that is about to be made to be stopped at?
 * @cpu: engine
 * @t: access; of a read the value does not count
 *
 * Return: EMU_OK, or EMU_EXIT.
 */
int emu_watch_before(struct emu *cpu, const struct emu_touch *t)
{
	u32 *passed = &cpu->st.progress.watch_passed;
	u32 bits = hits(cpu, t, EMU_WATCH_BEFORE) & ~*passed;

	if (!bits)
		return EMU_OK;
	*passed |= bits;
	cpu->watch_hit = 0;
	note(cpu, t, bits);
	/* What will be read is not known. */
	if (t->dir == EMU_READ)
		cpu->watch_first.val = 0;
	emu_watch_exit(cpu);
	return emu_leave(cpu, EMU_EXIT_WATCH);
}

/* An access was made. */
void emu_watch_after(struct emu *cpu, const struct emu_touch *t)
{
	u32 bits = hits(cpu, t, EMU_WATCH_AFTER);

	if (bits)
		note(cpu, t, bits);
}

/* emu_watch_commit() where it has touched something. */
void emu_watch_commit_hits(struct emu *cpu)
{
	unsigned int n;

	cpu->st.progress.watch_passed = 0;
	for (n = 0; cpu->watch_seen; n++, cpu->watch_seen >>= 1)
		if (cpu->watch_seen & 1 && cpu->watch[n].skip)
			cpu->watch[n].skip--;
}
