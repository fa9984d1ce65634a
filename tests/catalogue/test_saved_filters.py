"""What a saved filter means by the catalogue of the moment."""

from datetime import date
from typing import Any

import pytest

from catalogue.attribute import Attribute, AttributeOption, Sensitivity, Status
from catalogue.catalogue import Catalogue
from catalogue.filters import And, AnyItem, Compare
from catalogue.kinds import Kind, Operator
from catalogue.saved_filters import Meaning, meaning_of, restricted_problems
from tests.books import SMALL, attribute

WHERE = {"profile": {"industry": {"eq": "TEA"}, "name": {"startsWith": "A"}}}


def changed(path: str, *more: Attribute, **update: Any) -> Catalogue:
    known = Catalogue((*SMALL.attributes, *more))
    return known.with_attributes([known.get_live(path).model_copy(update=update)])


class TestMeaningOf:
    def test_is_the_predicate(self) -> None:
        industry = Compare("profile.industry", Operator.EQ, "TEA")
        name = Compare("profile.name", Operator.STARTS_WITH, "A")
        assert meaning_of(SMALL, WHERE) == Meaning(And((industry, name)))

    @pytest.mark.parametrize(
        "catalogue",
        [
            changed("profile.industry", status=Status.RETIRED),
            changed("profile.industry", status=Status.DRAFT),
            changed("profile.industry", sensitivity=Sensitivity.RESTRICTED),
            changed("profile.industry", sensitivity=Sensitivity.RESTRICTED, is_lookup=True),
            Catalogue(each for each in SMALL.attributes if each.path != "profile.industry"),
        ],
    )
    def test_is_broken_and_never_everybody(self, catalogue: Catalogue) -> None:
        found = meaning_of(catalogue, WHERE)
        assert found.predicate is None
        assert [each.is_breaking for each in found.problems] == [True]
        assert "industry" in found.problems[0].message

    def test_an_operator_that_is_gone_breaks_it(self) -> None:
        where = {"attitude": {"remarks": {"contains": "slow"}}}
        assert meaning_of(changed("attitude.remarks", is_searchable=True), where).predicate is not None
        (problem,) = meaning_of(SMALL, where).problems
        assert (problem.path, problem.is_breaking) == ("where.attitude.remarks.contains", True)

    def test_a_retired_code_still_fits_and_one_that_was_never_there_does_not(self) -> None:
        tea = AttributeOption(code="TEA", label="Tea", is_retired=True)
        assert meaning_of(changed("profile.industry", options=(tea,)), WHERE).problems == ()
        steel = AttributeOption(code="STEEL", label="Steel")
        (problem,) = meaning_of(changed("profile.industry", options=(steel,)), WHERE).problems
        assert problem.is_breaking
        assert 'takes one of STEEL; got the text "TEA"' in problem.message

    def test_a_deprecated_attribute_is_a_warning(self) -> None:
        gone = {"status": Status.DEPRECATED, "successor": "profile.branch", "removal_on": date(2027, 1, 31)}
        branch = attribute("profile.branch", Kind.CODE, options=(AttributeOption(code="TEA", label="Tea"),))
        found = meaning_of(changed("profile.industry", branch, **gone), WHERE)
        assert found.predicate is not None
        (problem,) = found.problems
        assert problem.message == "profile.industry is deprecated and goes on 2027-01-31: use profile.branch instead."
        assert (problem.path, problem.successor, problem.is_breaking) == ("profile.industry", "profile.branch", False)
        assert found.migrated == {"profile": {"branch": {"eq": "TEA"}, "name": {"startsWith": "A"}}}

    def test_a_successor_that_the_viewer_may_not_know_is_not_offered(self) -> None:
        gone = {"status": Status.DEPRECATED, "successor": "profile.branch"}
        found = meaning_of(changed("profile.industry", attribute("profile.branch"), **gone), WHERE, {"profile.branch"})
        assert (found.problems[0].successor, found.migrated) == (None, None)
        assert "branch" not in found.problems[0].message

    @pytest.mark.parametrize("successor", [attribute("profile.rank", Kind.LONG), None])
    def test_is_not_migrated_to_what_does_not_fit(self, successor: Attribute | None) -> None:
        more = () if successor is None else (successor,)
        catalogue = changed("profile.name", *more, status=Status.DEPRECATED, successor=successor and successor.path)
        found = meaning_of(catalogue, WHERE)
        assert (found.predicate is not None, len(found.problems), found.migrated) == (True, 1, None)

    def test_items_of_lists_move_within_their_list(self) -> None:
        role = attribute("profile.keyPeople.role")
        where = {"profile": {"keyPeople": {"any": {"position": {"eq": "CEO"}}}}}
        for successor, migrated in (
            (role.path, {"profile": {"keyPeople": {"any": {"role": {"eq": "CEO"}}}}}),
            ("profile.name", None),
        ):
            gone = {"status": Status.DEPRECATED, "successor": successor}
            assert meaning_of(changed("profile.keyPeople.position", role, **gone), where).migrated == migrated


class TestRestrictedProblems:
    def test_names_each_attribute(self) -> None:
        secret = changed("profile.keyPeople", sensitivity=Sensitivity.RESTRICTED)
        predicate = AnyItem("profile.keyPeople", Compare("position", Operator.EQ, "CEO"))
        found = restricted_problems(secret, predicate)
        assert [each.given for each in found] == ["profile.keyPeople", "profile.keyPeople.position"]
        assert restricted_problems(SMALL, predicate) == []
