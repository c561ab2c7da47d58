-- 16_memo: what a statement remembers of a token never outlives what makes the token good

BEGIN;
SELECT plan(14);
SET LOCAL max_parallel_workers_per_gather = 0;

SELECT djust_auth.create_profile('m_buyer');
SELECT djust_auth.set_right('m_buyer', '/orders/**', 'read');
SELECT djust_auth.create_user('ann@memo.example', NULL, '{m_buyer}') AS ann \gset
SELECT djust_auth.create_user('bob@memo.example') AS bob \gset
SELECT djust_auth.open_session(:'ann') AS s \gset
SELECT :'s'::json ->> 'access_token' AS a \gset
SELECT djust_auth.open_session(:'bob') ->> 'access_token' AS b \gset
SELECT djust_auth.open_session(:'ann') AS o \gset
-- a token from before a refresh: known by its signature only
SELECT :'o'::json ->> 'access_token' AS old, djust_refresh(:'o'::json ->> 'refresh_token') ->> 'access_token' AS new \gset

CREATE FUNCTION pg_temp.bearer(token text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || token)::text, true) $$;
-- does something at one row only
CREATE FUNCTION pg_temp.at(here boolean, command text) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	IF here THEN EXECUTE command; END IF;
END $$;

-- one call site, many tokens

SELECT is((SELECT array_agg(djust_can(t, '/orders/1', 'read') ORDER BY i) FROM unnest(ARRAY[:'a', :'a', :'b', :'old', :'a', :'old', 'x', '', :'a', :'new']) WITH ORDINALITY u(t, i)),
	'{t,t,f,t,t,t,f,f,t,t}', 'djust_can: each row its own token');
SELECT is((SELECT array_agg(djust_can(left(:'a', n), '/orders/1', 'read') ORDER BY n) FROM unnest(ARRAY[length(:'a') - 1, length(:'a'), length(:'a') - 2]) n), '{f,f,t}', 'a token and its beginnings');
SELECT is((SELECT array_agg(djust_can(t, '/orders/1', 'read') ORDER BY i) FROM unnest(ARRAY[:'a', translate(:'a', 'AB', 'BA'), :'a', reverse(:'a')]) WITH ORDINALITY u(t, i)), '{t,f,t,f}', 'the same length, other letters');
SELECT is((SELECT array_agg(djust_can(repeat('x', n), '/orders/1', 'read')) FROM unnest(ARRAY[0, 1, 600, 8192, 8193, 100000, 600]) n), '{f,f,f,f,f,f,f}', 'garbage of all sizes');
SELECT is((SELECT array_agg(u) FROM (SELECT pg_temp.bearer(t), djust_request_user() AS u FROM unnest(ARRAY[:'a', :'a', :'b', 'x', :'old', :'a', '']) t) r),
	ARRAY[:'ann', :'ann', :'bob', NULL, :'ann', :'ann', NULL]::uuid[], 'djust_request_user: the headers of the moment');
SELECT is((SELECT array_agg(c) FROM (SELECT pg_temp.bearer(t), djust_request_can('/orders/1', 'read') AS c FROM unnest(ARRAY[:'a', :'b', repeat('y', 5000), :'a']) t) r), '{t,f,f,t}', 'djust_request_can: likewise');
SELECT is((SELECT array_agg(u) FROM (SELECT set_config('request.headers', h, true), djust_request_user() AS u
	FROM unnest(ARRAY[json_build_object('authorization', 'Bearer ' || :'a')::text, '', '{', '[]', json_build_object('authorization', 'Bearer ' || :'a')::text, json_build_object('Authorization', 'Bearer ' || :'a')::text]) h) r),
	ARRAY[:'ann', NULL, NULL, NULL, :'ann', :'ann']::uuid[], 'broken headers in between, names in any case');

-- the same token, and what ends it within the statement

SELECT pg_temp.bearer(:'a') \g /dev/null
SELECT is((SELECT array_agg(c) FROM (SELECT pg_temp.at(i = 3, format('DELETE FROM djust_auth.profile_right WHERE profile = %L', 'm_buyer')), djust_can(:'a', '/orders/' || i, 'read') AND djust_request_can('/orders/' || i, 'read') AS c FROM generate_series(1, 4) i) r),
	'{t,t,f,f}', 'a right taken away');
SELECT djust_auth.set_right('m_buyer', '/orders/**', 'read');
SELECT is((SELECT array_agg(c) FROM (SELECT pg_temp.at(i = 3, format('DELETE FROM djust_auth.user_profile WHERE user_id = %L', :'ann')), djust_can(:'a', '/orders/' || i, 'read') AS c FROM generate_series(1, 4) i) r),
	'{t,t,f,f}', 'a profile taken away');
SELECT djust_auth.add_profile(:'ann', 'm_buyer');
SELECT is((SELECT array_agg(c) FROM (SELECT pg_temp.at(i = 3, 'SELECT djust_auth.rotate_signing_key()'), djust_can(:'old', '/orders/' || i, 'read') AS c FROM generate_series(1, 4) i) r),
	'{t,t,t,t}', 'a rotated key still verifies');
SELECT is((SELECT array_agg(c) FROM (SELECT pg_temp.at(i = 3, 'DELETE FROM djust_auth.signing_key WHERE verify_until IS NOT NULL'), djust_can(:'old', '/orders/' || i, 'read') AS c FROM generate_series(1, 4) i) r),
	'{t,t,f,f}', 'a deleted key does not');
SELECT is((SELECT array_agg(c) FROM (SELECT pg_temp.at(i = 3, format('SELECT djust_logout(%L)', :'a')), djust_can(:'a', '/orders/' || i, 'read') AS c FROM generate_series(1, 4) i) r),
	'{t,t,f,f}', 'logout');
SELECT djust_auth.open_session(:'ann') ->> 'access_token' AS a \gset
SELECT pg_temp.bearer(:'a') \g /dev/null
SELECT is((SELECT array_agg(u) FROM (SELECT pg_temp.at(i = 3, format('SELECT djust_auth.disable_user(%L)', :'ann')), djust_request_user() AS u FROM generate_series(1, 4) i) r),
	ARRAY[:'ann', :'ann', NULL, NULL]::uuid[], 'a disabled user');
SET LOCAL djust_auth.access_token_lifetime = '1s';
SELECT djust_auth.open_session(:'bob') ->> 'access_token' AS b \gset
SELECT pg_temp.bearer(:'b') \g /dev/null
SELECT is((SELECT (array_agg(u))[2] FROM (SELECT pg_temp.at(i = 2, 'SELECT pg_sleep(1.1)'), djust_request_user() AS u FROM generate_series(1, 2) i) r), NULL, 'the end of its life');

SELECT * FROM finish();
ROLLBACK;
