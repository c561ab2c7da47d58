#!/bin/sh
# server.sh: builds a server with AddressSanitizer, UndefinedBehaviorSanitizer and assertions, and prints its prefix
#
# The sources are those of the distribution's package of the major version in PG_MAJOR, from the package sources that apt
# already has: nothing of the system's apt is changed.  The result is kept in ${XDG_CACHE_HOME:-~/.cache}/djust_auth, under
# a name that has the version of the package and a checksum of this file, and is built once.

set -e
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
. "$ROOT/test/lib/setup.sh"
choose_server

# libcrypt comes with the executable: the sanitizer looks its functions up when the server starts, before our library
SANITIZERS='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
CFLAGS="-g -O1 -fno-omit-frame-pointer $SANITIZERS"
CPPFLAGS='-DRANDOMIZE_ALLOCATED_MEMORY'
LDFLAGS="$SANITIZERS"
LDFLAGS_EX='-Wl,--no-as-needed -lcrypt -Wl,--as-needed'

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/djust_auth
KIND=$(cksum <"$0" | cut -d ' ' -f 1)
mkdir -p "$CACHE"
WORK=$(mktemp -d "$CACHE/build.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' HUP INT TERM

# A copy of apt's sources that offers source packages, too.
source_lists()
{
	mkdir "$WORK/lists" "$WORK/parts"
	for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -f "$list" ] || sed -n 's/^deb[[:space:]]/deb-src /p' "$list" >"$WORK/parts/$(basename "$list" .list).list"
	done
	for list in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"$WORK/parts/${list##*/}"
	done
}

apt_sources()
{
	command=$1
	shift
	"$command" -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$WORK/parts" -o "Dir::State::lists=$WORK/lists" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none "$@"
}

# Newest first.  Sources that are of no use fail on their own.
versions()
{
	apt_sources apt-get -q update >&2 || true
	apt_sources apt-cache showsrc --only-source "postgresql-$PG_MAJOR" 2>/dev/null | sed -n 's/^Version: //p' | sort -Vru
}

# An archive need not have the source of every version that it lists.
download()
{
	rm -rf "$WORK/source"
	mkdir "$WORK/source"
	(cd "$WORK/source" && apt_sources apt-get -q source "postgresql-$PG_MAJOR=$1") >&2
}

build()
{
	cd "$WORK"/source/*/
	./configure --quiet --prefix="$1" --enable-cassert --enable-debug --without-readline --without-zlib \
		CFLAGS="$CFLAGS" CPPFLAGS="$CPPFLAGS" LDFLAGS="$LDFLAGS" LDFLAGS_EX="$LDFLAGS_EX"
	ASAN_OPTIONS=detect_leaks=0
	export ASAN_OPTIONS
	# below another make PostgreSQL's takes its headers for generated
	unset MAKEFLAGS MAKELEVEL MFLAGS
	nice -n 10 make -s -j "${JOBS:-$(nproc)}"
	nice -n 10 make -s DESTDIR="$WORK/root" install
	nice -n 10 make -s -j "${JOBS:-$(nproc)}" -C contrib DESTDIR="$WORK/root" install
	# of these the distribution's builds serve
	for extension in pgtap pgaudit pgcrypto; do
		cp "/usr/share/postgresql/$PG_MAJOR/extension/$extension"* "$WORK/root$1/share/extension/"
	done
	cp "/usr/lib/postgresql/$PG_MAJOR/lib/pgaudit.so" "/usr/lib/postgresql/$PG_MAJOR/lib/pgcrypto.so" "$WORK/root$1/lib/"
	mv "$WORK/root$1" "$1"
}

# What is there already serves.
for prefix in "$CACHE/postgresql-$PG_MAJOR".*-"$KIND"; do
	[ ! -x "$prefix/bin/postgres" ] || { echo "$prefix"; exit; }
done
source_lists
need_packages build-essential dpkg-dev bison flex perl libcrypt-dev "postgresql-$PG_MAJOR-pgtap" "postgresql-$PG_MAJOR-pgaudit"
for version in $(versions); do
	download "$version" || continue
	prefix=$CACHE/postgresql-$version-$KIND
	build "$prefix" >&2
	echo "$prefix"
	exit
done
fail "apt offers no source package of postgresql-$PG_MAJOR"
