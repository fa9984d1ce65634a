"""The one place where a decision meets a plan; nothing is read without it."""

from dataclasses import replace

import pytest

from catalogue.catalogue import UnknownAttribute
from catalogue.errors import ErrorCode, Refused
from catalogue.filters import And, Compare, Filter, Or
from catalogue.kinds import Operator
from policy.approvals import APPROVALS, approval_rows
from policy.decision import NOBODY
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.errors import NotFound
from repositories.plan import ID, Page, ReadPlan
from repositories.repositories import Repositories
from tests.books import ACCESS, change, everything, insert

MINE = Compare("managerId", Operator.EQ, "mg_1")
ACTIVE = Compare("stage", Operator.EQ, "ACTIVE")
RM = Viewer("M001", frozenset({"relationship_manager"}), manager_id="mg_1")
LEAD = Viewer("L001", frozenset({"team_lead"}), "north")
AUDITOR = Viewer("A001", frozenset({"auditor"}))
GRANTED = Viewer("M001", RM.roles, manager_id="mg_1", granted=frozenset({"cl_9"}), walled=frozenset({"cl_8"}))


class TestAuthorise:
    @pytest.mark.parametrize(
        ("viewer", "asked", "allowed"),
        [
            (RM, None, MINE),
            (RM, ACTIVE, And((MINE, ACTIVE))),
            (AUDITOR, ACTIVE, ACTIVE),
            (AUDITOR, None, None),
            (LEAD, None, Compare("team", Operator.EQ, "north")),
            (Viewer("M9", RM.roles), None, NOBODY),
            (Viewer("M9", frozenset()), ACTIVE, And((NOBODY, ACTIVE))),
            (Viewer("M9", frozenset({"king"})), None, NOBODY),
            (
                GRANTED,
                None,
                And((Or((MINE, Compare(ID, Operator.IN, ("cl_9",)))), Compare(ID, Operator.NOT_IN, ("cl_8",)))),
            ),
        ],
    )
    def test_narrows_the_filter(self, viewer: Viewer, asked: Filter | None, allowed: Filter | None) -> None:
        plan = ReadPlan("clients", frozenset(), asked)
        authorised = ACCESS.authorise(plan, viewer)
        assert (authorised.plan, authorised.filter, authorised.principal) == (plan, allowed, viewer.person)

    def test_a_code_that_does_not_exist_is_refused_of_what_may_be_read_alone(self) -> None:
        plan = ReadPlan("clients", frozenset(), Compare("profile.industry", Operator.NE, "COAL"))
        with pytest.raises(Refused, match="takes one of STEEL, TEA") as refused:
            ACCESS.authorise(plan, AUDITOR)
        assert refused.value.path == ("where", "profile", "industry", "ne")
        with pytest.raises(UnknownAttribute) as unknown:
            ACCESS.authorise(plan, Viewer("S1", frozenset({"data_steward"})))
        assert "STEEL" not in unknown.value.message

    async def test_holds_for_every_way_to_read_and_write(self, book: Repositories) -> None:
        mine, other = await insert(book, "A", {"managerId": "mg_1"}), await insert(book, "B", {"managerId": "mg_2"})
        everyone = ACCESS.authorise(ReadPlan("clients", frozenset(("number",)), page=Page(10)), RM)
        assert [each[ID] for each in (await book.clients.read_page(everyone)).documents] == [mine]
        assert await book.clients.count(everyone) == 1
        assert set(await book.clients.load_many(everyone, {mine, other})) == {mine}
        one = ACCESS.authorise(ReadPlan("clients", frozenset(), Compare(ID, Operator.EQ, other)), RM)
        assert await book.clients.find_one(one) is None
        rows = ACCESS.rows(RM, Right.CHANGE_CLIENTS)
        assert await book.clients.existing({mine, other}, rows) == {mine}
        before = await everything(book)
        with pytest.raises(NotFound):
            await book.clients.write(other, change({"stage": "LOST"}, where=rows), everyone)
        assert await everything(book) == before


class TestRequire:
    def test_says_who_could(self) -> None:
        with pytest.raises(NotAllowed) as refused:
            ACCESS.require(RM, Right.DEFINE_ATTRIBUTES)
        assert refused.value.code is ErrorCode.NOT_ALLOWED
        assert "(relationship_manager)" in refused.value.message
        assert "data_steward, administrator" in refused.value.message

    def test_lets_through_who_may(self) -> None:
        ACCESS.require(Viewer("S", frozenset({"data_steward"})), Right.DEFINE_ATTRIBUTES)


class TestApprovals:
    @pytest.mark.parametrize("viewer", [RM, Viewer("A001", frozenset(("auditor",)))])
    def test_have_rows_of_their_own(self, viewer: Viewer) -> None:
        authorised = ACCESS.authorise(ReadPlan(APPROVALS, frozenset()), viewer)
        assert authorised.filter == authorised.rows == approval_rows(viewer)


class TestSeenAlike:
    def test_a_purpose_that_the_policy_does_not_know_is_none(self) -> None:
        """Else whoever names a new one with each request pushes out what is remembered for everybody."""
        known = replace(RM, purpose="CREDIT_REVIEW")
        assert ACCESS.seen_alike(replace(RM, purpose="XYZ")) == ACCESS.seen_alike(RM) != ACCESS.seen_alike(known)
        assert ACCESS.view(replace(RM, purpose="XYZ")) is ACCESS.view(RM)
