#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lines and branches of the emulator that its tests in userspace execute, by file,
# from gcov. Called by make coverage. With --lines also the lines that none does.
#
# Status 1 if that is less than 95 % of the lines, or if what is not executed is not
# what uncovered.txt says.

set -uo pipefail
cd "$(dirname "$0")/.." || exit
: "${OUT:?}" "${SHAPES:=20000}" "${COMPARISONS:=400000}"
out=$OUT/coverage
mkdir -p "$out"
find "$out" -name '*.gcda' -delete

cov() {
	CFLAGS='-O1 -g --coverage' make -s --no-print-directory OUT="$out" SANITIZE= \
		NATIVE=san "$@"
}

die() { tail "$out/log"; exit 1; }

cov check check-pairs features convert silicon vectors fuzz-replay "$out/random" "$out/image" \
	"$out/native" >"$out/log" 2>&1 || die
"$out/random" 0 "$SHAPES" >>"$out/log" 2>&1 || die
"$out/native" --count "$COMPARISONS" >>"$out/log" 2>&1 || die
ONLY=emulator test/system/run.sh "$out/image" "$out/system" >>"$out/log" 2>&1

test/coverage.py test/uncovered.txt 95 "$out/san" "$out/fast" "$@"
