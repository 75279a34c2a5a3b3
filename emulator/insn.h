/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A decoded instruction, and the table it is decoded by.
 */
#ifndef EMU_INSN_H
#define EMU_INSN_H

#include "env.h"

struct emu;
struct emu_insn;

/*
 * A handler executes one instruction, or one iteration of a string
 * instruction. Its operands are in emu.dst, emu.src and emu.src2; what it
 * leaves in emu.dst is written back unless the opcode says otherwise. It
 * returns enum emu_result, and has changed nothing unless that is EMU_OK.
 */
typedef int (*emu_handler)(struct emu *cpu, const struct emu_insn *i);

/*
 * Operands in the notation of the SDM's opcode map (volume 2, appendix A):
 * an addressing method and a size.
 */
enum emu_method {
	M_NONE,
	M_E,		/* ModRM.rm: register or memory */
	M_G,		/* ModRM.reg: general register */
	M_I,		/* immediate */
	M_IS,		/* immediate byte, sign-extended to the operand size */
	M_ACC,		/* AL, AX, EAX, RAX */
	M_Z,		/* register in the low three bits of the opcode */
	M_M,		/* ModRM.rm: memory only; the address, not the value */
	M_O,		/* memory at an immediate offset */
	M_J,		/* relative branch target */
	M_A,		/* far pointer in the instruction */
	M_S,		/* ModRM.reg: segment register */
	M_R,		/* ModRM.rm as a register, whatever ModRM.mod is */
	M_C,		/* ModRM.reg: control register */
	M_D,		/* ModRM.reg: debug register */
	M_CL,
	M_ONE,
	M_DX,
	M_B,		/* VEX.vvvv: general register */
};

enum emu_size { SZ_B, SZ_W, SZ_D, SZ_Q, SZ_V, SZ_Z, SZ_Y, SZ_DQ };

#define OPERAND(method, size)	((method) << 3 | (size))
#define OPERAND_METHOD(op)	((op) >> 3)
#define OPERAND_SIZE(op)	((op) & 7)

enum emu_operand {
	O_none = 0,
	Eb = OPERAND(M_E, SZ_B), Ew = OPERAND(M_E, SZ_W), Ed = OPERAND(M_E, SZ_D),
	Ev = OPERAND(M_E, SZ_V), Ey = OPERAND(M_E, SZ_Y), Ez = OPERAND(M_E, SZ_Z),
	Gb = OPERAND(M_G, SZ_B), Gw = OPERAND(M_G, SZ_W), Gd = OPERAND(M_G, SZ_D),
	Gv = OPERAND(M_G, SZ_V), Gy = OPERAND(M_G, SZ_Y), Gz = OPERAND(M_G, SZ_Z),
	Ib = OPERAND(M_I, SZ_B), Iw = OPERAND(M_I, SZ_W), Iz = OPERAND(M_I, SZ_Z),
	Id = OPERAND(M_I, SZ_D), Iv = OPERAND(M_I, SZ_V), Is = OPERAND(M_IS, SZ_B),
	AL = OPERAND(M_ACC, SZ_B), rAX = OPERAND(M_ACC, SZ_V),
	eAX = OPERAND(M_ACC, SZ_Z),
	Zb = OPERAND(M_Z, SZ_B), Zv = OPERAND(M_Z, SZ_V),
	M = OPERAND(M_M, SZ_V), Mp = OPERAND(M_M, SZ_Z), Mq = OPERAND(M_M, SZ_Q),
	Mdq = OPERAND(M_M, SZ_DQ),
	Ob = OPERAND(M_O, SZ_B), Ov = OPERAND(M_O, SZ_V),
	Jb = OPERAND(M_J, SZ_B), Jz = OPERAND(M_J, SZ_Z),
	Ap = OPERAND(M_A, SZ_Z),
	Sw = OPERAND(M_S, SZ_W),
	Ry = OPERAND(M_R, SZ_Y),
	Cd = OPERAND(M_C, SZ_Y), Dd = OPERAND(M_D, SZ_Y),
	CL = OPERAND(M_CL, SZ_B), ONE = OPERAND(M_ONE, SZ_B),
	DX = OPERAND(M_DX, SZ_W), By = OPERAND(M_B, SZ_Y),
};

enum emu_opcode_flags {
	F_MOV = BIT(0),		/* destination is written, not read */
	F_NOWB = BIT(1),	/* destination is read, not written */
	F_LOCK = BIT(2),	/* LOCK is allowed with a memory destination */
	F_XLOCK = BIT(3),	/* always locked with a memory operand: XCHG */
	F_MODRM = BIT(4),	/* has a ModRM byte that no operand names */
	F_STRING = BIT(5),	/* one iteration; REP repeats it */
	F_REPCC = BIT(6),	/* REPE and REPNE test ZF: CMPS, SCAS */
	F_PORT = BIT(7),	/* I/O permission is checked at the start */
	F_UNDO = BIT(8),	/* changes registers before it can fail */
	F_I64 = BIT(9),		/* #UD in 64-bit mode */
	F_O64 = BIT(10),	/* #UD outside 64-bit mode */
	F_D64 = BIT(11),	/* operand size is 64 by default in 64-bit mode */
	F_F64 = BIT(12),	/* ... and cannot be made smaller */
	F_PRIV = BIT(13),	/* CPL 0 only, else #GP(0) */
	F_PROT = BIT(14),	/* #UD in real and V86 mode */
	F_GROUP = BIT(15),	/* ModRM.reg selects the entry */
	F_PREFIX = BIT(16),	/* 66, F3, F2 select the entry */
	F_UNSUP = BIT(17),	/* leaves as unsupported: FPU, vectors, ... */
	F_ENDS = BIT(18),	/* may change RIP, or what can be executed next */
	F_BYTE2 = BIT(19),	/* second operand byte of ENTER */
	F_MEM = BIT(20),	/* #UD with a register in ModRM.rm */
	F_X87 = BIT(21),	/* with F_UNSUP: CR0.EM makes it #NM, not #UD */
	F_MOD = BIT(22),	/* ModRM.mod selects the entry: memory, register */
	F_RM = BIT(23),		/* ModRM.rm selects the entry */
	F_UDPRIV = BIT(24),	/* CPL 0 only, else #UD */
	F_WIDE = BIT(25),	/* REX.W selects the entry: without, with */
	F_M64 = BIT(26),	/* 64-bit mode selects the entry: other modes, it */
	F_FEAT64 = BIT(27),	/* its feature counts in 64-bit mode only */
	F_PURE = BIT(28),	/* uses its operands, registers and arithmetic flags only */
};

/**
 * struct emu_opcode - one line of the opcode table
 * @name: mnemonic; NULL where the opcode is #UD
 * @exec: handler
 * @op: operands, destination first: enum emu_operand
 * @feature: enum emu_feature; without it, the line does not exist
 * @flags: enum emu_opcode_flags
 * @sub: F_GROUP: 8 entries by ModRM.reg; F_PREFIX: 4 by none, 66, F3, F2;
 *	F_MOD: 2, memory and register; F_RM: 8 by ModRM.rm; F_WIDE, F_M64: 2.
 *	None of these: the line that the bytes mean without @feature, or NULL (#UD)
 */
struct emu_opcode {
	const char *name;
	emu_handler exec;
	u8 op[3];
	u8 feature;
	u32 flags;
	const struct emu_opcode *sub;
};

extern const struct emu_opcode emu_opcodes[256];	/* one byte */
extern const struct emu_opcode emu_opcodes_0f[256];	/* 0F xx */
extern const struct emu_opcode emu_opcodes_0f38[256];	/* 0F 38 xx */
extern const struct emu_opcode emu_opcodes_0f3a[256];	/* 0F 3A xx */
extern const struct emu_opcode emu_opcodes_vex1[256];	/* VEX, maps 1 to 3 */
extern const struct emu_opcode emu_opcodes_vex2[256];
extern const struct emu_opcode emu_opcodes_vex3[256];
extern const struct emu_opcode emu_opcodes_evex[2];
extern const struct emu_opcode emu_opcodes_xop[3];
extern const struct emu_opcode emu_opcode_none[2];

#define EMU_INSN_MAX		15

enum emu_rep { REP_NONE, REP_E = 0xf3, REP_NE = 0xf2 };

/**
 * struct emu_insn - one decoded instruction
 * @exec: handler
 * @op: line of the table
 * @imm: immediate, branch displacement, far offset or memory offset
 * @disp: displacement of the memory operand
 * @base: place of the base register in struct emu, in bytes
 * @index: likewise; both name a zero where there is none
 * @reg_at: place of ModRM.reg's, or the opcode's, general register
 * @rm_at: place of ModRM.rm's
 * @v_at: place of VEX.vvvv's
 * @imm2: far selector, or ENTER's level
 * @scale: left shift of the index
 * @seg: segment of the memory operand, override applied
 * @asize: address size in bytes
 * @osize: operand size in bytes: 2, 4, 8
 * @size: bytes of the destination operand
 * @ssize: bytes of the source operand
 * @len: bytes of the instruction
 * @opcode: last opcode byte
 * @modrm: ModRM byte
 * @reg: ModRM.reg, extended
 * @rm: ModRM.rm, extended
 * @rep: enum emu_rep, the last of F2 and F3
 * @lock: has LOCK
 * @mem: ModRM.rm, or an offset, names memory
 * @mode64: decoded for 64-bit mode
 */
struct emu_insn {
	emu_handler exec;
	const struct emu_opcode *op;
	u64 imm;
	s32 disp;
	u16 base;
	u16 index;
	u16 reg_at;
	u16 rm_at;
	u16 v_at;
	u16 imm2;
	u8 scale;
	u8 seg;
	u8 asize;
	u8 osize;
	u8 size;
	u8 ssize;
	u8 len;
	u8 opcode;
	u8 modrm;
	u8 reg;
	u8 rm;
	u8 rep;
	bool lock;
	bool mem;
	bool mode64;
};

/* The default sizes that an instruction is decoded for. */
enum emu_decode_mode { DECODE_16, DECODE_32, DECODE_64 };

/* What emu_decode() says when it has no length to return. */
enum emu_decode_error {
	DECODE_MORE = -1,	/* needs more bytes than it was given */
	DECODE_UD = -2,		/* #UD */
	DECODE_LONG = -3,	/* over 15 bytes: #GP(0) (S19) */
};

/**
 * emu_decode() - decode one instruction
 * @i: written; @i->len too where the result is DECODE_UD and it is known
 * @buf: bytes
 * @avail: how many, at most EMU_INSN_MAX are looked at
 * @mode: default sizes
 * @vm86_or_real: F_PROT opcodes do not exist
 *
 * Return: length, or enum emu_decode_error.
 */
int emu_decode(struct emu_insn *i, const u8 *buf, unsigned int avail,
	       enum emu_decode_mode mode, bool vm86_or_real);

#endif /* EMU_INSN_H */
