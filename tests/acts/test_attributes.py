"""The life of a definition: defined, changed, deprecated, retired; refusals write nothing, keys count once."""

from datetime import date
from typing import Any

import anyio
import pytest

from acts.attributes import (
    Definition,
    change_attribute,
    define_attribute,
    definition_cost,
    deprecate_attribute,
    retire_attribute,
)
from acts.checks import UNGUARDED, Guard
from acts.clients import change_client
from catalogue.attribute import Attribute, AttributeOption, ClientKind, Status
from catalogue.errors import KehuError, Refused
from catalogue.kinds import Kind
from policy.rules import BUILT_IN
from policy.viewer import Viewer
from repositories.compile.indexes import SORTABLE_LIMIT
from repositories.errors import KeyReused, NotFound
from repositories.repositories import Repositories
from tests.books import APPROVED, NO_PROOF, SMALL, VIEWER, attribute, everything, make_client

GRADE = attribute(
    "profile.grade",
    Kind.CODE,
    options=(AttributeOption(code="A", label="Best"), AttributeOption(code="B", label="Good")),
    is_sortable=True,
)


async def define(book: Repositories, definition: Attribute, guard: Guard = UNGUARDED, **more: Any) -> Definition:
    return await define_attribute(VIEWER, book, definition, guard, **more)


async def change(book: Repositories, path: str, guard: Guard = UNGUARDED, **changes: object) -> Definition:
    dry_run = bool(changes.pop("dry_run", False))
    return await change_attribute(VIEWER, book, path, changes, guard, dry_run=dry_run)


def codes(refused: KehuError) -> list[str]:
    return [str(each.code) for each in refused.problems()]


async def indexes(book: Repositories) -> set[str]:
    return {name for name in await book.clients.collection.indexes() if name.startswith("order_")}


class TestDefine:
    async def test_is_in_the_catalogue_at_once_and_touches_no_client(self, book: Repositories) -> None:
        await make_client(book)
        before = await everything(book)
        done = await define(book, GRADE)
        assert done.before.version == SMALL.version
        assert book.feed.catalogue.version == done.after.version
        assert book.feed.catalogue.get_live("profile.grade") == GRADE
        after = await everything(book)
        assert {**after, "attributes": []} == before
        assert await indexes(book) == {"order_profile.grade"}

    async def test_a_dry_run_writes_nothing(self, book: Repositories) -> None:
        before = await everything(book)
        done = await define(book, GRADE, dry_run=True)
        assert done.after.find("profile.grade") == GRADE
        assert await everything(book) == before
        assert await indexes(book) == set()
        assert book.feed.catalogue.version == SMALL.version

    async def test_refusals(self, book: Repositories) -> None:
        before = await everything(book)
        for definition, code in (
            (attribute("profile.name"), "NAME_TAKEN"),
            (attribute("profile.location_city"), "INVALID_VALUE"),
            (attribute("profile.locationCity"), "NAME_TAKEN"),
            (attribute("profile.version"), "NAME_RESERVED"),
            (attribute("profile.tail"), "NAME_RESERVED"),
            (attribute("profile.$set"), "INVALID_VALUE"),
            (attribute("profile.a.b"), "INVALID_VALUE"),
            (attribute("profile.name.first"), "INVALID_VALUE"),
            (attribute("profile.a", Kind.CODE), "INVALID_VALUE"),
            (attribute("profile.a", minimum=1), "INVALID_VALUE"),
            (attribute("profile.a", pattern="(a+)+"), "INVALID_VALUE"),
            (attribute("profile.a", Kind.TEXT, is_sortable=True), "INVALID_VALUE"),
            (attribute("profile.a", label=""), "INVALID_VALUE"),
        ):
            with pytest.raises(Refused) as refused:
                await define(book, definition)
            assert (definition.path, codes(refused.value)) == (definition.path, [code])
        assert await everything(book) == before

    async def test_says_every_problem_at_once(self, book: Repositories) -> None:
        wrong = attribute("profile.id", Kind.LONG, label="", maximum=1, minimum=2, pattern="a", unit="x" * 50)
        with pytest.raises(Refused) as refused:
            await define(book, wrong)
        assert {each.path[0] for each in refused.value.problems()} == {"key", "label", "minimum", "maxLength", "unit"}

    async def test_a_path_is_never_used_again(self, book: Repositories) -> None:
        await define(book, GRADE)
        await retire_attribute(VIEWER, book, "profile.grade", approved=APPROVED)
        with pytest.raises(Refused, match="never used again") as refused:
            await define(book, attribute("profile.grade"))
        assert codes(refused.value) == ["NAME_TAKEN"]

    async def test_three_at_once_with_one_key_define_one(self, book: Repositories) -> None:
        done: list[Definition] = []

        async def send(number: int) -> None:
            one = attribute(f"profile.a{number}", Kind.LONG)
            done.append(await define(book, one, Guard(idempotency_key=f"k{number}")))

        async with anyio.create_task_group() as group:
            for number in range(4):
                for _ in range(3):
                    group.start_soon(send, number)
        rows = (await everything(book))["attributes"]
        assert sorted(each["_id"] for each in rows) == [f"clients:profile.a{number}" for number in range(4)]
        assert all(len(each["changes"]) == 1 for each in rows)
        assert len(done) == 12
        assert await book.attributes.head() == 4
        with pytest.raises(KeyReused):
            await define(book, attribute("profile.b"), Guard(idempotency_key="k1"))

    async def test_of_two_names_that_collide_one_gets_in(self, book: Repositories) -> None:
        refusals: list[list[str]] = []

        async def send(definition: Attribute) -> None:
            try:
                await define(book, definition)
            except Refused as refused:
                refusals.append(codes(refused))

        await define(book, attribute("profile.site", Kind.GROUP))
        async with anyio.create_task_group() as group:
            for path in ("profile.siteArea", "profile.site.area"):
                group.start_soon(send, attribute(path))
        assert refusals == [["NAME_TAKEN"]]

    async def test_more_sortable_ones_than_there_are_indexes(self, book: Repositories) -> None:
        have = len(book.catalogue.sortable())
        more = [attribute(f"profile.n{number}", Kind.LONG, is_sortable=True) for number in range(SORTABLE_LIMIT - have)]
        book.feed.catalogue = book.feed.catalogue.with_attributes(more)
        before = await everything(book)
        with pytest.raises(Refused, match="50 attributes are sortable already") as refused:
            await define(book, GRADE)
        assert codes(refused.value) == ["INDEX_LIMIT"]
        assert await everything(book) == before
        await define(book, GRADE.model_copy(update={"is_sortable": False}))


class TestChange:
    async def test_words_rules_and_the_index(self, book: Repositories) -> None:
        await define(book, GRADE)
        done = await change(book, "profile.grade", Guard(1), label="Class", is_sortable=False)
        assert (done.attribute.label, done.attribute.revision) == ("Class", 2)
        assert await indexes(book) == set()
        await change(book, "profile.grade", Guard(2), is_sortable=True)
        assert await indexes(book) == {"order_profile.grade"}
        assert book.feed.catalogue.get_live("profile.grade").revision == 3

    async def test_refusals(self, book: Repositories) -> None:
        await define(book, GRADE)
        before = await everything(book)
        refusals: tuple[tuple[dict[str, object], list[str]], ...] = (
            ({"kind": Kind.STRING}, ["KIND_FIXED", "INVALID_VALUE"]),
            ({"is_list": True}, ["KIND_FIXED", "INVALID_VALUE"]),
            ({"options": (AttributeOption(code="A", label="Best"),)}, ["INVALID_VALUE"]),
            ({"status": Status.DRAFT}, ["INVALID_VALUE"]),
            ({"label": " "}, ["INVALID_VALUE"]),
            ({"colour": "red"}, ["INVALID_VALUE"]),
        )
        for changes, expected in refusals:
            with pytest.raises(Refused) as refused:
                await change_attribute(VIEWER, book, "profile.grade", changes)
            assert (changes, codes(refused.value)) == (changes, expected)
        assert await everything(book) == before

    async def test_an_option_is_retired_instead_of_lost(self, book: Repositories) -> None:
        await define(book, GRADE)
        one = await make_client(book, profile={"name": "A"})
        live = book.on(book.feed.catalogue)
        await change_client(VIEWER, live, one, {"profile": {"grade": "B"}}, NO_PROOF, UNGUARDED)
        options = (GRADE.options[0], AttributeOption(code="B", label="Good", is_retired=True))
        done = await change(book, "profile.grade", options=options)
        live = book.on(done.after)
        other = await make_client(live, "C2", profile={"name": "A"})
        before = await everything(book)
        with pytest.raises(Refused, match="one of A"):
            await change_client(VIEWER, live, other, {"profile": {"grade": "B"}}, NO_PROOF, UNGUARDED)
        # Whoever has it may send it again with all the rest.
        await change_client(VIEWER, live, one, {"profile": {"grade": "B"}}, NO_PROOF, UNGUARDED)
        assert await everything(book) == before
        assert before["clients"][0]["profile"]["grade"] == "B"

    async def test_an_old_revision_or_nothing_there(self, book: Repositories) -> None:
        await define(book, GRADE)
        before = await everything(book)
        with pytest.raises(Refused) as refused:
            await change(book, "profile.grade", Guard(2), label="Class")
        assert codes(refused.value) == ["STALE_VERSION"]
        with pytest.raises(NotFound):
            await change(book, "profile.missing", label="Class")
        assert await everything(book) == before

    async def test_a_built_in_one_can_be_changed_but_not_retired(self, book: Repositories) -> None:
        done = await change(book, "profile.name", label="Company")
        assert done.attribute.revision == 2
        for act in (
            retire_attribute(VIEWER, book, "profile.tags", approved=APPROVED),
            deprecate_attribute(VIEWER, book, "profile.tags", successor=None, removal_on=None),
        ):
            with pytest.raises(Refused) as refused:
                await act
            assert codes(refused.value) == ["ATTRIBUTE_BUILT_IN"]

    async def test_what_it_costs(self, book: Repositories) -> None:
        for number in range(3):
            await make_client(book, f"C{number}", profile={"name": "A", "employees": number})
        done = await change(book, "profile.employees", minimum=2, is_sortable=False, dry_run=True)
        cost = await definition_cost(VIEWER, book, done)
        assert (cost.makes_index, cost.drops_index, cost.failing_documents) == (False, True, 2)
        cost = await definition_cost(VIEWER, book, await define(book, GRADE, dry_run=True))
        assert (cost.makes_index, cost.drops_index, cost.indexed_documents) == (True, False, 3)

    async def test_misfits_are_counted_by_who_reads_the_values_among_who_is_seen(self, book: Repositories) -> None:
        """A rule that is tried out is a question: whoever may not ask it must not learn the answer from a count."""
        ids = [await make_client(book, f"C{at}", profile={"name": "A", "employees": at}) for at in range(3)]
        done = await change(book, "profile.employees", minimum=2, dry_run=True)
        steward = Viewer("S001", frozenset({"data_steward"}))
        auditor = Viewer("A001", frozenset({"auditor"}), walled=frozenset(ids[:1]))
        lead = Viewer("L001", frozenset({"team_lead"}), "north")
        counts = [(await definition_cost(each, book, done)).failing_documents for each in (steward, auditor, lead)]
        assert counts == [None, 1, 0]
        secret = attribute("profile.location.street")
        await define(book, secret)
        closed = BUILT_IN.model_copy(
            update={"rules": tuple(each.model_copy(update={"deny": (secret.path,)}) for each in BUILT_IN.rules)}
        )
        group = await change(book, "profile.location", required_for=(ClientKind.ORGANISATION,), dry_run=True)
        assert (await definition_cost(VIEWER, book, group)).failing_documents == 3
        under = book.on(group.before, closed)
        assert (await definition_cost(VIEWER, under, group)).failing_documents is None


class TestDeprecateAndRetire:
    async def test_with_a_successor_and_a_day(self, book: Repositories) -> None:
        await define(book, GRADE)
        day = date(2027, 6, 30)
        done = await deprecate_attribute(VIEWER, book, "profile.grade", successor="profile.industry", removal_on=day)
        assert (done.attribute.status, done.attribute.successor, done.attribute.removal_on) == (
            Status.DEPRECATED,
            "profile.industry",
            day,
        )
        assert done.after.is_live(done.attribute)
        for successor in ("profile.grade", "profile.missing"):
            with pytest.raises(Refused):
                await deprecate_attribute(VIEWER, book, "profile.grade", successor=successor, removal_on=None)

    async def test_a_retired_one_is_gone_and_its_values_stay(self, book: Repositories) -> None:
        await define(book, attribute("profile.motto"))
        live = book.on(book.feed.catalogue)
        one = await make_client(live, profile={"name": "A", "motto": "Steel"})
        done = await retire_attribute(VIEWER, book, "profile.motto", guard=Guard(1, "k"), approved=APPROVED)
        again = await retire_attribute(VIEWER, book, "profile.motto", guard=Guard(1, "k"), approved=APPROVED)
        assert again.attribute == done.attribute
        assert not done.after.is_live(done.attribute)
        live = book.on(done.after)
        before = await everything(book)
        assert before["clients"][0]["profile"]["motto"] == "Steel"
        with pytest.raises(Refused) as refused:
            await change_client(VIEWER, live, one, {"profile": {"motto": "Tea"}}, NO_PROOF, UNGUARDED)
        assert codes(refused.value) == ["ATTRIBUTE_RETIRED"]
        with pytest.raises(Refused):
            await retire_attribute(VIEWER, book, "profile.motto", approved=APPROVED)
        with pytest.raises(Refused) as refused:
            await change(book, "profile.motto", label="Words")
        assert codes(refused.value)[0] == "ATTRIBUTE_RETIRED"
        assert await everything(book) == before

    async def test_a_group_goes_after_what_is_in_it(self, book: Repositories) -> None:
        await define(book, attribute("profile.site", Kind.GROUP))
        await define(book, attribute("profile.site.area", Kind.NUMBER))
        with pytest.raises(Refused, match=r"retire profile\.site\.area first"):
            await retire_attribute(VIEWER, book, "profile.site", approved=APPROVED)
        await retire_attribute(VIEWER, book, "profile.site.area", approved=APPROVED)
        await retire_attribute(VIEWER, book, "profile.site", approved=APPROVED)
        assert book.feed.catalogue.children("profile.site") == ()

    async def test_its_index_goes_with_it(self, book: Repositories) -> None:
        await define(book, GRADE)
        await retire_attribute(VIEWER, book, "profile.grade", approved=APPROVED)
        assert await indexes(book) == set()


@pytest.mark.real_drivers
class TestDespiteUnset:
    """What a dry run says of values that are made of less than the formula reads."""

    FORMULA = '{"$add":["$profile.employees",{"$ifNull":["$behaviour.visits",0]}]}'

    async def test_counts_values_that_are_made_of_less(self, book: Repositories) -> None:
        rows = [{"employees": 5}, {"employees": 6}, {}]
        for place, profile in enumerate(rows):
            behaviour = {"visits": 1} if place == 1 else {}
            await make_client(book, f"C{place}", profile={"name": "A", **profile}, behaviour=behaviour)
        sums = attribute("derived.sums", Kind.LONG, formula=self.FORMULA)
        done = await define(book, sums, dry_run=True)
        assert (await definition_cost(VIEWER, book, done)).despite_unset == 1

    async def test_is_no_way_to_count_by_what_one_may_not_read(self, book: Repositories) -> None:
        await make_client(book, "C1", profile={"name": "A", "employees": 5})
        done = await define(book, attribute("derived.sums", Kind.LONG, formula=self.FORMULA), dry_run=True)
        steward = Viewer("S001", frozenset({"data_steward"}))
        assert not book.access.may_filter(steward, "behaviour.visits")
        assert (await definition_cost(steward, book, done)).despite_unset is None
