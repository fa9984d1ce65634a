"""What a rollup of a catalogue looks at."""

import json
from collections.abc import Iterator
from functools import lru_cache

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import Refused
from catalogue.filter_json import filter_from_json
from catalogue.filters import Filter, named_paths, paths_of
from catalogue.relation import Relation
from catalogue.rollups.rollup import Rollup


def relation_of(catalogue: Catalogue, area: str) -> Relation | None:
    """How the records of an area point at clients; None where they do not."""
    return next((each for each in catalogue.relations if (each.area, each.target) == (area, CLIENTS)), None)


def moment_path(catalogue: Catalogue, rollup: Rollup) -> str | None:
    """The path of the moment of a record."""
    relation = relation_of(catalogue, rollup.area)
    listed = relation.listing.newest_by if relation is not None and relation.listing is not None else None
    return rollup.over or listed


def filter_of(catalogue: Catalogue, rollup: Rollup) -> Filter | None:
    """The predicate of a rollup, by the catalogue as it is now.

    Raises: Refused.
    """
    return None if rollup.where is None else filter_from_json(catalogue, json.loads(rollup.where), rollup.area)


def rollup_inputs(catalogue: Catalogue, rollup: Rollup) -> frozenset[str]:
    """The attributes of the area that a rollup looks at. Raises: Refused for a filter that cannot be read."""
    given = (rollup.of, moment_path(catalogue, rollup), *paths_of(filter_of(catalogue, rollup)))
    return frozenset(each for each in given if each is not None)


def is_for_members(attribute: Attribute) -> bool:
    """Whether an attribute is a rollup that only the members of a segment have a value of."""
    return attribute.rollup is not None and attribute.segment_where is not None


def members_of(catalogue: Catalogue, attribute: Attribute) -> Filter | None:
    """The predicate of the clients who have a value of a rollup; None: every client.

    Raises: Refused.
    """
    if attribute.rollup is None or attribute.segment_where is None:
        return None
    return filter_from_json(catalogue, json.loads(attribute.segment_where))


def member_paths(catalogue: Catalogue, attribute: Attribute) -> frozenset[str]:
    """What of a client says whether a rollup gives a value; nothing where the catalogue does not fit it any more."""
    try:
        return named_paths(members_of(catalogue, attribute))
    except Refused:
        return frozenset()


def rolled_up(catalogue: Catalogue) -> tuple[Attribute, ...]:
    """The live attributes that come from related records, in order of their path."""
    return _rolled_up(catalogue)


def for_members_of(catalogue: Catalogue, code: str) -> list[Attribute]:
    """The live rollups for the members of a segment, in order of their path."""
    return [each for each in rolled_up(catalogue) if each.rollup is not None and each.rollup.segment == code]


@lru_cache(maxsize=8)
def _rolled_up(catalogue: Catalogue) -> tuple[Attribute, ...]:
    return tuple(_live(catalogue))


def _live(catalogue: Catalogue) -> Iterator[Attribute]:
    for each in catalogue.area(CLIENTS).values():
        if each.rollup is not None and catalogue.is_live(each):
            yield each
