"""How a catalogue and a list of wanted definitions differ, attribute by attribute and field by field."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from catalogue.attribute import Attribute, Sensitivity, Status
from catalogue.bounds import bound_value
from catalogue.catalogue import Catalogue
from catalogue.written import OF_ITS_STAGE


class Level(StrEnum):
    """How a difference would be felt."""

    SAFE = "safe"
    DANGEROUS = "dangerous"
    """Somebody may be disturbed: a reader, a query or whoever enters values."""
    LOSES_DATA = "loses data"


class Verb(StrEnum):
    """What would become of an attribute."""

    ADDED = "added"
    CHANGED = "changed"
    MISSING = "missing"
    """It is here and not among the wanted ones: it stays as it is."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a definition."""

    name: str
    old: Any
    """As JSON; None where it has its default and that is null."""
    new: Any
    level: Level
    why: str = ""
    """What it means, where it is not safe."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute that is otherwise, or not at all, on the other side."""

    verb: Verb
    present: Attribute | None
    wanted: Attribute | None
    fields: tuple[FieldChange, ...] = ()

    @property
    def attribute(self) -> Attribute:
        """Whichever there is, the wanted one first."""
        found = self.wanted or self.present
        assert found is not None
        return found

    @property
    def level(self) -> Level:
        """The worst of its fields."""
        return max((each.level for each in self.fields), key=list(Level).index, default=Level.SAFE)


def differences(built_in: Catalogue, present: Catalogue, wanted: Iterable[Attribute]) -> list[Difference]:
    """What is to be added or changed to have the wanted definitions, and what is here besides.

    A wanted one that is retired and was never here is no difference: there is nothing to retire.
    Order: by area and path.
    """
    found: list[Difference] = []
    named: set[tuple[str, str]] = set()
    for each in wanted:
        named.add((each.area, each.path))
        here = present.find(each.path, each.area)
        if here is None:
            if each.status is not Status.RETIRED:
                found.append(Difference(Verb.ADDED, None, each))
        elif fields := field_changes(here, each):
            found.append(Difference(Verb.CHANGED, here, each, tuple(fields)))
    found += [
        Difference(Verb.MISSING, each, None)
        for each in present.attributes
        if (each.area, each.path) not in named
        and each.status is not Status.RETIRED
        and _differs(built_in.find(each.path, each.area), each)
    ]
    return sorted(found, key=lambda each: (each.attribute.area, each.attribute.path))


def defined_here(built_in: Catalogue, present: Catalogue) -> list[Attribute]:
    """The definitions that were made or changed at run time, those that were changed back too."""
    return [each for each in present.attributes if built_in.find(each.path, each.area) != each]


def _differs(built_in: Attribute | None, present: Attribute) -> bool:
    return built_in is None or bool(field_changes(built_in, present))


def field_changes(before: Attribute, after: Attribute) -> list[FieldChange]:
    """The fields that differ, whatever fields the model has."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    changes = []
    for name in type(before).model_fields:
        if name not in OF_ITS_STAGE and old[name] != new[name]:
            level, why = _LEVELS.get(name, _other)(before, after)
            changes.append(FieldChange(name, old[name], new[name], level, why))
    return changes


Judged = tuple[Level, str]
_SAFE: Judged = (Level.SAFE, "")


def _safe(_before: Attribute, _after: Attribute) -> Judged:
    return _SAFE


def _other(_before: Attribute, _after: Attribute) -> Judged:
    return Level.DANGEROUS, "values, or who reads them, may come out otherwise"


def _fixed(_before: Attribute, _after: Attribute) -> Judged:
    return Level.LOSES_DATA, "stored values are of the other shape; define another attribute and deprecate this one"


def _unit(_before: Attribute, _after: Attribute) -> Judged:
    return Level.DANGEROUS, "stored numbers stay and would mean something else"


def _options(before: Attribute, after: Attribute) -> Judged:
    kept = {each.code: each for each in after.options}
    gone = [each.code for each in before.options if each.code not in kept]
    if gone:
        return Level.LOSES_DATA, f"keep {', '.join(gone)} with is_retired: true, for values of it may be stored"
    retired = [each.code for each in before.options if kept[each.code].is_retired and not each.is_retired]
    return (Level.DANGEROUS, f"{', '.join(retired)} is refused in new values") if retired else _SAFE


def _bound(name: str, sign: int) -> Callable[[Attribute, Attribute], Judged]:
    """A rule that is a limit: `sign` is 1 where a greater one is narrower."""

    def judged(before: Attribute, after: Attribute) -> Judged:
        old, new = getattr(before, name), getattr(after, name)
        if name in ("minimum", "maximum"):
            if before.kind is not after.kind:
                return _SAFE  # What becomes of another kind is judged by itself.
            now = datetime.now(UTC)
            old, new = (None if each is None else bound_value(after.kind, each, now) for each in (old, new))
        is_narrower = new is not None and (old is None or (new > old if sign > 0 else new < old))
        return (Level.DANGEROUS, "narrower: values that were taken are refused") if is_narrower else _SAFE

    return judged


def _pattern(_before: Attribute, after: Attribute) -> Judged:
    return _SAFE if after.pattern is None else (Level.DANGEROUS, "values that were taken may be refused")


def _required(before: Attribute, after: Attribute) -> Judged:
    more = set(after.required_for) - set(before.required_for)
    return (Level.DANGEROUS, "new clients without a value are refused") if more else _SAFE


def _applies(before: Attribute, after: Attribute) -> Judged:
    is_wider = not after.applies_to or (before.applies_to and set(after.applies_to) >= set(before.applies_to))
    return _SAFE if is_wider else (Level.DANGEROUS, "values of the other kind of client are refused")


def _sensitivity(before: Attribute, after: Attribute) -> Judged:
    levels = list(Sensitivity)
    if levels.index(after.sensitivity) < levels.index(before.sensitivity):
        return Level.DANGEROUS, "more people see the values: a second person has to approve it"
    return Level.DANGEROUS, "fewer people see the values"


def _flag(name: str, words: str) -> Callable[[Attribute, Attribute], Judged]:
    def judged(_before: Attribute, after: Attribute) -> Judged:
        return _SAFE if getattr(after, name) else (Level.DANGEROUS, words)

    return judged


def _retained(before: Attribute, after: Attribute) -> Judged:
    if after.retain_days is None or (before.retain_days is not None and after.retain_days > before.retain_days):
        return _SAFE
    return Level.DANGEROUS, "older values are cleared, with their history"


def _status(before: Attribute, after: Attribute) -> Judged:
    if after.status is Status.RETIRED:
        return Level.LOSES_DATA, "its field is gone from every query: a second person has to approve it"
    if before.status is Status.RETIRED:
        return Level.DANGEROUS, "a retired path is never used again; choose another key"
    is_on = after.status is Status.PUBLISHED
    return _SAFE if is_on else (Level.DANGEROUS, "queries that select it are warned, or no longer valid")


_LEVELS: Mapping[str, Callable[[Attribute, Attribute], Judged]] = {
    **dict.fromkeys(("label", "description", "owner", "successor", "removal_on", "max_age_hours"), _safe),
    **dict.fromkeys(("kind", "is_list", "area"), _fixed),
    "unit": _unit,
    "options": _options,
    "minimum": _bound("minimum", 1),
    "min_length": _bound("min_length", 1),
    "maximum": _bound("maximum", -1),
    "max_length": _bound("max_length", -1),
    "pattern": _pattern,
    "required_for": _required,
    "applies_to": _applies,
    "sensitivity": _sensitivity,
    "is_sortable": _flag("is_sortable", "orders by it are no longer valid"),
    "is_searchable": _flag("is_searchable", "`contains` and search no longer look into it"),
    "is_lookup": _flag("is_lookup", "`eq` and `in` are no longer offered"),
    "retain_days": _retained,
    "status": _status,
}
"""By the name of the field; one that is not here is dangerous."""
