#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What piotrap does, on code that nobody here wrote and on two instructions that
# emulators get wrong. For a machine with the module loaded; as root, because the
# parts from the fourth on look at tracepoints.

rom=/usr/share/seabios/vgabios-stdvga.bin
bios=/usr/share/seabios/bios.bin
tracing=/sys/kernel/tracing
here=$(cd "$(dirname "$0")" && pwd)
bpf=$here/bpf
[ -d "$bpf" ] || bpf=$here/../bpf
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0

title() { printf '\n=== %s\n\n' "$*"; }
# show COMMAND...: print it, run it.
show() {
	echo "\$ $*"
	"$@" || {
		echo "(exit status $?)"
		status=1
	}
}

title "1. SeaBIOS's VGA option ROM in a sandbox: each port it touches"
show piotrap rom --stats $rom
echo
echo "What it wrote to port 402h, the debug console:"
show piotrap rom --console 402 $rom

title "2. A stop after its second byte to port 402h, by an I/O breakpoint in DR0"
show piotrap rom --dr 402:w:2 $rom

title "3. SeaBIOS itself, from the reset vector until it waits for a timer"
show piotrap bios --port 70-71=latch --port 92=latch --console 402 $bios

title "4. MOV SS,[watched]; REP INSB with an I/O breakpoint: no trap is lost"
cat <<'END'
	mov ss, [watched]	; DR0: data breakpoint on "watched"
	rep insb		; DR1: I/O breakpoint on port 80h; CX = 3

The tracepoints show it (bits as in DR6: B0 is DR0's, B1 is DR1's):

END
# In full, at 0000:7C00:
#	mov word [4], handler; mov word [6], 0		; vector 1
printf '\307\006\004\000\077\174\307\006\006\000\000\000' >"$tmp/guest"
#	mov eax, watched; mov dr0, eax
printf '\146\270\100\174\000\000\017\043\300' >>"$tmp/guest"
#	mov eax, 0x80; mov dr1, eax
printf '\146\270\200\000\000\000\017\043\310' >>"$tmp/guest"
#	mov eax, cr4; or al, 8; mov cr4, eax		; DE
printf '\017\040\340\014\010\017\042\340' >>"$tmp/guest"
#	mov eax, 0x27040a; mov dr7, eax			; G0, G1, two bytes, I/O
printf '\146\270\012\004\047\000\017\043\370' >>"$tmp/guest"
#	mov cx, 3; mov dx, 0x80; mov di, buffer
printf '\271\003\000\272\200\000\277\102\174' >>"$tmp/guest"
#	mov ss, [watched]; rep insb; hlt; handler: iret; watched: dw 0
printf '\216\026\100\174\363\154\364\317\000\000' >>"$tmp/guest"

# Each line of the trace, and what it says.
explain() {
	awk '
	function field(name,	i)
	{
		for (i = 1; i <= NF; i++)
			if (index($i, name "=") == 1)
				return substr($i, length(name) + 2)
		return ""
	}
	/piotrap_pending_dbg/ {
		cause = field("cause")
		held = field("held") == 1
		old = field("old"); new = field("new")
		line = "pending_dbg " (old == "" ? "0" : old) " -> " \
			(new == "" ? "0" : new)
		if (cause == "data")
			why = "MOV SS has read \"watched\""
		else if (cause == "io")
			why = old == "" ? "the port matches again" : \
				"the first iteration is done: merged with the port"
		else if (cause == "delivered")
			why = "all of it becomes one #DB"
		else
			why = cause
		if (held && cause == "data")
			why = why "; its shadow holds the trap"
	}
	/piotrap_port_io/ {
		line = "read port " field("port") "h"
		why = "one iteration of REP INSB"
	}
	/piotrap_rep_break/ {
		line = "rep_break (" field("reason") ")"
		why = "stops after " field("done") ", " field("left") " left"
		if (field("reason") == "shadow")
			why = why ": the shadow covers one iteration"
	}
	/piotrap_debug_trap/ {
		line = "#DB, DR6 " field("dr6")
		why = "delivered at RIP " field("rip") "h"
		if (field("rip") == "7c3e")
			why = why ", behind the REP"
		else
			why = why ", the REP: it goes on from there"
	}
	line != "" {
		printf "  %-31s %s\n", line, why
		line = ""
	}'
}
if [ -w $tracing/events/piotrap/enable ]; then
	# Without names of commands the scheduler is left alone.
	echo 0 >$tracing/options/record-cmd
	for e in pending_dbg port_io rep_break debug_trap; do
		echo 1 >$tracing/events/piotrap/piotrap_$e/enable
	done
	: >$tracing/trace
	piotrap run "$tmp/guest" || status=1
	grep -v '^#' $tracing/trace | explain
	echo 0 >$tracing/events/piotrap/enable
	echo 1 >$tracing/options/record-cmd
else
	echo "(no permission for $tracing)"
	status=1
fi

title "5. The accesses of the ROM, counted by bpftrace from outside"
if command -v bpftrace >/dev/null; then
	echo "\$ bpftrace -c 'piotrap rom $rom' bpf/piotop.bt"
	bpftrace -c "piotrap rom $rom" "$bpf/piotop.bt" | grep -v '^$' ||
		status=1
	echo "(ports are decimal here: 1026 is 402h)"
else
	echo "(no bpftrace)"
fi

title "6. SeaBIOS again and again: its busiest ports, each second, for three seconds"
if command -v piotop >/dev/null; then
	cmd="while piotrap bios --port 70-71=latch --port 92=latch $bios; do :; done"
	echo "\$ piotop -d 3.5 -r 6 -- sh -c '$cmd'"
	# To a pipe nothing is drawn over.
	{ piotop -d 3.5 -r 6 -- sh -c "$cmd" || touch "$tmp/failed"; } | cat
	[ ! -e "$tmp/failed" ] || status=1
else
	echo "(no piotop)"
	status=1
fi

title "7. The traps of part 4 as they become pending, and what becomes of them"
if command -v pendingdbg >/dev/null; then
	show pendingdbg -- piotrap run "$tmp/guest"
else
	echo "(no pendingdbg)"
	status=1
fi
exit $status
