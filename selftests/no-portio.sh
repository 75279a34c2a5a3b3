#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# There is no instruction in the module that touches a port of the machine:
# disassemble it and look for IN, OUT, INS and OUTS. Prints TAP.
#
# usage: no-portio.sh piotrap.ko

set -euo pipefail

[ $# = 1 ] || { echo "usage: no-portio.sh piotrap.ko" >&2; exit 2; }
ko=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# result NUMBER TEXT STATUS [FILE]: one line of TAP, with FILE if it has failed.
result() {
	if [ "$3" = 0 ]; then
		echo "ok $1 $2"
	else
		failed=1
		echo "not ok $1 $2"
		[ $# -lt 4 ] || sed 's/^/# /' "$4"
	fi
}

# disassemble OBJECT: all sections that hold code, one instruction a line:
# address, tab, instruction.
disassemble() { LC_ALL=C objdump -d --no-show-raw-insn "$1"; }

# port_insns FILE: of these, the ones that access a port, whatever prefixes they
# have. AT&T mnemonics: in, inb, ..., insb, insw, insl, out, ..., outsb, ...; and
# what the disassembler gives up on, which could hide anything.
port_insns() {
	grep -E $'^ *[0-9a-f]+:\t(([a-zA-Z0-9.]+|\\{[a-z]+\\}) +)*(in|out)s?[bwl]?( |$)' \
		"$1" || [ $? = 1 ]
	grep -F '(bad)' "$1" || [ $? = 1 ]
}

echo 1..3

# The test notices each of them, with prefixes too; the rest are none.
cat >"$tmp/probe.S" <<'END'
	in (%dx),%al; in (%dx),%ax; in (%dx),%eax; in $0x80,%al; in $0x80,%eax
	out %al,(%dx); out %ax,(%dx); out %eax,(%dx); out %al,$0x80
	insb; insw; insl; outsb; outsw; outsl
	rep insb; rep insl; rep outsb; rep outsw; repne outsl
	addr32 rep insb; fs rep outsb; rex.W outsl
	.byte 0xf0; insb
	.byte 0x06	# no instruction in 64-bit mode
	nop
others:	inc %eax; int $3; int3; insertps $0,%xmm0,%xmm1; call outsl_not; ret
outsl_not: ret
END
as -o "$tmp/probe.o" "$tmp/probe.S"
disassemble "$tmp/probe.o" >"$tmp/probe.s"
port_insns "$tmp/probe.s" >"$tmp/probe.found"
n=$(wc -l <"$tmp/probe.found")
rc=0
[ "$n" = 25 ] || rc=1
result 1 "a probe with 25 port instructions is seen through ($n)" $rc \
	"$tmp/probe.found"

# It is the module that is looked at, all of it.
disassemble "$ko" >"$tmp/module.s"
functions=$(grep -c '^[0-9a-f]* <.*>:$' "$tmp/module.s") || true
total=$(grep -cE '^ *[0-9a-f]+:' "$tmp/module.s") || true
rc=0
[ "$functions" -ge 100 ] && grep -q '<emu_run>:$' "$tmp/module.s" || rc=1
result 2 "disassembled: $functions functions, $total instructions" $rc

port_insns "$tmp/module.s" >"$tmp/module.found"
rc=0
[ ! -s "$tmp/module.found" ] || rc=1
result 3 "none of them is a port instruction" $rc "$tmp/module.found"
exit $failed
