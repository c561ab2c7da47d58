#!/bin/sh
# walk.sh: a newcomer's walk (make walk): every block of README.md of the last commit as it is printed, in throw-away roots of
# Debian where nothing is but apt, sudo, make and the sources: first all sections in order in one root, then each alone in a root of
# its own, after Installation and Getting Started
#
# Needs root, debootstrap and python3; test/lib/roots.sh says what is kept, and what can be chosen.  ONLY=Users walks that section alone.

ROOT=$(cd "$(dirname "$0")/.." && pwd)
. "$ROOT/test/lib/roots.sh"

# The newcomer answers yes to apt, and trusts whom the machine trusts: node has a list of its own.
newcomer_root()
{
	cp -a "$ROOTS/base" "$WORK/new" && within "$WORK/new" 'apt-get -q update && apt-get -qy install --no-install-recommends sudo make' &&
		echo 'tester ALL = (ALL) NOPASSWD: ALL' >"$WORK/new/etc/sudoers.d/tester" &&
		echo 'APT::Get::Assume-Yes "true";' >"$WORK/new/etc/apt/apt.conf.d/yes" &&
		{ [ -z "$NODE_EXTRA_CA_CERTS" ] || install -m 644 "$NODE_EXTRA_CA_CERTS" "$WORK/new/etc/extra_ca.crt"; } &&
		git -C "$ROOT" archive --prefix=djust_auth/ HEAD | tar -x -C "$WORK/new/home/tester" && within "$WORK/new" 'chown -R tester: /home/tester'
}

# walk TITLE ROOT [SECTION...]: counts each block; a walk that broke off has no plan
walk()
{
	echo "# $1"
	shift
	mounted "$1" python3 "$ROOT/test/lib/walk.py" "$@" 2>&1 </dev/null | tee "$WORK/tap"
	# shellcheck disable=SC2046 # three numbers
	set -- $(awk -v status=0 -f "$ROOT/test/lib/tap.awk" "$WORK/tap")
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

sections()
{
	git -C "$ROOT" show HEAD:README.md |
		awk '/^## / { section = substr($0, 4) } /^```(sh|ini|sql|python|js)$/ && section && section != last { print last = section }' |
		grep -vxE 'Installation|Getting Started'
}

begin_roots walk
skipped=0
point "a root of $SUITE" base_root
point "a root for a newcomer" newcomer_root
if [ -z "$ONLY" ]; then
	cp -a "$WORK/new" "$WORK/all" && walk "all sections in order" "$WORK/all"
	rm -rf "$WORK/all"
fi
walk "Installation alone" "$WORK/new" Installation
IFS='
'
for section in $(sections); do
	unset IFS
	case $section in "$ONLY"*) ;; *) continue ;; esac
	cp -a "$WORK/new" "$WORK/alone" && walk "$section alone" "$WORK/alone" "Getting Started" "$section"
	rm -rf "$WORK/alone"
done
[ $failed = 0 ]
