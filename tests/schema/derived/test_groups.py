"""What can be grouped by and measured, and the keys that are asked for."""

from decimal import Decimal
from typing import Any

import pytest

from catalogue.catalogue import UnknownAttribute
from catalogue.errors import ErrorCode
from catalogue.kinds import Kind
from repositories.compile.groups import CalendarUnit, GroupBy
from schema.derived.groups import BadGroups, group_field_types, grouped, groups_from
from tests.definitions import beside, book

CORE = {"KIND": "kind"}


class TestGrouped:
    def test_kinds_and_lists_that_make_groups(self) -> None:
        names = {each.path.removeprefix("profile.") for each in grouped(book(), "clients")}
        single = {f"{each.lower()}1" for each in (*_GROUPED,)}
        assert {each for each in names if each[-1] in "12"} == single | {"code2", "string2"}

    def test_members_of_groups_but_not_of_lists_of_groups_and_only_live_ones(self) -> None:
        paths = {each.path for each in grouped(book(), "clients")}
        assert {"profile.place.city", "attitude.score", "attitude.going"} <= paths
        assert not {each for each in paths if each.startswith("profile.people")}
        assert not paths & {"attitude.later", "attitude.gone"}


_GROUPED = (Kind.CODE, Kind.STRING, Kind.BOOLEAN, Kind.DATE, Kind.DATETIME, Kind.LONG, Kind.NUMBER, Kind.DECIMAL)


class TestGroupFieldTypes:
    def test_names_and_paths(self) -> None:
        types = group_field_types(book(), "clients", "Client", CORE)
        assert types.measure is not None
        assert {each.name: each.value for each in types.measure} == {
            "ATTITUDE_SCORE": "attitude.score",
            "PROFILE_LONG1": "profile.long1",
            "PROFILE_NUMBER1": "profile.number1",
            "PROFILE_DECIMAL1": "profile.decimal1",
        }

    def test_nothing_to_measure(self) -> None:
        assert group_field_types(beside(), "clients", "Client", CORE).measure is None


def asked(*by: dict[str, Any]) -> tuple[GroupBy, ...]:
    return groups_from(book(), "clients", CORE, by)


class TestGroupsFrom:
    def test_as_they_are(self) -> None:
        given = ({"field": "kind"}, {"field": "profile.string2"}, {"field": "profile.long1", "bounds": None})
        assert asked(*given) == (GroupBy("kind"), GroupBy("profile.string2", is_list=True), GroupBy("profile.long1"))

    def test_cut_into_spans_and_ranges(self) -> None:
        assert asked(
            {"field": "profile.date1", "every": CalendarUnit.MONTH},
            {"field": "profile.number1", "bounds": [1, 2.5]},
            {"field": "profile.decimal1", "bounds": [0.1]},
        ) == (
            GroupBy("profile.date1", every=CalendarUnit.MONTH),
            GroupBy("profile.number1", bounds=(1.0, 2.5)),
            GroupBy("profile.decimal1", bounds=(Decimal("0.1"),)),
        )

    def test_one_date_by_two_spans(self) -> None:
        year, month = ({"field": "profile.date1", "every": each} for each in ("YEAR", "MONTH"))
        assert len(asked(year, month)) == 2

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ([], "1 to 3 keys; got 0"),
            ([{"field": f"profile.{each}1"} for each in ("long", "code", "date", "string")], "1 to 3 keys; got 4"),
            ([{"field": "kind"}] * 2, "twice"),
            ([{"field": "kind", "every": "DAY"}], "every goes with dates"),
            ([{"field": "profile.long1", "every": "DAY"}], "every goes with dates"),
            ([{"field": "kind", "bounds": [1]}], "bounds go with numbers"),
            ([{"field": "profile.date1", "bounds": [1]}], "bounds go with numbers"),
            ([{"field": "profile.long1", "bounds": []}], "1 to 50 finite numbers"),
            ([{"field": "profile.long1", "bounds": [1, 1]}], "got [1, 1]"),
            ([{"field": "profile.long1", "bounds": [2, 1]}], "each greater than the one before"),
            ([{"field": "profile.long1", "bounds": [1, float("nan")]}], "finite"),
            ([{"field": "profile.long1", "bounds": [1, float("inf")]}], "finite"),
            ([{"field": "profile.long1", "bounds": list(range(51))}], "1 to 50"),
        ],
    )
    def test_what_has_no_answer(self, given: list[dict[str, Any]], words: str) -> None:
        with pytest.raises(BadGroups) as refused:
            asked(*given)
        assert words in refused.value.message
        assert (refused.value.code, refused.value.path[0]) == (ErrorCode.INVALID_VALUE, "by")

    def test_what_is_not_there(self) -> None:
        with pytest.raises(UnknownAttribute):
            asked({"field": "attitude.gone"})
