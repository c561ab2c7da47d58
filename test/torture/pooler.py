"""
PgBouncer in transaction mode between the clients and the server, which is killed now and then: each transaction may meet another
backend.  What clients were told is held against the database afterwards (support/ledger.py).

By environment: POOLER_ROUNDS (2), POOLER_SECONDS of load in each (2).  DISCARD ALL is not sent between transactions:
that nothing of one client's transaction is left for the next is what is tried here.
"""

import atexit
import os
import signal

import psycopg2

from support import Cluster, main, setup, until
from support.ledger import SETTINGS, Ledger

ROUNDS = int(os.environ.get("POOLER_ROUNDS", "2"))
SECONDS = float(os.environ.get("POOLER_SECONDS", "2"))

cluster = Cluster("pooler", *SETTINGS)
ledger = Ledger(cluster)


class Pooler(Cluster):
    """PgBouncer before the cluster, with three connections for all clients."""

    def __init__(self, server):
        setup("need_packages", "pgbouncer")
        self.server = server
        self.host, self.port = server.folder, setup("free_port").strip()
        self.file = os.path.join(server.folder, "pgbouncer.ini")
        with open(self.file, "w", encoding="ascii") as file:
            file.write(f"""[databases]
postgres = host={server.host} port={server.port} dbname=postgres user=postgres
[pgbouncer]
pool_mode = transaction
default_pool_size = 3
listen_port = {self.port}
unix_socket_dir = {self.host}
auth_type = any
ignore_startup_parameters = extra_float_digits,options
logfile = {server.folder}/pgbouncer.log
pidfile = {server.folder}/pgbouncer.pid
server_login_retry = 0.1
""")
        os.chmod(self.file, 0o644)
        setup("as_server", "pgbouncer", "-q", "-d", self.file)
        atexit.register(self.stop)

    def stop(self, mode="fast"):
        try:
            with open(os.path.join(self.server.folder, "pgbouncer.pid"), encoding="ascii") as file:
                os.kill(int(file.read()), signal.SIGTERM)
        except (FileNotFoundError, ProcessLookupError):
            pass


def pooled():
    ledger.open()
    pooler = Pooler(cluster)
    until(lambda: answers(pooler), "the pooler")
    for i in range(ROUNDS):
        ledger.server = pooler
        struck_at = ledger.under_load(SECONDS, lambda: cluster.restart())
        ledger.server = cluster
        ledger.check(struck_at, f"round {i + 1} through PgBouncer")


def answers(pooler):
    try:
        pooler.connect().close()
        return True
    except psycopg2.OperationalError:
        return False


main(pooled, ledger.sound, ledger.figures)
