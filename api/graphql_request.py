"""The parameters of one GraphQL request, from a JSON body, a query string or a websocket message."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from api.errors import BAD_REQUEST, HttpRefusal
from api.limits import is_deeper

_NAMES = ("query", "operationName", "variables", "extensions")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What the caller asks."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


def request_from_body(body: bytes, limit_levels: int) -> GraphQLRequest:
    """The request in a JSON body.

    Raises: HttpRefusal 400.
    """
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
    query = value.get("query")
    if query is None:
        raise _bad("The parameter query is missing; send the GraphQL document as a string.")
    if not isinstance(query, str):
        raise _bad(f"The parameter query is {_kind(query)}; a string is expected.")
    operation_name = value.get("operationName")
    if operation_name is not None and not isinstance(operation_name, str):
        raise _bad(f"The parameter operationName is {_kind(operation_name)}; a string or null is expected.")
    variables = _object_or_none(value, "variables", limit_levels)
    extensions = _object_or_none(value, "extensions", limit_levels)
    return GraphQLRequest(query, variables, operation_name or None, extensions)


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
