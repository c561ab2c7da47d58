"""Mail from request to inbox: the worker, the queue, the templates, against good and bad SMTP servers."""

import json
import os
import re
import statistics
import tempfile
import threading
import time

from support import GOOD, OTHER, Cluster, Db, equal, error_of, fails, main, note, ok, until
from support.smtp import PASSWORD, USER, Authority, Raw, Server, polite

folder = tempfile.TemporaryDirectory()
os.chmod(folder.name, 0o755)
authority, stranger = Authority(folder.name), Authority(folder.name, "stranger")
server = Server("starttls", authority.context())
cluster = Cluster("mail", "djust_auth.databases = 'postgres'", "djust_auth.mail_from = 'Blumen Müller <no-reply@shop.example>'",
                  "djust_auth.smtp_user = 'shop'", "djust_auth.smtp_password_file = 'smtp_password'", "log_statement = all",
                  f"djust_auth.smtp_ca_file = '{authority.file}'", f"djust_auth.smtp_url = '{server.url}'", "djust_auth.mail_lease = 10s")
with open(os.path.join(cluster.data, "smtp_password"), "w", encoding="ascii") as password_file:
    os.fchown(password_file.fileno(), os.stat(cluster.data).st_uid, -1)
    os.fchmod(password_file.fileno(), 0o600)
    password_file.write(PASSWORD + "\n")
db = cluster.connect()
db.run("CREATE EXTENSION djust_auth")
secrets = []
numbers = iter(range(1000))


def customer(name="user", locale=None):
    address = f"{name}{next(numbers)}@mail.example"
    user_id = db.create_user(address)
    if locale:
        db.run("UPDATE djust_auth.customer_user SET locale = %s WHERE id = %s", locale, user_id)
    return address, user_id


def request(address):
    """Answers the row of the queue."""
    db.run("SELECT djust_reset_request(%s)", address)
    return db.one("SELECT max(id) FROM djust_auth.mail_queue WHERE kind = 'reset'")


def arrives(address, at=None, n=1):
    until(lambda: len((at or server).of(address)) >= n, f"mail to {address}")
    mail = (at or server).of(address)[n - 1]
    if mail.secret():
        secrets.append(mail.secret())
    return mail


def row(mail_id, wanted):
    """Columns of the row, once it is as wanted."""
    until(lambda: db.one(f"SELECT {wanted} FROM djust_auth.mail_queue WHERE id = %s", mail_id), f"mail {mail_id}: {wanted}")
    return db.row("SELECT attempts, done_at IS NOT NULL, last_error, extract(epoch FROM next_attempt_at - clock_timestamp())::float"
                  " FROM djust_auth.mail_queue WHERE id = %s", mail_id)


def at_once(mail_id):
    """The retry is due now; a reload wakes the worker."""
    db.run("UPDATE djust_auth.mail_queue SET next_attempt_at = clock_timestamp() WHERE id = %s", mail_id)
    db.run("SELECT pg_reload_conf()")


def events(event, mail_id):
    return [each for (each,) in db.all("SELECT detail FROM djust_auth.audit_event WHERE event = %s AND (detail ->> 'mail')::bigint = %s ORDER BY at, id",
                                       event, mail_id)]


def logged(pattern):
    until(lambda: re.search(pattern, cluster.log()), f"{pattern} in the log")
    return True


def delivered():
    for each in (server, Server("smtps", authority.context())):
        db.setting("smtp_url", each.url)
        before = db.stats("mails_sent")
        address, user_id = customer()
        mail_id = request(address)
        mail = arrives(address, each)
        equal((mail.sender, mail.recipients, mail.encrypted, mail.user, str(mail.message["From"])),
              ("no-reply@shop.example", [address], True, USER, "Blumen Müller <no-reply@shop.example>"), f"the mail arrives, {each.tls} and AUTH")
        ok(mail.message["Message-ID"] and mail.message["Date"] and mail.message["Auto-Submitted"] == "auto-generated" and not mail.message.defects, "well-formed")
        ok(mail.secret("plain") and mail.secret("plain") == mail.secret("html"), "both parts carry the same link")
        equal(error_of(db.confirm(mail.secret(), "weak")), "weak_password", "which a weak password does not use up")
        equal(db.confirm(mail.secret()), {"status": "password_updated"}, "works")
        equal(error_of(db.confirm(mail.secret())), "invalid_grant", "once")
        notice = arrives(address, each, n=2)
        ok("changed" in notice.message["Subject"] and address in notice.part("plain") and address in notice.part("html") and not notice.secret(),
           "the notice arrives, without a link")
        until(lambda b=before: db.stats("mails_sent") == b + 2, "the count of both")
        equal((db.stats("mails_waiting"), [each["kind"] for each in events("mail_sent", mail_id)]), (0, ["reset"]), "stats and audit know")
        equal(db.one("SELECT user_id::text FROM djust_auth.audit_event WHERE event = 'mail_sent' AND (detail ->> 'mail')::bigint = %s", mail_id), user_id, "whose")
        if each is not server:
            each.stop()
    db.setting("smtp_url", server.url)


def templates():
    db.run("INSERT INTO djust_auth.mail_template (kind, locale, subject, body_text, body_html) VALUES"
           " ('reset', '', 'For {email} {link}', 'everybody {link}', '<p>everybody {link}</p>'),"
           " ('reset', 'de', 'Neues Paßwort für {email}', 'Hier wählen: {link} {x} {email}', '<p title=''{email}''>{email} <a href=\"{link}\">hier</a></p>'),"
           " ('reset', 'de_AT', 'Servus', 'Servus {link}', '<p>{link}</p>')")
    for locale, subject in (("de", "Neues Paßwort für "), ("de-CH", "Neues Paßwort für "), ("de_AT", "Servus"), ("de_AT_wien", "Servus"), ("fr", "For "), (None, "For ")):
        address, _ = customer(locale=locale)
        request(address)
        ok(str(arrives(address).message["Subject"]).startswith(subject), f"locale {locale}: {subject}", str(arrives(address).message["Subject"]))
    ok(str(server.mails[-1].message["Subject"]).endswith("{link}"), "a subject gets no link")
    address, _ = customer("o'&`x", locale="de")
    request(address)
    mail = arrives(address)
    escaped = address.replace("&", "&amp;").replace("'", "&#39;")
    equal((f"<p title='{escaped}'>{escaped} <a" in mail.part("html"), f"{{x}} {address}" in mail.part("plain"), str(mail.message["Subject"])),
          (True, True, f"Neues Paßwort für {address}"), "values are escaped for HTML, and only there; other braces stay")
    ok(mail.secret("plain") == mail.secret("html"), "the link is the same")
    db.run("UPDATE djust_auth.mail_template SET body_html = '<a href=\"{link}\">' WHERE locale = 'de'")
    db.setting("reset_url", "https://shop.example/reset?a=1&token={token}")
    address, _ = customer(locale="de")
    request(address)
    mail = arrives(address)
    ok("?a=1&amp;token=djp_" in mail.part("html") and "?a=1&token=djp_" in mail.part("plain"), "an & of the link too", mail.part("html"))
    db.setting("reset_url", None)
    db.run("INSERT INTO djust_auth.mail_template (kind, locale, subject, body_text, body_html) VALUES"
           " ('reset', 'fr_CA', 'Bonjour', 'Bonjour {link}', '<p>{link}</p>'), ('reset', 'PT', 'Bom dia', '{link}', '{link}'),"
           " ('reset', 'zh-Hant', 'zh-Hant', '{link}', '{link}'), ('reset', 'zh', 'zh', '{link}', '{link}'), ('reset', 'zh_hant_tw', 'zh_hant_tw', '{link}', '{link}')")
    for locale, subject in (("fr-CA", "Bonjour"), ("FR-ca", "Bonjour"), ("fr_ca", "Bonjour"), ("fr-CA-quebec", "Bonjour"), ("fr-CAN", "For "), ("fr", "For "),
                            ("pt-BR", "Bom dia"), ("pt", "Bom dia"), ("ptx", "For "), ("zh-TW", "zh"), ("ZH_HANT_HK", "zh-Hant"), ("zh-Hant-TW", "zh_hant_tw"), ("DE-at", "Servus")):
        address, _ = customer(locale=locale)
        request(address)
        got = str(arrives(address).message["Subject"])
        ok(got.startswith("For ") if subject == "For " else got == subject, f"locale {locale}: {subject}", got)
    fails("23505", lambda: db.run("INSERT INTO djust_auth.mail_template VALUES ('reset', 'FR-ca', 'x', '{link}', '{link}')"), "two spellings of one locale")
    fails("23514", lambda: db.run("INSERT INTO djust_auth.mail_template VALUES ('reset', 'french!', 'x', '{link}', '{link}')"), "what is no locale")
    for name, subject, body, reason in (("a line feed in the subject", "x\nBcc: eve@evil.example", "", "control characters"), ("a control of Latin-1", "a\u0085b", "", "control characters"),
                                        ("a line separator", "a\u2028b", "", "control characters"), ("a long subject", "x" * 501, "", "longer than 500"),
                                        ("a large body", "x", "x" * 262145, "longer than 256 kB")):
        fails("23514", lambda s=subject, b=body: db.run("UPDATE djust_auth.mail_template SET subject = %s, body_html = %s WHERE locale = ''", s, "{link}" + b), name, reason)
    db.run("UPDATE djust_auth.mail_template SET subject = %s, body_text = %s, body_html = %s WHERE locale = ''",
           "\u00a0" * 250, "{link}\t\x01\x7f\u0085\u2028" + "\u20ac" * 80000, "<p>{link}</p>" + ".\n" * 100000)
    address, _ = customer()
    request(address)
    ok(arrives(address).secret(), "the strangest template that is taken is sent")
    db.run("ALTER TABLE djust_auth.mail_template DROP CONSTRAINT mail_template_valid")
    db.run("UPDATE djust_auth.mail_template SET subject = E'a\\u0085b', body_text = '{link}', body_html = '{link}' WHERE locale = ''")
    address, _ = customer()
    mail_id = request(address)
    _, done, error, _ = row(mail_id, "last_error IS NOT NULL")
    ok(not done and "subject" in error, "a template that no mail can be made of: the mail waits", (done, error))
    db.run("UPDATE djust_auth.mail_template SET subject = 'mended' WHERE locale = ''")
    db.run("ALTER TABLE djust_auth.mail_template ADD CONSTRAINT mail_template_valid CHECK (djust_auth.mail_template_is_valid(subject, body_text, body_html))")
    at_once(mail_id)
    equal(str(arrives(address).message["Subject"]), "mended", "and goes once it is mended")
    _, user_id = customer()
    fails("23514", lambda: db.run("UPDATE djust_auth.customer_user SET email = %s WHERE id = %s", "u\u0085bcc@mail.example", user_id),
          "an address with a control character of Latin-1 is refused")
    db.run("DELETE FROM djust_auth.mail_template")


def wrong_certificate():
    for name, context, pattern in (("a stranger's", stranger.context(), "not signed by a trusted"), ("another host's", authority.context("elsewhere.example"), "another host")):
        other = Server("starttls", context)
        db.setting("smtp_url", other.url)
        address, _ = customer()
        mail_id = request(address)
        attempts, done, error, delay = row(mail_id, "last_error IS NOT NULL")
        ok((attempts, done) == (1, False) and re.search(pattern, error) and 0 < delay <= 10, f"{name} certificate: tried again after 10 s", (attempts, done, error, delay))
        ok(logged(f"could not send mail {mail_id}: .*{pattern}"), "the log says why")
        equal(other.mails, [], "nothing is sent")
        db.setting("smtp_url", server.url)
        at_once(mail_id)
        ok(arrives(address).secret(), "with the right one it arrives")
        other.stop()


def failures():
    address, _ = customer()
    server.answer = lambda mail: f"451 4.7.1 spam? {mail.secret()}"
    before = db.stats("mails_failed")
    mail_id = request(address)
    attempts, done, error, delay = row(mail_id, "last_error IS NOT NULL")
    ok((attempts, done) == (1, False) and "451 4.7.1" in error and 8 < delay <= 10, "451: tried again after 10 s", (attempts, done, error, delay))
    ok(logged(f"could not send mail {mail_id}: .*451"), "in the log")
    equal((db.stats("mails_failed") - before, [each["given_up"] for each in events("mail_failed", mail_id)]), (1, [False]), "in stats and audit")
    at_once(mail_id)
    attempts, done, error, delay = row(mail_id, "attempts = 2 AND next_attempt_at > clock_timestamp() + interval '11 s'")
    ok(not done and 18 < delay <= 20, "the second time after 20 s", (attempts, done, error, delay))
    server.answer = lambda mail: "250 OK"
    at_once(mail_id)
    first = arrives(address)
    equal(db.confirm(first.secret()), {"status": "password_updated"}, "the link of the mail that arrives works")
    server.answer = lambda mail: f"550 5.7.1 spam! {mail.secret()}"
    address, _ = customer()
    mail_id = request(address)
    attempts, done, error, _ = row(mail_id, "done_at IS NOT NULL")
    ok((attempts, done) == (1, True) and "550 5.7.1" in error, "550: given up", (attempts, done, error))
    ok(logged(f"could not send mail {mail_id}, which is given up: .*550"), "in the log")
    equal([each["given_up"] for each in events("mail_failed", mail_id)], [True], "and the audit")
    server.answer = lambda mail: "250 OK"
    for name, answers in (("closing mid-data", {"line": None}), ("closing instead of the last answer", {"dot": None})):
        raw = Raw(polite(answers))
        db.setting("smtp_require_tls", "off")
        db.setting("smtp_user", "")
        db.setting("smtp_url", raw.url)
        address, _ = customer()
        mail_id = request(address)
        attempts, done, error, _ = row(mail_id, "last_error IS NOT NULL")
        ok((attempts, done) == (1, False) and "closed the connection" in error, f"{name}: tried again", (attempts, done, error))
        for setting in ("smtp_require_tls", "smtp_user"):
            db.setting(setting, None)
        db.setting("smtp_url", server.url)
        at_once(mail_id)
        ok(arrives(address).secret(), "and arrives")
        raw.stop()
    server.stop()
    address, _ = customer()
    mail_id = request(address)
    attempts, done, error, _ = row(mail_id, "last_error IS NOT NULL")
    ok((attempts, done) == (1, False) and error, "the server is down: tried again", (attempts, done, error))
    started = time.monotonic()
    server.start()
    ok(arrives(address).secret() and time.monotonic() - started < 15, "by itself within 10 s", time.monotonic() - started)


def tarpit(wait):
    """A server that has a mail and does not answer, and the mail's number."""
    raw = Raw(polite({"dot": "wait"}, wait))
    db.setting("smtp_require_tls", "off")
    db.setting("smtp_user", "")
    db.setting("smtp_url", raw.url)
    db.setting("mail_lease", "60s")
    mail_id = request(customer()[0])
    until(lambda: b".\r\n" in raw.heard, "the tarpit to have the mail")
    return raw, mail_id


def never_slow():
    """A server that does not answer slows nobody but the mail."""
    address, _ = customer()
    token = db.login(address)["access_token"]

    def median(function, n):
        times = []
        for _ in range(n):
            started = time.perf_counter()
            function()
            times.append(time.perf_counter() - started)
        return statistics.median(times) * 1000

    def measure():
        return median(lambda: db.login(address), 25), median(lambda: db.can(token), 300)

    measure()
    login, can = measure()
    wait = threading.Event()
    raw, mail_id = tarpit(wait)
    slow_login, slow_can = measure()
    equal(db.one("SELECT attempts FROM djust_auth.mail_queue WHERE id = %s AND done_at IS NULL", mail_id), 1, "while the server lets the mail wait")
    note(f"figures: medians in ms, before and while: login {login:.2f} {slow_login:.2f}, can {can:.3f} {slow_can:.3f}")
    # to wait for the server takes seconds; other work on the machine makes both slower
    ok(slow_login < 10 * login and slow_can < 10 * can, "neither djust_login nor djust_can waits for it", (login, slow_login, can, slow_can))
    delays = []
    for _ in range(9):
        before = db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'")
        db.begin()
        db.login(address, "wrong")
        db.rollback()
        started = time.monotonic()
        until(lambda b=before: db.one("SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed'") > b, "the event to be written")
        delays.append(time.monotonic() - started)
    note(f"figures: events written after {min(delays) * 1000:.0f} to {max(delays) * 1000:.0f} ms meanwhile")
    ok(max(delays) < 1 and not db.one("SELECT last_error FROM djust_auth.mail_queue WHERE id = %s", mail_id), "events are written meanwhile, within a second", delays)
    wait.set()
    for setting in ("smtp_require_tls", "smtp_user", "mail_lease"):
        db.setting(setting, None)
    db.setting("smtp_url", server.url)
    raw.stop()


def unknown():
    sent = len(server.mails)
    mail_id = request("nobody@mail.example")
    row(mail_id, "done_at IS NOT NULL")
    address, _ = customer()
    request(address)
    arrives(address)
    equal((len(server.of("nobody@mail.example")), [mail.recipients for mail in server.mails[sent:] if mail.secret()][-1]), (0, [address]), "unknown addresses get no mail")
    equal(db.one("SELECT count(*) FROM djust_auth.reset_token t WHERE NOT EXISTS (SELECT FROM djust_auth.customer_user u WHERE u.id = t.user_id)"), 0, "nor a link")


def lease():
    """What a mailer of one's own claimed and did not answer comes back."""
    db.setting("smtp_url", "")
    db.setting("mail_lease", "2s")
    address, _ = customer()
    mail_id = request(address)
    crashed = Db(host=cluster.host, port=cluster.port, user="postgres", dbname="postgres")
    claimed = [line for line in crashed.all("SELECT id, recipient, body_text FROM djust_auth.claim_mail(100)") if line[0] == mail_id]
    equal([line[1] for line in claimed], [address], "claimed by a mailer")
    crashed.close()
    equal([line for line in db.all("SELECT id FROM djust_auth.claim_mail(100)") if line[0] == mail_id], [], "nobody else gets it")
    again = []

    def returned():
        again.extend(line for line in db.all("SELECT id, recipient, body_text FROM djust_auth.claim_mail(100)") if line[0] == mail_id)
        return again

    until(returned, "the lease to end")
    equal(again[0][1], address, "the mailer has crashed: it comes back")
    links = [re.search("djp_[A-Za-z0-9_-]+", line[2]).group() for line in (claimed[0], again[0])]
    secrets.extend(links)
    ok(links[0] != links[1], "with a link of its own")
    db.run("SELECT djust_auth.mail_failed(%s, 'not today')", mail_id)
    equal(row(mail_id, "last_error IS NOT NULL")[:3], (2, False, "not today"), "mail_failed: later")
    db.run("UPDATE djust_auth.mail_queue SET next_attempt_at = clock_timestamp() WHERE id = %s", mail_id)
    again.clear()
    until(returned, "the mail")
    secrets.append(re.search("djp_[A-Za-z0-9_-]+", again[0][2]).group())
    db.run("SELECT djust_auth.mail_sent(%s)", mail_id)
    fails("P0002", lambda: db.run("SELECT djust_auth.mail_sent(%s)", mail_id), "mail_sent: done")
    equal(db.confirm(secrets[-1]), {"status": "password_updated"}, "the link works")
    for setting in ("mail_lease",):
        db.setting(setting, None)
    db.setting("smtp_url", server.url)


def no_trace():
    """No secret of a link is in any file of the server."""
    wait = threading.Event()
    raw, _ = tarpit(wait)
    db.run("CHECKPOINT")
    started = time.monotonic()
    cluster.stop("fast")
    ok(time.monotonic() - started < 5, "the server stops at once, though a mail is waited for", time.monotonic() - started)
    wait.set()
    raw.stop()
    files, found = 0, []
    wanted = [secret[4:].encode() for secret in set(secrets) | {mail.secret() for mail in server.mails if mail.secret()}]
    for top in (cluster.data, os.path.join(cluster.folder, "log")):
        for path in [top] if os.path.isfile(top) else [os.path.join(where, name) for where, _, names in os.walk(top) for name in names]:
            if not os.path.isfile(path):
                continue
            files += 1
            with open(path, "rb") as file:
                content = file.read()
            found.extend((path, secret) for secret in wanted if secret in content)
    ok(len(wanted) > 15 and files > 900 and not found, f"none of {len(wanted)} secrets in {files} files: data, WAL, log", (len(wanted), files, found[:3]))
    with open(os.path.join(cluster.folder, "log"), encoding="utf-8", errors="replace") as file:
        log = file.read()
    ok("djust_reset_confirm" in log and PASSWORD not in log and GOOD not in log and OTHER not in log, "nor a password in the log, which has every statement")
    server.stop()


main(delivered, templates, wrong_certificate, failures, never_slow, unknown, lease, no_trace)
