#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test what judges the tests: the reader of kernel logs (planted reports) and
# the counter of results (planted failures); and that a second run of it is refused,
# and takes nothing away. TAP.

set -euo pipefail
cd "$(dirname "$0")"

n=0
# count NAME EXPECTED STATUS <TAP: "passed failed skipped" must be EXPECTED.
count() {
	local got

	n=$((n + 1))
	got=$(awk -v suite=s -v status="$3" -f tap.awk | tail -n 1)
	if [ "$got" = "$2" ]; then
		echo "    ok $n $1"
	else
		echo "    # expected $2, got $got"
		echo "    not ok $n $1"
		bad=1
	fi
}

echo "1..3"
bad=0
count "flat results" "2 1 1" 1 <<END
1..4
ok 1 a
not ok 2 b
ok 3 - c # SKIP no reason
ok 4 d
END
count "only the innermost of nested results" "3 0 1" 0 <<END
TAP version 13
1..2
# 1..2
# ok 1 x
# ok 2 y # SKIP why
ok 1 selftests: p: a
# 1..2
# ok 1 x
# ok 2 y
ok 2 selftests: p: b
END
count "KTAP by blanks" "2 1 0" 1 <<END
1..1
    1..2
        1..2
        ok 1 x
        not ok 2 y
    not ok 1 a
    ok 2 b
not ok 1 c
END
count "a parent that fails alone" "1 1 0" 0 <<END
# 1..1
# ok 1 x
not ok 1 a # exit=139
END
count "a plan cut short" "1 1 0" 0 <<END
1..3
ok 1 a
END
count "a nested plan cut short" "1 1 0" 0 <<END
1..1
# 1..3
# ok 1 x
not ok 1 a # exit=1
END
count "a nested plan cut short and called ok" "1 1 0" 0 <<END
# 1..3
# ok 1 x
ok 1 a
END
count "a program that skips all" "0 0 1" 0 <<END
1..1
# 1..0 # SKIP no device
ok 1 a # SKIP
END
count "a suite that skips all" "0 0 1" 0 <<END
1..0 # SKIP no device
END
count "no results" "0 1 0" 0 <<END
make: nothing to be done
END
count "a plan without results" "0 1 0" 2 <<END
1..4
END
count "an exit status without a failed result" "1 1 0" 2 <<END
ok 1 a
END
count "killed inside a program" "1 1 0" 1 <<END
1..2
# 1..2
# ok 1 x
END
echo "    1..$n"
[ $bad = 0 ] && echo "ok 1 counter" || echo "not ok 1 counter"

vm/log-check.sh --self-test | sed 's/^/    /'
[ "${PIPESTATUS[0]}" = 0 ] && echo "ok 2 log reader" || echo "not ok 2 log reader"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/results"
touch "$tmp/results/first"
said=$(BUILD=$tmp flock "$tmp/.lock-check" ./check.sh none 2>&1) && bad=1 || bad=0
[[ $bad = 0 && $said = *"has not ended"* && -e $tmp/results/first ]] &&
	said=$(BUILD=$tmp ./check.sh none 2>&1 || :) &&
	[[ $said != *"has not ended"* && ! -e $tmp/results/first ]] &&
	echo "ok 3 one run at a time" || echo "not ok 3 one run at a time"
