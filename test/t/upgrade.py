"""
ALTER EXTENSION djust_auth UPDATE: this library serves a database of version 1.0 before, during and after the update, and the
updated schema is the one that CREATE EXTENSION makes.  UPGRADE_USERS: how many users the database has (default 2000); one in a hundred
is logged in, 300 at most, and one in ten of these has a reset link.
"""

import os
import time

from support import GOOD, OTHER, Cluster, Db, equal, error_of, fails, later, main, note, ok, shop, until

USERS = int(os.environ.get("UPGRADE_USERS", "2000"))
SHOPPERS = [f"user{i}@upgrade.example" for i in range(1, min(300, USERS // 100) + 1)]
KINDS = ("anonymous", "customer", "backend", "authenticator", "worker", "dba", "monitor")
OBJECTS = {
    "functions": """SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.proacl) a), obj_description(p.oid, 'pg_proc')
        FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' ORDER BY 1""",
    "relations": """SELECT c.oid::regclass::text, c.relkind, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(c.relacl) a), obj_description(c.oid, 'pg_class'),
            CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END,
            (SELECT string_agg(format('%s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)), ', ' ORDER BY a.attnum)
                FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
        FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' ORDER BY 1""",
    "triggers": """SELECT t.tgrelid::regclass::text, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger')
        FROM pg_trigger t WHERE NOT t.tgisinternal ORDER BY 1, 2""",
    "constraints": """SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint')
        FROM pg_constraint c WHERE c.connamespace = 'djust_auth'::regnamespace ORDER BY 1, 2""",
    "initial privileges": """SELECT pg_describe_object(classoid, objoid, objsubid), initprivs::text FROM pg_init_privs
        WHERE privtype = 'e' AND pg_describe_object(classoid, objoid, objsubid) ~ 'djust' ORDER BY 1""",
    "dumped tables": "SELECT extconfig::regclass[]::text, extcondition FROM pg_extension WHERE extname = 'djust_auth'",
}

cluster = Cluster("upgrade", "djust_auth.databases = 'old'")
root = cluster.connect()
root.run("CREATE DATABASE old")
root.run("CREATE DATABASE fresh")
for kind in KINDS:
    root.run(f"CREATE ROLE api_{kind} LOGIN")
root.run("CREATE ROLE api_support LOGIN")
root.run("CREATE ROLE api_lead")
cluster.restart()
db = cluster.connect("old")
db.run("CREATE EXTENSION djust_auth VERSION '1.0'")
shop(db)


def serves_the_old_schema():
    global tokens, links
    for kind in KINDS:
        db.run("SELECT djust_auth.grant_api(%s, %s)", f"api_{kind}", kind)
    ok(True, "every kind is granted, without what 1.0 has not")
    db.run("GRANT EXECUTE ON FUNCTION djust_auth.open_session(uuid) TO api_support")
    db.run("GRANT EXECUTE ON FUNCTION djust_auth.open_session(uuid) TO api_lead WITH GRANT OPTION")
    ann = db.create_user("ann@upgrade.example", GOOD, ["customer"])
    db.run("""WITH loaded AS (INSERT INTO djust_auth.customer_user (email, password_hash)
            SELECT 'user' || i || '@upgrade.example', password_hash FROM djust_auth.customer_user, generate_series(1, %s) i WHERE id = %s RETURNING id)
        INSERT INTO djust_auth.user_profile (user_id, profile) SELECT id, 'customer' FROM loaded""", USERS, ann)
    tokens = {email: db.login(email) for email in ["ann@upgrade.example", *SHOPPERS]}
    links = {email: db.reset_link(email) for email in ["ann@upgrade.example", *SHOPPERS[::10]]}
    ok(all(db.can(t["access_token"]) for t in tokens.values()), f"{len(tokens)} tokens of before")
    acting = db.one("SELECT djust_auth.open_session(%s)", ann)["access_token"]
    equal(db.one("SELECT djust_introspect(%s) -> 'act'", acting), {"sub": "postgres"}, "open_session of 1.0 has no reason, and tells who acts")
    db.logout(acting)
    db.run("INSERT INTO djust_auth.mail_template VALUES ('reset', 'de', 'Passwort', 'im HTML', '<p>{link}</p>'), ('reset', 'nl', 'Wachtwoord', '{link}', '<p>in de tekst</p>')")
    db.create_user("bob@upgrade.example")
    db.run("SET djust_auth.max_login_failures = 100")
    for _ in range(100):
        db.login("bob@upgrade.example", OTHER)
    until(lambda: db.one("SELECT max(failures) FROM djust_auth.throttle_lock") == 100, "the lock")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_verify()"), 0, "the audit of before is whole")


def updates_under_load():
    """Checks and refreshes go on; the update waits for nobody for long, and nobody for it."""
    caller, admin = cluster.connect("old"), cluster.connect("old")
    admin.begin()
    begun = time.monotonic()
    admin.run("ALTER EXTENSION djust_auth UPDATE")
    ok(any("has no {link}" in notice for notice in admin.raw.notices), "a template of 1.0 without a link is warned of", admin.raw.notices)
    note(f"figures: {USERS} users, {len(tokens)} sessions, updated in {(time.monotonic() - begun) * 1000:.0f} ms")
    ok(caller.can(tokens["ann@upgrade.example"]["access_token"]), "a check beside an update that is not committed")
    answer = later(caller.login, "ann@upgrade.example")
    ok("access_token" in answer.result(), "a login beside it")
    admin.commit()
    equal(db.one("SELECT extversion FROM pg_extension WHERE extname = 'djust_auth'"),
          db.one("SELECT default_version FROM pg_available_extensions WHERE name = 'djust_auth'"), "the schema is of the library's version")


def everything_goes_on():
    global db
    cluster.restart("fast")
    db = cluster.connect("old")
    ok(all(db.can(t["access_token"]) for t in tokens.values()), "the tokens of before are good")
    ok(not any(db.can(t["access_token"], access="write") for t in tokens.values()), "for what the profile gives, and no more")
    equal([error_of(answer) for answer in map(db.refresh, (t["refresh_token"] for t in tokens.values())) if "access_token" not in answer], [],
          "so are the refresh tokens")
    equal(error_of(db.login("bob@upgrade.example")), "too_many_attempts", "the lock holds")
    equal([db.confirm(link, OTHER).get("status") for link in links.values()], ["password_updated"] * len(links), "the links work")
    ok(not any(db.can(tokens[email]["access_token"]) for email in links), "end the sessions")
    ok(all("access_token" in db.login(email, OTHER) for email in links), "and set the passwords")
    others = [t["access_token"] for email, t in tokens.items() if email not in links]
    ok(all(db.logout(token) and not db.can(token) for token in others), "logout ends the others")
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user"), USERS + 2, "all users are there")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_verify()"), 0, "the audit is whole")
    backend = Db(host=cluster.host, port=cluster.port, user="api_backend", dbname="old")
    ok("access_token" in backend.login("ann@upgrade.example", OTHER), "what was granted before is granted")
    equal(db.row("SELECT has_function_privilege('api_support', f, 'EXECUTE'), has_function_privilege('api_support', f, 'EXECUTE WITH GRANT OPTION'),"
                 " has_function_privilege('api_lead', f, 'EXECUTE WITH GRANT OPTION'), has_function_privilege('api_dba', f, 'EXECUTE')"
                 " FROM (VALUES ('djust_auth.open_session(uuid, text)')) x(f)"), (True, False, True, False), "also of open_session(), which was replaced")
    for part, text, html in (("text", "en HTML", "<p>{link}</p>"), ("HTML", "{link}", "<p>dans le texte</p>")):
        no_link = f"INSERT INTO djust_auth.mail_template VALUES ('reset', 'fr', 'Mot de passe', '{text}', '{html}')"
        fails("23514", lambda sql=no_link: db.run(sql), f"a template whose {part} has no link is refused from now on", "mail_template_link_valid")
    equal(db.one("SELECT array_agg(body_text ORDER BY locale) FROM djust_auth.mail_template"), ["im HTML", "{link}"], "those of before are kept")
    found = "SELECT string_agg(finding, '; ') FROM djust_auth.check() WHERE severity = 'warning' AND finding ~ 'mail_?.template' AND hint ~ 'VALIDATE CONSTRAINT'"
    equal(db.one(found), 'a mail template has no {link}: (reset,de,""), (reset,nl,"")', "check() tells of them")
    db.run("UPDATE djust_auth.mail_template SET body_text = '{link}', body_html = '{link}'")
    equal(db.one(found), "constraint mail_template_link_valid of djust_auth.mail_template is not validated", "of a constraint that is not validated, too")
    db.run("ALTER TABLE djust_auth.mail_template VALIDATE CONSTRAINT mail_template_link_valid")
    equal(db.one(found), None, "and of nothing when it is")
    granted = db.one("SELECT count(*) FROM pg_init_privs WHERE objoid = 'djust_auth.open_session(uuid, text)'::regprocedure AND initprivs::text ~ 'api_'")
    equal(granted, 0, "these grants are in dumps, for they are not initial ones")
    db.run("REVOKE ALL ON FUNCTION djust_auth.open_session(uuid, text) FROM api_support, api_lead CASCADE")
    db.run("DROP ROLE api_lead")
    ok(True, "a role that was granted it can be dropped")
    equal(db.one("SELECT has_function_privilege('api_dba', 'djust_auth.check_hash(text)', 'EXECUTE')"), False, "what is new is not")
    db.run("SELECT djust_auth.grant_api('api_dba', 'dba')")
    equal(db.one("SELECT has_function_privilege('api_dba', 'djust_auth.check_hash(text)', 'EXECUTE')"), True, "until it is granted again")


def is_what_create_extension_makes():
    fresh, updated = cluster.connect("fresh"), cluster.connect("old")
    fresh.run("CREATE EXTENSION djust_auth")
    for kind in KINDS:
        for one in (fresh, updated):
            one.run("SELECT djust_auth.grant_api(%s, %s)", f"api_{kind}", kind)
    for what, sql in OBJECTS.items():
        equal([row for row in updated.all(sql) if row not in fresh.all(sql)], [], f"{what}: nothing is there that CREATE EXTENSION does not make")
        equal([row for row in fresh.all(sql) if row not in updated.all(sql)], [], f"{what}: nothing is missing")


main(serves_the_old_schema, updates_under_load, everything_goes_on, is_what_create_extension_makes)
