"""Room for each class of work."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse

from api import lanes
from api.errors import HttpRefusal
from api.lanes import Lane, Lanes, PersonsShare, Work, work_of
from api.settings import Settings


def operation(query: str) -> OperationDefinitionNode:
    node = parse(query).definitions[0]
    assert isinstance(node, OperationDefinitionNode)
    return node


class TestWorkOf:
    @pytest.mark.parametrize(
        ("query", "work"),
        [
            ("{ clients }", Work.INTERACTIVE),
            ("mutation { clientChange }", Work.INTERACTIVE),
            ("mutation { clientsUpsert }", Work.BULK),
            ("mutation { clientChange attributeDefine }", Work.BULK),
            ("subscription { count }", Work.STREAM),
        ],
    )
    def test_operation(self, query: str, work: Work) -> None:
        assert work_of(operation(query)) is work


class TestLane:
    async def test_has_room_for_so_many(self) -> None:
        lane = Lane(Work.INTERACTIVE, 2, 0, 1.0)
        await lane.enter()
        await lane.enter()
        with pytest.raises(HttpRefusal) as refused:
            await lane.enter()
        assert (refused.value.status, refused.value.code) == (503, "UNAVAILABLE")
        assert dict(refused.value.headers)[b"retry-after"] in {b"1", b"2", b"3"}
        lane.leave()
        await lane.enter()
        assert (lane.running, lane.waiting) == (2, 0)

    async def test_who_waits_longest_comes_first(self) -> None:
        lane, order = Lane(Work.BULK, 1, 10, 1.0), []
        await lane.enter()

        async def work(name: int) -> None:
            await lane.enter()
            order.append(name)
            lane.leave()

        tasks = [asyncio.create_task(work(name)) for name in range(5)]
        await asyncio.sleep(0)
        assert lane.waiting == 5
        lane.leave()
        await asyncio.gather(*tasks)
        assert (order, lane.running, lane.waiting) == ([0, 1, 2, 3, 4], 0, 0)

    async def test_waits_no_longer_than_its_patience(self) -> None:
        lane = Lane(Work.BULK, 1, 10, 0.05)
        await lane.enter()
        with pytest.raises(HttpRefusal):
            await lane.enter()
        assert (lane.running, lane.waiting) == (1, 0)
        lane.leave()
        assert lane.running == 0

    async def test_whoever_gives_up_takes_no_place(self) -> None:
        lane = Lane(Work.BULK, 1, 10, 5.0)
        await lane.enter()
        tasks = [asyncio.create_task(lane.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        # its turn comes in the same moment
        lane.leave()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (lane.running, lane.waiting) == (1, 0)
        lane.leave()
        assert lane.running == 0

    async def test_a_burst_may_wait_and_lasting_overload_may_not(self) -> None:
        lane = Lane(Work.INTERACTIVE, 4, 100, 0.2)
        for _ in range(4):
            await lane.enter()
        burst = [asyncio.create_task(lane.enter()) for _ in range(50)]
        await asyncio.sleep(0)
        assert lane.waiting == 50
        await asyncio.sleep(0.12)
        with pytest.raises(HttpRefusal):
            await lane.enter()
        for _ in range(54):
            lane.leave()
        await asyncio.gather(*burst)
        for _ in range(4):
            await lane.enter()
        again = [asyncio.create_task(lane.enter()) for _ in range(50)]
        await asyncio.sleep(0)
        assert lane.waiting == 50
        for _ in range(54):
            lane.leave()
        await asyncio.gather(*again)
        assert (lane.running, lane.waiting) == (0, 0)


class TestLanes:
    async def test_a_full_lane_leaves_the_others_alone(self, tmp_path: Path) -> None:
        lanes = Lanes(Settings(data_dir=tmp_path, bulk_operations=1, waiting_operations=0))
        await lanes.by_work[Work.BULK].enter()
        with pytest.raises(HttpRefusal):
            await lanes.by_work[Work.BULK].enter()
        await lanes.by_work[Work.INTERACTIVE].enter()
        await lanes.by_work[Work.STREAM].enter()


class TestCheck:
    """Whoever comes where there is no room is told before anybody looks at what they sent."""

    async def test_there_is_room(self) -> None:
        lane = Lane(Work.INTERACTIVE, 2, 4, 10)
        await lane.check()
        await lane.enter()
        await lane.check()

    async def test_a_burst_may_wait(self) -> None:
        lane = Lane(Work.INTERACTIVE, 1, 4, 60)
        await lane.enter()
        waiting = [asyncio.create_task(lane.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        await lane.check()
        for _ in range(4):
            lane.leave()
        await asyncio.gather(*waiting)

    async def test_too_much_is_refused_a_moment_later_and_over_when_it_is_over(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "LEAST_PAUSE_SECONDS", 0.01)
        lane = Lane(Work.INTERACTIVE, 4, 8, 0.2)
        for _ in range(4):
            await lane.enter()
        waiting = asyncio.create_task(lane.enter())
        await asyncio.sleep(0.15)
        with pytest.raises(HttpRefusal) as refused:
            await lane.check()
        assert (refused.value.status, refused.value.code) == (503, "UNAVAILABLE")
        with suppress(HttpRefusal):
            await waiting
        for _ in range(4):
            lane.leave()
        await lane.check()
        await lane.enter()


class TestPersonsShare:
    def test_of_each_person(self) -> None:
        sockets = PersonsShare(2)
        with sockets.one_more("ana") as first, sockets.one_more("ana") as second:
            assert (first, second) == (True, True)
            with sockets.one_more("ana") as third, sockets.one_more("ben") as other:
                assert (third, other) == (False, True)
        with sockets.one_more("ana") as again:
            assert again

    def test_full_is_told_before_one_more_is_taken(self) -> None:
        share = PersonsShare(1)
        assert not share.is_full("ana")
        share.take("ana")
        assert (share.is_full("ana"), share.is_full("ben")) == (True, False)
        share.take("ana")
        share.give_back("ana")
        assert share.is_full("ana")
        share.give_back("ana")
        assert not share.is_full("ana")
