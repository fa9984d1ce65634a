"""What is taken off documents after they were read, by exact value."""

import pytest

from policy.attributes import AreaView
from repositories.veil import Veil, masked, seen_source, seen_value


class TestMasked:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("CN-91310000", "***0000"),
            ("12345678", "***5678"),
            ("1234567", "***"),
            ("", "***"),
            (["CN-91310000", "x"], ["***0000", "***"]),
            (7, None),
            (None, None),
        ],
    )
    def test_shows_the_last_signs_of_a_long_text(self, value: object, shown: object) -> None:
        assert masked(value) == shown


class TestVeil:
    def test_masks_in_lists_of_groups_too(self) -> None:
        document = {"profile": {"people": [{"phone": "+86 21 5555 0101"}, {}, {"phone": "1"}]}}
        Veil(masks=("profile.people.phone", "profile.taxId")).over([document])
        assert document == {"profile": {"people": [{"phone": "***0101"}, {}, {"phone": "***"}]}}

    def test_takes_husks_away_inner_ones_first(self) -> None:
        document: dict[str, object] = {
            "profile": {"location": {"site": {}}, "people": [{"home": {}}, {"home": {"x": 1}}]}
        }
        Veil(groups=("profile.people.home", "profile.location.site", "profile.location")).over([document])
        assert document == {"profile": {"people": [{}, {"home": {"x": 1}}]}}


class TestSeenValue:
    SEEN = AreaView(
        hidden=frozenset({"profile.people.home.street", "profile.people.age"}),
        masked=frozenset({"profile.people.phone", "profile.taxId"}),
    )

    def test_of_a_list_of_groups_without_changing_it(self) -> None:
        value = [{"name": "Li", "age": 7, "home": {"street": "x", "city": "y"}, "phone": "+86 21 5555 0101"}]
        shown = seen_value(value, "profile.people", self.SEEN)
        assert shown == [{"name": "Li", "home": {"city": "y"}, "phone": "***0101"}]
        assert value[0]["age"] == 7
        assert value[0]["phone"] == "+86 21 5555 0101"

    def test_of_a_masked_text(self) -> None:
        assert seen_value("CN-91310000", "profile.taxId", self.SEEN) == "***0000"


class TestSeenSource:
    BOTH = "formula of derived.a, revision 2; rollup of derived.group.b, revision 11"

    @pytest.mark.parametrize(
        ("source", "hidden", "shown"),
        [
            (BOTH, set(), BOTH),
            (BOTH, {"derived.a"}, "rollup of derived.group.b, revision 11"),
            (BOTH, {"derived.a", "derived.group.b"}, None),
            (BOTH, {"derived.c"}, BOTH),
            ("a letter; formula of success", {"success"}, "a letter; formula of success"),
            (None, {"derived.a"}, None),
        ],
    )
    def test_names_nothing_that_may_not_be_known_of(
        self, source: str | None, hidden: set[str], shown: str | None
    ) -> None:
        assert seen_source(source, hidden) == shown
