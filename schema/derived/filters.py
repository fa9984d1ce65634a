"""`where`: filter inputs from the catalogue, and predicates from what was given in them."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalogue.attribute import Attribute, Facet
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, KehuError
from catalogue.filter_json import MANY
from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import Kind, Operator
from schema.derived.fields import description_of, type_name
from schema.derived.kinds import operators_type
from schema.fields import Marked, input_type
from schema.marks import Use, mark_of_attribute

LIST_LIMIT = 1_000
DEPTH_LIMIT = 12
CONTAINS_LIMIT = 1_000
"""Units: characters. MongoDB refuses longer expressions from about 8,000 characters on."""


class BadFilter(KehuError):
    """A filter that says nothing, or too much."""

    code = ErrorCode.EMPTY_FILTER


def group_filters(catalogue: Catalogue, area: str, prefix: str, parent: str) -> Iterator[Marked]:
    """Name, annotation, description and mark of the filter of each attribute under a facet or group."""
    for attribute in catalogue.children(parent, area):
        value = _filter_type(catalogue, attribute, prefix)
        if value is not None:
            yield attribute.key, value | None, description_of(attribute), mark_of_attribute(attribute, Use.FILTER)


def facet_filters(catalogue: Catalogue, area: str, prefix: str) -> Iterator[tuple[str, Any, str]]:
    """One filter input a facet."""
    for facet in Facet:
        rows = list(group_filters(catalogue, area, prefix, str(facet)))
        if rows:
            made: Any = input_type(f"{prefix}{facet.value.capitalize()}Where", f"A filter on the facet {facet}.", rows)
            yield str(facet), made | None, f"Attributes of the facet {facet}; all of them must fit."


def _filter_type(catalogue: Catalogue, attribute: Attribute, prefix: str) -> Any:
    if attribute.kind is not Kind.GROUP:
        return operators_type(attribute, catalogue.operators(attribute))
    rows = list(group_filters(catalogue, attribute.area, prefix, attribute.path))
    if not rows:
        return None
    name = f"{type_name(prefix, attribute.path)}Where"
    if not attribute.is_list:
        return input_type(name, f"A filter on: {attribute.label}.", rows)
    item: Any = input_type(f"{name}Any", f"A filter on one item of: {attribute.label}.", rows)
    return input_type(
        name,
        f"A filter on the list: {attribute.label}.",
        [
            ("any", item | None, "At least one item fits."),
            ("isNull", bool | None, "Whether there is no list."),
        ],
    )


class Filters:
    """Turns what was given as `where` into a predicate, by the catalogue of one edition."""

    def __init__(self, catalogue: Catalogue, area: str, core: Mapping[str, str]) -> None:
        self._catalogue = catalogue
        self._area = area
        self._core = core
        """The stored path of each field that code owns."""

    def filter_from(self, where: Mapping[str, Any] | None) -> Filter | None:
        """The predicate; None where no filter is given.

        Raises: BadFilter for an empty object, a null operator, or a filter that is too deep.
        """
        return None if where is None else self._record(where, ("where",))

    def _record(self, given: Mapping[str, Any], place: tuple[str, ...]) -> Filter:
        if len(place) > DEPTH_LIMIT:
            raise _bad(place, f"A filter nests up to {DEPTH_LIMIT} levels; this one is deeper. Say it flatter.")
        parts: list[Filter] = []
        for key, value in given.items():
            here = (*place, key)
            if value is None:
                raise _bad(here, f"{_words(here)} is null, which says nothing. Leave it out, or use isNull: true.")
            if key in ("and", "or"):
                inner = tuple(self._record(each, (*here, str(at))) for at, each in enumerate(_some(value, here)))
                parts.append(And(inner) if key == "and" else Or(inner))
            elif key == "not":
                parts.append(Not(self._record(value, here)))
            elif key in self._core:
                parts.append(_comparisons(self._core[key], value, here))
            else:
                parts.append(self._group(key, value, here, prefix=""))
        return _together(parts, place)

    def _group(self, path: str, given: Mapping[str, Any], place: tuple[str, ...], prefix: str) -> Filter:
        """A facet, a group or an attribute; paths are relative to `prefix`, the list of groups it stands in."""
        attribute = self._catalogue.find(path, self._area)
        relative = path.removeprefix(prefix)
        if attribute is not None and attribute.kind is not Kind.GROUP:
            return _comparisons(relative, given, place)
        if attribute is not None and attribute.is_list:
            return self._list(path, relative, given, place)
        return _together(
            [
                self._group(f"{path}.{key}", _given(value, (*place, key)), (*place, key), prefix)
                for key, value in given.items()
            ],
            place,
        )

    def _list(self, path: str, relative: str, given: Mapping[str, Any], place: tuple[str, ...]) -> Filter:
        parts: list[Filter] = []
        for key, value in given.items():
            here = (*place, key)
            _given(value, here)
            if key == "any":
                inner = [
                    self._group(f"{path}.{name}", _given(each, (*here, name)), (*here, name), f"{path}.")
                    for name, each in value.items()
                ]
                parts.append(AnyItem(relative, _together(inner, here)))
            else:
                parts.append(Compare(relative, Operator.IS_NULL, value))
        return _together(parts, place)


def _comparisons(path: str, given: Mapping[str, Any], place: tuple[str, ...]) -> Filter:
    parts: list[Filter] = []
    for key, value in given.items():
        here = (*place, key)
        _given(value, here)
        operator = Operator(key)
        if operator in MANY:
            value = tuple(_some(value, here) if operator is not Operator.NOT_IN else value)
            if len(value) > LIST_LIMIT:
                raise _bad(here, f"{_words(here)} takes up to {LIST_LIMIT} items; got {len(value)}.")
        if operator is Operator.CONTAINS and len(value) > CONTAINS_LIMIT:
            raise _bad(here, f"{_words(here)} takes up to {CONTAINS_LIMIT} characters; got {len(value)}.")
        parts.append(Compare(path, operator, value))
    return _together(parts, place)


def _together(parts: list[Filter], place: tuple[str, ...]) -> Filter:
    if not parts:
        raise _bad(
            place, f"{_words(place)} is empty, which says nothing. Leave it out to read all, or name a condition."
        )
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _some(value: Any, place: tuple[str, ...]) -> Any:
    if not value:
        raise _bad(place, f"{_words(place)} is an empty list, which fits nothing. Leave it out, or name an item.")
    return value


def _given(value: Any, place: tuple[str, ...]) -> Any:
    if value is None:
        raise _bad(place, f"{_words(place)} is null, which says nothing. Leave it out, or use isNull: true.")
    return value


def _words(place: tuple[str, ...]) -> str:
    return ".".join(place)


def _bad(place: tuple[str, ...], message: str) -> BadFilter:
    return BadFilter(message, path=place)
