/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handlers, one for each mnemonic, by the file that they are in.
 */
#ifndef EMU_HANDLERS_H
#define EMU_HANDLERS_H

#include "internal.h"

#define EMU_HANDLER(name) \
	int em_##name(struct emu *cpu, const struct emu_insn *i)

/* alu.c */
EMU_HANDLER(add);
EMU_HANDLER(or);
EMU_HANDLER(adc);
EMU_HANDLER(sbb);
EMU_HANDLER(and);
EMU_HANDLER(sub);
EMU_HANDLER(xor);
EMU_HANDLER(cmp);
EMU_HANDLER(test);
EMU_HANDLER(inc);
EMU_HANDLER(dec);
EMU_HANDLER(neg);
EMU_HANDLER(not);
EMU_HANDLER(xadd);
EMU_HANDLER(cmpxchg);
EMU_HANDLER(cmpxchg8b);
EMU_HANDLER(cmpxchg16b);
EMU_HANDLER(adcx);
EMU_HANDLER(adox);

/* shift.c */
EMU_HANDLER(rol);
EMU_HANDLER(ror);
EMU_HANDLER(rcl);
EMU_HANDLER(rcr);
EMU_HANDLER(shl);
EMU_HANDLER(shr);
EMU_HANDLER(sar);
EMU_HANDLER(shld);
EMU_HANDLER(shrd);

/* muldiv.c */
EMU_HANDLER(mul);
EMU_HANDLER(imul);
EMU_HANDLER(imul2);
EMU_HANDLER(div);
EMU_HANDLER(idiv);
void emu_mul_wide(u64 a, u64 b, u64 *hi, u64 *lo);

/* bcd.c */
EMU_HANDLER(daa);
EMU_HANDLER(das);
EMU_HANDLER(aaa);
EMU_HANDLER(aas);
EMU_HANDLER(aam);
EMU_HANDLER(aad);

/* bit.c */
EMU_HANDLER(bt);
EMU_HANDLER(bts);
EMU_HANDLER(btr);
EMU_HANDLER(btc);
EMU_HANDLER(bsf);
EMU_HANDLER(bsr);
EMU_HANDLER(tzcnt);
EMU_HANDLER(lzcnt);
EMU_HANDLER(popcnt);
EMU_HANDLER(bswap);
EMU_HANDLER(crc32);

/* bmi.c */
EMU_HANDLER(andn);
EMU_HANDLER(blsr);
EMU_HANDLER(blsmsk);
EMU_HANDLER(blsi);
EMU_HANDLER(bextr);
EMU_HANDLER(bzhi);
EMU_HANDLER(pext);
EMU_HANDLER(pdep);
EMU_HANDLER(mulx);
EMU_HANDLER(rorx);
EMU_HANDLER(shlx);
EMU_HANDLER(sarx);
EMU_HANDLER(shrx);

/* data.c */
EMU_HANDLER(mov);
EMU_HANDLER(movsx);
EMU_HANDLER(movbe);
EMU_HANDLER(xchg);
EMU_HANDLER(xchg_acc);
EMU_HANDLER(lea);
EMU_HANDLER(nop);
EMU_HANDLER(unsupported);
EMU_HANDLER(touch);
EMU_HANDLER(cbw);
EMU_HANDLER(cwd);
EMU_HANDLER(xlat);
EMU_HANDLER(salc);
EMU_HANDLER(lahf);
EMU_HANDLER(sahf);
EMU_HANDLER(setcc);
EMU_HANDLER(cmovcc);
EMU_HANDLER(bound);

/* stack.c */
EMU_HANDLER(push);
EMU_HANDLER(push_imm);
EMU_HANDLER(push_sreg);
EMU_HANDLER(pop);
EMU_HANDLER(pop_sreg);
EMU_HANDLER(pusha);
EMU_HANDLER(popa);
EMU_HANDLER(pushf);
EMU_HANDLER(popf);
EMU_HANDLER(enter);
EMU_HANDLER(leave);
void emu_change_flags(struct emu *cpu, u64 val, unsigned int size, u64 extra);
void emu_load_flags(struct emu *cpu, u64 val, unsigned int size, u64 extra);
void emu_load_virtual_flags(struct emu *cpu, u64 val);

/* segment.c */
EMU_HANDLER(mov_to_sreg);
EMU_HANDLER(mov_from_sreg);
EMU_HANDLER(les);
EMU_HANDLER(lds);
EMU_HANDLER(lss);
EMU_HANDLER(lfs);
EMU_HANDLER(lgs);
void emu_mov_ss_shadow(struct emu *cpu);

/* transfer.c */
EMU_HANDLER(call_far);
EMU_HANDLER(call_far_mem);
EMU_HANDLER(jmp_far);
EMU_HANDLER(jmp_far_mem);
EMU_HANDLER(ret_far);
EMU_HANDLER(iret);

/* descriptor.c */
EMU_HANDLER(sldt);
EMU_HANDLER(str);
EMU_HANDLER(lldt);
EMU_HANDLER(ltr);
EMU_HANDLER(verr);
EMU_HANDLER(verw);
EMU_HANDLER(arpl);
EMU_HANDLER(lar);
EMU_HANDLER(lsl);

/* branch.c */
EMU_HANDLER(jcc);
EMU_HANDLER(jmp);
EMU_HANDLER(jmp_mem);
EMU_HANDLER(call);
EMU_HANDLER(call_mem);
EMU_HANDLER(ret);
EMU_HANDLER(loop);
EMU_HANDLER(loope);
EMU_HANDLER(loopne);
EMU_HANDLER(jcxz);
EMU_HANDLER(int);
EMU_HANDLER(int3);
EMU_HANDLER(into);
EMU_HANDLER(icebp);
EMU_HANDLER(ud);
bool emu_condition(const struct emu *cpu, unsigned int cc);

/* string.c: one iteration each */
EMU_HANDLER(movs);
EMU_HANDLER(cmps);
EMU_HANDLER(stos);
EMU_HANDLER(lods);
EMU_HANDLER(scas);
EMU_HANDLER(ins);
EMU_HANDLER(outs);

/* port.c */
EMU_HANDLER(in);
EMU_HANDLER(out);

/* flag.c */
EMU_HANDLER(clc);
EMU_HANDLER(stc);
EMU_HANDLER(cmc);
EMU_HANDLER(cld);
EMU_HANDLER(std);
EMU_HANDLER(cli);
EMU_HANDLER(sti);

/* system.c */
EMU_HANDLER(hlt);
EMU_HANDLER(wait);
EMU_HANDLER(clts);
EMU_HANDLER(clac);
EMU_HANDLER(stac);
EMU_HANDLER(smsw);
EMU_HANDLER(lmsw);
EMU_HANDLER(sgdt);
EMU_HANDLER(sidt);
EMU_HANDLER(lgdt);
EMU_HANDLER(lidt);
EMU_HANDLER(invlpg);
EMU_HANDLER(mov_from_cr);
EMU_HANDLER(mov_to_cr);
EMU_HANDLER(mov_from_dr);
EMU_HANDLER(mov_to_dr);
EMU_HANDLER(rdtsc);
EMU_HANDLER(rdtscp);
EMU_HANDLER(rdpmc);
EMU_HANDLER(xgetbv);
EMU_HANDLER(xsetbv);
EMU_HANDLER(invpcid);

/* msr.c */
EMU_HANDLER(rdmsr);
EMU_HANDLER(wrmsr);
EMU_HANDLER(swapgs);
EMU_HANDLER(rdfsbase);
EMU_HANDLER(rdgsbase);
EMU_HANDLER(wrfsbase);
EMU_HANDLER(wrgsbase);

/* syscall.c */
EMU_HANDLER(syscall);
EMU_HANDLER(sysret);
EMU_HANDLER(sysenter);
EMU_HANDLER(sysexit);

/* cpuid.c */
EMU_HANDLER(cpuid);
EMU_HANDLER(rdpid);

#endif /* EMU_HANDLERS_H */
