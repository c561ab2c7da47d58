"""HTTP client of the tests in test/http: sends requests unchanged; answers have status, headers, text and JSON."""

import http.client
import json
import os
import re
import urllib.parse
import urllib.request

URL = os.environ["HTTP_URL"]
DRIVER = os.environ["HTTP_DRIVER"]
DATABASE = os.environ["HTTP_DATABASE"]
FORM = "application/x-www-form-urlencoded"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.reason = response.reason
        self.fields = response.getheaders()
        self.text = response.read().decode()

    def header(self, name):
        """All values of it as one, None where there is none."""
        values = [value for key, value in self.fields if key.lower() == name]
        return ", ".join(values) if values else None

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def error(self):
        return self.json.get("error")

    def __repr__(self):
        return f"{self.status} {dict(self.fields)} {self.text}"


def ask(method, path, body=None, bearer=None, headers=()):
    """headers: pairs, sent as they are; body: bytes."""
    address = urllib.parse.urlsplit(URL)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if bearer is not None:
        connection.putheader("Authorization", "Bearer " + bearer)
    if body is not None or method == "POST":
        connection.putheader("Content-Length", str(len(body or b"")))
    connection.endheaders(body)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def post(function, arguments=None, headers=(), **options):
    """A call with JSON."""
    return ask("POST", f"/rpc/{function}", json.dumps(arguments or {}).encode(),
               headers=[("Content-Type", "application/json"), *headers], **options)


def form(function, arguments, headers=(), **options):
    """A call with a form, as OAuth2 clients and browsers post it."""
    return ask("POST", f"/rpc/{function}", urllib.parse.urlencode(arguments).encode(),
               headers=[("Content-Type", FORM), *headers], **options)


def get(function, arguments=None, **options):
    query = "?" + urllib.parse.urlencode(arguments) if arguments else ""
    return ask("GET", f"/rpc/{function}{query}", **options)


def schema_loads():
    """How often PostgREST has read its schema cache."""
    with urllib.request.urlopen(os.environ["HTTP_ADMIN_URL"] + "/metrics", timeout=60) as answer:
        return int(float(re.search(r'^pgrst_schema_cache_loads_total\{status="SUCCESS"\} (\S+)', answer.read().decode(), re.M).group(1)))
