"""Login timing does not distinguish an unknown address, a wrong password, a disabled user and a user without a password."""

import random
import statistics
import time

from support import GOOD, WRONG, Db, equal, error_of, main, measured, note, ok, shop

ROUNDS = 60
BOUND = 1.10
TRIES = 4

db = Db()
shop(db)
db.run("SET djust_auth.max_login_failures = 100")
known = db.create_user("known@timing.example", profiles=["customer"])
disabled = db.create_user("disabled@timing.example", profiles=["customer"])
db.run("SELECT djust_auth.disable_user(%s)", disabled)
empty = db.create_user("empty@timing.example", None, ["customer"])
for i in range(50):
    db.create_user(f"other{i}@timing.example", None)

KINDS = {
    "unknown address": ("nobody@timing.example", GOOD),
    "wrong password": ("known@timing.example", WRONG),
    "disabled user, right password": ("disabled@timing.example", GOOD),
    "user without a password": ("empty@timing.example", GOOD),
    "no address at all": ("nonsense", GOOD),
}


def unlock():
    for user_id in (known, disabled, empty):
        db.run("SELECT djust_auth.unlock_user(%s)", user_id)


def login(email, password):
    return db.one("SELECT djust_login(%s, %s)::text", email, password)


def token(email, password):
    return db.one("SELECT djust_token('password', username => %s, password => %s)::text", email, password)


def answers():
    for name, function in (("djust_login", login), ("djust_token", token)):
        got = {kind: function(*credentials) for kind, credentials in KINDS.items()}
        equal(len(set(got.values())), 1, f"{name}: byte for byte one answer")
        ok('"invalid_grant"' in got["unknown address"], f"{name}: which is invalid_grant", got["unknown address"])


def hashes():
    for kind, credentials in KINDS.items():
        before = db.stats("hashes"), db.stats("login_failures")
        login(*credentials)
        equal((db.stats("hashes") - before[0], db.stats("login_failures") - before[1]), (1, 1), f"{kind}: one hash, one failure")
    before = db.stats("hashes")
    db.login("known@timing.example")
    equal(db.stats("hashes") - before, 1, "a login that succeeds: one hash too")


def work(statement, *values):
    db.begin()
    done = db.work(statement, *values)
    db.commit()
    return done


def statements():
    """An invalidation in between makes one of them read what is cached: then all are measured again."""
    for _ in range(5):
        got = {kind: work("SELECT djust_login(%s, %s)", *credentials) for kind, credentials in KINDS.items()}
        if len({repr(done) for done in got.values()}) == 1:
            break
    note(got["unknown address"])
    ok(len(got["unknown address"]) > 0, "a failed login does something in our tables")
    for kind in KINDS:
        equal(got[kind], got["wrong password"], f"{kind}: the same scans, rows and writes as with a wrong password")


def measure(function, rounds):
    samples = {kind: [] for kind in KINDS}
    order = list(KINDS)
    shuffle = random.Random(1)
    for _ in range(rounds):
        shuffle.shuffle(order)
        for kind in order:
            start = time.perf_counter()
            function(*KINDS[kind])
            samples[kind].append(time.perf_counter() - start)
    return {kind: statistics.median(values) for kind, values in samples.items()}


def times():
    """Interleaved, medians; a machine that was disturbed gets another chance."""
    measure(login, 2)
    for attempt in range(TRIES):
        unlock()
        if attempt:
            KINDS.update({"unknown address": (f"nobody{attempt}@timing.example", GOOD), "no address at all": (f"nonsense{attempt}", GOOD)})
        medians = measure(login, ROUNDS)
        note({kind: f"{seconds * 1000:.2f} ms" for kind, seconds in medians.items()})
        if max(medians.values()) <= min(medians.values()) * BOUND:
            break
    measured(max(medians.values()) <= min(medians.values()) * BOUND, f"medians of {ROUNDS} logins are within {BOUND - 1:.0%}", medians)
    measured(min(medians.values()) > 0.005, "and are those of a hash", medians)
    unlock()
    equal(error_of(db.login("known@timing.example")), None, "the right password is good all the while")


# Reset requests


def wal_of(email):
    before = db.one("SELECT pg_current_wal_insert_lsn()::text")
    db.run("SELECT djust_reset_request(%s)", email)
    return db.one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::int", before)


def resets():
    for i in range(25):
        db.create_user(f"reset{i}@timing.example", None)
    equal(db.one("SELECT djust_reset_request('reset20@timing.example')::text"), db.one("SELECT djust_reset_request('stranger20@timing.example')::text"),
          "djust_reset_request says the same for known and unknown addresses")
    got = {name: work("SELECT djust_reset_request(%s)", f"{name}21@timing.example") for name in ("reset", "stranger")}
    equal(got["reset"], got["stranger"], "and does the same in our tables")
    equal(got["stranger"].get("mail_queue"), [0, 0, 1, 0, 0], "which is a row in the mail queue")
    sizes = {name: sorted(wal_of(f"{name}{i}@timing.example") for i in range(20)) for name in ("stranger", "reset")}
    note(sizes)
    equal(statistics.median(sizes["reset"]), statistics.median(sizes["stranger"]), "and writes as much WAL")
    ok(statistics.median(sizes["reset"]) > 100, "which is some", sizes)
    columns = db.all("""SELECT kind, user_id IS NULL, octet_length(address), attempts, done_at, last_error, count(*)
        FROM djust_auth.mail_queue WHERE kind = 'reset' GROUP BY 1, 2, 3, 4, 5, 6""")
    equal(len(columns), 1, "and rows that cannot be told apart")
    again = db.one("SELECT count(*) FROM djust_auth.mail_queue")
    db.run("SELECT djust_reset_request('reset0@timing.example'), djust_reset_request('stranger0@timing.example')")
    equal(db.one("SELECT count(*) FROM djust_auth.mail_queue"), again, "a second request within the minute makes no mail for either")


# The hash that stands in for an unknown address


def alone(user_id, others=0):
    """
    Nobody but this user is there, with a hash that is quick to check, and so many others without one: work of an unknown address,
    and the least of its times.
    """
    db.run("DELETE FROM djust_auth.customer_user")
    db.run("INSERT INTO djust_auth.customer_user (email) SELECT n || '@timing.example' FROM generate_series(1, %s) n", others)
    if user_id:
        db.run("INSERT INTO djust_auth.customer_user (id, email, password_hash) VALUES (%s, 'alone@timing.example', %s)",
               user_id, "$2b$04$" + "N9qo8uLOickgx2ZMRZoMyeymi4cj.rctUsUnWoxLVlpXGdcYBG1Dm")
    done = work("SELECT djust_login(%s, %s)", *KINDS["unknown address"])
    times = []
    for _ in range(5):
        start = time.perf_counter()
        login(*KINDS["unknown address"])
        times.append(time.perf_counter() - start)
    return done, min(times)


def stand_in():
    """Of the first user above the address's tag, else of the lowest, else none's: at the same number of scans."""
    (above, above_time), (wrapped, wrapped_time), (empty_store, own_time) = (alone(user_id) for user_id in (
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000", None))
    equal((wrapped, empty_store), (above, above), "the same scans whether a user is above the tag, below, or none is there")
    measured(max(above_time, wrapped_time) < own_time / 2, "the hash is that user's, else our own", (above_time, wrapped_time, own_time))
    measured(alone("ffffffff-ffff-ffff-ffff-ffffffffffff", 50)[1] < own_time / 2, "users without a password are passed over")


main(answers, hashes, statements, times, resets, stand_in)
