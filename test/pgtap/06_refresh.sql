-- 06_refresh: rotation, grace, reuse

BEGIN;
\pset fieldsep '\n'
SELECT plan(88);

CREATE FUNCTION pg_temp.claims(token text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(t, (length(t) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
	FROM translate(split_part(token, '.', 2), '-_', '+/') t
$$;

SELECT djust_auth.create_profile('refresh_buyer');
SELECT djust_auth.create_profile('refresh_other');
SELECT djust_auth.set_right('refresh_buyer', '/orders/**', 'read');
SELECT djust_auth.create_user('ann@refresh.example', 'Tulips-4-Ann', '{refresh_buyer}') AS ann \gset
SELECT djust_login('ann@refresh.example', 'wrong') AS refused \gset

-- rotation

SELECT djust_login('ann@refresh.example', 'Tulips-4-Ann') AS a0 \gset
SELECT :'a0'::json ->> 'access_token' AS at0, :'a0'::json ->> 'refresh_token' AS rt0 \gset
SELECT (djust_auth.stats() ->> 'refreshes')::bigint AS refreshes \gset
SELECT djust_refresh(:'rt0') AS a1 \gset
SELECT :'a1'::json ->> 'access_token' AS at1, :'a1'::json ->> 'refresh_token' AS rt1 \gset
SELECT set_eq(format('SELECT json_object_keys(%L::json)', :'a1'),
	'{access_token,token_type,expires_in,refresh_token,refresh_expires_in}'::text[], 'members of the tokens object');
SELECT is(:'a1'::jsonb - 'access_token' - 'refresh_token', '{"token_type": "Bearer", "expires_in": 600, "refresh_expires_in": 7200}'::jsonb, 'and their values');
SELECT isnt(:'rt1'::text, :'rt0', 'the refresh token is rotated');
SELECT matches(:'rt1'::text, '^djr_[A-Za-z0-9_-]{43,}$', 'into one like it');
SELECT isnt(:'at1'::text, :'at0', 'there is a new access token');
SELECT is(pg_temp.claims(:'at1') -> 'sid', pg_temp.claims(:'at0') -> 'sid', 'of the same session');
SELECT isnt(pg_temp.claims(:'at1') -> 'jti', pg_temp.claims(:'at0') -> 'jti', 'with an id of its own');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 1::bigint, 'there is still one session');
SELECT ok(refreshed_at > created_at, 'which knows when it was refreshed') FROM djust_auth.session WHERE user_id = :'ann';
SELECT is(djust_can(:'at0', '/orders/1', 'read'), true, 'the access token of before lives on'), is(djust_can(:'at1', '/orders/1', 'read'), true, 'next to the new one');
SELECT ok((djust_auth.stats() ->> 'refreshes')::bigint > :refreshes, 'it is counted');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'refresh' AND user_id = :'ann' AND sid = (pg_temp.claims(:'at0') ->> 'sid')::uuid), 1::bigint, 'and on record');

-- the same token again, within the grace: the same successor

SELECT is(djust_refresh(:'rt0') ->> 'refresh_token', :'rt1', 'the same successor') FROM generate_series(1, 3);
SELECT djust_refresh(:'rt0') ->> 'access_token' AS at1b \gset
SELECT is(djust_can(:'at1b', '/orders/1', 'read'), true, 'with a good access token');
SELECT is(djust_can(:'at0', '/orders/1', 'read') AND djust_can(:'at1', '/orders/1', 'read'), true, 'and the others live');
SELECT djust_refresh(:'rt1') AS a2 \gset
SELECT :'a2'::json ->> 'access_token' AS at2, :'a2'::json ->> 'refresh_token' AS rt2 \gset
SELECT ok(:'rt2' NOT IN (:'rt0', :'rt1'), 'the successor goes on to a third');
SELECT is(djust_refresh(:'rt1') ->> 'refresh_token', :'rt2', 'with its own grace');

-- an older generation, even within the grace: the session is dead

SELECT (djust_auth.stats() ->> 'refresh_reuses')::bigint AS reuses \gset
SELECT is(djust_refresh(:'rt0')::text, :'refused', 'an older generation is refused, with the answer of a wrong password');
SELECT is(djust_refresh(:'rt2')::text, :'refused', 'the session is dead: the newest refresh token'),
		is(djust_refresh(:'rt1')::text, :'refused', 'the one before'),
		is(djust_can(:'at0', '/orders/1', 'read') OR djust_can(:'at1', '/orders/1', 'read') OR djust_can(:'at2', '/orders/1', 'read'), false, 'and all access tokens');
SELECT ok((djust_auth.stats() ->> 'refresh_reuses')::bigint > :reuses, 'the reuse is counted');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'refresh_reuse' AND user_id = :'ann'), 1::bigint, 'once, and on record');

-- reuse after the grace: dead

SET LOCAL djust_auth.refresh_reuse_grace = '1s';
SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
SELECT djust_auth.open_session(:'ann') AS other \gset
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token') ->> 'refresh_token', :'a1'::json ->> 'refresh_token', 'within one second of grace: the successor');
SELECT pg_sleep(1.1);
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token')::text, :'refused', 'after it: refused');
SELECT is(djust_can(:'a1'::json ->> 'access_token', '/orders/1', 'read'), false, 'and the session is dead');
SELECT is(djust_refresh(:'a1'::json ->> 'refresh_token')::text, :'refused', 'wholly');
SELECT is(djust_can(:'other'::json ->> 'access_token', '/orders/1', 'read'), true, 'another session of the same user is not');
SET LOCAL djust_auth.refresh_reuse_grace = 0;
SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token')::text, :'refused', 'without grace: refused at once');
SELECT is(djust_refresh(:'a1'::json ->> 'refresh_token')::text, :'refused', 'and dead');
RESET djust_auth.refresh_reuse_grace;

-- a clock that was set back lengthens nothing: refreshed two hours ahead, a used token is a reuse; a retry at once is none

SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token') ->> 'refresh_token', :'a1'::json ->> 'refresh_token', 'used just now: the successor');
UPDATE djust_auth.session SET refreshed_at = refreshed_at + interval '2 hours' WHERE sid = (pg_temp.claims(:'a0'::json ->> 'access_token') ->> 'sid')::uuid;
SELECT is(djust_can(:'a1'::json ->> 'access_token', '/orders/1', 'read'), false, 'an access token issued two hours ahead is dead');
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token')::text, :'refused', 'used two hours ahead: refused');
SELECT is(djust_refresh(:'a1'::json ->> 'refresh_token')::text, :'refused', 'and the session is dead');
SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
UPDATE djust_auth.session SET refreshed_at = refreshed_at + interval '2 hours' WHERE sid = (pg_temp.claims(:'a0'::json ->> 'access_token') ->> 'sid')::uuid;
SELECT djust_refresh(:'a1'::json ->> 'refresh_token') AS a2 \gset
SELECT is(djust_can(:'a2'::json ->> 'access_token', '/orders/1', 'read'), true, 'the current refresh token goes on by the clock of now');

-- reuse that is undone stays; the row is gone with the next purge

SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
SELECT djust_refresh(:'a1'::json ->> 'refresh_token') AS a2 \gset
SELECT (pg_temp.claims(:'a0'::json ->> 'access_token') ->> 'sid')::uuid AS sid \gset
SAVEPOINT reuse;
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token')::text, :'refused', 'reuse in a savepoint');
ROLLBACK TO reuse;
SELECT is(djust_can(:'a2'::json ->> 'access_token', '/orders/1', 'read'), false, 'that is rolled back: the session is dead'),
		is(djust_introspect(:'a2'::json ->> 'access_token')::text, '{"active":false}', 'to introspection'),
		is(djust_refresh(:'a2'::json ->> 'refresh_token')::text, :'refused', 'to refreshes'),
		is(djust_logout(:'a2'::json ->> 'refresh_token'), false, 'to logout'),
		is(djust_end_session(:'other'::json ->> 'access_token', :'sid'), 0, 'to other sessions of the user'),
		ok(NOT (djust_sessions(:'other'::json ->> 'access_token')::jsonb @> jsonb_build_array(jsonb_build_object('sid', :'sid'))), 'in their list'),
		is((SELECT count(*) FROM djust_auth.active_session WHERE sid = :'sid'), 0::bigint, 'and in the view');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE sid = :'sid'), 1::bigint, 'its row waits');
SELECT ok((djust_auth.purge() ->> 'session')::int >= 1, 'for a purge');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE sid = :'sid'), 0::bigint, 'and is gone'),
		is((SELECT count(*) FROM djust_auth.session_ended WHERE sid = :'sid'), 0::bigint, 'from the list, too');

-- a refresh that was rolled back

SELECT djust_auth.open_session(:'ann') AS a0 \gset
SAVEPOINT refresh;
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
ROLLBACK TO refresh;
SELECT is(djust_refresh(:'a1'::json ->> 'refresh_token')::text, :'refused', 'the successor of a refresh that was rolled back is dead');
SELECT is(djust_can(:'a0'::json ->> 'access_token', '/orders/1', 'read'), true, 'the session is not');
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token') ->> 'token_type', 'Bearer', 'and its token refreshes');

-- what is no refresh token: the same answer, and nobody's session ends

SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT :'a0'::json ->> 'refresh_token' AS rt0 \gset
SELECT is(djust_refresh(t)::text, :'refused', 'refused: ' || w) FROM (VALUES
	('empty', ''), ('prefix', 'djr_'), ('garbage', 'garbage'), ('shorter', left(:'rt0', -1)), ('longer', :'rt0' || 'A'), ('no prefix', substr(:'rt0', 5)),
	('other prefix', 'djp_' || substr(:'rt0', 5)), ('blank behind', :'rt0' || ' '), ('newline', :'rt0' || E'\n'), ('blank before', ' ' || :'rt0'),
	('padding', :'rt0' || '='), ('upper case', upper(:'rt0')), ('access token', :'a0'::json ->> 'access_token'), ('long', repeat('djr_', 50000)), ('not ASCII', 'djr_ä')) x(w, t);
SELECT is_empty(format($$SELECT i FROM generate_series(5, length(%1$L)) i,
		LATERAL (SELECT overlay(%1$L PLACING CASE WHEN substr(%1$L, i, 1) = 'A' THEN 'B' ELSE 'A' END FROM i)) x(t)
		WHERE djust_refresh(t)::text <> %2$L$$, :'rt0', :'refused'), 'refused: any character changed');
SELECT is(djust_refresh(:'rt0') ->> 'token_type', 'Bearer', 'the session lives on');
SELECT throws_ok('SELECT djust_refresh(NULL)', '22004', NULL, 'NULL is an error');

-- claims are made anew

SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT djust_auth.add_profile(:'ann', 'refresh_other');
SELECT djust_auth.remove_profile(:'ann', 'refresh_buyer');
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
SELECT ok(pg_temp.claims(:'a1'::json ->> 'access_token') -> 'profiles' @> '["refresh_other"]'
	AND NOT pg_temp.claims(:'a1'::json ->> 'access_token') -> 'profiles' @> '["refresh_buyer"]', 'the new access token has the profiles of now');
SELECT djust_auth.change_email(:'ann', 'ann2@refresh.example');
SELECT is(djust_introspect(:'a1'::json ->> 'access_token') ->> 'username', 'ann2@refresh.example', 'and the address of now');
SELECT djust_auth.add_profile(:'ann', 'refresh_buyer');

-- sliding, up to the life of the session

SET LOCAL djust_auth.refresh_token_lifetime = '1h';
SET LOCAL djust_auth.session_max_lifetime = '90min';
SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT is(:'a0'::json ->> 'refresh_expires_in', '3600', 'an hour');
SELECT (pg_temp.claims(:'a0'::json ->> 'access_token') ->> 'sid')::uuid AS sid \gset
UPDATE djust_auth.session SET created_at = created_at - interval '20 min', refreshed_at = refreshed_at - interval '20 min', expires_at = expires_at - interval '20 min' WHERE sid = :'sid';
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
SELECT is(:'a1'::json ->> 'refresh_expires_in', '3600', 'twenty minutes later an hour again');
UPDATE djust_auth.session SET created_at = created_at - interval '40 min', refreshed_at = refreshed_at - interval '40 min', expires_at = expires_at - interval '40 min' WHERE sid = :'sid';
SELECT djust_refresh(:'a1'::json ->> 'refresh_token') AS a2 \gset
SELECT ok((:'a2'::json ->> 'refresh_expires_in')::int BETWEEN 1770 AND 1800, 'after an hour only what is left of the session: ' || (:'a2'::json ->> 'refresh_expires_in'));
SELECT ok(expires_at <= created_at + interval '90 min', 'as the table says') FROM djust_auth.session WHERE sid = :'sid';
SET LOCAL djust_auth.session_max_lifetime = '30min';
SELECT is(djust_refresh(:'a2'::json ->> 'refresh_token')::text, :'refused', 'a session older than session_max_lifetime, lowered since, is not refreshed');
RESET djust_auth.session_max_lifetime;

SELECT djust_auth.open_session(:'ann') AS a0 \gset
SET LOCAL djust_auth.session_max_lifetime = '5min';
SELECT djust_refresh(:'a0'::json ->> 'refresh_token') AS a1 \gset
SELECT ok((:'a1'::json ->> 'expires_in')::int <= 300 AND (:'a1'::json ->> 'refresh_expires_in')::int <= 300, 'a lowered session_max_lifetime counts at the next refresh');
SELECT ok((djust_introspect(:'a1'::json ->> 'access_token') ->> 'active')::boolean, 'the session lives');
SELECT (pg_temp.claims(:'a1'::json ->> 'access_token') ->> 'sid')::uuid AS sid \gset
UPDATE djust_auth.session SET created_at = created_at - interval '5 min' WHERE sid = :'sid';
SELECT is(djust_introspect(:'a1'::json ->> 'access_token')::text, '{"active":false}', 'a session older than it is dead at once: its access token');
SELECT is(djust_introspect(:'a1'::json ->> 'refresh_token', 'refresh_token')::text, '{"active":false}', 'its refresh token');
SELECT is(djust_sessions(:'a1'::json ->> 'access_token')::text, '[]', 'its list');
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token')::text, :'refused', 'and ends the session: the token used before'), is(djust_refresh(:'a1'::json ->> 'refresh_token')::text, :'refused', 'and its successor');
RESET djust_auth.session_max_lifetime;

-- expiry

SET LOCAL djust_auth.refresh_token_lifetime = '1s';
SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT pg_sleep(1.1);
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token')::text, :'refused', 'an expired refresh token is refused');
RESET djust_auth.refresh_token_lifetime;

-- a disabled user, a session that is gone

SELECT djust_auth.open_session(:'ann') AS a0 \gset
SELECT djust_auth.open_session(:'ann') AS a1 \gset
DELETE FROM djust_auth.session WHERE sid = (pg_temp.claims(:'a0'::json ->> 'access_token') ->> 'sid')::uuid;
SELECT is(djust_refresh(:'a0'::json ->> 'refresh_token')::text, :'refused', 'a deleted session does not refresh');
SELECT djust_auth.disable_user(:'ann');
SELECT is(djust_refresh(:'a1'::json ->> 'refresh_token')::text, :'refused', 'nor does one of a disabled user');

SELECT * FROM finish();
ROLLBACK;
