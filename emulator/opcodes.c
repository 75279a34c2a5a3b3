// SPDX-License-Identifier: GPL-2.0
/*
 * The opcode table: one line an opcode, keyed by its byte, operands in the SDM's
 * notation. Decoder, handlers, tests and the list of instructions all come from
 * it. A byte without a line, and a line without a name, is #UD.
 *
 * An operand that a handler only computes an address from, or reads and writes by
 * itself, carries F_MOV and F_NOWB.
 */
#include "handlers.h"

#define OP(name, exec, a, b, c, flags) \
	OPF(ALWAYS, name, exec, a, b, c, flags)
/* Exists with a feature only. */
#define OPF(feature, name, exec, a, b, c, flags) \
	{ name, exec, { a, b, c }, EMU_FEAT_##feature, flags, NULL }
/* What the bytes mean without the feature: another line. */
#define OPF_ELSE(feature, name, exec, a, b, c, flags, line) \
	{ name, exec, { a, b, c }, EMU_FEAT_##feature, flags, line }
#define SUB(table, flags) { "(" #table ")", em_ud, { O_none }, 0, flags, table }
#define UD { NULL, em_ud, { O_none }, 0, 0, NULL }
/* With an immediate, which counts for the length. */
#define UD_IMM(imm) { NULL, em_ud, { O_none, imm }, 0, 0, NULL }
#define UD_MODRM(imm) { NULL, em_ud, { O_none, imm }, 0, F_MODRM, NULL }
#define SSE OP("sse", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP)
#define SSE_IB OP("sse", em_ud, O_none, Ib, O_none, F_MODRM | F_UNSUP)

#define GROUP1(dst, src, more) { \
	OP("add", em_add, dst, src, O_none, F_LOCK | (more) | F_PURE), \
	OP("or", em_or, dst, src, O_none, F_LOCK | (more) | F_PURE), \
	OP("adc", em_adc, dst, src, O_none, F_LOCK | (more) | F_PURE), \
	OP("sbb", em_sbb, dst, src, O_none, F_LOCK | (more) | F_PURE), \
	OP("and", em_and, dst, src, O_none, F_LOCK | (more) | F_PURE), \
	OP("sub", em_sub, dst, src, O_none, F_LOCK | (more) | F_PURE), \
	OP("xor", em_xor, dst, src, O_none, F_LOCK | (more) | F_PURE), \
	OP("cmp", em_cmp, dst, src, O_none, F_NOWB | (more) | F_PURE), \
}

static const struct emu_opcode group1_eb_ib[8] = GROUP1(Eb, Ib, 0);
static const struct emu_opcode group1_ev_iz[8] = GROUP1(Ev, Iz, 0);
static const struct emu_opcode group1_ev_is[8] = GROUP1(Ev, Is, 0);
static const struct emu_opcode group1_eb_ib_alias[8] = GROUP1(Eb, Ib, F_I64);

static const struct emu_opcode group1a[8] = {
	OP("pop", em_pop, Ev, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	UD,
	UD,
	UD,
	UD,
	UD,
	UD,
	UD,
};

/* 6 is an undocumented name of 4. */
#define GROUP2(dst, src) { \
	OP("rol", em_rol, dst, src, O_none, F_PURE), \
	OP("ror", em_ror, dst, src, O_none, F_PURE), \
	OP("rcl", em_rcl, dst, src, O_none, F_PURE), \
	OP("rcr", em_rcr, dst, src, O_none, F_PURE), \
	OP("shl", em_shl, dst, src, O_none, F_PURE), \
	OP("shr", em_shr, dst, src, O_none, F_PURE), \
	OP("shl", em_shl, dst, src, O_none, F_PURE), \
	OP("sar", em_sar, dst, src, O_none, F_PURE), \
}

static const struct emu_opcode group2_eb_ib[8] = GROUP2(Eb, Ib);
static const struct emu_opcode group2_ev_ib[8] = GROUP2(Ev, Ib);
static const struct emu_opcode group2_eb_1[8] = GROUP2(Eb, ONE);
static const struct emu_opcode group2_ev_1[8] = GROUP2(Ev, ONE);
static const struct emu_opcode group2_eb_cl[8] = GROUP2(Eb, CL);
static const struct emu_opcode group2_ev_cl[8] = GROUP2(Ev, CL);

/* 1 is an undocumented name of 0. */
#define GROUP3(dst, imm) { \
	OP("test", em_test, dst, imm, O_none, F_NOWB | F_PURE), \
	OP("test", em_test, dst, imm, O_none, F_NOWB | F_PURE), \
	OP("not", em_not, dst, O_none, O_none, F_LOCK | F_PURE), \
	OP("neg", em_neg, dst, O_none, O_none, F_LOCK | F_PURE), \
	OP("mul", em_mul, dst, O_none, O_none, F_NOWB | F_PURE), \
	OP("imul", em_imul, dst, O_none, O_none, F_NOWB | F_PURE), \
	OP("div", em_div, dst, O_none, O_none, F_NOWB | F_PURE), \
	OP("idiv", em_idiv, dst, O_none, O_none, F_NOWB | F_PURE), \
}

static const struct emu_opcode group3_eb[8] = GROUP3(Eb, Ib);
static const struct emu_opcode group3_ev[8] = GROUP3(Ev, Iz);

static const struct emu_opcode group4[8] = {
	OP("inc", em_inc, Eb, O_none, O_none, F_LOCK | F_PURE),
	OP("dec", em_dec, Eb, O_none, O_none, F_LOCK | F_PURE),
	UD,
	UD,
	UD,
	UD,
	UD,
	UD,
};

static const struct emu_opcode group5[8] = {
	OP("inc", em_inc, Ev, O_none, O_none, F_LOCK | F_PURE),
	OP("dec", em_dec, Ev, O_none, O_none, F_LOCK | F_PURE),
	OP("call", em_call_mem, Ev, O_none, O_none, F_NOWB | F_F64 | F_ENDS),
	OP("call far", em_call_far_mem, Mp, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_ENDS),
	OP("jmp", em_jmp_mem, Ev, O_none, O_none, F_NOWB | F_F64 | F_ENDS),
	OP("jmp far", em_jmp_far_mem, Mp, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_ENDS),
	OP("push", em_push, Ev, O_none, O_none, F_NOWB | F_D64),
	UD,
};

static const struct emu_opcode group6[8] = {
	OP("sldt", em_sldt, Ev, O_none, O_none, F_NOWB | F_MOV | F_PROT),
	OP("str", em_str, Ev, O_none, O_none, F_NOWB | F_MOV | F_PROT),
	OP("lldt", em_lldt, O_none, Ew, O_none, F_PROT | F_PRIV),
	OP("ltr", em_ltr, O_none, Ew, O_none, F_PROT | F_PRIV),
	OP("verr", em_verr, O_none, Ew, O_none, F_PROT),
	OP("verw", em_verw, O_none, Ew, O_none, F_PROT),
	UD,
	UD,
};

static const struct emu_opcode group7_c8[8] = {
	UD,
	UD,
	OPF(SMAP, "clac", em_clac, O_none, O_none, O_none, F_UDPRIV),
	OPF(SMAP, "stac", em_stac, O_none, O_none, O_none, F_UDPRIV),
	UD,
	UD,
	UD,
	UD,
};

static const struct emu_opcode xgetbv[4] = {
	OPF(XSAVE, "xgetbv", em_xgetbv, O_none, O_none, O_none, 0), UD, UD, UD,
};

static const struct emu_opcode xsetbv[4] = {
	OPF(XSAVE, "xsetbv", em_xsetbv, O_none, O_none, O_none, 0), UD, UD, UD,
};

static const struct emu_opcode group7_d0[8] = {
	SUB(xgetbv, F_PREFIX),
	SUB(xsetbv, F_PREFIX),
	UD,
	UD,
	UD,
	UD,
	UD,
	UD,
};

static const struct emu_opcode group7_f8[8] = {
	OPF(LM, "swapgs", em_swapgs, O_none, O_none, O_none, F_PRIV | F_O64),
	OPF(RDTSCP, "rdtscp", em_rdtscp, O_none, O_none, O_none, 0),
	UD,
	UD,
	UD,
	UD,
	UD,
	UD,
};

static const struct emu_opcode group7_1[2] = {
	OP("sidt", em_sidt, M, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_F64),
	SUB(group7_c8, F_RM),
};

static const struct emu_opcode group7_2[2] = {
	OP("lgdt", em_lgdt, M, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_PRIV | F_F64),
	SUB(group7_d0, F_RM),
};

static const struct emu_opcode group7_7[2] = {
	OPF(486, "invlpg", em_invlpg, M, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_PRIV),
	SUB(group7_f8, F_RM),
};

static const struct emu_opcode group7[8] = {
	OP("sgdt", em_sgdt, M, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_F64),
	SUB(group7_1, F_MOD),
	SUB(group7_2, F_MOD),
	OP("lidt", em_lidt, M, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_PRIV | F_F64),
	OP("smsw", em_smsw, Ev, O_none, O_none, F_NOWB | F_MOV),
	UD,
	OP("lmsw", em_lmsw, O_none, Ew, O_none, F_PRIV | F_ENDS),
	SUB(group7_7, F_MOD),
};

static const struct emu_opcode group8[8] = {
	UD_IMM(Ib),
	UD_IMM(Ib),
	UD_IMM(Ib),
	UD_IMM(Ib),
	OP("bt", em_bt, Ev, Ib, O_none, F_NOWB | F_MOV),
	OP("bts", em_bts, Ev, Ib, O_none, F_NOWB | F_MOV | F_LOCK),
	OP("btr", em_btr, Ev, Ib, O_none, F_NOWB | F_MOV | F_LOCK),
	OP("btc", em_btc, Ev, Ib, O_none, F_NOWB | F_MOV | F_LOCK),
};

/* By REX.W */
static const struct emu_opcode cmpxchg8b[2] = {
	OPF(CX8, "cmpxchg8b", em_cmpxchg8b, Mq, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_LOCK),
	OPF(CX16, "cmpxchg16b", em_cmpxchg16b, Mdq, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_LOCK),
};

/* State of FPU and vectors */
#define XSAVE(name) OP(name, em_ud, M, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_UNSUP)

static const struct emu_opcode rdrand[4] = {
	OPF(RDRAND, "rdrand", em_unsupported, Ev, O_none, O_none, F_NOWB | F_MOV),
	OPF(RDRAND, "rdrand", em_unsupported, Ev, O_none, O_none, F_NOWB | F_MOV),
	UD,
	UD,
};

static const struct emu_opcode rdseed_or_rdpid[4] = {
	OPF(RDSEED, "rdseed", em_unsupported, Ev, O_none, O_none, F_NOWB | F_MOV),
	OPF(RDSEED, "rdseed", em_unsupported, Ev, O_none, O_none, F_NOWB | F_MOV),
	OPF(RDPID, "rdpid", em_rdpid, Ry, O_none, O_none, F_MOV | F_F64),
	UD,
};

static const struct emu_opcode group9_6[2] = {
	UD,
	SUB(rdrand, F_PREFIX),
};

static const struct emu_opcode group9_7[2] = {
	UD,
	SUB(rdseed_or_rdpid, F_PREFIX),
};

static const struct emu_opcode group9[8] = {
	UD,
	SUB(cmpxchg8b, F_WIDE),
	UD,
	XSAVE("xrstors"),
	XSAVE("xsavec"),
	XSAVE("xsaves"),
	SUB(group9_6, F_MOD),
	SUB(group9_7, F_MOD),
};

static const struct emu_opcode group11_eb[8] = {
	OP("mov", em_mov, Eb, Ib, O_none, F_MOV | F_PURE),
	UD_IMM(Ib),
	UD_IMM(Ib),
	UD_IMM(Ib),
	UD_IMM(Ib),
	UD_IMM(Ib),
	UD_IMM(Ib),
	UD_IMM(Ib),
};

static const struct emu_opcode group11_ev[8] = {
	OP("mov", em_mov, Ev, Iz, O_none, F_MOV | F_PURE),
	UD_IMM(Iz),
	UD_IMM(Iz),
	UD_IMM(Iz),
	UD_IMM(Iz),
	UD_IMM(Iz),
	UD_IMM(Iz),
	UD_IMM(Iz),
};

#define FSGSBASE(name, handler, dst, src, flags) { \
	UD, UD, OPF(FSGSBASE, name, handler, dst, src, O_none, (flags) | F_O64), UD, \
}

static const struct emu_opcode rdfsbase[4] = FSGSBASE("rdfsbase", em_rdfsbase, Ry, O_none, F_MOV);
static const struct emu_opcode rdgsbase[4] = FSGSBASE("rdgsbase", em_rdgsbase, Ry, O_none, F_MOV);
static const struct emu_opcode wrfsbase[4] = FSGSBASE("wrfsbase", em_wrfsbase, O_none, Ry, 0);
static const struct emu_opcode wrgsbase[4] = FSGSBASE("wrgsbase", em_wrgsbase, O_none, Ry, 0);

static const struct emu_opcode group15_0[2] = {
	XSAVE("fxsave"),
	SUB(rdfsbase, F_PREFIX),
};

static const struct emu_opcode group15_1[2] = {
	XSAVE("fxrstor"),
	SUB(rdgsbase, F_PREFIX),
};

static const struct emu_opcode group15_2[2] = {
	XSAVE("ldmxcsr"),
	SUB(wrfsbase, F_PREFIX),
};

static const struct emu_opcode group15_3[2] = {
	XSAVE("stmxcsr"),
	SUB(wrgsbase, F_PREFIX),
};

/* CLWB, CLFLUSHOPT */
static const struct emu_opcode xsaveopt_or_clwb[4] = {
	XSAVE("xsaveopt"),
	OPF(CLWB, "clwb", em_touch, M, O_none, O_none, F_NOWB | F_MOV | F_MEM),
	UD,
	UD,
};

static const struct emu_opcode clflush_or_opt[4] = {
	OPF(CLFLUSH, "clflush", em_touch, M, O_none, O_none, F_NOWB | F_MOV | F_MEM),
	OPF(CLFLUSHOPT, "clflushopt", em_touch, M, O_none, O_none, F_NOWB | F_MOV | F_MEM),
	UD,
	UD,
};

static const struct emu_opcode lfence[4] = {
	OPF(LFENCE, "lfence", em_nop, O_none, O_none, O_none, F_MODRM | F_PURE), UD, UD, UD,
};

static const struct emu_opcode mfence[4] = {
	OPF(LFENCE, "mfence", em_nop, O_none, O_none, O_none, F_MODRM | F_PURE), UD, UD, UD,
};

static const struct emu_opcode sfence[4] = {
	OPF(SFENCE, "sfence", em_nop, O_none, O_none, O_none, F_MODRM | F_PURE), UD, UD, UD,
};

static const struct emu_opcode group15_5[2] = {
	XSAVE("xrstor"),
	SUB(lfence, F_PREFIX),
};

static const struct emu_opcode group15_6[2] = {
	SUB(xsaveopt_or_clwb, F_PREFIX),
	SUB(mfence, F_PREFIX),
};

static const struct emu_opcode group15_7[2] = {
	SUB(clflush_or_opt, F_PREFIX),
	SUB(sfence, F_PREFIX),
};

/* With memory: FPU and vector state, CLFLUSH; with a register: fences. */
static const struct emu_opcode group15[8] = {
	SUB(group15_0, F_MOD),
	SUB(group15_1, F_MOD),
	SUB(group15_2, F_MOD),
	SUB(group15_3, F_MOD),
	XSAVE("xsave"),
	SUB(group15_5, F_MOD),
	SUB(group15_6, F_MOD),
	SUB(group15_7, F_MOD),
};

static const struct emu_opcode nop_or_pause[4] = {
	OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	OP("pause", em_nop, O_none, O_none, O_none, F_PURE),
	OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
};

static const struct emu_opcode popcnt[4] = {
	UD,
	UD,
	OPF(POPCNT, "popcnt", em_popcnt, Gv, Ev, O_none, F_MOV | F_PURE),
	UD,
};

static const struct emu_opcode bsf_or_tzcnt[4] = {
	OP("bsf", em_bsf, Gv, Ev, O_none, F_NOWB | F_MOV | F_PURE),
	OP("bsf", em_bsf, Gv, Ev, O_none, F_NOWB | F_MOV | F_PURE),
	OPF_ELSE(BMI1, "tzcnt", em_tzcnt, Gv, Ev, O_none, F_MOV | F_PURE, bsf_or_tzcnt),
	OP("bsf", em_bsf, Gv, Ev, O_none, F_NOWB | F_MOV | F_PURE),
};

static const struct emu_opcode bsr_or_lzcnt[4] = {
	OP("bsr", em_bsr, Gv, Ev, O_none, F_NOWB | F_MOV | F_PURE),
	OP("bsr", em_bsr, Gv, Ev, O_none, F_NOWB | F_MOV | F_PURE),
	OPF_ELSE(LZCNT, "lzcnt", em_lzcnt, Gv, Ev, O_none, F_MOV | F_PURE, bsr_or_lzcnt),
	OP("bsr", em_bsr, Gv, Ev, O_none, F_NOWB | F_MOV | F_PURE),
};

static const struct emu_opcode movbe_load_or_crc32[4] = {
	OPF(MOVBE, "movbe", em_movbe, Gv, Ev, O_none, F_MOV | F_MEM | F_PURE),
	OPF(MOVBE, "movbe", em_movbe, Gv, Ev, O_none, F_MOV | F_MEM | F_PURE),
	UD,
	OPF(SSE42, "crc32", em_crc32, Gd, Eb, O_none, F_PURE),
};

static const struct emu_opcode movbe_store_or_crc32[4] = {
	OPF(MOVBE, "movbe", em_movbe, Ev, Gv, O_none, F_MOV | F_MEM | F_PURE),
	OPF(MOVBE, "movbe", em_movbe, Ev, Gv, O_none, F_MOV | F_MEM | F_PURE),
	UD,
	OPF(SSE42, "crc32", em_crc32, Gd, Ev, O_none, F_PURE),
};

static const struct emu_opcode movnti[4] = {
	OPF(LFENCE, "movnti", em_mov, Ey, Gy, O_none, F_MOV | F_MEM | F_PURE), UD, UD, UD,
};

static const struct emu_opcode invpcid[4] = {
	UD, OPF(INVPCID, "invpcid", em_invpcid, M, O_none, O_none, F_NOWB | F_MOV | F_MEM | F_PRIV | F_F64), UD, UD,
};

static const struct emu_opcode adcx_or_adox[4] = {
	UD,
	OPF(ADX, "adcx", em_adcx, Gy, Ey, O_none, F_PURE),
	OPF(ADX, "adox", em_adox, Gy, Ey, O_none, F_PURE),
	UD,
};

/* Vectors and MMX, by the prefixes with which they exist. */
static const struct emu_opcode sse_np[4] = { SSE, UD, UD, UD };
static const struct emu_opcode sse_66[4] = { UD, SSE, UD, UD };
static const struct emu_opcode sse_f2[4] = { UD, UD, UD, SSE };
static const struct emu_opcode sse_np_66[4] = { SSE, SSE, UD, UD };
static const struct emu_opcode sse_np_f3[4] = { SSE, UD, SSE, UD };
static const struct emu_opcode sse_np_66_f3[4] = { SSE, SSE, SSE, UD };
static const struct emu_opcode sse_66_f2[4] = { UD, SSE, UD, SSE };
static const struct emu_opcode sse_66_f3_f2[4] = { UD, SSE, SSE, SSE };
static const struct emu_opcode sse_np_66_ib[4] = { SSE_IB, SSE_IB, UD_IMM(Ib), UD_IMM(Ib) };
static const struct emu_opcode sse_np_ib[4] = { SSE_IB, UD_IMM(Ib), UD_IMM(Ib), UD_IMM(Ib) };
static const struct emu_opcode sse_66_ib[4] = { UD_IMM(Ib), SSE_IB, UD_IMM(Ib), UD_IMM(Ib) };

/* VEX: BMI1 and BMI2 */
static const struct emu_opcode andn[4] = {
	OPF(BMI1, "andn", em_andn, Gy, By, Ey, F_MOV | F_PURE), UD, UD, UD,
};

static const struct emu_opcode blsr[4] = {
	OPF(BMI1, "blsr", em_blsr, By, Ey, O_none, F_MOV | F_PURE), UD, UD, UD,
};

static const struct emu_opcode blsmsk[4] = {
	OPF(BMI1, "blsmsk", em_blsmsk, By, Ey, O_none, F_MOV | F_PURE), UD, UD, UD,
};

static const struct emu_opcode blsi[4] = {
	OPF(BMI1, "blsi", em_blsi, By, Ey, O_none, F_MOV | F_PURE), UD, UD, UD,
};

static const struct emu_opcode group17[8] = {
	UD,
	SUB(blsr, F_PREFIX),
	SUB(blsmsk, F_PREFIX),
	SUB(blsi, F_PREFIX),
	UD,
	UD,
	UD,
	UD,
};

static const struct emu_opcode bzhi_pext_pdep[4] = {
	OPF(BMI2, "bzhi", em_bzhi, Gy, Ey, By, F_MOV | F_PURE),
	UD,
	OPF(BMI2, "pext", em_pext, Gy, By, Ey, F_MOV | F_PURE),
	OPF(BMI2, "pdep", em_pdep, Gy, By, Ey, F_MOV | F_PURE),
};

static const struct emu_opcode mulx[4] = {
	UD, UD, UD, OPF(BMI2, "mulx", em_mulx, Gy, By, Ey, F_MOV | F_PURE),
};

static const struct emu_opcode bextr_or_shift[4] = {
	OPF(BMI1, "bextr", em_bextr, Gy, Ey, By, F_MOV | F_PURE),
	OPF(BMI2, "shlx", em_shlx, Gy, Ey, By, F_MOV | F_PURE),
	OPF(BMI2, "sarx", em_sarx, Gy, Ey, By, F_MOV | F_PURE),
	OPF(BMI2, "shrx", em_shrx, Gy, Ey, By, F_MOV | F_PURE),
};

static const struct emu_opcode rorx[4] = {
	UD_IMM(Ib), UD_IMM(Ib), UD_IMM(Ib), OPF(BMI2, "rorx", em_rorx, Gy, Ey, Ib, F_MOV | F_PURE),
};

static const struct emu_opcode arpl_or_movsxd[2] = {
	OP("arpl", em_arpl, Ew, Gw, O_none, F_NOWB | F_PROT),
	OP("movsxd", em_movsx, Gv, Ez, O_none, F_MOV | F_PURE),
};

static const struct emu_opcode movdiri[4] = {
	OPF(MOVDIRI, "movdiri", em_mov, Ey, Gy, O_none, F_MOV | F_MEM | F_PURE), UD, UD, UD,
};

const struct emu_opcode emu_opcodes[256] = {
	[0x00] = OP("add", em_add, Eb, Gb, O_none, F_LOCK | F_PURE),
	[0x01] = OP("add", em_add, Ev, Gv, O_none, F_LOCK | F_PURE),
	[0x02] = OP("add", em_add, Gb, Eb, O_none, F_PURE),
	[0x03] = OP("add", em_add, Gv, Ev, O_none, F_PURE),
	[0x04] = OP("add", em_add, AL, Ib, O_none, F_PURE),
	[0x05] = OP("add", em_add, rAX, Iz, O_none, F_PURE),
	[0x06] = OP("push es", em_push_sreg, O_none, O_none, O_none, F_I64),
	[0x07] = OP("pop es", em_pop_sreg, O_none, O_none, O_none, F_I64),
	[0x08] = OP("or", em_or, Eb, Gb, O_none, F_LOCK | F_PURE),
	[0x09] = OP("or", em_or, Ev, Gv, O_none, F_LOCK | F_PURE),
	[0x0a] = OP("or", em_or, Gb, Eb, O_none, F_PURE),
	[0x0b] = OP("or", em_or, Gv, Ev, O_none, F_PURE),
	[0x0c] = OP("or", em_or, AL, Ib, O_none, F_PURE),
	[0x0d] = OP("or", em_or, rAX, Iz, O_none, F_PURE),
	[0x0e] = OP("push cs", em_push_sreg, O_none, O_none, O_none, F_I64),
	[0x10] = OP("adc", em_adc, Eb, Gb, O_none, F_LOCK | F_PURE),
	[0x11] = OP("adc", em_adc, Ev, Gv, O_none, F_LOCK | F_PURE),
	[0x12] = OP("adc", em_adc, Gb, Eb, O_none, F_PURE),
	[0x13] = OP("adc", em_adc, Gv, Ev, O_none, F_PURE),
	[0x14] = OP("adc", em_adc, AL, Ib, O_none, F_PURE),
	[0x15] = OP("adc", em_adc, rAX, Iz, O_none, F_PURE),
	[0x16] = OP("push ss", em_push_sreg, O_none, O_none, O_none, F_I64),
	[0x17] = OP("pop ss", em_pop_sreg, O_none, O_none, O_none, F_I64 | F_ENDS),
	[0x18] = OP("sbb", em_sbb, Eb, Gb, O_none, F_LOCK | F_PURE),
	[0x19] = OP("sbb", em_sbb, Ev, Gv, O_none, F_LOCK | F_PURE),
	[0x1a] = OP("sbb", em_sbb, Gb, Eb, O_none, F_PURE),
	[0x1b] = OP("sbb", em_sbb, Gv, Ev, O_none, F_PURE),
	[0x1c] = OP("sbb", em_sbb, AL, Ib, O_none, F_PURE),
	[0x1d] = OP("sbb", em_sbb, rAX, Iz, O_none, F_PURE),
	[0x1e] = OP("push ds", em_push_sreg, O_none, O_none, O_none, F_I64),
	[0x1f] = OP("pop ds", em_pop_sreg, O_none, O_none, O_none, F_I64),
	[0x20] = OP("and", em_and, Eb, Gb, O_none, F_LOCK | F_PURE),
	[0x21] = OP("and", em_and, Ev, Gv, O_none, F_LOCK | F_PURE),
	[0x22] = OP("and", em_and, Gb, Eb, O_none, F_PURE),
	[0x23] = OP("and", em_and, Gv, Ev, O_none, F_PURE),
	[0x24] = OP("and", em_and, AL, Ib, O_none, F_PURE),
	[0x25] = OP("and", em_and, rAX, Iz, O_none, F_PURE),
	[0x27] = OP("daa", em_daa, O_none, O_none, O_none, F_I64 | F_PURE),
	[0x28] = OP("sub", em_sub, Eb, Gb, O_none, F_LOCK | F_PURE),
	[0x29] = OP("sub", em_sub, Ev, Gv, O_none, F_LOCK | F_PURE),
	[0x2a] = OP("sub", em_sub, Gb, Eb, O_none, F_PURE),
	[0x2b] = OP("sub", em_sub, Gv, Ev, O_none, F_PURE),
	[0x2c] = OP("sub", em_sub, AL, Ib, O_none, F_PURE),
	[0x2d] = OP("sub", em_sub, rAX, Iz, O_none, F_PURE),
	[0x2f] = OP("das", em_das, O_none, O_none, O_none, F_I64 | F_PURE),
	[0x30] = OP("xor", em_xor, Eb, Gb, O_none, F_LOCK | F_PURE),
	[0x31] = OP("xor", em_xor, Ev, Gv, O_none, F_LOCK | F_PURE),
	[0x32] = OP("xor", em_xor, Gb, Eb, O_none, F_PURE),
	[0x33] = OP("xor", em_xor, Gv, Ev, O_none, F_PURE),
	[0x34] = OP("xor", em_xor, AL, Ib, O_none, F_PURE),
	[0x35] = OP("xor", em_xor, rAX, Iz, O_none, F_PURE),
	[0x37] = OP("aaa", em_aaa, O_none, O_none, O_none, F_I64 | F_PURE),
	[0x38] = OP("cmp", em_cmp, Eb, Gb, O_none, F_NOWB | F_PURE),
	[0x39] = OP("cmp", em_cmp, Ev, Gv, O_none, F_NOWB | F_PURE),
	[0x3a] = OP("cmp", em_cmp, Gb, Eb, O_none, F_NOWB | F_PURE),
	[0x3b] = OP("cmp", em_cmp, Gv, Ev, O_none, F_NOWB | F_PURE),
	[0x3c] = OP("cmp", em_cmp, AL, Ib, O_none, F_NOWB | F_PURE),
	[0x3d] = OP("cmp", em_cmp, rAX, Iz, O_none, F_NOWB | F_PURE),
	[0x3f] = OP("aas", em_aas, O_none, O_none, O_none, F_I64 | F_PURE),
	[0x40] = OP("inc", em_inc, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x41] = OP("inc", em_inc, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x42] = OP("inc", em_inc, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x43] = OP("inc", em_inc, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x44] = OP("inc", em_inc, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x45] = OP("inc", em_inc, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x46] = OP("inc", em_inc, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x47] = OP("inc", em_inc, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x48] = OP("dec", em_dec, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x49] = OP("dec", em_dec, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x4a] = OP("dec", em_dec, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x4b] = OP("dec", em_dec, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x4c] = OP("dec", em_dec, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x4d] = OP("dec", em_dec, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x4e] = OP("dec", em_dec, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x4f] = OP("dec", em_dec, Zv, O_none, O_none, F_I64 | F_PURE),
	[0x50] = OP("push", em_push, Zv, O_none, O_none, F_NOWB | F_D64),
	[0x51] = OP("push", em_push, Zv, O_none, O_none, F_NOWB | F_D64),
	[0x52] = OP("push", em_push, Zv, O_none, O_none, F_NOWB | F_D64),
	[0x53] = OP("push", em_push, Zv, O_none, O_none, F_NOWB | F_D64),
	[0x54] = OP("push", em_push, Zv, O_none, O_none, F_NOWB | F_D64),
	[0x55] = OP("push", em_push, Zv, O_none, O_none, F_NOWB | F_D64),
	[0x56] = OP("push", em_push, Zv, O_none, O_none, F_NOWB | F_D64),
	[0x57] = OP("push", em_push, Zv, O_none, O_none, F_NOWB | F_D64),
	[0x58] = OP("pop", em_pop, Zv, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	[0x59] = OP("pop", em_pop, Zv, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	[0x5a] = OP("pop", em_pop, Zv, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	[0x5b] = OP("pop", em_pop, Zv, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	[0x5c] = OP("pop", em_pop, Zv, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	[0x5d] = OP("pop", em_pop, Zv, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	[0x5e] = OP("pop", em_pop, Zv, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	[0x5f] = OP("pop", em_pop, Zv, O_none, O_none, F_NOWB | F_MOV | F_D64 | F_UNDO),
	[0x60] = OP("pusha", em_pusha, O_none, O_none, O_none, F_I64),
	[0x61] = OP("popa", em_popa, O_none, O_none, O_none, F_I64 | F_UNDO),
	[0x62] = OP("bound", em_bound, Gv, M, O_none, F_NOWB | F_MEM | F_I64),
	[0x63] = SUB(arpl_or_movsxd, F_M64),
	[0x68] = OP("push", em_push_imm, Iz, O_none, O_none, F_NOWB | F_MOV | F_D64),
	[0x69] = OP("imul", em_imul2, Gv, Ev, Iz, F_MOV | F_PURE),
	[0x6a] = OP("push", em_push_imm, Is, O_none, O_none, F_NOWB | F_MOV | F_D64),
	[0x6b] = OP("imul", em_imul2, Gv, Ev, Is, F_MOV | F_PURE),
	[0x6c] = OP("insb", em_ins, O_none, O_none, O_none, F_STRING | F_PORT),
	[0x6d] = OP("ins", em_ins, O_none, O_none, O_none, F_STRING | F_PORT),
	[0x6e] = OP("outsb", em_outs, O_none, O_none, O_none, F_STRING | F_PORT),
	[0x6f] = OP("outs", em_outs, O_none, O_none, O_none, F_STRING | F_PORT),
	[0x70] = OP("jo", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x71] = OP("jno", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x72] = OP("jb", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x73] = OP("jae", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x74] = OP("je", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x75] = OP("jne", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x76] = OP("jbe", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x77] = OP("ja", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x78] = OP("js", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x79] = OP("jns", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x7a] = OP("jp", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x7b] = OP("jnp", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x7c] = OP("jl", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x7d] = OP("jge", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x7e] = OP("jle", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x7f] = OP("jg", em_jcc, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x80] = SUB(group1_eb_ib, F_GROUP),
	[0x81] = SUB(group1_ev_iz, F_GROUP),
	[0x82] = SUB(group1_eb_ib_alias, F_GROUP),
	[0x83] = SUB(group1_ev_is, F_GROUP),
	[0x84] = OP("test", em_test, Eb, Gb, O_none, F_NOWB | F_PURE),
	[0x85] = OP("test", em_test, Ev, Gv, O_none, F_NOWB | F_PURE),
	[0x86] = OP("xchg", em_xchg, Eb, Gb, O_none, F_LOCK | F_XLOCK | F_UNDO),
	[0x87] = OP("xchg", em_xchg, Ev, Gv, O_none, F_LOCK | F_XLOCK | F_UNDO),
	[0x88] = OP("mov", em_mov, Eb, Gb, O_none, F_MOV | F_PURE),
	[0x89] = OP("mov", em_mov, Ev, Gv, O_none, F_MOV | F_PURE),
	[0x8a] = OP("mov", em_mov, Gb, Eb, O_none, F_MOV | F_PURE),
	[0x8b] = OP("mov", em_mov, Gv, Ev, O_none, F_MOV | F_PURE),
	[0x8c] = OP("mov", em_mov_from_sreg, Ev, Sw, O_none, F_NOWB | F_MOV),
	[0x8d] = OP("lea", em_lea, Gv, M, O_none, F_MOV | F_MEM | F_PURE),
	[0x8e] = OP("mov", em_mov_to_sreg, Sw, Ew, O_none, F_NOWB | F_MOV | F_ENDS),
	[0x8f] = SUB(group1a, F_GROUP),
	[0x90] = SUB(nop_or_pause, F_PREFIX),
	[0x91] = OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	[0x92] = OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	[0x93] = OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	[0x94] = OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	[0x95] = OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	[0x96] = OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	[0x97] = OP("xchg", em_xchg_acc, Zv, rAX, O_none, F_NOWB | F_PURE),
	[0x98] = OP("cbw", em_cbw, O_none, O_none, O_none, F_PURE),
	[0x99] = OP("cwd", em_cwd, O_none, O_none, O_none, F_PURE),
	[0x9a] = OP("call far", em_call_far, Ap, O_none, O_none, F_NOWB | F_MOV | F_I64 | F_ENDS),
	[0x9b] = OP("wait", em_wait, O_none, O_none, O_none, 0),
	[0x9c] = OP("pushf", em_pushf, O_none, O_none, O_none, F_D64),
	[0x9d] = OP("popf", em_popf, O_none, O_none, O_none, F_D64 | F_ENDS | F_UNDO),
	[0x9e] = OPF(LAHF64, "sahf", em_sahf, O_none, O_none, O_none, F_FEAT64 | F_PURE),
	[0x9f] = OPF(LAHF64, "lahf", em_lahf, O_none, O_none, O_none, F_FEAT64 | F_PURE),
	[0xa0] = OP("mov", em_mov, AL, Ob, O_none, F_MOV | F_PURE),
	[0xa1] = OP("mov", em_mov, rAX, Ov, O_none, F_MOV | F_PURE),
	[0xa2] = OP("mov", em_mov, Ob, AL, O_none, F_MOV | F_PURE),
	[0xa3] = OP("mov", em_mov, Ov, rAX, O_none, F_MOV | F_PURE),
	[0xa4] = OP("movsb", em_movs, O_none, O_none, O_none, F_STRING),
	[0xa5] = OP("movs", em_movs, O_none, O_none, O_none, F_STRING),
	[0xa6] = OP("cmpsb", em_cmps, O_none, O_none, O_none, F_STRING | F_REPCC),
	[0xa7] = OP("cmps", em_cmps, O_none, O_none, O_none, F_STRING | F_REPCC),
	[0xa8] = OP("test", em_test, AL, Ib, O_none, F_NOWB | F_PURE),
	[0xa9] = OP("test", em_test, rAX, Iz, O_none, F_NOWB | F_PURE),
	[0xaa] = OP("stosb", em_stos, O_none, O_none, O_none, F_STRING),
	[0xab] = OP("stos", em_stos, O_none, O_none, O_none, F_STRING),
	[0xac] = OP("lodsb", em_lods, O_none, O_none, O_none, F_STRING),
	[0xad] = OP("lods", em_lods, O_none, O_none, O_none, F_STRING),
	[0xae] = OP("scasb", em_scas, O_none, O_none, O_none, F_STRING | F_REPCC),
	[0xaf] = OP("scas", em_scas, O_none, O_none, O_none, F_STRING | F_REPCC),
	[0xb0] = OP("mov", em_mov, Zb, Ib, O_none, F_MOV | F_PURE),
	[0xb1] = OP("mov", em_mov, Zb, Ib, O_none, F_MOV | F_PURE),
	[0xb2] = OP("mov", em_mov, Zb, Ib, O_none, F_MOV | F_PURE),
	[0xb3] = OP("mov", em_mov, Zb, Ib, O_none, F_MOV | F_PURE),
	[0xb4] = OP("mov", em_mov, Zb, Ib, O_none, F_MOV | F_PURE),
	[0xb5] = OP("mov", em_mov, Zb, Ib, O_none, F_MOV | F_PURE),
	[0xb6] = OP("mov", em_mov, Zb, Ib, O_none, F_MOV | F_PURE),
	[0xb7] = OP("mov", em_mov, Zb, Ib, O_none, F_MOV | F_PURE),
	[0xb8] = OP("mov", em_mov, Zv, Iv, O_none, F_MOV | F_PURE),
	[0xb9] = OP("mov", em_mov, Zv, Iv, O_none, F_MOV | F_PURE),
	[0xba] = OP("mov", em_mov, Zv, Iv, O_none, F_MOV | F_PURE),
	[0xbb] = OP("mov", em_mov, Zv, Iv, O_none, F_MOV | F_PURE),
	[0xbc] = OP("mov", em_mov, Zv, Iv, O_none, F_MOV | F_PURE),
	[0xbd] = OP("mov", em_mov, Zv, Iv, O_none, F_MOV | F_PURE),
	[0xbe] = OP("mov", em_mov, Zv, Iv, O_none, F_MOV | F_PURE),
	[0xbf] = OP("mov", em_mov, Zv, Iv, O_none, F_MOV | F_PURE),
	[0xc0] = SUB(group2_eb_ib, F_GROUP),
	[0xc1] = SUB(group2_ev_ib, F_GROUP),
	[0xc2] = OP("ret", em_ret, Iw, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS | F_UNDO),
	[0xc3] = OP("ret", em_ret, O_none, O_none, O_none, F_F64 | F_ENDS | F_UNDO),
	[0xc4] = OP("les", em_les, Gz, Mp, O_none, F_NOWB | F_MOV | F_MEM | F_I64),
	[0xc5] = OP("lds", em_lds, Gz, Mp, O_none, F_NOWB | F_MOV | F_MEM | F_I64),
	[0xc6] = SUB(group11_eb, F_GROUP),
	[0xc7] = SUB(group11_ev, F_GROUP),
	[0xc8] = OP("enter", em_enter, Iw, O_none, O_none, F_NOWB | F_MOV | F_BYTE2 | F_D64 | F_UNDO),
	[0xc9] = OP("leave", em_leave, O_none, O_none, O_none, F_D64 | F_UNDO),
	[0xca] = OP("retf", em_ret_far, Iw, O_none, O_none, F_NOWB | F_MOV | F_ENDS | F_UNDO),
	[0xcb] = OP("retf", em_ret_far, O_none, O_none, O_none, F_ENDS | F_UNDO),
	[0xcc] = OP("int3", em_int3, O_none, O_none, O_none, F_ENDS),
	[0xcd] = OP("int", em_int, Ib, O_none, O_none, F_NOWB | F_MOV | F_ENDS),
	[0xce] = OP("into", em_into, O_none, O_none, O_none, F_I64 | F_ENDS),
	[0xcf] = OP("iret", em_iret, O_none, O_none, O_none, F_ENDS | F_UNDO),
	[0xd0] = SUB(group2_eb_1, F_GROUP),
	[0xd1] = SUB(group2_ev_1, F_GROUP),
	[0xd2] = SUB(group2_eb_cl, F_GROUP),
	[0xd3] = SUB(group2_ev_cl, F_GROUP),
	[0xd4] = OP("aam", em_aam, Ib, O_none, O_none, F_NOWB | F_MOV | F_I64 | F_PURE),
	[0xd5] = OP("aad", em_aad, Ib, O_none, O_none, F_NOWB | F_MOV | F_I64 | F_PURE),
	[0xd6] = OP("salc", em_salc, O_none, O_none, O_none, F_I64 | F_PURE),
	[0xd7] = OP("xlat", em_xlat, O_none, O_none, O_none, 0),
	[0xd8] = OP("x87", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP | F_X87),
	[0xd9] = OP("x87", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP | F_X87),
	[0xda] = OP("x87", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP | F_X87),
	[0xdb] = OP("x87", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP | F_X87),
	[0xdc] = OP("x87", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP | F_X87),
	[0xdd] = OP("x87", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP | F_X87),
	[0xde] = OP("x87", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP | F_X87),
	[0xdf] = OP("x87", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP | F_X87),
	[0xe0] = OP("loopne", em_loopne, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0xe1] = OP("loope", em_loope, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0xe2] = OP("loop", em_loop, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0xe3] = OP("jcxz", em_jcxz, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0xe4] = OP("in", em_in, AL, Ib, O_none, F_MOV | F_PORT),
	[0xe5] = OP("in", em_in, eAX, Ib, O_none, F_MOV | F_PORT),
	[0xe6] = OP("out", em_out, Ib, AL, O_none, F_NOWB | F_PORT),
	[0xe7] = OP("out", em_out, Ib, eAX, O_none, F_NOWB | F_PORT),
	[0xe8] = OP("call", em_call, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0xe9] = OP("jmp", em_jmp, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0xea] = OP("jmp far", em_jmp_far, Ap, O_none, O_none, F_NOWB | F_MOV | F_I64 | F_ENDS),
	[0xeb] = OP("jmp", em_jmp, Jb, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0xec] = OP("in", em_in, AL, DX, O_none, F_MOV | F_PORT),
	[0xed] = OP("in", em_in, eAX, DX, O_none, F_MOV | F_PORT),
	[0xee] = OP("out", em_out, DX, AL, O_none, F_NOWB | F_PORT),
	[0xef] = OP("out", em_out, DX, eAX, O_none, F_NOWB | F_PORT),
	[0xf1] = OP("icebp", em_icebp, O_none, O_none, O_none, F_ENDS),
	[0xf4] = OP("hlt", em_hlt, O_none, O_none, O_none, F_PRIV | F_ENDS),
	[0xf5] = OP("cmc", em_cmc, O_none, O_none, O_none, F_PURE),
	[0xf6] = SUB(group3_eb, F_GROUP),
	[0xf7] = SUB(group3_ev, F_GROUP),
	[0xf8] = OP("clc", em_clc, O_none, O_none, O_none, F_PURE),
	[0xf9] = OP("stc", em_stc, O_none, O_none, O_none, F_PURE),
	[0xfa] = OP("cli", em_cli, O_none, O_none, O_none, 0),
	[0xfb] = OP("sti", em_sti, O_none, O_none, O_none, F_ENDS),
	[0xfc] = OP("cld", em_cld, O_none, O_none, O_none, F_PURE),
	[0xfd] = OP("std", em_std, O_none, O_none, O_none, F_PURE),
	[0xfe] = SUB(group4, F_GROUP),
	[0xff] = SUB(group5, F_GROUP),
};

/* 0F xx */
const struct emu_opcode emu_opcodes_0f[256] = {
	[0x00] = SUB(group6, F_GROUP),
	[0x01] = SUB(group7, F_GROUP),
	[0x02] = OP("lar", em_lar, Gv, Ew, O_none, F_PROT),
	[0x03] = OP("lsl", em_lsl, Gv, Ew, O_none, F_PROT),
	[0x05] = OPF(SYSCALL, "syscall", em_syscall, O_none, O_none, O_none, F_O64 | F_ENDS),
	[0x06] = OP("clts", em_clts, O_none, O_none, O_none, F_PRIV),
	[0x07] = OPF(SYSCALL, "sysret", em_sysret, O_none, O_none, O_none, F_O64 | F_PRIV | F_ENDS),
	[0x08] = OPF(486, "invd", em_nop, O_none, O_none, O_none, F_PRIV | F_PURE),
	[0x09] = OPF(486, "wbinvd", em_nop, O_none, O_none, O_none, F_PRIV | F_PURE),
	[0x0b] = OP("ud2", em_ud, O_none, O_none, O_none, 0),
	[0x0d] = OPF(PREFETCHW, "prefetchw", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x0f] = UD_MODRM(Ib),
	[0x10 ... 0x12] = SSE,
	[0x13 ... 0x15] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x16] = SUB(sse_np_66_f3, F_PREFIX | F_MODRM),
	[0x17] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x18] = OPF(LONG_NOP, "nop", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x19] = OPF(LONG_NOP, "nop", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x1a] = OPF(LONG_NOP, "nop", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x1b] = OPF(LONG_NOP, "nop", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x1c] = OPF(LONG_NOP, "nop", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x1d] = OPF(LONG_NOP, "nop", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x1e] = OPF(LONG_NOP, "nop", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x1f] = OPF(LONG_NOP, "nop", em_nop, Ev, O_none, O_none, F_NOWB | F_MOV | F_PURE),
	[0x20] = OP("mov", em_mov_from_cr, Ry, Cd, O_none, F_MOV | F_PRIV | F_F64),
	[0x21] = OP("mov", em_mov_from_dr, Ry, Dd, O_none, F_MOV | F_PRIV | F_F64),
	[0x22] = OP("mov", em_mov_to_cr, Cd, Ry, O_none, F_NOWB | F_MOV | F_PRIV | F_F64 | F_ENDS),
	[0x23] = OP("mov", em_mov_to_dr, Dd, Ry, O_none, F_NOWB | F_MOV | F_PRIV | F_F64 | F_ENDS),
	[0x28 ... 0x29] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x2a ... 0x2d] = SSE,
	[0x2e ... 0x2f] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x30] = OPF(MSR, "wrmsr", em_wrmsr, O_none, O_none, O_none, F_PRIV | F_ENDS),
	[0x31] = OPF(TSC, "rdtsc", em_rdtsc, O_none, O_none, O_none, 0),
	[0x32] = OPF(MSR, "rdmsr", em_rdmsr, O_none, O_none, O_none, F_PRIV),
	[0x33] = OPF(LONG_NOP, "rdpmc", em_rdpmc, O_none, O_none, O_none, 0),
	[0x34] = OPF(SEP, "sysenter", em_sysenter, O_none, O_none, O_none, F_ENDS),
	[0x35] = OPF(SEP, "sysexit", em_sysexit, O_none, O_none, O_none, F_PRIV | F_ENDS),
	[0x40] = OPF(CMOV, "cmovo", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x41] = OPF(CMOV, "cmovno", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x42] = OPF(CMOV, "cmovb", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x43] = OPF(CMOV, "cmovae", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x44] = OPF(CMOV, "cmove", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x45] = OPF(CMOV, "cmovne", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x46] = OPF(CMOV, "cmovbe", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x47] = OPF(CMOV, "cmova", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x48] = OPF(CMOV, "cmovs", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x49] = OPF(CMOV, "cmovns", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x4a] = OPF(CMOV, "cmovp", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x4b] = OPF(CMOV, "cmovnp", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x4c] = OPF(CMOV, "cmovl", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x4d] = OPF(CMOV, "cmovge", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x4e] = OPF(CMOV, "cmovle", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x4f] = OPF(CMOV, "cmovg", em_cmovcc, Gv, Ev, O_none, F_PURE),
	[0x50] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x51] = SSE,
	[0x52 ... 0x53] = SUB(sse_np_f3, F_PREFIX | F_MODRM),
	[0x54 ... 0x57] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x58 ... 0x5a] = SSE,
	[0x5b] = SUB(sse_np_66_f3, F_PREFIX | F_MODRM),
	[0x5c ... 0x5f] = SSE,
	[0x60 ... 0x6b] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x6c ... 0x6d] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0x6e] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x6f] = SUB(sse_np_66_f3, F_PREFIX | F_MODRM),
	[0x70] = SSE_IB,
	[0x71 ... 0x73] = SUB(sse_np_66_ib, F_PREFIX | F_MODRM),
	[0x74 ... 0x76] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x77] = OP("emms", em_ud, O_none, O_none, O_none, F_UNSUP),
	[0x7c ... 0x7d] = SUB(sse_66_f2, F_PREFIX | F_MODRM),
	[0x7e ... 0x7f] = SUB(sse_np_66_f3, F_PREFIX | F_MODRM),
	[0x80] = OP("jo", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x81] = OP("jno", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x82] = OP("jb", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x83] = OP("jae", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x84] = OP("je", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x85] = OP("jne", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x86] = OP("jbe", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x87] = OP("ja", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x88] = OP("js", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x89] = OP("jns", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x8a] = OP("jp", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x8b] = OP("jnp", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x8c] = OP("jl", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x8d] = OP("jge", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x8e] = OP("jle", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x8f] = OP("jg", em_jcc, Jz, O_none, O_none, F_NOWB | F_MOV | F_F64 | F_ENDS),
	[0x90] = OP("seto", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x91] = OP("setno", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x92] = OP("setb", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x93] = OP("setae", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x94] = OP("sete", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x95] = OP("setne", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x96] = OP("setbe", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x97] = OP("seta", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x98] = OP("sets", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x99] = OP("setns", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x9a] = OP("setp", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x9b] = OP("setnp", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x9c] = OP("setl", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x9d] = OP("setge", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x9e] = OP("setle", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0x9f] = OP("setg", em_setcc, Eb, O_none, O_none, F_MOV | F_PURE),
	[0xa0] = OP("push fs", em_push_sreg, O_none, O_none, O_none, F_D64),
	[0xa1] = OP("pop fs", em_pop_sreg, O_none, O_none, O_none, F_D64),
	[0xa2] = OPF(CPUID, "cpuid", em_cpuid, O_none, O_none, O_none, 0),
	[0xa3] = OP("bt", em_bt, Ev, Gv, O_none, F_NOWB | F_MOV),
	[0xa4] = OP("shld", em_shld, Ev, Gv, Ib, F_PURE),
	[0xa5] = OP("shld", em_shld, Ev, Gv, CL, F_PURE),
	[0xa8] = OP("push gs", em_push_sreg, O_none, O_none, O_none, F_D64),
	[0xa9] = OP("pop gs", em_pop_sreg, O_none, O_none, O_none, F_D64),
	[0xab] = OP("bts", em_bts, Ev, Gv, O_none, F_NOWB | F_MOV | F_LOCK),
	[0xac] = OP("shrd", em_shrd, Ev, Gv, Ib, F_PURE),
	[0xad] = OP("shrd", em_shrd, Ev, Gv, CL, F_PURE),
	[0xae] = SUB(group15, F_GROUP),
	[0xaf] = OP("imul", em_imul2, Gv, Ev, Gv, F_MOV | F_PURE),
	[0xb0] = OPF(486, "cmpxchg", em_cmpxchg, Eb, Gb, O_none, F_LOCK | F_UNDO | F_PURE),
	[0xb1] = OPF(486, "cmpxchg", em_cmpxchg, Ev, Gv, O_none, F_LOCK | F_UNDO | F_PURE),
	[0xb2] = OP("lss", em_lss, Gv, Mp, O_none, F_NOWB | F_MOV | F_MEM),
	[0xb3] = OP("btr", em_btr, Ev, Gv, O_none, F_NOWB | F_MOV | F_LOCK),
	[0xb4] = OP("lfs", em_lfs, Gv, Mp, O_none, F_NOWB | F_MOV | F_MEM),
	[0xb5] = OP("lgs", em_lgs, Gv, Mp, O_none, F_NOWB | F_MOV | F_MEM),
	[0xb6] = OP("movzx", em_mov, Gv, Eb, O_none, F_MOV | F_PURE),
	[0xb7] = OP("movzx", em_mov, Gv, Ew, O_none, F_MOV | F_PURE),
	[0xb8] = SUB(popcnt, F_PREFIX | F_MODRM),
	[0xb9] = OP("ud1", em_ud, O_none, O_none, O_none, F_MODRM),
	[0xba] = SUB(group8, F_GROUP),
	[0xbb] = OP("btc", em_btc, Ev, Gv, O_none, F_NOWB | F_MOV | F_LOCK),
	[0xbc] = SUB(bsf_or_tzcnt, F_PREFIX),
	[0xbd] = SUB(bsr_or_lzcnt, F_PREFIX),
	[0xbe] = OP("movsx", em_movsx, Gv, Eb, O_none, F_MOV | F_PURE),
	[0xbf] = OP("movsx", em_movsx, Gv, Ew, O_none, F_MOV | F_PURE),
	[0xc0] = OPF(486, "xadd", em_xadd, Eb, Gb, O_none, F_LOCK | F_UNDO | F_PURE),
	[0xc1] = OPF(486, "xadd", em_xadd, Ev, Gv, O_none, F_LOCK | F_UNDO | F_PURE),
	[0xc2] = SSE_IB,
	[0xc3] = SUB(movnti, F_PREFIX | F_MODRM),
	[0xc4 ... 0xc6] = SUB(sse_np_66_ib, F_PREFIX | F_MODRM),
	[0xc7] = SUB(group9, F_GROUP),
	[0xc8] = OPF(486, "bswap", em_bswap, Zv, O_none, O_none, F_PURE),
	[0xc9] = OPF(486, "bswap", em_bswap, Zv, O_none, O_none, F_PURE),
	[0xca] = OPF(486, "bswap", em_bswap, Zv, O_none, O_none, F_PURE),
	[0xcb] = OPF(486, "bswap", em_bswap, Zv, O_none, O_none, F_PURE),
	[0xcc] = OPF(486, "bswap", em_bswap, Zv, O_none, O_none, F_PURE),
	[0xcd] = OPF(486, "bswap", em_bswap, Zv, O_none, O_none, F_PURE),
	[0xce] = OPF(486, "bswap", em_bswap, Zv, O_none, O_none, F_PURE),
	[0xcf] = OPF(486, "bswap", em_bswap, Zv, O_none, O_none, F_PURE),
	[0xd0] = SUB(sse_66_f2, F_PREFIX | F_MODRM),
	[0xd1 ... 0xd5] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0xd6] = SUB(sse_66_f3_f2, F_PREFIX | F_MODRM),
	[0xd7 ... 0xe5] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0xe6] = SUB(sse_66_f3_f2, F_PREFIX | F_MODRM),
	[0xe7 ... 0xef] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0xf0] = SUB(sse_f2, F_PREFIX | F_MODRM),
	[0xf1 ... 0xfe] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0xff] = OP("ud0", em_ud, O_none, O_none, O_none, F_MODRM),
};

/* 0F 38 xx */
const struct emu_opcode emu_opcodes_0f38[256] = {
	[0x00 ... 0x0b] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x10] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0x14 ... 0x15] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0x17] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0x1c ... 0x1e] = SUB(sse_np_66, F_PREFIX | F_MODRM),
	[0x20 ... 0x25] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0x28 ... 0x2b] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0x30 ... 0x35] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0x37 ... 0x41] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0x82] = SUB(invpcid, F_PREFIX | F_MODRM),
	[0xc8 ... 0xcd] = SUB(sse_np, F_PREFIX | F_MODRM),
	[0xcf] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0xdb ... 0xdf] = SUB(sse_66, F_PREFIX | F_MODRM),
	[0xf0] = SUB(movbe_load_or_crc32, F_PREFIX | F_MODRM),
	[0xf1] = SUB(movbe_store_or_crc32, F_PREFIX | F_MODRM),
	[0xf6] = SUB(adcx_or_adox, F_PREFIX | F_MODRM),
	[0xf9] = SUB(movdiri, F_PREFIX | F_MODRM),
};

/* 0F 3A xx */
const struct emu_opcode emu_opcodes_0f3a[256] = {
	[0x08 ... 0x0e] = SUB(sse_66_ib, F_PREFIX | F_MODRM),
	[0x0f] = SUB(sse_np_66_ib, F_PREFIX | F_MODRM),
	[0x14 ... 0x17] = SUB(sse_66_ib, F_PREFIX | F_MODRM),
	[0x20 ... 0x22] = SUB(sse_66_ib, F_PREFIX | F_MODRM),
	[0x40 ... 0x42] = SUB(sse_66_ib, F_PREFIX | F_MODRM),
	[0x44] = SUB(sse_66_ib, F_PREFIX | F_MODRM),
	[0x60 ... 0x63] = SUB(sse_66_ib, F_PREFIX | F_MODRM),
	[0xcc] = SUB(sse_np_ib, F_PREFIX | F_MODRM),
	[0xce ... 0xcf] = SUB(sse_66_ib, F_PREFIX | F_MODRM),
	[0xdf] = SUB(sse_66_ib, F_PREFIX | F_MODRM),
};

#define AVX(imm) OP("avx", em_ud, O_none, imm, O_none, F_MODRM | F_UNSUP)

/* VEX, map 1: no integer instructions; 77 alone has no ModRM byte */
const struct emu_opcode emu_opcodes_vex1[256] = {
	[0x00 ... 0x6f] = AVX(O_none),
	[0x70 ... 0x73] = AVX(Ib),
	[0x74 ... 0x76] = AVX(O_none),
	[0x77] = OP("avx", em_ud, O_none, O_none, O_none, F_UNSUP),
	[0x78 ... 0xc1] = AVX(O_none),
	[0xc2] = AVX(Ib),
	[0xc3] = AVX(O_none),
	[0xc4 ... 0xc6] = AVX(Ib),
	[0xc7 ... 0xff] = AVX(O_none),
};

/* VEX, map 2 */
const struct emu_opcode emu_opcodes_vex2[256] = {
	[0x00 ... 0xf1] = AVX(O_none),
	[0xf2] = SUB(andn, F_PREFIX | F_MODRM),
	[0xf3] = SUB(group17, F_GROUP),
	[0xf4] = AVX(O_none),
	[0xf5] = SUB(bzhi_pext_pdep, F_PREFIX | F_MODRM),
	[0xf6] = SUB(mulx, F_PREFIX | F_MODRM),
	[0xf7] = SUB(bextr_or_shift, F_PREFIX | F_MODRM),
	[0xf8 ... 0xff] = AVX(O_none),
};

/* VEX, map 3 */
const struct emu_opcode emu_opcodes_vex3[256] = {
	[0x00 ... 0xef] = AVX(Ib),
	[0xf0] = SUB(rorx, F_PREFIX | F_MODRM),
	[0xf1 ... 0xff] = AVX(Ib),
};

/* EVEX and XOP: by the length of the immediate, 0, 1 and 4 bytes */
const struct emu_opcode emu_opcodes_evex[2] = {
	OP("avx512", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP),
	OP("avx512", em_ud, O_none, Ib, O_none, F_MODRM | F_UNSUP),
};

const struct emu_opcode emu_opcodes_xop[3] = {
	OPF(XOP, "xop", em_ud, O_none, O_none, O_none, F_MODRM | F_UNSUP),
	OPF(XOP, "xop", em_ud, O_none, Ib, O_none, F_MODRM | F_UNSUP),
	OPF(XOP, "xop", em_ud, O_none, Id, O_none, F_MODRM | F_UNSUP),
};

/* #UD with a ModRM byte, and with an immediate byte too */
const struct emu_opcode emu_opcode_none[2] = {
	UD_MODRM(O_none), UD_MODRM(Ib),
};
