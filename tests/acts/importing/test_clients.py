"""Whole imports into a database, on every store."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from acts.checks import Guard
from acts.importing.clients import ImportOrder, import_clients
from acts.importing.errors import ImportRefused
from acts.importing.rows import RefusedRow
from acts.importing.run import Tally
from acts.managers import create_manager
from catalogue.builtin import builtin_catalogue
from policy.viewer import program
from repositories.mongo import Store
from repositories.repositories import Repositories, open_repositories
from tests.acts.importing.conftest import BuildMap, WriteFile
from tests.books import master_key

pytestmark = pytest.mark.anyio

VIEWER = program("tester")
DEFINE = [{"facet": "profile", "key": "esgScore", "kind": "LONG", "label": "ESG score", "maximum": 100}]
VALUES: dict[str, Any] = {"profile.name": "name", "profile.esgScore": "score"}
FILE = "id,name,score\n1,Alpha,70\n2,Beta,\n3,Gamma,101\n4,Delta,many\n"


@dataclass
class Listening:
    """Notes the refused rows."""

    refused: list[RefusedRow] = field(default_factory=list)

    def refuse(self, row: RefusedRow) -> None:
        self.refused.append(row)

    def progress(self, tally: Tally, position: int) -> None:
        """Only refused rows count here."""

    def is_stopped(self) -> bool:
        return False


@pytest.fixture
async def repositories(store: Store) -> Repositories:
    opened = await open_repositories(store, builtin_catalogue(), kms=master_key)
    await opened.clients.prepare()
    return opened


async def _import(repositories: Repositories, order: ImportOrder) -> tuple[Tally, list[RefusedRow]]:
    listening = Listening()
    await repositories.feed.refresh()
    current = repositories.on(repositories.feed.catalogue)
    tally = await import_clients(VIEWER, current, order, lambda ready, tally: listening)
    return tally, listening.refused


async def _names(repositories: Repositories) -> dict[str, Any]:
    found = await repositories.store.collection("clients").find({})
    return {each["number"]: each["profile"] for each in found}


class TestImportClients:
    async def test_good_rows_land_and_a_second_run_changes_nothing(
        self, repositories: Repositories, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        order = ImportOrder(write_file("a.csv", FILE), build_map(VALUES, define=DEFINE))
        first, refused = await _import(repositories, order)
        assert (first.rows, first.created, first.refused) == (4, 2, 2)
        assert [(each.record.line, each.refusals[0].column) for each in refused] == [(4, "score"), (5, "score")]
        stored = {"1": {"name": "Alpha", "esgScore": 70}, "2": {"name": "Beta"}}
        assert await _names(repositories) == stored
        before = await repositories.store.collection("clients").find({})
        second, _ = await _import(repositories, order)
        assert (second.created, second.changed, second.unchanged, second.refused) == (0, 0, 2, 2)
        assert await repositories.store.collection("clients").find({}) == before

    async def test_a_dry_run_writes_nothing_and_counts_the_same(
        self, repositories: Repositories, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        order = ImportOrder(write_file("a.csv", FILE), build_map(VALUES, define=DEFINE), is_dry_run=True)
        tally, refused = await _import(repositories, order)
        assert (tally.rows, tally.created, tally.refused, len(refused)) == (4, 2, 2, 2)
        assert await repositories.store.collection("clients").count({}) == 0
        assert await repositories.store.collection("attributes").count({}) == 0
        await repositories.feed.refresh()
        assert repositories.feed.catalogue.find("profile.esgScore") is None

    async def test_refused_rows_are_mended_and_imported_with_the_same_map(
        self, repositories: Repositories, write_file: WriteFile, build_map: BuildMap, tmp_path: Path
    ) -> None:
        client = {"number": "R-{row:02}", "kind": "ORGANISATION"}
        given = build_map(VALUES, define=DEFINE, client=client)
        refused = tmp_path / "refused.csv"
        await _import(repositories, ImportOrder(write_file("a.csv", FILE), given, refused))
        refused.write_text(refused.read_text("utf-8").replace(",101", ",99").replace(",many", ",5"), "utf-8")
        tally, _ = await _import(repositories, ImportOrder(refused, given))
        assert (tally.created, tally.refused) == (2, 0)
        assert (await _names(repositories))["R-03"] == {"name": "Gamma", "esgScore": 99}

    async def test_a_changed_file_changes_only_what_it_changes(
        self, repositories: Repositories, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        given = build_map(VALUES, define=DEFINE)
        await _import(repositories, ImportOrder(write_file("a.csv", "id,name,score\n1,Alpha,70\n2,Beta,1\n"), given))
        order = ImportOrder(write_file("a.csv", "id,name,score\n1,Alpha,71\n2,Beta,\n"), given)
        tally, _ = await _import(repositories, order)
        assert (tally.created, tally.changed, tally.unchanged) == (0, 1, 1)
        assert (await _names(repositories))["2"] == {"name": "Beta", "esgScore": 1}

    async def test_an_old_file_leaves_newer_values_where_the_map_says_so(
        self, repositories: Repositories, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        given = build_map(VALUES, define=DEFINE)
        await _import(repositories, ImportOrder(write_file("a.csv", "id,name,score\n1,Alpha,70\n2,Beta,\n"), given))
        proof = {"source": "old", "observedAt": "2020-01-01T00:00:00Z", "keepsNewer": True}
        path = write_file("b.csv", "id,name,score\n1,Alpha,71\n2,Beta,5\n")
        tally, _ = await _import(repositories, ImportOrder(path, build_map(VALUES, define=DEFINE, proof=proof)))
        assert (tally.changed, tally.unchanged, tally.refused) == (1, 1, 0)
        found = await _names(repositories)
        assert [found[each]["esgScore"] for each in ("1", "2")] == [70, 5]

    @pytest.mark.parametrize(("by", "text"), [("name", "Li Na"), ("person", "li"), ("email", "li@bank.example")])
    async def test_the_manager_is_found_by(
        self, repositories: Repositories, write_file: WriteFile, build_map: BuildMap, by: str, text: str
    ) -> None:
        values = {"name": "Li Na", "email": "li@bank.example", "team": "north"}
        made = await create_manager(VIEWER, repositories, "li", values, Guard())
        client = {"number": "id", "kind": "PERSON", "manager": {"column": "rm", "by": by}}
        rows = f"id,name,rm\n1,A,{text}\n2,B,Nobody\n"
        order = ImportOrder(write_file("a.csv", rows), build_map({"profile.name": "name"}, client=client))
        tally, refused = await _import(repositories, order)
        assert (tally.created, tally.refused) == (1, 1)
        assert f'no manager has the {by} "Nobody"' in refused[0].refusals[0].reason
        (stored,) = await repositories.store.collection("clients").find({})
        assert (stored["managerId"], stored["team"]) == (made.document["_id"], "north")

    async def test_a_map_that_does_not_fit_writes_nothing(
        self, repositories: Repositories, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        given = build_map(VALUES | {"profile.cik": "day"}, define=DEFINE)
        order = ImportOrder(write_file("a.csv", "id,name,score,day,day\n1,A,1,2,3\n"), given)
        with pytest.raises(ImportRefused, match="at positions 4 and 5"):
            await _import(repositories, order)
        assert await repositories.store.collection("attributes").count({}) == 0
        assert await repositories.store.collection("clients").count({}) == 0

    async def test_refused_rows_are_never_written_over_the_file_itself(
        self, repositories: Repositories, write_file: WriteFile, build_map: BuildMap
    ) -> None:
        path = write_file("a.csv", FILE)
        with pytest.raises(ImportRefused, match="which is being read"):
            await _import(repositories, ImportOrder(path, build_map(VALUES, define=DEFINE), path))
        assert path.read_text("utf-8") == FILE
