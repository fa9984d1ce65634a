"""How good values are: by exact figures, over what the viewer may read and filter by, and nothing else."""

from typing import Any

import pytest

from acts import data_quality
from acts.data_quality import Quality, measure, measured_attributes, unknown_paths
from catalogue.attribute import Facet, Sensitivity
from catalogue.catalogue import UnknownAttribute
from catalogue.kinds import Kind
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.mongo import Store
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import SMALL, VIEWER, attribute, insert, open_book

CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.taxId", sensitivity=Sensitivity.RESTRICTED, is_lookup=True),
        attribute("profile.employees", Kind.LONG, minimum=0, maximum=10, sensitivity=Sensitivity.INTERNAL),
        attribute("profile.keyPeople.name", max_length=3),
        attribute("profile.gone", status="RETIRED"),
    )
)
STEWARD = Viewer("S", frozenset(("data_steward",)))


@pytest.fixture
async def book(store: Store) -> Repositories:
    book = await open_book(store, CATALOGUE)
    people = [{"name": "Li"}, {"name": "Long"}]
    await insert(book, "A", {"profile.employees": 5, "profile.tags": ["x", "y"], "profile.keyPeople": people})
    await insert(book, "B", {"profile.employees": 50, "profile.tags": ["x"], "profile.taxId": "T"})
    await insert(book, "C", {"profile.employees": 5, "profile.tags": []})
    person = await insert(book, "P", {"profile.gone": "kept"})
    odd = {"kind": "PERSON", "profile.odd": {"inner": 1}, "profile.keyPeople": [{"name": "Wu", "colour": 1}]}
    await book.clients.collection.update_one({ID: person}, {"$set": odd})
    return book


async def measured(book: Repositories, *paths: str, viewer: Viewer = VIEWER) -> dict[str, Quality]:
    attributes = measured_attributes(viewer, book, paths)
    found = await measure(viewer, book, attributes, wants_distinct=True, wants_misfits=True)
    return {each.attribute.path: each for each in found}


def figures(found: Quality) -> tuple[Any, ...]:
    return found.looked_at, found.filled, found.distinct, found.minimum, found.maximum, found.misfits


class TestMeasure:
    async def test_figures(self, book: Repositories) -> None:
        paths = ("profile.employees", "profile.tags", "profile.keyPeople", "profile.keyPeople.name", "profile.birthday")
        found = {path: figures(each) for path, each in (await measured(book, *paths)).items()}
        assert found == {
            "profile.employees": (4, 3, 2, 5, 50, 1),
            "profile.tags": (4, 2, 2, None, None, 0),
            "profile.keyPeople": (4, 2, None, None, None, 0),
            "profile.keyPeople.name": (4, 2, 3, None, None, 1),
            "profile.birthday": (1, 0, 0, None, None, 0),
        }

    async def test_examples_are_named_and_noted(self, book: Repositories) -> None:
        touched = Touched()
        attributes = measured_attributes(VIEWER, book, ["profile.employees"])
        (found,) = await measure(VIEWER, book, attributes, wants_misfits=True, touched=touched)
        (client,) = await book.clients.collection.find({"number": "B"}, {ID: 1})
        assert found.misfit_ids == (client[ID],)
        assert touched.records == {"clients": {client[ID]}}
        assert "profile.employees" in touched.paths["clients"]

    async def test_no_more_than_is_asked_for(self, book: Repositories) -> None:
        (found,) = await measure(VIEWER, book, measured_attributes(VIEWER, book, ["profile.employees"]))
        assert (found.distinct, found.misfits, found.misfit_ids) == (None, None, ())
        assert await measure(VIEWER, book, []) == []

    async def test_different_values_are_counted_to_a_limit(
        self, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(data_quality, "DISTINCT_LIMIT", 1)
        assert (await measured(book, "profile.tags"))["profile.tags"].distinct == 1

    async def test_of_a_large_book_a_part(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(data_quality, "SAMPLED_ABOVE", 3)
        monkeypatch.setattr(data_quality, "SAMPLE", 2)
        (found,) = (await measured(book, "profile.employees")).values()
        assert (found.is_sampled, found.looked_at) == (True, 2)

    async def test_an_empty_book(self, store: Store) -> None:
        book = await open_book(store, CATALOGUE)
        (found,) = (await measured(book, "profile.employees")).values()
        assert figures(found) == (0, 0, 0, None, None, 0)


class TestPolicy:
    async def test_by_what_may_be_filtered_alone(self, book: Repositories) -> None:
        able = {each.path for each in measured_attributes(STEWARD, book)}
        assert able == {"profile.employees"}
        for viewer, path in ((STEWARD, "profile.name"), (VIEWER, "profile.taxId"), (VIEWER, "profile.gone")):
            with pytest.raises(UnknownAttribute):
                measured_attributes(viewer, book, [path])
        assert {each.facet for each in measured_attributes(VIEWER, book, facet=Facet.ATTITUDE)} == {Facet.ATTITUDE}

    @pytest.mark.parametrize("role", ["relationship_manager", "team_lead", "risk_officer", "auditor"])
    async def test_stewards_and_administrators_alone(self, book: Repositories, role: str) -> None:
        viewer = Viewer("X", frozenset((role,)), "north", "mg_1")
        with pytest.raises(NotAllowed):
            measured_attributes(viewer, book)
        with pytest.raises(NotAllowed):
            await unknown_paths(viewer, book)

    async def test_walled_clients_are_not_counted(self, book: Repositories) -> None:
        (client,) = await book.clients.collection.find({"number": "B"}, {ID: 1})
        viewer = Viewer("M", VIEWER.roles, walled=frozenset((client[ID],)))
        (found,) = (await measured(book, "profile.employees", viewer=viewer)).values()
        assert figures(found) == (3, 2, 1, 5, 5, 0)


class TestUnknownPaths:
    async def test_the_outermost_and_none_that_an_attribute_explains(self, book: Repositories) -> None:
        found = {each.path: each.count for each in await unknown_paths(STEWARD, book)}
        # The steward does not read key people.
        assert found == {"profile.odd": 1}
        found = {each.path: each.count for each in await unknown_paths(VIEWER, book)}
        assert found == {"profile.odd": 1, "profile.keyPeople.colour": 1}
