"""What a formula gives, in plain Python: written from MongoDB's manual and docs/derived.md, not from the compiler.

Values are those of Python: None, bool, int, float, Decimal, str, datetime, lists, and dictionaries for items of groups.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import Decimal128

from catalogue.attribute import Attribute
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from tests.formula_dates import NAMED
from tests.formula_operators import COMPARISONS, PLAIN, present

_TEXTS = (Kind.STRING, Kind.TEXT, Kind.CODE, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.CLIENT)


class Evaluator:
    """Works out expressions over one stored document."""

    def __init__(self, catalogue: Catalogue, document: Mapping[str, Any], at: datetime) -> None:
        self.catalogue, self.document, self.at = catalogue, document, at

    def value(self, given: Any, names: Mapping[str, tuple[Any, str | None]] | None = None) -> Any:
        """What an expression comes to; names are variables, each with the group that it is an item of."""
        known = names or {}
        if isinstance(given, str):
            return self._text(given, known)
        if isinstance(given, list):
            return [self.value(each, known) for each in given]
        if not isinstance(given, dict):
            return given
        ((operator, inner),) = given.items()
        special = getattr(self, "_either" if operator == "$ifNull" else f"_{operator[1:]}", None)
        if special is not None:
            return special(inner, known)
        if isinstance(inner, dict) and operator in NAMED and not any(name.startswith("$") for name in inner):
            return NAMED[operator]({name: self.value(each, known) for name, each in inner.items()})
        arguments = [self.value(each, known) for each in (inner if isinstance(inner, list) else [inner])]
        if operator in COMPARISONS and any(each is None or each == {"$literal": None} for each in inner):
            return present(operator, *arguments)
        if operator in NAMED:
            return NAMED[operator]({"date": arguments[0]})
        return PLAIN[operator](*arguments)

    def _text(self, given: str, known: Mapping[str, tuple[Any, str | None]]) -> Any:
        if given == "$$NOW":
            return self.at
        if given.startswith("$$"):
            name, _, path = given[2:].partition(".")
            value, group = known[name]
            if not path:
                return value
            attribute = self.catalogue.find(f"{group}.{path}")
            assert attribute is not None
            return typed(attribute, at_path(value, path))
        return self.read(given[1:]) if given.startswith("$") else given

    def read(self, path: str) -> Any:
        """The value at a path, if it is of the kind of its attribute."""
        attribute = self.catalogue.find(path)
        if attribute is None:
            return at_path(self.document, path)
        holder = self.catalogue.list_group_of(attribute)
        if holder is None or holder.path == path:
            return typed(attribute, at_path(self.document, path))
        items = at_path(self.document, holder.path)
        if not isinstance(items, list):
            return None
        found = [at_path(each, path.removeprefix(f"{holder.path}.")) for each in items if isinstance(each, dict)]
        kept = [single(attribute.kind, each) for each in found]
        return [each for each in kept if each is not None]

    def _literal(self, inner: Any, _known: Any) -> Any:
        return inner

    def _cond(self, inner: Any, known: Any) -> Any:
        case, then, other = inner if isinstance(inner, list) else (inner["if"], inner["then"], inner["else"])
        truth = self.value(case, known)
        return None if truth is None else self.value(then if truth else other, known)

    def _switch(self, inner: Any, known: Any) -> Any:
        truths = [self.value(branch["case"], known) for branch in inner["branches"]]
        if True in truths:
            return self.value(inner["branches"][truths.index(True)]["then"], known)
        return None if None in truths else self.value(inner.get("default"), known)

    def _either(self, inner: Any, known: Any) -> Any:
        values = [self.value(each, known) for each in inner]
        return next((each for each in values if each is not None), None)

    def _let(self, inner: Any, known: Any) -> Any:
        more = {name: (self.value(each, known), None) for name, each in inner["vars"].items()}
        return self.value(inner["in"], {**known, **more})

    def _items(self, inner: Any, known: Any) -> tuple[list[Any] | None, str | None]:
        source = inner["input"]
        return self.value(source, known), source[1:] if isinstance(source, str) else None

    def _map(self, inner: Any, known: Any) -> Any:
        items, group = self._items(inner, known)
        name = inner.get("as", "this")
        return None if items is None else [self.value(inner["in"], {**known, name: (each, group)}) for each in items]

    def _filter(self, inner: Any, known: Any) -> Any:
        items, group = self._items(inner, known)
        name = inner.get("as", "this")
        if items is None:
            return None
        return [each for each in items if self.value(inner["cond"], {**known, name: (each, group)})]

    def _reduce(self, inner: Any, known: Any) -> Any:
        items, group = self._items(inner, known)
        if items is None:
            return None
        value = self.value(inner["initialValue"], known)
        for each in items:
            value = self.value(inner["in"], {**known, "this": (each, group), "value": (value, None)})
        return value


def at_path(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def typed(attribute: Attribute, value: Any) -> Any:
    """A stored value of its attribute's kind; null for any other, and items of other kinds are left out."""
    if not attribute.is_list:
        return single(attribute.kind, value)
    if not isinstance(value, list):
        return None
    return [kept for each in value if (kept := single(attribute.kind, each)) is not None]


def single(kind: Kind, value: Any) -> Any:
    if isinstance(value, Decimal128):
        value = value.to_decimal()
        return value if kind is Kind.DECIMAL and value.is_finite() else None
    if kind is Kind.GROUP:
        return value if isinstance(value, dict) else None
    if kind in _TEXTS:
        return value if isinstance(value, str) else None
    if kind is Kind.BOOLEAN:
        return value if isinstance(value, bool) else None
    if kind in (Kind.DATE, Kind.DATETIME):
        return value if isinstance(value, datetime) else None
    if isinstance(value, bool):
        return None
    if kind is Kind.LONG:
        return int(value) if isinstance(value, int) else None
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if kind is Kind.NUMBER and is_number else None
