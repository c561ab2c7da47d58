-- 05_tokens: the form of access tokens, their keys, their life, and everything that must not pass for one

BEGIN;
\pset fieldsep '\n'
SELECT plan(284);

CREATE FUNCTION pg_temp.part(token text, n int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(t, (length(t) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
	FROM translate(split_part(token, '.', n), '-_', '+/') t
$$;
CREATE FUNCTION pg_temp.b64url(t text) RETURNS text LANGUAGE sql AS $$
	SELECT rtrim(translate(replace(encode(convert_to(t, 'UTF8'), 'base64'), E'\n', ''), '+/', '-_'), '=')
$$;

SELECT djust_auth.create_profile('token_buyer');
SELECT djust_auth.set_right('token_buyer', '/orders/**', 'read');
SELECT djust_auth.create_user('ann@tokens.example', 'Tulips-4-Ann', '{token_buyer}') AS ann \gset
SELECT djust_login('ann@tokens.example', 'Tulips-4-Ann') AS answer \gset
SELECT :'answer'::json ->> 'access_token' AS at, :'answer'::json ->> 'refresh_token' AS rt \gset

-- RFC 9068

SELECT is(pg_temp.part(:'at', 1), jsonb_build_object('typ', 'at+jwt', 'alg', 'ES256', 'kid', (SELECT kid FROM djust_auth.signing_key WHERE verify_until IS NULL)),
	'header: typ, alg and kid of the active key, ES256 by default');
SELECT set_eq(format('SELECT jsonb_object_keys(pg_temp.part(%L, 2))', :'at'), '{iss,aud,sub,client_id,sid,jti,iat,exp,profiles}'::text[], 'claims');
SELECT is(c ->> 'iss', current_setting('djust_auth.issuer'), 'iss'),
		is(c ->> 'aud', current_setting('djust_auth.audience'), 'aud'),
		is(c ->> 'client_id', current_setting('djust_auth.client_id'), 'client_id'),
		is(c ->> 'sub', :'ann', 'sub is the uuid, not the address'),
		is((c ->> 'sid')::uuid, (SELECT sid FROM djust_auth.session WHERE user_id = :'ann'), 'sid'),
		ok(length(c ->> 'jti') > 15, 'jti'),
		is((c ->> 'exp')::bigint - (c ->> 'iat')::bigint, 600::bigint, 'ten minutes from iat to exp'),
		ok(abs((c ->> 'iat')::bigint - extract(epoch FROM clock_timestamp())) < 30, 'iat is now'),
		is(jsonb_typeof(c -> 'iat'), 'number', 'iat is a number'),
		ok(c -> 'profiles' @> '["token_buyer"]', 'profiles')
	FROM pg_temp.part(:'at', 2) c;
SELECT ok(strpos(:'at', pg_temp.b64url('ann@')) = 0 AND strpos(pg_temp.part(:'at', 2)::text, 'ann@') = 0, 'no address in the token');

SELECT djust_login('ann@tokens.example', 'Tulips-4-Ann') ->> 'access_token' AS at2 \gset
SELECT isnt(pg_temp.part(:'at2', 2) ->> 'jti', pg_temp.part(:'at', 2) ->> 'jti', 'jti is unique');

SET LOCAL djust_auth.issuer = 'https://login.shop.example';
SET LOCAL djust_auth.audience = 'https://api.shop.example';
SET LOCAL djust_auth.client_id = 'shop';
SET LOCAL djust_auth.jwt_role = 'web_customer';
SELECT djust_auth.open_session(:'ann') ->> 'access_token' AS at3 \gset
SELECT set_eq(format('SELECT jsonb_object_keys(pg_temp.part(%L, 2))', :'at3'), '{iss,aud,sub,client_id,sid,jti,iat,exp,profiles,role,act}'::text[], 'with jwt_role, role is among the claims, and with open_session act');
SELECT is(jsonb_build_array(c -> 'iss', c -> 'aud', c -> 'client_id', c -> 'role'),
		'["https://login.shop.example", "https://api.shop.example", "shop", "web_customer"]'::jsonb, 'and the settings are in them')
	FROM pg_temp.part(:'at3', 2) c;
SELECT is(djust_can(:'at3', '/orders/1', 'read'), true, 'and the token is good');
RESET djust_auth.issuer;
RESET djust_auth.audience;
RESET djust_auth.client_id;
RESET djust_auth.jwt_role;

-- introspection

SELECT djust_introspect(:'at') AS answer \gset
SELECT set_eq(format('SELECT json_object_keys(%L::json)', :'answer'), '{active,sub,username,sid,iat,exp,iss,token_type,profiles}'::text[], 'members of an introspection');
SELECT is(:'answer'::jsonb -> 'active', 'true'::jsonb, 'active'),
		is(:'answer'::json ->> 'username', 'ann@tokens.example', 'username'),
		is(:'answer'::json ->> 'token_type', 'Bearer', 'token_type'),
		ok(:'answer'::jsonb -> 'profiles' @> '["token_buyer"]', 'profiles');
SELECT is(:'answer'::jsonb -> m, pg_temp.part(:'at', 2) -> m, m || ' as in the token') FROM unnest('{sub,sid,iat,exp,iss}'::text[]) m;
SELECT is(djust_introspect(:'at', h, 'any', 'any') ->> 'active', 'true', 'token_type_hint ' || h || ' does no harm')
	FROM unnest('{access_token,refresh_token,nonsense}'::text[]) h;
SELECT is(djust_introspect(t)::jsonb, '{"active": false}', 'introspect ' || quote_literal(t)) FROM unnest('{"",garbage,a.b.c,djr_,djp_}'::text[]) t;
SELECT throws_ok('SELECT djust_introspect(NULL)', '22004', NULL, 'introspect NULL is an error');

-- the key set

SELECT is(jsonb_typeof(djust_jwks()::jsonb -> 'keys'), 'array', 'a JWK set');
SELECT is_empty(
	$$SELECT k FROM jsonb_array_elements(djust_jwks()::jsonb -> 'keys') k WHERE k ?| '{d,p,q,dp,dq,qi,oth,k}'::text[]$$,
	'no private member');
SELECT is(k - '{x,y,use,key_ops}'::text[], jsonb_build_object('kty', 'EC', 'crv', 'P-256', 'alg', 'ES256', 'kid', pg_temp.part(:'at', 1) ->> 'kid'), 'the key of ES256'),
		is(length(k ->> 'x'), 43, 'x'), is(length(k ->> 'y'), 43, 'y')
	FROM jsonb_array_elements(djust_jwks()::jsonb -> 'keys') k;

-- every algorithm; what is retired verifies on

CREATE TEMP TABLE issued (alg text, kid text, token text, refresh text);
INSERT INTO issued VALUES ('first', pg_temp.part(:'at', 1) ->> 'kid', :'at');
DO $$
DECLARE
	a text;
	k text;
	s json;
BEGIN
	FOREACH a IN ARRAY '{HS256,RS256,EdDSA,ES256}'::text[] LOOP
		k := djust_auth.rotate_signing_key(a);
		s := djust_auth.open_session((SELECT id FROM djust_auth.customer_user WHERE email = 'ann@tokens.example'));
		INSERT INTO issued VALUES (a, k, s ->> 'access_token', s ->> 'refresh_token');
	END LOOP;
END $$;
SELECT is(pg_temp.part(token, 1), jsonb_build_object('typ', 'at+jwt', 'alg', alg, 'kid', kid), alg || ': header')
	FROM issued WHERE alg <> 'first';
SELECT is(djust_can(token, '/orders/1', 'read'), true, alg || ': valid') FROM issued;
SELECT is((djust_introspect(token)::jsonb -> 'active'), 'true'::jsonb, alg || ': active') FROM issued;
SELECT is(djust_refresh(refresh) ->> 'token_type', 'Bearer', alg || ': refreshed') FROM issued WHERE alg <> 'first';
SELECT is(djust_can(token, '/orders/1', 'read'), true, alg || ': valid by its signature') FROM issued WHERE alg <> 'first';
SELECT is(djust_can(overlay(token PLACING CASE substr(token, length(token) - 9, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM length(token) - 9), '/orders/1', 'read'), false, alg || ': and by no other') FROM issued WHERE alg <> 'first';
SELECT is(djust_can(split_part(a.token, '.', 1) || '.' || split_part(b.token, '.', 2) || '.' || split_part(b.token, '.', 3), '/orders/1', 'read'), false, format('header of %s before a token of %s', a.alg, b.alg))
	FROM issued a, issued b WHERE a.alg <> b.alg AND 'first' NOT IN (a.alg, b.alg);
SELECT is((SELECT count(DISTINCT kid) FROM issued), 5::bigint, 'every rotation makes a new kid');
SELECT is(CASE WHEN alg = 'HS256' THEN count(k) = 0 ELSE count(k) = 1 END, true, alg || CASE WHEN alg = 'HS256' THEN ': has no public key' ELSE ': its key is in the set' END)
	FROM issued i LEFT JOIN jsonb_array_elements(djust_jwks()::jsonb -> 'keys') k ON k ->> 'kid' = i.kid GROUP BY alg;
SELECT set_eq(format('SELECT jsonb_object_keys(%L::jsonb - ''use'' - ''key_ops'')', k), CASE k ->> 'kty'
			WHEN 'EC' THEN '{kty,crv,x,y,alg,kid}'::text[]
			WHEN 'RSA' THEN '{kty,n,e,alg,kid}'::text[]
			WHEN 'OKP' THEN '{kty,crv,x,alg,kid}'::text[] END, 'members of a key of ' || (k ->> 'alg'))
	FROM jsonb_array_elements(djust_jwks()::jsonb -> 'keys') k;
SELECT is(k ->> 'kty' || coalesce(' ' || (k ->> 'crv'), ''), CASE alg WHEN 'RS256' THEN 'RSA' WHEN 'EdDSA' THEN 'OKP Ed25519' ELSE 'EC P-256' END, alg || ': kind of key')
	FROM issued i JOIN jsonb_array_elements(djust_jwks()::jsonb -> 'keys') k ON k ->> 'kid' = i.kid;
SELECT ok(length(k ->> 'n') >= 342, 'RSA keys have at least 2048 bits') FROM jsonb_array_elements(djust_jwks()::jsonb -> 'keys') k WHERE k ->> 'kty' = 'RSA';

SELECT djust_auth.rotate_signing_key('EdDSA') AS kid1 \gset
SELECT djust_auth.rotate_signing_key() AS kid2 \gset
SELECT isnt(:'kid2'::text, :'kid1', 'a rotation without an algorithm makes a new key');
SELECT is((SELECT algorithm FROM djust_auth.signing_key WHERE kid = :'kid2'), 'EdDSA', 'of the same algorithm');
SELECT is((SELECT count(*) FROM djust_auth.signing_key WHERE verify_until IS NULL), 1::bigint, 'one key is active');
SELECT throws_ok(format('SELECT djust_auth.rotate_signing_key(%L)', a), '22023', NULL, 'algorithm ' || quote_literal(a) || ' is refused')
	FROM unnest('{none,None,es256,HS512,RS512,PS256,"","ES256 "}'::text[]) a;
SELECT is(djust_can(token, '/orders/1', 'read'), true, alg || ': valid after all that') FROM issued;
SELECT is((SELECT count(*) FROM djust_auth.signing_key k JOIN issued i USING (kid) WHERE k.verify_until > clock_timestamp() + interval '9 minutes'), 5::bigint,
	'retired keys verify until the last token has expired');
SELECT djust_auth.purge();
SELECT is((SELECT count(*) FROM djust_auth.signing_key k JOIN issued i USING (kid)), 5::bigint, 'a purge leaves them');
SELECT ok(bool_and(position(decode(rpad(t, (length(t) + 3) / 4 * 4, '='), 'base64') IN k.private_key) = 0), 'a private key is not in the table in clear, with its public half')
	FROM djust_auth.signing_key k, jsonb_array_elements(djust_jwks()::jsonb -> 'keys') j, translate(coalesce(j ->> 'n', j ->> 'x'), '-_', '+/') t
	WHERE j ->> 'kid' = k.kid;

-- everything that is not that token

CREATE TEMP TABLE bad (what text, token text);
INSERT INTO bad
	SELECT 'character ' || i || ' changed', overlay(:'at' PLACING CASE WHEN substr(:'at', i, 1) = 'A' THEN 'B' ELSE 'A' END FROM i)
	FROM generate_series(1, length(:'at')) i WHERE i % 7 = 0 OR i > length(:'at') - 3;
SELECT split_part(:'at', '.', 1) AS h, split_part(:'at', '.', 2) AS p, split_part(:'at', '.', 3) AS s \gset
INSERT INTO bad VALUES
	('empty', ''), ('a word', 'garbage'), ('dots', '..'), ('a dot', '.'), ('three dots', '...'),
	('no signature', :'h' || '.' || :'p'), ('empty signature', :'h' || '.' || :'p' || '.'),
	('a fourth part', :'at' || '.'), ('a fourth part with text', :'at' || '.' || :'s'), ('a leading dot', '.' || :'at'),
	('a double dot', :'h' || '..' || :'p' || '.' || :'s'), ('five parts (JWE)', :'at' || '.x.y'),
	('no header', '.' || :'p' || '.' || :'s'), ('no payload', :'h' || '..' || :'s'),
	('blank behind', :'at' || ' '), ('blank before', ' ' || :'at'), ('newline', :'at' || E'\n'), ('padding', :'at' || '='),
	('scheme before', 'Bearer ' || :'at'), ('upper case', upper(:'at')),
	('signature of another token', :'h' || '.' || :'p' || '.' || split_part(:'at2', '.', 3)),
	('payload of another token', :'h' || '.' || split_part(:'at2', '.', 2) || '.' || :'s'),
	('header of another key', split_part((SELECT token FROM issued WHERE alg = 'ES256'), '.', 1) || '.' || :'p' || '.' || :'s'),
	('header of another algorithm', split_part((SELECT token FROM issued WHERE alg = 'HS256'), '.', 1) || '.' || :'p' || '.' || :'s'),
	('alg none, no signature', pg_temp.b64url('{"typ":"at+jwt","alg":"none"}') || '.' || :'p' || '.'),
	('alg HS256 with this kid', pg_temp.b64url(jsonb_set(pg_temp.part(:'at', 1), '{alg}', '"HS256"')::text) || '.' || :'p' || '.' || :'s'),
	('kid unknown', pg_temp.b64url(jsonb_set(pg_temp.part(:'at', 1), '{kid}', '"unknown"')::text) || '.' || :'p' || '.' || :'s'),
	('the same header, spelt otherwise', pg_temp.b64url(pg_temp.part(:'at', 1)::text || ' ') || '.' || :'p' || '.' || :'s'),
	('a later exp', :'h' || '.' || pg_temp.b64url(jsonb_set(pg_temp.part(:'at', 2), '{exp}', '9999999999')::text) || '.' || :'s'),
	('another sub', :'h' || '.' || pg_temp.b64url(jsonb_set(pg_temp.part(:'at', 2), '{sub}', to_jsonb(gen_random_uuid()))::text) || '.' || :'s'),
	('the same claims, spelt otherwise', :'h' || '.' || pg_temp.b64url(pg_temp.part(:'at', 2)::text) || '.' || :'s'),
	('long', repeat('a', 100000)), ('long and dotted', repeat('a.', 50000)), ('not ASCII', 'ä.ö.ü'), ('percent', '%00.%00.%00'),
	('refresh token', :'rt');
SELECT is(djust_can(token, '/orders/1', 'read'), false, 'no right with: ' || what) FROM bad WHERE what NOT LIKE 'character%' OR token <> :'at';
SELECT is_empty($$SELECT what, djust_introspect(token, 'access_token') FROM bad WHERE what <> 'refresh token' AND djust_introspect(token, 'access_token')::jsonb <> '{"active": false}'$$,
	'and none is active');
SELECT is_empty($$SELECT what FROM bad WHERE djust_sessions(token)::text <> '[]'$$, 'nor lists sessions');
SELECT is(djust_can(:'at', '/orders/1', 'read'), true, 'while the token itself is good');

-- one kind of token for one purpose

SELECT djust_login('ann@tokens.example', 'wrong') AS refused \gset
SELECT is(djust_refresh(:'at')::text, :'refused', 'an access token does not refresh');
SELECT is(djust_reset_confirm(:'at', 'Tulips-5-Ann')::json ->> 'error', 'invalid_grant', 'nor does it confirm a reset');
SELECT is(djust_reset_confirm(:'rt', 'Tulips-5-Ann')::json ->> 'error', 'invalid_grant', 'nor does a refresh token');
SELECT is(djust_change_password(:'rt', 'Tulips-4-Ann', 'Tulips-5-Ann') ->> 'error', 'invalid_grant', 'a refresh token changes no password');
SELECT is(djust_end_session(:'rt'), 0, 'and ends no session');
SELECT djust_reset_request('ann@tokens.example');
SELECT substring(body_text FROM 'djp_[A-Za-z0-9_-]+') AS reset FROM djust_auth.claim_mail() WHERE recipient = 'ann@tokens.example' \gset
SELECT is(djust_can(:'reset', '/orders/1', 'read'), false, 'a reset token gives no right');
SELECT is(djust_introspect(:'reset')::jsonb, '{"active": false}', 'is not active');
SELECT is(djust_refresh(:'reset')::text, :'refused', 'does not refresh');
SELECT is(djust_logout(:'reset'), false, 'logs nobody out');
SELECT is(djust_end_session(:'reset'), 0, 'ends no session');
SELECT is(djust_sessions(:'reset')::text, '[]', 'lists none');
SELECT is(djust_change_password(:'reset', 'Tulips-4-Ann', 'Tulips-5-Ann') ->> 'error', 'invalid_grant', 'and changes no password');
SELECT is(djust_reset_confirm('djr_' || substr(:'reset', 5), 'Tulips-5-Ann') ->> 'error', 'invalid_grant', 'a prefix is part of the token');

-- a token whose login was rolled back was never valid

SAVEPOINT login;
SELECT djust_login('ann@tokens.example', 'Tulips-4-Ann') AS answer \gset
SELECT :'answer'::json ->> 'access_token' AS gone, :'answer'::json ->> 'refresh_token' AS gone_rt \gset
SELECT is(djust_can(:'gone', '/orders/1', 'read'), true, 'good within its transaction');
ROLLBACK TO login;
SELECT is(djust_can(:'gone', '/orders/1', 'read'), false, 'a token whose login was rolled back is dead');
SELECT is(djust_refresh(:'gone_rt')::text, :'refused', 'so is its refresh token');

-- a rotation that was rolled back leaves no trace

SELECT kid AS active_kid FROM djust_auth.signing_key WHERE verify_until IS NULL \gset
SAVEPOINT rotation;
SELECT djust_auth.rotate_signing_key('RS256') AS gone_kid \gset
SELECT djust_auth.open_session(:'ann') ->> 'access_token' AS gone \gset
SELECT is(pg_temp.part(:'gone', 1) ->> 'kid', :'gone_kid', 'signed with the new key');
ROLLBACK TO rotation;
SELECT is(djust_can(:'gone', '/orders/1', 'read'), false, 'which was rolled back, with the session');
SELECT ok(strpos(djust_jwks()::text, :'gone_kid') = 0, 'and is in no key set');
SELECT djust_auth.open_session(:'ann') AS answer \gset
SELECT is(pg_temp.part(:'answer'::json ->> 'access_token', 1) ->> 'kid', :'active_kid', 'the key of before signs again');
SELECT is(djust_refresh(:'answer'::json ->> 'refresh_token') ->> 'token_type', 'Bearer', 'its session refreshed');
SELECT is(djust_can(:'answer'::json ->> 'access_token', '/orders/1', 'read'), true, 'the signature is good');

-- names that need care in JSON, and many profiles

SELECT djust_auth.create_profile(n) FROM unnest(ARRAY['token "quoted" \\ back', 'tökens 😀', 'token </script>']) n \g /dev/null
SELECT djust_auth.create_user('care@tokens.example', NULL, ARRAY['token "quoted" \\ back', 'tökens 😀', 'token </script>']) AS care \gset
SET LOCAL djust_auth.jwt_role = 'web "cust\omer"';
SET LOCAL djust_auth.issuer = 'https://login.example/"\a';
SELECT djust_auth.open_session(:'care') AS answer \gset
SELECT ok(c -> 'profiles' @> to_jsonb(ARRAY['token "quoted" \\ back', 'tökens 😀', 'token </script>']), 'profiles are escaped in claims'), is(c ->> 'role', 'web "cust\omer"', 'role too'), is(c ->> 'iss', 'https://login.example/"\a', 'and iss')
	FROM pg_temp.part(:'answer'::json ->> 'access_token', 2) c;
SELECT ok(djust_introspect(:'answer'::json ->> 'access_token')::jsonb -> 'profiles' @> to_jsonb(ARRAY['token "quoted" \\ back', 'tökens 😀', 'token </script>']), 'and in an introspection');
SELECT is(djust_refresh(:'answer'::json ->> 'refresh_token') ->> 'token_type', 'Bearer', 'refreshed'), is(djust_introspect(:'answer'::json ->> 'access_token') ->> 'active', 'true', 'the token is good by its signature');
RESET djust_auth.jwt_role;
RESET djust_auth.issuer;
INSERT INTO djust_auth.profile SELECT 'token_' || rpad(i::text, 34, 'x') FROM generate_series(1, 100) i;
INSERT INTO djust_auth.profile_right SELECT 'token_' || rpad('99', 34, 'x'), '/crowd', 'read';
SELECT djust_auth.create_user('many@tokens.example', 'Tulips-4-Ann', (SELECT array_agg(name) FROM djust_auth.profile WHERE name LIKE 'token\_%x')) AS many \gset
SELECT lives_ok($$SELECT djust_login('many@tokens.example', 'Tulips-4-Ann')$$, 'a user of a hundred profiles logs in');
CREATE FUNCTION pg_temp.may_many(u uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	s json := djust_auth.open_session(u);
BEGIN
	RETURN djust_can(s ->> 'access_token', '/crowd', 'read') AND djust_refresh(s ->> 'refresh_token') ->> 'token_type' = 'Bearer' AND djust_can(s ->> 'access_token', '/crowd', 'read');
END $$;
SELECT is(pg_temp.may_many(:'many'), true, 'and has rights');

-- a token of before a refresh lives on; so does it after a rotation

SELECT djust_refresh(:'rt') ->> 'access_token' AS newer \gset
SELECT is(djust_can(:'at', '/orders/1', 'read'), true, 'a token of before the refresh is valid');
SELECT is(djust_can(:'newer', '/orders/1', 'read'), true, 'so is the new one');
SELECT djust_auth.rotate_signing_key('ES256') IS NOT NULL AS rotated \g /dev/null
SELECT is(djust_can(:'at', '/orders/1', 'read'), true, 'also after a rotation');
SELECT is_empty($$SELECT what FROM bad WHERE what <> 'refresh token' AND djust_can(token, '/orders/1', 'read')$$, 'and still nothing else is');

-- expiry, to the second

SET LOCAL djust_auth.access_token_lifetime = '1s';
SELECT djust_auth.open_session(:'ann') AS answer, clock_timestamp() AS t0 \gset
SELECT :'answer'::json ->> 'access_token' AS at, :'answer'::json ->> 'refresh_token' AS rt \gset
SELECT is(:'answer'::json ->> 'expires_in', '1', 'expires_in follows the setting');
SELECT is((c ->> 'exp')::bigint - (c ->> 'iat')::bigint, 1::bigint, 'so does exp') FROM pg_temp.part(:'at', 2) c;
SELECT ok(djust_can(:'at', '/orders/1', 'read') OR clock_timestamp() >= :'t0'::timestamptz + interval '0.9 s', 'the token is good at once');
SELECT pg_sleep(1.05);
SELECT is(djust_can(:'at', '/orders/1', 'read'), false, 'and dead after a second');
SELECT is(djust_introspect(:'at')::jsonb, '{"active": false}', 'also for introspection');
SELECT is(djust_sessions(:'at')::text, '[]', 'and for sessions');
SET LOCAL djust_auth.access_token_lifetime = '2s';
SELECT djust_refresh(:'rt') AS answer \gset
SELECT :'answer'::json ->> 'access_token' AS older, :'answer'::json ->> 'refresh_token' AS rt \gset
SELECT djust_refresh(:'rt') AS answer \gset
SELECT :'answer'::json ->> 'access_token' AS newer \gset
SELECT is(djust_can(:'older', '/orders/1', 'read'), true, 'two tokens of one session: the older is good'), is(djust_can(:'newer', '/orders/1', 'read'), true, 'and the newer');
SELECT pg_sleep(2.05);
SELECT is(djust_can(:'older', '/orders/1', 'read'), false, 'after two seconds the older is dead'), is(djust_can(:'newer', '/orders/1', 'read'), false, 'and the newer');
RESET djust_auth.access_token_lifetime;

-- no token outlives the session

SET LOCAL djust_auth.session_max_lifetime = '2s';
SELECT djust_auth.open_session(:'ann') AS answer \gset
SELECT :'answer'::json ->> 'access_token' AS at, :'answer'::json ->> 'refresh_token' AS rt \gset
SELECT ok((:'answer'::json ->> 'refresh_expires_in')::int BETWEEN 1 AND 2, 'refresh_expires_in ends with the session');
SELECT ok((:'answer'::json ->> 'expires_in')::int BETWEEN 1 AND 2, 'expires_in ends with the session');
SELECT ok((c ->> 'exp')::bigint - (c ->> 'iat')::bigint <= 2, 'so does exp') FROM pg_temp.part(:'at', 2) c;
SELECT pg_sleep(1);
SELECT djust_refresh(:'rt') AS answer \gset
SELECT :'answer'::json ->> 'access_token' AS at2, :'answer'::json ->> 'refresh_token' AS rt2 \gset
SELECT is(:'answer'::json ->> 'token_type', 'Bearer', 'a refresh within that time is good');
SELECT ok((:'answer'::json ->> 'expires_in')::int <= 1, 'but adds nothing');
SELECT pg_sleep(1.1);
SELECT is(djust_can(:'at', '/orders/1', 'read'), false, 'then the first token is dead'), is(djust_can(:'at2', '/orders/1', 'read'), false, 'and the second');
SELECT is(djust_refresh(:'rt2')::text, :'refused', 'and the refresh token');
RESET djust_auth.session_max_lifetime;

-- however many profiles a user has, there is a token: beyond 2 kB of names without the claim

SELECT djust_auth.create_profile('crowd-' || lpad(i::text, 14, '0')) FROM generate_series(1, 300) i;
SELECT djust_auth.set_right('crowd-' || lpad('300', 14, '0'), '/crowd', 'read');
SELECT djust_auth.create_user('crowd@tokens.example', 'Tulips-4-Ann', ARRAY(SELECT 'crowd-' || lpad(i::text, 14, '0') FROM generate_series(1, 102) i)) AS many \gset
SELECT djust_login('crowd@tokens.example', 'Tulips-4-Ann') ->> 'access_token' AS at \gset
SELECT is(jsonb_array_length(convert_from(decode(rpad(t, (length(t) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb -> 'profiles'), 102, '2,040 bytes of names are a claim')
	FROM translate(split_part(:'at', '.', 2), '-_', '+/') t;
INSERT INTO djust_auth.user_profile SELECT :'many', 'crowd-' || lpad(i::text, 14, '0') FROM generate_series(103, 300) i;
SELECT djust_login('crowd@tokens.example', 'Tulips-4-Ann') AS tokens \gset
SELECT is(:'tokens'::json ->> 'token_type', 'Bearer', 'with 300 profiles of 20 characters a login works');
SELECT ok(NOT convert_from(decode(rpad(t, (length(t) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb ? 'profiles', 'without the claim')
	FROM translate(split_part(:'tokens'::json ->> 'access_token', '.', 2), '-_', '+/') t;
SELECT is(djust_can(:'tokens'::json ->> 'access_token', '/crowd', 'read'), true, 'and all of them count');
SELECT is(json_array_length(djust_introspect(:'tokens'::json ->> 'access_token') -> 'profiles'), 300, 'and introspection tells them');

SELECT * FROM finish();
ROLLBACK;
