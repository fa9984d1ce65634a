"""The hook between a compiled operation and ordinary execution: what was fetched is taken up, not fetched again."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema

from schema.planning.operation import Fetched


def take_up_fetched(schema: GraphQLSchema) -> None:
    """Make the root fields of a schema answer what the root value has for them, and resolve the rest as ever."""
    for type_ in (schema.query_type, schema.mutation_type):
        for field in type_.fields.values() if type_ is not None else ():
            if field.resolve is not None:
                field.resolve = _taking_up(field.resolve)


def _taking_up(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def take_up(source: Mapping[str, Fetched] | None, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        fetched = source.get(str(info.path.key)) if source else None
        if fetched is None:
            return resolve(source, info, **arguments)
        if fetched.error is not None:
            raise fetched.error
        return fetched.value

    return take_up
