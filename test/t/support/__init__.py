"""What the Python programs of test/t share: test points, connections, throw-away clusters."""

import atexit
import base64
import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

import psycopg2

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SETUP = os.path.join(ROOT, "test", "lib", "setup.sh")
GOOD = "Tulips-4-Ann"
OTHER = "Daisies-5-Bob"
WRONG = "Nettles-6-Eve"
PATIENCE = 120
SEED = int(os.environ.get("SEED", "1"))

# Test points (https://testanything.org), the plan last

_points = 0
_failures = 0


def ok(good, name, detail=None):
    global _points, _failures
    _points += 1
    _failures += not good
    print(f"{'ok' if good else 'not ok'} {_points} - {name}", flush=True)
    if not good:
        for line in traceback.format_stack(limit=4)[:-1]:
            if "support/__init__" not in line:
                note(line.strip().replace("\n", " "))
        if detail is not None:
            note(detail)
    return good


def equal(got, expected, name):
    return ok(got == expected, name, f"got {got!r}, expected {expected!r}")


def fails(sqlstate, function, name, pattern=None):
    """The function must end in an error of this SQLSTATE, whose message, detail or hint matches the pattern."""
    try:
        got = function()
    except psycopg2.Error as error:
        text = str(error)
        return ok(error.pgcode == sqlstate and (pattern is None or re.search(pattern, text) is not None), name,
                  f"got {error.pgcode} {text!r}, expected {sqlstate} {pattern or ''}")
    return ok(False, name, f"got {got!r}, expected {sqlstate}")


def fails_with(kind, function, name):
    """The function must raise an exception of this kind, which is given back."""
    try:
        got = function()
    except kind as error:
        ok(True, name)
        return error
    ok(False, name, f"got {got!r}, expected {kind.__name__}")
    return None


def skip(name, reason):
    global _points
    _points += 1
    print(f"ok {_points} - {name} # SKIP {reason}", flush=True)


def note(text):
    print("# " + str(text).replace("\n", "\n# "), flush=True)


def measured(good, name, detail=None):
    """A point about times or memory: it says nothing where a sanitizer multiplies both."""
    return skip(name, "times and memory are those of a sanitizer") if "ASAN_OPTIONS" in os.environ else ok(good, name, detail)


def tally(tried, lost, by_contract=0):
    """What make torture shows of a program: how often it tried, what did not survive, and what the contract lets go."""
    note(f"tally: {tried}, {tried - lost - by_contract}, {lost}, {by_contract}")


def main(*parts):
    """Runs the parts of a program; one that breaks off is a failure and the next one still runs."""
    for part in parts:
        note(part.__name__)
        start = time.monotonic()
        try:
            part()
        except Exception:
            ok(False, f"{part.__name__} breaks off", traceback.format_exc())
        note(f"took {time.monotonic() - start:.0f} s: {part.__name__}")
    print(f"1..{_points}", flush=True)
    sys.exit(1 if _failures else 0)


# Connections

COUNTS = """SELECT relname, ARRAY[coalesce(seq_scan, 0), coalesce(idx_scan, 0), n_tup_ins, n_tup_upd, n_tup_del]
    FROM pg_stat_xact_all_tables WHERE schemaname = 'djust_auth'"""


class Db:
    """An autocommit connection; a transaction is begun with begin() and ended with commit() or rollback()."""

    def __init__(self, **options):
        self.raw = psycopg2.connect(**{"host": os.environ["PGHOST"], "port": os.environ["PGPORT"],
                                       "user": os.environ["PGUSER"], "dbname": os.environ["PGDATABASE"],
                                       "options": f"-c lock_timeout={PATIENCE // 2}s", **options})
        self.raw.autocommit = True
        self.cursor = self.raw.cursor()
        self.pid = self.raw.get_backend_pid()

    def all(self, sql, *values):
        self.cursor.execute(sql, values or None)
        return self.cursor.fetchall() if self.cursor.description else None

    def row(self, sql, *values):
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def one(self, sql, *values):
        row = self.row(sql, *values)
        return row[0] if row else None

    def run(self, sql, *values):
        self.cursor.execute(sql, values or None)

    def begin(self, level="READ COMMITTED"):
        self.run("BEGIN ISOLATION LEVEL " + level)

    def begin_with_snapshot(self):
        """REPEATABLE READ, its snapshot taken."""
        self.begin("REPEATABLE READ")
        self.run("SELECT count(*) FROM pg_class")

    def commit(self):
        self.run("COMMIT")

    def rollback(self):
        self.run("ROLLBACK")

    def close(self):
        self.raw.close()

    def watch_statements(self):
        self.run("SET log_min_messages = warning")  # what goes into the log, too, has its text masked
        self.run("LOAD 'auto_explain'")
        self.run("SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = notice")

    def executed(self, statement):
        """How many statements, with those that functions execute by SPI: auto_explain tells of every one the executor gets."""
        self.raw.notices.clear()
        self.run(statement)
        return sum("Query Text" in notice for notice in self.raw.notices)

    # the API

    def create_user(self, email, password=GOOD, profiles=()):
        return self.one("SELECT djust_auth.create_user(%s, %s, %s)::text", email, password, list(profiles))

    def login(self, email, password=GOOD):
        return self.one("SELECT djust_login(%s, %s)", email, password)

    def can(self, token, route="/orders", access="read"):
        return self.one("SELECT djust_can(%s, %s, %s)", token, route, access)

    def refresh(self, token):
        return self.one("SELECT djust_refresh(%s)", token)

    def logout(self, token):
        return self.one("SELECT djust_logout(%s)", token)

    def confirm(self, link, password=OTHER):
        return self.one("SELECT djust_reset_confirm(%s, %s)", link, password)

    def stats(self, name):
        return self.one("SELECT (djust_auth.stats() ->> %s)::bigint", name)

    def sessions(self, user_id):
        return self.one("SELECT count(*) FROM djust_auth.active_session WHERE user_id = %s", user_id)

    def reset_link(self, email):
        """Asks for a mail and takes the secret out of it."""
        self.run("SELECT djust_reset_request(%s)", email)
        body = self.one("SELECT body_text FROM djust_auth.claim_mail(1000) WHERE recipient = %s AND body_text ~ 'djp_'", email)
        return re.search(r"djp_[A-Za-z0-9_-]+", body).group()

    def worker(self):
        """Process of the worker of this database, or None."""
        return self.one("SELECT pid FROM pg_stat_activity WHERE backend_type = 'djust_auth worker ' || current_database()")

    def work(self, statement, *values):
        """
        What a statement did to our tables, in a transaction that is begun: scans by sequence and by index, rows inserted,
        updated, deleted.  Rows fetched are left out, for an unknown address has none.
        """
        before = dict(self.all(COUNTS))
        self.run(statement, *values)
        after = dict(self.all(COUNTS))
        return {table: [n - old for n, old in zip(after[table], before[table])] for table in after if after[table] != before[table]}

    def until_worker(self, other_than=None):
        until(lambda: self.worker() not in (None, other_than), "the worker")
        return self.worker()

    def until_written(self):
        """All events and locks that were made are in the tables."""
        until(lambda: self.stats("events_waiting") == 0, "the queue to be written")

    def setting(self, name, value):
        """For every session, awaited in this one; None takes it back."""
        if value is None:
            self.run(f"ALTER SYSTEM RESET djust_auth.{name}")
        else:
            self.run(f"ALTER SYSTEM SET djust_auth.{name} = %s", value)
        before = self.one("SELECT pg_conf_load_time()")
        self.run("SELECT pg_reload_conf()")
        until(lambda: self.one("SELECT pg_conf_load_time()") > before, f"new {name}")

    def processor_time(self):
        """Of the backend, in seconds: other programs beside this one do not change it."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shop(db):
    """A profile that reads /orders."""
    db.run("INSERT INTO djust_auth.profile (name) VALUES ('customer')")
    db.run("INSERT INTO djust_auth.profile_right (profile, route, access) VALUES ('customer', '/orders', 'read')")


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header_of(token):
    return json.loads(from_base64url(token.split(".")[0]))


def claims_of(token):
    return json.loads(from_base64url(token.split(".")[1]))


def error_of(answer):
    return answer.get("error") if isinstance(answer, dict) else repr(answer)


def until(condition, what, patience=PATIENCE):
    """Asks less often after a while, for other programs' sake."""
    start = time.monotonic()
    while not condition():
        waited = time.monotonic() - start
        if waited > patience:
            raise TimeoutError(f"waited {patience} s for {what}")
        time.sleep(min(0.01 + waited / 50, 0.1))


# Things at the same time


def later(function, *values):
    """Starts it in a thread; .result() waits for its answer or raises its error."""
    future = concurrent.futures.Future()

    def body():
        try:
            future.set_result(function(*values))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=body, daemon=True).start()
    return future


def together(dbs, function):
    """function(db, i) on every connection, released by one barrier; answers, or the exceptions, in order."""
    barrier = threading.Barrier(len(dbs))

    def body(db, i):
        barrier.wait()
        try:
            return function(db, i)
        except psycopg2.Error as error:
            return error

    futures = [later(body, db, i) for i, db in enumerate(dbs)]
    return [future.result(PATIENCE) for future in futures]


def until_blocked(observer, pid, by=None):
    until(lambda: observer.one("SELECT coalesce(%s = ANY (pg_blocking_pids(%s)), cardinality(pg_blocking_pids(%s)) > 0)",
                               by, pid, pid), f"backend {pid} to wait for a lock")


# Clusters


def write_key(file, digits, mode=0o600):
    """A key file, in place of what is there."""
    if os.path.exists(file):
        os.remove(file)
    with open(os.open(file, os.O_CREAT | os.O_WRONLY, mode), "w", encoding="ascii") as opened:
        opened.write(digits)
    if os.getuid() == 0:
        shutil.chown(file, "postgres")


def memory(pid):
    """Private memory of a process in kB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"Private_Dirty: +(\d+)", file.read()).group(1))


def kill(*pids):
    """SIGKILL; false where one of them is gone already."""
    gone = 0
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            gone += 1
    return not gone


def setup(*words, check=True):
    """A function of test/lib/setup.sh."""
    return subprocess.run(["sh", SETUP, *words], check=check, stdout=subprocess.PIPE, text=True).stdout


def program(name, *words, check=True, **options):
    """A program of the server under test."""
    return subprocess.run([os.path.join(os.environ["DJUST_BIN"], name), *words], check=check, text=True,
                          stdout=subprocess.PIPE, **options).stdout


class Cluster:
    def __init__(self, name, *lines):
        self.name = name
        self.folder = os.path.join(os.environ["DJUST_TMP"], name)
        answers = dict(line.split("=", 1) for line in setup("start_cluster", name, *lines).split())
        self.adopt(answers["PGHOST"], answers["PGPORT"])

    def adopt(self, host, port):
        self.host, self.port = host, port
        self.data = os.path.join(self.folder, "data")
        atexit.register(self.stop)

    def connect(self, dbname="postgres", **options):
        return Db(host=self.host, port=self.port, user="postgres", dbname=dbname, **options)

    def configure(self, *lines):
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in lines))

    def ctl(self, *words):
        setup("cluster_ctl", self.name, *words)

    def restart(self, mode="immediate"):
        self.stop(mode)
        self.ctl("start")

    def postmaster(self):
        """Its process."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
            return int(file.readline())

    def processes(self, pattern="."):
        """Of the server, its postmaster's children, whose title matches."""
        return [int(pid) for pid in subprocess.run(["pgrep", "-P", str(self.postmaster()), "-f", pattern], stdout=subprocess.PIPE,
                                                   text=True, check=False).stdout.split()]

    def start_again(self):
        """The orphans of a killed postmaster have to end first."""
        until(lambda: subprocess.run(["sh", SETUP, "cluster_ctl", self.name, "start"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     check=False).returncode == 0, "the server to start")

    def standby(self, name):
        """A hot standby of this cluster.  Both listen on sockets in folders of their own, so they can have one port number."""
        folder = os.path.join(os.environ["DJUST_TMP"], name)
        os.mkdir(folder, 0o700)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        setup("as_server", os.path.join(os.environ["DJUST_BIN"], "pg_basebackup"), "-h", self.host, "-p", self.port, "-U", "postgres",
              "-D", os.path.join(folder, "data"), "-R", "-X", "stream", "-c", "fast")
        cluster = Cluster.__new__(Cluster)
        cluster.name, cluster.folder = name, folder
        cluster.adopt(folder, self.port)
        cluster.configure(f"unix_socket_directories = '{folder}'")
        cluster.ctl("start")
        return cluster

    def stop(self, mode="immediate"):
        setup("stop_cluster", self.name, mode, check=False)

    def log(self):
        """Without the SQLSTATEs that log_error_verbosity adds."""
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return re.sub(r"\b((?:LOG|WARNING|ERROR|FATAL|PANIC):  )(?=[A-Z]*\d)[0-9A-Z]{5}: ", r"\1", file.read())

    def environment(self, dbname):
        return {**os.environ, "PGHOST": self.host, "PGPORT": self.port, "PGUSER": "postgres", "PGDATABASE": dbname}


def here(dbname):
    """The environment for programs that shall work in another database of the cluster all tests share."""
    return {**os.environ, "PGDATABASE": dbname}
