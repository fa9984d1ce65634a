"""A whole server inside the test process, on a database of its own."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx2
import pytest
from pymongo import MongoClient
from starlette.applications import Starlette

from api import editions
from api.app import build_app
from api.settings import Settings
from api.tokens import LocalIssuer


@pytest.fixture(scope="module")
def journey_settings(mongod_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a database that no other module has, with patience for a busy machine."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        mongodb_uri=mongod_uri,
        database=f"test_{uuid.uuid4().hex[:16]}",
        mongo_timeout_seconds=30.0,
    )


@pytest.fixture(scope="module")
async def app(journey_settings: Settings) -> AsyncIterator[Starlette]:
    """The running server; a definition is live in the next request, however busy the machine is."""
    running = build_app(journey_settings)
    async with running.router.lifespan_context(running):
        yield running
    with MongoClient[dict[str, object]](journey_settings.mongodb_uri) as database:
        database.drop_database(journey_settings.database)


def signed_in(app: Starlette, settings: Settings, person: str, role: str) -> httpx2.AsyncClient:
    """A client of the server with a person's token."""
    token = LocalIssuer(settings).issue(person, role, "north", 60)
    headers = {"authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://kehu.test", headers=headers)


@pytest.fixture(scope="module")
async def api(app: Starlette, journey_settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """An administrator."""
    async with signed_in(app, journey_settings, "admin-1", "administrator") as client:
        yield client


@pytest.fixture(scope="module")
async def steward(app: Starlette, journey_settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A second person who answers for the attributes."""
    async with signed_in(app, journey_settings, "S001", "data_steward") as client:
        yield client


@pytest.fixture(scope="module")
def nobody_waits() -> Callable[[], AbstractContextManager[pytest.MonkeyPatch]]:
    """A context in which definitions are answered before they are live, so that many go into one edition."""

    @contextmanager
    def context() -> Iterator[pytest.MonkeyPatch]:
        with pytest.MonkeyPatch.context() as hurried:
            hurried.setattr(editions, "SETTLE_SECONDS", 0.0)
            yield hurried

    return context


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of its own."""
    return tmp_path / "data"
