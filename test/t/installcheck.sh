#!/bin/sh
# installcheck.sh: make installcheck runs pg_regress and pg_isolation_regress on a running server, and reports a server without the library

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/test/lib/setup.sh"
points=0 failures=0

# point TEXT COMMAND...
point()
{
	text=$1
	shift
	points=$((points + 1))
	if "$@"; then echo "ok $points - $text"; else echo "not ok $points - $text"; failures=$((failures + 1)); sed 's/^/# /' "$log"; fi
}

installcheck()
{
	make -C "$ROOT" installcheck PG_CONFIG="$DJUST_BIN/pg_config" OUT="$DJUST_TMP/installcheck" "$@" >"$log" 2>&1
}

all_passed()
{
	[ $status = 0 ] && [ "$(grep -cE 'All [0-9]+ tests? passed' "$log")" = "$1" ]
}

log=$DJUST_TMP/installcheck.log
installcheck ISOLATION=reset_once
status=$?
point "pg_regress and pg_isolation_regress pass" all_passed 2
point "all files of test/sql took part" [ "$(grep -cE '^(test|ok [0-9]+) .*(catalogue|messages) ' "$log")" = 2 ]

begin
start_cluster installcheck_bare "shared_preload_libraries = ''"
installcheck
point "a server without the library: it ends badly" [ $? != 0 ]
point "and says what to set" grep -q "shared_preload_libraries = 'djust_auth'" "$log"
point "before a test has run" [ "$(grep -c 'catalogue' "$log")" = 0 ]
echo "1..$points"
[ $failures = 0 ]
