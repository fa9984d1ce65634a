"""A worker on a database: as a process of its own, beside a server, or inside one whose book is in its memory."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from api.auditing import Auditing
from api.database import look_into_book, mongo_settings
from api.settings import Settings
from catalogue.catalogue import Catalogue
from policy.rules import Policy
from repositories.ending import ended
from repositories.errors import RepositoryError
from repositories.mongo import Store, connect
from repositories.repositories import Repositories, Source
from worker.attempt import Manner
from worker.loop import GRACE_SECONDS, Worker

log = logging.getLogger("kehu.worker")

PATIENCE_SECONDS = 30.0
"""A batch of a thousand rows may take longer than any answer to a screen."""
RETRY_SECONDS = 1.0
PARENT_POLL_SECONDS = 1.0
LOOK_SECONDS = 0.2
END_SECONDS = GRACE_SECONDS + 2.0
LONGEST_PAUSE_SECONDS = 60.0
NICENESS = 5
"""Requests come first where both want the processor."""


def worker_on(settings: Settings, source: Source, audit: Auditing) -> Worker:
    """The worker of these settings."""
    return Worker(source, slots=settings.job_slots, manner=Manner(noted=audit.carried_out))


async def work(settings: Settings, uri: str, parent: int | None = None) -> None:
    """Work jobs off until a signal comes, or the parent process has ended.

    A database that does not answer yet is tried again and again.
    Raises: SettingsError, NotAudited.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    watching = asyncio.create_task(_end_with(parent, stop))
    patience = max(PATIENCE_SECONDS, settings.mongo_timeout_seconds)
    patient = settings.model_copy(update={"mongo_timeout_seconds": patience})
    store = connect(mongo_settings(patient, uri))
    try:
        book = await _opened(patient, store, stop)
        if book is not None:
            await _work_on(settings, book, stop)
    finally:
        await ended(watching)
        await store.close()


async def _work_on(settings: Settings, book: "LiveBook", stop: asyncio.Event) -> None:
    audit = Auditing(settings.audit_mode)
    await audit.begin(book.repositories.audit, settings)
    following = asyncio.create_task(book.repositories.feed.follow(book.change))
    try:
        await worker_on(settings, lambda: book.repositories, audit).run(stop)
    finally:
        await ended(following)
        await audit.end()


class LiveBook:
    """The repositories of the moment, by the newest catalogue and under the policy in force."""

    def __init__(self, repositories: Repositories) -> None:
        self.repositories = repositories

    async def change(self, catalogue: Catalogue, policy: Policy) -> None:
        """What is begun from now on goes by these."""
        self.repositories = self.repositories.on(catalogue, policy)


async def _opened(settings: Settings, store: Store, stop: asyncio.Event) -> LiveBook | None:
    """The book; None if the worker was to end before the database answered."""
    while not stop.is_set():
        try:
            await store.ping()
            repositories = await look_into_book(settings, store)
            await repositories.jobs.prepare()
            return LiveBook(repositories)
        except RepositoryError as error:
            log.warning("the database does not answer (%s); trying again in %.0f s", error, RETRY_SECONDS)
            await asyncio.wait((waiting := asyncio.create_task(stop.wait()),), timeout=RETRY_SECONDS)
            await ended(waiting)
    return None


async def _end_with(parent: int | None, stop: asyncio.Event) -> None:
    """End the worker when the process that started it is no more, however that ended."""
    while parent is not None and not stop.is_set():
        if os.getppid() != parent:
            stop.set()
        await asyncio.sleep(PARENT_POLL_SECONDS)


@contextmanager
def worker_beside(environment: Mapping[str, str], is_wanted: threading.Event) -> Iterator[Callable[[], None]]:
    """A worker process that lives as long as the context, and what tells it to end before.

    If it dies it is started again, after a longer pause each time. It begins when it is wanted: while a server starts
    it would only be in the way.
    """
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=({**os.environ, **environment}, is_wanted, stop), name="kehu-worker")
    keeper.start()

    def end() -> None:
        stop.set()
        is_wanted.set()

    try:
        yield end
    finally:
        end()
        keeper.join()


def worker_command() -> list[str]:
    """The command of a worker that ends with this process."""
    return [sys.executable, "-m", "api.cli", "worker", "--beside", str(os.getpid())]


def _keep(environment: Mapping[str, str], is_wanted: threading.Event, stop: threading.Event) -> None:
    is_wanted.wait()
    pause = RETRY_SECONDS
    while not stop.is_set():
        begun = time.monotonic()
        process = subprocess.Popen(worker_command(), env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            while process.poll() is None and not stop.wait(LOOK_SECONDS):
                pass
        finally:
            _end(process)
        if not stop.is_set():
            log.error("the worker ended (exit code %s); it starts again in %.0f s", process.returncode, pause)
            stop.wait(pause)
            has_lived = time.monotonic() - begun > LONGEST_PAUSE_SECONDS
            pause = RETRY_SECONDS if has_lived else min(LONGEST_PAUSE_SECONDS, pause * 2)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
