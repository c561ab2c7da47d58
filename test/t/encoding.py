"""A database that is not in UTF-8: tokens, mails and passwords work as in UTF-8."""

import os

from support import Cluster, claims_of, equal, error_of, fails, main, ok, program, until
from support.smtp import Server

server = Server(login=False)
cluster = Cluster("encoding", "djust_auth.databases = 'latin'", "djust_auth.smtp_require_tls = off", f"djust_auth.smtp_url = '{server.url}'",
                  "djust_auth.mail_from = 'no-reply@shop.example'")


def database(name, encoding, locale="C"):
    program("createdb", "-h", cluster.host, "-p", cluster.port, "-U", "postgres", "-T", "template0", "-E", encoding, "--locale", locale, name)
    db = cluster.connect(dbname=name)
    db.run("CREATE EXTENSION djust_auth")
    return db


def tokens(db):
    db.run("SELECT djust_auth.create_profile('Händler')")
    db.run("SELECT djust_auth.set_right('Händler', '/waren', 'read')")
    db.create_user("ann@encoding.example", profiles=["Händler"])
    answer = db.login("ann@encoding.example")
    token = answer["access_token"]
    equal(claims_of(token)["profiles"], ["Händler"], "the payload of a token is JSON in UTF-8")
    ok(db.can(token, "/waren"), "the token is good")
    db.refresh(answer["refresh_token"])
    ok(db.can(token, "/waren"), "also when its signature decides")
    equal(db.one("SELECT djust_introspect(%s)", token)["profiles"], ["Händler"], "introspection tells the profiles")


def passwords(db):
    secret = "Größe-4-Ann"
    db.create_user("bob@encoding.example", password=secret)
    equal(error_of(db.login("bob@encoding.example", secret)), None, "a password with letters beyond ASCII is good")
    equal(db.one("SELECT djust_auth.check_password(%s)", secret), [], "and may be used")
    db.run("INSERT INTO djust_auth.password_blocklist VALUES (lower(%s))", secret)
    equal(db.one("SELECT djust_auth.check_password(%s)", secret), ["too_common"], "unless it is on the blocklist")


def addresses(db):
    user_id = db.create_user("Émile@MÜNCHEN.example")
    equal(db.one("SELECT email FROM djust_auth.customer_user WHERE id = %s", user_id), "émile@xn--mnchen-3ya.example", "an address has the same normal form as in UTF-8")
    equal(error_of(db.login("ÉMILE@xn--mnchen-3ya.example")), None, "and its owner logs in")
    db.run("UPDATE djust_auth.customer_user SET locale = 'de'")
    equal(db.one("SELECT count(*) FROM djust_auth.customer_user WHERE email = 'émile@xn--mnchen-3ya.example'"), 1, "an UPDATE leaves it as it is")


def routes(db):
    db.run("SELECT djust_auth.create_profile('r'), djust_auth.set_right('r', '/Märkte/{ort}', 'read'), djust_auth.set_right('r', 'Märkte', 'read')")
    db.create_user("rita@encoding.example", profiles=["r"])
    token = db.login("rita@encoding.example")["access_token"]
    equal([db.can(token, route) for route in ("/Märkte/Köln", "/M%C3%A4rkte/K%C3%B6ln", "/M%E4rkte/x", "/Märkte/a%CC%81", "Märkte")], [True, True, False, False, True],
          "a route is the same in the database's encoding and percent-encoded in UTF-8")


def pages(db):
    db.run("SELECT set_config('request.headers', %s, false)", '{"accept-language": "fr"}')
    page = db.one("SELECT djust_reset_page('djp_x')")
    db.run("RESET request.headers")
    ok("Afficher le mot de passe" in page and "caract&#232;re sp&#233;cial&#160;:" in page and page.isascii(), "a page is ASCII, with references for all other characters")


def latin():
    db = database("latin", "LATIN1", "en_US.iso88591") if locale_exists("en_US.iso88591") else database("latin", "LATIN1")
    tokens(db)
    passwords(db)
    addresses(db)
    routes(db)
    pages(db)
    fails("23514", lambda: db.run("SELECT djust_auth.create_user('\u00b5@encoding.example')"), "a normal form that the encoding cannot write is refused")
    db.run("INSERT INTO djust_auth.mail_template (kind, locale, subject, body_text, body_html)"
           " VALUES ('reset', '', 'Passwort zurücksetzen', 'Für {email}: {link}', '<p>Für {email}: {link}</p>')")
    db.run("SELECT djust_reset_request('ann@encoding.example')")
    until(lambda: server.of("ann@encoding.example"), "the mail")
    mail = server.of("ann@encoding.example")[0]
    equal(mail.message["subject"], "Passwort zurücksetzen", "the subject of a mail arrives as it was written")
    ok(mail.part("plain").startswith("Für ann@encoding.example: https://"), "so does its text")


def locale_exists(name):
    return name in os.popen("locale -a").read().split()


def japanese():
    db = database("japanese", "EUC_JP")
    tokens_in_kanji = "管理"
    db.run("SELECT djust_auth.create_profile(%s)", tokens_in_kanji)
    db.create_user("cho@encoding.example", profiles=[tokens_in_kanji])
    equal(claims_of(db.login("cho@encoding.example")["access_token"])["profiles"], [tokens_in_kanji], "EUC_JP: the payload is UTF-8")
    equal(db.one("SELECT djust_auth.check_password(%s)", "Tulips-4-管理"), [], "a password is looked up in the blocklist")


def ascii_only():
    """SQL_ASCII says nothing of its bytes, and is taken at its word."""
    db = database("bytes", "SQL_ASCII")
    db.raw.set_client_encoding("UTF8")
    db.run("SELECT djust_auth.create_profile('Händler')")
    db.create_user("dan@encoding.example", profiles=["Händler"])
    equal(claims_of(db.login("dan@encoding.example")["access_token"])["profiles"], ["Händler"], "SQL_ASCII that holds UTF-8: the payload is")


main(latin, japanese, ascii_only)
