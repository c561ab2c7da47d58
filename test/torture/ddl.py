"""
An administrator's commands beside every verb: tables rewritten, reindexed, given columns and row security, read by logical
decoding; in every other round the server is killed in the middle of one.  What clients were told is held against the database
afterwards (support/ledger.py), and no verb may have met an error.

By environment: DDL_ROUNDS (2), DDL_COMMANDS a round (12), DDL_SEED.
"""

import os
import random

import psycopg2

from support import Cluster, kill, later, main
from support.ledger import SETTINGS, Ledger

ROUNDS = int(os.environ.get("DDL_ROUNDS", "2"))
COMMANDS = int(os.environ.get("DDL_COMMANDS", "12"))
SEED = int(os.environ.get("DDL_SEED", str(random.randrange(10 ** 6))))
TABLES = ["session", "session_ended", "customer_user", "user_profile", "profile_right", "profile", "reset_token", "mail_queue", "audit_event", "throttle_lock"]

cluster = Cluster("ddl", *SETTINGS, "wal_level = logical")
ledger = Ledger(cluster, SEED)
dice = random.Random(SEED)


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
    for i in range(ROUNDS):
        killed = i % 2 == 1
        struck_at = ledger.under_load(0.5, lambda: administer(admin, killed))
        if killed:
            cluster.start_again()
            admin = ledger.connected()
            for table in TABLES:
                admin.run(f"ALTER TABLE djust_auth.{table} DROP COLUMN IF EXISTS extra, DISABLE ROW LEVEL SECURITY")
            admin.run("DROP INDEX IF EXISTS djust_auth.extra")
        ledger.sabotage()
        ledger.check(struck_at, f"round {i + 1}, {COMMANDS} commands{', then killed' if killed else ''}")


main(rounds, ledger.sound, ledger.figures)
