"""Crashes, and interference by administrators: dropped roles, added columns and constraints, locked rows."""

import base64
import hmac
import os
import re
import signal
import time

import psycopg2

from support import OTHER, WRONG, Cluster, equal, error_of, fails, from_base64url, header_of, later, main, ok, shop, together, until, until_blocked

cluster = Cluster("faults", "djust_auth.databases = 'postgres'", "djust_auth.max_concurrent_hashes = 2")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
db.until_worker()
shop(db)


def arenas_after_crash():
    """The memory of the hash slots is mapped when the server starts, and not again after a crash."""
    own = Cluster("arenas", "djust_auth.max_concurrent_hashes = 2")
    admin, victim = own.connect(), own.connect()
    admin.run("CREATE EXTENSION djust_auth")
    admin.create_user("ann@arenas.example")
    admin.setting("argon2_memory", "64MB")
    os.kill(victim.pid, signal.SIGKILL)

    def is_back():
        try:
            own.connect().close()
            return True
        except psycopg2.Error:
            return False

    until(lambda: own.log().count("ready to accept connections") == 2 and is_back(), "the server after the crash")
    both = [own.connect(), own.connect()]
    answers = together(both, lambda each, i: each.login("ann@arenas.example"))
    equal([error_of(answer) for answer in answers], [None, None], "after a crash with more memory set, logins hash in both slots")
    ok(both[0].one("SELECT password_hash FROM djust_auth.customer_user").startswith("$argon2id$v=19$m=65536,"), "and more memory is used")
    equal(own.log().count("ready to accept connections"), 2, "and the server is still the same")
    own.stop()


def role_is_dropped():
    db.run("CREATE ROLE faults_web; CREATE ROLE faults_gone LOGIN IN ROLE faults_web; SELECT djust_auth.grant_api('faults_web', 'anonymous')")
    gone = cluster.connect()
    gone.raw.close()
    gone = psycopg2.connect(host=cluster.host, port=cluster.port, user="faults_gone", dbname="postgres")
    gone.autocommit = True
    cursor = gone.cursor()
    cursor.execute("SET ROLE faults_web")
    db.run("DROP ROLE faults_gone")
    cursor.execute("SELECT djust_login('nobody@faults.example', %s)", (WRONG,))
    equal(error_of(cursor.fetchone()[0]), "invalid_grant", "a login fails under a session user who is gone")
    gone.close()
    db.until_written()
    equal(db.row("SELECT event, actor FROM djust_auth.audit_event ORDER BY at DESC, id DESC LIMIT 1"), ("login_failed", None), "and its event names nobody")


def event_is_refused():
    """A constraint of the administrator's refuses one event: the others, and the locks, are written."""
    db.create_user("locked@faults.example")
    db.run("ALTER TABLE djust_auth.audit_event ADD CONSTRAINT no_unknown CHECK (NOT coalesce(detail ->> 'cause', '') = 'unknown_email') NOT VALID")
    before = db.stats("audit_lost"), db.stats("login_failures")
    for address in ["unknown@faults.example"] + 11 * ["locked@faults.example"]:
        db.login(address, WRONG)
    db.until_written()
    lost, failures = db.stats("audit_lost") - before[0], db.stats("login_failures") - before[1]
    equal(lost, 1, "the event that a constraint refuses is lost")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE detail ->> 'cause' = 'wrong_password'"), failures - 1, "those beside it are there")
    ok(db.one("SELECT count(*) FROM djust_auth.throttle_lock") > 0, "and the lock is saved")
    db.run("ALTER TABLE djust_auth.audit_event DROP CONSTRAINT no_unknown")


def check_refuses_a_refresh():
    """A refresh writes its rows without a statement; an administrator's CHECK holds for them all the same."""
    user_id = db.create_user("checked@faults.example")
    caller = cluster.connect()
    token = caller.login("checked@faults.example")["refresh_token"]
    db.run("ALTER TABLE djust_auth.audit_event ADD CONSTRAINT not_this_user CHECK (event <> 'refresh' OR user_id <> %s) NOT VALID", user_id)
    fails("23514", lambda: caller.one("SELECT djust_refresh(%s)", token), "an event that a CHECK refuses stops the refresh", "not_this_user")
    db.run("ALTER TABLE djust_auth.audit_event DROP CONSTRAINT not_this_user")
    equal(error_of(caller.one("SELECT djust_refresh(%s)", token)), None, "which has not used the token up")


def columns_are_added():
    """Of names that other tables of ours have, too, and of other types."""
    db.run("ALTER TABLE djust_auth.customer_user ADD COLUMN name text, ADD COLUMN profile int, ADD COLUMN access int, ADD COLUMN user_id bigint")
    db.run("INSERT INTO djust_auth.customer_user (email, name, profile, access, user_id) VALUES ('smith@faults.example', 'John Smith', 5, 6, 7)")
    user_id = db.one("SELECT id::text FROM djust_auth.customer_user WHERE email = 'smith@faults.example'")
    db.run("SELECT djust_auth.delete_user(%s)", user_id)
    equal(db.all("SELECT detail ->> 'operation', detail -> 'changed' FROM djust_auth.audit_event"
                 " WHERE user_id = %s AND detail ->> 'table' = 'customer_user' ORDER BY at, id", user_id),
          [("INSERT", ["name", "profile", "access", "user_id"]), ("DELETE", None)],
          "the audit tells whom, and of an administrator's columns that they have a value")
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE strpos(detail::text, 'John') > 0"), 0, "which it does not tell")
    db.run("ALTER TABLE djust_auth.customer_user DROP COLUMN name, DROP COLUMN profile, DROP COLUMN access, DROP COLUMN user_id")


def profiles_are_truncated():
    db.create_user("staff@faults.example", profiles=["customer"])
    caller, admin = cluster.connect(), cluster.connect()
    caller.begin()
    token = caller.login("staff@faults.example")["access_token"]
    ok(caller.can(token), "a login under way has its rights")
    answer = later(admin.run, "TRUNCATE djust_auth.user_profile")
    until_blocked(db, admin.pid, caller.pid)
    caller.commit()
    answer.result()
    ok(not caller.can(token), "a TRUNCATE of the profiles waits for it, and takes the rights from its session")


def refresh_waits():
    """A retry that was presented in time is not late because it had to wait."""
    db.create_user("tabs@faults.example", profiles=["customer"])
    first, second = cluster.connect(), cluster.connect()
    for each in (first, second):
        each.run("SET djust_auth.refresh_reuse_grace = '1s'")
    token = first.login("tabs@faults.example")["refresh_token"]
    first.begin()
    renewed = first.refresh(token)
    answer = later(second.refresh, token)
    until_blocked(db, second.pid, first.pid)
    written = time.monotonic()
    until(lambda: time.monotonic() > written + 1.1, "the end of the grace")
    first.commit()
    equal(answer.result().get("refresh_token"), renewed["refresh_token"], "a second refresh that waited beyond the grace gets the same token")
    ok(first.can(renewed["access_token"]), "and the session lives")
    equal(error_of(second.refresh(token)), "invalid_grant", "presented after the grace it is reuse")


def row_is_held():
    """A customer whose row somebody holds keeps nobody else waiting for mail."""
    db.run("SELECT id FROM djust_auth.claim_mail(1000)")
    held, free = "held@faults.example", "free@faults.example"
    for address in (held, free):
        db.create_user(address)
        db.run("SELECT djust_reset_request(%s)", address)
    holder, mailer = cluster.connect(), cluster.connect()
    holder.begin()
    holder.run("UPDATE djust_auth.customer_user SET locale = 'de' WHERE email = %s", held)
    mailer.run("SET lock_timeout = '2s'")
    claim = "SELECT recipient FROM djust_auth.claim_mail(1) WHERE body_text ~ 'djp_'"
    equal(mailer.one(claim), free, "the mail behind that of a held row is claimed")
    equal(mailer.one(claim), None, "and there is no other yet")
    holder.commit()
    until(lambda: mailer.one(claim) == held, "the mail of who is free again")
    ok(True, "which comes when the row is free")


def times_without_end():
    """Tokens of a day, made before the setting was lowered, decide; a session's row, which somebody may have written, does not."""
    db.create_user("endless@faults.example", profiles=["customer"])
    token = db.login("endless@faults.example")["access_token"]
    db.run("UPDATE djust_auth.session SET access_expires_at = 'infinity'")
    db.run("SELECT djust_auth.rotate_signing_key()")
    retires = "SELECT verify_until BETWEEN now() + %s::interval AND now() + %s::interval + '10 minutes' FROM djust_auth.signing_key WHERE kid = %s"
    first = header_of(token)["kid"]
    ok(db.one(retires, "10 minutes", "10 minutes", first), "a key retires after the life of its tokens, whatever a session's row says")
    ok(db.one("SELECT djust_introspect(%s)", token)["active"], "and its tokens stay good")
    db.setting("access_token_lifetime", "1h")
    token = db.login("endless@faults.example")["access_token"]
    db.setting("access_token_lifetime", None)
    db.one("SELECT djust_auth.rotate_signing_key()")
    second = header_of(token)["kid"]
    ok(second != first and db.one(retires, "1 hour", "1 hour", second), "after that of the longest of them", second)


def suspend(address):
    db.setting("max_login_failures", "100")
    for _ in range(100):
        db.login(address, WRONG)
    db.setting("max_login_failures", None)
    equal(error_of(db.login(address)), "too_many_attempts", f"{address} is suspended")


def clearing_is_rolled_back():
    """Whatever clears a count, and is rolled back, has cleared nothing."""
    user_id = db.create_user("count@faults.example")
    suspend("count@faults.example")
    link = db.reset_link("count@faults.example")
    other = cluster.connect()
    for what, statement, values in (("unlock_user", "SELECT djust_auth.unlock_user(%s)", (user_id,)),
                                    ("set_password", "SELECT djust_auth.set_password(%s, %s)", (user_id, OTHER)),
                                    ("a reset", "SELECT djust_reset_confirm(%s, %s)", (link, OTHER)),
                                    ("a change of address", "SELECT djust_auth.change_email(%s, 'moved@faults.example')", (user_id,))):
        other.begin()
        other.run(statement, *values)
        other.rollback()
        equal(error_of(db.login("count@faults.example")), "too_many_attempts", f"{what} that is rolled back leaves the password suspended")
        other.begin()
        other.run("SAVEPOINT outer_one")
        other.run("SAVEPOINT inner_one")
        other.run(statement, *values)
        other.run("RELEASE inner_one")
        other.run("ROLLBACK TO outer_one")
        other.commit()
        equal(error_of(db.login("count@faults.example")), "too_many_attempts", "so does one in a savepoint that is rolled back")
    db.until_written()
    equal(db.one("SELECT count(*) FROM djust_auth.throttle_lock WHERE failures = 100"), 1, "and one lock in the table")
    equal(error_of(db.login("moved@faults.example")), "invalid_grant", "the address that was not moved to has none")
    other.begin()
    other.run("SELECT djust_auth.unlock_user(%s)", user_id)
    equal(error_of(other.login("count@faults.example")), None, "an unlocking counts within its transaction")
    other.commit()
    equal(error_of(db.login("count@faults.example")), None, "and from its commit on")


def count_goes_along():
    user_id = db.create_user("old@faults.example")
    suspend("old@faults.example")
    suspend("nobody@faults.example")
    db.run("SELECT djust_auth.change_email(%s, 'nobody@faults.example')", user_id)
    equal(error_of(db.login("nobody@faults.example")), "too_many_attempts", "an account that changes its address stays suspended")
    db.run("UPDATE djust_auth.customer_user SET email = 'new@faults.example' WHERE id = %s", user_id)
    equal(error_of(db.login("new@faults.example")), "too_many_attempts", "also by plain UPDATE")
    equal(error_of(db.login("old@faults.example")), "invalid_grant", "the address that it left is not")
    suspend("later@faults.example")
    db.create_user("later@faults.example")
    equal(error_of(db.login("later@faults.example")), None, "what was counted before an account was made is not held against it")


def triggers_are_off():
    """As a logical replication worker applies changes, or a superuser who turns triggers off."""
    user_id = db.create_user("replica@faults.example", profiles=["customer"])
    caller, applier = cluster.connect(), cluster.connect()
    token = caller.login("replica@faults.example")["access_token"]
    ok(caller.can(token), "a right is known to a backend")
    applier.run("SET session_replication_role = replica")
    applier.run("UPDATE djust_auth.profile_right SET access = 'none' WHERE profile = 'customer'")
    ok(not caller.can(token), "its change by who fires no ordinary triggers counts")
    applier.run("UPDATE djust_auth.profile_right SET access = 'read' WHERE profile = 'customer'")
    ok(caller.can(token), "and its way back")
    applier.run("DELETE FROM djust_auth.user_profile WHERE user_id = %s", user_id)
    ok(not caller.can(token), "so do changes of profiles")
    applier.run("UPDATE djust_auth.customer_user SET disabled_at = now() WHERE id = %s", user_id)
    equal(db.sessions(user_id), 0, "and disabling")


def changes_are_replicated():
    """By a real subscription, into a database that has sessions of its own."""
    publisher, subscriber = Cluster("publisher", "wal_level = logical"), Cluster("subscriber", "wal_level = logical")
    source, target = publisher.connect(), subscriber.connect()
    for each in (source, target):
        each.run("CREATE EXTENSION djust_auth")
    shop(source)
    user_id = source.create_user("ann@replica.example", profiles=["customer"])
    source.run("CREATE PUBLICATION shop FOR TABLE djust_auth.customer_user, djust_auth.profile WHERE (name <> 'anonymous'),"
               " djust_auth.user_profile, djust_auth.profile_right")
    target.run(f"CREATE SUBSCRIPTION shop CONNECTION 'host={publisher.host} port={publisher.port} user=postgres dbname=postgres' PUBLICATION shop")
    until(lambda: target.one("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel"), "the first copy of all tables")
    token = target.login("ann@replica.example")["access_token"]
    ok(target.can(token), "a replicated customer logs in, and has the rights of his profiles")
    source.run("SELECT djust_auth.set_right('customer', '/orders', 'none')")
    until(lambda: not target.can(token), "the change of a right")
    source.run("SELECT djust_auth.set_right('customer', '/orders', 'write')")
    until(lambda: target.can(token), "and its way back")
    source.run("SELECT djust_auth.remove_profile(%s, 'customer')", user_id)
    until(lambda: not target.can(token), "the profile to be taken away")
    source.run("SELECT djust_auth.disable_user(%s)", user_id)
    until(lambda: target.sessions(user_id) == 0, "the sessions to end")
    ok(True, "changes of rights, profiles and users follow in a backend that knew them before")
    target.run("DROP SUBSCRIPTION shop")
    for each in (publisher, subscriber):
        each.stop()


def address_is_forgotten():
    """A request for a reset holds an address, sealed: it goes with the user."""
    user_id = db.create_user("forgotten@faults.example")
    db.create_user("kept@faults.example")
    db.run("SELECT djust_auth.claim_mail(1000)")
    db.run("SELECT djust_reset_request('forgotten@faults.example'), djust_reset_request('kept@faults.example')")
    waiting = "SELECT count(*) FROM djust_auth.mail_queue WHERE kind = 'reset' AND attempts = 0"
    equal(db.one(waiting), 2, "two ask for a reset")
    db.run("SELECT djust_auth.delete_user(%s)", user_id)
    equal(db.one(waiting), 1, "with one of them his request goes")


def reason_is_masked():
    """A mailer that hands on the relay's words may hand on the link."""
    db.create_user("quoted@faults.example")
    db.run("SELECT djust_reset_request('quoted@faults.example')")
    mail_id, body = db.row("SELECT id, body_text FROM djust_auth.claim_mail(1000) WHERE recipient = 'quoted@faults.example'")
    secret = re.search(r"djp_[A-Za-z0-9_-]+", body).group()
    db.run("SELECT djust_auth.mail_failed(%s, %s)", mail_id, f"550 spam: token={secret}, {secret} and more")
    equal(db.one("SELECT last_error FROM djust_auth.mail_queue WHERE id = %s", mail_id), "550 spam: token=djp_***, djp_*** and more",
          "secrets are left out of the reason of a failed mail")
    equal(error_of(db.confirm(secret, "weak")), "weak_password", "they are good")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def claims_are_strange():
    """Signed by who else has the key: what the server cannot hold is a dead token, and no error."""
    db.create_user("strange@faults.example", profiles=["customer"])
    db.run("SELECT djust_auth.rotate_signing_key('HS256')")
    header, payload, _ = db.login("strange@faults.example")["access_token"].split(".")
    key = from_base64url(db.one("SELECT djust_auth.hs256_key()")["k"])
    claims = from_base64url(payload).decode("utf-8")

    def signed(text):
        message = header + "." + base64url(text.encode("utf-8"))
        return message + "." + base64url(hmac.digest(key, message.encode("ascii"), "sha256"))

    ok(db.can(signed(claims.replace('"jti"', '"x":1,"jti"'))), "a token that the other holder of the key signs is good")
    for what, text in (("exp of 10^30", re.sub(r'"exp":\d+', '"exp":' + "1" + 30 * "0", claims)), ("exp of 10^18", re.sub(r'"exp":\d+', '"exp":' + "1" + 18 * "0", claims)),
                       ("exp of 1e400", re.sub(r'"exp":\d+', '"exp":1e400', claims)), ("iat below 0", re.sub(r'"iat":\d+', '"iat":-1', claims)),
                       ("NUL", claims.replace('"jti"', '"x":"\\u0000","jti"')), ("half a pair", claims.replace('"jti"', '"x":"\\ud800","jti"')),
                       ("no JSON", claims[:-1])):
        token = signed(text)
        equal((db.can(token), db.one("SELECT djust_introspect(%s)", token), db.one("SELECT djust_sessions(%s)", token)),
              (False, {"active": False}, []), f"dead: {what}")
    db.run("SELECT djust_auth.rotate_signing_key('ES256')")


main(arenas_after_crash, role_is_dropped, event_is_refused, check_refuses_a_refresh, columns_are_added, profiles_are_truncated,
     refresh_waits, row_is_held, times_without_end, clearing_is_rolled_back, count_goes_along, triggers_are_off, changes_are_replicated,
     address_is_forgotten, reason_is_masked, claims_are_strange)
