"""Cases that read: djust_can in the server and through pgbench, and row level security."""

import statistics
import time

import harness
from harness import API_ROLE, Pgbench, each, interleave, on_one_core, seconds_of
from store import WEB_ROLE, Store
from support.request import headers_of, in_request, make_requests

CAN = "djust_can(access_token, path, 'read')"
BARE = "bench.bare_can(access_token, path, 'read')"
NOTHING = "bench.nothing(access_token, path, 'read')"


class Scan:
    """Seconds a row of one statement that calls a function for every row of a table of tokens; warmed when made."""

    def __init__(self, db, table, function):
        self.db = db
        self.sql = f"SELECT count(*) FROM {table} WHERE {function}"
        self.rows = db.one(f"SELECT count(*) FROM {table}")
        on_one_core(db.pid)
        self()

    def __call__(self):
        return seconds_of(self.db, self.sql, expect=self.rows) / self.rows


def can_current(bench):
    db = bench.store.connect()
    got = interleave(can=Scan(db, "bench.token", CAN), bare=Scan(db, "bench.token", BARE), nothing=Scan(db, "bench.token", NOTHING))
    over = {side: each(got[side], got["nothing"], by=lambda a, b: a - b) for side in ("can", "bare")}
    bench.table.line(f"djust_can in the server, {bench.store.tokens:,} current tokens", "empty C function", "s",
                     got["can"], got["nothing"], by="difference", most=3e-6)
    bench.table.line("djust_can over the empty function", "bare check: SHA-256 and session by primary key, no rights, over the same", "s",
                     over["can"], over["bare"], most=0.7)


def can_small(bench):
    """
    Stores of 1,000 users beside the large one, the same statement over as many rows: of as many sessions, so that all tokens
    are distinct there too, and of one session a user, whose tokens come again and again and stay in the processor's caches.
    """
    distinct = Store("distinct", 1000, bench.store.tokens, special=False).load()
    small = Store("small", 1000, 1000, special=False).load()
    small.repeat_tokens(bench.store.tokens)
    sides = {}
    for name, store in (("large", bench.store), ("distinct", distinct), ("small", small)):
        db = store.connect()
        sides.update({name: Scan(db, "bench.token", CAN), name + "_nothing": Scan(db, "bench.token", NOTHING)})
    got = interleave(**sides)
    over = {name: each(got[name], got[name + "_nothing"], by=lambda a, b: a - b) for name in ("large", "distinct", "small")}
    case = f"djust_can over the empty function, {bench.store.users:,} users, {bench.store.tokens:,} distinct tokens"
    bench.table.line(case, "the same, 1,000 users", "s", over["large"], over["distinct"], most=1.3)
    bench.table.line(case, f"1,000 users and tokens, each {bench.store.tokens // small.tokens:,} times", "s",
                     over["large"], over["small"], most=1.3)


def can_patterns(bench):
    db = bench.store.connect()
    got = interleave(many=Scan(db, "bench.many", CAN), few=Scan(db, "bench.few", CAN), nothing=Scan(db, "bench.few", NOTHING))
    bench.table.line(f"djust_can over the empty function, {harness.ROUTES:,} patterns in a profile", "the same, 10 patterns", "s",
                     each(got["many"], got["nothing"], by=lambda a, b: a - b),
                     each(got["few"], got["nothing"], by=lambda a, b: a - b), most=1.3)


def can_old(bench):
    """Tokens from before a refresh; a signature must be checked, and nothing else may be added to the common path."""
    db = bench.store.connect()
    db.run("""CREATE TABLE bench.old AS SELECT access_token AS old_token, path,
        djust_refresh(refresh_token) ->> 'access_token' AS access_token
        FROM (SELECT * FROM bench.spare ORDER BY n DESC LIMIT least(5000, %s)) AS s""", bench.store.spares // 4)
    db.run("VACUUM ANALYZE bench.old")
    key = db.one("SELECT public_key FROM djust_auth.signing_key WHERE verify_until IS NULL").hex()
    got = interleave(old=Scan(db, "bench.old", "djust_can(old_token, path, 'read')"),
                     verify=Scan(db, "bench.old", rf"bench.verify(old_token, '\x{key}')"),
                     current=Scan(db, "bench.old", CAN), nothing=Scan(db, "bench.old", NOTHING))
    floor = each(got["verify"], got["current"], got["nothing"], by=lambda verify, current, nothing: verify + current - nothing)
    bench.table.line("djust_can, tokens from before the last refresh", "bare ES256 check + djust_can, current tokens", "s",
                     got["old"], floor, most=1.2)


def can_pgbench(bench):
    """One client, which waits for each answer, and as many as there are cores, which leave no core idle."""
    for clients in (1, harness.CORES):
        can_pgbench_by(bench, clients)


def can_pgbench_by(bench, clients):
    """
    64 tokens that travel as parameters, one script each, drawn at random; SELECT 1 without parameters, and with the
    same parameters; an empty function and the bare check with them.
    """
    db = bench.store.connect()
    variables = {"access": "read"}
    rows = db.all("SELECT n, access_token, path FROM bench.token ORDER BY n LIMIT 64")
    for n, token, path in rows:
        variables.update({f"token{n}": token, f"path{n}": path})

    def runs(name, sql):
        return Pgbench(bench.store.dbname, name, *(sql.format(n=n) + "\n" for n, _, _ in rows), clients=clients, variables=variables)

    got = interleave(can=runs("can", "SELECT djust_can(:token{n}, :path{n}, :access);").run,
                     one=runs("one", "SELECT 1;").run,
                     nothing=runs("nothing", "SELECT bench.nothing(:token{n}, :path{n}, :access);").run,
                     bare=runs("bare", "SELECT bench.bare_can(:token{n}, :path{n}, :access);").run,
                     same=runs("same", "SELECT 1 WHERE :token{n}::text IS NOT NULL AND :path{n}::text IS NOT NULL AND :access::text IS NOT NULL;").run)
    by = f"by pgbench, prepared, {clients} client{'s' if clients > 1 else ''}, calls/s"
    bench.table.line(f"djust_can {by}", "SELECT 1", "", got["can"], got["one"], least=0.9)
    bench.table.line(f"djust_can {by}", "SELECT 1 with the same parameters", "", got["can"], got["same"], least=0.9)
    bench.table.line(f"djust_can {by}", "bare check with the same parameters", "", got["can"], got["bare"], least=1)
    bench.table.line(f"djust_can {by}", "empty C function with the same parameters", "", got["can"], got["nothing"])
    bench.table.line(f"empty C function with the same parameters {by}", "SELECT 1", "", got["nothing"], got["one"])


def pre_request(bench):
    """Path, headers and claims are set before each call, as PostgREST does; that is in every side, and goes with the floor."""
    db, enforcing = bench.store.connect(), bench.store.connect()
    enforcing.run("SET djust_auth.enforce_routes = on")
    enforcing.run("SELECT set_config('request.method', 'GET', false)")
    make_requests(db, "bench.request", "SELECT access_token, path FROM bench.token ORDER BY n")
    call = in_request("djust_pre_request() IS NOT NULL")
    got = interleave(bearer=Scan(db, "bench.request", call), routes=Scan(enforcing, "bench.request", call),
                     can=Scan(db, "bench.request", in_request(CAN)), nothing=Scan(db, "bench.request", in_request(NOTHING)))
    over = {side: each(got[side], got["nothing"], by=lambda a, b: a - b) for side in ("bearer", "routes", "can")}
    for side, setting in (("bearer", "off"), ("routes", "on")):
        bench.table.line(f"djust_pre_request over the empty function, enforce_routes {setting}, {bench.store.tokens:,} requests",
                         "djust_can over the empty function, the same requests", "s", over[side], over["can"], most=3)


# Row level security

ORDERS = """
CREATE TABLE bench.{name} (id integer PRIMARY KEY, note text NOT NULL);
INSERT INTO bench.{name} SELECT n, 'order ' || n FROM generate_series(1, 100000) AS n;
ALTER TABLE bench.{name} ENABLE ROW LEVEL SECURITY;
CREATE POLICY bearer ON bench.{name} USING ({policy});
GRANT SELECT ON bench.{name} TO {role};
"""


def tables_with_policies(bench, policies):
    db = bench.store.connect()
    for name, policy in policies.items():
        db.run(ORDERS.format(name=name, policy=policy, role=WEB_ROLE))
    db.run(f"GRANT EXECUTE ON FUNCTION bench.request_nothing(text, text) TO {WEB_ROLE}")
    for name in policies:
        db.run(f"VACUUM ANALYZE bench.{name}")
    db.close()


def as_request(bench):
    """A connection in the state PostgREST leaves: the role, and the request in settings."""
    owner = bench.store.connect()
    token, path = owner.row("SELECT access_token, path FROM bench.token WHERE n = 0")
    db = bench.store.connect(user=WEB_ROLE)
    for name, value in (("method", "GET"), ("path", path), ("headers", headers_of(token))):
        db.run("SELECT set_config(%s, %s, false)", "request." + name, value)
    return db, path


def rls_once(bench):
    db, path = as_request(bench)
    tables_with_policies(bench, {"once": f"(SELECT djust_request_can('{path}', 'read'))",
                                 "once_floor": f"(SELECT bench.request_nothing('{path}', 'read'))"})

    def often(table):
        return lambda: statistics.median(seconds_of(db, f"SELECT count(*) FROM bench.{table}", expect=100_000) for _ in range(20))

    sides = {"ours": often("once"), "floor": often("once_floor")}
    for side in sides.values():
        side()
    got = interleave(**sides)
    bench.table.line("RLS, 100,000 rows, USING ((SELECT djust_request_can(…)))", "the same policy, empty function", "s",
                     got["ours"], got["floor"], most=1.05)


def rls_row(bench):
    db, path = as_request(bench)
    tables_with_policies(bench, {"each_row": f"djust_request_can('{path}', 'read')",
                                 "each_row_floor": f"bench.request_nothing('{path}', 'read')"})
    got = interleave(ours=Scan(db, "bench.each_row", "true"), floor=Scan(db, "bench.each_row_floor", "true"))
    bench.table.line("RLS, USING (djust_request_can(…)), a row", "the same policy, empty function", "s",
                     got["ours"], got["floor"], by="difference", most=3e-6)


# Changes of rights


def visible(bench):
    """From the commit of a changed right to the new answer in another backend, which has all profiles compiled."""
    writer, reader = bench.store.connect(), bench.store.connect(user=API_ROLE)
    writer.run("INSERT INTO djust_auth.profile_right VALUES ('few', '/bench-visible', 'none')")
    token = writer.one("SELECT access_token FROM bench.few WHERE n = 0")
    reader.run(f"SELECT count(*) FROM bench.token WHERE {CAN}")

    def once(change):
        def measure():
            taken = []
            for n in range(100):
                access = ("read", "none")[n % 2]
                if change:
                    writer.run("UPDATE djust_auth.profile_right SET access = %s WHERE profile = 'few' AND route = '/bench-visible'", access)
                start = time.perf_counter()
                answer = reader.can(token, "/bench-visible")
                taken.append(time.perf_counter() - start)
                if change and answer != (access == "read"):
                    raise AssertionError("a committed right is not visible to another backend")
            return statistics.median(taken)
        return measure

    got = interleave(changed=once(True), unchanged=once(False))
    bench.table.line("right changed, new answer in another backend at the next call, after", "a call without a change", "s",
                     got["changed"], got["unchanged"])
