"""Every function of the public API over HTTP: success and each failure, with status, headers and body."""

import urllib.parse

from support import GOOD, OTHER, WRONG, Db, equal, later, main, ok, until
from web import DATABASE, ask, form, get, post, schema_loads

JSON = "application/json; charset=utf-8"
INVALID_TOKEN = 'Bearer realm="djust_auth", error="invalid_token"'
TOKENS = ["access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type"]

db = Db()
db.run("SELECT djust_auth.create_profile('buyer')")
db.run("SELECT djust_auth.set_right('buyer', '/orders/**', 'write')")
ann = db.create_user("ann@routes.example", profiles=["buyer"])
eve = db.create_user("eve@routes.example")


def told(answer, status, body, name, **headers):
    """Status, headers and JSON as expected; a header that is None must not be there."""
    wrong = {key: answer.header(key.replace("_", "-")) for key, value in headers.items()
             if answer.header(key.replace("_", "-")) != value}
    got = answer.text and answer.json
    if isinstance(body, list):
        got = sorted(got)
    return ok(answer.status == status and not wrong and got == body, name, answer)


def oauth_error(answer, status, error, name, **headers):
    """An error object of RFC 6749 section 5.2."""
    body = answer.json
    good = answer.status == status and body.get("error") == error and isinstance(body.get("error_description"), str)
    wrong = {key: value for key, value in {"content_type": JSON, "cache_control": "no-store", "pragma": "no-cache",
                                              "www_authenticate": 'Bearer realm="djust_auth"' if status == 401 else None, **headers}.items()
             if answer.header(key.replace("_", "-")) != value}
    return ok(good and not wrong, name, answer)


def refused(answer, status, code, name, **headers):
    """PostgREST's own error object."""
    wrong = {key: value for key, value in headers.items() if answer.header(key.replace("_", "-")) != value}
    return ok(answer.status == status and answer.json.get("code") == code and not wrong, name, answer)


def tokens(answer, name):
    told(answer, 200, TOKENS, name, content_type=JSON, cache_control="no-store", pragma="no-cache")
    return answer.json


def fresh(email="ann@routes.example"):
    return post("djust_login", {"email": email, "password": GOOD}).json


def backend_token():
    """PostgREST takes the role from the token; this one's is a backend's."""
    session = Db()
    session.run("SET djust_auth.jwt_role = 'http_backend'")
    return session.login("ann@routes.example")["access_token"]


def login():
    answer = tokens(post("djust_login", {"email": "Ann@Routes.example ", "password": GOOD}), "login")
    equal((answer["token_type"], answer["expires_in"], answer["refresh_expires_in"]), ("Bearer", 600, 7200), "the tokens object")
    tokens(form("djust_login", {"email": "ann@routes.example", "password": GOOD}), "login by a form")
    wrong = post("djust_login", {"email": "ann@routes.example", "password": WRONG})
    oauth_error(wrong, 401, "invalid_grant", "wrong password", retry_after=None)
    unknown = post("djust_login", {"email": "nobody@routes.example", "password": WRONG})
    equal((unknown.status, unknown.text), (wrong.status, wrong.text), "unknown address: the same")
    refused(post("djust_login", {"email": "ann@routes.example", "password": None}), 400, "22004", "NULL as password")
    refused(post("djust_login", {"email": "ann@routes.example"}), 404, "PGRST202", "no password")
    refused(post("djust_login", {"email": "a@b.example", "password": GOOD, "more": 1}), 404, "PGRST202", "an argument too many")
    refused(ask("POST", "/rpc/djust_login", b"{", headers=[("Content-Type", "application/json")]), 400, "PGRST102", "no JSON")
    refused(ask("PUT", "/rpc/djust_login", b"{}"), 405, "PGRST101", "PUT")


def reading():
    """GET is no oracle: one answer for a right and a wrong password, and nothing is hashed."""
    before = db.stats("hashes")
    answers = [get("djust_login", {"email": "ann@routes.example", "password": password}) for password in (GOOD, WRONG)]
    for answer in answers:
        refused(answer, 405, "25006", "login by GET")
    equal(answers[0].text, answers[1].text, "right and wrong password: the same")
    for function, arguments in (("djust_token", {"grant_type": "password", "username": "ann@routes.example", "password": GOOD}),
                                ("djust_refresh", {"refresh_token": fresh()["refresh_token"]}),
                                ("djust_logout", {"token": fresh()["access_token"]}),
                                ("djust_reset_request", {"email": "ann@routes.example"}),
                                ("djust_reset_confirm", {"reset_token": "x", "new_password": GOOD})):
        refused(get(function, arguments), 405, "25006", f"{function} by GET")
    equal(db.stats("hashes"), before + 2, "nothing was hashed but the two logins by POST")
    head = ask("HEAD", "/rpc/djust_jwks")
    equal((head.status, head.text), (200, ""), "HEAD")


def throttled():
    db.create_user("slow@routes.example")
    for _ in range(10):
        post("djust_login", {"email": "slow@routes.example", "password": WRONG})
    answer = post("djust_login", {"email": "slow@routes.example", "password": GOOD})
    oauth_error(answer, 429, "too_many_attempts", "too many attempts: 429", retry_after="1")
    equal(answer.json["retry_after"], 1, "and the seconds in the body")
    oauth_error(form("djust_token", {"grant_type": "password", "username": "slow@routes.example", "password": GOOD}),
                429, "too_many_attempts", "at the token endpoint too", retry_after="1")
    oauth_error(post("djust_login", {"email": "slow@routes.example", "password": GOOD}), 429, "too_many_attempts", "still")


def busy():
    """Slow hashes and no patience: 429 with a Retry-After of its own, not 503, at which PostgREST reads its schema cache anew."""
    db.setting("argon2_iterations", "60")
    db.setting("hash_wait_timeout", "10ms")
    loads = schema_loads()
    try:
        waiting = [later(post, "djust_login", {"email": f"busy{i}@routes.example", "password": WRONG}) for i in range(8)]
        answers = [future.result(120) for future in waiting]
    finally:
        db.setting("argon2_iterations", None)
        db.setting("hash_wait_timeout", None)
    late = [answer for answer in answers if answer.status == 429 and answer.error == "temporarily_unavailable"]
    if ok(late, "no hash slot in time: 429", answers):
        seconds = late[0].json["retry_after"]
        ok(seconds >= 1, "with retry_after")
        oauth_error(late[0], 429, "temporarily_unavailable", "as an error object", retry_after=str(seconds))
    ok(not [answer for answer in answers if answer.status == 503], "no 503")
    equal(schema_loads(), loads, "and PostgREST reads no schema cache because of it")


def unavailable():
    """The other way round: at 503 PostgREST does read it, and answers a Retry-After of its own."""
    served = Db(dbname=DATABASE)
    served.run("CREATE FUNCTION api.down() RETURNS json LANGUAGE sql AS $$ SELECT json_build_object('set', set_config('response.status', '503', true),"
               " 'headers', set_config('response.headers', '[{\"Retry-After\": \"7\"}]', true)) $$")
    served.run("GRANT EXECUTE ON FUNCTION api.down() TO http_anon")
    served.run("NOTIFY pgrst")
    until(lambda: post("down").status == 503, "the new function")
    loads = schema_loads()
    answer = post("down")
    ok(answer.status == 503 and answer.header("retry-after").startswith("0"), "503: Retry-After is PostgREST's", answer)
    until(lambda: schema_loads() > loads, "the schema cache to be read anew")
    served.run("DROP FUNCTION api.down()")
    served.run("NOTIFY pgrst")


def in_the_address():
    """A secret in the query of a GET is refused; a policy that checks a token in a GET of a table is not."""
    session = fresh()
    access = session["access_token"]
    for function, arguments in (("djust_can", {"access_token": access, "route": "/", "access": "read"}), ("djust_sessions", {"access_token": access}),
                                ("djust_introspect", {"token": access}), ("djust_login", {"email": "ann@routes.example", "password": GOOD}),
                                ("djust_refresh", {"refresh_token": session["refresh_token"]}), ("djust_logout", {"token": access}),
                                ("djust_token", {"grant_type": "refresh_token", "refresh_token": session["refresh_token"]}),
                                ("djust_reset_page", {"token": "djp_x", "new_password": GOOD}), ("djust_confirm_page", {"token": "djc_x", "confirm": "yes"}),
                                ("djust_sign_up_page", {"email": "new@routes.example", "password": GOOD})):
        for method in ("GET", "HEAD"):
            answer = ask(method, f"/rpc/{function}?" + urllib.parse.urlencode(arguments), bearer=access)
            ok(answer.status == 405 and access not in answer.text, f"{method} {function}", answer)
    equal(get("djust_can", {"access_token": access, "route": "/", "access": "read"}, bearer=access).header("allow"), "POST", "Allow says how")
    equal(ask("GET", f"/rpc/djust%5Fcan?access_token={access}&route=/&access=read", bearer=access).status, 405, "the path is read decoded")
    equal(post("djust_can", {"access_token": access, "route": "/nothing", "access": "read"}, bearer=access).json, False, "by POST it is answered")


def token():
    answer = tokens(form("djust_token", {"grant_type": "password", "username": "ann@routes.example", "password": GOOD,
                                         "scope": "all", "client_id": "shop", "client_secret": "s"}), "grant password")
    tokens(form("djust_token", {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}), "grant refresh_token")
    tokens(post("djust_token", {"grant_type": "password", "username": "ann@routes.example", "password": GOOD}), "by JSON")
    oauth_error(form("djust_token", {"grant_type": "password", "username": "ann@routes.example", "password": WRONG}),
                400, "invalid_grant", "wrong password: 400")
    oauth_error(form("djust_token", {"grant_type": "refresh_token", "refresh_token": "djr_x"}), 400, "invalid_grant", "dead refresh token")
    oauth_error(form("djust_token", {"grant_type": "password", "username": "ann@routes.example"}), 400, "invalid_request", "no password")
    oauth_error(form("djust_token", {"grant_type": "refresh_token"}), 400, "invalid_request", "no refresh token")
    oauth_error(form("djust_token", {"grant_type": "client_credentials"}), 400, "unsupported_grant_type", "another grant")
    refused(form("djust_token", {"username": "ann@routes.example"}), 404, "PGRST202", "no grant")


def refresh():
    first = fresh()
    second = tokens(post("djust_refresh", {"refresh_token": first["refresh_token"]}), "refresh")
    again = tokens(post("djust_refresh", {"refresh_token": first["refresh_token"]}), "again within the grace")
    equal(again["refresh_token"], second["refresh_token"], "the same successor")
    post("djust_refresh", {"refresh_token": second["refresh_token"]})
    oauth_error(post("djust_refresh", {"refresh_token": first["refresh_token"]}), 401, "invalid_grant", "an older one: 401")
    oauth_error(post("djust_refresh", {"refresh_token": second["refresh_token"]}), 401, "invalid_grant", "and the session is dead")
    oauth_error(post("djust_refresh", {"refresh_token": first["access_token"]}), 401, "invalid_grant", "an access token")


def logout():
    for kind in ("access_token", "refresh_token"):
        session = fresh()
        told(form("djust_logout", {"token": session[kind], "token_type_hint": kind, "client_id": "shop"}), 200, True,
             f"logout by {kind}", content_type=JSON)
        told(form("djust_logout", {"token": session[kind]}), 200, False, "the second time")
        refused(post("djust_request_user", bearer=session["access_token"]), 401, "401", "then 401", www_authenticate=INVALID_TOKEN)
    told(post("djust_logout", {"token": "garbage"}), 200, False, "garbage")
    refused(post("djust_logout", {"token": None}), 400, "22004", "NULL")


def can():
    bearer = fresh()["access_token"]
    told(post("djust_can", {"access_token": bearer, "route": "/orders/1", "access": "write"}, bearer=bearer), 200, True, "may")
    told(post("djust_can", {"access_token": bearer, "route": "/orders/1", "access": "GET"}, bearer=bearer), 200, True, "what GET needs")
    told(post("djust_can", {"access_token": bearer, "route": "/invoices", "access": "read"}, bearer=bearer), 200, False, "may not")
    told(post("djust_can", {"access_token": None, "route": "/orders/1", "access": "read"}, bearer=bearer), 200, False, "anonymous may not")
    refused(post("djust_can", {"access_token": bearer, "route": "/orders/1", "access": "fly"}, bearer=bearer), 400, "22023", "another access")
    refused(post("djust_can", {"access_token": bearer, "route": None, "access": "read"}, bearer=bearer), 400, "22004", "NULL as route")
    refused(post("djust_can", {"access_token": bearer, "route": "/orders/1", "access": "read"}), 401, "42501", "not for the anonymous role",
            www_authenticate="Bearer")


def reset():
    answers = [post("djust_reset_request", {"email": email}) for email in ("eve@routes.example", "nobody@routes.example")]
    for answer in answers:
        told(answer, 204, "", "reset request")
    equal(*[sorted((k, v) for k, v in answer.fields if k.lower() != "date") for answer in answers], "known or not: the same headers")
    link = db.reset_link("reset@routes.example") if db.create_user("reset@routes.example") else None
    answer = post("djust_reset_confirm", {"reset_token": link, "new_password": "tulips"})
    oauth_error(answer, 422, "weak_password", "weak password: 422")
    equal(answer.json["violations"], ["too_short", "missing_uppercase", "missing_digit", "missing_special"], "what is wrong with it")
    told(post("djust_reset_confirm", {"reset_token": link, "new_password": OTHER}), 200, {"status": "password_updated"}, "confirm",
         cache_control="no-store")
    oauth_error(post("djust_reset_confirm", {"reset_token": link, "new_password": OTHER}), 400, "invalid_grant", "a used link: 400")
    oauth_error(form("djust_reset_confirm", {"reset_token": "djp_x", "new_password": OTHER}), 400, "invalid_grant", "no link")
    refused(post("djust_reset_request", {"email": None}), 400, "22004", "NULL")


def introspect():
    session, bearer = fresh(), backend_token()
    answer = form("djust_introspect", {"token": session["access_token"], "client_id": "x", "client_secret": "y"}, bearer=bearer)
    equal((answer.status, answer.json["active"], answer.json["username"], answer.json["token_type"]),
          (200, True, "ann@routes.example", "Bearer"), "introspection by a backend")
    equal(answer.header("cache-control"), "no-store", "is not to be stored")
    told(form("djust_introspect", {"token": "garbage"}, bearer=bearer), 200, {"active": False}, "a dead token and nothing else")
    refused(form("djust_introspect", {"token": session["access_token"]}), 401, "42501", "not for anonymous", www_authenticate="Bearer")
    refused(form("djust_introspect", {"token": session["access_token"]}, bearer=session["access_token"]), 403, "42501", "not for customers")


def sessions():
    db.create_user("tab@routes.example")
    one, two, three = fresh("tab@routes.example"), fresh("tab@routes.example"), fresh("tab@routes.example")
    bearer = one["access_token"]
    answer = post("djust_sessions", {"access_token": bearer}, bearer=bearer)
    equal((answer.status, len(answer.json), answer.header("cache-control")), (200, 3, "no-store"), "sessions")
    sid = post("djust_introspect", {"token": two["access_token"]}, bearer=backend_token()).json["sid"]
    told(post("djust_end_session", {"access_token": bearer, "sid": sid}, bearer=bearer), 200, 1, "end one")
    refused(post("djust_request_user", bearer=two["access_token"]), 401, "401", "it is dead", www_authenticate=INVALID_TOKEN)
    told(post("djust_end_session", {"access_token": bearer}, bearer=bearer), 200, 1, "end all others")
    refused(post("djust_end_session", {"access_token": bearer, "sid": "x"}, bearer=bearer), 400, "22P02", "no uuid")
    oauth_error(post("djust_change_password", {"access_token": bearer, "current_password": WRONG, "new_password": OTHER}, bearer=bearer),
                400, "invalid_grant", "change: wrong password")
    oauth_error(post("djust_change_password", {"access_token": bearer, "current_password": GOOD, "new_password": "x"}, bearer=bearer),
                422, "weak_password", "change: weak password")
    told(post("djust_change_password", {"access_token": bearer, "current_password": GOOD, "new_password": OTHER}, bearer=bearer),
         200, {"status": "password_updated"}, "change")
    refused(post("djust_sessions", {"access_token": bearer}), 401, "42501", "not for the anonymous role")


def request():
    bearer = fresh()["access_token"]
    told(get("djust_request_user", bearer=bearer), 200, ann, "the bearer")
    told(get("djust_request_user"), 200, None, "nobody")
    told(get("djust_request_can", {"route": "/orders", "access": "write"}, bearer=bearer), 200, True, "may")
    told(get("djust_request_can", {"route": "/orders", "access": "write"}), 200, False, "nobody may not")
    refused(get("djust_request_can", {"route": "/orders", "access": "x"}), 400, "22023", "another access")
    jwks = get("djust_jwks")
    ok(jwks.status == 200 and jwks.json["keys"] and all(set(key) <= {"kty", "use", "alg", "kid", "crv", "x", "y"} for key in jwks.json["keys"]),
       "public keys and nothing else", jwks)
    told(get("djust_pre_request"), 204, "", "the pre-request function by name")
    refused(get("djust_nonsense"), 404, "PGRST202", "no such function")
    refused(get("create_user", {"email": "x"}), 404, "PGRST202", "administration is not there")


main(login, reading, throttled, busy, unavailable, in_the_address, token, refresh, logout, can, reset, introspect, sessions, request)
