"""What an attribute's definition may say of a model, and what a model keeps from changing."""

import pytest

from acts.attributes import change_attribute, define_attribute, retire_attribute
from acts.models.graphs import Graph
from acts.models.registry import Wanted, register_model, use_of
from acts.models.scoring import has_changes
from catalogue.attribute import Attribute, ClientKind, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Refused
from catalogue.kinds import Kind
from catalogue.model_rules import model_problems
from catalogue.values import check_flat
from policy.rules import BUILT_IN, RoleRule, RowScope
from policy.viewer import Viewer
from repositories.access import Access
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.acts.models.sizes import CATALOGUE, VISITS, bind, derived, give, size_file, with_size, work
from tests.books import APPROVED, VIEWER, attribute, insert, open_book


@pytest.fixture
def driver() -> str:
    """What is checked here is the same on every driver."""
    return "memory"


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


class TestBinding:
    @pytest.mark.parametrize(
        ("definition", "message"),
        [
            (attribute("profile.size", Kind.NUMBER), "Models give values of the facet derived"),
            (
                attribute("derived.name"),
                "The output size of size 1 gives one of NUMBER, DECIMAL; derived.name is STRING.",
            ),
            (
                attribute("derived.open", Kind.NUMBER, sensitivity=Sensitivity.PUBLIC),
                "Set sensitivity to CONFIDENTIAL.",
            ),
            (attribute("derived.must", Kind.NUMBER, required_for=(ClientKind.PERSON,)), "derived.must is required"),
        ],
    )
    async def test_refused(self, book: Repositories, definition: Attribute, message: str) -> None:
        await register_model(VIEWER, book, Wanted("size", "1", size_file()))
        use = await use_of(book, {"name": "size"})
        with pytest.raises(Refused) as caught:
            await define_attribute(VIEWER, book, definition.model_copy(update={"model": use}))
        assert message in caught.value.message
        assert book.feed.catalogue.find(definition.path) is None
        assert await book.jobs.collection.count({}) == 0

    async def test_version_that_is_not_registered_here(self, book: Repositories) -> None:
        await register_model(VIEWER, book, Wanted("size", "1", size_file()))
        use = await use_of(book, {"name": "size"})
        for other in ({"version": "2"}, {"inputs": use.inputs[:1]}, {"output": "other"}, {"column": 3}):
            given = {"model": use.model_copy(update=other).model_dump(mode="json")}
            with pytest.raises(Refused) as caught:
                await change_attribute(VIEWER, book, "derived.size", given)
            assert "is not registered here with the output" in caught.value.message

    async def test_not_beside_a_formula(self, book: Repositories) -> None:
        await register_model(VIEWER, book, Wanted("size", "1", size_file()))
        both = attribute("derived.both", Kind.NUMBER, formula="1", model=await use_of(book, {"name": "size"}))
        (found,) = model_problems(CATALOGUE, CATALOGUE.with_attributes([both]), "derived.both")
        assert found.message.startswith("derived.both has a formula; a value comes from one or from a model")

    async def test_is_closed_to_whoever_may_not_read_an_input_for_good(self, book: Repositories) -> None:
        await with_size(book)
        rule = RoleRule(
            role="team_lead", rows=RowScope.ALL, sensitivity=Sensitivity.CONFIDENTIAL, deny=("behaviour.visits",)
        )
        policy = BUILT_IN.model_copy(update={"rules": (rule,)})
        lead = Viewer("L1", frozenset(("team_lead",)))
        for _ in range(2):
            found = book.feed.catalogue.find("derived.size")
            assert found is not None
            assert found.derived_from == ("behaviour.visits", "profile.employees")
            assert "derived.size" in Access(policy, book.feed.catalogue).view(lead).area("clients").hidden
            await change_attribute(VIEWER, book, "derived.size", {"model": None})

    async def test_circle(self, book: Repositories) -> None:
        graph = Graph("loop")
        graph.output("y", graph.input("x"))
        await register_model(VIEWER, book, Wanted("loop", "1", graph.file({}), [{"name": "x", "path": "derived.size"}]))
        with pytest.raises(Refused) as caught:
            await bind(book, "derived.size", "loop")
        assert "would make a circle: derived.size reads derived.size" in caught.value.message

    async def test_what_is_read_cannot_retire(self, book: Repositories) -> None:
        await define_attribute(VIEWER, book, attribute("behaviour.calls", Kind.LONG))
        inputs = [{"name": "employees", "path": "behaviour.calls"}, VISITS]
        await register_model(VIEWER, book, Wanted("size", "1", size_file(), inputs))
        await bind(book, "derived.size", "size")
        with pytest.raises(Refused) as caught:
            await retire_attribute(VIEWER, book, "behaviour.calls", approved=APPROVED)
        assert caught.value.code is ErrorCode.MODEL_REFUSED
        assert "behaviour.calls is read for derived.size (model size)." in caught.value.message

    async def test_values_are_written_by_nobody_else(self, book: Repositories) -> None:
        await with_size(book)
        catalogue: Catalogue = book.feed.catalogue
        (problem,) = check_flat(catalogue, {"derived.size": 3.0}).problems
        assert problem.message.startswith("derived.size is computed by its model size and takes no value")

    async def test_without_the_model_values_stay(self, book: Repositories) -> None:
        one = await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        await with_size(book)
        await work(book)
        await change_attribute(VIEWER, book, "derived.size", {"model": None})
        await give(book, one, {"profile.employees": 11})
        assert not await has_changes(book)
        assert (await derived(book, one))["size"] == 20.0
