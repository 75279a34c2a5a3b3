#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh with everything of this project in place: the module built for the
# kernel and loaded, the command in the PATH, /root/selftests (kselftest
# programs), /root/bpf, /root/bpftrace.sh and the page that it reads, /root/demo.sh,
# and the ROMs of Debian's seabios and vgabios in /usr/share.
#
# usage: piotrap.sh [OPTION OF run.sh]... -- COMMAND...
#   PIOTRAP_DEBUG=1 loads the module with poll_every, see module.sh.
#   PIOTRAP_NO_BTF=1 takes the module's BTF away, as where nothing could make it.
#   PIOTRAP_BPF=1 adds the tools on libbpf (piosnoop, piotop...) to the PATH.

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

kernel=6.12-cloud
for ((i = 1; i < $#; i++)); do
	[ "${!i}" != -- ] || break
	[ "${!i}" != --kernel ] || { i=$((i + 1)); kernel=${!i}; }
done
"$here/deps.sh" build vm
ko=$("$here/module.sh" "$kernel")
mkdir -p "$BUILD/vm"
if [ -n "${PIOTRAP_NO_BTF:-}" ]; then
	objcopy --remove-section .BTF "$ko" "$BUILD/vm/no-btf.ko"
	ko=$BUILD/vm/no-btf.ko
fi
# The VM has no shared libraries. What is built in tools/ may be built otherwise
# at any time.
(
	lock tools
	make -s -C "$TOP/tools" STATIC=1 >&2
	cp "$TOP/tools/piotrap" "$BUILD/vm/piotrap.tmp"
	mv "$BUILD/vm/piotrap.tmp" "$BUILD/vm/piotrap"
)
(
	lock selftests
	make -s -C "$TOP/selftests" install >&2
)

if [ -n "${PIOTRAP_BPF:-}" ]; then
	(
		lock bpf
		make -s -C "$TOP/bpf" static >&2
		mkdir -p "$BUILD/vm/bpf"
		for f in "$BUILD"/bpf/static/*; do
			cp "$f" "$BUILD/vm/bpf.tmp"
			mv "$BUILD/vm/bpf.tmp" "$BUILD/vm/bpf/${f##*/}"
		done
	)
fi

args=(--kernel "$kernel" --module "$ko")
add() { [ ! -e "$1" ] || args+=(--file "$1:$2"); }
add "$BUILD/vm/piotrap" /bin/piotrap
add "$TOP/tools/demo.sh" /root/demo.sh
add "$TOP/bpf" /root/bpf
add "$TOP/selftests/bpftrace.sh" /root/bpftrace.sh
add "$TOP/Documentation/tracepoints.rst" /root/tracepoints.rst
add "$BUILD/selftests/install" /root/selftests
add /usr/share/seabios /usr/share/seabios
add /usr/share/vgabios /usr/share/vgabios
add "$TOP/selftests/bpf.sh" /root/bpf.sh
if [ -n "${PIOTRAP_BPF:-}" ]; then
	for f in "$BUILD"/vm/bpf/*; do
		add "$f" "/bin/${f##*/}"
	done
fi
exec "$here/run.sh" "${args[@]}" "$@"
