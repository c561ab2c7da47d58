"""A refused password and a reset request write the same amount of WAL for known and unknown addresses."""

import os
import statistics

from support import GOOD, WRONG, Cluster, Db, equal, main, note, ok

ROUNDS = 24
CHEAP = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K"

cluster = Cluster("wal", "djust_auth.databases = 'postgres'", "autovacuum = off", "full_page_writes = off", "wal_level = logical",
                  "djust_auth.purge_interval = '1d'", "djust_auth.max_login_failures = 100", "listen_addresses = '127.0.0.1'")
with open(os.path.join(cluster.data, "pg_hba.conf"), "a", encoding="ascii") as hba:
    hba.write("host all all 127.0.0.1/32 trust\n")
cluster.restart("fast")
cluster.connect().run("CREATE DATABASE unserved")


def people(db):
    db.run("CREATE EXTENSION djust_auth")
    ids = {name: db.one("SELECT djust_auth.import_user(%s, %s)::text", name + "@wal.example", CHEAP) for name in ("wrong", "disabled", "none")}
    db.run("SELECT djust_auth.disable_user(%s)", ids["disabled"])
    db.run("UPDATE djust_auth.customer_user SET password_hash = NULL WHERE id = %s", ids["none"])
    db.login("wrong@wal.example", WRONG)


KINDS = {"unknown": "unknown@wal.example", "wrong": "wrong@wal.example", "disabled": "disabled@wal.example", "none": "none@wal.example", "nonsense": "nonsense"}


def grown(db, served, statement, *values):
    """Bytes of WAL, those of the worker included."""
    before = db.one("SELECT pg_current_wal_insert_lsn()")
    db.run(statement, *values)
    if served:
        db.until_written()
    return int(db.one("SELECT pg_current_wal_insert_lsn() - %s", before))


def medians(db, served, statement):
    """One round after the other, so that what happens beside meets all kinds alike."""
    taken = {kind: [] for kind in KINDS}
    for _ in range(ROUNDS):
        for kind, address in KINDS.items():
            taken[kind].append(grown(db, served, statement, address))
    return {kind: statistics.median(bytes_of) for kind, bytes_of in taken.items()}


def alike(db, served, statement, name):
    got = medians(db, served, statement)
    note(f"{name}: {got}")
    ok(min(got.values()) > 0, name + ": something is written", got)
    equal(len(set(got.values())), 1, name + ": equally much for every kind of address")


def compare(served):
    where = "with a worker" if served else "without a worker"
    for how, options in (("socket", {}), ("TCP", {"host": "127.0.0.1"})):
        db = Db(**{"host": cluster.host, "port": cluster.port, "user": "postgres", "dbname": "postgres" if served else "unserved", **options})
        alike(db, served, f"SELECT djust_login(%s, '{WRONG}')", f"login, {where}, {how}")
        alike(db, served, f"SELECT djust_token('password', username => %s, password => '{GOOD}x')", f"token, {where}, {how}")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed' AND client_address IS NOT NULL"),
          2 * ROUNDS * len(KINDS), f"{where}: over TCP each event has an address")


def with_worker():
    db = cluster.connect()
    people(db)
    db.until_worker()
    compare(True)


def without():
    people(cluster.connect("unserved"))
    compare(False)


def refused():
    """Refused without hashing: in a database without a worker, the first attempt of a minute is written by itself."""
    db = cluster.connect("unserved")
    db.run("TRUNCATE djust_auth.audit_event")
    for i in range(20):
        db.run("SELECT djust_auth.import_user(%s, %s)", f"refused{i}@wal.example", CHEAP)
    db.run("SET djust_auth.max_login_failures = 1")
    taken = {"known": [], "unknown": []}
    for i in range(20):
        for kind, address in (("known", f"refused{i}@wal.example"), ("unknown", f"nobody{i}@wal.example")):
            db.login(address, WRONG)
            taken[kind].append(grown(db, False, "SELECT djust_login(%s, 'x')", address))
    note(f"throttled: {taken}")
    equal((statistics.median(taken["known"]) > 0, statistics.median(taken["known"])), (True, statistics.median(taken["unknown"])), "an attempt that is refused: as much for both")
    equal(db.all("SELECT user_id IS NULL, count(*) FROM djust_auth.audit_event e WHERE event = 'throttled' GROUP BY 1 ORDER BY 1"),
          [(False, 20), (True, 20)], "each is on record")


def resets():
    """One an address a minute: each round has addresses of its own."""
    for name, served in (("postgres", True), ("unserved", False)):
        db = cluster.connect(name)
        taken = {"known": [], "unknown": []}
        for i in range(ROUNDS):
            db.run("SELECT djust_auth.import_user(%s, %s)", f"reset{i}@wal.example", CHEAP)
            for kind, address in (("known", f"reset{i}@wal.example"), ("unknown", f"strange{i}@wal.example")):
                taken[kind].append(grown(db, served, "SELECT djust_reset_request(%s)", address))
        got = {kind: statistics.median(bytes_of) for kind, bytes_of in taken.items()}
        note(f"{name}: {got}")
        equal((got["known"] > 0, got["known"]), (True, got["unknown"]), f"a reset request, {'with' if served else 'without'} a worker: as much for both")
        again = [statistics.median(grown(db, served, "SELECT djust_reset_request(%s)", f"{kind}{i}@wal.example") for i in range(ROUNDS)) for kind in ("reset", "strange")]
        equal(again[0], again[1], "one that comes too soon: as little for both")


main(with_worker, without, refused, resets)
