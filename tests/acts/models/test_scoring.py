"""Scoring: the whole book, those who have changed, what is left alone, and what happens when a model is away."""

from datetime import timedelta
from typing import Any

import pytest

from acts.checks import now
from acts.models import runtime
from acts.models.files import RuntimeAway
from acts.models.registry import Wanted, find_model, register_model
from acts.models.scoring import has_changes
from repositories.mongo import Store
from repositories.plan import Change
from repositories.repositories import Repositories
from tests.acts.models.sizes import CATALOGUE, bind, changed, derived, give, rank_file, table_file, with_size, work
from tests.books import VIEWER, insert, open_book, record, stored
from worker.attempt import Manner, next_attempt
from worker.handlers import HANDLERS


@pytest.fixture(params=("memory", "pymongo"))
def driver(request: pytest.FixtureRequest) -> str:
    """Motor sends the same commands as PyMongo, and each test makes a database."""
    name: str = request.param
    return name


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


class TestScoreBook:
    async def test_every_client_with_its_inputs(self, book: Repositories) -> None:
        one = await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10, "behaviour.visits": 3})
        two = await insert(book, "C2", {"profile.name": "Wu", "profile.employees": 7})
        three = await insert(book, "C3", {"profile.name": "Xu", "derived.size": 5.0})
        four = await insert(book, "C4", {"profile.name": "Yu", "profile.employees": 4_000, "derived.size": 6.0})
        await with_size(book)
        assert await derived(book, one) == {}
        assert await work(book) == ["DONE"]
        assert [(await derived(book, each)).get("size") for each in (one, two, three, four)] == [23.0, 14.0, None, None]
        (entry,) = [each for each in (await stored(book, one))["tail"] if each["by"] == "kehu-models"]
        assert (entry["source"], entry["values"]) == ("model size 1", [{"path": "derived.size", "new": 23.0}])

    async def test_twice_changes_nothing(self, book: Repositories) -> None:
        one = await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        await with_size(book)
        await work(book)
        before = await stored(book, one)
        assert await changed(book) == ["DONE"]
        assert await stored(book, one) == before

    async def test_goes_on_from_its_checkpoint(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("acts.models.scoring.BATCH", 2)
        ids = [await insert(book, f"C{at}", {"profile.name": "Li", "profile.employees": at}) for at in range(5)]
        await with_size(book)
        attempt = await next_attempt(lambda: book.on(book.feed.catalogue), HANDLERS, "w", Manner())
        assert attempt is not None
        attempt.run.stop = "its worker ends"
        await attempt.carry_out()
        sizes = [(await derived(book, each)).get("size") for each in sorted(ids)]
        assert sum(each is not None for each in sizes) == 2
        assert await work(book) == ["DONE"]
        assert [(await derived(book, each))["size"] for each in ids] == [0.0, 2.0, 4.0, 6.0, 8.0]
        found = [await stored(book, each) for each in ids]
        assert [(each["version"], each["sequence"]) for each in found] == [(1, 2)] * 5

    async def test_new_version_replaces_the_old_one(self, book: Repositories) -> None:
        one = await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        await with_size(book)
        await work(book)
        await with_size(book, 3.0, "2")
        assert (await derived(book, one))["size"] == 20.0
        await work(book)
        assert (await derived(book, one))["size"] == 30.0
        assert [each.get("source") for each in (await stored(book, one))["tail"]][-2:] == [
            "model size 1",
            "model size 2",
        ]


class TestScoreChanged:
    async def test_only_after_the_whole_book(self, book: Repositories) -> None:
        await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        assert not await has_changes(book)
        await with_size(book)
        assert not await has_changes(book)
        await work(book)
        assert await has_changes(book)

    async def test_who_has_changed_and_what_hangs_on_it(self, book: Repositories) -> None:
        one = await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        await with_size(book)
        await register_model(VIEWER, book, Wanted(None, None, rank_file()))
        await bind(book, "derived.rank", "rank")
        assert await work(book) == ["DONE", "DONE"]
        assert await derived(book, one) == {"size": 20.0, "rank": "STEEL"}
        await give(book, one, {"profile.employees": 60})
        assert await changed(book) == ["DONE"]
        assert await derived(book, one) == {"size": 120.0, "rank": "TEA"}
        await give(book, one, {"profile.employees": None})
        await changed(book)
        assert await derived(book, one) == {}

    async def test_who_came_by_a_batch_that_had_begun_before_the_last_run(self, book: Repositories) -> None:
        await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        await with_size(book)
        await work(book)
        begun = now() - timedelta(seconds=60)
        values = {"stage": "PROSPECT", "profile.name": "Wu", "profile.employees": 30}
        late = record("C2")
        await book.clients.insert_many([(late, Change(values, "M001", begun, key="M001:batch"))])
        await changed(book)
        assert await derived(book, str(late["_id"])) == {"size": 60.0}

    async def test_a_client_on_whom_the_model_fails_stops_no_other(self, book: Repositories) -> None:
        one = await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        two = await insert(book, "C2", {"profile.name": "Wu", "profile.employees": 123_456})
        await register_model(VIEWER, book, Wanted("table", "1", table_file()))
        await bind(book, "derived.size", "table")
        assert await work(book) == ["DONE"]
        assert (await derived(book, one), await derived(book, two)) == ({"size": 10.0}, {})
        await give(book, one, {"profile.employees": 654_321})
        await give(book, two, {"profile.employees": 123_456, "profile.name": "Mo"})
        assert await changed(book) == ["FAILED"]
        assert await derived(book, one) == {"size": 10.0}
        (job,) = await book.jobs.collection.find({"state": "FAILED"})
        model = await find_model(book, "table", "1")
        for text in (job["error"], model and model.error):
            assert "Gather" in str(text)
            # It is shown to all who may see jobs or models.
            assert "123456" not in str(text)
            assert "654321" not in str(text)
        # Whether it fails is decided by values.
        assert model is not None
        assert model.error_tells

    async def test_wrong_stored_values_count_as_unset(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        await store.collection("clients").update_one(
            {"_id": one}, {"$set": {"profile.employees": "many", "behaviour.visits": [1]}}
        )
        await with_size(book)
        assert await work(book) == ["DONE"]
        assert await derived(book, one) == {}


class TestAway:
    async def test_runtime(self, book: Repositories, monkeypatch: pytest.MonkeyPatch) -> None:
        one = await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10, "derived.size": 1.0})
        await with_size(book)

        def away() -> Any:
            raise RuntimeAway("onnxruntime")

        monkeypatch.setattr(runtime, "_onnxruntime", away)
        assert await work(book) == ["QUEUED"]
        model = await find_model(book, "size")
        assert model is not None
        assert (model.error or "").startswith(
            'Running a model needs the extra "ml", of which onnxruntime is not there.'
        )
        assert not model.error_tells
        assert (model.scored_up_to, await derived(book, one)) == (None, {"size": 1.0})
        monkeypatch.undo()
        assert await work(book) == ["DONE"]
        model = await find_model(book, "size")
        assert model is not None
        assert (model.error, await derived(book, one)) == (None, {"size": 20.0})

    async def test_file_that_is_another_one(self, book: Repositories, store: Store) -> None:
        await insert(book, "C1", {"profile.name": "Li", "profile.employees": 10})
        await with_size(book)
        await store.collection("models").update_one({}, {"$set": {"file": b"something else"}})
        assert await work(book) == ["FAILED"]
        model = await find_model(book, "size")
        assert model is not None
        assert model.error == "The file of size 1 is not the one that was registered; register it again."
