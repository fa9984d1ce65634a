"""The book computed anew: side by side, switched, stopped and gone on with, superseded, verified."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from acts import recomputing
from acts.attributes import change_attribute, define_attribute
from acts.checks import UNGUARDED
from acts.clients import change_client
from acts.merge import MergeRequest, merge_clients
from acts.recomputing import PROGRAM, RECOMPUTE, Report, recompute_all, recompute_formula
from catalogue.attribute import FormulaState
from catalogue.errors import Refused
from catalogue.kinds import Kind
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import NO_PROOF, VIEWER, attribute, insert, nearly_full, stored

pytestmark = pytest.mark.real_drivers
PER_VISIT = {"$divide": ["$profile.employees", "$behaviour.visits"]}
DOUBLE = {"$multiply": ["$derived.perVisit", 2]}


class Stopped(Exception):
    """The worker was killed."""


async def defined(
    book: Repositories, path: str, formula: object, kind: Kind = Kind.NUMBER, **more: Any
) -> Repositories:
    await define_attribute(VIEWER, book, attribute(path, kind, formula=json.dumps(formula), **more))
    return book.on(book.feed.catalogue)


async def changed(book: Repositories, path: str, formula: object) -> Repositories:
    text = None if formula is None else json.dumps(formula)
    await change_attribute(VIEWER, book, path, {"formula": text})
    return book.on(book.feed.catalogue)


async def filled(book: Repositories, count: int = 7) -> list[str]:
    return [await insert(book, f"C{at}", {"profile.employees": at * 10, "behaviour.visits": at}) for at in range(count)]


async def recompute(
    book: Repositories,
    path: str,
    checkpoint: Mapping[str, Any] | None = None,
    stop_after: int | None = None,
    reports: list[tuple[int, int, Mapping[str, Any]]] | None = None,
) -> dict[str, Any]:
    told: list[tuple[int, int, Mapping[str, Any]]] = [] if reports is None else reports

    async def report(done: int, total: int, *, checkpoint: Mapping[str, Any]) -> None:
        told.append((done, total, checkpoint))
        if len(told) == stop_after:
            raise Stopped

    found = book.feed.catalogue.find(path)
    assert found is not None
    return await recompute_formula(book, path, found.formula_revision, report, checkpoint or {}, settle_seconds=0)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recomputing, "BATCH", 2)


class TestChangedFormula:
    async def test_old_and_new_stand_side_by_side_until_all_are_there(
        self, book: Repositories, small_batches: None
    ) -> None:
        book = await defined(await defined(book, "derived.perVisit", PER_VISIT), "derived.double", DOUBLE)
        ids = await filled(book)
        book = await changed(book, "derived.perVisit", {"$multiply": [PER_VISIT, 10]})
        found = book.catalogue.find("derived.perVisit")
        assert found is not None
        assert (found.formula_state, found.formula_before_revision) == (FormulaState.FILLING, 1)
        await change_client(VIEWER, book, ids[3], {"behaviour": {"visits": 6}}, NO_PROOF, UNGUARDED)
        meanwhile = await stored(book, ids[3])
        assert meanwhile["derived"] == {"perVisit": 5.0, "double": 10.0}
        assert meanwhile["next"] == {"derived/perVisit": {"v": 50.0, "r": 2}}
        reports: list[tuple[int, int, Mapping[str, Any]]] = []
        with pytest.raises(Stopped):
            await recompute(book, "derived.perVisit", stop_after=2, reports=reports)
        half = [await stored(book, each) for each in ids]
        assert [each["derived"].get("perVisit") for each in half] == [None, 10.0, 10.0, 5.0, 10.0, 10.0, 10.0]
        assert [("next" in each) for each in half] == [True] * 4 + [False] * 3
        done = await recompute(book, "derived.perVisit", reports[-1][2])
        assert done == {"isSuperseded": False, "changed": 7}
        after = [await stored(book, each) for each in ids]
        assert [each["derived"].get("perVisit") for each in after] == [None, 100.0, 100.0, 50.0, 100.0, 100.0, 100.0]
        assert [each["derived"].get("double") for each in after] == [None, 200.0, 200.0, 100.0, 200.0, 200.0, 200.0]
        assert not any("next" in each or "was_" in each for each in after)
        entry = after[1]["tail"][-1]
        assert entry["by"] == PROGRAM.person
        assert entry["source"] == "formula of derived.perVisit, revision 2; formula of derived.double, revision 1"
        assert entry["values"] == [
            {"path": "derived.perVisit", "old": 10.0, "new": 100.0},
            {"path": "derived.double", "old": 20.0, "new": 200.0},
        ]
        assert (after[1]["version"], after[1]["sequence"], after[1]["proof"]["derived/double"]["v"]) == (1, 2, 2)
        assert (after[0]["version"], len(after[0]["tail"])) == (1, 1)
        settled = book.feed.catalogue.find("derived.perVisit")
        assert settled is not None
        assert (settled.formula_state, settled.formula_before, settled.revision) == (None, None, 2)

    async def test_done_twice_it_changes_nothing(self, book: Repositories) -> None:
        book = await defined(book, "derived.perVisit", PER_VISIT)
        ids = await filled(book, 3)
        book = await changed(book, "derived.perVisit", {"$multiply": [PER_VISIT, 10]})
        await recompute(book, "derived.perVisit")
        before = [await stored(book, each) for each in ids]
        assert (await recompute(book, "derived.perVisit"))["isSuperseded"] is True
        await recompute_all(book, _unheard, {}, "once")
        assert [await stored(book, each) for each in ids] == before

    async def test_a_client_that_another_server_made_meanwhile_is_not_forgotten(self, book: Repositories) -> None:
        book = await defined(book, "derived.perVisit", PER_VISIT)
        ids = await filled(book, 3)
        book = await changed(book, "derived.perVisit", {"$multiply": [PER_VISIT, 10]})
        late = await stored(book, ids[1])

        async def report(done: int, total: int, *, checkpoint: Mapping[str, Any]) -> None:
            raise AssertionError("one batch is enough")

        original = book.attributes.write

        async def write(*given: Any) -> None:
            # What a server wrote that knew the old formula alone: the value beside it is that of other inputs.
            await book.clients.collection.update_one({ID: late[ID]}, {"$set": {"behaviour.visits": 5}})
            await original(*given)

        book.attributes.write = write  # type: ignore[assignment, method-assign]
        await recompute_formula(book, "derived.perVisit", 2, report, {}, settle_seconds=0)
        assert (await stored(book, ids[1]))["derived"]["perVisit"] == 20.0

    async def test_changed_again_the_first_job_gives_way(self, book: Repositories) -> None:
        book = await defined(book, "derived.perVisit", PER_VISIT)
        ids = await filled(book, 3)
        book = await changed(book, "derived.perVisit", {"$multiply": [PER_VISIT, 10]})
        book = await changed(book, "derived.perVisit", {"$multiply": [PER_VISIT, 100]})
        found = book.catalogue.find("derived.perVisit")
        assert found is not None
        assert (found.formula_before_revision, found.formula_revision) == (1, 3)
        done = await recompute_formula(book, "derived.perVisit", 2, _unheard, {}, settle_seconds=0)
        assert done == {"isSuperseded": True, "dropped": 0}
        await recompute(book, "derived.perVisit")
        assert (await stored(book, ids[1]))["derived"]["perVisit"] == 1000.0

    async def test_taken_away_it_leaves_the_last_values(self, book: Repositories) -> None:
        book = await defined(book, "derived.perVisit", PER_VISIT)
        ids = await filled(book, 3)
        book = await changed(book, "derived.perVisit", {"$multiply": [PER_VISIT, 10]})
        await change_client(VIEWER, book, ids[1], {"behaviour": {"visits": 2}}, NO_PROOF, UNGUARDED)
        book = await changed(book, "derived.perVisit", None)
        done = await recompute_formula(book, "derived.perVisit", 2, _unheard, {}, settle_seconds=0)
        assert done == {"isSuperseded": True, "dropped": 1}
        found = await stored(book, ids[1])
        assert (found["derived"], "next" in found) == ({"perVisit": 5.0}, False)
        await change_client(VIEWER, book, ids[1], {"derived": {"perVisit": 7}}, NO_PROOF, UNGUARDED)
        assert (await stored(book, ids[1]))["derived"] == {"perVisit": 7.0}

    async def test_the_job_is_asked_for_once(self, book: Repositories) -> None:
        await filled(book, 1)
        book = await defined(book, "derived.perVisit", PER_VISIT)
        await change_attribute(VIEWER, book, "derived.perVisit", {"label": "Other"})
        jobs = await book.jobs.collection.find({})
        assert [(each["kind"], json.loads(each["input"])) for each in jobs] == [
            (RECOMPUTE, {"path": "derived.perVisit", "revision": 1})
        ]


class TestFirstFormula:
    async def test_without_values_nothing_stands_side_by_side(self, book: Repositories) -> None:
        ids = await filled(book, 3)
        book = await defined(book, "derived.perVisit", PER_VISIT)
        found = book.catalogue.find("derived.perVisit")
        assert found is not None
        assert found.formula_state is FormulaState.SWITCHING
        await recompute(book, "derived.perVisit")
        assert [(await stored(book, each))["derived"] for each in ids] == [{}, {"perVisit": 10.0}, {"perVisit": 10.0}]

    async def test_values_that_were_entered_are_read_until_the_switch(self, book: Repositories) -> None:
        one = await insert(book, "C1", {"profile.employees": 8, "behaviour.visits": 2, "attitude.satisfaction": 1.0})
        await define_attribute(VIEWER, book, attribute("derived.perVisit", Kind.NUMBER))
        book = book.on(book.feed.catalogue)
        await change_client(VIEWER, book, one, {"derived": {"perVisit": 1}}, NO_PROOF, UNGUARDED)
        book = await changed(book, "derived.perVisit", PER_VISIT)
        await change_client(VIEWER, book, one, {"behaviour": {"visits": 4}}, NO_PROOF, UNGUARDED)
        assert (await stored(book, one))["derived"] == {"perVisit": 1.0}
        await recompute(book, "derived.perVisit")
        assert (await stored(book, one))["derived"] == {"perVisit": 2.0}

    async def test_an_empty_book_needs_no_job(self, book: Repositories) -> None:
        book = await defined(book, "derived.perVisit", PER_VISIT)
        found = book.catalogue.find("derived.perVisit")
        assert found is not None
        assert found.formula_state is None
        assert await book.jobs.collection.count({}) == 0

    async def test_other_rules_are_another_computation(self, book: Repositories) -> None:
        book = await defined(book, "derived.perVisit", PER_VISIT)
        ids = await filled(book, 2)
        await change_attribute(VIEWER, book, "derived.perVisit", {"maximum": 5})
        await recompute(book, "derived.perVisit")
        assert (await stored(book, ids[1]))["derived"] == {}


class TestRecomputeAll:
    async def test_what_time_has_changed_and_what_was_forgotten(self, book: Repositories) -> None:
        age = {"$dateDiff": {"startDate": "$profile.foundedOn", "endDate": "$$NOW", "unit": "day"}}
        book = await defined(book, "derived.days", age, Kind.LONG)
        book = await defined(await defined(book, "derived.perVisit", PER_VISIT), "derived.double", DOUBLE)
        ids = await filled(book, 3)
        old = await insert(book, "OLD", {"profile.foundedOn": date(2020, 1, 1)})
        assert (await stored(book, old))["derived"]["days"] > 2_000
        await book.clients.collection.update_one({ID: ids[1]}, {"$set": {"derived.double": 3.0}})
        await book.clients.collection.update_one({ID: old}, {"$set": {"derived.days": 1}})
        assert await recompute_all(book, _unheard, {}, "tonight") == {"changed": 2}
        assert (await stored(book, ids[1]))["derived"]["double"] == 20.0
        assert (await stored(book, old))["derived"]["days"] > 2_000

    async def test_a_formula_whose_job_got_lost_is_asked_for_again(self, book: Repositories) -> None:
        await filled(book, 1)
        book = await defined(book, "derived.perVisit", PER_VISIT)
        await book.jobs.collection.delete_many({})
        await recompute_all(book, _unheard, {}, "tonight")
        assert await book.jobs.collection.count({"kind": RECOMPUTE}) == 1


class TestTooLarge:
    """A client near the 16 MB of a document: the others are computed, and it is said who is not."""

    @pytest.mark.parametrize("how", ["first", "changed", "nightly"])
    async def test_the_book_goes_past_it(
        self, book: Repositories, small_batches: None, how: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        if how != "first":
            book = await defined(book, "derived.perVisit", PER_VISIT)
        ids = sorted(await filled(book))
        await book.clients.collection.update_many({}, {"$set": {"profile.employees": 40, "behaviour.visits": 2}})
        if how == "nightly":
            await book.clients.collection.update_many({}, {"$unset": {"derived.perVisit": ""}})
        await nearly_full(book, ids[3])
        before = await stored(book, ids[3])
        notes: list[str] = []
        if how == "nightly":
            done = await recompute_all(book, _told(notes), {}, "tonight")
        else:
            formula = {"$multiply": [PER_VISIT, 1]}
            book = await (changed if how == "changed" else defined)(book, "derived.perVisit", formula)
            revision = 2 if how == "changed" else 1
            done = await recompute_formula(book, "derived.perVisit", revision, _told(notes), {}, settle_seconds=0)
        assert (done["changed"], done["tooLarge"]) == (6, [ids[3]])
        assert await stored(book, ids[3]) == before
        others = [(await stored(book, each))["derived"] for each in ids if each != ids[3]]
        assert others == [{"perVisit": 20.0}] * 6
        assert notes[-1] == "1 clients stay as they are: they would be larger than the 16 MB of a document"
        assert ids[3] in caplog.text


def _told(notes: list[str]) -> Report:
    async def report(done: int, total: int | None = None, *, note: str | None = None, **_: object) -> None:
        notes.extend([] if note is None else [note])

    return report


class TestOtherWays:
    async def test_a_merge_computes_what_hangs_on_what_is_taken(self, book: Repositories) -> None:
        book = await defined(await defined(book, "derived.perVisit", PER_VISIT), "derived.double", DOUBLE)
        kept = await insert(book, "KEPT", {"profile.name": "Kept", "profile.employees": 12})
        merged = await insert(book, "MERGED", {"profile.name": "Merged", "behaviour.visits": 3})
        request = MergeRequest(kept, merged, 1, 1)
        await merge_clients(VIEWER, book, request, key="M001:merge")
        found = await stored(book, kept)
        assert found["derived"] == {"perVisit": 4.0, "double": 8.0}
        assert {"path": "derived.double", "new": 8.0} in found["tail"][-1]["values"]

    async def test_a_definition_says_nothing_of_where_the_book_stands(self, book: Repositories) -> None:
        await filled(book, 1)
        given = attribute(
            "derived.perVisit",
            Kind.NUMBER,
            formula=f" {json.dumps(PER_VISIT)} ",
            formula_state=FormulaState.FILLING,
            formula_before='{"$function": {}}',
        )
        await define_attribute(VIEWER, book, given)
        found = book.feed.catalogue.find("derived.perVisit")
        assert found is not None
        assert (found.formula_state, found.formula_before) == (FormulaState.SWITCHING, None)
        assert found.formula == json.dumps(PER_VISIT, separators=(",", ":"))
        with pytest.raises(Refused, match="is no JSON"):
            await define_attribute(VIEWER, book, attribute("derived.other", Kind.NUMBER, formula="{"))


async def _unheard(done: int, total: int, *, checkpoint: Mapping[str, Any]) -> None:
    """Nobody listens."""
