"""Caps before a document is looked at."""

from typing import Any

import pytest
from graphql import GraphQLError, OperationDefinitionNode, parse
from starlette.types import Message, Receive

from api.errors import HttpRefusal
from api.limits import ClientGone, capped_parse, is_bulk, is_deeper, read_body


def receiving(*parts: bytes | None) -> tuple[Receive, list[Message]]:
    """A receive callable for body parts, None being a hang-up, and what is left to receive."""
    left: list[Message] = [
        {"type": "http.disconnect"}
        if part is None
        else {"type": "http.request", "body": part, "more_body": place < len(parts) - 1}
        for place, part in enumerate(parts)
    ]

    async def receive() -> Message:
        return left.pop(0)

    return receive, left


class TestReadBody:
    async def test_parts(self) -> None:
        receive, _ = receiving(b"ab", b"", b"cd")
        assert await read_body(receive, None, 4) == b"abcd"

    async def test_declared_too_long_is_not_read(self) -> None:
        receive, left = receiving(b"abcde")
        with pytest.raises(HttpRefusal) as refused:
            await read_body(receive, "5", 4)
        assert refused.value.status == 413
        assert len(left) == 1

    @pytest.mark.parametrize("declared", [None, "1", "-1", "x"])
    async def test_longer_than_declared(self, declared: str | None) -> None:
        receive, left = receiving(b"abc", b"de", b"f")
        with pytest.raises(HttpRefusal) as refused:
            await read_body(receive, declared, 4)
        assert refused.value.status == 413
        assert len(left) == 1

    async def test_hang_up(self) -> None:
        receive, _ = receiving(b"a", None)
        with pytest.raises(ClientGone):
            await read_body(receive, None, 4)


class TestIsDeeper:
    @pytest.mark.parametrize(
        ("value", "levels"), [(1, 0), ([], 1), ({"a": 1}, 1), ({"a": [1, {"b": 2}], "c": [[]]}, 3), ([[[]]], 3)]
    )
    def test_exactly(self, value: object, levels: int) -> None:
        assert not is_deeper(value, levels)
        assert levels == 0 or is_deeper(value, levels - 1)

    def test_far_deeper_than_python_recurses(self) -> None:
        value: Any = []
        for _ in range(100_000):
            value = [value]
        assert is_deeper(value, 64)
        while value:
            value = value[0]


class TestIsBulk:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("mutation { clientsUpsert }", True),
            ("mutation { a: clientsUpsert b: clientsUpsert }", True),
            ("mutation { clientsUpsert ping }", False),
            ("mutation { ...F }", False),
            ("mutation { clientsUpsert: ping }", False),
            ("query { clientsUpsert }", False),
        ],
    )
    def test_operation(self, query: str, expected: bool) -> None:
        node = parse(query).definitions[0]
        assert isinstance(node, OperationDefinitionNode)
        assert is_bulk(node) is expected


class TestCappedParse:
    def test_at_the_limit(self) -> None:
        assert len(capped_parse("{" + " a" * 98 + "}", 100).definitions) == 1

    @pytest.mark.parametrize("query", ["{" + " a" * 99 + "}", "#\n" * 101 + "{ a }", "{a" * 60_000])
    def test_over_the_limit(self, query: str) -> None:
        with pytest.raises(GraphQLError):
            capped_parse(query, 100)


class TestLongNumbers:
    @pytest.mark.parametrize("number", ["1" * 401, "-" + "1" * 401, "0." + "3" * 401, "1e" + "9" * 401])
    def test_are_refused_before_anybody_reads_them(self, number: str) -> None:
        with pytest.raises(GraphQLError) as refused:
            capped_parse(f"{{ a(b: [{{ c: {number} }}]) }}", 1_000)
        assert f"a number of {len(number)} characters; at most 400 are read" in refused.value.message
        assert refused.value.locations is not None

    @pytest.mark.parametrize("value", ["1" * 400, f'"{"1" * 5_000}"', f'"""{"1" * 5_000}"""'])
    def test_texts_and_short_numbers_are_read(self, value: str) -> None:
        assert capped_parse(f"{{ a(b: {value}) }}", 1_000).definitions
