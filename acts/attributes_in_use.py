"""What stands in the way of a change of an attribute: segments and registered documents that would be broken by it."""

from catalogue.attribute import CLIENTS, Attribute
from catalogue.catalogue import Catalogue
from catalogue.errors import ErrorCode, Problem
from catalogue.saved_filters import meaning_of
from policy.segments import LOOKED_AT
from policy.viewer import Viewer
from repositories.reading import Document
from repositories.repositories import Repositories
from repositories.trusted_documents import TrustedDocumentRepository

NAMED_LIMIT = 10
"""Segments that a refusal names."""


async def use_problems(
    viewer: Viewer, repositories: Repositories, before: Catalogue, after: Catalogue, attribute: Attribute
) -> list[Problem]:
    """A problem where a change of an attribute would break segments that are whole.

    It names those that the viewer may know of, and counts the others.
    Cost: one command, none for a new attribute; the segments that look at the attribute are read.
    """
    if attribute.area != CLIENTS or before.find(attribute.path) is None:
        return []
    inside = [path for path in before.area() if path == attribute.path or path.startswith(f"{attribute.path}.")]
    found = await repositories.segments.looking_at(inside)
    broken = [each for each in found if _is_broken(before, after, each)]
    if not broken:
        return []
    unusable = repositories.access.view(viewer).area(CLIENTS).unusable
    named = [str(each["code"]) for each in broken if unusable.isdisjoint(each[LOOKED_AT])]
    message = (
        f"{attribute.path} is used by {_words(named, len(broken))}, which would have no members any more. "
        "Change their `where` with segmentChange, or retire them with segmentRetire, first."
    )
    return [Problem(ErrorCode.INVALID_VALUE, message, ("path",), attribute.path, "an attribute that no segment needs")]


async def document_problems(repositories: Repositories, path: str) -> list[Problem]:
    """A problem where registered documents use an attribute of clients that would be gone; it names them.

    Cost: one command.
    """
    inside = [each for each in repositories.feed.catalogue.area() if each == path or each.startswith(f"{path}.")]
    names = await TrustedDocumentRepository(repositories.store).using(inside) if inside else []
    if not names:
        return []
    shown = ", ".join(names[:NAMED_LIMIT])
    more = f" and {len(names) - NAMED_LIMIT} more" if len(names) > NAMED_LIMIT else ""
    message = (
        f"{path} is used by registered documents, which could not be run any more: {shown}{more}. Register documents "
        "without it in their place, and remove these with `kehu documents remove`, first."
    )
    return [Problem(ErrorCode.INVALID_VALUE, message, ("path",), path, "an attribute that no registered document uses")]


def _is_broken(before: Catalogue, after: Catalogue, segment: Document) -> bool:
    where = segment["where"]
    return meaning_of(before, where).predicate is not None and meaning_of(after, where).predicate is None


def _words(named: list[str], count: int) -> str:
    shown = named[:NAMED_LIMIT]
    more = count - len(shown)
    if not shown:
        return f"{count} segment{'s' * (count > 1)} that you may not see"
    words = f"the segment{'s' * (len(shown) > 1)} {', '.join(shown)}"
    return words if not more else f"{words} and {more} more"
