"""`search`: a text that people type, as a predicate over everything that is searchable."""

from functools import lru_cache

from catalogue.catalogue import Catalogue
from catalogue.filters import Search
from catalogue.search import folded, searched_paths
from schema.derived.filters import BadFilter

LENGTH_LIMIT = 100
SEARCH_MEANING = (
    "A text that stands in a searchable attribute or in the number, whatever the case; the best matches come first "
    "unless orderBy says otherwise."
)


def search_from(given: str | None, catalogue: Catalogue) -> Search | None:
    """The predicate; None where nothing is searched for.

    Raises: BadFilter for a text that is empty or too long.
    """
    if given is None:
        return None
    text = folded(given)
    if not 1 <= len(text) <= LENGTH_LIMIT:
        expected = f"a text of 1 to {LENGTH_LIMIT} characters"
        message = f"search takes {expected}; got {len(text)} characters. Leave it out to read all."
        raise BadFilter(message, path=("search",), expected=expected)
    return Search(text, _paths(catalogue))


@lru_cache(maxsize=4)
def _paths(catalogue: Catalogue) -> tuple[str, ...]:
    return ("number", *searched_paths(catalogue))
