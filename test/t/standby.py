"""On a hot standby, djust_can answers from the replayed state, and writing functions are refused."""

from support import GOOD, OTHER, Cluster, equal, error_of, fails, main, ok, shop, until

primary = Cluster("primary", "wal_level = replica", "max_wal_senders = 4", "hot_standby = on", "full_page_writes = on")
db = primary.connect()
db.run("CREATE EXTENSION djust_auth")
shop(db)


standby = primary.standby("standby")
copy = standby.connect()
old = standby.connect()


def replayed():
    """Everything the primary has committed is replayed."""
    target = db.one("SELECT pg_current_wal_lsn()::text")
    until(lambda: copy.one("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", target), "replay")


def customer(name):
    email = f"{name}@standby.example"
    user_id = db.create_user(email, profiles=["customer"])
    tokens = db.login(email)
    replayed()
    return email, user_id, tokens


def reads():
    _, user_id, tokens = customer("read")
    token = tokens["access_token"]
    ok(copy.one("SELECT pg_is_in_recovery()"), "this is a standby")
    equal([copy.can(token, route, access) for route, access in (("/orders", "read"), ("/orders", "write"), ("/other", "read"))], [True, False, False],
          "djust_can works there")
    equal([copy.can(None), copy.can(token + "x"), copy.can("")], [False] * 3, "for anonymous and garbage too")
    equal(copy.one("SELECT djust_introspect(%s) ->> 'sub'", token), user_id, "so does djust_introspect")
    equal(copy.one("SELECT json_array_length(djust_sessions(%s))", token), 1, "and djust_sessions")
    equal(copy.one("SELECT djust_jwks()::text"), db.one("SELECT djust_jwks()::text"), "and djust_jwks")
    ok("/orders" in copy.one("SELECT djust_auth.explain(%s, '/orders', 'read')", user_id), "and explain")
    copy.run("SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || %s)::text, false)", token)
    equal((copy.one("SELECT djust_request_user()::text"), copy.one("SELECT djust_request_can('/orders', 'read')")), (user_id, True), "and the request functions")
    copy.run("SELECT set_config('request.headers', '', false)")


def writes():
    email, user_id, tokens = customer("write")
    token = tokens["access_token"]
    for name, sql, values in (
            ("djust_login", "SELECT djust_login(%s, %s)", (email, GOOD)),
            ("djust_login of an unknown address", "SELECT djust_login(%s, %s)", ("nobody@standby.example", GOOD)),
            ("djust_token", "SELECT djust_token('password', %s, %s)", (email, GOOD)),
            ("djust_refresh", "SELECT djust_refresh(%s)", (tokens["refresh_token"],)),
            ("djust_refresh of garbage", "SELECT djust_refresh(%s)", ("djr_x",)),
            ("djust_logout", "SELECT djust_logout(%s)", (token,)),
            ("djust_reset_request", "SELECT djust_reset_request(%s)", (email,)),
            ("djust_reset_confirm", "SELECT djust_reset_confirm(%s, %s)", ("djp_x", OTHER)),
            ("djust_reset_page with a password", "SELECT djust_reset_page(%s, %s)", ("djp_x", OTHER)),
            ("djust_sign_up_page with a password", "SELECT djust_sign_up_page(%s, %s)", (email, OTHER)),
            ("djust_confirm_page with a button pressed", "SELECT djust_confirm_page(%s, %s)", ("djc_x", "yes")),
            ("djust_reset_confirm with a weak password", "SELECT djust_reset_confirm(%s, %s)", ("djp_x", "x")),
            ("djust_change_password", "SELECT djust_change_password(%s, %s, %s)", (token, GOOD, OTHER)),
            ("djust_end_session", "SELECT djust_end_session(%s)", (token,)),
            ("create_user", "SELECT djust_auth.create_user('eve@standby.example')", ()),
            ("end_all_sessions", "SELECT djust_auth.end_all_sessions()", ()),
            ("open_session", "SELECT djust_auth.open_session(%s)", (user_id,)),
            ("rotate_signing_key", "SELECT djust_auth.rotate_signing_key()", ())):
        hashes = copy.stats("hashes")
        fails("25006", lambda: copy.one(sql, *values), f"{name} is refused there")
        if copy.stats("hashes") != hashes:
            ok(False, f"{name} is refused before any work")
    equal(error_of(db.login(email)), None, "and works on the primary")
    ok(copy.can(token), "where nothing has changed")


def endings():
    for number, (name, sql) in enumerate({
            "logout": "SELECT djust_logout(%(token)s)",
            "disable_user": "SELECT djust_auth.disable_user(%(user_id)s)",
            "set_password": "SELECT djust_auth.set_password(%(user_id)s, %(password)s)",
            "end_all_sessions": "SELECT djust_auth.end_all_sessions()",
            "delete_user": "SELECT djust_auth.delete_user(%(user_id)s)",
            "DELETE of the session": "DELETE FROM djust_auth.session WHERE user_id = %(user_id)s"}.items()):
        _, user_id, tokens = customer(f"end{number}")
        token = tokens["access_token"]
        old.begin_with_snapshot()
        before = copy.can(token), old.can(token)
        db.cursor.execute(sql, {"token": token, "user_id": user_id, "password": OTHER})
        replayed()
        after = copy.can(token), old.can(token)
        old.rollback()
        equal((before, after), ((True, True), (False, False)), f"{name} counts there once replayed, in an older snapshot too")


def open_transactions():
    email, _, _ = customer("open")
    db.begin()
    token = db.login(email)["access_token"]
    replayed()
    during = copy.can(token)
    db.commit()
    replayed()
    equal((during, copy.can(token)), (False, True), "a login counts there when its commit is replayed")
    db.begin()
    token = db.login(email)["access_token"]
    db.rollback()
    replayed()
    equal(copy.can(token), False, "and not if it was rolled back")


def rights():
    _, user_id, tokens = customer("right")
    token = tokens["access_token"]
    steps = (("UPDATE djust_auth.profile_right SET access = 'none' WHERE profile = 'customer'", False),
             ("SELECT djust_auth.set_right('customer', '/orders', 'read')", True),
             ("DELETE FROM djust_auth.profile_right WHERE profile = 'customer'", False),
             ("INSERT INTO djust_auth.profile_right VALUES ('customer', '/orders', 'write')", True),
             (f"DELETE FROM djust_auth.user_profile WHERE user_id = '{user_id}'", False),
             (f"SELECT djust_auth.add_profile('{user_id}', 'customer')", True),
             ("UPDATE djust_auth.profile SET name = 'client' WHERE name = 'customer'", True),
             ("TRUNCATE djust_auth.user_profile", False),
             (f"INSERT INTO djust_auth.user_profile VALUES ('{user_id}', 'client')", True),
             ("TRUNCATE djust_auth.profile_right", False),
             ("INSERT INTO djust_auth.profile_right VALUES ('anonymous', '/**', 'read')", True),
             ("DELETE FROM djust_auth.profile_right", False),
             ("INSERT INTO djust_auth.profile_right VALUES ('client', '/orders', 'read')", True),
             ("SELECT djust_auth.drop_profile('client')", False))
    good = copy.can(token)
    for sql, after in steps:
        old.begin_with_snapshot()
        old_before = old.can(token)
        db.begin()
        db.run(sql)
        db.rollback()
        replayed()
        rolled_back = copy.can(token)
        db.run(sql)
        replayed()
        equal((old_before, rolled_back, copy.can(token), old.can(token)), (good, good, after, after),
              f"replayed: {sql.replace(user_id, '...')}")
        old.rollback()
        good = after
    shop(db)


def keys():
    email, _, tokens = customer("key")
    ok(copy.can(tokens["access_token"]), "a token of the present key")
    for algorithm in ("EdDSA", "HS256", "RS256", "ES256"):
        db.run("SELECT djust_auth.rotate_signing_key(%s)", algorithm)
        fresh = db.login(email)
        replayed()
        equal((copy.can(fresh["access_token"]), copy.can(tokens["access_token"])), (True, True), f"rotated to {algorithm}: new and older tokens are good there")
    db.run("DELETE FROM djust_auth.signing_key WHERE verify_until IS NOT NULL")
    renewed = db.refresh(fresh["refresh_token"])
    replayed()
    ok(copy.can(renewed["access_token"]), "and of the key that is left")


def promotion():
    """After a failover what was live is live, and the new primary writes."""
    email, _, tokens = customer("promoted")
    ended = db.login(email)
    db.logout(ended["access_token"])
    replayed()
    primary.stop("immediate")
    standby.ctl("promote")
    until(lambda: not copy.one("SELECT pg_is_in_recovery()"), "promotion")
    equal((copy.can(tokens["access_token"]), copy.can(ended["access_token"])), (True, False), "promoted: what was live is, what was over is")
    equal([error_of(copy.refresh(tokens["refresh_token"])), error_of(copy.login(email)), error_of(copy.refresh(ended["refresh_token"]))],
          [None, None, "invalid_grant"], "and it takes logins and refreshes")


main(reads, writes, endings, open_transactions, rights, keys, promotion)
