// SPDX-License-Identifier: GPL-2.0
/*
 * One case on the CPU itself.
 *
 * The case's code is followed by a jump that saves everything without a detour
 * through the kernel; all other code is INT3. What the CPU refuses comes back as a
 * signal on a stack of its own, with vector and error code in the frame.
 */
#define _GNU_SOURCE
/* First, as <unistd.h> has an F_LOCK of its own. */
#include "native.h"

#include <asm/ldt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ctx	((volatile struct nat_ctx *)NAT_CTX)

#define AT(field, where) \
	BUILD_BUG_ON(offsetof(struct nat_ctx, field) != (where) - NAT_CTX)

AT(rflags, CTX_FLAGS);
AT(target, CTX_TARGET);
AT(far_off, CTX_FAR);
AT(sel, CTX_SEL);
AT(fsbase, CTX_FSBASE);
AT(host_sp, CTX_HOST_SP);
AT(host_sel, CTX_HOST_SEL);
AT(have_base, CTX_HAVE_BASE);
AT(running, CTX_RUNNING);
AT(out, CTX_OUT);
AT(out_flags, CTX_OUT_FLAGS);
AT(out_sel, CTX_OUT_SEL);
AT(out_trap, CTX_OUT_TRAP);
AT(out_fsbase, CTX_OUT_FSBASE);
AT(out_gsbase, CTX_OUT_GSBASE);

struct nat_host nat_host;
const struct nat_case *nat_current;

/* Entries of the LDT. */
enum {
	L_CODE32, L_CODE16, L_DATA32, L_DATA16, L_DOWN32, L_DOWN16, L_RO, L_STACK32,
	L_STACK16, L_WRAP, L_STACK_DOWN, NR_LDT
};

static const struct user_desc ldt[NR_LDT] = {
	[L_CODE32] = { .base_addr = NAT_CODE, .limit = 0xbfff, .seg_32bit = 1, .contents = 2 },
	[L_CODE16] = { .base_addr = NAT_CODE, .limit = 0xffff, .contents = 2 },
	[L_DATA32] = { .base_addr = NAT_DATA, .limit = 0x1fff, .seg_32bit = 1 },
	[L_DATA16] = { .base_addr = NAT_DATA, .limit = 0x1fff },
	[L_DOWN32] = { .base_addr = NAT_DATA - 0x1000, .limit = 0xfff, .seg_32bit = 1,
		       .contents = 1 },
	[L_DOWN16] = { .base_addr = NAT_DATA - 0xe000, .limit = 0xdfff, .contents = 1 },
	[L_RO] = { .base_addr = NAT_DATA + 0x123, .limit = 0xfff, .seg_32bit = 1,
		   .read_exec_only = 1 },
	[L_STACK32] = { .base_addr = NAT_STACK, .limit = 0xfff, .seg_32bit = 1 },
	[L_STACK16] = { .base_addr = NAT_STACK, .limit = 0xfff },
	[L_WRAP] = { .base_addr = 0xf0000000, .limit = 0xfffff, .seg_32bit = 1,
		     .limit_in_pages = 1 },
	[L_STACK_DOWN] = { .base_addr = NAT_STACK - 0xf000, .limit = 0xefff, .contents = 1 },
};

#define FLAT	0x2b
#define FLAT_CS	0x23
#define LONG_CS	0x33
#define NO_SEG	(-1)
#define FLAT_SEG (-2)

struct nat_env nat_env[NR_ENVS] = {
	[ENV_64] = { "64-bit", DECODE_64, 4, 8, 8 },
	[ENV_32] = { "32-bit flat", DECODE_32, 4, 4, 4 },
	[ENV_32_SEG] = { "32-bit segments", DECODE_32, 4, 4, 4 },
	[ENV_32_SS16] = { "32-bit, 16-bit stack", DECODE_32, 4, 4, 2 },
	[ENV_16] = { "16-bit", DECODE_16, 2, 2, 2 },
	[ENV_16_SS32] = { "16-bit, 32-bit stack", DECODE_16, 2, 2, 4 },
};

/* ES, CS, SS, DS, FS, GS: entries of the LDT. */
static const s8 ldt_of[NR_ENVS][6] = {
	[ENV_32] = { FLAT_SEG, FLAT_SEG, FLAT_SEG, FLAT_SEG, L_WRAP, NO_SEG },
	[ENV_32_SEG] = { L_DOWN32, L_CODE32, L_STACK32, L_DATA32, L_RO, L_CODE32 },
	[ENV_32_SS16] = { L_DATA16, L_CODE32, L_STACK_DOWN, L_DOWN32, L_WRAP, NO_SEG },
	[ENV_16] = { L_DOWN16, L_CODE16, L_STACK16, L_DATA16, L_RO, L_DATA32 },
	[ENV_16_SS32] = { L_DATA16, L_CODE16, L_STACK32, L_DOWN16, L_RO, NO_SEG },
};

static u32 rights(const struct user_desc *d)
{
	return EMU_SEG_ACCESSED | (d->read_exec_only ? 0 : EMU_SEG_WRITABLE) |
	       d->contents << 2 | EMU_SEG_S | EMU_SEG_DPL | EMU_SEG_P |
	       (d->seg_32bit ? EMU_SEG_DB : 0) | (d->limit_in_pages ? EMU_SEG_G : 0);
}

static void area(struct nat_seg *s, unsigned int n)
{
	if (n == EMU_CS || (s->attr & EMU_SEG_CODE)) {
		s->area = NAT_CODE;
		s->len = NAT_CODE_LEN;
	} else if (n == EMU_SS) {
		s->area = NAT_STACK;
		s->len = NAT_STACK_LEN;
	} else {
		s->area = NAT_DATA;
		s->len = NAT_DATA_LEN;
	}
}

static void fill_seg(struct nat_seg *s, unsigned int n, int entry, bool mode64)
{
	memset(s, 0, sizeof(*s));
	if (entry == NO_SEG) {
		s->attr = EMU_SEG_UNUSABLE;
	} else if (entry == FLAT_SEG) {
		s->sel = n != EMU_CS ? FLAT : mode64 ? LONG_CS : FLAT_CS;
		s->limit = ~0U;
		s->attr = EMU_SEG_ACCESSED | EMU_SEG_WRITABLE | EMU_SEG_S | EMU_SEG_DPL |
			  EMU_SEG_P | EMU_SEG_G | (n == EMU_CS ? EMU_SEG_CODE : 0) |
			  (n == EMU_CS && mode64 ? EMU_SEG_L : EMU_SEG_DB);
	} else {
		s->sel = entry << 3 | 7;
		s->base = ldt[entry].base_addr;
		s->limit = ldt[entry].limit;
		if (ldt[entry].limit_in_pages)
			s->limit = s->limit << 12 | 0xfff;
		s->attr = rights(&ldt[entry]);
	}
	area(s, n);
	if (entry == L_RO) {
		s->area = s->base;
		s->len = 0x1000;
	}
}

struct nat_desc nat_gdt[NAT_GDT_LEN], nat_ldt[NAT_LDT_MAX];
unsigned int nat_ldt_len;

/* What is there for the user, by the CPU's own word. */
static void read_descriptors(void)
{
	unsigned int n, sel;
	u64 ar, limit;
	bool ok;

	for (n = 0; n < NAT_GDT_LEN; n++) {
		sel = n << 3 | 3;
		asm volatile("lar %2, %1" : "=@ccz"(ok), "=r"(ar) : "r"((u64)sel));
		if (!ok)
			continue;
		asm volatile("lsl %1, %0" : "=r"(limit) : "r"((u64)sel));
		nat_gdt[n].visible = true;
		nat_gdt[n].limit = limit;
		nat_gdt[n].attr = ar >> 8;
	}
	for (n = 0; n < nat_ldt_len; n++)
		nat_ldt[n] = (struct nat_desc){
			.visible = true, .base = ldt[n].base_addr, .attr = rights(&ldt[n]),
			.limit = ldt[n].limit_in_pages ? ldt[n].limit << 12 | 0xfff :
							 ldt[n].limit,
		};
}

static bool set_ldt(void)
{
	struct user_desc d;
	unsigned int n;

	for (n = 0; n < NR_LDT; n++) {
		d = ldt[n];
		d.entry_number = n;
		if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
			return false;
	}
	nat_ldt_len = NR_LDT;
	return true;
}

static void set_envs(bool have_ldt)
{
	unsigned int e, n;

	for (e = 0; e < NR_ENVS; e++) {
		nat_env[e].available = e == ENV_64 || e == ENV_32 || have_ldt;
		for (n = 0; n < 6; n++) {
			int entry = e == ENV_64 ? FLAT_SEG : ldt_of[e][n];

			/* Without WRFSBASE, FS and GS stay as they are. */
			if (n >= EMU_FS && (e == ENV_64 || !nat_host.bases ||
					    (entry >= 0 && !have_ldt)))
				entry = NO_SEG;
			fill_seg(&nat_env[e].seg[n], n, entry, e == ENV_64);
		}
	}
	/* DS, ES: whatever the host has; no check is made with them. */
	nat_env[ENV_64].seg[EMU_ES].sel = ctx->host_sel[EMU_ES];
	nat_env[ENV_64].seg[EMU_DS].sel = ctx->host_sel[EMU_DS];
	nat_env[ENV_64].seg[EMU_FS].sel = ctx->host_sel[EMU_FS];
	nat_env[ENV_64].seg[EMU_GS].sel = ctx->host_sel[EMU_GS];
	for (n = EMU_ES; n <= EMU_DS; n++)
		if (!nat_env[ENV_64].seg[n].sel)
			nat_env[ENV_64].seg[n].attr = EMU_SEG_UNUSABLE;
	for (n = EMU_FS; n <= EMU_GS; n++) {
		nat_env[ENV_64].seg[n].attr = EMU_SEG_UNUSABLE;
		nat_env[ENV_64].seg[n].area = NAT_DATA;
		nat_env[ENV_64].seg[n].len = NAT_DATA_LEN;
	}
}

void nat_cpuid(u32 regs[4])
{
	asm volatile("cpuid" : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
			     : "a"(regs[0]), "c"(regs[2]));
}

static void *map(u64 at, size_t len, int prot)
{
	void *p = mmap((void *)(unsigned long)at, len, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (void *)(unsigned long)at)
		nat_die("no memory at the addresses of the test");
	return p;
}

static void catch(int sig)
{
	struct sigaction sa = {
		.sa_handler = nat_signal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	if (sigaction(sig, &sa, NULL))
		nat_die("sigaction");
}

/* What the kernel has put into XCR0 and TSC_AUX. */
static void read_system(void)
{
	u32 regs[4] = { 1 }, lo, hi;

	nat_cpuid(regs);
	nat_host.xsave = regs[2] >> 27 & 1;
	if (nat_host.xsave) {
		asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		nat_host.xcr0 = (u64)hi << 32 | lo;
	}
	regs[0] = 0x80000001;
	nat_cpuid(regs);
	if (regs[3] >> 27 & 1)
		asm volatile("rdtscp" : "=c"(nat_host.tsc_aux) : : "rax", "rdx");
}

static u16 selector(unsigned int n)
{
	u16 v = 0;

	switch (n) {
	case EMU_ES:
		asm("mov %%es, %0" : "=r"(v));
		break;
	case EMU_CS:
		asm("mov %%cs, %0" : "=r"(v));
		break;
	case EMU_SS:
		asm("mov %%ss, %0" : "=r"(v));
		break;
	case EMU_DS:
		asm("mov %%ds, %0" : "=r"(v));
		break;
	case EMU_FS:
		asm("mov %%fs, %0" : "=r"(v));
		break;
	case EMU_GS:
		asm("mov %%gs, %0" : "=r"(v));
		break;
	}
	return v;
}

void nat_cpu_init(void)
{
	static u8 stack[128 << 10] __attribute__((aligned(64)));
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	cpu_set_t one;
	u32 regs[4] = { 0, 0, 0, 0 };
	unsigned int n;
	u64 base;

	/* CPUID's answer depends on the core. */
	CPU_ZERO(&one);
	CPU_SET(max(sched_getcpu(), 0), &one);
	sched_setaffinity(0, sizeof(one), &one);

	map(NAT_STUB, 4096, PROT_READ | PROT_WRITE);
	memcpy((void *)NAT_STUB, nat_stub, nat_stub_end - nat_stub);
	mprotect((void *)NAT_STUB, 4096, PROT_READ | PROT_EXEC);
	map(NAT_CTX, 4096, PROT_READ | PROT_WRITE);
	memset(map(NAT_CODE, NAT_CODE_LEN, PROT_READ | PROT_WRITE | PROT_EXEC), NAT_CCH,
	       NAT_CODE_LEN);
	map(NAT_DATA, NAT_DATA_LEN, PROT_READ | PROT_WRITE);
	map(NAT_STACK, NAT_STACK_LEN, PROT_READ | PROT_WRITE);

	nat_cpuid(regs);
	nat_host.amd = regs[1] == 0x68747541 || regs[1] == 0x6f677948;	/* Auth, Hygo */
	nat_host.bases = getauxval(AT_HWCAP2) & 2;
	ctx->have_base = nat_host.bases;
	if (nat_host.bases) {
		asm volatile("rdfsbase %0" : "=r"(base));
		ctx->host_fs = base;
		asm volatile("rdgsbase %0" : "=r"(base));
		ctx->host_gs = base;
	}
	for (n = EMU_ES; n <= EMU_GS; n++)
		ctx->host_sel[n] = selector(n);
	read_system();
	set_envs(set_ldt());
	read_descriptors();

	if (sigaltstack(&ss, NULL))
		nat_die("sigaltstack");
	catch(SIGSEGV);
	catch(SIGBUS);
	catch(SIGILL);
	catch(SIGFPE);
	catch(SIGTRAP);
	catch(SIGPROF);
}

static void say(const char *s)
{
	if (write(1, s, strlen(s)) < 0)
		_exit(3);
}

/* Called by nat_signal() with the host's segments in place. */
void nat_caught(int sig, void *info, void *p)
{
	const greg_t *g = ((ucontext_t *)p)->uc_mcontext.gregs;
	static const u8 at[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	unsigned int n;
	char line[120];

	if (!ctx->running || sig == SIGPROF) {
		snprintf(line, sizeof(line),
			 "Bail out! signal %d %s, at %llx, in case %llu:%x:%u\n", sig,
			 ctx->running ? "in native code" : "outside of native code",
			 (unsigned long long)g[REG_RIP],
			 nat_current ? (unsigned long long)nat_current->seed : 0,
			 nat_current ? nat_current->form->code : 0,
			 nat_current ? nat_current->number : 0);
		say(line);
		_exit(2);
	}
	for (n = 0; n < 16; n++)
		ctx->out[n] = g[at[n]];
	ctx->out_flags = g[REG_EFL];
	ctx->out_rip = g[REG_RIP];
	ctx->out_sel[EMU_CS] = g[REG_CSGSFS];
	ctx->out_sel[EMU_SS] = (u64)g[REG_CSGSFS] >> 48;
	ctx->out_trap = g[REG_TRAPNO];
	ctx->out_error = g[REG_ERR];
	ctx->out_cr2 = g[REG_CR2];
}

/* Where a branch has led, by the code segment that it has loaded. */
static u64 linear_rip(u16 cs, u64 rip)
{
	unsigned int n = cs >> 3;

	if (!(cs & 4) && n < NAT_GDT_LEN && nat_gdt[n].attr & EMU_SEG_L)
		return rip;
	return (u32)(rip + (cs & 4 && n < nat_ldt_len ? nat_ldt[n].base : 0));
}

/* Which exceptions are a completed instruction that went somewhere? */
static void settle(const struct nat_case *c, struct nat_result *r)
{
	u64 next = c->rip + c->len;
	u64 lin = linear_rip(r->sel[EMU_CS], r->rip);

	r->end = END_FAULT;
	r->vector = ctx->out_trap;
	r->error = ctx->out_error;
	switch (r->vector) {
	case VEC_BP:
		/* INT3 itself, or the filling at a branch's target */
		if (r->rip != next) {
			r->end = END_DONE;
			r->rip--;
		}
		break;
	case VEC_AC:
		/* POPF has set AC: the way out is not aligned. */
		if (r->rip == next)
			r->end = END_DONE;
		break;
	case VEC_PF:
		/* The target of a branch has no memory. */
		r->end = r->rip != c->rip && ctx->out_cr2 == lin ? END_DONE : END_PAGE;
		r->linear = ctx->out_cr2;
		break;
	}
}

void nat_cpu_run(const struct nat_case *c, struct nat_result *r)
{
	const struct nat_env *e = c->env;
	unsigned int n;

	nat_current = c;
	for (n = 0; n < 16; n++)
		ctx->gpr[n] = c->gpr[n];
	ctx->rflags = c->rflags;
	if (e->mode == DECODE_64) {
		ctx->target = c->rip;
		ctx->fsbase = c->fsbase;
		ctx->gsbase = c->gsbase;
		ctx->out_sel[EMU_CS] = LONG_CS;
		nat_enter64();
	} else {
		for (n = 0; n < 6; n++)
			ctx->sel[n] = e->seg[n].sel;
		ctx->far_off = c->rip;
		ctx->far_sel = e->seg[EMU_CS].sel;
		ctx->out_sel[EMU_CS] = ctx->far_sel;
		nat_enter_seg();
	}

	memset(r, 0, sizeof(*r));
	for (n = 0; n < 16; n++)
		r->gpr[n] = ctx->out[n];
	for (n = 0; n < 6; n++)
		r->sel[n] = ctx->out_sel[n];
	r->rflags = ctx->out_flags;
	r->fsbase = ctx->out_fsbase;
	r->gsbase = ctx->out_gsbase;
	if (ctx->out_trap == ~0ULL) {
		r->end = END_DONE;
		r->rip = c->rip + c->len;
	} else {
		r->rip = ctx->out_rip;
		settle(c, r);
	}
}
