"""
The ledger: what clients were told is held against the database after a crash or a failover.

Eight connections run every verb on accounts of their own and write down each answer, outside of the server.  Afterwards nothing
acknowledged may be undone: no logout, reuse, change of password, address, profile or state.  What was cut off may have happened
or not.

LEDGER_FAULT=yes gives it something to find: commits are asynchronous, and sabotage() deletes sessions.
"""

import contextlib
import copy
import os
import random
import threading
import time

import psycopg2

from support import SEED, WRONG, claims_of, equal, later, note, ok, tally, until

CLIENTS, ACCOUNTS = 8, 4
SKEW_S = 2	# how far ahead an access token may be issued
LOCK_WRITTEN_S = 2	# the worker writes a lock within a second; younger ones may be lost by contract
SETTINGS = ("djust_auth.databases = 'postgres'", "full_page_writes = on", "autovacuum_naptime = 1s", "djust_auth.access_token_lifetime = 1d",
            "djust_auth.sign_up = on", "djust_auth.refresh_token_lifetime = 1d", "djust_auth.session_max_lifetime = 1d")
FAULT = bool(os.environ.get("LEDGER_FAULT"))
SEALED = "SELECT max(sealed_at) > (SELECT max(at) FROM djust_auth.audit_event) FROM djust_auth.audit_chain"
if FAULT:
    SETTINGS += ("synchronous_commit = off", "wal_writer_delay = 10s")


class CutOff(Exception):
    """The connection ended before the answer came."""


class Refused(CutOff):
    """Nothing was done."""


class Session:
    def __init__(self, tokens):
        self.access = [tokens["access_token"]]
        self.refresh = [tokens["refresh_token"]]
        self.alive = {True}
        self.refreshable = True		# false once a refresh was cut off: nobody knows the newest token


class Account:
    """Each fact is the set of values it may have: more than one only when a call was cut off."""

    def __init__(self, name):
        self.name = name
        self.id = None
        self.email = {f"{name}@ledger.example"}
        self.password = {f"Tulips-4-{name}"}
        self.old_password = None
        self.disabled = {False}
        self.buyer = {False}
        self.sessions = []
        self.former_email = None		# which the link of a notice puts back
        self.used_links = []
        self.used_confirmations = []
        self.events = {}
        self.locked_at = None
        self.n = 0

    def sure(self):
        return all(len(fact) == 1 for fact in (self.email, self.password, self.disabled))


def only(fact):
    (value,) = fact
    return value


class Client:
    def __init__(self, ledger, number):
        self.ledger = ledger
        self.dice = random.Random(f"{SEED}/{number}")
        self.accounts = [Account(f"{number}-{i}") for i in range(ACCOUNTS)]
        self.db = None
        self.pid = None

    def call(self, sql, *values):
        """One transaction; its answer was acknowledged when this returns."""
        try:
            if self.db is None:
                self.db = self.ledger.server.connect()
                self.pid = self.db.pid
        except psycopg2.Error as error:
            self.ledger.cut_off += 1
            raise Refused from error
        try:
            answer = self.db.row(sql, *values)
        except psycopg2.Error as error:
            if error.pgcode is not None and error.pgcode == self.ledger.refusal:
                raise Refused from error
            # the server went, or a resource did: both tell nothing of what was done
            if error.pgcode is None or error.pgcode.startswith(("57P", "53", "58")):
                self.ledger.cut_off += 1
                self.db = None
                raise CutOff from error
            raise
        self.ledger.acknowledged += 1
        return answer[0]

    def change(self, fact, value, sql, *values):
        """A fact gets a value; cut off, it has one or the other."""
        fact.add(value)
        answer = self.call(sql, *values)
        fact.intersection_update({value})
        return answer

    def end(self, account, sql, *values, but=None):
        """A call that ends sessions."""
        ending = [session for session in account.sessions if session is not but]
        for session in ending:
            session.alive.add(False)
        answer = self.call(sql, *values)
        for session in ending:
            session.alive = {False}
        return answer

    # one verb each

    def login(self, account):
        answer = self.call("SELECT djust_login(%s, %s)", only(account.email), only(account.password))
        if "error" in answer:
            self.ledger.refused += 1
            if not (only(account.disabled) or account.locked_at):
                self.ledger.lost.append(f"{account.name}: a login with the right password got {answer}")
            return
        if only(account.disabled):
            self.ledger.lost.append(f"{account.name}: a disabled user logged in")
        account.locked_at = None
        account.events["login"] = account.events.get("login", 0) + 1
        account.sessions.append(Session(answer))
        del account.sessions[:-6]

    def refresh(self, account):
        for session in account.sessions:
            if session.alive == {True} and session.refreshable:
                session.refreshable = False
                answer = self.call("SELECT djust_refresh(%s)", session.refresh[-1])
                session.refreshable = True
                if "error" in answer:
                    self.ledger.lost.append(f"{account.name}: a refresh of a live session got {answer}")
                    return
                session.access.append(answer["access_token"])
                session.refresh.append(answer["refresh_token"])
                account.events["refresh"] = account.events.get("refresh", 0) + 1
                return

    def reuse(self, account):
        """A token of two generations ago ends its session, in a transaction that is rolled back or not."""
        for session in account.sessions:
            if session.alive == {True} and len(session.refresh) > 2:
                session.alive.add(False)
                self.call("SELECT djust_refresh(%s)", session.refresh[-3])
                session.alive = {False}
                return

    def logout(self, account):
        for session in account.sessions:
            if session.alive == {True}:
                session.alive.add(False)
                if not self.call("SELECT djust_logout(%s)", session.access[-1] if self.ledger.steady else session.refresh[-1]):
                    self.ledger.lost.append(f"{account.name}: the logout of a live session answered false")
                session.alive = {False}
                account.events["logout"] = account.events.get("logout", 0) + 1
                return

    def end_sessions(self, account):
        self.end(account, "SELECT djust_auth.end_sessions(%s)", account.id)

    def change_password(self, account):
        for session in account.sessions:
            if self.ledger.steady and session.alive == {True} and not only(account.disabled) and account.locked_at is None:
                account.n += 1
                new, old = f"Tulips-4-{account.name}-{account.n}", only(account.password)
                account.password.add(new)
                answer = self.end(account, "SELECT djust_change_password(%s, %s, %s)", session.access[-1], old, new, but=session)
                if "error" in answer:
                    self.ledger.lost.append(f"{account.name}: a change of password got {answer}")
                    return
                account.password, account.old_password = {new}, old
                account.events["password_changed"] = account.events.get("password_changed", 0) + 1
                return

    def set_password(self, account):
        account.n += 1
        old, new = only(account.password), f"Tulips-4-{account.name}-{account.n}"
        account.password.add(new)
        self.end(account, "SELECT djust_auth.set_password(%s, %s)", account.id, new)
        account.password, account.old_password = {new}, old
        account.locked_at = None

    def mailed(self, prefix, address):
        """Claims all mails that are due, also those of others, and takes the link of this kind; None if somebody has yet to tell it."""
        claimed = self.call("""SELECT coalesce(json_agg(json_build_array(recipient, substring(body_text FROM 'dj[pcv]_[A-Za-z0-9_-]+'))), '[]')
            FROM djust_auth.claim_mail(1000)""")
        with self.ledger.links_lock:
            self.ledger.links.update(((link[:4], recipient), link) for recipient, link in claimed if link)
            return self.ledger.links.pop((prefix, address), None)

    def reset(self, account):
        """Asked for, claimed, used."""
        email = only(account.email)
        self.ledger.links.pop(("djp_", email), None)		# a password that was set since has ended it
        self.call("SELECT djust_reset_request(%s)", email)
        link = self.mailed("djp_", email)
        if link is None or only(account.disabled):
            return
        account.n += 1
        old, new = only(account.password), f"Tulips-4-{account.name}-{account.n}"
        account.password.add(new)
        answer = self.end(account, "SELECT djust_reset_confirm(%s, %s)", link, new)
        if "error" in answer:
            self.ledger.lost.append(f"{account.name}: a link that was never used got {answer}")
            return
        account.password, account.old_password = {new}, old
        account.used_links.append(link)
        account.locked_at = None
        account.events["reset_confirmed"] = account.events.get("reset_confirmed", 0) + 1

    def disable(self, account):
        account.disabled.add(True)
        self.end(account, "SELECT djust_auth.disable_user(%s)", account.id)
        account.disabled = {True}

    def enable(self, account):
        self.change(account.disabled, False, "SELECT djust_auth.enable_user(%s)", account.id)

    def change_email(self, account):
        account.n += 1
        self.change(account.email, f"{account.name}-{account.n}@ledger.example", "SELECT djust_auth.change_email(%s, %s)", account.id,
                    f"{account.name}-{account.n}@ledger.example")

    def own_email(self, account):
        """Changed by its owner, who follows the link."""
        for session in account.sessions:
            if self.ledger.steady and session.alive == {True} and not only(account.disabled) and account.locked_at is None:
                account.n += 1
                old, new = only(account.email), f"{account.name}-{account.n}@ledger.example"
                answer = self.call("SELECT djust_change_email(%s, %s, %s)", session.access[-1], only(account.password), new)
                link = None if "error" in answer else self.mailed("djc_", new)
                if "error" in answer:
                    self.ledger.lost.append(f"{account.name}: a change of address got {answer}")
                if link is None:
                    return
                account.email.add(new)
                account.former_email = None
                answer = self.end(account, "SELECT djust_confirm_email(%s)", link, but=session)
                if "error" in answer:
                    self.ledger.lost.append(f"{account.name}: a confirmation that was never used got {answer}")
                    return
                account.email, account.former_email = {new}, old
                account.used_confirmations.append(link)
                account.events["email_changed"] = account.events.get("email_changed", 0) + 1
                return

    def put_back(self, account):
        """By the link of the notice: the address before, and a password that is suspended."""
        former = account.former_email
        link = former and self.mailed("djv_", former)
        if not link:
            return
        account.email.add(former)
        account.former_email = None
        answer = self.end(account, "SELECT djust_revert_email(%s)", link)
        if "error" in answer:
            self.ledger.lost.append(f"{account.name}: the link of a notice got {answer}")
            return
        account.email = {former}
        account.locked_at = time.time()
        account.events["email_changed"] = account.events.get("email_changed", 0) + 1

    def sign_up(self, account):
        """Of somebody new, with an account's name for a name."""
        account.n += 1
        email, password = f"{account.name}-{account.n}@new.example", f"Tulips-4-{account.name}-{account.n}"
        answer = self.call("SELECT djust_sign_up(%s, %s)", email, password)
        link = None if "error" in answer else self.mailed("djc_", email)
        if "error" in answer:
            self.ledger.lost.append(f"{email}: a sign-up got {answer}")
        if link is None:
            return
        answer = self.call("SELECT djust_confirm_email(%s)", link)
        if "error" in answer:
            self.ledger.lost.append(f"{email}: a confirmation that was never used got {answer}")
            return
        account.used_confirmations.append(link)
        self.ledger.newcomers.append((email, password))

    def assign(self, account):
        buyer = self.dice.random() < 0.5
        self.change(account.buyer, buyer, f"SELECT djust_auth.{'add' if buyer else 'remove'}_profile(%s, 'buyer')", account.id)

    def lock(self, account):
        """Wrong passwords up to the limit."""
        if account.locked_at or only(account.disabled):
            return
        for _ in range(12):		# one more than the limit, if the clock ends a wait
            answer = self.call("SELECT djust_login(%s, %s)", only(account.email), WRONG)
            if answer.get("error") == "too_many_attempts":
                account.locked_at = time.time()
                return

    def unlock(self, account):
        self.call("SELECT djust_auth.unlock_user(%s)", account.id)
        account.locked_at = None

    VERBS = {"login": 8, "refresh": 12, "reuse": 3, "logout": 3, "end_sessions": 1, "change_password": 2, "set_password": 1, "reset": 2,
             "disable": 1, "enable": 2, "change_email": 1, "own_email": 2, "put_back": 1, "sign_up": 1, "assign": 4, "lock": 1, "unlock": 1}

    def work(self):
        """Until something cuts it off, or, where clients are to go on, until the quiet."""
        while not self.ledger.quiet.is_set():
            account = self.dice.choice(self.accounts)
            if not account.sure():
                time.sleep(0.001)
                continue
            before = copy.deepcopy(account)
            verb = self.dice.choices(list(self.VERBS), self.VERBS.values())[0]
            try:
                getattr(self, verb)(account)
            except CutOff as cut:
                if not self.ledger.goes_on:
                    return
                if isinstance(cut, Refused):
                    account.__dict__.update(before.__dict__)
                    time.sleep(0.01)
            except psycopg2.Error as error:
                self.ledger.lost.append(f"{account.name}: {verb} raised {error.pgcode} {error}")
                return


class Ledger:
    def __init__(self, server, steady=True):
        self.server = server	# where clients connect
        self.steady = steady	# the clock is: an access token lives from its answer on
        self.refusal = None	# SQLSTATE with which calls may be refused
        self.lost = []	# findings
        self.lost_by_contract = self.acknowledged = self.refused = self.cut_off = 0
        self.links = {}	# by prefix and address: the secret of the last mail
        self.newcomers = []	# addresses and passwords of those who signed up
        self.links_lock = threading.Lock()
        self.quiet = threading.Event()
        self.clients = [Client(self, i) for i in range(CLIENTS)]
        self.accounts = [account for client in self.clients for account in client.accounts]

    def open(self):
        with contextlib.closing(self.server.connect()) as db:
            db.run("CREATE EXTENSION djust_auth; CREATE EXTENSION amcheck")
            db.run("SELECT djust_auth.create_profile('buyer'); SELECT djust_auth.set_right('buyer', '/orders', 'write')")
            for account in self.accounts:
                account.id = db.create_user(only(account.email), only(account.password))
            db.until_worker()

    def connected(self):
        def tried():
            try:
                return self.server.connect()
            except psycopg2.OperationalError:
                return None
        found = []
        until(lambda: found.append(tried()) or found[-1], "the server to let us in")
        return found[-1]

    def under_load(self, seconds, strike, goes_on=False):
        """The clients work for so long, then strike() happens; what it did to them is awaited."""
        self.quiet.clear()
        self.goes_on = goes_on
        threads = [later(client.work) for client in self.clients]
        time.sleep(seconds)
        struck_at = time.time()
        strike()
        self.quiet.set()
        for thread in threads:
            thread.result(120)
        for client in self.clients:
            client.db = None
        return struck_at

    def sabotage(self):
        if FAULT:
            with contextlib.closing(self.connected()) as db:
                db.run("DELETE FROM djust_auth.session")

    def check(self, struck_at, name):
        """A test point: what was acknowledged before is there."""
        before = len(self.lost)
        with contextlib.closing(self.connected()) as db:
            db.until_worker()
            db.until_written()
            for account in self.accounts:
                self.check_account(db, account, struck_at)
            self.check_newcomers(db)
        ok(len(self.lost) == before, f"{name}: nothing acknowledged is lost", "\n".join(self.lost[before:before + 20]))

    def settle(self, fact, value, what):
        if value not in fact:
            self.lost.append(f"{what} is {value}, expected {' or '.join(map(str, fact))}")
        fact.clear()
        fact.add(value)

    def check_account(self, db, account, struck_at):
        row = db.row("SELECT email, disabled_at IS NOT NULL, EXISTS (SELECT FROM djust_auth.user_profile WHERE user_id = id AND profile = 'buyer')"
                     " FROM djust_auth.customer_user WHERE id = %s", account.id)
        if row is None:
            self.lost.append(f"{account.name} is gone")
            return
        email, disabled, buyer = row
        self.settle(account.email, email, f"{account.name}: email")
        self.settle(account.disabled, disabled, f"{account.name}: disabled")
        self.settle(account.buyer, buyer, f"{account.name}: profile")
        for session in account.sessions:
            for token in session.access:
                alive, now = db.row("SELECT (djust_introspect(%s) ->> 'active')::bool, extract(epoch FROM clock_timestamp())", token)
                if claims_of(token)["iat"] <= now + SKEW_S and now < claims_of(token)["exp"]:
                    self.settle(session.alive, alive, f"{account.name}: session alive")
                elif alive:
                    self.lost.append(f"{account.name}: a token is alive before or after its time")
                if alive and db.can(token, "/orders", "write") != buyer:
                    self.lost.append(f"{account.name}: right to write is not {buyer}")
            if session.alive == {False} and "error" not in db.refresh(session.refresh[-1]):
                self.lost.append(f"{account.name}: the refresh token of a dead session is good")
        for link in account.used_links[-3:]:
            if "error" not in db.confirm(link, "Nettles-9-Again"):
                self.lost.append(f"{account.name}: a link was used twice")
        for link in account.used_confirmations[-3:]:
            if "error" not in db.one("SELECT djust_confirm_email(%s)", link):
                self.lost.append(f"{account.name}: a confirmation was used twice")
        for event, n in account.events.items():
            there = db.one("SELECT count(*) FROM djust_auth.audit_event WHERE user_id = %s AND event = %s", account.id, event)
            if there < n:
                self.lost.append(f"{account.name}: {there} events {event} of {n} that were acknowledged")
        if account.locked_at:
            failures = db.one("SELECT failures FROM djust_auth.throttle_lock WHERE user_id = %s", account.id) or 0
            if failures < 10 and account.locked_at < struck_at - LOCK_WRITTEN_S:
                self.lost.append(f"{account.name}: a lock of {struck_at - account.locked_at:.1f} s before the crash is gone")
            elif failures < 10:
                self.lost_by_contract += 1
        # resets the count, so that the password can be tried
        db.run("SELECT djust_auth.unlock_user(%s)", account.id)
        account.locked_at = None
        self.check_password(db, account)

    def check_newcomers(self, db):
        known = {email for (email,) in db.all("SELECT email FROM djust_auth.customer_user WHERE email LIKE '%%@new.example'")}
        self.lost += [f"{email} has signed up, and is gone" for email, _ in self.newcomers if email not in known]
        if self.newcomers and "error" in db.login(*self.newcomers[-1]):
            self.lost.append(f"{self.newcomers[-1][0]} has signed up, and cannot log in")
        events = db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'signed_up'")
        if events < len(self.newcomers):
            self.lost.append(f"{events} events signed_up of {len(self.newcomers)} that were acknowledged")

    def check_password(self, db, account):
        db.run("SELECT djust_auth.enable_user(%s)", account.id)
        account.disabled = {False}
        good = [password for password in account.password if "error" not in db.login(only(account.email), password)]
        if len(good) != 1:
            self.lost.append(f"{account.name}: {len(good)} of the passwords it may have are good")
        account.password = set(good[:1]) or account.password
        if account.old_password and account.old_password not in good and "error" not in db.login(only(account.email), account.old_password):
            self.lost.append(f"{account.name}: the password before is good")

    def sound(self):
        """Tables and indexes; every event is sealed, and no seal is broken."""
        with contextlib.closing(self.connected()) as db:
            db.until_worker()
            db.until_written()
            until(lambda: db.one(SEALED) or db.one("SELECT pg_reload_conf(), pg_sleep(0.2)") is None, "the seal")
            equal(db.all("SELECT finding FROM djust_auth.audit_verify()"), [], "audit_verify finds nothing")
            equal(db.all("""SELECT c.relname, v.msg FROM pg_class c, LATERAL verify_heapam(c.oid) v
                WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind = 'r'"""), [], "verify_heapam finds nothing")
            db.run("""SELECT bt_index_parent_check(c.oid, true, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
                WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind = 'i' AND a.amname = 'btree'""")
            ok(True, "bt_index_parent_check finds nothing")

    def figures(self):
        note(f"figures: seed {SEED}: {self.acknowledged} answers acknowledged, {self.refused} refused, {self.cut_off} cut off; "
             f"{len(self.lost)} lost, {self.lost_by_contract} newest locks lost by contract")
        tally(self.acknowledged, len(self.lost), self.lost_by_contract)
