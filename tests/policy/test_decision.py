"""Which clients a viewer may read and act on, by exact value."""

import pytest

from catalogue.attribute import Sensitivity
from catalogue.filters import And, Compare, Filter, Or
from catalogue.kinds import Operator
from policy.decision import NOBODY, client_rows, group_rows, is_within, rights_of, rules_of
from policy.rules import BUILT_IN, PURPOSES, Policy, Right, RoleRule, RowScope
from policy.viewer import Viewer, program

OWN = Compare("managerId", Operator.EQ, "mg_1")
TEAM = Compare("team", Operator.EQ, "north")
REGION = Compare("region", Operator.EQ, "west")
WALL = Compare("_id", Operator.NOT_IN, ("cl_8",))
GRANT = Compare("_id", Operator.IN, ("cl_9",))
EVERY = {"manager_id": "mg_1", "team": "north", "region": "west"}


def viewer(*roles: str, **more: object) -> Viewer:
    return Viewer("M001", frozenset(roles), **more)  # type: ignore[arg-type]


def rule(rows: RowScope, group_rows: RowScope | None = None) -> RoleRule:
    return RoleRule(role="r", rows=rows, group_rows=group_rows, sensitivity=None)


class TestClientRows:
    @pytest.mark.parametrize(
        ("rows", "facts", "expected"),
        [
            (RowScope.ALL, {}, None),
            (RowScope.ALL, {"walled": frozenset({"cl_8"})}, WALL),
            (RowScope.NONE, EVERY, NOBODY),
            (RowScope.NONE, {"granted": frozenset({"cl_9"})}, NOBODY),
            (RowScope.GRANTED, {"granted": frozenset({"cl_9"})}, GRANT),
            (RowScope.GRANTED, EVERY, NOBODY),
            (RowScope.OWN, EVERY, OWN),
            (RowScope.OWN, {"team": "north"}, NOBODY),
            (RowScope.TEAM, EVERY, TEAM),
            (RowScope.REGION, EVERY, REGION),
            (RowScope.OWN, EVERY | {"granted": frozenset({"cl_9"})}, Or((OWN, GRANT))),
            (RowScope.OWN, EVERY | {"walled": frozenset({"cl_8"})}, And((OWN, WALL))),
        ],
    )
    def test_of_one_rule(self, rows: RowScope, facts: dict[str, object], expected: Filter | None) -> None:
        assert client_rows([rule(rows)], viewer("r", **facts)) == expected

    def test_rows_of_several_roles_add_up(self) -> None:
        assert client_rows([rule(RowScope.OWN), rule(RowScope.TEAM)], viewer(**EVERY)) == Or((OWN, TEAM))

    def test_without_a_rule_there_is_nobody(self) -> None:
        assert client_rows([], viewer("king", **EVERY)) == NOBODY

    def test_a_right_is_good_for_the_rows_of_the_roles_that_give_it(self) -> None:
        both = rules_of(BUILT_IN, viewer("relationship_manager", "risk_officer"))
        who = viewer("relationship_manager", "risk_officer", **EVERY)
        assert client_rows(both, who) is None
        assert client_rows(both, who, Right.CHANGE_CLIENTS) == OWN
        assert client_rows(both, who, Right.CHANGE_POLICY) == NOBODY


class TestGroupRows:
    def test_are_the_same_unless_the_rule_has_its_own(self) -> None:
        assert group_rows([rule(RowScope.OWN)], viewer(**EVERY)) == OWN
        assert group_rows([rule(RowScope.NONE, RowScope.ALL)], viewer(**EVERY)) is None


class TestIsWithin:
    @pytest.mark.parametrize(
        ("record", "expected"),
        [
            ({"_id": "cl_1", "managerId": "mg_1"}, True),
            ({"_id": "cl_9", "managerId": "mg_2"}, True),
            ({"_id": "cl_8", "managerId": "mg_1"}, False),
            ({"_id": "cl_2", "managerId": "mg_2"}, False),
            ({"_id": "cl_2"}, False),
        ],
    )
    def test_agrees_with_the_filter(self, record: dict[str, object], expected: bool) -> None:
        assert is_within(And((Or((OWN, GRANT)), WALL)), record) is expected

    def test_everybody_is_within_no_limit(self) -> None:
        assert is_within(None, {})
        assert not is_within(NOBODY, {"_id": "cl_1"})


class TestRulesOf:
    def test_in_the_order_of_the_table(self) -> None:
        found = rules_of(BUILT_IN, viewer("auditor", "relationship_manager", "king"))
        assert [each.role for each in found] == ["relationship_manager", "auditor"]

    def test_commands_of_kehu_may_do_all(self) -> None:
        assert rights_of(rules_of(BUILT_IN, program("kehu-import"))) == frozenset(Right)


class TestPolicy:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"rules": (rule(RowScope.OWN), rule(RowScope.ALL))}, "one rule"),
            ({"rules": (RoleRule(role="system", rows=RowScope.ALL, sensitivity=None),)}, "Kehu's own"),
            (
                {"rules": (RoleRule(role="r", rows=RowScope.ALL, sensitivity=Sensitivity.RESTRICTED),)},
                "by purpose only",
            ),
            ({"rules": (RoleRule(role="r", rows=RowScope.ALL, sensitivity=None, purposes=("FUN",)),)}, "FUN"),
            ({"group_floor": 0}, "at least 1"),
        ],
    )
    def test_is_consistent(self, changes: dict[str, object], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Policy.model_validate(BUILT_IN.model_dump() | {"purposes": PURPOSES} | changes)

    def test_survives_the_way_to_the_database(self) -> None:
        assert Policy.model_validate(BUILT_IN.model_dump(mode="json")) == BUILT_IN
