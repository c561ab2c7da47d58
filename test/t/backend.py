"""A shop's backend in Python, as in the README: psycopg2, a role that is not a superuser, and values as parameters."""

import psycopg2

from support import GOOD, OTHER, WRONG, Db, equal, error_of, fails, main, ok, shop

admin = Db()
ROLE = admin.one("SELECT 'shop_' || current_database()")
admin.run(f'CREATE ROLE "{ROLE}" LOGIN')
admin.run("SELECT djust_auth.grant_api(%s::regrole)", ROLE)
shop(admin)
user_id = admin.create_user("ann@shop.example", profiles=["customer"])
db = Db(user=ROLE)


# The README's functions


def login(connection, email, password):
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT djust_login(%s, %s)", (email, password))
        return cursor.fetchone()[0]


def can(connection, access_token, route, access):
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT djust_can(%s, %s, %s)", (access_token, route, access))
        return cursor.fetchone()[0]


def refresh(connection, refresh_token):
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT djust_refresh(%s)", (refresh_token,))
        return cursor.fetchone()[0]


def logout(connection, token):
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT djust_logout(%s)", (token,))
        return cursor.fetchone()[0]


def snippets():
    connection = psycopg2.connect(host=db.raw.info.host, port=db.raw.info.port, user=ROLE, dbname=db.raw.info.dbname)
    tokens = login(connection, "ann@shop.example", GOOD)
    equal(sorted(tokens), ["access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type"], "login: tokens")
    equal((tokens["token_type"], tokens["expires_in"], tokens["refresh_expires_in"]), ("Bearer", 600, 7200), "with their lives")
    ok(tokens["refresh_token"].startswith("djr_"), "a refresh token is known by its prefix")
    equal([can(connection, tokens["access_token"], "/orders", access) for access in ("read", "GET", "write", "POST")],
          [True, True, False, False], "can: what the profile gives, by access or by HTTP method")
    equal([can(connection, tokens["access_token"], route, "read") for route in ("/orders/", "/orders?page=2", "/orders/1", "/Orders", "/orders/../x")],
          [True, True, False, False, False], "on this route")
    equal(can(connection, None, "/orders", "read"), False, "not for anonymous")
    renewed = refresh(connection, tokens["refresh_token"])
    equal(sorted(renewed), sorted(tokens), "refresh: tokens")
    ok(can(connection, renewed["access_token"], "/orders", "read"), "which are good")
    equal(logout(connection, renewed["access_token"]), True, "logout")
    equal([can(connection, each["access_token"], "/orders", "read") for each in (tokens, renewed)], [False, False], "ends both access tokens")
    equal(error_of(refresh(connection, renewed["refresh_token"])), "invalid_grant", "and the refresh token")
    equal(logout(connection, renewed["access_token"]), False, "a second logout finds nothing")
    equal(logout(connection, login(connection, "ann@shop.example", GOOD)["refresh_token"]), True, "logout by refresh token")
    wrong = login(connection, "ann@shop.example", WRONG)
    equal(sorted(wrong), ["error", "error_description"], "a wrong password is an answer")
    equal(wrong, login(connection, "nobody@shop.example", WRONG), "and the same as for an address nobody has")
    connection.close()


def hostile_values():
    """Values are values, whatever they hold."""
    for text in ("", "'; DROP TABLE djust_auth.session; --", "%s", "\\", "a.b.c", "." * 100, "x" * 100_000, "é" * 500, "djr_", "djp_", "Bearer x",
                 "\u202e", "\x01", "null", "{}", "eyJhbGciOiJub25lIn0.e30."):
        ok([db.can(text), error_of(db.refresh(text)), db.logout(text), db.one("SELECT djust_introspect(%s)", text),
            error_of(db.login(text, text)), error_of(db.confirm(text))] ==
           [False, "invalid_grant", False, {"active": False}, "invalid_grant", "invalid_grant"],
           f"{text[:30]!a} is a dead token and no credentials",
           [db.can(text), db.refresh(text), db.logout(text), db.login(text, text), db.confirm(text)])


def rest_of_the_api():
    """grant_api(role, 'backend') gives everything of the public API."""
    link = admin.reset_link("ann@shop.example")
    weak = db.confirm(link, "weak")
    equal((weak["error"], weak["violations"]), ("weak_password", ["too_short", "missing_uppercase", "missing_digit", "missing_special"]),
          "djust_reset_confirm names all that a weak password lacks")
    equal(db.confirm(link, OTHER), {"status": "password_updated"}, "and the link is not burnt by it")
    tokens = db.one("SELECT djust_token('password', username => %s, password => %s)", "ann@shop.example", OTHER)
    ok(error_of(tokens) is None and db.can(tokens["access_token"]), "djust_token, password grant", tokens)
    tokens = db.one("SELECT djust_token(grant_type => 'refresh_token', refresh_token => %s)", tokens["refresh_token"])
    ok(error_of(tokens) is None and db.can(tokens["access_token"]), "djust_token, refresh_token grant", tokens)
    equal(error_of(db.one("SELECT djust_token('client_credentials')")), "unsupported_grant_type", "no other grant")
    equal(error_of(db.one("SELECT djust_token('password', username => 'ann@shop.example')")), "invalid_request", "nor half a one")
    token = tokens["access_token"]
    info = db.one("SELECT djust_introspect(%s)", token)
    equal((info["active"], info["sub"], info["username"], info["token_type"], info["profiles"], info["exp"] - info["iat"]),
          (True, user_id, "ann@shop.example", "Bearer", ["customer"], 600), "djust_introspect")
    equal(db.one("SELECT djust_introspect(%s)", token + "x"), {"active": False}, "of a dead token: not active, and nothing else")
    extra = db.login("ann@shop.example", OTHER)
    sessions = db.one("SELECT djust_sessions(%s)", token)
    equal(sorted(each["current"] for each in sessions), [False, True], "djust_sessions: two, one of them this")
    equal(set(map(frozenset, sessions)), {frozenset(("sid", "created_at", "refreshed_at", "expires_at", "client_address", "user_agent", "current"))},
          "with what the contract says and no more")
    sid = next(each["sid"] for each in sessions if not each["current"])
    equal(db.one("SELECT djust_end_session(%s, %s)", token, sid), 1, "djust_end_session ends one")
    equal((db.can(extra["access_token"]), db.can(token)), (False, True), "that one")
    db.login("ann@shop.example", OTHER)
    equal(db.one("SELECT djust_end_session(%s)", token), 1, "or all others")
    equal(db.one("SELECT djust_end_session(%s)", extra["access_token"]), 0, "a dead token ends none")
    equal(db.one("SELECT djust_end_session(%s, gen_random_uuid())", token), 0, "nor is an unknown one found")
    equal(error_of(db.one("SELECT djust_change_password(%s, %s, %s)", token, WRONG, GOOD)), "invalid_grant", "change of password needs the old one")
    extra = db.login("ann@shop.example", OTHER)
    equal(db.one("SELECT djust_change_password(%s, %s, %s)", token, OTHER, GOOD), {"status": "password_updated"}, "djust_change_password")
    equal((db.can(extra["access_token"]), db.can(token)), (False, True), "ends all other sessions")
    equal(db.one("SELECT jsonb_typeof(djust_jwks()::jsonb -> 'keys')"), "array", "djust_jwks")
    equal(db.one("SELECT djust_request_user()"), None, "djust_request_user without a request: nobody")
    equal(db.one("SELECT djust_request_can('/orders', 'read')"), False, "djust_request_can likewise")
    db.run("SELECT djust_pre_request()")
    db.run("SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || %s)::text, false)", token)
    equal((db.one("SELECT djust_request_user()::text"), db.one("SELECT djust_request_can('/orders', 'read')")), (user_id, True),
          "with the bearer in request.headers: its user and rights")
    db.run("SELECT set_config('request.headers', '', false), set_config('request.jwt.claims', json_build_object('sub', %s)::text, false)", user_id)
    equal(db.one("SELECT djust_request_user()"), None, "request.jwt.claims are never believed")
    equal(db.one("SELECT djust_reset_request('ann@shop.example')"), "", "djust_reset_request says nothing")
    equal(db.one("SELECT djust_reset_request('nobody@shop.example')"), "", "to anyone")


def nothing_else():
    """The role has the API and no more."""
    for table in ("customer_user", "session", "signing_key", "reset_token", "audit_event", "profile_right", "active_session", "mail_queue"):
        fails("42501", lambda: db.one(f"SELECT count(*) FROM djust_auth.{table}"), f"djust_auth.{table} cannot be read")
    for call in ("create_user('eve@shop.example')", "open_session(gen_random_uuid())", "rotate_signing_key()", "hs256_key()", "stats()", "claim_mail()",
                 f"grant_api('{ROLE}')", "set_right('customer', '/**', 'write')"):
        fails("42501", lambda: db.one(f"SELECT djust_auth.{call}"), f"djust_auth.{call.split('(')[0]} cannot be called")
    for name in ("max_login_failures", "issuer", "access_token_lifetime", "refresh_reuse_grace"):
        fails("42501", lambda: db.run(f"SET djust_auth.{name} = 1000"), f"djust_auth.{name} cannot be set")
    admin.run(f'CREATE ROLE "{ROLE}_none" LOGIN')
    stranger = Db(user=ROLE + "_none")
    fails("42501", lambda: stranger.login("ann@shop.example"), "without grant_api the API cannot be called")
    stranger.close()
    admin.run(f'DROP ROLE "{ROLE}_none"')


def hidden_path():
    """A search_path of the caller's changes nothing."""
    admin.run(f'CREATE SCHEMA trap AUTHORIZATION "{ROLE}"')
    for sql in ("CREATE TABLE trap.session (sid uuid)", "CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'",
                "CREATE FUNCTION trap.equal(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
                "CREATE OPERATOR trap.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = trap.equal)", "SET search_path = trap, pg_catalog, public"):
        db.run(sql)
    tokens = db.login("ann@shop.example")
    equal((db.can(tokens["access_token"]), error_of(db.refresh(tokens["refresh_token"])), db.logout(tokens["access_token"])), (True, None, True),
          "operators and tables in the caller's search_path are not used")
    db.run("RESET search_path")


def clean():
    db.close()
    admin.run(f'DROP OWNED BY "{ROLE}" CASCADE')
    admin.run(f'DROP ROLE "{ROLE}"')
    ok(True, "the role can be dropped")


main(snippets, hostile_values, rest_of_the_api, nothing_else, hidden_path, clean)
