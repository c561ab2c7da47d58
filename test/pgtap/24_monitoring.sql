-- The view stat and check(): what they show, to whom, and that they tell what is wrong.

\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();

SELECT set_eq('SELECT name FROM djust_auth.stat WHERE kind = ''counter''',
	$$SELECT key FROM json_object_keys(djust_auth.stats()) key WHERE key NOT IN ('mails_waiting', 'events_waiting')$$, 'the counters are those of stats()');
SELECT set_eq('SELECT name FROM djust_auth.stat WHERE kind = ''gauge''',
	'{worker_alive,worker_last_write_seconds,mails_waiting,mail_oldest_due_seconds,hashes_running,hashes_waiting,accounts_locked,accounts_suspended,sessions_live,signing_key_age_seconds,key_file_matches,events_waiting,replay_lag_seconds,follower_lag_seconds}'::text[],
	'and these are the gauges');
SELECT is_empty('SELECT name FROM djust_auth.stat WHERE (since IS NULL) <> (kind = ''gauge'') OR since > now() OR description !~ ''^[A-Z0-9].*\.$''',
	'counters say since when, and everything what it is');

CREATE FUNCTION pg_temp.stat(wanted text) RETURNS double precision LANGUAGE sql AS $$ SELECT value FROM djust_auth.stat WHERE name = wanted $$;
SELECT djust_auth.create_profile('buyer');
SELECT djust_auth.set_right('buyer', '/orders', 'read');
SELECT djust_auth.create_user('ann@monitoring.example', 'Tulips-4-Ann', '{buyer}') AS ann \gset
SELECT pg_temp.stat('logins') AS logins, pg_temp.stat('sessions_live') AS sessions, pg_temp.stat('mails_waiting') AS mails \gset
SELECT ok(djust_login('ann@monitoring.example', 'Tulips-4-Ann')::jsonb ? 'access_token', 'a login');
SELECT is(pg_temp.stat('logins'), :logins::double precision + 1, 'is counted');
SELECT is(pg_temp.stat('sessions_live'), :sessions::double precision + 1, 'its session is live');
SELECT is(pg_temp.stat('key_file_matches'), 1::double precision, 'the key file is the right one');
SELECT ok(pg_temp.stat('signing_key_age_seconds') BETWEEN 0 AND 3600, 'the signing key has an age');
SELECT djust_reset_request('ann@monitoring.example');
SELECT is(pg_temp.stat('mails_waiting'), :mails::double precision + 1, 'its mail waits');
SELECT ok(pg_temp.stat('mail_oldest_due_seconds') >= 0, 'it is due');
UPDATE djust_auth.mail_queue SET next_attempt_at = now() - interval '20 minutes' WHERE done_at IS NULL;
SELECT ok(pg_temp.stat('mail_oldest_due_seconds') BETWEEN 1199 AND 1300, 'for that long');
INSERT INTO djust_auth.throttle_lock VALUES ('\x01', 11, now() + interval '1 minute', now(), :'ann'), ('\x02', 100, now(), now(), :'ann'), ('\x03', 11, now() - interval '1 minute', now(), :'ann');
SELECT is(pg_temp.stat('accounts_locked'), 1::double precision, 'a lock that has passed is none');
SELECT is(pg_temp.stat('accounts_suspended'), 1::double precision, 'a suspension is counted apart');

-- check()
CREATE FUNCTION pg_temp.finds(pattern text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(severity, ',') FROM djust_auth.check() WHERE finding ~ pattern AND hint <> '' $$;
SELECT is(pg_temp.finds('^a mail has been due for 1[2-9]\d\d seconds'), 'warning', 'a mail that is stuck');
SELECT is(pg_temp.finds('reset_url'), 'warning', 'the example of a reset_url');
SET LOCAL djust_auth.reset_url = 'https://tulips.example/reset?token={token}';
SELECT is(pg_temp.finds('reset_url'), NULL, 'is found no more when it is set');
SELECT is(pg_temp.finds('confirm_url'), 'warning', 'the example of a confirm_url');
SET LOCAL djust_auth.confirm_url = 'https://tulips.example/confirm?token={token}';
SELECT is(pg_temp.finds('confirm_url'), NULL, 'is found no more when it is set');
SELECT is(pg_temp.finds('^no profile has'), NULL, 'some profile has a right');
SELECT is(pg_temp.finds('anonymous'), NULL, 'anonymous callers may write nothing');
SELECT djust_auth.set_right('anonymous', '/**', 'write');
SELECT is(pg_temp.finds('^anonymous callers may write /\*\*$'), 'warning', 'until somebody lets them');
DELETE FROM djust_auth.profile_right;
SELECT is(pg_temp.finds('^no profile has'), 'info', 'without rights nobody can do anything');
ALTER TABLE djust_auth.customer_user DISABLE TRIGGER djust_changed;
SELECT is(pg_temp.finds('^trigger djust_changed of table djust_auth.customer_user is not enabled as the extension enabled it$'), 'error', 'a disabled trigger');
ALTER TABLE djust_auth.profile_right ENABLE ROW LEVEL SECURITY;
SELECT is(pg_temp.finds('^table djust_auth.profile_right has row security$'), 'warning', 'row security');
SELECT is(pg_temp.finds('^everybody may call'), NULL, 'nobody but the owner may call anything');
GRANT EXECUTE ON FUNCTION djust_auth.open_session(uuid, text) TO PUBLIC;
SELECT is(pg_temp.finds('^everybody may call djust_auth.open_session\(uuid,text\)$'), 'error', 'a function given to everybody');
GRANT EXECUTE ON FUNCTION djust_introspect(text, text, text, text) TO PUBLIC;
SELECT is(pg_temp.finds('^everybody may call .*djust_introspect\(text,text,text,text\)$'), 'error', 'one of the public API, too');
SELECT is(pg_temp.finds('^everybody has'), NULL, 'nobody but the owner has a table');
GRANT SELECT ON djust_auth.reset_token TO PUBLIC;
SELECT is(pg_temp.finds('^everybody has SELECT on djust_auth.reset_token$'), 'error', 'a table given to everybody');
SELECT is(pg_temp.finds('template'), NULL, 'no template');
INSERT INTO djust_auth.mail_template (kind, locale, store, subject, body_text, body_html) VALUES
	('reset', 'de', 'outlet', 's', '{link}', '{link}'), ('reset', 'fr', 'outlet', 's', '{link}', '{link}'), ('reset', '', 'fr', 's', '{link}', '{link}'),
	('password_changed', '', '', 's', '-', '-');
SELECT is(pg_temp.finds('^templates of store views that do not exist: fr, outlet$'), 'warning', 'templates of store views that do not exist');
INSERT INTO djust_auth.store (name) VALUES ('fr'), ('outlet');
SELECT is(pg_temp.finds('template'), NULL, 'are found no more when these exist');
ALTER TABLE djust_auth.mail_template DROP CONSTRAINT mail_template_link_valid;
UPDATE djust_auth.mail_template SET body_text = '-' WHERE locale = 'de';
UPDATE djust_auth.mail_template SET body_html = '-' WHERE locale = 'fr';
SELECT is(pg_temp.finds('^a mail template has no {link}: \(reset,de,outlet\), \(reset,fr,outlet\)$'), 'warning', 'templates without a link');
SELECT is((SELECT array_agg(DISTINCT severity) <@ '{error,warning,info}' FROM djust_auth.check()), true, 'there are three severities');
SELECT results_eq('SELECT severity FROM djust_auth.check()',
	$$SELECT severity FROM djust_auth.check() ORDER BY array_position('{error,warning,info}', severity)$$, 'the worst come first');

-- to whom
CREATE ROLE watcher IN ROLE pg_monitor;
CREATE ROLE visitor;
SET LOCAL ROLE watcher;
SELECT ok((SELECT count(*) > 20 FROM djust_auth.stat), 'a member of pg_monitor reads the view');
SELECT lives_ok('SELECT * FROM djust_auth.check()', 'and check()');
SELECT throws_ok('SELECT djust_auth.stats()', '42501', NULL, 'but no other function');
SELECT throws_ok('SELECT * FROM djust_auth.customer_user', '42501', NULL, 'and no table');
RESET ROLE;
SET LOCAL ROLE visitor;
SELECT throws_ok('SELECT * FROM djust_auth.stat', '42501', NULL, 'others do not');
SELECT throws_ok('SELECT * FROM djust_auth.check()', '42501', NULL, 'nor check()');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
