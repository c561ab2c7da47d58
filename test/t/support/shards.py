"""Shards as doc/scaling.md tells to make them: servers with one key file, a router over them, one that follows the other."""

import os
import re
import subprocess
import sys

from . import ROOT, Cluster, setup, until

FOLLOWED = ("heartbeat", "profile", "profile_right", "signing_key", "mail_template", "password_blocklist", "store", "page_text")
FINDINGS = "SELECT finding FROM djust_auth.check() WHERE severity = 'error' AND finding ~ 'follower|does not come'"


def blocks(heading):
    """Those of a section of the page."""
    with open(os.path.join(ROOT, "doc", "scaling.md"), encoding="utf-8") as file:
        return re.findall(r"```\w+\n(.*?)```", re.search(rf"\n## {heading}\n(.*?)(?:\n## |$)", file.read(), re.S).group(1), re.S)


def shard(number, first, *lines):
    """A server whose database postgres is the shard of that number, with the key file of the first one."""
    key_file = [f"djust_auth.key_file = '{first.data}/djust_auth.key'"] if first else []
    program_name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    cluster = Cluster(f"{program_name}_shard{number}", *key_file, *lines)
    db = cluster.connect()
    db.run(f"ALTER DATABASE postgres SET djust_auth.shard = {number}")
    db.run("CREATE EXTENSION djust_auth; CREATE ROLE shop_router LOGIN")
    db.run("SELECT djust_auth.grant_api('shop_router'), djust_auth.grant_api('shop_router', 'mover')")
    db.close()
    return cluster


def publish(cluster):
    cluster.connect().raw.cursor().execute(blocks("Followers")[1])


def follow(cluster, leader):
    """The steps of the page; then the follower has all."""
    steps = blocks("Followers")[2].replace("host=shop0.internal dbname=shop0", f"host={leader.host} port={leader.port} dbname=postgres")
    db = cluster.connect()
    run_steps(db, steps.replace("DATABASE shop1", "DATABASE postgres"))
    db = cluster.connect()
    until(lambda: db.all(FINDINGS) == [], "the follower to follow")
    run_steps(db, blocks("Followers")[3])


def run_steps(db, steps):
    for statement in steps.replace(" sslmode=verify-full", "").split(";\n"):
        db.run(statement) if statement.strip() else None


def has_plproxy():
    try:
        setup("need_plproxy")
    except subprocess.CalledProcessError:
        return False
    return True


def route(router, clusters, database="postgres"):
    """A router in that database of the server."""
    strings = [f"{number}=host={cluster.host} port={cluster.port} dbname=postgres user=shop_router" for number, cluster in enumerate(clusters)]
    script = subprocess.run(["sh", os.path.join(ROOT, "sql", "router.sh"), *strings], check=True, stdout=subprocess.PIPE, text=True).stdout
    router.connect(database).raw.cursor().execute(script)
