"""What a caller hears of an error: ours by its code, the caller's own by its cause, every other one masked by an id."""

import logging
import secrets
from collections.abc import Iterable
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSyntaxError

from api.wording import Worded, told
from catalogue.errors import ErrorCode, KehuError, page_of
from repositories.errors import Unavailable

_log = logging.getLogger("kehu.api")

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
BAD_REQUEST = "BAD_REQUEST"
PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
INTERNAL = "INTERNAL"
RETRY_SECONDS = 1

Answer = dict[str, Any]
Headers = tuple[tuple[bytes, bytes], ...]


class HttpRefusal(Exception):
    """A request that is refused before GraphQL looks at it, with its HTTP status."""

    def __init__(self, status: int, code: str, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers

    def answer(self) -> Answer:
        """The JSON body."""
        return problem_answer(self.code, str(self))


class RateLimited(KehuError):
    """A person has asked for too much within a minute."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, retry_seconds: int, expected: str | None = None) -> None:
        super().__init__(message, expected=expected)
        self.retry_seconds = retry_seconds


class InvalidDocument(Exception):
    """A document that does not run, with the errors for the caller."""

    def __init__(self, errors: list[GraphQLError], code: str, more: Answer | None = None) -> None:
        super().__init__(errors[0].message)
        self._errors = errors
        self.code = code
        self.query: str | None = None
        """The text of the document, where it is known."""
        self._more = more or {}

    def answer(self) -> Answer:
        """The GraphQL answer, with no data entry because nothing ran."""
        found = formatted_errors(self._errors, self.code)
        for each in found:
            each["extensions"] |= self._more
        return {"errors": found}


UNAUTHENTICATED_STATUS = 401
UNAUTHENTICATED_HEADERS: Headers = ((b"www-authenticate", b'Bearer realm="kehu"'),)


def unauthenticated() -> HttpRefusal:
    """The one refusal of everybody who is not signed in, whatever the reason."""
    return HttpRefusal(
        UNAUTHENTICATED_STATUS,
        "UNAUTHENTICATED",
        "A valid bearer token is needed: send the header Authorization: Bearer <token>.",
        UNAUTHENTICATED_HEADERS,
    )


def retry_after(seconds: int) -> Headers:
    """The header that says when to come again."""
    return ((b"retry-after", b"%d" % seconds),)


def refusal_from(problem: Exception) -> HttpRefusal:
    """The HTTP refusal for an error that happened outside any GraphQL field."""
    if isinstance(problem, HttpRefusal):
        return problem
    if isinstance(problem, RateLimited):
        return HttpRefusal(429, str(problem.code), problem.message, retry_after(problem.retry_seconds))
    if isinstance(problem, KehuError):
        is_away = problem.code == ErrorCode.UNAVAILABLE
        more = retry_after(RETRY_SECONDS) if is_away else ()
        return HttpRefusal(503 if is_away else 400, str(problem.code), problem.message, more)
    return HttpRefusal(500, INTERNAL, masked_message(problem))


def problem_answer(code: str, message: str) -> Answer:
    """A GraphQL answer of one error, with no data entry because nothing ran."""
    return {"errors": [{"message": message, "extensions": {"code": code, "page": page_of(code)}}]}


def masked_message(problem: BaseException | None) -> str:
    """The words for an error nobody planned; its full text goes to the log under the same id."""
    return f"Internal error; quote id {_logged(problem)}"


def formatted_errors(errors: Iterable[GraphQLError], unplaced_code: str = BAD_USER_INPUT) -> list[Answer]:
    """GraphQL errors as the caller gets them; every one has extensions.code.

    `unplaced_code` is the code of errors that belong to no field: the document or its variables are at fault.
    """
    return [_formatted(error, unplaced_code) for error in errors]


def _formatted(error: GraphQLError, unplaced_code: str) -> Answer:
    message, extensions = _words(error, unplaced_code)
    answer: Answer = {"message": message}
    if error.locations:
        answer["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path is not None:
        answer["path"] = list(error.path)
    answer["extensions"] = {**extensions, "page": page_of(extensions["code"])}
    return answer


def outage_of(result: ExecutionResult) -> Unavailable | None:
    """The error of a result that has nothing, because the database did not answer; None where anything is there."""
    originals = [original_of(error) for error in result.errors or ()]
    first = originals[0] if originals else None
    is_empty = result.data is None or not any(value is not None for value in result.data.values())
    is_away = is_empty and all(isinstance(original, Unavailable) for original in originals)
    return first if is_away and isinstance(first, Unavailable) else None


def is_of_arguments(error: GraphQLError) -> bool:
    """Whether graphql-core found an argument of a field at fault while it ran, and worded that."""
    original = original_of(error)
    return error.path is not None and isinstance(original, GraphQLError) and _code(error, INTERNAL) == BAD_USER_INPUT


def error_codes(errors: Iterable[GraphQLError]) -> list[str]:
    """The codes that the caller will get, without a word of the log."""
    return [_code(each, BAD_USER_INPUT) for each in errors]


def _code(error: GraphQLError, unplaced_code: str) -> str:
    original = original_of(error)
    if isinstance(original, KehuError):
        return str(original.code)
    declared = (error.extensions or {}).get("code")
    if isinstance(declared, str):
        return declared
    if error.path is None:
        return PARSE_FAILED if isinstance(error, GraphQLSyntaxError) else unplaced_code
    # Inside a field graphql-core points at the document when an argument is wrong. Where it points at nothing, a
    # stored value did not fit its type, and the message would quote that value.
    return BAD_USER_INPUT if isinstance(original, GraphQLError) and original.nodes else INTERNAL


def _words(error: GraphQLError, unplaced_code: str) -> tuple[str, Answer]:
    code, original = _code(error, unplaced_code), original_of(error)
    if isinstance(original, KehuError):
        extensions: Answer = {"code": code}
        if original.path:
            extensions["path"] = list(original.path)
        return original.message if error.path is not None else error.message, extensions
    declared = (error.extensions or {}).get("code")
    if isinstance(declared, str):
        return error.message, {"code": declared}
    if code != INTERNAL:
        if isinstance(error, Worded):
            return error.message, {"code": code, **(error.extensions or {})}
        return told(error), {"code": code}
    incident = _logged(original or error)
    return f"Internal error; quote id {incident}", {"code": INTERNAL, "id": incident}


def original_of(error: GraphQLError) -> Exception | None:
    """The exception at the bottom of a chain of located errors."""
    original: Exception | None = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    return original


def _logged(problem: BaseException | None) -> str:
    incident = secrets.token_hex(8)
    _log.error("internal error %s", incident, exc_info=problem)
    return incident
