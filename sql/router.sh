#!/bin/sh
# router.sh: prints the SQL that makes a database a router over shards, by PL/Proxy (doc/scaling.md, "A router")
#
#	sh router.sh [schema=NAME] 0='host=... dbname=... user=...' 1='...' | psql -X1 -v ON_ERROR_STOP=1 -d ROUTER
#
# One connection string for each shard, from 0.  The schema is that of the public API, on the shards and here (public).
# Repeat it whenever the shards change: it replaces what it made before and keeps what was granted.

fail()
{
	echo "router.sh: $*" >&2
	exit 1
}

quoted()
{
	printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"
}

schema=public
shards=0
options=
for argument; do
	value=${argument#*=}
	case $argument in
		schema=*)
			case $value in '' | [0-9]* | *[!a-z0-9_]*) fail "schema: use lower case letters, digits and _" ;; esac
			schema=$value ;;
		$shards=*)
			# everyone who may connect to the router can read them in pg_foreign_server
			case $value in *password*) fail "shard $shards: no passwords here; use .pgpass of the server's user" ;; esac
			case $value in *user=*) ;; *) fail "shard $shards: user=... is missing" ;; esac
			eval "shard_$shards=\$value"
			shards=$((shards + 1)) ;;
		*) fail "expected $shards='host=... dbname=... user=...'" ;;
	esac
done
[ $shards -gt 0 ] || fail "no shards; usage: router.sh 0='host=... dbname=... user=...' 1='...'"
[ $shards -le 4096 ] || fail "more than 4096 shards"

# PL/Proxy wants a power of two; numbers beyond the last shard are in no token and of no address
places=1
while [ $places -lt $shards ]; do places=$((places * 2)); done
i=0
while [ $i -lt $places ]; do
	eval "value=\$shard_$((i % shards))"
	options="$options${options:+, }p$i $(quoted "$value")"
	i=$((i + 1))
done

cat <<SQL
CREATE EXTENSION IF NOT EXISTS plproxy;
CREATE SCHEMA IF NOT EXISTS djust_router;
CREATE SCHEMA IF NOT EXISTS $schema;

-- user mappings refer to the server, so it is replaced together with them
DROP SERVER IF EXISTS djust_router CASCADE;
CREATE SERVER djust_router FOREIGN DATA WRAPPER plproxy OPTIONS ($options);
CREATE USER MAPPING FOR PUBLIC SERVER djust_router;

CREATE OR REPLACE FUNCTION djust_router.token_shard(token text) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS '\$libdir/djust_auth', 'djust_auth_token_shard';
CREATE OR REPLACE FUNCTION djust_router.normal_email(email text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS '\$libdir/djust_auth', 'djust_auth_normal_email';
CREATE OR REPLACE FUNCTION djust_router.email_shard(email text, shards integer) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS '\$libdir/djust_auth', 'djust_auth_email_shard';

-- PostgREST serves a function's result as the media type named by its domain
DO \$\$ BEGIN
	IF pg_catalog.to_regtype('djust_router."text/html"') IS NULL THEN CREATE DOMAIN djust_router."text/html" AS text; END IF;
END \$\$;

-- A wrong guess harms nobody: the shard reads the headers itself, and a token of another shard is dead there.
CREATE OR REPLACE FUNCTION djust_router.request_shard() RETURNS integer
	LANGUAGE sql STABLE AS \$\$
	SELECT djust_router.token_shard((pg_catalog.regexp_match(pg_catalog.current_setting('request.headers', true),
		'(?i)"authorization"\s*:\s*"(?:\\\\"|\\\\t|\s)*bearer(?:\\\\t|\s)+([^"\\\\\s]+)'))[1])
	\$\$;

-- The shard's error as its own caller would get it, without the words of PL/Proxy; 08006 if the shard could not be reached.  RAISE
-- takes no NULL, and an empty detail is one, too.
CREATE OR REPLACE FUNCTION djust_router.raise(state text, message text, detail text, hint text) RETURNS void
	LANGUAGE plpgsql AS \$\$
BEGIN
	IF message ~ '^PL/Proxy function |^[\w.]+\(\d+\): \[.*?\] REMOTE FATAL: ' THEN state := '08006'; END IF;
	message := pg_catalog.regexp_replace(message, '^[\w.]+\(\d+\): \[.*?\] REMOTE ERROR: ', '');
	detail := pg_catalog.regexp_replace(detail, '^Remote detail: ', '');
	hint := pg_catalog.regexp_replace(hint, '^Remote hint: ', '');
	IF detail <> '' AND hint <> '' THEN
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail, HINT = hint;
	ELSIF detail <> '' THEN
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail;
	ELSIF hint <> '' THEN
		RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, HINT = hint;
	END IF;
	RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message;
END \$\$;

-- what grant_api gives, by the letters of kinds
CREATE TABLE IF NOT EXISTS djust_router.api (function text PRIMARY KEY, kinds text NOT NULL);
TRUNCATE djust_router.api;
SQL

# api NAME KINDS VOLATILITY RETURNS SHARD "PARAMETER TYPE [DEFAULT]"...: a function of PL/Proxy, which sets the request's
# settings on the shard before the call, a faster one for calls without, and the public function in front of them.  Kinds are letters
# of djust_router.grant_api.
api()
{
	name=$1 kinds=$2 volatility=$3 returns=$4 shard=$5
	shift 5
	parameters='' types='' inner='' values='' remote='' plain='' n=6
	for parameter; do
		type=${parameter#* }
		type=${type%% *}
		n=$((n + 1))
		parameters="$parameters${parameters:+, }$parameter"
		types="$types${types:+, }$type"
		inner="$inner, p$n $type"
		values="$values, $name.${parameter%% *}"
		plain="$plain${plain:+, }\$$((n - 5))"
		remote="$remote${remote:+, }\$$n"
	done
	call="djust_router.$name(shard$values)"
	case $returns in
		void) give='' give_plain="PERFORM $call; RETURN;" ;;
		*) give="RETURN answer.result::$returns;" give_plain="RETURN $call;" ;;
	esac
	cat <<SQL

CREATE OR REPLACE FUNCTION djust_router.$name(p1 integer, p2 text, p3 text, p4 text, p5 text, p6 boolean$inner,
		OUT result text, OUT status text, OUT headers text)
	LANGUAGE plproxy AS \$\$
	CLUSTER 'djust_router';
	RUN ON \$1;
	SELECT c.r AS result, pg_catalog.current_setting('response.status', true) AS status,
		pg_catalog.current_setting('response.headers', true) AS headers
	FROM (
		SELECT $schema.$name($remote)::text AS r
		FROM (
			SELECT pg_catalog.set_config('request.headers', \$2, true), pg_catalog.set_config('request.method', \$3, true),
				pg_catalog.set_config('request.path', \$4, true), pg_catalog.set_config('request.jwt.claims', \$5, true),
				CASE WHEN \$6 THEN pg_catalog.set_config('transaction_read_only', 'on', true) END
			OFFSET 0) s
		OFFSET 0) c;
	\$\$;
CREATE OR REPLACE FUNCTION djust_router.$name(p1 integer$inner) RETURNS text
	LANGUAGE plproxy AS \$\$
	CLUSTER 'djust_router';
	RUN ON \$1;
	SELECT $schema.$name($plain)::text;
	\$\$;
CREATE OR REPLACE FUNCTION $schema.$name($parameters) RETURNS $returns
	LANGUAGE plpgsql $volatility SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS \$\$
DECLARE
	shard CONSTANT integer NOT NULL := coalesce($shard, 0);
	headers CONSTANT text NOT NULL := coalesce(current_setting('request.headers', true), '');
	method CONSTANT text NOT NULL := coalesce(current_setting('request.method', true), '');
	claims CONSTANT text NOT NULL := coalesce(current_setting('request.jwt.claims', true), '');
	read_only CONSTANT boolean NOT NULL := current_setting('transaction_read_only');
	answer record;
	state text; message text; detail text; hint text;
BEGIN
	IF headers = '' AND method = '' AND claims = '' AND NOT read_only THEN
		$give_plain
	END IF;
	answer := djust_router.$name(shard, headers, method, coalesce(current_setting('request.path', true), ''), claims, read_only$values);
	IF answer.status <> '' THEN PERFORM set_config('response.status', answer.status, true); END IF;
	IF answer.headers <> '' THEN PERFORM set_config('response.headers', answer.headers, true); END IF;
	$give
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	PERFORM djust_router.raise(state, message, detail, hint);
END \$\$;
INSERT INTO djust_router.api VALUES ('$schema.$name($types)', '$kinds');
SQL
}

by_token()
{
	echo "djust_router.token_shard($1)"
}

by_email()
{
	echo "djust_router.email_shard($1, $shards)"
}

token='token text'
hint='token_type_hint text DEFAULT NULL'
client='client_id text DEFAULT NULL'
secret='client_secret text DEFAULT NULL'
api djust_login acb VOLATILE json "$(by_email email)" 'email text' 'password text'
api djust_token acb VOLATILE json "CASE grant_type WHEN 'password' THEN $(by_email username) ELSE $(by_token refresh_token) END" \
	'grant_type text' 'username text DEFAULT NULL' 'password text DEFAULT NULL' 'refresh_token text DEFAULT NULL' 'scope text DEFAULT NULL' \
	"$client" "$secret"
api djust_refresh acb VOLATILE json "$(by_token refresh_token)" 'refresh_token text'
api djust_logout acb VOLATILE boolean "$(by_token token)" "$token" "$hint" "$client" "$secret"
api djust_can cb STABLE boolean "$(by_token access_token)" 'access_token text' 'route text' 'access text'
api djust_reset_request acb VOLATILE void "$(by_email email)" 'email text'
api djust_reset_confirm acb VOLATILE json "$(by_token reset_token)" 'reset_token text' 'new_password text'
api djust_reset_page acb VOLATILE 'djust_router."text/html"' "$(by_token token)" "$token" 'new_password text DEFAULT NULL'
api djust_introspect b STABLE json "$(by_token token)" "$token" "$hint" "$client" "$secret"
api djust_change_password cb VOLATILE json "$(by_token access_token)" 'access_token text' 'current_password text' 'new_password text'
api djust_sessions cb STABLE json "$(by_token access_token)" 'access_token text'
api djust_end_session cb VOLATILE integer "$(by_token access_token)" 'access_token text' 'sid uuid DEFAULT NULL'
api djust_jwks acb STABLE json 0
api djust_request_user acb STABLE uuid 'djust_router.request_shard()'
api djust_request_can acb STABLE boolean 'djust_router.request_shard()' 'route text' 'access text'
api djust_pre_request acb STABLE void 'djust_router.request_shard()'

cat <<SQL

CREATE OR REPLACE FUNCTION djust_router.grant_api(role regrole, kind text DEFAULT 'backend') RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS \$\$
DECLARE
	name text;
BEGIN
	IF kind NOT IN ('anonymous', 'customer', 'backend') THEN
		RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'unknown kind of grant', HINT = 'Use anonymous, customer or backend.';
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA djust_router, $schema TO %s', role);
	FOR name IN SELECT a.function FROM djust_router.api a WHERE strpos(a.kinds, left(kind, 1)) > 0 LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', name, role);
	END LOOP;
END \$\$;

REVOKE ALL ON ALL ROUTINES IN SCHEMA djust_router FROM PUBLIC;
DO \$\$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT a.function FROM djust_router.api a LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
	END LOOP;
END \$\$;
SQL
