"""The whole of Kehu on the memory driver, with a small demonstration book, asked as a client asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from acts.jobs import enqueue
from acts.jobs_steering import cancel_job
from api.app import Server, build_app
from api.settings import Settings
from api.tokens import LocalIssuer
from policy.viewer import Viewer

DEMO_CLIENTS = 60
ADMINISTRATOR = "administrator"
PERSON = "demo-administrator"
SECOND_PERSON = "second-administrator"


class Served:
    """A running application and the tokens of administrators."""

    def __init__(self, app: Any, issuer: LocalIssuer) -> None:
        self._issuer = issuer
        self._server: Server = app.server
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url="http://kehu.test",
            headers=self._headers(PERSON, ADMINISTRATOR),
        )

    def _headers(self, person: str, role: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._issuer.issue(person, role, None, 60)}"}

    async def ask(
        self,
        query: str,
        variables: dict[str, object] | None = None,
        extensions: dict[str, object] | None = None,
        person: str = PERSON,
        role: str = ADMINISTRATOR,
    ) -> dict[str, Any]:
        """The GraphQL answer to a person, an administrator unless said otherwise."""
        body = {"query": query, "variables": variables, "extensions": extensions}
        headers = {} if (person, role) == (PERSON, ADMINISTRATOR) else self._headers(person, role)
        answer = await self.client.post("/graphql", json=body, headers=headers)
        found: dict[str, Any] = answer.json()
        return found

    async def sdl(self, person: str, role: str) -> str:
        """The schema as a person has it."""
        return (await self.client.get("/schema.graphql", headers=self._headers(person, role))).text

    async def cancelled_job(self) -> str:
        """The id of a job that a person has asked for, and cancelled."""
        viewer, repositories = Viewer(PERSON, frozenset((ADMINISTRATOR,))), self._server.repositories()
        job = await enqueue(viewer, repositories, "retention", {}, key="docs")
        await cancel_job(viewer, repositories, job.id)
        return job.id

    async def close(self) -> None:
        await self.client.aclose()


@asynccontextmanager
async def served(data_dir: Path, clients: int = DEMO_CLIENTS, **more: Any) -> AsyncIterator[Served]:
    """Kehu while the context lasts."""
    settings = Settings(mongodb_driver="memory", mongodb_uri="", demo=clients, data_dir=data_dir, **more)
    app = build_app(settings)
    async with app.router.lifespan_context(app):
        running = Served(app, LocalIssuer(settings))
        try:
            yield running
        finally:
            await running.close()
