"""The background worker: its role, its end and restart, and the commands it leaves its database for."""

import os
import re
import signal
import statistics
import time

import psycopg2

from support import GOOD, WRONG, Cluster, Db, equal, error_of, fails, main, note, ok, shop, until

cluster = Cluster("worker", "djust_auth.databases = 'shop, \"Other Shop\"'", "djust_auth.worker_role = 'shop_worker'")
root = cluster.connect()
RESTART_S = 10


def log_since(mark):
    return cluster.log()[mark:]


def complaints(mark):
    return [line for line in log_since(mark).split("\n") if re.search("ERROR|FATAL|WARNING|PANIC", line)]


def works(db, name):
    """A failure that is rolled back is on record: only a worker can have written it."""
    email = f"{name}@worker.example"
    before = db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'")
    db.begin()
    db.login(email, WRONG)
    db.rollback()
    db.until_written()
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'"), before + 1, f"{name}: the worker works")


def absent():
    """Neither role nor database: a message each ten seconds, and it comes when they come."""
    until(lambda: cluster.log().count('FATAL:  role "shop_worker" does not exist') >= 4, "two attempts of two workers")
    times = [float(h) * 3600 + float(m) * 60 + float(s) for h, m, s in
             re.findall(r" (\d\d):(\d\d):([\d.]+) UTC \[\d+\] FATAL:  role", cluster.log())]
    ok(times[2] - times[1] > RESTART_S - 1, "an absent role is tried each ten seconds", times)
    root.run("CREATE ROLE shop_worker LOGIN NOSUPERUSER")
    until(lambda: 'FATAL:  database "shop" does not exist' in cluster.log(), "an attempt without the database")
    root.run("CREATE DATABASE shop")
    shop_db = cluster.connect("shop")
    worker = shop_db.until_worker()
    mark = len(cluster.log())
    # from 18 on it is listed before it has its role and its database
    until(lambda: shop_db.one("SELECT state FROM pg_stat_activity WHERE pid = %s", worker) == "idle", "its start")
    found = shop_db.row("SELECT usename, datname, (SELECT rolsuper FROM pg_roles WHERE rolname = usename) FROM pg_stat_activity WHERE pid = %s", worker)
    equal(found, ("shop_worker", "shop", False), "it is there under its role, which is no superuser")
    with open(f"/proc/{worker}/cmdline", encoding="ascii") as file:
        ok("djust_auth worker shop" in file.read(), "and under its name in the list of processes")
    shop_db.begin()
    shop_db.run("CREATE EXTENSION djust_auth")
    shop_db.run("SELECT djust_auth.grant_api('shop_worker', 'worker')")
    shop_db.commit()
    works(shop_db, "first")
    equal(shop_db.worker(), worker, "the extension is noticed when it is created")
    equal([line for line in complaints(mark) if "Other Shop" not in line], [], "and the log has nothing to say")
    shop(shop_db)
    root.run('CREATE DATABASE "Other Shop"')
    other = cluster.connect("Other Shop")
    other.until_worker()
    other.run("CREATE EXTENSION djust_auth")
    other.run("SELECT djust_auth.grant_api('shop_worker', 'worker')")
    works(other, "other")
    equal(other.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'"), 1, "a second database has a worker and a queue of its own")


def role():
    """The role's few functions are of no use to anybody else."""
    worker = Db(host=cluster.host, port=cluster.port, user="shop_worker", dbname="shop")
    for function in ("worker_start", "worker_write", "worker_purge"):
        fails("55000", lambda: worker.one(f"SELECT djust_auth.{function}()"), f"{function} is for the worker alone", "for the background worker")
    fails("42501", lambda: worker.one("SELECT count(*) FROM djust_auth.audit_event"), "its role reads no table")
    worker.close()
    db = cluster.connect("shop")
    db.run("REVOKE EXECUTE ON FUNCTION djust_auth.worker_write() FROM shop_worker")
    mark = len(cluster.log())
    db.begin()
    db.login("revoked@worker.example", WRONG)
    db.rollback()
    until(lambda: "permission denied for function worker_write" in log_since(mark), "the complaint")
    equal(db.stats("events_waiting"), 1, "without its grants it writes nothing, and says so")
    db.run("SELECT djust_auth.grant_api('shop_worker', 'worker')")
    db.until_written()
    ok(log_since(mark).count("permission denied") <= 3, "with them it goes on where it was")


def ends():
    db = cluster.connect("shop")
    tokens_of = db.create_user("ends@worker.example", profiles=["customer"])
    worker = db.worker()
    db.run("SELECT pg_cancel_backend(%s)", worker)
    works(db, "cancelled")
    equal(db.worker(), worker, "a cancel is nothing to it")
    db.run("SELECT pg_terminate_backend(%s)", worker)
    until(lambda: db.worker() is None, "its end")
    before = db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'")
    db.begin()
    db.login("meanwhile@worker.example", WRONG)
    db.rollback()
    start = time.monotonic()
    db.until_worker(worker)
    ok(time.monotonic() - start < RESTART_S + 10, "terminated, it is back, which takes ten seconds")
    db.until_written()
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'"), before + 1, "and writes what came meanwhile")

    worker = db.worker()
    os.kill(worker, signal.SIGKILL)

    def again():
        try:
            return cluster.connect("shop").worker() not in (None, worker)
        except psycopg2.OperationalError:
            return False

    until(again, "the server and its worker")
    db = cluster.connect("shop")
    works(db, "killed")
    ok(error_of(db.login("ends@worker.example")) is None and tokens_of, "killed with -9, it is back with the server")

    mark = len(cluster.log())
    db.begin()
    db.login("stopping@worker.example", WRONG)
    db.rollback()
    cluster.restart("fast")
    db = cluster.connect("shop")
    ok(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed' AND at > now() - interval '1 minute'") >= 3, "what was there at a fast shutdown is written")
    equal([line for line in complaints(mark) if "terminating connection" not in line], [], "and the log has nothing to say")
    global root
    root = cluster.connect()
    db.until_worker()


def reload():
    db = cluster.connect("shop")
    db.until_worker()
    db.run("INSERT INTO djust_auth.reset_token SELECT '\\x00', id, now(), now() FROM djust_auth.customer_user LIMIT 1")
    db.setting("purge_interval", "1s")
    db.run("SELECT pg_terminate_backend(%s)", db.worker())
    until(lambda: db.one("SELECT count(*) FROM djust_auth.reset_token") == 0, "a purge")
    ok(True, "it purges by itself")
    db.run("INSERT INTO djust_auth.reset_token SELECT '\\x00', id, now(), now() FROM djust_auth.customer_user LIMIT 1")
    until(lambda: db.one("SELECT count(*) FROM djust_auth.reset_token") == 0, "the next purge")
    db.setting("purge_interval", None)


def extension():
    db = cluster.connect("shop")
    worker = db.until_worker()
    mark = len(cluster.log())
    for number in range(3):
        db.run("DROP EXTENSION djust_auth CASCADE")
        db.begin()
        db.run("CREATE EXTENSION djust_auth")
        db.run("SELECT djust_auth.grant_api('shop_worker', 'worker')")
        db.commit()
        works(db, f"recreated {number}")
    equal((db.worker(), complaints(mark)), (worker, []), "the extension dropped and created again, the worker stays and complains of nothing")
    mark = len(cluster.log())
    db.run("DROP EXTENSION djust_auth CASCADE")
    db.run("CREATE EXTENSION djust_auth")
    until(lambda: "permission denied for schema djust_auth" in cluster.log()[mark:], "the worker to complain")
    ok("HINT:  In this database, call djust_auth.grant_api('shop_worker', 'worker')." in cluster.log()[mark:], "without its grants, it says which function gives them")
    db.run("SELECT djust_auth.grant_api('shop_worker', 'worker')")
    works(db, "granted")
    shop(db)


def alone():
    """Commands that need a database alone find it so, if they may be run."""
    db = cluster.connect("shop")
    db.until_worker()
    db.close()
    root.run("CREATE ROLE nobody LOGIN CREATEDB")
    nobody = Db(host=cluster.host, port=cluster.port, user="nobody", dbname="postgres")
    worker = root.one("SELECT pid FROM pg_stat_activity WHERE backend_type = 'djust_auth worker shop'")
    fails("42501", lambda: nobody.run("DROP DATABASE shop"), "who may not drop a database")
    fails("42501", lambda: nobody.run("ALTER DATABASE shop RENAME TO shop2"), "nor rename it")
    equal(root.one("SELECT pid FROM pg_stat_activity WHERE backend_type = 'djust_auth worker shop'"), worker, "does not send its worker away either")
    nobody.close()
    for name, sql in (("CREATE DATABASE ... TEMPLATE", "CREATE DATABASE shop2 TEMPLATE shop"), ("ALTER DATABASE ... RENAME", "ALTER DATABASE shop RENAME TO shop3"),
                      ("DROP DATABASE", "DROP DATABASE shop")):
        start = time.perf_counter()
        root.run(sql)
        took = time.perf_counter() - start
        ok(took < 2, f"{name} does not wait for the worker", took)
        note(f"{name}: {took * 1000:.0f} ms")
        if "RENAME" in sql:
            root.run("ALTER DATABASE shop3 RENAME TO shop")
        if "DROP" in sql:
            root.run("CREATE DATABASE shop TEMPLATE shop2")
        db = cluster.connect("shop")
        db.until_worker()
        works(db, name)
        db.close()
    mark = len(cluster.log())
    until(lambda: root.one("SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND backend_type = 'client backend'") == 0, "connections to end")
    root.run("DROP DATABASE shop WITH (FORCE)")
    root.run("CREATE DATABASE shop TEMPLATE shop2")
    db = cluster.connect("shop")
    db.until_worker()
    works(db, "a database of the same name")
    equal([line for line in complaints(mark) if "does not exist" not in line], [], "and the log has nothing to say")


def cpu_ns(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def switches(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", file.read(), re.M).group(1))


def idle():
    """An hour at the default is sixty purges; here they come each second, and are counted."""
    db = cluster.connect("shop")
    db.create_user("idle@worker.example", profiles=["customer"])
    db.setting("purge_interval", "1s")
    db.run("SELECT pg_terminate_backend(%s)", db.until_worker())
    until(lambda: db.worker() is None, "its end")
    worker = db.until_worker()

    def purges():
        return db.one("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'session_purge_idx'")

    first = purges()
    until(lambda: purges() >= first + 3, "the first purges")
    wal = db.one("SELECT pg_current_wal_insert_lsn()::text")
    before, first = cpu_ns(worker), purges()
    until(lambda: purges() >= first + 15, "purges")
    per_purge = (cpu_ns(worker) - before) / 15
    note(f"{per_purge / 1e6:.2f} ms of processor time a purge: {per_purge * 60 / 1e9:.3f} s an hour at the default of a minute")
    ok(per_purge * 60 < 3.6e9, "an idle hour costs less than a thousandth of a processor", per_purge)
    written = db.one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::int", wal)
    ok(written < 4096, "purges that find nothing write nothing", written)
    db.setting("purge_interval", None)
    db.run("SELECT pg_terminate_backend(%s)", worker)
    until(lambda: db.worker() is None, "its end")
    worker = db.until_worker()
    until(lambda: db.row("SELECT state, wait_event_type FROM pg_stat_activity WHERE pid = %s", worker) == ("idle", "Extension") and
          db.stats("events_waiting") == 0, "the worker to sleep")
    token = db.login("idle@worker.example")["access_token"]
    before = switches(worker)
    for _ in range(50):
        db.login("idle@worker.example")
        db.can(token)
    equal(switches(worker) - before, 0, "between them it is not woken, whatever succeeds")


def without_smtp():
    """Without smtp_url the worker leaves mail to others; requests for known and unknown addresses look alike."""
    db = cluster.connect("shop")
    db.until_worker()
    for i in range(20):
        db.create_user(f"reset{i}@worker.example", None)

    def wal_of(email):
        before = db.one("SELECT pg_current_wal_insert_lsn()::text")
        db.run("SELECT djust_reset_request(%s)", email)
        db.until_written()
        return db.one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::int", before)

    def rows():
        tables = [row[0] for row in db.all("SELECT relname FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'r'")]
        return {table: db.one(f"SELECT count(*) FROM djust_auth.{table}") for table in tables}

    wal, added = {}, {}
    for kind in ("reset", "stranger"):
        before = rows()
        wal[kind] = sorted(wal_of(f"{kind}{i}@worker.example") for i in range(20))
        added[kind] = {table: n - before[table] for table, n in rows().items() if n != before[table]}
    equal(added["reset"], added["stranger"], "requests for known and unknown addresses leave the same rows")
    equal(added["reset"], {"mail_queue": 20, "audit_event": 20}, "which are a mail and an event each")
    equal(statistics.median(wal["reset"]), statistics.median(wal["stranger"]), "and as much WAL")
    equal(db.one("SELECT count(*) FROM djust_auth.mail_queue WHERE attempts > 0 OR with_worker"), 0, "the worker has touched none")
    due = db.one("SELECT djust_auth.mail_due() <= now()")
    claimed = db.all("SELECT recipient FROM djust_auth.claim_mail(100)")
    equal((due, len(claimed)), (True, 20), "who mails himself finds them, beyond those of no customer")
    id = db.one("SELECT min(id) FROM djust_auth.mail_queue WHERE done_at IS NULL")
    db.run("SELECT djust_auth.mail_rejected(%s, 'no such mailbox')", id)
    equal(db.row("SELECT done_at IS NOT NULL, last_error FROM djust_auth.mail_queue WHERE id = %s", id), (True, "no such mailbox"), "mail_rejected gives one up")
    equal(db.one("SELECT detail ->> 'given_up' FROM djust_auth.audit_event WHERE event = 'mail_failed'"), "true", "on record")
    fails("P0002", lambda: db.run("SELECT djust_auth.mail_sent(%s)", id), "for good")
    ok(db.one("SELECT djust_auth.mail_due() > now()"), "the others are due when their lease ends")


def standby():
    """No worker on a hot standby; one after promotion, and the locks are there."""
    primary = Cluster("worker_primary", "djust_auth.databases = 'postgres'", "wal_level = replica", "max_wal_senders = 4", "hot_standby = on", "full_page_writes = on")
    db = primary.connect()
    db.run("CREATE ROLE dba LOGIN SUPERUSER")
    Db(host=primary.host, port=primary.port, user="dba", dbname="postgres").run("CREATE EXTENSION djust_auth")
    db.until_worker()
    db.run("ALTER ROLE dba NOSUPERUSER")
    db.run("REVOKE EXECUTE ON FUNCTION djust_auth.worker_write() FROM dba")
    db.run("SELECT djust_login('owner@standby.example', %s)", WRONG)
    until(lambda: "permission denied for function worker_write" in primary.log(), "the complaint")
    ok(True, "without worker_role the worker is who owns the extension, no more")
    db.run("GRANT EXECUTE ON FUNCTION djust_auth.worker_write() TO dba")
    db.until_written()
    works(db, "owner")
    db.create_user("ann@standby.example")
    db.run("SET djust_auth.max_login_failures = 100")
    db.run("SELECT djust_login('ann@standby.example', %s) FROM generate_series(1, 100)", WRONG)
    copy_of = primary.standby("worker_copy")
    copy = copy_of.connect()
    equal((copy.one("SELECT pg_is_in_recovery()"), copy.worker()), (True, None), "on a hot standby there is no worker")
    target = db.one("SELECT pg_current_wal_lsn()::text")
    until(lambda: copy.one("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", target), "replay")
    primary.stop("immediate")
    copy_of.ctl("promote")
    copy.until_worker()
    works(copy, "promoted")
    equal(error_of(copy.login("ann@standby.example", GOOD)), "too_many_attempts", "promoted: there is one, and who was suspended is suspended")


main(absent, role, ends, reload, extension, alone, idle, without_smtp, standby)
