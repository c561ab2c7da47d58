-- 11_admin: every administration function, its errors, its audit; and plain DML, which has the same effects

BEGIN;
\pset fieldsep '\n'
SELECT plan(199);

CREATE FUNCTION pg_temp.alive(token text) RETURNS boolean LANGUAGE sql AS $$ SELECT (djust_introspect(token) ->> 'active')::boolean $$;
CREATE FUNCTION pg_temp.session(u uuid) RETURNS json LANGUAGE sql AS $$ SELECT djust_auth.open_session(u) $$;
-- number of administration events since the last call, and whether all name the actor
CREATE TEMP TABLE seen (id uuid);
CREATE FUNCTION pg_temp.audited() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint; named boolean;
BEGIN
	SELECT count(*), bool_and(actor = session_user) INTO n, named FROM djust_auth.audit_event a
		WHERE event IN ('administration', 'password_changed') AND a.id NOT IN (SELECT s.id FROM seen s);
	INSERT INTO seen SELECT a.id FROM djust_auth.audit_event a WHERE a.id NOT IN (SELECT s.id FROM seen s);
	RETURN CASE WHEN n = 0 THEN 'no event' WHEN named THEN 'audited' ELSE 'an event without the actor' END;
END $$;

SELECT djust_auth.create_profile('a_buyer');
SELECT is(pg_temp.audited(), 'audited', 'create_profile is on record');

-- users come

SELECT djust_auth.create_user('  Ann@Admin.Example ', 'Tulips-4-Ann', '{a_buyer}') AS ann \gset
SELECT is(pg_temp.audited(), 'audited', 'create_user is on record');
SELECT results_eq(format('SELECT email COLLATE "default", password_hash LIKE ''$argon2id$v=19$m=19456,t=2,p=1$%%'', disabled_at IS NULL, created_at <= clock_timestamp() FROM djust_auth.customer_user WHERE id = %L', :'ann'),
	$$VALUES ('ann@admin.example', true, true, true)$$, 'create_user: the address normalised, the password hashed');
SELECT is((SELECT array_agg(profile) FROM djust_auth.user_profile WHERE user_id = :'ann'), '{a_buyer}', 'and the profiles assigned');
SELECT is((SELECT password_hash FROM djust_auth.customer_user WHERE id = djust_auth.create_user('bare@admin.example')), NULL, 'a user without a password');
SELECT throws_ok($$SELECT djust_auth.create_user('ann@admin.example')$$, '23505', NULL, 'a second user of the same address');
SELECT throws_ok($$SELECT djust_auth.create_user(' ANN@ADMIN.EXAMPLE')$$, '23505', NULL, 'in another spelling');
SELECT throws_ok($$SELECT djust_auth.create_user('weak@admin.example', 'Abcdefg1')$$, '22023', NULL, 'a weak password');
SELECT throws_ok(format('SELECT djust_auth.create_user(%L)', e), NULL::char(5), NULL, 'no address: ' || quote_literal(e)) FROM unnest(ARRAY['', 'ann', 'a@', '@b', 'a b@c.example', E'a@b.example\nx']) e;
SELECT throws_ok('SELECT djust_auth.create_user(NULL)', '22004', NULL, 'NULL');
SELECT throws_ok($$SELECT djust_auth.create_user('p@admin.example', NULL, '{no_such_profile}')$$, NULL::char(5), NULL, 'an unknown profile');
SELECT is((SELECT count(*) FROM djust_auth.customer_user WHERE email IN ('weak@admin.example', 'p@admin.example')), 0::bigint, 'what was refused is not there');
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.import_user('imp@admin.example', '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K', '{a_buyer}') AS imp \gset
SELECT is(pg_temp.audited(), 'audited', 'import_user is on record');
SELECT is((SELECT password_hash FROM djust_auth.customer_user WHERE id = :'imp'), '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K', 'import_user keeps the hash');
SELECT throws_ok($$SELECT djust_auth.import_user('imp@admin.example', '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K', '{}')$$, '23505', NULL, 'import of a known address');
INSERT INTO djust_auth.customer_user (email) VALUES ('plain@admin.example');
SELECT is(pg_temp.audited(), 'audited', 'a plain INSERT is on record');
SELECT djust_auth.create_user('bob@admin.example', 'Daisies-4-Bob') AS bob \gset

SELECT djust_auth.create_user('Ännchen@Admin.example') AS umlaut \gset
SELECT throws_ok($$SELECT djust_auth.create_user('ÄNNCHEN@admin.example')$$, '23505', NULL, 'capitals beyond ASCII are capitals');
SELECT throws_ok($$SELECT djust_auth.create_user('a' || U&'\0308' || 'nnchen@admin.example')$$, '23505', NULL, 'a decomposed address is the same address');
SELECT lives_ok($$SELECT djust_auth.create_user('nulls@admin.example', NULL, NULL)$$, 'NULL is allowed where there is a default');

-- unknown users

SELECT throws_ok(format('SELECT djust_auth.%s', replace(call, '$', quote_literal('00000000-0000-0000-0000-000000000001') || '::uuid')), 'P0002', NULL, 'unknown user: ' || call)
	FROM unnest(ARRAY['set_password($, ''Tulips-5-Ann'')', 'disable_user($)', 'enable_user($)', 'delete_user($)', 'export_user($)', 'change_email($, ''x@admin.example'')', 'unlock_user($)',
		'end_sessions($)', 'open_session($)', 'add_profile($, ''a_buyer'')', 'remove_profile($, ''a_buyer'')', 'explain($, ''/'', ''read'')']) call;
SELECT throws_ok(format('SELECT djust_auth.%s', call), '22004', NULL, 'NULL: ' || call)
	FROM unnest(ARRAY['set_password(NULL, ''Tulips-5-Ann'')', 'set_password(''' || :'ann' || ''', NULL)', 'disable_user(NULL)', 'enable_user(NULL)', 'delete_user(NULL)', 'export_user(NULL)', 'change_email(NULL, ''x@admin.example'')', 'change_email(''' || :'ann' || ''', NULL)',
		'unlock_user(NULL)', 'end_sessions(NULL)', 'open_session(NULL)', 'create_profile(NULL)', 'drop_profile(NULL)', 'add_profile(NULL, ''a_buyer'')', 'add_profile(''' || :'ann' || ''', NULL)', 'set_right(NULL, ''/'', ''read'')', 'set_right(''a_buyer'', NULL, ''read'')', 'set_right(''a_buyer'', ''/'', NULL)',
		'mail_sent(NULL)', 'mail_failed(NULL, ''x'')', 'explain(''' || :'ann' || ''', NULL, ''read'')', 'import_user(NULL, ''x'', ''{}'')', 'import_user(''x@admin.example'', NULL, ''{}'')']) call;

-- passwords

SELECT pg_temp.session(:'ann') AS s \gset
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT throws_ok(format('SELECT djust_auth.set_password(%L, %L)', :'ann', 'Abcdefg1'), '22023', NULL, 'set_password: a weak password');
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), true, 'ends no session');
SELECT djust_auth.set_password(:'ann', 'Tulips-5-Ann');
SELECT is(pg_temp.audited(), 'audited', 'set_password is on record');
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'set_password ends the sessions');
SELECT is(djust_refresh(:'s'::json ->> 'refresh_token') ->> 'error', 'invalid_grant', 'wholly');
SELECT is(djust_login('ann@admin.example', 'Tulips-4-Ann') ->> 'error', 'invalid_grant', 'the old password is refused'), is(djust_login('ann@admin.example', 'Tulips-5-Ann') ->> 'token_type', 'Bearer', 'the new one logs in');

-- disabled, enabled

SELECT pg_temp.session(:'ann') AS s \gset
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.disable_user(:'ann');
SELECT is(pg_temp.audited(), 'audited', 'disable_user is on record');
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'disable_user ends the sessions'), isnt((SELECT disabled_at FROM djust_auth.customer_user WHERE id = :'ann'), NULL, 'and says since when');
SELECT lives_ok(format('SELECT djust_auth.disable_user(%L)', :'ann'), 'a second time is no error');
SELECT is(djust_login('ann@admin.example', 'Tulips-5-Ann') ->> 'error', 'invalid_grant', 'no login');
SELECT is((SELECT count(*) FROM djust_auth.active_session WHERE user_id = :'ann'), 0::bigint, 'no active session');
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.enable_user(:'ann');
SELECT is(pg_temp.audited(), 'audited', 'enable_user is on record');
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'enable_user revives nothing'), is(djust_refresh(:'s'::json ->> 'refresh_token') ->> 'error', 'invalid_grant', 'no refresh token either');
SELECT is(djust_login('ann@admin.example', 'Tulips-5-Ann') ->> 'token_type', 'Bearer', 'but login works again');
SELECT lives_ok(format('SELECT djust_auth.enable_user(%L)', :'ann'), 'a second time is no error');

-- the address

SELECT pg_temp.session(:'ann') AS s \gset
SELECT djust_reset_request('ann@admin.example');
SELECT substring(body_text FROM 'djp_[A-Za-z0-9_-]+') AS link FROM djust_auth.claim_mail() WHERE recipient = 'ann@admin.example' \gset
SELECT throws_ok(format('SELECT djust_auth.change_email(%L, %L)', :'ann', 'Bob@admin.example'), '23505', NULL, 'change_email to somebody else''s');
SELECT throws_ok(format('SELECT djust_auth.change_email(%L, %L)', :'ann', 'nonsense'), NULL::char(5), NULL, 'or to what is none');
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.change_email(:'ann', ' Anna@Admin.Example ');
SELECT is(pg_temp.audited(), 'audited', 'change_email is on record');
SELECT is((SELECT email FROM djust_auth.customer_user WHERE id = :'ann'), 'anna@admin.example', 'change_email');
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), true, 'the sessions live'), is(djust_introspect(:'s'::json ->> 'access_token') ->> 'sub', :'ann', 'of the same subject'), is(djust_introspect(:'s'::json ->> 'access_token') ->> 'username', 'anna@admin.example', 'under the new address');
SELECT is(djust_reset_confirm(:'link', 'Tulips-6-Ann') ->> 'error', 'invalid_grant', 'links sent to the old address are dead');
SELECT is(djust_login('ann@admin.example', 'Tulips-5-Ann') ->> 'error', 'invalid_grant', 'the old address is refused'), is(djust_login('anna@admin.example', 'Tulips-5-Ann') ->> 'token_type', 'Bearer', 'the new one logs in');

-- sessions

DELETE FROM djust_auth.session WHERE user_id = :'ann';
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT pg_temp.session(:'ann') AS s \gset
SELECT is((SELECT count(*) FROM djust_auth.audit_event a WHERE user_id = :'ann' AND a.id NOT IN (SELECT id FROM seen)) > 0, true, 'open_session is on record');
SELECT set_eq(format('SELECT json_object_keys(%L::json)', :'s'), '{access_token,token_type,expires_in,refresh_token,refresh_expires_in}'::text[], 'open_session: a tokens object');
SELECT pg_temp.session(:'ann') AS s2 \gset
SELECT pg_temp.session(:'bob') AS s3 \gset
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT is(djust_auth.end_sessions(:'ann'), 2, 'end_sessions: two');
SELECT is(pg_temp.audited(), 'audited', 'end_sessions is on record');
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token') OR pg_temp.alive(:'s2'::json ->> 'access_token'), false, 'both are dead'), is(pg_temp.alive(:'s3'::json ->> 'access_token'), true, 'somebody else''s lives'), is(djust_auth.end_sessions(:'ann'), 0, 'then none');
-- who acts: in the claims, introspection, lists and audit, through refreshes

CREATE FUNCTION pg_temp.claims(token text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(t, (length(t) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb FROM translate(split_part(token, '.', 2), '-_', '+/') t
$$;
CREATE FUNCTION pg_temp.event(sid text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT detail || jsonb_build_object('event', event) FROM djust_auth.audit_event e WHERE e.sid = $1::uuid ORDER BY at DESC, id DESC LIMIT 1
$$;
SELECT jsonb_build_object('sub', session_user) AS act \gset
SELECT djust_auth.open_session(:'ann', 'asked "by phone"') AS s \gset
SELECT pg_temp.claims(:'s'::json ->> 'access_token') ->> 'sid' AS sid \gset
SELECT is(pg_temp.claims(:'s'::json ->> 'access_token') -> 'act', :'act'::jsonb, 'open_session: the claim act tells who acts'),
		is(djust_introspect(:'s'::json ->> 'access_token')::jsonb -> 'act', :'act'::jsonb, 'so does introspection'),
		is(djust_introspect(:'s'::json ->> 'refresh_token', 'refresh_token')::jsonb -> 'act', :'act'::jsonb, 'of the refresh token, too'),
		is((SELECT act FROM json_to_recordset(djust_sessions(:'s'::json ->> 'access_token')) x(act jsonb)), :'act'::jsonb, 'the list of sessions'),
		is((SELECT actor FROM djust_auth.active_session WHERE sid = :'sid'), session_user::text, 'and the view active_session'),
		is(pg_temp.event(:'sid'), jsonb_build_object('event', 'administration', 'change', 'session opened', 'act', :'act'::jsonb, 'personal', jsonb_build_object('reason', 'asked "by phone"')),
			'its event has the reason, too');
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), true, 'the token is good');
SELECT djust_refresh(:'s'::json ->> 'refresh_token') AS s2 \gset
SELECT is(pg_temp.claims(:'s2'::json ->> 'access_token') -> 'act', :'act'::jsonb, 'a refresh keeps who acts'),
		is(pg_temp.event(:'sid'), jsonb_build_object('event', 'refresh', 'act', :'act'::jsonb), 'and its event tells it'),
		is(pg_temp.alive(:'s2'::json ->> 'access_token') AND pg_temp.alive(:'s'::json ->> 'access_token'), true, 'both tokens are good');
SELECT djust_refresh(:'s'::json ->> 'refresh_token') AS s3 \gset
SELECT is(pg_temp.claims(:'s3'::json ->> 'access_token') -> 'act', :'act'::jsonb, 'as does a retry');
SELECT djust_auth.add_profile(:'ann', 'a_buyer') \g /dev/null
SELECT is(djust_introspect(:'s3'::json ->> 'access_token')::jsonb -> 'act', :'act'::jsonb, 'and a change of profiles');
SELECT djust_auth.open_session(:'ann') AS s4 \gset
SELECT is(djust_end_session(:'s4'::json ->> 'access_token', :'sid'), 1, 'it ends another one'),
		is(pg_temp.event(:'sid'), jsonb_build_object('event', 'logout', 'ended', 1, 'act', :'act'::jsonb), 'as who acts');
SELECT pg_temp.claims(:'s4'::json ->> 'access_token') ->> 'sid' AS sid4 \gset
SELECT djust_logout(:'s4'::json ->> 'access_token') \g /dev/null
SELECT is(pg_temp.event(:'sid4'), jsonb_build_object('event', 'logout', 'act', :'act'::jsonb), 'a logout'),
		is((SELECT detail FROM djust_auth.audit_event WHERE sid = :'sid4' ORDER BY at LIMIT 1), jsonb_build_object('change', 'session opened', 'act', :'act'::jsonb), 'without a reason there is none');
SELECT djust_login('anna@admin.example', 'Tulips-5-Ann') AS own \gset
SELECT is(pg_temp.claims(:'own'::json ->> 'access_token') ? 'act', false, 'in a login nobody acts'),
		is(djust_introspect(:'own'::json ->> 'access_token')::jsonb ? 'act', false, 'nor by introspection'),
		is(djust_sessions(:'own'::json ->> 'access_token')::jsonb -> 0 ? 'act', false, 'nor in the list'),
		is((SELECT pg_column_size(access_hash) FROM djust_auth.session WHERE user_id = :'ann'), 33, 'whose row is not longer for it');
CREATE ROLE "pgtap ""Jörg"" {x}\" LOGIN SUPERUSER;
SET SESSION AUTHORIZATION "pgtap ""Jörg"" {x}\";
SELECT djust_auth.open_session(:'ann') AS s5 \gset
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.claims(:'s5'::json ->> 'access_token') -> 'act', jsonb_build_object('sub', 'pgtap "Jörg" {x}\'), 'whatever the name of the role'),
		is((SELECT actor FROM djust_auth.active_session WHERE actor ~ 'J'), 'pgtap "Jörg" {x}\', 'in the view, too');
SELECT djust_auth.disable_user(:'bob');
SELECT throws_ok(format('SELECT djust_auth.open_session(%L)', :'bob'), NULL::char(5), NULL, 'no session for a disabled user');
SELECT djust_auth.enable_user(:'bob');

-- profiles and rights

SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.create_profile('a_approver', 'Approves');
SELECT is((SELECT description FROM djust_auth.profile WHERE name = 'a_approver'), 'Approves', 'create_profile with a description');
SELECT throws_ok($$SELECT djust_auth.create_profile('a_approver')$$, '23505', NULL, 'a profile of that name is there');
SELECT throws_ok(format('SELECT djust_auth.create_profile(%L)', n), '23514', NULL, 'no name: ' || quote_literal(n)) FROM unnest(ARRAY['', ' ', E'a\nb', ' a']) n;
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.add_profile(:'ann', 'a_approver');
SELECT is(pg_temp.audited(), 'audited', 'add_profile is on record');
SELECT lives_ok(format('SELECT djust_auth.add_profile(%L, %L)', :'ann', 'a_approver'), 'a second time is no error');
SELECT throws_ok(format('SELECT djust_auth.add_profile(%L, %L)', :'ann', 'no_such_profile'), NULL::char(5), NULL, 'an unknown profile is');
SELECT is((SELECT array_agg(profile ORDER BY profile) FROM djust_auth.user_profile WHERE user_id = :'ann'), '{a_approver,a_buyer}', 'add_profile');
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.remove_profile(:'ann', 'a_approver');
SELECT is(pg_temp.audited(), 'audited', 'remove_profile is on record');
SELECT is((SELECT array_agg(profile ORDER BY profile) FROM djust_auth.user_profile WHERE user_id = :'ann'), '{a_buyer}', 'remove_profile');
SELECT djust_auth.set_right('a_approver', '/approvals/{id}', 'write');
SELECT is(pg_temp.audited(), 'audited', 'set_right is on record');
SELECT throws_ok($$SELECT djust_auth.set_right('no_such_profile', '/', 'read')$$, NULL::char(5), NULL, 'set_right: an unknown profile');
SELECT djust_auth.set_right('a_approver', '/approvals/{number}', 'read');
SELECT is((SELECT array_agg(access) FROM djust_auth.profile_right WHERE profile = 'a_approver'), '{read}', 'set_right replaces the right of the same pattern, whatever the name in braces');
SELECT djust_auth.add_profile(:'ann', 'a_approver');
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.drop_profile('a_approver');
SELECT is(pg_temp.audited(), 'audited', 'drop_profile is on record');
SELECT is((SELECT count(*) FROM djust_auth.profile_right WHERE profile = 'a_approver') + (SELECT count(*) FROM djust_auth.user_profile WHERE profile = 'a_approver'), 0::bigint, 'with its rights and assignments');
SELECT throws_ok($$SELECT djust_auth.drop_profile('no_such_profile')$$, NULL::char(5), NULL, 'drop_profile: an unknown profile');
INSERT INTO djust_auth.profile VALUES ('a_plain');
INSERT INTO djust_auth.user_profile VALUES (:'ann', 'a_plain');
INSERT INTO djust_auth.profile_right VALUES ('a_plain', '/', 'read');
SELECT is(pg_temp.audited(), 'audited', 'plain DML is on record');
UPDATE djust_auth.profile_right SET access = 'write' WHERE profile = 'a_plain';
SELECT is(pg_temp.audited(), 'audited', 'UPDATE of a right as well');
DELETE FROM djust_auth.profile_right WHERE profile = 'a_plain';
SELECT is(pg_temp.audited(), 'audited', 'and DELETE');
DELETE FROM djust_auth.user_profile WHERE profile = 'a_plain';
SELECT is(pg_temp.audited(), 'audited', 'of an assignment too');

-- unlock_user and others

SELECT djust_auth.unlock_user(:'ann');
SELECT is(pg_temp.audited(), 'audited', 'unlock_user is on record');
SELECT djust_auth.rotate_signing_key() IS NOT NULL AS rotated \g /dev/null
SELECT is(pg_temp.audited(), 'audited', 'rotate_signing_key is on record');
CREATE ROLE pgtap_admin_role;
SELECT djust_auth.grant_api('pgtap_admin_role');
SELECT is(pg_temp.audited(), 'audited', 'grant_api is on record');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE detail::text ~ '(Tulips|Daisies|argon2id|djr_|djp_)'), 0::bigint, 'no secret is on record');

-- purge

SELECT pg_temp.session(:'ann') AS s \gset
SELECT pg_temp.session(:'ann') AS s2 \gset
SELECT djust_introspect(:'s'::json ->> 'access_token') ->> 'sid' AS sid \gset
UPDATE djust_auth.session SET expires_at = clock_timestamp() - interval '1 s' WHERE sid = :'sid';
INSERT INTO djust_auth.audit_event (id, at, event) VALUES (gen_random_uuid(), clock_timestamp() - interval '91 days', 'login'), (gen_random_uuid(), clock_timestamp() - interval '89 days', 'login');
SELECT djust_auth.purge() AS purged \gset
SELECT is(json_typeof(:'purged'), 'object', 'purge answers an object');
SELECT ok((:'purged'::json ->> 'session')::int >= 1 AND (:'purged'::json ->> 'audit_event')::int >= 1, 'of rows by table: ' || :'purged');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE sid = :'sid'), 0::bigint, 'an expired session is gone'), is(pg_temp.alive(:'s2'::json ->> 'access_token'), true, 'a live one is not');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE at < clock_timestamp() - interval '90 days'), 0::bigint, 'audit of 91 days is gone'),
		is((SELECT count(*) FROM djust_auth.audit_event WHERE at < clock_timestamp() - interval '88 days'), 1::bigint, 'of 89 days is not');

-- plain DML on users and sessions

SELECT pg_temp.session(:'ann') AS s \gset
DELETE FROM djust_auth.session WHERE user_id = :'ann';
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'DELETE of a session kills its tokens');
SELECT pg_temp.session(:'ann') AS s \gset
SAVEPOINT plain;
UPDATE djust_auth.customer_user SET disabled_at = now() WHERE id = :'ann';
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'UPDATE of disabled_at ends the sessions');
UPDATE djust_auth.customer_user SET disabled_at = NULL WHERE id = :'ann';
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'back to NULL revives nothing');
ROLLBACK TO plain;
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), true, 'after its rollback nothing was ended');
UPDATE djust_auth.customer_user SET password_hash = '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K' WHERE id = :'ann';
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'UPDATE of password_hash ends the sessions');
SELECT is(djust_login('anna@admin.example', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'and the hash is good');
SELECT pg_temp.session(:'ann') AS s \gset
UPDATE djust_auth.customer_user SET password_hash = '$2a$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K', hash_replaced_at = clock_timestamp() WHERE id = :'ann';
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'and one that sets hash_replaced_at beside it, as the library does, ends them, too');
SELECT pg_temp.session(:'ann') AS s \gset
UPDATE djust_auth.customer_user SET password_hash = NULL WHERE id = :'ann';
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'so does NULL');
SELECT djust_reset_request('anna@admin.example');
SELECT substring(body_text FROM 'djp_[A-Za-z0-9_-]+') AS link FROM djust_auth.claim_mail() WHERE recipient = 'anna@admin.example' \gset
UPDATE djust_auth.customer_user SET email = 'Anne@Admin.Example' WHERE id = :'ann';
SELECT is((SELECT email FROM djust_auth.customer_user WHERE id = :'ann'), 'anne@admin.example', 'UPDATE of the address is normalised');
SELECT is(djust_reset_confirm(:'link', 'Tulips-6-Ann') ->> 'error', 'invalid_grant', 'and kills reset links');
SELECT pg_temp.session(:'ann') AS s \gset
UPDATE djust_auth.customer_user SET created_at = created_at - interval '1 day' WHERE id = :'ann';
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), true, 'other columns end nothing');
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
UPDATE djust_auth.customer_user SET password_hash = '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K' WHERE id = :'ann';
SELECT is(pg_temp.audited(), 'audited', 'a plain UPDATE of password_hash is on record');
UPDATE djust_auth.customer_user SET email = 'anna@admin.example' WHERE id = :'ann';
SELECT is(pg_temp.audited(), 'audited', 'of the address');
UPDATE djust_auth.customer_user SET disabled_at = clock_timestamp() WHERE id = :'ann';
SELECT is(pg_temp.audited(), 'audited', 'of disabled_at');
UPDATE djust_auth.customer_user SET disabled_at = NULL WHERE id = :'ann';
SELECT is(pg_temp.audited(), 'audited', 'and back');
SELECT pg_temp.session(:'ann') AS s \gset
TRUNCATE djust_auth.session;
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'TRUNCATE of the sessions kills all tokens');
SELECT pg_temp.session(:'ann') AS s \gset
SAVEPOINT truncated;
TRUNCATE djust_auth.customer_user CASCADE;
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'TRUNCATE of the users as well');
ROLLBACK TO truncated;
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), true, 'until it is rolled back');

-- users go

SELECT djust_login('imp@admin.example', 'Tulips-4-Ann') AS s \gset
SELECT djust_reset_request('imp@admin.example');
SELECT pg_temp.audited() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.delete_user(:'imp');
SELECT is(pg_temp.audited(), 'audited', 'delete_user is on record');
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'delete_user ends the sessions'), is(djust_refresh(:'s'::json ->> 'refresh_token') ->> 'error', 'invalid_grant', 'wholly'), is(djust_login('imp@admin.example', 'Tulips-4-Ann') ->> 'error', 'invalid_grant', 'no login');
CREATE FUNCTION pg_temp.holds(needle text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	r record; found boolean; tables text[] := '{}';
BEGIN
	FOR r IN SELECT oid::regclass AS t FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s x WHERE strpos(to_jsonb(x)::text, $1) > 0)', r.t) INTO found USING needle;
		IF found THEN tables := tables || r.t::text; END IF;
	END LOOP;
	RETURN tables;
END $$;
SELECT is(pg_temp.holds('imp@admin.example'), '{}', 'no table holds the address'), is(pg_temp.holds(encode('imp@admin.example', 'hex')), '{}', 'nor as bytes');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE user_id = :'imp' AND client_address IS NOT NULL), 0::bigint, 'no client address of that user is left');
SELECT is((SELECT count(*) FROM djust_auth.user_profile WHERE user_id = :'imp') + (SELECT count(*) FROM djust_auth.session WHERE user_id = :'imp'), 0::bigint, 'no assignment, no session');
SELECT is((SELECT count(*) FROM djust_auth.claim_mail() WHERE recipient = 'imp@admin.example'), 0::bigint, 'no mail is sent any more');
SELECT lives_ok($$SELECT djust_auth.create_user('imp@admin.example')$$, 'the address is free again');
SELECT djust_login('bob@admin.example', 'Daisies-4-Bob') AS s \gset
DELETE FROM djust_auth.customer_user WHERE id = :'bob';
SELECT is(pg_temp.alive(:'s'::json ->> 'access_token'), false, 'a plain DELETE of a user ends the sessions');
SELECT is(pg_temp.audited(), 'audited', 'and is on record');

-- read-only transactions

SELECT throws_ok(format('DO $d$ BEGIN SET LOCAL transaction_read_only = on; PERFORM djust_auth.%s; END $d$', replace(call, '$', quote_literal(:'ann') || '::uuid')), '25006', NULL, 'read-only: ' || call)
	FROM unnest(ARRAY['create_user(''ro@admin.example'')', 'set_password($, ''weak'')', 'disable_user($)', 'enable_user($)', 'delete_user($)', 'export_user($)', 'change_email($, ''ro@admin.example'')', 'unlock_user($)', 'end_sessions($)', 'open_session($)',
		'create_profile(''ro'')', 'drop_profile(''ro'')', 'add_profile($, ''ro'')', 'remove_profile($, ''ro'')', 'set_right(''ro'', ''/'', ''read'')', 'rotate_signing_key()', 'claim_mail()', 'mail_sent(1)', 'mail_failed(1, ''x'')', 'purge()']) call;

SELECT * FROM finish();
ROLLBACK;
