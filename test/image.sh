#!/bin/sh
# image.sh: the Dockerfile of the last commit, built by buildah in a throw-away root, and the first look of doc/docker/compose.yaml at it
# (make image).  A root of debootstrap stands in for Debian's image, test/lib/postgrest_replay.py for PostgREST, aiosmtpd for the
# mail catcher.
#
# Needs root and debootstrap; test/lib/roots.sh says what is kept, and what can be chosen.

ROOT=$(cd "$(dirname "$0")/.." && pwd)
. "$ROOT/test/lib/roots.sh"
ENGINE=$ROOTS/engine

engine_root()
{
	[ -d "$ENGINE" ] || {
		cp -a "$ROOTS/base" "$WORK/engine" && within "$WORK/engine" 'apt-get -q update && apt-get -qy install --no-install-recommends \
			buildah docker-compose curl python3-aiosmtpd python3-jwt python3-psycopg python3-yaml' &&
			mv "$WORK/engine" "$ENGINE"
	} || return 1
	rm -rf "$ENGINE/look" && mkdir "$ENGINE/look" && git -C "$ROOT" archive --prefix=look/djust_auth/ HEAD | tar -x -C "$ENGINE" &&
		echo 127.0.0.1 localhost database mail >"$ENGINE/etc/hosts"
}

# without a kernel's overlays and without new namespaces, so that it works in a root
in_engine()
{
	within "$ENGINE" "export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot; cd /look/djust_auth; $1"
}

debian_image()
{
	tar -C "$ROOTS/base" -cf "$ENGINE/look/debian.tar" . && in_engine 'buildah rmi -af
		container=$(buildah from scratch); buildah add -q $container /look/debian.tar /; rm /look/debian.tar
		buildah commit -q $container debian:bookworm-slim; buildah rm $container'
}

begin_roots image
point "a root of $SUITE" base_root
point "a root with buildah" engine_root
point "compose.yaml is read by docker-compose" in_engine 'docker-compose -f doc/docker/compose.yaml config'
point "an image of Debian" debian_image
point "the Dockerfile is built" in_engine 'buildah bud --pull-never --volume /var/cache/apt/archives:/var/cache/apt/archives -t djust_auth .'
point "a first look" in_engine 'python3 test/lib/first_look.py'
