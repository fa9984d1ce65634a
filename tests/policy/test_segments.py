"""Which segments somebody may know of."""

from catalogue.filters import Compare, Not
from catalogue.kinds import Operator
from policy.segments import segment_rows


class TestSegmentRows:
    def test_none_that_looks_at_what_may_not_be_used(self) -> None:
        assert segment_rows({"b", "a"}) == Not(Compare("paths", Operator.CONTAINS_ANY, ("a", "b")))

    def test_all_of_them_for_whoever_may_use_everything(self) -> None:
        assert segment_rows(frozenset()) is None
