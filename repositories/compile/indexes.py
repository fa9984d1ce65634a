"""The indexes of a collection, from the catalogue: one a sortable path, within the 64 that MongoDB allows."""

from collections.abc import Collection, Sequence

from catalogue.attribute import Attribute, Facet
from catalogue.catalogue import Catalogue
from catalogue.filters import And, Compare, Filter, Or, Search
from catalogue.kinds import Operator
from repositories.compile.pages import UNIQUE
from repositories.plan import Order

INDEX_LIMIT = 64
RESERVED = 14
"""Kept for the id, unique values, clients who were merged, the access rule, search, look-ups, and one a facet."""
SORTABLE_LIMIT = INDEX_LIMIT - RESERVED
ID_INDEX = "_id_"
"""What MongoDB calls the index of the ids."""
PREFIX = "order_"
"""Indexes whose name starts so are the catalogue's; all others are left alone."""
FACET_INDEXES = {facet: f"facet_{facet}" for facet in Facet}
"""The names of the wildcard indexes, by facet."""


def order_index(attribute: Attribute) -> tuple[list[tuple[str, int]], str]:
    """The keys and the name of the index that serves a sortable attribute.

    Shape: ([("profile.name", 1), ("_id", 1)], "order_profile.name"); read backwards it serves DESC too.
    """
    return [(attribute.path, 1), ("_id", 1)], f"{PREFIX}{attribute.path}"


def index_of_order(catalogue: Catalogue, area: str, order: Sequence[Order]) -> str | None:
    """The name of the index that serves an order; None where the server has to sort.

    Shape: "order_derived.clientValue"; "_id_" without an order, because the id breaks ties.
    """
    if not order:
        return ID_INDEX
    if len(order) == 1 and order[0].path in UNIQUE:
        return order[0].path
    found = catalogue.find(order[0].path, area)
    is_served = len(order) == 1 and found is not None and found.is_sortable and catalogue.is_live(found)
    return order_index(found)[1] if is_served and found is not None else None


_SEEKS = frozenset(
    (Operator.EQ, Operator.IN, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE, Operator.STARTS_WITH)
)


def is_served(catalogue: Catalogue, area: str, predicate: Filter | None, indexed: Collection[str] = ()) -> bool:
    """Whether an index narrows down what a filter looks at; without a filter all is looked at in order.

    `indexed` are the paths that code owns an index of. Wildcard indexes of facets are a setting and not counted.
    """
    match predicate:
        case None | Search():
            return True
        case And(parts):
            return any(is_served(catalogue, area, each, indexed) for each in parts)
        case Or(parts):
            return all(is_served(catalogue, area, each, indexed) for each in parts)
        case Compare(path, operator) if operator in _SEEKS:
            found = catalogue.find(path, area)
            if found is None or not catalogue.is_live(found):
                return path in indexed
            # An encrypted value is compared by its keyed hash, and all hashes have one index.
            is_hashed = found.is_lookup and catalogue.is_restricted(found)
            return path in indexed or is_hashed or (found.is_sortable and not catalogue.is_restricted(found))
    return False


def facet_keys(facet: Facet) -> tuple[tuple[str, int], ...]:
    """The keys of the index that serves a filter on any one attribute of a facet.

    Shape: (("profile.$**", 1),).
    Cost: an entry for every value of the facet in every document.
    """
    return ((f"{facet}.$**", 1),)
