"""Built-in attributes that are computed: allowed as data teams' own would be, and as secret as what they read."""

from collections import Counter

from catalogue.attribute import Facet, Sensitivity
from catalogue.builtin import builtin_catalogue
from catalogue.builtin.computed import uncomputed
from catalogue.catalogue import Catalogue
from catalogue.formulas.definition import formula_problems
from catalogue.formulas.graph import graph_of, sensitivity_of
from catalogue.formulas.text import normal_text
from catalogue.rollups.definition import rollup_problems, where_text
from tests.books import SMALL

BUILT = builtin_catalogue()
COMPUTED = [each for each in BUILT.attributes if each.is_computed]


class TestComputed:
    def test_which_they_are(self) -> None:
        found = Counter((each.facet, "rollup" if each.rollup is not None else "formula") for each in COMPUTED)
        assert found == {(Facet.DERIVED, "formula"): 15, (Facet.BEHAVIOUR, "rollup"): 5}
        assert len(graph_of(BUILT).levels) == 15, "none stands in a circle"

    def test_each_could_be_defined_by_a_data_team(self) -> None:
        paths = {each.path for each in COMPUTED}
        before = Catalogue((each for each in BUILT.attributes if each.path not in paths), BUILT.relations)
        for each in COMPUTED:
            assert formula_problems(before, BUILT, each.path) == [], each.path
            assert rollup_problems(before, BUILT, each.path) == [], each.path

    def test_texts_are_in_the_one_form(self) -> None:
        for each in COMPUTED:
            if each.formula is not None:
                assert normal_text(each.formula) == (each.formula, [])
            if each.rollup is not None and each.rollup.where is not None:
                assert where_text(each.rollup.where) == each.rollup.where

    def test_say_what_they_read_since_when_and_are_as_secret(self) -> None:
        by_path = {each.path: each for each in COMPUTED}
        debt = by_path["derived.debtRatio"]
        accounts = "behaviour.financials"
        assert debt.derived_from == (f"{accounts}.totalAssets", f"{accounts}.totalLiabilities")
        assert by_path["behaviour.visitCount365d"].derived_from == ("interactions:at", "interactions:channel")
        for each in COMPUTED:
            assert each.formula_revision == each.revision == 1
            assert sensitivity_of(BUILT, each) is each.sensitivity is Sensitivity.CONFIDENTIAL, each.path


class TestUncomputed:
    def test_the_same_attributes_without_formulas_and_rollups(self) -> None:
        plain = uncomputed(BUILT)
        assert [each.path for each in plain.attributes] == [each.path for each in BUILT.attributes]
        assert not any(each.is_computed for each in plain.attributes)
        left = {each.path: each.derived_from for each in plain.attributes if each.derived_from}
        assert left == {each.path: each.derived_from for each in COMPUTED}

    def test_a_catalogue_without_any_is_itself(self) -> None:
        assert uncomputed(SMALL) is SMALL
