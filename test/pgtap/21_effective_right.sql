-- 21_effective_right: the view answers by whatever column of the user, and reads that user alone

BEGIN;
SELECT plan(11);

SELECT djust_auth.create_profile(p) FROM unnest('{buyer,staff}'::text[]) p;
SELECT djust_auth.set_right('buyer', '/orders/{id}', 'read'), djust_auth.set_right('staff', '/orders/{number}', 'write'), djust_auth.set_right('anonymous', '/', 'read');
INSERT INTO djust_auth.customer_user (email) SELECT 'u' || i || '@effective.example' FROM generate_series(1, 5000) i;
INSERT INTO djust_auth.user_profile SELECT id, p FROM djust_auth.customer_user, unnest('{buyer,staff}'::text[]) p;
DELETE FROM djust_auth.user_profile USING djust_auth.customer_user u WHERE u.id = user_id AND u.email = 'u8@effective.example' AND profile = 'staff';
ANALYZE djust_auth.customer_user;
ANALYZE djust_auth.user_profile;
SELECT id AS u7 FROM djust_auth.customer_user WHERE email = 'u7@effective.example' \gset

-- pages read, as EXPLAIN counts them
CREATE FUNCTION pg_temp.pages(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
END $$;
SELECT pg_temp.pages(q) IS NOT NULL AS warm FROM unnest(ARRAY['SELECT * FROM djust_auth.effective_right WHERE user_id = ' || quote_literal(:'u7')]) q \g /dev/null
SELECT ok(pg_temp.pages(q) <= 80, 'a few pages: ' || pg_temp.pages(q) || ' for ' || q) FROM (VALUES
	('SELECT * FROM djust_auth.effective_right WHERE email = ''u7@effective.example'''),
	('SELECT * FROM djust_auth.effective_right WHERE user_id = ' || quote_literal(:'u7')),
	('SELECT * FROM djust_auth.effective_right WHERE email IN (''u7@effective.example'', ''u8@effective.example'') AND access = ''write'''),
	('SELECT e.* FROM djust_auth.effective_right e JOIN (VALUES (''u7@effective.example'')) v(address) ON e.email = v.address'),
	('SELECT e.* FROM djust_auth.session s JOIN djust_auth.effective_right e USING (user_id) WHERE s.sid = gen_random_uuid()')) x(q);
SELECT ok(pg_temp.pages('SELECT * FROM djust_auth.effective_right WHERE email = ''u7@effective.example''') <= 30, 'by address a few pages are read: '
	|| pg_temp.pages('SELECT * FROM djust_auth.effective_right WHERE email = ''u7@effective.example'''));
SELECT ok(pg_temp.pages('SELECT * FROM djust_auth.effective_right WHERE email = ''u7@effective.example''')
	<= pg_temp.pages('SELECT * FROM djust_auth.effective_right WHERE user_id = ' || quote_literal(:'u7')) + 5, 'as many as by user_id');

-- and says the same

SELECT results_eq($$SELECT route COLLATE "default", access::text, profile COLLATE "default" FROM djust_auth.effective_right WHERE email = 'u7@effective.example' ORDER BY route$$,
	$$VALUES ('/', 'read', 'anonymous'), ('/orders/{id}', 'write', 'staff')$$, 'the highest right of equal patterns, and who gives it');
SELECT results_eq($$SELECT route COLLATE "default", access::text, profile COLLATE "default" FROM djust_auth.effective_right WHERE email = 'u8@effective.example' ORDER BY route$$,
	$$VALUES ('/', 'read', 'anonymous'), ('/orders/{id}', 'read', 'buyer')$$, 'of this user''s profiles alone');
SELECT is((SELECT count(*) FROM djust_auth.effective_right), 2 * (SELECT count(*) FROM djust_auth.customer_user), 'one row a user and pattern');
SELECT is((SELECT count(*) FROM (SELECT * FROM djust_auth.effective_right LIMIT 3) x), 3::bigint, 'and the first ones without the others');

SELECT * FROM finish();
ROLLBACK;
