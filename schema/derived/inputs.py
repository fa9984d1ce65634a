"""Input types of the facets and groups: what may be set, a field an attribute."""

from collections.abc import Iterator
from typing import Any

from catalogue.attribute import Attribute, Facet
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from schema.derived.fields import description_of, type_name
from schema.derived.kinds import VALUE_TYPES
from schema.fields import Marked, Row, input_type
from schema.marks import Use, mark_of_attribute


def group_inputs(catalogue: Catalogue, area: str, prefix: str, parent: str) -> Iterator[Marked]:
    """Name, annotation, description and mark of each attribute that may be set under a facet or group.

    Everything may be left out, and everything may be null, which clears it.
    """
    for attribute in catalogue.children(parent, area):
        value: Any = _value_type(catalogue, attribute, prefix)
        if value is not None:
            annotation = list[value] | None if attribute.is_list else value | None
            text = f"{description_of(attribute)} Null clears it."
            yield attribute.key, annotation, text, mark_of_attribute(attribute, Use.WRITE)


def facet_inputs(catalogue: Catalogue, area: str, prefix: str) -> Iterator[Row]:
    """One input a facet."""
    for facet in Facet:
        rows = list(group_inputs(catalogue, area, prefix, str(facet)))
        if rows:
            made: Any = input_type(f"{prefix}{facet.value.capitalize()}Input", f"Values of the facet {facet}.", rows)
            yield str(facet), made | None, f"Values of the facet {facet}; what is left out stays."


def _value_type(catalogue: Catalogue, attribute: Attribute, prefix: str) -> Any:
    if attribute.kind is not Kind.GROUP:
        return VALUE_TYPES[attribute.kind]
    rows = list(group_inputs(catalogue, attribute.area, prefix, attribute.path))
    if not rows:
        return None
    return input_type(f"{type_name(prefix, attribute.path)}Input", description_of(attribute), rows)
