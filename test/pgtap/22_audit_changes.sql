-- 22_audit_changes: administrators' changes of every table leave events with old and new values; the library's own work leaves none

BEGIN;
\pset fieldsep '\n'
SELECT plan(54);

CREATE TEMP TABLE seen (id uuid);
-- the events administration since the last call: who, user, session, detail without rows
CREATE FUNCTION pg_temp.told() RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT a.detail - 'rows' - 'personal' || coalesce(jsonb_build_object('personal', a.detail -> 'personal'), '{}') - CASE WHEN a.detail ? 'personal' THEN '' ELSE 'personal' END
			|| CASE WHEN a.user_id IS NULL THEN '{}' ELSE jsonb_build_object('user', a.user_id) END
			|| CASE WHEN a.sid IS NULL THEN '{}' ELSE jsonb_build_object('sid', a.sid) END
			|| CASE WHEN a.actor = session_user THEN '{}' ELSE '{"actor": "missing"}' END::jsonb
		FROM djust_auth.audit_event a WHERE a.event = 'administration' AND a.id NOT IN (SELECT s.id FROM seen s) ORDER BY a.at, a.id;
	INSERT INTO seen SELECT a.id FROM djust_auth.audit_event a WHERE a.id NOT IN (SELECT s.id FROM seen s);
END $$;
CREATE FUNCTION pg_temp.tells(statement text, expected jsonb, name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	got jsonb;
BEGIN
	PERFORM pg_temp.told();
	EXECUTE statement;
	SELECT coalesce(jsonb_agg(t), '[]') INTO got FROM pg_temp.told() t;
	RETURN is(got, expected, name);
END $$;
CREATE FUNCTION pg_temp.made(relation text, operation text, more jsonb) RETURNS jsonb LANGUAGE sql AS
	$$ SELECT jsonb_build_array(jsonb_build_object('table', relation, 'operation', operation) || more) $$;

SELECT djust_auth.create_profile('buyer', 'Buys');
INSERT INTO djust_auth.customer_user (id, email, created_at) VALUES ('00000000-0000-4000-8000-000000000001', 'ann@audit.example', '2024-01-01');
\set ann 00000000-0000-4000-8000-000000000001
SET timezone = 'UTC';

-- profiles and rights: old and new

SELECT pg_temp.tells($$INSERT INTO djust_auth.profile VALUES ('a "quoted" name', 'x')$$, pg_temp.made('profile', 'INSERT', '{"name": "a \"quoted\" name", "new": {"description": "x"}}'), 'a profile, its name escaped');
SELECT pg_temp.tells($$UPDATE djust_auth.profile SET description = 'y' WHERE description = 'x'$$, pg_temp.made('profile', 'UPDATE', '{"name": "a \"quoted\" name", "old": {"description": "x"}, "new": {"description": "y"}}'), 'its description');
SELECT pg_temp.tells($$UPDATE djust_auth.profile SET name = 'plain' WHERE description = 'y'$$, pg_temp.made('profile', 'UPDATE', '{"name": "plain", "old": {"name": "a \"quoted\" name"}, "new": {"name": "plain"}}'), 'its name');
SELECT pg_temp.tells($$DELETE FROM djust_auth.profile WHERE name = 'plain'$$, pg_temp.made('profile', 'DELETE', '{"name": "plain", "old": {"description": "y"}}'), 'and its end');
SELECT pg_temp.tells($$SELECT djust_auth.set_right('buyer', '/orders', 'read')$$, pg_temp.made('profile_right', 'INSERT', '{"profile": "buyer", "route": "/orders", "new": {"access": "read"}}'), 'a right, by function');
SELECT pg_temp.tells($$SELECT djust_auth.set_right('buyer', '/orders', 'write')$$, pg_temp.made('profile_right', 'UPDATE', '{"profile": "buyer", "route": "/orders", "old": {"access": "read"}, "new": {"access": "write"}}'), 'its change');
SELECT pg_temp.tells($$UPDATE djust_auth.profile_right SET access = 'write'$$, '[]', 'an UPDATE that changes nothing is none');
SELECT pg_temp.tells($$UPDATE djust_auth.profile_right SET access = 'none' WHERE false$$, '[]', 'nor is one of no row');
INSERT INTO djust_auth.profile_right SELECT 'buyer', '/many/' || i, 'read' FROM generate_series(1, 150) i;
SELECT is((SELECT count(*) FROM pg_temp.told() t WHERE t ->> 'table' = 'profile_right'), 150::bigint, '150 rights by one statement are 150 events');
UPDATE djust_auth.profile_right SET access = 'write' WHERE route LIKE '/many/%';
SELECT is((SELECT count(*) FROM pg_temp.told() t WHERE t #>> '{old,access}' = 'read' AND t #>> '{new,access}' = 'write' AND t ->> 'route' LIKE '/many/%'), 150::bigint, 'so are their changes');
DELETE FROM djust_auth.profile_right WHERE route = '/many/1';
SELECT pg_temp.told() IS NOT NULL AS drained \g /dev/null
SAVEPOINT truncating;
TRUNCATE djust_auth.profile_right;
SELECT is((SELECT count(*) FROM pg_temp.told() t WHERE t ->> 'operation' = 'TRUNCATE' AND t #>> '{old,access}' IN ('read', 'write') AND t ? 'route'), 150::bigint, 'and a TRUNCATE of them');
ROLLBACK TO truncating;

-- users: ids, values, secrets only that they changed

SELECT pg_temp.tells(format('UPDATE djust_auth.customer_user SET locale = ''fr-CA'' WHERE id = %L', :'ann'), pg_temp.made('customer_user', 'UPDATE', jsonb_build_object('user', :'ann', 'old', '{"locale": null}'::jsonb, 'new', '{"locale": "fr-CA"}'::jsonb)), 'a locale');
SELECT pg_temp.tells(format('UPDATE djust_auth.customer_user SET disabled_at = ''2024-02-03'' WHERE id = %L', :'ann'), pg_temp.made('customer_user', 'UPDATE', jsonb_build_object('user', :'ann', 'old', '{"disabled_at": null}'::jsonb, 'new', '{"disabled_at": "2024-02-03T00:00:00+00:00"}'::jsonb)), 'disabling');
SELECT pg_temp.tells(format('SELECT djust_auth.change_email(%L, ''anna@audit.example'')', :'ann'), pg_temp.made('customer_user', 'UPDATE', jsonb_build_object('user', :'ann', 'personal', '{"old": {"email": "ann@audit.example"}, "new": {"email": "anna@audit.example"}}'::jsonb)), 'an address, which is personal');
SELECT pg_temp.tells(format('UPDATE djust_auth.customer_user SET disabled_at = NULL, password_hash = ''$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K'' WHERE id = %L', :'ann'),
	pg_temp.made('customer_user', 'UPDATE', jsonb_build_object('user', :'ann', 'old', '{"disabled_at": "2024-02-03T00:00:00+00:00"}'::jsonb, 'new', '{"disabled_at": null}'::jsonb, 'changed', '["password_hash"]'::jsonb)), 'of a password hash only that it changed');
SELECT pg_temp.tells(format('SELECT djust_auth.add_profile(%L, ''buyer'')', :'ann'), pg_temp.made('user_profile', 'INSERT', jsonb_build_object('user', :'ann', 'profile', 'buyer')), 'an assignment');
SELECT pg_temp.tells(format('DELETE FROM djust_auth.user_profile WHERE user_id = %L', :'ann'), pg_temp.made('user_profile', 'DELETE', jsonb_build_object('user', :'ann', 'profile', 'buyer')), 'and its end');
INSERT INTO djust_auth.customer_user (email) SELECT 'few' || i || '@audit.example' FROM generate_series(1, 100) i;
SELECT is((SELECT count(DISTINCT t ->> 'user') FROM pg_temp.told() t WHERE t ->> 'table' = 'customer_user'), 100::bigint, '100 users by one statement are told one by one');
INSERT INTO djust_auth.customer_user (email) SELECT 'many' || i || '@audit.example' FROM generate_series(1, 101) i;
SELECT results_eq('SELECT detail FROM djust_auth.audit_event ORDER BY at DESC, id DESC LIMIT 1', $$VALUES ('{"table": "customer_user", "operation": "INSERT", "rows": 101}'::jsonb)$$, '101 by their count');
SELECT is((SELECT count(*) FROM pg_temp.told()), 1::bigint, 'in one event');
UPDATE djust_auth.customer_user SET locale = 'de', disabled_at = now() WHERE email LIKE 'many%';
SELECT results_eq('SELECT * FROM pg_temp.told()', $$VALUES ('{"table": "customer_user", "operation": "UPDATE", "changed": ["disabled_at", "locale"]}'::jsonb)$$, 'with the columns that changed');

-- templates, blocklist, keys, locks

SELECT pg_temp.tells($$INSERT INTO djust_auth.mail_template VALUES ('reset', 'fr', 'Sujet', 'Texte {link}', '<p>{link}</p>')$$, pg_temp.made('mail_template', 'INSERT', '{"kind": "reset", "locale": "fr", "store": "", "new": {"subject": "Sujet", "body_text": "Texte {link}", "body_html": "<p>{link}</p>"}}'), 'a template');
SELECT pg_temp.tells($$UPDATE djust_auth.mail_template SET subject = 'Autre'$$, pg_temp.made('mail_template', 'UPDATE', '{"kind": "reset", "locale": "fr", "store": "", "old": {"subject": "Sujet"}, "new": {"subject": "Autre"}}'), 'its change');
SELECT pg_temp.tells($$DELETE FROM djust_auth.mail_template$$, pg_temp.made('mail_template', 'DELETE', '{"kind": "reset", "locale": "fr", "store": "", "old": {"subject": "Autre", "body_text": "Texte {link}", "body_html": "<p>{link}</p>"}}'), 'and its end');
SELECT pg_temp.tells($$INSERT INTO djust_auth.store (name, mail_from) VALUES ('fr', 'bonjour@fr.example')$$, pg_temp.made('store', 'INSERT', '{"name": "fr", "new": {"reset_url": null, "confirm_url": null, "mail_from": "bonjour@fr.example", "locale": null}}'), 'a store view');
SELECT pg_temp.tells(format('INSERT INTO djust_auth.user_store VALUES (%L, ''fr'')', :'ann'), pg_temp.made('user_store', 'INSERT', jsonb_build_object('user', :'ann', 'new', '{"store": "fr"}'::jsonb)), 'that of a user');
SELECT pg_temp.tells($$INSERT INTO djust_auth.password_blocklist VALUES ('Blocked-1'), ('Blocked-2')$$, pg_temp.made('password_blocklist', 'INSERT', '{}'), 'of the blocklist only that it changed');
SELECT pg_temp.tells($$DELETE FROM djust_auth.password_blocklist$$, pg_temp.made('password_blocklist', 'DELETE', '{}'), 'also when entries go');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE strpos(detail::text, 'Blocked-') > 0), 0::bigint, 'and none of its entries');
SELECT djust_auth.rotate_signing_key() AS kid \gset
SELECT pg_temp.tells(format('UPDATE djust_auth.signing_key SET verify_until = ''2030-01-01'' WHERE kid = %L', :'kid'), pg_temp.made('signing_key', 'UPDATE', jsonb_build_object('kid', :'kid', 'old', '{"verify_until": null}'::jsonb, 'new', '{"verify_until": "2030-01-01T00:00:00+00:00"}'::jsonb)), 'a key');
SELECT pg_temp.told() IS NOT NULL AS drained \g /dev/null
DELETE FROM djust_auth.signing_key WHERE kid = :'kid';
SELECT results_eq('SELECT t ->> ''kid'', t #>> ''{old,algorithm}'', t #>> ''{old,private_key}'' FROM pg_temp.told() t', format('VALUES (%L, ''ES256'', NULL)', :'kid'), 'its end, without the secret');
INSERT INTO djust_auth.throttle_lock VALUES ('\xabcd', 3, '2024-01-01', '2024-01-01', '00000000-0000-4000-8000-000000000001');
SELECT results_eq('SELECT t ->> ''tag'', t #>> ''{new,failures}'' FROM pg_temp.told() t', $$VALUES ('\xabcd', '3')$$, 'a lock');
SELECT pg_temp.tells($$DELETE FROM djust_auth.throttle_lock$$, pg_temp.made('throttle_lock', 'DELETE', '{"tag": "\\xabcd", "old": {"failures": 3, "allowed_at": "2024-01-01T00:00:00+00:00", "saved_at": "2024-01-01T00:00:00+00:00", "user_id": "00000000-0000-4000-8000-000000000001"}}'), 'and its end');

-- sessions, links, mails

SELECT djust_auth.create_user('bob@audit.example', 'Daisies-4-Bob', '{buyer}') AS bob \gset
SELECT djust_auth.open_session(:'bob') AS s \gset
SELECT djust_introspect(:'s'::json ->> 'access_token') ->> 'sid' AS sid \gset
SELECT pg_temp.told() IS NOT NULL AS drained \g /dev/null
UPDATE djust_auth.session SET expires_at = '2040-01-01' WHERE sid = :'sid';
SELECT results_eq('SELECT t ->> ''sid'', t ->> ''user'', t #>> ''{new,expires_at}'' FROM pg_temp.told() t', format('VALUES (%L, %L, ''2040-01-01T00:00:00+00:00'')', :'sid', :'bob'), 'an administrator''s change of a session');
DELETE FROM djust_auth.session WHERE sid = :'sid';
SELECT results_eq('SELECT t ->> ''operation'', t ->> ''sid'', t ->> ''user'' FROM pg_temp.told() t', format('VALUES (''DELETE'', %L, %L)', :'sid', :'bob'), 'and its end');
INSERT INTO djust_auth.reset_token VALUES (sha256('x'), :'bob', now(), now() + interval '1 h');
SELECT results_eq('SELECT t ->> ''user'', t -> ''changed'' FROM pg_temp.told() t', format('VALUES (%L, ''["token_hash"]''::jsonb)', :'bob'), 'a link that somebody slips in, without its hash');
DELETE FROM djust_auth.reset_token;
SELECT is((SELECT count(*) FROM pg_temp.told()), 1::bigint, 'and one that somebody takes away');
SELECT djust_reset_request('bob@audit.example');
SELECT is((SELECT count(*) FROM pg_temp.told()), 0::bigint, 'a request for a reset is no administration');
UPDATE djust_auth.mail_queue SET expires_at = '2040-01-01';
SELECT results_eq('SELECT t ->> ''table'', t #>> ''{new,expires_at}'' FROM pg_temp.told() t', $$VALUES ('mail_queue', '2040-01-01T00:00:00+00:00')$$, 'a DBA''s hand on the queue is');
SELECT pg_temp.tells($$INSERT INTO djust_auth.email_link VALUES ('\x01', 7, '2024-01-01', '2040-01-01', 3)$$, pg_temp.made('email_link', 'INSERT', '{"mail": 7, "new": {"created_at": "2024-01-01T00:00:00+00:00", "expires_at": "2040-01-01T00:00:00+00:00", "shard": 3}, "changed": ["token_hash"]}'), 'a link with the shard where it went');
DELETE FROM djust_auth.audit_event WHERE event = 'reset_requested';
SELECT results_eq('SELECT t ->> ''table'', t ->> ''operation'', t #>> ''{old,event}'' FROM pg_temp.told() t', $$VALUES ('audit_event', 'DELETE', 'reset_requested')$$, 'so is one on the audit itself');

-- the library's own work is no administration

SELECT djust_login('bob@audit.example', 'Daisies-4-Bob') AS s \gset
SELECT djust_refresh(:'s'::json ->> 'refresh_token') AS s \gset
SELECT djust_login('bob@audit.example', 'Wrong-5-Bob') \g /dev/null
SELECT djust_change_password(:'s'::json ->> 'access_token', 'Daisies-4-Bob', 'Daisies-6-Bob') \g /dev/null
SELECT djust_logout(:'s'::json ->> 'refresh_token') \g /dev/null
SELECT substring(body_text FROM 'djp_[A-Za-z0-9_-]+') AS link FROM djust_auth.claim_mail() WHERE recipient = 'bob@audit.example' AND body_text ~ 'djp_' \gset
SELECT djust_reset_confirm(:'link', 'Daisies-7-Bob') ->> 'status' AS status \gset
SELECT is(:'status'::text, 'password_updated', 'logins, refreshes, resets and mails happen');
SELECT djust_auth.purge() \g /dev/null
SELECT is((SELECT jsonb_agg(t) FROM pg_temp.told() t), NULL, 'and are no administration, nor is a purge');
SELECT djust_login('anna@audit.example', 'Tulips-4-Ann') ->> 'token_type' AS type \gset
SELECT is((SELECT password_hash LIKE '$argon2id$%' FROM djust_auth.customer_user WHERE id = :'ann'), true, 'a login replaces an imported hash');
SELECT is((SELECT count(*) FROM pg_temp.told()), 0::bigint, 'which is none either');

-- nobody makes his changes pass for it: not a setting, not a trigger that runs within the library's own statement

CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN UPDATE djust_auth.profile SET description = 'meddled' WHERE name = 'buyer'; RETURN NULL; END $$;
CREATE TRIGGER meddle AFTER DELETE ON djust_auth.session FOR EACH STATEMENT EXECUTE FUNCTION meddle();
SELECT djust_login('bob@audit.example', 'Daisies-7-Bob') AS s \gset
SELECT pg_temp.tells(format('SELECT djust_logout(%L)', :'s'::json ->> 'refresh_token'), pg_temp.made('profile', 'UPDATE', '{"name": "buyer", "old": {"description": "Buys"}, "new": {"description": "meddled"}}'), 'what a trigger of an administrator''s does within a logout is told');
DROP TRIGGER meddle ON djust_auth.session;
SELECT is((SELECT count(*) FROM pg_settings WHERE name LIKE 'djust_auth.%' AND context = 'user'), 0::bigint, 'no setting of a caller''s could suppress events');

-- what is personal goes with the user

SELECT djust_login('bob@audit.example', 'Daisies-7-Bob') IS NOT NULL AS drained \g /dev/null
UPDATE djust_auth.customer_user SET email = 'bobby@audit.example' WHERE id = :'bob';
SELECT ok(count(*) >= 2, 'events hold an address while its user is there') FROM djust_auth.audit_event WHERE user_id = :'bob' AND detail ? 'personal';
SELECT pg_temp.told() IS NOT NULL AS drained \g /dev/null
SELECT djust_auth.delete_user(:'bob');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE strpos(detail::text, '@audit.example') > 0 AND user_id = :'bob'), 0::bigint, 'and not when the user is gone');
SELECT results_eq('SELECT t ->> ''table'', t ->> ''operation'' FROM pg_temp.told() t WHERE t ->> ''table'' NOT IN (''user_profile'')', $$VALUES ('customer_user', 'DELETE')$$, 'whose deletion is told once, not again for each session and mail');

-- columns of an administrator's own

ALTER TABLE djust_auth.customer_user ADD COLUMN "phone ""x" text;
SELECT pg_temp.tells(format('UPDATE djust_auth.customer_user SET "phone ""x" = ''12345'' WHERE id = %L', :'ann'), pg_temp.made('customer_user', 'UPDATE', jsonb_build_object('user', :'ann', 'changed', '["phone \"x"]'::jsonb)), 'are named and not told');

-- TRUNCATE

SELECT djust_auth.open_session(:'ann') IS NOT NULL AS drained \g /dev/null
SELECT pg_temp.told() IS NOT NULL AS drained \g /dev/null
SELECT count(*) AS sessions FROM djust_auth.session \gset
TRUNCATE djust_auth.session;
SELECT is((SELECT count(*) FROM pg_temp.told() t WHERE t ->> 'operation' = 'TRUNCATE' AND t ->> 'user' = :'ann' AND t ? 'sid'), :sessions::bigint, 'a TRUNCATE of sessions');
TRUNCATE djust_auth.customer_user CASCADE;
SELECT ok(count(*) >= 1, 'of users') FROM djust_auth.audit_event WHERE detail ->> 'table' = 'customer_user' AND detail ->> 'operation' = 'TRUNCATE' AND (detail ->> 'rows')::int > 100;
TRUNCATE djust_auth.audit_event;
SELECT results_eq('SELECT event COLLATE "default", detail FROM djust_auth.audit_event', $$VALUES ('administration', '{"table": "audit_event", "operation": "TRUNCATE"}'::jsonb)$$, 'a TRUNCATE of the audit leaves one event');

SELECT * FROM finish();
ROLLBACK;
