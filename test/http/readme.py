"""Runs the examples of doc/postgrest.md, so that it cannot rot: its SQL, its configuration files, its calls.

In a cluster of its own, in the order of the text.  ```ini blocks become servers; only addresses and ports are replaced.
A ```sh block must print what the ```text block below it says: its lines in this order, ... for anything.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from support import ROOT, Cluster, main, ok, program
from web import DRIVER
from with_postgrest import await_answer, free_port, postgrest

PATIENCE = 30
folder = tempfile.mkdtemp(prefix="djust_auth_readme.", dir=os.environ["DJUST_TMP"])
variables = {}
ports = {}
servers = []


def blocks():
    """Language, text and the heading above, of each block."""
    with open(os.path.join(ROOT, "doc", "postgrest.md"), encoding="utf-8") as file:
        found = re.findall(r"^(#+ [^\n]*)$|^```(\w+)\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    heading = ""
    for title, language, body in found:
        if title:
            heading = title.lstrip("# ")
        else:
            yield language, body, heading


def serve(cluster, text):
    """A server with this configuration, on another port, before the test's own cluster."""
    port = re.search(r"^server-port = (\d+)$", text, re.MULTILINE).group(1)
    ports[port] = str(free_port())
    text = text.replace(f"server-port = {port}", f"server-port = {ports[port]}")
    text = re.sub(r"@localhost:5432/(\w+)", rf"@/\1?host={cluster.host}&port={cluster.port}", text)
    path = os.path.join(folder, f"postgrest_{port}.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    command = [postgrest()] if DRIVER == "postgrest" else [sys.executable, os.path.join(ROOT, "test", "lib", "postgrest_replay.py")]
    servers.append(subprocess.Popen([*command, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    await_answer(f"http://127.0.0.1:{ports[port]}", servers[-1])


def executed(cluster, text):
    """Statement by statement, as in psql."""
    program("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", "shop", input=text, env=cluster.environment("shop"))


def called(text):
    """What the commands print; tokens that come along are kept for later ones."""
    for port, mine in ports.items():
        text = text.replace(f"http://localhost:{port}/", f"http://127.0.0.1:{mine}/")
    # an answer ends its line, whether or not its last byte is the end of one
    text = re.sub(r"^curl ", "curl -w '\\\\n' ", text, flags=re.MULTILINE)
    done = subprocess.run(["sh", "-ec", text], env={**os.environ, **variables}, capture_output=True, text=True, timeout=120, check=False)
    for name, pattern in (("ACCESS_TOKEN", r'"access_token":"([^"]+)'), ("REFRESH_TOKEN", r'"refresh_token":"([^"]+)')):
        for token in re.findall(pattern, done.stdout):
            variables[name] = token
    return done.stdout.replace("\r", "") + done.stderr


def says(printed, expected):
    lines = iter(printed.split("\n"))
    return all(any(re.fullmatch(".*".join(map(re.escape, line.split("..."))), got) for got in lines)
               for line in expected.strip().split("\n"))


def example(cluster, text, expected, heading):
    if "$RESET_TOKEN" in text and "RESET_TOKEN" not in variables:
        db = cluster.connect("shop")
        variables["RESET_TOKEN"] = re.search(r"djp_[\w-]+", db.one("SELECT body_text FROM djust_auth.claim_mail() WHERE body_text ~ 'djp_'")).group()
    deadline = time.monotonic() + PATIENCE
    commands = re.split(r"(?m)^(?=curl )", text)
    while True:
        printed = "".join(called(command) for command in commands if command.strip())
        # a changed setting or schema reaches a server a moment later
        if says(printed, expected) or time.monotonic() > deadline or "after SQL" not in heading:
            break
        time.sleep(0.05)
    ok(says(printed, expected), f"{heading}: {text.split()[2][:60]}", f"{text}\n{printed}\nexpected\n{expected}")


def page():
    cluster = Cluster(f"readme_http_{DRIVER}")
    program("createdb", "-h", cluster.host, "-p", cluster.port, "-U", "postgres", "shop")
    command, previous, statements = None, None, 0
    for language, text, heading in blocks():
        if language == "sql":
            executed(cluster, text)
            statements += 1
        elif language == "ini":
            serve(cluster, text)
        elif language == "sh":
            command = text
            after_sql = previous == "sql"
        elif language == "text":
            example(cluster, command, text, heading + (" (after SQL)" if after_sql else ""))
            command = None
        previous = language
    ok(command is None, "every call has its answer")
    ok(statements > 5 and len(servers) == 2, "SQL and configuration files were used")


def logs():
    """With everything logged, calls over HTTP leave no secret in the log."""
    cluster = Cluster(f"readme_log_{DRIVER}", "log_statement = 'all'", "log_min_duration_statement = 0")
    program("createdb", "-h", cluster.host, "-p", cluster.port, "-U", "postgres", "shop")
    found = [(language, text) for language, text, _ in blocks()]
    for language, text in found[:3]:
        if language == "sql":
            executed(cluster, text)
        else:
            serve(cluster, text)
    answer = called(next(text for language, text in found if language == "sh"))
    ok("access_token" in answer, "a login", answer)
    called('curl -s http://localhost:3000/rpc/djust_request_user -H "Authorization: Bearer $ACCESS_TOKEN"')
    log = cluster.log()
    ok("request.headers" in log or "set_config(***" in log, "what PostgREST sets is in the log", log[-2000:])
    for name, secret in (("password", "Tulips-4-Ann'"), ("access token", variables["ACCESS_TOKEN"]), ("refresh token", variables["REFRESH_TOKEN"])):
        lines = [line for line in log.split("\n") if secret in line and "create_user" not in line]
        ok(not lines, f"the {name} is not", lines[:2])


try:
    main(page, logs)
finally:
    for server in servers:
        server.terminate()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)
