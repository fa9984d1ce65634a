"""Load the demonstration book into an empty database."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from acts.checks import Guard, now
from acts.demo_book import DemoClient, demo_clients, demo_managers
from acts.demo_interactions import demo_interactions
from acts.demo_segments import load_segments
from acts.managers import create_manager
from acts.upsert_rows import ClientRow
from acts.upserts import upsert_clients
from catalogue.attribute import ClientKind, ClientStage
from catalogue.catalogue import Catalogue
from catalogue.values import flatten
from policy.viewer import program
from repositories.errors import AlreadyExists
from repositories.interactions import CLIENT_ID, INTERACTIONS
from repositories.plan import ID, Change, Proof
from repositories.repositories import Repositories, new_id

LOADER = program("demo")
PROOF = Proof(source="demonstration book", observer="Kehu", confidence=1.0)
BATCH = 500

Progress = Callable[[int, int], None]
"""Told how many clients are done, of how many."""


async def load_demo(repositories: Repositories, count: int, progress: Progress) -> int:
    """How many clients were made; none where the database has clients already.

    Order: clients who are pointed at come before those who point at them, so one pass is enough.
    """
    if count == 0 or await repositories.clients.collection.count({}, limit=1):
        return 0
    managers = demo_managers()
    ids = [await _manager_id(repositories, each["key"], each["values"]) for each in managers]
    rows = demo_clients(count, managers)
    done = 0
    while batch := list(islice(rows, BATCH)):
        await _load(repositories, batch, ids)
        done += len(batch)
        progress(done, count)
    await load_segments(LOADER, repositories)
    return done


async def _manager_id(repositories: Repositories, person: str, values: Mapping[str, object]) -> str:
    try:
        written = await create_manager(LOADER, repositories, person, values, Guard())
        return str(written.document[ID])
    except AlreadyExists:
        found = await repositories.managers.collection.find_one({"person": {"$eq": person}}, {ID: 1})
        return str(found[ID]) if found else ""


async def _load(repositories: Repositories, batch: list[DemoClient], managers: list[str]) -> None:
    """One batch: the clients, what they point at among earlier ones and each other, and their contacts."""
    catalogue = repositories.catalogue
    await _upsert(repositories, [_row(catalogue, each, managers) for each in batch])
    numbers = {number for each in batch for number in (each["number"], *_numbers(each))}
    found = await repositories.clients.find_by_numbers(numbers)
    ids = {number: str(document[ID]) for number, document in found.items()}
    pointing = [ClientRow(each["number"], values=_references(each, ids)) for each in batch if each["references"]]
    await _upsert(repositories, pointing)
    await _load_interactions(repositories, batch, ids, managers)


async def _load_interactions(
    repositories: Repositories, batch: list[DemoClient], ids: Mapping[str, str], managers: list[str]
) -> None:
    at = now()
    records = [
        (
            {ID: new_id(INTERACTIONS), CLIENT_ID: ids[each["number"]], "managerId": managers[each["manager"]]},
            Change(values, LOADER.person, at, PROOF),
        )
        for each in batch
        for values in demo_interactions(each)
    ]
    await repositories.interactions.insert_many(records)


async def _upsert(repositories: Repositories, rows: list[ClientRow]) -> None:
    report = await upsert_clients(LOADER, repositories, rows, PROOF)
    if report.problems:
        raise RuntimeError(f"the demonstration book does not fit the catalogue: {report.problems[0].message}")


def _row(catalogue: Catalogue, client: DemoClient, managers: list[str]) -> ClientRow:
    drawn, _ = flatten(catalogue, client["values"])
    values = {path: value for path, value in drawn.items() if not _is_computed(catalogue, path)}
    kind, stage = ClientKind(client["kind"]), ClientStage(client["stage"])
    return ClientRow(client["number"], kind, stage, managers[client["manager"]], values)


def _is_computed(catalogue: Catalogue, path: str) -> bool:
    """Whether the book computes the value itself; on a store that computes nothing it is given what was drawn."""
    attribute = catalogue.find(path)
    return attribute is not None and attribute.is_computed


def _numbers(client: DemoClient) -> Iterator[str]:
    for target in client["references"].values():
        yield from (target if isinstance(target, list) else [target])


def _references(client: DemoClient, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        path: [ids[each] for each in target] if isinstance(target, list) else ids[target]
        for path, target in client["references"].items()
    }
