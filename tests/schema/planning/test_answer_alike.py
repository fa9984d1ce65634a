"""The compiled answer against ordinary execution: the same data, the same errors, whatever is asked of what data."""

import asyncio
import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    ExecutionResult,
    FieldNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    SelectionSetNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    execute,
    parse,
    print_ast,
    visit,
)
from graphql.language import REMOVE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from acts.demo import load_demo
from api.editions import Edition, build_edition
from api.execution import Documents, Prepared, answer_from, core_schema, run
from api.graphql_request import GraphQLRequest
from catalogue.builtin import builtin_catalogue
from policy.viewer import Viewer
from repositories.mongo import MongoSettings, connect
from repositories.repositories import Repositories, open_repositories
from schema.build import build_schema
from schema.context import Context
from tests.books import master_key

EXAMPLES = 2_000 if os.environ.get("KEHU_TEST_LONG") else 60
VIEWER = Viewer("M001", frozenset(("administrator",)))
SDL = build_schema(builtin_catalogue()).as_str()
SCALARS = {
    "Long": st.integers(-(2**40), 2**40).map(nodes.Int),
    "Decimal": st.sampled_from(("1.50", "-3", "x")).map(nodes.String),
    "Date": st.sampled_from(("2020-02-29", "2019-02-29")).map(nodes.String),
    "DateTime": st.sampled_from(("2026-01-01T00:00:00Z", "yesterday")).map(nodes.String),
    "JSON": st.just(nodes.String("{}")),
}
PATHS = ("profile.name", "attitude.satisfaction", "profile.keyPeople", "behaviour.lastContactAt", "profile.nothing")
ODD: tuple[dict[str, Any], ...] = (
    {"profile": {"name": 7}},
    {"profile": None, "attitude": {"satisfaction": "high"}},
    {"kind": "ROBOT"},
    {"version": 2**33, "profile": {"tags": "one", "location": []}},
    {"profile": {"tags": ["one", None], "keyPeople": [{"name": "x"}, None]}},
    {"derived": {"clientValue": float("nan")}, "behaviour": {"financials": {"revenue": 5}}},
    {"createdAt": "long ago", "managerId": "mg_nobody"},
    {"profile": {"keyPeople": {}, "parent": "cl_nobody"}},
)
"""What no act would write: ordinary execution has errors, or nulls, for it, and so must the compiled answer."""


class Book:
    """A book in memory with good and odd clients, and the edition it is read by."""

    def __init__(self, runner: "asyncio.Runner") -> None:
        self.runner = runner
        self.repositories: Repositories = runner.run(self._load())
        self.edition: Edition = build_edition(self.repositories)
        self.ids: list[str] = runner.run(self._ids())

    async def _load(self) -> Repositories:
        repositories = await open_repositories(
            connect(MongoSettings(driver="memory")), builtin_catalogue(), "s" * 32, kms=master_key
        )
        await load_demo(repositories, 24, lambda done, count: None)
        good = await repositories.clients.collection.find({}, limit=len(ODD))
        for index, (document, odd) in enumerate(zip(good, ODD, strict=True)):
            mixed = document | odd | {"_id": f"cl_odd{index}", "number": f"ODD-{index}"}
            await repositories.clients.collection.insert_one(mixed)
        return repositories

    async def _ids(self) -> list[str]:
        rows = await self.repositories.clients.collection.find({}, {"_id": 1})
        managers = await self.repositories.managers.collection.find({}, {"_id": 1}, limit=3)
        return [str(each["_id"]) for each in (*rows, *managers)] + ["at_profile.name", "cl_nobody"]

    def context(self) -> Context:
        return Context(VIEWER, self.repositories)


@pytest.fixture(scope="module")
def book() -> Iterator[Book]:
    with asyncio.Runner() as runner:
        yield Book(runner)


class Twist(Visitor):
    """Makes a generated operation more like what people write: real ids, small pages, aliases, fragments, choices."""

    def __init__(self, random: Random, ids: list[str], info: TypeInfo) -> None:
        super().__init__()
        self.random = random
        self.ids = ids
        self.info = info

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        name = node.name.value
        if name in ("after", "before", "last", "since") or (name in ("where", "search") and self.random.random() < 0.7):
            return REMOVE
        value = self._value(name)
        return None if value is None else ArgumentNode(name=node.name, value=value)

    def _value(self, name: str) -> Any:
        if name == "first":
            return IntValueNode(value=str(self.random.choice((1, 3, 40, 0))))
        if name == "id":
            return StringValueNode(value=self.random.choice(self.ids))
        if name == "ids":
            chosen = self.random.choices(self.ids, k=self.random.randrange(6))
            return ListValueNode(values=tuple(StringValueNode(value=each) for each in chosen))
        if name == "number":
            return StringValueNode(value=self.random.choice(("K000001", "ODD-1", "none")))
        if name == "path":
            return StringValueNode(value=self.random.choice(PATHS))
        if name == "paths":
            return ListValueNode(values=tuple(StringValueNode(value=each) for each in self.random.sample(PATHS[:4], 2)))
        return None

    def leave_field(self, node: FieldNode, *_: Any) -> Any:
        chance = self.random.random()
        directives = tuple(node.directives or ())
        if chance < 0.1:
            directives += (_choice("include" if chance < 0.05 else "skip", self.random),)
        alias = NameNode(value=f"a{self.random.randrange(10**6)}") if self.random.random() < 0.15 else node.alias
        return FieldNode(
            name=node.name,
            alias=alias,
            arguments=node.arguments,
            directives=directives,
            selection_set=node.selection_set,
        )

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> Any:
        parent = self.info.get_parent_type()
        if self.random.random() < 0.2 and parent is not None and len(node.selections) > 1:
            first, *rest = node.selections
            inner = InlineFragmentNode(
                type_condition=NamedTypeNode(name=NameNode(value=parent.name)),
                directives=(),
                selection_set=SelectionSetNode(selections=tuple(rest)),
            )
            return SelectionSetNode(selections=(first, inner))
        return None


def _choice(name: str, random: Random) -> DirectiveNode:
    value = VariableNode(name=NameNode(value="yes")) if random.random() < 0.5 else BooleanValueNode(value=True)
    argument = ArgumentNode(name=NameNode(value="if"), value=value)
    return DirectiveNode(name=NameNode(value=name), arguments=(argument,))


def twisted(book: Book, query: str, random: Random) -> str:
    """The operation, changed at random but still about this book."""
    info = TypeInfo(core_schema(book.edition))
    text = print_ast(visit(parse(query), TypeInfoVisitor(info, Twist(random, book.ids, info))))
    head, brace, rest = text.partition("{")
    name = "query Q($yes: Boolean = true, $no: Boolean) "
    return f"{name if 'mutation' not in head else head}{brace}{rest}"


async def compiled_answer(book: Book, prepared: Prepared, request: GraphQLRequest) -> dict[str, Any]:
    return dict(answer_from(await run(book.edition, prepared, request, book.context())))


async def ordinary_answer(book: Book, prepared: Prepared, request: GraphQLRequest) -> dict[str, Any]:
    result = execute(
        core_schema(book.edition),
        prepared.document,
        context_value=book.context(),
        variable_values=request.variables,
        executor_class=book.edition.schema.execution_context_class,
        hide_suggestions=True,
    )
    found = result if isinstance(result, ExecutionResult) else await result
    return dict(answer_from(found))


def comparable(answer: dict[str, Any]) -> Any:
    """The answer without the ids that incidents get."""
    errors = [
        {**error, "message": str(error["message"]).split(" id ")[0], "extensions": error["extensions"].get("code")}
        for error in answer.get("errors", ())
    ]
    if "data" in answer and answer["data"] is None and errors:
        # A null has reached the top. What was wrong beside it is told only if it was met before: by chance.
        return {"data": None}
    return {"data": answer.get("data"), "errors": sorted(errors, key=repr)}


def test_fragments_that_double_at_every_level_are_not_compiled(book: Book) -> None:
    inner = "profile {{ parent {{ ...F{} }} }}"
    levels = [f"fragment F{at} on Client {{ a: {inner.format(at + 1)} b: {inner.format(at + 1)} }}" for at in range(30)]
    text = '{ client(number: "none") { ...F0 } } ' + " ".join(levels) + " fragment F30 on Client { number }"
    prepared = Documents(10, 20_000, rules=()).prepare(book.edition, text)
    asked = prepared.answers.asked(book.edition.schema, prepared.operation(None), {})
    assert asked is not None
    assert prepared.answers.find(asked) is None


class TestAlike:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(query=queries(SDL, custom_scalars=SCALARS), random=st.randoms(use_true_random=False), yes=st.booleans())
    def test_random_operation(self, book: Book, query: str, random: Random, yes: bool) -> None:
        text = twisted(book, query, random)
        documents = Documents(10, 20_000, rules=())
        prepared = documents.prepare(book.edition, text)
        request = GraphQLRequest(text, {"yes": yes})
        fast = book.runner.run(compiled_answer(book, prepared, request))
        slow = book.runner.run(ordinary_answer(book, prepared, request))
        assert comparable(fast) == comparable(slow), text
