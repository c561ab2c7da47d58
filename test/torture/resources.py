"""
What runs out while clients work: room on the disk, connections, room for locks, memory for a backend.  Calls may be refused, with
an error of class 53 or 58; what was acknowledged is there afterwards (support/ledger.py).

By environment: RESOURCES_SECONDS of load a part (2), RESOURCES_SEED.  The disk is a small file system in memory, which needs root.
"""

import contextlib
import os
import random
import subprocess

import psycopg2

from support import Cluster, main, ok, skip
from support.ledger import SETTINGS, Ledger

SECONDS = float(os.environ.get("RESOURCES_SECONDS", "2"))
SEED = int(os.environ.get("RESOURCES_SEED", str(random.randrange(10 ** 6))))
CONNECTIONS = 20

cluster = Cluster("resources", *SETTINGS, f"max_connections = {CONNECTIONS}", "max_locks_per_transaction = 10", "autovacuum = off")
ledger = Ledger(cluster, SEED)


def opened():
    ledger.open()
    struck_at = ledger.under_load(SECONDS, lambda: None)
    ledger.check(struck_at, "nothing ran out")


def connections():
    """All of them are taken; the worker, and those who have one, go on."""
    taken = []

    def strike():
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                taken.append(cluster.connect())
        for db in taken:
            db.close()

    struck_at = ledger.under_load(SECONDS, strike, goes_on=True)
    ok(len(taken) > 0, "every connection was taken", len(taken))
    ledger.sabotage()
    ledger.check(struck_at, "no connection was left")


def locks():
    """One transaction holds as many locks as the server has room for."""
    refused = []

    def strike():
        with contextlib.closing(cluster.connect()) as db:
            db.begin()
            try:
                for i in range(100000):
                    db.run("SELECT pg_advisory_xact_lock(%s)", i)
            except psycopg2.Error as error:
                refused.append(error.pgcode)
            with contextlib.closing(cluster.connect()) as other:
                other.begin()
                with contextlib.suppress(psycopg2.Error):
                    for i in range(100000):
                        other.run("SELECT pg_advisory_xact_lock(%s)", 1000000 + i)

    struck_at = ledger.under_load(SECONDS, strike, goes_on=True)
    ok("53200" in refused, "no lock was left", refused)
    ledger.check(struck_at, "no room for locks was left")


def disk():
    """To the last byte, the log of changes and the tables; then there is room again."""
    if os.getuid() != 0:
        skip("the disk is full", "a file system of its own needs root")
        return
    folder = os.path.join(os.environ["DJUST_TMP"], "resources")
    cluster.stop("fast")
    small = os.path.join(folder, "small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", small], check=True)
    try:
        subprocess.run(["cp", "-a", cluster.data, small], check=True)
        os.rename(cluster.data, cluster.data + ".before")
        os.symlink(os.path.join(small, "data"), cluster.data)
        cluster.ctl("start")
        ballast = os.path.join(small, "ballast")

        def fill():
            with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            with contextlib.suppress(psycopg2.Error), contextlib.closing(cluster.connect()) as db:
                db.run("SELECT pg_switch_wal()")
                db.run("CREATE TABLE more AS SELECT generate_series(1, 10000000)")

        before = ledger.cut_off
        struck_at = ledger.under_load(SECONDS, fill, goes_on=False)
        os.remove(ballast)
        ok(ledger.cut_off > before, "calls were refused, or the server went", ledger.cut_off - before)
        cluster.stop("immediate")
        cluster.start_again()
        ledger.check(struck_at, "the disk was full")
        ledger.sound()
    finally:
        cluster.stop("immediate")
        subprocess.run(["umount", small], check=True)


main(opened, connections, locks, disk, ledger.figures)
