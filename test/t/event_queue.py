"""Events of callers that roll back: each is in the audit, or the counter has exactly the number of the missing ones."""

import time

from support import GOOD, OTHER, WRONG, Cluster, Db, equal, error_of, main, note, ok, together, until

CALLERS = 8
USERS = 125
EACH = 80
CHEAP = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K"
FULL_USERS = 200
ROOM = 16384 - 1024

cluster = Cluster("event_queue", "djust_auth.databases = 'postgres'", "log_lock_waits = on")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
db.until_worker()


def events(event, where="true", *values):
    return db.one(f"SELECT count(*) FROM djust_auth.audit_event WHERE event = %s AND {where}", event, *values)


def burst():
    """Cheap hashes, so that it is a burst; a user each eightieth attempt, so that nobody is suspended."""
    db.run("""INSERT INTO djust_auth.customer_user (email, password_hash)
        SELECT 'user' || n || '@queue.example', %s FROM generate_series(1, %s) n""", CHEAP, USERS)
    dbs = [cluster.connect() for _ in range(CALLERS)]
    before = events("login_failed"), db.stats("audit_lost"), db.stats("login_failures")
    start = time.perf_counter()

    def attempts(one, i):
        one.run("SET djust_auth.max_login_failures = 100")
        for user in range(i + 1, USERS + 1, CALLERS):
            one.begin()
            one.run("SELECT djust_login('user' || %s || '@queue.example', %s) FROM generate_series(1, %s)", user, WRONG, EACH)
            one.rollback()

    equal([error for error in together(dbs, attempts) if error], [], f"{CALLERS} callers fail and roll back")
    took = time.perf_counter() - start
    db.until_written()
    rows, lost, failures = (now - then for now, then in zip((events("login_failed"), db.stats("audit_lost"), db.stats("login_failures")), before))
    note(f"{failures} failures in {took:.1f} s: {rows} rows, {lost} lost")
    equal(failures, USERS * EACH, "10,000 failures")
    equal(rows + lost, USERS * EACH, "10,000 rows, or the counter says how many are missing")
    equal(lost, 0, "and none is missing")
    equal(db.one("""SELECT count(*) FROM (SELECT user_id FROM djust_auth.audit_event WHERE event = 'login_failed' GROUP BY user_id
        HAVING count(*) = %s AND count(DISTINCT id) = count(*)) u""", EACH), USERS, "eighty of each user")


def undoings():
    """Savepoints, RAISE, a cancelled statement, an error of the caller, a connection that ends."""
    user_id = db.create_user("undo@queue.example")
    db.begin()
    db.run("SAVEPOINT s")
    db.login("undo@queue.example", WRONG)
    db.run("ROLLBACK TO s")
    db.commit()
    db.run("""DO $$ BEGIN PERFORM djust_login('undo@queue.example', 'wrong'); RAISE 'roll back'; EXCEPTION WHEN raise_exception THEN NULL; END $$""")
    other = cluster.connect()
    other.begin()
    other.login("undo@queue.example", WRONG)
    other.close()
    other = cluster.connect()
    other.begin()
    tokens = other.one("SELECT djust_login('undo@queue.example', %s)", GOOD)
    other.commit()
    db.run("SET djust_auth.refresh_reuse_grace = 0")
    newer = db.refresh(tokens["refresh_token"])
    db.begin()
    db.refresh(tokens["refresh_token"])
    db.rollback()
    db.run("RESET djust_auth.refresh_reuse_grace")
    equal((db.sessions(user_id), error_of(newer)), (0, None), "a reuse that is rolled back ends the session all the same")
    db.until_written()
    equal(events("login_failed", "user_id = %s AND detail ->> 'cause' = 'wrong_password'", user_id), 3,
          "failures undone by ROLLBACK TO, by RAISE and by leaving are on record")
    equal(events("refresh_reuse", "user_id = %s AND sid IS NOT NULL", user_id), 1, "so is the reuse of a refresh token")
    equal(events("login", "user_id = %s", user_id), 1, "a success is on record")
    db.begin()
    db.login("undo@queue.example")
    db.rollback()
    db.until_written()
    equal(events("login", "user_id = %s", user_id), 1, "one that is rolled back never was")


def what_they_hold():
    """An event is what happened then, whoever writes it and when."""
    user_id = db.create_user("then@queue.example")
    db.run("CREATE ROLE queue_backend LOGIN")
    db.run("SELECT djust_auth.grant_api('queue_backend')")
    caller = Db(host=cluster.host, port=cluster.port, user="queue_backend", dbname="postgres")
    caller.run("SELECT set_config('request.method', 'POST', false), set_config('request.headers', '{\"x-forwarded-for\": \"192.0.2.7\"}', false)")
    blocker = cluster.connect()
    db.setting("client_address_header", "x-forwarded-for")
    blocker.begin()
    blocker.run("LOCK TABLE djust_auth.audit_event IN EXCLUSIVE MODE")
    before = db.one("SELECT clock_timestamp()")
    caller.login("then@queue.example", WRONG)
    caller.login("stranger@queue.example", WRONG)
    after = db.one("SELECT clock_timestamp()")
    equal(db.stats("events_waiting"), 2, "an event waits while the worker cannot write it")
    until(lambda: db.one("SELECT clock_timestamp() - %s > interval '0.5 s'", after), "half a second")
    blocker.rollback()
    db.until_written()
    row = db.row("""SELECT at BETWEEN %s AND %s, actor, host(client_address), detail ->> 'cause',
            abs(extract(epoch FROM at) - ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0) < 0.01
        FROM djust_auth.audit_event WHERE user_id = %s AND event = 'login_failed'""", before, after, user_id)
    equal(row, (True, "queue_backend", "192.0.2.7", "wrong_password", True), "then it is written with the time, id, actor and address it had")
    equal(events("login_failed", "detail ->> 'cause' = 'unknown_email' AND actor = 'queue_backend' AND user_id IS NULL"), 1, "of unknown addresses too")
    db.setting("client_address_header", None)


def deleted():
    """Who is deleted before the worker comes to it leaves no address."""
    user_id = db.create_user("gone@queue.example")
    db.setting("client_address_header", "x-forwarded-for")
    db.run("SELECT set_config('request.method', 'POST', false), set_config('request.headers', '{\"x-forwarded-for\": \"192.0.2.8\"}', false)")
    blocker = cluster.connect()
    blocker.begin()
    blocker.run("LOCK TABLE djust_auth.audit_event IN SHARE ROW EXCLUSIVE MODE")
    db.login("gone@queue.example", WRONG)
    blocker.run("SELECT djust_auth.delete_user(%s)", user_id)
    blocker.commit()
    db.until_written()
    equal(db.all("SELECT event, client_address FROM djust_auth.audit_event WHERE user_id = %s AND event = 'login_failed'", user_id),
          [("login_failed", None)], "an event of a user who was deleted meanwhile has no client address")
    db.run("RESET request.method")
    db.setting("client_address_header", None)


def full():
    """More than there is room for, while nothing can be written: what is lost is counted, and pushes no lock out."""
    db.run("""INSERT INTO djust_auth.customer_user (email, password_hash)
        SELECT 'full' || n || '@queue.example', %s FROM generate_series(1, %s) n""", CHEAP, FULL_USERS)
    db.until_written()
    before = events("login_failed"), db.stats("audit_lost"), db.stats("login_failures")
    locks = db.one("SELECT count(*) FROM djust_auth.throttle_lock")
    blocker = cluster.connect()
    blocker.begin()
    blocker.run("LOCK TABLE djust_auth.audit_event IN EXCLUSIVE MODE")
    dbs = [cluster.connect() for _ in range(CALLERS)]

    def attempts(one, i):
        one.run("SET djust_auth.max_login_failures = 100")
        for user in range(i + 1, FULL_USERS + 1, CALLERS):
            one.run("SELECT djust_login('full' || %s || '@queue.example', %s) FROM generate_series(1, %s)", user, WRONG, EACH)

    equal([error for error in together(dbs, attempts) if error], [], "more failures than the queue has room for")
    waiting = db.stats("events_waiting")
    equal(waiting, ROOM, "it is full, but for what is kept for locks")
    start = time.perf_counter()
    db.run("SET djust_auth.max_login_failures = 1")
    db.login("late@queue.example", OTHER)
    took = time.perf_counter() - start
    db.run("RESET djust_auth.max_login_failures")
    equal(db.stats("events_waiting"), waiting + 1, "a lock still has a place")
    ok(1 <= took < 2, "whose caller waits a second for it and no longer", took)
    blocker.rollback()
    db.until_written()
    rows, lost, failures = (now - then for now, then in zip((events("login_failed"), db.stats("audit_lost"), db.stats("login_failures")), before))
    note(f"{failures} failures: {rows} rows, {lost} lost")
    equal((failures, rows), (FULL_USERS * EACH + 1, ROOM), "what was there is written")
    equal(lost, failures - ROOM, "what was not is counted exactly")
    equal(db.one("SELECT count(*) FROM djust_auth.throttle_lock WHERE failures < 80") - locks, 1, "the lock is in the table")
    ok(cluster.log().count("canceling statement due to lock timeout") <= 20, "and the log is not full of it")


FLOOD = {"flood@queue.example": 3000, "stranger@flood.example": 700}
COUNTS = """SELECT user_id IS NULL, count(*), sum((detail ->> 'count')::int)::int FROM djust_auth.audit_event
    WHERE event = 'throttled' AND (user_id = %s OR user_id IS NULL) GROUP BY 1 ORDER BY 1"""
flooded = {}


def flood():
    """Refused attempts, rolled back or not, are counted: one event an account and minute."""
    flooded["user"] = db.create_user("flood@queue.example")
    flooded["throttled"] = db.stats("throttled")
    db.run("SET djust_auth.max_login_failures = 1")
    for address, attempts in FLOOD.items():
        db.login(address, WRONG)
        db.begin()
        db.run("SELECT djust_login(%s, %s) FROM generate_series(1, %s)", address, OTHER, attempts - 10)
        db.rollback()
        db.run("SELECT djust_login(%s, %s) FROM generate_series(1, 10)", address, OTHER)
    db.run("RESET djust_auth.max_login_failures")
    flooded["throttled"] = db.stats("throttled") - flooded["throttled"]
    db.until_written()
    equal(db.all(COUNTS, flooded["user"]), [], "nothing is written of them while their minute lasts")


def counted():
    """A minute after the first one; the other parts have run meanwhile."""
    until(lambda: len(db.all(COUNTS, flooded["user"])) == 2, "the minutes to be over")
    rows = db.all(COUNTS, flooded["user"])
    equal([row[:2] for row in rows], [(False, 1), (True, 1)], "one event for the user, one for the unknown account")
    equal(sum(row[2] for row in rows), flooded["throttled"], "which tell of every attempt that was refused")
    equal(db.one("SELECT every(at < clock_timestamp() - interval '1 minute') FROM djust_auth.audit_event WHERE event = 'throttled'"), True, "and when they began")


def stopped():
    """Attempts whose minute is not over when the server stops."""
    db.run("SET djust_auth.max_login_failures = 1")
    db.login("stop@queue.example", WRONG)
    db.run("SELECT djust_login('stop@queue.example', %s) FROM generate_series(1, 5)", WRONG)
    refused = db.stats("throttled")
    cluster.restart("fast")
    again = cluster.connect()
    equal(again.one("SELECT sum((detail ->> 'count')::int)::int FROM djust_auth.audit_event WHERE event = 'throttled'"), refused, "they are written as it stops")


main(flood, burst, undoings, what_they_hold, deleted, full, counted, stopped)
