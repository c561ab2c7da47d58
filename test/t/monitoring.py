"""What doc/monitoring says to the real postgres_exporter and Prometheus: each row of djust_auth.stat arrives, each alert tells of what is broken."""

import atexit
import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from support import ROOT, WRONG, Cluster, equal, error_of, later, main, ok, setup, shop, skip, until, write_key

FOLDER = os.path.join(ROOT, "doc", "monitoring")
ALERTS = os.path.join(FOLDER, "alerts.yml")
CHEAP = "{SSHA}KxMkFdSaiXhpiNy6TpTKa6UgONFzYWx0c2FsdA=="
FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'

# What fires each alert, as promtool writes series, a value a minute; None: the series is not there.
QUIET = {"worker_alive": "1x20", "worker_last_write_seconds": "180x20", "mail_oldest_due_seconds": "300x20", "key_file_matches": "1x20",
         "events_waiting": "8192x20", "replay_lag_seconds": "10x20", "follower_lag_seconds": "60x20", "audit_lost": "7x20", "hash_timeouts": "7x20"}
BROKEN = {
    "DjustAuthWorkerStopped": {"worker_alive": "0x20", "worker_last_write_seconds": "900x20"},
    "DjustAuthWorkerStuck": {"worker_last_write_seconds": "181x20"},
    "DjustAuthMailStuck": {"mail_oldest_due_seconds": "301x20"},
    "DjustAuthKeyFileSwapped": {"key_file_matches": "0x20"},
    "DjustAuthEventQueueHalfFull": {"events_waiting": "8193x20"},
    "DjustAuthAuditLost": {"audit_lost": "7x8 8x12"},
    "DjustAuthReplicationLag": {"replay_lag_seconds": "11x20"},
    "DjustAuthFollowerSilent": {"follower_lag_seconds": "61x20"},
    "DjustAuthHashSlotsExhausted": {"hash_timeouts": "7x8 8x12"},
    "DjustAuthUnwatched": {name: None for name in QUIET}}

running = {}
watched = {}


def folder(name):
    return os.path.join(os.environ["DJUST_TMP"], "monitoring_" + name)


def start(name, *words, **environment):
    with open(folder(name + ".log"), "w", encoding="utf-8") as log:
        running[name] = subprocess.Popen(["/usr/bin/" + name, *words], stdout=log, stderr=log, env={**os.environ, **environment})
    atexit.register(stop, name)


def stop(name):
    running[name].terminate()
    running[name].wait()


def fetch(port, path):
    """The text, or None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None


def prometheus(path, **parameters):
    return json.loads(fetch(watched["prometheus"], f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))["data"]


def metrics(server):
    """Value by kind and name, of this server."""
    text = fetch(watched["exporter"], "/metrics")
    lines = re.findall(r'^djust_auth_(counter_total|gauge_value)\{datname="shop",name="(\w+)",server="([^"]+)"\} (\S+)$', text, re.MULTILINE)
    return {(kind.split("_")[0], name): float(value) for kind, name, where, value in lines if where == f"{server.host}:{server.port}"}


def promtool(*words):
    return subprocess.run(["promtool", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def case(changes, expected, recovery=0):
    values = {name: value for name, value in {**QUIET, **changes}.items() if value is not None}
    series = [{"series": f'djust_auth_{"counter_total" if name in ("audit_lost", "hash_timeouts") else "gauge_value"}{{datname="shop",server="a",name="{name}"}}',
               "values": value} for name, value in values.items()]
    series.append({"series": 'djust_auth_server_in_recovery{datname="shop",server="a"}', "values": f"{recovery}x20"})
    samples = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in expected]
    return {"interval": "1m", "input_series": series, "promql_expr_test": [{"expr": FIRING, "eval_time": "12m", "exp_samples": samples}]}


def rules():
    """Each alert fires alone; none does at its threshold, and none of the worker on a standby."""
    checked = promtool("check", "rules", ALERTS)
    ok(checked.returncode == 0, "promtool reads the rules", checked.stdout)
    for path, pattern in ((ALERTS, r"alert: (\w+)"), (os.path.join(ROOT, "doc", "operations.md"), r"^\| `(Djust\w+)`")):
        with open(path, encoding="utf-8") as file:
            equal(sorted(re.findall(pattern, file.read(), re.MULTILINE)), sorted(BROKEN), f"each alert of {os.path.basename(path)} has its case")
    cases = {"nothing at the thresholds": case({}, []),
             "nothing of the worker on a standby": case({"worker_alive": "0x20", "worker_last_write_seconds": "900x20"}, [], 1),
             **{alert: case(changes, [alert]) for alert, changes in BROKEN.items()}}
    for name, test in cases.items():
        path = folder("rules.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"rule_files": [ALERTS], "evaluation_interval": "1m", "tests": [test]}, file)
        tested = promtool("test", "rules", path)
        ok(tested.returncode == 0, f"promtool: {name}", tested.stdout)


def log_lines():
    """Said by the postmaster alone, once a start."""
    cluster = Cluster("monitored", "djust_auth.databases = 'shop'", "djust_auth.worker_role = 'shop_worker'", "djust_auth.max_concurrent_hashes = 1",
                      "djust_auth.argon2_iterations = 1", "wal_level = replica", "max_wal_senders = 4", "full_page_writes = on")
    watched["cluster"] = cluster
    db = cluster.connect()
    db.run("CREATE ROLE shop_worker LOGIN")
    db.run("CREATE DATABASE shop")

    def said():
        return [re.search("created|found|serves.*", line)[0] for line in cluster.log().split("\n") if re.search('LOG:  .*(key file "|serves)', line)]

    equal(said(), ["serves: shop", "created"], "the server log tells at start which databases are served, and that a key file was made")
    cluster.restart("fast")
    equal(said()[2:], ["serves: shop", "found"], "or that one was found")
    victim = cluster.connect()
    os.kill(victim.pid, 9)
    until(lambda: cluster.log().count("is ready to accept connections") == 3, "a crash, and the server again")
    equal(len(said()), 4, "and nothing again after a crash")
    cluster.configure("djust_auth.databases = ''")
    cluster.restart("fast")
    equal(said()[4:], ["serves no database", "found"], "without databases it says so")
    cluster.configure("djust_auth.databases = 'shop'")
    cluster.restart("fast")


def without_collectors():
    """Flags that turn off what the exporter itself collects; its versions have different ones."""
    told = subprocess.run(["prometheus-postgres-exporter", "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    return [f"--no-collector.{name}" for name in re.findall(r"--(?:\[no-\])?collector\.(\w+)\s", told)]


def begin():
    cluster = watched["cluster"]
    db = watched["db"] = cluster.connect("shop")
    db.run("CREATE EXTENSION djust_auth")
    db.run("SELECT djust_auth.grant_api('shop_worker', 'worker')")
    db.run("CREATE ROLE watcher LOGIN IN ROLE pg_monitor")
    shop(db)
    db.create_user("ann@monitoring.example")
    db.login("ann@monitoring.example")
    db.until_worker()
    copy = watched["copy"] = cluster.standby("monitored_copy")
    watched["exporter"], watched["prometheus"] = (setup("free_port").strip() for _ in range(2))
    start("prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{watched['exporter']}", f"--extend.query-path={FOLDER}/queries.yaml",
          "--disable-default-metrics", "--disable-settings-metrics", *without_collectors(),
          DATA_SOURCE_NAME=",".join(f"user=watcher host={server.host} port={server.port} dbname=shop sslmode=disable" for server in (cluster, copy)))
    with open(folder("prometheus.json"), "w", encoding="utf-8") as file:
        json.dump({"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}, "rule_files": [ALERTS],
                   "scrape_configs": [{"job_name": "postgres", "static_configs": [{"targets": [f"127.0.0.1:{watched['exporter']}"]}]}]}, file)
    start("prometheus", f"--config.file={folder('prometheus.json')}", f"--storage.tsdb.path={folder('series')}",
          f"--web.listen-address=127.0.0.1:{watched['prometheus']}")
    until(lambda: "djust_auth_gauge_value" in (fetch(watched["exporter"], "/metrics") or ""), "the exporter", 30)
    until(lambda: fetch(watched["prometheus"], "/-/ready"), "Prometheus", 30)
    until(lambda: len(prometheus("query", query="djust_auth_server_in_recovery")["result"]) == 2, "both servers", 30)


def rows():
    for name, server in (("primary", watched["cluster"]), ("standby", watched["copy"])):
        stat = {row[:2]: row[2] for row in server.connect("shop").all("SELECT kind, name, value FROM djust_auth.stat")}
        shown = metrics(server)
        equal(set(shown), {key for key, value in stat.items() if value is not None}, f"each of the {len(stat)} rows of the view is a metric of the {name}")
        differing = {key: (stat[key], value) for key, value in shown.items() if abs(value - stat[key]) > (5 if key[1].endswith("_seconds") else 0)}
        equal(differing, {}, "with its value")
    ok(re.search(r"^pg_exporter_user_queries_load_error\{.*\} 0$", fetch(watched["exporter"], "/metrics"), re.MULTILINE), "the exporter has read the queries")
    with open(folder("prometheus-postgres-exporter.log"), encoding="utf-8") as log:
        equal([line for line in log if "level=error" in line], [], "to a role that is in pg_monitor only, and without an error")


def dashboard():
    with open(os.path.join(FOLDER, "dashboard.json"), encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    for panel in panels:
        for target in panel["targets"]:
            query = target["expr"].replace("$datname", "shop|.*").replace("$__rate_interval", "1m")
            try:
                until(lambda: prometheus("query", query=query)["result"], "an answer", 10)
                ok(True, f"the dashboard's query of \"{panel['title']}\" has an answer")
            except (TimeoutError, TypeError) as error:
                ok(False, f"the dashboard's query of \"{panel['title']}\" has an answer", f"{query}: {error}")


def active():
    return {alert["labels"]["alertname"] for alert in prometheus("alerts")["alerts"]}


def tells(alert):
    """Active, be it for less than the time after which it fires."""
    try:
        until(lambda: alert in active(), alert, 30)
    except TimeoutError:
        return ok(False, f"{alert} is active", active())
    annotations = [each["annotations"] for each in prometheus("alerts")["alerts"] if each["labels"]["alertname"] == alert]
    return ok(annotations and "<error" not in str(annotations), f"{alert} is active", annotations)


def broken():
    """What the alerts watch is broken, one after another."""
    db, cluster, copy = watched["db"], watched["cluster"], watched["copy"]
    equal(active(), set(), "no alert while all is well, on a standby without worker neither")
    copy.connect().run("SELECT pg_wal_replay_pause()")

    db.run("SELECT djust_reset_request('ann@monitoring.example')")
    db.run("UPDATE djust_auth.mail_queue SET next_attempt_at = now() - interval '20 minutes'")
    ok(metrics(cluster)["gauge", "mail_oldest_due_seconds"] >= 1200, "a mail that is due for long is seen")
    tells("DjustAuthMailStuck")

    other = cluster.connect("shop")
    db.run("SET djust_auth.argon2_iterations = 8; SET djust_auth.argon2_memory = '64MB'")
    db.create_user("slow@monitoring.example")
    other.run("SET djust_auth.hash_wait_timeout = '1ms'")
    slow = later(db.login, "slow@monitoring.example")
    until(lambda: slow.done() or error_of(other.login("ann@monitoring.example")) == "temporarily_unavailable", "a slot to be missed")
    slow.result()
    equal(metrics(cluster)["counter", "hash_timeouts"], other.stats("hash_timeouts"), "a hash slot not found in time is counted")
    tells("DjustAuthHashSlotsExhausted")

    db.run("ALTER TABLE djust_auth.audit_event ADD CONSTRAINT mine CHECK (event <> 'login_failed') NOT VALID")
    other.login("nobody@monitoring.example", WRONG)
    other.until_written()
    db.run("ALTER TABLE djust_auth.audit_event DROP CONSTRAINT mine")
    equal(metrics(cluster)["counter", "audit_lost"], 1, "an event that a constraint refused is counted")
    tells("DjustAuthAuditLost")

    worker = db.worker()
    db.run("ALTER ROLE shop_worker NOLOGIN")
    db.run("SELECT pg_terminate_backend(%s)", worker)
    until(lambda: db.worker() is None, "its end")
    until(lambda: metrics(cluster)["gauge", "worker_alive"] == 0, "the metric")
    tells("DjustAuthWorkerStopped")
    db.run("INSERT INTO djust_auth.customer_user (email, password_hash) SELECT 'user' || n || '@monitoring.example', %s FROM generate_series(1, 100) n", CHEAP)
    db.run("SET djust_auth.max_login_failures = 100")
    db.run("SELECT djust_login('user' || u || '@monitoring.example', %s) FROM generate_series(1, 100) u, generate_series(1, 83)", WRONG)
    ok(metrics(cluster)["gauge", "events_waiting"] > 8192, "a queue that fills is seen")
    tells("DjustAuthEventQueueHalfFull")
    db.run("ALTER ROLE shop_worker LOGIN")

    db.run("SET session_replication_role = replica; INSERT INTO djust_auth.heartbeat (at) VALUES (now() - interval '2 minutes'); RESET session_replication_role")
    db.setting("follower", "on")
    tells("DjustAuthFollowerSilent")
    db.setting("follower", None)

    tells("DjustAuthReplicationLag")
    ok(metrics(copy)["gauge", "replay_lag_seconds"] > 10, "a standby that is behind is seen")

    cluster.stop("fast")
    write_key(os.path.join(cluster.data, "djust_auth.key"), os.urandom(32).hex() + "\n")
    cluster.ctl("start")
    until(lambda: metrics(cluster).get(("gauge", "key_file_matches")) == 0, "the metric", 30)
    tells("DjustAuthKeyFileSwapped")

    stop("prometheus-postgres-exporter")
    tells("DjustAuthUnwatched")


def wait_events():
    db = watched["db"]
    if db.raw.server_version < 170000:
        skip("waits have names", "extensions name what they wait for from 17 on")
        return
    names = {"DjustAuthEventWrite", "DjustAuthHashSlot", "DjustAuthThrottle", "DjustAuthWorkerMain"}
    with open(os.path.join(ROOT, "doc", "operations.md"), encoding="utf-8") as page:
        equal(set(re.findall("^- `(DjustAuth\\w+)`:", page.read(), re.MULTILINE)), names, "doc/operations.md explains each wait event")
    until(lambda: {name for name, in db.all("SELECT name FROM pg_wait_events WHERE type = 'Extension'")} >= names, "the wait events")
    until(lambda: db.one("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", db.worker()) == "DjustAuthWorkerMain", "the worker to sleep")
    ok(True, "waits have names")


def missing():
    skip("exporter and Prometheus", "prometheus and prometheus-postgres-exporter could not be installed")


try:
    setup("need_packages", "prometheus", "prometheus-postgres-exporter")
except subprocess.CalledProcessError:
    main(log_lines, missing)
main(log_lines, rules, begin, wait_events, rows, dashboard, broken)
