-- 07_logout_sessions: ending sessions, listing them, changing the password

BEGIN;
\pset fieldsep '\n'
SELECT plan(90);

CREATE FUNCTION pg_temp.sid(token text) RETURNS uuid LANGUAGE sql AS $$
	SELECT (convert_from(decode(rpad(t, (length(t) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb ->> 'sid')::uuid
	FROM translate(split_part(token, '.', 2), '-_', '+/') t
$$;
CREATE FUNCTION pg_temp.alive(token text) RETURNS boolean LANGUAGE sql AS $$ SELECT djust_can(token, '/orders/1', 'read') $$;

SELECT djust_auth.create_profile('logout_buyer');
SELECT djust_auth.set_right('logout_buyer', '/orders/**', 'read');
SELECT djust_auth.create_user('ann@logout.example', 'Tulips-4-Ann', '{logout_buyer}') AS ann \gset
SELECT djust_auth.create_user('bob@logout.example', 'Daisies-4-Bob', '{logout_buyer}') AS bob \gset
SELECT djust_login('ann@logout.example', 'wrong') AS refused \gset

-- logout by either token

SELECT djust_auth.open_session(:'ann') AS a \gset
SELECT djust_auth.open_session(:'ann') AS b \gset
SELECT (djust_auth.stats() ->> 'logouts')::bigint AS logouts \gset
SELECT is(djust_logout(:'a'::json ->> 'access_token'), true, 'logout by access token');
SELECT is(pg_temp.alive(:'a'::json ->> 'access_token'), false, 'it is dead'),
		is(djust_refresh(:'a'::json ->> 'refresh_token')::text, :'refused', 'and so is its refresh token'),
		is(djust_logout(:'a'::json ->> 'access_token'), false, 'a second logout: false'),
		is(djust_logout(:'a'::json ->> 'refresh_token'), false, 'by either'),
		is(djust_introspect(:'a'::json ->> 'access_token')::jsonb, '{"active": false}', 'not active');
SELECT is(pg_temp.alive(:'b'::json ->> 'access_token'), true, 'the other session lives');
SELECT is(djust_logout(:'b'::json ->> 'refresh_token'), true, 'logout by refresh token');
SELECT is(pg_temp.alive(:'b'::json ->> 'access_token'), false, 'the access token is dead'),
		is(djust_refresh(:'b'::json ->> 'refresh_token')::text, :'refused', 'and the refresh token');
SELECT is((djust_auth.stats() ->> 'logouts')::bigint - :logouts, 2::bigint, 'two logouts are counted');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'logout' AND user_id = :'ann' AND sid IN (pg_temp.sid(:'a'::json ->> 'access_token'), pg_temp.sid(:'b'::json ->> 'access_token'))),
	2::bigint, 'and on record');

-- hints and client credentials

SELECT is(djust_logout(djust_auth.open_session(:'ann') ->> t, h, c, s), true, format('logout by %s, hint %s, client %s', t, h, c))
	FROM unnest('{access_token,refresh_token}'::text[]) t, unnest('{access_token,refresh_token,nonsense,NULL}'::text[]) h,
		(VALUES (NULL, NULL), (current_setting('djust_auth.client_id'), 'any')) x(c, s);
SELECT is(djust_logout(token => t), false, 'unknown: ' || quote_literal(t)) FROM unnest('{"",garbage,djr_,a.b.c}'::text[]) t;
SELECT throws_ok('SELECT djust_logout(NULL)', '22004', NULL, 'NULL is an error');

-- a logout that was rolled back

SELECT djust_auth.open_session(:'ann') AS a \gset
SAVEPOINT logout;
SELECT djust_logout(:'a'::json ->> 'access_token');
SELECT is(pg_temp.alive(:'a'::json ->> 'access_token'), false, 'dead within the transaction');
ROLLBACK TO logout;
SELECT is(pg_temp.alive(:'a'::json ->> 'access_token'), true, 'alive after its rollback');
DELETE FROM djust_auth.session;

-- the list

SELECT djust_auth.open_session(:'ann') AS a \gset
SELECT djust_auth.open_session(:'ann') AS b \gset
SELECT djust_auth.open_session(:'ann') AS c \gset
SELECT djust_auth.open_session(:'bob') AS d \gset
SELECT djust_sessions(:'a'::json ->> 'access_token') AS list \gset
SELECT set_eq(format('SELECT (s ->> ''sid'')::uuid FROM json_array_elements(%L) s', :'list'),
	ARRAY[pg_temp.sid(:'a'::json ->> 'access_token'), pg_temp.sid(:'b'::json ->> 'access_token'), pg_temp.sid(:'c'::json ->> 'access_token')], 'the user''s own sessions');
SELECT set_eq(format('SELECT json_object_keys(s) FROM json_array_elements(%L) s', :'list'), '{sid,created_at,refreshed_at,expires_at,client_address,user_agent,act,current}'::text[], 'members of a session');
SELECT is((SELECT array_agg((s ->> 'sid')::uuid) FROM json_array_elements(:'list') s WHERE (s ->> 'current')::boolean), ARRAY[pg_temp.sid(:'a'::json ->> 'access_token')], 'one is current');
SELECT is((SELECT bool_and(json_typeof(s -> 'current') = 'boolean') FROM json_array_elements(:'list') s), true, 'current is a boolean');
SELECT is((SELECT array_agg((s ->> 'expires_at')::timestamptz) FROM json_array_elements(:'list') s WHERE s ->> 'sid' = pg_temp.sid(:'b'::json ->> 'access_token')::text),
	(SELECT array_agg(expires_at) FROM djust_auth.session WHERE sid = pg_temp.sid(:'b'::json ->> 'access_token')), 'times are those of the table');
SELECT ok(strpos(:'list', 'djr_') = 0 AND strpos(:'list', split_part(:'b'::json ->> 'access_token', '.', 3)) = 0
		AND strpos(:'list', (SELECT encode(access_hash, 'hex') FROM djust_auth.session WHERE sid = pg_temp.sid(:'b'::json ->> 'access_token'))) = 0, 'no secret in it');
UPDATE djust_auth.session SET expires_at = clock_timestamp() - interval '1 s' WHERE sid = pg_temp.sid(:'c'::json ->> 'access_token');
SELECT is(json_array_length(djust_sessions(:'a'::json ->> 'access_token')), 2, 'an expired session is not listed');
SELECT is(pg_temp.alive(:'c'::json ->> 'access_token'), false, 'for it is dead');
SELECT is((SELECT count(*) FROM djust_auth.active_session WHERE user_id = :'ann'), 2::bigint, 'the view active_session agrees');
SELECT is(djust_sessions(t)::text, '[]', 'no list for ' || quote_literal(t)) FROM unnest('{"",garbage,a.b.c}'::text[]) t;
SELECT throws_ok('SELECT djust_sessions(NULL)', '22004', NULL, 'NULL is an error');

-- ending one, ending the others

SELECT is(djust_end_session(:'a'::json ->> 'access_token', pg_temp.sid(:'d'::json ->> 'access_token')), 0, 'a session of somebody else: none ended');
SELECT is(pg_temp.alive(:'d'::json ->> 'access_token'), true, 'and it lives');
SELECT is(djust_end_session(:'a'::json ->> 'access_token', gen_random_uuid()), 0, 'an unknown session: none ended');
SELECT is(djust_end_session(:'a'::json ->> 'access_token', pg_temp.sid(:'b'::json ->> 'access_token')), 1, 'one of one''s own: one ended');
SELECT is(pg_temp.alive(:'b'::json ->> 'access_token'), false, 'it is dead'),
		is(djust_refresh(:'b'::json ->> 'refresh_token')::text, :'refused', 'wholly'),
		is(pg_temp.alive(:'a'::json ->> 'access_token'), true, 'the current one lives'),
		is(djust_end_session(:'a'::json ->> 'access_token', pg_temp.sid(:'b'::json ->> 'access_token')), 0, 'a second time: none');
DELETE FROM djust_auth.session WHERE sid = pg_temp.sid(:'c'::json ->> 'access_token');
SELECT is(djust_end_session(:'a'::json ->> 'access_token'), 0, 'no others: none');
SELECT djust_auth.open_session(:'ann') AS b \gset
SELECT djust_auth.open_session(:'ann') AS c \gset
SELECT is(djust_end_session(:'a'::json ->> 'access_token', NULL), 2, 'all the others: two');
SELECT is(pg_temp.alive(:'b'::json ->> 'access_token') OR pg_temp.alive(:'c'::json ->> 'access_token'), false, 'both are dead'),
		is(pg_temp.alive(:'a'::json ->> 'access_token'), true, 'the current one lives'),
		is(pg_temp.alive(:'d'::json ->> 'access_token'), true, 'and somebody else''s');
SELECT is(djust_end_session(:'b'::json ->> 'access_token'), 0, 'a dead token ends nothing');
SELECT is(djust_end_session('garbage'), 0, 'nor does garbage');
SELECT is(pg_temp.alive(:'a'::json ->> 'access_token'), true, 'as one sees');
SELECT is(djust_end_session(access_token => :'a'::json ->> 'access_token', sid => pg_temp.sid(:'a'::json ->> 'access_token')), 1, 'the current one by its name');
SELECT is(pg_temp.alive(:'a'::json ->> 'access_token'), false, 'is dead as well');
SELECT throws_ok('SELECT djust_end_session(NULL)', '22004', NULL, 'NULL is an error');

-- change of the password

SELECT djust_login('ann@logout.example', 'Tulips-4-Ann') AS a \gset
SELECT djust_auth.open_session(:'ann') AS b \gset
SELECT :'a'::json ->> 'access_token' AS at \gset
SELECT is(djust_change_password(:'at', 'Tulips-4-Anna', 'Tulips-5-Ann')::text, :'refused', 'a wrong current password is refused');
SELECT is(djust_change_password('garbage', 'Tulips-4-Ann', 'Tulips-5-Ann')::text, :'refused', 'so is a dead token');
SELECT is(djust_change_password(:'at', 'Tulips-4-Ann', 'Tulips')::jsonb - 'error_description', '{"error": "weak_password", "violations": ["too_short", "missing_digit", "missing_special"]}'::jsonb, 'so is a weak one');
SELECT is(pg_temp.alive(:'b'::json ->> 'access_token'), true, 'and nothing has happened');
SELECT is(djust_change_password(:'at', 'Tulips-4-Ann', 'Tulips-5-Ann')::jsonb, '{"status": "password_updated"}', 'the right one is changed');
SELECT is(pg_temp.alive(:'at'), true, 'the current session lives'),
		is(djust_refresh(:'a'::json ->> 'refresh_token') ->> 'token_type', 'Bearer', 'and refreshes'),
		is(pg_temp.alive(:'b'::json ->> 'access_token'), false, 'the other is dead'),
		is(djust_refresh(:'b'::json ->> 'refresh_token')::text, :'refused', 'wholly'),
		is(pg_temp.alive(:'d'::json ->> 'access_token'), true, 'somebody else''s lives');
SELECT is(djust_login('ann@logout.example', 'Tulips-4-Ann')::text, :'refused', 'the old password is refused'),
		is(djust_login('ann@logout.example', 'Tulips-5-Ann') ->> 'token_type', 'Bearer', 'the new one logs in');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'password_changed' AND user_id = :'ann'), 1::bigint, 'it is on record');
SELECT throws_ok(format('SELECT djust_change_password(%s)', a), '22004', NULL, 'NULL is an error: ' || a) FROM unnest(ARRAY[$$NULL, 'x', 'y'$$, $$'x', NULL, 'y'$$, $$'x', 'y', NULL$$]) a;

-- max_sessions: the oldest end

SET LOCAL djust_auth.max_sessions = 3;
SELECT djust_auth.create_user('cat@logout.example', 'Lilies-4-Cat', '{logout_buyer}') AS cat \gset
CREATE TEMP TABLE opened AS SELECT n, djust_auth.open_session(:'cat') AS s FROM generate_series(1, 10) n;
SELECT is((SELECT array_agg(n ORDER BY n) FROM opened WHERE pg_temp.alive(s ->> 'access_token')), '{8,9,10}'::int[], 'max_sessions = 3: the three newest of ten live');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'logout' AND user_id = :'cat' AND detail ->> 'cause' = 'max_sessions'), 7::bigint, 'seven ends are on record');
SELECT is(pg_temp.alive(:'d'::json ->> 'access_token'), true, 'somebody else''s session lives');
UPDATE djust_auth.session SET expires_at = clock_timestamp() - interval '1 s' WHERE sid = (SELECT pg_temp.sid(s ->> 'access_token') FROM opened WHERE n = 10);
SELECT djust_login('cat@logout.example', 'Lilies-4-Cat') AS c \gset
SELECT is((SELECT array_agg(n ORDER BY n) FROM opened WHERE pg_temp.alive(s ->> 'access_token')), '{8,9}'::int[], 'an expired session does not count at a login');
SELECT djust_refresh(s ->> 'refresh_token') AS e FROM opened WHERE n = 8 \gset
SELECT djust_token('password', 'cat@logout.example', 'Lilies-4-Cat') AS c2 \gset
SELECT is(pg_temp.alive(:'e'::json ->> 'access_token'), false, 'the oldest ends at a token grant, though it was refreshed'),
		is(pg_temp.alive(:'c'::json ->> 'access_token') AND pg_temp.alive(:'c2'::json ->> 'access_token'), true, 'the newer ones live');
SET LOCAL djust_auth.max_sessions = 0;
SELECT djust_auth.open_session(:'cat') FROM generate_series(1, 5);
SELECT is((SELECT count(*) FROM djust_auth.active_session WHERE user_id = :'cat'), 8::bigint, '0 is no limit');

SELECT * FROM finish();
ROLLBACK;
