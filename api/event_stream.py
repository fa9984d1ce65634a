"""GraphQL over server-sent events: one operation a connection, each result an event."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import orjson
from graphql import ExecutionResult
from starlette.responses import StreamingResponse

from api.admission import Guard
from api.errors import Answer, InvalidDocument, refusal_from, unauthenticated
from api.execution import HeldEdition, Prepared, answer_from, events
from api.graphql_request import GraphQLRequest
from api.negotiation import EVENT_STREAM
from api.service import Service
from api.viewer import Credentials
from policy.viewer import Viewer

_COMPLETE = b"event: complete\ndata:\n\n"
_HEARTBEAT = b":\n\n"

Caller = tuple[Credentials, Viewer]


def stream_of(
    service: Service,
    edition: HeldEdition,
    prepared: Prepared,
    request: GraphQLRequest,
    context: object,
    caller: Caller,
    guard: Guard,
) -> StreamingResponse:
    """The response that streams an operation's results, on the edition the request began with.

    Order: results as they come; a heartbeat in each pause; the stream ends when the token expires, or when the
    directory no longer knows the caller or the policy keeps more from them.
    """
    results = events(edition, prepared, request, context, guard, service.audit)
    return _streaming(_frames(service, edition, results, caller), edition.version)


def stream_of_one(answer: Answer, version: str | None) -> StreamingResponse:
    """The response of one event, for an operation that could not start."""

    async def frames() -> AsyncIterator[bytes]:
        yield _frame(answer) + _COMPLETE

    return _streaming(frames(), version)


def _streaming(frames: AsyncIterator[bytes], version: str | None) -> StreamingResponse:
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    if version is not None:
        headers["kehu-edition"] = version
    return StreamingResponse(frames, headers=headers, media_type=EVENT_STREAM)


async def _frames(
    service: Service, edition: HeldEdition, results: AsyncGenerator[ExecutionResult, None], caller: Caller
) -> AsyncIterator[bytes]:
    """Event stream frames.

    The next result is awaited in a task of its own, because a heartbeat must not cancel the resolver that works on it.
    """
    credentials, viewer = caller
    until = service.end(viewer)
    loop = asyncio.get_running_loop()
    checked_at = loop.time()
    coming = asyncio.ensure_future(anext(results))
    try:
        while True:
            pause = service.pause(until)
            done, _ = await asyncio.wait({coming}, timeout=pause)
            if loop.time() - checked_at >= pause:
                checked_at = loop.time()
                if service.now() >= until or not await service.holds(credentials, viewer, edition):
                    yield _frame(unauthenticated().answer()) + _COMPLETE
                    return
            if not done:
                yield _HEARTBEAT
                continue
            yield _frame(answer_from(coming.result()))
            coming = asyncio.ensure_future(anext(results))
    except StopAsyncIteration:
        yield _COMPLETE
    except InvalidDocument as problem:
        yield _frame(problem.answer()) + _COMPLETE
    except Exception as problem:
        yield _frame(refusal_from(problem).answer()) + _COMPLETE
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
            await coming
        await results.aclose()


def _frame(answer: Answer) -> bytes:
    # orjson writes no line break, so one data line holds the whole answer.
    return b"event: next\ndata: " + orjson.dumps(answer) + b"\n\n"
