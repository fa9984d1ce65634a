"""Codes in predicates: each operator, in lists and in lists of groups; what is no code is named with the options."""

import pytest

from catalogue.attribute import AttributeOption
from catalogue.catalogue import Catalogue
from catalogue.filter_codes import code_problems, codes_of
from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Kind, Operator
from tests.books import attribute

OPTIONS = (
    AttributeOption(code="STEEL", label="Steel"),
    AttributeOption(code="TEA", label="Tea"),
    AttributeOption(code="OLD", label="Old", is_retired=True),
)
CODES = codes_of(
    Catalogue(
        (
            attribute("profile.industry", Kind.CODE, options=OPTIONS),
            attribute("profile.markets", Kind.CODE, options=OPTIONS, is_list=True),
            attribute("profile.keyPeople", Kind.GROUP, is_list=True),
            attribute("profile.keyPeople.trade", Kind.CODE, options=OPTIONS),
            attribute("profile.name"),
        )
    )
)
IN = {Operator.IN, Operator.NOT_IN, Operator.CONTAINS_ANY, Operator.CONTAINS_ALL}
SINGLE = (Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN)
LISTS = (Operator.CONTAINS_ANY, Operator.CONTAINS_ALL)


def compared(path: str, operator: Operator, code: str) -> Filter:
    return Compare(path, operator, ("TEA", code) if operator in IN else code)


@pytest.mark.parametrize("code", ["NONSENSE", "tea", "", "Tea"])
@pytest.mark.parametrize(
    ("path", "operator"),
    [*(("profile.industry", each) for each in SINGLE), *(("profile.markets", each) for each in LISTS)],
)
def test_one_that_is_no_option_is_named_with_the_options(path: str, operator: Operator, code: str) -> None:
    (problem,) = code_problems(CODES, compared(path, operator, code))
    assert problem.path == ("where", *path.split("."), str(operator))
    assert problem.expected == "one of STEEL, TEA, OLD"
    assert f'"{code}"' in problem.message


@pytest.mark.parametrize("code", ["STEEL", "TEA", "OLD"])
@pytest.mark.parametrize("operator", [*SINGLE, *LISTS])
def test_options_are_let_through_retired_ones_too(operator: Operator, code: str) -> None:
    path = "profile.markets" if operator in LISTS else "profile.industry"
    assert code_problems(CODES, compared(path, operator, code)) == []


def test_beginnings_and_presence() -> None:
    for text, problems in (("ST", 0), ("STEEL", 0), ("", 0), ("X", 1), ("st", 1)):
        assert len(code_problems(CODES, Compare("profile.industry", Operator.STARTS_WITH, text))) == problems
    assert code_problems(CODES, Compare("profile.industry", Operator.IS_NULL, True)) == []


def test_every_one_of_a_predicate_is_found_wherever_it_stands() -> None:
    item = AnyItem("profile.keyPeople", Compare("trade", Operator.NE, "A"))
    predicate = And(
        (Not(Compare("profile.industry", Operator.EQ, "B")), Or((item, Compare("profile.name", Operator.EQ, "C"))))
    )
    assert [each.path for each in code_problems(CODES, predicate)] == [
        ("where", "profile", "industry", "eq"),
        ("where", "profile", "keyPeople", "any", "trade", "ne"),
    ]
    assert code_problems(CODES, None) == []
