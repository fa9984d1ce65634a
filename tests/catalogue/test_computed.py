"""The rules of computed values, in the words of each way to compute them."""

from catalogue.attribute import Attribute, ClientKind, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.computed import (
    FORMULA,
    MODEL,
    ROLLUP,
    broken_problems,
    fitness_problems,
    has_other_rules,
    level_problems,
)
from catalogue.errors import ErrorCode, Problem
from catalogue.kinds import Kind
from tests.books import attribute

INPUTS = [
    attribute("profile.a", Kind.LONG, sensitivity=Sensitivity.INTERNAL),
    attribute("profile.b", Kind.LONG, sensitivity=Sensitivity.CONFIDENTIAL),
    attribute("profile.c", Kind.LONG, sensitivity=Sensitivity.PUBLIC, derived_from=("profile.b",)),
]


def computed(**more: object) -> tuple[Catalogue, Attribute]:
    made = attribute("derived.x", Kind.LONG, **more)
    return Catalogue([*INPUTS, made], ()), made


class TestFitnessProblems:
    def test_what_is_fit(self) -> None:
        assert list(fitness_problems(*computed(minimum=1, is_sortable=True), FORMULA)) == []

    def test_every_part_that_is_not_in_the_words_of_the_way(self) -> None:
        unfit = {"is_searchable": True, "retain_days": 3, "pattern": "a+", "required_for": (ClientKind.PERSON,)}
        found = list(fitness_problems(*computed(**unfit), ROLLUP))
        assert [each.path for each in found] == [("isSearchable",), ("retainDays",), ("requiredFor",), ("pattern",)]
        message = "retainDays is not for computed values; leave it out, or the rollup."
        assert found[1] == Problem(ErrorCode.INVALID_VALUE, message, ("retainDays",), None, "nothing")

    def test_restricted(self) -> None:
        message = "The formula would give RESTRICTED values, which are encrypted; the database computes in clear."
        secret = computed(sensitivity=Sensitivity.RESTRICTED)
        assert list(fitness_problems(*secret, FORMULA)) == [
            Problem(ErrorCode.FORMULA_REFUSED, message, ("sensitivity",), "RESTRICTED", "CONFIDENTIAL")
        ]


class TestLevelProblems:
    def test_as_secret_as_its_inputs_is_enough(self) -> None:
        for level in (Sensitivity.CONFIDENTIAL, Sensitivity.RESTRICTED):
            catalogue, made = computed(sensitivity=level)
            assert list(level_problems(catalogue, made, INPUTS, FORMULA)) == []
        assert list(level_problems(*computed(sensitivity=Sensitivity.PUBLIC), [], FORMULA)) == []

    def test_the_most_secret_are_named_those_that_are_so_by_their_own_inputs_too(self) -> None:
        catalogue, made = computed(sensitivity=Sensitivity.INTERNAL)
        (found,) = level_problems(catalogue, made, INPUTS, MODEL, "the model reads {}")
        assert found == Problem(
            ErrorCode.MODEL_REFUSED,
            "derived.x is INTERNAL, and the model reads profile.b, profile.c, which is CONFIDENTIAL: a result is at "
            "least as secret as what it is made from. Set sensitivity to CONFIDENTIAL.",
            ("sensitivity",),
            "INTERNAL",
            "CONFIDENTIAL",
        )

    def test_one_level_too_open(self) -> None:
        catalogue, made = computed(sensitivity=Sensitivity.PUBLIC)
        (found,) = level_problems(catalogue, made, INPUTS[:1], ROLLUP, "reads {} of visits")
        assert found.message == (
            "derived.x is PUBLIC, and reads profile.a of visits, which is INTERNAL: a computed value is at least as "
            "secret as what it is computed from. Set sensitivity to INTERNAL."
        )


class TestBrokenProblems:
    def test_none_and_several(self) -> None:
        assert broken_problems(INPUTS[0], {}, ROLLUP) == []
        (found,) = broken_problems(INPUTS[0], {"derived.x": "It is gone.", "derived.y": "Other."}, ROLLUP)
        assert found == Problem(
            ErrorCode.INVALID_VALUE,
            "profile.a is read by the rollup of derived.x, derived.y, which could not be computed: It is gone. "
            "Change it first.",
            ("path",),
            "profile.a",
            "no rollup of derived.x, derived.y",
        )


class TestHasOtherRules:
    def test_rules_and_words(self) -> None:
        one = attribute("derived.x", Kind.LONG)
        assert not has_other_rules(None, one)
        assert not has_other_rules(one, one.model_copy(update={"label": "Other"}))
        assert has_other_rules(one, one.model_copy(update={"maximum": 3.0}))
