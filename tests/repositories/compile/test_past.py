"""What is taken back of later changes, from the paths of a question."""

from datetime import UTC, datetime

from catalogue.catalogue import Catalogue
from catalogue.filters import Compare, Filter
from catalogue.kinds import Kind, Operator
from repositories.access import Access
from repositories.compile.past import Past
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
