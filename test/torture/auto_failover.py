"""
Failovers by Debian's pg_auto_failover under load, in the long form only: in turn one that is asked for, and one because the primary and
its keeper are killed.  What clients were told is held against the new primary each time (support/ledger.py).

By environment: AUTO_ROUNDS (0: none), AUTO_SECONDS of load before each at most (2); LEDGER_FAULT=yes lets the primary
acknowledge before the standby has it.
"""

import atexit
import contextlib
import glob
import os
import random
import shutil
import subprocess
import sys

import psycopg2

from support import SEED, SETUP, Cluster, Db, kill, main, program, setup, until
from support.ledger import FAULT, SETTINGS, Ledger

ROUNDS = int(os.environ.get("AUTO_ROUNDS", "0"))
SECONDS = float(os.environ.get("AUTO_SECONDS", "2"))
BIN, FOLDER = os.environ["DJUST_BIN"], os.path.join(os.environ["DJUST_TMP"], "auto")
PATIENCE_S = 180

if ROUNDS == 0:
    print("1..0 # SKIP failovers by pg_auto_failover are in the long form: AUTO_ROUNDS=4")
    sys.exit(0)


def install():
    """The packages; the private server gets their files."""
    major = program("pg_config", "--version").split()[1].split(".")[0]
    setup("need_packages", "pg-auto-failover-cli", f"postgresql-{major}-auto-failover")
    for part in (f"lib/postgresql/{major}/lib", f"share/postgresql/{major}/extension"):
        for path in glob.glob(f"/usr/{part}/pgautofailover*"):
            with contextlib.suppress(FileExistsError):
                os.symlink(path, os.path.join(os.environ["DJUST_TMP"], part, os.path.basename(path)))


def folder(path):
    os.makedirs(path, 0o700, exist_ok=True)
    if os.getuid() == 0:
        shutil.chown(path, "postgres")
    return path


class Node:
    """A server with its keeper, or the monitor."""

    def __init__(self, data, port):
        self.data, self.port, self.keeper = data, port, None
        atexit.register(self.kill)

    def autoctl(self, *words, wait=True):
        command = ["sh", SETUP, "as_server", "pg_autoctl", *words, "--pgdata", self.data]
        with open(os.path.join(FOLDER, f"{self.port}.log"), "a", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env={
                **{name: value for name, value in os.environ.items() if not name.startswith("PG")}, "PATH": BIN + ":" + os.environ["PATH"],
                "PGHOST": FOLDER, "PG_REGRESS_SOCK_DIR": FOLDER, "HOME": FOLDER, "XDG_CONFIG_HOME": FOLDER, "XDG_DATA_HOME": FOLDER, "XDG_RUNTIME_DIR": FOLDER})
        if wait and process.wait(PATIENCE_S):
            raise RuntimeError(f"pg_autoctl {words}: see {log.name}")
        return process

    def create(self, *words):
        self.autoctl("create", *words, "--pgctl", os.path.join(BIN, "pg_ctl"), "--pgport", self.port, "--hostname", "localhost", "--no-ssl")

    def run(self):
        self.keeper = self.autoctl("run", wait=False)

    def processes(self):
        """The server and its children."""
        with contextlib.suppress(FileNotFoundError), open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
            postmaster = int(file.readline())
            return [postmaster, *pgrep("-P", postmaster)]
        return []

    def kill(self):
        """The keeper's processes, and those of the server; some of these outlive a postmaster that goes with its keeper."""
        processes = self.processes()
        if self.keeper:
            kill(*pgrep("-g", self.keeper.pid))
            self.keeper.wait()
            self.keeper = None
        kill(*processes, *self.processes())


def pgrep(option, pid):
    return [int(found) for found in subprocess.run(["pgrep", option, str(pid)], stdout=subprocess.PIPE, text=True, check=False).stdout.split()]


class Service:
    """Where clients connect: whichever takes writes."""

    def connect(self):
        return Db(host="localhost,localhost", port=f"{nodes[0].port},{nodes[1].port}", user="postgres", dbname="postgres", target_session_attrs="read-write",
                  connect_timeout=5)


def states():
    """Of the nodes, by port, where what is reported is what is wanted."""
    with contextlib.suppress(psycopg2.OperationalError), contextlib.closing(Db(host=FOLDER, port=monitor.port, user="postgres", dbname="pg_auto_failover")) as db:
        return {str(port): state for port, state in db.all("SELECT nodeport, reportedstate::text FROM pgautofailover.node WHERE reportedstate = goalstate")}
    return None


def until_paired():
    until(lambda: sorted(states().values()) == ["primary", "secondary"], "primary and standby", PATIENCE_S)


def begin():
    """A cluster of the tests becomes the first node; the standby is made from it."""
    first.stop("fast")
    monitor.create("monitor", "--auth", "trust")
    monitor.run()
    until(lambda: states() is not None, "the monitor", PATIENCE_S)
    uri = f"postgres://autoctl_node@localhost:{monitor.port}/pg_auto_failover?sslmode=prefer"
    for i, node in enumerate(nodes):
        node.create("postgres", "--monitor", uri, "--skip-pg-hba", "--name", f"node{i}")
        node.run()
        until(lambda: len(states()) == i + 1, "the node to be there", PATIENCE_S)
    until_paired()


def failovers():
    begin()
    ledger.open()
    for i in range(ROUNDS):
        if FAULT:
            with contextlib.closing(ledger.connected()) as db:
                db.run("ALTER SYSTEM SET synchronous_commit = off")
                db.run("SELECT pg_reload_conf()")
        (old,) = [node for node in nodes if states()[node.port] == "primary"]
        asked = i % 2 == 0
        struck_at = ledger.under_load(SECONDS * (0.5 + 0.5 * dice.random()), lambda: monitor.autoctl("perform", "failover") if asked else old.kill())
        until(lambda: [node for node in nodes if node is not old and states().get(node.port) in ("primary", "wait_primary")], "the promotion", PATIENCE_S)
        ledger.check(struck_at, f"failover {i + 1}, {'asked for' if asked else 'the primary killed'}")
        if not asked:
            old.run()
        until_paired()


install()
folder(FOLDER)
first = Cluster("auto_1", *SETTINGS, "listen_addresses = 'localhost'", "wal_keep_size = 512MB", f"unix_socket_directories = '{FOLDER}'")
monitor = Node(os.path.join(FOLDER, "monitor"), setup("free_port").strip())
nodes = [Node(first.data, first.port), Node(os.path.join(FOLDER, "standby"), setup("free_port").strip())]
ledger = Ledger(Service())
dice = random.Random(SEED)
main(failovers, ledger.sound, ledger.figures)
