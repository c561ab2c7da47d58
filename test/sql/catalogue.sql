-- What CREATE EXTENSION makes: every object, and the functions as they are documented.

CREATE EXTENSION djust_auth;
\pset format unaligned

SELECT e.extname, e.extversion, e.extrelocatable, n.nspname, obj_description(e.oid, 'pg_extension') AS comment
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'djust_auth';

-- from 17 on the types of tables, and of arrays, are members too

CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, d.objsubid, pg_describe_object(d.classid, d.objid, d.objsubid) AS object
FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'djust_auth'
WHERE d.deptype = 'e'
	AND NOT EXISTS (SELECT FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typrelid <> 0 OR t.typelem <> 0));

SELECT object FROM member ORDER BY object COLLATE "C";

-- the public API: names, arguments and what they default to, answers, volatility

SELECT p.proname AS name, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
	CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'djust\_%'
ORDER BY 1, 2;

-- administration

SELECT p.proname AS name, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
FROM pg_proc p
WHERE p.pronamespace = 'djust_auth'::regnamespace AND p.prorettype <> 'trigger'::regtype
ORDER BY 1, 2;

SELECT p.proname AS trigger_function FROM pg_proc p
WHERE p.pronamespace = 'djust_auth'::regnamespace AND p.prorettype = 'trigger'::regtype
ORDER BY 1;

-- tables and views a DBA works with

SELECT c.relname AS relation, c.relkind, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) AS columns
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind IN ('r', 'v')
	AND c.relname NOT IN ('audit_chain', 'audit_seal', 'mail_queue', 'mail_template', 'policy_epoch', 'reset_token', 'session_ended', 'signing_key')
GROUP BY c.oid ORDER BY 2, 1;

SELECT e.enumlabel AS access_right FROM pg_enum e WHERE e.enumtypid = 'djust_auth.access_right'::regtype ORDER BY e.enumsortorder;

-- what a fresh extension holds

SELECT name FROM djust_auth.profile;
SELECT algorithm, verify_until IS NULL AS active FROM djust_auth.signing_key;
SELECT kind, locale FROM djust_auth.mail_template ORDER BY 1, 2;

-- settings: names, defaults, who may set them

SELECT name, boot_val, unit, context FROM pg_settings
WHERE name LIKE 'djust_auth.%' AND name <> 'djust_auth.max_concurrent_hashes' ORDER BY name;

-- nothing for PUBLIC, and nothing without a comment

SELECT p.oid::regprocedure AS public_may_execute
FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
WHERE EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0);

SELECT c.oid::regclass AS public_may_touch
FROM pg_class c
WHERE c.relnamespace = 'djust_auth'::regnamespace AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0);

SELECT nspname AS public_may_use FROM pg_namespace
WHERE nspname = 'djust_auth' AND EXISTS (SELECT FROM aclexplode(nspacl) a WHERE a.grantee = 0);

SELECT m.object AS without_comment
FROM member m
WHERE NOT EXISTS (SELECT FROM pg_description s WHERE s.classoid = m.classid AND s.objoid = m.objid AND s.objsubid = 0)
ORDER BY 1;

SELECT c.relname || '.' || a.attname AS column_without_comment
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind IN ('r', 'v') AND col_description(c.oid, a.attnum) IS NULL
ORDER BY 1;

DROP VIEW member;
DROP EXTENSION djust_auth;
