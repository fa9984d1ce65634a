"""Contacts over the whole path: under one client and under many, compiled and by ordinary execution."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import parse
from strawberry import Schema

from acts.checks import UNGUARDED, Guard
from acts.interactions import NewInteraction, record_interaction
from acts.managers import create_manager
from catalogue.builtin import builtin_catalogue
from policy.rules import BUILT_IN, Policy, Right, RoleRule, RowScope
from policy.viewer import Viewer
from repositories.mongo import Store
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Context
from schema.planning.operation import Incomplete, OperationCompiler
from tests.books import VIEWER, make_client, open_book
from tests.conftest import CommandLog

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CLIENTS = 6
PAGE = """
query Page($first: Int!, $of: Int!, $after: String) { clients(first: $of, orderBy: [{ field: NUMBER }]) { nodes {
  number
  interactions(first: $first, after: $after) {
    totalCount
    edges { cursor node { summary } }
    nodes { at channel attendees { name } client { number } manager { name } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
} } }
"""
RECORD = """
mutation Record($input: InteractionRecordInput!) { interactionRecord(input: $input) {
  interaction { id version at channel attendees { name side } nextStepOn client { number } manager { name } }
  errors { code path message }
} }
"""


CLOSED = """
query Closed($id: ID!) { node(id: $id) { id } clients(first: 9) { nodes {
  interactions(first: 5) { totalCount pageInfo { hasNextPage endCursor } nodes { id createdAt } }
} } }
"""


@pytest.fixture(scope="session")
def schema() -> Schema:
    return build_schema(builtin_catalogue())


@pytest.fixture
async def book(store: Store) -> Repositories:
    """Six clients: the first without contacts, the others with 1, 2, 3, 4 and 5, a day apart."""
    book = await open_book(store, builtin_catalogue())
    manager = str((await create_manager(VIEWER, book, "M001", {"name": "Li"}, UNGUARDED)).document["_id"])
    for number in range(CLIENTS):
        client = await make_client(book, f"C{number}")
        for day in range(number):
            values = {"at": AT - timedelta(days=day), "channel": "VISIT", "summary": f"C{number} day {day}"}
            new = NewInteraction(client, manager if day % 2 else None, values | {"attendees": [{"name": "Wang"}]})
            await record_interaction(VIEWER, book, new, UNGUARDED)
    return book


async def compiled(
    schema: Schema, book: Repositories, query: str, variables: dict[str, Any], viewer: Viewer = VIEWER
) -> Any:
    """The data of the compiled answer."""
    document: Any = parse(query)
    compiler = OperationCompiler(schema, document, document.definitions[0])
    given = compiler.coerce(variables)
    return await compiler.compiled(given).run(Context(viewer, book), given)


async def ordinary(
    schema: Schema, book: Repositories, query: str, variables: dict[str, Any], viewer: Viewer = VIEWER
) -> Any:
    """The data of ordinary execution."""
    answer: Any = await schema.execute(query, variables, Context(viewer, book))
    assert answer.errors is None
    return answer.data


async def both(schema: Schema, book: Repositories, query: str, viewer: Viewer = VIEWER, **variables: Any) -> Any:
    found = await compiled(schema, book, query, variables, viewer)
    assert await ordinary(schema, book, query, variables, viewer) == found
    return found


def summaries(connection: dict[str, Any]) -> list[str]:
    return [each["node"]["summary"] for each in connection["edges"]]


class TestUnderManyClients:
    async def test_the_newest_of_each(self, schema: Schema, book: Repositories) -> None:
        found = await both(schema, book, PAGE, first=2, of=CLIENTS)
        lists = {each["number"]: each["interactions"] for each in found["clients"]["nodes"]}
        assert summaries(lists["C0"]) == []
        assert lists["C0"]["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False, "endCursor": None}
        assert summaries(lists["C4"]) == ["C4 day 0", "C4 day 1"]
        assert [each["totalCount"] for each in lists.values()] == [0, 1, 2, 3, 4, 5]
        assert [each["pageInfo"]["hasNextPage"] for each in lists.values()] == [False, False, False, True, True, True]
        first, second = lists["C4"]["nodes"]
        assert (first["client"], first["manager"], second["manager"]) == ({"number": "C4"}, None, {"name": "Li"})
        assert first["attendees"] == [{"name": "Wang"}]

    async def test_a_cursor_goes_on_in_every_list(self, schema: Schema, book: Repositories) -> None:
        found = await both(schema, book, PAGE, first=2, of=CLIENTS)
        after = found["clients"]["nodes"][5]["interactions"]["pageInfo"]["endCursor"]
        found = await both(schema, book, PAGE, first=2, of=CLIENTS, after=after)
        lists = {each["number"]: each["interactions"] for each in found["clients"]["nodes"]}
        assert summaries(lists["C5"]) == ["C5 day 2", "C5 day 3"]
        assert set(summaries(lists["C4"])) >= {"C4 day 2"}
        assert lists["C5"]["totalCount"] == 5
        assert lists["C1"]["pageInfo"]["hasPreviousPage"]

    async def test_two_lists_of_one_client_are_two_questions(self, schema: Schema, book: Repositories) -> None:
        query = """{ clients(first: 6) { nodes {
          a: interactions(first: 1) { nodes { summary } } b: interactions(first: 3) { nodes { at } } } } }"""
        nodes = (await both(schema, book, query))["clients"]["nodes"]
        assert {(len(each["a"]["nodes"]), len(each["b"]["nodes"])) for each in nodes} == {
            *((0, 0), (1, 1), (1, 2), (1, 3)),
        }

    async def test_back_and_forth(self, schema: Schema, book: Repositories) -> None:
        query = """{ clients(first: 6) { nodes { interactions(first: 2) { nodes {
          client { interactions(first: 1) { nodes { summary } } } } } } } }"""
        nodes = (await both(schema, book, query))["clients"]["nodes"]
        inner = [each["client"]["interactions"]["nodes"] for node in nodes for each in node["interactions"]["nodes"]]
        assert {each[0]["summary"] for each in inner} == {f"C{number} day 0" for number in range(1, CLIENTS)}


class TestUnderOneClient:
    async def test_pages_meet_each_contact_once(self, schema: Schema, book: Repositories) -> None:
        query = """query($after: String) { client(number: "C5") { interactions(first: 2, after: $after) {
          edges { node { summary } } pageInfo { endCursor hasNextPage } } } }"""
        found: list[str] = []
        after, is_more = None, True
        while is_more:
            page = (await both(schema, book, query, after=after))["client"]["interactions"]
            found += summaries(page)
            after, is_more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert found == [f"C5 day {day}" for day in range(5)]

    async def test_a_cursor_of_another_list(self, schema: Schema, book: Repositories) -> None:
        query = "{ clients(first: 1) { pageInfo { endCursor } } }"
        cursor = (await both(schema, book, query))["clients"]["pageInfo"]["endCursor"]
        await refused(
            schema,
            book,
            f'{{ clients(first: 6) {{ nodes {{ interactions(first: 1, after: "{cursor}") {{ nodes {{ at }} }} }} }} }}',
            "The cursor cannot be used",
        )


async def refused(schema: Schema, book: Repositories, query: str, message: str) -> None:
    with pytest.raises(Incomplete):
        await compiled(schema, book, query, {})
    answer: Any = await schema.execute(query, None, Context(VIEWER, book))
    assert answer.errors
    assert all(message in each.message for each in answer.errors)


class TestCaps:
    @pytest.mark.parametrize("first", [0, 201, -1])
    async def test_a_page_of_the_wrong_size(self, schema: Schema, book: Repositories, first: int) -> None:
        query = f"{{ clients(first: 2) {{ nodes {{ interactions(first: {first}) {{ nodes {{ at }} }} }} }} }}"
        await refused(schema, book, query, f"first takes 1 to 200; got {first}.")

    async def test_a_level_that_may_come_to_too_much(
        self, schema: Schema, book: Repositories, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("schema.derived.relations.LEVEL_LIMIT", 11)
        query = "{ clients(first: 6) { nodes { interactions(first: 2) { nodes { at } } } } }"
        await refused(
            schema, book, query, "interactions(first: 2) under 6 records may come to 12; one level takes up to 11"
        )
        await both(schema, book, query.replace("first: 2", "first: 1"))


@pytest.mark.real_drivers
class TestCommands:
    async def test_no_more_for_a_larger_page(self, schema: Schema, book: Repositories, command_log: CommandLog) -> None:
        for of, first in ((3, 2), (CLIENTS, 2), (CLIENTS, 5), (CLIENTS, 200)):
            for way in (compiled, ordinary):
                command_log.clear()
                await way(schema, book, PAGE, {"first": first, "of": of})
                # clients, their contacts, the totals, the managers and the clients of the contacts
                assert sorted(command_log.names) == ["aggregate", "aggregate", "find", "find", "find"]

    async def test_only_what_was_selected_leaves_the_database(
        self, schema: Schema, book: Repositories, command_log: CommandLog
    ) -> None:
        query = "{ clients(first: 6) { nodes { interactions(first: 2) { nodes { channel attendees { name } } } } } }"
        command_log.clear()
        await compiled(schema, book, query, {})
        clients, contacts = command_log.commands
        assert clients["projection"] == {"_id": 1}
        (projection,) = [each["$project"] for each in contacts["pipeline"] if "$project" in each]  # type: ignore[attr-defined]
        assert projection == dict.fromkeys(("_id", "at", "attendees.name", "channel", "clientId"), 1)


class TestNode:
    async def test_a_contact_by_its_id(self, schema: Schema, book: Repositories) -> None:
        query = '{ client(number: "C2") { id interactions(first: 1) { nodes { id } } } }'
        found = (await both(schema, book, query))["client"]
        ids = [found["interactions"]["nodes"][0]["id"], found["id"], "in_missing"]
        query = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
          ... on Interaction { summary client { number } } ... on Client { number } } }"""
        nodes = (await both(schema, book, query, ids=ids))["nodes"]
        assert nodes == [
            {"__typename": "Interaction", "id": ids[0], "summary": "C2 day 0", "client": {"number": "C2"}},
            {"__typename": "Client", "id": ids[1], "number": "C2"},
            None,
        ]


class TestWhoReadsNothingOfThem:
    async def test_sees_none(self, schema: Schema, book: Repositories) -> None:
        query = '{ client(number: "C2") { interactions(first: 1) { nodes { id } } } }'
        one = (await ordinary(schema, book, query, {}))["client"]["interactions"]["nodes"][0]["id"]
        steward = Viewer("S001", frozenset(("data_steward",)))
        found = await both(schema, book, CLOSED, steward, id=one)
        nothing = {"totalCount": 0, "pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}
        assert found == {"node": None, "clients": {"nodes": [{"interactions": nothing}] * CLIENTS}}

    async def test_records_one_and_may_send_it_again(self, schema: Schema, book: Repositories) -> None:
        blind = RoleRule(
            role="clerk",
            rows=RowScope.ALL,
            sensitivity=None,
            enter=("interactions:at", "interactions:channel"),
            rights=frozenset((Right.RECORD_CONTACTS,)),
        )
        policy = Policy(revision=1, rules=(*BUILT_IN.rules, blind), purposes=BUILT_IN.purposes)
        book, clerk = book.on(book.catalogue, policy), Viewer("K001", frozenset(("clerk",)))
        client = str((await book.clients.find_by_numbers(("C0",)))["C0"]["_id"])
        new = NewInteraction(client, None, {"at": AT, "channel": "VISIT"})
        first, again = [
            await record_interaction(clerk, book, new, Guard(idempotency_key="k"), paths=("version",)) for _ in range(2)
        ]
        assert (first.document["version"], again.document["version"], again.is_replay) == (1, 1, True)


class TestInteractionRecord:
    async def test_a_visit(self, schema: Schema, book: Repositories) -> None:
        client = (await ordinary(schema, book, '{ client(number: "C0") { id } }', {}))["client"]["id"]
        given = {
            "clientId": client,
            "at": "2026-11-20T17:30:00+08:00",
            "channel": "VISIT",
            "attendees": [{"name": "Wang", "side": "CLIENT"}],
            "nextStepOn": "2026-12-01",
            "idempotencyKey": "visit 1",
        }
        first = (await compiled(schema, book, RECORD, {"input": given}))["interactionRecord"]
        made = first["interaction"]
        assert first["errors"] == []
        assert (made["version"], made["at"], made["nextStepOn"]) == (1, "2026-11-20T09:30:00Z", "2026-12-01")
        assert (made["client"], made["manager"]) == ({"number": "C0"}, None)
        assert made["attendees"] == [{"name": "Wang", "side": "CLIENT"}]
        again = (await ordinary(schema, book, RECORD, {"input": given}))["interactionRecord"]
        assert again == first
        query = '{ client(number: "C0") { interactions(first: 5) { totalCount nodes { id } } } }'
        listed = (await both(schema, book, query))["client"]["interactions"]
        assert listed == {"totalCount": 1, "nodes": [{"id": made["id"]}]}

    async def test_a_refused_one(self, schema: Schema, book: Repositories) -> None:
        given = {"clientId": "cl_gone", "at": "2026-11-20T09:30:00Z", "channel": "PIGEON"}
        found = (await both(schema, book, RECORD, input=given))["interactionRecord"]
        assert found["interaction"] is None
        assert [(each["code"], each["path"]) for each in found["errors"]] == [
            ("INVALID_VALUE", ["channel"]),
            ("INVALID_VALUE", ["clientId"]),
        ]
