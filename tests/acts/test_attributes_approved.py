"""Retiring an attribute and lowering its sensitivity: proposed, decided by another person, carried out once."""

from typing import Any

import anyio
import pytest

from acts.approvals import Decision, decide_approval
from acts.attributes import Definition, NeedsApproval, change_attribute, define_attribute, retire_attribute
from acts.attributes_approved import change_or_propose, perform_retirement, propose_retirement
from acts.checks import UNGUARDED, Guard
from acts.performers import PERFORMERS
from acts.proposing import Approved
from catalogue.attribute import AttributeOption, Sensitivity, Status
from catalogue.errors import Refused
from catalogue.kinds import Kind
from policy.approvals import RULES
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.errors import KeyReused, NotFound
from repositories.repositories import Repositories
from tests.books import attribute, everything

STEWARD = Viewer("S001", frozenset(("data_steward",)))
OTHER = Viewer("S002", frozenset(("data_steward",)))
MANAGER = Viewer("M001", frozenset(("relationship_manager",)))
PATH = "profile.grade"
GRADE = attribute(PATH, Kind.CODE, options=(AttributeOption(code="A", label="Best"),), label="Grade")
KEY = Guard(idempotency_key="k")


@pytest.fixture
async def graded(book: Repositories) -> Repositories:
    """A book with an attribute of its own."""
    await define_attribute(STEWARD, book, GRADE)
    return book


async def approve(book: Repositories, proposed: Definition, guard: Guard = UNGUARDED) -> dict[str, Any]:
    assert proposed.approval is not None
    return await decide_approval(OTHER, book, proposed.approval["_id"], Decision(True), guard, PERFORMERS)


def standing(proposed: Definition) -> tuple[str, str]:
    """The id of an approval and where it stands."""
    approval = proposed.approval or {}
    return str(approval["_id"]), str(approval["status"])


def live(book: Repositories) -> Any:
    return book.feed.catalogue.find(PATH)


class TestAlone:
    async def test_nobody_can_whoever_asks(self, graded: Repositories) -> None:
        before = await everything(graded)
        for act in (
            retire_attribute(STEWARD, graded, PATH),
            change_attribute(STEWARD, graded, PATH, {"sensitivity": "PUBLIC"}),
            change_attribute(STEWARD, graded, "profile.name", {"sensitivity": "INTERNAL", "label": "Company"}),
        ):
            with pytest.raises(NeedsApproval) as refused:
                await act
            assert [str(each.code) for each in refused.value.problems()] == ["NOT_ALLOWED"]
        assert await everything(graded) == before

    async def test_not_even_when_it_was_raised_meanwhile(self, graded: Repositories) -> None:
        """What is compared is what the write meets, not what its sender had read."""
        same = {"sensitivity": Sensitivity.CONFIDENTIAL, "label": "Class"}
        await change_attribute(OTHER, graded, PATH, {"sensitivity": "RESTRICTED"})
        with pytest.raises(NeedsApproval):
            await change_attribute(STEWARD, graded, PATH, same)


class TestChange:
    async def test_retires_nothing(self, graded: Repositories) -> None:
        before = await everything(graded)
        for path in (PATH, "profile.name"):
            with pytest.raises(Refused, match="attributeRetire retires"):
                await change_or_propose(STEWARD, graded, path, {"status": "RETIRED", "label": "Class"})
        assert await everything(graded) == before


class TestRetire:
    async def test_waits_for_another_person_and_then_happens(self, graded: Repositories) -> None:
        proposed = await propose_retirement(STEWARD, graded, PATH, reason="Nobody uses it.")
        assert (proposed.attribute, live(graded)) == (GRADE, GRADE)
        approval = proposed.approval or {}
        assert approval["summary"] == (
            "Retire profile.grade (Grade): its field is gone from every query, stored values and history stay."
        )
        assert (approval["subject"], approval["request"]) == (PATH, {"path": PATH, "expectedRevision": 1})
        done = await approve(graded, proposed)
        assert done["carriedOutAt"] is not None
        assert live(graded).status is Status.RETIRED

    async def test_who_did_it_and_who_proposed_it_are_kept(self, graded: Repositories) -> None:
        proposed = await propose_retirement(STEWARD, graded, PATH)
        await approve(graded, proposed)
        (row,) = (await everything(graded))["attributes"]
        entry, approval = row["changes"][-1], proposed.approval or {}
        assert (entry["by"], entry["proposedBy"], entry["approval"]) == ("S002", "S001", approval["_id"])
        assert entry["key"] == f"S002:approval:{approval['_id']}"
        assert "approval" not in row["changes"][0]

    async def test_a_dry_run_and_a_refusal_propose_nothing(self, graded: Repositories) -> None:
        before = await everything(graded)
        would_be = await propose_retirement(STEWARD, graded, PATH, dry_run=True)
        assert (would_be.attribute.status, would_be.approval) == (Status.RETIRED, None)
        with pytest.raises(NotFound):
            await propose_retirement(STEWARD, graded, "profile.missing")
        for path, guard, code in (
            ("profile.tags", UNGUARDED, "ATTRIBUTE_BUILT_IN"),
            (PATH, Guard(7), "STALE_VERSION"),
        ):
            with pytest.raises(Refused) as refused:
                await propose_retirement(STEWARD, graded, path, guard=guard)
            assert str(refused.value.problems()[0].code) == code
        with pytest.raises(NotAllowed):
            await propose_retirement(MANAGER, graded, PATH)
        assert await everything(graded) == before

    async def test_another_revision_than_was_approved_stays(self, graded: Repositories) -> None:
        proposed = await propose_retirement(STEWARD, graded, PATH)
        await change_attribute(STEWARD, graded, PATH, {"label": "Needed after all"})
        done = await approve(graded, proposed)
        assert [each["code"] for each in done["outcomeErrors"]] == ["STALE_VERSION"]
        assert (live(graded).status, live(graded).revision) == (Status.PUBLISHED, 2)
        assert (await approve(graded, await propose_retirement(STEWARD, graded, PATH)))["carriedOutAt"] is not None

    async def test_a_key_answers_the_same_approval_for_good(self, graded: Repositories) -> None:
        first = await propose_retirement(STEWARD, graded, PATH, guard=KEY)
        again = await propose_retirement(STEWARD, graded, PATH, guard=KEY)
        assert standing(again) == standing(first) == (standing(first)[0], "REQUESTED")
        with pytest.raises(KeyReused):
            await propose_retirement(STEWARD, graded, PATH, guard=KEY, reason="Another one.")
        await approve(graded, first)
        again = await propose_retirement(STEWARD, graded, PATH, guard=KEY)
        assert standing(again) == (standing(first)[0], "APPROVED")

    async def test_carried_out_ten_times_at_once_it_happens_once(self, graded: Repositories) -> None:
        proposed = (await propose_retirement(STEWARD, graded, PATH)).approval or {}
        approved = Approved(proposed["_id"], PATH, proposed["request"], "S001", OTHER)
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(perform_retirement, graded, approved)
        (row,) = (await everything(graded))["attributes"]
        assert len(row["changes"]) == 2


class TestLowerSensitivity:
    async def test_the_whole_change_waits(self, graded: Repositories) -> None:
        options = (*GRADE.options, AttributeOption(code="B", label="Good", is_retired=True))
        changes = {"sensitivity": Sensitivity.INTERNAL, "label": "Class", "options": options, "max_age_hours": 24}
        proposed = await change_or_propose(STEWARD, graded, PATH, changes, reason="Not secret.")
        assert (proposed.attribute, live(graded)) == (GRADE, GRADE)
        approval = proposed.approval or {}
        assert approval["act"] == "ATTRIBUTE_CHANGE"
        assert approval["summary"] == (
            "Lower the sensitivity of profile.grade (Grade) from CONFIDENTIAL to INTERNAL, "
            "and change its label, maxAgeHours, options."
        )
        assert approval["request"] == {
            "path": PATH,
            "area": "clients",
            "expectedRevision": 1,
            "changes": {
                "sensitivity": "INTERNAL",
                "label": "Class",
                "options": [
                    {"code": "A", "label": "Best", "isRetired": False},
                    {"code": "B", "label": "Good", "isRetired": True},
                ],
                "maxAgeHours": 24,
            },
        }
        assert (await approve(graded, proposed))["carriedOutAt"] is not None
        assert live(graded) == GRADE.model_copy(update={**changes, "revision": 2})

    async def test_higher_or_the_same_happens_at_once(self, graded: Repositories) -> None:
        for sensitivity in (Sensitivity.RESTRICTED, Sensitivity.RESTRICTED):
            done = await change_or_propose(STEWARD, graded, PATH, {"sensitivity": sensitivity})
            assert (done.approval, live(graded).sensitivity) == (None, sensitivity)
        assert (await everything(graded))["approvals"] == []

    async def test_a_key_that_changed_it_at_once_stays_that(self, graded: Repositories) -> None:
        """Raised meanwhile, the same request would lower it now; it was carried out, and is not done again."""
        same = {"sensitivity": Sensitivity.CONFIDENTIAL, "label": "Class"}
        first = await change_or_propose(STEWARD, graded, PATH, same, KEY)
        await change_or_propose(OTHER, graded, PATH, {"sensitivity": Sensitivity.RESTRICTED})
        again = await change_or_propose(STEWARD, graded, PATH, same, KEY)
        assert (again.attribute, again.approval) == (first.attribute, None)

    async def test_a_key_that_proposed_it_stays_that(self, graded: Repositories) -> None:
        """Lowered meanwhile, the same request would change it now; it was proposed, and waits."""
        lower = {"sensitivity": Sensitivity.INTERNAL, "label": "Class"}
        first = await change_or_propose(STEWARD, graded, PATH, lower, KEY)
        await approve(graded, first)
        again = await change_or_propose(STEWARD, graded, PATH, lower, KEY)
        assert ((again.approval or {})["_id"], live(graded).revision) == ((first.approval or {})["_id"], 2)

    async def test_a_dry_run_and_a_refusal_propose_nothing(self, graded: Repositories) -> None:
        before = await everything(graded)
        lower = {"sensitivity": Sensitivity.INTERNAL}
        would_be = await change_or_propose(STEWARD, graded, PATH, lower, dry_run=True)
        assert (would_be.attribute.sensitivity, would_be.approval) == (Sensitivity.INTERNAL, None)
        with pytest.raises(Refused):
            await change_or_propose(STEWARD, graded, PATH, lower | {"label": " "})
        with pytest.raises(NotAllowed):
            await change_or_propose(MANAGER, graded, PATH, lower)
        assert await everything(graded) == before

    async def test_of_another_area(self, book: Repositories) -> None:
        lower = {"sensitivity": Sensitivity.PUBLIC}
        proposed = await change_or_propose(STEWARD, book, "team", lower, area="managers")
        assert (proposed.approval or {})["subject"] == "managers:team"
        await approve(book, proposed)
        found = book.feed.catalogue.find("team", "managers")
        assert found is not None
        assert found.sensitivity is Sensitivity.PUBLIC


class TestPerformers:
    def test_each_carries_out_an_act_that_there_is(self) -> None:
        assert set(PERFORMERS) <= set(RULES)
        assert {"ATTRIBUTE_CHANGE", "ATTRIBUTE_RETIRE"} <= set(PERFORMERS)
