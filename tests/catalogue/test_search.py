"""Folding, grams, and which values search looks into."""

from hypothesis import given
from hypothesis import strategies as st

from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from catalogue.search import folded, grams_of, searchable_words, searched_paths, wanted_grams
from tests.books import SMALL, attribute
from tests.definitions import defined


def test_a_restricted_text_is_among_no_words() -> None:
    catalogue = Catalogue(
        [
            defined("profile.open", is_searchable=True),
            defined("profile.secret", is_searchable=True, sensitivity="RESTRICTED"),
            defined("profile.people", Kind.GROUP, is_list=True),
            defined("profile.people.name", is_searchable=True),
            defined("profile.people.passport", is_searchable=True, sensitivity="RESTRICTED"),
        ]
    )
    people = [{"name": "Li", "passport": "P1"}]
    given = {"profile.open": "a", "profile.secret": "b", "profile.people": people}
    assert searchable_words(catalogue, given) == {"profile.open": "a", "profile.people": "li"}
    assert searched_paths(catalogue) == ("profile.open", "profile.people")


class TestFolded:
    def test_case_width_and_spaces_are_overlooked(self) -> None:
        assert folded("  ACME\tＴｒａｄｉｎｇ  Ltd. ") == "acme trading ltd."
        assert folded("Straße") == "strasse"
        assert folded("中国工商银行") == "中国工商银行"


class TestGrams:
    def test_three_letters_or_two_syllables(self) -> None:
        assert grams_of("acme t") == ["acm", "cme", "e t", "me ", "t"]
        assert grams_of("工商银") == ["商银", "工商", "银"]

    def test_wanted_are_whole_grams_only(self) -> None:
        assert wanted_grams("商银") == ["商银"]
        assert wanted_grams("ac") == []
        assert wanted_grams("acme") == ["acm", "cme"]

    @given(text=st.text("ab 工商", max_size=12), start=st.integers(0, 12), length=st.integers(1, 12))
    def test_a_part_of_a_text_wants_no_gram_that_the_text_lacks(self, text: str, start: int, length: int) -> None:
        part = text[start : start + length].strip()
        assert set(wanted_grams(part)) <= set(grams_of(text))


class TestSearchableWords:
    CATALOGUE = SMALL.with_attributes(
        (
            attribute("profile.name", is_searchable=True, is_sortable=True),
            attribute("profile.tags", is_list=True, is_searchable=True),
            attribute("profile.keyPeople.name", is_searchable=True),
        )
    )

    def test_texts_lists_and_people(self) -> None:
        values = {
            "profile.name": "ACME Ltd.",
            "profile.tags": ["Tea", "Steel"],
            "profile.keyPeople": [{"name": "Li Wei", "position": "Owner"}, {"position": "Clerk"}],
            "profile.employees": 5,
        }
        assert searchable_words(self.CATALOGUE, values) == {
            "profile.name": "acme ltd.",
            "profile.tags": "tea\nsteel",
            "profile.keyPeople": "li wei",
        }

    def test_cleared_values_have_no_words(self) -> None:
        assert searchable_words(self.CATALOGUE, {"profile.name": None, "profile.tags": []}) == {
            "profile.name": None,
            "profile.tags": None,
        }

    def test_paths(self) -> None:
        assert searched_paths(self.CATALOGUE) == ("profile.keyPeople", "profile.name", "profile.tags")
        assert searched_paths(SMALL) == ()
