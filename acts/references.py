"""What a write keeps of the references that its writer may not see: nobody clears what they do not know of."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalogue.filters import Compare, all_of
from catalogue.kinds import Operator
from policy.rules import Right
from policy.viewer import Viewer
from repositories.compile.changes import SEQUENCE, sequence_of
from repositories.compile.filters import query_from
from repositories.compile.references import ids_in, is_all_hidden, kept_value
from repositories.cursors import value_at
from repositories.plan import ID
from repositories.repositories import Repositories


async def with_hidden_references(
    viewer: Viewer, repositories: Repositories, client_id: str, values: Mapping[str, object]
) -> tuple[dict[str, object], int | None]:
    """The values as they are to be stored, and the sequence of the client that was looked at; None where none was.

    Cost: none where the values point at nobody, or for whoever sees all clients; else up to two commands.
    """
    access = repositories.access
    holders = sorted(access.reference_keys(viewer).keys() & values.keys())
    if not holders:
        return dict(values), None
    scope = all_of(Compare(ID, Operator.EQ, client_id), access.rows(viewer), access.rows(viewer, Right.CHANGE_CLIENTS))
    projection = {"version": 1, SEQUENCE: 1, **dict.fromkeys(holders, 1)}
    stored = await repositories.clients.collection.find_one(query_from(scope), projection)
    if stored is None:
        return dict(values), None
    document = await repositories.vault.opened(stored)
    kept = await kept_references(viewer, repositories, [(values, document)])
    return kept[0], sequence_of(stored)


async def kept_references(
    viewer: Viewer, repositories: Repositories, pairs: Sequence[tuple[Mapping[str, object], Mapping[str, Any]]]
) -> list[dict[str, object]]:
    """The values of changes as they are to be stored, each pair with the client as it is.

    Cost: one command, however many pairs; none for whoever sees all clients.
    """
    access = repositories.access
    keys = access.reference_keys(viewer)
    found = [
        ids_in((value_at(document, holder),), keys[holder])
        for values, document in pairs
        for holder in keys.keys() & values.keys()
    ]
    ids = frozenset().union(*found)
    visible = await repositories.clients.references.visible(access.rows(viewer), ids)
    if len(visible) == len(ids):
        return [dict(values) for values, _ in pairs]
    return [
        {
            path: kept_value(value, value_at(document, path), keys[path], visible) if path in keys else value
            for path, value in values.items()
            # Whoever clears what is unset to them says nothing of what is there, nor proves it anew.
            if path not in keys or value or not is_all_hidden(value_at(document, path), keys[path], visible)
        }
        for values, document in pairs
    ]
