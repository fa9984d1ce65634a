"""The pages of the codes over HTTP: at the address that the errors bear, and nothing else of the disk."""

from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from api.error_pages import error_page_route
from catalogue.errors import ErrorCode, page_of


async def get(path: str, folder: Path | None = None) -> tuple[int, str]:
    app = Starlette(routes=[error_page_route(folder)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://kehu.test") as client:
        response = await client.get(path)
    return response.status_code, response.text


class TestErrorPages:
    @pytest.mark.parametrize("code", [*ErrorCode, "GRAPHQL_VALIDATION_FAILED", "UNAUTHENTICATED", "README"])
    async def test_every_code_is_served(self, code: str) -> None:
        status, text = await get(page_of(code))
        assert (status, text.splitlines()[0]) == (200, "# Errors" if code == "README" else f"# {code}")

    @pytest.mark.parametrize("name", ["NOPE", "not_found", "..%2fpolicy", "%2e%2e", "NOT_FOUND.md", "A" * 200])
    async def test_nothing_else(self, name: str) -> None:
        assert (await get(f"/docs/errors/{name}"))[0] == 404

    async def test_a_page_of_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "ODD.md").write_text("# ODD\n")
        assert await get("/docs/errors/ODD", tmp_path) == (200, "# ODD\n")
