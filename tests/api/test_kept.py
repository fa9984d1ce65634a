"""Values read a moment ago."""

import asyncio

import pytest

from api.kept import Kept


class Reader:
    """Counts its reads; a read waits until it is let go."""

    def __init__(self) -> None:
        self.reads = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, key: str) -> str:
        self.reads += 1
        number = self.reads
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return f"{key}{number}"


@pytest.fixture
async def reader() -> Reader:
    return Reader()


@pytest.fixture
def moment() -> list[float]:
    return [0.0]


@pytest.fixture
def kept(reader: Reader, moment: list[float]) -> Kept[str, str]:
    return Kept(reader, 2.0, lambda: moment[0])


class TestKept:
    async def test_one_read_for_all_who_ask_at_once(self, kept: Kept[str, str], reader: Reader) -> None:
        waiting = [asyncio.ensure_future(kept.get("a")) for _ in range(50)]
        await asyncio.sleep(0)
        reader.go.set()
        assert set(await asyncio.gather(*waiting)) == {"a1"}
        assert reader.reads == 1

    async def test_as_old_as_it_may_be(self, kept: Kept[str, str], reader: Reader, moment: list[float]) -> None:
        reader.go.set()
        for moment[0] in (0.0, 1.9):
            assert await kept.get("a") == "a1"
        moment[0] = 2.0
        assert await kept.get("a") == "a2"

    async def test_the_age_counts_from_the_start_of_the_read(
        self, kept: Kept[str, str], reader: Reader, moment: list[float]
    ) -> None:
        first = asyncio.ensure_future(kept.get("a"))
        await asyncio.sleep(0)
        moment[0] = 1.5
        reader.go.set()
        assert await first == "a1"
        moment[0] = 2.1
        assert await kept.get("a") == "a2"

    async def test_a_failure_is_heard_by_all_and_not_kept(self, kept: Kept[str, str], reader: Reader) -> None:
        reader.error = ValueError("away")
        reader.go.set()
        answers = await asyncio.gather(kept.get("a"), kept.get("a"), return_exceptions=True)
        assert [str(each) for each in answers] == ["away", "away"]
        reader.error = None
        assert await kept.get("a") == "a2"

    async def test_one_who_goes_away_takes_nothing_from_others(self, kept: Kept[str, str], reader: Reader) -> None:
        gone, stays = asyncio.ensure_future(kept.get("a")), asyncio.ensure_future(kept.get("a"))
        await asyncio.sleep(0)
        gone.cancel()
        reader.go.set()
        assert await stays == "a1"

    async def test_forgotten_while_it_is_read(self, kept: Kept[str, str], reader: Reader) -> None:
        early = asyncio.ensure_future(kept.get("a"))
        await asyncio.sleep(0)
        kept.forget("a")
        late = asyncio.ensure_future(kept.get("a"))
        await asyncio.sleep(0)
        reader.go.set()
        assert [await early, await late, await kept.get("a")] == ["a1", "a2", "a2"]
