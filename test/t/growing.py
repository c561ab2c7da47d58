"""Adding a shard, losing one, restoring one, by the steps of doc/scaling.md."""

import os
import shutil
import subprocess

from support import Cluster, equal, error_of, kill, main, ok, setup, shop, skip, until
from support.shards import blocks, follow, has_plproxy, publish, route, shard

CUSTOMERS = [f"customer{n}@growing.example" for n in range(12)]
LINES = ("wal_level = logical", "djust_auth.max_replica_lag = '30s'", "djust_auth.databases = 'postgres'")
clusters = []
router = back = None


def run_block(number):
    """A block of the page, for these servers."""
    script = blocks("Adding, losing and restoring shards")[number].replace("-d router", f"-d 'host={router.host} port={router.port} user=postgres dbname=postgres'")
    for n, cluster in enumerate(clusters):
        script = script.replace(f"host=shop{n}.internal dbname=shop{n}", f"host={cluster.host} port={cluster.port} user=postgres dbname=postgres")
    path = os.environ["DJUST_BIN"] + ":" + os.environ["PATH"]
    ran = subprocess.run(["sh", "-ec", script], env={**os.environ, "PATH": path}, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    equal((ran.returncode, ran.stdout), (0, ""), f"block {number} of the page runs")


def home(email, shards=2):
    return back.one("SELECT djust_router.email_shard(%s, %s)", email, shards)


def all_log_in():
    return [email for email in CUSTOMERS if error_of(back.login(email)) is not None]


def places():
    """Shard and address of all customers."""
    return sorted((n, email) for n, cluster in enumerate(clusters) for email, in cluster.connect().all("SELECT email FROM djust_auth.customer_user"))


def begin():
    global router, back
    clusters.append(shard(0, None, *LINES))
    db = clusters[0].connect()
    shop(db)
    publish(clusters[0])
    router = Cluster("growing_router")
    route(router, clusters)
    back = router.connect()
    for email in CUSTOMERS:
        db.create_user(email, profiles=["customer"])
    equal(all_log_in(), [], "one shard, and a router")


def added():
    clusters.append(shard(1, clusters[0], *LINES))
    follow(clusters[1], clusters[0])
    route(router, clusters)
    equal(all_log_in(), [email for email in CUSTOMERS if home(email) == 1], "two shards: who belongs to the new one is not found")
    run_block(1)
    equal(places(), sorted((home(email), email) for email in CUSTOMERS), "moved, everybody is where they belong")
    equal(all_log_in(), [], "and logs in")
    run_block(1)
    ok(True, "the step can be repeated")


def lost():
    """The standby of shard 1 takes its place; the router's string names both."""
    standby = clusters[1].standby("growing_standby")
    both = Cluster.__new__(Cluster)
    both.host, both.port = f"{clusters[1].host},{standby.host}", f"{clusters[1].port},{standby.port} target_session_attrs=read-write"
    ok("target_session_attrs=read-write" in blocks("Adding, losing and restoring shards")[0], "the string of the page")
    route(router, [clusters[0], both])
    equal(all_log_in(), [], "a string with two servers")
    primary = clusters[1].connect()
    until(lambda: primary.one("SELECT pg_current_wal_lsn() = replay_lsn FROM pg_stat_replication WHERE application_name = 'walreceiver'"), "the standby")
    kill(*clusters[1].processes(), clusters[1].postmaster())
    shutil.rmtree(clusters[1].data, ignore_errors=True)
    standby.ctl("promote")
    clusters[1] = standby
    until(lambda: answers() == [], "the promoted standby")
    ok(True, "the first server is lost: the router finds the other")


def answers():
    try:
        return all_log_in()
    except Exception as error:
        if getattr(error, "pgcode", None) != "08006":
            raise
        return [error]


def restored():
    """Shard 0 as it was before some moved away from it."""
    folder = os.path.join(os.environ["DJUST_TMP"], "growing_backup")
    moving = [email for email in CUSTOMERS if home(email) == 0][:2]
    stays = clusters[0].connect().create_user("stays@growing.example") if home("stays@growing.example") == 0 else None
    os.mkdir(folder, 0o700)
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    setup("as_server", os.path.join(os.environ["DJUST_BIN"], "pg_basebackup"), "-h", clusters[0].host, "-p", clusters[0].port, "-U", "postgres",
          "-D", os.path.join(folder, "data"), "-X", "stream", "-c", "fast")
    db = clusters[0].connect()
    for email in moving:
        there = next(f"moved{n}.{email}" for n in range(100) if home(f"moved{n}.{email}") == 1)
        back.run("SELECT djust_auth.move_user(%s, %s)", db.one("SELECT id FROM djust_auth.customer_user WHERE email = %s", email), there)
        CUSTOMERS[CUSTOMERS.index(email)] = there
    before = places()
    clusters[0].stop()
    backup = Cluster.__new__(Cluster)
    backup.name, backup.folder = "growing_backup", folder
    backup.adopt(folder, clusters[0].port)
    backup.configure(f"unix_socket_directories = '{folder}'", f"djust_auth.key_file = '{clusters[0].data}/djust_auth.key'")
    backup.ctl("start")
    clusters[0] = backup
    ok(places() != before, "from the backup, who moved away is on two shards")
    run_block(2)
    equal(places(), before, "taken out of it, nobody is")
    backup.connect().run("SELECT djust_auth.after_restore()")
    route(router, clusters)
    equal(all_log_in(), [], "and everybody logs in")
    ok(stays is None or error_of(back.login("stays@growing.example")) is None, "who stayed, too")


def missing():
    skip("adding, losing and restoring shards", "postgresql-plproxy could not be installed")


main(*([begin, added, lost, restored] if has_plproxy() else [missing]))
