#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the fuzz target for $TIME seconds from $CORPUS, and from what earlier runs have
# found. TAP. Called by make fuzz.
#
# usage: fuzz.sh libfuzzer|afl
#
# What goes wrong is a file in $OUT/ENGINE/found, for fuzz-replay. $OUT/ENGINE/corpus
# keeps what reaches something new. Of another target than that named fuzz, these two
# are in $OUT/ENGINE/TARGET.files.

set -uo pipefail
cd "$(dirname "$0")/.." || exit
: "${OUT:?}" "${TIME:?}" "${CORPUS:?}" "${CC=}" "${FUZZ=fuzz}" "${AGAINST=}"
engine=$1
program=$OUT/$engine/$FUZZ
dir=$OUT/$engine
[ -z "$AGAINST" ] || dir=$program.files
log=$dir/log

echo 1..1
if [ -z "$CC" ]; then
	echo "ok 1 fuzz # SKIP no compiler for $engine"
	exit
fi
if [ "$AGAINST" = unicorn ] && [ ! -e /usr/include/unicorn/unicorn.h ]; then
	echo "ok 1 fuzz # SKIP no libunicorn-dev"
	exit
fi
mkdir -p "$dir/corpus" "$dir/found"
# Unicorn keeps memory.
leaks=$([ -n "$AGAINST" ] && echo detect_leaks=0:)

fail() {
	# Without what AFL++ colours and repeats.
	sed 's/\x1b[^a-zA-Z]*[a-zA-Z]//g' "$log" | grep -v 'instability detected' |
		tail -n 40 | sed 's/^/# /'
	echo "not ok 1 fuzz ($engine): $*"
	exit 1
}

make -s --no-print-directory OUT="$OUT" ENGINE="$engine" AGAINST="$AGAINST" fuzz-target >"$log" 2>&1 ||
	fail "does not build"

run_libfuzzer() {
	ASAN_OPTIONS=$leaks "$program" -max_total_time="$TIME" -max_len=512 -len_control=0 -timeout=60 \
		-rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="$dir/found/" "$dir/corpus" \
		"$CORPUS" >"$log" 2>&1 || return
	grep -aE 'DONE|^stat::number_of_executed' "$log" | sed 's/^/# /'
	grep -aE '^# [0-9]+ executions|^# not compared|^# Unicorn is' "$log"
	true
}

stat() { sed -n "s/^$1 *: //p" "$dir/run/default/fuzzer_stats"; }

run_afl() {
	local seeds=$dir/seeds

	rm -rf "$dir/run" "$seeds"
	mkdir -p "$seeds"
	cp -n "$CORPUS"/* "$dir"/corpus/* "$seeds" 2>/dev/null
	# The machine is nobody's laboratory: its governor and core pattern stay.
	AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
		AFL_NO_AFFINITY=1 AFL_QUIET=1 ASAN_OPTIONS=${leaks}abort_on_error=1:symbolize=0 \
		UBSAN_OPTIONS=abort_on_error=1:halt_on_error=1:symbolize=0 \
		afl-fuzz -V "$TIME" -t 20000+ -m none -G 512 -i "$seeds" -o "$dir/run" \
		-- "$program" >"$log" 2>&1 || return
	echo "# $(stat execs_done) executions, $(stat edges_found) of $(stat total_edges)" \
		"edges, $(stat corpus_count) inputs, $(stat saved_crashes) crashes," \
		"$(stat saved_hangs) hangs"
	cp "$dir"/run/default/queue/id* "$dir/corpus" 2>/dev/null
	cp "$dir"/run/default/crashes/id* "$dir"/run/default/hangs/id* \
		"$dir/found" 2>/dev/null
	[ "$(stat saved_crashes)$(stat saved_hangs)" = 00 ]
}

"run_$engine" || fail "look at $dir/found"
echo "ok 1 fuzz for $TIME s ($engine)"
