"""Fixtures of the tests of the worker."""

import pytest

from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import open_book


@pytest.fixture(params=("memory", "pymongo"))
def driver(request: pytest.FixtureRequest) -> str:
    """What a worker does with the queue is the same by Motor; the queue itself is tested on all three."""
    name: str = request.param
    return name


@pytest.fixture
async def book(store: Store) -> Repositories:
    """A book without clients, on each driver in turn."""
    return await open_book(store)
