"""Moving customers between shards (doc/scaling.md): all goes along, and whatever is killed on the way, the customer is on one shard."""

import os
import threading

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
    clusters[0] = shard(0, None)
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
    equal(shards[1].one("SELECT email FROM djust_auth.customer_user WHERE id = %s", user_id), new, "and the new address in its normal form")
    equal(error_of(back.login(new)), "too_many_attempts", "the lock goes along")
    equal([back.can(tokens["access_token"]), error_of(back.refresh(tokens["refresh_token"])), error_of(back.confirm(link))],
          [False, "invalid_grant", "invalid_grant"], "sessions and links end")
    moved = shards[1].one("SELECT detail -> 'personal' -> 'events' FROM djust_auth.audit_event WHERE user_id = %s AND detail ->> 'change' = 'moved in'", user_id)
    ok(len(moved) >= events and {"login", "login_failed", "throttled"} <= {event["event"] for event in moved}, "the audit goes along", moved)
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
    fails("23505", lambda: move(user_id, old), "for an address that was taken meanwhile")
    equal((places(user_id), error_of(back.login(old))), (([0], []), None), "comes back")
    equal(shards[0].one("SELECT string_agg(profile, ',') FROM djust_auth.user_profile WHERE user_id = %s", user_id), "customer", "with profiles")
    shards[0].run("SELECT djust_auth.create_profile('only_here'), djust_auth.add_profile(%s, 'only_here')", user_id)
    fails("23503", lambda: move(user_id, address("ref.new", 1)), "a profile that the other shard has not")
    equal((places(user_id), error_of(back.login(old))), (([0], []), None), "they come back, too")


def offers():
    """The functions that only the router's role may call."""
    old, new = address("eve", 0), address("eve.new", 1)
    user_id = shards[0].create_user(old)
    fails("22023", lambda: shards[0].run("SELECT djust_auth.move_out(%s, %s, 0)", user_id, old), "to the shard itself")
    fails("22023", lambda: shards[0].run("SELECT djust_auth.move_out(%s, %s, 4096)", user_id, old), "to no shard")
    shards[0].run("SELECT djust_auth.move_out(%s, %s, 1)", user_id, new)
    sealed, shard, number = shards[0].row("SELECT * FROM djust_auth.move_offer(%s)", user_id)
    equal((shard, number), (1, 1), "an offer for the other shard, the first")
    ok(new.encode() not in bytes(sealed) and b"argon2" not in bytes(sealed), "is sealed")
    ok(b"argon2" not in bytes(shards[0].one("SELECT sealed FROM djust_auth.leaving_user WHERE user_id = %s", user_id)), "and so is what waits")
    for statement, what in (("SET djust_auth.shard = 2", "another shard"), ("RESET djust_auth.shard", None)):
        shards[1].run(statement)
        if what:
            fails("55000", lambda: shards[1].run("SELECT djust_auth.move_in(%s, %s)", user_id, sealed), f"{what} cannot open it", "another shard")
    broken = bytes(sealed[:-1]) + bytes([sealed[-1][0] ^ 1 if isinstance(sealed[-1], bytes) else sealed[-1] ^ 1])
    fails("55000", lambda: shards[1].run("SELECT djust_auth.move_in(%s, %s)", user_id, psycopg2.Binary(broken)), "nor can anybody change it")
    fails("55000", lambda: shards[1].run("SELECT djust_auth.move_in(gen_random_uuid(), %s)", sealed), "or put it in as another customer")
    for short in (b"", b"x" * 35):
        fails("55000", lambda value=short: shards[1].run("SELECT djust_auth.move_in(%s, %s)", user_id, psycopg2.Binary(value)), f"{len(short)} bytes")
    second = shards[0].row("SELECT * FROM djust_auth.move_offer(%s)", user_id)
    equal(shards[0].one("SELECT djust_auth.move_back(%s, 1)", user_id), False, "who was offered again does not go back for a former refusal")
    equal([shards[1].one("SELECT djust_auth.move_in(%s, %s)", user_id, offer) for offer in (sealed, second[0])], [True, False], "one of two offers is taken up")
    equal([shards[0].one("SELECT djust_auth.move_done(%s)", user_id) for _ in range(2)], [True, False], "and that is the end")
    equal((places(user_id), error_of(back.login(new))), (([1], []), None), "the customer is there once")
    equal(shards[0].row("SELECT * FROM djust_auth.move_offer(%s)", user_id), (None, None, None), "and offered no more")
    admin = Db(host=router.host, port=router.port, user="shop_admin", dbname="postgres")
    move(user_id, old, admin)
    equal(places(user_id), ([0], []), "a role with the kind mover moves customers")
    fails("42501", lambda: admin.run("SELECT djust_router.move_out(0, %s, %s, 1)", user_id, new), "by the router's function alone")
    fails("42501", lambda: admin.login(old), "and has no other")
    stranger = Db(host=clusters[0].host, port=clusters[0].port, user="shop_router", dbname="postgres")
    for table in ("leaving_user", "customer_user"):
        fails("42501", lambda name=table: stranger.run(f"SELECT * FROM djust_auth.{name}"), f"the router's role does not read {table}")


def together_moved():
    """Several routers' backends move one customer at once, to and fro."""
    user_id = shards[0].create_user(address("busy", 0), profiles=["customer"])
    targets = [address(f"busy.{n}", n % 2) for n in range(4)]

    def mover(email):
        db = router.connect()
        for _ in range(6):
            try:
                move(user_id, email, db)
            except psycopg2.Error:
                continue
        db.close()

    threads = [threading.Thread(target=mover, args=(email,)) for email in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    back.run("SELECT djust_auth.finish_moves()")
    here, leaving = places(user_id)
    equal((len(here), leaving), (1, []), "moved by four at once, the customer is on one shard")
    email = shards[here[0]].one("SELECT email FROM djust_auth.customer_user WHERE id = %s", user_id)
    equal((home(email), error_of(back.login(email))), (here[0], None), "on the right one, and logs in")


# Where a move stands still while an advisory lock of this number is held: on the shard that the customer leaves, or the other one.
STEPS = (("source", "BEFORE DELETE ON djust_auth.customer_user"), ("source", "BEFORE INSERT ON djust_auth.leaving_user"),
         ("source", "BEFORE UPDATE ON djust_auth.leaving_user"), ("target", "AFTER INSERT ON djust_auth.customer_user"),
         ("target", "AFTER INSERT ON djust_auth.user_profile"), ("source", "BEFORE DELETE ON djust_auth.leaving_user"))


def killed():
    """A shard, or the router's backend, is killed at each step of a move in turn; then the moves are finished."""
    lost = []
    for db in shards.values():
        db.run("CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS"
               " 'BEGIN PERFORM pg_advisory_xact_lock(TG_ARGV[0]::integer); IF TG_OP = ''DELETE'' THEN RETURN OLD; END IF; RETURN NEW; END'")
        for number, (_, event) in enumerate(STEPS):
            db.run(f"CREATE TRIGGER stand_still_{number} {event} FOR EACH ROW EXECUTE FUNCTION stand_still('{number}')")
    for n in range(KILLS):
        step, router_dies = n % len(STEPS), n // len(STEPS) % 3 == 2
        source = n // len(STEPS) % 2
        old, new = address(f"kill{n}", source), address(f"kill{n}.new", 1 - source)
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


main(*([begin, goes_along, refused, offers, together_moved, killed] if has_plproxy() else [missing]))
