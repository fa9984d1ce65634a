"""A mutation: one argument `input`, and a payload of what was changed and every problem."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import strawberry

from policy.rules import Right
from schema.errors import UserError, payload
from schema.fields import Fields, described, output_type, plain, resolved

Act = Callable[[strawberry.Info, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""From the request and its input to the fields of the payload; what people can mend it raises."""


class Result(NamedTuple):
    """What a payload has besides its errors."""

    noun: str
    made: Any
    """The type of the object."""
    meaning: str
    more: Fields = ()


def mutation(
    name: str, text: str, given: Any, result: Result, act: Act, rights: Sequence[Right] = ()
) -> tuple[str, None, Any]:
    """One field of Mutation, for those with one of the rights."""
    noun, made, meaning, more = result

    async def resolve(info: strawberry.Info, input: Mapping[str, Any]) -> Any:
        return await payload(info.context, noun, lambda: act(info, input))

    answer: Any = output_type(
        f"{name[0].upper()}{name[1:]}Payload",
        "What became of the request.",
        (
            (noun, made | None, plain(noun, meaning)),
            *more,
            ("errors", list[UserError], plain("errors", "Every problem at once; empty if there is none.")),
        ),
    )
    arguments = {"input": described(given, "What is wanted.")}
    return name, None, resolved(resolve, name, answer | None, text, arguments, rights=rights)
