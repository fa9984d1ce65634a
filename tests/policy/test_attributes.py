"""Which attributes are hidden, masked and sealed, by exact value."""

from typing import Any

import pytest

from catalogue.attribute import Facet, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from policy.attributes import AreaView, attribute_view
from policy.rules import RoleRule, RowScope
from tests.books import attribute

PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED = Sensitivity
CATALOGUE = Catalogue(
    (
        attribute("profile.name", sensitivity=INTERNAL),
        attribute("profile.taxId", sensitivity=RESTRICTED),
        attribute("profile.motto", sensitivity=PUBLIC),
        attribute("profile.location", Kind.GROUP, sensitivity=PUBLIC),
        attribute("profile.location.city", sensitivity=PUBLIC),
        attribute("profile.location.street", sensitivity=CONFIDENTIAL),
        attribute("profile.secrets", Kind.GROUP, sensitivity=CONFIDENTIAL),
        attribute("profile.secrets.one", sensitivity=PUBLIC),
        attribute("profile.people", Kind.GROUP, is_list=True, sensitivity=INTERNAL),
        attribute("profile.people.name", sensitivity=INTERNAL),
        attribute("profile.people.phone", Kind.PHONE, sensitivity=CONFIDENTIAL),
        attribute("attitude.satisfaction", Kind.NUMBER, sensitivity=INTERNAL),
        attribute("name", area="managers", sensitivity=INTERNAL),
    )
)


def rule(sensitivity: Sensitivity | None = INTERNAL, **more: Any) -> RoleRule:
    return RoleRule(role="r", rows=RowScope.ALL, sensitivity=sensitivity, **more)


def seen(*rules: RoleRule, purpose: str | None = None) -> AreaView:
    return attribute_view(CATALOGUE, rules, purpose).area("clients")


CLOSED = {"profile.taxId", "profile.location.street", "profile.secrets", "profile.secrets.one", "profile.people.phone"}


class TestAttributeView:
    def test_a_level_hides_what_is_above_it_and_what_stands_in_it(self) -> None:
        view = seen(rule())
        assert view.hidden == CLOSED
        assert view.masked == frozenset()
        assert view.sealed == CLOSED | {"profile.people"}
        assert view.parted == {
            "profile": ("profile.location.city", "profile.motto", "profile.name", "profile.people.name"),
            "profile.location": ("profile.location.city",),
            "profile.people": ("profile.people.name",),
        }

    def test_a_list_of_groups_that_is_hidden_hides_what_is_in_it(self) -> None:
        assert {"profile.people", "profile.people.name"} <= seen(rule(PUBLIC)).hidden

    def test_a_facet_may_have_a_level_of_its_own(self) -> None:
        assert "attitude.satisfaction" in seen(rule(facets={Facet.ATTITUDE: None})).hidden
        assert "profile.location.street" not in seen(rule(facets={Facet.PROFILE: CONFIDENTIAL})).hidden

    def test_what_is_allowed_is_read_whatever_its_level_but_for_restricted(self) -> None:
        view = seen(rule(PUBLIC, allow=("profile.name", "profile.taxId", "profile.secrets")))
        assert not {"profile.name", "profile.secrets", "profile.secrets.one"} & view.hidden
        assert "profile.taxId" in view.hidden

    def test_what_is_denied_is_not_read_with_all_that_is_under_it(self) -> None:
        view = seen(rule(CONFIDENTIAL, deny=("profile.location", "profile.people.phone")))
        assert view.hidden == {
            "profile.taxId",
            "profile.location",
            "profile.location.city",
            "profile.location.street",
            "profile.people.phone",
        }

    @pytest.mark.parametrize(
        ("level", "purpose", "is_read"),
        [
            (CONFIDENTIAL, "AUDIT", True),
            (CONFIDENTIAL, "FUN", False),
            (CONFIDENTIAL, None, False),
            (INTERNAL, "AUDIT", False),
        ],
    )
    def test_restricted_takes_a_purpose_and_the_level_below(
        self, level: Sensitivity, purpose: str | None, is_read: bool
    ) -> None:
        assert ("profile.taxId" not in seen(rule(level, purposes=("AUDIT",)), purpose=purpose).hidden) is is_read

    def test_texts_are_masked_where_the_rule_says_so(self) -> None:
        view = seen(rule(mask=("profile.people", "profile.taxId", "attitude")))
        assert view.masked == {"profile.people.phone", "profile.taxId"}
        assert view.hidden == CLOSED - view.masked
        assert view.unusable == CLOSED

    def test_what_may_be_entered_is_written_without_being_read(self) -> None:
        view = seen(rule(enter=("profile",), mask=("profile.taxId",)))
        assert view.unusable == CLOSED
        assert view.closed == CLOSED | {"profile.people"}
        # a part of a list of groups is written with the list, which would have to be read for that
        assert view.sealed == {"profile.people", "profile.people.phone", "profile.secrets"}
        assert seen(rule(enter=("profile",)), rule()).sealed == CLOSED | {"profile.people"}

    def test_several_roles_see_what_each_of_them_sees(self) -> None:
        view = seen(rule(CONFIDENTIAL, deny=("profile.motto",)), rule(INTERNAL))
        assert view.hidden == CLOSED | {"profile.motto"}

    def test_without_a_rule_all_is_hidden(self) -> None:
        view = attribute_view(CATALOGUE, (), None)
        assert view.area("clients").hidden == set(CATALOGUE.area("clients"))
        assert view.area("managers").hidden == {"name"}

    def test_the_same_view_has_the_same_key(self) -> None:
        one = attribute_view(CATALOGUE, (rule(),), None)
        assert one.key == attribute_view(CATALOGUE, (rule(), rule()), "FUN").key
        assert one.key != attribute_view(CATALOGUE, (rule(PUBLIC),), None).key
        assert attribute_view(CATALOGUE, (rule(CONFIDENTIAL, purposes=("AUDIT",)),), "AUDIT").is_whole


class TestDerived:
    """Whoever may not read what a value is computed from does not read the value, whichever rule hides it."""

    CATALOGUE = CATALOGUE.with_attributes(
        (
            attribute("derived.open", derived_from=("profile.motto", "stage"), sensitivity=PUBLIC),
            attribute("derived.named", derived_from=("profile.name",), sensitivity=PUBLIC),
            attribute("derived.further", derived_from=("derived.named",), sensitivity=PUBLIC),
            attribute("derived.phones", derived_from=("profile.people", "profile.people.phone"), sensitivity=PUBLIC),
            attribute("derived.people", derived_from=("profile.people",), sensitivity=PUBLIC),
            attribute("derived.once", derived_from=("profile.taxId",), sensitivity=PUBLIC),
        )
    )

    def hidden(self, *rules: RoleRule, purpose: str | None = None) -> set[str]:
        view = attribute_view(self.CATALOGUE, rules, purpose).area("clients")
        assert not any(each.startswith("derived.") for each in view.masked)
        return {each for each in view.hidden if each.startswith("derived.")}

    def test_by_level(self) -> None:
        assert self.hidden(rule()) == {"derived.phones", "derived.once"}
        assert self.hidden(rule(CONFIDENTIAL)) == {"derived.once"}

    def test_by_a_path_that_is_denied(self) -> None:
        denied = rule(CONFIDENTIAL, deny=("profile.name",))
        assert self.hidden(denied) == {"derived.named", "derived.further", "derived.once"}

    def test_an_allowed_result_opens_no_hidden_input(self) -> None:
        denied = rule(CONFIDENTIAL, deny=("profile.name",), allow=("derived.named",))
        assert "derived.named" in self.hidden(denied)

    def test_by_a_mask(self) -> None:
        masked = rule(PUBLIC, mask=("profile.name",), allow=("profile.people",))
        assert self.hidden(masked) == {"derived.named", "derived.further", "derived.once"}

    def test_by_a_facet(self) -> None:
        closed = rule(CONFIDENTIAL, facets={Facet.PROFILE: None})
        assert self.hidden(closed) == {each for each in self.CATALOGUE.area("clients") if each.startswith("derived.")}

    def test_the_purpose_of_an_input_opens_the_result(self) -> None:
        able = rule(CONFIDENTIAL, purposes=("AUDIT",))
        assert self.hidden(able, purpose="AUDIT") == set()

    def test_one_role_of_several_that_may_not_read_is_enough(self) -> None:
        assert "derived.named" in self.hidden(rule(CONFIDENTIAL), rule(CONFIDENTIAL, deny=("profile.name",)))


class TestRelatedRecords:
    BOOK = CATALOGUE.with_attributes(
        (
            attribute("outcome", area="interactions", sensitivity=INTERNAL),
            attribute("derived.lastOutcome", sensitivity=INTERNAL, derived_from=("interactions:outcome",)),
            attribute("derived.again", sensitivity=INTERNAL, derived_from=("derived.lastOutcome",)),
        )
    )

    def hidden(self, given: RoleRule) -> set[str]:
        found = attribute_view(self.BOOK, (given,), None).area("clients").hidden
        return {each for each in found if each.startswith("derived.")}

    def test_who_does_not_read_what_was_counted_does_not_read_the_value(self) -> None:
        assert self.hidden(rule()) == set()
        assert {"derived.lastOutcome", "derived.again"} <= self.hidden(rule(deny=("interactions:outcome",)))

    def test_masked_is_not_read_whole(self) -> None:
        masked = rule(None, allow=("derived",), mask=("interactions:outcome",))
        assert {"derived.lastOutcome", "derived.again"} <= self.hidden(masked)
