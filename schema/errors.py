"""Errors that people can mend, as data of a mutation's answer."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import strawberry

from catalogue.errors import ErrorCode, KehuError, Problem, page_of
from repositories.errors import Unavailable
from schema.context import MISSED_LOOKUPS, Context

_MEANINGS = {
    ErrorCode.INVALID_VALUE: "A value breaks the rules of its attribute or argument.",
    ErrorCode.UNKNOWN_ATTRIBUTE: "No attribute has this path.",
    ErrorCode.ATTRIBUTE_RETIRED: "The attribute is retired.",
    ErrorCode.ATTRIBUTE_BUILT_IN: "The attribute is built in and stays.",
    ErrorCode.NAME_TAKEN: "The path, or the name it would have in a list of fields, is taken.",
    ErrorCode.NAME_RESERVED: "The key is a word that Kehu uses itself.",
    ErrorCode.KIND_FIXED: "Kind and list-ness of an attribute never change.",
    ErrorCode.STALE_VERSION: "The record was changed since it was read.",
    ErrorCode.ALREADY_EXISTS: "A unique value is taken.",
    ErrorCode.APPROVAL_CLOSED: "The approval was decided or withdrawn already, or has expired.",
    ErrorCode.JOB_STATE: "The job stands so that this cannot be done with it.",
    ErrorCode.NOT_FOUND: "The record is not there, or may not be seen.",
    ErrorCode.NOT_ALLOWED: "The viewer may not do this.",
    ErrorCode.ORDER_NOT_INDEXED: "No index serves the order.",
    ErrorCode.INDEX_LIMIT: "The collection has as many indexes as it may.",
    ErrorCode.EMPTY_FILTER: "A filter says nothing.",
    ErrorCode.BAD_CURSOR: "The cursor does not belong to this question.",
    ErrorCode.PAGE_SIZE: "The page is too small, too large or not given.",
    ErrorCode.TOO_EXPENSIVE: "The request would cost too much.",
    ErrorCode.FORMULA_REFUSED: "The formula is not allowed.",
    ErrorCode.SEGMENT_NOT_USABLE: "The segment is retired, or the catalogue no longer fits it.",
    ErrorCode.MODEL_REFUSED: "The model file, or how it is bound to attributes, is not allowed.",
    ErrorCode.KEY_REUSED: "The idempotency key was used for another request.",
    ErrorCode.UNAVAILABLE: "The database did not answer; try again with the same idempotency key.",
    ErrorCode.RATE_LIMITED: "Too much was asked within a minute.",
}

ErrorCodeEnum = strawberry.enum(
    ErrorCode, name="ErrorCode", description="What went wrong, in one word that a program can act on."
)
for _code, _meaning in _MEANINGS.items():
    _value = ErrorCodeEnum.__strawberry_definition__.values[list(ErrorCode).index(_code)]  # type: ignore[attr-defined]
    _value.description = _meaning


@strawberry.interface(description="Something that the sender of a mutation can mend.")
class UserError:
    """What was given, what is expected and where; the message says it in a sentence."""

    code: ErrorCode = strawberry.field(description="What went wrong.")
    message: str = strawberry.field(description="What was given, what is expected and what to do, in a sentence.")
    path: list[str] | None = strawberry.field(description="The place in the input, or the path of the attribute.")
    given: str | None = strawberry.field(description="What was given, shortened.")
    expected: str | None = strawberry.field(description="What is expected instead.")
    page: str = strawberry.field(description="The address of the page about the code, on the server that answered.")


@strawberry.type(description="A value or a request that is refused.")
class Refusal(UserError):
    """One problem of a request about one record."""

    @classmethod
    def is_type_of(cls, source: Any, _info: object) -> bool:
        return isinstance(source, dict) and source.get("row") is None


@strawberry.type(description="A row of many that is refused.")
class RowRefusal(UserError):
    """One problem of one row."""

    row: int = strawberry.field(description="The row in the input, counted from 0.")

    @classmethod
    def is_type_of(cls, source: Any, _info: object) -> bool:
        return isinstance(source, dict) and source.get("row") is not None


def error_value(problem: Problem) -> dict[str, Any]:
    """A problem as its fields are read from it."""
    return {
        "code": problem.code,
        "message": problem.message,
        "path": list(problem.path) or None,
        "given": problem.given,
        "expected": problem.expected,
        "row": problem.row,
        "page": page_of(problem.code),
    }


def tried(problems: Sequence[Problem]) -> int:
    """How many of the problems tell whether something is there."""
    return sum(each.code in (ErrorCode.NOT_FOUND, ErrorCode.ALREADY_EXISTS) for each in problems)


async def payload(context: Context, noun: str, act: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """The answer of a mutation: what the act came to, or the problems that a person can mend.

    Records that are not there are counted, as those of questions are: a change must not be a way to try ids. Those that
    are there already are counted too: of whoever may not see them it tells that they are.
    """
    await context.spending.check(MISSED_LOOKUPS)
    try:
        return {"errors": [], **await act()}
    except Unavailable:
        # Nobody can mend that; the answer is the same as to a question, so that clients try again by one rule.
        raise
    except KehuError as refused:
        problems = refused.problems()
        # The answer says them only if they are selected.
        context.touched.refusals.extend(str(each.code) for each in problems)
        await context.spending.spend(MISSED_LOOKUPS, tried(problems))
        return {noun: None, "errors": [error_value(each) for each in problems]}
