#!/bin/sh
# entrypoint.sh: makes the database at the first start, then becomes the server, which gets the arguments
#
# POSTGRES_PASSWORD, or the file that POSTGRES_PASSWORD_FILE names, is the superuser's over the network; inside, the user postgres
# needs none.  /etc/djust_auth/first/*.sql run once, in the database shop.

set -eu
umask 077
export LC_ALL=C.UTF-8 PGDATA="${PGDATA:-/var/lib/postgresql/data}" PGUSER=postgres
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH

# under another name, so that a database left half made is not taken for whole
first_start()
{
	[ -n "${POSTGRES_PASSWORD:-}${POSTGRES_PASSWORD_FILE:-}" ] || { echo "set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE" >&2; exit 1; }
	part=$PGDATA.part password=$PGDATA.password
	rm -rf "$part"
	cat "${POSTGRES_PASSWORD_FILE:-/dev/null}" >"$password"
	trap 'rm -f "$password"' EXIT
	[ -s "$password" ] || printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
	initdb -D "$part" -U postgres -E UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 --pwfile="$password"
	rm "$password"
	printf '%s\n' "shared_preload_libraries = 'djust_auth'" "listen_addresses = '*'" >>"$part/postgresql.conf"
	echo 'host all all all scram-sha-256' >>"$part/pg_hba.conf"
	pg_ctl -w -D "$part" -o "-c listen_addresses=''" start
	createdb shop
	for file in /etc/djust_auth/first/*.sql; do
		[ ! -f "$file" ] || psql -Xq -v ON_ERROR_STOP=1 -d shop -o /dev/null -f "$file"
	done
	pg_ctl -w -D "$part" stop
	mv "$part" "$PGDATA"
}

[ -d "$PGDATA" ] || first_start
exec postgres "$@"
