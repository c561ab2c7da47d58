-- 02_grants: what each kind of grant_api gives, exactly; and the API in a schema of its own

BEGIN;
SELECT plan(114);

CREATE ROLE pgtap_anonymous;
CREATE ROLE pgtap_customer;
CREATE ROLE pgtap_backend;
CREATE ROLE pgtap_default;
CREATE ROLE pgtap_authenticator;
CREATE ROLE pgtap_worker;
CREATE ROLE pgtap_dba;
CREATE ROLE pgtap_monitor;
CREATE ROLE pgtap_mover;

SELECT lives_ok(format('SELECT djust_auth.grant_api(%L, %L)', 'pgtap_' || k, k), 'grant_api ' || k)
	FROM unnest('{anonymous,customer,backend,authenticator,worker,dba,monitor,mover}'::text[]) k;
SELECT lives_ok($$SELECT djust_auth.grant_api('pgtap_default')$$, 'grant_api without a kind');
SELECT lives_ok($$SELECT djust_auth.grant_api('pgtap_backend', 'backend')$$, 'grant_api twice');

-- who may call what: every function of the extension stands here, with the kinds that may call it; '' is the owner alone

CREATE TEMP TABLE callable (name text, kinds text);
INSERT INTO callable VALUES
	('djust_login', 'anonymous backend customer'),
	('djust_token', 'anonymous backend customer'),
	('djust_refresh', 'anonymous backend customer'),
	('djust_logout', 'anonymous backend customer'),
	('djust_reset_request', 'anonymous backend customer'),
	('djust_reset_confirm', 'anonymous backend customer'),
	('djust_reset_page', 'anonymous backend customer'),
	('djust_sign_up', 'anonymous backend customer'),
	('djust_confirm_email', 'anonymous backend customer'),
	('djust_revert_email', 'anonymous backend customer'),
	('djust_sign_up_page', 'anonymous backend customer'),
	('djust_confirm_page', 'anonymous backend customer'),
	('djust_jwks', 'anonymous backend customer'), ('djust_metadata', 'anonymous backend customer'),
	('djust_pre_request', 'anonymous backend customer'),
	('djust_request_user', 'anonymous backend customer'),
	('djust_request_can', 'anonymous backend customer'),
	('djust_can', 'backend customer'),
	('djust_sessions', 'backend customer'),
	('djust_end_session', 'backend customer'),
	('djust_change_password', 'backend customer'),
	('djust_change_email', 'backend customer'),
	('djust_introspect', 'backend'),
	('djust_auth.create_user', 'dba'),
	('djust_auth.import_user', 'dba'),
	('djust_auth.invite_user', 'dba'),
	('djust_auth.set_password', 'dba'),
	('djust_auth.disable_user', 'dba'),
	('djust_auth.enable_user', 'dba'),
	('djust_auth.delete_user', 'dba'), ('djust_auth.export_user', 'dba'),
	('djust_auth.change_email', 'dba mover'),
	('djust_auth.unlock_user', 'dba'),
	('djust_auth.end_sessions', 'dba'),
	('djust_auth.end_all_sessions', 'dba'),
	('djust_auth.open_session', ''),
	('djust_auth.check_password', 'dba'),
	('djust_auth.create_profile', 'dba'),
	('djust_auth.drop_profile', 'dba'),
	('djust_auth.add_profile', 'dba'),
	('djust_auth.remove_profile', 'dba'),
	('djust_auth.set_right', 'dba'),
	('djust_auth.explain', 'dba'),
	('djust_auth.profile_access', 'dba'),
	('djust_auth.rotate_signing_key', ''),
	('djust_auth.accept_key_file', ''),
	('djust_auth.after_restore', ''),
	('djust_auth.hs256_key', ''),
	('djust_auth.claim_mail', 'worker'),
	('djust_auth.mail_sender', 'worker'),
	('djust_auth.mail_sent', 'worker'),
	('djust_auth.mail_failed', 'worker'),
	('djust_auth.mail_rejected', 'worker'),
	('djust_auth.mail_due', 'worker'),
	('djust_auth.purge', 'worker'),
	('djust_auth.grant_api', ''),
	('djust_auth.postgrest_config', 'authenticator'),
	('djust_auth.stats', 'dba monitor'), ('djust_auth.stat_here', 'dba monitor'), ('djust_auth.check', 'dba monitor'),
	('djust_auth.check_hash', 'dba'),
	('djust_auth.move_state', 'mover'), ('djust_auth.move_accepts', 'mover'), ('djust_auth.move_out', 'mover'), ('djust_auth.move_offer', 'mover'),
	('djust_auth.move_in', 'mover'), ('djust_auth.move_done', 'mover'), ('djust_auth.move_back', 'mover'), ('djust_auth.moves', 'mover'), ('djust_auth.move_refuse', 'mover'), ('djust_auth.move_redirect', 'mover'),
	('djust_auth.move_by_link', 'mover'), ('djust_auth.link_target', 'backend mover'), ('djust_auth.link_followed', 'backend mover'),
	('djust_auth.token_shard', 'backend dba'), ('djust_auth.normal_email', 'backend dba'), ('djust_auth.email_shard', 'backend dba'),
	('djust_auth.worker_start', 'worker'),
	('djust_auth.worker_write', 'worker'),
	('djust_auth.worker_purge', 'worker'), ('djust_auth.worker_heartbeat', 'worker'), ('djust_auth.worker_seal', 'worker'), ('djust_auth.audit_verify', 'dba'),
	-- what constraints and indexes call as the role that writes
	('djust_auth.email_is_valid', 'dba'),
	('djust_auth.password_hash_is_valid', 'dba'),
	('djust_auth.route_is_valid', 'dba'),
	('djust_auth.route_key', 'dba'),
	('djust_auth.mail_template_is_valid', 'dba'),
	('djust_auth.store_is_valid', 'dba'),
	('djust_auth.event_is_valid', ''),
	-- triggers
	('djust_auth.user_normalise', ''),
	('djust_auth.blocklist_normalise', ''),
	('djust_auth.user_changed', ''),
	('djust_auth.user_profile_changed', ''),
	('djust_auth.session_updated', ''),
	('djust_auth.policy_changed', ''),
	('djust_auth.audit_change', ''),
	('djust_auth.keep_anonymous', ''),
	('djust_auth.session_purge_at', ''), ('djust_auth.profile_changed', ''), ('djust_auth.store_changed', ''), ('djust_auth.refuse_on_follower', '');

CREATE TEMP VIEW member AS
	SELECT p.oid, p.oid::regprocedure AS signature, CASE WHEN p.pronamespace = 'djust_auth'::regnamespace THEN 'djust_auth.' ELSE '' END || p.proname AS name
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND e.extname = 'djust_auth';
CREATE TEMP VIEW granted AS
	SELECT m.name, m.signature, k.kind,
		has_function_privilege('pgtap_' || k.kind, m.oid, 'EXECUTE') AS given, k.kind = ANY (string_to_array(c.kinds, ' ')) AS meant
	FROM member m
	LEFT JOIN callable c ON c.name = m.name
	CROSS JOIN unnest('{anonymous,customer,backend,authenticator,worker,dba,monitor,mover}'::text[]) AS k(kind);

SELECT bag_eq('SELECT name FROM member', 'SELECT name FROM callable', 'every function of the extension stands in the list, and no other');
SELECT is_empty(format($$SELECT signature, CASE WHEN given THEN 'is given' ELSE 'is missing' END FROM granted WHERE kind = %L AND given IS DISTINCT FROM meant$$, k),
		k || ': exactly its functions')
	FROM unnest('{anonymous,customer,backend,authenticator,worker,dba,monitor,mover}'::text[]) k;
SELECT is_empty(
	$$SELECT m.signature FROM member m WHERE has_function_privilege('pgtap_default', m.oid, 'EXECUTE') <> has_function_privilege('pgtap_backend', m.oid, 'EXECUTE')$$,
	'the default is backend');

-- and what a dba may do with tables; all others have none

CREATE TEMP VIEW table_privilege AS
	SELECT k.kind, c.relname::text AS name,
		(SELECT string_agg(left(p, 1), '' ORDER BY i)
			FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,trigger}'::text[]) WITH ORDINALITY x(p, i)
			WHERE CASE WHEN c.relkind = 'S' THEN p IN ('SELECT', 'UPDATE') AND has_sequence_privilege('pgtap_' || k.kind, c.oid, p)
				ELSE has_table_privilege('pgtap_' || k.kind, c.oid, p)
					OR (p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege('pgtap_' || k.kind, c.oid, p)) END)
			AS privileges
	FROM pg_class c
	CROSS JOIN unnest('{anonymous,customer,backend,default,authenticator,worker,dba,monitor,mover}'::text[]) AS k(kind)
	WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind IN ('r', 'v', 'S');
SELECT is_empty($$SELECT kind, name, privileges FROM table_privilege WHERE kind <> 'dba' AND privileges IS NOT NULL
		AND (kind, name, privileges) <> ('monitor', 'stat', 'S')$$,
	'no other kind has a privilege on a table, but for monitor, which reads stat');
SELECT is((SELECT privileges FROM table_privilege WHERE kind = 'monitor' AND name = 'stat'), 'S', 'it does');
SELECT set_eq($$SELECT name || ' ' || privileges FROM table_privilege WHERE kind = 'dba' AND privileges IS NOT NULL$$,
	ARRAY['customer_user SIUD', 'profile SIUD', 'user_profile SIUD', 'profile_right SIUD', 'mail_template SIUD', 'page_text SIUD', 'store SIUD', 'user_store SIUD', 'password_blocklist SIUD',
		'session SD', 'active_session S', 'effective_right S', 'audit_event S', 'mail_queue S', 'leaving_user S', 'pending_email S', 'throttle_lock S', 'stat S'],
	'dba: what the contract says');

-- other kinds

CREATE FUNCTION pg_temp.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;

SELECT throws_ok(format('SELECT djust_auth.grant_api(%L, %L)', 'pgtap_default', k), '22023', NULL, 'kind "' || k || '" is refused')
	FROM unnest('{"",admin,Backend,public,superuser," backend"}'::text[]) k;
SELECT unalike(pg_temp.error_of($$SELECT djust_auth.grant_api('pgtap_default', 'Tulips-4-Ann')$$), '%Tulips%', 'and not repeated');
SELECT is((SELECT detail - 'change' FROM djust_auth.audit_event WHERE event = 'administration' AND detail ->> 'kind' = 'monitor'),
	'{"kind": "monitor", "role": "pgtap_monitor"}'::jsonb, 'the audit says which role was given what');
SELECT throws_ok($$SELECT djust_auth.grant_api('pgtap_no_such_role', 'backend')$$, '42704', NULL, 'a role must exist');

-- the grants are enough, and only just

SELECT djust_auth.create_user('grants@grants.example', 'Tulips-4-Ann') AS ann \gset
SET LOCAL ROLE pgtap_backend;
SELECT djust_login('grants@grants.example', 'Tulips-4-Ann') AS answer \gset
SELECT ok((:'answer'::json ->> 'access_token') IS NOT NULL, 'a backend logs customers in');
SELECT :'answer'::json ->> 'access_token' AS at, :'answer'::json ->> 'refresh_token' AS rt \gset
SELECT is(djust_introspect(:'at')::json ->> 'active', 'true', 'and introspects');
SELECT is(djust_can(:'at', '/nothing', 'read'), false, 'and asks for rights');
SELECT throws_ok($$SELECT * FROM djust_auth.customer_user$$, '42501', NULL, 'but reads no user');
SELECT throws_ok($$SELECT * FROM djust_auth.session$$, '42501', NULL, 'no session');
SELECT throws_ok($$SELECT * FROM djust_auth.signing_key$$, '42501', NULL, 'no key');
SELECT throws_ok($$SELECT djust_auth.create_user('x@grants.example')$$, '42501', NULL, 'and creates no user');
SELECT throws_ok($$SELECT djust_auth.grant_api('pgtap_anonymous', 'backend')$$, '42501', NULL, 'and grants nothing');
SET LOCAL ROLE pgtap_customer;
SELECT is(json_array_length(djust_sessions(:'at')), 1, 'a customer lists sessions');
SELECT throws_ok(format('SELECT djust_introspect(%L)', :'at'), '42501', NULL, 'but does not introspect');
SET LOCAL ROLE pgtap_anonymous;
SELECT is((SELECT djust_refresh(:'rt') ->> 'token_type'), 'Bearer', 'anonymous refreshes');
SELECT throws_ok(format('SELECT djust_can(%L, %L, %L)', :'at', '/', 'read'), '42501', NULL, 'but does not ask for rights with a token');
SELECT is(djust_logout(:'at'), true, 'and logs out');
SET LOCAL ROLE pgtap_worker;
SELECT lives_ok($$SELECT count(*) FROM djust_auth.claim_mail()$$, 'a worker claims mail');
SELECT lives_ok($$SELECT djust_auth.purge()$$, 'and purges');

SET LOCAL ROLE pgtap_monitor;
SELECT is(json_typeof(djust_auth.stats()), 'object', 'monitor reads counters');
SELECT throws_ok($$SELECT count(*) FROM djust_auth.mail_queue$$, '42501', NULL, 'and no table');

-- a dba who is no superuser

SET LOCAL ROLE pgtap_dba;
SELECT lives_ok($$SELECT djust_auth.create_profile('g_dba', 'made by a dba')$$, 'a dba: create_profile');
SELECT lives_ok($$INSERT INTO djust_auth.profile (name) VALUES ('g_plain')$$, 'a dba: INSERT of a profile');
SELECT lives_ok($$SELECT djust_auth.set_right('g_dba', '/dba/**', 'write')$$, 'a dba: set_right');
SELECT lives_ok($$INSERT INTO djust_auth.profile_right VALUES ('g_plain', '/plain/{id}', 'read')$$, 'a dba: INSERT of a right');
SELECT lives_ok($$UPDATE djust_auth.profile_right SET route = '/plain/{number}' WHERE profile = 'g_plain'$$, 'a dba: UPDATE of a right');
SELECT djust_auth.create_user('one@dba.example', 'Tulips-4-Ann', '{g_dba}') AS one \gset
SELECT lives_ok($$SELECT djust_auth.import_user('two@dba.example', '$2b$10$N9qo8uLOickgx2ZMRZoMyeymi4cj.rctUsUnWoxLVlpXGdcYBG1Dm')$$, 'a dba: import_user');
SELECT lives_ok($$INSERT INTO djust_auth.customer_user (email) VALUES ('Three@DBA.example')$$, 'a dba: INSERT of a user');
SELECT lives_ok($$INSERT INTO djust_auth.user_profile SELECT id, 'g_plain' FROM djust_auth.customer_user WHERE email LIKE '%@dba.example'$$, 'a dba: assignments');
SELECT lives_ok(format('SELECT djust_auth.add_profile(%1$L, %2$L), djust_auth.remove_profile(%1$L, %2$L)', :'one', 'g_plain'), 'a dba: add and remove a profile');
SELECT lives_ok(format('SELECT djust_auth.set_password(%1$L, %2$L), djust_auth.unlock_user(%1$L)', :'one', 'Tulips-5-Ann'), 'a dba: set_password, unlock_user');
SELECT lives_ok(format('SELECT djust_auth.disable_user(%1$L), djust_auth.enable_user(%1$L)', :'one'), 'a dba: disable and enable');
SELECT lives_ok(format('UPDATE djust_auth.customer_user SET locale = %2$L WHERE id = %1$L', :'one', 'de'), 'a dba: UPDATE of a user');
SELECT lives_ok(format('SELECT djust_auth.change_email(%1$L, %2$L)', :'one', 'uno@dba.example'), 'a dba: change_email');
SELECT lives_ok(format('SELECT djust_auth.explain(%1$L, %2$L, %3$L)', :'one', '/dba/1', 'read'), 'a dba: explain');
SELECT lives_ok('SELECT * FROM djust_auth.effective_right', 'a dba: effective_right');
SELECT lives_ok('SELECT * FROM djust_auth.active_session', 'a dba: active_session');
SELECT lives_ok(format('SELECT djust_auth.end_sessions(%1$L)', :'one'), 'a dba: end_sessions');
SELECT lives_ok('DELETE FROM djust_auth.session', 'a dba: DELETE of sessions');
SELECT lives_ok($$INSERT INTO djust_auth.password_blocklist VALUES ('Violets-4-Ann')$$, 'a dba: blocklist');
SELECT lives_ok($$SELECT djust_auth.check_password('violets')$$, 'a dba: check_password');
SELECT lives_ok($$INSERT INTO djust_auth.mail_template VALUES ('reset', 'de-AT', 'subject', '{link}', '{link}')$$, 'a dba: template');
SELECT lives_ok($$DELETE FROM djust_auth.mail_template WHERE locale = 'de-AT'$$, 'a dba: and its removal');
SELECT lives_ok($$WITH s AS (INSERT INTO djust_auth.store VALUES ('g_store', 'https://dba.example/{token}', NULL, 'Shop <shop@dba.example>') RETURNING name)
	SELECT * FROM s$$, 'a dba: a store view');
SELECT lives_ok(format('INSERT INTO djust_auth.user_store VALUES (%L, %L)', :'one', 'g_store'), 'a dba: of a user');
SELECT lives_ok($$DELETE FROM djust_auth.store$$, 'a dba: and its removal');
SELECT isnt_empty('SELECT * FROM djust_auth.audit_event', 'a dba: audit');
SELECT lives_ok('SELECT id, kind, attempts, next_attempt_at, done_at, last_error FROM djust_auth.mail_queue WHERE last_error IS NOT NULL', 'a dba: queue');
SELECT lives_ok('SELECT * FROM djust_auth.throttle_lock', 'a dba: locks');
SELECT lives_ok('SELECT djust_auth.stats()', 'a dba: stats');
SELECT lives_ok('CREATE TEMP TABLE g_rights AS SELECT * FROM djust_auth.profile_right', 'a dba: a copy of the rights');
SELECT lives_ok(format('SELECT djust_auth.delete_user(%1$L)', :'one'), 'a dba: delete_user');
SELECT lives_ok($$DELETE FROM djust_auth.customer_user WHERE email LIKE '%@dba.example'$$, 'a dba: DELETE of users');
SELECT lives_ok($$SELECT djust_auth.drop_profile('g_dba')$$, 'a dba: drop_profile');
SELECT lives_ok($$DELETE FROM djust_auth.profile WHERE name = 'g_plain'$$, 'a dba: DELETE of a profile');
SELECT throws_ok(s, '42501', NULL, 'refused to a dba: ' || s) FROM (VALUES
	('SELECT djust_auth.open_session(id) FROM djust_auth.customer_user'),
	('SELECT djust_auth.hs256_key()'),
	('SELECT djust_auth.rotate_signing_key()'),
	('SELECT djust_auth.grant_api(current_user::regrole)'),
	('SELECT djust_auth.claim_mail()'),
	('SELECT * FROM djust_auth.signing_key'),
	('SELECT * FROM djust_auth.reset_token'),
	('UPDATE djust_auth.session SET generation = 0'),
	('INSERT INTO djust_auth.session SELECT * FROM djust_auth.session'),
	('DELETE FROM djust_auth.audit_event'),
	('UPDATE djust_auth.throttle_lock SET failures = 0'),
	('CREATE TRIGGER x BEFORE INSERT ON djust_auth.profile FOR EACH ROW EXECUTE FUNCTION djust_auth.user_normalise()'),
	('ALTER TABLE djust_auth.customer_user DISABLE TRIGGER ALL'),
	('TRUNCATE djust_auth.password_blocklist')) x(s);

-- a hostile search_path

RESET ROLE;
DELETE FROM djust_auth.session;
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO pgtap_backend;
DO $$
DECLARE
	t text;
	o text;
BEGIN
	FOREACH t IN ARRAY '{text,uuid,timestamptz,integer,bytea,boolean}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION evil.boom(%1$s, %1$s) RETURNS boolean LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION $e$hijacked$e$; END''', t);
		FOREACH o IN ARRAY '{=,<>,<,>,<=,>=}'::text[] LOOP
			EXECUTE format('CREATE OPERATOR evil.%s (FUNCTION = evil.boom, LEFTARG = %2$s, RIGHTARG = %2$s)', o, t);
		END LOOP;
	END LOOP;
END $$;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''-infinity''::timestamptz';
CREATE FUNCTION evil.count(anyelement) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
SET LOCAL ROLE pgtap_backend;
SET LOCAL search_path = evil, pg_catalog, public;
CREATE TEMP TABLE customer_user (id uuid, email text, password_hash text);
SELECT djust_login('grants@grants.example', 'Tulips-4-Ann') AS answer \gset
SELECT djust_can(:'answer'::json ->> 'access_token', '/x', 'read')::text || json_array_length(djust_sessions(:'answer'::json ->> 'access_token')) || (djust_introspect(:'answer'::json ->> 'access_token') ->> 'active') AS read \gset
SELECT djust_refresh(:'answer'::json ->> 'refresh_token') ->> 'token_type' AS refreshed \gset
SELECT djust_change_password(:'answer'::json ->> 'access_token', 'Tulips-4-Ann', 'Tulips-5-Ann') ->> 'status' AS changed \gset
SELECT djust_logout(:'answer'::json ->> 'access_token')::text AS ended \gset
SELECT djust_reset_request('grants@grants.example') \g /dev/null
RESET ROLE;
INSERT INTO djust_auth.customer_user (email) VALUES ('Evil@Grants.example');
UPDATE djust_auth.customer_user SET disabled_at = pg_catalog.now() WHERE email OPERATOR(pg_catalog.=) 'evil@grants.example';
INSERT INTO djust_auth.profile VALUES ('g_evil');
INSERT INTO djust_auth.profile_right VALUES ('g_evil', '/evil', 'read');
DELETE FROM djust_auth.customer_user WHERE email OPERATOR(pg_catalog.=) 'evil@grants.example';
SELECT pg_catalog.count(*) AS effective FROM djust_auth.effective_right \gset
SELECT pg_catalog.count(*) AS active FROM djust_auth.active_session \gset
RESET search_path;
DROP TABLE pg_temp.customer_user;
SELECT is(:'read' || ' ' || :'refreshed' || ' ' || :'changed' || ' ' || :'ended', 'false1true Bearer password_updated true', 'operators, functions and tables of the caller take no part');


-- PostgREST

SET LOCAL ROLE pgtap_authenticator;
SELECT lives_ok($$SELECT djust_auth.postgrest_config()$$, 'authenticator configures PostgREST');
SELECT is(current_setting('pgrst.db_pre_request', true), 'public.djust_pre_request', 'with the pre-request function');
RESET ROLE;
SELECT is((current_setting('pgrst.jwt_secret', true)::jsonb -> 'keys' -> 0 ->> 'kid'),
	(SELECT kid FROM djust_auth.signing_key WHERE verify_until IS NULL), 'and the public keys');
SELECT ok(current_setting('pgrst.jwt_secret', true)::jsonb #> '{keys,0,d}' IS NULL, 'the public ones only');

-- PostgREST offers what the role may call: to anonymous callers endpoints, and helpers that a role must have because they run in its name
SELECT set_eq($$SELECT p.proname::text FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'djust\_%' AND has_function_privilege('pgtap_anonymous', p.oid, 'EXECUTE')
			AND obj_description(p.oid, 'pg_proc') LIKE 'Helper of %'$$,
	'{djust_pre_request,djust_request_user,djust_request_can}'::text[], 'anonymous is offered three helpers');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'djust_auth'::regnamespace AND has_function_privilege('pgtap_anonymous', p.oid, 'EXECUTE')$$,
	'and nothing of administration');

-- the API in a schema of its own

DROP EXTENSION djust_auth CASCADE;
CREATE SCHEMA shop_api;
SELECT lives_ok('CREATE EXTENSION djust_auth SCHEMA shop_api', 'CREATE EXTENSION djust_auth SCHEMA shop_api');
SELECT set_eq(
	$$SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'shop_api'::regnamespace$$,
	'{djust_login,djust_token,djust_refresh,djust_logout,djust_reset_request,djust_reset_confirm,djust_reset_page,djust_jwks,djust_metadata,djust_pre_request,djust_request_user,djust_request_can,djust_can,djust_sessions,djust_end_session,djust_change_password,djust_introspect,djust_sign_up,djust_confirm_email,djust_change_email,djust_revert_email,djust_sign_up_page,djust_confirm_page}'::text[],
	'the schema holds the public API and nothing else');
SELECT is_empty($$SELECT oid::regclass FROM pg_class WHERE relnamespace = 'shop_api'::regnamespace$$, 'no table');
SELECT is_empty($$SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'djust\_%' AND pronamespace = 'public'::regnamespace$$, 'public holds none of it');
SELECT lives_ok($$SELECT djust_auth.grant_api('pgtap_customer', 'customer')$$, 'grant_api gives the schema as well');
SELECT djust_auth.create_user('schema@grants.example', 'Tulips-4-Ann') AS ann \gset
SET LOCAL ROLE pgtap_customer;
SELECT shop_api.djust_login('schema@grants.example', 'Tulips-4-Ann') ->> 'access_token' AS at \gset
SELECT is(json_array_length(shop_api.djust_sessions(:'at')), 1, 'the API works from there');
RESET ROLE;
SELECT lives_ok($$SELECT djust_auth.grant_api('pgtap_authenticator', 'authenticator')$$, 'authenticator again');
SET LOCAL ROLE pgtap_authenticator;
SELECT lives_ok($$SELECT djust_auth.postgrest_config()$$, 'postgrest_config from there');
SELECT is(current_setting('pgrst.db_pre_request', true), 'shop_api.djust_pre_request', 'names the function where it is');
RESET ROLE;
ALTER SCHEMA shop_api RENAME TO "Shop Api";
SELECT djust_auth.postgrest_config();
SELECT is(current_setting('pgrst.db_pre_request', true), 'Shop Api.djust_pre_request', 'and without quotes, which PostgREST would take for letters');

SELECT * FROM finish();
ROLLBACK;
