"""`viewer` for people and programs: compiled and by ordinary execution."""

from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import parse
from strawberry import Schema

from acts.checks import UNGUARDED
from acts.managers import create_manager
from catalogue.builtin import builtin_catalogue
from policy.viewer import Viewer
from repositories.mongo import Store
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Context
from schema.planning.operation import OperationCompiler
from tests.books import VIEWER, open_book

QUERY = """{ viewer {
  person manager { id person name } roles team region purpose isServiceAccount scopes expiresAt
} }"""
END = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def schema() -> Schema:
    return build_schema(builtin_catalogue())


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, builtin_catalogue())


async def both(schema: Schema, book: Repositories, viewer: Viewer) -> Any:
    """What the viewer is told, whichever way the question is answered."""
    document: Any = parse(QUERY)
    compiler = OperationCompiler(schema, document, document.definitions[0])
    given = compiler.coerce({})
    found = await compiler.compiled(given).run(Context(viewer, book), given)
    answer: Any = await schema.execute(QUERY, {}, Context(viewer, book))
    assert (answer.errors, answer.data) == (None, found)
    return found["viewer"]


class TestViewer:
    async def test_a_person(self, schema: Schema, book: Repositories) -> None:
        own = str((await create_manager(VIEWER, book, "M001", {"name": "Li"}, UNGUARDED)).document["_id"])
        roles = frozenset(("team_lead", "auditor"))
        viewer = Viewer("M001", roles, "north", own, "华东", purpose="AUDIT", expires_at=END.timestamp())
        assert await both(schema, book, viewer) == {
            "person": "M001",
            "manager": {"id": own, "person": "M001", "name": "Li"},
            "roles": ["auditor", "team_lead"],
            "team": "north",
            "region": "华东",
            "purpose": "AUDIT",
            "isServiceAccount": False,
            "scopes": None,
            "expiresAt": "2027-01-15T08:00:00Z",
        }

    async def test_a_program(self, schema: Schema, book: Repositories) -> None:
        viewer = Viewer("sa_1", frozenset(("integration",)), scopes=frozenset(("read:PUBLIC", "clients:all")))
        found = await both(schema, book, viewer)
        assert (found["person"], found["isServiceAccount"]) == ("sa_1", True)
        assert found["scopes"] == ["clients:all", "read:PUBLIC"]
        assert (found["manager"], found["expiresAt"]) == (None, None)
