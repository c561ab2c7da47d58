"""Clusters whose clock the test sets (libfaketime)."""

import atexit
import contextlib
import glob
import os
import sys

from support import Cluster

LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
FILE = os.path.join(os.environ["DJUST_TMP"], f"clock_offset_{os.getpid()}")


def set_clock(offset):
    """Seconds from the true time."""
    with open(FILE + ".new", "w", encoding="ascii") as file:
        file.write(f"{offset:+d}\n")
    os.chmod(FILE + ".new", 0o644)
    os.rename(FILE + ".new", FILE)


def remove_shared_memory():
    """Of libfaketime, from processes that were killed: a process that is given the number of one would fail to start."""
    for path in glob.glob("/dev/shm/faketime_shm_*") + glob.glob("/dev/shm/sem.faketime_sem_*"):
        if not os.path.exists("/proc/" + path.rsplit("_", 1)[1]):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                os.unlink(path)


def cluster_with_clock(name, *lines):
    """The program ends here where there is no libfaketime."""
    if not LIBRARY:
        print("1..0 # SKIP there is no libfaketime")
        sys.exit(0)
    set_clock(0)
    remove_shared_memory()
    atexit.register(remove_shared_memory)
    os.environ.update(LD_PRELOAD=LIBRARY[0], FAKETIME_TIMESTAMP_FILE=FILE, FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1",
                      FAKETIME_DONT_RESET="1")
    return Cluster(name, *lines)
