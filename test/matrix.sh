#!/bin/sh
# matrix.sh: the whole test, or the stages named, on each major at hand, and one table: sh test/matrix.sh [STAGE]...
#
# The distribution's own major is tested here, the others in throw-away roots of the Debian that carries them (16: none does);
# that of 17 has 15 too, for pg_upgrade.  ${XDG_CACHE_HOME:-~/.cache}/djust_auth/roots keeps the roots, with the packages of the
# day they were made; sh test/matrix.sh clean removes them.
#
# MAJORS='17 18' chooses.  ONLY, EXCEPT, SEED, UPGRADED, FUZZ_SECONDS, FUZZ_RUNS and TEST_TIMEOUT as for test/run.sh, MIRROR as for lib/roots.sh.

ROOT=$(cd "$(dirname "$0")/.." && pwd)
. "$ROOT/test/lib/setup.sh"
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/djust_auth/roots

suite_of()
{
	case $1 in
		15) echo bookworm ;;
		17) echo trixie ;;
		18) echo sid ;;
	esac
}

# in_root MAJOR [OLDER]: in a subshell; with an older major from its own release, for pg_upgrade
in_root()
(
	SUITE=$(suite_of "$1") PACKAGES_ROOTS=$CACHE
	. "$ROOT/test/lib/roots.sh"
	need_roots matrix
	base_root
	made=$?
	rm -rf "$WORK"
	[ $made = 0 ] || fail "could not make a root of $SUITE"
	[ -z "$2" ] ||
		sed "s/ $SUITE / $(suite_of "$2") /" "$ROOTS/base/etc/apt/sources.list" >"$ROOTS/base/etc/apt/sources.list.d/older.list"
	# shellcheck disable=SC2016,SC2086 # for the inner shell; a list of words
	mounted "$ROOTS/base" sh -ec '
		mount --bind -o ro "$1" "$0/mnt"
		shift
		chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"' \
		"$ROOTS/base" "$ROOT" PG_MAJOR="$1" UPGRADE_FROM="$2" ONLY="$ONLY" EXCEPT="$EXCEPT" SEED="$SEED" UPGRADED="$UPGRADED" \
		FUZZ_SECONDS="$FUZZ_SECONDS" FUZZ_RUNS="$FUZZ_RUNS" TEST_TIMEOUT="$TEST_TIMEOUT" sh /mnt/test/run.sh $stages
)

run()
{
	# shellcheck disable=SC2086 # a list of words
	case $1 in
		"$own") PG_MAJOR=$1 sh "$ROOT/test/run.sh" $stages ;;
		17) in_root 17 15 ;;
		*) in_root "$1" ;;
	esac
}

# row MAJOR SECONDS: from the end of the run's output; without one it has failed
row()
{
	awk -v major="$1" -v seconds="$2" '
		/^[0-9]+ passed, [0-9]+ failed$/ { passed = $1; failed = $3; ended = 1 }
		/^[0-9]+ skipped:$/ { skipped = $1 }
		END {
			printf "%-6s %7d %7d %8d %8d\n", major, passed, ended ? failed : failed + 1, skipped, seconds
			exit !ended || failed
		}' "$log"
}

if [ "$1" = clean ]; then
	rm -rf "$CACHE"
	exit
fi
stages=$* status=0
own=$(offered_major)
log=$(mktemp) || exit 1
trap 'rm -f "$log" "$log.table"' EXIT
trap 'exit 130' HUP INT TERM PIPE
printf '%-6s %7s %7s %8s %8s\n' major passed failed skipped seconds >"$log.table"
for major in ${MAJORS:-15 16 17 18}; do
	if [ "$major" != "$own" ] && [ -z "$(suite_of "$major")" ]; then
		echo "$major     not run: no release of Debian has it" >>"$log.table"
		continue
	fi
	echo "# PostgreSQL $major"
	begun=$(date +%s)
	run "$major" 2>&1 </dev/null | tee "$log"
	row "$major" $(($(date +%s) - begun)) >>"$log.table" || status=1
done
echo
cat "$log.table"
exit $status
