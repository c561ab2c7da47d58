"""The key file of a database, and copies of databases: nothing works under another file, and nothing of the original lives on in a copy."""

import os
import re
import stat

from support import GOOD, OTHER, WRONG, Cluster, equal, error_of, fails, later, main, ok, shop, together, until, write_key
from support.smtp import Server

ANN, BOB, EVE = "ann@key.example", "bob@key.example", "eve@key.example"
KEY_FILE = "djust_auth.key"
KNOWN = "djust_auth.key_known"
LEAST = ("djust_auth.argon2_iterations = 2", "djust_auth.max_concurrent_hashes = 2")


def path(cluster, name=KEY_FILE):
    return os.path.join(cluster.data, name)


def read(file):
    with open(file, encoding="ascii") as opened:
        return opened.read()


def new_digits():
    return os.urandom(32).hex() + "\n"


def store(db):
    """Ann with two sessions, a waiting reset mail and a link that is out."""
    db.run("CREATE EXTENSION djust_auth")
    shop(db)
    for email in (ANN, BOB, EVE):
        db.create_user(email, profiles=["customer"])
    return used(db)


def used(db):
    tokens, link = db.login(ANN), db.reset_link(BOB)
    db.run("SELECT djust_reset_request(%s)", EVE)
    return tokens, link


def suspend(db, email):
    db.run("SET djust_auth.max_login_failures = 100")
    for _ in range(100):
        db.login(email, WRONG)
    db.run("RESET djust_auth.max_login_failures")
    db.until_written()
    equal(db.login(email).get("retry_after"), None, "suspended")
    equal(error_of(db.login(email)), "too_many_attempts", "and told so")


def waiting(db):
    return db.all("SELECT id, attempts, last_error FROM djust_auth.mail_queue WHERE done_at IS NULL ORDER BY id")


def all_refuse(db, tokens, link, name):
    """Every function that checks a password, makes or renews a token, seals or opens."""
    user_id = db.one("SELECT id::text FROM djust_auth.customer_user WHERE email = %s", ANN)
    for sql, values in (
            ("djust_login(%s, %s)", (ANN, GOOD)),
            ("djust_login(%s, %s)", (ANN, WRONG)),
            ("djust_login(%s, %s)", ("nobody@key.example", WRONG)),
            ("djust_token('password', %s, %s)", (ANN, GOOD)),
            ("djust_token('refresh_token', refresh_token => %s)", (tokens["refresh_token"],)),
            ("djust_refresh(%s)", (tokens["refresh_token"],)),
            ("djust_refresh(%s)", ("garbage",)),
            ("djust_logout(%s)", (tokens["refresh_token"],)),
            ("djust_introspect(%s, 'refresh_token')", (tokens["refresh_token"],)),
            ("djust_change_password(%s, %s, %s)", (tokens["access_token"], GOOD, OTHER)),
            ("djust_change_password(%s, %s, %s)", ("garbage", GOOD, OTHER)),
            ("djust_reset_request(%s)", (ANN,)),
            ("djust_reset_request(%s)", ("nobody@key.example",)),
            ("djust_reset_confirm(%s, %s)", (link, OTHER)),
            ("djust_reset_confirm(%s, %s)", ("garbage", OTHER)),
            ("djust_reset_page(%s, %s)", (link, OTHER)),
            ("djust_auth.open_session(%s)", (user_id,)),
            ("djust_auth.set_password(%s, %s)", (user_id, OTHER)),
            ("djust_auth.unlock_user(%s)", (user_id,)),
            ("djust_auth.create_user('new@key.example', %s)", (GOOD,)),
            ("djust_auth.change_email(%s, 'new@key.example')", (user_id,)),
            ("djust_auth.rotate_signing_key()", ()),
            ("djust_auth.hs256_key()", ()),
            ("djust_auth.after_restore()", ()),
            ("djust_auth.claim_mail()", ()),
            ("djust_auth.mail_sent(1)", ())):
        # an ES256 key is not handed out under any file
        fails("55000", lambda: db.all(f"SELECT {sql}", *values), f"{name}: {sql}", None if "hs256" in sql else "HINT: .*accept_key_file")


def others_work(db, tokens, name):
    """What needs no key goes on: live access tokens are checked, and can be ended."""
    equal((db.can(tokens["access_token"]), db.can(tokens["access_token"], "/other"), db.can("garbage"), db.can(None)), (True, False, False, False),
          f"{name}: access tokens are checked")
    equal(db.one("SELECT djust_introspect(%s) ->> 'active'", tokens["access_token"]), "true", f"{name}: introspected")
    ok(db.one("SELECT json_array_length(djust_jwks() -> 'keys')") > 0, f"{name}: the public keys are shown")


def rows(db):
    return {table: db.all(f"SELECT t::text FROM djust_auth.{table} AS t ORDER BY 1")
            for table in ("session", "reset_token", "mail_queue", "signing_key", "throttle_lock", "key_file", "customer_user")}


def warnings(log):
    return len(re.findall("WARNING:  the key file of djust_auth", log))


def mismatch(cluster, tokens, link, name, pattern):
    """Restarted with another file or a bad one; answers the connection."""
    db = cluster.connect()
    before, log = rows(db), len(cluster.log())
    all_refuse(db, tokens, link, name)
    others_work(db, tokens, name)
    equal(rows(db), before, f"{name}: nothing is changed, nothing marked as done")
    said = cluster.log()[log:]
    ok(1 <= warnings(cluster.log().split("database system is shut down")[-1]) <= 2, f"{name}: the log says why, not at each call",
       warnings(cluster.log().split("database system is shut down")[-1]))
    ok(re.search(pattern, cluster.log().split("database system is shut down")[-1]), f"{name}: and what is wrong with the file", said[-1500:])
    return db


def restart(cluster, change):
    cluster.stop("fast")
    change()
    cluster.ctl("start")


def swapped():
    """Lost, swapped, truncated, unreadable: back again, without a restart, everything works as before."""
    cluster = Cluster("swapped", *LEAST)
    ok("created key file" in cluster.log(), "the log says when the file is made")
    ok(not os.path.exists(path(cluster, KNOWN)), "no database knows it yet")
    tokens, link = store(cluster.connect())
    ok(os.path.exists(path(cluster, KNOWN)), "now one does")
    good = read(path(cluster))
    for name, change, pattern in (
            ("lost file", lambda: os.remove(path(cluster)), "No such file"),
            ("another file", lambda: write_key(path(cluster), new_digits()), "holds another key"),
            ("truncated file", lambda: write_key(path(cluster), good[:40]), "64 hexadecimal digits"),
            ("file that others may read", lambda: write_key(path(cluster), good, 0o644), "0600"),
            ("a folder in its place", lambda: (os.remove(path(cluster)), os.mkdir(path(cluster))), "regular file")):
        restart(cluster, change)
        db = mismatch(cluster, tokens, link, name, pattern)
        equal(os.path.exists(path(cluster)), name != "lost file", f"{name}: none is made in its place")
        if os.path.isdir(path(cluster)):
            os.rmdir(path(cluster))
        write_key(path(cluster), good)
        tokens = db.refresh(tokens["refresh_token"])
        equal(error_of(tokens), None, f"{name}: the right one back, the same connection goes on without a restart")
        ok(db.can(tokens["access_token"]) and error_of(db.login(ANN)) is None, f"{name}: also with logins")
    equal(error_of(db.confirm(link)), None, "the link of before is good")
    equal(db.all("SELECT recipient FROM djust_auth.claim_mail() WHERE recipient = %s", EVE), [(EVE,)], "and the mail of before is there")
    equal(stat.S_IMODE(os.stat(path(cluster)).st_mode), 0o600, "the file is as it was put there")
    cluster.stop("fast")


def hs256():
    """Where the secret is needed to verify, verification fails too, and does not say that the token is bad."""
    cluster = Cluster("hs256", *LEAST)
    db = cluster.connect()
    store(db)
    db.run("SELECT djust_auth.rotate_signing_key('HS256')")
    first = db.login(ANN)
    second = db.refresh(first["refresh_token"])
    ok(db.can(first["access_token"]), "an older access token is verified by its signature")
    good = read(path(cluster))
    restart(cluster, lambda: write_key(path(cluster), new_digits()))
    db = cluster.connect()
    fails("55000", lambda: db.can(first["access_token"]), "under another file that cannot be done", "HINT: .*accept_key_file")
    ok(db.can(second["access_token"]), "the newest one is known by its hash")
    fails("55000", lambda: db.run("SELECT djust_auth.hs256_key()"), "the secret is not handed out", "HINT: .*accept_key_file")
    fails("55000", lambda: db.run("SELECT djust_auth.postgrest_config()"), "nor configured", "HINT: .*accept_key_file")
    write_key(path(cluster), good)
    ok(db.can(first["access_token"]), "the right file back, it is verified again in the same session")
    cluster.stop("fast")


def accepted():
    """A new file for one that is lost: sessions and links end, locks stay, mails are given up with a reason."""
    cluster = Cluster("accepted", "djust_auth.databases = 'postgres'", *LEAST)
    db = cluster.connect()
    tokens, link = store(db)
    db.until_worker()
    suspend(db, BOB)
    for _ in range(11):
        db.login("nobody@key.example", WRONG)
    for _ in range(12):
        db.login(EVE, WRONG)
    db.until_written()
    db.run("UPDATE djust_auth.throttle_lock SET allowed_at = now() + interval '14 minutes' WHERE failures < 100")
    kid = db.one("SELECT kid FROM djust_auth.signing_key")
    restart(cluster, lambda: os.remove(path(cluster)))
    db = mismatch(cluster, tokens, link, "lost", "No such file")
    until(lambda: db.worker(), "the worker")
    db.begin()
    db.run("SELECT djust_auth.accept_key_file()")
    db.rollback()
    fails("55000", lambda: db.login(ANN), "accepted and rolled back: not accepted", "HINT: .*accept_key_file")
    db.run("SELECT djust_auth.accept_key_file()")
    equal(stat.S_IMODE(os.stat(path(cluster)).st_mode), 0o600, "accept_key_file() makes one where there is none")
    equal([db.one(f"SELECT count(*) FROM djust_auth.{table}") for table in ("session", "reset_token")], [0, 0], "it ends sessions and links")
    equal(db.all("SELECT last_error, done_at IS NOT NULL FROM djust_auth.mail_queue WHERE address IS NOT NULL AND attempts = 0"),
          [("the address was sealed under another key file", True)], "gives waiting mails up with a reason")
    ok(not db.can(tokens["access_token"]) and error_of(db.refresh(tokens["refresh_token"])) == "invalid_grant", "tokens of before are dead")
    equal(error_of(db.confirm(link)), "invalid_grant", "and links")
    equal(db.all("SELECT kid = %s, algorithm, verify_until FROM djust_auth.signing_key", kid), [(False, "ES256", None)], "there is one new key")
    equal((error_of(db.login(BOB)), db.login(BOB).get("retry_after")), ("too_many_attempts", None), "a suspended account stays suspended")
    ok(840 >= db.login(EVE).get("retry_after", 0) > 600, "a locked one locked", db.login(EVE))
    equal(db.one("SELECT count(*) FROM djust_auth.throttle_lock"), 2, "locks of unknown addresses go")
    db.run("SELECT djust_auth.rotate_signing_key()")
    equal(error_of(db.login(BOB)), "too_many_attempts", "also after rotate_signing_key()")
    fresh = db.login(ANN)
    ok(error_of(fresh) is None and db.can(fresh["access_token"]), "everybody else logs in")
    equal(db.one("""SELECT detail - 'kid' FROM djust_auth.audit_event WHERE detail ->> 'change' = 'key file accepted'"""),
          {"change": "key file accepted", "sessions": 1, "links": 1, "mails": 2, "locks_kept": 2}, "the audit tells")
    db.raw.notices.clear()
    db.run("SELECT djust_auth.accept_key_file()")
    ok(db.can(fresh["access_token"]) and "Nothing was changed" in "".join(db.raw.notices), "called once more it does nothing", db.raw.notices)
    restart(cluster, lambda: None)
    db = cluster.connect()
    ok(db.can(fresh["access_token"]), "after a restart all is well")
    equal(error_of(db.login(BOB)), "too_many_attempts", "and the suspended account suspended")
    db.run("SELECT djust_auth.unlock_user(id) FROM djust_auth.customer_user WHERE email = %s", BOB)
    equal(error_of(db.login(BOB)), None, "until it is unlocked")
    cluster.stop("fast")


def removed():
    """A file that is gone while the server runs with its key: nothing ends, and it can still be put back; a restart settles that it is lost."""
    cluster = Cluster("removed", *LEAST)
    db = cluster.connect()
    tokens, link = store(db)
    good = read(path(cluster))
    os.remove(path(cluster))
    before = rows(db)
    fails("55000", lambda: db.run("SELECT djust_auth.accept_key_file()"), "accept_key_file() does not replace a file whose key is in use", "HINT: .*backup.*restart")
    fails("55000", lambda: cluster.connect().run("SELECT djust_auth.accept_key_file()"), "in no connection", "HINT: .*backup.*restart")
    cluster.connect().run("CREATE DATABASE other")
    other = cluster.connect("other")
    other.run("CREATE EXTENSION djust_auth")
    fails("55000", lambda: other.run("SELECT djust_auth.accept_key_file()"), "nor in another database", "HINT: .*backup.*restart")
    ok(not os.path.exists(path(cluster)), "none is made")
    equal(rows(db), before, "nothing is changed")
    equal((db.can(tokens["access_token"]), error_of(db.login(BOB))), (True, None), "and everything goes on")
    write_key(path(cluster), good)
    db.run("SELECT djust_auth.accept_key_file()")
    equal(rows(db)["signing_key"], before["signing_key"], "put back, it is the right one")
    restart(cluster, lambda: os.remove(path(cluster)))
    db = cluster.connect()
    db.run("SELECT djust_auth.accept_key_file()")
    equal((db.can(tokens["access_token"]), error_of(db.confirm(link)), error_of(db.login(ANN))), (False, "invalid_grant", None), "after a restart without it a new one is made")
    cluster.stop("fast")


def lock_owners():
    """A lock knows its user, however it came about: by guesses, a change of address, an unlocking that was rolled back."""
    cluster = Cluster("owners", "djust_auth.databases = 'postgres'", *LEAST)
    db = cluster.connect()
    store(db)
    db.until_worker()
    suspend(db, ANN)
    db.run("UPDATE djust_auth.customer_user SET email = 'moved@key.example' WHERE email = %s", ANN)
    suspend(db, BOB)
    db.begin()
    db.run("SELECT djust_auth.unlock_user(id) FROM djust_auth.customer_user WHERE email = %s", BOB)
    db.login(EVE, WRONG)
    db.rollback()
    db.until_written()
    for email in ("moved@key.example", BOB):
        until(lambda: db.one("SELECT max(l.failures) FROM djust_auth.throttle_lock l JOIN djust_auth.customer_user u ON u.id = l.user_id WHERE u.email = %s", email) == 100,
              f"the lock of {email}")
    restart(cluster, lambda: write_key(path(cluster), new_digits()))
    db = cluster.connect()
    db.run("SELECT djust_auth.accept_key_file()")
    equal([error_of(db.login(email)) for email in ("moved@key.example", BOB, EVE)], ["too_many_attempts", "too_many_attempts", None],
          "each is kept for its user and nobody else")
    cluster.stop("fast")


def standby():
    """Another file on a standby, which is promoted; no file at all on another one."""
    # the first copy stands still while the second is made
    primary = Cluster("key_primary", "wal_level = replica", "max_wal_senders = 6", "hot_standby = on", "full_page_writes = on",
                      "wal_keep_size = 64MB", "djust_auth.databases = 'postgres'", *LEAST)
    db = primary.connect()
    tokens, link = store(db)
    db.until_worker()
    suspend(db, BOB)
    copies = []
    for name, file in (("key_other", "other.key"), ("key_none", "none.key")):
        copy = primary.standby(name)
        copy.stop("fast")
        copy.configure(f"djust_auth.key_file = '{file}'")
        if name == "key_other":
            write_key(path(copy, file), new_digits())
        os.remove(path(copy))
        copies.append((copy, file))
    for copy, file in copies:
        copy.ctl("start")
        reader = copy.connect()
        target = db.one("SELECT pg_current_wal_lsn()::text")
        until(lambda: reader.one("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", target), "replay")
        equal(os.path.exists(path(copy, file)), file == "other.key", f"{file}: none is made in recovery")
        others_work(reader, tokens, f"standby with {file}")
        fails("55000", lambda: reader.one("SELECT djust_introspect(%s, 'refresh_token')", tokens["refresh_token"]),
              f"standby with {file}: a refresh token is not called dead", "HINT: .*accept_key_file")
        ok(warnings(copy.log()) >= 1, f"standby with {file}: the log says why")
    primary.stop("immediate")
    for copy, file in copies:
        copy.ctl("promote")
        reader = copy.connect()
        until(lambda: not reader.one("SELECT pg_is_in_recovery()"), "promotion")
        before = waiting(reader)
        all_refuse(reader, tokens, link, f"promoted with {file}")
        equal((waiting(reader), len(before)), (before, 3), f"promoted with {file}: the mail waits")
        copy.ctl("-m", "fast", "restart")
        reader = copy.connect()
        equal(os.path.exists(path(copy, file)), file == "other.key", f"promoted with {file}: none is made at the next start")
        fails("55000", lambda: reader.one("SELECT djust_login(%s, %s)", ANN, GOOD), f"promoted with {file}: the same after a restart", "HINT: .*accept_key_file")
    copy, file = copies[0]
    reader = copy.connect()
    reader.run("SELECT djust_auth.accept_key_file()")
    reader.run("SELECT djust_auth.rotate_signing_key()")
    equal([error_of(reader.login(email)) for email in (ANN, BOB)], [None, "too_many_attempts"], "accepted, customers log in and the suspended one does not")
    copy.stop("fast")
    copy, file = copies[1]
    write_key(path(copy, file), read(path(primary)))
    reader = copy.connect()
    equal([error_of(answer) for answer in (reader.refresh(tokens["refresh_token"]), reader.login(BOB), reader.confirm(link))],
          [None, "too_many_attempts", None], "the file of the old primary put there, all goes on")
    until(lambda: reader.one("SELECT count(*) FROM djust_auth.claim_mail() WHERE recipient = %s", EVE) == 1, "and the mail comes")
    copy.stop("fast")


def several_databases():
    """One file for all: a database that knows another is refused, its neighbour is not."""
    cluster = Cluster("several", *LEAST)
    cluster.connect().run("CREATE DATABASE one")
    cluster.connect().run("CREATE DATABASE two")
    one, two = cluster.connect("one"), cluster.connect("two")
    for db in (one, two):
        store(db)
    restart(cluster, lambda: write_key(path(cluster), new_digits()))
    one, two = cluster.connect("one"), cluster.connect("two")
    one.run("SELECT djust_auth.accept_key_file()")
    equal(error_of(one.login(ANN)), None, "accepted in one")
    fails("55000", lambda: two.login(ANN), "not in the other", "HINT: .*accept_key_file")
    cluster.connect().run("CREATE DATABASE three")
    three = cluster.connect("three")
    three.run("CREATE EXTENSION djust_auth")
    three.create_user(ANN)
    equal(error_of(three.login(ANN)), None, "a new database takes the file that is there")
    three.run("DELETE FROM djust_auth.key_file")
    equal(error_of(three.login(ANN)), None, "without its row it learns the file again whose keys it holds")
    restart(cluster, lambda: write_key(path(cluster), new_digits()))
    three = cluster.connect("three")
    three.run("DELETE FROM djust_auth.key_file")
    fails("55000", lambda: three.login(ANN), "and no other", "HINT: .*accept_key_file")
    restart(cluster, lambda: os.remove(path(cluster)))
    cluster.connect().run("CREATE DATABASE four")
    fails("55000", lambda: cluster.connect("four").run("CREATE EXTENSION djust_auth"), "where one is missed, none is made for a new database", "HINT: ")
    ok(not os.path.exists(path(cluster)), "really none")
    cluster.stop("fast")


def first_use():
    """Made when the extension is first used, where there was none and nobody knew any."""
    cluster = Cluster("first", "shared_preload_libraries = ''")
    cluster.connect().run("CREATE EXTENSION djust_auth")
    cluster.stop("fast")
    cluster.configure("shared_preload_libraries = 'djust_auth'")
    cluster.ctl("start")
    os.remove(path(cluster))
    cluster.stop("fast")
    cluster.ctl("start")
    db = cluster.connect()
    ok(os.path.exists(path(cluster)), "where no database knows one it is made at each start")
    equal(db.one("SELECT djust_introspect('djr_' || repeat('A', 70), 'refresh_token') ->> 'active'"), "false", "a database that knows none has no session")
    equal((db.can("x"), db.one("SELECT count(*) FROM djust_auth.key_file")), (False, 0), "and readers write nothing")
    db.create_user(ANN)
    answers = [later(cluster.connect().login, ANN) for _ in range(8)]
    equal([error_of(answer.result(60)) for answer in answers], [None] * 8, "eight first logins at the same time")
    equal(db.all("SELECT one, database = (SELECT oid FROM pg_database WHERE datname = current_database()) FROM djust_auth.key_file"), [(True, True)], "leave one row")
    cluster.stop("fast")


def beside(cluster, name, *lines):
    """A base backup of it, recovered and started as a server of its own."""
    copy = cluster.standby(name)
    copy.stop("fast")
    os.remove(path(copy, "standby.signal"))
    copy.configure("primary_conninfo = ''", *lines)
    return copy


def base_backup():
    """Brought up beside the original, after things were ended and sent there: after_restore() ends them here too."""
    cluster = Cluster("backed", "wal_level = replica", "max_wal_senders = 6", "full_page_writes = on", *LEAST)
    db = cluster.connect()
    tokens, link = store(db)
    kid = db.one("SELECT kid FROM djust_auth.signing_key")
    copy = beside(cluster, "restored")
    db.logout(tokens["access_token"])
    db.confirm(link)
    mail = db.one("SELECT id FROM djust_auth.claim_mail() WHERE recipient = %s", EVE)
    db.run("SELECT djust_auth.mail_sent(%s)", mail)
    copy.ctl("start")
    other = copy.connect()
    other.run("SELECT djust_auth.after_restore()")
    no_longer(other, tokens, link, "restored")
    equal(other.one("SELECT count(*) FROM djust_auth.signing_key WHERE kid <> %s AND verify_until IS NULL", kid), 1, "the key is rotated")
    equal(other.all("SELECT detail - 'kid' FROM djust_auth.audit_event WHERE detail ->> 'change' = 'restored'"),
          [({"change": "restored", "sessions": 1, "links": 1, "mails": 2},)], "the audit tells")
    fresh = other.login(ANN)
    ok(error_of(fresh) is None and other.can(fresh["access_token"]), "new logins work there")
    equal(db.can(fresh["access_token"]), False, "for that server alone")
    copy.stop("fast")
    cluster.stop("fast")


def no_longer(db, tokens, link, name):
    """Nothing of the original lives: the first calls in the database since."""
    equal(db.can(tokens["access_token"]), False, f"{name}: an access token of the original is dead")
    equal(error_of(db.refresh(tokens["refresh_token"])), "invalid_grant", f"{name}: its refresh token too")
    equal(error_of(db.confirm(link)), "invalid_grant", f"{name}: the link")
    equal(db.all("SELECT recipient FROM djust_auth.claim_mail()"), [], f"{name}: no mail is claimed")
    equal([db.one(f"SELECT count(*) FROM djust_auth.{table}") for table in ("session", "reset_token")], [0, 0], f"{name}: nothing is left")


def template_copy():
    """Whatever is called first in the copy, it knows that it is one; readers write nothing and take each session for dead."""
    cluster = Cluster("copied", *LEAST)
    admin = cluster.connect()
    admin.run("CREATE DATABASE shop")
    db = cluster.connect("shop")
    tokens, link = store(db)
    user_id, sid = db.row("SELECT user_id::text, sid::text FROM djust_auth.session")
    db_sessions = db.one("SELECT count(*) FROM djust_auth.active_session")
    db.close()
    first_calls = (
        ("djust_refresh", lambda copy: copy.refresh(tokens["refresh_token"]).get("error"), "invalid_grant"),
        ("djust_login", lambda copy: error_of(copy.login(EVE)), None),
        ("djust_logout", lambda copy: copy.logout(tokens["access_token"]), False),
        ("djust_logout of the refresh token", lambda copy: copy.logout(tokens["refresh_token"]), False),
        ("djust_end_session", lambda copy: copy.one("SELECT djust_end_session(%s)", tokens["access_token"]), 0),
        ("djust_change_password", lambda copy: error_of(copy.one("SELECT djust_change_password(%s, %s, %s)", tokens["access_token"], GOOD, OTHER)), "invalid_grant"),
        ("djust_reset_confirm", lambda copy: error_of(copy.confirm(link)), "invalid_grant"),
        ("djust_reset_page", lambda copy: "password" in copy.one("SELECT djust_reset_page(%s, %s)", link, OTHER) and error_of(copy.login(BOB)), None),
        ("claim_mail", lambda copy: copy.all("SELECT * FROM djust_auth.claim_mail()"), []),
        ("purge", lambda copy: copy.one("SELECT djust_auth.purge() IS NOT NULL"), True),
        ("set_right", lambda copy: copy.one("SELECT djust_auth.set_right('customer', '/other', 'none') IS NULL"), False),
        ("end_sessions", lambda copy: copy.one("SELECT djust_auth.end_sessions(%s)", user_id), 0))
    for number, (name, call, answer) in enumerate(first_calls):
        admin.run(f"CREATE DATABASE copy{number} TEMPLATE shop")
        copy = cluster.connect(f"copy{number}")
        equal(call(copy), answer, f"{name} first in the copy")
        equal([copy.one(f"SELECT count(*) FROM djust_auth.{what}") for what in
               (f"session WHERE sid = '{sid}'", "reset_token", "mail_queue WHERE kind = 'reset'")],
              [0, 0, 0], f"{name} first: nothing of the original is left")
        copy.close()
    admin.run("CREATE DATABASE reader TEMPLATE shop")
    copy = cluster.connect("reader")
    before = rows(copy)
    equal((copy.can(tokens["access_token"]), copy.can(None), copy.one("SELECT djust_sessions(%s)::text", tokens["access_token"]),
           copy.one("SELECT djust_introspect(%s)::text", tokens["access_token"]), copy.one("SELECT djust_introspect(%s, 'refresh_token')::text", tokens["refresh_token"])),
          (False, False, "[]", '{"active":false}', '{"active":false}'), "readers take sessions for dead")
    copy.run("SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || %s)::text, false)", tokens["access_token"])
    equal((copy.all("SELECT sid FROM djust_auth.active_session"), db_sessions), ([], 1), "the view of live sessions is empty")
    equal((copy.one("SELECT djust_request_user()"), copy.one("SELECT djust_request_can('/orders', 'read')")), (None, False), "the request functions too")
    equal(rows(copy), before, "and write nothing")
    copy.begin()
    copy.refresh(tokens["refresh_token"])
    copy.rollback()
    equal((rows(copy), copy.can(tokens["access_token"])), (before, False), "rolled back, it is a copy as before")
    copy.run("SELECT set_config('request.headers', '', false)")
    no_longer(copy, tokens, link, "used in turn")
    equal(copy.all("SELECT detail FROM djust_auth.audit_event WHERE detail ->> 'change' = 'database copied'"),
          [({"change": "database copied", "sessions": 1, "links": 1, "mails": 2},)], "the audit tells")
    copy.close()
    admin.run("ALTER DATABASE shop RENAME TO market")
    db = cluster.connect("market")
    ok(db.can(tokens["access_token"]) and error_of(db.refresh(tokens["refresh_token"])) is None, "renamed, a database is itself")
    equal(error_of(db.confirm(link)), None, "in the original all lives on")
    cluster.stop("fast")


def together_in_a_copy():
    """First calls at the same time."""
    cluster = Cluster("crowd", *LEAST)
    admin = cluster.connect()
    admin.run("CREATE DATABASE shop")
    db = cluster.connect("shop")
    tokens, _ = store(db)
    db.close()
    admin.run("CREATE DATABASE copy TEMPLATE shop")
    copies = [cluster.connect("copy") for _ in range(12)]
    answers = together(copies, lambda copy, i: copy.refresh(tokens["refresh_token"]) if i % 3 == 0 else copy.login(ANN) if i % 3 == 1 else copy.can(tokens["access_token"]))
    equal([answer if isinstance(answer, bool) else error_of(answer) for answer in answers], ["invalid_grant", None, False] * 4, "each answers as if it were the only one")
    equal([copy.can(answer["access_token"]) for copy, answer in zip(copies, answers) if isinstance(answer, dict) and "access_token" in answer], [True] * 4, "and new sessions live")
    equal(copies[0].one("SELECT count(*) FROM djust_auth.audit_event WHERE detail ->> 'change' = 'database copied'"), 1, "one cleaned up")
    cluster.stop("fast")


def worker_in_a_copy():
    """The worker serves original and copy: each mail leaves once, and a suspended account is suspended in both."""
    relay = Server(login=False)
    cluster = Cluster("served", "djust_auth.databases = 'shop, copy'", "djust_auth.mail_from = 'no-reply@key.example'",
                      "djust_auth.smtp_require_tls = off", *LEAST)
    cluster.connect().run("CREATE DATABASE shop")
    cluster.restart("fast")
    db = cluster.connect("shop")
    tokens, _ = store(db)
    db.until_worker()
    suspend(db, ANN)
    db.close()
    cluster.connect().run("CREATE DATABASE copy TEMPLATE shop")
    copy = cluster.connect("copy")
    copy.setting("smtp_url", relay.url)
    until(lambda: relay.of(EVE), "the mail of the original")
    copy.until_worker()
    until(lambda: copy.one("SELECT count(*) FROM djust_auth.session") == 0, "the worker's first round in the copy")
    equal(copy.one("SELECT count(*) FROM djust_auth.mail_queue"), 0, "it ends the mails there")
    copy.run("SELECT djust_reset_request(%s)", BOB)
    until(lambda: relay.of(BOB), "the mail of the copy")
    equal((len(relay.of(EVE)), len(relay.of(BOB))), (1, 1), "each mail leaves once")
    equal(error_of(copy.login(ANN)), "too_many_attempts", "a suspended account is suspended in the copy")
    ok(cluster.connect("shop").can(tokens["access_token"]), "in the original all lives on")
    cluster.stop("fast")
    relay.stop()


main(swapped, hs256, accepted, removed, lock_owners, standby, several_databases, first_use, base_backup, template_copy, together_in_a_copy, worker_in_a_copy)
