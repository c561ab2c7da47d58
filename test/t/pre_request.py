"""djust_pre_request runs before every request: no SPI, one session read by its tuple id or its index, no writes, and fast."""

import statistics
import time

from support import Db, equal, main, measured, note, ok, shop
from support.request import headers_of, in_request, make_requests

SESSIONS = 2000
ROUNDS = 30
BOUND = 3

db = Db()
shop(db)
db.run("INSERT INTO djust_auth.profile_right VALUES ('anonymous', '/orders', 'read')")
user_id = db.create_user("ann@request.example", profiles=["customer"])


def opened():
    return db.one("SELECT djust_auth.open_session(%s)", user_id)


before_refresh = opened()
db.refresh(before_refresh["refresh_token"])
BEARERS = {"a current token": opened()["access_token"], "a token from before the last refresh": before_refresh["access_token"], "nobody": None}
CALL = "SELECT djust_pre_request()"


def request(backend, bearer, enforced):
    """The transaction of a GET as PostgREST begins it, up to the call."""
    backend.run("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
    backend.run("SELECT set_config('request.method', 'GET', true), set_config('request.path', '/orders', true),"
                " set_config('request.headers', %s, true), set_config('djust_auth.enforce_routes', %s, true)", headers_of(bearer), enforced)


def no_spi():
    for enforced in ("off", "on"):
        for kind, bearer in BEARERS.items():
            backend = Db()
            backend.watch_statements()
            request(backend, bearer, enforced)
            equal([backend.executed(CALL) for _ in range(2)], [1, 1], f"{kind}, enforce_routes {enforced}: no statement but the call, not even in a fresh backend")
            backend.rollback()
            ok(backend.executed(f"SELECT djust_auth.open_session('{user_id}')") > 1, "where the statements of open_session are seen")
            backend.close()


def tables():
    for enforced in ("off", "on"):
        for kind, bearer in BEARERS.items():
            backend = Db()
            request(backend, bearer, enforced)
            first, second = backend.work(CALL), backend.work(CALL)
            ok(all(scans == 0 and not any(writes) for scans, _, *writes in first.values()), f"{kind}, enforce_routes {enforced}: a fresh backend reads by indexes only", first)
            equal(second, {}, "later none at all: the session is read where it was last seen")
            equal(backend.one("SELECT pg_current_xact_id_if_assigned()"), None, "nothing is written")
            backend.close()


def cost():
    """
    Against the work it cannot leave out: djust_can's for the same session, and the server's own reading of the two JSON
    texts.  Each request has settings of its own; what setting them takes is off all sides.
    """
    make_requests(db, "request", f"SELECT djust_auth.open_session('{user_id}') ->> 'access_token' AS access_token, '/orders' AS path"
                  f" FROM generate_series(1, {SESSIONS})")
    sides = {"settings": "true", "djust_can": "djust_can(access_token, path, 'read')",
             "json": "current_setting('request.headers')::json IS NOT NULL AND current_setting('request.jwt.claims')::json IS NOT NULL",
             "djust_pre_request": "djust_pre_request() IS NOT NULL"}
    for enforced in ("off", "on"):
        request(db, None, enforced)
        times = {side: [] for side in sides}
        for _ in range(ROUNDS):
            for side, call in sides.items():
                start = time.perf_counter()
                done = db.one(f"SELECT count(*) FROM request WHERE {in_request(call)}")
                times[side].append((time.perf_counter() - start) / SESSIONS)
                if done != SESSIONS:
                    raise AssertionError(f"{call} is good for {done} of {SESSIONS} requests")
        db.rollback()
        # round by round, for the machine changes its speed between them
        ratio = statistics.median((pre_request - settings) / (can + json - 2 * settings)
                                  for settings, can, json, pre_request in zip(*times.values()))
        note(f"figures: enforce_routes {enforced}, us: " + ", ".join(f"{side} {min(values) * 1e6:.2f}" for side, values in times.items())
             + f"; over the settings {ratio:.2f} times djust_can and JSON")
        measured(ratio < BOUND, f"enforce_routes {enforced}: less than {BOUND} times djust_can and the reading of JSON", ratio)


main(no_spi, tables, cost)
