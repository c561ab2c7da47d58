"""Requests as PostgREST tells of them in settings, for what measures the functions that stand before a request."""

import json

HEADERS = {"host": "shop.example", "accept": "application/json", "accept-language": "en,de;q=0.5", "connection": "keep-alive",
           "accept-encoding": "gzip, deflate, br", "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
           "prefer": "count=exact"}

COLUMNS = ("access_token", "path", "headers", "claims")

# the second part of a token is the claims; base64 of PostgreSQL wants its padding
CLAIMS = """convert_from(decode(rpad(p, (length(p) + 3) / 4 * 4, '='), 'base64'), 'UTF8')
    FROM (SELECT access_token, path, translate(split_part(access_token, '.', 2), '-_', '+/') AS p FROM ({}) AS s) AS s"""


def headers_of(token):
    """None as token: nobody."""
    return json.dumps({**HEADERS, **({"authorization": "Bearer " + token} if token else {})}, separators=(",", ":"))


def make_requests(db, table, source):
    """A table of requests to these paths with these tokens; its values are not compressed."""
    db.run(f"CREATE TABLE {table} ({', '.join(column + ' text' for column in COLUMNS)})")
    for column in COLUMNS:
        db.run(f"ALTER TABLE {table} ALTER {column} SET STORAGE PLAIN")
    db.run(f"INSERT INTO {table} SELECT access_token, path, replace(%s, '<token>', access_token), {CLAIMS.format(source)}", headers_of("<token>"))
    db.run(f"VACUUM ANALYZE {table}")


def in_request(call):
    """A condition on a row of such a table: the call, after the settings that differ from request to request."""
    settings = " AND ".join(f"set_config('request.{name}', {column}, true) IS NOT NULL"
                            for name, column in (("path", "path"), ("headers", "headers"), ("jwt.claims", "claims")))
    return f"CASE WHEN {settings} THEN {call} END"
