#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The C programs of tools/examples, compiled for 32 and 64 bits and run by the
# piotrap command: they print what the same source prints that was compiled for the
# machine which built this, or, what could not run there, what is written down. TAP.

here=$(cd "$(dirname "$0")" && pwd)/examples
# shellcheck source=common-command.sh
. "$(dirname "$0")/common-command.sh"

[ -d "$here" ] || skip_all "no $here"

skip() {
	n=$((n + 1))
	echo "ok $n $1 # SKIP $2"
}

# A program prints what it is to print, nothing else, and halts.
prints() {
	piotrap run --mode "$1" --budget 50000000 --console e9 --stats \
		-o "$tmp/stats" "$here/$2" >"$tmp/out" 2>"$tmp/err" &&
		cmp -s "$here/$3" "$tmp/out" && [ ! -s "$tmp/err" ] && return
	head -n 20 "$tmp/out" "$tmp/err" | sed 's/^/# /'
	return 1
}

count=0
for want in "$here"/*.expected; do
	p=$(basename "$want" .expected)
	count=$((count + 1))
	for kind in 32 64 64-v3; do
		mode=${kind%-*}
		# The module may not have the mode, or not yet.
		printf '\364' >"$tmp/hlt"
		piotrap run --mode "$mode" "$tmp/hlt" >"$tmp/out" 2>&1
		if [ $? = 10 ]; then
			skip "$p-$kind" "no $mode-bit code"
			continue
		fi
		prints "$mode" "$p-$kind.bin" "$p.expected"
		result "$p-$kind prints what it prints elsewhere"
		grep -qx "00e9  *0  *$(wc -c <"$want")" "$tmp/stats"
		result "$p-$kind: one OUT for each byte"
	done
done
[ $count = 5 ]
result "five programs"
echo "1..$n"
exit $bad
