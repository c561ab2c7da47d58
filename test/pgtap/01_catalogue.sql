-- 01_catalogue: nobody may use what the extension puts into the catalogue by default, and all of it has a comment; what
-- there is, test/sql/catalogue.sql lists

BEGIN;
SELECT plan(38);

-- from 17 on the types of tables, and of arrays, are members too
CREATE TEMP TABLE member AS
	SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS name
	FROM pg_depend d
	JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'djust_auth'
		AND NOT EXISTS (SELECT FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typrelid <> 0 OR t.typelem <> 0));

-- section 4: tables

SELECT col_hasnt_default('djust_auth', 'profile_right', 'access', 'a right is said, never assumed');

SELECT is((SELECT count(*) FROM djust_auth.customer_user), 0::bigint, 'a new database has no user');
SELECT lives_ok(format('INSERT INTO djust_auth.audit_event (id, at, event) VALUES (gen_random_uuid(), now(), %L)', e), 'event ' || e)
	FROM unnest('{login,login_failed,throttled,refresh,refresh_reuse,logout,reset_requested,mail_sent,mail_failed,reset_confirmed,password_changed,administration}'::text[]) e;
SELECT throws_ok($$INSERT INTO djust_auth.audit_event (id, at, event) VALUES (gen_random_uuid(), now(), 'else')$$, '23514', NULL, 'no other event');

-- section 6: settings

\set cpus `getconf _NPROCESSORS_ONLN`
SELECT is((SELECT boot_val FROM pg_settings WHERE name = 'djust_auth.max_concurrent_hashes'), :'cpus', 'max_concurrent_hashes: the number of CPUs');
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

-- PostgREST's OpenAPI: the first line is the title, what follows the empty lines after it the description
CREATE TEMP TABLE operation AS
	SELECT p.oid::regprocedure::text AS name, split_part(d.description, E'\n', 1) AS title,
		ltrim(substr(d.description, nullif(strpos(d.description, E'\n'), 0)), E'\n') AS description
	FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid JOIN pg_description d ON d.objoid = p.oid AND d.classoid = m.classid
	WHERE p.proname LIKE 'djust\_%' AND p.pronamespace <> 'djust_auth'::regnamespace;
SELECT ok((SELECT count(*) FROM operation) >= 16, 'the API has its functions');
SELECT is_empty($$SELECT * FROM operation WHERE title !~ '^[A-Z][^.]{5,59}$'$$, 'functions of the API have a title');
SELECT is_empty($$SELECT * FROM operation WHERE description IS NULL OR description !~ '^[A-Za-z].*\.$' OR description ~ E'\n'$$, 'and one paragraph that describes them');

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
