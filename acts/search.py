"""Give clients the words that search finds them by, where they have none yet."""

from collections.abc import AsyncIterator
from functools import partial

from catalogue.search import searchable_words, searched_paths
from repositories.repositories import Repositories


async def index_words(repositories: Repositories, *paths: str) -> AsyncIterator[int]:
    """How many values have got their words, as it goes; of every searched path where none is named.

    A value that was written while its attribute was not searchable has none; so has one that another program wrote.
    """
    catalogue = repositories.catalogue
    wanted = paths or searched_paths(catalogue)
    async for done in repositories.clients.index_words(wanted, partial(searchable_words, catalogue)):
        yield done
