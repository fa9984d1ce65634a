"""The parameters of one GraphQL request, from a JSON body, a query string or a websocket message."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from api.errors import BAD_REQUEST, HttpRefusal
from api.limits import is_deeper

_NAMES = ("query", "documentId", "operationName", "variables", "extensions")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What the caller asks."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = None
    """Of a registered document, which is sent instead of the query."""
    sha256: str | None = None
    """What Apollo's automatic persisted queries send of the query, beside it or first alone."""


_MOST_CONTAINERS = 100_000
_MOST_VALUES = 300_000
"""A thousand rows of every attribute there is come to less; more would take long to read, and much memory."""


def check_size(text: bytes) -> None:
    """Nothing, where JSON has few enough parts to be read.

    Raises: HttpRefusal 400.
    Cost: under a millisecond a megabyte; brackets and commas in texts count too.
    """
    if len(text) <= _MOST_CONTAINERS:
        return
    counts = (text.count(b"[") + text.count(b"{"), _MOST_CONTAINERS), (text.count(b","), _MOST_VALUES)
    for count, limit in counts:
        if count > limit:
            raise _bad(f"The JSON has {count} brackets or commas; at most {limit} are read. Split it into several.")


def request_from_body(body: bytes, limit_levels: int) -> GraphQLRequest:
    """The request in a JSON body.

    Raises: HttpRefusal 400.
    """
    check_size(body)
    return request_from_value(_json_from(body, "request body"), limit_levels)


def request_from_query_string(query_string: bytes, limit_levels: int) -> GraphQLRequest:
    """The request in the query string of a GET; variables and extensions are JSON text.

    Raises: HttpRefusal 400.
    """
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise _bad("The query string is not form-encoded UTF-8 of at most 20 parameters.") from None
    given: dict[str, Any] = {}
    for name, text in pairs:
        if name not in _NAMES:
            continue
        if name in given:
            raise _bad(f"The parameter {name} is given more than once; give it once.")
        as_json = name in {"variables", "extensions"}
        given[name] = _json_from(text.encode(), f"parameter {name}") if as_json and text else text or None
    return request_from_value(given, limit_levels)


def request_from_value(value: object, limit_levels: int) -> GraphQLRequest:
    """The request in a decoded JSON object; keys it does not know are left alone.

    Raises: HttpRefusal 400.
    """
    if isinstance(value, list):
        raise _bad("Batches are not served: send one JSON object a request, not a list.")
    if not isinstance(value, dict):
        raise _bad(f"The request is {_kind(value)}; a JSON object with the key query is expected.")
    extensions = _object_or_none(value, "extensions", limit_levels)
    sha256 = _sha256_of(extensions)
    query, document_id = _document_of(value, has_hash=sha256 is not None)
    operation_name = value.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise _bad(f"The parameter operationName is {_kind(operation_name)}; a string or null is expected.")
    variables = _object_or_none(value, "variables", limit_levels)
    return GraphQLRequest(query, variables, operation_name or None, extensions, document_id, sha256)


def _sha256_of(extensions: dict[str, Any] | None) -> str | None:
    """The hash of a persisted query, where the request has one."""
    if extensions is None or "persistedQuery" not in extensions:
        return None
    persisted = extensions["persistedQuery"]
    sha256 = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(sha256, str):
        raise _bad('extensions.persistedQuery takes an object such as {"version": 1, "sha256Hash": "<64 hex digits>"}.')
    return sha256


def _document_of(value: dict[str, Any], *, has_hash: bool) -> tuple[str, str | None]:
    """The query, and the id of a registered document: one of them is there, or a hash stands for the query."""
    query, document_id = value.get("query"), value.get("documentId")
    if query is None and document_id is None and not has_hash:
        raise _bad("The parameter query is missing; send the GraphQL document as a string.")
    if query is not None and not isinstance(query, str):
        raise _bad(f"The parameter query is {_kind(query)}; a string is expected.")
    if document_id is not None and not isinstance(document_id, str):
        raise _bad(f"The parameter documentId is {_kind(document_id)}; a string is expected.")
    if query is not None and document_id is not None:
        raise _bad("Both query and documentId are given; send one of them.")
    return query or "", document_id


def _object_or_none(value: dict[str, Any], name: str, limit_levels: int) -> dict[str, Any] | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise _bad(f"The parameter {name} is {_kind(found)}; an object or null is expected.")
    # The body itself is the first level.
    if is_deeper(found, limit_levels - 1):
        raise _bad(f"The parameter {name} is nested in more than {limit_levels} levels.")
    return found


def _json_from(text: bytes, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _bad(f"The {what} is not JSON in UTF-8.") from None


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "a number"


def _bad(message: str) -> HttpRefusal:
    return HttpRefusal(400, BAD_REQUEST, message)
