"""GraphQL over a websocket, subprotocol graphql-transport-ws; an open socket keeps its edition, and no old rule."""

import asyncio
from contextlib import ExitStack, aclosing, suppress
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from api.errors import Answer, HttpRefusal, InvalidDocument, refusal_from
from api.execution import HeldEdition, answer_from, events, has_run
from api.graphql_request import GraphQLRequest, check_size, request_from_value
from api.limits import is_deeper
from api.service import Service
from api.viewer import Credentials, Unauthenticated, credentials_from
from policy.viewer import Viewer

SUBPROTOCOL = "graphql-transport-ws"
# A close frame holds 123 bytes of reason.
_LONGEST_REASON = 120


class GraphQLSocket:
    """The ASGI application at /graphql for websockets."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        credentials = credentials_from(scope["headers"])
        await receive()
        if not self._service.origins.allows(headers.get(b"origin"), headers.get(b"host")):
            await send({"type": "websocket.close", "code": 1008})
            return
        if SUBPROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": f"Ask for the subprotocol {SUBPROTOCOL}"})
            return
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        await _Session(self._service, credentials, receive, send).serve()


class _Closed(Exception):
    """The socket must end, for a reason of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Session:
    """One socket from the first message to the close."""

    def __init__(self, service: Service, credentials: Credentials, receive: Receive, send: Send) -> None:
        self._service = service
        self._credentials = credentials
        self._receive = receive
        self._send = send
        self._viewer: Viewer | None = None
        self._edition: HeldEdition | None = None
        self._until = float("inf")
        self._is_init_received = False
        self._signed_in = asyncio.Event()
        self._is_closed = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._place = ExitStack()
        """The socket's place among those of its person."""

    async def serve(self) -> None:
        """Answer messages until one side closes."""
        keeper = asyncio.create_task(self._keep())
        try:
            while (message := await self._receive())["type"] == "websocket.receive":
                await self._take(message)
        except _Closed as closed:
            await self._close(closed.code, closed.reason)
        finally:
            self._is_closed = True
            self._place.close()
            tasks = [keeper, *self._operations.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self) -> None:
        """Close the socket that says nothing, later the one that nobody stands behind any longer."""
        try:
            async with asyncio.timeout(self._service.settings.socket_init_seconds):
                await self._signed_in.wait()
        except TimeoutError:
            if not self._is_init_received:
                await self._close(4408, "Connection initialisation timeout")
                return
            await self._signed_in.wait()
        while not self._is_closed:
            await asyncio.sleep(self._service.pause(self._until))
            if self._service.now() >= self._until or not await self._still_holds():
                break
        await self._close(4403, "Forbidden")

    async def _still_holds(self) -> bool:
        if self._viewer is None or self._edition is None:
            return False
        return await self._service.holds(self._credentials, self._viewer, self._edition)

    async def _take(self, message: Message) -> None:
        text = message.get("text")
        if text is None:
            raise _Closed(4400, "Messages are text")
        if len(text) > self._service.settings.body_limit_bytes:
            raise _Closed(1009, "Message too big")
        try:
            check_size(text.encode("utf-8", "surrogatepass"))
            value = orjson.loads(text)
        except (orjson.JSONDecodeError, HttpRefusal):
            raise _Closed(4400, "Messages are JSON of a reasonable size") from None
        if not isinstance(value, dict) or is_deeper(value, self._service.settings.json_limit_levels):
            raise _Closed(4400, "Messages are JSON objects, not too deep")
        match value.get("type"):
            case "connection_init":
                await self._init(value.get("payload"))
            case "ping":
                await self._say({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(value)
            case "complete":
                self._forget(value.get("id"))
            case _:
                raise _Closed(4400, "Unknown message type")

    async def _init(self, payload: object) -> None:
        if self._is_init_received:
            raise _Closed(4429, "Too many initialisation requests")
        if not isinstance(payload, (dict, type(None))):
            raise _Closed(4400, "The payload of connection_init is an object")
        self._is_init_received = True
        self._credentials = _credentials_in(payload or {}, self._credentials)
        try:
            viewer = await self._service.authenticate(self._credentials)
            if not self._place.enter_context(self._service.admission.sockets.one_more(viewer.person)):
                raise _Closed(1013, "Too many open sockets of this person")
            self._viewer, self._edition = viewer, self._service.edition_for(viewer)
        except _Closed:
            raise
        except Unauthenticated:
            raise _Closed(4401, "Unauthorized") from None
        except HttpRefusal as refusal:
            raise _Closed(4400, str(refusal)[:_LONGEST_REASON]) from None
        except Exception as problem:
            raise _Closed(4500, str(refusal_from(problem))[:_LONGEST_REASON]) from None
        self._until = self._service.end(self._viewer)
        self._signed_in.set()
        await self._say({"type": "connection_ack", "payload": {"edition": self._edition.version}})

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if self._viewer is None or self._edition is None:
            raise _Closed(4401, "Unauthorized")
        if not self._service.stands(self._edition, self._viewer):
            # Nothing begins by a rule that is no longer in force, however long until the next look.
            raise _Closed(4403, "Forbidden")
        name = message.get("id")
        if not isinstance(name, str) or not name:
            raise _Closed(4400, "A subscribe message has an id")
        if name in self._operations:
            raise _Closed(4409, "Subscriber for this id already exists")
        try:
            request = request_from_value(message.get("payload"), self._service.settings.json_limit_levels)
        except HttpRefusal as refusal:
            raise _Closed(4400, str(refusal)[:_LONGEST_REASON]) from None
        if len(self._operations) >= self._service.settings.socket_operations:
            answer = HttpRefusal(429, "TOO_MANY_OPERATIONS", "This socket has too many open operations.").answer()
            await self._say({"id": name, "type": "error", "payload": answer["errors"]})
            return
        self._operations[name] = asyncio.create_task(self._run(name, request, self._viewer, self._edition))

    async def _run(self, name: str, request: GraphQLRequest, viewer: Viewer, edition: HeldEdition) -> None:
        last: Answer = {"id": name, "type": "complete"}
        try:
            request, prepared = await self._service.prepared(edition, request, viewer.person)
            guard = self._service.admission.guard(viewer.person)
            context = self._service.context(viewer, edition, guard)
            async with aclosing(events(edition, prepared, request, context, guard, self._service.audit)) as results:
                async for result in results:
                    answer = answer_from(result)
                    if not has_run(result):
                        last = {"id": name, "type": "error", "payload": answer["errors"]}
                        break
                    await self._say({"id": name, "type": "next", "payload": answer})
        except InvalidDocument as problem:
            self._service.note_refusal(viewer, edition.version, problem.code, problem.query)
            last = {"id": name, "type": "error", "payload": problem.answer()["errors"]}
        except Exception as problem:
            refusal = refusal_from(problem)
            self._service.note_refusal(viewer, edition.version, refusal.code)
            last = {"id": name, "type": "error", "payload": refusal.answer()["errors"]}
        # The id is free again before the caller can hear so.
        self._operations.pop(name, None)
        await self._say(last)

    def _forget(self, name: object) -> None:
        task = self._operations.pop(name, None) if isinstance(name, str) else None
        if task is not None:
            task.cancel()

    async def _say(self, message: Answer) -> None:
        if not self._is_closed:
            # A text frame: graphql-ws clients refuse binary ones.
            with suppress(OSError):
                await self._send({"type": "websocket.send", "text": orjson.dumps(message).decode()})

    async def _close(self, code: int, reason: str) -> None:
        if not self._is_closed:
            self._is_closed = True
            with suppress(OSError):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})


def _credentials_in(payload: dict[str, Any], of_headers: Credentials) -> Credentials:
    """What the first message shows, and the headers where it shows nothing."""
    given = [payload[name] for name in ("authorization", "Authorization") if isinstance(payload.get(name), str)]
    purpose = payload.get("purpose")
    return Credentials(
        given[0] if given else of_headers.authorization,
        of_headers.purpose if purpose is None else str(purpose),
        len(given) > 1 or (of_headers.is_ambiguous and not given),
    )
