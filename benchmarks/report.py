"""What a run found, for people: a table of figures, and what is promised beside what was measured."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Mapping[str, Any]]
"""The medians by server's name."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What Kehu wants to reach in a piece of work.

    Units: floor_cost is times the floor's CPU a request, at most; the others are times the requests a second, at least.
    """

    floor_cost: float | None
    mercurius: float | None
    naive: float | None


PROMISES = {
    "Q1": Promise(0.45, 2.5, 25),
    "Q2": Promise(1.5, 1.3, 15),
    "Q3": Promise(1.4, 1.0, 11),
    "Q4": Promise(1.8, 1.4, 12),
    "Q5": Promise(None, 20, 20),
    "W1": Promise(1.8, 0.6, 5),
}
LONE_WORK, LONE_WAIT = ("Q1", "Q2", "Q4"), 1.3
"""At one connection: times the floor's p50, at most."""
FURTHER_DOCUMENT = 1.7
"""A further document of 25 values: times the floor's CPU, at most."""
MEMORY_MB, START_SECONDS = 130.0, 2.0
"""A worker after load; from the start of the process on a warm database to the first answer."""
BOOK_GROWTH = 1.3
"""A million clients: times the p50 and the CPU of ten thousand, at most."""
ATTRIBUTE_GROWTH = 1.2
"""2,000 attributes defined at run time: times the CPU of 100, at most."""
CHANGING = 2.0
"""Q5 with ten changes a second: times the requests a second of Mercurius and of plain Strawberry, at least."""
ORDINARY = 1.1
"""An operation that is left to ordinary execution: times the tuned server's CPU, at most."""
_COLUMNS = (("cpu_ms", "CPU ms"), ("rps", "req/s"), ("p50_ms", "p50 ms"), ("p99_ms", "p99 ms"), ("memory_mb", "MB"))


def table(work: Mapping[str, Figures]) -> str:
    """The figures as text; ratios are of CPU a request to the floor's."""
    heads = ["work", "server", *(name for _, name in _COLUMNS), "x floor"]
    rows = [heads]
    for name, figures in work.items():
        for server, found in figures.items():
            cost = ratio(figures, server, "floor", "cpu_ms")
            cells = [f"{found[key]:,.{_digits(key)}f}" for key, _ in _COLUMNS]
            rows.append([name, server, *cells, "" if cost is None else f"{cost:.2f}"])
    widths = [max(len(row[place]) for row in rows) for place in range(len(heads))]
    return "\n".join(_aligned(row, widths) for row in rows)


def _digits(key: str) -> int:
    return {"rps": 0, "memory_mb": 0, "cpu_ms": 3}.get(key, 2)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if place < 2 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def ratio(figures: Figures, server: str, other: str, key: str) -> float | None:
    """One server's figure divided by another's; None if one of them was not measured.

    The middle of the rounds' ratios: what slows the machine down for a round slows both.
    """
    if server not in figures or other not in figures:
        return None
    pairs = zip(figures[server][f"{key}_rounds"], figures[other][f"{key}_rounds"], strict=True)
    found = [one / another for one, another in pairs if another]
    return statistics.median(found) if found else None


def ratios(work: Mapping[str, Figures]) -> dict[str, dict[str, float]]:
    """Kehu beside each other server, by work: CPU a request and requests a second, as Kehu's divided by theirs."""
    found: dict[str, dict[str, float]] = {}
    for name, figures in work.items():
        for other in figures:
            for key, word in (("cpu_ms", "cpu"), ("rps", "rps")):
                value = None if other == "kehu" else ratio(figures, "kehu", other, key)
                if value is not None:
                    found.setdefault(name, {})[f"{word}_to_{other}"] = round(value, 3)
    return found


def verdict(name: str, value: float, words: str, *, most: float | None = None, least: float | None = None) -> str:
    """A line for one promise: whether it holds, what was measured, and the bound."""
    holds = value <= most if most is not None else value >= (least or 0.0)
    bound = f"at most {most:g}" if most is not None else f"at least {least:g}"
    return f"{'holds' if holds else 'MISSED':<6} {name} {value:6.2f} {words} ({bound})"


def promises(work: Mapping[str, Figures]) -> Iterator[str]:
    """Of the main run: CPU beside the floor, requests a second beside the others."""
    for name, figures in work.items():
        promise = PROMISES[name]
        cost = ratio(figures, "kehu", "floor", "cpu_ms")
        if cost is not None and promise.floor_cost is not None:
            yield verdict(name, cost, "times the floor's CPU", most=promise.floor_cost)
        for other, wanted, words in (
            ("mercurius", promise.mercurius, "times Mercurius's requests/s"),
            ("naive", promise.naive, "times plain Strawberry's requests/s"),
        ):
            value = ratio(figures, "kehu", other, "rps")
            if value is not None and wanted is not None:
                yield verdict(name, value, words, least=wanted)


def wait_promises(work: Mapping[str, Figures]) -> Iterator[str]:
    """Of the main run at one connection: how long a lone caller waits, beside the floor."""
    for name in LONE_WORK:
        value = ratio(work[name], "kehu", "floor", "p50_ms") if name in work else None
        if value is not None:
            yield verdict(name, value, "times the floor's p50 at one connection", most=LONE_WAIT)


def growth_promises(document_us: Mapping[str, float]) -> Iterator[str]:
    """What one further document of a page costs."""
    if document_us.get("floor"):
        value = document_us["kehu"] / document_us["floor"]
        yield verdict("Q4", value, "times the floor's CPU for a further document of 25 values", most=FURTHER_DOCUMENT)


def memory_promises(found: Mapping[str, Any]) -> Iterator[str]:
    """How soon a worker answers, and what it holds after all work."""
    yield verdict("start", found["startup_s"], "s to the first answer of a warm start", most=START_SECONDS)
    after = found["memory_mb"]["after"]
    if after:
        yield verdict("memory", max(after.values()), "MB a worker after load", most=MEMORY_MB)


def book_promises(book: Mapping[str, Mapping[str, Figures]]) -> Iterator[str]:
    """How much more the largest book costs than the smallest."""
    small, large = min(book, key=int), max(book, key=int)
    if small == large:
        return
    for name in book[small]:
        for key, words in (("p50_ms", "p50"), ("cpu_ms", "CPU")):
            value = _growth(book[large][name]["kehu"], book[small][name]["kehu"], key)
            if value is not None:
                title = f"times the {words} of {int(small):,} clients with {int(large):,}"
                yield verdict(name, value, title, most=BOOK_GROWTH)


def attribute_promises(attributes: Mapping[str, Mapping[str, Figures]]) -> Iterator[str]:
    """How much more a large catalogue costs than a small one; each was measured beside the floor."""
    few, many = min(attributes, key=int), max(attributes, key=int)
    if few == many:
        return
    for name in attributes[few]:
        before, after = (ratio(attributes[each][name], "kehu", "floor", "cpu_ms") for each in (few, many))
        if before and after:
            words = f"times the CPU of {int(few):,} further attributes with {int(many):,}, both by the floor's"
            yield verdict(name, after / before, words, most=ATTRIBUTE_GROWTH)


def ordinary_promises(ordinary: Mapping[str, Figures]) -> Iterator[str]:
    """What an operation costs that is not compiled; beside the tuned server asked the same, it is for information."""
    for name, figures in ordinary.items():
        value = ratio(figures, "kehu", "tuned", "cpu_ms")
        if value is not None:
            yield verdict(name, value, "times the tuned server's CPU, by ordinary execution", most=ORDINARY)
        for other in ("tuned with it", "kehu compiled"):
            value = ratio(figures, "kehu", other, "cpu_ms")
            if value is not None:
                yield f"{'':<6} {name} {value:6.2f} times the CPU of: {other}"


def guard_prices(guards: Mapping[str, Figures]) -> Iterator[str]:
    """What the policy and the audit cost; nobody promised a figure."""
    for name, figures in guards.items():
        for ours, other, words in (("policy", "open", "with hidden attributes"), ("audited", "policy", "audited")):
            cpu, rps = ratio(figures, ours, other, "cpu_ms"), ratio(figures, ours, other, "rps")
            if cpu is not None and rps is not None:
                yield f"{name} {words}: {cpu:.2f} times the CPU, {rps:.2f} times the requests/s"


def changing_promises(changing: Mapping[str, Figures]) -> Iterator[str]:
    """A line for each server that was asked while clients changed."""
    for name, figures in changing.items():
        for other, word in (("mercurius", "Mercurius"), ("naive", "plain Strawberry")):
            value = ratio(figures, "kehu", other, "rps")
            if value is not None:
                yield verdict(name, value, f"times the requests/s of {word}, with 10 changes a second", least=CHANGING)


def _growth(larger: Mapping[str, Any], smaller: Mapping[str, Any], key: str) -> float | None:
    return ratio({"large": larger, "small": smaller}, "large", "small", key)


_LINES: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "document_us": growth_promises,
    "book": book_promises,
    "attributes": attribute_promises,
    "ordinary": ordinary_promises,
    "changing": changing_promises,
    "guards": guard_prices,
}


def verdicts(found: Mapping[str, Any]) -> list[str]:
    """A line for each promise that a run has measured."""
    if "work" in found:
        return list((wait_promises if found.get("connections") == 1 else promises)(found["work"]))
    if "startup_s" in found:
        return list(memory_promises(found))
    return [line for key, lines in _LINES.items() if isinstance(found.get(key), dict) for line in lines(found[key])]
