"""doc/postgrest.md, "The pages": HAProxy, as the page configures it, keeps arguments that others add to links from PostgREST."""

import atexit
import os
import re
import subprocess
import tempfile
import urllib.parse

import web
from support import ROOT, equal, main, ok, setup, skip, until
from support.balancer import installed

ADDED = "utm_source=mail&fbclid=x%20y"
HTML = [("Accept", "text/html")]


def configuration(port):
    with open(os.path.join(ROOT, "doc", "postgrest.md"), encoding="utf-8") as file:
        text = re.search(r"^## The pages\n.*?^```haproxy\n(.*?)^```$", file.read(), re.M | re.S).group(1)
    text = text.replace("bind :8080", f"bind 127.0.0.1:{port}")
    return text.replace("localhost:3000", urllib.parse.urlsplit(web.URL).netloc)


def start():
    global direct
    port = setup("free_port").strip()
    with tempfile.NamedTemporaryFile("w", suffix=".cfg", dir=os.environ["DJUST_TMP"], delete=False) as file:
        file.write(configuration(port))
    haproxy = subprocess.Popen(["haproxy", "-db", "-f", file.name])
    atexit.register(haproxy.wait)
    atexit.register(haproxy.terminate)
    direct, web.URL = web.URL, f"http://127.0.0.1:{port}"
    until(answers, "HAProxy")


def answers():
    try:
        return web.get("djust_jwks").status == 200
    except OSError:
        return False


def pages():
    for page, query, kept in (("djust_reset_page", "token=djp_x%2By", 'value="djp_x+y"'), ("djust_confirm_page", "token=djc_x%2By", 'value="djc_x+y"')):
        for path in (f"/rpc/{page}?{query}&{ADDED}", f"/rpc/{page}?{ADDED}&{query}", f"/rpc/{page}?{query}"):
            answer = web.ask("GET", path, headers=HTML)
            ok(answer.status == 200 and kept in answer.text, f"GET {path}", answer)
        equal(web.ask("HEAD", f"/rpc/{page}?{query}&{ADDED}", headers=HTML).status, 200, f"HEAD {page}")
    for query in ("", f"?{ADDED}", f"?email=ann@proxy.example&{ADDED}"):
        answer = web.ask("GET", f"/rpc/djust_sign_up_page{query}", headers=HTML)
        ok(answer.status == 404 and answer.text.startswith("<!DOCTYPE html>"), f"sign-up is off, and the page says so: {query}", answer)


def forms():
    answer = web.form("djust_confirm_page", {"token": "djc_x", "confirm": "yes"}, headers=HTML)
    ok(answer.status == 400 and answer.text.startswith("<!DOCTYPE html>"), "a form is posted as it is", answer)
    equal(web.get("djust_request_can", {"route": "/", "access": "read"}).status, 200, "so are arguments of other functions")


def without():
    web.URL = direct
    equal(web.ask("GET", f"/rpc/djust_reset_page?token=djp_x&{ADDED}", headers=HTML).status, 404, "without the proxy it would be 404")


def missing():
    skip("HAProxy before PostgREST", "haproxy could not be installed")


main(*([start, pages, forms, without] if installed() else [missing]))
