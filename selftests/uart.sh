#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# bpf/examples/uart, a device in BPF: what it was sent, and exactly how often it was
# polled. TAP.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=common-command.sh
. "$here/common-command.sh"

uart=$here/uart
[ -x "$uart" ] || skip_all "no $uart"
[ "$(id -u)" = 0 ] || skip_all "BPF programs need root"

# sends POLLS TEXT: the device gets TEXT. It is ready at first; each byte after that is
# preceded by POLLS polls that find it busy, and one that does not.
sends() {
	len=$(printf %s "$2" | wc -c)
	polls=0
	[ "$len" = 0 ] || polls=$((1 + (len - 1) * ($1 + 1)))
	"$uart" -n "$1" "$2" >"$tmp/out" 2>"$tmp/err" || {
		sed 's/^/# /' "$tmp/err"
		return 1
	}
	printf %s "$2" | cmp - "$tmp/out" &&
		has "$tmp/err" "$len bytes, $polls polls, 0 lost"
}

sends 3 "twenty-three bytes long"
result "23 bytes in, 23 bytes out, 89 polls"
sends 0 "at once"
result "a device that is never busy"
sends 1000 ab
result "a device that is slow"
sends 3 ""
result "nothing"
"$uart" -n x 2>"$tmp/err"
[ $? = 64 ] && grep -q "not a number of polls: x" "$tmp/err"
result "a bad option is refused"
echo "1..$n"
exit $bad
