"""The command as a person meets it: on a real database, on the memory driver, and with what it refuses."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from acts.demo import load_demo
from api import cli
from api.database import open_repositories_of
from api.settings import load_settings
from repositories.mongo import MongoSettings, connect

CLIENTS = 150
QUERY = """query Page($n: Int!, $form: String!) {
  clients(
    first: $n
    where: { profile: { legalForm: { ne: $form } } }
    orderBy: [{ field: DERIVED_CLIENT_VALUE, direction: DESC }]
  ) { totalCount nodes { number manager { name } interactions(first: 2) { nodes { at } } } }
}"""
VARIABLES = json.dumps({"n": 5, "form": "COOPERATIVE"})


@pytest.fixture(scope="module")
def database(mongod_uri: str) -> Iterator[dict[str, str]]:
    """The environment that names a small book on a real mongod."""
    environment = {"KEHU_MONGODB_URI": mongod_uri, "KEHU_DATABASE": f"test_{uuid.uuid4().hex[:16]}"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        asyncio.run(_load())
        yield environment
        asyncio.run(_drop(mongod_uri, environment["KEHU_DATABASE"]))


async def _load() -> None:
    async with open_repositories_of(load_settings(mongo_timeout_seconds=30)) as repositories:
        await load_demo(repositories, CLIENTS, lambda done, count: None)


async def _drop(uri: str, name: str) -> None:
    store = connect(MongoSettings(uri, database=name))
    await store.drop_database()
    await store.close()


@pytest.fixture
def book(database: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in database.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEHU_MONGODB_DRIVER", "memory")


def explain(*arguments: str, given: str | None = None) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    done = CliRunner(env={"COLUMNS": None}).invoke(cli.app, ["explain", *arguments], input=given)
    return done.exit_code, done.stdout, done.stderr


def explained(*arguments: str) -> dict[str, Any]:
    code, out, err = explain(*arguments, "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.usefixtures("book")
class TestOnADatabase:
    def test_for_programs(self) -> None:
        found = explained(QUERY, "--variables", VARIABLES)
        cost = found["cost"]
        assert (cost["documents"], cost["leaves"], cost["commands"]) == (20, 21, 5)
        page, *others = found["commands"]
        milliseconds = page.pop("milliseconds")
        assert isinstance(milliseconds, int)
        assert page == {
            "operation": "find",
            "collection": "clients",
            "filter": {"profile.legalForm": {"$ne": "COOPERATIVE"}},
            "sort": {"derived.clientValue": -1, "_id": -1},
            "paths": ["_id", "derived.clientValue", "managerId", "number"],
            "limit": 6,
            "hint": None,
            "has_groups": False,
            "indexes": ["order_derived.clientValue"],
            "is_scan": False,
            "is_covered": False,
            "sorts_in_memory": False,
            "keys": 6,
            "documents": 6,
            "returned": 6,
            "warnings": [],
        }
        assert len(others) <= cost["commands"] - 1
        total = next(each for each in others if each["collection"] == "clients")
        assert (total["is_scan"], total["documents"], total["indexes"]) == (True, CLIENTS, [])
        assert total["warnings"] == [f"Reads the whole collection clients: {CLIENTS} documents looked at, 1 returned."]
        contacts = next(each for each in others if each["collection"] == "interactions")
        assert (contacts["indexes"], contacts["is_covered"]) == (["clientId"], True)

    def test_for_people(self) -> None:
        code, out, err = explain(QUERY, "--variables", VARIABLES)
        assert (code, err) == (0, "")
        assert max(len(line) for line in out.splitlines()) <= 100
        words = " ".join(out.split())
        assert "Cost 220.21 = 20 documents + 21 leaves / 100 + 2 x 100 for scans; at most 5 commands." in words
        assert "find clients, limit 6" in words
        assert "sort derived.clientValue desc, _id desc" in words
        assert "2: Reads the whole collection clients" in words
        assert "whole collection" in words

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            (
                '{ clients(first: 2, where: { number: { in: ["K000001", "K000002", "K000003", "K000004"] } }'
                " orderBy: [{ field: PROFILE_NAME }]) { nodes { number } } }",
                "order by profile.name",
            ),
            (
                "{ clients(first: 2, orderBy: [{ field: PROFILE_AGE }, { field: NUMBER }]) { nodes { number } } }",
                "order by one of them",
            ),
        ],
    )
    def test_a_sort_in_memory_is_said(self, query: str, words: str) -> None:
        commands = explained(query)["commands"]
        assert commands[-1]["sorts_in_memory"]
        assert any(words in each for each in commands[-1]["warnings"])

    def test_by_somebody_of_the_directory(self) -> None:
        query = "{ viewer { region } clients(first: 50) { totalCount } }"
        found = explained(query, "--person", "M001", "--role", "relationship_manager")
        stages = json.dumps(found["commands"])
        assert '"managerId"' in stages
        assert "mg_" in stages

    def test_groups(self) -> None:
        (found,) = explained("{ clientGroups(by: [{ field: KIND }], first: 5) { nodes { count } } }")["commands"]
        assert (found["is_scan"], found["has_groups"], found["documents"]) == (True, True, CLIENTS)

    async def test_looks_and_changes_nothing(self, database: dict[str, str]) -> None:
        store = connect(MongoSettings(database["KEHU_MONGODB_URI"], database=database["KEHU_DATABASE"]))
        clients = store.collection("clients")
        try:
            await clients.drop_index("order_profile.name")
            await clients.create_index([("profile.newer", 1)], "order_profile.ofANewerVersion")
            before = await clients.indexes()
            await asyncio.to_thread(explained, "{ clients(first: 1) { nodes { number } } }")
            assert await clients.indexes() == before
        finally:
            await store.close()

    def test_what_stands_in_no_database_sends_nothing(self) -> None:
        code, out, _ = explain('{ attribute(path: "profile.name") { label } }')
        assert code == 0
        assert "No command was sent" in out

    def test_a_refused_query_says_why(self) -> None:
        code, out, err = explain("{ clients(first: 900) { nodes { number } } }")
        assert code == 1
        assert "Cost 909.00 = 900 documents" in out
        assert err.startswith("PAGE_SIZE: first takes 1 to 200; got 900.")


@pytest.mark.usefixtures("memory")
class TestInMemory:
    def test_commands_without_an_explanation(self, tmp_path: Path) -> None:
        query = "{ clients(first: 2) { totalCount nodes { number } } }"
        code, out, err = explain(query, "--data", str(tmp_path))
        assert (code, err) == (0, "")
        words = " ".join(out.split())
        assert "find clients, limit 3" in words
        assert "count clients" in words
        assert words.count("memory has no planner. Use a real mongod (KEHU_MONGODB_URI).") == 1

    def test_for_programs(self, tmp_path: Path) -> None:
        found = explained('{ client(number: "K1") { number } }', "--data", str(tmp_path))
        # Nobody has this number, so it is looked for among those of merged clients too.
        command, _ = found["commands"]
        assert command["problem"] == "memory has no planner. Use a real mongod (KEHU_MONGODB_URI)."
        assert (command["filter"], command["paths"], command["warnings"]) == ({"number": {"$eq": "K1"}}, ["number"], [])


@pytest.mark.usefixtures("memory")
class TestWhatIsGiven:
    TEXT = "query A { clients(first: 1) { nodes { number } } } query B { managers(first: 1) { nodes { name } } }"

    def test_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "question.graphql"
        path.write_text(self.TEXT, "utf-8")
        found = explained(str(path), "--operation", "B", "--data", str(tmp_path))
        assert [each["collection"] for each in found["commands"]] == ["managers"]

    def test_standard_input(self, tmp_path: Path) -> None:
        code, out, _ = explain("-", "--operation", "A", "--json", "--data", str(tmp_path), given=self.TEXT)
        assert code == 0
        assert [each["collection"] for each in json.loads(out)["commands"]] == ["clients"]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (
                ["nothing.graphql"],
                'QUERY: got "nothing.graphql"; expected GraphQL text (with a { in it), the path of a file that has '
                "some, or - for standard input. As a file: No such file or directory.",
            ),
            ([TEXT], "BAD_USER_INPUT: The document needs exactly one operation, or operationName must say which"),
            ([TEXT, "--operation", "C"], "BAD_USER_INPUT: The document has no operation named 'C'."),
            (["{ nothing }"], "GRAPHQL_VALIDATION_FAILED: Cannot query field 'nothing' on type 'Query'. (line 1, col"),
            (["{ clients("], "GRAPHQL_PARSE_FAILED: Syntax Error"),
            (["{ clients }", "--variables", "[1]"], "--variables: got [1]; expected a JSON object, such as"),
            (["{ clients }", "--variables", "{"], "--variables: got {; expected a JSON object, such as"),
            (["{ clients }", "--role", "king"], '--role: got "king"; expected one of relationship_manager,'),
            (
                ['mutation { clientsUpsert(input: { clients: [{ number: "K1" }] }) { report { created } } }'],
                "QUERY: got a mutation; expected a query, because it is run once.",
            ),
        ],
    )
    def test_refusals(self, tmp_path: Path, arguments: list[str], words: str) -> None:
        code, out, err = explain(*arguments, "--data", str(tmp_path))
        assert (code, out) == (1, "")
        assert err.startswith(words)

    def test_a_variable_that_does_not_fit(self, tmp_path: Path) -> None:
        query = "query($n: Int!) { managers(first: $n) { nodes { name } } }"
        code, out, err = explain(query, "--variables", '{"n": "x"}', "--data", str(tmp_path))
        assert code == 1
        assert "Cost" not in out
        assert err.startswith("BAD_USER_INPUT: Variable '$n'")
