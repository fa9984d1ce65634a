"""Introspection through the viewer's eyes: what he may not use is not in what the schema says of itself."""

from typing import Any

from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

_OF_SCHEMA = frozenset(("__schema", "__type"))


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
