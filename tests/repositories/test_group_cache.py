"""What is kept, for how long, and what concurrent questions share; time and the head are told, not waited for."""

import asyncio
from collections.abc import Callable

import anyio
import pytest

from repositories import group_cache
from repositories.errors import Unavailable
from repositories.group_cache import WORTH_KEEPING_SECONDS, Answer, GroupCache

KEY, OTHER_KEY = b"one", b"two"
SLOW = 0.4


class ToldHead:
    """A head that says what the test says."""

    def __init__(self) -> None:
        self.now: object | None = 1
        self.told: list[str] = []

    async def mark(self) -> object | None:
        return self.now

    def attend(self) -> None:
        self.told.append("attend")

    async def close(self) -> None:
        self.told.append("close")


class Clock:
    """A clock that goes on when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class Database:
    """Answers with how often it was asked; each answer takes a while, and waits while the test holds it back."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked = 0
        self.took = SLOW
        self.rows: tuple[object, ...] = ()
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Answer:
        self.asked += 1
        mine = self.asked
        await self.gate.wait()
        self.clock.seconds += self.took
        if self.error is not None:
            raise self.error
        return (mine, *self.rows), None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(group_cache, "monotonic", made)
    return made


@pytest.fixture
async def database(clock: Clock) -> Database:
    return Database(clock)


@pytest.fixture
def head() -> ToldHead:
    return ToldHead()


@pytest.fixture
def cache(head: ToldHead) -> GroupCache:
    return GroupCache(head, 2.0)


async def landed(is_done: Callable[[], bool]) -> None:
    """Wait for a flight in the background."""
    with anyio.fail_after(5):
        while not is_done():  # noqa: ASYNC110 a turn of the loop, no time
            await asyncio.sleep(0)


class TestAnswer:
    async def test_unchanged_is_served_however_old(self, cache: GroupCache, database: Database, clock: Clock) -> None:
        first = await cache.answer(KEY, database)
        clock.seconds += 100_000
        assert await cache.answer(KEY, database) is first
        assert database.asked == 1

    async def test_only_the_same_key(self, cache: GroupCache, database: Database) -> None:
        assert await cache.answer(KEY, database) != await cache.answer(OTHER_KEY, database)

    async def test_what_came_fast_is_read_anew(self, cache: GroupCache, database: Database, head: ToldHead) -> None:
        database.took = WORTH_KEEPING_SECONDS / 2
        assert [(await cache.answer(KEY, database))[0] for _ in range(3)] == [(1,), (2,), (3,)]
        assert head.told == []
        assert cache.size == 0

    async def test_without_a_head_nothing_is_kept(self, database: Database) -> None:
        cache = GroupCache(None, 2.0)
        assert [(await cache.answer(KEY, database))[0] for _ in range(2)] == [(1,), (2,)]

    @pytest.mark.parametrize("mark", [2, None])
    async def test_changed_is_served_up_to_the_age_limit_and_fetched_in_time(
        self, cache: GroupCache, database: Database, clock: Clock, head: ToldHead, mark: object
    ) -> None:
        await cache.answer(KEY, database)
        head.now = mark
        assert (await cache.answer(KEY, database))[0] == (1,)
        assert database.asked == 1
        # 0.4 s old, as long as it took to read; twice that before the limit the next one sets off
        clock.seconds += 2.0 - SLOW - 2 * SLOW + 0.01
        assert (await cache.answer(KEY, database))[0] == (1,)
        await landed(lambda: database.asked == 2 and not cache._flights)
        assert (await cache.answer(KEY, database))[0] == (2,)

    async def test_older_than_the_age_limit_is_never_served(
        self, cache: GroupCache, database: Database, clock: Clock, head: ToldHead
    ) -> None:
        await cache.answer(KEY, database)
        head.now = 2
        clock.seconds += 2.0 - SLOW
        assert (await cache.answer(KEY, database))[0] == (2,)

    async def test_a_change_while_it_was_read_counts(
        self, cache: GroupCache, database: Database, clock: Clock, head: ToldHead
    ) -> None:
        async def changed_meanwhile() -> Answer:
            head.now = 2
            return await database()

        await cache.answer(KEY, changed_meanwhile)
        clock.seconds += 10
        assert (await cache.answer(KEY, database))[0] == (2,)

    async def test_unknown_before_is_not_unchanged_after(
        self, cache: GroupCache, database: Database, clock: Clock, head: ToldHead
    ) -> None:
        head.now = None
        await cache.answer(KEY, database)
        clock.seconds += 10
        assert (await cache.answer(KEY, database))[0] == (2,)

    async def test_questions_at_a_time_share_a_flight(self, cache: GroupCache, database: Database) -> None:
        found = await asyncio.gather(*(cache.answer(KEY, database) for _ in range(20)))
        assert database.asked == 1
        assert all(each is found[0] for each in found)

    async def test_a_flight_older_than_the_age_limit_is_not_joined(
        self, cache: GroupCache, database: Database, clock: Clock
    ) -> None:
        database.gate.clear()
        first = asyncio.create_task(cache.answer(KEY, database))
        await landed(lambda: database.asked == 1)
        clock.seconds += 2.0
        second = asyncio.create_task(cache.answer(KEY, database))
        await landed(lambda: database.asked == 2)
        database.gate.set()
        assert ((await first)[0], (await second)[0]) == ((1,), (2,))
        await landed(lambda: not cache._flights)
        assert (await cache.answer(KEY, database))[0] == (2,)

    async def test_who_gives_up_harms_nobody(self, cache: GroupCache, database: Database) -> None:
        database.gate.clear()
        one, other = (asyncio.create_task(cache.answer(KEY, database)) for _ in range(2))
        await landed(lambda: database.asked == 1)
        one.cancel()
        database.gate.set()
        assert (await other)[0] == (1,)
        with pytest.raises(asyncio.CancelledError):
            await one

    async def test_an_error_reaches_all_and_is_not_kept(self, cache: GroupCache, database: Database) -> None:
        database.error = Unavailable()
        found = await asyncio.gather(*(cache.answer(KEY, database) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in found] == [Unavailable] * 3
        database.error = None
        assert (await cache.answer(KEY, database))[0] == (2,)

    async def test_a_failed_flight_in_the_background_leaves_the_kept_answer(
        self, cache: GroupCache, database: Database, clock: Clock, head: ToldHead
    ) -> None:
        await cache.answer(KEY, database)
        head.now, database.error, database.took = 2, Unavailable(), 0.0
        clock.seconds += 1.0
        assert (await cache.answer(KEY, database))[0] == (1,)
        await landed(lambda: database.asked == 2 and not cache._flights)
        assert (await cache.answer(KEY, database))[0] == (1,)


class TestMemory:
    async def test_the_least_recently_used_go_first(self, head: ToldHead, database: Database) -> None:
        cache = GroupCache(head, 2.0, size_limit=2_000)
        keys = [bytes([each]) for each in range(50)]
        for key in keys:
            await cache.answer(key, database)
            await cache.answer(keys[0], database)
            assert cache.size <= 2_000
        asked = database.asked
        await cache.answer(keys[0], database)
        await cache.answer(keys[-1], database)
        assert database.asked == asked
        await cache.answer(keys[1], database)
        assert database.asked == asked + 1

    async def test_an_answer_that_would_fill_it_is_not_kept(self, head: ToldHead, database: Database) -> None:
        cache = GroupCache(head, 2.0, size_limit=2_000)
        database.rows = ("x" * 1_000,)
        assert [(await cache.answer(KEY, database))[0][0] for _ in range(2)] == [1, 2]
        assert cache.size == 0


class TestClose:
    async def test_ends_flights_and_listening(self, cache: GroupCache, database: Database, head: ToldHead) -> None:
        await cache.answer(OTHER_KEY, database)
        database.gate.clear()
        waiting = asyncio.create_task(cache.answer(KEY, database))
        await landed(lambda: database.asked == 2)
        await cache.close()
        assert head.told == ["attend", "close"]
        with pytest.raises(asyncio.CancelledError):
            await waiting
