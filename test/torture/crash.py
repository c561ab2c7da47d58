"""
Crashes: what clients were told is held against the database after each (support/ledger.py).

By environment: CRASH_ROUNDS (7), CRASH_SECONDS of load in each at most (1).
"""

import os
import random

from support import SEED, Cluster, kill, main
from support.ledger import SETTINGS, Ledger

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "7"))
SECONDS = float(os.environ.get("CRASH_SECONDS", "1"))
KILLS = ["postmaster", "everything", "backend", "worker", "checkpointer", "walwriter", "stop"]

cluster = Cluster("crash_ledger", *SETTINGS)
ledger = Ledger(cluster)
dice = random.Random(SEED)


def strike(what):
    if what == "stop":
        cluster.stop("immediate")
    elif what == "everything":
        kill(cluster.postmaster(), *cluster.processes())
    elif what == "postmaster":
        kill(cluster.postmaster())
    elif what == "backend":
        kill(*[client.pid for client in ledger.clients if client.pid][:1])
    else:
        kill(*cluster.processes({"worker": "djust_auth worker"}.get(what, what)))


def crashes():
    ledger.open()
    for i in range(ROUNDS):
        what = KILLS[i % len(KILLS)]
        struck_at = ledger.under_load(SECONDS * (0.25 + 0.75 * dice.random()), lambda: strike(what))
        if what in ("stop", "everything", "postmaster"):
            cluster.start_again()
        ledger.check(struck_at, f"round {i + 1}, {what} killed")


main(crashes, ledger.sound, ledger.figures)
