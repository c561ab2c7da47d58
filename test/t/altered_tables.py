"""
Careless administrators: each column of each table is made nullable, dropped, or given another type, and tables, views and indexes are
replaced by others; then every function is called.  Each call must return an answer or an error that names the cause; the server must stay
up, and no call may give access that it did not give before.

ALTERED=all: each column gets all of the other types, and every function is called.  Else the columns get two of the types in turn, and
each case has every second function, the next case the others.
"""

import os

import psycopg2

from support import GOOD, OTHER, WRONG, Db, equal, fails, main, note, ok, shop, until

ALL = os.environ.get("ALTERED") == "all"
TYPES = 5 if ALL else 2

db = Db()
shop(db)
db.run("INSERT INTO djust_auth.mail_template VALUES ('reset', '', 'Reset', '{link}', '<p>{link}</p>'), ('password_changed', '', 'Changed', '-', '-')")
db.run("INSERT INTO djust_auth.password_blocklist VALUES ('Pansies-9-Ann')")
ann = db.create_user("ann@altered.example", GOOD, ["customer"])
link = db.reset_link("ann@altered.example")
gone = db.login("ann@altered.example")
db.logout(gone["access_token"])
# the calls take longer than its usual life where everything is logged
db.setting("access_token_lifetime", "1h")
old = db.login("ann@altered.example")
live = db.login("ann@altered.example")
db.run("SELECT djust_reset_request('ann@altered.example')")
mail = db.one("SELECT max(id) FROM djust_auth.mail_queue WHERE attempts = 0")
db.run("INSERT INTO djust_auth.throttle_lock SELECT sha256(id::text::bytea), 20, now() + interval '1 minute', now(), id "
       "FROM (VALUES (gen_random_uuid()), (%s)) AS owner (id)", ann)

# Answers that must not be given, whatever an administrator does
NEVER = {
    "SELECT djust_can(%(dead)s, '/orders', 'read')": True,
    "SELECT djust_can(%(access)s, '/other', 'read')": True,
    "SELECT djust_introspect(%(dead)s) ->> 'active'": "true",
    "SELECT (djust_refresh(%(dead_refresh)s) ->> 'access_token') IS NOT NULL": True,
    "SELECT (djust_refresh(%(reused)s) ->> 'access_token') IS NOT NULL": True,
    "SELECT (djust_login('ann@altered.example', %(wrong)s) ->> 'access_token') IS NOT NULL": True,
    "SELECT (djust_login('eve@altered.example', %(good)s) ->> 'access_token') IS NOT NULL": True,
    "SELECT djust_reset_confirm('djp_AAAA', %(other)s) ->> 'status'": "password_updated",
}
CHEAP = [
    "SELECT djust_can(%(access)s, '/orders', 'read')", "SELECT djust_can(NULL, '/orders', 'read')", "SELECT djust_sessions(%(access)s)",
    "SELECT djust_introspect(%(access)s)", "SELECT djust_introspect(%(refresh)s, 'refresh_token')", "SELECT djust_refresh(%(refresh)s)", "SELECT djust_refresh(%(reused)s)",
    "SELECT djust_logout(%(access)s)", "SELECT djust_end_session(%(access)s)", "SELECT djust_jwks()", "SELECT djust_request_user()",
    "SELECT djust_request_can('/orders', 'read')", "SELECT djust_pre_request()", "SELECT djust_reset_request('ann@altered.example')",
    "SELECT djust_reset_page(%(link)s)", "SELECT djust_sign_up_page()", "SELECT djust_confirm_page('djc_x', 'yes')", "SELECT djust_auth.create_user('bob@altered.example')",
    "SELECT djust_auth.export_user(%(id)s)", "SELECT djust_auth.disable_user(%(id)s)", "SELECT djust_auth.enable_user(%(id)s)", "SELECT djust_auth.delete_user(%(id)s)",
    "SELECT djust_auth.change_email(%(id)s, 'new@altered.example')", "SELECT djust_auth.unlock_user(%(id)s)",
    "SELECT djust_auth.end_sessions(%(id)s)", "SELECT djust_auth.end_all_sessions()", "SELECT djust_auth.open_session(%(id)s)", "SELECT djust_auth.check_password('Pansies-9-Ann')",
    "SELECT djust_auth.create_profile('other')", "SELECT djust_auth.drop_profile('customer')",
    "SELECT djust_auth.add_profile(%(id)s, 'anonymous')", "SELECT djust_auth.remove_profile(%(id)s, 'customer')",
    "SELECT djust_auth.set_right('customer', '/orders', 'write')", "SELECT djust_auth.explain(%(id)s, '/orders', 'read')",
    "SELECT djust_auth.profile_access('customer', '/orders')", "SELECT * FROM djust_auth.claim_mail()",
    "SELECT djust_auth.mail_sent(%(mail)s)", "SELECT djust_auth.mail_failed(%(mail)s, 'no')", "SELECT djust_auth.mail_rejected(%(mail)s, 'no')",
    "SELECT djust_auth.mail_due()", "SELECT djust_auth.purge()", "SELECT djust_auth.rotate_signing_key()", "SELECT djust_auth.hs256_key()",
    "SELECT djust_auth.grant_api('pg_monitor')", "SELECT djust_auth.postgrest_config()", "SELECT djust_auth.stats()",
    "SELECT * FROM djust_auth.effective_right", "SELECT * FROM djust_auth.active_session",
    "INSERT INTO djust_auth.customer_user (email) VALUES ('carl@altered.example')",
    "UPDATE djust_auth.customer_user SET disabled_at = now()", "DELETE FROM djust_auth.customer_user", "DELETE FROM djust_auth.session",
    "UPDATE djust_auth.profile SET name = name || '2' WHERE name <> 'anonymous'", "DELETE FROM djust_auth.profile WHERE name <> 'anonymous'",
    "INSERT INTO djust_auth.user_profile SELECT id, 'anonymous' FROM djust_auth.customer_user", "DELETE FROM djust_auth.user_profile",
    "TRUNCATE djust_auth.user_profile", "UPDATE djust_auth.profile_right SET access = 'none'", "DELETE FROM djust_auth.signing_key",
    "UPDATE djust_auth.key_file SET check_value = sha256('other'); SELECT djust_auth.accept_key_file()", "SELECT djust_auth.after_restore()",
]
COSTLY = [
    "SELECT djust_login('ann@altered.example', %(good)s)", "SELECT djust_token('password', 'ann@altered.example', %(good)s)",
    "SELECT djust_change_password(%(access)s, %(good)s, %(other)s)", "SELECT djust_reset_confirm(%(link)s, %(other)s)",
    "SELECT djust_auth.set_password(%(id)s, %(other)s)", "SELECT djust_auth.import_user('dora@altered.example', '$2b$10$' || repeat('a', 53))",
]
VALUES = {"access": live["access_token"], "refresh": live["refresh_token"], "dead": gone["access_token"], "dead_refresh": gone["refresh_token"],
          "old": old["access_token"], "reused": None, "link": link, "id": ann, "mail": mail, "good": GOOD, "other": OTHER, "wrong": WRONG}
# Tables that a function with a hash reads
HASHING = ("customer_user", "user_profile", "session", "reset_token", "mail_queue", "signing_key", "throttle_lock", "audit_event")

cases = calls = 0
internal = {}


def call(sql):
    """The answer, or None for an error; each leaves things as they were."""
    global calls
    calls += 1
    try:
        db.cursor.execute(sql, VALUES)
        answer = db.cursor.fetchone() if db.cursor.description else None
        answer = answer and answer[0]
    except psycopg2.Error as error:
        if db.raw.closed:
            raise Crash(sql) from error
        answer = None
        if error.pgcode == "XX000" and "column is not in index" not in str(error):
            internal.setdefault(str(error).split("\n", maxsplit=1)[0], sql)
    db.run("ROLLBACK TO called")
    return answer


class Crash(Exception):
    """The connection is gone."""


CHECKPOINTER = "SELECT backend_start FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
life = db.one(CHECKPOINTER)


def connect_again():
    """When the server has begun another life."""
    global db, life

    def reborn():
        global db
        try:
            db = Db()
            return db.one(CHECKPOINTER) not in (None, life)
        except psycopg2.Error:
            return False
    until(reborn, "the server")
    life = db.one(CHECKPOINTER)


def judge(name, changes, costly):
    try:
        judge_alive(name, changes, costly)
    except Crash as crash:
        ok(False, f"{name}: the server crashes", crash)
        connect_again()


def judge_alive(name, changes, costly):
    """All calls after these changes, which are then undone; changes that the server refuses are no case."""
    global cases
    cases += 1
    db.run("SELECT djust_auth.unlock_user(%s)", ann)  # wrong passwords count, rolled back or not
    if name.startswith("session"):  # what ends by reuse ends for ever: each case needs one of its own
        VALUES["reused"] = db.one("SELECT djust_auth.open_session(%s)", ann)["refresh_token"]
        db.refresh(db.refresh(VALUES["reused"])["refresh_token"])
    db.begin()
    try:
        db.run("SET LOCAL client_min_messages = error")
        for change in changes:
            db.run(change)
    except psycopg2.Error as error:
        if db.raw.closed:
            raise Crash(changes) from error
        db.rollback()
        return
    db.run("SAVEPOINT called")
    given = [sql for sql, answer in NEVER.items() if (costly or "login" not in sql) and call(sql) == answer]
    for sql in (CHEAP if ALL else CHEAP[cases % 2::2]) + (COSTLY if costly else []):
        call(sql)
    db.rollback()
    ok(not given, name, given)


def columns():
    return db.all("""SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, a.attnum""")


def free(table):
    """Primary keys become unique indexes of the same names, so that their columns may be null; keys to the table go."""
    changes = ["SET CONSTRAINTS ALL IMMEDIATE"]
    for constraint, definition in db.all("""SELECT k.conname, pg_get_indexdef(k.conindid) FROM pg_constraint k
            WHERE k.conrelid = ('djust_auth.' || %s)::regclass AND k.contype = 'p'""", table):
        changes += [f"ALTER TABLE djust_auth.{table} DROP CONSTRAINT {constraint} CASCADE", definition]
    return changes


def nulls():
    for table, column, _, not_null in columns():
        changes = [*free(table), f"ALTER TABLE djust_auth.{table} ALTER COLUMN {column} DROP NOT NULL", f"ALTER TABLE djust_auth.{table} DISABLE TRIGGER USER",
                   f"UPDATE djust_auth.{table} SET {column} = NULL", f"ALTER TABLE djust_auth.{table} ENABLE TRIGGER USER"]
        if column in ("id",) and table == "mail_queue":
            changes.insert(1, "ALTER TABLE djust_auth.mail_queue ALTER COLUMN id DROP IDENTITY")
        judge(f"{table}.{column} is null", changes, not_null and table in HASHING)


def dropped():
    for table, column, _, _ in columns():
        judge(f"{table}.{column} is dropped", [f"ALTER TABLE djust_auth.{table} DROP COLUMN {column} CASCADE"], table in HASHING)


OTHER_TYPES = {"integer": "7", "bigint": "65536", "text": "''", "uuid": "gen_random_uuid()", "bytea": "'x'"}


def retyped():
    """The table is made anew with a column of another type, and the indexes under their names, where they can be."""
    every = columns()
    for n, (table, column, kind, _) in enumerate(every):
        names = [name for other_table, name, _, _ in every if other_table == table]
        indexes = db.all("SELECT i.relname, pg_get_indexdef(i.oid) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
                         "WHERE x.indrelid = ('djust_auth.' || %s)::regclass", table)
        others = [other for other in OTHER_TYPES if other != kind]
        for other in {others[(n * TYPES + i) % len(others)] for i in range(TYPES)}:
            select = ", ".join(f"{OTHER_TYPES[other]}::{other} AS {name}" if name == column else name for name in names)
            judge(f"{table}.{column} is {other}", [
                f"ALTER TABLE djust_auth.{table} RENAME TO kept", f"CREATE TABLE djust_auth.{table} AS SELECT {select} FROM djust_auth.kept",
                *[f"ALTER INDEX djust_auth.{name} RENAME TO kept_{i}" for i, (name, _) in enumerate(indexes)],
                *[definition for _, definition in indexes]], False)


def swapped():
    """Something else under the name of a table or of its index."""
    for table, in db.all("SELECT relname FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'r' ORDER BY 1"):
        away = f"ALTER TABLE djust_auth.{table} RENAME TO kept"
        for name, change in {
                "a view": f"CREATE VIEW djust_auth.{table} AS SELECT * FROM djust_auth.kept",
                "a materialized view": f"CREATE MATERIALIZED VIEW djust_auth.{table} AS SELECT * FROM djust_auth.kept",
                "a partitioned table": f"CREATE TABLE djust_auth.{table} (LIKE djust_auth.kept) PARTITION BY LIST ((1))",
                "an empty copy": f"CREATE TABLE djust_auth.{table} (LIKE djust_auth.kept)",
                "a sequence": f"CREATE SEQUENCE djust_auth.{table}",
                "a type": f"CREATE TYPE djust_auth.{table} AS (a integer)",
                "nothing": "SELECT 1"}.items():
            judge(f"{table}: {name}", [away, change], False)
    pairs = db.all("""SELECT i.relname, j.relname FROM pg_class i, pg_class j
        WHERE i.relnamespace = 'djust_auth'::regnamespace AND j.relnamespace = i.relnamespace AND i.relkind = 'i' AND j.relkind = 'i'
            AND i.relname = 'session_pkey' AND j.relname <> i.relname""")
    for one, another in pairs:
        judge(f"{one} and {another} exchange their names", [f"ALTER INDEX djust_auth.{one} RENAME TO kept", f"ALTER INDEX djust_auth.{another} RENAME TO {one}",
                                                           f"ALTER INDEX djust_auth.kept RENAME TO {another}"], False)


def list_of_ended():
    """One that is no table is not taken for an empty one."""
    db.begin()
    db.run("ALTER TABLE djust_auth.session_ended RENAME TO kept; CREATE VIEW djust_auth.session_ended AS SELECT * FROM djust_auth.kept")
    fails("55000", lambda: db.run("SELECT djust_auth.purge()"), "purge() refuses a view in place of session_ended", 'session_ended" is not as the extension made it')
    db.rollback()


def clear_errors():
    """Not one of them is an internal error: all say what is wrong."""
    note(f"{calls} calls")
    equal(internal, {}, "no internal error")
    equal((db.can(live["access_token"]), db.can(gone["access_token"])), (True, False), "the server has gone on, and all is as it was")
    db.setting("access_token_lifetime", None)


main(nulls, dropped, retyped, swapped, list_of_ended, clear_errors)
