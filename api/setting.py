"""What one setting knows: its variable, what it expects, and how a list or an address is read."""

from typing import Any

from pydantic import Field
from pydantic.fields import FieldInfo

from api.addresses import is_safe_address

PREFIX = "KEHU_"


def setting(default: Any, description: str, expected: str, **rules: Any) -> Any:
    """A settings field that knows how to say what it expects."""
    return Field(default, description=description, json_schema_extra={"expected": expected}, **rules)


def variable_of(field: str) -> str:
    """The environment variable of a field."""
    return f"{PREFIX}{field.upper()}"


def value_words(value: object) -> str:
    """A value as it would be given."""
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def expected_of(field: FieldInfo) -> str:
    """What a setting takes."""
    extra = field.json_schema_extra
    return str(extra["expected"]) if isinstance(extra, dict) else ""


def split_list(given: object) -> object:
    """The parts of a text with commas, each once; anything else as it is."""
    if not isinstance(given, str):
        return given
    return tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))


def checked_addresses(given: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses, if all of them may be asked.

    Raises: ValueError.
    """
    for address in given:
        if not is_safe_address(address):
            raise ValueError(address)
    return given


def checked_origins(given: tuple[str, ...]) -> tuple[str, ...]:
    """The web origins, if all of them are.

    Raises: ValueError.
    """
    for origin in given:
        scheme, _, rest = origin.partition("://")
        if scheme not in {"http", "https"} or not rest or "/" in rest or "*" in rest:
            raise ValueError(origin)
    return given
