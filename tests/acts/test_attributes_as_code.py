"""The catalogue as a file: what one stage has written the other takes, once, and nothing is lost."""

from typing import Any

import pytest

from acts.approvals import Decision, decide_approval
from acts.attributes import change_attribute, define_attribute
from acts.attributes_as_code import Applied, apply, compare, exported
from acts.checks import UNGUARDED
from acts.performers import PERFORMERS
from catalogue.attribute import Attribute, AttributeOption, Sensitivity, Status
from catalogue.differences import Level, Verb
from catalogue.errors import Refused
from catalogue.kinds import Kind
from catalogue.written import attributes_from, text_from
from policy.viewer import Viewer, program
from repositories.access import NotAllowed, Touched
from repositories.repositories import Repositories
from tests.books import APPROVED, attribute, everything, make_client

STEWARD = Viewer("S001", frozenset(("data_steward",)))
OTHER = Viewer("S002", frozenset(("data_steward",)))
CODER = program("kehu-attributes")
GRADE = attribute(
    "profile.grade",
    Kind.CODE,
    options=(AttributeOption(code="A", label="Best"), AttributeOption(code="B", label="Good")),
    is_sortable=True,
)
PLACE = attribute("profile.site", Kind.GROUP)
CITY = attribute("profile.site.city", sensitivity=Sensitivity.CONFIDENTIAL)


def other(definition: Attribute, **changes: Any) -> Attribute:
    return Attribute.model_validate(definition.model_dump() | changes)


async def bring(book: Repositories, *wanted: Attribute, viewer: Viewer = STEWARD) -> Applied:
    return await apply(viewer, book, wanted, Touched())


async def refused(book: Repositories, *wanted: Attribute, viewer: Viewer = CODER) -> list[str]:
    before = await everything(book)
    with pytest.raises(Refused) as error:
        await bring(book, *wanted, viewer=viewer)
    assert await everything(book) == before
    return [each.message for each in error.value.problems()]


class TestApply:
    async def test_what_one_stage_wrote_holds_on_the_other_and_a_second_time_nothing_happens(
        self, book: Repositories
    ) -> None:
        small = attribute("profile.employees", Kind.LONG, is_sortable=True, minimum=0, maximum=9, label="Staff")
        wanted = attributes_from(text_from([CITY, PLACE, GRADE, small]))
        applied = await bring(book, *wanted)
        assert (applied.stopped, applied.waiting) == (None, [])
        assert applied.done == [
            "profile.employees has another label, maximum",
            "profile.grade is defined",
            "profile.site is defined",
            "profile.site.city is defined",
        ]
        assert text_from(exported(STEWARD, book)) == text_from(wanted)
        assert "order_profile.grade" in await book.clients.collection.indexes()
        before = await everything(book)
        assert (await bring(book, *wanted)).done == []
        assert await everything(book) == before

    async def test_a_dry_run_writes_nothing(self, book: Repositories) -> None:
        before = await everything(book)
        applied = await apply(STEWARD, book, [GRADE], Touched(), dry_run=True)
        assert [each.verb for each in applied.differences] == [Verb.ADDED]
        assert await everything(book) == before

    async def test_what_is_here_besides_stays(self, book: Repositories) -> None:
        await bring(book, GRADE)
        applied = await bring(book, PLACE)
        assert [(each.attribute.path, each.verb) for each in applied.differences] == [
            ("profile.grade", Verb.MISSING),
            ("profile.site", Verb.ADDED),
        ]
        assert book.feed.catalogue.find("profile.grade") == GRADE

    async def test_nothing_of_a_file_is_written_if_a_part_cannot_be(self, book: Repositories) -> None:
        assert await refused(book, GRADE, attribute("profile.version")) == [
            '"version" is a word that Kehu uses itself; choose another key.'
        ]
        assert len(await refused(book, PLACE, attribute("profile.nowhere.city"))) == 1

    async def test_what_would_lose_data_is_refused_with_what_to_do(self, book: Repositories) -> None:
        await bring(book, GRADE)
        await make_client(book, profile={"name": "Much too long", "employees": 12})
        words, *_ = await refused(book, other(GRADE, kind=Kind.STRING, options=(), is_sortable=False))
        assert "profile.grade: kind would lose data" in words
        (words,) = await refused(book, other(GRADE, options=GRADE.options[:1]))
        assert "keep B with is_retired: true" in words
        name = book.feed.catalogue.get_live("profile.name")
        (words,) = await refused(book, other(name, max_length=5))
        assert "values of 1 clients would not fit" in words
        (words,) = await refused(book, other(name, retain_days=5))
        assert "attributeChange" in words
        assert (await bring(book, other(name, max_length=50, label="Called"))).stopped is None

    async def test_an_area_or_a_flag_that_nothing_can_use_is_refused(self, book: Repositories) -> None:
        wanted = (
            attribute("topic", area="meetings"),
            attribute("portfolio.size", Kind.LONG),
            attribute("topic", area="interactions", is_sortable=True),
            attribute("level", Kind.LONG, area="managers", max_age_hours=5, is_expected=False),
        )
        words = " ".join(await refused(book, *wanted))
        for each in ("meetings", "portfolio", "isSortable", "maxAgeHours", "isExpected"):
            assert each in words
        assert "clients, interactions, managers" in words

    async def test_core_names_are_reserved_in_every_area(self, book: Repositories) -> None:
        for path, area in (("managerId", "interactions"), ("version", "managers"), ("profile.managerId", "clients")):
            assert "is a word that Kehu uses itself" in " ".join(await refused(book, attribute(path, area=area)))

    async def test_a_touched_note_for_the_audit(self, book: Repositories) -> None:
        touched = Touched()
        await apply(STEWARD, book, [GRADE], touched)
        assert touched.changes == {"profile.grade:1"}
        assert "attributes.options" in touched.written

    async def test_somebody_who_defines_nothing(self, book: Repositories) -> None:
        manager = Viewer("M001", frozenset(("relationship_manager",)))
        with pytest.raises(NotAllowed):
            await bring(book, GRADE, viewer=manager)
        with pytest.raises(NotAllowed):
            await compare(manager, book, [])
        with pytest.raises(NotAllowed):
            exported(manager, book)


class TestSecondPerson:
    async def test_a_lower_sensitivity_and_a_retirement_wait_and_are_proposed_once(self, book: Repositories) -> None:
        await bring(book, GRADE, PLACE, CITY)
        wanted = [other(GRADE, sensitivity="PUBLIC"), other(PLACE, status="RETIRED"), other(CITY, status="RETIRED")]
        applied = await bring(book, *wanted)
        assert (applied.done, applied.stopped) == ([], None)
        assert [each.split(":")[0] for each in applied.waiting] == [
            "profile.grade has another sensitivity",
            "profile.site.city is retired",
            "profile.site is retired",
        ]
        before = await everything(book)
        again = await bring(book, *wanted)
        assert [each.endswith("proposed already") for each in again.waiting] == [True, True, False]
        assert await everything(book) == before
        for row in before["approvals"]:
            await decide_approval(OTHER, book, row["_id"], Decision(True), UNGUARDED, PERFORMERS)
        (last,) = (await bring(book, *wanted)).waiting
        assert last.startswith("profile.site is retired: approval ap_")
        assert book.feed.catalogue.get_live("profile.grade").sensitivity is Sensitivity.PUBLIC

    async def test_a_program_can_propose_nothing(self, book: Repositories) -> None:
        await bring(book, GRADE)
        (words,) = await refused(book, other(GRADE, status="RETIRED"))
        assert (
            words
            == "profile.grade: ATTRIBUTE_RETIRE is proposed by a data_steward or an administrator; ask one of them to."
        )

    async def test_what_waits_is_not_overtaken_by_the_rest_of_the_same_definition(self, book: Repositories) -> None:
        await bring(book, GRADE)
        applied = await bring(book, other(GRADE, sensitivity="PUBLIC", status="RETIRED"))
        assert len(applied.waiting) == 1
        assert book.feed.catalogue.get_live("profile.grade").revision == 1


class TestDeprecation:
    async def test_with_a_successor_that_comes_along(self, book: Repositories) -> None:
        await bring(book, GRADE)
        new = attribute("profile.mark")
        old = other(GRADE, status="DEPRECATED", successor="profile.mark", label="Old", removal_on="2027-01-01")
        applied = await bring(book, old, new)
        assert applied.done == [
            "profile.grade has another label",
            "profile.mark is defined",
            "profile.grade is deprecated",
        ]
        found = book.feed.catalogue.get_live("profile.grade")
        assert (found.status, found.successor, str(found.removal_on)) == (
            Status.DEPRECATED,
            "profile.mark",
            "2027-01-01",
        )
        assert await compare(STEWARD, book, [old, new]) == []

    async def test_with_a_successor_that_is_nowhere(self, book: Repositories) -> None:
        await bring(book, GRADE)
        (words, *_) = await refused(book, other(GRADE, status="DEPRECATED", successor="profile.mark"))
        assert "neither here nor in the file" in words

    async def test_a_path_that_was_retired_here(self, book: Repositories) -> None:
        await bring(book, GRADE)
        await change_attribute(OTHER, book, "profile.grade", {"status": "RETIRED"}, approved=APPROVED)
        (words,) = await refused(book, GRADE)
        assert "profile.grade is retired" in words


class TestCompare:
    async def test_values_are_counted_where_a_rule_is_narrower(self, book: Repositories) -> None:
        await make_client(book, attitude={"satisfaction": 9})
        score = book.feed.catalogue.get_live("attitude.satisfaction")
        for most, level in ((9, Level.DANGEROUS), (8, Level.LOSES_DATA)):
            (found,) = await compare(CODER, book, [other(score, maximum=most)])
            assert found.level is level

    async def test_counts_nothing_for_whoever_may_not_ask(self, book: Repositories) -> None:
        await make_client(book, attitude={"satisfaction": 9})
        await define_attribute(STEWARD, book, GRADE)
        score = book.feed.catalogue.get_live("attitude.satisfaction")
        (found, _) = await compare(STEWARD, book, [other(score, maximum=8)])
        assert found.level is Level.DANGEROUS
        assert "values were not counted" in found.fields[0].why
