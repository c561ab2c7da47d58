"""The library djust_auth_mailer alone, against good and bad SMTP servers: delivered mails, refusals, time limits."""

import ctypes
import datetime
import email
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from email.header import decode_header, make_header

from support import equal, main, ok, program, until
from support.smtp import PASSWORD, USER, Authority, Raw, Server, free_port, polite

SENT, TEMPORARY, PERMANENT = range(3)
LINK = "https://shop.example/reset?token=djp_" + "x" * 43
DATE = 1795509555

warnings.simplefilter("ignore", DeprecationWarning)
folder = tempfile.TemporaryDirectory()
authority, stranger = Authority(folder.name), Authority(folder.name, "stranger")

# src/mailer/mailer.h


class CServer(ctypes.Structure):
    _fields_ = [("url", ctypes.c_char_p), ("user", ctypes.c_char_p), ("password", ctypes.c_char_p), ("ca_file", ctypes.c_char_p),
                ("timeout_s", ctypes.c_int), ("require_tls", ctypes.c_bool)]


class CMessage(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("sender", "recipient", "subject", "body_text", "body_html", "message_id")] + \
               [("date", ctypes.c_int64)]


class COutcome(ctypes.Structure):
    _fields_ = [("verdict", ctypes.c_int), ("smtp_code", ctypes.c_int), ("reason", ctypes.c_char * 256)]


Meanwhile = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p)
library = ctypes.CDLL(os.path.join(program("pg_config", "--pkglibdir").strip(), "djust_auth_mailer.so"))


class Outcome:
    """What became of it, and when meanwhile was called."""

    def __init__(self, server, stop=lambda: False, user=USER, password=PASSWORD, ca_file=None, timeout=10, require_tls=True, **message):
        words = {"sender": "no-reply@shop.example", "recipient": "ann@shop.example", "subject": "Reset your password",
                 "body_text": f"Hello\n\n{LINK}\n", "body_html": f'<p><a href="{LINK}">here</a></p>\n', "message_id": "1.2@shop.example",
                 "date": DATE, **message}
        words = {key: value.encode() if isinstance(value, str) else value for key, value in words.items()}
        self.calls, self.stopped = [time.monotonic()], None
        outcome = COutcome()

        def meanwhile(_):
            self.calls.append(time.monotonic())
            if stop() and self.stopped is None:
                self.stopped = time.monotonic()
            return self.stopped is None

        url = server if isinstance(server, str) else server.url
        library.djust_mailer_send(
            ctypes.byref(CServer(url.encode(), user and user.encode(), password and password.encode(),
                                 (authority.file if ca_file is None else ca_file).encode(), timeout, require_tls)),
            ctypes.byref(CMessage(**words)), Meanwhile(meanwhile), None, ctypes.byref(outcome))
        self.calls.append(time.monotonic())
        self.verdict, self.code, self.reason = outcome.verdict, outcome.smtp_code, outcome.reason.decode()

    def longest_gap(self):
        return max(after - before for before, after in zip(self.calls, self.calls[1:]))


def refused(outcome, verdict, code, pattern, name):
    ok((outcome.verdict, outcome.code) == (verdict, code) and re.search(pattern, outcome.reason) and "djp_" not in outcome.reason, name,
       (outcome.verdict, outcome.code, outcome.reason))


def arrives():
    for tls in ("starttls", "smtps"):
        server = Server(tls, authority.context())
        outcome = Outcome(server)
        equal((outcome.verdict, outcome.code), (SENT, 250), f"over {tls} with AUTH: sent")
        mail, message = server.mails[0], server.mails[0].message
        equal((mail.sender, mail.recipients, mail.encrypted, mail.user), ("no-reply@shop.example", ["ann@shop.example"], True, USER),
              "by whom, to whom, encrypted, logged in")
        equal(sorted(message.keys()), ["Auto-Submitted", "Content-Type", "Date", "From", "Message-ID", "Mime-Version", "Subject", "To"],
              "its headers")
        equal([str(message[name]) for name in ("From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version")],
              ["no-reply@shop.example", "ann@shop.example", "Reset your password", "<1.2@shop.example>", "auto-generated", "1.0"],
              "and what they say")
        equal(message["Date"].datetime, datetime.datetime.fromtimestamp(DATE, datetime.timezone.utc), "the date")
        equal((message.get_content_type(), [part.get_content_type() for part in message.iter_parts()], message.defects),
              ("multipart/alternative", ["text/plain", "text/html"], []), "text and HTML, without a defect")
        equal([mail.part(kind).replace("\r", "") for kind in ("plain", "html")], [f"Hello\n\n{LINK}\n", f'<p><a href="{LINK}">here</a></p>\n'],
              "both as they were")
        equal(mail.secret("plain"), mail.secret("html"), "with one link")
        equal(Outcome(server, recipient="bob@shop.example").verdict, SENT, "a second mail")
        equal((server.connections, len(server.of("bob@shop.example"))), (1, 1), "goes over the same connection")
        server.stop()
        equal(Outcome(server).verdict, TEMPORARY, "a server that has gone is noticed")
        server.start()
        equal((Outcome(server).verdict, len(server.mails)), (SENT, 3), "and so is its return")
        equal(Outcome(server, password="x").verdict, TEMPORARY, "other credentials do not use the connection")
        server.stop()


def short_lines(raw, longest):
    """But for that of the boundary, which libcurl writes without folding it."""
    return all(len(line) <= longest for line in raw.split(b"\r\n") if b"; boundary=" not in line)


def encodings():
    server = Server("starttls", authority.context())
    texts = {"plain ASCII, as long as a header may not be": "Reset your password " * 60, "umlauts": "Ihr Paßwort für den Blumenladen zurücksetzen",
             "long and of all widths": "aäあ🌷" * 100, "not to be decoded": "=?UTF-8?Q?x?= =?x", "spaces around": " x ", "": ""}
    for name, subject in texts.items():
        equal(Outcome(server, subject=subject).verdict, SENT, f"a subject: {name or 'empty'}")
        mail = server.mails[-1]
        equal((str(mail.message["Subject"]), mail.message.defects), (subject.strip() if name == "" else subject, []), "arrives")
        ok(short_lines(mail.raw, 78), "on short lines")
    bodies = {"dots": ".\n..\n.x\n\n.\n", "long lines": "x" * 5000 + "\n" + "ä🌷" * 1000, "spaces at ends": "a \nb\t\n \n", "carriage returns": "a\rb\r\nc\n\r\nd",
              "a boundary": "--" + "-" * 24 + "\n\nx", "an end of mail": "\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n", "From": "From me\n>From you\n",
              "controls": "\x01\x08\x1b[0m\x7f\x85", "no end of line": "x", "nothing": "", "equals": "a=b=\n=3D=\n"}
    for name, body in bodies.items():
        equal(Outcome(server, body_text=body, body_html=body).verdict, SENT, f"a body: {name}")
        mail = server.mails[-1]
        lines = re.split("\r\n|\r|\n", body)
        equal([re.split("\r\n|\r|\n", mail.message.get_body((kind,)).get_payload(decode=True).decode().removesuffix("\r\n")) for kind in ("plain", "html")],
              [lines if lines[-1] else lines[:-1] or [""]] * 2, "arrives in both parts")
        ok(short_lines(mail.raw, 76) and not re.search(rb"\r(?!\n)|(?<!\r)\n", mail.raw) and mail.raw.isascii(), "on short lines")
    for sender, name, address in (("Shop <no-reply@shop.example>", "Shop", "no-reply@shop.example"), ('"Shop, Inc." <a@shop.example>', "Shop, Inc.", "a@shop.example"),
                                  ("Blumen Müller & Söhne 🌷 GmbH und Compagnie <a@shop.example>", "Blumen Müller & Söhne 🌷 GmbH und Compagnie", "a@shop.example")):
        equal(Outcome(server, sender=sender).verdict, SENT, f"from {name}")
        mail = server.mails[-1]
        text = str(make_header(decode_header(email.message_from_bytes(mail.raw)["From"].replace("\r\n", ""))))
        equal((mail.sender, text), (address, f"{name} <{address}>"), "by name and address")
    server.stop()


def addresses():
    server = Server("starttls", authority.context())
    equal(Outcome(server, recipient="ann@blumenläden.example").verdict, SENT, "a domain beyond ASCII")
    mail = server.mails[-1]
    ascii_form = "ann@" + "blumenläden.example".encode("idna").decode()
    equal((mail.recipients, str(mail.message["To"])), ([ascii_form], ascii_form), "in its ASCII form")
    equal(Outcome(server, recipient="änne@shop.example").verdict, SENT, "a local part beyond ASCII, by SMTPUTF8")
    mail = server.mails[-1]
    ok(mail.recipients == ["änne@shop.example"] and "\r\nTo: <änne@shop.example>\r\n".encode() in mail.raw, "as it is", mail.raw)
    server.stop()
    server = Server("starttls", authority.context(), utf8=False)
    refused(Outcome(server, recipient="änne@shop.example"), PERMANENT, 0, "SMTPUTF8", "not where the server does not offer it")
    equal(Outcome(server, recipient="ann@blumenläden.example").verdict, SENT, "the domain needs none of it")
    server.stop()


def injection():
    server = Server("starttls", authority.context())
    ends = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x7f", "\x85", "\u2028", "\u2029", "\r\n\r\n"]
    for end in ends:
        for name, value in (("recipient", f"ann@shop.example{end}Bcc: eve@evil.example"), ("subject", f"Reset{end}Bcc: eve@evil.example"),
                            ("sender", f"Shop{end}Bcc: eve@evil.example <no-reply@shop.example>"), ("sender", f"no-reply@shop.example{end}Bcc: eve@evil.example"),
                            ("message_id", f"1@shop.example{end}Bcc: eve@evil.example")):
            outcome = Outcome(server, **{name: value})
            ok(outcome.verdict == (PERMANENT if name == "recipient" else TEMPORARY) and outcome.code == 0 and "evil" not in outcome.reason,
               f"{name} with {end!a} is refused", outcome.reason)
    for value in ("ann@shop.example> SIZE=1", "ann@shop.example>,<eve@evil.example", "ann@shop.example, eve@evil.example", "<ann@shop.example>", "ann", "",
                  "@a:ann@shop.example", "ann@shop.example@evil.example", "(x)ann@shop.example", '"a b"@shop.example', "ann@[127.0.0.1]", b"\xff@shop.example",
                  "a" * 250 + "@shop.example"):
        ok(Outcome(server, recipient=value).verdict == PERMANENT, f"recipient {value[:30]!a} is refused")
    ok(Outcome(server, subject=b"\xc0\x8a").verdict == TEMPORARY, "a subject that is no UTF-8 waits for somebody to mend it")
    equal((server.connections, server.mails), (0, []), "before the server hears of it")
    Outcome(server, body_text="x\r\n.\r\nRCPT TO:<eve@evil.example>\r\n", body_html="\n.\n\r.\r")
    equal([mail.recipients for mail in server.mails], [["ann@shop.example"]], "a body is a body")
    server.stop()


def tls():
    for name, wrong, context, pattern in (
            ("signed by a stranger", {}, stranger.context(), "not signed by a trusted"), ("for another host", {}, authority.context("elsewhere.example"), "another host"),
            ("expired", {}, authority.context(days=-1), "expired"), ("not known to the system", {"ca_file": ""}, authority.context(), "not signed by a trusted"),
            ("and no file to check it", {"ca_file": "/nonexistent"}, authority.context(), "smtp_ca_file")):
        for kind in ("starttls", "smtps"):
            server = Server(kind, context)
            refused(Outcome(server, **wrong), TEMPORARY, 0, pattern, f"certificate {name}, {kind}: not sent")
            equal(Outcome(server, require_tls=False, **wrong).verdict, TEMPORARY, "not even where TLS is not required")
            equal(server.mails, [], "nothing arrives")
            server.stop()
    server = Server(None, login=False)
    refused(Outcome(server, user=None), TEMPORARY, 0, "STARTTLS", "no STARTTLS: not sent")
    equal((len(server.mails), Outcome(server, user=None, require_tls=False).verdict, len(server.mails)), (0, SENT, 1), "unless told otherwise")
    refused(Outcome(server, require_tls=False), TEMPORARY, 0, "AUTH", "no AUTH, but a user: not sent")
    refused(Outcome(server.url.replace("smtp:", "smtps:"), user=None), TEMPORARY, 0, "TLS handshake", "smtps to a server without TLS")
    server.stop()
    old = authority.context()
    old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    old.set_ciphers("ALL:@SECLEVEL=0")
    server = Server("smtps", old)
    refused(Outcome(server), TEMPORARY, 0, "TLS handshake", "TLS 1.1 is too old")
    server.stop()
    context = authority.context()
    context.options |= ssl.OP_NO_TLSv1_3
    server = Server("smtps", context)
    equal(Outcome(server).verdict, SENT, "TLS 1.2 is not")
    server.stop()
    for url in ("http://localhost:25", "file:///etc/passwd", "smtp://user:secret@localhost:25", "smtp://", "imap://localhost"):
        ok(Outcome(url).verdict == TEMPORARY, f"{url} is no server for mail")


def environment():
    """Neither a proxy nor .netrc of the environment is asked."""
    trap = Raw(lambda say, hear: hear())
    server = Server("starttls", authority.context())
    names = {"all_proxy": f"http://127.0.0.1:{trap.port}", "ALL_PROXY": f"socks5://127.0.0.1:{trap.port}", "smtp_proxy": f"http://127.0.0.1:{trap.port}",
             "SMTP_PROXY": f"http://127.0.0.1:{trap.port}", "HOME": folder.name}
    with open(os.path.join(folder.name, ".netrc"), "w", encoding="ascii") as file:
        file.write(f"machine localhost login {USER} password {PASSWORD}\n")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    equal(Outcome(server).verdict, SENT, "a proxy in the environment is not used")
    refused(Outcome(server, user=None), TEMPORARY, 530, "530 .*to MAIL", "nor is .netrc")
    equal(trap.connections, 0, "the proxy was not even asked")
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    server.stop()
    trap.stop()


def answers():
    server = Server("starttls", authority.context())
    refused(Outcome(server, password="wrong"), TEMPORARY, 535, "535 5.7.8 to AUTH", "a wrong password for AUTH is a mistake in the settings: tried again")
    refused(Outcome(server, user="eve"), TEMPORARY, 535, "535 5.7.8 to AUTH", "and so is a wrong user")
    server.answer = lambda mail: f"451 4.7.1 I do not like {mail.secret()}"
    refused(Outcome(server), TEMPORARY, 451, "^the server answered 451 4.7.1 to the mail$", "451 for the mail, its link quoted")
    server.answer = lambda mail: f"550 {mail.secret()}"
    refused(Outcome(server), PERMANENT, 550, "^the server answered 550 to the mail$", "550 for the mail, its link quoted")
    server.answer_recipient = lambda address: f"550 5.1.1 no {address}"
    refused(Outcome(server), PERMANENT, 550, "^the server answered 550 5.1.1 to RCPT$", "550 for the recipient")
    server.answer_recipient = lambda address: "452 4.2.2 full"
    refused(Outcome(server), TEMPORARY, 452, "452 4.2.2 to RCPT", "452 for the recipient")
    equal(server.mails, [], "nothing was delivered")
    server.stop()
    plain = {"user": None, "require_tls": False}
    for word, answer, verdict, code in (
            ("connection", "554 not here", TEMPORARY, 554), ("connection", "421 later", TEMPORARY, 421), ("connection", "SSH-2.0-x", TEMPORARY, 0),
            ("MAIL", "530 5.7.0 log in", TEMPORARY, 530), ("MAIL", "550 no", TEMPORARY, 550), ("MAIL", "421 bye", TEMPORARY, 421),
            ("MAIL", None, TEMPORARY, 0), ("RCPT", None, TEMPORARY, 0), ("RCPT", "550-no\r\n550-5.1.1 no\r\n550 no", PERMANENT, 550),
            ("RCPT", "554 5.7.1 Relay access denied", TEMPORARY, 554), ("RCPT", "550 5.1.8 who are you", TEMPORARY, 550), ("RCPT", "550 5.1.10 no", PERMANENT, 550), ("DATA", None, TEMPORARY, 0),
            ("DATA", "451 no", TEMPORARY, 451), ("DATA", "554 no", PERMANENT, 554), ("DATA", "250 what", TEMPORARY, 250), ("line", None, TEMPORARY, 0), ("dot", None, TEMPORARY, 0),
            ("dot", "554 5.7.1 " + LINK, PERMANENT, 554), ("dot", "hello", TEMPORARY, 0), ("dot", "99 x", TEMPORARY, 0), ("dot", "250-a\r\n250 b", SENT, 250), ("dot", "250", SENT, 250)):
        server = Raw(polite({word: answer}))
        outcome = Outcome(server, body_text="x\n" * 2000, timeout=2, **plain)
        ok((outcome.verdict, outcome.code) == (verdict, code) and "djp_" not in outcome.reason and outcome.reason.isprintable(),
           f"{answer!a} to {word}: {('sent', 'tried again', 'given up')[verdict]}", (outcome.verdict, outcome.code, outcome.reason))
        server.stop()
    for answer, shown in (("550 5.1.1 no", "550 5.1.1"), ("550 5.1.1", "550 5.1.1"), ("550 555.123.456 no", "550 555.123.456"), ("550 5.1.1x no", "550"),
                          ("550 5.1.1234 no", "550"), ("550 5..1 no", "550"), ("550 " + LINK, "550"), ("550-5.1.1 no\r\n550 no", "550")):
        server = Raw(polite({"RCPT": answer}))
        equal(Outcome(server, **plain).reason, f"the server answered {shown} to RCPT", f"of {answer!a}, what is kept")
        server.stop()
    equal(Outcome(f"smtp://localhost:{free_port()}", **plain).reason, "could not connect to the server", "nobody there")


def last_answer():
    """The connection breaks as soon as the server has accepted the mail: it is sent, and the next one goes over another."""

    def talk(say, hear):
        say("220 x")
        while (line := hear()) != b".\r\n":
            if line[:4] in (b"EHLO", b"MAIL", b"RCPT", b"DATA"):
                say("354 go on" if line[:4] == b"DATA" else "250 OK")
        say("250 OK")

    server = Raw(talk)
    equal([Outcome(server, user=None, require_tls=False).verdict for _ in range(3)], [SENT] * 3, "closing after the last answer is no failure")
    equal(server.connections, 3, "the next mail finds it closed and connects again")
    server.stop()


def patience():
    """Whatever a server does not answer, the caller is asked meanwhile, and the time is limited."""
    wait = threading.Event()

    def no_handshake(say, hear):
        say("220 x")
        hear()
        say("250-x\r\n250 STARTTLS")
        hear()
        say("220 go on")
        wait.wait()

    def piecemeal(say, hear):
        say("220 x")
        while hear() and not wait.wait(0.2):
            say("250-x")

    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(full.getsockname())
    silent, starttls, pieces = Raw(lambda say, hear: wait.wait()), Raw(no_handshake), Raw(piecemeal)
    commands = {word: Raw(polite({word: "wait"}, wait)) for word in ("EHLO", "MAIL", "RCPT", "DATA", "dot")}
    for name, url, step in (("a full backlog", f"smtp://127.0.0.1:{full.getsockname()[1]}", "the connection"), ("no banner", silent.url, "the connection"),
                            ("no handshake", silent.url.replace("smtp:", "smtps:"), "the connection"), ("no handshake after STARTTLS", starttls.url, "STARTTLS"),
                            ("an answer in pieces", pieces.url, "EHLO"),
                            *((f"no answer to {word}", server.url, "the mail" if word == "dot" else word) for word, server in commands.items())):
        plain, started = {"user": None, "require_tls": "handshake" in name}, time.monotonic()
        refused(Outcome(url, timeout=1, **plain), TEMPORARY, 0, f"^the server took too long to answer {step}$", name)
        ok(0.9 < time.monotonic() - started < 2, "the time is over after a second", time.monotonic() - started)
        started = time.monotonic()
        outcome = Outcome(url, stop=lambda s=started: time.monotonic() > s + 0.5, **plain)
        refused(outcome, TEMPORARY, 0, "^interrupted$", "it stops when told")
        ok(outcome.calls[-1] - outcome.stopped < 0.1, "within 100 ms", outcome.calls[-1] - outcome.stopped)
        ok(outcome.longest_gap() < (1.1 if step == "the mail" else 0.2), "having been asked all the time", outcome.longest_gap())
    wait.set()
    until(lambda: commands["dot"].heard.count(b"") == 2, "the end of both connections")
    equal(commands["dot"].heard.count(b"QUIT\r\n"), 0, "no word follows a mail that was given up")
    for each in (silent, starttls, pieces, *commands.values()):
        each.stop()
    for each in (full, *waiting):
        each.close()


def parting():
    """The answer to QUIT is not waited for: at most a second, by libcurl 8."""
    wait, plain = threading.Event(), {"user": None, "require_tls": False}
    for answer, code in (("550 5.1.1 no", 550), ("250 OK", 250)):
        server, started = Raw(polite({"RCPT": answer, "QUIT": "wait"}, wait)), time.monotonic()
        equal([Outcome(server, **plain).code, Outcome(server, ca_file=stranger.file, **plain).code], [code] * 2, f"{answer} to RCPT, and none to QUIT")
        ok(time.monotonic() - started < 4, "does not keep anybody", time.monotonic() - started)
        until(lambda s=server: b"QUIT\r\n" in s.heard, "QUIT")
        server.stop()
    wait.set()


def unanswered():
    """libcurl closes the socket of a connection that is given up without a word; whoever has its number then is left alone."""
    plain = {"user": None, "require_tls": False}
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(full.getsockname())
    server = Raw(polite({}))
    equal(Outcome(f"smtp://127.0.0.1:{full.getsockname()[1]}", timeout=1, **plain).verdict, TEMPORARY, "a connection is given up")
    pairs = [socket.socketpair() for _ in range(8)]
    equal(Outcome(server, **plain).code, 250, "the next one is not")

    def talks(one, other):
        try:
            return [other.send(b"x"), one.recv(1), one.send(b"y"), other.recv(1)] == [1, b"x", 1, b"y"]
        except OSError:
            return False

    equal([talks(*pair) for pair in pairs], [True] * 8, "sockets that were opened in between stay open")
    for each in (full, *waiting, *(one for pair in pairs for one in pair)):
        each.close()
    server.stop()


def never_half():
    """A mail given up in the middle is not ended as if it were whole."""
    wait = threading.Event()

    def talk(say, hear):
        say("220 x")
        while (line := hear())[:4] != b"DATA":
            say("250 OK")
        say("354 go on")
        wait.wait()
        while hear():
            pass

    server = Raw(talk)
    outcome = Outcome(server, timeout=1, user=None, require_tls=False, body_text="x\n" * 5_000_000)
    refused(outcome, TEMPORARY, 0, "took too long to answer the mail", "a server that stops reading")
    ok(outcome.longest_gap() < 1, "meanwhile goes on", outcome.longest_gap())
    wait.set()
    until(lambda: server.heard[-1] == b"", "the end of the connection")
    ok(b".\r\n" not in server.heard and len(server.heard) > 100, "gets no final dot", len(server.heard))
    server.stop()


def babble():
    """A server that answers without end does not keep anybody."""

    def talk(say, hear):
        say("220 x")
        hear()
        say("250 OK")
        hear()
        while True:
            say("250-" + "x" * 1000)

    server = Raw(talk)
    outcome = Outcome(server, timeout=1, user=None, require_tls=False)
    refused(outcome, TEMPORARY, 0, "(took too long to|closed the connection instead of) answer", "an answer without end")
    ok(outcome.longest_gap() < 0.2, "meanwhile goes on", outcome.longest_gap())
    server.stop()


def ends():
    """A process that ends while an answer is waited for, or after it has given up waiting for an address."""
    silent = Raw(lambda say, hear: hear() and hear())
    slow = os.path.join(folder.name, "slow.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-xc", "-", "-o", slow], input="unsigned sleep(unsigned); int getaddrinfo() { return sleep(60); }", text=True, check=True)
    for name, preload in (("an answer", ""), ("an address", slow)):
        equal(subprocess.run([sys.executable, __file__, silent.url, preload], env={**os.environ, "LD_PRELOAD": (os.environ.get("LD_PRELOAD", "") + " " + preload).strip()}, timeout=8, check=False).returncode, 7,
              f"{name}: it ends well, and at once")
    silent.stop()


if sys.argv[1:]:
    Outcome(sys.argv[1], stop=lambda: sys.argv[2] or ctypes.CDLL(None).exit(7), user=None, require_tls=False)
    sys.exit(7)
def exports():
    """Of data that both libraries of the worker export, both would use one; AddressSanitizer ends the worker for it."""
    symbols = subprocess.run(["nm", "-D", "--defined-only", library._name], check=True, stdout=subprocess.PIPE, text=True).stdout
    equal((" T " in symbols, re.findall(r" [BDRV] (\S+)", symbols)), (True, []), "the library exports functions, and no data")


main(exports, arrives, encodings, addresses, injection, tls, environment, answers, last_answer, patience, parting, unanswered, never_half, babble, ends)
