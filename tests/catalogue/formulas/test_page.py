"""The table of operators in docs/derived.md is the table of the catalogue; KEHU_SNAPSHOTS=write renews it."""

import os
from pathlib import Path

from catalogue.formulas.operator import Operator
from catalogue.formulas.operators import OPERATORS

PAGE = Path(__file__).parents[3] / "docs" / "derived.md"
BEGIN, END = "<!-- operators -->\n", "<!-- /operators -->"


def _arguments(operator: Operator) -> str:
    rows = [
        f"`{each.name}{'?' if each.is_optional else ''}`: {each.takes}"
        if each.name
        else f"{each.takes}{'?' if each.is_optional else ''}"
        for each in operator.arguments
    ]
    return "; ".join(rows) + (" …" if operator.repeats else "")


def _table() -> str:
    lines = ["| Operator | Takes | Gives | Guard |", "|---|---|---|---|"]
    rows = sorted(OPERATORS.values(), key=lambda each: (each.group, each.name))
    lines += [f"| `{each.name}` ({each.group}) | {_arguments(each)} | {each.gives} | {each.guard} |" for each in rows]
    return "\n".join(lines) + "\n"


class TestPage:
    def test_lists_every_operator_with_its_guard(self) -> None:
        text = PAGE.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        wanted = f"{before}{BEGIN}{_table()}{END}{after}"
        if os.environ.get("KEHU_SNAPSHOTS") == "write":
            PAGE.write_text(wanted, "utf-8")
        assert PAGE.read_text("utf-8") == wanted, "run: KEHU_SNAPSHOTS=write scripts/test tests/catalogue/formulas"
