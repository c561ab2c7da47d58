"""
doc/standbys.md: HAProxy, with the configuration of the page, before a primary and two standbys; and what a commit waits for.

STANDBY_LOGOUTS (40) logouts are measured for each level of synchronous_commit.
"""

import os
import statistics
import time

import psycopg2

from support import WRONG, Cluster, equal, error_of, fails, later, main, measured, note, ok, shop, skip, until
from support.balancer import LAG_S, Balancer, installed

LOGOUTS = int(os.environ.get("STANDBY_LOGOUTS", "40"))
LEVELS = ("local", "on", "remote_apply")
EMAIL = "ann@standbys.example"

primary = Cluster("standbys_primary", "wal_level = replica", "max_wal_senders = 8", "wal_keep_size = 64MB", "fsync = on", "djust_auth.databases = 'postgres'", "autovacuum = off",
                  f"djust_auth.max_replica_lag = '{LAG_S}s'")
db = primary.connect()
db.run("CREATE EXTENSION djust_auth")
shop(db)
user_id = db.create_user(EMAIL, profiles=["customer"])
db.until_worker()
standbys = [primary.standby(name) for name in ("standbys_1", "standbys_2")]
for number, standby in enumerate(standbys, 1):
    standby.configure(f"cluster_name = 'shop{number}'")
    standby.restart("fast")
copies = [standby.connect() for standby in standbys]
balancer = None


def replayed():
    target = db.one("SELECT pg_current_wal_flush_lsn()")
    until(lambda: all(copy.one("SELECT pg_last_wal_replay_lsn() >= %s", target) for copy in copies), "replay")


# What synchronous_commit gives and costs


def wait_for(number):
    """How many standbys commits wait for."""
    db.run(f"ALTER SYSTEM SET synchronous_standby_names = '{f'FIRST {number} (shop1, shop2)' if number else ''}'")
    db.run("SELECT pg_reload_conf()")
    until(lambda: db.one("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == number, "the standbys' state")


def alive(token):
    """On how many standbys."""
    return sum(copy.can(token) for copy in copies)


def levels():
    wait_for(2)
    clients = {level: primary.connect() for level in LEVELS}
    times, stale, missing = ({level: [] for level in LEVELS} for _ in range(3))
    for _ in range(LOGOUTS):
        for level, client in clients.items():
            client.run(f"SET synchronous_commit = {level}")
            token = client.one("SELECT djust_auth.open_session(%s)", user_id)["access_token"]
            missing[level].append(2 - alive(token))
            replayed()
            begun = time.perf_counter()
            client.logout(token)
            times[level].append(time.perf_counter() - begun)
            stale[level].append(alive(token))
    for level in LEVELS:
        note(f"figures: {level}: {LOGOUTS} logouts, median {statistics.median(times[level]) * 1000:.2f} ms; alive on a standby right after the answer "
             f"{sum(stale[level]) / LOGOUTS / 2:.1%}, new tokens not there yet {sum(missing[level]) / LOGOUTS / 2:.1%}")
    equal((sum(stale["remote_apply"]), sum(missing["remote_apply"])), (0, 0), "remote_apply: no revoked token is alive on any standby when the logout returns, and each new one is")


def one_lost():
    """Commits wait for a standby that is gone; the other one still answers."""
    client = primary.connect()
    client.run("SET synchronous_commit = remote_apply")
    tokens, ended = client.login(EMAIL), client.login(EMAIL)
    standbys[1].stop("fast")
    logout, refused, begun = later(client.logout, ended["access_token"]), 0, time.monotonic()
    until(lambda: not copies[0].can(ended["access_token"]), "the end of the session on the other one")
    db.login(EMAIL, WRONG)
    while time.monotonic() < begun + LAG_S + 3:
        refused += not copies[0].can(tokens["access_token"])
        time.sleep(0.05)
    equal(logout.done(), False, "a standby is gone: a logout waits for it")
    measured(refused == 0, f"the worker does not, so for {LAG_S + 3} s the other standby answers", refused)
    wait_for(1)
    equal(logout.result(30), True, "until it is waited for no longer")
    standbys[1].ctl("start")
    copies[1] = standbys[1].connect()
    wait_for(0)


# The balancer


def balance():
    global balancer
    balancer = Balancer("standbys_haproxy", (primary, *standbys))
    ok(True, "the port for writes leads to the primary, that for checks to both standbys")


def checks():
    writer = balancer.connect("5433")
    readers = [balancer.connect("5434") for _ in range(6)]
    equal({reader.one("SELECT current_setting('data_directory')") for reader in readers}, {standby.data for standby in standbys}, "six connections are shared out")
    wrong = asked = 0

    def ask(tokens, living):
        nonlocal wrong, asked
        replayed()
        for reader in readers:
            access = tokens["access_token"]
            answers = (reader.can(access), reader.can(access, access="write"), reader.one("SELECT djust_introspect(%s) ->> 'active' = 'true'", access),
                       reader.one("SELECT json_array_length(djust_sessions(%s)) > 0", access))
            wrong += answers != (living, False, living, living)
            asked += len(answers)

    for _ in range(6):
        tokens = writer.login(EMAIL)
        ask(tokens, True)
        tokens = writer.refresh(tokens["refresh_token"])
        ask(tokens, True)
        writer.logout(tokens["access_token"])
        ask(tokens, False)
    equal(wrong, 0, f"login, refresh and logout through one port, and none of {asked} checks through the other is wrong")
    for call in ("djust_refresh('djr_x')", "djust_logout('x')", f"djust_login('{EMAIL}', 'x')"):
        fails("25006", lambda sql=call: readers[0].run(f"SELECT {sql}"), f"{call} fails on the port for checks")


class Watch:
    """Asks for one token, a new connection each time, until ended: answers with their times, and connections that failed."""

    def __init__(self, token):
        self.token, self.answers, self.failed, self.over = token, [], 0, False
        self.result = later(self.ask)

    def ask(self):
        while not self.over:
            try:
                reader = balancer.connect("5434")
                self.answers.append((time.monotonic(), reader.can(self.token)))
                reader.close()
            except psycopg2.OperationalError:
                self.failed += 1

    def end(self):
        self.over = True
        self.result.result()


def killed():
    token = balancer.connect("5433").login(EMAIL)["access_token"]
    replayed()
    watch = Watch(token)
    victim = standbys[1]
    os.kill(victim.postmaster(), 9)
    balancer.until("5434", standbys[0])
    for _ in range(3):
        until(lambda count=len(watch.answers): len(watch.answers) > count + 100, "answers")
    watch.end()
    ok(all(good for _, good in watch.answers) and watch.failed <= 3, f"a standby is killed: {len(watch.answers)} checks go on, each on a new connection",
       (len(watch.answers), watch.failed))
    victim.start_again()
    copies[1] = victim.connect()
    balancer.until("5434", *standbys)
    ok(True, "it gets checks again when it is back")


def paused():
    writer, held = balancer.connect("5433"), copies[0]
    tokens = writer.login(EMAIL)
    replayed()
    pool = [balancer.connect("5434") for _ in range(6)]
    held.run("SELECT pg_wal_replay_pause()")
    until(lambda: held.one("SELECT pg_get_wal_replay_pause_state()") == "paused", "the pause")
    writer.logout(tokens["access_token"])
    left, watch = time.monotonic(), Watch(tokens["access_token"])
    balancer.until("5434", standbys[1])
    until(lambda: not held.can(tokens["access_token"]), "its refusal", 30)
    until(lambda: time.monotonic() > left + LAG_S + 2, "the end")
    watch.end()
    late = [at - left for at, good in watch.answers if good and at > left + LAG_S]
    equal(late, [], f"replay is paused on one: none of {len(watch.answers)} checks is answered from more than {LAG_S} s ago")
    cut = sum(1 for reader in pool if reader_is_cut(reader))
    ok(0 < cut < len(pool), "connections to it are cut, others are not", cut)
    tokens = writer.login(EMAIL)
    equal(held.can(tokens["access_token"]), False, "it refuses")
    copies[1].run("SELECT pg_wal_replay_pause()")
    balancer.until("5434", primary)
    equal(balancer.connect("5434").can(tokens["access_token"]), True, "both paused: the primary answers")
    for copy in copies:
        copy.run("SELECT pg_wal_replay_resume()")
    balancer.until("5434", *standbys)


def reader_is_cut(reader):
    try:
        reader.run("SELECT 1")
        return False
    except psycopg2.OperationalError:
        return True


def promoted():
    tokens = balancer.connect("5433").login(EMAIL)
    replayed()
    primary.stop()
    standbys[0].ctl("promote")
    balancer.until("5433", standbys[0])
    writer = balancer.connect("5433")
    equal((error_of(writer.refresh(tokens["refresh_token"])), error_of(writer.login(EMAIL))), (None, None), "a standby is promoted: writes reach it")


def missing():
    skip("the balancer", "haproxy could not be installed")


main(levels, one_lost, *([balance, checks, killed, paused, promoted] if installed() else [missing]))
