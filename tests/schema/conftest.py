"""The schema of the built-in catalogue, made once."""

import pytest
from graphql import GraphQLSchema

from catalogue.builtin import builtin_catalogue
from schema.build import build_schema


@pytest.fixture(scope="session")
def builtin_schema() -> GraphQLSchema:
    return build_schema(builtin_catalogue())._schema
