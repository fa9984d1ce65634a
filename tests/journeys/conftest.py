"""A whole server inside the test process, on a database of its own."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx2
import pytest
from pymongo import MongoClient

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
async def api(journey_settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A signed-in client of the server; a definition is live in the next request, however busy the machine is."""
    patient = pytest.MonkeyPatch()
    patient.setattr(editions, "QUICK_BUILD_SECONDS", 60.0)
    patient.setattr(editions, "SETTLE_SECONDS", 30.0)
    app = build_app(journey_settings)
    token = LocalIssuer(journey_settings).issue("steward", "administrator", "north", 60)
    transport = httpx2.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {token}"}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://kehu.test", headers=headers) as client,
    ):
        yield client
    patient.undo()
    with MongoClient[dict[str, object]](journey_settings.mongodb_uri) as database:
        database.drop_database(journey_settings.database)


@pytest.fixture(scope="module")
def nobody_waits() -> Callable[[], AbstractContextManager[pytest.MonkeyPatch]]:
    """A context in which definitions are answered before they are live, so that many go into one edition."""

    @contextmanager
    def context() -> Iterator[pytest.MonkeyPatch]:
        with pytest.MonkeyPatch.context() as hurried:
            hurried.setattr(editions, "QUICK_BUILD_SECONDS", 0.0)
            yield hurried

    return context


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of its own."""
    return tmp_path / "data"
