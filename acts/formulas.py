"""What becomes of a definition that has a formula or a rollup, before it is written."""

from acts.checks import refuse
from acts.models.binding import unregistered
from catalogue.attribute import CLIENTS, OF_ITS_BOOK, Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.formulas.definition import formula_problems, settled
from catalogue.formulas.graph import input_paths
from catalogue.formulas.text import normal_text, problem
from catalogue.model_rules import model_problems
from catalogue.rollups.definition import rollup_problems, settled_rollup, where_text
from catalogue.rollups.reading import member_paths, rollup_inputs
from policy.segments import SEGMENTS, SegmentStatus
from policy.viewer import Viewer
from repositories.derivations import derivation_of
from repositories.errors import RepositoryFault
from repositories.plan import ReadPlan
from repositories.repositories import Repositories
from repositories.rollups import PROGRAM
from repositories.segments import segment_id

NOT_IN_MEMORY = "cannot be computed by the memory driver, which is for trials; use a database (KEHU_MONGODB_URI)."


async def with_formula(
    viewer: Viewer, repositories: Repositories, before: Catalogue, attribute: Attribute
) -> Attribute:
    """The definition with what has to be known of its formula; as it is where it has none and had none.

    Raises: Refused, with every problem of its formula and of those that read the attribute.
    Cost: none without a formula; else a count, and one command that tries the formula. Where a rollup is for the
    members of a segment, the segment is read.
    """
    was = before.find(attribute.path, attribute.area)
    # Where the book stands is known here; a definition that comes in a file says nothing of it.
    kept = {name: getattr(was, name) if was else Attribute.model_fields[name].default for name in OF_ITS_BOOK}
    attribute = await with_members(viewer, repositories, was, attribute.model_copy(update=kept))
    if attribute.formula is not None:
        text, problems = normal_text(attribute.formula)
        refuse(problems)
        attribute = attribute.model_copy(update={"formula": text})
    after = before.with_attributes([attribute])
    place = attribute.path, attribute.area
    refuse([*rollup_problems(before, after, *place), *formula_problems(before, after, *place)])
    if attribute.rollup is not None or (was is not None and was.rollup is not None and attribute.formula is None):
        return await _with_rollup(repositories, after, was, attribute)
    if attribute.area != CLIENTS or (attribute.formula is None and (was is None or was.formula is None)):
        return attribute
    refuse(await _engine_problems(repositories, after, attribute))
    inputs = input_paths(after, attribute.formula) if attribute.formula is not None else frozenset()
    return await _unless_empty(repositories, settled(was, attribute, inputs))


async def computed_problems(
    repositories: Repositories, before: Catalogue, after: Catalogue, attribute: Attribute
) -> list[Problem]:
    """What is wrong with a definition, and with those that read it, as far as values are computed; nothing is written.

    Cost: none where it is not computed itself; else one command that tries its formula, or looks for its model.
    """
    if attribute.formula is not None:
        _, problems = normal_text(attribute.formula)
        if problems:
            return problems
    place = attribute.path, attribute.area
    found = [*rollup_problems(before, after, *place), *formula_problems(before, after, *place)]
    found += model_problems(before, after, *place)
    if found or attribute.area != CLIENTS or not attribute.is_live:
        return found
    if attribute.rollup is not None:
        return _memory_problems(repositories)
    if attribute.model is not None:
        return await unregistered(repositories, attribute.model)
    return await _engine_problems(repositories, after, attribute)


def _memory_problems(repositories: Repositories) -> list[Problem]:
    if repositories.store.has_formulas:
        return []
    return [Problem(ErrorCode.INVALID_VALUE, f"A rollup {NOT_IN_MEMORY}", ("rollup",))]


async def _with_rollup(
    repositories: Repositories, after: Catalogue, was: Attribute | None, attribute: Attribute
) -> Attribute:
    rollup = attribute.rollup
    if rollup is not None and attribute.is_live:
        refuse(_memory_problems(repositories))
    inputs = frozenset() if rollup is None else rollup_inputs(after, rollup)
    return await _unless_empty(repositories, settled_rollup(was, attribute, inputs, member_paths(after, attribute)))


async def with_members(
    viewer: Viewer, repositories: Repositories, was: Attribute | None, attribute: Attribute
) -> Attribute:
    """The definition with the filter of the segment that its rollup names, as it is now.

    Whoever names a segment must be able to know of it; what somebody else has named is read for whom it may concern.
    Raises: Refused.
    """
    code = None if attribute.rollup is None else attribute.rollup.segment
    if code is None:
        return attribute.model_copy(update={"segment_where": None})
    is_named_anew = was is None or was.rollup is None or was.rollup.segment != code
    plan = ReadPlan(SEGMENTS, frozenset(("status", "where")))
    authorised = repositories.access.authorise(plan, viewer if is_named_anew else PROGRAM)
    found = await repositories.segments.load(authorised, segment_id(code))
    is_usable = found is not None and found["status"] == SegmentStatus.ACTIVE
    if found is not None and is_usable:
        return attribute.model_copy(update={"segment_where": where_text(found["where"])})
    if is_named_anew or attribute.segment_where is None:
        message = f'There is no active segment "{code}" that you may know of; `segments` lists those that there are.'
        refuse([Problem(ErrorCode.INVALID_VALUE, message, ("rollup", "segment"), code, "the code of a segment")])
    return attribute


async def _unless_empty(repositories: Repositories, attribute: Attribute) -> Attribute:
    if attribute.formula_state is None or await repositories.clients.collection.estimated_count():
        return attribute
    # Nobody has anything to compute.
    return attribute.model_copy(update={"formula_state": None, "formula_before": None, "formula_before_revision": 0})


async def _engine_problems(repositories: Repositories, catalogue: Catalogue, attribute: Attribute) -> list[Problem]:
    """What the database itself says against a formula that is allowed."""
    if attribute.formula is None or not attribute.is_live:
        return []
    if not repositories.store.has_formulas:
        return [problem("", NOT_IN_MEMORY)]
    found = derivation_of(catalogue, attribute)
    if found is None:
        return []
    try:
        await repositories.derivations.trial(found)
    except RepositoryFault as refused:
        return [problem("", f"is refused by the database: {refused.__cause__ or refused.message}")]
    return []
