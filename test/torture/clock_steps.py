"""
The clock is set an hour ahead and back beside every verb.  What clients were told is held against the database before and after each
step (support/ledger.py): no token is dead without a reason of the contract, no dead one is alive, no grace and no wait is longer; and
the worker's mails, seals and purges do not wait for the hour to come once more.

By environment: CLOCK_ROUNDS of four steps (1), CLOCK_SECONDS of load before and after each (0.5).
"""

import contextlib
import os
import random
import time

from support import SEED, WRONG, claims_of, error_of, main, ok, until
from support.clock import cluster_with_clock, set_clock
from support.ledger import SEALED, SETTINGS, Ledger, only

ROUNDS = int(os.environ.get("CLOCK_ROUNDS", "1"))
SECONDS = float(os.environ.get("CLOCK_SECONDS", "0.5"))
HOUR, GRACE_S, EDGE_S = 3600, 10, 2

cluster = cluster_with_clock("clock_steps", *SETTINGS, "djust_auth.access_token_lifetime = 10min", "djust_auth.purge_interval = 1s")
ledger = Ledger(cluster, steady=False)
dice = random.Random(SEED)


def waits(db):
    """Ten failures, or eleven, give one second, or two."""
    for account in ledger.accounts:
        if account.locked_at and only(account.disabled) is False:
            wait = db.login(only(account.email), WRONG).get("retry_after", 0)
            if wait > 2:
                ledger.lost.append(f"{account.name}: a wait of {wait} s after eleven failures at most")


def sessions(db):
    """The newest refresh token of each live session is good, the one before within its grace by the clock, and no longer."""
    for account in ledger.accounts:
        for session in account.sessions:
            if session.alive != {True}:
                continue
            used = db.one("SELECT extract(epoch FROM clock_timestamp())::float") - claims_of(session.access[-1])["iat"]
            if len(session.refresh) > 1 and dice.random() < 0.3 and abs(used - GRACE_S) > EDGE_S:
                present_used(db, account, session, 0 <= used < GRACE_S)
                continue
            answer = db.refresh(session.refresh[-1])
            if error_of(answer) or not db.can(answer["access_token"], "/orders", "write") == only(account.buyer):
                ledger.lost.append(f"{account.name}: the newest refresh token of a live session got {answer}")
                continue
            session.access.append(answer["access_token"])
            session.refresh.append(answer["refresh_token"])


def present_used(db, account, session, within):
    answer = db.refresh(session.refresh[-2])
    if within and answer.get("refresh_token") != session.refresh[-1] or not within and error_of(answer) != "invalid_grant":
        ledger.lost.append(f"{account.name}: a used refresh token {'within' if within else 'beyond'} its grace got {answer}")
    session.alive = {within}


def open_ledger():
    """The worker starts once more: what the postmaster forks while it handles a signal keeps the true time."""
    ledger.open()
    with contextlib.closing(cluster.connect()) as db:
        old = db.worker()
        db.run("SELECT pg_terminate_backend(%s)", old)
        db.until_worker(old)


def steps():
    for i in range(ROUNDS):
        for offset in (HOUR, 0, -HOUR, 0):
            def strike():
                set_clock(offset)
                time.sleep(SECONDS)

            struck_at = ledger.under_load(SECONDS, strike, goes_on=True)
            with contextlib.closing(cluster.connect()) as db:
                waits(db)
                ledger.sabotage()
                ledger.check(struck_at, f"round {i + 1}, the clock {offset:+} s")
                before = len(ledger.lost)
                sessions(db)
                ok(len(ledger.lost) == before, f"round {i + 1}, the clock {offset:+} s: refresh tokens live on, and graces end", "\n".join(ledger.lost[before:before + 20]))


def worker():
    """Set right after an hour ahead, it goes on at once."""
    db = cluster.connect()
    db.create_user("mail@ledger.example")
    set_clock(HOUR)
    until(lambda: db.one(SEALED) or db.one("SELECT pg_reload_conf(), pg_sleep(0.2)") is None, "the seal of an hour ahead")
    db.run("SELECT djust_reset_request('mail@ledger.example')")
    set_clock(0)
    start = time.monotonic()
    until(lambda: db.one("SELECT count(*) FROM djust_auth.claim_mail(1000) WHERE recipient = 'mail@ledger.example'") > 0, "the mail", 30)
    ok(True, "a mail of an hour ahead is claimed")
    until(lambda: db.one(SEALED), "the seal", 90)
    ok(True, f"events are sealed within {time.monotonic() - start:.0f} s of a step back")
    db.run("INSERT INTO djust_auth.reset_token SELECT sha256('old'), id, now() - interval '1 day', now() - interval '1 hour' FROM djust_auth.customer_user LIMIT 1")
    until(lambda: db.one("SELECT count(*) FROM djust_auth.reset_token WHERE token_hash = sha256('old')") == 0, "the purge", 30)
    ok(True, "what has expired is purged")


main(open_ledger, steps, worker, ledger.sound, ledger.figures)
