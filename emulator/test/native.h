/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparison with the CPU that the test runs on: what its parts share.
 *
 * native.c	forms, comparison, report
 * native-gen.c	one test case from a form and a seed
 * native-cpu.c	runs a case on the CPU; native-run.S is its way in and out
 * native-emu.c	runs it in the emulator
 *
 * All of it runs in one process: native code is left by a jump, or by a signal.
 */
#ifndef EMU_TEST_NATIVE_H
#define EMU_TEST_NATIVE_H

/*
 * Where the native side lies; the emulator has a second copy of it at the same
 * addresses. All below 2 GiB, so that 32-bit code reaches it; what is the native
 * side's alone lies where no edge value leads.
 */
#define NAT_STUB	0x2a5b6000	/* the way out */
#define NAT_CTX		0x2a5b7000	/* struct nat_ctx */
#define NAT_OWN_LEN	0x2000
#define NAT_CODE	0x20010000
#define NAT_CODE_LEN	0x10000
#define NAT_DATA	0x20040000	/* unmapped pages before and after */
#define NAT_DATA_LEN	0x2000
#define NAT_STACK	0x20060000	/* likewise */
#define NAT_STACK_LEN	0x1000

/* struct nat_ctx, in assembly */
#define CTX_GPR		(NAT_CTX + 0x000)
#define CTX_FLAGS	(NAT_CTX + 0x080)
#define CTX_TARGET	(NAT_CTX + 0x088)
#define CTX_FAR		(NAT_CTX + 0x090)
#define CTX_SEL		(NAT_CTX + 0x098)
#define CTX_FSBASE	(NAT_CTX + 0x0a8)
#define CTX_GSBASE	(NAT_CTX + 0x0b0)
#define CTX_HOST_SP	(NAT_CTX + 0x0b8)
#define CTX_HOST_FS	(NAT_CTX + 0x0c0)
#define CTX_HOST_GS	(NAT_CTX + 0x0c8)
#define CTX_HOST_SEL	(NAT_CTX + 0x0d0)
#define CTX_HAVE_BASE	(NAT_CTX + 0x0e0)
#define CTX_RUNNING	(NAT_CTX + 0x0e8)
#define CTX_OUT		(NAT_CTX + 0x100)
#define CTX_OUT_FLAGS	(NAT_CTX + 0x180)
#define CTX_OUT_RIP	(NAT_CTX + 0x188)
#define CTX_OUT_SEL	(NAT_CTX + 0x190)
#define CTX_OUT_TRAP	(NAT_CTX + 0x1a0)
#define CTX_OUT_FSBASE	(NAT_CTX + 0x1b8)
#define CTX_OUT_GSBASE	(NAT_CTX + 0x1c0)

/* Offsets in the arrays of selectors, in encoding order. */
#define SEL_ES		0
#define SEL_CS		2
#define SEL_SS		4
#define SEL_DS		6
#define SEL_FS		8
#define SEL_GS		10

#ifndef __ASSEMBLER__

#include "../handlers.h"

/* Registers that go in, what comes out. Offsets are those of CTX_* above. */
struct nat_ctx {
	u64 gpr[16];
	u64 rflags;
	u64 target;
	u32 far_off;
	u16 far_sel;
	u16 pad0;
	u16 sel[8];
	u64 fsbase;
	u64 gsbase;
	u64 host_sp;
	u64 host_fs;
	u64 host_gs;
	u16 host_sel[8];
	u64 have_base;
	u64 running;
	u64 pad1[2];
	u64 out[16];
	u64 out_flags;
	u64 out_rip;
	u16 out_sel[8];
	u64 out_trap;		/* ~0: none */
	u64 out_error;
	u64 out_cr2;
	u64 out_fsbase;
	u64 out_gsbase;
};

/* What LAR and LSL find of the kernel's GDT, and the LDT of the test. */
struct nat_desc {
	bool visible;
	u32 base;
	u32 limit;
	u32 attr;
};

#define NAT_GDT_LEN	16
#define NAT_LDT_MAX	16

extern struct nat_desc nat_gdt[NAT_GDT_LEN], nat_ldt[NAT_LDT_MAX];
extern unsigned int nat_ldt_len;

#define NAT_INSN_MAX	24	/* more than is legal */
#define NAT_CCH		0xcc	/* INT3 fills the code */

/* One segment: the same as descriptor and in struct emu_segment. */
struct nat_seg {
	u16 sel;
	u32 base;
	u32 limit;
	u32 attr;
	u32 area, len;		/* what it is good for: linear addresses */
};

enum nat_env_id {
	ENV_64, ENV_32, ENV_32_SEG, ENV_32_SS16, ENV_16, ENV_16_SS32, NR_ENVS
};

/* A mode of the CPU and the segments that go with it. */
struct nat_env {
	const char *name;
	enum emu_decode_mode mode;
	unsigned int osize, asize;	/* defaults */
	unsigned int stack;		/* bytes of the stack pointer */
	bool available;
	struct nat_seg seg[6];
};

extern struct nat_env nat_env[NR_ENVS];

/* What the host's CPU is. */
struct nat_host {
	bool amd;
	bool bases;		/* WRFSBASE can be used */
	bool xsave;		/* XGETBV can be used */
	u64 xcr0;
	u32 tsc_aux;
};

extern struct nat_host nat_host;

enum nat_kind { K_NONE, K_REG, K_MEM };

enum nat_map { MAP_1, MAP_0F, MAP_0F38, MAP_0F3A, MAP_VEX1, MAP_VEX2, MAP_VEX3, NR_MAPS };

extern const struct emu_opcode *const nat_map[NR_MAPS];

/* A line of the opcode table, or several lines that are the same. */
struct nat_line {
	const struct emu_opcode *op;
	u8 map;			/* enum nat_map */
	u8 opcode;
	u8 last;		/* of a range of the same */
	s8 reg;			/* of a group, or -1 */
	s8 pfx;			/* of a prefix table: none, 66, F3, F2; or -1 */
	s8 mod;			/* 0: memory, 1: register; or -1 */
	s8 rm;			/* of the register form, or -1 */
	s8 wide;		/* REX.W, or -1 */
	s8 mode64;		/* or -1 */
	bool modrm;		/* has a ModRM byte */
	const char *skip;	/* why nothing is generated */
	unsigned int forms, covered;
	u64 compared, faulted, unsupported, differences;
};

static inline bool nat_is_vex(const struct nat_line *l)
{
	return l->map >= MAP_VEX1;
}

/* A way to encode it. */
struct nat_form {
	struct nat_line *line;
	u8 env;
	u8 osize;
	u8 kind;		/* enum nat_kind */
	u8 rep;
	bool lock;
	bool refused;		/* always an exception: fewer cases will do */
	u32 code;		/* names it */
	u64 compared;
	u64 completed;
	u64 unsupported;
};

/* One case: an instruction with its registers, flags and memory. */
struct nat_case {
	const struct nat_form *form;
	const struct nat_env *env;
	u64 seed;
	u32 number;
	u64 rng;

	u8 bytes[NAT_INSN_MAX];
	unsigned int len;
	unsigned int opcode_at;
	u64 rip;		/* offset in CS */
	u64 code;		/* linear */
	u64 gpr[16];
	u64 rflags;
	u64 fsbase, gsbase;
	unsigned int osize, asize;
	unsigned int seg;	/* of the memory operand */
	u64 ea;			/* its offset */
	bool has_ea;
	unsigned int count;	/* of a shift, masked */
	unsigned int size;	/* of the first operand */
	bool stream;		/* the emulator executes from a stream */
	bool hooks;		/* ... and accesses memory through hooks */
};

enum nat_end { END_DONE, END_FAULT, END_PAGE, END_UNSUPPORTED, END_OTHER };

/* How it ended, on either side. */
struct nat_result {
	enum nat_end end;
	unsigned int vector;	/* END_FAULT; END_OTHER: reason */
	u32 error;
	u64 linear;		/* END_PAGE */
	u64 rip;
	u64 gpr[16];
	u64 rflags;
	u16 sel[6];
	u64 fsbase, gsbase;	/* 64-bit mode */
	unsigned int len;	/* END_UNSUPPORTED */
};

/* native-run.S: into a case, and out of it */
void nat_enter64(void);
void nat_enter_seg(void);
void nat_signal(int sig);
extern const u8 nat_stub[], nat_stub_end[];

/* native-cpu.c */
void nat_caught(int sig, void *info, void *uc);
extern const struct nat_case *nat_current;
void nat_cpu_init(void);
void nat_cpu_run(const struct nat_case *c, struct nat_result *r);
void nat_cpuid(u32 regs[4]);
/* Does the CPU have what a line hangs on? By the table that the emulator got. */
bool nat_cpu_has(const struct emu_opcode *op, bool mode64);

/* native-emu.c */
void nat_emu_init(void);
void nat_emu_run(const struct nat_case *c, struct nat_result *r);
const char *nat_emu_stray(const struct nat_case *c);

/* The emulator's copy of a place, or NULL. */
u8 *nat_emu_mem(u64 linear);

/* native-gen.c */
void nat_generate(struct nat_case *c, const struct nat_form *f, u64 seed, u32 number);
bool nat_has_modrm(const struct emu_opcode *op);
void nat_put_code(const struct nat_case *c, bool on);

void nat_die(const char *why);

#endif /* __ASSEMBLER__ */

#endif /* EMU_TEST_NATIVE_H */
