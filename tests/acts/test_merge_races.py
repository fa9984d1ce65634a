"""What comes in while two clients become one, or while a client is erased: it follows, or it is refused."""

from typing import Any

import pytest

from acts import interactions
from acts.checks import UNGUARDED, now
from acts.interactions import NewInteraction, record_interaction
from acts.merge import merge_clients
from catalogue.errors import Refused
from repositories.mongo import Store
from repositories.plan import ID
from repositories.repositories import Repositories
from tests.acts.test_merge import CATALOGUE, client, contact, wanted
from tests.books import VIEWER, open_book


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


@pytest.mark.parametrize("comes", ["inside", "behind"])
async def test_a_contact_that_is_recorded_meanwhile_is_not_lost(
    book: Repositories, monkeypatch: pytest.MonkeyPatch, comes: str
) -> None:
    keep, merge = await client(book, "A"), await client(book, "B")
    request = await wanted(book, keep, merge)
    new = NewInteraction(merge, values={"at": now()})
    monkeypatch.setattr(interactions, "REQUIRED", ())
    if comes == "behind":
        # Between the look for the client and the record the merge is done.
        insert = book.interactions.insert

        async def late(*given: Any) -> Any:
            await merge_clients(VIEWER, book, request, key="k")
            return await insert(*given)

        monkeypatch.setattr(book.interactions, "insert", late)
        await record_interaction(VIEWER, book, new, UNGUARDED)
    else:
        # The transaction has taken its view of the records when the record comes.
        transaction = book.store.transaction

        async def seen(steps: Any) -> Any:
            done = await transaction(steps)
            await contact(book, merge)
            return done

        monkeypatch.setattr(type(book.store), "transaction", lambda _self, steps: seen(steps))
        await merge_clients(VIEWER, book, request, key="k")
    (found,) = await book.interactions.collection.find({})
    assert found["clientId"] == keep


async def test_a_merge_that_was_stopped_is_made_whole_when_it_is_sent_again(book: Repositories) -> None:
    keep, merge = await client(book, "A"), await client(book, "B")
    request = await wanted(book, keep, merge)
    await merge_clients(VIEWER, book, request, key="k")
    await contact(book, merge)
    assert await merge_clients(VIEWER, book, request, key="k") == 2
    (found,) = await book.interactions.collection.find({})
    assert (found["clientId"], found["tail"][-1]["source"]) == (keep, "client B became part of A")


async def test_a_contact_with_somebody_who_was_erased_meanwhile_is_refused(
    book: Repositories, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await client(book, "A")
    monkeypatch.setattr(interactions, "REQUIRED", ())
    insert = book.interactions.insert

    async def late(*given: Any) -> Any:
        await book.clients.collection.delete_one({ID: gone})
        return await insert(*given)

    monkeypatch.setattr(book.interactions, "insert", late)
    with pytest.raises(Refused, match="clientId"):
        await record_interaction(VIEWER, book, NewInteraction(gone, values={"at": now()}), UNGUARDED)
    assert await book.interactions.collection.find({}) == []
