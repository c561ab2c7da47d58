"""A refresh is a HOT update: neither indexes nor the session table grow."""

from support import Cluster, equal, main, note, ok, shop, until

SESSIONS = 200
ROUNDS = 40

# an analyze that holds a snapshot keeps versions, and an update that finds no room beside them is none that is HOT
db = Cluster("hot", "autovacuum = off").connect()
db.run("CREATE EXTENSION djust_auth")
shop(db)


def counters():
    return db.row("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_all_tables WHERE relid = 'djust_auth.session'::regclass")


def sizes():
    return db.row("SELECT pg_relation_size('djust_auth.session'), pg_indexes_size('djust_auth.session')")


def refreshes():
    user_id = db.create_user("hot@hot.example", None, ["customer"])
    tokens = [db.one("SELECT djust_auth.open_session(%s) ->> 'refresh_token'", user_id) for _ in range(SESSIONS)]
    before, (table, indexes) = counters(), sizes()
    for _ in range(ROUNDS):
        tokens = [db.refresh(token)["refresh_token"] for token in tokens]
    done = SESSIONS * ROUNDS
    db.run("SELECT pg_stat_force_next_flush()")
    until(lambda: counters()[0] >= before[0] + done, "the statistics of all refreshes")
    updated, hot_updated = (now - then for now, then in zip(counters(), before))
    note(f"n_tup_upd {updated}, n_tup_hot_upd {hot_updated}; table {table} and {sizes()[0]} bytes, indexes {indexes} and {sizes()[1]}")
    equal(updated, done, f"{done:,} refreshes of {SESSIONS} sessions are as many updates")
    ok(hot_updated >= 0.99 * updated, "at least 99 of 100 are HOT (n_tup_hot_upd)", hot_updated)
    ok(sizes()[0] <= 1.5 * table, "the table has not grown by more than half", sizes())
    equal(sizes()[1], indexes, "its indexes have not grown at all")


def room():
    """About as much as doc/operations.md says: a session 520 bytes, an event 210, with their indexes."""
    def taken(table):
        return db.one("SELECT pg_table_size(oid) + pg_indexes_size(oid) FROM pg_class WHERE oid = %s::regclass", "djust_auth." + table)

    db.run("SELECT set_config('request.headers', %s, false)", '{"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}')
    user_id = db.create_user("room@hot.example", None, ["customer"])
    before = taken("session")
    tokens = [db.one("SELECT djust_auth.open_session(%s) ->> 'refresh_token'", user_id) for _ in range(1000)]
    session = (taken("session") - before) / 1000
    before = taken("audit_event")
    for token in tokens:
        db.refresh(token)
    event = (taken("audit_event") - before) / 1000
    note(f"a session takes {session:.0f} bytes, an event {event:.0f}")
    ok(0.7 * 520 < session < 1.3 * 520 and 0.7 * 210 < event < 1.3 * 210, "sessions and events take the room that the documentation says", (session, event))


main(refreshes, room)
