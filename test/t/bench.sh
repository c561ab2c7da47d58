#!/bin/sh
# bench.sh: make bench runs quick cases of every kind, on a store too small for real measurements

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
points=0 failures=0

# point TEXT COMMAND...
point()
{
	text=$1
	shift
	points=$((points + 1))
	if "$@"; then echo "ok $points - $text"; else echo "not ok $points - $text"; failures=$((failures + 1)); fi
}

# lines PATTERN NUMBER: so many lines of the table match
lines()
{
	[ "$(grep -c -- "$1" "$out")" = "$2" ]
}

out=$DJUST_TMP/bench.md
BENCH_USERS=400 BENCH_PROFILES=50 BENCH_ROUTES=100 BENCH_ROUNDS=1 BENCH_SECONDS=1 BENCH_OUT=$out BENCH_BUFFERS=128 \
	BENCH_ONLY='can-current can-old pre-request rls-once refresh wal hot flood-can router standby peer-plpgsql' \
	sh "$ROOT/test/bench/run.sh" >"$DJUST_TMP/bench.log" 2>&1
status=$?
[ $status = 0 ] || sed 's/^/# /' "$DJUST_TMP/bench.log"

point "it ends well" [ $status = 0 ]
point "the table has a head" lines '^| Case | Floor or peer |' 1
point "no case failed to run" lines 'failed to run' 0
point "djust_can was measured against an empty function" lines '^| djust_can in the server.* empty C function ' 1
point "and against the bare check" lines '^| djust_can over .* bare check: ' 1
point "djust_pre_request was measured beside djust_can" lines '^| djust_pre_request over .* djust_can over ' 2
point "refresh was measured against an UPDATE" lines '^| djust_refresh.* UPDATE of one row ' 2
point "and against the bare refresh" lines '^| djust_refresh.* bare refresh: ' 2
point "djust_can was measured beside logins and bare hashing" lines '^| djust_can, p99 .* of bare libargon2 ' 1
point "the peer was measured" lines '^| .* PL/pgSQL' 5
if sh "$ROOT/test/lib/setup.sh" need_plproxy >/dev/null 2>&1; then
	point "calls through a router were measured beside direct ones, and beside a bare function of PL/Proxy" lines '^| djust_[a-z]* through a router' 22
fi
point "djust_can was measured on a standby" lines '^| djust_can on a standby' 2
point "goals are judged" [ "$(grep -cE '\| (yes|\*\*no\*\*) \|$' "$out")" -gt 6 ]
point "durability is told" lines 'fsync = on, synchronous_commit = on, full_page_writes = on' 1
echo "1..$points"
[ $failures = 0 ]
