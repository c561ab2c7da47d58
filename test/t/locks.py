"""A lock is on disk before the client gets its answer: locks, and their clearing, survive a crash."""

import os
import time

from support import GOOD, WRONG, Cluster, equal, error_of, main, note, ok, program, setup, together, until

PER_SEGMENT = 2 ** 20  # transactions, 2 bits each

cluster = Cluster("locks", "djust_auth.databases = 'postgres'", "djust_auth.purge_interval = '1d'", "fsync = on")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
db.until_worker()


def crash():
    """The server loses everything that is not on disk."""
    global db
    cluster.restart("immediate")
    db = cluster.connect()


def fail(email, times, connection=None):
    """Failures below any limit, rolled back."""
    connection = connection or db
    connection.run("SET djust_auth.max_login_failures = 100")
    connection.begin()
    for _ in range(times):
        connection.login(email, WRONG)
    connection.rollback()
    connection.run("RESET djust_auth.max_login_failures")


def lock(email):
    """Locked for a quarter of an hour, by a failure that is rolled back."""
    fail(email, 12)
    db.run("SET djust_auth.max_login_failures = 1")
    db.begin()
    db.login(email, WRONG)
    db.rollback()
    db.run("RESET djust_auth.max_login_failures")


def locks(connection=None):
    return (connection or db).one("SELECT count(*) FROM djust_auth.throttle_lock")


def locked(email, password=GOOD):
    """What the account answers, and whether a hash was computed for it."""
    before = db.stats("hashes")
    answer = db.login(email, password)
    return error_of(answer), answer.get("retry_after"), db.stats("hashes") - before


def waiting():
    db.create_user("ann@locks.example")
    other = cluster.connect()
    for email in ("ann@locks.example", "nobody@locks.example"):
        before = locks(other)
        lock(email)
        equal(locks(other) - before, 1, f"{email}: the lock is in the table when its failure is answered")
    crash()
    for email in ("ann@locks.example", "nobody@locks.example"):
        error, retry_after, hashes = locked(email)
        equal((error, hashes), ("too_many_attempts", 0), f"{email}: locked after a crash, and nothing is hashed")
        ok(600 < retry_after <= 900, f"{email}: for as long as before", retry_after)
    dbs = [cluster.connect() for _ in range(12)]
    crash()
    dbs = [cluster.connect() for _ in dbs]
    hashes = db.stats("hashes")
    answers = together(dbs, lambda one, i: error_of(one.login("ann@locks.example", GOOD)))
    equal((set(answers), db.stats("hashes") - hashes), ({"too_many_attempts"}, 0), "also for many who come at once after a crash")


def ahead():
    """Locks that were made while the clock was an hour ahead."""
    db.until_worker()
    lock("ada@locks.example")
    for _ in range(10):
        db.login("ida@locks.example", WRONG)
    crash()
    db.run("UPDATE djust_auth.throttle_lock SET allowed_at = allowed_at + interval '1 hour', saved_at = saved_at + interval '1 hour'")
    error, retry_after, hashes = locked("ada@locks.example")
    equal((error, hashes), ("too_many_attempts", 0), "a lock made while the clock was an hour ahead holds")
    ok(600 < retry_after <= 900, "for a quarter of an hour at most", retry_after)
    equal(locked("ida@locks.example"), ("too_many_attempts", 1, 0), "after ten failures for the second that ten failures give")
    until(lambda: error_of(db.login("ida@locks.example", WRONG)) == "invalid_grant", "that to be over")
    ok(locked("ada@locks.example")[1] < retry_after, "and it goes down as time does")


def extreme():
    """Times that an administrator has altered, so far apart that no number holds the difference; uncommitted, or a purge would find them old."""
    db.until_worker()
    lock("eda@locks.example")
    crash()
    db.begin()
    db.run("UPDATE djust_auth.throttle_lock SET allowed_at = '294276-12-31', saved_at = '4713-01-01 BC'")
    error, retry_after, hashes = locked("eda@locks.example")
    db.rollback()
    equal((error, hashes), ("too_many_attempts", 0), "a lock with extreme times holds")
    ok(600 < (retry_after or 0) <= 900, "for the longest time that any lock does", retry_after)


def forgotten():
    """A success that was prepared and committed so long ago that the server no longer knows how its transaction ended."""
    old = Cluster("forgotten", "max_prepared_transactions = 2", "autovacuum = off")
    old.stop("fast")
    # so that few transactions are enough for the next segment of pg_xact
    setup("as_server", os.path.join(os.environ["DJUST_BIN"], "pg_resetwal"), "-x", str(PER_SEGMENT - 2000), "-D", old.data)
    segment = os.path.join(old.data, "pg_xact", "0000")
    with open(segment, "ab") as file:
        file.write(bytes(PER_SEGMENT // 4 - os.path.getsize(segment)))
    old.ctl("start")
    first = old.connect()
    first.run("CREATE EXTENSION djust_auth")
    first.create_user("flo@locks.example")
    for _ in range(9):
        first.login("flo@locks.example", WRONG)
    first.begin()
    first.login("flo@locks.example")
    xid = first.one("SELECT pg_current_xact_id()::text::bigint")
    first.run("PREPARE TRANSACTION 'flo'")
    first.run("COMMIT PREPARED 'flo'")
    first.run("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
    first.run("CREATE PROCEDURE spend() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..2000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$")
    first.run("SET synchronous_commit = off")
    first.run("CALL spend()")
    first.close()
    program("vacuumdb", "--all", "--freeze", "--quiet", env=old.environment("postgres"))
    ok(xid < PER_SEGMENT and not os.path.exists(segment), "it is forgotten")
    second = old.connect()
    equal([error_of(second.login("flo@locks.example", WRONG)) for _ in range(2)], ["invalid_grant", "too_many_attempts"],
          "an attempt is judged, and what it would have cleared stays")
    old.stop("fast")


def timed_lock(email):
    start = time.perf_counter()
    lock(email)
    return time.perf_counter() - start


def suspended():
    user_id = db.create_user("sue@locks.example")
    fail("sue@locks.example", 100)
    equal(locked("sue@locks.example"), ("too_many_attempts", None, 0), "a hundred failures suspend")
    crash()
    equal(locked("sue@locks.example"), ("too_many_attempts", None, 0), "after a crash too")
    db.until_worker()
    db.begin()		# the worker purges, too
    db.run("UPDATE djust_auth.throttle_lock SET saved_at = now() - interval '2 days'")
    before = locks()
    removed = db.one("SELECT (djust_auth.purge() ->> 'throttle_lock')::int")
    db.commit()
    equal((before, removed, locks()), (3, 2, 1), "old locks are purged, a suspension is not")
    db.run("SELECT djust_auth.unlock_user(%s)", user_id)
    equal(locks(), 0, "unlock_user removes it from the table before it answers")
    crash()
    ok(error_of(db.login("sue@locks.example")) is None, "and after a crash it is still unlocked")


def cleared():
    db.create_user("bob@locks.example")
    db.until_worker()
    db.run("SET djust_auth.max_login_failures = 1")
    db.login("bob@locks.example", WRONG)
    equal((locked("bob@locks.example")[0], locks()), ("too_many_attempts", 1), "a lock of a second")
    until(lambda: error_of(db.login("bob@locks.example")) is None, "the lock to end")
    equal(locks(), 0, "a success removes it")
    db.run("RESET djust_auth.max_login_failures")
    crash()
    fail("bob@locks.example", 1)
    ok(error_of(db.login("bob@locks.example")) is None, "and the count begins anew after a crash")

    db.until_worker()
    lock("bob@locks.example")
    link = db.reset_link("bob@locks.example")
    equal((db.confirm(link, GOOD), locks()), ({"status": "password_updated"}, 0), "a reset removes a lock too")
    crash()
    ok(error_of(db.login("bob@locks.example")) is None, "and after a crash the new password is good")


def without_worker():
    """While the worker is away a lock holds in memory, nobody waits for it, and it is saved when the worker comes back."""
    users = [db.create_user(f"{name}@locks.example") for name in ("dan", "eve")]
    worker = db.until_worker()
    usual = timed_lock("dan@locks.example")
    db.run("SELECT djust_auth.unlock_user(%s)", users[0])
    db.run("SELECT pg_terminate_backend(%s)", worker)
    until(lambda: db.worker() is None, "the worker to end")
    took = timed_lock("eve@locks.example")
    equal((locked("eve@locks.example")[0], locks()), ("too_many_attempts", 0), "without a worker a lock is not in the table")
    ok(took < 2 * usual + 1, "and is not waited for", (took, usual))
    note(f"{took * 1000:.0f} ms for 13 failures, with a worker {usual * 1000:.0f} ms")
    db.until_worker()
    until(lambda: locks() == 1, "the lock to be saved")
    crash()
    equal(locked("eve@locks.example")[0], "too_many_attempts", "the worker that comes back saves it")

    user_id = db.one("SELECT id FROM djust_auth.customer_user WHERE email = 'eve@locks.example'")
    db.until_worker()
    crash()
    worker = db.until_worker()
    db.run("SELECT pg_terminate_backend(%s)", worker)
    until(lambda: db.worker() is None, "the worker to end")
    db.run("SELECT djust_auth.unlock_user(%s)", user_id)
    equal((error_of(db.login("eve@locks.example")), locks()), (None, 1), "unlocked while it is away, an account is unlocked at once")
    db.until_worker()
    until(lambda: locks() == 0, "the lock to be removed")
    crash()
    equal(error_of(db.login("eve@locks.example")), None, "and for good when it comes back")


main(waiting, suspended, cleared, without_worker, ahead, extreme, forgotten)
