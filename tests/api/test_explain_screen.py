"""What people see of an explanation."""

from io import StringIO
from typing import Any

from rich.console import Console

from api.explain_screen import show_commands, show_cost
from repositories.compile.explained import Asked, Explained
from repositories.explaining import Account
from tests.books import SMALL


def shown(show: Any, *given: object) -> list[str]:
    out = StringIO()
    show(Console(file=out, width=100), *given)
    return [line.rstrip() for line in out.getvalue().splitlines() if line.strip()]


class TestShowCost:
    def test_rows_and_the_sum(self) -> None:
        row = {"field": "clients", "reads": "clients", "documents": 2000, "commands": 1, "index": "_id_"}
        total = {**row, "field": "clients.totalCount", "documents": 0, "index": None, "scans": True}
        nobody = {**row, "field": "node", "reads": None, "documents": 1, "commands": 0, "index": None}
        cost = {"cost": 2003.5, "documents": 2001, "leaves": 250, "commands": 2, "plan": [row, total, nobody]}
        lines = shown(show_cost, cost)
        assert [line.split() for line in lines[3:6]] == [
            ["clients", "clients", "2,000", "1", "_id_"],
            ["clients.totalCount", "clients", "0", "1", "none:", "scans"],
            ["node", "-", "1", "0", "none"],
        ]
        assert lines[6] == "Cost 2,003.50 = 2,001 documents + 250 leaves / 100; at most 2 commands."


class TestShowCommands:
    def test_long_lists_are_cut_and_long_filters_wrapped(self) -> None:
        ids = [f"cl_{each:024d}" for each in range(200)]
        asked = Asked("find", "clients", {"_id": {"$in": ids}}, paths=("number",), limit=200)
        lines = shown(
            show_commands, [Account(asked, Explained(("_id_",), False, False, False, 200, 200, 200, 3))], SMALL
        )
        text = "".join(lines)
        assert "... 198 more" in text
        assert max(map(len, lines)) <= 100
        assert any("1 path" in line for line in lines)

    def test_a_list_of_one_more_is_shown_whole(self) -> None:
        asked = Asked("find", "clients", {"stage": {"$in": ["A", "B", "E"]}})
        text = " ".join(" ".join(shown(show_commands, [Account(asked, None, "no planner")], SMALL)).split())
        assert '"E"]' in text
        assert text.endswith("no planner")

    def test_what_is_said_of_several_commands_is_said_once(self) -> None:
        asked = Asked("find", "managers", {"team": {"$eq": "north"}})
        scan = Account(asked, Explained((), True, False, False, 0, 500, 2, 1))
        covered = Account(asked, Explained(("team",), False, True, False, 3, 0, 3, 0))
        lines = shown(show_commands, [scan, covered, scan], SMALL)
        assert lines[-2:] == [
            "1, 3: Reads the whole collection managers: 500 documents looked at, 2 returned.",
            "1, 3: team has no index, and managers are few; narrow the filter where they are not.",
        ]
        assert any("team (covered)" in line for line in lines)
        assert sum("whole collection" in line for line in lines) == 3

    def test_nothing(self) -> None:
        assert shown(show_commands, [], SMALL) == ["No command was sent."]
