"""Tasks end, even those that forget that they were told to."""

import asyncio

from repositories.ending import ended


async def test_a_forgotten_cancellation_is_told_again() -> None:
    told: list[int] = []

    async def forgetful() -> None:
        for number in range(3):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told.append(number)

    async def failing() -> None:
        raise ValueError("its own end")

    tasks = [asyncio.create_task(forgetful()), asyncio.create_task(failing()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await ended(*tasks)
    assert told == [0, 1, 2]
    assert all(each.done() for each in tasks)
