"""The fields of a client that read something else: values with proof, and the history."""

from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import Any

import strawberry

from catalogue.attribute import CLIENTS, Facet
from catalogue.catalogue import Catalogue
from catalogue.rollups.reading import relation_of
from repositories.batching import LARGEST
from repositories.changes import CHANGES, VERSION_INDEX
from repositories.compile.indexes import ID_INDEX
from repositories.histories import cursor_of, positions_from
from repositories.models import MODELS
from schema.clients.differences import difference_fields
from schema.clients.explain import Shown
from schema.clients.types import ClientChange, read_history, read_values
from schema.connection import FORWARD_ARGUMENTS, connection_types, connection_value, page_from
from schema.context import Context
from schema.enums import FacetEnum
from schema.fields import Fields, described, resolved
from schema.planning.paths import EXPLAIN, FROM_CHANGE, named_attributes
from schema.planning.reads import Arguments, Read, Reading, page_reading
from schema.planning.selection import Selected, selection_of

_HISTORY = connection_types("ClientChange", ClientChange, "changes", has_total=False)


def client_fields(catalogue: Catalogue, value_type: Any, shown: Shown) -> Fields:
    """The static doors to values, and the history."""
    reads = partial(_reads_values, catalogue)

    async def attribute(self: Any, info: strawberry.Info, path: str) -> Any:
        found = await read_values(info.context, self, _asked(info, path=path), shown)
        return found[0] if found else None

    async def attributes(
        self: Any, info: strawberry.Info, paths: list[str] | None = None, facet: Facet | None = None
    ) -> Any:
        return await read_values(info.context, self, _asked(info, paths=paths, facet=facet), shown)

    async def history(
        self: Any,
        info: strawberry.Info,
        first: int,
        paths: list[str] | None = None,
        since: datetime | None = None,
        after: str | None = None,
    ) -> Any:
        return await _history(info.context, self, paths, since, first, after)

    path = {"path": described(str, "The path of the attribute, such as profile.name.")}
    text = "One value with its definition and proof: the static door to an attribute whose name is known at run time."
    yield "attribute", None, resolved(attribute, "attribute", value_type | None, text, path, reads)
    many = {
        "paths": described(list[str] | None, "The paths of the attributes; every live one, if left out."),
        "facet": described(FacetEnum | None, "Only attributes of this facet."),
    }
    text = "Values with their definitions and proofs."
    yield "attributes", None, resolved(attributes, "attributes", list[value_type], text, many, reads)
    arguments = {
        "paths": described(list[str] | None, "Only changes of these attributes or groups."),
        "since": described(datetime | None, "Only changes entered at this moment or later."),
        **FORWARD_ARGUMENTS,
    }
    text = "Every accepted change, newest first."
    yield "history", None, resolved(history, "history", _HISTORY.connection, text, arguments, _reads_history)
    yield from difference_fields(catalogue)


def _reads_values(catalogue: Catalogue, given: Arguments, names: frozenset[str]) -> Reading:
    """The values stand in the client; their changes too, unless they have moved out, which nobody knows beforehand.

    Cost: what all clients of a level want of the changes goes out together, up to the size of a batch.
    """
    named = named_attributes(catalogue, given)
    count = len(named)
    reads: list[Read] = []
    if names & FROM_CHANGE:
        clients_a_command = max(1, LARGEST // max(1, count))
        reads.append(Read(CHANGES, count, ID_INDEX, commands_each=Fraction(1, clients_a_command)))
    models = sum(each.model is not None for each in named) if EXPLAIN in names else 0
    if models:
        reads.append(Read(MODELS, models, ID_INDEX, commands=models))
    for rollup in [each.rollup for each in named if each.rollup is not None] if EXPLAIN in names else []:
        relation = relation_of(catalogue, rollup.area)
        reads.append(
            Read(rollup.area, 1, None if relation is None else relation.stored_in, commands=0, commands_each=1)
        )
        if rollup.segment is not None:
            reads.append(Read(CLIENTS, 1, ID_INDEX, commands=0, commands_each=1))
    return Reading(count, tuple(reads) if count else ())


def _reads_history(given: Arguments, names: frozenset[str]) -> Reading:
    page = Read(CHANGES, index=VERSION_INDEX, commands=0, commands_each=1)
    return page_reading(given, names, page)


def _asked(info: strawberry.Info, **arguments: Any) -> Selected:
    selected = selection_of(info._raw_info)
    selected.arguments = arguments
    return selected


async def _history(
    context: Context, client: Any, paths: list[str] | None, since: datetime | None, first: int, after: str | None
) -> Any:
    page = page_from(context.page_limit, first, after)
    found = await read_history(context, client, paths, since, page.limit, positions_from(after))
    changes = found[: page.limit]
    cursors = [cursor_of(each["positions"]) for each in changes]
    return connection_value(changes, cursors, has_next=len(found) > page.limit, has_previous=after is not None)
