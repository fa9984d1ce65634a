"""What a rollup of a catalogue looks at."""

import json
from collections.abc import Iterator
from functools import lru_cache

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.filter_json import filter_from_json
from catalogue.filters import Filter, paths_of
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


def rolled_up(catalogue: Catalogue) -> tuple[Attribute, ...]:
    """The live attributes that come from related records, in order of their path."""
    return _rolled_up(catalogue)


@lru_cache(maxsize=8)
def _rolled_up(catalogue: Catalogue) -> tuple[Attribute, ...]:
    return tuple(_live(catalogue))


def _live(catalogue: Catalogue) -> Iterator[Attribute]:
    for each in catalogue.area(CLIENTS).values():
        if each.rollup is not None and catalogue.is_live(each):
            yield each
