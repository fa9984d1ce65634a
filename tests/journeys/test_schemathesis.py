"""Requests made from the schema alone, by Schemathesis: for every operation and two roles, with a fixed seed."""

import io
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes
from schemathesis.core.result import Ok

from tests.figures import Figure
from tests.servers import Served, kehu_serve

EXAMPLES = 25
SEED = 20261126
ROLES = ("administrator", "relationship_manager")
SCALARS = {
    "Long": st.integers(-(2**63), 2**63 - 1).map(nodes.Int),
    "Decimal": st.decimals(allow_nan=False, allow_infinity=False).map(lambda each: nodes.String(f"{each:f}")),
    "Date": st.dates().map(lambda each: nodes.String(each.isoformat())),
    "DateTime": st.datetimes().map(lambda each: nodes.String(f"{each.isoformat()}Z")),
    "JSON": st.one_of(st.text().map(nodes.String), st.integers(-9, 9).map(nodes.Int), st.booleans().map(nodes.Boolean)),
}


def faults_of(answer: httpx2.Response) -> list[str]:
    """What no request may be answered with, whatever it says."""
    if answer.status_code >= 500:
        return [f"{answer.status_code}: {answer.text[:300]}"]
    codes = [each.get("extensions", {}).get("code") for each in answer.json().get("errors", ())]
    return [f"{code}: {answer.text[:300]}" for code in codes if code in (None, "INTERNAL")]


def operations(client: httpx2.Client) -> list[Any]:
    """Every root field of a query or mutation."""
    for name, strategy in SCALARS.items():
        schemathesis.graphql.scalar(name, strategy)
    sdl = client.get("/schema.graphql").text
    schema = schemathesis.graphql.from_file(io.StringIO(sdl))
    return [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]


def exercise(client: httpx2.Client, operation: Any, tally: Counter[str], faults: list[str]) -> None:
    """Send the examples of one operation."""

    @seed(SEED)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        answer = client.post("/graphql", json={"query": case.body})
        tally["sent"] += 1
        tally["answered"] += "errors" not in answer.json()
        faults.extend(f"{case.body}\n{each}" for each in faults_of(answer))

    send()


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_no_operation_fails(tmp_path: Path, mongod_uri: str, role: str, figure: Figure) -> None:
    more = {"KEHU_COST_PER_MINUTE": "0", "KEHU_MISSED_LOOKUPS_PER_MINUTE": "0", "KEHU_MONGODB_URI": mongod_uri}
    tally, faults = Counter[str](), list[str]()
    database = f"schema_{uuid.uuid4().hex[:12]}"
    with (
        kehu_serve(tmp_path, "--demo", "50", KEHU_DATABASE=database, **more) as served,
        client_of(served, role) as client,
    ):
        found = operations(client)
        for operation in found:
            exercise(client, operation, tally, faults)
    figure(
        f"schemathesis: {len(found)} operations as {role}, {tally['sent']} requests, "
        f"{tally['answered']} without an error, {len(faults)} faults"
    )
    assert len(found) > 15
    assert faults == []


def client_of(served: Served, role: str) -> httpx2.Client:
    headers = {"authorization": f"Bearer {served.tokens[role]}"}
    return httpx2.Client(base_url=served.url, headers=headers, timeout=60)
