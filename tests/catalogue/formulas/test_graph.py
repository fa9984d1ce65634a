"""What hangs on what, in which order, and how secret it is."""

import json

from catalogue.attribute import Attribute, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.formulas.graph import graph_of, input_paths, sensitivity_of
from catalogue.kinds import Kind
from tests.books import attribute
from tests.formula_words import INPUTS


def derived(name: str, formula: object, **more: object) -> Attribute:
    text = json.dumps(formula)
    inputs = tuple(sorted(input_paths(INPUTS, text)))
    return attribute(f"derived.{name}", Kind.NUMBER, formula=text, derived_from=inputs, **more)


BOOK = INPUTS.with_attributes(
    (
        derived("a", {"$add": ["$profile.share", "$profile.turnover"]}),
        derived("b", {"$add": ["$derived.a", 1]}),
        derived("c", {"$add": ["$derived.b", "$derived.a"]}),
        derived("d", {"$sum": {"$map": {"input": "$behaviour.banks", "in": "$$this.balance"}}}),
        derived("e", {"$dateDiff": {"startDate": "$createdAt", "endDate": "$$NOW", "unit": "day"}}),
        derived("f", {"$add": ["$derived.e", 1]}),
    )
)
GRAPH = graph_of(BOOK)


class TestFormulaGraph:
    def test_what_is_read_comes_before_what_reads_it(self) -> None:
        assert GRAPH.hanging_on(("profile.share",)) == ["derived.a", "derived.b", "derived.c"]
        assert GRAPH.hanging_on(("derived.a",)) == ["derived.b", "derived.c"]

    def test_a_list_of_groups_is_changed_as_a_whole(self) -> None:
        assert GRAPH.hanging_on(("behaviour.banks",)) == ["derived.d"]
        assert GRAPH.inputs("derived.d") == {"behaviour.banks", "behaviour.banks.balance"}

    def test_nothing_hangs_on_others(self) -> None:
        assert GRAPH.hanging_on(("profile.name", "stage", "attitude.remarks")) == []

    def test_users_of_an_attribute_and_of_what_is_in_it(self) -> None:
        assert GRAPH.users("profile.share") == ["derived.a"]
        assert GRAPH.users("behaviour.banks.balance") == ["derived.d"]
        assert GRAPH.users("behaviour.banks") == ["derived.d"]
        assert GRAPH.users("behaviour.banks.name") == []

    def test_time_goes_on_through_others(self) -> None:
        assert GRAPH.timed == {"derived.e", "derived.f"}

    def test_a_circle_is_named_step_by_step(self) -> None:
        round_about = BOOK.with_attributes((derived("a", {"$add": ["$derived.c", 1]}),))
        assert graph_of(round_about).circle_of("derived.a") == ["derived.a", "derived.c", "derived.a"]
        assert GRAPH.circle_of("derived.a") is None
        # What stands in a circle has no place in an order, and breaks nothing.
        assert graph_of(round_about).hanging_on(("profile.share",)) == []

    def test_a_retired_formula_is_none(self) -> None:
        retired = BOOK.with_attributes((derived("c", "$derived.a", status="RETIRED"),))
        assert graph_of(retired).users("derived.b") == []


class TestSensitivityOf:
    def test_at_least_that_of_all_that_it_comes_from(self) -> None:
        open_ = derived("a", "$profile.share", sensitivity=Sensitivity.PUBLIC)
        more = derived("b", "$derived.a", sensitivity=Sensitivity.INTERNAL)
        secret = attribute("profile.share", Kind.NUMBER, sensitivity=Sensitivity.CONFIDENTIAL)
        catalogue = INPUTS.with_attributes((open_, more.model_copy(update={"derived_from": ("derived.a",)}), secret))
        found = [catalogue.find(path) for path in ("derived.a", "derived.b")]
        assert [sensitivity_of(catalogue, each) for each in found if each] == [Sensitivity.CONFIDENTIAL] * 2

    def test_a_circle_of_them_ends(self) -> None:
        one = attribute("derived.x", derived_from=("derived.y",), sensitivity=Sensitivity.PUBLIC)
        two = attribute("derived.y", derived_from=("derived.x",), sensitivity=Sensitivity.INTERNAL)
        assert sensitivity_of(Catalogue((one, two)), one) is Sensitivity.INTERNAL
