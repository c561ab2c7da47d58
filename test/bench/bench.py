"""Measures every case beside its floor and prints one Markdown table; see run.sh for the options."""

import os
import sys
import time
import traceback

import cases_login
import cases_peer
import cases_read
import cases_router
import cases_write
import harness
from harness import Table, say
from store import Store

CASES = {
    "can-current": cases_read.can_current,
    "can-small": cases_read.can_small,
    "can-patterns": cases_read.can_patterns,
    "can-old": cases_read.can_old,
    "can-pgbench": cases_read.can_pgbench,
    "pre-request": cases_read.pre_request,
    "rls-once": cases_read.rls_once,
    "rls-row": cases_read.rls_row,
    "visible": cases_read.visible,
    "refresh": cases_write.refresh,
    "logout": cases_write.logout,
    "reset": cases_write.reset,
    "wal": cases_write.wal,
    "hot": cases_write.hot,
    "login-2": cases_login.login_2,
    "login-8": cases_login.login_8,
    "login-64": cases_login.login_64,
    "flood-memory": cases_login.flood_memory,
    "flood-can": cases_login.flood_can,
    "memory-backend": cases_login.memory_backend,
    "memory-200": cases_login.memory_200,
    "router-can": cases_router.router_can,
    "router-login": cases_router.router_login,
    "standby": cases_router.standby,
    "peer-plpgsql": cases_peer.plpgsql,
    "peer-better-auth": cases_peer.better_auth,
}

SETTINGS = ["server_version", "shared_buffers", "fsync", "synchronous_commit", "full_page_writes", "wal_level", "max_connections",
            "max_wal_size", "checkpoint_timeout", "djust_auth.argon2_memory", "djust_auth.argon2_iterations",
            "djust_auth.argon2_parallelism", "djust_auth.max_concurrent_hashes"]


def chosen():
    prefixes = os.environ.get("BENCH_ONLY", "").split()
    return {name: case for name, case in CASES.items() if not prefixes or name.startswith(tuple(prefixes))}


def settings(db, elapsed):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    yield f"- {harness.CORES} cores, {model}; {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GB of memory"
    yield "- " + ", ".join(f"{name} = {db.one(f'SHOW {name}')}" for name in SETTINGS) + f"; huge pages in use: {harness.huge_pages()}"
    yield (f"- {harness.USERS:,} users, {harness.SESSIONS:,} live sessions, {harness.PROFILES:,} profiles, {harness.ROUTES:,} route patterns, "
           f"2 profiles a user; {harness.ROUNDS} rounds, {harness.SECONDS} s of pgbench a side and round; {elapsed / 60:.0f} minutes in all")


class Bench:
    def __init__(self):
        self.table = Table()
        self.store = Store("store", harness.USERS, harness.SESSIONS).load()
        self.shards = None


def main():
    if sys.argv[1:] == ["list"]:
        print("\n".join(CASES))
        return 0
    start = time.monotonic()
    cases = chosen()
    bench = Bench()
    for name, case in cases.items():
        say(name)
        try:
            case(bench)
        except Exception:
            traceback.print_exc()
            bench.table.remark(name, "**failed to run**")
            bench.table.failed.append(name)
    text = "\n".join([*bench.table.lines, "", *settings(bench.store.db, time.monotonic() - start)])
    print(text)
    if os.environ.get("BENCH_OUT"):
        with open(os.environ["BENCH_OUT"], "w", encoding="utf-8") as file:
            file.write(text + "\n")
    return 1 if bench.table.failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
