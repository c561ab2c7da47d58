"""
doc/moving-in.md: the statements for each system, on ten customers in tables and exports as that system makes them; hashes by
Python's hashlib, or pgcrypto, not by ours.  All log in with their old passwords.
"""

import base64
import hashlib
import hmac
import json
import os
import re

from support import ROOT, WRONG, Cluster, equal, error_of, main, ok, program

CUSTOMERS = [(number, f"customer{number}@moving.example", f"Tulips-{number}-Anné") for number in range(10)]
cluster = Cluster("moving")


def statements(system):
    """The ```sql blocks of a section."""
    with open(os.path.join(ROOT, "doc", "moving-in.md"), encoding="utf-8") as file:
        section = re.search(rf"^## From {system}$(.*?)(?=^## |\Z)", file.read(), re.MULTILINE | re.DOTALL).group(1)
    return "\n".join(re.findall(r"^```sql\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


def b64(data):
    return base64.b64encode(data).decode()


def salt(number):
    return hashlib.sha256(b"salt%d" % number).digest()[:16]


def moved(system, tables, fill, profiles, without):
    """Ten customers with their profiles; and `without`, addresses that must not be there."""
    name = "from_" + re.sub(r"\W", "_", system.lower())
    cluster.connect().run(f"CREATE DATABASE {name}")
    db = cluster.connect(name)
    db.run("CREATE EXTENSION djust_auth; CREATE EXTENSION pgcrypto")
    db.run("SELECT djust_auth.create_profile('buyer')")
    db.run(tables)
    fill(db)
    program("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", name, input=statements(system), env=cluster.environment(name))
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user"), len(CUSTOMERS), f"{system}: all customers are there, and nobody else")
    equal([email for _, email, _ in CUSTOMERS if error_of(db.login(email, WRONG)) != "invalid_grant"], [], f"{system}: nobody logs in with another password")
    equal([email for _, email, password in CUSTOMERS if "access_token" not in db.login(email, password)], [], f"{system}: all log in with the passwords they had")
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%%'"), len(CUSTOMERS),
          f"{system}: every hash is replaced")
    equal({tuple(row) for row in db.all("SELECT email, profile FROM djust_auth.user_profile JOIN djust_auth.customer_user ON id = user_id")}, profiles,
          f"{system}: the profiles are those of the old system")
    equal([email for email in without if error_of(db.login(email, CUSTOMERS[0][2])) != "invalid_grant"], [], f"{system}: others do not log in")
    return db


def supabase():
    def fill(db):
        for number, email, password in CUSTOMERS:
            db.run("""INSERT INTO auth.users (id, email, encrypted_password, email_confirmed_at, raw_app_meta_data)
                VALUES (md5(%s)::uuid, %s, crypt(%s, gen_salt('bf', 6)), now(), %s)""", str(number), email, password,
                   json.dumps({"provider": "email", **({"profile": "staff"} if number == 0 else {})}))
        db.run("""INSERT INTO auth.users (id, email, encrypted_password, email_confirmed_at, deleted_at, banned_until)
            SELECT gen_random_uuid(), 'unconfirmed@moving.example', encrypted_password, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz FROM auth.users WHERE id = md5('0')::uuid
            UNION ALL SELECT gen_random_uuid(), 'deleted@moving.example', encrypted_password, now(), now(), NULL FROM auth.users WHERE id = md5('0')::uuid""")
        db.run("SELECT djust_auth.create_profile('staff')")

    # columns of gotrue's table that the statements read, and some that they do not
    db = moved("Supabase", """CREATE SCHEMA auth; CREATE TABLE auth.users (instance_id uuid, id uuid NOT NULL PRIMARY KEY, aud varchar(255), role varchar(255),
        email varchar(255), encrypted_password varchar(255), email_confirmed_at timestamptz, raw_app_meta_data jsonb, raw_user_meta_data jsonb,
        created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz, banned_until timestamptz, deleted_at timestamptz,
        is_sso_user boolean NOT NULL DEFAULT false, is_anonymous boolean NOT NULL DEFAULT false)""", fill,
               {(email, "staff" if number == 0 else "buyer") for number, email, _ in CUSTOMERS}, ["unconfirmed@moving.example", "deleted@moving.example"])
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user JOIN auth.users USING (id)"), len(CUSTOMERS), "Supabase: ids are kept")


def keycloak():
    def credential(number, password):
        secret = hashlib.pbkdf2_hmac("sha512" if number % 2 else "sha256", password.encode(), salt(number), 1000 + number, 64)
        return {"id": f"c{number}", "type": "password", "createdDate": 1700000000000,
                "secretData": json.dumps({"value": b64(secret), "salt": b64(salt(number)), "additionalParameters": {}}),
                "credentialData": json.dumps({"hashIterations": 1000 + number, "algorithm": "pbkdf2-sha512" if number % 2 else "pbkdf2-sha256", "additionalParameters": {}})}

    def fill(db):
        users = [{"id": hashlib.md5(b"%d" % number).hexdigest(), "username": email, "email": email, "emailVerified": True, "enabled": True,
                  "credentials": [{"type": "otp", "secretData": "{}", "credentialData": "{}"}, credential(number, password)] if number == 0 else [credential(number, password)],
                  "realmRoles": ["default-roles-shop", "premium" if number == 0 else "buyer"], "groups": []} for number, email, password in CUSTOMERS]
        users.append({**users[0], "id": hashlib.md5(b"x").hexdigest(), "email": "unverified@moving.example", "emailVerified": False})
        db.run("INSERT INTO keycloak_export VALUES (%s)", json.dumps({"realm": "shop", "users": users}))

    db = moved("Keycloak", "CREATE TABLE keycloak_export (realm jsonb)", fill, {(email, "premium" if number == 0 else "buyer") for number, email, _ in CUSTOMERS}, ["unverified@moving.example"])
    equal(db.one("SELECT email FROM djust_auth.customer_user WHERE id = md5('7')::uuid"), "customer7@moving.example", "Keycloak: ids are kept")


def django():
    def fill(db):
        db.run("INSERT INTO auth_group (name) VALUES ('editors')")
        for number, email, password in CUSTOMERS:
            text = f"pbkdf2_sha256$1000$salt{number}${b64(hashlib.pbkdf2_hmac('sha256', password.encode(), b'salt%d' % number, 1000))}"
            if number == 1:
                text = f"sha1$salt${hashlib.sha1(b'salt' + password.encode()).hexdigest()}"
            db.run("INSERT INTO auth_user (username, email, password, is_active) VALUES (%s, %s, %s, true)", email, email.replace("customer3", "Customer3"), text)
        db.run("INSERT INTO auth_user (username, email, password) VALUES ('again', 'CUSTOMER4@moving.example', '!6cpWuvZZ3rV55XF4Xw0KQM7NxudAiH0z9257r1zH'), ('nobody', '', '!')")
        db.run("INSERT INTO auth_user_groups (user_id, group_id) SELECT id, 1 FROM auth_user WHERE username ~ 'customer[0-4]'")

    moved("Django", """CREATE TABLE auth_group (id serial PRIMARY KEY, name varchar(150) NOT NULL UNIQUE);
        CREATE TABLE auth_user (id serial PRIMARY KEY, password varchar(128) NOT NULL, last_login timestamptz, is_superuser boolean NOT NULL DEFAULT false, username varchar(150) NOT NULL UNIQUE,
            first_name varchar(150) NOT NULL DEFAULT '', last_name varchar(150) NOT NULL DEFAULT '', email varchar(254) NOT NULL, is_staff boolean NOT NULL DEFAULT false,
            is_active boolean NOT NULL DEFAULT true, date_joined timestamptz NOT NULL DEFAULT now());
        CREATE TABLE auth_user_groups (id bigserial PRIMARY KEY, user_id integer NOT NULL REFERENCES auth_user, group_id integer NOT NULL REFERENCES auth_group)""",
          fill, {(email, "editors") for number, email, _ in CUSTOMERS if number < 5}, [])


def phpass(number, password):
    """WordPress before 6.8, and bbPress: MD5 repeated, and a base64 of its own."""
    alphabet, text = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", f"saltsal{number}"
    digest = hashlib.md5((text + password).encode()).digest()
    for _ in range(2 ** 8):
        digest = hashlib.md5(digest + password.encode()).digest()
    value = int.from_bytes(digest, "little")
    return "$P$" + alphabet[8] + text + "".join(alphabet[value >> 6 * i & 63] for i in range(22))


def wordpress():
    def fill(db):
        for number, email, password in CUSTOMERS:
            hashed = phpass(number, password)
            if number % 2:
                mac = b64(hmac.new(b"wp-sha384", password.encode(), "sha384").digest())
                hashed = "$wp" + db.one("SELECT crypt(%s, gen_salt('bf', 5))", mac).replace("$2a$", "$2y$")
            db.run("INSERT INTO wp_user VALUES (%s, %s, %s, %s)", number + 1, email, hashed,
                   'a:2:{s:8:"customer";b:1;s:12:"shop_manager";b:1;}' if number == 0 else 'a:1:{s:8:"customer";b:1;}')

    moved("WordPress and WooCommerce", "CREATE TABLE wp_user (id bigint, email text, hash text, capabilities text)", fill,
          {(email, "customer") for _, email, _ in CUSTOMERS} | {(CUSTOMERS[0][1], "shop_manager")}, [])


def auth0():
    def fill(db):
        for number, email, password in CUSTOMERS + [(10, "unverified@moving.example", CUSTOMERS[0][2])]:
            db.run("INSERT INTO auth0_user VALUES (%s)", json.dumps({
                "_id": {"$oid": hashlib.md5(b"%d" % number).hexdigest()[:24]}, "email": email, "email_verified": number < 10, "tenant": "shop", "connection": "Users",
                "passwordHash": db.one("SELECT crypt(%s, gen_salt('bf', 6))", password).replace("$2a$", "$2b$"), "_tmp_is_unique": True}))

    moved("Auth0", "CREATE TABLE auth0_user (line jsonb)", fill, {(email, "buyer") for _, email, _ in CUSTOMERS}, ["unverified@moving.example"])


def better_auth():
    def fill(db):
        for number, email, password in CUSTOMERS:
            text = salt(number).hex()
            key = hashlib.scrypt(password.encode(), salt=text.encode(), n=16384, r=16, p=1, maxmem=2 ** 26, dklen=64)
            db.run('INSERT INTO "user" (id, name, email, "emailVerified", role) VALUES (%s, %s, %s, true, %s)', f"user{number}", "Ann", email, "admin" if number == 0 else "user")
            db.run('INSERT INTO account (id, "accountId", "providerId", "userId", password) VALUES (%s, %s, %s, %s, %s)', f"a{number}", f"user{number}", "credential", f"user{number}", f"{text}:{key.hex()}")
        db.run("""INSERT INTO account (id, "accountId", "providerId", "userId") VALUES ('g', '1', 'google', 'user1')""")
        db.run("""INSERT INTO "user" (id, name, email, "emailVerified") VALUES ('x', 'X', 'unverified@moving.example', false)""")

    moved("better-auth", """CREATE TABLE "user" (id text PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE, "emailVerified" boolean NOT NULL, image text,
            "createdAt" timestamp NOT NULL DEFAULT now(), "updatedAt" timestamp NOT NULL DEFAULT now(), role text, banned boolean, "banReason" text, "banExpires" timestamp);
        CREATE TABLE account (id text PRIMARY KEY, "accountId" text NOT NULL, "providerId" text NOT NULL, "userId" text NOT NULL REFERENCES "user", "accessToken" text,
            "refreshToken" text, password text, "createdAt" timestamp NOT NULL DEFAULT now(), "updatedAt" timestamp NOT NULL DEFAULT now())""",
          fill, {(email, "admin" if number == 0 else "user") for number, email, _ in CUSTOMERS}, ["unverified@moving.example"])


def every_section():
    with open(os.path.join(ROOT, "doc", "moving-in.md"), encoding="utf-8") as file:
        systems = re.findall(r"^## From (.*)$", file.read(), re.MULTILINE)
    equal(sorted(systems), sorted(["Supabase", "Keycloak", "Django", "WordPress and WooCommerce", "Auth0", "better-auth"]), "every section is tried")
    ok(all("INSERT INTO djust_auth.customer_user" in statements(system) for system in systems), "and has its statements")


main(every_section, supabase, keycloak, django, wordpress, auth0, better_auth)
