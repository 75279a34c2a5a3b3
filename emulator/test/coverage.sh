#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lines and branches of the emulator that its tests in userspace execute, by file,
# from gcov. Called by make coverage. With --lines also the lines that none does.

set -uo pipefail
cd "$(dirname "$0")/.." || exit
: "${OUT:?}" "${SHAPES:=20000}"
out=$OUT/coverage
mkdir -p "$out"
find "$out" -name '*.gcda' -delete

cov() {
	CFLAGS='-O1 -g --coverage' make -s --no-print-directory OUT="$out" SANITIZE= "$@"
}

cov check features convert silicon vectors fuzz-replay "$out/random" "$out/image" \
	>"$out/log" 2>&1 || { tail "$out/log"; exit 1; }
"$out/random" 0 "$SHAPES" >>"$out/log" 2>&1 || { tail "$out/log"; exit 1; }
ONLY=emulator test/system/run.sh "$out/image" "$out/system" >>"$out/log" 2>&1

if [ "${1:-}" = --lines ]; then
	mkdir -p "$out/gcov"
	for f in *.c; do
		(cd "$out/gcov" && gcov -o "$out/san" "$OLDPWD/$f" >/dev/null 2>&1)
	done
	grep -H '#####:' "$out"/gcov/*.c.gcov | sed 's/.*gcov\///; s/\.gcov://'
fi
for f in *.c; do
	gcov -n -b -o "$out/san" "$f" 2>/dev/null
done | awk '
	/^File / { file = $2; gsub(/\047/, "", file); next }
	file !~ /^[a-z0-9_]+\.c$/ { next }
	/^Lines executed/ { split($0, a, /[:% ]+/); l = a[3]; n = a[5] }
	/^Taken at least once/ {
		split($0, a, /[:% ]+/)
		printf "%-14s %6.2f %% of %5d lines %6.2f %% of %5d branches\n",
			file, l, n, a[5], a[7]
		lines += n; hit += l * n / 100
		branches += a[7]; taken += a[5] * a[7] / 100
		file = ""
	}
	/^No branches/ {
		printf "%-14s %6.2f %% of %5d lines\n", file, l, n
		lines += n; hit += l * n / 100
		file = ""
	}
	END {
		if (!lines)
			exit 1
		printf "%-14s %6.2f %% of %5d lines %6.2f %% of %5d branches\n",
			"emulator/", 100 * hit / lines, lines,
			100 * taken / branches, branches
	}'
