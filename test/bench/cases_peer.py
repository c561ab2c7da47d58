"""Peers on the same data: plain PL/pgSQL (peer.sql), and better-auth from npm (better_auth.mjs)."""

import json
import os
import shutil
import statistics
import subprocess

import harness
from cases_login import logins
from cases_read import CAN, Scan
from cases_write import CLIENTS, REFRESH, chain_scripts, chains_of, refresh_script
from harness import (API_ROLE, CORES, HERE, PASSWORD, ROUNDS, Pgbench, argon2_loop, connect, cpu_of, each, interleave,
                     on_one_core, say)
from support import program, setup

TURNS = 8
CALLS_A_TURN = 8
PEER_REFRESH = refresh_script("peer.refresh", 11)
PACKAGES = ["better-auth@1", "pg@8"]


def beside_hash(calls, bare):
    """
    CPU seconds of a call beside its hash. In short turns, for what the neighbours do to caches and clocks changes; calls
    and bare answer the CPU seconds of one.
    """
    def measure():
        return statistics.mean(calls() - bare() for _ in range(TURNS))
    return measure


def cpu_of_calls(db, sql, *values):
    """CPU seconds of the backend for one call."""
    on_one_core(db.pid)

    def measure():
        start = cpu_of(db.pid)
        for _ in range(CALLS_A_TURN):
            if not db.one(sql, *values):
                raise AssertionError(f"{sql} answers nothing")
        return (cpu_of(db.pid) - start) / CALLS_A_TURN
    measure()
    return measure


def argon2_cpu():
    return argon2_loop(seconds=0.1, threads=1, pin=lambda: on_one_core(0))[0]


# PL/pgSQL


def load_plpgsql(bench):
    db = bench.store.connect()
    if db.one("SELECT to_regnamespace('peer')") is None:
        say("the same data for PL/pgSQL")
        with open(os.path.join(HERE, "peer.sql"), encoding="utf-8") as file:
            db.run(file.read())
        db.run("VACUUM ANALYZE")
        db.run("CHECKPOINT")
        db.close()
        db = bench.store.connect()
    return db


def plpgsql(bench):
    db = load_plpgsql(bench)
    got = interleave(ours=Scan(db, "bench.token", CAN), theirs=Scan(db, "peer.token", "peer.can(access_token, path, 'read')"))
    bench.table.line("session check in the server, a call", "PL/pgSQL: JWT by hmac, session, rights", "s", got["ours"], got["theirs"], most=1)
    plpgsql_refresh(bench)
    plpgsql_login(bench, db)


def plpgsql_refresh(bench):
    chains = chains_of(bench)
    bases = iter(range(0, ROUNDS * CLIENTS * chains, CLIENTS * chains))

    def pgbench(name, script, what, table, role):
        return Pgbench(bench.store.dbname, name, *chain_scripts(script, chains, what, table), clients=CLIENTS,
                       variables={f"started{k}": 0 for k in range(chains)}, role=role)

    ours = pgbench("refresh", REFRESH, "refresh_token", "spare", API_ROLE)
    theirs = pgbench("peer_refresh", PEER_REFRESH, "'peer' || n", "person", "postgres")
    got = interleave(ours=lambda: ours.run(variables={"base": bench.store.take(CLIENTS * chains)}),
                     theirs=lambda: theirs.run(variables={"base": next(bases)}))
    bench.table.line(f"refresh, {CLIENTS} clients, refreshes/s", "PL/pgSQL: digest in an indexed column, JWT by hmac", "",
                     got["ours"], got["theirs"], least=1)


def plpgsql_login(bench, db):
    """By pgbench with both costs of bcrypt; and the CPU time that is not the hash."""
    odd = {"default": 0, "stronger": 1}
    last = (bench.store.users - 2) // 2
    runs = {name: Pgbench(bench.store.dbname, f"peer_{name}", rf"""\set n 2 * random(0, {last}) + {rest}
SELECT peer.login('user' || :n || '@bench.example', :password);
""", clients=CORES, variables={"password": PASSWORD}, role="postgres").run for name, rest in odd.items()}
    got = interleave(ours=logins(bench, "login_peer", CORES).run, **runs)
    for name, what, least in (("default", "PL/pgSQL: bcrypt of cost 6, the default of gen_salt('bf')", None),
                              ("stronger", "PL/pgSQL: bcrypt of cost 10, OWASP's least", 1)):
        bench.table.line(f"login, {CORES} clients, logins/s (Argon2id, 19 MiB, t=2)", what, "", got["ours"], got[name], least=least)
    stored = db.one("SELECT pass FROM peer.users WHERE email = 'user0@bench.example'")
    got = interleave(
        ours=beside_hash(cpu_of_calls(db, "SELECT djust_login(%s, %s)", "user0@bench.example", PASSWORD), argon2_cpu),
        theirs=beside_hash(cpu_of_calls(db, "SELECT peer.login(%s, %s)", "user0@bench.example", PASSWORD),
                           cpu_of_calls(db, "SELECT peer.crypt(%s, %s) = %s", PASSWORD, stored, stored)))
    bench.table.line("CPU of a login beside its hash", "PL/pgSQL, bcrypt of cost 6", "s", got["ours"], got["theirs"])


# better-auth

BETTER = """
INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
    SELECT 'user' || n, 'Ann', 'user' || n || '@bench.example', true, now(), now() FROM generate_series(0, {users} - 1) AS n;
INSERT INTO account (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
    SELECT 'account' || n, 'user' || n, 'credential', 'user' || n, '{hash}', now(), now() FROM generate_series(0, {users} - 1) AS n;
INSERT INTO session (id, "expiresAt", token, "createdAt", "updatedAt", "ipAddress", "userAgent", "userId")
    SELECT 'session' || n, now() + interval '7 days', rpad('token' || n, 32, '-'), now(), now(), '', '', 'user' || n % {users}
    FROM generate_series(0, {sessions} - 1) AS n;
"""


class Skipped(Exception):
    """Something a peer needs cannot be had here."""


def node(folder, *words, **environment):
    return subprocess.run(["node", os.path.join(folder, "better_auth.mjs"), *words], check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "BENCH_ROUNDS": str(ROUNDS), "BENCH_SECONDS": str(harness.SECONDS), **environment}).stdout


def install(folder):
    """A copy of the program next to its packages: modules are found from where it lies."""
    os.makedirs(folder, exist_ok=True)
    setup("need_node", check=False)
    with open(os.path.join(folder, "package.json"), "w", encoding="ascii") as file:
        file.write('{"private": true, "type": "module"}')
    try:
        subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", *PACKAGES], check=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        raise Skipped(f"npm could not install {' '.join(PACKAGES)}: {error}") from error
    shutil.copy(os.path.join(HERE, "better_auth.mjs"), folder)


def load_better_auth(bench, folder):
    program("createdb", "better")
    password_hash = node(folder, "prepare").strip()
    say("the same data for better-auth")
    db = connect("better")
    db.run(BETTER.format(users=bench.store.users, sessions=bench.store.sessions, hash=password_hash))
    db.run("VACUUM ANALYZE")
    db.run("CHECKPOINT")


def tokens_file(bench, folder):
    """Current tokens with paths, and refresh tokens for each client."""
    count = CLIENTS * chains_of(bench)
    first = bench.store.take(count)
    db = bench.store.connect()
    refresh = [token for token, in db.all("SELECT refresh_token FROM bench.spare WHERE n >= %s ORDER BY n LIMIT %s", first, count)]
    path = os.path.join(folder, "tokens.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"users": bench.store.users, "sessions": bench.store.sessions,
                   "current": db.all("SELECT access_token, path FROM bench.token ORDER BY n LIMIT 10000"),
                   "refresh": [refresh[k::CLIENTS] for k in range(CLIENTS)]}, file)
    return path


def better_auth(bench):
    folder = os.path.join(os.environ["DJUST_TMP"], "bench_node")
    try:
        install(folder)
    except Skipped as skipped:
        bench.table.remark("better-auth", f"skipped: {skipped}")
        return
    load_better_auth(bench, folder)
    got = json.loads(node(folder, tokens_file(bench, folder), BENCH_DATABASE=bench.store.dbname, BENCH_ROLE=API_ROLE))
    with open(os.path.join(folder, "node_modules", "better-auth", "package.json"), encoding="utf-8") as file:
        version = "better-auth " + json.load(file)["version"]
    where = f"{CLIENTS} at a time in Node.js"
    bench.table.line(f"login, {where}, logins/s (Argon2id, 19 MiB, t=2)", f"{version}: signInEmail (scrypt, N=16384, r=16, p=1)", "",
                     got["login ours"], got["login theirs"], least=1)
    bench.table.line(f"session check, {where}, calls/s", f"{version}: getSession, without rights", "", got["check ours"], got["check theirs"], least=1)
    bench.table.line(f"refresh, {where}, refreshes/s", f"{version}: getSession that renews", "", got["refresh ours"], got["refresh theirs"], least=1)
    bench.table.line("CPU of a login beside its hash, Node.js and backend", version, "s", got["beside ours"], got["beside theirs"], most=1)
