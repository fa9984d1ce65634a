"""Output types of the facets and groups, a field an attribute."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.field import StrawberryField

from catalogue.attribute import CLIENTS, Attribute, Status
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from schema.derived.kinds import VALUE_TYPES
from schema.fields import Fields, output_type, plain, related
from schema.marks import Use, mark_of_attribute
from schema.planning.reads import LIST_ITEMS, by_id


@dataclass(frozen=True, slots=True)
class Reference:
    """The type that values of kind CLIENT become, which is complete only after the types that point at it."""

    type_name: str
    read: Callable[[str, strawberry.Info, Sequence[Any]], Awaitable[Sequence[Any]]]
    """Reads the records that the values under a key, in each of the holders, point at."""
    namespace: dict[str, Any] = field(default_factory=dict)
    """Where the type is put, by its name, once it is there."""

    def annotation(self, is_list: bool) -> StrawberryAnnotation:
        """The type of a field, looked up when the schema is put together."""
        one = f"{self.type_name} | None"
        return StrawberryAnnotation(f"list[{self.type_name}] | None" if is_list else one, namespace=self.namespace)


def group_types(catalogue: Catalogue, area: str, prefix: str, parent: str, reference: Reference) -> Fields:
    """Name, annotation and field of each live attribute under a facet or group.

    Shape: the types of inner groups are made on the way, from the inside out.
    """
    for attribute in catalogue.children(parent, area):
        yield attribute.key, *_field(catalogue, attribute, prefix, reference)


def type_name(prefix: str, path: str) -> str:
    """ClientProfileLocation from Client and profile.location."""
    return prefix + "".join(f"{word[0].upper()}{word[1:]}" for word in path.split("."))


def description_of(attribute: Attribute) -> str:
    """What people read beside the field: meaning, unit and codes."""
    words = [f"{attribute.label}: {attribute.description}"]
    if attribute.unit:
        words.append(f"Unit: {attribute.unit}.")
    if attribute.options:
        shown = [f"{option.code} ({option.label})" for option in attribute.options[:12]]
        words.append(f"Codes: {', '.join(shown)}{' …' if len(attribute.options) > 12 else ''}.")
    return " ".join(words)


def deprecation_of(attribute: Attribute) -> str | None:
    """Why not to use the attribute any more."""
    if attribute.status is not Status.DEPRECATED:
        return None
    instead = f"Use {attribute.successor} instead." if attribute.successor else "Use it no more."
    return f"{instead} Goes on {attribute.removal_on}." if attribute.removal_on else instead


def _field(
    catalogue: Catalogue, attribute: Attribute, prefix: str, reference: Reference
) -> tuple[Any, StrawberryField]:
    description, reason = description_of(attribute), deprecation_of(attribute)
    if attribute.kind is Kind.CLIENT:
        late = reference.annotation(attribute.is_list)
        reads = by_id(CLIENTS, LIST_ITEMS if attribute.is_list else 1)
        own = related(partial(reference.read, attribute.key), attribute.key, object, description, reads=reads)
        own.deprecation_reason = reason
        own.metadata = MappingProxyType(mark_of_attribute(attribute, Use.READ))
        return late, own
    if attribute.kind is Kind.GROUP:
        inner = list(group_types(catalogue, attribute.area, prefix, attribute.path, reference))
        value: Any = output_type(type_name(prefix, attribute.path), description, inner or [_nothing_yet()])
    else:
        value = VALUE_TYPES[attribute.kind]
    annotation = list[value] | None if attribute.is_list else value | None
    return annotation, plain(attribute.key, description, reason, metadata=mark_of_attribute(attribute, Use.READ))


def _nothing_yet() -> tuple[str, Any, StrawberryField]:
    """GraphQL has no type without a field; a group is empty until its first attribute is defined."""
    return "isEmpty", bool | None, plain("isEmpty", "This group has no attributes yet.")
