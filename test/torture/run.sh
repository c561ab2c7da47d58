#!/bin/sh
# run.sh: make torture.  The long form of the tests that look for what survives: each part alone, then one table.
#
#	PART='crash timing'   only these parts; "sh test/torture/run.sh list" names them
#	SEED=1                of all random choices; without it one is drawn and printed
#
# A part is a program of test/torture or test/t with larger numbers than "make test" gives it.  Its line "# tally:" says what was
# tried and what was lost; without one its points are counted.

ROOT=$(cd "$(dirname "$0")/../.." && pwd)

# part, whether it has the machine for itself, seconds that one program of it may take, stage or script, settings.  Those that wait
# for most of their time run three at once, the longest first.
parts()
{
	cat <<-'END'
	day            shares 1800 programs DAY_SECONDS=900
	seal           shares 3600 programs AUDIT_EVENTS=1000000 AUDIT_PLACES=1
	crash          shares 3600 programs CRASH_ROUNDS=70 CRASH_SECONDS=2
	clock_steps    shares 1800 programs CLOCK_ROUNDS=10 CLOCK_SECONDS=2
	ddl            shares 3600 programs DDL_ROUNDS=10 DDL_COMMANDS=200
	shop           shares 3600 programs SHOP_CUSTOMERS=1000
	resources      shares 1800 programs RESOURCES_SECONDS=20 RESOURCES_KEYS=4
	moves          shares 3600 programs MOVE_KILLS=100
	altered_tables shares 1800 programs ALTERED=all
	auto_failover  shares 1800 programs AUTO_ROUNDS=4
	attacks        shares 1800 programs
	reuse_is_final shares 2400 programs REUSE_ROUNDS=1000
	pooler         shares 1800 programs POOLER_ROUNDS=20
	failover       shares 3600 programs FAILOVER_ROUNDS=14
	loggers        alone  1800 loggers.sh
	sanitizers     alone  1800 sanitizers.sh
	sql_fuzz       alone  3600 sanitizers.sh DJUST_FUZZ_CALLS=50000
	fuzz           alone  7200 fuzz     FUZZ_RUNS=10000000 FUZZ_SECONDS=150
	equal_time     alone  7200 programs TIME_SAMPLES=10000
	END
}

# run PART SHARES SECONDS STAGE SETTINGS...
run()
{
	part=$1 seconds=$3 stage=$4
	shift 4
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

# figures LOG: what one program measured; of whole stages there would be more than anybody reads
figures()
{
	awk '/^ *# (figures|executions): / { sub(/^ *# [a-z]*: /, "    "); said = said $0 "\n" }
		/^ *# tally: / { n++ }
		END { if (n == 1) printf "%s", said }' "$1"
}

# one PART: runs it and adds its line to the table
one()
{
	echo "$1 begins" >&2
	start=$(date +%s)
	# shellcheck disable=SC2046 # a list of words
	run $(parts | grep "^$1 ") >"$LOG/$1" 2>&1 </dev/null
	status=$?
	if [ $status = 0 ]; then echo "$1 survived"; figures "$LOG/$1"; else cat "$LOG/$1"; fi >&2
	echo "$1, $(tally "$LOG/$1"), $([ $status = 0 ] && echo survived || echo FAILED), $(($(date +%s) - start)) s" >>"$LOG/table"
}

# chosen shares|alone: the parts asked for
chosen()
{
	parts | while read -r part with _; do
		case " ${PART:-$part} " in *" $part "*) [ "$with" != "$1" ] || echo "$part" ;; esac
	done
}

case $1 in
	list) parts | awk '{ print $1 }' ;;
	one) one "$2" ;;
	*)
		LOG=$(mktemp -d "${TMPDIR:-/tmp}/djust_torture.XXXXXX") || exit 1
		SEED=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
		export LOG SEED
		chosen shares | xargs -r -P 3 -n 1 sh "$0" one
		chosen alone | xargs -r -n 1 sh "$0" one
		echo "seed $SEED"
		echo 'part | tried | survived | lost | lost by contract | result | time'
		sed 's/, / | /g' "$LOG/table"
		# a part that was killed has no line
		[ "$(grep -c survived "$LOG/table")" = "$({ chosen shares; chosen alone; } | wc -l)" ] && [ -s "$LOG/table" ]
		status=$?
		rm -r "$LOG"
		exit $status ;;
esac
