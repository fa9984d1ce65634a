"""Predicates as values."""

from catalogue.filters import And, AnyItem, Compare, Not, Or, all_of, paths_of
from catalogue.kinds import Operator

A = Compare("profile.a", Operator.EQ, 1)
B = Compare("profile.b", Operator.IS_NULL, True)


class TestAllOf:
    def test_nothing(self) -> None:
        assert all_of() is None
        assert all_of(None, None) is None

    def test_one_stands_alone(self) -> None:
        assert all_of(None, A) is A

    def test_several_hold_at_once_in_order(self) -> None:
        assert all_of(A, None, B) == And((A, B))


class TestPathsOf:
    def test_nothing_looks_at_nothing(self) -> None:
        assert paths_of(None) == frozenset()

    def test_every_branch_counts(self) -> None:
        assert paths_of(And((Or((A, Not(B))), A))) == {"profile.a", "profile.b"}

    def test_paths_in_a_list_of_groups_are_whole(self) -> None:
        name = Compare("name", Operator.EQ, "Li")
        city = Compare("home.city", Operator.EQ, "Basel")
        assert paths_of(AnyItem("profile.people", And((name, city)))) == {
            "profile.people.name",
            "profile.people.home.city",
        }
