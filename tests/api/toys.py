"""A small edition, a clock and a live server for the tests of api/."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import strawberry
import uvicorn
from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.types import ASGIApp
from strawberry import scalars

from api.claims import Claims, InvalidToken
from api.graphql_http import graphql_routes
from api.oidc import Issuers
from api.patience import PatientSocket
from api.settings import Settings
from api.tokens import LocalIssuer
from api.trusted import FindText, nobody
from api.viewer import Authenticator
from catalogue.errors import ErrorCode, KehuError
from policy.viewer import Viewer
from schema.context import Spending

SECRET = "CANARY-mongodb://db.internal:27017"


@dataclass(frozen=True)
class ToyEdition:
    version: str
    schema: strawberry.Schema
    sdl: str

    @property
    def key(self) -> str:
        return self.version

    def shown_schema(self) -> GraphQLSchema:
        return self.schema._schema

    def seen_by(self, _viewer: Viewer) -> "ToyEdition":
        return self

    def holds_beside(self, _newest: "ToyEdition", _viewer: Viewer) -> bool:
        return True


class ToyEditions:
    def __init__(self, current: ToyEdition) -> None:
        self.current = current


@dataclass(frozen=True)
class ToyContext:
    viewer: Viewer
    version: str


@dataclass(frozen=True)
class Signed:
    """An application with its editions and a token that it takes."""

    app: ASGIApp
    editions: ToyEditions
    issuer: LocalIssuer
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


Info = strawberry.Info[ToyContext, None]


@strawberry.type
class Query:
    @strawberry.field
    async def hello(self, name: str = "you") -> str:
        return f"hello {name}"

    @strawberry.field
    def person(self, info: Info) -> str:
        return info.context.viewer.person

    @strawberry.field
    def edition(self, info: Info) -> str:
        return info.context.version

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def must(self) -> str:
        raise RuntimeError(SECRET)

    @strawberry.field
    def refused(self) -> str | None:
        raise KehuError("first takes 1 to 200; got 900.", code=ErrorCode.PAGE_SIZE, path=("first",))

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @strawberry.field
    def too_big(self) -> int | None:
        return 77_000_000_001


@strawberry.type
class Mutation:
    @strawberry.mutation
    def ping(self) -> str:
        return "pong"

    @strawberry.mutation
    async def slow_ping(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "pong"

    @strawberry.mutation
    def clients_upsert(self, rows: scalars.JSON) -> int:
        return len(rows) if isinstance(rows, list) else 0


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def forever(self, info: Info) -> AsyncIterator[str]:
        yield info.context.version
        await asyncio.sleep(3600)

    @strawberry.subscription
    async def fails(self) -> AsyncIterator[int]:
        yield 1
        raise RuntimeError(SECRET)


@strawberry.type(name="Query")
class LaterQuery(Query):
    @strawberry.field
    def added(self) -> str:
        return "new"


def edition_of(query: type[object] = Query, version: str = "a" * 64) -> ToyEdition:
    schema = strawberry.Schema(query=query, mutation=Mutation, subscription=Subscription)
    return ToyEdition(version, schema, schema.as_str())


def build_context(viewer: Viewer, edition: Any, _spending: Spending) -> ToyContext:
    return ToyContext(viewer, edition.version)


async def person_of(claims: Claims) -> Viewer:
    """A directory in which everybody is what the token says."""
    return Viewer(claims.person, frozenset({claims.role or ""}), claims.team, expires_at=claims.expires_at)


async def no_account(_token: str) -> Viewer:
    """A directory without service accounts."""
    raise InvalidToken("no account")


def signed_app(
    data_dir: Path, clock: Callable[[], float] = time.time, find_document: FindText = nobody, **settings: Any
) -> Signed:
    chosen = Settings(data_dir=data_dir, **settings)
    issuer = LocalIssuer(chosen, clock)
    editions = ToyEditions(edition_of())
    authenticate = Authenticator(Issuers(issuer).verify, person_of, no_account)
    routes = graphql_routes(editions, authenticate, build_context, chosen, clock, find_document)
    app = Starlette(routes=routes)
    return Signed(app, editions, issuer, issuer.issue("rm-001", "relationship_manager", None, 10))


@contextmanager
def live_server(app: ASGIApp, lifespan: Literal["on", "off"] = "off") -> Iterator[str]:
    """The address of a real server that runs in a thread."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan=lifespan, ws=PatientSocket)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
