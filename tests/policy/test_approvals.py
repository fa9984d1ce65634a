"""Four eyes: who may propose, decide and withdraw, who sees what, and where an approval stands at a moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from catalogue.attribute import Sensitivity, Status
from catalogue.filters import Compare, Or
from catalogue.kinds import Operator
from policy.approvals import (
    CARRY_OUT_SECONDS,
    RULES,
    ApprovalStatus,
    approval_rows,
    attribute_act,
    is_left_unfinished,
    may_decide,
    may_propose,
    may_withdraw,
    status_at,
)
from policy.viewer import ROLES, Viewer
from tests.books import attribute

AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
PEOPLE = some.sampled_from(("M001", "M002", "M003"))
VIEWERS = some.builds(Viewer, PEOPLE, some.frozensets(some.sampled_from(ROLES)))
ACTS = some.sampled_from(sorted(RULES))


def approval(act: str = "ATTRIBUTE_RETIRE", by: str = "M001", **more: object) -> dict[str, Any]:
    """An approval as it is stored."""
    rule = RULES[act]
    own = {"act": act, "proposedBy": by, "mayDecide": list(rule.may_decide), "why": rule.why}
    return {**own, "status": "REQUESTED", "expiresAt": AT + timedelta(days=14), **more}


class TestRules:
    def test_who_proposes_and_who_decides(self) -> None:
        assert {act: (set(rule.may_propose), set(rule.may_decide)) for act, rule in RULES.items()} == {
            "ATTRIBUTE_CHANGE": ({"data_steward", "administrator"}, {"data_steward", "administrator"}),
            "ATTRIBUTE_COMPUTE": ({"data_steward", "administrator"}, {"data_steward", "administrator"}),
            "ATTRIBUTE_RETIRE": ({"data_steward", "administrator"}, {"data_steward", "administrator"}),
            "CLIENT_ERASE": ({"relationship_manager", "team_lead", "administrator"}, {"administrator"}),
            "CLIENT_MERGE": (
                {"relationship_manager", "team_lead", "data_steward", "administrator"},
                {"data_steward", "administrator"},
            ),
            "CLIENTS_DELETE": ({"data_steward", "administrator"}, {"administrator"}),
            "POLICY_CHANGE": ({"administrator"}, {"administrator"}),
            "RESTRICTED_EXPORT": ({"risk_officer", "auditor", "administrator"}, {"risk_officer", "administrator"}),
            "ROLE_GRANT": ({"administrator"}, {"administrator"}),
        }

    @pytest.mark.parametrize("act", RULES)
    def test_names_roles_that_there_are_and_says_why(self, act: str) -> None:
        assert {*RULES[act].may_propose, *RULES[act].may_decide} <= set(ROLES)
        assert RULES[act].why.endswith(".")


class TestFourEyes:
    @given(VIEWERS, PEOPLE, ACTS)
    def test_never_the_proposer_and_nobody_without_a_role(self, viewer: Viewer, proposer: str, act: str) -> None:
        reason = may_decide(viewer, approval(act, proposer))
        is_entitled = viewer.person != proposer and bool(viewer.roles & set(RULES[act].may_decide))
        assert (reason is None) is is_entitled

    @given(VIEWERS, ACTS)
    def test_only_the_roles_of_the_rule_propose(self, viewer: Viewer, act: str) -> None:
        assert (may_propose(viewer, act) is None) is bool(viewer.roles & set(RULES[act].may_propose))

    @given(VIEWERS, PEOPLE)
    def test_only_the_proposer_withdraws(self, viewer: Viewer, proposer: str) -> None:
        assert (may_withdraw(viewer, approval(by=proposer)) is None) is (viewer.person == proposer)

    def test_says_why_not(self) -> None:
        steward, auditor = frozenset(("data_steward",)), frozenset(("auditor",))
        assert may_decide(Viewer("M001", steward), approval()) == (
            "You proposed this yourself, so another person decides. You can withdraw it."
        )
        words = may_decide(Viewer("M002", auditor), approval()) or ""
        assert words.startswith("ATTRIBUTE_RETIRE is decided by a data_steward or an administrator. A retired")
        assert may_propose(Viewer("M002", auditor), "POLICY_CHANGE") == (
            "POLICY_CHANGE is proposed by an administrator; ask one of them to."
        )
        assert may_withdraw(Viewer("M002", steward), approval()) == (
            "Only M001, who proposed this, withdraws it. Who may decide can refuse it instead."
        )


class TestRows:
    def test_ones_own_and_what_ones_roles_decide(self) -> None:
        own = Compare("proposedBy", Operator.EQ, "M001")
        roles = Compare("mayDecide", Operator.CONTAINS_ANY, ("data_steward", "team_lead"))
        assert approval_rows(Viewer("M001", frozenset(("team_lead", "data_steward")))) == Or((own, roles))

    @pytest.mark.parametrize("role", ROLES)
    def test_all_of_them_for_the_auditor_and_the_administrator(self, role: str) -> None:
        is_all = approval_rows(Viewer("M001", frozenset((role,)))) is None
        assert is_all is (role in ("auditor", "administrator"))


class TestStatusAt:
    @pytest.mark.parametrize("stored", ApprovalStatus)
    def test_only_a_waiting_one_expires(self, stored: ApprovalStatus) -> None:
        one = approval(status=str(stored), expiresAt=AT)
        later = ApprovalStatus.EXPIRED if stored is ApprovalStatus.REQUESTED else stored
        assert [status_at(one, AT - timedelta(milliseconds=1)), status_at(one, AT)] == [stored, later]


class TestIsLeftUnfinished:
    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({}, True),
            ({"status": "REFUSED"}, False),
            ({"carriedOutAt": AT}, False),
            ({"outcomeErrors": [{"code": "NOT_FOUND"}]}, False),
        ],
    )
    def test_approved_a_minute_ago_and_nothing_came_of_it(self, more: dict[str, object], expected: bool) -> None:
        one = approval() | {"status": "APPROVED", "decidedAt": AT} | more
        left = AT + timedelta(seconds=CARRY_OUT_SECONDS)
        assert is_left_unfinished(one, left) is expected
        assert is_left_unfinished(one, left - timedelta(milliseconds=1)) is False


class TestAttributeAct:
    @pytest.mark.parametrize("before", Sensitivity)
    @pytest.mark.parametrize("after", Sensitivity)
    def test_lower_but_not_higher(self, before: Sensitivity, after: Sensitivity) -> None:
        order = ["PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED"]
        is_lower = order.index(after) < order.index(before)
        one, other = (attribute("profile.a", sensitivity=each) for each in (before, after))
        assert attribute_act(one, other) == ("ATTRIBUTE_CHANGE" if is_lower else None)

    def test_retired_and_new(self) -> None:
        live = attribute("profile.a")
        retired = live.model_copy(update={"status": Status.RETIRED, "sensitivity": Sensitivity.PUBLIC})
        assert attribute_act(live, retired) == "ATTRIBUTE_RETIRE"
        assert attribute_act(None, retired) is None
        assert attribute_act(live, live.model_copy(update={"status": Status.DEPRECATED})) is None
