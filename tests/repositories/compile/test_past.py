"""What is taken back of later changes, from the paths of a question."""

from datetime import UTC, datetime, timedelta
from typing import Any

from catalogue.catalogue import Catalogue
from catalogue.filters import Compare, Filter
from catalogue.kinds import Kind, Operator
from repositories.access import Access
from repositories.compile.past import Past, proofs_to_find, take_back, taken_back
from repositories.plan import ID, ReadPlan
from tests.books import ACCESS, SMALL, VIEWER, attribute

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def past_of(*paths: str, where: Filter | None = None, access: Access = ACCESS) -> Past:
    found = access.authorise(ReadPlan("clients", frozenset(paths), where, as_of=AT), VIEWER).past
    assert found is not None
    return found


class TestPastFrom:
    def test_what_is_taken_back(self) -> None:
        lost = Compare("stage", Operator.EQ, "LOST")
        past = past_of("profile.keyPeople.name", "profile.location.city", "number", ID, where=lost)
        assert (past.asked, past.shown) == (("stage",), ("profile.keyPeople", "profile.location.city"))
        assert past.groups == ("profile.location",)

    def test_groups_inner_ones_first_and_what_stands_beside_in_them(self) -> None:
        more = [
            attribute("profile.location.geo", Kind.GROUP),
            attribute("profile.location.geo.latitude", Kind.NUMBER),
        ]
        access = Access(ACCESS.policy, Catalogue([*SMALL.attributes, *more], SMALL.relations))
        past = past_of("profile.location.geo.latitude", access=access)
        assert past.groups == ("profile.location.geo", "profile.location")
        assert past.shown == ("profile.location.city", "profile.location.geo.latitude")


class TestTakenBack:
    def test_the_values_asked_for_are_taken_back_before_they_are_looked_at(self) -> None:
        past = Past(AT, ("stage",), (), ())
        stages = taken_back(past, {"a": 1}, {"stage": "LOST"}, [{"$limit": 3}], "changes", is_joined=False)
        later = {"$filter": {"input": "$tail", "as": "entry", "cond": {"$gt": ["$$entry.at", AT]}}}
        assert [next(iter(each)) for each in stages] == ["$match", "$set", "$set", "$set", "$match", "$limit"]
        assert stages[:2] == [{"$match": {"a": 1}}, {"$set": {"pastEntries": later}}]
        assert stages[-2:] == [{"$match": {"stage": "LOST"}}, {"$limit": 3}]

    def test_older_changes_are_joined_and_come_first(self) -> None:
        past = Past(AT, (), (), ())
        lookup, joined = taken_back(past, {}, {}, [], "changes", is_joined=True)[1:]
        assert lookup["$lookup"]["pipeline"][0] == {"$match": {"at": {"$gt": AT}}}
        assert joined["$set"]["pastEntries"]["$concatArrays"][0] == "$pastEntries"


class TestTakeBack:
    def test_the_oldest_later_change_says_what_was(self) -> None:
        past = Past(AT, ("stage",), ("profile.location.city", "profile.name"), ("profile.location",))
        document = {"stage": "C", "version": 4, "profile": {"name": "x", "location": {"city": "Xi'an"}}}
        entries: list[dict[str, Any]] = [
            {"version": 3, "values": [{"path": "stage", "old": "A"}, {"path": "profile.location.city"}]},
            {"version": 4, "values": [{"path": "stage", "old": "B"}, {"path": "profile.employees", "old": 5}]},
        ]
        take_back(past, document, entries)
        assert document == {"stage": "A", "version": 2, "sequence": 2, "profile": {"name": "x"}}

    def test_version_and_date_are_those_that_the_oldest_later_change_found(self) -> None:
        later: list[dict[str, Any]] = [
            {"version": 7, "shown": 3, "before": {"v": 3, "at": AT}, "values": []},
            {"version": 8, "shown": 4, "before": {"v": 3, "at": AT}, "values": []},
        ]
        document = {"version": 4, "sequence": 8, "updatedAt": AT + timedelta(days=2)}
        take_back(Past(AT, (), (), ()), document, later)
        assert document == {"version": 3, "sequence": 6, "updatedAt": AT}

    def test_without_later_changes_nothing_is_touched(self) -> None:
        document = {"version": 4, "profile": {"location": {}}}
        take_back(Past(AT, (), (), ("profile.location",)), document, [])
        assert document == {"version": 4, "profile": {"location": {}}}


class TestProofsToFind:
    def test_those_of_later_changes_and_those_that_are_gone(self) -> None:
        document = {"version": 2, "proof": {"stage": {"v": 2}, "profile/name": {"v": 3}, "first": {"v": 1}}}
        paths = ("proof.stage", "proof.profile/name", "proof.profile/size", "proof.first", "stage")
        assert proofs_to_find(document, paths) == ["profile.name", "profile.size"]
