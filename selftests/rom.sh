#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The piotrap command on an option ROM that nobody here wrote, as root and as an
# unprivileged member of the device's group. Another engine measured 358 OUT and 2
# IN on 7 ports under open bus: piotrap gives the same. TAP.

rom=/usr/share/seabios/vgabios-stdvga.bin	# Debian's seabios 1.16.2-1
sum=0eae356f3240cc543d584ae4425b6821
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"

skip_all() {
	echo "1..0 # SKIP $*"
	exit 4
}
[ -e /dev/piotrap ] || skip_all "no /dev/piotrap"
command -v piotrap >/dev/null || skip_all "no piotrap command"
[ -r $rom ] || skip_all "no $rom"
[ "$(md5sum <$rom | cut -d ' ' -f 1)" = $sum ] || skip_all "another version of $rom"

n=0 bad=0
# result NAME: by the status of the last command.
result() {
	if [ $? = 0 ]; then
		n=$((n + 1))
		echo "ok $n $1"
	else
		n=$((n + 1))
		echo "not ok $n $1"
		bad=1
	fi
}
# has FILE LINE: LINE is one of the file's.
has() {
	grep -qxF -e "$2" "$1" && return
	sed 's/^/# /' "$1" | head -n 20
	echo "# there is no line: $2"
	return 1
}

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
grep -q '^dr6 ffff0ff1  dr7 00020402$' "$tmp/break"
result "DR6 as a handler sees it"
piotrap rom --trace $rom >"$tmp/trace"
at=$(sed -n 's/^break.*: c000:\([0-9a-f]*\) out.*/\1/p' "$tmp/break")
next=$(printf '%08x' $((0x$at + 1)))
grep -q "^eip $next " "$tmp/break"
result "RIP is behind the OUT"

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
echo "1..$n"
exit $bad
