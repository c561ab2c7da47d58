"""What the cases share: options, rounds, pgbench, memory of processes, and the table of results."""

import math
import os
import re
import resource
import statistics
import subprocess
import sys
import time

from support import Db, until

HERE = os.path.dirname(os.path.abspath(__file__))
SCRATCH = os.environ.get("BENCH_BIN", "")
CORES = os.cpu_count()
ONE_CORE = min(os.sched_getaffinity(0))
PASSWORD = "Tulips-4-Ann"
API_ROLE = "bench_backend"


def option(name, default):
    return int(os.environ.get("BENCH_" + name, default))


USERS = option("USERS", 1_000_000)
SESSIONS = option("SESSIONS", USERS)
PROFILES = option("PROFILES", 1000)
ROUTES = option("ROUTES", 2000)
REFRESHES = option("REFRESHES", min(1_000_000, 10 * USERS))
ROUNDS = option("ROUNDS", 5 if USERS > 100_000 else 2)
SECONDS = option("SECONDS", 5 if USERS > 100_000 else 1)


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def connect(dbname, **options):
    return Db(dbname=dbname, **options)


# Rounds


def interleave(**sides):
    """Every side once a round, in turns of changing direction; the values of each side, round by round."""
    values = {name: [] for name in sides}
    for n in range(ROUNDS):
        for name in list(sides)[:: 1 if n % 2 == 0 else -1]:
            values[name].append(sides[name]())
    return values


def cpu_of(pid):
    """Seconds a backend has been on a CPU, to the nanosecond, once it has gone to sleep: only then is the count complete."""
    def running():
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "R"

    until(lambda: not running(), f"backend {pid} to wait for its client")
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def on_one_core(pid):
    """What is compared by CPU time runs on the same core, one after the other: those of a shared machine are not equally fast."""
    os.sched_setaffinity(pid, {ONE_CORE})


def seconds_of(db, sql, *values, expect=None):
    """
    CPU time of one statement in its backend, which is its wall time on a machine that has nothing else to do: all it
    needs is in memory. expect is what it must answer, so that what is measured has happened.
    """
    start = cpu_of(db.pid)
    answer = db.one(sql, *values)
    elapsed = cpu_of(db.pid) - start
    if expect is not None and answer != expect:
        raise AssertionError(f"{sql} answers {answer!r}, not {expect!r}")
    return elapsed


def each(values, *others, by):
    """by() of the values of one round, for all rounds."""
    return [by(*row) for row in zip(values, *others)]


# pgbench


class Pgbench:
    """Scripts run by pgbench, prepared unless told otherwise; a script is text, variables are given by -D and travel as parameters."""

    def __init__(self, dbname, name, *scripts, clients=1, variables=None, role=API_ROLE, latencies=False, mode="prepared"):
        self.dbname, self.clients, self.role = dbname, clients, role
        self.log = os.path.join(SCRATCH, name + ".latency") if latencies else None
        self.words = [os.path.join(os.environ["DJUST_BIN"], "pgbench"), "-n", "-M", mode, "-c", str(clients),
                      "-j", str(min(clients, CORES))]
        for variable, value in (variables or {}).items():
            self.words += ["-D", f"{variable}={value}"]
        for n, text in enumerate(scripts):
            path = os.path.join(SCRATCH, f"{name}{n}.sql")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            self.words += ["-f", path]
        if latencies:
            self.words += ["-l", "--log-prefix", self.log]

    def start(self, seconds=SECONDS, transactions=None, variables=None):
        length = ["-t", str(transactions)] if transactions else ["-T", str(seconds)]
        for variable, value in (variables or {}).items():
            length += ["-D", f"{variable}={value}"]
        if self.log:
            self.latencies()
        return subprocess.Popen([*self.words, *length, self.dbname], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={**os.environ, "PGUSER": self.role})

    def finish(self, process):
        """Transactions a second; all of them must have succeeded."""
        output = process.communicate()[0]
        tps = re.search(r"^tps = ([0-9.]+)", output, re.M)
        self.count = int((re.search(r"actually processed: (\d+)", output) or [0, 0])[1])
        if process.returncode != 0 or not tps or self.count == 0 or "aborted" in output:
            raise RuntimeError("pgbench failed: " + output[-2000:])
        return float(tps[1])

    def run(self, **options):
        return self.finish(self.start(**options))

    def latencies(self):
        """Seconds of every transaction of the last run; the files are removed."""
        found = []
        folder = os.path.dirname(self.log)
        for name in os.listdir(folder):
            if name.startswith(os.path.basename(self.log)):
                with open(os.path.join(folder, name), encoding="ascii") as file:
                    found += [int(line.split()[2]) / 1e6 for line in file]
                os.remove(os.path.join(folder, name))
        return found


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(part * len(ordered)) - 1)]


# Processes


def argon2_loop(seconds=SECONDS, threads=CORES, pin=None):
    """
    CPU seconds of one bare hash, and hashes a second, with as many cores busy as there are threads. In a session of its
    own, as a backend is: kernels share cores out among sessions.
    """
    words = [os.path.join(SCRATCH, "argon2_loop"), str(threads), str(seconds), "19456", "2"]
    cpu, rate = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=pin).stdout.split()
    return float(cpu), float(rate)


def memory_of(pid, field):
    """Bytes by /proc/PID/smaps_rollup; 0 for a process that has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def server_processes(db):
    """The postmaster first."""
    with open(os.path.join(db.one("SHOW data_directory"), "postmaster.pid"), encoding="ascii") as file:
        postmaster = int(file.readline())
    with open(f"/proc/{postmaster}/task/{postmaster}/children", encoding="ascii") as file:
        return [postmaster, *map(int, file.read().split())]


def huge_pages():
    """Used or promised, in the whole machine."""
    with open("/proc/meminfo", encoding="ascii") as file:
        pages = dict(re.findall(r"^HugePages_(\w+): +(\d+)", file.read(), re.M))
    return int(pages["Total"]) - int(pages["Free"]) + int(pages["Rsvd"])


def server_memory(db):
    """Proportional share of all processes of the cluster."""
    return sum(memory_of(pid, "Pss") for pid in server_processes(db))


class Cores:
    """What the cores could do for us since this was made: all their time, without what other programs and hosts took."""

    def __init__(self, db):
        self.db = db
        self.start = self.read()

    def read(self):
        """Seconds of all cores, of these busy or stolen, and of these ours."""
        tick = os.sysconf("SC_CLK_TCK")
        with open("/proc/stat", encoding="ascii") as file:
            times = [int(word) / tick for word in file.readline().split()[1:9]]
        processes = server_processes(self.db)
        ours = 0
        for pid in processes:
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            # utime, stime; of the postmaster also those of children that have ended
            ours += sum(map(int, fields[11: 15 if pid == processes[0] else 13])) / tick
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            ours += usage.ru_utime + usage.ru_stime
        return sum(times), sum(times) - times[3] - times[4], ours

    def ours(self):
        """Seconds that were there for us, and the part of all that others took."""
        total, busy, ours = (now - then for now, then in zip(self.read(), self.start))
        others = max(0, busy - ours)
        return total - others, others / total


# Results


def number(value, unit):
    """Three digits that count, in a unit that suits."""
    scale = {"s": [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")], "B": [(2**20, "MB"), (2**10, "kB"), (1, "B")]}
    if unit in scale:
        factor, unit = next(((f, u) for f, u in scale[unit] if abs(value) >= f), scale[unit][-1])
        value /= factor
    if abs(value) >= 1000:
        text = f"{value:,.0f}"
    elif value == 0:
        text = "0"
    else:
        text = f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return f"{text} {unit}".rstrip()


def spread(values, unit):
    if not values:
        return ""
    middle = number(statistics.median(values), unit)
    return middle if len(values) == 1 else f"{middle} ({number(min(values), unit)} – {number(max(values), unit)})"


class Table:
    """One line a comparison; the goal is judged by the median of what each round gives."""

    def __init__(self):
        self.lines = ["| Case | Floor or peer | djust_auth | Floor or peer | Ratio | Goal | Met |", "|---|---|---|---|---|---|---|"]
        self.failed = []

    def line(self, case, against, unit, ours, theirs=(), by="ratio", most=None, least=None):
        """by: ratio, difference (ours over theirs), or value (ours alone)."""
        if by == "ratio":
            verdicts, kind = each(ours, theirs, by=lambda a, b: a / b), ""
        elif by == "difference":
            verdicts, kind = each(ours, theirs, by=lambda a, b: a - b), unit
        else:
            verdicts, kind = list(ours), unit
        verdict = statistics.median(verdicts)
        bound = most if most is not None else least
        goal = "" if bound is None else ("≤ " if most is not None else "≥ ") + number(bound, kind)
        met = "" if bound is None else "yes" if (verdict <= bound if most is not None else verdict >= bound) else "**no**"
        ratio = ("+" if by == "difference" and verdict >= 0 else "") + number(verdict, kind) if theirs or by == "value" and bound is not None else ""
        self.lines.append(f"| {case} | {against} | {spread(ours, unit)} | {spread(theirs, unit)} | {ratio} | {goal} | {met} |")
        say(self.lines[-1])

    def remark(self, case, text):
        self.lines.append(f"| {case} | {text} | | | | | |")
        say(self.lines[-1])
