"""Caps that hold before a document is looked at: body size, JSON depth, tokens."""

from collections.abc import Collection

from graphql import DocumentNode, FieldNode, OperationDefinitionNode, OperationType, parse
from starlette.types import Receive

from api.errors import HttpRefusal

BULK_FIELDS = frozenset({"clientsUpsert"})


class ClientGone(Exception):
    """The caller hung up before the request was whole."""


async def read_body(receive: Receive, declared_length: str | None, limit_bytes: int) -> bytes:
    """The whole request body.

    Raises: HttpRefusal 413 as soon as the declared or the received length is over the limit; ClientGone.
    """
    if declared_length is not None and declared_length.isdecimal() and int(declared_length) > limit_bytes:
        raise body_too_large(limit_bytes)
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


def capped_parse(query: str, limit_tokens: int) -> DocumentNode:
    """The parsed document.

    Raises: GraphQLError if the text is no GraphQL, or has more tokens (or as many comments) than the limit.
    """
    return parse(query, max_lexical_tokens=limit_tokens, max_comments=limit_tokens)
