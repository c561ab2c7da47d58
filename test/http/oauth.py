"""requests-oauthlib, unmodified: password and refresh grants, automatic refresh, revocation, introspection."""

import os

from support import GOOD, WRONG, Db, equal, fails_with, main, ok
from web import URL

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # http, to this machine

from oauthlib.oauth2 import LegacyApplicationClient, OAuth2Error  # noqa: E402
from requests_oauthlib import OAuth2Session  # noqa: E402

TOKEN = URL + "/rpc/djust_token"

db = Db()
ann = db.create_user("ann@oauth.example")


def session(**options):
    return OAuth2Session(client=LegacyApplicationClient(client_id="shop"), **options)


def password_grant():
    client = session()
    token = client.fetch_token(TOKEN, username="ann@oauth.example", password=GOOD)
    equal((token["token_type"], token["expires_in"]), ("Bearer", 600), "password grant")
    equal(client.get(URL + "/rpc/djust_request_user").json(), ann, "the token is sent along")
    error = fails_with(OAuth2Error, lambda: session().fetch_token(TOKEN, username="ann@oauth.example", password=WRONG), "wrong password")
    equal(error and error.error, "invalid_grant", "is invalid_grant to the library")
    equal(session().fetch_token(TOKEN, username="ann@oauth.example", password=GOOD, include_client_id=True,
                                client_secret="not checked")["token_type"], "Bearer", "with client_id and client_secret in the form")
    equal(session().fetch_token(TOKEN, username="ann@oauth.example", password=GOOD, auth=("shop", "s"))["token_type"], "Bearer",
          "with HTTP Basic for the client, which is no bearer")


def refresh_grant():
    client = session()
    first = client.fetch_token(TOKEN, username="ann@oauth.example", password=GOOD)
    second = client.refresh_token(TOKEN, client_id="shop")
    ok(second["refresh_token"] != first["refresh_token"], "refresh grant rotates")
    equal(client.get(URL + "/rpc/djust_request_user").json(), ann, "the new token is good")
    error = fails_with(OAuth2Error, lambda: session().refresh_token(TOKEN, refresh_token="djr_x"), "a dead refresh token")
    equal(error and error.error, "invalid_grant", "is invalid_grant to the library")


def automatic_refresh():
    saved = []
    client = session()
    token = client.fetch_token(TOKEN, username="ann@oauth.example", password=GOOD)
    client = session(token={**token, "expires_at": 1}, auto_refresh_url=TOKEN, token_updater=saved.append)
    # not client.get: the library would put its own argument allow_redirects into the form, and PostgREST ignores no field
    equal(client.request("GET", URL + "/rpc/djust_request_user").json(), ann, "an expired token is refreshed by the library by itself")
    ok(saved and saved[0]["refresh_token"] != token["refresh_token"], "and the new pair kept")


def revocation_and_introspection():
    privileged = Db()
    privileged.run("SET djust_auth.jwt_role = 'http_backend'")
    backend = session(token=privileged.login("ann@oauth.example"))
    client = session()
    token = client.fetch_token(TOKEN, username="ann@oauth.example", password=GOOD)

    def introspected():
        return backend.post(URL + "/rpc/djust_introspect", data={"token": token["access_token"], "token_type_hint": "access_token"}).json()

    equal((introspected()["active"], introspected()["sub"]), (True, ann), "introspection")
    answer = client.post(URL + "/rpc/djust_logout", data={"token": token["refresh_token"], "token_type_hint": "refresh_token"})
    equal(answer.status_code, 200, "revocation")
    equal(introspected(), {"active": False}, "introspection after it")
    answer = client.get(URL + "/rpc/djust_request_user")
    equal((answer.status_code, answer.headers["WWW-Authenticate"]), (401, 'Bearer realm="djust_auth", error="invalid_token"'),
          "the next request is refused")


main(password_grant, refresh_grant, automatic_refresh, revocation_and_introspection)
