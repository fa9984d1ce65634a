"""The work: what is asked, in the peers' words and in Kehu's, and answers made comparable."""

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.mapping import client_id

CLIENT_NUMBER = 1_000_000
"""The first client number of the peers' seed."""
INDUSTRIES = (
    "manufacturing retail logistics agriculture energy mining construction software telecom finance "
    "insurance health education tourism food textiles chemicals automotive electronics media"
).split()
LEAST_VALUES = (100, 1_000, 20_000)

KEHU_QUERIES = {
    "Q1": """query Q1($id: ID!) { client(id: $id) {
  profile { name industry location { city } } derived { creditRating clientValue } } }""",
    "Q2": """query Q2($industry: String!, $minValue: Float!, $first: Int!) {
  clients(where: {profile: {industry: {eq: $industry}}, derived: {clientValue: {gte: $minValue}}},
    first: $first, orderBy: [{field: DERIVED_CLIENT_VALUE, direction: DESC}]) {
    edges { node { id number profile { name location { city } } behaviour { financials { revenue } }
      attitude { satisfaction } derived { clientValue segment } } }
    pageInfo { hasNextPage endCursor } } }""",
    "Q3": """query Q3($industry: String!, $first: Int!) {
  clients(where: {profile: {industry: {eq: $industry}}}, first: $first) {
    nodes { id profile { name } manager { name team }
      interactions(first: 5) { nodes { at channel summary } } } } }""",
    "Q4": """query Q4($industry: String!, $first: Int!) {
  clients(where: {profile: {industry: {eq: $industry}}}, first: $first,
    orderBy: [{field: DERIVED_CLIENT_VALUE, direction: DESC}]) {
    nodes { id number
      profile { name industry tags employees sizeBand location { country province city } }
      behaviour { contactCount90d lastContactAt purchasing { channel frequency }
        financials { revenue netProfit totalAssets totalLiabilities currency } }
      attitude { satisfaction }
      derived { creditRating clientValue debtRatio churnRisk segment } } } }""",
    "Q5": """query Q5 { clientGroups(by: [{field: DERIVED_SEGMENT}, {field: PROFILE_INDUSTRY}], first: 200) {
  nodes { keys { value } count average(of: DERIVED_CLIENT_VALUE) } } }""",
    "W1": """mutation W1($id: ID!, $version: Int!, $satisfaction: Long!, $key: String!) {
  clientChange(input: {id: $id, expectedVersion: $version, idempotencyKey: $key,
    changes: {attitude: {satisfaction: $satisfaction}}}) {
    client { id attitude { satisfaction } } errors { message } } }""",
}
WORK = tuple(KEHU_QUERIES)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Habit:
    """How a piece of work is measured, as in the peers' run.sh."""

    connections: int = 32
    seconds: int = 2
    bodies: int = 300
    compared: int = 25
    """Answers compared with the floor's before anything is measured."""


HABITS = {
    "Q1": Habit(bodies=5_000),
    "Q2": Habit(seconds=3),
    "Q3": Habit(seconds=3),
    "Q4": Habit(connections=8, seconds=4, compared=5),
    "Q5": Habit(connections=4, seconds=4, bodies=1, compared=1),
    "W1": Habit(bodies=20_000),
}


def peer_id(place: int) -> str:
    """The id that the peers' seed gives the client at a place."""
    return f"6500000001000000{place:08x}"


def peer_variables(work: str, draw: random.Random, clients: int, first: int | None = None) -> dict[str, Any]:
    """The variables of one request in the peers' words."""
    industry = draw.choice(INDUSTRIES)
    match work:
        case "Q1":
            return {"id": peer_id(draw.randrange(clients))}
        case "Q2":
            return {"industry": industry, "minValue": draw.choice(LEAST_VALUES), "first": first or 50}
        case "Q3":
            return {"industry": industry, "first": first or 20}
        case "Q4":
            return {"industry": industry, "first": first or 200}
        case "W1":
            return {"id": peer_id(draw.randrange(clients)), "satisfaction": draw.randrange(101)}
        case _:
            return {}


def kehu_variables(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same request's variables in Kehu's words."""
    return {name: client_id(value) if name == "id" else value for name, value in given.items()}


def body(work: str, query: str, variables: Mapping[str, Any]) -> str:
    """A request body on one line."""
    words = _SPACES.sub(" ", query)
    return json.dumps({"query": words, "operationName": work, "variables": variables})


def bodies(work: str, query: str, clients: int, *, is_kehu: bool, first: int | None = None) -> list[str]:
    """The request bodies of a piece of work: the same requests in the same order for every server.

    Those of W1 are for comparing answers; what is measured is made by `benchmarks.writes`.
    """
    draw = random.Random(f"{work}{first}")
    translated: Callable[[Mapping[str, Any]], Mapping[str, Any]] = kehu_variables if is_kehu else dict
    return [
        body(work, query, translated(peer_variables(work, draw, clients, first))) for _ in range(HABITS[work].bodies)
    ]


def normalised(answer: Any) -> Any:
    """An answer of any server as plain values that are equal where the facts are.

    Shape: fractions to ten digits, moments to whole seconds, no cursors.
    """
    match answer:
        case dict():
            return {key: normalised(value) for key, value in answer.items() if key != "endCursor"}
        case list():
            return [normalised(each) for each in answer]
        case bool():
            return answer
        case float():
            return int(answer) if answer == int(answer) else float(f"{answer:.10g}")
        case str() if re.match(r"\d{4}-\d\d-\d\dT", answer):
            return answer[:19]
        case _:
            return answer


def in_peer_words(work: str, data: Mapping[str, Any]) -> Any:
    """Kehu's answer to a piece of work in the shape of the peers' answer."""
    if work == "Q5":
        return {"clientStats": sorted((_group(each) for each in data["clientGroups"]["nodes"]), key=_group_order)}
    if work == "W1":
        return {"updateSatisfaction": _client(data["clientChange"]["client"])}
    if work == "Q1":
        return {"client": _client(data["client"])}
    page = data["clients"]
    if work == "Q2":
        edges = [{"node": _client(each["node"])} for each in page["edges"]]
        return {"clients": {**page, "edges": edges}}
    return {"clients": {"nodes": [_client(each) for each in page["nodes"]]}}


def _client(given: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(given)
    if "id" in found:
        found["id"] = found["id"].removeprefix("cl_")
    if "number" in found:
        found["clientNo"] = int(found.pop("number"))
    if "employees" in found.get("profile", {}):
        profile = dict(found["profile"])
        profile["companySize"] = {"employees": profile.pop("employees"), "band": profile.pop("sizeBand")}
        found["profile"] = profile
    if "interactions" in found:
        found["interactions"] = found["interactions"]["nodes"]
    return found


def _group(given: Mapping[str, Any]) -> dict[str, Any]:
    segment, industry = (each["value"] for each in given["keys"])
    return {"segment": segment, "industry": industry, "count": given["count"], "avgClientValue": given["average"]}


def _group_order(group: Mapping[str, Any]) -> tuple[str, str]:
    return group["segment"], group["industry"]
