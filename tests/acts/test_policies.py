"""Change the rule table: what it would mean for whom, and putting it in force by two people."""

from typing import Any

import pytest

from acts.approvals import Decision, decide_approval
from acts.checks import UNGUARDED, Guard
from acts.performers import PERFORMERS
from acts.policies import planned_policy, put_in_force
from acts.policies_approved import propose_policy
from catalogue.attribute import Facet, Sensitivity
from catalogue.errors import ErrorCode, Refused
from policy.rules import BUILT_IN, Right, RowScope
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.errors import StaleVersion
from repositories.mongo import Store
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import OTHER, SMALL, VIEWER, attribute, change, everything, open_book


def rule(role: str = "relationship_manager", **more: Any) -> dict[str, Any]:
    given = {"role": role, "rows": RowScope.TEAM, "sensitivity": Sensitivity.INTERNAL, "rights": frozenset()}
    return given | more


@pytest.fixture
async def book(store: Store) -> Repositories:
    """Two areas share a word."""
    shared = (attribute("behaviour.outcome"), attribute("outcome", area="interactions"))
    return await open_book(store, SMALL.with_attributes(shared))


class TestPlannedPolicy:
    async def test_a_path_is_of_one_area(self, book: Repositories) -> None:
        read: dict[str, Any] = {"rows": RowScope.OWN, "sensitivity": Sensitivity.CONFIDENTIAL}
        for path, other in (
            ("interactions:outcome", "behaviour.outcome"),
            ("behaviour.outcome", "interactions:outcome"),
        ):
            (effect,) = (await planned_policy(VIEWER, book, {"rules": [rule(deny=(path,), **read)]}, 0)).effects
            assert path in effect.unreadable
            assert other not in effect.unreadable
        closed: dict[str, Any] = {"rows": RowScope.OWN, "sensitivity": None}
        for name in ("allow", "mask"):
            new = rule(**(closed | {name: ("interactions:outcome",)}))
            (effect,) = (await planned_policy(VIEWER, book, {"rules": [new]}, 0)).effects
            assert "interactions:outcome" not in effect.unreadable
            assert "behaviour.outcome" in effect.unreadable

    async def test_says_what_would_change_for_whom(self, book: Repositories) -> None:
        record = {ID: "mg_1", "person": "M001"}
        await book.managers.insert(record, change({"name": "Li", "roles": ["relationship_manager"]}))
        new = rule(sensitivity=Sensitivity.CONFIDENTIAL, deny=("profile.location",), mask=("profile.name",))
        before = await everything(book)
        outcome = await planned_policy(VIEWER, book, {"rules": [new]}, 0)
        (effect,) = outcome.effects
        assert (effect.role, effect.people) == ("relationship_manager", 1)
        assert (effect.rows_before, effect.rows_after) == ("OWN", "TEAM")
        assert effect.unreadable == ("profile.location", "profile.location.city")
        assert (effect.readable, effect.masked) == ((), ())
        assert effect.rights_lost == ("CHANGE_CLIENTS", "EXPORT_CLIENTS", "RECORD_CONTACTS")
        assert outcome.policy.revision == 1
        assert await everything(book) == before

    async def test_what_is_masked_is_neither_read_nor_hidden(self, book: Repositories) -> None:
        (effect,) = (await planned_policy(VIEWER, book, {"rules": [rule(mask=("profile.name",))]}, 0)).effects
        assert "profile.name" in effect.masked
        assert "profile.name" not in effect.unreadable
        assert "profile.tags" in effect.unreadable

    async def test_a_facet_may_have_a_level_of_its_own(self, book: Repositories) -> None:
        new = rule(rows=RowScope.OWN, sensitivity=Sensitivity.CONFIDENTIAL, facets={Facet.ATTITUDE: None})
        (effect,) = (await planned_policy(VIEWER, book, {"rules": [new]}, 0)).effects
        assert effect.unreadable == ("attitude.remarks", "attitude.satisfaction")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"rules": [rule("king")]}, "king"),
            ({"rules": [rule(allow=("profile.nothing",))]}, "profile.nothing"),
            ({"rules": [rule(deny=("outcome",))]}, "perhaps behaviour.outcome or interactions:outcome"),
            ({"rules": [rule(enter=("interactions:profile.name",))]}, "perhaps .*profile.name"),
            ({"rules": [rule(mask=("behaviour.outcme",))]}, "perhaps behaviour.outcome"),
            ({"rules": [rule(deny=("interactions",))]}, "those of other areas as interactions:outcome"),
            ({"rules": [rule(sensitivity=Sensitivity.RESTRICTED)]}, "by purpose only"),
            ({"rules": [rule(purposes=("FUN",))]}, "FUN"),
            ({"rules": [rule("administrator")]}, "change the policy back"),
            ({"group_floor": 0}, "at least 1"),
        ],
    )
    async def test_refused(self, book: Repositories, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(Refused, match=words) as refused:
            await planned_policy(VIEWER, book, changes, 0)
        assert refused.value.code is ErrorCode.INVALID_VALUE

    async def test_of_another_revision(self, book: Repositories) -> None:
        with pytest.raises(StaleVersion):
            await planned_policy(VIEWER, book, {"group_floor": 3}, 4)

    async def test_takes_the_right(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed, match="CHANGE_POLICY"):
            await planned_policy(Viewer("x", frozenset(("auditor",))), book, {}, 0)


class TestPutInForce:
    async def test_is_in_force_here_at_once(self, book: Repositories) -> None:
        policy = BUILT_IN.model_copy(update={"revision": 1, "group_floor": 9})
        await put_in_force(book, policy, "M001", "a try")
        assert book.feed.policy == policy
        assert [each["by"] for each in await book.policies.history(5)] == ["M001"]
        assert await put_in_force(book, policy, "M001", "the same once more") == policy

    async def test_another_one_may_have_come_first(self, book: Repositories) -> None:
        await put_in_force(book, BUILT_IN.model_copy(update={"revision": 1, "group_floor": 9}), "M001", None)
        with pytest.raises(StaleVersion):
            await put_in_force(book, BUILT_IN.model_copy(update={"revision": 1, "group_floor": 8}), "M002", None)


class TestProposePolicy:
    async def test_waits_for_another_administrator(self, book: Repositories) -> None:
        new = rule(rights=frozenset((Right.CHANGE_CLIENTS,)))
        guard = Guard(0, "k")
        outcome, approval = await propose_policy(VIEWER, book, {"rules": [new]}, guard, reason="teams share clients")
        assert approval is not None
        assert "relationship_manager" in approval["summary"]
        assert book.feed.policy.revision == 0
        again = await propose_policy(VIEWER, book, {"rules": [new]}, guard, reason="teams share clients")
        assert again[1] is not None
        assert again[1][ID] == approval[ID]
        with pytest.raises(NotAllowed):
            await decide_approval(VIEWER, book, str(approval[ID]), Decision(True), UNGUARDED, PERFORMERS)
        await decide_approval(OTHER, book, str(approval[ID]), Decision(True, "agreed"), UNGUARDED, PERFORMERS)
        assert book.feed.policy == outcome.policy
        assert book.feed.policy.rule("relationship_manager").rows is RowScope.TEAM  # type: ignore[union-attr]

    async def test_a_dry_run_proposes_nothing(self, book: Repositories) -> None:
        before = await everything(book)
        _, approval = await propose_policy(VIEWER, book, {"group_floor": 3}, Guard(0), dry_run=True)
        assert approval is None
        assert await everything(book) == before
