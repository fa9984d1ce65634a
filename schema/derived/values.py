"""Stored values as JSON."""

from typing import Any

from catalogue.kinds import Kind
from schema.scalars import date_text, json_from


def value_json(kind: Kind | None, value: Any) -> Any:
    """A stored value as JSON, by the kind of its attribute."""
    if kind is Kind.DATE and value is not None:
        dates = value if isinstance(value, list) else [value]
        texts = [None if each is None else date_text(each) for each in dates]
        return texts if isinstance(value, list) else texts[0]
    return json_from(value)
