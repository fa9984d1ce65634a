"""What a saved filter means by the catalogue of the moment: its predicate, what is wrong with it, how it goes on."""

from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import dataclass, replace

from catalogue.attribute import Attribute, Status
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem, Refused
from catalogue.filter_codes import code_problems, codes_of
from catalogue.filter_json import Json, filter_from_json, json_from_filter
from catalogue.filters import And, AnyItem, Compare, Filter, Not, Or, named_paths


@dataclass(frozen=True, slots=True)
class SavedProblem:
    """Something about a saved filter that whoever keeps it should mend."""

    message: str
    path: str | None = None
    successor: str | None = None
    is_breaking: bool = True
    """Whether nobody fits until it is mended."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a saved `where` comes to."""

    predicate: Filter | None
    """None where it is broken: never all clients."""
    problems: tuple[SavedProblem, ...] = ()
    migrated: Json = None
    """The `where` with the successors of deprecated attributes in their place; None where that is no other one."""


def meaning_of(catalogue: Catalogue, where: Json, unknown: Some[str] = ()) -> Meaning:
    """What a stored `where` means; paths that are `unknown` to the viewer are not offered to him as successors."""
    try:
        predicate = filter_from_json(catalogue, where)
    except Refused as refused:
        return Meaning(None, tuple(SavedProblem(each.message, ".".join(each.path)) for each in refused.problems()))
    wrong = code_problems(codes_of(catalogue), predicate)
    if wrong:
        return Meaning(None, tuple(SavedProblem(each.message, ".".join(each.path)) for each in wrong))
    secret = restricted_problems(catalogue, predicate)
    if secret:
        return Meaning(None, tuple(SavedProblem(each.message, each.given) for each in secret))
    old = [each for each in _looked_at(catalogue, predicate) if each.status is Status.DEPRECATED]
    problems = tuple(_deprecated(each, unknown) for each in old)
    return Meaning(predicate, problems, _migrated(catalogue, predicate, unknown) if old else None)


def restricted_problems(catalogue: Catalogue, predicate: Filter) -> list[Problem]:
    """A problem for each RESTRICTED attribute that a predicate looks at."""
    return [
        Problem(
            ErrorCode.INVALID_VALUE,
            f"A segment cannot look at {each.path}, which is RESTRICTED: what it is compared with would be stored in "
            "clear, and who is in the segment would tell the value. Ask with `where` instead.",
            ("where",),
            each.path,
            "attributes that are not RESTRICTED",
        )
        for each in _looked_at(catalogue, predicate)
        if catalogue.is_restricted(each)
    ]


def _looked_at(catalogue: Catalogue, predicate: Filter) -> list[Attribute]:
    found = [catalogue.find(path) for path in sorted(named_paths(predicate))]
    return [each for each in found if each is not None]


def _deprecated(attribute: Attribute, unknown: Some[str]) -> SavedProblem:
    successor = attribute.successor if attribute.successor not in unknown else None
    goes = "" if attribute.removal_on is None else f" and goes on {attribute.removal_on.isoformat()}"
    advice = "change the segment before it goes" if successor is None else f"use {successor} instead"
    return SavedProblem(
        f"{attribute.path} is deprecated{goes}: {advice}.", attribute.path, successor, is_breaking=False
    )


def _migrated(catalogue: Catalogue, predicate: Filter, unknown: Some[str]) -> Json:
    """The predicate over the successors, as JSON; None where it is the same, or not offered by them."""
    successors = {
        each.path: each.successor
        for each in _looked_at(catalogue, predicate)
        if each.status is Status.DEPRECATED and each.successor is not None and each.successor not in unknown
    }
    moved = _renamed(predicate, successors)
    if moved == predicate:
        return None
    given = json_from_filter(moved)
    try:
        found = filter_from_json(catalogue, given)
    except Refused:
        return None
    return None if restricted_problems(catalogue, found) or code_problems(codes_of(catalogue), found) else given


def _renamed(predicate: Filter, names: Mapping[str, str], prefix: str = "") -> Filter:
    match predicate:
        case Compare(path):
            return replace(predicate, path=_new_path(path, names, prefix))
        case AnyItem(path, part):
            return AnyItem(_new_path(path, names, prefix), _renamed(part, names, f"{prefix}{path}."))
        case Not(part):
            return Not(_renamed(part, names, prefix))
        case And(parts):
            return And(tuple(_renamed(each, names, prefix) for each in parts))
        case Or(parts):
            return Or(tuple(_renamed(each, names, prefix) for each in parts))
        case _:
            return predicate


def _new_path(path: str, names: Mapping[str, str], prefix: str) -> str:
    """The path instead of one; an item of a list of groups has no successor outside of it."""
    new = names.get(prefix + path)
    return path if new is None or not new.startswith(prefix) else new.removeprefix(prefix)
