#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Style and static checks: the kernel's checkpatch on C; sparse, W=1 and smatch on
# the module; the kernel's semantic patches (coccicheck); clang's analyzer on all
# that runs in userspace too; shellcheck on scripts; an SPDX line in each file.
# Prints what is wrong, and how many of these were skipped for want of a program;
# ends with status 1 if anything is wrong.

set -uo pipefail
# shellcheck source=vm/lib.sh
. "$(dirname "$0")/vm/lib.sh"
cd "$TOP" || exit

rc=0 ran=0 skipped=0
# section NAME, or absent NAME WHY
section() { note "$1"; ran=$((ran + 1)); }
absent() { note "$1: SKIP $2"; skipped=$((skipped + 1)); }

kit=$(selftests/vm/kselftest.sh) || exit

# files PATTERN...: of the repository, whether committed yet or not; there have to be
# some. What is left out has to be named from the folder that all of them are in: git
# takes a shorter pattern than that for everything.
files() {
	git ls-files -co --exclude-standard -- "$@" | grep . && return
	echo "no file is $*" >&2
	return 1
}

# checkpatch IGNORE <LIST OF FILES
checkpatch() {
	grep -v vmlinux.h | xargs -r perl "$kit/scripts/checkpatch.pl" \
		--no-tree --strict --terse --show-types --quiet --no-summary \
		--ignore "$1" -f
}

section "checkpatch"
# About patches to the kernel's own tree.
ignore=FILE_PATH_CHANGES
# Operands have the SDM's names (Eb, rAX); the table's macros name one twice.
files 'emulator/insn.h' 'emulator/opcodes.c' |
	checkpatch $ignore,CAMELCASE,MACRO_ARG_REUSE,LONG_LINE || rc=1
# Macros that make functions, one for each operation and form of operands, and lists
# of them.
functions=$ignore,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_UNUSED,TRAILING_SEMICOLON
functions+=,MULTISTATEMENT_MACRO_USE_DO_WHILE,MACRO_WITH_FLOW_CONTROL,BRACKET_SPACE,SPACING
files 'emulator/uop*.[ch]' emulator/quick.h | checkpatch "$functions" || rc=1
# What the rules mean to forbid is what these two are there for.
files 'module/compat.h' |
	checkpatch $ignore,LINUX_VERSION_CODE,CONSTANT_COMPARISON || rc=1
# TRACE_EVENT is laid out its own way in the whole kernel.
files 'module/trace.h' |
	checkpatch $ignore,COMPLEX_MACRO,MACRO_ARG_UNUSED,TRAILING_SEMICOLON,PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE || rc=1
# Headers for userspace cannot use BIT().
files 'module/uapi/*.h' | checkpatch $ignore,BIT_MACRO || rc=1
files 'emulator/*.[ch]' 'module/*.[ch]' ':!emulator/test' ':!emulator/bench' \
	':!emulator/userspace.h' \
	':!emulator/insn.h' ':!emulator/opcodes.c' ':!emulator/uop*' ':!emulator/quick.h' ':!module/compat.h' \
	':!module/trace.h' ':!module/uapi' | checkpatch $ignore || rc=1
# About helpers that only the kernel has.
ignore+=,ARRAY_SIZE,BIT_MACRO,CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO,VOLATILE
ignore+=,STRCPY,EMBEDDED_FUNCTION_NAME,PREFER_KERNEL_TYPES,MACRO_ARG_REUSE
ignore+=,COMPLEX_MACRO,MACRO_ARG_UNUSED
files '*.[ch]' ':!emulator' ':!module' | checkpatch $ignore || rc=1
files 'emulator/test/*.[ch]' 'emulator/bench/*.[ch]' emulator/userspace.h |
	checkpatch $ignore || rc=1

section "sparse and W=1"
for k in ${KERNELS:-6.1-cloud 6.12-cloud}; do
	selftests/vm/module.sh "$k" >/dev/null || rc=1
done

# Not in Debian 12. What its build of a module for the newest kernel says.
check_smatch() {
	local k=${KERNELS:-6.12-cloud} dir=$BUILD/module-smatch

	mkdir -p "$dir"
	rsync -a --delete --exclude='test' Kbuild module emulator "$dir/"
	k=$(selftests/vm/kernel.sh "${k##* }") || return
	make -s -C "$k/headers" M="$dir" C=2 CHECK="smatch -p=kernel" modules 2>&1 |
		grep -E "^${dir//./\\.}.*(warn|error):"
	[ "${PIPESTATUS[*]}" = "0 1" ]
}
if type -P smatch >/dev/null; then
	section "smatch"
	check_smatch || rc=1
else
	absent "smatch" "there is no such program"
fi

# cocci SCRIPTS <LIST OF FILES
cocci() {
	local list script

	mapfile -t list
	for script in $1; do
		spatch -D report --no-show-diff --very-quiet --no-includes \
			--include-headers --cocci-file "$script" "${list[@]}" \
			2>/dev/null || echo "$script: failed"
	done | grep .
	[ "${PIPESTATUS[1]}" = 1 ]
}
if selftests/vm/deps.sh coccinelle && command -v spatch >/dev/null; then
	section "coccicheck"
	dir=$(selftests/vm/coccinelle.sh) || exit
	# Two want OCaml, one of them for a driver.
	all=$(grep -L script:ocaml "$dir"/*/*.cocci | grep -v check_bq27xxx)
	files 'module/*.c' 'emulator/*.c' ':!emulator/test' ':!emulator/bench' |
		cocci "$all" || rc=1
	# Not about functions that only the kernel has.
	plain=$(grep -E '/(null|tests)/|/(semicolon|ifcol|doubleinit|excluded_middle)\.' \
		<<<"$all")
	{ files '*.c' ':!module' ':!emulator'; files 'emulator/test/*.c'; } |
		cocci "$plain" || rc=1
else
	absent "coccicheck" "there is no spatch (package coccinelle)"
fi

# analyze FLAG... <LIST OF FILES: with clang, these being the compiler's flags
analyze() {
	xargs -r -n 1 -P "$JOBS" clang --analyze -Xanalyzer -analyzer-output=text \
		-std=gnu11 -Imodule/uapi "$@" -o /dev/null 2>&1 |
		grep -E '(warning|error):'
	[ "${PIPESTATUS[1]}" = 1 ]
}
section "clang's analyzer"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# It looks at one file at a time, and would not know that emu_raise() never
# returns 0: so each file of the emulator has that function in front.
files 'emulator/*.c' ':!emulator/*/*' ':!emulator/event.c' | while read -r f; do
	printf '#include "%s"\n' "$TOP/emulator/event.c" "$TOP/$f" >"$tmp/${f##*/}"
done
printf '%s\n' "$tmp"/*.c emulator/event.c | analyze -Iemulator || rc=1
files 'emulator/test/*.c' ':!emulator/test/native*' |
	analyze -Iemulator -Iemulator/test || rc=1
files 'tools/*.c' ':!tools/examples' |
	analyze -Itools -D_GNU_SOURCE || rc=1
files 'bpf/*.c' ':!bpf/*.bpf.c' ':!bpf/examples' |
	{ [ -d "$BUILD/bpf" ] && cat || grep -E '/(format|hist|ports|test|text)\.c'; } |
	analyze -Ibpf -D_GNU_SOURCE -isystem "$BUILD/bpf" || rc=1
skel=$BUILD/selftests/piotrap/skel
# bench-trace/run.sh keeps no skeleton.
files 'selftests/*.c' ':!selftests/vm' ':!selftests/bench-trace' \
	':!selftests/*.bpf.c' | { [ -d "$skel" ] && cat || grep -v bpf-; } |
	analyze -pthread -isystem "$kit/tools/testing/selftests" -isystem "$skel" \
		-Iselftests/bpf-programs || rc=1

section "shellcheck"
{ files '*.sh' .ci/run selftests/vm/init; } |
	xargs -r shellcheck -S warning -x -P SCRIPTDIR || rc=1

section "SPDX"
while read -r f; do
	[ ! -f "$f" ] || head -n 3 "$f" | grep -q SPDX-License-Identifier ||
		{ echo "$f: no SPDX line at the top"; rc=1; }
done < <(files '*.c' '*.h' '*.S' '*.sh' '*.py' '*.bt' '*.rst' '*.awk' \
	'*Makefile' '*Kbuild' .ci/run)

rm -f .checkpatch-camelcase.*	# checkpatch leaves it in the current folder
[ $rc = 0 ] && what=clean || what="not clean"
note "$ran checks, $what; $skipped skipped"
exit $rc
