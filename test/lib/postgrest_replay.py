"""Replays PostgREST: the same settings, statements, transaction modes and answers for a request.

    postgrest_replay.py postgrest.conf

reads PostgREST's configuration file and serves the same HTTP, so that a test need not know which of the two it talks to.
Written from PostgREST's documentation and source (16 and 17): Auth, ApiRequest, Plan, PreQuery, Statements, MainTx,
Response, Error.  Features that tests of djust_auth do not need answer 501, so that no test depends on them: filters,
embedding, writes to tables, the OpenAPI document.
"""

import json
import queue
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import psycopg

LEEWAY = 30
SPACES = b" \t\n\v\f\r\xa0"


class Refusal(Exception):
    """An answer that is an error: PostgREST's JSON with code, message, details, hint."""

    def __init__(self, status, code, message, details=None, hint=None, headers=(), reason=None):
        super().__init__(message)
        self.status, self.code, self.headers, self.reason = status, code, list(headers), reason
        self.body = {"code": code, "message": message, "details": details, "hint": hint}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def read_file(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    return {key.strip(): value.strip().strip('"') for key, value in pairs}


# The schema cache and the configuration in the database

SETTINGS = ["jwt_secret", "jwt_aud", "db_pre_request", "db_anon_role", "jwt_role_claim_key", "db_tx_end"]

FUNCTIONS = """
    SELECT p.proname, p.provolatile, p.prorettype = 'void'::regtype, p.proretset, rn.nspname, rt.typname,
        rt.typtype = 'd' AND rt.typname ~* '^[A-Za-z0-9.-]+/[A-Za-z0-9.+-]+$',
        coalesce(rt.typtype = 'c', false),
        ARRAY(SELECT coalesce(p.proargnames[i], '') FROM generate_series(1, p.pronargs) i),
        ARRAY(SELECT format_type(p.proargtypes[i - 1], NULL) FROM generate_series(1, p.pronargs) i),
        p.pronargs - p.pronargdefaults
    FROM pg_proc p JOIN pg_type rt ON rt.oid = p.prorettype JOIN pg_namespace rn ON rn.oid = rt.typnamespace
    WHERE p.prokind = 'f' AND p.pronamespace = %s::regnamespace"""

TABLES = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'f', 'p') AND relnamespace = %s::regnamespace"

# role settings first, then what the pre-config function set
DATABASE_SETTINGS = """
    WITH role_setting AS (
        SELECT setdatabase AS database, unnest(setconfig) AS setting FROM pg_catalog.pg_db_role_setting
        WHERE setrole = quote_ident(CURRENT_USER)::regrole::oid
            AND setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = CURRENT_CATALOG))
    ), kv_settings AS (
        SELECT database, substr(setting, 1, strpos(setting, '=') - 1) AS k, substr(setting, strpos(setting, '=') + 1) AS v
        FROM role_setting
        UNION SELECT null AS database, x AS k, current_setting(x, true) AS v FROM unnest(%s::text[]) x JOIN {}() _ ON TRUE
    )
    SELECT DISTINCT ON (key) replace(k, 'pgrst.', '') AS key, v AS value FROM kv_settings
    WHERE k = ANY (%s::text[]) AND v IS NOT NULL ORDER BY key, database DESC NULLS LAST"""


class Function:
    def __init__(self, row):
        (self.name, self.volatility, self.void, self.set, self.type_schema, self.type_name, self.media, self.composite,
         names, types, required) = row
        self.types = dict(zip(names, types))
        self.required = set(names[:required])

    def matches(self, keys):
        return self.required <= keys <= set(self.types)


class PostgREST:
    def __init__(self, path):
        self.file = read_file(path)
        self.schema = self.file["db-schemas"].split(",")[0].strip()
        self.idle = queue.LifoQueue()
        for _ in range(int(self.file.get("db-pool", "10"))):
            self.idle.put(None)
        self.loads = 0
        self.read_schema()
        self.read_config()
        self.listening = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        self.listening.wait(30)

    def connect(self, **options):
        return psycopg.connect(self.file["db-uri"], autocommit=True, **options)

    def read_schema(self):
        """Counted as /metrics of the admin server counts it."""
        self.loads += 1
        with self.connect() as connection:
            functions = [Function(row) for row in connection.execute(FUNCTIONS, (quoted(self.schema),))]
            self.tables = {name for name, in connection.execute(TABLES, (quoted(self.schema),))}
        self.functions = {}
        for function in functions:
            self.functions.setdefault(function.name, []).append(function)

    def read_config(self):
        config = {key.replace("-", "_"): value for key, value in self.file.items()}
        if "db-pre-config" in self.file:
            names = ["pgrst." + name for name in SETTINGS]
            function = ".".join(quoted(part) for part in self.file["db-pre-config"].split(".", 1))
            with self.connect() as connection:
                connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
                config.update(connection.execute(DATABASE_SETTINGS.format(function), (names, names)).fetchall())
                connection.execute("COMMIT")
        secret = json.loads(config.get("jwt_secret") or '{"keys":[]}')
        self.keys = secret["keys"] if "keys" in secret else [secret]
        self.config = config

    def listen(self):
        with self.connect(target_session_attrs="read-write") as connection:
            connection.execute("LISTEN pgrst")
            self.listening.set()
            for notification in connection.notifies():
                if notification.payload in ("", "reload schema"):
                    self.read_schema()
                elif notification.payload == "reload config":
                    self.read_config()

    # Auth

    def claims(self, bearer):
        if bearer == b"":
            raise self.invalid_token("PGRST301", "Empty JWT is sent in Authorization header")
        parts = bearer.count(b".") + 1
        if parts != 3:
            raise self.invalid_token("PGRST301", f"Expected 3 parts in JWT; got {parts}")
        try:
            header = jwt.get_unverified_header(bearer)
            keys = [key for key in self.keys if header.get("kid") in (None, key.get("kid")) and key.get("alg") == header["alg"]]
            if not keys:
                raise self.invalid_token("PGRST301", "No suitable key or wrong key type")
            claims = jwt.decode(bearer, jwt.PyJWK(keys[0]).key, [header["alg"]],
                                options={name: False for name in ("verify_exp", "verify_nbf", "verify_iat", "verify_aud")})
        except jwt.PyJWTError as error:
            raise self.invalid_token("PGRST301", "JWT cryptographic operation failed") from error
        now = int(time.time())
        audience = claims.get("aud", [])
        audiences = [audience] if isinstance(audience, str) else audience
        for broken, message in (("exp" in claims and now - LEEWAY > claims["exp"], "JWT expired"),
                                ("nbf" in claims and now + LEEWAY < claims["nbf"], "JWT not yet valid"),
                                ("iat" in claims and now + LEEWAY < claims["iat"], "JWT issued at future"),
                                (audiences and self.config.get("jwt_aud") not in audiences, "JWT not in audience")):
            if broken:
                raise self.invalid_token("PGRST303", message)
        return claims

    @staticmethod
    def invalid_token(code, message):
        return Refusal(401, code, message, headers=[
            ("WWW-Authenticate", f'Bearer error="invalid_token", error_description="{message}"')])

    def authenticate(self, authorization):
        """wai-extra's extractBearerAuth: the scheme is what stands before the first white space."""
        claims = {}
        if authorization is not None:
            scheme = re.split(rb"[ \t\n\v\f\r\xa0]", authorization, maxsplit=1)
            if scheme[0].lower() == b"bearer":
                claims = self.claims(b"".join(scheme[1:]).lstrip(SPACES))
        role = claims.get("role", self.config.get("db_anon_role"))
        if role is None:
            raise Refusal(401, "PGRST302", "Anonymous access is disabled", headers=[("WWW-Authenticate", "Bearer")])
        return {**claims, "role": role}, role

    # The request

    def answer(self, method, target, headers, body):
        """Status, reason or None, headers and body.  headers: pairs of bytes, in their order."""
        try:
            first = {name.lower(): value for name, value in reversed(headers)}
            claims, role = self.authenticate(first.get(b"authorization"))
            path, _, query = target.partition("?")
            request = {"method": method, "path": path, "role": role, "claims": claims, "headers": headers, "first": first}
            segments = urllib.parse.unquote(path).split("/")[1:]
            if len(segments) == 2 and segments[0] == "rpc":
                return self.call(request, segments[1], query, body)
            if len(segments) == 1 and segments[0] != "":
                return self.table(request, segments[0], query)
            if segments == [""]:
                return 501, None, [], b""
            raise Refusal(404, "PGRST125", "Invalid path specified in request URL")
        except Refusal as refusal:
            return self.refused(refusal)
        except UnicodeDecodeError:
            return 500, None, [("Content-Type", "text/plain; charset=utf-8")], b"Something went wrong"
        except psycopg.Error as error:
            return self.refused(database_refusal(error, role != self.config.get("db_anon_role")))

    @staticmethod
    def refused(refusal):
        body = json.dumps(refusal.body, separators=(",", ":")).encode()
        headers = [("Content-Type", "application/json; charset=utf-8"), ("Proxy-Status", f"PostgREST; error={refusal.code}"),
                   *refusal.headers]
        return refusal.status, refusal.reason, headers, body

    def call(self, request, name, query, body):
        method = request["method"]
        if method == "OPTIONS":
            allowed = "OPTIONS,POST" if any(f.volatility == "v" for f in self.functions.get(name, [])) else "OPTIONS,GET,HEAD,POST"
            return 200, None, [("Access-Control-Allow-Origin", "*"), ("Allow", allowed)], b""
        if method not in ("GET", "HEAD", "POST"):
            raise Refusal(405, "PGRST101", f"Cannot use the {method} method on RPC")
        content_type = request["first"].get(b"content-type", b"application/json").split(b";")[0].strip().lower()
        values, document = arguments(method, query, content_type, body)
        found = [f for f in self.functions.get(name, []) if f.matches(set(values))]
        if not found:
            listed = f"({', '.join(sorted(values))})" if values else " without parameters"
            raise Refusal(404, "PGRST202", f"Could not find the function {self.schema}.{name}{listed} in the schema cache",
                          f"Searched for the function {self.schema}.{name} with parameters, but no matches were found in the schema cache.")
        if len(found) > 1:
            raise Refusal(300, "PGRST203", "Could not choose the best candidate function")
        function = found[0]
        if function.set or function.composite:
            return 501, None, [], b""
        media, page = negotiate(request["first"].get(b"accept"), function)
        statement, parameters = call_statement(self.schema, function, values, document, page, method == "HEAD")
        read_only = method != "POST" or function.volatility != "v"
        row = self.transaction(request, read_only, statement, parameters)
        headers = [("Content-Range", "0-0/*")]
        status, content = (204, b"") if function.void else (200, row[2].encode())
        if not function.void:
            headers.append(("Content-Type", media))
        return finish(status, headers, content, row)

    def table(self, request, name, query):
        if request["method"] not in ("GET", "HEAD") or query:
            return 501, None, [], b""
        if name not in self.tables:
            raise Refusal(404, "PGRST205", f"Could not find the table '{self.schema}.{name}' in the schema cache")
        relation = f"{quoted(self.schema)}.{quoted(name)}"
        row = self.transaction(request, True, f"""WITH pgrst_source AS ( SELECT {relation}.* FROM {relation} )
            SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total,
                coalesce(json_agg(_postgrest_t), '[]')::text AS body,
                nullif(current_setting('response.headers', true), '') AS response_headers,
                nullif(current_setting('response.status', true), '') AS response_status
            FROM ( SELECT * FROM pgrst_source ) _postgrest_t""", ())
        return finish(200, [("Content-Type", "application/json; charset=utf-8")], row[2].encode(), row)

    def transaction(self, request, read_only, statement, parameters):
        """Settings, pre-request, call, commit: each a statement of its own with parameters, as hasql sends them."""
        headers = {name.lower().decode(): value.decode() for name, value in request["headers"] if name.lower() != b"cookie"}
        cookies = dict(part.strip().split("=", 1) for part in request["first"].get(b"cookie", b"").decode().split(";") if "=" in part)
        settings = {"search_path": quoted(self.schema) + ', "public"', "role": request["role"],
                    "request.jwt.claims": compact(request["claims"]), "request.method": request["method"],
                    "request.path": request["path"], "request.headers": compact(headers), "request.cookies": compact(cookies)}
        columns = ", ".join(f"set_config('{name}', %s, true)" for name in settings)
        pre_request = ".".join(map(quoted, self.config.get("db_pre_request", "").split(".", 1)))
        connection = self.idle.get()
        try:
            if connection is None or connection.closed:
                connection = self.connect()
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED " + ("READ ONLY" if read_only else "READ WRITE"))
            connection.execute("SELECT " + columns, list(settings.values()), prepare=True)
            if "db_pre_request" in self.config:
                connection.execute(f"SELECT {pre_request}()", prepare=True)
            row = connection.execute(statement, parameters, prepare=True).fetchone()
            connection.execute("COMMIT" if self.config.get("db_tx_end", "commit").startswith("commit") else "ROLLBACK")
            return row
        except psycopg.Error:
            if connection is not None and not connection.closed:
                connection.execute("ROLLBACK")
            raise
        finally:
            self.idle.put(connection)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def arguments(method, query, content_type, body):
    """Argument names and values, and the JSON text where there is one."""
    if method != "POST":
        return dict(urllib.parse.parse_qsl(query, keep_blank_values=True)), None
    if query:
        raise Refusal(400, "PGRST100", f"failed to parse filter ({query})")
    if content_type == b"application/x-www-form-urlencoded":
        return dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)), None
    if content_type != b"application/json":
        raise Refusal(400, "PGRST102", f"Content-Type not acceptable: {content_type.decode()}")
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise Refusal(400, "PGRST102", "Empty or invalid json") from error
    if isinstance(document, list) and document and isinstance(document[0], dict):
        document = document[0]
    return (document if isinstance(document, dict) else {}), body.decode() or "{}"


def call_statement(schema, function, values, document, page, head):
    """CallPlan and Statements.mainCall for a function that returns one scalar."""
    names = [name for name in function.types if name in values]
    target = f"{quoted(schema)}.{quoted(function.name)}"
    if document is None:
        call = ", ".join(f"{quoted(name)} := %s::{function.types[name]}" for name in names)
        source, parameters = f"FROM (SELECT {target}({call}) pgrst_scalar) pgrst_call", [values[name] for name in names]
    else:
        columns = ", ".join(map(quoted, names))
        typed = ", ".join(f"{quoted(name)} {function.types[name]}" for name in names)
        reader = "json_to_record" if document.lstrip(" \t\n\r").startswith("{") else "json_to_recordset"
        rows = f"{reader}(pgrst_payload.json_data) AS _({typed}) LIMIT 1" if names else "(values(1)) _ "
        call = ", ".join(f"{quoted(name)} := pgrst_body.{quoted(name)}" for name in names)
        source = (f"FROM (SELECT %s::json AS json_data) pgrst_payload, LATERAL (SELECT {columns} FROM {rows}) pgrst_body , "
                  f"LATERAL (SELECT {target}({call}) pgrst_scalar) pgrst_call")
        parameters = [document]
    if head:
        body = "''::text"
    elif page:
        body = f"{quoted(function.type_schema)}.{quoted(function.type_name)}(_postgrest_t.pgrst_scalar)::text"
    else:
        body = "coalesce(json_agg(_postgrest_t.pgrst_scalar)->0, 'null')::text"
    return f"""WITH pgrst_source AS (SELECT pgrst_call.pgrst_scalar {source})
        SELECT null::bigint AS total_result_set, 1 AS page_total, {body} AS body,
            nullif(current_setting('response.headers', true), '') AS response_headers,
            nullif(current_setting('response.status', true), '') AS response_status
        FROM (SELECT pgrst_source.* FROM pgrst_source) _postgrest_t""", parameters


def negotiate(accept, function):
    """Content type, and whether the function's own domain is what is served; the first accepted one that exists."""
    wanted = []
    for position, part in enumerate((accept or b"*/*").decode().split(",")):
        media, *parameters = [word.strip() for word in part.split(";")]
        quality = next((float(word[2:]) for word in parameters if word.startswith("q=")), 1.0)
        wanted.append((-quality, position, media.lower()))
    for _, _, media in sorted(wanted):
        if function.media and media == function.type_name.lower():
            return function.type_name, True
        if media in ("*/*", "application/json"):
            return "application/json; charset=utf-8", False
    raise Refusal(406, "PGRST107", "None of these media types are available: " + ", ".join(m for _, _, m in sorted(wanted)))


def finish(status, headers, content, row):
    """The settings response.headers and response.status, decoded after the commit."""
    if row[3] is not None:
        try:
            pairs = [list(element.items()) for element in json.loads(row[3])]
            own = [(name, value) for (name, value), in pairs]
            if not all(isinstance(value, str) for _, value in own):
                raise ValueError
        except (ValueError, TypeError, AttributeError):
            return PostgREST.refused(Refusal(500, "PGRST111", "response.headers guc must be a JSON array composed of objects with a single key and a string value"))
        names = {name.lower() for name, _ in own}
        headers = [(name, value) for name, value in headers if name.lower() not in names] + own
    if row[4] is not None:
        if not re.match(r"\d", row[4]):
            return PostgREST.refused(Refusal(500, "PGRST112", "response.status guc must be a valid status code"))
        status = int(re.match(r"\d+", row[4]).group())
    return status, None, headers + [("Vary", "Accept, Prefer, Range")], content


# Error.mapSQLtoHTTP

EXACT = {"23503": 409, "23505": 409, "25006": 405, "53400": 500, "57P01": 503, "P0001": 400, "42883": 404, "42P01": 404,
         "42P17": 500, "21000": 500}
CLASSES = {"08": 503, "09": 500, "0L": 403, "0P": 403, "25": 500, "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500,
           "40": 500, "53": 503, "54": 500, "55": 500, "57": 500, "58": 500, "F0": 500, "HV": 500, "P0": 500, "XX": 500}


def database_refusal(error, known):
    diagnostics, code = error.diag, error.sqlstate
    message, detail, hint = diagnostics.message_primary, diagnostics.message_detail, diagnostics.message_hint
    if code is None:
        return Refusal(503, "PGRST001", "Database client error. Retrying the connection.", str(error))
    if code == "PGRST":
        try:
            told, response = json.loads(message), json.loads(detail)
            return Refusal(int(response["status"]), told["code"], told["message"], told.get("details"), told.get("hint"),
                           list(response["headers"].items()), response.get("status_text"))
        except (ValueError, KeyError, TypeError):
            return Refusal(500, "PGRST121", "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error")
    reason = None
    if code.startswith("PT"):
        status, reason = (int(code[2:]), message) if code[2:].isdigit() else (500, None)
    elif code == "42501":
        status = 403 if known else 401
    elif code == "22023" and message.startswith("role") and message.endswith("does not exist"):
        status = 401
    else:
        status = EXACT.get(code, CLASSES.get(code[:2], 400))
    headers = [("WWW-Authenticate", "Bearer")] if status == 401 else []
    return Refusal(status, code, message, detail, hint, headers, reason)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "postgrest-replay"
    sys_version = ""

    def handle_request(self):
        postgrest = self.server.postgrest
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        status, reason, answer, content = postgrest.answer(self.command, self.requestline.split()[1], headers, body)
        if status == 503:
            # PostgREST treats this as a lost database: it reloads everything; Retry-After is the elapsed delay until then
            answer = [("Retry-After", "0"), *((name, value) for name, value in answer if name.lower() != "retry-after")]
            postgrest.read_schema()
        self.send_response(status, reason)
        for name, value in answer:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = handle_request

    def log_message(self, *_):
        pass


class Admin(BaseHTTPRequestHandler):
    def do_GET(self):
        content = f'pgrst_schema_cache_loads_total{{status="SUCCESS"}} {self.server.postgrest.loads}\n'.encode()
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    replayed = PostgREST(sys.argv[1])
    if "admin-server-port" in replayed.file:
        admin = Server((replayed.file.get("server-host", "127.0.0.1"), int(replayed.file["admin-server-port"])), Admin)
        admin.postgrest = replayed
        threading.Thread(target=admin.serve_forever, daemon=True).start()
    server = Server((replayed.file.get("server-host", "127.0.0.1"), int(replayed.file["server-port"])), Handler)
    server.postgrest = replayed
    server.serve_forever()
