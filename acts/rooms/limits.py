"""How much a child process may take, and how it is held to that."""

import importlib
import os
import platform
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass

MEGABYTE = 1_000_000
NICENESS = 5
"""Who serves and who writes come first."""
ORPHAN_SECONDS = 5.0
"""How much longer than its deadline a child lives whose parent is no more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child process may take."""

    memory_bytes: int = 600 * MEGABYTE
    """Of address space: a Python with onnxruntime has 180 MB of it, with polars 320 MB, before they do anything."""
    cpu_seconds: int = 30
    """Of each answer."""
    deadline_seconds: float = 60.0
    """Of each answer, by the clock."""
    file_bytes: int = MEGABYTE
    """Of a file that it writes: it has none to write."""


def lacking() -> str | None:
    """Which of the limits this system does not hold; None where it holds all of them."""
    system = platform.system()
    if system == "Linux":
        return None
    held = "the deadline alone" if system == "Windows" else "processor time, the size of files and the deadline"
    return (
        "Files, maps and models of strangers are read in processes of their own, which on this system "
        f"({system}) are held to {held}; the limit of memory is kept on Linux only."
    )


def hold_for_good(limits: Limits) -> None:
    """Limit this process: memory and files from now on."""
    if sys.platform == "win32":
        return
    resource = importlib.import_module("resource")
    os.nice(NICENESS)
    _lower(resource, resource.RLIMIT_CORE, 0)
    _lower(resource, resource.RLIMIT_FSIZE, limits.file_bytes)
    if sys.platform == "linux":
        _lower(resource, resource.RLIMIT_AS, limits.memory_bytes)
        # Where the machine itself runs out of memory, this process goes first.
        with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")


def hold_for_one(limits: Limits) -> None:
    """Limit this process until it has answered: processor time, and the clock if its parent is no more."""
    if sys.platform == "win32":
        return
    resource = importlib.import_module("resource")
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + limits.cpu_seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds if hard < 0 else min(seconds, hard), hard))
    # Nothing but the signal itself: a step of a library's own never comes back to Python to be told.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits.deadline_seconds + ORPHAN_SECONDS)


def let_go() -> None:
    """Wait for the next question for as long as it takes."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, 0)


def _lower(resource: object, which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)  # type: ignore[attr-defined]
    most = most if hard < 0 else min(most, hard)
    resource.setrlimit(which, (most, most))  # type: ignore[attr-defined]


def reason_for(code: int, limits: Limits) -> str:
    """Why a process has ended, from its exit code; a negative one is the signal."""
    memory = f"more than {limits.memory_bytes // MEGABYTE} MB of memory"
    if code == -getattr(signal, "SIGXCPU", 24):
        return f"it took more than {limits.cpu_seconds} s of processor time"
    if code == -getattr(signal, "SIGXFSZ", 25):
        return "it wrote a file"
    if code in (-signal.SIGABRT, -signal.SIGSEGV, -getattr(signal, "SIGBUS", 7), OUT_OF_MEMORY):
        return f"it took {memory}, or made what reads it fall over"
    if code == -getattr(signal, "SIGKILL", 9):
        return "its process was killed by the system, which had no memory left, or by hand"
    return f"its process ended (exit code {code})"


OUT_OF_MEMORY = 71
"""Exit code of a process that noticed itself."""
IDLE = 75
"""Exit code of a process that was kept warm and never asked."""
