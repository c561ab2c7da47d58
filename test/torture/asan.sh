#!/bin/sh
# asan.sh: the SQL fuzzer (test/t/sql_fuzz.py) against a server with AddressSanitizer, UndefinedBehaviorSanitizer and assertions
#
# DJUST_FUZZ_CALLS (100,000), DJUST_FUZZ_SEED, DJUST_FUZZ_CLIENTS as in sql_fuzz.py; KEEP=1 keeps logs and data.

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/test/lib/setup.sh"
unset DJUST_TMP PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS PGSERVICE PGPASSWORD

# what the server leaves behind at its end is no finding; stacks are PostgreSQL's to check
ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:disable_coredump=1
UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1
DJUST_FUZZ_CALLS=${DJUST_FUZZ_CALLS:-100000}
DJUST_FUZZ_CLIENTS=${DJUST_FUZZ_CLIENTS:-2}
export ASAN_OPTIONS UBSAN_OPTIONS DJUST_FUZZ_CALLS DJUST_FUZZ_CLIENTS

DJUST_SERVER=$(sh "$ROOT/test/torture/server.sh") || exit 1
begin
build_extension || fail "the extension was not built"
start_cluster main 'max_prepared_transactions = 10' 'max_stack_depth = 1MB' || exit 1
new_database torture && "$DJUST_BIN/psql" -Xq -d torture -c 'CREATE EXTENSION djust_auth' || exit 1
interpreter=$(find_python psycopg2) || fail "no python3 has psycopg2"
PGDATABASE=torture PYTHONPATH=$ROOT/test/t PYTHONDONTWRITEBYTECODE=1 "$interpreter" "$ROOT/test/t/sql_fuzz.py"
status=$?
# an assertion, a signal and what the sanitizers say
if reports=$(grep -aE -A 15 'ERROR: AddressSanitizer|runtime error:|^TRAP:|terminated by signal|PANIC:' "$cluster/log"); then
	echo "not ok - the server's log has reports"
	echo "$reports" | head -n 200
	status=1
else
	echo "ok - the server's log has no report"
fi
exit $status
