"""Formulas that are tried: on clients, on what is supposed, and by whom."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from acts.derived_preview import CLIENTS_MOST, Wanted, preview
from catalogue.attribute import Sensitivity
from catalogue.catalogue import UnknownAttribute
from catalogue.errors import Refused
from catalogue.kinds import Kind
from policy.viewer import Viewer
from repositories.access import NotAllowed, Touched
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import SMALL, VIEWER, attribute, everything, insert, open_book

pytestmark = pytest.mark.real_drivers
STAFF = "$profile.employees"
PER_VISIT = {"$divide": ["$profile.employees", "$behaviour.visits"]}
STEWARD = Viewer("S001", frozenset(("data_steward",)))


def wanted(formula: object, kind: Kind = Kind.NUMBER, **more: Any) -> Wanted:
    return Wanted(json.dumps(formula), kind, **more)


async def values(
    book: Repositories, formula: object, viewer: Viewer = VIEWER, kind: Kind = Kind.NUMBER, **more: Any
) -> list[tuple[str | None, object]]:
    return [(each.number, each.value) for each in await preview(viewer, book, wanted(formula, kind, **more))]


async def filled(book: Repositories) -> None:
    for at in range(3):
        await insert(book, f"C{at}", {"profile.employees": at * 10, "behaviour.visits": at})


class TestPreview:
    async def test_on_clients_and_on_a_sample(self, book: Repositories) -> None:
        await filled(book)
        before = await everything(book)
        assert await values(book, PER_VISIT, numbers=("C1", "C0", "nobody")) == [("C0", None), ("C1", 10.0)]
        assert await values(book, PER_VISIT, sample=2) == [("C0", None), ("C1", 10.0)]
        assert await everything(book) == before

    @pytest.mark.parametrize(
        ("formula", "values_by_employees"),
        [
            ({"$cond": [{"$lt": [STAFF, 15]}, "LOW", "HIGH"]}, (None, "LOW", "HIGH")),
            ({"$cond": [{"$not": {"$gte": [STAFF, 15]}}, "LOW", "HIGH"]}, (None, "LOW", "HIGH")),
            ({"$cond": [{"$lte": [{"$cmp": [STAFF, 15]}, 0]}, "LOW", "HIGH"]}, (None, "LOW", "HIGH")),
            ({"$cond": [{"$lt": [15, STAFF]}, "HIGH", "LOW"]}, (None, "LOW", "HIGH")),
            ({"$cond": [{"$ne": [STAFF, 10]}, "OTHER", "TEN"]}, (None, "TEN", "OTHER")),
            ({"$cond": [{"$eq": [STAFF, None]}, "UNKNOWN", "KNOWN"]}, ("UNKNOWN", "KNOWN", "KNOWN")),
            ({"$cond": [{"$gt": [STAFF, None]}, "KNOWN", "UNKNOWN"]}, ("UNKNOWN", "KNOWN", "KNOWN")),
            ({"$cond": [{"$lt": [{"$ifNull": [STAFF, 0]}, 15]}, "LOW", "HIGH"]}, ("LOW", "LOW", "HIGH")),
            (
                {"$switch": {"branches": [{"case": {"$lt": [STAFF, 15]}, "then": "LOW"}], "default": "HIGH"}},
                (None, "LOW", "HIGH"),
            ),
            (
                {
                    "$switch": {
                        "branches": [
                            {"case": {"$lt": [STAFF, 15]}, "then": "LOW"},
                            {"case": {"$eq": [STAFF, None]}, "then": "UNKNOWN"},
                        ],
                        "default": "HIGH",
                    }
                },
                ("UNKNOWN", "LOW", "HIGH"),
            ),
            ({"$cond": [{"$and": [{"$lt": [STAFF, 15]}, {"$eq": [1, 2]}]}, "A", "B"]}, ("B", "B", "B")),
            ({"$cond": [{"$and": [{"$lt": [STAFF, 15]}, {"$eq": [1, 1]}]}, "A", "B"]}, (None, "A", "B")),
            ({"$cond": [{"$or": [{"$lt": [STAFF, 15]}, {"$eq": [1, 1]}]}, "A", "B"]}, ("A", "A", "A")),
            ({"$cond": [{"$or": [{"$lt": [STAFF, 15]}, {"$eq": [1, 2]}]}, "A", "B"]}, (None, "A", "B")),
        ],
    )
    async def test_unset_is_not_small(
        self, book: Repositories, formula: object, values_by_employees: tuple[str | None, ...]
    ) -> None:
        for number, employees in (("C0", None), ("C1", 10), ("C2", 20)):
            await insert(book, number, {"profile.employees": employees} if employees else {})
        given = await values(book, formula, kind=Kind.STRING, sample=3)
        assert tuple(value for _, value in given) == values_by_employees

    @pytest.mark.parametrize("operator", ["$toLower", "$toUpper"])
    async def test_an_unset_text_is_not_an_empty_one(self, book: Repositories, operator: str) -> None:
        await insert(book, "C0", {})
        assert await values(book, {operator: "$profile.name"}, kind=Kind.STRING, sample=1) == [("C0", None)]
        compared = {"$strcasecmp": ["$profile.name", "a"]}
        assert await values(book, compared, kind=Kind.LONG, sample=1) == [("C0", None)]

    async def test_as_if_something_were_otherwise(self, book: Repositories) -> None:
        await filled(book)
        supposed: Mapping[str, object] = {"behaviour.visits": 4}
        assert await values(book, PER_VISIT, numbers=("C2",), supposed=supposed) == [("C2", 5.0)]
        assert await values(book, PER_VISIT, numbers=("C2",), supposed={"behaviour.visits": None}) == [("C2", None)]

    async def test_on_what_is_supposed_alone(self, book: Repositories) -> None:
        supposed: Mapping[str, object] = {"profile.employees": 9, "behaviour.visits": 2, "kind": "PERSON"}
        person = {"$cond": [{"$eq": ["$kind", "PERSON"]}, PER_VISIT, 0.0]}
        (found,) = await preview(VIEWER, book, wanted(person, supposed=supposed))
        assert (found.number, found.value) == (None, 4.5)
        assert found.inputs == {"behaviour.visits": 2, "kind": "PERSON", "profile.employees": 9}

    async def test_a_text_that_looks_like_a_path_is_one_value(self, book: Repositories) -> None:
        supposed: Mapping[str, object] = {"profile.name": "$attitude.remarks"}
        given = {"$concat": ["$profile.name", "!"]}
        assert await values(book, given, kind=Kind.STRING, supposed=supposed) == [(None, "$attitude.remarks!")]

    async def test_of_a_list_of_groups_it_shows_what_was_read(self, book: Repositories) -> None:
        people = [{"name": "Li", "position": "CEO"}, {"position": "CFO"}]
        await insert(book, "C1", {"profile.keyPeople": people})
        names = {"$map": {"input": "$profile.keyPeople", "in": "$$this.name"}}
        (found,) = await preview(VIEWER, book, wanted(names, Kind.STRING, is_list=True, numbers=("C1",)))
        assert (found.value, found.inputs) == (["Li"], {"profile.keyPeople.name": ["Li", None]})

    async def test_clients_are_noted_for_the_audit(self, book: Repositories) -> None:
        await filled(book)
        touched = Touched()
        await preview(VIEWER, book, wanted(PER_VISIT, sample=2), touched)
        assert len(touched.records["clients"]) == 2
        assert "profile.employees" in touched.paths["clients"]

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (wanted({"$foo": 1}), "uses $foo"),
            (wanted("$profile.name"), "takes NUMBER"),
            (wanted(PER_VISIT, sample=CLIENTS_MOST + 1), "up to 50 clients"),
            (wanted(PER_VISIT, supposed={"profile.name": "x"}), "paths that the formula reads"),
            (wanted(PER_VISIT, supposed={"profile.employees": "many"}), "a whole number"),
            (
                wanted(
                    "$profile.location.city",
                    Kind.STRING,
                    supposed={"profile.location": {}, "profile.location.city": "B"},
                ),
                "given too",
            ),
            (wanted("$stage", Kind.CODE), "STRING, because"),
        ],
    )
    async def test_what_is_refused(self, book: Repositories, given: Wanted, words: str) -> None:
        with pytest.raises(Refused) as refused:
            await preview(VIEWER, book, given)
        assert words in refused.value.message


class TestPolicy:
    async def test_without_the_right(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed):
            await preview(Viewer("R001", frozenset(("relationship_manager",))), book, wanted(PER_VISIT))

    async def test_who_may_not_read_an_input_may_suppose_it_and_no_more(self, store: Store) -> None:
        visits = attribute("behaviour.visits", Kind.LONG, sensitivity=Sensitivity.INTERNAL)
        book = await open_book(store, SMALL.with_attributes((visits,)))
        await filled(book)
        supposed: Mapping[str, object] = {"profile.employees": 9, "behaviour.visits": 2}
        assert await values(book, PER_VISIT, STEWARD, supposed=supposed) == [(None, 4.5)]
        assert await values(book, {"$add": ["$behaviour.visits", 0.5]}, STEWARD, numbers=("C2",)) == [("C2", 2.5)]
        tries: Sequence[dict[str, Any]] = ({"numbers": ("C2",)}, {"sample": 3}, {"sample": 3, "supposed": supposed})
        for each in tries:
            with pytest.raises(UnknownAttribute, match=r"profile\.employees"):
                await preview(STEWARD, book, wanted(PER_VISIT, **each))
