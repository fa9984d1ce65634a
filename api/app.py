"""The one composition root: settings in, an ASGI application out."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from acts.demo import Progress, load_demo
from api.auditing import Auditing
from api.clock import SteadyClock
from api.database import mongo_settings, open_served_book
from api.directory import Directory
from api.editions import Edition, Editions, SeenEdition
from api.error_pages import error_page_route
from api.errors import refusal_from
from api.files import FileEndpoint
from api.front import front_route
from api.graphql_http import graphql_routes
from api.health import health_routes
from api.kms import kms_of
from api.middleware import cors_middleware
from api.negotiation import JSON
from api.oidc import build_issuers
from api.responses import refused
from api.settings import Settings
from api.viewer import Authenticator
from api.working import worker_on
from policy.viewer import Viewer
from repositories.deadline import limited
from repositories.ending import ended
from repositories.errors import RepositoryError, Unavailable
from repositories.mongo import Store, connect
from repositories.repositories import Repositories
from repositories.trusted_documents import TrustedDocumentRepository
from schema.context import Context, Spending

log = logging.getLogger("kehu")

STARTING = "Kehu is starting"
GRAPHQL = "/graphql"
RETRY_SECONDS = 1.0
WATCH_SECONDS = 0.5
WATCH_TIMEOUT_SECONDS = 1.0
AWAY_SECONDS = 2.0
"""A primary that steps down as planned is followed by another within it, and nobody notices."""
HEALTH = ("/healthz", "/readyz")


def _silent(done: int, count: int) -> None:
    """Nobody watches."""


def _nothing() -> None:
    """Nobody waits."""


@dataclass(slots=True)
class Server:
    """What one server process has while it runs."""

    settings: Settings
    uri: str
    progress: Progress = _silent
    started: Callable[[], None] = _nothing
    """Called when everything is built, before the first request."""
    has_worker: bool = False
    """Whether this process works jobs off as well: where nobody else could, for the book is in its memory."""
    audit: Auditing = field(default_factory=lambda: Auditing("off"))
    store: Store | None = None
    editions: Editions | None = None
    worker: "asyncio.Task[None] | None" = None
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    is_away: bool = False
    """Whether the database has been silent for so long that nobody is let wait for it."""
    requests: int = 0
    """Requests over HTTP that are being answered just now."""

    @property
    def current(self) -> Edition:
        """The edition of the moment.

        Raises: Unavailable before the start is done.
        """
        if self.editions is None:
            raise Unavailable(STARTING)
        return self.editions.current

    def repositories(self) -> Repositories:
        """The repositories of the edition of the moment.

        Raises: Unavailable before the start is done.
        """
        return self.current.repositories

    async def _watch_database(self, store: Store) -> None:
        """Ask the database again and again; once it has been silent for longer than any planned change of a primary
        takes, requests are refused at once instead of waiting for it one by one.
        """
        silent_since: float | None = None
        while True:
            began = time.monotonic()
            try:
                with limited(WATCH_TIMEOUT_SECONDS):
                    await store.ping()
                silent_since, self.is_away = None, False
            except RepositoryError:
                silent_since = began if silent_since is None else silent_since
                if time.monotonic() - silent_since >= AWAY_SECONDS and not self.is_away:
                    log.error("the database does not answer; requests are refused until it does")
                    self.is_away = True
            await asyncio.sleep(max(0.0, began + WATCH_SECONDS - time.monotonic()))

    async def readiness(self) -> str | None:
        """Why the server cannot answer; None when it can."""
        if self.store is None or self.editions is None:
            return STARTING
        try:
            await self.store.ping()
        except RepositoryError:
            return "the database does not answer"
        return None

    def context(self, viewer: Viewer, edition: SeenEdition, spending: Spending) -> Context:
        """What the resolvers of one operation get."""
        settle = self.editions.settle if self.editions is not None else None
        context = Context(viewer, edition.repositories, page_limit=self.settings.page_limit_rows, spending=spending)
        context.shown_schema = edition.shown_schema
        if settle is not None:
            context.settle = settle
        return context

    async def find_document(self, key: str) -> str | None:
        """The text of a registered document."""
        return None if self.store is None else await TrustedDocumentRepository(self.store).find_text(key)

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """Connect, prepare, load and follow; then all of it back.

        A database that does not answer yet is no reason to end: the server lives, says that it is not ready, and goes
        on trying.
        """
        self.store = connect(mongo_settings(self.settings, self.uri))
        opened = asyncio.Event()
        watching = asyncio.create_task(self._watch_database(self.store))
        work = asyncio.create_task(self._work(self.store, opened))
        first = asyncio.create_task(opened.wait())
        try:
            await asyncio.wait((work, first), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            yield
        finally:
            self.ending.set()
            if self.worker is not None:
                await asyncio.wait((self.worker,))
            await ended(first, work, watching)
            if self.editions is not None:
                await self.editions.current.repositories.client_groups.close()
            self.editions = None
            await self.audit.end()
            await self.store.close()

    async def _work(self, store: Store, opened: asyncio.Event) -> None:
        """Open the book and follow its catalogue; `opened` is set after the first try that says what is the matter."""
        while self.editions is None:
            try:
                await self._open(store)
            except Unavailable as error:
                log.warning("the database does not answer (%s); trying again in %.0f s", error, RETRY_SECONDS)
                opened.set()
                await asyncio.sleep(RETRY_SECONDS)
        opened.set()
        await self.editions.follow()

    async def _open(self, store: Store) -> None:
        await store.ping()
        repositories = await open_served_book(self.settings, store)
        await load_demo(repositories, demo_count(self.settings), self.progress)
        await self.audit.begin(repositories.audit, self.settings)
        self.editions = Editions(repositories, lambda: self.requests == 0)
        if self.has_worker:
            self.worker = asyncio.create_task(worker_on(self.settings, self.repositories, self.audit).run(self.ending))
        self.started()


def demo_count(settings: Settings) -> int:
    """How many clients the demonstration book has: none in production or somebody's own database unless asked for."""
    if settings.demo is not None:
        return settings.demo
    if settings.mongodb_uri or settings.environment == "production":
        return 0
    # mongomock takes half a minute for what mongod does in two seconds.
    return 200 if settings.mongodb_driver == "memory" else 2_000


class Application(Starlette):
    """Starlette with a straight way to GraphQL, which needs no router and words all its errors itself.

    What pages of other origins ask goes by the middleware, which adds to every answer what their browsers want to see.
    """

    straight: ASGIApp | None = None
    has_middleware = False
    server: Server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        self.server.requests += 1
        try:
            if self.server.is_away and scope["path"] not in HEALTH:
                # Before body and token are looked at: nobody waits for what is not there.
                await refused(refusal_from(Unavailable()), JSON)(scope, receive, send)
                return
            if scope["path"] == GRAPHQL and self.straight is not None and not self._is_of_a_page(scope):
                await self.straight(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        finally:
            self.server.requests -= 1

    def _is_of_a_page(self, scope: Scope) -> bool:
        return self.has_middleware and any(name == b"origin" for name, _ in scope["headers"])


def build_app(
    settings: Settings,
    uri: str | None = None,
    progress: Progress = _silent,
    started: Callable[[], None] = _nothing,
    *,
    has_worker: bool = False,
) -> Starlette:
    """The application for these settings; `uri` is the embedded mongod's where there is one.

    Raises: SettingsError if nobody could sign in.
    """
    now, audit = SteadyClock(), Auditing(settings.audit_mode)
    server = Server(settings, settings.mongodb_uri if uri is None else uri, progress, started, has_worker, audit)
    directory = Directory(server.repositories, now)
    signed_in = Authenticator(build_issuers(settings, now).verify, directory.person, directory.account)
    authenticate = audit.counting(signed_in)
    kms_of(settings)  # What is wrong with it is to be known at the start.
    routes = graphql_routes(server, authenticate, server.context, settings, now, server.find_document, audit)
    files = Route("/files/{file_id}", FileEndpoint(server.repositories, settings, audit, directory.known))
    middleware = cors_middleware(settings)
    app = Application(
        routes=[*routes, *health_routes(server.readiness), files, front_route(), error_page_route()],
        middleware=middleware,
        lifespan=server.running,
    )
    app.server = server
    app.has_middleware = bool(middleware)
    app.straight = next(each.app for each in routes if isinstance(each, Route) and each.path == GRAPHQL)
    return app
