"""Demonstration books for the tests of exporting."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acts.demo import load_demo
from catalogue.builtin import builtin_catalogue
from repositories.files import FileOptions
from repositories.mongo import MongoSettings, Store, connect
from repositories.repositories import Repositories, open_repositories
from tests.books import master_key


async def opened(store: Store, directory: Path) -> Repositories:
    """An empty book with the built-in catalogue and a place for files."""
    found = await open_repositories(store, builtin_catalogue(), "s" * 32, kms=master_key)
    found.files.options = FileOptions(directory)
    await found.prepare()
    return found


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Repositories]:
    """The demonstration book of a few clients, in memory."""
    store = connect(MongoSettings(driver="memory"))
    found = await opened(store, tmp_path / "files")
    await load_demo(found, 30, lambda _done, _count: None)
    yield found
    await store.close()
