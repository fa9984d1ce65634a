"""What a page of another site can make a browser send does nothing, even with a valid token."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.figures import Figure
from tests.served import Served, served

QUERY = 'mutation { clientCreate(input: {number: "EVIL", kind: PERSON, profile: {name: "x"}}) { client { id } } }'
BODY = json.dumps({"query": QUERY}).encode()
CONTENT_TYPES = (
    *("text/plain", "text/plain;charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
    *("application/graphql", "application/xml", "application/octet-stream", "text/json", "application/jsonp", ""),
    *("application/json;charset=utf-16", "application/json"),
)
METHODS = ("POST", "GET", "PUT")
FOREIGN = "https://evil.example"


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, clients=1) as running:
        yield running


async def send(book: Served, method: str, content_type: str) -> httpx2.Response:
    """As a form or a script of a foreign page would; JSON as such only with its Origin, which a browser adds."""
    headers = {"content-type": content_type} if content_type else {}
    if content_type == "application/json":
        headers["origin"] = FOREIGN
    if method == "GET":
        return await book.client.request(method, "/graphql", headers=headers, params={"query": QUERY})
    return await book.client.request(method, "/graphql", headers=headers, content=BODY)


class TestCrossSite:
    async def test_nothing_is_written(self, book: Served, figure: Figure) -> None:
        answers = {(each, method): await send(book, method, each) for each in CONTENT_TYPES for method in METHODS}
        refused = [key for key, answer in answers.items() if answer.status_code in (403, 405, 415)]
        found = await book.ask('{ client(number: "EVIL") { id } clients(first: 5) { totalCount } }')
        figure(
            f"cross-site: {len(refused)} of {len(answers)} refused,"
            f" {found['data']['clients']['totalCount'] - 1} written"
        )
        assert len(answers) == 36
        assert [key for key in answers if key not in refused] == []
        assert found["data"] == {"client": None, "clients": {"totalCount": 1}}

    async def test_the_same_request_of_a_program_is_carried_out(self, book: Served) -> None:
        """So what was refused above was refused for where it came from."""
        answer = await book.client.post("/graphql", content=BODY, headers={"content-type": "application/json"})
        assert answer.json()["data"]["clientCreate"]["client"]

    @pytest.mark.parametrize("method", ["OPTIONS", "POST"])
    async def test_no_page_of_another_site_may_read(self, book: Served, method: str) -> None:
        headers = {"origin": FOREIGN, "access-control-request-method": "POST", "content-type": "application/json"}
        answer = await book.client.request(method, "/graphql", headers=headers, content=BODY)
        assert answer.status_code in (403, 405)
        assert [name for name in answer.headers if name.startswith("access-control-")] == []
