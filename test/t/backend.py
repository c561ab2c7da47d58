"""A shop's backend in Python, as in the README: psycopg2, a role that is not a superuser, and values as parameters."""

import psycopg2

from support import GOOD, WRONG, Db, equal, error_of, main, ok, shop

admin = Db()
ROLE = admin.one("SELECT 'shop_' || current_database()")
admin.run(f'CREATE ROLE "{ROLE}" LOGIN')
admin.run("SELECT djust_auth.grant_api(%s::regrole)", ROLE)
shop(admin)
admin.create_user("ann@shop.example", profiles=["customer"])
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


def clean():
    db.close()
    admin.run(f'DROP OWNED BY "{ROLE}" CASCADE')
    admin.run(f'DROP ROLE "{ROLE}"')
    ok(True, "the role can be dropped")


main(snippets, hostile_values, clean)
