"""What people should know of a command that was dear, in words, and what would help."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from repositories.compile.explained import Asked, Explained
from repositories.compile.indexes import PREFIX
from repositories.compile.search import RANK
from repositories.plan import ID

MANY_DOCUMENTS = 100
_NARROWING = frozenset(("$eq", "$in", "$all", "$gt", "$gte", "$lt", "$lte", "$elemMatch"))
FEW_ANSWERED = 10
"""A walk is dear where this many times more documents are looked at than answered."""


def advice_on(asked: Asked, explained: Explained, catalogue: Catalogue) -> list[str]:
    """A sentence or two for each thing that would be dear on a large book; nothing for a command that is not."""
    found: list[str] = []
    if explained.is_scan and explained.documents > 1:
        found.append(f"Reads the whole collection {asked.collection}: {_looked_at(explained)}.{_for_scan(asked)}")
    elif explained.documents > max(MANY_DOCUMENTS, FEW_ANSWERED * explained.returned) and not asked.has_groups:
        found.append(f"Walks the index {', '.join(explained.indexes)}: {_looked_at(explained)}.")
    # a command that names its index does so because few records are behind it
    if explained.sorts_in_memory and explained.documents > explained.returned and asked.hint is None:
        found.append(f"Sorts {explained.documents:,} documents in memory. {_for_sort(asked)}")
    # where an index of an attribute narrows already, another one would be no help
    hints = list(_hints(asked, catalogue)) if found and not _is_narrowed(asked, explained) else []
    return [*found, *hints]


def _is_narrowed(asked: Asked, explained: Explained) -> bool:
    """Whether the index of an attribute in the filter was used."""
    return not _paths_of(asked.filter).isdisjoint(each.removeprefix(PREFIX) for each in explained.indexes)


def _looked_at(explained: Explained) -> str:
    return f"{explained.documents:,} documents looked at, {explained.returned:,} returned"


def _for_scan(asked: Asked) -> str:
    if asked.has_groups and not asked.filter:
        return " A count or a group of everything has to; leave it out, or narrow it by where."
    return ""


def _for_sort(asked: Asked) -> str:
    keys = [each for each in asked.sort if each != ID]
    if asked.has_groups:
        return "Groups of all that the filter finds; narrow it, where that is much."
    if keys == [RANK]:
        return "What a search finds is sorted by how well it fits; a longer text finds fewer."
    if not keys:
        return "The filter has an index, the order by id another one; that is fine while the filter finds few."
    if len(keys) > 1:
        return f"No index serves the order by {', '.join(keys)}: order by one of them, for an index serves one key."
    return f"The index of the filter was used and not that of the order by {keys[0]}, which is fine while it finds few."


def _hints(asked: Asked, catalogue: Catalogue) -> Iterator[str]:
    """Which attributes of the filter could have an index and have none."""
    for path in sorted(_paths_of(asked.filter)):
        attribute = catalogue.find(path, asked.collection)
        if attribute is not None and not attribute.is_sortable:
            yield _hint(attribute, catalogue)


def _hint(attribute: Attribute, catalogue: Catalogue) -> str:
    in_list = attribute.is_list or catalogue.list_group_of(attribute) is not None
    if in_list or not attribute.spec.is_orderable:
        return (
            f"No index of its own can serve the filter on {attribute.path}: filter by a sortable attribute besides, or "
            f"let the setting KEHU_WILDCARD_FACETS name {attribute.facet}."
        )
    if attribute.area != CLIENTS:
        return f"{attribute.path} has no index, and {attribute.area} are few; narrow the filter where they are not."
    change = f'attributeChange(input: {{path: "{attribute.path}", isSortable: true}})'
    return f"Make {attribute.path} sortable, and an index serves the filter: {change}."


def _paths_of(query: Mapping[str, Any]) -> set[str]:
    """The paths that a query compares in a way that an index could answer."""
    found: set[str] = set()
    for key, value in query.items():
        if key in ("$and", "$or"):
            found |= {path for each in value for path in _paths_of(each)}
        elif not key.startswith("$") and _is_served(value):
            found.add(key)
    return found


def _is_served(condition: object) -> bool:
    """Whether an index narrows a condition: what excludes a value, or looks for unset, leaves nearly everything."""
    if not isinstance(condition, Mapping):
        return True
    return any(name in _NARROWING and value is not None for name, value in condition.items())
