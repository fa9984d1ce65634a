"""Fixtures of the tests of the worker."""

import pytest

from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import open_book


@pytest.fixture
async def book(store: Store) -> Repositories:
    """A book without clients, on each driver in turn."""
    return await open_book(store)
