"""Secrets in calls stay out of the server log, whatever is logged and however the call is made."""

import os
import subprocess

from support import GOOD, OTHER, Cluster, later, main, ok, until_blocked

EVERYTHING = ("log_statement = 'all'", "log_min_duration_statement = 0", "log_parameter_max_length_on_error = -1",
              "log_error_verbosity = verbose")


def attempt(db, sql, *values):
    try:
        db.run(sql, *values)
    except Exception:
        pass


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


main(masked)
