"""
What runs out or goes while clients work: connections, room for locks, memory, the key file, room on the disk.  Calls may be refused,
with an error of class 53 or 58, and of 55000 without the key file; what was acknowledged is there afterwards (support/ledger.py).

By environment: RESOURCES_SECONDS of load a part (2), RESOURCES_KEYS: ways in which the key file goes, of four (1).  The
disk is a small file system in memory, and memory is limited by a control group: both need root.
"""

import contextlib
import os
import random
import subprocess

import psycopg2

from support import SEED, WRONG, Cluster, kill, main, ok, skip, until, write_key
from support.ledger import SETTINGS, Ledger

SECONDS = float(os.environ.get("RESOURCES_SECONDS", "2"))
KEYS = int(os.environ.get("RESOURCES_KEYS", "1"))
CONNECTIONS = 20
MEMORY = 400 * 1024 * 1024
LIMITS = (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"))

cluster = Cluster("resources", *SETTINGS, f"max_connections = {CONNECTIONS}", "max_locks_per_transaction = 10", "autovacuum = off")
ledger = Ledger(cluster)
dice = random.Random(SEED)


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


def control_group():
    """With a limit of memory, of version 2 or 1; None where the machine gives none."""
    for root, limit in LIMITS:
        group = os.path.join(root, f"djust_auth_{os.getpid()}")
        with contextlib.suppress(OSError):
            os.mkdir(group)
            try:
                with open(os.path.join(group, limit), "r+", encoding="ascii") as file:
                    file.write(str(MEMORY))
                return group
            except OSError:
                os.rmdir(group)
    return None


def when_unused(*command):
    """Repeats what is refused while a process of the stopped server is there: pg_ctl does not wait until the last one is gone."""
    until(lambda: subprocess.run(command, check=False).returncode == 0, " ".join(command))


def memory():
    """A backend that wants more than the server's control group has is killed, and all others end with it."""
    group = control_group()
    if group is None:
        skip("memory is limited", "root may make no control group with a limit of memory here")
        return
    for pid in (cluster.postmaster(), *cluster.processes()):
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(pid))
    killed = []

    def strike():
        db = cluster.connect()
        try:
            db.run("SELECT length(repeat('x', 1000000000))")
        except psycopg2.Error:
            killed.append(db.pid)
        ledger.connected().close()

    struck_at = ledger.under_load(SECONDS, strike, goes_on=True)
    ok(killed and f"(PID {killed[0]}) was terminated by signal 9" in cluster.log(), "the backend was killed", cluster.log()[-500:])
    ledger.sabotage()
    ledger.check(struck_at, "the limit of memory was reached")
    cluster.stop("fast")
    when_unused("rmdir", group)
    cluster.ctl("start")


def refuses():
    """Whether the server has no key file that it knows."""
    try:
        with contextlib.closing(cluster.connect()) as db:
            db.login("nobody@ledger.example", WRONG)
        return False
    except psycopg2.Error as error:
        return error.pgcode == "55000"


def until_answered():
    before = ledger.acknowledged
    until(lambda: ledger.acknowledged > before + 50, "answers")


def key_file():
    """Gone, unreadable, cut short, another one: without a restart nothing ends; put back, all is answered again without one."""
    path = os.path.join(cluster.data, "djust_auth.key")
    with open(path, encoding="ascii") as file:
        good = file.read()
    harms = {"gone": lambda: os.remove(path), "unreadable": lambda: os.chmod(path, 0), "cut short": lambda: write_key(path, good[:40]),
             "another one": lambda: write_key(path, os.urandom(32).hex())}

    def strike():
        harms[name]()
        kill(*[client.pid for client in ledger.clients if client.pid][:1])
        until_answered()
        cluster.stop("immediate")
        cluster.start_again()
        until(refuses, "refusals")
        write_key(path, good)
        until_answered()

    ledger.refusal = "55000"
    for name in dice.sample(list(harms), KEYS):
        struck_at = ledger.under_load(SECONDS / 2, strike, goes_on=True)
        ledger.sabotage()
        ledger.check(struck_at, f"the key file was {name}")
    ledger.refusal = None


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
            until(lambda: ledger.cut_off > before, "calls that are refused, or the end of the server")

        before = ledger.cut_off
        struck_at = ledger.under_load(SECONDS, fill, goes_on=False)
        os.remove(ballast)
        cluster.stop("immediate")
        cluster.start_again()
        ledger.check(struck_at, "the disk was full")
        ledger.sound()
    finally:
        cluster.stop("immediate")
        when_unused("umount", small)


main(opened, connections, locks, memory, key_file, disk, ledger.figures)
