"""
Changes of address to another shard, through a router (doc/scaling.md): the link moves the customer, the notice comes with the
change, its link brings them back, and whatever is killed on the way, they are on one shard.
"""

import json
import os
import re

import psycopg2

from support import GOOD, OTHER, PATIENCE, WRONG, Cluster, equal, error_of, fails, kill, later, main, ok, shop, skip, tally, together, until
from support.shards import has_plproxy, route, shard

SENT, CONFIRMED, REVERTED = ({"status": status} for status in ("confirmation_sent", "email_confirmed", "email_reverted"))
KILLS = int(os.environ.get("CROSSING_KILLS", "6"))
LOUD = ("log_statement = 'all'", "log_min_duration_statement = 0")
clusters, shards = {}, {}
router = back = None


def begin():
    """Two servers with one key file, and a router."""
    global router, back
    clusters[0] = shard(0, None, *LOUD)
    clusters[1] = shard(1, clusters[0], *LOUD)
    for number, cluster in clusters.items():
        shards[number] = cluster.connect()
        shop(shards[number])
    router = Cluster("crossing_router", *LOUD)
    route(router, clusters.values())
    back = router.connect()


def home(email):
    return back.one("SELECT djust_router.email_shard(%s, 2)", email)


def address(name, number):
    """One of that shard."""
    return next(email for email in (f"{name}.{n}@crossing.example" for n in range(1000)) if home(email) == number)


def places(user_id):
    """The addresses that the customer has on the shards, and the shards where they wait to arrive elsewhere."""
    return ({number: email for number, db in shards.items() for (email,) in db.all("SELECT email FROM djust_auth.customer_user WHERE id = %s", user_id)},
            [number for number, db in shards.items() if db.one("SELECT count(*) FROM djust_auth.leaving_user WHERE user_id = %s", user_id)])


def links(number, prefix):
    """Of all mails that are due on the shard, which are sent: pairs of recipient and link."""
    mails = shards[number].all("SELECT id, recipient, body_text FROM djust_auth.claim_mail(1000)")
    for mail, _, _ in mails:
        shards[number].run("SELECT djust_auth.mail_sent(%s)", mail)
    return [(recipient, re.search(prefix + r"[\w-]+", body).group()) for _, recipient, body in mails if prefix in body]


def asked(old, new, password=GOOD):
    """The link for a new address, that a customer has asked for."""
    token = back.login(old, password)["access_token"]
    equal(back.one("SELECT djust_change_email(%s, %s, %s)", token, password, new), SENT, f"{old} asks for {new}")
    return dict(links(home(old), "djc_"))[new]


def confirm(link, db=None):
    return (db or back).one("SELECT djust_confirm_email(%s)", link)


def revert(link, db=None):
    return (db or back).one("SELECT djust_revert_email(%s)", link)


def notices(user_id):
    """Waiting ones, and former addresses that can be put back, on all shards."""
    return [sum(db.one(f"SELECT count(*) FROM djust_auth.{condition}", user_id) for db in shards.values()) for condition in
            ("mail_queue WHERE user_id = %s AND kind = 'email_changed' AND done_at IS NULL AND attempts = 0", "pending_email WHERE user_id = %s AND kind = 'revert'")]


def there_and_back():
    old, new = address("ann", 0), address("ann.new", 1)
    user_id = shards[0].create_user(old, profiles=["customer"])
    other = back.login(old)["access_token"]
    token = back.login(old)["access_token"]
    equal(error_of(back.one("SELECT djust_change_email(%s, %s, %s)", token, WRONG, new)), "invalid_grant", "a wrong password")
    equal(error_of(back.one("SELECT djust_change_email(%s, %s, 'no address')", token, GOOD)), "invalid_request", "an address that is none")
    link = asked(old, new)
    equal((places(user_id), back.one("SELECT djust_router.token_shard(%s)", link)), (({0: old}, []), 0), "nothing changes before the link is followed")
    equal((error_of(revert(link)), "Confirm this address" in back.one("SELECT djust_confirm_page(%s)", link)), ("invalid_grant", True), "it puts nothing back, and looking uses nothing up")
    back.begin()
    back.run("SET TRANSACTION READ ONLY")
    fails("25006", lambda: confirm(link), "a read-only transaction", "cannot execute djust_confirm_email")
    back.rollback()
    back.begin()
    back.run("SET LOCAL request.method = 'GET'")
    fails("25006", lambda: confirm(link), "a GET")
    back.rollback()
    equal((places(user_id), back.can(token)), (({0: old}, []), True), "still, nothing has changed")
    equal(confirm(link), CONFIRMED, "the link is followed")
    equal(places(user_id), ({1: new}, []), "the customer is on the shard of the new address")
    equal([back.can(other), back.can(token), error_of(back.login(old)), error_of(back.login(new))], [False, False, "invalid_grant", None], "sessions have ended, and the new address logs in")
    equal(error_of(confirm(link)), "invalid_grant", "the link works once")
    equal(shards[1].all("SELECT detail ->> 'reverted', detail -> 'personal' FROM djust_auth.audit_event WHERE user_id = %s AND event = 'email_changed'", user_id),
          [("false", {"old": old, "new": new})], "the change is audited there")
    equal(notices(user_id), [1, 1], "one notice waits")
    equal(links(0, "djv_"), [], "not on the former shard")
    (recipient, link), = links(1, "djv_")
    equal((recipient, back.one("SELECT djust_router.token_shard(%s)", link)), (old, 1), "to the former address")
    token = back.login(new)["access_token"]
    equal(error_of(confirm(link)), "invalid_grant", "it confirms nothing")
    equal(revert(link), REVERTED, "the link of the notice is followed")
    equal((places(user_id), back.can(token)), (({0: old}, []), False), "the customer is back, without sessions")
    suspended = back.login(old)
    equal((error_of(suspended), "retry_after" in suspended, error_of(back.login(new))), ("too_many_attempts", False, "invalid_grant"), "the password is suspended")
    equal(error_of(revert(link)), "invalid_grant", "the link works once, too")
    equal(notices(user_id), [0, 0], "and nothing is left of it")
    equal(shards[0].one("SELECT detail -> 'personal' FROM djust_auth.audit_event WHERE user_id = %s AND event = 'email_changed' AND detail ->> 'reverted' = 'true'", user_id),
          {"old": new, "new": old}, "the revert is audited")
    back.run("SELECT djust_reset_request(%s)", old)
    equal(error_of(back.confirm(dict(links(0, "djp_"))[old], OTHER)), None, "a reset")
    equal((error_of(back.login(old, OTHER)), back.can(back.login(old, OTHER)["access_token"])), (None, True), "and all is as before")
    for db in shards.values():
        equal(db.all("SELECT * FROM djust_auth.audit_verify()"), [], "audit_verify() finds nothing")


def in_request(statement, link):
    """The answer of an HTTP request, its status and headers."""
    back.begin()
    back.run("SELECT set_config('request.headers', %s, true), set_config('request.method', 'POST', true)", json.dumps({"accept-language": "de"}))
    answer = (back.one(statement, link), back.one("SELECT nullif(current_setting('response.status', true), '')"), back.one("SELECT current_setting('response.headers', true)"))
    back.commit()
    return answer


def same_answers():
    """Status, headers, JSON and page are those of a change on one shard."""
    for name, confirms, reverts in (("fay", "SELECT djust_confirm_email(%s)", "SELECT djust_revert_email(%s)"),
                                    ("gus", "SELECT djust_confirm_page(%s, 'yes')", "SELECT djust_confirm_page(%s, 'yes')")):
        answers = {}
        for number in (0, 1):
            old, new = address(f"{name}{number}", 0), address(f"{name}{number}.new", number)
            shards[0].create_user(old)
            link = asked(old, new)
            answers[number] = [in_request(confirms, link), in_request(confirms, link)]
            link = dict(links(number, "djv_"))[old]
            answers[number] += [in_request(reverts, link), in_request(reverts, link)]
        equal(answers[1], answers[0], f"{confirms}: the same answers as on one shard")
        ok(("Adresse best&#228;tigt" in answers[1][0][0]) if name == "gus" else answers[1][0][0] == CONFIRMED, "which say that it is done", answers[1][0][0])


def refused():
    old, new = address("hal", 0), address("hal.new", 1)
    user_id = shards[0].create_user(old, profiles=["customer"])
    taker = shards[1].create_user(new)
    link = asked(old, new)
    token = back.login(old)["access_token"]
    equal((error_of(confirm(link)), "invalid_grant" in back.one("SELECT djust_confirm_page(%s, 'yes')", link)), ("invalid_grant", True), "a taken address")
    equal((places(user_id), back.can(token), notices(user_id)), (({0: old}, []), True, [0, 0]), "changes nothing and ends no session")
    shards[1].run("SELECT djust_auth.delete_user(%s)", taker)
    shards[0].run("SELECT djust_auth.disable_user(%s)", user_id)
    equal((error_of(confirm(link)), places(user_id)), ("invalid_grant", ({0: old}, [])), "nor does the link of a disabled customer")
    shards[0].run("SELECT djust_auth.enable_user(%s)", user_id)
    link = asked(old, address("hal.newer", 1))
    token = back.login(old)["access_token"]
    back.run("SELECT djust_change_password(%s, %s, %s)", token, GOOD, OTHER)
    equal((error_of(confirm(link)), places(user_id)), ("invalid_grant", ({0: old}, [])), "nor one that a new password has ended")
    link = asked(old, address("hal.newest", 1), OTHER)
    shards[1].run("REVOKE EXECUTE ON FUNCTION djust_auth.move_accepts FROM shop_router")
    fails("42501", lambda: confirm(link), "a router whose role moves nobody")
    equal((places(user_id), back.can(token)), (({0: old}, []), True), "changes nothing")
    shards[1].run("SELECT djust_auth.grant_api('shop_router', 'mover')")
    equal(confirm(link), CONFIRMED, "with the grant the same link does")


def taken_meanwhile():
    """Another customer takes the address, or the former one, while the move is under way."""
    old, new = address("ida", 0), address("ida.new", 1)
    user_id = shards[0].create_user(old)
    link = asked(old, new)
    holder = clusters[1].connect()
    holder.begin()
    holder.run("LOCK TABLE djust_auth.decided_move IN SHARE ROW EXCLUSIVE MODE")
    confirming = later(confirm, link, router.connect())
    until(lambda: holder.one("SELECT count(*) FROM pg_locks WHERE relation = 'djust_auth.decided_move'::regclass AND NOT granted") == 1, "the move")
    equal((error_of(confirm(link)), places(user_id)), ("invalid_grant", ({}, [0])), "a second use comes too late already")
    taker = shards[1].create_user(new)
    holder.commit()
    equal(error_of(confirming.result(PATIENCE)), "invalid_grant", "an address that is taken meanwhile")
    equal((places(user_id), notices(user_id), error_of(back.login(old))), (({0: old}, []), [0, 0], None), "the customer is put back")
    equal(shards[0].one("SELECT count(*) FROM djust_auth.audit_event WHERE user_id = %s AND event = 'email_changed'", user_id), 0, "no change is audited")
    shards[1].run("SELECT djust_auth.delete_user(%s)", taker)
    equal(error_of(confirm(link)), "invalid_grant", "the link is used up")
    confirm(asked(old, address("ida.newer", 1)))
    link = dict(links(1, "djv_"))[old]
    shards[0].run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE unique_violation; END'")
    shards[0].run("CREATE TRIGGER refuse BEFORE INSERT ON djust_auth.customer_user FOR EACH ROW EXECUTE FUNCTION refuse()")
    equal((error_of(revert(link)), places(user_id)), ("invalid_grant", ({1: address("ida.newer", 1)}, [])), "a revert that is refused moves nobody")
    shards[0].run("DROP TRIGGER refuse ON djust_auth.customer_user")
    equal((revert(link), places(user_id)), (REVERTED, ({0: old}, [])), "and its link stays good")


def at_once():
    """Many follow one link."""
    old, new = address("kim", 0), address("kim.new", 1)
    user_id = shards[0].create_user(old)
    backs = [router.connect() for _ in range(6)]
    link = asked(old, new)
    answers = together(backs, lambda db, i: confirm(link, db))
    equal(sorted(str(answer.get("status", answer.get("error"))) for answer in answers), ["email_confirmed"] + ["invalid_grant"] * 5, "six confirmations at once: one confirms")
    equal((places(user_id), notices(user_id)), (({1: new}, []), [1, 1]), "one customer, one notice")
    link = dict(links(1, "djv_"))[old]
    answers = together(backs, lambda db, i: revert(link, db))
    equal(sorted(str(answer.get("status", answer.get("error"))) for answer in answers), ["email_reverted"] + ["invalid_grant"] * 5, "six reverts at once: one reverts")
    equal(places(user_id), ({0: old}, []), "for one customer")
    for db in backs:
        db.close()


def go_along():
    """Links that would put a former address back: a thief, or an administrator, does not end them by moving the customer."""
    old, stolen, second = address("lou", 0), address("lou.stolen", 1), address("lou.second", 0)
    user_id = shards[0].create_user(old)
    confirm(asked(old, stolen))
    first = dict(links(1, "djv_"))[old]
    confirm(asked(stolen, second))
    equal((places(user_id), notices(user_id)), (({0: second}, []), [1, 2]), "a thief changes the address twice")
    later_one = dict(links(0, "djv_"))[stolen]
    equal(revert(first), REVERTED, "the owner's link, whose shard the customer has left, puts the address back")
    equal((places(user_id), error_of(revert(later_one))), (({0: old}, []), "invalid_grant"), "and ends that of the thief")
    old, same = address("mae", 0), address("mae.same", 0)
    user_id = shards[0].create_user(old)
    confirm(asked(old, same))
    for n, number in enumerate((1, 0)):
        back.run("SELECT djust_auth.move_user(%s, %s)", user_id, address(f"mae{n}", number))
        equal(notices(user_id), [1, 1], "a notice that waits goes along")
    link = dict(links(0, "djv_"))[old]
    back.run("SELECT djust_auth.move_user(%s, %s)", user_id, address("mae2", 1))
    equal(notices(user_id), [0, 1], "and so does its link, once it was sent")
    page = back.one("SELECT djust_confirm_page(%s, 'yes')", link)
    equal(("email_reverted" in page, places(user_id)), (True, ({0: old}, [])), "found on the shard that it names no more, it brings the customer back")
    old = address("nan", 0)
    user_id = shards[0].create_user(old)
    confirm(asked(old, address("nan.new", 1)))
    link = dict(links(1, "djv_"))[old]
    shards[1].run("SELECT djust_auth.move_out(%s, %s, 0)", user_id, address("nan.out", 0))
    shards[0].create_user(address("nan.out", 0))
    back.run("SELECT djust_auth.finish_moves()")
    equal((list(places(user_id)[0]), notices(user_id)), ([1], [0, 1]), "a customer who is put back")
    equal((revert(link), places(user_id)), (REVERTED, ({0: old}, [])), "has it still")


def to_and_fro():
    """A link that has returned, and was used up: no two shards send each other after it."""
    old = address("rae", 0)
    user_id = shards[0].create_user(old)
    confirm(asked(old, address("rae.new", 1)))
    link = dict(links(1, "djv_"))[old]
    for number in (0, 1):
        back.run("SELECT djust_auth.move_user(%s, %s)", user_id, address("rae.moved", number))
    equal((revert(link), places(user_id)), (REVERTED, ({0: old}, [])), "a link that has returned puts the address back")
    equal([db.one("SELECT shard FROM djust_auth.link_target(%s)", link) for db in shards.values()], [1, None], "used up, it is found nowhere else")
    shards[1].run("UPDATE djust_auth.email_link SET shard = 0 WHERE shard IS NULL")
    router.connect().run("CREATE DATABASE wide")
    route(router, [clusters[0], clusters[1]] * 8, "wide")
    wide = router.connect("wide")
    before = asked_for_targets()
    equal((error_of(revert(link, wide)), asked_for_targets() - before), ("invalid_grant", 2), "a router asks no shard twice, if they do all the same")
    shards[1].run("UPDATE djust_auth.email_link SET shard = NULL WHERE shard = 0")


def asked_for_targets():
    return sum(len(re.findall(r"LOG:  execute [^\n]*link_target", cluster.log())) for cluster in clusters.values())


def same_id():
    """A row of the customer's id is on the other shard."""
    old, new = address("tom", 0), address("tom.new", 1)
    user_id = shards[0].create_user(old)
    other = address("tom.other", 1)
    shards[1].run("INSERT INTO djust_auth.customer_user (id, email) VALUES (%s, %s)", user_id, other)
    equal(error_of(confirm(asked(old, new))), "invalid_grant", "a shard that has a customer of that id")
    equal((places(user_id), error_of(back.login(old))), (({0: old, 1: other}, []), None), "changes nothing")
    shards[1].run("DELETE FROM djust_auth.customer_user WHERE id = %s", user_id)


def locked_once():
    """Who leaves by a link is locked as a DELETE locks, before any weaker lock."""
    old, new = address("una", 0), address("una.new", 1)
    user_id = shards[0].create_user(old)
    link = asked(old, new)
    holder = clusters[0].connect()
    holder.begin()
    holder.run("SELECT FROM djust_auth.customer_user WHERE id = %s FOR KEY SHARE", user_id)
    confirming = later(confirm, link, router.connect())
    until(lambda: holder.one("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted") == 1, "the move")
    holder.run("SELECT FROM djust_auth.customer_user WHERE id = %s FOR NO KEY UPDATE", user_id)
    holder.commit()
    equal((confirming.result(PATIENCE), places(user_id)), (CONFIRMED, ({1: new}, [])), "a session that locks the row twice and a link do not deadlock")


def sent_elsewhere():
    """An administrator gives a customer whom a link has taken out yet another address."""
    old, third = address("pia", 0), address("pia.third", 0)
    user_id = shards[0].create_user(old)
    link = asked(old, address("pia.new", 1))
    equal([str(shards[0].one("SELECT djust_auth.move_by_link(%s, 1)", link)) for _ in range(2)], [str(user_id), "None"], "a link takes its customer out once")
    back.run("SELECT djust_auth.move_user(%s, %s)", user_id, third)
    equal((places(user_id), notices(user_id)), (({0: third}, []), [1, 1]), "the former address is told of the change all the same")
    equal((revert(dict(links(0, "djv_"))[old]), places(user_id)), (REVERTED, ({0: old}, [])), "and can be put back")


# Where the move stands still while an advisory lock of this number is held: on the shard that the customer leaves, or the other one.
STEPS = ((0, "BEFORE DELETE ON djust_auth.customer_user"), (0, "BEFORE INSERT ON djust_auth.leaving_user"), (1, "BEFORE INSERT ON djust_auth.decided_move"),
         (1, "AFTER INSERT ON djust_auth.customer_user"), (1, "AFTER INSERT ON djust_auth.pending_email"), (0, "BEFORE DELETE ON djust_auth.leaving_user"))


def killed():
    """A shard, or the router's backend, is killed at each step in turn; then the moves are finished."""
    wrong = []
    for number, db in shards.items():
        db.run("CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS"
               " 'BEGIN PERFORM pg_advisory_xact_lock(TG_ARGV[0]::integer); IF TG_OP = ''DELETE'' THEN RETURN OLD; END IF; RETURN NEW; END'")
        for step, (place, event) in enumerate(STEPS):
            if place == number:
                db.run(f"CREATE TRIGGER stand_still_{step} {event} FOR EACH ROW EXECUTE FUNCTION stand_still('{step}')")
    for n in range(KILLS):
        step, router_dies = n % len(STEPS), (n + n // len(STEPS)) % 2 == 1
        place = STEPS[step][0]
        old, new = address(f"kill{n}", 0), address(f"kill{n}.new", 1)
        user_id = shards[0].create_user(old, profiles=["customer"])
        link = asked(old, new)
        holder = clusters[place].connect()
        holder.run("SELECT pg_advisory_lock(%s)", step)
        calling = router.connect()
        ended = later(quietly, confirm, link, calling)
        until(lambda at=holder: at.one("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1, "the step")
        if router_dies:
            # its call on the shard goes on
            pid = holder.one("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            back.run("SELECT pg_terminate_backend(%s)", calling.pid)
            holder.close()
            until(lambda at=shards[place], pid=pid: at.one("SELECT count(*) FROM pg_locks WHERE pid = %s", pid) == 0, "the call on the shard to end")
        else:
            kill(*clusters[place].processes(), clusters[place].postmaster())
            clusters[place].start_again()
            until(lambda at=clusters[place]: answers(at), "the shard")
            shards[place] = clusters[place].connect()
        ended.result(PATIENCE)
        until(finished, "the moves to be finished")
        here, waiting = places(user_id)
        changed = here == {1: new}
        if not (changed or here == {0: old}) or waiting or notices(user_id) != [int(changed)] * 2 or error_of(back.login(new if changed else old)) is not None:
            wrong.append((n, step, router_dies, here, waiting, notices(user_id)))
    equal(wrong, [], f"{KILLS} kills at the steps: the customer is there once, with the new address and one notice, or with the former one and none")
    tally(KILLS, len(wrong))


def logs():
    for cluster in (*clusters.values(), router):
        text = cluster.log()
        equal(("(***" in text, re.findall(r"dj[cv]_[\w-]{20,}", text)), (True, []), "no link is in a log")


def quietly(function, *values):
    try:
        function(*values)
    except psycopg2.Error:
        pass


def answers(cluster):
    try:
        cluster.connect().close()
        return True
    except psycopg2.Error:
        return False


def finished():
    quietly(back.run, "SELECT djust_auth.finish_moves()")
    return not any(db.one("SELECT count(*) FROM djust_auth.leaving_user") for db in shards.values())


def missing():
    skip("changes of address to another shard", "postgresql-plproxy could not be installed")


main(*([begin, there_and_back, same_answers, refused, taken_meanwhile, at_once, go_along, to_and_fro, same_id, locked_once, sent_elsewhere, killed, logs] if has_plproxy() else [missing]))
