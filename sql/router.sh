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
DO \$\$ BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname IN ('djust_router', 'djust_auth') AND nspowner <> CURRENT_USER::pg_catalog.regrole)
		OR EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname IN ('djust_router', 'djust_auth') AND p.proowner <> CURRENT_USER::pg_catalog.regrole)
	THEN
		RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'schema djust_router or djust_auth, or a function there, belongs to another role',
			HINT = 'Drop it, or install the router as its owner.';
	END IF;
	IF EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'djust_auth') THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = 'this database is a shard, its functions would be replaced',
			HINT = 'Make the router in a database of its own.';
	END IF;
END \$\$;

-- objects that were there keep their privileges
CREATE TEMPORARY TABLE djust_router_before AS
	SELECT tableoid AS class, oid FROM pg_catalog.pg_namespace UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_class
	UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_type UNION ALL SELECT tableoid, oid FROM pg_catalog.pg_proc;

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

-- The shard's error as its own caller would get it, without the words of PL/Proxy; 08006 if the shard could not be reached.
CREATE OR REPLACE FUNCTION djust_router.raise(state text, message text, detail text, hint text) RETURNS void
	LANGUAGE c AS '\$libdir/djust_auth', 'djust_router_raise';

-- what grant_api gives, by the letters of kinds
CREATE TABLE IF NOT EXISTS djust_router.api (function text PRIMARY KEY, kinds text NOT NULL);
TRUNCATE djust_router.api;
SQL

# api NAME KINDS VOLATILITY RETURNS SHARD "PARAMETER TYPE [DEFAULT]"...: a function of PL/Proxy, which sets the request's
# settings on the shard before the call, a faster one for calls without, and the public function in front of them, which evaluates as
# few expressions as it can: each costs half a microsecond.  Kinds are letters of djust_router.grant_api.  SHARD "link PREFIX ACTS": the
# first argument is the secret of a link, which the function follows if ACTS, and which may move its customer if it begins so.
# djust_can, which is called most, is in C, and calls the function of PL/pgSQL in requests of PostgREST only.
api()
{
	name=$1 kinds=$2 volatility=$3 returns=$4 shard=$5
	shift 5
	front=$schema
	[ $name != djust_can ] || front=djust_router
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
	place="coalesce($shard, 0)" remote="$schema.$name($remote)" plain="$schema.$name($plain)" declare='' begin=''
	case $shard in
		link*)
			acts=${shard#link * } prefix=${shard#link } page=false n=$((n + 1))
			case $returns in *html*) page=true ;; esac
			place=link.place inner="$inner, p$n boolean" values=", link.token${values#, "$name.token"}, link.moved"
			declare='
	link record;' begin="
	SELECT * INTO link FROM djust_router.follow_link($name.token, '${prefix%% *}', $acts);"
			followed="djust_auth.link_followed(pg_catalog.starts_with"
			remote="CASE WHEN \$$n THEN $followed(\$7, 'djv_'), $page) ELSE $remote::text END"
			plain="(CASE WHEN \$$((n - 5)) THEN $followed(\$2, 'djv_'), $page) ELSE $plain::text END)" ;;
	esac
	call="djust_router.$name($place$values)"
	case $returns in
		void) result=text cast=::text give='' give_plain="PERFORM $call; RETURN;" ;;
		*html*) result=text cast=::text give='RETURN answer.result;' give_plain="RETURN $call;" ;;
		*) result=$returns cast='' give="RETURN answer.result::$returns;" give_plain="RETURN $call;" ;;
	esac
	[ -z "$begin" ] || cast=::$result
	cat <<SQL

CREATE OR REPLACE FUNCTION djust_router.$name(p1 integer, p2 text, p3 text, p4 text, p5 text, p6 boolean$inner,
		OUT result text, OUT status text, OUT headers text)
	LANGUAGE plproxy AS \$\$
	CLUSTER 'djust_router';
	RUN ON \$1;
	SELECT c.r AS result, pg_catalog.current_setting('response.status', true) AS status,
		pg_catalog.current_setting('response.headers', true) AS headers
	FROM (
		SELECT $remote::text AS r
		FROM (
			SELECT pg_catalog.set_config('request.headers', \$2, true), pg_catalog.set_config('request.method', \$3, true),
				pg_catalog.set_config('request.path', \$4, true), pg_catalog.set_config('request.jwt.claims', \$5, true),
				CASE WHEN \$6 THEN pg_catalog.set_config('transaction_read_only', 'on', true) END
			OFFSET 0) s
		OFFSET 0) c;
	\$\$;
CREATE OR REPLACE FUNCTION djust_router.$name(p1 integer$inner) RETURNS $result
	LANGUAGE plproxy AS \$\$
	CLUSTER 'djust_router';
	RUN ON \$1;
	SELECT $plain$cast;
	\$\$;
CREATE OR REPLACE FUNCTION $front.$name($parameters) RETURNS $returns
	LANGUAGE plpgsql $volatility SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS \$\$
DECLARE
	answer record;$declare
	state text; message text; detail text; hint text;
BEGIN$begin
	IF coalesce(current_setting('request.headers', true), '') = '' AND coalesce(current_setting('request.method', true), '') = ''
		AND coalesce(current_setting('request.jwt.claims', true), '') = '' AND current_setting('transaction_read_only') = 'off' THEN
		$give_plain
	END IF;
	answer := djust_router.$name($place, coalesce(current_setting('request.headers', true), ''),
		coalesce(current_setting('request.method', true), ''), coalesce(current_setting('request.path', true), ''),
		coalesce(current_setting('request.jwt.claims', true), ''), current_setting('transaction_read_only') = 'on'$values);
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
cat <<SQL
-- looks nothing up by search_path, so it pins none, which would take up to 4 us of each call
CREATE OR REPLACE FUNCTION $schema.djust_can(access_token text, route text, access text) RETURNS boolean
	LANGUAGE c STABLE SECURITY DEFINER AS '\$libdir/djust_auth', 'djust_router_can';
SQL
api djust_reset_request acb VOLATILE void "$(by_email email)" 'email text'
api djust_reset_confirm acb VOLATILE json "$(by_token reset_token)" 'reset_token text' 'new_password text'
api djust_reset_page acb VOLATILE 'djust_router."text/html"' "$(by_token token)" "$token" 'new_password text DEFAULT NULL'
api djust_sign_up acb VOLATILE json "$(by_email email)" 'email text' 'password text' 'locale text DEFAULT NULL'
api djust_confirm_email acb VOLATILE json 'link djc_ true' "$token"
api djust_revert_email acb VOLATILE json 'link djv_ true' "$token"
api djust_sign_up_page acb VOLATILE 'djust_router."text/html"' "$(by_email email)" 'email text DEFAULT NULL' 'password text DEFAULT NULL'
api djust_confirm_page acb VOLATILE 'djust_router."text/html"' 'link dj[cv]_ confirm IS NOT NULL' "$token" 'confirm text DEFAULT NULL'
api djust_change_email cb VOLATILE json "$(by_token access_token)" 'access_token text' 'current_password text' 'new_email text'
api djust_introspect b STABLE json "$(by_token token)" "$token" "$hint" "$client" "$secret"
api djust_change_password cb VOLATILE json "$(by_token access_token)" 'access_token text' 'current_password text' 'new_password text'
api djust_sessions cb STABLE json "$(by_token access_token)" 'access_token text'
api djust_end_session cb VOLATILE integer "$(by_token access_token)" 'access_token text' 'sid uuid DEFAULT NULL'
api djust_jwks acb STABLE json 0
api djust_metadata acb STABLE json 0
api djust_request_user acb STABLE uuid 'djust_router.request_shard()'
api djust_request_can acb STABLE boolean 'djust_router.request_shard()' 'route text' 'access text'
api djust_pre_request acb STABLE void 'djust_router.request_shard()'

# on_shard NAME "(PARAMETERS)" RESULT STATEMENT: a function of PL/Proxy that runs the statement on shard p1
on_shard()
{
	cat <<SQL

CREATE OR REPLACE FUNCTION djust_router.$1$2 $3
	LANGUAGE plproxy AS \$\$
	CLUSTER 'djust_router';
	RUN ON \$1;
	$4;
	\$\$;
SQL
}

on_shard move_state '(p1 integer, p2 uuid)' 'RETURNS text' 'SELECT djust_auth.move_state($2)'
on_shard move_accepts '(p1 integer, p2 text)' 'RETURNS boolean' 'SELECT djust_auth.move_accepts($2)'
on_shard change_email '(p1 integer, p2 uuid, p3 text)' 'RETURNS text' 'SELECT djust_auth.change_email($2, $3)::text'
on_shard move_out '(p1 integer, p2 uuid, p3 text, p4 integer)' 'RETURNS text' 'SELECT djust_auth.move_out($2, $3, $4)::text'
on_shard link_target '(p1 integer, p2 text, OUT email text, OUT shard integer)' '' \
	'SELECT t.email, t.shard FROM djust_auth.link_target($2) t'
on_shard move_by_link '(p1 integer, p2 text, p3 integer)' 'RETURNS uuid' 'SELECT djust_auth.move_by_link($2, $3)'
on_shard move_offer '(p1 integer, p2 uuid, OUT sealed bytea, OUT shard integer, OUT move uuid)' '' \
	'SELECT o.sealed, o.shard, o.move FROM djust_auth.move_offer($2) o'
# the event of a change of address has the client's address
on_shard move_in '(p1 integer, p2 uuid, p3 bytea, p4 text)' 'RETURNS boolean' "SELECT djust_auth.move_in(\$2, \$3)
	FROM (SELECT pg_catalog.set_config('request.headers', \$4, true) OFFSET 0) s"
on_shard move_refuse '(p1 integer, p2 uuid)' 'RETURNS boolean' 'SELECT djust_auth.move_refuse($2)'
on_shard move_redirect '(p1 integer, p2 uuid, p3 uuid, p4 text, p5 integer)' 'RETURNS boolean' 'SELECT djust_auth.move_redirect($2, $3, $4, $5)'
on_shard move_done '(p1 integer, p2 uuid, p3 uuid)' 'RETURNS boolean' 'SELECT djust_auth.move_done($2, $3)'
on_shard move_back '(p1 integer, p2 uuid, p3 uuid)' 'RETURNS boolean' 'SELECT djust_auth.move_back($2, $3)'
on_shard moves '(p1 integer)' 'RETURNS SETOF uuid' 'SELECT m FROM djust_auth.moves() m'

cat <<SQL

CREATE SCHEMA IF NOT EXISTS djust_auth;

-- Brings a customer who has left their shard to the other one, or back if that refuses.  Only an error that the other shard itself
-- raises, about the customer, is a refusal: of all others it is not known what they mean, so the customer waits.  False if another
-- session has brought them to either.
CREATE OR REPLACE FUNCTION djust_router.deliver(user_id uuid, source integer) RETURNS boolean
	LANGUAGE plpgsql AS \$\$
DECLARE
	offer record;
	arrived boolean;
	state text; message text; detail text; hint text;
BEGIN
	SELECT * INTO offer FROM djust_router.move_offer(source, user_id);
	IF offer.sealed IS NULL THEN RETURN false; END IF;
	BEGIN
		arrived := djust_router.move_in(offer.shard, user_id, offer.sealed, coalesce(pg_catalog.current_setting('request.headers', true), ''));
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		IF message !~ '^[\w.]+\(\d+\): \[.*?\] REMOTE [^:]+: ' OR state !~ '^(23...|55000)\$' THEN
			hint := 'The customer is in djust_auth.leaving_user of shard ' || source
				|| '. Call djust_auth.finish_moves(), or djust_auth.move_user() again, when shard ' || offer.shard || ' answers.';
			PERFORM djust_router.raise(state, message, detail, hint);
		END IF;
		arrived := false;
	END;
	IF arrived OR NOT djust_router.move_refuse(offer.shard, offer.move) THEN
		PERFORM djust_router.move_done(source, user_id, offer.move);
		RETURN true;
	END IF;
	PERFORM djust_router.move_back(source, user_id, offer.move);
	IF state IS NOT NULL THEN PERFORM djust_router.raise(state, message, detail, hint); END IF;
	RETURN false;
END \$\$;

-- The shard where a link is followed: that of its secret, or the one to which the customer has taken it.  If it gives an address of yet
-- another shard, the customer is moved there, and moved is true; or they are not, and the token that comes back is a dead one.  The API
-- is open to everybody, so who is moved, and to which address, is what the shard of the link says.
CREATE OR REPLACE FUNCTION djust_router.follow_link(INOUT token text, prefix text, acts boolean, OUT place integer, OUT moved boolean)
	LANGUAGE plpgsql AS \$\$
DECLARE
	link record;
	visited integer[] := '{}';
	target integer;
	user_id uuid;
BEGIN
	place := djust_router.token_shard(token);
	moved := false;
	IF place IS NULL OR NOT acts OR token !~ ('^' || prefix) OR pg_catalog.current_setting('transaction_read_only')::boolean THEN
		place := coalesce(place, 0);
		RETURN;
	END IF;
	LOOP
		SELECT * INTO link FROM djust_router.link_target(place, token);
		visited := visited || place;
		EXIT WHEN link.shard IS NULL OR link.shard = ANY (visited);
		place := link.shard;
	END LOOP;
	target := djust_router.email_shard(link.email, $shards);
	IF target IS NULL OR target = place THEN
		RETURN;
	ELSIF pg_catalog.current_setting('request.method', true) IN ('GET', 'HEAD') THEN
		RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = 'a link is followed by a POST';
	END IF;
	IF djust_router.move_accepts(target, link.email) THEN
		user_id := djust_router.move_by_link(place, token, target);
	END IF;
	IF user_id IS NOT NULL THEN
		BEGIN
			moved := djust_router.deliver(user_id, place);
		EXCEPTION WHEN unique_violation THEN
			-- taken meanwhile, and the former one, too, if they are not back
			IF djust_router.move_state(place, user_id) IS DISTINCT FROM 'here' THEN RAISE; END IF;
		END;
		-- who is back is not there: a customer of that id was there before
		moved := moved OR coalesce(djust_router.move_state(target, user_id) = 'here'
			AND djust_router.move_state(place, user_id) IS DISTINCT FROM 'here', false);
	END IF;
	IF NOT moved THEN token := pg_catalog.left(token, 4); END IF;
END \$\$;

-- A customer who waits gets a new move in place of the former one, unless that has succeeded meanwhile.
CREATE OR REPLACE FUNCTION djust_router.redirect(user_id uuid, source integer, email text, target integer) RETURNS boolean
	LANGUAGE plpgsql AS \$\$
DECLARE
	offer record;
BEGIN
	SELECT * INTO offer FROM djust_router.move_offer(source, user_id);
	IF offer.sealed IS NULL THEN
		RETURN false;
	ELSIF NOT djust_router.move_refuse(offer.shard, offer.move) THEN
		PERFORM djust_router.move_done(source, user_id, offer.move);
		RETURN false;
	END IF;
	RETURN djust_router.move_redirect(source, user_id, offer.move, email, target);
END \$\$;

CREATE OR REPLACE FUNCTION djust_router.move(user_id uuid, email text) RETURNS void
	LANGUAGE plpgsql AS \$\$
DECLARE
	target CONSTANT integer := djust_router.email_shard(email, $shards);
	source integer := 0;
	again boolean := false;
	arrived boolean := true;
	state text;
BEGIN
	IF user_id IS NULL OR email IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'user_id and email must not be null';
	ELSIF pg_catalog.current_setting('transaction_read_only')::boolean THEN
		RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = 'cannot execute djust_auth.move_user() in a read-only transaction';
	END IF;
	LOOP
		state := djust_router.move_state(source, user_id);
		EXIT WHEN state = 'here' OR (state = 'leaving' AND djust_router.redirect(user_id, source, email, target));
		source := CASE state WHEN 'leaving' THEN 0 ELSE source + 1 END;
		-- somebody else may have moved the customer from a shard that was not asked yet to one that was
		IF source = $shards AND again THEN
			RAISE EXCEPTION USING ERRCODE = 'P0002', MESSAGE = pg_catalog.format('user %s does not exist', user_id);
		ELSIF source = $shards THEN
			again := true;
			source := 0;
		END IF;
	END LOOP;
	IF state = 'leaving' THEN
		arrived := djust_router.deliver(user_id, source);
	ELSIF source = target THEN
		PERFORM djust_router.change_email(source, user_id, email);
	ELSIF djust_router.move_accepts(target, email) THEN
		PERFORM djust_router.move_out(source, user_id, email, target);
		arrived := djust_router.deliver(user_id, source);
	ELSE
		RAISE EXCEPTION USING ERRCODE = '23505', MESSAGE = 'another customer has this address';
	END IF;
	IF NOT arrived AND djust_router.move_state(target, user_id) IS DISTINCT FROM 'here' THEN
		RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'another session moved the customer at the same time';
	END IF;
END \$\$;

CREATE OR REPLACE FUNCTION djust_auth.move_user(user_id uuid, email text) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS \$\$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	PERFORM djust_router.move(user_id, email);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	PERFORM djust_router.raise(state, message, detail, hint);
END \$\$;
INSERT INTO djust_router.api VALUES ('djust_auth.move_user(uuid, text)', 'm');

-- How many customers it brought to their shard.  A shard that cannot be reached, or that refuses, does not keep others waiting.
CREATE OR REPLACE FUNCTION djust_auth.finish_moves() RETURNS integer
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS \$\$
DECLARE
	finished integer := 0;
	source integer;
	leaving uuid;
BEGIN
	IF pg_catalog.current_setting('transaction_read_only')::boolean THEN
		RAISE EXCEPTION USING ERRCODE = '25006', MESSAGE = 'cannot execute djust_auth.finish_moves() in a read-only transaction';
	END IF;
	FOR source IN 0..$((shards - 1)) LOOP
		BEGIN
			FOR leaving IN SELECT * FROM djust_router.moves(source) LOOP
				BEGIN
					finished := finished + djust_router.deliver(leaving, source)::integer;
				EXCEPTION WHEN OTHERS THEN
					RAISE WARNING 'customer % is still on the way from shard %, or went back: %', leaving, source, SQLERRM;
				END;
			END LOOP;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'shard % does not tell who is on the way: %', source, SQLERRM;
		END;
	END LOOP;
	RETURN finished;
END \$\$;
INSERT INTO djust_router.api VALUES ('djust_auth.finish_moves()', 'm');

-- for PostgREST's db-pre-config
CREATE OR REPLACE FUNCTION djust_router.postgrest_settings(OUT secret text, OUT audience text, OUT pre_request text)
	LANGUAGE plproxy AS \$\$
	CLUSTER 'djust_router';
	RUN ON 0;
	SELECT pg_catalog.current_setting('pgrst.jwt_secret') AS secret, pg_catalog.current_setting('pgrst.jwt_aud') AS audience,
		pg_catalog.current_setting('pgrst.db_pre_request') AS pre_request
	FROM (SELECT djust_auth.postgrest_config() OFFSET 0) c;
	\$\$;
CREATE OR REPLACE FUNCTION djust_auth.postgrest_config() RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS \$\$
DECLARE
	settings CONSTANT record := djust_router.postgrest_settings();
BEGIN
	PERFORM set_config('pgrst.jwt_secret', settings.secret, true), set_config('pgrst.jwt_aud', settings.audience, true),
		set_config('pgrst.db_pre_request', settings.pre_request, true);
END \$\$;
INSERT INTO djust_router.api VALUES ('djust_auth.postgrest_config()', 'p');

CREATE OR REPLACE FUNCTION djust_router.grant_api(role regrole, kind text DEFAULT 'backend') RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS \$\$
DECLARE
	name text;
BEGIN
	IF kind NOT IN ('anonymous', 'customer', 'backend', 'authenticator', 'mover') THEN
		RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'unknown kind of grant',
			HINT = 'Use anonymous, customer, backend, authenticator or mover.';
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA djust_router, djust_auth, $schema TO %s', role);
	FOR name IN SELECT a.function FROM djust_router.api a
		WHERE strpos(a.kinds, CASE kind WHEN 'authenticator' THEN 'p' ELSE left(kind, 1) END) > 0
	LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', name, role);
	END LOOP;
END \$\$;

-- Nobody but the owner has a privilege on what is new, whatever ALTER DEFAULT PRIVILEGES said
DO \$\$
DECLARE
	statement text;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	FOR statement IN
		WITH object AS (
			SELECT tableoid AS class, oid, 'SCHEMA' AS kind, nspowner AS owner, coalesce(nspacl, acldefault('n', nspowner)) AS acl
			FROM pg_namespace WHERE nspname IN ('djust_router', 'djust_auth')
			UNION ALL SELECT tableoid, oid, 'TABLE', relowner, coalesce(relacl, acldefault('r', relowner))
			FROM pg_class WHERE relnamespace = 'djust_router'::regnamespace AND relkind = 'r'
			UNION ALL SELECT tableoid, oid, 'TYPE', typowner, coalesce(typacl, acldefault('T', typowner))
			FROM pg_type WHERE typnamespace = 'djust_router'::regnamespace AND typelem = 0
			UNION ALL SELECT tableoid, oid, 'ROUTINE', proowner, coalesce(proacl, acldefault('f', proowner))
			FROM pg_proc WHERE pronamespace = 'djust_router'::regnamespace
				OR oid IN (SELECT a.function::regprocedure FROM djust_router.api a))
		SELECT format('REVOKE ALL ON %s %s FROM %s CASCADE', o.kind, (pg_identify_object(o.class, o.oid, 0)).identity,
			string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', '))
		FROM object o, aclexplode(o.acl) a
		WHERE a.grantee <> o.owner AND NOT EXISTS (SELECT FROM djust_router_before b WHERE b.class = o.class AND b.oid = o.oid)
		GROUP BY o.class, o.oid, o.kind
	LOOP
		EXECUTE statement;
	END LOOP;
END \$\$;
DROP TABLE djust_router_before;
SQL
