"""doc/standbys.md, "PostgREST": what reads goes to standbys, what writes to the primary, by the configurations of the page, before a cluster of its own."""

import os
import re
import subprocess
import sys
import tempfile

import web
from support import GOOD, ROOT, Cluster, equal, main, ok, program, skip, until
from support.balancer import LAG_S, Balancer, blocks, installed, page
from web import DRIVER
from with_postgrest import await_answer, postgrest

EMAIL = "ann@standbys.example"
folder = tempfile.mkdtemp(prefix="djust_auth_standbys.", dir=os.environ["DJUST_TMP"])
servers = []


def statements():
    """Those of doc/postgrest.md that make the roles."""
    with open(os.path.join(ROOT, "doc", "postgrest.md"), encoding="utf-8") as file:
        return re.search(r"^```sql\n(.*?)^```$", file.read(), re.M | re.S).group(1)


def start():
    global primary, standbys, copies, balancer, db
    primary = Cluster(f"http_standbys_{DRIVER}", "wal_level = replica", "max_wal_senders = 8", "wal_keep_size = 64MB", "djust_auth.databases = 'shop'",
                      f"djust_auth.max_replica_lag = '{LAG_S}s'")
    primary.connect().run("CREATE DATABASE shop")
    program("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", input=statements(), env=primary.environment("shop"))
    db = primary.connect("shop", options="-c search_path=api,public")
    db.run("CREATE TABLE api.orders (place text NOT NULL); INSERT INTO api.orders VALUES ('a shop'); ALTER TABLE api.orders ENABLE ROW LEVEL SECURITY")
    db.run("CREATE POLICY own ON api.orders FOR SELECT USING ((SELECT api.djust_request_can('/orders', 'read'))); GRANT SELECT ON api.orders TO web_customer")
    db.run("CREATE FUNCTION api.on_standby() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT pg_is_in_recovery()'")
    db.run("SELECT djust_auth.create_profile('buyer'), djust_auth.set_right('buyer', '/orders', 'read')")
    db.create_user(EMAIL, profiles=["buyer"])
    db.run("SELECT djust_auth.rotate_signing_key()")
    db.run(re.search("ALTER ROLE web_authenticator [^`]*", page())[0])
    db.until_worker()
    standbys = [primary.standby(f"http_standbys_{DRIVER}_{number}") for number in (1, 2)]
    copies = [standby.connect("shop") for standby in standbys]
    wait_for_standbys(True)
    balancer = Balancer(f"http_standbys_{DRIVER}_haproxy", (primary, *standbys), "shop")
    for number, text in enumerate(blocks("ini", "db-uri")):
        path = os.path.join(folder, f"{number}.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(balancer.ours(text))
        command = [postgrest()] if DRIVER == "postgrest" else [sys.executable, os.path.join(ROOT, "test", "lib", "postgrest_replay.py")]
        with open(os.path.join(folder, f"{number}.log"), "w", encoding="utf-8") as log:
            servers.append(subprocess.Popen([*command, path], stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    for port, server in zip(("3002", "3003"), servers):
        await_answer(f"http://127.0.0.1:{balancer.ports[port]}", server)
    for method in ("GET", "POST"):
        until(lambda by=method: ask("djust_jwks", method=by).status == 200, "the balancer to find them", 30)


def ask(function, arguments=None, port="3000", method="POST", **options):
    web.URL = f"http://127.0.0.1:{balancer.ports[port]}"
    return web.get(function, arguments, **options) if method == "GET" else web.post(function, arguments, **options)


def table(bearer):
    web.URL = f"http://127.0.0.1:{balancer.ports['3000']}"
    return web.ask("GET", "/orders", bearer=bearer)


def wait_for_standbys(on):
    """Whether commits do."""
    db.run(f"ALTER SYSTEM SET synchronous_standby_names = '{'FIRST 2 (*)' if on else ''}'")
    db.run("SELECT pg_reload_conf()")
    until(lambda: db.one("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 2 * on, "the standbys' state")


def login():
    tokens = ask("djust_login", {"email": EMAIL, "password": GOOD}).json
    return tokens["access_token"], tokens["refresh_token"]


def reads():
    access, refresh = login()
    equal((ask("on_standby", method="GET").json, ask("on_standby").json), (True, False), "GET is answered by a standby, POST by the primary")
    answers = [table(access).text, ask("djust_can", {"access_token": access, "route": "/orders", "access": "read"}, bearer=access).json,
               len(ask("djust_sessions", {"access_token": access}, bearer=access).json), ask("djust_request_can", {"route": "/orders", "access": "read"}, method="GET", bearer=access).json]
    equal(answers, ['[{"place":"a shop"}]', True, 1, True], "right after the login the standbys know it")
    equal(ask("djust_can", {"access_token": access, "route": "/orders", "access": "read"}, port="3003", bearer=access).json, True, "a check that is posted works there")
    refused = ask("djust_login", {"email": EMAIL, "password": GOOD}, port="3003")
    equal((refused.status, refused.json["code"]), (400, "0A000"), "a login does not")
    equal((ask("djust_refresh", {"refresh_token": refresh}).status, ask("djust_logout", {"token": access}).json), (200, True), "refresh and logout reach the primary")
    refused = table(access)
    equal((refused.status, "invalid_token" in (refused.header("www-authenticate") or "")), (401, True), "the next request with that bearer is refused by the standby")


def rotation():
    """The statements of the page."""
    script, = blocks("text", r"SELECT djust_auth\.rotate")
    program("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", input=script, env=primary.environment("shop"))
    user_id = db.one("SELECT id FROM djust_auth.customer_user")
    token = db.one("SELECT djust_auth.open_session(%s)", user_id)["access_token"]
    until(lambda: table(token).status == 200, "the key of the rotation", 30)
    ok(True, "a new key reaches the instance that reads")


def behind():
    access, _ = login()
    wait_for_standbys(False)
    for copy in copies:
        copy.run("SELECT pg_wal_replay_pause()")
    balancer.until("5434", primary)
    answer = None

    def answered_by_primary():
        nonlocal answer
        answer = ask("on_standby", method="GET", bearer=access)
        return answer.status == 200 and answer.json is False

    until(answered_by_primary, "the primary to answer", 30)
    equal(table(access).text, '[{"place":"a shop"}]', "standbys too far behind: the primary answers")


def end():
    for server in servers:
        server.terminate()
        server.wait()


def missing():
    skip("PostgREST before standbys", "haproxy could not be installed")


try:
    main(*([start, reads, rotation, behind] if installed() else [missing]))
finally:
    end()
