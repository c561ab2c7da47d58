"""Moving customers between shards (doc/scaling.md): all goes along, and whatever is killed on the way, the customer is on one shard."""

import os

import psycopg2

from support import PATIENCE, WRONG, Cluster, Db, equal, error_of, fails, kill, later, main, ok, shop, skip, tally, until
from support.shards import has_plproxy, route, shard

KILLS = int(os.environ.get("MOVE_KILLS", "18"))
SHARDS = (0, 1)
clusters, shards = {}, {}
router = back = None


def begin():
    """Two servers with one key file, and a router."""
    global router, back
    clusters[0] = shard(0, None, "djust_auth.databases = 'postgres'")
    clusters[1] = shard(1, clusters[0])
    for number, cluster in clusters.items():
        shards[number] = cluster.connect()
        shop(shards[number])
    router = Cluster("moves_router")
    route(router, clusters.values())
    back = router.connect()
    back.run("CREATE ROLE shop_admin LOGIN; SELECT djust_router.grant_api('shop_admin', 'mover')")


def connected():
    """To all again, after a kill."""
    for number, cluster in clusters.items():
        until(lambda at=cluster: answers(at), "the shard")
        shards[number] = cluster.connect()


def answers(cluster):
    try:
        cluster.connect().close()
        return True
    except psycopg2.Error:
        return False


def home(email):
    return back.one("SELECT djust_router.email_shard(%s, 2)", email)


def address(name, shard):
    """One of that shard."""
    return next(email for email in (f"{name}.{n}@moves.example" for n in range(1000)) if home(email) == shard)


def places(user_id):
    """On which shards the customer is, and on which they wait to arrive elsewhere."""
    return ([number for number in SHARDS if shards[number].one("SELECT count(*) FROM djust_auth.customer_user WHERE id = %s", user_id)],
            [number for number in SHARDS if shards[number].one("SELECT count(*) FROM djust_auth.leaving_user WHERE user_id = %s", user_id)])


def move(user_id, email, db=None):
    (db or back).run("SELECT djust_auth.move_user(%s, %s)", user_id, email)


def goes_along():
    old, new, same = address("ann", 0), address("ann.new", 1), address("ann.other", 0)
    user_id = shards[0].create_user(old, profiles=["customer"])
    shards[0].run("UPDATE djust_auth.customer_user SET locale = 'fr-CA', created_at = '2020-02-03 04:05:06.789012+00' WHERE id = %s", user_id)
    row = shards[0].row("SELECT password_hash, created_at, locale FROM djust_auth.customer_user WHERE id = %s", user_id)
    for db in shards.values():
        db.run("INSERT INTO djust_auth.store (name) VALUES ('fr')")
    shards[0].run("INSERT INTO djust_auth.user_store VALUES (%s, 'fr')", user_id)
    move(user_id, same)
    equal((places(user_id), error_of(back.login(same))), (([0], []), None), "to an address of the same shard the customer does not move")
    tokens = back.login(same)
    for _ in range(12):
        back.login(same, WRONG)
    equal(error_of(back.login(same)), "too_many_attempts", "a lock")
    link = shards[0].reset_link(same)
    events = shards[0].one("SELECT count(*) FROM djust_auth.audit_event WHERE user_id = %s", user_id)
    move(user_id, new.upper())
    equal(places(user_id), ([1], []), "to another shard's address they do")
    equal(shards[1].row("SELECT password_hash, created_at, locale FROM djust_auth.customer_user WHERE id = %s", user_id), row, "with hash, times and language")
    equal(shards[1].one("SELECT store FROM djust_auth.user_store WHERE user_id = %s", user_id), "fr", "and store view")
    equal(shards[1].one("SELECT email FROM djust_auth.customer_user WHERE id = %s", user_id), new, "and the new address in its normal form")
    equal(error_of(back.login(new)), "too_many_attempts", "the lock goes along")
    equal([back.can(tokens["access_token"]), error_of(back.refresh(tokens["refresh_token"])), error_of(back.confirm(link))],
          [False, "invalid_grant", "invalid_grant"], "sessions and links end")
    moved = shards[1].one("SELECT detail -> 'personal' -> 'events' FROM djust_auth.audit_event WHERE user_id = %s AND detail ->> 'change' = 'moved in'", user_id)
    ok(len(moved) >= events and {"login", "login_failed"} <= {event["event"] for event in moved}, "the audit goes along", moved)
    equal(shards[0].one("SELECT count(*) FROM djust_auth.audit_event WHERE user_id = %s AND (client_address IS NOT NULL OR detail ? 'personal')", user_id), 0,
          "and leaves no personal data behind")
    shards[1].run("SELECT djust_auth.unlock_user(%s)", user_id)
    tokens = back.login(new)
    equal((back.can(tokens["access_token"]), error_of(back.login(old)), error_of(back.login(same))), (True, "invalid_grant", "invalid_grant"),
          "unlocked, they log in with the new address alone, and have their profiles")
    for db in shards.values():
        equal(db.all("SELECT * FROM djust_auth.audit_verify()"), [], "audit_verify() finds nothing")
    shards[1].run("SELECT djust_auth.disable_user(%s)", user_id)
    move(user_id, old)
    equal((places(user_id), error_of(back.login(old))), (([0], []), "invalid_grant"), "a disabled customer comes back disabled")
    shards[0].run("SELECT djust_auth.delete_user(%s)", user_id)
    equal(shards[0].one("SELECT count(*) FROM djust_auth.audit_event WHERE detail -> 'personal' IS NOT NULL AND user_id = %s", user_id), 0,
          "deleted, they leave no personal data")


def refused():
    taken, old = address("taken", 1), address("ref", 0)
    shards[1].create_user(taken)
    user_id = shards[0].create_user(old, profiles=["customer"])
    tokens = back.login(old)
    fails("23505", lambda: move(user_id, taken), "an address that another customer has", "another customer")
    fails("23514", lambda: move(user_id, address("no one", 1)), "an invalid one")
    fails("P0002", lambda: move("00000000-0000-0000-0000-000000000000", taken), "an unknown customer", "does not exist")
    equal((places(user_id), back.can(tokens["access_token"])), (([0], []), True), "who stays, with all sessions")
    shards[0].run("SELECT djust_auth.move_out(%s, %s, 1)", user_id, taken)
    equal(places(user_id), ([], [0]), "a customer who was taken out")
    move(user_id, old)
    equal((places(user_id), error_of(back.login(old))), (([0], []), None), "for a taken address is moved back")
    equal(shards[0].one("SELECT string_agg(profile, ',') FROM djust_auth.user_profile WHERE user_id = %s", user_id), "customer", "with profiles")
    shards[0].run("SELECT djust_auth.create_profile('only_here'), djust_auth.add_profile(%s, 'only_here')", user_id)
    fails("23503", lambda: move(user_id, address("ref.new", 1)), "a profile that the other shard has not")
    equal((places(user_id), error_of(back.login(old))), (([0], []), None), "they come back, too")


def same_id():
    """A row of the customer's id is in the way: on the other shard, or where they go back."""
    old, new = address("sam", 0), address("sam.new", 1)
    user_id = shards[0].create_user(old, profiles=["customer"])
    shards[1].run("INSERT INTO djust_auth.customer_user (id, email) VALUES (%s, %s)", user_id, address("sam.other", 1))
    fails("23505", lambda: move(user_id, new), "a shard that has a customer of that id refuses", "a customer of this id is there already")
    equal((places(user_id), error_of(back.login(old))), (([0, 1], []), None), "who moves is not lost")
    _, _, move_id = taken_out(user_id, new)
    equal(shards[1].one("SELECT djust_auth.move_refuse(%s)", move_id), True, "taken out, and refused")
    shards[0].run("INSERT INTO djust_auth.customer_user (id, email) VALUES (%s, %s)", user_id, address("sam.third", 0))
    fails("23505", lambda: shards[0].run("SELECT djust_auth.move_back(%s, %s)", user_id, move_id), "nobody goes back over another one", "a customer of this id is there already")
    equal(places(user_id), ([0, 1], [0]), "they wait")
    for db in shards.values():
        db.run("DELETE FROM djust_auth.customer_user WHERE id = %s", user_id)
    back.run("SELECT djust_auth.finish_moves()")
    equal((places(user_id), error_of(back.login(old))), (([0], []), None), "until the other ones are gone")


def locked_once():
    """Who leaves is locked as a DELETE locks, before any weaker lock."""
    user_id, new = shards[0].create_user(address("lia", 0)), address("lia.new", 1)
    holder = clusters[0].connect()
    holder.begin()
    holder.run("SELECT FROM djust_auth.customer_user WHERE id = %s FOR KEY SHARE", user_id)
    moving = later(move, user_id, new, router.connect())
    until(lambda: holder.one("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted") == 1, "the move")
    holder.run("SELECT FROM djust_auth.customer_user WHERE id = %s FOR NO KEY UPDATE", user_id)
    holder.commit()
    moving.result(PATIENCE)
    equal(places(user_id), ([1], []), "a session that locks the row twice and a move do not deadlock")


def until_sealed(db):
    now = db.one("SELECT clock_timestamp()")
    until(lambda: db.one("SELECT max(sealed_at) >= %s OR NOT EXISTS (SELECT FROM djust_auth.audit_event WHERE at >= coalesce(max(sealed_at), '-infinity'))"
                         " FROM djust_auth.audit_chain", now)
          or db.run("SELECT pg_reload_conf(), pg_sleep(0.1)"), "the seal")


def verified():
    """Personal data that a move took out of sealed events are no finding when the customer comes back; later ones are."""
    user_id = shards[0].create_user(address("sue", 0))
    move(user_id, address("sue.same", 0))
    until_sealed(shards[0])
    for number in (1, 0):
        move(user_id, address("sue.moved", number))
    equal(shards[0].all("SELECT * FROM djust_auth.audit_verify()"), [], "audit_verify() finds nothing when the customer is back")
    move(user_id, address("sue.last", 0))
    until_sealed(shards[0])
    shards[0].begin()
    shards[0].run("UPDATE djust_auth.audit_event SET detail = detail - 'personal' WHERE user_id = %s AND detail -> 'personal' ? 'new'", user_id)
    equal(shards[0].all("SELECT DISTINCT finding ~ 'are gone, but the user is not' FROM djust_auth.audit_verify()"), [(True,)], "but those of events since then are missed")
    shards[0].rollback()


def offers():
    """The functions that only the router's role may call."""
    old, new = address("eve", 0), address("eve.new", 1)
    user_id = shards[0].create_user(old)
    fails("22023", lambda: shards[0].run("SELECT djust_auth.move_out(%s, %s, 0)", user_id, old), "to the shard itself")
    fails("22023", lambda: shards[0].run("SELECT djust_auth.move_out(%s, %s, 4096)", user_id, old), "to no shard")
    sealed, shard_number, move_id = taken_out(user_id, new)
    equal(shard_number, 1, "an offer for the other shard")
    ok(new.encode() not in bytes(sealed) and b"argon2" not in bytes(sealed), "is sealed")
    ok(b"argon2" not in bytes(shards[0].one("SELECT sealed FROM djust_auth.leaving_user WHERE user_id = %s", user_id)), "and so is what waits")
    shards[1].run("SET djust_auth.shard = 2")
    fails("55000", lambda: move_in(user_id, sealed), "another shard cannot open it", "another shard")
    shards[1].run("RESET djust_auth.shard")
    changed = bytearray(sealed)
    changed[-1] ^= 1
    fails("55000", lambda: move_in(user_id, changed), "nor can anybody change it")
    fails("55000", lambda: move_in("00000000-0000-4000-8000-000000000000", sealed), "or put it in as another customer")
    for size in (0, 35, 51):
        fails("55000", lambda n=size: move_in(user_id, b"x" * n), f"{size} bytes")
    equal(shards[0].one("SELECT djust_auth.move_back(%s, gen_random_uuid())", user_id), False, "nobody goes back by another move")
    equal(shards[0].one("SELECT djust_auth.move_done(%s, gen_random_uuid())", user_id), False, "or is forgotten by one")
    second = shards[0].row("SELECT * FROM djust_auth.move_offer(%s)", user_id)
    equal(second[2], move_id, "offered again, it is the same move")
    equal([move_in(user_id, offer) for offer in (sealed, second[0])], [True, True], "which can be taken up twice")
    equal(shards[1].one("SELECT count(*) FROM djust_auth.customer_user WHERE id = %s", user_id), 1, "for one customer")
    equal(shards[1].one("SELECT djust_auth.move_refuse(%s)", move_id), False, "it is not refused any more")
    shards[1].run("SELECT djust_auth.delete_user(%s)", user_id)
    equal((move_in(user_id, second[0]), places(user_id)), (True, ([], [0])), "a customer who was deleted there does not come back by it")
    equal(back.one("SELECT djust_auth.finish_moves()"), 1, "the move is finished")
    equal(places(user_id), ([], []), "and that is the end")
    equal(shards[0].row("SELECT * FROM djust_auth.move_offer(%s)", user_id), (None, None, None), "nobody is offered any more")


def refusals():
    """A move that was refused is refused for good; who waits can be sent elsewhere."""
    old, new = address("may", 0), address("may.new", 1)
    user_id = shards[0].create_user(old, profiles=["customer"])
    sealed, _, move_id = taken_out(user_id, new)
    equal([shards[1].one("SELECT djust_auth.move_refuse(%s)", move_id) for _ in range(2)], [True, True], "a move is refused")
    equal(move_in(user_id, sealed), False, "an offer of it that comes later is not taken up")
    back.run("SELECT djust_auth.finish_moves()")
    equal(places(user_id), ([0], []), "the customer goes back")
    shards[0].run("SELECT djust_auth.create_profile('short_lived'), djust_auth.add_profile(%s, 'short_lived')", user_id)
    taken_out(user_id, new)
    for db in shards.values():
        db.run("DELETE FROM djust_auth.profile WHERE name = 'short_lived'")
    back.run("SELECT djust_auth.finish_moves()")
    equal((places(user_id), shards[0].one("SELECT string_agg(profile, ',') FROM djust_auth.user_profile WHERE user_id = %s", user_id)), (([0], []), "customer"),
          "a profile that was dropped meanwhile keeps nobody on the way")
    shards[1].create_user(new)
    taken_out(user_id, new)
    shards[0].create_user(old)
    back.run("SELECT djust_auth.finish_moves()")
    equal(places(user_id), ([], [0]), "both addresses are taken meanwhile: the customer waits")
    shards[0].run("UPDATE djust_auth.leaving_user SET left_at = left_at - interval '6 minutes'")
    ok("have not arrived" in shards[0].one("SELECT string_agg(finding, ' ') FROM djust_auth.check()"), "check() tells of it")
    move(user_id, address("may.third", 1))
    equal((places(user_id), error_of(back.login(address("may.third", 1)))), (([1], []), None), "and goes on to a third one")
    shards[1].run("SELECT djust_auth.move_out(%s, %s, 0)", user_id, address("may.fourth", 0))
    move(user_id, address("may.fifth", 1))
    equal((places(user_id), error_of(back.login(address("may.fifth", 1)))), (([1], []), None), "or stays where they were, with another address")
    shards[0].run("CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    shards[0].run("CREATE TRIGGER leave_out BEFORE INSERT ON djust_auth.customer_user FOR EACH ROW EXECUTE FUNCTION leave_out()")
    fails("55000", lambda: move(user_id, address("may.sixth", 0)), "a trigger that leaves the customer out")
    shards[0].run("DROP TRIGGER leave_out ON djust_auth.customer_user")
    equal(places(user_id), ([1], []), "loses nobody")
    taken_out(shards[0].create_user(address("june", 0)), address("june.new", 1))
    shards[0].run("UPDATE djust_auth.key_file SET check_value = '\\x00'")
    fails("55000", lambda: shards[0].run("SELECT djust_auth.accept_key_file()"), "another key file is not accepted while somebody waits under this one", "left for another shard")
    shards[0].run("UPDATE djust_auth.key_file SET check_value = (SELECT %s::bytea)", psycopg2.Binary(bytes(shards[1].one("SELECT check_value FROM djust_auth.key_file"))))
    equal(back.one("SELECT djust_auth.finish_moves()"), 1, "with the known one they arrive")


def at_the_same_time():
    """Another session refuses the move and puts the customer back while it is under way."""
    user_id, new = shards[0].create_user(address("kim", 0)), address("kim.new", 1)
    holder = clusters[1].connect()
    holder.begin()
    holder.run("LOCK TABLE djust_auth.decided_move IN SHARE ROW EXCLUSIVE MODE")
    moving = later(move, user_id, new, router.connect())
    until(lambda: holder.one("SELECT count(*) FROM pg_locks WHERE relation = 'djust_auth.decided_move'::regclass AND NOT granted") == 1, "the move")
    move_id = shards[0].one("SELECT move FROM djust_auth.leaving_user WHERE user_id = %s", user_id)
    equal((holder.one("SELECT djust_auth.move_refuse(%s)", move_id), shards[0].one("SELECT djust_auth.move_back(%s, %s)", user_id, move_id)), (True, True), "the customer is put back")
    holder.commit()
    fails("40001", lambda: moving.result(PATIENCE), "the move does not say that it succeeded", "at the same time")
    equal(places(user_id), ([0], []), "they are where they were")
    move(user_id, new)
    equal(places(user_id), ([1], []), "and can be moved again")


def rolled_back():
    """The lock of an account whose move is rolled back is the account's still."""
    email = address("lea", 0)
    user_id = shards[0].create_user(email)
    for _ in range(12):
        shards[0].login(email, WRONG)
    until(lambda: shards[0].one("SELECT count(*) FROM djust_auth.throttle_lock WHERE user_id = %s", user_id) == 1, "the saved lock")
    another = clusters[0].connect()
    another.begin()
    another.run("SELECT djust_auth.move_out(%s, %s, 1)", user_id, address("lea.new", 1))
    another.rollback()
    equal(error_of(shards[0].login(email)), "too_many_attempts", "a move that is rolled back lifts no lock")
    shards[0].until_written()
    equal(shards[0].one("SELECT count(*) FROM djust_auth.throttle_lock WHERE user_id = %s AND failures >= 10", user_id), 1, "and it is that user's")


def asked_wrongly():
    user_id = shards[0].create_user(address("ida", 0))
    for values in ((None, address("ida", 1)), (user_id, None)):
        fails("22004", lambda given=values: move(*given), f"NULL in {values}", "must not be null")
    back.begin()
    back.run("SET TRANSACTION READ ONLY")
    fails("25006", lambda: move(user_id, address("ida", 1)), "in a read-only transaction")
    back.rollback()
    back.begin()
    back.run("SET TRANSACTION READ ONLY")
    fails("25006", lambda: back.run("SELECT djust_auth.finish_moves()"), "finish_moves() there")
    back.rollback()
    equal(places(user_id), ([0], []), "nothing was moved")
    admin = Db(host=router.host, port=router.port, user="shop_admin", dbname="postgres")
    move(user_id, address("ida", 1), admin)
    equal(places(user_id), ([1], []), "a role with the kind mover moves customers")
    fails("42501", lambda: admin.run("SELECT djust_router.move_out(0, %s, 'x', 1)", user_id), "by the router's function alone")
    fails("42501", lambda: admin.login("x"), "and has no other")
    stranger = Db(host=clusters[0].host, port=clusters[0].port, user="shop_router", dbname="postgres")
    for table in ("leaving_user", "customer_user", "decided_move"):
        fails("42501", lambda name=table: stranger.run(f"SELECT * FROM djust_auth.{name}"), f"the router's role does not read {table}")


def taken_out(user_id, email):
    """Offered to shard 1 by shard 0."""
    shards[0].run("SELECT djust_auth.move_out(%s, %s, 1)", user_id, email)
    return shards[0].row("SELECT * FROM djust_auth.move_offer(%s)", user_id)


def move_in(user_id, sealed):
    return shards[1].one("SELECT djust_auth.move_in(%s, %s)", user_id, psycopg2.Binary(bytes(sealed)))


def together_moved():
    """Several routers' backends move one customer at once, to and fro."""
    user_id = shards[0].create_user(address("busy", 0), profiles=["customer"])
    targets = [address(f"busy.{n}", n % 2) for n in range(4)]

    def mover(email):
        db = router.connect()
        moved = 0
        for _ in range(6):
            try:
                move(user_id, email, db)
                moved += 1
            except psycopg2.Error as error:
                refusals_seen.add(error.pgcode)
        db.close()
        return moved

    refusals_seen = set()
    moved = [one.result(PATIENCE) for one in [later(mover, email) for email in targets]]
    ok(all(moved) and refusals_seen <= {"P0002", "23505", "40001"}, "four at once move one customer to and fro", (moved, refusals_seen))
    back.run("SELECT djust_auth.finish_moves()")
    here, leaving = places(user_id)
    equal((len(here), leaving), (1, []), "moved by four at once, the customer is on one shard")
    email = shards[here[0]].one("SELECT email FROM djust_auth.customer_user WHERE id = %s", user_id)
    equal((home(email), error_of(back.login(email))), (here[0], None), "on the right one, and logs in")


# Where a move stands still while an advisory lock of this number is held: on the shard that the customer leaves, or the other one.
STEPS = (("source", "BEFORE DELETE ON djust_auth.customer_user"), ("source", "BEFORE INSERT ON djust_auth.leaving_user"),
         ("target", "BEFORE INSERT ON djust_auth.decided_move"), ("target", "AFTER INSERT ON djust_auth.customer_user"),
         ("target", "AFTER INSERT ON djust_auth.user_profile"), ("source", "BEFORE DELETE ON djust_auth.leaving_user"))


def killed():
    """A shard, or the router's backend, is killed at each step of a move in turn; then the moves are finished."""
    lost = []
    for number, db in shards.items():
        clusters[number].connect().run("ALTER DATABASE postgres SET synchronous_commit = off")
        db.run("CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS"
               " 'BEGIN PERFORM pg_advisory_xact_lock(TG_ARGV[0]::integer); IF TG_OP = ''DELETE'' THEN RETURN OLD; END IF; RETURN NEW; END'")
        for number, (_, event) in enumerate(STEPS):
            db.run(f"CREATE TRIGGER stand_still_{number} {event} FOR EACH ROW EXECUTE FUNCTION stand_still('{number}')")
    for n in range(KILLS):
        step, router_dies = n % len(STEPS), n // len(STEPS) % 3 == 2
        source = n // len(STEPS) % 2
        old, new = address(f"kill{n}", source), address(f"kill{n}.new", 1 - source)
        shards[source].run("SET synchronous_commit = on")
        user_id = shards[source].create_user(old, profiles=["customer"])
        place = source if STEPS[step][0] == "source" else 1 - source
        holder = clusters[place].connect()
        holder.run("SELECT pg_advisory_lock(%s)", step)
        moving = router.connect()
        ended = later(quietly, moving, user_id, new)
        until(lambda at=holder: at.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1, "the step")
        if router_dies:
            # its call on the shard goes on
            calling = holder.one("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            back.run("SELECT pg_terminate_backend(%s)", moving.pid)
            holder.close()
            until(lambda at=shards[place], pid=calling: at.one("SELECT count(*) FROM pg_locks WHERE pid = %s", pid) == 0, "the call on the shard to end")
        else:
            kill(*clusters[place].processes(), clusters[place].postmaster())
            clusters[place].start_again()
            connected()
        ended.result(PATIENCE)
        email = settle(user_id, old, new)
        if email is None or error_of(back.login(email)) is not None:
            lost.append((n, step, router_dies, places(user_id), email))
    equal(lost, [], f"{KILLS} kills at the steps of a move: the customer is there once, and logs in")
    tally(KILLS, len(lost))


def quietly(db, user_id, email):
    try:
        move(user_id, email, db)
    except psycopg2.Error:
        pass


def settle(user_id, old, new):
    """The address that the customer has in the end, if they are on one shard, on the right one."""
    until(finished, "the moves to be finished")
    here, leaving = places(user_id)
    if len(here) != 1 or leaving:
        return None
    email = shards[here[0]].one("SELECT email FROM djust_auth.customer_user WHERE id = %s", user_id)
    return email if email in (old, new) and home(email) == here[0] else None


def finished():
    back.run("SELECT djust_auth.finish_moves()")
    return not any(db.one("SELECT count(*) FROM djust_auth.leaving_user") for db in shards.values())


def missing():
    skip("moves", "postgresql-plproxy could not be installed")


main(*([begin, goes_along, refused, same_id, locked_once, verified, offers, refusals, at_the_same_time, rolled_back, asked_wrongly, together_moved, killed] if has_plproxy() else [missing]))
