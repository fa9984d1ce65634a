"""Values that become RESTRICTED while clients have them: the history too, and nobody reads anything wrong."""

from typing import Any

import bson
import pytest

from acts.attributes import change_attribute
from acts.resealing import reseal_values
from catalogue.attribute import Sensitivity
from catalogue.errors import Refused
from catalogue.filters import Compare
from catalogue.kinds import Kind, Operator
from policy.viewer import program
from repositories.cursors import value_at
from repositories.errors import NotFound
from repositories.mongo import Store
from repositories.plan import ID, Page, ReadPlan
from repositories.repositories import Repositories
from tests.books import SMALL, VIEWER, attribute, change, insert, open_book, stored

CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.badge"),
        attribute("profile.keyPeople", Kind.GROUP, is_list=True),
        attribute("profile.keyPeople.name", is_searchable=True),
        attribute("profile.keyPeople.passport"),
    )
)
RESTRICTED, CONFIDENTIAL = Sensitivity.RESTRICTED, Sensitivity.CONFIDENTIAL
OFFICER = program("officer")
CANARY = "CANARY"


@pytest.fixture
async def book(store: Store) -> Repositories:
    book = await open_book(store, CATALOGUE)
    for place in range(3):
        people = [{"name": f"Li {place}", "passport": f"{CANARY}-P{place}"}]
        one = await insert(book, f"C{place}", {"profile.badge": f"{CANARY}-{place}-0", "profile.keyPeople": people})
        for edition in range(1, 25):
            await write(book, one, {"profile.badge": f"{CANARY}-{place}-{edition}"})
    await insert(book, "C3", {"profile.name": "no badge"})
    return book


async def write(book: Repositories, client_id: str, values: dict[str, Any]) -> None:
    await book.clients.write(
        client_id, change(values), book.access.authorise(ReadPlan("clients", frozenset()), OFFICER)
    )


async def migrate(book: Repositories, path: str, *, restrict: bool = False) -> int:
    found = [done async for done in reseal_values(OFFICER, book, path, restrict=restrict, settle_seconds=0)]
    return found[-1]


async def read(book: Repositories, path: str, where: Compare | None = None) -> dict[Any, Any]:
    now = book.on(book.feed.catalogue)
    plan = ReadPlan("clients", frozenset((path, "number", ID)), where, page=Page(9))
    found = await now.clients.read_page(now.access.authorise(plan, OFFICER))
    return {each["number"]: value_at(each, path) for each in found.documents}


async def whole(store: Store) -> bytes:
    rows = [each for name in ("clients", "changes") for each in await store.collection(name).find({})]
    return b"".join(bson.encode(each) for each in rows)


async def history(book: Repositories, number: str) -> list[Any]:
    client = (await book.clients.find_by_numbers({number}))[number]
    tail = (await stored(book, client["_id"]))["tail"]
    asked: dict[str, Any] = {"before": None, "paths": ["profile.badge"], "since": None}
    entries = await book.vault.opened(await book.clients.history.read(client["_id"], tail, 100, **asked))
    return [row.get("new") for each in entries for row in each["values"] if row["path"] == "profile.badge"]


BADGES: dict[str, str | None] = {**{f"C{place}": f"{CANARY}-{place}-24" for place in range(3)}, "C3": None}


async def test_what_is_stored_is_not_left_in_clear(book: Repositories, store: Store) -> None:
    with pytest.raises(Refused, match=r"kehu privacy migrate profile\.badge --restrict"):
        await change_attribute(VIEWER, book, "profile.badge", {"sensitivity": RESTRICTED})
    assert book.feed.catalogue.get_live("profile.badge").sensitivity is CONFIDENTIAL
    assert await migrate(book, "profile.badge", restrict=True) > 0
    assert f"{CANARY}-0-".encode() not in await whole(store)
    assert await read(book, "profile.badge") == BADGES
    assert await history(book, "C1") == [f"{CANARY}-1-{edition}" for edition in reversed(range(25))]
    assert await migrate(book, "profile.badge") == 0


async def test_restricted_it_stays(book: Repositories) -> None:
    await migrate(book, "profile.badge", restrict=True)
    with pytest.raises(Refused, match="RESTRICTED it stays"):
        await change_attribute(OFFICER, book, "profile.badge", {"sensitivity": CONFIDENTIAL}, reseals=True)
    assert book.feed.catalogue.get_live("profile.badge").sensitivity is RESTRICTED


async def test_look_ups_come_and_go(book: Repositories) -> None:
    await migrate(book, "profile.badge", restrict=True)
    await change_attribute(VIEWER, book, "profile.badge", {"is_lookup": True})
    wanted = Compare("profile.badge", Operator.EQ, f"{CANARY}-1-24")
    assert await read(book, "profile.badge", wanted) == {"C1": f"{CANARY}-1-24"}
    await change_attribute(VIEWER, book, "profile.badge", {"is_lookup": False})
    clients = await book.clients.collection.find({})
    assert not [each for each in clients if each.get("lookups")]


async def test_one_value_of_a_list_of_groups(book: Repositories, store: Store) -> None:
    await migrate(book, "profile.keyPeople.passport", restrict=True)
    assert f"{CANARY}-P".encode() not in await whole(store)
    found = await read(book, "profile.keyPeople")
    assert found["C2"] == [{"name": "Li 2", "passport": f"{CANARY}-P2"}]


async def test_a_text_that_was_searched_leaves_the_words(book: Repositories, store: Store) -> None:
    searched = {"is_searchable": True}
    await change_attribute(VIEWER, book, "profile.keyPeople.passport", searched)
    assert CANARY.lower().encode() in await whole(store)
    await change_attribute(VIEWER, book, "profile.keyPeople.passport", {"is_searchable": False})
    await migrate(book, "profile.keyPeople.passport", restrict=True)
    assert CANARY.lower().encode() + b"-p" not in await whole(store)
    assert b"li 2" in await whole(store)


async def test_an_attribute_without_values_needs_none_of_this(book: Repositories) -> None:
    await change_attribute(VIEWER, book, "profile.tags", {"sensitivity": RESTRICTED})
    assert book.feed.catalogue.get_live("profile.tags").sensitivity is RESTRICTED


async def test_a_path_without_an_attribute(book: Repositories) -> None:
    with pytest.raises(NotFound):
        await migrate(book, "profile.nothing", restrict=True)
