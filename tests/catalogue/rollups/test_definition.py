"""What a rollup may be: each problem with its place, and what becomes of a definition."""

from typing import Any

import pytest

from catalogue.attribute import Attribute, FormulaState, Sensitivity, Status
from catalogue.builtin import builtin_catalogue
from catalogue.catalogue import Catalogue
from catalogue.errors import Refused
from catalogue.formulas.graph import graph_of
from catalogue.kinds import Kind
from catalogue.rollups.definition import rollup_problems, settled_rollup, where_text
from catalogue.rollups.reading import member_paths
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

    def test_a_draft_is_published_at_the_level_of_what_it_reads(self) -> None:
        rollup = Rollup(area="interactions", function=RollupFunction.COUNT)
        draft = attribute("derived.x", Kind.LONG, rollup=rollup, sensitivity=Sensitivity.PUBLIC, status=Status.DRAFT)
        published = draft.model_copy(update={"status": Status.PUBLISHED})
        before = BOOK.with_attributes([draft])
        (found,) = rollup_problems(before, before.with_attributes([published]), "derived.x")
        assert found.path == ("sensitivity",)


class TestSegments:
    """A rollup for the members of a segment reads what the segment's filter looks at."""

    WHERE = '{"attitude":{"satisfaction":{"gte":8}},"stage":{"eq":"ACTIVE"}}'

    def made(self, **more: Any) -> Attribute:
        rollup = Rollup(area="interactions", function=RollupFunction.COUNT, segment="S")
        return attribute("derived.x", Kind.LONG, rollup=rollup, **{"segment_where": self.WHERE, **more})

    def messages(self, before: Catalogue, after: Catalogue, path: str = "derived.x") -> list[str]:
        return [each.message for each in rollup_problems(before, after, path)]

    def test_its_inputs_are_known_and_the_graph_computes_it(self) -> None:
        made = self.made()
        book = BOOK.with_attributes([made])
        assert self.messages(BOOK, book) == []
        assert member_paths(book, made) == {"attitude.satisfaction", "stage"}
        assert graph_of(book).hanging_on(["stage"])[:1] == ["derived.x"]
        assert "derived.x" in graph_of(book).users("attitude.satisfaction")
        settled = settled_rollup(None, made, frozenset(("at",)), member_paths(book, made))
        assert settled.derived_from == ("attitude.satisfaction", "interactions:at", "stage")
        other = made.model_copy(update={"segment_where": '{"stage":{"eq":"LOST"}}', "revision": 2})
        assert settled_rollup(made, other, frozenset()).formula_revision == 2

    def test_a_filter_that_cannot_be_read_and_one_over_what_is_encrypted(self) -> None:
        gone = self.made(segment_where='{"profile":{"nothing":{"eq":1}}}')
        assert member_paths(BOOK, gone) == frozenset()
        (found,) = rollup_problems(BOOK, BOOK.with_attributes([gone]), "derived.x")
        assert found.path == ("rollup", "segment")
        secret = attribute("profile.secret", Kind.STRING, sensitivity=Sensitivity.RESTRICTED)
        wanted = self.made(segment_where='{"profile":{"secret":{"isNull":true}}}')
        (message,) = self.messages(BOOK, BOOK.with_attributes([secret, wanted]))
        assert message == "profile.secret is RESTRICTED: its values are encrypted."

    def test_no_circle_and_no_less_secret(self) -> None:
        itself = self.made(segment_where='{"derived":{"x":{"gte":1}}}')
        (message,) = self.messages(BOOK, BOOK.with_attributes([itself]))
        assert message.startswith("Its segment would make a circle: derived.x reads derived.x.")
        (message,) = self.messages(BOOK, BOOK.with_attributes([self.made(sensitivity=Sensitivity.INTERNAL)]))[-1:]
        assert "its segment S looks at attitude.satisfaction, which is CONFIDENTIAL" in message

    def test_what_it_looks_at_stays_readable(self) -> None:
        open_one = attribute("profile.grade", Kind.LONG)
        before = BOOK.with_attributes([open_one, self.made(segment_where='{"profile":{"grade":{"gte":1}}}')])
        gone = open_one.model_copy(update={"status": Status.RETIRED})
        (message,) = self.messages(before, before.with_attributes([gone]), "profile.grade")
        assert message.startswith("profile.grade is read by the rollup of derived.x, which could not be computed:")


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
