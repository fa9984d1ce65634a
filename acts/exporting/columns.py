"""The columns of an export: which attributes somebody takes out, and what of each is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from catalogue.attribute import CLIENTS, Attribute, Facet
from catalogue.catalogue import Catalogue, unknown_attribute
from catalogue.errors import ErrorCode, Problem, Refused
from catalogue.kinds import Kind
from policy.viewer import Viewer
from repositories.access import Access
from repositories.plan import ID


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header is the path by which an import map names the attribute."""

    header: str
    path: str
    """Where the value is stored."""
    kind: Kind
    is_list: bool = False
    reads: tuple[str, ...] = ()
    """What is read for it: of a list of groups only the parts that may leave."""
    is_masked: bool = False
    """Whether only the last signs leave."""
    is_computed: bool = False
    """Whether a formula or a model gives the values, so that no import may."""

    @property
    def is_json(self) -> bool:
        """Whether a cell holds JSON text where a file has no lists."""
        return self.is_list or self.kind is Kind.GROUP


CORE = (
    Column("number", "number", Kind.STRING, reads=("number",)),
    Column("id", ID, Kind.STRING, reads=(ID,)),
    Column("kind", "kind", Kind.CODE, reads=("kind",)),
    Column("stage", "stage", Kind.CODE, reads=("stage",)),
    Column("manager", "managerId", Kind.STRING, reads=("managerId",)),
)
"""What every client has besides attributes."""


class RestrictedAsked(Refused):
    """Attributes were named that leave with an approval alone."""

    code = ErrorCode.NOT_ALLOWED


def plain_viewer(viewer: Viewer) -> Viewer:
    """The viewer without the purpose that opens RESTRICTED values, which leave by an approval alone."""
    return replace(viewer, purpose=None)


def columns_of(
    access: Access, catalogue: Catalogue, viewer: Viewer, asked: Sequence[str] | None, *, with_restricted: bool = False
) -> tuple[Column, ...]:
    """The columns that somebody takes out: those of the attributes named, or of all that they may read.

    Raises: RestrictedAsked where the purpose opens what is named, and an approval is missing; Refused with every other
    problem at once: an attribute that is not there, or may not be read, in the same words.
    """
    seen = access.view(viewer).area(CLIENTS)
    secret = frozenset[str]() if with_restricted else access.restricted(CLIENTS)
    problems: list[Problem] = []
    restricted: list[str] = []
    found: dict[str, Column] = {}
    for attribute in _asked(catalogue, asked, problems):
        path = attribute.path
        if path in seen.hidden:
            problems += [] if asked is None else unknown_attribute(path).problems()
        elif path in secret:
            restricted.append(path)
        else:
            reads = _reads(catalogue, attribute, seen.hidden | secret)
            is_masked, is_computed = path in seen.masked, attribute.is_computed
            found[path] = Column(path, path, attribute.kind, attribute.is_list, reads, is_masked, is_computed)
    if problems:
        raise Refused(problems)
    if restricted and asked is not None:
        raise RestrictedAsked([_restricted(each) for each in restricted])
    return (*CORE, *found.values())


def _asked(catalogue: Catalogue, asked: Sequence[str] | None, problems: list[Problem]) -> Iterable[Attribute]:
    """The attributes that hold the values of what is named: a group stands for all that is in it."""
    if asked is None:
        return [leaf for facet in Facet for leaf in catalogue.leaves(facet)]
    leaves: list[Attribute] = []
    for path in asked:
        found = catalogue.find(path)
        if path in tuple(Facet) or (found is not None and catalogue.is_live(found) and found.kind is Kind.GROUP):
            is_list = found is not None and found.is_list
            leaves += (found,) if found is not None and is_list else catalogue.leaves(path)
        elif found is None or not catalogue.is_live(found):
            problems += unknown_attribute(path).problems()
        elif (outer := catalogue.list_group_of(found)) is not None:
            message = f"{path} stands in a list of groups; name the list, {outer.path}."
            problems.append(Problem(ErrorCode.INVALID_VALUE, message, ("attributes",), path, outer.path))
        else:
            leaves.append(found)
    return leaves


def _reads(catalogue: Catalogue, attribute: Attribute, kept_back: frozenset[str]) -> tuple[str, ...]:
    """The whole value, or the parts of a list of groups that may leave."""
    if attribute.kind is not Kind.GROUP:
        return (attribute.path,)
    inner = [each for each in catalogue.area(CLIENTS) if each.startswith(f"{attribute.path}.")]
    if kept_back.isdisjoint(inner):
        return (attribute.path,)
    leaves = [catalogue.area(CLIENTS)[each] for each in inner if each not in kept_back]
    return tuple(each.path for each in leaves if each.kind is not Kind.GROUP)


def _restricted(path: str) -> Problem:
    message = (
        f"{path} is RESTRICTED and leaves with an approval alone: ask for it by clientsExport with a purpose that "
        "opens it, and a second person decides. Leave it out to export without it."
    )
    return Problem(ErrorCode.NOT_ALLOWED, message, ("attributes",), path, "an approval")
