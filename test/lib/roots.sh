# roots.sh: throw-away roots by debootstrap, for scripts that set ROOT (the repository) first; needs root
#
#	need_roots NAME               checks what "make NAME" needs, and makes $WORK
#	begin_roots NAME              that, and when the script ends, removes $WORK and prints the sums
#	point TEXT COMMAND...         one point; a failure shows what the command printed and ends the script
#	base_root                     $ROOTS/base: a minimal Debian with a user "tester"
#	mounted FOLDER COMMAND...     in a namespace of its own, where that root has /proc, /dev/shm and the cache of apt; what is mounted
#	                              and what is started end with the command
#	within FOLDER TEXT            runs a script as root of that root
#
# PACKAGES_ROOTS (/var/tmp/djust_auth-packages) keeps roots and the packages of apt; remove it to begin anew.  SUITE (bookworm)
# and MIRROR say which Debian.

# shellcheck shell=sh

SUITE=${SUITE:-bookworm}
ROOTS=${PACKAGES_ROOTS:-/var/tmp/djust_auth-packages}/$SUITE
WORK=$ROOTS/work.$$
passed=0 failed=0 skipped=

fail()
{
	echo "$*" >&2
	exit 1
}

point()
{
	text=$1 begun=$(date +%s)
	shift
	if "$@" >"$WORK/log" 2>&1 </dev/null; then
		passed=$((passed + 1))
		echo "ok: $text ($(($(date +%s) - begun)) s)"
	else
		failed=$((failed + 1))
		tail -n 60 "$WORK/log"
		echo "not ok: $text"
		exit 1
	fi
}

# The first process of the namespace remains a shell that waits: it reaps orphans, such as servers whose postmaster a test kills.
mounted()
{
	cp /etc/resolv.conf "$1/etc/resolv.conf"
	unshare --mount --pid --fork --kill-child sh -ec '
		mount --bind "$1" "$1"
		mount -t proc proc "$1/proc"
		mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
		mount --bind "$2" "$1/var/cache/apt/archives"
		shift 3
		"$@" || exit
		:' sh "$1" "$ROOTS/archives" "$@"
}

within()
{
	mounted "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive chroot "$1" sh -ec "$2"
}

# the host's proxies, and certificate authorities that may be theirs
as_host()
{
	apt-config dump Acquire | grep -E '^Acquire::(Check|http)' >"$1/etc/apt/apt.conf.d/99host"
	! [ -d /usr/local/share/ca-certificates ] || cp -R /usr/local/share/ca-certificates "$1/usr/local/share/"
}

# Each root that is kept is made under another name first, so that one left half made is not taken for whole.
base_root()
{
	[ ! -d "$ROOTS/base" ] || return 0
	debootstrap --variant=minbase "$SUITE" "$WORK/base" ${MIRROR:+"$MIRROR"} && as_host "$WORK/base" &&
		within "$WORK/base" 'useradd -m -s /bin/bash tester; echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/throw-away' && mv "$WORK/base" "$ROOTS/base"
}

finish()
{
	rm -rf "$WORK"
	echo "$passed passed, $failed failed${skipped:+, $skipped skipped}"
}

need_roots()
{
	[ "$(id -u)" = 0 ] || fail "make $1 needs root"
	command -v debootstrap >/dev/null || fail "make $1 needs debootstrap"
	mkdir -p "$ROOTS/archives/partial" "$WORK"
}

begin_roots()
{
	need_roots "$1"
	trap finish EXIT
	trap 'exit 130' HUP INT TERM PIPE
}
