"""
pg_upgrade keeps everything, including live tokens, if the key file and the settings were copied first.

UPGRADE_FROM is the major of the old server; without it, both are the one under test.
"""

import glob
import os
import shutil

from support import GOOD, OTHER, WRONG, Cluster, equal, error_of, main, note, ok, setup, shop, until

SETTINGS = ("djust_auth.databases = 'shop'", "djust_auth.access_token_lifetime = 20min")
EMAIL = "ann@upgrade.example"
LOCKED = "eve@upgrade.example"
KEY_FILE = "djust_auth.key"
NOBODY = "no_such_role"  # a worker that starts while pg_upgrade is at work complains of it

NEW_BINARIES = os.environ["DJUST_BIN"]
if older := os.environ.get("UPGRADE_FROM"):
    os.environ["DJUST_BIN"] = setup("another_server", older).strip()
OLD_BINARIES = os.environ["DJUST_BIN"]

old = Cluster("upgrade_old", *SETTINGS)
old.connect().run("CREATE DATABASE shop")
old.restart()  # the worker waits no more for its database
db = old.connect("shop")
db.run("CREATE EXTENSION djust_auth")
shop(db)
db.create_user(EMAIL, GOOD, ["customer"])
note(f"from {db.one('SHOW server_version')}")
os.environ["DJUST_BIN"] = NEW_BINARIES
new = Cluster("upgrade_new", *SETTINGS)

ROWS = {table: f"SELECT t::text FROM djust_auth.{table} AS t ORDER BY 1"
        for table in ("customer_user", "profile", "user_profile", "profile_right", "session", "reset_token", "mail_queue", "mail_template",
                      "signing_key", "throttle_lock", "password_blocklist")}


def pg_upgrade(*options):
    words = [os.path.join(NEW_BINARIES, "pg_upgrade"), "-b", OLD_BINARIES, "-B", NEW_BINARIES, "-d", old.data, "-D", new.data, "-U", "postgres", *options]
    setup("as_server", "sh", "-c", 'cd "$0" && exec "$@" >pg_upgrade.log', new.folder, *words)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def move():
    """Answers what was there before."""
    for change in ("ADD COLUMN shoe_size integer", "DROP COLUMN shoe_size"):
        db.run("ALTER TABLE djust_auth.customer_user " + change)
    tokens, link = db.login(EMAIL), db.reset_link(EMAIL)
    db.run("INSERT INTO djust_auth.password_blocklist VALUES ('Password-1')")
    db.run("INSERT INTO djust_auth.mail_template VALUES ('reset', 'de', 'Neues Passwort', '{link}', '<p>{link}</p>')")
    for _ in range(12):
        db.login(LOCKED, WRONG)
    until(lambda: db.one("SELECT count(*) FROM djust_auth.throttle_lock") > 0, "a lock")
    db.until_written()
    rows = {table: db.all(sql) for table, sql in ROWS.items()}
    events = db.all("SELECT t::text FROM djust_auth.audit_event AS t ORDER BY 1")
    db.close()
    old.stop("fast")
    new.stop("fast")
    shutil.copy2(os.path.join(old.data, KEY_FILE), os.path.join(new.data, KEY_FILE))
    old.configure(f"djust_auth.worker_role = '{NOBODY}'")
    pg_upgrade("--retain")
    new.ctl("start")
    return tokens, link, rows, events


def upgrade():
    tokens, link, rows, events = move()
    copy = new.connect("shop")
    logs = glob.glob(os.path.join(new.data, "pg_upgrade_output.d", "*", "log", "*server*"))
    ok(logs and not any(NOBODY in read(path) for path in logs), "no worker writes while pg_upgrade is at work", logs)
    for table, before in rows.items():
        ok(before, f"{table} had rows")
        equal(copy.all(ROWS[table]), before, f"{table} is as it was")
    missing = set(events) - set(copy.all("SELECT t::text FROM djust_auth.audit_event AS t"))
    ok(len(events) > 3 and not missing, "so is the audit", missing)
    ok(copy.can(tokens["access_token"]), "an access token of before is good")
    fresh = copy.refresh(tokens["refresh_token"])
    ok(copy.can(fresh["access_token"]), "a session of before is refreshed")
    equal(error_of(copy.confirm(link, OTHER)), None, "a link of before still resets the password")
    equal((error_of(copy.login(EMAIL, OTHER)), copy.can(fresh["access_token"])), (None, False), "which counts")
    copy.login(LOCKED, WRONG)  # the time of the old lock may be over
    equal(error_of(copy.login(LOCKED, WRONG)), "too_many_attempts", "failures of before still count")
    copy.until_written()
    before = copy.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'")
    copy.begin()
    copy.login(EMAIL, WRONG)
    copy.rollback()
    copy.until_written()
    equal(copy.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'"), before + 1, "the worker works")


main(upgrade)
