#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The piotrap command on SeaBIOS, from the reset vector through its switch to
# protected mode. QEMU's CPU, given the same answers by ports, has written the first
# line after 765 instructions and 45 port accesses, and makes its first access to
# PCI's configuration as number 2,077; piotrap gives the same. TAP.
#
# Nothing among these is a REP, so that boundaries are instructions.

bios=/usr/share/seabios/bios.bin		# Debian's seabios 1.16.2-1
sum=471abbc643abcc924446b73d5b938173
large=/usr/share/seabios/bios-256k.bin
large_sum=02647980ae57970d88975f31c84315db
line="SeaBIOS (version 1.16.2-debian-1.16.2-1)"
ports="--port 70-71=latch --port 92=latch --console 402"
# shellcheck source=common-command.sh
. "$(dirname "$0")/common-command.sh"

[ -r $bios ] || skip_all "no $bios"
[ "$(md5sum <$bios | cut -d ' ' -f 1)" = $sum ] ||
	skip_all "another version of $bios"
[ "$(md5sum <$large | cut -d " " -f 1)" = $large_sum ] ||
	skip_all "another version of $large"
printf '\364' >"$tmp/hlt"
piotrap run --mode 32 "$tmp/hlt" >"$tmp/out" 2>&1
[ $? != 10 ] || skip_all "the module has no protected mode"

# bios OPTION...: what goes to port 402h into out, the report into report.
bios() {
	# shellcheck disable=SC2086 # words are options
	piotrap bios $ports --stats -o "$tmp/report" "$@" >"$tmp/out" \
		2>"$tmp/err"
}
# ended COUNT: stopped at a --break, after so many.
ended() {
	has "$tmp/report" "end: break (status 0) after $1 instructions and iterations"
}

# The line has 40 characters; the next byte is its end.
bios --break 402:w:41 $bios
result "SeaBIOS writes a line"
[ "$(cat "$tmp/out")" = "$line" ] && [ "$(wc -c <"$tmp/out")" = 41 ] &&
	[ ! -s "$tmp/err" ]
result "which says who it is"
ended 765
result "after 765 instructions"
cat >"$tmp/want" <<'END'
port         in        out
0070          0          1
0071          1          0
0092          1          1
0402          0         41
all           2         43 on 4 ports
END
sed -n '/^port/,/^all/p' "$tmp/report" | cmp -s - "$tmp/want"
result "and 45 port accesses"
grep -q '^break 0: match 41: 0008:000[0-9a-f]* out port 0402 size 1 value 0a$' \
	"$tmp/report"
result "in flat 32-bit code"

bios --break cf8 --break cfc $bios
result "SeaBIOS looks for PCI"
ended 2077
result "as instruction 2,077"
grep -q '^break 0: match 1: .* out port 0cf8 size 4 value 80000000$' "$tmp/report"
result "by the first word of the first function"
has "$tmp/report" "all           2        123 on 5 ports"
result "with the 125th port access"
[ "$(head -n 1 "$tmp/out")" = "$line" ] && [ "$(wc -l <"$tmp/out")" = 2 ]
result "after two lines"

# The same code, of which 128 KiB are below 1 MiB.
bios --break 402:w:41 $large
[ "$(cat "$tmp/out")" = "$line" ] && ended 768
result "the image of 256 KiB: the same line after 768 instructions"
has "$tmp/report" "all           2         43 on 4 ports"
result "and as many port accesses"

# All of its self-test: it copies itself to the end of memory, finds no PCI, waits
# for a keyboard and disks that are not there, and halts for a timer's interrupt.
bios --budget 10000000 $bios
grep -q '^end: halted (status 0) after ' "$tmp/report"
result "the whole self-test"
has "$tmp/out" "Relocating init from 0x000e2120 to 0x00082d00 (size 53952)"
result "which goes on in a copy of itself"
has "$tmp/out" "Press ESC for boot menu."
result "up to the boot menu"
has "$tmp/report" "all         150       1033 on 38 ports"
result "with 1,183 port accesses"
# Without a TSC, like QEMU's CPU here, it reads the time from the PIT, for ever. Up to
# there both make the same accesses; QEMU has counted 13 instructions more, as a REP
# that has come to its end is one more there.
bios --cpu 486 --break 40:r $bios
ended 1068472
result "a 486 comes to the PIT"
has "$tmp/report" "all          76        727 on 19 ports"
result "by the accesses that QEMU's makes"
bios --budget 10000000 --read-only $bios
[ "$(tail -n 1 "$tmp/out")" = "No space for init relocation." ]
result "in read-only memory it gets as far as the copy"
# Of the image of 256 KiB only half is below 1 MiB before a chipset is told to show
# the rest, and there is none: it runs into what is not there. So does QEMU's CPU.
bios --budget 10000000 $large
has "$tmp/report" \
	"end: exception (status 21) after 31422 instructions and iterations"
result "the image of 256 KiB ends after 31,422 instructions"
has "$tmp/report" "all          36        222 on 6 ports" &&
	grep -q '^piotrap: 0008:000e000a: exception 6 (#UD) at: c7 8b ' "$tmp/err"
result "and 258 port accesses, in the middle of something"
echo "1..$n"
exit $bad
