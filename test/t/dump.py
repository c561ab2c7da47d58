"""Dumps: their content, their restore, and that neither they nor any table contain a usable secret."""

import base64
import os
import re

from support import GOOD, OTHER, Db, equal, error_of, fails, from_base64url, here, main, note, ok, program, shop

NAME = os.environ["PGDATABASE"]
TABLES = """SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'djust_auth' AND c.relkind = 'r' ORDER BY 1"""
ROLE = "dump_" + NAME

db = Db()
shop(db)
db.run(f'CREATE ROLE "{ROLE}" LOGIN')
db.run("SELECT djust_auth.grant_api(%s::regrole)", ROLE)
db.run("SELECT djust_auth.create_profile('manager', 'Sees \"all\" orders; \\ and é too')")
db.run("SELECT djust_auth.set_right('manager', '/orders/**', 'write'), djust_auth.set_right('manager', '/orders/{id}/cost', 'none')")
db.run("SELECT djust_auth.set_right('anonymous', '/products/**', 'read')")
db.run("INSERT INTO djust_auth.password_blocklist VALUES ('Password-1')")
db.run("INSERT INTO djust_auth.page_text VALUES ('reset_title', 'it', 'Nuova password')")
users = {email: db.create_user(email, password, profiles) for email, password, profiles in (
    ("ann@dump.example", GOOD, ["customer"]),
    ("bob@dump.example", OTHER, ["customer", "manager"]),
    ("carl.ü@dump.example", None, []),
    ("dora@dump.example", GOOD, ["manager"]))}
db.run("SELECT djust_auth.disable_user(%s)", users["dora@dump.example"])
db.run("INSERT INTO djust_auth.store VALUES ('fr', 'https://fr.dump.example/{token}', NULL, 'Boutique <b@dump.example>', 'fr')")
db.run("INSERT INTO djust_auth.mail_template VALUES ('reset', 'fr', 'Bonjour', '{link}', '{link}', 'fr')")
db.run("INSERT INTO djust_auth.user_store VALUES (%s, 'fr')", users["bob@dump.example"])


def database(suffix):
    name = NAME + suffix
    program("dropdb", "--if-exists", name, env=here("postgres"), stderr=-3)
    program("createdb", name, env=here("postgres"))
    return name


def drop(*names):
    for name in names:
        program("dropdb", "--force", name, env=here("postgres"))


def restore(text, name):
    program("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-1", "-d", name, input=text)


def all_rows(connection):
    return "".join(program("psql", "-XAtq", "-c", f"COPY {table} TO STDOUT", env=here(connection.raw.info.dbname)) for (table,) in connection.all(TABLES))


# Restore


def silent():
    """Nobody learns to overlook warnings of a dump."""
    file = os.path.join(os.environ["DJUST_TMP"], "dump.warnings")
    with open(file, "w+", encoding="utf-8") as said:
        program("pg_dump", "-f", os.devnull, NAME, stderr=said)
        said.seek(0)
        equal(said.read(), "", "pg_dump warns of nothing")


KEPT = {
    "users": "SELECT id::text, email, password_hash, disabled_at, created_at, locale FROM djust_auth.customer_user ORDER BY email",
    "profiles": "SELECT name, description FROM djust_auth.profile ORDER BY name",
    "assignments": "SELECT user_id::text, profile FROM djust_auth.user_profile ORDER BY 1, 2",
    "rights": "SELECT profile, route, access::text FROM djust_auth.profile_right ORDER BY 1, 2",
    "blocklist": "SELECT password FROM djust_auth.password_blocklist ORDER BY 1",
    "mail templates": "SELECT * FROM djust_auth.mail_template ORDER BY 1, 2",
    "store views": "SELECT s.*, u.user_id::text FROM djust_auth.store s LEFT JOIN djust_auth.user_store u ON u.store = s.name ORDER BY 1",
    "texts of pages": "SELECT * FROM djust_auth.page_text ORDER BY 1, 2",
}


def judge_restored(copy, name, old_tokens, old_link, events):
    for what, sql in KEPT.items():
        equal(copy.all(sql), db.all(sql), f"{name}: {what}")
    missing = set(events) - set(copy.all("SELECT id::text, at, event, user_id::text FROM djust_auth.audit_event"))
    ok(len(events) > 5 and not missing, f"{name}: audit", missing)
    equal([copy.one(f"SELECT count(*) FROM djust_auth.{table}") for table in ("session", "reset_token", "mail_queue")], [0, 0, 0],
          f"{name}: no sessions, no links, no mail")
    equal(copy.one("SELECT count(*) FROM djust_auth.signing_key WHERE kid IN (SELECT unnest(%s))",
                   [kid for (kid,) in db.all("SELECT kid FROM djust_auth.signing_key")]), 0, f"{name}: none of the signing keys")
    equal((copy.can(old_tokens["access_token"]), error_of(copy.refresh(old_tokens["refresh_token"])), error_of(copy.confirm(old_link, GOOD))),
          (False, "invalid_grant", "invalid_grant"), f"{name}: tokens and links of the original are dead")
    bob = copy.login("bob@dump.example", OTHER)
    equal([error_of(copy.login("ann@dump.example", GOOD)), error_of(bob)], [None, None], f"{name}: users can log in")
    equal([error_of(copy.login(email, GOOD)) for email in ("bob@dump.example", "carl.ü@dump.example", "dora@dump.example")], ["invalid_grant"] * 3,
          f"{name}: wrong passwords, users without one and disabled ones cannot")
    equal([copy.can(bob["access_token"], route, access) for route, access in (
        ("/orders", "write"), ("/orders/7/cost", "read"), ("/products/1", "read"), ("/other", "read"))], [True, False, True, False], f"{name}: rights work")
    equal(copy.can(None, "/products/1"), True, f"{name}: those of anonymous too")
    fails("23514", lambda: copy.run("INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('eve@dump.example', 'secret')"),
          f"{name}: constraints are there")


def restores():
    tokens = db.login("ann@dump.example")
    db.login("ann@dump.example", OTHER)
    link = db.reset_link("bob@dump.example")
    events = db.all("SELECT id::text, at, event, user_id::text FROM djust_auth.audit_event")

    plain = database("_plain")
    restore(program("pg_dump", NAME), plain)
    copy = Db(dbname=plain)
    judge_restored(copy, "pg_dump | psql", tokens, link, events)
    backend = Db(dbname=plain, user=ROLE)
    ok(error_of(backend.login("ann@dump.example")) is None, "pg_dump | psql: grants of the API")
    fails("42501", lambda: backend.one("SELECT count(*) FROM djust_auth.session"), "pg_dump | psql: and no more than those")
    backend.close()
    ok(db.can(tokens["access_token"]), "the original's token is good there still")

    custom = database("_custom")
    file = os.path.join(os.environ["DJUST_TMP"], "dump.custom")
    program("pg_dump", "-Fc", "-f", file, NAME)
    program("pg_restore", "--exit-on-error", "-d", custom, file)
    second = Db(dbname=custom)
    judge_restored(second, "pg_dump -Fc, pg_restore", tokens, link, events)

    sections = database("_sections")
    for section in (["pre-data"], ["data"], ["post-data", "-j", "2"]):
        program("pg_restore", "--exit-on-error", "-d", sections, "--section", *section, file)
    by_section = Db(dbname=sections)
    judge_restored(by_section, "pg_restore by sections", tokens, link, events)

    # a dump of the restored database restores as well
    again = database("_again")
    restore(program("pg_dump", plain), again)
    third = Db(dbname=again)
    equal([third.all(sql) for sql in KEPT.values()], [db.all(sql) for sql in KEPT.values()], "and so does a dump of the restored database")
    for each in (copy, second, by_section, third):
        each.close()
    drop(plain, custom, sections, again)


# What an administrator adds


def additions():
    """Own columns, indexes and constraints belong into own tables; doc/keys-and-backups.md tells how to rescue a column."""
    source = database("_own")
    shop_db = Db(dbname=source)
    shop_db.run("CREATE EXTENSION djust_auth")
    user_id = shop_db.create_user("ann@own.example")
    shop_db.run("CREATE TABLE customer_detail (user_id uuid PRIMARY KEY REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,"
                " phone text UNIQUE CHECK (phone ~ '^[0-9 +]+$'))")
    shop_db.run("INSERT INTO customer_detail VALUES (%s, '+33 1 23')", user_id)
    kept = "SELECT u.email, d.phone FROM djust_auth.customer_user u JOIN customer_detail d ON d.user_id = u.id"
    plain, custom = database("_own_plain"), database("_own_custom")
    restore(program("pg_dump", source), plain)
    file = os.path.join(os.environ["DJUST_TMP"], "own.custom")
    program("pg_dump", "-Fc", "-f", file, source)
    for section in (["pre-data"], ["data"], ["post-data", "-j", "2"]):
        program("pg_restore", "--exit-on-error", "-d", custom, "--section", *section, file)
    for name in (plain, custom):
        copy = Db(dbname=name)
        equal(copy.all(kept), [("ann@own.example", "+33 1 23")], "a table of one's own with a foreign key to the users restores")
        fails("23514", lambda: copy.run("UPDATE customer_detail SET phone = 'none'"), "its constraints, too")
        copy.run("DELETE FROM djust_auth.customer_user")
        equal(copy.one("SELECT count(*) FROM customer_detail"), 0, "and its rows go with their user")
        copy.close()

    shop_db.run("ALTER TABLE djust_auth.customer_user ADD COLUMN phone text")
    shop_db.run("UPDATE djust_auth.customer_user SET phone = '+33 4 56'")
    dump = program("pg_dump", source)
    lost, rescued = database("_own_lost"), database("_own_rescued")
    program("psql", "-Xq", "-d", lost, input=dump, stderr=-3)
    copy = Db(dbname=lost)
    equal(copy.one("SELECT count(*) FROM djust_auth.customer_user"), 0, "a column that was added to the users is not made again, so that they do not restore")
    copy.close()
    copy = Db(dbname=rescued)
    copy.run("CREATE EXTENSION djust_auth")
    copy.run("ALTER TABLE djust_auth.customer_user ADD COLUMN phone text")
    copy.close()
    restore(dump, rescued)
    copy = Db(dbname=rescued)
    equal(copy.all("SELECT email, phone FROM djust_auth.customer_user"), [("ann@own.example", "+33 4 56")], "where it is added before, they do")
    copy.close()
    shop_db.close()
    drop(source, plain, custom, lost, rescued)


# Options of pg_dump, as doc/keys-and-backups.md has them


def options():
    source, copy_name, role = database("_options"), database("_options_copy"), "gone_" + NAME
    shop_db = Db(dbname=source)
    shop_db.run("CREATE EXTENSION djust_auth")
    shop_db.create_user("ann@options.example")
    shop_db.run(f"ALTER DATABASE {source} SET djust_auth.issuer = 'https://options.example'")
    shop_db.run(f'CREATE ROLE "{role}"')
    shop_db.run("SELECT djust_auth.grant_api(%s::regrole)", role)
    ok("ann@options.example" not in program("pg_dump", "-n", "djust_auth", source), "-n djust_auth: nobody")
    ok("https://options.example" in program("pg_dump", "--create", source), "--create: the settings of the database")
    ok("https://options.example" not in program("pg_dump", source), "without: none of them")
    ok(f"CREATE ROLE {role};" in program("pg_dumpall", "--roles-only"), "pg_dumpall --roles-only: the roles")
    text = program("pg_dump", "-n", "djust_auth", "-e", "djust_auth", source)
    folder = os.path.join(os.environ["DJUST_TMP"], "dump.folder")
    program("pg_dump", "-Fd", "-j", "2", "-f", folder, source)
    shop_db.run(f'DROP OWNED BY "{role}"')
    shop_db.run(f'DROP ROLE "{role}"')
    shop_db.close()
    program("psql", "-Xq", "-d", copy_name, input=text, stderr=-3)
    copy = Db(dbname=copy_name)
    equal(copy.one("SELECT string_agg(email, ',') FROM djust_auth.customer_user"), "ann@options.example",
          "-n djust_auth -e djust_auth: the users, also where a role is missing")
    ok(error_of(copy.login("ann@options.example", GOOD)) is None, "who log in")
    copy.close()
    drop(copy_name)
    database("_options_copy")
    for section in (["pre-data"], ["data"], ["post-data", "-j", "2"]):
        program("pg_restore", "--no-privileges", "--exit-on-error", "-d", copy_name, "--section", *section, folder)
    copy = Db(dbname=copy_name)
    ok(error_of(copy.login("ann@options.example", GOOD)) is None, "-Fd -j 2: restores by sections")
    copy.close()
    drop(source, copy_name)


# Nothing in it is a key


def words(text):
    """Every string of a dump, whole fields and their parts, and what bytes in it would be as a token."""
    found = set(re.findall(r"[^\t\n]+", text)) | set(re.findall(r"[^\s,{}\"']+", text)) | set(re.findall(r"[A-Za-z0-9_.-]+", text)) | \
        set(re.findall(r"[A-Za-z0-9_-]+", text))
    for digits in set(re.findall(r"\\*x?((?:[0-9a-f]{2}){16,})", text)):
        data = bytes.fromhex(digits)
        for part in (data, data[:32], data[-32:], data[12:]):
            encoded = base64.urlsafe_b64encode(part).rstrip(b"=").decode("ascii")
            found |= {digits, encoded, "djr_" + encoded, "djp_" + encoded, "djp_" + digits}
    return sorted(each for each in found if len(each) <= 8192)


PASSES = {
    "djust_can": "SELECT w FROM unnest(%s::text[]) w WHERE djust_can(w, '/orders', 'read')",
    "djust_introspect": "SELECT w FROM unnest(%s::text[]) w WHERE (djust_introspect(w) ->> 'active')::boolean",
    "djust_sessions": "SELECT w FROM unnest(%s::text[]) w WHERE json_array_length(djust_sessions(w)) > 0",
    "djust_end_session": "SELECT w FROM unnest(%s::text[]) w WHERE djust_end_session(w) > 0",
    "djust_refresh": "SELECT w FROM unnest(%s::text[]) w WHERE djust_refresh(w) ->> 'error' IS DISTINCT FROM 'invalid_grant'",
    "djust_logout": "SELECT w FROM unnest(%s::text[]) w WHERE djust_logout(w)",
    "djust_reset_confirm": f"SELECT w FROM unnest(%s::text[]) w WHERE djust_reset_confirm(w, '{GOOD}') ->> 'error' IS DISTINCT FROM 'invalid_grant'",
}


def thefts():
    first = db.login("ann@dump.example")
    tokens = db.refresh(first["refresh_token"])
    db.run("SELECT djust_auth.rotate_signing_key('HS256')")
    hs256 = db.login("bob@dump.example", OTHER)
    db.run("SELECT djust_auth.rotate_signing_key('ES256')")
    db.run("SELECT djust_reset_request('dora@dump.example')")
    link = db.reset_link("ann@dump.example")
    db.run("SELECT djust_reset_request('nobody@dump.example')")
    dump = program("pg_dump", "--data-only", "--inserts", NAME) + program("pg_dump", "--data-only", NAME) + program("pg_dump", NAME)
    rows = all_rows(db)
    ok(all(db.one(f"SELECT count(*) FROM djust_auth.{table}") > 0 for table in ("session", "reset_token", "signing_key", "mail_queue", "audit_event")),
       "the tables hold sessions, links, keys, mail and events to steal")
    stolen = words(dump + rows)
    note(f"{len(stolen)} words")
    ok(len(stolen) > 500 and users["ann@dump.example"] in stolen, "and the dump was taken apart")
    for name, sql in PASSES.items():
        equal(db.all(sql, stolen), [], f"{name}: nothing in the dump or the tables passes")
    for name, given in (("djust_can", tokens["access_token"]), ("djust_can", hs256["access_token"]), ("djust_introspect", tokens["access_token"]),
                        ("djust_sessions", tokens["access_token"]), ("djust_refresh", tokens["refresh_token"]),
                        ("djust_logout", hs256["access_token"])):
        equal(db.all(PASSES[name], [given]), [(given,)], f"{name}: the real token still does, so it would have been noticed")
    equal(db.all(PASSES["djust_reset_confirm"], [link]), [(link,)], "djust_reset_confirm: and the real link")

    secrets = {"access token": first["access_token"], "newer access token": tokens["access_token"], "HS256 access token": hs256["access_token"],
               "its signature": tokens["access_token"].split(".")[2], "refresh token": first["refresh_token"],
               "newer refresh token": tokens["refresh_token"], "reset secret": link, "password": GOOD, "other password": OTHER}
    for name, secret in list(secrets.items()):
        if secret.startswith("dj"):
            secrets[name + " without prefix"] = secret[4:]
            secrets[name + " in bytes"] = from_base64url(secret[4:]).hex()
    equal([name for name, secret in secrets.items() if secret in dump or secret in rows], [], f"none of {len(secrets)} secrets occurs in a table or the dump")
    ok(all(secret.encode("ascii").hex() not in rows for secret in secrets.values()), "nor in hexadecimal digits")


def key_secrets():
    """The HS256 secret is in its row only sealed."""
    db.run("SELECT djust_auth.rotate_signing_key('HS256')")
    secret = db.one("SELECT djust_auth.hs256_key() ->> 'k'")
    data = from_base64url(secret).hex()
    rows = all_rows(db)
    ok(secret not in rows and data not in rows, "the secret of an HS256 key is nowhere in clear")
    equal(db.one("SELECT count(*) FROM djust_auth.signing_key WHERE position(decode(%s, 'hex') IN private_key) > 0", data), 0, "nor within its row")
    db.run("SELECT djust_auth.rotate_signing_key('ES256')")
    equal(db.one("SELECT count(*) FROM djust_auth.signing_key WHERE position('\\x3081'::bytea IN private_key) = 1"), 0, "private keys are not DER in clear")


# Schemas

CATALOGS = ("pg_class", "pg_proc", "pg_type", "pg_namespace", "pg_constraint", "pg_trigger", "pg_attrdef", "pg_enum", "pg_rewrite", "pg_extension",
            "pg_default_acl", "pg_policy", "pg_event_trigger", "pg_cast", "pg_operator")


def inventory(connection):
    rows = {catalog: connection.all(f"SELECT oid FROM {catalog} ORDER BY oid") for catalog in CATALOGS}
    for catalog in ("pg_description", "pg_init_privs", "pg_depend", "pg_attribute", "pg_index", "pg_sequence"):
        rows[catalog] = connection.one(f"SELECT count(*) FROM {catalog}")
    rows["pg_shdepend"] = connection.one("SELECT count(*) FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())")
    return rows


def schemas():
    name = database("_api")
    copy = Db(dbname=name)
    copy.run("CREATE SCHEMA api")
    copy.run(f'GRANT USAGE ON SCHEMA api TO "{ROLE}"')
    before = inventory(copy)
    copy.run("CREATE EXTENSION djust_auth SCHEMA api")
    where = copy.all("""SELECT n.nspname, p.proname LIKE 'djust\\_%', count(*)::int FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
        JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'djust_auth' AND d.deptype = 'e'
        GROUP BY 1, 2 ORDER BY 1, 2""")
    equal([(schema, public) for schema, public, _ in where], [("api", True), ("djust_auth", False)],
          "CREATE EXTENSION ... SCHEMA api: the public API there, all else in djust_auth")
    equal(where[0][2], 23, "the whole public API")
    equal(copy.one("SELECT count(*) FROM pg_class c WHERE relnamespace = 'api'::regnamespace"), 0, "and no table")
    shop(copy)
    copy.create_user("ann@api.example", profiles=["customer"])
    copy.run("SELECT djust_auth.grant_api(%s::regrole, 'customer')", ROLE)
    backend = Db(dbname=name, user=ROLE)
    tokens = backend.one("SELECT api.djust_login('ann@api.example', %s)", GOOD)
    equal((error_of(tokens), backend.one("SELECT api.djust_can(%s, '/orders', 'read')", tokens.get("access_token"))), (None, True),
          "a role with grant_api can call it there")
    fails("42883", lambda: backend.login("ann@api.example"), "and finds nothing in public")
    backend.close()

    second = database("_api2")
    restore(program("pg_dump", name), second)
    other = Db(dbname=second)
    equal(error_of(other.one("SELECT api.djust_login('ann@api.example', %s)", GOOD)), None, "a dump restores it to schema api")
    other.close()

    copy.run("DROP EXTENSION djust_auth")
    after = inventory(copy)
    equal({catalog: after[catalog] for catalog in after if after[catalog] != before[catalog]},
          {catalog: before[catalog] for catalog in after if after[catalog] != before[catalog]}, "DROP EXTENSION leaves nothing in any catalog")
    copy.run("CREATE EXTENSION djust_auth")
    ok(True, "and it can be created again, elsewhere")
    copy.close()
    drop(name, second)


def clean():
    db.run(f'DROP OWNED BY "{ROLE}"')
    db.run(f'DROP ROLE "{ROLE}"')
    ok(True, "the role can be dropped")


main(silent, restores, additions, options, thefts, key_secrets, schemas, clean)
