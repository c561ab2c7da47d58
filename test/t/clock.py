"""A clock that is set back or forward lengthens no wait, grace period or reset limit (libfaketime changes the server's clock)."""

import datetime

from support import GOOD, WRONG, equal, error_of, main, ok, shop
from support.clock import cluster_with_clock, set_clock

cluster = cluster_with_clock("clock")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
shop(db)


def true_time():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


def hours():
    return db.one("SELECT round(extract(epoch FROM clock_timestamp() - %s::timestamptz) / 3600)::int", true_time())


def waits():
    db.create_user("ann@clock.example")
    set_clock(3600)
    equal(hours(), 1, "the server's clock is an hour ahead")
    for _ in range(10):
        db.login("ann@clock.example", WRONG)
    set_clock(0)
    equal(hours(), 0, "and is set right")
    answer = db.login("ann@clock.example", WRONG)
    equal((error_of(answer), answer.get("retry_after")), ("too_many_attempts", 1), "the wait after ten failures is a second")


def grace():
    user_id = db.create_user("bob@clock.example", profiles=["customer"])
    for offset in (-60, 60):
        set_clock(0)
        first = db.one("SELECT djust_auth.open_session(%s)", user_id)
        second = db.refresh(first["refresh_token"])
        equal(db.refresh(first["refresh_token"])["refresh_token"], second["refresh_token"], "within the grace: the successor")
        set_clock(offset)
        equal(error_of(db.refresh(first["refresh_token"])), "invalid_grant", f"by a clock that is {offset} s off then: a reuse")
        ok(not db.can(second["access_token"]), "which ends the session")
    set_clock(7200)
    first = db.one("SELECT djust_auth.open_session(%s)", user_id)
    set_clock(0)
    ok(not db.can(first["access_token"]), "an access token of two hours ahead is dead")
    second = db.refresh(first["refresh_token"])
    ok(db.can(second["access_token"]), "its refresh token gets one of now")


def paces():
    db.create_user("eve@clock.example")

    def asked():
        before = db.stats("reset_requests")
        db.run("SELECT djust_reset_request('eve@clock.example')")
        return db.stats("reset_requests") - before

    set_clock(86400)
    equal([asked(), asked()], [1, 0], "a day ahead: one reset request a minute")
    set_clock(0)
    equal(asked(), 0, "set right: the minute begins now")
    set_clock(61)
    equal(asked(), 1, "and is over after a minute")
    for minute in range(2, 5):
        set_clock(61 * minute)
        equal(asked(), 1, "another one")
    set_clock(61 * 5)
    equal(asked(), 0, "five are enough for an hour")
    set_clock(61 * 5 + 3600)
    equal(asked(), 1, "which ends an hour later, not a day")
    set_clock(0)


def logins():
    for offset in (-86400, 0, 86400, 0):
        set_clock(offset)
        equal(error_of(db.login("bob@clock.example", GOOD)), None, f"a login works by a clock that is {offset} s off")


main(waits, grace, paces, logins)
