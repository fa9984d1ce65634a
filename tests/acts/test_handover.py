"""Clients get another manager: one by one or a whole book, by those who may, and nobody in between."""

from typing import Any

import pytest

from acts.checks import UNGUARDED, Guard
from acts.clients import change_client
from acts.handover import HandOver, HandOverReport, hand_over
from acts.managers import change_manager
from catalogue.errors import Refused
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.errors import KeyReused
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import NO_PROOF, OTHER, VIEWER, change, everything, insert, stored

LEAD = Viewer("L001", frozenset(("team_lead",)), "north", "mg_lead")
OLD = Viewer("M100", frozenset(("relationship_manager",)), "north", "mg_old")
KEY = Guard(idempotency_key="k")


@pytest.fixture
async def books(book: Repositories) -> Repositories:
    """Managers of two teams, and one who has left."""
    for name, team, is_active in (
        ("old", "north", True),
        ("new", "north", True),
        ("far", "south", True),
        ("gone", "north", False),
    ):
        values: dict[str, object] = {"name": name, "team": team}
        await book.managers.insert({ID: f"mg_{name}", "person": name, "isActive": is_active}, change(values))
    return book


async def client(book: Repositories, number: str, manager: str = "old", team: str = "north") -> str:
    return await insert(book, number, {"managerId": f"mg_{manager}", "team": team})


async def give(
    book: Repositories, *ids: str, to: str = "new", viewer: Viewer = VIEWER, guard: Guard = UNGUARDED, **more: Any
) -> HandOverReport:
    return await hand_over(viewer, book, HandOver(f"mg_{to}", "maternity leave", ids, **more), guard)


def counts(report: HandOverReport) -> tuple[int, int, int, list[tuple[int | None, str]]]:
    problems = [(each.row, str(each.code)) for each in report.problems]
    return report.handed_over, report.unchanged, report.remaining, problems


class TestHandOver:
    async def test_manager_team_and_region_change_and_the_history_says_why(self, books: Repositories) -> None:
        one = await client(books, "C1")
        touched = Touched()
        report = await hand_over(VIEWER, books, HandOver("mg_far", "moved away", (one,)), UNGUARDED, touched)
        assert counts(report) == (1, 0, 0, [])
        found = await stored(books, one)
        assert (found["managerId"], found["team"], found["version"]) == ("mg_far", "south", 2)
        entry = found["tail"][-1]
        assert (entry["source"], entry["by"]) == ("moved away", VIEWER.person)
        assert {"path": "managerId", "old": "mg_old", "new": "mg_far"} in entry["values"]
        assert touched.changes == {f"{one}:2"}

    async def test_a_whole_book_and_a_second_time_nothing(self, books: Repositories) -> None:
        ids = [await client(books, f"C{at}") for at in range(5)]
        other = await client(books, "D1", "far", "south")
        assert counts(await give(books, from_manager_id="mg_old")) == (5, 0, 0, [])
        before = await everything(books)
        assert counts(await give(books, from_manager_id="mg_old")) == (0, 0, 0, [])
        assert counts(await give(books, *ids)) == (0, 5, 0, [])
        assert await everything(books) == before
        assert (await stored(books, other))["managerId"] == "mg_far"

    async def test_the_key_of_a_request_counts_once(self, books: Repositories) -> None:
        await client(books, "C1")
        assert counts(await give(books, from_manager_id="mg_old", guard=KEY)) == (1, 0, 0, [])
        two = await client(books, "C2")
        assert counts(await give(books, from_manager_id="mg_old", guard=KEY)) == (2, 0, 0, [])
        before = await everything(books)
        with pytest.raises(KeyReused):
            await give(books, two, guard=KEY)
        assert await everything(books) == before

    async def test_each_client_says_what_is_wrong_with_it(self, books: Repositories) -> None:
        one, far = await client(books, "C1"), await client(books, "D1", "far", "south")
        walled = await client(books, "W1")
        lead = Viewer(
            "L001", frozenset(("team_lead",)), "north", granted=frozenset((far,)), walled=frozenset((walled,))
        )
        report = await give(books, far, "cl_missing", one, walled, viewer=lead)
        assert counts(report) == (1, 0, 0, [(0, "NOT_ALLOWED"), (1, "NOT_FOUND"), (3, "NOT_FOUND")])
        assert (await stored(books, far))["version"] == 1

    async def test_a_version_that_is_over(self, books: Repositories) -> None:
        one = await client(books, "C1")
        assert counts(await give(books, one, guard=Guard(2)))[3] == [(0, "STALE_VERSION")]
        assert counts(await give(books, one, guard=Guard(1)))[0] == 1

    async def test_refusals_of_the_request(self, books: Repositories) -> None:
        one = await client(books, "C1")
        before = await everything(books)
        for given, guard, place in (
            (HandOver("mg_new", "why"), UNGUARDED, "ids"),
            (HandOver("mg_new", "why", (one,), "mg_old"), UNGUARDED, "ids"),
            (HandOver("mg_new", "why", (one, one)), UNGUARDED, "ids"),
            (HandOver("mg_new", "why", tuple(map(str, range(1001)))), UNGUARDED, "ids"),
            (HandOver("mg_new", " ", (one,)), UNGUARDED, "reason"),
            (HandOver("mg_nobody", "why", (one,)), UNGUARDED, "toManagerId"),
            (HandOver("mg_gone", "why", (one,)), UNGUARDED, "toManagerId"),
            (HandOver("mg_old", "why", (), "mg_old"), UNGUARDED, "toManagerId"),
            (HandOver("mg_new", "why", (), "mg_old"), Guard(1), "expectedVersion"),
        ):
            with pytest.raises(Refused) as refused:
                await hand_over(VIEWER, books, given, guard)
            assert [each.path[0] for each in refused.value.problems()] == [place]
        assert await everything(books) == before


class TestRights:
    async def test_a_lead_within_the_team_alone(self, books: Repositories) -> None:
        one = await client(books, "C1")
        assert counts(await give(books, one, viewer=LEAD))[0] == 1
        with pytest.raises(NotAllowed, match="mg_far are not among those"):
            await give(books, one, to="far", viewer=LEAD)
        await client(books, "D1", "far", "south")
        assert counts(await give(books, from_manager_id="mg_far", viewer=LEAD)) == (0, 0, 0, [])

    @pytest.mark.parametrize("role", ["relationship_manager", "data_steward", "risk_officer", "auditor"])
    async def test_nobody_else(self, books: Repositories, role: str) -> None:
        one = await client(books, "C1")
        with pytest.raises(NotAllowed, match="HAND_OVER_CLIENTS"):
            await give(books, one, viewer=Viewer("M100", frozenset((role,)), "north", "mg_old"))
        assert (await stored(books, one))["version"] == 1

    async def test_the_earlier_manager_loses_the_client_at_once(self, books: Repositories) -> None:
        one = await client(books, "C1")
        await change_client(OLD, books, one, {"stage": "ACTIVE"}, NO_PROOF, UNGUARDED)
        await give(books, one)
        with pytest.raises(Exception, match="no client"):
            await change_client(OLD, books, one, {"stage": "LOST"}, NO_PROOF, UNGUARDED)
        assert (await stored(books, one))["stage"] == "ACTIVE"


class TestMeanwhile:
    async def test_who_is_changed_meanwhile_is_handed_over_all_the_same(
        self, books: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, two = await client(books, "C1"), await client(books, "C2")
        write = books.clients.write_many

        async def slow(changes: Any, touched: Any = None) -> frozenset[int]:
            monkeypatch.setattr(books.clients, "write_many", write)
            await give(books, one, to="far", viewer=OTHER)
            await books.clients.collection.update_one({ID: two}, {"$set": {"team": "east"}})
            return await write(changes, touched)

        monkeypatch.setattr(books.clients, "write_many", slow)
        assert counts(await give(books, one, two)) == (2, 0, 0, [])
        found = [await stored(books, each) for each in (one, two)]
        assert [(each["managerId"], each["team"]) for each in found] == [("mg_new", "north")] * 2
        assert found[0]["tail"][-1]["values"][0] == {"path": "managerId", "old": "mg_far", "new": "mg_new"}

    async def test_clients_follow_a_manager_who_moves_meanwhile(
        self, books: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = await client(books, "C1")
        write = books.clients.write_many

        async def moving(changes: Any, touched: Any = None) -> frozenset[int]:
            await change_manager(OTHER, books, "mg_new", {"team": "west"}, UNGUARDED)
            return await write(changes, touched)

        monkeypatch.setattr(books.clients, "write_many", moving)
        await give(books, one)
        assert (await stored(books, one))["team"] == "west"
