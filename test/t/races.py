"""Concurrent calls: guesses, logins, refreshes, resets, first keys, and administration."""

import base64
import hashlib
import json
import math
import time

import psycopg2
import psycopg2.extensions

from support import GOOD, OTHER, WRONG, Cluster, claims_of, equal, error_of, later, main, note, ok, shop, together, until, until_blocked

CALLERS = 200
LIMIT = 10

cluster = Cluster("races", "max_connections = 260", "djust_auth.hash_wait_timeout = '60s'")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
shop(db)


def callers(n, **options):
    return [cluster.connect(**options) for _ in range(n)]


def close(dbs):
    for each in dbs:
        each.close()


# Guesses


def judge_guesses(answers, hashes, seconds, name):
    """
    The limit of hashes, and one more only for each pause that is over: it doubles from a second.  So exactly the limit
    when all was over within a second.
    """
    errors = [error_of(answer) for answer in answers]
    most = LIMIT + int(math.log2(seconds + 1))
    note(f"{hashes} hashes in {seconds:.2f} s")
    ok(LIMIT <= hashes <= most, f"{name}: no more hashes than the limit", f"{hashes} hashes in {seconds} s")
    equal((errors.count("invalid_grant"), errors.count("too_many_attempts")), (hashes, CALLERS - hashes),
          f"{name}: what was hashed was wrong, the rest are too many attempts")
    pauses = [answer["retry_after"] for answer in answers if error_of(answer) == "too_many_attempts"]
    ok(all(isinstance(pause, int) and 1 <= pause <= 2 ** (hashes - LIMIT) for pause in pauses),
       f"{name}: they are told how long to wait", sorted(set(pauses)))


def guess_together(dbs, email, guess, name):
    before = db.stats("hashes")
    start = time.monotonic()
    answers = together(dbs, lambda each, i: guess(each, email))
    seconds = time.monotonic() - start
    hashes = db.stats("hashes") - before
    judge_guesses(answers, hashes, seconds, name)


def guess(each, email):
    return each.login(email, WRONG)


def guess_and_roll_back(each, email):
    each.begin()
    answer = each.login(email, WRONG)
    each.rollback()
    return answer


def guess_in_savepoint(each, email):
    each.begin()
    each.run("SAVEPOINT s")
    answer = each.login(email, WRONG)
    each.run("ROLLBACK TO s")
    each.commit()
    return answer


def guess_and_raise(each, email):
    """The answer travels in the error that undoes it."""
    try:
        each.run(f"DO $$ BEGIN RAISE '%', djust_login('{email}', '{WRONG}'); END $$")
    except psycopg2.Error as error:
        return json.loads(error.diag.message_primary)


def guesses():
    dbs = callers(CALLERS)
    for kind, function in (("commit", guess), ("rollback", guess_and_roll_back), ("savepoint", guess_in_savepoint),
                           ("raise", guess_and_raise)):
        db.create_user(f"{kind}@guess.example")
        guess_together(dbs, f"{kind}@guess.example", function, f"200 guesses, {kind}")
    guess_together(dbs, "nobody@guess.example", guess, "200 guesses at an unknown address")
    guess_together(dbs, "nobody2@guess.example", guess_and_roll_back, "200 guesses at an unknown address, rollback")
    close(dbs)


def success_gives_back():
    db.create_user("many@login.example", profiles=["customer"])
    dbs = callers(30)
    answers = together(dbs, lambda each, i: each.login("many@login.example"))
    close(dbs)
    equal([error_of(answer) for answer in answers], [None] * 30, "30 correct logins of one account at once all succeed")
    ok(all(db.can(answer["access_token"]) for answer in answers), "and all their tokens are good")
    equal(len({answer["refresh_token"] for answer in answers}), 30, "in sessions of their own")


# Attempts that are cut off.  A hash that takes long is made for it, and a prober of another account tells when it runs:
# with one slot in the whole server the prober finds none.


class Cut:
    """A guess sent and not waited for."""

    def __init__(self, own, email):
        self.raw = psycopg2.connect(host=own.host, port=own.port, user="postgres", dbname="postgres", async_=1)
        self.wait()
        self.pid = self.raw.get_backend_pid()
        self.cursor = self.raw.cursor()
        self.cursor.execute("SELECT djust_login(%s, %s)", (email, WRONG))
        self.raw.poll()

    def wait(self):
        until(lambda: self.raw.poll() == psycopg2.extensions.POLL_OK, "the connection")

    def wait_idle(self, observer):
        """Until it is answered."""
        until(lambda: not observer.one("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s AND state = 'active')",
                                       self.pid), "the answer")
        self.raw.close()


def slot_is_taken(prober):
    return error_of(prober.login("prober@cut.example")) == "temporarily_unavailable"


def cut_off():
    own = Cluster("cut", "djust_auth.max_concurrent_hashes = 1", "djust_auth.max_login_failures = 100")
    admin = own.connect()
    prober = own.connect()
    admin.run("CREATE EXTENSION djust_auth")
    admin.run("SET djust_auth.argon2_iterations = 64")
    admin.create_user("slow@cut.example")
    admin.run("RESET djust_auth.argon2_iterations")
    admin.create_user("prober@cut.example")
    prober.run("SET djust_auth.hash_wait_timeout = '1ms'")
    cuts = 0
    before = admin.stats("login_failures"), admin.stats("hashes")

    for kind in ("cancel", "cancel", "terminate", "terminate", "disconnect"):
        attempt = Cut(own, "slow@cut.example")
        until(lambda: slot_is_taken(prober), "the hash to begin")
        if kind == "disconnect":
            attempt.raw.close()
        else:
            ok(admin.one(f"SELECT pg_{kind}_backend(%s)", attempt.pid), f"{kind} a backend while it hashes")
        until(lambda: not admin.one("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s AND state = 'active')",
                                    attempt.pid), "the backend to stop")
        if kind == "cancel":
            attempt.raw.close()
        until(lambda: not slot_is_taken(prober), "the slot to be free")
        cuts += 1

    # From here on a hash that is quick; a plain UPDATE leaves the count alone.
    admin.run("UPDATE djust_auth.customer_user SET password_hash = quick.password_hash FROM djust_auth.customer_user quick"
              " WHERE customer_user.email = 'slow@cut.example' AND quick.email = 'prober@cut.example'")

    # The password is suspended at 100 failures for good: that counts them to the last, whatever the time.
    fast = own.connect()
    answers = []
    for _ in range(100 - cuts):
        fast.begin()
        answers.append(error_of(fast.login("slow@cut.example", WRONG)))
        fast.rollback()
    equal(set(answers), {"invalid_grant"}, f"{100 - cuts} more guesses and {cuts} that were cut off are a hundred")
    last = admin.login("slow@cut.example")
    equal((error_of(last), "retry_after" in last), ("too_many_attempts", False),
          "so none of the cut off was undone: the password is suspended, also for its owner")
    note(f"{admin.stats('login_failures') - before[0]} failures, {admin.stats('hashes') - before[1]} hashes")
    own.stop()


def not_begun():
    """Attempts that wait for a slot when they are cut off: nothing was hashed, so nothing is counted."""
    own = Cluster("not_begun", "djust_auth.max_concurrent_hashes = 1", "djust_auth.hash_wait_timeout = '60s'")
    admin = own.connect()
    admin.run("CREATE EXTENSION djust_auth")
    admin.run("SET djust_auth.argon2_iterations = 64")
    slow_id = admin.create_user("slow@cut.example")
    admin.run("RESET djust_auth.argon2_iterations")
    admin.create_user("quick@cut.example")
    admin.create_user("prober@cut.example")
    prober, hurried = own.connect(), own.connect()
    prober.run("SET djust_auth.hash_wait_timeout = '1ms'")

    def in_time():
        try:
            return hurried.login("quick@cut.example") and False
        except psycopg2.errors.QueryCanceled:
            return None

    def while_hashing(function):
        """What the function gives while another account hashes; False if that ended first."""
        slow = Cut(own, "slow@cut.example")
        until(lambda: slot_is_taken(prober), "the hash to begin")
        got = function()
        held = slot_is_taken(prober)
        slow.wait_idle(admin)
        admin.run("SELECT djust_auth.unlock_user(%s)", slow_id)
        return got if held else False

    hurried.run("SET statement_timeout = '50ms'")
    made = []
    for _ in range(100):
        made.append(while_hashing(in_time))
        if made.count(None) == 14:
            break
    hurried.run("RESET statement_timeout")
    equal(made.count(None), 14, "14 logins end by statement_timeout while the only slot is taken")

    def cut(kind):
        attempt = Cut(own, "quick@cut.example")
        until(lambda: admin.one("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", attempt.pid) in ("Extension", "DjustAuthHashSlot"), "it to wait")
        if kind == "disconnect":
            attempt.raw.close()
            admin.one("SELECT pg_terminate_backend(%s)", attempt.pid)
        else:
            admin.one(f"SELECT pg_{kind}_backend(%s)", attempt.pid)
        until(lambda: not admin.one("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s AND state = 'active')",
                                    attempt.pid), "the backend to stop")
        return True

    kinds = ("cancel", "terminate", "disconnect") * 4
    cuts = [while_hashing(lambda: cut(kind)) for kind in kinds]
    ok(cuts.count(True) >= 6, "and others are cancelled, terminated and disconnected", cuts)
    equal(error_of(admin.login("quick@cut.example")), None, "none of them was counted: the account is not locked")
    guesses_left = [error_of(admin.login("quick@cut.example", WRONG)) for _ in range(11)]
    equal(guesses_left, ["invalid_grant"] * 10 + ["too_many_attempts"], "and has ten guesses left")
    own.stop()


def open_success():
    """A success clears the count for others when it commits, not before."""
    db.create_user("open@login.example")
    for _ in range(6):
        db.login("open@login.example", WRONG)
    other = cluster.connect()
    other.begin()
    equal(error_of(other.login("open@login.example")), None, "a success after six failures, not committed")
    equal([error_of(db.login("open@login.example", WRONG)) for _ in range(5)], ["invalid_grant"] * 4 + ["too_many_attempts"],
          "leaves others four guesses")
    other.commit()
    equal(error_of(db.login("open@login.example")), None, "and ten once it commits")
    other.close()


# Refreshes


def rehash():
    """The stored hash is replaced at the first good login, while others are checked against the old one."""
    salt = b"0123456789abcdef"
    digest = base64.b64encode(hashlib.pbkdf2_hmac("sha256", GOOD.encode(), salt, 600_000)).decode("ascii")
    db.one("SELECT djust_auth.import_user('imported@login.example', %s, '{customer}')", f"pbkdf2_sha256$600000${salt.decode()}${digest}")
    dbs = callers(12)
    answers = together(dbs, lambda each, i: each.login("imported@login.example"))
    close(dbs)
    equal([error_of(answer) for answer in answers], [None] * 12, "12 first logins of an imported user at once all succeed")
    ok(all(db.can(answer["access_token"]) for answer in answers), "and all their tokens are good")
    ok(db.one("SELECT password_hash FROM djust_auth.customer_user WHERE email = 'imported@login.example'").startswith("$argon2id$"),
       "and the hash is an Argon2id one now")


def refreshes():
    db.create_user("refresh@race.example", profiles=["customer"])
    first = db.login("refresh@race.example")
    dbs = callers(50)
    answers = together(dbs, lambda each, i: each.refresh(first["refresh_token"]))
    close(dbs)
    equal([error_of(answer) for answer in answers], [None] * 50, "50 refreshes of one token at once all succeed")
    equal(len({answer.get("refresh_token") for answer in answers}), 1, "with one refresh token")
    user_id = db.one("SELECT id::text FROM djust_auth.customer_user WHERE email = 'refresh@race.example'")
    equal(db.all("SELECT generation FROM djust_auth.session WHERE user_id = %s", user_id), [(1,)], "of one new generation")
    ok(all(db.can(answer["access_token"]) for answer in answers), "and all 50 access tokens are good")
    ok(db.can(first["access_token"]), "and the one from before the refresh still is")
    ok(all((answer["token_type"], answer["expires_in"]) == ("Bearer", 600) and 7190 <= answer["refresh_expires_in"] <= 7200 for answer in answers),
       "and all answers are whole: the one refresh token lives two hours from its first answer", answers[:2])

    db.setting("refresh_reuse_grace", "1s")
    until(lambda: db.one("SELECT clock_timestamp() > refreshed_at + interval '1s' FROM djust_auth.session WHERE user_id = %s",
                         user_id), "the grace to be over")
    second = answers[0]
    before = db.stats("refresh_reuses")
    dbs = callers(20)
    answers = together(dbs, lambda each, i: each.refresh(first["refresh_token"]))
    close(dbs)
    equal([error_of(answer) for answer in answers], ["invalid_grant"] * 20, "after the grace the used token is refused")
    ok(db.stats("refresh_reuses") > before, "and the reuse is counted")
    equal(db.sessions(user_id), 0, "and the session is dead")
    equal((db.can(second["access_token"]), db.can(first["access_token"])), (False, False), "with its access tokens")
    equal(error_of(db.refresh(second["refresh_token"])), "invalid_grant", "and its newest refresh token")
    db.setting("refresh_reuse_grace", None)


def older_generation():
    user_id = db.create_user("older@race.example", profiles=["customer"])
    tokens = [db.login("older@race.example")]
    for _ in range(2):
        tokens.append(db.refresh(tokens[-1]["refresh_token"]))
    equal(error_of(db.refresh(tokens[0]["refresh_token"])), "invalid_grant", "a token two generations old is refused within the grace")
    equal(db.sessions(user_id), 0, "and ends the session")
    equal([db.can(each["access_token"]) for each in tokens], [False] * 3, "and every access token of it")


def refresh_beside_logout():
    for round_ in range(5):
        db.create_user(f"logout{round_}@race.example", profiles=["customer"])
        tokens = db.login(f"logout{round_}@race.example")
        dbs = callers(10)
        answers = together(dbs, lambda each, i: each.logout(tokens["access_token"]) if i % 2 else
                           each.refresh(tokens["refresh_token"]))
        close(dbs)
        logouts = answers[1::2]
        if logouts.count(True) != 1 or any(isinstance(answer, Exception) for answer in answers):
            return ok(False, "logouts beside refreshes: one of them ends the session", answers)
        good = [answer for answer in answers[0::2] if error_of(answer) is None]
        if any(db.can(answer["access_token"]) or error_of(db.refresh(answer["refresh_token"])) is None
               for answer in good + [tokens]):
            return ok(False, "logouts beside refreshes: nothing outlives them", answers)
    return ok(True, "logouts beside refreshes: one ends the session, nothing outlives it, no error")


def logout_beside_logout():
    for end in ("commit", "rollback"):
        db.create_user(f"logout.{end}@race.example", profiles=["customer"])
        token = db.login(f"logout.{end}@race.example")["access_token"]
        first, second = callers(2)
        first.begin()
        first.logout(token)
        answer = later(second.logout, token)
        until_blocked(db, second.pid, first.pid)
        getattr(first, end)()
        equal((answer.result(), db.can(token)), (end == "rollback", False), f"a second logout waits for the first one's {end}")
        close((first, second))


# Resets


def confirms():
    user_id = db.create_user("reset@race.example", profiles=["customer"])
    db.login("reset@race.example")
    link = db.reset_link("reset@race.example")
    dbs = callers(2)
    passwords = ["Orchids-7-Dan", "Violets-8-Dan"]
    answers = together(dbs, lambda each, i: each.confirm(link, passwords[i]))
    close(dbs)
    equal(sorted(answer.get("status", answer.get("error")) for answer in answers), ["invalid_grant", "password_updated"],
          "of two confirms of one link one succeeds")
    winner = [answer.get("status") for answer in answers].index("password_updated")
    equal([error_of(db.login("reset@race.example", each)) for each in (passwords[winner], passwords[1 - winner], GOOD)],
          [None, "invalid_grant", "invalid_grant"], "and it is that one's password that counts")
    equal(error_of(db.confirm(link)), "invalid_grant", "and the link is used")
    equal(db.sessions(user_id), 1, "and the session from before is over")


# Keys


def first_key():
    for round_ in range(3):
        db.run("DELETE FROM djust_auth.signing_key")
        ids = [db.create_user(f"key{round_}.{i}@race.example", profiles=["customer"]) for i in range(20)]
        dbs = callers(20)
        answers = together(dbs, lambda each, i: each.one("SELECT djust_auth.open_session(%s)", ids[i]))
        good = [not isinstance(answer, Exception) and db.can(answer["access_token"]) for answer in answers]
        close(dbs)
        keys = db.one("SELECT count(*) FROM djust_auth.signing_key")
        if not all(good) or keys != 1:
            return ok(False, "20 first logins make one key", (keys, answers))
    return ok(True, "20 first logins make one key, and every token is good")


def rotations():
    db.create_user("rotate@race.example", profiles=["customer"])
    before = db.login("rotate@race.example")
    dbs = callers(12)
    answers = together(dbs, lambda each, i: each.one("SELECT djust_auth.rotate_signing_key()") if i % 2 else
                       each.login("rotate@race.example"))
    equal([answer for answer in answers if isinstance(answer, Exception)], [], "keys rotate beside logins without an error")
    equal(len(set(answers[1::2])), 6, "each rotation makes a key")
    equal(db.one("SELECT count(*) FROM djust_auth.signing_key WHERE verify_until IS NULL"), 1, "one of them signs")
    ok(all(each.can(answer["access_token"]) for each in dbs for answer in answers[0::2] + [before]),
       "and every token is good in every backend")
    close(dbs)


def most_sessions():
    """djust_auth.max_sessions: parallel logins leave exactly so many, the newest."""
    kept, extra = 5, 20
    db.run(f"ALTER SYSTEM SET djust_auth.max_sessions = {kept}")
    db.run("SELECT pg_reload_conf()")
    dbs = callers(kept + extra)
    until(lambda: all(each.one("SHOW djust_auth.max_sessions") == str(kept) for each in dbs), "the limit to be known")
    for kind, isolation in (("read committed", "READ COMMITTED"), ("repeatable read", "REPEATABLE READ")):
        email = f"most.{kept}.{kind.split()[0]}@race.example"
        user_id = db.create_user(email, profiles=["customer"])

        def call(each, i):
            each.begin(isolation)
            answer = each.one("SELECT djust_token('password', %s, %s)", email, GOOD) if i % 3 == 1 else \
                each.one("SELECT djust_auth.open_session(%s)", user_id) if i % 3 == 2 else each.login(email)
            each.commit()
            return answer

        answers = together(dbs, call)
        equal([error_of(answer) for answer in answers], [None] * len(dbs), f"{kept + extra} logins at once, {kind}: all succeed")
        sids = sorted(claims_of(answer["access_token"])["sid"] for answer in answers)
        alive = {claims_of(answer["access_token"])["sid"] for answer in answers if dbs[0].can(answer["access_token"])}
        equal(sorted(alive), sids[-kept:], f"exactly {kept} live, the newest, {kind}")
        refreshed = [error_of(db.refresh(answer["refresh_token"])) for answer in answers]
        equal((refreshed.count(None), refreshed.count("invalid_grant")), (kept, extra), "the refresh tokens of the others are dead, too")
        equal(db.one("SELECT count(*) FROM djust_auth.session WHERE user_id = %s", user_id), kept, "their rows are gone")
        ended = db.one("SELECT array_agg(sid::text ORDER BY sid) FROM djust_auth.audit_event WHERE event = 'logout' AND user_id = %s AND detail ->> 'cause' = 'max_sessions'", user_id)
        equal(ended, sids[:-kept], "each end is on record")
    db.run("ALTER SYSTEM RESET djust_auth.max_sessions")
    db.run("SELECT pg_reload_conf()")
    close(dbs)


# Administration beside a login.  Either may be first; the other waits for it, and no session is left.


def sql(text):
    return lambda admin, user: admin.run(text, user["id"])


ADMINISTRATION = {
    "disable_user": sql("SELECT djust_auth.disable_user(%s)"),
    "set_password": sql(f"SELECT djust_auth.set_password(%s, '{OTHER}')"),
    "delete_user": sql("SELECT djust_auth.delete_user(%s)"),
    "UPDATE of disabled_at": sql("UPDATE djust_auth.customer_user SET disabled_at = now() WHERE id = %s"),
    "UPDATE of password_hash": sql("UPDATE djust_auth.customer_user SET password_hash = NULL WHERE id = %s"),
    "DELETE of the user": sql("DELETE FROM djust_auth.customer_user WHERE id = %s"),
    "djust_reset_confirm": lambda admin, user: admin.confirm(user["link"]),
    "djust_change_password": lambda admin, user: admin.one("SELECT djust_change_password(%s, %s, %s)", user["token"], GOOD, OTHER),
}

# These end the sessions there are and let new logins in
ENDING = {
    "end_sessions": sql("SELECT djust_auth.end_sessions(%s)"),
    "djust_end_session": lambda admin, user: admin.one("SELECT djust_end_session(%s)", user["token"]),
}


def make_user(email):
    user_id = db.create_user(email, profiles=["customer"])
    return {"id": user_id, "email": email, "link": db.reset_link(email), "token": db.login(email)["access_token"]}


def others(user):
    """Live sessions but the one that changes the password."""
    return db.one("SELECT count(*) FROM djust_auth.active_session WHERE user_id = %s AND sid::text <> %s", user["id"],
                  claims_of(user["token"])["sid"])


def login_after(kind, number):
    """The administrator is first and holds his transaction open."""
    for end in ("commit", "rollback"):
        user = make_user(f"after{number}.{end}@race.example")
        admin, customer = cluster.connect(), cluster.connect()
        admin.begin()
        ADMINISTRATION[kind](admin, user)
        answer = later(customer.login, user["email"])
        until_blocked(db, customer.pid, admin.pid)
        getattr(admin, end)()
        answer = answer.result()
        if end == "commit":
            equal((error_of(answer), others(user)), ("invalid_grant", 0), f"login beside {kind}: refused once it commits")
        else:
            ok(error_of(answer) is None and db.can(answer["access_token"]), f"login beside {kind}: good once that rolls back", answer)
        close((admin, customer))


def login_before(kind, number):
    """The login is first and its transaction open."""
    for end in ("commit", "rollback"):
        user = make_user(f"before{number}.{end}@race.example")
        admin, customer = cluster.connect(), cluster.connect()
        customer.begin()
        tokens = customer.login(user["email"])
        ended = later({**ADMINISTRATION, **ENDING}[kind], admin, user)
        until_blocked(db, admin.pid, customer.pid)
        getattr(customer, end)()
        ended.result()
        equal((db.can(tokens["access_token"]), error_of(db.refresh(tokens["refresh_token"])), others(user)), (False, "invalid_grant", 0),
              f"{kind} beside an open login: waits for its {end} and leaves no session")
        close((admin, customer))


def login_beside_administration():
    for number, kind in enumerate(ADMINISTRATION):
        login_after(kind, number)
        login_before(kind, number)
    for number, kind in enumerate(ENDING, len(ADMINISTRATION)):
        login_before(kind, number)


def refresh_beside_disable():
    user_id = db.create_user("refresh-disable@race.example", profiles=["customer"])
    tokens = db.login("refresh-disable@race.example")
    admin, customer = cluster.connect(), cluster.connect()
    admin.begin()
    admin.run("SELECT djust_auth.disable_user(%s)", user_id)
    answer = later(customer.refresh, tokens["refresh_token"])
    until_blocked(db, customer.pid, admin.pid)
    admin.commit()
    equal((error_of(answer.result()), db.sessions(user_id)), ("invalid_grant", 0), "refresh beside disable_user: refused once it commits")
    db.run("SELECT djust_auth.enable_user(%s)", user_id)
    equal((db.can(tokens["access_token"]), error_of(db.refresh(tokens["refresh_token"]))), (False, "invalid_grant"),
          "and enable_user revives nothing")
    close((admin, customer))


def refresh_beside_profiles():
    """Each change of profiles moves the row of the session that a refresh has just read."""
    user_id = db.create_user("refresh-profiles@race.example", profiles=["customer"])
    db.run("SELECT djust_auth.create_profile('passing')")
    tokens = db.login("refresh-profiles@race.example")
    admin, customer = cluster.connect(), cluster.connect()
    going = [True]

    def change():
        changes = 0
        while going[0]:
            admin.run(f"SELECT djust_auth.{'remove' if changes % 2 else 'add'}_profile(%s, 'passing')", user_id)
            changes += 1
        return changes

    changing = later(change)
    try:
        for _ in range(300):
            tokens = customer.refresh(tokens["refresh_token"])
            if error_of(tokens) is not None:
                break
    finally:
        going[0] = False
    note(f"{changing.result()} changes")
    ok(error_of(tokens) is None and db.can(tokens["access_token"]), "300 refreshes beside changes of the user's profiles all succeed", tokens)
    close((admin, customer))


# Hash slots


FLOOD = 40


def hash_slots():
    own = Cluster("slots", "max_connections = 60", "djust_auth.max_concurrent_hashes = 1",
                  "djust_auth.hash_wait_timeout = '50ms'", "djust_auth.max_login_failures = 1")
    admin = own.connect()
    admin.run("CREATE EXTENSION djust_auth")
    shop(admin)
    admin.run("SET djust_auth.argon2_iterations = 64")
    admin.run("SET djust_auth.argon2_memory = '64MB'")
    admin.create_user("slow@slots.example", profiles=["customer"])
    admin.run("RESET djust_auth.argon2_iterations")
    admin.run("RESET djust_auth.argon2_memory")
    admin.create_user("prober@cut.example", profiles=["customer"])
    for i in range(FLOOD):
        admin.create_user(f"user{i}@slots.example", profiles=["customer"])
    tokens = admin.login("prober@cut.example")
    dbs = [own.connect() for _ in range(FLOOD)]
    slow, prober = own.connect(), own.connect()
    prober.run("SET djust_auth.hash_wait_timeout = '1ms'")
    slow.run("SET djust_auth.hash_wait_timeout = '60s'")

    answer = later(slow.login, "slow@slots.example")
    until(lambda: answer.done() or slot_is_taken(prober), "the slot to be taken")
    hashes, timeouts = admin.stats("hashes"), admin.stats("hash_timeouts")
    flood = together(dbs, lambda each, i: each.login(f"user{i}@slots.example", WRONG))
    able = admin.can(tokens["access_token"])
    held = not answer.done()
    hashes, timeouts = admin.stats("hashes") - hashes, admin.stats("hash_timeouts") - timeouts
    slow_answer = answer.result()
    ok(held, f"one slow hash outlasts a flood of {FLOOD} logins, each of which waits 50 ms", slow_answer)
    equal({error_of(each) for each in flood}, {"temporarily_unavailable"}, "the only slot taken, all are temporarily unavailable")
    ok(all(isinstance(each.get("retry_after"), int) and each["retry_after"] >= 1 for each in flood), "and told when to come back")
    equal((hashes, timeouts), (0, FLOOD), "nothing of theirs was hashed")
    ok(able, "djust_can answers meanwhile")
    equal({error_of(admin.login(f"user{i}@slots.example")) for i in range(FLOOD)}, {None},
          "and none was counted as a failure: with a limit of 1 all can log in at once")

    flood = together(dbs, lambda each, i: each.login(f"user{i}@slots.example"))
    errors = [error_of(each) for each in flood]
    equal(errors.count(None) + errors.count("temporarily_unavailable"), FLOOD, "as many correct logins: tokens or temporarily unavailable")
    ok(errors.count(None) >= 1, "and at least one gets through")
    own.stop()


main(guesses, success_gives_back, open_success, most_sessions, rehash, cut_off, not_begun, refreshes, older_generation, refresh_beside_logout, logout_beside_logout, confirms, first_key, rotations,
     login_beside_administration, refresh_beside_disable, refresh_beside_profiles, hash_slots)
