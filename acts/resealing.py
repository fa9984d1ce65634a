"""Make an attribute RESTRICTED of which clients have values already."""

import asyncio
from collections.abc import AsyncIterator

from acts.attributes import change_attribute
from acts.search import index_words
from catalogue.attribute import CLIENTS, Attribute, Sensitivity
from catalogue.kinds import Kind
from policy.viewer import Viewer
from repositories.errors import NotFound, Unavailable
from repositories.repositories import Repositories
from repositories.resealing import Resealing

PASSES = 10
SETTLE_SECONDS = 5.0
"""After so long every server writes by the new definition."""


async def reseal_values(
    viewer: Viewer,
    repositories: Repositories,
    path: str,
    *,
    restrict: bool = False,
    settle_seconds: float = SETTLE_SECONDS,
) -> AsyncIterator[int]:
    """How many documents have been rewritten, as it goes, until every RESTRICTED value at a path is encrypted.

    With `restrict` the attribute is made RESTRICTED first. What is read meanwhile is read, encrypted or not.
    Safe to stop and to run again.
    Raises: NotFound, Refused, VaultAway.
    """
    attribute = _get(repositories, path)
    if restrict and attribute.sensitivity is not Sensitivity.RESTRICTED:
        await change_attribute(viewer, repositories, path, {"sensitivity": Sensitivity.RESTRICTED}, reseals=True)
        await asyncio.sleep(settle_seconds)
    done = 0
    for _ in range(PASSES):
        found = await _pass(repositories, _get(repositories, path))
        done += found
        yield done
        if not found:
            # What was searched in a list of groups beside it is found again.
            async for _ in index_words(repositories.on(repositories.feed.catalogue)):
                pass
            return
    raise Unavailable(f"Others write to {path} without a pause; run it again to finish.")


async def _pass(repositories: Repositories, attribute: Attribute) -> int:
    catalogue, vault, done = repositories.feed.catalogue, repositories.vault, 0
    restricted = catalogue.restricted(CLIENTS)
    holders = {(catalogue.list_group_of(each) or each).path for each in _leaves(repositories, attribute)}
    for holder in sorted(holders & restricted.keys()):
        resealing = Resealing(repositories.store, vault, holder, restricted[holder])
        done += await resealing.run(has_lookup=holder in vault.lookup_paths)
    return done


def _leaves(repositories: Repositories, attribute: Attribute) -> list[Attribute]:
    rows = repositories.feed.catalogue.area(CLIENTS).values()
    inner = f"{attribute.path}."
    return [
        each
        for each in rows
        if each.kind is not Kind.GROUP and (each.path == attribute.path or each.path.startswith(inner))
    ]


def _get(repositories: Repositories, path: str) -> Attribute:
    found = repositories.feed.catalogue.find(path, CLIENTS)
    if found is None:
        raise NotFound("attribute", path)
    return found
