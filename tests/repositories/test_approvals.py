"""Approvals as they are stored: one open one about a thing, closed by one command, found by where they stand now."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import anyio
import pytest

from policy.approvals import APPROVALS, ApprovalStatus, open_at, with_status
from policy.viewer import Viewer
from repositories.errors import AlreadyExists, NotFound, StaleVersion
from repositories.mongo import Store
from repositories.plan import ID, Order, Page, ReadPlan
from repositories.repositories import Repositories, new_id
from tests.books import ACCESS, AT, change, everything, open_book

AUDITOR = Viewer("A001", frozenset(("auditor",)))
STEWARD = Viewer("S001", frozenset(("data_steward",)))
MANAGER = Viewer("M009", frozenset(("relationship_manager",)))
DAY = timedelta(days=1)
ALL = ACCESS.authorise(ReadPlan(APPROVALS, frozenset()), AUDITOR)


@pytest.fixture
async def book(store: Store) -> Repositories:
    return await open_book(store)


async def put(book: Repositories, about: str | None, days: int = 14, status: str = "REQUESTED", **more: object) -> str:
    """The id of an approval that was put in without an act."""
    own: dict[str, object] = {"proposedAt": AT, "proposedBy": "M001", "mayDecide": ["data_steward"]}
    record = {ID: new_id(APPROVALS), **own, "expiresAt": AT + days * DAY, **more}
    record |= {} if about is None else {"open": about}
    await book.approvals.insert(record, change({"status": status}))
    return str(record[ID])


async def found(book: Repositories, viewer: Viewer, wanted: Sequence[ApprovalStatus], **more: Any) -> list[str]:
    """The subjects of a page, and that the count agrees."""
    plan = ReadPlan(
        APPROVALS,
        frozenset(("subject",)),
        None,
        (Order("proposedAt", True),),
        Page(9),
        momentary=with_status(wanted, AT),
    )
    authorised = ACCESS.authorise(plan, viewer)
    rows = (await book.approvals.read_page(authorised)).documents
    assert await book.approvals.count(authorised) == len(rows)
    return [str(each["subject"]) for each in rows]


class TestOpen:
    async def test_there_is_one_about_a_thing_and_any_number_of_closed_ones(self, book: Repositories) -> None:
        first = await put(book, "ACT:a")
        await put(book, "ACT:b")
        with pytest.raises(AlreadyExists):
            await put(book, "ACT:a")
        assert ((await book.approvals.find_open("ACT:a")) or {})[ID] == first
        await book.approvals.write(first, change({"status": "REFUSED", "open": None}), ALL)
        assert await book.approvals.find_open("ACT:a") is None
        second = await put(book, "ACT:a")
        await book.approvals.write(second, change({"status": "REFUSED", "open": None}), ALL)
        assert [each["status"] for each in (await everything(book))["approvals"]].count("REFUSED") == 2

    async def test_preparing_again_changes_nothing(self, book: Repositories) -> None:
        before = await book.approvals.collection.indexes()
        await book.approvals.prepare()
        assert set(before) == {"_id_", "open", "proposed"}
        assert await book.approvals.collection.indexes() == before


class TestClose:
    async def test_of_twenty_at_once_one_gets_it(self, book: Repositories) -> None:
        one = await put(book, "ACT:a")
        won: list[int] = []

        async def close(number: int) -> None:
            closing = change({"status": "APPROVED", "open": None, "decidedBy": f"P{number}"}, where=open_at(AT))
            try:
                await book.approvals.write(one, closing, ALL)
            except NotFound:
                return
            won.append(number)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(close, number)
        (row,) = (await everything(book))["approvals"]
        assert (len(won), row["decidedBy"], row["version"]) == (1, f"P{won[0]}", 2)

    async def test_not_after_its_time_nor_on_another_version(self, book: Repositories) -> None:
        one = await put(book, "ACT:a", days=1)
        before = await everything(book)
        with pytest.raises(NotFound):
            await book.approvals.write(one, change({"status": "APPROVED"}, where=open_at(AT + DAY)), ALL)
        with pytest.raises(StaleVersion):
            await book.approvals.write(one, change({"status": "APPROVED"}, where=open_at(AT), expected_version=2), ALL)
        assert await everything(book) == before


class TestRead:
    async def test_by_where_they_stand_now(self, book: Repositories) -> None:
        for status in ApprovalStatus:
            await put(book, None, status=str(status), subject=str(status).lower())
        await put(book, None, days=-1, subject="over", proposedAt=AT + DAY)
        for wanted, subjects in (
            ([ApprovalStatus.REQUESTED], ["requested"]),
            ([ApprovalStatus.EXPIRED], ["over", "expired"]),
            ([ApprovalStatus.APPROVED], ["approved"]),
            ([ApprovalStatus.REFUSED, ApprovalStatus.WITHDRAWN], ["withdrawn", "refused"]),
            ([], []),
        ):
            assert sorted(await found(book, AUDITOR, wanted)) == sorted(subjects)
        assert len(await found(book, AUDITOR, list(ApprovalStatus))) == 6

    async def test_only_what_concerns_the_viewer(self, book: Repositories) -> None:
        await put(book, None, subject="own", proposedBy="M009", mayDecide=["administrator"])
        await put(book, None, subject="to decide")
        await put(book, None, subject="of others", mayDecide=["administrator"])
        everyone = list(ApprovalStatus)
        assert await found(book, MANAGER, everyone) == ["own"]
        assert await found(book, STEWARD, everyone) == ["to decide"]
        assert len(await found(book, AUDITOR, everyone)) == 3

    async def test_a_cursor_outlives_the_moment_it_was_made(self, book: Repositories) -> None:
        for day in range(3):
            await put(book, None, subject=f"day {day}", proposedAt=AT + day * DAY)
        seen, after = [], None
        for second in range(3):
            moment = AT + timedelta(seconds=second)
            plan = ReadPlan(
                APPROVALS,
                frozenset(("subject",)),
                None,
                (Order("proposedAt", True),),
                Page(1, after=after),
                momentary=with_status([ApprovalStatus.REQUESTED], moment),
            )
            page = await book.approvals.read_page(ACCESS.authorise(plan, AUDITOR))
            seen += [each["subject"] for each in page.documents]
            (after,) = book.approvals.seal(ACCESS.authorise(plan, AUDITOR), page.documents)
        assert seen == ["day 2", "day 1", "day 0"]
