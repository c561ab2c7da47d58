"""
Purging expired sessions while logins run: no login waits, the space is reused, and a purge reads only the rows it deletes.
PURGE_SESSIONS: the number of sessions; the limits hold for a million, too.
"""

import os
import statistics
import time

from support import Cluster, equal, error_of, later, main, note, ok, until

SESSIONS = int(os.environ.get("PURGE_SESSIONS", "100000"))
BOUND = 0.1

cluster = Cluster("purge", "djust_auth.databases = 'postgres'", "djust_auth.purge_interval = '1d'", "log_lock_waits = on", "deadlock_timeout = 100ms",
                  "autovacuum = off", "max_wal_size = 4GB", "shared_buffers = 256MB")
db = cluster.connect()
db.begin()
db.run("CREATE EXTENSION djust_auth")
db.run("INSERT INTO djust_auth.throttle_lock VALUES (sha256('old'), 11, now(), now() - interval '2 days', gen_random_uuid())")
db.commit()
db.run("SELECT pg_terminate_backend(%s)", db.until_worker())  # the next one purges at once
until(lambda: db.one("SELECT count(*) FROM djust_auth.throttle_lock") == 0, "the first purge, which has gone through the sessions then")
users = [db.create_user(f"user{i}@purge.example") for i in range(4)]


def fill():
    """Sessions that ended long ago, among them each thousandth that lives."""
    other = cluster.connect()
    other.run("SET session_replication_role = replica")
    other.run("""INSERT INTO djust_auth.session (sid, user_id, created_at, refreshed_at, expires_at, access_expires_at, generation, access_hash, profiles)
        SELECT gen_random_uuid(), %s::uuid, now() - interval '1 day', now() - interval '1 day',
            now() + CASE WHEN n %% 1000 = 0 THEN interval '1 hour' ELSE interval '-1 hour' END, now() - interval '2 hours', 0,
            decode(repeat('00', 32), 'hex'), '{}' FROM generate_series(1, %s) n""", users[0], SESSIONS * 1000 // 999)
    other.run("VACUUM ANALYZE djust_auth.session")
    other.close()


def sizes():
    return db.row("SELECT pg_relation_size('djust_auth.session'), pg_indexes_size('djust_auth.session')")


def expired():
    return db.one("SELECT count(*) FROM djust_auth.session WHERE expires_at < now()")


def by_worker():
    fill()
    equal(expired(), SESSIONS, "so many expired sessions")
    living = db.one("SELECT count(*) FROM djust_auth.session WHERE expires_at > now()")
    logins = [cluster.connect() for _ in users]
    went_on = [True]

    def login(one, i):
        times = []
        while went_on[0]:
            start = time.perf_counter()
            tokens = one.login(f"user{i}@purge.example")
            times.append(time.perf_counter() - start)
            if error_of(tokens) is not None or not one.logout(tokens["access_token"]):
                raise AssertionError(tokens)
        return times

    alone = [later(login, one, i) for i, one in enumerate(logins)]
    start = time.perf_counter()
    until(lambda: time.perf_counter() - start > 3, "logins without a purge")
    went_on[0] = False
    alone = [t for future in alone for t in future.result()]

    went_on[0] = True
    running = [later(login, one, i) for i, one in enumerate(logins)]
    held = cluster.connect()
    held.begin()
    kept = held.one("SELECT sid FROM djust_auth.session WHERE expires_at < now() LIMIT 1 FOR UPDATE")
    db.setting("purge_interval", "1s")
    db.run("SELECT pg_terminate_backend(%s)", db.worker())
    seen = set()
    start = time.perf_counter()

    def done():
        seen.add(expired())
        return min(seen) <= 1

    until(done, "the purge")
    took = time.perf_counter() - start
    went_on[0] = False
    times = [t for future in running for t in future.result()]
    note(f"{SESSIONS} sessions in {took:.1f} s, the worker's start included; {len(times)} logins: median {statistics.median(times) * 1000:.0f} ms, "
         f"longest {max(times) * 1000:.0f} ms; without a purge {len(alone)}: {statistics.median(alone) * 1000:.0f} ms, {max(alone) * 1000:.0f} ms")
    ok(len(times) > 50, "logins ran beside it", len(times))
    equal(cluster.log().count("still waiting for"), 0, "and none waited 100 ms for a lock")
    ok(max(times) < max(BOUND + statistics.median(times), 3 * max(alone)), "nor was one much slower than without", (max(times), max(alone)))
    ok(len(seen) > 5, "they left batch by batch", sorted(seen)[:10])
    equal(db.one("SELECT count(*) FROM djust_auth.session WHERE expires_at > now() AND user_id = %s AND access_hash = decode(repeat('00', 32), 'hex')", users[0]),
          living, "sessions that live are still there")
    equal(db.all("SELECT sid FROM djust_auth.session WHERE expires_at < now()"), [(kept,)], "one that somebody held was left")
    held.rollback()
    until(lambda: expired() == 0, "the next purge")
    ok(True, "and left with the next purge")


def room():
    """What was purged is used again: as many sessions as before take no more room, in table and indexes."""
    before = sizes()
    others = "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
    for _ in range(3):
        # emptied pages of an index are free once all transactions of their time are over, an ANALYZE by the server too
        until(lambda: db.one(others) == 0, "the end of what looks at the table")
        db.run("SELECT txid_current()")
        db.run("VACUUM djust_auth.session")
    db.setting("purge_interval", "1d")
    until(lambda: db.one("SELECT setting FROM pg_settings WHERE name = 'djust_auth.purge_interval'") == "86400", "the setting")
    fill()
    after = sizes()
    note(f"table {before[0] >> 20} MB, indexes {before[1] >> 20} MB; filled again {after[0] >> 20} MB, {after[1] >> 20} MB")
    ok(after[0] <= before[0] * 1.02 and after[1] <= before[1] * 1.1, "as many sessions again take no more room", (before, after))


def by_hand():
    """purge() does the same in one transaction."""
    # the worker may not have heard of its new interval yet: what it removes meanwhile is counted, too
    purged, left = None, None
    while purged != db.stats("purged"):
        purged, left = db.stats("purged"), expired()
    start = time.perf_counter()
    answer = db.one("SELECT djust_auth.purge()")
    note(f"{answer} in {time.perf_counter() - start:.1f} s")
    by_worker = db.stats("purged") - purged - sum(answer.values())
    equal(answer["session"] + by_worker, left, "purge() removes what has expired")
    equal(set(answer), {"session", "reset_token", "mail_queue", "pending_email", "email_link", "known_device", "signing_key", "throttle_lock", "audit_event"}, "from these tables")
    equal(expired(), 0, "none is left")


def others():
    """Each kind of what has expired, and nothing else, in a database without a worker."""
    db.run("CREATE DATABASE others")
    own = cluster.connect("others")
    own.run("CREATE EXTENSION djust_auth")
    user_id = own.create_user("ann@purge.example")
    own.run("DELETE FROM djust_auth.audit_event")
    own.run("""INSERT INTO djust_auth.audit_event (id, at, event) SELECT gen_random_uuid(), now() - n * interval '1 day', 'login' FROM generate_series(1, 180) n""")
    own.run("INSERT INTO djust_auth.reset_token SELECT decode(repeat(lpad(n::text, 2, '0'), 32), 'hex'), %s, now(), now() + (n - 3.5) * interval '1 minute' FROM generate_series(1, 10) n", user_id)
    for email in ("a", "b", "c"):
        own.run("SELECT djust_reset_request(%s)", email + "@purge.example")
    own.run("UPDATE djust_auth.mail_queue SET done_at = now() WHERE id = (SELECT min(id) FROM djust_auth.mail_queue)")
    own.run("UPDATE djust_auth.mail_queue SET expires_at = now() WHERE id = (SELECT max(id) FROM djust_auth.mail_queue)")
    kid = own.one("SELECT kid FROM djust_auth.signing_key")
    own.run("SELECT djust_auth.rotate_signing_key()")
    own.run("UPDATE djust_auth.signing_key SET verify_until = now() - interval '1 minute' WHERE kid = %s", kid)
    before = own.stats("purged")
    answer = own.one("SELECT djust_auth.purge()")
    equal({table: n for table, n in answer.items() if table != "session"},
          {"reset_token": 3, "mail_queue": 2, "pending_email": 0, "email_link": 0, "known_device": 0, "signing_key": 1, "throttle_lock": 0, "audit_event": 91}, "what has expired leaves, by table")
    # the worker of the other database may be counting, too
    ok(own.stats("purged") - before >= sum(answer.values()) > 0, "and is counted")
    equal(own.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login'"), 89, "ninety days of audit are kept")
    equal(sum(own.one("SELECT djust_auth.purge()").values()), 0, "a second purge finds nothing")
    own.close()


def touched(statement, *args):
    """Buffers that a statement asked for, in all it called; one that it asked for twice counts twice."""
    plan = db.one("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement, *args)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def nothing(what, removed=0):
    """Until a vacuum the index holds the entries of removed rows, more than a hundred a page."""
    n = touched("SELECT djust_auth.purge()")
    note(f"purge() of nothing, {what}: {n} buffers")
    ok(n <= 100 + removed / 100, f"a purge that finds nothing touches at most 100 buffers: {what}", n)


def live_sessions(sid):
    """So many that live, with a session id that is this expression."""
    db.run("TRUNCATE djust_auth.session")
    db.run(f"""INSERT INTO djust_auth.session (sid, user_id, created_at, refreshed_at, expires_at, access_expires_at, generation, access_hash, profiles)
        SELECT {sid}, %s::uuid, now() - n * interval '11 hours' / {SESSIONS}, now(), now() + (3600 + n %% 7000) * interval '1 s', now(), 0,
            decode(repeat('00', 32), 'hex'), '{{}}' FROM generate_series(1, {SESSIONS}) n""", users[0])


def cost():
    """Not analyzed: nor does the cost hang on statistics."""
    db.setting("purge_interval", "1d")
    db.one("SELECT djust_auth.purge()")
    by_time = f"(lpad(to_hex((extract(epoch FROM now() - n * interval '11 hours' / {SESSIONS}) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid"
    for sid in ("gen_random_uuid()", by_time):
        live_sessions(sid)
        db.one("SELECT djust_auth.purge()")  # reads the catalogs
        nothing(f"{SESSIONS} live sessions")
    few = SESSIONS // 100
    db.run("UPDATE djust_auth.session SET expires_at = now() - interval '1 min' WHERE generation = 0 AND sid IN (SELECT sid FROM djust_auth.session ORDER BY md5(sid::text) LIMIT %s)", few)
    n = touched("SELECT djust_auth.purge()")
    note(f"purge() of {few} of {SESSIONS} sessions: {n / few:.1f} buffers a row")
    ok(n <= 10 * few, "a purge touches a few buffers for each row that it removes", (n, few))
    equal(db.one("SELECT count(*) FROM djust_auth.session"), SESSIONS - few, "and removes those that are over, of any age")

    db.run("SET session_replication_role = replica")
    db.run("UPDATE djust_auth.session SET purge_at = now() - interval '1 min' WHERE sid IN (SELECT sid FROM djust_auth.session ORDER BY md5(sid::text) LIMIT %s)", few)
    db.run("RESET session_replication_role")
    equal(db.one("SELECT djust_auth.purge() ->> 'session'"), "0", "sessions that were refreshed since they were last looked at stay")
    equal(db.one("SELECT count(*) FROM djust_auth.session WHERE purge_at < now()"), 0, "and are looked at again when they end now")
    equal(db.one("SELECT count(*) FROM djust_auth.session WHERE purge_at > expires_at"), 0, "no session is looked at later than at its end")
    # entries of rows that somebody may see are not marked as dead
    until(lambda: db.one("SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()") == 0, "the worker")
    db.one("SELECT djust_auth.purge()")
    nothing("after sessions were removed and moved", 2 * few)
    db.run("VACUUM djust_auth.session")
    nothing("after a vacuum")
    n = touched("SELECT djust_auth.rotate_signing_key()")
    note(f"rotate_signing_key() with {SESSIONS} sessions: {n} buffers")
    ok(n <= 300, "nor does rotate_signing_key() read the sessions", n)


def all_at_once():
    """end_all_sessions() costs the same however many sessions there are; the worker removes them in batches."""
    live_sessions("gen_random_uuid()")
    db.run("SELECT djust_auth.end_all_sessions(now() - interval '1 day')")  # reads the catalogs
    db.one("SELECT djust_auth.purge()")
    count = "SELECT count(*) FROM djust_auth.session"
    equal(db.one(count), SESSIONS, "end_all_sessions() of a day ago ends none")
    nothing("after end_all_sessions() and a purge")
    start = time.perf_counter()
    n = touched("SELECT djust_auth.end_all_sessions()")
    note(f"end_all_sessions() of {SESSIONS} sessions: {n} buffers, {(time.perf_counter() - start) * 1000:.1f} ms")
    ok(n <= 100, "end_all_sessions() touches at most 100 buffers", n)
    equal((db.one("SELECT count(*) FROM djust_auth.active_session"), db.one(count)), (0, SESSIONS), "no session lives, though all the rows are there")
    tokens = db.login("user1@purge.example")
    seen = set()

    def done():
        seen.add(db.one(count))
        return min(seen) <= 1

    db.setting("purge_interval", "1s")
    db.run("SELECT pg_terminate_backend(%s)", db.worker())
    until(done, "the purge of all")
    ok(len(seen) > 5, "they leave batch by batch", sorted(seen)[:10])
    equal(error_of(db.refresh(tokens["refresh_token"])), None, "but for the session that was opened since")
    until(lambda: db.one("SELECT purged FROM djust_auth.session_cutoff"), "the end of that purge")
    equal(db.one(count), 1, "whose row stays")


def cost_of_others():
    def rows():
        return sum(db.one(f"SELECT count(*) FROM djust_auth.{table}") for table in ("reset_token", "mail_queue", "throttle_lock", "audit_event"))

    db.run("""INSERT INTO djust_auth.reset_token SELECT sha256(n::text::bytea), %s, now(), now() + interval '1 day' FROM generate_series(1, 20000) n""", users[0])
    db.run("""INSERT INTO djust_auth.mail_queue (kind, user_id, created_at, expires_at, next_attempt_at)
        SELECT 'password_changed', %s, now(), now() + interval '1 day', now() + interval '1 hour' FROM generate_series(1, 20000) n""", users[0])
    db.run("""INSERT INTO djust_auth.throttle_lock SELECT sha256(n::text::bytea), CASE WHEN n % 2 = 0 THEN 100 ELSE 11 END, now(),
        CASE WHEN n % 2 = 0 THEN now() - interval '1 year' ELSE now() END, gen_random_uuid() FROM generate_series(1, 20000) n""")
    db.run("INSERT INTO djust_auth.audit_event (id, at, event) SELECT gen_random_uuid(), now() - n * interval '1 s', 'login' FROM generate_series(1, 20000) n")
    db.one("SELECT djust_auth.purge()")
    nothing("20,000 links, mails, locks and events")
    db.run("UPDATE djust_auth.reset_token SET expires_at = now() - interval '1 s' WHERE token_hash < '\\x10'")
    db.run("UPDATE djust_auth.mail_queue SET done_at = now() WHERE id % 20 = 0 AND user_id IS NOT NULL")
    db.run("UPDATE djust_auth.throttle_lock SET saved_at = now() - interval '2 days' WHERE tag < '\\x10' AND failures < 100")
    db.run("UPDATE djust_auth.audit_event SET at = now() - interval '1 year' WHERE at < now() - interval '19000 s'")
    before = rows()
    n = touched("SELECT djust_auth.purge()")
    left = before - rows()
    note(f"purge() of {left} links, mails, locks and events: {n / left:.1f} buffers a row")
    ok(left > 2000 and n <= 10 * left, "what has ended leaves at a few buffers a row", (n, left))


main(by_worker, room, by_hand, others, cost, all_at_once, cost_of_others)
