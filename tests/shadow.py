"""A shadow copy of a book: what each client was after each change, kept beside the database."""

import os
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Operator
from repositories.cursors import value_at
from repositories.plan import ID, Order
from repositories.repositories import Repositories
from tests.books import AT, change, record, seen

IS_LONG = bool(os.environ.get("KEHU_TEST_LONG"))


@dataclass(frozen=True)
class Size:
    """How much is tried."""

    clients: int = 14
    changes: int = 260
    pairs: int = 60
    filters: int = 24


def size_for(driver: str) -> Size:
    """The full counts in the long tier, on a real server: in memory each question reads the whole book."""
    return Size(200, 4_000, 1_000, 200) if IS_LONG and driver != "memory" else Size()


STEP = timedelta(seconds=7)
PEOPLE = "profile.keyPeople"
POOLS: dict[str, list[Any]] = {
    "stage": ["PROSPECT", "ACTIVE", "LOST"],
    "managerId": ["mg_1", "mg_2"],
    "profile.name": ["", "a", "A", "b", "客戶", "$profile.tags"],
    "profile.employees": [-1, 0, 7, 2**40],
    "profile.foundedOn": [date(1999, 12, 31), date(2026, 1, 1)],
    "profile.tags": [["x"], ["x", "y"], ["$name"]],
    "profile.location.city": ["Xi'an", "Lhasa"],
    PEOPLE: [[{"name": "Li", "position": "CFO"}], [{"name": "Wu"}, {"name": "Li"}]],
    "attitude.satisfaction": [0.5, 7.0],
    "derived.clientValue": [Decimal("12.50"), Decimal("-3")],
}
ALWAYS = ("stage", "managerId")
ORDERS = (
    (),
    (Order("number"),),
    (Order("profile.employees", is_descending=True),),
    (Order("attitude.satisfaction"), Order("profile.name", is_descending=True)),
)


@dataclass
class Shadow:
    """What one client was, change after change, kept beside the database."""

    number: str
    versions: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    shown: list[tuple[int, datetime]] = field(default_factory=list)
    """The version that people saw and its date, beside each of those; what only follows leaves them as they were."""

    def then(self, moment: datetime) -> tuple[tuple[int, datetime], dict[str, Any]] | None:
        """The version with its date, and the values by path, of a moment."""
        known = [values for at, values in self.versions if at <= moment]
        return (self.shown[len(known) - 1], known[-1]) if known else None


@dataclass
class Copied:
    """A book that was changed at random, with its shadow."""

    book: Repositories
    shadows: dict[str, Shadow]
    until: datetime

    def nested(self, moment: datetime) -> dict[str, dict[str, Any]]:
        """The clients of a moment, by id, as documents of plain values."""
        found: dict[str, dict[str, Any]] = {}
        for client_id, shadow in self.shadows.items():
            if (then := shadow.then(moment)) is not None:
                document: dict[str, Any] = {"number": shadow.number}
                for path, value in then[1].items():
                    *outer, key = path.split(".")
                    inner = document
                    for each in outer:
                        inner = inner.setdefault(each, {})
                    inner[key] = value
                found[client_id] = document
        return found

    def moments(self, random: Random, count: int) -> list[datetime]:
        """Moments of changes, between them, before the book and after it."""
        span = int((self.until - AT) / STEP)
        return [AT + random.randrange(-2, span + 3) * STEP + random.choice((0, 1)) * STEP / 2 for _ in range(count)]


async def copied(book: Repositories, random: Random) -> Copied:
    """Some clients, and many changes of them; a few have so many that most have left their tails."""
    made = Copied(book, {}, AT)
    ids: list[str] = []
    size = size_for(book.store.driver)
    for _ in range(size.clients + size.changes):
        made.until += STEP * random.choice((0, 1, 1))
        if not ids or (len(ids) < size.clients and random.random() < 0.2):
            await _add(made, ids, random)
            continue
        client_id = ids[min(random.randrange(len(ids)), random.randrange(len(ids)), random.randrange(len(ids)))]
        paths = random.sample(sorted(POOLS), random.choice((1, 1, 2, 4)))
        values = {path: _value(path, random) for path in paths}
        is_silent, shadow = random.random() < 0.3, made.shadows[client_id]
        await book.clients.write(client_id, replace(change(values), at=made.until, is_silent=is_silent), seen(ID))
        before = shadow.versions[-1][1]
        after = {path: each for path, each in (before | values).items() if each is not None}
        shadow.versions.append((made.until, after))
        shadow.shown.append(shadow.shown[-1] if is_silent else (shadow.shown[-1][0] + 1, made.until))
    return made


def _value(path: str, random: Random) -> Any:
    is_cleared = path not in ALWAYS and random.random() < 0.3
    return None if is_cleared else deepcopy(random.choice(POOLS[path]))


async def _add(made: Copied, ids: list[str], random: Random) -> None:
    values = {path: _value(path, random) for path in (*ALWAYS, *random.sample(sorted(POOLS), 4))}
    values = {path: each for path, each in values.items() if each is not None}
    new, first = record(f"C{len(ids):04}"), replace(change(values), at=made.until)
    if random.random() < 0.5:
        # As they come in bulk: the change that made them is nowhere in the client.
        await made.book.clients.insert_many([(new, first)])
    else:
        await made.book.clients.insert(new, first)
    ids.append(str(new[ID]))
    made.shadows[ids[-1]] = Shadow(str(new["number"]), [(made.until, values)], [(1, made.until)])


def random_filter(random: Random, depth: int = 2) -> Filter:
    """A filter over values that are there."""
    if depth and random.random() < 0.5:
        parts = tuple(random_filter(random, depth - 1) for _ in range(2))
        return random.choice((And(parts), Or(parts), Not(parts[0])))
    path = random.choice(sorted(POOLS))
    value = random.choice(POOLS[path])
    if random.random() < 0.2:
        return Compare(path, Operator.IS_NULL, random.random() < 0.5)
    if path == PEOPLE:
        return AnyItem(path, Compare("name", Operator.EQ, random.choice(("Li", "Wu", "Xu"))))
    if isinstance(value, list):
        return Compare(path, Operator.CONTAINS_ANY, tuple(value))
    operators = [Operator.EQ, Operator.NE, Operator.GT, Operator.LTE]
    return Compare(path, random.choice(operators), value)


def ordered(documents: dict[str, dict[str, Any]], order: tuple[Order, ...]) -> list[str]:
    """The ids in an order, unset values lowest, ties by the id the way of the last key."""
    last = order[-1].is_descending if order else False
    ids = sorted(documents, reverse=last)
    for key in reversed(order):
        ids.sort(key=lambda each: _rank(value_at(documents[each], key.path)), reverse=key.is_descending)
    return ids


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is not None, 0 if value is None else value)
