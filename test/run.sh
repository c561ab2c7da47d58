#!/bin/sh
# run.sh: the whole test, or only the stages named: sh test/run.sh [layers|unit|fuzz|regress|isolation|pgtap|programs|http]...
#
#	test/sql/NAME.sql   with expected/NAME.out: pg_regress, in an empty database of its own
#	test/specs/*.spec   with expected/NAME.out: pg_isolation_regress, likewise
#	test/pgtap/*.sql    pg_prove, in a database with the extension and pgtap
#	test/t/*            programs that print TAP (.py, .mjs, .sh), in a database with the extension; they find PGHOST,
#	                    PGPORT, PGUSER, PGDATABASE, DJUST_BIN, DJUST_TMP, and may start clusters (test/lib/setup.sh)
#	test/http/*         such programs that find HTTP_URL too (test/lib/with_postgrest.py): a replay of PostgREST, in a
#	                    second run PostgREST itself, where POSTGREST or PATH leads to one, and in a last run with a router between
#	                    it and the database; journey.* has a cluster of its own, whose worker mails, and RELAY_READ (test/lib/setup.sh)
#
# ONLY=name limits regress, isolation, pgtap, programs and http to files so called; KEEP=1 keeps the folder with logs and data;
# TEST_TIMEOUT is the limit of one file in seconds.  UPGRADED=yes makes every CREATE EXTENSION of a test that has a server
# one of 1.0 and an update (but logmask.py's).  EXCEPT has lines "FILE why": programs that do not run, which count as skipped.
# SEED (1) is that of all random choices, the fuzzers' included, so that a second run tries the same.

ROOT=$(cd "$(dirname "$0")/.." && pwd)
. "$ROOT/test/lib/setup.sh"
unset DJUST_TMP PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS PGSERVICE PGPASSWORD

SEED=${SEED:-1}
export SEED
passed=0 failed=0 skipped=0 LANES=
LIMIT="timeout -k 10 ${TEST_TIMEOUT:-300}"	# for one file; a test that waits for itself must not wait for ever

# count STAGE PASSED FAILED [SKIPPED]
count()
{
	passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + ${4:-0}))
	echo "$1: $2 passed, $3 failed${4:+, $4 skipped}"
}

# point STAGE STATUS: one test point
point()
{
	if [ "$2" = 0 ]; then count "$1" 1 0; else count "$1" 0 1; fi
}

# A crash is a failure, and so is what a sanitizer or an assertion says, also where the test did not notice.
crashes()
{
	! grep -aE -A 15 'ERROR: AddressSanitizer|[0-9]: runtime error:|TRAP:|terminated by signal (4|7|8|11):' "$DJUST_TMP"/*/log | head -n 200 | grep .
}

# The last line, and whether all went well.
conclude()
{
	[ -z "$CLUSTERS" ] || { crashes; point "no server crashed" $?; }
	echo
	if [ $skipped != 0 ]; then
		echo "$skipped skipped:"
		sort -u "$DJUST_TMP/skipped" 2>/dev/null | sed 's/^/    /'
	fi
	echo "$passed passed, $failed failed"
	[ $failed = 0 ] && [ $passed != 0 ]
	exit
}

# skip STAGE REASON
skip()
{
	echo "$1: $2" >>"$DJUST_TMP/skipped"
}

# excluded FILE
excluded()
{
	reason=$(echo "$EXCEPT" | sed -n "s/^$1 //p")
	[ -n "$reason" ] || return 1
	count "$1" 0 0 1
	skip "$1" "$reason"
}

# Adds up the lines "N passed, N failed" of a log; none at all, or a bad status without a failure, is a failure.
count_lines()
{
	sums=$(awk -v status="$3" '/^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3 }
		END { if (f == 0 && (status != 0 || p == 0)) f = 1; print p + 0, f }' "$2")
	case $sums in *' 0') ;; *) cat "$2" ;; esac
	# shellcheck disable=SC2086 # two numbers
	count "$1" ${sums:-0 1}
}

# tap STAGE LOG STATUS
tap()
{
	sums=$(awk -v status="$3" -f "$ROOT/test/lib/tap.awk" "$2")
	case $sums in *' 0 '*) grep -E '^# (figures|tally): ' "$2" ;; *) sed 's/^/    /' "$2" ;; esac
	sed -n 's/^ok.*# *[Ss][Kk][Ii][Pp]/&/p; s/^1\.\.0.*# *[Ss][Kk][Ii][Pp] */all of it: /p' "$2" | while IFS= read -r line; do skip "$1" "$line"; done
	# shellcheck disable=SC2086 # three numbers
	count "$1" ${sums:-0 1}
}

# A stage's files, or none: files PATTERN...
files()
{
	for file; do
		[ -f "$file" ] || continue
		case ${file##*/} in "${ONLY:-}"*) echo "$file" ;; esac
	done
}

build()
{
	build_extension DEV=1 >"$DJUST_TMP/build.log" 2>&1
	status=$?
	[ $status = 0 ] || cat "$DJUST_TMP/build.log"
	point "build with gcc" $status
	[ $status = 0 ] || conclude
}

stage_layers()
{
	sh "$ROOT/test/layers.sh" >"$DJUST_TMP/layers.log" 2>&1 &
	layers=$!
	printf '%s\0' "$ROOT"/src/*.c "$ROOT"/src/*/*.c "$ROOT"/test/bench/floor.c | xargs -0 -n 10 -P "$(nproc)" \
		clang -fsyntax-only -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
		-D_GNU_SOURCE -DDJUST_VERSION='""' -I"$ROOT/src" -isystem "$("$DJUST_BIN/pg_config" --includedir-server)"
	point "compile with clang" $?
	wait $layers
	count_lines layers "$DJUST_TMP/layers.log" $?
}

stage_unit()
{
	make -s -k -O -C "$DJUST_TMP/build" unit -j "$(nproc)" >"$DJUST_TMP/unit.log" 2>&1
	count_lines unit "$DJUST_TMP/unit.log" $?
}

stage_fuzz()
{
	make -s -k -C "$DJUST_TMP/build" fuzz -j "$(nproc)" FUZZ_SECONDS="${FUZZ_SECONDS:-3}" FUZZ_RUNS="$FUZZ_RUNS" >"$DJUST_TMP/fuzz.log" 2>&1
	status=$?
	good=$(grep -c ': survived' "$DJUST_TMP/fuzz.log")
	bad=$(grep -c ': FAILED' "$DJUST_TMP/fuzz.log")
	[ $status = 0 ] || [ "$bad" != 0 ] || bad=1
	[ "$bad" = 0 ] || cat "$DJUST_TMP/fuzz.log"
	sed -n 's/: survived \([0-9]*\) executions.*/: \1/p' "$DJUST_TMP/fuzz.log" | paste -sd , | sed 's/^/# executions: /; s/,/, /g'
	# of a target that failed the executions are not known: it counts as one
	awk -v bad="$bad" '/: survived/ { n += $3 } END { printf "# tally: %d, %d, %d, 0\n", n + bad, n, bad }' "$DJUST_TMP/fuzz.log"
	count fuzz "$good" "$bad"
	make -s -C "$DJUST_TMP/build" fuzz-coverage -j "$(nproc)" >"$DJUST_TMP/coverage.log" 2>&1
	status=$?
	[ $status = 0 ] || cat "$DJUST_TMP/coverage.log"
	point "fuzz coverage" $status
}

# Rewrites each CREATE EXTENSION in a copy of the tree, with $$1.0$$, because most are within quotes.  Left out: logmask.py, which looks
# for the statement's own words in the log, and a hint that quotes it.
upgraded_tests()
{
	from_1_0='/Run CREATE EXTENSION/!s/(CREATE EXTENSION djust_auth( SCHEMA [a-z_]+)?)([;"'\'']|$)/\1 VERSION $$1.0$$; ALTER EXTENSION djust_auth UPDATE\3/'
	mkdir "$DJUST_TMP/upgraded" && tar -C "$ROOT" --exclude=./.git -c . | tar -C "$DJUST_TMP/upgraded" -x && ROOT=$DJUST_TMP/upgraded &&
		grep -rlE 'CREATE EXTENSION djust_auth' --exclude=logmask.py "$ROOT/test" "$ROOT/expected" "$ROOT/README.md" "$ROOT/doc" |
		xargs sed -i -E "$from_1_0" && grep -qF 'VERSION $$1.0$$' "$ROOT/test/sql/catalogue.sql"
}

# shared_cluster NAME: for files that start none, with a template that holds the extension
shared_cluster()
{
	start_cluster "$1" 'max_prepared_transactions = 10' || { point "start the server" 1; conclude; }
	new_database djust_template &&
		"$DJUST_BIN/psql" -Xq -d djust_template -c "CREATE EXTENSION djust_auth${UPGRADED:+ VERSION '1.0'; ALTER EXTENSION djust_auth UPDATE}; CREATE EXTENSION pgtap WITH SCHEMA public"
	status=$?
	point "create the extension" $status
	[ $status = 0 ] || conclude
}

# cluster: started once, by the first stage that needs it
cluster()
{
	[ -z "$PGHOST" ] || return 0
	[ -z "$UPGRADED" ] || upgraded_tests || { point "change the tests" 1; conclude; }
	shared_cluster main
}

# drive DRIVER STAGE FILES...: pg_regress or its sister for isolation, one database for each file
drive()
{
	driver=$("$DJUST_BIN/pg_config" --pkglibdir)/pgxs/src/test/$1
	stage=$2
	shift 2
	for file; do
		name=${file##*/} name=${name%.*}
		[ -f "$ROOT/expected/$name.out" ] || echo "there is no expected/$name.out"
		mkdir -p "$DJUST_TMP/$stage/$name"
		$LIMIT "$driver" --bindir="$DJUST_BIN" --inputdir="$ROOT/test" --outputdir="$DJUST_TMP/$stage/$name" \
			--host="$PGHOST" --port="$PGPORT" --user="$PGUSER" --dbname="djust_$name" "$name" \
			>"$DJUST_TMP/$stage/$name.log" 2>&1
		status=$?
		if [ $status != 0 ]; then
			cat "$DJUST_TMP/$stage/$name/regression.diffs" 2>/dev/null || cat "$DJUST_TMP/$stage/$name.log"
		fi
		point "$stage $name" $status
	done
}

stage_regress()
{
	cluster
	# shellcheck disable=SC2046 # names without blanks
	drive regress/pg_regress regress $(files "$ROOT"/test/sql/*.sql)
}

stage_isolation()
{
	cluster
	# shellcheck disable=SC2046 # names without blanks
	drive isolation/pg_isolation_regress isolation $(files "$ROOT"/test/specs/*.spec)
}

python()
{
	if interpreter=$(find_python aiosmtpd cryptography jwt psycopg psycopg2); then
		PYTHONPATH=$ROOT/test/lib:$ROOT/test/t PYTHONDONTWRITEBYTECODE=1 $LIMIT "$interpreter" "$@"
	else
		echo "no python3 has aiosmtpd, cryptography, jwt, psycopg and psycopg2"
		return 1
	fi
}

# Modules are found from where a program lies: a copy of the tests next to node_modules.  Tried once.
install_node()
{
	[ ! -d "$DJUST_TMP/node/test" ] || return 0
	[ ! -e "$DJUST_TMP/npm.log" ] || return 1
	# shellcheck disable=SC2086 # a list of words
	need_node && mkdir -p "$DJUST_TMP/node" && echo '{"private":true,"type":"module"}' >"$DJUST_TMP/node/package.json" &&
		npm install --prefix "$DJUST_TMP/node" --no-audit --no-fund $NODE_PACKAGES >"$DJUST_TMP/npm.log" 2>&1 && cp -R "$ROOT/test" "$DJUST_TMP/node/"
}

# The first two errors: what went wrong, and by which name; the last line leads to a log that is gone.
npm_says()
{
	grep -iE '^npm (err!|error)' "$DJUST_TMP/npm.log" | head -n 2 | tr '\n' ' '
}

program()
{
	case $1 in
		*.py) python "$1" ;;
		*.sh) $LIMIT sh "$1" ;;
		*.mjs)
			if install_node; then
				$LIMIT node "$DJUST_TMP/node/test/t/${1##*/}"
			else
				echo "1..0 # SKIP could not install node packages: $(npm_says)"
			fi ;;
	esac
}

# Tests wait for much of their time, so four run at once, each lane with a shared cluster of its own.
more_lanes()
{
	[ -z "$LANES" ] || return 0
	first_host=$PGHOST first_port=$PGPORT LANES=$PGHOST:$PGPORT
	for name in second third fourth; do
		shared_cluster $name
		LANES="$LANES $PGHOST:$PGPORT"
	done
	PGHOST=$first_host PGPORT=$first_port
}

# lane KIND JOB...: does run_KIND JOB for each that no other lane has begun, and prints "STATUS JOB"
lane()
{
	kind=$1
	shift
	for job; do
		mkdir "$DJUST_TMP/begun/$(echo "$job" | tr / ,)" 2>/dev/null || continue
		"run_$kind" "$job"
		echo "$? $job"
	done
}

# in_lanes KIND SHARED [ALONE]: does a list of jobs in lanes, and then another one by one; report_KIND JOB STATUS follows each
in_lanes()
{
	[ "$(echo "$2" | wc -w)" -lt 2 ] || more_lanes
	rm -rf "$DJUST_TMP/ended" "$DJUST_TMP/begun"
	mkfifo "$DJUST_TMP/ended"
	mkdir "$DJUST_TMP/begun"
	# shellcheck disable=SC2086 # names without blanks
	{
		for server in ${LANES:-"$PGHOST:$PGPORT"}; do
			(PGHOST=${server%:*} PGPORT=${server##*:} && lane "$1" $2) &
		done
		wait
		lane "$1" $3
	} >"$DJUST_TMP/ended" &
	while read -r status job; do
		"report_$1" "$job" "$status"
		touch "$DJUST_TMP/begun/$(echo "$job" | tr / ,)/ended"
	done <"$DJUST_TMP/ended"
	for job in $2 $3; do
		[ -e "$DJUST_TMP/begun/$(echo "$job" | tr / ,)/ended" ] || count "$job did not end" 0 1
	done
}

run_pgtap()
{
	name=${1##*/} name=${name%.sql}
	new_database "pgtap_$name" djust_template
	PATH=$DJUST_BIN:$PATH $LIMIT pg_prove --verbose -d "pgtap_$name" "$1" >"$DJUST_TMP/pgtap_$name.log" 2>&1
}

report_pgtap()
{
	name=${1##*/} name=${name%.sql}
	tap "pgtap $name" "$DJUST_TMP/pgtap_$name.log" "$2"
}

stage_pgtap()
{
	cluster
	in_lanes pgtap "$(files "$ROOT"/test/pgtap/*.sql)"
}

# run_program FILE: in a database of its own; what it prints goes into its log
run_program()
{
	PGDATABASE=$(echo "t_${1##*/}" | tr . _)
	new_database "$PGDATABASE" djust_template
	export PGDATABASE
	(cd "$ROOT" && program "$1") >"$DJUST_TMP/t_${1##*/}.log" 2>&1 </dev/null
}

report_program()
{
	tap "${1##*/}" "$DJUST_TMP/t_${1##*/}.log" "$2"
}

# They measure time, which work beside them would change.
ALONE=' mailer.py pre_request.py timing.py '

stage_programs()
{
	cluster
	alone='' shared=''
	for file in $(files "$ROOT"/test/t/*.py "$ROOT"/test/torture/*.py "$ROOT"/test/t/*.mjs "$ROOT"/test/t/*.sh); do
		name=${file##*/}
		! excluded "$name" || continue
		case $ALONE in *" $name "*) alone="$alone $file" ;; *) shared="$shared $file" ;; esac
	done
	case $alone$shared in *.mjs*) (install_node) ;; esac	# once, before the lanes ask for it
	in_lanes program "$shared" "$alone"
}

# not_routed FILE: the reason why it says nothing about a router
not_routed()
{
	case $1 in
		readme.py | standbys.py) echo "has servers of its own, as its page tells" ;;
		*) [ -n "$PLPROXY" ] || echo "postgresql-plproxy could not be installed" ;;
	esac
}

# served DRIVER FILE: the program, with an HTTP server before its database
served()
{
	case ${2##*/} in journey.*) start_mailing "journey_$1" "$PGDATABASE" http_worker || return 1 ;; esac
	case $2 in
		*.py) python "$ROOT/test/lib/with_postgrest.py" "$1" "$2" ;;
		*.sh) python "$ROOT/test/lib/with_postgrest.py" "$1" sh "$2" ;;
		*.mjs)
			if install_node; then
				python "$ROOT/test/lib/with_postgrest.py" "$1" node "$DJUST_TMP/node/test/http/${2##*/}"
			else
				echo "1..0 # SKIP could not install node packages: $(npm_says)"
			fi ;;
	esac
}

# run_http DRIVER:FILE: likewise, in an empty database
run_http()
{
	driver=${1%%:*} file=${1#*:}
	PGDATABASE=$(echo "http_${driver}_${file##*/}" | tr . _)
	new_database "$PGDATABASE"
	export PGDATABASE
	(cd "$ROOT" && served "$driver" "$file") >"$DJUST_TMP/http_${driver}_${file##*/}.log" 2>&1 </dev/null
}

report_http()
{
	driver=${1%%:*} name=${1##*/}
	tap "http $name with $driver" "$DJUST_TMP/http_${driver}_$name.log" "$2"
}

stage_http()
{
	cluster
	drivers='replay postgrest router' PLPROXY=
	if ! command -v "${POSTGREST:-postgrest}" >/dev/null; then
		drivers='replay router'
	fi
	! need_plproxy >"$DJUST_TMP/plproxy.log" 2>&1 || PLPROXY=yes
	# pages are looked at in a browser, where there is one to be had
	(need_packages chromium fonts-dejavu-core) >"$DJUST_TMP/browser.log" 2>&1 || tail -n 1 "$DJUST_TMP/browser.log"
	(need_packages haproxy) >"$DJUST_TMP/haproxy.log" 2>&1 || tail -n 1 "$DJUST_TMP/haproxy.log"
	jobs=
	# those of the browser take longest
	for file in $(files "$ROOT"/test/http/*.mjs "$ROOT"/test/http/*.py "$ROOT"/test/http/*.sh); do
		name=${file##*/}
		if [ "$drivers" = 'replay router' ]; then
			count "http $name with PostgREST" 0 0 1
			skip "http $name with PostgREST" "neither POSTGREST nor PATH leads to one"
		fi
		for driver in $drivers; do
			reason=
			[ $driver != router ] || reason=$(not_routed "$name")
			if [ -n "$reason" ]; then
				count "http $name with $driver" 0 0 1
				skip "http $name with $driver" "$reason"
				continue
			fi
			jobs="$jobs $driver:$file"
		done
	done
	case $jobs in *.mjs*) (install_node) ;; esac
	in_lanes http "$jobs"
}

stages=${*:-layers unit fuzz regress isolation pgtap programs http}
for stage in $stages; do
	command -v "stage_$stage" >/dev/null || fail "there is no stage \"$stage\""
done

begin
build
for stage in $stages; do
	"stage_$stage"
done
conclude
