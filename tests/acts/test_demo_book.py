"""The demonstration book: deterministic, within the rules of the catalogue, and plausible."""

import re
from collections import Counter
from itertools import islice, pairwise
from statistics import mean

import pytest

from acts.demo_book import DemoClient, demo_clients, demo_managers
from catalogue.attribute import ClientKind, Facet
from catalogue.builtin import builtin_catalogue
from catalogue.builtin.computed import uncomputed
from catalogue.kinds import Kind
from catalogue.values import check_nested, misfits, missing_required

CATALOGUE = uncomputed(builtin_catalogue())
LEAVES = tuple(leaf for facet in Facet for leaf in CATALOGUE.leaves(facet.value))
MANAGERS = demo_managers()
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def book() -> list[DemoClient]:
    return list(demo_clients(1_000, MANAGERS))


def _at(row: DemoClient, path: str) -> object:
    found: object = row["values"]
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _numbers(rows: list[DemoClient], path: str) -> list[float]:
    return [float(str(value)) for row in rows if (value := _at(row, path)) is not None]


class TestDemoManagers:
    def test_every_value_is_within_the_rules(self) -> None:
        for manager in MANAGERS:
            checked = check_nested(CATALOGUE, manager["values"], area="managers")
            assert checked.problems == []
            assert checked.values == manager["values"]

    def test_every_team_has_one_lead(self) -> None:
        teams = {manager["values"]["team"] for manager in MANAGERS}
        leads = [each["values"]["team"] for each in MANAGERS if "team_lead" in str(each["values"]["roles"])]
        assert len(teams) >= 4
        assert sorted(map(str, leads)) == sorted(map(str, teams))

    def test_a_longer_list_begins_with_the_shorter_one(self) -> None:
        assert demo_managers(40)[: len(MANAGERS)] == MANAGERS

    def test_keys_and_addresses_are_unique(self) -> None:
        assert len({each["key"] for each in MANAGERS}) == len(MANAGERS) == 24
        assert len({each["values"]["email"] for each in MANAGERS}) == 24


def _sorted(value: object) -> object:
    """The same, with the keys of items of groups in one order."""
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return {key: _sorted(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


class TestDemoClients:
    def test_every_value_is_canonical_and_within_the_rules(self, book: list[DemoClient]) -> None:
        for row in book:
            checked = check_nested(CATALOGUE, row["values"])
            kind = ClientKind(row["kind"])
            problems = [*checked.problems, *misfits(CATALOGUE, checked.values, kind)]
            assert [each.message for each in problems + missing_required(CATALOGUE, checked.values, kind)] == []
            for path, value in checked.values.items():
                assert repr(_sorted(_at(row, path))) == repr(_sorted(value)), path

    def test_a_bigger_book_begins_with_the_smaller_one(self, book: list[DemoClient]) -> None:
        assert list(demo_clients(60, MANAGERS)) == book[:60]
        assert list(islice(demo_clients(10**9, MANAGERS), 60)) == book[:60]

    def test_another_seed_gives_another_book(self, book: list[DemoClient]) -> None:
        assert list(demo_clients(20, MANAGERS, seed=1)) != book[:20]

    def test_without_managers_of_a_region_others_take_its_clients(self) -> None:
        rows = list(demo_clients(80, MANAGERS[:1]))
        assert {row["manager"] for row in rows} == {0}

    def test_numbers_run_on(self, book: list[DemoClient]) -> None:
        assert [book[0]["number"], book[-1]["number"]] == ["K000001", "K001000"]
        assert len({row["number"] for row in book}) == len(book)

    def test_about_seven_of_ten_are_organisations(self, book: list[DemoClient]) -> None:
        assert 0.65 < mean(row["kind"] == "ORGANISATION" for row in book) < 0.75

    def test_both_scripts_are_there_for_both_kinds(self, book: list[DemoClient]) -> None:
        found = Counter((row["kind"], bool(CHINESE.search(str(_at(row, "profile.name"))))) for row in book)
        assert len(found) == 4
        assert min(found.values()) > 50

    def test_every_stage_and_every_manager_has_clients(self, book: list[DemoClient]) -> None:
        assert {row["stage"] for row in book} == {"PROSPECT", "ACTIVE", "DORMANT", "LOST"}
        assert {row["manager"] for row in book} == set(range(len(MANAGERS)))

    @pytest.mark.parametrize("kind", list(ClientKind))
    def test_most_attributes_that_apply_are_filled_and_some_are_not(
        self, book: list[DemoClient], kind: ClientKind
    ) -> None:
        expected = [leaf for leaf in LEAVES if kind in CATALOGUE.kinds_with(leaf)]
        rows = [row for row in book if row["kind"] == kind]
        share = mean(
            _at(row, leaf.path) is not None or leaf.path in row["references"] for row in rows for leaf in expected
        )
        assert 0.7 < share < 0.9

    def test_every_attribute_has_a_value_somewhere(self, book: list[DemoClient]) -> None:
        empty = [
            leaf.path
            for leaf in LEAVES
            if not any(_at(row, leaf.path) is not None or leaf.path in row["references"] for row in book)
        ]
        assert empty == []

    def test_references_point_at_earlier_organisations(self, book: list[DemoClient]) -> None:
        organisations: set[str] = set()
        paths = set()
        for row in book:
            for path, numbers in row["references"].items():
                attribute = CATALOGUE.get_live(path)
                assert attribute.kind is Kind.CLIENT
                assert attribute.is_list is isinstance(numbers, list)
                assert ClientKind(row["kind"]) in CATALOGUE.kinds_with(attribute)
                assert organisations.issuperset(numbers if isinstance(numbers, list) else [numbers])
                paths.add(path)
            if row["kind"] == "ORGANISATION":
                organisations.add(row["number"])
        assert paths == {"profile.parent", "profile.affiliates", "profile.employer"}

    def test_the_debt_ratio_is_liabilities_by_assets(self, book: list[DemoClient]) -> None:
        checked = 0
        for row in book:
            debt, assets = (
                _at(row, "behaviour.financials.totalLiabilities"),
                _at(row, "behaviour.financials.totalAssets"),
            )
            if isinstance(debt, float) and isinstance(assets, float):
                assert _at(row, "derived.debtRatio") == pytest.approx(debt / assets, abs=1e-4)
                checked += 1
            else:
                assert _at(row, "derived.debtRatio") is None
        assert checked > 300

    def test_content_clients_are_less_likely_to_leave(self, book: list[DemoClient]) -> None:
        active = [row for row in book if row["stage"] == "ACTIVE" and _at(row, "attitude.satisfaction") is not None]
        glad = [row for row in active if _numbers([row], "attitude.satisfaction")[0] >= 80]
        sorry = [row for row in active if _numbers([row], "attitude.satisfaction")[0] < 65]
        assert mean(_numbers(glad, "derived.churnRisk")) < mean(_numbers(sorry, "derived.churnRisk")) / 2

    def test_bigger_companies_sell_more(self, book: list[DemoClient]) -> None:
        small = [row for row in book if _at(row, "profile.sizeBand") == "SMALL"]
        large = [row for row in book if _at(row, "profile.sizeBand") == "LARGE"]
        path = "behaviour.financials.revenue"
        assert min(len(small), len(large)) > 20
        assert mean(_numbers(large, path)) > 5 * mean(_numbers(small, path))

    def test_segments_follow_client_value(self, book: list[DemoClient]) -> None:
        order = ("STANDARD", "GROWTH", "CORE", "KEY")
        for kind in ClientKind:
            rows = [row for row in book if row["kind"] == kind]
            values = [
                _numbers([row for row in rows if _at(row, "derived.segment") == one], "derived.clientValue")
                for one in order
            ]
            assert all(values)
            assert all(max(lower) < min(upper) for lower, upper in pairwise(values))

    def test_clients_that_are_lost_are_not_contacted(self, book: list[DemoClient]) -> None:
        lost = [row for row in book if row["stage"] == "LOST"]
        assert set(_numbers(lost, "behaviour.contactCount90d")) == {0.0}
        assert mean(_numbers([row for row in book if row["stage"] == "ACTIVE"], "behaviour.contactCount90d")) > 4

    def test_who_has_a_rating_of_b_or_less_has_a_lower_score(self, book: list[DemoClient]) -> None:
        rated = {code: [r for r in book if _at(r, "derived.creditRating") == code] for code in ("AAA", "B")}
        assert min(_numbers(rated["AAA"], "derived.creditScore")) > max(_numbers(rated["B"], "derived.creditScore"))
