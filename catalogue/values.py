"""Checks of values against the catalogue: every problem at once, before anything is written."""

import re
from collections.abc import Collection as Some
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from catalogue.attribute import CLIENTS, Attribute, ClientKind, Status
from catalogue.bounds import BOUNDED_KINDS, is_within, range_words
from catalogue.catalogue import BOTH_KINDS, Catalogue
from catalogue.errors import ErrorCode, Problem, shown
from catalogue.kinds import Kind, parse_value

LIST_LIMIT = 500


@dataclass(slots=True)
class Checked:
    """What a set of given values comes to."""

    values: dict[str, object] = field(default_factory=dict)
    """Canonical values by path; None clears."""
    problems: list[Problem] = field(default_factory=list)
    kinds: frozenset[ClientKind] = BOTH_KINDS
    """The kinds of client that the values fit; a change is written only to a client of one of them."""
    doubtful: dict[str, object] = field(default_factory=dict)
    """Values, by path, that are of their kind and only break rules: they have problems, and are none of the others."""
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of clients that the values point at, by path; they must exist."""

    def accept(self, path: str, value: object, kinds: frozenset[ClientKind] = BOTH_KINDS) -> None:
        """Take a canonical value for right, of which only some kinds of client may have one."""
        self.values[path] = value
        self.doubtful.pop(path, None)
        self.kinds &= kinds


def check_nested(
    catalogue: Catalogue,
    given: Mapping[str, object],
    *,
    area: str = CLIENTS,
    parent: str = "",
    unread: Some[str] = (),
) -> Checked:
    """The values of a nested object (facets, groups, keys) as canonical values by path.

    Shape: {"profile": {"location": {"city": "Basel"}}} comes out as {"profile.location.city": "Basel"}.
    """
    flat, problems = flatten(catalogue, given, area=area, parent=parent, unread=unread)
    checked = check_flat(catalogue, flat, area=area)
    checked.problems[:0] = problems
    return checked


def flatten(
    catalogue: Catalogue,
    given: Mapping[str, object],
    *,
    area: str = CLIENTS,
    parent: str = "",
    unread: Some[str] = (),
) -> tuple[dict[str, object], list[Problem]]:
    """Nested values by path, unchecked; a problem for each group that is not an object.

    A null group clears everything in it but what is not read, which nobody has named, and what is computed.
    """
    flat: dict[str, object] = {}
    problems: list[Problem] = []
    _flatten(catalogue, area, parent, given, flat, problems, unread)
    return flat, problems


def _flatten(
    catalogue: Catalogue,
    area: str,
    parent: str,
    given: Mapping[str, object],
    flat: dict[str, object],
    problems: list[Problem],
    unread: Some[str],
) -> None:
    for key, value in given.items():
        path = f"{parent}.{key}" if parent else key
        found = catalogue.find(path, area)
        is_holder = found is None and bool(catalogue.children(path, area))
        if not is_holder and (found is None or found.kind is not Kind.GROUP or found.is_list):
            flat[path] = value
        elif value is None:
            leaves = (leaf.path for leaf in catalogue.leaves(path, area) if not leaf.is_computed)
            flat |= dict.fromkeys((each for each in leaves if each not in unread), None)
        elif isinstance(value, Mapping):
            _flatten(catalogue, area, path, value, flat, problems, unread)
        else:
            problems.append(_wrong(path, value, "an object of its attributes"))


def check_flat(catalogue: Catalogue, given: Mapping[str, object], *, area: str = CLIENTS) -> Checked:
    """Values by path as canonical values by path.

    Cost: proportional to what is given, not to the size of the catalogue.
    """
    checked = Checked()
    for path, value in given.items():
        attribute = catalogue.find(path, area)
        if attribute is None or attribute.status is Status.DRAFT:
            checked.problems.append(_unknown(path))
        elif not catalogue.is_live(attribute):
            checked.problems.append(_retired(attribute))
        elif catalogue.list_group_of(attribute) is not None:
            message = f"{path} stands in a list of groups; give the whole list."
            checked.problems.append(
                Problem(ErrorCode.INVALID_VALUE, message, attribute.segments, shown(value), "the list")
            )
        elif attribute.is_computed:
            checked.problems.append(_computed(attribute, value))
        elif value is None:
            checked.values[path] = None
            if attribute.required_for:
                checked.kinds -= set(attribute.required_for)
        else:
            _check_one(catalogue, attribute, value, checked)
    return checked


def missing_required(catalogue: Catalogue, values: Mapping[str, object], kind: ClientKind) -> list[Problem]:
    """A problem for each attribute that a new client of this kind must have and does not get."""
    return [
        Problem(
            ErrorCode.INVALID_VALUE,
            f"{attribute.path} is required for a client of kind {kind}; give it a value.",
            attribute.segments,
            None,
            attribute.spec.expected,
        )
        for attribute in required_attributes(catalogue)
        if kind in attribute.required_for and values.get(attribute.path) is None
    ]


@lru_cache(maxsize=8)
def required_attributes(catalogue: Catalogue, area: str = CLIENTS) -> tuple[Attribute, ...]:
    """The live attributes, outside lists of groups, that some kind of client must have."""
    return tuple(
        each
        for each in catalogue.area(area).values()
        if each.required_for and catalogue.is_live(each) and catalogue.list_group_of(each) is None
    )


def misfits(catalogue: Catalogue, values: Mapping[str, object], kind: ClientKind) -> list[Problem]:
    """A problem for each value that a client of this kind cannot have, or cannot lose."""
    problems = []
    for path, value in values.items():
        attribute = catalogue.get_live(path)
        allowed = catalogue.kinds_with(attribute)
        if value is None and kind in attribute.required_for:
            message = f"{path} is required for a client of kind {kind} and cannot be cleared; give another value."
            problems.append(
                Problem(ErrorCode.INVALID_VALUE, message, attribute.segments, "null", attribute.spec.expected)
            )
        elif value is not None and kind not in allowed:
            expected = f"a client of kind {' or '.join(sorted(allowed))}"
            message = f"{path} is for {expected}; this client is of kind {kind}. Leave it out."
            problems.append(Problem(ErrorCode.INVALID_VALUE, message, attribute.segments, shown(value), expected))
    return problems


def _check_one(catalogue: Catalogue, attribute: Attribute, given: object, checked: Checked) -> None:
    problems: list[Problem] = []
    references: list[str] = []
    value = _value_from(catalogue, attribute, given, problems, references)
    checked.problems += problems
    if not problems:
        checked.accept(attribute.path, value, _kinds_of(catalogue, attribute))
    elif all(each.unruly for each in problems):
        checked.doubtful[attribute.path] = value
    if references:
        checked.references[attribute.path] = tuple(references)


def _kinds_of(catalogue: Catalogue, attribute: Attribute) -> frozenset[ClientKind]:
    return catalogue.kinds_with(attribute) if attribute.area == CLIENTS else BOTH_KINDS


def _value_from(
    catalogue: Catalogue, attribute: Attribute, given: object, problems: list[Problem], references: list[str]
) -> object:
    if not attribute.is_list:
        return _item_from(catalogue, attribute, given, attribute.segments, problems, references)
    if not isinstance(given, list | tuple):
        problems.append(_wrong(attribute.path, given, f"a list; each item {attribute.spec.expected}"))
        return None
    if len(given) > LIST_LIMIT:
        problems.append(_wrong(attribute.path, f"{len(given)} items", f"a list of up to {LIST_LIMIT} items"))
        return None
    return [
        _item_from(catalogue, attribute, item, (*attribute.segments, str(index)), problems, references)
        for index, item in enumerate(given)
    ]


def _item_from(
    catalogue: Catalogue,
    attribute: Attribute,
    given: object,
    place: tuple[str, ...],
    problems: list[Problem],
    references: list[str],
) -> object:
    if attribute.kind is Kind.GROUP:
        return _group_from(catalogue, attribute, given, place, problems, references)
    try:
        value = parse_value(attribute.kind, given)
    except ValueError as expected:
        problems.append(_misfit(attribute, place, given, str(expected)))
        return None
    expected_instead = broken_rule(attribute, value)
    if expected_instead is not None:
        problems.append(replace(_misfit(attribute, place, given, expected_instead), unruly=(value,)))
    elif attribute.kind is Kind.CLIENT:
        references.append(str(value))
    return value


def _group_from(
    catalogue: Catalogue,
    group: Attribute,
    given: object,
    place: tuple[str, ...],
    problems: list[Problem],
    references: list[str],
) -> object:
    if not isinstance(given, Mapping):
        problems.append(_misfit(group, place, given, group.spec.expected))
        return None
    record: dict[str, object] = {}
    for key, value in given.items():
        # A dot in a key would reach into an inner group, and be stored as it is.
        attribute = None if "." in key else catalogue.find(f"{group.path}.{key}", group.area)
        if attribute is None or not attribute.is_live:
            is_gone = attribute is not None and attribute.status is Status.RETIRED
            found = _retired(attribute) if attribute and is_gone else _unknown(f"{group.path}.{key}")
            problems.append(replace(found, path=(*place, key)))
        elif value is not None:
            inner: list[Problem] = []
            record[key] = _value_from(catalogue, attribute, value, inner, references)
            depth = len(group.segments)
            problems += (replace(each, path=(*place, *each.path[depth:])) for each in inner)
    for attribute in catalogue.children(group.path, group.area):
        if attribute.required_for and record.get(attribute.key) is None:
            expected = f"{attribute.spec.expected} in every item"
            found = _misfit(attribute, (*place, attribute.key), None, expected)
            problems.append(replace(found, unruly=(None,)))
    # In one order, whoever gives it: the database compares objects key by key.
    return dict(sorted(record.items()))


def broken_rule(attribute: Attribute, value: object) -> str | None:
    """What the definition expects instead, if the canonical value breaks one of its rules."""
    if isinstance(value, str):
        return _broken_text_rule(attribute, value)
    if attribute.kind in BOUNDED_KINDS and not is_within(attribute.kind, value, attribute.minimum, attribute.maximum):
        return range_words(attribute.kind, attribute.minimum, attribute.maximum)
    return None


def _broken_text_rule(attribute: Attribute, value: str) -> str | None:
    most = min(attribute.max_length or attribute.spec.length_limit, attribute.spec.length_limit)
    if attribute.spec.length_limit and len(value) > most:
        return f"a text of up to {most} characters"
    if attribute.min_length is not None and len(value) < attribute.min_length:
        return f"a text of at least {attribute.min_length} characters"
    if attribute.pattern is not None and not compiled_pattern(attribute.pattern).fullmatch(value):
        return f"a text that matches {attribute.pattern}"
    if attribute.kind is Kind.CODE:
        current = [option.code for option in attribute.options if not option.is_retired]
        if value not in current:
            return f"one of {', '.join(current[:20])}{' …' if len(current) > 20 else ''}"
    return None


@lru_cache(maxsize=4096)
def compiled_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern of a rule, compiled once."""
    return re.compile(pattern)


def _wrong(path: str, given: object, expected: str) -> Problem:
    message = f"{path} takes {expected}; got {shown(given)}."
    return Problem(ErrorCode.INVALID_VALUE, message, tuple(path.split(".")), shown(given), expected)


def _misfit(attribute: Attribute, place: tuple[str, ...], given: object, expected: str) -> Problem:
    unit = f" in {attribute.unit}" if attribute.unit else ""
    message = f"{'.'.join(place)} takes {expected}{unit}; got {shown(given)}."
    return Problem(ErrorCode.INVALID_VALUE, message, place, shown(given), expected)


def _computed(attribute: Attribute, given: object) -> Problem:
    advice = "leave it out, and give what it is computed from"
    by = "formula" if attribute.model is None else f"model {attribute.model.name}"
    if attribute.rollup is not None:
        by, advice = "rollup", f"leave it out, and record what it is counted from, in {attribute.rollup.area}"
    message = f"{attribute.path} is computed by its {by} and takes no value; {advice}."
    return Problem(ErrorCode.INVALID_VALUE, message, attribute.segments, shown(given), "nothing")


def _unknown(path: str) -> Problem:
    message = f'There is no attribute "{path}". Query `attributes` for the paths that exist, or define it first.'
    return Problem(ErrorCode.UNKNOWN_ATTRIBUTE, message, tuple(path.split(".")), path, "the path of an attribute")


def _retired(attribute: Attribute) -> Problem:
    instead = f" Use {attribute.successor} instead." if attribute.successor else " Leave it out."
    message = f"{attribute.path} is retired and takes no more values.{instead}"
    return Problem(ErrorCode.ATTRIBUTE_RETIRED, message, attribute.segments, attribute.path, attribute.successor)
