"""Rows are written without a statement; what an administrator has added to a table takes part all the same."""

from datetime import timedelta

from support import GOOD, OTHER, Db, equal, fails, later, main, ok, shop, until_blocked

db = Db()
other = Db()
shop(db)
ADDRESS = "ann@rows.example"
user_id = db.create_user(ADDRESS, GOOD, ["customer"])
db.run("CREATE TABLE seen (what text)")
db.run("CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (TG_ARGV[0]); RETURN NEW; END $$")


def opened():
    return db.one("SELECT djust_auth.open_session(%s)", user_id)


def logged_in():
    """Checked: a session that goes on, and one row in the audit."""
    before = events("login")
    tokens = db.login(ADDRESS)
    ok(db.can(tokens["access_token"]), "a login gives a session")
    equal(events("login"), before + 1, "one more event")
    return tokens


def refreshed(session):
    """Checked: the session goes on, by one row in the audit."""
    before = events()
    tokens = db.refresh(session["refresh_token"])
    ok(db.can(tokens["access_token"]), "the session goes on")
    equal(events(), before + 1, "one more event")
    return tokens


def events(kind="refresh"):
    return db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = %s", kind)


def indexed():
    """Sessions by each index, and events: the table has what its indexes lead to."""
    db.run("SET enable_seqscan = off")
    counts = [db.one(f"SELECT count(*) FROM djust_auth.session WHERE {column} = ANY (ARRAY(SELECT {column} FROM djust_auth.session))")
              for column in ("sid", "user_id")]
    counts.append(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE user_id = %s AND event = 'refresh'", user_id))
    db.run("RESET enable_seqscan")
    return counts


def whole():
    """Every column of the row is as it was, but for those a refresh sets."""
    kept = "SELECT (sid, user_id, created_at, profiles, client_address, user_agent)::text FROM djust_auth.session WHERE sid = %s"
    session = opened()
    sid = db.one("SELECT sid FROM djust_auth.session ORDER BY created_at DESC, sid DESC LIMIT 1")
    db.run("UPDATE djust_auth.session SET client_address = '192.0.2.7', user_agent = 'a browser' WHERE sid = %s", sid)
    before = db.one(kept, sid)
    refreshed(session)
    equal(db.one(kept, sid), before, "what a refresh does not set is kept")
    equal(db.one("SELECT generation FROM djust_auth.session WHERE sid = %s", sid), 1, "what it sets is set")


def whole_login():
    """Every column of a new row, and its way into both indexes."""
    db.run("TRUNCATE djust_auth.session")
    request = "SELECT set_config('request.method', %s, false), set_config('request.headers', %s, false)"
    db.row(request, "POST", '{"user-agent": "a browser"}')
    logged_in()
    db.row(request, "", "")
    equal(db.row("""SELECT user_id, created_at = refreshed_at, expires_at - created_at, access_expires_at - created_at, generation,
        length(access_hash), profiles, client_address, user_agent FROM djust_auth.session"""),
          (user_id, True, timedelta(hours=2), timedelta(minutes=10), 0, 32, ["customer"], None, "a browser"), "what a login writes")
    equal(indexed()[:2], [1, 1], "by every index")


def no_statements():
    backend = Db()
    backend.watch_statements()
    session = opened()
    equal(backend.executed(f"SELECT djust_refresh('{session['refresh_token']}')"), 1, "no statement but the call of djust_refresh, not even in a fresh backend")
    ok(backend.executed(f"SELECT djust_logout('{session['refresh_token']}')") > 1, "where those of djust_logout are seen")
    backend.close()


def full_pages():
    """Where a page has no room, the new version goes to another one, and into the indexes."""
    sessions = [opened() for _ in range(60)]
    other.begin("REPEATABLE READ")
    other.one("SELECT count(*) FROM djust_auth.session")
    db.run("SELECT pg_stat_force_next_flush()")
    counters = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'djust_auth.session'::regclass"
    updated, hot = db.row(counters)
    for _ in range(3):
        sessions = [db.refresh(session["refresh_token"]) for session in sessions]
    db.run("SELECT pg_stat_force_next_flush()")
    now_updated, now_hot = db.row(counters)
    other.commit()
    equal(now_updated - updated, 180, "refreshes are counted as updates")
    ok(now_hot - hot < 180, "some went to another page", now_hot - hot)
    ok(all(db.can(session["access_token"]) for session in sessions), "all are found")
    total = db.one("SELECT count(*) FROM djust_auth.session")
    equal(indexed(), [total, total, events()], "by every index")


def triggers():
    db.run("CREATE TRIGGER see BEFORE UPDATE ON djust_auth.session FOR EACH ROW EXECUTE FUNCTION see('session')")
    db.run("CREATE TRIGGER see AFTER INSERT ON djust_auth.audit_event FOR EACH ROW EXECUTE FUNCTION see('event')")
    session = opened()
    db.run("TRUNCATE seen")
    session = refreshed(session)
    equal(db.all("SELECT what FROM seen ORDER BY what"), [("event",), ("session",)], "both triggers fire")
    db.run("DROP TRIGGER see ON djust_auth.session; DROP TRIGGER see ON djust_auth.audit_event")
    refreshed(session)
    equal(db.one("SELECT count(*) FROM seen"), 2, "and are gone")
    db.run("CREATE TRIGGER see BEFORE INSERT ON djust_auth.session FOR EACH ROW EXECUTE FUNCTION see('login')")
    logged_in()
    equal(db.one("SELECT count(*) FROM seen WHERE what = 'login'"), 1, "one of a new session does")
    db.run("DROP TRIGGER see ON djust_auth.session")


def rules():
    db.run("CREATE RULE see AS ON INSERT TO djust_auth.audit_event DO ALSO INSERT INTO public.seen VALUES ('rule')")
    db.run("TRUNCATE seen")
    refreshed(opened())
    equal(db.one("SELECT count(*) FROM seen"), 2, "a rule sees the opening and the refresh")
    db.run("DROP RULE see ON djust_auth.audit_event")
    db.run("CREATE RULE see AS ON INSERT TO djust_auth.session DO ALSO INSERT INTO public.seen VALUES ('new session')")
    logged_in()
    equal(db.one("SELECT count(*) FROM seen WHERE what = 'new session'"), 1, "another sees a login")
    db.run("DROP RULE see ON djust_auth.session")


def columns():
    """In every table, and the whole story goes on."""
    tables = [name for name, in db.all("SELECT relid::regclass::text FROM pg_stat_user_tables WHERE schemaname = 'djust_auth'")]
    for table in tables:
        db.run(f"ALTER TABLE {table} ADD COLUMN note text DEFAULT 'by hand', ADD COLUMN by_hand integer")
    refreshed(opened())
    equal(db.one("SELECT note FROM djust_auth.audit_event ORDER BY at DESC LIMIT 1"), "by hand", "a new column gets its default")
    bob = db.create_user("bob@rows.example", GOOD, ["customer"])
    session = refreshed(db.login("bob@rows.example"))
    equal(len(db.one("SELECT djust_sessions(%s)", session["access_token"])), 1, "sessions are listed")
    db.confirm(db.reset_link("bob@rows.example"))
    ok(not db.can(session["access_token"]), "a reset ends them")
    db.run("SELECT djust_auth.rotate_signing_key()")
    session = refreshed(db.login("bob@rows.example", OTHER))
    db.run("SELECT djust_auth.disable_user(%s)", bob)
    ok(not db.can(session["access_token"]), "and so does disabling the user")
    for table in tables:
        db.run(f"ALTER TABLE {table} DROP COLUMN note, DROP COLUMN by_hand")
    refreshed(opened())


def types():
    session = opened()
    db.run("SET session_replication_role = replica; TRUNCATE djust_auth.audit_event; RESET session_replication_role")
    db.run("ALTER TABLE djust_auth.audit_event ALTER COLUMN actor TYPE name, ALTER COLUMN event TYPE varchar(5)")
    fails("22001", lambda: db.refresh(session["refresh_token"]), "an event that its column is too narrow for", "too long")
    db.run("ALTER TABLE djust_auth.audit_event ALTER COLUMN event TYPE text")
    refreshed(session)
    equal(db.one("SELECT actor FROM djust_auth.audit_event ORDER BY at DESC LIMIT 1"), db.one("SELECT session_user"), "a column of another type")
    db.run("ALTER TABLE djust_auth.audit_event ALTER COLUMN actor TYPE text")


def foreign_keys():
    """To and from columns that a refresh writes."""
    session = opened()
    db.run("CREATE TABLE generation (n integer PRIMARY KEY); INSERT INTO generation VALUES (0)")
    db.run("ALTER TABLE djust_auth.session ADD CONSTRAINT counted FOREIGN KEY (generation) REFERENCES generation NOT VALID")
    fails("23503", lambda: db.refresh(session["refresh_token"]), "a key of the session", "counted")
    db.run("INSERT INTO generation VALUES (1), (2)")
    session = refreshed(session)
    db.run("ALTER TABLE djust_auth.session DROP CONSTRAINT counted, ADD CONSTRAINT hashed UNIQUE (access_hash)")
    db.run("CREATE TABLE noted (hash bytea REFERENCES djust_auth.session (access_hash))")
    db.run("INSERT INTO noted SELECT access_hash FROM djust_auth.session")
    fails("23503", lambda: db.refresh(session["refresh_token"]), "a key to the session", "noted")
    db.run("DROP TABLE noted; DROP TABLE generation; ALTER TABLE djust_auth.session DROP CONSTRAINT hashed")
    refreshed(session)


# What happens to a user between the reading of the hash and the writing of the session; whether the login succeeds
CHANGES = {
    "disabled": ("UPDATE djust_auth.customer_user SET disabled_at = now() WHERE id = %s", False),
    "given another password": (f"SELECT djust_auth.set_password(%s, '{OTHER}')", False),
    "deleted": ("DELETE FROM djust_auth.customer_user WHERE id = %s", False),
    "gone with all others": ("TRUNCATE djust_auth.customer_user CASCADE -- %s", False),
    "moved to another address": ("UPDATE djust_auth.customer_user SET email = 'eve@rows.example' WHERE id = %s", True),
    "left as it was": ("SELECT 1 FROM djust_auth.customer_user WHERE id = %s FOR UPDATE", True),
}


def overtaken():
    """The login has read the user, and waits for the table or, where that is not emptied, for the row."""
    put_back()
    for name, (change, survives) in CHANGES.items():
        for what in ("table", "row")[: 1 if "TRUNCATE" in change else 2]:
            answer = login_beside(change, what, "READ COMMITTED")
            equal("access_token" in answer.result(), survives, f"waiting for the {what}: the user is {name}")
            other.rollback()
            put_back()
    answer = login_beside(CHANGES["moved to another address"][0], "row", "REPEATABLE READ")
    fails("40001", answer.result, "REPEATABLE READ: the login is to try again")
    other.rollback()
    put_back()


def login_beside(change, what, level):
    db.begin()
    db.run(*("LOCK TABLE djust_auth.customer_user IN EXCLUSIVE MODE",) if what == "table" else (change, user_id))
    other.begin(level)
    other.one("SELECT 1")
    answer = later(other.login, ADDRESS)
    until_blocked(db, other.pid)
    if what == "table":
        db.run(change, user_id)
    db.commit()
    return answer


def put_back():
    """The user under his address, enabled, with his password; a deleted one by another id."""
    global user_id
    db.run("TRUNCATE djust_auth.customer_user CASCADE")
    user_id = db.create_user(ADDRESS, GOOD, ["customer"])


def held():
    """Who is about to log in cannot be deleted before: the session would belong to nobody."""
    db.begin()
    db.login(ADDRESS)
    removal = later(other.run, "DELETE FROM djust_auth.customer_user WHERE id = %s", user_id)
    until_blocked(db, other.pid)
    db.commit()
    removal.result()
    equal(db.one("SELECT count(*) FROM djust_auth.session"), 0, "a deletion waits for the login, and ends its session")
    put_back()


def emptied():
    """Between a refresh's reading and its writing, for which it has to wait here, its place is gone or another session's."""
    for others in (0, 60):
        for _ in range(60):
            session = opened()
        db.begin()
        db.run("LOCK TABLE djust_auth.session IN SHARE MODE")
        answer = later(other.refresh, session["refresh_token"])
        until_blocked(db, other.pid)
        db.run("TRUNCATE djust_auth.session")
        new = [opened() for _ in range(others)]
        db.commit()
        equal(answer.result().get("error"), "invalid_grant", f"emptied, with {others} new sessions")
        equal(db.one("SELECT count(*) FROM djust_auth.session WHERE generation > 0"), 0, "of which none was written to")
        ok(all(db.can(tokens["access_token"]) for tokens in new), "and all go on")


def constraints():
    session = opened()
    db.run("ALTER TABLE djust_auth.session ADD CONSTRAINT young CHECK (generation < 1) NOT VALID")
    fails("23514", lambda: db.refresh(session["refresh_token"]), "a check of the table is kept", "young")
    db.run("ALTER TABLE djust_auth.session DROP CONSTRAINT young")
    db.run("ALTER TABLE djust_auth.audit_event ADD CONSTRAINT known CHECK (event <> 'refresh') NOT VALID")
    fails("23514", lambda: db.refresh(session["refresh_token"]), "also one of the audit", "known")
    db.run("ALTER TABLE djust_auth.audit_event DROP CONSTRAINT known")
    refreshed(session)


def collisions():
    """A session that another transaction is changing: the second waits, and answers by what it finds."""
    for level in ("READ COMMITTED", "REPEATABLE READ"):
        session = opened()
        db.begin()
        first = db.refresh(session["refresh_token"])
        other.begin(level)
        other.one("SELECT 1")
        second = later(other.refresh, session["refresh_token"])
        until_blocked(db, other.pid)
        db.commit()
        equal(second.result()["refresh_token"], first["refresh_token"], f"{level}: the second is given the first one's successor")
        other.commit()
    session = opened()
    db.begin()
    db.refresh(session["refresh_token"])
    other.begin("SERIALIZABLE")
    other.one("SELECT 1")
    second = later(other.refresh, session["refresh_token"])
    until_blocked(db, other.pid)
    db.commit()
    fails("40001", second.result, "SERIALIZABLE: the second is to try again")
    other.rollback()


main(whole, whole_login, no_statements, full_pages, collisions, emptied, triggers, rules, constraints,
     foreign_keys, types, columns, overtaken, held)
