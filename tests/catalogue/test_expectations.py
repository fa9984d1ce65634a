"""Which values are expected, and which grow old."""

from datetime import UTC, datetime

import pytest

from catalogue.attribute import Attribute, Facet, Status
from catalogue.builtin import builtin_catalogue
from catalogue.catalogue import Catalogue
from catalogue.expectations import aging_attributes, entered_attributes, expected_attributes, stale_before
from catalogue.kinds import Kind
from tests.definitions import defined

BUILT_IN = builtin_catalogue()
CATALOGUE = Catalogue(
    (
        defined("profile.name", max_age_hours=24),
        defined("profile.old", status=Status.DEPRECATED, max_age_hours=48),
        defined("profile.draft", status=Status.DRAFT, max_age_hours=48),
        defined("profile.optional", is_expected=False),
        defined("profile.place", Kind.GROUP),
        defined("profile.place.city"),
        defined("profile.extra", Kind.GROUP, is_expected=False),
        defined("profile.extra.note", max_age_hours=1),
        defined("profile.leaving", Kind.GROUP, status=Status.DEPRECATED),
        defined("profile.leaving.note"),
        defined("profile.people", Kind.GROUP, is_list=True, max_age_hours=72),
        defined("profile.people.name"),
        defined("attitude.mood"),
        defined("derived.value", Kind.NUMBER, max_age_hours=5),
    )
)


def paths(found: tuple[Attribute, ...]) -> list[str]:
    return [each.path for each in found]


class TestEnteredAttributes:
    def test_live_values_of_three_facets(self) -> None:
        assert paths(entered_attributes(CATALOGUE)) == [
            "attitude.mood",
            "profile.extra.note",
            "profile.leaving.note",
            "profile.name",
            "profile.old",
            "profile.optional",
            "profile.people",
            "profile.place.city",
        ]

    def test_what_is_derived_is_not_entered(self) -> None:
        assert paths(entered_attributes(CATALOGUE, Facet.DERIVED)) == []


class TestExpectedAttributes:
    def test_not_what_leaves_nor_what_nobody_expects_nor_what_stands_in_such_a_group(self) -> None:
        assert paths(expected_attributes(CATALOGUE)) == [
            "attitude.mood",
            "profile.name",
            "profile.people",
            "profile.place.city",
        ]

    def test_of_a_facet(self) -> None:
        assert paths(expected_attributes(CATALOGUE, Facet.ATTITUDE)) == ["attitude.mood"]

    @pytest.mark.parametrize(
        ("path", "is_expected"),
        [
            ("profile.name", True),
            ("behaviour.becameClientOn", True),
            ("behaviour.contactCount90d", False),
            ("behaviour.lastVisitSummary", False),
            ("behaviour.campaign.channel", False),
            ("profile.symbol", False),
            ("profile.website", True),
            ("profile.privacy.consentWithdrawnOn", False),
        ],
    )
    def test_of_the_built_in_ones(self, path: str, is_expected: bool) -> None:
        assert (path in paths(expected_attributes(BUILT_IN))) is is_expected


class TestAgingAttributes:
    def test_values_of_every_facet_that_have_an_age(self) -> None:
        found = ["derived.value", "profile.extra.note", "profile.name", "profile.old", "profile.people"]
        assert paths(aging_attributes(CATALOGUE)) == found
        assert paths(aging_attributes(CATALOGUE, Facet.DERIVED)) == ["derived.value"]

    def test_stale_before(self) -> None:
        moment = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
        assert stale_before(CATALOGUE.get_live("profile.name"), moment) == datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
