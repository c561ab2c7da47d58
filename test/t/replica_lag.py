"""djust_auth.max_replica_lag: a standby that may be too far behind refuses; one that has replayed all answers, however idle the shop."""

import os
import time

from support import Cluster, equal, fails, main, measured, ok, shop, skip, until
from support.clock import LIBRARY, cluster_with_clock, set_clock

LAG_S = 6
LIMIT = f"djust_auth.max_replica_lag = '{LAG_S}s'"

primary = Cluster("lag_primary", "wal_level = replica", "max_wal_senders = 4", "djust_auth.databases = 'postgres'", "autovacuum = off", LIMIT)
db = primary.connect()
db.run("CREATE EXTENSION djust_auth")
shop(db)
db.run("SELECT djust_auth.set_right('anonymous', '/public', 'read')")
db.until_worker()
user_id = db.create_user("ann@lag.example", profiles=["customer"])
tokens = db.login("ann@lag.example")
token = tokens["access_token"]
standby = primary.standby("lag_standby")
copy = standby.connect()


def answers():
    """What the functions say of a living token, and the rights of everybody."""
    copy.run("SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || %s)::text, false)", token)
    return [copy.can(token), copy.can(None, "/public"), copy.one("SELECT djust_introspect(%s) ->> 'active' = 'true'", token),
            copy.one("SELECT djust_introspect(%s, 'refresh_token') ->> 'active' = 'true'", tokens["refresh_token"]),
            copy.one("SELECT json_array_length(djust_sessions(%s)) > 0", token), copy.one("SELECT djust_request_user() IS NOT NULL"),
            copy.one("SELECT djust_request_can('/orders', 'read')")]


REFUSALS = "SELECT count(*) FROM djust_auth.check() WHERE finding LIKE '%refuse%'"
ALL, NONE = [True] * 7, [False] * 7


def idle():
    until(lambda: answers() == ALL, "the standby to answer")
    before, refused, asked = db.one("SELECT pg_current_wal_lsn()"), 0, time.monotonic()
    while time.monotonic() < asked + 2 * LAG_S:
        refused += answers() != ALL
        time.sleep(0.05)
    measured(refused == 0, f"a standby of an idle shop answers for {2 * LAG_S} s")
    ok(db.one("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s) < 20000", before), "at the cost of some bytes of WAL a second")
    equal([db.one(REFUSALS), copy.one(REFUSALS)], [0, 0], "check() finds nothing of it")
    ok(copy.one("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'djust_auth%%'") == 0, "it has no worker itself")


def paused():
    copy.run("SELECT pg_wal_replay_pause()")
    until(lambda: copy.one("SELECT pg_get_wal_replay_pause_state()") == "paused", "the pause")
    db.logout(token)
    left = time.monotonic()
    until(lambda: answers() == NONE, "the refusal")
    measured(time.monotonic() - left < LAG_S + 3, "replay is paused, and a token revoked: within the limit nothing is answered")
    found = copy.row("SELECT severity, finding, hint FROM djust_auth.check() WHERE finding LIKE 'this standby refuses all checks%%'")
    ok(found is not None and found[0] == "error", "check() says so", found)
    fails("PGRST", lambda: copy.run("SELECT djust_pre_request()"), "djust_pre_request refuses the bearer")
    copy.run("SET djust_auth.max_replica_lag = 0")
    equal(copy.can(token), True, "without the limit the revoked token would live here")
    copy.run("RESET djust_auth.max_replica_lag")
    copy.run("SELECT pg_wal_replay_resume()")
    until(lambda: copy.can(None, "/public"), "the standby to catch up")
    equal(copy.can(token), False, "caught up, it answers, and knows that the token is dead")


def primary_gone():
    global tokens, token
    tokens = db.login("ann@lag.example")
    token = tokens["access_token"]
    until(lambda: answers() == ALL, "the new token")
    primary.stop()
    left = time.monotonic()
    until(lambda: answers() == NONE, "the refusal")
    measured(time.monotonic() - left < LAG_S + 3, "a standby whose primary is gone refuses within the limit")


def started_alone():
    global copy
    standby.restart("fast")
    copy = standby.connect()
    equal(answers(), NONE, "and from the start, when it is started without one")
    standby.ctl("promote")
    until(lambda: not copy.one("SELECT pg_is_in_recovery()"), "the promotion")
    equal(answers(), ALL, "promoted, it answers")


def clock_ahead():
    """The standby, whose clock is right, must not take what the primary says of a later time for recent."""
    if not LIBRARY or "ASAN_OPTIONS" in os.environ:
        skip("clocks that differ", "there is no libfaketime, or a sanitizer that wants to be loaded first, too")
        return
    ahead = cluster_with_clock("lag_ahead", "wal_level = replica", "max_wal_senders = 4", "djust_auth.max_replica_lag = '1h'")
    del os.environ["LD_PRELOAD"]
    writer = ahead.connect()
    writer.run("CREATE EXTENSION djust_auth")
    reader = ahead.standby("lag_behind").connect()

    def answer(offset):
        """Of the standby, after a commit of a primary whose clock is that much ahead."""
        set_clock(offset)
        writer.run("SELECT djust_auth.set_right('anonymous', '/public', 'read')")
        target = writer.one("SELECT pg_current_wal_flush_lsn()")
        until(lambda: reader.one("SELECT pg_last_wal_replay_lsn() >= %s", target), "the commit")
        return reader.can(None, "/public"), reader.one(REFUSALS)

    equal([answer(offset) for offset in (0, 1, 60, 0)], [(True, 0), (True, 0), (False, 1), (True, 0)],
          "a standby whose clock is more than 2 s behind the primary's refuses, and check() says so, until it is set right")


main(idle, paused, primary_gone, started_alone, clock_ahead)
