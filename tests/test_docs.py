"""The documentation holds: every code has a page, examples are valid and their answers real, links lead somewhere."""

import ast
import json
import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
from graphql import parse, validate
from strawberry import Schema

import repositories.embedded.errors as embedded_errors
from acts.importing.definitions import attribute_from
from acts.importing.map_file import load_map
from catalogue.attribute import Attribute
from catalogue.builtin import builtin_catalogue
from catalogue.errors import ErrorCode
from catalogue.kinds import Kind
from repositories.errors import RepositoryError
from schema.build import build_schema
from tests.house_rules import ROOT
from tests.served import ADMINISTRATOR, PERSON, SECOND_PERSON, Served, served
from tests.settings_table import PAGES, with_table

ERRORS = ROOT / "docs" / "errors"
NOT_YET = "This version does not answer it yet."
SEEN_OTHERWISE = {"INDEX_LIMIT", "UNAVAILABLE"}
"""Pages whose example takes minutes, or a database that does not answer."""
DEFINED_IN_README = Attribute(
    path="profile.esgScore", kind=Kind.NUMBER, label="ESG score", description="Defined on the way.", is_sortable=True
)
STEWARD = ("demo-data-steward", "data_steward")
TOTAL = re.compile(r'"totalCount": \d+')


@cache
def pages() -> dict[str, str]:
    """The text of each page that people read, by its path."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(found)}


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def pairs(text: str) -> list[tuple[str, str]]:
    """Each GraphQL block that has a JSON block right behind it, with that block."""
    return re.findall(r"^```graphql\n(.*?)^```\n+```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def codes() -> set[str]:
    """Every error code there is: of the contract, of the HTTP layer, of the repositories."""
    found = {str(each) for each in ErrorCode} | set(_codes_of(RepositoryError)) | {embedded_errors.EmbeddedError.code}
    for path in (ROOT / "api").glob("*.py"):
        found |= set(_http_codes(ast.parse(path.read_text(encoding="utf-8"))))
    return found


def _codes_of(error: type[RepositoryError]) -> Iterator[str]:
    if "code" in vars(error):
        yield str(error.code)
    for each in error.__subclasses__():
        if hasattr(each, "code"):
            yield from _codes_of(each)


def _http_codes(tree: ast.Module) -> Iterator[str]:
    named = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
            code = node.args[1]
            if node.func.id in {"HttpRefusal", "InvalidDocument"} and isinstance(code, ast.Constant):
                yield str(code.value)
    # The names in capitals of api/errors.py, which the calls use.
    yield from (value for value in named.values() if re.fullmatch(r"[A-Z]+(_[A-Z]+)+|INTERNAL", value))


def error_pages() -> dict[str, str]:
    return {
        Path(path).stem: text
        for path, text in pages().items()
        if path.startswith("docs/errors/") and not path.endswith("README.md")
    }


class TestErrorPages:
    def test_every_code_has_a_page_and_every_page_a_code(self) -> None:
        assert set(error_pages()) == codes()

    @pytest.mark.parametrize("code", sorted(error_pages()))
    def test_a_page_says_what_it_is_why_it_comes_and_what_to_do(self, code: str) -> None:
        text = error_pages()[code]
        heads = [line for line in text.splitlines() if line.startswith("#")]
        assert heads == [f"# {code}", "## Cause", "## Example", "## What to do"]
        answers = blocks(text, "json")
        assert len(answers) == (0 if NOT_YET in text else 1)
        assert all(code in json.dumps(json.loads(each)) for each in answers)

    def test_the_list_names_each(self) -> None:
        listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\)", pages()["docs/errors/README.md"], re.MULTILINE)
        assert {name for name, _ in listed} == set(error_pages())
        assert all(name == target for name, target in listed)


@pytest.fixture(scope="module")
def schema() -> Schema:
    return build_schema(builtin_catalogue().with_attributes([DEFINED_IN_README, *defined_on_the_walk()]))


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


def defined_on_the_walk() -> list[Attribute]:
    """What the map of the walk defines, and what the walk derives from it."""
    defined = load_map(ROOT / "examples" / "emissions.toml").define
    derived = Attribute(
        path="derived.carbonIntensity", kind=Kind.NUMBER, label="Intensity", description="Derived.", is_sortable=True
    )
    return [*(attribute_from(each) for each in defined), derived]


EXAMPLES = [(path, place) for path, text in pages().items() for place in range(len(blocks(text, "graphql")))]


class TestGraphQLExamples:
    @pytest.mark.parametrize(("path", "place"), EXAMPLES)
    def test_valid_on_the_built_in_schema(self, path: str, place: int, schema: Schema) -> None:
        example = blocks(pages()[path], "graphql")[place]
        assert [error.message for error in validate(schema._schema, parse(example))] == []

    def test_the_pages_have_examples(self) -> None:
        assert len(EXAMPLES) > 30

    async def test_the_answers_in_the_readme_are_real(self, book: Served) -> None:
        story = pairs(pages()["README.md"])
        assert len(story) == 4
        for place, (question, answer) in enumerate(story):
            # What a data team does is asked with a data team's rights.
            asker = (PERSON, ADMINISTRATOR) if place == 0 else STEWARD
            assert _comparable(await _ask_soon(book, question, *asker)) == _comparable(json.loads(answer))

    async def test_a_data_steward_can_do_what_the_guide_to_attributes_says(self, book: Served) -> None:
        for question in blocks(pages()["docs/attributes-guide.md"], "graphql"):
            assert _refusals(await _ask_soon(book, question, *STEWARD)) == [], question

    async def test_two_people_can_do_what_the_page_on_approvals_says(self, book: Served) -> None:
        define, *_ = blocks(pages()["docs/attributes-guide.md"], "graphql")
        propose, waiting, decide, withdraw = blocks(pages()["docs/approvals.md"], "graphql")
        await book.ask(define)
        proposed = await _ask_soon(book, propose)
        assert _refusals(proposed) == []
        given = {"id": proposed["data"]["attributeRetire"]["approval"]["id"]}
        assert (await book.ask(waiting))["data"]["approvals"]["totalCount"] == 1
        decided = await book.ask(decide, given, person=SECOND_PERSON)
        assert _refusals(decided) == []
        assert decided["data"]["approvalDecide"]["approval"]["status"] == "APPROVED"
        lower = 'input: {path: "profile.affiliates", sensitivity: INTERNAL, reason: "As the guide says."}'
        own = await _proposed(book, "attributeChange", lower, PERSON)
        withdrawn = await book.ask(withdraw, {"id": own})
        assert _refusals(withdrawn) == []
        assert withdrawn["data"]["approvalWithdraw"]["approval"]["status"] == "WITHDRAWN"

    async def test_what_the_page_on_freshness_asks_has_an_answer(self, book: Served) -> None:
        answers: dict[str, Any] = {}
        for question in blocks(pages()["docs/freshness.md"], "graphql"):
            answer = await _ask_soon(book, question)
            assert _refusals(answer) == [], question
            answers |= answer["data"]
        oldest = answers["staleValues"]["nodes"][0]
        assert (oldest["client"]["number"], oldest["path"]) == ("K000003", "attitude.satisfaction")
        assert answers["staleValueCounts"]["nodes"][0]["values"] >= 1
        assert answers["completenessByManager"]["nodes"][0]["share"] < 1
        weeks = answers["entryWindow"]["onTime"]
        assert [each["isOver"] for each in weeks] == [False, True, True, True]

    async def test_the_answers_on_the_error_pages_are_real(self, book: Served) -> None:
        variables = await _variables(book)
        for code, text in error_pages().items():
            for question, answer in pairs(text) if code not in SEEN_OTHERWISE else ():
                given = {name: value for name, value in variables.items() if f"${name}:" in question}
                found = json.dumps(await book.ask(question.strip(), given), ensure_ascii=False)
                assert json.loads(found) == json.loads(answer), f"docs/errors/{code}.md; the answer is: {found}"


async def _ask_soon(book: Served, question: str, person: str = PERSON, role: str = ADMINISTRATOR) -> dict[str, Any]:
    """The answer, waited for while the edition with a new attribute is on its way."""
    with anyio.fail_after(10):
        while True:
            answer = await book.ask(question, person=person, role=role)
            if "GRAPHQL_VALIDATION_FAILED" not in json.dumps(answer):
                return answer
            await anyio.sleep(0.05)


def _refusals(answer: dict[str, Any]) -> list[object]:
    """What an answer says against the request: of GraphQL, and of its mutations."""
    of_fields = [error for field in (answer.get("data") or {}).values() for error in field.get("errors", ())]
    return [*answer.get("errors", ()), *of_fields]


def _comparable(answer: dict[str, Any]) -> object:
    """The answer without the size of the book, which is smaller here than in a demonstration."""
    return json.loads(TOTAL.sub('"totalCount": 0', json.dumps(answer)))


async def _variables(book: Served) -> dict[str, object]:
    """What the examples of the error pages are given; the book is made to be as they say."""
    first = await book.ask('{ client(number: "K000003") { id } clients(first: 1) { pageInfo { endCursor } } }')
    client = first["data"]["client"]["id"]
    await book.ask(
        'mutation { attributeDefine(input: {facet: PROFILE, key: "favouriteColour", kind: STRING, label: "Colour",'
        ' description: "The colour they like."}) { errors { message } } }'
    )
    retire = 'input: {path: "profile.favouriteColour", idempotencyKey: "docs"}'
    approval = await _proposed(book, "attributeRetire", retire, SECOND_PERSON)
    decide = "mutation($id: ID!) { approvalDecide(input: {id: $id, isApproved: true}) { errors { message } } }"
    await book.ask(decide, {"id": approval})
    lower = 'input: {path: "profile.affiliates", sensitivity: INTERNAL, idempotencyKey: "docs"}'
    own = await _proposed(book, "attributeChange", lower, PERSON)
    change = {"id": client, "changes": {"attitude": {"satisfaction": 51}}, "idempotencyKey": "k1"}
    mutation = "mutation($i: ClientChangeInput!) { clientChange(input: $i) { errors { message } } }"
    await book.ask(mutation, {"i": change})
    segment = '{code: "OLD_CAMPAIGN", label: "Old", where: {stage: {eq: LOST}}, idempotencyKey: "docs"}'
    await book.ask(f"mutation {{ segmentDefine(input: {segment}) {{ errors {{ message }} }} }}")
    await book.ask('mutation { segmentRetire(input: {code: "OLD_CAMPAIGN"}) { errors { message } } }')
    return {
        "id": client,
        "approval": approval,
        "own": own,
        "job": await book.cancelled_job(),
        "after": first["data"]["clients"]["pageInfo"]["endCursor"],
        "input": {"id": "cl_0", "changes": {"attitude": {"satisfaction": "high"}}},
    }


async def _proposed(book: Served, verb: str, given: str, person: str) -> str:
    """The id of what a person has proposed."""
    mutation = f"mutation {{ {verb}({given}) {{ approval {{ id }} errors {{ message }} }} }}"
    answer = await book.ask(mutation, person=person)
    return str(answer["data"][verb]["approval"]["id"])


class TestSettingsTable:
    @pytest.mark.parametrize("path", PAGES)
    def test_current(self, path: str) -> None:
        assert pages()[path] == with_table(pages()[path]), "run: python -m tests.settings_table"


class TestDecisions:
    @pytest.mark.parametrize("path", [each for each in pages() if re.match(r"docs/decisions/\d", each)])
    def test_parts_and_tests(self, path: str) -> None:
        text = pages()[path]
        heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert heads == ["Context", "Decision", "Consequences", "Held by"]
        named = re.findall(r"`((?:tests|scripts)/[\w/.]+)`", text.partition("## Held by")[2])
        assert named
        assert [each for each in named if not (ROOT / each).exists()] == []


class TestLinks:
    @pytest.mark.parametrize("path", pages())
    def test_lead_somewhere(self, path: str) -> None:
        broken = [target for target in _links(pages()[path]) if not _leads((ROOT / path).parent, target, path)]
        assert broken == []

    def test_pictures_are_small(self) -> None:
        sizes = {each.name: each.stat().st_size for each in (ROOT / "docs" / "pictures").iterdir()}
        assert sizes
        assert [name for name, size in sizes.items() if size > 300_000] == []


def _links(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [each for each in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in each]


def _leads(folder: Path, target: str, path: str) -> bool:
    name, _, anchor = target.partition("#")
    page = (folder / name).resolve() if name else ROOT / path
    if not page.exists():
        return False
    return not anchor or anchor in _anchors(page.read_text(encoding="utf-8"))


def _anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}
