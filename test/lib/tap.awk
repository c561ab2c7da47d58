# tap.awk: counts the points of one TAP stream (-v status=EXIT) and prints "passed failed skipped"
# a broken plan, a bail-out or a non-zero exit status without a failed point counts as one failure

/^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
	planned = 1
	if (plan == 0)
		skipped = 1
}
/^Bail out!/ { bailed = 1 }
/^not ok( |$)/ {
	seen++
	if (/# *[Tt][Oo][Dd][Oo]/) passed++; else failed++
}
/^ok( [^ ]|$)/ && !/^ok$/ {
	seen++
	if (/# *[Ss][Kk][Ii][Pp]/) skipped++; else passed++
}
END {
	if (bailed || !planned || plan != seen || (status != 0 && failed == 0)) {
		failed++
		printf "# exit status %s, plan %s, seen %d%s\n", status, planned ? plan : "missing", seen, bailed ? ", bailed out" : "" > "/dev/stderr"
	}
	print passed + 0, failed + 0, skipped + 0
}
