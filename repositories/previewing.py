"""What a formula would give: computed by the database as it would be in a change, and kept nowhere."""

from collections.abc import Collection as Some
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from catalogue.attribute import CLIENTS
from catalogue.filters import Filter
from repositories.access import AuthorisedPlan
from repositories.compile.derivations import at_moment
from repositories.compile.filters import query_from
from repositories.compile.records import assign
from repositories.mongo import Store
from repositories.plan import ID
from repositories.values import bson_from

Document = dict[str, Any]

FOUND = "found_"
"""Where a row has what the formula gives."""


class PreviewRepository:
    """Tries an expression."""

    def __init__(self, store: Store) -> None:
        self._clients = store.collection(CLIENTS)

    async def of_clients(
        self,
        authorised: AuthorisedPlan,
        expression: object,
        at: datetime | None,
        inputs: Some[str],
        supposed: Mapping[str, object],
        most: int,
    ) -> list[Document]:
        """Clients with what the formula reads of them and gives for them, if some of it were otherwise.

        Cost: one command.
        """
        match: list[Document] = [] if authorised.filter is None else [{"$match": query_from(authorised.filter)}]
        given = {path: {"$literal": bson_from(value)} for path, value in supposed.items() if value is not None}
        gone = [path for path, value in supposed.items() if value is None]
        instead: list[Document] = [{"$set": given}] if given else []
        if gone:
            instead.append({"$unset": gone})
        rows: list[Document] = [
            *match,
            {"$sort": {ID: 1}},
            {"$limit": most},
            *instead,
            *_computing(expression, at, inputs),
        ]
        found = await self._clients.aggregate(rows)
        if authorised.touched is not None:
            authorised.touched.note(CLIENTS, (str(each[ID]) for each in found))
        return found

    async def of_nobody(
        self, expression: object, at: datetime | None, inputs: Some[str], supposed: Mapping[str, object]
    ) -> Document:
        """What the formula gives for values that nobody has.

        Cost: one command, which reads no document.
        """
        client: Document = {ID: ""}
        for path, value in supposed.items():
            if value is not None:
                assign(client, path, bson_from(value))
        stages: list[Document] = [{"$collStats": {}}, {"$limit": 1}, {"$replaceWith": {"$literal": client}}]
        return (await self._clients.aggregate([*stages, *_computing(expression, at, inputs)]))[0]

    async def count_despite_unset(
        self, rows: Filter | None, expression: object, at: datetime | None, inputs: Some[str]
    ) -> int:
        """Of how many clients the formula gives a value though something that it reads is unset.

        Cost: one command, which computes the formula for every client with an unset input.
        """
        computed = expression if at is None else at_moment(expression, at)
        match = [] if rows is None else [query_from(rows)]
        unset = {"$or": [{path: None} for path in sorted(inputs)]}
        stages: list[Document] = [
            {"$match": {"$and": [*match, unset]}},
            {"$match": {"$expr": {"$ne": [computed, None]}}},
            {"$count": FOUND},
        ]
        counted = await self._clients.aggregate(stages)
        return int(counted[0][FOUND]) if counted else 0


def _computing(expression: object, at: datetime | None, inputs: Some[str]) -> list[Document]:
    computed = expression if at is None else at_moment(expression, at)
    outer = [each for each in sorted(inputs) if not any(each.startswith(f"{other}.") for other in inputs)]
    return [{"$set": {FOUND: computed}}, {"$project": {"number": 1, FOUND: 1, **dict.fromkeys(outer, 1)}}]
