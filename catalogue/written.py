"""Definitions as a text that people read and compare: one block a definition, in an order that stays."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from catalogue.attribute import OF_ITS_BOOK, Attribute
from catalogue.errors import ErrorCode, Problem, Refused, shown

FORMAT = 1
OF_ITS_STAGE = frozenset(("revision", *OF_ITS_BOOK))
"""Counted on each stage for itself, and what its book has come to with a formula."""


def text_from(attributes: Iterable[Attribute]) -> str:
    """The definitions as JSON text.

    Shape: {"kehu": 1, "attributes": [{"path": .., "label": .., ..}, ..]}; a line a field, defaults left out.
    Order: by area and path; within a block that of the model.
    """
    blocks = [block_from(each) for each in sorted(attributes, key=lambda each: (each.area, each.path))]
    return json.dumps({"kehu": FORMAT, "attributes": blocks}, indent=2, ensure_ascii=False) + "\n"


def block_from(attribute: Attribute) -> dict[str, Any]:
    """One definition with every field that the model has, but for those that each stage counts for itself."""
    return {name: value for name, value in attribute.canonical().items() if name not in OF_ITS_STAGE}


def attributes_from(text: str) -> tuple[Attribute, ...]:
    """The definitions that a text holds, in its order.

    Raises: Refused with every problem at once.
    """
    blocks = _blocks_from(text)
    found: list[Attribute] = []
    problems: list[Problem] = []
    places: dict[tuple[str, str], int] = {}
    for at, block in enumerate(blocks):
        try:
            attribute = Attribute.model_validate(block)
        except ValidationError as error:
            problems += [_misread(at, block, each["loc"], each["msg"]) for each in error.errors()]
            continue
        earlier = places.setdefault((attribute.area, attribute.path), at)
        if earlier != at:
            message = f"Blocks {earlier + 1} and {at + 1} both define {attribute.path}; leave one of them out."
            problems.append(Problem(ErrorCode.NAME_TAKEN, message, (attribute.path,)))
        found.append(attribute)
    if problems:
        raise Refused(problems)
    return tuple(found)


def _blocks_from(text: str) -> list[Any]:
    expected = f'a file of `kehu attributes export`: {{"kehu": {FORMAT}, "attributes": [..]}}'
    try:
        given = json.loads(text)
    except ValueError as error:
        raise Refused([Problem(ErrorCode.INVALID_VALUE, f"This is not JSON: {error}; expected {expected}.")]) from None
    blocks = given.get("attributes") if isinstance(given, Mapping) else None
    if not isinstance(blocks, list) or given.get("kehu") != FORMAT or set(given) != {"kehu", "attributes"}:
        keys = ", ".join(sorted(map(str, given))) if isinstance(given, Mapping) else type(given).__name__
        message = f"The file has {shown(keys)}; expected {expected}."
        raise Refused([Problem(ErrorCode.INVALID_VALUE, message)])
    return blocks


def _misread(at: int, block: object, place: tuple[int | str, ...], why: str) -> Problem:
    path = block.get("path") if isinstance(block, Mapping) else None
    name = path if isinstance(path, str) else f"block {at + 1}"
    field = ".".join(map(str, place))
    message = f"{name}: {field or 'the block'} does not fit: {why}. See `kehu attributes export` for how it is written."
    return Problem(ErrorCode.INVALID_VALUE, message, (name, *map(str, place)))
