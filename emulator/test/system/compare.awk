# SPDX-License-Identifier: GPL-2.0
#
# compare.awk EXPECTED DIFFERENCES OUTPUT: TAP for one engine on stdout, the number
# of the last test on stderr, 0 or 1 to the file rc.

function name_of(line)
{
	return substr(line, 1, index(line, ":") - 1)
}

function point(good, text)
{
	tests++
	if (!good)
		bad = 1
	print (good ? "ok " : "not ok ") tests " - " engine ": " text
}

BEGIN { FS = "\t" }

FILENAME == ARGV[1] {
	order[++cases] = name_of($0)
	expected[order[cases]] = $0
	next
}

# peer, reason, line; the reasons themselves are "= NAME" and what follows
FILENAME == ARGV[2] {
	if ($0 ~ /^= /)
		reasons[substr($0, 3)] = 1
	else if ($1 == engine) {
		listed[name_of($3)] = $3
		reason[name_of($3)] = $2
	}
	next
}

{ seen[name_of($0)] = $0 }

END {
	for (i = 1; i <= cases; i++) {
		n = order[i]
		got = n in seen ? seen[n] : ""
		delete seen[n]
		if (got == expected[n]) {
			if (n in listed) {
				point(0, n)
				print "# listed as different, but agrees"
			} else {
				point(1, n)
			}
		} else if (n in listed && listed[n] == got &&
			   reason[n] in reasons) {
			point(1, n " (differs: " reason[n] ")")
		} else {
			point(0, n)
			print "# want  " expected[n]
			print "# have  " (got == "" ? "nothing" : got)
			if (n in listed)
				print "# known " listed[n] " (" reason[n] ")"
		}
		if (update && got != expected[n])
			print engine "\t" (n in reason ? reason[n] : "TODO") \
				"\t" got > news
	}
	for (n in seen) {
		point(0, n)
		print "# not in expected.txt"
	}
	print tests | "cat >&2"
	print bad + 0 > rc
}
