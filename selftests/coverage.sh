#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Lines and branches of module/ that the selftests execute, by file, from gcov: the
# programs of selftests/ run on the debug kernel with a module that counts. Called by
# make coverage.
#
# Each line that is not executed has to be in uncovered.txt, with the reason; the
# exit status is 1 where one is not, and where a test failed.
#
# usage: coverage.sh [OPTION OF run_kselftest.sh]...   run all, or those that it is
#                                                      told, then report
#        coverage.sh --last                            report on the last run again

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=vm/lib.sh
. "$here/vm/lib.sh"

out=$BUILD/coverage
built=$BUILD/module-debug-debug-gcov
mark='-- counts --'

# In the VM: a file in debugfs has no size that tar could go by.
# shellcheck disable=SC2016 # it is that shell that expands
ship='cd /sys/kernel/debug/gcov && find . -name "*.gcda" | while read -r f; do
	mkdir -p "/tmp/gcov/${f%/*}" && cat "$f" >"/tmp/gcov/$f"; done
	echo "'$mark'"; tar -C /tmp/gcov -cz . | base64'

# Run the tests, whose results are counted as check.sh does; leave what they execute in
# $built, beside what gcc wrote about each object.
run() {
	local status=0 failed tests="/root/selftests/run_kselftest.sh -o 600 $*"

	mkdir -p "$out"
	PIOTRAP_DEBUG=1 PIOTRAP_GCOV=1 "$here/vm/piotrap.sh" --kernel debug \
		--timeout 6000 --log "$BUILD/logs/coverage.log" -- \
		"$tests; rc=\$?; $ship; exit \$rc" >"$out/output" || status=$?
	sed "/^$mark/,\$d" "$out/output" >"$out/tap"
	awk -v suite=coverage -v status=$status -f "$here/tap.awk" "$out/tap" >"$out/count"
	read -r _ failed _ < <(tail -n 1 "$out/count")
	cat "$out/tap"
	sed '$d' "$out/count"
	tail -n 1 "$out/count" |
		sed 's/\(.*\) \(.*\) \(.*\)/# \1 passed, \2 failed, \3 skipped/'
	rm -rf "$out/gcda"
	mkdir "$out/gcda"
	sed "1,/^$mark/d" "$out/output" | base64 -d | tar -C "$out/gcda" -xz
	find "$built" -name '*.gcda' -delete
	cp -r "$out/gcda/$built/." "$built/"
	[ "$failed" = 0 ]
}

# gcov's own report on each file of module/, in $out/lines.
report() {
	local f

	rm -rf "$out/lines"
	mkdir "$out/lines"
	for f in "$TOP"/module/*.c; do
		f=${f##*/}
		[ -e "$built/module/${f%.c}.gcda" ] || continue
		(cd "$out/lines" && gcov -b -o "$built/module" "$built/module/$f" 2>/dev/null)
	done
}

summary() {
	awk '
	/^File / { file = $2; gsub(/\047/, "", file); next }
	file !~ /\/module\/[a-z0-9_]+\.c$/ { next }
	/^Lines executed/ { split($0, a, /[:% ]+/); l = a[3]; n = a[5] }
	/^Taken at least once/ { split($0, a, /[:% ]+/); t = a[5]; b = a[7]; print_file() }
	/^No branches/ { t = b = 0; print_file() }
	function print_file() {
		sub(/.*\//, "", file)
		show(file, l, n, t, b)
		lines += n; hit += l * n / 100
		branches += b; taken += t * b / 100
		file = ""
	}
	function show(name, l, n, t, b) {
		printf "%-14s %6.2f %% of %5d lines %6.2f %% of %5d branches\n",
			name, l, n, t, b
	}
	END {
		if (!lines)
			exit 1
		show("module/", 100 * hit / lines, lines, 100 * taken / branches, branches)
	}'
}

# file: text of each line that was not executed. The text names it: a number would
# change with each line above.
uncovered() {
	local f

	for f in "$out"/lines/*.c.gcov; do
		grep -q "^ *-: *0:Source:.*/module/" "$f" || continue
		sed -n "s/^ *#####: *[0-9]*:[[:space:]]*/$(basename "$f" .gcov): /p" "$f"
	done | sort
}

# Lines that nobody has given a reason for, and reasons without such a line.
compare() {
	diff <(uncovered) <(sed -n 's/^\([a-z]*\.c: .*\)/\1/p' "$here/uncovered.txt" |
		sort) | sed -n 's/^< /not executed, no reason in uncovered.txt: /p
			s/^> /in uncovered.txt, but executed: /p' || :
}

status=0
[ "${1:-}" = --last ] || run "$@" || status=1
report | summary
found=$(compare)
[ -z "$found" ] || { echo "$found"; status=1; }
exit $status
