"""A flood of reset requests for invented addresses: a user's mail queued behind it leaves within seconds. FLOOD: the number of requests."""

import os
import tempfile
import time

from support import Cluster, equal, main, note, ok, until
from support.smtp import PASSWORD, Authority, Server

FLOOD = int(os.environ.get("FLOOD", "6000"))

folder = tempfile.TemporaryDirectory()
os.chmod(folder.name, 0o755)
authority = Authority(folder.name)
server = Server("starttls", authority.context())
cluster = Cluster("mail_flood", "djust_auth.databases = 'postgres'", "djust_auth.mail_from = 'no-reply@shop.example'", "djust_auth.smtp_user = 'shop'",
                  "djust_auth.smtp_password_file = 'smtp_password'", f"djust_auth.smtp_ca_file = '{authority.file}'", "max_wal_size = 4GB")
with open(os.path.join(cluster.data, "smtp_password"), "w", encoding="ascii") as password_file:
    os.fchown(password_file.fileno(), os.stat(cluster.data).st_uid, -1)
    os.fchmod(password_file.fileno(), 0o600)
    password_file.write(PASSWORD + "\n")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
db.until_worker()
customers = [f"customer{n}@flood.example" for n in range(4)]
for customer in customers:
    db.create_user(customer)


def flood(name, n=FLOOD):
    start = time.monotonic()
    db.run("SELECT count(djust_reset_request(%s || n || '@flood.example')) FROM generate_series(1, %s) n", name, n)
    note(f"{n} requests for invented addresses in {time.monotonic() - start:.1f} s")


def request(address):
    db.run("SELECT djust_reset_request(%s)", address)


def waiting():
    return db.one("SELECT count(*) FROM djust_auth.mail_queue WHERE done_at IS NULL")


def claimed():
    """One call finds the mail behind them; what it has locked, others need not wait for."""
    flood("early")
    request(customers[0])
    flood("late")
    request(customers[1])
    other = cluster.connect()
    db.begin()
    start = time.monotonic()
    equal(db.one("SELECT recipient FROM djust_auth.claim_mail(1)"), customers[0], "claim_mail(1) finds the first mail behind the flood")
    first = time.monotonic() - start
    start = time.monotonic()
    equal(other.all("SELECT recipient FROM djust_auth.claim_mail(10)"), [(customers[1],)], "others who claim meanwhile find the next one")
    note(f"claimed in {first:.2f} s and {time.monotonic() - start:.2f} s")
    db.commit()
    equal(other.all("SELECT recipient FROM djust_auth.claim_mail(10)"), [], "then there is none")
    equal(waiting(), 2, "and only theirs wait to be sent")
    equal(db.one("SELECT count(*) FROM djust_auth.mail_queue WHERE last_error = 'no recipient' AND done_at IS NOT NULL"), 2 * FLOOD, "the invented ones are given up")
    equal(db.one("SELECT djust_auth.purge() ->> 'mail_queue'"), str(2 * FLOOD), "and leave with the next purge")


def sent():
    """By the worker, which has other things to do meanwhile."""
    flood("queued")
    request(customers[2])
    start = time.monotonic()
    db.setting("smtp_url", server.url)
    until(lambda: server.of(customers[2]), "the mail")
    took = time.monotonic() - start
    note(f"sent {took:.1f} s after the worker could begin, with {FLOOD} before it")
    ok(took < 10, "a customer's mail leaves within 10 s", took)
    flood("running")
    request(customers[3])
    start = time.monotonic()
    until(lambda: server.of(customers[3]), "the mail")
    took = time.monotonic() - start
    note(f"sent {took:.1f} s after its request, while the worker works at a flood")
    ok(took < 10, "also when the flood comes with the worker at work", took)
    until(lambda: waiting() == 2, "the end of the flood")
    equal(cluster.log().count("ERROR:"), 0, "without an error in the log")


main(claimed, sent)
