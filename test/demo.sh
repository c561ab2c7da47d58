#!/bin/sh
# demo.sh: a throw-away server with the extension, and the story of demo.sql played on it (make demo).  The server stays
# until "make demo-stop" or the next "make demo".

ROOT=$(cd "$(dirname "$0")/.." && pwd)
. "$ROOT/test/lib/setup.sh"
unset DJUST_TMP PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS PGSERVICE PGPASSWORD

# remembers the folder of the running demonstration; must belong to this user
STATE=${XDG_RUNTIME_DIR:-/tmp}/djust_auth-demo.$(id -u)

stop_demo()
{
	[ -f "$STATE/folder" ] || return 0
	old=$(cat "$STATE/folder")
	rm "$STATE/folder"
	case $old in */djust_auth.??????) ;; *) fail "$old is no folder of a demonstration" ;; esac
	[ -d "$old" ] || return 0
	DJUST_TMP=$old DJUST_BIN=$(echo "$old"/lib/postgresql/*/bin)
	stop_http
	stop_cluster demo immediate
	stop_relays
	rm -rf "$old"
	echo "The demonstration's servers are stopped, and their folder removed."
}

# The links of mails lead to the pages.  PostgREST serves them, or the tests' replay of it.
choose_http()
{
	HTTP_PORT=$(free_port)
	PAGES=http://localhost:$HTTP_PORT/rpc
	DJUST_CONF="djust_auth.reset_url = '$PAGES/djust_reset_page?token={token}'
djust_auth.confirm_url = '$PAGES/djust_confirm_page?token={token}'"
	if postgrest=$(command -v "${POSTGREST:-postgrest}"); then
		HTTP_SERVER="PostgREST ($postgrest)"
		postgrest="'$postgrest'"
	else
		HTTP_SERVER="no PostgREST in PATH: test/lib/postgrest_replay.py, which the tests use in its place"
		postgrest="'$(find_python psycopg jwt)' '$ROOT/test/lib/postgrest_replay.py'"
	fi
}

# eval "$HTTP_START" starts it, once the story has made its roles; "$BROWSER" walks the pages.
prepare_http()
{
	mkdir -m 700 "$DJUST_TMP/http"
	cat >"$DJUST_TMP/http/postgrest.conf" <<-END
		db-uri = "postgresql://shop_web@/shop?host=$PGHOST&port=$PGPORT"
		db-schemas = "public"
		db-anon-role = "shop_visitor"
		db-pre-config = "djust_auth.postgrest_config"
		server-host = "127.0.0.1"
		server-port = $HTTP_PORT
	END
	HTTP_START="cd '$DJUST_TMP/http' && { setsid $postgrest '$DJUST_TMP/http/postgrest.conf' </dev/null >log 2>&1 & echo \$! >pid; }"
	BROWSER=$ROOT/test/lib/browser.py
	export PAGES HTTP_SERVER HTTP_START BROWSER
}

stop_http()
{
	stop_by_file "$DJUST_TMP/http"
}

# Shows what a reader should see: statements as they are written, answers behind an arrow, long tokens shortened.
show()
{
	sed -u -E -e '/^\/\* hidden \*\//d' -e '/^\\echo/d' -e 's/^ $//' -e 's/( AS (answer|unknown|ann|bob))? *\\gset$/;/' \
		-e 's/(eyJ[A-Za-z0-9_-]{9})[A-Za-z0-9_.-]+/\1.../g' -e 's/(djr_[A-Za-z0-9_-]{8})[A-Za-z0-9_-]+/\1.../g'
}

mkdir -m 700 "$STATE" 2>/dev/null
[ -n "$(find "$STATE" -maxdepth 0 -type d -user "$(id -u)" 2>/dev/null)" ] || fail "$STATE belongs to somebody else"

if [ "$1" = stop ]; then
	[ -f "$STATE/folder" ] || echo "No demonstration is running."
	stop_demo
	rmdir "$STATE"
	exit
fi

choose_server
# shellcheck disable=SC2086 # a list of words
need_packages $BUILD_PACKAGES python3 python3-aiosmtpd python3-cryptography python3-jwt python3-psycopg
stop_demo
trap 'stop_http; finish' EXIT
trap 'exit 130' HUP INT TERM PIPE
echo "Building the extension and starting a server of its own ..."
make_folder
build_extension >"$DJUST_TMP/build.log" 2>&1 || { cat "$DJUST_TMP/build.log" >&2; exit 1; }
choose_http
start_mailing demo shop || fail "could not start the servers"
prepare_http

{
	# psql -a leaves out empty lines
	sed 's/^$/ /' "$ROOT/test/demo.sql" | "$DJUST_BIN/psql" -XqaAt -P footer=off -v ON_ERROR_STOP=1 -d shop -f - 2>&1
	echo $? >"$DJUST_TMP/status"
} | show
if [ "$(cat "$DJUST_TMP/status")" != 0 ]; then
	as_server tail -n 20 "$DJUST_TMP/demo/log" >&2
	[ ! -f "$DJUST_TMP/http/log" ] || tail -n 20 "$DJUST_TMP/http/log" >&2
	fail "The demonstration did not go as the story tells."
fi

# from here on only "make demo-stop" stops the servers
echo "$DJUST_TMP" >"$STATE/folder"
trap - EXIT
cat <<END

The server keeps running; "make demo-stop" stops it and removes everything. Connect as the DBA, or as the web shop:

    psql "host=$PGHOST port=$PGPORT user=postgres dbname=shop"
    psql "host=$PGHOST port=$PGPORT user=shop_backend dbname=shop"

Pages are for a browser too: $PAGES/djust_sign_up_page
Mails arrive in $RELAY. Ann's password is now Roses-4-Ann! and Bob's is Daisies-4-Bob:

    SELECT djust_login('bob@example.com', 'Daisies-4-Bob');
    SELECT * FROM djust_auth.effective_right ORDER BY email, route;
END
