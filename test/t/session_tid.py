"""A session is found by its cached tuple id; each read notices if that id no longer leads to it."""

import os

from support import Db, equal, main, ok, program, shop

SESSIONS = 40
READ, NOT_READ = [True] * SESSIONS, [False] * SESSIONS

db = Db()
other = Db()
shop(db)
user_id = db.create_user("ann@tid.example", None, ["customer"])


def opened(connection=db):
    return [connection.one("SELECT djust_auth.open_session(%s)", user_id) for _ in range(SESSIONS)]


def answers(sessions, connection=db):
    return [connection.can(session["access_token"]) for session in sessions]


def read_before(sessions):
    """Twice: the first time may have gone through the index."""
    answers(sessions)
    return answers(sessions)


def lines():
    return {line for line, in db.all("SELECT ctid::text FROM djust_auth.session")}


def walks():
    """Through the index."""
    db.run("SELECT pg_stat_force_next_flush()")
    return db.one("SELECT idx_scan FROM pg_stat_all_indexes WHERE indexrelid = 'djust_auth.session_pkey'::regclass")


def used_again():
    old = opened()
    read_before(old)
    before = walks()
    equal(answers(old), READ, "sessions that were read before")
    equal(walks(), before, "the index is not asked for them")
    db.begin("SERIALIZABLE")
    equal(answers(old), READ, "nor are they others in a serializable transaction")
    db.commit()
    equal(walks(), before + SESSIONS, "which leaves its marks in the index")
    db.run("DELETE FROM djust_auth.session")
    equal(answers(old), NOT_READ, "deleted rows, at their old places")
    before = lines()
    db.run("VACUUM djust_auth.session")
    new = opened()
    ok(not before and len(lines()) == SESSIONS, "other rows have taken the places")
    equal(answers(old), NOT_READ, "the old sessions are not there")
    equal(read_before(new), READ, "the new ones are")
    return new


def moved():
    sessions = used_again()
    for n in range(3):
        db.run("UPDATE djust_auth.session SET user_agent = repeat('x', 200)")
        equal(answers(sessions), READ, f"rows that have moved, {n + 1}")
    db.run("VACUUM FULL djust_auth.session")
    equal(read_before(sessions), READ, "after VACUUM FULL")
    db.run("CLUSTER djust_auth.session USING session_user_id_idx")
    equal(read_before(sessions), READ, "after CLUSTER")
    sessions = [db.refresh(session["refresh_token"]) for session in sessions]
    equal(read_before(sessions), READ, "after a refresh")
    before = walks()
    refreshed = [db.refresh(session["refresh_token"]) for session in sessions[:4]]
    equal(answers(refreshed), READ[:4], "after another")
    equal(walks(), before, "which tells where it has put the row, if the page had room: the index is not asked")
    db.begin()
    db.refresh(refreshed[0]["refresh_token"])
    db.rollback()
    equal(answers(refreshed), READ[:4], "a refresh that is rolled back is nowhere")
    sessions[:4] = refreshed
    for kind in ("UNLOGGED", "LOGGED"):
        db.run("ALTER TABLE djust_auth.session SET " + kind)
        equal(read_before(sessions), READ, f"after ALTER TABLE SET {kind}")
    db.begin()
    db.run("TRUNCATE djust_auth.session")
    equal(answers(sessions), NOT_READ, "emptied by the transaction itself")
    db.rollback()
    equal(answers(sessions), READ, "and not emptied after all")
    db.run("TRUNCATE djust_auth.session")
    equal((answers(sessions), answers(sessions, other)), (NOT_READ, NOT_READ), "emptied")


def own_changes():
    sessions = opened()
    answers(sessions)
    for level in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
        db.begin(level)
        db.run("SAVEPOINT before")
        db.run("DELETE FROM djust_auth.session")
        equal((answers(sessions), answers(sessions, other)), (NOT_READ, READ), f"{level}: deleted, for the transaction only")
        db.run("ROLLBACK TO before")
        equal(read_before(sessions), READ, f"{level}: after the savepoint")
        fresh = opened()
        equal((read_before(fresh), answers(fresh, other)), (READ, NOT_READ), f"{level}: opened, for the transaction only")
        db.rollback()
        equal((answers(fresh), answers(sessions)), (NOT_READ, READ), f"{level}: rolled back")


def copied():
    """The same session ids, the same lines of the same pages, in two databases: those of the original are dead in the copy."""
    sessions = opened()
    answers(sessions)
    other.close()
    db.close()
    program("createdb", "tid_copy", "-T", os.environ["PGDATABASE"])
    first, second = Db(), Db(dbname="tid_copy")
    equal([answers(sessions, each) for each in (first, second, first)], [READ, NOT_READ, READ], "only the original knows the sessions")
    first.run("DELETE FROM djust_auth.session")
    equal([answers(sessions, each) for each in (first, second, first, second)], [NOT_READ] * 4, "ended in the one, they live in none")
    second.close()
    first.run("DROP DATABASE tid_copy")


main(used_again, moved, own_changes, copied)
