"""Shards: the number in tokens, the number of an address, and what a token is on another shard."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess

from support import ROOT, Cluster, equal, error_of, fails, main, ok, program, skip

SHARDS = {"zero": (0, "UTF8"), "seven": (7, "LATIN1"), "last": (4095, "UTF8")}
made = {}
LETTERS = "äöüéèñçøåßÄÖÜµ"

cluster = Cluster("shards")
for name, (number, encoding) in SHARDS.items():
    program("createdb", "-h", cluster.host, "-p", cluster.port, "-U", "postgres", "-T", "template0", "-E", encoding, "--locale", "C", name)
    with_setting = cluster.connect(name)
    with_setting.run("CREATE EXTENSION djust_auth")
    with_setting.run(f"ALTER DATABASE {name} SET djust_auth.shard = {number}")
shards = {number: cluster.connect(name, client_encoding="utf8") for name, (number, _) in SHARDS.items()}


def code(language):
    """The example of doc/scaling.md."""
    with open(os.path.join(ROOT, "doc", "scaling.md"), encoding="utf-8") as file:
        return re.search(rf"```{language}\n(.*?)```", file.read(), re.S).group(1)


def by_python(tokens):
    names = {}
    exec(code("python"), names)
    return [names["token_shard"](token) for token in tokens]


def by_javascript(tokens):
    script = code("js") + f"console.log(JSON.stringify({json.dumps(tokens)}.map(tokenShard)))"
    return json.loads(subprocess.run(["node", "-e", script], check=True, stdout=subprocess.PIPE, text=True).stdout)


def made_on(db):
    """An access token, a refresh token and the secret of a link."""
    email = "ann@shards.example"
    db.create_user(email)
    tokens = db.login(email)
    return [tokens["access_token"], tokens["refresh_token"], db.reset_link(email)]


def tokens():
    made.update((number, made_on(db)) for number, db in shards.items())
    every = [token for number in made for token in made[number]]
    expected = [number for number in made for _ in made[number]]
    for number, db in shards.items():
        equal([db.one("SELECT djust_auth.token_shard(%s)", token) for token in every], expected, f"shard {number} knows whose each token is")
    equal(by_python(every), expected, "so does the example in Python")
    if shutil.which("node"):
        equal(by_javascript(every), expected, "so does the example in JavaScript")
    else:
        skip("so does the example in JavaScript", "node is not there")
    for number, db in shards.items():
        foreign = [token for other in made if other != number for token in made[other]]
        equal([db.can(token) for token in foreign], [False] * len(foreign), f"on shard {number} an access token of another is dead")
        equal([error_of(db.refresh(token)) for token in foreign], ["invalid_grant"] * len(foreign), "and a refresh token")
        equal([error_of(db.confirm(token)) for token in foreign], ["invalid_grant"] * len(foreign), "and a link")
        ok("error" not in db.refresh(made[number][1]) and "error" not in db.confirm(made[number][2]), "its own are good")
    sids = [row[0] for row in shards[7].all("SELECT djust_auth.open_session(id) ->> 'access_token' FROM djust_auth.customer_user, generate_series(1, 1000)")]
    equal({shards[7].one("SELECT djust_auth.token_shard(%s)", token) for token in sids}, {7}, "1,000 sessions, one shard")


def garbage():
    db = shards[7]
    access, refresh, link = made[7]
    for bad in ("", "x", "djr_", "djp_", "djr_" + "A" * 70, "a.b.c", access[:60], refresh[:-1], refresh + "A", link[:-1], link + "A", "djx_" + link[4:], " " + refresh, access + ".y", "." + access, access.replace(".", "", 1),
                "eyJhbGciOiJub25lIn0." + base64.urlsafe_b64encode(b'{"sid":"00000000-0000-4000-8000-000000000000","x":1}').decode().rstrip("=") + ".",
                "djr_" + "A" * (len(refresh) - 4), "." * 5000, "é" * 43):
        equal(db.one("SELECT djust_auth.token_shard(%s)", bad), None, f"garbage: {bad[:20]!r}")
    equal(db.one("SELECT djust_auth.token_shard(NULL)"), None, "NULL")


def addresses():
    emails = ["ann@shop.example", "Ann@Shop.Example", " ann@shop.example ", "JÖRG@BÜCHER.example", "jörg@bücher.example", "no address", "", *(f"{c}{n}@shop.example" for n, c in enumerate(LETTERS))]
    normal = {number: [db.one("SELECT djust_auth.normal_email(%s)", email) for email in emails] for number, db in shards.items()}
    equal(normal[7][:-1], normal[0][:-1], "normal forms are the same in another encoding")
    equal((normal[0][-1][0], normal[7][-1][0]), ("μ", "µ"), "but one that it cannot hold")
    equal(normal[0][0:3], ["ann@shop.example"] * 3, "one for all spellings")
    equal(normal[0][3], normal[0][4], "also of other letters")
    equal(normal[0][5], "no address", "an invalid address stays")
    for count in (1, 2, 3, 1000, 4096):
        expected = [int.from_bytes(hashlib.sha256(form.encode()).digest()[:8], "big") % count for form in normal[0]]
        for number, db in shards.items():
            equal([db.one("SELECT djust_auth.email_shard(%s, %s)", email, count) for email in emails], expected, f"{count} shards, asked on {number}")
    spread = [n for (n,) in shards[0].all("SELECT count(*) FROM generate_series(1, 40000) g GROUP BY djust_auth.email_shard(g || '@shop.example', 4)")]
    ok(max(spread) - min(spread) < 600, "addresses are spread evenly", spread)
    for bad in (0, -1, 4097, None):
        fails("22023", lambda n=bad: shards[0].one("SELECT djust_auth.email_shard('ann@shop.example', %s)", n), f"{bad} shards")
    equal(shards[0].one("SELECT djust_auth.email_shard(NULL, 2)"), None, "NULL")


def setting():
    db = shards[7]
    for bad in (-1, 4096, "x"):
        fails("22023", lambda value=bad: shards[7].run(f"ALTER DATABASE seven SET djust_auth.shard = '{value}'"), f"{bad} is refused")
    shards[7].run("CREATE ROLE shards_web LOGIN; SET ROLE shards_web")
    fails("42501", lambda: shards[7].run("SET djust_auth.shard = 8"), "only a superuser chooses it")


main(tokens, garbage, addresses, setting)
