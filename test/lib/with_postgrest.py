"""Runs a program against PostgREST, or against its replay.

    with_postgrest.py replay|postgrest|router PROGRAM...

In the empty database PGDATABASE it creates the extension in a schema api, roles and a configuration file as
doc/postgrest.md describes, starts the server on a free port of 127.0.0.1, and gives the program HTTP_URL, HTTP_ADMIN_URL,
HTTP_DRIVER and HTTP_DATABASE, the database that is served.  PostgREST is looked for in POSTGREST, else in PATH.

With "router" that is another database, a router by sql/router.sh both of whose shards are PGDATABASE, so that programs find all
customers there; PostgREST is before it where there is one, else the replay.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import psycopg2

HERE = os.path.dirname(os.path.abspath(__file__))
SQL = os.path.join(HERE, "..", "..", "sql")
PATIENCE = 60
ROLES = {"http_authenticator": "authenticator", "http_anon": "anonymous", "http_customer": "customer", "http_backend": "backend"}

CONFIGURATION = """\
db-uri = "postgresql://http_authenticator@/{database}?host={host}&port={port}"
db-schemas = "{api}"
db-anon-role = "http_anon"
db-pre-config = "djust_auth.postgrest_config"
server-host = "127.0.0.1"
server-port = {server_port}
admin-server-port = {admin_port}
"""


def postgrest():
    """The real one, or None."""
    return shutil.which(os.environ.get("POSTGREST") or "postgrest")


def execute(database, *statements):
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def prepare_router(shard):
    """Its name."""
    router = shard + "_router"
    strings = [f"{n}=host={os.environ['PGHOST']} port={os.environ['PGPORT']} dbname={shard} user=http_router" for n in (0, 1)]
    script = subprocess.run(["sh", os.path.join(SQL, "router.sh"), "schema=api", *strings], check=True, stdout=subprocess.PIPE, text=True).stdout
    execute("postgres", f"DROP DATABASE IF EXISTS {router}", f"CREATE DATABASE {router}")
    execute(shard, "SELECT djust_auth.grant_api('http_router', 'backend'), djust_auth.grant_api('http_router', 'authenticator')")
    execute(router, script, *(f"SELECT djust_router.grant_api('{role}', '{kind}')" for role, kind in ROLES.items()))
    return router


def prepare():
    connection = psycopg2.connect("")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for role in (*ROLES, "http_router"):
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
            if cursor.rowcount == 0:
                cursor.execute(f"CREATE ROLE {role} NOINHERIT {'LOGIN' if role in ('http_authenticator', 'http_router') else ''}")
        cursor.execute("GRANT http_anon, http_customer, http_backend TO http_authenticator")
        cursor.execute("CREATE SCHEMA api")
        cursor.execute("CREATE EXTENSION djust_auth SCHEMA api")
        for role, kind in ROLES.items():
            cursor.execute("SELECT djust_auth.grant_api(%s, %s)", (role, kind))
        database = os.environ["PGDATABASE"]
        cursor.execute(f"ALTER DATABASE {database} SET djust_auth.jwt_role = 'http_customer'")
        cursor.execute(f"ALTER DATABASE {database} SET search_path = api, public")
    connection.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_answer(url, server):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url + "/rpc/djust_jwks", timeout=PATIENCE):
                return
        except (urllib.error.URLError, ConnectionError) as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{url} does not answer: {error}") from error
            time.sleep(0.02)


@contextlib.contextmanager
def serving(driver, **place):
    """PostgREST, or its replay, before a database; gives the addresses of the server and of its admin server."""
    port, admin_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "postgrest.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(server_port=port, admin_port=admin_port, **place))
        command = [postgrest()] if driver != "replay" and postgrest() else [sys.executable, os.path.join(HERE, "postgrest_replay.py")]
        with open(os.path.join(folder, "log"), "w+", encoding="utf-8") as log:
            server = subprocess.Popen([*command, path], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                url = f"http://127.0.0.1:{port}"
                await_answer(url, server)
                yield url, f"http://127.0.0.1:{admin_port}"
            finally:
                server.terminate()
                server.wait()
                log.seek(0)
                sys.stderr.write("".join("# " + line for line in log))


def main(driver, *program):
    if program[0].endswith(".py"):
        program = (sys.executable, *program)
    prepare()
    database = os.environ["PGDATABASE"]
    if driver == "router":
        database = prepare_router(database)
    with serving(driver, database=database, api="api", host=os.environ["PGHOST"], port=os.environ["PGPORT"]) as (url, admin_url):
        return subprocess.run(program, check=False, env={**os.environ, "HTTP_URL": url, "HTTP_ADMIN_URL": admin_url,
                                                         "HTTP_DRIVER": driver, "HTTP_DATABASE": database}).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
