"""A question without what a viewer may not use in it; pure."""

from dataclasses import replace

from catalogue.catalogue import unknown_attribute
from catalogue.filters import And, Filter, Not, Or, Search, named_paths
from policy.attributes import AreaView, outer_paths
from policy.decision import NOBODY
from repositories.plan import ReadPlan


def usable(plan: ReadPlan, seen: AreaView) -> ReadPlan:
    """The plan without the paths that a search may not look at; they were not named by anybody.

    Raises: UnknownAttribute for a path that was named.
    """
    if plan.filter is None and plan.ranked is None and not plan.order and not plan.grouped:
        return plan
    unusable = seen.unusable
    named = {each.path for each in plan.order} | plan.grouped
    for path in sorted(named | named_paths(plan.filter)):
        if path in unusable:
            raise unknown_attribute(path)
    ranked = None if plan.ranked is None else _narrowed(plan.ranked, seen)
    return replace(plan, filter=_searching(plan.filter, seen), ranked=ranked)


def _searching(predicate: Filter | None, seen: AreaView) -> Filter | None:
    match predicate:
        case Search():
            return _narrowed(predicate, seen)
        case And(parts):
            return And(tuple(_kept(each, seen) for each in parts))
        case Or(parts):
            return Or(tuple(_kept(each, seen) for each in parts))
        case Not(part):
            return Not(_kept(part, seen))
        case _:
            return predicate


def _kept(predicate: Filter, seen: AreaView) -> Filter:
    found = _searching(predicate, seen)
    return NOBODY if found is None else found


def _narrowed(search: Search, seen: AreaView) -> Search:
    # The words of a list of groups are one text: a part of it that is hidden hides the whole.
    paths = tuple(each for each in search.paths if each not in seen.unusable and each not in seen.parted)
    masked = {outer for each in seen.masked for outer in outer_paths(each)}
    return Search(search.text, tuple(each for each in paths if each not in masked))
