"""Web origins."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from api.middleware import Origins, cors_middleware
from api.settings import Settings

LOCAL = [
    "http://localhost:3000",
    "https://localhost",
    "http://127.0.0.1:5173",
    "http://[::1]:8080",
    "http://app.localhost:1",
]


def origins(tmp_path: Path, **more: Any) -> Origins:
    return Origins(Settings(data_dir=tmp_path, allowed_origins=("https://crm.example",), **more))


class TestOrigins:
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
            ("http://localhost.evil.example", False),
            ("http://localhost:3000.evil.example", False),
            ("http://evil.example#http://localhost", False),
            ("http://127.0.0.1.evil.example:80", False),
            ("file://localhost", False),
        ],
    )
    def test_origin(self, tmp_path: Path, origin: str | None, expected: bool) -> None:
        assert origins(tmp_path).allows(origin, "kehu.example:8000") is expected

    @pytest.mark.parametrize("origin", LOCAL)
    def test_pages_of_this_machine_call_in_development_alone(self, tmp_path: Path, origin: str) -> None:
        assert origins(tmp_path).allows(origin, "kehu.example")
        assert not origins(tmp_path, environment="production").allows(origin, "kehu.example")

    def test_no_host(self, tmp_path: Path) -> None:
        assert not origins(tmp_path).allows("", None)

    def test_a_refused_one_is_one_line_that_names_the_setting(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        some = origins(tmp_path)
        for _ in range(3):
            assert not some.allows("https://screens.example", "kehu.example")
        (line,) = [record.getMessage() for record in caplog.records]
        assert line == (
            "a page of 'https://screens.example' was refused; KEHU_ALLOWED_ORIGINS=https://screens.example lets its"
            " pages call"
        )

    def test_nobody_fills_the_log(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        some = origins(tmp_path)
        for number in range(300):
            some.allows(f"https://{number}.example{'x' * 10_000}", "kehu.example")
        assert len(caplog.records) == 100
        assert max(len(record.getMessage()) for record in caplog.records) < 600


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

    @pytest.mark.parametrize("origin", LOCAL)
    async def test_pages_of_this_machine(self, tmp_path: Path, origin: str) -> None:
        assert (await self.preflight(tmp_path, origin, ())).headers["access-control-allow-origin"] == origin

    @pytest.mark.parametrize("allowed", [(), ("https://crm.example",)])
    async def test_others(self, tmp_path: Path, allowed: tuple[str, ...]) -> None:
        response = await self.preflight(tmp_path, "https://evil.example", allowed)
        assert "access-control-allow-origin" not in response.headers
