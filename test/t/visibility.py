"""A committed change counts at once in every other backend, an uncommitted one does not."""

from support import GOOD, OTHER, Db, equal, error_of, fails, here, main, ok, program, shop

db = Db()
other = Db()
shop(db)


def customer(name, profiles=("customer",)):
    email = f"{name}@visible.example"
    user_id = db.create_user(email, profiles=list(profiles))
    return email, user_id, db.login(email)


# Sessions that end while another backend sits in an older snapshot

ENDINGS = {
    "logout": lambda user_id, tokens: db.logout(tokens["access_token"]),
    "logout by refresh token": lambda user_id, tokens: db.logout(tokens["refresh_token"]),
    "disable_user": lambda user_id, tokens: db.run("SELECT djust_auth.disable_user(%s)", user_id),
    "delete_user": lambda user_id, tokens: db.run("SELECT djust_auth.delete_user(%s)", user_id),
    "set_password": lambda user_id, tokens: db.run("SELECT djust_auth.set_password(%s, %s)", user_id, OTHER),
    "end_sessions": lambda user_id, tokens: db.run("SELECT djust_auth.end_sessions(%s)", user_id),
    "end_all_sessions": lambda user_id, tokens: db.run("SELECT djust_auth.end_all_sessions(clock_timestamp())"),
    "DELETE of the session": lambda user_id, tokens: db.run("DELETE FROM djust_auth.session WHERE user_id = %s", user_id),
    "DELETE of the user": lambda user_id, tokens: db.run("DELETE FROM djust_auth.customer_user WHERE id = %s", user_id),
    "UPDATE of disabled_at": lambda user_id, tokens: db.run(
        "UPDATE djust_auth.customer_user SET disabled_at = now() WHERE id = %s", user_id),
    "UPDATE of password_hash": lambda user_id, tokens: db.run(
        "UPDATE djust_auth.customer_user SET password_hash = NULL WHERE id = %s", user_id),
    "reset": lambda user_id, tokens: db.confirm(db.reset_link(db.one(
        "SELECT email FROM djust_auth.customer_user WHERE id = %s", user_id))),
    "change of password elsewhere": lambda user_id, tokens: db.one(
        "SELECT djust_change_password(%s, %s, %s)",
        db.one("SELECT djust_auth.open_session(%s)", user_id)["access_token"], GOOD, OTHER),
}


def endings():
    for number, (kind, end) in enumerate(ENDINGS.items()):
        _, user_id, tokens = customer(f"end{number}")
        token = tokens["access_token"]
        other.begin_with_snapshot()
        before = other.can(token)
        db.begin()
        end(user_id, tokens)
        during = other.can(token)
        own = db.can(token)
        db.commit()
        after = other.can(token)
        active = other.one("SELECT djust_introspect(%s) ->> 'active'", token)
        still_old = other.one("SELECT count(*) FROM djust_auth.session WHERE user_id = %s", user_id)
        other.rollback()
        equal((before, during, own, after, active), (True, True, False, False, "false"),
              f"{kind}: the token is good until it commits and dead then, in an older snapshot too (own transaction: at once)")
        ok(still_old >= 1, f"{kind}: that transaction really had an older snapshot")


def endings_rolled_back():
    for number, (kind, end) in enumerate(ENDINGS.items()):
        for undo in ("ROLLBACK", "ROLLBACK TO s"):
            _, user_id, tokens = customer(f"back{number}{len(undo)}")
            db.begin()
            db.run("SAVEPOINT s")
            end(user_id, tokens)
            db.run(undo)
            db.run("COMMIT")
            equal((db.can(tokens["access_token"]), other.can(tokens["access_token"])), (True, True), f"{kind}, {undo}: the token lives")


def all_sessions():
    """end_all_sessions: all are dead at commit, in an older snapshot that has read the table, too; later ones live."""
    _, user_id, tokens = customer("all")
    token, refresh = tokens["access_token"], tokens["refresh_token"]
    active, events = "SELECT count(*) FROM djust_auth.active_session", "SELECT count(*) FROM djust_auth.audit_event WHERE detail ->> 'change' = 'all sessions ended'"
    rows, before = "SELECT count(*) FROM djust_auth.session WHERE user_id = %s", db.one(events)
    other.begin_with_snapshot()
    other.one("SELECT count(*) FROM djust_auth.session")
    db.run("SELECT djust_auth.end_all_sessions(now() - interval '1 hour')")
    equal((db.can(token), other.can(token)), (True, True), "a session that was opened after the moment lives")
    db.begin()
    db.run("SELECT djust_auth.end_all_sessions(clock_timestamp())")
    db.commit()
    equal((db.can(token), other.can(token), other.one("SELECT djust_introspect(%s) ->> 'active'", token)), (False, False, "false"),
          "end_all_sessions: dead at commit, in an older snapshot too")
    equal((error_of(other.refresh(refresh)), other.logout(token), other.logout(refresh), other.one("SELECT djust_end_session(%s)", token)),
          ("invalid_grant", False, False, 0), "nor can either token be used there")
    other.rollback()
    equal((db.one(active), db.one("SELECT value FROM djust_auth.stat WHERE name = 'sessions_live'"), db.one(rows, user_id)), (0, 0, 1),
          "views and counters agree, though the row is there")
    renewed = db.login("all@visible.example")
    ok(db.can(renewed["access_token"]) and other.can(renewed["access_token"]), "a login in the same second is good everywhere")
    again = db.refresh(renewed["refresh_token"])
    ok(error_of(again) is None and other.can(again["access_token"]), "and is renewed")
    equal((db.one(active), db.one("SELECT json_array_length(djust_sessions(%s))", renewed["access_token"])), (1, 1), "and it alone is listed")
    db.run("SELECT djust_auth.end_all_sessions(now() - interval '1 minute')")
    ok(not db.can(token) and db.can(again["access_token"]), "a later call with an earlier moment revives none and ends none")
    for moment in ("now() + interval '1 minute'", "'infinity'", "'-infinity'"):
        fails("22023", lambda value=moment: db.run(f"SELECT djust_auth.end_all_sessions({value})"), f"before => {moment} is refused")
    fails("22004", lambda: db.run("SELECT djust_auth.end_all_sessions(NULL)"), "and NULL")
    equal(db.one(events) - before, 3, "each of the other calls is one event")
    purged = db.one("SELECT djust_auth.purge() ->> 'session'")
    ok(int(purged) >= 1 and db.one(rows, user_id) == 1, "a purge removes the rows", purged)
    equal(db.one("SELECT purged FROM djust_auth.session_cutoff"), True, "once")
    ok(db.can(again["access_token"]), "but not of the session that was opened since")

    # a login that is not committed when all end
    pending = Db()
    pending.begin()
    tokens = pending.login("all@visible.example")
    db.run("SELECT djust_auth.end_all_sessions()")
    pending.commit()
    equal((db.can(tokens["access_token"]), error_of(db.refresh(tokens["refresh_token"]))), (False, "invalid_grant"),
          "end_all_sessions does not wait for an open login, whose session is dead when it commits")
    pending.close()


def reuse():
    """Of a refresh token: what it ends is dead before the transaction ends, and however it ends (reuse_is_final.py)."""
    for end in (db.commit, db.rollback):
        _, _, tokens = customer(f"reuse_{end.__name__}")
        token = tokens["access_token"]
        other.begin_with_snapshot()
        before = other.can(token)
        db.refresh(db.refresh(tokens["refresh_token"])["refresh_token"])
        db.begin()
        db.refresh(tokens["refresh_token"])
        during = other.can(token), db.can(token)
        end()
        after = other.can(token), db.can(token)
        other.rollback()
        equal((before, during, after), (True, (False, False), (False, False)),
              f"reuse of a refresh token, {end.__name__}: dead at once, in an older snapshot too")


def logins():
    email, user_id, _ = customer("login")
    db.begin()
    tokens = db.login(email)
    token = tokens["access_token"]
    equal((db.can(token), other.can(token)), (True, False), "a token whose login is not committed is good there and nowhere else")
    equal(other.one("SELECT djust_introspect(%s) ->> 'active'", token), "false", "nor is it active elsewhere")
    equal(error_of(other.refresh(tokens["refresh_token"])), "invalid_grant", "nor can its refresh token be used elsewhere")
    equal(other.logout(token), False, "nor does it log out elsewhere")
    db.commit()
    equal((db.can(token), other.can(token)), (True, True), "once committed it is good everywhere")

    db.begin()
    tokens = db.login(email)
    db.rollback()
    equal((db.can(tokens["access_token"]), other.can(tokens["access_token"]), error_of(db.refresh(tokens["refresh_token"]))),
          (False, False, "invalid_grant"), "a login that was rolled back never was")

    db.begin()
    db.run("SAVEPOINT s")
    tokens = db.login(email)
    db.run("ROLLBACK TO s")
    inside = db.can(tokens["access_token"])
    db.commit()
    equal((inside, db.can(tokens["access_token"])), (False, False), "nor one that was rolled back to a savepoint")

    other.begin_with_snapshot()
    tokens = db.login(email)
    ok(other.can(tokens["access_token"]), "a login counts in an older snapshot once committed")
    renewed = other.refresh(tokens["refresh_token"])
    ok(error_of(renewed) is None and other.can(renewed["access_token"]), "and can be refreshed from there", renewed)
    equal(other.can(renewed["access_token"]), True, "whose new token is good there")
    other.commit()
    ok(db.can(renewed["access_token"]), "and everywhere once committed")


# Rights


def change(token, name, sql, values, before, after, route="/orders", access="read"):
    """The change counts in its own transaction at once, elsewhere at commit, also in an older snapshot; not if rolled back."""
    db.begin()
    db.run(sql, *values)
    own = db.can(token, route, access)
    elsewhere = other.can(token, route, access)
    db.rollback()
    equal((own, elsewhere, db.can(token, route, access), other.can(token, route, access)), (after, before, before, before),
          f"{name}: counts where it was made, nowhere else, and not at all once rolled back")
    db.begin()
    db.run("SAVEPOINT s")
    db.run(sql, *values)
    db.can(token, route, access)
    db.run("ROLLBACK TO s")
    back = db.can(token, route, access)
    db.commit()
    equal((back, other.can(token, route, access)), (before, before), f"{name}: nor once rolled back to a savepoint")
    other.begin_with_snapshot()
    old = other.can(token, route, access)
    db.run(sql, *values)
    equal((old, other.can(token, route, access), db.can(token, route, access)), (before, after, after),
          f"{name}: committed, it counts everywhere, in an older snapshot too")
    other.rollback()


def truncate(token, name, sql):
    """The same for a TRUNCATE, which locks the table until its transaction ends: elsewhere is asked only after that."""
    db.begin()
    db.run(sql)
    own = db.can(token)
    db.rollback()
    equal((own, db.can(token), other.can(token)), (False, True, True), f"{name}: counts where it was made, and not at all once rolled back")
    other.begin_with_snapshot()
    db.run(sql)
    equal((other.can(token), db.can(token)), (False, False), f"{name}: committed, it counts everywhere, in an older snapshot too")
    other.rollback()


def rights():
    _, user_id, tokens = customer("rights")
    token = tokens["access_token"]
    change(token, "plain UPDATE to write", "UPDATE djust_auth.profile_right SET access = 'write' WHERE profile = 'customer'",
           (), False, True, access="write")
    change(token, "plain UPDATE to none", "UPDATE djust_auth.profile_right SET access = 'none' WHERE profile = 'customer'",
           (), True, False)
    change(token, "set_right", "SELECT djust_auth.set_right('customer', '/orders', 'read')", (), False, True)
    change(token, "UPDATE of the route", "UPDATE djust_auth.profile_right SET route = '/ordered' WHERE profile = 'customer'",
           (), True, False)
    change(token, "DELETE of a right", "DELETE FROM djust_auth.profile_right WHERE profile = 'customer'",
           (), True, False, route="/ordered")
    change(token, "INSERT of a right", "INSERT INTO djust_auth.profile_right VALUES ('customer', '/orders', 'read')", (), False, True)
    change(None, "right of anonymous", "INSERT INTO djust_auth.profile_right VALUES ('anonymous', '/open', 'read')",
           (), False, True, route="/open")
    ok(db.can(token, "/open"), "which every logged-in user has too")
    truncate(token, "TRUNCATE of the rights", "TRUNCATE djust_auth.profile_right")
    db.run("INSERT INTO djust_auth.profile_right VALUES ('customer', '/orders', 'read')")


def assignments():
    _, user_id, tokens = customer("assigned")
    token = tokens["access_token"]
    delete = "DELETE FROM djust_auth.user_profile WHERE user_id = %s"
    insert = "INSERT INTO djust_auth.user_profile VALUES (%s, 'customer')"
    change(token, "DELETE of an assignment", delete, (user_id,), True, False)
    change(token, "INSERT of an assignment", insert, (user_id,), False, True)
    change(token, "remove_profile", "SELECT djust_auth.remove_profile(%s, 'customer')", (user_id,), True, False)
    change(token, "add_profile", "SELECT djust_auth.add_profile(%s, 'customer')", (user_id,), False, True)
    db.run("INSERT INTO djust_auth.profile VALUES ('idle')")
    change(token, "UPDATE of an assignment", "UPDATE djust_auth.user_profile SET profile = 'idle' WHERE user_id = %s",
           (user_id,), True, False)
    change(token, "and back", "UPDATE djust_auth.user_profile SET profile = 'customer' WHERE user_id = %s", (user_id,), False, True)
    _, second, others = customer("assigned2", ["idle"])
    db.begin()
    db.run("UPDATE djust_auth.user_profile SET user_id = %s WHERE user_id = %s AND profile = 'customer'", second, user_id)
    equal((db.can(token), db.can(others["access_token"])), (False, True), "an assignment that changes its user changes both")
    db.rollback()
    truncate(token, "TRUNCATE of the assignments", "TRUNCATE djust_auth.user_profile")
    db.run(insert, user_id)
    ok(other.can(token), "and one given again counts")


def profiles():
    _, user_id, tokens = customer("profiled")
    token = tokens["access_token"]
    change(token, "rename of a profile", "UPDATE djust_auth.profile SET name = 'client' WHERE name = 'customer'", (), True, True)
    equal(db.all("SELECT profile FROM djust_auth.user_profile WHERE user_id = %s", user_id), [("client",)], "the assignment follows")
    change(token, "a right of the new name", "SELECT djust_auth.set_right('client', '/orders', 'none')", (), True, False)
    change(token, "and back", "SELECT djust_auth.set_right('client', '/orders', 'read')", (), False, True)
    change(token, "drop of a profile", "SELECT djust_auth.drop_profile('client')", (), True, False)
    shop(db)
    ok(not other.can(token), "a new profile of an old name gives nothing to those who had the old one")
    db.run("INSERT INTO djust_auth.user_profile VALUES (%s, 'customer')", user_id)
    change(token, "plain DELETE of a profile", "DELETE FROM djust_auth.profile WHERE name = 'customer'", (), True, False)
    shop(db)


def older_snapshots():
    email, user_id, first = customer("older")
    for kind, sql, count in (("end_sessions", "SELECT djust_auth.end_sessions(%s)", 2),
                             ("disable_user", "SELECT djust_auth.disable_user(%s)", None),
                             ("set_password", f"SELECT djust_auth.set_password(%s, '{GOOD}')", None)):
        db.run("SELECT djust_auth.end_sessions(%s)", user_id)
        first = db.login(email)
        other.begin_with_snapshot()
        second = db.login(email)
        got = other.one(sql, user_id)
        other.commit()
        equal((db.can(first["access_token"]), db.can(second["access_token"]), db.sessions(user_id)), (False, False, 0),
              f"{kind} from an older snapshot ends also the session opened after it")
        if count is not None:
            equal(got, count, f"{kind} says how many")
        db.run("SELECT djust_auth.enable_user(%s)", user_id)

    own, gone = db.login(email), db.login(email)
    other.begin_with_snapshot()
    newest = db.login(email)
    ended = other.one("SELECT djust_end_session(%s)", own["access_token"])
    other.commit()
    equal((ended, db.can(own["access_token"]), db.can(gone["access_token"]), db.can(newest["access_token"])), (2, True, False, False),
          "djust_end_session ends all others, also the one opened after its snapshot")

    other.begin_with_snapshot()
    tokens = db.login(email)
    listed = other.one("SELECT json_array_length(djust_sessions(%s))", tokens["access_token"])
    equal(listed, 2, "djust_sessions lists a session opened after its snapshot")
    equal(other.logout(tokens["access_token"]), True, "and it can be ended from there")
    other.commit()
    ok(not db.can(tokens["access_token"]), "for everyone")

    tokens = db.login(email)
    other.begin_with_snapshot()
    db.logout(tokens["access_token"])
    equal(other.logout(tokens["access_token"]), False, "logout of a session that ended after the snapshot ends none")
    other.commit()

    tokens = db.login(email)
    other.begin_with_snapshot()
    db.refresh(tokens["refresh_token"])
    equal(other.logout(tokens["refresh_token"]), True, "logout of a session refreshed after the snapshot")
    other.commit()
    ok(not db.can(tokens["access_token"]), "ends it")


def prepared():
    """Cached plans must not keep an answer."""
    _, user_id, tokens = customer("prepared")
    other.run("PREPARE can(text) AS SELECT djust_can($1, '/orders', 'read')")
    answers = [other.one("EXECUTE can(%s)", tokens["access_token"]) for _ in range(7)]
    db.run("SELECT djust_auth.remove_profile(%s, 'customer')", user_id)
    equal(answers + [other.one("EXECUTE can(%s)", tokens["access_token"])], [True] * 7 + [False], "a prepared statement forgets too")
    other.run("DEALLOCATE can")


def again():
    """DROP and CREATE EXTENSION under the feet of warm backends."""
    name = db.one("SELECT current_database()") + "_again"
    program("createdb", name, env=here("postgres"))
    one, two = Db(dbname=name), Db(dbname=name)
    tokens = []
    for round_ in range(3):
        one.run("CREATE EXTENSION djust_auth")
        shop(one)
        user_id = one.create_user("ann@again.example", profiles=["customer"])
        tokens.append(one.login("ann@again.example"))
        fresh = two.login("ann@again.example")
        equal([error_of(fresh), one.can(fresh["access_token"]), two.can(tokens[-1]["access_token"])], [None, True, True],
              f"extension created, time {round_ + 1}: warm backends work")
        equal([each.can(old["access_token"]) for each in (one, two) for old in tokens[:-1]], [False] * 2 * round_,
              "and take no token of an earlier time")
        renewed = two.refresh(fresh["refresh_token"])
        ok(error_of(renewed) is None and one.logout(renewed["refresh_token"]), "and refresh, and log out", renewed)
        one.run("SELECT djust_auth.set_right('customer', '/orders', 'none')")
        ok(not two.can(tokens[-1]["access_token"]), "and see a change of rights")
        one.run("SELECT djust_auth.disable_user(%s)", user_id)
        one.run("DROP EXTENSION djust_auth")
    one.close()
    two.close()
    program("dropdb", name, env=here("postgres"))


main(endings, endings_rolled_back, all_sessions, reuse, logins, rights, assignments, profiles, older_snapshots, prepared, again)
