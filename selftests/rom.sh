#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The piotrap command on option ROMs that nobody here wrote: one of them in every
# way, as root and as an unprivileged member of the device's group, then all that
# Debian's seabios and vgabios have. QEMU's CPU, given the same memory and ports that
# read as all ones, makes the same accesses, port by port. TAP.

rom=/usr/share/seabios/vgabios-stdvga.bin	# Debian's seabios 1.16.2-1
sum=0eae356f3240cc543d584ae4425b6821
# shellcheck source=common-command.sh
. "$(dirname "$0")/common-command.sh"
chmod 755 "$tmp"

[ -r $rom ] || skip_all "no $rom"
[ "$(md5sum <$rom | cut -d ' ' -f 1)" = $sum ] || skip_all "another version of $rom"

piotrap rom --stats $rom >"$tmp/stats" 2>"$tmp/err"
result "the ROM returns"
has "$tmp/stats" "all           2        358 on 7 ports"
result "358 OUT and 2 IN on 7 ports"
[ ! -s "$tmp/err" ]
result "and nothing to complain about"
cat >"$tmp/want" <<'END'
port         in        out
01ce          0          2
01cf          1          1
03c2          0          1
03c4          0          1
0402          0        352
0cf8          0          1
0cfc          1          0
END
head -n 8 "$tmp/stats" | cmp -s - "$tmp/want"
result "accesses by port and direction"
grep -q '^end: returned (status 0) after [0-9]* instructions' "$tmp/stats"
result "how it ended"

piotrap rom --console 402 $rom >"$tmp/console" 2>"$tmp/err"
result "with port 402h on a console"
[ "$(head -c 16 "$tmp/console")" = "Start SeaVGABIOS" ]
result "the bytes to port 402h begin as they should"
[ "$(wc -c <"$tmp/console")" = 352 ] && [ ! -s "$tmp/err" ]
result "352 of them, and nothing else"

piotrap rom --break 402:w:2 $rom >"$tmp/break"
result "a stop on the second byte to port 402h"
grep -q '^break 0: match 2: c000:[0-9a-f]* out port 0402 size 1 value 74$' \
	"$tmp/break"
result "which is a t"
grep -q '^eax 000000*74 .* edx 0*402$' "$tmp/break"
result "in AL, with the port in DX"
grep -q '^dr6 ffff0ff0  dr7 00000400$' "$tmp/break"
result "and nothing in the debug registers"
piotrap rom --trace $rom >"$tmp/trace"
at=$(sed -n 's/^break.*: c000:\([0-9a-f]*\) out.*/\1/p' "$tmp/break")
next=$(printf '%08x' $((0x$at + 1)))
grep -q "^eip $next " "$tmp/break"
result "RIP is behind the OUT"
piotrap rom --dr 402:w:2 $rom >"$tmp/dr"
sed 's/^break 0/dr 0/; s/^dr6 .*/dr6 ffff0ff1  dr7 00020402/' "$tmp/break" |
	cmp - "$tmp/dr"
result "by an I/O breakpoint: the same, and DR6 as a handler sees it"

[ "$(wc -l <"$tmp/trace")" = 360 ]
result "a trace of 360 lines"
[ "$(grep -c ' out port 0402 size 1 value ' "$tmp/trace")" = 352 ]
result "352 of them to port 402h"
piotrap rom --json $rom >"$tmp/json"
[ "$(grep -c '^{"type":"port",.*"value":[0-9]*}$' "$tmp/json")" = 360 ] &&
	grep -q '^{"type":"end","why":"returned","status":0,' "$tmp/json"
result "and of as many objects"
# Bytes of the trace are those of the console.
sed -n 's/.* out port 0402 size 1 value //p' "$tmp/trace" | tr -d '\n' \
	>"$tmp/hex"
od -An -v -tx1 "$tmp/console" | tr -d ' \n' | cmp -s - "$tmp/hex"
result "with the same bytes"

if [ "$(id -u)" = 0 ] && grep -q '^piotrap:.*nobody' /etc/group; then
	su nobody -s /bin/sh -c "piotrap rom --stats $rom" >"$tmp/nobody"
	cmp -s "$tmp/stats" "$tmp/nobody"
	result "nobody, a member of the group, sees the same"
	su nobody -s /bin/sh -c "piotrap rom --break 402:w:2 $rom" |
		cmp -s - "$tmp/break"
	result "and stops at the same place"
	su stranger -s /bin/sh -c "piotrap rom $rom" >"$tmp/out" 2>&1
	[ $? = 11 ] && grep -q 'members of the group piotrap ' "$tmp/out"
	result "a stranger is told which group it takes"
else
	for t in "as a member of the group" "stops" "as a stranger"; do
		n=$((n + 1))
		echo "ok $n $t # SKIP no users for it"
	done
fi
# Each ROM: its file, IN, OUT, ports, how it ends, instructions and iterations (QEMU
# counts a REP that has come to its end once more, and not the HLT it returns to).
# All are started as device 0:2.0, which reads as all ones like everything else.
#
#   vgabios-bochs-display  says "id is 0x0, FAIL" and returns
#   vgabios-cirrus         (SeaBIOS's) does not find its registers and returns
#   vgabios-ramfb          gives the address of a command to port 518h, fw_cfg, and
#                          waits for a device that is not there to fetch it: for ever
#   vgabios.cirrus         asks its chip by port 3C5h before it moves the cursor
#   vgabios.banshee        does so by ports that it takes from PCI's all ones: FF..h
limit=1000000
while read -r file md5 ins outs ports end status count; do
	name=${file##*/}
	file=/usr/share/$file
	if [ "$(md5sum <"$file" 2>/dev/null | cut -d ' ' -f 1)" != "$md5" ]; then
		n=$((n + 1))
		echo "ok $n $name # SKIP absent, or another version"
		continue
	fi
	piotrap rom --stats --budget $limit "$file" >"$tmp/stats" 2>"$tmp/err"
	[ $? = "$status" ] &&
		has "$tmp/stats" "end: $end (status $status) after $count instructions and iterations"
	result "$name: $end after $count"
	[ "$(grep '^all ' "$tmp/stats" | tr -s ' ')" = \
		"all $ins $outs on $ports ports" ]
	result "$name: $ins IN, $outs OUT on $ports ports"
done <<'END'
seabios/vgabios-ati.bin cd2d77af8d8d01222de5f083c16fe7f1 6 393 6 returned 0 287882
seabios/vgabios-bochs-display.bin 28b4fa3d23608b9ce2559e97b688d801 3 472 3 returned 0 11638
seabios/vgabios-cirrus.bin d90073ab6bff1a7bf705e85c2ae880e3 2 358 6 returned 0 8369
seabios/vgabios-isavga.bin 1855501e7cd2a5ab79e9eca2f8f78c5e 1 357 5 returned 0 277106
seabios/vgabios-qxl.bin 40137b4fdee2b5b632dbe80c350a7a3a 2 358 7 returned 0 280194
seabios/vgabios-ramfb.bin 0019fb899ee05770df9780e1236ae4a0 0 309 2 budget 22 1000000
seabios/vgabios-stdvga.bin 0eae356f3240cc543d584ae4425b6821 2 358 7 returned 0 280194
seabios/vgabios-virtio.bin 364927ee98264cf12d774f876df81b70 2 358 7 returned 0 280194
seabios/vgabios-vmware.bin c1461573a45d809ca741df5c4ff41dc8 2 358 7 returned 0 280194
vgabios/vgabios.banshee.bin 2317fe22ed5834a39ed6798fd6075bae 713 1708 24 returned 0 150299
vgabios/vgabios.bin 68cfa7e65e246a87f98d2a22841b46f6 4 1485 16 returned 0 141648
vgabios/vgabios.cirrus.bin 74532844cbab6430373dac6423186fbb 228 1662 14 returned 0 140629
vgabios/vgabios.cirrus.debug.bin e1cb5918f35b44d4bf99a4c399e979ce 228 1662 14 returned 0 140629
vgabios/vgabios.debug.bin 62d17c1d99ed34f19e8e37b3dae4da79 4 2118 16 returned 0 185493
vgabios/vgabios.qxl.bin 1b530c3f51d35077dc5172c055713e89 4 1485 16 returned 0 141648
vgabios/vgabios.qxl.debug.bin d42be2ef394eb8ce36b63ff779abb6b0 4 2118 16 returned 0 185493
vgabios/vgabios.vmware.bin 48c750b9da5d1b80efdf76885e00d059 4 1485 16 returned 0 141648
vgabios/vgabios.vmware.debug.bin f3ad803e1df6028c4a4d284f078356d7 4 2118 16 returned 0 185493
END
echo "1..$n"
exit $bad
