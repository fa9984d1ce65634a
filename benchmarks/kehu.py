"""Kehu as a server of the benchmark: how it is started, the token, the mongod, its database."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_bytes

from api.settings import load_settings
from api.tokens import LocalIssuer
from benchmarks.machine import LOAD_CPU, pin
from benchmarks.processes import Target
from benchmarks.workdir import PROJECT, WorkDir
from catalogue.builtin import builtin_catalogue
from repositories.embedded import EmbeddedMongod
from repositories.mongo import MongoSettings, Store, connect
from repositories.repositories import Repositories, open_repositories
from repositories.vault import LOCAL_KEY_BYTES, local_kms

CACHE_GB = 2.0
TOKEN_MINUTES = 600
PERSON, ROLE = "benchmark", "administrator"
# bulk loads of a busy machine may take longer than a request ever may
_PATIENCE_SECONDS = 300.0


@asynccontextmanager
async def mongod_for(work: WorkDir) -> AsyncIterator[tuple[str, int | None]]:
    """The URI of the database and the process id of its mongod, pinned to the load's processor.

    With KEHU_MONGODB_URI nothing is started, and the process is not known.
    """
    given = os.environ.get("KEHU_MONGODB_URI", "")
    if given:
        yield given, None
        return
    mongod = EmbeddedMongod(work.data, CACHE_GB)
    uri = await mongod.start()
    try:
        if mongod.pid is not None:
            pin(mongod.pid, {LOAD_CPU})
        yield uri, mongod.pid
    finally:
        await mongod.stop()


def kehu_target(work: WorkDir, uri: str, database: str, *, workers: int = 1, page_limit: int | None = None) -> Target:
    """`kehu serve` on a database, as an administrator asks it."""
    environment = {
        "KEHU_MONGODB_URI": uri,
        "KEHU_DATABASE": database,
        "KEHU_DEMO": "0",
        "KEHU_LOG_LEVEL": "info",
        # None of the others keeps an audit; `--guards` measures what ours costs.
        "KEHU_AUDIT": "off",
        "KEHU_JOBS": "none",
        # The load of hundreds of people comes from one.
        "KEHU_COST_PER_MINUTE": "0",
        "KEHU_COST_LIMIT": "1000000",
        **({} if page_limit is None else {"KEHU_PAGE_LIMIT_ROWS": str(page_limit)}),
    }
    command = [sys.executable, "-m", "api.cli", "serve", "--port", "{port}", "--data", str(work.data)]
    return Target(
        "kehu",
        [*command, "--workers", str(workers)],
        PROJECT,
        environment,
        {"authorization": f"Bearer {token_for(work)}"},
        is_kehu=True,
    )


def token_for(work: WorkDir) -> str:
    """A bearer token of the issuer that the started server trusts."""
    return LocalIssuer(load_settings(data_dir=work.data)).issue(PERSON, ROLE, None, TOKEN_MINUTES)


@asynccontextmanager
async def store_for(uri: str, database: str) -> AsyncIterator[Store]:
    """A database, for work beside the server."""
    store = connect(MongoSettings(uri, database=database, timeout_seconds=_PATIENCE_SECONDS))
    try:
        await store.ping()
        yield store
    finally:
        await store.close()


async def open_book(store: Store) -> Repositories:
    """The repositories of a database, with its indexes made."""
    kms = local_kms(token_bytes(LOCAL_KEY_BYTES))
    repositories = await open_repositories(store, builtin_catalogue(), kms=lambda: kms)
    await repositories.prepare()
    return repositories
