"""Fixtures of the api tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.api.toys import Signed, signed_app


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEHU_ENVIRONMENT", "KEHU_MONGODB_URI", "KEHU_MONGODB_DRIVER", "KEHU_DATA_DIR", "KEHU_PORT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    return signed_app(tmp_path)


@pytest.fixture
async def client(signed: Signed) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=signed.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://kehu.test", headers=signed.headers) as made:
        yield made
