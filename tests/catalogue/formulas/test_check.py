"""What an expression may say: kinds, places, limits."""

from typing import Any

import pytest

from catalogue.attribute import Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.formulas.check import DEPTH_MOST, NODES_MOST
from catalogue.formulas.forms import LOOPS_MOST, Checked, check_expression
from catalogue.kinds import Kind
from tests.books import attribute
from tests.formula_words import INPUTS

CATALOGUE = INPUTS.with_attributes(
    (
        attribute("profile.secret", Kind.LONG, sensitivity=Sensitivity.RESTRICTED),
        attribute("profile.gone", Kind.LONG, status="RETIRED"),
        attribute("behaviour.banks.tags", is_list=True),
    )
)


def checked(given: Any, catalogue: Catalogue = CATALOGUE) -> Checked:
    return check_expression(catalogue, "derived.own", given)


def places(given: Any) -> list[str]:
    return [each.path[-1] for each in checked(given).problems]


class TestKinds:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"$add": [1, 2]}, "LONG"),
            ({"$add": ["$profile.employees", 0.5]}, "NUMBER"),
            ({"$multiply": ["$profile.credit", "$profile.share"]}, "DECIMAL"),
            ({"$divide": ["$profile.employees", 2]}, "NUMBER"),
            ({"$concat": ["$profile.industry", "-", "$profile.name"]}, "STRING"),
            ({"$year": "$profile.foundedOn"}, "LONG"),
            ({"$dateAdd": {"startDate": "$profile.foundedOn", "unit": "month", "amount": 3}}, "DATE"),
            ({"$dateAdd": {"startDate": "$profile.foundedOn", "unit": "hour", "amount": 3}}, "DATETIME"),
            ({"$dateTrunc": {"date": "$$NOW", "unit": "week"}}, "DATE"),
            ({"$dateFromParts": {"year": 2026, "month": 2}}, "DATE"),
            ("$behaviour.banks", "list of GROUP"),
            ("$behaviour.banks.balance", "list of NUMBER"),
            ({"$split": ["$profile.name", " "]}, "list of STRING"),
            ({"$map": {"input": "$profile.tags", "in": {"$split": ["$$this", ","]}}}, "list of list of STRING"),
            ({"$ifNull": ["$profile.share", 0]}, "NUMBER"),
            ({"$cond": [True, None, "$profile.isListed"]}, "BOOLEAN"),
            ({"$reduce": {"input": [1, 2], "initialValue": 0, "in": {"$divide": ["$$value", "$$this"]}}}, "NUMBER"),
            ({"$sum": "$behaviour.banks.balance"}, "NUMBER"),
            ({"$max": ["$profile.foundedOn", "$$NOW"]}, "DATETIME"),
            ({"$literal": "$profile.name"}, "STRING"),
            ({"$setUnion": ["$profile.tags", []]}, "list of STRING"),
            ("$stage", "STRING"),
            ("$createdAt", "DATETIME"),
        ],
    )
    def test_the_kind_of_a_result(self, given: Any, words: str) -> None:
        found = checked(given)
        assert (list(found.problems), found.tree.type.words()) == ([], words)

    def test_a_count_is_never_null_and_a_value_may_be(self) -> None:
        assert checked({"$sum": "$behaviour.banks.balance"}).tree.type.is_nullable is True
        assert checked({"$eq": ["$profile.name", None]}).tree.type.is_nullable is False
        assert checked({"$ifNull": ["$profile.share", 0]}).tree.type.is_nullable is False


class TestRefused:
    @pytest.mark.parametrize(
        ("given", "place"),
        [
            ({"$divide": [{"$add": ["$profile.name", 1]}, 2]}, "$divide[0].$add[0]"),
            ({"$cond": {"if": "$profile.name", "then": 1, "else": 2}}, "$cond.if"),
            ({"$switch": {"branches": [{"case": True, "then": {"$size": 1}}]}}, "$switch.branches[0].then.$size[0]"),
            ({"$map": {"input": "$profile.tags", "in": {"$add": ["$$this", 1]}}}, "$map.in.$add[0]"),
            ({"$round": ["$profile.share", "$profile.employees"]}, "$round[1]"),
            ({"$dateDiff": {"startDate": "$$NOW", "endDate": "$$NOW", "unit": "$profile.name"}}, "$dateDiff.unit"),
            ([1, {"$foo": 1}], "[1]"),
        ],
    )
    def test_the_place_of_a_problem(self, given: Any, place: str) -> None:
        assert places(given) == [place]

    @pytest.mark.parametrize(
        "name",
        [
            *("$function", "$where", "$accumulator", "$lookup", "$getField", "$setField", "$expr", "$rand", "$meta"),
            *("$sampleRate", "$mergeObjects", "$objectToArray", "$range", "$regexMatch", "$out", "$merge"),
        ],
    )
    def test_what_is_no_operator_of_formulas(self, name: str) -> None:
        assert f"uses {name}" in checked({name: ["$profile.name"]}).problems[0].message

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ("$$ROOT", 'knows no variable "$$ROOT"'),
            ("$$CURRENT.profile.name", 'knows no variable "$$CURRENT"'),
            ({"$literal": {"$function": {}}}, "got an object"),
            ("$profile.secret", "RESTRICTED"),
            ("$profile.gone", "RETIRED"),
            ("$profile.nothing", "there is no such attribute"),
            ("$managerId", "there is no such attribute"),
            ("$derived.own", "there is no such attribute"),
            ("$profile.location", "is a group"),
            ("$behaviour.banks.tags", "a list within a list"),
            ({"$eq": [{"$first": "$behaviour.banks"}, {"$last": "$behaviour.banks"}]}, "no groups"),
            ({"$map": {"input": "$behaviour.banks", "in": "$$this.nothing"}}, "finds no attribute nothing"),
            ({"$let": {"vars": {"A": 1}, "in": 1}}, "names a variable"),
            ({"$add": [1, 2], "$subtract": [1, 2]}, "got the keys"),
            ({"$split": ["$profile.name", ""]}, "1 to 100 characters"),
            ({"$replaceAll": {"input": "a", "find": "$profile.name", "replacement": ""}}, "written out"),
            ({"$dateToString": {"date": "$$NOW", "format": "%Q"}}, "a format"),
            ({"$year": {"date": "$$NOW", "timezone": "Asia/Shanghai"}}, "distance from UTC"),
            (2**63, "64 bits"),
            ({"$divide": [1]}, "it takes 2"),
            ({"$trim": {"text": "a"}}, "an object with input, chars?"),
            ([1, "a"], "a list is of one kind"),
            ({"$sum": ["$profile.scores", 1]}, "not both"),
        ],
    )
    def test_in_words(self, given: Any, words: str) -> None:
        assert words in checked(given).problems[0].message

    def test_every_problem_at_once(self) -> None:
        given = {"$add": ["$profile.name", {"$foo": 1}, {"$size": 2}, "$no.path"]}
        assert places(given) == ["$add[0]", "$add[1]", "$add[2].$size[0]", "$add[3]"]

    def test_too_deep_and_too_big(self) -> None:
        deep: Any = 1
        for _ in range(DEPTH_MOST + 1):
            deep = {"$abs": deep}
        assert "too big" in checked(deep).problems[0].message
        many = {"$and": [{"$or": [True] * 49}] * (NODES_MOST // 50 + 1)}
        assert [("too big" in each.message) for each in checked(many).problems] == [True]

    def test_loops_in_loops(self) -> None:
        loop: Any = "$$this"
        for _ in range(LOOPS_MOST + 1):
            loop = {"$map": {"input": ["a"], "in": loop}}
        assert "other loops" in checked(loop).problems[0].message
