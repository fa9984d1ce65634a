"""Two clients become one: nothing is lost, everything follows, a second person agrees, a change meanwhile stops it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128

from acts.approvals import Decision, decide_approval
from acts.checks import UNGUARDED, Guard, now
from acts.clients import NewClient, change_client, create_client
from acts.erasure import erase_client, prove_erasure
from acts.erasure_approved import propose_erasure
from acts.grants import NewGrant, create_grant
from acts.merge import MergeRequest, Side, merge_clients, planned_merge
from acts.merge_approved import propose_merge, request_from, request_of
from acts.performers import PERFORMERS
from acts.subject_data import subject_data
from acts.upsert_rows import ClientRow
from acts.upserts import upsert_clients
from catalogue.attribute import ClientKind, Sensitivity
from catalogue.catalogue import UnknownAttribute
from catalogue.errors import ErrorCode, KehuError, Refused
from catalogue.filters import Compare
from catalogue.kinds import Kind, Operator
from policy.viewer import Viewer, program
from repositories import merges
from repositories.access import NotAllowed, Touched
from repositories.errors import AlreadyExists, NotFound
from repositories.grants import GrantKind
from repositories.mongo import Store, Transaction
from repositories.plan import ID, Change, Proof, ReadPlan
from repositories.repositories import Repositories, new_id
from tests.books import NO_PROOF, OTHER, SMALL, VIEWER, attribute, everything, open_book, stored

CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED, is_lookup=True),
        attribute("profile.affiliates", Kind.CLIENT, is_list=True),
        attribute("profile.keyPeople.employer", Kind.CLIENT),
        attribute("profile.keyPeople.salary", Kind.DECIMAL),
        attribute("at", Kind.DATETIME, area="interactions"),
        attribute("summary", area="interactions"),
    )
)
WRITER = program("writer")
LONG_AGO = datetime(2020, 5, 1, tzinfo=UTC)
RM = Viewer("M100", frozenset(("relationship_manager",)), "north", "mg_1")


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


async def client(book: Repositories, number: str, *, proof: Proof = NO_PROOF, **profile: object) -> str:
    new = NewClient(number, ClientKind.ORGANISATION, facets={"profile": {"name": f"Client {number}", **profile}})
    return str((await create_client(WRITER, book, new, proof, UNGUARDED)).document[ID])


async def contact(book: Repositories, client_id: str) -> None:
    change = Change({"at": now(), "summary": "rang"}, "writer", now())
    await book.interactions.insert({ID: new_id("interactions"), "clientId": client_id}, change)


async def wanted(book: Repositories, keep: str, merge: str, **choices: Side) -> MergeRequest:
    versions = [int((await stored(book, each))["version"]) for each in (keep, merge)]
    chosen = {path.replace("_", "."): side for path, side in choices.items()}
    return MergeRequest(keep, merge, versions[0], versions[1], chosen)


async def merged(book: Repositories, keep: str, merge: str, **choices: Side) -> dict[str, Any]:
    """The kept client, after the other one has become part of it."""
    await merge_clients(VIEWER, book, await wanted(book, keep, merge, **choices), key="k")
    return await stored(book, keep)


class TestMerge:
    async def test_what_is_kept_stands_and_gaps_are_filled(self, book: Repositories) -> None:
        keep = await client(book, "A", employees=5)
        merge = await client(
            book, "B", employees=9, tags=["x"], location={"city": "Basel"}, proof=Proof("form", observed_at=LONG_AGO)
        )
        found = await merged(book, keep, merge)
        assert found["profile"] == {"name": "Client A", "employees": 5, "tags": ["x"], "location": {"city": "Basel"}}
        assert (found["version"], found["number"], found["numbers"]) == (2, "A", ["A", "B"])
        assert found["proof"]["profile/tags"].items() >= {"v": 2, "o": LONG_AGO}.items()
        assert [(each["id"], each["number"], each["version"]) for each in found["merged"]] == [(merge, "B", 2)]
        assert {row["path"] for row in found["tail"][-1]["values"]} == {"profile.tags", "profile.location.city"}
        assert await book.clients.collection.count({ID: merge}) == 0

    async def test_choices(self, book: Repositories) -> None:
        keep, merge = await client(book, "A", employees=5), await client(book, "B", employees=9, tags=["x"])
        found = await merged(book, keep, merge, profile_employees=Side.MERGED, profile_tags=Side.KEPT)
        assert found["profile"] == {"name": "Client A", "employees": 9}

    async def test_the_history_of_both_says_everything(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B")
        for name in ("One", "Two"):
            await change_client(WRITER, book, merge, {"profile": {"name": name}}, NO_PROOF, UNGUARDED)
        await book.clients.collection.update_one({ID: merge}, {"$set": {"profile.old": {"key": 1}}})
        await merged(book, keep, merge)
        rows = await book.store.collection("changes").find({"recordId": merge}, sort=[("version", 1)])
        assert [each[ID] for each in rows] == [f"{merge}:{version}" for version in (1, 2, 3, 4)]
        last = {row["path"]: row["old"] for row in rows[-1]["values"]}
        assert last == {"number": "B", "kind": "ORGANISATION", "stage": "PROSPECT", "profile.name": "Two"}
        assert (rows[-1]["mergedInto"], rows[-1]["unexplained"]) == (keep, {"profile": {"old": {"key": 1}}})

    async def test_restricted_values_are_under_the_key_of_the_kept_client(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B", taxId="T-1")
        found = await merged(book, keep, merge)
        assert isinstance(found["profile"]["taxId"], Binary)
        await book.vault.keys.delete(merge)
        plan = ReadPlan("clients", frozenset(("profile.taxId",)), Compare("profile.taxId", Operator.EQ, "T-1"))
        shown = await book.clients.find_one(book.access.authorise(plan, WRITER))
        assert shown is not None
        assert shown["profile"] == {"taxId": "T-1"}

    async def test_records_references_and_grants_follow(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B")
        await contact(book, merge)
        people = [{"name": "Li", "employer": merge, "salary": "10.50"}, {"name": "Wu", "employer": keep}]
        other = await client(book, "C", parent=merge, affiliates=[keep, merge], keyPeople=people)
        until = datetime(2099, 1, 1, tzinfo=UTC)
        wall = NewGrant(GrantKind.WALL, merge, "a case", person="X", ends_at=until)
        await create_grant(VIEWER, book, wall, UNGUARDED)
        await merged(book, keep, merge)
        (row,) = await book.interactions.collection.find({})
        assert (row["clientId"], row["version"]) == (keep, 2)
        assert row["tail"][-1]["values"] == [{"path": "clientId", "old": merge, "new": keep}]
        assert (await book.grants.of_person("X", None, now())).walled == {keep}
        found = await stored(book, other)
        assert (found["profile"]["parent"], found["profile"]["affiliates"]) == (keep, [keep])
        assert [each["employer"] for each in found["profile"]["keyPeople"]] == [keep, keep]
        assert found["profile"]["keyPeople"][0]["salary"] == Decimal128("10.50")
        assert {row["path"] for entry in found["tail"][1:] for row in entry["values"]} == {
            "profile.parent",
            "profile.affiliates",
            "profile.keyPeople",
        }

    async def test_nobody_points_at_himself(self, book: Repositories) -> None:
        keep = await client(book, "A")
        merge = await client(book, "B", parent=keep, affiliates=[keep])
        await change_client(WRITER, book, keep, {"profile": {"parent": merge}}, NO_PROOF, UNGUARDED)
        found = await merged(book, keep, merge)
        assert found["profile"] == {"name": "Client A"}

    async def test_the_old_number_finds_the_client_and_is_taken(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B")
        await merged(book, keep, merge)
        assert (await book.clients.find_by_numbers({"B", "C"})).keys() == {"B"}
        with pytest.raises(AlreadyExists, match='number "B" is taken'):
            await client(book, "B")
        rows = [ClientRow("B", values={"profile.employees": 7}), ClientRow("D", ClientKind.ORGANISATION)]
        report = await upsert_clients(VIEWER, book, rows[:1], NO_PROOF)
        assert (report.created, report.changed) == (0, 1)
        assert (await stored(book, keep))["profile"]["employees"] == 7

    async def test_a_client_who_has_taken_in_another_one_is_merged_too(self, book: Repositories) -> None:
        one, two, three = [await client(book, each) for each in ("A", "B", "C")]
        await merged(book, two, three)
        found = await merged(book, one, two)
        assert found["numbers"] == ["A", "B", "C"]
        assert [each["id"] for each in found["merged"]] == [two, three]
        data = await subject_data(WRITER, book, one)
        assert [each.get("clientId") for each in data.changes].count(three) == 2

    async def test_done_again_with_its_key_it_changes_nothing(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B")
        request = await wanted(book, keep, merge)
        assert await merge_clients(VIEWER, book, request, key="k") == 2
        before = await everything(book)
        assert await merge_clients(VIEWER, book, request, key="k") == 2
        assert await everything(book) == before
        with pytest.raises(NotFound):
            await merge_clients(VIEWER, book, request, key="other")

    async def test_the_audit_is_told_of_both(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B", tags=["x"])
        touched = Touched()
        await merge_clients(VIEWER, book, await wanted(book, keep, merge), key="k", touched=touched)
        assert touched.changes == {f"{keep}:2", f"{merge}:2"}
        assert touched.changed == {keep, merge}


class TestMeanwhile:
    @pytest.mark.parametrize("which", [0, 1])
    async def test_a_change_of_either_stops_it(
        self, book: Repositories, which: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [await client(book, "A"), await client(book, "B", taxId="T")]
        request = await wanted(book, *ids)
        sealed = book.vault.sealed

        async def meanwhile(pairs: Any) -> Any:
            monkeypatch.setattr(book.vault, "sealed", sealed)
            await change_client(OTHER, book, ids[which], {"stage": "ACTIVE"}, NO_PROOF, UNGUARDED)
            before.update(await everything(book))
            return await sealed(pairs)

        before: dict[str, Any] = {}
        monkeypatch.setattr(book.vault, "sealed", meanwhile)
        with pytest.raises(Refused, match="changed since version 1 and is now at version 2"):
            await merge_clients(VIEWER, book, request, key="k")
        assert await everything(book) == before
        with pytest.raises(Refused) as refused:
            await merge_clients(VIEWER, book, request, key="k")
        name = ("keep", "merge")[which]
        assert [(each.code, each.path, each.given, each.expected) for each in refused.value.problems()] == [
            (ErrorCode.STALE_VERSION, ("expectedVersions", name), "1", "2")
        ]

    @pytest.mark.real_drivers
    async def test_a_change_within_the_transaction_stops_it_too(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep, merge = await client(book, "A"), await client(book, "B")
        request = await wanted(book, keep, merge)
        archive, attempts = merges._archive, 0

        async def meanwhile(transaction: Transaction, merge: merges.Merge) -> None:
            nonlocal attempts
            attempts += 1
            await archive(transaction, merge)
            if attempts == 1:
                await change_client(OTHER, book, keep, {"stage": "ACTIVE"}, NO_PROOF, UNGUARDED)

        monkeypatch.setattr(merges, "_archive", meanwhile)
        with pytest.raises(Refused, match="changed since version 1"):
            await merge_clients(VIEWER, book, request, key="k")
        assert attempts == 2
        assert [(await stored(book, each))["version"] for each in (keep, merge)] == [2, 1]
        assert await book.store.collection("changes").count({}) == 0


class TestPlanned:
    async def test_what_would_come_of_it_as_far_as_it_may_be_seen(self, book: Repositories) -> None:
        keep, merge = await client(book, "A", employees=5), await client(book, "B", employees=9, taxId="T", tags=["x"])
        await contact(book, merge)
        before = await everything(book)
        outcome = await planned_merge(VIEWER, book, await wanted(book, keep, merge, profile_employees=Side.MERGED))
        assert await everything(book) == before
        assert {each.path: (each.kept, each.merged, each.side) for each in outcome.values} == {
            "profile.employees": (5, 9, Side.MERGED),
            "profile.name": ("Client A", "Client B", Side.KEPT),
            "profile.tags": (None, ["x"], Side.MERGED),
        }
        assert outcome.follows == {"interactions": 1, "references": 0}

    async def test_references_are_counted_among_the_clients_that_may_be_seen(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B")
        other = await client(book, "C", parent=merge)
        await client(book, "D", parent=merge)
        viewer = replace(VIEWER, walled=frozenset((other,)))
        for who, count in ((VIEWER, 2), (viewer, 1)):
            outcome = await planned_merge(who, book, await wanted(book, keep, merge))
            assert outcome.follows["references"] == count

    async def test_refusals(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B", taxId="T")
        person = NewClient("P", ClientKind.PERSON)
        someone = str((await create_client(WRITER, book, person, NO_PROOF, UNGUARDED)).document[ID])
        before = await everything(book)
        good = await wanted(book, keep, merge)
        cases: list[tuple[Viewer, MergeRequest, type[Exception]]] = [
            (VIEWER, replace(good, merge_id=keep), Refused),
            (VIEWER, replace(good, merge_version=0), Refused),
            (VIEWER, replace(good, keep_version=2), Refused),
            (VIEWER, replace(good, merge_id="cl_0"), NotFound),
            (VIEWER, await wanted(book, keep, someone), Refused),
            (VIEWER, replace(good, choices={"profile.nothing": Side.KEPT}), UnknownAttribute),
            (VIEWER, replace(good, choices={"profile.taxId": Side.MERGED}), UnknownAttribute),
            (VIEWER, replace(good, choices={"profile.tags": Side.MERGED}), Refused),
            (RM, good, NotFound),
            (replace(RM, granted=frozenset((keep, merge))), good, NotAllowed),
            (Viewer("X", frozenset(("auditor",))), good, NotAllowed),
        ]
        for viewer, request, error in cases:
            with pytest.raises(error):
                await planned_merge(viewer, book, request)
        assert await everything(book) == before

    async def test_not_while_an_erasure_waits(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B")
        await propose_erasure(VIEWER, book, merge)
        for act in (planned_merge(VIEWER, book, await wanted(book, keep, merge)), merged(book, keep, merge)):
            with pytest.raises(KehuError, match="erasure of client"):
                await act


class TestTwoPeople:
    async def test_proposed_and_carried_out_once(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B", tags=["x"])
        guard = Guard(idempotency_key="p")
        request = replace(await wanted(book, keep, merge), proof=Proof("same register entry", observed_at=LONG_AGO))
        outcome, approval = await propose_merge(VIEWER, book, request, guard, reason="found by a rule")
        assert outcome is not None
        assert approval is not None
        assert (approval["act"], approval["subject"], approval["mayDecide"]) == (
            "CLIENT_MERGE",
            merge,
            ["data_steward", "administrator"],
        )
        again = await propose_merge(VIEWER, book, request, guard, reason="found by a rule")
        assert (again[0], (again[1] or {})["subject"]) == (None, merge)
        assert await book.approvals.collection.count({}) == 1
        with pytest.raises(NotAllowed):
            await decide_approval(VIEWER, book, approval[ID], Decision(True), UNGUARDED, PERFORMERS)
        steward = Viewer("S", frozenset(("data_steward",)))
        touched = Touched()
        done = await decide_approval(steward, book, approval[ID], Decision(True), UNGUARDED, PERFORMERS, touched)
        assert done["carriedOutAt"] is not None
        found = await stored(book, keep)
        assert (found["profile"]["tags"], found["tail"][-1]["by"]) == (["x"], "S")
        assert found["tail"][-1]["source"] == "same register entry"
        assert {f"{keep}:2", f"{merge}:2"} <= touched.changes

    async def test_what_was_changed_since_is_refused_and_the_refusal_kept(self, book: Repositories) -> None:
        keep, merge = await client(book, "A"), await client(book, "B")
        _, approval = await propose_merge(VIEWER, book, await wanted(book, keep, merge))
        assert approval is not None
        await change_client(WRITER, book, keep, {"stage": "ACTIVE"}, NO_PROOF, UNGUARDED)
        done = await decide_approval(OTHER, book, approval[ID], Decision(True), UNGUARDED, PERFORMERS)
        assert [each["code"] for each in done["outcomeErrors"]] == ["STALE_VERSION"]
        assert (await stored(book, merge))["version"] == 1

    def test_a_request_survives_being_stored(self) -> None:
        request = MergeRequest("a", "b", 1, 2, {"profile.name": Side.MERGED}, Proof("s", "o", LONG_AGO, 0.5))
        assert request_of(request_from(request)) == request


class TestErasure:
    async def test_erasing_the_kept_one_erases_all(self, book: Repositories, store: Store) -> None:
        keep, merge = await client(book, "A"), await client(book, "B", taxId="T-1", tags=["secret"])
        await contact(book, merge)
        await merged(book, keep, merge)
        await erase_client(VIEWER, book, keep)
        assert (await prove_erasure(book, keep)).left == ()
        assert await store.collection("changes").find({"recordId": {"$in": [keep, merge]}}) == []
        assert await book.vault.keys.find_by_names({keep, merge}) == {}
        assert await book.erasures.was_erased("B")
        back = {ID: merge, "number": "B", "kind": "ORGANISATION", "stage": "ACTIVE", "version": 1, "createdAt": now()}
        await book.clients.collection.insert_one({**back, "updatedAt": now(), "tail": []})
        assert [each.place for each in (await prove_erasure(book, keep)).left] == ["clients"]
