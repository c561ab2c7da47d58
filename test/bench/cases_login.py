"""Cases of logins: how much of the cores hashes, what a flood costs others, and memory."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import harness
from harness import (API_ROLE, CORES, PASSWORD, SECONDS, Cores, Pgbench, argon2_loop, each, interleave, memory_of, percentile,
                     server_memory)
from support import until

ADDRESS = r"\set n random(0, {last})" + "\n"
LOGIN = ADDRESS + "SELECT djust_login('user' || :n || '@bench.example', :password);\n"
SELECT_USER = ADDRESS + "SELECT disabled_at FROM djust_auth.customer_user WHERE email = 'user' || :n || '@bench.example';\n"
CONNECTIONS = 200
WARM_LOGINS = 3


def logins(bench, name, clients):
    return Pgbench(bench.store.dbname, name, LOGIN.format(last=bench.store.users - 1), clients=clients, variables={"password": PASSWORD})


def selects(bench, name, clients):
    return Pgbench(bench.store.dbname, name, SELECT_USER.format(last=bench.store.users - 1), clients=clients, role="postgres")


def login(bench, clients):
    """
    Useful hashing is what bare hashes of the same number would cost, of all the time the cores had for us: on a shared
    machine what other programs took is not ours to fill.  It is looked at while every client goes on logging in: what it
    takes to connect, and to run anything for the first time in a backend, is not a login's.
    """
    db = bench.store.connect()
    flood = logins(bench, f"login{clients}_", clients)
    warm = 2 + clients // 8

    def filled():
        begun = db.stats("logins")
        process = flood.start(seconds=warm + SECONDS + 1)
        until(lambda: db.stats("logins") >= begun + WARM_LOGINS * clients or process.poll() is not None, "logins of all clients")
        cores, before, start = Cores(db), db.stats("logins"), time.monotonic()
        time.sleep(SECONDS)  # what is measured, not a wait
        counted, took, (ours, others) = db.stats("logins") - before, time.monotonic() - start, cores.ours()
        if process.poll() is not None:
            raise AssertionError(f"{clients} clients needed more than {warm} s to log in {WARM_LOGINS} times each")
        flood.finish(process)
        if db.stats("logins") - begun != flood.count:
            raise AssertionError(f"{flood.count} transactions, but {db.stats('logins') - begun} logins")
        return counted / took, counted, ours, others

    got = interleave(login=filled, bare=argon2_loop)
    fill = each(got["login"], got["bare"], by=lambda login, bare: login[1] * bare[0] / login[2])
    bench.table.line(f"djust_login, {clients} clients, logins/s", f"bare libargon2, {CORES} threads, hashes/s", "",
                     [rate for rate, *_ in got["login"]], [rate for _, rate in got["bare"]])
    bare = harness.spread([cpu for cpu, _ in got["bare"]], "s")
    others = max(others for *_, others in got["login"])
    bench.table.line(f"useful hashing, {clients} clients: logins × CPU time of a bare hash / time of {CORES} cores",
                     f"bare hash: {bare}; other programs took up to {others:.0%}", "", fill, by="value", least=0.95)


def login_2(bench):
    login(bench, 2)


def login_8(bench):
    login(bench, 8)


def login_64(bench):
    login(bench, 64)


# A flood and the others


def peak_memory(db, pgbench):
    """The most memory the whole server had while pgbench ran."""
    process = pgbench.start()
    peak = 0
    while process.poll() is None:
        peak = max(peak, server_memory(db))
        time.sleep(0.2)  # samples, not a wait
    pgbench.finish(process)
    return peak


def flood_memory(bench):
    """Beside as many clients that only read the users' table: what is over that, logins need."""
    db = bench.store.connect()
    idle = server_memory(db)
    flood, plain = logins(bench, "flood", 64), selects(bench, "plain", 64)
    got = interleave(plain=lambda: peak_memory(db, plain), flood=lambda: peak_memory(db, flood))
    arenas = db.one("SHOW djust_auth.max_concurrent_hashes")
    limit = (int(arenas) * 19456 * 1024) + 64 * 2**20
    bench.table.line("memory of the server, 64 clients that log in", f"64 clients that select ({harness.number(idle, 'B')} without any)", "B",
                     got["flood"], got["plain"], by="difference", most=limit)


def flood_can(bench):
    """p99 of one client's djust_can while all slots hash, while as many processes only hash, and while all cores run plain queries."""
    db = bench.store.connect()
    token, path = db.row("SELECT access_token, path FROM bench.token WHERE n = 0")
    can = Pgbench(bench.store.dbname, "can_p99", "SELECT djust_can(:token, :path, 'read');\n",
                  variables={"token": token, "path": path}, latencies=True)
    flood = logins(bench, "flood_p99", 64)
    # as many backends busy as hash at a time, with statements about as long as a hash
    burn = Pgbench(bench.store.dbname, "burn", "SELECT sum(sqrt(n)) FROM generate_series(1, 100000) AS n;\n", clients=CORES, role="postgres")

    slots = int(db.one("SHOW djust_auth.max_concurrent_hashes"))

    def beside(*loads):
        def measure():
            with ThreadPoolExecutor(len(loads)) as pool:
                others = [pool.submit(load, seconds=SECONDS + 1) for load in loads]
                can.run()
            for other in others:
                other.result()
            return percentile(can.latencies(), 0.99)
        return measure

    bare = partial(argon2_loop, threads=1)
    got = interleave(flood=beside(flood.run), burn=beside(burn.run), bare=beside(*[bare] * slots))
    case = "djust_can, p99 beside 64 clients that log in"
    bench.table.line(case, f"p99 beside {CORES} clients that compute", "s", got["flood"], got["burn"], most=3)
    bench.table.line(case, f"p99 beside {slots} processes of bare libargon2", "s", got["flood"], got["bare"], most=2)


# Memory


def memory_backend(bench):
    """Memory of a backend's own, after the same scan with djust_can and with an empty function."""
    def own(function):
        def measure():
            db = bench.store.connect()
            db.one(f"SELECT count(*) FROM bench.token WHERE {function}")
            anonymous = memory_of(db.pid, "Anonymous")
            db.close()
            return anonymous
        return measure

    got = interleave(ours=own("djust_can(access_token, path, 'read')"), floor=own("bench.nothing(access_token, path, 'read')"))
    bench.table.line(f"memory of a backend's own, all {harness.PROFILES:,} profiles compiled", "after an empty function", "B",
                     got["ours"], got["floor"], by="difference")


def memory_200(bench):
    db = bench.store.connect()

    def after(sql):
        def measure():
            others = [bench.store.connect(user=API_ROLE) for _ in range(CONNECTIONS)]
            failures = []

            def work(some, first):
                for n, other in enumerate(some, first):
                    if not other.one(sql, f"user{n % bench.store.users}@bench.example", PASSWORD):
                        failures.append(n)

            threads = [threading.Thread(target=work, args=(others[k::8], 1000 * k)) for k in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            memory = server_memory(db)
            for other in others:
                other.close()
            if failures:
                raise AssertionError(f"{len(failures)} of {CONNECTIONS} connections got no answer")
            return memory
        return measure

    got = interleave(login=after("SELECT djust_login(%s, %s) ->> 'access_token'"), select=after("SELECT %s::text || %s::text"))
    bench.table.line(f"memory of the server, {CONNECTIONS} connections, each has logged in", "each has run SELECT", "B",
                     got["login"], got["select"], by="difference")
