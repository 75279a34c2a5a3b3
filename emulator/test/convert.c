// SPDX-License-Identifier: GPL-2.0
/*
 * The debug state as virtualisation hardware keeps it, there and back. The
 * expected values are those of the manuals' field layouts.
 */
#include <stdio.h>

#include <linux/piotrap_convert.h>

#include "host.h"

static unsigned int nr, failed;

static void check(const char *name, unsigned long long got,
		  unsigned long long want)
{
	bool ok = got == want;

	printf("%sok %u %s", ok ? "" : "not ", ++nr, name);
	if (!ok)
		printf(" (%llx, not %llx)", got, want);
	putchar('\n');
	failed += !ok;
}

struct both {
	struct piotrap_regs regs;
	struct piotrap_debug d;
};

static struct piotrap_vmcs to(const struct both *b)
{
	struct piotrap_vmcs v;

	piotrap_to_vmcs(&b->regs, &b->d, &v);
	return v;
}

static __u64 from(__u64 pending, __u32 interruptibility)
{
	struct piotrap_vmcs v = { pending, interruptibility, 0 };
	struct piotrap_debug d = { 0 };

	piotrap_from_vmcs(&v, &d);
	return d.pending_dbg;
}

static void vmcs(void)
{
	struct both b = { .regs.rflags = 2, .d.dr7 = 0x402 };

	check("S137 nothing pending", to(&b).pending_dbg, 0);
	b.d.pending_dbg = 1;
	check("S137 b0 of an enabled breakpoint", to(&b).pending_dbg, 0x1001);
	b.d.pending_dbg = 2;
	check("S137 b1 of one that is not", to(&b).pending_dbg, 2);
	b.d.pending_dbg = 0x4001;
	check("S137 bs beside it", to(&b).pending_dbg, 0x5001);
	b.d.pending_dbg = 0x8000;
	check("S137 bt has no place", to(&b).pending_dbg, 0);
	b.d.pending_dbg = 1;
	b.d.interruptibility = 2;
	b.regs.rflags = 0x102;
	check("S141 mov ss with tf: bs", to(&b).pending_dbg, 0x5001);
	b.d.debugctl = 2;
	check("S141 not with btf", to(&b).pending_dbg, 0x1001);
	b.d.debugctl = 0;
	b.d.interruptibility = 0;
	b.d.activity = 1;
	b.d.pending_dbg = 0;
	check("S141 hlt with tf: bs", to(&b).pending_dbg, 0x4000);
	b.d.activity = 0;
	b.d.interruptibility = 1;
	b.regs.rflags = 2;
	b.d.pending_dbg = 0x4000;
	check("S141 sti without tf: no bs", to(&b).pending_dbg, 0);
	check("S137 interruptibility as it is", to(&b).interruptibility, 1);

	check("S138 b bits alone", from(0x3, 0), 0);
	check("S138 with the enabled bit", from(0x1003, 0), 3);
	check("S137 bit 12 is none of dr6", from(0x1000, 0), 0);
	check("S115 bs in a mov ss shadow", from(0x5001, 2), 1);
	check("S137 bs without one", from(0x4000, 0), 0x4000);
	check("S137 bld and rtm", from(0x10800, 0), 0x10800);
}

/* What goes to the VMCS and comes back makes the same run. */
static void round_trip(void)
{
	static const __u64 pending[] = { 0, 1, 3, 0x800, 0x801, 0x10000, 0x4000 };
	struct both b = { .regs.rflags = 2, .d.dr7 = 0x40a };
	struct piotrap_vmcs v;
	struct piotrap_debug back;
	unsigned int n, shadow, same = 0, all = 0;

	for (n = 0; n < ARRAY_SIZE(pending); n++) {
		for (shadow = 0; shadow <= 2; shadow += 2) {
			b.d.pending_dbg = pending[n];
			b.d.interruptibility = shadow;
			/* A MOV SS never leaves BS pending. */
			if (shadow && pending[n] & 0x4000)
				continue;
			v = to(&b);
			back = b.d;
			back.pending_dbg = ~0ULL;
			piotrap_from_vmcs(&v, &back);
			all++;
			same += back.pending_dbg == pending[n] &&
				back.interruptibility == shadow;
		}
	}
	check("S137 to the VMCS and back", same, all);
}

static void others(void)
{
	struct piotrap_event ev = {
		.vector = 1, .flags = PIOTRAP_EVENT_PAYLOAD, .payload = 0x6001,
	};
	struct piotrap_debug d = { .interruptibility = 1 };

	check("S139 exit qualification", piotrap_vmx_qualification(&ev), 0x6001);
	check("S145 fred's event data of #DB", piotrap_fred_event_data(&ev), 0x6001);
	ev.vector = 14;
	ev.payload = 0x123456789aULL;
	check("S145 fred's event data of #PF", piotrap_fred_event_data(&ev),
	      0x123456789aULL);
	ev.flags = 0;
	check("S145 none", piotrap_fred_event_data(&ev), 0);
	check("S144 svm's shadow after sti", piotrap_svm_shadow(&d), 1);
	d.interruptibility = 8;
	check("S144 blocked NMIs are none", piotrap_svm_shadow(&d), 0);
	check("S146 b bits are overwritten", piotrap_dr6_merged(0xffff0ff3, 4),
	      0xffff0ff4);
	check("S146 bs accumulates", piotrap_dr6_merged(0xffff4ff0, 1),
	      0xffff4ff1);
	check("S146 bld accumulates", piotrap_dr6_merged(0xffff07f0, 1),
	      0xffff07f1);
	check("S146 rtm does not", piotrap_dr6_merged(0xfffe0ff0, 1),
	      0xffff0ff1);
	check("S137 the enabled bit is masked", piotrap_dr6_merged(0xffff0ff0, 0x1001),
	      0xffff0ff1);
}

/* The merge is the emulator's. */
static void as_emulated(void)
{
	static const __u64 payload[] = { 0, 1, 0x4002, 0x800, 0x10000, 0x8000 };
	static const __u64 dr6[] = { 0xffff0ff0, 0xffff4ff3, 0xfffe07f0,
				     0xffffeff1 };
	static struct host h;
	unsigned int n, k, same = 0, all = 0;

	host_init(&h);
	for (n = 0; n < ARRAY_SIZE(payload); n++) {
		for (k = 0; k < ARRAY_SIZE(dr6); k++) {
			host_reset(&h);
			h.cpu.st.debug.dr6 = dr6[k];
			h.cpu.st.event = (struct emu_event){
				.action = EMU_EVENT_TAKE, .vector = 1,
				.type = EMU_EV_EXCEPTION, .payload = payload[n],
				.flags = EMU_EVENT_PAYLOAD,
			};
			h.cpu.st.budget = 0;
			emu_load(&h.cpu);
			emu_run(&h.cpu);
			all++;
			same += h.cpu.st.debug.dr6 ==
				piotrap_dr6_merged(dr6[k], payload[n]);
		}
	}
	host_free(&h);
	check("S146 the merge is the emulator's", same, all);
}

int main(void)
{
	vmcs();
	round_trip();
	others();
	as_emulated();
	printf("1..%u\n", nr);
	return failed;
}
