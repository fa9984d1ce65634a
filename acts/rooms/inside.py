"""The child process: waits for its task, is limited before it looks at anything, and answers until it is ended."""

import os
import selectors
import sys
from collections.abc import Generator, Mapping
from typing import Any, BinaryIO

from acts.rooms.limits import IDLE, OUT_OF_MEMORY, Limits, hold_for_good, hold_for_one, let_go
from acts.rooms.messages import HEAD_BYTES, packed, unpacked, words_of
from acts.rooms.tasks import TASKS
from catalogue.errors import KehuError

IDLE_SECONDS = 120.0
"""How long a child is kept warm that nobody asks."""

Steps = Generator[Any, Mapping[str, Any], None]


def main() -> None:
    """Answer on the pipes of this process until they are closed."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    # Whatever a library prints is no answer.
    sys.stdout = sys.stderr
    with selectors.DefaultSelector() as selector:
        selector.register(questions, selectors.EVENT_READ)
        if not selector.select(IDLE_SECONDS):
            sys.exit(IDLE)
    steps: Steps | None = None
    while (message := _next(questions)) is not None:
        limits = Limits(**message["limits"])
        if steps is None:
            hold_for_good(limits)
        hold_for_one(limits)
        steps, answer = answered(steps, message)
        let_go()
        answers.write(answer)
        answers.flush()


def answered(steps: Steps | None, message: Mapping[str, Any]) -> tuple[Steps, bytes]:
    """The task, and its frame in answer to a message; the first message begins it.

    A task that raises is over; one that answers with an error may be asked again.
    """
    given = message["given"]
    try:
        if steps is None:
            steps = TASKS[message["task"]](given)
            answer = next(steps)
        else:
            answer = steps.send(given)
    except KehuError as error:
        return steps or _over(), packed({"refused": words_of(error)})
    if isinstance(answer, KehuError):
        return steps, packed({"refused": words_of(answer)})
    return steps, packed({"answer": answer})


def _over() -> Steps:
    yield None


def _next(questions: BinaryIO) -> Any:
    head = questions.read(HEAD_BYTES)
    return unpacked(questions.read(int.from_bytes(head, "big"))) if len(head) == HEAD_BYTES else None


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        # Not the way of sys.exit, which may need memory itself.
        os._exit(OUT_OF_MEMORY)
