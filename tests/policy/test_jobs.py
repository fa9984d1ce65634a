"""Whose jobs somebody sees."""

from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.decision import area_rows, rules_of
from policy.jobs import JOBS
from policy.rules import BUILT_IN
from policy.viewer import ROLES, Viewer, program


def test_ones_own_or_everybodys() -> None:
    seen = {role: area_rows(JOBS, rules_of(BUILT_IN, of(role)), of(role)) for role in ROLES}
    everybodys = {role for role, rows in seen.items() if rows is None}
    assert everybodys == {"administrator", "data_steward"}
    assert {rows for rows in seen.values() if rows is not None} == {Compare("by", Operator.EQ, "M001")}
    kehu = program("kehu-worker")
    assert area_rows(JOBS, rules_of(BUILT_IN, kehu), kehu) is None


def of(role: str) -> Viewer:
    return Viewer("M001", frozenset((role,)))
