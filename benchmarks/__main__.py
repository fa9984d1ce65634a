"""The command line of the benchmark: `python -m benchmarks`, called by scripts/bench."""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.bench import Choice, chosen_peers, measure_work
from benchmarks.changing import measure_changing
from benchmarks.chart import chart
from benchmarks.editions import measure_editions
from benchmarks.errors import BenchmarkError
from benchmarks.further import measure_attributes, measure_book, measure_growth, measure_memory
from benchmarks.further import measure_workers as measure_worker_counts
from benchmarks.guards import measure_guards
from benchmarks.history import measure_history
from benchmarks.machine import LOAD_CPU, check_machine, program
from benchmarks.ordinary import measure_ordinary
from benchmarks.peers import FLOOR, PEERS
from benchmarks.questions import WORK
from benchmarks.report import ratios, table, verdicts
from benchmarks.workdir import PEERS_FOLDER, PROJECT, WorkDir
from repositories.errors import RepositoryError

EDITION_ATTRIBUTES = 2_000
_OTHERS = ",".join(each for each in PEERS if each != FLOOR)
PICTURE = PROJECT / "docs" / "pictures" / "benchmark.svg"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Kehu beside other servers on the same work.")
    parser.add_argument("--work", type=_words, default=WORK, help=f"some of {','.join(WORK)}; all by default")
    parser.add_argument("--peers", type=_words, default=(), help=f"besides the floor: some of {_OTHERS}")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds; the median of them counts")
    parser.add_argument("--connections", type=int, help="instead of 32 (Q4: 8, Q5: 4)")
    parser.add_argument("--clients", type=int, default=100_000, help="size of the book")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--picture", action="store_true", help=f"draw {PICTURE.relative_to(PROJECT)} anew")
    parser.add_argument("--work-dir", type=Path, default=Path(tempfile.gettempdir()) / "kehu-bench", help="kept data")
    parser.add_argument("--peers-dir", type=Path, default=PROJECT / PEERS_FOLDER, help="where the peers come from")
    other = parser.add_argument_group("instead of the main run").add_mutually_exclusive_group()
    text = "define attributes on a live server under load"
    other.add_argument("--editions", type=int, nargs="?", const=EDITION_ATTRIBUTES, metavar="COUNT", help=text)
    other.add_argument("--growth", action="store_true", help="Q4 with pages of 10 to 1,000")
    other.add_argument("--workers", type=_numbers, metavar="1,2", help="Q1 and Q4 with several workers")
    other.add_argument("--memory", "--startup", action="store_true", help="start-up time and memory of a worker")
    text = "Q1 and Q4 with as many attributes besides the built-in ones"
    other.add_argument("--attributes", type=_numbers, metavar="100,2000", help=text)
    text = "Q2 and Q4 by ordinary execution, beside the tuned Strawberry server"
    other.add_argument("--ordinary", action="store_true", help=text)
    other.add_argument("--guards", action="store_true", help="the price of the policy and of the audit")
    other.add_argument("--changing", action="store_true", help="Q5 while ten clients a second change")
    text = "bytes a change, and reads as of a moment beside the present"
    other.add_argument("--history", action="store_true", help=text)
    other.add_argument("--book", type=_numbers, metavar="10000,1000000", help="Q1 and Q2 in books of these sizes")
    return parser.parse_args(given)


def _words(given: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in given.split(",") if each.strip())


def _numbers(given: str) -> tuple[int, ...]:
    return tuple(int(each) for each in _words(given))


def measurement(chosen: argparse.Namespace, work: WorkDir) -> Coroutine[Any, Any, dict[str, Any]]:
    """The measurement that was chosen, not begun yet."""
    if unknown := set(chosen.work) - set(WORK):
        raise BenchmarkError(f"--work: got {', '.join(sorted(unknown))}; expected some of {', '.join(WORK)}.")
    if chosen.editions is not None:
        return measure_editions(work, chosen.editions)
    if chosen.history:
        return measure_history(work, chosen.rounds)
    program("wrk")
    choice = Choice(
        # W1 last: it changes the clients whose values the others compare
        tuple(each for each in WORK if each in chosen.work),
        chosen_peers(work, chosen.peers),
        chosen.rounds,
        chosen.clients,
        chosen.connections,
        chosen.peers_dir,
    )
    several: list[tuple[Any, Callable[[], Coroutine[Any, Any, dict[str, Any]]]]] = [
        (chosen.growth, lambda: measure_growth(work, choice)),
        (chosen.workers, lambda: measure_worker_counts(work, choice, chosen.workers)),
        (chosen.memory, lambda: measure_memory(work, choice)),
        (chosen.attributes, lambda: measure_attributes(work, choice, chosen.attributes)),
        (chosen.changing, lambda: measure_changing(work, choice)),
        (chosen.ordinary, lambda: measure_ordinary(work, choice)),
        (chosen.guards, lambda: measure_guards(work, choice)),
        (chosen.book, lambda: measure_book(work, choice, chosen.book)),
        (True, lambda: measure_work(work, choice)),
    ]
    return next(begin for is_chosen, begin in several if is_chosen)()


def show(found: dict[str, Any]) -> None:
    """The figures on standard output."""
    if "work" not in found:
        print(json.dumps(found, indent=2))
    else:
        print(f"\n{table(found['work'])}")
    print("\n" + "\n".join(verdicts(found)))


def main() -> int:
    """The exit code: 0 if everything was measured without an error."""
    chosen = arguments()
    # so that every `finally` runs and nothing that was started is left behind
    signal.signal(signal.SIGTERM, _end)
    work = WorkDir(chosen.work_dir.resolve())
    try:
        check_machine()
        program("taskset")
        work.root.mkdir(parents=True, exist_ok=True)
        os.sched_setaffinity(0, {LOAD_CPU})
        found = asyncio.run(measurement(chosen, work))
    except (BenchmarkError, RepositoryError) as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    show(found)
    if "work" in found:
        found["ratios"] = ratios(found["work"])
        if chosen.picture:
            PICTURE.parent.mkdir(parents=True, exist_ok=True)
            PICTURE.write_text(chart(found["work"]))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if errors_in(found) else 0


def errors_in(found: Any) -> int:
    """Requests that failed, in all figures together."""
    if not isinstance(found, dict):
        return 0
    own = found.get("errors", 0)
    return (own if isinstance(own, int) else 0) + sum(errors_in(each) for each in found.values())


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
