"""
Attacks by name, those that no other program tries: each function is one attack.

The attacker has what the attack needs and no more: tokens and links of accounts, an SQL connection of a role that grant_api has given
one kind of access, or, for forged tokens, the secret of the HS256 key.
"""

import base64
import collections
import contextlib
import hmac
import json
import os
import re
import string

import psycopg2
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import get_default_algorithms

from support import (GOOD, OTHER, WRONG, Cluster, Db, claims_of, equal, error_of, fails, from_base64url, header_of, later, main, measured, note, ok, shop, together,
                     until, until_blocked)

ALPHABET = string.ascii_letters + string.digits + "-_"
STATEMENTS = "shared_preload_libraries = 'djust_auth, pg_stat_statements'"

cluster = Cluster("attacks", STATEMENTS, "pg_stat_statements.track = all", "djust_auth.databases = 'served'", "djust_auth.max_login_failures = 100",
                  "listen_addresses = '127.0.0.1'", "autovacuum = off")
with open(os.path.join(cluster.data, "pg_hba.conf"), "a", encoding="ascii") as hba:
    hba.write("host all all 127.0.0.1/32 trust\n")


def database(name):
    """A database with the extension and a profile."""
    if name != "postgres":
        cluster.connect().run(f"CREATE DATABASE {name}")
    made = cluster.connect(name)
    made.run("CREATE EXTENSION djust_auth; CREATE EXTENSION pg_stat_statements")
    shop(made)
    return made


db = database("postgres")
cluster.ctl("reload")
for role in ("anonymous", "customer", "backend", "dba"):
    db.run(f"CREATE ROLE {role} LOGIN; SELECT djust_auth.grant_api('{role}', '{role}')")


def connect(user, dbname="postgres", **options):
    """Of a role over TCP, so that it has an address."""
    return Db(**{"host": "127.0.0.1", "port": cluster.port, "user": user, "dbname": dbname, **options})


def attempt(function, *values):
    """The answer, or the SQLSTATE."""
    try:
        return function(*values)
    except psycopg2.Error as error:
        return error.pgcode


def person(name, password=GOOD):
    """A new customer and the tokens of a session that has been refreshed: the first access token is known by its signature only."""
    email = f"{name}@attacks.example"
    user_id = db.create_user(email, password, ["customer"])
    first = db.login(email, password)
    return email, user_id, first, db.refresh(first["refresh_token"])


# Access tokens

# What each function answers to a dead token
DEAD = {
    "SELECT djust_can(%s, '/orders', 'read')": False,
    "SELECT djust_introspect(%s)": {"active": False},
    "SELECT djust_introspect(%s, 'refresh_token')": {"active": False},
    "SELECT djust_sessions(%s)": [],
    "SELECT djust_end_session(%s)": 0,
    "SELECT djust_logout(%s)": False,
    f"SELECT djust_change_password(%s, '{GOOD}', '{OTHER}') ->> 'error'": "invalid_grant",
    "SELECT djust_refresh(%s) ->> 'error'": "invalid_grant",
    f"SELECT djust_reset_confirm(%s, '{OTHER}') ->> 'error'": "invalid_grant",
    "SELECT djust_request_user() FROM (SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || %s)::text, false) OFFSET 0) s": None,
}


def taken(token):
    """The functions that do not take this token for a dead one."""
    return [sql for sql, answer in DEAD.items() if attempt(db.one, sql, token) != answer]


def all_dead(tokens, live, name):
    """None of these tokens passes, and what they were made from is as it was."""
    passed = {what: functions for what, token in tokens.items() if (functions := taken(token))}
    equal(passed, {}, f"{name}: {len(tokens)} tokens are dead to all of {len(DEAD)} functions")
    ok(db.can(live), f"{name}: while the one they were made from lives")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def sign(secret, header, payload):
    message = base64url(header.encode("utf-8")) + "." + base64url(payload.encode("utf-8"))
    return message + "." + base64url(hmac.digest(secret, message.encode("ascii"), "sha256"))


class Holder:
    """Has the secret of the HS256 key and a session of its own."""

    def __init__(self, name):
        self.other_kid = header_of(db.login(person(name)[0])["access_token"])["kid"]
        db.run("SELECT djust_auth.rotate_signing_key('HS256')")
        self.secret = from_base64url(db.one("SELECT djust_auth.hs256_key() ->> 'k'"))
        self.email, self.user_id, _, tokens = person(name + "2")
        self.token = tokens["access_token"]
        self.kid = header_of(self.token)["kid"]
        self.header, self.claims = (from_base64url(part).decode("utf-8") for part in self.token.split(".")[:2])

    def signed(self, header=None, claims=None):
        return sign(self.secret, header or self.header, claims or self.claims)


def headers_signed_with_our_key():
    """Every trick with a header, under a good signature: only the header that the key pins passes."""
    holder = Holder("headers")
    header, kid = holder.header, holder.kid
    equal(header, f'{{"typ":"at+jwt","alg":"HS256","kid":"{kid}"}}', "the one header")
    ok(db.can(holder.signed()), "under which a token that somebody else signs with the key passes")
    tricks = {f"alg {alg}": header.replace("HS256", alg) for alg in ("none", "None", "", "HS384", "HS512", "ES256", "RS256", "EdDSA", "hs256", "HS256 ")}
    tricks |= {f"kid {name}": header.replace(kid, other) for name, other in (
        ("of another key", holder.other_kid), ("empty", ""), ("of a file", "../../../../dev/null"), ("of a statement", "x' UNION SELECT 'secret"),
        ("in capitals", kid.upper()), ("with a NUL", kid + "\\u0000"), ("padded", kid + "=="))}
    tricks |= {f"typ {typ}": header.replace("at+jwt", typ) for typ in ("JWT", "jwt", "AT+JWT", "application/at+jwt", "logout+jwt", "")}
    tricks |= {f"and {name}": header[:-1] + f',"{name}":{value}}}' for name, value in (
        ("jku", '"https://attacker.example/jwks.json"'), ("x5u", '"https://attacker.example/cert.pem"'), ("crit", '["exp"]'), ("crit", "[]"), ("b64", "false"),
        ("jwk", json.dumps({"kty": "oct", "k": base64url(holder.secret)})), ("zip", '"DEF"'), ("alg", '"HS256"'), ("alg", '"none"'), ("kid", f'"{kid}"'), ("x", "[" * 500 + "]" * 500))}
    tricks |= {"no typ": header.replace('"typ":"at+jwt",', ""), "no kid": re.sub(',"kid":".*"', "", header), "a list": f"[{header}]", "none": "{}", "a blank": header + " ",
               "another order": f'{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}', "alg first none": '{"alg":"none",' + header[1:], "escaped": header.replace('"alg"', '"\\u0061lg"')}
    tokens = {name: holder.signed(header=text) for name, text in tricks.items()}
    tokens |= {name + ", no signature": token.rsplit(".", 1)[0] + "." for name, token in tokens.items()}
    tokens["the right header, no signature"] = holder.token.rsplit(".", 1)[0] + "."
    all_dead(tokens, holder.token, "headers")


def published_key_as_secret():
    """Confusion of algorithms: the public key, which everybody has, as the secret of an HMAC."""
    for alg in ("ES256", "RS256", "EdDSA"):
        db.run("SELECT djust_auth.rotate_signing_key(%s)", alg)
        live = person(f"confused.{alg.lower()}")[3]["access_token"]
        kid = header_of(live)["kid"]
        header, claims = (from_base64url(part).decode("utf-8") for part in live.split(".")[:2])
        jwk = next(key for key in db.one("SELECT djust_jwks()")["keys"] if key["kid"] == kid)
        public = get_default_algorithms()[alg].from_jwk(json.dumps(jwk))
        secrets = [json.dumps(jwk), json.dumps(jwk, separators=(",", ":")), *jwk.values()]
        secrets = [secret.encode("ascii") for secret in secrets] + [from_base64url(jwk[name]) for name in ("x", "y", "n", "e") if name in jwk] + [b"", bytes(32)]
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
            pem = public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
            secrets += [pem, pem.strip()]
        all_dead({f"{text} {number}": sign(secret, text, claims) for number, secret in enumerate(secrets) for text in (header, header.replace(alg, "HS256"))},
                 live, f"the public key of {alg} as a secret")


def payloads_signed_with_our_key():
    """What another holder of the key may sign: members twice, of other types, nested, huge, in another order."""
    holder = Holder("payloads")
    claims, now = holder.claims, claims_of(holder.token)
    eve = person("payloads.eve")
    sid, exp, iat = (f'"{name}":{json.dumps(now[name])}' for name in ("sid", "exp", "iat"))
    past = f'"exp":{now["iat"] - 1}'

    def nested(depth, end=True):
        return claims.replace('"jti"', '"x":' + "[" * depth + "]" * (depth if end else 0) + ',"jti"')

    dead = {
        "exp twice, the last one past": claims[:-1] + f",{past}}}", "exp as text": claims.replace(exp, exp.replace(":", ':"') + '"'), "exp null": claims.replace(exp, '"exp":null'),
        "exp a list": claims.replace(exp, f'"exp":[{now["exp"]}]'), "no exp": claims.replace(exp + ",", ""), "no iat": claims.replace(iat + ",", ""),
        "iat tomorrow": claims.replace(iat, f'"iat":{now["iat"] + 86400}'), "iss twice": claims[:-1] + ',"iss":"attacker"}', "iss of another": claims.replace('"iss":"', '"iss":"x'),
        "aud a list": claims.replace('"aud":"djust_auth"', '"aud":["djust_auth"]'), "aud of another": claims.replace('"aud":"', '"aud":"x'),
        "sid not first": claims.replace(sid + ",", "")[:-1] + f",{sid}}}", "no sid": claims.replace(sid + ",", ""),
        "sid of no session": claims.replace(now["sid"], "00000000-0000-7000-8000-000000000000"), "a list": f"[{claims}]", "text": json.dumps(claims), "behind a mark": "\ufeff" + claims,
        "more behind": claims + "{}", "open brackets": nested(2500, False), "not closed": claims[:-1], "a number without end": claims.replace(exp, '"exp":' + "9" * 3000),
        "exp 1e131071": claims.replace(exp, '"exp":1e131071'), "NUL": claims.replace('"jti"', '"x":"\\u0000","jti"'),
    }
    tokens = {name: holder.signed(claims=text) for name, text in dead.items()}
    message = base64url(holder.header.encode("ascii")) + "." + base64url(claims.encode("ascii").replace(b'"jti"', b'"x":"\xff","jti"'))
    tokens |= {"bytes that are no text": message + "." + base64url(hmac.digest(holder.secret, message.encode("ascii"), "sha256")),
               "8 kB": holder.signed(claims=nested(4000)), "8 MB": holder.signed(claims=nested(3000000))}
    all_dead(tokens, holder.token, "payloads")
    equal([db.can(holder.signed(claims=text)) for text in (nested(2500), claims.replace(exp, past)[:-1] + f",{exp}}}")], [True, True],
          "2,500 brackets that are closed are looked through; of two members the last counts")
    stolen = holder.signed(claims=claims[:-1] + f',"sid":"{claims_of(eve[3]["access_token"])["sid"]}","sub":"{eve[1]}"}}')
    equal([db.one("SELECT djust_introspect(%s) ->> 'sub'", stolen), db.one("SELECT djust_end_session(%s)", stolen), db.logout(stolen), db.can(eve[3]["access_token"])],
          [holder.user_id, 0, True, True], "a second sid and sub lead nowhere: the session is that of the first, and ends, not the other")


def spare_bits():
    """The last character of an encoding has bits that encode nothing: each secret has one spelling, and another one ends nothing."""
    for alg in ("ES256", "HS256", "RS256", "EdDSA"):
        db.run("SELECT djust_auth.rotate_signing_key(%s)", alg)
        _, _, first, second = person(f"bits.{alg.lower()}")
        for name, token in (("by its signature", first["access_token"]), ("by its hash", second["access_token"])):
            equal([c for c in ALPHABET if db.can(token[:-1] + c)], [token[-1]], f"{alg}, known {name}: one last character passes")
    email, _, _, tokens = person("bits")
    refresh, link = tokens["refresh_token"], db.reset_link(email)
    others = [refresh[:-1] + c for c in ALPHABET if c != refresh[-1]]
    equal([answer for other in others for answer in (error_of(db.refresh(other)), db.logout(other)) if answer not in ("invalid_grant", False)], [], "a refresh token: no other does")
    equal({error_of(db.confirm(link[:-1] + c)) for c in ALPHABET if c != link[-1]}, {"invalid_grant"}, "a link: no other does")
    equal([error_of(db.refresh(refresh)), error_of(db.confirm(link))], [None, None], "and both are still good")


# Refresh tokens


def forged_refresh():
    """Parts of good refresh tokens put together in another way: no session goes on, and none ends."""
    (_, _, _, ann), (_, _, _, eve) = person("forged.ann"), person("forged.eve")
    ann2 = db.refresh(ann["refresh_token"])
    raw, old, foreign = (from_base64url(tokens["refresh_token"][4:]) for tokens in (ann2, ann, eve))
    sid, generation, mac = raw[:16], int.from_bytes(raw[16:20], "big"), raw[20:]
    equal((len(raw), generation), (52, 2), "a refresh token is session, generation and MAC")
    forged = {f"generation {n}": sid + (n % 2 ** 32).to_bytes(4, "big") + mac for n in (0, 1, 3, -1, 2 ** 31)}
    forged |= {"another session's MAC": raw[:20] + foreign[20:], "into another session": foreign[:16] + raw[16:], "another session's id before its own MAC": foreign[:16] + raw[16:20] + foreign[20:],
               "an older generation's MAC": raw[:20] + old[20:], "an older generation with this MAC": old[:20] + mac, "no MAC": raw[:20] + bytes(32), "a MAC of ones": raw[:20] + b"\xff" * 32,
               "one bit of the MAC": raw[:51] + bytes([raw[51] ^ 1]), "one bit of the session": bytes([raw[0] ^ 1]) + raw[1:]}
    passed = {name: data for name, data in forged.items() if taken("djr_" + base64url(data))}
    equal(passed, {}, f"{len(forged)} forged tokens are dead to every function")
    equal([db.can(ann2["access_token"]), db.can(eve["access_token"]), error_of(db.refresh(ann2["refresh_token"])), error_of(db.refresh(eve["refresh_token"]))],
          [True, True, None, None], "and both sessions go on: a forged token is no reuse")


# Links


CHANGES = {
    "djust_change_password": lambda email, user_id: db.one("SELECT djust_change_password(%s, %s, %s)", db.login(email)["access_token"], GOOD, OTHER),
    "djust_reset_confirm of a newer one": lambda email, user_id: db.confirm(db.reset_link(email)),
    "set_password": lambda email, user_id: db.run("SELECT djust_auth.set_password(%s, %s)", user_id, OTHER),
    "change_email": lambda email, user_id: db.run("SELECT djust_auth.change_email(%s, 'moved.' || %s)", user_id, email),
    "disable_user and enable_user": lambda email, user_id: db.run("SELECT djust_auth.disable_user(%s), djust_auth.enable_user(%s)", user_id, user_id),
    "delete_user, and a new account": lambda email, user_id: (db.run("SELECT djust_auth.delete_user(%s)", user_id), db.create_user(email)),
    "UPDATE of the hash": lambda email, user_id: db.run("UPDATE djust_auth.customer_user SET password_hash = NULL WHERE id = %s", user_id),
    "UPDATE of the address and back": lambda email, user_id: [db.run("UPDATE djust_auth.customer_user SET email = %s WHERE id = %s", address, user_id) for address in ("x." + email, email)],
}


def links_after_changes():
    """A link that lies in a mailbox is dead after each change of its account; those of others live."""
    email = person("links.eve")[0]
    eve = db.reset_link(email)
    for number, (name, change) in enumerate(CHANGES.items()):
        address, user_id, *_ = person(f"links{number}")
        db.run("SELECT djust_reset_request(%s)", address)
        body = db.one("SELECT body_text FROM djust_auth.claim_mail(1000) WHERE recipient = %s", address)
        link = re.search(r"djp_[A-Za-z0-9_-]+", body).group()
        equal(error_of(db.confirm(link, "weak")), "weak_password", f"{name}: before it a link is good")
        if "newer" in name:  # a minute later
            db.run("UPDATE djust_auth.mail_queue SET done_at = NULL, next_attempt_at = now() WHERE id = (SELECT max(id) FROM djust_auth.mail_queue WHERE kind = 'reset')")
            newer = db.one("SELECT body_text FROM djust_auth.claim_mail(1000) WHERE recipient = %s", address)
            db.confirm(re.search(r"djp_[A-Za-z0-9_-]+", newer).group())
        else:
            change(address, user_id)
        equal(error_of(db.confirm(link)), "invalid_grant", f"{name}: after it the link is dead")
    equal([error_of(db.confirm(eve)), error_of(db.login(email, OTHER))], [None, None], "somebody else's lives, and changes its own account")


# Login: enumeration

OWN_COUNTS = """SELECT relname, to_jsonb(t) - 'relid' - 'schemaname' FROM pg_stat_xact_all_tables t WHERE schemaname = 'djust_auth'
    UNION ALL SELECT funcname, to_jsonb(t) - 'total_time' - 'self_time' - 'funcid' FROM pg_stat_xact_user_functions t"""
ALL_COUNTS = " UNION ALL ".join(f"SELECT '{view} ' || {name}, to_jsonb(t) - 'relid' - 'schemaname' - 'indexrelid' FROM {view} t WHERE schemaname = 'djust_auth'" for view, name in (
    ("pg_stat_all_tables", "relname"), ("pg_statio_all_tables", "relname"), ("pg_stat_all_indexes", "indexrelname"), ("pg_statio_all_indexes", "indexrelname"))) + """
    UNION ALL SELECT 'statements of ' || userid, jsonb_build_object('calls', sum(calls), 'rows', sum(rows), 'blks_hit', sum(shared_blks_hit), 'wal_records', sum(wal_records))
        FROM pg_stat_statements WHERE userid <> current_user::regrole AND NOT toplevel GROUP BY userid"""
OWN_LOCKS = """SELECT array_agg(DISTINCT concat_ws(' ', locktype, relation::regclass, classid::regclass, objid::regclass, mode)) FROM pg_locks
    WHERE pid = pg_backend_pid() AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = relation AND relnamespace = 'pg_catalog'::regnamespace)"""


def grown(before, after):
    """What has changed; a page that was read counts like one that was there."""
    changed = {}
    for name, counts in after.items():
        delta = collections.Counter()
        for column, value in counts.items():
            if isinstance(value, (int, float)):
                delta[re.sub("_read$", "_hit", column) if "blks" in column else column] += value - (before.get(name, {}).get(column) or 0)
        if delta := {column: value for column, value in delta.items() if value}:
            changed[name] = delta
    return changed


class Spy:
    """An unprivileged role: all that it sees of a call, in its own transaction and in everybody's statistics."""

    def __init__(self, admin, served):
        self.admin, self.served = admin, served
        self.db = connect("anonymous", admin.raw.info.dbname)
        self.db.run("LISTEN djust_auth_mail; LISTEN pgrst")
        for i in range(5):
            self.look({}, "SELECT djust_login(%s, 'x')", lambda way: "warm@attacks.example")
            self.look({}, "SELECT djust_reset_request(%s)", lambda way: f"warm{way}{i}@attacks.example")

    def explained(self, statement, address):
        plan = self.db.one("EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING off, SUMMARY off, FORMAT json) " + statement, address)[0]["Plan"]
        return {name.replace("Read", "Hit"): plan.get(name, 0) + plan.get(name.replace("Hit", "Read"), 0) * ("Hit" in name) for name in plan if name in
                ("Shared Hit Blocks", "Local Hit Blocks", "Temp Written Blocks", "WAL Records", "WAL Bytes", "Actual Rows")}

    def own(self, statement, address):
        self.db.begin()
        before = dict(self.db.all(OWN_COUNTS))
        self.db.run(statement, address)
        seen = grown(before, dict(self.db.all(OWN_COUNTS))), self.db.one(OWN_LOCKS), self.db.one("SELECT pg_current_xact_id_if_assigned() IS NULL")
        self.db.commit()
        return seen

    def everybody(self, statement, address):
        """The admin must not call anything meanwhile: statements that functions run are counted for their owner."""
        if self.served:
            self.admin.until_written()
        self.admin.run("SELECT pg_stat_force_next_flush()")
        self.until_counted(self.admin.one("SELECT count(*) FROM djust_auth.audit_event"))
        before = dict(self.db.all(ALL_COUNTS))
        self.db.run(statement, address)
        self.until_counted(before["pg_stat_all_tables audit_event"]["n_tup_ins"] + 1)
        after = dict(self.db.all(ALL_COUNTS))
        self.db.raw.poll()
        told = sorted((notice.channel, notice.payload) for notice in self.db.raw.notifies)
        self.db.raw.notifies.clear()
        return grown(before, after), told

    def until_counted(self, events):
        """The statistics of this backend and of the worker are there."""
        self.db.run("SELECT pg_stat_force_next_flush()")
        until(lambda: self.db.one("SELECT n_tup_ins FROM pg_stat_all_tables WHERE schemaname = 'djust_auth' AND relname = 'audit_event'") >= events, "the statistics")

    def look(self, seen, statement, address):
        """Counts what each way shows."""
        for way in (self.explained, self.own, self.everybody):
            seen.setdefault(way.__name__, collections.Counter())[json.dumps(way(statement, address(way.__name__)), sort_keys=True, default=str)] += 1


def alike(seen, name):
    """Most of the times each way shows the same of all; now and then a page fills up."""
    shown = {way: {state: ways[way].most_common(1)[0][0] for state, ways in seen.items()} for way in next(iter(seen.values()))}
    for way, of_states in shown.items():
        equal(of_states, dict.fromkeys(of_states, next(iter(of_states.values()))), f"{name}, {way}: shows the same of all")
    ok("audit_event" in str(shown["own"] if "plain" in name else shown["everybody"]), f"{name}: and it shows something", shown)


def account_states(admin, address, user_id):
    """The same address without an account, with one, disabled, without a password.  Its hash's stand-in is never its own: its id is too low."""
    yield "unknown"
    admin.run("INSERT INTO djust_auth.customer_user (id, email, password_hash) SELECT %s, %s, password_hash FROM djust_auth.customer_user LIMIT 1", user_id, address)
    yield "wrong password"
    admin.run("UPDATE djust_auth.customer_user SET disabled_at = now() WHERE email = %s", address)
    yield "disabled"
    admin.run("UPDATE djust_auth.customer_user SET disabled_at = NULL, password_hash = NULL WHERE email = %s", address)
    yield "no password"


def oracles():
    """
    EXPLAIN (ANALYZE, BUFFERS), the statistics, locks, transaction ids and notifications that every role sees, as oracles for accounts,
    with a worker and without.
    """
    for name in ("plain", "served"):
        admin = database(name)
        admin.run("SELECT djust_auth.grant_api('anonymous', 'anonymous')")
        user_id = admin.create_user("low@attacks.example")
        for number in ("0", "f"):
            admin.run("INSERT INTO djust_auth.customer_user (id, email, password_hash) SELECT repeat(%s, 32)::uuid, %s || '@attacks.example', password_hash FROM djust_auth.customer_user LIMIT 1", number, number)
        admin.run("DELETE FROM djust_auth.customer_user WHERE id = %s", user_id)
        if name == "served":
            admin.until_worker()
        spy = Spy(admin, name == "served")
        for number, function in enumerate((f"djust_login(%s, '{WRONG}')", f"djust_token('password', username => %s, password => '{WRONG}')"), 1):
            address, seen = f"seen{number}@attacks.example", {}
            for state in account_states(admin, address, f"00000000-0000-0000-0000-00000000000{number}"):
                for _ in range(5):
                    spy.look(seen.setdefault(state, {}), "SELECT " + function, lambda way: address)
            alike(seen, f"{name}, {function[:11]}")
        admin.run("INSERT INTO djust_auth.customer_user (email) SELECT 'known' || way || i || '@attacks.example' FROM generate_series(0, 9) i, unnest('{explained,own,everybody}'::text[]) way")
        seen = {}
        for i in range(10):
            for kind in ("known", "unknown"):
                admin.run("DELETE FROM djust_auth.mail_queue")  # a queue costs by its length; TRUNCATE would cost every other time
                admin.run("VACUUM djust_auth.mail_queue")
                spy.look(seen.setdefault(kind, {}), "SELECT djust_reset_request(%s)", lambda way: f"{kind}{way}{i}@attacks.example")
        alike(seen, f"{name}, djust_reset_request")


def indexes_ignored():
    """ignore_system_indexes, which any role may connect with, made each look-up read a whole table."""
    email, _, first, _ = person("ignored")
    careless = connect("backend", options="-c ignore_system_indexes=on")
    for name, call in (("djust_login", lambda: careless.login(email)), ("djust_can", lambda: careless.can(first["access_token"])), ("djust_refresh", lambda: careless.refresh("djr_x")),
                       ("djust_jwks", lambda: careless.one("SELECT djust_jwks()"))):
        ok(attempt(call) in ("55000", {"error": "invalid_grant", "error_description": "The credentials or the token are not valid."}), f"{name}: refused, or needs no table")
    fails("55000", lambda: careless.login("nobody@attacks.example"), "for an unknown address likewise", "ignore_system_indexes")


def views_of_the_server():
    """No view that an unprivileged role may read shows an address, a token or a statement of ours while others call us."""
    email, _, _, tokens = person("watched")
    spy, victim = connect("anonymous"), connect("backend")
    spy.begin()
    victim.begin()
    victim.login(email)
    victim.refresh(tokens["refresh_token"])
    victim.run(f"PREPARE p AS SELECT djust_login('{email}', '{GOOD}')")
    victim.run(f"DECLARE c CURSOR FOR SELECT djust_login('{email}', '{GOOD}')")
    shown, read = {}, 0
    for view, in db.all("""SELECT c.oid::regclass::text FROM pg_class c WHERE relkind IN ('v', 'r') AND relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            UNION ALL SELECT 'pg_stat_statements'"""):
        spy.run("SAVEPOINT s")
        rows = attempt(spy.one, f"SELECT string_agg(x::text, ' ') FROM {view} x")
        if rows is not None and len(rows) == 5:
            spy.run("ROLLBACK TO s")
            continue
        read += 1
        if found := [word for word in (email, GOOD, tokens["refresh_token"], tokens["access_token"]) if word in (rows or "")]:
            shown[view] = found
    equal(shown, {}, f"{read} views show none of it")
    ok(read > 100, "and were read", read)


# Login: evasion


def spellings():
    """One account, one count: another spelling is not another guess, and one that only looks alike is another account."""
    own = cluster.connect()
    own.run("SET djust_auth.max_login_failures = 10")
    own.create_user("jürgen@bücher-attacks.example")
    spelt = ["jürgen@bücher-attacks.example", "JÜRGEN@BÜCHER-ATTACKS.EXAMPLE", "ju\u0308rgen@bu\u0308cher-attacks.example", "  jürgen@bücher-attacks.example", "jürgen@bücher-attacks.example\t\n",
             "Jürgen@xn--bcher-attacks-wob.example", "JU\u0308RGEN@XN--BCHER-ATTACKS-WOB.EXAMPLE", "\u200bjürgen@bücher-attacks.example\ufeff", "jürgen@bücher-attacks\u3002example",
             "jürgen@BU\u0308CHER-attacks.Example", "\u00a0jürgen@bücher-attacks.example\u2003"]
    hashes = own.stats("hashes")
    equal([error_of(own.login(spelling, WRONG)) for spelling in spelt], ["invalid_grant"] * 10 + ["too_many_attempts"], "eleven spellings are eleven guesses at one account")
    equal(own.stats("hashes") - hashes, 10, "of which ten were hashed")
    alike = ["j\u00fcrg\u0435n@bücher-attacks.example", "jürgen@bücher-attacks.example.", "jurgen@bücher-attacks.example", "jürgen@bücher-аttacks.example", "ｊürgen@bücher-attacks.example"]
    equal({error_of(own.login(other, GOOD)) for other in alike}, {"invalid_grant"}, "those that look alike neither log in nor wait for it")


# Rights


def processor_time(backend):
    with open(f"/proc/{backend.pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def pattern_bombs():
    """Policies and paths that are made to be slow: the time follows the policy's size, whatever the path."""
    own = cluster.connect()
    own.begin()
    own.run("SELECT djust_auth.create_profile('bomb')")
    # every way through twelve segments, each a literal or a name: a matcher that goes back visits each for each
    own.run("""INSERT INTO djust_auth.profile_right SELECT 'bomb', (SELECT string_agg(CASE WHEN n & (1 << i) = 0 THEN '/a' ELSE '/{x}' END, '' ORDER BY i) FROM generate_series(0, 11) i), 'read'
        FROM generate_series(0, 4095) n""")
    own.run("INSERT INTO djust_auth.profile_right SELECT 'bomb', '/b' || repeat('/{x}', n) || '/c', 'read' FROM generate_series(1, 120) n")
    token = own.one("SELECT djust_auth.open_session(%s)", own.create_user("bomb@attacks.example", None, ["bomb"]))["access_token"]
    paths = ["/a" * 12, "/a" * 11 + "/b", "/a" * 12 + "/a", "/x" * 12, "/b" + "/x" * 126, "/b" + "/c" * 121, "/%61" * 12, "/b" * 4096, "/" + "%61" * 2700, "/" * 8000, "/." * 4000, "/%25" * 2000]
    equal([own.can(token, path) for path in paths], [True, True, False, True, False, True] + [True] + [False] * 5, "what they give")
    took = {}
    for path in paths:
        begun = processor_time(own)
        # the path depends on the row: of constants the call would be made once
        own.one("SELECT count(*) FROM generate_series(1, 100) i WHERE djust_can(%s, CASE WHEN i > 0 THEN %s END, 'read')", token, path)
        took[path[:40]] = round((processor_time(own) - begun) * 1e4)
    note(f"µs a check: {took}")
    measured(max(took.values()) < 1000, "none is slow under 4,216 patterns", took)
    own.rollback()


# SQL

SHADOWS = """
    SET check_function_bodies = off;
    CREATE FUNCTION evil.shadow(signature text, result text) RETURNS void LANGUAGE plpgsql AS $f$
    BEGIN
        EXECUTE format('CREATE FUNCTION evil.%s RETURNS %s LANGUAGE plpgsql AS %L', signature, result, 'BEGIN RAISE ''hijacked ' || replace(signature, '''', '') || '''; END');
    END $f$;
    SELECT count(evil.shadow(format('%I(%s)', proname, pg_get_function_identity_arguments(p.oid)), format_type(prorettype, NULL)))
        FROM pg_proc p WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND NOT proretset AND provariadic = 0 AND pg_get_function_identity_arguments(p.oid) !~ 'OUT'
            AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = ANY (proargtypes::oid[] || prorettype) AND typtype = 'p');
    SELECT count(evil.shadow(format('op%s(%s)', o.oid, concat_ws(', ', format_type(nullif(oprleft, 0), NULL), format_type(oprright, NULL))), format_type(oprresult, NULL)))
        FROM pg_operator o WHERE oprnamespace = 'pg_catalog'::regnamespace AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid IN (oprleft, oprright, oprresult) AND typtype = 'p');
    DO $d$
    DECLARE
        s text;
    BEGIN
        FOR s IN SELECT format('CREATE OPERATOR evil.%s (FUNCTION = evil.op%s%s, RIGHTARG = %s)', oprname, o.oid, ', LEFTARG = ' || format_type(nullif(oprleft, 0), NULL), format_type(oprright, NULL))
            FROM pg_operator o JOIN pg_proc p ON p.proname = 'op' || o.oid WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND oprname <> '=>'
        UNION ALL SELECT format('CREATE TABLE evil.%I (LIKE %s)', relname, c.oid::regclass) FROM pg_class c WHERE relkind IN ('r', 'v')
            AND (relnamespace = 'djust_auth'::regnamespace OR relname IN ('pg_class', 'pg_namespace', 'pg_proc', 'pg_extension', 'pg_database', 'pg_settings', 'pg_trigger'))
        UNION ALL SELECT format('CREATE TYPE evil.%I AS (shadow pg_catalog.int4)', t) FROM unnest('{text,uuid,timestamptz,json,jsonb,bytea,name,oid,inet,regrole,regclass}'::text[]) t
        LOOP
            EXECUTE s;
        END LOOP;
    END $d$;
    GRANT USAGE ON SCHEMA evil TO PUBLIC"""
PG_TEMP = """CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''-infinity''::timestamptz';
    CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''infinity''::timestamptz';
    CREATE TEMP TABLE customer_user (id uuid, email text, password_hash text); CREATE TEMP TABLE session (sid uuid); CREATE TEMP TABLE signing_key (kid text);
    CREATE TEMP TABLE profile_right (profile text, route text, access text); CREATE TEMP TABLE pg_class (oid oid); CREATE TYPE pg_temp.uuid AS (x int)"""


def hostile_search_path():
    """Before pg_catalog, a schema that has every function, operator and type of it, each of which raises; and pg_temp before all."""
    own = database("hostile")
    for name in ("backend", "dba"):
        own.run(f"SELECT djust_auth.grant_api('{name}', '{name}')")
    own.run("CREATE SCHEMA evil")
    own.run(SHADOWS)
    shadowed = own.one("SELECT count(*) FROM pg_proc WHERE pronamespace = 'evil'::regnamespace")
    ok(shadowed > 1500, f"{shadowed} functions are shadowed")
    callers = {}
    for name in ("backend", "dba", "postgres"):
        callers[name] = cluster.connect("hostile") if name == "postgres" else connect(name, "hostile")
        callers[name].run(PG_TEMP)
        callers[name].run("SET search_path = pg_temp, evil, pg_catalog, public")
    fails("P0001", lambda: callers["backend"].one("SELECT lower('A'::pg_catalog.text)"), "which a careless statement meets", "hijacked")
    api, dba, root = (callers[name] for name in ("backend", "dba", "postgres"))

    def call(caller, function, *values):
        return caller.one(f"SELECT {function}({', '.join(['%s'] * len(values))})", *values)

    user_id = call(dba, "djust_auth.create_user", "ann@hostile.example", GOOD, ["customer"])
    call(dba, "djust_auth.import_user", "bob@hostile.example", "$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K")
    story = [
        lambda: call(dba, "djust_auth.create_profile", "evil"), lambda: call(dba, "djust_auth.set_right", "evil", "/evil/{id}", "write"),
        lambda: call(dba, "djust_auth.add_profile", user_id, "evil"), lambda: call(dba, "djust_auth.explain", user_id, "/evil/1", "write"),
        lambda: call(dba, "djust_auth.check_password", "weak"), lambda: call(dba, "djust_auth.change_email", user_id, "Anna@Hostile.example"),
        lambda: dba.run("INSERT INTO djust_auth.customer_user (email, locale) VALUES ('Carl@Hostile.example', 'de')"),
        lambda: dba.run("UPDATE djust_auth.customer_user SET disabled_at = pg_catalog.now() WHERE email OPERATOR(pg_catalog.=) 'carl@hostile.example'"),
        lambda: dba.run("INSERT INTO djust_auth.profile_right VALUES ('evil', '/plain/**', 'read'); UPDATE djust_auth.profile SET name = 'evil2' WHERE name OPERATOR(pg_catalog.=) 'evil'"),
        lambda: dba.run("INSERT INTO djust_auth.password_blocklist VALUES ('Violets-4-Ann'); INSERT INTO djust_auth.mail_template VALUES ('reset', 'de', 's', '{link}', '{link}')"),
        lambda: dba.all("SELECT * FROM djust_auth.effective_right"), lambda: dba.all("SELECT * FROM djust_auth.active_session"), lambda: dba.all("SELECT * FROM djust_auth.audit_verify()"),
        lambda: api.run("SELECT public.djust_reset_request('anna@hostile.example'), public.djust_reset_page('djp_x')"),
        lambda: call(root, "djust_auth.rotate_signing_key"), lambda: call(root, "djust_auth.purge"), lambda: root.all("SELECT * FROM djust_auth.claim_mail()"),
        lambda: call(root, "djust_auth.stats"), lambda: call(root, "djust_auth.grant_api", "anonymous", "anonymous"), lambda: call(root, "djust_auth.postgrest_config"),
        lambda: call(root, "djust_auth.mail_due"), lambda: call(dba, "djust_auth.unlock_user", user_id), lambda: dba.run("DELETE FROM djust_auth.profile WHERE name OPERATOR(pg_catalog.=) 'evil2'"),
    ]
    equal([answer for step in story if isinstance(answer := attempt(step), str) and len(answer) == 5], [], f"{len(story)} calls and statements of administrators meet none")
    tokens = call(api, "public.djust_login", "anna@hostile.example", GOOD)
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    wrong = call(api, "public.djust_login", "anna@hostile.example", WRONG)
    newer = call(api, "public.djust_refresh", refresh)
    equal([error_of(wrong), call(api, "public.djust_can", access, "/orders", "read"), call(api, "public.djust_can", access, "/orders", "write"), call(api, "public.djust_introspect", access)["active"],
           len(call(api, "public.djust_sessions", access)), error_of(newer), len(call(api, "public.djust_jwks")["keys"]), call(api, "public.djust_request_user"),
           call(api, "public.djust_change_password", newer["access_token"], GOOD, OTHER), call(api, "public.djust_end_session", access), call(api, "public.djust_logout", newer["refresh_token"]),
           call(api, "public.djust_can", access, "/orders", "read"), error_of(call(api, "public.djust_token", "refresh_token", None, None, refresh))],
          ["invalid_grant", True, False, True, 1, None, 2, None, {"status": "password_updated"}, 0, True, False, "invalid_grant"], "and a customer's day goes as on any other")


def own_types():
    """Values of the caller's own types, whose casts and checks run code: it runs as the caller, before our functions do."""
    db.run("CREATE SCHEMA taker AUTHORIZATION backend")
    taker = connect("backend")
    taker.run("""CREATE TABLE taker.seen (who name, what text);
        CREATE FUNCTION taker.see(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO taker.seen VALUES (current_user, $1); RETURN true; END $$;
        CREATE DOMAIN taker.word AS text CHECK (taker.see(VALUE)); CREATE TYPE taker.pair AS (a text, b text)""")
    for target, value in (("text", "($1).a"), ("uuid", "gen_random_uuid()")):
        taker.run(f"""CREATE FUNCTION taker.to_{target}(taker.pair) RETURNS {target} LANGUAGE plpgsql AS $$ BEGIN PERFORM taker.see('{target}'); RETURN {value}; END $$;
            CREATE CAST (taker.pair AS {target}) WITH FUNCTION taker.to_{target} AS IMPLICIT""")
    calls = 0
    for name, kinds in taker.all("""SELECT p.oid::regproc::text, string_to_array(oidvectortypes(proargtypes), ', ') FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'djust_auth' AND d.deptype = 'e' AND pronargs > 0 AND has_function_privilege(p.oid, 'EXECUTE')"""):
        for value in ("ROW('x', 'y')::taker.pair", "'read'::taker.word"):
            calls += 1
            attempt(taker.one, f"SELECT {name}({', '.join(value if kind == 'text' or 'pair' in value else 'NULL::' + kind for kind in kinds)})::text")
    equal(taker.all("SELECT DISTINCT who FROM taker.seen"), [("backend",)], f"{calls} calls with such values run that code as the caller")
    for what, statement in (("a domain over a type of ours", "CREATE DOMAIN taker.d AS djust_auth.access_right CHECK (taker.see('x'))"), ("over a row of a table", "CREATE DOMAIN taker.d AS djust_auth.customer_user"),
                            ("a table of such rows", "CREATE TABLE taker.t (r djust_auth.session)"), ("a child of a table", "CREATE TABLE taker.t () INHERITS (djust_auth.session)"),
                            ("a foreign key to one", "CREATE TABLE taker.t (u uuid REFERENCES djust_auth.customer_user)"), ("a view on one", "CREATE VIEW taker.v AS SELECT * FROM djust_auth.session; SELECT * FROM taker.v"),
                            ("a rule on one", "CREATE RULE r AS ON INSERT TO djust_auth.session DO NOTHING"), ("a policy on one", "CREATE POLICY p ON djust_auth.session"),
                            ("a trigger on one", "CREATE TRIGGER t BEFORE INSERT ON djust_auth.session EXECUTE FUNCTION taker.see('x')"), ("statistics on one", "CREATE STATISTICS taker.s ON sid, user_id FROM djust_auth.session"),
                            ("a lock on one", "BEGIN; LOCK djust_auth.session IN ACCESS SHARE MODE"), ("a publication of one", "CREATE PUBLICATION p FOR TABLE djust_auth.session")):
        fails("42501", lambda: taker.run(statement), f"{what} is refused")
        taker.rollback()
    taker.close()
    db.run("DROP SCHEMA taker CASCADE")


VALUES = {"DateStyle": ["Postgres, DMY", "German"], "TimeZone": ["Asia/Kathmandu"], "client_encoding": ["LATIN1", "SJIS", "SQL_ASCII"], "search_path": ["nowhere"], "role": ["none"],
          "restrict_nonsystem_relation_kind": ["view, foreign-table"], "timezone_abbreviations": ["India"], "application_name": ["'; DROP TABLE x --"], "temp_tablespaces": [""],
          "default_tablespace": ["pg_default"], "default_text_search_config": ["simple"], "lc_monetary": ["C"], "lc_numeric": ["C"], "lc_time": ["C"]}


def settings_of_the_caller():
    """Each setting that any role may change, at its other and extreme values: the answers stay what they are."""
    person("settings")

    def day(user):
        first = user.one("SELECT public.djust_login('Settings@attacks.example', %s)", GOOD)
        second = user.one("SELECT public.djust_refresh(%s)", first["refresh_token"])
        session = user.one("SELECT public.djust_sessions(%s)", second["access_token"])[0]
        return [error_of(user.one("SELECT public.djust_login('settings@attacks.example', %s)", WRONG)), error_of(second), re.sub(r"\d", "9", session["created_at"]),
                *(user.one("SELECT public.djust_can(%s, %s, %s)", first["access_token"], route, access) for route, access in (("/orders", "read"), ("/orders", "write"), ("/other", "read"))),
                user.one("SELECT public.djust_introspect(%s)", first["access_token"])["active"], user.one("SELECT public.djust_logout(%s)", second["refresh_token"]),
                user.one("SELECT public.djust_can(%s, '/orders', 'read')", first["access_token"])]

    usual = day(connect("backend"))
    equal(usual, ["invalid_grant", None, "9999-99-99T99:99:99+99:99", True, False, False, True, True, False], "a day of a customer")
    tried, changed = 0, {}
    for name, kind, words, low, high, value in db.all("SELECT name, vartype, enumvals, min_val, max_val, boot_val FROM pg_settings WHERE context = 'user' AND name <> 'default_transaction_read_only'"):
        choices = {"bool": ["off" if value == "on" else "on"], "enum": words, "string": VALUES.get(name, [])}.get(kind, [low, high])
        for choice in choices:
            user = connect("backend")
            with contextlib.suppress(psycopg2.Error):
                user.run("SELECT set_config(%s, %s, false)", name, choice)
                tried += 1
                answer = attempt(day, user)
                if answer != usual:
                    changed[name, choice] = answer
            user.close()
        db.run("SELECT djust_auth.unlock_user(id), djust_auth.end_sessions(id) FROM djust_auth.customer_user WHERE email = 'settings@attacks.example'")
    equal(changed, {}, f"is the same under {tried} values of settings")
    ok(tried > 150, "which were many", tried)


def roles():
    """SET ROLE takes what a role has, gives nothing of the extension's owner, and hides nobody from the audit."""
    db.run("CREATE ROLE clerk LOGIN NOINHERIT IN ROLE dba, backend")
    clerk = connect("clerk")
    fails("42501", lambda: clerk.login("roles@attacks.example"), "a role that does not inherit has nothing")
    for statement in ("SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "SET LOCAL ROLE postgres", "SET ROLE pg_monitor", "SET session_replication_role = replica", "SET djust_auth.issuer = 'x'"):
        fails("42501", lambda: clerk.run(statement), f"refused: {statement}")
    clerk.run("SET ROLE backend")
    equal(error_of(clerk.login("roles@attacks.example")), "invalid_grant", "after SET ROLE it has what that role has")
    fails("42501", lambda: clerk.one("SELECT djust_auth.create_profile('x')"), "and no more")
    clerk.run("SET ROLE dba; SELECT djust_auth.create_profile('of a clerk'); INSERT INTO djust_auth.profile VALUES ('of a clerk 2')")
    equal(db.all("SELECT DISTINCT actor FROM djust_auth.audit_event WHERE detail::text ~ 'of a clerk'"), [("clerk",)], "the audit names who logged in, whatever the role")
    fails("42501", lambda: clerk.run("UPDATE djust_auth.session SET generation = 0"), "a dba changes no session")


def row_security():
    """Policies on our tables, forced, and row_security off or on: neither opens nor closes anything to callers."""
    email = person("policies")[0]
    tables = [table for table, in db.all("SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'r'")]
    for state in ("on", "off"):
        for table in tables:
            db.run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        caller = connect("backend")
        caller.run(f"SET row_security = {state}")
        tokens = caller.login(email)
        equal([error_of(tokens), error_of(caller.login(email, WRONG)), caller.can(tokens["access_token"]), caller.can(tokens["access_token"], "/other"), error_of(caller.refresh(tokens["refresh_token"])),
               caller.logout(tokens["access_token"]), caller.can(tokens["access_token"])], [None, "invalid_grant", True, False, None, True, False], f"row_security = {state}: a customer's day")
        for table in tables:
            db.run(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY")


def schema_owner():
    """The owner of the API's schema, and somebody who was there before CREATE EXTENSION."""
    cluster.connect().run("CREATE DATABASE owned")
    root = cluster.connect("owned")
    root.run("CREATE ROLE landlord LOGIN; GRANT CREATE ON DATABASE owned TO landlord; CREATE SCHEMA api AUTHORIZATION landlord")
    landlord = connect("landlord", "owned")
    landlord.run("CREATE SCHEMA djust_auth")
    fails("42P06", lambda: root.run("CREATE EXTENSION djust_auth SCHEMA api"), "a schema djust_auth that is there is not adopted")
    landlord.run("DROP SCHEMA djust_auth; CREATE FUNCTION api.djust_login(email text, password text) RETURNS json LANGUAGE sql AS 'SELECT ''{}''::json'")
    fails("42723", lambda: root.run("CREATE EXTENSION djust_auth SCHEMA api"), "nor is a function")
    landlord.run("DROP FUNCTION api.djust_login")
    root.run("CREATE EXTENSION djust_auth SCHEMA api")
    for state, statement in (("42501", "CREATE OR REPLACE FUNCTION api.djust_can(access_token text, route text, access text) RETURNS boolean LANGUAGE sql AS 'SELECT true'"),
                             ("42501", "ALTER FUNCTION api.djust_can RENAME TO can"), ("42501", "ALTER FUNCTION api.djust_can SECURITY DEFINER"), ("42501", "ALTER FUNCTION api.djust_login SET search_path = api"),
                             ("42501", "ALTER FUNCTION api.djust_login OWNER TO landlord"), ("42501", "ALTER FUNCTION api.djust_can SET SCHEMA public"), ("2BP01", "DROP FUNCTION api.djust_can CASCADE"),
                             ("42501", "ALTER EXTENSION djust_auth DROP FUNCTION api.djust_can(text, text, text)"), ("42501", "DROP EXTENSION djust_auth"), ("42501", "ALTER EXTENSION djust_auth UPDATE"),
                             ("42501", "CREATE FUNCTION djust_auth.x() RETURNS int LANGUAGE sql AS 'SELECT 1'"), ("42501", "ALTER SCHEMA djust_auth OWNER TO landlord"), ("42501", "SELECT api.djust_login('x', 'y')")):
        fails(state, lambda: landlord.run(statement), f"refused to the schema's owner: {statement[:60]}")
    fails("42501", lambda: landlord.run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA api TO landlord, PUBLIC"), "nor can they grant anything")
    equal(root.one("SELECT count(*) FROM pg_proc WHERE pronamespace = 'api'::regnamespace AND has_function_privilege('landlord', oid, 'EXECUTE')"), 0, "and have nothing")


EVENT_TRIGGER = """
    CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $f$
    DECLARE
        call text;
    BEGIN
        IF (SELECT count(*) FROM public.told WHERE event = tg_event || ' ' || tg_tag) > 50 THEN RETURN; END IF;
        FOREACH call IN ARRAY ARRAY['djust_can(NULL, ''/orders'', ''read'')', 'djust_login(''ann@ddl.example'', ''x'')', 'djust_jwks()', 'djust_auth.stats()', 'djust_auth.purge()'] LOOP
            BEGIN
                EXECUTE 'SELECT ' || call;
                INSERT INTO public.told VALUES (tg_event || ' ' || tg_tag, '00000');
            EXCEPTION WHEN OTHERS THEN INSERT INTO public.told VALUES (tg_event || ' ' || tg_tag, sqlstate);
            END;
        END LOOP;
        IF tg_event = 'sql_drop' AND current_setting('shop.keep', true) = 'yes' THEN RAISE 'kept'; END IF;
    END $f$"""


def event_triggers():
    """Event triggers that call us while the extension is made, altered and dropped, and one that undoes the drop."""
    own = database("ddl")
    own.run("CREATE TABLE told (event text, state text)")
    own.run(EVENT_TRIGGER)
    for event in ("ddl_command_start", "ddl_command_end", "sql_drop", "table_rewrite"):
        own.run(f"CREATE EVENT TRIGGER on_{event} ON {event} EXECUTE FUNCTION on_ddl()")
    own.create_user("ann@ddl.example", GOOD, ["customer"])
    token = own.login("ann@ddl.example")["access_token"]
    warm = cluster.connect("ddl")
    ok(warm.can(token), "a token is known to two backends")
    own.run("SET shop.keep = 'yes'")
    fails("P0001", lambda: own.run("DROP EXTENSION djust_auth CASCADE"), "a trigger keeps the extension", "kept")
    equal([own.can(token), warm.can(token), error_of(own.login("ann@ddl.example"))], [True, True, None], "with all that is in it, also to who had begun to drop it")
    own.run("SET shop.keep = 'no'")
    own.run("ALTER TABLE djust_auth.session ADD COLUMN extra uuid DEFAULT gen_random_uuid(); SELECT djust_auth.grant_api('anonymous', 'anonymous')")
    equal([own.can(token), warm.can(token)], [True, True], "altered, it goes on")
    for _ in range(2):
        own.run("DROP EXTENSION djust_auth CASCADE")
        own.run("CREATE EXTENSION djust_auth")
    own.run("DROP FUNCTION on_ddl CASCADE")
    states = dict(own.all("SELECT state, count(*) FROM told GROUP BY 1"))
    # within the script that makes the tables, some of what a function needs may be missing
    ok(states.pop("00000", 0) > 0 and states.keys() <= {"42883", "42P01", "3F000", "55000", "XX000"}, "each call got an answer or an error", states)
    own.create_user("ann@ddl.example", GOOD)
    equal([error_of(each.login("ann@ddl.example")) for each in (own, warm)], [None, None], "and a new one works")


def replica_role():
    """A superuser's bulk load or a subscription, with session_replication_role = replica: no foreign key cascades, few triggers fire."""
    loader = cluster.connect()
    loader.run("SET session_replication_role = replica")
    email, user_id, first, tokens = person("replica")
    link = db.reset_link(email)
    loader.run("DELETE FROM djust_auth.customer_user WHERE id = %s", user_id)
    equal([db.can(tokens["access_token"]), db.can(first["access_token"]), error_of(db.refresh(tokens["refresh_token"])), error_of(db.confirm(link)), error_of(db.login(email))],
          [False, False, "invalid_grant", "invalid_grant", "invalid_grant"], "a deleted user's sessions and links end")
    fails("23514", lambda: loader.run("INSERT INTO djust_auth.customer_user (email) VALUES ('Replica@Attacks.example')"), "an address that is not normal is refused")
    fails("23514", lambda: loader.run("INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('clear@attacks.example', 'clear')"), "so is a clear password")
    fails("23514", lambda: loader.run("INSERT INTO djust_auth.profile_right VALUES ('customer', '/a//b', 'write')"), "and a bad pattern")
    loader.run("INSERT INTO djust_auth.password_blocklist VALUES (E'Fore\\u0301z-4-Ann')")
    equal(db.one("SELECT djust_auth.check_password(E'For\\u00e9z-4-Ann')"), ["too_common"], "an entry of the blocklist is normalised")
    loader.run("DELETE FROM djust_auth.profile_right WHERE profile = 'customer' AND route <> '/orders'")


def dropped_in_the_middle():
    """DROP EXTENSION under open cursors and prepared statements, in the same session and in another, kept and undone."""
    own, warm = database("dropped"), cluster.connect("dropped")
    user_id = own.create_user("ann@dropped.example", GOOD, ["customer"])
    tokens = own.login("ann@dropped.example")
    access = tokens["access_token"]
    calls = [f"djust_can('{access}', '/orders', 'read')", "djust_can(NULL, '/orders', 'read')", f"djust_introspect('{access}')", f"djust_sessions('{access}')", "djust_jwks()::text", "djust_login('ann@dropped.example', 'x')",
             "djust_refresh('djr_' || i)", "djust_reset_request('x' || i || '@dropped.example')", "djust_auth.stats()", "djust_auth.create_user(random() || '@dropped.example', NULL)",
             f"djust_auth.explain('{user_id}', '/orders', 'read')", f"djust_auth.add_profile('{user_id}', 'anonymous')"]
    own.begin()
    changes = {"dropped": "DROP EXTENSION djust_auth CASCADE", "made again": "CREATE EXTENSION djust_auth"}
    for name in changes:
        for number, call in enumerate(calls):
            own.run(f'DECLARE "{name} {number}" CURSOR FOR SELECT {call} FROM generate_series(1, 100) i; FETCH 1 FROM "{name} {number}"')
    answers = {}
    for name, change in changes.items():
        own.run(change)
        for number, call in enumerate(calls):
            own.run("SAVEPOINT s")
            answer = attempt(own.all, f'FETCH 1 FROM "{name} {number}"')
            answers.setdefault(name, {})[call] = answer if isinstance(answer, str) else "an answer"
            own.run("ROLLBACK TO s")
    own.rollback()
    equal(set(answers["dropped"].values()), {"42P01"}, "cursors of the session that dropped it: an error that names the table")
    ok(set(answers["made again"].values()) <= {"an answer", "P0002", "23503"}, "made again, they go on in the new one", answers["made again"])
    equal([own.can(access), warm.can(access), error_of(own.login("ann@dropped.example"))], [True, True, None], "rolled back, all is as it was")

    warm.run("PREPARE can(text) AS SELECT djust_can($1, '/orders', 'read')")
    equal([warm.one("EXECUTE can(%s)", access) for _ in range(7)], [True] * 7, "a statement is prepared in another session")
    warm.begin()
    warm.run(f"DECLARE c CURSOR FOR SELECT djust_can('{access}', '/orders', 'read') FROM generate_series(1, 100)")
    equal(warm.all("FETCH 1 FROM c"), [(True,)], "and a cursor is open")
    own.run("DROP EXTENSION djust_auth CASCADE")
    fails("42P01", lambda: warm.all("FETCH 1 FROM c"), "after the drop its next row is an error", "Run CREATE EXTENSION djust_auth")
    warm.rollback()
    fails("42883", lambda: warm.one("EXECUTE can(%s)", access), "and so is the statement")
    own.run("CREATE EXTENSION djust_auth")
    equal(warm.one("EXECUTE can(%s)", access), False, "with a new extension it works again, and knows no old token")

    tokens = (own.create_user("ann@dropped.example"), own.login("ann@dropped.example"))[1]
    busy = cluster.connect("dropped")
    busy.begin()
    busy.refresh(tokens["refresh_token"])
    dropping = later(own.run, "DROP EXTENSION djust_auth CASCADE")
    until_blocked(warm, own.pid, busy.pid)
    waiting = later(warm.login, "ann@dropped.example")
    busy.commit()
    dropping.result()
    ok(attempt(waiting.result) in ("42883", "42P01", "3F000"), "a login that waits for a drop ends in an error that names the cause")


main(headers_signed_with_our_key, published_key_as_secret, payloads_signed_with_our_key, spare_bits, forged_refresh, links_after_changes, oracles, indexes_ignored, views_of_the_server, spellings,
     pattern_bombs, hostile_search_path, own_types, settings_of_the_caller, roles, row_security, schema_owner, event_triggers, replica_role, dropped_in_the_middle)
