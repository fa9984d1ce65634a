"""The composition root: what a server has while it runs, and what it says before and after."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from api.app import STARTING, Server, build_app, demo_count
from api.settings import Settings, SettingsError
from api.tokens import LocalIssuer
from policy.viewer import Viewer
from repositories.errors import Unavailable
from schema.context import Unlimited


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings(**{"data_dir": tmp_path, "mongodb_driver": "memory", "demo": 5, **more})


@asynccontextmanager
async def talking(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://kehu.test") as client:
        yield client


async def ask(client: httpx2.AsyncClient, query: str, token: str) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await client.post("/graphql", json={"query": query}, headers=headers)


class TestBuildApp:
    async def test_is_ready_only_while_it_runs(self, tmp_path: Path) -> None:
        app = build_app(settings(tmp_path))
        token = LocalIssuer(settings(tmp_path)).issue("A001", "auditor", None, 5)
        async with talking(app) as client:
            assert (await client.get("/healthz")).status_code == 200
            early = await client.get("/readyz")
            assert (early.status_code, early.json()["reason"]) == (503, STARTING)
            refused = await ask(client, "{ __typename }", token)
            assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
            async with app.router.lifespan_context(app):
                assert (await client.get("/readyz")).json() == {"status": "ready"}
                answer = await ask(client, "{ clients(first: 1) { totalCount } }", token)
                assert answer.json() == {"data": {"clients": {"totalCount": 5}}}
                assert answer.headers["kehu-edition"]
            assert (await client.get("/readyz")).status_code == 503

    async def test_a_person_is_entered_at_first_sight(self, tmp_path: Path) -> None:
        app = build_app(settings(tmp_path, demo=0))
        token = LocalIssuer(settings(tmp_path)).issue("newcomer", "team_lead", "north", 5)
        async with talking(app) as client, app.router.lifespan_context(app):
            query = "{ managers(first: 5) { nodes { person name team roles } } }"
            for _ in range(2):
                found = (await ask(client, query, token)).json()["data"]["managers"]["nodes"]
                row = {"person": "newcomer", "name": "newcomer", "team": "north", "roles": ["team_lead"]}
                assert found == [row]

    async def test_one_person_has_the_roles_of_the_directory_alone(self, tmp_path: Path) -> None:
        app = build_app(settings(tmp_path))
        issuer = LocalIssuer(settings(tmp_path))
        wanted = [("M001", "team_lead"), ("M001", "administrator"), ("ana", "auditor"), ("ana", "administrator")]
        async with talking(app) as client, app.router.lifespan_context(app):
            found = [
                (await ask(client, "{ viewer { roles } }", issuer.issue(person, role, None, 5))).json()["data"]
                for person, role in wanted
            ]
        assert [each["viewer"]["roles"] for each in found] == [["team_lead"], [], ["auditor"], []]

    async def test_nobody_could_sign_in(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="KEHU_OIDC_ISSUER: got nothing"):
            build_app(settings(tmp_path, environment="production"))

    async def test_every_definition_is_live_in_the_next_request(self, tmp_path: Path) -> None:
        app = build_app(settings(tmp_path))
        token = LocalIssuer(settings(tmp_path)).issue("ana", "administrator", None, 5)
        async with talking(app) as client, app.router.lifespan_context(app):
            first = (await ask(client, "{ __typename }", token)).headers["kehu-edition"]
            wanted = '{facet: PROFILE, key: "motto", kind: STRING, label: "Motto", description: "Words."}'
            mutation = f"mutation {{ attributeDefine(input: {wanted}) {{ edition isLive errors {{ message }} }} }}"
            defined = (await ask(client, mutation, token)).json()["data"]["attributeDefine"]
            assert (defined["isLive"], defined["errors"]) == (True, [])
            again = (await ask(client, mutation, token)).json()["data"]["attributeDefine"]
            assert (again["edition"], again["isLive"], again["errors"] != []) == (None, False, True)
            answer = await ask(client, "{ clients(first: 1) { nodes { profile { motto } } } }", token)
            assert answer.json()["data"]["clients"]["nodes"] == [{"profile": {"motto": None}}]
            assert answer.headers["kehu-edition"] == defined["edition"] != first

    async def test_outlives_a_database_that_does_not_answer(self, tmp_path: Path) -> None:
        away = {"mongodb_driver": "pymongo", "mongodb_uri": "mongodb://127.0.0.1:9/", "mongo_timeout_seconds": 0.3}
        app = build_app(settings(tmp_path, **away))
        token = LocalIssuer(settings(tmp_path)).issue("ben", "auditor", None, 5)
        async with talking(app) as client, app.router.lifespan_context(app):
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/readyz")).status_code == 503
            refused = await ask(client, "{ __typename }", token)
            assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")


class TestServer:
    async def test_has_no_edition_before_it_runs(self, tmp_path: Path) -> None:
        server = Server(settings(tmp_path), "")
        with pytest.raises(Unavailable, match=STARTING):
            _ = server.current
        assert await server.readiness() == STARTING

    async def test_says_that_the_database_is_away(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        server = Server(settings(tmp_path), "")
        async with server.running(Starlette()):
            assert await server.readiness() is None
            assert server.store is not None

            async def away(_store: object) -> None:
                raise Unavailable

            monkeypatch.setattr(type(server.store), "ping", away)
            assert await server.readiness() == "the database does not answer"

    async def test_a_context_is_of_one_edition(self, tmp_path: Path) -> None:
        server = Server(settings(tmp_path, page_limit_rows=7), "")
        async with server.running(Starlette()):
            viewer = Viewer("M001", frozenset(("auditor",)))
            spending = Unlimited()
            context = server.context(viewer, server.current.seen_by(viewer), spending)
            assert context.spending is spending
            assert (context.viewer, context.page_limit) == (viewer, 7)
            assert context.repositories is server.current.repositories
            assert server.editions is not None
            assert context.settle == server.editions.settle


class TestDemoCount:
    @pytest.mark.parametrize(
        ("uri", "demo", "count"),
        [("", None, 2_000), ("mongodb://h/", None, 0), ("mongodb://h/", 7, 7), ("", 0, 0), ("", 30, 30)],
    )
    def test_none_in_somebody_elses_database(self, tmp_path: Path, uri: str, demo: int | None, count: int) -> None:
        assert demo_count(settings(tmp_path, mongodb_driver="pymongo", mongodb_uri=uri, demo=demo)) == count
