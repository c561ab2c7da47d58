"""HAProxy with the configuration of doc/standbys.md, before a primary and two standbys."""

import atexit
import os
import re
import subprocess

import psycopg2

from support import ROOT, Db, setup, until

REPLAYED_S, LAG_S = 8, 12


def page():
    with open(os.path.join(ROOT, "doc", "standbys.md"), encoding="utf-8") as file:
        return file.read()


def blocks(language, beginning):
    """Those of the page that begin so."""
    return re.findall(rf"^```{language}\n({beginning}.*?)^```$", page(), re.M | re.S)


def installed():
    try:
        setup("need_packages", "haproxy")
        return True
    except subprocess.CalledProcessError:
        return False


class Balancer:
    """The page's ports lead to free ones; a standby that is REPLAYED_S behind gets no checks, not one that is 20 s behind."""

    def __init__(self, name, servers, dbname="postgres"):
        self.dbname, self.ports = dbname, {}
        servers[0].connect().run(blocks("text", "CREATE ROLE")[0])
        text = self.ours("\n".join(blocks("text", "defaults") + blocks("text", "frontend")))
        for number, server in enumerate(servers):
            text = text.replace(f"shop{number}.internal:5432", f"{server.host}/.s.PGSQL.{server.port}")
        path = os.path.join(os.environ["DJUST_TMP"], name)
        with open(path + ".cfg", "w", encoding="ascii") as file:
            file.write(text.replace("secs => 20", f"secs => {REPLAYED_S:02}"))
        with open(path + ".log", "w", encoding="ascii") as log:
            haproxy = subprocess.Popen(["haproxy", "-db", "-f", path + ".cfg"], stdout=log, stderr=log)
        atexit.register(haproxy.wait)
        atexit.register(haproxy.terminate)
        self.until("5433", servers[0])
        self.until("5434", *servers[1:])

    def ours(self, text):
        """With our ports for those of the page."""
        text = re.sub(r"(bind :|localhost:|server-port = )(\d+)", lambda found: found[1] + self.port(found[2]), text)
        return text.replace("bind :", "bind 127.0.0.1:").replace("localhost:", "127.0.0.1:")

    def port(self, documented):
        if documented not in self.ports:
            self.ports[documented] = setup("free_port").strip()
        return self.ports[documented]

    def connect(self, port):
        return Db(host="127.0.0.1", port=self.ports[port], user="postgres", dbname=self.dbname)

    def reached(self, port):
        """Data folders of the servers that ten new connections reach; none while there is no answer."""
        try:
            return {self.connect(port).one("SELECT current_setting('data_directory')") for _ in range(10)}
        except psycopg2.OperationalError:
            return set()

    def until(self, port, *servers):
        until(lambda: self.reached(port) == {server.data for server in servers}, f"port {port} to lead to {[server.name for server in servers]}", 30)
