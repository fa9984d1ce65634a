"""Batches, refusals and the wish to stop, against a database that is only counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from acts.importing.errors import Unreadable
from acts.importing.mapping import ImportMap
from acts.importing.rows import RefusedRow
from acts.importing.run import ImportRun, Tally, prepared
from acts.upsert_rows import ClientRow, UpsertReport
from catalogue.builtin import builtin_catalogue
from catalogue.errors import ErrorCode, Problem
from tests.acts.importing.conftest import BuildMap, WriteFile

pytestmark = pytest.mark.anyio


@dataclass
class Listening:
    """Notes what it is told, and wants to stop after some batches."""

    batches: int = 1_000_000
    refused: list[RefusedRow] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)

    def refuse(self, row: RefusedRow) -> None:
        self.refused.append(row)

    def progress(self, tally: Tally, position: int) -> None:
        self.seen.append((tally.rows, position))

    def is_stopped(self) -> bool:
        return len(self.seen) >= self.batches


@dataclass
class Counting:
    """Takes every row as a new client, but for the given places."""

    batches: list[list[ClientRow]] = field(default_factory=list)
    problems: tuple[Problem, ...] = ()

    async def store(self, rows: Sequence[ClientRow]) -> UpsertReport:
        self.batches.append(list(rows))
        return UpsertReport(created=len(rows) - len(self.problems), problems=self.problems)


async def _no_manager(name: str) -> str:
    raise Unreadable(f"takes a manager; got {name}")


async def _run(path: Path, given: ImportMap, listening: Listening, counting: Counting) -> Tally:
    async with prepared(path, given, builtin_catalogue()) as ready:
        return await ImportRun(ready, counting.store, _no_manager, listening).run()


def _rows(count: int) -> str:
    return "id,name\n" + "".join(f"{number},N{number}\n" for number in range(count))


class TestRun:
    async def test_rows_go_out_in_batches_of_a_thousand(self, write_file: WriteFile, build_map: BuildMap) -> None:
        path, listening, counting = write_file("a.csv", _rows(2_500)), Listening(), Counting()
        tally = await _run(path, build_map({"profile.name": "name"}), listening, counting)
        assert [len(batch) for batch in counting.batches] == [1000, 1000, 500]
        assert (tally.rows, tally.created, tally.stored, tally.refused) == (2500, 2500, 2500, 0)
        assert not tally.is_interrupted
        assert listening.seen[-1] == (2500, path.stat().st_size)

    async def test_a_stop_ends_after_the_batch_and_counts_only_what_is_stored(
        self, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        counting = Counting()
        path = write_file("a.csv", _rows(2_500))
        tally = await _run(path, build_map({"profile.name": "name"}), Listening(batches=1), counting)
        assert tally.is_interrupted
        assert (tally.rows, tally.stored, len(counting.batches)) == (1000, 1000, 1)

    async def test_a_stop_after_the_last_batch_is_no_interruption(
        self, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        path = write_file("a.csv", _rows(3))
        tally = await _run(path, build_map({"profile.name": "name"}), Listening(batches=1), Counting())
        assert not tally.is_interrupted

    async def test_problems_of_the_database_name_line_and_column(
        self, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        problems = (
            Problem(ErrorCode.INVALID_VALUE, "name is too long.", ("profile", "name"), row=2),
            Problem(ErrorCode.INVALID_VALUE, "no such manager.", ("managerId",), row=1),
        )
        listening, counting = Listening(), Counting(problems=problems[:1])
        path = write_file("a.csv", "id,name,n\n0,A,x\n1,B,1\n2,C,2\n")
        given = build_map({"profile.name": "name", "profile.employees": "n"})
        tally = await _run(path, given, listening, counting)
        assert [(each.record.line, each.refusals[0].column) for each in listening.refused] == [(2, "n"), (4, "name")]
        assert (tally.rows, tally.refused) == (3, 2)
        # The row that the file refuses was looked at too, for the rest of its problems.
        assert [bool(row.problems) for row in counting.batches[0]] == [True, False, False]

    async def test_several_problems_of_one_row_are_one_refused_row(
        self, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        found = [Problem(ErrorCode.INVALID_VALUE, f"wrong {n}.", ("x",), row=0) for n in range(2)]

        async def store(rows: Sequence[ClientRow]) -> UpsertReport:
            return UpsertReport(problems=tuple(found))

        listening = Listening()
        path = write_file("a.csv", "id,name\n0,A\n")
        async with prepared(path, build_map({"profile.name": "name"}), builtin_catalogue()) as ready:
            tally = await ImportRun(ready, store, _no_manager, listening).run()
        assert tally.refused == 1
        assert [each.reason for each in listening.refused[0].refusals] == ["wrong 0", "wrong 1"]

    async def test_a_number_that_stood_before_is_refused_with_its_line(
        self, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        listening, counting = Listening(), Counting()
        path = write_file("a.csv", "id,name\n1,A\n2,B\n1,C\n")
        await _run(path, build_map({"profile.name": "name"}), listening, counting)
        (refused,) = listening.refused
        assert (refused.record.line, refused.refusals[0].column) == (4, "id")
        assert 'the text "1" stood in line 2 already' in refused.refusals[0].reason

    async def test_an_unknown_manager_refuses_the_row_and_is_looked_up_once(
        self, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        asked: list[str] = []

        async def find(name: str) -> str:
            asked.append(name)
            if name == "Li":
                return "mg_1"
            raise Unreadable("is unknown")

        client = {"number": "id", "kind": "PERSON", "manager": {"column": "m", "by": "name"}}
        path = write_file("a.csv", "id,name,m\n0,A,Li\n1,B,Na\n2,C,Li\n3,D,Na\n4,E,\n")
        listening, counting = Listening(), Counting()
        async with prepared(path, build_map({"profile.name": "name"}, client=client), builtin_catalogue()) as ready:
            await ImportRun(ready, counting.store, find, listening).run()
        assert asked == ["Li", "Na"]
        assert [(each.record.line, each.refusals[0].column) for each in listening.refused] == [(3, "m"), (5, "m")]
        good = [row.manager_id for row in counting.batches[0] if not row.problems]
        assert good == ["mg_1", "mg_1", None]

    async def test_what_was_counted_before_an_error_stays_counted(
        self, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        calls: list[int] = []

        async def store(rows: Sequence[ClientRow]) -> UpsertReport:
            calls.append(len(rows))
            if len(calls) == 2:
                raise ConnectionError
            return UpsertReport(created=len(rows))

        tally = Tally()
        path = write_file("a.csv", _rows(2_500))
        async with prepared(path, build_map({"profile.name": "name"}), builtin_catalogue()) as ready:
            run = ImportRun(ready, store, _no_manager, Listening(), tally)
            with pytest.raises(ConnectionError):
                await run.run()
        assert (tally.rows, tally.stored) == (1000, 1000)
