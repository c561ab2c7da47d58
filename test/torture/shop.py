"""
A shop of two shards, one of which follows the other, with a standby each and a router: its customers log in, check, refresh, change
their password, log out, reset it and move.  None is on a wrong shard, none on two, and a session that has ended is dead everywhere.
"""

import os
import re
import time

from support import GOOD, OTHER, SEED, Cluster, equal, error_of, later, main, measured, note, ok, shop, skip, tally, until
from support.shards import follow, has_plproxy, publish, route, shard

CUSTOMERS = int(os.environ.get("SHOP_CUSTOMERS", "24"))
CLIENTS = 4
LAG_S = 6
LINES = ("wal_level = logical", "max_wal_senders = 8", f"djust_auth.max_replica_lag = '{LAG_S}s'", "djust_auth.databases = 'postgres'")
clusters, standbys = [], []
router, source = None, None
faults, slowest = [], [0.0]


def begin():
    global router, source
    clusters.append(shard(0, None, *LINES))
    clusters.append(shard(1, clusters[0], *LINES))
    source = clusters[0].connect()
    shop(source)
    publish(clusters[0])
    follow(clusters[1], clusters[0])
    standbys.extend(cluster.standby(f"shop_standby{number}") for number, cluster in enumerate(clusters))
    router = Cluster("shop_router")
    route(router, clusters)
    ok(True, "two shards, one follows the other, each has a standby, and there is a router")


class Customer:
    """Does everything once, and notes each answer that is not as the contract says."""

    def __init__(self, back, primaries, copies, name, by_link):
        self.back, self.primaries, self.copies, self.name, self.by_link = back, primaries, copies, name, by_link
        self.email = f"{name}@shop.example"
        self.password = GOOD
        self.id = primaries[self.home()].create_user(self.email, self.password, ["customer"])

    def home(self):
        return self.back.one("SELECT djust_router.email_shard(%s, 2)", self.email)

    def expect(self, good, what):
        if not good:
            faults.append(f"{self.name}: {what}")

    def login(self):
        tokens = self.back.login(self.email, self.password)
        self.expect("access_token" in tokens, "login")
        self.expect(self.back.can(tokens["access_token"]), "the check after a login")
        self.expect(self.back.one("SELECT djust_router.token_shard(%s)", tokens["access_token"]) == self.home(), "the shard of the token")
        return tokens

    def known(self):
        """A session that a standby has heard of."""
        tokens = self.login()
        until(lambda: any(db.can(tokens["access_token"]) for db in self.copies), "the standby")
        return tokens

    def is_dead(self, tokens, what):
        """At once on each primary, on each standby within the promised lag."""
        ended = time.monotonic()
        access, refresh = tokens["access_token"], tokens["refresh_token"]
        self.expect(not any(db.can(access) for db in (self.back, *self.primaries)), f"{what}: the access token lives")
        self.expect(error_of(self.back.refresh(refresh)) == "invalid_grant", f"{what}: the refresh token lives")
        until(lambda: not any(db.can(access) for db in self.copies), "the standbys")
        slowest[0] = max(slowest[0], time.monotonic() - ended)

    def move(self, access, email):
        """By the link of a change of address, or by an administrator."""
        if self.by_link:
            asked = self.back.one("SELECT djust_change_email(%s, %s, %s)", access, self.password, email)
            self.expect(error_of(asked) is None, "a change of address")
            link = self.primaries[self.home()].link(email)
            self.expect(self.back.one("SELECT djust_confirm_email(%s)", link) == {"status": "email_confirmed"}, "its link")
        else:
            self.back.run("SELECT djust_auth.move_user(%s, %s)", self.id, email)
        self.email = email

    def journey(self):
        tokens = self.login()
        older = tokens["access_token"]
        tokens = self.back.refresh(tokens["refresh_token"])
        self.expect("access_token" in tokens and self.back.can(tokens["access_token"]) and self.back.can(older), "refresh")
        until(lambda: any(db.can(tokens["access_token"]) for db in self.copies), "the standby")
        changed = self.back.one("SELECT djust_change_password(%s, %s, %s)", tokens["access_token"], self.password, OTHER)
        self.expect(error_of(changed) is None, "change of password")
        self.password = OTHER
        self.expect(self.back.logout(tokens["access_token"]), "logout")
        self.is_dead(tokens, "logout")
        tokens = self.known()
        self.back.run("SELECT djust_reset_request(%s)", self.email)
        link = self.primaries[self.home()].link(self.email)
        self.expect(error_of(self.back.confirm(link, GOOD)) is None, "reset")
        self.password = GOOD
        self.is_dead(tokens, "reset")
        tokens = self.known()
        before = self.home()
        self.move(tokens["access_token"], f"{self.name}.moved@shop.example")
        if self.home() == before:
            self.expect(self.back.can(tokens["access_token"]), "a new address on the same shard ends no session")
        else:
            self.is_dead(tokens, "move")
        self.login()


class Primary:
    """A shard, and the links in the mails that it claims; all clients share them."""

    links = {}

    def __init__(self, cluster):
        self.db = cluster.connect()

    def __getattr__(self, name):
        return getattr(self.db, name)

    def link(self, email):
        def claimed():
            for recipient, body in self.db.all("SELECT recipient, body_text FROM djust_auth.claim_mail(100) WHERE body_text ~ 'dj[pc]_'"):
                Primary.links[recipient] = re.search(r"dj[pc]_[\w-]+", body).group()
            return email in Primary.links

        until(claimed, "the mail")
        return Primary.links.pop(email)


def client(number):
    back = router.connect()
    primaries, copies = [Primary(cluster) for cluster in clusters], [standby.connect() for standby in standbys]
    made = []
    for n in range(number, CUSTOMERS, CLIENTS):
        made.append(Customer(back, primaries, copies, f"customer{n}.{SEED}", n // CLIENTS % 2 == 0))
        made[-1].journey()
    return made


def journeys():
    started = time.monotonic()
    for n, working in enumerate([later(client, number) for number in range(CLIENTS)]):
        working.result(3600)
    equal(faults, [], f"{CUSTOMERS} customers: every answer is as the contract says")
    measured(slowest[0] < LAG_S, f"a session that has ended is dead on standbys within {LAG_S} s", slowest)
    note(f"{CUSTOMERS} customers in {time.monotonic() - started:.0f} s; the slowest end on a standby took {slowest[0]:.2f} s")


def places():
    counts = {}
    for number, cluster in enumerate(clusters):
        db = cluster.connect()
        for user_id, right in db.all("SELECT id::text, djust_auth.email_shard(email, 2) FROM djust_auth.customer_user"):
            counts.setdefault(user_id, []).append((number, right))
        equal(db.one("SELECT count(*) FROM djust_auth.leaving_user"), 0, f"nobody waits on shard {number}")
    equal(len(counts), CUSTOMERS, "no customer is lost")
    equal([places for places in counts.values() if len(places) != 1], [], "none is on two shards")
    equal([places for places in counts.values() if places[0][0] != places[0][1]], [], "none on a wrong one")
    tally(CUSTOMERS, len(faults) + CUSTOMERS - len(counts))


def missing():
    skip("a shop of two shards", "postgresql-plproxy could not be installed")


main(*([begin, journeys, places] if has_plproxy() else [missing]))
