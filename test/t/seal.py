"""Seals over the audit: altered, removed, added or moved events are found; late or purged ones are not reported."""

import os
import random
import re
import time

from support import GOOD, SEED, WRONG, Cluster, equal, fails, main, measured, memory, note, ok, program, until

# the long form: AUDIT_EVENTS=1000000 AUDIT_PLACES=1 TEST_TIMEOUT=3000
EVENTS = int(os.environ.get("AUDIT_EVENTS", "6000"))
PLACES = int(os.environ.get("AUDIT_PLACES", "4"))	# one tampering a pass
AT_ONCE = int(os.environ.get("AUDIT_AT_ONCE", "100"))	# in one pass

cluster = Cluster("seal", "djust_auth.databases = 'postgres'", "max_prepared_transactions = 4", "autovacuum = off", "max_wal_size = 4GB",
                  "djust_auth.purge_interval = '1d'")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
db.until_worker()
dice = random.Random(SEED)


FETCHED = "SELECT idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relid = 'djust_auth.audit_event'::regclass"


def findings(one=db):
    return one.all("SELECT at, id::text, finding FROM djust_auth.audit_verify()")


def said(one=db):
    """What audit_verify says of how far it looked: compared, seals, not sealed yet, not covered."""
    one.raw.notices.clear()
    one.run("SELECT count(*) FROM djust_auth.audit_verify()")
    text = "".join(one.raw.notices)
    numbers = re.search(r"(\d+) events were compared with (\d+) seals, up to .*; (\d+) newer events are not sealed yet, (\d+) others", text)
    return tuple(int(number) for number in numbers.groups()) if numbers else text


def until_sealed(one=db, patience=120):
    """The worker comes to it by itself every half minute; a reload of the configuration makes it come at once."""
    now = one.one("SELECT clock_timestamp()")

    def sealed():
        done = one.one("""SELECT max(sealed_at) >= %s OR NOT EXISTS (SELECT FROM djust_auth.audit_event WHERE at >= max(sealed_at))
            FROM djust_auth.audit_chain""", now)
        if not done:
            one.run("SELECT pg_reload_conf(), pg_sleep(0.1)")
        return done
    until(sealed, "the seal", patience)


def made():
    """The first seal covers what is there when the worker comes to it."""
    db.run("""INSERT INTO djust_auth.audit_event (id, at, event, user_id, client_address, detail)
        SELECT gen_random_uuid(), clock_timestamp() - interval '80 days' + n * interval '7 s', 'login', gen_random_uuid(), '192.0.2.1', jsonb_build_object('n', n)
        FROM generate_series(1, 50) n""")
    db.create_user("ann@seal.example")
    db.login("ann@seal.example", WRONG)
    db.until_written()
    start = time.monotonic()
    until(lambda: db.one("SELECT count(*) > 0 FROM djust_auth.audit_chain"), "the worker to come by itself")
    ok(time.monotonic() - start < 100, "the worker seals within two minutes, by itself")
    until_sealed()
    equal(findings(), [], "nothing is wrong")
    compared, _, unsealed, uncovered = said()
    equal((compared, unsealed, uncovered), (db.one("SELECT count(*) FROM djust_auth.audit_event"), 0, 0), "every event was looked at")


def late():
    """A running transaction, a prepared one, a subtransaction: what they wrote is covered when they have ended, and is no finding."""
    writer, other, reader = cluster.connect(), cluster.connect(), cluster.connect()
    writer.begin()
    writer.run("SAVEPOINT s")
    writer.create_user("late@seal.example")
    writer.run("RELEASE s")
    reader.begin_with_snapshot()
    reader.run("SELECT count(*) FROM djust_auth.audit_event")
    elsewhere = cluster.connect("template1")
    elsewhere.begin()
    elsewhere.run("SELECT pg_current_xact_id()")
    at = db.one("SELECT clock_timestamp()")
    other.create_user("early@seal.example")
    for _ in range(5):
        db.run("SELECT pg_reload_conf()")
        db.run("SELECT pg_sleep(0.2)")
    ok(db.one("SELECT max(sealed_at) < %s FROM djust_auth.audit_chain", at), "a transaction that may add earlier events puts the seal off")
    writer.run("PREPARE TRANSACTION 'late'")
    for _ in range(5):
        db.run("SELECT pg_reload_conf()")
        db.run("SELECT pg_sleep(0.2)")
    ok(db.one("SELECT max(sealed_at) < %s FROM djust_auth.audit_chain", at), "so does one that is prepared")
    equal(findings(), [], "nothing is wrong meanwhile")
    writer.run("COMMIT PREPARED 'late'")
    until_sealed()
    equal(findings(), [], "what was committed late is no finding; neither a reader nor another database puts anything off")
    ok(db.one("SELECT max(sealed_at) >= %s FROM djust_auth.audit_chain", at), "and is covered")
    for one in (writer, other, reader, elsewhere):
        one.close()


def fill():
    """Many events, put in as one transaction that began before the next seal."""
    start = time.monotonic()
    until_sealed()
    db.run("""INSERT INTO djust_auth.audit_event (id, at, event, user_id, client_address, detail)
        SELECT gen_random_uuid(), clock_timestamp(), 'login_failed', gen_random_uuid(), '192.0.2.1', jsonb_build_object('n', n)
        FROM generate_series(1, %s) n""", EVENTS)
    until_sealed(patience=1200)
    db.begin()
    before = db.one(FETCHED)
    equal(said()[2], 0, "all of it is sealed")
    fetched = db.one(FETCHED) - before
    db.commit()
    ok(fetched < 2 * EVENTS, "a connection that planned when there were few events reads each of them a few times", fetched)
    note(f"figures: {EVENTS} events sealed {time.monotonic() - start:.1f} s after they came; seals take {db.one('SELECT pg_size_pretty(pg_total_relation_size(%s::regclass))', 'djust_auth.audit_seal')}, "
         f"events {db.one('SELECT pg_size_pretty(pg_total_relation_size(%s::regclass))', 'djust_auth.audit_event')}")


def cost():
    """Time and memory of one pass."""
    one = cluster.connect()
    one.run("SELECT count(*) FROM djust_auth.audit_verify() WHERE false")
    before = memory(one.pid)
    start = time.monotonic()
    equal(findings(one), [], "nothing is wrong")
    took = time.monotonic() - start
    grown = memory(one.pid) - before
    note(f"figures: audit_verify() over {said()[0]} events: {took:.1f} s, {grown} kB more of private memory")
    measured(grown < 8192, "memory does not grow with the audit", grown)
    one.close()


TAMPER = {
    "altered": "UPDATE djust_auth.audit_event SET {set} WHERE (at, id) = (SELECT at, id FROM place)",
    "removed": "DELETE FROM djust_auth.audit_event WHERE (at, id) = (SELECT at, id FROM place)",
    "added": """INSERT INTO djust_auth.audit_event (id, at, event) SELECT gen_random_uuid(), at + interval '1 microsecond', 'login' FROM place""",
    "re-ordered": """UPDATE djust_auth.audit_event e SET at = CASE WHEN e.id = p.id THEN n.at ELSE p.at END
        FROM place p, LATERAL (SELECT at, id FROM djust_auth.audit_event WHERE (at, id) < (p.at, p.id) AND at < p.at ORDER BY at DESC, id DESC LIMIT 1) n
        WHERE (e.at, e.id) IN ((p.at, p.id), (n.at, n.id))""",
    "seal removed": "DELETE FROM djust_auth.audit_seal WHERE number = {number}",
    "seal altered": "UPDATE djust_auth.audit_seal SET {seal} WHERE number = {number}",
}
SETS = ("event = 'logout'", "user_id = gen_random_uuid()", "user_id = NULL", "sid = gen_random_uuid()", "actor = 'postgres'",
        "detail = '{\"n\": 0}'", "detail = NULL", "client_address = '192.0.2.2'", "id = gen_random_uuid()")
SEALS = ("members = overlay(members PLACING '\\x00010203'::bytea FROM 30)", "members = ''", "mac = sha256(mac)", "to_at = to_at + interval '1 s'", "number = -number",
         "previous = sha256(previous)", "made_at = now()", "events = events - 1", "chain = gen_random_uuid()")
RIGHT = {"altered": r"altered|added|removed", "removed": "removed", "added": "added", "re-ordered": "time", "seal removed": "seal|removed", "seal altered": "seal"}


def tampered():
    """By a superuser, triggers off: each in random places."""
    db.run("ANALYZE djust_auth.audit_event")
    seals = [number for (number,) in db.all("SELECT number FROM djust_auth.audit_seal ORDER BY number")]
    total = db.one("SELECT count(*) FROM djust_auth.audit_event")
    note(f"seed {SEED}")
    for kind, statement in TAMPER.items():
        found = 0
        for i in range(PLACES):
            number = (seals[0], seals[-1], dice.choice(seals))[min(i, 2)]
            text = statement.format(set=SETS[i % len(SETS)] if i < len(SETS) else dice.choice(SETS), seal=SEALS[i % len(SEALS)], number=number)
            db.begin()
            db.run("SET LOCAL session_replication_role = replica")
            db.run("CREATE TEMP TABLE place ON COMMIT DROP AS SELECT at, id FROM djust_auth.audit_event ORDER BY at, id OFFSET %s LIMIT 1", dice.randrange(1, total))
            db.run(text)
            changed = db.cursor.rowcount
            rows = findings()
            good = changed >= 1 and 1 <= len(rows) <= 4 and any(re.search(RIGHT[kind], finding) for _, _, finding in rows)
            if kind in ("removed", "altered"):
                good = good and db.one("SELECT id::text FROM place") in [identifier for _, identifier, _ in rows]
            found += good
            if not good:
                note(f"{text}: {changed} rows, {rows[:5]}")
            db.rollback()
        equal(found, PLACES, f"{kind}: found in every one of {PLACES} random places")
    db.begin()
    db.run("""INSERT INTO djust_auth.audit_event (id, at, event)
        SELECT gen_random_uuid(), min(at) - interval '10 days', 'login' FROM djust_auth.audit_event""")
    equal([finding for _, _, finding in findings()], ["added: its time was sealed without it"], "added before the first of all events: found")
    db.rollback()
    equal(findings(), [], "and nothing is wrong without")


MANY = {
    "altered": "UPDATE djust_auth.audit_event e SET event = 'logout' FROM places p WHERE (e.at, e.id) = (p.at, p.id)",
    "removed": "DELETE FROM djust_auth.audit_event e USING places p WHERE (e.at, e.id) = (p.at, p.id)",
    "added": "INSERT INTO djust_auth.audit_event (id, at, event) SELECT fresh, at + interval '1 microsecond', 'login' FROM places",
    "re-ordered": """UPDATE djust_auth.audit_event e SET at = o.at FROM places p JOIN places o ON o.n = p.n # 1 WHERE (e.at, e.id) = (p.at, p.id)""",
}


def many():
    """The same in many random places at once: each is named."""
    for kind, statement in MANY.items():
        db.begin()
        db.run("SET LOCAL session_replication_role = replica")
        db.run("""CREATE TEMP TABLE places ON COMMIT DROP AS SELECT at, id, gen_random_uuid() AS fresh, (row_number() OVER ())::int - 1 AS n
            FROM (SELECT at, id FROM djust_auth.audit_event ORDER BY md5(id::text || %s) LIMIT %s) e""", kind + str(SEED), AT_ONCE)
        db.run(statement)
        equal(db.cursor.rowcount, AT_ONCE, f"{kind}: {AT_ONCE} random places")
        wanted = {identifier for (identifier,) in db.all(f"SELECT {'fresh' if kind == 'added' else 'id'}::text FROM places")}
        word = {"re-ordered": "time"}.get(kind, kind)
        named = {identifier for _, identifier, finding in findings() if word in finding}
        equal(len(wanted & named), AT_ONCE, f"{kind}: {AT_ONCE} of {AT_ONCE} are named")
        equal(named - wanted, set(), f"{kind}: and nothing else")
        db.rollback()
    seals = [number for (number,) in db.all("SELECT number FROM djust_auth.audit_seal ORDER BY number")]
    some = dice.sample(seals, min(AT_ONCE, len(seals) // 2))
    db.begin()
    db.run("DELETE FROM djust_auth.audit_seal WHERE number = ANY (%s)", some)
    equal(sum(int(finding.split()[0]) for _, _, finding in findings() if "seal(s)" in finding), len(some), f"{len(some)} seals removed: each is counted")
    db.rollback()
    db.begin()
    db.run("UPDATE djust_auth.audit_seal SET mac = sha256(mac) WHERE number = ANY (%s)", some)
    equal(sorted(int(finding.split()[1]) for _, _, finding in findings() if "was altered" in finding), sorted(some), f"{len(some)} seals altered: each is named")
    db.rollback()


def chain():
    """What is known of the chain itself; and an old state of everything, put back."""
    for what, statement in (("altered", "UPDATE djust_auth.audit_chain SET last_seal = last_seal - 1"),
                            ("moved", "UPDATE djust_auth.audit_chain SET started_at = sealed_at"),
                            ("another key", "UPDATE djust_auth.audit_chain SET key_id = '\\x0001020304050607'"),
                            ("removed", "DELETE FROM djust_auth.audit_chain"),
                            ("emptied", "TRUNCATE djust_auth.audit_chain, djust_auth.audit_seal")):
        db.begin()
        db.run(statement)
        ok(findings() != [], f"the row of the chain is {what}: found")
        db.rollback()
    until_sealed()
    db.run("CREATE TABLE old_chain AS TABLE djust_auth.audit_chain; CREATE TABLE old_seal AS TABLE djust_auth.audit_seal")
    db.create_user("new@seal.example")
    until_sealed()
    equal(findings(), [], "nothing is wrong")
    db.begin()
    db.run("TRUNCATE djust_auth.audit_chain, djust_auth.audit_seal")
    db.run("INSERT INTO djust_auth.audit_chain TABLE old_chain; INSERT INTO djust_auth.audit_seal TABLE old_seal")
    db.run("DELETE FROM djust_auth.audit_event WHERE at > (SELECT max(sealed_at) FROM old_chain)")
    ok(any("removed" in finding for _, _, finding in findings()), "an old state of everything is put back: found while the server runs")
    db.rollback()
    db.run("DROP TABLE old_chain, old_seal")


def erased():
    """What goes with a user is no finding; what is altered, or goes without the user, is one."""
    user_id = db.create_user("gone@seal.example")
    stays = db.create_user("stays@seal.example")
    for one in (user_id, stays):
        db.run("""INSERT INTO djust_auth.audit_event (id, at, event, user_id, client_address, detail)
            VALUES (gen_random_uuid(), clock_timestamp(), 'login', %s, '192.0.2.9', '{"personal": {"old": {"email": "a@b.example"}}, "kind": "x"}')""", one)
    until_sealed()
    db.run("SELECT djust_auth.delete_user(%s)", user_id)
    db.run("UPDATE djust_auth.audit_event SET client_address = NULL, detail = detail - 'personal' WHERE user_id = %s", user_id)
    until_sealed()
    equal(findings(), [], "a deleted user's address and personal values are gone: no finding")
    for what, change in (("address altered", "client_address = '192.0.2.10'"), ("address removed", "client_address = NULL"),
                         ("personal value altered", "detail = jsonb_set(detail, '{personal,old,email}', '\"c@d.example\"')"),
                         ("all removed", "client_address = NULL, detail = detail - 'personal'"), ("the rest altered", "detail = detail - 'kind'")):
        db.begin()
        db.run(f"UPDATE djust_auth.audit_event SET {change} WHERE user_id = %s AND event = 'login'", stays)
        equal([row[1] for row in findings()], [str(db.one("SELECT id::text FROM djust_auth.audit_event WHERE user_id = %s AND event = 'login'", stays))],
              f"of a user who is there: {what}: found")
        db.rollback()


def purged():
    """What audit_retention removes is no finding; seals go with their events; the rest is covered still."""
    before = db.one("SELECT count(*) FROM djust_auth.audit_seal")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE at < now() - interval '70 days'"), 50, "fifty old events, in one seal with newer ones")
    middle = db.one("SELECT extract(epoch FROM clock_timestamp() - at)::int FROM djust_auth.audit_event ORDER BY at OFFSET 25 LIMIT 1")
    db.setting("audit_retention", f"{middle}s")
    db.run("SELECT djust_auth.purge()")
    left = db.one("SELECT count(*) FROM djust_auth.audit_event WHERE at < now() - interval '70 days'")
    ok(20 <= left <= 30, "half of them go, out of the middle of a seal", left)
    equal(findings(), [], "which is no finding")
    db.begin()
    db.run("DELETE FROM djust_auth.audit_event WHERE (at, id) = (SELECT at, id FROM djust_auth.audit_event ORDER BY at, id LIMIT 1)")
    equal(len(findings()), 1, "removal of the oldest by others is")
    db.rollback()
    db.setting("audit_retention", f"{30 * 86400}s")
    db.run("SELECT djust_auth.purge()")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE at < now() - interval '70 days'"), 0, "then the other half")
    equal(findings(), [], "which is no finding either")
    age = db.one("SELECT extract(epoch FROM clock_timestamp() - to_at)::int FROM djust_auth.audit_seal ORDER BY number OFFSET 1 LIMIT 1")
    db.setting("audit_retention", f"{max(age - 1, 1)}s")
    db.run("SELECT djust_auth.purge()")
    ok(db.one("SELECT count(*) FROM djust_auth.audit_seal") < before, "seals go when all their events have gone")
    equal(findings(), [], "and that is no finding")
    db.run("INSERT INTO djust_auth.audit_event (id, at, event) SELECT gen_random_uuid(), clock_timestamp(), 'login' FROM generate_series(1, 200)")
    until_sealed()
    db.begin()
    db.run("DELETE FROM djust_auth.audit_event WHERE (at, id) = (SELECT at, id FROM djust_auth.audit_event ORDER BY at DESC, id DESC OFFSET 20 LIMIT 1)")
    equal(len(findings()), 1, "removal by others is")
    db.rollback()
    db.begin()
    db.run("DELETE FROM djust_auth.audit_seal WHERE number = (SELECT min(number) FROM djust_auth.audit_seal)")
    ok(findings() != [], "so is that of the seal that is now the oldest")
    db.rollback()
    db.setting("audit_retention", None)


def laundered():
    """A seal whose end is put back, so that a purge would take it for an old one and sign the rest, stays; so does the finding."""
    number = db.one("SELECT max(number) FROM djust_auth.audit_seal")
    age = db.one("SELECT floor(extract(epoch FROM clock_timestamp() - max(started_at)))::int FROM djust_auth.audit_chain")
    db.begin()
    db.run("SET LOCAL session_replication_role = replica")
    db.run(f"SET LOCAL djust_auth.audit_retention = '{max(age, 1)}s'")
    db.run("DELETE FROM djust_auth.audit_event WHERE at < (SELECT to_at FROM djust_auth.audit_seal WHERE number = %s)", number)
    db.run("UPDATE djust_auth.audit_seal SET to_at = '-infinity' WHERE number <= %s", number)
    db.run("INSERT INTO djust_auth.audit_event (id, at, event) VALUES (gen_random_uuid(), '2001-01-01', 'login')")
    db.run("SELECT djust_auth.purge()")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE at < '2002-01-01'"), 0, "a purge that has something to remove")
    ok(any("was altered" in finding for _, _, finding in findings()), "does not remove the traces of altered seals")
    db.rollback()
    equal(findings(), [], "and nothing is wrong without")


def dumped():
    """A restored audit verifies under its key file; one that the worker goes on with, too."""
    for name in ("restored",):
        db.run(f"CREATE DATABASE {name}")
        file = os.path.join(os.environ["DJUST_TMP"], "seal.dump")
        program("pg_dump", "-h", cluster.host, "-p", str(cluster.port), "-U", "postgres", "-Fc", "-f", file, "postgres")
        program("pg_restore", "-h", cluster.host, "-p", str(cluster.port), "-U", "postgres", "--exit-on-error", "-d", name, file)
        copy = cluster.connect(name)
        equal(findings(copy), [], "a restored audit: nothing is wrong")
        ok(said(copy)[0] > 100, "all of it was compared", said(copy))
        copy.begin()
        copy.run("DELETE FROM djust_auth.audit_event WHERE (at, id) = (SELECT at, id FROM djust_auth.audit_event ORDER BY at DESC, id DESC OFFSET 30 LIMIT 1)")
        equal(len(findings(copy)), 1, "what is removed there is found")
        copy.rollback()
        copy.close()


def forged():
    """A chain that somebody made up, far ahead of all time, neither puts off the sealing nor dates what comes."""
    start = db.one("SELECT clock_timestamp()")
    chains = db.one("SELECT count(*) FROM djust_auth.audit_chain")
    db.run("""INSERT INTO djust_auth.audit_chain SELECT gen_random_uuid(), key_id, first_seal, last_seal, started_at, started_id, 'infinity', sealed_id,
        false, last_mac, mac FROM djust_auth.audit_chain LIMIT 1""")
    cluster.restart()
    again = cluster.connect()
    again.until_worker()
    again.create_user("after@seal.example")
    ok(again.one("SELECT max(at) < clock_timestamp() + interval '1 min' FROM djust_auth.audit_event"), "events have the time of the clock")
    until(lambda: again.run("SELECT pg_reload_conf(), pg_sleep(0.1)") or
          again.one("SELECT count(*) > 0 FROM djust_auth.audit_chain WHERE sealed_at > %s AND sealed_at < 'infinity'", start), "the seal")
    equal(again.one("SELECT count(*) FROM djust_auth.audit_chain"), chains + 1, "the chain that is good goes on")
    ok(any("altered" in finding for _, _, finding in findings(again)), "the one that is not is found")
    again.run("DELETE FROM djust_auth.audit_chain WHERE sealed_at = 'infinity'")
    until_sealed(again)
    equal(findings(again), [], "without it nothing is wrong")
    again.close()


def restarted():
    """Over a crash, and by a worker that starts anew."""
    cluster.restart("immediate")
    again = cluster.connect()
    again.until_worker()
    again.login("ann@seal.example", WRONG)
    again.until_written()
    until_sealed(again)
    equal(findings(again), [], "after a crash nothing is wrong, and the chain goes on")
    equal(again.one("SELECT count(*) FROM djust_auth.audit_chain"), 1, "the same chain")
    again.run("DELETE FROM djust_auth.audit_seal WHERE number = (SELECT max(number) FROM djust_auth.audit_seal)")
    again.login("ann@seal.example", WRONG)
    again.until_written()
    until_sealed(again)
    ok(any("removed" in finding for _, _, finding in findings(again)), "a seal that was removed is found after the worker has gone on, too")
    again.run("TRUNCATE djust_auth.audit_chain, djust_auth.audit_seal")
    again.login("ann@seal.example", WRONG)
    again.until_written()
    until(lambda: again.run("SELECT pg_reload_conf()") or again.one("SELECT count(*) FROM djust_auth.audit_chain") == 1, "a new chain")
    ok(any("removed" in finding for _, _, finding in findings(again)), "all seals were removed: the new chain says so")
    ok("were removed or altered" in cluster.log(), "and the log")
    fails("55000", lambda: again.run("SELECT djust_auth.worker_seal()"), "only the worker seals")


main(made, late, fill, cost, tampered, many, chain, erased, purged, laundered, dumped, forged, restarted)
