"""Values that are kept for some days: cleared in time, and the history says no longer what they were."""

from datetime import datetime, timedelta
from typing import Any

import bson
import pytest

from acts.retention import retain
from catalogue.attribute import Sensitivity
from policy.viewer import Viewer, program
from repositories.access import NotAllowed
from repositories.mongo import Store
from repositories.plan import Proof, ReadPlan
from repositories.repositories import Repositories
from tests.books import AT, SMALL, attribute, change, everything, insert, open_book, stored

DAYS = 30
CATALOGUE = SMALL.with_attributes(
    (
        attribute("profile.badge", retain_days=DAYS, sensitivity=Sensitivity.RESTRICTED, is_lookup=True),
        attribute("profile.nickname", retain_days=DAYS, is_searchable=True),
    )
)
OFFICER = program("officer")
SOON, LATE = AT + timedelta(days=DAYS), AT + timedelta(days=DAYS, seconds=1)


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store, CATALOGUE)


async def write(book: Repositories, client_id: str, values: dict[str, Any], at: datetime, **more: Any) -> None:
    made = change(values, **more)
    answer = book.access.authorise(ReadPlan("clients", frozenset()), OFFICER)
    await book.clients.write(client_id, type(made)(values, "M001", at, **more), answer)


async def figures(book: Repositories, at: datetime, *, dry_run: bool = False) -> dict[str, tuple[int, int]]:
    return {each.path: (each.cleared, each.forgotten) for each in await retain(OFFICER, book, dry_run=dry_run, at=at)}


async def whole(store: Store) -> bytes:
    rows = [each for name in ("clients", "changes") for each in await store.collection(name).find({})]
    return b"".join(bson.encode(each) for each in rows)


NOTHING = {"profile.badge": (0, 0), "profile.nickname": (0, 0)}


class TestRetain:
    async def test_a_value_goes_when_its_days_are_over(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", {"profile.badge": "B1", "profile.nickname": "Oldname", "profile.name": "Li"})
        assert await figures(book, SOON) == NOTHING
        before = await everything(book)
        would = await figures(book, LATE, dry_run=True)
        assert (would["profile.nickname"], await everything(book)) == ((1, 1), before)
        assert await figures(book, LATE) == {"profile.badge": (1, 2), "profile.nickname": (1, 2)}
        document = await stored(book, one)
        assert (document["profile"], document["lookups"]) == ({"name": "Li"}, {})
        assert (document["tail"][-1]["by"], document["tail"][-1]["source"]) == ("officer", "kept for 30 days")
        assert b"Oldname" not in await whole(store)
        assert b"oldname" not in await whole(store)
        assert [row["path"] for row in document["tail"][-1]["values"]] == ["profile.nickname"]
        assert await figures(book, LATE) == NOTHING

    async def test_what_was_seen_again_stays_and_only_the_old_value_is_forgotten(
        self, book: Repositories, store: Store
    ) -> None:
        one = await insert(book, "C1", {"profile.nickname": "Oldname"})
        await write(book, one, {"profile.nickname": "Newname"}, SOON)
        assert await figures(book, LATE) == NOTHING | {"profile.nickname": (0, 2)}
        document = await stored(book, one)
        assert document["profile"] == {"nickname": "Newname"}
        assert document["tail"][-1]["values"] == [{"path": "profile.nickname", "new": "Newname"}]
        assert b"Oldname" not in await whole(store)

    async def test_the_observation_counts_and_not_the_entry(self, book: Repositories) -> None:
        long_ago = Proof(observed_at=AT - timedelta(days=5))
        one = await insert(book, "C1", {"profile.nickname": "Oldname"}, proof=long_ago)
        two = await insert(book, "C2", {"profile.name": "Wu"})
        await write(book, two, {"profile.nickname": "Name"}, AT, proof=long_ago)
        assert (await figures(book, AT + timedelta(days=DAYS - 4)))["profile.nickname"] == (2, 4)
        assert [(await stored(book, each))["profile"].get("nickname") for each in (one, two)] == [None, None]

    async def test_changes_that_have_moved_out_forget_too(self, book: Repositories, store: Store) -> None:
        one = await insert(book, "C1", {"profile.nickname": "Oldname 0"})
        for place in range(1, 30):
            await write(book, one, {"profile.nickname": f"Oldname {place}"}, AT)
        assert await store.collection("changes").count({"recordId": one}) > 0
        assert (await figures(book, LATE))["profile.nickname"] == (1, 31)
        assert b"Oldname" not in await whole(store)

    async def test_not_by_everybody(self, book: Repositories) -> None:
        with pytest.raises(NotAllowed):
            await retain(Viewer("A001", frozenset(("auditor",))), book)


class TestWhatHangsOnAValue:
    @pytest.mark.real_drivers
    async def test_what_was_computed_of_a_value_is_forgotten_with_it(self, store: Store) -> None:
        book = await open_book(
            store,
            CATALOGUE.with_attributes(
                (
                    attribute("derived.called", formula='"$profile.nickname"', derived_from=("profile.nickname",)),
                    attribute("derived.shout", formula='"$derived.called"', derived_from=("derived.called",)),
                )
            ),
        )
        one = await insert(book, "C1", {"profile.nickname": "Oldname"})
        assert (await stored(book, one))["derived"] == {"called": "Oldname", "shout": "Oldname"}
        assert (await figures(book, LATE))["profile.nickname"] == (1, 6)
        assert b"Oldname" not in await whole(store)
        assert (await stored(book, one))["derived"] == {}

    async def test_the_history_of_who_became_part_of_another_forgets_too(
        self, book: Repositories, store: Store
    ) -> None:
        one = await insert(book, "C1", {"profile.name": "Li"})
        merged = {"id": "cl_gone", "number": "C2", "version": 2, "at": AT, "by": "M001"}
        await store.collection("clients").update_one({"_id": one}, {"$set": {"merged": [merged]}})
        rows = [{"path": "profile.nickname", "new": "Oldname"}], [{"path": "profile.nickname", "old": "Oldname"}]
        entries = [
            {"_id": f"cl_gone:{at}", "recordId": "cl_gone", "version": at, "at": when, "values": values}
            for at, when, values in ((1, AT, rows[0]), (2, SOON, rows[1]))
        ]
        await store.collection("changes").insert_many(entries)
        assert (await figures(book, LATE, dry_run=True))["profile.nickname"] == (0, 2)
        assert (await figures(book, LATE))["profile.nickname"] == (0, 2)
        assert b"Oldname" not in await whole(store)
