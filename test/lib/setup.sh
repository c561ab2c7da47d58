# setup.sh: packages, a private copy of the server with the extension, and throw-away clusters
#
# Sourced by the scripts of the tests and of the demonstration, which set ROOT (the repository) first:
#
#	begin                         packages, private server, build; removes everything when the script ends
#	start_cluster NAME [LINE...]  initdb and start; LINEs go to postgresql.conf; exports PGHOST, PGPORT, PGUSER
#	stop_cluster NAME [MODE]      pg_ctl stop (fast); the data stay until the script ends
#	cluster_ctl NAME ARGS...      pg_ctl on that cluster: cluster_ctl NAME -m immediate restart
#	new_database NAME [TEMPLATE]  dropped first if it exists
#	as_server ARGS...             runs a command as the user that owns the clusters
#	start_mailing NAME DATABASE [ROLE]
#	                              start_cluster with that empty database; its worker, under that new role, mails to a new
#	                              test/lib/relay.py with files in $RELAY; eval "$RELAY_READ NUMBER [html]" waits for a mail
#	                              and prints it
#	another_server MAJOR          a second private server with the extension; prints the folder of its programs
#	need_plproxy                  Debian's package of it, in the private server; false where there is none
#	find_python MODULE...         prints the python that has these modules
#
# DJUST_CONF has lines for postgresql.conf of every cluster, before those that the test gives.
#
# DJUST_INSTALLED=yes takes the extension as a package has installed it, and builds nothing.
#
# PG_CONFIG (as for make), or PG_MAJOR, chooses among Debian's servers; the default is the distribution's.
#
# Programs in other languages: "sh test/lib/setup.sh start_cluster NAME LINE..." prints PGHOST=..., PGPORT=...,
# PGUSER=..., PGDATA=..., one a line; test/run.sh stops servers that they leave running.
#
# The private server is the installed one under another prefix (PostgreSQL finds its files relative to its own place),
# so tests need no root, leave the system's server alone, and several may run at once.

# shellcheck shell=sh

NODE_PACKAGES="jose@5 pg@8 oauth4webapi@3 openid-client@6 playwright-core@1.49 axe-core@4"

fail()
{
	echo "$*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# initdb and postgres refuse root
as_server()
{
	if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else (cd / && "$@"); fi
}

# missing_packages PACKAGE...: sets $missing; false if there are none
missing_packages()
{
	missing=
	for package; do
		dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
	done
	[ -n "$missing" ]
}

# Installs missing packages, one caller at a time; does not call apt if there are none.
need_packages()
{
	missing_packages "$@" || return 0
	exec 9<"$ROOT/Makefile"
	flock 9
	! missing_packages "$@" || install_packages
	exec 9<&-
}

install_packages()
{
	echo "installing$missing" >&2
	# shellcheck disable=SC2086 # a list of words
	{ as_root apt-get -q update && as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $missing; } >&2 ||
		fail "could not install$missing"
}

offered_major()
{
	apt-cache policy postgresql 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*\)+.*/\1/p'
}

choose_server()
{
	[ -z "$PG_CONFIG" ] || PG_MAJOR=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
	PG_MAJOR=${PG_MAJOR:-$(offered_major)}
	if [ -z "$PG_MAJOR" ]; then
		as_root apt-get -q update >&2
		PG_MAJOR=$(offered_major)
	fi
	[ -n "$PG_MAJOR" ] || fail "apt offers no postgresql; set PG_MAJOR"
	BUILD_PACKAGES="build-essential postgresql-$PG_MAJOR postgresql-server-dev-$PG_MAJOR libargon2-dev libssl-dev
		libcrypt-dev libcurl4-openssl-dev libunistring-dev libidn2-dev"
	[ -z "$DJUST_INSTALLED" ] || BUILD_PACKAGES=postgresql-$PG_MAJOR-djust-auth
	TEST_PACKAGES="postgresql-$PG_MAJOR-pgtap postgresql-$PG_MAJOR-pgaudit libtap-parser-sourcehandler-pgtap-perl python3 python3-psycopg2 python3-psycopg
		python3-jwt python3-cryptography python3-requests-oauthlib python3-aiosmtpd libfaketime curl procps clang libclang-rt-dev llvm"
}

# The distribution has node and npm in two packages, others in one.
need_node()
{
	if ! command -v node || ! command -v npm; then need_packages nodejs npm; fi >/dev/null
}

# DJUST_SERVER is the prefix of an installation other than Debian's.
private_server()
{
	if [ -n "$DJUST_SERVER" ]; then
		cp -R "$DJUST_SERVER" "$DJUST_TMP/server"
		DJUST_BIN=$DJUST_TMP/server/bin
		return
	fi
	mkdir -p "$DJUST_TMP/lib/postgresql" "$DJUST_TMP/share/postgresql" "$DJUST_TMP/include"
	cp -rs "/usr/lib/postgresql/$PG_MAJOR" "$DJUST_TMP/lib/postgresql/"
	cp -rs "/usr/share/postgresql/$PG_MAJOR" "$DJUST_TMP/share/postgresql/"
	cp -rs /usr/include/postgresql "$DJUST_TMP/include/"
	DJUST_BIN=$DJUST_TMP/lib/postgresql/$PG_MAJOR/bin
	rm -r "$DJUST_BIN"
	cp -r "/usr/lib/postgresql/$PG_MAJOR/bin" "$DJUST_BIN"
	# removes files of a system-wide installation of djust_auth
	[ -n "$DJUST_INSTALLED" ] || rm -f "$DJUST_BIN/../lib/djust_auth"*.so "$DJUST_TMP/share/postgresql/$PG_MAJOR/extension/djust_auth"*
}

# Builds a copy of the sources, so that the tree stays clean; arguments go to make.
build_extension()
{
	[ -z "$DJUST_INSTALLED" ] || return 0
	mkdir "$DJUST_TMP/build"
	cp -R "$ROOT/Makefile" "$ROOT/djust_auth.control" "$ROOT/doc" "$ROOT/sql" "$ROOT/src" "$ROOT/test" "$DJUST_TMP/build/"
	find "$DJUST_TMP/build" -name '*.o' -delete
	rm -rf "$DJUST_TMP/build/test/out"	# programs newer than the copied sources
	make -s -C "$DJUST_TMP/build" -j "$(nproc)" PG_CONFIG="$DJUST_BIN/pg_config" "$@" install
}

need_plproxy()
{
	[ -z "$DJUST_SERVER" ] || return 1
	plproxy=postgresql-$("$DJUST_BIN/pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')-plproxy
	(need_packages "$plproxy") || return 1
	dpkg -L "$plproxy" | grep -E '/lib/plproxy\.so$|/extension/plproxy' | while IFS= read -r file; do
		# programs that run at once may make it at once
		[ -e "$DJUST_TMP${file#/usr}" ] || ln -s "$file" "$DJUST_TMP${file#/usr}" 2>/dev/null || [ -e "$DJUST_TMP${file#/usr}" ]
	done
}

another_server()
{
	need_packages "postgresql-$1" "postgresql-server-dev-$1"
	PG_MAJOR=$1 DJUST_SERVER= DJUST_TMP=$DJUST_TMP/$1
	mkdir "$DJUST_TMP"
	private_server
	build_extension >"$DJUST_TMP/build.log" 2>&1 || fail "could not build for $1: $(cat "$DJUST_TMP/build.log")"
	echo "$DJUST_BIN"
}

free_port()
{
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || echo 54329
}

cluster_ctl()
{
	cluster_name=$1
	shift
	as_server "$DJUST_BIN/pg_ctl" -s -w -t 120 -D "$DJUST_TMP/$cluster_name/data" -l "$DJUST_TMP/$cluster_name/log" "$@"
}

# What initdb made first is copied for the clusters after it: 0.6 s in place of 1.5.
new_data()
{
	if [ -d "$DJUST_TMP/initdb" ]; then
		as_server cp -R "$DJUST_TMP/initdb" "$1/data"
		return
	fi
	as_server "$DJUST_BIN/initdb" -N -D "$1/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 >"$1.initdb" 2>&1 ||
		{ cat "$1.initdb" >&2; return 1; }
	as_server cp -R "$1/data" "$1/copy" && mv -T "$1/copy" "$DJUST_TMP/initdb"
}

start_cluster()
{
	cluster_name=$1
	cluster=$DJUST_TMP/$1
	shift
	PGHOST=$cluster PGPORT=$(free_port) PGUSER=postgres
	export PGHOST PGPORT PGUSER
	mkdir -m 700 "$cluster"
	[ "$(id -u)" != 0 ] || chown postgres: "$cluster"
	new_data "$cluster" || return 1
	printf '%s\n' "unix_socket_directories = '$cluster'" "port = $PGPORT" "listen_addresses = ''" \
		"shared_preload_libraries = 'djust_auth'" 'fsync = off' 'full_page_writes = off' 'max_connections = 120' \
		"$DJUST_CONF" "$@" | as_server sh -c "cat >>'$cluster/data/postgresql.conf'"
	CLUSTERS="$CLUSTERS $cluster_name"
	cluster_ctl "$cluster_name" start || { cat "$cluster/log" >&2; return 1; }
}

stop_cluster()
{
	! as_server test -f "$DJUST_TMP/$1/data/postmaster.pid" || cluster_ctl "$1" stop -m "${2:-fast}"
}

new_database()
{
	"$DJUST_BIN/dropdb" --if-exists "$1" 2>/dev/null
	"$DJUST_BIN/createdb" ${2:+-T "$2"} "$1"
}

# apt installs modules for the distribution's python, which may not be the first in PATH.
find_python()
{
	for candidate in python3 /usr/bin/python3; do
		if "$candidate" -c "import $(echo "$*" | sed 's/ /, /g')" 2>/dev/null; then
			echo "$candidate"
			return
		fi
	done
	return 1
}

start_relay()
{
	RELAY=$DJUST_TMP/${1}_relay
	mkdir -m 755 "$RELAY"
	relay="'$(find_python aiosmtpd cryptography)' '$ROOT/test/lib/relay.py'"
	RELAY_READ="$relay await '$RELAY'"
	export RELAY_READ
	RELAY_PORT=$(eval "$relay" start "'$RELAY'")
}

# stop_by_file FOLDER: ends the process whose id is in FOLDER/pid, unless that id is by now of one that does not name the folder
stop_by_file()
{
	[ -f "$1/pid" ] || return 0
	! grep -aqsF "$1" "/proc/$(cat "$1/pid")/cmdline" || kill "$(cat "$1/pid")" 2>/dev/null
}

stop_relays()
{
	for relay_folder in "$DJUST_TMP"/*_relay; do
		stop_by_file "$relay_folder"
	done
}

start_mailing()
{
	start_relay "$1" || return 1
	start_cluster "$1" "djust_auth.databases = '$2'" "djust_auth.worker_role = '$3'" "djust_auth.smtp_url = 'smtp://localhost:$RELAY_PORT'" \
		"djust_auth.smtp_ca_file = '$RELAY/authority.pem'" "djust_auth.smtp_user = 'shop'" \
		"djust_auth.smtp_password_file = 'smtp_password'" "djust_auth.mail_from = 'The Shop <no-reply@shop.example>'" || return 1
	echo Relay-4-Shop | as_server sh -c "umask 077; cat >'$cluster/data/smtp_password'"
	new_database "$2" && { [ -z "$3" ] || "$DJUST_BIN/createuser" "$3"; } || return 1
	cluster_ctl "$1" restart	# at the first start the database did not exist
}

# Stops the servers this script started; the creator of the folder also stops those its children left.
finish()
{
	trap '' HUP INT TERM PIPE
	for name in $CLUSTERS; do
		stop_cluster "$name" immediate
	done
	[ -n "$OWNER" ] || return 0
	stop_relays
	for pid_file in "$DJUST_TMP"/*/data/postmaster.pid; do
		[ ! -f "$pid_file" ] || as_server "$DJUST_BIN/pg_ctl" -s -w -D "${pid_file%/*}" stop -m immediate
	done
	if [ -n "$KEEP" ]; then echo "kept: $DJUST_TMP"; else rm -rf "$DJUST_TMP"; fi
}

make_folder()
{
	DJUST_TMP=$(mktemp -d "${TMPDIR:-/tmp}/djust_auth.XXXXXX") || fail "could not make a temporary folder"
	chmod 755 "$DJUST_TMP"
	OWNER=yes
	private_server
	export DJUST_TMP DJUST_BIN
}

# test/run.sh has a server already; a script that runs alone makes one.
begin()
{
	trap finish EXIT
	trap 'exit 130' HUP INT TERM PIPE
	[ -z "$DJUST_TMP" ] || return 0
	choose_server
	# shellcheck disable=SC2086 # lists of words
	need_packages $BUILD_PACKAGES $TEST_PACKAGES
	make_folder
}

CLUSTERS=
OWNER=
export LC_ALL=C.UTF-8

if [ "${0##*/}" = setup.sh ]; then
	[ -n "$DJUST_TMP" ] || fail "setup.sh: run this within test/run.sh"
	ROOT=$(cd "$(dirname "$0")/../.." && pwd)
	"$@" || exit
	[ "$1" != start_cluster ] || printf '%s\n' "PGHOST=$PGHOST" "PGPORT=$PGPORT" "PGUSER=$PGUSER" "PGDATA=$cluster/data"
fi
