"""What becomes an entry, and that no data leaves without one: over HTTP, event stream and websocket."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import strawberry

from api.app import Application
from api.auditing import is_noted
from api.execution import Documents, events
from api.graphql_request import GraphQLRequest
from api.settings import Settings
from repositories.access import AuthorisedPlan, Touched
from repositories.audit import AuditRepository
from repositories.base import RecordRepository
from repositories.changes import ChangeHistory
from repositories.compile.audit import Deed, Document
from repositories.errors import RepositoryFault, Unavailable
from schema.context import Context
from tests.api import toys
from tests.audited import Running, running
from tests.books import VIEWER
from tests.figures import Figure

PAGE = "query Page { clients(first: 3) { nodes { id number profile { name } } } }"
CHANGE = (
    "mutation Change($id: ID!, $key: String) {"
    " clientChange(input: {id: $id, changes: {stage: LOST}, idempotencyKey: $key}) { client { version } } }"
)
RENAME = (
    "mutation Rename($id: ID!, $name: String) {"
    " clientChange(input: {id: $id, changes: {profile: {name: $name}}}) { client { version } } }"
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as found:
        yield found


class TestAnEntry:
    async def test_of_a_page(self, server: Running) -> None:
        found = await server.ask(PAGE)
        [entry] = await server.entries()
        ids = sorted(each["id"] for each in found["clients"]["nodes"])
        assert {name: entry.get(name) for name in ("person", "roles", "kind", "operation", "clients", "outcome")} == {
            "person": "the-administrator",
            "roles": ["administrator"],
            "kind": "query",
            "operation": "Page",
            "clients": ids,
            "outcome": "ok",
        }
        assert entry["attributes"] == ["number", "profile.name"]
        assert entry["document"] == sha256(PAGE.encode()).hexdigest()
        assert len(entry["edition"]) == 12
        assert abs((datetime.now(UTC) - entry["at"]).total_seconds()) < 30

    async def test_two_hundred_clients_are_one(self, tmp_path: Path) -> None:
        async with running(tmp_path, clients=200) as server:
            await server.ask("{ clients(first: 200) { nodes { number } } }")
            [entry] = await server.entries()
            assert len(entry["clients"]) == 200

    async def test_of_what_is_filtered_and_sorted_by(self, server: Running) -> None:
        await server.ask(
            "{ clients(first: 1, where: {profile: {employees: {gt: 1}}}, orderBy: [{field: ATTITUDE_SATISFACTION}])"
            " { nodes { number } } }"
        )
        await server.ask("{ clientGroups(by: [{field: DERIVED_CREDIT_RATING}], first: 3) { nodes { count } } }")
        page, groups = await server.entries()
        assert page["attributes"] == ["attitude.satisfaction", "number", "profile.employees"]
        assert (groups["attributes"], "clients" in groups) == (["derived.creditRating"], False)

    async def test_of_a_change(self, server: Running) -> None:
        one = (await server.ask(PAGE))["clients"]["nodes"][0]["id"]
        await server.ask(CHANGE, id=one)
        entry = (await server.entries())[-1]
        assert (entry["kind"], entry["changes"], entry["changed"], entry["written"]) == (
            "mutation",
            [f"{one}:{entry['changes'][0].rpartition(':')[2]}"],
            [one],
            ["stage"],
        )

    async def test_of_a_change_that_was_refused_though_nobody_asked_for_the_errors(self, server: Running) -> None:
        one = (await server.ask(PAGE))["clients"]["nodes"][0]["id"]
        await server.ask(CHANGE, "auditor", id=one)
        entry = (await server.entries())[-1]
        assert (entry["outcome"], entry["errors"]) == ("refused NOT_ALLOWED", ["NOT_ALLOWED"])
        assert "changes" not in entry

    async def test_of_attributes_that_were_not_shown(self, server: Running) -> None:
        await server.ask("{ clients(first: 1) { nodes { attitude { satisfaction } } } }", "data_steward")
        entry = (await server.entries())[-1]
        assert entry["hidden"] == ["attitude.satisfaction"]
        assert "attitude.satisfaction" not in entry.get("attributes", ())

    async def test_of_a_document_that_is_refused(self, server: Running) -> None:
        await server.post("{ nonsense }")
        await asyncio.sleep(0.05)
        [entry] = await server.entries()
        assert (entry["kind"], entry["outcome"]) == ("request", "refused GRAPHQL_VALIDATION_FAILED")
        assert entry["document"] == sha256(b"{ nonsense }").hexdigest()

    async def test_none_of_the_schema_the_directory_and_the_definitions(self, server: Running) -> None:
        await server.ask("{ __schema { queryType { name } } }")
        await server.ask("{ managers(first: 5) { nodes { name } } }")
        await server.ask("{ attributes(first: 5) { nodes { path } } }")
        await server.ask("{ entryWindows(first: 5) { nodes { code } } }")
        assert await server.entries() == []

    async def test_of_figures_of_clients(self, server: Running) -> None:
        await server.ask("query Stale { staleValueCounts(by: MANAGER, first: 5) { nodes { values } } }")
        [entry] = await server.entries()
        assert (entry["operation"], "attitude.satisfaction" in entry["attributes"]) == ("Stale", True)

    async def test_of_each_field_that_meets_another_client(self, server: Running) -> None:
        found = await server.ask("{ clients(first: 20) { nodes { id interactions(first: 1) { nodes { id } } } } }")
        contact = next(c for each in found["clients"]["nodes"] for c in each["interactions"]["nodes"])["id"]
        await server.ask("query N($id: ID!) { node(id: $id) { ... on Interaction { at } } }", id=contact)
        entry = (await server.entries())[-1]
        owner = next(
            each["id"] for each in found["clients"]["nodes"] if {"id": contact} in each["interactions"]["nodes"]
        )
        assert (entry["clients"], entry["records"]) == ([owner], {"interactions": [contact]})

    @pytest.mark.parametrize("transport", ["http", "stream", "socket"])
    async def test_whatever_the_transport(self, tmp_path: Path, transport: str) -> None:
        async with running(tmp_path) as server:
            assert "K000001" in await over(server, transport, PAGE)
            [entry] = await server.entries()
            assert (entry["operation"], len(entry["clients"])) == ("Page", 3)

    async def test_sign_ins_that_were_refused_are_counted(self, tmp_path: Path) -> None:
        async with running(tmp_path) as server:
            for _ in range(7):
                answer = await server.http.post("/graphql", json={"query": PAGE})
                assert answer.status_code == 401
            audit, opened = server.audit, server.app.server.audit  # type: ignore[attr-defined]
            await opened.end()
            found = [each async for each in audit.entries()]
        assert [(each["kind"], each.get("count"), each.get("outcome")) for each in found] == [
            ("opened", None, None),
            ("signIn", 7, "refused"),
            ("closed", None, None),
        ]


class TestIsNoted:
    @pytest.mark.parametrize(
        ("kind", "touched", "codes", "noted"),
        [
            ("query", Touched(), (), False),
            ("query", Touched(paths={"managers": {"name"}}, records={"managers": {"mg_1"}}), (), False),
            ("query", Touched(paths={"clients": set()}), (), True),
            ("query", Touched(records={"interactions": {"in_1"}}), (), True),
            ("query", Touched(hidden={"profile.taxId"}), (), True),
            ("query", Touched(), ("NOT_ALLOWED",), True),
            ("mutation", Touched(), (), True),
        ],
    )
    def test_by_what_was_met(self, kind: str, touched: Touched, codes: Sequence[str], noted: bool) -> None:
        assert is_noted(Deed(kind), touched, codes) is noted


async def over(server: Running, transport: str, query: str, **variables: Any) -> str:
    """Everything that an answer says, by one transport."""
    if transport == "socket":
        return await _over_socket(server, {"query": query, "variables": variables})
    accept = "text/event-stream" if transport == "stream" else "application/json"
    answer = await server.post(query, accept=accept, **variables)
    return f"{answer.status_code} {answer.text}"


async def _over_socket(server: Running, payload: dict[str, Any]) -> str:
    """All that is sent over a socket until the operation is over."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: list[str] = []

    async def send(message: Any) -> None:
        text = message.get("text", "")
        heard.append(text)
        if '"connection_ack"' in text:
            said.put_nowait(_spoken({"id": "1", "type": "subscribe", "payload": payload}))
        elif '"complete"' in text or '"error"' in text:
            said.put_nowait({"type": "websocket.disconnect", "code": 1000})

    token = server.headers()["authorization"]
    said.put_nowait({"type": "websocket.connect"})
    said.put_nowait(_spoken({"type": "connection_init", "payload": {"authorization": token}}))
    scope = {"type": "websocket", "path": "/graphql", "headers": [], "query_string": b"", "root_path": ""}
    async with asyncio.timeout(10):
        await server.app(scope | {"subprotocols": ["graphql-transport-ws"]}, said.get, send)
    return "\n".join(heard)


def _spoken(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": json.dumps(message)}


class TestRefusingStore:
    """The audit cannot be written: no data leaves, by whatever way, and what was done is done once."""

    @pytest.fixture(params=[Unavailable(), RepositoryFault()], ids=["away", "forbidden"])
    def refusing(self, request: pytest.FixtureRequest, server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        async def refuse(_self: object, _entries: Sequence[Document]) -> None:
            raise request.param

        monkeypatch.setattr(AuditRepository, "append", refuse)

    @pytest.mark.parametrize("transport", ["http", "stream", "socket"])
    async def test_no_data_leaves(self, server: Running, refusing: None, transport: str) -> None:
        assert refusing is None
        said = await over(server, transport, PAGE)
        assert '"UNAVAILABLE"' in said
        assert "the audit could not be written" in said
        assert not [word for word in ("K00000", '"data"', "cl_", "profile") if word in said]
        if transport == "http":
            assert said.startswith("503")

    async def test_a_change_says_to_be_sent_again_and_is_then_made_once(
        self, server: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = (await server.ask(PAGE))["clients"]["nodes"][0]["id"]
        with monkeypatch.context() as patch:

            async def refuse(_self: object, _entries: Sequence[Document]) -> None:
                raise Unavailable

            patch.setattr(AuditRepository, "append", refuse)
            refused = await server.post(CHANGE, id=one, key="once")
        assert refused.status_code == 503
        assert "version" not in refused.text
        assert "same idempotencyKey" in refused.text
        done = await server.ask(CHANGE, id=one, key="once")
        version = done["clientChange"]["client"]["version"]
        entry = next(each for each in await server.entries() if each["kind"] == "mutation")
        assert entry["changes"] == [f"{one}:{version}"]

    async def test_nor_before_the_chain_is_open_or_after_it_is_closed(self, server: Running) -> None:
        assert await server.ask(PAGE)
        await server.app.server.audit.end()  # type: ignore[attr-defined]
        refused = await server.post(PAGE)
        assert (refused.status_code, "K00000" in refused.text) == (503, False)

    async def test_what_needs_no_entry_is_answered(self, server: Running, refusing: None) -> None:
        assert refusing is None
        assert await server.ask("{ managers(first: 1) { nodes { name } } }")


class TestModes:
    async def test_asynchronous_answers_at_once_and_writes_soon(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with running(tmp_path, "asynchronous") as server:
            whole, held = AuditRepository.append, asyncio.Event()

            async def slow(self: AuditRepository, entries: Sequence[Document]) -> None:
                await held.wait()
                await whole(self, entries)

            monkeypatch.setattr(AuditRepository, "append", slow)
            assert await server.ask(PAGE)
            assert await server.entries() == []
            held.set()
            await asyncio.sleep(0.1)
            assert len(await server.entries()) == 1

    async def test_asynchronous_writes_what_waits_when_it_ends(self, tmp_path: Path) -> None:
        async with running(tmp_path, "asynchronous") as server:
            audit, opened = server.audit, server.app.server.audit  # type: ignore[attr-defined]
            for _ in range(5):
                await server.ask(PAGE)
            await opened.end()
            kinds = [each["kind"] async for each in audit.entries()]
        assert kinds == ["opened", *["query"] * 5, "closed"]

    async def test_off_writes_nothing(self, tmp_path: Path) -> None:
        async with running(tmp_path, "off") as server:
            await server.ask(PAGE)
            assert [each async for each in server.audit.entries()] == []
        assert not (tmp_path / "audit-heads.jsonl").exists()

    def test_strict_in_production_alone_unless_said(self) -> None:
        assert Settings(environment="production").audit_mode == "strict"
        assert Settings(environment="development").audit_mode == "asynchronous"
        assert Settings(environment="production", audit="off").audit_mode == "off"


class TestBrokenOff:
    async def test_a_change_whose_caller_has_gone_has_its_entry(
        self, server: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = (await server.ask(PAGE))["clients"]["nodes"][0]["id"]
        changed = asyncio.Event()
        whole = RecordRepository._shown

        async def told(self: RecordRepository, authorised: AuthorisedPlan, documents: Any) -> None:
            await whole(self, authorised, documents)
            changed.set()

        async def hang(*_: object) -> None:
            await asyncio.sleep(3600)

        monkeypatch.setattr(RecordRepository, "_shown", told)
        monkeypatch.setattr(ChangeHistory, "move_when_full", hang)
        body = {"query": CHANGE, "variables": {"id": one}}
        request = asyncio.create_task(server.http.post("/graphql", json=body, headers=server.headers()))
        await asyncio.sleep(0.1)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert not changed.is_set()
        entry = (await server.entries())[-1]
        assert (entry["outcome"], entry["changed"]) == ("broken off", [one])


class TestReconciled:
    async def test_a_thousand_operations_have_a_thousand_entries(self, server: Running, figure: Figure) -> None:
        nodes = (await server.ask("{ clients(first: 20) { nodes { id } } }"))["clients"]["nodes"]
        ids = [each["id"] for each in nodes]

        async def one(place: int) -> str:
            client = ids[place % len(ids)]
            match place % 4:
                case 0:
                    return f"{place} {(await server.post(PAGE.replace('Page', f'Page{place}'))).status_code}"
                case 1:
                    query = f"query One{place}($id: ID!) {{ client(id: $id) {{ number }} }}"
                    return f"{place} {(await server.post(query, id=client)).status_code}"
                case 2:
                    return f"{place} {(await server.post(RENAME, id=client, name=str(place))).status_code}"
                case _:
                    query = (
                        f"query Who{place}($id: ID!) {{ client(id: $id) {{ whoRead(first: 1) {{ nodes {{ at }} }} }} }}"
                    )
                    return f"{place} {(await server.post(query, id=client)).status_code}"

        answers: list[str] = []
        for start in range(0, 1_000, 50):
            answers += await asyncio.gather(*(one(each) for each in range(start, start + 50)))
        entries = (await server.entries())[1:]
        figure(f"audit: {len(answers)} mixed operations, {len(entries)} entries")
        assert (len(answers), len(entries)) == (1_000, 1_000)
        assert all(each.endswith(" 200") for each in answers)
        names = [each["operation"] for each in entries if each["kind"] == "query"]
        assert len(set(names)) == 750
        changes = [change for each in entries for change in each.get("changes", ())]
        assert len(set(changes)) == len(changes) == 250
        refused = [each for each in entries if each["outcome"] == "refused NOT_ALLOWED"]
        assert len(refused) == 250


@strawberry.type(name="Subscription")
class Watching:
    @strawberry.subscription
    async def seen(self, info: strawberry.Info[Any, None]) -> AsyncIterator[int]:
        for number in (1, 2):
            info.context.touched.note("clients", (f"cl_{number}",))
            yield number


class TestSubscription:
    async def test_each_event_is_a_read_of_what_it_shows(self, server: Running) -> None:
        schema = strawberry.Schema(query=toys.Query, subscription=Watching)
        edition = toys.ToyEdition("a" * 64, schema, schema.as_str())
        assert isinstance(server.app, Application)
        context = Context(VIEWER, server.app.server.current.repositories)
        request = GraphQLRequest("subscription Watch { seen }", None, None)
        prepared = Documents(0, 1_000).prepare(edition, request.query)
        heard = 0
        async for result in events(edition, prepared, request, context, audit=server.app.server.audit):
            heard += 1
            assert result.data == {"seen": heard}
            entry = (await server.entries())[-1]
            assert (entry["kind"], entry["operation"], entry["clients"]) == ("subscription", "Watch", [f"cl_{heard}"])
        assert (heard, len(await server.entries())) == (2, 2)
