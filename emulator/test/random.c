// SPDX-License-Identifier: GPL-2.0
/*
 * Random programs around port I/O, strings and debug traps, run in each of the
 * ways that must make no difference (D1-D8): slow and fast path, any batch size,
 * stopped, saved and restored anywhere.
 *
 * usage: random [FIRST [COUNT]]
 *
 * Prints TAP, a test for each thousand programs. A difference names the program's
 * number; "random NUMBER 1" runs that one again and shows it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "drive.h"

#define CODE		0x1000
#define COMPARED	0x20000		/* bytes of memory that programs reach */

static u64 rng;

static u32 rnd(u32 n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (rng >> 11) % n;
}

static u8 *emit(u8 *p, const char *bytes, unsigned int n)
{
	memcpy(p, bytes, n);
	return p + n;
}

#define EMIT(p, bytes)	emit(p, bytes, sizeof(bytes) - 1)

/* Things that trap, repeat, hold or leave, and little else. */
static u8 *instruction(u8 *p)
{
	static const u8 string_op[] = { 0x6c, 0x6d, 0x6e, 0x6f, 0xa4, 0xa5,
					0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad,
					0xae, 0xaf };
	static const u8 io[] = { 0xec, 0xed, 0xee, 0xef };

	switch (rnd(16)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		if (!rnd(4))
			*p++ = 0x66;
		if (!rnd(4))
			*p++ = 0x67;
		if (!rnd(6))
			*p++ = 0x26 + 8 * rnd(4);
		if (rnd(4))
			*p++ = 0xf2 + rnd(2);
		*p++ = string_op[rnd(rnd(3) ? 4 : sizeof(string_op))];
		return p;
	case 5:
		if (!rnd(3))
			*p++ = 0x66;
		*p++ = io[rnd(4)];
		return p;
	case 6:
		return EMIT(p, "\x8e\x17");		/* mov ss, [bx] */
	case 7:
		return rnd(2) ? EMIT(p, "\x8e\xd0") :	/* mov ss, ax */
				EMIT(p, "\x16\x17");	/* push ss; pop ss */
	case 8:
		*p++ = 0xb9;				/* mov cx, 0-7 */
		*p++ = rnd(8);
		*p++ = 0;
		return p;
	case 9:
		*p++ = 0xbf - rnd(2);			/* mov di or si, ... */
		*p++ = rnd(16) + 0xf8 * !rnd(8);
		*p++ = rnd(8) ? 0x20 : rnd(2) ? 0x10 : 0xff;
		return p;
	case 10:
		return rnd(2) ? EMIT(p, "\xcd\x21") : EMIT(p, "\xf1");
	case 11:
		return rnd(2) ? EMIT(p, "\xfc") : EMIT(p, "\xfd");
	case 12:
		/* pushf; pop ax; xor ah, TF; push ax; popf */
		return EMIT(p, "\x9c\x58\x80\xf4\x01\x50\x9d");
	case 13:
		return rnd(2) ? EMIT(p, "\xfb") : EMIT(p, "\x88\x07");
	case 14:
		return rnd(2) ? EMIT(p, "\x60\x61") : EMIT(p, "\xff\x37\x8f\x05");
	default:
		*p++ = rnd(256);
		return p;
	}
}

static void registers(struct emu_state *st)
{
	u64 *gpr = st->regs.gpr;
	unsigned int n;

	gpr[EMU_RAX] = rnd(2) ? 0 : rng;
	gpr[EMU_RCX] = rnd(9) | (rnd(4) ? 0 : 0x10000);
	gpr[EMU_RDX] = 0x80 + rnd(4);
	gpr[EMU_RBX] = 0x2000 + rnd(16);
	gpr[EMU_RSP] = rnd(8) ? 0x7000 : rnd(8);
	gpr[EMU_RSI] = 0x2000 + rnd(16);
	gpr[EMU_RDI] = rnd(4) ? 0x2010 + rnd(16) : rnd(2) ? 0xfff8 + rnd(8) :
							      CODE + rnd(24);
	if (!rnd(3))
		gpr[EMU_RDI] = 0x2ff8 + rnd(8);
	for (n = 0; n < 4; n++) {
		unsigned int rw = rnd(4);
		static const u16 around[4] = { CODE, 0x2000, 0x80, 0x2010 };

		if (rnd(2))
			continue;
		st->debug.dr[n] = around[rw] + rnd(rw == 2 ? 4 : 20);
		if (!rnd(6))
			st->debug.dr[n] = 0x6ff0 + rnd(16);
		st->debug.dr7 |= (u64)(1 + rnd(3)) << (2 * n) |
				 (u64)rw << (16 + 4 * n) |
				 (u64)(rw ? rnd(4) : 0) << (18 + 4 * n);
	}
	st->ctrl.cr4 = rnd(8) ? EMU_CR4_DE : 0;
	st->regs.rflags |= rnd(3) ? 0 : EMU_FL_TF;
	st->regs.rflags |= rnd(2) ? 0 : EMU_FL_DF;
	st->regs.rflags |= rnd(2) ? 0 : EMU_FL_IF;
	st->regs.rflags |= rnd(8) ? 0 : EMU_FL_RF;
	st->debug.debugctl = rnd(8) ? 0 : EMU_DEBUGCTL_BTF;
	if (!rnd(8)) {
		st->debug.interruptibility = EMU_BLOCK_MOV_SS;
		st->debug.pending_dbg = rnd(16);
	}
	if (!rnd(6)) {
		st->event.intr_pending = 1;
		st->event.intr_vector = 0x30;
	}
	st->event.nmi_pending = !rnd(12);
}

static void program(struct host *h, u64 number, const struct variant *v)
{
	struct emu_config *config = &h->cpu.config;
	unsigned int n;
	u8 *p;

	rng = (number + 1) * 0x9e3779b97f4a7c15ULL;
	for (n = 0; n < 8; n++)
		rnd(2);
	memset(h->mem, 0, COMPARED);
	h->mem_size = COMPARED;
	host_reset(h);
	drive_as(h, v);
	h->read_seed = rnd(256);
	h->owner_port = rnd(2) ? 0x82 : -1;
	h->split_port = rnd(3) ? -1 : 0x80 + (int)rnd(4);
	h->mmio_first = 0x3000;
	h->mmio_last = rnd(3) ? 0 : 0x3fff;
	h->hole_first = 0x8000;
	h->hole_last = rnd(2) ? 0 : 0x8fff;

	for (n = 0; n < 256; n++) {
		u16 at = 0x4000 + 4 * n;

		memcpy(h->mem + 4 * n, &at, 2);
		h->mem[at] = 0xcf;
	}
	for (n = 0; n < 0x1000; n++)
		h->mem[0x2000 + n] = rnd(256);
	host_code(h, CODE, (const u8 *)"", 0);
	for (p = h->mem + CODE, n = 2 + rnd(8); n; n--)
		p = instruction(p);
	memset(p, 0xf4, 32);

	registers(&h->cpu.st);
	config->exit_exceptions = rnd(2) ? ~0U : rnd(2) ? 2 : 0;
	memset(config->exit_ints, rnd(4) ? 0 : 0xff, sizeof(config->exit_ints));
	h->cpu.flags = rnd(2) ? 0 : EMU_VENDOR_AMD;
	h->cpu.flags |= rnd(4) ? 0 : EMU_DISABLED_B_BITS;
	emu_load(&h->cpu);
}

/* What one way of running has come to. */
struct outcome {
	struct seen seen[MAX_EVENTS];
	unsigned int nr_seen;
	struct host_access io[HOST_LOG];
	unsigned int nr_io;
	u8 mem[COMPARED];
};

static void keep(struct outcome *o, const struct host *h)
{
	unsigned int n;

	for (n = 0; n < nr_seen; n++) {
		struct seen *s = &o->seen[n];

		memcpy(&s->st, &seen[n].st, SEEN_STATE);
		s->vector = seen[n].vector;
		s->why = seen[n].why;
		s->rflags = seen[n].rflags;
		s->payload = seen[n].payload;
	}
	o->nr_seen = nr_seen;
	o->nr_io = min(h->nr_io, HOST_LOG);
	memcpy(o->io, h->io, o->nr_io * sizeof(h->io[0]));
	memcpy(o->mem, h->mem, COMPARED);
}

static bool same_seen(const struct seen *a, const struct seen *b)
{
	const struct emu_state *s = &a->st, *t = &b->st;

	return a->vector == b->vector && a->rflags == b->rflags &&
	       a->payload == b->payload && a->why == b->why &&
	       !memcmp(&s->regs, &t->regs, sizeof(s->regs)) &&
	       !memcmp(&s->segs, &t->segs, sizeof(s->segs)) &&
	       !memcmp(&s->ctrl, &t->ctrl, sizeof(s->ctrl)) &&
	       !memcmp(&s->debug, &t->debug, sizeof(s->debug));
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	unsigned int n;

	for (n = 0; n < a->nr_seen && n < b->nr_seen; n++) {
		if (!same_seen(&a->seen[n], &b->seen[n])) {
			sprintf(why, "event %u: %s at %llx, or %s at %llx", n,
				a->seen[n].vector == 255 ? "end" : "event",
				(unsigned long long)a->seen[n].st.regs.rip,
				b->seen[n].vector == 255 ? "end" : "event",
				(unsigned long long)b->seen[n].st.regs.rip);
			return false;
		}
	}
	if (a->nr_seen != b->nr_seen) {
		sprintf(why, "%u events, or %u", a->nr_seen, b->nr_seen);
		return false;
	}
	if (a->nr_io != b->nr_io ||
	    memcmp(a->io, b->io, a->nr_io * sizeof(a->io[0]))) {
		sprintf(why, "port accesses differ");
		return false;
	}
	if (!memcmp(a->mem, b->mem, COMPARED))
		return true;
	for (n = 0; n < COMPARED; n++) {
		if (a->mem[n] != b->mem[n]) {
			sprintf(why, "[%x] is %02x, or %02x", n, a->mem[n],
				b->mem[n]);
			return false;
		}
	}
	return false;
}

static void show(const struct host *h, const struct outcome *o)
{
	unsigned int n;

	printf("#  ");
	for (n = 0; n < 48; n++)
		printf(" %02x", h->mem[CODE + n]);
	printf("\n");
	for (n = 0; n < o->nr_seen && n < 30; n++) {
		const struct seen *s = &o->seen[n];

		printf("#   %3d why %d rip %llx cx %llx si %llx di %llx fl %llx bits %llx shadow %x\n",
		       s->vector, s->why, (unsigned long long)s->st.regs.rip,
		       (unsigned long long)s->st.regs.gpr[EMU_RCX],
		       (unsigned long long)s->st.regs.gpr[EMU_RSI],
		       (unsigned long long)s->st.regs.gpr[EMU_RDI],
		       (unsigned long long)s->rflags,
		       (unsigned long long)s->payload,
		       s->st.debug.interruptibility);
	}
}

int main(int argc, char **argv)
{
	static struct outcome base, other;
	static struct host h;
	u64 first = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
	u64 count = argc > 2 ? strtoull(argv[2], NULL, 0) : 20000, n;
	unsigned int nr = 0, failed = 0, in_block = 0, v, events = 0;

	host_init(&h);
	for (n = first; n < first + count; n++) {
		program(&h, n, &variants[0]);
		why[0] = 0;
		if (emu_check_state(&h.cpu.st)) {
			printf("Bail out! program %llu: %s\n",
			       (unsigned long long)n,
			       emu_check_state(&h.cpu.st));
			return 1;
		}
		drive(&h, &variants[0], ~0ULL);
		keep(&base, &h);
		events += base.nr_seen;
		for (v = 1; v < nr_variants && !why[0]; v++) {
			program(&h, n, &variants[v]);
			drive(&h, &variants[v], ~0ULL);
			keep(&other, &h);
			if (why[0] || !same(&base, &other)) {
				printf("# program %llu, %s: %s\n",
				       (unsigned long long)n, variants[v].name,
				       why);
				if (count == 1) {
					program(&h, n, &variants[0]);
					show(&h, &base);
					show(&h, &other);
				}
				in_block++;
			}
		}
		if ((n - first) % 1000 == 999 || n + 1 == first + count) {
			printf("%sok %u programs to %llu\n", in_block ? "not " : "",
			       ++nr, (unsigned long long)n);
			failed += in_block;
			in_block = 0;
		}
	}
	printf("# %u events\n1..%u\n", events, nr);
	host_free(&h);
	return failed || !events;
}
