"""Secrets in calls stay out of the server log, with every log setting and every way of calling."""

import os
import re
import socket
import struct
import subprocess

import psycopg
import psycopg2

from support import GOOD, OTHER, Cluster, equal, fails, later, main, ok, until, until_blocked

EVERYTHING = ("log_statement = 'all'", "log_min_duration_statement = 0", "log_parameter_max_length_on_error = -1",
              "log_error_verbosity = verbose")


AUDIT = ("pgaudit.log = 'all'", "pgaudit.log_parameter = on", "pgaudit.log_rows = on", "pgaudit.log_relation = on",
         "auto_explain.log_min_duration = 0", "auto_explain.log_nested_statements = on", "auto_explain.log_verbose = on")

# every way in which the text of a call reaches an error; {} is the secret
QUOTING = (
    'SELECT djust_login("ann@log.example", "{}")',
    "SELECT djust_login(ann, $q${}$q$::uuid::text)",
    'SELECT djust_can("{}", \'/x\', \'read\')',
    'SELECT djust_can("{}".x, \'/x\', \'read\')',
    'SELECT djust_can(a.b.c."{}", \'/x\', \'read\')',
    'SELECT djust_can(a.b.c.d."{}", \'/x\', \'read\')',
    "SELECT djust_can('/orders', 'read', '{}')",
    "SELECT djust_request_can('/orders', '{}')",
    "SELECT djust_auth.explain(NULL, '/orders', '{}')",
    "SELECT djust_auth.rotate_signing_key('{}')",
    "SELECT djust_auth.grant_api('pg_monitor', '{}')",
    "SELECT djust_login('ann@log.example', '{}'::date::text)",
    "SELECT djust_login('ann@log.example', '{}'::inet::text)",
    "SELECT djust_login('ann@log.example', '{}'::numeric::text)",
    "SELECT djust_login('ann@log.example', '{}'::regclass::text)",
    "SELECT djust_login('ann@log.example', '{}'::regtype::text)",
    "SELECT djust_login('ann@log.example', '{}'::jsonb::text)",
    "SELECT djust_login('ann@log.example', '{}'::int4range::text)",
    "SELECT djust_login('ann@log.example', '{}'::xml::text)",
    "SELECT djust_login('ann@log.example', to_date('{}', 'YYYY')::text)",
    "SELECT djust_login('ann@log.example', '{}'::bytea::text)",
    "SELECT djust_login('ann@log.example', regexp_replace('x', '{}(', ''))",
    "SELECT djust_login('ann@log.example', current_setting('{}'))",
    "SELECT djust_login('ann@log.example', 'x' COLLATE \"{}\")",
    "SELECT djust_login('ann@log.example', \"{}\"('x'))",
    "SELECT djust_login('ann@log.example', password => 'x', \"{}\" => 'y')",
    "SELECT djust_login('ann@log.example', '{}'::\"{}\")",
    "SELECT djust_login('ann@log.example', '{}') FROM \"{}\"",
    "SELECT djust_login('ann@log.example', U&'{}\\zzzz')",
    "SELECT djust_login('ann@log.example', E'\\u00zz{}')",
    "SELECT djust_login('ann@log.example', '{}') {}",
    "SELECT djust_login('ann@log.example', '{}')'{}'",
    "SELECT djust_login(E'ann', U&\"{}\")",
    'SELECT U&"djust\\005flogin"(\'ann@log.example\', \'{}\')',
    'SELECT U&"djust\\005flogin"("ann@log.example", "{}")',
    "/* djust */ SELECT '{}'::uuid",
    "SELECT 1; SELECT djust_login('ann@log.example', \"{}\")",
    'EXECUTE enter("ann@log.example", "{}")',
    "EXECUTE end_it('x', '{}')",
    "PREPARE again AS SELECT djust_login('ann@log.example', \"{}\")",
    "DO $$ BEGIN PERFORM djust_login('ann@log.example', \"{}\"); END $$",
    "DO $$ BEGIN PERFORM djust_end_session('x', '{}'); END $$",
    "DO $$ DECLARE i integer; BEGIN i := '{}'; PERFORM djust_jwks(); END $$",
    "DO $$ BEGIN EXECUTE 'SELECT djust_login(''ann@log.example'', \"{}\")'; END $$",
    "CREATE FUNCTION enter() RETURNS json LANGUAGE sql AS $$ SELECT djust_login('ann@log.example', \"{}\") $$",
    "CREATE FUNCTION enter() RETURNS json LANGUAGE sql BEGIN ATOMIC SELECT djust_login('ann@log.example', \"{}\"); END",
    "CREATE VIEW enter AS SELECT djust_login('ann@log.example', \"{}\")",
    "DECLARE c CURSOR WITH HOLD FOR SELECT djust_login('ann@log.example', \"{}\")",
    "BEGIN; DECLARE c CURSOR FOR SELECT djust_login('x', v::uuid::text) FROM (VALUES ('{}')) t(v) LIMIT 1; FETCH c; COMMIT",
    "SELECT djust_auth.set_pasword(NULL, \"{}\")",
    "SELECT djust_auth.set_password('{}', 'x')",
    "UPDATE djust_auth.customer_user SET password_hash = \"{}\"",
    "INSERT INTO djust_auth.customer_user (email, created_at) VALUES ('x@log.example', '{}')",
    "SELECT set_config('request.headers', \"{}\", true)",
    "SELECT djust_login(ann, {})",
    "SET search_path = djust_auth, public; SELECT set_password(NULL, \"{}\"); RESET search_path",
)


def attempt(db, sql, *values):
    try:
        db.run(sql, *values)
    except Exception:
        pass


def bound(connection, sql, *values):
    """By the extended protocol, each value a parameter."""
    try:
        connection.execute(sql, values)
    except psycopg.Error:
        pass


def shown(secret, log):
    """Lines that have the secret, or a long enough part of it, in any case."""
    part = max(re.split(r"[^A-Za-z0-9]", secret), key=len)[:20].lower()
    return [line for line in log.split("\n") if part in line.lower()]


def extended(cluster, sql, secret=GOOD):
    """pgbench hands its variables over as parameters of the extended protocol."""
    script = os.path.join(cluster.folder, "script.sql")
    with open(script, "w", encoding="ascii") as file:
        file.write(sql + ";\n")
    subprocess.run([os.path.join(os.environ["DJUST_BIN"], "pgbench"), "-n", "-t", "1", "-M", "extended", "-D", "secret=" + secret,
                    "-f", script], env=cluster.environment("postgres"), capture_output=True, check=False)


def deadlock(cluster, db):
    """The server's report of a deadlock has the statements of both, also of one that did nothing to ours."""
    other = cluster.connect()
    db.begin()
    db.run("SELECT pg_advisory_xact_lock(1)")
    other.begin()
    other.run("UPDATE djust_auth.customer_user SET locale = 'de' WHERE email = 'ann@log.example'")
    login = later(attempt, db, f"SELECT djust_login('ann@log.example', '{OTHER}')")
    until_blocked(cluster.connect(), db.pid, other.pid)
    attempt(other, "SELECT pg_advisory_xact_lock(1)")
    login.result()
    for each in (db, other):
        each.rollback()


def masked():
    cluster = Cluster("logmask", *EVERYTHING)
    db = cluster.connect()
    db.run("CREATE EXTENSION djust_auth")
    db.run(f"SELECT djust_auth.create_user('ann@log.example', '{GOOD}')")
    tokens = db.one(f"SELECT djust_login('ann@log.example', '{GOOD}')")
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    secrets = [GOOD, OTHER, access, refresh]
    attempt(db, "SELECT djust_login(%s, %s)", "ann@log.example", GOOD)
    attempt(db, f"SELECT /* it's */ djust_login('a\\', '{GOOD}')")
    attempt(db, f"SELECT djust_login('ann@log.example', $secret${GOOD}$secret$)")
    attempt(db, f"SELECT djust_login('ann@log.example', '{GOOD}")
    attempt(db, f"SELECT djust_login('ann@log.example' '{GOOD}')")
    attempt(db, f"SELECT djust_no_such('{GOOD}')")
    attempt(db, f"SELECT djust_login('ann@log.example', '{GOOD}'), 1 / 0")
    attempt(db, "PREPARE enter AS SELECT djust_login($1, $2)")
    attempt(db, f"EXECUTE enter('ann@log.example', '{GOOD}')")
    attempt(db, f"EXECUTE no_such('ann@log.example', '{GOOD}')")
    attempt(db, f"DO $$ BEGIN PERFORM djust_login('ann@log.example', '{GOOD}'); PERFORM 1 / 0; END $$")
    attempt(db, f"SELECT djust_can('{access}', '/x', 'read'), djust_refresh('{refresh}')")
    attempt(db, f"SELECT djust_can('{access}', '/x', 'no such access')")
    attempt(db, f"SELECT djust_end_session('x', '{access}')")
    attempt(db, f"SELECT djust_login('ann@log.example', '{GOOD}'::integer::text)")
    attempt(db, f"SELECT djust_login('ann@log.example', '{GOOD}'::json ->> 'x')")
    attempt(db, f"SELECT djust_auth.set_password(id, '{OTHER}') FROM djust_auth.customer_user")
    attempt(db, f"INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('x@log.example', '{OTHER}')")
    attempt(db, f"INSERT INTO djust_auth.customer_user (email, password_hash, locale) VALUES ('x@log.example', '{OTHER}', '!!')")
    attempt(db, f"INSERT INTO djust_auth.customer_user (email, password_hash) VALUES (NULL, '{OTHER}')")
    db.run("SET debug_print_parse = on; SET debug_pretty_print = off")
    attempt(db, f"SELECT djust_login('ann@log.example', '{GOOD}')")
    db.run("RESET debug_print_parse")
    deadlock(cluster, db)
    extended(cluster, "SELECT djust_login('ann@log.example', :secret)")
    extended(cluster, "SELECT djust_login('ann@log.example', :secret), 1 / 0")
    extended(cluster, "SELECT set_config('request.headers', :secret, true)", secret=access)
    extended(cluster, "SELECT length(:secret || 'something else')", secret="no secret of ours")
    db.run("SELECT 'a statement of others'")
    attempt(db, "SELECT 'wrong type'::integer")
    log = cluster.log()
    for words in ("something else", "no secret of ours", "a statement of others", "wrong type"):
        ok(words in log, f"what does not concern us stays whole: {words}")
    ok("djust_login" in log and "division by zero" in log, "calls and errors are in the log")
    ok("execute" in log and "parameters" in log, "so are calls by the extended protocol")
    ok("deadlock detected" in log, "a deadlock is in the log")
    ok("parse tree" in log, "so is a parse tree")
    for name, text in (("a password", GOOD), ("a new password", OTHER)):
        ok(" ".join(str(byte) for byte in text.encode()) not in " ".join(log.split()), name + " byte by byte is not")
    for name, secret in zip(("a password", "a new password", "an access token", "a refresh token"), secrets):
        lines = [line for line in log.split("\n") if secret in line]
        ok(not lines, name + " is not", lines[:3])


def quoted():
    """Errors of any class that quote what was typed: neither the log nor the client's message repeats it."""
    cluster = Cluster("logmask_quoted", *EVERYTHING)
    db = cluster.connect()
    db.run("CREATE EXTENSION djust_auth")
    db.run("PREPARE enter AS SELECT djust_login($1, $2)")
    db.run("PREPARE end_it AS SELECT djust_end_session($1, $2)")
    other = psycopg.connect(host=cluster.host, port=cluster.port, user="postgres", dbname="postgres", autocommit=True)
    for n, statement in enumerate(QUOTING):
        attempt(db, statement.replace("{}", f"Qecret-{n:02}-Marker"))
        attempt(db, "ROLLBACK")
    bound(other, "SELECT djust_can('/orders', 'read', %s)", "Qecret-80-Marker")
    bound(other, "SELECT djust_end_session(%s, %s)", "x", "Qecret-81-Marker")
    bound(other, "SELECT djust_login(%s, %s::integer::text)", "x", "Qecret-82-Marker")
    fast_path(cluster, "Qecret-83-Marker")
    with other.cursor() as cursor:
        try:
            with cursor.copy("COPY djust_auth.customer_user (email, password_hash) FROM STDIN") as copy:
                copy.write("x@log.example\tQecret-84-Marker\n")
        except psycopg.Error:
            pass
        try:
            with cursor.copy("COPY djust_auth.password_blocklist FROM STDIN") as copy:
                copy.write("Qecret-85-Marker\tmore\n")
        except psycopg.Error:
            pass
    log = cluster.log()
    leaks = [line for line in log.split("\n") if "qecret" in line.lower()]
    leaked = sorted({int(number) for line in leaks for number in re.findall(r"(?i)qecret-(\d\d)", line)})
    ok(not leaks, f"{len(QUOTING) + 6} statements, no secret in the log",
       [(QUOTING[n] if n < len(QUOTING) else n, [line for line in leaks if f"-{n:02}-" in line][:2]) for n in leaked] or leaks[:3])
    ok(log.count("ERROR: ") >= len(QUOTING) - 3, "and their errors are there", log.count("ERROR: "))


def fast_path(cluster, secret):
    """The server's words about a value of the wrong type, in a call without a statement."""
    oid = cluster.connect().one("SELECT 'djust_end_session'::regproc::oid::bigint")
    wire = socket.socket(socket.AF_UNIX)
    wire.connect(os.path.join(cluster.host, ".s.PGSQL." + cluster.port))
    startup = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0\0"
    wire.sendall(struct.pack("!i", len(startup) + 4) + startup)
    text = secret.encode()
    call = struct.pack("!IhhH", oid, 1, 0, 2) + 2 * (struct.pack("!i", len(text)) + text) + struct.pack("!h", 0)
    wire.sendall(b"F" + struct.pack("!i", len(call) + 4) + call + b"X" + struct.pack("!i", 4))
    answer = b"".join(iter(lambda: wire.recv(4096), b""))
    ok(b"C22P02" in answer, "a call by the fast path ends in an error", answer)


def audited():
    """pgaudit with parameters and auto_explain, loaded before and after this library."""
    for order in ("pgaudit, djust_auth, auto_explain", "auto_explain, djust_auth, pgaudit"):
        cluster = Cluster("logmask_" + order.split(",", maxsplit=1)[0], f"shared_preload_libraries = '{order}'", *AUDIT)
        db = cluster.connect()
        db.run("CREATE EXTENSION pgaudit; CREATE EXTENSION djust_auth")
        db.run(f"SELECT djust_auth.create_user('ann@log.example', '{GOOD}')")
        other = psycopg.connect(host=cluster.host, port=cluster.port, user="postgres", dbname="postgres", autocommit=True,
                                prepare_threshold=1)
        tokens = other.execute("SELECT djust_login(%s, %s)", ("ann@log.example", GOOD)).fetchone()[0]
        access, refresh = tokens["access_token"], tokens["refresh_token"]
        for _ in range(3):
            bound(other, "SELECT djust_can(%s, '/x', 'read')", access)
            bound(other, "SELECT djust_introspect(%s)", access)
        bound(other, "SELECT djust_refresh(%s)", refresh)
        bound(other, "SELECT djust_logout(%s)", access)
        bound(other, "SELECT set_config('request.headers', %s, true)", f'{{"authorization": "Bearer {access}"}}')
        other.execute("SET pgaudit.log_statement = off")
        bound(other, "SELECT djust_logout(%s)", access)
        other.execute("SET pgaudit.log_statement = on; SET pgaudit.log_level = notice; SET log_min_messages = notice")
        bound(other, "SELECT djust_logout(%s)", access)
        other.execute("RESET ALL")
        bound(other, "SELECT length(%s || 'x')", "nothing of ours")
        db.run("PREPARE enter AS SELECT djust_login($1, $2)")
        db.run(f"EXECUTE enter('ann@log.example', '{GOOD}')")
        db.run("PREPARE out AS SELECT djust_logout($1)")
        db.run(f"EXECUTE out('{access}')")
        db.run(f"DO $$ DECLARE t text := '{GOOD}'; BEGIN PERFORM djust_login('ann@log.example', t); END $$")
        db.run("CREATE FUNCTION enter(secret text) RETURNS json LANGUAGE plpgsql AS "
               "$$ BEGIN RETURN djust_login('ann@log.example', secret); END $$")
        db.run(f"BEGIN; DECLARE c CURSOR FOR SELECT djust_login('ann@log.example', '{GOOD}'); FETCH c; COMMIT")
        attempt(db, f'SELECT djust_login("ann@log.example", "{GOOD}")')
        log = cluster.log()
        ok("AUDIT: SESSION" in log and "nothing of ours" in log, f"{order}: the audit is in the log")
        ok(re.search(r"AUDIT: SESSION,\d+,\d+,FUNCTION,EXECUTE,FUNCTION,public.djust_logout,\*\*\*", log) is not None,
           f"{order}: so is that a call was made")
        for name, secret in (("a password", GOOD), ("an access token", access), ("a refresh token", refresh)):
            lines = [line for line in log.split("\n") if secret in line]
            ok(not lines, f"{order}: {name} is not", lines[:3])


def sweep():
    """Every function that takes a secret, called without its schema: a new one must be known to the mask."""
    cluster = Cluster("logmask_sweep", *EVERYTHING)
    db = cluster.connect()
    db.run("CREATE EXTENSION djust_auth")
    functions = db.all("""SELECT p.proname, p.proargnames[1:p.pronargs], ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes::oid[]) t)
        FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'djust_auth'
        WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND p.prorettype <> 'trigger'::regtype""")
    db.run("SET search_path = public, djust_auth")  # not in one text with a call: its name would mask that
    tried = 0
    for name, names, types in functions:
        for i, argument in enumerate(names or []):
            if re.search("password|token|secret|reason|hash", argument) and "type_hint" not in argument:
                values = ["'Sweep-4-Marker'" if j == i else "NULL::" + types[j] for j in range(len(names))]
                tried += 1
                attempt(db, f"SELECT {name}({', '.join(values)})")
    lines = shown("Sweep-4-Marker", cluster.log().replace("sweep()", ""))
    ok(tried > 20 and not lines, f"{tried} secret arguments of all functions are not in the log", lines[:5])


def mistyped():
    """What an administrator mistypes and is no secret is shown to them, and to the log."""
    cluster = Cluster("logmask_mistyped", *EVERYTHING)
    db = cluster.connect()
    db.run("CREATE EXTENSION djust_auth")
    db.run("SELECT djust_auth.create_profile('buyer')")
    for statement, sqlstate, word in (
            ("SELECT djust_auth.set_right('buyer', '/x', 'rw')", "22P02", 'access_right: "rw"'),
            ("INSERT INTO djust_auth.profile_right VALUES ('buyer', '/x', 'rw')", "22P02", 'access_right: "rw"'),
            ("SELECT djust_auth.set_right('bayer', '/x', 'read')", "P0002", '"bayer"'),
            ("INSERT INTO djust_auth.profile_right VALUES ('bayer', '/x', 'read')", "23503", "(bayer)"),
            ("SELECT djust_auth.grant_api('shopp')", "42704", '"shopp"'),
            ("ALTER SYSTEM SET djust_auth.reset_url = 'ftp://shop.example/{token}'", "22023", "ftp://shop.example/{token}"),
            ("ALTER SYSTEM SET djust_auth.access_token_lifetime = 'ten minutes'", "22023", "ten minutes"),
            ("SET djust_auth.reset_ulr = 'x'", "42602", "djust_auth.reset_ulr"),
            ("SELECT * FROM djust_auth.profiles", "42P01", '"djust_auth.profiles"'),
            ("SELECT djust_auth.set_rights('buyer', '/x', 'read')", "42883", "djust_auth.set_rights("),
            ("DO $$ BEGIN PERFORM djust_jwks(); RAISE EXCEPTION 'closed on Sundays'; END $$", "P0001", "closed on Sundays")):
        fails(sqlstate, lambda s=statement: db.run(s), statement, re.escape(word))
        ok(word in cluster.log(), f"{word} is in the log")
    fails("22023", lambda: db.run("SELECT djust_can('/orders', 'read', 'eyJ')"), "an unknown access word: the known ones are named",
          "Use read, write, or one of GET")
    comments_and_names(cluster, db)
    db.run("CREATE TABLE others (i integer)")
    for statement, word in (("GRANT EXECUTE ON FUNCTION nosuch() TO PUBLIC", "nosuch()"),
                            ("CREATE TRIGGER t BEFORE INSERT ON nosuch_table EXECUTE FUNCTION f()", "nosuch_table"),
                            ("SELECT nosuch_column FROM others FETCH FIRST 1 ROW ONLY", "nosuch_column")):
        attempt(db, statement)
        ok(f'"{word}"' in cluster.log() or f" {word} " in cluster.log(), f"not of ours: {word} is in the log")


def comments_and_names(cluster, db):
    """What stands in statements that hold nothing but names; a second statement, or a trigger's code, stays masked."""
    for statement, sqlstate, word in (
            ("CREATE EXTENSION djust_auth", "42710", 'extension "djust_auth" already exists'),
            ("  create  extension djust_auth ;\n", "42710", 'extension "djust_auth" already exists'),
            ("ALTER EXTENSION djust_auth UPDATE TO '9.9'", "22023",
             'extension "djust_auth" has no update path from version "1.1" to version "9.9"'),
            ("CREATE EXTENSION djust_auth VERSION '9.8'", "42710", 'extension "djust_auth" already exists'),
            ("DROP TABLE djust_auth.session", "2BP01", "cannot drop table djust_auth.session because extension djust_auth requires it"),
            ("DROP FUNCTION djust_jwks()", "2BP01", "cannot drop function djust_jwks() because"),
            ("DROP TABLE djust_auth.sesion", "42P01", 'table "sesion" does not exist'),
            ("DROP SCHEMA djust_auth RESTRICT", "2BP01", "cannot drop schema djust_auth because"),
            ("DROP VIEW djust_auth.session", "42809", '"session" is not a view')):
        fails(sqlstate, lambda s=statement: db.run(s), statement, re.escape(word))
        ok(word in cluster.log(), f"{word} is in the log")
    db.run("CREATE DATABASE left_over")
    other = cluster.connect(dbname="left_over")
    other.run("CREATE SCHEMA djust_auth")
    fails("42P06", lambda: other.run("CREATE EXTENSION djust_auth"), "a schema is in the way", 'schema "djust_auth" already exists')
    for statement in (
            "DROP TABLE djust_auth.session; SELECT djust_login('x', \"Names-4-Marker\")",
            "CREATE EXTENSION IF NOT EXISTS djust_auth; SELECT djust_login('x', \"Names-4-Marker\")",
            "DROP TABLE IF EXISTS none; SELECT djust_login('x', 'Names-4-Marker'::uuid::text)",
            "DROP FUNCTION djust_login('Names-4-Marker')",
            "DROPS djust_login('x', \"Names-4-Marker\")",
            "CREATE EXTENSIONS djust_login('x', \"Names-4-Marker\")",
            "CALL djust_login('x', 'Names-4-Marker')",
            "/* Names-4-Marker */ SELECT djust_login('x', 'y')",
            "-- Names-4-Marker\nSELECT djust_login('x', 'y')",
            "SELECT /* Names-4-Marker */ djust_login('x', 'y')",
            "SELECT djust_jwks() -- Names-4-Marker",
            "/* Names-4-Marker */ EXECUTE enter('x', 'y')",
            "ALTER SYSTEM SET djust_auth.smtp_url = 'smtp://names:Names-4-Marker@mail.example:25'",
            "ALTER SYSTEM SET djust_auth.smtp_url = 'Names-4-Marker@mail.example:25'",
            "ALTER SYSTEM SET djust_auth.smtp_url = 'smtp://n:Names-4-Marker@b@mail.example:25'",
            "ALTER SYSTEM SET djust_auth.reset_url = 'https://names:Names-4-Marker@shop.example/{token}'"):
        attempt(db, statement)
    db.run("CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS "
           "$$ BEGIN PERFORM djust_login('x', 'Names-4-Marker'::uuid::text); END $$")
    db.run("CREATE EVENT TRIGGER watch ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION watch()")
    attempt(db, "DROP TABLE djust_auth.session")
    db.run("DROP EVENT TRIGGER watch")
    cluster.configure("djust_auth.smtp_url = 'smtp://names:Names-4-Marker@mail.example:26'")
    db.run("SELECT pg_reload_conf()")
    until(lambda: '"smtp://***@mail.example:26"' in cluster.log(), "a refused setting of a file is in the log, without the password")
    for word in ('"smtp://***@mail.example:25"', '"***@mail.example:25"', '"https://***@shop.example/{token}"'):
        ok(word in cluster.log(), f"{word} is in the log")
    lines = shown("Names-4-Marker", cluster.log())
    ok(not lines, "no secret in comments, second statements, triggers and settings is in the log", lines[:5])


def error_context(db):
    return db.one("SELECT total_bytes FROM pg_backend_memory_contexts WHERE name = 'ErrorContext'")


def memory():
    """A backend does not grow by what is logged of it."""
    cluster = Cluster("logmask_memory", "log_min_duration_statement = 0", "log_statement = 'all'")
    db = cluster.connect()
    db.run("CREATE EXTENSION djust_auth")
    other = psycopg.connect(host=cluster.host, port=cluster.port, user="postgres", dbname="postgres", autocommit=True)

    def calls(n):
        for _ in range(n):
            other.execute("SELECT djust_can(%s, %s, %s)", ("x" * 700, "/orders", "read"))
        return other.execute("SELECT total_bytes FROM pg_backend_memory_contexts WHERE name = 'ErrorContext'").fetchone()[0]

    before = calls(20)
    equal(calls(6000), before, "6,000 calls, the context of errors as large as before")
    with open(os.path.join(cluster.folder, "log"), "r+", encoding="ascii") as file:
        file.truncate(0)


main(masked, quoted, audited, sweep, mistyped, memory)
