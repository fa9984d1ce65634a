"""A policy may ask for a second person where somebody has values computed from what they may not read."""

import json

import pytest

from acts.approvals import Decision, decide_approval
from acts.attributes_approved import change_or_propose, define_or_propose
from acts.checks import UNGUARDED, Guard
from acts.performers import PERFORMERS
from catalogue.attribute import Attribute, Sensitivity
from catalogue.catalogue import Catalogue
from catalogue.kinds import Kind
from policy.rules import BUILT_IN
from policy.viewer import Viewer
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import SMALL, attribute, open_book

pytestmark = [pytest.mark.real_drivers, pytest.mark.parametrize("driver", ["pymongo"], indirect=True)]
STEWARD = Viewer("S001", frozenset(("data_steward",)))
SECOND = Viewer("A002", frozenset(("administrator",)))
CATALOGUE = Catalogue(
    [*SMALL.attributes, attribute("behaviour.calls", Kind.LONG, sensitivity=Sensitivity.INTERNAL)], SMALL.relations
)


def doubled(path: str, key: str = "double") -> Attribute:
    return attribute(f"derived.{key}", Kind.NUMBER, formula=json.dumps({"$multiply": [f"${path}", 2]}))


@pytest.fixture
async def book(store: Store) -> Repositories:
    book = await open_book(store, CATALOGUE)
    return book.on(CATALOGUE, BUILT_IN.model_copy(update={"secret_inputs_by_two": True}))


async def test_a_definition_waits_and_is_carried_out(book: Repositories) -> None:
    guard = Guard(idempotency_key="k")
    first = await define_or_propose(STEWARD, book, doubled("behaviour.visits"), guard)
    assert first.approval is not None
    assert (first.approval["act"], first.attribute.path) == ("ATTRIBUTE_COMPUTE", "derived.double")
    assert book.feed.catalogue.find("derived.double") is None
    again = await define_or_propose(STEWARD, book, doubled("behaviour.visits"), guard)
    assert again.approval is not None
    assert again.approval["_id"] == first.approval["_id"]
    decision = Decision(is_approved=True, reason=None)
    await decide_approval(SECOND, book, str(first.approval["_id"]), decision, UNGUARDED, PERFORMERS)
    found = book.feed.catalogue.find("derived.double")
    assert found is not None
    assert found.derived_from == ("behaviour.visits",)


async def test_what_is_read_needs_nobody(book: Repositories) -> None:
    done = await define_or_propose(STEWARD, book, doubled("behaviour.calls"))
    assert done.approval is None
    by_reader = await define_or_propose(SECOND, book, doubled("behaviour.visits", "other"))
    assert by_reader.approval is None


async def test_another_formula_waits_too_and_other_words_do_not(book: Repositories) -> None:
    await define_or_propose(STEWARD, book, doubled("behaviour.calls"))
    formula = json.dumps({"$multiply": ["$behaviour.visits", 2]})
    waiting = await change_or_propose(STEWARD, book, "derived.double", {"formula": formula})
    assert waiting.approval is not None
    assert book.feed.catalogue.get_live("derived.double").derived_from == ("behaviour.calls",)
    assert (await change_or_propose(STEWARD, book, "derived.double", {"label": "Twice"})).approval is None


async def test_by_default_nobody_is_asked(book: Repositories) -> None:
    done = await define_or_propose(STEWARD, book.on(CATALOGUE, BUILT_IN), doubled("behaviour.visits"))
    assert done.approval is None
