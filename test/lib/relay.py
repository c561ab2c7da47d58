"""A mail server for the demonstration and the examples of the documentation: STARTTLS and AUTH; stores every mail in a file.

    relay.py start FOLDER  prints the port once it listens; FOLDER gets authority.pem, pid, and the mails 1.eml, 2.eml ...
    relay.py await FOLDER NUMBER [html]  waits for a mail and prints its text as a reader sees it
"""

import email
import email.policy
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "t", "support"))


def serve(folder, ready):
    from smtp import Authority, Server

    def keep(mail):
        path = os.path.join(folder, f"{len(server.mails) + 1}.eml")
        with open(path + ".part", "wb") as file:
            file.write(mail.raw)
        os.rename(path + ".part", path)
        return "250 OK"

    server = Server("starttls", Authority(folder).context())
    server.answer = keep
    os.write(ready, str(server.port).encode())
    os.close(ready)
    os.dup2(0, 2)  # so that a caller reading its messages does not wait
    signal.sigwait([signal.SIGTERM])


def start(folder):
    """In a process of its own, which lives until SIGTERM."""
    port, ready = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    child = os.fork()
    if child == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1):
            os.dup2(nothing, standard)
        os.close(port)
        serve(folder, ready)
        os._exit(0)
    os.close(ready)
    with open(os.path.join(folder, "pid"), "w", encoding="ascii") as file:
        file.write(str(child))
    answer = os.read(port, 16).decode()
    print(answer)
    return 0 if answer else 1


def read(folder, number, kind="plain"):
    path = os.path.join(folder, number + ".eml")
    deadline = time.monotonic() + 60
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            print(f"mail {number} does not arrive", file=sys.stderr)
            return 1
        time.sleep(0.02)
    with open(path, "rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    for name in ("From", "To", "Subject"):
        print(f"{name}: {message[name]}")
    print("\n" + message.get_body((kind,)).get_content().replace("\r", "").strip())
    return 0


sys.exit(start(sys.argv[2]) if sys.argv[1] == "start" else read(*sys.argv[2:]))
