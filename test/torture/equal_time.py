"""
What the contract calls equal takes equal time: Welch's t over interleaved samples of each pair, by the backend's CPU time.

By environment: TIME_SAMPLES a side (400); TIME_FAULT=yes makes one side count to 300 besides, so that there is a
difference to find.  Hashes are imported ones of the lowest cost, so that what differs beside them shows.
"""

import math
import os
import random
import statistics

from support import GOOD, SEED, WRONG, Cluster, main, note, ok, tally

SAMPLES = int(os.environ.get("TIME_SAMPLES", "400"))
FAULT = os.environ.get("TIME_FAULT")
LIMIT = 4.5
BCRYPT = "$2b$04$N9qo8uLOickgx2ZMRZoMyeymi4cj.rctUsUnWoxLVlpXGdcYBG1Dm"
PBKDF2 = "$pbkdf2-sha256$1000$c2FsdHNhbHQ$" + 42 * "A" + "8"

cluster = Cluster("equal_time", "djust_auth.max_login_failures = 100", "djust_auth.sign_up = on", "autovacuum = off")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
dice = random.Random(SEED)
tried = lost = 0


def cpu_ns():
    with open(f"/proc/{db.pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def cost(statement, values):
    before = cpu_ns()
    db.run(statement, *values)
    return cpu_ns() - before


def welch(one, other):
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return (statistics.mean(one) - statistics.mean(other)) / math.sqrt(spread)


def without_outliers(samples):
    """The slowest twentieth is what else the machine does."""
    return sorted(samples)[:len(samples) * 19 // 20]


def compare(name, statement, one, other):
    """one(i) and other(i) give the arguments of the i-th sample of their side."""
    global tried, lost
    samples = [[], []]
    for i in range(-20, SAMPLES):
        for side in dice.sample((0, 1), 2):
            more = ", (SELECT count(*) FROM generate_series(1, 300))" if FAULT and side else ""
            ns = cost(statement + more, (one, other)[side](i))
            if i >= 0:
                samples[side].append(ns)
    t = welch(*map(without_outliers, samples))
    tried += 2 * SAMPLES
    lost += abs(t) >= LIMIT
    note(f"figures: {name}: t = {t:+.2f}, medians {statistics.median(samples[0]) / 1000:.1f} and {statistics.median(samples[1]) / 1000:.1f} us")
    ok(abs(t) < LIMIT, f"{name}: |t| < {LIMIT}", t)


def users(prefix, n, password_hash, **columns):
    names = ", ".join(["email", "password_hash", *columns])
    values = ", ".join(f"'{value}'" for value in columns.values())
    db.run(f"INSERT INTO djust_auth.customer_user ({names}) SELECT %s || n || '@time.example', %s{', ' + values if values else ''}"
           " FROM generate_series(-20, %s) n", prefix, password_hash, n)


def logins():
    """Each address once, so that no count of failures differs."""
    users("wrong", SAMPLES * 4, BCRYPT)
    users("disabled", SAMPLES, BCRYPT, disabled_at="2026-01-01")
    users("empty", SAMPLES, None)
    users("right", SAMPLES, None)
    db.run("ANALYZE djust_auth.customer_user")
    login = "SELECT djust_login(%s, %s)"
    n = iter(range(4))

    def known():
        k = next(n)
        return lambda i: (f"wrong{max(i, 0) + k * SAMPLES}@time.example", WRONG)

    compare("login, unknown address and wrong password", login, lambda i: (f"nobod{i}@time.example", WRONG), known())
    compare("login, disabled user and wrong password", login, lambda i: (f"disabled{i}@time.example", WRONG), known())
    compare("login, user without a password and wrong password", login, lambda i: (f"empty{i}@time.example", WRONG), known())


def requests():
    users("reset", SAMPLES, BCRYPT)
    compare("reset request, unknown and known address", "SELECT djust_reset_request(%s)", lambda i: (f"asker{i}@time.example",), lambda i: (f"reset{i}@time.example",))


def sign_ups():
    users("member", SAMPLES, BCRYPT)
    compare("sign-up, unknown and known address", f"SELECT djust_sign_up(%s, '{GOOD}')", lambda i: (f"guest{i}@time.example",), lambda i: (f"member{i}@time.example",))


def imports():
    """Of a store with hashes of two schemes: a stranger's attempt costs what a customer's does."""
    db.run("DELETE FROM djust_auth.customer_user")
    users("a", SAMPLES, BCRYPT)
    users("b", SAMPLES, PBKDF2)
    db.run("ANALYZE djust_auth.customer_user")
    login = "SELECT djust_login(%s, %s)"
    compare("login, unknown address and wrong password, two schemes", login, lambda i: (f"c{i}@time.example", WRONG), lambda i: (f"{'ab'[i % 2]}{i}@time.example", WRONG))


def tokens():
    user_id = db.create_user("token@time.example")
    good = db.one("SELECT djust_auth.open_session(%s)", user_id)["access_token"]
    head, body, signature = good.split(".")

    def garbage(i):
        return (head + "." + body[:8] + "".join(dice.choices("abcdefghijklmnop", k=len(body) - 8)) + "." + signature,)

    def shaped(i):
        return (head + "." + body + "." + "".join(dice.choices("abcdefghijklmnop", k=len(signature))),)

    compare("djust_can, two forged tokens of the right shape", "SELECT djust_can(%s, '/orders', 'read')", shaped,
            lambda i: (head + "." + body + "." + "".join(dice.choices("ABCDEFGHIJKLMNOP", k=len(signature))),))


def figures():
    note(f"figures: seed {SEED}, {SAMPLES} samples a side")
    tally(tried, lost)


main(logins, requests, sign_ups, imports, tokens, figures)
