# SPDX-License-Identifier: GPL-2.0
#
# Count the results of one suite. Reads its TAP or KTAP, prints the line
#
#   passed failed skipped
#
# after one line "# SUITE: name" for each failure. Results nest (by "# " or by
# four blanks) and only the innermost count: a parent sums up its children,
# and counts only if it has none, or failed though all of them passed.
#
#   awk -v suite=NAME -v status=EXIT -f tap.awk FILE

function failure(name)
{
	failed++
	print "# " suite ": " name
}

# Close the plans of all depths below d: results that did not come are one
# failure, by name of what was running.
function close_below(d, name,	i)
{
	for (i = deepest; i > d; i--) {
		if (i in plan && seen[i] != plan[i]) {
			failure(name ": " seen[i] + 0 " results of a plan of " \
				plan[i])
			bad[i]++
		}
		if (bad[i])
			bad[d] += bad[i]
		if (seen[i])
			children = 1
		delete plan[i]
		delete seen[i]
		delete bad[i]
	}
	deepest = d
}

{
	sub(/\r$/, "")
	line = $0
	for (depth = 0; match(line, /^(# |    )/); depth++)
		line = substr(line, RLENGTH + 1)
}

line ~ /^1\.\.[0-9]+/ {
	n = substr(line, 4) + 0
	if (n == 0 && line ~ /# *[Ss][Kk][Ii][Pp]/ && depth == 0) {
		skipped++
		results++
		next
	}
	if (depth > deepest)
		deepest = depth
	# A second plan at one depth: another program began. A first one may
	# come after its results.
	if (depth in plan) {
		if (seen[depth] != plan[depth])
			failure("a plan of " plan[depth] " had " \
				seen[depth] + 0 " results")
		seen[depth] = 0
	}
	plan[depth] = n
}

line ~ /^(not )?ok [0-9]+/ {
	name = line
	sub(/^(not )?ok [0-9]+ *(- *)?/, "", name)
	skip = name ~ /# *[Ss][Kk][Ii][Pp]/
	notok = line ~ /^not ok/
	results++

	children = 0
	before = bad[depth] + 0
	close_below(depth, name)
	inner = bad[depth] - before
	seen[depth]++
	if (skip && notok)
		notok = 0
	if (notok && !inner) {
		failure(name)
		bad[depth]++
	} else if (!children && !notok) {
		if (skip)
			skipped++
		else
			passed++
	}
}

END {
	close_below(0, "ended midway")
	if (!results)
		failure("no results")
	else if (!bad[0] && 0 in plan && seen[0] != plan[0])
		failure("ended after " seen[0] + 0 " of " plan[0] " results")
	else if (status != 0 && !failed)
		failure("exit status " status)
	print passed + 0, failed + 0, skipped + 0
}
