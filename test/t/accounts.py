"""
Sign-ups, changes of address and their notices: equal work for every address, many at once, and with a worker.

By environment: SIGN_UPS of each kind of address (30).
"""

import os
import statistics

from support import GOOD, WRONG, Cluster, equal, error_of, later, main, note, ok, program, together, until_blocked

SIGN_UPS = int(os.environ.get("SIGN_UPS", "30"))
CHEAP = "$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K"
SENT = {"status": "confirmation_sent"}

cluster = Cluster("accounts", "djust_auth.sign_up = on", "djust_auth.max_login_failures = 100", "max_connections = 230", "autovacuum = off",
                  "full_page_writes = off", "djust_auth.databases = 'served'", "djust_auth.hash_wait_timeout = '1min'")
db = cluster.connect()


def begin():
    db.run("CREATE EXTENSION djust_auth")
    for i in range(SIGN_UPS):
        db.run("SELECT djust_auth.import_user(%s, %s)", f"known{i}@accounts.example", CHEAP)
        db.run("SELECT djust_auth.disable_user(djust_auth.import_user(%s, %s))", f"disabled{i}@accounts.example", CHEAP)


def links(prefix):
    """Of all mails that are due, by recipient."""
    mails = db.all("SELECT recipient, substring(body_text FROM %s) FROM djust_auth.claim_mail(10000)", prefix + "[A-Za-z0-9_-]+")
    return {recipient: link for recipient, link in mails if link}


def grown(statement, *values):
    """The rows that a statement writes and the scans it makes, and its bytes of WAL."""
    db.begin()
    before = db.one("SELECT pg_current_wal_insert_lsn()")
    work = db.work(statement, *values)
    wal = int(db.one("SELECT pg_current_wal_insert_lsn() - %s", before))
    db.commit()
    return work, wal


def alike(name, statement, kinds):
    """Each address once, one kind after the other; pages of indexes are split now and then, so medians of WAL are held together."""
    works, wal = {}, {kind: [] for kind in kinds}
    for i in range(SIGN_UPS):
        for kind in kinds:
            work, size = grown(statement, f"{kind}{i}@accounts.example")
            works.setdefault(str(sorted(work.items())), set()).add(kind)
            wal[kind].append(size)
    note(f"figures: {name}, {SIGN_UPS} of each kind: WAL " + ", ".join(f"{kind} {statistics.median(sizes)} ({sum(sizes)})" for kind, sizes in wal.items()))
    ok(len(works) == 1, f"{name}: the same rows and scans", works)
    equal(len({statistics.median(sizes) for sizes in wal.values()}), 1, f"{name}: as much WAL")


def sign_ups():
    for kind in ("known", "disabled", "free"):
        equal(db.one("SELECT djust_sign_up(%s, %s)", f"{kind}0@accounts.example", GOOD), SENT, f"{kind}: one answer")
    alike("sign-up", f"SELECT djust_sign_up(%s, '{GOOD}')", ("unknown", "known", "disabled"))
    alike("sign-up, again", f"SELECT djust_sign_up(%s, '{GOOD}')", ("unknown", "known", "fresh"))


def changes():
    db.create_user("mover@accounts.example")
    token = db.login("mover@accounts.example")["access_token"]
    db.run("SELECT djust_change_email(%s, %s, 'first@accounts.example')", token, GOOD)
    alike("change of address", f"SELECT djust_change_email('{token}', '{GOOD}', %s)", ("nobody", "known", "disabled"))


def at_once():
    db.run("DELETE FROM djust_auth.mail_queue")
    dbs = [cluster.connect() for _ in range(200)]
    answers = together(dbs, lambda other, i: other.one("SELECT djust_sign_up('crowd@accounts.example', %s)", GOOD))
    equal(sum(answer == SENT for answer in answers), 200, "200 sign-ups of one address at once")
    found = links("djc_")
    equal(list(found), ["crowd@accounts.example"], "one mail")
    answers = together(dbs, lambda other, i: other.one("SELECT djust_confirm_email(%s)", found["crowd@accounts.example"]))
    equal(sum(answer == {"status": "email_confirmed"} for answer in answers), 1, "200 confirmations at once: one confirms")
    equal(sum(error_of(answer) == "invalid_grant" for answer in answers), 199, "the others come too late")
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user WHERE email = 'crowd@accounts.example'"), 1, "one account")
    ok("access_token" in db.login("crowd@accounts.example"), "which logs in")
    for other in dbs:
        other.close()


def two_links():
    """Of two sign-ups, and of a change to the same address, one takes it."""
    user_id = db.create_user("racer@accounts.example")
    token = db.login("racer@accounts.example")["access_token"]
    found = []
    for statement in (f"SELECT djust_sign_up('prize@accounts.example', '{GOOD}')", f"SELECT djust_sign_up('prize@accounts.example', '{GOOD}')",
                      f"SELECT djust_change_email('{token}', '{GOOD}', 'prize@accounts.example')"):
        db.run("UPDATE djust_auth.pending_email SET mailed_at = mailed_at - interval '2 hours'")
        db.run(statement)
        found.append(links("djc_")["prize@accounts.example"])
    dbs = [cluster.connect() for _ in found]
    answers = together(dbs, lambda other, i: other.one("SELECT djust_confirm_email(%s)", found[i]))
    equal(sorted(str(answer.get("status", answer.get("error")) if isinstance(answer, dict) else answer.pgcode) for answer in answers),
          ["email_confirmed", "invalid_grant", "invalid_grant"], "one of three links takes the address")
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user WHERE email = 'prize@accounts.example'"), 1, "which is one user's")
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user WHERE id = %s", user_id), 1, "and nobody is lost")


def mailers():
    """Two that claim mails to one address at the same moment: the second does not see what the first has not committed."""
    db.run("DELETE FROM djust_auth.mail_queue")
    for _ in range(2):
        db.run("SELECT djust_sign_up('paced@accounts.example', %s)", GOOD)
    first, second = cluster.connect(), cluster.connect()
    first.begin()
    equal(first.one("SELECT count(*) FROM djust_auth.claim_mail(1)"), 1, "a mailer claims one of two mails to an address")
    equal(second.one("SELECT count(*) FROM djust_auth.claim_mail(10)"), 0, "another one does not claim the other meanwhile")
    equal(second.one("SELECT count(*) FROM djust_auth.mail_queue WHERE done_at IS NULL AND last_error = 'the address is busy'"), 1, "which waits")
    first.commit()
    db.run("UPDATE djust_auth.mail_queue SET next_attempt_at = now() WHERE attempts = 0")
    equal((links("djc_"), db.one("SELECT last_error FROM djust_auth.mail_queue WHERE attempts = 0")), ({}, "too many mails to this address"), "and is given up")
    first.close()
    second.close()


def deletion_beside_claims():
    """A user is deleted between two claims of one transaction: the first holds what the deletion waits for, the second skips what that holds."""
    db.run("DELETE FROM djust_auth.mail_queue")
    user_id = db.create_user("leaver@accounts.example")
    token = db.login("leaver@accounts.example")["access_token"]
    for name in ("early", "late"):
        db.run("SELECT djust_change_email(%s, %s, %s)", token, GOOD, f"leaver.{name}@accounts.example")
    # the deletion reaches the earlier row first
    db.run("UPDATE djust_auth.mail_queue SET next_attempt_at = now() + interval '5 s' WHERE id = (SELECT min(id) FROM djust_auth.mail_queue)")
    mailer, admin = cluster.connect(), cluster.connect()
    mailer.begin()
    equal(mailer.one("SELECT recipient FROM djust_auth.claim_mail(10)"), "leaver.late@accounts.example", "a mailer claims a mail of a user")
    deleted = later(admin.run, "SELECT djust_auth.delete_user(%s)", user_id)
    until_blocked(db, admin.pid, mailer.pid)
    mailer.run("UPDATE djust_auth.mail_queue SET next_attempt_at = clock_timestamp() WHERE attempts = 0")
    equal(mailer.one("SELECT count(*) FROM djust_auth.claim_mail(10)"), 0, "who is being deleted: it skips the user's other mail")
    mailer.commit()
    deleted.result()
    equal(db.one("SELECT (SELECT count(*) FROM djust_auth.mail_queue) + (SELECT count(*) FROM djust_auth.pending_email WHERE user_id = %s)", user_id), 0,
          "and the deletion comes to its end")
    mailer.close()
    admin.close()


def invitations():
    """Two at once for a new address: the second answers as it would after the first."""
    first, second = cluster.connect(), cluster.connect()
    db.run("SELECT djust_auth.create_profile('guest')")
    for end in ("commit", "rollback"):
        first.begin()
        invited = first.one("SELECT djust_auth.invite_user(%s)", f"guest.{end}@accounts.example")
        answer = later(second.one, "SELECT djust_auth.invite_user(%s, '{guest}')", f"Guest.{end}@accounts.example")
        until_blocked(db, second.pid, first.pid)
        getattr(first, end)()
        user_id = answer.result()
        equal(user_id == invited, end == "commit", f"two invitations at once: one user, where the first is followed by {end}")
        equal(db.row("SELECT (SELECT count(*) FROM djust_auth.mail_queue WHERE user_id = u.id), array_agg(profile) FROM djust_auth.customer_user u"
                     " JOIN djust_auth.user_profile ON user_id = u.id WHERE u.id = %s GROUP BY u.id", user_id), (2 if end == "commit" else 1, ["guest"]),
              "with both mails and the profile of the second")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE detail ->> 'table' = 'customer_user' AND detail ->> 'operation' = 'INSERT'"
                 " AND detail #>> '{personal,new,email}' LIKE 'guest.%%'"), 2, "each user is on record once")
    first.close()
    second.close()


def languages():
    for encoding, subject in (("LATIN1", "Bestätigen Sie Ihre Adresse"), ("WIN1251", "Confirm your address"), ("SQL_ASCII", "Bestätigen Sie Ihre Adresse")):
        db.run(f"CREATE DATABASE {encoding} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        other = cluster.connect(encoding.lower())
        other.raw.set_client_encoding("UTF8")
        other.run("CREATE EXTENSION djust_auth")
        other.run("SELECT djust_sign_up('ann@accounts.example', %s, 'de')", GOOD)
        equal(other.one("SELECT subject FROM djust_auth.claim_mail()"), subject, f"{encoding}: {subject}")
        other.close()


def suspended():
    db.run("CREATE DATABASE served")
    served = cluster.connect("served")
    served.run("CREATE EXTENSION djust_auth")
    served.until_worker()
    served.run("SELECT djust_auth.import_user('guessed@accounts.example', %s)", CHEAP)
    for _ in range(100):
        served.login("guessed@accounts.example", WRONG)
        served.login("nobody@accounts.example", WRONG)
    served.until_written()
    mails = served.all("SELECT recipient, subject FROM djust_auth.claim_mail(10)")
    equal(mails, [("guessed@accounts.example", "Your password was suspended")], "the owner of a suspended account is told, nobody else")
    served.login("guessed@accounts.example", WRONG)
    cluster.restart("immediate")
    served = cluster.connect("served")
    served.until_worker()
    served.login("guessed@accounts.example", WRONG)
    served.until_written()
    served.run("SELECT djust_auth.change_email(id, 'guessed.too@accounts.example') FROM djust_auth.customer_user")
    served.until_written()
    equal(error_of(served.login("guessed.too@accounts.example")), "too_many_attempts", "the suspension goes along to another address")
    equal(served.one("SELECT count(*) FROM djust_auth.mail_queue"), 1, "it is told once")


def dumped():
    """What waits to be confirmed is in no dump."""
    db.run("SELECT djust_sign_up('dumped@accounts.example', %s)", GOOD)
    ok(links("djc_"), "a link was mailed")
    dump = program("pg_dump", "-h", cluster.host, "-p", str(cluster.port), "-U", "postgres", "postgres")
    ok("COPY djust_auth.customer_user" in dump and not any(f"COPY djust_auth.{table} " in dump for table in ("pending_email", "email_link", "known_device")),
       "a dump has accounts, and nothing that waits to be confirmed")


main(begin, sign_ups, changes, at_once, two_links, mailers, deletion_beside_claims, invitations, languages, dumped, suspended)
