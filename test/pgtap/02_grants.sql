-- 02_grants: what each kind of grant_api gives, exactly; and the API in a schema of its own

BEGIN;
SELECT plan(53);

CREATE ROLE pgtap_anonymous;
CREATE ROLE pgtap_customer;
CREATE ROLE pgtap_backend;
CREATE ROLE pgtap_default;
CREATE ROLE pgtap_authenticator;
CREATE ROLE pgtap_worker;

SELECT lives_ok(format('SELECT djust_auth.grant_api(%L, %L)', 'pgtap_' || k, k), 'grant_api ' || k)
	FROM unnest('{anonymous,customer,backend,authenticator,worker}'::text[]) k;
SELECT lives_ok($$SELECT djust_auth.grant_api('pgtap_default')$$, 'grant_api without a kind');
SELECT lives_ok($$SELECT djust_auth.grant_api('pgtap_backend', 'backend')$$, 'grant_api twice');

CREATE FUNCTION pg_temp.executable(role name) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN p.pronamespace = 'djust_auth'::regnamespace THEN 'djust_auth.' ELSE '' END || p.proname
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND e.extname = 'djust_auth'
		AND has_function_privilege($1, p.oid, 'EXECUTE')
$$;

SELECT set_eq($$SELECT pg_temp.executable('pgtap_anonymous')$$,
	'{djust_login,djust_token,djust_refresh,djust_logout,djust_reset_request,djust_reset_confirm,djust_reset_page,djust_jwks,djust_pre_request,djust_request_user,djust_request_can}'::text[],
	'anonymous: exactly this');
SELECT set_eq($$SELECT pg_temp.executable('pgtap_customer')$$,
	'{djust_login,djust_token,djust_refresh,djust_logout,djust_reset_request,djust_reset_confirm,djust_reset_page,djust_jwks,djust_pre_request,djust_request_user,djust_request_can,djust_can,djust_sessions,djust_end_session,djust_change_password}'::text[],
	'customer: exactly this');
SELECT set_eq($$SELECT pg_temp.executable('pgtap_backend')$$,
	'{djust_login,djust_token,djust_refresh,djust_logout,djust_reset_request,djust_reset_confirm,djust_reset_page,djust_jwks,djust_pre_request,djust_request_user,djust_request_can,djust_can,djust_sessions,djust_end_session,djust_change_password,djust_introspect}'::text[],
	'backend: the whole public API, no administration');
SELECT set_eq($$SELECT pg_temp.executable('pgtap_default')$$, $$SELECT pg_temp.executable('pgtap_backend')$$, 'the default is backend');
SELECT set_eq($$SELECT pg_temp.executable('pgtap_authenticator')$$, '{djust_auth.postgrest_config}'::text[], 'authenticator: postgrest_config alone');
SELECT set_has($$SELECT pg_temp.executable('pgtap_worker')$$,
	$$SELECT unnest('{djust_auth.claim_mail,djust_auth.mail_sent,djust_auth.mail_failed,djust_auth.purge}'::text[])$$, 'worker: mail and purge');
SELECT is_empty($$SELECT e FROM pg_temp.executable('pgtap_worker') e WHERE e NOT LIKE 'djust\_auth.%'
		OR e ~ '(create_user|import_user|set_password|disable_user|enable_user|delete_user|change_email|unlock_user|end_sessions|open_session|profile|set_right|rotate|hs256|grant_api)'$$,
	'worker: nothing of the public API, nothing that changes users, rights or keys');

SELECT is_empty(
	$$SELECT r, c.relname FROM unnest('{pgtap_anonymous,pgtap_customer,pgtap_backend,pgtap_default,pgtap_authenticator}'::name[]) r, pg_class c
		WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind IN ('r', 'v')
			AND (has_any_column_privilege(r, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') OR has_table_privilege(r, c.oid, 'DELETE, TRUNCATE, TRIGGER'))$$,
	'none of them has a privilege on a table');
SELECT is_empty(
	$$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relname IN ('customer_user', 'session', 'signing_key', 'reset_token')
			AND has_any_column_privilege('pgtap_worker', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')$$,
	'the worker reads no secrets either');

-- other kinds

SELECT throws_ok(format('SELECT djust_auth.grant_api(%L, %L)', 'pgtap_default', k), '22023', NULL, 'kind "' || k || '" is refused')
	FROM unnest('{"",admin,Backend,public,superuser," backend"}'::text[]) k;
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

-- the API in a schema of its own

DROP EXTENSION djust_auth CASCADE;
CREATE SCHEMA shop_api;
SELECT lives_ok('CREATE EXTENSION djust_auth SCHEMA shop_api', 'CREATE EXTENSION djust_auth SCHEMA shop_api');
SELECT set_eq(
	$$SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'shop_api'::regnamespace$$,
	'{djust_login,djust_token,djust_refresh,djust_logout,djust_reset_request,djust_reset_confirm,djust_reset_page,djust_jwks,djust_pre_request,djust_request_user,djust_request_can,djust_can,djust_sessions,djust_end_session,djust_change_password,djust_introspect}'::text[],
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
