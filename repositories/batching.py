"""Point reads that are wanted in the same loop tick, across requests, go out as one command."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Document = dict[str, Any]
Fetch = Callable[[list[str]], Awaitable[Mapping[str, Document]]]

IN_FLIGHT = 2
LARGEST = 200


class PointReads:
    """Reads by id of one collection, with one projection and one scope.

    A lone read goes out at the end of its loop tick and waits for nobody; what is wanted while others are under way
    gathers, so batches grow with the load. Each caller has a future of its own: a deadline or a cancellation of one
    does no harm to the others, and an error of a batch reaches all of its callers.
    Units: at most `in_flight` commands at once, of at most `largest` ids.
    """

    __slots__ = ("_fetch", "_is_scheduled", "_largest", "_loop", "_room", "_running", "_waiting")

    def __init__(self, fetch: Fetch, in_flight: int = IN_FLIGHT, largest: int = LARGEST) -> None:
        self._fetch = fetch
        self._room = in_flight
        self._largest = largest
        self._waiting: dict[str, list[asyncio.Future[Document | None]]] = {}
        self._is_scheduled = False
        self._running: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def load(self, record_id: str) -> "asyncio.Future[Document | None]":
        """The record, or None where there is none in scope."""
        future: asyncio.Future[Document | None] = self._loop.create_future()
        self._waiting.setdefault(record_id, []).append(future)
        if self._room and not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._flush)
        return future

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits."""
        return not self._waiting and not self._running

    def _flush(self) -> None:
        self._is_scheduled = False
        while self._room and self._waiting:
            if len(self._waiting) <= self._largest:
                batch, self._waiting = self._waiting, {}
            else:
                batch = {each: self._waiting.pop(each) for each in list(self._waiting)[: self._largest]}
            self._room -= 1
            task = self._loop.create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, batch: dict[str, list[asyncio.Future[Document | None]]]) -> None:
        try:
            wanted = [each for each, futures in batch.items() if not all(future.done() for future in futures)]
            found = await self._fetch(wanted) if wanted else {}
        except Exception as error:
            for futures in batch.values():
                for future in futures:
                    if not future.done():
                        future.set_exception(error)
        else:
            for record_id, futures in batch.items():
                record = found.get(record_id)
                for future in futures:
                    if not future.done():
                        future.set_result(record)
        finally:
            self._room += 1
            if self._waiting and not self._is_scheduled:
                self._flush()
