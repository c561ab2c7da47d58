#!/bin/sh
# build.sh: a build in another folder, without libcurl, installs everything but the mailer, whose absence the log tells

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/test/lib/setup.sh"
points=0 failures=0

# point TEXT COMMAND...
point()
{
	text=$1
	shift
	points=$((points + 1))
	if "$@" >>"$log" 2>&1; then echo "ok $points - $text"; else echo "not ok $points - $text"; failures=$((failures + 1)); sed 's/^/# /' "$log"; fi
}

elsewhere()
{
	make -C "$elsewhere" -j "$(nproc)" -f "$source/Makefile" VPATH="$source" PG_CONFIG="$DJUST_BIN/pg_config" "$@" >"$log" 2>&1
}

refuses_objects()
{
	! elsewhere all && grep -q 'run "make clean" there first' "$log"
}

tells_of_the_mailer()
{
	tries=0
	until grep -q 'djust_auth sends no mail: the library djust_auth_mailer is not installed' "$DJUST_TMP/build_bare/log"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		sleep 0.2
	done
}

unset DJUST_TMP
begin
log=$DJUST_TMP/build.log source=$DJUST_TMP/source elsewhere=$DJUST_TMP/elsewhere
mkdir "$source" "$elsewhere"
cp -R "$ROOT/Makefile" "$ROOT/djust_auth.control" "$ROOT/doc" "$ROOT/sql" "$ROOT/src" "$ROOT/test" "$source/"
find "$source" -name '*.o' -delete
touch "$source/src/text/bytes.o"
point "objects among the sources are refused" refuses_objects
rm "$source/src/text/bytes.o"
point "builds and installs in another folder without the mailer" elsewhere MAILER=no install
point "the library is there" test -f "$DJUST_BIN/../lib/djust_auth.so"
point "the mailer is not" test ! -e "$DJUST_BIN/../lib/djust_auth_mailer.so"
point "nor is libcurl needed" eval '! ldd "$DJUST_BIN/../lib/djust_auth.so" | grep curl'
point "nothing was written among the sources" eval '! find "$source" -newer "$DJUST_BIN/../lib/djust_auth.so" -type f | grep .'
start_mailing build_bare shop || exit 1
point "the server has the extension" "$DJUST_BIN/psql" -Xq -d shop -c 'CREATE EXTENSION djust_auth'
point "the log tells that the mailer is not there" tells_of_the_mailer
point "once" [ "$(grep -c 'is not installed' "$DJUST_TMP/build_bare/log")" = 1 ]
point "the mailer is added later" elsewhere install
point "and is there" test -f "$DJUST_BIN/../lib/djust_auth_mailer.so"
point "uninstall runs" elsewhere uninstall
point "and leaves no file" eval '! find "$DJUST_TMP/lib" "$DJUST_TMP/share" -path "*/postgresql*/*djust_auth*" ! -type d | grep .'
echo "1..$points"
[ $failures = 0 ]
