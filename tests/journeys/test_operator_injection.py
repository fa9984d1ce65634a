"""MongoDB operators in every place where a caller gives something: none is ever run."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from api import app as application
from api.app import build_app
from api.settings import Settings
from repositories.mongo import connect
from tests.conftest import CommandLog
from tests.figures import Figure
from tests.journeys.conftest import signed_in

MARK = "CANARY"
OPERATORS = (
    "$where $expr $function $accumulator $jsonSchema $text $regex $options $ne $gt $gte $lt $lte $in $nin $not $nor "
    "$or $and $exists $type $mod $all $elemMatch $size $bitsAllSet $geoWithin $near $comment $rand $set $unset $inc "
    "$mul $rename $min $max $push $pull $pop $addToSet $currentDate $setOnInsert $bit $out $merge $lookup "
    "$graphLookup $unionWith $facet $group $match $project $replaceRoot $sample $collStats $currentOp $listSessions "
    "$planCacheStats $documents"
).split()
FIND = "query($given: %s) { clients(first: 5, %s: $given) { nodes { id } } }"
CHANGE = "mutation($given: ClientChangeInput!) { clientChange(input: $given) { client { id } errors { code } } }"
DEFINE = (
    "mutation($given: AttributeDefineInput!) { attributeDefine(input: $given) { attribute { path } errors { code } } }"
)


def placements(operator: str) -> Iterator[tuple[str, str, Any]]:
    """The place, the document and the variable: eight for each operator."""
    nested = {operator: MARK}
    text = json.dumps({operator: MARK})
    yield "filter", FIND % ("ClientWhere", "where"), {"profile": {"name": {"eq": nested}}}
    yield "filter, as an operator", FIND % ("ClientWhere", "where"), {"profile": {"name": nested}}
    yield "order", FIND % ("[ClientOrder!]", "orderBy"), [{"field": nested}]
    yield "cursor", FIND % ("String", "after"), text
    yield "id", "query($given: ID!) { client(id: $given) { id } node(id: $given) { id } }", text
    yield "patch", CHANGE, {"id": "cl_1", "changes": {"profile": {"name": nested}}}
    yield "attribute name", DEFINE, {"facet": "PROFILE", "key": operator, "kind": "STRING", "label": MARK}
    group = "query($given: ClientGroupBy!) { clientGroups(by: [$given], first: 5) { nodes { count } } }"
    yield "group", group, {"field": nested}


def is_run(command: object, operator: str) -> bool:
    """Whether an operator that bears the mark stands as a key anywhere in a command."""
    if isinstance(command, dict):
        return any(
            (key == operator and MARK in repr(each) and not is_text(each)) or is_run(each, operator)
            for key, each in command.items()
        )
    return isinstance(command, list | tuple) and any(is_run(each, operator) for each in command)


def is_text(value: object) -> bool:
    """A text behind one of Kehu's own operators is compared, never run."""
    return isinstance(value, str) and value.startswith("{")


@pytest.fixture
async def watched(
    journey_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[httpx2.AsyncClient, CommandLog]]:
    """A server of which every command is written down."""
    log = CommandLog()
    monkeypatch.setattr(application, "connect", lambda settings: connect(settings, [log]))
    running = build_app(journey_settings)
    async with (
        running.router.lifespan_context(running),
        signed_in(running, journey_settings, "admin-9", "administrator") as api,
    ):
        yield api, log


async def test_none_reaches_the_database(watched: tuple[httpx2.AsyncClient, CommandLog], figure: Figure) -> None:
    api, log = watched
    assert len(OPERATORS) == 60
    refused = count = 0
    for operator in OPERATORS:
        for place, query, given in placements(operator):
            log.clear()
            response = await api.post("/graphql", json={"query": query, "variables": {"given": given}})
            count += 1
            answer = response.json()
            assert response.status_code in (200, 400), response.text
            assert not [each for each in log.commands if is_run(each, operator)], (place, operator)
            payloads = [each for each in (answer.get("data") or {}).values() if isinstance(each, dict)]
            problems = answer.get("errors") or [error for each in payloads for error in each.get("errors", ())]
            # an id that is none is one that is not there
            refused += bool(problems) or answer["data"] == {"client": None, "node": None}
    figure(f"operator injection: {refused} of {count} refused, 0 reached the database")
    assert refused == count == 480
