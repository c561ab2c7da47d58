"""Cases of more than one machine, on one: calls through a router to 1, 2 and 4 shards, and checks on a standby."""

import contextlib
import itertools
import os
import subprocess

import harness
from harness import API_ROLE, PASSWORD, Pgbench, connect, interleave
from store import Store
from support import ROOT, Cluster, program, setup, until

USERS = min(1000, harness.USERS)
SHARDS = (1, 2, 4)
CLIENTS = (1, 8)
TOKENS = 64
LOGIN = rf"""\set n random(0, {USERS - 1})
SELECT djust_login('user' || :n || '@bench.example', :password);
"""
ROUTED = {1: "1 shard", 2: "2 shards", 4: "4 shards"}
# PL/Proxy has every call parsed on the shard, so a client that prepares spares that only when it calls the shard itself
MODES = {"extended": "parsed each time", "prepared": "prepared"}


def of(clients):
    return f"{clients} client{'s' if clients > 1 else ''}"


# Router

FLOOR = """CREATE FUNCTION bench_one() RETURNS integer LANGUAGE plproxy SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
    $$ CLUSTER 'djust_router'; RUN ON 0; SELECT 1; $$"""


def make_router(name, shards):
    """A database of the same cluster, like its shards."""
    words = [f"{n}=host={os.environ['PGHOST']} port={os.environ['PGPORT']} dbname=shard{n} user=bench_router" for n in range(shards)]
    script = subprocess.run(["sh", os.path.join(ROOT, "sql", "router.sh"), *words], check=True, stdout=subprocess.PIPE, text=True).stdout
    program("createdb", name)
    db = connect(name)
    db.run(script)
    db.run("SELECT djust_router.grant_api(%s::regrole)", API_ROLE)
    db.run(FLOOR)
    db.close()


def routers(bench):
    """Shards and routers, made once; False, and a remark, where PL/Proxy is not to be had.  Every shard has all users."""
    if bench.shards is None:
        try:
            setup("need_plproxy")
        except subprocess.CalledProcessError:
            bench.table.remark("router", "skipped: postgresql-plproxy could not be installed")
            return False
        connect("postgres").run("CREATE ROLE bench_router LOGIN")
        bench.shards = [Store(f"shard{n}", USERS, USERS, special=False, shard=n).load() for n in range(max(SHARDS))]
        for store in bench.shards:
            store.db.run("SELECT djust_auth.grant_api('bench_router')")
        for shards in SHARDS:
            make_router(f"router{shards}", shards)
    return True


def checks(name, database, stores, clients, mode="prepared"):
    """TOKENS of these stores in turn, one script each, as parameters."""
    variables, scripts = {"access": "read"}, []
    for n in range(TOKENS):
        variables[f"token{n}"], variables[f"path{n}"] = stores[n % len(stores)].db.row("SELECT access_token, path FROM bench.token WHERE n = %s", n)
        scripts.append(f"SELECT djust_can(:token{n}, :path{n}, :access);\n")
    return Pgbench(database, name, *scripts, clients=clients, variables=variables, mode=mode)


def router_can(bench):
    """The floor of a call through PL/Proxy is one that does nothing on the shard."""
    if not routers(bench):
        return
    for (clients, least), mode in itertools.product(zip(CLIENTS, (0.2, 0.3)), MODES):
        sides = {f"router{n}": checks(f"routed{n}_", f"router{n}", bench.shards[:n], clients, mode).run for n in SHARDS}
        got = interleave(direct=checks("direct", "shard0", bench.shards[:1], clients, mode).run,
                         one=Pgbench("router1", "routed_one", "SELECT bench_one();\n", clients=clients, mode=mode).run, **sides)
        how = f"{MODES[mode]}, {of(clients)}, calls/s"
        for n in SHARDS:
            bench.table.line(f"djust_can through a router, {ROUTED[n]}, {how}", "djust_can on the shard", "",
                             got[f"router{n}"], got["direct"], least=least)
        bench.table.line(f"djust_can through a router, 1 shard, {how}", "SELECT 1 through a bare function of PL/Proxy", "",
                         got["router1"], got["one"])
        bench.table.line(f"SELECT 1 through a bare function of PL/Proxy, {how}", "djust_can on the shard", "",
                         got["one"], got["direct"])


def router_login(bench):
    if not routers(bench):
        return

    def logins(name, database, clients):
        return Pgbench(database, name, LOGIN, clients=clients, variables={"password": PASSWORD}).run

    for clients in CLIENTS:
        got = interleave(direct=logins("login_direct", "shard0", clients),
                         **{f"router{n}": logins(f"login_routed{n}_", f"router{n}", clients) for n in SHARDS})
        for n in SHARDS:
            bench.table.line(f"djust_login through a router, {ROUTED[n]}, {of(clients)}, logins/s", "djust_login on the shard", "",
                             got[f"router{n}"], got["direct"], least=0.95)


# Standby


@contextlib.contextmanager
def at(cluster):
    """Another cluster than the bench's."""
    before = {name: os.environ[name] for name in ("PGHOST", "PGPORT")}
    os.environ.update(PGHOST=cluster.host, PGPORT=cluster.port)
    yield
    os.environ.update(before)


def standby(bench):
    """A primary of its own with a standby, on one machine: one answers at a time."""
    primary = Cluster("bench_primary", "djust_auth.databases = 'replicated'", "djust_auth.max_replica_lag = '1min'",
                      "djust_auth.access_token_lifetime = 1d", "djust_auth.refresh_token_lifetime = 10d", "djust_auth.session_max_lifetime = 10d")
    with at(primary):
        store = Store("replicated", USERS, USERS, special=False).load()
    copy = primary.standby("bench_standby")
    token, path = store.db.row("SELECT access_token, path FROM bench.token WHERE n = 0")
    with at(copy):
        db = store.connect()
        until(lambda: db.can(token, path), "the standby to answer")

    def run(cluster, pgbench):
        def measure():
            with at(cluster):
                return pgbench.run()
        return measure

    for clients in CLIENTS:
        pgbench = checks("replicated", "replicated", [store], clients)
        got = interleave(primary=run(primary, pgbench), standby=run(copy, pgbench))
        bench.table.line(f"djust_can on a standby, {of(clients)}, calls/s", "djust_can on its primary", "", got["standby"], got["primary"])
    copy.stop("fast")
    primary.stop("fast")
