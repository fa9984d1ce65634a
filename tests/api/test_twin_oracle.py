"""Two books that differ in what a data steward may not read, asked over time: every answer is the same, byte for byte.

Formulas, rollups, models and segments look at the hidden values; they are computed, changed and computed again.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

import pytest

from acts import checks
from acts.attributes import change_attribute, define_attribute
from acts.checks import UNGUARDED, Guard
from acts.clients import NewClient, change_client, create_client
from acts.interactions import NewInteraction, record_interaction
from acts.jobs import enqueue
from acts.models.graphs import Graph
from acts.models.registry import Wanted, register_model
from acts.recomputing import recompute_formula
from acts.segments import NewSegment, define_segment
from acts.segments_snapshots import take_snapshots
from api.editions import build_edition
from catalogue.attribute import ClientKind, Sensitivity
from catalogue.builtin import builtin_catalogue
from catalogue.catalogue import Catalogue
from catalogue.filters import Compare
from catalogue.kinds import Kind, Operator
from catalogue.rollups.rollup import Rollup, RollupFunction
from policy.viewer import Viewer
from repositories import rollups
from repositories.interactions import INTERACTIONS
from repositories.mongo import MongoSettings, Store, connect
from repositories.repositories import Repositories
from tests.acts.models.sizes import bind, changed, work
from tests.api.test_twin_books import asked
from tests.books import NO_PROOF, SMALL, VIEWER, attribute, open_book, stored
from worker import handlers

pytestmark = [pytest.mark.real_drivers, pytest.mark.parametrize("driver", ["pymongo"], indirect=True)]
STEWARD = Viewer("S001", frozenset(("data_steward",)))
BUILT_IN = builtin_catalogue()
CATALOGUE = Catalogue(
    (
        *SMALL.attributes,
        *BUILT_IN.area(INTERACTIONS).values(),
        attribute("profile.motto", sensitivity=Sensitivity.INTERNAL),
        attribute("behaviour.financials", Kind.GROUP),
        attribute("behaviour.financials.revenue", Kind.LONG),
    ),
    BUILT_IN.relations,
)
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
REVENUE = "behaviour.financials.revenue"
IS_RICH = {"$cond": [{"$gte": [f"${REVENUE}", 1_000_000]}, 1, None]}
IS_POOR = {"$cond": [{"$lt": [f"${REVENUE}", 1_000_000]}, 1, None]}
"""What tells the one book from the other."""
HISTORY = "pageInfo { hasNextPage endCursor } nodes { version by at source values { path old new } }"
CLIENT = f"""id number version createdAt updatedAt history(first: 3) {{ {HISTORY} }}
  changesBetween(after: "2020-01-01T00:00:00Z", until: "NOW") {{
    path old new changes {{ version at }}
  }}
  handovers(first: 2) {{ pageInfo {{ endCursor }} nodes {{ version at }} }}
  interactions(first: 2) {{ totalCount pageInfo {{ endCursor }} nodes {{ id }} }}
  attributes {{ path value source observedAt enteredAt isStale }} segments(first: 5) {{ nodes {{ code }} }}"""
JOB = "kind state attempts error progress { done total share }"


class Clock(datetime):
    """A clock that stands until it is moved."""

    moment = START

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.moment


@dataclass
class Book:
    """One of the two, with what was answered about it."""

    repositories: Repositories
    revenue: int
    contacts: int
    ids: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    told_others: list[str] = field(default_factory=list)

    @property
    def now(self) -> Repositories:
        return self.repositories.on(self.repositories.feed.catalogue)


async def enter(book: Book) -> None:
    for number in ("A", "B", "C"):
        revenue = book.revenue if number == "A" else 5_000
        facets = {"profile": {"name": f"Client {number}"}, "behaviour": {"financials": {"revenue": revenue}}}
        new = NewClient(number, ClientKind.ORGANISATION, facets=facets)
        made = await create_client(VIEWER, book.now, new, NO_PROOF, Guard(idempotency_key=number))
        book.ids.append(str(made.document["_id"]))
    await meet(book, book.contacts)


async def meet(book: Book, count: int = 1) -> None:
    for at in range(count):
        new = NewInteraction(book.ids[0], None, {"at": Clock.moment - timedelta(hours=1), "channel": "VISIT"})
        key = f"{Clock.moment} {at}"
        await record_interaction(VIEWER, book.now, new, Guard(idempotency_key=key))


async def define(book: Book) -> None:
    wanted = attribute("derived.oracle", Kind.LONG, formula=json.dumps(IS_RICH))
    await define_attribute(STEWARD, book.now, wanted)


async def redefine(book: Book) -> None:
    await change_attribute(STEWARD, book.now, "derived.oracle", {"formula": json.dumps(IS_POOR)})


async def compute(book: Book) -> None:
    await work(book.repositories)


async def roll_up(book: Book) -> None:
    where = Compare(REVENUE, Operator.GTE, 1_000_000)
    await define_segment(VIEWER, book.now, NewSegment("RICH", "Rich", where))
    rollup = Rollup(area="interactions", function=RollupFunction.COUNT, segment="RICH")
    # The steward may not know of that segment.
    await define_attribute(VIEWER, book.now, attribute("derived.richContacts", Kind.LONG, rollup=rollup))
    await work(book.repositories)


async def score(book: Book) -> None:
    graph = Graph("rich")
    graph.output("size", graph.op("Mul", graph.input("revenue"), 2.0))
    file = graph.file({"name": "rich", "version": "1", "inputs": [{"name": "revenue", "path": REVENUE}]})
    await register_model(STEWARD, book.now, Wanted(None, None, file))
    await define_attribute(STEWARD, book.now, attribute("derived.size", Kind.NUMBER, maximum=100_000))
    await bind(book.now, "derived.size", "rich")
    await work(book.repositories)
    await changed(book.repositories)


async def verify(book: Book) -> None:
    await enqueue(VIEWER, book.now, "formula.verify", {})
    await take_snapshots(book.now)
    await work(book.repositories)


async def rename(book: Book) -> None:
    await change_client(VIEWER, book.now, book.ids[0], {"profile": {"motto": "Another"}}, NO_PROOF, UNGUARDED)


async def grow(book: Book) -> None:
    revenue = {"behaviour": {"financials": {"revenue": 3_000_000 - book.revenue}}}
    await change_client(VIEWER, book.now, book.ids[0], revenue, NO_PROOF, UNGUARDED)
    await changed(book.repositories)


STEPS: tuple[Callable[[Book], Awaitable[None]], ...] = (
    enter, define, compute, roll_up, score, rename, redefine, compute, verify, meet, grow, verify,
)  # fmt: skip


def questions(book: Book) -> list[str]:
    one, client = book.ids[0], CLIENT.replace("NOW", Clock.moment.isoformat())
    found = [f"{{ clients(first: 5) {{ totalCount pageInfo {{ endCursor }} nodes {{ {client} }} }} }}"]
    span = int((Clock.moment - START) / timedelta(minutes=1))
    found += [
        f'{{ clients(first: 5, asOf: "{(START + timedelta(minutes=at, seconds=30)).isoformat()}") '
        f"{{ totalCount nodes {{ id version updatedAt history(first: 9) {{ {HISTORY} }} }} }} }}"
        for at in range(max(0, span - 3), span)
    ]
    found.append("{ models(first: 9) { nodes { name version error scoredUpTo attributes } } }")
    found.append(f"{{ jobs(first: 50) {{ totalCount nodes {{ {JOB} }} }} }}")
    found.append('{ attribute(path: "derived.oracle") { revision recompute { state revision done total } } }')
    found.append("{ segments(first: 9) { totalCount nodes { code size } } dataQuality(first: 50) { totalCount } }")
    change = 'changes: { profile: { motto: "X" } }'
    found.append(
        f'mutation {{ clientChange(input: {{ id: "{one}", expectedVersion: 99, {change} }}) '
        "{ client { version } errors { code message } } }"
    )
    return found


async def ask(book: Book) -> None:
    """Everything that the steward may ask, and one question by somebody who reads it all."""
    edition = build_edition(book.now)
    seen = edition.seen_by(STEWARD)
    for question in questions(book):
        answer = await asked(seen, STEWARD, question, {})
        assert "extensions" not in answer, answer
        book.told.append((question, answer))
    after = None
    while True:
        place = "" if after is None else f', after: "{after}"'
        question = f'{{ client(id: "{book.ids[0]}") {{ history(first: 1{place}) {{ {HISTORY} }} }} }}'
        answer = await asked(seen, STEWARD, question, {})
        book.told.append((question, answer))
        page = json.loads(answer)["data"]["client"]["history"]["pageInfo"]
        if not page["hasNextPage"]:
            break
        after = page["endCursor"]
    question = questions(book)[0]
    book.told_others.append(await asked(edition.seen_by(VIEWER), VIEWER, question, {}))
    assert "extensions" not in book.told_others[-1], book.told_others[-1]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "datetime", Clock)
    monkeypatch.setattr(rollups, "_now", lambda: Clock.moment)
    monkeypatch.setattr(handlers, "recompute_formula", partial(recompute_formula, settle_seconds=0))


async def lived(store: Store, revenue: int, contacts: int) -> Book:
    book = Book(await open_book(store, CATALOGUE), revenue, contacts)
    for place, step in enumerate(STEPS):
        Clock.moment = START + timedelta(minutes=place)
        await step(book)
        await ask(book)
    return book


async def test_a_steward_learns_nothing_over_time(store: Store, store_settings: MongoSettings) -> None:
    other = connect(replace(store_settings, database=f"{store_settings.database}b"))
    try:
        one = await lived(store, 2_000_000, 1)
        two = await lived(other, 1_000, 3)
        (first, second) = [(await stored(each.repositories, each.ids[0]))["sequence"] for each in (one, two)]
    finally:
        await other.drop_database()
        await other.close()
    assert one.ids == two.ids
    assert first != second, "programs have entered more of the one than of the other"
    for first, second in zip(one.told, two.told, strict=True):
        assert first == second
    pairs = zip(one.told_others, two.told_others, strict=True)
    assert all(first != second for first, second in pairs), "whoever reads all of it sees that the books differ"
