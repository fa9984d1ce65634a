"""A worker process whose jobs count in the database what they do, for the arguments URI and DATABASE."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from acts.jobs import JobRun
from policy.viewer import Viewer
from repositories.mongo import MongoSettings, connect
from repositories.plan import ID
from repositories.repositories import Repositories, open_repositories
from tests.books import SECRET, SMALL
from worker.attempt import Manner
from worker.loop import Worker

STEPS = 3
NEVER_DONE = 50
"""Every one of so many jobs."""
SLOTS = 2
LEASE_SECONDS = 3.0
EFFECTS = "effects"
NO_WAIT = timedelta()


async def count(_viewer: Viewer, repositories: Repositories, run: JobRun) -> Mapping[str, Any]:
    """Each step is in the set of the job once; how often it was taken is counted apart."""
    effects = repositories.store.collection(EFFECTS)
    for at in range(run.job.checkpoint.get("at", 0), STEPS):
        if run.job.input["number"] % NEVER_DONE == NEVER_DONE - 1:
            raise ValueError("one that is never done")
        change = {"$addToSet": {"steps": at}, "$inc": {f"taken.{at}": 1}}
        await effects.update_one({ID: run.job.id}, change, upsert=True)
        await asyncio.sleep(0.005)
        await run.report(at + 1, STEPS, checkpoint={"at": at + 1})
    return {}


async def main(uri: str, database: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    store = connect(MongoSettings(uri, database=database, timeout_seconds=30.0))
    book = await open_repositories(store, SMALL, SECRET)
    manner = Manner(lease_seconds=LEASE_SECONDS, wait=lambda _: NO_WAIT)
    await Worker(lambda: book, {"count": count}, (), SLOTS, manner, idle_seconds=0.05).run(stop)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
