"""Whatever the policy: no byte of a file depends on what its owner may not see."""

import asyncio
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random

import pytest

from acts.demo import load_demo
from acts.exporting.clients import ExportOrder
from catalogue.attribute import CLIENTS
from policy.rules import Right
from repositories.mongo import MongoSettings, connect
from repositories.repositories import Repositories
from tests.acts.exporting.conftest import opened
from tests.acts.exporting.test_clients import text_of
from tests.api.test_twin_books import CATALOGUE, COLLECTIONS, PATHS, ROLE
from tests.twins import Document, random_policy, twin_of, viewer_of

POLICIES = 60 if os.environ.get("KEHU_TEST_LONG") else 6


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def books(runner: asyncio.Runner) -> dict[str, list[Document]]:
    async def load() -> dict[str, list[Document]]:
        repositories = await opened(connect(MongoSettings(driver="memory")), Path("nowhere"))
        await load_demo(repositories, 40, lambda _done, _count: None)
        return {name: await repositories.store.collection(name).find({}) for name in COLLECTIONS}

    return runner.run(load())


@pytest.mark.parametrize("seed", range(POLICIES))
def test_files_of_twin_books_are_equal(runner: asyncio.Runner, books: dict[str, list[Document]], seed: int) -> None:
    random = Random(seed)
    drawn, viewer = random_policy(random, ROLE, PATHS), viewer_of(books, ROLE, random)
    (rule,) = drawn.rules
    policy = drawn.model_copy(
        update={"rules": (rule.model_copy(update={"rights": rule.rights | {Right.EXPORT_CLIENTS}}),)}
    )

    async def seen(rows: dict[str, list[Document]]) -> Repositories:
        made = (await opened(connect(MongoSettings(driver="memory")), Path("nowhere"))).on(CATALOGUE, policy)
        for name, documents in rows.items():
            if documents:
                await made.store.collection(name).insert_many(deepcopy(documents))
        return made

    one = runner.run(seen(books))
    two = runner.run(seen(twin_of(books, one.access, CATALOGUE, viewer, random)))
    paths = sorted(CATALOGUE.area(CLIENTS))
    for order in (
        ExportOrder("csv"),
        ExportOrder("jsonl", attributes=tuple(random.sample(paths, 3))),
        ExportOrder("csv", search="hidden"),
        ExportOrder("jsonl", where=_some_where(random)),
    ):
        assert runner.run(text_of(one, viewer, order)) == runner.run(text_of(two, viewer, order)), order


def _some_where(random: Random) -> dict[str, object]:
    path = random.choice([each.path for each in CATALOGUE.leaves("profile") if not each.is_list])
    inner: dict[str, object] = {"isNull": random.random() < 0.5}
    for word in reversed(path.split(".")):
        inner = {word: inner}
    return inner
