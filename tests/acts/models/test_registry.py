"""Versions of models: what is taken from the file, what is refused, and that a version never changes."""

from typing import Any

import pytest

from acts.models.graphs import Graph
from acts.models.registry import Wanted, every_model, find_model, register_model, shipped_file, use_of
from catalogue.attribute import Sensitivity
from catalogue.errors import ErrorCode, Refused
from catalogue.kinds import Kind
from catalogue.model_use import Gives, ModelInput
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.errors import NotFound
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import SMALL, VIEWER, attribute, open_book

CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.badge", Kind.NUMBER, sensitivity=Sensitivity.RESTRICTED),
        attribute("derived.size", Kind.NUMBER),
    )
)
INPUTS = [{"name": "x", "path": "profile.employees"}, {"name": "kind", "path": "kind", "unset": "NAN"}]


def file(factor: float = 2.0, **metadata: Any) -> bytes:
    graph = Graph("size")
    x, kind = graph.input("x"), graph.input("kind", "string")
    graph.output("y", graph.op("Mul", x, factor))
    graph.output("same", graph.op("Identity", kind), "string")
    return graph.file(metadata)


def wanted(content: bytes | None = None, **more: Any) -> Wanted:
    given: dict[str, Any] = {"name": "size", "version": "1", "inputs": INPUTS} | more
    return Wanted(file=file() if content is None else content, **given)


@pytest.fixture
def driver() -> str:
    """What is checked here is the same on every driver; how versions are kept is tested apart, on each."""
    return "memory"


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


async def refusals(book: Repositories, given: Wanted) -> list[str]:
    with pytest.raises(Refused) as caught:
        await register_model(VIEWER, book, given)
    assert await every_model(book) == []
    return [each.message for each in caught.value.problems()]


class TestRegisterModel:
    async def test_what_is_said_and_what_the_file_says(self, book: Repositories) -> None:
        content = file(name="other", version="7", owner="risk", metrics={"auc": 0.5}, trainedOn="2026-11-01")
        done = await register_model(VIEWER, book, wanted(content, version=None, words={"description": "Twice."}))
        assert done == await find_model(book, "size")
        assert (done.name, done.version, done.owner, done.description) == ("size", "7", "risk", "Twice.")
        assert (done.metrics, str(done.trained_on), done.registered_by) == ({"auc": 0.5}, "2026-11-01", VIEWER.person)
        assert done.inputs[0] == ModelInput(name="x", path="profile.employees")
        assert [(each.name, each.gives) for each in done.outputs] == [("y", Gives.NUMBER), ("same", Gives.STRING)]
        assert await book.models.read("size", "7") == content

    async def test_again_changes_nothing_and_another_file_is_refused(self, book: Repositories) -> None:
        one = await register_model(VIEWER, book, wanted())
        assert await register_model(VIEWER, book, wanted()) == one
        with pytest.raises(Refused) as caught:
            await register_model(VIEWER, book, wanted(file(3.0)))
        assert caught.value.code is ErrorCode.ALREADY_EXISTS
        assert await every_model(book) == [one]

    async def test_newest_is_the_one_registered_last(self, book: Repositories) -> None:
        await register_model(VIEWER, book, wanted())
        await register_model(VIEWER, book, wanted(file(3.0), version="2"))
        found = await find_model(book, "size")
        assert found is not None
        assert found.version == "2"

    async def test_dry_run_stores_nothing(self, book: Repositories) -> None:
        done = await register_model(VIEWER, book, wanted(), dry_run=True)
        assert (done.name, await every_model(book)) == ("size", [])

    async def test_needs_the_right(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed):
            await register_model(Viewer("M9", frozenset(("auditor",))), book, wanted())

    async def test_words(self, book: Repositories) -> None:
        given = wanted(name="Größe", version="", metrics={"auc": "high"}, words={"owner": ""})
        assert await refusals(book, given) == [
            'name takes 1 to 64 small letters, digits and hyphens, a letter first; got the text "Größe".',
            'version takes 1 to 32 letters, digits, dots, plus or minus signs; got the text "".',
            'owner takes 1 to 500 characters; got the text "".',
            "metrics takes numbers by name; got {'auc': 'high'}.",
        ]

    async def test_inputs_that_are_not_said(self, book: Repositories) -> None:
        assert await refusals(book, wanted(inputs=None)) == [
            "Neither the request nor the file says which paths the inputs come from; give inputs."
        ]

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("profile.nothing", "There is no live attribute profile.nothing; an input comes from one, or from kind, "),
            ("profile.badge", "profile.badge is RESTRICTED; a model does not read what is encrypted."),
            ("profile.tags", "profile.tags is a list, or in one; an input is one value of a client."),
            (
                "profile.keyPeople.name",
                "profile.keyPeople.name is a list, or in one; an input is one value of a client.",
            ),
            (
                "profile.name",
                "The input x takes BOOLEAN, DATE, DATETIME, DECIMAL, LONG, NUMBER; profile.name is STRING.",
            ),
            ("stage", "The input x takes NUMBER; stage is none."),
        ],
    )
    async def test_path_that_does_not_fit(self, book: Repositories, path: str, message: str) -> None:
        (found,) = await refusals(book, wanted(inputs=[{"name": "x", "path": path}, INPUTS[1]]))
        assert found.startswith(message)

    async def test_inputs_that_are_missing_or_too_many(self, book: Repositories) -> None:
        given = [*INPUTS, INPUTS[0], {"name": "z", "path": "profile.employees"}]
        assert await refusals(book, wanted(inputs=given)) == [
            "The input x has 1 column; inputs name it 2 times.",
            "The file has no input z; it has x, kind.",
        ]


class TestUseOf:
    async def test_first_output_of_the_newest_version(self, book: Repositories) -> None:
        model = await register_model(VIEWER, book, wanted())
        use = await use_of(book, {"name": "size"})
        assert (use.version, use.output, use.column, use.gives, use.inputs) == ("1", "y", 0, Gives.NUMBER, model.inputs)
        assert use.paths == {"profile.employees"}

    async def test_what_is_not_there(self, book: Repositories) -> None:
        with pytest.raises(NotFound):
            await use_of(book, {"name": "size"})
        await register_model(VIEWER, book, wanted())
        for given, message in (
            ({"output": "z"}, "size 1 has no output z; it has y, same."),
            ({"column": 1}, "The output y has the columns 0 to 0; got 1."),
        ):
            with pytest.raises(Refused, match=message):
                await use_of(book, {"name": "size", **given})


class TestShippedFile:
    def test_of_an_unknown_name(self) -> None:
        with pytest.raises(Refused, match="shipped takes one of churn-risk, client-value, credit-rating, value-tier"):
            shipped_file("../secrets")
