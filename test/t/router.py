"""The PL/Proxy router of doc/scaling.md: the public API over two shards, as each of them alone gives it."""

import json
import os
import re
import subprocess

import psycopg2

from support import GOOD, OTHER, ROOT, WRONG, Cluster, Db, equal, error_of, fails, main, note, ok, program, shop, skip, until
from support.shards import has_plproxy
from with_postgrest import ROLES, serving

CUSTOMERS = [f"customer{n}@router.example" for n in range(12)]
EARLY = "early@router.example"
PUBLIC = {"acb": ["djust_login(text,text)", "djust_token(text,text,text,text,text,text,text)", "djust_refresh(text)", "djust_logout(text,text,text,text)",
                  "djust_reset_request(text)", "djust_reset_confirm(text,text)", "djust_reset_page(text,text)", "djust_sign_up(text,text,text)",
                  "djust_confirm_email(text)", "djust_revert_email(text)", "djust_sign_up_page(text,text)", "djust_confirm_page(text,text)", "djust_jwks()", "djust_metadata()", "djust_pre_request()",
                  "djust_request_user()", "djust_request_can(text,text)"],
          "cb": ["djust_can(text,text,text)", "djust_sessions(text)", "djust_end_session(text,uuid)", "djust_change_password(text,text,text)",
                 "djust_change_email(text,text,text)"],
          "b": ["djust_introspect(text,text,text,text)"], "p": ["djust_auth.postgrest_config()"]}
SIGNATURES = """SELECT proname, pg_get_function_arguments(oid), provolatile::text, regexp_replace(pg_get_function_result(oid), '^djust_\\w+\\.', '')
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'djust%' ORDER BY 1"""
shards, shard_host, router, back, postgres = [], None, None, None, None


def missing():
    skip("the router", "postgresql-plproxy could not be installed")


def commands():
    """What doc/scaling.md tells to type on the router."""
    with open(os.path.join(ROOT, "doc", "scaling.md"), encoding="utf-8") as file:
        return re.search(r"\n## A router\n.*?```sh\n(.*?)```", file.read(), re.S).group(1)


def run_commands():
    script = commands()
    for number in (0, 1):
        script = re.sub(rf"host=shop{number}\.internal", f"host={shard_host.host} port={shard_host.port}", script).replace(f"dbname=shop{number}", f"dbname=shard{number}")
    path = os.environ["DJUST_BIN"] + ":" + os.environ["PATH"]
    return subprocess.run(["sh", "-ec", script], env={**router.environment("postgres"), "PATH": path}, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


def begin():
    global shard_host, router, back, postgres
    shard_host = Cluster("router_shards")
    shard_host.connect().run("CREATE ROLE shop_router LOGIN")
    for number in (0, 1):
        program("createdb", "-h", shard_host.host, "-p", shard_host.port, "-U", "postgres", f"shard{number}")
        db = shard_host.connect(f"shard{number}")
        db.run("CREATE EXTENSION djust_auth; SELECT djust_auth.grant_api('shop_router')")
        db.run(f"ALTER DATABASE shard{number} SET djust_auth.shard = {number}")
        db.run(f"ALTER DATABASE shard{number} SET djust_auth.issuer = 'https://shop.example'")
        shards.append(shard_host.connect(f"shard{number}"))
        shop(shards[number])
        shards[number].run("SELECT djust_auth.set_right('anonymous', '/public', 'read')")
    router = Cluster("router", "shared_preload_libraries = ''", "log_statement = 'all'", "log_min_duration_statement = 0")
    generous()
    installed = run_commands()
    equal(installed.returncode, 0, "the commands of the page make a router, without the library preloaded")
    if installed.returncode:
        note(installed.stdout)
    postgres = router.connect("router")
    postgres.run("CREATE ROLE shop_backend LOGIN; CREATE ROLE stranger LOGIN; SELECT djust_router.grant_api('shop_backend')")
    postgres.run("ALTER ROLE shop_backend SET client_min_messages = 'warning'")
    for role, kind in ROLES.items():
        postgres.run(f"CREATE ROLE {role} NOINHERIT LOGIN; SELECT djust_router.grant_api('{role}', '{kind}')")
    postgres.run("GRANT http_anon, http_customer TO http_authenticator")
    for email in [*CUSTOMERS, EARLY]:
        shards[home(email)].create_user(email, profiles=["customer"])
    back = connect("shop_backend")
    equal(error_of(back.login(EARLY)), None, "a login without the library preloaded")
    router.configure("shared_preload_libraries = 'djust_auth'")
    router.restart("fast")
    postgres, back = router.connect("router"), connect("shop_backend")


def generous():
    """Default privileges, in databases that are made from now on."""
    template = router.connect("template1")
    template.run("CREATE ROLE reporting")
    for kind in ("SCHEMAS", "TABLES", "FUNCTIONS", "TYPES"):
        template.run(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO reporting WITH GRANT OPTION")
    template.run("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC")
    template.run("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO reporting, PUBLIC")
    template.close()


def connect(user):
    return Db(host=router.host, port=router.port, user=user, dbname="router")


def home(email):
    return shards[0].one("SELECT djust_auth.email_shard(%s, 2)", email)


def sid(token):
    return back.one("SELECT djust_introspect(%s) ->> 'sid'", token)


def sessions_on(number, email):
    return shards[number].one("SELECT count(*) FROM djust_auth.active_session JOIN djust_auth.customer_user u ON u.id = user_id WHERE u.email = %s", email)


def catalogue():
    equal(postgres.all(SIGNATURES), shards[0].all(SIGNATURES), "names, arguments, defaults, results and volatility are those of a shard")
    for role, kind in (("http_anon", "a"), ("http_customer", "c"), ("shop_backend", "b"), ("http_authenticator", "p"), ("stranger", "?"), ("reporting", "?")):
        expected = {name for kinds, names in PUBLIC.items() if kind in kinds for name in names}
        got = {row[0] for row in postgres.all("SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'djust_router'::regnamespace, 'djust_auth'::regnamespace)"
                                              " AND has_function_privilege(%s, oid, 'EXECUTE') AND proname NOT LIKE 'plproxy%%'", role)}
        equal(got, expected, f"{role} may call what its kind gives, and nothing else")
    for role in ("stranger", "reporting"):
        equal(postgres.row("SELECT has_schema_privilege(%s, 'djust_router', 'USAGE, CREATE') OR has_schema_privilege(%s, 'djust_auth', 'USAGE, CREATE'), has_table_privilege(%s, 'djust_router.api', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'),"
                           " has_type_privilege(%s, 'djust_router.\"text/html\"', 'USAGE')", role, role, role, role), (False, False, False), f"{role} has nothing in the schemas of the router")
    stranger = connect("stranger")
    fails("42501", lambda: stranger.login(CUSTOMERS[0]), "a role that was granted nothing logs nobody in")
    fails("42501", lambda: back.run("SELECT djust_router.djust_can(0, '', '', '', '', false, NULL, '/public', 'read')"), "nor does a backend reach a shard of its choice")
    fails("42501", lambda: back.run("SELECT * FROM djust_router.api"), "or the router's table")
    direct = Db(host=shard_host.host, port=shard_host.port, user="shop_router", dbname="shard0")
    equal(direct.can(None, "/public"), True, "the router's role calls the API of a shard")
    for sql in ("SELECT * FROM djust_auth.customer_user", "SELECT * FROM djust_auth.session", "SELECT djust_auth.create_user('eve@router.example')",
                "SELECT djust_auth.end_sessions(gen_random_uuid())", "SELECT djust_auth.rotate_signing_key()"):
        fails("42501", lambda statement=sql: direct.run(statement), f"but not {sql}")


def journeys():
    shard_count = [0, 0]
    for n, email in enumerate(CUSTOMERS):
        here, there = home(email), 1 - home(email)
        shard_count[here] += 1
        tokens = back.login(email) if n % 2 else back.one("SELECT djust_token('password', %s, %s)", email.upper(), GOOD)
        good = "error" not in tokens and sessions_on(here, email) == 1
        access, refresh = tokens["access_token"], tokens["refresh_token"]
        good &= back.can(access) and not back.can(access, access="write") and shards[here].can(access) and not shards[there].can(access)
        again = back.refresh(refresh) if n % 2 else back.one("SELECT djust_token('refresh_token', refresh_token => %s)", refresh)
        access = again["access_token"]
        good &= back.one("SELECT djust_introspect(%s) ->> 'username'", access) == email
        other = back.login(email)["access_token"]
        good &= back.one("SELECT json_array_length(djust_sessions(%s))", access) == 2
        good &= back.one("SELECT djust_end_session(%s, %s)", access, sid(other)) == 1 and not back.can(other)
        good &= error_of(back.one("SELECT djust_change_password(%s, %s, %s)", access, WRONG, OTHER)) == "invalid_grant"
        good &= "error" not in back.one("SELECT djust_change_password(%s, %s, %s)", access, GOOD, OTHER)
        good &= error_of(back.login(email)) == "invalid_grant"
        third = back.login(email, OTHER)
        good &= back.one("SELECT djust_end_session(%s)", access) == 1 and not back.can(third["access_token"])
        good &= back.logout(access) and not back.can(access) and not shards[here].can(access) and not back.logout(access)
        good &= error_of(back.refresh(again["refresh_token"])) == "invalid_grant"
        back.run("SELECT djust_reset_request(%s)", email)
        link = re.search(r"djp_[A-Za-z0-9_-]+", shards[here].one("SELECT body_text FROM djust_auth.claim_mail(1000) WHERE recipient = %s AND body_text ~ 'djp_'", email)).group()
        good &= link in back.one("SELECT djust_reset_page(%s)", link)
        good &= error_of(back.confirm(link, "x")) == "weak_password" and "error" not in back.confirm(link, GOOD) and error_of(back.confirm(link)) == "invalid_grant"
        good &= "error" not in back.login(email)
        ok(good and sessions_on(there, email) == 0, f"{email} lives on shard {here} only")
    ok(min(shard_count) > 0, "both shards have customers", shard_count)
    equal(back.one("SELECT djust_jwks()"), shards[0].one("SELECT djust_jwks()"), "djust_jwks: that of shard 0")
    equal(back.one("SELECT djust_metadata()"), shards[0].one("SELECT djust_metadata()"), "djust_metadata, too")


def nothing_to_route_by():
    for bad in ("", "x", "djr_", "a.b.c", "é" * 43, "." * 5000):
        equal([back.can(bad), back.logout(bad), error_of(back.refresh(bad)), error_of(back.confirm(bad)), back.one("SELECT djust_introspect(%s)", bad),
               back.one("SELECT djust_sessions(%s)", bad), back.one("SELECT djust_end_session(%s)", bad)],
              [False, False, "invalid_grant", "invalid_grant", {"active": False}, [], 0], f"garbage {bad[:5]!r}")
    equal(error_of(back.login("no address", GOOD)), "invalid_grant", "garbage for an address")
    equal([back.can(None, "/public"), back.can(None)], [True, False], "anonymous callers have their rights")
    for call in ("djust_login(NULL, 'x')", "djust_login('a@b.example', NULL)", "djust_token(NULL)", "djust_refresh(NULL)", "djust_logout(NULL)", "djust_can(NULL, NULL, 'read')",
                 "djust_reset_request(NULL)", "djust_reset_confirm(NULL, 'x')", "djust_reset_page(NULL)", "djust_introspect(NULL)", "djust_change_password(NULL, '', '')",
                 "djust_sign_up(NULL, '')", "djust_confirm_email(NULL)", "djust_change_email(NULL, '', '')", "djust_revert_email(NULL)", "djust_confirm_page(NULL)", "djust_sessions(NULL)", "djust_end_session(NULL)", "djust_request_can(NULL, 'read')", "djust_can(NULL, '/public', 'dance')"):
        same_error(f"SELECT {call}")
    with_shard_0_alone()


def with_shard_0_alone():
    """The other is not asked: it refuses connections."""
    token = back.login(next(email for email in CUSTOMERS if home(email) == 1))["access_token"]
    postgres_of_shards = shard_host.connect()
    postgres_of_shards.run("ALTER DATABASE shard1 ALLOW_CONNECTIONS false")
    postgres_of_shards.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shard1'")
    fresh = connect("shop_backend")
    equal([fresh.can(None, "/public"), fresh.can("x"), error_of(fresh.refresh("x"))], [True, False, "invalid_grant"], "NULL and garbage are answered without the other shard")
    there = next(email for email in CUSTOMERS if home(email) == 1)
    fails("08006", lambda: fresh.login(there), "its customers get an error")
    fails("08006", lambda: fresh.can(token), "their tokens, too")
    postgres_of_shards.run("ALTER DATABASE shard1 ALLOW_CONNECTIONS true")
    shards[1] = shard_host.connect("shard1")
    equal(error_of(fresh.login(there)), None, "and log in when it is back, in the same session")
    until(lambda: error(back, "SELECT djust_login(%s, %s)", there, GOOD) is None, "a connection that was lost")


def error(db, sql, *values):
    try:
        db.run(sql, *values)
    except psycopg2.Error as raised:
        return raised.pgcode, raised.diag.message_primary, raised.diag.message_detail, raised.diag.message_hint
    return None


def same_error(sql, prepare=None):
    """The router's error is the shard's, word for word."""
    pair = []
    for db in (back, shards[0]):
        db.run("BEGIN")
        if prepare:
            db.run(prepare)
        pair.append(error(db, sql))
        db.run("ROLLBACK")
    ok(pair[1] is not None and pair[0] == pair[1], f"{sql}: {pair[1] and pair[1][0]}", pair)


def in_request(db, token, method="POST", path="/rpc/djust_sessions", **headers):
    """Begins a transaction as PostgREST does."""
    if token:
        headers["authorization"] = f"Bearer {token}"
    db.run("BEGIN")
    db.run("SELECT set_config('request.headers', %s, true), set_config('request.method', %s, true), set_config('request.path', %s, true)", json.dumps(headers), method, path)


def answered(db):
    return db.row("SELECT nullif(current_setting('response.status', true), ''), current_setting('response.headers', true)::json")


def requests():
    for email in CUSTOMERS[:4]:
        here = shards[home(email)]
        token = back.login(email)["access_token"]
        user_id = here.one("SELECT id::text FROM djust_auth.customer_user WHERE email = %s", email)
        in_request(back, token)
        back.run("SELECT djust_pre_request()")
        equal([back.one("SELECT djust_request_user()::text"), back.one("SELECT djust_request_can('/orders', 'read')"), back.one("SELECT djust_request_can('/orders', 'write')")],
              [user_id, True, False], f"the request functions know {email}")
        back.run("SET LOCAL request.headers = '{\"AUTHORIZATION\":\"  bearer  \\t%s\"}'" % token)
        equal(back.one("SELECT djust_request_user()::text"), user_id, "other spellings of the header are read, too")
        back.rollback()
        back.logout(token)
        in_request(back, token)
        equal(back.one("SELECT djust_request_user()"), None, "after a logout they know nobody")
        back.rollback()
    dead = json.dumps({"authorization": f"Bearer {token}"})
    same_error("SELECT djust_pre_request()", f"SELECT set_config('request.headers', '{dead}', true), set_config('request.method', 'GET', true)")
    same_error("SELECT djust_can('x', '/orders', 'read')", "SELECT set_config('request.method', 'GET', true), set_config('request.path', '/rpc/djust_can', true)")
    same_error("SELECT djust_sessions('x')", "SELECT set_config('request.method', 'GET', true), set_config('request.path', '/rpc/djust_sessions', true)")
    same_error(f"SELECT djust_login('a@b.example', '{GOOD}')", "SET TRANSACTION READ ONLY")
    for page in ("djust_reset_page('x', 'y')", "djust_sign_up_page('x', 'y')", "djust_confirm_page('x', 'y')"):
        same_error(f"SELECT {page}", "SET TRANSACTION READ ONLY")
    same_error("SELECT djust_pre_request()", """SELECT set_config('request.jwt.claims', '{"sid":"x"}', true)""")
    equal([notice for notice in back.raw.notices if "stale" in notice], [], "a call after an error says nothing to a role that hears no NOTICE")
    for headers in ("", "no JSON", "[]", '{"authorization":"Basic x"}'):
        back.begin()
        back.run("SELECT set_config('request.headers', %s, true)", headers)
        equal([back.one("SELECT djust_request_user()"), back.one("SELECT djust_request_can('/public', 'read')")], [None, True], f"headers {headers!r}: nobody")
        back.rollback()
    for email, password in ((CUSTOMERS[1], WRONG), (CUSTOMERS[1], GOOD)):
        got = []
        for db in (back, shards[home(email)]):
            in_request(db, None, path="/rpc/djust_login")
            db.login(email, password)
            got.append(answered(db))
            db.rollback()
        ok(got[0] == got[1] and got[0][1], f"status and headers of the answer arrive: {got[0][0]}", got)
    in_request(back, None, path="/rpc/djust_login", **{"user-agent": "Tulip/4"})
    token = back.login(CUSTOMERS[1])["access_token"]
    back.rollback()
    equal(back.one("SELECT s ->> 'user_agent' FROM json_array_elements(djust_sessions(%s)) s WHERE s ->> 'current' = 'true'", token), "Tulip/4", "the user agent arrives; a login stands though its caller rolls back")
    equal(shards[home(CUSTOMERS[1])].one("SELECT count(*) FROM djust_auth.session WHERE user_agent = 'Tulip/4'"), 1, "on its shard")


def callers_path():
    """djust_can pins no search_path: nothing behind it is found by the caller's, in a session that has called nothing yet."""
    token = back.login(CUSTOMERS[0])["access_token"]
    postgres.run("CREATE SCHEMA evil; GRANT ALL ON SCHEMA evil TO shop_backend")
    evil = connect("shop_backend")
    for kind in ("bool", "int4", "text"):
        evil.run(f"CREATE DOMAIN evil.{kind} AS pg_catalog.{kind} CHECK (false)")
    for name, arguments, result in (("djust_can", "pg_catalog.int4, pg_catalog.text, pg_catalog.text, pg_catalog.text", "pg_catalog.bool"),
                                    ("djust_can", "pg_catalog.text, pg_catalog.text, pg_catalog.text", "pg_catalog.bool"),
                                    ("token_shard", "pg_catalog.text", "pg_catalog.int4")):
        evil.run(f"CREATE FUNCTION evil.{name}({arguments}) RETURNS {result} LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''called''; END'")
    evil.close()
    for method in ("", "POST"):
        evil = connect("shop_backend")
        evil.begin()
        evil.run("SET LOCAL search_path = evil, pg_catalog")
        evil.run("SELECT pg_catalog.set_config('request.method', %s, true)", method)
        equal([evil.one("SELECT public.djust_can(%s, '/orders', %s)", bearer, access) for bearer in (token, "x") for access in ("read", "write")],
              [True, False, False, False], f"a caller's search_path leads nowhere{method and ', in a request'}")
        evil.close()
    postgres.run("DROP SCHEMA evil CASCADE")


def words():
    """PL/Proxy tells the level of a shard's error in the shard's language."""
    raised = "SELECT djust_router.raise('42501', %s, 'Remote detail: why', 'Remote hint: what to do')"
    for level in ("ERROR", "FEHLER", "ERREUR"):
        equal(error(postgres, raised, f"public.f(4): [shard0] REMOTE {level}: no: not so"), ("42501", "no: not so", "why", "what to do"), f"a shard's {level} in its own words")
    for message in ("public.f(4): [shard0] REMOTE FATAL: gone", "PL/Proxy function public.f(4): [shard0] gone"):
        equal(error(postgres, raised, message), ("08006", message, "why", "what to do"), f"a shard that cannot be reached: {message}")
    equal(error(postgres, raised, "public.f: [shard0] REMOTE ERROR: x"), ("42501", "public.f: [shard0] REMOTE ERROR: x", "why", "what to do"), "words of others stay")
    equal(error(postgres, "SELECT djust_router.raise('42501', 'no', '', NULL)"), ("42501", "no", None, None), "without detail and hint")
    fails("22004", lambda: postgres.run("SELECT djust_router.raise(NULL, 'x', '', '')"), "no state")
    fails("XX000", lambda: postgres.run("SELECT djust_router.raise('42', 'x', '', '')"), "half a state", "five characters")


def one_key():
    """That of shard 0 for both: they have one key file."""
    columns = "kid, algorithm, private_key, public_key, created_at, verify_until, longest_token"
    rows = shards[0].all(f"SELECT {columns} FROM djust_auth.signing_key")
    shards[1].run("DELETE FROM djust_auth.signing_key")
    for row in rows:
        shards[1].run(f"INSERT INTO djust_auth.signing_key ({columns}) VALUES ({', '.join(['%s'] * len(row))})", *row)
    for number in (0, 1):
        shards[number].run(f"ALTER DATABASE shard{number} SET djust_auth.jwt_role = 'http_customer'")


def over_http():
    """PostgREST, or its replay, in front of the router: customers of both shards, with one set of keys."""
    one_key()
    shards[0].run("SELECT djust_auth.grant_api('shop_router', 'authenticator')")
    with serving("router", database="router", api="public", host=router.host, port=router.port) as (url, admin_url):
        os.environ.update(HTTP_URL=url, HTTP_ADMIN_URL=admin_url, HTTP_DRIVER="router", HTTP_DATABASE="router")
        from web import form, get, post
        for email in CUSTOMERS[:6]:
            user_id = shards[home(email)].one("SELECT id::text FROM djust_auth.customer_user WHERE email = %s", email)
            wrong = post("djust_login", {"email": email, "password": WRONG})
            tokens = form("djust_token", {"grant_type": "password", "username": email, "password": GOOD}).json
            tokens = post("djust_refresh", {"refresh_token": tokens["refresh_token"]}).json
            bearer = tokens["access_token"]
            seen = [wrong.status, wrong.header("cache-control"), get("djust_request_user", bearer=bearer).json,
                    post("djust_can", {"access_token": bearer, "route": "/orders", "access": "GET"}, bearer=bearer).json,
                    get("djust_request_can", {"route": "/orders", "access": "write"}, bearer=bearer).json,
                    len(post("djust_sessions", {"access_token": bearer}, bearer=bearer).json) > 0, post("djust_logout", {"token": bearer}).json]
            gone = get("djust_request_user", bearer=bearer)
            equal(seen + [gone.status, gone.header("www-authenticate")],
                  [401, "no-store", user_id, True, False, True, True, 401, 'Bearer realm="djust_auth", error="invalid_token"'], f"over HTTP: {email} of shard {home(email)}")


def log():
    text = router.log()
    preloaded = text[text.index("shutting down"):]
    ok("SELECT djust_login(***" in preloaded, "the router's log shows calls")
    secrets = [secret for secret in (GOOD, OTHER, WRONG) if secret in preloaded]
    ok(GOOD in text, "a password, too, where the library is not preloaded")
    equal((secrets, re.findall(r"djr_[\w-]{20,}|djp_[\w-]{20,}|eyJ[\w-]{20,}", preloaded)), ([], []), "no password and no token of a call where the library is preloaded")


def again():
    before = postgres.one("SELECT count(*) FROM pg_proc WHERE has_function_privilege('shop_backend', oid, 'EXECUTE')")
    script = os.path.join(program("pg_config", "--sharedir").strip(), "djust_auth", "router.sh")
    strings = [f"host={shard_host.host} port={shard_host.port} user=shop_router dbname=shard{n}" for n in (0, 1)]
    sql = subprocess.run(["sh", script, *(f"{n}={strings[n % 2]}" for n in range(3))], check=True, stdout=subprocess.PIPE, text=True).stdout
    equal(re.findall(r"p\d '.*?dbname=(\w+)'", sql), ["shard0", "shard1", "shard0", "shard0"], "three shards take four places")
    ok(run_commands().returncode != 0, "the page's commands do not make a router twice: the database is there")
    two = subprocess.run(["sh", script, *(f"{n}={strings[n]}" for n in (0, 1))], check=True, stdout=subprocess.PIPE, text=True).stdout
    program("psql", "-X1q", "-v", "ON_ERROR_STOP=1", "-h", router.host, "-p", router.port, "-U", "postgres", "-d", "router", input=two)
    equal(postgres.one("SELECT count(*) FROM pg_proc WHERE has_function_privilege('shop_backend', oid, 'EXECUTE')"), before, "run again, it keeps what was granted")
    equal(error_of(back.login(CUSTOMERS[0])), None, "and works in old sessions")
    ran = subprocess.run([os.path.join(os.environ["DJUST_BIN"], "psql"), "-X1q", "-v", "ON_ERROR_STOP=1", "-h", shard_host.host, "-p", shard_host.port, "-U", "postgres", "-d", "shard0"],
                         input=two, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ok(ran.returncode != 0 and "this database is a shard" in ran.stderr, "a shard is not made a router", ran)
    equal(shards[0].one("SELECT to_regnamespace('djust_router')"), None, "and nothing was made there")
    for bad, words in ((["1=user=x"], "expected 0="), (["0=dbname=x"], "user=... is missing"), (["0=user=x password=y"], "no passwords"), ([], "no shards"),
                       (["schema=a b", "0=user=x"], "schema"), (["0=user=x", "2=user=x"], "expected 1=")):
        ran = subprocess.run(["sh", script, *bad], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ok(ran.returncode == 1 and ran.stdout == "" and words in ran.stderr, f"{bad} is refused", ran)


main(*([begin, catalogue, journeys, nothing_to_route_by, requests, callers_path, words, over_http, log, again] if has_plproxy() else [missing]))
