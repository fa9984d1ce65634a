"""One child process: asked, answered, and ended whenever it takes too much or too long."""

import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from acts.rooms.limits import IDLE, Limits, reason_for
from acts.rooms.messages import FRAME_LIMIT_BYTES, HEAD_BYTES, error_from, packed, unpacked

_PIECE = 1 << 20
_KEPT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE"),
)
"""Of the environment: a child has no secrets to lose."""
_OWN = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    # One thread each: threads take address space, and the processors are others'.
    "POLARS_MAX_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


class RoomBroken(Exception):
    """The child took more than it may, or fell over; the text says which. Nothing of it is left."""


class Room:
    """A child process that does one task, in one answer or in many.

    Order: `ask` names the task the first time; what follows goes to the same one.
    """

    def __init__(self) -> None:
        self._process = self._started()
        self._is_fresh = True
        self._is_asked = False
        # Held while somebody reads: a pipe that is closed under them may be somebody else's in the next moment.
        self._reading = threading.RLock()

    def _started(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "acts.rooms.inside"],
            env={name: os.environ[name] for name in _KEPT if name in os.environ} | _OWN,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        return process

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, task: str, given: Mapping[str, Any], limits: Limits, *, ahead: bool = False) -> Any:
        """The answer of the child; with `ahead` it is asked the same again at once, and works while its answer is used.

        Raises: RoomBroken; KehuError where what was given is refused inside.
        Cost: blocks until the answer, or the deadline.
        """
        with self._reading:
            return self._asked(packed({"task": task, "given": given, "limits": _numbers(limits)}), limits, ahead=ahead)

    def _asked(self, frame: bytes, limits: Limits, *, ahead: bool) -> Any:
        try:
            answer = self._answer(frame, time.monotonic() + limits.deadline_seconds, limits)
        except RoomBroken:
            self.close()
            raise
        self._is_fresh, self._is_asked = False, False
        if ahead:
            self._is_asked = self._sent_ahead(frame, limits)
        if "refused" in answer:
            raise error_from(answer["refused"])
        return answer["answer"]

    def _sent_ahead(self, frame: bytes, limits: Limits) -> bool:
        try:
            self._send(memoryview(frame), time.monotonic() + limits.deadline_seconds, limits)
        except (BrokenPipeError, RoomBroken):
            return False
        return True

    def _answer(self, frame: bytes, ends: float, limits: Limits) -> Any:
        try:
            body = self._exchanged(frame, ends, limits)
        except BrokenPipeError:
            body = None
        if body is None and self._is_fresh and self._process.wait() == IDLE:
            # It was kept warm for so long that it left in the moment it was asked.
            self._close_pipes()
            self._process = self._started()
            body = self._exchanged(frame, ends, limits)
        if body is None:
            raise RoomBroken(reason_for(self._process.wait(), limits))
        try:
            return unpacked(body)
        except ValueError as error:
            raise RoomBroken(f"its answer cannot be used: {error}") from None

    def _exchanged(self, frame: bytes, ends: float, limits: Limits) -> bytes | None:
        """The body of the answer; None where the child has ended."""
        if not self._is_asked:
            self._send(memoryview(frame), ends, limits)
        head = self._read(HEAD_BYTES, ends, limits)
        if head is None:
            return None
        size = int.from_bytes(head, "big")
        if size > FRAME_LIMIT_BYTES:
            raise RoomBroken(f"its answer comes to {size:,} bytes, and {FRAME_LIMIT_BYTES:,} are the most")
        return self._read(size, ends, limits)

    def _send(self, left: memoryview, ends: float, limits: Limits) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        while left:
            self._wait(pipe, selectors.EVENT_WRITE, ends, limits)
            left = left[os.write(pipe.fileno(), left[:_PIECE]) :]

    def _read(self, size: int, ends: float, limits: Limits) -> bytes | None:
        pipe = self._process.stdout
        assert pipe is not None
        parts: list[bytes] = []
        while size:
            self._wait(pipe, selectors.EVENT_READ, ends, limits)
            part = os.read(pipe.fileno(), min(size, _PIECE))
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _wait(self, pipe: Any, event: int, ends: float, limits: Limits) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if not selector.select(max(0.0, ends - time.monotonic())):
                raise RoomBroken(f"it took longer than {limits.deadline_seconds:g} s")

    def close(self) -> None:
        """End the child, wherever it is."""
        self._process.kill()
        self._process.wait()
        # Whoever reads hears the end of the pipe now.
        with self._reading:
            self._close_pipes()

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _numbers(limits: Limits) -> dict[str, Any]:
    return {name: getattr(limits, name) for name in Limits.__dataclass_fields__}
