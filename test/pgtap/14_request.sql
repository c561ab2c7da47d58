-- 14_request: what PostgREST says and is told

BEGIN;
\pset fieldsep '\n'
SELECT plan(224);

CREATE FUNCTION pg_temp.request(method text, path text, bearer text, more jsonb DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
	SELECT set_config('request.method', method, true), set_config('request.path', path, true),
		set_config('request.headers', (jsonb_strip_nulls(jsonb_build_object('accept', '*/*', 'authorization', 'Bearer ' || bearer)) || more)::text, true),
		set_config('response.status', '', true), set_config('response.headers', '', true)
$$;
CREATE FUNCTION pg_temp.refusal(sql text, OUT state text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	state := 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END $$;
-- status and WWW-Authenticate as PostgREST reads them from an error of SQLSTATE PGRST
CREATE FUNCTION pg_temp.pre_request() RETURNS text LANGUAGE sql AS $$
	SELECT CASE state WHEN 'none' THEN 'passed' WHEN 'PGRST' THEN concat_ws(' ', detail::json ->> 'status', detail::json #>> '{headers,WWW-Authenticate}') ELSE state || ' ' || message END
	FROM pg_temp.refusal('SELECT djust_pre_request()')
$$;

SELECT djust_auth.create_profile('h_buyer');
SELECT djust_auth.set_right('h_buyer', '/orders', 'write');
SELECT djust_auth.set_right('h_buyer', '/invoices/**', 'read');
SELECT djust_auth.set_right('anonymous', '/products/**', 'read');
SELECT djust_auth.create_user('ann@request.example', 'Tulips-4-Ann', '{h_buyer}') AS ann \gset
SELECT djust_auth.create_user('bob@request.example', 'Daisies-4-Bob') AS bob \gset
SELECT djust_auth.open_session(:'ann') AS s \gset
SELECT djust_auth.open_session(:'bob') ->> 'access_token' AS b \gset
SELECT :'s'::json ->> 'access_token' AS a \gset

-- outside HTTP

SELECT is(djust_request_user(), NULL, 'no request, no user'), is(djust_request_can('/products/1', 'read'), true, 'but the rights of anonymous'), is(djust_request_can('/orders', 'read'), false, 'and no others');
SELECT lives_ok('SELECT djust_pre_request()', 'pre-request outside HTTP');

-- the bearer

SELECT pg_temp.request('GET', '/orders', :'a');
SELECT is(djust_request_user(), :'ann', 'the bearer'), is(djust_request_can('/orders', 'write'), true, 'with the rights of the profiles'), is(djust_request_can('/invoices/1', 'POST'), false, 'and no others'), is(djust_request_can('/products/1', 'GET'), true, 'and those of anonymous');
SELECT pg_temp.request('GET', '/orders', :'b');
SELECT is(djust_request_user(), :'bob', 'another bearer'), is(djust_request_can('/orders', 'read'), false, 'without that right');
SELECT set_config('request.headers', json_build_object('authorization', 'bearer ' || :'a')::text, true) \g /dev/null
SELECT is(djust_request_user(), :'ann', 'the scheme in lower case');
SELECT pg_temp.request('GET', '/orders', NULL);
SELECT is(djust_request_user(), NULL, 'no bearer: nobody'), is(djust_request_can('/products/1', 'read'), true, 'who is anonymous'), is(djust_request_can('/orders', 'read'), false, 'and no more');

CREATE TEMP TABLE header (what text, headers text);
INSERT INTO header VALUES ('dead bearer', '{"authorization": "Bearer garbage"}'), ('empty bearer', '{"authorization": "Bearer "}'), ('refresh token', json_build_object('authorization', 'Bearer ' || (:'s'::json ->> 'refresh_token'))),
	('blank behind', json_build_object('authorization', 'Bearer ' || :'a' || ' x')), ('two tokens', json_build_object('authorization', 'Bearer ' || :'a' || ', Bearer ' || :'b')),
	('token without a scheme', json_build_object('authorization', :'a')), ('Basic', '{"authorization": "Basic YW5uOng="}'), ('a number', '{"authorization": 1}'), ('null', '{"authorization": null}'), ('a list', json_build_object('authorization', json_build_array('Bearer ' || :'a'))),
	('no object', '[]'), ('JSON null', 'null'), ('empty', '');
SELECT is((SELECT djust_request_user() FROM set_config('request.headers', headers, true)), NULL, what || ': nobody'), is((SELECT djust_request_can('/orders', 'read') FROM set_config('request.headers', headers, true)), false, what || ': no right') FROM header;

-- what any role can set is not trusted

SELECT pg_temp.request('GET', '/orders', NULL);
SELECT set_config('request.jwt.claims', json_build_object('sub', :'ann', 'role', 'postgres', 'profiles', json_build_array('h_buyer'), 'exp', 9999999999)::text, true) \g /dev/null
SELECT is(djust_request_user(), NULL, 'forged request.jwt.claims: nobody'), is(djust_request_can('/orders', 'read'), false, 'no right');
SELECT pg_temp.request('GET', '/orders', :'b');
SELECT is(djust_request_user(), :'bob', 'beside a good bearer they count nothing'), is(djust_request_can('/orders', 'read'), false, 'nor in rights');
SELECT set_config('request.jwt.claim.sub', :'ann', true) \g /dev/null
SELECT is(djust_request_user(), :'bob', 'nor in the older spelling');

-- the access word and NULL

SELECT throws_ok($$SELECT djust_request_can('/orders', 'nonsense')$$, '22023', NULL, 'unknown access word'), throws_ok($$SELECT djust_request_can(NULL, 'read')$$, '22004', NULL, 'route NULL'), throws_ok($$SELECT djust_request_can('/orders', NULL)$$, '22004', NULL, 'access NULL');

-- row level security

CREATE TABLE public.pgtap_order (id int, owner uuid);
INSERT INTO public.pgtap_order VALUES (1, :'ann'), (2, :'ann'), (3, :'bob');
ALTER TABLE public.pgtap_order ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.pgtap_order USING (owner = djust_request_user());
CREATE ROLE pgtap_web;
GRANT SELECT ON public.pgtap_order TO pgtap_web;
SELECT djust_auth.grant_api('pgtap_web', 'customer');
SELECT pg_temp.request('GET', '/pgtap_order', :'a');
SET LOCAL ROLE pgtap_web;
SELECT array_agg(id ORDER BY id)::text AS orders FROM public.pgtap_order \gset
RESET ROLE;
SELECT is(:'orders'::text, '{1,2}', 'row level security: the bearer sees their own rows');
SELECT pg_temp.request('GET', '/pgtap_order', :'b');
SET LOCAL ROLE pgtap_web;
SELECT array_agg(id ORDER BY id)::text AS orders FROM public.pgtap_order \gset
RESET ROLE;
SELECT is(:'orders'::text, '{3}', 'another bearer theirs');
SELECT pg_temp.request('GET', '/pgtap_order', NULL);
SET LOCAL ROLE pgtap_web;
SELECT count(*) AS orders FROM public.pgtap_order \gset
RESET ROLE;
SELECT is(:orders, 0, 'nobody none');

-- pre-request

SELECT pg_temp.request('GET', '/anything', NULL);
SELECT is(pg_temp.pre_request(), 'passed', 'pre-request without a bearer');
SELECT pg_temp.request('GET', '/anything', :'a');
SELECT is(pg_temp.pre_request(), 'passed', 'with a live one');
SELECT pg_temp.request('GET', '/anything', :'a', jsonb_build_object('authorization', E'Bearer\t' || :'a'));
SELECT is(djust_request_user(), :'ann', 'white space is what PostgREST takes for it');
SELECT pg_temp.request('GET', '/anything', NULL, '{"authorization": "Bearer"}');
SELECT is(pg_temp.pre_request(), '401 Bearer realm="djust_auth", error="invalid_token"', 'a scheme without a token');
SELECT djust_introspect(:'a') ->> 'sid' AS a_sid, djust_introspect(:'b') ->> 'sid' AS b_sid \gset
SELECT set_config('request.jwt.claims', json_build_object('sid', :'a_sid')::text, true) \g /dev/null
SELECT pg_temp.request('GET', '/anything', :'a');
SELECT is(pg_temp.pre_request(), 'passed', 'claims of the bearer''s session');
SELECT pg_temp.request('GET', '/anything', :'b');
SELECT is(pg_temp.pre_request(), '401 Bearer realm="djust_auth", error="invalid_token"', 'claims of another session');
SELECT pg_temp.request('GET', '/anything', NULL);
SELECT is(pg_temp.pre_request(), '401 Bearer realm="djust_auth", error="invalid_token"', 'claims of a session without a bearer');
SELECT set_config('request.jwt.claims', '{"role": "web_anon"}', true) \g /dev/null
SELECT is(pg_temp.pre_request(), 'passed', 'claims of nobody');
SELECT set_config('request.jwt.claims', '', true) \g /dev/null
SELECT pg_temp.request('GET', '/anything', 'garbage');
SELECT is(pg_temp.pre_request(), '401 Bearer realm="djust_auth", error="invalid_token"', 'with a dead one');
SELECT is((r.message::json ->> 'code') IS NOT NULL AND (r.message::json ->> 'message') IS NOT NULL, true, 'the message is the object PostgREST wants') FROM pg_temp.refusal('SELECT djust_pre_request()') r;
SELECT pg_temp.request('GET', '/anything', :'s'::json ->> 'refresh_token');
SELECT is(pg_temp.pre_request(), '401 Bearer realm="djust_auth", error="invalid_token"', 'with a refresh token');
SELECT djust_auth.open_session(:'ann') ->> 'access_token' AS gone \gset
SELECT pg_temp.request('GET', '/anything', :'gone');
SELECT is(pg_temp.pre_request(), 'passed', 'before the logout');
SELECT djust_logout(:'gone');
SELECT is(pg_temp.pre_request(), '401 Bearer realm="djust_auth", error="invalid_token"', 'after it');
SELECT is(djust_request_user(), NULL, 'and no user');

-- routes

SET LOCAL djust_auth.enforce_routes = on;
CREATE FUNCTION pg_temp.asked(method text, path text, bearer text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.request(method, path, bearer);
	RETURN pg_temp.pre_request();
END $$;
SELECT is(pg_temp.asked(m, p, CASE u WHEN 'ann' THEN :'a' WHEN 'bob' THEN :'b' END), 'passed', format('%s %s as %s passes', m, p, u))
	FROM (VALUES
		('GET', '/orders', 'ann'), ('HEAD', '/orders', 'ann'), ('OPTIONS', '/orders', 'ann'), ('POST', '/orders', 'ann'), ('PATCH', '/orders', 'ann'), ('PUT', '/orders', 'ann'), ('DELETE', '/orders', 'ann'),
		('GET', '/invoices/1', 'ann'), ('GET', '/products/1', 'ann'), ('GET', '/products/1', 'bob'), ('GET', '/products/1', 'nobody')) x(m, p, u);
SELECT matches(pg_temp.asked(m, p, CASE u WHEN 'ann' THEN :'a' WHEN 'bob' THEN :'b' END), '^' || e || '( |$)', format('%s %s as %s: %s', m, p, u, e))
	FROM (VALUES
		('POST', '/invoices/1', 'ann', '403'), ('DELETE', '/invoices/1', 'ann', '403'), ('GET', '/nothing', 'ann', '403'), ('GET', '/invoices/../orders', 'ann', '403'), ('GET', '', 'ann', '403'),
		('GET', '/orders', 'bob', '403'), ('POST', '/products/1', 'bob', '403'),
		('GET', '/orders', 'nobody', '401'), ('POST', '/products/1', 'nobody', '401'), ('GET', '/nothing', 'nobody', '401')) x(m, p, u, e);
SELECT isnt(pg_temp.asked(m, '/orders', :'a'), 'passed', 'an unknown method is refused: ' || m) FROM unnest('{TRACE,CONNECT,get,PROPFIND}'::text[]) m;
SELECT pg_temp.request('GET', '/products/1', 'garbage');
SELECT is(pg_temp.pre_request(), '401 Bearer realm="djust_auth", error="invalid_token"', 'a dead bearer is not anonymous');
SET LOCAL djust_auth.enforce_routes = off;

-- answers

CREATE FUNCTION pg_temp.http(answer anyelement) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r text := concat_ws(' ', nullif(current_setting('response.status', true), ''), nullif(current_setting('response.headers', true), '')::jsonb::text);
BEGIN
	PERFORM set_config('response.status', '', true), set_config('response.headers', '', true);
	RETURN r;
END $$;
SELECT pg_temp.request('POST', '/rpc/x', NULL);
SELECT matches(pg_temp.http(djust_login('ann@request.example', 'Tulips-4-Ann')), '^(200 )?\[.*"Cache-Control": "no-store"', 'login: no-store');
SELECT matches(pg_temp.http(djust_login('ann@request.example', 'wrong')), '^401( |$)', 'invalid_grant of login: 401');
SELECT matches(pg_temp.http(djust_refresh(djust_auth.open_session(:'ann') ->> 'refresh_token')), '^(200 )?\[.*"Cache-Control": "no-store"', 'refresh: no-store');
SELECT matches(pg_temp.http(djust_refresh('garbage')), '^401( |$)', 'invalid_grant of refresh: 401');
SELECT matches(pg_temp.http(djust_reset_confirm('garbage', 'Tulips-5-Ann')), '^400( |$)', 'invalid_grant of reset_confirm: 400');
SELECT djust_reset_request('ann@request.example');
SELECT substring(body_text FROM 'djp_[A-Za-z0-9_-]+') AS link FROM djust_auth.claim_mail() WHERE recipient = 'ann@request.example' \gset
SELECT matches(pg_temp.http(djust_reset_confirm(:'link', 'weak')), '^422( |$)', 'weak_password: 422');
SELECT matches(pg_temp.http(djust_change_password(:'a', 'Tulips-4-Ann', 'weak')), '^422( |$)', 'also of change_password');
SET LOCAL djust_auth.max_login_failures = 1;
SELECT gen_random_uuid() AS run \gset
SELECT pg_temp.http(djust_login(:'run' || '@request.example', 'wrong')) AS first \g /dev/null
SELECT matches(pg_temp.http(djust_login(:'run' || '@request.example', 'wrong')), '^429 \[.*"Retry-After": "[0-9]+"', 'too_many_attempts: 429 with Retry-After');
RESET djust_auth.max_login_failures;
SELECT matches(pg_temp.http(djust_introspect(:'b')), '^\[.*"Cache-Control": "no-store".*"Pragma": "no-cache"', 'introspection: no-store');
SELECT matches(pg_temp.http(djust_sessions(:'b')), '^\[.*"Cache-Control": "no-store"', 'sessions: no-store');
SELECT is(djust_reset_page('djp_' || repeat('x', 43))::text, replace(djust_reset_page('djp_' || repeat('y', 43)), repeat('y', 43), repeat('x', 43)), 'the reset page does not look at the token');
SELECT matches(pg_temp.http(djust_reset_page('djp_x')::text), '^\[.*"Cache-Control": "no-store".*"Content-Security-Policy": "default-src ''none''.*"Referrer-Policy": "no-referrer"', 'and has strict headers');
SELECT matches(pg_temp.http(djust_reset_page('djp_x', 'Tulips-5-Ann')::text), '^400 ', 'a dead link: 400');
SELECT matches(djust_reset_page('"<&>'), 'value="&quot;&lt;&amp;&gt;"', 'the token is escaped');
SELECT is(language, wanted, 'Accept-Language ' || accepted || ': ' || wanted) FROM (VALUES ('de-AT', 'de'), ('it, FR;q=0.2', 'fr'), ('de;q=2', 'en')) v(accepted, wanted),
	set_config('request.headers', jsonb_build_object('accept-LANGUAGE', accepted)::text, true) set,
	LATERAL (SELECT substring(djust_reset_page(left('x' || set, 1)) FROM '<html lang="(.*?)">') AS language) p;
SELECT set_config('request.headers', '{"accept-language": "de"}', true) \g /dev/null
SELECT matches(pg_temp.http(djust_reset_page('x')::text), '"Content-Language": "de".*"Vary": "Accept-Language"', 'the language is in the headers');
SELECT ok(page LIKE '%<h1>Neues Passwort w&#228;hlen</h1>%' AND page LIKE '%>Mindestens 8 Zeichen<%' AND page !~ '[^[:ascii:]]', 'and on the page, in ASCII')
	FROM CAST(djust_reset_page('x') AS text) page;
SELECT set_config('request.headers', 'no JSON', true) \g /dev/null
SELECT matches(djust_reset_page('x'), '<html lang="en">', 'headers that are no JSON: English');
SELECT set_config('request.headers', '{"accept-language": ["de"]}', true) \g /dev/null
SELECT matches(djust_reset_page('x'), '<html lang="en">', 'a header that is no string: English');
SELECT is(pg_typeof(djust_reset_page('x')), 'djust_auth."text/html"'::regtype, 'its type is what PostgREST serves as HTML');
SELECT pg_temp.http(1), set_config('request.method', '', true) \g /dev/null
SELECT is(pg_temp.http(djust_login('ann@request.example', 'wrong')), '', 'outside HTTP nothing is set');

-- who and from where

SET LOCAL djust_auth.client_address_header = 'x-forwarded-for';
SELECT pg_temp.request('POST', '/rpc/djust_login', NULL, '{"x-forwarded-for": "203.0.113.7", "user-agent": "Shop/1.0 (test)"}');
SELECT djust_login('ann@request.example', 'Tulips-4-Ann') ->> 'access_token' AS at \gset
SELECT is(s ->> 'client_address', '203.0.113.7', 'the address of the header is on the session'), is(s ->> 'user_agent', 'Shop/1.0 (test)', 'and the user agent')
	FROM json_array_elements(djust_sessions(:'at')) s WHERE (s ->> 'current')::boolean;
SELECT is((SELECT host(client_address) FROM djust_auth.audit_event WHERE event = 'login' AND sid = (djust_introspect(:'at') ->> 'sid')::uuid), '203.0.113.7', 'and on record');
SELECT pg_temp.request('POST', '/rpc/djust_login', NULL, '{"x-forwarded-for": "nonsense''; DROP TABLE x", "user-agent": "\u0001"}');
SELECT is(djust_login('ann@request.example', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'nonsense in the headers is no error');
SELECT pg_temp.request('POST', '/rpc/djust_login', NULL, jsonb_build_object('user-agent', repeat('x', 100000)));
SELECT is(djust_login('ann@request.example', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'nor is a long user agent');

-- a backend that sets request.headers and nothing else

CREATE FUNCTION pg_temp.headers(headers jsonb) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('request.method', '', true), set_config('request.path', '', true), set_config('request.headers', headers::text, true)
$$;
CREATE FUNCTION pg_temp.seen(headers jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	at text;
BEGIN
	PERFORM pg_temp.headers(headers);
	at := djust_login('ann@request.example', 'Tulips-4-Ann') ->> 'access_token';
	RETURN (SELECT concat_ws(' ', coalesce(host(client_address), 'unknown'), user_agent) FROM djust_auth.session WHERE sid = (djust_introspect(at) ->> 'sid')::uuid);
END $$;
SET LOCAL djust_auth.client_address_header = 'X-Forwarded-For';
SELECT is(pg_temp.seen(h), e, format('%s: %s', h, e)) FROM (VALUES
	('{"x-forwarded-for": "203.0.113.7", "user-agent": "Shop/2.0"}'::jsonb, '203.0.113.7 Shop/2.0'),
	('{"X-Forwarded-For": "203.0.113.8", "User-Agent": "Shop/2.1"}', '203.0.113.8 Shop/2.1'),
	('{"X-FORWARDED-FOR": "198.51.100.1,203.0.113.9", "USER-AGENT": "Shop/2.2"}', '203.0.113.9 Shop/2.2'),
	('{"x-forwarded-for": "1.2.3.4:5678"}', '1.2.3.4'),
	('{"x-forwarded-for": "[2001:db8::1]:443"}', '2001:db8::1'),
	('{"x-forwarded-for": "[2001:db8::1]"}', '2001:db8::1'),
	('{"x-forwarded-for": "2001:db8::1"}', '2001:db8::1'),
	('{"x-forwarded-for": "::ffff:203.0.113.7"}', '::ffff:203.0.113.7'),
	('{"x-forwarded-for": "198.51.100.1:80 ,\t 203.0.113.9:81 "}', '203.0.113.9'),
	('{"x-forwarded-for": "203.0.113.9, "}', 'unknown'),
	('{"x-forwarded-for": "203.0.113.9:80x"}', 'unknown'),
	('{"x-forwarded-for": "203.0.113.9:65535"}', '203.0.113.9'),
	('{"x-forwarded-for": "203.0.113.9:65536"}', 'unknown'),
	('{"x-forwarded-for": "203.0.113.9:999999"}', 'unknown'),
	('{"x-forwarded-for": "203.0.113.9:99999999999999999999999"}', 'unknown'),
	('{"x-forwarded-for": "203.0.113.9:"}', 'unknown'),
	('{"x-forwarded-for": "[2001:db8::1]:65536"}', 'unknown'),
	('{"x-forwarded-for": "[2001:db8::1]:"}', 'unknown'),
	('{"x-forwarded-for": "[203.0.113.9]"}', 'unknown'),
	('{"x-forwarded-for": "[2001:db8::1"}', 'unknown'),
	('{"x-forwarded-for": "[2001:db8::1]x"}', 'unknown'),
	('{"x-forwarded-for": "unknown"}', 'unknown'),
	('{"x-forwarded-for": ["203.0.113.9"]}', 'unknown'),
	('{"user-agent": "Shop/2.3"}', 'unknown Shop/2.3')) x(h, e);
RESET djust_auth.client_address_header;
SELECT pg_temp.headers('{"user-agent": "Shop/2.4"}');
SELECT djust_login('ann@request.example', 'Tulips-4-Ann') ->> 'access_token' AS at \gset
SELECT is(user_agent, 'Shop/2.4', 'an agent without any setting'), is(client_address, inet_client_addr(), 'and the connection''s address')
	FROM djust_auth.session WHERE sid = (djust_introspect(:'at') ->> 'sid')::uuid;

CREATE FUNCTION pg_temp.bearer(headers jsonb) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.headers(headers);
	RETURN djust_request_user();
END $$;
SELECT is(pg_temp.bearer(jsonb_build_object(n, v || :'a' || w)), u::uuid, format('%s: %s..%s', n, v, w)) FROM (VALUES
	('Authorization', 'Bearer ', '', :'ann'), ('AUTHORIZATION', 'bEARER ', '', :'ann'), ('authorization', '"Bearer ', '"', :'ann'), ('Authorization', ' "bearer ', '" ', :'ann'),
	('authorization', '"Bearer ', '', NULL), ('authorization', 'Bearer ', '"', NULL), ('authorization', 'Bearer "', '"', NULL),
	('authorization', '""Bearer ', '""', NULL), ('authorizatio', 'Bearer ', '', NULL)) x(n, v, w, u);
SELECT pg_temp.headers(jsonb_build_object('authorization', '"Bearer ' || :'a' || '"'));
SELECT is(djust_request_user(), :'ann', 'a bearer in quotes'), is(djust_request_can('/orders', 'write'), true, 'with its rights');
SELECT pg_temp.headers(jsonb_build_object('AUTHORIZATION', 'Bearer ' || :'b'));
SELECT is(djust_request_user(), :'bob', 'a header in capitals');
SELECT pg_temp.headers('{"authorization": "\""}');
SELECT is(djust_request_user(), NULL, 'a quote alone');

-- a stale bearer and the ways in

CREATE FUNCTION pg_temp.at(path text, bearer text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.request('POST', path, bearer);
	RETURN pg_temp.pre_request();
END $$;
SELECT is(pg_temp.at(p, b), 'passed', format('a dead bearer (%s) at %s', left(b, 4), p)) FROM unnest(ARRAY['garbage', :'gone', '']) b,
	unnest('{/rpc/djust_login,/rpc/djust_token,/rpc/djust_refresh,/rpc/djust_reset_request,/rpc/djust_reset_confirm,/rpc/djust_reset_page,/rpc/djust_sign_up_page,/rpc/djust_confirm_page,/api/v1/rpc/djust_login/,/rpc/djust%5flogin,/rpc/djust_reset_page?token=x}'::text[]) p;
SELECT matches(pg_temp.at(p, :'gone'), '^401 ', format('and at %s it is refused', p))
	FROM unnest('{/rpc/djust_can,/rpc/djust_sessions,/rpc/djust_login/x,/djust_login,/rpcdjust_login,/orders/djust_login,/rpc/djust_login2,/rpc/xdjust_login,/rpc/djust%255flogin,/rpc/%64,/}'::text[]) p;
SET LOCAL djust_auth.enforce_routes = on;
SELECT matches(pg_temp.at('/rpc/djust_login', :'gone'), '^401 Bearer realm="djust_auth"$', 'with routes enforced it counts as anonymous');
SELECT djust_auth.set_right('anonymous', '/rpc/djust_login', 'write');
SELECT is(pg_temp.at('/rpc/djust_login', :'gone'), 'passed', 'who may log in where that profile may write');
SET LOCAL djust_auth.enforce_routes = off;

-- secrets in the address

CREATE FUNCTION pg_temp.called(method text, path text, sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.request(method, path, NULL);
	RETURN (SELECT CASE state WHEN 'none' THEN 'answered' WHEN 'PGRST' THEN concat_ws(' ', detail::json ->> 'status', detail::json #>> '{headers,Allow}') ELSE state END FROM pg_temp.refusal(sql));
END $$;
SELECT is(pg_temp.called(m, p, format(q, :'a')), e, format('%s %s', m, p)) FROM (VALUES
	('GET', '/rpc/djust_can', 'SELECT djust_can(%L, ''/'', ''read'')', '405 POST'), ('HEAD', '/rpc/djust_can', 'SELECT djust_can(%L, ''/'', ''read'')', '405 POST'),
	('GET', '/rpc/djust_introspect', 'SELECT djust_introspect(%L)', '405 POST'), ('GET', '/rpc/djust_sessions', 'SELECT djust_sessions(%L)', '405 POST'),
	('GET', '/rpc/djust%5Fcan/', 'SELECT djust_can(%L, ''/'', ''read'')', '405 POST'), ('GET', '/rpc/djust_logout', 'SELECT djust_logout(%L || ''x'')', '405 POST'),
	('GET', '/rpc/djust_reset_page', 'SELECT djust_reset_page(%L)', 'answered'), ('GET', '/rpc/djust_reset_page', 'SELECT djust_reset_page(%L, ''x'')', '405 POST'),
	('GET', '/rpc/djust_confirm_page', 'SELECT djust_confirm_page(%L)', 'answered'), ('GET', '/rpc/djust_confirm_page', 'SELECT djust_confirm_page(%L, '''')', '405 POST'),
	('GET', '/rpc/djust_sign_up_page', 'SELECT djust_sign_up_page(NULL)', 'answered'), ('GET', '/rpc/djust_sign_up_page', 'SELECT djust_sign_up_page(NULL, ''x'')', '405 POST'),
	('GET', '/rpc/djust_sign_up_page', 'SELECT djust_sign_up_page(password => ''x'')', '405 POST'),
	('GET', '/orders', 'SELECT djust_can(%L, ''/'', ''read'')', 'answered'), ('GET', '/rpc/report', 'SELECT djust_can(%L, ''/'', ''read'')', 'answered'),
	('GET', '/djust_can', 'SELECT djust_can(%L, ''/'', ''read'')', 'answered'), ('POST', '/rpc/djust_can', 'SELECT djust_can(%L, ''/'', ''read'')', 'answered'),
	('GET', '/rpc/djust_request_user', 'SELECT djust_request_user()', 'answered'), ('', '/rpc/djust_can', 'SELECT djust_can(%L, ''/'', ''read'')', 'answered')) x(m, p, q, e);

SELECT set_config('request.headers', '{"a":' || repeat('[', 60000), true) \g /dev/null
SELECT is(djust_request_user(), NULL, 'headers that are nested deep are none');

SELECT * FROM finish();
ROLLBACK;
