"""What is known of a value in an expression before any document is read."""

from dataclasses import dataclass, replace

from catalogue.attribute import Attribute
from catalogue.kinds import KINDS, Kind

WIDENING = (Kind.LONG, Kind.NUMBER, Kind.DECIMAL)
"""Each holds what those before it hold."""
MOMENTS = (Kind.DATE, Kind.DATETIME)


@dataclass(frozen=True, slots=True)
class Type:
    """The kind of a value, the lists around it, and whether it may be null.

    Shape: texts of all kinds are STRING; no kind at all is null, or the item of an empty list.
    """

    kind: Kind | None
    depth: int = 0
    is_nullable: bool = True
    group: str | None = None
    """Of GROUP: the path of the list of groups that the value is an item of."""

    @property
    def is_null(self) -> bool:
        return self.kind is None and self.depth == 0

    @property
    def is_number(self) -> bool:
        return self.kind in WIDENING and self.depth == 0

    @property
    def is_moment(self) -> bool:
        return self.kind in MOMENTS and self.depth == 0

    @property
    def item(self) -> "Type":
        """What stands in the list; in no list there is nothing but null."""
        return replace(self, depth=self.depth - 1, is_nullable=True) if self.depth else NULL

    @property
    def listed(self) -> "Type":
        """The list of such values."""
        return replace(self, depth=self.depth + 1, is_nullable=False)

    @property
    def nullable(self) -> "Type":
        return replace(self, is_nullable=True)

    def words(self) -> str:
        """The kind as people read it."""
        return "list of " * self.depth + (str(self.kind) if self.kind is not None else "null")


NULL = Type(None)
LONG = Type(Kind.LONG)
NUMBER = Type(Kind.NUMBER)
STRING = Type(Kind.STRING)
BOOLEAN = Type(Kind.BOOLEAN)
DATE = Type(Kind.DATE)
DATETIME = Type(Kind.DATETIME)


def certain(type_: Type) -> Type:
    """The type of a value that is never null."""
    return replace(type_, is_nullable=False)


def type_of(attribute: Attribute, lists_around: int = 0) -> Type:
    """The type of a stored value."""
    kind = Kind.STRING if KINDS[attribute.kind].is_text or attribute.kind is Kind.CLIENT else attribute.kind
    group = attribute.path if kind is Kind.GROUP else None
    return Type(kind, int(attribute.is_list) + lists_around, True, group)


def united(*types: Type) -> Type | None:
    """The narrowest type that holds the values of all; None where there is none."""
    found = types[0]
    for each in types[1:]:
        both = _united(found, each)
        if both is None:
            return None
        found = both
    return found


def _united(one: Type, other: Type) -> Type | None:
    is_nullable = one.is_nullable or other.is_nullable
    if one.is_null or other.is_null:
        return replace(other if one.is_null else one, is_nullable=True)
    if one.depth != other.depth:
        # An empty list is one of whatever stands in the other.
        thin, thick = (one, other) if one.depth < other.depth else (other, one)
        return replace(thick, is_nullable=is_nullable) if thin.kind is None else None
    if one.kind is None or other.kind is None:
        return replace(other if one.kind is None else one, is_nullable=is_nullable)
    if one.kind is other.kind:
        return replace(one, is_nullable=is_nullable) if one.group == other.group else None
    for family in (WIDENING, MOMENTS):
        if one.kind in family and other.kind in family:
            return replace(one, kind=max(one.kind, other.kind, key=family.index), is_nullable=is_nullable)
    return None
