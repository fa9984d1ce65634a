"""What a rollup may be: each problem with its place, and what becomes of a definition."""

from typing import Any

import pytest

from catalogue.attribute import FormulaState, Sensitivity
from catalogue.builtin import builtin_catalogue
from catalogue.errors import Refused
from catalogue.kinds import Kind
from catalogue.rollups.definition import rollup_problems, settled_rollup, where_text
from catalogue.rollups.rollup import Rollup, RollupFunction
from tests.books import attribute

BOOK = builtin_catalogue()


def problems(kind: Kind = Kind.LONG, attribute_more: dict[str, Any] | None = None, **given: Any) -> list[str]:
    rollup = Rollup(**{"area": "interactions", "function": RollupFunction.COUNT, **given})
    wanted = attribute("derived.x", kind, rollup=rollup, **(attribute_more or {}))
    found = rollup_problems(BOOK, BOOK.with_attributes([wanted]), "derived.x")
    return [".".join(each.path) for each in found]


class TestProblems:
    def test_what_is_allowed(self) -> None:
        assert problems() == []
        assert problems(days=90, where='{"outcome":{"in":["AGREED"]},"signals":{"any":{"kind":{"eq":"NEED"}}}}') == []
        assert problems(Kind.NUMBER, function="AVERAGE", of="duration", over="nextStepOn") == []
        assert problems(Kind.STRING, function="LATEST", of="outcome") == []

    @pytest.mark.parametrize(
        ("given", "place"),
        [
            ({"area": "managers"}, "rollup.area"),
            ({"function": "SUM"}, "rollup.of"),
            ({"function": "SUM", "of": "place"}, "rollup.of"),
            ({"function": "SUM", "of": "nothing"}, "rollup.of"),
            ({"function": "LATEST", "of": "signals.words"}, "rollup.of"),
            ({"function": "AVERAGE", "of": "duration"}, "rollup.function"),
            ({"function": "LATEST", "of": "at"}, "rollup.function"),
            ({"over": "duration"}, "rollup.over"),
            ({"days": 0}, "rollup.days"),
            ({"where": '{"outcome":{"like":"A"}}'}, "rollup.where.outcome.like"),
            ({"where": '{"profile":{"name":{"eq":"A"}}}'}, "rollup.where.profile"),
            ({"where": "{}"}, "rollup.where"),
        ],
    )
    def test_what_is_not(self, given: dict[str, Any], place: str) -> None:
        assert problems(**given) == [place]

    @pytest.mark.parametrize(
        ("more", "place"),
        [
            ({"formula": "1"}, "rollup"),
            ({"is_list": True}, "rollup"),
            ({"retain_days": 3}, "retainDays"),
            ({"sensitivity": Sensitivity.PUBLIC}, "sensitivity"),
        ],
    )
    def test_attributes_that_cannot_have_one(self, more: dict[str, Any], place: str) -> None:
        assert place in problems(attribute_more=more)


class TestSettledRollup:
    def test_new_changed_and_gone(self) -> None:
        rollup = Rollup(area="interactions", function=RollupFunction.COUNT)
        new = settled_rollup(None, attribute("derived.x", Kind.LONG, rollup=rollup), frozenset(("at",)))
        assert (new.derived_from, new.formula_state, new.formula_revision) == (
            ("interactions:at",),
            FormulaState.SWITCHING,
            1,
        )
        done = new.model_copy(update={"formula_state": None, "revision": 2, "label": "Other"})
        assert settled_rollup(new.model_copy(update={"formula_state": None}), done, frozenset()) is done
        gone = settled_rollup(done, done.model_copy(update={"rollup": None, "revision": 3}), frozenset())
        assert (gone.formula_state, gone.formula_revision, gone.derived_from) == (None, 0, ("interactions:at",))


class TestWhereText:
    def test_the_same_for_the_same(self) -> None:
        assert where_text({"b": 1, "a": {"eq": "x"}}) == where_text('{"a": {"eq": "x"}, "b": 1}')

    @pytest.mark.parametrize("given", ["{", float("nan"), {"a": "x" * 20_001}])
    def test_no_filter(self, given: object) -> None:
        with pytest.raises(Refused):
            where_text(given)
