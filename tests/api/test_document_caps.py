"""Caps on documents, and that everything a program or a page really sends fits them."""

import pytest
from graphql import GraphQLError, get_introspection_query

from api.document_caps import DocumentCaps, check_caps
from api.limits import capped_parse, check_length
from tests.test_docs import blocks, pages
from tests.test_snapshots import QUESTIONS

SENT = [
    *QUESTIONS.values(),
    *(each for text in pages().values() for each in blocks(text, "graphql")),
    get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    ),
    get_introspection_query(descriptions=False),
]


def check(query: str, **caps: int) -> None:
    check_caps(capped_parse(query, 1_000), DocumentCaps(**caps))


def chain(levels: int, times: int = 2) -> str:
    """Fragments that spread the next one several times."""
    links = [f"fragment F{at} on Client {{ {f'...F{at + 1} ' * times}}}" for at in range(levels)]
    return f"{{ client {{ ...F0 }} }} {' '.join(links)} fragment F{levels} on Client {{ number }}"


class TestWhatIsSent:
    @pytest.mark.parametrize("query", SENT)
    def test_fits(self, query: str) -> None:
        check_length(query, 50_000)
        check(query)


class TestCounts:
    @pytest.mark.parametrize(
        ("query", "cap"),
        [
            ("{ a { b { c } } }", {"depth": 3}),
            ("{ ...F } fragment F on Query { a { ...G } } fragment G on A { b { c } }", {"depth": 3}),
            ("{ a { ... on A { ... { b { c } } } } }", {"depth": 3}),
            ("query A { a } query B { a { b } }", {"depth": 2}),
            ("{ x: a b { y: c } }", {"aliases": 2}),
            ("{ a { ...F } b { ...F } } fragment F on A { x: c y: d }", {"aliases": 2}),
            ("{ a { b } } fragment Unused on A { x: c }", {"aliases": 1}),
            ("{ a b ...F ... { d } } fragment F on Query { c }", {"root_fields": 4}),
            ("mutation { a b }", {"root_fields": 2}),
            ("{ a @skip(if: true) ... @include(if: true) { b @skip(if: true) } }", {"directives": 3}),
            ("query($n: Int @x) @y { ...F @z } fragment F on Query @w { a }", {"directives": 4}),
            ("{ a { ...F ...F } } fragment F on A { b { c } d }", {"fields": 7}),
            (chain(8), {"fields": 257}),
        ],
    )
    def test_exactly(self, query: str, cap: dict[str, int]) -> None:
        check(query, **cap)
        ((name, limit),) = cap.items()
        with pytest.raises(GraphQLError, match=rf"\b{limit}\b.*the limit is {limit - 1}\."):
            check(query, **{name: limit - 1})

    def test_what_is_selected_again_counts_with_all_below_it(self) -> None:
        check("{ " + "a { b c d e f g h i j } " * 11 + "}", root_fields=20)
        with pytest.raises(GraphQLError, match="selects 110 fields again where they are selected; the limit is 100"):
            check("{ " + "a { b c d e f g h i j } " * 12 + "}", root_fields=20)

    def test_not_hidden_by_inline_fragments(self) -> None:
        with pytest.raises(GraphQLError, match="fields again"):
            check("{ a { " + "... { b } " * 102 + "} }")

    @pytest.mark.parametrize("levels", [12, 20, 30])
    def test_fragments_that_double(self, levels: int) -> None:
        with pytest.raises(GraphQLError, match=f"selects {2**levels + 1} fields|more than 30 levels"):
            check(chain(levels))

    def test_long_chains(self) -> None:
        check(chain(29, times=1))
        with pytest.raises(GraphQLError, match="spread each other in more than 30 levels"):
            check(chain(60, times=1))

    @pytest.mark.parametrize(
        "query",
        [
            "{ ...F } fragment F on Query { ...F }",
            "{ ...F } fragment F on Q { ...G } fragment G on Q { ...F }",
            "{ ...F }",
        ],
    )
    def test_what_the_validation_refuses_is_left_to_it(self, query: str) -> None:
        check(query)


class TestIntrospection:
    DEEP = "types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } }"

    def test_may_be_deep(self) -> None:
        check(f"{{ __schema {{ {self.DEEP} }} }}")
        with pytest.raises(GraphQLError, match="levels of fields"):
            check(f"{{ client {{ {self.DEEP} }} }}")

    @pytest.mark.parametrize(
        "query",
        [
            "{ a: __schema { types { name } } }",
            "{ ...F } fragment F on Query { a: __schema { types { name } } }",
            "{ __schema { a: types { name } b: types { name } } }",
            "{ __schema { types { ...F } } } fragment F on __Type { a: fields { name } }",
        ],
    )
    def test_takes_no_aliases(self, query: str) -> None:
        with pytest.raises(GraphQLError, match="Introspection takes no aliases"):
            check(query)

    def test_several_types_by_name(self) -> None:
        check('{ a: __type(name: "Client") { name } b: __type(name: "Manager") { name } }')
