"""Whether a collection has changed, on real servers."""

import anyio
import pytest

from repositories import book_head
from repositories.book_head import CounterHead, Head, StreamHead, head_of
from repositories.errors import RepositoryFault
from repositories.mongo import Store
from repositories.mongo.collection import Collection, MotorCollection

pytestmark = pytest.mark.real_drivers


async def known(head: Head) -> object:
    """The first mark that is known."""
    with anyio.fail_after(15):
        while (mark := await head.mark()) is None:  # noqa: ASYNC110 the server tells in its own time
            await anyio.sleep(0.05)
    return mark


async def changed(head: Head, before: object) -> None:
    with anyio.fail_after(5):
        while await head.mark() in (before, None):  # noqa: ASYNC110 the server tells in its own time
            await anyio.sleep(0.02)


class TestHeadOf:
    async def test_a_stream_where_there_are_any_and_the_counter_elsewhere(self, store: Store) -> None:
        assert isinstance(head_of(store, "clients", 2.0), StreamHead)
        store.has_change_streams = False
        assert isinstance(head_of(store, "clients", 2.0), CounterHead)


class TestStreamHead:
    async def test_nothing_is_known_before_somebody_attends(self, store: Store) -> None:
        head = StreamHead(store, "clients", 2.0)
        await anyio.sleep(0.1)
        assert await head.mark() is None

    async def test_every_change_is_a_new_mark_and_no_change_is_none(self, store: Store) -> None:
        clients, head = store.collection("clients"), StreamHead(store, "clients", 2.0)
        head.attend()
        try:
            mark = await known(head)
            await store.collection("others").insert_one({"_id": 1})
            await anyio.sleep(1.5)
            assert await head.mark() == mark
            for write in (
                clients.insert_one({"_id": "c"}),
                clients.update_one({"_id": "c"}, {"$set": {"a": 1}}),
                clients.delete_one({"_id": "c"}),
            ):
                mark = await known(head)
                await write
                await changed(head, mark)
        finally:
            await head.close()

    async def test_silence_is_not_peace(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        head = StreamHead(store, "clients", 2.0)
        head.attend()
        try:
            await known(head)
            monkeypatch.setattr(head, "_patience", -1.0)
            assert await head.mark() is None
        finally:
            await head.close()

    async def test_nobody_listens_when_nobody_asks(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(book_head, "IDLE_SECONDS", 1.0)
        head = StreamHead(store, "clients", 2.0)
        head.attend()
        mark = await known(head)
        listener = head._listener
        assert listener is not None
        with anyio.fail_after(10):
            await listener
        assert await head.mark() is None
        head.attend()
        try:
            # what happened in between is not known, so it counts as a change
            assert await known(head) != mark
        finally:
            await head.close()


class TestCounterHead:
    async def test_every_write_is_a_new_mark_and_reading_is_none(self, store: Store) -> None:
        clients, head = store.collection("clients"), CounterHead(store, "clients")
        await clients.insert_one({"_id": "c"})
        mark = await head.mark()
        assert mark is not None
        await clients.find({})
        await anyio.sleep(0.3)
        assert await head.mark() == mark
        await clients.update_one({"_id": "c"}, {"$set": {"a": 1}})
        await changed(head, mark)

    async def test_a_server_that_does_not_say_is_not_known(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        async def refused(*_: object) -> None:
            raise RepositoryFault

        monkeypatch.setattr(Collection, "aggregate", refused)
        monkeypatch.setattr(MotorCollection, "aggregate", refused)
        assert await CounterHead(store, "clients").mark() is None
