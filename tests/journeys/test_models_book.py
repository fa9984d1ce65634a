"""The shipped models over a big book of the demonstration, with a worker that is killed half way."""

import json
import time
from typing import Any

import pytest

from acts.attributes import change_attribute
from acts.demo import load_demo
from acts.jobs import enqueue
from acts.models.registry import Wanted, find_model, register_model, shipped_file, use_of
from catalogue.builtin import builtin_catalogue
from repositories.mongo import Store
from repositories.repositories import Repositories
from tests.books import VIEWER, open_book
from tests.figures import Figure
from worker.attempt import Manner, next_attempt
from worker.handlers import HANDLERS
from worker.schedules import KEHU

CLIENTS = 4_000
USES = (
    ("derived.clientValue", "client-value", "value"),
    ("derived.creditRating", "credit-rating", "rating"),
    ("derived.creditScore", "credit-rating", "score"),
    ("derived.churnRisk", "churn-risk", "churnRisk"),
    ("derived.tier", "value-tier", "tier"),
)


@pytest.fixture
def driver() -> str:
    return "pymongo"


async def _work(book: Repositories, *, stops_after: int | None = None) -> None:
    """Works off what is due; the first job is left in the middle, without a word, if wanted."""
    while attempt := await next_attempt(lambda: book.on(book.feed.catalogue), HANDLERS, "w", Manner()):
        if stops_after is not None:
            attempt.run.stop = "killed"
            stops_after = None
        await attempt.carry_out()


async def _bind(book: Repositories, path: str, name: str, output: str) -> None:
    if await find_model(book, name) is None:
        await register_model(VIEWER, book, Wanted(None, None, shipped_file(name)))
    use = await use_of(book, {"name": name, "output": output})
    changes: dict[str, Any] = {"model": use.model_dump(mode="json"), "sensitivity": "CONFIDENTIAL"}
    await change_attribute(VIEWER, book, path, changes)


async def _look(book: Repositories, key: str) -> dict[str, dict[str, int]]:
    """What a look at who has changed came to."""
    job = await enqueue(KEHU, book, "model.changed", {}, key=key)
    await _work(book)
    done = await book.jobs.collection.find_one({"_id": job.id})
    assert done is not None
    found: dict[str, dict[str, int]] = json.loads(done["result"])
    return found


@pytest.mark.long
async def test_a_big_book_by_all_shipped_models(store: Store, figure: Figure) -> None:
    book = await open_book(store, builtin_catalogue())
    await load_demo(book, CLIENTS, lambda _done, _of: None)
    for path, name, output in USES:
        await _bind(book, path, name, output)
    began = time.monotonic()
    await _work(book, stops_after=1)
    seconds = time.monotonic() - began
    jobs = await book.jobs.collection.find({"kind": "model.score"})
    assert [each["state"] for each in jobs] == ["DONE"] * len(USES)
    changed = await book.store.collection("changes").count({"by": "kehu-models"})
    figure(
        f"models: {CLIENTS:,} clients, {len(USES)} attributes of 4 models in {seconds:.0f} s, one run stopped half way"
    )
    rows = await book.clients.collection.find({}, {"derived": 1, "tail": 1, "kind": 1})
    scored = [each for each in rows if any(entry["by"] == "kehu-models" for entry in each["tail"])]
    figure(f"models: {len(scored):,} clients have scored values, {changed:,} changes have left the tails")
    assert len(scored) > CLIENTS * 0.9
    # tiers that were scored before their values are mended by the first look; the second finds all as it is to be
    looks = [await _look(book, str(number)) for number in range(2)]
    figure(f"models: two more looks at all of them: {looks}")
    assert sum(each["changed"] for each in looks[1].values()) == 0
    again = {str(each["_id"]): each["derived"] for each in await book.clients.collection.find({}, {"derived": 1})}
    valued = [derived for derived in again.values() if "clientValue" in derived and "tier" in derived]
    share = sum(derived["tier"] == "A" for derived in valued) / len(valued)
    figure(f"models: {share:.1%} of the clients with a value are of tier A")
    assert 0.07 < share < 0.13
