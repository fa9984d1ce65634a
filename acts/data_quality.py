"""How good the values of an attribute are, and what stands in documents that no attribute explains."""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.attribute import CLIENTS, Attribute, Facet
from catalogue.catalogue import unknown_attribute
from catalogue.filters import Compare, all_of
from catalogue.kinds import Kind, Operator
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import Touched
from repositories.compile.misfits import misfit_query
from repositories.compile.quality import (
    Looked,
    distinct_pipeline,
    fill_pipeline,
    keys_pipeline,
    misfit_pipeline,
)
from repositories.plan import ID, ReadPlan
from repositories.repositories import Repositories

RIGHT = Right.DEFINE_ATTRIBUTES
SAMPLED_ABOVE = 100_000
"""A larger book is not gone through: a part is drawn at random."""
SAMPLE = 20_000
DISTINCT_LIMIT = 1_000
"""Different values are counted no further."""
UNKNOWN_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Quality:
    """What is known of the values of one attribute."""

    attribute: Attribute
    looked_at: int
    """Clients who may have the attribute, by their kind, among those that were looked at."""
    filled: int
    is_sampled: bool
    minimum: object = None
    maximum: object = None
    distinct: int | None = None
    """Up to DISTINCT_LIMIT; None where it was not asked for, or cannot be told."""
    misfits: int | None = None
    misfit_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownPath:
    """A path that documents have and no attribute explains."""

    path: str
    count: int
    example: str
    is_sampled: bool


def measured_attributes(
    viewer: Viewer, repositories: Repositories, paths: Some[str] | None = None, facet: Facet | None = None
) -> list[Attribute]:
    """The attributes with values of their own whom the viewer may ask about: those that he may filter by.

    Raises: NotAllowed; UnknownAttribute for a path that is none of them.
    """
    access, catalogue = repositories.access, repositories.catalogue
    access.require(viewer, RIGHT)
    able = {
        each.path: each
        for each in catalogue.area(CLIENTS).values()
        if catalogue.is_live(each)
        and (each.kind is not Kind.GROUP or each.is_list)
        and access.may_filter(viewer, each.path)
        and access.may_filter(viewer, (catalogue.list_group_of(each) or each).path)
    }
    for path in paths or ():
        if path not in able:
            raise unknown_attribute(path)
    # How many references there are tells of those that the viewer may not see.
    told = {path: each for path, each in able.items() if path not in access.references(viewer)}
    return [
        each for path, each in told.items() if (not paths or path in paths) and (facet is None or each.facet is facet)
    ]


async def measure(
    viewer: Viewer,
    repositories: Repositories,
    attributes: Sequence[Attribute],
    *,
    wants_distinct: bool = False,
    wants_misfits: bool = False,
    touched: Touched | None = None,
) -> list[Quality]:
    """The quality of these attributes, over the clients whom the viewer may read.

    Cost: one pass over those clients, and up to two more for each attribute; of a book of more than 100,000 clients
    over 20,000 that are drawn at random.
    """
    if not attributes:
        return []
    looked = await _looked(viewer, repositories, attributes, touched)
    catalogue = repositories.catalogue
    bounded = [
        each
        for each in attributes
        if each.spec.is_orderable
        and not each.is_list
        and catalogue.list_group_of(each) is None
        and not catalogue.is_restricted(each)
    ]
    clients = repositories.clients.collection
    (figures,) = await clients.aggregate(fill_pipeline(looked, attributes, bounded)) or [{"kinds": []}]
    rows = figures["kinds"]
    found: list[Quality] = []
    for place, each in enumerate(attributes):
        kinds = {str(kind) for kind in catalogue.kinds_with(each)}
        low, high = (_end(figures, bounded, each, name) for name in ("a", "z"))
        distinct, misfits = None, {}
        if wants_distinct and each.kind is not Kind.GROUP and not catalogue.is_restricted(each):
            counted = await clients.aggregate(distinct_pipeline(looked, each, DISTINCT_LIMIT))
            distinct = int(counted[0]["count"]) if counted else 0
        if wants_misfits:
            misfits = await _misfits(repositories, looked, each)
        found.append(
            Quality(
                each,
                sum(int(row["count"]) for row in rows if row["_id"] in kinds),
                sum(int(row[f"f{place}"]) for row in rows if row["_id"] in kinds),
                looked.sample is not None,
                low,
                high,
                distinct,
                int(misfits["count"]) if misfits else None,
                tuple(map(str, misfits.get("ids", ()))),
            )
        )
    if touched is not None:
        touched.note(CLIENTS, (client_id for each in found for client_id in each.misfit_ids))
    return found


async def unknown_paths(
    viewer: Viewer, repositories: Repositories, touched: Touched | None = None
) -> list[UnknownPath]:
    """The paths in documents that no attribute explains, drafts and retired ones included, in order.

    Those in a group of which the viewer may not read everything are left out.

    Their values are shown to nobody: no attribute says how secret they are.
    Raises: NotAllowed.
    Cost: one pass over the clients whom the viewer may read, or over a part that is drawn at random.
    """
    repositories.access.require(viewer, RIGHT)
    looked = await _looked(viewer, repositories, (), touched)
    attributes = tuple(repositories.catalogue.area(CLIENTS).values())
    rows = await repositories.clients.collection.aggregate(keys_pipeline(looked, attributes, UNKNOWN_LIMIT))
    sampled = looked.sample is not None
    found = [UnknownPath(str(each["_id"]), int(each["count"]), str(each["example"]), sampled) for each in rows]
    # What stands in a group is as secret as the group.
    facets = {str(each.facet) for each in measured_attributes(viewer, repositories)}
    groups = {each.path.rpartition(".")[0] for each in found}
    seen = {each for each in groups if each in facets or ("." in each and repositories.access.may_filter(viewer, each))}
    return [each for each in found if each.path.rpartition(".")[0] in seen]


async def _looked(
    viewer: Viewer, repositories: Repositories, attributes: Sequence[Attribute], touched: Touched | None
) -> Looked:
    """The clients that are looked at, by the policy: the question is a filter by the attributes."""
    parts = [Compare(each.path, Operator.IS_NULL, False) for each in attributes]
    repositories.access.authorise(ReadPlan(CLIENTS, frozenset((ID,)), all_of(*parts)), viewer, touched)
    count = await repositories.clients.collection.estimated_count()
    return Looked(repositories.access.rows(viewer), SAMPLE if count > SAMPLED_ABOVE else None)


async def _misfits(repositories: Repositories, looked: Looked, attribute: Attribute) -> dict[str, Any]:
    holder = repositories.catalogue.list_group_of(attribute)
    is_encrypted = repositories.catalogue.is_restricted(attribute)
    within = "" if holder is None else holder.path
    query = misfit_query(attribute, within=within, is_encrypted=is_encrypted)
    found = await repositories.clients.collection.aggregate(misfit_pipeline(looked, query))
    return found[0] if found else {"count": 0, "ids": []}


def _end(figures: Mapping[str, Any], bounded: Sequence[Attribute], attribute: Attribute, name: str) -> object:
    """The least (a) or greatest (z) value of an attribute; None where it has no order."""
    return figures.get(f"{name}{bounded.index(attribute)}") if attribute in bounded else None
