"""The end of tasks that talk to a database."""

import asyncio
from typing import Any

TOLD_AGAIN_SECONDS = 0.5


async def ended(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks, and wait until they have ended, whatever they end with.

    The driver forgets a cancellation that comes while it connects, so whoever goes on is told again.
    """
    while waiting := [each for each in tasks if not each.done()]:
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting, timeout=TOLD_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
