"""Web origins."""

from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from api.middleware import cors_middleware, is_origin_allowed
from api.settings import Settings


class TestIsOriginAllowed:
    @pytest.mark.parametrize(
        ("origin", "expected"),
        [
            (None, True),
            ("http://kehu.example:8000", True),
            ("https://KEHU.example:8000", True),
            ("https://crm.example", True),
            ("https://kehu.example", False),
            ("https://crm.example.evil.example", False),
            ("http://crm.example", False),
            ("null", False),
            ("", False),
            ("http://[", False),
        ],
    )
    def test_origin(self, origin: str | None, expected: bool) -> None:
        assert is_origin_allowed(origin, "kehu.example:8000", ("https://crm.example",)) is expected

    def test_no_host(self) -> None:
        assert not is_origin_allowed("", None, ())


class TestCorsMiddleware:
    async def preflight(self, tmp_path: Path, origin: str, allowed: tuple[str, ...]) -> httpx2.Response:
        settings = Settings(data_dir=tmp_path, allowed_origins=allowed)
        app = Starlette(middleware=cors_middleware(settings))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://kehu.test") as client:
            headers = {"origin": origin, "access-control-request-method": "POST"}
            return await client.options("/graphql", headers=headers)

    async def test_allowed(self, tmp_path: Path) -> None:
        response = await self.preflight(tmp_path, "https://crm.example", ("https://crm.example",))
        assert response.headers["access-control-allow-origin"] == "https://crm.example"
        assert "access-control-allow-credentials" not in response.headers

    @pytest.mark.parametrize("allowed", [(), ("https://crm.example",)])
    async def test_others(self, tmp_path: Path, allowed: tuple[str, ...]) -> None:
        response = await self.preflight(tmp_path, "https://evil.example", allowed)
        assert "access-control-allow-origin" not in response.headers
