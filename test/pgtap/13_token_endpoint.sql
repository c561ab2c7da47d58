-- 13_token_endpoint: djust_token, for OAuth2 clients off the shelf

BEGIN;
\pset fieldsep '\n'
SELECT plan(38);

SELECT djust_auth.create_user('ann@token.example', 'Tulips-4-Ann') AS ann \gset
SELECT djust_login('ann@token.example', 'wrong') AS refused \gset

-- grant password

SELECT djust_token('password', 'ann@token.example', 'Tulips-4-Ann') AS answer \gset
SELECT ok(:'answer'::jsonb ?& '{access_token,token_type,expires_in,refresh_token}'::text[], 'password: tokens');
SELECT is(:'answer'::jsonb - '{access_token,refresh_token}'::text[] @> '{"token_type": "Bearer", "expires_in": 600}', true, 'and their values');
SELECT is(djust_introspect(:'answer'::json ->> 'access_token') ->> 'sub', :'ann', 'of that user');
SELECT is(djust_token(grant_type => 'password', username => ' ANN@token.example', password => 'Tulips-4-Ann', scope => 'openid', client_id => current_setting('djust_auth.client_id')) ->> 'token_type', 'Bearer', 'with scope and client_id');
SELECT is(djust_token('password', 'ann@token.example', 'Tulips-4-Anna')::jsonb, :'refused'::jsonb, 'a wrong password: as at login');
SELECT is(djust_token('password', 'nobody@token.example', 'Tulips-4-Ann')::jsonb, :'refused'::jsonb, 'an unknown user: as at login');

-- grant refresh_token

SELECT djust_token('refresh_token', refresh_token => :'answer'::json ->> 'refresh_token') AS next \gset
SELECT is(:'next'::json ->> 'token_type', 'Bearer', 'refresh_token: tokens');
SELECT isnt(:'next'::json ->> 'refresh_token', :'answer'::json ->> 'refresh_token', 'rotated');
SELECT is(djust_token('refresh_token', refresh_token => :'answer'::json ->> 'refresh_token') ->> 'refresh_token', :'next'::json ->> 'refresh_token', 'the same successor within the grace');
SELECT is(djust_refresh(:'next'::json ->> 'refresh_token') ->> 'token_type', 'Bearer', 'which is good for djust_refresh as well');
SELECT is(djust_token('refresh_token', refresh_token => t)::jsonb, :'refused'::jsonb, 'a dead refresh token: ' || quote_literal(left(t, 8))) FROM unnest(ARRAY['garbage', :'next'::json ->> 'access_token', 'djr_' || repeat('A', 70)]) t;
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 2::bigint, 'two sessions came of it');

-- other grants, missing parameters

SELECT is(djust_token(g, 'ann@token.example', 'Tulips-4-Ann') ->> 'error', 'unsupported_grant_type', 'grant_type ' || quote_literal(g))
	FROM unnest('{client_credentials,authorization_code,Password,PASSWORD," password",urn:ietf:params:oauth:grant-type:jwt-bearer,implicit}'::text[]) g;
SELECT is(a ->> 'error', 'invalid_request', w), ok(length(a ->> 'error_description') > 0, 'with a description') FROM (VALUES
	('password without both', djust_token('password')), ('without a password', djust_token('password', 'ann@token.example')), ('without a username', djust_token('password', password => 'Tulips-4-Ann')),
	('refresh_token without it', djust_token('refresh_token')), ('refresh_token with a password instead', djust_token('refresh_token', 'ann@token.example', 'Tulips-4-Ann'))) x(w, a);
SELECT throws_ok('SELECT djust_token(NULL)', '22004', NULL, 'grant_type NULL is an error');

-- HTTP

CREATE FUNCTION pg_temp.http(answer json, OUT status text, OUT headers text) LANGUAGE plpgsql AS $$
BEGIN
	status := current_setting('response.status', true);
	headers := current_setting('response.headers', true);
	PERFORM set_config('response.status', '', true), set_config('response.headers', '', true);
END $$;
SELECT coalesce(current_setting('response.status', true), '') || coalesce(current_setting('response.headers', true), '') AS silent \gset
SELECT is(:'silent'::text, '', 'outside HTTP nothing is set');
SELECT set_config('request.method', 'POST', true) \g /dev/null
SELECT ok(coalesce(r.status, '') IN ('', '200') AND r.headers::jsonb @> '[{"Cache-Control": "no-store"}]', 'tokens: no-store')
	FROM pg_temp.http(djust_token('password', 'ann@token.example', 'Tulips-4-Ann')) r;
SELECT is(r.status, '400', 'invalid_grant is 400') FROM pg_temp.http(djust_token('password', 'ann@token.example', 'wrong')) r;
SELECT is(r.status, '400', 'so is a dead refresh token') FROM pg_temp.http(djust_token('refresh_token', refresh_token => 'garbage')) r;
SELECT is(r.status, '400', 'and unsupported_grant_type') FROM pg_temp.http(djust_token('nonsense')) r;
SELECT is(r.status, '400', 'and invalid_request') FROM pg_temp.http(djust_token('password')) r;

SELECT * FROM finish();
ROLLBACK;
