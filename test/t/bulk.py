"""A statement that changes a hundred thousand users costs one statement's work, not one per row."""

import io

from support import Db, equal, main, note, ok, shop

USERS = 100_000
db = Db()
shop(db)
figures = {}


def timed(name, function, *values):
    begun = db.processor_time()
    function(*values)
    figures[name] = round(db.processor_time() - begun, 2)


def people(n, prefix):
    return f"INSERT INTO djust_auth.customer_user (email) SELECT '{prefix}' || i || '@bulk.example' FROM generate_series(1, {n}) i"


def log_in(prefix):
    """A session each, without the events that an administrator's INSERT leaves."""
    db.run("SET session_replication_role = replica")
    db.run("INSERT INTO djust_auth.session (sid, user_id, created_at, refreshed_at, expires_at, access_expires_at, generation, access_hash, profiles)"
           " SELECT gen_random_uuid(), id, now(), now(), now() + interval '2 h', now() + interval '10 min', 0, sha256(''), '{}'"
           f" FROM djust_auth.customer_user WHERE email LIKE '{prefix}%'")
    db.run("RESET session_replication_role")


def of(prefix):
    return f"(SELECT id FROM djust_auth.customer_user WHERE email LIKE '{prefix}%')"


def statements(n):
    """How many statements each change of n users takes, the server's own for foreign keys apart."""
    prefix = f"some{n}x"
    db.run(people(n, prefix))
    log_in(prefix)
    counts = []
    for change in (f"INSERT INTO djust_auth.user_profile SELECT id, 'few' FROM {of(prefix)} x",
                   f"UPDATE djust_auth.user_profile SET profile = 'customer' WHERE user_id IN {of(prefix)}",
                   f"DELETE FROM djust_auth.user_profile WHERE user_id IN {of(prefix)}",
                   f"INSERT INTO djust_auth.user_profile SELECT id, 'few' FROM {of(prefix)} x",
                   "DELETE FROM djust_auth.profile WHERE name = 'few'",
                   f"UPDATE djust_auth.customer_user SET locale = 'fr' WHERE id IN {of(prefix)}",
                   f"UPDATE djust_auth.customer_user SET password_hash = NULL, disabled_at = now() WHERE id IN {of(prefix)}",
                   f"UPDATE djust_auth.customer_user SET email = 'new' || email WHERE id IN {of(prefix)}",
                   f"DELETE FROM djust_auth.customer_user WHERE id IN {of('new' + prefix)}"):
        db.raw.notices.clear()
        db.run(change)
        counts.append(sum("Query Text" in notice and " ONLY " not in notice for notice in db.raw.notices))
    return counts


def as_many_statements():
    db.raw.notices = []
    db.watch_statements()
    db.run("INSERT INTO djust_auth.profile VALUES ('few')")
    few = statements(10)
    db.run("INSERT INTO djust_auth.profile VALUES ('few')")
    equal(statements(500), few, "a change of 500 users takes as many statements as one of 10")
    ok(max(few) <= 8 and min(few) >= 1, f"which are {few}")
    db.run("SET auto_explain.log_min_duration = -1")


def follow():
    """Sessions follow, whoever is in the statement."""
    db.run(people(300, "follow"))
    log_in("follow")
    db.run("INSERT INTO djust_auth.profile VALUES ('p'), ('q')")
    live = "SELECT count(*)::int, min(profiles::text), max(profiles::text) FROM djust_auth.session WHERE user_id IN " + of("follow")
    db.run(f"INSERT INTO djust_auth.user_profile SELECT id, x FROM {of('follow')} u, unnest(ARRAY['q', 'p']) x")
    equal(db.row(live), (300, "{p,q}", "{p,q}"), "profiles given to 300 users are in their sessions")
    db.run("UPDATE djust_auth.profile SET name = 'r' WHERE name = 'p'")
    equal(db.row(live), (300, "{q,r}", "{q,r}"), "so is a new name")
    db.run("DELETE FROM djust_auth.user_profile WHERE profile = 'q'")
    equal(db.row(live), (300, "{r}", "{r}"), "taken ones are not")
    db.run("DELETE FROM djust_auth.profile WHERE name = 'r'")
    equal(db.row(live), (300, "{}", "{}"), "nor are those of a profile that is dropped")
    db.run(f"UPDATE djust_auth.customer_user SET locale = 'de' WHERE id IN {of('follow')}")
    equal(db.row(live)[0], 300, "a new locale ends no session")
    db.run(f"UPDATE djust_auth.customer_user SET disabled_at = CASE WHEN email < 'follow2' THEN now() END WHERE id IN {of('follow')}")
    equal(db.all("SELECT count(*)::int, count(DISTINCT u.id)::int FROM djust_auth.session s JOIN djust_auth.customer_user u ON u.id = s.user_id"
                 " WHERE u.email LIKE 'follow%%' AND u.disabled_at IS NOT NULL"), [(0, 0)], "disabled users have none")
    equal(db.row(live)[0], db.one("SELECT count(*) FROM djust_auth.customer_user WHERE email LIKE 'follow%' AND disabled_at IS NULL"),
          "the others of the same statement keep theirs")


def hundred_thousand():
    timed("add", db.run, people(USERS, "big"))
    lines = io.StringIO("".join(f"copied{i}@bulk.example\n" for i in range(USERS)))
    timed("copy", db.cursor.copy_expert, "COPY djust_auth.customer_user (email) FROM STDIN", lines)
    log_in("big")
    db.run("ANALYZE")
    timed("assign", db.run, "INSERT INTO djust_auth.user_profile SELECT id, 'customer' FROM djust_auth.customer_user WHERE email LIKE 'big%'")
    timed("drop profile", db.run, "SELECT djust_auth.drop_profile('customer')")
    timed("locale", db.run, "UPDATE djust_auth.customer_user SET locale = 'de' WHERE email LIKE 'big%'")
    timed("disable", db.run, "UPDATE djust_auth.customer_user SET disabled_at = now() WHERE email LIKE 'big%'")
    log_in("big")
    timed("delete", db.run, "DELETE FROM djust_auth.customer_user WHERE email LIKE 'big%'")
    ok(max(figures.values()) < 60, "no change of them all costs as much as one that reads a table for each row", figures)
    note("figures: " + ", ".join(f"{name} {seconds} s" for name, seconds in figures.items()))


main(as_many_statements, follow, hundred_thousand)
