"""
Failovers under load: the standby, which is synchronous, is promoted; the old primary is rewound and follows it.  What clients were
told is held against the new primary each time (support/ledger.py).

By environment: FAILOVER_ROUNDS (2), FAILOVER_SECONDS of load before each at most (2); LEDGER_FAULT=yes cuts the
standby off before the load.
"""

import os
import random
import shutil

from support import SEED, Cluster, main, setup, until
from support.ledger import FAULT, SETTINGS, Ledger

ROUNDS = int(os.environ.get("FAILOVER_ROUNDS", "2"))
SECONDS = float(os.environ.get("FAILOVER_SECONDS", "2"))

first = Cluster("failover_1", *SETTINGS, "wal_level = replica", "max_wal_senders = 4", "wal_log_hints = on", "wal_keep_size = 512MB")
ledger = Ledger(first)
dice = random.Random(SEED)


def is_synchronous(db):
    return db.one("SELECT sync_state FROM pg_stat_replication") == "sync"


def demand_synchrony(primary):
    """From now on a commit is acknowledged when the standby has it on disk."""
    db = primary.connect()
    if FAULT:
        standby = [each for each in pair if each is not primary][0].connect()
        standby.run("ALTER SYSTEM SET primary_conninfo = ''")
        standby.run("SELECT pg_reload_conf()")
        until(lambda: db.one("SELECT count(*) FROM pg_stat_replication") == 0, "the standby to be left behind")
        return
    db.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
    db.run("SELECT pg_reload_conf()")
    until(lambda: is_synchronous(db), "the standby to be synchronous")
    db.close()


def follow(old, new):
    """The old primary gives up what the new one does not have, and becomes its standby."""
    new.connect().run("CHECKPOINT")
    old.start_again()		# recovers; pg_rewind wants a clean end
    old.stop("fast")
    settings = os.path.join(old.folder, "postgresql.conf")
    shutil.copy(os.path.join(old.data, "postgresql.conf"), settings)
    setup("as_server", os.path.join(os.environ["DJUST_BIN"], "pg_rewind"), "-D", old.data, "-R",
          f"--source-server=host={new.host} port={new.port} user=postgres dbname=postgres")
    with open(settings, encoding="utf-8") as mine, open(os.path.join(old.data, "postgresql.conf"), "w", encoding="utf-8") as file:
        file.write(mine.read())
    old.ctl("start")


def failovers():
    ledger.open()
    primary, standby = pair
    for i in range(ROUNDS):
        demand_synchrony(primary)
        struck_at = ledger.under_load(SECONDS * (0.5 + 0.5 * dice.random()), lambda: primary.stop("immediate"))
        standby.connect().run("ALTER SYSTEM RESET synchronous_standby_names")
        standby.ctl("promote")
        ledger.server = standby
        ledger.check(struck_at, f"failover {i + 1}")
        follow(primary, standby)
        primary, standby = standby, primary


pair = (first, first.standby("failover_2"))
main(failovers, ledger.sound, ledger.figures)
