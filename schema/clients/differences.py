"""What became of a client between two moments, value by value."""

from datetime import datetime
from functools import partial
from typing import Any

import strawberry

from acts.past import moment_from
from catalogue.attribute import Facet
from catalogue.catalogue import Catalogue
from repositories.changes import CHANGES, VERSION_INDEX
from repositories.errors import NotAsOf, TooManyChanged
from repositories.past import moment_of
from repositories.plan import ID
from schema.clients.types import ClientChange, history_paths, shown_changes
from schema.context import Context, Document
from schema.fields import Fields, described, resolved
from schema.planning.reads import Arguments, Read, Reading
from schema.scalars import Json

MOST_CHANGES = 1_000
"""Changes of one client that are compared; the history has them a page at a time."""
_CORE_VALUES = 4
"""Values that code owns and changes set."""


@strawberry.type(description="One value of a client at two moments, and the changes that lie between them.")
class ClientDifference:
    """Named where it was changed between the moments, even if it came back to what it had been."""

    path: str = strawberry.field(description="The path of the attribute, or of a core field such as stage.")
    old: Json | None = strawberry.field(description="The value at the first moment; null stands for unset.")
    new: Json | None = strawberry.field(description="The value at the second moment; null stands for unset.")
    isDifferent: bool = strawberry.field(name="isDifferent", description="Whether the two are different.")
    changes: list[ClientChange] = strawberry.field(description="The changes of this value in between, oldest first.")


def difference_fields(catalogue: Catalogue) -> Fields:
    """The field of a client that compares two moments."""

    async def between(
        self: Any, info: strawberry.Info, after: datetime, until: datetime, paths: list[str] | None = None
    ) -> Any:
        return await _differences(info.context, self, after, until, paths)

    reads = partial(_reads, catalogue)
    arguments = {
        "after": described(datetime, "The first moment: what was entered at it counts as known."),
        "until": described(datetime, "The second moment; what was entered at it counts too."),
        "paths": described(list[str] | None, "Only these attributes or groups."),
    }
    text = (
        "The values that were changed between two moments, each as it was at both of them, with the changes in "
        f"between; in order of the paths. Up to {MOST_CHANGES:,} changes are compared."
    )
    field = resolved(between, "changesBetween", list[ClientDifference], text, arguments, reads)
    yield "changesBetween", None, field


def _reads(catalogue: Catalogue, given: Arguments, _names: frozenset[str]) -> Reading:
    """As many values as may have been changed; how many changes there were of them, nobody knows beforehand."""
    paths = given.get("paths")
    named = [str(each) for each in Facet] if paths is None else paths
    values = _CORE_VALUES * (paths is None) + sum(max(1, len(catalogue.leaves(each))) for each in named)
    return Reading(values, (Read(CHANGES, values, VERSION_INDEX, commands=0, commands_each=1),))


async def _differences(
    context: Context, client: Any, after: datetime, until: datetime, paths: list[str] | None
) -> list[Document]:
    """Raises: NotAsOf for moments that are none, or the wrong way round; TooManyChanged."""
    first, last = moment_from(after, "after"), moment_from(until, "until")
    if first is None or last is None or last <= first:
        raise NotAsOf(f"until takes a moment behind {after.isoformat()}; got {until.isoformat()}.", "until", str(until))
    last = min(last, moment_of(client) or last)
    wanted = history_paths(context, paths)
    history = context.repositories.clients.history
    entries = await history.between(str(client[ID]), client.get("tail", []), first, last, MOST_CHANGES + 1)
    if len(entries) > MOST_CHANGES:
        raise TooManyChanged(
            f"The client was changed more than {MOST_CHANGES:,} times between the two moments. Name moments that are "
            "closer together, or read `history` a page at a time."
        )
    found: dict[str, list[Document]] = {}
    for entry in await shown_changes(context, entries, wanted):
        for row in entry["values"]:
            found.setdefault(row["path"], []).append({**entry, "values": [row]})
    return [_difference(path, found[path]) for path in sorted(found)]


def _difference(path: str, changes: list[Document]) -> Document:
    (first,), (last,) = changes[0]["values"], changes[-1]["values"]
    old, new = first["old"], last["new"]
    return {"path": path, "old": old, "new": new, "isDifferent": old != new, "changes": changes}
