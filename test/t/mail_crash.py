"""The server is killed repeatedly while users request resets: each gets a mail with a working link."""

import collections
import hashlib
import os
import queue
import random
import tempfile
import threading
import time

import psycopg2

from support import Cluster, equal, kill, later, main, note, ok, until
from support.smtp import Authority, Server

CUSTOMERS, ROUNDS, CLIENTS = 500, 50, 4
SEED = 20261124

folder = tempfile.TemporaryDirectory()
os.chmod(folder.name, 0o755)
authority = Authority(folder.name)
server = Server("starttls", authority.context(), login=False)
cluster = Cluster("crash", "djust_auth.databases = 'postgres'", "djust_auth.mail_from = 'no-reply@shop.example'", "djust_auth.mail_lease = 2s",
                  f"djust_auth.smtp_ca_file = '{authority.file}'", f"djust_auth.smtp_url = '{server.url}'")
addresses = [f"user{i}@crash.example" for i in range(CUSTOMERS)]
chance = random.Random(SEED)


def connect():
    """As soon as the server lets us in."""
    while True:
        try:
            return cluster.connect()
        except psycopg2.OperationalError:
            time.sleep(0.02)


def ask(waiting, pids, failures):
    """A client: an address is done when its request has been answered; what fails is asked again."""
    while (address := waiting.get()) is not None:
        while True:
            db = connect()
            pids[threading.get_ident()] = db.pid
            try:
                db.run("SELECT djust_reset_request(%s)", address)
                break
            except psycopg2.Error:
                failures.append(address)
            finally:
                db.close()


def worker():
    """Its process, once there is one."""
    found = []
    until(lambda: found.extend(cluster.processes("djust_auth worker")) or found, "the worker")
    return found[0]


def starts():
    return cluster.log().count("database system is ready to accept connections")


def one_round(kind, pids, at_answer):
    """At some moment: while the mail server has a mail and the worker waits for the answer, or any other."""
    before = starts()
    if at_answer:
        victim, hit = worker() if kind == "worker" else cluster.postmaster(), threading.Event()

        def answer(mail):
            server.answer = lambda mail: "250 OK"
            kill(victim)
            hit.set()
            return "250 OK"

        server.answer = answer
        if not hit.wait(2):
            server.answer = lambda mail: "250 OK"
            kill(victim)
    else:
        time.sleep(chance.random() * 0.3)
        if kind != "backend":
            kill(worker() if kind == "worker" else cluster.postmaster())
        else:
            idle = connect()  # in case that no client is asking just now
            kill(*pids.values(), idle.pid)
    if kind == "postmaster":
        cluster.start_again()
    until(lambda: starts() > before, "the server to come up again")


def crashes():
    db = cluster.connect()
    db.run("CREATE EXTENSION djust_auth")
    db.run("INSERT INTO djust_auth.customer_user (email) SELECT unnest(%s)", addresses)
    db.close()
    waiting, pids, failures = queue.Queue(), {}, []
    clients = [later(ask, waiting, pids, failures) for _ in range(CLIENTS)]
    started = time.monotonic()
    for i in range(ROUNDS):
        for address in addresses[i * CUSTOMERS // ROUNDS:(i + 1) * CUSTOMERS // ROUNDS]:
            waiting.put(address)
        one_round(("worker", "backend", "worker", "postmaster")[i % 4], pids, i % 4 in (0, 3) and i % 8 < 4)
    for _ in clients:
        waiting.put(None)
    for client in clients:
        client.result(120)
    note(f"figures: {ROUNDS} rounds in {time.monotonic() - started:.1f} s, {len(failures)} requests asked again, seed {SEED}")
    db = connect()
    until(lambda: db.one("SELECT count(*) FROM djust_auth.mail_queue WHERE done_at IS NULL") == 0, "the queue to be empty")
    db.close()
    ok(starts() > ROUNDS, "the server came up again each time", starts())


def nothing_lost():
    db = connect()
    by_address = {address: server.of(address) for address in addresses}
    equal([address for address, mails in by_address.items() if not mails], [], f"each of {CUSTOMERS} customers has a mail")
    equal(sum(len(mails) for mails in by_address.values()), len(server.mails), "nobody else has")
    hashes = [hashlib.sha256(mail.secret().encode()).digest() for mail in server.mails]
    equal(db.one("SELECT count(*) FROM unnest(%s::bytea[]) AS h WHERE NOT EXISTS (SELECT FROM djust_auth.reset_token t WHERE t.token_hash = h)", hashes), 0,
          "no mail was sent whose link the database does not know")
    ids = collections.Counter(mail.message["Message-ID"] for mail in server.mails)
    duplicates = sum(n - 1 for n in ids.values())
    ok(len({tuple(mail.recipients) for mail in server.mails if ids[mail.message["Message-ID"]] > 1}) == sum(n > 1 for n in ids.values()),
       "a Message-ID that came twice belongs to one customer")
    note(f"figures: {len(server.mails)} mails for {CUSTOMERS} customers, {duplicates} duplicates by Message-ID, {len(ids) - CUSTOMERS} by requests asked again")
    db.setting("smtp_url", "")
    dbs = [cluster.connect() for _ in range(CLIENTS)]

    def confirm(mine, i):
        return [address for address in addresses[i::CLIENTS]
                if mine.confirm(chance.choice(by_address[address]).secret()) != {"status": "password_updated"}]

    futures = [later(confirm, each, i) for i, each in enumerate(dbs)]
    equal([address for future in futures for address in future.result(120)], [], "for everyone the link of one of the mails works")
    server.stop()


main(crashes, nothing_lost)
