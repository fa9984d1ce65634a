"""Definitions of a file that hang together: what comes before what, and whether all of them could stand."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from acts.attributes_in_use import use_problems
from acts.formulas import computed_problems, with_members
from catalogue.attribute import CLIENTS, OF_ITS_BOOK, Attribute, Status
from catalogue.catalogue import Catalogue
from catalogue.differences import Difference, Verb
from catalogue.errors import Problem, Refused
from catalogue.formulas.graph import graph_of, input_paths
from catalogue.rollups.reading import member_paths, rollup_inputs
from catalogue.rules import change_problems, definition_problems
from policy.viewer import Viewer
from repositories.repositories import Repositories

Place = tuple[str, str]
"""Area and path."""


def catalogue_of(present: Catalogue, wanting: Iterable[Difference]) -> Catalogue:
    """The catalogue as it is to be when everything that is wanted is in force."""
    found = []
    for each in wanting:
        kept = {} if each.present is None else {name: getattr(each.present, name) for name in OF_ITS_BOOK}
        found.append(each.attribute.model_copy(update={**kept, "segment_where": each.attribute.segment_where}))
    return present.with_attributes(found)


async def with_members_known(
    viewer: Viewer, repositories: Repositories, wanting: Iterable[Difference]
) -> tuple[list[Difference], list[Problem]]:
    """The differences with the filters that the segments of this stage have, and a problem for each segment not here.

    Cost: one command for each rollup that names a segment.
    """
    found: list[Difference] = []
    problems: list[Problem] = []
    for each in wanting:
        kept = None if each.present is None else each.present.segment_where
        wanted = each.attribute.model_copy(update={"segment_where": kept})
        try:
            wanted = await with_members(viewer, repositories, each.present, wanted)
        except Refused as refused:
            problems += (problem.under(wanted.path) for problem in refused.problems())
        found.append(replace(each, wanted=wanted))
    return found, problems


def read_by(catalogue: Catalogue, attribute: Attribute) -> frozenset[Place]:
    """What the values of an attribute are computed from."""
    found: set[Place] = set()
    if attribute.formula is not None:
        # A text that is no formula is refused where it is checked.
        with suppress(ValueError):
            found |= {(CLIENTS, each) for each in input_paths(catalogue, attribute.formula)}
    if attribute.model is not None:
        found |= {(CLIENTS, each) for each in attribute.model.paths}
    if attribute.rollup is not None:
        with suppress(Refused):
            found |= {(attribute.rollup.area, each) for each in rollup_inputs(catalogue, attribute.rollup)}
        found |= {(CLIENTS, each) for each in member_paths(catalogue, attribute)}
    return frozenset(found)


def users_gone(present: Catalogue, wanted: Catalogue, attribute: Attribute) -> frozenset[str]:
    """Attributes that are computed from one now, and are not to be any more."""
    if attribute.area != CLIENTS:
        return frozenset()
    still = set(graph_of(wanted).users(attribute.path))
    return frozenset(each for each in graph_of(present).users(attribute.path) if each not in still)


def places_in_order(catalogue: Catalogue, wanting: Sequence[Difference]) -> dict[Place, int]:
    """The place of each definition: behind the group that it stands in, and behind what it is computed from."""
    rows = {(each.attribute.area, each.attribute.path): each.attribute for each in wanting}
    found: dict[Place, int] = {}
    begun: set[Place] = set()

    def visit(place: Place) -> None:
        if place in begun or place not in rows:
            return
        begun.add(place)
        attribute = rows[place]
        for before in sorted({(attribute.area, attribute.parent), *read_by(catalogue, attribute)}):
            visit(before)
        found[place] = len(found)

    for each in sorted(rows):
        visit(each)
    return found


async def problems_together(
    viewer: Viewer, repositories: Repositories, wanting: Sequence[Difference], is_computed: Callable[[Difference], bool]
) -> list[Problem]:
    """What is wrong with new definitions, and with computed ones, in the catalogue as it is to be.

    A circle, a formula that reads what is nowhere, a level that is too low, or a model that is not here is found before
    anything is written.
    Cost: for each that is computed one trial, or one look for its model.
    """
    present = repositories.feed.catalogue
    after = catalogue_of(present, wanting)
    order = places_in_order(after, wanting)
    grown = present.with_attributes(
        each.attribute for each in wanting if each.verb is Verb.CHANGED and each.attribute.status is not Status.RETIRED
    )
    problems: list[Problem] = []
    for each in sorted(wanting, key=lambda one: order[one.attribute.area, one.attribute.path]):
        wanted, found = each.attribute, list[Problem]()
        if each.present is None:
            found = definition_problems(grown, wanted)
            grown = grown.with_attributes([wanted])
        elif is_computed(each):
            found = change_problems(after, each.present, wanted)
            found += await use_problems(viewer, repositories, present, after, wanted)
        if not found:
            found = await computed_problems(repositories, present, after, wanted)
        problems += (problem.under(wanted.path) for problem in found)
    return problems
