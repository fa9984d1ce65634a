"""Whose jobs somebody sees."""

import pytest

from catalogue.filters import Compare
from catalogue.kinds import Operator
from policy.decision import area_rows, rules_of
from policy.jobs import JOBS, TELLING
from policy.rules import BUILT_IN
from policy.viewer import ROLES, Viewer, program
from repositories.plan import ReadPlan
from tests.books import ACCESS
from worker.handlers import HANDLERS


def test_ones_own_or_everybodys() -> None:
    seen = {role: area_rows(JOBS, rules_of(BUILT_IN, of(role)), of(role)) for role in ROLES}
    everybodys = {role for role, rows in seen.items() if rows is None}
    assert everybodys == {"administrator", "data_steward"}
    assert {rows for rows in seen.values() if rows is not None} == {Compare("by", Operator.EQ, "M001")}
    kehu = program("kehu-worker")
    assert area_rows(JOBS, rules_of(BUILT_IN, kehu), kehu) is None


@pytest.mark.parametrize("kind", sorted(TELLING))
def test_jobs_that_tell_of_values_are_kinds_of_jobs(kind: str) -> None:
    assert kind in HANDLERS


def test_who_does_not_read_all_is_told_of_no_job_that_follows_from_values() -> None:
    steward = of("data_steward")
    rows = area_rows(JOBS, rules_of(BUILT_IN, steward), steward, reads_all=False)
    assert rows == Compare("kind", Operator.NOT_IN, tuple(sorted(TELLING)))
    manager = of("relationship_manager")
    own = Compare("by", Operator.EQ, "M001")
    assert area_rows(JOBS, rules_of(BUILT_IN, manager), manager, reads_all=False) == own


@pytest.mark.parametrize(("role", "is_told"), [("data_steward", False), ("administrator", True)])
def test_whoever_reads_what_anything_is_computed_from_is_told_of_them(role: str, is_told: bool) -> None:
    plan = ReadPlan(JOBS, frozenset())
    assert (ACCESS.authorise(plan, of(role)).rows is None) is is_told


def of(role: str) -> Viewer:
    return Viewer("M001", frozenset((role,)))
