#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Run the bpftrace scripts, and the one-line answers of Documentation/tracepoints.rst,
# on workloads whose every event is known, and compare exact counts. For a machine
# with the module, bpftrace and the piotrap command; scripts and page are beside this
# file, or in the source tree. TAP.
#
# bpftrace takes seconds to start: what can be counted together is.

rom=/usr/share/seabios/vgabios-stdvga.bin
here=$(cd "$(dirname "$0")" && pwd)
bpf=$here/bpf
[ -d "$bpf" ] || bpf=$here/../bpf
page=$here/tracepoints.rst
[ -e "$page" ] || page=$here/../Documentation/tracepoints.rst
ports=$here/selftests/piotrap/ports
poll=/sys/module/piotrap/parameters/poll_every
tracing=/sys/kernel/tracing
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; [ ! -w $poll ] || echo 0 >$poll' EXIT
cd "$tmp" || exit 1

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}
[ -e /dev/piotrap ] || skip_all "no /dev/piotrap"
command -v piotrap >/dev/null || skip_all "no piotrap command"
command -v bpftrace >/dev/null || skip_all "no bpftrace"
[ "$(id -u)" = 0 ] || skip_all "bpftrace needs root"

n=0 bad=0
result() {
	n=$((n + 1))
	echo "$1 $n $2"
	[ "$1" = ok ] || bad=1
}
skip() {
	n=$((n + 1))
	echo "ok $n $1 # SKIP $2"
}
# is NAME WANT: the file "found", sorted, is exactly WANT.
is() {
	sort found >got
	printf '%s\n' "$2" | sed '/^$/d' | sort >want
	if cmp -s got want; then
		result ok "$1"
	else
		sed 's/^/# got      /' got
		sed 's/^/# expected /' want
		result "not ok" "$1"
	fi
}

# watch COMMAND SCRIPT [ARGUMENT]...: its output is then in "out".
watch() {
	command=$1
	shift
	bpftrace -c "$command" "$@" >out 2>err ||
		echo "# bpftrace $*: status $?"
	sed 's/^/# /' err
	grep -i 'lost [0-9]* event' out | sed 's/^/# /'
}
# Of "out", the maps as they were at the end, without the times; of a histogram, how
# much it has counted. What differs each time is left to SED.
# usage: maps [SED]
maps() {
	awk '
	/^@.*: *$/ { key = $0; sub(/: *$/, "", key); last[key] = 0; next }
	/^[[(]/ && key != "" {
		sub(/^[^])]*[])] */, "")
		last[key] += $1
		next
	}
	/^@/ {
		key = $0; sub(/: [0-9]+$/, "", key)
		last[key] = $NF
	}
	{ key = "" }
	END { for (key in last) print key ": " last[key] }' out |
		sed -E "${1:-}" >found
}

# -- What is watched. Guests are bytes, in octal, with their text beside them. --

# See demo.sh, which explains it: mov ss, [watched]; rep insb of three, with
# breakpoints on "watched" (DR0) and on port 80h (DR1), and an IRET as handler.
# setup VECTOR HANDLER: all of it up to the MOV SS, 15 instructions.
setup() {
	# mov word [4 * VECTOR], HANDLER; mov word [4 * VECTOR + 2], 0
	# shellcheck disable=SC2059 # that is what it is for
	printf "\307\006\\$1\000\\$2\174\307\006\\$3\000\000\000"
	printf '\146\270\100\174\000\000\017\043\300'
	printf '\146\270\200\000\000\000\017\043\310'
	printf '\017\040\340\014\010\017\042\340'
	printf '\146\270\012\004\047\000\017\043\370'
	printf '\271\003\000\272\200\000\277\102\174'
	printf '\216\026\100\174'		# mov ss, [watched]
}
setup 004 077 006 >shadow
printf '\363\154\364\317\000\000' >>shadow	# rep insb; hlt; iret; watched
# The same with a fault instead of the REP, which goes to the HLT.
setup 030 076 032 >drop
printf '\017\013\364\317\000\000' >>drop	# ud2; hlt; iret; watched
# mov dx, e9h; mov si, 7c0dh; mov cx, 6; rep outsb; hlt
printf '\272\351\000\276\015\174\271\006\000\363\156\364\220hello\n' >hello

# All that the tests below want to see, but for what needs a ROM. Each piotrap is a
# sandbox, five of them.
cat >traps.sh <<'END'
piotrap run shadow
piotrap run drop
# Until MOV SS has been run: 15 instructions, and the 16th would deliver.
piotrap run --budget 15 shadow 2>budget
# Three breaks, between which the owner runs the REP again.
piotrap run --dr e9:w:3 hello >broken
piotrap run hello
END
cat >accesses.sh <<END
piotrap rom $rom
piotrap run hello
END
# Each second boundary counts as one where the CPU was given away.
cat >polls.sh <<END
echo 2 >$poll
piotrap run hello
echo 1024 >$poll
END
# A run asks at its first boundary whether others want the CPU, and these are too short
# for a second time. Whether they do nobody knows: so they always do.
wait_ns='' preempt_ns=''
if [ -w $poll ]; then
	echo 1024 >$poll
	wait_ns='@wait_ns: 11' preempt_ns='@preempt_ns: 11'
fi

# The number that the next sandbox gets.
next_sandbox() {
	# Without names of commands the scheduler is left alone.
	echo 0 >$tracing/options/record-cmd
	echo 1 >$tracing/events/piotrap/piotrap_run_enter/enable
	: >$tracing/trace
	piotrap run hello
	echo 0 >$tracing/events/piotrap/piotrap_run_enter/enable
	echo 1 >$tracing/options/record-cmd
	echo $(($(sed -n 's/.* sandbox=\([0-9]*\) .*/\1/p' $tracing/trace) + 1))
}

# -- The scripts --

rom_ports="@bytes[3324, in]: 2
@bytes[463, in]: 2
@bytes[1026, out]: 352
@bytes[3320, out]: 4
@bytes[462, out]: 4
@bytes[463, out]: 2
@bytes[962, out]: 1
@bytes[964, out]: 2
@elements[3324, in]: 1
@elements[463, in]: 1
@elements[1026, out]: 352
@elements[3320, out]: 1
@elements[462, out]: 2
@elements[463, out]: 1
@elements[962, out]: 1
@elements[964, out]: 1"
hello_ports="@bytes[233, out]: 6
@elements[233, out]: 6"
name="piotop.bt: SeaBIOS's option ROM and a REP"
if [ -r $rom ]; then
	watch "sh accesses.sh" "$bpf/piotop.bt"
	maps
	is "$name" "$rom_ports
$hello_ports"
else
	skip "$name" "no $rom"
fi

# Six accesses of one, two and four bytes that the owner serves; how long he takes
# nobody knows.
name="piotop.bt: ports that the owner serves"
if [ -x "$ports" ]; then
	watch "$ports -r ports.exit_in_out" "$bpf/piotop.bt"
	maps 's/^(@owner_us\[129\]): [0-9]+$/\1/'
	is "$name" \
"@bytes[129, in]: 7
@bytes[129, out]: 7
@elements[129, in]: 3
@elements[129, out]: 3
@owner_us[129]
@served[129]: 6"
else
	skip "$name" "no $ports"
fi

# One process of two, by its PID: it is there before bpftrace, and waits.
mkfifo begin end
sh -c 'read -r line <begin; exec piotrap run hello' >end &
target=$!
cat >release.sh <<'END'
piotrap run shadow
echo >begin &
cat end
END
watch "sh release.sh" "$bpf/piosnoop.bt" 0 $target
grep '^[0-9]' out | sed "s/^[0-9]* *[0-9]* *$target /PID /; s/  */ /g" >found
is "piosnoop.bt: of one process" "PID 7c09 out 00e9 1 68 6"

watch "sh traps.sh" "$bpf/pendingdbg.bt"
# Of "shadow" one data and three I/O matches, three times delivered; two of the
# three iterations break the REP, the first because the shadow ends. Of "drop" one
# data match, still pending when the fault goes to the owner, and dropped when he
# delivers it. The one before the budget ends is still pending, too. Of "hello" three
# I/O matches that the owner absorbs: delivered, but with no change of DR6.
maps
is "pendingdbg.bt: counts" "@debug_traps: 3
@pending[data]: 3
@pending[delivered]: 6
@pending[dropped]: 1
@pending[io]: 6
@rep_break[pending_dbg]: 4
@rep_break[shadow]: 1
@still_pending: 2"
first=$(sed -n 's/^\([0-9]*\): rip.*/\1/p' out | head -n 1)
sed -n "s/^$first: //p" out >found
is "pendingdbg.bt: the lines of a sandbox" \
"rip 7c3c   rcx 3    pending 0000 -> 0001 data, held by the shadow
rip 7c3c   rep stops after 1, 2 left: shadow
rip 7c3c   rcx 2    pending 0001 -> 0003 io
rip 7c3c   rcx 2    pending 0003 -> 0000 delivered
rip 7c3c   #DB: dr6 ffff0ff0 -> ffff0ff3
rip 7c3c   rep stops after 1, 1 left: pending_dbg
rip 7c3c   rcx 1    pending 0000 -> 0002 io
rip 7c3c   rcx 1    pending 0002 -> 0000 delivered
rip 7c3c   #DB: dr6 ffff0ff3 -> ffff0ff2
rip 7c3e   rcx 0    pending 0000 -> 0002 io
rip 7c3e   rcx 0    pending 0002 -> 0000 delivered
rip 7c3e   #DB: dr6 ffff0ff2 -> ffff0ff2"

# The fourth sandbox of them: the REP is run again twice, not after the third break.
watch "sh traps.sh" "$bpf/repbreak.bt" $(($(next_sandbox) + 3))
maps
is "repbreak.bt: of one sandbox" "@breaks[pending_dbg, one by one]: 3
@iterations[pending_dbg, one by one]: 3
@resumed_ns[pending_dbg]: 2"

watch "sh traps.sh" "$bpf/piolat.bt"
# Each exception goes to the owner first. He does not come back from HLT, the budget
# and the third break of "hello".
maps
[ -n "$preempt_ns" ] || sed -i '/^@preempt_ns/d' found
is "piolat.bt: runs and owners" "@exits[budget]: 1
@exits[debug]: 6
@exits[exception]: 1
@exits[hlt]: 3
@owner_ns[debug]: 5
@owner_ns[exception]: 1
$preempt_ns
@run_ns: 11"

name="time without the CPU"
if [ -w $poll ]; then
	# Ten boundaries; three of the breaks are within the REP.
	watch "sh polls.sh" "$bpf/repbreak.bt"
	maps
	is "repbreak.bt: $name" "@breaks[resched, bulk]: 2
@breaks[resched, one by one]: 1
@iterations[resched, bulk]: 2
@iterations[resched, one by one]: 1
@resumed_ns[resched]: 3"
	watch "sh polls.sh" "$bpf/piolat.bt"
	maps
	is "piolat.bt: $name" "@exits[hlt]: 1
@preempt_ns: 5
@run_ns: 1"
else
	skip "repbreak.bt: $name" "no poll_every in this module"
	skip "piolat.bt: $name" "no poll_every in this module"
fi

# -- Types of the module's own, as Documentation/tracing-cost.rst shows it. --

name="structures of the module, by its BTF"
if [ -e /sys/kernel/btf/piotrap ]; then
	# Kind 1 is a latch.
	watch "piotrap run --port 80-8f=latch --port 90=latch shadow" \
		-e 'kfunc:piotrap:ports_set { @[args->arg->kind, args->arg->count] = count(); }'
	maps
	is "$name" "@[1, 16]: 1
@[1, 1]: 1"
else
	skip "$name" "no BTF of the module"
fi

# -- The one-line answers of the page, all at once: each has maps of its own. --

awk -v q="'" '
	sub("^ *bpftrace -e " q, "") { inside = 1 }
	inside { end = sub(q "$", ""); print }
	end { inside = end = 0 }' "$page" >answers.bt
watch "sh traps.sh" answers.bt
maps '/^@rate/d; s/^(@who.*), [0-9]+\]/\1]/'
# This one begins anew each second.
awk '/^@rate: / { n += $2 } END { print "@rate: " n }' out >>found
sed -n 's/^sandbox [0-9]*, //p' out >>found
[ -n "$wait_ns" ] || sed -i '/^@wait_ns/d' found
# 31753 is the OUTSB, 31804 the INSB and where the fault is; 4294905842 is a DR6 of
# FFFF0FF2h. Reasons, causes and types are numbers here, as on the page.
is "one line answers" "rip 7c3c: 1
@batch[0]: 6
@batch[1]: 1
@boundaries: 70
@causes[0]: 3
@causes[1]: 6
@causes[7]: 6
@causes[8]: 1
@code[31753]: 9
@code[31804]: 3
@dropped[1]: 1
@ends[10]: 3
@ends[14]: 1
@ends[6]: 6
@ends[7]: 1
@owed[14, 1]: 1
@owed[7, 1]: 1
@ports[128, 0]: 3
@ports[233, 1]: 9
@rate: 12
@run_ns: 11
@traps[31804, 4294905842]: 1
@traps[31804, 4294905843]: 1
@traps[31806, 4294905842]: 1
@vectors[1, 3]: 6
@vectors[6, 3]: 1
$wait_ns
@who[piotrap]: 3
@who[piotrap]: 3
@who[piotrap]: 6
@why[0]: 4
@why[2]: 1"

echo "1..$n"
exit $bad
