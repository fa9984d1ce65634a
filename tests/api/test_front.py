"""The front page."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from api.app import build_app
from api.front import ADDRESSES, front_route
from api.settings import Settings


async def get(accept: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=Starlette(routes=[front_route()]))
    async with httpx2.AsyncClient(transport=transport, base_url="http://kehu.test") as client:
        return await client.get("/", headers={"accept": accept})


class TestFrontRoute:
    async def test_programs_get_json(self) -> None:
        answer = await get("*/*")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == {"service": "kehu", "addresses": dict(ADDRESSES)}

    async def test_browsers_get_a_page_with_links(self) -> None:
        answer = await get("text/html,application/xhtml+xml,*/*;q=0.8")
        assert answer.headers["content-type"].startswith("text/html")
        assert [path for path, _ in ADDRESSES if f'href="{path}"' not in answer.text] == []

    @pytest.mark.parametrize("path", [path for path, _ in ADDRESSES])
    def test_what_it_names_is_served(self, path: str) -> None:
        routes: list[BaseRoute] = build_app(Settings(mongodb_driver="memory")).routes
        assert path in [each.path for each in routes if isinstance(each, Route)]
