"""Whatever is asked under whatever policy: the answer does not depend on what the viewer may not see."""

import asyncio
import json
import os
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from acts import checks, clients, past, upserts
from acts.demo import load_demo
from api.editions import Edition, SeenEdition, build_edition
from api.errors import InvalidDocument
from api.execution import Documents, answer_from, run
from api.graphql_request import GraphQLRequest
from catalogue.attribute import CLIENTS, Attribute
from catalogue.builtin import builtin_catalogue
from catalogue.kinds import Kind
from policy.rules import BUILT_IN, Policy
from policy.viewer import Viewer
from repositories.access import Access
from repositories.entry_windows import Weekday
from repositories.mongo import MongoSettings, connect
from repositories.repositories import Repositories, open_repositories
from schema.clients import freshness
from schema.context import Context
from schema.entry_windows import fields
from tests.books import master_key
from tests.segmented import segment_question, segments_over
from tests.twins import MIRRORS, Document, give_a_past, mirrored, random_policy, twin_of, viewer_of, write_hidden

POLICIES = 150 if os.environ.get("KEHU_TEST_LONG") else 8
QUESTIONS = 40
BUILT = builtin_catalogue()
CATALOGUE = BUILT.with_attributes(MIRRORS)
PATHS = sorted(CATALOGUE.area(CLIENTS))
DERIVED = [each.path for each in MIRRORS]
ROLE = "relationship_manager"
COLLECTIONS = (
    "clients", "changes", "interactions", "managers", "segments", "segment_members", "segment_snapshots",
)  # fmt: skip
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=500)
"""When whatever may be stale is."""
ASKED_AT = datetime.now(UTC)
"""When the book is entered, for the weeks of a window."""
WINDOW: Document = {
    "_id": "ew_1",
    "code": "W",
    "label": "Everything that is expected of attitude",
    "facet": "attitude",
    "weekday": list(Weekday)[ASKED_AT.weekday()],
    "opens": "00:00",
    "closes": "24:00",
    "timeZone": "UTC",
    "status": "ACTIVE",
    "version": 1,
}
LITERALS = {
    Kind.LONG: "5",
    Kind.NUMBER: "5.5",
    Kind.DECIMAL: '"5.5"',
    Kind.BOOLEAN: "true",
    Kind.DATE: '"2020-01-05"',
    Kind.DATETIME: '"2020-01-05T00:00:00Z"',
}
"""A value of a kind as GraphQL writes it; a text for all others."""


class Questions:
    """Operations about a path at random, in every position that there is for one."""

    def __init__(self, random: Random, books: dict[str, list[Document]]) -> None:
        self.random = random
        self.clients = books["clients"]
        self.interactions = books["interactions"]
        self.codes = [str(each["code"]) for each in books["segments"]]

    def next(self) -> tuple[str, dict[str, Any]]:
        attribute = CATALOGUE.get_live(self.random.choice(DERIVED if self.random.random() < 0.1 else PATHS))
        makers = (
            self._select, self._filter, self._filter, self._order, self._group, self._measure, self._door, self._doors,
            self._history, self._between, self._search, self._nodes, self._related, self._change, self._upsert,
            self._definition, self._look, self._record, self._stale, self._complete, self._in_time,
            self._look, self._record, self._duplicates, self._handovers, self._merge, self._quality,
            self._segment, self._segment, self._members, self._saved,
        )  # fmt: skip
        return self.random.choice(makers)(attribute), {}

    def _one(self) -> Document:
        return self.random.choice(self.clients)

    def _moment(self) -> str:
        """A moment before the last change of some client."""
        at: datetime = self._one()["updatedAt"] - timedelta(seconds=self.random.choice((0, 1, 90 * 86_400)))
        return at.isoformat()

    def _then(self) -> str:
        return f', asOf: "{self._moment()}"' if self.random.random() < 0.4 else ""

    def _literal(self, attribute: Attribute) -> str:
        return LITERALS.get(attribute.kind, '"HIDDEN-5"')

    def _selection(self, attribute: Attribute) -> str:
        """The field of an attribute, from the facet down; a group with all that is in it."""
        text = attribute.key + self._inside(attribute)
        for outer in reversed(attribute.segments[:-1]):
            text = f"{outer} {{ {text} }}"
        return text

    def _inside(self, attribute: Attribute) -> str:
        if attribute.kind is Kind.CLIENT:
            return " { id number }"
        if attribute.kind is not Kind.GROUP:
            return ""
        inner = [each.key + self._inside(each) for each in CATALOGUE.children(attribute.path)]
        return f" {{ __typename {' '.join(inner)} }}"

    def _nested(self, attribute: Attribute, innermost: str) -> str:
        words = attribute.segments
        return "".join(f"{{ {each}: " for each in words) + innermost + " }" * len(words)

    def _where(self, attribute: Attribute) -> str:
        holder = CATALOGUE.list_group_of(attribute)
        operator = self.random.choice(attribute.operators)
        many = operator in ("in", "notIn", "containsAny", "containsAll")
        literal = "true" if operator == "isNull" else self._literal(attribute)
        condition = f"{{ {operator}: {f'[{literal}]' if many else literal} }}"
        if attribute.kind is Kind.GROUP:
            condition = "{ isNull: false }"
        if holder is not None and holder is not attribute:
            inner = attribute.path.removeprefix(f"{holder.path}.").split(".")
            item = "".join(f"{{ {each}: " for each in inner) + condition + " }" * len(inner)
            return self._nested(holder, f"{{ any: {item} }}")
        return self._nested(attribute, condition)

    def _page(self, arguments: str, selection: str = "id number") -> str:
        page = self.random.choice(("first: 50", "first: 3", "last: 3"))
        page += self._then() if "search" not in arguments else ""
        ends = "pageInfo { startCursor endCursor hasNextPage hasPreviousPage }"
        return f"{{ clients({page}{arguments}) {{ totalCount {ends} nodes {{ {selection} }} edges {{ cursor }} }} }}"

    def _select(self, attribute: Attribute) -> str:
        return self._page("", f"id number version updatedAt {self._selection(attribute)}")

    def _filter(self, attribute: Attribute) -> str:
        return self._page(f", where: {self._where(attribute)}")

    def _order(self, attribute: Attribute) -> str:
        return self._page(f", orderBy: [{{ field: {attribute.enum_name}, direction: DESC }}]")

    def _group(self, attribute: Attribute) -> str:
        return (
            f"{{ clientGroups(by: [{{ field: {attribute.enum_name} }}], first: 50{self._then()}) "
            "{ totalCount pageInfo { endCursor } nodes { keys { value label } count } } }"
        )

    def _measure(self, attribute: Attribute) -> str:
        name = attribute.enum_name
        return (
            f"{{ clientGroups(by: [{{ field: STAGE }}], first: 50, where: {self._where(attribute)}{self._then()}) "
            f"{{ nodes {{ keys {{ value }} count sum(of: {name}) maximum(of: {name}) }} }} }}"
        )

    def _door(self, attribute: Attribute) -> str:
        inner = f'attribute(path: "{attribute.path}") {{ path value source observedAt isStale definition {{ label }} }}'
        return f'{{ client(id: "{self._one()["_id"]}"{self._then()}) {{ number {inner} }} }}'

    def _between(self, attribute: Attribute) -> str:
        asked = self.random.choice(("", f', paths: ["{attribute.path}"]', f', paths: ["{attribute.parent}"]'))
        given = f'after: "2000-01-01T00:00:00Z", until: "{self._moment()}"{asked}'
        return self._page("", f"id changesBetween({given}) {{ path old new isDifferent changes {{ version by }} }}")

    def _doors(self, attribute: Attribute) -> str:
        asked = self.random.choice((f'paths: ["{attribute.path}"]', f"facet: {attribute.facet.name}"))
        return self._page("", f"id attributes({asked}) {{ path value enteredAt }}")

    def _history(self, attribute: Attribute) -> str:
        asked = self.random.choice(("", f', paths: ["{attribute.path}"]', f', paths: ["{attribute.parent}"]'))
        rows = "pageInfo { hasNextPage endCursor } nodes { version at by values { path old new } }"
        inner = f"history(first: 5{asked}) {{ {rows} }}"
        return self._page("", f"id {inner}")

    def _search(self, _attribute: Attribute) -> str:
        return self._page(f', search: "{self.random.choice(("hidden", "HIDDEN-1", "a", "ltd", "FOREIGN"))}"')

    def _nodes(self, attribute: Attribute) -> str:
        ids = [self._one()["_id"] for _ in range(3)] + [self.random.choice(self.interactions)["_id"], "cl_missing"]
        inner = (
            f"__typename id ... on Client {{ {self._selection(attribute)} }} ... on Interaction {{ summary outcome }}"
        )
        return f"{{ nodes(ids: {json.dumps(ids)}) {{ {inner} }} }}"

    def _related(self, attribute: Attribute) -> str:
        rows = f"id summary client {{ {self._selection(attribute)} }}"
        inner = f"interactions(first: 3) {{ totalCount pageInfo {{ endCursor }} nodes {{ {rows} }} }}"
        return self._page("", f"id manager {{ name email }} {inner}")

    def _values(self, attribute: Attribute) -> str:
        literal = f"[{self._literal(attribute)}]" if attribute.is_list else self._literal(attribute)
        if attribute.kind is Kind.GROUP or self.random.random() < 0.3:
            literal = "null"
        return (
            "".join(f"{each}: {{ " for each in attribute.segments[:-1])
            + f"{attribute.key}: {literal}"
            + " }" * (len(attribute.segments) - 1)
        )

    def _change(self, attribute: Attribute) -> str:
        given = f'id: "{self._one()["_id"]}", idempotencyKey: "{self.random.randrange(10**9)}"'
        return (
            f"mutation {{ clientChange(input: {{ {given}, changes: {{ {self._values(attribute)} }} }}) "
            f"{{ client {{ id version {self._selection(attribute)} }} errors {{ code message path }} }} }}"
        )

    def _upsert(self, attribute: Attribute) -> str:
        row = f'{{ number: "{self._one()["number"]}", {self._values(attribute)} }}'
        dry = self.random.choice(("true", "false"))
        return (
            f"mutation {{ clientsUpsert(input: {{ clients: [{row}], dryRun: {dry} }}) "
            "{ report { created changed unchanged refused } errors { code message path } } }"
        )

    def _segment(self, _attribute: Attribute) -> str:
        return segment_question(self.random, self.codes)

    def _members(self, attribute: Attribute) -> str:
        code = self.random.choice(self.codes)
        if self.random.random() < 0.5:
            return self._page(f', segment: "{code}"', f"id {self._selection(attribute)}")
        by = f'by: [{{ field: {attribute.enum_name} }}], first: 50, segment: "{code}"{self._then()}'
        return f"{{ clientGroups({by}) {{ totalCount nodes {{ keys {{ value }} count }} }} }}"

    def _saved(self, attribute: Attribute) -> str:
        code = self.random.choice(("NEW", self.random.choice(self.codes)))
        given = f'code: "{code}", label: "New", where: {self._where(attribute)}, dryRun: true'
        return (
            f"mutation {{ segmentDefine(input: {{ {given} }}) "
            "{ segment { code size where } errors { code message path } } }"
        )

    def _definition(self, attribute: Attribute) -> str:
        return (
            f'{{ attribute(path: "{attribute.path}") {{ label sensitivity }} '
            f"attributes(first: 200, facet: {attribute.facet.name}) {{ totalCount nodes {{ path }} }} }}"
        )

    def _stale(self, attribute: Attribute) -> str:
        only = self.random.choice(("", "", f', paths: ["{attribute.path}"]', f", facet: {attribute.facet.name}"))
        by = self.random.choice(("MANAGER", "ATTRIBUTE", "MANAGER_AND_ATTRIBUTE"))
        counts = (
            f"staleValueCounts(by: {by}, first: 50{only}) {{ totalCount nodes {{ values clients oldestObservedAt }} }}"
        )
        values = f"staleValues(first: 9{only}) {{ totalCount nodes {{ client {{ number }} path observedAt }} }}"
        return f"{{ {values} {counts} }}"

    def _complete(self, attribute: Attribute) -> str:
        only = self.random.choice(("", f"(facet: {attribute.facet.name})"))
        inner = (
            f"completeness{only} {{ filled expected share facets {{ facet filled }} missing(first: 99) {{ path }} }}"
        )
        books = "clients filled expected share facets { facet filled expected }"
        managers = f"completenessByManager(first: 50) {{ totalCount nodes {{ manager {{ id }} {books} }} }}"
        of_managers = f"managers(first: 50) {{ nodes {{ id completeness{only} {{ {books} }} }} }}"
        return f"{{ clients(first: 50) {{ nodes {{ number {inner} }} }} {managers} {of_managers} }}"

    def _in_time(self, _attribute: Attribute) -> str:
        weeks = "onTime(weeks: 3) { clients onTime late early missing }"
        managers = "onTimeByManager(first: 50) { totalCount nodes { manager { id } clients onTime missing } }"
        return f'{{ entryWindow(code: "W") {{ paths attributes {{ path }} {weeks} {managers} }} }}'

    def _look(self, attribute: Attribute) -> str:
        name = self.random.choice(("Client", "ClientProfile", "ClientProfileWhere", "ClientOrderField", "Mutation"))
        return f'{{ __type(name: "{name}") {{ fields {{ name }} inputFields {{ name }} enumValues {{ name }} }} }}'

    def _duplicates(self, _attribute: Attribute) -> str:
        rule = self.random.choice(("", ", rule: PHONE", ", rule: TAX_NUMBER", ", rule: NAME_AND_CITY"))
        pairs = "nodes { score reasons { rule } one { id } other { id } } pageInfo { hasNextPage endCursor }"
        return f"{{ duplicateClients(first: 5{rule}) {{ totalCount {pairs} }} }}"

    def _handovers(self, _attribute: Attribute) -> str:
        rows = "nodes { version by reason fromManager { name } toManager { id } }"
        return self._page("", f"id mergedClients {{ number }} handovers(first: 3) {{ {rows} }}")

    def _merge(self, attribute: Attribute) -> str:
        one, two = self._one(), self._one()
        versions = f"{{ keep: {one['version']}, merge: {two['version']} }}"
        chosen = f'{{ path: "{attribute.path}", from: {self.random.choice(("KEPT", "MERGED"))} }}'
        choices = self.random.choice(("[]", f"[{chosen}]"))
        given = f'keepId: "{one["_id"]}", mergeId: "{two["_id"]}", expectedVersions: {versions}, choices: {choices}'
        rows = "outcome { values { path kept merged side } follows { area count } }"
        return (
            f"mutation {{ clientMerge(input: {{ {given}, dryRun: true }}) "
            f"{{ client {{ id }} {rows} errors {{ code message path }} }} }}"
        )

    def _quality(self, attribute: Attribute) -> str:
        asked = self.random.choice((f', paths: ["{attribute.path}"]', f", facet: {attribute.facet.name}"))
        rows = "path clients filled fillRate distinct minimum maximum misfits misfitIds"
        unknown = "unexplainedPaths(first: 5) { nodes { path count } }"
        return f"{{ dataQuality(first: 3{asked}) {{ totalCount nodes {{ {rows} }} }} {unknown} }}"

    def _record(self, _attribute: Attribute) -> str:
        key = self.random.randrange(10**9)
        moment = 'at: "2026-01-01T00:00:00Z", channel: "PHONE"'
        given = f'clientId: "{self._one()["_id"]}", {moment}, idempotencyKey: "{key}"'
        return (
            f"mutation {{ interactionRecord(input: {{ {given} }}) {{ interaction {{ client {{ number }} }} "
            "errors { code message path } } }"
        )


class Bench:
    """The demonstration book, read once, and books made of it."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.edition: Edition
        self.books: dict[str, list[Document]] = runner.run(self._load())

    async def _load(self) -> dict[str, list[Document]]:
        repositories = await self._open()
        await load_demo(repositories, 40, lambda _done, _count: None)
        repositories = repositories.on(CATALOGUE)
        await segments_over(repositories, PATHS, [NOW - timedelta(days=each) for each in (95, 60, 30)])
        self.edition = build_edition(repositories)
        books = {name: await repositories.store.collection(name).find({}) for name in COLLECTIONS}
        give_a_past(books, CATALOGUE, Random(20261126))
        return mirrored(books) | {"entry_windows": [WINDOW]}

    async def _open(self) -> Repositories:
        return await open_repositories(connect(MongoSettings(driver="memory")), BUILT, "s" * 32, kms=master_key)

    async def seen(self, books: dict[str, list[Document]], policy: Policy, viewer: Viewer) -> SeenEdition:
        """The edition of a book, as a viewer has it."""
        repositories = (await self._open()).on(CATALOGUE, policy)
        for name, rows in books.items():
            if rows:
                await repositories.store.collection(name).insert_many(deepcopy(rows))
        return Edition(repositories, self.edition.schema, 0.0).seen_by(viewer)


async def asked(seen: SeenEdition, viewer: Viewer, query: str, variables: dict[str, Any]) -> str:
    """The whole answer as text, without the ids of incidents."""
    try:
        prepared = Documents(10, 5_000).prepare(seen, query)
    except InvalidDocument as problem:
        return json.dumps(problem.answer())
    context = Context(viewer, seen.repositories, shown_schema=seen.shown_schema)
    answer = answer_from(await run(seen, prepared, GraphQLRequest(query, variables), context))
    for each in answer.get("errors", ()):
        each["message"] = each["message"].split(" id ")[0]
        each["extensions"].pop("id", None)
    return json.dumps(answer, default=str, sort_keys=True)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        yield Bench(runner)


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, moment in (
        (checks, NOW), (clients, NOW), (past, NOW), (upserts, NOW), (freshness, LATER), (fields, ASKED_AT),
    ):  # fmt: skip
        monkeypatch.setattr(module, "now", lambda moment=moment: moment)


@pytest.mark.parametrize("seed", range(POLICIES))
def test_answers_do_not_depend_on_what_is_hidden(bench: Bench, seed: int) -> None:
    random = Random(seed)
    policy, viewer = random_policy(random, ROLE, PATHS), viewer_of(bench.books, ROLE, random)
    access = Access(policy, CATALOGUE)
    view = access.view(viewer)
    one = bench.runner.run(bench.seen(write_hidden(bench.books, view, random), policy, viewer))
    books = mirrored(twin_of(bench.books, access, CATALOGUE, viewer, random))
    two = bench.runner.run(bench.seen(write_hidden(books, view, random), policy, viewer))
    questions = Questions(random, bench.books)
    for _ in range(QUESTIONS):
        query, variables = questions.next()
        first = bench.runner.run(asked(one, viewer, query, variables))
        second = bench.runner.run(asked(two, viewer, query, variables))
        assert first == second, query


def test_the_built_in_table_shows_something_to_everybody_but_integrations(bench: Bench) -> None:
    """The property above would hold of answers that are empty; these are not."""
    for rule in BUILT_IN.rules:
        some = bench.books["clients"][0]
        viewer = Viewer("M001", frozenset((rule.role,)), some.get("team"), str(some["managerId"]))
        seen = bench.runner.run(bench.seen(bench.books, BUILT_IN, viewer))
        answer = bench.runner.run(asked(seen, viewer, "{ clients(first: 1) { nodes { profile { name } } } }", {}))
        assert json.loads(answer)["data"]["clients"]["nodes"][0]["profile"]["name"], rule.role
