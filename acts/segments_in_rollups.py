"""What stands in the way of a change of a segment: rollups that have values for its members."""

from collections.abc import Mapping, Sequence
from typing import Any

from acts.checks import refuse
from catalogue.attribute import CLIENTS, Attribute
from catalogue.errors import ErrorCode, Problem
from catalogue.rollups.definition import rollup_problems, where_text
from catalogue.rollups.reading import for_members_of
from policy.rules import Right
from policy.viewer import Viewer
from repositories.access import NotAllowed
from repositories.repositories import Repositories


def refuse_other_members(viewer: Viewer, repositories: Repositories, code: str, old: Any, new: Any) -> None:
    """Nothing, where a segment may stand for other clients, as far as the rollups for its members go.

    Shape: `old` and `new` are filters as JSON.
    Raises: Refused where a rollup could not be computed any more; NotAllowed for whoever may define no attributes,
    since a change of the filter is a change of the definitions that name the segment.
    """
    text = where_text(new)
    if text == where_text(old):
        return
    catalogue = repositories.feed.catalogue
    naming = for_members_of(catalogue, code)
    if naming and Right.DEFINE_ATTRIBUTES not in repositories.access.rights(viewer):
        raise NotAllowed(
            f"The segment {code} says who has values of {_words(viewer, repositories, naming)}: a change of its filter "
            "changes their definition, which takes the right DEFINE_ATTRIBUTES too.",
            path=("where",),
        )
    problems: list[Problem] = []
    for each in naming:
        after = catalogue.with_attributes([each.model_copy(update={"segment_where": text})])
        named = _words(viewer, repositories, [each])
        for problem in rollup_problems(catalogue, after, each.path):
            why = (
                problem.message if named == each.path else "it would no longer be as secret as its inputs, or as whole."
            )
            message = f"The segment {code} says who has values of {named}: {why}"
            problems.append(Problem(problem.code, message, ("where",), problem.given, problem.expected))
    refuse(problems)


def refuse_no_members(viewer: Viewer, repositories: Repositories, segment: Mapping[str, Any]) -> None:
    """Nothing, where no rollup is for the members of a segment. Raises: Refused."""
    naming = for_members_of(repositories.feed.catalogue, segment["code"])
    if naming:
        named = _words(viewer, repositories, naming)
        message = (
            f"The segment {segment['code']} says who has values of {named}. Take it out of the rollup with "
            "attributeChange first."
        )
        refuse(
            [Problem(ErrorCode.INVALID_VALUE, message, ("code",), segment["code"], "a segment that no rollup names")]
        )


def _words(viewer: Viewer, repositories: Repositories, attributes: Sequence[Attribute]) -> str:
    """The paths that the viewer may know of, and how many others there are."""
    hidden = repositories.access.view(viewer).area(CLIENTS).hidden
    named = [each.path for each in attributes if each.path not in hidden]
    more = len(attributes) - len(named)
    return ", ".join([*named, *([f"{more} that you may not see"] if more else [])])
