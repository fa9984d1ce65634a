"""Reads by key that are wanted in the same loop tick, across requests, go out as one command."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

from repositories.deadline import without_deadline

Value = TypeVar("Value")

PATIENCE_SECONDS = 0.002
IN_FLIGHT = 4
LARGEST = 200
QUESTIONS_KEPT = 500

Fetch = Callable[[list[str]], Awaitable[Mapping[str, Value]]]
_Wanted = tuple[Collection[str], "asyncio.Future[Any]", bool]
"""What a caller wants, the future that bears it, and whether it is the value alone of its one key."""


class BatchedReads(Generic[Value]):
    """Reads by key of one collection, with one projection and one scope.

    A lone read goes out at the end of its loop tick and waits for nobody. What is wanted while another command is under
    way gathers until that is back, so batches grow with the load; but a slow command holds up nobody for longer than
    the patience, and a batch that is full does not wait. Each caller has a future of its own: a deadline or a
    cancellation of one does no harm to the others, and an error of a batch reaches all of its callers.
    Units: at most `in_flight` commands at once, of at most `largest` keys, or of the keys of one caller.
    """

    __slots__ = (
        "_context",
        "_fetch",
        "_in_flight",
        "_is_scheduled",
        "_keys",
        "_largest",
        "_loop",
        "_patience",
        "_running",
        "_timer",
        "_under_way",
        "_waiting",
    )

    def __init__(
        self,
        fetch: Fetch[Value],
        patience_seconds: float = PATIENCE_SECONDS,
        in_flight: int = IN_FLIGHT,
        largest: int = LARGEST,
    ) -> None:
        self._context = without_deadline()
        self._fetch = fetch
        self._patience = patience_seconds
        self._in_flight = in_flight
        self._largest = largest
        self._waiting: list[_Wanted] = []
        self._keys = 0
        self._is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._under_way = 0
        self._running: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def load(self, key: str) -> "asyncio.Future[Value | None]":
        """The value of a key, or None where there is none in scope."""
        future: asyncio.Future[Value | None] = self._loop.create_future()
        self._want((key,), future, is_one=True)
        return future

    def load_many(self, keys: Collection[str]) -> "asyncio.Future[Mapping[str, Value]]":
        """The values of the keys, those of others perhaps besides; what is not there is left out."""
        future: asyncio.Future[Mapping[str, Value]] = self._loop.create_future()
        if keys:
            self._want(keys, future, is_one=False)
        else:
            future.set_result({})
        return future

    def _want(self, keys: Collection[str], future: "asyncio.Future[Any]", *, is_one: bool) -> None:
        self._waiting.append((keys, future, is_one))
        self._keys += len(keys)
        if self._is_scheduled:
            return
        if not self._under_way or self._keys >= self._largest:
            self._is_scheduled = True
            self._loop.call_soon(self._flush, context=self._context)
        elif self._timer is None:
            self._timer = self._loop.call_later(self._patience, self._flush, context=self._context)

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits."""
        return not self._waiting and not self._under_way

    def _flush(self) -> None:
        """Send what waits, as far as there is room."""
        self._is_scheduled = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self._under_way < self._in_flight:
            batch, keys = self._next_batch()
            if keys:
                self._under_way += 1
                task = self._loop.create_task(self._run(batch, keys))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    def _next_batch(self) -> "tuple[list[_Wanted], list[str]]":
        """The callers who have waited longest and still do, with all their keys."""
        keys: dict[str, None] = {}
        taken = 0
        for wanted, future, _ in self._waiting:
            if not future.done():
                if keys and len(keys) + len(wanted) > self._largest:
                    break
                keys.update(dict.fromkeys(wanted))
            taken += 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._keys = sum(len(wanted) for wanted, _, _ in self._waiting)
        return batch, list(keys)

    async def _run(self, batch: "list[_Wanted]", keys: list[str]) -> None:
        found: Mapping[str, Value] = {}
        problem: Exception | None = None
        try:
            found = await self._fetch(keys)
        except Exception as error:
            problem = error
        except BaseException:
            # The loop ends: whoever waits is not to wait for ever.
            for _, future, _ in batch:
                future.cancel()
            raise
        finally:
            # Before the answers are handed on: the database works while they are taken up.
            self._under_way -= 1
            if self._waiting and not self._is_scheduled:
                self._flush()
        for wanted, future, is_one in batch:
            if future.done():
                continue
            if problem is not None:
                future.set_exception(problem)
            else:
                future.set_result(found.get(next(iter(wanted))) if is_one else found)


class SharedReads(Generic[Value]):
    """The batched reads of each question: what is asked of a key, without the key.

    Units: the last few hundred questions are kept; one that somebody waits for stays besides.
    """

    __slots__ = ("_by_question",)

    def __init__(self) -> None:
        self._by_question: OrderedDict[object, BatchedReads[Value]] = OrderedDict()

    def known(self, question: object) -> BatchedReads[Value] | None:
        """The reads of a question that has been asked before."""
        return self._by_question.get(question)

    def of(self, question: object, fetch: Fetch[Value], largest: int = LARGEST) -> BatchedReads[Value]:
        """The reads of a question; `fetch` and `largest` are used if they are new."""
        reads = self._by_question.get(question)
        if reads is None:
            reads = self._by_question[question] = BatchedReads(fetch, largest=largest)
            self._forget_idle()
        return reads

    def _forget_idle(self) -> None:
        while len(self._by_question) > QUESTIONS_KEPT:
            question, oldest = self._by_question.popitem(last=False)
            if not oldest.is_idle:
                self._by_question[question] = oldest
                return
