-- A path that some program reads as another one is denied, and is refused as a pattern with the reason: one for each
-- reason; test/unit/route_test.c has all.

\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();

SELECT djust_auth.create_profile('pa_buyer');
INSERT INTO djust_auth.profile_right (profile, route, access) VALUES
	('pa_buyer', '/orders/**', 'write'), ('pa_buyer', '/orders/{id}/approval', 'none'),
	('pa_buyer', '/produits/**', 'write'), ('pa_buyer', '/produits/café', 'none'),
	('pa_buyer', '/files/**', 'write'), ('pa_buyer', '/files/secret/**', 'none'),
	('pa_buyer', 'café', 'read');
SELECT djust_auth.create_user('ann@paths.example', NULL, '{pa_buyer}') AS ann \gset
SELECT djust_auth.open_session(:'ann') ->> 'access_token' AS token \gset

-- who reads it, as which forbidden path, how it is asked for, and what the reason says
CREATE TEMP TABLE misread (reader text, path text, reason text);
INSERT INTO misread VALUES
	('Tomcat', '/orders/5/approval;x=1', 'semicolon'),
	('Windows', '/orders/5/approval%20', 'white space'),
	('Windows', '/orders/5/approval.', 'dot'),
	('IIS', '/files/secret::$DATA', ':\$'),
	('IIS', '/files%252Fsecret', 'percent sign'),
	('IIS', '/files%c0%afsecret', 'UTF-8'),
	('macOS', '/produits/cafe%CC%81', 'NFC'),
	('HFS+', '/files/se%E2%80%8Ccret', 'invisible'),
	('Apache', '/files/secret%00', 'control'),
	('NFKC', U&'/files\FF0Fsecret', 'taken for'),
	('IIS', '/files\secret', 'backslash'),
	('Nginx', '/files//secret', 'two slashes'),
	('every server', '/files/x/../secret', '\.\.'),
	('a decoder', U&'/files/sec\FFFEret', 'no characters'),
	('every server', '/files/x/%2E%2E/secret', 'percent-encoded slash');

SELECT is(djust_can(:'token', path, 'read'), false, reader || ' is not fooled: ' || path) FROM misread;
SELECT is(djust_auth.explain(:'ann', path, 'read') ~ ('^denied: .*' || reason), true, reader || ', explained: ' || path) FROM misread;

CREATE FUNCTION pg_temp.refusal(route text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
	PERFORM djust_auth.set_right('pa_buyer', route, 'read');
	RETURN NULL;
EXCEPTION WHEN check_violation THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail;
END $$;
SELECT matches(pg_temp.refusal(path), reason, 'no pattern: ' || path) FROM misread;
SELECT matches(pg_temp.refusal(U&'cafe\0301'), 'NFC', 'nor a code that is not in NFC');
SELECT matches(pg_temp.refusal(U&'ORDER\200B'), 'invisible', 'nor one with an invisible character');

-- plain spellings, and ordinary text
SELECT is(djust_can(:'token', path, 'read'), false, 'forbidden: ' || path)
	FROM unnest(ARRAY['/orders/5/approval', '/orders/5/approval/', '/orders/5/%61pproval', '/files/secret', '/files/secret/x', '/produits/café', '/produits/caf%C3%A9', '/produits/caf%c3%a9?x=;']) path;
SELECT is(djust_can(:'token', path, 'read'), true, 'ordinary: ' || path)
	FROM unnest(ARRAY['/files/.well-known', '/files/a.b', '/files/a%20b', '/files/a b', '/files/v1:cancel', '/files/$x', '/files/Größe', '/files/Gr%C3%B6%C3%9Fe', '/files/日本', '/files/한국어',
		'/files/हिंदी', '/files/💐', '/files/❤️', '/files/1️⃣', '/files/👩‍👩‍👧', '/files/👩🏽‍💻', '/files/🏳️‍🌈', '/files/🏴󠁧󠁢󠁳󠁣󠁴󠁿']) path;
SELECT is(pg_temp.refusal(path), NULL, 'a pattern: ' || path)
	FROM unnest(ARRAY['/.well-known/**', '/a.b', '/a%20b', '/a b', '/💐/{id}', '/❤️', '/日本/**', '/{id}/c:d']) path;
SELECT is(djust_can(:'token', 'café', 'read'), true, 'a code beyond ASCII');
SELECT is(djust_can(:'token', U&'cafe\0301', 'read'), false, 'and not in another form');

SELECT * FROM finish();
ROLLBACK;
