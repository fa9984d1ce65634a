"""Attribute definitions as GraphQL shows them."""

from collections.abc import Collection
from datetime import date
from typing import Any

import strawberry

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.formulas.graph import sensitivity_of
from schema.attributes.formulas import ROWS, formula_facts
from schema.enums import AttributeKindEnum, AttributeStatusEnum, ClientKindEnum, FacetEnum, SensitivityEnum
from schema.fields import output_type, plain
from schema.node import ATTRIBUTE_PREFIX, Node
from schema.scalars import BoundText


@strawberry.type(description="One code of a CODE attribute.")
class AttributeOption:
    """A retired option stays readable and is refused in new values."""

    code: str = strawberry.field(description="The code, as it is stored.")
    label: str = strawberry.field(description="What people read instead of the code.")
    isRetired: bool = strawberry.field(name="isRetired", description="Whether new values may no longer use it.")


_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("path", str, "The path: facet, dot, key; the key of a nested attribute has dots itself."),
    ("facet", FacetEnum, "The facet it belongs to."),
    ("key", str, "The path without the facet."),
    ("label", str, "What people read as the name."),
    ("description", str, "What a value means."),
    ("kind", AttributeKindEnum, "What a value is."),
    ("isList", bool, "Whether a client has a list of values."),
    ("unit", str | None, "The unit of a number."),
    ("options", list[AttributeOption], "The codes of a CODE attribute."),
    ("minimum", BoundText | None, "The least number, date or moment allowed."),
    ("maximum", BoundText | None, "The greatest number, date or moment allowed."),
    ("minLength", int | None, "The least number of characters."),
    ("maxLength", int | None, "The greatest number of characters."),
    ("pattern", str | None, "A regular expression that a whole text must match."),
    ("requiredFor", list[ClientKindEnum], "Kinds of client that must have a value."),
    ("appliesTo", list[ClientKindEnum], "Kinds of client that may have a value."),
    ("sensitivity", SensitivityEnum, "How secret a value is."),
    ("maxAgeHours", int | None, "After how many hours a value is stale."),
    ("isExpected", bool, "Whether a client without a value is incomplete; in a group that is not, nothing is."),
    ("isSortable", bool, "Whether clients can be sorted by it: an index is kept."),
    ("isSearchable", bool, "Whether `contains` and search look into it."),
    ("isLookup", bool, "Whether a RESTRICTED value is found by `eq` and `in`: a keyed hash is kept."),
    ("retainDays", int | None, "After how many days a value is cleared, with what the history has of it."),
    ("owner", str | None, "Who answers for the definition."),
    ("status", AttributeStatusEnum, "Where it stands in its life."),
    ("successor", str | None, "The path to use instead, once deprecated."),
    ("removalOn", date | None, "The day it goes, once deprecated."),
    ("revision", int, "Counts the changes of the definition, from 1; for expectedRevision."),
    ("enumName", str, "Its name in ClientOrderField and other lists of fields."),
    *ROWS,
)

AttributeType: Any = output_type(
    "Attribute",
    "The definition of a client attribute.",
    [(name, annotation, plain(name, text)) for name, annotation, text in _FIELDS],
    (Node,),
    is_type_of=classmethod(lambda cls, source, _info: isinstance(source, dict) and "enumName" in source),
)


def attribute_value(catalogue: Catalogue, attribute: Attribute, hidden: Collection[str] = ()) -> dict[str, Any]:
    """A definition as its fields are read from it; `hidden` are paths that the reader may not know of."""
    given = attribute.model_dump()
    own = {_camel(name): value for name, value in given.items()}
    kinds = own["appliesTo"] or tuple(ClientKindEnum)
    return own | {
        "id": f"{ATTRIBUTE_PREFIX}{attribute.path}",
        "facet": attribute.facet if attribute.area == CLIENTS else None,
        "key": ".".join(attribute.segments[1:]),
        "appliesTo": list(kinds),
        "requiredFor": list(attribute.required_for),
        "options": [{_camel(name): value for name, value in each.items()} for each in given["options"]],
        "enumName": attribute.enum_name,
        "sensitivity": sensitivity_of(catalogue, attribute) if attribute.derived_from else attribute.sensitivity,
        **formula_facts(catalogue, attribute, hidden),
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
