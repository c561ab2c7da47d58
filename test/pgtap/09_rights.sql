-- 09_rights: patterns, profiles, and what may be asked

BEGIN;
\pset fieldsep '\n'
SELECT plan(356);

CREATE FUNCTION pg_temp.may(token text, route text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN djust_can(token, route, 'write') THEN CASE WHEN djust_can(token, route, 'read') THEN 'write' ELSE 'write without read' END
		WHEN djust_can(token, route, 'read') THEN 'read' ELSE 'none' END
$$;

INSERT INTO djust_auth.profile (name) VALUES ('r_buyer'), ('r_approver'), ('r_wild'), ('r_empty');
INSERT INTO djust_auth.profile_right (profile, route, access) VALUES
	('anonymous', '/products/**', 'read'),
	('anonymous', '/products/{id}/cost', 'none'),
	('anonymous', 'HELP-1', 'read'),
	('r_buyer', '/', 'read'),
	('r_buyer', '/orders', 'write'),
	('r_buyer', '/orders/{id}', 'read'),
	('r_buyer', '/orders/new', 'write'),
	('r_buyer', '/orders/{id}/approval', 'none'),
	('r_buyer', '/invoices/**', 'read'),
	('r_buyer', '/invoices/drafts/**', 'none'),
	('r_buyer', '/invoices/drafts/mine', 'write'),
	('r_buyer', '/x/{a}/c', 'read'),
	('r_buyer', '/x/b/**', 'write'),
	('r_buyer', '/x/{a}/{b}', 'none'),
	('r_buyer', '/only/**', 'write'),
	('r_buyer', '/only', 'read'),
	('r_buyer', 'ORDER-200', 'write'),
	('r_buyer', 'ORDER-201', 'none'),
	('r_approver', '/orders/**', 'read'),
	('r_approver', '/orders/{id}/approval', 'write'),
	('r_approver', 'ORDER-201', 'read'),
	('r_wild', '/**', 'read');
SELECT djust_auth.create_user('ann@rights.example', NULL, '{r_buyer}') AS ann \gset
SELECT djust_auth.create_user('bob@rights.example', NULL, '{r_buyer,r_approver}') AS bob \gset
SELECT djust_auth.create_user('eve@rights.example', NULL, '{r_empty}') AS eve \gset
SELECT djust_auth.create_user('wil@rights.example', NULL, '{r_wild}') AS wil \gset
SELECT djust_auth.open_session(:'ann') ->> 'access_token' AS a \gset
SELECT djust_auth.open_session(:'bob') ->> 'access_token' AS b \gset
SELECT djust_auth.open_session(:'eve') ->> 'access_token' AS e \gset
SELECT djust_auth.open_session(:'wil') ->> 'access_token' AS w \gset

-- one profile

SELECT is(pg_temp.may(:'a', route), expected, route || ': ' || expected || ' (' || why || ')') FROM (VALUES
	('/', 'read', 'literal'), ('/orders', 'write', 'literal'), ('/orders/4711', 'read', '{name}'), ('/orders/new', 'write', 'literal before {name}'),
	('/orders/4711/approval', 'none', 'none carves out'), ('/orders/4711/lines', 'none', 'no match'), ('/orders/new/approval', 'none', '{name} matches new'),
	('/orders/4711/approval/x', 'none', 'no match'),
	('/invoices', 'read', '/** may be empty'), ('/invoices/1', 'read', '/**'), ('/invoices/1/2/3', 'read', '/**'), ('/invoices/drafts', 'none', '/** may be empty, longer before shorter'),
	('/invoices/drafts/1', 'none', 'none carves out'), ('/invoices/drafts/1/2', 'none', 'none carves out'), ('/invoices/drafts/mine', 'write', 'carved in again'), ('/invoices/drafts/mine/x', 'none', 'only itself'),
	('/x/b/c', 'write', 'left to right: literal first'), ('/x/q/c', 'read', '{name} then literal'), ('/x/q/r', 'none', '{name} twice'), ('/x/b', 'write', '/** empty'), ('/x/q', 'none', 'no match'), ('/x', 'none', 'no match'),
	('/only', 'read', 'the literal itself before /**'), ('/only/1', 'write', '/**'),
	('/nothing', 'none', 'no match'), ('/order', 'none', 'segments, not prefixes'), ('/orders2', 'none', 'segments, not prefixes'), ('/invoices2', 'none', 'segments, not prefixes'),
	('/ORDERS', 'none', 'case'), ('/Orders', 'none', 'case'), ('/orders/NEW', 'read', 'case'),
	('/products/rose', 'read', 'anonymous belongs to everyone'), ('/products', 'read', 'anonymous'), ('/products/rose/cost', 'none', 'carved out of anonymous'),
	('ORDER-200', 'write', 'code'), ('ORDER-201', 'none', 'code'), ('ORDER-202', 'none', 'unknown code'), ('order-200', 'none', 'case'), ('/ORDER-200', 'none', 'a code is no path'), ('orders', 'none', 'a path is no code'), ('HELP-1', 'read', 'code of anonymous'),
	('ORDER-200/x', 'none', 'by itself only'), ('ORDER-200/', 'none', 'by itself only'), ('ORDER-200?x', 'none', 'by itself only')) x(route, expected, why);

-- query string and one trailing slash

SELECT is(pg_temp.may(:'a', route), expected, route || ': ' || expected) FROM (VALUES
	('/orders/', 'write'), ('/orders/4711/', 'read'), ('/orders?page=2', 'write'), ('/orders/?page=2', 'write'), ('/orders?', 'write'), ('/orders?a=/../x', 'write'), ('/orders?a=%2F', 'write'),
	('/?x=1', 'read'), ('/invoices/?x', 'read'), ('/orders/4711/approval/', 'none'), ('/orders/4711/approval?x=1', 'none'), ('/orders//', 'none'), ('//', 'none'), ('/orders//?x', 'none')) x(route, expected);

-- unsafe paths are denied, even to whom everything is given

SELECT is(pg_temp.may(:'w', '/' || repeat('a', 50)), 'read', '/** gives everything'), is(pg_temp.may(:'w', '/'), 'read', 'and /'), is(pg_temp.may(:'w', '/a/b/c/d'), 'read', 'at any depth'),
		is(pg_temp.may(:'w', '/products/x/cost'), 'read', 'highest right across profiles, anonymous included'), is(pg_temp.may(:'w', 'ORDER-200'), 'none', 'but no code');
SELECT is(pg_temp.may(:'w', route), 'none', 'denied: ' || quote_literal(route)) FROM unnest(ARRAY[
	'', '//', '//a', '/a//b', '/a//', '/.', '/..', '/a/.', '/a/..', '/a/./b', '/a/../b', '/../a', '/a/..?x=1', '/./',
	E'/a\tb', E'/a\nb', E'/a\rb', E'/\x01', E'/a\x7f', E'/a\x1b[2J', '/a\b', '\a', '/\..\a',
	'/a%2Fb', '/a%2fb', '/%2e', '/%2E%2E', '/a/%2e%2e/b', '/a/.%2e', '/a%5Cb', '/a%5cb', '/a%2e', '/a%2eb', '/a%00', '/a%0A', '/a%0d', '/a%7F', '/%1f',
	'/a%', '/a%2', '/a%zz', '/a%%2Fb']) route;
SELECT is(pg_temp.may(:'w', route), 'read', 'allowed: ' || quote_literal(route)) FROM unnest(ARRAY[
	'/a.b', '/.a', '/a..b', '/ä/ö', '/a b', '/a%20b', '/a%C3%A4', '/a+b', '/a:b', '/a@b', '/a,b', '/~a', '/a=b&c', '/{a}', '/a*', '/**']) route;
SELECT is(pg_temp.may(:'a', E'ORDER-200\n'), 'none', 'a code with a newline'), is(pg_temp.may(:'a', ' ORDER-200'), 'none', 'or a blank');
SELECT is(pg_temp.may(:'a', '/%6Frders/4711/approval'), 'none', 'encoding does not walk round none'), is(pg_temp.may(:'a', '/invoices/%64rafts/1'), 'none', 'in no segment');
SELECT lives_ok(format('SELECT djust_can(%L, %L, %L)', :'a', '/' || repeat('a/', 100000), 'read'), 'a path of 200000 bytes is an answer');
SELECT is(pg_temp.may(:'w', '/' || repeat('a/', 100000)), 'none', 'namely no');

-- several profiles: the highest right

SELECT is(pg_temp.may(:'b', route), expected, 'two profiles, ' || route || ': ' || expected) FROM (VALUES
	('/orders', 'write'), ('/orders/4711', 'read'), ('/orders/4711/approval', 'write'), ('/orders/4711/lines', 'read'), ('/orders/new', 'write'), ('/invoices/drafts/1', 'none'), ('ORDER-200', 'write'), ('ORDER-201', 'read')) x(route, expected);
SELECT is(pg_temp.may(:'e', '/orders'), 'none', 'an empty profile gives nothing'), is(pg_temp.may(:'e', '/products/rose'), 'read', 'beyond what everyone has');

-- anonymous

SELECT is(pg_temp.may(NULL, '/products/rose'), 'read', 'nobody: anonymous'), is(pg_temp.may(NULL, '/products/rose/cost'), 'none', 'carved out'), is(pg_temp.may(NULL, '/orders'), 'none', 'nothing else'), is(pg_temp.may(NULL, 'HELP-1'), 'read', 'a code');
SELECT is(pg_temp.may('', '/products/rose'), 'none', 'a dead token is not anonymous'), is(pg_temp.may('garbage', '/products/rose'), 'none', 'nor is garbage');
SELECT throws_ok($$DELETE FROM djust_auth.profile WHERE name = 'anonymous'$$, NULL::char(5), NULL, 'anonymous cannot be deleted');
SELECT throws_ok($$SELECT djust_auth.drop_profile('anonymous')$$, NULL::char(5), NULL, 'nor dropped');
SELECT throws_ok($$UPDATE djust_auth.profile SET name = 'everyone' WHERE name = 'anonymous'$$, NULL::char(5), NULL, 'nor renamed');
SELECT throws_ok($$TRUNCATE djust_auth.profile CASCADE$$, NULL::char(5), NULL, 'nor truncated');
SELECT is((SELECT count(*) FROM djust_auth.profile WHERE name = 'anonymous'), 1::bigint, 'it is there');
SELECT lives_ok($$UPDATE djust_auth.profile SET description = 'All' WHERE name = 'anonymous'$$, 'its description may change');

-- the access word

SELECT is(djust_can(:'a', '/orders/4711', m), true, m || ' is read') FROM unnest('{read,GET,HEAD,OPTIONS}'::text[]) m;
SELECT is(djust_can(:'a', '/orders/4711', m), false, m || ' is write') FROM unnest('{write,POST,PUT,PATCH,DELETE}'::text[]) m;
SELECT is(djust_can(:'a', '/orders', m), true, m || ' where write is given') FROM unnest('{read,GET,HEAD,OPTIONS,write,POST,PUT,PATCH,DELETE}'::text[]) m;
SELECT throws_ok(format('SELECT djust_can(%L, %L, %L)', t, '/orders', m), '22023', NULL, format('access %L is an error, token %s', m, left(t, 7)))
	FROM unnest(ARRAY['', 'none', 'Read', 'READ', 'get', 'Get', 'TRACE', 'CONNECT', ' read', 'read ', 'execute', 'rw']) m, unnest(ARRAY[:'a', NULL, 'garbage']) t;
SELECT throws_ok(format('SELECT djust_can(%L, NULL, %L)', :'a', 'read'), '22004', NULL, 'route NULL'), throws_ok(format('SELECT djust_can(%L, %L, NULL)', :'a', '/'), '22004', NULL, 'access NULL');

-- plain DML counts at once, within the transaction, and not after its rollback

SAVEPOINT dml;
SELECT is(pg_temp.may(:'a', '/dml'), 'none', 'before');
INSERT INTO djust_auth.profile_right VALUES ('r_buyer', '/dml', 'read');
SELECT is(pg_temp.may(:'a', '/dml'), 'read', 'INSERT of a right');
UPDATE djust_auth.profile_right SET access = 'write' WHERE profile = 'r_buyer' AND route = '/dml';
SELECT is(pg_temp.may(:'a', '/dml'), 'write', 'UPDATE of a right');
UPDATE djust_auth.profile_right SET route = '/dml2' WHERE profile = 'r_buyer' AND route = '/dml';
SELECT is(pg_temp.may(:'a', '/dml') || pg_temp.may(:'a', '/dml2'), 'nonewrite', 'UPDATE of a pattern');
SAVEPOINT inner_dml;
DELETE FROM djust_auth.profile_right WHERE profile = 'r_buyer' AND route = '/dml2';
SELECT is(pg_temp.may(:'a', '/dml2'), 'none', 'DELETE of a right');
ROLLBACK TO inner_dml;
SELECT is(pg_temp.may(:'a', '/dml2'), 'write', 'ROLLBACK TO brings it back');
DELETE FROM djust_auth.user_profile WHERE user_id = :'ann';
SELECT is(pg_temp.may(:'a', '/orders'), 'none', 'DELETE of an assignment');
INSERT INTO djust_auth.user_profile VALUES (:'ann', 'r_approver');
SELECT is(pg_temp.may(:'a', '/orders/1/approval'), 'write', 'INSERT of an assignment');
UPDATE djust_auth.user_profile SET profile = 'r_wild' WHERE user_id = :'ann';
SELECT is(pg_temp.may(:'a', '/orders/1/approval'), 'read', 'UPDATE of an assignment');
UPDATE djust_auth.profile SET name = 'r_wilder' WHERE name = 'r_wild';
SELECT is(pg_temp.may(:'a', '/anything'), 'read', 'a profile renamed'), is(pg_temp.may(:'w', '/anything'), 'read', 'for everyone in it');
DELETE FROM djust_auth.profile WHERE name = 'r_wilder';
SELECT is(pg_temp.may(:'a', '/anything') || pg_temp.may(:'w', '/anything'), 'nonenone', 'DELETE of a profile');
TRUNCATE djust_auth.user_profile;
SELECT is(pg_temp.may(:'b', '/orders'), 'none', 'TRUNCATE of the assignments');
TRUNCATE djust_auth.profile_right;
SELECT is(pg_temp.may(NULL, '/products/rose'), 'none', 'TRUNCATE of the rights');
ROLLBACK TO dml;
SELECT is(pg_temp.may(:'a', '/dml') || pg_temp.may(:'a', '/dml2'), 'nonenone', 'after ROLLBACK TO it never was'),
		is(pg_temp.may(:'a', '/orders'), 'write', 'rights'), is(pg_temp.may(:'b', '/orders/1/approval'), 'write', 'assignments'), is(pg_temp.may(:'w', '/anything'), 'read', 'profiles'), is(pg_temp.may(NULL, '/products/rose'), 'read', 'and anonymous are back');
SELECT set_config('pgtap.token', :'a', true) \g /dev/null
SELECT throws_ok($$DO $d$ BEGIN INSERT INTO djust_auth.profile_right VALUES ('r_buyer', '/exception', 'write'); IF djust_can(current_setting('pgtap.token'), '/exception', 'write') THEN RAISE EXCEPTION 'no'; END IF; END $d$ $$, 'P0001', NULL, 'an exception');
SELECT is(pg_temp.may(:'a', '/exception'), 'none', 'takes the right with it');

-- a plan that is kept asks anew each time

SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE may AS SELECT djust_can(current_setting('pgtap.token'), '/kept', 'read')::text AS may;
EXECUTE may \gset
SELECT is(:'may'::text, 'false', 'a prepared statement: before');
INSERT INTO djust_auth.profile_right VALUES ('r_buyer', '/kept', 'read');
EXECUTE may \gset
SELECT is(:'may'::text, 'true', 'with the right');
DELETE FROM djust_auth.profile_right WHERE route = '/kept';
EXECUTE may \gset
SELECT is(:'may'::text, 'false', 'and after it');
DEALLOCATE may;
RESET plan_cache_mode;

-- COPY, and functions

\copy djust_auth.profile_right from program 'printf "r_empty\t/copied/**\tread\n"'
SELECT is(pg_temp.may(:'e', '/copied/1'), 'read', 'COPY of a right');
SELECT djust_auth.set_right('r_empty', '/set/{id}', 'write');
SELECT is(pg_temp.may(:'e', '/set/1'), 'write', 'set_right');
SELECT djust_auth.set_right('r_empty', '/set/{id}', 'none');
SELECT is(pg_temp.may(:'e', '/set/1'), 'none', 'set_right again replaces');
SELECT djust_auth.add_profile(:'eve', 'r_approver');
SELECT is(pg_temp.may(:'e', '/orders/1/approval'), 'write', 'add_profile');
SELECT djust_auth.remove_profile(:'eve', 'r_approver');
SELECT is(pg_temp.may(:'e', '/orders/1/approval'), 'none', 'remove_profile');

-- bad patterns are refused, with the reason

CREATE FUNCTION pg_temp.refusal(sql text, OUT state text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
END $$;
SELECT is(r.state, '23514', 'pattern refused: ' || quote_literal(p)), ok(length(r.detail) > 0, coalesce('with a DETAIL: ' || r.detail, 'with a DETAIL'))
	FROM unnest(ARRAY['', '//', '/a//b', '/a/', '/.', '/..', '/a/../b', '/a/./b', '/a?x', '/a?', '/a#x', '/{', '/}', '/{}', '/{a', '/a}', '/a{b}', '/{a}b', '/{a}{b}', '/{a b}', '/*', '/a*', '/**/a', '/a/**/b', '/a**', '/***', '/{a}*',
		'**', '*', '{a}', 'ORDER 200', 'a/b', E'/a\nb', E'/a\tb', '/a\b', '/a%2Fb', '/a%2e', '/a%5C', '/a%', '/a%zz', '/a%00', E'CODE\n', repeat('/a', 1000)]) p,
	LATERAL pg_temp.refusal(format('INSERT INTO djust_auth.profile_right VALUES (%L, %L, %L)', 'r_empty', p, 'read')) r;
SELECT throws_ok(format('SELECT djust_auth.set_right(%L, %L, %L)', 'r_empty', '/a//b', 'read'), '23514', NULL, 'set_right refuses it as well');
SELECT throws_ok($$UPDATE djust_auth.profile_right SET route = '/a//b' WHERE route = '/orders'$$, '23514', NULL, 'and so does an UPDATE');
SELECT throws_ok($$INSERT INTO djust_auth.profile_right VALUES ('r_buyer', '/orders/{other}', 'write')$$, '23505', NULL, 'a pattern that differs in the name only is a duplicate');
SELECT throws_ok($$INSERT INTO djust_auth.profile_right VALUES ('r_none', '/a', 'write')$$, '23503', NULL, 'a right needs its profile');
SELECT throws_ok($$INSERT INTO djust_auth.profile_right VALUES ('r_buyer', '/a', 'execute')$$, '22P02', NULL, 'and a known access');
SELECT lives_ok(format('INSERT INTO djust_auth.profile_right VALUES (%L, %L, %L)', 'r_empty', p, 'read'), 'pattern taken: ' || p)
	FROM unnest(ARRAY['/', '/**', '/{x}', '/{x}/**', '/{order_id}/{line2}', '/a.b', '/ä', '/a-b_c~d', '/a:b', '/{_x}/a/{y}/**', 'CODE', 'TOK-200', 'a.b:c', 'Ä-1']) p;

-- explain and the view

SELECT ok(x ~ 'r_approver' AND strpos(x, '/orders/{id}/approval') > 0, 'explain names profile and pattern: ' || x) FROM djust_auth.explain(:'bob', '/orders/1/approval', 'write') x;
SELECT ok(x ~ 'r_buyer' AND strpos(x, '/invoices/drafts/**') > 0, 'also of a none: ' || x) FROM djust_auth.explain(:'ann', '/invoices/drafts/1', 'read') x;
SELECT ok(x ~ 'anonymous' AND strpos(x, '/products/**') > 0, 'also of anonymous: ' || x) FROM djust_auth.explain(:'ann', '/products/1', 'GET') x;
SELECT ok(length(x) > 0, 'and says so when nothing matches: ' || x) FROM djust_auth.explain(:'ann', '/nothing', 'read') x;
SELECT ok(length(x) > 0, 'or the path is denied: ' || x) FROM djust_auth.explain(:'ann', '/a/../b', 'read') x;
SELECT throws_ok(format('SELECT djust_auth.explain(%L, %L, %L)', :'ann', '/', 'none'), '22023', NULL, 'explain of an unknown access word');
SELECT throws_ok(format('SELECT djust_auth.explain(%L, %L, %L)', gen_random_uuid(), '/', 'read'), 'P0002', NULL, 'explain of an unknown user');

SELECT is((SELECT access::text || ' ' || profile FROM djust_auth.effective_right WHERE user_id = :'bob' AND route = r), e, 'effective_right of ' || r) FROM (VALUES
	('/orders', 'write r_buyer'), ('/orders/{id}', 'read r_approver'), ('/orders/{id}/approval', 'write r_approver'), ('/invoices/drafts/**', 'none r_buyer'), ('/products/**', 'read anonymous'), ('ORDER-200', 'write r_buyer'), ('ORDER-201', 'read r_approver')) x(r, e)
	WHERE r <> '/orders/{id}';
SELECT is((SELECT access FROM djust_auth.effective_right WHERE user_id = :'bob' AND route = '/orders/{id}'), 'read', 'effective_right of /orders/{id}');
SELECT is((SELECT array_agg(DISTINCT email) FROM djust_auth.effective_right WHERE user_id = :'bob'), '{bob@rights.example}', 'with the address');
SELECT ok(count(*) >= 10, 'the view has literal routes') FROM djust_auth.effective_right WHERE route !~ '[{*]' AND user_id IN (:'ann', :'bob', :'wil');
SELECT is_empty($$SELECT v.* FROM djust_auth.effective_right v
		JOIN (VALUES ($$ || quote_literal(:'ann') || $$::uuid, $$ || quote_literal(:'a') || $$), ($$ || quote_literal(:'bob') || $$::uuid, $$ || quote_literal(:'b') || $$), ($$ || quote_literal(:'wil') || $$::uuid, $$ || quote_literal(:'w') || $$)) t(id, token) ON t.id = v.user_id
		WHERE v.route !~ '[{*]' AND v.access::text <> pg_temp.may(t.token, v.route)$$, 'on literal routes the view says what djust_can says');

SELECT * FROM finish();
ROLLBACK;
