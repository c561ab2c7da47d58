#!/bin/sh
# sanitizers.sh PART: tests on a server with AddressSanitizer, UndefinedBehaviorSanitizer and assertions (server.sh): of the part
# sql_fuzz that program alone, of any other one regress, isolation, pgtap and programs
#
# A report of theirs in a server's log is a failure (test/run.sh).  DJUST_FUZZ_CALLS and DJUST_FUZZ_CLIENTS (2) as
# in sql_fuzz.py.

ROOT=$(cd "$(dirname "$0")/../.." && pwd)

# what the server leaves behind at its end is no finding; stacks are PostgreSQL's to check
ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:disable_coredump=1:quarantine_size_mb=16
UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1
DJUST_CONF='max_stack_depth = 1MB'
DJUST_FUZZ_CLIENTS=${DJUST_FUZZ_CLIENTS:-2}
DJUST_SERVER=$(sh "$ROOT/test/torture/server.sh") || exit 1
export ASAN_OPTIONS UBSAN_OPTIONS DJUST_CONF DJUST_FUZZ_CLIENTS DJUST_SERVER

if [ "$1" = sql_fuzz ]; then
	ONLY=sql_fuzz sh "$ROOT/test/run.sh" programs
	exit
fi
EXCEPT='bench.sh it measures times, which a sanitizer changes
clock.py libfaketime and the sanitizer both want to be loaded first
clock_steps.py libfaketime and the sanitizer both want to be loaded first
equal_time.py it measures times, which a sanitizer changes
mailer.py it loads our library into Python; below it has a run of its own, in which Python begins with the sanitizer
sql_fuzz.py a part of its own' sh "$ROOT/test/run.sh" regress isolation pgtap programs
status=$?
LD_PRELOAD=$(gcc -print-file-name=libasan.so) ONLY=mailer.py sh "$ROOT/test/run.sh" programs || status=1
exit $status
