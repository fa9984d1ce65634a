"""Operations that are not compiled."""

import pytest
from graphql import OperationDefinitionNode, parse, validate

from benchmarks.ordinary import WORK, with_introspection
from benchmarks.questions import KEHU_QUERIES
from catalogue.builtin import builtin_catalogue
from schema.build import build_schema
from schema.planning.answer import Unsupported
from schema.planning.operation import OperationCompiler


class TestWithIntrospection:
    @pytest.mark.parametrize("work", WORK)
    def test_is_one_that_the_compiler_refuses(self, work: str) -> None:
        schema = build_schema(builtin_catalogue())
        document = parse(with_introspection(KEHU_QUERIES[work]))
        assert validate(schema._schema, document) == []
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert len(operation.selection_set.selections) == 2
        with pytest.raises(Unsupported):
            OperationCompiler(schema, document, operation).compiled({"industry": "x", "minValue": 1.0, "first": 1})

    def test_what_is_no_query(self) -> None:
        with pytest.raises(ValueError, match="ends with a brace"):
            with_introspection("query")
