"""
A newcomer at two terminals, a shell and psql, in a root where README.md lies at home: runs the blocks of its sections as they
are printed, and prints TAP.

    walk.py ROOT [SECTION...]  without sections all of it, in order

    sh          in one shell of the user tester, in the sources at first, without input
    ini         goes to postgresql.conf, and the server is restarted
    sql         in one psql, as the superuser, in the database shop; "SELECT ...;  -- true" asks for that answer
    python, js  a program in the shell's folder, run by that shell
    text        what somebody else prints: not run
"""

import glob
import os
import re
import subprocess
import sys

HOME = "home/tester"
SOURCES = f"/{HOME}/djust_auth"
CONFIGURATION = "etc/postgresql/*/main/postgresql.conf"
AS_TESTER = ("env", "-i", f"HOME=/{HOME}", "USER=tester", "LOGNAME=tester", "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
             *(["NODE_EXTRA_CA_CERTS=/etc/extra_ca.crt"] if "NODE_EXTRA_CA_CERTS" in os.environ else []))
PSQL = ("sudo", "-u", "postgres", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "shop")
PROGRAMS = {"python": ("example.py", "python3"), "js": ("example.mjs", "node")}
MARK = "@walk"


def blocks(text):
    """(section, language, line, text) of each; what stands before the first section is in the one of the title."""
    section, language, found = None, None, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if language is None:
                language, first, lines = line[3:], number, []
            else:
                found.append((section, language, first, "\n".join(lines) + "\n"))
                language = None
        elif language is not None:
            lines.append(line)
        elif re.match("##? ", line):
            section = line.lstrip("# ")
    return found


class Terminal:
    """A program that reads statements; what it prints comes back by a line that it is told to print after them."""

    def __init__(self, *words):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def say(self, text):
        """Lines printed, and the rest of the line with the mark; None instead where the program has ended."""
        try:
            self.process.stdin.write(text)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        lines = []
        for line in self.process.stdout:
            if line.startswith(MARK):
                return lines, line[len(MARK):].strip()
            lines.append(line.rstrip("\n"))
        return lines, None


class Newcomer:
    def __init__(self, root):
        self.root = root
        self.psql = None
        if glob.glob(os.path.join(root, CONFIGURATION)):
            self.server("start")
        self.shell = Terminal("chroot", root, "runuser", "-u", "tester", "--", *AS_TESTER, "bash", "-c", f"cd {SOURCES} && exec bash")

    def server(self, action):
        return subprocess.run(["chroot", self.root, "pg_ctlcluster", glob.glob(os.path.join(self.root, CONFIGURATION))[0].split("/")[-3], "main", action],
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_sh(self, text):
        with open(os.path.join(self.root, HOME, "block"), "w", encoding="utf-8") as file:
            file.write(text)
        lines, failed = self.shell.say(f"failed=0; trap 'failed=1' ERR; . ~/block </dev/null; trap - ERR; echo; echo {MARK} $failed\n")
        return failed == "0", lines

    def run_program(self, text, name, interpreter):
        return self.run_sh(f"cat >{name} <<'END'\n{text}END\n{interpreter} {name}\n")

    def run_ini(self, text):
        with open(glob.glob(os.path.join(self.root, CONFIGURATION))[0], "a", encoding="utf-8") as file:
            file.write(text)
        answer = self.server("restart")
        if self.psql:
            self.psql.say(f"\\connect\n\\echo {MARK}\n")
        return answer.returncode == 0, answer.stdout.splitlines()

    def run_sql(self, text):
        self.psql = self.psql or Terminal("chroot", self.root, "runuser", "-u", "tester", "--", *AS_TESTER, *PSQL)
        said, part = [], ""
        for line in text.splitlines():
            part += line + "\n"
            word = re.search(r"; +-- (\S+)$", line)
            if not word and line != text.splitlines()[-1]:
                continue
            lines, end = self.psql.say(f"{part}\\echo {MARK}\n")
            said, part = said + lines, ""
            if end is None:
                self.psql = None
                return False, said
            if word and {"t": "true", "f": "false"}.get(lines[-1], lines[-1]) != word.group(1):
                return False, [*said, f"expected {word.group(1)}"]
        return True, said

    def run(self, language, text):
        if language in PROGRAMS:
            return self.run_program(text, *PROGRAMS[language])
        return {"sh": self.run_sh, "ini": self.run_ini, "sql": self.run_sql}[language](text)


def main(root, *sections):
    with open(f"{root}{SOURCES}/README.md", encoding="utf-8") as file:
        chosen = [block for block in blocks(file.read()) if not sections or block[0] in sections]
    newcomer = Newcomer(root)
    failures = 0
    for number, (section, language, line, text) in enumerate(chosen, 1):
        name = f"{number} - {section}: {language} in line {line}"
        if language == "text":
            print(f"ok {name} # SKIP shows an answer", flush=True)
            continue
        good, said = newcomer.run(language, text)
        print(f"{'ok' if good else 'not ok'} {name}", flush=True)
        failures += not good
        for line in [] if good else said[-40:]:
            print("# " + line)
    if glob.glob(os.path.join(root, CONFIGURATION)):
        newcomer.server("stop")
    print(f"1..{len(chosen)}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
