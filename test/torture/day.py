"""
A day of load in less: every lifetime is shorter by as much.  Backends and the worker need no more memory at the end than when they were
warm, and tables and indexes take no more room for the most rows that they had.

By environment: DAY_SECONDS (20; an hour is 3600); DAY_FAULT=yes purges nothing, and lets backends keep a plan more each time.
"""

import os
import random
import re
import time

from support import GOOD, OTHER, PATIENCE, SEED, WRONG, Cluster, equal, error_of, later, main, measured, memory, note, ok, shop, tally, until

OVERDUE = """SELECT (SELECT count(*) FROM djust_auth.session WHERE expires_at < clock_timestamp() - interval '10 s') +
    (SELECT count(*) FROM djust_auth.audit_event WHERE at < clock_timestamp() - interval '10 s' - current_setting('djust_auth.audit_retention')::interval)"""
SECONDS = int(os.environ.get("DAY_SECONDS", "20"))
FAULT = bool(os.environ.get("DAY_FAULT"))
CLIENTS, USERS = 8, 25
LONGEST_GROWTH_KB = 512


def lasts(seconds, least=1):
    return f"{max(least, seconds * SECONDS // 86400)}s"


cluster = Cluster("day", "djust_auth.databases = 'postgres'", "autovacuum_naptime = 1s", f"djust_auth.access_token_lifetime = {lasts(600, 5)}",
                  f"djust_auth.refresh_token_lifetime = {lasts(7200, 5)}", f"djust_auth.session_max_lifetime = {lasts(43200)}",
                  f"djust_auth.reset_link_lifetime = {lasts(7200, 5)}", f"djust_auth.mail_lease = {lasts(300)}",
                  f"djust_auth.purge_interval = {'1d' if FAULT else lasts(60)}", f"djust_auth.audit_retention = {lasts(10800)}",
                  "djust_auth.max_login_failures = 100")
db = cluster.connect()
wrong = []


class Customer:
    """Of one of its users at a time."""

    def __init__(self, number):
        self.dice = random.Random(f"{SEED}/{number}")
        self.db = cluster.connect()
        self.emails = [f"{number}-{i}@day.example" for i in range(USERS)]
        self.calls = 0

    def expect(self, good, what):
        self.calls += 1
        if not good:
            wrong.append(what)

    def visit(self):
        email = self.dice.choice(self.emails)
        tokens = self.db.login(email)
        self.expect(error_of(tokens) is None, f"login {tokens}")
        for _ in range(3):
            self.look(tokens)
            tokens = self.db.refresh(tokens["refresh_token"])
            self.expect(error_of(tokens) is None, f"refresh {tokens}")
        self.expect(error_of(self.db.login(email, WRONG)) is not None, "a wrong password")
        if self.dice.random() < 0.5:
            self.expect(self.db.logout(tokens["access_token"]), "logout")
        if self.dice.random() < 0.1:
            self.reset(email)
        if FAULT:
            self.db.run(f"PREPARE plan{self.calls} AS SELECT * FROM pg_class WHERE relname = 'x'")

    def look(self, tokens):
        for _ in range(2):
            self.expect(self.db.can(tokens["access_token"]), "a right")
            self.expect(not self.db.can(tokens["access_token"], "/none"), "no right")
            self.expect(not self.db.can("garbage"), "garbage")
        self.expect(self.db.one("SELECT djust_introspect(%s) ->> 'active'", tokens["access_token"]) == "true", "introspection")
        self.expect(len(self.db.one("SELECT djust_sessions(%s)", tokens["access_token"])) > 0, "sessions")

    def reset(self, email):
        self.db.run("SELECT djust_reset_request(%s)", email)
        for mail_id, recipient, text in self.db.all("SELECT id, recipient, body_text FROM djust_auth.claim_mail(10)"):
            link = re.search("djp_[A-Za-z0-9_-]+", text)
            if link and recipient == email:
                self.expect(error_of(self.db.confirm(link.group(), OTHER)) is None, "a link")
                self.db.run("SELECT djust_auth.set_password(id, %s) FROM djust_auth.customer_user WHERE email = %s", GOOD, email)
            else:
                self.db.run("SELECT djust_auth.mail_sent(%s)", mail_id)

    def work(self, until_s):
        while time.monotonic() < until_s:
            self.visit()


def size():
    return db.one("SELECT sum(pg_total_relation_size(oid)) / 1024 FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'r'")


def rows():
    return db.one("SELECT (SELECT count(*) FROM djust_auth.session) + (SELECT count(*) FROM djust_auth.audit_event)")


def purged():
    """The worker has all its plans then."""
    return FAULT or db.one("SELECT (djust_auth.stats() ->> 'purged')::bigint") > 0


def most_rows(before, is_over):
    """Waits, and counts: other work on the machine makes this one slower or faster, and its tables smaller or larger."""
    counts = [before]

    def over():
        counts.append(rows())
        time.sleep(0.5)
        return is_over()

    until(over, "the end", SECONDS + PATIENCE)
    return max(counts)


def sizes(customers):
    return {"worker": memory(db.worker()), **{f"backend {i}": memory(each.db.pid) for i, each in enumerate(customers)}}, int(size())


def day():
    global db
    db.run("CREATE EXTENSION djust_auth")
    shop(db)
    cluster.restart("fast")		# a worker that found no extension purges a minute later
    db = cluster.connect()
    customers = [Customer(i) for i in range(CLIENTS)]
    for each in customers:
        for email in each.emails:
            db.create_user(email, profiles=["customer"])
        each.visit()
        each.reset(each.emails[0])
    db.until_worker()
    start = time.monotonic()
    working = [later(each.work, start + SECONDS) for each in customers]
    morning = most_rows(0, lambda: time.monotonic() > start + SECONDS / 3 and purged())
    before, room = sizes(customers)
    most = most_rows(morning, lambda: all(each.done() for each in working))
    for each in working:
        each.result()
    after, room_after = sizes(customers)
    growth = {name: after[name] - before[name] for name in before}
    calls = sum(each.calls for each in customers)
    measured(max(growth.values()) < LONGEST_GROWTH_KB, "the memory of backends and worker stays", growth)
    ok(room_after < room * most / morning * 1.25 + 256, "tables and indexes stay as large", (room, morning, room_after, most))
    equal(db.one(OVERDUE), 0, "what is over for ten seconds is purged")
    equal(wrong, [], "every call got its answer")
    equal(db.all("SELECT finding FROM djust_auth.audit_verify()"), [], "audit_verify finds nothing")
    note(f"figures: seed {SEED}: {calls} answers in {SECONDS} s; at most {max(growth.values())} kB more in a process, tables {room} kB for {morning} rows, {room_after} kB for {most}")
    tally(calls, len(wrong))


main(day)
