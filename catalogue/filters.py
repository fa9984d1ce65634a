"""Predicates over the attributes of a record, as frozen values; the language of `where` and of the policy alike."""

from dataclasses import dataclass

from catalogue.kinds import Operator


@dataclass(frozen=True, slots=True)
class Compare:
    """One attribute against one value; a tuple of values for the operators that take several."""

    path: str
    operator: Operator
    value: object


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


@dataclass(frozen=True, slots=True)
class AnyItem:
    """At least one item of a list of groups fits; paths in the part are relative to the item."""

    path: str
    part: "Filter"


@dataclass(frozen=True, slots=True)
class Search:
    """A folded text stands somewhere in the words of a record, at one of the paths."""

    text: str
    paths: tuple[str, ...]


Filter = Compare | And | Or | Not | AnyItem | Search


def all_of(*parts: Filter | None) -> Filter | None:
    """Every given predicate at once; None where there is none."""
    given = tuple(each for each in parts if each is not None)
    return And(given) if len(given) > 1 else given[0] if given else None


def paths_of(predicate: Filter | None, prefix: str = "") -> frozenset[str]:
    """Every path that a predicate looks at."""
    match predicate:
        case None:
            return frozenset()
        case Compare(path):
            return frozenset((prefix + path,))
        case Not(part):
            return paths_of(part, prefix)
        case AnyItem(path, part):
            return paths_of(part, f"{prefix}{path}.")
        case Search(_, paths):
            return frozenset(paths)
        case And(parts) | Or(parts):
            return frozenset().union(*(paths_of(each, prefix) for each in parts))


def named_paths(predicate: Filter | None) -> frozenset[str]:
    """Every path that somebody has named: the lists of groups themselves too, but nothing of a search."""
    match predicate:
        case None | Search():
            return frozenset()
        case And(parts) | Or(parts):
            return frozenset().union(*(named_paths(each) for each in parts))
        case Not(part):
            return named_paths(part)
        case AnyItem(path, _):
            return paths_of(predicate) | {path}
        case _:
            return paths_of(predicate)
