"""Rows: what is mapped, and why what is not."""

from datetime import date
from pathlib import Path
from typing import Any

import polars
import pytest

from acts.importing import sizes
from acts.importing.errors import ImportRefused
from acts.importing.readers import open_source
from acts.importing.recipes import Compiler
from acts.importing.rows import MappedRow, RefusedRow, RowMapper
from catalogue.attribute import ClientKind, ClientStage
from catalogue.builtin import builtin_catalogue
from tests.acts.importing.conftest import BuildMap, WriteFile


@pytest.fixture
def map_rows(write_file: WriteFile, build_map: BuildMap) -> Any:
    """Maps a CSV text; gives the mapper and its rows."""

    def read(text: str, values: dict[str, Any], **sections: Any) -> tuple[RowMapper, list[MappedRow | RefusedRow]]:
        given = build_map(values, **sections)
        with open_source(write_file("a.csv", text), given.read) as source:
            mapper = RowMapper(given, source, builtin_catalogue())
            return mapper, list(mapper.rows(source.records))

    return read


class TestRows:
    def test_a_row_has_number_kind_stage_manager_and_values(self, map_rows: Any) -> None:
        client = {
            "number": "C-{id}",
            "kind": {"column": "k", "codes": {"p": "PERSON"}},
            "stage": "active",
            "manager": {"column": "m", "by": "email"},
        }
        _, (row,) = map_rows("id,k,m,name\n1,p,li@bank.cn,Li\n", {"profile.name": "name"}, client=client)
        assert (row.number, row.kind, row.stage) == ("C-1", ClientKind.PERSON, ClientStage.ACTIVE)
        assert (row.manager, row.values) == ("li@bank.cn", {"profile.name": "Li"})

    def test_every_reason_is_given_with_its_column(self, map_rows: Any) -> None:
        values = {"profile.employees": "n", "profile.indexedOn": "d", "profile.name": "name"}
        client = {"number": "id", "kind": {"column": "k"}}
        _, (row,) = map_rows("id,k,n,d,name\n1,dog,many,soon,Li\n", values, client=client)
        assert [each.column for each in row.refusals] == ["k", "n", "d"]
        assert "takes ORGANISATION or PERSON" in row.refusals[0].reason
        assert row.refusals[1].reason.startswith("profile.employees takes a whole number")
        assert row.record.line == 2

    def test_a_number_that_is_empty_is_refused(self, map_rows: Any) -> None:
        _, (row,) = map_rows("id,name\n,Li\n", {"profile.name": "name"})
        assert row.refusals[0].column == "id"
        assert "every client needs one" in row.refusals[0].reason

    def test_a_fault_of_the_reader_is_a_refusal(self, map_rows: Any) -> None:
        _, (row,) = map_rows("id,name\n1\n", {"profile.name": "name"})
        assert "has 1 cells" in row.refusals[0].reason

    def test_rows_are_counted_from_one(self, map_rows: Any) -> None:
        client = {"number": "R-{row:03}", "kind": "PERSON"}
        _, rows = map_rows("name\nLi\n\nNa\n", {"profile.name": "name"}, client=client)
        assert [each.number for each in rows] == ["R-001", "R-002"]

    def test_a_mended_row_keeps_the_number_it_had(self, map_rows: Any) -> None:
        client = {"number": "R-{row:03}", "kind": "PERSON"}
        _, rows = map_rows("kehu_row,kehu_problem,name\n17,was wrong,Li\n", {"profile.name": "name"}, client=client)
        assert rows[0].number == "R-017"


class TestNumbers:
    @pytest.mark.parametrize("cell", ["1.23E+12", "1,23E+12", "9e15", " 1.23e+12 ", "-1E-5"])
    @pytest.mark.parametrize("number", ["id", "K-{id}"])
    def test_one_that_a_spreadsheet_has_shortened_is_refused(self, map_rows: Any, cell: str, number: str) -> None:
        client = {"number": number, "kind": "PERSON"}
        _, (row,) = map_rows(f'id,name\n"{cell}",Li\n', {"profile.name": "name"}, client=client)
        assert "which a spreadsheet has shortened" in row.refusals[0].reason

    @pytest.mark.parametrize("cell", ["E12", "12E", "1E-", "A1E+12", "1.2.3"])
    def test_others_are_taken(self, map_rows: Any, cell: str) -> None:
        _, (row,) = map_rows(f"id,name\n{cell},Li\n", {"profile.name": "name"})
        assert (row.number, row.refusals) == (cell, ())


class TestFaults:
    def test_whatever_goes_wrong_refuses_its_row_and_no_other(
        self, map_rows: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read(cells: Any, _row: int) -> object:
            return 1 // int(cells[1])

        monkeypatch.setattr(Compiler, "value", lambda *_: read)
        _, rows = map_rows("id,n\n1,0\n2,1\n", {"profile.employees": "n"})
        assert [len(row.refusals) for row in rows] == [1, 0]
        assert "cannot be read (ZeroDivisionError)" in rows[0].refusals[0].reason

    def test_what_becomes_too_large_is_refused(self, map_rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sizes, "ROW_LIMIT_CHARACTERS", 1_000)
        values = {"profile.name": "name", "profile.occupation": {"template": "{name}{name}{name}{name}"}}
        _, (row,) = map_rows(f"id,name\n1,{'x' * 300}\n", values)
        assert row.refusals[0].reason == "of what the map makes of it, a row has more than 1,000 characters"

    def test_a_cell_that_was_cut_is_never_a_value(self, map_rows: Any) -> None:
        kept = sizes.cut("x" * 40_000)
        assert len(kept) == sizes.KEPT_CHARACTERS
        _, rows = map_rows(f"kehu_row,id,name\n5,1,{kept}\n6,2,Li\n", {"profile.name": "name"})
        assert "put back what stood there" in rows[0].refusals[0].reason
        assert rows[1].refusals == ()


class TestRowMapper:
    def test_every_mistake_comes_at_once(self, map_rows: Any) -> None:
        values = {"profile.nmae": "name", "profile.location": "name", "profile.keyPeople.name": "name"}
        with pytest.raises(ImportRefused) as caught:
            map_rows("id,name\n", {**values, "profile.name": "Nam"})
        assert 'no attribute "profile.nmae". Did you mean "profile.name"?' in caught.value.message
        assert "profile.location is a group" in caught.value.message
        assert 'map "profile.keyPeople" with items' in caught.value.message
        assert 'Did you mean "name"' in caught.value.message

    def test_an_optional_column_may_be_missing(self, map_rows: Any) -> None:
        values = {"profile.name": "name", "profile.cik": {"column": "cik", "optional": True}}
        mapper, (row,) = map_rows("id,name\n1,Li\n", values)
        assert mapper.left_out == ["profile.cik"]
        assert row.values == {"profile.name": "Li"}

    def test_columns_that_nobody_maps_are_named(self, map_rows: Any) -> None:
        mapper, _ = map_rows("id,name,more\n", {"profile.name": "name"})
        assert mapper.unused == ("more",)


class TestEveryFormat:
    def test_the_same_rows_come_out_of_every_format(self, build_map: BuildMap, tmp_path: Path) -> None:
        frame = polars.DataFrame(
            {
                "id": [66740, 91142],
                "name": ["3M", "A. O. Smith"],
                "staff": [61_500, None],
                "price": [178.96, 63.0],
                "on": [date(1957, 3, 4), date(2017, 7, 26)],
                "key": [True, False],
            }
        )
        frame.write_csv(tmp_path / "a.csv")
        frame.write_parquet(tmp_path / "a.parquet")
        frame.write_excel(tmp_path / "a.xlsx")
        frame.with_columns(polars.col("on").cast(polars.String)).write_ndjson(tmp_path / "a.jsonl")
        given = build_map(
            {
                "profile.name": "name",
                "profile.cik": "id",
                "profile.employees": "staff",
                "behaviour.financials.sharePrice": "price",
                "profile.indexedOn": "on",
                "profile.isKeyClient": "key",
            }
        )
        expected = [
            ("66740", "3M", "66740", 61_500, 178.96, date(1957, 3, 4), True),
            ("91142", "A. O. Smith", "91142", None, 63.0, date(2017, 7, 26), False),
        ]
        for name in ("a.csv", "a.parquet", "a.xlsx", "a.jsonl"):
            with open_source(tmp_path / name, given.read) as source:
                rows = list(RowMapper(given, source, builtin_catalogue()).rows(source.records))
            found = [
                (row.number, *(row.values.get(path) for path in given.values))
                for row in rows
                if isinstance(row, MappedRow)
            ]
            assert found == expected, name
