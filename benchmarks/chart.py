"""The picture of the README: server CPU a request as bars, on a scale of powers of ten."""

import math
from collections.abc import Iterator, Mapping
from html import escape

from benchmarks.report import Figures

NAMES = {
    "kehu": "Kehu",
    "floor": "No GraphQL, no framework (Python)",
    "mercurius": "Mercurius with JIT (Node)",
    "naive": "Strawberry with Motor, as usual",
}
TITLES = {
    "Q1": "One client, 5 values",
    "Q2": "A list of 50",
    "Q3": "20 clients and relations",
    "Q4": "200 clients with 25 values",
    "Q5": "Groups over the whole book",
    "W1": "One change, with history",
}
COLOURS = {"kehu": "#0b6e4f", "floor": "#9aa5b1", "mercurius": "#c2803d", "naive": "#7d6b91"}
WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 760, 245, 90, 16, 26, 64
_TEXT = "font-family='system-ui, sans-serif' fill='#1f2933'"


def chart(work: Mapping[str, Figures]) -> str:
    """An SVG of server CPU a request; shorter bars are better.

    Shape: one block a piece of work, one bar a server. The scale is logarithmic and says so.
    """
    low, high = _bounds(work)
    body, y = [], HEAD
    for name, figures in work.items():
        body.append(_text(16, y + BAR - 3, f"{name}  {TITLES.get(name, '')}", 12, "600"))
        shown = [each for each in NAMES if each in figures]
        for place, server in enumerate(shown):
            body += _bar(server, float(figures[server]["cpu_ms"]), y + place * (BAR + 3), low, high)
        y += max(len(shown), 1) * (BAR + 3) + GAP
    legend = _legend([each for each in NAMES if any(each in figures for figures in work.values())], y)
    height = y + 44
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' "
        "role='img' aria-label='Server CPU for each request'>"
    )
    title = _text(16, 28, "Server CPU for each request, in milliseconds", 16, "700")
    note = _text(16, 48, "One worker on one processor; shorter is better; each grid line is ten times the last.", 11)
    back = f"<rect width='{WIDTH}' height='{height}' rx='8' fill='#ffffff'/>"
    return "\n".join([head, back, *_grid(low, high, y), title, note, *body, *legend, "</svg>", ""])


def _bounds(work: Mapping[str, Figures]) -> tuple[int, int]:
    values = [float(figures[each]["cpu_ms"]) for figures in work.values() for each in NAMES if each in figures]
    positive = [each for each in values if each > 0] or [1.0]
    low = math.floor(math.log10(min(positive)))
    return low, max(math.ceil(math.log10(max(positive))), low + 1)


def x_of(value: float, low: int, high: int) -> float:
    """Where a value stands; the scale runs from 10^low to 10^high."""
    share = (math.log10(max(value, 10**low)) - low) / (high - low)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _grid(low: int, high: int, bottom: int) -> Iterator[str]:
    for power in range(low, high + 1):
        x = x_of(10.0**power, low, high)
        yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{HEAD - 4}' y2='{bottom - 16}' stroke='#e4e7eb'/>"
        yield _text(x - 8, bottom - 4, f"{10.0**power:g}", 10)


def _bar(server: str, value: float, y: float, low: int, high: int) -> list[str]:
    end = max(x_of(value, low, high), LEFT + 2)
    weight = "700" if server == "kehu" else "400"
    return [
        f"<rect x='{LEFT}' y='{y}' width='{end - LEFT:.1f}' height='{BAR}' rx='2' fill='{COLOURS[server]}'>"
        f"<title>{escape(NAMES[server])}: {value:.3g} ms</title></rect>",
        _text(end + 6, y + BAR - 4, f"{value:.3g}", 11, weight),
    ]


def _legend(servers: list[str], y: float) -> Iterator[str]:
    x = 16.0
    for server in servers:
        yield f"<rect x='{x:.0f}' y='{y + 12}' width='11' height='11' rx='2' fill='{COLOURS[server]}'/>"
        yield _text(x + 16, y + 21, NAMES[server], 11)
        x += 30 + 6.3 * len(NAMES[server])


def _text(x: float, y: float, words: str, size: int, weight: str = "400") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' font-weight='{weight}' {_TEXT}>{escape(words)}</text>"
