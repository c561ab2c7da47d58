"""Access and erasure: export_user tells all; after delete_user and the statements of doc/erasure.md no byte of the person is in the data directory."""

import ipaddress
import json
import os
import re

from support import GOOD, OTHER, ROOT, WRONG, Cluster, equal, error_of, main, ok, until

EARLY, LATE, LAST = "quetzalcoatl.zoë@xn--bcher-kva.example", "nezahualcoyotl@erasure.example", "tezcatlipoca@erasure.example"
WANTED = "huitzilopochtli@erasure.example"
TYPED = [" Quetzalcoatl.Zoë@Bücher.example ", "QUETZALCOATL.ZOE\u0308@BÜCHER.EXAMPLE"]
AGENT = "Sphinxbrowser/77.1 (quartz)"
ADDRESS = ipaddress.ip_address("2001:db8:7391:5ea1:c0ff:ee5:8d2b:4417")
cluster = Cluster("erasure", "djust_auth.databases = 'postgres'", "djust_auth.client_address_header = 'X-Forwarded-For'", "djust_auth.max_login_failures = 2",
                  "wal_recycle = off", "wal_compression = off", "default_toast_compression = pglz", "djust_auth.purge_interval = 1s", "djust_auth.sign_up = on",
                  "djust_auth.notify_new_device = on")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
db.until_worker()
needles = {}


def as_client(agent=AGENT, address=ADDRESS):
    """Calls come from this person's browser from now on."""
    headers = {"User-Agent": agent, "X-Forwarded-For": str(address)} if agent else {}
    db.run("SELECT set_config('request.headers', %s, false)", json.dumps(headers))


def occurrences():
    """Where in the data directory a spelling of the person's data stands, by needle; one file each."""
    found = {}
    for folder, _, names in os.walk(cluster.data):
        for name in names:
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    content = file.read()
            except FileNotFoundError:  # the server runs
                continue
            small = content.lower()
            for needle, text in needles.items():
                if (small if isinstance(text, str) else content).find(text.lower().encode() if isinstance(text, str) else text) >= 0:
                    found.setdefault(needle, os.path.relpath(path, cluster.data))
    return found


def life():
    """One of everything."""
    global user, known
    db.run("SELECT djust_auth.create_profile('buyer')")
    for number in range(60):
        db.create_user(f"other{number}@erasure.example", profiles=["buyer"])
    user = db.create_user(TYPED[0], profiles=["buyer"])
    db.run("UPDATE djust_auth.customer_user SET locale = 'de' WHERE id = %s", user)
    as_client()
    db.login(TYPED[1])
    as_client(AGENT, "192.0.2.77")
    db.login(EARLY)  # another network, so a new device
    as_client()
    first = db.login(TYPED[1])
    for _ in range(20):
        db.login(EARLY)
    db.run("SELECT djust_login(%s, %s)", EARLY, WRONG)
    db.refresh(first["refresh_token"])
    db.one("SELECT djust_change_password(%s, %s, %s)", db.login(EARLY)["access_token"], GOOD, OTHER)
    link = db.reset_link(EARLY)
    mail, = db.row("SELECT max(id) FROM djust_auth.mail_queue WHERE kind = 'reset'")
    db.run("SELECT djust_auth.mail_failed(%s, %s)", mail, f"451 <{EARLY}> {TYPED[1].strip()}: try again")
    db.confirm(link, GOOD)
    db.run("SELECT djust_login(%s, %s)", LATE, WRONG)  # nobody's yet
    db.run("SELECT id FROM djust_auth.claim_mail(100)")
    db.all("SELECT djust_auth.mail_failed(id, %s) FROM djust_auth.mail_queue WHERE done_at IS NULL AND attempts > 0", f"451 <{EARLY}>")
    db.login(EARLY, GOOD)
    as_client(None)
    db.run("SELECT djust_auth.open_session(%s)", user)
    db.run("SELECT djust_auth.change_email(%s, %s)", user, LATE.upper())
    db.run("UPDATE djust_auth.customer_user SET email = CASE WHEN id = %s THEN %s ELSE 'x' || email END", user, EARLY)  # many rows
    db.run("UPDATE djust_auth.customer_user SET email = CASE WHEN id = %s THEN %s ELSE 'y' || email END WHERE id = %s OR email LIKE 'xother1%%'", user, LATE, user)
    db.run("DELETE FROM djust_auth.session WHERE ctid = (SELECT min(ctid) FROM djust_auth.session WHERE user_id = %s AND user_agent IS NOT NULL)", user)
    db.run("SELECT djust_auth.disable_user(%s)", user)
    db.run("SELECT djust_auth.enable_user(%s)", user)
    as_client()
    db.run("SELECT djust_change_email(%s, %s, %s)", db.login(LATE)["access_token"], GOOD, LAST.upper())
    body = db.one("SELECT body_text FROM djust_auth.claim_mail(1000) WHERE recipient = %s", LAST)
    equal(db.one("SELECT djust_confirm_email(%s) ->> 'status'", re.search(r"djc_[\w-]+", body).group()), "email_confirmed", "a change of address, which can be reverted")
    db.run("SELECT djust_change_email(%s, %s, %s)", db.login(LAST)["access_token"], GOOD, WANTED)
    for address in (EARLY, LAST):
        db.run("SELECT djust_sign_up(%s, %s)", address, OTHER)
    for _ in range(3):
        db.login(LAST)
    for _ in range(4):
        db.run("SELECT djust_login(%s, %s)", LAST, WRONG)
    db.run("SELECT djust_reset_request(%s)", LAST)
    as_client(None)
    db.until_written()
    db.run("ANALYZE")
    known = db.row("SELECT password_hash FROM djust_auth.customer_user WHERE id = %s", user)[0]
    needles.update({"early address": "quetzalcoatl", "late address": "nezahualcoyotl", "last address": "tezcatlipoca", "wanted address": "huitzilopochtli", "agent": AGENT, "client address": ADDRESS.packed,
                    "client address as text": str(ADDRESS), "hash": known.rsplit("$", 1)[1].encode()})
    for number, (pending,) in enumerate(db.all("SELECT password_hash FROM djust_auth.pending_email WHERE kind = 'sign_up'")):
        needles[f"hash of sign-up {number}"] = pending.rsplit("$", 1)[1].encode()
    db.run("CHECKPOINT")
    found = occurrences()
    equal((sorted(found), len(needles)), (sorted(set(needles) - {"wanted address"}), 10), "the data directory holds it all, but for a sealed address, and the search finds it")


def access():
    document = db.one("SELECT djust_auth.export_user(%s)", user)
    counts = {name: len(document[name]) for name in ("profiles", "sessions", "links", "mails", "audit")}
    for name, table in (("sessions", "session"), ("links", "reset_token")):
        equal(counts[name], db.one(f"SELECT count(*) FROM djust_auth.{table} WHERE user_id = %s", user), f"export_user: {name}")
    equal(counts["audit"], db.one("SELECT count(*) - 1 FROM djust_auth.audit_event WHERE user_id = %s OR (user_id IS NULL AND event IN ('reset_requested', 'login_failed'))", user),
          "and events, also those that name an address and no user")
    ok(min(counts[name] for name in ("profiles", "sessions", "mails", "audit")) > 0, "none of them empty", counts)
    equal((document["user"]["email"], document["user"]["locale"], document["user"]["password_scheme"]), (LAST, "de", "argon2id"), "the user")
    equal(document["failed_attempts"]["failures"], db.one("SELECT failures FROM djust_auth.throttle_lock WHERE user_id = %s", user), "the failures")
    equal({(session["user_agent"], session["client_address"]) for session in document["sessions"]}, {(AGENT, str(ADDRESS))}, "agents and addresses of sessions")
    equal([mail["kind"] for mail in document["mails"]].count("reset"), 2, "the mails that wait, also for a former address, though the addresses are sealed")
    equal(len(document["devices"]), 2, "devices")
    told = json.dumps(document)
    ok(EARLY in json.dumps(document["audit"], ensure_ascii=False), "events with a former address")
    ok(known.rsplit("$", 1)[1] not in told and not re.search(r"access_hash|token_hash|dj[rp]_|eyJ", told), "no hash, no token")
    equal(db.row("SELECT event, detail, actor FROM djust_auth.audit_event WHERE user_id = %s ORDER BY at DESC, id DESC LIMIT 1", user),
          ("administration", {"change": "exported"}, "postgres"), "an export is on record")


def statements():
    """Those of doc/erasure.md that leave no byte behind."""
    with open(os.path.join(ROOT, "doc", "erasure.md"), encoding="utf-8") as file:
        return re.search(r"^```sql\n(VACUUM \(FULL\).*?)^```$", file.read(), re.M | re.S).group(1)


def erased():
    # one by one: VACUUM runs in no transaction
    for statement in statements().split(";"):
        if statement.strip():
            db.run(statement)
    return not occurrences()


def settle(name):
    """A transaction of the worker that began before the deletion keeps dead rows: again, then."""
    try:
        until(erased, "no occurrence", 30)
    except TimeoutError:
        pass
    equal(occurrences(), {}, name)


def erasure():
    db.run("SELECT djust_auth.delete_user(%s)", user)
    for table in ("customer_user", "session", "user_profile", "reset_token", "mail_queue", "throttle_lock", "pending_email", "known_device"):
        column = "id" if table == "customer_user" else "user_id"
        equal(db.one(f"SELECT count(*) FROM djust_auth.{table} WHERE {column} = %s", user), 0, f"delete_user: no row in {table}")
    equal(db.row("SELECT (SELECT count(*) FROM djust_auth.mail_queue WHERE done_at IS NULL), (SELECT count(*) FROM djust_auth.pending_email)"), (0, 0), "no request that waits")
    ok(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE user_id = %s", user) > 0, "events stay, by id")
    db.run("SELECT djust_auth.purge()")
    settle("doc/erasure.md: no byte of the person is left in the data directory")
    equal(db.all("SELECT * FROM djust_auth.audit_verify() WHERE finding NOT LIKE 'not sealed%%'"), [], "the audit verifies")
    equal(error_of(db.login("yxother1@erasure.example")), None, "others log in")
    again = db.create_user(EARLY)
    equal(error_of(db.login(EARLY)), None, "the address is free, and not locked")
    db.run("SELECT djust_auth.delete_user(%s)", again)


def of_others():
    """Two users with one address, one after the other: events about it belong to the one who has it."""
    former = db.create_user("iris@erasure.example")
    db.run("SELECT djust_auth.change_email(%s, 'rose@erasure.example')", former)
    later = db.create_user("iris@erasure.example")
    as_client("Firefox", "192.0.2.99")
    db.run("SELECT djust_reset_request('iris@erasure.example'), djust_reset_request('rose@erasure.example')")
    as_client(None)
    db.until_written()
    requests = "SELECT count(*) FROM djust_auth.audit_event WHERE event = 'reset_requested' AND client_address = '192.0.2.99'"
    equal(db.one(requests), 2, "two requests")
    db.run("SELECT djust_auth.delete_user(%s)", former)
    equal(db.one(requests), 1, "client addresses go with the user, but for an address that somebody else has now")
    db.run("SELECT djust_auth.delete_user(%s)", later)
    equal(db.one(requests), 0, "which go with that one")


def at_rest():
    """What the server writes when it stops, too."""
    settle("the same again")
    cluster.stop("fast")
    equal(occurrences(), {}, "nor in what a server that stops writes")


main(life, access, erasure, of_others, at_rest)
