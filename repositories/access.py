"""The one place where a policy's decision meets a plan."""

from dataclasses import dataclass

from catalogue.filters import Filter, all_of
from policy.decision import decide
from policy.viewer import Viewer
from repositories.plan import ReadPlan


@dataclass(frozen=True, slots=True)
class AuthorisedPlan:
    """A plan that may be read: made by `authorise` alone, and the only kind that a repository reads."""

    plan: ReadPlan
    filter: Filter | None
    """The rows allowed and the rows asked for, both."""
    principal: str
    """Cursors are bound to it."""
    rows: Filter | None = None
    """The rows allowed alone: an index may serve them."""


def authorise(plan: ReadPlan, viewer: Viewer) -> AuthorisedPlan:
    """The plan, narrowed to what the viewer may read."""
    decision = decide(viewer)
    return AuthorisedPlan(plan, all_of(decision.rows, plan.filter), viewer.person, decision.rows)


def rows_for(viewer: Viewer) -> Filter | None:
    """The rows a viewer may change, to stand in the command of the change itself."""
    return decide(viewer).rows
