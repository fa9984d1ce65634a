"""Snapshot trios: a question, the exact commands it sends to MongoDB, and its answer, over the whole path.

A trio is tests/snapshots/<area>/<case>.graphql, .mongo.json and .result.json; the last two are renewed by
`KEHU_SNAPSHOTS=write scripts/test tests/test_snapshots.py`. A line `# variables: {...}` in a question gives its
variables; in them `{cl:K000001}` is the id of a client, `{mg:M001}` of a manager, `{at:now}` the present moment, and
`{area/case:clients.pageInfo.endCursor}` what another question answers there.

Every query that the documentation shows is a question too: tests/snapshots/documented/<Operation>.
"""

import json
import os
import re
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from bson.json_util import RELAXED_JSON_OPTIONS, dumps

from api.app import build_app
from api.database import mongo_settings
from api.examples import EXAMPLES
from api.settings import Settings
from api.tokens import LocalIssuer
from repositories.mongo import connect
from tests.conftest import CommandLog

SNAPSHOTS = Path(__file__).parent / "snapshots"
DOCUMENTED = SNAPSHOTS / "documented"
GIVEN = {
    "AsOf": '{"at": "{at:now}"}',
    "BookAsOf": '{"at": "{at:now}"}',
    "LeavingThen": '{"at": "{at:now}"}',
    "Between": '{"from": "2026-01-01T00:00:00Z", "to": "{at:now}"}',
    "ByGlobalId": '{"ids": ["{cl:K000001}", "{mg:M001}", "at_profile.name", "cl_nobody"]}',
    "FourFacets": '{"number": "K000003"}',
    "WhyThisDebtRatio": '{"number": "K000003"}',
    "Merged": '{"number": "K000003"}',
    "History": '{"number": "K000003"}',
    "FilesOfJob": '{"id": "jb_nobody"}',
    "RefusedRows": '{"id": "jb_nobody"}',
    # Nothing has been read yet by then, whatever else is asked before.
    "WhoReadWhoChanged": '{"since": "2999-01-01T00:00:00Z"}',
}
"""The variables of documented queries that need some."""
ASKED_BY_AUDITORS = "query WhoReadWhoChanged"
"""What others may not ask."""
DEFINED_ON_THE_WAY = frozenset({"BestScores", "WhyThisMultiple", "WhyThisManyVisits"})
"""Of an attribute that the page defines first."""


def documented() -> dict[Path, str]:
    """The queries of the pages, but for those of the error pages, and of GraphiQL's tabs."""
    root = Path(__file__).parents[1]
    # What the walk asks is answered in tests/journeys/test_walk.py.
    pages = [root / "README.md", *sorted(set((root / "docs").glob("*.md")) - {root / "docs" / "walk.md"})]
    fence = re.compile(r"^```graphql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    texts = [each for page in pages for each in fence.findall(page.read_text("utf-8"))]
    found: dict[Path, str] = {}
    for text in (*texts, *(each.query for each in EXAMPLES)):
        named = re.search(r"^query (\w+)", text, re.MULTILINE)
        if named is not None and named[1] not in DEFINED_ON_THE_WAY:
            given = f"# variables: {GIVEN[named[1]]}\n" if named[1] in GIVEN else ""
            found[DOCUMENTED / f"{named[1]}.graphql"] = given + text
    return found


QUESTIONS = {path: path.read_text("utf-8") for path in sorted(SNAPSHOTS.rglob("*.graphql"))} | documented()
ASKED = [
    *(each for each in QUESTIONS.values() if not re.search("^mutation", each, re.MULTILINE)),
    '{ clients(first: 9) { nodes { attributes(paths: ["profile.name", "attitude.satisfaction"]) { source } } } }',
    "{ clients(first: 9) { nodes { history(first: 2) { nodes { by } } } } }",
]
"""The queries among the questions, and pages that read more than the clients for each client."""
IS_WRITING = os.environ.get("KEHU_SNAPSHOTS") == "write"
FOLLOWED = ("attributes", "policies")
BOOK_CLIENTS = 60
EXPIRES_AFTER = timedelta(days=14)
CHANGING = dict.fromkeys(("cursor", "startCursor", "endCursor"), "<cursor>") | {"isStale": "<by the clock>"}
"""What stands for values that are others every time."""
COUNTED = {f"behaviour.{each}" for each in ("contactCount90d", "visitCount365d", "complaintCount365d")}
PLACEHOLDER = re.compile(r"\{([\w/]+):([\w.]+)\}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass
class Server:
    """The demonstration book behind HTTP, with the log of the commands that went out."""

    http: httpx2.AsyncClient
    log: CommandLog
    started: datetime
    auditor: str
    """The token of one."""
    names: dict[str, str] = field(default_factory=dict)
    """Ids that differ from run to run, and what stands for them."""

    async def ask(self, query: str, variables: dict[str, Any] | None = None, **more: Any) -> Any:
        """The answer, as it came."""
        body = {"query": query, "variables": variables or {}, **more}
        headers = {"authorization": f"Bearer {self.auditor}"} if ASKED_BY_AUDITORS in query else None
        answer = await self.http.post("/graphql", json=body, headers=headers)
        return answer.json()

    async def variables_of(self, query: str) -> dict[str, Any]:
        """The variables that a question brings along."""
        found = re.search(r"^# variables: (.+)$", query, re.MULTILINE)
        text = found.group(1) if found else "{}"
        for placeholder in PLACEHOLDER.finditer(text):
            text = text.replace(placeholder.group(), await self._value_of(*placeholder.groups()))
        given: dict[str, Any] = json.loads(text)
        return given

    async def _value_of(self, source: str, name: str) -> str:
        if source == "at":
            return datetime.now(UTC).isoformat()
        if source in ("cl", "mg"):
            return next(own for own, shown in self.names.items() if shown == f"{source}_<{name}>")
        query = QUESTIONS[SNAPSHOTS / f"{source}.graphql"]
        value = (await self.ask(query, await self.variables_of(query)))["data"]
        for key in name.split("."):
            value = value[key]
        return str(value)

    def commands(self) -> list[Any]:
        """The commands of the log as they are shown, without those beside the question."""
        sent = [command for command in self.log.commands if not _is_besides(command)]
        return [self.shown(json.loads(dumps(command, json_options=RELAXED_JSON_OPTIONS))) for command in sent]

    def shown(self, value: Any) -> Any:
        """A JSON value with stable words instead of ids, cursors and moments of this very run."""
        if isinstance(value, dict):
            return {
                key: CHANGING[key] if key in CHANGING and isinstance(each, str | bool) else self.shown(each)
                for key, each in value.items()
            }
        if isinstance(value, list):
            return [self.shown(each) for each in value if not _is_by_the_clock(each)]
        if not isinstance(value, str):
            return value
        if MOMENT.fullmatch(value):
            at, now = datetime.fromisoformat(value), datetime.now(UTC)
            for away, words in ((timedelta(), "<now>"), (EXPIRES_AFTER, "<when it expires>")):
                if self.started + away <= at <= now + away:
                    return words
        if re.fullmatch("[0-9a-f]{64}", value):
            return "<hash>"
        # the id of a moved change is that of its record, and the version
        record, colon, version = value.partition(":")
        return f"{self.names[record]}{colon}{version}" if record in self.names else value


def _is_by_the_clock(row: object) -> bool:
    """Whether a row of a change is of a count in a window, which the book of another day has not."""
    return isinstance(row, dict) and "new" in row and str(row.get("path")) in COUNTED


def _is_besides(command: dict[str, Any]) -> bool:
    """Whether the server sends a command beside the question: to follow catalogue and policy, or to note who asked."""
    name, collection = next(iter(command.items()))
    return name == "getMore" or collection in FOLLOWED or (name, collection) == ("insert", "audit")


@pytest.fixture(scope="module")
async def server(mongod_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    log = CommandLog()
    started = datetime.now(UTC) - timedelta(seconds=1)
    chosen = Settings(
        mongodb_uri=mongod_uri,
        mongodb_driver="pymongo",
        database=f"snapshots_{uuid.uuid4().hex[:12]}",
        demo=BOOK_CLIENTS,
        data_dir=tmp_path_factory.mktemp("snapshots"),
        mongo_timeout_seconds=30,
    )
    token = LocalIssuer(chosen).issue("snapshots", "administrator", None, 60)
    auditor = LocalIssuer(chosen).issue("snapshots-auditor", "auditor", None, 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.app.connect", partial(connect, listeners=[log]))
        # One look into the directory, before the first question: later ones would stand between the commands.
        patch.setattr("api.directory.AGE_SECONDS", 3_600.0)
        app = build_app(chosen)
        transport = httpx2.ASGITransport(app=app)
        headers = {"authorization": f"Bearer {token}"}
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://kehu.test", headers=headers) as http,
        ):
            made = Server(http, log, started, auditor)
            made.names = await names_of(made)
            await made.ask(f"{ASKED_BY_AUDITORS} {{ viewer: __typename }}")
            yield made
            await drop(chosen)


async def drop(chosen: Settings) -> None:
    """Clear the database away."""
    store = connect(mongo_settings(chosen, chosen.mongodb_uri))
    await store.drop_database()
    await store.close()


async def names_of(server: Server) -> dict[str, str]:
    """What stands for the ids of this run: cl_<K000001>, mg_<M001>."""
    query = "{ clients(first: 200) { nodes { id number } } managers(first: 200) { nodes { id person } } }"
    answer = await server.ask(query)
    clients = {each["id"]: f"cl_<{each['number']}>" for each in answer["data"]["clients"]["nodes"]}
    return clients | {each["id"]: f"mg_<{each['person']}>" for each in answer["data"]["managers"]["nodes"]}


def answered(value: Any, path: str) -> int:
    """How many records stand in an answer at the path of a plan."""
    if isinstance(value, list):
        return sum(answered(each, path) for each in value)
    if path and isinstance(value, dict):
        key, _, rest = path.partition(".")
        return answered(value.get(key), rest)
    if isinstance(value, dict) and {"nodes", "edges"} & value.keys():
        return len(value["nodes"] if "nodes" in value else value["edges"])
    return int(isinstance(value, dict))


def check(path: Path, value: Any) -> None:
    """Compare with what is kept, or keep it."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if IS_WRITING:
        path.write_text(text, "utf-8")
    assert path.exists(), f"{path.name} is not there yet; run with KEHU_SNAPSHOTS=write and read what it says"
    assert text == path.read_text("utf-8"), f"{path.name} has changed; if that is meant, run with KEHU_SNAPSHOTS=write"


class TestSnapshots:
    @pytest.mark.parametrize("case", QUESTIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
    async def test_question_commands_and_answer(self, server: Server, case: Path) -> None:
        query = QUESTIONS[case]
        variables = await server.variables_of(query)
        server.log.clear()
        answer = await server.ask(query, variables)
        commands = server.commands()
        assert "errors" not in answer, answer["errors"]
        check(case.with_suffix(".mongo.json"), commands)
        check(case.with_suffix(".result.json"), server.shown(answer))

    @pytest.mark.parametrize("query", ASKED)
    async def test_costs_no_more_than_was_said(self, server: Server, query: str) -> None:
        """Commands and documents stay within what was worked out before; the page's look-ahead is no document of it."""
        variables = await server.variables_of(query)
        server.log.clear()
        answer = await server.ask(query, variables, extensions={"cost": True})
        cost = answer["extensions"]["cost"]
        assert len(server.commands()) <= cost["commands"]
        said = Counter[str]()
        for row in cost["plan"]:
            said[row["field"]] += row["documents"]
        assert sum(said.values()) >= cost["documents"]
        assert [field for field in said if answered(answer["data"], field) > said[field]] == []

    def test_every_snapshot_has_its_question(self) -> None:
        kept = {path.with_name(path.name.split(".")[0]) for path in SNAPSHOTS.rglob("*.json")}
        assert kept == {path.with_suffix("") for path in QUESTIONS}
