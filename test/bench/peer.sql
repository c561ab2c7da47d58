/*
 * peer.sql: authentication in plain PL/pgSQL, in the way of the PostgREST tutorials: crypt of pgcrypto, a JWT signed by
 * hmac, tables.  To that, what djust_auth has too and tutorials leave to the reader: live sessions, refresh tokens kept
 * as digests, profiles with patterns of routes.  What it does not have: throttling, audit, a bound on hashing, answers
 * that take the same time for unknown addresses, rotation of keys, reuse detection.
 */

CREATE SCHEMA peer;
CREATE EXTENSION pgcrypto WITH SCHEMA peer;

CREATE TABLE peer.users (
	id uuid PRIMARY KEY,
	email text NOT NULL UNIQUE,
	pass text NOT NULL
);
CREATE TABLE peer.user_profile (
	user_id uuid NOT NULL,
	profile text NOT NULL,
	PRIMARY KEY (user_id, profile)
);
CREATE TABLE peer.profile_right (
	profile text NOT NULL,
	route text NOT NULL,
	access djust_auth.access_right NOT NULL,
	PRIMARY KEY (profile, route)
);
CREATE TABLE peer.session (
	sid uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	user_id uuid NOT NULL,
	refresh_digest bytea NOT NULL UNIQUE,
	expires_at timestamptz NOT NULL
);

CREATE FUNCTION peer.url_encode(data bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT translate(encode(data, 'base64'), E'+/=\n', '-_')
$$;

CREATE FUNCTION peer.url_decode(data text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT decode(rpad(translate(data, '-_', '+/'), (length(data) + 3) / 4 * 4, '='), 'base64')
$$;

CREATE FUNCTION peer.sign(payload json) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT signed || '.' || peer.url_encode(peer.hmac(signed, current_setting('app.jwt_secret'), 'sha256'))
	FROM (SELECT peer.url_encode(convert_to('{"alg":"HS256","typ":"JWT"}', 'utf8')) || '.' ||
		peer.url_encode(convert_to(payload::text, 'utf8')) AS signed) AS s
$$;

-- claims of a token whose signature and time are good; NULL for any other
CREATE FUNCTION peer.verify(token text) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
	parts text[] := string_to_array(token, '.');
	claims json;
BEGIN
	IF cardinality(parts) <> 3 OR parts[3] <> peer.url_encode(peer.hmac(parts[1] || '.' || parts[2], current_setting('app.jwt_secret'), 'sha256')) THEN
		RETURN NULL;
	END IF;
	claims := convert_from(peer.url_decode(parts[2]), 'utf8')::json;
	IF to_timestamp((claims ->> 'exp')::bigint) <= clock_timestamp() THEN
		RETURN NULL;
	END IF;
	RETURN claims;
END $$;

CREATE FUNCTION peer.tokens(sid uuid, user_id uuid, refresh_token text) RETURNS json LANGUAGE sql STABLE AS $$
	SELECT json_build_object('access_token', peer.sign(json_build_object('sid', sid, 'sub', user_id,
			'exp', extract(epoch FROM clock_timestamp() + interval '1 day')::bigint)),
		'token_type', 'Bearer', 'refresh_token', refresh_token)
$$;

CREATE FUNCTION peer.login(email text, pass text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	found_id uuid;
	new_sid uuid;
	refresh_token text := encode(peer.gen_random_bytes(32), 'hex');
BEGIN
	SELECT id INTO found_id FROM peer.users u WHERE u.email = lower(login.email) AND u.pass = peer.crypt(login.pass, u.pass);
	IF NOT FOUND THEN
		RAISE invalid_password USING MESSAGE = 'invalid user or password';
	END IF;
	INSERT INTO peer.session (user_id, refresh_digest, expires_at)
		VALUES (found_id, peer.digest(refresh_token, 'sha256'), clock_timestamp() + interval '2 hours') RETURNING sid INTO new_sid;
	RETURN peer.tokens(new_sid, found_id, refresh_token);
END $$;

CREATE FUNCTION peer.can(token text, path text, access djust_auth.access_right) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
	claims json := peer.verify(token);
BEGIN
	RETURN claims IS NOT NULL AND EXISTS (
		SELECT FROM peer.session s
		JOIN peer.user_profile p ON p.user_id = s.user_id
		JOIN peer.profile_right r ON r.profile = p.profile
		WHERE s.sid = (claims ->> 'sid')::uuid AND s.expires_at > clock_timestamp() AND can.path LIKE r.route AND r.access >= can.access);
END $$;

CREATE FUNCTION peer.refresh(refresh_token text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
	successor text := encode(peer.gen_random_bytes(32), 'hex');
	renewed peer.session;
BEGIN
	UPDATE peer.session SET refresh_digest = peer.digest(successor, 'sha256'), expires_at = clock_timestamp() + interval '2 hours'
		WHERE refresh_digest = peer.digest(refresh.refresh_token, 'sha256') AND expires_at > clock_timestamp() RETURNING * INTO renewed;
	IF NOT FOUND THEN
		RAISE invalid_password USING MESSAGE = 'invalid refresh token';
	END IF;
	RETURN peer.tokens(renewed.sid, renewed.user_id, successor);
END $$;

-- the same data: users in turn with the cost that gen_salt('bf') takes by default, 6, and with 10

INSERT INTO peer.users
	SELECT u.id, u.email, CASE n % 2 WHEN 0 THEN by_default.hash ELSE stronger.hash END
	FROM djust_auth.customer_user u JOIN bench.person USING (id),
		(SELECT peer.crypt('Tulips-4-Ann', peer.gen_salt('bf')) AS hash) AS by_default,
		(SELECT peer.crypt('Tulips-4-Ann', peer.gen_salt('bf', 10)) AS hash) AS stronger;
INSERT INTO peer.user_profile SELECT user_id, profile FROM djust_auth.user_profile;
INSERT INTO peer.profile_right
	SELECT profile, regexp_replace(route, '\{[^}]*\}|\*\*', '%', 'g'), access FROM djust_auth.profile_right;
INSERT INTO peer.session
	SELECT sid, user_id, peer.digest('peer' || row_number() OVER () - 1, 'sha256'), now() + interval '10 days' FROM djust_auth.session;
ANALYZE peer.users, peer.user_profile, peer.profile_right, peer.session;

SELECT set_config('app.jwt_secret', encode(peer.gen_random_bytes(32), 'hex'), false);
DO $$ BEGIN
	EXECUTE format('ALTER DATABASE %I SET app.jwt_secret = %L', current_database(), current_setting('app.jwt_secret'));
END $$;
CREATE TABLE peer.token AS
	SELECT peer.tokens(sid, user_id, '') ->> 'access_token' AS access_token, replace(route, '%', '4711') AS path
	FROM (SELECT * FROM peer.session ORDER BY random() LIMIT 20000) AS s
	CROSS JOIN LATERAL (SELECT route FROM peer.user_profile p JOIN peer.profile_right r USING (profile) WHERE p.user_id = s.user_id LIMIT 1) AS r;
