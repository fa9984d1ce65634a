"""Define, change, deprecate and retire attributes; a definition changes no client document."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from pydantic import ValidationError

from acts.attributes_in_use import document_problems, use_problems
from acts.checks import UNGUARDED, Guard, guard_problems, key_of, now, problem, refuse, request_hash
from acts.derived_preview import values_despite_unset
from acts.formulas import with_formula
from acts.models.binding import ask_for_scores, with_model
from acts.proposing import Approved
from acts.recomputing import ask
from acts.search import index_words
from catalogue.attribute import CLIENTS, Attribute, Status
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.rules import change_problems, definition_problems, deprecation_problems, retirement_problems
from policy.approvals import ATTRIBUTE_COMPUTE, attribute_act
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.attributes import DefinitionChange, OutrunByAnother
from repositories.compile.indexes import SORTABLE_LIMIT
from repositories.errors import KeyReused, NotFound, Unavailable
from repositories.reading import Document
from repositories.repositories import Repositories
from repositories.resealing import Resealing

log = logging.getLogger("kehu.attributes")

ATTEMPTS = 50

Step = Callable[[Catalogue], tuple[Attribute, list[Problem]]]
"""From the live catalogue to the wanted definition, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What became, or would become, of an attribute."""

    attribute: Attribute
    before: Catalogue
    after: Catalogue
    approval: Document | None = None
    """Where another person decides first: nothing has become of the attribute yet."""


class NeedsApproval(NotAllowed):
    """One person cannot do this to an attribute."""

    def __init__(self, act: str, before: Attribute | None, after: Attribute) -> None:
        super().__init__(f"{act} of {after.path} needs the approval of a second person; nothing was changed.")
        self.act = act
        self.before = before
        self.after = after


@dataclass(frozen=True, slots=True)
class DefinitionCost:
    """What a definition costs the database."""

    makes_index: bool
    drops_index: bool
    indexed_documents: int
    """Documents that a new index must read."""
    failing_documents: int | None
    """Documents whose values do not fit the wanted rules; they stay as they are. None for whoever may not read them."""
    recomputed_documents: int = 0
    """Documents whose values a new formula computes."""
    despite_unset: int | None = None
    """Documents for which a new formula gives a value though something that it reads is unset."""


async def define_attribute(
    viewer: Viewer,
    repositories: Repositories,
    definition: Attribute,
    guard: Guard = UNGUARDED,
    *,
    dry_run: bool = False,
    approved: Approved | None = None,
) -> Definition:
    """A new attribute, as it is in the catalogue from now on.

    Raises: Refused with every problem at once, KeyReused; NeedsApproval where the policy asks for it.
    """

    def step(catalogue: Catalogue) -> tuple[Attribute, list[Problem]]:
        return definition, definition_problems(catalogue, definition)

    request = request_hash("attributeDefine", definition.canonical())
    return await _write(viewer, repositories, step, guard, request, dry_run, approved)


async def change_attribute(
    viewer: Viewer,
    repositories: Repositories,
    path: str,
    changes: Mapping[str, object],
    guard: Guard = UNGUARDED,
    *,
    area: str = "clients",
    dry_run: bool = False,
    approved: Approved | None = None,
    reseals: bool = False,
) -> Definition:
    """An attribute with some parts of its definition changed; what is absent stays.

    Who makes an attribute RESTRICTED of which clients have values says with `reseals` that he encrypts them.
    Raises: Refused, NotFound, StaleVersion, KeyReused; NeedsApproval if the sensitivity would be lower.
    """

    def step(catalogue: Catalogue) -> tuple[Attribute, list[Problem]]:
        before = _get(catalogue, path, area)
        problems = _revision_problems(before, guard)
        try:
            after = Attribute.model_validate(before.model_dump() | {**changes, "revision": before.revision + 1})
        except ValidationError as error:
            return before, [*problems, *(_from_pydantic(each["loc"], each["msg"]) for each in error.errors())]
        return after, [*problems, *change_problems(catalogue, before, after)]

    request = request_hash("attributeChange", area, path, changes, guard.expected_version)
    return await _write(viewer, repositories, step, guard, request, dry_run, approved, reseals=reseals)


async def deprecate_attribute(
    viewer: Viewer,
    repositories: Repositories,
    path: str,
    *,
    successor: str | None,
    removal_on: date | None,
    guard: Guard = UNGUARDED,
    dry_run: bool = False,
) -> Definition:
    """An attribute that still answers, with the word to use another one and the day it goes.

    Raises: Refused, NotFound, StaleVersion, KeyReused.
    """

    def step(catalogue: Catalogue) -> tuple[Attribute, list[Problem]]:
        before = _get(catalogue, path, "clients")
        problems = [*_revision_problems(before, guard), *_built_in_problems(repositories, before)]
        problems += deprecation_problems(catalogue, before, successor)
        update = {"status": Status.DEPRECATED, "successor": successor, "removal_on": removal_on}
        return _revised(before, update), problems

    request = request_hash("attributeDeprecate", path, successor, removal_on, guard.expected_version)
    return await _write(viewer, repositories, step, guard, request, dry_run)


async def retire_attribute(
    viewer: Viewer,
    repositories: Repositories,
    path: str,
    *,
    guard: Guard = UNGUARDED,
    dry_run: bool = False,
    approved: Approved | None = None,
) -> Definition:
    """An attribute that is gone from the schema; its values stay in the documents and in the history.

    Raises: Refused, NotFound, StaleVersion, KeyReused; NeedsApproval without an approval.
    """

    in_documents = await document_problems(repositories, path)

    def step(catalogue: Catalogue) -> tuple[Attribute, list[Problem]]:
        before = _get(catalogue, path, "clients")
        problems = [*_revision_problems(before, guard), *_built_in_problems(repositories, before)]
        problems += [*retirement_problems(catalogue, before, now().date()), *in_documents]
        return _revised(before, {"status": Status.RETIRED}), problems

    request = request_hash("attributeRetire", path, guard.expected_version)
    return await _write(viewer, repositories, step, guard, request, dry_run, approved)


async def definition_cost(viewer: Viewer, repositories: Repositories, done: Definition) -> DefinitionCost:
    """What a definition costs, as far as the viewer may know it.

    Cost: up to three counts over the book.
    """
    attribute, before = done.attribute, done.before.find(done.attribute.path, done.attribute.area)
    was, will = before is not None and _has_index(before), _has_index(attribute)
    records = repositories.of(attribute.area).collection
    failing = 0 if before is None else await _misfits(viewer, repositories.on(done.before), before, attribute)
    count = await records.estimated_count() if attribute.formula_state is not None or (will and not was) else 0
    computed = count if attribute.formula_state is not None else 0
    is_new = attribute.formula is not None and (before is None or before.formula != attribute.formula)
    despite = await values_despite_unset(viewer, repositories, attribute) if is_new else None
    return DefinitionCost(
        will and not was, was and not will, count if will and not was else 0, failing, computed, despite
    )


async def _misfits(viewer: Viewer, repositories: Repositories, before: Attribute, attribute: Attribute) -> int | None:
    # A wanted rule is a question about the values: whoever may not filter by them may not count them by rules either.
    if attribute.area != CLIENTS or not repositories.access.may_filter(viewer, attribute.path):
        return None
    is_encrypted = repositories.catalogue.is_restricted(before)
    rows = repositories.access.rows(viewer)
    holder = repositories.catalogue.list_group_of(before)
    within = "" if holder is None else holder.path
    return await repositories.attributes.count_misfits(attribute, rows, within=within, is_encrypted=is_encrypted)


async def _write(
    viewer: Viewer,
    repositories: Repositories,
    step: Step,
    guard: Guard,
    request: str,
    dry_run: bool,
    approved: Approved | None = None,
    *,
    reseals: bool = False,
) -> Definition:
    """Check against the newest catalogue and write the next one; anew whenever another writer was faster.

    Whether a second person is needed is asked here, of what is about to be written, so that no verb can miss it.
    """
    repositories.access.require(viewer, Right.DEFINE_ATTRIBUTES)
    refuse([each for each in guard_problems(guard) if each.path == ("idempotencyKey",)])
    key = key_of(viewer, guard)
    feed = repositories.feed
    for _ in range(ATTEMPTS):
        await feed.refresh()
        catalogue, sequence = feed.catalogue, feed.sequence
        if key is not None and (earlier := await repositories.attributes.find_by_key(key)):
            if earlier[1] != request:
                raise KeyReused(guard.idempotency_key or "")
            return Definition(earlier[0], catalogue, catalogue)
        attribute, problems = step(catalogue)
        refuse([*problems, *_index_problems(catalogue, attribute)])
        attribute = await with_formula(viewer, repositories, catalogue, attribute)
        # Behind the formula: what a value was ever made from is known there, and added to here.
        attribute = await with_model(repositories, catalogue, attribute)
        done = Definition(attribute, catalogue, catalogue.with_attributes([attribute]))
        refuse(await use_problems(viewer, repositories, done.before, done.after, attribute))
        refuse(await _resealing_problems(repositories, done, reseals=reseals))
        if dry_run:
            return done
        if approved is None:
            _refuse_alone(viewer, repositories, catalogue.find(attribute.path, attribute.area), attribute)
        if _has_index(attribute):
            await repositories.attributes.make_index(attribute)
        try:
            await repositories.attributes.write(attribute, _change_of(viewer, key, request, approved), sequence)
        except OutrunByAnother:
            continue
        if not _has_index(attribute):
            await repositories.attributes.drop_index(attribute)
        await feed.refresh()
        if attribute.rollup is not None:
            await repositories.rollups.prepare()
        await ask(repositories, catalogue.find(attribute.path, attribute.area), attribute)
        if attribute.is_searchable and not _was_searchable(done):
            await _index_values(repositories.on(done.after), attribute)
        before = catalogue.find(attribute.path, attribute.area)
        if before is not None and before.is_lookup is not attribute.is_lookup:
            await _hash_values(repositories, attribute)
        await ask_for_scores(repositories, before, attribute)
        return done
    raise Unavailable("Others define attributes without a pause; send the definition again.")


def _refuse_alone(viewer: Viewer, repositories: Repositories, before: Attribute | None, after: Attribute) -> None:
    act = attribute_act(before, after)
    if (
        act is None
        and repositories.access.policy.secret_inputs_by_two
        and _reads_secrets(viewer, repositories, before, after)
    ):
        act = ATTRIBUTE_COMPUTE
    if act is not None:
        raise NeedsApproval(act, before, after)


def _reads_secrets(viewer: Viewer, repositories: Repositories, before: Attribute | None, after: Attribute) -> bool:
    """Whether a rule that is new computes from something that whoever wants it may not read whole."""
    rules = [None if each is None else (each.formula, each.rollup, each.model) for each in (before, after)]
    if not after.is_computed or rules[0] == rules[1]:
        return False
    areas = repositories.access.view(viewer).areas.items()
    closed = {path if area == CLIENTS else f"{area}:{path}" for area, seen in areas for path in seen.closed}
    return not closed.isdisjoint(after.derived_from)


def _change_of(viewer: Viewer, key: str | None, request: str, approved: Approved | None) -> DefinitionChange:
    change = DefinitionChange(viewer.person, now(), key, request)
    return change if approved is None else replace(change, approval=approved.id, proposed_by=approved.proposed_by)


async def _resealing_problems(repositories: Repositories, done: Definition, *, reseals: bool) -> list[Problem]:
    """A problem where clients have values, or had them, that would have to be encrypted or decrypted for it.

    Cost: none unless that changes; then a look for one value at each path.
    """
    before, after = done.before.restricted(CLIENTS), done.after.restricted(CLIENTS)
    changed = [path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)]
    path = done.attribute.path
    for each in changed if done.before.find(path, done.attribute.area) is not None else ():
        is_opened = set(before.get(each, ())) - set(after.get(each, ()))
        if (is_opened or not reseals) and await repositories.attributes.has_values(each):
            advice = (
                "RESTRICTED it stays; define another attribute"
                if is_opened
                else f"run `kehu privacy migrate {path} --restrict`, which encrypts them too"
            )
            message = f"Clients have, or had, values of {each}: {advice}."
            return [Problem(ErrorCode.INVALID_VALUE, message, ("sensitivity",), path, "an attribute without values")]
    return []


async def _hash_values(repositories: Repositories, attribute: Attribute) -> None:
    """Give the values that are stored already their keyed hashes, or take them away."""
    inside = repositories.feed.catalogue.restricted(CLIENTS).get(attribute.path)
    if inside is not None:
        is_lookup = attribute.path in repositories.vault.lookup_paths
        resealing = Resealing(repositories.store, repositories.vault, attribute.path, inside)
        log.info("%d documents have other hashes of %s", await resealing.run(has_lookup=is_lookup), attribute.path)


async def _index_values(repositories: Repositories, attribute: Attribute) -> None:
    """Give search the values that were written before their attribute became searchable."""
    holder = repositories.catalogue.list_group_of(attribute) or attribute
    async for done in index_words(repositories, holder.path):
        log.info("%d values of %s are searchable", done, holder.path)


def _was_searchable(done: Definition) -> bool:
    before = done.before.find(done.attribute.path, done.attribute.area)
    # A new attribute has no values yet that search could miss.
    return before is None or before.is_searchable


def _has_index(attribute: Attribute) -> bool:
    return attribute.is_sortable and attribute.is_live


def _revised(before: Attribute, update: Mapping[str, object]) -> Attribute:
    return before.model_copy(update={**update, "revision": before.revision + 1})


def _get(catalogue: Catalogue, path: str, area: str) -> Attribute:
    found = catalogue.find(path, area)
    if found is None:
        raise NotFound("attribute", path)
    return found


def _revision_problems(before: Attribute, guard: Guard) -> list[Problem]:
    if guard.expected_version is None or guard.expected_version == before.revision:
        return []
    message = (
        f"{before.path} is at revision {before.revision}, not {guard.expected_version}; "
        "read it again, then send the change with its revision."
    )
    return [
        Problem(
            ErrorCode.STALE_VERSION, message, ("expectedRevision",), str(guard.expected_version), str(before.revision)
        )
    ]


def _built_in_problems(repositories: Repositories, attribute: Attribute) -> list[Problem]:
    if repositories.feed.built_in.find(attribute.path, attribute.area) is None:
        return []
    message = f"{attribute.path} is built in: other parts of Kehu may read it. It can be changed, but it stays."
    return [
        Problem(ErrorCode.ATTRIBUTE_BUILT_IN, message, ("path",), attribute.path, "an attribute defined at run time")
    ]


def _index_problems(catalogue: Catalogue, attribute: Attribute) -> list[Problem]:
    others = [each for each in catalogue.sortable(attribute.area) if each.path != attribute.path]
    if not _has_index(attribute) or len(others) < SORTABLE_LIMIT:
        return []
    message = (
        f"{len(others)} attributes are sortable already, each with an index; MongoDB allows 64 indexes in all and "
        f"Kehu keeps some for other uses. Set isSortable to false for another attribute first."
    )
    return [
        Problem(ErrorCode.INDEX_LIMIT, message, ("isSortable",), "true", f"up to {SORTABLE_LIMIT} sortable attributes")
    ]


def _from_pydantic(place: tuple[int | str, ...], message: str) -> Problem:
    return problem(".".join(str(each) for each in place), "another value", message)
