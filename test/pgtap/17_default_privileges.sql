-- 17_default_privileges: after CREATE EXTENSION nobody but the owner has a privilege, whatever ALTER DEFAULT PRIVILEGES said

BEGIN;
SELECT plan(29);

DROP EXTENSION djust_auth CASCADE;
CREATE ROLE pgtap_reporting;
CREATE ROLE "pgtap Öffi""ce";
CREATE ROLE pgtap_options;
CREATE SCHEMA api;
GRANT USAGE ON SCHEMA api TO pgtap_reporting, pgtap_options;

ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO pgtap_reporting;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO pgtap_reporting;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO pgtap_reporting;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO pgtap_reporting;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO pgtap_reporting;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "pgtap Öffi""ce";
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO pgtap_options WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO pgtap_options WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO pgtap_options WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO pgtap_options WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO pgtap_options WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA api GRANT ALL ON FUNCTIONS TO pgtap_reporting, PUBLIC, "pgtap Öffi""ce";
ALTER DEFAULT PRIVILEGES IN SCHEMA api GRANT ALL ON TABLES TO pgtap_reporting;

-- an operator and functions that would mislead the script, were it to ask for them by search_path
CREATE FUNCTION api.never(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION api.never("char", text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR api.= (FUNCTION = api.never, LEFTARG = oid, RIGHTARG = oid);
CREATE OPERATOR api.= (FUNCTION = api.never, LEFTARG = "char", RIGHTARG = text);
CREATE FUNCTION api.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$SELECT 'SELECT 1'$$;
CREATE FUNCTION api.quote_ident(name) RETURNS text LANGUAGE sql AS $$SELECT 'pgtap_options'$$;

SELECT lives_ok('CREATE EXTENSION djust_auth SCHEMA api', 'CREATE EXTENSION under such default privileges');

-- every object with its privileges: those it has, those PostgreSQL gives where there are none
CREATE TEMP TABLE object AS
	WITH member AS (
		SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'djust_auth')
	SELECT 'schema' AS kind, n.nspname::text AS name, n.nspowner AS owner, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl, classid, objid
		FROM member JOIN pg_namespace n ON classid = 'pg_namespace'::regclass AND n.oid = objid
	UNION ALL SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END, c.oid::regclass::text, c.relowner,
		coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)), classid, objid
		FROM member JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
	UNION ALL SELECT 'function', p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)), classid, objid
		FROM member JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
	UNION ALL SELECT 'type', t.oid::regtype::text, t.typowner, coalesce(t.typacl, acldefault('T', t.typowner)), 'pg_type'::regclass, t.oid
		FROM pg_type t WHERE t.typnamespace = 'djust_auth'::regnamespace AND t.typelem = 0;
-- the contract gives members of pg_monitor the schema, the view stat, and check(), which is read with its function
CREATE TEMP VIEW stranger AS
	SELECT o.kind, o.name, a.grantee::regrole, a.privilege_type FROM object o, aclexplode(o.acl) a
	WHERE a.grantee <> o.owner AND (a.grantee <> (SELECT oid FROM pg_roles WHERE rolname = 'pg_monitor') OR a.is_grantable OR (o.name, a.privilege_type) NOT IN (
		('djust_auth', 'USAGE'), ('djust_auth.stat', 'SELECT'), ('djust_auth.stat_here()', 'EXECUTE'), ('djust_auth."check"()', 'EXECUTE')));
SELECT is(count(*), 4::bigint, 'pg_monitor has those four') FROM object o, aclexplode(o.acl) a WHERE a.grantee = 'pg_monitor'::regrole;

SELECT ok(count(o.name) > 0, 'there are objects of kind ' || k)
	FROM unnest('{schema,table,view,sequence,function,type}'::text[]) k LEFT JOIN object o ON o.kind = k GROUP BY k ORDER BY k;
SELECT is_empty(format('SELECT * FROM stranger WHERE kind = %L', k),
		k || ': nobody but the owner has a privilege')
	FROM unnest('{schema,table,view,sequence,function,type}'::text[]) k ORDER BY k;
SELECT is_empty($$SELECT o.name FROM object o WHERE NOT EXISTS (SELECT FROM aclexplode(o.acl) a WHERE a.grantee = o.owner)$$, 'the owner has');
SELECT is_empty(
	$$SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'djust_auth'::regnamespace AND a.attacl IS NOT NULL$$, 'no column has a privilege of its own');

-- pg_dump writes down what differs from this; of row types it knows nothing, and warns of each
SELECT is_empty(
	$$SELECT o.name, p.initprivs, o.acl FROM object o LEFT JOIN pg_init_privs p ON p.classoid = o.classid AND p.objoid = o.objid AND p.objsubid = 0
		WHERE p.privtype IS DISTINCT FROM 'e' OR EXISTS (SELECT FROM aclexplode(p.initprivs) a WHERE a.grantee NOT IN (o.owner, 'pg_monitor'::regrole))
			OR NOT (p.initprivs @> o.acl AND o.acl @> p.initprivs)
		EXCEPT SELECT t.oid::regtype::text, NULL, t.typacl FROM pg_type t WHERE t.typtype = 'c'$$,
	'what the extension starts with is written down as nothing for anybody else');

SELECT is_empty(
	$$SELECT t.oid::regtype FROM pg_init_privs p JOIN pg_type t ON p.classoid = 'pg_type'::regclass AND t.oid = p.objoid WHERE t.typtype = 'c'$$,
	'of row types nothing is');

-- and it is so for the roles themselves
SELECT throws_ok(format('SET LOCAL ROLE %I; %s', r, s), '42501', NULL, r || ': ' || s)
	FROM unnest('{pgtap_reporting,pgtap_options,"pgtap Öffi\"ce"}'::text[]) WITH ORDINALITY r(r, i),
		unnest(ARRAY['SELECT password_hash FROM djust_auth.customer_user', 'SELECT djust_auth.hs256_key()', 'SELECT api.djust_introspect(NULL)']) WITH ORDINALITY s(s, j)
	WHERE i < 3 OR j = 1 ORDER BY i, j;
RESET ROLE;
SELECT is_empty(
	$$SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
		WHERE refclassid = 'pg_authid'::regclass AND refobjid IN ('pgtap_reporting'::regrole, 'pgtap_options'::regrole, '"pgtap Öffi""ce"'::regrole)
			AND deptype IN ('a', 'i') AND (classid, objid) IN (SELECT classid, objid FROM object)$$,
	'no object depends on these roles any more');

-- what is granted from now on is what grant_api gives
SELECT lives_ok($$SELECT djust_auth.grant_api('pgtap_reporting', 'anonymous')$$, 'grant_api');
SET LOCAL ROLE pgtap_reporting;
SELECT is(json_typeof(api.djust_jwks() -> 'keys'), 'array', 'gives what it gives');
SELECT throws_ok('SELECT api.djust_introspect(NULL)', '42501', NULL, 'and no more');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
