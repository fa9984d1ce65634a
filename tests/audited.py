"""The whole of Kehu on the memory driver with its audit, asked by people of all roles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from api.app import Application, build_app
from api.settings import AuditMode, Settings
from api.tokens import LocalIssuer
from repositories.audit import AuditRepository
from repositories.compile.audit import Document


@asynccontextmanager
async def running(data_dir: Path, mode: AuditMode = "strict", clients: int = 20) -> AsyncIterator["Running"]:
    settings = Settings(mongodb_driver="memory", mongodb_uri="", demo=clients, data_dir=data_dir, audit=mode)
    app = build_app(settings)
    async with app.router.lifespan_context(app):
        found = Running(app, LocalIssuer(settings))
        try:
            yield found
        finally:
            await found.http.aclose()


class Running:
    """An application, asked by an administrator unless said otherwise."""

    def __init__(self, app: Starlette, issuer: LocalIssuer) -> None:
        self.app = app
        self.issuer = issuer
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://kehu.test")

    @property
    def audit(self) -> AuditRepository:
        assert isinstance(self.app, Application)
        return self.app.server.current.repositories.audit

    def headers(self, role: str = "administrator") -> dict[str, str]:
        return {"authorization": f"Bearer {self.issuer.issue(f'the-{role}', role, None, 10)}"}

    async def post(self, query: str, role: str = "administrator", accept: str = "*/*", **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers=self.headers(role) | {"accept": accept})

    async def ask(self, query: str, role: str = "administrator", **variables: Any) -> Any:
        return (await self.post(query, role, **variables)).json()["data"]

    async def entries(self) -> list[Document]:
        """What requests have left, without what the server notes itself."""
        return [each async for each in self.audit.entries() if "person" in each]
