#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module leaves the machine's state alone: disassemble it and look for
# instructions that change control or debug registers, MSRs, descriptor tables,
# segments, the flags TF and IF, or the FPU; look for functions of the kernel that
# would do it, or that reach memory which is neither pinned nor the caller's; and
# look that what a user chooses is masked before it is an index. Prints TAP.
#
# usage: host-state.sh piotrap.ko

set -euo pipefail

[ $# = 1 ] || { echo "usage: host-state.sh piotrap.ko" >&2; exit 2; }
ko=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0

# result TEXT STATUS [FILE]: one line of TAP, with FILE if it has failed.
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n $1"
	else
		failed=1
		echo "not ok $n $1"
		[ $# -lt 3 ] || sed 's/^/# /' "$3"
	fi
}

# disassemble OBJECT: one instruction a line: address, tab, instruction.
disassemble() { LC_ALL=C objdump -d --no-show-raw-insn "$1"; }

# Mnemonics that have no business here, whatever their operands. UD2, INT3 (what
# the compiler fills with), STAC and CLAC (user accesses), RDPKRU and LFENCE are
# none of them: the kernel's own headers bring those.
prefixes='rep|repn?z|lock|data16|addr32|[cdefgs]s|rex[.A-Z]*|notrack|bnd|\{[a-z]+\}'
words='popf[qw]?|pushf[qw]?|cli|sti|hlt|iret[qlw]?|sysret[ql]?|sysexit[ql]?|syscall|sysenter'
words+='|int|int1|into|rdmsr|wrmsr|wrmsrns|rdpmc|lgdt|lidt|lldt|ltr|lmsw|clts|swapgs'
words+='|invlpg|invpcid|invd|wbinvd|wbnoinvd|xsetbv|wrpkru|wrfsbase|wrgsbase|rsm'
words+='|l[defgs]s|vm[a-z]+|monitor|mwait|stgi|clgi|skinit|encls'
words+='|f[a-z0-9]+|emms|(v?ld|v?st)mxcsr|x(save|rstor)[a-z0-9]*'

# host_insns FILE: the instructions that touch what is the machine's. Reading
# control and debug registers counts: there is no need for it.
host_insns() {
	grep -E $'^ *[0-9a-f]+:\t'"(($prefixes) +)*($words)( |$)" "$1" ||
		[ $? = 1 ]
	grep -E '%(cr|dr|db|tr)[0-9]' "$1" || [ $? = 1 ]
	grep -E $'\t(mov[wlq]? +.*,|pop[wlq]? +)%[cdefgs]s$' "$1" || [ $? = 1 ]
	grep -E '%([xyzt]?mm[0-9]|st\b|k[0-7]\b)' "$1" || [ $? = 1 ]
	grep -F '(bad)' "$1" || [ $? = 1 ]
}

# Functions and data of the kernel. pv_ops is how a paravirtualised kernel writes
# registers.
host_symbols='pv_ops|native_.*|.*debugreg.*|.*hw_breakpoint.*|(rd|wr)msr.*|.*_msr(_.*)?'
host_symbols+='|cr4_.*|.*_cr[0-8]|load_.*(gdt|idt|tss|tls).*|cpu_tss_rw|.*iopl.*|.*ioperm.*'
host_symbols+='|kernel_fpu_.*|.*user_single_step|set_task_blockstep|cpu_entry_area'
host_symbols+='|io(read|write)[0-9]+.*|ioport_.*|__request_region|on_each_cpu.*|smp_call_.*'
host_symbols+='|set_memory_.*|text_poke.*|kallsyms_.*|register_.*(probe|nmi).*'
host_symbols+='|call_usermodehelper.*'

# Ways to memory; and those that may be there: the pins, and the mapping of the
# run page.
memory_symbols='.*pin_user.*|.*get_user_page.*|.*remap.*|vmap.*|vm_map.*|_*kmap.*'
memory_symbols+='|vm_insert.*|vmf_insert.*|follow_p.*|access_.*vm.*|.*_nofault'
memory_symbols+='|kthread_use_mm|use_mm|init_mm|find_.*task.*|get_task_.*|filp_open|kernel_read'
memory_allowed='pin_user_pages_fast|unpin_user_pages_dirty_lock|vm_map_pages'

symbols() { nm -u "$1" | awk '{ print $2 }'; }

# unwanted FILE PATTERN [ALLOWED]: symbols that match
unwanted() { grep -xE "$2" "$1" | grep -vxE "${3:-}" || true; }

cat >"$tmp/probe.S" <<'END'
	popfq; pushfq; cli; sti; hlt; iretq; sysretq; swapgs; int $0x80; int1
	rdmsr; wrmsr; lgdt (%rax); lidt (%rax); lldt %ax; ltr %ax; lmsw %ax; clts
	invlpg (%rax); wbinvd; xsetbv; wrpkru; wrfsbase %rax; vmcall
	mov %rax,%cr0; mov %cr4,%rax; mov %rax,%dr7; mov %dr6,%rax
	mov %eax,%ds; mov (%rax),%es; pop %fs; lss (%rax),%eax
	fld1; fninit; movaps %xmm0,%xmm1; emms; xsave (%rax)
	.byte 0x06	# no instruction in 64-bit mode
	nop
others:	ud2; int3; stac; clac; rdpkru; lfence; mov %ds,%eax; mov %gs:0x28,%rax
	call lock_flag; ret
lock_flag: ret
	call native_write_cr4; call *pv_ops+8(%rip); call wrmsr_on_cpu
	call ioremap; call get_user_pages_remote; call copy_from_kernel_nofault
	call pin_user_pages_fast; call memcpy; call _copy_from_user
END
as -o "$tmp/probe.o" "$tmp/probe.S"
disassemble "$tmp/probe.o" >"$tmp/probe.s"
host_insns "$tmp/probe.s" | sort -u >"$tmp/probe.found"
found=$(wc -l <"$tmp/probe.found")
rc=0
[ "$found" = 38 ] || rc=1
result "a probe with 38 instructions on the machine's state is seen through ($found)" \
	$rc "$tmp/probe.found"

disassemble "$ko" >"$tmp/module.s"
functions=$(grep -c '^[0-9a-f]* <.*>:$' "$tmp/module.s") || true
total=$(grep -cE '^ *[0-9a-f]+:' "$tmp/module.s") || true
rc=0
[ "$functions" -ge 100 ] && grep -q '<emu_run>:$' "$tmp/module.s" || rc=1
result "disassembled: $functions functions, $total instructions" $rc

host_insns "$tmp/module.s" >"$tmp/found"
rc=0
[ ! -s "$tmp/found" ] || rc=1
result "none of them touches the machine's state" $rc "$tmp/found"

symbols "$tmp/probe.o" >"$tmp/probe.sym"
found=$(unwanted "$tmp/probe.sym" "$host_symbols" | wc -l)
rc=0
[ "$found" = 3 ] || rc=1
result "a probe with 3 functions that change it is seen through ($found)" $rc \
	"$tmp/probe.sym"

symbols "$ko" >"$tmp/module.sym"
unwanted "$tmp/module.sym" "$host_symbols" >"$tmp/found"
rc=0
[ ! -s "$tmp/found" ] && grep -qx misc_register "$tmp/module.sym" || rc=1
result "the module uses no function that does" $rc "$tmp/found"

found=$(unwanted "$tmp/probe.sym" "$memory_symbols" "$memory_allowed" | wc -l)
rc=0
[ "$found" = 3 ] || rc=1
result "a probe with 3 ways to other memory is seen through ($found)" $rc \
	"$tmp/probe.sym"

unwanted "$tmp/module.sym" "$memory_symbols" "$memory_allowed" >"$tmp/found"
rc=0
[ ! -s "$tmp/found" ] && grep -qx pin_user_pages_fast "$tmp/module.sym" || rc=1
result "the module reaches memory by pins and user accesses only" $rc "$tmp/found"

# masks FUNCTIONS FILE: how often array_index_nospec() is there: CMP, SBB of a
# register from itself, AND. Of several, separated by |, the compiler may put one
# into the other.
masks() {
	awk -v f="^<($1)>:\$" '
		/^[0-9a-f]+ <.*>:$/ { inside = $2 ~ f; next }
		inside && $2 == "sbb" { split($3, r, ","); n += r[1] == r[2] }
		END { print n + 0 }' "$2"
}

while read -r f what; do
	rc=0
	[ "$(masks "$f" "$tmp/module.s")" -gt 0 ] || rc=1
	result "${f%|*} masks the $what" $rc
done <<END
any_call|piotrap_ioctl number of the call
find_region|memory_backed region at an address
memory_window page of a region
memory_read page of a region
memory_write page of a region
ports_queue_input port
ports_read port of a latch
emu_decode opcode
END
rc=0
[ "$(masks piotrap_release "$tmp/module.s")" = 0 ] || rc=1
result "piotrap_release, which has no index, masks none" $rc
echo "1..$n"
exit $failed
