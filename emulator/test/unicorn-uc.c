// SPDX-License-Identifier: GPL-2.0
/*
 * An instruction in Unicorn. Exceptions are only reported by it, which is all that is
 * asked for here.
 */
#include "unicorn.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unicorn/unicorn.h>

struct uni_side uni_uc;

static struct engine {
	uc_engine *uc;
	uc_context *start;
} engines[NR_UNI_MODES];

static enum uni_mode mode;
static uc_engine *uc;
static int vector;
static u64 missing;		/* address of an access to nothing */

static void check(uc_err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "unicorn: %s: %s\n", what, uc_strerror(err));
	exit(2);
}

static const int gpr_id[16] = {
	UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX,
	UC_X86_REG_RSP, UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,
	UC_X86_REG_R8, UC_X86_REG_R9, UC_X86_REG_R10, UC_X86_REG_R11,
	UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15,
};

static const int gpr32_id[8] = {
	UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
	UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI,
};

static const int sel_id[6] = {
	UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS, UC_X86_REG_DS,
	UC_X86_REG_FS, UC_X86_REG_GS,
};

static u64 get(int id)
{
	u64 v = 0;

	check(uc_reg_read(uc, id, &v), "register");
	return v;
}

static void set(int id, u64 val)
{
	check(uc_reg_write(uc, id, &val), "register");
}

static uint32_t on_in(uc_engine *e, uint32_t port, int size, void *user)
{
	u32 val = uni_port_value(uni_uc.all_ports, port) & (u32)size_mask(size);

	uni_log_port(&uni_uc, port, size, EMU_READ, val);
	return val;
}

static void on_out(uc_engine *e, uint32_t port, int size, uint32_t val, void *user)
{
	uni_log_port(&uni_uc, port, size, EMU_WRITE, val & (u32)size_mask(size));
}

static void on_vector(uc_engine *e, uint32_t n, void *user)
{
	vector = n;
	uc_emu_stop(e);
}

static bool on_missing(uc_engine *e, uc_mem_type type, uint64_t at, int size,
		       int64_t val, void *user)
{
	missing = at;
	return false;
}

u64 uni_uc_missing(void)
{
	return missing;
}

static void open_mode(enum uni_mode m)
{
	static const uc_mode modes[] = { UC_MODE_16, UC_MODE_32, UC_MODE_64 };
	struct engine *e = &engines[m];
	uc_hook hook;

	check(uc_open(UC_ARCH_X86, modes[m], &e->uc), "open");
	check(uc_ctl_set_cpu_model(e->uc, UC_CPU_X86_HASWELL), "model");
	check(uc_mem_map_ptr(e->uc, 0, UNI_MEM, UC_PROT_ALL, uni_uc.mem), "memory");
	check(uc_hook_add(e->uc, &hook, UC_HOOK_INSN, on_in, NULL, 1, 0,
			  UC_X86_INS_IN), "hook");
	check(uc_hook_add(e->uc, &hook, UC_HOOK_INSN, on_out, NULL, 1, 0,
			  UC_X86_INS_OUT), "hook");
	check(uc_hook_add(e->uc, &hook, UC_HOOK_INTR, on_vector, NULL, 1, 0), "hook");
	check(uc_hook_add(e->uc, &hook, UC_HOOK_MEM_UNMAPPED, on_missing, NULL, 1, 0),
	      "hook");
	check(uc_context_alloc(e->uc, &e->start), "context");
	check(uc_context_save(e->uc, e->start), "context");
}

void uni_uc_init(void)
{
	enum uni_mode m;

	uni_uc.mem = mmap(NULL, UNI_MEM, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (uni_uc.mem == MAP_FAILED)
		abort();
	for (m = 0; m < NR_UNI_MODES; m++)
		open_mode(m);
}

void uni_uc_renew(void)
{
	enum uni_mode m;

	for (m = 0; m < NR_UNI_MODES; m++) {
		check(uc_context_free(engines[m].start), "context");
		check(uc_close(engines[m].uc), "close");
		open_mode(m);
	}
}

void uni_uc_version(unsigned int *major, unsigned int *minor)
{
	uc_version(major, minor);
}

void uni_uc_set_gpr(unsigned int n, u64 val)
{
	set(mode == UNI_64 ? gpr_id[n] : gpr32_id[n], val);
}

void uni_uc_set_flags(u64 rflags)
{
	set(UC_X86_REG_EFLAGS, rflags);
}

void uni_uc_forget(u64 at, u64 len)
{
	enum uni_mode m;

	for (m = 0; m < NR_UNI_MODES; m++)
		check(uc_ctl_remove_cache(engines[m].uc, at, at + len), "cache");
}

void uni_uc_load(enum uni_mode m, const struct uni_regs *r)
{
	unsigned int n;

	mode = m;
	uc = engines[m].uc;
	check(uc_context_restore(uc, engines[m].start), "context");
	for (n = 0; n < (m == UNI_64 ? 16 : 8); n++)
		uni_uc_set_gpr(n, r->gpr[n]);
	if (m == UNI_16)
		for (n = 0; n < 6; n++)
			set(sel_id[n], r->sel[n]);
	if (m == UNI_64) {
		set(UC_X86_REG_FS_BASE, r->fs_base);
		set(UC_X86_REG_GS_BASE, r->gs_base);
	}
	set(m == UNI_64 ? UC_X86_REG_RIP : UC_X86_REG_EIP, r->rip);
	uni_uc_set_flags(r->rflags);
}

static u64 get_ip(void)
{
	return get(mode == UNI_64 ? UC_X86_REG_RIP : UC_X86_REG_EIP);
}

void uni_uc_regs(struct uni_regs *r, u64 rip)
{
	unsigned int n;

	memset(r, 0, sizeof(*r));
	for (n = 0; n < (mode == UNI_64 ? 16 : 8); n++)
		r->gpr[n] = get(mode == UNI_64 ? gpr_id[n] : gpr32_id[n]);
	if (mode == UNI_16)
		for (n = 0; n < 6; n++)
			r->sel[n] = get(sel_id[n]);
	if (mode == UNI_64) {
		r->fs_base = get(UC_X86_REG_FS_BASE);
		r->gs_base = get(UC_X86_REG_GS_BASE);
	}
	r->rip = get_ip();
	/* Opened in 16 bits, it adds the segment's base where it stops at another place. */
	if (mode == UNI_16 && r->rip != rip && r->rip - r->sel[EMU_CS] * 16 == rip)
		r->rip = rip;
	r->rflags = (u32)get(UC_X86_REG_EFLAGS);
}

/* At @end it stops before it translates any other. */
struct uni_end uni_uc_step(u64 rip, u64 end)
{
	u64 at = mode == UNI_16 ? rip + get(UC_X86_REG_CS) * 16 : rip;
	uc_err err;

	vector = -1;
	err = uc_emu_start(uc, at, end, 0, 1);
	if (vector >= 0)
		return (struct uni_end){ UNI_VECTOR, vector };
	switch (err) {
	case UC_ERR_OK:
		return (struct uni_end){ UNI_DONE, 0 };
	case UC_ERR_INSN_INVALID:
		return (struct uni_end){ UNI_VECTOR, VEC_UD };
	case UC_ERR_FETCH_UNMAPPED:
		/* It has jumped to nothing, and looked there for the next one. */
		if (get_ip() != rip && missing != at)
			return (struct uni_end){ UNI_DONE, 0 };
		return (struct uni_end){ UNI_MEMORY, err };
	case UC_ERR_READ_UNMAPPED:
	case UC_ERR_WRITE_UNMAPPED:
		return (struct uni_end){ UNI_MEMORY, err };
	default:
		return (struct uni_end){ UNI_OTHER, err };
	}
}
