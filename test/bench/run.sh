#!/bin/sh
# run.sh: make bench.  Builds the extension and the floors, starts a cluster of its own, loads a store, measures every case
# beside its floor, and prints one Markdown table.  By environment:
#
#	BENCH_USERS=1000000      customers
#	BENCH_SESSIONS=1000000   live sessions
#	BENCH_PROFILES=1000      profiles, 10 patterns each
#	BENCH_ROUTES=2000        route patterns
#	BENCH_REFRESHES=1000000  refreshes of 10,000 sessions, for the growth of the session table (10 a user in smaller stores)
#	BENCH_ROUNDS=5           rounds; in each, every side of a case runs once (2 up to 100,000 users)
#	BENCH_SECONDS=5          length of one run of pgbench (1 up to 100,000 users)
#	BENCH_ONLY='can rls'     only cases whose names begin so; "sh test/bench/run.sh list" names them
#	BENCH_OUT=FILE           the table goes there too
#	BENCH_BUFFERS=MB         shared_buffers; a quarter of the memory, at most 8 GB, if not given
#	BENCH_HUGE_PAGES=no      do not ask the kernel for huge pages, which is done where we are root or sudo asks for no password

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/test/lib/setup.sh"

# A quarter of the memory, at most 8 GB, in MB.
buffers()
{
	awk '/^MemTotal/ { mb = int($2 / 4096); print (mb > 8192 ? 8192 : mb) }' /proc/meminfo
}

NR_HUGEPAGES=/proc/sys/vm/nr_hugepages

set_huge_pages()
{
	if [ "$(id -u)" = 0 ]; then echo "$1" >$NR_HUGEPAGES; else echo "$1" | sudo -n tee $NR_HUGEPAGES >/dev/null; fi 2>/dev/null
}

# Shared memory of this size belongs in huge pages, as the server's manual says: asks for them, and gives them back at the end.
# Where there are none, the server does without, and the table tells.
huge_pages()
{
	[ -n "$OWNER" ] && [ "${BENCH_HUGE_PAGES:-yes}" != no ] && [ -e $NR_HUGEPAGES ] || return 0
	before=$(cat $NR_HUGEPAGES)
	wanted=$((before + $1 / 2 + $1 / 32 + 64))
	trap 'finish; set_huge_pages "$before"' EXIT
	set_huge_pages "$wanted" && echo "vm.nr_hugepages: $before, $(cat $NR_HUGEPAGES) while this runs" >&2
}

# compile OUT GCC-ARGUMENTS...
compile()
{
	out=$1
	shift
	gcc -O2 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -o "$BENCH_BIN/$out" "$@" || fail "could not compile $out"
}

build_floors()
{
	BENCH_BIN=$DJUST_TMP/bench_bin
	export BENCH_BIN
	mkdir -p "$BENCH_BIN"
	# bound to its own copies of the sources, not to the one of the loaded extension
	compile floor.so -shared -fPIC -Wl,-Bsymbolic -I"$ROOT/src" -isystem "$("$DJUST_BIN/pg_config" --includedir-server)" \
		"$ROOT/test/bench/floor.c" "$ROOT/src/crypto/crypto.c" "$ROOT/src/crypto/cryptokey.c" "$ROOT/src/text/bytes.c" "$ROOT/src/crypto/jwt.c" -lcrypto
	compile argon2_loop "$ROOT/test/bench/argon2_loop.c" -largon2 -lpthread
}

# The python that has what apt installed for it.
python()
{
	for candidate in python3 /usr/bin/python3; do
		if "$candidate" -c 'import psycopg2' 2>/dev/null; then
			PYTHONPATH=$ROOT/test/t PYTHONDONTWRITEBYTECODE=1 "$candidate" "$@"
			return
		fi
	done
	fail "no python3 has psycopg2"
}

if [ "$1" = list ]; then
	python "$ROOT/test/bench/bench.py" list
	exit
fi

# within test/run.sh the server is there, with the extension in it
begin
[ -d "$DJUST_TMP/build" ] || { build_extension >"$DJUST_TMP/build.log" 2>&1 || { cat "$DJUST_TMP/build.log" >&2; exit 1; }; }
build_floors
BENCH_BUFFERS=${BENCH_BUFFERS:-$(buffers)}
BENCH_BUFFERS=${BENCH_BUFFERS%MB}
huge_pages "$BENCH_BUFFERS"
start_cluster bench 'fsync = on' 'full_page_writes = on' 'synchronous_commit = on' "shared_buffers = ${BENCH_BUFFERS}MB" \
	'max_connections = 300' 'max_wal_size = 8GB' 'checkpoint_timeout = 30min' 'log_checkpoints = off' \
	'djust_auth.access_token_lifetime = 1d' 'djust_auth.refresh_token_lifetime = 10d' 'djust_auth.session_max_lifetime = 10d' || exit 1
PGDATABASE=postgres python "$ROOT/test/bench/bench.py"
