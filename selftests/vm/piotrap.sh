#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh with everything of this project in place: the module built for the
# kernel and loaded, the command in the PATH, /root/selftests (kselftest
# programs), /root/bpf, /root/bpftrace.sh, /root/demo.sh, and SeaBIOS's ROMs
# in /usr/share/seabios.
#
# usage: piotrap.sh [OPTION OF run.sh]... -- COMMAND...

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
make -s -C "$TOP/tools" >&2
make -s -C "$TOP/selftests" install >&2

args=(--kernel "$kernel" --module "$ko")
add() { [ ! -e "$1" ] || args+=(--file "$1:$2"); }
add "$TOP/tools/piotrap" /bin/piotrap
add "$TOP/tools/demo.sh" /root/demo.sh
add "$TOP/bpf" /root/bpf
add "$TOP/selftests/bpftrace.sh" /root/bpftrace.sh
add "$BUILD/selftests/install" /root/selftests
add /usr/share/seabios /usr/share/seabios
exec "$here/run.sh" "${args[@]}" "$@"
