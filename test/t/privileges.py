"""Privileges through dump and restore: only the owner and grantees have any, with and without default privileges."""

import os

from support import Db, equal, here, main, ok, program

NAME = os.environ["PGDATABASE"]
ROLES = {kind: f"{NAME}_{kind}" for kind in ("reporting", "options", "dba", "anonymous", "auditor")}
DEFAULTS = [f"ALTER DEFAULT PRIVILEGES {where}GRANT ALL ON {kind} TO {role}"
            for where in ("", "IN SCHEMA api ") for kind in ("SCHEMAS", "TABLES", "SEQUENCES", "FUNCTIONS", "TYPES")
            for role in (f"{ROLES['reporting']}, PUBLIC", f"{ROLES['options']} WITH GRANT OPTION") if not (where and kind == "SCHEMAS")]
# every privilege that somebody but the owner has, on anything of the extension
FOREIGN = """
    WITH member AS (
        SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'djust_auth'),
    object AS (
        SELECT n.nspname::text AS name, n.nspowner AS owner, coalesce(n.nspacl, acldefault('n', n.nspowner)) AS acl
            FROM member JOIN pg_namespace n ON classid = 'pg_namespace'::regclass AND n.oid = objid
        UNION ALL SELECT c.oid::regclass::text, c.relowner, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
            FROM member JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
        UNION ALL SELECT c.oid::regclass::text || '.' || a.attname, c.relowner, a.attacl
            FROM member JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid JOIN pg_attribute a ON a.attrelid = c.oid
        UNION ALL SELECT p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
            FROM member JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
        UNION ALL SELECT t.oid::regtype::text, t.typowner, coalesce(t.typacl, acldefault('T', t.typowner))
            FROM pg_type t WHERE t.typnamespace = 'djust_auth'::regnamespace AND t.typelem = 0)
    SELECT o.name, a.grantee::regrole::text, a.privilege_type, a.is_grantable FROM object o, aclexplode(o.acl) a WHERE a.grantee <> o.owner ORDER BY 1, 2, 3"""

# what CREATE EXTENSION gives
MONITOR = {("djust_auth", "pg_monitor", "USAGE", False), ('djust_auth."check"()', "pg_monitor", "EXECUTE", False),
           ("djust_auth.stat", "pg_monitor", "SELECT", False), ("djust_auth.stat_here()", "pg_monitor", "EXECUTE", False)}

for role in ROLES.values():
    Db().run(f'CREATE ROLE "{role}"')


def database(suffix, *statements):
    name = NAME + suffix
    program("createdb", "-T", "template0", name, env=here("postgres"))
    connection = Db(dbname=name)
    for statement in statements:
        connection.run(statement)
    return name, connection


def grant(connection):
    connection.run(f"SELECT djust_auth.grant_api('{ROLES['dba']}', 'dba'), djust_auth.grant_api('{ROLES['anonymous']}', 'anonymous')")
    connection.run(f"GRANT SELECT ON djust_auth.audit_event TO {ROLES['auditor']}; GRANT SELECT (id, email) ON djust_auth.customer_user TO {ROLES['auditor']}")
    return connection.all(FOREIGN)


def judge(name, suffix, *statements):
    """What grant_api and the administrator gave is there after a restore, and nothing else."""
    source, connection = database(suffix, "CREATE SCHEMA api", *statements, "CREATE EXTENSION djust_auth SCHEMA api")
    made = [source]
    try:
        equal(set(connection.all(FOREIGN)), MONITOR, f"{name}: nobody but pg_monitor has anything at first")
        given = grant(connection)
        ok(len(given) > 50 and {row[1] for row in given} == {ROLES["dba"], ROLES["anonymous"], ROLES["auditor"], "pg_monitor"},
           f"{name}: then those who were granted something have", given)
        for what, end, defaults in (("a database without default privileges", "_0", ()), ("one with its own", "_1", [d for d in DEFAULTS if "IN SCHEMA" not in d])):
            target, copy = database(suffix + end, *defaults)
            made.append(target)
            program("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", target, input=program("pg_dump", source, env=here("postgres")), env=here("postgres"))
            equal(copy.all(FOREIGN), given, f"{name}, restored into {what}: the same")
            copy.run(f"SET ROLE {ROLES['dba']}")
            ok(copy.one("SELECT count(*) FROM djust_auth.audit_event") > 0, f"{name}, restored into {what}: a dba reads")
    finally:
        for database_name in made:
            program("dropdb", "--force", database_name, env=here("postgres"))


def from_plain():
    judge("a database without default privileges", "_plain")


def from_defaults():
    judge("a database with default privileges", "_defaults", *DEFAULTS)


def clean():
    for role in ROLES.values():
        Db().run(f'DROP ROLE "{role}"')
    ok(True, "no database has anything left that is theirs")


main(from_plain, from_defaults, clean)
