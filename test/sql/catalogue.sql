-- What CREATE EXTENSION makes: every object, and the functions as they are documented.  Who may use it: pgtap/01_catalogue.sql.

CREATE EXTENSION djust_auth;
\pset format unaligned

SELECT e.extname, e.extversion, e.extrelocatable, n.nspname, obj_description(e.oid, 'pg_extension') AS comment
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'djust_auth';

-- from 17 on the types of tables, and of arrays, are members too

CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, d.objsubid) AS object
FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname = 'djust_auth'
WHERE d.deptype = 'e'
	AND NOT EXISTS (SELECT FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typrelid <> 0 OR t.typelem <> 0));

SELECT object FROM member WHERE classid <> 'pg_proc'::regclass ORDER BY object COLLATE "C";

-- functions: arguments and what they default to, answers, volatility

SELECT n.nspname AS schema, p.proname AS name, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
	CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility
FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid JOIN pg_namespace n ON n.oid = p.pronamespace
ORDER BY n.nspname DESC, p.prorettype = 'trigger'::regtype, p.proname COLLATE "C";

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

DROP VIEW member;
DROP EXTENSION djust_auth;
