#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Run the bpftrace scripts on workloads whose every event is known, and compare
# exact counts. For a machine with the module, bpftrace and the piotrap command;
# the scripts are in bpf/ beside this file, or one folder up. TAP.

rom=/usr/share/seabios/vgabios-stdvga.bin
here=$(cd "$(dirname "$0")" && pwd)
bpf=$here/bpf
[ -d "$bpf" ] || bpf=$here/../bpf
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}
[ -e /dev/piotrap ] || skip_all "no /dev/piotrap"
command -v piotrap >/dev/null || skip_all "no piotrap command"
command -v bpftrace >/dev/null || skip_all "no bpftrace"
[ "$(id -u)" = 0 ] || skip_all "bpftrace needs root"

n=0 bad=0
# is NAME WANT: the file "got", sorted, is exactly WANT.
is() {
	n=$((n + 1))
	printf '%s\n' "$2" | sort >"$tmp/want"
	if sort "$tmp/got" | cmp -s - "$tmp/want"; then
		echo "ok $n $1"
	else
		sort "$tmp/got" | sed 's/^/# got      /'
		sed 's/^/# expected /' "$tmp/want"
		echo "not ok $n $1"
		bad=1
	fi
}
# maps: of the output, what was counted; and no word from bpftrace itself.
maps() {
	grep '^@' "$tmp/out" >"$tmp/got"
	[ ! -s "$tmp/err" ] || sed 's/^/# /' "$tmp/err"
}

if [ -r $rom ]; then
	bpftrace -c "piotrap rom $rom" "$bpf/ports.bt" >"$tmp/out" 2>"$tmp/err"
	maps
	is "ports.bt: SeaBIOS's option ROM" "@bytes_in: 4
@bytes_out: 365
@in[3324]: 1
@in[463]: 1
@out[1026]: 352
@out[3320]: 1
@out[462]: 2
@out[463]: 1
@out[962]: 1
@out[964]: 1"
else
	n=$((n + 1))
	echo "ok $n ports.bt # SKIP no $rom"
fi

# See demo.sh, which explains it: mov ss, [watched]; rep insb of three, with
# breakpoints on "watched" (DR0) and on port 80h (DR1), and an IRET as handler.
printf '\307\006\004\000\077\174\307\006\006\000\000\000' >"$tmp/guest"
printf '\146\270\100\174\000\000\017\043\300' >>"$tmp/guest"
printf '\146\270\200\000\000\000\017\043\310' >>"$tmp/guest"
printf '\017\040\340\014\010\017\042\340' >>"$tmp/guest"
printf '\146\270\012\004\047\000\017\043\370' >>"$tmp/guest"
printf '\271\003\000\272\200\000\277\102\174' >>"$tmp/guest"
printf '\216\026\100\174\363\154\364\317\000\000' >>"$tmp/guest"

bpftrace -c "piotrap run $tmp/guest" "$bpf/pendingdbg.bt" >"$tmp/out" \
	2>"$tmp/err"
maps
# One data and three I/O matches; three times delivered; two of the three
# iterations break the REP, the first because the shadow ends.
is "pendingdbg.bt: counts" "@debug_traps: 3
@pending[0]: 1
@pending[1]: 3
@pending[7]: 3
@rep_break[0]: 1
@rep_break[2]: 1"
grep '^rip' "$tmp/out" >"$tmp/got"
is "pendingdbg.bt: lines" \
"rip 7c3c   rcx 3    pending 00000 -> 00001 cause 0, held by the shadow
rip 7c3c   rep stops after 1, 2 left: reason 2
rip 7c3c   rcx 2    pending 00001 -> 00003 cause 1
rip 7c3c   rcx 2    pending 00003 -> 00000 cause 7
rip 7c3c   #DB: dr6 ffff0ff0 -> ffff0ff3
rip 7c3c   rep stops after 1, 1 left: reason 0
rip 7c3c   rcx 1    pending 00000 -> 00002 cause 1
rip 7c3c   rcx 1    pending 00002 -> 00000 cause 7
rip 7c3c   #DB: dr6 ffff0ff3 -> ffff0ff2
rip 7c3e   rcx 0    pending 00000 -> 00002 cause 1
rip 7c3e   rcx 0    pending 00002 -> 00000 cause 7
rip 7c3e   #DB: dr6 ffff0ff2 -> ffff0ff2"
echo "1..$n"
exit $bad
