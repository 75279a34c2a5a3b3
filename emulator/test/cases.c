// SPDX-License-Identifier: GPL-2.0
/*
 * Test cases as text: what runs, and what must be seen.
 *
 * usage: cases FILE...
 *
 * A case is a block of lines:
 *
 *   = S68 rep outsb: a trap at each iteration     its name, S-number first
 *   mode ring3                                    prot, prot16, ring3, v86, long,
 *                                                 long3 (modes.h); else real mode
 *   page 3000 0                                   paging, this page's entry; its
 *                                                 address is kept: flags only
 *   code f3 6e            rep outsb               hex bytes, then a comment
 *   set cx=2 si=2000 dx=80 tf                     registers, flags
 *   dr 0 io 80 1                                  DRn exec|write|io|rw addr len
 *   mem 2000 41 42                                bytes at a linear address
 *   deliver 3                                     vectors that go through the IVT
 *   hole 6000 6fff                                no memory there
 *   kept 9000 9fff                                memory that the owner serves
 *   owner 80                                      a port that the owner serves
 *   poke 2000 41                                  a byte that changes when the
 *                                                 owner answers
 *   split 80                                      a port of a kind of its own
 *   irq 80 40                                     a port, accesses to which ask for
 *                                                 this interrupt, or
 *   irq 80 40 5                                   the fifth of all accesses does
 *   flags 8                                       emu.flags
 *   budget 800                                    boundaries, if it takes many
 *   watch port 80 81 rw after 2 ff 41             first, last, r|w|rw, before|
 *                                                 after, skip, mask, value
 *   after 2000 11                                 memory at the end
 *   see db +0 cx=1 rf dr6=ffff0ff1                each event: vector, where, what
 *   see db +2 cx=0 !rf
 *   end cx=0                                      at the final HLT
 *   io out 80 1 41                                port accesses, in order, or none
 *
 * Code is at 0000:1000 with a HLT behind it; the stack is at 0000:7000. Vector n
 * leads to an IRET at 0000:(4000h + 16 * n). The case acts as the handler of every
 * event that leaves: it returns as IRET would, with RF set where a code breakpoint
 * was hit.
 *
 * Every case runs in all the ways that must make no difference: with and without
 * direct windows, with bulk hooks of every batch size, and stopped, saved and
 * restored in another engine at each boundary (D1-D8).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "drive.h"
#include "modes.h"

#define CODE		0x1000
#define HANDLERS	0x4000
#define MAX_LINES	256

struct line {
	char word[256];
};

struct test {
	char name[200];
	struct line line[MAX_LINES];
	unsigned int nr;
};

/* Names */

static const char *const reg16[8] = { "ax", "cx", "dx", "bx", "sp", "bp", "si",
				      "di" };
static const char *const sreg[6] = { "es", "cs", "ss", "ds", "fs", "gs" };

static const struct {
	const char *name;
	u64 bit;
} flag[] = {
	{ "cf", EMU_FL_CF }, { "pf", EMU_FL_PF }, { "af", EMU_FL_AF },
	{ "zf", EMU_FL_ZF }, { "sf", EMU_FL_SF }, { "tf", EMU_FL_TF },
	{ "if", EMU_FL_IF }, { "df", EMU_FL_DF }, { "of", EMU_FL_OF },
	{ "rf", EMU_FL_RF }, { "nt", EMU_FL_NT }, { "vm", EMU_FL_VM },
	{ "ac", EMU_FL_AC },
};

static const struct {
	const char *name;
	u8 vector;
} vector[] = {
	{ "de", 0 }, { "db", 1 }, { "nmi", 2 }, { "bp", 3 }, { "of", 4 },
	{ "br", 5 }, { "ud", 6 }, { "nm", 7 }, { "df", 8 }, { "ss", 12 },
	{ "gp", 13 }, { "ts", 10 }, { "np", 11 }, { "pf", 14 }, { "ac", 17 },
};

static u64 *value_of(struct emu_state *st, const char *name, unsigned int *size)
{
	unsigned int n;

	*size = 8;
	for (n = 0; n < 8; n++) {
		if (!strcmp(name, reg16[n])) {
			*size = 2;
			return &st->regs.gpr[n];
		}
		if (name[0] == 'e' && !strcmp(name + 1, reg16[n])) {
			*size = 4;
			return &st->regs.gpr[n];
		}
		if (name[0] == 'r' && !strcmp(name + 1, reg16[n]))
			return &st->regs.gpr[n];
	}
	if (name[0] == 'r' && isdigit((unsigned char)name[1]) &&
	    atoi(name + 1) >= 8 && atoi(name + 1) < 16)
		return &st->regs.gpr[atoi(name + 1)];
	for (n = 0; n < 4; n++)
		if (name[0] == 'd' && name[1] == 'r' && name[2] == '0' + (int)n &&
		    !name[3])
			return &st->debug.dr[n];
	if (!strcmp(name, "dr6"))
		return &st->debug.dr6;
	if (!strcmp(name, "dr7"))
		return &st->debug.dr7;
	if (!strcmp(name, "cr0"))
		return &st->ctrl.cr0;
	if (!strcmp(name, "cr2"))
		return &st->ctrl.cr2;
	if (!strcmp(name, "cr4"))
		return &st->ctrl.cr4;
	if (!strcmp(name, "star"))
		return &st->ctrl.star;
	if (!strcmp(name, "lstar"))
		return &st->ctrl.lstar;
	if (!strcmp(name, "sfmask"))
		return &st->ctrl.sfmask;
	if (!strcmp(name, "sysenter_cs"))
		return &st->ctrl.sysenter_cs;
	if (!strcmp(name, "sysenter_eip"))
		return &st->ctrl.sysenter_eip;
	if (!strcmp(name, "fsbase"))
		return &st->segs.seg[EMU_FS].base;
	if (!strcmp(name, "pending"))
		return &st->debug.pending_dbg;
	if (!strcmp(name, "debugctl"))
		return &st->debug.debugctl;
	return NULL;
}

static struct emu_segment *segment_of(struct emu_state *st, const char *name)
{
	unsigned int n;

	if (!strcmp(name, "tr"))
		return &st->segs.seg[EMU_TR];
	for (n = 0; n < 6; n++)
		if (!strcmp(name, sreg[n]))
			return &st->segs.seg[n];
	return NULL;
}

static u64 flag_of_name(const char *name)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(flag); n++)
		if (!strcmp(name, flag[n].name))
			return flag[n].bit;
	return 0;
}

static void bad_case(const struct test *t, const char *text)
{
	printf("Bail out! %s: cannot read '%s'\n", t->name, text);
	exit(1);
}

/* The next word of a line, or NULL. */
static char *word(char **p)
{
	char *w;

	while (isspace((unsigned char)**p))
		(*p)++;
	if (!**p)
		return NULL;
	w = *p;
	while (**p && !isspace((unsigned char)**p))
		(*p)++;
	if (**p)
		*(*p)++ = 0;
	return w;
}

static u64 number(const struct test *t, const char *w)
{
	char *end;
	u64 v;

	if (!w)
		bad_case(t, "(missing number)");
	v = strtoull(w, &end, 16);
	if (*end || end == w)
		bad_case(t, w);
	return v;
}

static unsigned int bytes(const struct test *t, char *p, u8 *buf)
{
	unsigned int n = 0;
	char *w;

	while ((w = word(&p)) && strlen(w) == 2 && isxdigit((unsigned char)w[0]) &&
	       isxdigit((unsigned char)w[1]))
		buf[n++] = number(t, w);
	return n;
}

/* Setting up */

static void set(const struct test *t, struct emu_state *st, char *p)
{
	unsigned int size;
	char *w, *eq;
	u64 *v;

	while ((w = word(&p))) {
		eq = strchr(w, '=');
		if (!eq) {
			if (!flag_of_name(w))
				bad_case(t, w);
			st->regs.rflags |= flag_of_name(w);
			continue;
		}
		*eq++ = 0;
		v = value_of(st, w, &size);
		if (v) {
			*v = number(t, eq);
		} else if (segment_of(st, w)) {
			segment_of(st, w)->selector = number(t, eq);
			if (!(st->ctrl.cr0 & EMU_CR0_PE) ||
			    st->regs.rflags & EMU_FL_VM)
				segment_of(st, w)->base = number(t, eq) << 4;
		} else if (!strcmp(w, "iopl")) {
			st->regs.rflags |= number(t, eq) << EMU_FL_IOPL_SHIFT;
		} else if (!strcmp(w, "cslimit")) {
			st->segs.seg[EMU_CS].limit = number(t, eq);
		} else if (!strcmp(w, "csattr")) {
			st->segs.seg[EMU_CS].attr = number(t, eq);
		} else if (!strcmp(w, "trlimit")) {
			st->segs.seg[EMU_TR].limit = number(t, eq);
		} else if (!strcmp(w, "trattr")) {
			st->segs.seg[EMU_TR].attr = number(t, eq);
		} else if (!strcmp(w, "dsattr")) {
			st->segs.seg[EMU_DS].attr = number(t, eq);
		} else if (!strcmp(w, "esattr")) {
			st->segs.seg[EMU_ES].attr = number(t, eq);
		} else if (!strcmp(w, "shadow")) {
			st->debug.interruptibility = number(t, eq);
		} else if (!strcmp(w, "intr")) {
			st->event.intr_pending = 1;
			st->event.intr_vector = number(t, eq);
		} else if (!strcmp(w, "init")) {
			st->event.init_pending = number(t, eq);
		} else if (!strcmp(w, "mc")) {
			st->event.mc_pending = number(t, eq);
		} else if (!strcmp(w, "mask0")) {
			st->debug.dr_mask[0] = number(t, eq);
		} else if (!strcmp(w, "nmi")) {
			st->event.nmi_pending = number(t, eq);
		} else {
			bad_case(t, w);
		}
	}
}

static void set_dr(const struct test *t, struct emu_state *st, char *p)
{
	static const char *const kind[4] = { "exec", "write", "io", "rw" };
	static const u8 len_code[9] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
	unsigned int n = number(t, word(&p)), rw, len;
	char *w = word(&p);

	for (rw = 0; rw < 4; rw++)
		if (w && !strcmp(w, kind[rw]))
			break;
	if (n > 3 || rw > 3)
		bad_case(t, "dr");
	st->debug.dr[n] = number(t, word(&p));
	len = number(t, word(&p));
	st->debug.dr7 |= 2ULL << (2 * n) | (u64)rw << (16 + 4 * n) |
			 (u64)len_code[len & 15] << (18 + 4 * n);
	w = word(&p);
	if (w && !strcmp(w, "off"))
		st->debug.dr7 &= ~(3ULL << (2 * n));
}

static void set_watch(const struct test *t, struct host *h, char *p)
{
	struct emu_watch w[EMU_WATCH_MAX];
	u32 n = h->cpu.nr_watches;
	char *word_;

	memcpy(w, h->cpu.watch, sizeof(w));
	memset(&w[n], 0, sizeof(w[n]));
	w[n].space = strcmp(word(&p), "port") ? EMU_WATCH_MEM : EMU_WATCH_PORT;
	w[n].first = number(t, word(&p));
	w[n].last = number(t, word(&p));
	word_ = word(&p);
	w[n].dirs = (strchr(word_, 'r') ? EMU_WATCH_READ : 0) |
		    (strchr(word_, 'w') ? EMU_WATCH_WRITE : 0);
	w[n].when = strcmp(word(&p), "before") ? EMU_WATCH_AFTER :
						 EMU_WATCH_BEFORE;
	w[n].skip = number(t, word(&p));
	w[n].mask = number(t, word(&p));
	w[n].value = number(t, word(&p));
	if (emu_set_watches(&h->cpu, w, n + 1))
		bad_case(t, emu_set_watches(&h->cpu, w, n + 1));
}

static void set_up(const struct test *t, struct host *h, const struct variant *v,
		   unsigned int *code_len)
{
	struct emu_state *st;
	struct line copy;
	unsigned int n, len;
	u8 buf[128];
	char *p, *w;

	memset(h->mem, 0, HOST_MEM);
	host_reset(h);
	drive_as(h, v);
	h->read_seed = 0x11;
	h->hole_last = 0;
	h->mmio_last = 0;
	h->owner_port = -1;
	h->poke_at = 0;
	h->split_port = -1;
	h->irq_port = -1;
	h->cpu.flags = 0;
	h->budget = 0;
	h->cpu.features |= BIT_ULL(EMU_FEAT_DBEXT);
	emu_set_watches(&h->cpu, NULL, 0);
	h->cpu.config.exit_exceptions = ~0U;
	memset(h->cpu.config.exit_ints, 0xff, sizeof(h->cpu.config.exit_ints));
	st = &h->cpu.st;
	for (n = 0; n < 256; n++) {
		u16 at = HANDLERS + 16 * n;

		memcpy(h->mem + 4 * n, &at, 2);
		h->mem[at] = 0xcf;
	}
	st->ctrl.cr4 = EMU_CR4_DE;
	*code_len = 0;

	for (n = 0; n < t->nr; n++) {
		copy = t->line[n];
		p = copy.word;
		w = word(&p);
		if (!strcmp(w, "code")) {
			len = bytes(t, p, buf);
			host_code(h, CODE, buf, 0);
			memcpy(h->mem + CODE + *code_len, buf, len);
			*code_len += len;
			h->mem[CODE + *code_len] = 0xf4;
		}
	}
	for (n = 0; n < t->nr; n++) {
		copy = t->line[n];
		p = copy.word;
		w = word(&p);
		if (!strcmp(w, "mode")) {
			if (!mode_set(h, word(&p), HANDLERS))
				bad_case(t, "mode");
		} else if (!strcmp(w, "page")) {
			u64 *pte = mode_page(h, number(t, word(&p)));

			*pte = (*pte & ~0xfffULL) | number(t, word(&p));
		} else if (!strcmp(w, "watch")) {
			set_watch(t, h, p);
		} else if (!strcmp(w, "set")) {
			set(t, st, p);
		} else if (!strcmp(w, "dr")) {
			set_dr(t, st, p);
		} else if (!strcmp(w, "mem")) {
			u64 at = number(t, word(&p));

			len = bytes(t, p, buf);
			memcpy(h->mem + at, buf, len);
		} else if (!strcmp(w, "deliver")) {
			while ((w = word(&p))) {
				u8 vec = number(t, w);

				h->cpu.config.exit_ints[vec / 32] &=
					~(1U << (vec % 32));
				if (vec < 32)
					h->cpu.config.exit_exceptions &=
						~(1U << vec);
			}
		} else if (!strcmp(w, "hole")) {
			h->hole_first = number(t, word(&p));
			h->hole_last = number(t, word(&p));
		} else if (!strcmp(w, "kept")) {
			h->mmio_first = number(t, word(&p));
			h->mmio_last = number(t, word(&p));
			h->mmio_kept = true;
		} else if (!strcmp(w, "flags")) {
			h->cpu.flags = number(t, word(&p));
		} else if (!strcmp(w, "budget")) {
			h->budget = number(t, word(&p));
		} else if (!strcmp(w, "owner")) {
			h->owner_port = number(t, word(&p));
		} else if (!strcmp(w, "poke")) {
			h->poke_at = number(t, word(&p));
			h->poke_val = number(t, word(&p));
		} else if (!strcmp(w, "split")) {
			h->split_port = number(t, word(&p));
		} else if (!strcmp(w, "irq")) {
			h->irq_port = number(t, word(&p));
			h->irq_vector = number(t, word(&p));
			w = word(&p);
			h->irq_at = w ? number(t, w) : 0;
		}
	}
	emu_load(&h->cpu);
}

/* Looking */

static bool look(const struct test *t, const struct seen *s, char *p)
{
	struct emu_state st = s->st;
	unsigned int size;
	bool negated;
	char *w, *eq;
	u64 *v, want, got;

	while ((w = word(&p))) {
		eq = strchr(w, '=');
		if (*w == '+' || *w == '@') {
			want = number(t, w + 1) + (*w == '+' ? CODE : 0);
			got = st.regs.rip;
		} else if (eq) {
			*eq++ = 0;
			want = number(t, eq);
			v = value_of(&st, w, &size);
			if (v)
				got = *v & size_mask(size);
			else if (segment_of(&st, w))
				got = segment_of(&st, w)->selector;
			else if (!strcmp(w, "bits") || !strcmp(w, "at"))
				got = s->payload;
			else if (!strcmp(w, "activity"))
				got = st.debug.activity;
			else if (!strcmp(w, "hit"))
				got = s->exit.watch;
			else if (!strcmp(w, "addr"))
				got = s->exit.linear;
			else if (!strcmp(w, "size"))
				got = s->exit.size;
			else if (!strcmp(w, "write"))
				got = s->exit.access == EMU_ACC_WRITE;
			else if (!strcmp(w, "value"))
				got = s->exit.value;
			else if (!strcmp(w, "err"))
				got = s->error;
			else if (!strcmp(w, "cpl"))
				got = st.segs.seg[EMU_SS].attr >> 5 & 3;
			else if (!strcmp(w, "shadow"))
				got = st.debug.interruptibility;
			else
				bad_case(t, w);
		} else {
			negated = *w == '!';
			if (!flag_of_name(w + negated))
				bad_case(t, w);
			want = !negated;
			got = !!(s->rflags & flag_of_name(w + negated));
		}
		if (got != want) {
			sprintf(why, "%s is %llx, not %llx", w,
				(unsigned long long)got,
				(unsigned long long)want);
			return false;
		}
	}
	return true;
}

static const char *vector_name(u8 n)
{
	static char buf[8];
	unsigned int k;

	if (n == 255)
		return "end";
	if (n == SEEN_WATCH)
		return "watch";
	for (k = 0; k < ARRAY_SIZE(vector); k++)
		if (vector[k].vector == n)
			return vector[k].name;
	sprintf(buf, "%x", n);
	return buf;
}

static bool see_io(const struct test *t, const struct host *h, unsigned int n,
		   char *p)
{
	const struct host_access *a = &h->io[n];
	char *w = word(&p);
	u64 port = number(t, word(&p)), size = number(t, word(&p)),
	    val = number(t, word(&p));

	if (n >= h->nr_io) {
		sprintf(why, "only %u port accesses", n);
		return false;
	}
	if (a->dir != (strcmp(w, "out") ? EMU_READ : EMU_WRITE) ||
	    a->port != port || a->size != size || a->val != val) {
		sprintf(why, "port access %u is %s %x/%u %x", n,
			a->dir ? "out" : "in", a->port, a->size, a->val);
		return false;
	}
	return true;
}

static bool see_mem(const struct test *t, const struct host *h, char *p)
{
	u64 at = number(t, word(&p));
	unsigned int n, len;
	u8 buf[128];

	len = bytes(t, p, buf);
	for (n = 0; n < len; n++) {
		if (h->mem[at + n] != buf[n]) {
			sprintf(why, "[%llx] is %02x, not %02x",
				(unsigned long long)at + n, h->mem[at + n],
				buf[n]);
			return false;
		}
	}
	return true;
}

static bool check(const struct test *t, const struct host *h)
{
	unsigned int n, event = 0, io = 0;
	bool any_io = false, ended = false, hole = h->hole_last;
	struct line copy;
	char *p, *w, *name;

	for (n = 0; n < t->nr; n++) {
		copy = t->line[n];
		p = copy.word;
		w = word(&p);
		if (!strcmp(w, "see") || !strcmp(w, "end")) {
			const struct seen *s = &seen[event];

			name = *w == 's' ? word(&p) : w;
			ended |= *w == 'e';
			if (event >= nr_seen) {
				sprintf(why, "event %u did not come", event);
				return false;
			}
			if (strcmp(vector_name(s->vector), name)) {
				sprintf(why, "event %u is %s (reason %d at %llx), not %s",
					event, vector_name(s->vector), s->why,
					(unsigned long long)s->st.regs.rip,
					name);
				return false;
			}
			event++;
			if (!look(t, s, p)) {
				char more[64];

				sprintf(more, " at event %u", event - 1);
				strcat(why, more);
				return false;
			}
		} else if (!strcmp(w, "io")) {
			any_io = true;
			if (!strncmp(p, "none", 4))
				continue;
			if (!see_io(t, h, io++, p))
				return false;
		} else if (!strcmp(w, "after")) {
			if (!see_mem(t, h, p))
				return false;
		}
	}
	if (any_io && io != h->nr_io) {
		sprintf(why, "%u port accesses, not %u", h->nr_io, io);
		return false;
	}
	if (ended && event != nr_seen) {
		sprintf(why, "%u events, not %u", nr_seen, event);
		return false;
	}
	if (!event) {
		sprintf(why, "nothing to see");
		return false;
	}
	if (ended && seen[nr_seen - 1].why != (hole ? EMU_EXIT_MEMORY :
						      EMU_EXIT_HLT)) {
		sprintf(why, "left with reason %d", seen[nr_seen - 1].why);
		return false;
	}
	return true;
}

/* Reading */

static bool next_test(FILE *f, struct test *t, char *pending)
{
	char buf[256], *p;

	t->nr = 0;
	t->name[0] = 0;
	for (;;) {
		if (pending[0]) {
			strcpy(buf, pending);
			pending[0] = 0;
		} else if (!fgets(buf, sizeof(buf), f)) {
			return t->name[0];
		}
		buf[strcspn(buf, "\n")] = 0;
		p = buf;
		while (isspace((unsigned char)*p))
			p++;
		if (!*p || *p == '#')
			continue;
		if (*p == '=') {
			if (t->name[0]) {
				strcpy(pending, buf);
				return true;
			}
			snprintf(t->name, sizeof(t->name), "%s", p + 2);
			continue;
		}
		if (t->nr == MAX_LINES || !t->name[0])
			bad_case(t, buf);
		strcpy(t->line[t->nr++].word, p);
	}
}

int main(int argc, char **argv)
{
	static struct host h;
	static struct test t;
	unsigned int nr = 0, failed = 0, v, code_len;
	char pending[256] = "";
	int n;

	host_init(&h);
	for (n = 1; n < argc; n++) {
		FILE *f = fopen(argv[n], "r");

		if (!f) {
			printf("Bail out! cannot open %s\n", argv[n]);
			return 1;
		}
		while (next_test(f, &t, pending)) {
			bool ok = true;

			for (v = 0; ok && v < nr_variants; v++) {
				why[0] = 0;
				set_up(&t, &h, &variants[v], &code_len);
				drive(&h, &variants[v], CODE + code_len + 1);
				ok = check(&t, &h) && !why[0];
			}
			printf("%sok %u %s", ok ? "" : "not ", ++nr, t.name);
			if (!ok)
				printf(" (%s: %s)", variants[v - 1].name, why);
			putchar('\n');
			failed += !ok;
		}
		fclose(f);
	}
	printf("1..%u\n", nr);
	host_free(&h);
	return failed || !nr;
}
