"""Followers (doc/scaling.md): rights, keys, templates and blocklist come from one shard; a broken subscription makes the follower refuse."""

import threading
import time

import jwt

from support import PATIENCE, Cluster, equal, fails, header_of, later, main, measured, ok, program, shop, until
from support.shards import FINDINGS, FOLLOWED, blocks, run_steps

LAG_S = 6
leader = follower = source = copy = None


def make(name, *lines):
    lines = [line for line in blocks("Followers")[0].splitlines() if "max_replica_lag" not in line] + list(lines)
    cluster = Cluster(name, *lines, f"djust_auth.max_replica_lag = '{LAG_S}s'", f"djust_auth.databases = '{name}'")
    program("createdb", "-h", cluster.host, "-p", cluster.port, "-U", "postgres", name)
    db = cluster.connect(name)
    db.run("CREATE EXTENSION djust_auth")
    return cluster, db


def arrived():
    """What the leader has committed is here."""
    target = source.one("SELECT pg_current_wal_lsn()::text")
    until(lambda: source.one("SELECT bool_and(confirmed_flush_lsn >= %s::pg_lsn) FROM pg_replication_slots WHERE slot_type = 'logical'", target), "replication")


def first_subscription():
    global leader, source, follower, copy
    leader, source = make("shop0")
    shop(source)
    source.run("INSERT INTO djust_auth.password_blocklist VALUES ('Tulips-9-Bad')")
    follower, copy = make("shop1", f"djust_auth.key_file = '{leader.data}/djust_auth.key'")
    for table in ("profile_right", "user_profile"):
        copy.run(f"TRUNCATE djust_auth.{table}")
    shop(copy)
    copy.run("INSERT INTO djust_auth.profile VALUES ('only_here')")
    before = copy.create_user("before@follower.example", profiles=["customer", "only_here"])
    copy.run("INSERT INTO djust_auth.store (name) VALUES ('only_here')")
    copy.run("INSERT INTO djust_auth.user_store VALUES (%s, 'only_here')", before)
    copy.until_worker()
    copy.login("before@follower.example")
    source.raw.cursor().execute(blocks("Followers")[1])
    steps = blocks("Followers")[2].replace("host=shop0.internal", f"host={leader.host} port={leader.port}")
    run_steps(copy, steps)
    copy.close()
    copy = follower.connect("shop1")
    until(lambda: copy.one("SELECT count(*) FROM djust_auth.signing_key") == 0, "no key")
    fails("55000", lambda: copy.login("before@follower.example"), "before a key has come, a login is refused")
    source.create_user("leader@follower.example", profiles=["customer"])
    source.login("leader@follower.example")
    until(lambda: copy.all(FINDINGS) == [], "the follower to follow")
    ok("a profile that does not exist" in copy.one("SELECT string_agg(finding, ' ') FROM djust_auth.check()"), "check() tells of a profile that is not there")
    run_steps(copy, blocks("Followers")[3])
    equal(copy.one("SELECT string_agg(profile, ',') FROM djust_auth.user_profile WHERE user_id = %s", before), "customer", "customers keep their profiles")
    equal(copy.one("SELECT count(*) FROM djust_auth.user_store"), 0, "and no store view that is not there")
    equal([copy.all(f"SELECT * FROM djust_auth.{table} ORDER BY 1") for table in FOLLOWED[1:]],
          [source.all(f"SELECT * FROM djust_auth.{table} ORDER BY 1") for table in FOLLOWED[1:]], "the rows are those of the shard that is followed")
    equal(copy.can(copy.login("before@follower.example")["access_token"]), True, "and its customers use them")
    ok(copy.one("SELECT djust_auth.check_password('Tulips-9-Bad')") != [], "the blocklist, too")


def one_jwks():
    tokens = {db: db.login(email)["access_token"] for db, email in ((source, "leader@follower.example"), (copy, "before@follower.example"))}
    keys = jwt.PyJWKSet.from_dict(copy.one("SELECT djust_jwks()"))
    equal(copy.one("SELECT djust_jwks()"), source.one("SELECT djust_jwks()"), "one JWKS")
    for db, token in tokens.items():
        claims = jwt.decode(token, keys[header_of(token)["kid"]].key, ["ES256"], audience="djust_auth")
        equal(claims["sub"], db.one("SELECT djust_introspect(%s) ->> 'sub'", token), "verifies the tokens of each shard, says another library")
    equal([source.can(tokens[copy]), copy.can(tokens[source])], [False, False], "which are dead on the other one")


def refused():
    for table in FOLLOWED:
        column = copy.one("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", f"djust_auth.{table}")
        for statement in (f"INSERT INTO djust_auth.{table} SELECT * FROM djust_auth.{table}", f"UPDATE djust_auth.{table} SET {column} = {column}",
                          f"UPDATE djust_auth.{table} SET {column} = {column} WHERE false", f"DELETE FROM djust_auth.{table}",
                          f"TRUNCATE djust_auth.{table} CASCADE"):
            fails("55000", lambda sql=statement: copy.run(sql), f"refused: {statement[:40]}")
    for call in ("set_right('customer', '/x', 'read')", "create_profile('x')", "drop_profile('customer')", "rotate_signing_key()"):
        fails("55000", lambda sql=call: copy.run(f"SELECT djust_auth.{sql}"), f"refused: {call}", "follower")
    user = copy.create_user("own@follower.example")
    copy.run("SELECT djust_auth.add_profile(%s, 'customer'), djust_auth.remove_profile(%s, 'customer')", user, user)
    equal(copy.one("SELECT djust_auth.purge() ->> 'signing_key'"), "0", "customers are its own, and purging goes on")
    copy.run("SET ROLE pg_monitor")
    fails("42501", lambda: copy.run("SET djust_auth.follower = off"), "only a superuser ends it")
    copy.run("RESET ROLE")


def changes_arrive():
    token = copy.login("before@follower.example")["access_token"]
    source.run("SELECT djust_auth.set_right('customer', '/orders', 'none')")
    arrived()
    equal(copy.can(token), False, "a right that is taken away is gone here")
    source.run("SELECT djust_auth.set_right('customer', '/orders', 'read')")
    arrived()
    equal(copy.can(token), True, "one that is given is here")
    source.run("UPDATE djust_auth.profile SET name = 'buyer' WHERE name = 'customer'")
    arrived()
    equal((copy.can(token), copy.one("SELECT string_agg(DISTINCT profile, ',') FROM djust_auth.user_profile")), (True, "buyer"), "a renamed profile keeps its customers")
    source.run("SELECT djust_auth.drop_profile('buyer')")
    arrived()
    equal((copy.can(token), copy.one("SELECT count(*) FROM djust_auth.user_profile")), (False, 0), "a dropped one loses them")
    source.run("SELECT djust_auth.create_profile('buyer'), djust_auth.set_right('buyer', '/orders', 'read')")
    arrived()
    equal(copy.can(token), False, "and another one of its name has none")
    source.run("INSERT INTO djust_auth.store (name) VALUES ('fr'), ('de')")
    arrived()
    copy.run("INSERT INTO djust_auth.user_store SELECT id, 'fr' FROM djust_auth.customer_user WHERE email = 'before@follower.example'")
    view = "SELECT max(store) FROM djust_auth.user_store"
    source.run("UPDATE djust_auth.store SET name = 'fr-FR' WHERE name = 'fr'")
    arrived()
    equal(copy.one(view), "fr-FR", "a renamed store view keeps its customers")
    source.run("DELETE FROM djust_auth.store WHERE name = 'fr-FR'")
    arrived()
    equal(copy.one(view), None, "a deleted one loses them")
    source.run("UPDATE djust_auth.profile SET name = 'customer'  WHERE name = 'buyer'")
    arrived()
    copy.run("SELECT djust_auth.add_profile(id, 'customer') FROM djust_auth.customer_user")
    source.run("SELECT djust_auth.add_profile(id, 'customer') FROM djust_auth.customer_user")
    equal(copy.can(token), True, "until it is given to them")


def restored_or_accepted():
    kids = copy.all("SELECT kid FROM djust_auth.signing_key ORDER BY 1")
    copy.run("SELECT djust_auth.after_restore()")
    copy.run("UPDATE djust_auth.key_file SET check_value = '\\x00'")
    copy.run("SELECT djust_auth.accept_key_file()")
    equal(copy.all("SELECT kid FROM djust_auth.signing_key ORDER BY 1"), kids, "after_restore() and accept_key_file() leave keys to the shard that is followed")
    ok("access_token" in copy.login("before@follower.example"), "and logins go on")


def under_load():
    """Rotations and changes of other rights: no live token may be refused on either shard."""
    done, wrong, checks, kids = threading.Event(), [], [], set()

    def customer(cluster, name, email):
        db = cluster.connect(name)
        while not done.is_set():
            tokens = db.login(email)
            kids.add((name, header_of(tokens["access_token"])["kid"]))
            for _ in range(3):
                checks.append(db.can(tokens["access_token"]) and db.one("SELECT djust_introspect(%s) ->> 'active'", tokens["access_token"]) == "true")
                older, tokens = tokens, db.refresh(tokens["refresh_token"])
                checks.append(db.can(older["access_token"]) and db.can(tokens["access_token"]))
                if not checks[-1]:
                    wrong.append((name, tokens))
        db.close()

    working = [later(customer, *who) for who in ((leader, "shop0", "leader@follower.example"), (follower, "shop1", "before@follower.example")) * 2]
    for n in range(6):
        made = source.one("SELECT djust_auth.rotate_signing_key(%s)", ("ES256", "EdDSA")[n % 2])
        source.run("SELECT djust_auth.set_right('customer', %s, 'write')", f"/other/{n}")
        until(lambda kid=made: {(name, kid) for name in ("shop0", "shop1")} <= kids, "a token of the new key on both")
    arrived()
    done.set()
    for one in working:
        one.result(PATIENCE)
    ok(len(checks) > 20 and all(checks) and not wrong, f"6 rotations and changes of rights under load: none of {len(checks)} live tokens is refused", wrong)
    equal(copy.one("SELECT djust_jwks()"), source.one("SELECT djust_jwks()"), "one JWKS still")
    token = copy.login("before@follower.example")["access_token"]
    equal(copy.can(token, "/other/5", "write"), True, "and the rights are here")


def refuses_within(limit_s, token, name):
    left = time.monotonic()
    until(lambda: not copy.can(token), "the refusal")
    measured(time.monotonic() - left < limit_s + 3, name)


def broken():
    token = copy.login("before@follower.example")["access_token"]
    until(lambda: copy.can(token), "an answer")
    copy.run("ALTER SUBSCRIPTION shop1 DISABLE")
    source.run("SELECT djust_auth.set_right('customer', '/orders', 'none')")
    refuses_within(LAG_S, token, "a subscription that stands still: within the limit the follower refuses")
    equal(copy.one("SELECT djust_introspect(%s) ->> 'active'", token), "false", "introspection, too")
    ok("this follower refuses all checks: the last heartbeat" in copy.one(FINDINGS), "check() says why", copy.all(FINDINGS))
    ok(copy.one("SELECT value FROM djust_auth.stat WHERE name = 'follower_lag_seconds'") > LAG_S, "and stat how long")
    copy.run("ALTER SUBSCRIPTION shop1 ENABLE")
    until(lambda: copy.all(FINDINGS) == [], "the follower to catch up")
    equal(copy.can(token), False, "caught up, it knows what was taken away")
    source.run("SELECT djust_auth.set_right('customer', '/orders', 'read')")
    until(lambda: copy.can(token), "the right")
    source.run("ALTER PUBLICATION djust_auth DROP TABLE djust_auth.profile_right")
    copy.run("ALTER SUBSCRIPTION shop1 REFRESH PUBLICATION")
    refuses_within(LAG_S, token, "nor does it answer when the rights alone do not come")
    equal(copy.all(FINDINGS), [("table djust_auth.profile_right does not come from the shard that this one follows",)], "check() names them")
    copy.run("BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM djust_auth.profile_right; COMMIT")
    source.run("ALTER PUBLICATION djust_auth ADD TABLE djust_auth.profile_right")
    copy.run("ALTER SUBSCRIPTION shop1 REFRESH PUBLICATION")
    until(lambda: copy.can(token), "the rights")
    ok(True, "added again, they come")


def hidden():
    """What check() has to tell, for the follower cannot know: triggers that do not fire, and a publication that leaves something out."""
    triggers = "SELECT string_agg(hint, ' ') FROM djust_auth.check() WHERE finding LIKE 'trigger%%'"
    copy.run("ALTER TABLE djust_auth.profile_right DISABLE TRIGGER USER; ALTER TABLE djust_auth.profile_right ENABLE TRIGGER USER")
    hints = copy.one(triggers)
    ok("ENABLE ALWAYS TRIGGER djust_policy_changed" in hints, "a trigger that is enabled otherwise than the extension did is told", hints)
    copy.run(hints)
    equal(copy.one(triggers), None, "and the hint mends it")
    finding = "SELECT count(*) FROM djust_auth.check() WHERE finding LIKE 'publication djust_auth keeps%%'"
    for change, back in (("SET (publish = 'insert, update')", "SET (publish = 'insert, update, delete, truncate')"),
                         (f"SET TABLE djust_auth.profile_right WHERE (route <> '/x'), {', '.join('djust_auth.' + table for table in FOLLOWED if table != 'profile_right')}",
                          f"SET TABLE {', '.join('djust_auth.' + table for table in FOLLOWED)}")):
        source.run(f"ALTER PUBLICATION djust_auth {change}")
        ok(source.one(finding) > 0, f"a publication with {change[:30]} is told")
        source.run(f"ALTER PUBLICATION djust_auth {back}")
        equal(source.one(finding), 0, "and not a whole one")


def repeated():
    """The steps once more, by a session that knows that it is on a follower."""
    copy.run("DROP SUBSCRIPTION shop1")
    before = copy.all("SELECT * FROM djust_auth.user_profile ORDER BY 1, 2")
    run_steps(copy, blocks("Followers")[2].replace("host=shop0.internal", f"host={leader.host} port={leader.port}"))
    until(lambda: copy.all(FINDINGS) == [], "the follower to follow")
    equal((len(before) > 0, copy.all("SELECT * FROM djust_auth.user_profile ORDER BY 1, 2")), (True, before), "repeated, the steps take no profile from a customer")


def followed_is_gone():
    token = copy.login("before@follower.example")["access_token"]
    ok(copy.can(token), "all is well")
    leader.stop()
    refuses_within(LAG_S, token, "the shard that is followed is gone: within the limit the follower refuses")
    ok("access_token" in copy.login("before@follower.example"), "logins go on")
    copy.run("SET djust_auth.max_replica_lag = 0")
    equal(copy.can(token), True, "without a limit it would answer from what it has")
    equal(copy.one("SELECT count(*) FROM djust_auth.check() WHERE finding LIKE 'this follower answers however old%%'"), 1, "which check() warns of")
    copy.run("RESET djust_auth.max_replica_lag")
    copy.run("SET djust_auth.follower = off")
    equal(copy.can(token), True, "and one that follows no longer answers by itself")


main(first_subscription, one_jwks, refused, changes_arrive, restored_or_accepted, under_load, broken, hidden, repeated, followed_is_gone)
