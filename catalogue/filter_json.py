"""Predicates over records as JSON in the shape of `where`, and back: how one is kept, shown and given in files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from catalogue.attribute import CLIENTS, Attribute, ClientKind, ClientStage, Facet
from catalogue.catalogue import Catalogue, unknown_attribute
from catalogue.errors import ErrorCode, Problem, Refused, shown
from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or
from catalogue.kinds import KINDS, Kind, Operator, parse_value

Json = Any

DEPTH_LIMIT = 12
ITEM_LIMIT = 1_000
TEXT_LIMIT = 1_000
"""Units: characters of one operand."""

CORE_PATHS: Mapping[str, str] = {"number": "number", "kind": "kind", "stage": "stage", "manager": "managerId"}
"""The stored path of each field of a client that code owns and a filter may look at."""
MANY = frozenset((Operator.IN, Operator.NOT_IN, Operator.CONTAINS_ANY, Operator.CONTAINS_ALL))
"""Operators that take a list."""
_MAY_BE_EMPTY = Operator.NOT_IN

_CORE_NAMES = {path: name for name, path in CORE_PATHS.items()}
_CORE_KINDS = {"number": Kind.STRING, "kind": Kind.CODE, "stage": Kind.CODE, "managerId": Kind.STRING}
_CORE_VALUES: Mapping[str, Sequence[str]] = {"kind": tuple(ClientKind), "stage": tuple(ClientStage)}
_NO_CORE_OPERATORS = {
    "number": (Operator.CONTAINS,),
    "kind": (Operator.STARTS_WITH,),
    "stage": (Operator.STARTS_WITH,),
    "managerId": (Operator.STARTS_WITH, Operator.CONTAINS, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE),
}


def json_from_filter(predicate: Filter) -> dict[str, Json]:
    """A predicate as it would be given as `where`.

    Shape: {"profile": {"industry": {"eq": "BANKS"}}, "or": [..]}; dates, moments and decimals are texts.
    Raises: ValueError for a full-text search, which is no part of `where`.
    """
    match predicate:
        case Compare(path, operator, value):
            return _nested(path, {str(operator): _plain(value)})
        case AnyItem(path, part):
            return _nested(path, {"any": json_from_filter(part)})
        case Not(part):
            return {"not": json_from_filter(part)}
        case Or(parts):
            return {"or": [json_from_filter(each) for each in parts]}
        case And(parts):
            return _together([json_from_filter(each) for each in parts])
        case _:
            raise ValueError("a search has no place in `where`")


def filter_from_json(catalogue: Catalogue, given: Json, area: str = CLIENTS) -> Filter:
    """The predicate that JSON in the shape of `where` says, by the catalogue as it is now.

    Raises: Refused with every problem, each with its place: an unknown attribute, an operator that is not offered, a
    value of another kind, an empty object. Records of other areas than clients have no facets and no core fields.
    """
    reader = _Reader(catalogue, area)
    found = reader.record(given, ("where",))
    if reader.problems or found is None:
        raise Refused(reader.problems)
    return found


def _plain(value: object) -> Json:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _nested(path: str, inner: dict[str, Json]) -> dict[str, Json]:
    for word in reversed(_CORE_NAMES.get(path, path).split(".")):
        inner = {word: inner}
    return inner


def _together(parts: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """One object that says all the parts, where none says twice what another says; else a list of them."""
    whole: dict[str, Json] = {}
    for each in parts:
        merged = _merged(whole, each)
        if merged is None:
            return {"and": list(parts)}
        whole = merged
    return whole


def _merged(one: Mapping[str, Json], other: Mapping[str, Json]) -> dict[str, Json] | None:
    result = dict(one)
    for key, value in other.items():
        if key not in result:
            result[key] = value
        elif key not in ("any", "not") and isinstance(value, dict) and isinstance(result[key], dict):
            inner = _merged(result[key], value)
            if inner is None:
                return None
            result[key] = inner
        else:
            return None
    return result


class _Reader:
    """Reads one filter; what is wrong is gathered, so that all of it is told at once."""

    def __init__(self, catalogue: Catalogue, area: str) -> None:
        self._catalogue = catalogue
        self._area = area
        self._facets = tuple(Facet) if area == CLIENTS else ()
        self._core_paths = CORE_PATHS if area == CLIENTS else {}
        self.problems: list[Problem] = []

    def record(self, given: Json, place: tuple[str, ...]) -> Filter | None:
        if not self._is_object(given, place):
            return None
        parts: list[Filter | None] = []
        for key, value in given.items():
            here = (*place, key)
            if key in ("and", "or"):
                inner = self._all(value, here)
                if inner:
                    parts.append(And(inner) if key == "and" else Or(inner))
            elif key == "not":
                part = self.record(value, here)
                parts.append(None if part is None else Not(part))
            elif key in self._core_paths:
                parts.append(self._core(self._core_paths[key], value, here))
            elif key in self._facets or self._area != CLIENTS:
                parts.append(self._group(key, value, here, prefix=""))
            else:
                self._unknown(key, here)
        return _one_of(parts)

    def _all(self, given: Json, place: tuple[str, ...]) -> tuple[Filter, ...]:
        if not isinstance(given, list) or not given:
            self._wrong(place, given, "a list with at least one filter")
            return ()
        if len(given) > ITEM_LIMIT:
            self._wrong(place, len(given), f"up to {ITEM_LIMIT} filters")
            return ()
        read = [self.record(each, (*place, str(at))) for at, each in enumerate(given)]
        return tuple(each for each in read if each is not None)

    def _group(self, path: str, given: Json, place: tuple[str, ...], prefix: str) -> Filter | None:
        """A facet, a group or an attribute; what is compared is named from `prefix` on."""
        attribute = self._catalogue.find(path, self._area)
        if not self._is_object(given, place):
            return None
        relative = path.removeprefix(prefix)
        if path not in self._facets and (attribute is None or not self._catalogue.is_live(attribute)):
            self._unknown(path, place)
            return None
        if attribute is not None and attribute.kind is not Kind.GROUP:
            return self._comparisons(attribute, relative, given, place)
        if attribute is not None and attribute.is_list:
            return self._list(attribute, relative, given, place)
        return _one_of([self._group(f"{path}.{key}", each, (*place, key), prefix) for key, each in given.items()])

    def _list(
        self, attribute: Attribute, relative: str, given: Mapping[str, Json], place: tuple[str, ...]
    ) -> Filter | None:
        parts: list[Filter | None] = []
        for key, value in given.items():
            here = (*place, key)
            if key == "any" and self._is_object(value, here):
                inner = [
                    self._group(f"{attribute.path}.{name}", each, (*here, name), f"{attribute.path}.")
                    for name, each in value.items()
                ]
                part = _one_of(inner)
                parts.append(None if part is None else AnyItem(relative, part))
            elif key == "isNull" and isinstance(value, bool):
                parts.append(Compare(relative, Operator.IS_NULL, value))
            elif key != "any":
                self._wrong(here, value, "any with a filter on an item, or isNull with true or false")
        return _one_of(parts)

    def _core(self, path: str, given: Json, place: tuple[str, ...]) -> Filter | None:
        if not self._is_object(given, place):
            return None
        kind = _CORE_KINDS[path]
        offered = tuple(each for each in KINDS[kind].operators if each not in _NO_CORE_OPERATORS[path])
        values = _CORE_VALUES.get(path)

        def parse(value: object) -> object:
            if values is not None and value not in values:
                raise ValueError(f"one of {', '.join(values)}")
            return parse_value(Kind.STRING, value)

        return self._each(path, offered, parse, given, place)

    def _comparisons(
        self, attribute: Attribute, relative: str, given: Mapping[str, Json], place: tuple[str, ...]
    ) -> Filter | None:
        # A filter on a text takes any text, also half an address or a code that is no more.
        kind = Kind.STRING if attribute.spec.is_text else attribute.kind
        return self._each(
            relative, self._catalogue.operators(attribute), lambda value: parse_value(kind, value), given, place
        )

    def _each(
        self,
        path: str,
        offered: Sequence[Operator],
        parse: Callable[[object], object],
        given: Mapping[str, Json],
        place: tuple[str, ...],
    ) -> Filter | None:
        parts: list[Filter | None] = []
        for key, value in given.items():
            here = (*place, key)
            if key not in offered:
                self._wrong(here, key, f"one of {', '.join(offered)}")
                continue
            operator = Operator(key)
            try:
                parts.append(Compare(path, operator, _operand(operator, value, parse)))
            except ValueError as error:
                self._wrong(here, value, str(error))
        return _one_of(parts)

    def _is_object(self, given: Json, place: tuple[str, ...]) -> bool:
        if len(place) > DEPTH_LIMIT:
            self._wrong(place, "a deeper one", f"a filter of up to {DEPTH_LIMIT} levels")
            return False
        if isinstance(given, dict) and given:
            return True
        message = (
            f"{'.'.join(place)} takes an object that says something; got {shown(given)}. Leave it out to read all."
        )
        self.problems.append(Problem(ErrorCode.EMPTY_FILTER, message, place, shown(given), "an object"))
        return False

    def _unknown(self, path: str, place: tuple[str, ...]) -> None:
        self.problems += [replace(each, path=place) for each in unknown_attribute(path).problems()]

    def _wrong(self, place: tuple[str, ...], given: object, expected: str) -> None:
        message = f"{'.'.join(place)} takes {expected}; got {shown(given)}."
        self.problems.append(Problem(ErrorCode.INVALID_VALUE, message, place, shown(given), expected))


def _operand(operator: Operator, value: object, parse: Callable[[object], object]) -> object:
    """Raises: ValueError, with what is expected."""
    if operator is Operator.IS_NULL:
        return parse_value(Kind.BOOLEAN, value)
    if operator not in MANY:
        parsed = parse(value)
        if isinstance(parsed, str) and len(parsed) > TEXT_LIMIT:
            raise ValueError(f"up to {TEXT_LIMIT} characters")
        return parsed
    if not isinstance(value, list) or len(value) > ITEM_LIMIT or not (value or operator is _MAY_BE_EMPTY):
        raise ValueError(f"a list of up to {ITEM_LIMIT} items, not empty")
    return tuple(parse(each) for each in value)


def _one_of(parts: Sequence[Filter | None]) -> Filter | None:
    given = tuple(each for each in parts if each is not None)
    return And(given) if len(given) > 1 else given[0] if given else None
