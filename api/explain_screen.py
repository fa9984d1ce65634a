"""What `kehu explain` shows: tables for people, JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.explain_advice import advice_on
from catalogue.catalogue import Catalogue
from repositories.compile.explained import Asked, Explained
from repositories.explaining import Account

WIDTH = 100
LONGEST_LIST = 2
"""Values of a list in a filter that people are shown."""


def show_cost(console: Console, cost: dict[str, Any]) -> None:
    """The plan, and the cost in one line."""
    table = _table("Plan: what may be read, before anything runs")
    table.add_column("Field", overflow="fold", ratio=1)
    table.add_column("Reads")
    table.add_column("Documents", justify="right")
    table.add_column("Commands", justify="right")
    table.add_column("Index", overflow="fold")
    for row in cost["plan"]:
        index = f"{row['index'] or 'none'}{': scans' if row.get('scans') else ''}"
        table.add_row(row["field"], row["reads"] or "-", f"{row['documents']:,}", f"{row['commands']:,}", index)
    console.print(table)
    scans = f" + {cost['scans']} x 100 for scans" if "scans" in cost else ""
    console.print(
        f"Cost {cost['cost']:,.2f} = {cost['documents']:,} documents + {cost['leaves']:,} leaves / 100{scans}; "
        f"at most {cost['commands']:,} commands.\n",
        highlight=False,
    )


def show_commands(console: Console, accounts: Sequence[Account], catalogue: Catalogue) -> None:
    """The commands that were sent, and what is to be said of them."""
    if not accounts:
        console.print("No command was sent.", highlight=False)
        return
    table = _table("Commands that were sent, as the database carried them out")
    table.add_column("#", justify="right")
    table.add_column("Command", overflow="fold", ratio=1)
    table.add_column("Index", overflow="fold", max_width=25)
    for name in ("Keys", "Docs", "Found", "ms"):
        table.add_column(name, justify="right")
    for number, each in enumerate(accounts, 1):
        table.add_row(str(number), _words(each.asked), *_figures(each.explained))
    console.print(table)
    for problem in dict.fromkeys(each.problem for each in accounts if each.problem):
        console.print(problem, style="yellow", markup=False, highlight=False)
    said: dict[str, list[str]] = {}
    for number, each in enumerate(accounts, 1):
        for sentence in advice_of(each, catalogue):
            said.setdefault(sentence, []).append(str(number))
    for sentence, numbers in said.items():
        console.print(f"{', '.join(numbers)}: {sentence}", style="yellow", markup=False, highlight=False)


def advice_of(account: Account, catalogue: Catalogue) -> list[str]:
    """The warnings about a command; none about one that could not be explained."""
    return [] if account.explained is None else advice_on(account.asked, account.explained, catalogue)


def explanation_json(cost: dict[str, Any] | None, accounts: Sequence[Account], catalogue: Catalogue) -> str:
    """The same for programs."""
    commands = [
        {
            **asdict(each.asked),
            **(asdict(each.explained) if each.explained is not None else {"problem": each.problem}),
            "warnings": advice_of(each, catalogue),
        }
        for each in accounts
    ]
    return json.dumps({"cost": cost, "commands": commands}, indent=2, ensure_ascii=False)


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), expand=True
    )


def _words(asked: Asked) -> Text:
    """What was asked, a line each: collection, filter, order, paths."""
    lines = [f"{asked.operation} {asked.collection}{f', limit {asked.limit}' if asked.limit else ''}"]
    if asked.filter:
        lines.append(f"filter {json.dumps(_shortened(asked.filter), ensure_ascii=False)}")
    if asked.sort:
        lines.append("sort " + ", ".join(f"{path}{'' if way > 0 else ' desc'}" for path, way in asked.sort.items()))
    if asked.paths:
        lines.append(f"{len(asked.paths)} path{'s' if len(asked.paths) > 1 else ''}")
    return Text("\n".join(lines), overflow="fold")


def _shortened(value: Any) -> Any:
    """A filter with long lists cut: a page of ids says no more than a few of them."""
    if isinstance(value, dict):
        return {key: _shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        rest = len(value) - LONGEST_LIST
        cut = [_shortened(each) for each in value[:LONGEST_LIST]]
        return [*cut, f"... {rest} more"] if rest > 1 else [_shortened(each) for each in value]
    return value


def _figures(explained: Explained | None) -> list[str]:
    if explained is None:
        return ["?", "", "", "", ""]
    names = [*explained.indexes, *(["whole collection"] if explained.is_scan else [])]
    index = ", ".join(names) or "none"
    if explained.is_covered:
        index += " (covered)"
    counts = (explained.keys, explained.documents, explained.returned, explained.milliseconds)
    return [index, *(f"{each:,}" for each in counts)]
