"""Whether an attribute may have its formula, and what others have against its change."""

import json
from typing import Any

import pytest

from catalogue.attribute import Attribute, ClientKind, FormulaState, Sensitivity, Status
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.formulas.definition import formula_problems, settled
from catalogue.kinds import Kind
from tests.books import attribute
from tests.formula_words import INPUTS


def derived(formula: object, kind: Kind = Kind.NUMBER, path: str = "derived.x", **more: Any) -> Attribute:
    return attribute(path, kind, formula=None if formula is None else json.dumps(formula), **more)


def problems(wanted: Attribute, before: Catalogue = INPUTS) -> list[Problem]:
    return formula_problems(before, before.with_attributes((wanted,)), wanted.path)


class TestFormulaProblems:
    def test_a_right_one_has_none(self) -> None:
        assert problems(derived({"$divide": ["$profile.employees", 2]})) == []

    @pytest.mark.parametrize(
        ("wanted", "words"),
        [
            (derived("$profile.share", path="profile.x"), "facet derived"),
            (derived("$profile.share", Kind.LONG), "wrap it in $toLong"),
            (derived("$profile.employees", Kind.STRING), "takes STRING"),
            (derived("$behaviour.seenAt", Kind.DATE), "$dateTrunc"),
            (derived("$profile.tags", Kind.STRING), "it is a list"),
            (derived("$profile.name", Kind.EMAIL), "and no EMAIL"),
            (derived("$profile.share", Kind.GROUP), "and no GROUP"),
            (derived("$profile.share", sensitivity=Sensitivity.RESTRICTED), "encrypted"),
            (derived("$profile.name", Kind.STRING, is_searchable=True), "isSearchable"),
            (derived("$profile.share", retain_days=3), "retainDays"),
            (derived("$profile.share", required_for=(ClientKind.PERSON,)), "requiredFor"),
            (derived("$profile.name", Kind.STRING, pattern="a+"), "pattern"),
            (derived("$profile.share", sensitivity=Sensitivity.PUBLIC), "Set sensitivity to CONFIDENTIAL"),
            (derived({"$add": ["$derived.x", 1]}), "the attribute itself"),
        ],
    )
    def test_in_words(self, wanted: Attribute, words: str) -> None:
        found = problems(wanted)
        assert words in found[0].message
        assert {each.code for each in found} == {ErrorCode.FORMULA_REFUSED}

    def test_kinds_that_hold_more_take_less(self) -> None:
        for given, kind in (("$profile.employees", Kind.NUMBER), ("$profile.share", Kind.DECIMAL), (None, Kind.DATE)):
            assert problems(derived({"$ifNull": [given, None]}, kind)) == []
        assert problems(derived("$profile.foundedOn", Kind.DATETIME)) == []
        assert problems(derived("$profile.tags", Kind.TEXT, is_list=True)) == []

    def test_a_circle(self) -> None:
        before = INPUTS.with_attributes((derived("$derived.y"), attribute("derived.y", Kind.NUMBER)))
        found = problems(derived("$derived.x", path="derived.y"), before)
        assert "derived.y reads derived.x reads derived.y" in found[0].message

    @pytest.mark.parametrize(
        "change",
        [
            {"status": Status.RETIRED},
            {"sensitivity": Sensitivity.RESTRICTED},
        ],
    )
    def test_what_is_read_cannot_go(self, change: dict[str, Any]) -> None:
        before = INPUTS.with_attributes((derived("$profile.share"),))
        found = problems(attribute("profile.share", Kind.NUMBER, **change), before)
        assert "read by the formula of derived.x" in found[0].message

    def test_a_draft_is_published_at_the_level_of_what_it_reads(self) -> None:
        draft = derived("$profile.share", sensitivity=Sensitivity.PUBLIC, status=Status.DRAFT)
        published = derived("$profile.share", sensitivity=Sensitivity.PUBLIC)
        (found,) = problems(published, INPUTS.with_attributes((draft,)))
        assert "Set sensitivity to CONFIDENTIAL" in found.message

    def test_a_higher_level_of_what_is_read_is_no_problem(self) -> None:
        open_ = INPUTS.with_attributes((attribute("profile.share", Kind.NUMBER, sensitivity=Sensitivity.PUBLIC),))
        before = open_.with_attributes((derived("$profile.share", sensitivity=Sensitivity.PUBLIC),))
        assert problems(attribute("profile.share", Kind.NUMBER), before) == []
        label = derived("$profile.share", sensitivity=Sensitivity.PUBLIC, label="Other")
        assert problems(label, before.with_attributes((attribute("profile.share", Kind.NUMBER),))) == []


class TestSettled:
    def test_a_first_formula_takes_its_place_at_once(self) -> None:
        found = settled(None, derived("$profile.share"), frozenset(("profile.share",)))
        assert (found.formula_state, found.formula_revision, found.derived_from) == (
            FormulaState.SWITCHING,
            1,
            ("profile.share",),
        )

    def test_a_changed_one_stands_beside_the_old_one(self) -> None:
        old = derived("$profile.share", formula_revision=1, derived_from=("profile.share",))
        new = derived("$profile.turnover", revision=2, formula_revision=1, derived_from=("profile.share",))
        found = settled(old, new, frozenset(("profile.turnover",)))
        assert (found.formula_state, found.formula_before, found.formula_before_revision) == (
            FormulaState.FILLING,
            '"$profile.share"',
            1,
        )
        # What it was computed from before may still be read out of its history.
        assert found.derived_from == ("profile.share", "profile.turnover")

    def test_changed_again_meanwhile_the_old_values_stay(self) -> None:
        state: dict[str, Any] = {"formula_state": FormulaState.FILLING, "formula_before": '"$profile.share"'}
        old = derived("$profile.turnover", formula_revision=2, formula_before_revision=1, **state)
        new = old.model_copy(update={"formula": '"$profile.employees"', "revision": 3})
        found = settled(old, new, frozenset())
        assert (found.formula_before, found.formula_before_revision, found.formula_revision) == (
            '"$profile.share"',
            1,
            3,
        )

    def test_taken_away_the_values_are_anybodys(self) -> None:
        old = derived("$profile.share", formula_revision=1, derived_from=("profile.share",))
        found = settled(old, old.model_copy(update={"formula": None}), frozenset())
        assert (found.formula_revision, found.formula_state, found.derived_from) == (0, None, ("profile.share",))

    def test_another_label_is_nothing_new(self) -> None:
        old = derived("$profile.share", formula_revision=1)
        new = old.model_copy(update={"label": "Other", "revision": 2})
        assert settled(old, new, frozenset()) is new
