"""What a run found, for people: a table of figures and the ratios that are promised."""

import statistics
from collections.abc import Mapping, Sequence
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


def promises(work: Mapping[str, Figures]) -> list[str]:
    """A line for each promise that was measured: what was found, what is promised, and whether it holds."""
    lines = []
    for name, figures in work.items():
        promise = PROMISES[name]
        rows = (
            ("floor", "cpu_ms", promise.floor_cost, "times the floor's CPU", True),
            ("mercurius", "rps", promise.mercurius, "times Mercurius's requests/s", False),
            ("naive", "rps", promise.naive, "times plain Strawberry's requests/s", False),
        )
        for other, key, wanted, words, is_most in rows:
            value = ratio(figures, "kehu", other, key)
            if value is not None and wanted is not None:
                holds = value <= wanted if is_most else value >= wanted
                bound = f"at {'most' if is_most else 'least'} {wanted:g}"
                lines.append(f"{'holds' if holds else 'MISSED':<6} {name} {value:6.2f} {words} ({bound})")
    return lines
