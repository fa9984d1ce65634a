"""Caps that hold before a document is looked at: body size, JSON depth, tokens."""

import re
from collections.abc import Collection, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    GraphQLError,
    GraphQLSyntaxError,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    Visitor,
    parse,
    visit,
)
from starlette.types import Receive

from api.deadlines import Deadlines
from api.errors import HttpRefusal

BULK_FIELDS = frozenset({"clientsUpsert", "modelRegister"})
MOST_VALUES = 10_000
"""In the variables of what is no bulk mutation; a filter takes a thousand in a list."""
_LONGEST_NUMBER_DIGITS = 400
_LONG_NUMBER = re.compile(rf"[0-9]{{{_LONGEST_NUMBER_DIGITS // 4}}}")
"""A number over the limit has a run of digits of this length in its whole part, its fraction or its exponent."""


class ClientGone(Exception):
    """The caller hung up before the request was whole."""


async def read_body(
    receive: Receive, declared_length: str | None, limit_bytes: int, deadlines: Deadlines | None = None
) -> bytes:
    """The whole request body.

    Raises: HttpRefusal 413 as soon as the declared or the received length is over the limit, 408 where it takes longer
    than the deadline; ClientGone.
    """
    if declared_length is not None and declared_length.isdecimal() and int(declared_length) > limit_bytes:
        raise body_too_large(limit_bytes)
    if deadlines is None:
        return await _whole_body(receive, limit_bytes)
    try:
        with deadlines.limit():
            return await _whole_body(receive, limit_bytes)
    except TimeoutError:
        message = f"The request body did not come within {deadlines.seconds:g} s; send it faster, or in smaller parts."
        raise HttpRefusal(408, "REQUEST_TOO_SLOW", message, ((b"connection", b"close"),)) from None


async def _whole_body(receive: Receive, limit_bytes: int) -> bytes:
    message = await receive()
    parts: list[bytes] = []
    received = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        received += len(part)
        if received > limit_bytes:
            raise body_too_large(limit_bytes)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
        message = await receive()


def body_too_large(limit_bytes: int) -> HttpRefusal:
    """The refusal of a body over the limit."""
    return HttpRefusal(
        413,
        "BODY_TOO_LARGE",
        f"The request body is over {limit_bytes} bytes; send less, or split a bulk change into several.",
        # The rest of the body is not read, so the connection cannot carry another request.
        ((b"connection", b"close"),),
    )


def is_bulk(operation: OperationDefinitionNode, bulk_fields: Collection[str] = BULK_FIELDS) -> bool:
    """Whether an operation does bulk mutations only, and so may have the larger body."""
    return operation.operation is OperationType.MUTATION and all(
        isinstance(selection, FieldNode) and selection.name.value in bulk_fields
        for selection in operation.selection_set.selections
    )


def may_be_bulk(body: bytes) -> bool:
    """Whether a body that nobody has read yet names a bulk mutation, or a registered document that may be one."""
    return b"documentId" in body or any(each.encode() in body for each in BULK_FIELDS)


def is_deeper(value: object, limit_levels: int) -> bool:
    """Whether lists and objects are nested in more levels than the limit.

    Cost: one pass, no recursion.
    """
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit_levels):
        if not level:
            return False
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if type(child) is dict or type(child) is list
        ]
    return bool(level)


def has_more_values(value: object, most: int) -> bool:
    """Whether there are more values than so many in lists and objects, all levels together.

    Cost: one pass, no recursion, no further than the limit.
    """
    level, count = [value], 0
    while level:
        inner: list[object] = []
        for each in level:
            if isinstance(each, (dict, list)):
                count += len(each)
                if count > most:
                    return True
                inner.extend(each.values() if isinstance(each, dict) else each)
        level = inner
    return False


def check_variables(operation: OperationDefinitionNode, variables: Mapping[str, object] | None) -> None:
    """Nothing, where the variables are few enough for their operation; those of bulk mutations may be more.

    Raises: HttpRefusal 400.
    """
    if not variables or all(type(each) not in (dict, list) for each in variables.values()):
        return
    if has_more_values(variables, MOST_VALUES) and not is_bulk(operation):
        raise HttpRefusal(
            400,
            "BAD_REQUEST",
            f"The variables have more than {MOST_VALUES} values; only bulk mutations may have so many."
            " Send them in several requests.",
        )


class _Numbers(Visitor):
    """Refuses numbers that are longer than any kind of value; Python takes long to read them, or does not at all."""

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        self._check(node)

    def enter_float_value(self, node: FloatValueNode, *_: object) -> None:
        self._check(node)

    def _check(self, node: IntValueNode | FloatValueNode) -> None:
        if len(node.value) > _LONGEST_NUMBER_DIGITS:
            length = f"{len(node.value)} characters; at most {_LONGEST_NUMBER_DIGITS} are read"
            raise GraphQLError(f"The document has a number of {length}.", node)


def capped_parse(query: str, limit_tokens: int) -> DocumentNode:
    """The parsed document.

    Raises: GraphQLError if the text is no GraphQL, or has more tokens (or as many comments) than the limit.
    """
    try:
        document = parse(query, max_lexical_tokens=limit_tokens, max_comments=limit_tokens)
        if _LONG_NUMBER.search(query):
            # The digits may stand in a text, which may be as long as it likes.
            visit(document, _Numbers())
        return document
    except GraphQLSyntaxError as error:
        if _IS_CAPPED.search(error.message):
            # The parser stops there, so how many there are is not known.
            counted = f"has more than {limit_tokens} tokens, or comments, or is nested too deeply to be read"
            raise GraphQLError(f"The document {counted}. Give long values in variables, or ask for less.") from None
        raise


_IS_CAPPED = re.compile(r"(more than \d+ (tokens|comments)|nested too deeply)\. Parsing aborted")


def check_length(query: str, limit_characters: int) -> None:
    """Nothing, where a document is short enough to be read.

    Raises: GraphQLError.
    """
    if len(query) > limit_characters:
        counted = f"has {len(query)} characters; the limit is {limit_characters}"
        raise GraphQLError(f"The document {counted}. Give long values in variables, or ask for less.")
