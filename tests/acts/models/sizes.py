"""A small model and a book for it: what the tests of binding and scoring share."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from acts.attributes import change_attribute
from acts.checks import now
from acts.jobs import JobHandler, enqueue
from acts.models.graphs import Graph
from acts.models.registry import Wanted, register_model, use_of
from catalogue.attribute import Attribute, AttributeOption
from catalogue.kinds import Kind
from repositories.repositories import Repositories
from tests.books import SMALL, VIEWER, attribute, change, stored
from worker.attempt import Manner, next_attempt
from worker.handlers import HANDLERS
from worker.schedules import KEHU

CODES = (AttributeOption(code="STEEL", label="Steel"), AttributeOption(code="TEA", label="Tea"))
CATALOGUE = SMALL.with_attributes(
    (attribute("derived.size", Kind.NUMBER, maximum=1_000), attribute("derived.rank", Kind.CODE, options=CODES))
)
VISITS = {"name": "visits", "path": "behaviour.visits", "unset": "NAN"}
EMPLOYEES = {"name": "employees", "path": "profile.employees"}


def size_file(factor: float = 2.0) -> bytes:
    """size = factor * employees + visits, without visits 0."""
    graph = Graph("size")
    employees, visits = graph.input("employees"), graph.input("visits")
    known = graph.op("Where", graph.op("IsNaN", visits), 0.0, visits)
    graph.output("size", graph.op("Add", graph.op("Mul", employees, factor), known))
    return graph.file({"name": "size", "inputs": [EMPLOYEES, VISITS]})


def rank_file() -> bytes:
    """TEA from a size of 100 on."""
    graph = Graph("rank")
    is_big = graph.op("Cast", graph.op("GreaterOrEqual", graph.input("size"), 100.0), to=7)
    names = graph.label(is_big, keys_int64s=[0, 1], values_strings=["STEEL", "TEA"], default_string="")
    graph.output("rank", names, "string")
    return graph.file({"name": "rank", "version": "1", "inputs": [{"name": "size", "path": "derived.size"}]})


def table_file() -> bytes:
    """The number of employees, as far as it stands in a table of 100."""
    graph = Graph("table")
    place = graph.op("Cast", graph.input("employees"), to=7)
    graph.output("size", graph.op("Gather", graph.constant([float(each) for each in range(100)]), place))
    return graph.file({"name": "table", "inputs": [EMPLOYEES]})


async def bind(book: Repositories, path: str, name: str, version: str = "1", **more: Any) -> Attribute:
    use = await use_of(book, {"name": name, "version": version, **more})
    given = {"model": use.model_dump(mode="json")}
    return (await change_attribute(VIEWER, book, path, given)).attribute


async def with_size(book: Repositories, factor: float = 2.0, version: str = "1") -> None:
    await register_model(VIEWER, book, Wanted("size", version, size_file(factor)))
    await bind(book, "derived.size", "size", version)


async def work(book: Repositories, handlers: Mapping[str, JobHandler] = HANDLERS) -> list[str]:
    """The states of the jobs that were due, worked off."""

    def source() -> Repositories:
        return book.on(book.feed.catalogue)

    states = []
    while attempt := await next_attempt(source, handlers, "w", Manner(wait=lambda _: timedelta(0))):
        await attempt.carry_out()
        found = await book.jobs.collection.find_one({"_id": attempt.run.job.id})
        states.append(str(found and found["state"]))
        if states[-1] == "QUEUED":
            break
    return states


async def changed(book: Repositories) -> list[str]:
    """The minute's look at who has changed."""
    await enqueue(KEHU, book, "model.changed", {})
    return await work(book)


async def derived(book: Repositories, client: str) -> Any:
    return (await stored(book, client))["derived"]


async def give(book: Repositories, client: str, values: dict[str, Any]) -> None:
    made = change(values)
    await book.clients.write_many([(client, type(made)(values, "M001", now(), key=f"M001:{now()}"))])
