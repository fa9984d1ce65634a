"""Health."""

import asyncio

import httpx2
import pytest
from starlette.applications import Starlette

from api.health import Readiness, health_routes


async def get(path: str, readiness: Readiness) -> httpx2.Response:
    app = Starlette(routes=health_routes(readiness, patience_seconds=0.05))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://kehu.test") as client:
        return await client.get(path)


async def ready() -> str | None:
    return None


async def loading() -> str | None:
    return "the demonstration book is being loaded"


async def broken() -> str | None:
    raise RuntimeError("db.internal refused")


async def stuck() -> str | None:
    await asyncio.sleep(60)
    return None


class TestHealthz:
    @pytest.mark.parametrize("readiness", [ready, loading, broken, stuck])
    async def test_alive_whatever_the_database_does(self, readiness: Readiness) -> None:
        response = await get("/healthz", readiness)
        assert (response.status_code, response.json()) == (200, {"status": "alive"})


class TestReadyz:
    async def test_ready(self) -> None:
        response = await get("/readyz", ready)
        assert (response.status_code, response.json()) == (200, {"status": "ready"})

    @pytest.mark.parametrize(
        ("readiness", "reason"),
        [
            (loading, "the demonstration book is being loaded"),
            (broken, "the check failed; see the log"),
            (stuck, "the check took longer than 0.05 seconds"),
        ],
    )
    async def test_not_ready(self, readiness: Readiness, reason: str) -> None:
        response = await get("/readyz", readiness)
        assert (response.status_code, response.json()) == (503, {"status": "not ready", "reason": reason})
        assert response.headers["retry-after"] == "1"
