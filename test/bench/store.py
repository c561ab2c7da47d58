"""The store that is measured: users and profiles by COPY, sessions by djust_auth.open_session, as users would."""

import io
import os
import threading
import time
import uuid

from harness import API_ROLE, CORES, PASSWORD, PROFILES, ROUTES, SCRATCH, connect, say
from support import program

PATTERNS_OF_A_PROFILE = 10
MEASURED = 100_000
WEB_ROLE = "bench_web"

SCHEMA = """
CREATE SCHEMA bench;
CREATE FUNCTION bench.nothing(text, text, text) RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE AS '{module}', 'bench_nothing';
CREATE FUNCTION bench.request_nothing(text, text) RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE AS '{module}', 'bench_nothing';
CREATE FUNCTION bench.bare_can(text, text, text) RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE AS '{module}', 'bench_bare_can';
CREATE FUNCTION bench.sign(text) RETURNS boolean LANGUAGE c AS '{module}', 'bench_sign';
CREATE FUNCTION bench.verify(text, bytea) RETURNS boolean LANGUAGE c STABLE PARALLEL SAFE AS '{module}', 'bench_verify';
CREATE TABLE bench.person (n integer PRIMARY KEY, id uuid NOT NULL);
CREATE TABLE bench.pattern (n integer PRIMARY KEY, route text NOT NULL, path text NOT NULL);
CREATE UNLOGGED TABLE bench.opened (n integer, access_token text, refresh_token text);
CREATE TABLE bench.token (n integer PRIMARY KEY, access_token text, refresh_token text, path text);
CREATE TABLE bench.spare (LIKE bench.token INCLUDING ALL);
CREATE TABLE bench.few (LIKE bench.token INCLUDING ALL);
CREATE TABLE bench.many (LIKE bench.token INCLUDING ALL);
GRANT USAGE ON SCHEMA bench TO {api}, {web};
GRANT SELECT ON ALL TABLES IN SCHEMA bench TO {api};
"""


def pattern(n):
    return f"/area{n}/" + ("orders", "orders/{id}", "orders/{id}/lines", "documents/**")[n % 4]


def path(n):
    return pattern(n).replace("{id}", "4711").replace("**", "2024/invoice-7")


class Store:
    """
    A database. The first `few` users have a first profile of 10 patterns, as many after them one of all; of the sessions of
    the rest every step-th is measured and the next one is spare, for logout and refresh. Without these special ones, all are
    measured.
    """

    def __init__(self, dbname, users, sessions, special=True, shard=0):
        self.dbname, self.users, self.sessions, self.shard = dbname, users, sessions, shard
        self.few = min(20_000, users // 20) if special else 0
        rest = min(users, sessions) - 2 * self.few
        self.step = max(2, rest // MEASURED) if special else 1
        self.taken = 0

    def take(self, count):
        """Number of the first of so many spare tokens, which nobody else has used or will use."""
        self.taken += count
        if self.taken > self.spares - self.spares // 4:
            raise RuntimeError("the store is too small: no spare sessions are left")
        return self.taken - count

    def connect(self, **options):
        db = connect(self.dbname, **options)
        db.run("SET max_parallel_workers_per_gather = 0")
        return db

    def load(self):
        say(f"{self.dbname}: {self.users:,} users, {self.sessions:,} sessions, {PROFILES:,} profiles, {ROUTES:,} route patterns")
        self.make_database()
        self.db = self.connect()
        self.load_rights()
        self.load_users()
        self.open_sessions()
        self.sort_tokens()
        say(f"{self.dbname}: vacuum")
        self.db.run("VACUUM ANALYZE")
        self.db.run("CREATE EXTENSION pg_prewarm")
        self.db.run("SELECT pg_prewarm(oid) FROM pg_class WHERE relkind IN ('r', 'i') AND relpersistence = 'p'")
        self.db.run("CHECKPOINT")
        return self

    def make_database(self):
        program("createdb", self.dbname)
        db = connect(self.dbname)
        db.run("CREATE EXTENSION djust_auth")
        db.run(f"ALTER DATABASE {self.dbname} SET djust_auth.shard = {self.shard}")
        for role, kind in ((API_ROLE, "backend"), (WEB_ROLE, "customer")):
            if not db.one("SELECT 1 FROM pg_roles WHERE rolname = %s", role):
                db.run(f"CREATE ROLE {role} LOGIN")
            db.run("SELECT djust_auth.grant_api(%s::regrole, %s)", role, kind)
        db.run(SCHEMA.format(module=os.path.join(SCRATCH, "floor.so"), api=API_ROLE, web=WEB_ROLE))
        db.close()

    def copy(self, table, lines):
        """COPY in parts, so that there is something to see and never much in memory."""
        start = said = time.monotonic()
        rows = 0
        part = []
        for line in lines:
            part.append(line)
            rows += 1
            if len(part) == 50_000:
                self.db.cursor.copy_expert(f"COPY {table} FROM stdin", io.StringIO("".join(part)))
                part = []
                if time.monotonic() - said > 10:
                    said = time.monotonic()
                    say(f"{self.dbname}: {table.split('(')[0].strip()}: {rows:,} rows")
        self.db.cursor.copy_expert(f"COPY {table} FROM stdin", io.StringIO("".join(part)))
        say(f"{self.dbname}: {table.split('(')[0].strip()}: {rows:,} rows in {time.monotonic() - start:.1f} s")

    def load_rights(self):
        names = [f"profile{n}" for n in range(PROFILES)] + ["few", "many"]
        self.copy("bench.pattern", (f"{n}\t{pattern(n)}\t{path(n)}\n" for n in range(ROUTES)))
        self.copy("djust_auth.profile (name)", (f"{name}\n" for name in names))
        owned = {name: [(PATTERNS_OF_A_PROFILE * n + k) % ROUTES for k in range(min(PATTERNS_OF_A_PROFILE, ROUTES))]
                 for n, name in enumerate(names[:-2])}
        owned["few"] = range(min(PATTERNS_OF_A_PROFILE, ROUTES))
        owned["many"] = range(ROUTES)
        self.copy("djust_auth.profile_right (profile, route, access)",
                  (f"{name}\t{pattern(n)}\t{'write' if n % 3 == 0 else 'read'}\n" for name in names for n in owned[name]))
        self.db.run("INSERT INTO djust_auth.profile_right VALUES ('anonymous', '/products/**', 'read')")

    def profiles_of(self, n):
        """Two a user."""
        second = f"profile{(7 * n + 1) % PROFILES}"
        if n < 2 * self.few:
            return ["few" if n < self.few else "many", second]
        return [f"profile{n % PROFILES}", second if (7 * n + 1 - n) % PROFILES else f"profile{(n + 1) % PROFILES}"]

    def load_users(self):
        self.db.run("SELECT djust_auth.create_user('seed@bench.example', %s)", PASSWORD)
        password_hash = self.db.one("SELECT password_hash FROM djust_auth.customer_user WHERE email = 'seed@bench.example'")
        ids = [str(uuid.uuid4()) for _ in range(self.users)]
        self.copy("djust_auth.customer_user (id, email, password_hash)",
                  (f"{ids[n]}\tuser{n}@bench.example\t{password_hash}\n" for n in range(self.users)))
        self.copy("djust_auth.user_profile (user_id, profile)",
                  (f"{ids[n]}\t{profile}\n" for n in range(self.users) for profile in self.profiles_of(n)))
        self.copy("bench.person", (f"{n}\t{ids[n]}\n" for n in range(self.users)))
        self.db.run("ANALYZE bench.person")

    def open_sessions(self, batch=5000):
        """On all cores; the tokens of most sessions are forgotten, as their owners would keep them."""
        start = said = time.monotonic()
        todo = list(range(0, self.sessions, batch))[::-1]
        done = [0]
        lock = threading.Lock()
        errors = []

        def work():
            db = self.connect()
            while not errors:
                with lock:
                    if not todo:
                        break
                    first = todo.pop()
                last = min(first + batch, self.sessions)
                try:
                    db.run("""WITH opened AS MATERIALIZED (
                        SELECT s, djust_auth.open_session(p.id) AS t
                        FROM generate_series(%s, %s) AS s JOIN bench.person p ON p.n = s %% %s)
                        INSERT INTO bench.opened SELECT s, t ->> 'access_token', t ->> 'refresh_token' FROM opened
                        WHERE s %% %s < %s OR (s %% %s - %s) %% %s IN (0, 1)""",
                           first, last - 1, self.users, self.users, 2 * self.few, self.users, 2 * self.few, self.step)
                except Exception as error:  # one thread's failure ends the load
                    errors.append(error)
                    break
                with lock:
                    done[0] += last - first
            db.close()

        threads = [threading.Thread(target=work) for _ in range(CORES)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            threads[0].join(0.5)
            threads[-1].join(0.5)
            if time.monotonic() - said > 10:
                said = time.monotonic()
                say(f"{self.dbname}: {done[0]:,} sessions")
        if errors:
            raise errors[0]
        elapsed = time.monotonic() - start
        say(f"{self.dbname}: {self.sessions:,} sessions in {elapsed:.1f} s, {self.sessions / elapsed:,.0f}/s")

    def sort_tokens(self):
        """In random order, as requests come; each with a path its bearer may read."""
        of_rest = f"((u % {PROFILES}) * {PATTERNS_OF_A_PROFILE} + u / {PROFILES} % {PATTERNS_OF_A_PROFILE}) % {ROUTES}"
        of_few = f"u % {min(PATTERNS_OF_A_PROFILE, ROUTES)}"
        kind = f"(u - {2 * self.few}) % {self.step}"
        for table, which, number in (("token", f"u >= {2 * self.few} AND {kind} = 0", of_rest),
                                     ("spare", f"u >= {2 * self.few} AND {kind} = 1", of_rest),
                                     ("few", f"u < {self.few}", of_few),
                                     ("many", f"u >= {self.few} AND u < {2 * self.few}", of_few)):
            self.db.run(f"""INSERT INTO bench.{table}
                SELECT row_number() OVER () - 1, access_token, refresh_token, path
                FROM (SELECT o.*, p.path FROM (SELECT *, n % {self.users} AS u FROM bench.opened) AS o
                    JOIN bench.pattern p ON p.n = {number}
                    WHERE {which} ORDER BY random() LIMIT {MEASURED}) AS o""")
        self.db.run("DROP TABLE bench.opened")
        self.tokens, self.spares = (self.db.one(f"SELECT count(*) FROM bench.{table}") for table in ("token", "spare"))

    def repeat_tokens(self, rows):
        """The same tokens again, until there are so many rows."""
        self.db.run("""INSERT INTO bench.token SELECT %s + row_number() OVER () - 1, access_token, refresh_token, path
            FROM bench.token, generate_series(1, %s) LIMIT %s""", self.tokens, rows // self.tokens + 1, max(0, rows - self.tokens))
        self.db.run("VACUUM ANALYZE bench.token")
