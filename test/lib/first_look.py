"""The services of doc/docker/compose.yaml, as far as a root with buildah has them, and what doc/docker.md shows of them (test/image.sh)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml

PATIENCE = 60
SERVICES = yaml.safe_load(open("doc/docker/compose.yaml", encoding="utf-8"))["services"]


def printed(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"waited {PATIENCE} s for {what}")
        time.sleep(0.1)


def start_database(container):
    """As an engine would: entrypoint and command, as the image's user."""
    image = json.loads(printed("buildah", "inspect", container))["OCIv1"]["config"]
    service = SERVICES["database"]
    folder, first = (volume.split(":")[:2] for volume in service["volumes"])
    options = [f"--env={name}={value}" for name, value in service["environment"].items()]
    options += ["--volume", f"/look/{folder[0]}:{folder[1]}", "--volume", f"/look/djust_auth/doc/docker/{first[0]}:{first[1]}:ro"]
    process = subprocess.Popen(["buildah", "run", *options, container, "--", *image["Entrypoint"], *service["command"]])
    ready = ["buildah", "run", container, "--", "sh", "-c", service["healthcheck"]["test"]]
    until(lambda: process.poll() is not None or subprocess.run(ready, check=False, stderr=subprocess.DEVNULL).returncode == 0, "the database")
    if process.poll() is not None:
        sys.exit("the database has ended")
    return process


def stop(database):
    """With the image's signal, to the server itself: buildah passes none on."""
    with open("/look/data/data/postmaster.pid", encoding="ascii") as file:
        os.kill(int(file.readline()), signal.SIGINT)
    database.wait(PATIENCE)


def start_postgrest():
    with open("/look/postgrest.conf", "w", encoding="utf-8") as file:
        for name, value in SERVICES["postgrest"]["environment"].items():
            file.write(f'{name.removeprefix("PGRST_").lower().replace("_", "-")} = "{value}"\n')
        file.write('server-host = "127.0.0.1"\nserver-port = 3000\n')
    return subprocess.Popen([sys.executable, "test/lib/postgrest_replay.py", "/look/postgrest.conf"])


def answers():
    try:
        with urllib.request.urlopen("http://localhost:3000/rpc/djust_jwks"):
            return True
    except urllib.error.URLError:
        return False


def follow_page():
    """The commands of doc/docker.md but Docker's own: a login, and a mail asked for."""
    with open("doc/docker.md", encoding="utf-8") as file:
        commands = [block for block in re.findall(r"^```sh\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL) if "docker" not in block]
    answer = printed("sh", "-ec", "".join(commands))
    if "access_token" not in answer:
        sys.exit(f"the login answered {answer}")


def mailed():
    with open("/look/mails", encoding="utf-8") as file:
        return re.search(r"http://localhost:3000/rpc/djust_reset_page\?token=djp_", file.read().replace("=3D", "=").replace("=\n", ""))


def main():
    catcher = subprocess.Popen([sys.executable, "-u", "-m", "aiosmtpd", "-n", "-l", "127.0.0.1:1025"], stdout=open("/look/mails", "w", encoding="utf-8"))
    os.mkdir("/look/data")
    container = printed("buildah", "from", "--pull-never", "djust_auth")
    owner = printed("buildah", "run", container, "--", "id", "-u"), printed("buildah", "run", container, "--", "id", "-g")
    os.chown("/look/data", *map(int, owner))
    database = start_database(container)
    postgrest = start_postgrest()
    until(answers, "PostgREST")
    follow_page()
    until(mailed, "the mail")
    stop(database)
    database = start_database(container)
    until(answers, "PostgREST, on the same database")
    follow_page()
    stop(database)
    for process in (postgrest, catcher):
        process.terminate()


main()
