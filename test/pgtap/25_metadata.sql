-- 25_metadata: RFC 8414 metadata, from the settings and from nothing else

BEGIN;
SELECT plan(20);

CREATE FUNCTION pg_temp.base(issuer text, api_url text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT set_config('djust_auth.issuer', issuer, true), set_config('djust_auth.api_url', api_url, true);
	SELECT split_part(djust_metadata() ->> 'token_endpoint', '/rpc/', 1);
$$;

SELECT throws_ok(format('SELECT pg_temp.base(%L)', issuer), '55000', 'djust_auth.issuer is not a URL, so there is no metadata', 'no metadata for issuer ' || issuer)
	FROM unnest(ARRAY['djust_auth', 'shop.example', 'http://shop.example', 'https://shop.example?x=1', 'https://shop.example#x', 'https://user@shop.example', 'https://shop.example/"x']) issuer;
SELECT is(pg_temp.base('https://shop.example'), 'https://shop.example', 'endpoints are below the issuer');
SELECT is(pg_temp.base('https://shop.example/'), 'https://shop.example', 'with or without a slash at its end');
SELECT is(pg_temp.base('https://shop.example', 'https://shop.example/api'), 'https://shop.example/api', 'or below api_url');
SELECT is(pg_temp.base('https://shop.example', 'https://api.shop.example:8443/'), 'https://api.shop.example:8443', 'the same of its slash');
SELECT is(djust_metadata() ->> 'issuer', 'https://shop.example', 'the issuer is that of the tokens, as it is set');

SELECT set_config('djust_auth.api_url', 'https://shop.example/api', true) \g /dev/null
SELECT is(djust_metadata()::jsonb, '{
	"issuer": "https://shop.example",
	"token_endpoint": "https://shop.example/api/rpc/djust_token",
	"revocation_endpoint": "https://shop.example/api/rpc/djust_logout",
	"introspection_endpoint": "https://shop.example/api/rpc/djust_introspect",
	"jwks_uri": "https://shop.example/api/rpc/djust_jwks",
	"grant_types_supported": ["password", "refresh_token"],
	"response_types_supported": [],
	"token_endpoint_auth_methods_supported": ["none"],
	"revocation_endpoint_auth_methods_supported": ["none"],
	"introspection_endpoint_auth_methods_supported": ["Bearer"]}', 'the whole of it');

SELECT djust_auth.create_user('ann@metadata.example', 'Tulips-4-Ann') IS NOT NULL AS made \g /dev/null
SELECT is(djust_token(grant_type, 'ann@metadata.example', 'Tulips-4-Ann', 'djr_x') ->> 'error', CASE grant_type WHEN 'password' THEN NULL ELSE 'invalid_grant' END,
		'djust_token knows the grant ' || grant_type)
	FROM json_array_elements_text(djust_metadata() -> 'grant_types_supported') grant_type;
SELECT is(djust_introspect(djust_login('ann@metadata.example', 'Tulips-4-Ann') ->> 'access_token') ->> 'iss', djust_metadata() ->> 'issuer', 'tokens name this issuer');

SELECT set_config('request.headers', '{"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}', true),
	set_config('request.path', '/evil', true), set_config('request.method', 'GET', true) \g /dev/null
SELECT unalike(djust_metadata()::text, '%evil%', 'nothing comes from the request');
SELECT set_config('request.method', '', true) \g /dev/null

CREATE ROLE pgtap_nobody;
CREATE ROLE pgtap_anonymous;
SELECT djust_auth.grant_api('pgtap_anonymous', 'anonymous') \g /dev/null
SET LOCAL ROLE pgtap_nobody;
SELECT throws_ok('SELECT djust_metadata()', '42501', NULL, 'not for everybody');
SET LOCAL ROLE pgtap_anonymous;
SELECT is(djust_metadata() ->> 'issuer', 'https://shop.example', 'but for anonymous callers');
RESET ROLE;
SET LOCAL transaction_read_only = on;
SELECT is(djust_metadata() ->> 'issuer', 'https://shop.example', 'in a read-only transaction, as a GET is one');

SELECT * FROM finish();
ROLLBACK;
