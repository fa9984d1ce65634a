"""Introspection through the viewer's eyes: what he may not use is not in what the schema says of itself."""

from collections.abc import Iterable
from typing import Any

from graphql import DirectiveLocation, GraphQLDirective
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

_OF_SCHEMA = frozenset(("__schema", "__type"))
_NOT_PUBLISHED = frozenset(("DIRECTIVE_DEFINITION", "FRAGMENT_VARIABLE_DEFINITION"))
"""Places of a directive that stand in drafts of the specification alone: clients that read schemas refuse them."""


def published(directives: Iterable[GraphQLDirective]) -> tuple[GraphQLDirective, ...]:
    """The directives, at home only where the published specification lets one stand."""
    return tuple(map(_published, directives))


def _published(directive: GraphQLDirective) -> GraphQLDirective:
    own = directive.to_kwargs()
    own["locations"] = tuple(place for place in own["locations"] if DirectiveLocation(place).name not in _NOT_PUBLISHED)
    return directive if len(own["locations"]) == len(directive.locations) else GraphQLDirective(**own)


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Ordinary execution, in which introspection looks at the schema that its context shows."""

    def build_resolve_info(self, field_def: Any, field_nodes: Any, parent_type: Any, path: Any) -> Any:
        """What a resolver knows of its field."""
        info = super().build_resolve_info(field_def, field_nodes, parent_type, path)
        shown = getattr(self.context_value, "shown_schema", None)
        if shown is None:
            return info
        if parent_type.name.startswith("__") or field_nodes[0].name.value in _OF_SCHEMA:
            return info._replace(schema=shown())
        return info
