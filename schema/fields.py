"""Fields whose types are known only when an edition is built."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from inspect import Parameter, Signature
from types import new_class
from typing import Annotated, Any, TypeVar, cast

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from policy.rules import Right
from schema.marks import mark_of_rights
from schema.planning.operation import BATCHED, OURS
from schema.planning.reads import READS, Reads
from schema.planning.selection import place_of

T = TypeVar("T", bound=type)


def described(annotation: object, description: str, name: str | None = None) -> object:
    """The annotation of an argument, with its description."""
    return Annotated[cast(Any, annotation), strawberry.argument(description=description, name=name)]


def resolved(
    resolver: Callable[..., Any],
    name: str,
    returns: object,
    description: str,
    arguments: Mapping[str, object] | None = None,
    reads: Reads | None = None,
    rights: Sequence[Right] = (),
) -> StrawberryField:
    """A field with a resolver, whose types are given here instead of in the function's own annotations.

    `reads` says what the resolver reads, for the cost of a question; without it: nothing. It takes one of the rights.
    """
    resolver.__name__ = name
    setattr(resolver, OURS, True)
    setattr(resolver, READS, reads)
    resolver.__annotations__ = {"info": strawberry.Info, **(arguments or {}), "return": object}
    made = cast(
        StrawberryField,
        strawberry.field(
            resolver=resolver,
            name=name,
            description=description,
            graphql_type=returns,
            metadata=mark_of_rights(*rights),
        ),
    )
    for argument in made.arguments:
        if argument.default is None:
            # Left out and null are the same to the resolver; the schema need not show `= null`.
            argument.default = strawberry.UNSET
    return made


def streamed(
    resolver: Callable[..., AsyncGenerator[Any, None]],
    name: str,
    returns: object,
    description: str,
    arguments: Mapping[str, object],
    reads: Reads,
) -> StrawberryField:
    """A field of Subscription: the generator's values, one answer each."""
    resolver.__name__ = name
    setattr(resolver, READS, reads)
    resolver.__annotations__ = {"info": strawberry.Info, **arguments, "return": AsyncGenerator[Any, None]}
    made = strawberry.subscription(resolver=resolver, name=name, description=description, graphql_type=returns)
    return cast(StrawberryField, made)


Many = Callable[..., Awaitable[Sequence[Any]]]
"""From what is known of the request, and the holders of a level, to the value of each."""


def related(
    many: Many,
    name: str,
    returns: object,
    description: str,
    arguments: Mapping[str, object] | None = None,
    reads: Reads | None = None,
) -> StrawberryField:
    """A field that is read for all holders of a level at once, whichever way the operation is carried out."""

    async def resolver(self: Any, info: strawberry.Info, **given: Any) -> Any:
        place = (place_of(info), repr(given))
        return await info.context.loader(place, partial(many, info, **given)).load(self)

    first = {"self": Any, "info": strawberry.Info}
    parameters = [Parameter(each, Parameter.POSITIONAL_OR_KEYWORD, annotation=type_) for each, type_ in first.items()]
    parameters += [
        Parameter(each, Parameter.KEYWORD_ONLY, default=None, annotation=type_)
        for each, type_ in (arguments or {}).items()
    ]
    resolver.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    setattr(resolver, BATCHED, many)
    return resolved(resolver, name, returns, description, arguments, reads)


def refusable(field: StrawberryField) -> StrawberryField:
    """The field, null where it is refused: the other fields of a question are answered all the same."""
    annotation = field.type_annotation
    if annotation is not None:
        type_ = annotation.raw_annotation
        optional = f"{type_} | None" if isinstance(type_, str) else cast(Any, type_) | None
        field.type_annotation = StrawberryAnnotation(optional, namespace=annotation.namespace)
    return field


def plain(
    name: str,
    description: str,
    deprecation_reason: str | None = None,
    default: object = strawberry.UNSET,
    metadata: Mapping[str, Any] | None = None,
) -> StrawberryField:
    """A field that is read from its object by name, or given in an input."""
    more: dict[str, Any] = {} if default is strawberry.UNSET else {"default": default}
    made = strawberry.field(
        name=name, description=description, deprecation_reason=deprecation_reason, metadata=dict(metadata or {}), **more
    )
    return cast(StrawberryField, made)


def python_name(name: str) -> str:
    """A name that a class may have: `class` and its like get an underscore, which no key has."""
    return f"{name}_" if name in _KEYWORDS else name


_KEYWORDS = frozenset(
    "and as assert async await break class continue def del elif else except finally for from global if import in is "
    "lambda nonlocal not or pass raise return try while with yield".split()
)

Fields = Iterable[tuple[str, object, StrawberryField]]
"""Name, annotation and field."""
Row = tuple[str, Any, str]
"""Name, annotation and description of an input field."""
Marked = tuple[str, Any, str, Mapping[str, Any]]
"""The same, with the mark of what it stands for."""


def _class(name: str, fields: Fields, bases: tuple[type, ...] = (), **members: object) -> type:
    namespace: dict[str, Any] = {"__annotations__": {}, **members}
    for field_name, _, field in fields:
        own = python_name(field_name)
        namespace[own] = field
        if field.base_resolver is None:
            namespace["__annotations__"][own] = object
    return new_class(name, bases, {}, lambda body: body.update(namespace))


def output_type(name: str, description: str, fields: Fields, bases: tuple[type, ...] = (), **members: object) -> type:
    """An object type."""
    rows = list(fields)
    return _late(strawberry.type(_class(name, rows, bases, **members), name=name, description=description), rows)


def _late(made: T, rows: Iterable[tuple[str, object, StrawberryField]]) -> T:
    """The type with the annotations of its plain fields, which making a dataclass would evaluate once more.

    Fields of one annotation share it, evaluated once: most of the time that a schema takes would go into that.
    """
    annotations = {python_name(name): each for name, each, _ in rows if each is not None}
    for field in made.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        annotation = annotations.get(field.python_name)
        if isinstance(annotation, StrawberryAnnotation):
            field.type_annotation = annotation
        elif annotation is not None:
            field.type_annotation = _shared(annotation)
    return made


@lru_cache(maxsize=200)
def _shared(annotation: object) -> StrawberryAnnotation:
    return StrawberryAnnotation(annotation)


def input_type(
    name: str, description: str, fields: Iterable[Row | Marked], defaults: Mapping[str, object] | None = None
) -> type:
    """An input type, handed to resolvers as the plain dictionary that was given: what is absent is absent.

    A required field comes without a default; an optional one is simply not there when it was left out.
    Cost: a request pays for what it gives, not for the size of the type.
    """
    given = dict(defaults or {})
    rows = [(key, annotation, _input_field(key, text, given, *mark)) for key, annotation, text, *mark in fields]
    return as_given(_late(strawberry.input(_class(name, rows), name=name, description=description), rows))


def _input_field(
    key: str, text: str, defaults: Mapping[str, object], mark: Mapping[str, Any] | None = None
) -> StrawberryField:
    return plain(key, text, default=defaults.get(key, strawberry.UNSET), metadata=mark)


def as_given(made: T) -> T:
    """The input type, handed to resolvers as the plain dictionary that was given."""
    definition: StrawberryObjectDefinition = made.__strawberry_definition__  # type: ignore[attr-defined]
    definition.from_input = lambda _cls, given, _context: given
    return made


def read_field(source: Any, name: str) -> object:
    """The value of a field that has no resolver: a key of its dictionary, or an attribute of its object."""
    if isinstance(source, dict):
        value = source.get(name)
        if value is None:
            if name == "id":
                return source["_id"]
            if name in _FACETS:
                return {}
            if name[-1] == "_":
                return source.get(name[:-1])
        return value
    return getattr(source, name)


_FACETS = frozenset(("profile", "behaviour", "attitude", "derived"))
