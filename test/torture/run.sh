#!/bin/sh
# run.sh: make torture.  The long form of the tests that look for what survives: each part alone, then one table.
#
#	PART='crash timing'   only these parts; "sh test/torture/run.sh list" names them
#
# A part is a program of test/torture or test/t with larger numbers than "make test" gives it.  Its line "# tally:" says what was
# tried and what was lost; without one its points are counted.  A program's head names the settings that repeat a printed seed.

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
LOG=$(mktemp -d "${TMPDIR:-/tmp}/djust_torture.XXXXXX") || exit 1

# part, seconds that one program of it may take, stage or script, settings; meant for 2 h 30 min in all, on two cores
parts()
{
	cat <<-'END'
	crash          3600 programs CRASH_ROUNDS=70 CRASH_SECONDS=2
	failover       3600 programs FAILOVER_ROUNDS=14
	loggers        1800 loggers.sh
	sanitizers     1800 sanitizers.sh
	pooler         1800 programs POOLER_ROUNDS=20
	ddl            3600 programs DDL_ROUNDS=10 DDL_COMMANDS=200
	auto_failover  1800 programs AUTO_ROUNDS=4
	resources      1800 programs RESOURCES_SECONDS=20 RESOURCES_KEYS=4
	clock_steps    1800 programs CLOCK_ROUNDS=10 CLOCK_SECONDS=2
	day            1800 programs DAY_SECONDS=900
	attacks        1800 programs
	fuzz           7200 fuzz     FUZZ_RUNS=10000000 FUZZ_SECONDS=360
	equal_time     7200 programs TIME_SAMPLES=10000
	reuse_is_final 2400 programs REUSE_ROUNDS=1000
	seal           3600 programs AUDIT_EVENTS=1000000 AUDIT_PLACES=1
	sql_fuzz       3600 sanitizers.sh DJUST_FUZZ_CALLS=100000
	END
}

# run PART SECONDS STAGE SETTINGS...
run()
{
	part=$1 seconds=$2 stage=$3
	shift 3
	case $stage in
		*.sh) env "$@" TEST_TIMEOUT="$seconds" sh "$ROOT/test/torture/$stage" "$part" ;;
		*) env "$@" ONLY="$part" TEST_TIMEOUT="$seconds" sh "$ROOT/test/run.sh" "$stage" ;;
	esac
}

# tally LOG: tried, survived, lost, lost by contract; points that passed and failed, unless it is one program's, which says
tally()
{
	awk '/^ *# tally: / { sub(/^ *# tally: /, ""); said = $0; n++ }
		/^[0-9]+ passed, [0-9]+ failed/ { passed += $1; failed += $3 }
		END { print n == 1 ? said : (passed + failed) ", " (passed + 0) ", " (failed + 0) ", 0" }' "$1"
}

if [ "$1" = list ]; then
	parts | awk '{ print $1 }'
	exit
fi

failed=0
parts >"$LOG/parts"
while read -r part rest; do
	case " ${PART:-$part} " in *" $part "*) ;; *) continue ;; esac
	echo "$part" >&2
	start=$(date +%s)
	# shellcheck disable=SC2086 # a list of words
	run "$part" $rest >"$LOG/$part" 2>&1 </dev/null
	status=$?
	[ $status = 0 ] || { failed=1; cat "$LOG/$part" >&2; }
	echo "$part | $(tally "$LOG/$part") | $([ $status = 0 ] && echo survived || echo FAILED) | $(($(date +%s) - start)) s" >>"$LOG/table"
done <"$LOG/parts"
echo 'part | tried | survived | lost | lost by contract | result | time'
sed 's/, / | /g' "$LOG/table"
rm -r "$LOG"
exit $failed
