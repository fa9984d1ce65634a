"""A set of attributes and its version."""

import subprocess
import sys
from typing import Any

import pytest

from catalogue.attribute import Status
from catalogue.builtin import builtin_catalogue
from catalogue.catalogue import Catalogue, UnknownAttribute
from catalogue.errors import ErrorCode
from catalogue.kinds import Kind
from tests.definitions import book, defined


class TestVersion:
    def test_the_order_of_the_rows_does_not_matter(self) -> None:
        rows = book().attributes
        assert Catalogue(reversed(rows)).version == Catalogue(rows).version

    def test_a_default_that_is_said_is_the_same_as_one_that_is_not(self) -> None:
        assert Catalogue([defined("profile.a")]).version == Catalogue([defined("profile.a", revision=1)]).version

    @pytest.mark.parametrize("more", [{"label": "Other"}, {"unit": "CNY"}, {"status": "DRAFT"}, {"revision": 2}])
    def test_any_difference_is_another_version(self, more: dict[str, Any]) -> None:
        assert Catalogue([defined("profile.a")]).version != Catalogue([defined("profile.a", **more)]).version

    def test_is_the_same_in_another_process(self) -> None:
        code = "from catalogue.builtin import builtin_catalogue; print(builtin_catalogue().version)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == builtin_catalogue().version
        assert len(builtin_catalogue().version) == 64


class TestGetLive:
    def test_a_live_attribute(self) -> None:
        assert book().get_live("profile.place.city").path == "profile.place.city"
        assert book().get_live("attitude.going").status is Status.DEPRECATED

    @pytest.mark.parametrize("path", ["profile", "profile.nothing", "attitude.later", "attitude.gone", ""])
    def test_anything_else_is_unknown(self, path: str) -> None:
        with pytest.raises(UnknownAttribute, match=f'"{path}"') as refused:
            book().get_live(path)
        assert refused.value.code is ErrorCode.UNKNOWN_ATTRIBUTE

    def test_another_area_is_another_set(self) -> None:
        catalogue = Catalogue([defined("name", area="managers")])
        assert catalogue.get_live("name", "managers").area == "managers"
        with pytest.raises(UnknownAttribute):
            catalogue.get_live("name")


class TestRestricted:
    ROWS = (
        defined("profile.a", sensitivity="RESTRICTED", is_lookup=True),
        defined("profile.b"),
        defined("profile.g", Kind.GROUP, sensitivity="RESTRICTED"),
        defined("profile.g.c", is_list=True),
        defined("profile.g.inner", Kind.GROUP),
        defined("profile.g.inner.d", Kind.DATE, status="RETIRED"),
        defined("profile.people", Kind.GROUP, is_list=True),
        defined("profile.people.name"),
        defined("profile.people.passport", sensitivity="RESTRICTED"),
        defined("profile.people.home", Kind.GROUP),
        defined("profile.people.home.door", sensitivity="RESTRICTED"),
    )

    def test_says_what_is_encrypted_of_each_stored_value(self) -> None:
        assert Catalogue(self.ROWS).restricted() == {
            "profile.a": ("",),
            "profile.g.c": ("",),
            "profile.g.inner.d": ("",),
            "profile.people": ("home.door", "passport"),
        }
        assert Catalogue(self.ROWS).restricted("managers") == {}

    def test_a_filter_offers_what_a_keyed_hash_can_answer(self) -> None:
        catalogue = Catalogue(self.ROWS)
        offered = {each.path: [str(one) for one in catalogue.operators(each)] for each in catalogue.attributes}
        assert offered["profile.a"] == ["eq", "in", "isNull"]
        assert offered["profile.g.c"] == offered["profile.people.passport"] == ["isNull"]
        assert "startsWith" in offered["profile.b"]

    def test_it_is_not_sorted_whatever_an_old_definition_says(self) -> None:
        rows = [
            defined("profile.a", sensitivity="RESTRICTED", is_sortable=True),
            defined("profile.b", is_sortable=True),
        ]
        assert [each.path for each in Catalogue(rows).sortable()] == ["profile.b"]


class TestIsLive:
    def test_what_stands_in_a_retired_group_is_not_live(self) -> None:
        group = defined("profile.g", Kind.GROUP, status="RETIRED")
        inner = defined("profile.g.a")
        assert not Catalogue([group, inner]).is_live(inner)

    def test_a_group_deeper_inside_counts_too(self) -> None:
        rows = [defined("profile.g", Kind.GROUP, status="DRAFT"), defined("profile.g.h", Kind.GROUP)]
        leaf = defined("profile.g.h.a")
        assert not Catalogue([*rows, leaf]).is_live(leaf)
        assert Catalogue([rows[1], leaf]).is_live(leaf)


class TestLeaves:
    def test_groups_are_opened_and_lists_of_groups_are_one_value(self) -> None:
        paths = [leaf.path for leaf in book().leaves("profile")]
        assert {"profile.place.city", "profile.place.zone", "profile.people", "profile.string1"} <= set(paths)
        assert not {"profile.place", "profile.people.name"} & set(paths)
        assert paths == sorted(paths)

    def test_what_is_not_live_is_left_out(self) -> None:
        assert [leaf.path for leaf in book().leaves("attitude")] == [
            "attitude.going",
            "attitude.least",
            "attitude.score",
        ]


class TestListGroupOf:
    @pytest.mark.parametrize(
        ("path", "outer"),
        [
            ("profile.people.name", "profile.people"),
            ("profile.people.home.city", "profile.people"),
            ("profile.people", None),
            ("profile.place.city", None),
            ("profile.string2", None),
        ],
    )
    def test_the_outermost_list(self, path: str, outer: str | None) -> None:
        found = book().list_group_of(book().get_live(path))
        assert (found.path if found else None) == outer


class TestWithAttributes:
    def test_a_new_definition_stands_beside_and_a_changed_one_instead(self) -> None:
        before = Catalogue([defined("profile.a"), defined("profile.b")])
        after = before.with_attributes([defined("profile.b", unit="CNY"), defined("profile.c")])
        assert [each.path for each in after.attributes] == ["profile.a", "profile.b", "profile.c"]
        assert after.get_live("profile.b").unit == "CNY"
        assert before.get_live("profile.b").unit is None

    def test_an_area_has_paths_of_its_own(self) -> None:
        catalogue = Catalogue([defined("name", area="managers")]).with_attributes([defined("name", area="others")])
        assert len(catalogue.attributes) == 2


class TestCounts:
    def test_how_many_stand_where(self) -> None:
        counts = book().counts()
        assert (counts[Status.DRAFT], counts[Status.RETIRED], counts[Status.DEPRECATED]) == (1, 1, 1)
        assert sum(counts.values()) == len(book().area())


class TestSortable:
    def test_live_and_sortable_in_order_of_path(self) -> None:
        rows = [
            defined("profile.b", is_sortable=True),
            defined("profile.a", is_sortable=True),
            defined("profile.c", is_sortable=True, status="DRAFT"),
            defined("profile.d"),
        ]
        assert [each.path for each in Catalogue(rows).sortable()] == ["profile.a", "profile.b"]
