"""What a definition says of the model that gives its values."""

import strawberry

from schema.enums import ModelUnsetEnum


@strawberry.type(description="One column of a model's input, and where its values come from.")
class ModelColumn:
    """A column and its path."""

    name: str = strawberry.field(description="The name of the input; several columns of one input have the same.")
    path: str = strawberry.field(description="The path of the attribute, or kind, stage, createdAt or today.")
    unset: ModelUnsetEnum = strawberry.field(description="What becomes of a client without a value there.")


@strawberry.type(description="The model that gives the values of an attribute.")
class AttributeModel:
    """One output of one version."""

    name: str = strawberry.field(description="The name of the model.")
    version: str = strawberry.field(description="The version that gives the values.")
    output: str = strawberry.field(description="The output that the values are taken from.")
    column: int = strawberry.field(description="The column of the output, counted from 0.")
