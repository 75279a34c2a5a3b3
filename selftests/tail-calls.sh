#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Uops go on to one another by jumps: a call that stayed a call would take stack for
# each instruction of the guest. TAP.
#
# usage: tail-calls.sh piotrap.ko

set -uo pipefail
module=$1
n=0 bad=0

point() {
	n=$((n + 1))
	[ "$1" = 0 ] || { printf 'not '; bad=1; }
	echo "ok $n $2"
}

# Function and callee of each call in a function that a uop can be, or leads to one.
calls=$(objdump -dr --no-show-raw-insn "$module" | awk '
	/^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3); called = 0; next }
	name !~ /^(uop_|pair_|log_step_uop|emu_block_enter|enter_anew|emu_uop_dispatch)/ { next }
	called && /R_X86_64/ {
		sub(/[-+]0x.*/, "", $3)
		print name, $3 ~ /^__x86_indirect_thunk/ ? "indirect" : $3
	}
	$2 == "call" && $3 ~ /^\*/ { print name, "indirect" }
	$2 == "call" { called = 1; next }
	{ called = 0 }')
functions=$(objdump -d --no-show-raw-insn "$module" |
	grep -cE '^[0-9a-f]+ <(uop_|pair_)')

[ "$functions" -gt 100 ] && grep -q '^uop_out1 indirect' <<<"$calls"
point $? "calls of $functions functions are found"

found=$(grep -E ' (uop_|pair_|log_step_uop|emu_block_enter|enter_anew|emu_uop_dispatch)' <<<"$calls")
[ -z "$found" ]
point $? "none calls another"
# Hooks, which come back: one, or one for each direction.
more=$(grep ' indirect$' <<<"$calls" | sort | uniq -c | awk '
	$2 ~ /^uop_((in|out)[01]|in1__test_jz|tell_step)$/ { $1-- }
	$2 == "uop_port_beside" { $1 -= 2 }
	$1 > 0 { print $2, "calls", $1, "more than its hook" }')
[ -z "$more" ]
point $? "none calls what it does not know, but its hook"
[ -z "$found$more" ] || printf '%s\n' "$found" "$more" | sed 's/^/# /'
echo "1..$n"
exit $bad
