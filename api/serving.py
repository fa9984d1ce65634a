"""`kehu serve`: the mongod if there is none, the demonstration book, the server processes, and the ready line."""

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from acts.demo import load_demo
from acts.rooms.limits import lacking
from api.app import build_app, demo_count
from api.database import build_mongod, is_embedded, mongo_settings, open_served_book
from api.oidc import check_issuers
from api.patience import PatientProtocol, PatientSocket
from api.setting import variable_of
from api.settings import Settings, SettingsError, load_settings
from api.tokens import LocalIssuer
from api.working import worker_beside
from policy.viewer import ROLES
from repositories.embedded.keeper import MongodKeeper
from repositories.errors import NotSupported
from repositories.mongo import connect

READY_POLL_SECONDS = 0.1
GRACE_SECONDS = 5
"""How long requests in hand may take once the server is to end."""
END_SECONDS = 9.0
"""From the signal on: what has not ended by itself by then is killed."""
LEAST_END_SECONDS = 1.0
YOUNG_OBJECTS = 50_000

notes = Console(stderr=True)


class Stopped(Exception):
    """A signal asked the server to end."""


def serve(settings: Settings) -> None:
    """Serve until a signal comes; everything that was started is stopped again.

    Raises: SettingsError, EmbeddedError, RepositoryError when it cannot start.
    """
    if settings.mongodb_driver == "memory" and settings.workers > 1:
        raise SettingsError(
            f"KEHU_WORKERS: got {settings.workers}; expected 1 with the memory driver, whose data lives in one process."
        )
    if settings.mongodb_driver == "memory":
        try:
            connect(mongo_settings(settings, ""))
        except NotSupported as missing:
            raise SettingsError(missing.message) from None
    warn_of_limits()
    _warn_of_memory(settings)
    check_issuers(settings)
    issuer = None if settings.environment == "production" else LocalIssuer(settings)
    ending = Ending()
    with ending_on_signals(), embedded(settings, ending) as uri, bound(settings) as listening:
        port = listening.getsockname()[1]
        stop, ready = threading.Event(), threading.Event()
        announcer = threading.Thread(target=announce, args=(settings, issuer, port, stop, ready), daemon=True)
        announcer.start()
        try:
            with working(settings, uri, ready) as end_worker:
                ending.also(end_worker)
                run(settings, uri, listening, ending)
        finally:
            stop.set()
            announcer.join()


class Ending:
    """The end of a server: when it began, and who is told of it at once."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._told: list[Callable[[], None]] = []

    def also(self, tell: Callable[[], None]) -> None:
        """Tell somebody else as soon as the end begins, so that all end at the same time."""
        self._told.append(tell)

    def begin(self) -> None:
        """The signal has come."""
        if self._began is None:
            self._began = time.monotonic()
            for tell in self._told:
                tell()

    def seconds_left(self) -> float:
        """How long whoever ends last may take."""
        spent = 0.0 if self._began is None else time.monotonic() - self._began
        return max(LEAST_END_SECONDS, END_SECONDS - spent)


@contextmanager
def working(settings: Settings, uri: str, ready: threading.Event) -> Iterator[Callable[[], None]]:
    """A worker process beside the server; none where the book lives in this process, or where nobody wants one."""
    if settings.jobs == "none" or settings.mongodb_driver == "memory":
        yield lambda: None
        return
    with worker_beside(environment_of(settings, uri), ready) as end_worker:
        yield end_worker


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM and SIGINT end the process by way of every `finally`, so that no mongod is left behind."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def embedded(settings: Settings, ending: Ending) -> Iterator[str]:
    """The URI of the database; a mongod of our own lives as long as the context, and is started again if it dies."""
    if not is_embedded(settings):
        yield settings.mongodb_uri
        return
    mongod = build_mongod(settings)
    notes.print(f"Starting mongod on {settings.data_dir.resolve() / 'mongod'} ...", soft_wrap=True)
    uri = asyncio.run(mongod.start())
    keeper = MongodKeeper(mongod)
    keeper.begin()
    try:
        yield uri
    finally:
        keeper.end()
        asyncio.run(mongod.stop(ending.seconds_left()))


@contextmanager
def bound(settings: Settings) -> Iterator[socket.socket]:
    """The socket to listen on.

    Raises: SettingsError if the address is taken.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"KEHU_HOST and KEHU_PORT: {settings.host}:{settings.port} cannot be listened on ({error.strerror}). "
                "Give another port (--port, 0 for any free one), or stop the program that has it."
            ) from None
        listening.set_inheritable(True)
        yield listening
    finally:
        listening.close()


def run(settings: Settings, uri: str, listening: socket.socket, ending: Ending) -> None:
    """Serve on the socket, in this process or in several, until the end begins."""
    common = {
        "log_level": "warning",
        "access_log": False,
        "ws": PatientSocket,
        "ws_max_size": settings.body_limit_bytes,
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "server_header": False,
        "proxy_headers": False,
        "date_header": True,
    }
    if settings.workers == 1:
        with demo_progress() as progress:
            has_worker = settings.jobs == "inside" and settings.mongodb_driver == "memory"
            app = build_app(settings, uri, progress, keep_what_is_built, has_worker=has_worker)
            config = uvicorn.Config(app, lifespan="on", http=PatientProtocol.of(settings), **common)  # type: ignore[arg-type]
            server = EndingServer(ending, config)
            server.run(sockets=[listening])
        if not server.started:
            sys.exit(1)
        return
    asyncio.run(prepare(settings, uri))
    pass_on(settings, uri)
    config = uvicorn.Config(
        "api.serving:worker_app",
        factory=True,
        workers=settings.workers,
        lifespan="on",
        # By its name: a class that is made for these settings does not come along into other processes.
        http=PatientProtocol,
        **common,  # type: ignore[arg-type]
    )
    EndingProcesses(ending, config, sockets=[listening]).run()


class EndingServer(uvicorn.Server):
    """A server that tells of its end when it begins."""

    def __init__(self, ending: Ending, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._ending.begin()
        super().handle_exit(sig, frame)


class EndingProcesses(Multiprocess):
    """Several server processes, of which the first tells of the end when it begins."""

    def __init__(self, ending: Ending, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets=sockets)
        self._ending = ending

    def handle_int(self) -> None:
        self._ending.begin()
        super().handle_int()

    def handle_term(self) -> None:
        self._ending.begin()
        super().handle_term()


async def prepare(settings: Settings, uri: str) -> None:
    """Indexes and the demonstration book, once, before several processes start."""
    store = connect(mongo_settings(settings, uri))
    try:
        await store.ping()
        repositories = await open_served_book(settings, store)
        with demo_progress() as progress:
            await load_demo(repositories, demo_count(settings), progress)
    finally:
        await store.close()


def pass_on(settings: Settings, uri: str) -> None:
    """The settings as other server processes read them: all there was is in the environment."""
    os.environ.update(environment_of(settings, uri))


def environment_of(settings: Settings, uri: str) -> dict[str, str]:
    """The settings as variables for another process; secrets come by the environment alone, so they are there."""
    given = {
        variable_of(name): ",".join(value) if isinstance(value, list) else str(value)
        for name, value in settings.model_dump(mode="json").items()
        if value is not None and not isinstance(getattr(settings, name), SecretStr)
    }
    return given | {variable_of("mongodb_uri"): uri, variable_of("demo"): "0"}


def worker_app() -> Starlette:
    """The application of one of several server processes."""
    settings = load_settings()
    log_to_standard_error(settings)
    return build_app(settings, started=keep_what_is_built)


def log_to_standard_error(settings: Settings) -> None:
    """One line an event, of the level that the settings name and above."""
    logging.basicConfig(level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")


def keep_what_is_built() -> None:
    """Leave schema and modules out of every later garbage collection, and collect young objects rarely.

    An answer of hundreds of documents is made of thousands of objects, none of them in a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


@contextmanager
def demo_progress() -> Iterator[Callable[[int, int], None]]:
    """Shows how the demonstration book comes in; a bar on a terminal, one line elsewhere."""
    bar = Progress(console=notes, transient=True)
    task = bar.add_task("Loading the demonstration book", total=None)

    def progress(done: int, count: int) -> None:
        if notes.is_terminal:
            bar.start()
            bar.update(task, completed=done, total=count)
        if done >= count:
            bar.stop()
            notes.print(f"The demonstration book is loaded: {done} clients.")

    try:
        yield progress
    finally:
        bar.stop()


def announce(
    settings: Settings, issuer: LocalIssuer | None, port: int, stop: threading.Event, ready: threading.Event
) -> None:
    """Print the ready line when the server says it is ready, and a token a role where Kehu issues tokens itself."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    base = f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{port}"
    while not is_ready(base):
        if stop.wait(READY_POLL_SECONDS):
            return
    ready.set()
    say(f"Kehu is ready at {base}/graphql")
    if issuer is None:
        return
    say(f"Sign-in tokens, good for {settings.token_minutes // 60} hours; send one as: Authorization: Bearer TOKEN")
    has_book = demo_count(settings) > 0
    tokens = {role: issuer.issue(person_of(role, has_book), role, None, settings.token_minutes) for role in ROLES}
    for role, token in tokens.items():
        say(f"{role} {token}")
    say(f"In a browser, signed in: {base}/graphql#token={tokens['administrator']}")


def person_of(role: str, has_book: bool) -> str:
    """Whom the token of a role is for: a manager of the demonstration book, or a person made for the role.

    M001 leads a team, so the directory has both roles of that one.
    """
    return "M001" if has_book and role in ("relationship_manager", "team_lead") else f"demo-{role.replace('_', '-')}"


def say(line: str) -> None:
    """A line on standard output, at once: scripts wait for it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def is_ready(base: str) -> bool:
    """Whether the server answers that it is ready."""
    try:
        with urllib.request.urlopen(f"{base}/readyz", timeout=2) as answer:
            return bool(json.load(answer)["status"] == "ready")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def warn_of_limits() -> None:
    """Say which limits this system does not hold for what strangers send."""
    if (missing := lacking()) is not None:
        notes.print(missing, style="yellow", soft_wrap=True)


def _warn_of_memory(settings: Settings) -> None:
    if settings.mongodb_driver == "memory":
        notes.print(
            "The memory driver keeps everything in this process: all is lost at the end, one process serves alone, and "
            "there are no transactions, change streams, validators or real indexes. For trying out only.",
            style="yellow",
            soft_wrap=True,
        )
