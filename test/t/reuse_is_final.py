"""
A session ended by the reuse of a refresh token is dead at once and stays dead, even if the transaction of the call is rolled
back.  REUSE_ROUNDS: the number of rounds (default 60).
"""

import os
import signal
import time

import psycopg2

from support import Cluster, equal, error_of, later, main, ok, shop, until, until_blocked

ROUNDS = int(os.environ.get("REUSE_ROUNDS", "60"))
WATCHERS = 8

cluster = Cluster("reuse", "max_prepared_transactions = 20", "wal_level = replica", "max_wal_senders = 4", "full_page_writes = on",
                  "autovacuum_naptime = 1s")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth; CREATE EXTENSION amcheck")
shop(db)
user_id = db.create_user("ann@reuse.example", profiles=["customer"])


def opened(on=None):
    """Tokens of three generations of one session; the first refresh token is two generations old."""
    on = on or db
    tokens = [on.one("SELECT djust_auth.open_session(%s)", user_id)]
    for _ in range(2):
        tokens.append(on.refresh(tokens[-1]["refresh_token"]))
    return tokens


def is_dead(on, tokens):
    return not any(on.can(each["access_token"]) for each in tokens) and on.one(
        "SELECT djust_introspect(%s, 'refresh_token') ->> 'active' = 'false'", tokens[-1]["refresh_token"])


def rows():
    return db.one("SELECT (SELECT count(*) FROM djust_auth.session) + (SELECT count(*) FROM djust_auth.session_ended)")


def sound(name):
    equal([row for table in ("session", "session_ended") for row in db.all("SELECT * FROM verify_heapam(%s::regclass)", "djust_auth." + table)],
          [], f"{name}: the tables are sound")


# What becomes of the transaction


def ending(*statements, begin="BEGIN"):
    """A refresh in a transaction that begins and ends by these statements."""
    def end(each, token):
        each.run(begin)
        answer = each.refresh(token)
        for statement in statements:
            each.run(statement)
        return answer
    return end


rollback = ending("ROLLBACK")
stay_open = ending()
prepare = ending("PREPARE TRANSACTION 'reuse'")


def kill(each, token):
    each.begin()
    answer = each.refresh(token)
    time.sleep(0.001)
    os.kill(each.pid, signal.SIGKILL)
    return answer


ENDS = {"rollback": rollback, "rollback to": ending("ROLLBACK TO s", "COMMIT", begin="BEGIN; SAVEPOINT s"), "prepare": prepare,
        "rollback in an older snapshot": ending("ROLLBACK", begin="BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class"),
        "stay open": stay_open, "commit": ending("COMMIT")}


class Crew:
    """Backends that look on: each has checked a token, half of them in a transaction with a snapshot from before."""

    def __init__(self):
        self.watchers = [cluster.connect() for _ in range(WATCHERS)]
        self.thief = cluster.connect()

    def watch(self, tokens):
        for i, each in enumerate(self.watchers):
            if i % 2:
                each.begin_with_snapshot()
            if not each.can(tokens[-1]["access_token"]):
                raise AssertionError("a live session is dead")

    def all_find_it_dead(self, tokens):
        dead = [is_dead(each, tokens) for each in self.watchers]
        for each in self.watchers:
            each.rollback()
        return all(dead)


def whatever_becomes_of_it():
    crew = Crew()
    revived = []
    for n in range(ROUNDS):
        name, end = list(ENDS.items())[n % len(ENDS)]
        tokens = opened()
        crew.watch(tokens)
        answer = end(crew.thief, tokens[0]["refresh_token"])
        if error_of(answer) != "invalid_grant" or not crew.all_find_it_dead(tokens):
            revived.append((name, answer))
        if end is prepare:
            db.run("ROLLBACK PREPARED 'reuse'" if n % 4 else "COMMIT PREPARED 'reuse'")
        if end is stay_open:
            crew.thief.rollback()
        if not is_dead(db, tokens) or error_of(db.refresh(tokens[2]["refresh_token"])) != "invalid_grant":
            revived.append((name, "later"))
    equal(revived, [], f"{ROUNDS} sessions ended by reuse are dead in {WATCHERS} other backends at their next check")
    ok(rows() > 0, "rows of those that were rolled back wait for a purge")
    removed = db.one("SELECT djust_auth.purge() ->> 'session'")
    equal(rows(), 0, f"which removes them ({removed})")
    equal(db.one("SELECT (djust_auth.purge() ->> 'session')::int"), 0, "once")
    sound("afterwards")


def killed():
    """A backend that is killed takes all others with it: fewer rounds, in which the server recovers."""
    revived = []
    for n in range(max(2, ROUNDS // 30)):
        one = cluster.connect()
        tokens = opened(one)
        if n % 2:
            one.run("CHECKPOINT")
        thief = cluster.connect()
        answer = kill(thief, tokens[0]["refresh_token"])
        until(lambda: not alive(one), "the server to fall")
        crew = [connected() for _ in range(WATCHERS)]
        if error_of(answer) != "invalid_grant" or not all(is_dead(each, tokens) for each in crew):
            revived.append(answer)
        for each in crew:
            each.close()
    global db
    db = cluster.connect()
    equal(revived, [], f"{max(2, ROUNDS // 30)} times in a backend that is killed a millisecond later: dead in {WATCHERS} others")
    db.run("SELECT djust_auth.purge()")
    equal(rows(), 0, "and a purge removes the rows")
    sound("after crashes")


def alive(each):
    try:
        return each.one("SELECT true")
    except psycopg2.Error:
        return False


def connected():
    found = []

    def tried():
        try:
            found.append(cluster.connect())
        except psycopg2.Error:
            pass
        return found

    until(tried, "the server to recover")
    return found[0]


def immediate_stop():
    global db
    all_tokens = [opened() for _ in range(20)]
    thief = cluster.connect()
    for tokens in all_tokens:
        rollback(thief, tokens[0]["refresh_token"])
    last = opened()
    stay_open(thief, last[0]["refresh_token"])
    cluster.restart("immediate")
    db = cluster.connect()
    ok(all(is_dead(db, tokens) for tokens in all_tokens + [last]), "after an immediate stop and start all are dead")
    db.run("SELECT djust_auth.purge()")
    equal(rows(), 0, "and a purge removes the rows")


# Changes of the row at the same time


def beside(name, change):
    """A change that has read the row before the reuse and writes it after: it waits for a lock that changes nothing."""
    tokens = opened()
    holder, writer, thief = (cluster.connect() for _ in range(3))
    holder.begin()
    holder.run("SELECT FROM djust_auth.session WHERE user_id = %s FOR UPDATE", user_id)
    answer = later(change, writer, tokens)
    until_blocked(db, writer.pid, holder.pid)
    thief.run("SET lock_timeout = '5s'")
    equal(error_of(rollback(thief, tokens[0]["refresh_token"])), "invalid_grant", f"{name}: a reuse waits for nobody")
    ok(is_dead(db, tokens), "and ends the session")
    holder.rollback()
    got = answer.result(60)
    ok(is_dead(db, tokens), "which the change that comes after it does not revive", got)
    if isinstance(got, dict):
        ok("access_token" not in got or not db.can(got["access_token"]), "nor by its tokens", got)
    db.run("SELECT djust_auth.purge()")
    equal(rows(), 0, "and the row goes")
    for each in (holder, writer, thief):
        each.close()


def copied():
    beside("an UPDATE", lambda each, tokens: each.run("UPDATE djust_auth.session SET user_agent = 'x' WHERE user_id = %s", user_id))
    beside("an UPDATE of expires_at", lambda each, tokens: each.run(
        "UPDATE djust_auth.session SET expires_at = now() + interval '1 hour' WHERE user_id = %s", user_id))
    beside("a refresh", lambda each, tokens: each.refresh(tokens[2]["refresh_token"]))

    db.run("CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    db.run("CREATE TRIGGER nothing BEFORE UPDATE ON djust_auth.session FOR EACH ROW EXECUTE FUNCTION nothing()")
    beside("a refresh of a table with a trigger", lambda each, tokens: each.refresh(tokens[2]["refresh_token"]))
    db.run("DROP TRIGGER nothing ON djust_auth.session")
    db.run("SELECT djust_auth.create_profile('other')")
    beside("a new profile", lambda each, tokens: each.run("SELECT djust_auth.add_profile(%s, 'other')", user_id))


def under_way():
    """A change that has been made and not committed."""
    for end in ("commit", "rollback"):
        tokens = opened()
        holder, thief = cluster.connect(), cluster.connect()
        holder.begin()
        fresh = holder.refresh(tokens[2]["refresh_token"])
        thief.run("SET lock_timeout = '5s'")
        equal(error_of(rollback(thief, tokens[0]["refresh_token"])), "invalid_grant", "a reuse does not wait for a refresh that is open")
        ok(is_dead(db, tokens) and is_dead(holder, tokens + [fresh]), "and ends the session, for that transaction too")
        getattr(holder, end)()
        ok(is_dead(db, tokens + [fresh]), f"also when it ends by {end}")
        holder.close()
        thief.close()

    db.begin()
    tokens = opened()
    db.run("SAVEPOINT s")
    db.refresh(tokens[0]["refresh_token"])
    db.run("ROLLBACK TO s")
    ok(is_dead(db, tokens), "a session that the same transaction made")
    db.commit()
    ok(is_dead(db, tokens), "stays dead when that commits")
    db.run("UPDATE djust_auth.session SET user_agent = 'x'")
    ok(is_dead(db, tokens), "and when its row is changed later")
    db.run("SELECT djust_auth.purge()")


def older_versions():
    """A version from a time when a column could be null has its columns elsewhere: it is left as it is, and its session ends by the others."""
    db.run("CREATE EXTENSION IF NOT EXISTS pageinspect")
    holder, thief = cluster.connect(), cluster.connect()
    holder.begin_with_snapshot()
    tokens = opened()
    db.run("ALTER TABLE djust_auth.session ALTER COLUMN refreshed_at DROP NOT NULL, DISABLE TRIGGER USER")
    db.run("UPDATE djust_auth.session SET refreshed_at = NULL WHERE user_id = %s", user_id)
    db.run("UPDATE djust_auth.session SET refreshed_at = now() WHERE user_id = %s", user_id)
    db.run("ALTER TABLE djust_auth.session ALTER COLUMN refreshed_at SET NOT NULL, ENABLE TRIGGER USER")

    def with_null():
        return db.all("""SELECT lp, t_data FROM generate_series(0, pg_relation_size('djust_auth.session') / 8192 - 1) block,
            heap_page_items(get_raw_page('djust_auth.session', block::int)) WHERE substr(t_bits, 4, 1) = '0'""")

    before = with_null()
    equal(len(before), 1, "there is such a version")
    equal(error_of(rollback(thief, tokens[0]["refresh_token"])), "invalid_grant", "a reuse")
    ok(is_dead(db, tokens), "ends the session")
    equal(with_null(), before, "and changes no version in which its column is elsewhere")
    holder.rollback()
    db.run("SELECT djust_auth.purge()")
    equal(rows(), 0, "the row goes")
    sound("with older versions")


def storm():
    """Refreshes, changes by statements and reuses of the same sessions, all at once."""
    sessions = [opened() for _ in range(40)]
    ended = [False]

    def change(each):
        while not ended[0]:
            each.run("UPDATE djust_auth.session SET user_agent = to_char(random(), '0.999999')")

    def refresh(each):
        newest = [tokens[-1]["refresh_token"] for tokens in sessions]
        made = []
        while not ended[0]:
            for i, token in enumerate(newest):
                answer = each.refresh(token)
                newest[i] = answer.get("refresh_token", token)
                if "access_token" in answer:
                    made.append(answer["access_token"])
        return made

    def reuse(each):
        for tokens in sessions:
            rollback(each, tokens[0]["refresh_token"])

    dbs = [cluster.connect() for _ in range(4)]
    workers = [later(change, dbs[0]), later(refresh, dbs[1]), later(refresh, dbs[2])]
    reuse(dbs[3])
    ended[0] = True
    made = [token for worker in workers for token in worker.result(60) or []]
    equal(sum(not is_dead(db, tokens) for tokens in sessions), 0, "40 sessions ended by reuse beside refreshes and changes are dead")
    equal([token for token in made if db.can(token)], [], f"with the {len(made)} tokens that were made meanwhile")
    db.run("SELECT djust_auth.purge()")
    equal(rows(), 0, "and their rows go")
    sound("afterwards")


def standby():
    copy = cluster.standby("reuse_standby").connect()
    tokens = opened()

    def replayed():
        target = db.one("SELECT pg_current_wal_lsn()::text")
        until(lambda: copy.one("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", target), "replay")

    replayed()
    ok(copy.can(tokens[2]["access_token"]), "a session lives on a standby")
    thief = cluster.connect()
    rollback(thief, tokens[0]["refresh_token"])
    replayed()
    ok(is_dead(copy, tokens), "and is dead there once a reuse that was rolled back is replayed")


def with_a_worker():
    own = Cluster("reuse_worker", "djust_auth.databases = 'postgres'", "djust_auth.purge_interval = '1s'")
    one = own.connect()
    one.run("CREATE EXTENSION djust_auth")
    one.until_worker()
    user = one.create_user("ann@reuse.example")
    first = one.one("SELECT djust_auth.open_session(%s)", user)
    one.refresh(one.refresh(first["refresh_token"])["refresh_token"])
    rollback(one, first["refresh_token"])
    until(lambda: one.one("SELECT count(*) FROM djust_auth.session") == 0, "the worker to remove the row")
    ok(True, "the worker removes the row of a session that was ended by a reuse that was rolled back")
    until(lambda: one.one("SELECT count(*) FROM djust_auth.session_ended") == 0, "the list to be cleared")
    one.until_written()
    equal(one.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'refresh_reuse'"), 1, "and the reuse is on record")
    own.stop()


main(whatever_becomes_of_it, killed, immediate_stop, copied, under_way, older_versions, storm, standby, with_a_worker)
