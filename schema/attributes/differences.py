"""What a change of the catalogue does to the GraphQL schema, as clients feel it."""

from enum import Enum
from typing import Any

import strawberry
from graphql import GraphQLSchema
from graphql.utilities import find_schema_changes
from graphql.utilities.find_schema_changes import BreakingChange, DangerousChange


class ChangeLevel(Enum):
    """How a change of the schema is felt."""

    BREAKING = "BREAKING"
    DANGEROUS = "DANGEROUS"
    SAFE = "SAFE"


ChangeLevelEnum = strawberry.enum(ChangeLevel, description="How a change of the schema is felt by those who query it.")
for _value, _meaning in zip(
    ChangeLevelEnum.__strawberry_definition__.values,  # type: ignore[attr-defined]
    ("Queries that were valid no longer are.", "Valid queries may behave in another way.", "Nobody is disturbed."),
    strict=True,
):
    _value.description = _meaning


@strawberry.type(description="One difference between the schema now and the schema after a change.")
class SchemaChange:
    """A difference and how it is felt."""

    level: ChangeLevel = strawberry.field(description="How it is felt.")
    message: str = strawberry.field(description="What is different.")


def schema_changes(before: GraphQLSchema, after: GraphQLSchema) -> list[dict[str, Any]]:
    """The differences, the worst first."""
    rows = [{"level": _level(each), "message": each.description} for each in find_schema_changes(before, after)]
    return sorted(rows, key=lambda row: list(ChangeLevel).index(row["level"]))


def _level(change: object) -> ChangeLevel:
    if isinstance(change, BreakingChange):
        return ChangeLevel.BREAKING
    return ChangeLevel.DANGEROUS if isinstance(change, DangerousChange) else ChangeLevel.SAFE
