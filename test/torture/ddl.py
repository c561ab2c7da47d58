"""
An administrator's commands beside every verb: tables rewritten, reindexed, given columns and row security, read by logical
decoding, and written by a subscription to another server; in every other round the server is killed in the middle of one.  What
clients were told is held against the database afterwards (support/ledger.py), and what the other server has; no verb may have met an
error.

By environment: DDL_ROUNDS (2), DDL_COMMANDS a round (12).
"""

import os
import random

import psycopg2

from support import SEED, Cluster, kill, later, main, ok, until
from support.ledger import FAULT, SETTINGS, Ledger

ROUNDS = int(os.environ.get("DDL_ROUNDS", "2"))
COMMANDS = int(os.environ.get("DDL_COMMANDS", "12"))
TABLES = ["session", "session_ended", "customer_user", "user_profile", "profile_right", "profile", "reset_token", "mail_queue", "audit_event", "throttle_lock"]

cluster = Cluster("ddl", *SETTINGS, "wal_level = logical", "wal_retrieve_retry_interval = 100ms")
ledger = Ledger(cluster)
dice = random.Random(SEED)
origin = Cluster("ddl_source", "wal_level = logical")
source = origin.connect()
REPLICATED = """SELECT email, disabled_at IS NOT NULL, EXISTS (SELECT FROM djust_auth.user_profile WHERE user_id = id)
    FROM djust_auth.customer_user WHERE email LIKE '%@source.example'
    UNION ALL SELECT route || ' ' || access, NULL, NULL FROM djust_auth.profile_right WHERE profile = 'visitor'"""
# a concurrent command that was killed leaves an index that nothing uses
LEFT_BEHIND = """SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = 'djust_auth'::regnamespace AND (relname = 'extra' OR NOT indisvalid)"""


def subscribe(admin):
    """To users, their profiles and rights of another server."""
    source.run("CREATE EXTENSION djust_auth")
    source.run("SELECT djust_auth.create_profile('visitor')")
    source.run("""CREATE PUBLICATION users FOR TABLE djust_auth.customer_user, djust_auth.profile WHERE (name <> 'anonymous'),
        djust_auth.profile_right, djust_auth.user_profile""")
    admin.run(f"CREATE SUBSCRIPTION users CONNECTION 'host={origin.host} port={origin.port} user=postgres dbname=postgres' PUBLICATION users")


def change_source():
    user_id = source.one("SELECT djust_auth.create_user(gen_random_uuid() || '@source.example', profiles => '{visitor}')")
    source.run(dice.choice(["SELECT djust_auth.disable_user(%s)", "SELECT djust_auth.remove_profile(%s, 'visitor')", "SELECT djust_auth.enable_user(%s)"]), user_id)
    source.run("SELECT djust_auth.set_right('visitor', %s, %s)", f"/{dice.randrange(9)}", dice.choice(["none", "read", "write"]))


def check_replicated(admin, name):
    if FAULT:
        admin.run("DELETE FROM djust_auth.customer_user WHERE email = (SELECT min(email) FROM djust_auth.customer_user WHERE email LIKE '%@source.example')")
    sent = source.one("SELECT pg_current_wal_lsn()")
    until(lambda: source.one("SELECT confirmed_flush_lsn >= %s FROM pg_replication_slots WHERE slot_name = 'users'", sent), "the subscription")
    differing = set(source.all(REPLICATED)) ^ set(admin.all(REPLICATED))
    ledger.lost.extend(f"replicated: {row}" for row in differing)
    ok(not differing, f"{name}: users and rights of the other server are replicated", differing)


def commands():
    """In pairs: the second takes the first back."""
    table = f"djust_auth.{dice.choice(TABLES)}"
    return dice.choice([
        (f"VACUUM FULL {table}",),
        (f"VACUUM (FREEZE, INDEX_CLEANUP ON) {table}",),
        ("CLUSTER djust_auth.session USING session_pkey", "ALTER TABLE djust_auth.session SET WITHOUT CLUSTER"),
        (f"REINDEX TABLE CONCURRENTLY {table}",),
        (f"ALTER TABLE {table} ADD COLUMN extra int DEFAULT 5", f"ALTER TABLE {table} DROP COLUMN extra"),
        (f"ALTER TABLE {table} ADD COLUMN extra text, ADD CONSTRAINT extra CHECK (extra IS NULL)", f"ALTER TABLE {table} DROP COLUMN extra"),
        (f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
        (f"ALTER TABLE {table} SET (fillfactor = 50)", f"ALTER TABLE {table} RESET (fillfactor)"),
        (f"ALTER TABLE {table} REPLICA IDENTITY FULL", f"ALTER TABLE {table} REPLICA IDENTITY DEFAULT"),
        (f"ANALYZE {table}",),
        ("CREATE INDEX CONCURRENTLY extra ON djust_auth.session (user_id, refreshed_at)", "DROP INDEX CONCURRENTLY djust_auth.extra"),
        ("SELECT count(*) FROM pg_logical_slot_get_changes('ddl', NULL, NULL)",),
        ("CHECKPOINT",)])


def administer(admin, kill_in_the_middle):
    for i in range(COMMANDS):
        steps = commands()
        change_source()
        if kill_in_the_middle and i == COMMANDS - 1:
            cut = later(admin.run, steps[0])
            kill(cluster.postmaster(), *cluster.processes())
            try:
                cut.result(60)
            except psycopg2.Error:
                pass
            return
        for step in steps:
            admin.run(step)


def rounds():
    ledger.open()
    admin = cluster.connect()
    admin.run("SELECT pg_create_logical_replication_slot('ddl', 'test_decoding')")
    subscribe(admin)
    for i in range(ROUNDS):
        killed = i % 2 == 1
        struck_at = ledger.under_load(0.5, lambda: administer(admin, killed))
        if killed:
            cluster.start_again()
            admin = ledger.connected()
            for table in TABLES:
                admin.run(f"ALTER TABLE djust_auth.{table} DROP COLUMN IF EXISTS extra, DISABLE ROW LEVEL SECURITY")
            for (index,) in admin.all(LEFT_BEHIND):
                admin.run(f"DROP INDEX {index}")
        ledger.sabotage()
        name = f"round {i + 1}, {COMMANDS} commands{', then killed' if killed else ''}"
        ledger.check(struck_at, name)
        check_replicated(admin, name)


main(rounds, ledger.sound, ledger.figures)
