"""Derived values on a real server: against plain Python, over odd documents, and after many writes at once."""

import asyncio
import json
import math
import os
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from bson import Decimal128

from catalogue.catalogue import Catalogue
from catalogue.formulas.forms import check_text
from catalogue.kinds import Kind
from repositories.compile.derivations import recomputing_stages
from repositories.compile.records import assign
from repositories.cursors import value_at
from repositories.mongo import Store
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.books import AT, SMALL, attribute, change, open_book, record, seen, stored
from tests.figures import Figure
from tests.formula_operators import number, to_decimal
from tests.formula_words import INPUTS, Words, document
from tests.formulas import Evaluator

IS_LONG = bool(os.environ.get("KEHU_TEST_LONG"))
pytestmark = [pytest.mark.real_drivers, pytest.mark.parametrize("driver", ["pymongo"], indirect=True)]
NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
_KINDS = (Kind.NUMBER, Kind.LONG, Kind.DECIMAL, Kind.STRING, Kind.BOOLEAN, Kind.DATETIME)
BOOK = SMALL.with_attributes(
    attribute(path, kind, formula=json.dumps(formula), derived_from=inputs)
    for path, kind, formula, inputs in (
        (
            "derived.perVisit",
            Kind.NUMBER,
            {"$divide": ["$profile.employees", "$behaviour.visits"]},
            ("profile.employees", "behaviour.visits"),
        ),
        ("derived.twice", Kind.NUMBER, {"$multiply": ["$derived.perVisit", 2]}, ("derived.perVisit",)),
        ("derived.people", Kind.LONG, {"$size": "$profile.keyPeople"}, ("profile.keyPeople",)),
        ("derived.isActive", Kind.BOOLEAN, {"$eq": ["$stage", "ACTIVE"]}, ("stage",)),
    )
)


def formulas(seed: int, count: int = 20) -> Catalogue:
    """A catalogue with random formulas, of which later ones read earlier ones."""
    random = Random(seed)
    made: dict[Kind, list[str]] = {}
    catalogue = INPUTS
    for at in range(count):
        kind = random.choice(_KINDS)
        path = f"derived.f{at}"
        text = json.dumps(Words(random, made).of(kind))
        assert not check_text(catalogue, path, text).problems, (text, check_text(catalogue, path, text).problems)
        catalogue = catalogue.with_attributes([attribute(path, kind, formula=text)])
        made.setdefault(kind, []).append(path)
    return catalogue


def expected(catalogue: Catalogue, client: dict[str, Any]) -> dict[str, Any]:
    """What plain Python makes of the formulas of a document, by path."""
    found: dict[str, Any] = {}
    at_hand = deepcopy(client)
    for place in range(20):
        path = f"derived.f{place}"
        definition = catalogue.find(path)
        assert definition is not None
        given = Evaluator(catalogue, at_hand, NOW).value(json.loads(definition.formula or ""))
        found[path] = kept(definition.kind, given)
        if found[path] is not None:
            value = found[path]
            assign(at_hand, path, Decimal128(value) if isinstance(value, Decimal) else value)
    return found


def kept(kind: Kind, value: Any) -> Any:
    """A value as its kind is stored."""
    if value is None:
        return None
    match kind:
        case Kind.LONG:
            return int(value) if -(2**63) <= value < 2**63 else None
        case Kind.NUMBER:
            return number(float(value))
        case Kind.DECIMAL:
            return to_decimal(value)
        case Kind.STRING:
            return value if len(value) <= 1_000 else None
        case _:
            return value


def is_alike(one: Any, other: Any) -> bool:
    if isinstance(one, Decimal128):
        one = one.to_decimal()
    if isinstance(one, float | Decimal) and isinstance(other, float | Decimal):
        return one == other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return bool(one == other) and (one is None) is (other is None)


class TestRandomFormulas:
    async def test_what_is_stored_is_what_plain_python_says(self, store: Store, figure: Figure) -> None:
        chunks = 100 if IS_LONG else 10
        wrong: list[object] = []
        for seed in range(chunks):
            wrong += await self._differences(store, seed)
        assert not wrong, f"{len(wrong)} of {chunks * 400}, such as {wrong[0]}"
        figure(f"{chunks * 20} random formulas over 20 odd documents each: all as plain Python says")

    async def _differences(self, store: Store, seed: int) -> list[object]:
        catalogue = formulas(seed)
        book = await open_book(store, catalogue)
        random = Random(seed + 1_000)
        core = {"kind": "ORGANISATION", "stage": "ACTIVE", "version": 1, "createdAt": AT, "updatedAt": AT, "tail": []}
        await book.clients.collection.delete_many({})
        await book.clients.collection.insert_many(
            [{ID: f"cl_{at}", "number": f"N{at}", **core, **document(random)} for at in range(20)]
        )
        before = await book.clients.collection.find({}, sort=[(ID, 1)])
        stages = recomputing_stages(book.derivations.for_new(), NOW, "test")
        await book.clients.collection.update_many({}, stages)
        after = await book.clients.collection.find({}, sort=[(ID, 1)])
        wrong: list[object] = []
        for old, new in zip(before, after, strict=True):
            for path, value in expected(catalogue, old).items():
                if not is_alike(value_at(new, path), value):
                    definition = catalogue.find(path)
                    text = definition.formula if definition else ""
                    wrong.append((seed, path, text, value_at(new, path), value, old))
        return wrong


class TestWrites:
    async def test_a_new_client_has_its_derived_values_at_once(self, store: Store) -> None:
        book = await open_book(store, BOOK)
        made = record("C1")
        values = {"stage": "ACTIVE", "profile.employees": 12, "behaviour.visits": 4}
        written = await book.clients.insert(made, change(values))
        found = await stored(book, str(made[ID]))
        assert found["derived"] == {"perVisit": 3.0, "twice": 6.0, "isActive": True}
        assert written.document["derived"] == found["derived"]
        assert [each["path"] for each in found["tail"][0]["values"]][-3:] == [
            "derived.isActive",
            "derived.perVisit",
            "derived.twice",
        ]
        assert found["proof"] == {"first": {"v": 1, "o": AT}}

    async def test_many_at_once_and_the_first_change_says_what_was_computed(self, store: Store) -> None:
        book = await open_book(store, BOOK)
        rows = [(record(f"C{at}"), change({"stage": "LOST", "profile.employees": at})) for at in range(3)]
        again = (dict(rows[0][0]), change({"stage": "LOST"}))
        assert await book.clients.insert_many([*rows, again]) == frozenset((3,))
        (moved,) = await store.collection("changes").find({"recordId": rows[1][0][ID]})
        assert moved["values"][-1] == {"path": "derived.isActive", "new": False}

    async def test_a_change_computes_what_hangs_on_it_and_nothing_else(self, store: Store) -> None:
        book = await open_book(store, BOOK)
        made = record("C1")
        await book.clients.insert(made, change({"stage": "ACTIVE", "profile.employees": 12, "behaviour.visits": 4}))
        client_id = str(made[ID])
        await book.clients.collection.update_one({ID: client_id}, {"$set": {"derived.isActive": "untouched"}})
        later = AT + timedelta(hours=1)
        await book.clients.write(client_id, change({"behaviour.visits": 0}), seen())
        found = await stored(book, client_id)
        assert found["derived"] == {"isActive": "untouched"}
        assert found["tail"][-1]["values"] == [
            {"path": "behaviour.visits", "old": 4, "new": 0},
            {"path": "derived.perVisit", "old": 3.0},
            {"path": "derived.twice", "old": 6.0},
        ]
        done = await book.clients.write_many([(client_id, change({"behaviour.visits": 6}, key="a:b"))])
        assert done == frozenset()
        found = await stored(book, client_id)
        assert (found["derived"]["twice"], found["proof"]["derived/twice"]["v"]) == (4.0, 3)
        assert later > found["proof"]["derived/twice"]["o"]

    async def test_without_a_formula_on_its_path_a_change_is_as_it_was(self, store: Store) -> None:
        book = await open_book(store, BOOK)
        assert book.derivations.for_change(("attitude.remarks", "profile.name")) == ()
        assert [each.path for each in book.derivations.for_change(("profile.employees", "stage"))] == [
            "derived.isActive",
            "derived.perVisit",
            "derived.twice",
        ]

    async def test_many_large_clients_take_several_commands(self, store: Store) -> None:
        book = await open_book(store, BOOK)
        remarks = "x" * 120_000
        rows = [
            (record(f"C{at}"), change({"stage": "LOST", "attitude.remarks": remarks, "profile.employees": at}))
            for at in range(80)
        ]
        assert await book.clients.insert_many(rows) == frozenset()
        assert await book.clients.collection.count({"derived.isActive": False}) == 80

    async def test_a_computed_list_of_long_texts_does_not_fill_the_document(self, store: Store) -> None:
        one = {"$split": ["$attitude.remarks", ","]}
        each = {"$map": {"input": one, "as": "x", "in": "$attitude.remarks"}}
        grown = BOOK.with_attributes(
            attribute(f"derived.{name}", Kind.TEXT, is_list=True, formula=json.dumps(formula))
            for name, formula in (("few", one), ("grown", each))
        )
        book = await open_book(store, grown)
        made = record("C1")
        await book.clients.insert(made, change({"stage": "ACTIVE", "attitude.remarks": "some words"}))
        # 500 copies of 20,000 signs are ten million, and the history has them twice more.
        for word in ("a," * 400, "字" * 40 + "," * 499 + "字" * 19_000, "few, words"):
            await book.clients.write(str(made[ID]), change({"attitude.remarks": word}), seen())
        found = await stored(book, str(made[ID]))
        assert found["derived"]["grown"] == ["few, words"] * 2
        assert found["derived"]["few"] == ["few", " words"]

    async def test_after_many_changes_at_once_nothing_differs_from_a_full_recompute(
        self, store: Store, figure: Figure
    ) -> None:
        count = 10_000 if IS_LONG else 300
        book = await open_book(store, BOOK)
        clients = [record(f"C{at}") for at in range(12)]
        await book.clients.insert_many([(each, change({"stage": "PROSPECT"})) for each in clients])
        ids = [str(each[ID]) for each in clients]
        random = Random(7)
        changes = [(random.choice(ids), _some_values(random)) for _ in range(count)]
        lane = asyncio.Semaphore(8)

        async def write(client_id: str, values: Mapping[str, object]) -> None:
            async with lane:
                await book.clients.write(client_id, change(values), seen())

        await asyncio.gather(*(write(*each) for each in changes))
        assert await _differing(book) == 0
        await book.clients.collection.update_one({ID: ids[0]}, {"$set": {"derived.twice": -1.0}})
        assert await _differing(book) == 1
        figure(f"{count:,} random changes, 8 at once: no derived value differs from a full recompute")


def _some_values(random: Random) -> dict[str, object]:
    choices: dict[str, object] = {
        "profile.employees": random.choice((None, random.randint(0, 50))),
        "behaviour.visits": random.choice((None, 0, random.randint(1, 9))),
        "stage": random.choice(("ACTIVE", "LOST")),
        "profile.keyPeople": [{"name": "Li"}] * random.randint(0, 3),
        "attitude.remarks": "talked",
    }
    return {path: choices[path] for path in random.sample(sorted(choices), 2)}


async def _differing(book: Repositories) -> int:
    """How many clients a full recompute changes."""
    stages = recomputing_stages(book.derivations.for_new(), NOW, "test")
    _, changed = await book.clients.collection.update_many({}, stages)
    return changed
