#!/bin/sh
# packages.sh: Debian's packages in throw-away roots (make packages): built from the last commit, examined by lintian, installed
# into a root without the sources, tested there by debian/tests, and purged
#
# Needs root and debootstrap; test/lib/roots.sh says what is kept, and what can be chosen.

ROOT=$(cd "$(dirname "$0")/.." && pwd)
. "$ROOT/test/lib/roots.sh"
VERSION=$(sed -n '1s/^djust-auth (\(.*\)-[0-9]*) .*/\1/p' "$ROOT/debian/changelog")

build_root()
{
	[ -d "$ROOTS/build" ] || cp -a "$ROOTS/base" "$ROOTS/build" || return 1
	rm -rf "$ROOTS/build/home/tester/source"
	mkdir "$ROOTS/build/home/tester/source"
	git -C "$ROOT" archive --prefix="djust-auth-$VERSION/" HEAD | gzip -n >"$ROOTS/build/home/tester/source/djust-auth_$VERSION.orig.tar.gz"
	within "$ROOTS/build" "cd /home/tester/source && tar xf *.orig.tar.gz && chown -R tester: . && apt-get -q update &&
		apt-get -qy install --no-install-recommends build-essential fakeroot lintian &&
		apt-get -qy build-dep --no-install-recommends ./djust-auth-$VERSION"
}

build_package()
{
	within "$ROOTS/build" "cd /home/tester/source/djust-auth-$VERSION && pg_buildext updatecontrol &&
		runuser -u tester -- env DEB_BUILD_OPTIONS=parallel=$(nproc) dpkg-buildpackage -us -uc" &&
		mkdir "$WORK/packages" && cp "$ROOTS"/build/home/tester/source/postgresql-*.deb "$WORK/packages/" && rm -f "$WORK"/packages/*dbgsym*
}

# what a package must have, of each major
has_files()
{
	for package in "$WORK"/packages/postgresql-*-djust-auth_*.deb; do
		dpkg-deb -c "$package" | awk '{ print $6 }' >"$WORK/contents"
		cat "$WORK/contents"
		for file in lib/djust_auth.so lib/djust_auth_mailer.so extension/djust_auth.control extension/djust_auth--1.0.sql \
			extension/djust_auth/settings.md README.md.gz copyright; do
			grep -q "/$file\$" "$WORK/contents" || { echo "no $file in $package"; return 1; }
		done
	done
}

lintian_passes()
{
	within "$ROOTS/build" 'cd /home/tester/source && runuser -u tester -- lintian --fail-on error --tag-display-limit 0 *.changes'
}

# A root that has of djust_auth only the package: the tests come with its source package, without what could be built.
clean_root()
{
	cp -a "$ROOTS/base" "$WORK/clean" && mkdir "$WORK/clean/packages" &&
		cp "$WORK"/packages/*.deb "$WORK/clean/packages/" &&
		within "$WORK/clean" 'apt-get -q update && apt-get -qy install --no-install-recommends postgresql' && list_files >"$WORK/before" &&
		within "$WORK/clean" 'apt-get -qy install --no-install-recommends /packages/*.deb' &&
		list_files | comm -13 "$WORK/before" - | grep djust_auth_mailer.so &&
		list_files | grep '/djust_auth/router\.sh$'
}

# what can belong to the package: dependencies stay
list_files()
{
	(cd "$WORK/clean" && find etc usr var/lib/postgresql -iname '*djust*' -o -path '*djust*' | LC_ALL=C sort)
}

test_files()
{
	cp -R "$ROOTS/build/home/tester/source/djust-auth-$VERSION" "$WORK/clean/home/tester/tests" && cd "$WORK/clean/home/tester/tests" &&
		rm -rf src sql build-* debian/postgresql-* debian/.debhelper && ! find . -name '*.so' -o -name '*.o' | grep . &&
		within "$WORK/clean" 'chown -R tester: /home/tester/tests
			apt-get -qy install --no-install-recommends make postgresql-server-dev-all python3 python3-aiosmtpd python3-cryptography python3-jwt python3-psycopg'
}

debian_test()
{
	within "$WORK/clean" "cd /home/tester/tests && runuser -u tester -- debian/tests/$1"
}

purged()
{
	within "$WORK/clean" 'apt-get -qy purge "postgresql-*-djust-auth"' && ! list_files | comm -13 "$WORK/before" - | grep .
}

begin_roots packages
point "a root of $SUITE" base_root
point "a root with what the build needs" build_root
point "the package is built from the last commit" build_package
point "it has all files" has_files
point "lintian finds no error" lintian_passes
grep -E '^[EW]:' "$WORK/log"
point "it is installed in a root without the sources" clean_root
point "the tests of the source package are there, without the sources" test_files
point "debian/tests/installcheck" debian_test installcheck
grep -E 'All [0-9]+ tests' "$WORK/log"
point "debian/tests/demo" debian_test demo
point "purge leaves no file" purged
