"""A mongod that has ended by itself is started again, with longer pauses where it does so again and again."""

import asyncio
import logging
import threading
import time

from repositories.embedded.errors import EmbeddedError
from repositories.embedded.server import EmbeddedMongod

log = logging.getLogger("kehu.mongod")

LOOK_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A mongod that has lived so long is no longer one that cannot live."""


class MongodKeeper:
    """A thread beside a running mongod; `end` it before the mongod is stopped."""

    def __init__(self, mongod: EmbeddedMongod) -> None:
        self._mongod = mongod
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="kehu-mongod", daemon=True)

    def begin(self) -> None:
        """Look after the mongod from now on."""
        self._thread.start()

    def end(self) -> None:
        """Start nothing any more; a start that is under way is broken off."""
        self._stop.set()
        self._thread.join()

    def _keep(self) -> None:
        pause, since = FIRST_PAUSE_SECONDS, time.monotonic()
        while not self._stop.wait(LOOK_SECONDS):
            if self._mongod.is_running:
                continue
            if time.monotonic() - since > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error("mongod ended (%s); it is started again in %.1f s", self._mongod.how_it_ended(), pause)
            if self._stop.wait(pause):
                return
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
            since = time.monotonic()
            try:
                if asyncio.run(self._mongod.revive(lambda: not self._stop.is_set())):
                    log.warning("mongod runs again after %.1f s", time.monotonic() - since)
            except EmbeddedError as error:
                log.error("mongod could not be started again: %s", error)
