"""
SQL fuzzer: a role that may execute every function of the extension calls them in every way SQL offers: in queries, cursors, prepared
statements, parallel plans, blocks, as triggers of tables of its own, in aggregates, operators, casts, ranges, domains, indexes, constraints,
defaults, generated columns, policies, views, rules; with arguments that are null, huge, toasted, broken, or another user's.

The server may answer or refuse.  It must not end a connection, raise an internal error, or report a row that does not exist.

DJUST_FUZZ_CALLS (default: 500, and more until 25 s are over), DJUST_FUZZ_CLIENTS (default 1: no other client drops a call's objects).
Each call has its own generator, seeded by seed and number: DJUST_FUZZ_FIRST=n DJUST_FUZZ_CALLS=1 repeats call n.
"""

import io
import os
import random
import re
import string
import threading
import time

import psycopg2

from support import GOOD, OTHER, SEED, Db, equal, main, note, ok, shop, tally, until

FIRST = int(os.environ.get("DJUST_FUZZ_FIRST", 0))
CALLS = int(os.environ.get("DJUST_FUZZ_CALLS", 0))
CLIENTS = int(os.environ.get("DJUST_FUZZ_CLIENTS", 1))
LEAST = CALLS or 500
SECONDS = 0 if CALLS else 25
ROLE = "fuzz_" + os.environ["PGDATABASE"]

db = Db()
shop(db)
people = {f"{name}@fuzz.example": db.create_user(f"{name}@fuzz.example", GOOD, ["customer"]) for name in ("ann", "bob", "eve")}
db.run(f"CREATE ROLE {ROLE} LOGIN; GRANT USAGE ON SCHEMA djust_auth TO {ROLE}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA djust_auth TO {ROLE}")
db.run(f"GRANT USAGE ON TYPE djust_auth.access_right, djust_auth.\"text/html\" TO {ROLE}; CREATE SCHEMA fuzz AUTHORIZATION {ROLE}")
for signature, in db.all("SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'djust\\_%' AND pronamespace = 'public'::regnamespace"):
    db.run(f"GRANT EXECUTE ON FUNCTION {signature} TO {ROLE}")
for table, in db.all("SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind IN ('r', 'v')"):
    db.run(f"REVOKE ALL ON {table} FROM {ROLE}")
db.run(f"ALTER ROLE {ROLE} SET statement_timeout = '10s'; ALTER ROLE {ROLE} SET lock_timeout = '2s'; ALTER ROLE {ROLE} SET client_min_messages = error")
OUR_TABLES = {table: columns for table, columns in db.all("""SELECT c.relname, array_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind = 'r' GROUP BY 1""")}


class Function:
    def __init__(self, name, arguments, result, defaults, volatility):
        self.name, self.arguments, self.result, self.defaults, self.volatility = name, arguments, result, defaults, volatility
        # what would take the fuzzer's own rights, or seconds
        self.rare = any(word in name for word in ("rotate", "grant_api", "accept_key", "after_restore", "end_all"))


FUNCTIONS = [Function(*row) for row in db.all("""
    SELECT p.oid::regproc::text, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY x(t, i) ORDER BY i),
        format_type(p.prorettype, NULL), p.pronargdefaults, p.provolatile
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND e.extname = 'djust_auth' ORDER BY 1""")]
TRIGGERS = [f for f in FUNCTIONS if f.result == "trigger"]
CALLABLE = [f for f in FUNCTIONS if f.result != "trigger"]
COMMON = [f for f in CALLABLE if not f.rare]
NAMES = {f.name.split(".")[-1]: f for f in FUNCTIONS}
TYPES = ("integer", "bigint", "boolean", "text", "uuid", "bytea", "jsonb", "json", "inet", "timestamp with time zone", "text[]", "box", "numeric",
         "double precision", "djust_auth.access_right", "point", "xid", "name", "character varying(7)", "character(40)", "tid", "interval", "bit(9)", "oid",
         "integer[]", "int4range", "tsvector", "path", "money")

# Arguments

WORDS = ["ann@fuzz.example", "bob@fuzz.example", "eve@fuzz.example", "nobody@fuzz.example", GOOD, OTHER, "/orders", "/orders/{id}/**", "ORDER-200", "read", "write",
         "GET", "POST", "customer", "anonymous", "access_token", "refresh_token", "password", "ES256", "HS256", "EdDSA", "backend", "worker",
         "dba", "everything", "login", "administration", "Bearer", "de-AT", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$", "$2b$10$", "$6$rounds=5000$salt$",
         "pbkdf2_sha256$260000$salt$hash=", "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$", "djr_", "djp_", "eyJhbGciOiJub25lIn0.e30."]


def short_text(r):
    return "".join(r.choice(string.printable[:95] + "\u00e9\u0301\u200b\u202e\ufeff\U0001f600\u00df\u0130") for _ in range(r.randrange(40)))


def mutated(r, text):
    if not text:
        return text
    for _ in range(r.randrange(1, 4)):
        i = r.randrange(len(text) + 1)
        text = r.choice((text[:i], text[:i] + r.choice(".-_%/{}$=\\;'\"\u0301A0") + text[i:], text[:i] + text[i + 1:], text[i:], text + text[:i]))
    return text[:4000]


def text(r, client):
    kind = r.randrange(12)
    if kind < 3:
        return literal(r.choice(WORDS))
    if kind < 6:
        return literal(r.choice(client.tokens or WORDS))
    if kind < 8:
        return literal(mutated(r, r.choice(client.tokens + WORDS)))
    if kind == 8:
        return literal(short_text(r))
    if kind == 9:
        return f"repeat({literal(r.choice(['a', '/a', '%41', 'é', '{x}/', '.', '$', '👍', '@a.', 'eyJ']))}, {r.choice((1, 127, 1024, 2049, 65536, 1000000))})"
    if kind == 10:
        return f"(SELECT wide FROM fuzz.wide WHERE n = {r.randrange(6)})"
    return r.choice(("NULL", "''", "' '", "E'\\t\\n'", "current_setting('server_version')", "md5(random()::text)", "NULL::text"))


def literal(value):
    return "E'" + value.replace("\\", "\\\\").replace("'", "''").replace("\0", "") + "'"


def value(r, client, kind):
    """An SQL expression of this type."""
    if r.randrange(12) == 0:
        return f"NULL::{kind}"
    if kind == "text":
        return text(r, client)
    pick = {
        "uuid": lambda: r.choice([f"'{client.users[r.randrange(len(client.users))]}'", "gen_random_uuid()", "'00000000-0000-0000-0000-000000000000'",
                                  "'ffffffff-ffff-ffff-ffff-ffffffffffff'"]) + "::uuid",
        "text[]": lambda: r.choice(("'{}'", "'{customer}'", "'{NULL}'", "'{{customer,anonymous},{a,b}}'", "'[5:6]={customer,customer}'",
                                    "array_fill('customer'::text, ARRAY[1000])", "array_fill(NULL::text, ARRAY[3,3])", "'{\"\",\"a b\"}'")) + "::text[]",
        "regrole": lambda: r.choice(("0", str(r.randrange(100000)), f"'{ROLE}'", "'pg_monitor'")) + "::regrole",
        "djust_auth.access_right": lambda: f"'{r.choice(('none', 'read', 'write'))}'::djust_auth.access_right",
        "timestamp with time zone": lambda: r.choice(("now()", "'infinity'::timestamptz", "'-infinity'::timestamptz", "'4714-11-24 BC'::timestamptz",
                                                      "'294276-12-31'::timestamptz", "now() - interval '1 day'")),
        "integer": lambda: r.choice(("0", "1", "-1", "2147483647", "-2147483648", str(r.randrange(100)))) + "::integer",
        "bigint": lambda: r.choice(("0", "1", "-1", "9223372036854775807", "65536", str(r.randrange(100)))) + "::bigint",
        "boolean": lambda: r.choice(("true", "false")),
        "bytea": lambda: r.choice(("'x'", "''", "decode(repeat('00ff', 20000), 'hex')", "sha256('x')")) + "::bytea",
        "jsonb": lambda: r.choice(("'{}'", "'[]'", "'null'", "'{\"a\":[1,{\"b\":null}]}'")) + "::jsonb",
        "json": lambda: "'{\"a\":1}'::json", "inet": lambda: "'2001:db8::1'::inet", "box": lambda: "'(1,1),(0,0)'::box", "point": lambda: "'(1,2)'::point",
        "integer[]": lambda: "'{1,2}'::integer[]", "tid": lambda: "'(0,1)'::tid", "interval": lambda: "'1 day'::interval", "bit(9)": lambda: "B'101010101'",
        "int4range": lambda: "'[1,5)'::int4range", "tsvector": lambda: "'a b'::tsvector", "path": lambda: "'((0,0),(1,1))'::path",
    }.get(kind)
    return pick() if pick else f"'{r.randrange(100)}'::{kind}"


def function(r, functions=None):
    return r.choice(CALLABLE if functions is None and r.randrange(150) == 0 else COMMON) if functions is None else r.choice(functions)


def arguments(r, client, f, first=None):
    count = len(f.arguments) - (r.randrange(f.defaults + 1) if f.defaults else 0)
    given = [value(r, client, kind) for kind in f.arguments[:count]]
    if first and given:
        given[0] = first
    return ", ".join(given)


def call(r, client, f=None, first=None):
    f = f or function(r)
    return f"{f.name}({arguments(r, client, f, first)})"


# Ways to call; each gives statements

def plain(r, client):
    return [f"SELECT {call(r, client)}"]


def from_clause(r, client):
    return [f"SELECT * FROM {call(r, client)} WITH ORDINALITY", f"SELECT * FROM ROWS FROM ({call(r, client)}, {call(r, client)}) x"][:r.randrange(1, 3)]


def many_rows(r, client):
    f = r.choice([f for f in COMMON if f.arguments and f.arguments[0] == "text"])
    # the same token many times, others between, as a memo of the call site meets them
    return [f"SELECT count({f.name}({arguments(r, client, f, 'x')})::text) FROM (SELECT CASE n % {r.randrange(1, 4)} WHEN 0 THEN {text(r, client)} "
            f"WHEN 1 THEN {text(r, client)} END AS x FROM generate_series(1, {r.randrange(1, 9)}) n) s"]


def parallel(r, client):
    f = r.choice([f for f in COMMON if f.arguments and f.arguments[0] == "text" and f.volatility != "v"])
    return ["SET LOCAL force_parallel_mode = on" if client.version < 160000 else "SET LOCAL debug_parallel_query = on",
            "SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0",
            f"SELECT count({f.name}({arguments(r, client, f, 'wide')})::text) FROM fuzz.wide, generate_series(1, 3)"]


def prepared(r, client):
    f = function(r)
    parameters = ", ".join(f"${i + 1}" for i in range(len(f.arguments)))
    kinds = f"({', '.join(f.arguments)})" if f.arguments else ""
    runs = [f"EXECUTE p{'(' + ', '.join(value(r, client, kind) for kind in f.arguments) + ')' if f.arguments else ''}" for _ in range(r.choice((1, 2, 7)))]
    runs = [re.sub(r"\(SELECT wide [^)]*\)", "repeat('x', 3000)", run) for run in runs]
    return [f"SET LOCAL plan_cache_mode = {r.choice(('auto', 'force_generic_plan', 'force_custom_plan'))}",
            f"PREPARE p {kinds} AS SELECT {f.name}({parameters})", *runs, "DEALLOCATE p"]


def cursor(r, client):
    hold = r.choice(("", "WITH HOLD "))
    return [f"DECLARE c {r.choice(('', 'SCROLL ', 'NO SCROLL '))}CURSOR {hold}FOR SELECT {call(r, client)}, * FROM {call(r, client)} x, generate_series(1, 3)",
            "FETCH 2 FROM c", r.choice(("SAVEPOINT s", "SELECT 1")), r.choice(("FETCH ALL FROM c", "MOVE BACKWARD 1 FROM c", "FETCH FIRST FROM c")), "CLOSE c"]


def block(r, client):
    return [f"DO $f$ DECLARE x text; i int; BEGIN FOR i IN 1..{r.randrange(1, 4)} LOOP BEGIN x := {call(r, client)}; PERFORM {call(r, client)}; "
            f"{r.choice(('RAISE division_by_zero', 'EXECUTE format($g$SELECT %s$g$, ' + literal(call(r, client)) + ')', 'NULL'))}; "
            f"EXCEPTION WHEN OTHERS THEN x := SQLERRM; PERFORM {call(r, client)}; END; END LOOP; END $f$"]


def subtransactions(r, client):
    return ["SAVEPOINT a", f"SELECT {call(r, client)}", "SAVEPOINT b", f"SELECT {call(r, client)}", r.choice(("ROLLBACK TO a", "RELEASE a", "ROLLBACK TO b")),
            f"SELECT {call(r, client)}"]


def odd_places(r, client):
    one, two = call(r, client), call(r, client)
    return [r.choice((
        f"SELECT 1 WHERE ({one}) IS NULL ORDER BY ({two})::text", f"SELECT count(*) FROM generate_series(1, 3) GROUP BY ({one})::text",
        f"SELECT lag(({one})::text) OVER (ORDER BY n) FROM generate_series(1, 3) n", f"SELECT 1 LIMIT length(({one})::text)",
        f"SELECT CASE WHEN ({one}) IS NULL THEN ({two})::text END", f"SELECT row({one}, {two}) = row({two}, {one})",
        f"WITH x AS MATERIALIZED (SELECT {one} AS a) SELECT * FROM x, x y", f"SELECT ARRAY[({one})::text, ({two})::text]",
        f"SELECT * FROM generate_series(1, 2) n, LATERAL (SELECT {one}) l", f"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3 AND ({one}) IS NOT DISTINCT FROM ({one})) SELECT * FROM r",
        f"EXPLAIN (ANALYZE, VERBOSE, TIMING off) SELECT {one}", f"VALUES (({one})::text), (({two})::text)", f"SELECT ({one})::text::name, pg_typeof({two})",
        f"SELECT ({one})::text COLLATE \"C\" < ({two})::text COLLATE \"POSIX\"", f"TABLE fuzz.wide LIMIT ({one} IS NULL)::int",
        f"SELECT string_agg(({one})::text, ',' ORDER BY n) FILTER (WHERE ({two}) IS NULL) FROM generate_series(1, 2) n",
        f"SELECT query_to_xml({literal('SELECT ' + one)}, true, false, '')", f"COPY (SELECT {one}) TO STDOUT"))]


def named(r, client):
    f = r.choice([f for f in COMMON if f.arguments])
    return [f"SELECT {f.name}(VARIADIC {value(r, client, 'text[]')})", f"SELECT ({f.name}({arguments(r, client, f)})).*"][:r.randrange(1, 3)]


def request(r, client):
    token = r.choice(client.tokens or [""])
    headers = r.choice((f'{{"authorization": "Bearer {token}"}}', f'{{"authorization": "Bearer \\"{token}\\"", "user-agent": "{short_text(r).translate({34: None, 92: None})}"}}', "{", "[]", "null",
                        '{"authorization": null}', '{"authorization": {"a": []}}', '{"Authorization": "Basic eA=="}', '{"x-forwarded-for": "1.2.3.4, [::1]:80"}', short_text(r),
                        '{"a": ' * 2000, mutated(r, '{"authorization": "Bearer x", "accept-language": "de"}')))
    settings = {"request.headers": headers, "request.method": r.choice(("GET", "POST", "", "get", "PATCH\n")), "request.path": r.choice(WORDS + ["/rpc/djust_login", "%00", "/" * 3000]),
                "request.jwt.claims": r.choice(('{"sid": "x"}', "{}", "[", "null", '{"sid": {"a": 1}}', '{"sub": "' + "a" * 3000 + '"}')), "request.cookies": "{}",
                "request.jwt.claim.sid": "x"}
    sets = [f"SELECT set_config({literal(name)}, {literal(text)}, true)" for name, text in settings.items() if r.randrange(3)]
    names = [NAMES[name] for name in ("djust_request_user", "djust_request_can", "djust_pre_request", "djust_login", "djust_introspect", "djust_reset_page", "djust_sessions",
                                      "djust_refresh", "djust_can") if name in NAMES]
    return sets + [f"SELECT {call(r, client, r.choice(names))} FROM generate_series(1, {r.randrange(1, 4)})" for _ in range(r.randrange(1, 4))]


TABLE_NAMES = ("t", '"x"", ""forged"": ""yes"', '"é, ''"', '"' + "n" * 63 + '"', '"\\"')


def table_of(r, name=None):
    """A temporary table: of some columns, or one that looks like one of the extension's."""
    if r.randrange(3) == 0:
        table, columns = r.choice(sorted(OUR_TABLES.items()))
        columns = list(columns)
        if r.randrange(3) == 0:
            columns.insert(r.randrange(len(columns) + 1), "added text")
        if r.randrange(3) == 0 and len(columns) > 1:
            columns.pop(r.randrange(len(columns)))
        return name or table, [column.rsplit(" ", 1) if column.count(" ") == 1 else column.split(" ", 1) for column in columns]
    return name or r.choice(TABLE_NAMES), [(f"c{i}", r.choice(TYPES)) for i in range(r.randrange(0, 9))]


def row_of(r, client, columns):
    return ", ".join("DEFAULT" if r.randrange(6) == 0 else value(r, client, kind) for _, kind in columns)


def changes_of(r, client, table, columns):
    insert = f"INSERT INTO {table} VALUES ({row_of(r, client, columns)})" if columns else f"INSERT INTO {table} DEFAULT VALUES"
    update = f"UPDATE {table} SET {r.choice(columns)[0]} = DEFAULT" if columns else f"DELETE FROM {table}"
    if columns and r.randrange(2):
        column, kind = r.choice(columns)
        update = f"UPDATE {table} SET {column} = {value(r, client, kind)}"
    return [insert, insert, update, f"INSERT INTO {table} SELECT * FROM {table}", r.choice((f"DELETE FROM {table}", f"TRUNCATE {table}", update))]


def trigger(r, client):
    table, columns = table_of(r)
    f = r.choice(TRIGGERS if r.randrange(15) else COMMON)
    events = r.sample(["INSERT", "UPDATE", "DELETE", "TRUNCATE"], r.randrange(1, 4))
    timing, level = r.choice(("BEFORE", "AFTER", "AFTER")), r.choice(("ROW", "STATEMENT"))
    if level == "ROW":
        events = [event for event in events if event != "TRUNCATE"] or ["INSERT"]
    referencing, constraint = "", ""
    if timing == "AFTER" and r.randrange(2):
        events = [r.choice(("INSERT", "UPDATE", "DELETE"))]
        referencing = "REFERENCING " + {"INSERT": "NEW TABLE AS changed", "DELETE": "OLD TABLE AS changed",
                                        "UPDATE": r.choice(("NEW TABLE AS changed", "OLD TABLE AS before NEW TABLE AS changed"))}[events[0]]
    elif timing == "AFTER" and level == "ROW" and r.randrange(4) == 0:
        constraint, referencing = "CONSTRAINT ", "DEFERRABLE INITIALLY DEFERRED"
    words = r.choice(("", "", "'a'", "'djust_auth', 'customer_user'"))
    partition = f" PARTITION BY LIST (({columns[0][0]} IS NULL))" if r.randrange(8) == 0 and columns and level == "STATEMENT" and not referencing else ""
    made = [f"CREATE TEMP TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns)}){partition} {'' if partition else r.choice(('', 'ON COMMIT DELETE ROWS'))}"]
    if partition:
        made.append(f"CREATE TEMP TABLE part PARTITION OF {table} DEFAULT")
    if r.randrange(6) == 0 and columns:
        dropped = columns.pop(r.randrange(len(columns)))[0]
        made += [f"ALTER TABLE {table} DROP COLUMN {dropped}"]
    if r.randrange(10) == 0:
        made += [f"CREATE TEMP VIEW v AS SELECT * FROM {table}", f"CREATE TRIGGER x INSTEAD OF INSERT OR UPDATE OR DELETE ON v FOR EACH ROW EXECUTE FUNCTION {f.name}()",
                 *changes_of(r, client, "v", columns)]
    return made + [f"CREATE {constraint}TRIGGER x {timing} {' OR '.join(events)} ON {table} {referencing} FOR EACH {level} EXECUTE FUNCTION {f.name}({words})",
                   *changes_of(r, client, table, columns), "SET CONSTRAINTS ALL IMMEDIATE"]


def trigger_called(r, client):
    f = r.choice(TRIGGERS)
    return [r.choice((f"SELECT {f.name}()", f"SELECT * FROM {f.name}()", f"CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION {f.name}()",
                      f"CREATE AGGREGATE fuzz.a(*) (SFUNC = {f.name}, STYPE = text)", f"CREATE CAST (trigger AS text) WITH FUNCTION {f.name}()"))]


def aggregate(r, client):
    finals = [f for f in CALLABLE if f.arguments[:1] == ["text"] and not f.rare]
    f = r.choice(finals)
    extra = "" if len(f.arguments) == 1 else ", FINALFUNC_EXTRA"
    sfunc, given = r.choice(((r.choice([x.name for x in CALLABLE if x.arguments == ["text"] and x.result == "text"] or ["lower"]), "*"), ("textcat", "text")))
    moving = f", MSFUNC = textcat, MINVFUNC = textcat, MSTYPE = text, MFINALFUNC = {f.name}" if given == "text" and not extra else ""
    statements = [f"CREATE AGGREGATE fuzz.a({given}) (SFUNC = {sfunc}, STYPE = text, FINALFUNC = {f.name}{extra}, INITCOND = {literal(r.choice(WORDS))}"
                  f"{r.choice(('', ', PARALLEL = SAFE, COMBINEFUNC = textcat', moving))})"]
    use = f"fuzz.a({'*' if given == '*' else 'wide'})"
    return statements + [r.choice((f"SELECT {use} FROM fuzz.wide", f"SELECT {use} OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM fuzz.wide",
                                   f"SELECT {use} FROM fuzz.wide GROUP BY GROUPING SETS ((n), ())"))]


def aggregate_of(r, client):
    """Two-argument functions as transitions, where their types allow it."""
    f = r.choice([f for f in COMMON if len(f.arguments) in (2, 3)])
    return [f"CREATE AGGREGATE fuzz.b({', '.join(f.arguments[1:])}) (SFUNC = {f.name}, STYPE = {f.arguments[0]})",
            f"SELECT fuzz.b({', '.join(value(r, client, kind) for kind in f.arguments[1:])}) FROM generate_series(1, 3)"]


def operator(r, client):
    f = r.choice([f for f in COMMON if len(f.arguments) in (1, 2)])
    left = f"LEFTARG = {f.arguments[0]}, " if len(f.arguments) == 2 else ""
    more = "" if not left else ", COMMUTATOR = OPERATOR(fuzz.@@@)" if f.result != "boolean" else r.choice((", RESTRICT = eqsel, JOIN = eqjoinsel", ", HASHES, MERGES"))
    operands = [value(r, client, kind) for kind in f.arguments]
    use = (f"{operands[0]} OPERATOR(fuzz.@@@) {operands[1]}" if left else f"OPERATOR(fuzz.@@@) {operands[0]}")
    return [f"CREATE OPERATOR fuzz.@@@ (FUNCTION = {f.name}, {left}RIGHTARG = {f.arguments[-1]}{more})", f"SELECT {use}",
            f"SELECT count(*) FROM fuzz.wide WHERE ({use})::text = 'true'"]


def cast(r, client):
    f = r.choice([f for f in COMMON if len(f.arguments) in (1, 2)])
    return ["CREATE TYPE fuzz.pair AS (a text, b text)", "CREATE DOMAIN fuzz.word AS text",
            f"CREATE FUNCTION fuzz.to_pair(fuzz.pair) RETURNS {f.result} LANGUAGE sql AS {literal('SELECT ' + call(r, client, f, '$1.a'))}",
            f"CREATE CAST (fuzz.pair AS {f.result}) WITH FUNCTION fuzz.to_pair(fuzz.pair) AS ASSIGNMENT", f"SELECT row({text(r, client)}, 'x')::fuzz.pair::{f.result}",
            f"CREATE CAST ({f.arguments[0]} AS {f.result}) WITH FUNCTION {f.name}({', '.join(f.arguments)})"]


def stored(r, client):
    """In what tables, domains, ranges and indexes keep."""
    f = r.choice([f for f in COMMON if f.arguments and f.arguments[0] == "text"])
    use, one = call(r, client, f, "c"), call(r, client, f, "VALUE")
    immutable = r.choice([f for f in COMMON if f.volatility == "i" and f.arguments == ["text"]])
    kind = r.randrange(9)
    statements = [
        [f"CREATE TEMP TABLE t (c text, d text GENERATED ALWAYS AS ({immutable.name}(c)::text) STORED)"],
        [f"CREATE TEMP TABLE t (c text CHECK (({use}) IS NOT NULL))"],
        [f"CREATE TEMP TABLE t (c text DEFAULT ({call(r, client)})::text)", "INSERT INTO t DEFAULT VALUES", f"ALTER TABLE t ADD COLUMN d text DEFAULT ({call(r, client)})::text"],
        ["CREATE TEMP TABLE t (c text)", f"CREATE INDEX i ON t (({immutable.name}(c)))", f"CREATE STATISTICS fuzz.s ON ({immutable.name}(c)), c FROM t"],
        ["CREATE TEMP TABLE t (c text)", "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", f"CREATE POLICY p ON t USING (({use})::text = 'true') WITH CHECK (({use}) IS NOT NULL)"],
        [f"CREATE TEMP TABLE t (c text) PARTITION BY LIST (({immutable.name}(c)::text))", "CREATE TEMP TABLE part PARTITION OF t DEFAULT"],
        [f"CREATE DOMAIN fuzz.d AS text CHECK (({one}) IS NOT NULL)", "CREATE TEMP TABLE t (c fuzz.d)"],
        ["CREATE TEMP TABLE t (c text)", f"CREATE RULE r AS ON INSERT TO t DO ALSO SELECT {call(r, client, f, 'NEW.c')}"],
        ["CREATE TEMP TABLE t (c text)", f"CREATE TEMP VIEW v AS SELECT c, {use} AS d FROM t", "SELECT * FROM v", f"EXPLAIN SELECT * FROM v WHERE d IS NULL"],
    ][kind]
    return statements + [f"INSERT INTO t VALUES ({text(r, client)}), ({text(r, client)})", f"UPDATE t SET c = {text(r, client)}", "ANALYZE t", f"SELECT * FROM t WHERE ({use}) IS NOT NULL", "DELETE FROM t"]


def ranges(r, client):
    f = r.choice(COMMON)
    return [f"CREATE TYPE fuzz.r AS RANGE (SUBTYPE = text, SUBTYPE_DIFF = {f.name})", f"SELECT fuzz.r('a', 'b') && fuzz.r({text(r, client)}, NULL)",
            f"CREATE TYPE fuzz.base (INPUT = {f.name}, OUTPUT = {f.name})"]


def wrapped(r, client):
    atomic = f"BEGIN ATOMIC SELECT {call(r, client)}; END" if r.randrange(2) else f"AS {literal('SELECT ' + call(r, client))}"
    return [f"CREATE FUNCTION fuzz.w() RETURNS SETOF text LANGUAGE sql {r.choice(('STABLE', 'VOLATILE', 'IMMUTABLE', 'PARALLEL SAFE'))} "
            + (atomic if "ATOMIC" not in atomic else atomic.replace("SELECT ", "SELECT (", 1).replace("; END", ")::text; END")), "SELECT fuzz.w(), fuzz.w()", "SELECT * FROM fuzz.w()",
            f"CREATE PROCEDURE fuzz.p() LANGUAGE plpgsql AS {literal(f'BEGIN PERFORM {call(r, client)}; COMMIT; PERFORM {call(r, client)}; ROLLBACK; END')}", "CALL fuzz.p()"]


def settings(r, client):
    before = r.choice(("SET LOCAL search_path = fuzz, pg_temp", "SET LOCAL search_path = ''", "SET TRANSACTION READ ONLY", "SET LOCAL work_mem = 64",
                       "SET LOCAL statement_timeout = 3", "SET LOCAL client_encoding = LATIN1", "SET LOCAL client_encoding = SJIS", "SET LOCAL row_security = off",
                       "SET LOCAL session_replication_role = replica", "SET LOCAL djust_auth.password_min_length = 1", "SET LOCAL DateStyle = 'SQL, DMY'", "SET LOCAL TimeZone = 'Asia/Kathmandu'",
                       "SET LOCAL IntervalStyle = sql_standard", "SET LOCAL bytea_output = escape", "SET LOCAL extra_float_digits = -15", "SET LOCAL standard_conforming_strings = off",
                       "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off", "SET LOCAL transaction_deferrable = on", "SET LOCAL temp_buffers = 100"))
    return [before, f"SELECT {call(r, client)}", f"SELECT {call(r, client)}"]


def new_user(r, client):
    """A user whose id and tokens later calls take."""
    email = f"{r.getrandbits(64):x}@fuzz.example"
    return [f"SELECT djust_auth.create_user('{email}', '{GOOD}', '{{customer}}')::text", f"SELECT djust_login('{email}', '{GOOD}')"]


WAYS = ((plain, 14), (from_clause, 4), (many_rows, 6), (parallel, 2), (prepared, 5), (cursor, 4), (block, 5), (subtransactions, 5), (odd_places, 6), (named, 2), (request, 6),
        (trigger, 12), (trigger_called, 1), (aggregate, 4), (aggregate_of, 2), (operator, 4), (cast, 2), (stored, 8), (ranges, 1), (wrapped, 3), (settings, 4), (new_user, 2))
GONE = ("could not open relation with OID", "cache lookup failed for ", "tuple concurrently ", "could not find tuple for ")
LEVELS = ("READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


class Client:
    def __init__(self):
        self.tokens, self.users, self.made, self.refused = [], list(people.values()), 0, 0
        self.connect()

    def connect(self):
        self.db = Db(user=ROLE, options="")
        self.version = self.db.raw.server_version

    def work(self, number):
        r = random.Random(f"{SEED}:{number}")
        way = r.choices([way for way, _ in WAYS], [weight for _, weight in WAYS])[0]
        statements = way(r, self)
        end = "COMMIT" if way is new_user else r.choice(("COMMIT", "ROLLBACK", "ROLLBACK", "ROLLBACK"))
        try:
            self.db.begin(r.choice(LEVELS))
            for statement in statements:
                self.made += any(f.name in statement for f in FUNCTIONS) or statement.startswith(("EXECUTE", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "FETCH"))
                self.one(statement, number, way, r)
            self.one(end, number, way, r)
        except psycopg2.Error as error:
            self.judge(error, end, number, way)
        try:
            self.db.rollback()
            if end == "COMMIT":
                self.tidy()
        except psycopg2.Error as error:
            self.judge(error, "tidy", number, way)

    def one(self, statement, number, way, r):
        """Half of the errors are followed by more of the transaction, in a savepoint."""
        kept = r.randrange(2) and not statement.startswith(("COMMIT", "ROLLBACK", "SET TRANSACTION", "CALL"))
        if kept:
            self.db.run("SAVEPOINT kept")
        try:
            if statement.startswith("COPY"):
                self.db.cursor.copy_expert(statement, io.StringIO())
            else:
                self.db.cursor.execute(statement)
            if way is new_user and self.db.cursor.description:
                answer = self.db.cursor.fetchone()[0]
                if isinstance(answer, str):
                    self.users = (self.users + [answer])[-4:]
                if isinstance(answer, dict):
                    self.tokens = (self.tokens + [answer[name] for name in ("access_token", "refresh_token") if name in answer])[-12:]
        except psycopg2.Error as error:
            self.judge(error, statement, number, way)
            if not kept or self.db.raw.closed:
                raise
            self.db.run("ROLLBACK TO kept")

    def judge(self, error, statement, number, way):
        self.refused += 1
        if self.db.raw.closed:
            if error.pgcode != "57P02":  # another client's crash
                found("connection lost", number, way, statement)
            until(self.connected, "the server")
        elif error.pgcode == "XX000" and ("fuzz." in statement or statement == "tidy") and error.diag.message_primary.startswith(GONE):
            pass  # an object of the fuzzer's own, which another client has dropped meanwhile: the server looks it up in vain
        elif error.pgcode and (error.pgcode.startswith("XX") or error.pgcode == "58030"):
            found(f"{error.pgcode} {error.diag.message_primary}", number, way, statement)

    def connected(self):
        try:
            self.connect()
            return True
        except psycopg2.OperationalError:
            return False

    def tidy(self):
        """What a call has left, so that the next one finds its names free."""
        self.db.run("DISCARD TEMP; DEALLOCATE ALL; CLOSE ALL")
        self.db.run("DO $$ DECLARE n text; BEGIN FOR n IN SELECT 'DROP ' || kind || ' IF EXISTS fuzz.' || name || ' CASCADE' FROM (VALUES ('AGGREGATE', 'a(*)'), ('AGGREGATE', 'a(text)'), "
                    "('FUNCTION', 'w()'), ('PROCEDURE', 'p()'), ('TYPE', 'pair'), ('DOMAIN', 'word'), ('DOMAIN', 'd'), ('TYPE', 'r')) x(kind, name) LOOP EXECUTE n; END LOOP; "
                    "FOR n IN SELECT oid::regoperator::text FROM pg_operator WHERE oprnamespace = 'fuzz'::regnamespace LOOP EXECUTE 'DROP OPERATOR ' || n; END LOOP; END $$")


findings = []
seen = set()


def found(what, number, way, statement):
    if (what, way) not in seen:
        seen.add((what, way))
        findings.append(what)
        note(f"{what}: call {number} ({way.__name__}): {statement[:600]}")


def fuzz():
    note(f"seed {SEED}")
    db.run(f"SET ROLE {ROLE}; CREATE TABLE fuzz.wide (n int, wide text); INSERT INTO fuzz.wide VALUES (0, 'a'), (1, repeat('b', 100)), (2, repeat('c', 3000)), "
           "(3, repeat('d', 100000)), (4, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) i)), (5, '/orders'); RESET ROLE")
    clients = [Client() for _ in range(CLIENTS)]
    for client in clients:
        for email in people:
            answer = client.db.one("SELECT djust_login(%s, %s)", email, GOOD)
            client.tokens += [answer["access_token"], answer["refresh_token"]]
    start = time.monotonic()
    done = []

    def run(index):
        number = FIRST + index
        while sum(client.made for client in clients) < LEAST or time.monotonic() - start < SECONDS:
            clients[index].work(number)
            number += CLIENTS
            if not CALLS and len(findings) > 20:
                break
        done.append(number)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made, refused = sum(client.made for client in clients), sum(client.refused for client in clients)
    print(f"# figures: {made} calls with seed {SEED}, {refused} refused, {time.monotonic() - start:.0f} s")
    tally(made, len(findings))
    equal(findings, [], "no connection was lost, no error was an internal one")
    equal(len(done), CLIENTS, "every client came to its end")
    ok(refused < made, "and not all of them refused", refused)


def afterwards():
    """The database is still what it was; seen by a new connection, for the old one may be lost."""
    db = Db()
    equal(db.one("SELECT count(*) FROM djust_auth.audit_event WHERE detail::text ~ 'forged'"), 0, "no event was forged")
    equal(db.one("SELECT count(*) FROM djust_auth.profile WHERE name = 'anonymous'"), 1, "the profile anonymous is there")
    db.run("DROP SCHEMA fuzz CASCADE")
    fresh = db.create_user("new@fuzz.example", GOOD, [])
    ok("access_token" in db.login("new@fuzz.example") and fresh is not None, "a new user logs in")
    db.run(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


main(fuzz, afterwards)
