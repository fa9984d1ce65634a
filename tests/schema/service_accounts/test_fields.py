"""Service accounts over GraphQL: compiled and by ordinary execution."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import parse
from strawberry import Schema

from catalogue.builtin import builtin_catalogue
from catalogue.errors import ErrorCode
from policy.viewer import Viewer
from repositories.mongo import Store
from repositories.repositories import Repositories
from schema.build import build_schema
from schema.context import Context
from schema.planning.operation import OperationCompiler
from tests.books import open_book

ROOT = Viewer("root", frozenset(("administrator",)))
ANA = Viewer("ana", frozenset(("auditor", "team_lead")))
CREATE = """
mutation Create($input: ServiceAccountCreateInput!) { serviceAccountCreate(input: $input) {
  serviceAccount { id name scopes purpose expiresAt revokedAt lastUsedAt createdBy version }
  token
  errors { code message path given expected }
} }
"""
REVOKE = """
mutation Revoke($input: ServiceAccountRevokeInput!) { serviceAccountRevoke(input: $input) {
  serviceAccount { id revokedAt version }
  errors { code message path }
} }
"""
ALL = "{ serviceAccounts(first: 5) { totalCount nodes { id name version } edges { cursor node { name } } } }"
ONE = "query($id: ID!) { node(id: $id) { __typename id ... on ServiceAccount { name scopes } } }"


@pytest.fixture(scope="session")
def schema() -> Schema:
    return build_schema(builtin_catalogue())


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, builtin_catalogue())


class Asking:
    """Asks as one viewer."""

    def __init__(self, schema: Schema, book: Repositories, viewer: Viewer = ROOT) -> None:
        self._schema = schema
        self._book = book
        self._viewer = viewer

    def _context(self) -> Context:
        return Context(self._viewer, self._book)

    async def compiled(self, query: str, **variables: Any) -> Any:
        document: Any = parse(query)
        compiler = OperationCompiler(self._schema, document, document.definitions[0])
        given = compiler.coerce(variables)
        return await compiler.compiled(given).run(self._context(), given)

    async def ordinary(self, query: str, **variables: Any) -> Any:
        answer: Any = await self._schema.execute(query, variables, self._context())
        assert answer.errors is None, answer.errors
        return answer.data

    async def codes(self, query: str, **variables: Any) -> list[str]:
        answer: Any = await self._schema.execute(query, variables, self._context())
        return [str(each.original_error.code) for each in answer.errors]

    async def create(self, **changes: Any) -> Any:
        ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        given = {"name": "crm", "scopes": ["read:PUBLIC", "clients:all"], "expiresAt": ends, **changes}
        return (await self.ordinary(CREATE, input=given))["serviceAccountCreate"]


class TestCreate:
    async def test_the_token_is_shown_once(self, schema: Schema, book: Repositories) -> None:
        root = Asking(schema, book)
        ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        first = await root.create(expiresAt=ends, idempotencyKey="k")
        assert first["errors"] == []
        assert first["token"].startswith("kehu_sa_")
        assert {name: first["serviceAccount"][name] for name in ("name", "scopes", "createdBy", "version")} == {
            "name": "crm",
            "scopes": ["clients:all", "read:PUBLIC"],
            "createdBy": "root",
            "version": 1,
        }
        again = await root.create(expiresAt=ends, idempotencyKey="k")
        assert (again["token"], again["serviceAccount"]["id"]) == (None, first["serviceAccount"]["id"])
        (said,) = again["errors"]
        assert (said["code"], said["path"]) == ("ALREADY_EXISTS", ["token"])
        assert "its token was shown then and is kept nowhere" in said["message"]

    async def test_refused(self, schema: Schema, book: Repositories) -> None:
        refused = await Asking(schema, book).create(scopes=["clients:mine"])
        assert (refused["serviceAccount"], refused["token"]) == (None, None)
        assert refused["errors"][0]["message"].startswith("scopes takes clients:all, clients:team:NAME,")

    async def test_not_by_others(self, schema: Schema, book: Repositories) -> None:
        refused = await Asking(schema, book, ANA).create()
        assert refused["errors"] == [
            {
                "code": "NOT_ALLOWED",
                "message": "This takes the right CHANGE_DIRECTORY, which your roles (auditor, team_lead) do not give. "
                "These do: administrator.",
                "path": None,
                "given": "auditor, team_lead",
                "expected": "administrator",
            }
        ]


class TestRevoke:
    async def test_once(self, schema: Schema, book: Repositories) -> None:
        root = Asking(schema, book)
        own = (await root.create())["serviceAccount"]["id"]
        given = {"id": own, "expectedVersion": 1, "idempotencyKey": "k"}
        found = (await root.ordinary(REVOKE, input=given))["serviceAccountRevoke"]
        assert found["errors"] == []
        assert (found["serviceAccount"]["version"], found["serviceAccount"]["revokedAt"] is None) == (2, False)

    @pytest.mark.parametrize(("viewer", "code"), [(ROOT, "STALE_VERSION"), (ANA, "NOT_ALLOWED")])
    async def test_refused(self, schema: Schema, book: Repositories, viewer: Viewer, code: str) -> None:
        own = (await Asking(schema, book).create())["serviceAccount"]["id"]
        given = {"id": own, "expectedVersion": 7}
        found = (await Asking(schema, book, viewer).ordinary(REVOKE, input=given))["serviceAccountRevoke"]
        assert [each["code"] for each in found["errors"]] == [code]


class TestRead:
    async def test_by_administrators(self, schema: Schema, book: Repositories) -> None:
        root = Asking(schema, book)
        own = (await root.create())["serviceAccount"]["id"]
        for ask in (root.compiled, root.ordinary):
            found = (await ask(ALL))["serviceAccounts"]
            assert (found["totalCount"], found["nodes"]) == (1, [{"id": own, "name": "crm", "version": 1}])
            assert [each["node"] for each in found["edges"]] == [{"name": "crm"}]
        node = await root.ordinary(ONE, id=own)
        assert node["node"] == {
            "__typename": "ServiceAccount",
            "id": own,
            "name": "crm",
            "scopes": ["clients:all", "read:PUBLIC"],
        }

    async def test_not_by_others(self, schema: Schema, book: Repositories) -> None:
        own = (await Asking(schema, book).create())["serviceAccount"]["id"]
        ana = Asking(schema, book, ANA)
        assert await ana.ordinary(ONE, id=own) == await ana.ordinary(ONE, id="sa_missing") == {"node": None}
        assert await ana.codes(ALL) == [str(ErrorCode.NOT_ALLOWED)]
