"""Who asks, over HTTP: expiry to the second, logout, forged settings, keys that change, routes that are enforced, addresses."""

import base64
import json
import threading
import time

from support import GOOD, Db, claims_of, equal, header_of, later, main, ok, until
from web import DATABASE, DRIVER, ask, form, get, post

INVALID_TOKEN = 'Bearer realm="djust_auth", error="invalid_token"'

db = Db()
db.run("SELECT djust_auth.create_profile('buyer')")
for route, access in (("/orders", "read"), ("/rpc/djust_can", "write"), ("/rpc/djust_request_user", "read")):
    db.run("SELECT djust_auth.set_right('buyer', %s, %s)", route, access)
ann = db.create_user("ann@security.example", profiles=["buyer"])
bob = db.create_user("bob@security.example", profiles=["buyer"])
served = Db(dbname=DATABASE)
served.run("CREATE TABLE api.orders (id integer PRIMARY KEY, customer uuid NOT NULL)")
served.run("ALTER TABLE api.orders ENABLE ROW LEVEL SECURITY")
served.run("CREATE POLICY own ON api.orders USING (customer = (SELECT api.djust_request_user()))")
served.run("GRANT SELECT ON api.orders TO http_anon, http_customer")
served.run("INSERT INTO api.orders VALUES (1, %s), (2, %s), (3, %s)", ann, ann, bob)
served.run("NOTIFY pgrst")
until(lambda: get("djust_request_user").status == 200 and ask("GET", "/orders").status == 200, "the new table")


def fresh(email="ann@security.example"):
    return post("djust_login", {"email": email, "password": GOOD}).json


def keys_changed():
    """PostgREST before a router listens there, as doc/scaling.md tells."""
    if DRIVER == "router":
        served.run("NOTIFY pgrst, 'reload config'")


def tampered(token):
    """The same token with another bit in its signature."""
    head, payload, signature = token.split(".")
    return ".".join((head, payload, ("B" if signature[0] != "B" else "C") + signature[1:]))


def dead(answer, name):
    """Refused by SQL, not by PostgREST: 401 with our challenge."""
    return ok(answer.status == 401 and answer.header("www-authenticate") == INVALID_TOKEN and answer.json["code"] == "401", name, answer)


def orders(answer):
    return [row["id"] for row in answer.json] if answer.status == 200 else answer


def own_rows():
    equal(orders(ask("GET", "/orders", bearer=fresh()["access_token"])), [1, 2], "row level security: the bearer's rows")
    equal(orders(ask("GET", "/orders", bearer=fresh("bob@security.example")["access_token"])), [3], "another bearer's")
    equal(orders(ask("GET", "/orders")), [], "nobody's")


def expiry():
    """PostgREST takes a token for 30 seconds after exp; the database does not."""
    db.setting("access_token_lifetime", "2s")
    try:
        bearer = until_new(lambda: fresh()["access_token"], 2)
    finally:
        db.setting("access_token_lifetime", None)
    expires = claims_of(bearer)["exp"]
    equal(orders(ask("GET", "/orders", bearer=bearer)), [1, 2], "before exp")
    until(lambda: db.one("SELECT clock_timestamp() >= to_timestamp(%s)", expires), "exp")
    answer = ask("GET", "/orders", bearer=bearer)
    late = db.one("SELECT extract(epoch FROM clock_timestamp()) - %s", expires)
    dead(answer, "after exp")
    ok(late < 29, f"well within PostgREST's leeway of 30 s: {late:.3f} s")


def until_new(make, lifetime):
    """The pool's connections read a changed setting one by one."""
    found = []
    until(lambda: claims_of(found.append(make()) or found[-1])["exp"] - claims_of(found[-1])["iat"] == lifetime, "the new lifetime")
    return found[-1]


def ended():
    for name, end in (("logout", lambda s: db.logout(s["access_token"])),
                      ("logout by the refresh token", lambda s: form("djust_logout", {"token": s["refresh_token"]})),
                      ("a deleted session", lambda s: db.run("DELETE FROM djust_auth.session WHERE sid = %s", claims_of(s["access_token"])["sid"])),
                      ("end_sessions", lambda s: db.run("SELECT djust_auth.end_sessions(%s)", ann)),
                      ("a disabled account", lambda s: db.run("SELECT djust_auth.disable_user(%s)", ann))):
        session = fresh()
        equal(get("djust_request_user", bearer=session["access_token"]).json, ann, f"before {name}")
        end(session)
        dead(get("djust_request_user", bearer=session["access_token"]), f"the next request after {name}")
        dead(ask("GET", "/orders", bearer=session["access_token"]), "and of a table")
    db.run("SELECT djust_auth.enable_user(%s)", ann)


def foreign_tokens():
    session = fresh()
    for name, bearer in (("tampered", tampered(session["access_token"])), ("empty", ""), ("no JWS", "garbage"),
                         ("refresh token", session["refresh_token"]),
                         ("alg none", base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=") + "."
                          + session["access_token"].split(".")[1] + ".")):
        answer = ask("GET", "/orders", bearer=bearer)
        ok(answer.status == 401 and "invalid_token" in answer.header("www-authenticate"), f"{name}: 401", answer)


def headers():
    """What PostgREST takes for a bearer, and only that, is one for the database."""
    session = fresh()
    gone, live = fresh(), fresh("bob@security.example")
    db.logout(gone["access_token"])
    bearer, stale, other = session["access_token"], gone["access_token"], live["access_token"]

    def asked(*values):
        return ask("GET", "/orders", headers=[("Authorization", value) for value in values])

    equal(orders(asked("bearer " + bearer)), [1, 2], "the scheme in lower case")
    equal(orders(asked("Bearer   " + bearer)), [1, 2], "several blanks")
    equal(orders(asked("Bearer\t" + bearer)), [1, 2], "a tab")
    dead(asked("Bearer\t" + stale), "a tab before a dead token")
    dead(asked("bEARER \t " + stale), "more of it")
    ok(asked("Bearer").status == 401, "a scheme without a token")
    equal(orders(asked("Basic YW5uOng=")), [], "Basic is no bearer: anonymous")
    equal(orders(asked("Digest username=x")), [], "nor is Digest")
    equal(orders(asked("Bearertoken " + bearer)), [], "nor a longer word")
    dead(asked("Bearer " + stale, "Basic YW5uOng="), "a dead token, hidden behind a second header")
    dead(asked("Bearer " + stale, "Bearer " + other), "behind another's live token")
    dead(asked("Bearer " + bearer, "Bearer " + other), "two live tokens of two sessions")
    dead(asked("Basic YW5uOng=", "Bearer " + stale), "a dead token second")
    answer = ask("GET", "/orders", headers=[("X-Odd", "a\0b"), ("Authorization", "Bearer " + stale)])
    ok(answer.status in (400, 401), "a dead token beside a header that makes request.headers unreadable", answer)


def forged_settings():
    """Whoever can run SQL can set what PostgREST sets: it is worth nothing without a token."""
    web = Db(user="http_authenticator", dbname=DATABASE)
    bearer = fresh()["access_token"]
    claimed = json.dumps({"sub": ann, "sid": claims_of(bearer)["sid"], "role": "http_customer", "exp": 9999999999, "profiles": ["buyer"]})

    def seen(authorization, request_claims=claimed):
        web.begin()
        web.run("SET LOCAL ROLE http_customer")
        web.run("SELECT set_config('request.jwt.claims', %s, true), set_config('request.headers', %s, true)", request_claims,
                json.dumps({"authorization": authorization}) if authorization is not None else "{}")
        rows = (web.one("SELECT api.djust_request_user()"), [i for i, in web.all("SELECT id FROM api.orders ORDER BY id")])
        web.rollback()
        return rows

    equal(seen("Bearer " + bearer), (ann, [1, 2]), "with the token")
    equal(seen("Bearer " + tampered(bearer)), (None, []), "tampered bearer: nobody, no rows")
    equal(seen(None), (None, []), "claims alone: nobody, no rows")
    equal(seen("Bearer " + bearer, "{broken"), (ann, [1, 2]), "broken claims are not looked at")
    for text in ("", "{", "null", "[]", '"x"', '{"authorization": {"a": 1}}', '{"authorization": ["Bearer x"]}', '{"a": {"authorization": "Bearer %s"}}' % bearer):
        web.begin()
        web.run("SET LOCAL ROLE http_customer")
        web.run("SELECT set_config('request.headers', %s, true)", text)
        equal(web.one("SELECT api.djust_request_user()"), None, f"request.headers {text[:40]!r}: nobody")
        web.rollback()


def stale():
    """A bearer that has ended keeps nobody from a new session; elsewhere it is refused."""
    session = fresh()
    gone = session["access_token"]
    db.logout(gone)
    other = fresh()
    answer = post("djust_login", {"email": "ann@security.example", "password": GOOD}, bearer=gone)
    ok(answer.status == 200 and "access_token" in answer.json, "login", answer)
    answer = form("djust_token", {"grant_type": "refresh_token", "refresh_token": other["refresh_token"]}, bearer=gone)
    ok(answer.status == 200 and "access_token" in answer.json, "token endpoint", answer)
    answer = post("djust_refresh", {"refresh_token": answer.json["refresh_token"]}, bearer=gone)
    ok(answer.status == 200 and "access_token" in answer.json, "refresh", answer)
    equal(post("djust_reset_request", {"email": "nobody@security.example"}, bearer=gone).status, 204, "reset request")
    answer = post("djust_reset_confirm", {"reset_token": "djp_x", "new_password": GOOD}, bearer=gone)
    ok(answer.status == 400 and answer.error == "invalid_grant", "reset confirm", answer)
    for page, status in (("djust_reset_page?token=djp_x", 200), ("djust_confirm_page?token=djc_x", 200), ("djust_sign_up_page", 404)):
        equal(ask("GET", f"/rpc/{page}", bearer=gone, headers=[("Accept", "text/html")]).status, status, page.split("?")[0])
    dead(get("djust_request_user", bearer=gone), "not elsewhere")
    dead(post("djust_can", {"access_token": gone, "route": "/", "access": "read"}, bearer=gone), "nor to check a token")


def quoted():
    """Quotes around the whole header: PostgREST takes the anonymous role, but the bearer is known."""
    answer = get("djust_request_user", headers=[("Authorization", f'"Bearer {fresh()["access_token"]}"')])
    ok(answer.status == 200 and answer.json == ann, "the bearer in quotes", answer)
    answer = get("djust_request_user", headers=[("Authorization", '"Bearer garbage"')])
    dead(answer, "a dead one in quotes is refused")


def one_statement():
    """Verified once a statement, and never longer: another statement asks again."""
    session = fresh()
    web = Db(user="http_authenticator", dbname=DATABASE)
    web.begin()
    web.run("SET LOCAL ROLE http_customer")
    web.run("SELECT set_config('request.headers', %s, true)", json.dumps({"authorization": "Bearer " + session["access_token"]}))
    equal(web.one("SELECT api.djust_request_user()"), ann, "a bearer")
    db.logout(session["access_token"])
    equal(web.one("SELECT api.djust_request_user()"), None, "nobody in the next statement after the logout, in the same transaction")
    web.rollback()


def rotation():
    """Keys change under a loop of requests with live tokens; each token is used at once, some live through it all."""
    old = [fresh()["access_token"] for _ in range(3)]
    stop, answers, at_once = threading.Event(), [], []

    def loop():
        while not stop.is_set():
            for bearer in old:
                answers.append(get("djust_request_user", bearer=bearer))

    loops = [later(loop) for _ in range(2)]
    for algorithm in ("ES256", "EdDSA", "RS256", "HS256", "HS256", "ES256"):
        session = fresh()
        kid = db.one("SELECT djust_auth.rotate_signing_key(%s)", algorithm)
        keys_changed()
        bearer = post("djust_refresh", {"refresh_token": session["refresh_token"]}).json["access_token"]
        at_once.append(get("djust_request_user", bearer=bearer))
        bearer = db.login("ann@security.example")["access_token"]
        equal(header_of(bearer)["kid"], kid, f"signed by the new {algorithm} key")
        until(lambda: get("djust_request_user", bearer=bearer).status == 200, "PostgREST to know the new key", 30)
        old.append(bearer)
    until(lambda: header_of(fresh()["access_token"])["kid"] == kid, "tokens over HTTP to be of the new key", 30)
    stop.set()
    for future in loops:
        future.result(120)
    bad = [answer for answer in answers if answer.status != 200]
    ok(not bad, f"{len(answers)} requests with live tokens under 6 rotations, none refused", bad[:3])
    ok(all(answer.status == 200 for answer in at_once), "nor a token made right after one", at_once)


def first_key():
    """After a restore there is no key; the first login makes one, and PostgREST hears of it."""
    db.run("DELETE FROM djust_auth.signing_key")
    bearer = fresh()["access_token"]
    keys_changed()
    until(lambda: get("djust_request_user", bearer=bearer).status == 200, "PostgREST to know the first key", 30)
    equal(get("djust_request_user", bearer=bearer).json, ann, "a token of the first key")


def routes():
    """With enforce_routes the profiles decide before anything runs."""
    bearer, gone = fresh()["access_token"], fresh()["access_token"]
    db.logout(gone)
    db.run("SELECT djust_auth.set_right('anonymous', '/rpc/djust_token', 'write')")
    db.setting("enforce_routes", "on")
    try:
        until(lambda: ask("GET", "/orders").status == 401, "every connection to know the setting")
        answer = ask("GET", "/orders")
        ok(answer.status == 401 and answer.header("www-authenticate") == 'Bearer realm="djust_auth"', "anonymous: 401 without an error code", answer)
        equal(orders(ask("GET", "/orders", bearer=bearer)), [1, 2], "GET needs read")
        answer = post("djust_request_user", bearer=bearer)
        ok(answer.status == 403 and answer.header("www-authenticate") == 'Bearer realm="djust_auth", error="insufficient_scope"',
           "POST needs write: 403", answer)
        equal(get("djust_request_user", bearer=bearer).json, ann, "the same by GET")
        equal(post("djust_can", {"access_token": bearer, "route": "/orders", "access": "read"}, bearer=bearer).json, True, "POST with write")
        equal(ask("HEAD", "/orders", bearer=bearer).status, 200, "HEAD needs read")
        equal(ask("GET", "/%6frders", bearer=bearer).status, 200, "a path is compared decoded, as PostgREST reads it")
        equal(ask("GET", "/orders?id=eq.1", bearer=bearer).status in (200, 501), True, "without its query")
        equal(form("djust_token", {"grant_type": "password", "username": "ann@security.example", "password": GOOD}).status, 200,
              "anonymous may log in where that profile may write")
        ok(post("djust_login", {"email": "ann@security.example", "password": GOOD}).status == 401, "and nowhere else")
        dead(ask("GET", "/orders", bearer=gone), "a dead bearer is no anonymous one")
    finally:
        db.setting("enforce_routes", None)
    until(lambda: ask("GET", "/orders").status == 200, "every connection to forget the setting")


def addresses():
    """The address is the right-most hop of the named header, where it is one; a session keeps it and the user agent."""
    db.setting("client_address_header", "x-forwarded-for")
    try:
        for hops, expected in ((["203.0.113.7"], "203.0.113.7"), (["203.0.113.7:51234"], "203.0.113.7"), (["198.51.100.1, [2001:db8::7]:443"], "2001:db8::7"), (["198.51.100.1, 203.0.113.8"], "203.0.113.8"),
                               (["198.51.100.1", "203.0.113.9"], "203.0.113.9"), (["2001:db8::1"], "2001:db8::1"),
                               (["203.0.113.7, unknown"], None), (["' OR 1=1"], None), (["203.0.113.7/8"], None), ([], None)):
            def logged_in():
                answer = post("djust_login", {"email": "bob@security.example", "password": GOOD},
                              headers=[("X-Forwarded-For", hop) for hop in hops] + [("User-Agent", "Shop/1.0")])
                return db.row("SELECT host(client_address), user_agent FROM djust_auth.session WHERE sid = %s",
                              claims_of(answer.json["access_token"])["sid"])
            until(lambda: logged_in()[0] == expected, f"{hops} to be {expected}", 20)
            equal(logged_in(), (expected, "Shop/1.0"), f"{hops}: {expected}")
    finally:
        db.setting("client_address_header", None)


main(stale, quoted, own_rows, expiry, ended, foreign_tokens, headers, forged_settings, one_statement, rotation, first_key, routes, addresses)
