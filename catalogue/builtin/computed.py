"""What a book has to know of built-in attributes that are computed, which nobody has defined in it."""

from collections.abc import Iterable
from functools import lru_cache

from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.formulas.graph import input_paths
from catalogue.relation import Relation
from catalogue.rollups.reading import rollup_inputs


def computed(rows: Iterable[Attribute], relations: Iterable[Relation]) -> tuple[Attribute, ...]:
    """The rows, where those with a formula or a rollup say what they read and since which revision."""
    plain = Catalogue(rows, relations)
    return tuple(_told(plain, each) if each.is_computed else each for each in plain.attributes)


def _told(catalogue: Catalogue, attribute: Attribute) -> Attribute:
    rollup = attribute.rollup
    if attribute.formula is not None:
        inputs = set(input_paths(catalogue, attribute.formula))
    else:
        inputs = set() if rollup is None else {f"{rollup.area}:{each}" for each in rollup_inputs(catalogue, rollup)}
    update = {"derived_from": tuple(sorted(inputs)), "formula_revision": attribute.revision}
    return attribute.model_copy(update=update)


@lru_cache(maxsize=8)
def uncomputed(catalogue: Catalogue) -> Catalogue:
    """The same catalogue for a store that computes nothing: people enter what formulas and rollups would give.

    Whoever may not read the inputs does not read the values there either.
    """
    plain = {"formula": None, "rollup": None, "formula_revision": 0}
    changed = [each.model_copy(update=plain) for each in catalogue.attributes if each.is_computed]
    return catalogue.with_attributes(changed) if changed else catalogue
