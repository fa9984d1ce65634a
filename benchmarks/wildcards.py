"""What a wildcard index for each facet costs and gives, measured on the embedded mongod.

Run it with `python -m benchmarks.wildcards [CLIENTS]`; docs/decisions/0021-wildcard-indexes-as-an-option.md has the
figures and the rule.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acts.checks import now
from acts.demo import load_demo
from benchmarks.kehu import open_book, store_for
from benchmarks.machine import cpu_seconds
from benchmarks.sizes import sizes_of, write_out
from catalogue.attribute import Attribute, Facet
from catalogue.filters import Compare
from catalogue.kinds import Kind, Operator
from policy.viewer import program
from repositories.access import AuthorisedPlan
from repositories.attributes import DefinitionChange
from repositories.embedded import EmbeddedMongod
from repositories.plan import ID, Change, Page, ReadPlan
from repositories.repositories import Repositories

CLIENTS = 10_000
CHOICES: tuple[tuple[Facet, ...], ...] = ((), (Facet.PROFILE,), tuple(Facet))
ROUNDS = 3
BATCH = 500
CHANGES = 2_000
WRITERS = 32
PAGES = 15
TRIED = Attribute(
    path="profile.benchmarkTried",
    kind=Kind.STRING,
    label="Tried",
    description="Filtered by, and by no index of its own.",
)
VALUES = 500
"""Different values of the attribute, so that a question finds one client in as many."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """What many writes took: how many there were in a second, and mongod's processor time for one."""

    rate: float
    mongod_ms: float


async def timed(pid: int, count: int, work: Callable[[], Awaitable[object]]) -> Cost:
    """The cost of one of as many writes."""
    began, used = time.perf_counter(), cpu_seconds(pid)
    await work()
    return Cost(count / (time.perf_counter() - began), (cpu_seconds(pid) - used) / count * 1_000)


async def demonstration(uri: str, count: int) -> list[Document]:
    """Clients of the demonstration book as they are stored, each with a value that nothing is indexed by."""
    async with store_for(uri, "source") as store:
        repositories = await open_book(store)
        await load_demo(repositories, count, lambda _done, _count: None)
        found = await repositories.clients.collection.find({}, sort=[(ID, 1)])
        await store.drop_database()
    for place, each in enumerate(found):
        each["profile"]["benchmarkTried"] = f"tried {place % VALUES}"
    return found


@asynccontextmanager
async def _book(uri: str) -> Any:
    async with store_for(uri, "wildcards") as store:
        await store.drop_database()
        repositories = await open_book(store)
        await repositories.attributes.write(TRIED, DefinitionChange("benchmark", now()), 0)
        yield repositories
        await store.drop_database()


async def insert(repositories: Repositories, documents: Sequence[Document]) -> None:
    """All documents, a few hundred in a command."""
    for begin in range(0, len(documents), BATCH):
        await repositories.clients.collection.insert_many([dict(each) for each in documents[begin : begin + BATCH]])


async def change(repositories: Repositories, ids: Sequence[str]) -> None:
    """One value of each client, as `clientChange` does it: with version and history, by 32 writers at once."""
    waiting = iter(enumerate(ids))
    unseen = repositories.access.authorise(ReadPlan("clients", frozenset()), program("benchmark"))

    async def write() -> None:
        for place, each in waiting:
            values = {TRIED.path: f"tried {place % VALUES} anew"}
            await repositories.clients.write(each, Change(values, "benchmark", now()), unseen)

    await asyncio.gather(*(write() for _ in range(WRITERS)))


async def page_ms(repositories: Repositories) -> float:
    """The wait for a page of those who have one value of the attribute; the median of some."""
    waits = []
    for place in range(PAGES):
        where = Compare(TRIED.path, Operator.EQ, f"tried {VALUES - 1 - place}")
        plan = ReadPlan("clients", frozenset({"profile.name"}), where, page=Page(50))
        began = time.perf_counter()
        found = await repositories.clients.read_page(AuthorisedPlan(plan, where, "benchmark"))
        waits.append((time.perf_counter() - began) * 1_000)
        if not found.documents:
            raise SystemExit("nothing was found")
    return statistics.median(waits)


async def measure(uri: str, pid: int, documents: Sequence[Document], facets: Sequence[Facet]) -> dict[str, float]:
    """The figures of one choice, on a database of its own."""
    async with _book(uri) as repositories:
        await repositories.clients.sync_facet_indexes(facets)
        inserted = await timed(pid, len(documents), lambda: insert(repositories, documents))
        ids = [str(each[ID]) for each in documents[: min(CHANGES, len(documents) // 2)]]
        changed = await timed(pid, len(ids), lambda: change(repositories, ids))
        wait = await page_ms(repositories)
        write_out(uri)
        sizes = await sizes_of(repositories.store, "clients")
    wild = sum(size for name, size in sizes["indexes"].items() if name.startswith("facet_"))
    return {
        "inserts/s": inserted.rate,
        "mongod ms an insert": inserted.mongod_ms,
        "changes/s": changed.rate,
        "mongod ms a change": changed.mongod_ms,
        "data MB": sizes["data_mb"],
        "on disk MB": sizes["storage_mb"],
        "other indexes MB": sizes["indexes_mb"] - wild,
        "facet indexes MB": wild,
        "filter ms": wait,
    }


async def build_seconds(uri: str, documents: Sequence[Document]) -> float:
    """How long all four take where the clients are there already."""
    async with _book(uri) as repositories:
        await insert(repositories, documents)
        began = time.perf_counter()
        await repositories.clients.sync_facet_indexes(tuple(Facet))
        return time.perf_counter() - began


def table(found: Sequence[tuple[str, dict[str, float]]]) -> str:
    """The figures as a Markdown table, a column a choice."""
    heads = ["", *(name for name, _ in found)]
    rows = [[key, *(_figure(figures[key]) for _, figures in found)] for key in found[0][1]]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *rows))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The middle value of each figure."""
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


async def _run(mongod: EmbeddedMongod, count: int) -> None:
    uri = await mongod.start()
    pid = mongod.pid or 0
    try:
        documents = await demonstration(uri, count)
        found: dict[tuple[Facet, ...], list[dict[str, float]]] = {each: [] for each in CHOICES}
        for turn in range(ROUNDS):
            for facets in CHOICES:
                print(f"round {turn + 1}, {len(facets)} facets", file=sys.stderr, flush=True)
                found[facets].append(await measure(uri, pid, documents, facets))
        print(table([(f"{len(facets)} facets", medians(rounds)) for facets, rounds in found.items()]))
        print(f"All four made on {count:,} clients in {await build_seconds(uri, documents):.1f} s.")
    finally:
        await mongod.stop()


async def main() -> None:
    """Print one table: no wildcard index, one (of profile), and four."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CLIENTS
    with tempfile.TemporaryDirectory(prefix="kehu-wildcards-", ignore_cleanup_errors=True) as directory:
        await _run(EmbeddedMongod(Path(directory), cache_gb=1.0), count)


if __name__ == "__main__":
    asyncio.run(main())
