"""Whether an attribute may take its values from a model, and whether a model lets what it reads change."""

from collections.abc import Iterator

from catalogue.attribute import CLIENTS, Attribute, Facet
from catalogue.catalogue import Catalogue
from catalogue.computed import MODEL, in_force, level_problems
from catalogue.errors import ErrorCode, Problem
from catalogue.formulas.graph import graph_of
from catalogue.kinds import Kind
from catalogue.model_use import Gives, ModelUse

FITS = {
    Gives.NUMBER: (Kind.NUMBER, Kind.DECIMAL),
    Gives.INTEGER: (Kind.LONG, Kind.NUMBER, Kind.DECIMAL),
    Gives.BOOLEAN: (Kind.BOOLEAN,),
    Gives.STRING: (Kind.CODE, Kind.STRING, Kind.TEXT),
}
"""The kinds of attribute that an output can fill."""


def model_problems(before: Catalogue, after: Catalogue, path: str, area: str = CLIENTS) -> list[Problem]:
    """Why a definition cannot stand in the wanted catalogue, as far as models go; its own and those that read it."""
    wanted, was = after.find(path, area), in_force(before, path, area)
    if wanted is None or area != CLIENTS:
        return []
    problems = list(_own_problems(after, wanted, wanted.model, was)) if wanted.model and wanted.is_live else []
    return [*problems, *_users_problems(before, after, wanted)]


def _own_problems(
    catalogue: Catalogue, attribute: Attribute, use: ModelUse, was: Attribute | None
) -> Iterator[Problem]:
    named = f"{use.name} {use.version}"
    if attribute.facet is not Facet.DERIVED or catalogue.list_group_of(attribute) is not None:
        yield _refusal(f"Models give values of the facet derived, outside lists of groups; {attribute.path} is not.")
    if attribute.formula is not None:
        yield _refusal(
            f"{attribute.path} has a formula; a value comes from one or from a model, so set formula to null."
        )
    if attribute.is_list or attribute.kind not in FITS[use.gives]:
        kinds = ", ".join(FITS[use.gives])
        what = f"a list of {attribute.kind}" if attribute.is_list else str(attribute.kind)
        yield _refusal(f"The output {use.output} of {named} gives one of {kinds}; {attribute.path} is {what}.")
    if attribute.required_for:
        yield _refusal(f"{attribute.path} is required, and {named} gives nothing where an input is unset.")
    yield from _input_problems(catalogue, attribute, use)
    circle = graph_of(catalogue).circle_of(attribute.path)
    if circle is not None:
        yield _refusal(f"{named} would make a circle: {' reads '.join(circle)}. Take one of these steps away.")
    is_new = was is None or (was.model, was.sensitivity) != (attribute.model, attribute.sensitivity)
    if is_new:
        inputs = filter(None, map(catalogue.find, sorted(use.paths)))
        yield from level_problems(catalogue, attribute, inputs, MODEL, "the model reads {}")


def _input_problems(catalogue: Catalogue, attribute: Attribute, use: ModelUse) -> Iterator[Problem]:
    for path in sorted(use.paths):
        found = catalogue.find(path)
        if found is None or not catalogue.is_live(found):
            yield _refusal(f"{use.name} {use.version} reads {path}, which is no live attribute.")
        elif catalogue.is_restricted(found):
            yield _refusal(f"{use.name} {use.version} reads {path}, which is RESTRICTED; models do not read that.")
    if catalogue.is_restricted(attribute):
        yield _refusal(f"{attribute.path} is RESTRICTED; a model gives values up to CONFIDENTIAL.", "sensitivity")


def _users_problems(before: Catalogue, after: Catalogue, attribute: Attribute) -> Iterator[Problem]:
    """A problem where models read an attribute that would be gone, or encrypted."""
    models = graph_of(before).models
    users = [user for user in graph_of(before).users(attribute.path) if user in models and user != attribute.path]
    still = [user for user in users if (now := after.find(user)) is not None and now.model and after.is_live(now)]
    if still and (not after.is_live(attribute) or after.is_restricted(attribute)):
        names = ", ".join(f"{user} (model {use.name})" for user in still if (use := models[user].model) is not None)
        message = f"{attribute.path} is read for {names}. Take the model away from there first."
        yield Problem(ErrorCode.MODEL_REFUSED, message, ("path",), attribute.path, f"no model of {', '.join(still)}")


def _refusal(message: str, place: str = "model") -> Problem:
    return Problem(ErrorCode.MODEL_REFUSED, message, (place,))
