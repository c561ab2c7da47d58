"""Cases that write: refresh, logout and reset requests beside plain statements, WAL, and the growth of the session table."""

import statistics
import threading
import time

import harness
from harness import API_ROLE, CORES, PASSWORD, ROUNDS, Pgbench, interleave
from store import Store
from support import until

CLIENTS = 8
CHAINS = 16
HOT_SESSIONS = 10_000

# Equal rows in tables without the extension's constraints and triggers, as many as there are sessions and events.
PLAIN = """
CREATE TABLE bench.plain (LIKE djust_auth.session INCLUDING INDEXES INCLUDING STORAGE) WITH (fillfactor = 70);
INSERT INTO bench.plain SELECT * FROM djust_auth.session;
CREATE TABLE bench.plain_key (n integer PRIMARY KEY, sid uuid NOT NULL);
INSERT INTO bench.plain_key SELECT row_number() OVER () - 1, sid FROM (SELECT sid FROM bench.plain ORDER BY random()) AS s;
CREATE TABLE bench.plain_event (LIKE djust_auth.audit_event INCLUDING INDEXES INCLUDING STORAGE);
INSERT INTO bench.plain_event SELECT * FROM djust_auth.audit_event;
CREATE TABLE bench.plain_mail (LIKE djust_auth.mail_queue INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES INCLUDING STORAGE);
GRANT SELECT, INSERT, UPDATE ON bench.plain, bench.plain_key, bench.plain_event, bench.plain_mail TO {role};
"""
PLAIN_UPDATE = r"""UPDATE bench.plain SET generation = generation + 1, refreshed_at = now(), expires_at = now() + interval '2 hours',
    access_expires_at = now() + interval '10 minutes', access_hash = sha256(access_hash) WHERE sid = {sid}"""

# Each client has a session of its own for each script and remembers its token: nothing is looked up after the first time.
START_CHAIN = r"""\if :started{k} = 0
SELECT {what} AS token{k} FROM bench.{table} WHERE n = :base + :client_id * {chains} + {k} \gset
\set started{k} 1
\endif
"""


def refresh_script(function, quotes):
    """
    A client reads the answer itself, which pgbench cannot: the new token is cut out from after so many quotation marks, not
    parsed at the server's expense.
    """
    return START_CHAIN + f"SELECT split_part({function}(:token{{k}})::text, '\"', {quotes + 1}) AS token{{k}} \\gset\n"


REFRESH = refresh_script("djust_refresh", 13)
UPDATE = START_CHAIN + PLAIN_UPDATE.format(sid=":token{k}") + " RETURNING sid AS token{k} \\gset\n"
BARE_REFRESH = START_CHAIN + "WITH refreshed AS (" + PLAIN_UPDATE.format(sid=":token{k}") + r""" RETURNING sid, user_id), event AS (
    INSERT INTO bench.plain_event (id, at, event, user_id, sid, actor)
    SELECT gen_random_uuid(), now(), 'refresh', user_id, sid, session_user FROM refreshed)
SELECT sid AS token{k}, bench.sign(sid::text) AS signed FROM refreshed \gset
"""

# Logout ends a session, so each call needs another one: the look-up is on both sides.
NEXT = r"""\set n :base + :client_id * :count + :i
\set i :i + 1
SELECT {what} AS token FROM bench.{table} WHERE n = :n \gset
"""
LOGOUT = NEXT.format(what="refresh_token", table="spare") + "SELECT djust_logout(:token);\n"
UPDATE_ONE = NEXT.format(what="sid", table="plain_key") + PLAIN_UPDATE.format(sid=":token") + ";\n"

COUNTER = r"""\set n :base + :client_id * 1000000 + :i
\set i :i + 1
"""
RESET = COUNTER + "SELECT djust_reset_request('guest' || :n || '@bench.example');\n"
INSERT_MAIL = COUNTER + """INSERT INTO bench.plain_mail (kind, address, created_at, expires_at, next_attempt_at)
    VALUES ('reset', rpad(:n::text, 284)::bytea, now(), now() + interval '1 day', now());
"""


def make_plain(bench):
    db = bench.store.connect()
    if not db.one("SELECT to_regclass('bench.plain')"):
        db.run(PLAIN.format(role=API_ROLE))
        db.run("VACUUM ANALYZE bench.plain, bench.plain_key, bench.plain_event")
        db.run("CHECKPOINT")
    return db


def chains_of(bench):
    """Sessions of one client in one run: three cases take theirs, and the store must have enough."""
    return max(1, min(CHAINS, bench.store.spares // (8 * ROUNDS * CLIENTS)))


def chain_scripts(script, chains, what, table):
    return [script.format(k=k, chains=chains, what=what, table=table) for k in range(chains)]


def counted(bench, counter, pgbench):
    """A run whose every transaction must have moved a counter of djust_auth.stats()."""
    db = bench.store.connect()

    def run(**options):
        before = db.stats(counter)
        rate = pgbench.run(**options)
        if db.stats(counter) - before != pgbench.count:
            raise AssertionError(f"{pgbench.count} transactions, but {db.stats(counter) - before} {counter}")
        return rate
    return run


def refresh(bench):
    """One client waits for the disk each time; several share the wait, and the cores are what counts."""
    make_plain(bench)
    for clients in (1, CLIENTS):
        refresh_by(bench, clients)


def refresh_by(bench, clients):
    chains = chains_of(bench)
    variables = {f"started{k}": 0 for k in range(chains)}

    def pgbench(name, script, what, table):
        return Pgbench(bench.store.dbname, name, *chain_scripts(script, chains, what, table), clients=clients, variables=variables)

    ours = counted(bench, "refreshes", pgbench("refresh", REFRESH, "refresh_token", "spare"))
    update, bare = pgbench("update", UPDATE, "sid", "plain_key"), pgbench("bare_refresh", BARE_REFRESH, "sid", "plain_key")
    got = interleave(refresh=lambda: ours(variables={"base": bench.store.take(clients * chains)}),
                     update=lambda: update.run(variables={"base": 0}), bare=lambda: bare.run(variables={"base": 0}))
    case = f"djust_refresh, {clients} client{'s' if clients > 1 else ''}, refreshes/s"
    bench.table.line(case, "UPDATE of one row by primary key", "", got["refresh"], got["update"], least=0.8)
    bench.table.line(case, "bare refresh: UPDATE, INSERT of an event, ES256 signature", "", got["refresh"], got["bare"], least=0.95)


def logout(bench):
    make_plain(bench)
    count = max(1, min(2000, bench.store.spares // (4 * ROUNDS * CLIENTS)))
    variables = {"count": count, "i": 0}
    ours = counted(bench, "logouts", Pgbench(bench.store.dbname, "logout", LOGOUT, clients=CLIENTS, variables=variables))
    floor = Pgbench(bench.store.dbname, "update_one", UPDATE_ONE, clients=CLIENTS, variables=variables)
    got = interleave(logout=lambda: ours(transactions=count, variables={"base": bench.store.take(CLIENTS * count)}),
                     update=lambda: floor.run(transactions=count, variables={"base": 0}))
    bench.table.line(f"djust_logout, {CLIENTS} clients, look-up of a token and logout/s", "look-up of a key and UPDATE of one row", "",
                     got["logout"], got["update"])


def reset(bench):
    """Every request for another address: one mail a minute is all an address gets."""
    make_plain(bench)
    base = iter(range(0, 1_000_000_000, 10_000_000))
    ours = counted(bench, "reset_requests", Pgbench(bench.store.dbname, "reset", RESET, clients=CLIENTS, variables={"i": 0}))
    floor = Pgbench(bench.store.dbname, "insert_mail", INSERT_MAIL, clients=CLIENTS, variables={"i": 0})
    got = interleave(reset=lambda: ours(variables={"base": next(base)}), insert=lambda: floor.run(variables={"base": next(base)}))
    bench.table.line(f"djust_reset_request, {CLIENTS} clients, requests/s", "INSERT of a row as wide", "", got["reset"], got["insert"])


# WAL


def wal(bench):
    """Of single calls, one after the other; the median leaves out whole pages written after a checkpoint."""
    db = make_plain(bench)
    token = db.one("SELECT refresh_token FROM bench.spare WHERE n = %s", bench.store.take(1))
    sid = db.one("SELECT sid::text FROM bench.plain_key WHERE n = 0")

    def refresh_once():
        nonlocal token
        token = db.refresh(token)["refresh_token"]

    def per_call(call):
        def measure():
            sizes = []
            for _ in range(50):
                before = db.one("SELECT pg_current_wal_insert_lsn()::text")
                call()
                sizes.append(int(db.one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", before)))
            return statistics.median(sizes)
        return measure

    got = interleave(refresh=per_call(refresh_once), update=per_call(lambda: db.run(PLAIN_UPDATE.format(sid="%s"), sid)),
                     login=per_call(lambda: db.login("user0@bench.example", PASSWORD)["access_token"]))
    bench.table.line("WAL of a refresh", "UPDATE of one row by primary key", "B", got["refresh"], got["update"])
    bench.table.line("WAL of a login", "", "B", got["login"], by="value")


# HOT

REFRESH_ALL = """
CREATE PROCEDURE bench.refresh_all(first integer, last integer, rounds integer) LANGUAGE plpgsql AS $$
DECLARE
    tokens text[] := ARRAY(SELECT refresh_token FROM bench.token WHERE n BETWEEN first AND last);
BEGIN
    FOR round IN 1 .. rounds LOOP
        FOR i IN 1 .. cardinality(tokens) LOOP
            tokens[i] := djust_refresh(tokens[i]) ->> 'refresh_token';
            ASSERT tokens[i] IS NOT NULL, 'a refresh failed';
            COMMIT;
        END LOOP;
    END LOOP;
END $$
"""


def hot(bench):
    """A database that holds these sessions only; each refresh is a transaction, without waiting for the disk."""
    sessions = min(HOT_SESSIONS, harness.USERS)
    rounds = max(1, harness.REFRESHES // sessions)
    store = Store("hot", sessions, sessions, special=False).load()
    db = store.db
    db.run(REFRESH_ALL)
    before = db.one("SELECT pg_relation_size('djust_auth.session')")
    counters = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_all_tables WHERE relid = 'djust_auth.session'::regclass"
    db.run("SELECT pg_stat_reset_single_table_counters('djust_auth.session'::regclass)")
    start = time.monotonic()
    share = -(-store.tokens // CORES)
    errors = []

    def work(first):
        try:
            own = store.connect(options="-c synchronous_commit=off")
            own.run("CALL bench.refresh_all(%s, %s, %s)", first, first + share - 1, rounds)
            own.close()
        except Exception as error:  # told by the caller
            errors.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, store.tokens, share)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    elapsed = time.monotonic() - start
    done = store.tokens * rounds
    until(lambda: db.row(counters)[0] >= done, "the statistics of all refreshes")
    updated, hot_updated = db.row(counters)
    what = f"{done:,} refreshes of {store.tokens:,} sessions (synchronous_commit off, {done / elapsed:,.0f}/s)"
    bench.table.line(f"size of the session table after {what}", "before", "B",
                     [db.one("SELECT pg_relation_size('djust_auth.session')")], [before], most=1.5)
    bench.table.line("share of HOT among these updates (n_tup_hot_upd / n_tup_upd)", "", "", [hot_updated / updated], by="value")
