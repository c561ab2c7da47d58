"""SMTP servers for the tests: a real one (aiosmtpd), ones that misbehave, and the certificates they show."""

import asyncio
import datetime
import email
import email.policy
import logging
import os
import re
import socket
import ssl
import threading
import warnings

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module="aiosmtpd")
USER, PASSWORD = "shop", "Relay-4-Shop"
LINK = re.compile(r"https://[^\s\"<>]*(djp_[A-Za-z0-9_-]+)")

# Certificates

OTHER_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign",
              "encipher_only", "decipher_only")


class Authority:
    """Signs certificates as RFC 5280 has them, which python 3.13 insists on; .file is what smtp_ca_file names."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(name, self.key.public_key(), 30, x509.BasicConstraints(ca=True, path_length=None),
                                      x509.KeyUsage(key_cert_sign=True, **dict.fromkeys(OTHER_USES, False)))
        self.file = os.path.join(folder, name + ".pem")
        self._write(self.file, self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name, public_key, days, *extensions):
        today = datetime.datetime.utcnow()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
                   .serial_number(x509.random_serial_number()).not_valid_before(today - datetime.timedelta(days=10))
                   .not_valid_after(today + datetime.timedelta(days=days)))
        keys = (x509.SubjectKeyIdentifier.from_public_key(public_key),
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()))
        for extension in (*extensions, *keys):
            builder = builder.add_extension(extension, critical=isinstance(extension, (x509.BasicConstraints, x509.KeyUsage)))
        return builder.sign(self.key, hashes.SHA256())

    @staticmethod
    def _write(path, content):
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o644)

    def context(self, host="localhost", days=30):
        """What a server of this name needs to speak TLS."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(host, key.public_key(), days, x509.SubjectAlternativeName([x509.DNSName(host)]))
        path = os.path.join(self.folder, f"{self.name}-{host}{days}.pem")
        self._write(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                    + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Mails that arrived


class Mail:
    def __init__(self, server, session, envelope):
        self.sender, self.recipients, self.raw = envelope.mail_from, envelope.rcpt_tos, envelope.original_content
        self.encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.user = session.auth_data and session.auth_data.login.decode()
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)

    def part(self, kind):
        return self.message.get_body((kind,)).get_content()

    def secret(self, kind="plain"):
        """Of the link in that part."""
        found = LINK.search(self.part(kind))
        return found and found.group(1)


class Server:
    """A relay: tls is "starttls", "smtps" or None; answers is asked for the reply to each mail and may be replaced."""

    def __init__(self, tls=None, context=None, login=True, port=None, utf8=True):
        self.tls, self.context, self.login, self.utf8 = tls, context, login, utf8
        self.port = port or free_port()
        self.url = f"{'smtps' if tls == 'smtps' else 'smtp'}://localhost:{self.port}"
        self.mails, self.connections = [], 0
        self.answer = lambda mail: "250 2.0.0 OK"
        self.answer_recipient = lambda address: "250 2.1.5 OK"
        self.start()

    # what aiosmtpd calls

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.answer_recipient(address)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        mail = Mail(server, session, envelope)
        answer = self.answer(mail)
        if answer.startswith("2"):
            self.mails.append(mail)
        return answer

    def authenticate(self, server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False, auth_data=data)

    def protocol(self):
        self.connections += 1
        protocol = SMTP(self, hostname="relay.example", loop=self.loop, enable_SMTPUTF8=self.utf8, decode_data=False,
                        tls_context=self.context if self.tls == "starttls" else None, require_starttls=self.tls == "starttls",
                        authenticator=self.authenticate, auth_required=self.login, auth_require_tls=self.tls == "starttls",
                        auth_exclude_mechanism=() if self.login else ("PLAIN", "LOGIN"))
        self.protocols.append(protocol)
        return protocol

    # life

    def start(self):
        self.loop, self.protocols = asyncio.new_event_loop(), []
        listener = self.loop.run_until_complete(self.loop.create_server(
            self.protocol, "127.0.0.1", self.port, ssl=self.context if self.tls == "smtps" else None))

        async def end():
            try:
                listener.close()
                for protocol in self.protocols:
                    if protocol.transport:
                        protocol.transport.abort()
                for task in asyncio.all_tasks():
                    if task is not asyncio.current_task():
                        task.cancel()
                await asyncio.sleep(0)
            finally:
                self.loop.stop()

        self.end = end
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def stop(self):
        """Ends the connections too."""
        asyncio.run_coroutine_threadsafe(self.end(), self.loop)
        self.thread.join()
        self.loop.close()

    def of(self, recipient):
        return [mail for mail in list(self.mails) if recipient in mail.recipients]


class Raw:
    """A server that is none: talk(say, hear) is called for each connection."""

    def __init__(self, talk):
        self.talk, self.connections, self.heard = talk, 0, []
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"smtp://localhost:{self.port}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()

    def serve_one(self, connection):
        file = connection.makefile("rb")

        def hear():
            line = file.readline()
            self.heard.append(line)
            return line

        try:
            self.talk(lambda line: connection.sendall(line.encode() + b"\r\n"), hear)
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def polite(answers, wait=None):
    """A talk that answers each command from a table, where a missing one gets 250 and None closes the connection."""

    def talk(say, hear):
        data = False
        say(answers.get("connection", "220 relay.example ESMTP"))
        while line := hear():
            word = "dot" if data and line == b".\r\n" else None if data else line[:4].decode().upper().strip()
            if word is None:
                if "line" in answers:
                    return
                continue
            answer = answers.get(word, "354 go on" if word == "DATA" else "250 OK")
            if answer is None:
                return
            if answer == "wait":
                wait.wait()
                while hear():
                    pass
                return
            data = word == "DATA" and answer.startswith("3")
            say(answer)
            if word == "QUIT":
                return

    return talk
