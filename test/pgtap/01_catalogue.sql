-- 01_catalogue: what the extension puts into the catalogue is what the contract names, and nobody may use it by default

BEGIN;
SELECT plan(262);

-- from 17 on the types of tables, and of arrays, are members too
CREATE TEMP TABLE member AS
	SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS name
	FROM pg_depend d
	JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'djust_auth'
		AND NOT EXISTS (SELECT FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typrelid <> 0 OR t.typelem <> 0));

-- section 2: the public API

CREATE TEMP TABLE api (name text, arguments text, result text, volatility text);
INSERT INTO api VALUES
	('djust_login', 'email text, password text', 'json', 'v'),
	('djust_can', 'access_token text, route text, access text', 'boolean', 's'),
	('djust_refresh', 'refresh_token text', 'json', 'v'),
	('djust_logout', 'token text, token_type_hint text DEFAULT NULL::text, client_id text DEFAULT NULL::text, client_secret text DEFAULT NULL::text', 'boolean', 'v'),
	('djust_reset_request', 'email text', 'void', 'v'),
	('djust_reset_confirm', 'reset_token text, new_password text', 'json', 'v'),
	('djust_reset_page', 'token text, new_password text DEFAULT NULL::text', 'djust_auth."text/html"', 'v'),
	('djust_introspect', 'token text, token_type_hint text DEFAULT NULL::text, client_id text DEFAULT NULL::text, client_secret text DEFAULT NULL::text', 'json', 's'),
	('djust_token', 'grant_type text, username text DEFAULT NULL::text, password text DEFAULT NULL::text, refresh_token text DEFAULT NULL::text, scope text DEFAULT NULL::text, client_id text DEFAULT NULL::text, client_secret text DEFAULT NULL::text', 'json', 'v'),
	('djust_change_password', 'access_token text, current_password text, new_password text', 'json', 'v'),
	('djust_sessions', 'access_token text', 'json', 's'),
	('djust_end_session', 'access_token text, sid uuid DEFAULT NULL::uuid', 'integer', 'v'),
	('djust_jwks', '', 'json', 's'),
	('djust_request_user', '', 'uuid', 's'),
	('djust_request_can', 'route text, access text', 'boolean', 's'),
	('djust_pre_request', '', 'void', 's');

SELECT is((SELECT pg_get_function_arguments(p.oid) FROM pg_proc p WHERE p.proname = a.name AND p.pronamespace = 'public'::regnamespace),
		a.arguments, a.name || ': arguments')
	FROM api a ORDER BY name;
SELECT is((SELECT pg_get_function_result(p.oid) FROM pg_proc p WHERE p.proname = a.name AND p.pronamespace = 'public'::regnamespace),
		a.result, a.name || ': result')
	FROM api a ORDER BY name;
SELECT is((SELECT p.provolatile::text FROM pg_proc p WHERE p.proname = a.name AND p.pronamespace = 'public'::regnamespace),
		a.volatility, a.name || ': volatility')
	FROM api a ORDER BY name;
SELECT set_eq(
	$$SELECT p.proname::text FROM member m JOIN pg_proc p ON p.oid = m.objid WHERE m.classid = 'pg_proc'::regclass AND p.pronamespace = 'public'::regnamespace$$,
	$$SELECT name FROM api$$,
	'the schema of the API holds these functions');
SELECT is_empty(
	$$SELECT m.name FROM member m WHERE m.name NOT IN (SELECT name FROM member WHERE classid = 'pg_proc'::regclass)
		AND EXISTS (SELECT FROM pg_class c WHERE m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relnamespace = 'public'::regnamespace)$$,
	'and no table of the extension');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p JOIN api a ON a.name = p.proname WHERE p.proretset OR p.proargmodes IS NOT NULL$$,
	'every public function returns one value, never a set');
SELECT is((SELECT count(*) FROM pg_proc WHERE proname IN (SELECT name FROM api)), 16::bigint, 'no public function is overloaded');

-- section 5: administration.  defaults: how many arguments have one, NULL where the contract does not say

CREATE TEMP TABLE administration (name text, arguments text, result text, defaults text);
INSERT INTO administration VALUES
	('create_user', 'email text, password text, profiles text[]', 'uuid', 'NULL::text, ''{}''::text[]'),
	('import_user', 'email text, password_hash text, profiles text[]', 'uuid', NULL),
	('set_password', 'user_id uuid, password text', NULL, ''),
	('disable_user', 'user_id uuid', NULL, ''),
	('enable_user', 'user_id uuid', NULL, ''),
	('delete_user', 'user_id uuid', NULL, ''),
	('change_email', 'user_id uuid, email text', NULL, ''),
	('unlock_user', 'user_id uuid', NULL, ''),
	('end_sessions', 'user_id uuid', 'integer', ''),
	('open_session', 'user_id uuid', 'json', ''),
	('create_profile', 'name text, description text', NULL, 'NULL::text'),
	('drop_profile', 'name text', NULL, ''),
	('add_profile', 'user_id uuid, profile text', NULL, ''),
	('remove_profile', 'user_id uuid, profile text', NULL, ''),
	('set_right', 'profile text, route text, access djust_auth.access_right', NULL, ''),
	('explain', 'user_id uuid, route text, access text', 'text', ''),
	('check_password', 'password text', 'text[]', ''),
	('rotate_signing_key', 'algorithm text', 'text', 'NULL::text'),
	('claim_mail', 'max integer', 'TABLE(id bigint, recipient text, subject text, body_text text, body_html text)', '10'),
	('mail_sent', 'id bigint', NULL, ''),
	('mail_failed', 'id bigint, reason text', NULL, ''),
	('purge', '', 'json', ''),
	('grant_api', 'role regrole, kind text', NULL, '''backend''::text'),
	('postgrest_config', '', NULL, ''),
	('stats', '', 'json', '');

SELECT is((SELECT pg_get_function_identity_arguments(p.oid) FROM pg_proc p WHERE p.proname = a.name AND p.pronamespace = 'djust_auth'::regnamespace),
		a.arguments, a.name || ': arguments')
	FROM administration a WHERE a.name <> 'set_right' ORDER BY name;
SELECT is((SELECT proargnames::text FROM pg_proc p WHERE p.proname = 'set_right' AND p.pronamespace = 'djust_auth'::regnamespace),
		'{profile,route,access}', 'set_right: arguments');
SELECT is((SELECT pg_get_function_result(p.oid) FROM pg_proc p WHERE p.proname = a.name AND p.pronamespace = 'djust_auth'::regnamespace),
		a.result, a.name || ': result')
	FROM administration a WHERE a.result IS NOT NULL ORDER BY name;
SELECT is((SELECT coalesce(pg_get_expr(p.proargdefaults, 0), '') FROM pg_proc p WHERE p.proname = a.name AND p.pronamespace = 'djust_auth'::regnamespace),
		a.defaults, a.name || ': defaults')
	FROM administration a WHERE a.defaults IS NOT NULL ORDER BY name;
SELECT is((SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'djust_auth'::regnamespace AND p.proname IN (SELECT name FROM administration)),
		25::bigint, 'no administration function is overloaded');
SELECT is((SELECT p.provolatile::text FROM pg_proc p WHERE p.proname = a.name AND p.pronamespace = 'djust_auth'::regnamespace),
		'v', a.name || ' writes, so it is volatile')
	FROM administration a WHERE a.name NOT IN ('explain', 'check_password', 'stats', 'postgrest_config') ORDER BY name;

-- section 4: tables and views

SELECT has_enum('djust_auth', 'access_right', 'access_right exists');
SELECT enum_has_labels('djust_auth', 'access_right', ARRAY['none', 'read', 'write'], 'none, read, write');
SELECT ok('none'::djust_auth.access_right < 'read' AND 'read'::djust_auth.access_right < 'write', 'in this order');

SELECT has_table('djust_auth', t, t) FROM unnest('{customer_user,profile,user_profile,profile_right,session,password_blocklist,audit_event}'::text[]) t;
SELECT has_view('djust_auth', v, v) FROM unnest('{effective_right,active_session}'::text[]) v;

SELECT col_type_is('djust_auth', t, c, y, t || '.' || c)
FROM (VALUES
	('customer_user', 'id', 'uuid'), ('customer_user', 'email', 'text'), ('customer_user', 'password_hash', 'text'),
	('customer_user', 'disabled_at', 'timestamp with time zone'), ('customer_user', 'created_at', 'timestamp with time zone'),
	('profile', 'name', 'text'), ('profile', 'description', 'text'),
	('user_profile', 'user_id', 'uuid'), ('user_profile', 'profile', 'text'),
	('profile_right', 'profile', 'text'), ('profile_right', 'route', 'text'), ('profile_right', 'access', 'djust_auth.access_right'),
	('session', 'sid', 'uuid'), ('session', 'user_id', 'uuid'), ('session', 'created_at', 'timestamp with time zone'),
	('session', 'refreshed_at', 'timestamp with time zone'), ('session', 'expires_at', 'timestamp with time zone'),
	('session', 'client_address', 'inet'), ('session', 'user_agent', 'text'),
	('password_blocklist', 'password', 'text'),
	('audit_event', 'id', 'uuid'), ('audit_event', 'at', 'timestamp with time zone'), ('audit_event', 'event', 'text'),
	('audit_event', 'user_id', 'uuid'), ('audit_event', 'sid', 'uuid'), ('audit_event', 'actor', 'text'),
	('audit_event', 'client_address', 'inet'), ('audit_event', 'detail', 'jsonb'),
	('effective_right', 'user_id', 'uuid'), ('effective_right', 'email', 'text'), ('effective_right', 'route', 'text'),
	('effective_right', 'access', 'djust_auth.access_right'), ('effective_right', 'profile', 'text')) x(t, c, y);

SELECT columns_are('djust_auth', 'effective_right', '{user_id,email,route,access,profile}'::name[]);
SELECT columns_are('djust_auth', 'profile', '{name,description}'::name[]);
SELECT columns_are('djust_auth', 'user_profile', '{user_id,profile}'::name[]);
SELECT columns_are('djust_auth', 'profile_right', '{profile,route,access}'::name[]);
SELECT columns_are('djust_auth', 'password_blocklist', '{password}'::name[]);
SELECT columns_are('djust_auth', 'audit_event', '{id,at,event,user_id,sid,actor,client_address,detail}'::name[]);
SELECT col_is_pk('djust_auth', 'customer_user', 'id', 'customer_user.id is the key');
SELECT col_is_unique('djust_auth', 'customer_user', 'email', 'customer_user.email is unique');
SELECT col_hasnt_default('djust_auth', 'profile_right', 'access', 'a right is said, never assumed');

SELECT lives_ok(format('INSERT INTO djust_auth.audit_event (id, at, event) VALUES (gen_random_uuid(), now(), %L)', e), 'event ' || e)
	FROM unnest('{login,login_failed,throttled,refresh,refresh_reuse,logout,reset_requested,mail_sent,mail_failed,reset_confirmed,password_changed,administration}'::text[]) e;
SELECT throws_ok($$INSERT INTO djust_auth.audit_event (id, at, event) VALUES (gen_random_uuid(), now(), 'else')$$, '23514', NULL, 'no other event');

SELECT set_eq($$SELECT name COLLATE "default" FROM djust_auth.profile$$, ARRAY['anonymous'], 'the profile anonymous is there from the start');

-- section 6: settings.  boot NULL: the contract names no default

CREATE TEMP TABLE setting (name text, boot text);
INSERT INTO setting VALUES
	('issuer', NULL), ('audience', NULL), ('client_id', NULL), ('access_token_lifetime', '10min'), ('refresh_token_lifetime', '2h'),
	('session_max_lifetime', '12h'), ('reset_link_lifetime', '24h'), ('refresh_reuse_grace', '10s'),
	('reset_url', 'https://shop.example/reset?token={token}'), ('password_min_length', '8'), ('argon2_memory', '19456'),
	('argon2_iterations', '2'), ('argon2_parallelism', '1'), ('max_login_failures', '10'), ('max_concurrent_hashes', NULL),
	('hash_wait_timeout', '5s'), ('jwt_role', ''), ('enforce_routes', 'off'), ('client_address_header', ''), ('databases', NULL),
	('worker_role', ''), ('smtp_url', NULL), ('smtp_user', NULL), ('smtp_password_file', NULL), ('smtp_require_tls', 'on'), ('smtp_ca_file', ''),
	('mail_from', NULL), ('mail_lease', '5min'), ('purge_interval', '1min'), ('audit_retention', '90 days'), ('key_file', 'djust_auth.key');

SELECT set_eq($$SELECT name FROM pg_settings WHERE name LIKE 'djust_auth.%'$$, $$SELECT 'djust_auth.' || name FROM setting$$,
	'these settings and no others');
SELECT is(
		CASE WHEN g.unit IN ('s', 'ms') THEN ((g.boot_val || g.unit)::interval = s.boot::interval)::text ELSE g.boot_val END,
		CASE WHEN g.unit IN ('s', 'ms') THEN 'true' ELSE s.boot END,
		s.name || ': default')
	FROM setting s JOIN pg_settings g ON g.name = 'djust_auth.' || s.name WHERE s.boot IS NOT NULL ORDER BY s.name;
SELECT is((SELECT unit FROM pg_settings WHERE name = 'djust_auth.argon2_memory'), 'kB', 'argon2_memory is in KiB');
\set cpus `getconf _NPROCESSORS_ONLN`
SELECT is((SELECT boot_val FROM pg_settings WHERE name = 'djust_auth.max_concurrent_hashes'), :'cpus', 'max_concurrent_hashes: the number of CPUs');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'djust_auth.%' AND context IN ('user', 'backend')$$,
	'no setting can be set by a normal role');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'djust_auth.%' AND (short_desc IS NULL OR short_desc = '')$$,
	'every setting has a description');

-- security

SELECT is_empty(
	$$SELECT m.name, p.proconfig FROM member m JOIN pg_proc p ON p.oid = m.objid
		WHERE m.classid = 'pg_proc'::regclass AND p.prosecdef AND p.proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp']$$,
	'SECURITY DEFINER functions have the search_path pg_catalog, pg_temp and no other setting');
SELECT is_empty(
	$$SELECT m.name FROM member m JOIN pg_proc p ON p.oid = m.objid, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		WHERE m.classid = 'pg_proc'::regclass AND a.grantee = 0$$,
	'PUBLIC may execute no function');
SELECT is_empty(
	$$SELECT m.name FROM member m JOIN pg_class c ON c.oid = m.objid,
			aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
		WHERE m.classid = 'pg_class'::regclass AND a.grantee = 0$$,
	'PUBLIC may read no table, view or sequence');
SELECT is_empty(
	$$SELECT m.name, t.attname FROM member m JOIN pg_attribute t ON t.attrelid = m.objid, aclexplode(t.attacl) a
		WHERE m.classid = 'pg_class'::regclass AND a.grantee = 0$$,
	'nor a column');
SELECT is_empty(
	$$SELECT n.nspname FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
		WHERE n.nspname = 'djust_auth' AND a.grantee = 0$$,
	'PUBLIC may not use the schema djust_auth');
SELECT is_empty(
	$$SELECT c.oid::regclass FROM pg_class c
		WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'p', 'm') AND NOT EXISTS (
			SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i'))$$,
	'everything in djust_auth belongs to the extension');

CREATE ROLE pgtap_nobody;
SELECT is_empty(
	$$SELECT m.name FROM member m WHERE m.classid = 'pg_proc'::regclass AND has_function_privilege('pgtap_nobody', m.objid, 'EXECUTE')$$,
	'a new role can execute nothing');
SELECT is_empty(
	$$SELECT m.name FROM member m JOIN pg_class c ON c.oid = m.objid
		WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'v') AND has_any_column_privilege('pgtap_nobody', m.objid, 'SELECT, INSERT, UPDATE, REFERENCES')$$,
	'and read or write nothing');
SET LOCAL ROLE pgtap_nobody;
SELECT throws_ok(format('SELECT %s(%s)', a.name, c.nulls), '42501', NULL, a.name || ' is refused to a new role')
	FROM (SELECT name, (SELECT string_agg('NULL', ', ') FROM generate_series(1, (length(arguments) > 0)::int * (1 + length(arguments) - length(replace(arguments, ',', ''))))) AS nulls FROM (VALUES
		('djust_login', 'a, b'), ('djust_can', 'a, b, c'), ('djust_refresh', 'a'), ('djust_logout', 'a'), ('djust_reset_request', 'a'),
		('djust_reset_confirm', 'a, b'), ('djust_reset_page', 'a, b'), ('djust_introspect', 'a'), ('djust_token', 'a'), ('djust_change_password', 'a, b, c'),
		('djust_sessions', 'a'), ('djust_end_session', 'a'), ('djust_jwks', ''), ('djust_request_user', ''), ('djust_request_can', 'a, b'),
		('djust_pre_request', '')) v(name, arguments)) a
	CROSS JOIN LATERAL (SELECT coalesce(a.nulls, '')) c(nulls);
SELECT throws_ok('SELECT * FROM djust_auth.customer_user', '42501', NULL, 'a new role cannot read customer_user');
SELECT throws_ok('SELECT djust_auth.stats()', '42501', NULL, 'nor call an administration function');
RESET ROLE;

-- comments

SELECT is_empty(
	$$SELECT m.name FROM member m WHERE coalesce(obj_description(m.objid, m.classid::regclass::text::name), '') = ''$$,
	'every member of the extension has a comment');
SELECT is_empty(
	$$SELECT m.name, a.attname FROM member m JOIN pg_attribute a ON a.attrelid = m.objid JOIN pg_class c ON c.oid = m.objid
		WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
			AND coalesce(col_description(m.objid, a.attnum), '') = ''$$,
	'every column has a comment');
SELECT is_empty(
	$$SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = 'djust_auth'::regnamespace AND NOT tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NULL
	UNION ALL SELECT conname FROM pg_constraint k
		WHERE connamespace = 'djust_auth'::regnamespace AND contype <> 'n' AND obj_description(k.oid, 'pg_constraint') IS NULL
	UNION ALL SELECT relname FROM pg_class c
		WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'i' AND obj_description(c.oid, 'pg_class') IS NULL$$,
	'so has every trigger, constraint and index');
SELECT isnt(obj_description(oid, 'pg_extension'), NULL, 'the extension has a comment') FROM pg_extension WHERE extname = 'djust_auth';

-- what a dump takes along

SELECT set_has(
	$$SELECT c.oid::regclass::text FROM pg_extension e, unnest(e.extconfig) x(o) JOIN pg_class c ON c.oid = x.o WHERE e.extname = 'djust_auth'$$,
	$$SELECT 'djust_auth.' || t FROM unnest('{customer_user,profile,user_profile,profile_right,password_blocklist,audit_event}'::text[]) t$$,
	'pg_dump takes all user data along');
SELECT is_empty(
	$$SELECT x.o::regclass FROM pg_extension e, unnest(e.extconfig) x(o) WHERE e.extname = 'djust_auth' AND x.o = 'djust_auth.signing_key'::regclass$$,
	'but no signing key');

-- counters

SELECT set_eq($$SELECT json_object_keys(djust_auth.stats())$$,
	'{logins,login_failures,hashes,hash_waits,hash_timeouts,throttled,refreshes,refresh_reuses,logouts,reset_requests,mails_sent,mails_failed,audit_lost,purged,mails_waiting,events_waiting}'::text[],
	'stats() has these counters');
SELECT is_empty($$SELECT key FROM json_each(djust_auth.stats()) WHERE json_typeof(value) <> 'number' OR value::text::bigint < 0$$, 'which are numbers');

SELECT * FROM finish();
ROLLBACK;
