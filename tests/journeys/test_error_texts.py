"""What errors say, whatever is sent and whatever breaks: nothing of the server, its database or its schema."""

import json
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
    WriteError,
)

from api.app import build_app
from api.settings import Settings
from api.tokens import LocalIssuer
from tests.figures import Figure
from tests.test_docs import blocks, pages

RESPONSES = 5_000 if os.environ.get("KEHU_TEST_LONG") else 600
LEAKS = [
    re.compile(each, re.IGNORECASE)
    for each in (
        r"pymongo|\bmotor\b|mongomock",
        r"mongodb(\+srv)?://",
        r"\bmongod\b|mongos\b",
        r"\b\d{1,3}(\.\d{1,3}){3}\b",
        r"\b[\w.-]+:\d{4,5}\b",
        r"clusterTime|operationTime",
        r"\$(where|ne|gt|gte|lt|in|match|expr|set|function|literal|and|or|regex|project|lookup|elemMatch)\b",
        r"Traceback|most recent call",
        r"\bFile \"",
        r"site-packages|\.venv",
        r"\w\.py\b",
        r"(^|[\s\"'(])/(work|tmp|home|usr|root|etc|var|opt)/",
        r"errmsg|codeName|errorLabels",
        r"E11000|dup key",
        r"WriteError|BulkWrite|OperationFailure|AutoReconnect|NetworkTimeout|DuplicateKey",
        r"ServerSelection|Topology|replica ?set",
        r"maxTimeMS|timeoutMS|socketTimeout|connectTimeout",
        r"readConcern|writeConcern|lsid|txnNumber",
        r"\bbson\b|ObjectId\(|Decimal128",
        r"object at 0x|<class|<function|<coroutine",
        r"NoneType|dict_keys",
        r"(Key|Type|Value|Attribute|Index|Recursion|Assertion|Runtime|Name|OS|Unicode\w+)Error\b",
        r"graphql-core|graphql\.|strawberry",
        r"starlette|uvicorn|httptools",
        r"asyncio|coroutine|event loop",
        r"orjson|pydantic|joserfc",
        r"__\w+__(?<!__typename)(?<!__schema)(?<!__type)",
        r"did you mean (?!to use a double quote)|suggest",
        r"collection \w+|namespace|_id_\b",
        r"CANARY",
    )
]
WORDS = (
    *"null true -1 0x10 1e400 9223372036854775808 ORGANISATION nothing mutation subscription".split(),
    *"[] {} $x ...F ( } : !".split(),
    *('"CANARY"', '"$where"', '"\\u0000"', '"cl_0000000000000000000000ff"', '"2026-13-45"', '"../../etc"', "'", "\\"),
    *("{ eq: null }", "@skip(if: 1)", "fragment F on Client { number }", "__schema { types { name } }"),
    *("first: 100000", "first: 0", 'after: "v1"', 'after: "Zm9v"', "last: 3", "客户", "\u202e", f'"{"x" * 300}"'),
)
VALUES: tuple[object, ...] = (
    *(None, True, -1, 0.1, 1e308, 2**63, "", "CANARY", "$where", "\u0000", "cl_0", "x" * 5_000),
    *({"$ne": None}, [[]], [None], {"eq": {"eq": 1}}),
)
DRIVER_TEXT = (
    "db-1.internal:27017: [Errno 111] connection refused, clusterTime 7, CANARY, Topology Description: <id: 5>"
)


def leaks(sent: bytes, received: str) -> list[str]:
    """What an answer says that the request did not."""
    found = [match.group() for each in LEAKS for match in each.finditer(received)]
    echo = sent.decode("utf-8", "replace").lower() + json.dumps(sent.decode("utf-8", "replace"))
    return [each for each in found if each.strip(" \"'(").lower() not in echo.lower()]


def errors_of(received: str) -> list[dict[str, Any]]:
    """The errors of an answer, the user's own in payloads not counted."""
    found: list[dict[str, Any]] = json.loads(received).get("errors", [])
    return found


def bases() -> list[str]:
    return sorted({each for text in pages().values() for each in blocks(text, "graphql")})


def requests(random: Random, count: int) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Bodies and headers, most of them not quite right."""
    documents = bases()
    for _ in range(count):
        tokens = re.findall(r'"[^"]*"|\w+|\S', random.choice(documents))
        for _ in range(random.choice((0, 1, 1, 2, 3, 8))):
            at = random.randrange(len(tokens))
            random.choice((tokens.insert, tokens.__setitem__))(at, random.choice(WORDS))
            if random.random() < 0.2:
                del tokens[random.randrange(len(tokens))]
        names = ("id", "input", "after", "ids", "number", "clients", "n", "x")
        given = {name: random.choice(VALUES) for name in names if random.random() < 0.5}
        body: Any = {"query": " ".join(tokens), "variables": random.choice((given, given, None, [], "x"))}
        if random.random() < 0.1:
            body = random.choice(
                ([body], {"query": 1}, {"documentId": "sha256:0"}, {}, "x", body | {"operationName": "N"})
            )
        raw = json.dumps(body).encode()
        if random.random() < 0.05:
            raw = raw[: random.randrange(len(raw))] + random.choice((b"", b"\xff", b"]", b"}"))
        accept = random.choice(
            ("application/json", "application/graphql-response+json", "text/event-stream", "image/png")
        )
        yield raw, {"accept": accept, "content-type": random.choice(("application/json",) * 9 + ("text/plain",))}


Server = tuple[httpx2.AsyncClient, Any]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """The whole of Kehu, and its repositories to break."""
    more: dict[str, Any] = {"missed_lookups_per_minute": 0, "cost_per_minute": 0}
    settings = Settings(mongodb_driver="memory", mongodb_uri="", demo=30, data_dir=tmp_path, **more)
    app = build_app(settings)
    token = LocalIssuer(settings).issue("fuzz", "administrator", None, 60)
    transport = httpx2.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {token}"}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://kehu.test", headers=headers) as client,
    ):
        yield client, app


def check(body: bytes, answer: httpx2.Response, found: list[str]) -> int:
    """How many errors an answer has; what it should not say is added to what was found."""
    found += [f"{each!r} in {answer.text[:300]!r}" for each in leaks(body, answer.text)]
    if answer.headers["content-type"].startswith("text/event-stream"):
        texts = [each[6:] for each in answer.text.splitlines() if each.startswith("data: ")]
    else:
        texts = [answer.text]
    errors = [error for text in texts for error in errors_of(text)]
    found += [f"no code: {each}" for each in errors if not each.get("extensions", {}).get("code")]
    return len(errors)


class Broken:
    """A collection of a driver whose every call fails."""

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def call(*_: object, **__: object) -> Any:
            raise self._error()

        return call


DETAILS = {
    "errmsg": DRIVER_TEXT,
    "codeName": "CANARY",
    "code": 2,
    "keyValue": {"number": "x"},
    "keyPattern": {"number": 1},
}
FAULTS: tuple[Callable[[], Exception], ...] = (
    lambda: AutoReconnect(DRIVER_TEXT),
    lambda: NetworkTimeout(DRIVER_TEXT),
    lambda: ServerSelectionTimeoutError(DRIVER_TEXT),
    lambda: OperationFailure(DRIVER_TEXT, 2, DETAILS),
    lambda: OperationFailure(DRIVER_TEXT, 50, DETAILS),
    lambda: OperationFailure(DRIVER_TEXT, 13, DETAILS),
    lambda: WriteError(DRIVER_TEXT, 121, DETAILS),
    lambda: DuplicateKeyError(DRIVER_TEXT, 11000, DETAILS),
    lambda: ConfigurationError(DRIVER_TEXT),
    lambda: RuntimeError(DRIVER_TEXT),
    lambda: KeyError(DRIVER_TEXT),
)
PROBLEMS = "errors { code message path given expected }"
ASKED = (
    "{ clients(first: 2) { totalCount nodes { number manager { name } interactions(first: 1) { nodes { at } } } } }",
    '{ client(number: "K000001") { number history(first: 3) { nodes { by } } } }',
    '{ client(id: "cl_1") { number } node(id: "mg_1") { id } }',
    "{ clientGroups(by: [{field: STAGE}], first: 3) { nodes { count } } }",
    "{ managers(first: 2) { nodes { name } } }",
    f'mutation {{ clientCreate(input: {{number: "x", kind: PERSON, profile: {{name: "x"}}}}) {{ {PROBLEMS} }} }}',
    f'mutation {{ clientChange(input: {{id: "cl_1", changes: {{stage: LOST}}}}) {{ {PROBLEMS} }} }}',
    f'mutation {{ clientsUpsert(input: {{clients: [{{number: "x", kind: PERSON}}]}}) {{ {PROBLEMS} }} }}',
)


class TestErrorTexts:
    async def test_of_whatever_is_sent(self, server: Server, figure: Figure) -> None:
        client, _ = server
        found: list[str] = []
        errors = responses = 0
        for body, headers in requests(Random(20261126), RESPONSES):
            answer = await client.post("/graphql", content=body, headers=headers)
            errors += check(body, answer, found)
            responses += 1
        figure(f"error texts: {responses} responses, {errors} errors, {len(LEAKS)} patterns, {len(found)} matches")
        assert found == []
        assert errors > responses / 4
        assert len(LEAKS) == 30

    async def test_of_whatever_breaks(self, server: Server, figure: Figure) -> None:
        client, app = server
        found: list[str] = []
        errors = 0
        repositories = app.server.current.repositories
        records = (repositories.clients, repositories.managers, repositories.interactions)
        collections = [each.collection for each in records] + [each.history._records for each in records]
        for fault in FAULTS:
            for each in collections:
                each._raw = Broken(fault)
            for query in ASKED:
                body = json.dumps({"query": query}).encode()
                answer = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
                errors += check(body, answer, found)
        figure(f"error texts: {len(FAULTS)} faults x {len(ASKED)} operations, {errors} errors, {len(found)} matches")
        assert found == []
        assert errors >= len(FAULTS) * 4

    async def test_of_a_path_nobody_serves(self, server: Server) -> None:
        client, _ = server
        found: list[str] = []
        for path in (
            "/",
            "/graphql/",
            "/graphql/console/../../api/app.py",
            "/metrics",
            "/readyz",
            "/healthz?x=1",
            "/schema.graphql",
        ):
            answer = await client.get(path, headers={"authorization": "Bearer x.y.z"})
            found += leaks(path.encode(), answer.text)
        assert found == []

    def test_the_patterns_find_what_they_are_for(self) -> None:
        said = f'{DRIVER_TEXT} File "/usr/lib/python3/site-packages/x.py" $match maxTimeMS KeyError'
        assert len(leaks(b"{}", said)) >= 9
        assert leaks(b'{"query": "$where"}', 'got the text "$where"') == []
