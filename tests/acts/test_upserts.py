"""Many clients by their numbers: good rows land, bad rows say why, the same rows again change nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from acts.checks import UNGUARDED
from acts.clients import change_client
from acts.managers import create_manager
from acts.merge import MergeRequest, merge_clients
from acts.upsert_rows import BatchKey, ClientRow, UpsertReport
from acts.upserts import ROW_LIMIT, upsert_clients
from catalogue.attribute import ClientKind, ClientStage, Sensitivity
from catalogue.errors import ErrorCode, Problem, Refused
from policy.rules import Policy, Right, RoleRule, RowScope
from policy.viewer import Viewer
from repositories.plan import ID, Proof
from repositories.repositories import Repositories
from tests.books import NO_PROOF, VIEWER, attribute, everything, insert, make_client, stored
from tests.conftest import CommandLog

ORGANISATION, PERSON = ClientKind.ORGANISATION, ClientKind.PERSON


def row(number: str, kind: ClientKind | None = ORGANISATION, **values: object) -> ClientRow:
    named = {"name": number} | values if kind is ORGANISATION else values
    return ClientRow(number, kind, values={f"profile.{key}": value for key, value in named.items()})


async def upsert(book: Repositories, rows: list[ClientRow], **more: Any) -> UpsertReport:
    return await upsert_clients(more.pop("viewer", VIEWER), book, rows, more.pop("proof", NO_PROOF), **more)


def counts(report: UpsertReport) -> tuple[int, int, int, int]:
    """Created, changed, unchanged, refused."""
    return report.created, report.changed, report.unchanged, len({each.row for each in report.problems})


def unreading(book: Repositories) -> tuple[Viewer, Repositories]:
    """A steward who enters values of attitude.mood and does not read them."""
    hidden = book.catalogue.with_attributes([attribute("attitude.mood", sensitivity=Sensitivity.CONFIDENTIAL)])
    rule = RoleRule(
        role="data_steward",
        rows=RowScope.ALL,
        sensitivity=Sensitivity.PUBLIC,
        enter=("profile", "attitude"),
        rights=frozenset((Right.CHANGE_CLIENTS,)),
    )
    return Viewer("s", frozenset(("data_steward",))), book.on(hidden, Policy(rules=(rule,), purposes={}))


class TestUpsertClients:
    async def test_a_full_batch_dry_then_in_earnest_then_again(
        self, book: Repositories, command_log: CommandLog
    ) -> None:
        # mongomock-ng writes one row in about a millisecond and compares one in another
        size = 200 if book.store.driver == "memory" else ROW_LIMIT
        rows = [row(f"C{number:04}", employees=number) for number in range(size)]
        before = await everything(book)
        assert counts(await upsert(book, rows, dry_run=True)) == (size, 0, 0, 0)
        assert await everything(book) == before
        command_log.clear()
        assert counts(await upsert(book, rows)) == (size, 0, 0, 0)
        assert len(command_log.commands) <= 4
        before = await everything(book)
        assert len(before["clients"]) == size
        assert counts(await upsert(book, rows)) == (0, 0, size, 0)
        assert await everything(book) == before
        changed = [row(f"C{number:04}", employees=number + number % 2) for number in range(size)]
        assert counts(await upsert(book, changed, dry_run=True)) == (0, size // 2, size // 2, 0)
        assert await everything(book) == before
        assert counts(await upsert(book, changed)) == (0, size // 2, size // 2, 0)
        assert counts(await upsert(book, changed)) == (0, 0, size, 0)

    async def test_newer_values_stay_where_that_is_asked_for(self, book: Repositories) -> None:
        old = datetime(2026, 10, 1, tzinfo=UTC)
        await upsert(book, [row("C1", employees=7), row("C2")], proof=Proof(observed_at=old + timedelta(days=31)))
        given = [row("C1", employees=5, tags=["a"]), row("C2", employees=5)]
        keeping = Proof(observed_at=old, keeps_newer=True)
        assert counts(await upsert(book, given, proof=keeping, dry_run=True)) == (0, 2, 0, 0)
        assert counts(await upsert(book, given, proof=keeping)) == (0, 2, 0, 0)
        assert counts(await upsert(book, given, proof=keeping)) == (0, 0, 2, 0)
        found = await book.clients.find_by_numbers({"C1", "C2"})
        assert [found[each]["profile"]["employees"] for each in ("C1", "C2")] == [7, 5]
        assert found["C1"]["profile"]["tags"] == ["a"]
        assert counts(await upsert(book, given, proof=Proof(observed_at=old))) == (0, 1, 1, 0)

    async def test_good_rows_land_and_bad_ones_say_everything(self, book: Repositories) -> None:
        one = await make_client(book, "C0", profile={"name": "C0", "employees": 1})
        await book.managers.collection.insert_one({"_id": "mg_1", "person": "M9", "team": "north"})
        rows = [
            row("C0", PERSON, birthday="1970-01-01"),
            row("C1", employees=-1, industry="COAL"),
            ClientRow("C2", values={"profile.name": "C2"}),
            ClientRow("C3", ORGANISATION),
            ClientRow("C4", ORGANISATION, ClientStage.ACTIVE, "mg_1", {"profile.name": "C4", "profile.parent": one}),
            ClientRow("C5", ORGANISATION, manager_id="mg_missing", values={"profile.name": "C5"}),
            row("C6", parent="cl_missing"),
            row("C4"),
            row("", nothing=1),
            row("C9", birthday="1970-01-01"),
            row("C10", PERSON, birthday="1970-01-01"),
        ]
        dry = await upsert(book, rows, dry_run=True)
        report = await upsert(book, rows)
        assert counts(dry) == counts(report) == (2, 0, 0, 9)
        assert dry.problems == report.problems
        found = {(each.row, ".".join(each.path)) for each in report.problems}
        assert {
            (0, "kind"),
            (0, "profile.birthday"),
            (1, "profile.employees"),
            (1, "profile.industry"),
            (2, "kind"),
            (3, "profile.name"),
            (5, "managerId"),
            (7, "number"),
            (8, "number"),
            (8, "profile.nothing"),
            (9, "profile.birthday"),
        } <= found
        assert [each.row for each in report.problems] == sorted(each.row or 0 for each in report.problems)
        assert {each["number"] for each in (await everything(book))["clients"]} == {"C0", "C4", "C10"}
        document = (await book.clients.find_by_numbers({"C4"}))["C4"]
        assert (document["managerId"], document["team"], document["stage"]) == ("mg_1", "north", "ACTIVE")
        assert (await stored(book, one))["version"] == 1

    async def test_null_clears_and_left_out_stays(self, book: Repositories) -> None:
        one = await make_client(book, "C0", profile={"name": "C0", "employees": 1, "tags": ["x"]})
        report = await upsert(book, [row("C0", employees=None)], proof=Proof("file", confidence=0.5))
        assert counts(report) == (0, 1, 0, 0)
        document = await stored(book, one)
        assert document["profile"] == {"name": "C0", "tags": ["x"]}
        entry = document["tail"][1]
        assert entry["values"] == [{"path": "profile.employees", "old": 1}]
        assert (entry["source"], entry["confidence"], entry["by"]) == ("file", 0.5, "M001")

    async def test_a_grant_moves_nobody_into_another_book(self, book: Repositories) -> None:
        """Neither into one's own, where the client would stay when the grant is over, nor away from its manager."""
        made = [
            await create_manager(VIEWER, book, each, {"name": each}, UNGUARDED) for each in ("M007", "M008", "M009")
        ]
        managers = [str(each.document[ID]) for each in made]
        numbers = ("OWN", "GRANTED")
        ids = [
            await insert(book, number, {"profile.name": number, "managerId": manager})
            for number, manager in zip(numbers, managers, strict=False)
        ]
        rm = Viewer("M007", frozenset({"relationship_manager"}), manager_id=managers[0], granted=frozenset(ids[1:]))
        before = await everything(book)
        for manager in (managers[0], managers[2]):
            report = await upsert(book, [ClientRow("GRANTED", manager_id=manager)], viewer=rm)
            assert [(str(each.code), each.path) for each in report.problems] == [("NOT_ALLOWED", ("managerId",))]
        away = await upsert(book, [ClientRow("OWN", manager_id=managers[2])], viewer=rm)
        assert [str(each.code) for each in away.problems] == ["NOT_ALLOWED"]
        assert await everything(book) == before
        stays = [
            ClientRow("GRANTED", manager_id=managers[1], stage=ClientStage.LOST),
            ClientRow("OWN", manager_id=rm.manager_id),
        ]
        assert counts(await upsert(book, stays, viewer=rm)) == (0, 1, 1, 0)

    async def test_too_many_rows_or_a_wrong_proof_write_nothing(self, book: Repositories) -> None:
        before = await everything(book)
        with pytest.raises(Refused) as refused:
            await upsert(book, [row(f"C{number}") for number in range(ROW_LIMIT + 1)], proof=Proof(confidence=2))
        assert len(refused.value.problems()) == 2
        assert await everything(book) == before

    async def test_text_is_kept_as_the_text_it_is(self, book: Repositories) -> None:
        for words in ("$attitude.satisfaction", "$$ROOT"):
            await upsert(book, [row("C0", name=words, tags=[words])])
            found = (await book.clients.find_by_numbers({"C0"}))["C0"]
            assert found["profile"] == {"name": words, "tags": [words]}

    async def test_no_rows(self, book: Repositories) -> None:
        assert counts(await upsert(book, [])) == (0, 0, 0, 0)


class TestBatchKeys:
    async def test_what_a_batch_has_done_is_left_and_counted_as_it_was(self, book: Repositories) -> None:
        await make_client(book, "C1")
        rows = [row("C1", employees=1), row("C2", employees=2), row("C3", employees=3)]
        first = await upsert(book, rows[:2], batch_key=BatchKey("b"))
        assert counts(first) == (1, 1, 0, 0)
        await upsert(book, [row("C2", employees=20)])
        before = {each: await book.clients.collection.find_one({"number": each}) for each in ("C1", "C2")}
        again = await upsert(book, rows, batch_key=BatchKey("b", may_be_done=True))
        assert counts(again) == (2, 1, 0, 0)
        assert {each: await book.clients.collection.find_one({"number": each}) for each in before} == before

    async def test_a_value_that_is_not_read_is_not_entered_twice(self, book: Repositories) -> None:
        steward, book = unreading(book)
        client = await insert(book, "C1", {"attitude.mood": "calm"})
        rows = [ClientRow("C1", values={"attitude.mood": "calm"})]
        assert counts(await upsert(book, rows, viewer=steward, batch_key=BatchKey("b"))) == (0, 1, 0, 0)
        repeated = await upsert(book, rows, viewer=steward, batch_key=BatchKey("b", may_be_done=True))
        assert (counts(repeated), (await stored(book, client))["version"]) == ((0, 1, 0, 0), 2)

    async def test_whether_a_value_that_is_not_read_is_newer_is_not_told(self, book: Repositories) -> None:
        steward, book = unreading(book)
        one, two = [await insert(book, each, {"attitude.mood": "calm"}) for each in ("C1", "C2")]
        old = Proof(observed_at=datetime(2000, 1, 1, tzinfo=UTC), keeps_newer=True)
        given = {"attitude": {"mood": "tense"}}
        changed = await change_client(steward, book, one, given, old, UNGUARDED)
        assert changed.document["version"] == 2
        rows = [ClientRow("C2", values={"attitude.mood": "tense"})]
        assert counts(await upsert(book, rows, viewer=steward, proof=old)) == (0, 1, 0, 0)
        assert [(await stored(book, each))["attitude"] for each in (one, two)] == [{"mood": "tense"}] * 2


class TestRaces:
    async def test_the_same_rows_from_several_at_once_make_each_client_once(self, book: Repositories) -> None:
        rows = [row(f"C{number}", employees=number) for number in range(40)]
        reports: list[UpsertReport] = []

        async def send(person: str) -> None:
            reports.append(await upsert(book, rows, viewer=Viewer(person, VIEWER.roles)))

        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(send, f"P{number}")
        assert sum(each.created for each in reports) == 40
        assert sum(each.changed for each in reports) == 0
        assert sum(each.unchanged for each in reports) == 120
        assert [each.problems for each in reports] == [()] * 4
        assert {each["version"] for each in (await everything(book))["clients"]} == {1}

    async def test_a_row_that_another_writer_was_faster_on_is_done_on_top(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = await make_client(book, "C0", profile={"name": "C0", "employees": 0})
        read = book.clients.find_by_numbers
        others = iter([7])

        async def outrun(numbers: Any, *more: Any) -> Any:
            found = await read(numbers, *more)
            for value in others:
                await change_client(VIEWER, book, one, {"profile": {"tags": [str(value)]}}, NO_PROOF, UNGUARDED)
            return found

        monkeypatch.setattr(type(book.clients), "find_by_numbers", lambda _self, numbers, *more: outrun(numbers, *more))
        assert counts(await upsert(book, [row("C0", employees=5)])) == (0, 1, 0, 0)
        document = await stored(book, one)
        assert document["profile"] == {"name": "C0", "employees": 5, "tags": ["7"]}
        assert [each["version"] for each in document["tail"]] == [1, 2, 3]

    async def test_a_row_that_is_outrun_again_and_again_says_so(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = await make_client(book, "C0")
        read = book.clients.find_by_numbers
        numbers_of_others = iter(range(100))

        async def outrun(numbers: Any, *more: Any) -> Any:
            found = await read(numbers, *more)
            values = {"tags": [str(next(numbers_of_others))]}
            await change_client(VIEWER, book, one, {"profile": values}, NO_PROOF, UNGUARDED)
            return found

        monkeypatch.setattr(type(book.clients), "find_by_numbers", lambda _self, numbers, *more: outrun(numbers, *more))
        report = await upsert(book, [row("C0", employees=5)])
        assert counts(report) == (0, 0, 0, 1)
        assert report.problems[0].code == "STALE_VERSION"
        assert "employees" not in (await stored(book, one))["profile"]


class TestRefusedRows:
    async def test_one_says_everything_at_once(self, book: Repositories) -> None:
        await upsert(book, [row("C1", PERSON)])
        rows = [
            ClientRow("C1", ORGANISATION, values={"profile.employees": -1}),
            ClientRow("C2", ORGANISATION, values={"profile.employees": -1}),
            ClientRow("C3", values={"profile.employees": -1}),
            ClientRow("C4", ORGANISATION, values={"profile.name": 5}),
            ClientRow("C5", ORGANISATION, problems=(Problem(ErrorCode.INVALID_VALUE, "", ("profile", "name")),)),
        ]
        before = await everything(book)
        for dry_run in (True, False):
            found = (await upsert(book, rows, dry_run=dry_run)).problems
            paths = [[".".join(each.path) for each in found if each.row == place] for place in range(5)]
            assert paths == [
                ["profile.employees", "kind"],
                ["profile.employees", "profile.name"],
                ["profile.employees", "kind"],
                ["profile.name"],
                ["profile.name"],
            ]
        assert await everything(book) == before


class TestNumbersOfOneClient:
    """Two numbers that are one client since a merge."""

    @pytest.fixture
    async def merged(self, book: Repositories) -> Repositories:
        await upsert(book, [row("K"), row("G"), row("H")])
        for other in "GH":
            ids = {number: str(each[ID]) for number, each in (await book.clients.find_by_numbers({"K", other})).items()}
            versions = [int((await stored(book, ids[number]))["version"]) for number in ("K", other)]
            request = MergeRequest(ids["K"], ids[other], versions[0], versions[1], {})
            await merge_clients(VIEWER, book, request, key=f"merge-{other}")
        return book

    async def test_both_rows_take_effect_in_order(self, merged: Repositories) -> None:
        before = (await merged.clients.find_by_numbers({"K"}))["K"]
        rows = [
            ClientRow("G", values={"profile.employees": 1, "profile.location.city": "Bern"}),
            ClientRow("K", values={"profile.employees": 2}),
            ClientRow("H", values={"profile.employees": 3}),
        ]
        assert counts(await upsert(merged, rows, dry_run=True)) == (0, 3, 0, 0)
        assert counts(await upsert(merged, rows)) == (0, 3, 0, 0)
        after = (await merged.clients.find_by_numbers({"G"}))["G"]
        assert (after["number"], after["profile"]["employees"], after["profile"]["location"]["city"]) == (
            "K",
            3,
            "Bern",
        )
        assert after["version"] == before["version"] + 3

    async def test_a_later_row_that_says_the_same_changes_nothing(self, merged: Repositories) -> None:
        rows = [ClientRow(number, values={"profile.employees": 5}) for number in "KGH"]
        assert counts(await upsert(merged, rows, dry_run=True)) == (0, 1, 2, 0)
        assert counts(await upsert(merged, rows)) == (0, 1, 2, 0)

    async def test_one_that_was_stopped_between_them_goes_on_with_the_later_one(self, merged: Repositories) -> None:
        rows = [ClientRow(number, values={"profile.employees": at}) for at, number in enumerate("KG", start=1)]
        await upsert(merged, rows[:1], batch_key=BatchKey("b"))
        assert counts(await upsert(merged, rows, batch_key=BatchKey("b", may_be_done=True))) == (0, 2, 0, 0)
        assert (await merged.clients.find_by_numbers({"K"}))["K"]["profile"]["employees"] == 2

    async def test_one_that_was_done_before_is_left_as_it_is(self, merged: Repositories) -> None:
        rows = [ClientRow(number, values={"profile.employees": at}) for at, number in enumerate("KG", start=1)]
        await upsert(merged, rows, batch_key=BatchKey("b"))
        await upsert(merged, [ClientRow("H", values={"profile.employees": 9})])
        assert counts(await upsert(merged, rows, batch_key=BatchKey("b", may_be_done=True))) == (0, 2, 0, 0)
        assert (await merged.clients.find_by_numbers({"K"}))["K"]["profile"]["employees"] == 9
