"""The built-in attributes: complete, described, and within the rules that data teams must keep too."""

from datetime import date

import pytest

from catalogue.attribute import CLIENTS, Attribute, ClientKind, Facet, Sensitivity
from catalogue.bounds import TODAY
from catalogue.builtin import ATTRIBUTES, RELATIONS, builtin_catalogue
from catalogue.builtin.managers import MANAGERS_AREA, ROLES
from catalogue.builtin.rows import ORGANISATIONS, PERSONS, facet, group, group_list, having, string, whole
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.rules import definition_problems
from catalogue.values import check_flat

CATALOGUE = builtin_catalogue()
CLIENT_ROWS = tuple(each for each in ATTRIBUTES if each.area == CLIENTS)
MOST_SORTABLE = 25
"""Each costs an index on the collection of clients, which has 64 at most; data teams need the rest."""
CONTRACT = {
    "profile.name": Kind.STRING,
    "profile.industry": Kind.STRING,
    "profile.sector": Kind.CODE,
    "profile.employees": Kind.LONG,
    "profile.sizeBand": Kind.CODE,
    "profile.foundedYear": Kind.LONG,
    "profile.taxId": Kind.STRING,
    "profile.tags": Kind.STRING,
    "profile.parent": Kind.CLIENT,
    "profile.location": Kind.GROUP,
    "profile.location.country": Kind.STRING,
    "profile.location.province": Kind.STRING,
    "profile.location.city": Kind.STRING,
    "profile.keyPeople": Kind.GROUP,
    "profile.keyPeople.name": Kind.STRING,
    "profile.keyPeople.position": Kind.STRING,
    "profile.keyPeople.birthday": Kind.DATE,
    "profile.holdings": Kind.GROUP,
    "behaviour.financials.revenue": Kind.NUMBER,
    "behaviour.financials.netProfit": Kind.NUMBER,
    "behaviour.financials.totalAssets": Kind.NUMBER,
    "behaviour.financials.totalLiabilities": Kind.NUMBER,
    "behaviour.financials.marketCap": Kind.NUMBER,
    "behaviour.purchasing.channel": Kind.CODE,
    "behaviour.contactCount90d": Kind.LONG,
    "behaviour.lastContactAt": Kind.DATETIME,
    "attitude.satisfaction": Kind.LONG,
    "attitude.nps": Kind.LONG,
    "attitude.marketOutlook": Kind.CODE,
    "derived.clientValue": Kind.NUMBER,
    "derived.creditRating": Kind.CODE,
    "derived.segment": Kind.CODE,
    "derived.debtRatio": Kind.NUMBER,
    "derived.churnRisk": Kind.NUMBER,
}


class TestBuiltinCatalogue:
    def test_there_are_at_least_ninety_values_a_client_can_have(self) -> None:
        leaves = [leaf for facet_name in Facet for leaf in CATALOGUE.leaves(facet_name.value)]
        assert len(leaves) >= 90
        assert {leaf.facet for leaf in leaves} == set(Facet)

    def test_no_path_is_written_twice(self) -> None:
        assert len({(each.area, each.path) for each in ATTRIBUTES}) == len(ATTRIBUTES)

    @pytest.mark.parametrize(("path", "kind"), CONTRACT.items())
    def test_the_paths_that_the_contract_names_are_there(self, path: str, kind: Kind) -> None:
        assert CATALOGUE.get_live(path).kind is kind

    def test_what_people_sort_by_is_sortable(self) -> None:
        paths = {each.path for each in CATALOGUE.sortable()}
        assert paths >= {
            "profile.name",
            "profile.industry",
            "profile.employees",
            "attitude.satisfaction",
            "derived.clientValue",
            "derived.creditRating",
        }
        assert len(paths) <= MOST_SORTABLE

    def test_every_kind_is_in_use(self) -> None:
        assert {each.kind for each in CLIENT_ROWS} == set(Kind)

    def test_every_sensitivity_is_in_use(self) -> None:
        assert {each.sensitivity for each in CLIENT_ROWS} == set(Sensitivity)

    def test_a_name_is_required_for_both_kinds(self) -> None:
        assert set(CATALOGUE.get_live("profile.name").required_for) == set(ClientKind)

    def test_the_tax_number_is_restricted(self) -> None:
        assert CATALOGUE.get_live("profile.taxId").sensitivity is Sensitivity.RESTRICTED

    def test_finances_and_satisfaction_grow_stale(self) -> None:
        for path in ("behaviour.financials.revenue", "attitude.satisfaction", "behaviour.withUs.depositBalance"):
            assert CATALOGUE.get_live(path).max_age_hours is not None

    def test_the_manager_of_a_client_is_a_relation_to_a_known_area(self) -> None:
        relation = next(each for each in RELATIONS if each.area == CLIENTS)
        assert (relation.area, relation.name, relation.target) == (CLIENTS, "manager", MANAGERS_AREA)

    def test_relations_join_known_areas(self) -> None:
        for each in RELATIONS:
            assert CATALOGUE.area(each.area)
            assert CATALOGUE.area(each.target)

    def test_a_listing_is_ordered_by_a_moment_of_its_area(self) -> None:
        listings = [(each.area, each.listing) for each in RELATIONS if each.listing is not None]
        assert [listing.name for _, listing in listings] == ["interactions"]
        for area, listing in listings:
            assert CATALOGUE.get_live(listing.newest_by, area).kind is Kind.DATETIME

    def test_the_catalogue_is_built_once(self) -> None:
        assert builtin_catalogue() is CATALOGUE
        assert Catalogue(ATTRIBUTES).version == CATALOGUE.version


class TestAttributes:
    def test_each_keeps_the_rules_for_definitions(self) -> None:
        grown = Catalogue((), RELATIONS)
        for each in ATTRIBUTES:
            assert [problem.message for problem in definition_problems(grown, each)] == []
            grown = grown.with_attributes((each,))

    @pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda each: f"{each.area}:{each.path}")
    def test_each_says_what_it_is_in_a_sentence(self, attribute: Attribute) -> None:
        assert attribute.label == attribute.label.strip()
        assert not attribute.label.endswith(".")
        assert attribute.description[0].isupper()
        assert attribute.description.endswith(".")
        assert len(attribute.description.split()) >= 4
        assert attribute.description.rstrip(".") != attribute.label

    def test_each_has_an_owner(self) -> None:
        assert [each.path for each in ATTRIBUTES if not each.owner] == []

    def test_amounts_of_money_have_a_unit(self) -> None:
        assert [each.path for each in ATTRIBUTES if each.kind is Kind.DECIMAL and each.unit is None] == []

    def test_a_group_is_as_open_as_its_most_open_member(self) -> None:
        levels = list(Sensitivity)
        for each in CLIENT_ROWS:
            inside = [levels.index(member.sensitivity) for member in CATALOGUE.children(each.path)]
            if each.kind is Kind.GROUP:
                assert levels.index(each.sensitivity) == min(inside), each.path

    def test_members_of_a_list_of_groups_have_no_age_of_their_own(self) -> None:
        members = [each for each in CLIENT_ROWS if CATALOGUE.list_group_of(each) is not None]
        assert members
        assert [each.path for each in members if each.max_age_hours is not None] == []

    def test_both_kinds_have_attributes_that_the_other_lacks(self) -> None:
        alone = {CATALOGUE.kinds_with(each) for each in CLIENT_ROWS}
        assert {frozenset(ORGANISATIONS), frozenset(PERSONS), frozenset(ClientKind)} == alone


class TestManagers:
    def test_the_roles_are_those_of_the_role_table(self) -> None:
        roles = CATALOGUE.get_live("roles", MANAGERS_AREA)
        assert roles.is_list
        assert [option.code for option in roles.options] == list(ROLES)

    def test_nobody_needs_more_than_internal_to_see_who_is_accountable(self) -> None:
        assert {each.sensitivity for each in CATALOGUE.area(MANAGERS_AREA).values()} == {Sensitivity.INTERNAL}


class TestHaving:
    def test_a_field_that_a_row_sets_itself_stays(self) -> None:
        kept, passed = having(
            string("open", "Open", "What is open to all.", sensitivity=Sensitivity.PUBLIC),
            string("closed", "Closed", "What is closed to some."),
            sensitivity=Sensitivity.RESTRICTED,
        )
        assert (kept.sensitivity, passed.sensitivity) == (Sensitivity.PUBLIC, Sensitivity.RESTRICTED)


class TestGroup:
    def test_paths_of_members_are_put_together_through_all_levels(self) -> None:
        rows = facet(
            Facet.PROFILE,
            group("outer", "Outer", "What is outside.", group("inner", "Inner", "What is inside.", _LEAF)),
        )
        assert [each.path for each in rows] == ["profile.outer", "profile.outer.inner", "profile.outer.inner.leaf"]

    def test_the_age_goes_down_to_the_members(self) -> None:
        outer, leaf = group("outer", "Outer", "What is outside.", _LEAF, max_age_hours=5)
        assert (outer.max_age_hours, leaf.max_age_hours) == (None, 5)


class TestGroupList:
    def test_the_age_stays_with_the_list(self) -> None:
        outer, leaf = group_list("outer", "Outer", "What is outside.", _LEAF, max_age_hours=5, applies_to=PERSONS)
        assert outer.is_list
        assert (outer.max_age_hours, leaf.max_age_hours) == (5, None)
        assert (outer.applies_to, leaf.applies_to) == (PERSONS, PERSONS)


_LEAF = whole("leaf", "Leaf", "What is at the end.")


class TestDates:
    def test_each_has_bounds_that_keep_slips_out(self) -> None:
        kinds = (Kind.DATE, Kind.DATETIME)
        entered = [each for each in builtin_catalogue().attributes if each.kind in kinds and not each.is_computed]
        assert [each.path for each in entered if each.minimum is None or each.maximum is None] == []
        to_come = {each.key for each in entered if each.maximum != TODAY}
        assert to_come == {"expiresOn", "maturesOn", "nextVisitOn", "nextStepOn", "hiredOn"}

    @pytest.mark.parametrize(
        ("day", "is_taken"),
        [(date(1899, 12, 31), False), (date(1900, 1, 1), True), (date(52, 2, 1), False), (date(2061, 2, 1), False)],
    )
    def test_a_birthday_has_been(self, day: date, is_taken: bool) -> None:
        checked = check_flat(builtin_catalogue(), {"profile.birthday": day})
        assert (checked.problems == []) is is_taken
        in_a_list = check_flat(builtin_catalogue(), {"profile.keyPeople": [{"name": "Li", "birthday": day}]})
        assert (in_a_list.problems == []) is is_taken
