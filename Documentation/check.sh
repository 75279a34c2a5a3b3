#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Test the documentation: it builds without a warning (skipped where sphinx is
# missing), and it agrees with the code. TAP. Each comparison is then shown a
# planted fault, which it must find.
#
# usage: check.sh

set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../selftests/vm/lib.sh
. "$here/../selftests/vm/lib.sh"
# The copy below has none of its own, and nothing is fetched for it.
export LC_ALL=C BUILD
cd "$TOP" || exit
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

uapi=module/uapi/linux/piotrap.h
doc=Documentation

# same A B WHAT-ONLY-A-HAS WHAT-ONLY-B-HAS: two lists, one item a line, are equal
# and not empty. An empty WHAT: that side may have more.
same() {
	local only_a only_b

	[ -n "$1" ] && [ -n "$2" ] || { echo "nothing to compare"; return 1; }
	only_a=$(comm -23 <(sort -u <<<"$1") <(sort -u <<<"$2"))
	only_b=$(comm -13 <(sort -u <<<"$1") <(sort -u <<<"$2"))
	[ -z "$3" ] && only_a=''
	[ -z "$4" ] && only_b=''
	[ -z "$only_a" ] || printf '%s: %s\n' "$3" "${only_a//$'\n'/; }"
	[ -z "$only_b" ] || printf '%s: %s\n' "$4" "${only_b//$'\n'/; }"
	[ -z "$only_a$only_b" ]
}

# The numbers with LETTER that FILES refer to; S7-S9 is three of them.
referred() {
	local letter=$1

	shift
	grep -hoE "\b${letter}[0-9]+(-${letter}?[0-9]+)?\b" "$@" |
		tr -d "$letter" | while IFS=- read -r from to; do
			seq "$from" "${to:-$from}"
		done | sort -un
}

# The numbers with LETTER that FILE defines, in its order.
defined() { sed -nE "s/^\* \*\*$1([0-9]+)\*\* .*/\1/p" "$2"; }

# -- The comparisons. Each prints what is wrong and fails. --

# usage: numbers LETTER FILE LAST
numbers() {
	local code have

	code=$(referred "$1" emulator/*.[ch] emulator/test/*.[ch] module/*.[ch] \
		selftests/*.[ch] tools/*.[ch] $doc/*.rst README.md)
	have=$(defined "$1" "$2")
	[ "$have" = "$(seq "$3")" ] ||
		{ echo "$2: $1-numbers are not 1 to $3 in order"; return 1; }
	same "$code" "$have" "not in $2" ""
}

s_numbers() {
	numbers S $doc/semantics.rst 164 || return
	! grep -nE '^\* \*\*[SD][0-9]+\*\* ' $doc/semantics.rst |
		grep -vE '\*\* \((now|part|later|fact)\) '
}
d_numbers() { numbers D $doc/semantics.rst 8; }
k_numbers() { numbers K $doc/emulator.rst 19; }

# Errnos that the module returns, and those that the manual names. Some come
# from what the module calls.
errnos() {
	local code manual

	code=$(grep -hoE -e '-E[A-Z0-9]{3,}\b' module/*.c | tr -d - |
		sed 's/^ERESTARTSYS$/EINTR/')
	code+=$'\nEBADF\nEACCES'
	manual=$(cat $uapi $doc/abi.rst | grep -oE '\bE[A-Z0-9]{3,}\b' |
		grep -vxE 'EFER|EVENT|EXIT|EXISTS|EFLAGS' |
		grep -vxE 'EDI|ESI|EAX')
	same "$code" "$manual" "not in the manual" "never returned"
}

exit_reasons() {
	same "$(sed -nE 's/^\t(PIOTRAP_EXIT_[A-Z_]+),.*/\1/p' $uapi)" \
		"$(sed -nE 's/^(PIOTRAP_EXIT_[A-Z_]+)  .*/\1/p' $doc/abi.rst)" \
		"not in abi.rst" "no such reason"
}

rules() {
	same "$(sed -nE 's/.*\breturn "(.*)";.*/\1/p' emulator/state.c \
			emulator/cpuid.c emulator/watch.c \
			module/caller.c)" \
		"$(sed -nE 's/^\* ``([^`]*: [^`]*)``.*/\1/p' $doc/abi.rst)" \
		"not in abi.rst" "no such rule"
}

# Every ioctl and everything with kernel-doc is in the manual.
abi_parts() {
	same "$(sed -nE 's/^#define (PIOTRAP_[A-Z_]+)\t+_IO\(.*/\1/p' $uapi)" \
		"$(grep -oE 'PIOTRAP_[A-Z_]+' $doc/abi.rst)" \
		"no word about" "" || return
	same "$(sed -nE -e 's/^ \* (struct|enum) (piotrap_[a-z_]+) - .*/\2/p' \
			-e 's/^ \* (piotrap_[a-z0-9_]+)\(\) - .*/\1/p' \
			$uapi module/uapi/linux/piotrap_convert.h)" \
		"$(sed -nE 's/^ +:identifiers: //p' $doc/abi.rst | tr ' ' '\n')" \
		"not in abi.rst" "no such identifier"
}

# NAME(EMU_X, "name") in the list LIST of trace.h, in the order of its enum.
trace_names() {
	sed -n "/^#define $1\t/,/LAST/p" module/trace.h |
		sed -nE 's/.*"([a-z_]+)".*/\1/p'
}

# The numbers of TRACE_EVENT_TYPES, which have gaps.
event_types() {
	sed -nE 's/^\tEMU_EV_([A-Z_]+) = ([0-9]+),.*/\1 \2/p' emulator/emu.h |
		while read -r name number; do
			echo "$number $(sed -nE \
				"s/.*\(EMU_EV_$name, \"([a-z_0-9]+)\"\).*/\1/p" \
				module/trace.h)"
		done
}

tracepoints() {
	local f=$doc/tracepoints.rst list

	same "$(sed -nE -e 's/^TRACE_EVENT\((.*),$/trace_\1/p' \
			-e 's/^[A-Z_]*DEFINE_EVENT\(.*, (.*),$/trace_\1/p' \
			module/trace.h)" \
		"$(sed -nE 's/^ +:identifiers: //p' $f | tr ' ' '\n')" \
		"not in tracepoints.rst" "no such event" || return
	list=$(for list in CAUSES REP_REASONS EXIT_REASONS; do
			trace_names TRACE_$list | nl -v0 -w1 -s' '
		done; event_types)
	same "$list" "$(sed -nE 's/^([0-9]+ [a-z_0-9]+)  .*/\1/p' $f)" \
		"not in tracepoints.rst" "not in trace.h"
}

# Each event's fields with their types are in the tables of its section, those of
# every event in the one above all sections; its kernel-doc names its own alike.
fields() {
	local common='sandbox owner rip'

	same "$(awk -v common=" $common " '
		/^\/\*\*/ { doc = "" }
		{ doc = doc " " $0 }
		/^(TRACE_EVENT|DECLARE_EVENT_CLASS)\(/ {
			split($0, name, /[(,]/)
			nr[event = name[2]] = 0
			text = doc
			class = /CLASS/
		}
		/__field\(/ {
			split($0, word, /[(,) ]+/)
			field = word[3]
			names[event, ++nr[event]] = field
			types[event, nr[event]] = substr(word[2], 3)
		}
		/^\tTP_printk/ && !class { show(event, event, text) }
		/^[A-Z_]*DEFINE_EVENT\(/ {
			split($0, name, /[(,] */)
			show(name[2], name[3], doc)
		}
		function show(from, event, text,	i, field)
		{
			for (i = 1; i <= nr[from]; i++) {
				field = names[from, i]
				print event " " field " " types[from, i]
				field = field " " types[from, i]
				gsub(/[* ]+/, " ", text)
				if (!index(common, " " names[from, i] " ") &&
				    text !~ "Fields:.* " field)
					print event " kernel-doc without " field
			}
		}' module/trace.h)" \
		"$(awk '
		/^piotrap_[a-z_]+$/ {
			event = $0
			for (i = 1; i <= nr; i++)
				print event " " common[i]
		}
		/^[a-z0-9_]+ +u(8|16|32|64) / {
			if (event == "")
				common[++nr] = $1 " " $2
			else
				print event " " $1 " " $2
		}' $doc/tracepoints.rst)" "not in tracepoints.rst" "not in trace.h" || return
	same "${common// /$'\n'}" \
		"$(sed -n '1,/^The events$/s/^\([a-z]*\) *u[0-9]* .*/\1/p' \
			$doc/tracepoints.rst)" "not in every event" "not common"
}

# The scripts of bpf/ are on the page, name causes and reasons as trace.h does, and
# take a sandbox and an owner alike.
scripts() {
	local filter='($1 == 0 || args->sandbox == $1) && ($2 == 0 || args->owner == $2)'
	local f list map n=0

	same "$(cd bpf && printf '%s\n' *.bt)" \
		"$(sed -nE 's/^``([a-z]+\.bt)`` .*/\1/p' $doc/tracepoints.rst)" \
		"not in tracepoints.rst" "not in bpf" || return
	for f in bpf/*.bt; do
		grep -qF "$filter" "$f" || { echo "$f: no filter"; return 1; }
		for map in cause/CAUSES rep/REP_REASONS exit/EXIT_REASONS; do
			list=$(grep -oE "@${map%/*}\[[0-9]+\] = \"[a-z_0-9]+\"" "$f" |
				sed -E 's/.*\[(.*)\] = "(.*)"/\1 \2/')
			[ -n "$list" ] || continue
			n=$((n + 1))
			same "$(trace_names "TRACE_${map#*/}" | nl -v0 -w1 -s' ')" \
				"$list" "not in $f" "in $f only" || return
		done
	done
	[ $n -gt 0 ]
}

files() {
	same "$(printf '%s\n' emulator/*.[ch] | sed 's/.*\///' |
			grep -vxE 'handlers.h|userspace.h')" \
		"$(sed -n '/^Files$/,/^The state$/s/^\([a-z.0-9, -]*\.[ch]\) .*/\1/p' \
			$doc/emulator.rst | tr -d , | tr ' ' '\n' | grep .)" \
		"not in emulator.rst" "no such file"
}

# Options and exit codes of the command are in its manual page.
man_page() {
	local page=$doc/man/piotrap.1

	same "$(sed -nE 's/^\t\{ "([a-z-]+)", (KEY_|.o.).*/\1/p' tools/main.c)" \
		"$(sed -nE '/^\.SH OPTIONS$/,/^\.SH 32/s/^\.BR? .*\\-\\-([a-z\-]+).*/\1/p' \
			$page | tr -d '\\')" \
		"not in piotrap.1" "no such option" || return
	same "$(sed -nE 's/^\tSTATUS_[A-Z_]+ = ([0-9]+),.*/\1/p' tools/piotrap.h)" \
		"$(sed -nE '/^\.SH EXIT/,/^\.SH FILES/s/^\.B ([0-9]+)$/\1/p' $page)" \
		"not in piotrap.1" "no such exit code"
}

# The options of the tools on libbpf are in their pages; each has one.
bpf_pages() {
	local t options='s/^\t\{ "([a-z-]+)", (KEY_.*|.[a-zA-Z].), .*/\1/p'
	local page='/^\.SH OPTIONS$/,/^\.SH [^O]/s/^\.BR .*\\-\\-([a-z]+).*/\1/p'

	same "$(sed -nE "$options" bpf/common.c)" \
		"$(sed -nE "$page" $doc/man/piotrap-bpf.8 | grep -vx help)" \
		"not in piotrap-bpf.8" "no such option" || return
	same "$(sed -nE "$options" bpf/piotop.c)" \
		"$(sed -nE "$page" $doc/man/piotop.8)" \
		"not in piotop.8" "no such option" || return
	for t in bpf/*.bpf.c; do
		t=${t##*/}
		[ -e "$doc/man/${t%.bpf.c}.8" ] || { echo "no page of $t"; return 1; }
	done
}

# The page says what the opcode table says.
# Each number has a test, or a reason why it has none.
coverage() {
	$doc/coverage.sh >"$tmp/coverage.rst" || return
	diff "$tmp/coverage.rst" $doc/coverage.rst ||
		{ echo "not what make -C Documentation coverage writes"; return 1; }
}

instructions() {
	make -s --no-print-directory -C emulator list OUT="$tmp/list" \
		>"$tmp/instructions.rst" || return
	diff "$tmp/instructions.rst" $doc/instructions.rst ||
		{ echo "not what make -C emulator instructions writes"; return 1; }
}

# This script is the suite that is called documentation.
suites() {
	same "$(echo documentation
		sed -nE 's/^\t+suite "?([a-z]+(-[a-z]+)*)(-\$k)?"? .*/\1/p' \
			selftests/check.sh | grep -vE -e '-(debug|kcsan)$')" \
		"$(sed -nE '/^Suites$/,/^Cases/s/^([a-z-]+[a-z])(-KERNEL)?  .*/\1/p' \
			$doc/testing.rst)" \
		"not in testing.rst" "no such suite"
}

# Each section of security.rst names tests, but the last; they exist, and all those of
# security.c are named.
promises() {
	local page=$doc/security.rst wrong named name f

	wrong=$(awk '
		/^What is not promised$/ { done = 1; exit }
		/^===+$/ && FNR > 6 { if (title) print title; title = last }
		/^:Tests: / { title = "" }
		{ last = $0 }
		END { if (title) print title; if (!done) print "no end" }' $page)
	[ -z "$wrong" ] || { echo "$page: without tests: $wrong"; return 1; }
	named=$(awk '/^:Tests: / { on = 1 } /^$/ { on = 0 } on' $page |
		grep -oE '``[^`]+``' | tr -d '`' | sort -u)
	for name in $named; do
		case $name in
		*.*)
			f=$(grep -lE "^FIXTURE\(${name%.*}\)" selftests/*.c)
			f=${f:-selftests/${name%.*}.c}
			[ -e "$f" ] &&
				grep -qE "^TEST[A-Z_]*\((.*, )?${name#*.}[,)]" "$f"
			;;
		*) grep -qE "suite \"?${name%-KERNEL}(-[$]k)?\"? " selftests/check.sh ;;
		esac || { echo "$page: no test $name"; return 1; }
	done
	same "$(sed -nE 's/^TEST\(([a-z0-9_]+)\)$/security.\1/p' selftests/security.c)" \
		"$(grep '^security\.' <<<"$named")" "not in $page" ""
}

# The program in the README compiles, the files that it names are there.
readme() {
	sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d' >"$tmp/readme.c"
	[ -s "$tmp/readme.c" ] || { echo "no program"; return 1; }
	gcc -fsyntax-only -std=gnu11 -Wall -Werror -Imodule/uapi \
		"$tmp/readme.c" 2>&1 || return
	grep -oE '\]\([A-Za-z/.]+\)|`[a-zA-Z/]+(/|\.[ch])`' README.md |
		tr -d '](`)' | while read -r f; do
			case $f in
			build/ | /*) ;;
			*) [ -e "$f" ] || { echo "README.md: no $f"; exit 1; } ;;
			esac
		done
}

# Comments that kernel-doc reads, wherever they stand.
kernel_doc() {
	local kit out

	kit=$($doc/kernel-doc.sh) || return
	out=$(perl "$kit/scripts/kernel-doc" -none -Wall module/*.[ch] $uapi \
		emulator/*.[ch] 2>&1)
	[ -z "$out" ] || { echo "$out"; return 1; }
}

html() { make -s --no-print-directory -C $doc html BUILD="$BUILD" 2>&1; }

# -- TAP --

n=0 bad=0 failed=''
result() {
	n=$((n + 1))
	echo "$1 $n $2"
}

# is NAME COMMAND...
is() {
	local name=$1 out

	shift
	if out=$("$@"); then
		result ok "$name"
	else
		printf '%s\n' "$out" | sed 's/^/# /'
		result "not ok" "$name"
		bad=1
		failed+=" $1 "
	fi
}

# finds COMMAND FILE SED: in a copy where FILE is changed by SED, COMMAND fails.
# Says nothing if it has failed without.
finds() {
	local name="$1 finds a planted fault in ${2##*/}"

	[[ $failed != *" $1 "* ]] || return
	sed -E "$3" "$2" >"$tmp/tree/$2"
	if cmp -s "$2" "$tmp/tree/$2"; then
		echo "# nothing was planted"
		result "not ok" "$name"
		bad=1
	elif (cd "$tmp/tree" && "$1" >/dev/null 2>&1); then
		result "not ok" "$name"
		bad=1
	else
		result ok "$name"
	fi
	cp "$2" "$tmp/tree/$2"
}

is "S-numbers" s_numbers
is "D-numbers" d_numbers
is "K-numbers" k_numbers
is "errnos" errnos
is "exit reasons" exit_reasons
is "consistency rules" rules
is "calls and structs" abi_parts
is "tracepoints" tracepoints
is "fields of tracepoints" fields
is "bpftrace scripts" scripts
is "files of the emulator" files
is "instructions" instructions
is "tests of each number" coverage
is "suites" suites
is "tests of each promise" promises
is "manual page of the command" man_page
is "manual pages of the tools on libbpf" bpf_pages
is "README" readme
if command -v perl >/dev/null; then
	is "kernel-doc comments" kernel_doc
else
	result ok "kernel-doc comments # SKIP no perl"
fi
if command -v sphinx-build >/dev/null; then
	is "the documentation builds without a warning" html
else
	result ok "the documentation builds # SKIP no sphinx (python3-sphinx)"
fi

mkdir "$tmp/tree"
tar -c README.md COPYING Documentation emulator module selftests tools bpf \
	2>/dev/null | tar -x -C "$tmp/tree"
finds s_numbers $doc/semantics.rst 's/\*\*S67\*\*/**S670**/'
finds s_numbers $doc/semantics.rst 's/^(\* \*\*S67\*\*) \(now\)/\1 (soon)/'
finds s_numbers emulator/port.c 's/S67/S167/'
finds d_numbers emulator/rep.c 's/D1-D8/D1-D9/'
finds k_numbers emulator/external.c 's/K6/K60/'
finds errnos module/ports.c 's/-E2BIG/-EXFULL/'
finds errnos $doc/abi.rst 's/EAGAIN/EDEADLK/'
finds exit_reasons $doc/abi.rst '/^PIOTRAP_EXIT_LOG_FULL/d'
finds exit_reasons $uapi 's/PIOTRAP_EXIT_BPF,/PIOTRAP_EXIT_EBPF,/'
finds rules emulator/state.c 's/activity: 0 to 2/activity: 0 to 3/'
finds rules $doc/abi.rst '/stream: len/d'
finds rules module/caller.c 's/caller: SS.DPL/caller: CS.DPL/'
finds abi_parts $doc/abi.rst '/:identifiers: piotrap_kick/d'
finds abi_parts $doc/abi.rst 's/PIOTRAP_QUEUE_INPUT/PIOTRAP_QUEUE/'
finds tracepoints $doc/tracepoints.rst 's/^4 task /4 switch /'
finds tracepoints module/trace.h 's/TRACE_EVENT\(piotrap_debug_trap/TRACE_EVENT(piotrap_trap/'
finds tracepoints $doc/tracepoints.rst 's/^14 budget  /14 limit  /'
finds tracepoints $doc/tracepoints.rst 's/^6 soft_exception/7 soft_exception/'
finds tracepoints module/trace.h 's/(piotrap_schedule, piotrap_)preempt/\1leave/'
finds fields $doc/tracepoints.rst 's/^(dr6_old +)u64/\1u32/'
finds fields $doc/tracepoints.rst '/^held  /d'
finds fields $doc/tracepoints.rst 's/^owner   u32 /owner   u64 /'
finds fields module/trace.h 's/^( \* Fields: )count u64:/\1count u32:/'
finds fields module/trace.h '0,/__field\(__u32, owner\)/s/__u32, owner/__u64, owner/'
finds fields module/trace.h 's/^( \* .*; )again u8:/\1twice u8:/'
finds scripts bpf/pendingdbg.bt 's/"icebp"/"int1"/'
finds scripts bpf/piolat.bt 's/@exit\[23\] = "internal";//'
finds scripts bpf/repbreak.bt 's/args->owner == /args->rip == /'
finds scripts $doc/tracepoints.rst '/^``piotop.bt``/d'
finds files $doc/emulator.rst '/^decode.c /d'
finds instructions $doc/instructions.rst 's/^   \* - aaa$/   * - aab/'
finds instructions emulator/opcodes.c 's/"outsb", em_outs/"outb", em_outs/'
finds coverage emulator/test/rules.case 's/S155/S156/'
finds coverage $doc/coverage.rst '/S67/d'
finds suites $doc/testing.rst '/^vectors /d'
finds promises $doc/security.rst 's/``abi.killed``/``abi.murdered``/'
finds promises $doc/security.rst 's/``install``$/``instal``/'
finds promises $doc/security.rst '/^:Tests: ``bpf.garbage``/d'
finds promises $doc/security.rst 's/``security.no_leftovers``, //'
finds promises selftests/security.c 's/^TEST\(fork_shares\)/TEST(fork_divides)/'
finds man_page $doc/man/piotrap.1 's/^(\.B \\-\\-)stats$/\1counts/'
finds man_page tools/piotrap.h 's/(STATUS_HALTED = )24/\129/'
finds bpf_pages $doc/man/piotrap-bpf.8 's/-duration /-length /'
finds bpf_pages bpf/piotop.c 's/"sort"/"order"/'
finds readme README.md 's/struct piotrap_run_args args/struct piotrap_args args/'
finds readme README.md 's/\(COPYING\)/(COPYRIGHT)/'
if command -v perl >/dev/null; then
	finds kernel_doc $uapi 's/^ \* @kind: enum piotrap_port_kind$/ * @sort: it/'
fi
echo "1..$n"
exit $bad
