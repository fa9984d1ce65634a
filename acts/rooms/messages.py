"""What goes between a process and its child: JSON in frames, so that nothing that comes back can be run."""

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from acts.importing.errors import ImportRefused
from acts.importing.source import ABSENT
from acts.models.files import RuntimeAway
from catalogue.errors import ErrorCode, KehuError, Problem, Refused

HEAD_BYTES = 4
FRAME_LIMIT_BYTES = 48_000_000
_MARK = "\x00"
"""Key of an object that stands for what JSON has no word for."""


def packed(message: object) -> bytes:
    """A message as a frame: its length, and JSON.

    Raises: ValueError where it is too long, or nests too deep.
    """
    try:
        # Halves of characters go as they are: they stand for bytes that no encoding knows.
        text = json.dumps(message, default=_marked, separators=(",", ":"), ensure_ascii=False)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    body = text.encode("utf-8", "surrogatepass")
    if len(body) > FRAME_LIMIT_BYTES:
        raise ValueError(f"it comes to {len(body):,} bytes, and {FRAME_LIMIT_BYTES:,} are the most")
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def unpacked(body: bytes) -> Any:
    """The message in the body of a frame.

    Raises: ValueError.
    """
    try:
        return json.loads(body.decode("utf-8", "surrogatepass"), object_hook=_thing_from)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def _marked(thing: object) -> Mapping[str, object]:
    match thing:
        case datetime():
            return {_MARK: ["moment", thing.isoformat()]}
        case date():
            return {_MARK: ["date", thing.isoformat()]}
        case time():
            return {_MARK: ["time", thing.isoformat()]}
        case timedelta():
            return {_MARK: ["seconds", thing.total_seconds()]}
        case Decimal():
            return {_MARK: ["decimal", str(thing)]}
        case bytes():
            return {_MARK: ["bytes", base64.b64encode(thing).decode("ascii")]}
    if thing is ABSENT:
        return {_MARK: ["absent", ""]}
    raise ValueError(f"it holds a value of the type {type(thing).__name__}")


_THINGS: Mapping[str, Any] = {
    "moment": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "seconds": lambda seconds: timedelta(seconds=seconds),
    "decimal": Decimal,
    "bytes": base64.b64decode,
    "absent": lambda _: ABSENT,
}


def _thing_from(given: dict[str, Any]) -> Any:
    if len(given) != 1 or _MARK not in given:
        return given
    kind, text = given[_MARK]
    return _THINGS[kind](text)


_KINDS: Mapping[str, type[KehuError]] = {"ImportRefused": ImportRefused, "KehuError": KehuError}


def words_of(error: KehuError) -> dict[str, Any]:
    """An error that is written for people, as it is told to the parent."""
    problems = [
        [str(each.code), each.message, list(each.path), each.given, each.expected, each.row]
        for each in error.problems()
    ]
    package = error.package if isinstance(error, RuntimeAway) else ""
    return {"kind": type(error).__name__, "problems": problems, "package": package}


def error_from(words: Mapping[str, Any]) -> KehuError:
    """The error that a child tells of."""
    problems = [
        Problem(ErrorCode(code), message, tuple(path), given, expected, row)
        for code, message, path, given, expected, row in words["problems"]
    ]
    if words["kind"] == "RuntimeAway":
        return RuntimeAway(words["package"])
    if words["kind"] in _KINDS and len(problems) == 1:
        (only,) = problems
        kind = _KINDS[words["kind"]]
        return kind(only.message, code=only.code, path=only.path, given=only.given, expected=only.expected)
    return Refused(problems)
