"""Short ways to write built-in attributes down: one function a kind, and groups that hand down what they know."""

from collections.abc import Mapping
from typing import Any, Protocol

from catalogue.attribute import Attribute, AttributeOption, ClientKind, Facet, Sensitivity
from catalogue.bounds import TODAY
from catalogue.kinds import Kind

Rows = tuple[Attribute, ...]

ORGANISATIONS = (ClientKind.ORGANISATION,)
PERSONS = (ClientKind.PERSON,)

PUBLIC = Sensitivity.PUBLIC
INTERNAL = Sensitivity.INTERNAL
RESTRICTED = Sensitivity.RESTRICTED

DAYS = 24
"""Units: hours, so that max_age_hours=180 * DAYS reads as it is meant."""


class RowBuilder(Protocol):
    """What writes one attribute of a fixed kind; further words are fields of Attribute."""

    def __call__(self, path: str, label: str, description: str, **more: Any) -> Rows: ...


_FIRST_DAY, _LAST_DAY = "1900-01-01", "2200-12-31"
"""What lies beyond is a slip of the keys, or of a century."""
_FIRST_MOMENT = f"{_FIRST_DAY}T00:00:00Z"


def _builder(kind: Kind, **bounds: str) -> RowBuilder:
    def build(path: str, label: str, description: str, **more: Any) -> Rows:
        return (Attribute(path=path, label=label, description=description, kind=kind, **(bounds | more)),)

    return build


string = _builder(Kind.STRING)
text = _builder(Kind.TEXT)
whole = _builder(Kind.LONG)
number = _builder(Kind.NUMBER)
decimal = _builder(Kind.DECIMAL)
flag = _builder(Kind.BOOLEAN)
day = _builder(Kind.DATE, minimum=_FIRST_DAY, maximum=_LAST_DAY)
past_day = _builder(Kind.DATE, minimum=_FIRST_DAY, maximum=TODAY)
moment = _builder(Kind.DATETIME)
past_moment = _builder(Kind.DATETIME, minimum=_FIRST_MOMENT, maximum=TODAY)
email = _builder(Kind.EMAIL)
phone = _builder(Kind.PHONE)
url = _builder(Kind.URL)
client = _builder(Kind.CLIENT)


def code(path: str, label: str, description: str, options: Mapping[str, str], **more: Any) -> Rows:
    """A CODE attribute; the options are code to label."""
    rows = tuple(AttributeOption(code=each, label=name) for each, name in options.items())
    return (Attribute(path=path, label=label, description=description, kind=Kind.CODE, options=rows, **more),)


def having(*rows: Rows, **passed: Any) -> Rows:
    """The rows, each with the passed fields that it does not set itself."""
    return tuple(_handed_down(each, passed) for several in rows for each in several)


def group(path: str, label: str, description: str, *inner: Rows, **passed: Any) -> Rows:
    """A group and its members, whose paths are given relative to it; the passed fields go down to the members."""
    own: dict[str, Any] = {name: passed[name] for name in ("applies_to", "owner") if name in passed}
    return _grouped(path, label, description, having(*inner, **passed), own)


def group_list(path: str, label: str, description: str, *inner: Rows, **passed: Any) -> Rows:
    """A list of groups; it is set and grows stale as a whole, so its members bear no age of their own."""
    own: dict[str, Any] = {name: passed[name] for name in ("applies_to", "owner", "max_age_hours") if name in passed}
    passed = {name: value for name, value in passed.items() if name != "max_age_hours"}
    return _grouped(path, label, description, having(*inner, **passed), {**own, "is_list": True})


def facet(name: Facet, *rows: Rows, **passed: Any) -> Rows:
    """The rows of one facet, whose paths are given relative to it.

    A group is as open as its most open member, since the members keep levels of their own.
    """
    inside = having(*rows, **passed)
    return tuple(_moved(_opened(each, inside), name) for each in inside)


def _grouped(path: str, label: str, description: str, inner: Rows, own: Mapping[str, Any]) -> Rows:
    outer = Attribute(path=path, label=label, description=description, kind=Kind.GROUP, **own)
    return (outer, *(_moved(each, path) for each in inner))


def _opened(row: Attribute, rows: Rows) -> Attribute:
    if row.kind is not Kind.GROUP:
        return row
    inside = [each.sensitivity for each in rows if each.path.startswith(f"{row.path}.") and each.kind is not Kind.GROUP]
    return row.model_copy(update={"sensitivity": min(inside, key=list(Sensitivity).index)})


def _moved(row: Attribute, prefix: str) -> Attribute:
    return row.model_copy(update={"path": f"{prefix}.{row.path}"})


def _handed_down(row: Attribute, passed: Mapping[str, Any]) -> Attribute:
    return row.model_copy(update={name: given for name, given in passed.items() if name not in row.model_fields_set})
